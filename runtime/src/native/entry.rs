//! Calls into machine code, and the stubs machine code calls (docs/abi.md sections 5, 6).
//!
//! All assembly of the bridge is here. Notation of the convention: rbx = base, r14 = thread, ecx = argument or result count,
//! rax/dl = first result. Every transition to Rust stores rsp (pointing at the return address into machine code) and rbx in the
//! current call record, so that stacks can be walked and slots can move.

use crate::error::{LResult, Raise};
use crate::thread::{CallKind, Lua, Thread};
use crate::value::Value;
use std::arch::global_asm;
use trinity_abi as abi;

/// Records the transition; clobbers rax. rsp must point at the return address into machine code.
macro_rules! record {
    () => {
        "mov rax, [r14 + {CI}]; mov [rax + {NSP}], rsp; mov [rax + {NBASE}], rbx;"
    };
}
/// Reloads the base after Rust ran; clobbers rdx.
macro_rules! reload {
    () => {
        "mov rdx, [r14 + {CI}]; mov rbx, [rdx + {NBASE}];"
    };
}

/// Saves a register of the caller where unwinders find it.
macro_rules! push {
    ($reg:literal) => {
        concat!(
            "push ",
            $reg,
            "; .cfi_adjust_cfa_offset 8; .cfi_rel_offset ",
            $reg,
            ", 0"
        )
    };
}

