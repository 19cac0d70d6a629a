//! Statements.

use super::code::NO_JUMP;
use super::exp::{Exp, Kind};
use super::{Emitter, Result};
use crate::ast::{Block, Clause, ExprId, GenericFor, LocalId, NumericFor, Span, Stmt};
use crate::bytecode::op::Op;
use crate::bytecode::proto::VarKind;

impl Emitter<'_> {
    pub(super) fn statements(&mut self, stmts: &[Stmt]) -> Result<()> {
        for stmt in stmts {
            self.statement(stmt)?;
            self.fs.free_reg = self.fs.var_regs;
        }
        Ok(())
    }

    fn statement(&mut self, stmt: &Stmt) -> Result<()> {
        match stmt {
            Stmt::Call(call) => {
                let e = self.expr(*call)?;
                self.set_results(&e, Some(0))
            }
            Stmt::Assign { targets, values } => self.assignment(targets, *values),
            Stmt::Local {
                first,
                count,
                values,
                line,
            } => self.local(*first, *count, *values, *line),
            Stmt::LocalFunction {
                local,
                func,
                recursive,
            } => self.local_function(*local, *func, *recursive),
            Stmt::Function { target, func, line } => {
                let place = self.expr(*target)?;
                let mut value = self.expr(*func)?;
                self.store(&place, &mut value)?;
                self.fix_line(*line);
                Ok(())
            }
            Stmt::Do(body) => self.block(body),
            Stmt::While {
                cond,
                do_line,
                body,
                end_line,
            } => self.while_loop(*cond, *do_line, body, *end_line),
            Stmt::Repeat { body, cond } => self.repeat_loop(body, *cond),
            Stmt::If { clauses, otherwise } => self.if_stmt(clauses, otherwise.as_ref()),
            Stmt::NumericFor(f) => self.numeric_for(f),
            Stmt::GenericFor(f) => self.generic_for(f),
            Stmt::Return { values, line } => self.return_stmt(*values, *line),
            Stmt::Break { line } => {
                self.line = *line;
                self.break_loop();
                Ok(())
            }
            Stmt::Goto { index, line } => {
                self.line = *line;
                self.goto(*index);
                Ok(())
            }
            Stmt::Label(id) => {
                if !self.func().labels[id.0 as usize].at_end {
                    self.place_label(*id);
                }
                Ok(())
            }
        }
    }

    fn local(&mut self, first: LocalId, count: u32, values: Span, line: u32) -> Result<()> {
        self.line = line;
        let last = LocalId(first.0 + count - 1);
        let given = values.len;
        let value = self.expr_list(values)?;
        if self.func().locals[last.0 as usize].value.is_some() {
            self.activate(first, count - 1);
            self.activate_constant(last);
        } else {
            self.adjust(count, given, value)?;
            self.activate(first, count);
        }
        for id in first.0..first.0 + count {
            if self.func().locals[id as usize].kind == VarKind::Close {
                let reg = u32::from(self.fs.regs[id as usize]);
                self.emit_abcd(Op::Tbc, reg, 0, 0, 0);
                self.fs.tbc.push(reg);
            }
        }
        Ok(())
    }

    fn local_function(&mut self, local: LocalId, func: ExprId, recursive: bool) -> Result<()> {
        let reg = self.fs.free_reg;
        if recursive {
            // The cell exists before the function that uses it. All of it happens on the function's last line.
            self.line = self.ast.expr(func).line;
            self.reserve(1)?;
            self.load_nil(reg, 1);
            self.new_cell(reg);
            self.activate_one(local);
            let mut value = self.expr(func)?;
            self.store(&Kind::Cell(reg).into(), &mut value)?;
        } else {
            self.activate_one(local);
            self.expr(func)?;
            if self.func().locals[local.0 as usize].captured {
                self.new_cell(reg);
            }
        }
        self.restart_record(local);
        Ok(())
    }

    /// Goes on when the condition holds; gives the list of jumps for when it does not.
    fn condition(&mut self, cond: ExprId) -> Result<u32> {
        let mut e = self.expr(cond)?;
        self.exit_if_false(&mut e)
    }

    fn exit_if_false(&mut self, e: &mut Exp) -> Result<u32> {
        if matches!(e.kind, Kind::Nil | Kind::False) && !e.has_jumps() {
            return Ok(self.jump());
        }
        self.go_if_true(e)?;
        Ok(e.f)
    }

    fn while_loop(
        &mut self,
        cond: ExprId,
        do_line: u32,
        body: &Block,
        end_line: u32,
    ) -> Result<()> {
        let start = self.here();
        let exit = self.condition(cond)?;
        self.enter_loop();
        self.line = do_line;
        self.block(body)?;
        let back = self.jump();
        self.patch(back, start);
        self.line = end_line;
        self.leave_loop();
        self.patch_here(exit);
        Ok(())
    }

    fn repeat_loop(&mut self, body: &Block, cond: ExprId) -> Result<()> {
        let start = self.here();
        self.enter_loop();
        let outside = self.fs.active.len();
        let level = self.fs.var_regs;
        self.statements(&body.stmts)?;
        self.line = body.end_line;
        let mut again = self.condition(cond)?;
        if self.fs.needs_close(level) {
            // Both ways out of the scope close its variables.
            self.close_level(level);
            let exit = self.jump();
            self.patch_here(again);
            self.close_level(level);
            again = self.jump();
            self.patch_here(exit);
        }
        self.end_scope(outside);
        self.patch(again, start);
        self.leave_loop();
        Ok(())
    }

    fn if_stmt(&mut self, clauses: &[Clause], otherwise: Option<&Block>) -> Result<()> {
        let mut escapes = NO_JUMP;
        for (i, clause) in clauses.iter().enumerate() {
            let mut cond = self.expr(clause.cond)?;
            self.line = clause.then_line;
            if self.conditional_jump(&mut cond, &clause.body)? {
                continue;
            }
            let skip = self.exit_if_false(&mut cond)?;
            self.block(&clause.body)?;
            if i + 1 < clauses.len() || otherwise.is_some() {
                let jump = self.jump();
                escapes = self.concat(jump, escapes);
            }
            self.patch_here(skip);
        }
        if let Some(block) = otherwise {
            self.block(block)?;
        }
        self.patch_here(escapes);
        Ok(())
    }

    /// `if cond then break end` and `... goto label end` become one jump when nothing has to be closed.
    fn conditional_jump(&mut self, cond: &mut Exp, body: &Block) -> Result<bool> {
        match body.stmts[..] {
            [Stmt::Break { .. }] if self.plain_break() => {
                self.go_if_false(cond)?;
                self.jumps_to_break(cond.t);
                Ok(true)
            }
            [Stmt::Goto { index, .. }] => {
                let (id, level) = self.goto_level(index);
                if self.fs.needs_close(level) {
                    return Ok(false);
                }
                self.go_if_false(cond)?;
                self.jumps_to_label(id, cond.t);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn numeric_for(&mut self, f: &NumericFor) -> Result<()> {
        self.enter_loop();
        let outside = self.fs.active.len();
        let base = self.fs.free_reg;
        if let Some(mut last) = self.expr_list(f.values)? {
            self.put_next(&mut last)?;
        }
        if f.values.len == 2 {
            self.load_int(self.fs.free_reg, 1);
            self.reserve(1)?;
        }
        self.activate(f.first, 3);
        self.line = f.do_line;
        let prep = self.emit_abd(Op::ForPrep, base, 0, 0);
        self.loop_body(LocalId(f.first.0 + 3), 1, &f.body)?;
        let end = self.here();
        self.jump_to(prep, end);
        let end = self.emit_abd(Op::ForLoop, base, 0, 0);
        self.jump_to(end, prep + 1);
        self.fix_line(f.line);
        self.line = f.end_line;
        self.end_scope(outside);
        self.leave_loop();
        Ok(())
    }

    fn generic_for(&mut self, f: &GenericFor) -> Result<()> {
        self.enter_loop();
        let outside = self.fs.active.len();
        let base = self.fs.free_reg;
        let last = self.expr_list(f.values)?;
        self.adjust(4, f.values.len, last)?;
        self.activate(f.first, 4);
        self.fs.tbc.push(base + 3);
        self.check_stack(3)?;
        self.line = f.do_line;
        let prep = self.emit_abd(Op::TForPrep, base, 0, 0);
        self.loop_body(LocalId(f.first.0 + 4), f.count, &f.body)?;
        let call = self.here();
        self.jump_to(prep, call);
        self.emit_cached(Op::TForCall, base, 0, f.count);
        self.fix_line(f.line);
        let end = self.emit_abd(Op::TForLoop, base, 0, 0);
        self.jump_to(end, prep + 1);
        self.fix_line(f.line);
        self.line = f.end_line;
        self.close_level(base);
        self.end_scope(outside);
        self.leave_loop();
        Ok(())
    }

    /// The body of a `for`, in the scope of its variables, whose values the loop instruction has just written.
    fn loop_body(&mut self, first: LocalId, count: u32, body: &Block) -> Result<()> {
        let outside = self.fs.active.len();
        self.here();
        self.reserve(count)?;
        let from = self.pc();
        self.activate(first, count);
        self.fs.follow.extend(from..self.pc());
        self.block(body)?;
        self.end_scope(outside);
        Ok(())
    }

    fn return_stmt(&mut self, values: Span, line: u32) -> Result<()> {
        self.line = line;
        let mut first = self.fs.var_regs;
        let last = self.expr_list(values)?;
        let count = match last {
            None => Some(0),
            Some(e) if e.is_open() => {
                self.set_results(&e, None)?;
                if let (Kind::Call(pc), 1, true) = (e.kind, values.len, self.fs.tbc.is_empty()) {
                    self.set_op(pc, Op::TailCall);
                    return Ok(());
                }
                None
            }
            Some(mut e) if values.len == 1 => {
                first = self.put_any(&mut e)?;
                Some(1)
            }
            Some(mut e) => {
                self.put_next(&mut e)?;
                Some(values.len)
            }
        };
        self.emit_return(first, count);
        Ok(())
    }

    /// Returns `count` values from `first` on, or all up to the top.
    pub(super) fn emit_return(&mut self, first: u32, count: Option<u32>) {
        let close = u32::from(!self.fs.tbc.is_empty());
        match count {
            Some(0) if close == 0 => self.emit_abcd(Op::Return0, 0, 0, 0, 0),
            Some(1) if close == 0 => self.emit_abcd(Op::Return1, first, 0, 0, 0),
            Some(0) => self.emit_abcd(Op::Return, 0, 1, 1, 0),
            Some(n) => self.emit_abcd(Op::Return, first, n + 1, close, 0),
            None => self.emit_abcd(Op::Return, first, 0, close, 0),
        };
    }
}
