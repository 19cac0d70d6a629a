//! The Lua 5.4 runtime: objects, collector, interpreter, standard library.
//!
//! Order of dependence: `value`, `object` → `string`, `table`, `heap` → `thread`, `state`, `call`, `interp` → `api` → `lib`.

// References to collected objects are raw pointers by design (the collector owns them, docs/abi.md section 2); library functions take and pass
// them on under the rules in `api`, so marking every one of them `unsafe` would say nothing.
#![allow(clippy::not_unsafe_ptr_arg_deref)]
// rustc asks for the explicit borrow of a place behind a raw pointer (dangerous_implicit_autorefs) that clippy calls needless.
#![allow(clippy::needless_borrow)]

pub mod api;
pub mod arith;
pub mod auxlib;
pub mod bytes;
pub mod call;
pub mod cli;
pub mod close;
pub mod closure;
pub mod concat;
pub mod coroutine;
#[cfg(feature = "coverage")]
pub mod coverage;
pub mod debug;
pub mod emergency;
pub mod error;
pub mod frames;
pub mod heap;
pub mod interp;
// The folder is named as Lua names it; the path keeps it apart from this file.
#[path = "lib/mod.rs"]
pub mod lib;
pub mod load;
pub mod meta;
pub mod native;
pub mod numfmt;
pub mod object;
mod observe;
pub mod poll;
pub mod proto;
pub mod raise;
pub mod stack;
pub mod state;
pub mod string;
pub mod table;
pub mod thread;
pub mod userdata;
pub mod value;
pub mod warn;
