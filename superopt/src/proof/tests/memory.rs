//! Memories and floating point.

use super::*;

/// Grounded loads and stores agree with the concrete memory, aliasing or not.
#[test]
fn grounded_memory_agrees_with_the_concrete_one() {
    let mut rng = Rng(seed());
    for _ in 0..200 {
        let mut pool = TermPool::new();
        let (p, q) = (pool.var("p", 64), pool.var("q", 64));
        let m0 = pool.memory();
        let mut m = m0;
        let mut loads = Vec::new();
        let mut script = Vec::new();
        for i in 0..6 {
            let base = if rng.draw().is_multiple_of(2) { p } else { q };
            let off = pool.constant(64, u128::from(rng.draw() % 12));
            let addr = pool.add(&base, &off);
            let bytes = [1, 2, 4, 8][rng.draw() as usize % 4];
            if rng.draw().is_multiple_of(2) {
                let v = match loads.last() {
                    Some(v) if pool.term_width(*v) == 8 * bytes => *v,
                    _ => pool.constant(8 * bytes, u128::from(rng.draw())),
                };
                pool.store(&mut m, &addr, &v);
                script.push((addr, bytes, Some(v)));
            } else {
                let v = pool.load(&m, &addr, bytes);
                loads.push(v);
                script.push((addr, bytes, None));
            }
            let _ = i;
        }
        let probe = pool.load(&m, &p, 8);
        loads.push(probe);
        let mut ground = Ground::new();
        ground.run(&mut pool, &loads);
        let grounded: Vec<TermId> = loads.iter().map(|t| ground.get(*t)).collect();
        let tape = Tape::new(&pool, &grounded, ground.variables());
        let base = 0x1000u64;
        let mut bytes: Vec<u8> = Vec::new();
        bytes.resize_with(64, || rng.draw() as u8);
        let pv = base + rng.draw() % 16;
        let qv = base + rng.draw() % 16;
        let mut input = Assignment::default();
        input
            .variables
            .extend([(p, u128::from(pv)), (q, u128::from(qv))]);
        input.memory.extend(
            bytes
                .iter()
                .enumerate()
                .map(|(i, b)| ((0, base + i as u64), *b)),
        );
        let values = tape.run(&pool, &Block::of(&[input]));
        let memory = ConcreteMemory {
            regions: vec![trinity_codegen::isa::concrete::ConcreteRegion {
                base,
                bytes,
                writable: true,
            }],
        };
        let expected = pool.eval(
            &loads,
            &mut Concrete,
            &mut |d, v, var| d.constant(var.width, if v == 0 { pv.into() } else { qv.into() }),
            &mut |_, _| memory.clone(),
        );
        for (g, e) in grounded.iter().zip(expected) {
            assert_eq!(tape.values(&values, *g)[0], e.value, "{script:?}");
        }
    }
}

/// Floating-point comparisons as bit operations agree with the operations.
#[test]
fn comparisons_of_floats_are_exact() {
    let mut rng = Rng(seed());
    for w in [32u32, 64] {
        let mut pool = TermPool::new();
        let (x, y) = (pool.var("x", w), pool.var("y", w));
        let ops = [
            FpOp::Eq,
            FpOp::Lt,
            FpOp::Le,
            FpOp::Unord,
            FpOp::Min,
            FpOp::Max,
            FpOp::Add,
            FpOp::Sqrt,
        ];
        let terms: Vec<TermId> = ops
            .iter()
            .map(|op| pool.fp(*op, &[x, y][..if *op == FpOp::Sqrt { 1 } else { 2 }]))
            .collect();
        let mut ground = Ground::new();
        ground.run(&mut pool, &terms);
        let grounded: Vec<TermId> = terms.iter().map(|t| ground.get(*t)).collect();
        let tape = Tape::new(&pool, &grounded, ground.variables());
        let special: Vec<u128> = simulate::float_constants(w).collect();
        for _ in 0..100 {
            let block = Block::random(&mut rng, &pool, &[x, y], &special);
            let values = tape.run(&pool, &block);
            for (op, g) in ops.iter().zip(&grounded) {
                for lane in 0..LANES {
                    let (a, b) = (
                        tape.values(&values, x)[lane] as u64,
                        tape.values(&values, y)[lane] as u64,
                    );
                    let e = fp::eval(*op, w, [a, b, 0]);
                    assert_eq!(
                        tape.values(&values, *g)[lane],
                        e.into(),
                        "{op:?} {a:#x} {b:#x}"
                    );
                }
            }
        }
    }
}

