import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 50
SIZE = 500000


def sieve(size):
    composite = [False] * (size + 1)
    count, total = 0, 0
    for i in range(2, size + 1):
        if not composite[i]:
            count += 1
            total = (total + i) % 1000003
            for j in range(i * i, size + 1, i):
                composite[j] = True
    return count, total


def main():
    total, count, s = 0, 0, 0
    for r in range(1, N + 1):
        count, s = sieve(SIZE - r)
        total = (total + count * 7 + s) % 1000003
    print("sieve %d %d %d" % (count, s, total))


main()
