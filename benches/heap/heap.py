import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 450000


class Event(object):
    __slots__ = ("time", "id")

    def __init__(self, time, id_):
        self.time = time
        self.id = id_

    def before(self, other):
        return self.time < other.time if self.time != other.time else self.id < other.id


class Heap(object):
    def __init__(self):
        self.items = [None]

    def push(self, e):
        items = self.items
        items.append(e)
        i = len(items) - 1
        while i > 1:
            p = items[i // 2]
            if not e.before(p):
                break
            items[i] = p
            i //= 2
        items[i] = e

    def pop(self):
        items = self.items
        top, last = items[1], items.pop()
        n = len(items) - 1
        if n > 0:
            i = 1
            while True:
                child = 2 * i
                if child > n:
                    break
                if child < n and items[child + 1].before(items[child]):
                    child += 1
                if not items[child].before(last):
                    break
                items[i] = items[child]
                i = child
            items[i] = last
        return top


seed = 11


def random(n):
    global seed
    seed = (seed * 3877 + 29573) % 139968
    return seed * n // 139968


def main():
    heap = Heap()
    for i in range(1, 1001):
        heap.push(Event(random(1000), i))
    h = 0
    for i in range(1, N + 1):
        e = heap.pop()
        h = (h * 31 + e.time + e.id) % 1000003
        heap.push(Event(e.time + 1 + random(1000), 1000 + i))
    print("heap %d %d" % (len(heap.items) - 1, h))


main()
