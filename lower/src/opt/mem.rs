//! Addresses of what machine code reads and writes, with their regions.

use trinity_abi as abi;
use trinity_codegen::ir::{Addr, Region, Scale, Value};

/// `R[r]`'s payload, counted from the outermost frame's base.
pub(crate) fn home(r: usize) -> Addr {
    Addr::base(16 * r as i32).in_region(Region::Home)
}
/// `R[r]`'s tag.
pub(crate) fn home_tag(r: usize) -> Addr {
    Addr::base(16 * r as i32 + abi::VALUE_TAG).in_region(Region::Home)
}
/// The running closure of the outermost frame.
pub(crate) fn own_closure() -> Addr {
    Addr::base(-16).in_region(Region::Const)
}
/// The function slot of the outermost frame, as memory.
pub(crate) fn function_slot(disp: i32) -> Addr {
    Addr::base(disp - 16).in_region(Region::Home)
}
/// The tail-call mark of the function in `R[r]`.
pub(crate) fn tail_mark(r: usize) -> Addr {
    Addr::base(16 * r as i32 + abi::VALUE_TAIL).in_region(Region::Home)
}
/// A field of the thread.
pub(crate) fn thread(disp: i32) -> Addr {
    Addr::thread(disp).in_region(Region::Thread)
}
/// The number of nested native calls: another one after a call (a coroutine may be resumed from elsewhere), but not in between.
pub(crate) fn nested_calls() -> Addr {
    thread(abi::thread::NCCALLS).in_region(Region::Proto)
}
/// Something that never changes.
pub(crate) fn constant(base: Value, disp: i32) -> Addr {
    Addr::value(base, disp).in_region(Region::Const)
}
/// A closure's code pointer, a prototype's fields.
pub(crate) fn proto(base: Value, disp: i32) -> Addr {
    Addr::value(base, disp).in_region(Region::Proto)
}
/// Where a closure has its upvalue `i`: which cell that is, `debug.upvaluejoin` changes, in any call.
pub(crate) fn upvalue(closure: Value, i: usize) -> Addr {
    proto(closure, abi::closure::UPVALS + 8 * i as i32)
}
/// A captured variable's cell.
pub(crate) fn cell(base: Value, disp: i32) -> Addr {
    Addr::value(base, abi::closure::CELL_VALUE + disp).in_region(Region::Cell)
}
/// The same of a variable that the program assigns once.
pub(crate) fn assigned_cell(base: Value, disp: i32) -> Addr {
    cell(base, disp).in_region(Region::Const)
}
/// A table's array fields: pointer, length, capacity, element kind; its hash part.
pub(crate) fn array(table: Value, disp: i32) -> Addr {
    Addr::value(table, disp).in_region(Region::Array)
}
/// A table's shape fields: shape id and pointer, metatable, slots, slot capacity.
pub(crate) fn shape(table: Value, disp: i32) -> Addr {
    Addr::value(table, disp).in_region(Region::Shape)
}
/// Payload of element `index` (from 1) of an array.
pub(crate) fn element(array: Value, index: Value) -> Addr {
    Addr::indexed(array, index, Scale::S8, -8).in_region(Region::Element)
}
/// Tag of the element whose complemented index from 0 is given.
pub(crate) fn element_tag(array: Value, down: Value) -> Addr {
    Addr::indexed(array, down, Scale::S1, 0).in_region(Region::Element)
}
/// Part of an entry of a hash part.
pub(crate) fn entry(entry: Value, disp: i32) -> Addr {
    Addr::value(entry, disp).in_region(Region::Entry)
}
/// A slot at a byte offset.
pub(crate) fn slot(slots: Value, offset: Value, disp: i32) -> Addr {
    Addr::indexed(slots, offset, Scale::S1, disp).in_region(Region::Slot)
}
/// Part of a slot whose number is known.
pub(crate) fn known_slot(slots: Value, n: u32, disp: i32) -> Addr {
    Addr::value(slots, abi::VALUE_SIZE * n as i32 + disp).in_region(Region::Slot)
}
/// An inline cache's field.
pub(crate) fn cache(caches: Value, disp: i32) -> Addr {
    Addr::value(caches, disp).in_region(Region::Cache)
}
/// An object's mark byte.
pub(crate) fn mark(object: Value) -> Addr {
    Addr::value(object, abi::header::MARK).in_region(Region::Header)
}
/// The length of a string that grows (`growing.rs`): that is another value then, but not in another place.
pub(crate) fn growing_length(string: Value) -> Addr {
    Addr::value(string, abi::string::LEN).in_region(Region::Header)
}
/// The state: free runs of the heap, its debt.
pub(crate) fn state(global: Value, disp: i32) -> Addr {
    Addr::value(global, disp).in_region(Region::Thread)
}
/// A field of an object that nothing but the code that makes it knows.
pub(crate) fn fresh(object: Value, disp: i32) -> Addr {
    Addr::value(object, disp).in_region(Region::Fresh)
}
