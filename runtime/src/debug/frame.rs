//! One activation of a function: an interpreted or native one with a call record, or a machine frame.
//!
//! A frame reference is a snapshot: it stays valid as long as the thread does not run. Slot addresses in it are as short-lived as any.

use super::varinfo::local_at;
use crate::native::walk::{Frames, MachineFrame};
use crate::proto::RtProto;
use crate::thread::{CallInfo, CallKind, Lua, call_status};
use crate::value::{Value, tag};

/// Where an activation lives.
#[derive(Clone, Copy)]
enum Place {
    /// A call record.
    Record(*mut CallInfo),
    /// A frame of machine code, and the record of its region if it is the innermost of that.
    Machine(MachineFrame, *mut CallInfo),
}

/// An activation of a function.
#[derive(Clone, Copy)]
pub struct FrameRef {
    place: Place,
    /// End of the slots that belong to the frame: the function slot of its callee, or the top of the stack.
    limit: *mut Value,
}

/// Iterator over the activations of a thread, innermost first.
pub struct Activations {
    l: Lua,
    ci: *mut CallInfo,
    region: Option<Frames>,
    limit: *mut Value,
    first_of_region: bool,
}

impl Activations {
    /// Starts at the innermost activation of `l`, which is running or stopped in Rust.
    pub fn new(l: Lua) -> Activations {
        // SAFETY: live handle.
        unsafe {
            let th = l.thread();
            Activations {
                l,
                ci: (*th).ci,
                region: None,
                limit: (*th).top,
                first_of_region: false,
            }
        }
    }
}

impl Iterator for Activations {
    type Item = FrameRef;
    fn next(&mut self) -> Option<FrameRef> {
        // SAFETY: records form a list that ends at the base record; machine regions are walked by their unit tables.
        unsafe {
            loop {
                if let Some(frames) = &mut self.region {
                    if let Some(m) = frames.next() {
                        let record = if self.first_of_region {
                            self.ci
                        } else {
                            std::ptr::null_mut()
                        };
                        self.first_of_region = false;
                        let f = FrameRef {
                            place: Place::Machine(m, record),
                            limit: self.limit,
                        };
                        self.limit = m.func();
                        return Some(f);
                    }
                    self.region = None;
                    self.ci = (*self.ci).prev;
                }
                if self.ci.is_null() {
                    return None;
                }
                match (*self.ci).kind {
                    CallKind::Base => return None,
                    CallKind::Machine => {
                        self.region = Some(Frames::new(self.l.thread(), self.ci));
                        self.first_of_region = true;
                    }
                    CallKind::Lua | CallKind::Native => {
                        let f = FrameRef {
                            place: Place::Record(self.ci),
                            limit: self.limit,
                        };
                        self.limit = (*self.ci).func;
                        self.ci = (*self.ci).prev;
                        return Some(f);
                    }
                }
            }
        }
    }
}

impl FrameRef {
    /// The running function of `l`.
    pub fn innermost(l: Lua) -> Option<FrameRef> {
        Activations::new(l).next()
    }

    /// The slot of the function value.
    pub fn func_slot(&self) -> *mut Value {
        match self.place {
            // SAFETY: the record is live.
            Place::Record(ci) => unsafe { (*ci).func },
            Place::Machine(m, _) => m.func(),
        }
    }

    /// The function.
    pub fn func(&self) -> Value {
        // SAFETY: every activation's function is in its slot.
        unsafe { *self.func_slot() }
    }

    /// True for functions written in Lua.
    pub fn is_lua(&self) -> bool {
        match self.place {
            // SAFETY: the record is live.
            Place::Record(ci) => unsafe { (*ci).kind == CallKind::Lua },
            Place::Machine(..) => true,
        }
    }

    /// The prototype of a Lua function.
    pub fn proto(&self) -> Option<*mut RtProto> {
        match self.place {
            // SAFETY: a Lua record's function is a Lua closure.
            Place::Record(_) => {
                let f = self.func();
                (self.is_lua() && f.t == tag::LUA_FN).then(|| unsafe { (*f.as_lua_fn()).proto })
            }
            Place::Machine(m, _) => Some(m.proto),
        }
    }

    /// Index of the instruction that a Lua function is executing.
    pub fn pc(&self) -> Option<usize> {
        match self.place {
            // SAFETY: a Lua record's pc points into its prototype's code, behind the instruction being executed.
            Place::Record(ci) => {
                let p = self.proto()?;
                Some(unsafe { ((*ci).pc.offset_from((*p).code) - 1).max(0) as usize })
            }
            Place::Machine(m, _) => Some(m.pc as usize),
        }
    }

