//! Metamethods of arithmetic, and iterators of generic loops, as code of the function that they are called from.
//!
//! What an instruction other than CALL calls has its frame where the reference puts it: metamethods above all registers, iterators behind the
//! registers of their loop. The runtime knows by the instruction where results go (`native/exit.rs`).

use super::facts::{self, Operand};
use super::func::Lowering;
use super::inline::Called;
use super::intrinsics;
use super::mem;
use super::spec::Spec;
use super::state::Reg;
use super::tags::Tags;
use crate::passes::Pass;
use trinity_abi::intrinsic::Intrinsic;
use trinity_abi::{cache, tag};
use trinity_codegen::ir::{Cond, IntCc};
use trinity_frontend::bytecode::{Event, Instr, Op, Proto};

/// Highest register under which the frame of a metamethod begins: sets of registers have room for no others.
const MAX_REGISTER: usize = 250;

/// Calls within one another that are looked through.
const CALLS_MAX: usize = 3;

/// The event of an instruction whose metamethod can become code: arithmetic on registers, or with a constant.
fn event(p: &Proto, i: Instr) -> Option<Event> {
    facts::arithmetic(p, i)?;
    // Subtractions look like additions.
    i.op().event().filter(|_| i.op() != Op::AddI)
}

/// The operand, 0 or 1 as the profile numbers them, through which training always found a metamethod of the module, and that.
pub(super) fn seen(p: &Proto, spec: &Spec, pc: u32) -> Option<(usize, u32)> {
    let i = p.code[pc as usize];
    event(p, i)?;
    let callee = spec.site(pc).filter(|_| spec.is_hot(pc))?.callee?;
    let number = |t: Tags| t.single().is_some() && t.within(Tags::NUM);
    match (spec.operand(pc, 0)?, spec.operand(pc, 1)?) {
        (Tags::TABLE, other) if other == Tags::TABLE || number(other) => Some((0, callee)),
        (other, Tags::TABLE) if number(other) => Some((1, callee)),
        _ => None,
    }
}

