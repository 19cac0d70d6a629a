//! Known bits of words: the facts e-classes carry, and what the conditions of rules are answered from.
//!
//! Sound transfer functions, precise where all operands are known. Each is exhausted at small widths by the tests
//! below; operations without a function of their own know nothing of their result.

use trinity_codegen::isa::concrete::{Bits, eval_bin, eval_cmp, eval_un, mask};
use trinity_codegen::isa::{BinOp, CmpOp, Concrete, Domain, FpOp, UnOp};

/// Which bits of a word are known; bits above the width are clear in both sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Known {
    /// Width in bits.
    pub width: u32,
    /// Bits known to be zero.
    pub zeros: u128,
    /// Bits known to be one.
    pub ones: u128,
}

impl Known {
    /// Nothing known.
    pub fn top(width: u32) -> Known {
        Known {
            width,
            zeros: 0,
            ones: 0,
        }
    }
    /// Everything known.
    pub fn constant(width: u32, v: u128) -> Known {
        let m = mask(width);
        Known {
            width,
            zeros: !v & m,
            ones: v & m,
        }
    }
    /// The value, if all bits are known.
    pub fn value(&self) -> Option<u128> {
        (self.zeros | self.ones == mask(self.width)).then_some(self.ones)
    }
    /// Both facts hold: `None` if they contradict each other.
    pub fn meet(&self, other: &Known) -> Option<Known> {
        let both = Known {
            width: self.width,
            zeros: self.zeros | other.zeros,
            ones: self.ones | other.ones,
        };
        (both.zeros & both.ones == 0).then_some(both)
    }
    /// One of the facts holds.
    pub fn join(&self, other: &Known) -> Known {
        Known {
            width: self.width,
            zeros: self.zeros & other.zeros,
            ones: self.ones & other.ones,
        }
    }
    /// Least and greatest unsigned value.
    pub fn range(&self) -> (u128, u128) {
        (self.ones, !self.zeros & mask(self.width))
    }
    fn flip_sign(self) -> Known {
        let s = 1 << (self.width - 1);
        let (z, o) = (self.zeros & s, self.ones & s);
        Known {
            width: self.width,
            zeros: self.zeros & !s | o,
            ones: self.ones & !s | z,
        }
    }
}

/// The domain of known bits. Memory is unknown to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownBits;

/// Sum with a carry in: a bit is known where both operands and the carry into it are.
fn add(a: &Known, b: &Known, carry: bool) -> Known {
    let m = mask(a.width);
    let c = u128::from(carry);
    let least = a.ones.wrapping_add(b.ones).wrapping_add(c);
    let (amax, bmax) = (!a.zeros & m, !b.zeros & m);
    let most = amax.wrapping_add(bmax).wrapping_add(c);
    // Carries into each position in the least and in the greatest sum.
    let into_least = least ^ a.ones ^ b.ones;
    let into_most = most ^ amax ^ bmax;
    let known = (a.zeros | a.ones) & (b.zeros | b.ones) & !(into_least ^ into_most) & m;
    Known {
        width: a.width,
        zeros: !least & known,
        ones: least & known,
    }
}

fn shift(op: BinOp, a: &Known, n: u128) -> Known {
    let w = a.width;
    let f = |v: u128| eval_bin(op, w, v, n);
    // Bits shifted in by a logical shift are zero; an arithmetic one and a rotation move known bits alone.
    let filled = match op {
        BinOp::Shl | BinOp::Lshr => !f(mask(w)) & mask(w),
        _ => 0,
    };
    Known {
        width: w,
        zeros: f(a.zeros) | filled,
        ones: f(a.ones),
    }
}

impl Domain for KnownBits {
    type W = Known;
    type M = ();

