//! The Rust side of the helper table (`trinity_abi::helpers`), and the thunks machine code calls.
//!
//! A thunk records the transition in the current call record, calls the function here, reloads the base (slots may have moved) and
//! raises when the result is negative. Operands are decoded from the bytecode at `pc`, so every helper is complete for its instruction.

use crate::emergency;
use crate::error::LResult;
use crate::interp;
use crate::interp::ops::{self, Frame};
use crate::proto::RtProto;
use crate::thread::{CallKind, Lua, Thread};
use crate::value::{Value, tag};
use crate::{call, close, native, poll, stack};
use std::arch::global_asm;
use std::ptr::NonNull;
use trinity_abi as abi;
use trinity_abi::for_each_helper;
use trinity_frontend::bytecode::{Instr, Op};

/// Arguments of a helper, decoded.
struct Site {
    l: Lua,
    th: *mut Thread,
    base: *mut Value,
    p: *mut RtProto,
    i: Instr,
    edx: u32,
}

impl Site {
    /// End of the frame's registers.
    unsafe fn frame_top(&self) -> *mut Value {
        unsafe { self.base.add((*self.p).max_stack as usize) }
    }
    /// The frame's base, wherever it is by now.
    unsafe fn base_now(&self) -> *mut Value {
        unsafe { (*(*self.th).ci).nbase }
    }
    /// Base that the caller set up.
    unsafe fn entry_base(&self, base: *mut Value) -> *mut Value {
        unsafe {
            if (*self.p).is_vararg {
                base.sub(
                    *native::walk::extra_word(base) as usize + (*self.p).num_params as usize + 1,
                )
            } else {
                base
            }
        }
    }
}

fn step(s: &Site) -> LResult<i64> {
    // SAFETY: machine code calls this for an instruction of the running frame.
    unsafe {
        if !(s.i.op() == Op::SetList && s.i.b() == 0) {
            (*s.th).top = s.frame_top();
        }
        ops::step(s.l, s.i, s.base)?;
    }
    Ok(0)
}

/// Helpers of single instructions: by the definition that `step` would find.
macro_rules! instructions {
    ($( $name:ident = $path:path; )*) => {
        $(
            fn $name(s: &Site) -> LResult<i64> {
                // SAFETY: as for `step`.
                unsafe {
                    (*s.th).top = s.frame_top();
                    $path(&Frame::new(s.l, s.base), s.i)?;
                }
                Ok(0)
            }
        )*
    };
}
instructions! {
    get_tab_up = ops::fields::get_tab_up;
    set_tab_up = ops::fields::set_tab_up;
    get_field = ops::fields::get_field;
    set_field = ops::fields::set_field;
    self_get = ops::fields::self_get;
    get_table = ops::fields::get_table;
    set_table = ops::fields::set_table;
    get_i = ops::fields::get_i;
    set_i = ops::fields::set_i;
    new_cell = ops::make::new_cell;
    new_table = ops::make::new_table;
    concat = ops::make::concat;
    closure = ops::make::make_closure;
    var_arg = ops::make::vararg;
    tfor_call = ops::loops::tfor_call;
    len = ops::fields::len;
    arith = ops::arith::arith;
}

fn set_list(s: &Site) -> LResult<i64> {
    // SAFETY: as for `step`; an open list ends at top.
    unsafe {
        if s.i.b() != 0 {
            (*s.th).top = s.frame_top();
        }
        ops::make::set_list(&Frame::new(s.l, s.base), s.i)?;
    }
    Ok(0)
}

fn test(s: &Site) -> LResult<i64> {
    // SAFETY: as for `step`.
    unsafe {
        (*s.th).top = s.frame_top();
        Ok(i64::from(ops::test(s.l, s.i, s.base)?))
    }
}

