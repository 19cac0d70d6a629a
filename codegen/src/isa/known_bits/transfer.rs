//! Transfer functions of the known-bits domain, over any domain of words.
//!
//! Each gives masks that hold for every result of the operation on values the operands stand for. There is no branch
//! on an operand's value, so over terms a function is one term and its soundness one query.
//!
//! Sums and differences keep what the least and the greatest agree on, which is exact. A shift or rotate by a partly
//! known count is a barrel shifter whose stages join both outcomes of an unknown count bit, which is exact as well.
//! Products and quotients combine what holds of low bits with the common leading bits of an interval.

use super::Known;
use crate::isa::domain::{BinOp, CmpOp, Domain, UnOp};

/// The operations of one width.
struct At<'d, D: Domain> {
    d: &'d mut D,
    w: u32,
}

type K<D> = Known<<D as Domain>::W>;

impl<D: Domain> At<'_, D> {
    fn k(&mut self, v: u128) -> D::W {
        self.d.constant(self.w, v)
    }
    fn op(&mut self, op: BinOp, a: &D::W, b: &D::W) -> D::W {
        self.d.bin(op, a, b)
    }
    fn and(&mut self, a: &D::W, b: &D::W) -> D::W {
        self.d.and(a, b)
    }
    fn or(&mut self, a: &D::W, b: &D::W) -> D::W {
        self.d.or(a, b)
    }
    fn not(&mut self, a: &D::W) -> D::W {
        self.d.not(a)
    }
    fn and_not(&mut self, a: &D::W, b: &D::W) -> D::W {
        let n = self.d.not(b);
        self.d.and(a, &n)
    }
    fn sign(&mut self) -> D::W {
        self.k(1 << (self.w - 1))
    }
    /// All bits of the word are bit `i` of `a`.
    fn spread(&mut self, a: &D::W, i: u32) -> D::W {
        let bit = self.d.extract(a, i, 1);
        self.d.sext(&bit, self.w)
    }

    /// Greatest value, unsigned.
    fn umax(&mut self, a: &K<D>) -> D::W {
        self.not(&a.zeros)
    }
    /// Least value, signed.
    fn smin(&mut self, a: &K<D>) -> D::W {
        let s = self.sign();
        let free = self.and_not(&s, &a.zeros);
        self.or(&a.ones, &free)
    }
    /// Greatest value, signed.
    fn smax(&mut self, a: &K<D>) -> D::W {
        let (s, m) = (self.sign(), self.not(&a.zeros));
        let free = self.and_not(&s, &a.ones);
        self.and_not(&m, &free)
    }
    /// The common leading bits of an interval. Signed intervals too: across the signs nothing is common.
    fn range(&mut self, lo: &D::W, hi: &D::W) -> K<D> {
        let x = self.d.xor(lo, hi);
        let n = self.d.un(UnOp::Clz, &x);
        let ones = self.k(u128::MAX);
        // A word of one bit cannot hold the width as a count.
        let differ = if self.w == 1 {
            x
        } else {
            self.op(BinOp::Lshr, &ones, &n)
        };
        let high = self.or(lo, &differ);
        Known {
            zeros: self.not(&high),
            ones: self.and_not(lo, &differ),
        }
    }
    /// What both facts say of one word.
    fn both(&mut self, a: &K<D>, b: &K<D>) -> K<D> {
        Known {
            zeros: self.or(&a.zeros, &b.zeros),
            ones: self.or(&a.ones, &b.ones),
        }
    }
    /// `a` unless `not_a` is all ones, or `b` unless `not_b` is; what holds of either.
    fn either(&mut self, not_a: &D::W, a: &K<D>, not_b: &D::W, b: &K<D>) -> K<D> {
        let mut side = |x: &D::W, y: &D::W| {
            let (x, y) = (self.or(x, not_a), self.or(y, not_b));
            self.and(&x, &y)
        };
        Known {
            zeros: side(&a.zeros, &b.zeros),
            ones: side(&a.ones, &b.ones),
        }
    }
    /// Facts that hold only where `when` is all ones.
    fn only(&mut self, when: &D::W, a: &K<D>) -> K<D> {
        Known {
            zeros: self.and(&a.zeros, when),
            ones: self.and(&a.ones, when),
        }
    }
    fn constant(&mut self, v: u128) -> K<D> {
        Known {
            zeros: self.k(!v),
            ones: self.k(v),
        }
    }
    fn complement(&mut self, a: &K<D>) -> K<D> {
        Known {
            zeros: a.ones.clone(),
            ones: a.zeros.clone(),
        }
    }

    /// `a + b`: known bits that the least and the greatest sum agree on, which is exact: where both operands' bits are
    /// known, equal sums mean equal carries, and carries rise with the operands.
    fn add(&mut self, a: &K<D>, b: &K<D>) -> K<D> {
        let (ma, mb) = (self.umax(a), self.umax(b));
        let low = self.d.add(&a.ones, &b.ones);
        let high = self.d.add(&ma, &mb);
        self.agreed(a, b, &low, &high)
    }
    /// `a - b`, likewise with borrows.
    fn sub(&mut self, a: &K<D>, b: &K<D>) -> K<D> {
        let (ma, mb) = (self.umax(a), self.umax(b));
        let low = self.d.sub(&a.ones, &mb);
        let high = self.d.sub(&ma, &b.ones);
        self.agreed(a, b, &low, &high)
    }
    /// The bits of `low` that `high` shares, where both operands are known.
    fn agreed(&mut self, a: &K<D>, b: &K<D>, low: &D::W, high: &D::W) -> K<D> {
        let differ = self.d.xor(low, high);
        let ka = self.or(&a.zeros, &a.ones);
        let kb = self.or(&b.zeros, &b.ones);
        let known = self.and(&ka, &kb);
        let known = self.and_not(&known, &differ);
        Known {
            zeros: self.and_not(&known, low),
            ones: self.and(&known, low),
        }
    }
    fn neg(&mut self, a: &K<D>) -> K<D> {
        let zero = self.constant(0);
        self.sub(&zero, a)
    }

    /// The low `n` bits set; `n` may be the width.
    fn low_mask(&mut self, n: &D::W) -> D::W {
        let ones = self.k(u128::MAX);
        let high = self.op(BinOp::Shl, &ones, n);
        self.not(&high)
    }
    fn umin_of(&mut self, a: &D::W, b: &D::W) -> D::W {
        let less = self.d.cmp(CmpOp::Ult, a, b);
        self.d.ite(&less, a, b)
    }
    fn smin_of(&mut self, a: &D::W, b: &D::W) -> D::W {
        let less = self.d.cmp(CmpOp::Slt, a, b);
        self.d.ite(&less, a, b)
    }
    fn smax_of(&mut self, a: &D::W, b: &D::W) -> D::W {
        let less = self.d.cmp(CmpOp::Slt, a, b);
        self.d.ite(&less, b, a)
    }

    fn mul(&mut self, a: &K<D>, b: &K<D>) -> K<D> {
        if self.w == 1 {
            return self.bit_and(a, b);
        }
        // With `a = 2^i x` and `b = 2^j y`, where the low p bits of x and the low q of y are known, the low min(p, q)
        // bits of the product xy are, and i + j zeros below them.
        let mut low = |k: &K<D>| {
            let known = self.or(&k.zeros, &k.ones);
            let unknown = self.not(&known);
            let n = self.d.un(UnOp::Ctz, &unknown);
            let may = self.umax(k);
            let zeros = self.d.un(UnOp::Ctz, &may);
            let mask = self.low_mask(&n);
            let value = self.and(&k.ones, &mask);
            let beyond = self.d.sub(&n, &zeros);
            (value, zeros, beyond)
        };
        let (x, i, p) = low(a);
        let (y, j, q) = low(b);
        let product = self.op(BinOp::Mul, &x, &y);
        // Counts of up to twice the width: in words too narrow for the sum, only what surely fits is used.
        let n = self.umin_of(&p, &q);
        let most = self.k(self.w.into());
        let clamp = |t: &mut Self, a: &D::W, b: &D::W| {
            let room = t.d.sub(&most, a);
            let b = t.umin_of(b, &room);
            t.d.add(a, &b)
        };
        let zeros = clamp(self, &i, &j);
        let n = clamp(self, &zeros, &n);
        let mask = self.low_mask(&n);
        let low = Known {
            zeros: self.and_not(&mask, &product),
            ones: self.and(&mask, &product),
        };
        if self.w > 64 {
            return low;
        }
        // The interval of the product, where the greatest does not overflow.
        let (ma, mb) = (self.umax(a), self.umax(b));
        let over = self.op(BinOp::MulHiU, &ma, &mb);
        let fits = self.d.is_zero(&over);
        let fits = self.d.sext(&fits, self.w);
        let lo = self.op(BinOp::Mul, &a.ones, &b.ones);
        let hi = self.op(BinOp::Mul, &ma, &mb);
        let range = self.range(&lo, &hi);
        let range = self.only(&fits, &range);
        self.both(&low, &range)
    }
    fn bit_and(&mut self, a: &K<D>, b: &K<D>) -> K<D> {
        Known {
            zeros: self.or(&a.zeros, &b.zeros),
            ones: self.and(&a.ones, &b.ones),
        }
    }
    fn mul_high(&mut self, signed: bool, a: &K<D>, b: &K<D>) -> K<D> {
        if !signed {
            let (ma, mb) = (self.umax(a), self.umax(b));
            let lo = self.op(BinOp::MulHiU, &a.ones, &b.ones);
            let hi = self.op(BinOp::MulHiU, &ma, &mb);
            return self.range(&lo, &hi);
        }
        // A product is least and greatest at corners of the box.
        let (a0, a1, b0, b1) = (self.smin(a), self.smax(a), self.smin(b), self.smax(b));
        let corners = [(&a0, &b0), (&a0, &b1), (&a1, &b0), (&a1, &b1)]
            .map(|(x, y)| self.op(BinOp::MulHiS, x, y));
        let (mut lo, mut hi) = (corners[0].clone(), corners[0].clone());
        for c in &corners[1..] {
            lo = self.smin_of(&lo, c);
            hi = self.smax_of(&hi, c);
        }
        self.range(&lo, &hi)
    }

    fn udiv(&mut self, a: &K<D>, b: &K<D>) -> K<D> {
        // Also where the divisor may be zero: the quotient is then all ones, the greatest there is.
        let (ma, mb) = (self.umax(a), self.umax(b));
        let lo = self.op(BinOp::Udiv, &a.ones, &mb);
        let hi = self.op(BinOp::Udiv, &ma, &b.ones);
        self.range(&lo, &hi)
    }
    fn urem(&mut self, a: &K<D>, b: &K<D>) -> K<D> {
        let (ma, mb) = (self.umax(a), self.umax(b));
        // Below the divisor, unless that may be zero; never above the dividend.
        let one = self.k(1);
        let below = self.d.sub(&mb, &one);
        let divides = self.d.is_zero(&b.ones);
        let bound = self.umin_of(&ma, &below);
        let hi = self.d.ite(&divides, &ma, &bound);
        let zero = self.k(0);
        let range = self.range(&zero, &hi);
        // A divisor that is a multiple of a power of two leaves the bits below it alone.
        let below = self.d.sub(&mb, &one);
        let low = self.and_not(&below, &mb);
        let low = self.only(&low, a);
        let r = self.both(&range, &low);
        // A smaller dividend is the remainder.
        let small = self.d.cmp(CmpOp::Ult, &ma, &b.ones);
        let small = self.d.sext(&small, self.w);
        let whole = self.only(&small, a);
        self.both(&r, &whole)
    }
    /// The operand's values without and with the sign, the latter negated, and masks of where each is impossible.
    fn by_sign(&mut self, a: &K<D>) -> [(K<D>, D::W); 2] {
        let s = self.sign();
        let plus = Known {
            zeros: self.or(&a.zeros, &s),
            ones: self.and_not(&a.ones, &s),
        };
        let minus = Known {
            zeros: self.and_not(&a.zeros, &s),
            ones: self.or(&a.ones, &s),
        };
        let minus = self.neg(&minus);
        let (top, w) = (self.w - 1, self.w);
        let never_plus = self.spread(&a.ones, top);
        let never_minus = self.spread(&a.zeros, top);
        debug_assert_eq!(self.d.width(&never_plus), w);
        [(plus, never_plus), (minus, never_minus)]
    }
    fn signed_division(&mut self, quotient: bool, a: &K<D>, b: &K<D>) -> K<D> {
        let (xs, ys) = (self.by_sign(a), self.by_sign(b));
        let mut out: Option<(K<D>, D::W)> = None;
        for (n, (x, no_x)) in xs.iter().enumerate() {
            for (k, (y, no_y)) in ys.iter().enumerate() {
                let r = if quotient {
                    self.udiv(x, y)
                } else {
                    self.urem(x, y)
                };
                let negate = if quotient { n != k } else { n == 1 };
                let r = if negate { self.neg(&r) } else { r };
                let never = self.or(no_x, no_y);
                out = Some(match out {
                    None => (r, never),
                    Some((p, no_p)) => {
                        (self.either(&no_p, &p, &never, &r), self.and(&no_p, &never))
                    }
                });
            }
        }
        // There were four cases.
        out.map(|o| o.0).unwrap_or_else(|| a.clone())
    }

    /// A shift or rotate by constant.
    fn shifted(&mut self, op: BinOp, a: &K<D>, n: u128) -> K<D> {
        let n = self.k(n);
        let mut zeros = self.op(op, &a.zeros, &n);
        if matches!(op, BinOp::Shl | BinOp::Lshr) {
            let ones = self.k(u128::MAX);
            let kept = self.op(op, &ones, &n);
            let empty = self.not(&kept);
            zeros = self.or(&zeros, &empty);
        }
        Known {
            zeros,
            ones: self.op(op, &a.ones, &n),
        }
    }
    fn shift(&mut self, op: BinOp, a: &K<D>, b: &K<D>) -> K<D> {
        let rotate = matches!(op, BinOp::Rotl | BinOp::Rotr);
        let w = u128::from(self.w);
        // Count bits that are stages: all below the width's; those above that do not change a rotate have none.
        let stages = (0..self.w).take_while(|i| 1u128 << i < w).count() as u32;
        let mut r = a.clone();
        for i in 0..stages {
            let by = self.shifted(op, &r, 1 << i);
            r = self.stage(&r, &by, (&b.zeros, i), (&b.ones, i));
        }
        if rotate {
            let mut weight = (1u128 << stages) % w;
            for i in stages..self.w {
                if weight == 0 {
                    break;
                }
                let by = self.shifted(op, &r, weight);
                r = self.stage(&r, &by, (&b.zeros, i), (&b.ones, i));
                weight = weight * 2 % w;
            }
            return r;
        }
        // Any higher bit of the count shifts everything out.
        let out = match op {
            BinOp::Ashr => self.shifted(op, &r, w - 1),
            _ => self.constant(0),
        };
        let low = self.k((1 << stages) - 1);
        let most = self.umax(b);
        let may = self.and_not(&most, &low);
        let must = self.and_not(&b.ones, &low);
        let (never, always) = (self.d.is_zero(&may), self.d.is_zero(&must));
        let always = self.d.not(&always);
        self.stage(&r, &out, (&never, 0), (&always, 0))
    }
    /// `r`, or `by` where a bit of the count is one: the bit is zero or one for certain where the masks say so.
    fn stage(&mut self, r: &K<D>, by: &K<D>, zero: (&D::W, u32), one: (&D::W, u32)) -> K<D> {
        let (zero, one) = (self.spread(zero.0, zero.1), self.spread(one.0, one.1));
        self.either(&one, r, &zero, by)
    }

    fn pext(&mut self, a: &K<D>, m: &K<D>) -> K<D> {
        // No more bits than the mask may have; the bits themselves when the mask is known.
        let most = self.umax(m);
        let ones = self.k(u128::MAX);
        let room = self.op(BinOp::Pext, &ones, &most);
        let known = self.d.eq(&most, &m.ones);
        let known = self.d.sext(&known, self.w);
        let exact = Known {
            zeros: self.op(BinOp::Pext, &a.zeros, &m.ones),
            ones: self.op(BinOp::Pext, &a.ones, &m.ones),
        };
        let exact = self.only(&known, &exact);
        let above = self.not(&room);
        Known {
            zeros: self.or(&exact.zeros, &above),
            ones: exact.ones,
        }
    }
    fn pdep(&mut self, a: &K<D>, m: &K<D>) -> K<D> {
        let most = self.umax(m);
        let known = self.d.eq(&most, &m.ones);
        let known = self.d.sext(&known, self.w);
        let exact = Known {
            zeros: self.op(BinOp::Pdep, &a.zeros, &m.ones),
            ones: self.op(BinOp::Pdep, &a.ones, &m.ones),
        };
        let exact = self.only(&known, &exact);
        Known {
            zeros: self.or(&exact.zeros, &m.zeros),
            ones: exact.ones,
        }
    }
}

