//! Hacker's Delight p01 to p25 (Warren; the numbering of Gulwani et al., PLDI 2011).

use super::word::Word;

/// A word of the arguments.
pub type Formula = for<'p> fn(&[Word<'p>]) -> Word<'p>;

/// What a result must be.
#[derive(Clone, Copy, Debug)]
pub enum Specification {
    /// This word.
    Equals(Formula),
    /// One for which this bit is set: of the arguments and the result.
    Holds(for<'p> fn(&[Word<'p>], Word<'p>) -> Word<'p>),
}
use Specification::{Equals, Holds};

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
    /// On which inputs the formula must be computed: one bit.
    pub precondition: Formula,
    /// On which inputs the specification speaks: one bit.
    pub domain: Formula,
    /// What the formula must meet there.
    pub specification: Specification,
}

/// A kernel on all inputs.
const fn kernel(
    name: &'static str,
    title: &'static str,
    arguments: usize,
    formula: Formula,
    specification: Specification,
) -> Kernel {
    Kernel {
        name,
        title,
        arguments,
        formula,
        precondition: |x| x[0].always(),
        domain: |x| x[0].always(),
        specification,
    }
}

/// 1 shifted to a place.
fn one_at(at: Word<'_>) -> Word<'_> {
    at.k(1) << at
}

/// A bit as a word of a width.
fn truth<'p>(bit: Word<'p>, like: Word<'p>) -> Word<'p> {
    bit.widened(like.width())
}

/// The lowest bit of every field of `n` bits.
fn every(x: Word<'_>, n: u32) -> Word<'_> {
    x.k(((u128::MAX / ((1 << n) - 1)) & ((1 << x.width()) - 1)) as i128)
}

/// The low half of every field of `n` bits.
fn low_halves(x: Word<'_>, n: u32) -> Word<'_> {
    x.k(((u128::MAX / ((1 << (n / 2)) + 1)) & ((1 << x.width()) - 1)) as i128)
}

/// The number of set bits, bit by bit.
fn bit_sum(x: Word<'_>) -> Word<'_> {
    (0..x.width()).fold(x.k(0), |s, i| s + truth(x.bit(i), x))
}

/// The sum in one more bit.
fn wide_sum<'p>(x: &[Word<'p>]) -> Word<'p> {
    let wider = |a: Word<'p>| a.widened(a.width() + 1);
    wider(x[0]) + wider(x[1])
}

/// A sum's bits but the lowest, of which there is one more than in the operands.
fn halved(sum: Word<'_>) -> Word<'_> {
    sum.bits(1, sum.width() - 1)
}

/// All 25.
pub const HACKERS_DELIGHT: [Kernel; 25] = [
    kernel(
        "p01",
        "turn off the rightmost 1",
        1,
        |x| x[0] & x[0].dec(),
        Equals(|x| x[0] ^ one_at(x[0].ctz())),
    ),
    kernel(
        "p02",
        "turn off the trailing 1s",
        1,
        |x| x[0] & x[0].inc(),
        Equals(|x| {
            let t = (!x[0]).ctz();
            (x[0] >> t) << t
        }),
    ),
    kernel(
        "p03",
        "isolate the rightmost 1",
        1,
        |x| x[0] & -x[0],
        Equals(|x| one_at(x[0].ctz())),
    ),
    kernel(
        "p04",
        "mask of the rightmost 1 and the trailing 0s",
        1,
        |x| x[0] ^ x[0].dec(),
        Equals(|x| {
            let t = x[0].ctz();
            (t.k(2) << t).dec()
        }),
    ),
    kernel(
        "p05",
        "propagate the rightmost 1 to the right",
        1,
        |x| x[0] | x[0].dec(),
        Equals(|x| x[0] | one_at(x[0].ctz()).dec()),
    ),
    kernel(
        "p06",
        "turn on the rightmost 0",
        1,
        |x| x[0] | x[0].inc(),
        Equals(|x| x[0] | one_at((!x[0]).ctz())),
    ),
    kernel(
        "p07",
        "isolate the rightmost 0",
        1,
        |x| {
            let d = x[0].inc();
            !x[0] & d
        },
        Equals(|x| one_at((!x[0]).ctz())),
    ),
    kernel(
        "p08",
        "mask of the trailing 0s",
        1,
        |x| {
            let d = x[0].dec();
            !x[0] & d
        },
        Equals(|x| one_at(x[0].ctz()).dec()),
    ),
    kernel(
        "p09",
        "absolute value, the least number for itself",
        1,
        |x| {
            let s = x[0].sar(x[0].k((x[0].width() - 1).into()));
            (x[0] ^ s) - s
        },
        Equals(|x| x[0].sign().choose(-x[0], x[0])),
    ),
    kernel(
        "p10",
        "equal numbers of leading 0s",
        2,
        |x| truth(!(x[0] & x[1]).below(x[0] ^ x[1]), x[0]),
        Equals(|x| truth(x[0].clz().equals(x[1].clz()), x[0])),
    ),
    kernel(
        "p11",
        "fewer leading 0s",
        2,
        |x| {
            let n = !x[1];
            truth(x[1].below(x[0] & n), x[0])
        },
        Equals(|x| truth(x[0].clz().below(x[1].clz()), x[0])),
    ),
    kernel(
        "p12",
        "at most as many leading 0s",
        2,
        |x| {
            let n = !x[0];
            truth(!x[0].below(x[1] & n), x[0])
        },
        Equals(|x| {
            let (a, b) = (x[0].clz(), x[1].clz());
            truth(!b.below(a), x[0])
        }),
    ),
    kernel(
        "p13",
        "sign: -1, 0 or 1",
        1,
        |x| {
            let n = x[0].k((x[0].width() - 1).into());
            x[0].sar(n) | (-x[0] >> n)
        },
        Equals(|x| {
            let (z, one, minus) = (x[0].is_zero(), x[0].k(1), x[0].k(-1));
            let (s, zero) = (x[0].sign(), x[0].k(0));
            z.choose(zero, s.choose(minus, one))
        }),
    ),
    kernel(
        "p14",
        "average rounded down, without overflow",
        2,
        |x| (x[0] & x[1]) + ((x[0] ^ x[1]) >> x[0].k(1)),
        Equals(|x| halved(wide_sum(x))),
    ),
    kernel(
        "p15",
        "average rounded up, without overflow",
        2,
        |x| (x[0] | x[1]) - ((x[0] ^ x[1]) >> x[0].k(1)),
        Equals(|x| halved(wide_sum(x).inc())),
    ),
    kernel(
        "p16",
        "signed maximum",
        2,
        // ((x ^ y) & -(x >= y)) ^ y
        |x| {
            let a = x[0] ^ x[1];
            (a & -truth(!x[0].less(x[1]), a)) ^ x[1]
        },
        Equals(|x| x[0].less(x[1]).choose(x[1], x[0])),
    ),
    kernel(
        "p17",
        "turn off the rightmost run of 1s",
        1,
        |x| (x[0] | x[0].dec()).inc() & x[0],
        // With t trailing 0s and then r 1s: bits t .. t+r cleared.
        Equals(|x| {
            let t = x[0].ctz();
            let end = t + (!(x[0] >> t)).ctz();
            (x[0] >> end) << end
        }),
    ),
    kernel(
        "p18",
        "whether a power of two",
        1,
        |x| {
            let a = x[0] & x[0].dec();
            truth(a.is_zero() & !x[0].is_zero(), x[0])
        },
        Equals(|x| truth(bit_sum(x[0]).equals(x[0].k(1)), x[0])),
    ),
    Kernel {
        name: "p19",
        title: "swap two fields k apart, the lower under mask m",
        arguments: 3,
        // The count is below the width.
        precondition: |x| x[2].below(x[2].k(x[2].width().into())),
        // The fields neither overlap nor leave the word.
        domain: |x| {
            let up = x[1] << x[2];
            let whole = (up >> x[2]).equals(x[1]);
            whole & (x[1] & up).is_zero()
        },
        formula: |x| {
            let t = ((x[0] >> x[2]) ^ x[0]) & x[1];
            let up = t << x[2];
            (x[0] ^ t) ^ up
        },
        specification: Equals(|x| {
            let fields = x[1] | (x[1] << x[2]);
            let rest = x[0] & !fields;
            let low = (x[0] >> x[2]) & x[1];
            let up = (x[0] & x[1]) << x[2];
            (rest | low) | up
        }),
    },
    Kernel {
        name: "p20",
        title: "next higher number with as many 1s",
        arguments: 1,
        // Not zero, and there is a higher one: adding the lowest 1 does not wrap.
        precondition: |x| {
            let r = x[0] + (x[0] & -x[0]);
            !(r.is_zero() | x[0].is_zero())
        },
        domain: |x| x[0].always(),
        formula: |x| {
            let s = x[0] & -x[0];
            let r = x[0] + s;
            r | ((x[0] ^ r) >> r.k(2)).udiv(s)
        },
        // Higher, as many 1s, and no number between has as many.
        specification: Holds(|x, out| {
            let z = x[0].var_like("between");
            let (a, b, c) = (x[0].popcnt(), out.popcnt(), z.popcnt());
            let (higher, many) = (x[0].below(out), a.equals(b));
            let (above, below, same) = (x[0].below(z), z.below(out), a.equals(c));
            let none = !((above & below) & same);
            (higher & many) & none
        }),
    },
    Kernel {
        name: "p21",
        title: "cycle x through a, b, c",
        arguments: 4,
        // x is one of the three.
        precondition: |x| {
            let [a, b, c] = [1, 2, 3].map(|i: usize| x[0].equals(x[i]));
            (a | b) | c
        },
        // They differ.
        domain: |x| {
            let [a, b, c] =
                [(1, 2), (2, 3), (1, 3)].map(|(i, j): (usize, usize)| x[i].equals(x[j]));
            !((a | b) | c)
        },
        formula: |x| {
            let (ea, eb) = (x[0].equals(x[1]), x[0].equals(x[2]));
            let t = eb.choose(x[3], x[1]);
            ea.choose(x[2], t)
        },
        specification: Holds(|x, out| {
            let from = [1, 2, 3].map(|i: usize| x[0].equals(x[i]));
            let to = [2, 3, 1].map(|i: usize| out.equals(x[i]));
            (0..3).fold(out.always(), |all, i| all & (!from[i] | to[i]))
        }),
    },
    kernel(
        "p22",
        "parity",
        1,
        // Folds halves, then multiplies: the printed text of Hacker's Delight.
        |x| {
            let (one, two, ones) = (x[0].k(1), x[0].k(2), every(x[0], 4));
            let a = x[0] ^ (x[0] >> one);
            let b = a ^ (a >> two);
            let q = (b & ones) * ones;
            (q >> q.k((q.width() - 4).into())) & one
        },
        Equals(|x| {
            let none = !x[0].always();
            truth((0..x[0].width()).fold(none, |b, i| b ^ x[0].bit(i)), x[0])
        }),
    ),
    kernel(
        "p23",
        "number of 1s",
        1,
        |x| {
            let [m5, m3, mf] = [2, 4, 8].map(|n| low_halves(x[0], n));
            let m1 = every(x[0], 8);
            let [one, two, four] = [1, 2, 4].map(|n| x[0].k(n));
            let a = x[0] - ((x[0] >> one) & m5);
            let b = (a & m3) + ((a >> two) & m3);
            let c = (b + (b >> four)) & mf;
            let q = c * m1;
            q >> q.k((q.width() - 8).into())
        },
        Equals(|x| bit_sum(x[0])),
    ),
    Kernel {
        name: "p24",
        title: "round up to a power of two",
        arguments: 1,
        precondition: |x| x[0].always(),
        // At most 2^(w-1), and not zero: for others the formula gives zero.
        domain: |x| {
            let some = !x[0].is_zero();
            let top = x[0].k(1 << (x[0].width() - 1));
            some & !top.below(x[0])
        },
        formula: |x| {
            let mut a = x[0].dec();
            let mut n = 1;
            while n < a.width() {
                a = a | (a >> a.k(n.into()));
                n *= 2;
            }
            a.inc()
        },
        // A power of two, not less than x, and its half is less.
        specification: Holds(|x, out| {
            let (s, one) = (bit_sum(out), out.k(1));
            let power = s.equals(one);
            let enough = !out.below(x[0]);
            let tight = (out >> one).below(x[0]);
            (power & enough) & tight
        }),
    },
    kernel(
        "p25",
        "high half of the unsigned product",
        2,
        // By parts, with half words.
        |x| {
            let h = x[0].width() / 2;
            let (hc, low) = (x[0].k(h.into()), x[0].k((1 << h) - 1));
            let (u0, u1) = (x[0] & low, x[0] >> hc);
            let (v0, v1) = (x[1] & low, x[1] >> hc);
            let w0 = u0 * v0;
            let t = u1 * v0 + (w0 >> hc);
            let (w1, w2) = (t & low, t >> hc);
            let w1 = u0 * v1 + w1;
            (u1 * v1 + w2) + (w1 >> hc)
        },
        Equals(|x| x[0].high_product(x[1])),
    ),
];
