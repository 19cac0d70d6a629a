import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 12
columns, up, down = [False] * (N + 1), [False] * (2 * N + 1), [False] * (2 * N + 1)
tried = 0


def place(row):
    global tried
    if row > N:
        return 1
    count = 0
    for c in range(1, N + 1):
        u, d = row + c, row - c + N
        if not (columns[c] or up[u] or down[d]):
            tried += 1
            columns[c] = up[u] = down[d] = True
            count += place(row + 1)
            columns[c] = up[u] = down[d] = False
    return count


count = place(1)
print("nqueens %d %d" % (count, tried))
