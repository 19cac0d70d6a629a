//! Shapes: which short-string keys a table has, and in which slot.
//!
//! *Shared* shapes form trees: a child has one key more than its parent. Each metatable has its own tree (the metatable's identity is part of
//! the shape). *Private* shapes belong to one table that serves as metatable, `__index` target or globals: keys are added in place, the
//! id stays, and a slot is constant until it is stored to a second time.
//!
//! - Ids are never reused; when they run out, new tables with new shapes are in dictionary mode.
//! - Keys are in an `Index`. Along a path of only children one index is shared: a shape with `count` keys sees the first `count`.
//! - Children, instance roots and remembered changes of metatable are weak references: the atomic phase of the collector clears them. A
//!   shape keeps its keys and its parent alive, not its metatable: that lives as long as any table with the shape.
//! - A program that makes a fresh metatable for each object would get a tree for each object. After `MAX_METATABLES` metatables of one shape,
//!   further ones stay as they are, and tables that have them are in the tree of `Shapes::any_metatable`: their own fields are cached, what
//!   comes through the metatable is not.
//! - A shared shape that no table has survives `LIFETIME` collections: the same constructor is likely to run again, and would get a shape
//!   with another id, which no cache knows.
//! - `OBSERVED` on a private shape: some cache answered through its constants or absences since the last increment of the epoch.

use super::anonymous;
use super::children;
use super::index::Index;
use crate::heap::{self, AllocError, mark_bits};
use crate::object::{Header, Str, Table};
use crate::state::Global;
use crate::string;
use std::ptr::null_mut;
use trinity_abi::{cache, tag};
use trinity_frontend::bytecode::Event;

/// Most keys of a shared shape.
pub const MAX_SHARED_KEYS: u32 = 64;
/// Most keys with which a computed key (`t[k] = v`) still makes a new shape: beyond, the keys look like data.
pub const MAX_COMPUTED_KEYS: u32 = 24;
/// Most children of a shape; of one without keys, and where the key is a constant of the program.
const MAX_CHILDREN: u32 = 128;
const MAX_ROOT_CHILDREN: u32 = 2048;
const _: () = assert!(MAX_SHARED_KEYS as usize <= trinity_abi::heap::MAX_INLINE_FIELDS);
/// Epoch increments caused by one private shape after which caches do without it.
const MAX_BUMPS: u16 = 1000;

/// Metatables with one and the same shape that get a private shape, and a tree of shapes for their tables.
const MAX_METATABLES: u8 = 200;
/// Collections that a shape without tables survives.
const LIFETIME: u8 = 16;

/// Flags in the header.
const PRIVATE: u8 = 1;
const OBSERVED: u8 = 2;
/// In the tree of a prototype (see `anonymous`).
const PROTOTYPE: u8 = 4;
/// Root of such a tree: a metatable was changed.
const BROKEN: u8 = 8;

/// A shape. The id is `h.aux32`; `h.aux8` counts the collections since a table had it.
#[repr(C)]
pub struct Shape {
    pub h: Header,
    /// Number of keys.
    pub count: u32,
    /// Private shapes: events known to be absent, by bit.
    pub absent: u32,
    /// Shared shapes: the shape without the last key.
    pub parent: *mut Shape,
    /// Shared shapes: the last key.
    pub key: *mut Str,
    pub metatable: *mut Table,
    index: *mut Index,
    /// Shared shapes: children, `child_cap` entries; unordered up to 8, else open addressing by key.
    pub(super) children: *mut *mut Shape,
    pub(super) child_count: u32,
    pub(super) child_cap: u32,
    /// Private shapes: the shape without keys of tables that have this shape's table as metatable.
    /// Shared shapes: the same keys with `other_metatable`.
    link: *mut Shape,
    other_metatable: *mut Table,
    /// Private shapes: the root of the shapes of objects whose prototype this shape's table is (see `anonymous`).
    pub(super) prototypes: *mut Shape,
    bumps: u16,
    /// Shared shapes: metatables that had this shape and were given a private one.
    metatables: u8,
    /// A child is about to be freed (within [`clear_dead`] only).
    lost_child: bool,
}

