import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 10


def fannkuch(n):
    perm, work, count = list(range(n)), [0] * n, [0] * n
    total, most, even = 0, 0, True
    while True:
        first = perm[0]
        if first:
            work[:] = perm
            flips = 0
            while first:
                i, j = 0, first
                while i < j:
                    work[i], work[j] = work[j], work[i]
                    i += 1
                    j -= 1
                flips += 1
                first = work[0]
            if flips > most:
                most = flips
            total += flips if even else -flips
        even = not even
        r = 1
        while True:
            if r >= n:
                return total, most
            p = perm[0]
            for i in range(r):
                perm[i] = perm[i + 1]
            perm[r] = p
            count[r] += 1
            if count[r] <= r:
                break
            count[r] = 0
            r += 1


print("fannkuch %d %d" % fannkuch(N))