/// Transfer of a one-operand operation.
pub fn un<D: Domain>(d: &mut D, op: UnOp, a: &K<D>) -> K<D> {
    let w = d.width(&a.ones);
    let mut t = At { d, w };
    match op {
        UnOp::Not => t.complement(a),
        UnOp::Neg => t.neg(a),
        UnOp::Bswap => Known {
            zeros: t.d.un(op, &a.zeros),
            ones: t.d.un(op, &a.ones),
        },
        // Counts rise or fall with the set bits. In words too narrow to hold their width, the count wraps.
        _ if w < 3 => narrow_count(t.d, op, a),
        UnOp::Popcnt => {
            let m = t.umax(a);
            let (lo, hi) = (t.d.un(op, &a.ones), t.d.un(op, &m));
            t.range(&lo, &hi)
        }
        UnOp::Clz | UnOp::Ctz => {
            let m = t.umax(a);
            let (lo, hi) = (t.d.un(op, &m), t.d.un(op, &a.ones));
            t.range(&lo, &hi)
        }
    }
}

/// Counts in words of one or two bits: the value when the operand is known.
fn narrow_count<D: Domain>(d: &mut D, op: UnOp, a: &K<D>) -> K<D> {
    let w = d.width(&a.ones);
    let mut t = At { d, w };
    let most = t.umax(a);
    let known = t.d.eq(&most, &a.ones);
    let known = t.d.sext(&known, w);
    let n = t.d.un(op, &a.ones);
    let exact = Known {
        zeros: t.not(&n),
        ones: n,
    };
    t.only(&known, &exact)
}

