//! The instruction table: every machine instruction the back end can produce, with its encodings.
//!
//! A row is `Name "mnemonic" [forms]`. The encoder takes the first form whose operand shape matches, so shorter
//! encodings come first. Adding an instruction is adding a row; the test at the end decodes every form of every row
//! with an independent decoder.

/// How the operands of a form map to the fields of the encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// No explicit operands.
    Zo,
    /// `a` is r/m, `b` is reg.
    Mr,
    /// `a` is reg, `b` is r/m.
    Rm,
    /// `a` is r/m, the opcode extension is in reg.
    M,
    /// `a` is r/m, `b` an 8-bit immediate, sign-extended.
    Mi8,
    /// `a` is r/m, `b` an immediate of the operand's width, at most 32 bits, sign-extended.
    Mi,
    /// `a` is the accumulator, `b` as in `Mi`.
    Ai,
    /// `a` is r/m, `b` is 1.
    M1,
    /// `a` is r/m, `b` is cl.
    Mc,
    /// `a` is reg, `b` is r/m, `c` an 8-bit immediate.
    Rmi8,
    /// `a` is reg, `b` is r/m, `c` a 32-bit immediate.
    Rmi,
    /// `a` is in the opcode.
    O,
    /// `a` is in the opcode, `b` a 32-bit immediate, zero-extended.
    Oi32,
    /// `a` is in the opcode, `b` a 64-bit immediate.
    Oi64,
    /// `a` is a symbol, 32 bits relative.
    Rel,
    /// `a` is reg, `b` is vvvv, `c` is r/m.
    Rvm,
    /// `a` is reg, `b` is r/m, `c` is vvvv.
    Rmv,
    /// `a` is vvvv, `b` is r/m, the opcode extension is in reg.
    Vm,
    /// `a` is r/m, `b` is reg, `c` an 8-bit immediate.
    Mri8,
    /// `a` is vvvv, `b` is r/m, `c` an 8-bit immediate, the opcode extension is in reg.
    Vmi8,
    /// `a` is reg, `b` (a register) is both vvvv and r/m, `c` an 8-bit immediate.
    Rbbi8,
}

/// Register class of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Integer.
    G,
    /// Vector.
    X,
}

/// Operand width of a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// 8, 16, 32 or 64 bits by the instruction; the 8-bit opcode is one less.
    Any,
    /// By the instruction, but 32 bits at least.
    Wide,
    /// No REX.W, whatever the instruction says.
    Plain,
    /// Always REX.W.
    Quad,
}

/// One encoding of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Operand shape.
    pub shape: Shape,
    /// Mandatory prefix, or 0.
    pub prefix: u8,
    /// Opcode map: 0, 1 (0F), 2 (0F 38), 3 (0F 3A).
    pub map: u8,
    /// Opcode; condition codes are added to it.
    pub opcode: u8,
    /// Opcode extension of `M` shapes.
    pub ext: u8,
    /// Width rule.
    pub size: Size,
    /// Class of the reg field.
    pub reg: Class,
    /// Class of the r/m field.
    pub rm: Class,
    /// The r/m register is read or written as 8 bits: REX is needed for spl..dil.
    pub rm8: bool,
    /// The condition code is added to the opcode.
    pub cc: bool,
    /// The r/m operand must be memory.
    pub mem: bool,
    /// The r/m operand must be a register.
    pub only_reg: bool,
    /// A VEX prefix stands for the mandatory prefix, REX and the opcode map. Vectors are 128 bits: the rest of the register is cleared.
    pub vex: bool,
    /// Vectors are 256 bits.
    pub long: bool,
}

const fn form(shape: Shape, opcode: u8) -> Form {
    Form {
        shape,
        prefix: 0,
        map: 0,
        opcode,
        ext: 0,
        size: Size::Any,
        reg: Class::G,
        rm: Class::G,
        rm8: false,
        cc: false,
        mem: false,
        only_reg: false,
        vex: false,
        long: false,
    }
}

