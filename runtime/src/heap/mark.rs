//! Colours, write barriers, and the traversal of objects.
//!
//! White objects have not been reached; gray ones (neither white nor black) have been reached but not traversed; black ones are done. The
//! invariant while marking: no black object refers to a white one. It is suspended during sweeps, and always in two places: threads (their
//! stacks are scanned again in the atomic phase) and weak tables (they stay gray until the atomic phase).
//! Strings have no references and go from white to black directly. Shapes are traversed at once, with their parents, since keys are strings.
//!
//! A push that fails for lack of memory leaves the object gray and sets `gray_overflow`; the atomic phase then looks for gray objects.

use super::mark_bits::*;
use super::{Heap, Mode, Objects, State, weak};
use crate::object::{Cell, Header, LuaClosure, NativeClosure, Table, Userdata};
use crate::proto::RtProto;
use crate::state::Global;
use crate::table::hash;
use crate::table::shape::{self, Shape};
use crate::thread::Thread;
use crate::value::Value;
use trinity_abi::tag;

/// Ages of the generational mode, as in the reference.
pub(super) mod age {
    pub const NEW: u8 = 0;
    pub const SURVIVAL: u8 = 1;
    /// Marked by a forward barrier in this cycle.
    pub const OLD0: u8 = 2;
    /// First full cycle as old.
    pub const OLD1: u8 = 3;
    /// Really old: not visited by minor collections.
    pub const OLD: u8 = 4;
    /// Old, stored to in this cycle.
    pub const TOUCHED1: u8 = 5;
    /// Old, stored to in the previous cycle.
    pub const TOUCHED2: u8 = 6;
}

#[inline(always)]
pub(super) unsafe fn get_age(o: *mut Header) -> u8 {
    unsafe { ((*o).mark & AGE) >> AGE_SHIFT }
}
#[inline(always)]
pub(super) unsafe fn set_age(o: *mut Header, a: u8) {
    unsafe { (*o).mark = (*o).mark & !AGE | a << AGE_SHIFT }
}
#[inline(always)]
pub(super) unsafe fn is_old(o: *mut Header) -> bool {
    unsafe { get_age(o) > age::SURVIVAL }
}

/// Not reached in this cycle.
#[inline(always)]
pub unsafe fn is_white(o: *mut Header) -> bool {
    unsafe { (*o).mark & WHITES != 0 }
}
#[inline(always)]
pub unsafe fn is_black(o: *mut Header) -> bool {
    unsafe { (*o).mark & BLACK != 0 }
}
/// Unreachable, waiting to be swept.
#[inline(always)]
pub unsafe fn is_dead(g: *mut Global, o: *mut Header) -> bool {
    unsafe { (*o).mark & WHITES & !(*g).heap.current_white != 0 && (*o).mark & FIXED == 0 }
}
/// Saves a dead object that was found through a weak reference of the runtime (interned strings).
#[inline(always)]
pub unsafe fn revive(g: *mut Global, o: *mut Header) {
    unsafe {
        if is_dead(g, o) {
            (*o).mark ^= WHITES;
        }
    }
}
#[inline(always)]
pub(super) unsafe fn is_gray(o: *mut Header) -> bool {
    unsafe { (*o).mark & COLOURS == 0 }
}
#[inline(always)]
pub(super) unsafe fn set_gray(o: *mut Header) {
    unsafe { (*o).mark &= !COLOURS }
}
#[inline(always)]
pub(super) unsafe fn set_black(o: *mut Header) {
    unsafe { (*o).mark = (*o).mark & !WHITES | BLACK }
}

/// Pushes a gray object, or notes that it must be searched for.
#[inline]
pub(super) fn push(list: &mut Objects, overflow: &mut bool, o: *mut Header) {
    let n = list.len();
    if n == list.capacity() {
        return push_grown(list, overflow, o);
    }
    // SAFETY: there is room for it. (`Vec::push` would ask again.)
    unsafe {
        list.as_mut_ptr().add(n).write(o);
        list.set_len(n + 1);
    }
}

#[cold]
#[inline(never)]
fn push_grown(list: &mut Objects, overflow: &mut bool, o: *mut Header) {
    if list.try_reserve(1.max(list.len())).is_ok() || list.try_reserve(1).is_ok() {
        list.push(o);
    } else {
        *overflow = true;
    }
}

impl Heap {
    /// Makes `o` gray, to be visited again in the atomic phase.
    pub(super) unsafe fn link_gray_again(&mut self, o: *mut Header) {
        unsafe { set_gray(o) };
        push(&mut self.gray_again, &mut self.gray_overflow, o);
    }
    /// The collector promises that black objects do not refer to white ones.
    #[inline(always)]
    pub(super) fn keep_invariant(&self) -> bool {
        self.state <= State::Atomic
    }
}

