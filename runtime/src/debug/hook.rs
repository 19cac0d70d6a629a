//! Debug hooks: events for calls, returns, new lines, and every so many instructions (ldo.c and ldebug.c of the reference).
//!
//! A hook runs on top of the frame it is about, without a record of its own; that frame's record carries `call_status::HOOK` meanwhile.
//! Hooks are not called inside hooks.
//!
//! Invariants: `Thread::hook` is `None` when no hook is set and none is running, so the test for it is all that code without hooks pays.
//! The interpreter calls [`trace_exec`] before every instruction while a line or count hook is set; setting a hook asks for that through
//! the poll word. `old_pc` is the instruction last seen by the line hook in the running function; it may be of another function after an
//! error, and is only compared.

use super::frame::Activations;
use super::varinfo::code;
use crate::error::LResult;
use crate::proto::RtProto;
use crate::thread::{CallInfo, CallKind, Lua, MIN_STACK, Thread, call_status};
use trinity_frontend::bytecode::{Instr, Op};

/// Bits of a hook mask, as in the reference.
pub mod mask {
    /// Calls.
    pub const CALL: u8 = 1;
    /// Returns.
    pub const RETURN: u8 = 2;
    /// New lines.
    pub const LINE: u8 = 4;
    /// Every so many instructions.
    pub const COUNT: u8 = 8;
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A function was called.
    Call,
    /// A function returns.
    Return,
    /// A new line starts.
    Line,
    /// The instruction count was reached.
    Count,
    /// A function was called by a tail call.
    TailCall,
}

impl EventKind {
    /// The name Lua hooks get.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Call => "call",
            EventKind::Return => "return",
            EventKind::Line => "line",
            EventKind::Count => "count",
            EventKind::TailCall => "tail call",
        }
    }
}

/// A hook: runs on the thread, in the frame of the function the event is about. `line` is -1 but for line events.
pub type HookFn = fn(l: Lua, event: EventKind, line: i32) -> LResult<()>;

/// The hook of a thread.
#[derive(Clone)]
pub struct HookState {
    func: Option<HookFn>,
    mask: u8,
    base_count: i32,
    count: i32,
    allowed: bool,
    old_pc: usize,
}

impl HookState {
    /// False while a hook runs.
    pub fn allowed(&self) -> bool {
        self.allowed
    }
    /// Restores what [`HookState::allowed`] said (a protected call caught an error).
    pub fn set_allowed(&mut self, allowed: bool) {
        self.allowed = allowed;
    }
    /// The hook's function.
    pub fn func(&self) -> Option<HookFn> {
        self.func
    }
    /// Events it is called for.
    pub fn mask(&self) -> u8 {
        self.mask
    }
    /// Instructions between count events.
    pub fn base_count(&self) -> i32 {
        self.base_count
    }
    /// True when instructions have to be traced.
    pub fn traces(&self) -> bool {
        self.mask & (mask::LINE | mask::COUNT) != 0
    }
    /// The state a new coroutine of this thread starts with.
    pub fn inherit(&self) -> Option<Box<HookState>> {
        self.func.map(|_| {
            Box::new(HookState {
                count: self.base_count,
                allowed: true,
                old_pc: 0,
                ..self.clone()
            })
        })
    }
}

/// The hook state of a thread, if any. The reference lives until the next call into Lua only.
unsafe fn state<'a>(th: *mut Thread) -> Option<&'a mut HookState> {
    unsafe { (*th).hook.as_deref_mut() }
}

/// lua_sethook: no function or an empty mask removes the hook.
pub fn set_hook(l: Lua, func: Option<HookFn>, mask: u8, count: i32) {
    // SAFETY: live handle; nothing here runs Lua.
    unsafe {
        let th = l.thread();
        let running = state(th).is_some_and(|h| !h.allowed);
        let func = if mask == 0 { None } else { func };
        if func.is_none() && !running {
            (*th).hook = None;
            return;
        }
        let old_pc = state(th).map_or(0, |h| h.old_pc);
        (*th).hook = Some(Box::new(HookState {
            func,
            mask: if func.is_some() { mask } else { 0 },
            base_count: count,
            count,
            allowed: !running,
            old_pc,
        }));
        if func.is_some() {
            crate::poll::hook_set(l);
        }
    }
}

/// Calls the hook for the running frame. `transfer`: first transferred value (counted from the function) and their number.
fn run(l: Lua, event: EventKind, line: i32, transfer: Option<(usize, usize)>) -> LResult<()> {
    // SAFETY: live handle. Slot addresses are kept as offsets across the hook; the record of the frame stays valid.
    unsafe {
        let th = l.thread();
        let Some(h) = state(th) else { return Ok(()) };
        let Some(func) = h.func else { return Ok(()) };
        if !h.allowed {
            return Ok(());
        }
        let ci = (*th).ci;
        let top = (*th).top.offset_from((*th).stack);
        let ci_top = (*ci).top.offset_from((*th).stack);
        let mut bits = call_status::HOOK;
        if let Some((first, n)) = transfer
            && n != 0
        {
            bits |= call_status::TRANSFER;
            (*ci).ftransfer = first as u16;
            (*ci).ntransfer = n as u16;
        }
        if (*ci).kind == CallKind::Lua && (*th).top < (*ci).top {
            (*th).top = (*ci).top;
        }
        crate::stack::ensure(l, MIN_STACK)?;
        if (*ci).top < (*th).top.add(MIN_STACK) {
            (*ci).top = (*th).top.add(MIN_STACK);
        }
        h.allowed = false;
        (*ci).status |= bits;
        func(l, event, line)?;
        (*ci).status &= !bits;
        (*ci).top = (*th).stack.offset(ci_top);
        (*th).top = (*th).stack.offset(top);
        if let Some(h) = state(th) {
            h.allowed = true;
            if h.func.is_none() {
                (*th).hook = None;
            }
        }
        Ok(())
    }
}

