//! Code run on the processor itself, to check the model and to replay counterexamples.
//!
//! The problem: bytes that a search made up may read any address, loop for ever, divide by zero or enter the kernel,
//! and the answer is wanted for thousands of start states, not for one. So the code runs in a forked child that can do
//! nothing but compute: memory is the caller's regions with guard pages around them, a seccomp filter leaves it
//! `rt_sigreturn` and `exit`, limits bound its CPU time, and it dies with its parent. Results come back through memory
//! shared with the parent, so a fault in one state costs one signal and the batch goes on.
//!
//! Invariants:
//! - every register the model knows is set before a state runs and read after it: sixteen general registers (the stack
//!   pointer too), the six arithmetic flags with DF clear, sixteen `ymm` registers, every byte of every region; MXCSR is
//!   the reset value (round to nearest, no flush to zero, exceptions masked);
//! - a state that faults is reported as the fault the processor raised, at the instruction that raised it;
//! - code the processor lacks, and code that would leave the given bytes, is refused by name before it runs;
//! - the child is a copy of a process that may have had many threads: it calls system calls only, never the allocator.
//!
//! Memory protection is by the page: an access outside a region but on one of its pages does not fault. A region that
//! must be exact at an end puts that end on a page boundary.
//!
//! [`Runner`] is the whole interface; `child` is what happens after the fork, `trampoline` the few instructions that
//! enter and leave the code under test, `cpu` the features of this processor.

mod child;
pub mod cpu;
mod error;
pub mod forms;
mod runner;
mod state;
mod trampoline;

pub use error::NativeError;
pub use runner::{CODE_BASE, Limits, Runner};
pub use state::{ARITHMETIC_FLAGS, Fault, FaultKind, Outcome, Region, State};

#[cfg(test)]
mod tests;
