//! The typed lowering (`-O1` and up): bytecode to the IR with values in registers, by what is known or was seen of their kinds.
//!
//! Tags of registers are inferred over the bytecode ([`facts`]), with what a profile saw where there is one ([`spec`]): a value that was always of
//! one kind is checked by a *guard*, which leaves for the interpreter with exact registers, and is of that kind from then on. What is not
//! known is compiled for all kinds with the helper of the instruction behind. Registers are SSA values; home slots are written before calls and in
//! cold code (`state.rs`). Where control flow meets, registers that differ are block parameters ([`graph`]).

mod access;
mod alloc;
mod append;
mod arith;
pub mod between;
mod cached;
mod call;
pub mod captured;
mod closures;
mod compare;
mod constructor;
mod early;
mod edges;
mod entry;
mod escape;
mod exits;
mod explain;
pub mod facts;
mod field;
mod func;
mod functions;
pub mod graph;
mod growing;
mod hash_part;
mod inline;
mod intrinsics;
mod iterate;
mod library;
mod loops;
mod making;
mod mem;
mod metatables;
pub mod module;
mod names;
mod numeric_loops;
mod objects;
pub mod one_result;
pub(crate) mod operators;
mod quiet;
mod returns;
pub mod seen;
mod settle;
mod several;
mod shapes;
mod simple;
pub mod spec;
mod state;
mod table;
mod table_store;
pub mod tags;
mod unpack;
pub mod versions;
mod waiting;
mod waits;
mod worth;

pub(crate) use entry::forwarder;
pub use explain::Notes;
pub use func::{Lowered, Options, lower};
pub(crate) use waiting::Lists;
pub use waiting::Waits;
