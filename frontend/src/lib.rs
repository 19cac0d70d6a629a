//! Lua 5.4 front end: lexer, parser, AST, bytecode, verifier, listing, binary chunks.

pub mod bytecode;
