//! Variables coming into and going out of scope, labels, and jumps to them.

use super::code::{Loop, NO_JUMP, NO_LOCAL_REG};
use super::{Emitter, Result};
use crate::ast::{Block, LabelId, LocalId, Stmt};
use crate::bytecode::op::Op;
use crate::bytecode::proto::LocVar;

impl Emitter<'_> {
    /// First register above the variables of the first `count` active ones.
    fn reg_level(&self, count: u32) -> u32 {
        let regs = self.fs.active[..count as usize]
            .iter()
            .map(|l| self.fs.regs[l.0 as usize]);
        regs.rev()
            .find(|&r| r != NO_LOCAL_REG)
            .map_or(0, |r| u32::from(r) + 1)
    }

    /// Brings a variable into scope, in the next register.
    pub(super) fn activate_one(&mut self, id: LocalId) {
        let local = &self.func().locals[id.0 as usize];
        let start_pc = self.pc();
        let reg = self.fs.var_regs as u8;
        self.fs.var_regs += 1;
        self.fs.active.push(id);
        self.fs.regs[id.0 as usize] = reg;
        self.fs.records[id.0 as usize] = self.fs.proto.loc_vars.len() as u32;
        let name = self.ast.name(local.name).into();
        self.fs.proto.loc_vars.push(LocVar {
            name,
            start_pc,
            end_pc: start_pc,
            reg,
        });
    }

    /// Brings variables into scope whose values are in the next registers; captured ones move to cells first.
    pub(super) fn activate(&mut self, first: LocalId, count: u32) {
        for i in 0..count {
            if self.func().locals[(first.0 + i) as usize].captured {
                self.new_cell(self.fs.var_regs + i);
            }
        }
        for i in 0..count {
            self.activate_one(LocalId(first.0 + i));
        }
    }

    /// Brings a compile-time constant into scope: it has a name but no register.
    pub(super) fn activate_constant(&mut self, id: LocalId) {
        self.fs.active.push(id);
    }

    /// The debug record of a variable starts here.
    pub(super) fn restart_record(&mut self, id: LocalId) {
        let pc = self.pc();
        let record = self.fs.records[id.0 as usize] as usize;
        self.fs.proto.loc_vars[record].start_pc = pc;
    }

    /// Closes to-be-closed variables of a scope that ends here, keeping them in scope. True when there were any.
    pub(super) fn close_level(&mut self, level: u32) -> bool {
        let close = self.fs.needs_close(level);
        if close {
            self.emit_abcd(Op::Close, level, 0, 0, 0);
        }
        close
    }

    /// Takes all but the first `count` variables out of scope.
    pub(super) fn end_scope(&mut self, count: usize) {
        let pc = self.pc();
        while self.fs.active.len() > count {
            if let Some(id) = self.fs.active.pop()
                && self.fs.regs[id.0 as usize] != NO_LOCAL_REG
            {
                let record = self.fs.records[id.0 as usize] as usize;
                self.fs.proto.loc_vars[record].end_pc = pc;
            }
        }
        let level = self.reg_level(count as u32);
        self.fs.tbc.retain(|&r| r < level);
        self.fs.var_regs = level;
        self.fs.free_reg = level;
    }

    /// A block with its own scope.
    pub(super) fn block(&mut self, block: &Block) -> Result<()> {
        let outside = self.fs.active.len();
        self.statements(&block.stmts)?;
        self.line = block.end_line;
        let level = self.reg_level(outside as u32);
        self.close_level(level);
        self.end_scope(outside);
        self.end_labels(&block.stmts);
        Ok(())
    }

    /// The outermost block of a function, with the final return.
    pub(super) fn function_block(&mut self, block: &Block) -> Result<()> {
        self.statements(&block.stmts)?;
        let last_line = self.func().last_line;
        self.line = if last_line == 0 {
            block.end_line
        } else {
            last_line
        };
        if self.has_end_labels(&block.stmts) {
            // Jumps to the end come from where not all variables are set, so their scope must not reach the return.
            self.close_level(0);
            self.end_scope(0);
            self.end_labels(&block.stmts);
        }
        self.emit_return(0, Some(0));
        self.end_scope(0);
        Ok(())
    }

    fn has_end_labels(&self, stmts: &[Stmt]) -> bool {
        stmts
            .iter()
            .any(|s| matches!(s, Stmt::Label(id) if self.func().labels[id.0 as usize].at_end))
    }

    /// Places the labels that end a block, outside its scope.
    fn end_labels(&mut self, stmts: &[Stmt]) {
        let func = self.func();
        let labels = stmts.iter().rev().map_while(|s| match s {
            Stmt::Label(id) if func.labels[id.0 as usize].at_end => Some(*id),
            _ => None,
        });
        for id in labels {
            self.place_label(id);
        }
    }

    /// The label stands here.
    pub(super) fn place_label(&mut self, id: LabelId) {
        let pc = self.here();
        let label = self.fs.label(id);
        label.pc = Some(pc);
        let pending = std::mem::replace(&mut label.pending, NO_JUMP);
        let closes = std::mem::take(&mut label.closes);
        self.patch(pending, pc);
        self.move_lines(&closes);
    }

    /// The reference closes variables where a jump arrives, not where it starts; lines tell.
    fn move_lines(&mut self, closes: &[u32]) {
        for &pc in closes {
            self.fs.proto.lines[pc as usize] = self.line;
        }
    }

    /// The register a `goto` has to close from, and its label.
    pub(super) fn goto_level(&self, index: u32) -> (LabelId, u32) {
        let func = self.func();
        let id = func.gotos[index as usize];
        (id, self.reg_level(func.labels[id.0 as usize].level))
    }

    /// Sends the jumps of a list to a label.
    pub(super) fn jumps_to_label(&mut self, id: LabelId, list: u32) {
        match self.fs.label(id).pc {
            Some(pc) => self.patch(list, pc),
            None => {
                let pending = self.fs.label(id).pending;
                self.fs.label(id).pending = self.concat(list, pending);
            }
        }
    }

    pub(super) fn goto(&mut self, index: u32) {
        let (id, level) = self.goto_level(index);
        if self.close_level(level) && self.fs.label(id).pc.is_none() {
            let close = self.pc() - 1;
            self.fs.label(id).closes.push(close);
        }
        let jump = self.jump();
        self.jumps_to_label(id, jump);
    }

    pub(super) fn enter_loop(&mut self) {
        let level = self.fs.var_regs;
        self.fs.loops.push(Loop {
            level,
            breaks: NO_JUMP,
            closes: Vec::new(),
        });
    }

    /// The level of the innermost loop, unless a `break` has to close something.
    pub(super) fn plain_break(&self) -> bool {
        self.fs
            .loops
            .last()
            .is_some_and(|l| !self.fs.needs_close(l.level))
    }

    /// Sends the jumps of a list behind the innermost loop.
    pub(super) fn jumps_to_break(&mut self, list: u32) {
        let breaks = self.fs.loops.last().map_or(NO_JUMP, |l| l.breaks);
        let joined = self.concat(list, breaks);
        if let Some(l) = self.fs.loops.last_mut() {
            l.breaks = joined;
        }
    }

    pub(super) fn break_loop(&mut self) {
        let level = self.fs.loops.last().map_or(0, |l| l.level);
        if self.close_level(level) {
            let close = self.pc() - 1;
            if let Some(l) = self.fs.loops.last_mut() {
                l.closes.push(close);
            }
        }
        let jump = self.jump();
        self.jumps_to_break(jump);
    }

    /// The code behind the innermost loop starts here.
    pub(super) fn leave_loop(&mut self) {
        if let Some(l) = self.fs.loops.pop() {
            self.patch_here(l.breaks);
            self.move_lines(&l.closes);
        }
    }
}
