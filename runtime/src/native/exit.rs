//! Leaving machine code: at a guard (now) or when a waiting frame's callee returns (lazily).
//!
//! Where code can be left, it has stored every live register in its home slot: the interpreter continues the frame at its pc with the same
//! base, and its results go back to the machine caller. In inlined code that holds for every frame of the chain, and all of them continue
//! in the interpreter, the outer ones behind the CALL that was inlined. A frame that waits in a call is left by replacing the
//! return address into it; the original is kept in `Thread::patched`.

use super::units::{Site, inlined_frame};
use super::walk::{Frames, MachineFrame, delta, extra_word, outermost};
use crate::debug::hook;
use crate::error::Raise;
use crate::interp::Left;
use crate::numfmt::decimal;
use crate::proto::RtProto;
use crate::thread::{CallKind, Lua, Thread};
use crate::value::Value;
use trinity_abi::unit::{FuncDesc, VERSION_SHIFT, kind};
use trinity_frontend::bytecode::{Instr, Op};

/// A replaced return address.
#[derive(Clone, Copy, Debug)]
pub struct Patched {
    /// Where it is on the native stack.
    pub slot: usize,
    /// What it was.
    pub ret: usize,
}

/// Makes `frame` leave machine code when its callee returns. Idempotent.
///
/// # Safety
/// The frame belongs to `th`, which is stopped in Rust.
pub unsafe fn leave_lazily(th: *mut Thread, frame: &MachineFrame) {
    unsafe {
        let slot = frame.ret_slot as usize;
        let word = (*th).native.at(slot);
        if frame.site.point.kind != kind::NEVER && *word != super::entry::lazy_exit() {
            (*th).patched.retain(|p| p.slot != slot);
            (*th).patched.push(Patched { slot, ret: *word });
            *word = super::entry::lazy_exit();
        }
    }
}

/// Makes every machine frame of `th` leave when its callee returns (a hook was set).
///
/// # Safety
/// The thread is stopped in Rust.
pub unsafe fn leave_all_lazily(th: *mut Thread) {
    unsafe {
        let mut ci = (*th).ci;
        while !ci.is_null() {
            if (*ci).kind == CallKind::Machine {
                for f in Frames::new(th, ci) {
                    leave_lazily(th, &f);
                }
            }
            ci = (*ci).prev;
        }
    }
}

/// Frames that deoptimisation stress looks at: those further down were looked at when the stack was lower.
const STRESS_DEPTH: usize = 64;

/// Deoptimisation stress: every machine frame near the end of the stack leaves at its safe point, each safe point of the program once.
/// Called at every transition to Rust; does nothing unless the mode is on.
///
/// # Safety
/// The thread is stopped in Rust, its current record of kind `Machine` up to date.
#[inline(always)]
pub unsafe fn stress(th: *mut Thread) {
    unsafe {
        if (*(*th).global).units.stress.is_some() {
            stress_frames(th);
        }
    }
}

#[cold]
unsafe fn stress_frames(th: *mut Thread) {
    unsafe {
        let ci = (*th).ci;
        for f in Frames::new(th, ci).take(STRESS_DEPTH) {
            let ret = f.site.func.entry as usize + f.site.point.ret_offset as usize;
            let seen = &mut (*(*th).global).units.stress;
            if seen.as_mut().is_some_and(|s| s.insert(ret)) {
                leave_lazily(th, &f);
            }
        }
    }
}

/// Continues the frame at `base` in the interpreter at `pc`. Returns the number of results, placed from its entry function slot on (and
/// `nbase` of the record set to the entry base), or -1.
///
/// # Safety
/// Called by the exit stub: `base` is the frame's base, `pc` one of its instructions, the machine frame is gone.
pub unsafe extern "C" fn rt_exit(th: *mut Thread, base: *mut Value, pc: u32) -> i64 {
    unsafe {
        hook::on_exit(th, pc.saturating_sub(1) as usize);
        run_frames(th, base, pc, (0, 0))
    }
}

/// Failed guards of a function's code after which it is interpreted: what the code assumes no longer holds. A failure costs less than a
/// microsecond: few enough that no program notices when all calls fail; but enough for what is rare in a program that runs long, since its
/// callers, which know the code by its address, then leave theirs at every call and end up in the interpreter, too.
pub const GUARD_LIMIT: u32 = 20_000;

/// `TRINITY_TRACE_EXITS=1`: every failed guard is told on standard error.
fn trace_exits() -> bool {
    static ON: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ON.get_or_init(|| std::env::var_os("TRINITY_TRACE_EXITS").is_some_and(|v| v == "1"))
}

/// Says that the guard at `site` of `p`'s code failed. Without the formatting machinery of the standard library, which executables can do
/// without.
#[cold]
fn tell(p: &RtProto, site: u64) {
    let pc = site as u32;
    let line = p.src.lines.get(pc as usize).copied().unwrap_or(0);
    let mut text =
        b"trinity: left machine code (line, instruction, inlined frame, failure):".to_vec();
    for n in [line, pc, frame_of(site).0 as u32, p.guard_failures] {
        text.push(b' ');
        text.extend_from_slice(decimal(u64::from(n), &mut [0; 20]));
    }
    crate::cli::message(None, &text);
}