const _: () = assert!(std::mem::offset_of!(Shape, absent) == trinity_abi::shape::ABSENT as usize);

/// All shapes of a state.
pub struct Shapes {
    next_id: u32,
    /// The shape of a table without keys and metatable.
    pub empty: *mut Shape,
    /// The shape of a table without keys and with some metatable that has no tree of its own.
    pub any_metatable: *mut Shape,
    /// The shape with the key `__index` alone, and the one such tables have as anonymous metatables.
    pub index_only: *mut Shape,
    pub anonymous: *mut Shape,
    all: Vec<*mut Shape>,
}

impl Shapes {
    /// No shapes; [`init`] must follow.
    pub const fn new() -> Shapes {
        Shapes {
            next_id: 1,
            empty: null_mut(),
            any_metatable: null_mut(),
            index_only: null_mut(),
            anonymous: null_mut(),
            all: Vec::new(),
        }
    }
}

impl Default for Shapes {
    fn default() -> Self {
        Shapes::new()
    }
}

impl Shape {
    #[inline(always)]
    pub unsafe fn is_private(s: *const Shape) -> bool {
        unsafe { (*s).h.flags & PRIVATE != 0 }
    }
    /// In the tree of a prototype?
    #[inline(always)]
    pub(super) unsafe fn has_prototype(s: *const Shape) -> bool {
        unsafe { (*s).h.flags & PROTOTYPE != 0 }
    }
    pub(super) unsafe fn is_broken(s: *const Shape) -> bool {
        unsafe { (*s).h.flags & BROKEN != 0 }
    }
    pub(super) unsafe fn set_broken(s: *mut Shape) {
        unsafe { (*s).h.flags |= BROKEN }
    }
    /// Slot of a short string key.
    #[inline(always)]
    pub unsafe fn find(s: *const Shape, key: *mut Str) -> Option<u32> {
        unsafe { Index::find((*s).index, (*s).count, key) }
    }
    /// Key of slot `i < count`.
    #[inline(always)]
    pub unsafe fn key_at(s: *const Shape, i: u32) -> *mut Str {
        unsafe { Index::key((*s).index, i) }
    }
    /// The root of the shape's tree.
    fn parent_root(&self) -> *const Shape {
        let mut s: *const Shape = self;
        // SAFETY: a shape keeps its ancestors alive.
        unsafe {
            while !(*s).parent.is_null() {
                s = (*s).parent;
            }
        }
        s
    }
    /// A private shape takes the place of another one of the same table.
    pub(super) unsafe fn inherit(&mut self, old: *const Shape) {
        unsafe {
            self.absent = (*old).absent;
            self.link = (*old).link;
            self.prototypes = (*old).prototypes;
            self.bumps = (*old).bumps;
        }
    }
    /// Private shapes: slot `i` was stored to at most once.
    #[inline(always)]
    pub unsafe fn is_constant(s: *const Shape, i: u32) -> bool {
        unsafe { !Index::is_mutable((*s).index, i) }
    }
}

/// Creates the roots.
pub unsafe fn init(g: *mut Global) -> Result<(), AllocError> {
    unsafe {
        (*g).shapes.empty = fixed(g)?;
        (*g).shapes.any_metatable = fixed(g)?;
        Ok(())
    }
}

/// Creates the shapes of anonymous metatables, once the names of events exist.
pub(super) unsafe fn init_anonymous(g: *mut Global) -> Result<(), AllocError> {
    unsafe {
        let index = (&(*g).event_names)[Event::Index as usize];
        for root in [(*g).shapes.empty, fixed(g)?] {
            let s = transition(g, root, index, false)?;
            if s.is_null() {
                return Err(AllocError);
            }
            (*s).h.mark |= mark_bits::FIXED;
            if root == (*g).shapes.empty {
                (*g).shapes.index_only = s;
            } else {
                (*s).absent = !(1 << Event::Index as u32);
                (*g).shapes.anonymous = s;
            }
        }
        Ok(())
    }
}

