//! Lua 5.4 front end: lexer, parser, AST, bytecode, verifier, listing, binary chunks.
//!
//! ```
//! let proto = trinity_frontend::compile(b"return 1 + 2", b"=example")?;
//! assert_eq!(proto.code.len(), 4); // VARARGPREP, LOADI, RETURN1, RETURN0
//! let error = trinity_frontend::compile(b"x =", b"=example").unwrap_err();
//! assert_eq!(error.text(), "example:1: unexpected symbol near <eof>");
//! # Ok::<(), trinity_frontend::SyntaxError>(())
//! ```

mod arith;
pub mod ast;
pub mod bytecode;
mod emit;
mod error;
pub mod hash;
mod index;
pub mod intern;
pub mod lex;
pub mod number;
mod parse;

pub use bytecode::Proto;
pub use error::{SyntaxError, chunk_id};
pub use lex::skip_shebang;
pub use parse::{MAX_LEVELS, MAX_LOCALS, MAX_UPVALUES};

/// What the caller of the compiler may tell it.
#[derive(Clone, Copy, Debug)]
pub struct CompileOptions {
    /// C levels the state already uses when it compiles; nesting counts on from there and fails at [`MAX_LEVELS`]. In the
    /// reference it is 1 for a script given to the interpreter, 2 for `load` called by that script, and one more for each
    /// `pcall`, metamethod or coroutine between.
    pub levels: u32,
}

impl Default for CompileOptions {
    fn default() -> Self {
        CompileOptions { levels: 1 }
    }
}

/// Compiles source text. `chunkname` is as given to `load`: `@file`, `=name`, or the text itself.
pub fn compile(source: &[u8], chunkname: &[u8]) -> Result<Proto, SyntaxError> {
    compile_with(source, chunkname, CompileOptions::default())
}

/// Compiles source text with options.
pub fn compile_with(
    source: &[u8],
    chunkname: &[u8],
    options: CompileOptions,
) -> Result<Proto, SyntaxError> {
    let ast = parse::parse(source, chunkname, options.levels)?;
    emit(&ast, source, chunkname)
}

/// Parses source text, resolving names.
pub fn parse(source: &[u8], chunkname: &[u8]) -> Result<ast::Ast, SyntaxError> {
    parse::parse(source, chunkname, CompileOptions::default().levels)
}

/// Compiles a parsed chunk; `source` is its text.
pub fn emit(ast: &ast::Ast, source: &[u8], chunkname: &[u8]) -> Result<Proto, SyntaxError> {
    emit::emit(ast, source, chunkname)
}
