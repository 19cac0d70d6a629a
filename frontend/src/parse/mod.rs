//! The parser: recursive descent over tokens, with scopes resolved on the way.
//!
//! Names are resolved, and constants folded, while parsing, so that every error is reported at the moment and with the text of
//! the reference, whose compiler is single-pass. What is left for the emitter is only code. The tree exists because a captured
//! variable lives in a cell from its declaration on, and whether it is captured is known only later.
//!
//! Nesting is counted as the reference counts its C stack, which also bounds the recursion here (the parser runs on a 1 MB
//! stack).

mod expr;
mod label;
mod scope;
mod stmt;

use crate::ast::{Ast, Block, Expr, ExprId, ExprKind, Field, FuncId, Function, Item};
use crate::error::SyntaxError;
use crate::intern::Sym;
use crate::lex::{Lexer, Tok, Token, Value};
use label::{ActiveLabel, PendingGoto};
use scope::{ActiveVar, FuncScope};

/// Nesting of statements and expressions, counted together with the C calls of the state that compiles.
pub const MAX_LEVELS: u32 = 200;
/// Local variables of a function.
pub const MAX_LOCALS: usize = 200;
/// Upvalues of a function.
pub const MAX_UPVALUES: usize = 255;

type Result<T> = std::result::Result<T, SyntaxError>;

struct Parser<'s> {
    lex: Lexer<'s>,
    /// The token at hand.
    t: Token,
    /// The token after it, when it had to be looked at.
    ahead: Option<Token>,
    /// Line of the last token consumed.
    last_line: u32,
    levels: u32,
    exprs: Vec<Expr>,
    items: Vec<Item>,
    fields: Vec<Field>,
    /// Finished functions (and placeholders of open ones).
    funcs: Vec<Function>,
    /// Elements of lists still open, innermost last.
    item_stack: Vec<Item>,
    field_stack: Vec<Field>,
    /// Open functions, innermost last.
    scopes: Vec<FuncScope>,
    /// Variables declared and not yet out of scope, of all open functions.
    vars: Vec<ActiveVar>,
    gotos: Vec<PendingGoto>,
    labels: Vec<ActiveLabel>,
    env: Sym,
    self_name: Sym,
    for_state: Sym,
}

/// Parses a chunk. `levels` is the nesting the caller already counts (see [`crate::CompileOptions`]).
pub fn parse(source: &[u8], chunkname: &[u8], levels: u32) -> Result<Ast> {
    let mut lex = Lexer::new(source, chunkname);
    let env = lex.names.intern(b"_ENV");
    let self_name = lex.names.intern(b"self");
    let for_state = lex.names.intern(b"(for state)");
    let mut parser = Parser {
        lex,
        t: Token {
            tok: Tok::Eos,
            value: Value::None,
            start: 0,
            end: 0,
        },
        ahead: None,
        last_line: 1,
        levels,
        exprs: Vec::with_capacity((source.len() / 6).max(16)),
        items: Vec::new(),
        fields: Vec::new(),
        funcs: Vec::new(),
        item_stack: Vec::new(),
        field_stack: Vec::new(),
        scopes: Vec::new(),
        vars: Vec::new(),
        gotos: Vec::new(),
        labels: Vec::new(),
        env,
        self_name,
        for_state,
    };
    parser.main()?;
    let Parser {
        lex,
        exprs,
        items,
        fields,
        funcs,
        ..
    } = parser;
    Ok(Ast {
        names: lex.names,
        env,
        exprs,
        items,
        fields,
        funcs,
    })
}

