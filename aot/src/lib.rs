//! trinityc: the ahead-of-time compiler.
//!
//! ```text
//! cli ─▶ discover (source, search path, literal requires) ─▶ compile (functions in parallel) ─▶ unit (tables) ─▶ image
//!     ─▶ debug (-g) ─▶ write (object or faerie) ─▶ link (cc) ─▶ output
//! ```
//! [`driver::run`] is that line as code.

pub mod asm;
pub mod bench;
pub mod cleanup;
pub mod cli;
pub mod compile;
pub mod debug;
pub mod discover;
pub mod driver;
mod egraph;
pub mod exit;
pub mod explain;
pub mod image;
pub mod link;
pub mod march;
pub mod names;
pub mod output;
pub mod profile;
pub mod source;
pub mod superopt_cli;
pub mod unit;
pub mod verify;
pub mod windows;
pub mod write;
