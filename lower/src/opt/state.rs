//! Registers while a function is lowered: the SSA values that hold them, and whether their home slots do.
//!
//! A register's value is a payload and a tag; a tag that is known takes no SSA value. Home slots are written when somebody may look: before calls
//! (in the main path, once per value), and in the cold code of guards and slow paths (each time it runs). Invariants of a register that is
//! live: either its home slot holds its value, or payload (where a member of `tags` has one) and tag (where it is not fixed) are in SSA values; a
//! payload is an F64 exactly if `tags` is `FLOAT`.

use super::captured::Assigned;
use super::func::Lowering;
use super::mem;
use super::objects::{Made, Objects};
use super::tags::Tags;
use crate::Symbol;
use crate::passes::Pass;
use std::ops::{Deref, DerefMut};
use trinity_abi as abi;
use trinity_abi::helpers::{Helper, leaf, stub};
use trinity_abi::unit::{SafePoint, flag, kind};
use trinity_codegen::ir::{
    Block, CallTarget, Clobbers, Cond, IntCc, LoadKind, PReg, Region, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::RegSet;

/// Where a payload is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Payload {
    /// In the home slot, or there is none.
    None,
    /// In an SSA value.
    Value(Value),
    /// The iterations left of an integer loop: `(last - index) / step`, unsigned. Computed where it is needed.
    Count {
        /// The index of the last iteration.
        last: Value,
        /// The index of this one.
        index: Value,
        /// The step.
        step: Step,
    },
    /// A table that is not made yet.
    Virtual(u32),
}

/// The step of an integer loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// A positive constant; the distance to the last index is an unsigned number.
    Const(i64),
    /// Any number but 0; the distance to the last index is a signed number of the same sign.
    Value(Value),
}

/// A register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reg {
    /// What its tag can be; none: not live.
    pub tags: Tags,
    /// Its payload.
    pub p: Payload,
    /// Its tag, where an SSA value holds it.
    pub t: Option<Value>,
    /// The home slot holds payload and tag.
    pub home: bool,
}

impl Reg {
    /// A register without a value.
    pub const DEAD: Reg = Reg {
        tags: Tags::NONE,
        p: Payload::None,
        t: None,
        home: false,
    };
    /// A value in its home slot.
    pub fn in_home(tags: Tags) -> Reg {
        Reg {
            tags,
            p: Payload::None,
            t: None,
            home: true,
        }
    }
    /// A value of a fixed tag in an SSA value.
    pub fn known(tags: Tags, p: Value) -> Reg {
        Reg {
            tags,
            p: Payload::Value(p),
            t: None,
            home: false,
        }
    }
    /// A value with a tag of its own.
    pub fn tagged(tags: Tags, p: Option<Value>, t: Value) -> Reg {
        Reg {
            tags,
            p: p.map_or(Payload::None, Payload::Value),
            t: Some(t),
            home: false,
        }
    }
    /// A virtual object.
    pub fn object(id: u32) -> Reg {
        Reg {
            tags: Tags::TABLE,
            p: Payload::Virtual(id),
            t: None,
            home: false,
        }
    }
    /// The number of the virtual object that it is.
    pub fn object_number(&self) -> Option<u32> {
        match self.p {
            Payload::Virtual(id) => Some(id),
            _ => None,
        }
    }
    /// A value that is nothing but its tag.
    pub fn only_tag(tags: Tags) -> Reg {
        Reg {
            tags,
            p: Payload::None,
            t: None,
            home: false,
        }
    }
}

/// Registers of the function and of those inlined into it, outermost first.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    regs: Vec<Vec<Reg>>,
    /// Objects that some of them are.
    pub objects: Objects,
    /// Those that were made on the main path.
    pub made: Made,
}

impl Deref for State {
    type Target = Vec<Vec<Reg>>;
    fn deref(&self) -> &Vec<Vec<Reg>> {
        &self.regs
    }
}

