//! Known-bits transfer functions, exhausted at small widths and sampled at large ones.

use trinity_codegen::isa::concrete::{eval_bin, eval_cmp, eval_un, mask};
use trinity_codegen::isa::forms::Lcg;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Known, KnownBits, UnOp};

type Word = Known<trinity_codegen::isa::Bits>;

const BIN: [BinOp; 19] = {
    use BinOp::*;
    [
        Add, Sub, Mul, MulHiU, MulHiS, Udiv, Urem, Sdiv, Srem, And, Or, Xor, Shl, Lshr, Ashr, Rotl,
        Rotr, Pext, Pdep,
    ]
};

/// All abstract words of a width: 3 to its power.
fn words(w: u32) -> Vec<Word> {
    let all = 0..=mask(w);
    let pairs = all.flat_map(|z| (0..=mask(w)).map(move |o| (z, o)));
    pairs.filter_map(|(z, o)| Known::new(w, z, o)).collect()
}

fn values(k: &Word) -> Vec<u128> {
    (0..=mask(k.width())).filter(|v| k.contains(*v)).collect()
}

/// The best abstraction of some results.
fn best(w: u32, results: impl Iterator<Item = u128>) -> Word {
    let (z, o) = results.fold((u128::MAX, u128::MAX), |(z, o), v| (z & !v, o & v));
    Known::new(w, z, o).expect("there is a result")
}

/// Known bits of the function's answers and of the best ones.
#[derive(Default)]
struct Precision {
    known: u64,
    best: u64,
}

impl Precision {
    fn add(&mut self, what: &dyn std::fmt::Debug, got: &Word, best: &Word) {
        // What is known must hold of every result: the best abstraction knows it too.
        let (z, o) = (
            got.zeros.value & !best.zeros.value,
            got.ones.value & !best.ones.value,
        );
        assert!(
            z == 0 && o == 0,
            "{what:?}: {got:?} is not sound, best is {best:?}"
        );
        assert_eq!(
            (got.width(), got.zeros.value & got.ones.value),
            (best.width(), 0)
        );
        let count = |k: &Word| u64::from((k.zeros.value | k.ones.value).count_ones());
        self.known += count(got);
        self.best += count(best);
    }
    fn end(&self, what: &str, exact: bool) {
        let (known, best) = (self.known, self.best);
        println!("{what}: {known} of {best} knowable bits known");
        assert!(!exact || known == best, "{what} is not exact");
        assert!(known > 0, "{what} never knows anything");
    }
}

#[test]
fn two_operands_exhausted() {
    use BinOp::*;
    for w in 1..=4 {
        for op in BIN {
            let mut p = Precision::default();
            let words = words(w);
            let values: Vec<Vec<u128>> = words.iter().map(values).collect();
            for (a, va) in words.iter().zip(&values) {
                for (b, vb) in words.iter().zip(&values) {
                    let got = KnownBits.bin(op, a, b);
                    let results = va
                        .iter()
                        .flat_map(|x| vb.iter().map(|y| eval_bin(op, w, *x, *y)));
                    p.add(&(op, a, b), &got, &best(w, results));
                }
            }
            let exact = matches!(
                op,
                Add | Sub | And | Or | Xor | Shl | Lshr | Ashr | Rotl | Rotr
            );
            p.end(&format!("{op:?} at {w}"), exact);
        }
    }
}

#[test]
fn one_operand_exhausted() {
    for w in [1, 2, 3, 4, 5, 8] {
        for op in [
            UnOp::Not,
            UnOp::Neg,
            UnOp::Popcnt,
            UnOp::Clz,
            UnOp::Ctz,
            UnOp::Bswap,
        ] {
            if op == UnOp::Bswap && w % 8 != 0 {
                continue;
            }
            let mut p = Precision::default();
            for a in words(w) {
                let results = values(&a).into_iter().map(|v| eval_un(op, w, v));
                p.add(&(op, a), &KnownBits.un(op, &a), &best(w, results));
            }
            let exact = matches!(op, UnOp::Not | UnOp::Neg | UnOp::Bswap);
            p.end(&format!("{op:?} at {w}"), exact);
        }
    }
}