impl Form {
    const fn ext(mut self, ext: u8) -> Form {
        self.ext = ext;
        self
    }
    const fn map(mut self, map: u8) -> Form {
        self.map = map;
        self
    }
    const fn prefix(mut self, prefix: u8) -> Form {
        self.prefix = prefix;
        self
    }
    const fn size(mut self, size: Size) -> Form {
        self.size = size;
        self
    }
    const fn rm8(mut self) -> Form {
        self.rm8 = true;
        self
    }
    const fn cc(mut self) -> Form {
        self.cc = true;
        self
    }
    const fn vex(mut self) -> Form {
        self.vex = true;
        self
    }
    const fn long(mut self) -> Form {
        self.vex = true;
        self.long = true;
        self
    }
    const fn only_reg(mut self) -> Form {
        self.only_reg = true;
        self
    }
    const fn mem(mut self) -> Form {
        self.mem = true;
        self
    }
    const fn classes(mut self, reg: Class, rm: Class) -> Form {
        self.reg = reg;
        self.rm = rm;
        self
    }
}

use Class::{G, X};
use Shape::*;
use Size::{Plain, Quad, Wide};

/// The eight classic operations: all their forms differ in one number.
const fn alu(n: u8) -> [Form; 5] {
    [
        form(Mi8, 0x83).ext(n),
        form(Ai, n * 8 + 5),
        form(Mi, 0x81).ext(n),
        form(Mr, n * 8 + 1),
        form(Rm, n * 8 + 3),
    ]
}

const fn shift(n: u8) -> [Form; 3] {
    [
        form(M1, 0xd1).ext(n),
        form(Mi8, 0xc1).ext(n),
        form(Mc, 0xd3).ext(n),
    ]
}

/// Scalar double: `xmm, xmm/m64`.
const fn sd(prefix: u8, opcode: u8) -> [Form; 1] {
    [form(Rm, opcode)
        .prefix(prefix)
        .map(1)
        .size(Plain)
        .classes(X, X)]
}

/// Scalar double with a result of its own (AVX): `xmm, xmm, xmm/m64`.
const fn vsd(prefix: u8, opcode: u8) -> [Form; 1] {
    [form(Rvm, opcode)
        .prefix(prefix)
        .map(1)
        .size(Plain)
        .classes(X, X)
        .vex()]
}

/// Vectors of 256 bits with a result of their own (AVX2): `ymm, ymm, ymm/m256`.
const fn ymm(prefix: u8, opcode: u8) -> [Form; 1] {
    [form(Rvm, opcode)
        .prefix(prefix)
        .map(1)
        .size(Plain)
        .classes(X, X)
        .long()]
}

/// A shift of each number by a constant.
const fn lanes(shape: Shape, ext: u8) -> Form {
    form(shape, 0x73)
        .prefix(0x66)
        .map(1)
        .ext(ext)
        .size(Plain)
        .classes(X, X)
        .only_reg()
}

/// A number from memory or the low part of a register, everywhere in 256 bits.
const fn broadcast(opcode: u8) -> [Form; 1] {
    [form(Rm, opcode)
        .prefix(0x66)
        .map(2)
        .size(Plain)
        .classes(X, X)
        .long()]
}

/// On general registers, in the VEX encoding and map 0F 38 (BMI1, BMI2).
const fn bmi(shape: Shape, prefix: u8, opcode: u8) -> Form {
    form(shape, opcode).prefix(prefix).map(2).size(Wide).vex()
}

const fn extend(opcode: u8, rm8: bool) -> [Form; 1] {
    let f = form(Rm, opcode).map(1).size(Wide);
    [if rm8 { f.rm8() } else { f }]
}

macro_rules! table {
    ($($name:ident $text:literal $forms:expr;)*) => {
        /// A machine operation. See the table in the source for forms and encodings.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Op { $(#[doc = $text] $name,)* }
        impl Op {
            /// Every operation.
            pub const ALL: &'static [Op] = &[$(Op::$name,)*];
            /// The mnemonic; a condition code is appended to it.
            pub fn mnemonic(self) -> &'static str {
                match self { $(Op::$name => $text,)* }
            }
            /// The encodings, in order of preference.
            #[inline]
            pub fn forms(self) -> &'static [Form] {
                match self { $(Op::$name => { const F: &[Form] = &$forms; F })* }
            }
        }
    };
}

