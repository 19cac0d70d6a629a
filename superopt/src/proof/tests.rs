//! The parts of the ladder against exact evaluation.

use super::expand::expand;
use super::ground::Ground;
use super::integer::IntegerForms;
use super::rebuild::Rewriter;
use super::simulate::{Assignment, Block, LANES, Rng, Tape};
use super::*;
use crate::smt::{LOGIC, SessionPrinter, one_shot};
use crate::solver::tests::solvers;
use crate::solver::{Budget, Outcome, SolverPool};
use std::collections::HashMap;
use trinity_codegen::isa::{
    Access, BinOp, CmpOp, Concrete, ConcreteMemory, Domain, FpOp, TermId, TermPool, UnOp, fp,
};

mod division;
mod kept;
mod memory;

const BINARY: [BinOp; 19] = [
    BinOp::Add,
    BinOp::Sub,
    BinOp::Mul,
    BinOp::MulHiU,
    BinOp::MulHiS,
    BinOp::Udiv,
    BinOp::Urem,
    BinOp::Sdiv,
    BinOp::Srem,
    BinOp::And,
    BinOp::Or,
    BinOp::Xor,
    BinOp::Shl,
    BinOp::Lshr,
    BinOp::Ashr,
    BinOp::Rotl,
    BinOp::Rotr,
    BinOp::Pext,
    BinOp::Pdep,
];

fn seed() -> u64 {
    let seed = std::env::var("TRINITY_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |t| t.subsec_nanos().into())
    });
    println!("TRINITY_SEED={seed}");
    seed
}

/// Random terms over variables, each of a width in `widths`; later ones use earlier ones.
fn random_terms(
    pool: &mut TermPool,
    rng: &mut Rng,
    widths: &[u32],
    vars: &[TermId],
    count: usize,
) -> Vec<TermId> {
    let mut terms = vars.to_vec();
    let pick = |rng: &mut Rng, n: usize| rng.draw() as usize % n;
    while terms.len() < count {
        // Recent terms more often, for depth.
        let any = |rng: &mut Rng, terms: &[TermId]| {
            let back = pick(rng, terms.len()).min(pick(rng, terms.len()));
            terms[terms.len() - 1 - back]
        };
        let a = any(rng, &terms);
        let w = pool.term_width(a);
        let same: Vec<TermId> = terms
            .iter()
            .copied()
            .filter(|t| pool.term_width(*t) == w)
            .collect();
        let b = match pick(rng, 3) {
            0 => {
                let v = u128::from(rng.draw() >> pick(rng, 64));
                pool.constant(w, v)
            }
            _ => same[pick(rng, same.len())],
        };
        let other = widths[pick(rng, widths.len())];
        let t = match pick(rng, 12) {
            0..=5 => match BINARY[pick(rng, BINARY.len())] {
                // High halves exist up to 64 bits.
                BinOp::MulHiU | BinOp::MulHiS if w > 64 => continue,
                op => pool.bin(op, &a, &b),
            },
            6 => {
                let op = [UnOp::Not, UnOp::Neg, UnOp::Popcnt, UnOp::Clz, UnOp::Ctz][pick(rng, 5)];
                pool.un(op, &a)
            }
            7 => {
                let op = [CmpOp::Eq, CmpOp::Ult, CmpOp::Slt][pick(rng, 3)];
                let c = pool.cmp(op, &a, &b);
                pool.ite(&c, &b, &a)
            }
            8 => {
                let op = [CmpOp::Eq, CmpOp::Ult, CmpOp::Slt][pick(rng, 3)];
                let c = pool.cmp(op, &a, &b);
                pool.zext(&c, other)
            }
            9 if other > w => pool.zext(&a, other),
            10 if other > w => pool.sext(&a, other),
            10 if w == 16 || w == 32 => pool.un(UnOp::Bswap, &a),
            _ if other < w => {
                let lo = pick(rng, (w - other + 1) as usize) as u32;
                pool.extract(&a, lo, other)
            }
            _ if w + other <= 2 * widths[widths.len() - 1] => {
                let low = pool.extract(&a, 0, w.min(other));
                let t = pool.concat(&b, &low);
                pool.extract(&t, 0, other.min(pool.term_width(t)))
            }
            _ => continue,
        };
        if widths.contains(&pool.term_width(t)) {
            terms.push(t);
        }
    }
    terms
}

