//! Tail calls and returns.

use super::func::Lowering;
use super::mem;
use super::state::{Payload, Reg};
use crate::Symbol;
use trinity_abi::helpers::{Helper, stub};
use trinity_abi::unit::kind;
use trinity_abi::{TAIL_NATIVE, VALUE_TAIL, closure, tag, thread};
use trinity_codegen::ir::{CallTarget, Clobbers, Cond, IntCc, LoadKind, PReg, Value, Width};
use trinity_frontend::bytecode::Instr;

impl Lowering<'_> {
    // ---- tail calls and returns

    /// TAILCALL of a Lua function: function and arguments move to this frame's function slot, the frame goes, and the callee is entered by a
    /// jump. A native function is called from here, as the reference does, so that it sees its caller.
    pub(crate) fn tail_call(&mut self, i: Instr) {
        if let Some(known) = self.spec().native(self.pc)
            && self.tail_call_of_library(i, known)
        {
            return;
        }
        if self.depth() > 0 {
            // Of inlined functions only such calls are expected.
            if self.inline_tail_call(i) {
                return;
            }
            return self.leave_at(self.pc, stub::GUARD);
        }
        self.remark_call();
        self.general_tail_call(i);
    }

    /// Stores `R[r]` in the home slot `to`.
    pub(crate) fn move_argument(&mut self, r: usize, to: usize) {
        let reg = self.reg(r);
        if reg.home {
            let p = self.b.load64(mem::home(r));
            let t = self.b.load(LoadKind::U8, mem::home_tag(r));
            self.b.store64(mem::home(to), p);
            self.b.store(Width::W8, mem::home_tag(to), t);
        } else {
            self.store(reg, to);
        }
    }

    pub(crate) fn general_tail_call(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let general = self.b.create_cold_block();
        let native = self.b.create_cold_block();
        let open = self.b.create_cold_block();
        let t = self.peek_tag(a);
        let before = self.state.clone();
        self.b.exit_if(
            Cond::icmp(IntCc::Eq, t, i32::from(tag::NATIVE_FN)),
            native,
            &[],
        );
        // Open arguments are most often one result of a call.
        let one = self.open_values().filter(|_| b == 0);
        if (b > 0 || one.is_some()) && !self.frame().p.is_vararg {
            self.b.exit_if(
                Cond::icmp(IntCc::Ne, t, i32::from(tag::LUA_FN)),
                general,
                &[],
            );
            let mut b = b;
            if let Some(o) = one {
                let other = Cond::icmp_w(IntCc::Ne, Width::W32, o.count, 1);
                self.b.exit_if(other, general, &[]);
                b = o.first - a + 1;
                self.set(o.first, o.value);
            }
            let f = self.peek_bits(a);
            self.tail_calls_of_known(a, b, f, general);
            // Upwards, each below its source: R[a] to the function slot, R[a + k] to R[k - 1].
            self.b.store64(mem::function_slot(0), f);
            self.b.store(Width::W8, mem::function_slot(8), t);
            self.b
                .store_imm(Width::W8, mem::function_slot(VALUE_TAIL), 1);
            for k in 1..b {
                self.move_argument(a + k, k - 1);
            }
            let n = self.b.iconst(b as i64 - 1);
            self.b.tail_jump(
                CallTarget::Mem(mem::proto(f, closure::CODE)),
                &[(n, PReg::Rcx)],
            );
        } else {
            self.b.jump(general, &[]);
        }
        // Home slots are written where somebody looks.
        self.state = before;
        self.b.switch_to(general);
        self.flush(false);
        let count = self.helper_now(Helper::tailcall, kind::NEVER, None);
        // `__call` led to a native function.
        self.b
            .exit_if(Cond::icmp(IntCc::Eq, count, TAIL_NATIVE as i32), open, &[]);
        let f = self.b.load64(mem::function_slot(0));
        self.b
            .store_imm(Width::W8, mem::function_slot(VALUE_TAIL), 1);
        self.b.tail_jump(
            CallTarget::Mem(mem::proto(f, closure::CODE)),
            &[(count, PReg::Rcx)],
        );
        self.b.switch_to(native);
        self.flush(false);
        if b > 0 {
            let end = self.slot_address(a + b);
            self.b.store64(mem::thread(thread::TOP), end);
        }
        self.b.jump(open, &[]);
        // A native function is called, and its results returned: for messages the frame is still there.
        self.b.switch_to(open);
        let f = self.b.load64(mem::home(a));
        let nargs = self.argument_count(a, 0);
        let code = CallTarget::Mem(mem::proto(f, closure::CODE));
        self.b.store_imm(Width::W8, mem::tail_mark(self.slot(a)), 0);
        let r = self.enter(a, code, &[(nargs, PReg::Rcx)], kind::TAIL, None);
        if !self.frame().p.is_vararg {
            let several = self.b.create_cold_block();
            let other = Cond::icmp_w(IntCc::Ne, Width::W32, r.count, 1);
            self.b.exit_if(other, several, &[]);
            let values = [
                (r.payload, PReg::Rax),
                (r.tag, PReg::Rdx),
                (r.count, PReg::Rcx),
            ];
            self.b.ret(&values);
            self.b.switch_to(several);
        }
        self.b.store64(mem::home(a), r.payload);
        self.b.store(Width::W8, mem::home_tag(a), r.tag);
        self.open_results(a, r.count);
        // The top is behind the results, not behind arguments that were open.
        let ret = Symbol::Helper(Helper::ret);
        let n = self.helper_by(ret, Clobbers::All, kind::TAIL, None);
        self.return_from_memory(n);
    }

    /// `count` results are from `R[a]` on: they end at the thread's top.
    pub(crate) fn open_results(&mut self, a: usize, count: Value) {
        let n = self.b.zext32(count);
        let bytes = self.b.shl(n, 4);
        let func = self.slot_address(a);
        let top = self.b.iadd(func, bytes);
        self.b.store64(mem::thread(thread::TOP), top);
    }

    /// Results are at the entry function slot and rbx is the entry base.
    pub(super) fn return_from_memory(&mut self, count: Value) {
        let some = self.b.create_block();
        let none = self.b.create_block();
        self.b.brif(
            Cond::icmp_w(IntCc::Ne, Width::W32, count, 0),
            (some, &[]),
            (none, &[]),
        );
        self.b.switch_to(some);
        let payload = self.b.load64(mem::function_slot(0));
        let t = self.b.load(LoadKind::U8, mem::function_slot(8));
        self.b
            .ret(&[(payload, PReg::Rax), (t, PReg::Rdx), (count, PReg::Rcx)]);
        self.b.switch_to(none);
        let zero = self.b.iconst(0);
        self.b
            .ret(&[(zero, PReg::Rax), (zero, PReg::Rdx), (zero, PReg::Rcx)]);
    }

    /// RETURN that closes variables: the helper's where any variable of the thread waits for that.
    pub(crate) fn return_closing(&mut self, a: usize, count: usize) {
        if self.depth() == 0 && !self.frame().p.is_vararg {
            let slow = self.b.create_cold_block();
            let waiting = mem::thread(trinity_abi::thread::CLOSING);
            let some = Cond::icmp_mem(IntCc::Ne, Width::W32, waiting, 0);
            self.b.exit_if(some, slow, &[]);
            let (here, saved) = (self.b.current(), self.state.clone());
            self.b.switch_to(slow);
            self.return_values(a, None);
            self.state = saved;
            self.b.switch_to(here);
        }
        self.return_values(a, Some(count));
    }
    /// RETURN, RETURN0, RETURN1: `count` values from `R[a]` on; `None`: open, or from a vararg function, or there is something to close.
    pub(crate) fn return_values(&mut self, a: usize, count: Option<usize>) {
        if self.depth() > 0 {
            // What is inlined returns a fixed number of values.
            return self.inline_return(a, count.unwrap_or(0));
        }
        let count = match count {
            Some(n) if !self.frame().p.is_vararg => n,
            _ => {
                self.flush(true);
                let n = self.helper_now(Helper::ret, kind::TAIL, None);
                return self.return_from_memory(n);
            }
        };
        let n = self.b.iconst(count as i64);
        if count == 0 {
            let zero = self.b.iconst(0);
            return self
                .b
                .ret(&[(zero, PReg::Rax), (zero, PReg::Rdx), (n, PReg::Rcx)]);
        }
        let payload = self.peek_bits(a);
        let t = self.peek_tag(a);
        for k in 1..count {
            // Upwards: the destination, R[k - 1], is below every source still to be read.
            let reg = self.reg(a + k);
            if reg.home && reg.p == Payload::None {
                let p = self.b.load64(mem::home(a + k));
                let kt = self.peek_tag(a + k);
                self.b.store64(mem::home(k - 1), p);
                self.b.store(Width::W8, mem::home_tag(k - 1), kt);
            } else {
                let full = Reg {
                    t: reg
                        .t
                        .or_else(|| reg.tags.single().is_none().then(|| self.peek_tag(a + k))),
                    ..reg
                };
                self.store(full, k - 1);
            }
        }
        self.b
            .ret(&[(payload, PReg::Rax), (t, PReg::Rdx), (n, PReg::Rcx)]);
    }
}