impl DerefMut for State {
    fn deref_mut(&mut self) -> &mut Vec<Vec<Reg>> {
        &mut self.regs
    }
}

impl Lowering<'_> {
    // ---- reading

    /// The register in the innermost frame.
    pub fn reg(&self, r: usize) -> Reg {
        self.state[self.depth()][r]
    }
    pub fn reg_mut(&mut self, r: usize) -> &mut Reg {
        let d = self.depth();
        &mut self.state[d][r]
    }
    /// Its possible tags.
    pub fn tags(&self, r: usize) -> Tags {
        self.reg(r).tags
    }
    /// Home slot number of register `r` of the innermost frame, counted from the outermost base.
    pub fn slot(&self, r: usize) -> usize {
        self.frame().offset + r
    }

    /// The payload as an I64 (bits of floats), without remembering it: may be used on one side of a branch.
    pub fn peek_bits(&mut self, r: usize) -> Value {
        let reg = self.reg(r);
        self.bits_of(reg, self.slot(r))
    }
    pub(crate) fn bits_of(&mut self, reg: Reg, slot: usize) -> Value {
        match reg.p {
            Payload::Value(v) if reg.tags == Tags::FLOAT => self.b.bits_of_float(v),
            Payload::Value(v) => v,
            Payload::Count { last, index, step } => self.count(last, index, step),
            Payload::Virtual(id) => {
                self.escape(id, "the table itself is needed here");
                self.b.iconst(0)
            }
            Payload::None if reg.home && reg.tags.has_payload() => self.b.load64(mem::home(slot)),
            Payload::None => self.b.iconst(0),
        }
    }
    /// Iterations left of a loop.
    fn count(&mut self, last: Value, index: Value, step: Step) -> Value {
        let distance = self.b.isub(last, index);
        match step {
            Step::Const(n) => self.steps_within(distance, n),
            Step::Value(s) => self.b.sdiv(distance, s),
        }
    }
    /// The tag, without remembering it.
    pub fn peek_tag(&mut self, r: usize) -> Value {
        let reg = self.reg(r);
        self.tag_of(reg, self.slot(r))
    }
    pub(crate) fn tag_of(&mut self, reg: Reg, slot: usize) -> Value {
        match (reg.tags.single(), reg.t) {
            (Some(t), _) => self.b.iconst(i64::from(t)),
            (None, Some(t)) => t,
            (None, None) => self.b.load(LoadKind::U8, mem::home_tag(slot)),
        }
    }
    /// The condition "the tag is (not) `t`", read from memory where it is there only.
    pub fn tag_cond(&mut self, cc: IntCc, r: usize, t: u8) -> Cond {
        let reg = self.reg(r);
        match (reg.tags.single(), reg.t) {
            (None, None) => {
                Cond::icmp_mem(cc, Width::W8, mem::home_tag(self.slot(r)), i32::from(t))
            }
            _ => {
                let tag = self.peek_tag(r);
                Cond::icmp(cc, tag, i32::from(t))
            }
        }
    }
    /// A float's payload; the register is known to be one, or a test on this path said so. Not remembered.
    pub fn peek_float(&mut self, r: usize) -> Value {
        let reg = self.reg(r);
        match reg.p {
            Payload::Value(v) if reg.tags == Tags::FLOAT => v,
            Payload::Value(v) => self.b.float_of_bits(v),
            _ => self.b.loadf(mem::home(self.slot(r))),
        }
    }
    /// The payload of a register of one kind, remembered. Only on the main path.
    pub fn get(&mut self, r: usize) -> Value {
        let reg = self.reg(r);
        match reg.p {
            Payload::Value(v) => return v,
            Payload::Virtual(_) => return self.peek_bits(r),
            _ => {}
        }
        let v = if reg.tags == Tags::FLOAT {
            self.b.loadf(mem::home(self.slot(r)))
        } else {
            self.peek_bits(r)
        };
        self.reg_mut(r).p = Payload::Value(v);
        v
    }
    /// The tag, remembered. Only on the main path.
    pub fn get_tag(&mut self, r: usize) -> Value {
        let t = self.peek_tag(r);
        if self.tags(r).single().is_none() {
            self.reg_mut(r).t = Some(t);
        }
        t
    }

    // ---- writing

    /// Defines a register.
    pub fn set(&mut self, r: usize, reg: Reg) {
        *self.reg_mut(r) = reg;
        self.forget_cold_stores(self.slot(r));
        self.exit_cache = None;
    }
    /// Defines a register as a value of one kind.
    pub fn define(&mut self, r: usize, tags: Tags, p: Value) {
        self.set(r, Reg::known(tags, p));
    }
    /// Now the tag is known to be within `tags` (a guard said so).
    pub fn refine(&mut self, r: usize, tags: Tags) {
        let mut reg = self.reg(r);
        let both = reg.tags.and(tags);
        if both == reg.tags || both.is_none() {
            return;
        }
        if both == Tags::FLOAT
            && let Payload::Value(v) = reg.p
        {
            reg.p = Payload::Value(self.b.float_of_bits(v));
        }
        if both.single().is_some() {
            reg.t = None;
        }
        if !both.has_payload() {
            reg.p = Payload::None;
        }
        reg.tags = both;
        *self.reg_mut(r) = reg;
    }

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
    fn stressed(&mut self, exit: Block) -> Block {
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
    fn leave_for(&mut self, pc: u32, how: &'static str) {
        let at = u64::from(pc) | u64::from(self.frame().chain) << 32;
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
                let a = self.frames[depth].p.code[call].a();
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
    fn store_set(&mut self, depth: usize, set: RegSet, remember: bool) {
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
    fn make_waiting(&mut self) {
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
        self.helper_by(Symbol::Helper(h), Clobbers::All, kind, edx)
    }
    /// The same off the main path: registers survive.
    pub fn helper_saving(&mut self, h: Helper, kind: u8) -> Value {
        self.helper_by(Symbol::Saving(h), Clobbers::Saves, kind, None)
    }
    fn helper_by(&mut self, h: Symbol, clobbers: Clobbers, kind: u8, edx: Option<Value>) -> Value {
        self.open_top(self.pc);
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
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.slow_helper(slow);
        let before = self.reg(a);
        // Cells are no values, but NEWCELL makes one.
        *self.reg_mut(a) = Reg::in_home(super::facts::VALUE.or(want));
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

    // ---- values as block parameters

    /// Parameters of a block for a value with these tags: payload (if a member has one), tag (if it is not fixed).
    pub fn value_params(&mut self, block: Block, tags: Tags) -> Reg {
        let p = tags.has_payload().then(|| {
            let ty = if tags == Tags::FLOAT {
                IrType::F64
            } else {
                IrType::I64
            };
            self.b.block_param(block, ty)
        });
        let t = tags
            .single()
            .is_none()
            .then(|| self.b.block_param(block, IrType::I64));
        Reg {
            tags,
            p: p.map_or(Payload::None, Payload::Value),
            t,
            home: false,
        }
    }
    /// A register as arguments for parameters with these tags (its own are among them).
    pub fn arguments(&mut self, r: usize, tags: Tags) -> Vec<Value> {
        let reg = self.reg(r);
        let slot = self.slot(r);
        self.arguments_of(reg, slot, tags)
    }
    pub(crate) fn arguments_of(&mut self, reg: Reg, slot: usize, tags: Tags) -> Vec<Value> {
        let mut args = Vec::new();
        if tags == Tags::FLOAT {
            args.push(match reg.p {
                Payload::Value(v) => v,
                _ => self.b.loadf(mem::home(slot)),
            });
        } else if tags.has_payload() {
            args.push(self.bits_of(reg, slot));
        }
        if tags.single().is_none() {
            args.push(self.tag_of(reg, slot));
        }
        args
    }

    // ---- constants and objects

    /// The running closure of the innermost frame.
    pub fn closure(&mut self) -> Value {
        match self.frame().closure {
            Some(v) => v,
            None => self.b.load64(mem::own_closure()),
        }
    }
    /// The prototype of the innermost frame's function.
    pub fn proto(&mut self) -> Value {
        let c = self.closure();
        self.b.load64(mem::constant(c, abi::closure::PROTO))
    }
    /// Address of the inline caches, and the offset of number `ic`.
    pub fn cache(&mut self, ic: usize) -> (Value, i32) {
        let p = self.proto();
        let caches = self.b.load64(mem::constant(p, abi::proto::CACHES));
        (caches, ic as i32 * abi::cache::SIZE)
    }
    /// Address of the constants.
    pub fn constants(&mut self) -> Value {
        let p = self.proto();
        self.b.load64(mem::constant(p, abi::proto::CONSTS))
    }
    /// Payload of the string constant `k`.
    pub fn const_pointer(&mut self, k: usize) -> Value {
        let consts = self.constants();
        self.b.load64(mem::constant(consts, 16 * k as i32))
    }
    /// The cell of upvalue `i`.
    pub fn upval_cell(&mut self, i: usize) -> Value {
        let c = self.closure();
        let mut at = mem::upvalue(c, i);
        if self.upvalue_assigned(i) != Assigned::Often {
            at = at.in_region(Region::Const);
        }
        self.b.load64(at)
    }
    /// What the program's text says of upvalue `i`; the code relies on it from now on.
    pub fn upvalue_assigned(&mut self, i: usize) -> Assigned {
        let f = self.frame().func as usize;
        let how = self.module.captured.upvalue(f, i);
        self.relies_on(how)
    }
    /// Upvalue `i` is the running closure, as the program's text says and training saw; the code relies on it from now on.
    pub fn is_itself(&mut self, i: usize) -> bool {
        let f = self.frame().func as usize;
        let seen = self.spec().result(self.pc) == Some(Tags::of(abi::tag::LUA_FN));
        let itself = seen
            && self.module.passes.has(Pass::AssignedOnce)
            && self.module.captured.is_itself(f, i);
        if itself {
            self.flags |= flag::ASSUMES_UPVALUES;
        }
        itself
    }
    /// The function that upvalue `i` is, by the program's text.
    pub fn upvalue_function(&self, i: usize) -> Option<u32> {
        let f = self.frame().func as usize;
        let function = self.module.captured.upvalue_function(f, i);
        function.filter(|_| self.module.passes.has(Pass::AssignedOnce))
    }
    /// The same of the captured variable in register `r`.
    pub fn local_function(&self, r: usize) -> Option<u32> {
        let f = self.frame().func as usize;
        let function = self.module.captured.local_function(f, r);
        function.filter(|_| self.module.passes.has(Pass::AssignedOnce))
    }
    /// What the program's text says of the captured variable in register `r`; as above.
    pub fn local_assigned(&mut self, r: usize) -> Assigned {
        let f = self.frame().func as usize;
        let how = self.module.captured.local(f, r);
        self.relies_on(how)
    }
    fn relies_on(&mut self, how: Assigned) -> Assigned {
        if !self.module.passes.has(Pass::AssignedOnce) {
            return Assigned::Often;
        }
        if how != Assigned::Often {
            self.flags |= flag::ASSUMES_UPVALUES;
        }
        how
    }
    /// Address of a home slot.
    pub fn slot_address(&mut self, r: usize) -> Value {
        let addr = mem::home(self.slot(r));
        self.b.addr_of(addr)
    }
    /// Moves the base for a call and back.
    pub fn move_base(&mut self, slots: i32) {
        self.b
            .add_pinned(trinity_codegen::ir::Pinned::Base, 16 * slots);
    }
}
