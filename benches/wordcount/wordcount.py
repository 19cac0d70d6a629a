import re
import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 220
SYLLABLES = ["ka", "lo", "mi", "ne", "tu", "ra", "so", "vi", "pe", "du"]
WORD = re.compile("[A-Za-z]+")
seed = 9


def random(n):
    global seed
    seed = (seed * 3877 + 29573) % 139968
    return seed * n // 139968


def word():
    w = ""
    for _ in range(random(3) + 1):
        w += SYLLABLES[random(10)]
    return w


def main():
    total = h = 0
    for _ in range(N):
        text = " ".join([word() for _ in range(5000)])
        counts = {}
        for m in WORD.finditer(text):
            w = m.group(0)
            counts[w] = counts.get(w, 0) + 1
        ranked = sorted(counts.items(), key=lambda e: (-e[1], e[0]))
        total += len(ranked)
        for w, c in ranked[:20]:
            h = (h * 31 + c * 7 + ord(w[-1]) + len(w)) % 1000003
    print("wordcount %d %d" % (total, h))


main()
