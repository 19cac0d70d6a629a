//! The Lua 5.4 runtime: objects, collector, interpreter, standard library.
