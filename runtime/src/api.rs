//! What library functions are written against: methods on [`Lua`], close to the reference's C API in names and messages.
//! This file has frames, objects, tables, operators and calls; `aux.rs` has what the reference keeps in lauxlib.
//!
//! Rules:
//! - **Allocation never collects and never runs Lua.** The collector runs only at safe points: [`Lua::check_gc`], interpreter opcodes
//!   that allocate, and the return of every native function. So values in Rust locals are safe until the next call that can run Lua
//!   (`call`, `get_table`, `tostring`, comparison with metamethods, ...); keep them on the stack across those.
//! - Allocation can fail with Lua's "not enough memory": creating functions return `LResult`.
//! - `arg(i)`/`push`/`top` work on the running native function's frame. The stack can move in any call that can run Lua or push many
//!   values, so no slot address is kept.
//! - Native frames may be abandoned (a coroutine collected while it is suspended): what must be released after a call into Lua belongs in a
//!   userdata or string on the stack, not in a Rust value with a destructor.
//!
//! SAFETY of this module: the handle points to a live thread, its `ci` and `top` are consistent, and indices come from library code that
//! keeps the rules above (debug builds assert them).

use crate::debug::varinfo::VarRef;
use crate::error::{LResult, Status};
use crate::object::{NativeFn, Str, Table, Userdata};
use crate::raise::OrRaise;
use crate::state::Global;
use crate::thread::{Lua, MAX_STACK, Thread};
use crate::value::{Value, tag};
use crate::{call, load, meta, raise, stack};
use trinity_frontend::bytecode::Event;

/// A table of library functions: name and function (`None`: a placeholder field set to false).
pub type Reg = &'static [(&'static str, NativeFn)];