fn call(s: &Site) -> LResult<i64> {
    // SAFETY: the CALL's function and arguments are in place.
    unsafe {
        let (a, b, c) = (s.i.a(), s.i.b(), s.i.c());
        let func = s.base.add(a);
        if b > 0 {
            (*s.th).top = func.add(b);
        }
        call::call_from_machine(s.l, func)?;
        let func = s.base_now().add(a);
        if c > 0 {
            let n = (*s.th).top.offset_from(func) as usize;
            for k in n..c - 1 {
                *func.add(k) = Value::NIL;
            }
        }
        Ok(0)
    }
}

fn ret(s: &Site) -> LResult<i64> {
    // SAFETY: the values to return are in place.
    unsafe {
        let (a, n) = match s.i.op() {
            Op::Return0 => (0, 0),
            Op::Return1 => (s.i.a(), 1),
            // A native function was called in tail position: its results end at top.
            Op::TailCall => (
                s.i.a(),
                (*s.th).top.offset_from(s.base.add(s.i.a())) as usize,
            ),
            _ if s.i.b() > 0 => (s.i.a(), s.i.b() - 1),
            _ => (
                s.i.a(),
                (*s.th).top.offset_from(s.base.add(s.i.a())) as usize,
            ),
        };
        if s.i.op() == Op::Return && s.i.c() == 1 {
            (*s.th).top = s.base.add(a + n).max(s.frame_top());
            close::close(s.l, s.base)?;
        }
        let base = s.base_now();
        let from = base.add(a);
        // A hook that a closing method set wants to see this return. The frame waits here, so it has been told to leave.
        if s.i.op() != Op::TailCall
            && (*s.th).hook.is_some()
            && *((*(*s.th).ci).nsp as *const usize) == native::entry::lazy_exit()
        {
            (*s.th).top = from.add(n);
            return Ok(native::exit::RETURN_AGAIN);
        }
        let entry = s.entry_base(base);
        let to = entry.sub(1);
        for k in 0..n {
            *to.add(k) = *from.add(k);
        }
        (*(*s.th).ci).nbase = entry;
        Ok(n as i64)
    }
}

fn tailcall(s: &Site) -> LResult<i64> {
    // SAFETY: function and arguments are in place.
    unsafe {
        let (a, b) = (s.i.a(), s.i.b());
        let mut func = s.base.add(a);
        if b > 0 {
            (*s.th).top = func.add(b);
        }
        while !(*func).is_function() {
            func = call::try_call_metamethod(s.l, func)?;
        }
        if (*func).t == tag::NATIVE_FN {
            return Ok(abi::TAIL_NATIVE);
        }
        let n = (*s.th).top.offset_from(func) as usize;
        let entry = s.entry_base(s.base_now());
        let to = entry.sub(1);
        for k in 0..n {
            *to.add(k) = *func.add(k);
        }
        (*(*s.th).ci).nbase = entry;
        Ok(n as i64 - 1)
    }
}

fn vararg_prep(s: &Site) -> LResult<i64> {
    // SAFETY: `edx` arguments are at the base.
    unsafe {
        let nparams = (*s.p).num_params as usize;
        let given = s.edx as usize;
        // Missing fixed parameters count as given.
        let actual = given.max(nparams);
        (*s.th).top = s.base.add(given);
        stack::ensure(
            s.l,
            (actual - given) + 1 + nparams + (*s.p).code_slots as usize,
        )?;
        let base = s.base_now();
        for k in given..actual {
            *base.add(k) = Value::NIL;
        }
        let new = base.add(actual + 1);
        *new.sub(1) = *base.sub(1);
        for k in 0..nparams {
            *new.add(k) = *base.add(k);
            *base.add(k) = Value::NIL;
        }
        *native::walk::extra_word(new) = (actual - nparams) as u32;
        (*s.th).top = new.add(nparams);
        (*(*s.th).ci).nbase = new;
        Ok(0)
    }
}

/// True as a result: the frame must continue in the interpreter.
fn leave(s: &Site) -> i64 {
    // SAFETY: live thread.
    i64::from(unsafe { !interp::machine_allowed(s.th) })
}

