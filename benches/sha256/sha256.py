import struct
import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 13000
M = 0xFFFFFFFF

K = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]


def rotr(x, n):
    return (x >> n | x << (32 - n)) & M


def sha256(message):
    length = len(message)
    message += b"\x80" + b"\0" * ((55 - length) % 64) + struct.pack(">Q", length * 8)
    H = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]
    for block in range(0, len(message), 64):
        w = list(struct.unpack(">16I", message[block:block + 64]))
        for i in range(16, 64):
            x, y = w[i - 15], w[i - 2]
            s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3)
            s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >> 10)
            w.append((w[i - 16] + s0 + w[i - 7] + s1) & M)
        a, b, c, d, e, f, g, h = H
        for i in range(64):
            s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)
            t1 = h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]
            s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)
            t2 = s0 + ((a & b) ^ (a & c) ^ (b & c))
            h, g, f, e = g, f, e, (d + t1) & M
            d, c, b, a = c, b, a, (t1 + t2) & M
        H = [(x + y) & M for x, y in zip(H, (a, b, c, d, e, f, g, h))]
    return "".join("%08x" % x for x in H)


def main():
    text = b"The quick brown fox jumps over the lazy dog. " * 60
    digest = ""
    for i in range(1, N + 1):
        digest = sha256(text[:1 + i * 37 % len(text)] + digest.encode())
    print("sha256 %s %s" % (sha256(b"abc")[:16], digest))


main()
