import sys


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 500000
    h = size = 0
    names = ["alpha", "beta", "gamma", "delta"]
    for i in range(1, n + 1):
        name = names[i % 4]
        line = "%5d|%-8s|%08.3f|%x|%c" % (i, name, i / 7.0, i * 2654435, 65 + i % 26)
        key = name + "_" + str(i % 1000) + ":" + "%03d" % (i % 97)
        size += len(line) + len(key)
        h = (h * 31 + ord(line[i % len(line)]) + ord(key[-1])) % 1000003
    print("format %d %d" % (size, h))


main()
