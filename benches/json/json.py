# The same hand-written codec as the Lua program, not the json module.
import re
import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 180
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
UNESCAPE = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
SPECIAL = re.compile('["\\\\\n\t]')
NUMBER = re.compile(r"-?\d+\.?\d*")
SPACE = " \n\t\r"


class Object(object):
    def __init__(self, pairs):
        self.pairs = pairs


def quote(s):
    return '"' + SPECIAL.sub(lambda m: ESCAPES[m.group(0)], s) + '"'


def encode(v, out):
    if isinstance(v, Object):
        out.append("{")
        for i, (k, x) in enumerate(v.pairs):
            if i > 0:
                out.append(",")
            out.append(quote(k))
            out.append(":")
            encode(x, out)
        out.append("}")
    elif isinstance(v, list):
        out.append("[")
        for i, x in enumerate(v):
            if i > 0:
                out.append(",")
            encode(x, out)
        out.append("]")
    elif isinstance(v, str):
        out.append(quote(v))
    elif isinstance(v, bool):
        out.append("true" if v else "false")
    else:
        out.append("%d" % v if v % 1 == 0 else "%.3f" % v)


def space(s, i):
    while s[i] in SPACE:
        i += 1
    return i


def text(s, i):
    parts, start = [], i
    while True:
        c = s[i]
        if c == '"':
            parts.append(s[start:i])
            return "".join(parts), i + 1
        if c == "\\":
            parts.append(s[start:i])
            parts.append(UNESCAPE[s[i + 1]])
            i += 2
            start = i
        else:
            i += 1


def value(s, i):
    i = space(s, i)
    c = s[i]
    if c == "{":
        pairs = []
        i = space(s, i + 1)
        while s[i] != "}":
            k, i = text(s, i + 1)
            i = space(s, i)
            v, i = value(s, i + 1)
            pairs.append((k, v))
            i = space(s, i)
            if s[i] == ",":
                i = space(s, i + 1)
        return Object(pairs), i + 1
    if c == "[":
        items = []
        i = space(s, i + 1)
        while s[i] != "]":
            v, i = value(s, i)
            items.append(v)
            i = space(s, i)
            if s[i] == ",":
                i = space(s, i + 1)
        return items, i + 1
    if c == '"':
        return text(s, i + 1)
    if c == "t":
        return True, i + 4
    if c == "f":
        return False, i + 5
    m = NUMBER.match(s, i).group(0)
    return (float(m) if "." in m else int(m)), i + len(m)


seed = 3


def random(n):
    global seed
    seed = (seed * 3877 + 29573) % 139968
    return seed * n // 139968


def main():
    data = []
    for i in range(1, 201):
        tags = ["tag" + str(random(20)) for _ in range(1 + random(4))]
        data.append(Object([
            ("id", i), ("name", 'user "' + str(random(1000)) + '"\n'), ("score", random(100000) / 8.0 + 0.125),
            ("active", random(2) == 1), ("tags", tags),
            ("place", Object([("x", random(500) - 250), ("y", random(500) - 250)]))]))
    h = size = 0
    for _ in range(N):
        out = []
        encode(data, out)
        s = "".join(out)
        size += len(s)
        for i in range(0, len(s), 17):
            h = (h * 31 + ord(s[i])) % 1000003
        data, _ = value(s + " ", 0)
        data.append(data.pop(0))
    print("json %d %d" % (size, h))


main()
