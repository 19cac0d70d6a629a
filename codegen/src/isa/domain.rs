//! A domain of words: what the meaning of an instruction is written over.

/// One-operand operations; the result is as wide as the operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum UnOp {
    /// Bitwise complement.
    Not,
    /// Two's complement negation.
    Neg,
    /// Number of set bits.
    Popcnt,
    /// Number of leading zeros; the width for zero.
    Clz,
    /// Number of trailing zeros; the width for zero.
    Ctz,
    /// Bytes reversed; the width is a multiple of 8.
    Bswap,
}

/// Two-operand operations on words of one width, with SMT-LIB's meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum BinOp {
    /// Wrapping addition.
    Add,
    /// Wrapping subtraction.
    Sub,
    /// Wrapping multiplication.
    Mul,
    /// High half of the unsigned product.
    MulHiU,
    /// High half of the signed product.
    MulHiS,
    /// Unsigned division; all ones when dividing by zero.
    Udiv,
    /// Unsigned remainder; the dividend when dividing by zero.
    Urem,
    /// Signed division, truncating; SMT-LIB's `bvsdiv`.
    Sdiv,
    /// Signed remainder with the dividend's sign; SMT-LIB's `bvsrem`.
    Srem,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Shift left; zero when the count is the width or more.
    Shl,
    /// Logical shift right; zero when the count is the width or more.
    Lshr,
    /// Arithmetic shift right; all sign bits when the count is the width or more.
    Ashr,
    /// Rotate left, the count modulo the width.
    Rotl,
    /// Rotate right, the count modulo the width.
    Rotr,
    /// Parallel bit extract: bits of the first selected by the second, packed low.
    Pext,
    /// Parallel bit deposit: low bits of the first spread to the set positions of the second.
    Pdep,
}

impl BinOp {
    /// Whether the operands may be exchanged.
    pub fn commutes(self) -> bool {
        use BinOp::*;
        matches!(self, Add | Mul | MulHiU | MulHiS | And | Or | Xor)
    }
}

/// Comparisons of words of one width; the result is one bit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum CmpOp {
    /// Equal.
    Eq,
    /// Unsigned less than.
    Ult,
    /// Signed less than.
    Slt,
}

/// Floating-point operations on IEEE 754 bit patterns, as SSE computes them: round to nearest even, no flushing of
/// denormals, NaN results by the processor's rule (the first NaN operand made quiet, else the default NaN with the
/// sign bit set). Operand order matters for NaN bits, so nothing here commutes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum FpOp {
    /// Addition.
    Add,
    /// Subtraction.
    Sub,
    /// Multiplication.
    Mul,
    /// Division.
    Div,
    /// `a < b ? a : b`, as `minsd`: `b` when either is NaN or both are zero.
    Min,
    /// `a > b ? a : b`, as `maxsd`: `b` when either is NaN or both are zero.
    Max,
    /// Square root of the only operand.
    Sqrt,
    /// Equal and ordered: one bit.
    Eq,
    /// Less and ordered: one bit.
    Lt,
    /// Less or equal and ordered: one bit.
    Le,
    /// Either is NaN: one bit.
    Unord,
    /// The only operand rounded to an integral value: 0 nearest even, 1 down, 2 up, 3 towards zero.
    Round(u8),
    /// Signed integer (32 or 64 bits) to a float of 32 or 64 bits (the field).
    FromInt(u8),
    /// Float to a signed integer of the given width, nearest even; the most negative integer when out of range or NaN.
    ToInt(u8),
    /// Float to a signed integer of the given width, truncating; the most negative integer when out of range or NaN.
    ToIntTrunc(u8),
    /// Float of one width to the other (the field: 32 or 64).
    Convert(u8),
    /// `a * b + c` with one rounding.
    Fma,
}

impl FpOp {
    /// Width of the result for operands of width `w`.
    pub fn result_width(self, w: u32) -> u32 {
        match self {
            FpOp::Eq | FpOp::Lt | FpOp::Le | FpOp::Unord => 1,
            FpOp::FromInt(r) | FpOp::ToInt(r) | FpOp::ToIntTrunc(r) | FpOp::Convert(r) => r.into(),
            _ => w,
        }
    }
}

/// A domain of words of 1 to 128 bits and of byte-addressed memories.
///
/// Operands of [`bin`](Domain::bin), [`cmp`](Domain::cmp) and the arms of [`ite`](Domain::ite) have one width.
pub trait Domain {
    /// A word.
    type W: Clone;
    /// A memory.
    type M: Clone;

