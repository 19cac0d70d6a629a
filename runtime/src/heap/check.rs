//! The heap checker: walks everything and verifies what the other modules promise. For tests; slow.
//!
//! Checked: no reference to a freed cell; no black object refers to a dead one, or to a white one while marking; between collections of the
//! generational mode no old object refers to a young one unless it is listed to be visited; marks are well formed; every short string is interned;
//! table and shape invariants.

use super::mark::{age, get_age, is_black, is_dead, is_gray, is_white};
use super::mark_bits::*;
use super::{Mode, State, sweep};
use crate::object::{Cell, Header, LuaClosure, NativeClosure, Str, Table, Userdata};
use crate::proto::RtProto;
use crate::state::Global;
use crate::table::hash;
use crate::table::shape::{self, Shape};
use crate::thread::Thread;
use crate::value::Value;
use std::collections::HashSet;
use trinity_abi::tag;

/// Visits the objects an object refers to. Weak references of weak tables are included: they must not dangle either.
unsafe fn each_reference(g: *mut Global, o: *mut Header, f: &mut dyn FnMut(*mut Header)) {
    unsafe {
        let mut value = |v: Value| {
            if v.is_collectable() {
                f(v.as_obj());
            }
        };
        match (*o).kind {
            tag::TABLE => {
                let t: *mut Table = o.cast();
                crate::table::each_element(t, |e| value(e.get()));
                crate::table::each_slot(t, |v| value(*v));
                hash::each_node((*t).hash, |n| {
                    if !(*n).is_empty() {
                        value((*n).key());
                        value((*n).value());
                    }
                });
                if !(*t).shape.is_null() {
                    f((*t).shape.cast());
                }
                if !(*t).metatable.is_null() {
                    f((*t).metatable.cast());
                }
            }
            tag::LUA_FN => {
                let c: *mut LuaClosure = o.cast();
                if !(*c).proto.is_null() {
                    f((*c).proto.cast());
                }
                for i in 0..(*o).aux32 as usize {
                    let cell = *LuaClosure::upval(c, i);
                    if !cell.is_null() {
                        f(cell.cast());
                    }
                }
            }
            tag::NATIVE_FN => {
                for i in 0..(*o).aux32 as usize {
                    value(*NativeClosure::upval(o.cast(), i));
                }
            }
            tag::CELL => value((*o.cast::<Cell>()).v),
            tag::USERDATA => {
                let u: *mut Userdata = o.cast();
                for i in 0..(*o).aux32 as usize {
                    value(*(*u).user.add(i));
                }
                if !(*u).metatable.is_null() {
                    f((*u).metatable.cast());
                }
            }
            tag::THREAD => {
                let th: *mut Thread = o.cast();
                value((*th).error);
                let scan = (*g).heap.callbacks.scan_stack;
                scan(th, false, &mut |v| value(*v));
            }
            tag::PROTO => {
                let p: *mut RtProto = o.cast();
                for i in 0..(*p).num_consts as usize {
                    value(*(*p).consts.add(i));
                }
                for &c in &(*p).children {
                    f(c.cast());
                }
            }
            tag::SHAPE => {
                let s: *mut Shape = o.cast();
                shape::each_key(s, |k| f(k.cast()));
                if !(*s).parent.is_null() {
                    f((*s).parent.cast());
                }
            }
            _ => {}
        }
    }
}

/// Must the colour invariant hold for the references of `o`? Not for threads and weak tables.
unsafe fn strict(g: *mut Global, o: *mut Header) -> bool {
    unsafe {
        match (*o).kind {
            tag::THREAD => false,
            tag::TABLE => super::weak::mode_of(g, o.cast()) == super::weak::Weakness::None,
            _ => true,
        }
    }
}

/// Checks the whole heap; the message names the first fault.
pub unsafe fn check(g: *mut Global) -> Result<(), String> {
    unsafe {
        let mut all = HashSet::new();
        let mut strings = 0;
        sweep::each_object(g, |o| {
            all.insert(o);
            strings += usize::from((*o).kind == tag::SHORT_STR);
        });
        if strings != (*g).strings.len() {
            return Err(format!(
                "{strings} short strings, {} interned",
                (*g).strings.len()
            ));
        }
        let again = &(*g).heap.gray_again;
        let listed: HashSet<_> = again.iter().chain(&(*g).heap.old1).copied().collect();
        let marking = (*g).heap.keep_invariant();
        let generational =
            (*g).heap.mode == Mode::Generational && (*g).heap.state == State::Propagate;
        let mut fault = Ok(());
        for &o in &all {
            let m = (*o).mark;
            let colours = (m & COLOURS).count_ones();
            if (*o).kind < tag::FIRST_COLLECTABLE || (*o).kind > tag::SHAPE || colours > 1 {
                return Err(format!(
                    "object {o:p} has kind {} and mark {m:#x}",
                    (*o).kind
                ));
            }
            if is_dead(g, o) {
                continue; // waits for the sweeper; its references may be gone
            }
            let cell = sweep::expected_size(o);
            if cell <= super::block::MAX_CELL && super::cell_size(o) < cell {
                return Err(format!(
                    "object {o:p} of kind {} is larger than its cell",
                    (*o).kind
                ));
            }
            let strict = strict(g, o);
            each_reference(g, o, &mut |to| {
                let what = || {
                    format!(
                        "object {o:p} (kind {}, mark {m:#x}) refers to {to:p}",
                        (*o).kind
                    )
                };
                if !all.contains(&to) {
                    fault = Err(format!("{}, which is no live cell", what()));
                } else if is_dead(g, to) && !is_gray(o) && !is_white(o) {
                    fault = Err(format!("{}, which is dead (kind {})", what(), (*to).kind));
                } else if marking && strict && is_black(o) && is_white(to) && !listed.contains(&o) {
                    fault = Err(format!(
                        "{}, which is white (kind {}, mark {:#x})",
                        what(),
                        (*to).kind,
                        (*to).mark
                    ));
                }
            });
            fault.clone()?;
            if generational
                && is_gray(o)
                && get_age(o) != age::TOUCHED1
                && get_age(o) != age::TOUCHED2
                && (*o).kind != tag::THREAD
            {
                let gray = &(*g).heap.gray;
                let waiting = gray.contains(&o);
                if !waiting {
                    return Err(format!(
                        "object {o:p} (kind {}, mark {m:#x}) is gray for no reason",
                        (*o).kind
                    ));
                }
            }
            if (*o).kind == tag::TABLE {
                crate::table::check(o.cast())?;
            }
            if (*o).kind == tag::SHORT_STR {
                let s: *mut Str = o.cast();
                if crate::string::intern(g, Str::bytes(s)) != Ok(s) {
                    return Err(format!("short string {s:p} is not interned"));
                }
            }
        }
        Ok(())
    }
}