impl Lua {
    // ---- frame: arguments, pushing, popping
    /// The thread behind the handle.
    #[inline(always)]
    pub const fn thread(self) -> *mut Thread {
        self.0.as_ptr()
    }
    /// The global state.
    #[inline(always)]
    pub fn global(self) -> *mut Global {
        unsafe { (*self.thread()).global }
    }
    /// Slot of index `i` in the running frame, or null when it is beyond the top.
    #[inline(always)]
    fn slot(self, i: i32) -> *mut Value {
        unsafe {
            let th = self.thread();
            if i > 0 {
                let p = (*(*th).ci).func.add(i as usize);
                if p < (*th).top {
                    p
                } else {
                    std::ptr::null_mut()
                }
            } else {
                debug_assert!(i != 0 && -i <= self.top());
                (*th).top.offset(i as isize)
            }
        }
    }
    /// Number of values in the frame (arguments plus pushed values).
    #[inline(always)]
    pub fn top(self) -> i32 {
        unsafe {
            let th = self.thread();
            (*th).top.offset_from((*(*th).ci).func) as i32 - 1
        }
    }
    /// Sets the number of values in the frame, filling with nil. Negative counts from the top, as in lua_settop.
    #[inline]
    pub fn set_top(self, n: i32) {
        unsafe {
            let th = self.thread();
            let new = if n >= 0 {
                (*(*th).ci).func.add(n as usize + 1)
            } else {
                (*th).top.offset(n as isize + 1)
            };
            while (*th).top < new {
                *(*th).top = Value::NIL;
                (*th).top = (*th).top.add(1);
            }
            (*th).top = new;
        }
    }
    /// Value at index `i`: 1 is the first argument, -1 the last pushed value; nil when beyond the top.
    #[inline(always)]
    pub fn arg(self, i: i32) -> Value {
        let p = self.slot(i);
        if p.is_null() {
            Value::NIL
        } else {
            unsafe { *p }
        }
    }
    /// Replaces the value at `i` (must exist).
    #[inline]
    pub fn set_arg(self, i: i32, v: Value) {
        let p = self.slot(i);
        debug_assert!(!p.is_null());
        if !p.is_null() {
            unsafe { *p = v }
        }
    }
    /// True when there is no argument `i`.
    #[inline(always)]
    pub fn is_none(self, i: i32) -> bool {
        i > 0 && self.slot(i).is_null()
    }
    /// True when argument `i` is absent or nil.
    #[inline(always)]
    pub fn is_none_or_nil(self, i: i32) -> bool {
        self.arg(i).is_nil()
    }
    /// Pushes a value; a native function may push MIN_STACK (20) values, more after `ensure_stack`.
    #[inline(always)]
    pub fn push(self, v: Value) {
        unsafe {
            let th = self.thread();
            debug_assert!(
                (*th).top
                    < (*th)
                        .stack
                        .add((*th).stack_size + crate::thread::EXTRA_STACK)
            );
            *(*th).top = v;
            (*th).top = (*th).top.add(1);
        }
    }
    /// Drops the top `n` values.
    #[inline(always)]
    pub fn pop(self, n: i32) {
        debug_assert!(n <= self.top());
        unsafe {
            let th = self.thread();
            (*th).top = (*th).top.offset(-(n as isize));
        }
    }
    /// Pops and returns the top value.
    #[inline(always)]
    pub fn pop_value(self) -> Value {
        unsafe {
            let th = self.thread();
            (*th).top = (*th).top.sub(1);
            *(*th).top
        }
    }
    /// Moves the top value to index `i`, shifting up.
    pub fn insert(self, i: i32) {
        self.rotate(i, 1);
    }
    /// Removes the value at index `i`, shifting down.
    pub fn remove(self, i: i32) {
        self.rotate(i, -1);
        self.pop(1);
    }
    /// lua_rotate: rotates the values from `i` to the top by `n` positions towards the top.
    pub fn rotate(self, i: i32, n: i32) {
        let p = self.slot(i);
        if p.is_null() {
            return;
        }
        unsafe {
            let len = (*self.thread()).top.offset_from(p) as usize;
            let s = std::slice::from_raw_parts_mut(p, len);
            if n >= 0 {
                s.rotate_right((n as usize).min(len));
            } else {
                s.rotate_left((n.unsigned_abs() as usize).min(len));
            }
        }
    }
    /// Absolute index of `i` (lua_absindex).
    pub fn abs_index(self, i: i32) -> i32 {
        if i > 0 { i } else { self.top() + 1 + i }
    }
    /// lua_checkstack: false when the stack cannot grow by `n`.
    pub fn grow_stack(self, n: i32) -> bool {
        unsafe {
            let th = self.thread();
            let n = n.max(0) as usize;
            let free = stack::last(th).offset_from((*th).top);
            if free <= n as isize {
                let inuse =
                    (*th).top.offset_from((*th).stack) as usize + crate::thread::EXTRA_STACK;
                if n > MAX_STACK || inuse > MAX_STACK - n || !stack::grow_quietly(self, n) {
                    return false;
                }
            }
            let ci = (*th).ci;
            if (*ci).top < (*th).top.add(n) {
                (*ci).top = (*th).top.add(n);
            }
            true
        }
    }
    /// Upvalue `i` (from 1) of the running native function.
    #[inline]
    pub fn upvalue(self, i: usize) -> Value {
        unsafe {
            let f = *(*(*self.thread()).ci).func;
            if f.t == tag::NATIVE_FN && i.wrapping_sub(1) < (*f.as_native_fn()).h.aux32 as usize {
                *crate::object::NativeClosure::upval(f.as_native_fn(), i - 1)
            } else {
                Value::NIL
            }
        }
    }
    /// Sets upvalue `i` (from 1) of the running native function.
    pub fn set_upvalue(self, i: usize, v: Value) {
        unsafe {
            let f = *(*(*self.thread()).ci).func;
            if f.t == tag::NATIVE_FN && i.wrapping_sub(1) < (*f.as_native_fn()).h.aux32 as usize {
                crate::closure::set_native_upvalue(self.global(), f.as_native_fn(), i - 1, v);
            }
        }
    }
    /// Runs a collector step when the debt asks for one. Everything alive must be reachable from the stack.
    #[inline(always)]
    pub fn check_gc(self) {
        unsafe {
            if crate::heap::gc_due(self.global()) {
                crate::poll::gc_step(self);
            }
        }
    }

