//! Known bits of words: the facts e-classes carry, and what the conditions of rules are answered from.
//!
//! The lattice and the transfer functions are the model's own ([`trinity_codegen::isa::known_bits`]), which are proven
//! there at every width. Three things are of this module. Constants are always folded, also by operations whose transfer
//! says less than that, such as remainders. Classes are merged and facts restricted ([`Meet`]). And the
//! domain ([`KnownBits`]) does not fold an operation on doubles whose result is a NaN: which NaN comes out depends on
//! the order of the operands, and rules may have exchanged them.

use crate::handed_on::handed_on;
use trinity_codegen::isa::concrete::{Bits, mask};
use trinity_codegen::isa::known_bits::{self, KnownBits as Model};
use trinity_codegen::isa::{BinOp, CmpOp, Concrete, Domain, FpOp, UnOp};

/// What is known of a word.
pub type Known = known_bits::Known<Bits>;

/// Facts of one word put together.
pub trait Meet: Sized {
    /// Both facts hold: `None` if they contradict each other.
    fn meet(&self, other: &Self) -> Option<Self>;
    /// Least and greatest unsigned value.
    fn range(&self) -> (u128, u128);
}

impl Meet for Known {
    fn meet(&self, other: &Known) -> Option<Known> {
        Known::new(
            self.width(),
            self.zeros.value | other.zeros.value,
            self.ones.value | other.ones.value,
        )
    }
    fn range(&self) -> (u128, u128) {
        (self.ones.value, !self.zeros.value & mask(self.width()))
    }
}

/// A word that is known.
fn word(v: Bits) -> Known {
    Known::constant(v.width, v.value)
}

/// The domain of known bits. Memory is unknown to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownBits;

impl Domain for KnownBits {
    type W = Known;
    type M = known_bits::AnyMemory;

    handed_on!(self => Model, Known: constant width as_constant ite extract concat zext sext undefined);
    fn un(&mut self, op: UnOp, a: &Known) -> Known {
        match a.value() {
            Some(x) => word(Concrete.un(op, &Bits::new(a.width(), x))),
            None => Model.un(op, a),
        }
    }
    fn bin(&mut self, op: BinOp, a: &Known, b: &Known) -> Known {
        match (a.value(), b.value()) {
            (Some(x), Some(y)) => {
                let (x, y) = (Bits::new(a.width(), x), Bits::new(b.width(), y));
                word(Concrete.bin(op, &x, &y))
            }
            _ => Model.bin(op, a, b),
        }
    }
    fn cmp(&mut self, op: CmpOp, a: &Known, b: &Known) -> Known {
        match (a.value(), b.value()) {
            (Some(x), Some(y)) => {
                let (x, y) = (Bits::new(a.width(), x), Bits::new(b.width(), y));
                word(Concrete.cmp(op, &x, &y))
            }
            _ => Model.cmp(op, a, b),
        }
    }
    fn fp(&mut self, op: FpOp, args: &[Known]) -> Known {
        let r = Model.fp(op, args);
        let nan = |v: u128| r.width() == 64 && f64::from_bits(v as u64).is_nan();
        if r.value().is_some_and(nan) {
            return Known::unknown(r.width());
        }
        r
    }
    fn mapped(&mut self, m: &Self::M, addr: &Known, bytes: u32, write: bool) -> Known {
        Model.mapped(m, addr, bytes, write)
    }
    fn load(&mut self, m: &Self::M, addr: &Known, bytes: u32) -> Known {
        Model.load(m, addr, bytes)
    }
    fn store(&mut self, m: &mut Self::M, addr: &Known, value: &Known) {
        Model.store(m, addr, value);
    }
    fn ite_memory(&mut self, c: &Known, a: &Self::M, b: &Self::M) -> Self::M {
        Model.ite_memory(c, a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_one_word_meet_or_contradict() {
        let even = Known::new(8, 1, 0).expect("no bit is in both masks");
        let high = Known::new(8, 0, 0x80).expect("no bit is in both masks");
        let both = even.meet(&high).expect("they agree");
        assert_eq!(both.range(), (0x80, 0xfe));
        assert_eq!(both.meet(&Known::constant(8, 0x81)), None);
        assert_eq!(
            both.meet(&Known::constant(8, 0x82)),
            Some(Known::constant(8, 0x82))
        );
    }

    #[test]
    fn doubles_fold_but_for_nans() {
        let k = |v: f64| Known::constant(64, v.to_bits().into());
        let sum = KnownBits.fp(FpOp::Add, &[k(1.5), k(2.0)]);
        assert_eq!(sum, k(3.5));
        let none = KnownBits.fp(FpOp::Sub, &[k(f64::INFINITY), k(f64::INFINITY)]);
        assert_eq!(none, Known::unknown(64));
    }
}
