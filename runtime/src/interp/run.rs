//! The loop.
//!
//! State lives in locals: `ci`, `base`, `pc` (the instruction), `k` (constants), `caches`. An instruction that its fast path does not
//! cover leaves its block by a label: `'step` (complete definition in `ops`, result in its home slot), `'test` (the same for jumps),
//! `'poll` (a backward jump with pending work). So the loop holds one copy of each slow path's bookkeeping, and the slow functions are
//! out of line.
//!
//! SAFETY: the verifier has checked every chunk: opcodes, registers below `max_stack`, constants, caches and jumps are in range. Home
//! slots may move in any call; `base` is set again after each.

use super::lookup::field_miss;
use super::{Exit, frame, ops};
use crate::arith;
use crate::closure;
use crate::debug::hook;
use crate::heap;
use crate::object::{Cell, LuaClosure, Table};
use crate::poll;
use crate::proto::Cache;
use crate::stack;
use crate::table;
use crate::thread::{CallInfo, CallKind, Lua, MIN_STACK, call_status};
use crate::value::{Value, tag};
use trinity_abi::table::{KIND_FLOAT, KIND_GENERAL, KIND_INT};
use trinity_frontend::bytecode::instr::RK_CONST;
use trinity_frontend::bytecode::op::{ALL_OPS, OP_COUNT};
use trinity_frontend::bytecode::{Instr, Op};

/// `nresults`, `status`, `kind` and padding of a record as one word.
const fn word(nresults: i32, kind: CallKind) -> u64 {
    nresults as u32 as u64 | (kind as u64) << 48
}

/// The TAIL status in that word: of no interest to returns.
const TAIL_BIT: u64 = (call_status::TAIL as u64) << 32;

/// Where that word is in a record.
#[inline(always)]
unsafe fn word_ptr(ci: *mut CallInfo) -> *mut u64 {
    unsafe { (&raw mut (*ci).nresults).cast() }
}

const _: () = {
    use std::mem::offset_of;
    let at = offset_of!(CallInfo, nresults);
    assert!(
        at.is_multiple_of(8)
            && offset_of!(CallInfo, status) == at + 4
            && offset_of!(CallInfo, kind) == at + 6
    );
};

/// The operands of an instruction, each read from memory by its own narrow load: fewer operations than shifting and masking the word.
#[derive(Clone, Copy)]
struct Operands(*const Instr);

impl Operands {
    #[inline(always)]
    unsafe fn op(self) -> u8 {
        unsafe { *self.0.cast::<u8>() }
    }
    #[inline(always)]
    unsafe fn a(self) -> usize {
        unsafe { *self.0.cast::<u8>().add(1) as usize }
    }
    #[inline(always)]
    unsafe fn b(self) -> usize {
        unsafe { *self.0.cast::<u16>().add(1) as usize }
    }
    #[inline(always)]
    unsafe fn sb(self) -> i16 {
        unsafe { *self.0.cast::<i16>().add(1) }
    }
    #[inline(always)]
    unsafe fn c(self) -> usize {
        unsafe { *self.0.cast::<u16>().add(2) as usize }
    }
    #[inline(always)]
    unsafe fn sc(self) -> i16 {
        unsafe { *self.0.cast::<i16>().add(2) }
    }
    #[inline(always)]
    unsafe fn d(self) -> usize {
        unsafe { *self.0.cast::<u16>().add(3) as usize }
    }
    #[inline(always)]
    unsafe fn sd(self) -> i32 {
        unsafe { *self.0.cast::<i32>().add(1) }
    }
    #[inline(always)]
    unsafe fn dd(self) -> u32 {
        unsafe { *self.0.cast::<u32>().add(1) }
    }
}

/// Element `n` (from 1) of the array part, or nil (docs/abi.md section 2).
#[inline(always)]
unsafe fn array_get(t: *mut Table, n: i64) -> Value {
    unsafe {
        let at = (n as u64).wrapping_sub(1);
        if at >= (*t).array_len as u64 {
            return Value::NIL;
        }
        let at = at as usize;
        let kind = (*t).h.aux8;
        let tag = if kind == KIND_GENERAL {
            *(*t).array.cast::<u8>().sub(1 + at)
        } else {
            kind + (tag::INT - KIND_INT)
        };
        Value {
            p: *(*t).array.add(at),
            t: tag,
        }
    }
}

/// Overwrites an element that is not nil by a value that is not nil, when neither the kind changes nor a barrier is needed. False:
/// nothing was done.
#[inline(always)]
unsafe fn array_set(t: *mut Table, n: i64, v: Value) -> bool {
    unsafe {
        let at = (n as u64).wrapping_sub(1);
        if at >= (*t).array_len as u64 {
            return false;
        }
        let at = at as usize;
        let kind = (*t).h.aux8;
        if kind == KIND_GENERAL {
            let old = (*t).array.cast::<u8>().sub(1 + at);
            if *old == tag::NIL || v.is_nil() || (v.is_collectable() && heap::is_black(t.cast())) {
                return false;
            }
            *old = v.t;
            if v.t >= tag::INT {
                *(*t).array.add(at) = v.p;
            }
            return true;
        }
        if v.t != kind + (tag::INT - KIND_INT) {
            return false;
        }
        *(*t).array.add(at) = v.p;
        true
    }
}