/// The root of the tree of `prototype`. Null when ids have run out.
pub(super) unsafe fn new_prototype_root(
    g: *mut Global,
    prototype: *mut Table,
) -> Result<*mut Shape, AllocError> {
    unsafe {
        let s = alloc(g, PROTOTYPE)?;
        if !s.is_null() {
            (*s).metatable = prototype;
        }
        Ok(s)
    }
}

unsafe fn fixed(g: *mut Global) -> Result<*mut Shape, AllocError> {
    unsafe {
        let s = alloc(g, 0)?;
        if s.is_null() {
            return Err(AllocError);
        }
        (*s).h.mark |= mark_bits::FIXED;
        Ok(s)
    }
}

fn new_id(shapes: &mut Shapes) -> Option<u32> {
    // the largest id means "no shape" in an empty cache, the one before stands for strings
    let id = shapes.next_id;
    if id >= cache::STRING_ID {
        return None;
    }
    shapes.next_id += 1;
    Some(id)
}

/// A shape without keys; null when ids have run out.
unsafe fn alloc(g: *mut Global, flags: u8) -> Result<*mut Shape, AllocError> {
    unsafe {
        let shapes = &raw mut (*g).shapes;
        (*shapes).all.try_reserve(1).map_err(|_| AllocError)?;
        let Some(id) = new_id(&mut *shapes) else {
            return Ok(null_mut());
        };
        let s: *mut Shape = heap::alloc_object(g, tag::SHAPE, size_of::<Shape>())?.cast();
        let mut h = (*s).h;
        h.flags = flags;
        h.aux32 = id;
        s.write(Shape {
            h,
            count: 0,
            absent: 0,
            parent: null_mut(),
            key: null_mut(),
            metatable: null_mut(),
            index: null_mut(),
            children: null_mut(),
            child_count: 0,
            child_cap: 0,
            link: null_mut(),
            other_metatable: null_mut(),
            prototypes: null_mut(),
            bumps: 0,
            metatables: 0,
            lost_child: false,
        });
        (*shapes).all.push(s);
        Ok(s)
    }
}

/// Visits the keys of a shape.
#[inline(always)]
pub(crate) unsafe fn each_key(s: *mut Shape, mut f: impl FnMut(*mut Str)) {
    unsafe {
        for i in 0..(*s).count {
            f(Shape::key_at(s, i));
        }
    }
}

/// Frees what a dead shape owns; called by the sweeper.
pub(crate) unsafe fn free(g: *mut Global, s: *mut Shape) {
    unsafe {
        Index::release(&mut (*g).heap, (*s).index);
        children::free_children(g, (*s).children, (*s).child_cap);
    }
}

/// The shared shape with one key more. Seldom called: caches know it. `computed`: the key is not a constant of the program. Null: use dictionary mode.
#[inline(never)]
pub(super) unsafe fn transition(
    g: *mut Global,
    s: *mut Shape,
    key: *mut Str,
    computed: bool,
) -> Result<*mut Shape, AllocError> {
    unsafe {
        let known = children::child(s, key);
        if !known.is_null() {
            return Ok(known);
        }
        let most = if (*s).count == 0 || !computed {
            MAX_ROOT_CHILDREN
        } else {
            MAX_CHILDREN
        };
        let keys = if computed {
            MAX_COMPUTED_KEYS
        } else {
            MAX_SHARED_KEYS
        };
        if (*s).count >= keys || (*s).child_count >= most {
            return Ok(null_mut());
        }
        let c = alloc(g, (*s).h.flags & PROTOTYPE)?;
        if c.is_null() {
            return Ok(c);
        }
        (*c).parent = s;
        (*c).key = key;
        (*c).metatable = (*s).metatable;
        // until this succeeds the new shape is unreachable garbage without an index
        (*c).index = Index::extend(&mut (*g).heap, (*s).index, (*s).count, key)?;
        (*c).count = (*s).count + 1;
        children::add_child(g, s, c)?;
        Ok(c)
    }
}

