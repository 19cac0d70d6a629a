//! Results of loops that are computed at once (`trinity_codegen::opt`, pass `closed`) are those of the loops, by induction over how often a loop goes round: with
//! `F(t)` the code for the loop that ends after `t` times, `F(0)` is what one iteration makes, and `F(t + 1)` is what one iteration more makes of `F(t)`,
//! for all `t` below `2^64 - 1`: `2h` with `0 <= h < 2^63`, and `2h - 1` with `0 < h < 2^63`. What the code halves, or makes odd, is then `h` or `2h` and a small number, which is proven
//! of the words; the rest are polynomials.

use std::time::Duration;
use trinity_codegen::ir::{Block, Cond, Function, FunctionBuilder, IntCc, PReg, Type, Value};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Node, TermId, TermPool};
use trinity_codegen::opt::{self, OptOptions};
use trinity_superopt::egraph::region::region_terms;
use trinity_superopt::proof::rebuild::Rewriter;
use trinity_superopt::proof::{Limits, Pair, Query, prove};
use trinity_superopt::report::verdict::Verdict;
use trinity_superopt::solver::SolverPool;

/// A loop: where the counter begins, its step, and what an iteration makes of the sum, the counter and a number from outside.
struct Counting {
    name: &'static str,
    first: i64,
    step: i64,
    body: fn(&mut FunctionBuilder, Value, Value, Value) -> Value,
}

const LOOPS: &[Counting] = &[
    Counting {
        name: "sum",
        first: 1,
        step: 1,
        body: |b, s, i, _| b.iadd(s, i),
    },
    Counting {
        name: "sum down by threes",
        first: 100,
        step: -3,
        body: |b, s, i, _| b.isub(s, i),
    },
    Counting {
        name: "multiples",
        first: 0,
        step: 5,
        body: |b, s, i, n| {
            let product = b.imul(i, n);
            let more = b.iadd(s, product);
            b.iadd(more, 7)
        },
    },
    Counting {
        name: "squares",
        first: 1,
        step: 1,
        body: |b, s, i, _| {
            let square = b.imul(i, i);
            b.iadd(s, square)
        },
    },
    Counting {
        name: "products",
        first: -7,
        step: 9,
        body: |b, s, i, n| {
            let beside = b.iadd(i, n);
            let product = b.imul(i, beside);
            b.isub(s, product)
        },
    },
];

impl Counting {
    /// The loop from a sum of 0 to a last value; what the last iteration made.
    fn build(&self, b: &mut FunctionBuilder, last: Value, n: Value) -> Value {
        let (header, next, out) = (b.create_block(), b.create_block(), b.create_block());
        let (s, i) = (
            b.block_param(header, Type::I64),
            b.block_param(header, Type::I64),
        );
        let (zero, first) = (b.iconst(0), b.iconst(self.first));
        b.jump(header, &[zero, first]);
        b.switch_to(header);
        let made = (self.body)(b, s, i, n);
        b.brif(Cond::icmp(IntCc::Eq, i, last), (out, &[]), (next, &[]));
        b.switch_to(next);
        let more = b.iadd(i, self.step as i32);
        b.jump(header, &[made, more]);
        b.switch_to(out);
        made
    }

    /// Two values that are equal: `F(t + 1)`, and what an iteration makes of `F(t)`, with `t` twice the first argument, or one less;
    /// its counter is off by so much.
    fn step(&self, odd: bool, off: i32) -> Function {
        let mut b = self.begin();
        let (half, n) = (b.param(0), b.param(1));
        let mut times = b.iadd(half, half);
        if odd {
            times = b.isub(times, 1);
        }
        let way = b.imul(times, self.step as i32);
        let last = b.iadd(way, self.first as i32);
        let before = self.build(&mut b, last, n);
        let next = b.iadd(last, self.step as i32);
        let after = self.build(&mut b, next, n);
        let counter = b.iadd(next, off);
        let expected = (self.body)(&mut b, before, counter, n);
        b.ret(&[(after, PReg::Rax), (expected, PReg::Rdx)]);
        b.finish()
    }

