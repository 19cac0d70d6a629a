//! Hacker's Delight p01 to p25 (Warren; the numbering of Gulwani et al., PLDI 2011).

use trinity_codegen::isa::{BinOp, CmpOp, Domain, TermId as T, TermPool as P, UnOp};

type Formula = fn(&mut P, &[T], u32) -> T;
type Specification = fn(&mut P, &[T], T, u32) -> T;

/// A kernel. See the module's header.
pub struct Kernel {
    /// `p01`...
    pub name: &'static str,
    /// What it computes, for people.
    pub title: &'static str,
    /// Number of arguments.
    pub arguments: usize,
    /// What the code computes.
    pub formula: Formula,
    /// On which inputs the formula must be computed.
    pub precondition: Formula,
    /// On which inputs the specification speaks.
    pub domain: Formula,
    /// One bit: the result meets the specification.
    pub specification: Specification,
}

fn k(p: &mut P, w: u32, v: i128) -> T {
    p.constant(w, v as u128)
}
fn shl(p: &mut P, a: T, b: T) -> T {
    p.bin(BinOp::Shl, &a, &b)
}
fn shr(p: &mut P, a: T, b: T) -> T {
    p.bin(BinOp::Lshr, &a, &b)
}
fn sar(p: &mut P, a: T, b: T) -> T {
    p.bin(BinOp::Ashr, &a, &b)
}
fn ult(p: &mut P, a: T, b: T) -> T {
    p.cmp(CmpOp::Ult, &a, &b)
}
fn slt(p: &mut P, a: T, b: T) -> T {
    p.cmp(CmpOp::Slt, &a, &b)
}
fn inc(p: &mut P, a: T, w: u32) -> T {
    let one = k(p, w, 1);
    p.add(&a, &one)
}
fn dec(p: &mut P, a: T, w: u32) -> T {
    let one = k(p, w, -1);
    p.add(&a, &one)
}
fn neg(p: &mut P, a: T) -> T {
    p.un(UnOp::Neg, &a)
}
fn ctz(p: &mut P, a: T) -> T {
    p.un(UnOp::Ctz, &a)
}
fn clz(p: &mut P, a: T) -> T {
    p.un(UnOp::Clz, &a)
}
fn one_at(p: &mut P, at: T, w: u32) -> T {
    let one = k(p, w, 1);
    shl(p, one, at)
}
fn truth(p: &mut P, c: T, w: u32) -> T {
    p.zext(&c, w)
}
fn always(p: &mut P, _: &[T], _: u32) -> T {
    p.bit(true)
}
/// The number of set bits, bit by bit.
fn bit_sum(p: &mut P, x: T, w: u32) -> T {
    let mut s = k(p, w, 0);
    for i in 0..w {
        let b = p.extract(&x, i, 1);
        let b = p.zext(&b, w);
        s = p.add(&s, &b);
    }
    s
}
fn lt_power(p: &mut P, x: T, w: u32) -> T {
    // x <=u 2^(w-1)
    let top = k(p, w, 1 << (w - 1));
    let above = ult(p, top, x);
    p.not(&above)
}

macro_rules! same {
    (|$p:ident, $x:ident, $w:ident| $e:expr) => {
        |$p: &mut P, $x: &[T], out: T, $w: u32| {
            let meant = $e;
            $p.eq(&out, &meant)
        }
    };
}

