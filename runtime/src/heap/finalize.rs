//! Objects with finalizers.
//!
//! `finobj` holds objects whose metatable had `__gc` when it was set, in order of registration. The atomic phase moves those that are dead to
//! `to_be_finalized`, last registered first, and marks them: they live until their finalizer has been called and they are found dead again.
//! The collector calls nothing: whoever reaches a safe point pops objects with [`next_finalizer`] and calls `__gc`.

use super::AllocError;
use super::cycle::mark_if_white;
use super::mark::{age, get_age, is_white};
use super::mark_bits::FINALIZED;
use crate::object::{Header, Table};
use crate::state::Global;
use crate::value::Value;
use trinity_frontend::bytecode::Event;

/// Registers the object's finalizer when `mt` (which may be null) has `__gc`. Called by every `setmetatable` on tables and userdata.
pub unsafe fn check_finalizer(
    g: *mut Global,
    o: *mut Header,
    mt: *mut Table,
) -> Result<(), AllocError> {
    unsafe {
        if mt.is_null()
            || (*o).mark & FINALIZED != 0
            || crate::table::metamethod(g, mt, Event::Gc).is_nil()
        {
            return Ok(());
        }
        let heap = &mut (*g).heap;
        // room in the queue too, so that separating never allocates
        let queued = heap.finobj.len() + 1;
        heap.to_be_finalized
            .try_reserve(queued)
            .map_err(|_| AllocError)?;
        heap.finobj.try_reserve(1).map_err(|_| AllocError)?;
        heap.finobj.push(o);
        (*o).mark |= FINALIZED;
        Ok(())
    }
}

/// Moves dead objects (or all) from `finobj` to the queue.
pub(super) unsafe fn separate(g: *mut Global, all: bool) {
    unsafe {
        let heap = &mut (*g).heap;
        let from = if all { 0 } else { heap.finobj_old };
        for i in (from..heap.finobj.len()).rev() {
            let o = heap.finobj[i];
            if all || is_white(o) {
                heap.to_be_finalized.push_back(o);
                heap.finobj[i] = std::ptr::null_mut();
            }
        }
        heap.finobj.retain(|o| !o.is_null());
        heap.finobj_old = heap.finobj_old.min(heap.finobj.len());
    }
}

/// Marks the objects in the queue.
pub(super) unsafe fn mark_pending(g: *mut Global) {
    unsafe {
        for i in 0..(*g).heap.to_be_finalized.len() {
            let o = (&(*g).heap.to_be_finalized)[i];
            mark_if_white(g, o);
        }
    }
}

/// After a minor collection: entries at the front that have become old are not looked at again.
pub(super) unsafe fn advance_old(g: *mut Global) {
    unsafe {
        let heap = &mut (*g).heap;
        while heap.finobj_old < heap.finobj.len()
            && get_age(heap.finobj[heap.finobj_old]) >= age::OLD1
        {
            heap.finobj_old += 1;
        }
    }
}

/// The next object whose finalizer must be called: its metatable's `__gc`, unless nil by now, with the object as argument. The caller
/// keeps the object on a stack and stops the collector during the call, as the reference does.
pub unsafe fn next_finalizer(g: *mut Global) -> Option<Value> {
    unsafe {
        let heap = &mut (*g).heap;
        let Some(o) = heap.to_be_finalized.pop_front() else {
            heap.pending_finalizers = false;
            return None;
        };
        (*o).mark &= !FINALIZED;
        heap.pending_finalizers = !heap.to_be_finalized.is_empty();
        Some(Value::obj(o))
    }
}

/// State close: queues every registered finalizer, last registered first.
pub unsafe fn queue_all_finalizers(g: *mut Global) {
    unsafe {
        super::incremental(g, 0, 0, 0);
        separate(g, true);
        let heap = &mut (*g).heap;
        heap.pending_finalizers = !heap.to_be_finalized.is_empty();
    }
}
