//! Typed SSA, machine IR, register allocation and x86-64 emission. Knows nothing of Lua.
//!
//! The pipeline is one function, [`compile`]:
//!
//! ```text
//! ir::Function ─verify─▶ lower (selection, folding) ─▶ machine IR ─regalloc2─▶ emit ─▶ relax ─▶ CompiledFunction
//! ```
//!
//! `README.md` beside this crate holds a short tour of the interface.

pub mod compile;
mod emit;
pub mod ir;
mod mach;
mod select;
pub mod x86;

pub use compile::{
    Algorithm, CompileError, CompiledFunction, Compiler, JumpTable, Options, Reloc, RelocKind,
    compile,
};
pub use x86::{Names, emit_gas, listing};
