//! The Lua 5.4 runtime: objects, collector, interpreter, standard library.
//!
//! Order of dependence: `value`, `object` → `string`, `table`, `heap` → `thread`, `state`, `call`, `interp` → `api` → `lib`.

pub mod api;
pub mod error;
pub mod object;
pub mod proto;
pub mod state;
pub mod thread;
pub mod value;
