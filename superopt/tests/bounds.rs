//! How many low bits of a result can be set (`codegen/src/opt/narrow.rs`), proven for every integer operation and all lengths of its operands: for
//! all operands of these lengths the result has no bit beyond the bound that follows.

use trinity_codegen::ir::{
    BinOp, Block, Function, FunctionBuilder, OvfOp, PReg, Type, UnOp, Value,
};
use trinity_codegen::isa::{Domain, TermId, TermPool};
use trinity_codegen::opt::region::Facts;
use trinity_superopt::egraph::region::region_terms;
use trinity_superopt::proof::{Limits, Pair, Query, prove};
use trinity_superopt::report::verdict::Verdict;
use trinity_superopt::solver::SolverPool;

/// A number of so many low bits.
fn short(b: &mut FunctionBuilder, x: Value, n: u32) -> Value {
    match n {
        64 => x,
        0 => b.iconst(0),
        _ => {
            let mask = b.iconst((u64::MAX >> (64 - n)) as i64);
            b.binary(BinOp::And, x, mask)
        }
    }
}

/// One bit: none of these results has a bit beyond its bound. How many are bounded, and whether the pool has it.
fn within(f: &Function, results: &[(Value, Value)]) -> Option<(TermPool, TermId)> {
    let bits = Facts::of(f).bits;
    // The bound of one, of what has the value of the other.
    let bounded = results.iter().filter(|r| bits[r.0.index()] < 64);
    let bounded: Vec<(Value, u32)> = bounded.map(|r| (r.1, bits[r.0.index()].into())).collect();
    if bounded.is_empty() {
        return None;
    }
    let asked: Vec<Value> = bounded.iter().map(|b| b.0).collect();
    let region = region_terms(f, Block(0), &asked).expect("pure");
    let mut pool = region.pool;
    let mut beyond = pool.constant(64, 0);
    for ((_, n), (_, t, _)) in bounded.iter().zip(&region.outputs) {
        let high = pool.extract(t, *n, 64 - n);
        let high = pool.zext(&high, 64);
        beyond = pool.or(&beyond, &high);
    }
    Some((pool, beyond))
}

/// Makes results, of which the first of each pair is bounded, and the second has its value.
type Make<'a> = dyn FnMut(&mut FunctionBuilder, Value, Value) -> Vec<(Value, Value)> + 'a;

struct Prover {
    solvers: SolverPool,
    asked: u32,
    open: Vec<String>,
}

impl Prover {
    fn new() -> Prover {
        Prover {
            solvers: SolverPool::located()
                .expect("build trinity-solver first (cargo build -p trinity-solver)"),
            asked: 0,
            open: Vec::new(),
        }
    }

    /// A function of two words, built by `make`; each pair of results is what has a bound, and what has its value.
    fn check(&mut self, what: &str, make: &mut Make) {
        let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi), (Type::I64, PReg::Rsi)]);
        let (x, y) = (b.param(0), b.param(1));
        let results = make(&mut b, x, y);
        b.ret(&[]);
        let Some((mut pool, beyond)) = within(&b.finish(), &results) else {
            return;
        };
        self.asked += 1;
        let zero = pool.constant(64, 0);
        let query = Query::words(vec![Pair::new("beyond", zero, beyond)]);
        let limits = Limits {
            tests: 256,
            ..Limits::deterministic(3_000_000, 1)
        };
        let result = prove(&mut pool, &query, &limits, &self.solvers);
        if result.verdict != Verdict::Proven {
            self.open.push(format!("{what}: {:?}", result.verdict));
        }
    }
}

fn integer() -> Vec<BinOp> {
    let all = BinOp::ALL.iter().copied();
    all.filter(|op| op.ty() == Type::I64).collect()
}

/// Products and quotients are left to [`products_and_quotients`].
fn hard(op: BinOp) -> bool {
    use BinOp::{Imul, Sdiv, Sfloor, Smod, Smulh, Srem};
    matches!(op, Imul | Smulh | Sdiv | Srem | Sfloor | Smod)
}

