//! Division by constants (`trinity_codegen::opt::divide`) is floor division, for all dividends: the code is that of a lemma, whose conditions on multiplier and shift
//! are checked exactly. Small divisors, powers of two and what is beside them, extreme ones, and some that a seed draws (`TRINITY_SEED`).
//!
//! The lemma (Granlund and Montgomery, 1994): let `m d = 2^p + e` with `0 < e < 2^(p-63)` and `m < 2^64`, and `x` a signed word of 64 bits. Then
//! `x m / 2^p = x / d + x e / (d 2^p)`. For `x >= 0` the second part is at least 0 and less than `1 / d`, since `x e < 2^p`: the floor of the sum is that of `x / d`.
//! For `x < 0` it is less than 0 and more than `-1 / d`, since `|x| e < 2^p`: the floor is `ceil(x / d) - 1`. So with `q = floor(x m / 2^p)` and `r = x - q d`, either
//! `r = d`, and `d` divides `x`, with `q + 1` and 0; or `q` and `r` are quotient and remainder rounded to minus infinity.
//! `floor(x m / 2^64)` is the signed high half of `x m`, or, for `m >= 2^63`, that of `x (m - 2^64)` and `x` more; it fits a word, as `m < 2^64`.

use trinity_codegen::ir::{BinOp as B, Block, Function, FunctionBuilder, Inst, Opnd, PReg, Type};
use trinity_codegen::isa::{BinOp, Domain, Node, TermId, TermPool};
use trinity_codegen::opt::{OptStats, divide};
use trinity_superopt::egraph::region::region_terms;

fn divisors() -> Vec<i64> {
    let mut all: Vec<i64> = (1..=4096).collect();
    for n in 2..63 {
        let d = 1i64 << n;
        all.extend([d - 1, d, d + 1]);
    }
    all.extend([
        86400,
        1_000_003,
        1_000_000_007,
        i64::MAX / 2,
        i64::MAX - 1,
        i64::MAX,
    ]);
    all.extend((1..19).map(|n| 10i64.pow(n)));
    let seed = std::env::var("TRINITY_SEED").ok();
    let mut state: u64 = seed.and_then(|s| s.parse().ok()).unwrap_or(1);
    println!("TRINITY_SEED={state}");
    for _ in 0..4096 {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        all.push(((state >> 1 >> ((state >> 7) % 62)) as i64).max(3));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Multiplier and shift of the code; `None` where it has no product.
fn constants(f: &Function) -> Option<(u64, u32)> {
    let list = || f.blocks[0].insts.iter().map(|id| &f.insts[id.index()].inst);
    let multiplier = list().find_map(|i| match *i {
        Inst::Binary {
            op: B::Smulh,
            b: Opnd::Value(m),
            ..
        } => f.as_iconst(m),
        _ => None,
    })?;
    let shift = list().find_map(|i| match *i {
        Inst::Binary { op: B::Sar, b, .. } => f.opnd_const(b),
        _ => None,
    })?;
    Some((multiplier as u64, u32::try_from(shift).ok()?))
}

/// What the lemma is about.
fn expected(p: &mut TermPool, op: B, x: TermId, d: u64, m: u64, shift: u32) -> TermId {
    let k = p.constant(64, d.into());
    let multiplier = p.constant(64, m.into());
    let mut high = p.bin(BinOp::MulHiS, &x, &multiplier);
    if m >> 63 == 1 {
        high = p.add(&high, &x);
    }
    let n = p.constant(64, shift.into());
    let q = p.bin(BinOp::Ashr, &high, &n);
    let product = p.bin(BinOp::Mul, &q, &k);
    let r = p.sub(&x, &product);
    let exact = p.eq(&r, &k);
    match op {
        B::Smod => {
            let zero = p.constant(64, 0);
            p.ite(&exact, &zero, &r)
        }
        _ => {
            let one = p.constant(64, 1);
            let next = p.add(&q, &one);
            p.ite(&exact, &next, &q)
        }
    }
}

#[test]
fn constants_divide() {
    let mut products = 0;
    for (d, op) in divisors()
        .into_iter()
        .flat_map(|d| [(d, B::Sfloor), (d, B::Smod)])
    {
        let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi)]);
        let x = b.param(0);
        let divisor = b.iconst(d);
        let v = b.binary(op, x, divisor);
        b.ret(&[(v, PReg::Rax)]);
        let mut f = b.finish();
        divide::run(&mut f, &mut OptStats::default());
        let mut v = v;
        if let Some(t) = &f.blocks[0].term {
            t.for_each_use(|result| v = result);
        }
        if v == x {
            assert!(d == 1 && op == B::Sfloor);
            continue;
        }
        let region = region_terms(&f, Block(0), &[v]).expect("pure");
        let (mut p, term) = (region.pool, region.outputs[0].1);
        let word = p.reachable(&[term]).into_iter();
        let word = word.filter(|t| matches!(p.node(*t), Node::Var(_)));
        let word: Vec<TermId> = word.collect();
        let d = d as u64;
        if d == 1 {
            assert_eq!(p.as_constant(&term), Some(0));
            continue;
        }
        let [x] = word[..] else { panic!("{op:?} {d}") };
        // By a power of two: that is what the operations mean.
        let Some((m, shift)) = constants(&f) else {
            assert!(d.is_power_of_two(), "{op:?} {d}");
            let (op, k) = match op {
                B::Smod => (BinOp::And, d - 1),
                _ => (BinOp::Ashr, d.trailing_zeros().into()),
            };
            let k = p.constant(64, k.into());
            assert_eq!(term, p.bin(op, &x, &k), "{d}");
            continue;
        };
        products += 1;
        assert_eq!(term, expected(&mut p, op, x, d, m, shift), "{op:?} {d}");
        let power = 64 + shift;
        assert!(power < 127);
        // Less than 2^127.
        let e = (u128::from(m) * u128::from(d)).checked_sub(1 << power);
        let e = e.unwrap_or_else(|| panic!("{d}: the multiplier is too small"));
        assert!(0 < e && e < 1 << (power - 63), "{d}");
    }
    assert!(products > 15_000, "{products}");
}
