import sys


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100000000
    s = 0
    for i in range(1, n + 1):
        s += i
    print("loop1e8 %d" % s)


main()
