//! The questions: forms of the identity, and foldings of V = n * 3^k * pi^m * phi^p * e^q over its box.

use super::exact::{Exact, Mode};
use super::surd::Surd;
use super::{Constant, Differs, Folding, RealStep, Variant, show};
use crate::report::parts::Binding;
use std::f64::consts::{E, PI};

/// Greatest n of the box; the other bounds are those of the benchmark `phi`.
const N: i32 = 16;
const K: std::ops::RangeInclusive<i32> = -4..=4;
const EXPONENTS: std::ops::RangeInclusive<i32> = -3..=3;

/// The double nearest to phi.
fn phi() -> f64 {
    // sqrt(5), sum and half each rounded once; that the result is also the double nearest to phi is checked by `constants`.
    (1.0 + 5f64.sqrt()) / 2.0
}

/// One arithmetic, so that each expression is written once and evaluated by both.
trait Arithmetic {
    fn add(&self, x: f64, y: f64) -> f64;
    fn mul(&self, x: f64, y: f64) -> f64;
    fn div(&self, x: f64, y: f64) -> f64;
    fn fma(&self, x: f64, y: f64, z: f64) -> f64;
}

/// The processor, to nearest.
struct Host;

impl Arithmetic for Host {
    fn add(&self, x: f64, y: f64) -> f64 {
        std::hint::black_box(x) + y
    }
    fn mul(&self, x: f64, y: f64) -> f64 {
        std::hint::black_box(x) * y
    }
    fn div(&self, x: f64, y: f64) -> f64 {
        std::hint::black_box(x) / y
    }
    fn fma(&self, x: f64, y: f64, z: f64) -> f64 {
        std::hint::black_box(x).mul_add(y, z)
    }
}

/// Rationals and one rounding.
struct Rational(Mode);

impl Arithmetic for Rational {
    fn add(&self, x: f64, y: f64) -> f64 {
        Exact::of(x).add(&Exact::of(y)).round(self.0)
    }
    fn mul(&self, x: f64, y: f64) -> f64 {
        Exact::of(x).mul(&Exact::of(y)).round(self.0)
    }
    fn div(&self, x: f64, y: f64) -> f64 {
        Exact::of(x).mul(&Exact::of(y).inverse()).round(self.0)
    }
    fn fma(&self, x: f64, y: f64, z: f64) -> f64 {
        Exact::of(x)
            .mul(&Exact::of(y))
            .add(&Exact::of(z))
            .round(self.0)
    }
}

const NEAREST: Rational = Rational(Mode::Nearest);

/// A correctly rounded power.
fn pow(x: f64, i: i32) -> f64 {
    Exact::of(x).pow(i).round(Mode::Nearest)
}

/// The identity's left side in its plainest form.
fn sum(a: &dyn Arithmetic, x: f64) -> f64 {
    let square = a.mul(x, x);
    a.add(square, a.div(1.0, square))
}

pub(super) fn reals() -> Vec<RealStep> {
    // Numbers of one digit: nothing here can leave 128 bits.
    let phi = Surd::PHI;
    let square = phi.mul(phi).expect("numbers of one digit fit");
    let inverse = square
        .inverse()
        .expect("neither phi nor its square is zero");
    [
        ("phi", phi),
        ("phi²", square),
        (
            "phi + 1",
            phi.add(Surd::integer(1)).expect("numbers of one digit fit"),
        ),
        (
            "1/phi",
            phi.inverse().expect("neither phi nor its square is zero"),
        ),
        (
            "phi - 1",
            phi.add(Surd::integer(-1))
                .expect("numbers of one digit fit"),
        ),
        ("1/phi²", inverse),
        (
            "phi² + 1/phi²",
            square.add(inverse).expect("numbers of one digit fit"),
        ),
    ]
    .map(|(expression, value)| RealStep {
        expression: expression.into(),
        value: value.to_string(),
    })
    .into()
}

