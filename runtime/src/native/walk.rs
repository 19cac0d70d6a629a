//! Machine frames seen from Rust: a walk from a record of kind `Machine` down to its entry trampoline.
//!
//! Machine frames carry no links. The return address at `nsp` names the function and the safe point where its topmost frame waits;
//! the table gives the frame's size, so the next return address, and the distance between its base and its callee's.
//!
//! Code of inlined functions is part of their caller's: the walk gives a frame for each, which share the place on the native stack. The inner
//! ones of such a chain have their base and instruction from the safe point, the outer ones wait in the CALL that was inlined.
//! All live registers of the frames that a walk gives are in their home slots ([`waiting`]).

use super::units::{Site, inlined_frame};
use super::{entry, waiting};
use crate::proto::RtProto;
use crate::thread::{CallInfo, CallKind, Thread};
use crate::value::Value;
use trinity_abi::unit::{FuncDesc, kind};

/// One frame of a Lua function in machine code.
#[derive(Clone, Copy)]
pub struct MachineFrame {
    /// The function whose code it is, and its safe point.
    pub site: Site,
    /// 0: the frame of that function; else 1 + index of the inlined call whose frame this is.
    pub inlined: usize,
    /// The frame's own function.
    pub proto: *mut RtProto,
    /// Instruction of that function that is being executed.
    pub pc: u32,
    /// `R[0]`.
    pub base: *mut Value,
    /// Where the return address into this frame is stored on the native stack; read it by way of `NativeStack::at`.
    pub ret_slot: *mut usize,
}

impl MachineFrame {
    /// The instruction has not started.
    pub fn is_before(&self) -> bool {
        self.inlined == self.site.point.inlined as usize && self.site.point.kind == kind::AT
    }
    /// The frame that called this one in the same code.
    fn parent(&self) -> Option<MachineFrame> {
        let f = inlined_frame(self.site.func, self.inlined)?;
        let parent = f.parent as usize;
        // SAFETY: this is such a frame; all frames of a chain are on one stack.
        let base = unsafe {
            outermost(self.base, self.site.func, self.inlined).add(delta(self.site.func, parent))
        };
        Some(MachineFrame {
            inlined: parent,
            proto: self.site.proto_of(parent),
            pc: f.call_pc,
            base,
            ..*self
        })
    }
    /// Slot of the function value.
    pub fn func(&self) -> *mut Value {
        // SAFETY: the function is always one below the base.
        unsafe { self.base.sub(1) }
    }
    /// The base has been moved above the extra arguments: the frame of a vararg function that is past its prologue (which is pc 0).
    fn is_shifted(&self) -> bool {
        // SAFETY: the prototype lives as long as its code is registered.
        unsafe { (*self.proto).is_vararg && self.pc > 0 }
    }
    /// Extra arguments of a vararg function's frame (kept in the padding of the function slot), else 0.
    pub fn nextra(&self) -> u32 {
        // SAFETY: `vararg_prep` wrote the word; other functions have no prologue that shifts.
        unsafe {
            if self.is_shifted() {
                *extra_word(self.base)
            } else {
                0
            }
        }
    }
    /// Reached by a tail call.
    pub fn is_tail_call(&self) -> bool {
        // SAFETY: every call of a machine function writes the byte.
        unsafe { *tail_byte(self.entry_base().sub(1)) == 1 }
    }
    /// Base that the caller set up, before a vararg prologue shifted it.
    pub fn entry_base(&self) -> *mut Value {
        // SAFETY: the shift stays inside the stack.
        unsafe {
            if self.is_shifted() {
                let params = (*self.proto).num_params as usize;
                self.base.sub(self.nextra() as usize + params + 1)
            } else {
                self.base
            }
        }
    }
}

/// Slots from the outermost frame's base to that of frame number `inlined` in its code.
pub fn delta(func: &FuncDesc, inlined: usize) -> usize {
    inlined_frame(func, inlined).map_or(0, |f| f.delta as usize)
}

