//! The bridge between Rust and machine code: entry trampoline, stubs, native stacks, unit tables, exits.
//!
//! `stack` — segmented native stacks; `entry` — calls into machine code and the stubs machine code calls; `helpers` — the Rust side of
//! the helper table; `leaf` — small questions that cost no registers; `direct` — library functions that machine code calls directly; `units` —
//! registered code and its safe points; `walk` — machine frames seen from Rust; `waiting` — their values on the native stack; `exit` — leaving machine code; `assume` — giving up code whose
//! assumptions the debug library broke.

pub mod assume;
pub mod direct;
pub mod entry;
pub mod exit;
pub mod helpers;
pub mod leaf;
pub mod module;
pub mod stack;
pub mod units;
pub mod waiting;
pub mod walk;
