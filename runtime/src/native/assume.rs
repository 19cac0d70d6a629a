//! What optimised code assumes about upvalues, and what happens when the debug library breaks it.
//!
//! A program can be seen to assign a variable once; code then relies on the cell's value, or on what follows from it (which function a call
//! reaches), without looking. Only `debug.setupvalue`, `debug.upvaluejoin` and `debug.setlocal` can prove it wrong: they come here. All
//! code that relies on upvalues (`flag::ASSUMES_UPVALUES`) and in which a function that sees the variable is compiled or inlined is given
//! up: its prototype and closures are interpreted from now on, and frames that wait in it leave it when their callee returns.
//!
//! Who sees a variable follows from the prototypes' descriptors: the function that declares it, and all inside that name it. Once
//! `debug.upvaluejoin` has been used, a cell can be in other closures too: then the heap is searched for them. Otherwise it is walked
//! only when there is code to give up, so at most once per function (5 ms with a million objects).
//!
//! Metatables of the basic types need no such thing: code that used them compares the global epoch (docs/abi.md section 3). Nor does `load`: the
//! functions it makes have cells of their own.

use super::exit::leave_lazily;
use super::walk::Frames;
use crate::error::Status;
use crate::heap;
use crate::object::{Cell, LuaClosure};
use crate::proto::RtProto;
use crate::state::Global;
use crate::thread::{CallKind, Lua, Thread};
use trinity_abi::tag;
use trinity_frontend::hash::WordSet;

type Protos = WordSet<*mut RtProto>;

/// Upvalue `i` of `c` got another value from outside (`debug.setupvalue`).
pub fn upvalue_assigned(l: Lua, c: *mut LuaClosure, i: usize) {
    // SAFETY: live handle and closure; the index is in range. Nothing here allocates Lua objects or runs Lua.
    unsafe {
        let g = l.global();
        if !(*g).units.assumes_upvalues {
            return;
        }
        let mut seen = Protos::default();
        add_variable(g, (*c).proto, i, &mut seen);
        add_joined(g, *LuaClosure::upval(c, i), &mut seen);
        give_up(g, &seen);
    }
}

/// Upvalue `i` of `c` is another variable now (`debug.upvaluejoin`).
pub fn upvalue_replaced(l: Lua, c: *mut LuaClosure, i: usize) {
    // SAFETY: as above.
    unsafe {
        let g = l.global();
        (*g).units.joined = true;
        if (*g).units.assumes_upvalues {
            let mut seen = Protos::default();
            add_users((*c).proto, i, &mut seen);
            give_up(g, &seen);
        }
    }
}

/// Register `r` of a running function got another value from outside (`debug.setlocal`); `cell`: the captured local's that it holds, or null.
pub fn local_assigned(l: Lua, p: *mut RtProto, r: usize, cell: *mut Cell) {
    // SAFETY: as above; the prototype is that of a live frame.
    unsafe {
        let g = l.global();
        let captures = |&child: &*mut RtProto| {
            let mut upvals = (&(*child).src.upvals).iter();
            upvals.any(|u| u.in_stack && u.index as usize == r)
        };
        if (*g).units.assumes_upvalues && (&(*p).children).iter().any(captures) {
            let mut seen = Protos::default();
            add_captures(p, r, &mut seen);
            add_joined(g, cell, &mut seen);
            give_up(g, &seen);
        }
    }
}

/// `p` and the functions inside that name its upvalue `i`.
unsafe fn add_users(p: *mut RtProto, i: usize, seen: &mut Protos) {
    unsafe {
        seen.insert(p);
        for &child in &(*p).children {
            for (k, u) in (&(*child).src.upvals).iter().enumerate() {
                if !u.in_stack && u.index as usize == i {
                    add_users(child, k, seen);
                }
            }
        }
    }
}

/// `p` and the functions inside that capture its register `r`, whichever of its variables that is.
unsafe fn add_captures(p: *mut RtProto, r: usize, seen: &mut Protos) {
    unsafe {
        seen.insert(p);
        for &child in &(*p).children {
            for (k, u) in (&(*child).src.upvals).iter().enumerate() {
                if u.in_stack && u.index as usize == r {
                    add_users(child, k, seen);
                }
            }
        }
    }
}

/// All functions that see the variable which is upvalue `i` of `p`.
unsafe fn add_variable(g: *mut Global, p: *mut RtProto, i: usize, seen: &mut Protos) {
    unsafe {
        let (mut p, mut i) = (p, i);
        while let Some(parent) = (*g).units.parent_of(p) {
            let Some(u) = (&(*p).src.upvals).get(i) else {
                break;
            };
            if u.in_stack {
                return add_captures(parent, u.index as usize, seen);
            }
            (p, i) = (parent, u.index as usize);
        }
        add_users(p, i, seen);
    }
}

/// The same for every closure that holds the cell, if cells have been exchanged.
unsafe fn add_joined(g: *mut Global, cell: *mut Cell, seen: &mut Protos) {
    unsafe {
        if !(*g).units.joined {
            return;
        }
        let mut found = Vec::new();
        heap::each_live(g, |o| {
            if (*o).kind == tag::LUA_FN {
                let c: *mut LuaClosure = o.cast();
                for i in 0..(*o).aux32 as usize {
                    if *LuaClosure::upval(c, i) == cell {
                        found.push(((*c).proto, i));
                    }
                }
            }
        });
        for (p, i) in found {
            add_variable(g, p, i, seen);
            add_users(p, i, seen);
        }
    }
}

/// Gives up all code that relies on upvalues of these functions.
unsafe fn give_up(g: *mut Global, seen: &Protos) {
    unsafe {
        let broken: Protos = (*g).units.relying_on(seen).into_iter().collect();
        if broken.is_empty() {
            return;
        }
        // Cells that hold closures say which code they have.
        (*g).epoch = (*g).epoch.wrapping_add(1);
        for &p in &broken {
            (*p).native_code = std::ptr::null();
            (*p).broken = true;
        }
        heap::each_live(g, |o| match (*o).kind {
            tag::LUA_FN => {
                let c: *mut LuaClosure = o.cast();
                if broken.contains(&(*c).proto) {
                    (*c).code = super::entry::stub_interp();
                }
            }
            tag::THREAD => leave_frames(o.cast(), &broken),
            _ => {}
        });
    }
}

/// Makes the thread's frames in code of these functions leave it.
unsafe fn leave_frames(th: *mut Thread, broken: &Protos) {
    unsafe {
        // Others have no frames any more.
        if (*th).stack.is_null() || !matches!((*th).status, Status::Ok | Status::Yield) {
            return;
        }
        let mut ci = (*th).ci;
        while !ci.is_null() {
            if (*ci).kind == CallKind::Machine {
                for f in Frames::new(th, ci) {
                    if f.inlined == 0 && broken.contains(&(*(*f.func()).as_lua_fn()).proto) {
                        leave_lazily(th, &f);
                    }
                }
            }
            ci = (*ci).prev;
        }
    }
}