/// Base of the function whose code runs the frame number `inlined`, at `base`.
///
/// # Safety
/// `base` is the base of such a frame.
pub unsafe fn outermost(base: *mut Value, func: &FuncDesc, inlined: usize) -> *mut Value {
    unsafe { base.sub(delta(func, inlined)) }
}

/// The byte in the padding of a function slot that machine-code callers set: 1 when they entered the function by a tail call.
///
/// # Safety
/// `func` is the slot where the caller put the function (before a vararg prologue shifted it).
pub unsafe fn tail_byte(func: *mut Value) -> *mut u8 {
    unsafe { func.cast::<u8>().add(trinity_abi::VALUE_TAIL as usize) }
}

/// The word in the padding of the function slot that holds a vararg frame's number of extra arguments.
///
/// # Safety
/// `base` is a frame's base.
pub unsafe fn extra_word(base: *mut Value) -> *mut u32 {
    unsafe { base.cast::<u32>().sub(1) }
}

/// Iterator over the machine frames of one region, innermost first.
pub struct Frames {
    th: *mut Thread,
    sp: *mut usize,
    base: *mut Value,
    /// The frame given last, if its caller is in the same code.
    inner: Option<MachineFrame>,
}

impl Frames {
    /// Frames under the record `ci` (of kind `Machine`); none if it has not left machine code yet.
    ///
    /// # Safety
    /// The thread is stopped in Rust code, and the region is the innermost or everything above it was entered from Rust.
    pub unsafe fn new(th: *mut Thread, ci: *mut CallInfo) -> Frames {
        debug_assert!(unsafe { (*ci).kind } == CallKind::Machine);
        unsafe {
            Frames {
                th,
                sp: (*ci).nsp as *mut usize,
                base: (*ci).nbase,
                inner: None,
            }
        }
    }
}

impl Frames {
    /// Prepares the search for the caller of `frame`.
    fn found(&mut self, frame: MachineFrame) -> MachineFrame {
        if frame.inlined != 0 {
            self.inner = Some(frame);
        } else {
            let size = 8 + frame.site.func.frame_size as usize;
            self.base = frame.entry_base();
            self.sp = self.sp.wrapping_byte_add(size);
        }
        frame
    }
}

impl Iterator for Frames {
    type Item = MachineFrame;
    fn next(&mut self) -> Option<MachineFrame> {
        if let Some(f) = self.inner.take().and_then(|f| f.parent()) {
            return Some(self.found(f));
        }
        if self.sp.is_null() {
            return None;
        }
        // SAFETY: return addresses are where the unit tables say; the trampoline's ends the walk.
        unsafe {
            let word = |p: *mut usize| *(*self.th).native.at(p as usize);
            let mut ret = word(self.sp);
            while ret == entry::segment_return() {
                self.sp = word(self.sp.wrapping_add(1)) as *mut usize;
                ret = word(self.sp);
            }
            if ret == entry::enter_return() {
                self.sp = std::ptr::null_mut();
                return None;
            }
            let leaves = ret == entry::lazy_exit();
            if leaves {
                let slot = self.sp as usize;
                ret = (&(*self.th).patched)
                    .iter()
                    .rev()
                    .find(|p| p.slot == slot)?
                    .ret;
            }
            let Some(site) = (*(*self.th).global).units.find(ret) else {
                self.sp = std::ptr::null_mut();
                return None;
            };
            let inlined = site.point.inlined as usize;
            let base = self.base.sub(site.point.delta as usize);
            if !leaves {
                waiting::complete(self.th, &site, self.sp, outermost(base, site.func, inlined));
            }
            Some(self.found(MachineFrame {
                site,
                inlined,
                proto: site.proto_of(inlined),
                pc: site.point.pc,
                base,
                ret_slot: self.sp,
            }))
        }
    }
}
