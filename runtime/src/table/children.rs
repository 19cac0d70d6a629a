//! The children of a shape: a list while they are few, then an open-addressing table by key. Children are weak references.
//!
//! SAFETY of this module: shapes are live, except where the collector says which are not.

use super::shape::Shape;
use crate::heap::AllocError;
use crate::object::{Header, Str};
use crate::state::Global;
use std::ptr::null_mut;

/// Frees the memory of a list of children.
pub(super) unsafe fn free_children(g: *mut Global, p: *mut *mut Shape, cap: u32) {
    unsafe {
        if cap > 0 {
            (*g).heap
                .raw_free(p.cast(), cap as usize * size_of::<*mut Shape>());
        }
    }
}

/// Up to this capacity children are searched in order.
const LINEAR: u32 = 8;

/// The child with one more key, or null.
pub(super) unsafe fn child(s: *const Shape, key: *mut Str) -> *mut Shape {
    unsafe {
        let (cap, kids) = ((*s).child_cap, (*s).children);
        if cap <= LINEAR {
            for i in 0..(*s).child_count as usize {
                let c = *kids.add(i);
                if (*c).key == key {
                    return c;
                }
            }
            return null_mut();
        }
        let mut i = (*key).h.aux32 & (cap - 1);
        loop {
            let c = *kids.add(i as usize);
            if c.is_null() || (*c).key == key {
                return c;
            }
            i = (i + 1) & (cap - 1);
        }
    }
}

unsafe fn place_child(kids: *mut *mut Shape, cap: u32, at: u32, c: *mut Shape) {
    unsafe {
        if cap <= LINEAR {
            *kids.add(at as usize) = c;
            return;
        }
        let mut i = (*(*c).key).h.aux32 & (cap - 1);
        while !(*kids.add(i as usize)).is_null() {
            i = (i + 1) & (cap - 1);
        }
        *kids.add(i as usize) = c;
    }
}

/// Adds a child whose key no other one has.
pub(super) unsafe fn add_child(g: *mut Global, s: *mut Shape, c: *mut Shape) -> Result<(), AllocError> {
    unsafe {
        let (n, cap) = ((*s).child_count, (*s).child_cap);
        let full = if cap <= LINEAR {
            n == cap
        } else {
            n * 4 >= cap * 3
        };
        if full {
            let new_cap = if cap == 0 { 2 } else { cap * 2 };
            let size = new_cap as usize * size_of::<*mut Shape>();
            let kids: *mut *mut Shape = (*g).heap.raw_alloc(size)?.cast();
            kids.write_bytes(0, new_cap as usize);
            let (old, mut at) = ((*s).children, 0);
            for i in 0..cap as usize {
                let c = *old.add(i);
                if !c.is_null() {
                    place_child(kids, new_cap, at, c);
                    at += 1;
                }
            }
            free_children(g, old, cap);
            (*s).children = kids;
            (*s).child_cap = new_cap;
        }
        place_child((*s).children, (*s).child_cap, n, c);
        (*s).child_count = n + 1;
        Ok(())
    }
}

/// Forgets children that are about to be freed.
pub(super) unsafe fn clear_dead(s: *mut Shape, dead: &impl Fn(*mut Header) -> bool) {
    unsafe {
        let (cap, kids) = ((*s).child_cap, (*s).children);
        let used = if cap <= LINEAR { (*s).child_count } else { cap };
        // collect the living at the front, then place them again
        let mut alive = 0;
        for i in 0..used as usize {
            let c = *kids.add(i);
            if !c.is_null() && !dead(c.cast()) {
                *kids.add(alive as usize) = c;
                alive += 1;
            }
        }
        for i in alive..used {
            *kids.add(i as usize) = null_mut();
        }
        (*s).child_count = alive;
        if cap > LINEAR {
            reinsert(kids, cap);
        }
    }
}

/// Turns arbitrarily placed children of an open-addressing array into a valid table, in place and without allocation.
unsafe fn reinsert(kids: *mut *mut Shape, cap: u32) {
    unsafe {
        // Every round takes each entry out and puts it on the first free place of its probe path. After the first round entries only
        // move towards their home, so this ends; a round without a move proves that no path has a gap.
        loop {
            let mut moved = false;
            for i in 0..cap {
                let c = *kids.add(i as usize);
                if c.is_null() {
                    continue;
                }
                *kids.add(i as usize) = null_mut();
                let mut at = (*(*c).key).h.aux32 & (cap - 1);
                while !(*kids.add(at as usize)).is_null() {
                    at = (at + 1) & (cap - 1);
                }
                *kids.add(at as usize) = c;
                moved |= at != i;
            }
            if !moved {
                return;
            }
        }
    }
}