unsafe fn proto_of<'a>(ci: *mut CallInfo) -> &'a RtProto {
    unsafe { &*(*crate::call::closure_of(ci)).proto }
}

/// Index of the instruction that a Lua record is executing.
unsafe fn pc_of(ci: *mut CallInfo) -> usize {
    unsafe { ((*ci).pc.offset_from(proto_of(ci).code) - 1).max(0) as usize }
}

/// A function was called: its record is current, its arguments are in place (a vararg function's frame is adjusted already).
///
/// # Safety
/// `ci` is the current record of the live thread.
pub unsafe fn on_call(l: Lua, ci: *mut CallInfo) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let Some(h) = state(th) else { return Ok(()) };
        let wanted = h.mask & mask::CALL != 0;
        if (*ci).kind != CallKind::Lua {
            if !wanted {
                return Ok(());
            }
            let nargs = (*th).top.offset_from((*ci).func) as usize - 1;
            return run(l, EventKind::Call, -1, Some((1, nargs)));
        }
        h.old_pc = 0;
        let (num_params, is_vararg) = {
            let p = proto_of(ci);
            (usize::from(p.num_params), p.is_vararg)
        };
        if wanted {
            let tail = (*ci).status & call_status::TAIL != 0;
            let event = if tail {
                EventKind::TailCall
            } else {
                EventKind::Call
            };
            // Hooks assume that the instruction is being executed.
            (*ci).pc = (*ci).pc.add(1);
            run(l, event, -1, Some((1, num_params)))?;
            (*ci).pc = (*ci).pc.sub(1);
        }
        if is_vararg && let Some(h) = state(th) {
            h.old_pc = 1;
        }
        Ok(())
    }
}

/// The function of the current record returns the top `n` values.
///
/// # Safety
/// `ci` is the current record of the live thread.
pub unsafe fn on_return(l: Lua, ci: *mut CallInfo, n: usize) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let Some(h) = state(th) else { return Ok(()) };
        if h.mask & mask::RETURN != 0 {
            let first = (*th).top.sub(n).offset_from((*ci).func) as usize;
            run(l, EventKind::Return, -1, Some((first, n)))?;
        }
        // The caller goes on where it is: no new line.
        let prev = (*ci).prev;
        let caller_pc = match prev.as_ref().map(|p| p.kind) {
            Some(CallKind::Lua) => Some(pc_of(prev)),
            Some(CallKind::Machine) => Activations::new(l).nth(1).and_then(|f| f.pc()),
            _ => None,
        };
        if let Some(pc) = caller_pc
            && let Some(h) = state(th)
        {
            h.old_pc = pc;
        }
        Ok(())
    }
}

/// A machine frame continues in the interpreter, behind the instruction `pc`: what the line hook saw last, as if it had traced that.
///
/// # Safety
/// `th` is live.
pub unsafe fn on_exit(th: *mut Thread, pc: usize) {
    unsafe {
        if let Some(h) = state(th) {
            h.old_pc = pc;
        }
    }
}

/// True when the instruction uses `top` as its predecessor left it.
pub fn uses_top(i: Instr) -> bool {
    matches!(i.op(), Op::Call | Op::TailCall | Op::Return | Op::SetList) && i.b() == 0
}

/// Called before an instruction is executed while hooks are on; `ci.pc` points to it. False: tracing can stop.
///
/// # Safety
/// `ci` is the current record of the live thread.
pub unsafe fn trace_exec(l: Lua, ci: *mut CallInfo) -> LResult<bool> {
    unsafe {
        let th = l.thread();
        let Some(h) = state(th) else { return Ok(false) };
        if !h.traces() {
            return Ok(false);
        }
        if (*(*ci).pc).op() == Op::VarArgPrep {
            // The function's events start behind its prologue, which needs `top` as the call left it.
            return Ok(true);
        }
        let wants_line = h.mask & mask::LINE != 0;
        let mut counted = false;
        if h.mask & mask::COUNT != 0 {
            h.count -= 1;
            counted = h.count == 0;
            if counted {
                h.count = h.base_count;
            }
        }
        if !counted && !wants_line {
            return Ok(true);
        }
        let p = proto_of(ci);
        let pc = (*ci).pc.offset_from(p.code) as usize;
        if code(p).get(pc).is_some_and(|&i| !uses_top(i)) {
            (*th).top = (*ci).top;
        }
        (*ci).pc = (*ci).pc.add(1);
        if counted {
            run(l, EventKind::Count, -1, None)?;
        }
        if wants_line {
            let old = state(th).map_or(0, |h| h.old_pc);
            let lines = &p.src.lines;
            let old = if old < code(p).len() { old } else { 0 };
            if pc <= old || lines.get(old) != lines.get(pc) {
                let line = lines.get(pc).map_or(-1, |&n| n as i32);
                run(l, EventKind::Line, line, None)?;
            }
            if let Some(h) = state(th) {
                h.old_pc = pc;
            }
        }
        (*ci).pc = (*ci).pc.sub(1);
        Ok(true)
    }
}
