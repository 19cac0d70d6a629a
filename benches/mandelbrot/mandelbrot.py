import sys

LIMIT = 80


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    inside, hash_ = 0, 0
    for py in range(n):
        ci = 2.0 * py / n - 1.0
        for px in range(n):
            cr = 3.0 * px / n - 2.0
            zr, zi, k = 0.0, 0.0, 0
            while k < LIMIT:
                r2, i2 = zr * zr, zi * zi
                if r2 + i2 > 4.0:
                    break
                zi = 2.0 * zr * zi + ci
                zr = r2 - i2 + cr
                k += 1
            if k == LIMIT:
                inside += 1
            hash_ = (hash_ * 31 + k) % 1000003
    print("mandelbrot %d %d" % (inside, hash_))


main()
