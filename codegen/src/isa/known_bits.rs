//! The known-bits domain: of each word, which bits are certainly zero and which certainly one.
//!
//! The transfer functions ([`transfer`]) are written once over any domain of words: over [`Concrete`] they run, over
//! terms they are proven. Invariant: no bit is in both masks, so every abstract word stands for at least one value.

pub mod transfer;

use super::concrete::{Bits, Concrete, mask};
use super::domain::{BinOp, CmpOp, Domain, FpOp, UnOp};

/// What is known of a word: two masks of its width.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Known<W> {
    /// Bits that are zero.
    pub zeros: W,
    /// Bits that are one.
    pub ones: W,
}

impl Known<Bits> {
    /// From masks of a width; `None` when a bit is in both.
    pub fn new(width: u32, zeros: u128, ones: u128) -> Option<Known<Bits>> {
        let (zeros, ones) = (Bits::new(width, zeros), Bits::new(width, ones));
        (zeros.value & ones.value == 0).then_some(Known { zeros, ones })
    }
    /// Nothing known.
    pub fn unknown(width: u32) -> Known<Bits> {
        let none = Bits::new(width, 0);
        Known {
            zeros: none,
            ones: none,
        }
    }
    /// One value.
    pub fn constant(width: u32, value: u128) -> Known<Bits> {
        Known {
            zeros: Bits::new(width, !value),
            ones: Bits::new(width, value),
        }
    }
    /// Width in bits.
    pub fn width(&self) -> u32 {
        self.ones.width
    }
    /// The value, when all bits are known.
    pub fn value(&self) -> Option<u128> {
        let all = self.zeros.value | self.ones.value == mask(self.width());
        all.then_some(self.ones.value)
    }
    /// Whether a value is one of those it stands for.
    pub fn contains(&self, value: u128) -> bool {
        value & self.zeros.value == 0 && !value & self.ones.value == 0
    }
}

/// A memory of which nothing is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AnyMemory;

/// The domain of words with known bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownBits;

impl Domain for KnownBits {
    type W = Known<Bits>;
    type M = AnyMemory;

    fn constant(&mut self, width: u32, value: u128) -> Self::W {
        Known::constant(width, value)
    }
    fn width(&self, w: &Self::W) -> u32 {
        w.width()
    }
    fn as_constant(&self, w: &Self::W) -> Option<u128> {
        w.value()
    }
    fn un(&mut self, op: UnOp, a: &Self::W) -> Self::W {
        transfer::un(&mut Concrete, op, a)
    }
    fn bin(&mut self, op: BinOp, a: &Self::W, b: &Self::W) -> Self::W {
        transfer::bin(&mut Concrete, op, a, b)
    }
    fn cmp(&mut self, op: CmpOp, a: &Self::W, b: &Self::W) -> Self::W {
        transfer::cmp(&mut Concrete, op, a, b)
    }
    fn ite(&mut self, c: &Self::W, a: &Self::W, b: &Self::W) -> Self::W {
        transfer::ite(&mut Concrete, c, a, b)
    }
    fn extract(&mut self, a: &Self::W, lo: u32, width: u32) -> Self::W {
        Known {
            zeros: Bits::new(width, a.zeros.value >> lo),
            ones: Bits::new(width, a.ones.value >> lo),
        }
    }
    fn concat(&mut self, hi: &Self::W, lo: &Self::W) -> Self::W {
        Known {
            zeros: Concrete.concat(&hi.zeros, &lo.zeros),
            ones: Concrete.concat(&hi.ones, &lo.ones),
        }
    }
    fn zext(&mut self, a: &Self::W, width: u32) -> Self::W {
        let above = mask(width) & !mask(a.width());
        Known {
            zeros: Bits::new(width, a.zeros.value | above),
            ones: Bits::new(width, a.ones.value),
        }
    }
    fn sext(&mut self, a: &Self::W, width: u32) -> Self::W {
        Known {
            zeros: Concrete.sext(&a.zeros, width),
            ones: Concrete.sext(&a.ones, width),
        }
    }
    fn fp(&mut self, op: FpOp, args: &[Self::W]) -> Self::W {
        let width = op.result_width(args[0].width());
        let values: Option<Vec<Bits>> = args
            .iter()
            .map(|a| a.value().map(|v| Bits::new(a.width(), v)))
            .collect();
        match values {
            Some(v) => Known::constant(width, Concrete.fp(op, &v).value),
            None => Known::unknown(width),
        }
    }
    fn undefined(&mut self, width: u32) -> Self::W {
        Known::unknown(width)
    }

    fn mapped(&mut self, _m: &AnyMemory, _addr: &Self::W, _bytes: u32, _write: bool) -> Self::W {
        Known::constant(1, 1)
    }
    fn load(&mut self, _m: &AnyMemory, _addr: &Self::W, bytes: u32) -> Self::W {
        Known::unknown(8 * bytes)
    }
    fn store(&mut self, _m: &mut AnyMemory, _addr: &Self::W, _value: &Self::W) {}
    fn ite_memory(&mut self, _c: &Self::W, a: &AnyMemory, _b: &AnyMemory) -> AnyMemory {
        *a
    }
}
