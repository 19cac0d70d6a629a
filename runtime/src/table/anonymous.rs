//! Anonymous metatables: `setmetatable(o, {__index = C})`, a fresh one for each object.
//!
//! Such a metatable says nothing but who the prototype is, so objects with one and the same prototype `C` share a tree of shapes, whose root
//! hangs on `C`'s private shape (`Shape::prototypes`; the `metatable` of these shapes is `C`). A table that serves so gets the shape
//! `Shapes::anonymous`, which has the key `__index` alone.
//!
//! Invariant: the metatable of an object whose shape is in the tree of `C` has the shape `anonymous` and the value `C`, or the tree is marked
//! as broken. Caches never store into tables of the shape `anonymous`, so every change of one comes to [`changed`], which marks the tree and
//! starts a new epoch.

use super::fields::{make_private, set_shape};
use super::shape::{self, Shape};
use crate::heap::AllocError;
use crate::object::Table;
use crate::state::Global;
use std::ptr::null_mut;

/// The prototype, if `mt` is or can become an anonymous metatable.
pub(super) unsafe fn prototype(g: *mut Global, mt: *mut Table) -> Option<*mut Table> {
    unsafe {
        let s = (*mt).shape;
        let fits = s == (*g).shapes.anonymous
            || !s.is_null() && s == (*g).shapes.index_only && (*mt).metatable.is_null();
        if !fits {
            return None;
        }
        let index = *(*mt).slots;
        (index.is_table() && index.as_table() != mt).then(|| index.as_table())
    }
}

/// The root of the tree for objects with the anonymous metatable `mt`, which leads to `prototype`. Null: there can be none.
pub(super) unsafe fn root(
    g: *mut Global,
    mt: *mut Table,
    prototype: *mut Table,
) -> Result<*mut Shape, AllocError> {
    unsafe {
        make_private(g, prototype)?;
        let owner = (*prototype).shape;
        if owner.is_null() || !Shape::is_private(owner) {
            return Ok(null_mut());
        }
        if (*mt).shape != (*g).shapes.anonymous {
            set_shape(g, mt, (*g).shapes.anonymous);
        }
        if (*owner).prototypes.is_null() {
            (*owner).prototypes = shape::new_prototype_root(g, prototype)?;
        }
        Ok((*owner).prototypes)
    }
}

/// A table of the shape `anonymous` is about to change: what caches know through it ends.
#[cold]
#[inline(never)]
pub(super) unsafe fn changed(g: *mut Global, mt: *mut Table) {
    unsafe {
        let index = *(*mt).slots;
        if index.is_table() {
            let owner = (*index.as_table()).shape;
            if !owner.is_null() {
                abandon(owner);
            }
        }
        (*g).epoch = (*g).epoch.wrapping_add(1);
        // From now on it is a table like others with this key.
        (*mt).shape = (*g).shapes.index_only;
        (*mt).h.aux32 = (*(*g).shapes.index_only).h.aux32;
    }
}

/// The tree on a private shape is broken; objects made later get another one.
pub(super) unsafe fn abandon(owner: *mut Shape) {
    unsafe {
        if !(*owner).prototypes.is_null() {
            Shape::set_broken((*owner).prototypes);
            (*owner).prototypes = null_mut();
        }
    }
}

/// Is `s` in the tree of a prototype, unbroken?
pub(super) unsafe fn intact(mut s: *mut Shape) -> bool {
    unsafe {
        if s.is_null() || !Shape::has_prototype(s) {
            return false;
        }
        while !(*s).parent.is_null() {
            s = (*s).parent;
        }
        !Shape::is_broken(s)
    }
}
