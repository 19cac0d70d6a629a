import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 220

table = []
for i in range(256):
    c = i
    for _ in range(8):
        c = 0xEDB88320 ^ (c >> 1) if c & 1 else c >> 1
    table.append(c)


def crc32(s, crc):
    crc ^= 0xFFFFFFFF
    for b in s:
        crc = table[(crc ^ b) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def main():
    data, seed = bytearray(1 << 16), 42
    for i in range(len(data)):
        seed = (seed * 3877 + 29573) % 139968
        data[i] = seed % 256
    data = bytes(data)
    crc = 0
    for _ in range(N):
        crc = crc32(data, crc)
    print("crc32 %08x %08x" % (crc32(b"123456789", 0), crc))


main()
