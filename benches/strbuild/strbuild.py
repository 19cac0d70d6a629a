import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 500


def hash_(s, h):
    for i in range(0, len(s), 7):
        h = (h * 31 + ord(s[i])) % 1000003
    return h


def build(r):
    parts, line = [], ""
    for i in range(1, 4001):
        line = line + chr(97 + (i * r) % 26) + str(i)
        if len(line) > 200:
            parts.append(line)
            line = ""
    text = "\n".join(parts)
    return text + "|" + text[:5000].upper()[::-1]


def main():
    h, size = 7, 0
    for r in range(1, N + 1):
        s = build(r)
        size += len(s)
        h = hash_(s, h)
    print("strbuild %d %d" % (size, h))


main()