/// A guard failed in the code of the function at `base`; `site`: pc, and in the high half the frame it is about (`frame_of`). Like [`rt_exit`].
///
/// # Safety
/// As for [`rt_exit`]: all frames of the chain are complete.
pub unsafe extern "C" fn rt_guard(th: *mut Thread, base: *mut Value, site: u64) -> i64 {
    unsafe {
        let f = (*base.sub(1)).as_lua_fn();
        let p = (*f).proto;
        (*p).guard_failures = (*p).guard_failures.saturating_add(1);
        if (*p).guard_failures > GUARD_LIMIT {
            // Closures made from now on start in the interpreter. Those there are keep the code until they fail, too.
            (*p).native_code = std::ptr::null();
            (*f).code = super::entry::stub_interp();
            // Cells that hold the closure say which code it has.
            let g = (*th).global;
            (*g).epoch = (*g).epoch.wrapping_add(1);
        }
        if trace_exits() {
            tell(&*p, site);
        }
        let pc = site as u32;
        hook::on_exit(th, pc.saturating_sub(1) as usize);
        run_frames(th, base, pc, frame_of(site))
    }
}

/// A frame in a function's code: its number among the inlined ones (0: none of them), and how far behind the function's table entry that of the version is.
fn frame_of(site: u64) -> (usize, usize) {
    (
        (site >> 32) as u8 as usize,
        (site >> VERSION_SHIFT) as usize,
    )
}

/// Adds the frame number `inlined`, at `pc`, behind its callers.
unsafe fn push_frames(
    l: Lua,
    base: *mut Value,
    func: *const FuncDesc,
    inlined: usize,
    pc: u32,
    nextra: u32,
) -> Left {
    unsafe {
        let inner = match func.as_ref() {
            Some(func) => inlined_frame(func, inlined),
            None => None,
        };
        let Some(f) = inner else {
            return Left::outermost(l, base, pc as usize, nextra);
        };
        let mut left = push_frames(l, base, func, f.parent as usize, f.call_pc + 1, nextra);
        left.inner(base.add(f.delta as usize), pc as usize);
        left
    }
}

/// Continues the function at `base` in the interpreter, in this frame of its code at `pc`.
unsafe fn run_frames(th: *mut Thread, base: *mut Value, pc: u32, frame: (usize, usize)) -> i64 {
    unsafe {
        let (inlined, version) = frame;
        let l = Lua(std::ptr::NonNull::new_unchecked(th));
        let machine = (*th).ci;
        let proto = (*(*base.sub(1)).as_lua_fn()).proto;
        let nextra = if (*proto).is_vararg {
            *extra_word(base)
        } else {
            0
        };
        let shift = if (*proto).is_vararg {
            nextra as usize + (*proto).num_params as usize + 1
        } else {
            0
        };
        let entry_base = base.sub(shift);
        // From here on the walk starts at the caller: these frames are represented by the interpreter's records.
        (*machine).nbase = entry_base;
        let offset = entry_base as usize - (*th).stack as usize;
        // Without a table there are no inlined frames either.
        let desc = (*proto).desc.wrapping_add(version);
        match push_frames(l, base, desc, inlined, pc, nextra).run() {
            Ok(()) => {
                let func = (((*th).stack as usize + offset) as *mut Value).sub(1);
                (*th).top.offset_from(func) as i64
            }
            Err(Raise(())) => -1,
        }
    }
}

/// What a lazy exit does, packed for the trip through the stub.
#[repr(C)]
pub struct LazyRegs {
    rax: u64,
    rdx: u64,
    rcx: u64,
}

const LAZY_RETURN: u64 = 1 << 63;
/// Result of the `ret` helper in a frame that will leave machine code, while a hook is set: nothing was moved, the RETURN is executed again
/// by the interpreter, with its hooks.
pub const RETURN_AGAIN: i64 = 1 << 33;

/// Register of the first result of a call, and the number wanted plus 1 (0: all). Metamethods of arithmetic have one.
pub(crate) fn results_of(call: Instr) -> (usize, usize) {
    match call.op() {
        Op::TForCall => (call.a() + 4, call.c() + 1),
        op if is_operator(op) => (call.a(), 2),
        _ => (call.a(), call.c()),
    }
}

/// Instructions whose metamethods are inlined: their frames begin above all registers.
pub(crate) fn is_operator(op: Op) -> bool {
    op.event().is_some()
}

/// `count` results are from `at` on: fills up with nil to `wanted - 1`, or sets `top`.
unsafe fn place_results(th: *mut Thread, at: *mut Value, count: usize, wanted: usize) {
    unsafe {
        match wanted {
            0 => (*th).top = at.add(count),
            c => {
                for k in count..c - 1 {
                    *at.add(k) = Value::NIL;
                }
            }
        }
    }
}

