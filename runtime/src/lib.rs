//! The Lua 5.4 runtime: objects, collector, interpreter, standard library.
//!
//! Order of dependence: `value`, `object` → `string`, `table`, `heap` → `thread`, `state`, `call`, `interp` → `api` → `lib`.

pub mod api;
pub mod arith;
pub mod auxlib;
pub mod call;
pub mod cli;
pub mod close;
pub mod closure;
pub mod coroutine;
pub mod debug;
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