const _: () = assert!(KIND_FLOAT - KIND_INT == tag::FLOAT - tag::INT);

/// Executes the instruction by `ops::step`. Gives the base, or null when an error was raised.
#[cold]
#[inline(never)]
unsafe fn slow_step(l: Lua, ci: *mut CallInfo, pc: *const Instr) -> *mut Value {
    unsafe {
        let i = *pc.sub(1);
        (*ci).pc = pc;
        if !(i.op() == Op::SetList && i.b() == 0) {
            (*l.thread()).top = (*ci).top;
        }
        match ops::step(l, i, (*ci).func.add(1)) {
            Ok(()) => (*ci).func.add(1),
            Err(_) => std::ptr::null_mut(),
        }
    }
}

/// Evaluates the jump by `ops::test`: 0 or 1, or 2 when an error was raised.
#[cold]
#[inline(never)]
unsafe fn slow_test(l: Lua, ci: *mut CallInfo, pc: *const Instr) -> u8 {
    unsafe {
        (*ci).pc = pc;
        (*l.thread()).top = (*ci).top;
        match ops::test(l, *pc.sub(1), (*ci).func.add(1)) {
            Ok(b) => b as u8,
            Err(_) => 2,
        }
    }
}

/// A native function returned `n` values while work is pending: hooks see it.
#[cold]
#[inline(never)]
unsafe fn native_returned(l: Lua, ci: *mut CallInfo, n: usize) -> bool {
    unsafe {
        let th = l.thread();
        if (*th).hook.is_some() && hook::on_return(l, ci, n).is_err() {
            return false;
        }
        crate::call::move_results(th, (*th).top.sub(n), n, (*ci).func, (*ci).nresults);
        (*th).ci = (*ci).prev;
        true
    }
}

/// The collector is due: a safe point before the instruction `pc - 1` does anything. Gives the base.
#[cold]
#[inline(never)]
unsafe fn gc_before(l: Lua, ci: *mut CallInfo, pc: *const Instr) -> *mut Value {
    unsafe {
        (*ci).pc = pc;
        (*l.thread()).top = (*ci).top;
        poll::gc_step(l);
        (*ci).func.add(1)
    }
}

