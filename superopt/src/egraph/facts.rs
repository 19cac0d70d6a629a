//! Known bits of words and their greatest values: the facts e-classes carry, and what the conditions of rules are answered from.
//!
//! The lattice and the transfer functions are the model's own ([`trinity_codegen::isa::known_bits`]), which are proven
//! there at every width. Three things are of this module. Constants are always folded, also by operations whose transfer
//! says less than that, such as remainders. Classes are merged and facts restricted ([`Meet`]). And the
//! domain ([`KnownBits`]) does not fold an operation on doubles whose result is a NaN: which NaN comes out depends on
//! the order of the operands, and rules may have exchanged them.
//!
//! Greatest values ([`Bounds`]) know of sums and products what bits cannot say: `3 * x + y` with `x` of 16 bits and `y` of 14 is below `4 * 65521`.

use crate::handed_on::handed_on;
use std::ops::Deref;
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

/// What is known of a word: bits, and a value that it does not exceed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fact {
    bits: Known,
    most: u128,
}

impl Deref for Fact {
    type Target = Known;
    fn deref(&self) -> &Known {
        &self.bits
    }
}

impl Fact {
    /// Nothing.
    pub fn unknown(width: u32) -> Fact {
        Known::unknown(width).into()
    }

    /// Everything.
    pub fn constant(width: u32, value: u128) -> Fact {
        Known::constant(width, value).into()
    }

    /// These bits, and at most this (unsigned). Where they contradict each other, the bits.
    pub fn new(bits: Known, most: u128) -> Fact {
        let most = most.min(bits.range().1);
        let zeros = match most.checked_ilog2() {
            Some(n) => !mask(n + 1),
            None => u128::MAX,
        };
        let below = Known::new(bits.width(), zeros & mask(bits.width()), 0);
        match below.and_then(|b| b.meet(&bits)) {
            Some(bits) if most >= bits.range().0 => Fact { bits, most },
            _ => bits.into(),
        }
    }

    /// The bits.
    pub fn bits(&self) -> Known {
        self.bits
    }

    /// The greatest value, unsigned.
    pub fn most(&self) -> u128 {
        self.most
    }

    /// Both facts hold: `None` if they contradict each other.
    pub fn meet(&self, other: &Fact) -> Option<Fact> {
        let bits = self.bits.meet(&other.bits)?;
        let most = self.most.min(other.most);
        (most >= bits.range().0).then(|| Fact::new(bits, most))
    }
}

impl From<Known> for Fact {
    fn from(bits: Known) -> Fact {
        let most = bits.range().1;
        Fact { bits, most }
    }
}

/// The domain of facts. Memory is unknown to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds;

/// The greatest unsigned result for operands up to `a` and `b`, the second of at least `least`, in words of so many bits; `None`: nothing is known but the width.
/// Division by 0 means what SMT-LIB says.
fn most(op: BinOp, width: u32, a: u128, b: u128, least: u128) -> Option<u128> {
    let fits = |n: Option<u128>| n.filter(|n| *n <= mask(width));
    match op {
        BinOp::Add => fits(a.checked_add(b)),
        BinOp::Mul => fits(a.checked_mul(b)),
        BinOp::And => Some(a.min(b)),
        BinOp::Lshr => Some(a.checked_shr(u32::try_from(least).ok()?).unwrap_or(0)),
        // Shifted by more it is less, or more than fits.
        BinOp::Shl if b < width.into() => fits(a.checked_mul(1u128 << b)),
        BinOp::Udiv if least > 0 => Some(a / least),
        BinOp::Urem if least > 0 => Some(a.min(b - 1)),
        BinOp::Urem => Some(a),
        BinOp::MulHiU if width <= 64 => Some((a * b) >> width),
        _ => None,
    }
}

impl Domain for Bounds {
    type W = Fact;
    type M = known_bits::AnyMemory;

