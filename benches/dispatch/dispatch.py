import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 4000


class Shape(object):
    def __init__(self, id_):
        self.id = id_

    def area(self):
        return 0

    def corners(self):
        return 0

    def weight(self):
        return self.area() * 2 + self.corners()

    def move(self, d):
        self.id = (self.id + d) % 997


class Polygon(Shape):
    def __init__(self, id_, n):
        Shape.__init__(self, id_)
        self.n = n

    def corners(self):
        return self.n


class Rectangle(Polygon):
    def __init__(self, id_, w, h):
        Polygon.__init__(self, id_, 4)
        self.w = w
        self.h = h

    def area(self):
        return self.w * self.h


class Square(Rectangle):
    def __init__(self, id_, side):
        Rectangle.__init__(self, id_, side, side)

    def weight(self):
        return Rectangle.weight(self) + 1


class Triangle(Polygon):
    def __init__(self, id_, base, height):
        Polygon.__init__(self, id_, 3)
        self.base = base
        self.height = height

    def area(self):
        return self.base * self.height

    def move(self, d):
        Polygon.move(self, d * 3)
        self.base = self.base % 19 + 1


class Dot(Shape):
    def weight(self):
        return self.id % 5


def make(i):
    k = i * 7 % 5
    if k == 0:
        return Rectangle(i, i % 11, i % 13)
    if k == 1:
        return Square(i, i % 17)
    if k == 2:
        return Triangle(i, i % 19, i % 7)
    if k == 3:
        return Dot(i)
    return Polygon(i, i % 9)


def main():
    shapes = [make(i) for i in range(1, 1001)]
    h = 0
    for r in range(1, N + 1):
        for s in shapes:
            s.move(r)
            h = (h * 31 + s.weight() + s.id) % 1000003
    print("dispatch %d" % h)


main()