    /// The same for `F(0)`.
    fn base(&self) -> Function {
        let mut b = self.begin();
        let n = b.param(1);
        let (zero, first) = (b.iconst(0), b.iconst(self.first));
        let made = self.build(&mut b, first, n);
        let expected = (self.body)(&mut b, zero, first, n);
        b.ret(&[(made, PReg::Rax), (expected, PReg::Rdx)]);
        b.finish()
    }

    fn begin(&self) -> FunctionBuilder {
        let params = [(Type::I64, PReg::Rdi), (Type::I64, PReg::Rsi)];
        FunctionBuilder::new(self.name, &params)
    }
}

fn verdict(p: &mut TermPool, a: TermId, b: TermId, when: Vec<TermId>, s: &SolverPool) -> Verdict {
    let mut query = Query::words(vec![Pair::new("result", a, b)]);
    query.precondition = when;
    prove(p, &query, &Limits::within(Duration::from_secs(60)), s).verdict
}

/// What a half of a number, or an odd one beside it, is in terms of `h`, which is from `least` to below 2^63.
fn plain(p: &mut TermPool, t: TermId, h: TermId, least: u128, s: &SolverPool) -> TermId {
    let base = match p.node(t) {
        Node::Bin(BinOp::Lshr, _, by) if p.as_constant(&by) == Some(1) => h,
        Node::Bin(BinOp::Or, _, with) if p.as_constant(&with) == Some(1) => p.add(&h, &h),
        _ => return t,
    };
    let zero = p.constant(64, 0);
    let negative = p.cmp(CmpOp::Slt, &h, &zero);
    let least = p.constant(64, least);
    let below = p.cmp(CmpOp::Ult, &h, &least);
    let range = vec![p.not(&negative), p.not(&below)];
    for off in [-1i64, 0, 1] {
        let off = p.constant(64, off as u64 as u128);
        let candidate = p.add(&base, &off);
        if verdict(p, t, candidate, range.clone(), s) == Verdict::ProvenUnderPrecondition {
            return candidate;
        }
    }
    panic!("neither `h` nor `2h` and a small number")
}

/// The verdict on the two results of a function without its loops, with words for what is halved.
fn equal(f: &mut Function, least: u128, solvers: &SolverPool) -> Verdict {
    let options = OptOptions {
        simplify: true,
        closed: true,
        ..OptOptions::NONE
    };
    let stats = opt::run(f, &options, None);
    assert!(stats.closed > 0 && f.blocks.len() == 1, "{f}");
    let mut results = Vec::new();
    if let Some(t) = &f.blocks[0].term {
        t.for_each_use(|v| results.push(v));
    }
    let region = region_terms(f, Block(0), &results).expect("pure");
    let mut p = region.pool;
    let mut terms: Vec<TermId> = region.outputs.iter().map(|o| o.1).collect();
    let of = |p: &TermPool, v: Value| {
        let at = region.inputs.iter().position(|i| i.0 == v);
        let mut all = p.reachable(&terms).into_iter();
        all.find(|t| matches!(p.node(*t), Node::Var(n) if Some(n as usize) == at))
    };
    if let Some(h) = of(&p, f.blocks[0].params[0]) {
        let mut rewriter = Rewriter::default();
        let roots = terms.clone();
        rewriter.run(&mut p, &roots, &mut |p, _, t| {
            plain(p, t, h, least, solvers)
        });
        terms = roots.into_iter().map(|t| rewriter.get(t)).collect();
    }
    verdict(&mut p, terms[0], terms[1], Vec::new(), solvers)
}

fn solvers() -> SolverPool {
    SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)")
}

#[test]
fn by_induction() {
    let solvers = solvers();
    for l in LOOPS {
        assert_eq!(
            equal(&mut l.base(), 0, &solvers),
            Verdict::Proven,
            "{}",
            l.name
        );
        for (odd, least) in [(false, 0), (true, 1)] {
            let verdict = equal(&mut l.step(odd, 0), least, &solvers);
            assert_eq!(verdict, Verdict::Proven, "{}, odd: {odd}", l.name);
        }
    }
}

/// The proof can fail: another counter's next iteration makes something else.
#[test]
fn another_iteration_is_refuted() {
    let solvers = solvers();
    for l in LOOPS {
        let verdict = equal(&mut l.step(false, 1), 0, &solvers);
        assert_eq!(verdict, Verdict::Refuted, "{}", l.name);
    }
}
