import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 4000000


class Node(object):
    __slots__ = ("value", "next")

    def __init__(self, value):
        self.value = value
        self.next = None


class ListQueue(object):
    def __init__(self):
        self.first = self.last = None
        self.count = 0

    def put(self, value):
        node = Node(value)
        if self.last:
            self.last.next = node
        else:
            self.first = node
        self.last = node
        self.count += 1

    def take(self):
        node = self.first
        self.first = node.next
        if node.next is None:
            self.last = None
        self.count -= 1
        return node.value


class ArrayQueue(object):
    def __init__(self):
        self.head = self.tail = self.count = 0
        self.items = [0] * 16

    def put(self, value):
        size = len(self.items)
        if self.count == size:
            self.items = self.items[self.head:] + self.items[:self.head] + [0] * size
            self.head, self.tail = 0, size
        self.items[self.tail] = value
        self.tail = (self.tail + 1) % len(self.items)
        self.count += 1

    def take(self):
        value = self.items[self.head]
        self.head = (self.head + 1) % len(self.items)
        self.count -= 1
        return value


def exercise(queue, n):
    h = 0
    for i in range(1, 101):
        queue.put(i)
    for i in range(1, n + 1):
        v = queue.take()
        h = (h * 31 + v) % 1000003
        queue.put((v * 7 + i) % 10007)
    return h + queue.count


print("queue %d %d" % (exercise(ListQueue(), N // 2), exercise(ArrayQueue(), N // 2)))
