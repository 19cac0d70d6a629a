//! Weak tables and ephemerons.
//!
//! Weak tables wait gray in lists until the atomic phase: `weak` (values to clear), `ephemeron` (a white key holds a white value: may have to
//! be marked when the key turns out alive), `all_weak` (keys, or both, to clear). Strings count as values: they are marked, never removed.
//! Keys of string fields live in the shape and are marked with it; so only hash-part keys can be weak.

use super::mark::{
    gen_link, is_white, mark_object, mark_value, propagate_all, push, set_gray, settle,
    traverse_strong,
};
use super::{Objects, State};
use crate::object::{Header, Str, Table};
use crate::state::Global;
use crate::table::hash::{self, Node};
use crate::value::Value;
use trinity_frontend::bytecode::Event;

/// What `__mode` says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weakness {
    None,
    Values,
    Keys,
    Both,
}

/// Weakness of a table by its metatable.
pub(super) unsafe fn mode_of(g: *mut Global, t: *mut Table) -> Weakness {
    unsafe {
        let mt = (*t).metatable;
        // Objects in an unbroken tree of a prototype have metatables with nothing but `__index`.
        if mt.is_null() || crate::table::has_plain_metatable(t) {
            return Weakness::None;
        }
        let m = crate::table::metamethod(g, mt, Event::Mode);
        if !m.is_string() {
            return Weakness::None;
        }
        let b = Str::bytes(m.as_str());
        match (b.contains(&b'k'), b.contains(&b'v')) {
            (false, false) => Weakness::None,
            (false, true) => Weakness::Values,
            (true, false) => Weakness::Keys,
            (true, true) => Weakness::Both,
        }
    }
}

/// Marks the key of an entry without value as dead if it may be freed; only `next` can still find it.
pub(super) unsafe fn clear_key(n: *mut Node) {
    unsafe {
        if (*n).key().is_collectable() {
            (*n).set_dead_key();
        }
    }
}

/// A weak reference whose object will go. Strings are marked instead.
unsafe fn is_cleared(g: *mut Global, v: Value) -> bool {
    unsafe {
        if !v.is_collectable() || !is_white(v.as_obj()) {
            return false;
        }
        if v.is_string() {
            mark_object(g, v.as_obj());
            return false;
        }
        true
    }
}

/// Puts a weak table into a list. Without memory for that the table is strong in this cycle.
unsafe fn link(g: *mut Global, list: impl FnOnce(*mut Global) -> *mut Objects, t: *mut Table) {
    unsafe {
        let mut failed = false;
        push(&mut *list(g), &mut failed, t.cast());
        if failed {
            traverse_strong(g, t);
            settle(g);
        } else {
            set_gray(t.cast());
        }
    }
}

pub(super) unsafe fn traverse_weak_values(g: *mut Global, t: *mut Table) {
    unsafe {
        let mut clears = false;
        crate::table::each_element(t, |v| clears = clears || v.get().is_collectable());
        crate::table::each_slot(t, |v| clears = clears || is_cleared(g, *v));
        hash::each_node((*t).hash, |n| {
            if (*n).is_empty() {
                clear_key(n);
            } else {
                mark_value(g, (*n).key());
                clears = clears || is_cleared(g, (*n).value());
            }
        });
        if (*g).heap.state == State::Atomic {
            if clears {
                link(g, |g| &raw mut (*g).heap.weak, t);
            } else {
                gen_link(g, t.cast());
            }
        } else {
            (*g).heap.link_gray_again(t.cast());
        }
    }
}