fn poll(s: &Site) -> LResult<i64> {
    // SAFETY: as for `step`.
    unsafe {
        (*s.th).top = s.frame_top();
        poll::at_call(s.l)?;
    }
    Ok(leave(s))
}

fn grow_stack(s: &Site) -> LResult<i64> {
    // SAFETY: `edx` arguments are at the base.
    unsafe {
        (*s.th).top = s.base.add(s.edx as usize);
        let size = (*s.p).code_slots as usize;
        stack::ensure(s.l, size)?;
        // Parameters are filled here too: the frame may be left for the interpreter at its first instruction.
        let base = s.base_now();
        for k in s.edx as usize..(*s.p).num_params as usize {
            *base.add(k) = Value::NIL;
        }
        if (*s.th).poll != 0 {
            poll::at_call(s.l)?;
        }
    }
    // Finalizers can also have proved wrong what the code assumes.
    // SAFETY: the frame's prototype.
    Ok(leave(s) | i64::from(unsafe { (*s.p).broken }))
}

/// `trinity_abi::helpers::leaf::POW`.
#[unsafe(no_mangle)]
extern "C" fn trinity_l_pow(x: f64, y: f64) -> f64 {
    crate::arith::pow(x, y)
}

/// `trinity_abi::helpers::leaf::GUARD`.
#[unsafe(no_mangle)]
extern "C" fn trinity_l_guard(id: u64) -> u64 {
    use std::sync::{LazyLock, Mutex};
    use trinity_frontend::hash::WordSet;
    static SEEN: LazyLock<Option<Mutex<WordSet<u64>>>> =
        LazyLock::new(|| native::units::stress_wanted().then(Mutex::default));
    let first = |seen: &Mutex<WordSet<u64>>| seen.lock().is_ok_and(|mut s| s.insert(id));
    u64::from(SEEN.as_ref().is_some_and(first))
}

/// The helper failed: once more after a collection, if memory was short. -1: it raised an error.
#[cold]
#[inline(never)]
unsafe fn again(s: &Site, f: fn(&Site) -> LResult<i64>) -> i64 {
    // SAFETY: machine code waits in the helper; its record is current.
    unsafe {
        let ci = (*s.th).ci;
        if (*ci).kind != CallKind::Machine {
            return -1;
        }
        // An open list ends at `top`; helpers of other instructions set it.
        let top = (*s.th).top.offset_from((*s.th).stack) as usize;
        if !emergency::again(s.l, ci, s.i, s.base, top) {
            return -1;
        }
        let base = s.base_now();
        f(&Site { base, ..*s }).unwrap_or(-1)
    }
}

