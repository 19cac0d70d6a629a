//! Terms with operators, and the proofs of equality the tests ask for.

use std::time::{Duration, Instant};
use trinity_codegen::isa::domain::CmpOp;
use trinity_codegen::isa::{BinOp, Domain, TermId, TermPool, UnOp};
use trinity_superopt::proof::{Limits, Pair, ProofResult, Query, prove};
use trinity_superopt::report::verdict::Verdict;
use trinity_superopt::solver::SolverPool;

pub fn solvers() -> SolverPool {
    SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)")
}

/// Terms with operators.
pub struct B {
    pub p: TermPool,
}

#[allow(clippy::should_implement_trait)]
impl B {
    pub fn new() -> B {
        B { p: TermPool::new() }
    }
    pub fn var(&mut self, name: &str, w: u32) -> TermId {
        self.p.var(name, w)
    }
    pub fn k(&mut self, like: TermId, v: u128) -> TermId {
        let w = self.p.term_width(like);
        self.p.constant(w, v)
    }
    pub fn op(&mut self, op: BinOp, a: TermId, b: TermId) -> TermId {
        self.p.bin(op, &a, &b)
    }
    pub fn add(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Add, a, b)
    }
    pub fn sub(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Sub, a, b)
    }
    pub fn mul(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Mul, a, b)
    }
    pub fn and(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::And, a, b)
    }
    pub fn or(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Or, a, b)
    }
    pub fn xor(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Xor, a, b)
    }
    pub fn shl(&mut self, a: TermId, n: u32) -> TermId {
        let k = self.k(a, n.into());
        self.op(BinOp::Shl, a, k)
    }
    pub fn shr(&mut self, a: TermId, n: u32) -> TermId {
        let k = self.k(a, n.into());
        self.op(BinOp::Lshr, a, k)
    }
    pub fn sar(&mut self, a: TermId, n: u32) -> TermId {
        let k = self.k(a, n.into());
        self.op(BinOp::Ashr, a, k)
    }
    pub fn neg(&mut self, a: TermId) -> TermId {
        self.p.un(UnOp::Neg, &a)
    }
    pub fn un(&mut self, op: UnOp, a: TermId) -> TermId {
        self.p.un(op, &a)
    }
    pub fn mask(&mut self, a: TermId, m: u128) -> TermId {
        let k = self.k(a, m);
        self.and(a, k)
    }
    /// The bit `a < b` as a word like `b`: after `a = b + c`, the carry of that sum.
    pub fn carry(&mut self, a: TermId, b: TermId) -> TermId {
        let less = self.p.cmp(CmpOp::Ult, &a, &b);
        let w = self.p.term_width(b);
        self.p.zext(&less, w)
    }
    /// `high` and the carry of `sum`, of which `part` is an operand.
    pub fn add_carry(&mut self, high: TermId, sum: TermId, part: TermId) -> TermId {
        let carry = self.carry(sum, part);
        self.add(high, carry)
    }
    pub fn prove(&mut self, q: &Query, limits: &Limits<'_>, solvers: &SolverPool) -> ProofResult {
        let start = Instant::now();
        let r = prove(&mut self.p, q, limits, solvers);
        println!(
            "  {} in {:.3} s, {} tests",
            r.verdict,
            start.elapsed().as_secs_f64(),
            r.tests
        );
        for s in &r.steps {
            println!(
                "    {:12} {:10} {:.3} s rlimit {} {} {}",
                s.rung,
                s.verdict,
                s.time.as_secs_f64(),
                s.rlimit,
                s.goal,
                s.why
            );
        }
        r
    }
}

/// Proves two words equal.
#[track_caller]
pub fn equal(name: &str, b: &mut B, left: TermId, right: TermId) {
    equal_where(name, b, left, right, Vec::new());
}

/// The same where a precondition holds.
#[track_caller]
pub fn equal_where(name: &str, b: &mut B, left: TermId, right: TermId, precondition: Vec<TermId>) {
    words(
        name,
        b,
        vec![Pair::new("result", left, right)],
        precondition,
    );
}

/// Several words.
#[track_caller]
pub fn words(name: &str, b: &mut B, pairs: Vec<Pair>, precondition: Vec<TermId>) {
    println!("{name}");
    let mut q = Query::words(pairs);
    let expected = if precondition.is_empty() {
        Verdict::Proven
    } else {
        Verdict::ProvenUnderPrecondition
    };
    q.precondition = precondition;
    let r = b.prove(&q, &Limits::within(Duration::from_secs(20)), &solvers());
    assert_eq!(r.verdict, expected, "{name}");
}

pub fn nonzero(b: &mut B, x: TermId) -> TermId {
    let z = b.p.is_zero(&x);
    b.p.not(&z)
}
