//! Full userdata.
#![allow(clippy::missing_safety_doc)]
use crate::heap::AllocError;
use crate::object::{Table, Userdata};
use crate::state::Global;
use crate::value::Value;

/// A userdata of `size` zeroed bytes (16-byte aligned) with `user_values` nil user values.
pub unsafe fn new(g: *mut Global, size: usize, user_values: u32) -> Result<*mut Userdata, AllocError> {
    todo!()
}
/// Sets the metatable (null: none). The finalizer is registered separately: `heap::check_finalizer`.
pub unsafe fn set_metatable(g: *mut Global, u: *mut Userdata, mt: *mut Table) -> Result<(), AllocError> {
    todo!()
}
/// Stores user value `i` (from 0, below `h.aux32`).
pub unsafe fn set_user_value(g: *mut Global, u: *mut Userdata, i: u32, v: Value) {
    todo!()
}
