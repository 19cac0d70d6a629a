import math
import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 2400
PI, PHI, E = math.pi, (1 + math.sqrt(5)) / 2, math.exp(1)


def V(n, k, m, p, q):
    return n * 3.0 ** k * PI ** m * PHI ** p * E ** q


def main():
    count, total, largest = 0, 0.0, 0.0
    for n in range(1, N + 1):
        for k in range(-4, 5):
            for m in range(-3, 4):
                for p in range(-3, 4):
                    for q in range(-3, 4):
                        v = V(n, k, m, p, q)
                        if 1.0 <= v <= 100.0:
                            count += 1
                            total += v
                        if v > largest:
                            largest = v
    print("phi %d %.3f %.3f" % (count, total, largest))


main()
