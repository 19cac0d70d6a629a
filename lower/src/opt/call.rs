//! Calls and returns.

use super::facts;
use super::func::Lowering;
use super::mem;
use super::module::ParamIn;
use super::state::{Payload, Reg};
use super::tags::Tags;
use crate::Symbol;
use crate::passes::Pass;
use trinity_abi::helpers::Helper;
use trinity_abi::unit::kind;
use trinity_abi::{MAX_C_CALLS, closure, tag, thread};
use trinity_codegen::ir::{
    Block, CallTarget, Clobbers, Cond, IntCc, LoadKind, MemOp, PReg, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::{Instr, RegSet};

/// What a call returns: payload and tag of the first result, and the number of results.
#[derive(Clone, Copy)]
pub(super) struct Results {
    pub payload: Value,
    pub tag: Value,
    pub count: Value,
}

/// Results of an open call, which are in home slots up to the thread's top: the next instruction takes them.
#[derive(Clone, Copy)]
pub(crate) struct Open {
    /// Place of the instruction that takes them.
    at: (u32, u32),
    /// Register of the first.
    pub first: usize,
    /// The first one's payload and tag.
    pub value: Reg,
    /// How many there are (32 bits).
    pub count: Value,
}

impl Lowering<'_> {
    /// The open results that the present instruction takes, if a call gave them.
    pub(crate) fn open_values(&self) -> Option<Open> {
        self.open.filter(|o| o.at == (self.frame().chain, self.pc))
    }

    /// The number of arguments of a call at `R[a]`, as a value.
    pub(super) fn argument_count(&mut self, a: usize, b: usize) -> Value {
        if b > 0 {
            return self.b.iconst(b as i64 - 1);
        }
        let top = self.b.load64(mem::thread(thread::TOP));
        let first = self.slot_address(a + 1);
        let bytes = self.b.isub(top, first);
        self.b.shr(bytes, 4)
    }

    /// CALL.
    pub(crate) fn call(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        if let Some(known) = self.spec().native(self.pc)
            && (self.intrinsic(i, known) || self.direct_form(i, known))
        {
            return;
        }
        if let Some(callee) = self.known_callee(a) {
            match self.may_inline(i, callee, 1.0) {
                Ok(()) => {
                    let f = self.callee_guard(a, callee, true);
                    return self.inline_call(i, callee, f, 1.0);
                }
                Err(why) => self.remark_not_inlined(callee, why),
            }
            if self.takes(callee, b) {
                let f = self.callee_guard(a, callee, false);
                let f = f.unwrap_or_else(|| self.get(a));
                return self.direct_call(i, callee, f);
            }
        }
        if self.call_of_several(i) {
            return;
        }
        self.remark_call();
        self.call_any(i);
    }

    /// CALL of whatever is in `R[a]`.
    pub(crate) fn call_any(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let waits = self.waits_in_call(a);
        match waits {
            None => self.flush(true),
            Some(waits) => {
                let pc = self.pc as usize;
                let live = *self.frame().live.live_at(pc) | *self.frame().live.live_across(pc);
                self.store_innermost(live.minus(waits), true);
            }
        }
        let here = self.b.create_block();
        let slow = self.b.create_cold_block();
        let tags = self.tags(a);
        if tags.within(Tags::FUNCTION) {
            self.b.jump(here, &[]);
            self.b.switch_to(slow);
            self.b.trap();
        } else {
            let t = self.peek_tag(a);
            let function = self.b.isub(t, i32::from(tag::LUA_FN));
            self.b.brif(
                Cond::icmp(IntCc::Ugt, function, 1),
                (slow, &[]),
                (here, &[]),
            );
        }
        self.b.switch_to(here);
        let r = self.generic_call(a, b, kind::CALL, waits);
        if tags.within(Tags::FUNCTION) {
            return self.results(i, r);
        }
        // What is no function goes through the helper (__call), with results in home slots: it joins where the others are there, too.
        let done = self.b.create_block();
        if i.c() == 2 {
            let want = self.spec().result(self.pc).unwrap_or(facts::VALUE);
            let out = self.value_params(done, facts::VALUE);
            if self.is_open_call() {
                let before = self.state.clone();
                self.clobber_from(a);
                self.one_result_guard(a, r.payload, r.tag, r.count);
                self.state = before;
            }
            self.b.jump(done, &[r.payload, r.tag]);
            self.b.switch_to(slow);
            self.flush(false);
            self.helper_now(Helper::call, kind::NEXT, None);
            if self.is_open_call() {
                self.one_result_in_memory(a);
            }
            let p = self.b.load64(mem::home(self.slot(a)));
            let t = self.b.load(LoadKind::U8, mem::home_tag(self.slot(a)));
            self.b.jump(done, &[p, t]);
            self.b.switch_to(done);
            self.clobber_from(a);
            self.set(a, out);
            return self.result_guard(a, want);
        }
        self.store_results(i, r);
        self.b.jump(done, &[]);
        self.b.switch_to(slow);
        self.flush(false);
        self.helper_now(Helper::call, kind::NEXT, None);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        self.results_in_home(i);
    }

    /// Counts a call as nested in native code, as the reference does those of iterators; at the limit goes to `slow`.
    pub(super) fn count_native_call(&mut self, slow: Block) {
        self.native_call_left(slow);
        let count = mem::thread(thread::NCCALLS);
        self.b.mem_op(MemOp::Add, Width::W32, count, 1);
    }
    /// Goes to `full` where one more call nested in native code is one too many: for what the reference counts, and code in line does not.
    pub(super) fn native_call_left(&mut self, full: Block) {
        let last = MAX_C_CALLS as i32 - 1;
        let none = Cond::icmp_mem(IntCc::Uge, Width::W32, mem::nested_calls(), last);
        self.b.exit_if(none, full, &[]);
    }
    /// Ends what `count_native_call` began; calls that a yield crossed are no longer counted.
    pub(super) fn uncount_native_call(&mut self) {
        let count = mem::thread(thread::NCCALLS);
        let n = self.b.load(LoadKind::U32, count);
        let floor = self.b.load(LoadKind::U32, mem::thread(thread::C_FLOOR));
        let counted = self.b.create_block();
        let done = self.b.create_block();
        let above = Cond::icmp(IntCc::Ugt, n, floor);
        self.b.brif(above, (counted, &[]), (done, &[]));
        self.b.switch_to(counted);
        self.b.mem_op(MemOp::Add, Width::W32, count, -1);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    /// TFORCALL of any function: the call in line.
    pub(crate) fn iterate_by_call(&mut self, i: Instr) {
        let (a, c) = (i.a(), i.c());
        let to = a + 4;
        let waits = self.waits_in_call(to);
        if waits.is_none() {
            self.flush(true);
        }
        let here = self.b.create_block();
        let slow = self.b.create_cold_block();
        let t = self.peek_tag(a);
        let function = self.b.isub(t, i32::from(tag::LUA_FN));
        let other = Cond::icmp(IntCc::Ugt, function, 1);
        self.b.brif(other, (slow, &[]), (here, &[]));
        let before = self.state.clone();
        self.b.switch_to(here);
        for k in 0..3 {
            self.copy(to + k, a + k);
            let reg = self.reg(to + k);
            self.store(reg, self.slot(to + k));
        }
        self.count_native_call(slow);
        let r = self.generic_call(to, 3, kind::CALL, waits);
        self.uncount_native_call();
        let slot = self.slot(to);
        let done = self.b.create_block();
        let out = self.value_params(done, facts::VALUE);
        if c > 1 {
            self.fill_results(slot, c, r.count);
        }
        self.b.jump(done, &[r.payload, r.tag]);
        self.state = before;
        self.b.switch_to(slow);
        self.flush(false);
        self.helper_now(Helper::tfor_call, kind::NEXT, None);
        let p = self.b.load64(mem::home(slot));
        let t = self.b.load(LoadKind::U8, mem::home_tag(slot));
        self.b.jump(done, &[p, t]);
        self.b.switch_to(done);
        self.clobber_from(to);
        self.set(to, out);
        for k in 1..c {
            self.set(to + k, Reg::in_home(facts::VALUE));
        }
    }

    /// Registers from `r` up were overwritten by a callee's frame.
    pub(crate) fn clobber_from(&mut self, r: usize) {
        let d = self.depth();
        self.state[d][r..].fill(Reg::DEAD);
        self.exit_cache = None;
    }

    /// Results of a CALL, as they arrived.
    pub(super) fn results(&mut self, i: Instr, r: Results) {
        let (a, c) = (i.a(), i.c());
        if c == 2 {
            let want = self.spec().result(self.pc).unwrap_or(facts::VALUE);
            self.clobber_from(a);
            self.set(a, Reg::tagged(facts::VALUE, Some(r.payload), r.tag));
            if self.is_open_call() {
                self.one_result_guard(a, r.payload, r.tag, r.count);
            }
            return self.result_guard(a, want);
        }
        self.store_results(i, r);
        if c == 0 {
            self.open = Some(Open {
                at: (self.frame().chain, self.pc + 1),
                first: a,
                value: Reg::tagged(facts::VALUE, Some(r.payload), r.tag),
                count: r.count,
            });
        }
        self.results_in_home(i);
    }
    pub(crate) fn results_in_home(&mut self, i: Instr) {
        let (a, c) = (i.a(), i.c());
        self.clobber_from(a);
        for k in 0..c.saturating_sub(1) {
            self.set(a + k, Reg::in_home(facts::VALUE));
        }
        if c >= 2 {
            let want = self.spec().result(self.pc).unwrap_or(facts::VALUE);
            self.result_guard(a, want);
        }
    }
    /// Writes results to home slots: as many as the CALL wants, or all.
    pub(super) fn store_results(&mut self, i: Instr, r: Results) {
        let (a, c) = (i.a(), i.c());
        let slot = self.slot(a);
        if c != 1 {
            self.b.store64(mem::home(slot), r.payload);
            self.b.store(Width::W8, mem::home_tag(slot), r.tag);
        }
        if c == 0 {
            self.open_results(a, r.count);
        } else if c > 2 {
            self.fill_results(slot, c - 1, r.count);
        }
    }

    /// Missing results (of `wanted`, the first is stored already) are nil.
    pub(super) fn fill_results(&mut self, slot: usize, wanted: usize, count: Value) {
        let full = self.b.create_block();
        let mut fill = self.b.create_cold_block();
        self.b.brif(
            Cond::icmp_w(IntCc::Uge, Width::W32, count, wanted as i32),
            (full, &[]),
            (fill, &[]),
        );
        for k in (1..wanted).rev() {
            self.b.switch_to(fill);
            self.b
                .store_imm(Width::W8, mem::home_tag(slot + k), i32::from(tag::NIL));
            if k == 1 {
                self.b.jump(full, &[]);
            } else {
                fill = self.b.create_cold_block();
                self.b.brif(
                    Cond::icmp_w(IntCc::Uge, Width::W32, count, k as i32),
                    (full, &[]),
                    (fill, &[]),
                );
            }
        }
        self.b.switch_to(full);
    }

    /// Registers below `R[a]` that wait in a call there on the native stack. `None`: in home slots, which takes less code where calls and slow
    /// paths follow one another.
    pub(super) fn waits_in_call(&self, a: usize) -> Option<RegSet> {
        let pc = self.pc as usize;
        let live = *self.frame().live.live_across(pc);
        (self.module.passes.has(Pass::Waiting) && self.spec().is_hot(self.pc))
            .then(|| live.minus(RegSet::range(a, 256)))
    }

    /// The call sequence for the function in `R[a]` (already known to be one, everything in home slots).
    pub(super) fn generic_call(
        &mut self,
        a: usize,
        b: usize,
        kind: u8,
        waits: Option<RegSet>,
    ) -> Results {
        let f = self.peek_bits(a);
        let nargs = self.argument_count(a, b);
        let at = mem::proto(f, closure::CODE);
        let code = match waits {
            None => CallTarget::Mem(at),
            // The function itself may wait.
            Some(_) => CallTarget::Value(self.b.load64(at)),
        };
        self.b.store_imm(Width::W8, mem::tail_mark(self.slot(a)), 0);
        self.enter(a, code, &[(nargs, PReg::Rcx)], kind, waits)
    }

    /// Moves the base, calls, and moves it back. The function is in its home slot, the mark cleared. `waits`: registers of the innermost frame
    /// that need not be in home slots meanwhile, nor what the frames around it wait with.
    pub(super) fn enter(
        &mut self,
        a: usize,
        target: CallTarget,
        args: &[(Value, PReg)],
        kind: u8,
        waits: Option<RegSet>,
    ) -> Results {
        let slot = self.slot(a);
        self.move_base(slot as i32 + 1);
        let sp = self.safepoint(kind, a + 1);
        let rets = self.b.call(
            target,
            args,
            &[
                (IrType::I64, PReg::Rax),
                (IrType::I64, PReg::Rdx),
                (IrType::I64, PReg::Rcx),
            ],
            Clobbers::All,
            sp,
        );
        if let (Some(waits), Some(sp)) = (waits, sp) {
            self.name_waiting(sp, waits);
        }
        self.move_base(-(slot as i32 + 1));
        Results {
            payload: rets[0],
            tag: rets[1],
            count: rets[2],
        }
    }

    // ---- direct calls

    /// The function of this module that is in `R[a]` by the program's text, or was always called here, if the typed lowering compiles it.
    pub(super) fn known_callee(&self, a: usize) -> Option<u32> {
        let seen = || self.spec().callee(self.pc);
        let f = self.function_in(a).or_else(seen)?;
        (*self.module.typed.get(f as usize)?).then_some(f)
    }
    /// The function that a register is known to be.
    pub(super) fn function_in(&self, r: usize) -> Option<u32> {
        match self.reg(r).p {
            Payload::Value(v) => self.functions.get(&v).copied(),
            Payload::Virtual(id) => self.virtual_function(id),
            _ => None,
        }
    }
    /// A direct call passes as many arguments as there are parameters.
    pub(crate) fn takes(&self, callee: u32, b: usize) -> bool {
        let p = self.module.protos[callee as usize];
        b > 0 && !p.is_vararg && b - 1 == p.num_params as usize
    }
    /// Leaves unless `R[a]` is the function `callee` of this module; its closure, or `None` if it is virtual. `in_line`: its code is to follow; else
    /// it must be still compiled, too.
    pub(crate) fn callee_guard(&mut self, a: usize, callee: u32, in_line: bool) -> Option<Value> {
        self.guard(a, Tags::of(tag::LUA_FN));
        if in_line && self.function_in(a) == Some(callee) {
            return match self.virtual_in(a) {
                Some(_) => None,
                None => Some(self.get(a)),
            };
        }
        self.remark_callee(callee);
        let f = self.get(a);
        let exit = self.exit_block();
        // A function that calls itself is most often the same closure: its captured variables are then the same, too.
        if let Some(n) = self.frames.iter().rposition(|f| f.func == callee)
            && self.virtual_closure(n).is_none()
        {
            let own = self.closure_at(n);
            let own = own.unwrap_or_else(|| self.b.load64(mem::own_closure()));
            self.b.exit_if(Cond::icmp(IntCc::Ne, f, own), exit, &[]);
            return Some(own);
        }
        let code = self.b.symbol_addr(Symbol::Func(callee).to_ref());
        self.b.exit_if(
            Cond::icmp_mem(IntCc::Ne, Width::W64, mem::proto(f, closure::CODE), code),
            exit,
            &[],
        );
        Some(f)
    }

    /// A call of one function, whose closure is `f`: its code pointer said that it is that one and still compiled; arguments go as it takes them.
    pub(crate) fn direct_call(&mut self, i: Instr, callee: u32, f: Value) {
        let (a, b) = (i.a(), i.b());
        let (target, sig) = self.entered(callee, a + 1);
        for (n, tags) in sig.known() {
            self.guard(a + 1 + n, tags);
        }
        // Function and what the callee takes from home slots.
        let pc = self.pc as usize;
        let mut taken = RegSet::EMPTY;
        let mut args = Vec::new();
        for (n, p) in sig.params.iter().enumerate() {
            match p {
                ParamIn::Home => taken.insert(a + 1 + n),
                ParamIn::Register(_, r) => args.push((a + 1 + n, *r)),
                ParamIn::Tag(_) => {}
            }
        }
        let waits = match self.module.passes.has(Pass::Waiting) {
            true => Some(self.frame().live.live_across(pc).minus(taken)),
            false => None,
        };
        match waits {
            Some(_) => self.store_innermost(taken, true),
            None => self.flush(true),
        }
        if !self.reg(a).home {
            self.b.store64(mem::home(self.slot(a)), f);
        }
        // Tag and mark at once.
        let tag = i32::from(tag::LUA_FN);
        self.b
            .store_imm(Width::W32, mem::home_tag(self.slot(a)), tag);
        let mut list = Vec::new();
        for (r, preg) in args {
            list.push((self.get(r), preg));
        }
        if !sig.has_body() {
            let n = self.b.iconst(b as i64 - 1);
            list.push((n, PReg::Rcx));
        }
        let target = CallTarget::Symbol(target.to_ref());
        let r = self.enter(a, target, &list, kind::CALL, waits);
        self.results(i, r);
    }
}