    fn constant(&mut self, width: u32, value: u128) -> Known {
        Known::constant(width, value)
    }
    fn width(&self, w: &Known) -> u32 {
        w.width
    }
    fn as_constant(&self, w: &Known) -> Option<u128> {
        w.value()
    }
    fn un(&mut self, op: UnOp, a: &Known) -> Known {
        let w = a.width;
        if let Some(v) = a.value() {
            return Known::constant(w, eval_un(op, w, v));
        }
        // A count is at most the width.
        let count = |most: u32| {
            let used = mask(32 - most.leading_zeros()) & mask(w);
            Known {
                width: w,
                zeros: mask(w) & !used,
                ones: 0,
            }
        };
        match op {
            UnOp::Not => Known {
                width: w,
                zeros: a.ones,
                ones: a.zeros,
            },
            UnOp::Neg => add(
                &Known {
                    width: w,
                    zeros: a.ones,
                    ones: a.zeros,
                },
                &Known::constant(w, 0),
                true,
            ),
            UnOp::Bswap => Known {
                width: w,
                zeros: eval_un(op, w, a.zeros),
                ones: eval_un(op, w, a.ones),
            },
            UnOp::Popcnt => count(w - a.zeros.count_ones()),
            UnOp::Clz => count(eval_un(op, w, a.ones) as u32),
            UnOp::Ctz => count(eval_un(op, w, a.ones) as u32),
        }
    }
    fn bin(&mut self, op: BinOp, a: &Known, b: &Known) -> Known {
        let w = a.width;
        if let (Some(x), Some(y)) = (a.value(), b.value()) {
            return Known::constant(w, eval_bin(op, w, x, y));
        }
        use BinOp::*;
        match op {
            And => Known {
                width: w,
                zeros: a.zeros | b.zeros,
                ones: a.ones & b.ones,
            },
            Or => Known {
                width: w,
                zeros: a.zeros & b.zeros,
                ones: a.ones | b.ones,
            },
            Xor => Known {
                width: w,
                zeros: a.zeros & b.zeros | a.ones & b.ones,
                ones: a.zeros & b.ones | a.ones & b.zeros,
            },
            Add => add(a, b, false),
            Sub => {
                let not = Known {
                    width: w,
                    zeros: b.ones,
                    ones: b.zeros,
                };
                add(a, &not, true)
            }
            Shl | Lshr | Ashr | Rotl | Rotr => match b.value() {
                Some(n) => shift(op, a, n),
                None => Known::top(w),
            },
            Mul => {
                // Trailing zeros add up; a product of small words is small.
                let low = a.zeros.trailing_ones() + b.zeros.trailing_ones();
                let (x, y) = (a.range().1, b.range().1);
                let high = match x.checked_mul(y) {
                    Some(p) if p <= mask(w) => mask(w) & !mask((128 - p.leading_zeros()).max(1)),
                    _ => 0,
                };
                Known {
                    width: w,
                    zeros: (mask(low.min(w)) * u128::from(low > 0)) | high,
                    ones: 0,
                }
            }
            Udiv | Urem => {
                let (least, _) = b.range();
                if least == 0 {
                    return Known::top(w);
                }
                let most = match op {
                    Udiv => a.range().1 / least,
                    _ => a.range().1.min(b.range().1 - 1),
                };
                let used = if most == 0 {
                    0
                } else {
                    mask(128 - most.leading_zeros())
                };
                Known {
                    width: w,
                    zeros: mask(w) & !used,
                    ones: 0,
                }
            }
            MulHiU | MulHiS | Sdiv | Srem | Pext | Pdep => Known::top(w),
        }
    }
    fn cmp(&mut self, op: CmpOp, a: &Known, b: &Known) -> Known {
        if let (Some(x), Some(y)) = (a.value(), b.value()) {
            return Known::constant(1, eval_cmp(op, a.width, x, y).into());
        }
        match op {
            CmpOp::Eq if a.ones & b.zeros != 0 || a.zeros & b.ones != 0 => Known::constant(1, 0),
            CmpOp::Eq => Known::top(1),
            CmpOp::Ult => {
                let ((alow, ahigh), (blow, bhigh)) = (a.range(), b.range());
                if ahigh < blow {
                    Known::constant(1, 1)
                } else if alow >= bhigh {
                    Known::constant(1, 0)
                } else {
                    Known::top(1)
                }
            }
            CmpOp::Slt => self.cmp(CmpOp::Ult, &a.flip_sign(), &b.flip_sign()),
        }
    }
    fn ite(&mut self, c: &Known, a: &Known, b: &Known) -> Known {
        match c.value() {
            Some(1) => *a,
            Some(_) => *b,
            None => a.join(b),
        }
    }
    fn extract(&mut self, a: &Known, lo: u32, width: u32) -> Known {
        let f = |v: u128| v >> lo & mask(width);
        Known {
            width,
            zeros: f(a.zeros),
            ones: f(a.ones),
        }
    }
    fn concat(&mut self, hi: &Known, lo: &Known) -> Known {
        Known {
            width: hi.width + lo.width,
            zeros: hi.zeros << lo.width | lo.zeros,
            ones: hi.ones << lo.width | lo.ones,
        }
    }
    fn zext(&mut self, a: &Known, width: u32) -> Known {
        Known {
            width,
            zeros: a.zeros | mask(width) & !mask(a.width),
            ones: a.ones,
        }
    }
    fn sext(&mut self, a: &Known, width: u32) -> Known {
        let f = |v: u128| trinity_codegen::isa::concrete::signed(a.width, v) as u128 & mask(width);
        Known {
            width,
            zeros: f(a.zeros),
            ones: f(a.ones),
        }
    }
    fn fp(&mut self, op: FpOp, args: &[Known]) -> Known {
        let width = op.result_width(args[0].width);
        let values: Option<Vec<Bits>> = args
            .iter()
            .map(|a| Some(Bits::new(a.width, a.value()?)))
            .collect();
        match values {
            Some(v) => {
                let r = Concrete.fp(op, &v);
                // Which NaN comes out is not folded: rules may have exchanged the operands.
                if width == 64 && f64::from_bits(r.value as u64).is_nan() {
                    return Known::top(width);
                }
                Known::constant(width, r.value)
            }
            None => Known::top(width),
        }
    }
    fn undefined(&mut self, width: u32) -> Known {
        Known::top(width)
    }
    fn mapped(&mut self, _: &(), _: &Known, _: u32, _: bool) -> Known {
        Known::top(1)
    }
    fn load(&mut self, _: &(), _: &Known, bytes: u32) -> Known {
        Known::top(8 * bytes)
    }
    fn store(&mut self, _: &mut (), _: &Known, _: &Known) {}
    fn ite_memory(&mut self, _: &Known, _: &(), _: &()) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egraph::lang::{BIN_OPS, CMP_OPS, UN_OPS};

