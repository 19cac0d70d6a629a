//! The emitter: syntax tree to bytecode.
//!
//! Expressions are described before they are computed ([`exp::Exp`]): constants wait to become operands, tests wait as jump
//! lists, and instructions wait for their destination. Locals are read where the reference reads them, which is late: in
//! `x + f()` the addition sees what `f` did to `x`. Captured locals therefore stay descriptions, too, and their `GETCELL` comes
//! right before the instruction that uses the value.
//!
//! Every instruction is emitted on the line the reference would give it; see [`crate::ast`].

mod assign;
mod call;
mod code;
mod exp;
mod expr;
mod ops;
mod scope;
mod stmt;

use std::sync::Arc;

use crate::ast::{Ast, ExprId, FuncId, UpvalFrom};
use crate::bytecode::op::Op;
use crate::bytecode::proto::{Proto, UpvalDesc};
use crate::error::SyntaxError;
use crate::lex::Lexer;
use code::{FuncState, NO_LOCAL_REG};

type Result<T> = std::result::Result<T, SyntaxError>;

struct Emitter<'a> {
    ast: &'a Ast,
    source: &'a [u8],
    chunkname: &'a [u8],
    shared_name: Arc<[u8]>,
    fs: FuncState,
    /// Line after the last token "consumed".
    line: u32,
    /// Offset of a token near the place at hand, for messages.
    near: u32,
    /// Nodes of left spines still to be applied.
    spine: Vec<ExprId>,
}

/// Compiles a parsed chunk. `source` is its text, used in error messages only.
pub fn emit(ast: &Ast, source: &[u8], chunkname: &[u8]) -> Result<Proto> {
    let shared_name: Arc<[u8]> = chunkname.into();
    let main = FuncId(0);
    let fs = func_state(ast, main, &shared_name);
    let mut emitter = Emitter {
        ast,
        source,
        chunkname,
        shared_name,
        fs,
        line: 1,
        near: 0,
        spine: Vec::new(),
    };
    emitter.function_body()?;
    Ok(emitter.fs.proto)
}

/// Instructions that most functions have.
const FEW: usize = 16;

fn func_state(ast: &Ast, id: FuncId, name: &Arc<[u8]>) -> FuncState {
    let func = &ast.funcs[id.0 as usize];
    let proto = Proto {
        source: Some(name.clone()),
        line_defined: func.line,
        last_line_defined: func.last_line,
        num_params: func.num_params as u8,
        is_vararg: func.vararg_line.is_some(),
        max_stack: 2,
        code: Vec::with_capacity(FEW),
        consts: Vec::new(),
        protos: Vec::new(),
        upvals: Vec::new(),
        lines: Vec::with_capacity(FEW),
        loc_vars: Vec::new(),
        num_caches: 0,
    };
    FuncState::new(id, proto, func.locals.len(), func.labels.len())
}

impl<'a> Emitter<'a> {
    fn func(&self) -> &'a crate::ast::Function {
        &self.ast.funcs[self.fs.id.0 as usize]
    }

    /// Emits an inner function and returns its index among the prototypes of the function at hand.
    fn inner_function(&mut self, id: FuncId) -> Result<u32> {
        let inner = func_state(self.ast, id, &self.shared_name);
        let outer = std::mem::replace(&mut self.fs, inner);
        self.function_body()?;
        let mut proto = std::mem::replace(&mut self.fs, outer).proto;
        for (desc, upval) in proto
            .upvals
            .iter_mut()
            .zip(&self.ast.funcs[id.0 as usize].upvals)
        {
            if let UpvalFrom::Local(local) = upval.from {
                desc.index = self.fs.regs[local.0 as usize];
                debug_assert_ne!(
                    desc.index, NO_LOCAL_REG,
                    "captured variables have a register"
                );
            }
        }
        self.fs.proto.protos.push(proto);
        Ok(self.fs.proto.protos.len() as u32 - 1)
    }

    fn function_body(&mut self) -> Result<()> {
        let func = self.func();
        for i in 0..func.num_params {
            self.activate_one(crate::ast::LocalId(i));
        }
        if let Some(line) = func.vararg_line {
            self.line = line;
            self.emit_abcd(Op::VarArgPrep, func.num_params, 0, 0, 0);
        }
        self.reserve(func.num_params)?;
        for i in 0..func.num_params {
            if func.locals[i as usize].captured {
                let pc = self.emit_abcd(Op::NewCell, i, 0, 0, 0);
                self.fs.follow.push(pc);
            }
        }
        self.function_block(&func.body)?;
        self.finish_code();
        self.fs.proto.upvals = self.upval_descs();
        Ok(())
    }

    /// Upvalue descriptors of the function at hand; the enclosing function fills in its registers.
    fn upval_descs(&self) -> Vec<UpvalDesc> {
        let desc = |u: &crate::ast::Upval| UpvalDesc {
            name: Some(self.ast.name(u.name).into()),
            in_stack: matches!(u.from, UpvalFrom::Local(_) | UpvalFrom::Host),
            index: match u.from {
                UpvalFrom::Upval(i) => i,
                UpvalFrom::Local(_) | UpvalFrom::Host => 0,
            },
            kind: u.kind,
        };
        self.func().upvals.iter().map(desc).collect()
    }

    /// Error at the token near the place at hand.
    #[cold]
    fn too_many_registers(&self) -> SyntaxError {
        let end = (self.near as usize).min(self.source.len());
        let mut line = 1;
        let mut rest = &self.source[..end];
        while let Some(n) = rest.iter().position(|&c| matches!(c, b'\n' | b'\r')) {
            let pair = matches!(rest[n..], [b'\r', b'\n', ..] | [b'\n', b'\r', ..]);
            rest = &rest[n + 1 + usize::from(pair)..];
            line += 1;
        }
        let mut lexer = Lexer::resume(self.source, self.chunkname, self.near, line);
        let near = lexer.next_token().map(|t| lexer.token_text(&t)).ok();
        lexer.error(
            "function or expression needs too many registers",
            near.as_deref(),
        )
    }
}