/// Write barrier for containers that are stored to often (tables, userdata): call after storing collectable values when the
/// container is BLACK.
#[cold]
pub unsafe fn barrier_back(g: *mut Global, o: *mut Header) {
    unsafe {
        if !is_black(o) {
            return;
        }
        let heap = &mut (*g).heap;
        if get_age(o) == age::TOUCHED2 {
            set_gray(o); // is in the list already
        } else {
            heap.link_gray_again(o);
        }
        if is_old(o) {
            set_age(o, age::TOUCHED1);
        }
    }
}

/// Write barrier that marks the stored value (cells, closures, prototypes).
#[inline(always)]
pub unsafe fn barrier_forward(g: *mut Global, o: *mut Header, v: Value) {
    unsafe {
        if is_black(o) && v.is_collectable() && is_white(v.as_obj()) {
            forward(g, o, v.as_obj());
        }
    }
}

#[cold]
unsafe fn forward(g: *mut Global, o: *mut Header, v: *mut Header) {
    unsafe {
        if (*g).heap.keep_invariant() {
            mark_object(g, v);
            if is_old(o) {
                set_age(v, age::OLD0);
            }
        } else if (*g).heap.mode == Mode::Incremental {
            // sweeping: white stops further barriers on this object
            (*o).mark = (*o).mark & !COLOURS | (*g).heap.current_white;
        }
    }
}

#[inline(always)]
pub(super) unsafe fn mark_value(g: *mut Global, v: Value) {
    unsafe {
        if v.is_collectable() && is_white(v.as_obj()) {
            mark_object(g, v.as_obj());
        }
    }
}

#[inline(always)]
pub(super) unsafe fn mark_nullable<T>(g: *mut Global, o: *mut T) {
    unsafe {
        let o = o.cast::<Header>();
        if !o.is_null() && is_white(o) {
            mark_object(g, o);
        }
    }
}

/// Objects that are marked a little later than they are found, when the processor has fetched their headers: a ring. They count as gray; whoever
/// traverses empties it ([`settle`]) before the program goes on.
pub(super) struct Fetching {
    ring: [*mut Header; Fetching::SIZE],
    at: usize,
}

impl Fetching {
    const SIZE: usize = 16;
    pub(super) const fn new() -> Fetching {
        Fetching {
            ring: [std::ptr::null_mut(); Fetching::SIZE],
            at: 0,
        }
    }
}

/// Marks a value soon.
#[inline(always)]
unsafe fn mark_soon(g: *mut Global, v: Value) {
    unsafe {
        if v.is_collectable() {
            fetch(g, v.as_obj());
        }
    }
}

#[inline(always)]
unsafe fn fetch(g: *mut Global, o: *mut Header) {
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(o.cast());
        _mm_prefetch::<_MM_HINT_T0>(o.cast::<i8>().wrapping_add(64));
        let f = &raw mut (*g).heap.fetching;
        let i = (*f).at % Fetching::SIZE;
        let due = std::mem::replace(&mut (&mut (*f).ring)[i], o);
        (*f).at = i + 1;
        if !due.is_null() && is_white(due) {
            mark_object(g, due);
        }
    }
}

/// Marks what waits to be marked.
#[inline(never)]
pub(super) unsafe fn settle(g: *mut Global) {
    unsafe {
        let ring = (&raw mut (*g).heap.fetching.ring).cast::<*mut Header>();
        // Seldom called: not to be unrolled.
        for i in 0..std::hint::black_box(Fetching::SIZE) {
            mark_nullable(g, ring.add(i).replace(std::ptr::null_mut()));
        }
    }
}

/// Marks a white object.
#[inline(never)]
pub(super) unsafe fn mark_object(g: *mut Global, o: *mut Header) {
    unsafe {
        match (*o).kind {
            tag::SHORT_STR | tag::LONG_STR => set_black(o),
            tag::SHAPE => mark_shape(g, o.cast()),
            _ => {
                set_gray(o);
                let heap = &mut (*g).heap;
                push(&mut heap.gray, &mut heap.gray_overflow, o);
            }
        }
    }
}

/// Marks a shape with its ancestors and keys.
#[inline(never)]
pub(super) unsafe fn mark_shape(g: *mut Global, mut s: *mut Shape) {
    unsafe {
        while !s.is_null() && is_white(s.cast()) {
            set_black(s.cast());
            if Shape::is_private(s) {
                shape::each_key(s, |k| mark_nullable(g, k));
            }
            mark_nullable(g, (*s).key);
            s = (*s).parent;
        }
    }
}

/// Traverses all gray objects; returns the work done.
pub(super) unsafe fn propagate_all(g: *mut Global) -> usize {
    unsafe {
        let mut work = 0;
        loop {
            settle(g);
            while !(*g).heap.gray.is_empty() {
                work += propagate(g);
            }
            if (*g).heap.state != State::Atomic || !(*g).heap.gray_overflow {
                return work;
            }
            // objects whose push failed; those waiting in lists are visited twice, which does no harm
            (*g).heap.gray_overflow = false;
            super::sweep::each_object(g, |o| {
                if is_gray(o) {
                    set_black(o);
                    work += traverse(g, o);
                }
            });
        }
    }
}

