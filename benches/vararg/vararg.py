import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 600000


def sum_(*xs):
    s = 0
    for x in xs:
        s += x
    return s


def collect(*xs):
    return len(xs), xs


def rotate(first, *rest):
    return rest[0], first


def forward(f, *xs):
    return f(*xs)


def reverse(n, first, *rest):
    if n <= 1:
        return first
    return reverse(n - 1, *rest) * 3 + first


def minmax(a, b, c):
    lo = hi = a
    if b < lo:
        lo = b
    elif b > hi:
        hi = b
    if c < lo:
        lo = c
    elif c > hi:
        hi = c
    return lo, hi


def main():
    h = 0
    five = [1, 2, 3, 4, 5]
    for i in range(1, N + 1):
        n, t = collect(i, i + 1, i + 2, i + 3)
        lo, hi = minmax(i % 3, *forward(rotate, i % 7, i % 11))
        a, b = rotate(i % 5, 2)
        five[i % 5] = i % 100
        h = (h * 31 + sum_(*t) + n + lo + hi + a * b + forward(sum_, *five) + reverse(4, i, 2, 3, i % 9)) % 1000003
    print("vararg %d" % h)


main()
