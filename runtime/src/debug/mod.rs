//! What is known about running functions: names of variables and functions, positions, tracebacks, hooks.
//!
//! Nothing here runs Lua, but hooks do. The library on top is `lib::debug`.

pub mod frame;
pub mod hook;
pub mod info;
pub mod traceback;
pub mod varinfo;