global_asm!(
    ".text",
    ".p2align 4",
    ".globl trinity_enter",
    "trinity_enter:", // rdi thread, rsi base, edx nargs, rcx code
    // Debuggers unwind from machine code through here.
    ".cfi_startproc",
    push!("rbp"),
    push!("rbx"),
    push!("r12"),
    push!("r13"),
    push!("r14"),
    push!("r15"),
    "push qword ptr [rdi + {ENTRY_SP}]; .cfi_adjust_cfa_offset 8",
    "mov [rdi + {ENTRY_SP}], rsp",
    "mov r14, rdi",
    "mov rbx, rsi",
    "mov rax, rcx",
    "mov ecx, edx",
    "call rax",
    ".globl trinity_enter_return",
    "trinity_enter_return:",
    "mov [rbx - 16], rax",
    "mov [rbx - 8], dl",
    "mov eax, ecx",
    "2:",
    ".cfi_remember_state",
    "pop qword ptr [r14 + {ENTRY_SP}]; .cfi_adjust_cfa_offset -8",
    "pop r15; pop r14; pop r13; pop r12; pop rbx; pop rbp; .cfi_def_cfa_offset 8",
    "ret",
    ".cfi_restore_state",
    ".globl trinity_raise",
    "trinity_raise:",
    "mov rsp, [r14 + {ENTRY_SP}]",
    "mov rax, -1",
    "jmp 2b",
    ".cfi_endproc",
    // ---- generic entries of interpreted and native functions
    ".p2align 4",
    ".globl trinity_stub_interp",
    "trinity_stub_interp:",
    ".cfi_startproc",
    record!(),
    "sub rsp, 8; .cfi_adjust_cfa_offset 8; mov rdi, r14; mov rsi, rbx; mov edx, ecx",
    "call {rt_call_interp}",
    "jmp 3f",
    ".cfi_endproc",
    ".p2align 4",
    ".globl trinity_stub_native",
    "trinity_stub_native:",
    ".cfi_startproc",
    record!(),
    "sub rsp, 8; .cfi_adjust_cfa_offset 8; mov rdi, r14; mov rsi, rbx; mov edx, ecx",
    "call {rt_call_native}",
    "3:",
    "add rsp, 8; .cfi_adjust_cfa_offset -8",
    "test rax, rax",
    "js trinity_raise",
    "4:",
    "mov rcx, rax",
    reload!(),
    "xor edx, edx",
    "test ecx, ecx",
    "jz 5f",
    "mov rax, [rbx - 16]",
    "movzx edx, byte ptr [rbx - 8]",
    "5:",
    "ret",
    ".cfi_endproc",
    // ---- functions that switch threads: what they return to is not what the processor expects, whose stack of return addresses belongs to the
    // other thread. An indirect jump it predicts by the way here.
    ".p2align 4",
    ".globl trinity_stub_switch",
    "trinity_stub_switch:",
    ".cfi_startproc",
    record!(),
    "sub rsp, 8; .cfi_adjust_cfa_offset 8; mov rdi, r14; mov rsi, rbx; mov edx, ecx",
    "call {rt_call_native}",
    "add rsp, 8; .cfi_adjust_cfa_offset -8",
    "test rax, rax",
    "js trinity_raise",
    "mov rcx, rax",
    reload!(),
    "xor edx, edx",
    "test ecx, ecx",
    "jz 7f",
    "mov rax, [rbx - 16]",
    "movzx edx, byte ptr [rbx - 8]",
    "7:",
    "pop rsi; .cfi_adjust_cfa_offset -8; jmp rsi",
    ".cfi_endproc",
    // ---- exits: esi = pc; the frame is torn down, rsp points at the return address to its caller
    ".p2align 4",
    ".globl trinity_exit",
    "trinity_exit:",
    record!(),
    "sub rsp, 8; mov rdi, r14; mov edx, esi; mov rsi, rbx",
    "call {rt_exit}",
    "jmp 3b",
    // ---- failed guards: the same with rsi = pc and frame
    ".p2align 4",
    ".globl trinity_guard_exit",
    "trinity_guard_exit:",
    record!(),
    "sub rsp, 8; mov rdi, r14; mov rdx, rsi; mov rsi, rbx",
    "call {rt_guard}",
    "jmp 3b",
    // ---- lazy exits: a patched return address led here; rsp is just above it, in the frame's locals
    ".p2align 4",
    ".globl trinity_lazy_exit",
    "trinity_lazy_exit:",
    // rax, dl, ecx may be results; find the frame. 48 bytes below are free (the return address was among them).
    "sub rsp, 56",
    "mov [rsp + 8], rax; mov [rsp + 16], rdx; mov [rsp + 24], rcx",
    "mov rdi, r14; lea rsi, [rsp + 56]; mov rdx, rbx; lea rcx, [rsp + 8]",
    // Lazy exits are reached with rsp 16-byte aligned (right after a call returned).
    "sub rsp, 8",
    "call {rt_lazy_lookup}", // -> rax: frame size; [rcx area] rewritten: [0] pc or action, [1] base
    "add rsp, 8",
    "mov rsi, [rsp + 8]",  // action/pc word
    "mov rbx, [rsp + 16]", // base of the frame
    "lea rsp, [rsp + rax + 56]",
    // now rsp points at the return address to the caller of the abandoned frame
    record!(),
    "sub rsp, 8; mov rdi, r14; mov rdx, rsi; mov rsi, rbx",
    "call {rt_lazy_exit}",
    "jmp 3b",
    // ---- native stack overflow in a prologue: rax = entry to try again, ecx = argument count
    ".p2align 4",
    ".globl trinity_more_stack",
    "trinity_more_stack:",
    "push rax; push rcx; sub rsp, 8",
    "mov rdi, r14; mov rsi, rsp",
    "call {rt_more_stack}", // -> rax: top of the next segment, or 0; an error is raised
    "add rsp, 8; pop rcx; pop rdx",
    "test rax, rax",
    "jz 6f",
    "mov [rax - 16], rsp", // old stack pointer, at the return address
    "lea rsi, [rip + trinity_segment_return]",
    "lea rsp, [rax - 24]",
    "mov [rsp], rsi",
    "jmp rdx",
    "6:",
    record!(),
    "sub rsp, 8; mov rdi, r14",
    "call {rt_no_stack}",
    "jmp trinity_raise",
    ".p2align 4",
    ".globl trinity_segment_return",
    "trinity_segment_return:",
    // rsp = top - 16: [rsp] is the old stack pointer
    "mov rsp, [rsp]",
    "push rax; push rdx; push rcx; sub rsp, 16",
    "mov rdi, r14",
    "call {rt_less_stack}",
    "add rsp, 16; pop rcx; pop rdx; pop rax",
    "ret",
    ENTRY_SP = const abi::thread::ENTRY_SP,
    CI = const abi::thread::CI,
    NSP = const abi::ci::NSP,
    NBASE = const abi::ci::NBASE,
    rt_call_interp = sym rt_call_interp,
    rt_call_native = sym rt_call_native,
    rt_exit = sym super::exit::rt_exit,
    rt_guard = sym super::exit::rt_guard,
    rt_lazy_lookup = sym super::exit::rt_lazy_lookup,
    rt_lazy_exit = sym super::exit::rt_lazy_exit,
    rt_more_stack = sym rt_more_stack,
    rt_less_stack = sym rt_less_stack,
    rt_no_stack = sym rt_no_stack,
);

unsafe extern "C" {
    fn trinity_enter(th: *mut u8, base: *mut Value, nargs: u32, code: *const u8) -> i64;
    fn trinity_enter_return();
    fn trinity_segment_return();
    fn trinity_lazy_exit();
    fn trinity_stub_interp();
    fn trinity_stub_native();
    fn trinity_stub_switch();
}

/// Return address of the outermost machine frame of a region.
pub fn enter_return() -> usize {
    trinity_enter_return as *const () as usize
}
/// Return address that marks a switch of native segments.
pub fn segment_return() -> usize {
    trinity_segment_return as *const () as usize
}
/// Return address of a frame that will leave machine code when its callee returns.
pub fn lazy_exit() -> usize {
    trinity_lazy_exit as *const () as usize
}
/// `code` of interpreted closures.
pub fn stub_interp() -> *const u8 {
    trinity_stub_interp as *const u8
}
/// `code` of native closures.
pub fn stub_native() -> *const u8 {
    trinity_stub_native as *const u8
}

/// `code` of native closures that switch threads.
pub fn stub_switch() -> *const u8 {
    trinity_stub_switch as *const u8
}

