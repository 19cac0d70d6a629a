//! Register bytecode: the opcode table, instruction words, and function prototypes.
//!
//! One table ([`op`]) drives the listing, the verifier, the binary form, liveness, the interpreter and the lowering to SSA.

pub mod constructor;
pub mod dump;
pub mod effects;
pub mod instr;
pub mod listing;
pub mod liveness;
pub mod names;
pub mod op;
pub mod proto;
pub mod regset;
pub mod undump;
pub mod verify;

pub use dump::dump;
pub use instr::Instr;
pub use liveness::Liveness;
pub use op::{Event, Op, OpInfo};
pub use proto::{Const, LocVar, Proto, UpvalDesc};
pub use regset::RegSet;
pub use undump::{LoadError, undump, undump_own};
pub use verify::{VerifyError, verify};