pub(super) fn constants() -> Vec<Constant> {
    let root = Exact::of(5.0).sqrt();
    let nearest = root
        .add(&Exact::of(1.0))
        .mul(&Exact::of(0.5))
        .round(Mode::Nearest);
    let how = match nearest.to_bits() == phi().to_bits() {
        true => "(1 + sqrt(5)) / 2 in doubles; also the double nearest to phi",
        false => "(1 + sqrt(5)) / 2 in doubles; not the double nearest to phi",
    };
    [
        ("phi", phi(), how),
        ("pi", PI, "the double nearest to pi"),
        ("e", E, "the double nearest to e"),
    ]
    .map(|(name, x, how)| Constant {
        name: name.into(),
        how: how.into(),
        bits: format!("0x{:016x}", x.to_bits()),
        decimal: x.to_string(),
    })
    .into()
}

/// An expression without variables against what it would fold to.
fn constant(written: &str, folded: &str, f: impl Fn(&dyn Arithmetic) -> (f64, f64)) -> Folding {
    let (left, right) = f(&NEAREST);
    let host = f(&Host);
    let folds = left.to_bits() == right.to_bits();
    Folding {
        written: written.into(),
        folded: folded.into(),
        folds,
        authority: "exact evaluation; there are no variables, so that one evaluation is a proof"
            .into(),
        points: 1,
        unequal: u64::from(!folds),
        processor_agrees: (host.0.to_bits(), host.1.to_bits()) == (left.to_bits(), right.to_bits()),
        value: show(left),
        differs: (!folds).then(|| Differs {
            at: Vec::new(),
            written: show(left),
            folded: show(right),
        }),
    }
}

pub(super) fn identity() -> Vec<Folding> {
    let x = phi();
    vec![
        constant("phi*phi + 1/(phi*phi)", "3", |a| (sum(a, x), 3.0)),
        constant("phi*phi + (1/phi)*(1/phi)", "3", |a| {
            let inverse = a.div(1.0, x);
            (a.add(a.mul(x, x), a.mul(inverse, inverse)), 3.0)
        }),
        constant("phi*phi + (1/phi)/phi", "3", |a| {
            (a.add(a.mul(x, x), a.div(a.div(1.0, x), x)), 3.0)
        }),
        constant("fma(phi, phi, 1/(phi*phi))", "3", |a| {
            (a.fma(x, x, a.div(1.0, a.mul(x, x))), 3.0)
        }),
        constant("pow(phi, 2) + pow(phi, -2)", "3", |a| {
            (a.add(pow(x, 2), pow(x, -2)), 3.0)
        }),
        constant("phi*phi", "phi + 1", |a| (a.mul(x, x), a.add(x, 1.0))),
        constant("1/phi", "phi - 1", |a| (a.div(1.0, x), a.add(x, -1.0))),
        constant("1/(phi*phi)", "2 - phi", |a| {
            (a.div(1.0, a.mul(x, x)), a.add(2.0, -x))
        }),
        constant("phi * (1/phi)", "1", |a| (a.mul(x, a.div(1.0, x)), 1.0)),
    ]
}

pub(super) fn variants() -> Vec<Variant> {
    let variant = |what: String, value: f64| Variant {
        what,
        value: show(value),
        is_three: value == 3.0,
    };
    let other_modes = Mode::ALL.iter().filter(|m| m.0 != Mode::Nearest);
    let modes = other_modes
        .map(|(mode, name)| variant(format!("rounding {name}"), sum(&Rational(*mode), phi())));
    let beside = (-4i64..=4).filter(|n| *n != 0).map(|n| {
        let x = f64::from_bits(phi().to_bits().wrapping_add_signed(n));
        variant(
            format!("phi {n:+} units of its last place"),
            sum(&NEAREST, x),
        )
    });
    modes.chain(beside).collect()
}

/// Factors of V for one point, powers taken.
#[derive(Clone, Copy)]
struct Point {
    n: i32,
    k: i32,
    m: i32,
    p: i32,
    q: i32,
}