/// Traverses an ephemeron table; true when something was marked.
pub(super) unsafe fn traverse_ephemeron(g: *mut Global, t: *mut Table, backwards: bool) -> bool {
    unsafe {
        let (mut marked, mut clears, mut white_white) = (false, false, false);
        let mut strong = |v: Value| {
            if v.is_collectable() && is_white(v.as_obj()) {
                marked = true;
                mark_object(g, v.as_obj());
            }
        };
        crate::table::each_element(t, |v| strong(v.get()));
        crate::table::each_slot(t, |v| strong(*v));
        let mut visit = |n: *mut Node| {
            if (*n).is_empty() {
                clear_key(n);
                return;
            }
            let white_value = (*n).value().is_collectable() && is_white((*n).value().as_obj());
            if is_cleared(g, (*n).key()) {
                clears = true;
                white_white |= white_value;
            } else if white_value {
                marked = true;
                mark_object(g, (*n).value().as_obj());
            }
        };
        if backwards {
            hash::each_node_backwards((*t).hash, &mut visit);
        } else {
            hash::each_node((*t).hash, &mut visit);
        }
        if (*g).heap.state == State::Propagate {
            (*g).heap.link_gray_again(t.cast());
        } else if white_white {
            link(g, |g| &raw mut (*g).heap.ephemeron, t);
        } else if clears {
            link(g, |g| &raw mut (*g).heap.all_weak, t);
        } else {
            gen_link(g, t.cast());
        }
        marked
    }
}

pub(super) unsafe fn traverse_all_weak(g: *mut Global, t: *mut Table) {
    unsafe { link(g, |g| &raw mut (*g).heap.all_weak, t) }
}

/// Traverses ephemeron tables until nothing more gets marked.
pub(super) unsafe fn converge_ephemerons(g: *mut Global) {
    unsafe {
        let mut backwards = false;
        loop {
            let mut changed = false;
            let list = std::mem::take(&mut (*g).heap.ephemeron);
            for &o in &list {
                super::mark::set_black(o);
                if traverse_ephemeron(g, o.cast(), backwards) {
                    propagate_all(g);
                    changed = true;
                }
            }
            backwards = !backwards;
            if !changed {
                return;
            }
        }
    }
}

unsafe fn tables(list: *const Objects, from: usize) -> impl Iterator<Item = *mut Table> {
    let n = unsafe { (*list).len() };
    (from..n).map(move |i| unsafe { (&*list)[i].cast::<Table>() })
}

/// Removes entries whose value is dead from the tables of `weak` and `all_weak`, from the given positions on.
pub(super) unsafe fn clear_by_values(g: *mut Global, weak_from: usize, all_from: usize) {
    unsafe {
        let heap = &raw mut (*g).heap;
        let weak = tables(&raw const (*heap).weak, weak_from);
        for t in weak.chain(tables(&raw const (*heap).all_weak, all_from)) {
            crate::table::clear_elements(t, |v| is_cleared(g, v));
            crate::table::each_slot(t, |v| {
                if is_cleared(g, *v) {
                    *v = Value::NIL;
                }
            });
            hash::each_node((*t).hash, |n| {
                if is_cleared(g, (*n).value()) {
                    (*n).set_empty();
                }
                if (*n).is_empty() {
                    clear_key(n);
                }
            });
        }
    }
}

/// Removes entries whose key is dead from the tables of `ephemeron` and `all_weak`.
pub(super) unsafe fn clear_by_keys(g: *mut Global) {
    unsafe {
        let heap = &raw mut (*g).heap;
        let eph = tables(&raw const (*heap).ephemeron, 0);
        for t in eph.chain(tables(&raw const (*heap).all_weak, 0)) {
            hash::each_node((*t).hash, |n| {
                if is_cleared(g, (*n).key()) {
                    (*n).set_empty();
                }
                if (*n).is_empty() {
                    clear_key(n);
                }
            });
        }
    }
}

/// Drops the caches' references to dead values: inline caches are weak.
pub(super) unsafe fn clear_caches(g: *mut Global) {
    unsafe {
        let protos = std::mem::take(&mut (*g).heap.protos);
        for &p in &protos {
            if is_white(p.cast()) {
                continue;
            }
            let caches =
                std::ptr::slice_from_raw_parts_mut((*p).caches, (*p).num_caches as usize + 1);
            for c in &mut *caches {
                // Misses count for less as time goes by: sites settle. Most sites had none.
                if c.hits != 0 {
                    c.hits /= 2;
                }
                if c.value.is_collectable() && is_white(c.value.p as *mut Header) {
                    *c = crate::proto::Cache {
                        feedback: c.feedback,
                        hits: c.hits,
                        ..crate::proto::Cache::EMPTY
                    };
                }
            }
        }
        (*g).heap.protos = protos;
        (*g).heap.protos.retain(|&p| !is_white(p.cast()));
    }
}