    fn all(width: u32) -> Vec<Known> {
        let m = 1u128 << width;
        (0..m)
            .flat_map(|z| (0..m).map(move |o| (z, o)))
            .filter(|(z, o)| z & o == 0)
            .map(|(zeros, ones)| Known { width, zeros, ones })
            .collect()
    }
    fn members(k: &Known) -> impl Iterator<Item = u128> + use<> {
        let k = *k;
        (0..1u128 << k.width).filter(move |v| v & k.zeros == 0 && v & k.ones == k.ones)
    }
    fn contains(k: &Known, v: u128) -> bool {
        v & k.zeros == 0 && v & k.ones == k.ones
    }

    #[test]
    fn transfers_are_sound_on_all_small_words() {
        for w in 1..=4 {
            let facts = all(w);
            for a in &facts {
                for op in UN_OPS.iter().filter(|o| **o != UnOp::Bswap) {
                    let k = KnownBits.un(*op, a);
                    assert!(
                        members(a).all(|x| contains(&k, eval_un(*op, w, x))),
                        "{op:?} {a:?}"
                    );
                }
                for lo in 0..w {
                    let k = KnownBits.extract(a, lo, w - lo);
                    assert!(members(a).all(|x| contains(&k, x >> lo)));
                }
                let (z, s) = (KnownBits.zext(a, 6), KnownBits.sext(a, 6));
                for x in members(a) {
                    let b = Bits::new(w, x);
                    assert!(contains(&z, x) && contains(&s, Concrete.sext(&b, 6).value));
                }
            }
        }
        for w in 1..=3 {
            let facts = all(w);
            for a in &facts {
                for b in &facts {
                    for op in BIN_OPS {
                        let k = KnownBits.bin(*op, a, b);
                        for x in members(a) {
                            for y in members(b) {
                                let v = eval_bin(*op, w, x, y);
                                assert!(
                                    contains(&k, v),
                                    "{op:?} {a:?} {b:?}: {x} {y} gives {v}, {k:?}"
                                );
                            }
                        }
                    }
                    for op in CMP_OPS {
                        let k = KnownBits.cmp(*op, a, b);
                        let ok = |x, y| contains(&k, eval_cmp(*op, w, x, y).into());
                        assert!(
                            members(a).all(|x| members(b).all(|y| ok(x, y))),
                            "{op:?} {a:?} {b:?}"
                        );
                    }
                    let k = KnownBits.concat(a, b);
                    let both = KnownBits.ite(&Known::top(1), a, b);
                    for x in members(a) {
                        assert!(members(b).all(|y| contains(&k, x << w | y)) && contains(&both, x));
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_are_reversed() {
        let k = KnownBits.un(
            UnOp::Bswap,
            &Known {
                width: 16,
                zeros: 0xff,
                ones: 0x100,
            },
        );
        assert_eq!(
            k,
            Known {
                width: 16,
                zeros: 0xff00,
                ones: 1
            }
        );
    }
}
