import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 30000000
MASK = 0xFFFFFFFFFFFFFFFF


def main():
    x, total = 88172645463325252, 0
    for _ in range(N):
        x ^= x >> 12
        x ^= (x << 25) & MASK
        x ^= x >> 27
        total = (total + ((x * 0x2545F4914F6CDD1D & MASK) >> 11)) & MASK
    print("xorshift %016x %016x" % (x, total))


main()
