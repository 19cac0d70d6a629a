//! The typed SSA form: blocks with parameters, 64-bit integers and doubles, explicit addresses.
//!
//! One form serves the whole back end, so it stays close to the machine where that removes guesswork
//! (conditions that read memory, fixed registers at calls, pinned registers) and abstract where a register
//! allocator does better than its caller (values, block parameters).

mod builder;
mod cfg;
mod function;
mod inst;
mod parse;
mod parse_inst;
mod print;
mod types;
mod uses;
mod verify;

pub use builder::FunctionBuilder;
pub use cfg::Cfg;
pub use function::{BlockData, Function, InstNode, ValueData, ValueDef};
pub use inst::{
    Addr, Base, BinOp, BlockCall, CallData, CallTarget, Cond, Inst, MemOp, Opnd, OvfOp, Term, UnOp,
    VecOp,
};
pub use parse::{ParseError, parse};
pub use types::{
    Block, Clobbers, FloatCc, InstId, IntCc, LoadKind, PReg, Pinned, Region, Scale, SrcLoc,
    StackSlot, SymbolRef, Type, Value, Width,
};
pub use verify::{VerifyError, verify};
