import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 100
seed = 13


def random(n):
    global seed
    seed = (seed * 3877 + 29573) % 139968
    return seed * n // 139968


class Block(object):
    def __init__(self, id_):
        self.id = id_
        self.succ = []
        self.pred = []
        self.order = 0
        self.idom = None
        self.depth = 0

    def to(self, other):
        self.succ.append(other)
        other.pred.append(self)


def generate(n):
    blocks = [Block(i) for i in range(1, n + 1)]
    for i in range(1, n):
        blocks[i - 1].to(blocks[i])
        kind = random(4)
        if kind == 0:
            blocks[i - 1].to(blocks[min(n, i + 2 + random(10)) - 1])
        elif kind == 1 and i > 20:
            blocks[i - 1].to(blocks[i - random(20) - 1])
    return blocks


def number(entry):
    stack, child, post, seen = [entry], [0], [], {entry}
    while stack:
        b, k = stack[-1], child[-1]
        if k < len(b.succ):
            child[-1] = k + 1
            s = b.succ[k]
            if s not in seen:
                seen.add(s)
                stack.append(s)
                child.append(0)
        else:
            stack.pop()
            child.pop()
            post.append(b)
    post.reverse()
    for i, b in enumerate(post):
        b.order = i + 1
    return post


def meet(a, b):
    while a is not b:
        while a.order > b.order:
            a = a.idom
        while b.order > a.order:
            b = b.idom
    return a


def dominators(order):
    rounds, changed = 0, True
    order[0].idom = order[0]
    while changed:
        changed = False
        rounds += 1
        for b in order[1:]:
            dom = None
            for p in b.pred:
                if p.idom is not None:
                    dom = meet(p, dom) if dom is not None else p
            if b.idom is not dom:
                b.idom = dom
                changed = True
    return rounds


def dominates(a, b):
    while b.order > a.order:
        b = b.idom
    return a is b


def loops(order):
    count = 0
    for header in reversed(order):
        body, work = None, []
        for p in header.pred:
            if p.order > 0 and dominates(header, p):
                body = body or {header}
                if p not in body:
                    body.add(p)
                    work.append(p)
        if body:
            count += 1
            header.depth += 1
            while work:
                b = work.pop()
                b.depth += 1
                for p in b.pred:
                    if p not in body:
                        body.add(p)
                        work.append(p)
    return count


def main():
    h = total = 0
    for _ in range(N):
        order = number(generate(2000)[0])
        rounds = dominators(order)
        total += loops(order)
        for b in order:
            h = (h * 31 + b.id + b.idom.id * 3 + b.depth) % 1000003
        h = (h + rounds) % 1000003
    print("graph %d %d" % (total, h))


main()
