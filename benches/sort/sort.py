import sys
from functools import cmp_to_key

N = int(sys.argv[1]) if len(sys.argv) > 1 else 400000
seed = 7


def random():
    global seed
    seed = (seed * 1103515 + 12345) % 2147483648
    return seed


def mergesort(a, n):
    b, width = [0] * n, 1
    while width < n:
        for lo in range(0, n, 2 * width):
            mid, hi = min(lo + width, n), min(lo + 2 * width, n)
            i, j = lo, mid
            for k in range(lo, hi):
                if i < mid and (j >= hi or a[i] <= a[j]):
                    b[k] = a[i]
                    i += 1
                else:
                    b[k] = a[j]
                    j += 1
        a, b = b, a
        width *= 2
    return a


def checksum(a):
    h = 0
    for v in a:
        h = (h * 31 + v % 1009) % 1000003
    return h


def main():
    x = [random() for _ in range(N)]
    y, z = list(x), list(x)
    x.sort()
    y.sort(key=cmp_to_key(lambda p, q: (p < q) - (p > q)))
    z = mergesort(z, N)
    assert x == z and x == y[::-1]
    print("sort %d %d %d" % (checksum(x), checksum(y), checksum(z)))


main()
