//! x86-64: the instruction table, the encoder, the assembler with jump relaxation, and listings.
//!
//! [`table`] is the one place where an instruction is declared: mnemonic, operand forms and encodings. Everything
//! that walks machine code works on [`Inst`], whose registers are physical.

pub mod asm;
pub mod encode;
pub mod inst;
pub mod listing;
pub mod table;
#[cfg(test)]
mod table_tests;

pub use inst::{Cc, Inst, Mem, MemBase, Opnd, RipTarget};
pub use listing::{Names, emit_gas, listing};
pub use table::Op;
