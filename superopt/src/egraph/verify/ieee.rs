//! Floating point for proofs of rules: IEEE 754's definitions written over bit patterns.
//!
//! Rounding to integral values and conversions between integers and doubles become bit-vector circuits, equal to the
//! model on every bit (a test compares them). In rules that keep everything but which NaN it is, products, quotients
//! and sums are put in a normal form by what the standard defines: a product's or quotient's sign is the exclusive or
//! of the signs and its magnitude depends on the magnitudes; sums and products commute; a difference is the sum with
//! the negated operand; operations with one exact real result round alike (`x + x` and `2 x`, `x / 2^k` and
//! `x * 2^-k`); `x * 1`, `x / 1` and `x + -0` are `x`. What is left of them is a function of its operands.

use crate::handed_on::handed_on;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, FpOp, Node, TermId, TermPool, UnOp};

/// Terms with floating point, and divisions by words that are no constants, by definition.
pub struct Ieee<'a> {
    /// Where the terms go.
    pub pool: &'a mut TermPool,
    /// Whether NaNs are one value.
    pub nan_class: bool,
}

const SIGN: u128 = 1 << 63;
const ONE: u128 = 0x3ff0_0000_0000_0000;
const TWO: u128 = 0x4000_0000_0000_0000;

impl Ieee<'_> {
    fn k(&mut self, v: u128) -> TermId {
        self.pool.constant(64, v)
    }
    /// Without the sign; what only touches the sign is looked through, so that equal magnitudes are one term.
    fn magnitude(&mut self, a: &TermId) -> TermId {
        if let Node::Bin(op, x, k) = self.pool.node(*a) {
            match (op, self.pool.as_constant(&k)) {
                (BinOp::Xor, Some(SIGN)) => return self.magnitude(&x),
                (BinOp::And, Some(k)) if k == SIGN - 1 => return self.magnitude(&x),
                _ => {}
            }
        }
        let m = self.k(SIGN - 1);
        self.pool.and(a, &m)
    }
    fn sign(&mut self, a: &TermId) -> TermId {
        let m = self.k(SIGN);
        self.pool.and(a, &m)
    }
    fn exponent(&mut self, a: &TermId) -> TermId {
        let e = self.pool.extract(a, 52, 11);
        self.pool.zext(&e, 64)
    }
    fn less(&mut self, a: &TermId, k: u128) -> TermId {
        let k = self.k(k);
        self.pool.cmp(CmpOp::Ult, a, &k)
    }
    fn shift(&mut self, op: BinOp, a: &TermId, n: &TermId) -> TermId {
        self.pool.bin(op, a, n)
    }
    /// `negative ? -a : a`
    fn negate_if(&mut self, negative: &TermId, a: &TermId) -> TermId {
        let n = self.pool.un(UnOp::Neg, a);
        self.pool.ite(negative, &n, a)
    }

    /// `a - (a / b) * b`: what SMT-LIB's remainders are, division by zero included.
    fn remainder(&mut self, division: BinOp, a: &TermId, b: &TermId) -> TermId {
        let q = self.bin(division, a, b);
        let p = self.pool.bin(BinOp::Mul, &q, b);
        self.pool.sub(a, &p)
    }

    /// Rounded towards zero, down (`up` false) or up: the bits below the point are cleared, and the magnitude grows by
    /// one unit when something was cleared and the direction asks for it.
    fn round(&mut self, mode: u8, a: &TermId) -> TermId {
        let e = self.exponent(a);
        let (sign, magnitude) = (self.sign(a), self.magnitude(a));
        let bias = self.k(1023);
        let places = self.pool.sub(&e, &bias);
        let fraction = self.k((1 << 52) - 1);
        let below = self.shift(BinOp::Lshr, &fraction, &places);
        let keep = self.pool.not(&below);
        let zero = self.k(0);
        let cut = self.pool.and(&magnitude, &keep);
        let small = self.less(&e, 1023);
        let cut = self.pool.ite(&small, &zero, &cut);
        let lost = self.pool.eq(&cut, &magnitude);
        let lost = self.pool.not(&lost);
        let negative = self.pool.msb(a);
        let away = match mode {
            1 => self.pool.and(&lost, &negative),
            2 => {
                let positive = self.pool.not(&negative);
                self.pool.and(&lost, &positive)
            }
            _ => self.pool.bit(false),
        };
        let one = self.k(1);
        let unit = self.pool.add(&below, &one);
        let grown = self.pool.add(&cut, &unit);
        let f_one = self.k(ONE);
        let grown = self.pool.ite(&small, &f_one, &grown);
        let rounded = self.pool.ite(&away, &grown, &cut);
        let rounded = self.pool.or(&rounded, &sign);
        // From 2^52 on every double is an integer.
        let integral = self.less(&e, 1075);
        let result = self.pool.ite(&integral, &rounded, a);
        let infinity = self.k(0x7ff << 52);
        let nan = self.pool.cmp(CmpOp::Ult, &infinity, &magnitude);
        let quiet = self.k(1 << 51);
        let quiet = self.pool.or(a, &quiet);
        self.pool.ite(&nan, &quiet, &result)
    }

    /// A signed 64-bit integer as the nearest double, ties to even.
    fn of_integer(&mut self, a: &TermId) -> TermId {
        let negative = self.pool.msb(a);
        let v = self.negate_if(&negative, a);
        let n = self.pool.un(UnOp::Clz, &v);
        let m = self.shift(BinOp::Shl, &v, &n);
        let eleven = self.k(11);
        let kept = self.shift(BinOp::Lshr, &m, &eleven);
        let rest_mask = self.k(0x7ff);
        let rest = self.pool.and(&m, &rest_mask);
        // The half, less one when the kept part is odd: ties go to even.
        let half = self.k(0x400);
        let one = self.k(1);
        let odd = self.pool.and(&kept, &one);
        let bound = self.pool.sub(&half, &odd);
        let up = self.pool.cmp(CmpOp::Ult, &bound, &rest);
        let up = self.pool.zext(&up, 64);
        let top = self.k(1023 + 63 - 1);
        let exponent = self.pool.sub(&top, &n);
        let place = self.k(52);
        let exponent = self.shift(BinOp::Shl, &exponent, &place);
        // The kept part's leading one adds one to the exponent, and so does a carry out of it.
        let r = self.pool.add(&exponent, &kept);
        let r = self.pool.add(&r, &up);
        let zero = self.pool.is_zero(a);
        let none = self.k(0);
        let r = self.pool.ite(&zero, &none, &r);
        let sign = self.sign(a);
        self.pool.or(&r, &sign)
    }

    /// A double truncated to a signed 64-bit integer, `i64::MIN` where it does not fit.
    fn as_integer(&mut self, a: &TermId) -> TermId {
        let e = self.exponent(a);
        let fraction = self.k((1 << 52) - 1);
        let f = self.pool.and(a, &fraction);
        let hidden = self.k(1 << 52);
        let m = self.pool.or(&f, &hidden);
        let point = self.k(1075);
        let left = self.pool.sub(&e, &point);
        let right = self.pool.sub(&point, &e);
        let large = self.shift(BinOp::Shl, &m, &left);
        let small = self.shift(BinOp::Lshr, &m, &right);
        let fractional = self.less(&e, 1075);
        let v = self.pool.ite(&fractional, &small, &large);
        let negative = self.pool.msb(a);
        let v = self.negate_if(&negative, &v);
        let tiny = self.less(&e, 1023);
        let zero = self.k(0);
        let v = self.pool.ite(&tiny, &zero, &v);
        let fits = self.less(&e, 1023 + 63);
        let min = self.k(SIGN);
        self.pool.ite(&fits, &v, &min)
    }

    /// The magnitude of a product or quotient of magnitudes.
    fn scaled(&mut self, op: FpOp, a: TermId, b: TermId) -> TermId {
        let (ka, kb) = (self.pool.as_constant(&a), self.pool.as_constant(&b));
        if kb == Some(ONE) {
            return a;
        }
        if op == FpOp::Mul && ka == Some(ONE) {
            return b;
        }
        // x / 2^k = x * 2^-k, both normal.
        if let (FpOp::Div, Some(k)) = (op, kb)
            && k & ((1 << 52) - 1) == 0
            && (1..=2045).contains(&(k >> 52))
        {
            let inverse = self.k((2046 - (k >> 52)) << 52);
            return self.scaled(FpOp::Mul, a, inverse);
        }
        let (a, b) = if op == FpOp::Mul && b < a {
            (b, a)
        } else {
            (a, b)
        };
        let r = self.pool.fp(op, &[a, b]);
        self.magnitude(&r)
    }

    fn normal(&mut self, op: FpOp, a: &TermId, b: &TermId) -> TermId {
        match op {
            FpOp::Mul | FpOp::Div => {
                let differ = self.pool.xor(a, b);
                let sign = self.sign(&differ);
                let (ma, mb) = (self.magnitude(a), self.magnitude(b));
                let m = self.scaled(op, ma, mb);
                self.pool.or(&sign, &m)
            }
            FpOp::Sub => {
                let flip = self.k(SIGN);
                let negated = self.pool.xor(b, &flip);
                self.normal(FpOp::Add, a, &negated)
            }
            _ => {
                if self.pool.as_constant(b) == Some(SIGN) {
                    return *a;
                }
                if a == b {
                    let two = self.k(TWO);
                    return self.normal(FpOp::Mul, a, &two);
                }
                let (x, y) = if b < a { (b, a) } else { (a, b) };
                self.pool.fp(FpOp::Add, &[*x, *y])
            }
        }
    }
}

