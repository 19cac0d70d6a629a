//! The model of x86-64 that searches and proofs rest on: what each instruction does to registers, flags and memory.
//!
//! Each instruction's meaning is written once, in [`exec`], generic over a [`Domain`] of words. The domains are
//! [`Concrete`] values, [`TermPool`] terms (which are evaluated over many test cases at once, and printed as SMT-LIB),
//! and known bits. Instructions are `iced_x86::Instruction`, their forms iced's `Code`.
//!
//! Words are 1 to 128 bits wide; operations mean what SMT-LIB's bit-vectors mean (a shift by the width or more gives
//! zero or signs, division by zero all ones). What the processor does otherwise is said by the instruction.

pub mod concrete;
pub mod cost;
pub mod domain;
pub mod exec;
pub mod forms;
pub mod fp;
pub mod known_bits;
pub mod machine;
pub mod processor;
pub mod show;
pub mod term;

pub use concrete::{Bits, Concrete, ConcreteMemory};
pub use domain::{BinOp, CmpOp, Domain, FpOp, UnOp};
pub use exec::{Unsupported, execute};
pub use known_bits::{Known, KnownBits};
pub use machine::{Access, Fault, FaultKind, Flag, Machine};
pub use processor::March;
pub use term::{Node, TermId, TermPool};

/// The instruction type of the model.
pub use iced_x86::Instruction;