pub(super) fn words(pool: &mut TermPool, left: TermId, right: TermId) -> ProofResult {
    let q = Query::words(vec![Pair::new("out", left, right)]);
    prove(pool, &q, &Limits::default(), &solvers())
}

/// The sum of two doubles in either order: the same for numbers, not for two NaNs.
#[test]
fn commuted_addition_differs_on_nans_only() {
    let mut pool = TermPool::new();
    let (x, y) = (pool.var("x", 64), pool.var("y", 64));
    let (a, b) = (pool.fp(FpOp::Add, &[x, y]), pool.fp(FpOp::Add, &[y, x]));
    let r = words(&mut pool, a, b);
    assert_eq!(r.verdict, Verdict::Refuted);
    let c = r.counterexample.unwrap();
    for v in [x, y] {
        assert!(f64::from_bits(c.variables[&v] as u64).is_nan());
    }
    // The same sums of equal words are one.
    let k = pool.constant(64, 1);
    let (x1, y1) = (pool.add(&x, &k), pool.add(&y, &k));
    let nx = pool.un(UnOp::Not, &x);
    let x2 = pool.un(UnOp::Neg, &nx);
    let (a, b) = (pool.fp(FpOp::Mul, &[x1, y1]), pool.fp(FpOp::Mul, &[x2, y1]));
    assert_eq!(words(&mut pool, a, b).verdict, Verdict::Proven);
}

/// A store through one pointer and a load through another: equal only where they do not meet.
#[test]
fn aliasing_is_found_and_precluded() {
    let mut pool = TermPool::new();
    let (p, q, v) = (pool.var("p", 64), pool.var("q", 64), pool.var("v", 32));
    let m = pool.memory();
    let before = pool.load(&m, &q, 4);
    let mut m2 = m;
    pool.store(&mut m2, &p, &v);
    let after = pool.load(&m2, &q, 4);
    let mut query = Query::words(vec![Pair::new("eax", before, after)]);
    let r = prove(&mut pool, &query, &Limits::default(), &solvers());
    assert_eq!(r.verdict, Verdict::Refuted);
    let c = r.counterexample.unwrap();
    let distance = (c.variables[&p] as u64).wrapping_sub(c.variables[&q] as u64) as i64;
    assert!(distance.abs() < 4, "{c:?}");
    // Apart by at least four bytes both ways.
    let three = pool.constant(64, 3);
    for (a, b) in [(p, q), (q, p)] {
        let d = pool.sub(&a, &b);
        query.precondition.push(pool.cmp(CmpOp::Ult, &three, &d));
    }
    let r = prove(&mut pool, &query, &Limits::default(), &solvers());
    assert_eq!(r.verdict, Verdict::ProvenUnderPrecondition);
}