/// Transfer of a two-operand operation.
pub fn bin<D: Domain>(d: &mut D, op: BinOp, a: &K<D>, b: &K<D>) -> K<D> {
    use BinOp::*;
    let w = d.width(&a.ones);
    let mut t = At { d, w };
    match op {
        Add => t.add(a, b),
        Sub => t.sub(a, b),
        And => t.bit_and(a, b),
        Or => {
            let (x, y) = (t.complement(a), t.complement(b));
            let r = t.bit_and(&x, &y);
            t.complement(&r)
        }
        Xor => {
            let (p, q) = (t.and(&a.zeros, &b.zeros), t.and(&a.ones, &b.ones));
            let (r, s) = (t.and(&a.zeros, &b.ones), t.and(&a.ones, &b.zeros));
            Known {
                zeros: t.or(&p, &q),
                ones: t.or(&r, &s),
            }
        }
        Mul => t.mul(a, b),
        MulHiU | MulHiS if w > 64 => Known {
            zeros: t.k(0),
            ones: t.k(0),
        },
        MulHiU => t.mul_high(false, a, b),
        MulHiS => t.mul_high(true, a, b),
        Udiv => t.udiv(a, b),
        Urem => t.urem(a, b),
        Sdiv => t.signed_division(true, a, b),
        Srem => t.signed_division(false, a, b),
        Shl | Lshr | Ashr | Rotl | Rotr => t.shift(op, a, b),
        Pext => t.pext(a, b),
        Pdep => t.pdep(a, b),
    }
}