#[test]
fn bounds_of_operations() {
    let mut p = Prover::new();
    for op in integer().into_iter().filter(|op| !hard(*op)) {
        for n in 0..=64 {
            // By a word of any length, or a constant (also counts).
            p.check(&format!("{op:?} of {n} bits"), &mut |b, x, y| {
                let x = short(b, x, n);
                let mut out: Vec<Value> = (0..=64)
                    .map(|m| {
                        let y = short(b, y, m);
                        b.binary(op, x, y)
                    })
                    .collect();
                out.extend((-1..64).map(|k| b.binary(op, x, k)));
                out.into_iter().map(|v| (v, v)).collect()
            });
        }
    }
    for op in UnOp::ALL
        .iter()
        .filter(|op| op.types() == (Type::I64, Type::I64))
    {
        p.check(&format!("{op:?}"), &mut |b, x, _| {
            let one = |n| {
                let x = short(b, x, n);
                let v = b.unary(*op, x);
                (v, v)
            };
            (0..=64).map(one).collect()
        });
    }
    for (op, plain) in [(OvfOp::Add, BinOp::Iadd), (OvfOp::Sub, BinOp::Isub)] {
        for n in 0..=64 {
            p.check(&format!("checked {op:?} of {n} bits"), &mut |b, x, y| {
                let x = short(b, x, n);
                let one = |m| {
                    let y = short(b, y, m);
                    (b.overflow_op(op, x, y), b.binary(plain, x, y))
                };
                (0..=64).map(one).collect()
            });
        }
    }
    assert!(p.open.is_empty(), "{}", p.open.join("\n"));
    println!("{} questions", p.asked);
}

/// A product grows with its operands, so the largest of each length tell. Of what is not negative, a quotient and a remainder are not larger than what is
/// divided, and a remainder is less than what it is divided by.
#[test]
fn products_and_quotients() {
    let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi), (Type::I64, PReg::Rsi)]);
    let (x, y) = (b.param(0), b.param(1));
    let mut products = Vec::new();
    for (n, m) in (0..=64).flat_map(|n| (0..=64).map(move |m| (n, m))) {
        let (s, t) = (short(&mut b, x, n), short(&mut b, y, m));
        let checked = b.overflow_op(OvfOp::Mul, s, t);
        products.push((n, m, b.imul(s, t)));
        products.push((n, m, checked));
    }
    let mut divided = Vec::new();
    for (n, m) in (0..=64).flat_map(|n| (0..=64).map(move |m| (n, m))) {
        let (s, t) = (short(&mut b, x, n), short(&mut b, y, m));
        divided.push((n, m, b.sdiv(s, t), b.srem(s, t)));
    }
    b.ret(&[]);
    let f = b.finish();
    let bits = Facts::of(&f).bits;
    let most = |n: u32| (1u128 << n) - 1;
    for (n, m, v) in products {
        let bound = u32::from(bits[v.index()]);
        assert!(bound == 64 || most(n) * most(m) <= most(bound), "{n} {m}");
    }
    for (n, m, q, r) in divided {
        // Of 64 bits an operand may be negative; a remainder has the sign of what is divided, whatever the divisor's is.
        let (q, r) = (u32::from(bits[q.index()]), u32::from(bits[r.index()]));
        assert!(q == 64 || n < 64 && m < 64 && q >= n, "{n} {m}");
        assert!(r == 64 || n < 64 && (r >= n || m < 64 && r >= m), "{n} {m}");
    }
}

/// A remainder of floor division is from 0 to its positive divisor, exclusive, and not larger than what is divided, if that is not negative; a quotient of what
/// is not negative grows with it, so the largest of each length tells.
#[test]
fn floor_divisions() {
    let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi)]);
    let x = b.param(0);
    let edges = (1..63).flat_map(|n| [(1i64 << n) - 1, 1 << n, (1 << n) + 1]);
    let divisors: Vec<i64> = (1..1000).chain(edges).chain([i64::MAX]).collect();
    let mut divided = Vec::new();
    for (&d, n) in divisors.iter().flat_map(|d| (0..=64).map(move |n| (d, n))) {
        let (s, k) = (short(&mut b, x, n), b.iconst(d));
        divided.push((n, d as u128, b.sfloor(s, k), b.smod(s, k)));
    }
    b.ret(&[]);
    let f = b.finish();
    let bits = Facts::of(&f).bits;
    let most = |n: u32| (1u128 << n) - 1;
    for (n, d, q, r) in divided {
        let (q, r) = (u32::from(bits[q.index()]), u32::from(bits[r.index()]));
        assert!(q == 64 || n < 64 && most(n) / d <= most(q), "{n} {d}");
        let largest = if n < 64 { most(n).min(d - 1) } else { d - 1 };
        assert!(largest <= most(r), "{n} {d}");
    }
}
