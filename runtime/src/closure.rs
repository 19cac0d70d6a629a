//! Constructors of closures and cells. None of them collects.
#![allow(clippy::missing_safety_doc)]
use crate::heap::AllocError;
use crate::object::{Cell, LuaClosure, NativeClosure, NativeFn};
use crate::proto::RtProto;
use crate::state::Global;
use crate::value::Value;

/// A cell holding `v`.
pub unsafe fn new_cell(g: *mut Global, v: Value) -> Result<*mut Cell, AllocError> {
    todo!()
}
/// A Lua closure with `n` null upvalue cells, to be filled before the next safe point.
pub unsafe fn new_lua(g: *mut Global, proto: *mut RtProto, code: *const u8, n: u32) -> Result<*mut LuaClosure, AllocError> {
    todo!()
}
/// A native closure; its upvalues are copied.
pub unsafe fn new_native(g: *mut Global, f: NativeFn, code: *const u8, upvalues: &[Value]) -> Result<*mut NativeClosure, AllocError> {
    todo!()
}
/// Stores into a cell, with the write barrier.
#[inline(always)]
pub unsafe fn set_cell(g: *mut Global, c: *mut Cell, v: Value) {
    todo!()
}
/// Stores upvalue `i` (from 0) of a native closure, with the write barrier.
pub unsafe fn set_native_upvalue(g: *mut Global, c: *mut NativeClosure, i: usize, v: Value) {
    todo!()
}
/// Replaces the cell of upvalue `i` (from 0) of a Lua closure, with the write barrier.
pub unsafe fn set_upvalue_cell(g: *mut Global, c: *mut LuaClosure, i: usize, cell: *mut Cell) {
    todo!()
}