/// See [`super::execute`]. `start`: the record is at its function's start.
pub(super) unsafe fn run<const HOOKS: bool>(l: Lua, first: *mut CallInfo, start: bool) -> Exit {
    unsafe {
        let th = l.thread();
        let g = (*th).global;
        let mut ci = first;
        let mut base: *mut Value;
        let mut pc: *const Instr;
        let mut k: *const Value;
        let mut caches: *mut Cache;

        // Loads the state of the record `ci`.
        macro_rules! enter {
            () => {{
                let func = (*ci).func;
                let p = (*(*func).as_lua_fn()).proto;
                base = func.add(1);
                pc = (*ci).pc;
                k = (*p).consts;
                caches = (*p).caches;
            }};
        }
        macro_rules! reload {
            () => {
                base = (*ci).func.add(1)
            };
        }
        // Calls the call hook of the function that starts in `ci`.
        macro_rules! call_hook {
            () => {
                if HOOKS && !(*(*(*(*ci).func).as_lua_fn()).proto).is_vararg {
                    (*th).top = (*ci).top;
                    if hook::on_call(l, ci).is_err() {
                        return Exit::Raised;
                    }
                }
            };
        }
        if start {
            call_hook!();
        }
        enter!();

        'next: loop {
            if HOOKS {
                (*ci).pc = pc;
                if (*th).hook.is_none() {
                    return Exit::Switch;
                }
                if hook::trace_exec(l, ci).is_err() {
                    return Exit::Raised;
                }
                reload!();
            }
            let i = Operands(pc);

            macro_rules! next {
                () => {{
                    pc = pc.add(1);
                    continue 'next;
                }};
            }
            macro_rules! reg {
                ($n:expr) => {
                    base.add($n)
                };
            }
            macro_rules! rk {
                ($n:expr) => {{
                    let n = $n;
                    if n < RK_CONST as usize {
                        *base.add(n)
                    } else {
                        *k.add(n - RK_CONST as usize)
                    }
                }};
            }
            macro_rules! upval {
                ($n:expr) => {{
                    let c: *mut Cell = *LuaClosure::upval((*base.sub(1)).as_lua_fn(), $n);
                    c
                }};
            }
            macro_rules! set_int {
                ($v:expr) => {{
                    let v: i64 = $v;
                    let ra = reg!(i.a());
                    (*ra).p = v as u64;
                    (*ra).t = tag::INT;
                }};
            }
            macro_rules! set_float {
                ($v:expr) => {{
                    let v: f64 = $v;
                    let ra = reg!(i.a());
                    (*ra).p = v.to_bits();
                    (*ra).t = tag::FLOAT;
                }};
            }

            'poll: {
                'test: {
                    'step: {
                        macro_rules! jump {
                            () => {{
                                let d = i.sd();
                                if d < 0 && (*th).poll != 0 {
                                    break 'poll;
                                }
                                pc = pc.offset(d as isize + 1);
                                continue 'next;
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
                        macro_rules! gc_point {
                            () => {
                                if heap::gc_due(g) {
                                    base = gc_before(l, ci, pc.add(1));
                                }
                            };
                        }
                        // x op y on two operands; integers, floats, or mixed.
                        macro_rules! arith {
                            ($x:expr, $y:expr, |$a:ident, $b:ident| $int:expr, |$p:ident, $q:ident| $float:expr) => {{
                                let (x, y) = ($x, $y);
                                if (*x).t == tag::INT && (*y).t == tag::INT {
                                    let ($a, $b) = ((*x).as_int(), (*y).as_int());
                                    set_int!($int);
                                    next!();
                                }
                                arith_float!(x, y, |$p, $q| $float);
                            }};
                        }
                        macro_rules! arith_float {
                            ($x:expr, $y:expr, |$p:ident, $q:ident| $float:expr) => {{
                                let (x, y) = ($x, $y);
                                let $p = if (*x).t == tag::FLOAT {
                                    (*x).as_float()
                                } else if (*x).t == tag::INT {
                                    (*x).as_int() as f64
                                } else {
                                    break 'step;
                                };
                                let $q = if (*y).t == tag::FLOAT {
                                    (*y).as_float()
                                } else if (*y).t == tag::INT {
                                    (*y).as_int() as f64
                                } else {
                                    break 'step;
                                };
                                set_float!($float);
                                next!();
                            }};
                        }
                        macro_rules! bitwise {
                            ($x:expr, $y:expr, |$a:ident, $b:ident| $int:expr) => {{
                                let (x, y) = ($x, $y);
                                if (*x).t == tag::INT && (*y).t == tag::INT {
                                    let ($a, $b) = ((*x).as_int(), (*y).as_int());
                                    set_int!($int);
                                    next!();
                                }
                                break 'step;
                            }};
                        }
                        macro_rules! modulo {
                            ($y:expr) => {{
                                let y = $y;
                                if (*y).t == tag::INT && (*y).p == 0 {
                                    break 'step;
                                }
                                arith!(reg!(i.b()), y, |a, b| arith::int_mod(a, b), |x, y| {
                                    arith::float_mod(x, y)
                                })
                            }};
                        }
                        macro_rules! floor_div {
                            ($y:expr) => {{
                                let y = $y;
                                if (*y).t == tag::INT && (*y).p == 0 {
                                    break 'step;
                                }
                                arith!(reg!(i.b()), y, |a, b| arith::int_idiv(a, b), |x, y| {
                                    arith::float_idiv(x, y)
                                })
                            }};
                        }
                        // Order of two registers.
                        macro_rules! order {
                            ($want:expr, |$a:ident, $b:ident| $cmp:expr) => {{
                                let (x, y) = (reg!(i.a()), reg!(i.b()));
                                if (*x).t == tag::INT && (*y).t == tag::INT {
                                    let ($a, $b) = ((*x).as_int(), (*y).as_int());
                                    jump_if!(($cmp) == $want);
                                }
                                if (*x).t == tag::FLOAT && (*y).t == tag::FLOAT {
                                    let ($a, $b) = ((*x).as_float(), (*y).as_float());
                                    jump_if!(($cmp) == $want);
                                }
                                break 'test;
                            }};
                        }
                        // Order of a register and an immediate.
                        macro_rules! order_imm {
                            ($want:expr, |$a:ident, $b:ident| $cmp:expr) => {{
                                let x = reg!(i.a());
                                if (*x).t == tag::INT {
                                    let ($a, $b) = ((*x).as_int(), i.sb() as i64);
                                    jump_if!(($cmp) == $want);
                                }
                                if (*x).t == tag::FLOAT {
                                    let ($a, $b) = ((*x).as_float(), i.sb() as f64);
                                    jump_if!(($cmp) == $want);
                                }
                                break 'test;
                            }};
                        }
                        macro_rules! equal_regs {
                            ($want:expr) => {{
                                let (x, y) = (*reg!(i.a()), *reg!(i.b()));
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
                                let (x, y) = (*reg!(i.a()), *k.add(i.b()));
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
                                let x = *reg!(i.a());
                                if x.t == tag::INT {
                                    jump_if!((x.as_int() == i.sb() as i64) == $want);
                                }
                                if x.t == tag::FLOAT {
                                    jump_if!((x.as_float() == i.sb() as f64) == $want);
                                }
                                jump_if!(!$want);
                            }};
                        }
                        // R[a] := o[K[c]] through the caches, for a table `o`.
                        macro_rules! cached_get {
                            ($o:expr, |$v:ident| $store:expr) => {{
                                let o: Value = $o;
                                if o.t == tag::TABLE {
                                    let (t, cache) = (o.as_table(), caches.add(i.d()));
                                    if let Some($v) = table::cached_get(g, t, cache) {
                                        $store;
                                        next!();
                                    }
                                    let mut $v = Value::NIL;
                                    if field_miss(g, t, (*k.add(i.c())).as_str(), cache, &mut $v) {
                                        $store;
                                        next!();
                                    }
                                }
                                break 'step;
                            }};
                        }
                        macro_rules! cached_set {
                            ($o:expr) => {{
                                let o: Value = $o;
                                if o.t == tag::TABLE {
                                    let (t, v, cache) =
                                        (o.as_table(), rk!(i.c()), caches.add(i.d()));
                                    if table::cached_set(g, t, v, cache) {
                                        next!();
                                    }
                                    if let Ok(true) = table::store_for_cache(
                                        g,
                                        t,
                                        (*k.add(i.b())).as_str(),
                                        v,
                                        cache,
                                    ) {
                                        next!();
                                    }
                                }
                                break 'step;
                            }};
                        }
                        macro_rules! get_int {
                            ($o:expr, $n:expr) => {{
                                let (o, n): (Value, i64) = ($o, $n);
                                if o.t == tag::TABLE {
                                    let t = o.as_table();
                                    let v = array_get(t, n);
                                    if !v.is_nil() {
                                        *reg!(i.a()) = v;
                                        next!();
                                    }
                                    if (*t).metatable.is_null() {
                                        *reg!(i.a()) = table::get_int(t, n);
                                        next!();
                                    }
                                }
                                break 'step;
                            }};
                        }
                        macro_rules! set_int_key {
                            ($o:expr, $n:expr) => {{
                                let (o, n): (Value, i64) = ($o, $n);
                                if o.t == tag::TABLE {
                                    let t = o.as_table();
                                    let v = rk!(i.c());
                                    if array_set(t, n, v) {
                                        next!();
                                    }
                                    if (*t).metatable.is_null()
                                        && table::set_int(g, t, n, v).is_ok()
                                    {
                                        next!();
                                    }
                                }
                                break 'step;
                            }};
                        }

                        // The table is the identity. A switch on the loaded byte makes LLVM replicate the dispatch behind every
                        // instruction (with -tail-dup-*-size, see .cargo/config.toml); on the instruction's own bits it does not.
                        let op = i.op() as usize;
                        debug_assert!(op < OP_COUNT);
                        std::hint::assert_unchecked(op < OP_COUNT);
                        match *ALL_OPS.get_unchecked(op) {
                            Op::Move => {
                                *reg!(i.a()) = *reg!(i.b());
                                next!();
                            }
                            Op::LoadI => {
                                set_int!(i.sd() as i64);
                                next!();
                            }
                            Op::LoadF => {
                                set_float!(i.sd() as f64);
                                next!();
                            }
                            Op::LoadK => {
                                *reg!(i.a()) = *k.add(i.dd() as usize);
                                next!();
                            }
                            Op::LoadNil => {
                                let mut r = reg!(i.a());
                                let end = r.add(i.b());
                                while r <= end {
                                    (*r).t = tag::NIL;
                                    r = r.add(1);
                                }
                                next!();
                            }
                            Op::LoadFalse => {
                                (*reg!(i.a())).t = tag::FALSE;
                                next!();
                            }
                            Op::LoadTrue => {
                                (*reg!(i.a())).t = tag::TRUE;
                                next!();
                            }
                            Op::LFalseSkip => {
                                (*reg!(i.a())).t = tag::FALSE;
                                pc = pc.add(2);
                                continue 'next;
                            }
                            Op::NewCell => {
                                gc_point!();
                                let ra = reg!(i.a());
                                let Ok(c) = closure::new_cell(g, *ra) else {
                                    break 'step;
                                };
                                *ra = Value {
                                    p: c as u64,
                                    t: tag::CELL,
                                };
                                next!();
                            }
                            Op::GetCell => {
                                *reg!(i.a()) = (*(*reg!(i.b())).as_cell()).v;
                                next!();
                            }
                            Op::SetCell => {
                                closure::set_cell(g, (*reg!(i.a())).as_cell(), rk!(i.c()));
                                next!();
                            }
                            Op::GetUpval => {
                                *reg!(i.a()) = (*upval!(i.b())).v;
                                next!();
                            }
                            Op::SetUpval => {
                                closure::set_cell(g, upval!(i.b()), rk!(i.c()));
                                next!();
                            }
                            Op::GetTabUp => cached_get!((*upval!(i.b())).v, |v| *reg!(i.a()) = v),
                            Op::GetField => cached_get!(*reg!(i.b()), |v| *reg!(i.a()) = v),
                            Op::SelfGet => {
                                let o = *reg!(i.b());
                                cached_get!(o, |v| {
                                    let ra = reg!(i.a());
                                    *ra.add(1) = o;
                                    *ra = v;
                                })
                            }
                            Op::SetTabUp => cached_set!((*upval!(i.a())).v),
                            Op::SetField => cached_set!(*reg!(i.a())),
                            Op::GetTable => {
                                let key = *reg!(i.c());
                                if key.t == tag::INT {
                                    get_int!(*reg!(i.b()), key.as_int());
                                }
                                let o = *reg!(i.b());
                                if o.t == tag::TABLE && key.t == tag::SHORT_STR {
                                    let v = table::get_str(o.as_table(), key.as_str());
                                    if !v.is_nil() || (*o.as_table()).metatable.is_null() {
                                        *reg!(i.a()) = v;
                                        next!();
                                    }
                                }
                                break 'step;
                            }
                            Op::GetI => get_int!(*reg!(i.b()), i.c() as i64),
                            Op::SetTable => {
                                let key = *reg!(i.b());
                                if key.t == tag::INT {
                                    set_int_key!(*reg!(i.a()), key.as_int());
                                }
                                let o = *reg!(i.a());
                                if o.t == tag::TABLE
                                    && key.t == tag::SHORT_STR
                                    && (*o.as_table()).metatable.is_null()
                                    && table::set_str(g, o.as_table(), key.as_str(), rk!(i.c()))
                                        .is_ok()
                                {
                                    next!();
                                }
                                break 'step;
                            }
                            Op::SetI => set_int_key!(*reg!(i.a()), i.b() as i64),
                            Op::NewTable => {
                                gc_point!();
                                let Ok(t) = table::new(g, i.dd() as usize, i.b()) else {
                                    break 'step;
                                };
                                *reg!(i.a()) = Value::table(t);
                                next!();
                            }
                            Op::SetList | Op::Close | Op::Tbc => break 'step,

                            Op::Add => arith!(
                                reg!(i.b()),
                                reg!(i.c()),
                                |a, b| a.wrapping_add(b),
                                |x, y| x + y
                            ),
                            Op::Sub => arith!(
                                reg!(i.b()),
                                reg!(i.c()),
                                |a, b| a.wrapping_sub(b),
                                |x, y| x - y
                            ),
                            Op::Mul => arith!(
                                reg!(i.b()),
                                reg!(i.c()),
                                |a, b| a.wrapping_mul(b),
                                |x, y| x * y
                            ),
                            Op::AddK => arith!(
                                reg!(i.b()),
                                k.add(i.c()),
                                |a, b| a.wrapping_add(b),
                                |x, y| x + y
                            ),
                            Op::SubK => arith!(
                                reg!(i.b()),
                                k.add(i.c()),
                                |a, b| a.wrapping_sub(b),
                                |x, y| x - y
                            ),
                            Op::MulK => arith!(
                                reg!(i.b()),
                                k.add(i.c()),
                                |a, b| a.wrapping_mul(b),
                                |x, y| x * y
                            ),
                            Op::Div => arith_float!(reg!(i.b()), reg!(i.c()), |x, y| x / y),
                            Op::DivK => arith_float!(reg!(i.b()), k.add(i.c()), |x, y| x / y),
                            Op::Pow => {
                                arith_float!(reg!(i.b()), reg!(i.c()), |x, y| arith::pow(x, y))
                            }
                            Op::PowK => {
                                arith_float!(reg!(i.b()), k.add(i.c()), |x, y| arith::pow(x, y))
                            }
                            Op::Mod => modulo!(reg!(i.c())),
                            Op::ModK => modulo!(k.add(i.c())),
                            Op::IDiv => floor_div!(reg!(i.c())),
                            Op::IDivK => floor_div!(k.add(i.c())),
                            Op::BAnd => bitwise!(reg!(i.b()), reg!(i.c()), |a, b| a & b),
                            Op::BOr => bitwise!(reg!(i.b()), reg!(i.c()), |a, b| a | b),
                            Op::BXor => bitwise!(reg!(i.b()), reg!(i.c()), |a, b| a ^ b),
                            Op::Shl => bitwise!(reg!(i.b()), reg!(i.c()), |a, b| arith::shl(a, b)),
                            Op::Shr => bitwise!(reg!(i.b()), reg!(i.c()), |a, b| arith::shr(a, b)),
                            Op::BAndK => bitwise!(reg!(i.b()), k.add(i.c()), |a, b| a & b),
                            Op::BOrK => bitwise!(reg!(i.b()), k.add(i.c()), |a, b| a | b),
                            Op::BXorK => bitwise!(reg!(i.b()), k.add(i.c()), |a, b| a ^ b),
                            Op::ShlK => {
                                bitwise!(reg!(i.b()), k.add(i.c()), |a, b| arith::shl(a, b))
                            }
                            Op::ShrK => {
                                bitwise!(reg!(i.b()), k.add(i.c()), |a, b| arith::shr(a, b))
                            }
                            Op::AddI => {
                                let x = reg!(i.b());
                                if (*x).t == tag::INT {
                                    set_int!((*x).as_int().wrapping_add(i.sc() as i64));
                                    next!();
                                }
                                if (*x).t == tag::FLOAT {
                                    set_float!((*x).as_float() + i.sc() as f64);
                                    next!();
                                }
                                break 'step;
                            }
                            Op::Unm => {
                                let x = reg!(i.b());
                                if (*x).t == tag::INT {
                                    set_int!((*x).as_int().wrapping_neg());
                                    next!();
                                }
                                if (*x).t == tag::FLOAT {
                                    set_float!(-(*x).as_float());
                                    next!();
                                }
                                break 'step;
                            }
                            Op::BNot => {
                                let x = reg!(i.b());
                                if (*x).t == tag::INT {
                                    set_int!(!(*x).as_int());
                                    next!();
                                }
                                break 'step;
                            }
                            Op::Not => {
                                (*reg!(i.a())).t = if (*reg!(i.b())).truthy() {
                                    tag::FALSE
                                } else {
                                    tag::TRUE
                                };
                                next!();
                            }
                            Op::Len => {
                                let o = *reg!(i.b());
                                if o.t == tag::TABLE && (*o.as_table()).metatable.is_null() {
                                    set_int!(table::len(o.as_table()));
                                    next!();
                                }
                                if o.is_string() {
                                    set_int!((*o.as_str()).len as i64);
                                    next!();
                                }
                                break 'step;
                            }
                            Op::Concat => {
                                base = slow_step(l, ci, pc.add(1));
                                if base.is_null() {
                                    return Exit::Raised;
                                }
                                next!();
                            }

                            Op::Jmp => jump!(),
                            Op::JmpT => jump_if!((*reg!(i.a())).truthy()),
                            Op::JmpF => jump_if!(!(*reg!(i.a())).truthy()),
                            Op::JmpTSet => {
                                let v = *reg!(i.b());
                                if v.truthy() {
                                    *reg!(i.a()) = v;
                                    jump!();
                                }
                                next!();
                            }
                            Op::JmpFSet => {
                                let v = *reg!(i.b());
                                if !v.truthy() {
                                    *reg!(i.a()) = v;
                                    jump!();
                                }
                                next!();
                            }
                            Op::JmpEq => equal_regs!(true),
                            Op::JmpNe => equal_regs!(false),
                            Op::JmpLt => order!(true, |a, b| a < b),
                            Op::JmpNlt => order!(false, |a, b| a < b),
                            Op::JmpLe => order!(true, |a, b| a <= b),
                            Op::JmpNle => order!(false, |a, b| a <= b),
                            Op::JmpEqK => equal_const!(true),
                            Op::JmpNeK => equal_const!(false),
                            Op::JmpEqI => equal_imm!(true),
                            Op::JmpNeI => equal_imm!(false),
                            Op::JmpLtI => order_imm!(true, |a, b| a < b),
                            Op::JmpNltI => order_imm!(false, |a, b| a < b),
                            Op::JmpLeI => order_imm!(true, |a, b| a <= b),
                            Op::JmpNleI => order_imm!(false, |a, b| a <= b),
                            Op::JmpGtI => order_imm!(true, |a, b| a > b),
                            Op::JmpNgtI => order_imm!(false, |a, b| a > b),
                            Op::JmpGeI => order_imm!(true, |a, b| a >= b),
                            Op::JmpNgeI => order_imm!(false, |a, b| a >= b),

                            Op::Call => {
                                let ra = reg!(i.a());
                                if i.b() != 0 {
                                    (*th).top = ra.add(i.b());
                                }
                                let f = *ra;
                                if !HOOKS && f.t == tag::LUA_FN {
                                    let p = (*f.as_lua_fn()).proto;
                                    // The reference asks for this much, arguments counted twice.
                                    if (*th).top.add((*p).max_stack as usize) < (*th).stack_limit
                                        && (*p).native_code.is_null()
                                    {
                                        (*ci).pc = pc.add(1);
                                        let mut have = if i.b() != 0 {
                                            i.b()
                                        } else {
                                            (*th).top.offset_from(ra) as usize
                                        };
                                        while have <= (*p).num_params as usize {
                                            (*ra.add(have)).t = tag::NIL;
                                            have += 1;
                                        }
                                        ci = stack::next_record(th, ci);
                                        (*th).ci = ci;
                                        (*ci).func = ra;
                                        (*ci).top = ra.add(1 + (*p).max_stack as usize);
                                        *word_ptr(ci) = word(i.c() as i32 - 1, CallKind::Lua);
                                        (*p).calls = (*p).calls.wrapping_add(1);
                                        base = ra.add(1);
                                        pc = (*p).code;
                                        k = (*p).consts;
                                        caches = (*p).caches;
                                        continue 'next;
                                    }
                                } else if !HOOKS && f.t == tag::NATIVE_FN {
                                    let end = (*th).top.add(MIN_STACK);
                                    if end < (*th).stack_limit {
                                        (*ci).pc = pc.add(1);
                                        let new = stack::next_record(th, ci);
                                        (*th).ci = new;
                                        (*new).func = ra;
                                        (*new).top = end;
                                        *word_ptr(new) = word(i.c() as i32 - 1, CallKind::Native);
                                        let Ok(n) = ((*f.as_native_fn()).func)(l) else {
                                            return Exit::Raised;
                                        };
                                        let n = n as usize;
                                        // The results are still the native frame's.
                                        if heap::gc_due(g) {
                                            poll::gc_step(l);
                                        }
                                        if (*th).poll != 0 {
                                            if !native_returned(l, new, n) {
                                                return Exit::Raised;
                                            }
                                            if (*th).hook.is_some() {
                                                return Exit::Switch;
                                            }
                                        } else {
                                            let to = (*new).func;
                                            let from = (*th).top.sub(n);
                                            (*th).ci = ci;
                                            match i.c() {
                                                2 => *to = if n == 0 { Value::NIL } else { *from },
                                                1 => {}
                                                c => crate::call::move_results(
                                                    th,
                                                    from,
                                                    n,
                                                    to,
                                                    c as i32 - 1,
                                                ),
                                            }
                                        }
                                        reload!();
                                        next!();
                                    }
                                }
                                (*ci).pc = pc.add(1);
                                match frame::call_slow(l, ra, i.c() as i32 - 1) {
                                    Err(_) => return Exit::Raised,
                                    Ok(None) => {
                                        reload!();
                                        pc = pc.add(1);
                                    }
                                    Ok(Some(new)) => {
                                        ci = new;
                                        call_hook!();
                                        enter!();
                                    }
                                }
                                if !HOOKS && (*th).hook.is_some() {
                                    (*ci).pc = pc;
                                    return Exit::Switch;
                                }
                                continue 'next;
                            }
                            Op::TailCall => {
                                let ra = reg!(i.a());
                                if i.b() != 0 {
                                    (*th).top = ra.add(i.b());
                                }
                                let f = *ra;
                                if !HOOKS
                                    && f.t == tag::LUA_FN
                                    && (*ci).status & (call_status::VARARG | call_status::DEOPT)
                                        == 0
                                {
                                    let p = (*f.as_lua_fn()).proto;
                                    if (*th).top.add((*p).max_stack as usize) < (*th).stack_limit
                                        && (*p).native_code.is_null()
                                    {
                                        let to = base.sub(1);
                                        let have = if i.b() != 0 {
                                            i.b()
                                        } else {
                                            (*th).top.offset_from(ra) as usize
                                        };
                                        for n in 0..have {
                                            *to.add(n) = *ra.add(n);
                                        }
                                        for n in have..=(*p).num_params as usize {
                                            (*to.add(n)).t = tag::NIL;
                                        }
                                        (*th).top = to.add(have);
                                        (*ci).top = base.add((*p).max_stack as usize);
                                        (*ci).status |= call_status::TAIL;
                                        (*p).calls = (*p).calls.wrapping_add(1);
                                        pc = (*p).code;
                                        k = (*p).consts;
                                        caches = (*p).caches;
                                        continue 'next;
                                    }
                                }
                                (*ci).pc = pc.add(1);
                                match frame::tail_call(l, ci, ra) {
                                    Err(_) => return Exit::Raised,
                                    Ok(frame::Left::Replaced) => call_hook!(),
                                    Ok(frame::Left::Returned { fresh: true }) => return Exit::Done,
                                    Ok(frame::Left::Returned { fresh: false }) => ci = (*th).ci,
                                }
                                enter!();
                                if !HOOKS && (*th).hook.is_some() {
                                    return Exit::Switch;
                                }
                                continue 'next;
                            }
                            Op::Return0 => {
                                if !HOOKS && *word_ptr(ci) & !TAIL_BIT == word(0, CallKind::Lua) {
                                    ci = (*ci).prev;
                                    (*th).ci = ci;
                                    enter!();
                                    continue 'next;
                                }
                            }
                            Op::Return1 => {
                                let w = *word_ptr(ci) & !TAIL_BIT;
                                if !HOOKS && w == word(1, CallKind::Lua) {
                                    *base.sub(1) = *reg!(i.a());
                                    ci = (*ci).prev;
                                    (*th).ci = ci;
                                    enter!();
                                    continue 'next;
                                }
                                if !HOOKS && w == word(-1, CallKind::Lua) {
                                    *base.sub(1) = *reg!(i.a());
                                    (*th).top = base;
                                    ci = (*ci).prev;
                                    (*th).ci = ci;
                                    enter!();
                                    continue 'next;
                                }
                            }
                            Op::Return => {}
                            Op::ForLoop => {
                                let ra = reg!(i.a());
                                if (*ra.add(2)).t == tag::INT {
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
                                    pc = pc.offset(i.sd() as isize + 1);
                                    continue 'next;
                                }
                                jump_if!(ops::for_loop(ra));
                            }
                            Op::ForPrep => {
                                (*ci).pc = pc.add(1);
                                (*th).top = (*ci).top;
                                match ops::for_prep(l, reg!(i.a())) {
                                    Ok(false) => {}
                                    Ok(true) => pc = pc.offset(i.sd() as isize + 1),
                                    Err(_) => return Exit::Raised,
                                }
                                next!();
                            }
                            Op::TForPrep => {
                                if (*reg!(i.a() + 3)).truthy() {
                                    break 'test;
                                }
                                jump!();
                            }
                            Op::TForCall => {
                                let ra = reg!(i.a());
                                let f = *ra;
                                if !HOOKS
                                    && f.t == tag::NATIVE_FN
                                    && (*ra.add(1)).t == tag::TABLE
                                    && (*f.as_native_fn()).func as usize
                                        == crate::lib::base::next as *const () as usize
                                    && let Ok(r) = table::next((*ra.add(1)).as_table(), *ra.add(2))
                                {
                                    let (key, v) = r.unwrap_or((Value::NIL, Value::NIL));
                                    *ra.add(4) = key;
                                    if i.c() >= 2 {
                                        *ra.add(5) = v;
                                        for n in 2..i.c() {
                                            (*ra.add(4 + n)).t = tag::NIL;
                                        }
                                    }
                                    next!();
                                }
                                let cb = ra.add(4);
                                *cb = f;
                                *cb.add(1) = *ra.add(1);
                                *cb.add(2) = *ra.add(2);
                                (*th).top = cb.add(3);
                                (*ci).pc = pc.add(1);
                                match frame::call_slow(l, cb, i.c() as i32) {
                                    Err(_) => return Exit::Raised,
                                    Ok(None) => {
                                        reload!();
                                        pc = pc.add(1);
                                    }
                                    Ok(Some(new)) => {
                                        ci = new;
                                        call_hook!();
                                        enter!();
                                    }
                                }
                                if !HOOKS && (*th).hook.is_some() {
                                    (*ci).pc = pc;
                                    return Exit::Switch;
                                }
                                continue 'next;
                            }
                            Op::TForLoop => {
                                let ra = reg!(i.a());
                                let v = *ra.add(4);
                                if v.is_nil() {
                                    next!();
                                }
                                if (*th).poll != 0 {
                                    break 'test;
                                }
                                *ra.add(2) = v;
                                pc = pc.offset(i.sd() as isize + 1);
                                continue 'next;
                            }
                            Op::VarArg => break 'step,
                            Op::VarArgPrep => {
                                (*ci).pc = pc.add(1);
                                if frame::vararg_prep(l, ci).is_err() {
                                    return Exit::Raised;
                                }
                                (*ci).status |= call_status::VARARG;
                                if HOOKS {
                                    (*th).top = (*ci).top;
                                    (*ci).pc = pc;
                                    if hook::on_call(l, ci).is_err() {
                                        return Exit::Raised;
                                    }
                                }
                                reload!();
                                next!();
                            }
                            Op::Closure => break 'step,
                        }
                        // Returns that are not simple.
                        (*ci).pc = pc.add(1);
                        match frame::return_slow(l, ci, *pc) {
                            Err(_) => return Exit::Raised,
                            Ok(true) => return Exit::Done,
                            Ok(false) => {
                                ci = (*th).ci;
                                enter!();
                                continue 'next;
                            }
                        }
                    }
                    base = slow_step(l, ci, pc.add(1));
                    if base.is_null() {
                        return Exit::Raised;
                    }
                    pc = pc.add(1);
                    if !HOOKS && (*th).hook.is_some() {
                        (*ci).pc = pc;
                        return Exit::Switch;
                    }
                    continue 'next;
                }
                let r = slow_test(l, ci, pc.add(1));
                if r > 1 {
                    return Exit::Raised;
                }
                reload!();
                if r == 1 {
                    if i.sd() < 0 && (*th).poll != 0 {
                        break 'poll;
                    }
                    pc = pc.offset(i.sd() as isize);
                }
                pc = pc.add(1);
                if !HOOKS && (*th).hook.is_some() {
                    (*ci).pc = pc;
                    return Exit::Switch;
                }
                continue 'next;
            }
            // A backward jump is taken and work is pending. The record says that the jump is being executed.
            (*ci).pc = pc.add(1);
            if frame::poll_at_jump(l, ci, *pc).is_err() {
                return Exit::Raised;
            }
            reload!();
            pc = pc.offset(i.sd() as isize + 1);
            if !HOOKS && (*th).hook.is_some() {
                (*ci).pc = pc;
                return Exit::Switch;
            }
        }
    }
}
