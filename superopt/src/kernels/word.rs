//! Terms written with operators, so that a kernel's formula reads as it does in the book.
//!
//! A [`Word`] knows the pool it lives in. Terms are made in the order they are written, operands from left to right.

use std::cell::RefCell;
use std::ops;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, TermId, TermPool, UnOp};

/// A term and its pool.
#[derive(Clone, Copy, Debug)]
pub struct Word<'p> {
    pool: &'p RefCell<TermPool>,
    term: TermId,
}

impl<'p> Word<'p> {
    /// A term of a pool.
    pub fn new(pool: &'p RefCell<TermPool>, term: TermId) -> Word<'p> {
        Word { pool, term }
    }

    /// The term.
    pub fn term(self) -> TermId {
        self.term
    }

    /// Width in bits.
    pub fn width(self) -> u32 {
        self.pool.borrow().term_width(self.term)
    }

    fn make(self, f: impl FnOnce(&mut TermPool, &TermId) -> TermId) -> Word<'p> {
        let term = f(&mut self.pool.borrow_mut(), &self.term);
        Word { term, ..self }
    }

    fn bin(self, op: BinOp, other: Word<'p>) -> Word<'p> {
        self.make(|p, a| p.bin(op, a, &other.term))
    }

    fn un(self, op: UnOp) -> Word<'p> {
        self.make(|p, a| p.un(op, a))
    }

    fn cmp(self, op: CmpOp, other: Word<'p>) -> Word<'p> {
        self.make(|p, a| p.cmp(op, a, &other.term))
    }

    /// A constant as wide as this word; bits above the width are dropped.
    pub fn k(self, value: i128) -> Word<'p> {
        let width = self.width();
        self.make(|p, _| p.constant(width, value as u128))
    }

    /// A variable as wide as this word.
    pub fn var_like(self, name: &str) -> Word<'p> {
        let width = self.width();
        self.make(|p, _| p.var(name, width))
    }

    /// The bit that is always set.
    pub fn always(self) -> Word<'p> {
        self.make(|p, _| p.bit(true))
    }

    /// One more.
    pub fn inc(self) -> Word<'p> {
        self + self.k(1)
    }

    /// One less.
    pub fn dec(self) -> Word<'p> {
        self + self.k(-1)
    }

    /// The number of zeros below the lowest 1; the width for 0.
    pub fn ctz(self) -> Word<'p> {
        self.un(UnOp::Ctz)
    }

    /// The number of zeros above the highest 1; the width for 0.
    pub fn clz(self) -> Word<'p> {
        self.un(UnOp::Clz)
    }

    /// The number of 1s.
    pub fn popcnt(self) -> Word<'p> {
        self.un(UnOp::Popcnt)
    }

    /// Shifted right with copies of the sign.
    pub fn sar(self, count: Word<'p>) -> Word<'p> {
        self.bin(BinOp::Ashr, count)
    }

    /// The unsigned quotient.
    pub fn udiv(self, divisor: Word<'p>) -> Word<'p> {
        self.bin(BinOp::Udiv, divisor)
    }

    /// The high half of the unsigned product.
    pub fn high_product(self, other: Word<'p>) -> Word<'p> {
        self.bin(BinOp::MulHiU, other)
    }

    /// The bit `self == other`.
    pub fn equals(self, other: Word<'p>) -> Word<'p> {
        self.cmp(CmpOp::Eq, other)
    }

    /// The bit `self == 0`.
    pub fn is_zero(self) -> Word<'p> {
        self.make(|p, a| p.is_zero(a))
    }

    /// The bit `self < other`, unsigned.
    pub fn below(self, other: Word<'p>) -> Word<'p> {
        self.cmp(CmpOp::Ult, other)
    }

    /// The bit `self < other`, signed.
    pub fn less(self, other: Word<'p>) -> Word<'p> {
        self.cmp(CmpOp::Slt, other)
    }

    /// The sign bit.
    pub fn sign(self) -> Word<'p> {
        self.make(|p, a| p.msb(a))
    }

    /// Bit number `i`.
    pub fn bit(self, i: u32) -> Word<'p> {
        self.bits(i, 1)
    }

    /// `width` bits from bit `low` on.
    pub fn bits(self, low: u32, width: u32) -> Word<'p> {
        self.make(|p, a| p.extract(a, low, width))
    }

    /// Extended with zeros.
    pub fn widened(self, width: u32) -> Word<'p> {
        self.make(|p, a| p.zext(a, width))
    }

    /// By this bit, one word or the other.
    pub fn choose(self, yes: Word<'p>, no: Word<'p>) -> Word<'p> {
        self.make(|p, c| p.ite(c, &yes.term, &no.term))
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl<'p> ops::$trait for Word<'p> {
            type Output = Word<'p>;
            fn $method(self, other: Word<'p>) -> Word<'p> {
                self.bin(BinOp::$op, other)
            }
        }
    )*};
}

operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
    Shl shl Shl;
    Shr shr Lshr;
}

impl<'p> ops::Not for Word<'p> {
    type Output = Word<'p>;
    fn not(self) -> Word<'p> {
        self.un(UnOp::Not)
    }
}

impl<'p> ops::Neg for Word<'p> {
    type Output = Word<'p>;
    fn neg(self) -> Word<'p> {
        self.un(UnOp::Neg)
    }
}
