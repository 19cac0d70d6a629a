//! The loop.
//!
//! An instruction that its fast path does not cover leaves its block by a label: `'step` (complete definition in `ops`, result in its
//! home slot), `'test` (the same for jumps), `'poll` (a backward jump with pending work). So the loop holds one copy of each slow path's
//! bookkeeping.
//!
//! SAFETY: the verifier has checked every chunk: opcodes, registers below `max_stack`, constants, caches and jumps are in range. Home
//! slots may move in any call; the base is set again after each.

use super::calls::{self, Native};
use super::lookup::{field_miss, store_miss};
use super::regs::{Regs, array_get, array_set, float_of};
use super::{Exit, Last, frame, ops, slow};
use crate::arith;
use crate::closure;
use crate::debug::hook;
use crate::heap;
use crate::table;
use crate::thread::{CallInfo, Lua};
use crate::value::{Value, tag};
use std::ptr::{null, null_mut};
use trinity_frontend::bytecode::Op;
use trinity_frontend::bytecode::op::{ALL_OPS, OP_COUNT};

/// See [`super::execute`]. `start`: the record is at its function's start.
pub(super) unsafe fn run<const HOOKS: bool, const OBSERVE: bool>(
    l: Lua,
    first: *mut CallInfo,
    start: bool,
) -> Exit {
    unsafe {
        let th = l.thread();
        let g = (*th).global;

        // Calls the call hook of the function that starts in the record.
        macro_rules! call_hook {
            ($ci:expr) => {
                if HOOKS && frame::call_hook(l, $ci).is_err() {
                    return Exit::Raised;
                }
            };
        }
        if start {
            call_hook!(first);
        }
        let mut s = Regs::enter(first);
        let mut last = Last {
            ci: null_mut(),
            proto: null_mut(),
            pc: null(),
            start,
        };

        'next: loop {
            if HOOKS {
                s.save_before();
                if (*th).hook.is_none() {
                    return Exit::Switch;
                }
                if hook::trace_exec(l, s.ci).is_err() {
                    return Exit::Raised;
                }
                s.reload();
            }
            if OBSERVE && let Some(o) = (*g).observer {
                o.before(l, s.ci, s.base, s.pc, &mut last);
            }

            macro_rules! next {
                () => {{
                    s.pc = s.pc.add(1);
                    continue 'next;
                }};
            }
            // Continues at `pc`; hooks may have been set by what was called.
            macro_rules! go {
                () => {{
                    if !HOOKS && (*th).hook.is_some() {
                        s.save_before();
                        return Exit::Switch;
                    }
                    continue 'next;
                }};
            }
            macro_rules! check {
                ($r:expr) => {
                    match $r {
                        Ok(v) => v,
                        Err(_) => return Exit::Raised,
                    }
                };
            }

            'poll: {
                'test: {
                    'step: {
                        macro_rules! jump_to {
                            ($d:expr) => {{
                                s.pc = s.pc.offset($d + 1);
                                continue 'next;
                            }};
                        }
                        macro_rules! jump {
                            () => {{
                                let d = s.sd();
                                if d < 0 && (*th).poll != 0 {
                                    break 'poll;
                                }
                                jump_to!(d);
                            }};
                        }
                        macro_rules! jump_if {
                            ($c:expr) => {{
                                if $c {
                                    jump!();
                                }
                                next!();
                            }};
                        }
                        // A safe point, before the instruction has done anything.
                        macro_rules! gc_point {
                            () => {
                                if heap::gc_due(g) {
                                    s.base = slow::gc(l, s.ci, s.pc);
                                }
                            };
                        }
                        // Arithmetic on two operands: integers, or numbers as floats.
                        macro_rules! float {
                            ($x:expr, $y:expr, $f:expr) => {{
                                let Some(x) = float_of($x) else { break 'step };
                                let Some(y) = float_of($y) else { break 'step };
                                s.set_float($f(x, y));
                                next!();
                            }};
                        }
                        macro_rules! int {
                            ($x:expr, $y:expr, $f:expr) => {
                                if (*$x).t == tag::INT && (*$y).t == tag::INT {
                                    s.set_int($f((*$x).as_int(), (*$y).as_int()));
                                    next!();
                                }
                            };
                        }
                        macro_rules! arith {
                            ($y:expr, $int:expr, $float:expr) => {{
                                let (x, y) = (s.rb(), $y);
                                int!(x, y, $int);
                                float!(x, y, $float);
                            }};
                        }
                        // The same for division, which refuses integer zero.
                        macro_rules! divide {
                            ($y:expr, $int:expr, $float:expr) => {{
                                let y = $y;
                                if (*y).t == tag::INT && (*y).p == 0 {
                                    break 'step;
                                }
                                arith!(y, $int, $float);
                            }};
                        }
                        macro_rules! bitwise {
                            ($y:expr, $f:expr) => {{
                                let (x, y) = (s.rb(), $y);
                                int!(x, y, $f);
                                break 'step;
                            }};
                        }
                        macro_rules! unary {
                            ($int:expr, $float:expr) => {{
                                let x = s.rb();
                                if (*x).t == tag::INT {
                                    s.set_int($int((*x).as_int()));
                                    next!();
                                }
                                if (*x).t == tag::FLOAT {
                                    s.set_float($float((*x).as_float()));
                                    next!();
                                }
                                break 'step;
                            }};
                        }
                        // Order of two registers, and of a register and an immediate.
                        macro_rules! order {
                            ($want:expr, $int:expr, $float:expr) => {{
                                let (x, y) = (s.ra(), s.rb());
                                if (*x).t == tag::INT && (*y).t == tag::INT {
                                    jump_if!($int(&(*x).as_int(), &(*y).as_int()) == $want);
                                }
                                if (*x).t == tag::FLOAT && (*y).t == tag::FLOAT {
                                    jump_if!($float(&(*x).as_float(), &(*y).as_float()) == $want);
                                }
                                break 'test;
                            }};
                        }
                        macro_rules! order_imm {
                            ($want:expr, $int:expr, $float:expr) => {{
                                let x = s.ra();
                                if (*x).t == tag::INT {
                                    jump_if!($int(&(*x).as_int(), &(s.sb() as i64)) == $want);
                                }
                                if (*x).t == tag::FLOAT {
                                    jump_if!($float(&(*x).as_float(), &(s.sb() as f64)) == $want);
                                }
                                break 'test;
                            }};
                        }
                        macro_rules! equal_regs {
                            ($want:expr) => {{
                                let (x, y) = (*s.ra(), *s.rb());
                                if x.t == y.t {
                                    match x.t {
                                        tag::INT | tag::SHORT_STR => {
                                            jump_if!((x.p == y.p) == $want)
                                        }
                                        tag::FLOAT => {
                                            jump_if!((x.as_float() == y.as_float()) == $want)
                                        }
                                        tag::NIL | tag::FALSE | tag::TRUE => jump_if!($want),
                                        _ if x.p == y.p => jump_if!($want),
                                        tag::TABLE | tag::USERDATA | tag::LONG_STR => break 'test,
                                        _ => jump_if!(!$want),
                                    }
                                }
                                if x.is_number() && y.is_number() {
                                    break 'test;
                                }
                                jump_if!(!$want);
                            }};
                        }
                        macro_rules! equal_const {
                            ($want:expr) => {{
                                let (x, y) = (*s.ra(), *s.kb());
                                if x.t == y.t && x.t != tag::FLOAT && x.t != tag::LONG_STR {
                                    jump_if!((x.p == y.p || x.t < tag::INT) == $want);
                                }
                                if x.t != y.t && !(x.is_number() && y.is_number()) {
                                    jump_if!(!$want);
                                }
                                break 'test;
                            }};
                        }
                        macro_rules! equal_imm {
                            ($want:expr) => {{
                                let x = *s.ra();
                                if x.t == tag::INT {
                                    jump_if!((x.as_int() == s.sb() as i64) == $want);
                                }
                                if x.t == tag::FLOAT {
                                    jump_if!((x.as_float() == s.sb() as f64) == $want);
                                }
                                jump_if!(!$want);
                            }};
                        }
                        // o[K[c]] through the caches, for a table `o`.
                        macro_rules! get_field {
                            ($o:expr, |$v:ident| $store:expr) => {{
                                let o: Value = $o;
                                if o.t == tag::TABLE {
                                    let (t, cache) = (o.as_table(), s.cache());
                                    if let Some($v) = table::cached_get(g, t, cache) {
                                        $store;
                                        next!();
                                    }
                                    let mut $v = Value::NIL;
                                    if field_miss(g, t, s.name_c(), cache, &mut $v) {
                                        $store;
                                        next!();
                                    }
                                }
                                break 'step;
                            }};
                        }
                        macro_rules! set_field {
                            ($o:expr) => {{
                                let o: Value = $o;
                                if o.t == tag::TABLE {
                                    let (t, v, cache) = (o.as_table(), s.rkc(), s.cache());
                                    if table::cached_set(g, t, v, cache)
                                        || store_miss(g, t, s.name_b(), v, cache)
                                    {
                                        next!();
                                    }
                                }
                                break 'step;
                            }};
                        }
                        macro_rules! get_int {
                            ($n:expr) => {{
                                let (o, n): (Value, i64) = (*s.rb(), $n);
                                if o.t == tag::TABLE {
                                    let t = o.as_table();
                                    let v = array_get(t, n);
                                    if !v.is_nil() {
                                        s.set(v);
                                        next!();
                                    }
                                    if (*t).metatable.is_null() {
                                        s.set(table::get_int(t, n));
                                        next!();
                                    }
                                }
                                break 'step;
                            }};
                        }
                        macro_rules! set_int {
                            ($n:expr) => {{
                                let (o, n): (Value, i64) = (*s.ra(), $n);
                                if o.t == tag::TABLE {
                                    let t = o.as_table();
                                    let v = s.rkc();
                                    if array_set(t, n, v)
                                        || (*t).metatable.is_null()
                                            && table::set_int(g, t, n, v).is_ok()
                                    {
                                        next!();
                                    }
                                }
                                break 'step;
                            }};
                        }
                        // The record `new` of an interpreted callee, or None: results are in place.
                        macro_rules! called {
                            ($new:expr) => {{
                                match check!($new) {
                                    None => {
                                        s.reload();
                                        s.pc = s.pc.add(1);
                                    }
                                    Some(new) => {
                                        call_hook!(new);
                                        s = Regs::enter(new);
                                    }
                                }
                                go!();
                            }};
                        }

                        // The table is the identity. A switch on the loaded byte makes LLVM replicate the dispatch behind
                        // every instruction (see .cargo/config.toml); on the instruction's own bits it does not.
                        #[cfg(feature = "coverage")]
                        crate::coverage::record(s.base, s.pc);
                        let op = s.op();
                        debug_assert!(op < OP_COUNT);
                        std::hint::assert_unchecked(op < OP_COUNT);
                        match *ALL_OPS.get_unchecked(op) {
                            Op::Move => {
                                s.set(*s.rb());
                                next!();
                            }
                            Op::LoadI => {
                                s.set_int(s.sd() as i64);
                                next!();
                            }
                            Op::LoadF => {
                                s.set_float(s.sd() as f64);
                                next!();
                            }
                            Op::LoadK => {
                                s.set(*s.k.add(s.dd()));
                                next!();
                            }
                            Op::LoadNil => {
                                for n in 0..=s.b() {
                                    (*s.ra().add(n)).t = tag::NIL;
                                }
                                next!();
                            }
                            Op::LoadFalse => {
                                (*s.ra()).t = tag::FALSE;
                                next!();
                            }
                            Op::LoadTrue => {
                                (*s.ra()).t = tag::TRUE;
                                next!();
                            }
                            Op::LFalseSkip => {
                                (*s.ra()).t = tag::FALSE;
                                jump_to!(1);
                            }
                            Op::NewCell => {
                                gc_point!();
                                let Ok(c) = closure::new_cell(g, *s.ra()) else {
                                    break 'step;
                                };
                                s.set(Value {
                                    p: c as u64,
                                    t: tag::CELL,
                                });
                                next!();
                            }
                            Op::GetCell => {
                                s.set((*(*s.rb()).as_cell()).v);
                                next!();
                            }
                            Op::SetCell => {
                                closure::set_cell(g, (*s.ra()).as_cell(), s.rkc());
                                next!();
                            }
                            Op::GetUpval => {
                                s.set((*s.upval(s.b())).v);
                                next!();
                            }
                            Op::SetUpval => {
                                closure::set_cell(g, s.upval(s.b()), s.rkc());
                                next!();
                            }
                            Op::GetTabUp => get_field!((*s.upval(s.b())).v, |v| s.set(v)),
                            Op::GetField => get_field!(*s.rb(), |v| s.set(v)),
                            Op::SelfGet => {
                                let o = *s.rb();
                                get_field!(o, |v| {
                                    let ra = s.ra();
                                    *ra.add(1) = o;
                                    *ra = v;
                                })
                            }
                            Op::SetTabUp => set_field!((*s.upval(s.a())).v),
                            Op::SetField => set_field!(*s.ra()),
                            Op::GetTable => {
                                let key = *s.rc();
                                if key.t == tag::INT {
                                    get_int!(key.as_int());
                                }
                                let o = *s.rb();
                                if o.t == tag::TABLE && key.t == tag::SHORT_STR {
                                    let v = table::get_str(o.as_table(), key.as_str());
                                    if !v.is_nil() || (*o.as_table()).metatable.is_null() {
                                        s.set(v);
                                        next!();
                                    }
                                }
                                break 'step;
                            }
                            Op::GetI => get_int!(s.c() as i64),
                            Op::SetTable => {
                                let key = *s.rb();
                                if key.t == tag::INT {
                                    set_int!(key.as_int());
                                }
                                let o = *s.ra();
                                if o.t == tag::TABLE
                                    && key.t == tag::SHORT_STR
                                    && (*o.as_table()).metatable.is_null()
                                    && table::set_str(g, o.as_table(), key.as_str(), s.rkc())
                                        .is_ok()
                                {
                                    next!();
                                }
                                break 'step;
                            }
                            Op::SetI => set_int!(s.b() as i64),
                            Op::NewTable => {
                                gc_point!();
                                let Ok(t) = table::construct(g, ops::proto_at(s.base), *s.pc)
                                else {
                                    break 'step;
                                };
                                s.set(Value::table(t));
                                next!();
                            }
                            Op::SetList | Op::Close | Op::Tbc => break 'step,

                            Op::Add => arith!(s.rc(), i64::wrapping_add, |x, y| x + y),
                            Op::Sub => arith!(s.rc(), i64::wrapping_sub, |x, y| x - y),
                            Op::Mul => arith!(s.rc(), i64::wrapping_mul, |x, y| x * y),
                            Op::Mod => divide!(s.rc(), arith::int_mod, arith::float_mod),
                            Op::IDiv => divide!(s.rc(), arith::int_idiv, arith::float_idiv),
                            Op::Div => float!(s.rb(), s.rc(), |x, y| x / y),
                            Op::Pow => float!(s.rb(), s.rc(), arith::pow),
                            Op::BAnd => bitwise!(s.rc(), |a, b| a & b),
                            Op::BOr => bitwise!(s.rc(), |a, b| a | b),
                            Op::BXor => bitwise!(s.rc(), |a, b| a ^ b),
                            Op::Shl => bitwise!(s.rc(), arith::shl),
                            Op::Shr => bitwise!(s.rc(), arith::shr),
                            Op::AddK => arith!(s.kc(), i64::wrapping_add, |x, y| x + y),
                            Op::SubK => arith!(s.kc(), i64::wrapping_sub, |x, y| x - y),
                            Op::MulK => arith!(s.kc(), i64::wrapping_mul, |x, y| x * y),
                            Op::ModK => divide!(s.kc(), arith::int_mod, arith::float_mod),
                            Op::IDivK => divide!(s.kc(), arith::int_idiv, arith::float_idiv),
                            Op::DivK => float!(s.rb(), s.kc(), |x, y| x / y),
                            Op::PowK => float!(s.rb(), s.kc(), arith::pow),
                            Op::BAndK => bitwise!(s.kc(), |a, b| a & b),
                            Op::BOrK => bitwise!(s.kc(), |a, b| a | b),
                            Op::BXorK => bitwise!(s.kc(), |a, b| a ^ b),
                            Op::ShlK => bitwise!(s.kc(), arith::shl),
                            Op::ShrK => bitwise!(s.kc(), arith::shr),
                            Op::AddI => unary!(|x: i64| x.wrapping_add(s.sc() as i64), |x: f64| x
                                + s.sc() as f64),
                            Op::Unm => unary!(i64::wrapping_neg, |x: f64| -x),
                            Op::BNot => {
                                let x = s.rb();
                                if (*x).t == tag::INT {
                                    s.set_int(!(*x).as_int());
                                    next!();
                                }
                                break 'step;
                            }
                            Op::Not => {
                                let t = if (*s.rb()).truthy() {
                                    tag::FALSE
                                } else {
                                    tag::TRUE
                                };
                                (*s.ra()).t = t;
                                next!();
                            }
                            Op::Len => {
                                let o = *s.rb();
                                if o.t == tag::TABLE && (*o.as_table()).metatable.is_null() {
                                    s.set_int(table::len(o.as_table()));
                                    next!();
                                }
                                if o.is_string() {
                                    s.set_int((*o.as_str()).len as i64);
                                    next!();
                                }
                                break 'step;
                            }
                            Op::Concat | Op::Closure => break 'step,

                            Op::Jmp => jump!(),
                            Op::JmpT => jump_if!((*s.ra()).truthy()),
                            Op::JmpF => jump_if!(!(*s.ra()).truthy()),
                            Op::JmpTSet => {
                                let v = *s.rb();
                                if v.truthy() {
                                    s.set(v);
                                    jump!();
                                }
                                next!();
                            }
                            Op::JmpFSet => {
                                let v = *s.rb();
                                if !v.truthy() {
                                    s.set(v);
                                    jump!();
                                }
                                next!();
                            }
                            Op::JmpEq => equal_regs!(true),
                            Op::JmpNe => equal_regs!(false),
                            Op::JmpLt => order!(true, i64::lt, f64::lt),
                            Op::JmpNlt => order!(false, i64::lt, f64::lt),
                            Op::JmpLe => order!(true, i64::le, f64::le),
                            Op::JmpNle => order!(false, i64::le, f64::le),
                            Op::JmpEqK => equal_const!(true),
                            Op::JmpNeK => equal_const!(false),
                            Op::JmpEqI => equal_imm!(true),
                            Op::JmpNeI => equal_imm!(false),
                            Op::JmpLtI => order_imm!(true, i64::lt, f64::lt),
                            Op::JmpNltI => order_imm!(false, i64::lt, f64::lt),
                            Op::JmpLeI => order_imm!(true, i64::le, f64::le),
                            Op::JmpNleI => order_imm!(false, i64::le, f64::le),
                            Op::JmpGtI => order_imm!(true, i64::gt, f64::gt),
                            Op::JmpNgtI => order_imm!(false, i64::gt, f64::gt),
                            Op::JmpGeI => order_imm!(true, i64::ge, f64::ge),
                            Op::JmpNgeI => order_imm!(false, i64::ge, f64::ge),

                            Op::Call => {
                                let ra = s.ra();
                                if s.b() != 0 {
                                    (*th).top = ra.add(s.b());
                                }
                                let t = (*ra).t;
                                if !HOOKS && t == tag::LUA_FN {
                                    if calls::call_lua(&mut s, th, ra) {
                                        continue 'next;
                                    }
                                } else if !HOOKS && t == tag::NATIVE_FN {
                                    match calls::call_native(&mut s, l, ra) {
                                        Native::Done => next!(),
                                        Native::Slow => {}
                                        Native::Raised => return Exit::Raised,
                                        Native::Hooked => return Exit::Switch,
                                    }
                                }
                                s.save();
                                called!(frame::call_slow(l, ra, s.c() as i32 - 1));
                            }
                            Op::TailCall => {
                                let ra = s.ra();
                                if s.b() != 0 {
                                    (*th).top = ra.add(s.b());
                                }
                                if !HOOKS
                                    && (*ra).t == tag::LUA_FN
                                    && calls::tail_call_lua(&mut s, th, ra)
                                {
                                    continue 'next;
                                }
                                s.save();
                                match check!(frame::tail_call(l, s.ci, ra)) {
                                    frame::Left::Replaced => call_hook!(s.ci),
                                    frame::Left::Returned { fresh: true } => return Exit::Done,
                                    frame::Left::Returned { fresh: false } => {}
                                }
                                s = Regs::enter((*th).ci);
                                go!();
                            }
                            Op::Return0 => {
                                if !HOOKS && calls::return_to_lua(&mut s, th, None) {
                                    continue 'next;
                                }
                            }
                            Op::Return1 => {
                                let v = *s.ra();
                                if !HOOKS && calls::return_to_lua(&mut s, th, Some(v)) {
                                    continue 'next;
                                }
                            }
                            Op::Return => {}
                            Op::ForLoop => {
                                let ra = s.ra();
                                if (*ra.add(2)).t != tag::INT {
                                    jump_if!(ops::for_loop(ra));
                                }
                                let count = (*ra.add(1)).p;
                                if count == 0 {
                                    next!();
                                }
                                let n = (*ra).as_int().wrapping_add((*ra.add(2)).as_int());
                                (*ra.add(1)).p = count - 1;
                                (*ra).p = n as u64;
                                (*ra.add(3)).p = n as u64;
                                (*ra.add(3)).t = tag::INT;
                                if (*th).poll != 0 {
                                    break 'poll;
                                }
                                jump_to!(s.sd());
                            }
                            Op::ForPrep => {
                                s.save();
                                (*th).top = (*s.ci).top;
                                if check!(ops::for_prep(l, s.ra())) {
                                    jump_to!(s.sd() + 1);
                                }
                                next!();
                            }
                            Op::TForPrep => {
                                if (*s.ra().add(3)).truthy() {
                                    break 'test;
                                }
                                jump!();
                            }
                            Op::TForCall => {
                                let ra = s.ra();
                                if !HOOKS && ops::loops::iterate_inline(th, ra, s.c()) {
                                    next!();
                                }
                                s.save();
                                called!(frame::call_iterator(l, ra, s.c() as i32));
                            }
                            Op::TForLoop => {
                                let ra = s.ra();
                                let v = *ra.add(4);
                                if v.is_nil() {
                                    next!();
                                }
                                if (*th).poll != 0 {
                                    break 'test;
                                }
                                *ra.add(2) = v;
                                jump_to!(s.sd());
                            }
                            Op::VarArg => {
                                if s.c() != 0 {
                                    frame::copy_varargs(s.ci, s.ra(), s.c() - 1);
                                    next!();
                                }
                                break 'step;
                            }
                            Op::VarArgPrep => {
                                s.save();
                                check!(frame::vararg_prep(l, s.ci));
                                s.reload();
                                next!();
                            }
                        }
                        // Returns that are not simple.
                        s.save();
                        if check!(frame::return_slow(l, s.ci, *s.pc)) {
                            return Exit::Done;
                        }
                        s = Regs::enter((*th).ci);
                        continue 'next;
                    }
                    s.base = slow::step(l, s.ci, s.pc);
                    if s.base.is_null() {
                        return Exit::Raised;
                    }
                    s.pc = s.pc.add(1);
                    go!();
                }
                let r = slow::test(l, s.ci, s.pc);
                if r > 1 {
                    return Exit::Raised;
                }
                s.reload();
                if r == 1 {
                    if s.sd() < 0 && (*th).poll != 0 {
                        break 'poll;
                    }
                    s.pc = s.pc.offset(s.sd());
                }
                s.pc = s.pc.add(1);
                go!();
            }
            // A backward jump is taken and work is pending. The record says that the jump is being executed.
            s.save();
            check!(frame::poll_at_jump(l, s.ci, *s.pc));
            s.reload();
            s.pc = s.pc.offset(s.sd() + 1);
            go!();
        }
    }
}