/// Every input of two variables of `w` bits.
fn exhaustive(x: TermId, y: TermId, w: u32) -> Vec<Block> {
    let all: Vec<Assignment> = (0..1u128 << (2 * w))
        .map(|i| Assignment {
            variables: [(x, i & ((1 << w) - 1)), (y, i >> w)].into(),
            ..Assignment::default()
        })
        .collect();
    all.chunks(LANES).map(Block::of).collect()
}

/// Terms with one integer form are equal on every input, at small widths: the forms are sound.
#[test]
fn equal_integer_forms_are_equal_words() {
    let mut rng = Rng(seed());
    let (mut merged, mut missed) = (0, 0);
    for round in 0..60 {
        let w = 2 + round % 4;
        let mut pool = TermPool::new();
        let (x, y) = (pool.var("x", w), pool.var("y", w));
        let terms = random_terms(&mut pool, &mut rng, &[1, w, w + 1, 2 * w], &[x, y], 300);
        let tape = Tape::new(&pool, &terms, &[]);
        let blocks = exhaustive(x, y, w);
        let values: Vec<_> = blocks.iter().map(|b| tape.run(&pool, b)).collect();
        let outputs =
            |t: TermId| -> Vec<u128> { values.iter().flat_map(|v| *tape.values(v, t)).collect() };
        for sliced in [false, true] {
            let mut forms = if sliced {
                IntegerForms::sliced(1 << 22)
            } else {
                IntegerForms::new(1 << 22)
            };
            let mut classes: HashMap<(String, u32), TermId> = HashMap::new();
            let mut semantic: HashMap<(Vec<u128>, u32), TermId> = HashMap::new();
            for t in &terms {
                let width = pool.term_width(*t);
                let form = if sliced {
                    let bits: Vec<_> = (0..width).map(|i| forms.bit(&pool, *t, i, 0)).collect();
                    if bits.iter().any(Option::is_none) {
                        continue;
                    }
                    format!("{bits:?}")
                } else {
                    format!("{:?}", forms.form(&pool, *t))
                };
                let first = *classes.entry((form, width)).or_insert(*t);
                assert_eq!(
                    outputs(first),
                    outputs(*t),
                    "{:?} {:?}",
                    pool.node(first),
                    pool.node(*t)
                );
                let equal = *semantic.entry((outputs(*t), width)).or_insert(*t);
                if first != *t {
                    merged += 1;
                } else if equal != *t {
                    missed += 1;
                }
                // Constants are seen as such.
                if let Some((low, high)) = forms.bounds(*t) {
                    for v in outputs(*t) {
                        assert!(
                            low <= v.into() && high >= v.into(),
                            "bounds of {:?}",
                            pool.node(*t)
                        );
                    }
                }
            }
        }
    }
    println!("{merged} terms found equal, {missed} not found");
    assert!(merged > 1000, "{merged}");
}