impl Domain for Ieee<'_> {
    type W = TermId;
    type M = TermId;

    handed_on!(self => self.pool, TermId: constant width as_constant un cmp ite extract concat zext sext undefined);
    fn bin(&mut self, op: BinOp, a: &TermId, b: &TermId) -> TermId {
        if self.pool.as_constant(b).is_some() {
            return self.pool.bin(op, a, b);
        }
        match op {
            BinOp::Urem => self.remainder(BinOp::Udiv, a, b),
            BinOp::Srem => self.remainder(BinOp::Sdiv, a, b),
            BinOp::Sdiv => {
                let (na, nb) = (self.pool.msb(a), self.pool.msb(b));
                let (ma, mb) = (self.negate_if(&na, a), self.negate_if(&nb, b));
                let q = self.pool.bin(BinOp::Udiv, &ma, &mb);
                let differ = self.pool.xor(&na, &nb);
                self.negate_if(&differ, &q)
            }
            _ => self.pool.bin(op, a, b),
        }
    }
    fn fp(&mut self, op: FpOp, args: &[TermId]) -> TermId {
        match op {
            FpOp::Round(mode @ 1..=3) => self.round(mode, &args[0]),
            FpOp::FromInt(64) if self.width(&args[0]) == 64 => self.of_integer(&args[0]),
            FpOp::ToIntTrunc(64) if self.width(&args[0]) == 64 => self.as_integer(&args[0]),
            FpOp::Add | FpOp::Sub | FpOp::Mul | FpOp::Div if self.nan_class => {
                self.normal(op, &args[0], &args[1])
            }
            _ => self.pool.fp(op, args),
        }
    }
    fn mapped(&mut self, m: &TermId, addr: &TermId, bytes: u32, write: bool) -> TermId {
        self.pool.mapped(m, addr, bytes, write)
    }
    fn load(&mut self, m: &TermId, addr: &TermId, bytes: u32) -> TermId {
        self.pool.load(m, addr, bytes)
    }
    fn store(&mut self, m: &mut TermId, addr: &TermId, value: &TermId) {
        self.pool.store(m, addr, value);
    }
    fn ite_memory(&mut self, c: &TermId, a: &TermId, b: &TermId) -> TermId {
        self.pool.ite_memory(c, a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::SmallRng;
    use trinity_codegen::isa::concrete::Bits;
    use trinity_codegen::isa::fp;

    #[test]
    fn divisions_agree_with_the_model() {
        for v in 0..1u32 << 16 {
            let (a, b) = (u128::from(v & 255), u128::from(v >> 8));
            for op in [BinOp::Urem, BinOp::Srem, BinOp::Sdiv] {
                let mut pool = TermPool::new();
                let x = pool.constant(8, a);
                let y = pool.constant(8, b);
                let mut d = Ieee {
                    pool: &mut pool,
                    nan_class: false,
                };
                let r = match op {
                    BinOp::Urem => d.remainder(BinOp::Udiv, &x, &y),
                    BinOp::Srem => d.remainder(BinOp::Sdiv, &x, &y),
                    _ => {
                        let (na, nb) = (d.pool.msb(&x), d.pool.msb(&y));
                        let (ma, mb) = (d.negate_if(&na, &x), d.negate_if(&nb, &y));
                        let q = d.pool.bin(BinOp::Udiv, &ma, &mb);
                        let differ = d.pool.xor(&na, &nb);
                        d.negate_if(&differ, &q)
                    }
                };
                let want = trinity_codegen::isa::concrete::eval_bin(op, 8, a, b);
                assert_eq!(pool.as_constant(&r), Some(want), "{op:?} {a} {b}");
            }
        }
    }

    #[test]
    fn definitions_agree_with_the_model() {
        let ops = [
            (FpOp::Round(1), 1),
            (FpOp::Round(2), 1),
            (FpOp::Round(3), 1),
            (FpOp::FromInt(64), 1),
            (FpOp::ToIntTrunc(64), 1),
            (FpOp::Add, 2),
            (FpOp::Sub, 2),
            (FpOp::Mul, 2),
            (FpOp::Div, 2),
        ];
        let seed = 7;
        eprintln!("seed {seed}");
        let mut rng = SmallRng::seed_from_u64(seed);
        for (op, n) in ops {
            let mut others = Vec::new();
            for _ in 0..2000 {
                let args: Vec<u64> = (0..n)
                    .map(|_| super::super::sample::stratified(&mut rng, 64, 64, &others) as u64)
                    .collect();
                others = args.iter().map(|a| Bits::new(64, (*a).into())).collect();
                let mut pool = TermPool::new();
                let mut d = Ieee {
                    pool: &mut pool,
                    nan_class: n == 2,
                };
                let terms: Vec<TermId> = args.iter().map(|a| d.constant(64, (*a).into())).collect();
                let r = d.fp(op, &terms);
                let got = pool.as_constant(&r).expect("constants fold") as u64;
                let want = fp::eval(op, 64, [args[0], args[n - 1], 0]);
                let nans = f64::from_bits(got).is_nan() && f64::from_bits(want).is_nan() && n == 2;
                assert!(
                    got == want || nans,
                    "{op:?} {args:x?}: {got:#x}, not {want:#x}"
                );
            }
        }
    }
}