/// The shape without keys for tables with metatable `mt` (null: none). Null: use dictionary mode.
unsafe fn root(g: *mut Global, mt: *mut Table) -> Result<*mut Shape, AllocError> {
    unsafe {
        if mt.is_null() {
            return Ok((*g).shapes.empty);
        }
        if let Some(prototype) = anonymous::prototype(g, mt) {
            let r = anonymous::root(g, mt, prototype)?;
            return Ok(if r.is_null() {
                (*g).shapes.any_metatable
            } else {
                r
            });
        }
        let m = (*mt).shape;
        if m.is_null() || !Shape::is_private(m) {
            return Ok((*g).shapes.any_metatable);
        }
        if (*m).link.is_null() {
            let r = alloc(g, 0)?;
            if !r.is_null() {
                (*r).metatable = mt;
                (*m).link = r;
            }
            return Ok(r);
        }
        Ok((*m).link)
    }
}

/// The shared shape with the keys of `s` for tables with metatable `mt`. Null: use dictionary mode.
pub(super) unsafe fn with_metatable(
    g: *mut Global,
    s: *mut Shape,
    mt: *mut Table,
) -> Result<*mut Shape, AllocError> {
    unsafe {
        let link = (*s).link;
        if !link.is_null() && (*s).other_metatable == mt && !Shape::has_prototype(link) {
            return Ok(link);
        }
        let root = root(g, mt)?;
        let mut to = root;
        let prototyped = !root.is_null() && Shape::has_prototype(root);
        if !link.is_null() && prototyped && (*link).parent_root() == root {
            return Ok(link);
        }
        for i in 0..(*s).count {
            if to.is_null() {
                return Ok(to);
            }
            to = transition(g, to, Shape::key_at(s, i), false)?;
        }
        if (*s).count > 0 && root != (*g).shapes.any_metatable {
            (*s).link = to;
            (*s).other_metatable = if prototyped { null_mut() } else { mt };
        }
        Ok(to)
    }
}

/// Is a table with shape `s` that becomes a metatable to have a private shape?
pub(super) unsafe fn worth_a_tree(s: *mut Shape) -> bool {
    unsafe {
        if s.is_null() || Shape::is_private(s) {
            return true;
        }
        if (*s).metatables >= MAX_METATABLES {
            return false;
        }
        (*s).metatables += 1;
        true
    }
}

/// A private shape with the given keys. Null when ids have run out.
pub(super) unsafe fn new_private(
    g: *mut Global,
    mt: *mut Table,
    keys: &[*mut Str],
) -> Result<*mut Shape, AllocError> {
    unsafe {
        let s = alloc(g, PRIVATE)?;
        if s.is_null() {
            return Ok(s);
        }
        (*s).metatable = mt;
        (*s).index = Index::new_private(&mut (*g).heap, keys.len())?;
        for &k in keys {
            // cannot fail: the capacity is there
            Index::push(&mut (*g).heap, (*s).index, k)?;
        }
        (*s).count = keys.len() as u32;
        Ok(s)
    }
}

/// Adds a key to a private shape (its slot is the last one).
pub(super) unsafe fn add_private_key(
    g: *mut Global,
    s: *mut Shape,
    key: *mut Str,
) -> Result<(), AllocError> {
    unsafe {
        Index::push(&mut (*g).heap, (*s).index, key)?;
        (*s).count += 1;
        forget_absence(s, key);
        bump(g, s);
        Ok(())
    }
}

/// A slot of a private shape is about to be stored to again.
#[inline(always)]
pub(super) unsafe fn note_store(g: *mut Global, s: *mut Shape, slot: u32, key: *mut Str) {
    unsafe {
        forget_absence(s, key);
        if !Index::is_mutable((*s).index, slot) {
            Index::set_mutable((*s).index, slot);
            bump(g, s);
        }
    }
}