/// The powers that occur, computed once.
struct Powers {
    three: Vec<f64>,
    pi: Vec<f64>,
    phi: Vec<f64>,
    e: Vec<f64>,
}

impl Powers {
    fn new() -> Powers {
        Powers {
            three: K.map(|i| pow(3.0, i)).collect(),
            pi: EXPONENTS.map(|i| pow(PI, i)).collect(),
            phi: EXPONENTS.map(|i| pow(phi(), i)).collect(),
            e: EXPONENTS.map(|i| pow(E, i)).collect(),
        }
    }

    /// The factors in the order of the formula.
    fn of(&self, t: Point) -> [f64; 5] {
        let at = |table: &[f64], i: i32, first: i32| table[(i - first) as usize];
        [
            f64::from(t.n),
            at(&self.three, t.k, *K.start()),
            at(&self.pi, t.m, *EXPONENTS.start()),
            at(&self.phi, t.p, *EXPONENTS.start()),
            at(&self.e, t.q, *EXPONENTS.start()),
        ]
    }
}

/// Compares two forms on every point that `points` gives, by both arithmetics.
fn folding<P: Copy>(
    written: &str,
    folded: &str,
    points: impl Iterator<Item = P>,
    names: impl Fn(P) -> Vec<(&'static str, i32)>,
    f: impl Fn(&dyn Arithmetic, P) -> (f64, f64),
) -> Folding {
    let (mut count, mut unequal, mut agrees, mut first) = (0, 0, true, None);
    for p in points {
        count += 1;
        let (left, right) = f(&NEAREST, p);
        let host = f(&Host, p);
        agrees &= (host.0.to_bits(), host.1.to_bits()) == (left.to_bits(), right.to_bits());
        if left.to_bits() != right.to_bits() {
            unequal += 1;
            first.get_or_insert_with(|| Differs {
                at: names(p)
                    .into_iter()
                    .map(|(n, v)| Binding::new(n, v.to_string()))
                    .collect(),
                written: show(left),
                folded: show(right),
            });
        }
    }
    Folding {
        written: written.into(),
        folded: folded.into(),
        folds: unequal == 0,
        authority: match unequal {
            0 => "exhaustion of the box by exact evaluation".into(),
            _ => "counterexample, evaluated exactly".into(),
        },
        points: count,
        unequal,
        processor_agrees: agrees,
        value: String::new(),
        differs: first,
    }
}

fn pairs() -> impl Iterator<Item = (i32, i32)> {
    EXPONENTS.flat_map(|a| EXPONENTS.map(move |b| (a, b)))
}

fn pair_names(names: [&'static str; 2]) -> impl Fn((i32, i32)) -> Vec<(&'static str, i32)> {
    move |(a, b)| vec![(names[0], a), (names[1], b)]
}

pub(super) fn foldings() -> Vec<Folding> {
    let powers = Powers::new();
    let left_to_right =
        |a: &dyn Arithmetic, f: [f64; 5]| f[1..].iter().fold(f[0], |v, x| a.mul(v, *x));
    let box_of = |n: i32| {
        let exponents = || EXPONENTS;
        (1..=n).flat_map(move |n| {
            K.flat_map(move |k| {
                exponents().flat_map(move |m| {
                    exponents().flat_map(move |p| exponents().map(move |q| Point { n, k, m, p, q }))
                })
            })
        })
    };
    let names = |t: Point| vec![("n", t.n), ("k", t.k), ("m", t.m), ("p", t.p), ("q", t.q)];
    let nk = || (1..=N).flat_map(|n| K.map(move |k| (n, k)));
    let power_law = |written: &str, folded: &str, base: f64| {
        folding(
            written,
            folded,
            pairs(),
            pair_names(["i", "j"]),
            move |a, (i, j)| (a.mul(pow(base, i), pow(base, j)), pow(base, i + j)),
        )
    };
    vec![
        folding(
            "(((n*3^k)*pi^m)*phi^p)*e^q",
            "n*(3^k*(pi^m*(phi^p*e^q)))",
            box_of(N / 4),
            names,
            |a, t| {
                let f = powers.of(t);
                let right = f[..4].iter().rev().fold(f[4], |v, x| a.mul(*x, v));
                (left_to_right(a, f), right)
            },
        ),
        folding(
            "(((n*3^k)*pi^m)*phi^p)*e^q",
            "(((e^q*3^k)*pi^m)*phi^p)*n",
            box_of(N / 4),
            names,
            |a, t| {
                let [n, k, m, p, q] = powers.of(t);
                (
                    left_to_right(a, [n, k, m, p, q]),
                    left_to_right(a, [q, k, m, p, n]),
                )
            },
        ),
        folding(
            "(n*3^k)*pi^m",
            "pi^m*(3^k*n)",
            nk().flat_map(|(n, k)| EXPONENTS.map(move |m| (n, k, m))),
            |(n, k, m)| vec![("n", n), ("k", k), ("m", m)],
            |a, (n, k, m)| {
                let [n, k, m, ..] = powers.of(Point {
                    n,
                    k,
                    m,
                    p: 0,
                    q: 0,
                });
                (a.mul(a.mul(n, k), m), a.mul(m, a.mul(k, n)))
            },
        ),
        folding(
            "n*3^k, k ≥ 0",
            "the integer n·3^k",
            nk().filter(|(_, k)| *k >= 0),
            |(n, k)| vec![("n", n), ("k", k)],
            |a, (n, k)| {
                let integer = i64::from(n) * 3i64.pow(k.unsigned_abs());
                (a.mul(f64::from(n), pow(3.0, k)), integer as f64)
            },
        ),
        folding(
            "n*3^k, k < 0",
            "n/3^-k",
            nk().filter(|(_, k)| *k < 0),
            |(n, k)| vec![("n", n), ("k", k)],
            |a, (n, k)| {
                let n = f64::from(n);
                (a.mul(n, pow(3.0, k)), a.div(n, pow(3.0, -k)))
            },
        ),
        power_law("3^i * 3^j", "3^(i+j)", 3.0),
        power_law("pi^i * pi^j", "pi^(i+j)", PI),
        power_law("phi^i * phi^j", "phi^(i+j)", phi()),
        power_law("e^i * e^j", "e^(i+j)", E),
        folding(
            "n / pi^m",
            "n * pi^-m",
            (1..=N).flat_map(|n| EXPONENTS.map(move |m| (n, m))),
            |(n, m)| vec![("n", n), ("m", m)],
            |a, (n, m)| {
                (
                    a.div(f64::from(n), pow(PI, m)),
                    a.mul(f64::from(n), pow(PI, -m)),
                )
            },
        ),
        folding(
            "phi^p",
            "p - 1 products of phi, p ≥ 1",
            1..=*EXPONENTS.end(),
            |p| vec![("p", p)],
            |a, p| (pow(phi(), p), (1..p).fold(phi(), |v, _| a.mul(v, phi()))),
        ),
        folding(
            "V(n, 0, 0, 0, 0)",
            "n",
            1..=N,
            |n| vec![("n", n)],
            |a, n| {
                let f = powers.of(Point {
                    n,
                    k: 0,
                    m: 0,
                    p: 0,
                    q: 0,
                });
                (left_to_right(a, f), f64::from(n))
            },
        ),
        library_pow(),
    ]
}

/// The C library's `pow` against the correctly rounded power, on every power of the box.
fn library_pow() -> Folding {
    let bases: [(i32, f64); 4] = [(0, 3.0), (1, PI), (2, phi()), (3, E)];
    let points = bases.into_iter().flat_map(|b| K.map(move |i| (b, i)));
    let mut f = folding(
        "pow(b, i) of this machine's C library, b in {3, pi, phi, e}",
        "the correctly rounded power",
        points,
        |((b, _), i)| vec![("b", b), ("i", i)],
        |_, ((_, b), i)| (std::hint::black_box(b).powf(f64::from(i)), pow(b, i)),
    );
    f.authority
        .push_str("; about the library, not about arithmetic");
    f
}