    // ---- creating objects (may fail with "not enough memory"; never collect)
    /// A string with the given bytes; short ones are interned.
    #[inline]
    pub fn new_str(self, b: &[u8]) -> LResult<*mut Str> {
        unsafe { crate::string::new(self.global(), b) }.or_raise(self)
    }
    /// An uninitialised long or short string of `n` bytes filled by `f`, without a copy for long ones.
    pub fn new_str_with(self, n: usize, f: impl FnOnce(&mut [u8])) -> LResult<*mut Str> {
        unsafe { crate::string::new_with(self.global(), n, f) }.or_raise(self)
    }
    /// An empty table with room for elements and string fields.
    #[inline]
    pub fn new_table(self, narray: usize, nfields: usize) -> LResult<*mut Table> {
        unsafe { crate::table::new(self.global(), narray, nfields) }.or_raise(self)
    }
    /// A native function value.
    pub fn new_native(self, f: NativeFn, upvalues: &[Value]) -> LResult<Value> {
        let code = crate::native::entry::stub_native();
        let f = unsafe { crate::closure::new_native(self.global(), f, code, upvalues) }
            .or_raise(self)?;
        Ok(Value {
            p: f as u64,
            t: tag::NATIVE_FN,
        })
    }
    /// A userdata with `size` zeroed bytes and nil user values.
    pub fn new_userdata(self, size: usize, user_values: u32) -> LResult<*mut Userdata> {
        unsafe { crate::userdata::new(self.global(), size, user_values) }.or_raise(self)
    }
    /// A new coroutine with an empty stack, sharing globals and registry; inherits the hook.
    pub fn new_thread(self) -> LResult<*mut Thread> {
        crate::state::new_thread(self)
    }
    /// `new_str` and push.
    #[inline]
    pub fn push_bytes(self, b: &[u8]) -> LResult<()> {
        let s = self.new_str(b)?;
        self.push(unsafe { Value::str(s) });
        Ok(())
    }
    /// `new_str` and push.
    #[inline]
    pub fn push_str(self, s: &str) -> LResult<()> {
        self.push_bytes(s.as_bytes())
    }

    // ---- conversions without metamethods (lua_tointegerx, lua_tonumberx: strings convert)
    /// Integer of an integer, an integral float, or a string that reads as one.
    #[inline]
    pub fn to_int(self, v: Value) -> Option<i64> {
        meta::to_int(v)
    }
    /// Number of a number or a numeric string.
    #[inline]
    pub fn to_number(self, v: Value) -> Option<f64> {
        meta::to_number(v)
    }
    /// Integer of an integer or an integral float only (no strings).
    #[inline]
    pub fn to_int_strict(self, v: Value) -> Option<i64> {
        meta::to_int_strict(v)
    }
    /// Text of a number as Lua prints it ("%d", "%.14g" with ".0" added when it looks like an integer).
    pub fn number_to_bytes(self, v: Value) -> Vec<u8> {
        crate::numfmt::format(v).as_bytes().to_vec()
    }

