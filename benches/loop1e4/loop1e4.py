import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 8000


def inner(s):
    for i in range(1, 10001):
        s = (s * 3 + i) % 65521
    return s


def main():
    s = 1
    for _ in range(N):
        s = inner(s)
    print("loop1e4 %d" % s)


main()