/// Expansion keeps every value: all operations at all the widths the model uses.
#[test]
fn expansion_keeps_values() {
    let mut rng = Rng(seed());
    for w in [1, 2, 7, 8, 16, 24, 32, 33, 64, 128] {
        let mut pool = TermPool::new();
        let (x, y) = (pool.var("x", w), pool.var("y", w));
        let mut terms: Vec<TermId> = Vec::new();
        for op in BINARY {
            if w > 64 && matches!(op, BinOp::MulHiU | BinOp::MulHiS) {
                continue;
            }
            terms.push(pool.bin(op, &x, &y));
            for k in [1, 3, u128::from(w) - 1] {
                let k = pool.constant(w, k);
                terms.push(pool.bin(op, &x, &k));
                terms.push(pool.bin(op, &k, &x));
            }
            // Divisors that are powers of two, and dividends with leading zeros.
            let nx = pool.un(UnOp::Neg, &x);
            let low = pool.and(&x, &nx);
            terms.push(pool.bin(op, &y, &low));
            let one = pool.constant(w, 1);
            let power = pool.bin(BinOp::Shl, &one, &x);
            terms.push(pool.bin(op, &y, &power));
            if w <= 64 {
                let (wx, wy) = (pool.zext(&x, 2 * w), pool.zext(&y, 2 * w));
                if !matches!(op, BinOp::MulHiU | BinOp::MulHiS) || w <= 32 {
                    terms.push(pool.bin(op, &wx, &wy));
                }
            }
        }
        for op in [UnOp::Not, UnOp::Neg, UnOp::Popcnt, UnOp::Clz, UnOp::Ctz] {
            terms.push(pool.un(op, &x));
        }
        if w % 8 == 0 {
            terms.push(pool.un(UnOp::Bswap, &x));
        }
        let mut rewriter = Rewriter::default();
        expand(&mut pool, &mut rewriter, &terms);
        let expanded: Vec<TermId> = terms.iter().map(|t| rewriter.get(*t)).collect();
        let all: Vec<TermId> = terms.iter().chain(&expanded).copied().collect();
        one_shot_prints(&mut pool, &expanded);
        let tape = Tape::new(&pool, &all, &[]);
        for _ in 0..40 {
            let block = Block::random(&mut rng, &pool, &[x, y], &[]);
            let values = tape.run(&pool, &block);
            for (t, e) in terms.iter().zip(&expanded) {
                assert_eq!(
                    tape.values(&values, *t),
                    tape.values(&values, *e),
                    "{:?} at {w}",
                    pool.node(*t)
                );
            }
        }
    }
}

fn one_shot_prints(pool: &mut TermPool, words: &[TermId]) {
    let mut all = pool.bit(true);
    for t in words {
        let z = pool.is_zero(t);
        all = pool.and(&all, &z);
    }
    one_shot(pool, &[all]).expect("everything was lowered");
}

/// Z3 reads the printed text as the concrete domain computes: with inputs fixed, only the computed outputs are possible.
#[test]
fn printed_text_means_what_is_evaluated() {
    let mut rng = Rng(seed());
    let solvers = solvers();
    for round in 0..20 {
        let w = [3, 4, 8, 13][round % 4];
        let mut pool = TermPool::new();
        let (x, y) = (pool.var("x", w), pool.var("and", w));
        let terms = random_terms(&mut pool, &mut rng, &[1, w, w + 1, 2 * w], &[x, y], 60);
        let mut rewriter = Rewriter::default();
        expand(&mut pool, &mut rewriter, &terms);
        let expanded: Vec<TermId> = terms.iter().map(|t| rewriter.get(*t)).collect();
        let tape = Tape::new(&pool, &terms, &[]);
        let block = Block::random(&mut rng, &pool, &[x, y], &[]);
        let values = tape.run(&pool, &block);
        // Inputs are those of lane 0; some output differs from what was computed.
        let mut holds = Vec::new();
        for v in [x, y] {
            let k = pool.constant(w, tape.values(&values, v)[0]);
            holds.push(pool.eq(&v, &k));
        }
        let mut differs = pool.bit(false);
        for (t, e) in terms.iter().zip(&expanded) {
            let k = pool.constant(pool.term_width(*t), tape.values(&values, *t)[0]);
            let d = super::expand::differ(&mut pool, *e, k);
            differs = pool.bin(BinOp::Or, &differs, &d);
        }
        let none = Cancel::new();
        let mut session = solvers.session(LOGIC).unwrap();
        session.assert(&one_shot(&pool, &holds).unwrap());
        assert!(matches!(
            session
                .check(&Budget::default(), &[], &none)
                .unwrap()
                .outcome,
            Outcome::Sat(_)
        ));
        drop(session);
        holds.push(differs);
        let mut session = solvers.session(LOGIC).unwrap();
        session.assert(&one_shot(&pool, &holds).unwrap());
        assert_eq!(
            session
                .check(&Budget::default(), &[], &none)
                .unwrap()
                .outcome,
            Outcome::Unsat
        );
        drop(session);
        // And the same in a session with names.
        let mut session = solvers.session(LOGIC).unwrap();
        let mut printer = SessionPrinter::new();
        for t in &holds {
            let text = printer.define(&pool, &[*t]).unwrap();
            session.assert(&format!("{text}(assert {})\n", printer.name(&pool, *t)));
        }
        assert_eq!(
            session
                .check(&Budget::default(), &[], &none)
                .unwrap()
                .outcome,
            Outcome::Unsat
        );
    }
}