    // ---- tables
    /// Without metamethods.
    #[inline]
    pub fn raw_get(self, t: *mut Table, k: Value) -> Value {
        unsafe { crate::table::get(t, k) }
    }
    /// Raises for nil and NaN keys.
    pub fn raw_set(self, t: *mut Table, k: Value, v: Value) -> LResult<()> {
        unsafe { crate::table::set(self.global(), t, k, v) }.or_raise(self)
    }
    /// Without metamethods.
    #[inline]
    pub fn raw_get_int(self, t: *mut Table, i: i64) -> Value {
        unsafe { crate::table::get_int(t, i) }
    }
    /// Without metamethods.
    #[inline]
    pub fn raw_set_int(self, t: *mut Table, i: i64, v: Value) -> LResult<()> {
        unsafe { crate::table::set_int(self.global(), t, i, v) }.or_raise(self)
    }
    /// Without metamethods.
    pub fn raw_get_str(self, t: *mut Table, k: &str) -> Value {
        match unsafe { crate::string::new(self.global(), k.as_bytes()) } {
            Ok(s) => unsafe { crate::table::get_str(t, s) },
            Err(_) => Value::NIL,
        }
    }
    /// Without metamethods.
    pub fn raw_set_str(self, t: *mut Table, k: &str, v: Value) -> LResult<()> {
        let s = self.new_str(k.as_bytes())?;
        unsafe { crate::table::set_str(self.global(), t, s, v) }.or_raise(self)
    }
    /// Primitive length (border) of a table.
    #[inline]
    pub fn raw_len(self, t: *mut Table) -> i64 {
        unsafe { crate::table::len(t) }
    }
    /// Next pair after key `k` (nil: first). `None` at the end; raises "invalid key to 'next'".
    pub fn raw_next(self, t: *mut Table, k: Value) -> LResult<Option<(Value, Value)>> {
        match unsafe { crate::table::next(t, k) } {
            Ok(r) => Ok(r),
            Err(_) => Err(raise::run_error(self, b"invalid key to 'next'")),
        }
    }
    /// With metamethods; `o` may be any value.
    pub fn get_table(self, o: Value, k: Value) -> LResult<Value> {
        meta::index(self, o, k)
    }
    /// With metamethods; `o` may be any value.
    pub fn set_table(self, o: Value, k: Value, v: Value) -> LResult<()> {
        meta::set_index(self, o, k, v)
    }
    /// lua_geti.
    pub fn get_int(self, o: Value, i: i64) -> LResult<Value> {
        if o.is_table() {
            let v = unsafe { crate::table::get_int(o.as_table(), i) };
            if !v.is_nil() {
                return Ok(v);
            }
        }
        meta::index(self, o, Value::int(i))
    }
    /// lua_seti.
    pub fn set_int(self, o: Value, i: i64, v: Value) -> LResult<()> {
        if o.is_table() && unsafe { (*o.as_table()).metatable.is_null() } {
            return self.raw_set_int(o.as_table(), i, v);
        }
        meta::set_index(self, o, Value::int(i), v)
    }
    /// lua_getfield.
    pub fn get_field(self, o: Value, k: &str) -> LResult<Value> {
        let s = self.new_str(k.as_bytes())?;
        meta::index(self, o, unsafe { Value::str(s) })
    }
    /// lua_setfield.
    pub fn set_field(self, o: Value, k: &str, v: Value) -> LResult<()> {
        let s = self.new_str(k.as_bytes())?;
        meta::set_index(self, o, unsafe { Value::str(s) }, v)
    }
    /// lua_len: length value with __len.
    pub fn len_value(self, o: Value) -> LResult<Value> {
        meta::len(self, o)
    }
    /// The metatable, or null.
    #[inline]
    pub fn metatable_of(self, v: Value) -> *mut Table {
        unsafe { meta::metatable(self.thread(), v) }
    }
    /// lua_setmetatable for any value (tables, userdata, or a basic type); `mt` may be null. Registers finalizers.
    pub fn set_metatable(self, v: Value, mt: *mut Table) -> LResult<()> {
        unsafe {
            let g = self.global();
            match v.t {
                tag::TABLE => {
                    crate::table::set_metatable(g, v.as_table(), mt).or_raise(self)?;
                    crate::heap::check_finalizer(g, v.as_obj(), mt).or_raise(self)
                }
                tag::USERDATA => {
                    crate::userdata::set_metatable(g, v.as_userdata(), mt).or_raise(self)?;
                    crate::heap::check_finalizer(g, v.as_obj(), mt).or_raise(self)
                }
                _ => {
                    if !mt.is_null() {
                        crate::table::make_private(g, mt).or_raise(self)?;
                    }
                    (*g).metatables[meta::basic_type(v.t)] = mt;
                    (*g).epoch = (*g).epoch.wrapping_add(1);
                    Ok(())
                }
            }
        }
    }
    /// The registry table.
    pub fn registry(self) -> *mut Table {
        unsafe { (*(*self.thread()).global).registry.as_table() }
    }
    /// The table of globals.
    pub fn globals(self) -> *mut Table {
        unsafe { (*(*self.thread()).global).globals }
    }

