import re
import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 100
seed = 42


def random(n):
    global seed
    seed = (seed * 3877 + 29573) % 139968
    return seed * n // 139968


def main():
    levels = ["INFO", "WARN", "ERROR", "DEBUG"]
    lines = []
    for _ in range(1000):
        lines.append("2024-%02d-%02d %s [worker-%d] key%d=value%d; path=/usr/lib/x%d.so size=%dkB" % (
            random(12) + 1, random(28) + 1, levels[random(4)], random(16), random(100), random(1000),
            random(50), random(9000)))
    text = "\n".join(lines)
    pair = re.compile(r"([A-Za-z]+\d*)=([A-Za-z0-9/._]+)")
    each = re.compile(r"[^\n]+")
    head = re.compile(r"^(\d+)-(\d+)-(\d+) ([A-Z]+)")
    tail = re.compile(r"size=(\d+)kB$")
    worker = re.compile(r"\[worker-(\d+)\]")
    digit = re.compile(r"\d")
    pairs = errors = kb = h = 0
    for r in range(1, N + 1):
        for m in pair.finditer(text):
            pairs += 1
            h = (h * 31 + len(m.group(1)) * 7 + len(m.group(2))) % 1000003
        for m in each.finditer(text):
            line = m.group(0)
            y, mo, d, level = head.match(line).groups()
            if level == "ERROR":
                errors += int(mo) * 100 + int(d)
            kb = (kb + int(tail.search(line).group(1)) + len(y)) % 1000003
            if "worker-" + str(r % 16) + "]" in line:
                h = (h + 1) % 1000003
        changed, count = worker.subn(lambda m: "<" + m.group(1) + ">", text)
        digits = digit.subn(r"\g<0>", changed)[1]
        h = (h * 31 + len(changed) + count + digits) % 1000003
    print("strpat %d %d %d %d" % (pairs, errors, kb, h))


main()
