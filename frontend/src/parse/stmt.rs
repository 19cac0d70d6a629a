//! Statements and function bodies.

use super::{Parser, Result};
use crate::ast::{
    Block, Clause, ExprId, ExprKind, GenericFor, Item, LocalId, NumericFor, Span, Stmt,
};
use crate::bytecode::proto::VarKind;
use crate::intern::Sym;
use crate::lex::Tok;

impl Parser<'_> {
    /// The token at hand ends a block; `until` does so without ending its scope.
    pub(super) fn block_follows(&self, with_until: bool) -> bool {
        match self.t.tok {
            Tok::Else | Tok::ElseIf | Tok::End | Tok::Eos => true,
            Tok::Until => with_until,
            _ => false,
        }
    }

    pub(super) fn statements(&mut self, out: &mut Vec<Stmt>) -> Result<()> {
        while !self.block_follows(true) {
            let last = self.t.tok == Tok::Return;
            self.statement(out)?;
            if last {
                break;
            }
        }
        Ok(())
    }

    /// A block with its own scope.
    fn scoped_block(&mut self) -> Result<Block> {
        self.enter_block(false);
        let block = self.open_block()?;
        self.leave_block()?;
        Ok(block)
    }

    /// Statements up to the end of a block whose scope the caller manages.
    fn open_block(&mut self) -> Result<Block> {
        let mut stmts = Vec::new();
        self.statements(&mut stmts)?;
        Ok(Block {
            stmts,
            end_line: self.last_line,
        })
    }

    pub(super) fn statement(&mut self, out: &mut Vec<Stmt>) -> Result<()> {
        let line = self.lex.line;
        self.enter()?;
        match self.t.tok {
            Tok::Char(b';') => self.next()?,
            Tok::If => out.push(self.if_stmt(line)?),
            Tok::While => out.push(self.while_stmt(line)?),
            Tok::Do => {
                self.next()?;
                let body = self.scoped_block()?;
                self.expect_match(Tok::End, Tok::Do, line)?;
                out.push(Stmt::Do(body));
            }
            Tok::For => out.push(self.for_stmt(line)?),
            Tok::Repeat => out.push(self.repeat_stmt(line)?),
            Tok::Function => out.push(self.function_stmt(line)?),
            Tok::Local => {
                self.next()?;
                let stmt = if self.accept(Tok::Function)? {
                    self.local_function()?
                } else {
                    self.local_stmt()?
                };
                out.push(stmt);
            }
            Tok::DbColon => {
                self.next()?;
                let name = self.name()?;
                self.label_stmt(name, line, out)?;
            }
            Tok::Return => {
                self.next()?;
                let line = self.last_line;
                let values = if self.block_follows(true) || self.at(b';') {
                    Span::default()
                } else {
                    self.expr_list()?
                };
                self.accept(Tok::Char(b';'))?;
                out.push(Stmt::Return { values, line });
            }
            Tok::Break => out.push(self.break_stmt()?),
            Tok::Goto => {
                self.next()?;
                out.push(self.goto_stmt()?);
            }
            _ => out.push(self.expr_stmt()?),
        }
        self.leave();
        Ok(())
    }

    fn if_stmt(&mut self, line: u32) -> Result<Stmt> {
        let mut clauses = Vec::new();
        loop {
            self.next()?;
            let cond = self.expr()?;
            self.expect(Tok::Then)?;
            let then_line = self.last_line;
            let body = self.scoped_block()?;
            clauses.push(Clause {
                cond,
                then_line,
                body,
            });
            if self.t.tok != Tok::ElseIf {
                break;
            }
        }
        let otherwise = if self.accept(Tok::Else)? {
            Some(self.scoped_block()?)
        } else {
            None
        };
        self.expect_match(Tok::End, Tok::If, line)?;
        Ok(Stmt::If { clauses, otherwise })
    }

    fn while_stmt(&mut self, line: u32) -> Result<Stmt> {
        self.next()?;
        let cond = self.expr()?;
        self.enter_block(true);
        self.expect(Tok::Do)?;
        let do_line = self.last_line;
        let body = self.scoped_block()?;
        self.expect_match(Tok::End, Tok::While, line)?;
        let end_line = self.last_line;
        self.leave_block()?;
        Ok(Stmt::While {
            cond,
            do_line,
            body,
            end_line,
        })
    }

    fn repeat_stmt(&mut self, line: u32) -> Result<Stmt> {
        self.enter_block(true);
        self.enter_block(false);
        self.next()?;
        let body = self.open_block()?;
        self.expect_match(Tok::Until, Tok::Repeat, line)?;
        let cond = self.expr()?;
        self.leave_block()?;
        self.leave_block()?;
        Ok(Stmt::Repeat { body, cond })
    }

    fn for_stmt(&mut self, line: u32) -> Result<Stmt> {
        self.enter_block(true);
        self.next()?;
        let name = self.name()?;
        let mut stmt = match self.t.tok {
            Tok::Char(b'=') => self.numeric_for(name, line)?,
            Tok::Char(b',') | Tok::In => self.generic_for(name)?,
            _ => return Err(self.error("'=' or 'in' expected")),
        };
        self.expect_match(Tok::End, Tok::For, line)?;
        match &mut stmt {
            Stmt::NumericFor(f) => f.end_line = self.last_line,
            Stmt::GenericFor(f) => f.end_line = self.last_line,
            _ => {}
        }
        self.leave_block()?;
        Ok(stmt)
    }

    fn control_variables(&mut self, count: u32) -> Result<LocalId> {
        let first = LocalId(self.func().locals.len() as u32);
        for _ in 0..count {
            self.declare(self.for_state)?;
        }
        Ok(first)
    }

    /// `do`, then the body with the loop's own variables in scope.
    fn loop_body(&mut self, vars: u32) -> Result<(u32, Block)> {
        self.expect(Tok::Do)?;
        let do_line = self.last_line;
        self.enter_block(false);
        self.activate(vars);
        let body = self.scoped_block()?;
        self.leave_block()?;
        Ok((do_line, body))
    }

    fn numeric_for(&mut self, name: Sym, line: u32) -> Result<Stmt> {
        let first = self.control_variables(3)?;
        self.declare(name)?;
        self.expect(Tok::Char(b'='))?;
        // Exactly two or three expressions; a list parser would accept more.
        let mark = self.item_stack.len();
        self.loop_value()?;
        self.expect(Tok::Char(b','))?;
        self.loop_value()?;
        if self.accept(Tok::Char(b','))? {
            self.loop_value()?;
        }
        let values = self.take_items(mark);
        self.activate(3);
        let (do_line, body) = self.loop_body(1)?;
        Ok(Stmt::NumericFor(Box::new(NumericFor {
            first,
            values,
            line,
            do_line,
            end_line: 0,
            body,
        })))
    }

    /// A value of a numeric loop. Unlike in a list, it is computed before the comma behind it is read.
    fn loop_value(&mut self) -> Result<()> {
        let expr = self.expr()?;
        let item = Item {
            expr,
            sep_line: self.last_line,
            next_pos: self.t.start,
        };
        self.item_stack.push(item);
        Ok(())
    }

    fn generic_for(&mut self, name: Sym) -> Result<Stmt> {
        let first = self.control_variables(4)?;
        self.declare(name)?;
        let mut count = 1;
        while self.accept(Tok::Char(b','))? {
            let name = self.name()?;
            self.declare(name)?;
            count += 1;
        }
        self.expect(Tok::In)?;
        let line = self.lex.line;
        let values = self.expr_list()?;
        self.activate(4);
        let (do_line, body) = self.loop_body(count)?;
        Ok(Stmt::GenericFor(Box::new(GenericFor {
            first,
            count,
            values,
            line,
            do_line,
            end_line: 0,
            body,
        })))
    }

    fn function_stmt(&mut self, line: u32) -> Result<Stmt> {
        self.next()?;
        let name = self.name()?;
        let kind = self.variable(name)?;
        let mut target = self.push(kind);
        while self.at(b'.') {
            target = self.field_select(target)?;
        }
        let is_method = self.at(b':');
        if is_method {
            target = self.field_select(target)?;
        }
        let func = self.func_body(is_method, line)?;
        self.check_writable(self.exprs[target.0 as usize].kind)?;
        Ok(Stmt::Function { target, func, line })
    }

    fn local_function(&mut self) -> Result<Stmt> {
        let name = self.name()?;
        let local = self.declare(name)?;
        self.activate(1);
        let func = self.func_body(false, self.lex.line)?;
        let recursive = self.local(local).captured;
        Ok(Stmt::LocalFunction {
            local,
            func,
            recursive,
        })
    }

    fn attribute(&mut self) -> Result<VarKind> {
        if !self.accept(Tok::Char(b'<'))? {
            return Ok(VarKind::Regular);
        }
        let attr = self.name()?;
        self.expect(Tok::Char(b'>'))?;
        match self.lex.names.get(attr) {
            b"const" => Ok(VarKind::Const),
            b"close" => Ok(VarKind::Close),
            _ => Err(self.semantic("unknown attribute '{}'", attr)),
        }
    }

    fn local_stmt(&mut self) -> Result<Stmt> {
        let first = LocalId(self.func().locals.len() as u32);
        let mut last;
        let mut count = 0;
        let mut has_close = false;
        loop {
            let name = self.name()?;
            last = self.declare(name)?;
            count += 1;
            let kind = self.attribute()?;
            self.local(last).kind = kind;
            if kind == VarKind::Close {
                if has_close {
                    return Err(self
                        .lex
                        .error("multiple to-be-closed variables in local list", None));
                }
                has_close = true;
            }
            if !self.accept(Tok::Char(b','))? {
                break;
            }
        }
        let line = self.last_line;
        let values = if self.accept(Tok::Char(b'='))? {
            self.expr_list()?
        } else {
            Span::default()
        };
        if values.len == count && self.local(last).kind == VarKind::Const {
            let value = self.items[values.range()].last().map(|item| item.expr);
            self.local(last).value = value.and_then(|e| self.const_value(e));
        }
        self.activate(count);
        Ok(Stmt::Local {
            first,
            count,
            values,
            line,
        })
    }

    /// A call or an assignment.
    fn expr_stmt(&mut self) -> Result<Stmt> {
        let first = self.suffixed_expr()?;
        if !self.at(b'=') && !self.at(b',') {
            return match self.exprs[first.0 as usize].kind {
                ExprKind::Call { .. } | ExprKind::Method { .. } => Ok(Stmt::Call(first)),
                _ => Err(self.error("syntax error")),
            };
        }
        let mut targets = vec![first];
        self.check_target(first)?;
        while self.accept(Tok::Char(b','))? {
            let target = self.suffixed_expr()?;
            targets.push(target);
            self.enter()?; // the reference recurses here
            self.check_target(target)?;
        }
        self.expect(Tok::Char(b'='))?;
        let values = self.expr_list()?;
        self.levels -= targets.len() as u32 - 1;
        Ok(Stmt::Assign {
            targets: targets.into_boxed_slice(),
            values,
        })
    }

    /// Only variables and fields can be assigned to.
    fn check_target(&mut self, id: ExprId) -> Result<()> {
        match self.exprs[id.0 as usize].kind {
            kind @ ExprKind::Var { .. } => self.check_writable(kind),
            ExprKind::Global { .. } | ExprKind::Field { .. } | ExprKind::Index { .. } => Ok(()),
            _ => Err(self.error("syntax error")),
        }
    }

    /// `(parameters) body end`
    pub(super) fn func_body(&mut self, is_method: bool, line: u32) -> Result<ExprId> {
        self.open_func(line);
        self.expect(Tok::Char(b'('))?;
        let mut params = 0;
        if is_method {
            self.declare(self.self_name)?;
            self.activate(1);
            params = 1;
        }
        params += self.parameters()?;
        self.func().num_params = params;
        self.expect(Tok::Char(b')'))?;
        let body = self.open_block()?;
        self.func().last_line = self.lex.line;
        self.expect_match(Tok::End, Tok::Function, line)?;
        let id = self.close_func(body)?;
        Ok(self.push(ExprKind::Function(id)))
    }

    fn parameters(&mut self) -> Result<u32> {
        let mut count = 0;
        if self.at(b')') {
            return Ok(0);
        }
        loop {
            match self.t.tok {
                Tok::Name => {
                    let name = self.name()?;
                    self.declare(name)?;
                    count += 1;
                }
                Tok::Dots => {
                    self.next()?;
                    self.func().vararg_line = Some(self.last_line);
                    break;
                }
                _ => return Err(self.error("<name> or '...' expected")),
            }
            if !self.accept(Tok::Char(b','))? {
                break;
            }
        }
        self.activate(count);
        Ok(count)
    }
}
