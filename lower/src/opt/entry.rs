//! How a function begins: its generic entry (the adapter), the checks of both stacks, parameters.

use super::func::Lowering;
use super::mem;
use super::module::Signature;
use crate::Symbol;
use trinity_abi as abi;
use trinity_abi::helpers::{Helper, stub};
use trinity_abi::unit::kind;
use trinity_codegen::ir::{
    CallTarget, Cond, Function, FunctionBuilder, Inst, IntCc, PReg, SrcLoc, Type as IrType, Value,
    Width,
};
use trinity_frontend::bytecode::{Op, Proto};

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

/// The generic entry of a function whose body takes arguments in registers: checks the tags, loads the payloads, goes to the body. What does not
/// fit is interpreted.
pub(super) fn adapter(p: &Proto, sig: &Signature, index: u32, name: &str) -> Function {
    let mut b = FunctionBuilder::new(name, &[(IrType::I64, PReg::Rcx)]);
    b.set_loc(SrcLoc(p.line_defined.max(1)));
    let nargs = b.param(0);
    let other = b.create_cold_block();
    b.switch_to(other);
    b.tail_jump(
        CallTarget::Symbol(Symbol::Stub(stub::INTERP).to_ref()),
        &[(nargs, PReg::Rcx)],
    );
    b.switch_to(b.entry());
    let needed = sig.registers().map(|(r, ..)| r + 1).max().unwrap_or(0);
    b.exit_if(
        Cond::icmp_w(IntCc::Ult, Width::W32, nargs, needed as i32),
        other,
        &[],
    );
    fill_parameters(&mut b, nargs, needed, p.num_params as usize);
    let mut args = Vec::new();
    for (r, tags, preg) in sig.registers() {
        // One tag: signatures have no others.
        let tag = tags.single().unwrap_or(abi::tag::NIL);
        b.exit_if(
            Cond::icmp_mem(IntCc::Ne, Width::W8, mem::home_tag(r), i32::from(tag)),
            other,
            &[],
        );
        let v = if preg.is_xmm() {
            b.loadf(mem::home(r))
        } else {
            b.load64(mem::home(r))
        };
        args.push((v, preg));
    }
    b.tail_jump(CallTarget::Symbol(Symbol::Body(index).to_ref()), &args);
    b.finish()
}

/// The body of a function that takes its arguments from home slots all the same: writes them there and goes to the generic entry.
pub fn forwarder(p: &Proto, sig: &Signature, index: u32, name: &str) -> Function {
    let params: Vec<(IrType, PReg)> = sig.registers().map(|(_, _, r)| (r.ty(), r)).collect();
    let mut b = FunctionBuilder::new(name, &params);
    b.set_loc(SrcLoc(p.line_defined.max(1)));
    for (n, (r, tags, _)) in sig.registers().enumerate() {
        let v = b.param(n);
        b.store64(mem::home(r), v);
        // One tag: signatures have no others.
        let tag = tags.single().unwrap_or(abi::tag::NIL);
        b.store_imm(Width::W8, mem::home_tag(r), i32::from(tag));
    }
    let nargs = b.iconst(i64::from(p.num_params));
    b.tail_jump(
        CallTarget::Symbol(Symbol::Func(index).to_ref()),
        &[(nargs, PReg::Rcx)],
    );
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
        let entry = self.b.symbol_addr(Symbol::Func(self.index).to_ref());
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