/// Calls the machine code of the Lua closure at `func` with the `nargs` values behind it. On success the results are from `func` on
/// and their count is returned. The caller adjusts them and restores `top`.
///
/// # Safety
/// `func` holds a Lua closure whose prototype has machine code; arguments are in place.
pub unsafe fn call_machine(l: Lua, func: *mut Value, nargs: u32) -> LResult<u32> {
    unsafe {
        match super::stack::with_room(l, || call_machine_here(l, func, nargs)) {
            Some(r) => r,
            None => {
                rt_no_stack(l.0.as_ptr());
                Err(Raise(()))
            }
        }
    }
}

/// [`call_machine`], where there is enough native stack.
///
/// # Safety
/// As for [`call_machine`].
#[inline]
pub unsafe fn call_machine_here(l: Lua, func: *mut Value, nargs: u32) -> LResult<u32> {
    unsafe {
        let th = l.0.as_ptr();
        let ci = crate::call::push_ci(l);
        (*ci).func = func;
        (*ci).top = func.add(1 + nargs as usize);
        (*ci).kind = CallKind::Machine;
        (*ci).status = 0;
        (*ci).nresults = -1;
        (*ci).nsp = 0;
        (*ci).nbase = func.add(1);
        *super::walk::tail_byte(func) = 0;
        let segment = (*th).native.current();
        let limit = (*th).native_limit;
        let entry = (*th).entry_sp;
        let code = (*(*func).as_lua_fn()).code;
        let n = trinity_enter(th.cast(), func.add(1), nargs, code);
        (*th).native.restore(segment);
        (*th).native_limit = limit;
        (*th).entry_sp = entry;
        if n < 0 {
            // The record stays: whoever catches the error restores its own `ci`, as for every other kind of record.
            return Err(Raise(()));
        }
        (*th).ci = (*ci).prev;
        Ok(n as u32)
    }
}

/// Machine code called an interpreted Lua closure (or one whose machine code may not run now).
unsafe extern "C" fn rt_call_interp(th: *mut Thread, base: *mut Value, nargs: u32) -> i64 {
    unsafe {
        let l = Lua(std::ptr::NonNull::new_unchecked(th));
        // Its own code came here: to call it again would lead here again.
        let call = if (*(*base.sub(1)).as_lua_fn()).code != stub_interp() {
            crate::call::interpret_from_machine
        } else {
            crate::call::call_from_machine
        };
        call_by(l, base, nargs, call)
    }
}

/// Machine code called a native function.
unsafe extern "C" fn rt_call_native(th: *mut Thread, base: *mut Value, nargs: u32) -> i64 {
    unsafe {
        let l = Lua(std::ptr::NonNull::new_unchecked(th));
        if super::stack::is_low(l) {
            return call_any(l, base, nargs);
        }
        super::exit::stress(th);
        (*th).top = base.add(nargs as usize);
        let func = base.sub(1);
        let at = func.offset_from((*th).stack);
        match crate::call::call_native_here(l, func, -1) {
            Ok(()) => (*th).top.offset_from((*th).stack.offset(at)) as i64,
            Err(Raise(())) => -1,
        }
    }
}

/// Calls the function at `base - 1`; results from there on. Returns their count, or -1.
///
/// # Safety
/// Called from machine code: the current record is of kind `Machine` and has been updated.
pub unsafe fn call_any(l: Lua, base: *mut Value, nargs: u32) -> i64 {
    unsafe { call_by(l, base, nargs, crate::call::call_from_machine) }
}

/// As [`call_any`], by the function `call`.
unsafe fn call_by(
    l: Lua,
    base: *mut Value,
    nargs: u32,
    call: unsafe fn(Lua, *mut Value) -> LResult<()>,
) -> i64 {
    unsafe {
        let th = l.0.as_ptr();
        super::exit::stress(th);
        (*th).top = base.add(nargs as usize);
        let ci = (*th).ci;
        let func = (base.sub(1) as usize) - ((*th).stack as usize);
        match call(l, base.sub(1)) {
            Ok(()) => {
                debug_assert!((*th).ci == ci);
                let func = ((*th).stack as usize + func) as *mut Value;
                (*th).top.offset_from(func) as i64
            }
            Err(Raise(())) => -1,
        }
    }
}

/// Moves to the next native segment; 0 when there is no memory for one.
unsafe extern "C" fn rt_more_stack(th: *mut Thread, sp: usize) -> usize {
    unsafe {
        match (*th).native.advance(sp) {
            Some(s) => {
                (*th).native_limit = s.limit();
                s.top()
            }
            None => 0,
        }
    }
}

/// A frame returned to the previous segment.
unsafe extern "C" fn rt_less_stack(th: *mut Thread) {
    unsafe {
        let i = (*th).native.current() - 1;
        (*th).native_limit = (*th).native.restore(i);
    }
}

/// Raises "stack overflow" when a native segment cannot be had.
unsafe extern "C" fn rt_no_stack(th: *mut Thread) {
    // The error waits in the thread; the machine side resumes at `trinity_raise`.
    let l = unsafe { Lua(std::ptr::NonNull::new_unchecked(th)) };
    let _ = l.error("stack overflow");
}
