//! How a function begins: its generic entry (the adapter), the checks of both stacks, parameters.

use super::func::Lowering;
use super::mem;
use super::module::{Module, Signature};
use crate::Symbol;
use trinity_abi as abi;
use trinity_abi::helpers::{Helper, stub};
use trinity_abi::unit::kind;
use trinity_codegen::ir::{
    Block, CallTarget, Cond, Function, FunctionBuilder, Inst, IntCc, PReg, SrcLoc, Type as IrType,
    Value, Width,
};
use trinity_frontend::bytecode::Op;

/// Sets how many slots the entry of a function asks for: known when everything that is inlined is.
pub(super) fn set_slots(f: &mut Function, frame_end: Value, slots: usize) {
    for node in &mut f.insts {
        if node.first_result == frame_end
            && let Inst::AddrOf(addr) = &mut node.inst
        {
            *addr = mem::home(slots);
        }
    }
}

/// The generic entry of a function whose body takes arguments in registers, or that has versions: checks the tags, loads the payloads, goes to the
/// body that takes them. What none takes is interpreted.
pub(super) fn adapter(module: &Module, index: u32, name: &str) -> Function {
    let (p, general) = (module.protos[index as usize], module.signature(index));
    let mut b = FunctionBuilder::new(name, &[(IrType::I64, PReg::Rcx)]);
    b.set_loc(SrcLoc(p.line_defined.max(1)));
    let nargs = b.param(0);
    let versions: Vec<_> = module.versions_of(index).collect();
    let mut filled = 0;
    if versions.is_empty() {
        filled = needed(general);
        check_count(&mut b, nargs, filled);
    }
    fill_parameters(&mut b, nargs, filled, p.num_params as usize);
    for (number, version) in versions {
        let next = b.create_block();
        enter_body(&mut b, nargs, &version.signature, number, next);
        b.switch_to(next);
    }
    if general.has_body() {
        let other = interpret(&mut b, nargs);
        enter_body(&mut b, nargs, general, index, other);
    } else {
        b.tail_jump(
            CallTarget::Symbol(Symbol::Body(index).to_ref()),
            &[(nargs, PReg::Rcx)],
        );
    }
    b.finish()
}

/// Arguments that a body needs.
fn needed(sig: &Signature) -> usize {
    sig.registers().map(|(r, ..)| r + 1).max().unwrap_or(0)
}

/// A cold block that interprets the function.
fn interpret(b: &mut FunctionBuilder, nargs: Value) -> Block {
    let here = b.current();
    let other = b.create_cold_block();
    b.switch_to(other);
    b.tail_jump(
        CallTarget::Symbol(Symbol::Stub(stub::INTERP).to_ref()),
        &[(nargs, PReg::Rcx)],
    );
    b.switch_to(here);
    other
}

/// Interprets the function if fewer arguments were passed.
fn check_count(b: &mut FunctionBuilder, nargs: Value, needed: usize) {
    let other = interpret(b, nargs);
    let fewer = Cond::icmp_w(IntCc::Ult, Width::W32, nargs, needed as i32);
    b.exit_if(fewer, other, &[]);
}

/// Goes to a body if the arguments are of the kinds that it takes, else to `other`.
fn enter_body(b: &mut FunctionBuilder, nargs: Value, sig: &Signature, number: u32, other: Block) {
    for (r, tags) in sig.known() {
        // One tag: signatures have no others.
        let tag = tags.single().unwrap_or(abi::tag::NIL);
        b.exit_if(
            Cond::icmp_mem(IntCc::Ne, Width::W8, mem::home_tag(r), i32::from(tag)),
            other,
            &[],
        );
    }
    let mut args = Vec::new();
    for (r, _, preg) in sig.registers() {
        let v = if preg.is_xmm() {
            b.loadf(mem::home(r))
        } else {
            b.load64(mem::home(r))
        };
        args.push((v, preg));
    }
    if !sig.has_body() {
        args.push((nargs, PReg::Rcx));
    }
    b.tail_jump(CallTarget::Symbol(Symbol::Body(number).to_ref()), &args);
}