/// Transfer of a comparison.
pub fn cmp<D: Domain>(d: &mut D, op: CmpOp, a: &K<D>, b: &K<D>) -> K<D> {
    let w = d.width(&a.ones);
    let mut t = At { d, w };
    let (ma, mb) = (t.umax(a), t.umax(b));
    if op == CmpOp::Eq {
        // A bit that differs; or nothing that could.
        let (p, q) = (t.and(&a.zeros, &b.ones), t.and(&a.ones, &b.zeros));
        let x = t.or(&p, &q);
        let same = t.d.is_zero(&x);
        let (p, q) = (t.d.xor(&a.ones, &mb), t.d.xor(&ma, &b.ones));
        let x = t.or(&p, &q);
        return Known {
            zeros: t.d.not(&same),
            ones: t.d.is_zero(&x),
        };
    }
    let (a0, a1, b0, b1) = if op == CmpOp::Ult {
        (a.ones.clone(), ma, b.ones.clone(), mb)
    } else {
        (t.smin(a), t.smax(a), t.smin(b), t.smax(b))
    };
    let may = t.d.cmp(op, &a0, &b1);
    Known {
        zeros: t.d.not(&may),
        ones: t.d.cmp(op, &a1, &b0),
    }
}

/// Transfer of a choice.
pub fn ite<D: Domain>(d: &mut D, c: &K<D>, a: &K<D>, b: &K<D>) -> K<D> {
    let w = d.width(&a.ones);
    let mut t = At { d, w };
    let (never, always) = (t.spread(&c.zeros, 0), t.spread(&c.ones, 0));
    t.either(&never, a, &always, b)
}