#[inline(always)]
unsafe fn forget_absence(s: *mut Shape, key: *mut Str) {
    unsafe {
        if let Some(e) = string::event_of(key) {
            (*s).absent &= !(1 << e);
        }
    }
}

/// What caches recorded through a private shape may have stopped being true.
#[inline]
pub(super) unsafe fn bump(g: *mut Global, s: *mut Shape) {
    unsafe {
        if (*s).h.flags & OBSERVED != 0 {
            (*s).h.flags &= !OBSERVED;
            (*g).epoch = (*g).epoch.wrapping_add(1);
            (*s).bumps = (*s).bumps.saturating_add(1);
        }
    }
}

/// A cache is going to rely on a private shape's constants or absences. False: it must not.
pub(super) unsafe fn observe(s: *mut Shape) -> bool {
    unsafe {
        if (*s).bumps >= MAX_BUMPS {
            return false;
        }
        (*s).h.flags |= OBSERVED;
        true
    }
}

/// Gives a private shape a new id (its metatable changed, or its slots moved). False when ids have run out.
pub(super) unsafe fn renew_id(g: *mut Global, s: *mut Shape) -> bool {
    unsafe {
        bump(g, s);
        match new_id(&mut (*g).shapes) {
            Some(id) => {
                (*s).h.aux32 = id;
                true
            }
            None => false,
        }
    }
}

/// Lets shapes that no table has live on for a while: gives them to `keep`. Called in the atomic phase when everything reachable is marked.
pub(crate) unsafe fn keep_recent(
    g: *mut Global,
    dead: impl Fn(*mut Header) -> bool,
    mut keep: impl FnMut(*mut Shape),
) {
    unsafe {
        for i in 0..(&(*g).shapes.all).len() {
            let s = (&(*g).shapes.all)[i];
            if !dead(s.cast()) {
                (*s).h.aux8 = 0;
            } else if !Shape::is_private(s)
                && (*s).h.aux8 < LIFETIME
                && ((*s).metatable.is_null() || !dead((*s).metatable.cast()))
            {
                (*s).h.aux8 += 1;
                keep(s);
            }
        }
    }
}

/// Drops weak references to dead shapes; called in the atomic phase when marking is complete.
pub(crate) unsafe fn clear_dead(g: *mut Global, dead: impl Fn(*mut Header) -> bool) {
    unsafe {
        let shapes = &raw mut (*g).shapes;
        let before = (*shapes).all.len();
        (*shapes).all.retain(|&s| {
            let dies = dead(s.cast());
            // Shapes keep their parents alive: who loses a child is known by it.
            if dies && !(*s).parent.is_null() && !dead((*s).parent.cast()) {
                (*(*s).parent).lost_child = true;
            }
            !dies
        });
        let any_died = (*shapes).all.len() < before;
        for &s in &(*shapes).all {
            if std::mem::take(&mut (*s).lost_child) {
                children::clear_dead(s, &dead);
            }
            if !(*s).link.is_null() && dead((*s).link.cast()) {
                (*s).link = null_mut();
            }
            if !(*s).metatable.is_null() && dead((*s).metatable.cast()) {
                (*s).metatable = null_mut(); // of a broken tree
            }
            if !(*s).prototypes.is_null() && dead((*s).prototypes.cast()) {
                (*s).prototypes = null_mut();
            }
            if !(*s).other_metatable.is_null() && dead((*s).other_metatable.cast()) {
                (*s).link = null_mut();
                (*s).other_metatable = null_mut();
            }
        }
        if !any_died {
            return;
        }
        // an index must not keep keys that only dead shapes had: their memory is going to be used again
        for &s in &(*shapes).all {
            Index::start_census((*s).index);
        }
        for &s in &(*shapes).all {
            Index::count_user((*s).index, (*s).count);
        }
        for &s in &(*shapes).all {
            Index::end_census((*s).index);
        }
    }
}