    // ---- operators with metamethods
    /// Primitive equality.
    #[inline]
    pub fn raw_equals(self, a: Value, b: Value) -> bool {
        meta::raw_equals(a, b)
    }
    /// `a == b`.
    pub fn equals(self, a: Value, b: Value) -> LResult<bool> {
        meta::equals(self, a, b)
    }
    /// `a < b`.
    pub fn less_than(self, a: Value, b: Value) -> LResult<bool> {
        meta::less_than(self, a, b)
    }
    /// `a <= b`.
    pub fn less_equal(self, a: Value, b: Value) -> LResult<bool> {
        meta::less_equal(self, a, b)
    }
    /// lua_arith for any arithmetic, bitwise or unary event (for unary ones `b == a`).
    pub fn arith(self, ev: Event, a: Value, b: Value) -> LResult<Value> {
        meta::arith(self, ev, a, b, VarRef::None, VarRef::None)
    }
    /// lua_concat of the top `n` values, replacing them by the result.
    pub fn concat(self, n: i32) -> LResult<()> {
        if n <= 0 {
            return self.push_bytes(b"");
        }
        unsafe { meta::concat(self, n as usize) }
    }

    // ---- calls
    /// lua_call: function and `nargs` arguments on the stack, replaced by results (`nresults` -1: all).
    pub fn call(self, nargs: i32, nresults: i32) -> LResult<()> {
        unsafe {
            let th = self.thread();
            let func = (*th).top.sub(nargs as usize + 1);
            call::call_value(self, func, nresults)?;
            call::adjust_results(th, nresults);
            Ok(())
        }
    }
    /// The same, but yields inside are refused ("attempt to yield across a C-call boundary"): for callbacks of sort, gsub, load readers and the like.
    pub fn call_no_yield(self, nargs: i32, nresults: i32) -> LResult<()> {
        unsafe {
            let th = self.thread();
            let func = (*th).top.sub(nargs as usize + 1);
            call::call_no_yield(self, func, nresults)?;
            call::adjust_results(th, nresults);
            Ok(())
        }
    }
    /// [`Lua::call_no_yield`] for one result, popped.
    #[inline]
    pub fn call_back(self, nargs: i32) -> LResult<Value> {
        // SAFETY: the function and its arguments are on top.
        unsafe { call::call_back(self, (*self.thread()).top.sub(nargs as usize + 1)) }
    }
    /// lua_pcall: on error the function and arguments are replaced by the error value; `handler` is a stack index or 0.
    pub fn pcall(self, nargs: i32, nresults: i32, handler: i32) -> Status {
        self.protected_call(nargs, nresults, handler, false)
    }
    /// lua_pcallk with a continuation: what `pcall` and `xpcall` do.
    pub fn pcall_yieldable(self, nargs: i32, nresults: i32, handler: i32) -> Status {
        self.protected_call(nargs, nresults, handler, self.is_yieldable())
    }
    fn protected_call(self, nargs: i32, nresults: i32, handler: i32, yieldable: bool) -> Status {
        unsafe {
            let th = self.thread();
            let ef = if handler == 0 {
                0
            } else {
                let slot = (*(*th).ci).func.add(self.abs_index(handler) as usize);
                slot.offset_from((*th).stack) as usize
            };
            let func = (*th).top.sub(nargs as usize + 1);
            let old_top = func.offset_from((*th).stack) as usize;
            let st = call::protected(self, old_top, ef, yieldable, |l| {
                let func = (*l.thread()).stack.add(old_top);
                call::call_value(l, func, nresults)
            });
            if st == Status::Ok {
                call::adjust_results(th, nresults);
            }
            st
        }
    }
    /// Loads source text or a binary chunk (mode "b", "t" or "bt"), pushing the function with its first upvalue set to the globals, or the message.
    pub fn load(self, chunk: &[u8], chunkname: &[u8], mode: &str) -> Status {
        load::load(self, chunk, chunkname, mode)
    }
    /// Raises the given value as it is (lua_error).
    pub fn throw(self, v: Value) -> crate::error::Raise {
        raise::throw_value(self, v)
    }
}