/// Traverses one gray object. When there are no more, nothing waits to be marked either.
pub(super) unsafe fn propagate(g: *mut Global) -> usize {
    unsafe {
        let Some(o) = (*g).heap.gray.pop() else {
            return 0;
        };
        set_black(o);
        let work = traverse(g, o);
        if (*g).heap.gray.is_empty() {
            settle(g);
        }
        work
    }
}

unsafe fn traverse(g: *mut Global, o: *mut Header) -> usize {
    unsafe {
        match (*o).kind {
            tag::TABLE => traverse_table(g, o.cast()),
            tag::LUA_FN => {
                let c: *mut LuaClosure = o.cast();
                mark_nullable(g, (*c).proto);
                let n = (*o).aux32 as usize;
                for i in 0..n {
                    let cell = *LuaClosure::upval(c, i);
                    if !cell.is_null() {
                        fetch(g, cell.cast());
                    }
                }
                1 + n
            }
            tag::NATIVE_FN => {
                let c: *mut NativeClosure = o.cast();
                let n = (*o).aux32 as usize;
                for i in 0..n {
                    mark_value(g, *NativeClosure::upval(c, i));
                }
                1 + n
            }
            tag::CELL => {
                mark_soon(g, (*o.cast::<Cell>()).v);
                1
            }
            tag::USERDATA => {
                let u: *mut Userdata = o.cast();
                mark_nullable(g, (*u).metatable);
                let n = (*o).aux32 as usize;
                for i in 0..n {
                    mark_value(g, *(*u).user.add(i));
                }
                gen_link(g, o);
                1 + n
            }
            tag::THREAD => traverse_thread(g, o.cast()),
            tag::PROTO => traverse_proto(g, o.cast()),
            tag::SHAPE => {
                // found gray only after an overflow
                mark_shape(g, o.cast());
                1
            }
            _ => 1,
        }
    }
}

/// Keeps a container that was touched in this cycle in the list of objects to visit again (generational mode).
pub(super) unsafe fn gen_link(g: *mut Global, o: *mut Header) {
    unsafe {
        match get_age(o) {
            age::TOUCHED1 => (*g).heap.link_gray_again(o),
            age::TOUCHED2 => set_age(o, age::OLD),
            _ => {}
        }
    }
}

unsafe fn traverse_table(g: *mut Global, t: *mut Table) -> usize {
    unsafe {
        let mt = (*t).metatable;
        if !mt.is_null() {
            fetch(g, mt.cast());
        }
        let s = (*t).shape;
        if !s.is_null() {
            if Shape::is_private(s) {
                // keys are added without a barrier on the shape, only on the table
                set_black(s.cast());
                shape::each_key(s, |k| mark_nullable(g, k));
            } else if is_white(s.cast()) {
                mark_shape(g, s);
            }
        }
        match weak::mode_of(g, t) {
            weak::Weakness::None => {
                traverse_strong(g, t);
                gen_link(g, t.cast());
            }
            weak::Weakness::Values => weak::traverse_weak_values(g, t),
            weak::Weakness::Keys => {
                weak::traverse_ephemeron(g, t, false);
            }
            weak::Weakness::Both => weak::traverse_all_weak(g, t),
        }
        1 + crate::table::gc_weight(t)
    }
}

/// Marks everything in a table, some of it when [`settle`] is called.
pub(super) unsafe fn traverse_strong(g: *mut Global, t: *mut Table) {
    unsafe {
        crate::table::each_element(t, |v| mark_soon(g, v.get()));
        crate::table::each_slot(t, |v| mark_soon(g, *v));
        hash::each_node((*t).hash, |n| {
            if (*n).is_empty() {
                weak::clear_key(n);
            } else {
                mark_soon(g, (*n).key());
                mark_soon(g, (*n).value());
            }
        });
    }
}

unsafe fn traverse_thread(g: *mut Global, th: *mut Thread) -> usize {
    unsafe {
        let heap = &raw mut (*g).heap;
        let o: *mut Header = th.cast();
        if is_old(o) || (*heap).state == State::Propagate {
            (*heap).link_gray_again(o);
        }
        let mut slots = 1;
        let atomic = (*heap).state == State::Atomic;
        let callbacks = (*heap).callbacks;
        (callbacks.scan_stack)(th, atomic, &mut |v| {
            slots += 1;
            mark_value(g, *v);
        });
        (callbacks.scan_thread_extra)(th, &mut |v| mark_value(g, v));
        mark_value(g, (*th).error);
        mark_nullable(g, (*th).resumer);
        slots
    }
}

unsafe fn traverse_proto(g: *mut Global, p: *mut RtProto) -> usize {
    unsafe {
        let n = (*p).num_consts as usize;
        for i in 0..n {
            mark_value(g, *(*p).consts.add(i));
        }
        let children = &(*p).children;
        for &c in children {
            mark_nullable(g, c);
        }
        let names = &(*p).upval_names;
        for &s in names {
            mark_nullable(g, s);
        }
        1 + n + children.len() + names.len()
    }
}