    fn constant(&mut self, width: u32, value: u128) -> Fact {
        Fact::constant(width, value)
    }
    fn width(&self, w: &Fact) -> u32 {
        w.bits.width()
    }
    fn as_constant(&self, w: &Fact) -> Option<u128> {
        w.value()
    }
    fn un(&mut self, op: UnOp, a: &Fact) -> Fact {
        KnownBits.un(op, &a.bits).into()
    }
    fn bin(&mut self, op: BinOp, a: &Fact, b: &Fact) -> Fact {
        let bits = KnownBits.bin(op, &a.bits, &b.bits);
        match most(op, a.width(), a.most, b.most, b.range().0) {
            Some(most) => Fact::new(bits, most),
            None => bits.into(),
        }
    }
    fn cmp(&mut self, op: CmpOp, a: &Fact, b: &Fact) -> Fact {
        let ((least_a, _), (least_b, _)) = (a.range(), b.range());
        let below = a.most < least_b;
        let above = b.most < least_a;
        // Where neither has its sign bit, signed order is unsigned order.
        let half = mask(a.width()) >> 1;
        let unsigned = a.most <= half && b.most <= half;
        let known = match op {
            CmpOp::Eq if below || above => Some(false),
            CmpOp::Slt if !unsigned => None,
            CmpOp::Ult | CmpOp::Slt if below => Some(true),
            CmpOp::Ult | CmpOp::Slt if b.most <= least_a => Some(false),
            _ => None,
        };
        match known {
            Some(bit) => Fact::constant(1, bit.into()),
            None => KnownBits.cmp(op, &a.bits, &b.bits).into(),
        }
    }
    fn ite(&mut self, c: &Fact, a: &Fact, b: &Fact) -> Fact {
        let bits = KnownBits.ite(&c.bits, &a.bits, &b.bits);
        Fact::new(bits, a.most.max(b.most))
    }
    fn extract(&mut self, a: &Fact, lo: u32, width: u32) -> Fact {
        let bits = KnownBits.extract(&a.bits, lo, width);
        let high = a.most >> lo;
        match high <= mask(width) {
            true => Fact::new(bits, high),
            false => bits.into(),
        }
    }
    fn concat(&mut self, hi: &Fact, lo: &Fact) -> Fact {
        let bits = KnownBits.concat(&hi.bits, &lo.bits);
        Fact::new(bits, hi.most << lo.width() | lo.most)
    }
    fn zext(&mut self, a: &Fact, width: u32) -> Fact {
        Fact::new(KnownBits.zext(&a.bits, width), a.most)
    }
    fn sext(&mut self, a: &Fact, width: u32) -> Fact {
        KnownBits.sext(&a.bits, width).into()
    }
    fn fp(&mut self, op: FpOp, args: &[Fact]) -> Fact {
        let args: Vec<Known> = args.iter().map(|a| a.bits).collect();
        KnownBits.fp(op, &args).into()
    }
    fn undefined(&mut self, width: u32) -> Fact {
        KnownBits.undefined(width).into()
    }
    fn mapped(&mut self, m: &Self::M, addr: &Fact, bytes: u32, write: bool) -> Fact {
        KnownBits.mapped(m, &addr.bits, bytes, write).into()
    }
    fn load(&mut self, m: &Self::M, addr: &Fact, bytes: u32) -> Fact {
        KnownBits.load(m, &addr.bits, bytes).into()
    }
    fn store(&mut self, m: &mut Self::M, addr: &Fact, value: &Fact) {
        KnownBits.store(m, &addr.bits, &value.bits);
    }
    fn ite_memory(&mut self, c: &Fact, a: &Self::M, b: &Self::M) -> Self::M {
        KnownBits.ite_memory(&c.bits, a, b)
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

    /// Each operation on all words of five bits, and all greatest and least operands: a result above the bound is none.
    #[test]
    fn no_result_exceeds_its_bound() {
        use BinOp::*;
        const W: u32 = 5;
        let n = mask(W);
        for op in [
            Add, Mul, And, Lshr, Shl, Udiv, Urem, MulHiU, Sub, Or, Xor, Ashr,
        ] {
            let value =
                |a: u128, b: u128| Concrete.bin(op, &Bits::new(W, a), &Bits::new(W, b)).value;
            for least in 0..=n {
                // The greatest result so far, by the greatest operands.
                let mut below = vec![0; n as usize + 1];
                for b in least..=n {
                    let mut row = 0;
                    for a in 0..=n {
                        row = row.max(value(a, b));
                        below[a as usize] = row.max(below[a as usize]);
                        let bound = most(op, W, a, b, least).unwrap_or(n);
                        assert!(below[a as usize] <= bound, "{op:?} {a} {b} from {least}");
                    }
                }
            }
        }
    }

    /// The same of comparisons and of what puts words together, with every greatest value and what follows from it.
    #[test]
    fn comparisons_are_decided_by_bounds() {
        const W: u32 = 4;
        let n = mask(W);
        let fact = |least: u128, most: u128| {
            let ones = if least > n / 2 { n / 2 + 1 } else { 0 };
            Fact::new(Known::new(W, 0, ones).expect("no zeros"), most)
        };
        for (x, y) in (0..=n).flat_map(|x| (0..=n).map(move |y| (x, y))) {
            for (p, q) in (x..=n).flat_map(|p| (y..=n).map(move |q| (p, q))) {
                let (a, b) = (fact(x, p), fact(y, q));
                let (x, y) = (Bits::new(W, x), Bits::new(W, y));
                assert!(a.most >= x.value && a.meet(&Fact::constant(W, x.value)).is_some());
                for op in [CmpOp::Eq, CmpOp::Ult, CmpOp::Slt] {
                    let real = Concrete.cmp(op, &x, &y).value;
                    let said = Bounds.cmp(op, &a, &b).value();
                    assert!(
                        said.is_none_or(|v| v == real),
                        "{op:?} {x:?} {y:?} {a:?} {b:?}"
                    );
                }
                let pair = Bounds.concat(&a, &b);
                assert!(pair.most >= x.value << W | y.value);
                assert!(Bounds.extract(&pair, 2, 4).most >= (x.value << W | y.value) >> 2 & n);
                assert!(Bounds.ite(&Fact::unknown(1), &a, &b).most >= x.value.max(y.value));
            }
        }
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
