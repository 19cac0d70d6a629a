import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 150

program = [
    # BEGIN PROGRAM (made by tools/assemble.lua)
    0x00050413, 0x123454b7, 0x67848493, 0x00000917, 0x1f490913, 0x10000993, 0x00000a17, 0x5e8a0a13,
    0x7d000a93, 0x04040263, 0x04c000ef, 0x07c000ef, 0x0d4000ef, 0x128000ef, 0x00050b13, 0x00100893,
    0x00000073, 0x16c000ef, 0x00100893, 0x00000073, 0x00a4c4b3, 0x016484b3, 0x00049463, 0x00100493,
    0xfff40413, 0xfc1ff06f, 0x05d00893, 0x00000513, 0x00000073, 0x00090293, 0x00098313, 0x00d49393,
    0x0074c4b3, 0x0114d393, 0x0074c4b3, 0x00549393, 0x0074c4b3, 0x0092a023, 0x00428293, 0xfff30313,
    0xfc031ee3, 0x00008067, 0x0019d293, 0x04028a63, 0x00028313, 0x05335263, 0x00231393, 0x012383b3,
    0x0003ae03, 0x00030e93, 0x00229f13, 0x025ec063, 0x41e385b3, 0x0005a603, 0x00ce5a63, 0x00c3a023,
    0x00058393, 0x405e8eb3, 0xfe5ff06f, 0x01c3a023, 0x00130313, 0xfc1ff06f, 0x0012d293, 0xfb1ff06f,
    0x00008067, 0xff010113, 0x00112623, 0x00812423, 0x00090413, 0xfff98313, 0x00042503, 0x00442583,
    0x030000ef, 0x02050063, 0x00440413, 0xfff30313, 0xfe0314e3, 0x00812403, 0x00c12083, 0x01010113,
    0x00008067, 0x00100513, 0x05d00893, 0x00000073, 0x00a5a533, 0x00154513, 0x00008067, 0x00000293,
    0x005a0333, 0x00030023, 0x00128293, 0xff52cae3, 0x00000513, 0x00200293, 0x00100e13, 0x005a0333,
    0x00034383, 0x02039063, 0x00150513, 0x00528333, 0x01535a63, 0x006a03b3, 0x01c38023, 0x00530333,
    0xff1ff06f, 0x00128293, 0xfd52cae3, 0x00008067, 0xedb88f37, 0x320f0f13, 0xfff00513, 0x00090293,
    0x00299313, 0x01230333, 0x0002c383, 0x00754533, 0x00800e13, 0x00157e93, 0x41d00eb3, 0x01eefeb3,
    0x00155513, 0x01d54533, 0xfffe0e13, 0xfe0e14e3, 0x00128293, 0xfc62eae3, 0xfff54513, 0x00008067,
    # END PROGRAM
]

MEMORY = 16384
M = 0xFFFFFFFF


def signed(x):
    return (x ^ 0x80000000) - 0x80000000


def alu(f3, alternative, a, b):
    if f3 == 0:
        return (a - b if alternative else a + b) & M
    if f3 == 1:
        return a << (b & 31) & M
    if f3 == 2:
        return 1 if signed(a) < signed(b) else 0
    if f3 == 3:
        return 1 if a < b else 0
    if f3 == 4:
        return a ^ b
    if f3 == 5:
        return signed(a) >> (b & 31) & M if alternative else a >> (b & 31)
    if f3 == 6:
        return a | b
    return a & b


def taken(f3, a, b):
    if f3 == 0:
        return a == b
    if f3 == 1:
        return a != b
    if f3 == 4:
        return signed(a) < signed(b)
    if f3 == 5:
        return signed(a) >= signed(b)
    if f3 == 6:
        return a < b
    return a >= b


class Machine(object):
    def __init__(self, program, argument):
        self.mem = program + [0] * (MEMORY // 4 - len(program))
        self.x = [0] * 32
        self.x[2] = MEMORY
        self.x[10] = argument
        self.pc = self.count = self.hash = 0

    def load(self, f3, address):
        word = self.mem[address >> 2]
        if f3 == 2:
            return word
        if f3 == 0 or f3 == 4:
            byte = word >> (address & 3) * 8 & 0xFF
            return byte | 0xFFFFFF00 if f3 == 0 and byte >= 0x80 else byte
        half = word >> (address & 2) * 8 & 0xFFFF
        return half | 0xFFFF0000 if f3 == 1 and half >= 0x8000 else half

    def store(self, f3, address, value):
        mem, index = self.mem, address >> 2
        if f3 == 2:
            mem[index] = value
        elif f3 == 0:
            shift = (address & 3) * 8
            mem[index] = mem[index] & ~(0xFF << shift) | (value & 0xFF) << shift
        else:
            shift = (address & 2) * 8
            mem[index] = mem[index] & ~(0xFFFF << shift) | (value & 0xFFFF) << shift

    def step(self):
        x, pc = self.x, self.pc
        w = self.mem[pc >> 2]
        op, rd, f3 = w & 0x7F, w >> 7 & 31, w >> 12 & 7
        a, b = x[w >> 15 & 31], x[w >> 20 & 31]
        nextpc = pc + 4
        self.count += 1
        if op == 0x13:
            imm = w >> 20
            if imm >= 0x800:
                imm |= 0xFFFFF000
            x[rd] = alu(f3, f3 == 5 and w & 0x40000000 != 0, a, imm)
        elif op == 0x33:
            x[rd] = alu(f3, w & 0x40000000 != 0, a, b)
        elif op == 0x63:
            if taken(f3, a, b):
                offset = (w >> 8 & 15) << 1 | (w >> 25 & 63) << 5 | (w >> 7 & 1) << 11
                nextpc = pc + offset - (4096 if w & 0x80000000 else 0)
        elif op == 0x03:
            offset = w >> 20
            x[rd] = self.load(f3, (a + (offset - 0x1000 if offset >= 0x800 else offset)) & M)
        elif op == 0x23:
            offset = w >> 25 << 5 | rd
            self.store(f3, (a + (offset - 0x1000 if offset >= 0x800 else offset)) & M, b)
        elif op == 0x6F:
            offset = (w >> 21 & 0x3FF) << 1 | (w >> 20 & 1) << 11 | (w >> 12 & 0xFF) << 12
            x[rd] = nextpc
            nextpc = pc + offset - (0x100000 if w & 0x80000000 else 0)
        elif op == 0x67:
            offset = w >> 20
            x[rd] = nextpc
            nextpc = (a + (offset - 0x1000 if offset >= 0x800 else offset)) & 0xFFFFFFFE
        elif op == 0x37:
            x[rd] = w & 0xFFFFF000
        elif op == 0x17:
            x[rd] = (pc + (w & 0xFFFFF000)) & M
        elif op == 0x73:
            if x[17] == 93:
                return False
            self.hash = (self.hash * 31 + x[10]) % 1000000007
        else:
            raise ValueError("illegal instruction")
        x[0] = 0
        self.pc = nextpc
        return True


def main():
    machine = Machine(program, N)
    while machine.step():
        pass
    print("rv32i %d %d %d" % (machine.x[10], machine.count, machine.hash))


main()
