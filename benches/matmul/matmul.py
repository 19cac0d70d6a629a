import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 400


def matrix(n, seed):
    return [[((i * 7 + j * 13 + seed) % 101 - 50) / 8.0 for j in range(1, n + 1)] for i in range(1, n + 1)]


def multiply(a, b, n):
    bt = [[b[j][i] for j in range(n)] for i in range(n)]
    c = []
    for i in range(n):
        ai, row = a[i], []
        for j in range(n):
            bj, s = bt[j], 0.0
            for k in range(n):
                s += ai[k] * bj[k]
            row.append(s)
        c.append(row)
    return c


def main():
    c = multiply(matrix(N, 1), matrix(N, 2), N)
    trace = total = 0.0
    for i in range(N):
        trace += c[i][i]
        for j in range(N):
            total += c[i][j] * ((i + j + 2) % 3)
    print("matmul %.6f %.6f" % (trace, total))


main()
