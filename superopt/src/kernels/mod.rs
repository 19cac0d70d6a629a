//! Kernels with their specifications: Hacker's Delight p01 to p25, at 32 and 64 bits.
//!
//! Every kernel has a formula (what the code computes, on every input) and a specification written another way (what
//! it is meant to compute, on the inputs it is meant for). That the formula meets the specification is proven before
//! the kernel counts. Searches look for the formula, under its own precondition where it has one.

pub mod arrays;
mod hd;
pub mod sources;
pub mod wide;
pub mod word;

pub use hd::{Formula, HACKERS_DELIGHT, Kernel, Specification};

use crate::search::loc;
use crate::search::opset::March;
use crate::search::target::{Port, Target, caller_saved};
use std::cell::RefCell;
use trinity_codegen::isa::{Domain, TermId, TermPool};
use word::Word;

/// The kernel of a name (`p01` to `p25`).
pub fn find(name: &str) -> Option<&'static Kernel> {
    HACKERS_DELIGHT.iter().find(|k| k.name == name)
}

/// Argument registers in order: rdi, rsi, rdx, rcx.
const ARGUMENTS: [loc::Loc; 4] = [7, 6, 2, 1];

impl Kernel {
    /// The search target: arguments in edi, esi, edx, ecx (rdi.. at 64 bits), the result in eax (rax), for all inputs on
    /// which the formula has a value.
    pub fn target(&self, width: u32, march: March) -> Target {
        self.target_on(width, march, &[self.precondition])
    }

    /// As [`target`](Self::target), for the inputs that the kernel is meant for. Texts that compute other things
    /// elsewhere have a common ground in it.
    pub fn meant_target(&self, width: u32, march: March) -> Target {
        self.target_on(width, march, &[self.precondition, self.domain])
    }

    fn target_on(&self, width: u32, march: March, on: &[Formula]) -> Target {
        let pool = RefCell::new(TermPool::new());
        let input_terms: Vec<TermId> = (0..self.arguments)
            .map(|i| pool.borrow_mut().var(["rdi", "rsi", "rdx", "rcx"][i], 64))
            .collect();
        let x: Vec<Word> = input_terms
            .iter()
            .map(|t| Word::new(&pool, *t).bits(0, width))
            .collect();
        let out = (self.formula)(&x).term();
        let bits = on.iter().map(|bit| bit(&x));
        let precondition = bits.reduce(|a, b| a & b).unwrap_or(x[0].always()).term();
        let mut pool = pool.into_inner();
        let fault = pool.bit(false);
        Target {
            name: format!("{}-{width}", self.name),
            inputs: (0..self.arguments)
                .map(|i| Port {
                    at: ARGUMENTS[i],
                    width,
                })
                .collect(),
            outputs: vec![Port { at: 0, width }],
            scratch: caller_saved(),
            pool,
            input_terms,
            output_terms: vec![out],
            precondition,
            fault,
            baseline: None,
            march,
            memory: None,
        }
    }

    /// The formula over words of a pool.
    pub fn formula_of(&self, pool: &mut TermPool, arguments: &[TermId]) -> TermId {
        over(pool, arguments, self.formula)
    }

    /// The precondition over words of a pool: one bit.
    pub fn precondition_of(&self, pool: &mut TermPool, arguments: &[TermId]) -> TermId {
        over(pool, arguments, self.precondition)
    }

    /// The claim that the formula meets the specification: a pool, the variables, a premise (one bit) and a conclusion
    /// (one bit) that must hold for all values of the variables under the premise.
    pub fn claim(&self, width: u32) -> Claim {
        let pool = RefCell::new(TermPool::new());
        let x: Vec<Word> = (0..self.arguments)
            .map(|i| pool.borrow_mut().var(["x", "y", "z", "v"][i], width))
            .map(|t| Word::new(&pool, t))
            .collect();
        let out = (self.formula)(&x);
        let own = (self.precondition)(&x);
        let premise = (own & (self.domain)(&x)).term();
        let conclusion = match self.specification {
            Specification::Equals(meant) => out.equals(meant(&x)),
            Specification::Holds(bit) => bit(&x, out),
        }
        .term();
        let pool = pool.into_inner();
        Claim {
            pool,
            premise,
            conclusion,
        }
    }
}

/// A formula over words of a pool that others hold.
fn over(
    pool: &mut TermPool,
    arguments: &[TermId],
    f: for<'p> fn(&[Word<'p>]) -> Word<'p>,
) -> TermId {
    let cell = RefCell::new(std::mem::take(pool));
    let x: Vec<Word> = arguments.iter().map(|t| Word::new(&cell, *t)).collect();
    let out = f(&x).term();
    *pool = cell.into_inner();
    out
}

/// Something to prove: under `premise`, `conclusion`.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Where the terms live.
    pub pool: TermPool,
    /// One bit.
    pub premise: TermId,
    /// One bit.
    pub conclusion: TermId,
}
