//! Register bytecode: the opcode table, instruction words, and function prototypes.
//!
//! One table ([`op`]) drives the listing, the verifier, the binary form, liveness, the interpreter and the lowering to SSA.

pub mod instr;
pub mod listing;
pub mod op;
pub mod proto;

pub use instr::Instr;
pub use op::{Event, Op, OpInfo};
pub use proto::{Const, LocVar, Proto, UpvalDesc};