/// All 25.
pub const HACKERS_DELIGHT: [Kernel; 25] = [
    Kernel {
        name: "p01",
        title: "turn off the rightmost 1",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = dec(p, x[0], w);
            p.and(&x[0], &d)
        },
        specification: same!(|p, x, w| {
            let t = ctz(p, x[0]);
            let b = one_at(p, t, w);
            p.xor(&x[0], &b)
        }),
    },
    Kernel {
        name: "p02",
        title: "turn off the trailing 1s",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = inc(p, x[0], w);
            p.and(&x[0], &d)
        },
        specification: same!(|p, x, _w| {
            let n = p.not(&x[0]);
            let t = ctz(p, n);
            let s = shr(p, x[0], t);
            shl(p, s, t)
        }),
    },
    Kernel {
        name: "p03",
        title: "isolate the rightmost 1",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, _| {
            let n = neg(p, x[0]);
            p.and(&x[0], &n)
        },
        specification: same!(|p, x, w| {
            let t = ctz(p, x[0]);
            one_at(p, t, w)
        }),
    },
    Kernel {
        name: "p04",
        title: "mask of the rightmost 1 and the trailing 0s",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = dec(p, x[0], w);
            p.xor(&x[0], &d)
        },
        specification: same!(|p, x, w| {
            let t = ctz(p, x[0]);
            let two = k(p, w, 2);
            let b = shl(p, two, t);
            dec(p, b, w)
        }),
    },
    Kernel {
        name: "p05",
        title: "propagate the rightmost 1 to the right",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = dec(p, x[0], w);
            p.or(&x[0], &d)
        },
        specification: same!(|p, x, w| {
            let t = ctz(p, x[0]);
            let b = one_at(p, t, w);
            let m = dec(p, b, w);
            p.or(&x[0], &m)
        }),
    },
    Kernel {
        name: "p06",
        title: "turn on the rightmost 0",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = inc(p, x[0], w);
            p.or(&x[0], &d)
        },
        specification: same!(|p, x, w| {
            let n = p.not(&x[0]);
            let t = ctz(p, n);
            let b = one_at(p, t, w);
            p.or(&x[0], &b)
        }),
    },
    Kernel {
        name: "p07",
        title: "isolate the rightmost 0",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = inc(p, x[0], w);
            let n = p.not(&x[0]);
            p.and(&n, &d)
        },
        specification: same!(|p, x, w| {
            let n = p.not(&x[0]);
            let t = ctz(p, n);
            one_at(p, t, w)
        }),
    },
    Kernel {
        name: "p08",
        title: "mask of the trailing 0s",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = dec(p, x[0], w);
            let n = p.not(&x[0]);
            p.and(&n, &d)
        },
        specification: same!(|p, x, w| {
            let t = ctz(p, x[0]);
            let b = one_at(p, t, w);
            dec(p, b, w)
        }),
    },
    Kernel {
        name: "p09",
        title: "absolute value, the least number for itself",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let n = k(p, w, (w - 1).into());
            let s = sar(p, x[0], n);
            let t = p.xor(&x[0], &s);
            p.sub(&t, &s)
        },
        specification: same!(|p, x, _w| {
            let s = p.msb(&x[0]);
            let n = neg(p, x[0]);
            p.ite(&s, &n, &x[0])
        }),
    },
    Kernel {
        name: "p10",
        title: "equal numbers of leading 0s",
        arguments: 2,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let a = p.and(&x[0], &x[1]);
            let b = p.xor(&x[0], &x[1]);
            let gt = ult(p, a, b);
            let c = p.not(&gt);
            truth(p, c, w)
        },
        specification: same!(|p, x, w| {
            let (a, b) = (clz(p, x[0]), clz(p, x[1]));
            let c = p.eq(&a, &b);
            truth(p, c, w)
        }),
    },
    Kernel {
        name: "p11",
        title: "fewer leading 0s",
        arguments: 2,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let n = p.not(&x[1]);
            let a = p.and(&x[0], &n);
            let c = ult(p, x[1], a);
            truth(p, c, w)
        },
        specification: same!(|p, x, w| {
            let (a, b) = (clz(p, x[0]), clz(p, x[1]));
            let c = ult(p, a, b);
            truth(p, c, w)
        }),
    },
    Kernel {
        name: "p12",
        title: "at most as many leading 0s",
        arguments: 2,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let n = p.not(&x[0]);
            let a = p.and(&x[1], &n);
            let gt = ult(p, x[0], a);
            let c = p.not(&gt);
            truth(p, c, w)
        },
        specification: same!(|p, x, w| {
            let (a, b) = (clz(p, x[0]), clz(p, x[1]));
            let gt = ult(p, b, a);
            let c = p.not(&gt);
            truth(p, c, w)
        }),
    },
    Kernel {
        name: "p13",
        title: "sign: -1, 0 or 1",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let n = k(p, w, (w - 1).into());
            let s = sar(p, x[0], n);
            let m = neg(p, x[0]);
            let t = shr(p, m, n);
            p.or(&s, &t)
        },
        specification: same!(|p, x, w| {
            let (z, one, minus) = (p.is_zero(&x[0]), k(p, w, 1), k(p, w, -1));
            let s = p.msb(&x[0]);
            let zero = k(p, w, 0);
            let t = p.ite(&s, &minus, &one);
            p.ite(&z, &zero, &t)
        }),
    },
    Kernel {
        name: "p14",
        title: "average rounded down, without overflow",
        arguments: 2,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let a = p.and(&x[0], &x[1]);
            let b = p.xor(&x[0], &x[1]);
            let one = k(p, w, 1);
            let c = shr(p, b, one);
            p.add(&a, &c)
        },
        specification: same!(|p, x, w| {
            let (a, b) = (p.zext(&x[0], w + 1), p.zext(&x[1], w + 1));
            let s = p.add(&a, &b);
            p.extract(&s, 1, w)
        }),
    },
    Kernel {
        name: "p15",
        title: "average rounded up, without overflow",
        arguments: 2,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let a = p.or(&x[0], &x[1]);
            let b = p.xor(&x[0], &x[1]);
            let one = k(p, w, 1);
            let c = shr(p, b, one);
            p.sub(&a, &c)
        },
        specification: same!(|p, x, w| {
            let (a, b) = (p.zext(&x[0], w + 1), p.zext(&x[1], w + 1));
            let s = p.add(&a, &b);
            let s = inc(p, s, w + 1);
            p.extract(&s, 1, w)
        }),
    },
    Kernel {
        name: "p16",
        title: "signed maximum",
        arguments: 2,
        precondition: always,
        domain: always,
        // (((x ^ y) & -(x >= y)) ^ y)
        formula: |p, x, w| {
            let a = p.xor(&x[0], &x[1]);
            let lt = slt(p, x[0], x[1]);
            let ge = p.not(&lt);
            let t = truth(p, ge, w);
            let m = neg(p, t);
            let b = p.and(&a, &m);
            p.xor(&b, &x[1])
        },
        specification: same!(|p, x, _w| {
            let c = slt(p, x[0], x[1]);
            p.ite(&c, &x[1], &x[0])
        }),
    },
    Kernel {
        name: "p17",
        title: "turn off the rightmost run of 1s",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = dec(p, x[0], w);
            let o = p.or(&x[0], &d);
            let i = inc(p, o, w);
            p.and(&i, &x[0])
        },
        specification: same!(|p, x, w| {
            // With t trailing 0s and then r 1s: bits t .. t+r cleared.
            let t = ctz(p, x[0]);
            let s = shr(p, x[0], t);
            let n = p.not(&s);
            let r = ctz(p, n);
            let end = p.add(&t, &r);
            let up = shr(p, x[0], end);
            let _ = w;
            shl(p, up, end)
        }),
    },
    Kernel {
        name: "p18",
        title: "whether a power of two",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let d = dec(p, x[0], w);
            let a = p.and(&x[0], &d);
            let (z, nz) = (p.is_zero(&a), p.is_zero(&x[0]));
            let n = p.not(&nz);
            let c = p.and(&z, &n);
            truth(p, c, w)
        },
        specification: same!(|p, x, w| {
            let (s, one) = (bit_sum(p, x[0], w), k(p, w, 1));
            let c = p.eq(&s, &one);
            truth(p, c, w)
        }),
    },
    Kernel {
        name: "p19",
        title: "swap two fields k apart, the lower under mask m",
        arguments: 3,
        // The count is below the width.
        precondition: |p, x, w| {
            let n = k(p, w, w.into());
            ult(p, x[2], n)
        },
        // The fields neither overlap nor leave the word.
        domain: |p, x, w| {
            let up = shl(p, x[1], x[2]);
            let back = shr(p, up, x[2]);
            let whole = p.eq(&back, &x[1]);
            let both = p.and(&x[1], &up);
            let zero = k(p, w, 0);
            let apart = p.eq(&both, &zero);
            p.and(&whole, &apart)
        },
        formula: |p, x, _| {
            let s = shr(p, x[0], x[2]);
            let d = p.xor(&s, &x[0]);
            let t = p.and(&d, &x[1]);
            let up = shl(p, t, x[2]);
            let r = p.xor(&x[0], &t);
            p.xor(&r, &up)
        },
        specification: same!(|p, x, _w| {
            let high = shl(p, x[1], x[2]);
            let fields = p.or(&x[1], &high);
            let n = p.not(&fields);
            let rest = p.and(&x[0], &n);
            let a = shr(p, x[0], x[2]);
            let low = p.and(&a, &x[1]);
            let b = p.and(&x[0], &x[1]);
            let up = shl(p, b, x[2]);
            let r = p.or(&rest, &low);
            p.or(&r, &up)
        }),
    },
    Kernel {
        name: "p20",
        title: "next higher number with as many 1s",
        arguments: 1,
        // Not zero, and there is a higher one: adding the lowest 1 does not wrap.
        precondition: |p, x, w| {
            let n = neg(p, x[0]);
            let s = p.and(&x[0], &n);
            let r = p.add(&x[0], &s);
            let zero = k(p, w, 0);
            let e = p.eq(&r, &zero);
            let z = p.eq(&x[0], &zero);
            let bad = p.or(&e, &z);
            p.not(&bad)
        },
        domain: always,
        formula: |p, x, w| {
            let n = neg(p, x[0]);
            let s = p.and(&x[0], &n);
            let r = p.add(&x[0], &s);
            let d = p.xor(&x[0], &r);
            let two = k(p, w, 2);
            let d = shr(p, d, two);
            let q = p.bin(BinOp::Udiv, &d, &s);
            p.or(&r, &q)
        },
        // Higher, as many 1s, and no number between has as many.
        specification: |p, x, out, w| {
            let z = p.var("between", w);
            let (a, b, c) = (
                p.un(UnOp::Popcnt, &x[0]),
                p.un(UnOp::Popcnt, &out),
                p.un(UnOp::Popcnt, &z),
            );
            let higher = ult(p, x[0], out);
            let many = p.eq(&a, &b);
            let (above, below) = (ult(p, x[0], z), ult(p, z, out));
            let same = p.eq(&a, &c);
            let t = p.and(&above, &below);
            let between = p.and(&t, &same);
            let none = p.not(&between);
            let r = p.and(&higher, &many);
            p.and(&r, &none)
        },
    },
    Kernel {
        name: "p21",
        title: "cycle x through a, b, c",
        arguments: 4,
        // x is one of the three.
        precondition: |p, x, _| {
            let (a, b, c) = (p.eq(&x[0], &x[1]), p.eq(&x[0], &x[2]), p.eq(&x[0], &x[3]));
            let t = p.or(&a, &b);
            p.or(&t, &c)
        },
        // They differ.
        domain: |p, x, _| {
            let (a, b, c) = (p.eq(&x[1], &x[2]), p.eq(&x[2], &x[3]), p.eq(&x[1], &x[3]));
            let t = p.or(&a, &b);
            let t = p.or(&t, &c);
            p.not(&t)
        },
        // -(x == a) & (b ^ c) ^ -(x == b) & (c ^ a)... with the three differing only one mask is set.
        formula: |p, x, _| {
            let (ea, eb) = (p.eq(&x[0], &x[1]), p.eq(&x[0], &x[2]));
            let t = p.ite(&eb, &x[3], &x[1]);
            p.ite(&ea, &x[2], &t)
        },
        specification: |p, x, out, _| {
            let (ea, eb, ec) = (p.eq(&x[0], &x[1]), p.eq(&x[0], &x[2]), p.eq(&x[0], &x[3]));
            let (ob, oc, oa) = (p.eq(&out, &x[2]), p.eq(&out, &x[3]), p.eq(&out, &x[1]));
            let mut all = p.bit(true);
            for (e, o) in [(ea, ob), (eb, oc), (ec, oa)] {
                let n = p.not(&e);
                let imp = p.or(&n, &o);
                all = p.and(&all, &imp);
            }
            all
        },
    },
    Kernel {
        name: "p22",
        title: "parity",
        arguments: 1,
        precondition: always,
        domain: always,
        // Folds halves, then multiplies: the printed text of Hacker's Delight.
        formula: |p, x, w| {
            let one = k(p, w, 1);
            let two = k(p, w, 2);
            let ones = k(p, w, ((u128::MAX / 15) & ((1 << w) - 1)) as i128);
            let s = shr(p, x[0], one);
            let a = p.xor(&x[0], &s);
            let s = shr(p, a, two);
            let b = p.xor(&a, &s);
            let m = p.and(&b, &ones);
            let q = p.bin(BinOp::Mul, &m, &ones);
            let top = k(p, w, (w - 4).into());
            let r = shr(p, q, top);
            p.and(&r, &one)
        },
        specification: same!(|p, x, w| {
            let mut b = p.bit(false);
            for i in 0..w {
                let e = p.extract(&x[0], i, 1);
                b = p.xor(&b, &e);
            }
            p.zext(&b, w)
        }),
    },
    Kernel {
        name: "p23",
        title: "number of 1s",
        arguments: 1,
        precondition: always,
        domain: always,
        formula: |p, x, w| {
            let mask = |p: &mut P, n: u128| k(p, w, ((u128::MAX / n) & ((1 << w) - 1)) as i128);
            let (m5, m3, mf, m1) = (mask(p, 3), mask(p, 5), mask(p, 17), mask(p, 255));
            let (one, two, four) = (k(p, w, 1), k(p, w, 2), k(p, w, 4));
            let s = shr(p, x[0], one);
            let s = p.and(&s, &m5);
            let a = p.sub(&x[0], &s);
            let lo = p.and(&a, &m3);
            let hi = shr(p, a, two);
            let hi = p.and(&hi, &m3);
            let b = p.add(&lo, &hi);
            let s = shr(p, b, four);
            let c = p.add(&b, &s);
            let c = p.and(&c, &mf);
            let q = p.bin(BinOp::Mul, &c, &m1);
            let top = k(p, w, (w - 8).into());
            shr(p, q, top)
        },
        specification: same!(|p, x, w| bit_sum(p, x[0], w)),
    },
    Kernel {
        name: "p24",
        title: "round up to a power of two",
        arguments: 1,
        precondition: always,
        // At most 2^(w-1), and not zero: for others the formula gives zero.
        domain: |p, x, w| {
            let z = p.is_zero(&x[0]);
            let n = p.not(&z);
            let low = lt_power(p, x[0], w);
            p.and(&n, &low)
        },
        formula: |p, x, w| {
            let mut a = dec(p, x[0], w);
            let mut n = 1;
            while n < w {
                let c = k(p, w, n.into());
                let s = shr(p, a, c);
                a = p.or(&a, &s);
                n *= 2;
            }
            inc(p, a, w)
        },
        // A power of two, not less than x, and its half is less.
        specification: |p, x, out, w| {
            let (s, one) = (bit_sum(p, out, w), k(p, w, 1));
            let power = p.eq(&s, &one);
            let less = ult(p, out, x[0]);
            let enough = p.not(&less);
            let half = shr(p, out, one);
            let tight = ult(p, half, x[0]);
            let r = p.and(&power, &enough);
            p.and(&r, &tight)
        },
    },
    Kernel {
        name: "p25",
        title: "high half of the unsigned product",
        arguments: 2,
        precondition: always,
        domain: always,
        // By parts, with half words.
        formula: |p, x, w| {
            let h = w / 2;
            let (hc, low) = (k(p, w, h.into()), k(p, w, (1i128 << h) - 1));
            let (u0, u1) = (p.and(&x[0], &low), shr(p, x[0], hc));
            let (v0, v1) = (p.and(&x[1], &low), shr(p, x[1], hc));
            let mul = |p: &mut P, a: T, b: T| p.bin(BinOp::Mul, &a, &b);
            let w0 = mul(p, u0, v0);
            let (a, b) = (mul(p, u1, v0), shr(p, w0, hc));
            let t = p.add(&a, &b);
            let (w1, w2) = (p.and(&t, &low), shr(p, t, hc));
            let c = mul(p, u0, v1);
            let w1 = p.add(&c, &w1);
            let d = mul(p, u1, v1);
            let r = p.add(&d, &w2);
            let s = shr(p, w1, hc);
            p.add(&r, &s)
        },
        specification: same!(|p, x, _w| p.bin(BinOp::MulHiU, &x[0], &x[1])),
    },
];
