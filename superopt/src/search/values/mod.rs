//! Enumeration of values: every value that few instructions can compute, told apart by what it is on the tests.
//!
//! A *macro* is one instruction, or a few that belong together (compare and set, compare and move, multiply high). Values
//! are built level by level from the inputs; two that agree on all lanes of the first tests are one. The level where a
//! value appears is the number of macros in its tree. The goal is met from both sides: *backward goals* are what a
//! value would have to be so that an invertible operation with a known value gives the goal (meeting on invertible
//! operations). At the last level nothing is stored, only looked up, and short tails of one-operand macros are tried.

mod enumerate;
mod lower;
mod macros;
mod ops;

pub use enumerate::{Enumeration, Identity, Limits, Progress};
pub use lower::{Home, lower};
pub use macros::{Macro, MacroSet, related_mnemonics};
pub use ops::value_ops;

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