/// What the quick rungs cannot do, sweeping does: a chain of products by parts, mixed with bits.
#[test]
fn cut_points_merge_what_differs_inside() {
    let mut pool = TermPool::new();
    let (x, y, z) = (pool.var("x", 32), pool.var("y", 32), pool.var("z", 32));
    // (x + y) * z with the sum as (x ^ y) + 2 (x & y), twice, under a mask from a comparison.
    let one = pool.constant(32, 1);
    let chain = |pool: &mut TermPool, plain: bool| {
        let mut t = x;
        for _ in 0..3 {
            let sum = if plain {
                pool.add(&t, &y)
            } else {
                let (a, o) = (pool.and(&t, &y), pool.bin(BinOp::Or, &t, &y));
                pool.add(&a, &o)
            };
            t = pool.bin(BinOp::Mul, &sum, &z);
            let low = pool.cmp(CmpOp::Ult, &t, &y);
            let inc = pool.add(&t, &one);
            t = pool.ite(&low, &inc, &t);
            t = pool.xor(&t, &z);
        }
        t
    };
    let (a, b) = (chain(&mut pool, true), chain(&mut pool, false));
    let r = memory::words(&mut pool, a, b);
    assert_eq!(r.verdict, Verdict::Proven, "{:#?}", r.steps);
}

/// Products as variables by halves: a wide product and its computation by parts differ by adders only.
#[test]
fn half_products_leave_adders() {
    let mut pool = TermPool::new();
    let (x, y) = (pool.var("x", 32), pool.var("y", 32));
    let (wx, wy) = (pool.zext(&x, 64), pool.zext(&y, 64));
    let wide = pool.bin(BinOp::Mul, &wx, &wy);
    let low = pool.constant(64, 0xffff);
    let k = pool.constant(64, 16);
    let part = |pool: &mut TermPool, t: TermId| (pool.and(&t, &low), pool.bin(BinOp::Lshr, &t, &k));
    let ((x0, x1), (y0, y1)) = (part(&mut pool, wx), part(&mut pool, wy));
    let mul = |pool: &mut TermPool, a: TermId, b: TermId, shift: u128| {
        let p = pool.bin(BinOp::Mul, &b, &a);
        let k = pool.constant(64, shift);
        pool.bin(BinOp::Shl, &p, &k)
    };
    let mut sum = mul(&mut pool, x0, y0, 0);
    for (a, b, s) in [(x1, y0, 16), (x0, y1, 16), (x1, y1, 32)] {
        let p = mul(&mut pool, a, b, s);
        sum = pool.add(&sum, &p);
    }
    let differs = super::expand::differ(&mut pool, wide, sum);
    let a = super::abstraction::abstracted(&mut pool, &[differs], Some(16));
    assert_eq!(a.variables, 4);
    let mut holds = a.roots;
    holds.extend(a.constraints);
    let solvers = solvers();
    let mut session = solvers.session(LOGIC).unwrap();
    session.assert(&one_shot(&pool, &holds).unwrap());
    let answer = session
        .check(&Budget::default(), &[], &Cancel::new())
        .unwrap();
    assert_eq!(answer.outcome, Outcome::Unsat);
    assert_eq!(super::abstraction::widest_product(&pool, &[wide]), Some(32));
}

