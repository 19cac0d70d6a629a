import math
import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 700


def a(i, j):
    ij = i + j
    return 1.0 / (ij * (ij + 1) * 0.5 + i + 1)


def times(x, y):
    for i in range(N):
        s = 0.0
        for j in range(N):
            s += x[j] * a(i, j)
        y[i] = s


def times_transposed(x, y):
    for i in range(N):
        s = 0.0
        for j in range(N):
            s += x[j] * a(j, i)
        y[i] = s


def main():
    u, v, t = [1.0] * N, [0.0] * N, [0.0] * N
    for _ in range(10):
        times(u, t)
        times_transposed(t, v)
        times(v, t)
        times_transposed(t, u)
    uv = vv = 0.0
    for i in range(N):
        uv += u[i] * v[i]
        vv += v[i] * v[i]
    print("spectralnorm %.9f" % math.sqrt(uv / vv))


main()