impl Lowering<'_> {
    /// Arithmetic on a table whose metamethod was always one function: its code. False: the instruction is compiled as others, on operands of
    /// the kinds that facts say.
    pub(super) fn operator(&mut self, i: Instr, rhs: Operand) -> bool {
        let p = self.frame().p;
        let Some((owner, callee)) = seen(p, &self.spec(), self.pc) else {
            return false;
        };
        // `k - x`: operands are the other way round.
        let swapped = i.d() & 1 != 0 && !matches!(rhs, Operand::Reg(_));
        let right = match rhs {
            Operand::Reg(c) => Some(c),
            _ => None,
        };
        let kinds = [0, 1].map(|n| self.spec().operand(self.pc, n));
        for (r, kind) in [Some(i.b()), right].into_iter().zip(kinds) {
            if let (Some(r), Some(kind)) = (r, kind) {
                self.guard(r, kind);
            }
        }
        let register = p.max_stack as usize;
        let call = Instr::abcd(Op::Call, 0, 3, 2, 0);
        let (Some(cell), true) = (self.operator_cell(), register <= MAX_REGISTER) else {
            return false;
        };
        let known = self.module.typed.get(callee as usize) == Some(&true);
        if !self.module.passes.has(Pass::Operators) || !known {
            return false;
        }
        if !self.calls_no_native(callee, 0) {
            return false;
        }
        if let Err(why) = self.may_inline(call, callee, 1.0) {
            self.remark_not_inlined(callee, why);
            return false;
        }
        let table = match (owner, right) {
            (1, Some(c)) => c,
            _ => i.b(),
        };
        let Some(mt) = self.metatable_of(table) else {
            return false;
        };
        // There is one: `seen` asked for it.
        let Some(event) = event(p, i) else {
            return false;
        };
        let exit = self.exit_block();
        self.native_call_left(exit);
        let key = self.b.iconst(event as i64);
        let (caches, _) = self.cache(0);
        let f = self.function_of_metatable(mt, key, (caches, cell), callee, exit);
        let left = self.stored(i.b());
        let right = match rhs {
            Operand::Reg(c) => self.stored(c),
            Operand::Int(n) => Reg::known(Tags::INT, self.b.iconst(n)),
            Operand::Float(x) => Reg::known(Tags::FLOAT, self.b.fconst(x)),
        };
        let mut args = vec![left, right];
        if swapped {
            args.reverse();
        }
        for arg in &mut args {
            arg.home = false;
        }
        self.set(register, f);
        let called = Called {
            function: register,
            args,
            to: i.a(),
            wanted: 1,
        };
        let f = self.get(register);
        self.inline_function(called, callee, Some(f), 1.0);
        true
    }

    /// The metatable of the table in a register; who has none leaves. `None`: it is not known to be there.
    fn metatable_of(&mut self, r: usize) -> Option<trinity_codegen::ir::Value> {
        if let Some(id) = self.virtual_table_in(r) {
            let mt = self.metatable(id)?;
            return match mt.object_number() {
                Some(_) => None,
                None => Some(self.bits_of(mt, 0)),
            };
        }
        let t = self.get(r);
        let mt = self.b.load64(mem::shape(t, trinity_abi::table::METATABLE));
        let exit = self.exit_block();
        self.b.exit_if(Cond::icmp(IntCc::Eq, mt, 0), exit, &[]);
        Some(mt)
    }

    /// Offset of the cell that the present instruction shares with others of the function that have the same metamethod.
    fn operator_cell(&self) -> Option<i32> {
        let f = self.frame();
        let which = |pc: u32| {
            let event = event(f.p, f.p.code[pc as usize])?;
            seen(f.p, &f.spec, pc).map(|(_, callee)| (event, callee))
        };
        let own = which(self.pc)?;
        let mut before: Vec<(Event, u32)> = Vec::new();
        for pair in (0..self.pc).filter_map(which) {
            if !before.contains(&pair) {
                before.push(pair);
            }
        }
        let n = before.iter().position(|&p| p == own);
        let n = n.unwrap_or(before.len());
        (n < cache::OPERATORS).then(|| cache::operator_cell(f.p.num_caches, n))
    }

    /// Nothing that a function calls counts nested native calls: the reference counts metamethods and iterators as such, code in line does not.
    fn calls_no_native(&self, func: u32, depth: usize) -> bool {
        let p = self.module.text(func);
        let spec = self.module.spec(func);
        let known = |callee: u32| depth < CALLS_MAX && self.calls_no_native(callee, depth + 1);
        (0..).zip(&p.code).all(|(pc, i)| match i.op() {
            _ if spec.is_left(pc) => true,
            Op::Call | Op::TailCall => match spec.native(pc) {
                Some(f) => intrinsics::is_quiet(f) || f == Intrinsic::Setmetatable,
                None => spec.site(pc).and_then(|s| s.callee).is_some_and(known),
            },
            Op::TForCall | Op::Concat | Op::Close => false,
            _ => seen(p, &spec, pc).is_none_or(|(_, callee)| known(callee)),
        })
    }

    /// TFORCALL of a function that was always called here: its code. False: it is called.
    pub(super) fn inline_iterator(&mut self, i: Instr) -> bool {
        let (a, c) = (i.a(), i.c());
        let to = a + 4;
        let Some(callee) = self.known_callee(a) else {
            return false;
        };
        let may = self.module.passes.has(Pass::InlineIterators) && self.calls_no_native(callee, 0);
        if !may || c == 0 {
            return false;
        }
        let call = Instr::abcd(Op::Call, 0, 3, c as u16 + 1, 0);
        if let Err(why) = self.may_inline(call, callee, 1.0) {
            self.remark_not_inlined(callee, why);
            return false;
        }
        self.guard(a, Tags::of(tag::LUA_FN));
        let full = self.exit_block();
        self.native_call_left(full);
        let f = self.callee_guard(a, callee, true);
        let args: Vec<Reg> = [a + 1, a + 2].map(|r| self.stored(r)).into();
        let args = args.into_iter().map(|arg| Reg { home: false, ..arg });
        let args = args.collect();
        let closure = match f {
            Some(f) => Reg::known(Tags::of(tag::LUA_FN), f),
            None => self.reg(a),
        };
        self.set(to, closure);
        let called = Called {
            function: to,
            args,
            to,
            wanted: c,
        };
        self.inline_function(called, callee, f, 1.0);
        true
    }
}

/// The register under which the frame begins of what the instruction at `pc` calls.
pub(super) fn function_register(p: &Proto, pc: usize) -> usize {
    let i = p.code[pc];
    match i.op() {
        Op::Call | Op::TailCall => i.a(),
        Op::TForCall => i.a() + 4,
        _ => p.max_stack as usize,
    }
}
