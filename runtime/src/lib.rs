//! The Lua 5.4 runtime: objects, collector, interpreter, standard library.
//!
//! Order of dependence: `value`, `object` → `string`, `table`, `heap` → `thread`, `state`, `call`, `interp` → `api` → `lib`.

pub mod api;
pub mod closure;
pub mod error;
pub mod heap;
pub mod object;
pub mod proto;
pub mod state;
pub mod string;
pub mod table;
pub mod thread;
pub mod userdata;
pub mod value;