table! {
    Add   "add"   alu(0);
    Or    "or"    alu(1);
    And   "and"   alu(4);
    Sub   "sub"   alu(5);
    Xor   "xor"   alu(6);
    Cmp   "cmp"   alu(7);
    Test  "test"  [form(Mr, 0x85), form(Ai, 0xa9), form(Mi, 0xf7).ext(0)];
    Not   "not"   [form(M, 0xf7).ext(2)];
    Neg   "neg"   [form(M, 0xf7).ext(3)];
    Bswap "bswap" [form(O, 0xc8).map(1).size(Wide)];
    Idiv  "idiv"  [form(M, 0xf7).ext(7)];
    Imul1 "imul"  [form(M, 0xf7).ext(5)];
    Cqo   "cqo"   [form(Zo, 0x99).size(Quad)];
    Imul  "imul"  [form(Rmi8, 0x6b).size(Wide), form(Rmi, 0x69).size(Wide), form(Rm, 0xaf).map(1).size(Wide)];
    Shl   "shl"   shift(4);
    Shr   "shr"   shift(5);
    Sar   "sar"   shift(7);
    Ror   "ror"   shift(1);
    Mov   "mov"   [form(Oi32, 0xb8).size(Plain), form(Mi, 0xc7).ext(0), form(Oi64, 0xb8).size(Quad), form(Mr, 0x89), form(Rm, 0x8b)];
    Movzx8  "movzx"  extend(0xb6, true);
    Movzx16 "movzx"  extend(0xb7, false);
    Movsx8  "movsx"  extend(0xbe, true);
    Movsx16 "movsx"  extend(0xbf, false);
    Movsxd  "movsxd" [form(Rm, 0x63).size(Quad)];
    Lea   "lea"   [form(Rm, 0x8d).size(Wide).mem()];
    Setcc "set"   [form(M, 0x90).map(1).size(Plain).rm8().cc()];
    Cmov  "cmov"  [form(Rm, 0x40).map(1).size(Wide).cc()];
    Call  "call"  [form(Rel, 0xe8).size(Plain), form(M, 0xff).ext(2).size(Plain)];
    Jmp   "jmp"   [form(Rel, 0xe9).size(Plain), form(M, 0xff).ext(4).size(Plain)];
    Ret   "ret"   [form(Zo, 0xc3).size(Plain)];
    Ud2   "ud2"   [form(Zo, 0x0b).map(1).size(Plain)];
    Movsd "movsd" [form(Rm, 0x10).prefix(0xf2).map(1).size(Plain).classes(X, X), form(Mr, 0x11).prefix(0xf2).map(1).size(Plain).classes(X, X)];
    Movaps "movaps" [form(Rm, 0x28).map(1).size(Plain).classes(X, X)];
    Movq  "movq"  [form(Rm, 0x6e).prefix(0x66).map(1).size(Quad).classes(X, G), form(Mr, 0x7e).prefix(0x66).map(1).size(Quad).classes(X, G)];
    Addsd "addsd" sd(0xf2, 0x58);
    Mulsd "mulsd" sd(0xf2, 0x59);
    Subsd "subsd" sd(0xf2, 0x5c);
    Minsd "minsd" sd(0xf2, 0x5d);
    Divsd "divsd" sd(0xf2, 0x5e);
    Maxsd "maxsd" sd(0xf2, 0x5f);
    Sqrtsd "sqrtsd" sd(0xf2, 0x51);
    Ucomisd "ucomisd" sd(0x66, 0x2e);
    Andpd "andpd" sd(0x66, 0x54);
    Xorpd "xorpd" sd(0x66, 0x57);
    Xorps "xorps" sd(0, 0x57);
    Roundsd "roundsd" [form(Rmi8, 0x0b).prefix(0x66).map(3).size(Plain).classes(X, X)];
    Vaddsd "vaddsd" vsd(0xf2, 0x58);
    Vmulsd "vmulsd" vsd(0xf2, 0x59);
    Vsubsd "vsubsd" vsd(0xf2, 0x5c);
    Vminsd "vminsd" vsd(0xf2, 0x5d);
    Vdivsd "vdivsd" vsd(0xf2, 0x5e);
    Vmaxsd "vmaxsd" vsd(0xf2, 0x5f);
    Vsqrtsd "vsqrtsd" vsd(0xf2, 0x51);
    Vandpd "vandpd" vsd(0x66, 0x54);
    Vxorpd "vxorpd" vsd(0x66, 0x57);
    Vroundsd "vroundsd" [form(Rbbi8, 0x0b).prefix(0x66).map(3).size(Plain).classes(X, X).vex()];
    Movups "movups" [form(Rm, 0x10).map(1).size(Plain).classes(X, X), form(Mr, 0x11).map(1).size(Plain).classes(X, X)];
    Addpd "addpd" sd(0x66, 0x58);
    Mulpd "mulpd" sd(0x66, 0x59);
    Subpd "subpd" sd(0x66, 0x5c);
    Divpd "divpd" sd(0x66, 0x5e);
    Sqrtpd "sqrtpd" sd(0x66, 0x51);
    Paddq "paddq" sd(0x66, 0xd4);
    Psubq "psubq" sd(0x66, 0xfb);
    Pmuludq "pmuludq" sd(0x66, 0xf4);
    Pand  "pand"  sd(0x66, 0xdb);
    Por   "por"   sd(0x66, 0xeb);
    Pxor  "pxor"  sd(0x66, 0xef);
    Psrlq "psrlq" [lanes(Mi8, 2)];
    Psllq "psllq" [lanes(Mi8, 6)];
    Pshufd "pshufd" [form(Rmi8, 0x70).prefix(0x66).map(1).size(Plain).classes(X, X)];
    Vmovups "vmovups" [form(Rm, 0x10).map(1).size(Plain).classes(X, X).long(), form(Mr, 0x11).map(1).size(Plain).classes(X, X).long()];
    Vaddpd "vaddpd" ymm(0x66, 0x58);
    Vmulpd "vmulpd" ymm(0x66, 0x59);
    Vsubpd "vsubpd" ymm(0x66, 0x5c);
    Vdivpd "vdivpd" ymm(0x66, 0x5e);
    Vsqrtpd "vsqrtpd" [form(Rm, 0x51).prefix(0x66).map(1).size(Plain).classes(X, X).long()];
    Vpaddq "vpaddq" ymm(0x66, 0xd4);
    Vpsubq "vpsubq" ymm(0x66, 0xfb);
    Vpmuludq "vpmuludq" ymm(0x66, 0xf4);
    Vpand "vpand" ymm(0x66, 0xdb);
    Vpor  "vpor"  ymm(0x66, 0xeb);
    Vpxor "vpxor" ymm(0x66, 0xef);
    Vpsrlq "vpsrlq" [lanes(Vmi8, 2).long()];
    Vpsllq "vpsllq" [lanes(Vmi8, 6).long()];
    Vbroadcastsd "vbroadcastsd" broadcast(0x19);
    Vpbroadcastq "vpbroadcastq" broadcast(0x59);
    Vextracti128 "vextracti128" [form(Mri8, 0x39).prefix(0x66).map(3).size(Plain).classes(X, X).long()];
    Vzeroupper "vzeroupper" [form(Zo, 0x77).map(1).size(Plain).vex()];
    Shlx  "shlx"  [bmi(Rmv, 0x66, 0xf7)];
    Shrx  "shrx"  [bmi(Rmv, 0xf2, 0xf7)];
    Sarx  "sarx"  [bmi(Rmv, 0xf3, 0xf7)];
    Rorx  "rorx"  [form(Rmi8, 0xf0).prefix(0xf2).map(3).size(Wide).vex()];
    Andn  "andn"  [bmi(Rvm, 0, 0xf2)];
    Blsr  "blsr"  [bmi(Vm, 0, 0xf3).ext(1)];
    Blsmsk "blsmsk" [bmi(Vm, 0, 0xf3).ext(2)];
    Blsi  "blsi"  [bmi(Vm, 0, 0xf3).ext(3)];
    Bzhi  "bzhi"  [bmi(Rmv, 0, 0xf5)];
    Movbe "movbe" [form(Rm, 0xf0).map(2).size(Wide).mem(), form(Mr, 0xf1).map(2).size(Wide).mem()];
    Cvtsi2sd "cvtsi2sd" [form(Rm, 0x2a).prefix(0xf2).map(1).size(Quad).classes(X, G)];
    Cvttsd2si "cvttsd2si" [form(Rm, 0x2c).prefix(0xf2).map(1).size(Quad).classes(G, X)];
}