impl Parser<'_> {
    fn main(&mut self) -> Result<()> {
        self.open_func(0);
        self.func().vararg_line = Some(1);
        self.add_env_upvalue();
        self.next()?;
        let mut body = Block::default();
        self.statements(&mut body.stmts)?;
        self.check(Tok::Eos)?;
        body.end_line = self.last_line;
        self.close_func(body)?;
        Ok(())
    }

    /// Consumes the token at hand.
    #[inline]
    fn next(&mut self) -> Result<()> {
        self.last_line = self.lex.line;
        self.t = match self.ahead.take() {
            Some(token) => token,
            None => self.lex.next_token()?,
        };
        Ok(())
    }

    fn look_ahead(&mut self) -> Result<Tok> {
        let token = self.lex.next_token()?;
        self.ahead = Some(token);
        Ok(token.tok)
    }

    #[inline]
    fn at(&self, c: u8) -> bool {
        self.t.tok == Tok::Char(c)
    }

    #[inline]
    fn accept(&mut self, tok: Tok) -> Result<bool> {
        if self.t.tok == tok {
            self.next()?;
            return Ok(true);
        }
        Ok(false)
    }

    fn check(&self, tok: Tok) -> Result<()> {
        if self.t.tok == tok {
            Ok(())
        } else {
            Err(self.expected(tok))
        }
    }

    fn expect(&mut self, tok: Tok) -> Result<()> {
        self.check(tok)?;
        self.next()
    }

    /// Consumes `what`, which closes the `who` of line `line`.
    fn expect_match(&mut self, what: Tok, who: Tok, line: u32) -> Result<()> {
        if self.t.tok == what {
            return self.next();
        }
        if line == self.lex.line {
            return Err(self.expected(what));
        }
        let mut msg = what.describe();
        msg.extend_from_slice(b" expected (to close ");
        msg.extend_from_slice(&who.describe());
        msg.extend_from_slice(format!(" at line {line})").as_bytes());
        Err(self.error_bytes(&msg))
    }

    fn name(&mut self) -> Result<Sym> {
        match (self.t.tok, self.t.value) {
            (Tok::Name, Value::Sym(sym)) => {
                self.next()?;
                Ok(sym)
            }
            _ => Err(self.expected(Tok::Name)),
        }
    }

    #[cold]
    fn expected(&self, tok: Tok) -> SyntaxError {
        let mut msg = tok.describe();
        msg.extend_from_slice(b" expected");
        self.error_bytes(&msg)
    }

    /// Syntax error near the token at hand.
    #[cold]
    fn error(&self, msg: &str) -> SyntaxError {
        self.error_bytes(msg.as_bytes())
    }

    #[cold]
    fn error_bytes(&self, msg: &[u8]) -> SyntaxError {
        // To the reference, a NUL character looks like no token.
        let near = (self.t.tok != Tok::Char(0)).then(|| self.lex.token_text(&self.t));
        self.lex.error_bytes(msg, near.as_deref())
    }

    /// Semantic error: no token named. `{}` in `msg` stands for `name`.
    #[cold]
    fn semantic(&self, msg: &str, name: Sym) -> SyntaxError {
        let msg = msg.as_bytes();
        let at = msg.windows(2).position(|w| w == b"{}");
        let (before, after) = at.map_or((msg, &b""[..]), |at| (&msg[..at], &msg[at + 2..]));
        let text = [before, self.lex.names.get(name), after].concat();
        self.lex.error_bytes(&text, None)
    }

    /// Counts one more level of nesting; pair with [`Self::leave`].
    fn enter(&mut self) -> Result<()> {
        self.levels += 1;
        if self.levels >= MAX_LEVELS {
            return Err(SyntaxError {
                message: b"C stack overflow".to_vec(),
                line: 0,
            });
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.levels -= 1;
    }

    /// Adds an expression that ends with the token last consumed.
    #[inline]
    fn push(&mut self, kind: ExprKind) -> ExprId {
        let id = ExprId(self.exprs.len() as u32);
        self.exprs.push(Expr {
            kind,
            line: self.last_line,
        });
        id
    }

    fn open_func(&mut self, line: u32) {
        let id = FuncId(self.funcs.len() as u32);
        self.funcs.push(Function::default());
        let func = Function {
            line,
            ..Function::default()
        };
        self.scopes.push(FuncScope {
            id,
            func,
            first_var: self.vars.len(),
            first_label: self.labels.len(),
            active: 0,
            blocks: Vec::new(),
        });
        self.enter_block(false);
    }

    fn close_func(&mut self, body: Block) -> Result<FuncId> {
        self.leave_block()?;
        let Some(scope) = self.scopes.pop() else {
            unreachable!("functions are closed in the order they were opened")
        };
        self.vars.truncate(scope.first_var);
        self.funcs[scope.id.0 as usize] = Function { body, ..scope.func };
        Ok(scope.id)
    }
}
