//! What the collector sees of a thread's slots.
//!
//! Native frames are live as a whole. A Lua frame, interpreted or machine, is live where its prototype's liveness says for the instruction
//! it executes: while that waits in a call or at a safe point inside, the registers it needs afterwards and its operands. So a safe point
//! comes before an instruction's result is written, never after (a result that is written already is not in the set).
//! In the atomic phase dead slots are set to nil, so that no slot ever points to freed memory.
//!
//! A frame in which a hook runs is live as a whole: its instruction has not started.

use crate::call;
use crate::error::Status;
use crate::native::walk::{Frames, extra_word};
use crate::proto::RtProto;
use crate::thread::{CallInfo, CallKind, EXTRA_STACK, Thread, call_status};
use crate::value::Value;
use trinity_frontend::bytecode::{Liveness, Op};

/// Receives live slots.
type Visit<'a> = &'a mut dyn FnMut(*mut Value);

/// A Lua frame as the scan needs it.
struct LuaFrame {
    /// Slot where the caller put the function (below the extra arguments of a vararg function).
    entry: *mut Value,
    base: *mut Value,
    proto: *mut RtProto,
    /// Instruction.
    pc: usize,
    /// It has not started; else it is being executed.
    at: bool,
    /// Everything is live.
    whole: bool,
    /// End of the slots that belong to the frame.
    limit: *mut Value,
    /// End of open operands.
    open_end: *mut Value,
}

unsafe fn liveness<'a>(p: *mut RtProto) -> &'a Liveness {
    unsafe { (&(*p).liveness).get_or_init(|| Box::new(Liveness::new(&(*p).src))) }
}

unsafe fn each(from: *mut Value, to: *mut Value, visit: Visit) {
    unsafe {
        let mut p = from;
        while p < to {
            visit(p);
            p = p.add(1);
        }
    }
}

unsafe fn scan_lua(f: &LuaFrame, atomic: bool, visit: Visit) {
    unsafe {
        // The function, and in a vararg frame what is below: the first copy of the function and the extra arguments.
        each(f.entry, f.base, visit);
        if f.whole {
            each(f.base, f.limit, visit);
            return;
        }
        let live = liveness(f.proto);
        let set = if f.at {
            live.live_at(f.pc)
        } else {
            live.live_across(f.pc)
        };
        let count = if f.limit > f.base {
            f.limit.offset_from(f.base) as usize
        } else {
            0
        };
        let open = live.open_from(f.pc).map_or(usize::MAX, |r| r as usize);
        for reg in 0..count {
            let slot = f.base.add(reg);
            if (reg < 256 && set.contains(reg)) || (reg >= open && slot < f.open_end) {
                visit(slot);
            } else if atomic && (*slot).is_collectable() {
                *slot = Value::NIL;
            }
        }
    }
}

/// The frame of an interpreted function.
unsafe fn record_frame(ci: *mut CallInfo, limit: *mut Value, open_end: *mut Value) -> LuaFrame {
    unsafe {
        let p = (*call::closure_of(ci)).proto;
        let next = (*ci).pc.offset_from((*p).code) as usize;
        // The prologue of a vararg function has no safe point before it is done.
        let done = next == 1 && (*(*p).code).op() == Op::VarArgPrep;
        let resumed = (*ci).status & call_status::RESUMED != 0;
        let started = next > 0 && !done && !resumed;
        let shifted =
            (*ci).status & (call_status::VARARG | call_status::DEOPT) != 0 && (*p).is_vararg;
        let entry = if shifted {
            (*ci)
                .func
                .sub((*ci).nextra as usize + (*p).num_params as usize + 1)
        } else {
            (*ci).func
        };
        LuaFrame {
            entry,
            base: (*ci).func.add(1),
            proto: p,
            pc: if started { next - 1 } else { next },
            at: !started,
            // Before its prologue a vararg function has arguments that no register stands for.
            whole: (*ci).status & call_status::HOOK != 0
                || (next == 0 && (*p).is_vararg && !shifted),
            limit,
            open_end,
        }
    }
}

/// Visits every live slot of a thread; in the atomic phase sets dead ones to nil, up to the end of its slots.
///
/// # Safety
/// The thread is stopped at a safe point (or suspended, or dead).
pub unsafe fn scan_stack(th: *mut Thread, atomic: bool, visit: Visit) {
    unsafe {
        if (*th).stack.is_null() {
            return;
        }
        let top = (*th).top;
        let mut limit = top;
        let mut end = top;
        if !matches!((*th).status, Status::Ok | Status::Yield) {
            // Ended by an error: its records are kept for tracebacks only, and the error value is on top.
            each((*th).stack, top, visit);
            limit = (*th).stack;
        } else {
            let mut ci = (*th).ci;
            let mut innermost = true;
            while !ci.is_null() {
                match (*ci).kind {
                    CallKind::Base | CallKind::Native => {
                        each((*ci).func, limit, visit);
                        limit = (*ci).func;
                    }
                    CallKind::Lua => {
                        if innermost {
                            limit = (*ci).top.max(top);
                            end = limit;
                        }
                        let open_end = if innermost { top } else { limit };
                        let f = record_frame(ci, limit, open_end);
                        scan_lua(&f, atomic, visit);
                        limit = f.entry;
                    }
                    CallKind::Machine => {
                        for m in Frames::new(th, ci) {
                            let p = m.proto;
                            if innermost {
                                limit = m.base.add((*p).max_stack as usize).max(top);
                                end = limit;
                            }
                            let nextra = if (*p).is_vararg {
                                *extra_word(m.base)
                            } else {
                                0
                            };
                            let f = LuaFrame {
                                entry: m.entry_base().sub(1),
                                base: m.base,
                                proto: p,
                                pc: m.pc as usize,
                                at: m.is_before(),
                                // As in `record_frame`: extra arguments are still where the caller put them.
                                whole: (*p).is_vararg && m.pc == 0,
                                limit,
                                open_end: if innermost { top } else { limit },
                            };
                            debug_assert!(nextra as usize <= crate::thread::MAX_STACK);
                            scan_lua(&f, atomic, visit);
                            limit = f.entry;
                            innermost = false;
                        }
                        // The region's first frame may not have reached a safe point yet: its function and arguments.
                        each((*ci).func, limit, visit);
                        limit = limit.min((*ci).func);
                    }
                }
                innermost = false;
                ci = (*ci).prev;
            }
        }
        debug_assert!(limit == (*th).stack);
        if atomic {
            let last = (*th).stack.add((*th).stack_size + EXTRA_STACK);
            let mut p = end;
            while p < last {
                *p = Value::NIL;
                p = p.add(1);
            }
        }
    }
}
