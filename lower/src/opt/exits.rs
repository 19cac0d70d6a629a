//! Guards and exits, home slots for whoever looks at them, and helpers of the present instruction.

use super::func::Lowering;
use super::mem;
use super::operators::function_register;
use super::state::{Payload, Reg};
use super::tags::Tags;
use crate::Symbol;
use trinity_abi::helpers::{Helper, leaf, stub};
use trinity_abi::unit::{SafePoint, VERSION_SHIFT, kind};
use trinity_codegen::ir::{
    Block, CallTarget, Clobbers, Cond, IntCc, PReg, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::RegSet;

impl Lowering<'_> {
    // ---- guards

    /// Leaves unless the register's tag is in `want`, which must be guardable.
    pub fn guard(&mut self, r: usize, want: Tags) {
        let tags = self.tags(r);
        if tags.within(want) {
            return;
        }
        self.remark_guard(r, want);
        let exit = self.exit_block();
        self.leave_unless_tag(r, want, exit);
        self.refine(r, want);
    }
    /// Goes to `otherwise` unless the tag is in `want` (one tag, the booleans, or the numbers).
    pub fn leave_unless_tag(&mut self, r: usize, want: Tags, otherwise: Block) {
        if self.tags(r).within(want) {
            return;
        }
        // What it can be narrows the question.
        let want = self.tags(r).and(want);
        if want.is_none() {
            self.b.jump(otherwise, &[]);
            let next = self.b.create_block();
            self.b.switch_to(next);
            return;
        }
        let cond = match want.single() {
            Some(t) => self.tag_cond(IntCc::Ne, r, t),
            None => {
                let t = self.peek_tag(r);
                let low = want.0.trailing_zeros() as i32;
                let above = self.b.isub(t, low);
                Cond::icmp(IntCc::Ugt, above, want.0.count_ones() as i32 - 1)
            }
        };
        self.b.exit_if(cond, otherwise, &[]);
    }
    /// The cold block that leaves for the interpreter at the present instruction, with the present registers.
    pub fn exit_block(&mut self) -> Block {
        if let Some(b) = self.exit_cache {
            return self.stressed(b);
        }
        let b = self.exit_block_at(self.pc);
        self.exit_cache = Some(b);
        self.stressed(b)
    }
    /// Under stress a guard fails once whatever its condition: the code in front of it asks.
    pub(super) fn stressed(&mut self, exit: Block) -> Block {
        if self.opts.stress_guards {
            let id = self.opts.unit_salt ^ u64::from(self.index) << 32 ^ u64::from(self.guards);
            self.guards += 1;
            let id = self.b.iconst(id as i64);
            let fails = self.b.call_symbol(
                Symbol::Stub(leaf::GUARD).to_ref(),
                &[(id, PReg::Rdi)],
                &[(IrType::I64, PReg::Rax)],
                Clobbers::Reads,
                None,
            )[0];
            self.b.exit_if(Cond::icmp(IntCc::Ne, fails, 0), exit, &[]);
        }
        exit
    }
    /// A cold block that leaves for the interpreter at `pc` of the innermost frame, with the present registers.
    pub fn exit_block_at(&mut self, pc: u32) -> Block {
        let here = self.b.current();
        let block = self.b.create_cold_block();
        self.b.switch_to(block);
        self.leave_at(pc, stub::GUARD);
        self.b.switch_to(here);
        block
    }
    /// Stores what is not in home slots and leaves for the interpreter at `pc`; ends the current block.
    pub fn leave_at(&mut self, pc: u32, how: &'static str) {
        let live = *self.frame().live.live_at(pc as usize);
        self.store_frames(live, false);
        self.open_top(pc);
        self.leave_for(pc, how);
    }
    /// Leaves for the interpreter at `pc`, where the open values that the instruction takes are up to the thread's top; ends the current block.
    pub fn leave_open(&mut self, pc: u32) {
        let live = *self.frame().live.live_at(pc as usize);
        self.store_frames(live, false);
        self.leave_for(pc, stub::GUARD);
    }
    pub(super) fn leave_for(&mut self, pc: u32, how: &'static str) {
        let version = self.index - self.module.function(self.index);
        let frame = u64::from(self.frame().chain) << 32 | u64::from(version) << VERSION_SHIFT;
        let at = u64::from(pc) | frame;
        let at = self.b.iconst(at as i64);
        self.b.tail_jump(
            CallTarget::Symbol(Symbol::Stub(how).to_ref()),
            &[(at, PReg::Rsi)],
        );
    }

    // ---- home slots

    /// Writes the registers of the innermost frame in `live`, and what outer frames wait with, to their home slots. `remember`: on the main
    /// path, so that they need not be written again.
    pub fn store_frames(&mut self, live: RegSet, remember: bool) {
        for depth in 0..self.state.len() {
            let offset = self.frames[depth].offset;
            let set = if depth == self.depth() {
                live
            } else {
                // A caller of inlined code: what it waits with, and the function below the callee's base.
                let call = self.frames[depth + 1].call_pc as usize;
                let a = function_register(self.frames[depth].p, call);
                let mark = i32::from(self.frames[depth + 1].tailed);
                self.b
                    .store_imm(Width::W8, mem::tail_mark(offset + a), mark);
                *self.frames[depth].live.live_across(call) | RegSet::one(a)
            };
            self.store_set(depth, set, remember);
        }
        self.make_waiting();
    }
    /// The same where a loop begins: early, not because anybody looks.
    pub fn store_before_loop(&mut self, live: RegSet) {
        let depth = self.depth();
        let objects = |regs: &[Reg]| {
            let all = regs.iter().enumerate();
            let all = all.filter(|(_, reg)| reg.object_number().is_some());
            all.fold(RegSet::EMPTY, |set, (r, _)| set | RegSet::one(r))
        };
        if self.state.objects.is_empty() {
            return self.store_frames(live, true);
        }
        let held = objects(&self.state[depth]);
        self.store_set(depth, live.minus(held), true);
    }
    /// The same of the innermost frame only.
    pub fn store_innermost(&mut self, set: RegSet, remember: bool) {
        self.store_set(self.depth(), set, remember);
        self.make_waiting();
    }
    pub(super) fn store_set(&mut self, depth: usize, set: RegSet, remember: bool) {
        let offset = self.frames[depth].offset;
        for r in set.iter() {
            let reg = self.state[depth][r];
            if reg.home || reg.tags.is_none() {
                continue;
            }
            if let Some(id) = reg.object_number() {
                match remember {
                    true => self.escape(id, "a call may see it here"),
                    false => self.to_make.push((offset + r, id)),
                }
                continue;
            }
            self.store(reg, offset + r);
            if remember {
                self.state[depth][r].home = true;
            } else {
                self.count_cold_store(offset + r);
            }
        }
    }
    pub(super) fn make_waiting(&mut self) {
        if !self.to_make.is_empty() {
            let slots = std::mem::take(&mut self.to_make);
            self.make_in_slots(&slots);
        }
    }
    /// Writes a value to a home slot.
    pub fn store(&mut self, reg: Reg, slot: usize) {
        if reg.tags.has_payload() {
            let v = match reg.p {
                Payload::Value(v) => v,
                _ => self.bits_of(reg, slot),
            };
            self.b.store64(mem::home(slot), v);
        }
        match (reg.tags.single(), reg.t) {
            (Some(t), _) => self
                .b
                .store_imm(Width::W8, mem::home_tag(slot), i32::from(t)),
            (None, Some(t)) => self.b.store(Width::W8, mem::home_tag(slot), t),
            (None, None) => {}
        }
    }
    /// Writes what is live at the present instruction (read by it, needed behind it, or visible) to home slots.
    pub fn flush(&mut self, remember: bool) {
        let pc = self.pc as usize;
        let live = *self.frame().live.live_at(pc) | *self.frame().live.live_across(pc);
        self.operands_escape();
        self.store_frames(live, remember);
    }

    // ---- helpers

    /// A safe point of the present instruction in the innermost frame.
    pub fn safepoint(&mut self, kind: u8, delta: usize) -> Option<u32> {
        self.safepoints.push(SafePoint {
            ret_offset: 0,
            pc: self.pc,
            delta: delta as u16,
            kind,
            inlined: self.frame().chain as u8,
            live: 0,
        });
        Some(self.safepoints.len() as u32 - 1)
    }
    /// Calls a helper for the present instruction; home slots must be written. Its result.
    pub fn helper_now(&mut self, h: Helper, kind: u8, edx: Option<Value>) -> Value {
        self.open_top(self.pc);
        self.helper_by(Symbol::Helper(h), Clobbers::All, kind, edx)
    }
    /// The same off the main path: registers survive.
    pub fn helper_saving(&mut self, h: Helper, kind: u8) -> Value {
        self.open_top(self.pc);
        self.helper_by(Symbol::Saving(h), Clobbers::Saves, kind, None)
    }
    /// The same, where the thread's top is already what the helper is to see.
    pub(super) fn helper_by(
        &mut self,
        h: Symbol,
        clobbers: Clobbers,
        kind: u8,
        edx: Option<Value>,
    ) -> Value {
        let pc = self.b.iconst(i64::from(self.pc));
        let mut args = vec![(pc, PReg::Rsi)];
        args.extend(edx.map(|v| (v, PReg::Rdx)));
        let offset = self.frame().offset as i32;
        if offset > 0 {
            self.move_base(offset);
        }
        let sp = self.safepoint(kind, 0);
        let result =
            self.b
                .call_symbol(h.to_ref(), &args, &[(IrType::I64, PReg::Rax)], clobbers, sp)[0];
        if offset > 0 {
            self.move_base(-offset);
        }
        result
    }
    /// The whole instruction by its helper, on the main path; results are in home slots.
    pub fn step(&mut self) {
        self.remark_generic(true);
        self.flush(true);
        let h = crate::simple::instruction_helper(self.instr().op());
        self.helper_now(h, kind::NEXT, None);
        self.exit_cache = None;
    }
    /// A cold block that runs the instruction by its helper and ends there (the caller makes it go on): the builder is left in it. Registers
    /// known on the main path are as before.
    pub fn slow_helper(&mut self, slow: Block) {
        self.remark_generic(false);
        self.b.switch_to(slow);
        self.flush(false);
        let h = crate::simple::instruction_helper(self.instr().op());
        self.helper_saving(h, kind::NEXT);
    }
    /// A cold block in which the helper runs the instruction; then the result in `R[a]` goes to `done`, whose parameters are as `shape` says.
    /// The result is checked against `want`, if it has fewer tags than anything: other values leave behind the instruction.
    pub fn slow_step(&mut self, a: usize, want: Tags, done: Block) -> Block {
        self.slow_step_and(a, want, done, |_| {})
    }
    /// The same, with something to be done to the result.
    pub fn slow_step_and(
        &mut self,
        a: usize,
        want: Tags,
        done: Block,
        then: impl FnOnce(&mut Self),
    ) -> Block {
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.slow_helper(slow);
        let before = self.reg(a);
        // Cells are no values, but NEWCELL makes one.
        *self.reg_mut(a) = Reg::in_home(super::facts::VALUE.or(want));
        then(self);
        if super::spec::is_guardable(want) {
            let exit = self.exit_block_at(self.pc + 1);
            self.leave_unless_tag(a, want, exit);
            self.refine(a, want);
        }
        let args = self.arguments(a, want);
        self.b.jump(done, &args);
        *self.reg_mut(a) = before;
        self.b.switch_to(here);
        slow
    }
}