#[test]
fn comparisons_choices_and_wiring_exhausted() {
    for w in 1..=4 {
        for op in [CmpOp::Eq, CmpOp::Ult, CmpOp::Slt] {
            let mut p = Precision::default();
            for a in words(w) {
                for b in words(w) {
                    let (va, vb) = (values(&a), values(&b));
                    let results = va
                        .iter()
                        .flat_map(|x| vb.iter().map(|y| eval_cmp(op, w, *x, *y).into()));
                    p.add(&(op, a, b), &KnownBits.cmp(op, &a, &b), &best(1, results));
                }
            }
            p.end(&format!("{op:?} at {w}"), true);
        }
    }
    let mut p = Precision::default();
    for c in words(1) {
        for a in words(3) {
            for b in words(3) {
                let mut results = Vec::new();
                for v in values(&c) {
                    results.extend(values(if v == 1 { &a } else { &b }));
                }
                p.add(
                    &(c, a, b),
                    &KnownBits.ite(&c, &a, &b),
                    &best(3, results.into_iter()),
                );
                let pairs = values(&a);
                let joined = pairs
                    .iter()
                    .flat_map(|h| values(&b).into_iter().map(move |l| h << 3 | l));
                p.add(&(a, b), &KnownBits.concat(&a, &b), &best(6, joined));
            }
        }
    }
    for a in words(4) {
        let v = values(&a);
        for lo in 0..4 {
            for n in 1..=4 - lo {
                let r = v.iter().map(|v| v >> lo & mask(n));
                p.add(&(a, lo, n), &KnownBits.extract(&a, lo, n), &best(n, r));
            }
        }
        let z = v.iter().copied();
        p.add(&a, &KnownBits.zext(&a, 7), &best(7, z));
        let s = v.iter().map(|v| (*v ^ 8).wrapping_sub(8) & mask(7));
        p.add(&a, &KnownBits.sext(&a, 7), &best(7, s));
    }
    p.end("wiring", true);
}

#[test]
fn wide_words_sampled() {
    let seed = std::env::var("TRINITY_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(7);
    println!("TRINITY_SEED={seed}");
    let mut random = Lcg(seed);
    let mut word = |w: u32| {
        let mut v = 0u128;
        for _ in 0..4 {
            v = v << 32 | u128::from(random.below(u32::MAX));
        }
        // Few bits half of the time, so that counts and divisors are small.
        let small = random.below(2) == 0;
        v & mask(if small { 1 + random.below(w) } else { w })
    };
    for w in [5, 8, 16, 32, 64, 128] {
        for op in BIN {
            if w == 128 && matches!(op, BinOp::MulHiU | BinOp::MulHiS) {
                continue;
            }
            for _ in 0..2000 {
                let (x, y) = (word(w), word(w));
                let (kx, ky) = (word(w) | word(w), word(w) | word(w));
                let a = Known::new(w, kx & !x, kx & x).expect("disjoint");
                let b = Known::new(w, ky & !y, ky & y).expect("disjoint");
                let r = eval_bin(op, w, x, y);
                let got = KnownBits.bin(op, &a, &b);
                assert!(
                    got.contains(r),
                    "{op:?} {w}: {a:x?} {b:x?} {x:#x} {y:#x} {r:#x} {got:x?}"
                );
                let exact = KnownBits.bin(op, &Known::constant(w, x), &Known::constant(w, y));
                if !matches!(op, BinOp::Urem | BinOp::Srem) {
                    assert_eq!(
                        exact.value(),
                        Some(r),
                        "{op:?} {w} of constants {x:#x} {y:#x}"
                    );
                }
            }
        }
    }
}