/// Two stores that do not overlap may be exchanged; two that may overlap may not.
#[test]
fn final_memories_are_compared() {
    let mut pool = TermPool::new();
    let (p, q, v, u) = (
        pool.var("p", 64),
        pool.var("q", 64),
        pool.var("v", 32),
        pool.var("u", 32),
    );
    let four = pool.constant(64, 4);
    let p4 = pool.add(&p, &four);
    let m = pool.memory();
    let stores = |pool: &mut TermPool, order: [(TermId, TermId); 2]| {
        let mut m = m;
        let mut accesses = Vec::new();
        for (a, v) in order {
            pool.store(&mut m, &a, &v);
            accesses.push(Access {
                addr: a,
                bytes: 4,
                write: true,
            });
        }
        Effects {
            memories: vec![m],
            accesses,
            ..Effects::default()
        }
    };
    let mut query = Query::words(Vec::new());
    query.left = stores(&mut pool, [(p, v), (p4, u)]);
    query.right = stores(&mut pool, [(p4, u), (p, v)]);
    assert_eq!(
        prove(&mut pool, &query, &Limits::default(), &solvers()).verdict,
        Verdict::Proven
    );
    query.left = stores(&mut pool, [(p, v), (q, u)]);
    query.right = stores(&mut pool, [(q, u), (p, v)]);
    let r = prove(&mut pool, &query, &Limits::default(), &solvers());
    assert_eq!(r.verdict, Verdict::Refuted);
    assert!(r.failing.iter().any(|n| n.starts_with("memory 0")));
    // One store of eight bytes for two of four: fine; the other way round it is torn.
    let both = pool.concat(&u, &v);
    let mut wide = m;
    pool.store(&mut wide, &p, &both);
    query.claim = Claim::Refinement;
    query.left = stores(&mut pool, [(p, v), (p4, u)]);
    query.right = Effects {
        memories: vec![wide],
        accesses: vec![Access {
            addr: p,
            bytes: 8,
            write: true,
        }],
        ..Effects::default()
    };
    assert_eq!(
        prove(&mut pool, &query, &Limits::default(), &solvers()).verdict,
        Verdict::Proven
    );
    std::mem::swap(&mut query.left, &mut query.right);
    let r = prove(&mut pool, &query, &Limits::default(), &solvers());
    assert_eq!(
        (r.verdict, r.failing),
        (Verdict::Refuted, vec!["right store 0 whole".to_string()])
    );
    // A load of a byte that the old code does not touch.
    query.left = stores(&mut pool, [(p, v), (p4, u)]);
    query.right = stores(&mut pool, [(p, v), (p4, u)]);
    query.right.accesses.push(Access {
        addr: p4,
        bytes: 8,
        write: false,
    });
    let r = prove(&mut pool, &query, &Limits::default(), &solvers());
    assert_eq!(
        (r.verdict, r.failing),
        (Verdict::Refuted, vec!["right access 2".to_string()])
    );
}

/// Facts of a precondition let loads step over stores exactly as far as they reach.
#[test]
fn what_is_kept_apart_is_stepped_over() {
    use super::super::apart::Apart;
    let mut pool = TermPool::new();
    let (p, q) = (pool.var("p", 64), pool.var("q", 64));
    let at = |pool: &mut TermPool, base: TermId, k: u64| {
        let k = pool.constant(64, k.into());
        pool.add(&base, &k)
    };
    let outside = |pool: &mut TermPool, a: TermId, b: TermId, n: u128| {
        let d = pool.sub(&a, &b);
        let n = pool.constant(64, n);
        let inside = pool.cmp(CmpOp::Ult, &d, &n);
        pool.not(&inside)
    };
    // 16 bytes at p and 8 bytes at q + 4.
    let q4 = at(&mut pool, q, 4);
    let one = outside(&mut pool, q4, p, 16);
    let two = outside(&mut pool, p, q4, 8);
    let both = pool.and(&one, &two);
    let apart = Apart::of(&mut pool, &[both]);
    let half = Apart::of(&mut pool, &[one]);
    let mut rng = Rng(seed());
    let (mut known, mut unknown) = (0, 0);
    for _ in 0..2000 {
        let (i, j) = (rng.draw() % 24, rng.draw() % 24);
        let (n, m) = (1 + rng.draw() % 8, 1 + rng.draw() % 8);
        let (a, b) = (at(&mut pool, p, i), at(&mut pool, q, j));
        let expected = i + n <= 16 && j >= 4 && j + m <= 12;
        assert_eq!(
            apart.holds(&mut pool, (a, n), (b, m)),
            expected,
            "{i} {n} {j} {m}"
        );
        assert_eq!(
            apart.holds(&mut pool, (b, m), (a, n)),
            expected,
            "{i} {n} {j} {m}"
        );
        assert!(!half.holds(&mut pool, (a, n), (b, m)));
        if expected {
            known += 1;
        } else {
            unknown += 1;
        }
    }
    assert!(known > 50 && unknown > 50);
    // A load after a store elsewhere: equal at once, and not one byte further.
    for (k, verdict) in [
        (12, VerdictKind::ProvenUnderPrecondition),
        (13, VerdictKind::Refuted),
    ] {
        let m = pool.memory();
        let source = at(&mut pool, q, 4);
        let before = pool.load(&m, &source, 4);
        let mut stored = m;
        let (to, v) = (at(&mut pool, p, k), pool.var(&format!("v{k}"), 32));
        pool.store(&mut stored, &to, &v);
        let after = pool.load(&stored, &source, 4);
        let mut query = Query::words(vec![Pair::new("eax", before, after)]);
        query.precondition.push(both);
        let r = prove(&mut pool, &query, &Limits::default(), &solvers());
        assert_eq!(r.verdict.kind(), verdict, "{k}");
    }
}