/// Exhaustion agrees with the proofs, and finds the smallest failing input.
#[test]
fn exhaustion_checks_small_functions() {
    let mut pool = TermPool::new();
    let x = pool.var("x", 16);
    let ten = pool.constant(16, 10);
    let left = pool.bin(BinOp::Udiv, &x, &ten);
    let w = pool.zext(&x, 32);
    for (magic, good) in [(0xcccdu128, true), (0xcccc, false)] {
        let m = pool.constant(32, magic);
        let p = pool.bin(BinOp::Mul, &w, &m);
        let k = pool.constant(32, 19);
        let s = pool.bin(BinOp::Lshr, &p, &k);
        let right = pool.extract(&s, 0, 16);
        let q = Query::words(vec![Pair::new("ax", left, right)]);
        let proof = prove(&mut pool, &q, &Limits::default(), &solvers());
        match exhaust(&mut pool, &q, 32, &Cancel::new()) {
            Exhausted::Holds { inputs } => {
                assert!(good && inputs == 1 << 16);
                assert_eq!(proof.verdict, Verdict::Proven);
            }
            Exhausted::Fails(a) => {
                assert!(!good && a.variables[&x] == 10, "{a:?}");
                assert_eq!(proof.verdict, Verdict::Refuted);
            }
            other => panic!("{other:?}"),
        }
    }
    let y = pool.var("y", 32);
    let sum = pool.zext(&x, 32);
    let q = Query::words(vec![Pair::new("ax", sum, y)]);
    assert_eq!(
        exhaust(&mut pool, &q, 32, &Cancel::new()),
        Exhausted::TooLarge { bits: 48 }
    );
}

/// Every decisive query is written, and another solver reads it and agrees; what Z3 may not decide, it proves.
#[test]
fn a_second_solver_agrees_with_the_ladder() {
    let find = |name: &str| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|d| d.join(name))
            .find(|p| p.is_file())
    };
    let Some(path) = ["boolector", "cvc5", "bitwuzla"].into_iter().find_map(find) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no second solver is installed"
        );
        println!("skipped: no second solver is installed");
        return;
    };
    let dir = std::env::temp_dir().join(format!("trinity-ladder-dump-{}", std::process::id()));
    let dump = Dump::new(&dir).unwrap();
    let second = SecondSolver::new(&path);
    let limits = Limits {
        dump: Some(&dump),
        second: Some(&second),
        ..Limits::default()
    };
    // x & -x = x ^ (x & (x - 1)), decided by bit-blasting; and a wrong variant, found by the solver.
    let mut pool = TermPool::new();
    let x = pool.var("x", 32);
    let y = pool.var("y", 32);
    let nx = pool.un(UnOp::Neg, &x);
    let shifted = pool.bin(BinOp::Shl, &nx, &y);
    let left = pool.and(&shifted, &x);
    let not = pool.un(UnOp::Not, &x);
    let less = pool.bin(BinOp::Shl, &not, &y);
    let one = pool.constant(32, 1);
    let bit = pool.bin(BinOp::Shl, &one, &y);
    let sum = pool.add(&less, &bit);
    let right = pool.and(&sum, &x);
    let q = Query::words(vec![Pair::new("eax", left, right)]);
    let r = prove(&mut pool, &q, &limits, &solvers());
    assert_eq!(r.verdict, Verdict::Proven);
    let asked: Vec<&Step> = r.steps.iter().filter(|s| s.file.is_some()).collect();
    assert!(!asked.is_empty());
    for s in asked {
        assert!(s.file.as_ref().is_some_and(|f| f.is_file()));
        let opinion = s.second.as_ref().expect("a second opinion");
        assert_eq!(opinion.verdict, VerdictKind::Proven, "{}", opinion.solver);
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
