//! Kernels with their specifications: Hacker's Delight p01 to p25, at 32 and 64 bits.
//!
//! Every kernel has a formula (what the code computes, on every input) and a specification written another way (what
//! it is meant to compute, on the inputs it is meant for). That the formula meets the specification is proven before
//! the kernel counts. Searches look for the formula, under its own precondition where it has one.

pub mod arrays;
mod hd;
pub mod sources;
pub mod wide;

pub use hd::{HACKERS_DELIGHT, Kernel};

use crate::search::loc;
use crate::search::opset::March;
use crate::search::target::{Port, Target, caller_saved};
use trinity_codegen::isa::{Domain, TermId, TermPool};

/// The kernel of a name (`p01` to `p25`).
pub fn find(name: &str) -> Option<&'static Kernel> {
    HACKERS_DELIGHT.iter().find(|k| k.name == name)
}

/// Argument registers in order: rdi, rsi, rdx, rcx.
const ARGUMENTS: [loc::Loc; 4] = [7, 6, 2, 1];

impl Kernel {
    /// The search target: arguments in edi, esi, edx, ecx (rdi.. at 64 bits), the result in eax (rax).
    pub fn target(&self, width: u32, march: March) -> Target {
        let mut pool = TermPool::new();
        let input_terms: Vec<TermId> = (0..self.arguments)
            .map(|i| pool.var(["rdi", "rsi", "rdx", "rcx"][i], 64))
            .collect();
        let x: Vec<TermId> = input_terms.iter().map(|t| pool.trunc(t, width)).collect();
        let out = (self.formula)(&mut pool, &x, width);
        let precondition = (self.precondition)(&mut pool, &x, width);
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

    /// The claim that the formula meets the specification: a pool, the variables, a premise (one bit) and a conclusion
    /// (one bit) that must hold for all values of the variables under the premise.
    pub fn claim(&self, width: u32) -> Claim {
        let mut pool = TermPool::new();
        let x: Vec<TermId> = (0..self.arguments)
            .map(|i| pool.var(["x", "y", "z", "v"][i], width))
            .collect();
        let out = (self.formula)(&mut pool, &x, width);
        let own = (self.precondition)(&mut pool, &x, width);
        let meant = (self.domain)(&mut pool, &x, width);
        let premise = pool.and(&own, &meant);
        let conclusion = (self.specification)(&mut pool, &x, out, width);
        Claim {
            pool,
            premise,
            conclusion,
        }
    }
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
