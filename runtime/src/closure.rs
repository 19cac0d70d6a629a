//! Constructors of closures and cells, and stores into them with their write barriers. Nothing here collects.
#![allow(clippy::missing_safety_doc)] // as in `heap`: `g` points to a live state, objects are live, indices in range

use crate::heap::{self, AllocError};
use crate::object::{Cell, LuaClosure, NativeClosure, NativeFn};
use crate::proto::RtProto;
use crate::state::Global;
use crate::value::Value;
use trinity_abi::tag;

/// A cell holding `v`.
#[inline]
pub unsafe fn new_cell(g: *mut Global, v: Value) -> Result<*mut Cell, AllocError> {
    unsafe {
        let c: *mut Cell = heap::alloc_object(g, tag::CELL, size_of::<Cell>())?.cast();
        (*c).v = v;
        Ok(c)
    }
}

/// A Lua closure with `n` null upvalue cells, to be filled before the next safe point.
#[inline]
pub unsafe fn new_lua(
    g: *mut Global,
    proto: *mut RtProto,
    code: *const u8,
    n: u32,
) -> Result<*mut LuaClosure, AllocError> {
    unsafe {
        let size = size_of::<LuaClosure>() + n as usize * size_of::<*mut Cell>();
        let c: *mut LuaClosure = heap::alloc_object(g, tag::LUA_FN, size)?.cast();
        (*c).h.aux32 = n;
        (*c).code = code;
        (*c).proto = proto;
        for i in 0..n as usize {
            *LuaClosure::upval(c, i) = std::ptr::null_mut();
        }
        Ok(c)
    }
}

/// A native closure; its upvalues are copied.
pub unsafe fn new_native(
    g: *mut Global,
    f: NativeFn,
    code: *const u8,
    upvalues: &[Value],
) -> Result<*mut NativeClosure, AllocError> {
    unsafe {
        let size = size_of::<NativeClosure>() + size_of_val(upvalues);
        let c: *mut NativeClosure = heap::alloc_object(g, tag::NATIVE_FN, size)?.cast();
        (*c).h.aux32 = upvalues.len() as u32;
        (*c).code = code;
        (*c).func = f;
        for (i, v) in upvalues.iter().enumerate() {
            *NativeClosure::upval(c, i) = *v;
        }
        Ok(c)
    }
}

/// Stores into a cell, with the write barrier.
#[inline(always)]
pub unsafe fn set_cell(g: *mut Global, c: *mut Cell, v: Value) {
    unsafe {
        (*c).v = v;
        heap::barrier_forward(g, c.cast(), v);
    }
}

/// Stores upvalue `i` (from 0) of a native closure, with the write barrier.
pub unsafe fn set_native_upvalue(g: *mut Global, c: *mut NativeClosure, i: usize, v: Value) {
    unsafe {
        *NativeClosure::upval(c, i) = v;
        heap::barrier_forward(g, c.cast(), v);
    }
}

/// Replaces the cell of upvalue `i` (from 0) of a Lua closure, with the write barrier.
pub unsafe fn set_upvalue_cell(g: *mut Global, c: *mut LuaClosure, i: usize, cell: *mut Cell) {
    unsafe {
        *LuaClosure::upval(c, i) = cell;
        heap::barrier_forward(g, c.cast(), Value::obj(cell.cast()));
    }
}
