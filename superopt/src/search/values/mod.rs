//! Enumeration of values: every value that few instructions can compute, told apart by what it is on the tests.
//!
//! A *macro* is one instruction, or a few that belong together (compare and set, compare and move, multiply high). Values
//! are built level by level from the inputs; two that agree on all lanes of the first tests are one. The level where a
//! value appears is the number of macros in its tree. The goal is met from both sides: *backward goals* are what a
//! value would have to be so that an invertible operation with a known value gives the goal (meeting on invertible
//! operations). At the last level nothing is stored, only looked up, and short tails of one-operand macros are tried.

mod carries;
mod enumerate;
mod expressions;
mod given;
mod goals;
mod levels;
mod lower;
mod macros;
mod ops;
mod sharing;

pub use enumerate::{Enumeration, Limits, Progress};
pub use levels::Identity;
pub use lower::{Home, lower};
pub use macros::{Macro, MacroSet, argument, related_mnemonics};
pub use ops::value_ops;

use super::cost::{CYCLE, UOP};

/// How a value is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Def {
    /// Input by number.
    Input(u16),
    /// A macro over values.
    Apply {
        /// Index in the macro set.
        m: u16,
        /// Values by argument; unused ones are 0.
        args: [u32; 4],
    },
}

/// An expression over the inputs, shared parts once, the root last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expr {
    /// Operands are indices of earlier nodes.
    pub nodes: Vec<Def>,
}

impl Expr {
    /// Its cost by the model ([`super::cost`]): the time until the root is ready, and the micro-ops.
    pub fn cost(&self, macros: &MacroSet) -> u64 {
        let mut ready: Vec<u64> = Vec::with_capacity(self.nodes.len());
        let mut uops = 0;
        for n in &self.nodes {
            ready.push(match n {
                Def::Input(_) => 0,
                Def::Apply { m, args } => {
                    let mac = &macros.macros[*m as usize];
                    uops += u64::from(mac.uops);
                    let after = |(a, l): (&u32, &u32)| ready[*a as usize] + u64::from(*l);
                    let last = args.iter().zip(&mac.latencies).map(after).max();
                    last.unwrap_or(0).max(mac.latency.into())
                }
            });
        }
        ready.last().map_or(0, |r| r * CYCLE) + uops * UOP
    }
}
