//! Tables made by constructors: NEWTABLE gives the new table the shape of all string keys that the constructor is going to store, so that its
//! SETFIELDs are stores to slots that exist, in the interpreter and in machine code. Slots are nil until then, which nobody can tell from absent
//! fields. The shape is kept in the instruction's cache (weakly, as all shapes in caches), and there, too, is for how many elements optimised code
//! makes tables that begin empty.

use super::shape::{self, Shape};
use super::with_shape;
use crate::heap::AllocError;
use crate::object::Table;
use crate::proto::RtProto;
use crate::state::Global;
use crate::value::Value;
use trinity_abi::cache::KIND_NEW;
use trinity_abi::tag;
use trinity_frontend::bytecode::instr::NO_CACHE;
use trinity_frontend::bytecode::{Instr, constructor};

/// NEWTABLE.
#[inline]
pub unsafe fn construct(
    g: *mut Global,
    p: *mut RtProto,
    i: Instr,
) -> Result<*mut Table, AllocError> {
    unsafe {
        let cache = (*p).caches.add(i.d());
        if (*cache).kind != KIND_NEW {
            let shape = find_shape(g, p, i)?;
            return with_shape(g, shape, i.c(), i.b());
        }
        // Optimised code left the elements that it makes room for in the cache.
        let elements = i.c().max((*cache).slot as usize);
        with_shape(g, (*cache).value.p as *mut Shape, elements, i.b())
    }
}

/// The shape of a constructor's tables, which the cache remembers. Where it cannot be had, the one without keys.
#[cold]
#[inline(never)]
unsafe fn find_shape(
    g: *mut Global,
    p: *mut RtProto,
    i: Instr,
) -> Result<*mut Shape, AllocError> {
    unsafe {
        let empty = (*g).shapes.empty;
        if i.d() == NO_CACHE as usize {
            return Ok(empty);
        }
        let code = &(*p).src.code;
        let mut s = empty;
        for k in constructor::keys(code, i) {
            let key = *(*p).consts.add(k);
            if key.t != tag::SHORT_STR || Shape::find(s, key.as_str()).is_some() {
                continue;
            }
            s = shape::transition(g, s, key.as_str(), false)?;
            if s.is_null() {
                return Ok(empty);
            }
        }
        let cache = (*p).caches.add(i.d());
        (*cache).shape_id = (*s).h.aux32;
        (*cache).kind = KIND_NEW;
        (*cache).value = Value {
            p: s as u64,
            t: tag::SHAPE,
        };
        Ok(s)
    }
}
