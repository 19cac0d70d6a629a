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
use crate::passes::Pass;
use std::ops::{Deref, DerefMut};
use trinity_abi as abi;
use trinity_abi::unit::flag;
use trinity_codegen::ir::{Block, Cond, IntCc, LoadKind, Region, Type as IrType, Value, Width};

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
    /// A table, closure or cell that is not made yet.
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
    pub fn object(id: u32, tags: Tags) -> Reg {
        Reg {
            tags,
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
                self.escape(id, "it itself is needed here");
                self.b.iconst(0)
            }
            Payload::None if reg.home && reg.tags.has_payload() => self.b.load64(mem::home(slot)),
            Payload::None => self.b.iconst(0),
        }
    }
    /// Iterations left of a loop.
    pub(super) fn count(&mut self, last: Value, index: Value, step: Step) -> Value {
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
        let known = self.closure_at(self.depth());
        known.unwrap_or_else(|| self.b.load64(mem::own_closure()))
    }
    /// The prototype of the innermost frame's function.
    pub fn proto(&mut self) -> Value {
        if let Some(p) = self.virtual_proto() {
            return p;
        }
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
        if let Some(cell) = self.virtual_upvalue(i) {
            return self.bits_of(cell, 0);
        }
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
    pub(super) fn relies_on(&mut self, how: Assigned) -> Assigned {
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