/// The thunks that save registers: the helper's address is in rax. Slow paths call them, so that the code around keeps its values in registers.
#[unsafe(naked)]
unsafe extern "C" fn saving() {
    std::arch::naked_asm!(
        ".cfi_startproc",
        "sub rsp, 200; .cfi_adjust_cfa_offset 200",
        "mov [rsp + 0], rcx; mov [rsp + 8], rdx; mov [rsp + 16], rsi; mov [rsp + 24], rdi; mov [rsp + 32], r8; mov [rsp + 40], r9; mov [rsp + 48], r10; mov [rsp + 56], r11",
        "movsd [rsp + 64], xmm0; movsd [rsp + 72], xmm1; movsd [rsp + 80], xmm2; movsd [rsp + 88], xmm3; movsd [rsp + 96], xmm4; movsd [rsp + 104], xmm5; movsd [rsp + 112], xmm6; movsd [rsp + 120], xmm7",
        "movsd [rsp + 128], xmm8; movsd [rsp + 136], xmm9; movsd [rsp + 144], xmm10; movsd [rsp + 152], xmm11; movsd [rsp + 160], xmm12; movsd [rsp + 168], xmm13; movsd [rsp + 176], xmm14; movsd [rsp + 184], xmm15",
        // The frame that calls ends above the return address.
        "mov rcx, [r14 + {CI}]; lea rdi, [rsp + 200]; mov [rcx + {NSP}], rdi; mov [rcx + {NBASE}], rbx",
        "mov ecx, edx; mov edx, esi; mov rsi, rbx; mov rdi, r14",
        "call rax",
        "mov rbx, [r14 + {CI}]; mov rbx, [rbx + {NBASE}]",
        "mov rcx, [rsp + 0]; mov rdx, [rsp + 8]; mov rsi, [rsp + 16]; mov rdi, [rsp + 24]; mov r8, [rsp + 32]; mov r9, [rsp + 40]; mov r10, [rsp + 48]; mov r11, [rsp + 56]",
        "movsd xmm0, [rsp + 64]; movsd xmm1, [rsp + 72]; movsd xmm2, [rsp + 80]; movsd xmm3, [rsp + 88]; movsd xmm4, [rsp + 96]; movsd xmm5, [rsp + 104]; movsd xmm6, [rsp + 112]; movsd xmm7, [rsp + 120]",
        "movsd xmm8, [rsp + 128]; movsd xmm9, [rsp + 136]; movsd xmm10, [rsp + 144]; movsd xmm11, [rsp + 152]; movsd xmm12, [rsp + 160]; movsd xmm13, [rsp + 168]; movsd xmm14, [rsp + 176]; movsd xmm15, [rsp + 184]",
        "add rsp, 200; .cfi_adjust_cfa_offset -200",
        "test rax, rax",
        "js trinity_raise",
        "ret",
        ".cfi_endproc",
        CI = const abi::thread::CI,
        NSP = const abi::ci::NSP,
        NBASE = const abi::ci::NBASE,
    )
}

macro_rules! thunks {
    ($( $name:ident, $kind:ident, $doc:literal; )*) => {
        $(
            // A section each: what nobody calls is not linked.
            global_asm!(
                concat!(".pushsection .text.trinity_h_", stringify!($name), ",\"ax\",@progbits"),
                ".p2align 4",
                concat!(".globl trinity_h_", stringify!($name)),
                concat!("trinity_h_", stringify!($name), ":"),
                ".cfi_startproc",
                "mov rax, [r14 + {CI}]; mov [rax + {NSP}], rsp; mov [rax + {NBASE}], rbx",
                "sub rsp, 8; .cfi_adjust_cfa_offset 8",
                "mov ecx, edx; mov edx, esi; mov rsi, rbx; mov rdi, r14",
                "call {f}",
                "add rsp, 8; .cfi_adjust_cfa_offset -8",
                "mov rdx, [r14 + {CI}]; mov rbx, [rdx + {NBASE}]",
                "test rax, rax",
                "js trinity_raise",
                "ret",
                ".cfi_endproc",
                ".popsection",
                CI = const abi::thread::CI,
                NSP = const abi::ci::NSP,
                NBASE = const abi::ci::NBASE,
                f = sym entry::$name,
            );
            global_asm!(
                concat!(".pushsection .text.trinity_hs_", stringify!($name), ",\"ax\",@progbits"),
                ".p2align 4",
                concat!(".globl trinity_hs_", stringify!($name)),
                concat!("trinity_hs_", stringify!($name), ":"),
                "lea rax, [rip + {f}]",
                "jmp {saving}",
                ".popsection",
                f = sym entry::$name,
                saving = sym saving,
            );
        )*
        mod entry {
            use super::*;
            $(
                #[doc = $doc]
                pub(super) unsafe extern "C" fn $name(th: *mut Thread, base: *mut Value, pc: u32, edx: u32) -> i64 {
                    // SAFETY: machine code passes its thread and base; the function below the base is the running closure.
                    unsafe {
                        native::exit::stress(th);
                        let p = ops::proto_at(base);
                        let site = Site {
                            l: Lua(NonNull::new_unchecked(th)), th, base, p, i: *(*p).code.add(pc as usize), edx,
                        };
                        super::$name(&site).unwrap_or_else(|_| again(&site, super::$name))
                    }
                }
            )*
        }
    };
}
for_each_helper!(thunks);