    /// Source line of that instruction; -1 when unknown.
    pub fn current_line(&self) -> i32 {
        let (Some(p), Some(pc)) = (self.proto(), self.pc()) else {
            return -1;
        };
        // SAFETY: the prototype is live while its function is on the stack.
        let p = unsafe { &*p };
        p.src.lines.get(pc).map_or(-1, |&n| n as i32)
    }

    /// The record's status bits; those of a machine frame only when it is the innermost of its region.
    pub fn status(&self) -> u16 {
        match self.place {
            // SAFETY: the record is live.
            Place::Record(ci) => unsafe { (*ci).status },
            Place::Machine(_, ci) if !ci.is_null() => unsafe { (*ci).status },
            Place::Machine(..) => 0,
        }
    }

    /// True when the function was reached by a tail call, so that nothing is known about its caller.
    pub fn is_tail_call(&self) -> bool {
        match self.place {
            // SAFETY: the record and its slots are live. A record entered from machine code has the caller's mark in its function slot.
            Place::Record(ci) => unsafe {
                if (*ci).status & call_status::TAIL != 0 {
                    return true;
                }
                let entered = !(*ci).prev.is_null() && (*(*ci).prev).kind == CallKind::Machine;
                if !entered || (*ci).kind == CallKind::Machine {
                    return false;
                }
                // The caller's slot is below the extra arguments of a vararg frame.
                let shifted = (*ci).status & (call_status::VARARG | call_status::DEOPT) != 0;
                let below = match self.proto() {
                    Some(p) if shifted && (*p).is_vararg => {
                        (*ci).nextra as usize + (*p).num_params as usize + 1
                    }
                    _ => 0,
                };
                *crate::native::walk::tail_byte((*ci).func.sub(below)) == 1
            },
            Place::Machine(m, _) => m.is_tail_call(),
        }
    }

    /// Values transferred by the call or return whose hook is running: the first's index and their number.
    pub fn transfer(&self) -> (u16, u16) {
        match self.place {
            // SAFETY: the record is live.
            Place::Record(ci) if self.status() & call_status::TRANSFER != 0 => unsafe {
                ((*ci).ftransfer, (*ci).ntransfer)
            },
            _ => (0, 0),
        }
    }

    /// Number of extra arguments of a vararg function.
    fn nextra(&self) -> i64 {
        match self.place {
            // SAFETY: the record is live.
            Place::Record(ci) => unsafe { i64::from((*ci).nextra) },
            Place::Machine(m, _) => i64::from(m.nextra()),
        }
    }

    /// Local variable `n` (from 1), extra argument `-n`, or temporary: its name and slot (luaG_findlocal).
    pub fn local(&self, n: i32) -> Option<(Vec<u8>, *mut Value)> {
        let func = self.func_slot();
        let n = i64::from(n);
        let lua = self.proto().zip(self.pc());
        if let Some((p, pc)) = lua {
            // SAFETY: the prototype is live while its function is on the stack; slots of varargs lie below the function.
            unsafe {
                if n < 0 {
                    let nextra = self.nextra();
                    return ((*p).is_vararg && n >= -nextra).then(|| {
                        (
                            b"(vararg)".to_vec(),
                            func.offset((-nextra - (n + 1)) as isize),
                        )
                    });
                }
                if n > 0
                    && let Some(name) = local_at(&*p, n as usize - 1, pc)
                {
                    return Some((name.to_vec(), func.add(n as usize)));
                }
            }
        }
        // SAFETY: both point into the thread's slots.
        let size = unsafe { self.limit.offset_from(func.add(1)) } as i64;
        if n > 0 && n <= size {
            let name: &[u8] = if lua.is_some() {
                b"(temporary)"
            } else {
                b"(C temporary)"
            };
            // SAFETY: inside the frame, just checked.
            return Some((name.to_vec(), unsafe { func.add(n as usize) }));
        }
        None
    }

    /// Somebody has the value of a local variable, or the function: code that has the object itself elsewhere must look at its home slot again.
    pub fn local_seen(&self, l: Lua) {
        if let Place::Machine(m, _) = self.place
            && m.site.func.flags & trinity_abi::unit::flag::VIRTUAL != 0
        {
            self.local_changed(l);
        }
    }

    /// A local variable was changed from outside: code that keeps it elsewhere must look at its home slot again.
    pub fn local_changed(&self, l: Lua) {
        if let Place::Machine(m, _) = self.place {
            // SAFETY: the frame belongs to `l`, which is stopped in Rust.
            unsafe { crate::native::exit::leave_lazily(l.thread(), &m) };
        }
    }
}
