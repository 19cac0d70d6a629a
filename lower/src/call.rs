//! Calls and returns.

use crate::func::{FnLower, home, home_tag};
use crate::types::Type;
use trinity_abi::helpers::Helper;
use trinity_abi::unit::kind;
use trinity_abi::{TAIL_NATIVE, VALUE_TAIL, closure, tag, thread};
use trinity_codegen::ir::{
    Addr, CallTarget, Clobbers, Cond, IntCc, LoadKind, PReg, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::Instr;

/// The tail-call mark of a function put into R[a].
fn home_tail(a: usize) -> Addr {
    Addr::base(16 * a as i32 + VALUE_TAIL)
}
/// The tail-call mark of the running frame's function slot.
fn entry_tail() -> Addr {
    Addr::base(VALUE_TAIL - 16)
}

impl FnLower<'_> {
    /// The number of arguments of a call at R[a], as a value.
    fn argument_count(&mut self, a: usize, b: usize) -> Value {
        if b > 0 {
            return self.b.iconst(b as i64 - 1);
        }
        let top = self.b.load64(Addr::thread(thread::TOP));
        let first = self.slot_address(a + 1);
        let bytes = self.b.isub(top, first);
        self.b.shr(bytes, 4)
    }

    /// CALL.
    pub(crate) fn call(&mut self, i: Instr) {
        let (a, b, c) = (i.a(), i.b(), i.c());
        let done = self.b.create_block();
        // What is no function goes through the helper (__call).
        let slow = {
            let here = self.b.current();
            let slow = self.b.create_cold_block();
            self.b.switch_to(slow);
            self.helper(Helper::call, kind::NEXT);
            self.b.jump(done, &[]);
            self.b.switch_to(here);
            slow
        };
        let t = self.b.load(LoadKind::U8, home_tag(a));
        let function = self.b.isub(t, tag::LUA_FN as i32);
        self.b
            .exit_if(Cond::icmp(IntCc::Ugt, function, 1), slow, &[]);
        let (payload, first_tag, count) = self.emit_call(a, b, kind::CALL);
        if c != 1 {
            self.store_both(a, payload, first_tag);
        }
        if c == 0 {
            self.open_results(a, count);
        } else if c > 2 {
            self.fill_results(a, c - 1, count);
        }
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        self.forget_payloads();
        self.clobber_from(a);
    }

    /// Missing results (of `wanted`, the first is stored already) are nil.
    fn fill_results(&mut self, a: usize, wanted: usize, count: Value) {
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
                .store_imm(Width::W8, home_tag(a + k), tag::NIL as i32);
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

    /// TAILCALL of a Lua function: function and arguments move to this frame's function slot, the frame goes, and the callee is entered by a
    /// jump. A native function is called from here, as the reference does, so that it sees its caller.
    pub(crate) fn tail_call(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let general = self.b.create_cold_block();
        let native = self.b.create_cold_block();
        let open = self.b.create_cold_block();
        let t = self.b.load(LoadKind::U8, home_tag(a));
        self.b
            .exit_if(Cond::icmp(IntCc::Eq, t, tag::NATIVE_FN as i32), native, &[]);
        if b > 0 && !self.p.is_vararg {
            self.b
                .exit_if(Cond::icmp(IntCc::Ne, t, tag::LUA_FN as i32), general, &[]);
            let f = self.b.load64(home(a));
            // Upwards, each below its source: R[a] to the function slot, R[a + k] to R[k - 1].
            self.b.store64(Addr::base(-16), f);
            self.b.store(Width::W8, Addr::base(-8), t);
            self.b.store_imm(Width::W8, entry_tail(), 1);
            for k in 1..b {
                let p = self.b.load64(home(a + k));
                let kt = self.b.load(LoadKind::U8, home_tag(a + k));
                self.store_both(k - 1, p, kt);
            }
            let n = self.b.iconst(b as i64 - 1);
            self.b.tail_jump(
                CallTarget::Mem(Addr::value(f, closure::CODE)),
                &[(n, PReg::Rcx)],
            );
        } else {
            self.b.jump(general, &[]);
        }
        self.b.switch_to(general);
        let count = self.helper(Helper::tailcall, kind::NEVER);
        // `__call` led to a native function.
        self.b
            .exit_if(Cond::icmp(IntCc::Eq, count, TAIL_NATIVE as i32), open, &[]);
        let f = self.b.load64(Addr::base(-16));
        self.b.store_imm(Width::W8, entry_tail(), 1);
        self.b.tail_jump(
            CallTarget::Mem(Addr::value(f, closure::CODE)),
            &[(count, PReg::Rcx)],
        );
        self.b.switch_to(native);
        if b > 0 {
            let end = self.slot_address(a + b);
            self.b.store64(Addr::thread(thread::TOP), end);
        }
        self.b.jump(open, &[]);
        // A native function is called, and its results returned: for messages the frame is still there.
        self.b.switch_to(open);
        let (payload, first_tag, count) = self.emit_call(a, 0, kind::TAIL);
        self.store_both(a, payload, first_tag);
        self.open_results(a, count);
        let n = self.helper(Helper::ret, kind::TAIL);
        self.return_from_memory(n);
    }

    /// The call sequence for the function in R[a] (already known to be one); its first result and their count.
    fn emit_call(&mut self, a: usize, b: usize, kind: u8) -> (Value, Value, Value) {
        let f = self.b.load64(home(a));
        let nargs = self.argument_count(a, b);
        self.b.store_imm(Width::W8, home_tail(a), 0);
        let delta = a + 1;
        self.move_base(delta as i32);
        let sp = self.call_safepoint(kind, delta);
        let rets = self.b.call(
            CallTarget::Mem(Addr::value(f, closure::CODE)),
            &[(nargs, PReg::Rcx)],
            &[
                (IrType::I64, PReg::Rax),
                (IrType::I64, PReg::Rdx),
                (IrType::I64, PReg::Rcx),
            ],
            Clobbers::All,
            sp,
        );
        self.move_base(-(delta as i32));
        (rets[0], rets[1], rets[2])
    }

    /// `count` results are from R[a] on: they end at the thread's top.
    fn open_results(&mut self, a: usize, count: Value) {
        let n = self.b.zext32(count);
        let bytes = self.b.shl(n, 4);
        let func = self.slot_address(a);
        let top = self.b.iadd(func, bytes);
        self.b.store64(Addr::thread(thread::TOP), top);
    }

    /// Results are at the entry function slot and rbx is the entry base.
    fn return_from_memory(&mut self, count: Value) {
        let some = self.b.create_block();
        let none = self.b.create_block();
        self.b.brif(
            Cond::icmp_w(IntCc::Ne, Width::W32, count, 0),
            (some, &[]),
            (none, &[]),
        );
        self.b.switch_to(some);
        let payload = self.b.load64(Addr::base(-16));
        let t = self.b.load(LoadKind::U8, Addr::base(-8));
        self.b
            .ret(&[(payload, PReg::Rax), (t, PReg::Rdx), (count, PReg::Rcx)]);
        self.b.switch_to(none);
        let zero = self.b.iconst(0);
        self.b
            .ret(&[(zero, PReg::Rax), (zero, PReg::Rdx), (zero, PReg::Rcx)]);
    }

    /// RETURN, RETURN0, RETURN1: `count` values from R[a] on; `None`: open, or closing, or from a vararg function.
    pub(crate) fn return_values(&mut self, a: usize, count: Option<usize>) {
        let count = match count {
            Some(n) if !self.p.is_vararg => n,
            _ => {
                let n = self.helper(Helper::ret, kind::TAIL);
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
        let payload = if self.ty[a] == Type::Float {
            self.b.load64(home(a))
        } else {
            self.load_bits(a)
        };
        let t = self.load_tag(a);
        for k in 1..count {
            // Upwards: the destination, R[k - 1], is below every source still to be read.
            let p = self.b.load64(home(a + k));
            let kt = self.b.load(LoadKind::U8, home_tag(a + k));
            self.store_both(k - 1, p, kt);
        }
        self.b
            .ret(&[(payload, PReg::Rax), (t, PReg::Rdx), (n, PReg::Rcx)]);
    }
}