/// The body of a function that takes its arguments from home slots all the same: writes them there and goes to the generic entry. That of a version
/// that has no code: goes to the function's general body.
pub fn forwarder(module: &Module, number: u32, name: &str) -> Function {
    let index = module.function(number);
    let (p, sig) = (module.protos[index as usize], module.signature(number));
    let mut params: Vec<(IrType, PReg)> = sig.registers().map(|(_, _, r)| (r.ty(), r)).collect();
    if !sig.has_body() {
        params.push((IrType::I64, PReg::Rcx));
    }
    let mut b = FunctionBuilder::new(name, &params);
    b.set_loc(SrcLoc(p.line_defined.max(1)));
    for (n, (r, ..)) in sig.registers().enumerate() {
        let v = b.param(n);
        b.store64(mem::home(r), v);
    }
    for (r, tags) in sig.known() {
        // One tag: signatures have no others.
        let tag = tags.single().unwrap_or(abi::tag::NIL);
        b.store_imm(Width::W8, mem::home_tag(r), i32::from(tag));
    }
    let nargs = match sig.has_body() {
        true => b.iconst(i64::from(p.num_params)),
        false => b.param(0),
    };
    if number == index {
        b.tail_jump(
            CallTarget::Symbol(Symbol::Func(index).to_ref()),
            &[(nargs, PReg::Rcx)],
        );
    } else {
        // Not by the entry, which would come back here.
        let other = interpret(&mut b, nargs);
        enter_body(&mut b, nargs, module.signature(index), index, other);
    }
    b.finish()
}

/// Parameters `from..n` that were not given are nil.
fn fill_parameters(b: &mut FunctionBuilder, nargs: Value, from: usize, n: usize) {
    if from >= n {
        return;
    }
    let done = b.create_block();
    let mut fill = b.create_cold_block();
    b.brif(
        Cond::icmp_w(IntCc::Uge, Width::W32, nargs, n as i32),
        (done, &[]),
        (fill, &[]),
    );
    for r in (from..n).rev() {
        b.switch_to(fill);
        b.store_imm(Width::W8, mem::home_tag(r), i32::from(abi::tag::NIL));
        if r == from {
            b.jump(done, &[]);
        } else {
            fill = b.create_cold_block();
            b.brif(
                Cond::icmp_w(IntCc::Uge, Width::W32, nargs, r as i32),
                (done, &[]),
                (fill, &[]),
            );
        }
    }
    b.switch_to(done);
}

impl Lowering<'_> {
    /// Checks stacks and prepares the frame. Returns the value that says where its slots end (see [`set_slots`]).
    pub(super) fn prologue(&mut self, sig: &Signature) -> Value {
        let p = self.frame().p;
        self.source(Some(p.line_defined.max(1)));
        let given = (!sig.has_body()).then(|| self.b.param(0));
        // Native stack.
        let more = self.b.create_cold_block();
        self.b.exit_if(
            Cond::stack_below(mem::thread(abi::thread::NATIVE_LIMIT)),
            more,
            &[],
        );
        // Slots; also the poll at function entry.
        let frame_end = self.b.addr_of(mem::home(p.max_stack as usize));
        let grow = self.b.create_cold_block();
        let body = self.b.create_block();
        self.b.brif(
            Cond::icmp_mem(
                IntCc::Ult,
                Width::W64,
                mem::thread(abi::thread::STACK_LIMIT),
                frame_end,
            ),
            (grow, &[]),
            (body, &[]),
        );
        self.b.switch_to(grow);
        self.store_parameters();
        let nargs = self.argument_count_at_entry(given);
        let r = self.helper_now(Helper::grow_stack, kind::NEVER, Some(nargs));
        let leave = self.b.create_cold_block();
        self.b
            .brif(Cond::icmp(IntCc::Ne, r, 0), (leave, &[]), (body, &[]));
        self.b.switch_to(leave);
        self.b.tail_jump(
            CallTarget::Symbol(Symbol::Stub(stub::INTERP).to_ref()),
            &[(nargs, PReg::Rcx)],
        );
        self.b.switch_to(more);
        self.store_parameters();
        let nargs = self.argument_count_at_entry(given);
        let function = self.module.function(self.index);
        let entry = self.b.symbol_addr(Symbol::Func(function).to_ref());
        self.b.tail_jump(
            CallTarget::Symbol(Symbol::Stub(stub::MORE_STACK).to_ref()),
            &[(entry, PReg::Rax), (nargs, PReg::Rcx)],
        );
        self.b.switch_to(body);
        let Some(nargs) = given else {
            return frame_end;
        };
        if p.code.first().is_some_and(|i| i.op() == Op::VarArgPrep) {
            self.helper_now(Helper::vararg_prep, kind::NEVER, Some(nargs));
        } else {
            fill_parameters(&mut self.b, nargs, 0, p.num_params as usize);
        }
        frame_end
    }

    fn argument_count_at_entry(&mut self, given: Option<Value>) -> Value {
        match given {
            Some(v) => v,
            None => self.b.iconst(i64::from(self.frame().p.num_params)),
        }
    }

    /// Parameters in registers go to their home slots.
    fn store_parameters(&mut self) {
        for r in 0..self.frame().p.num_params as usize {
            let reg = self.reg(r);
            if !reg.home {
                self.store(reg, r);
            }
        }
    }
}
