//! Full userdata: one allocation holds the struct, the user values, then the bytes.
#![allow(clippy::missing_safety_doc)] // as in `heap`: `g` points to a live state, objects are live, indices in range

use crate::heap::{self, AllocError};
use crate::object::{Table, Userdata};
use crate::state::Global;
use crate::value::Value;
use trinity_abi::tag;

/// A userdata of `size` zeroed bytes (8-byte aligned) with `user_values` nil user values.
pub unsafe fn new(
    g: *mut Global,
    size: usize,
    user_values: u32,
) -> Result<*mut Userdata, AllocError> {
    unsafe {
        let values = user_values as usize * size_of::<Value>();
        let total = size
            .checked_add(values + size_of::<Userdata>())
            .ok_or(AllocError)?;
        let u: *mut Userdata = heap::alloc_object(g, tag::USERDATA, total)?.cast();
        (*u).h.aux32 = user_values;
        (*u).metatable = std::ptr::null_mut();
        (*u).len = size;
        (*u).user = u.add(1).cast();
        (*u).data = u.add(1).cast::<u8>().add(values);
        for i in 0..user_values as usize {
            *(*u).user.add(i) = Value::NIL;
        }
        (*u).data.write_bytes(0, size);
        Ok(u)
    }
}

/// Sets the metatable (null: none). The finalizer is registered separately: `heap::check_finalizer`.
pub unsafe fn set_metatable(
    g: *mut Global,
    u: *mut Userdata,
    mt: *mut Table,
) -> Result<(), AllocError> {
    unsafe {
        if !mt.is_null() {
            crate::table::make_private(g, mt)?;
        }
        (*u).metatable = mt;
        if !mt.is_null() {
            heap::barrier_forward(g, u.cast(), Value::table(mt));
        }
        Ok(())
    }
}

/// Stores user value `i` (from 0, below `h.aux32`).
pub unsafe fn set_user_value(g: *mut Global, u: *mut Userdata, i: u32, v: Value) {
    unsafe {
        *(*u).user.add(i as usize) = v;
        if v.is_collectable() && heap::is_black(u.cast()) {
            heap::barrier_back(g, u.cast());
        }
    }
}