    /// The constant `value` (bits above `width` are ignored).
    fn constant(&mut self, width: u32, value: u128) -> Self::W;
    /// Width of a word in bits.
    fn width(&self, w: &Self::W) -> u32;
    /// The value, where the domain knows it.
    fn as_constant(&self, w: &Self::W) -> Option<u128>;
    /// A one-operand operation.
    fn un(&mut self, op: UnOp, a: &Self::W) -> Self::W;
    /// A two-operand operation.
    fn bin(&mut self, op: BinOp, a: &Self::W, b: &Self::W) -> Self::W;
    /// A comparison; one bit.
    fn cmp(&mut self, op: CmpOp, a: &Self::W, b: &Self::W) -> Self::W;
    /// `a` where the bit `c` is one, else `b`.
    fn ite(&mut self, c: &Self::W, a: &Self::W, b: &Self::W) -> Self::W;
    /// Bits `lo .. lo + width`.
    fn extract(&mut self, a: &Self::W, lo: u32, width: u32) -> Self::W;
    /// `hi` above `lo`.
    fn concat(&mut self, hi: &Self::W, lo: &Self::W) -> Self::W;
    /// Zero-extended (or unchanged) to `width`.
    fn zext(&mut self, a: &Self::W, width: u32) -> Self::W;
    /// Sign-extended (or unchanged) to `width`.
    fn sext(&mut self, a: &Self::W, width: u32) -> Self::W;
    /// A floating-point operation on bit patterns.
    fn fp(&mut self, op: FpOp, args: &[Self::W]) -> Self::W;
    /// A result the architecture leaves undefined: a fresh variable among terms, an unspecified value otherwise.
    fn undefined(&mut self, width: u32) -> Self::W;

    /// One bit: whether `bytes` bytes at `addr` may be read (or written). Symbolic domains answer one and leave the
    /// question to whoever compares the accesses.
    fn mapped(&mut self, m: &Self::M, addr: &Self::W, bytes: u32, write: bool) -> Self::W;
    /// `bytes` (1 to 16) bytes at `addr`, little-endian; any value where they are not mapped.
    fn load(&mut self, m: &Self::M, addr: &Self::W, bytes: u32) -> Self::W;
    /// Writes the whole bytes of `value` at `addr`; nothing where they are not mapped.
    fn store(&mut self, m: &mut Self::M, addr: &Self::W, value: &Self::W);
    /// Joins two memories: `a` where the bit `c` is one, else `b`.
    fn ite_memory(&mut self, c: &Self::W, a: &Self::M, b: &Self::M) -> Self::M;

    /// A constant bit.
    fn bit(&mut self, v: bool) -> Self::W {
        self.constant(1, v as u128)
    }
    /// Addition.
    fn add(&mut self, a: &Self::W, b: &Self::W) -> Self::W {
        self.bin(BinOp::Add, a, b)
    }
    /// Subtraction.
    fn sub(&mut self, a: &Self::W, b: &Self::W) -> Self::W {
        self.bin(BinOp::Sub, a, b)
    }
    /// Bitwise and.
    fn and(&mut self, a: &Self::W, b: &Self::W) -> Self::W {
        self.bin(BinOp::And, a, b)
    }
    /// Bitwise or.
    fn or(&mut self, a: &Self::W, b: &Self::W) -> Self::W {
        self.bin(BinOp::Or, a, b)
    }
    /// Bitwise exclusive or.
    fn xor(&mut self, a: &Self::W, b: &Self::W) -> Self::W {
        self.bin(BinOp::Xor, a, b)
    }
    /// Bitwise complement.
    fn not(&mut self, a: &Self::W) -> Self::W {
        self.un(UnOp::Not, a)
    }
    /// One bit: equal.
    fn eq(&mut self, a: &Self::W, b: &Self::W) -> Self::W {
        self.cmp(CmpOp::Eq, a, b)
    }
    /// One bit: all bits are zero.
    fn is_zero(&mut self, a: &Self::W) -> Self::W {
        let w = self.width(a);
        let z = self.constant(w, 0);
        self.cmp(CmpOp::Eq, a, &z)
    }
    /// The most significant bit.
    fn msb(&mut self, a: &Self::W) -> Self::W {
        let w = self.width(a);
        self.extract(a, w - 1, 1)
    }
    /// The low `width` bits.
    fn trunc(&mut self, a: &Self::W, width: u32) -> Self::W {
        self.extract(a, 0, width)
    }
}
