import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 40
seed = 5


def random(n):
    global seed
    seed = (seed * 3877 + 29573) % 139968
    return seed * n // 139968


def make(size):
    words = []
    for _ in range(200):
        words.append([97 + random(26) for _ in range(2 + random(8))])
    data = []
    while len(data) < size:
        data.extend(words[random(200)])
        data.append(32)
    return data


def compress(data):
    out, last, i, n = [], {}, 0, len(data)
    while i < n:
        length = distance = 0
        if i + 2 < n:
            key = data[i] * 65536 + data[i + 1] * 256 + data[i + 2]
            start = last.get(key)
            if start is not None and i - start < 65536:
                while length < 255 and i + length < n and data[start + length] == data[i + length]:
                    length += 1
                distance = i - start
            last[key] = i
        if length >= 4:
            out += (length, distance % 256, distance // 256)
            i += length
        else:
            out += (0, data[i])
            i += 1
    return out


def decompress(code):
    data, i = [], 0
    while i < len(code):
        length = code[i]
        if length == 0:
            data.append(code[i + 1])
            i += 2
        else:
            start = len(data) - (code[i + 1] + code[i + 2] * 256)
            for k in range(length):
                data.append(data[start + k])
            i += 3
    return data


def main():
    h = packed = 0
    for _ in range(N):
        data = make(100000)
        code = compress(data)
        assert decompress(code) == data
        packed += len(code)
        for c in code:
            h = (h * 31 + c) % 1000003
    print("lz %d %d" % (packed, h))


main()
