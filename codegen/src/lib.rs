//! Typed SSA, machine IR, register allocation and x86-64 emission. Knows nothing of Lua.
//!
//! The pipeline is one function, [`fn@compile`]:
//!
//! ```text
//! ir::Function ─verify─▶ (opt) ─▶ lower (selection, folding) ─▶ machine IR ─regalloc2─▶ emit ─▶ relax ─▶ CompiledFunction
//! ```
//!
#![doc = include_str!("../README.md")]

pub mod bisect;
pub mod compile;
mod emit;
pub mod ir;
pub mod isa;
mod mach;
pub mod opt;
mod select;
pub mod window;
pub mod x86;

pub use compile::{
    Algorithm, CompileError, CompiledFunction, Compiler, ION_LIMIT, JumpTable, Kept, Options,
    Place, Reloc, RelocKind, compile,
};
pub use select::SelectOptions;
pub use x86::{Names, emit_gas, listing};