/// A callee returned into a patched frame: `sp` is just above the patched slot, `rbx` as the callee left it. Places results by the safe
/// point's kind. Rewrites `regs`: rax = pc to continue at and, in the high half, the inlined frame it is about, or `LAZY_RETURN | count`;
/// rdx = base of the (outermost) frame. Returns the frame's size.
///
/// # Safety
/// Called by the lazy-exit stub only, with the registers the callee left.
pub unsafe extern "C" fn rt_lazy_lookup(
    th: *mut Thread,
    sp: usize,
    rbx: *mut Value,
    regs: *mut LazyRegs,
) -> u64 {
    unsafe {
        let slot = sp - 8;
        let i = match (&(*th).patched).iter().rposition(|p| p.slot == slot) {
            Some(i) => i,
            // The stub's address is only ever stored together with a record.
            None => std::process::abort(),
        };
        let ret = (*th).patched.remove(i).ret;
        let site: Site = match (*(*th).global).units.find(ret) {
            Some(s) => s,
            None => std::process::abort(),
        };
        let base = rbx.sub(site.point.delta as usize);
        let pc = site.point.pc;
        let mut inlined = site.point.inlined as usize;
        let outer = outermost(base, site.func, inlined);
        let instr = *(*site.proto_of(inlined)).code.add(pc as usize);
        let r = &mut *regs;
        hook::on_exit(
            th,
            if site.point.kind == kind::AT {
                pc.saturating_sub(1)
            } else {
                pc
            } as usize,
        );
        let next = match site.point.kind {
            kind::AT => pc as u64,
            kind::JUMP => {
                let mut target = pc as i64 + 1;
                if r.rax as u32 != 0 {
                    target += instr.sd() as i64 + i64::from(instr.op() == Op::ForPrep);
                }
                target as u64
            }
            kind::CALL => {
                let (first, wanted) = results_of(instr);
                if instr.op() == Op::TForCall {
                    // The code that counted it does not go on.
                    crate::call::leave_c_call(th);
                }
                let a = base.add(first);
                let count = r.rcx as u32 as usize;
                if count > 0 || wanted != 1 {
                    *a = Value {
                        p: r.rax,
                        t: r.rdx as u8,
                    };
                }
                place_results(th, a, count, wanted);
                pc as u64 + 1
            }
            kind::TAIL => {
                // A tail-called native function returned (its results are from R[a] on, the first in registers), or a RETURN closed its
                // variables (the `ret` helper then has placed everything): both leave values for this frame's caller.
                let p = site.proto_of(inlined);
                let shift = if (*p).is_vararg {
                    *extra_word(base) as usize + (*p).num_params as usize + 1
                } else {
                    0
                };
                let entry = base.sub(shift);
                let returned = site.point.delta == 0;
                let count = if returned { r.rax } else { r.rcx } & 0xffff_ffff;
                if returned && r.rax == RETURN_AGAIN as u64 {
                    pc as u64
                } else {
                    // After `ret`, `rbx` is the entry base already.
                    let entry = if returned { rbx } else { entry };
                    if !returned {
                        for k in 1..count as usize {
                            *entry.sub(1).add(k) = *base.add(instr.a() + k);
                        }
                        if count > 0 {
                            *entry.sub(1) = Value {
                                p: r.rax,
                                t: r.rdx as u8,
                            };
                        }
                    }
                    let Some(f) = inlined_frame(site.func, inlined) else {
                        r.rax = LAZY_RETURN | count;
                        r.rdx = entry as u64;
                        return site.func.frame_size as u64;
                    };
                    // The inlined function has returned: its caller goes on behind the CALL.
                    inlined = f.parent as usize;
                    let call = *(*site.proto_of(inlined)).code.add(f.call_pc as usize);
                    let (first, wanted) = results_of(call);
                    let at = outer.add(delta(site.func, inlined) + first);
                    if at != entry.sub(1) && count > 0 {
                        *at = *entry.sub(1);
                    }
                    place_results(th, at, count as usize, wanted);
                    f.call_pc as u64 + 1
                }
            }
            _ => pc as u64 + 1,
        };
        // Of an inlined frame the table says more.
        let version = match inlined {
            0 => 0,
            _ => std::ptr::from_ref(site.func).offset_from((*site.proto).desc) as u64,
        };
        r.rax = next | (inlined as u64) << 32 | version << VERSION_SHIFT;
        r.rdx = outer as u64;
        site.func.frame_size as u64
    }
}

/// Second half of a lazy exit: the machine frame is gone. Like [`rt_exit`].
///
/// # Safety
/// Called by the lazy-exit stub with what [`rt_lazy_lookup`] gave.
pub unsafe extern "C" fn rt_lazy_exit(th: *mut Thread, base: *mut Value, action: u64) -> i64 {
    unsafe {
        if action & LAZY_RETURN != 0 {
            (*(*th).ci).nbase = base;
            return (action & 0xffff_ffff) as i64;
        }
        run_frames(th, base, action as u32, frame_of(action))
    }
}
