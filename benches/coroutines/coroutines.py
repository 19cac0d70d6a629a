import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 140


def numbers(n):
    for i in range(1, n + 1):
        yield i


def mapped(source, f):
    for v in source:
        yield f(v)


def build(depth, base):
    if depth == 0:
        return (None, base, None)
    return (build(depth - 1, base * 2), base, build(depth - 1, base * 2 + 1))


def walk(tree):
    if tree[0]:
        for v in walk(tree[0]):
            yield v
    yield tree[1]
    if tree[2]:
        for v in walk(tree[2]):
            yield v


def task(i):
    id_ = i
    for k in range(1, i % 20 + 11):
        id_ += yield id_ * k


def schedule(tasks):
    h, live = 0, list(enumerate(tasks))
    first = True
    while live:
        still = []
        for i, t in live:
            try:
                h = (h * 31 + t.send(None if first else i + 1)) % 1000003
                still.append((i, t))
            except StopIteration:
                pass
        live = still
        first = False
    return h


def main():
    h, tree = 0, build(9, 1)
    for r in range(1, N + 1):
        for v in mapped(mapped(numbers(10000), lambda x: x + r), lambda x: x % 1009):
            h = (h * 31 + v) % 1000003
        for v in walk(tree):
            h = (h * 31 + v) % 1000003
        h = (h + schedule([task(i) for i in range(1, 201)])) % 1000003
    print("coroutines %d" % h)


main()
