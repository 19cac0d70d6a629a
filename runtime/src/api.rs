//! What library functions are written against: methods on [`Lua`], close to the reference's C API in names and messages.
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

use crate::error::{LResult, Raise};
use crate::object::{NativeFn, Str, Table, Userdata};
use crate::thread::Lua;
use crate::value::Value;

/// A table of library functions: name and function (`None`: a placeholder field set to false).
pub type Reg = &'static [(&'static str, NativeFn)];

#[allow(unused_variables)]
impl Lua {
    // ---- frame: arguments, pushing, popping
    /// Number of values in the frame (arguments plus pushed values).
    pub fn top(self) -> i32 {
        todo!()
    }
    /// Sets the number of values in the frame, filling with nil.
    pub fn set_top(self, n: i32) {
        todo!()
    }
    /// Value at index `i`: 1 is the first argument, -1 the last pushed value; nil when beyond the top.
    pub fn arg(self, i: i32) -> Value {
        todo!()
    }
    /// Replaces the value at `i` (must exist).
    pub fn set_arg(self, i: i32, v: Value) {
        todo!()
    }
    /// True when there is no argument `i`.
    pub fn is_none(self, i: i32) -> bool {
        todo!()
    }
    pub fn is_none_or_nil(self, i: i32) -> bool {
        todo!()
    }
    /// Pushes a value; a native function may push MIN_STACK (20) values, more after `ensure_stack`.
    pub fn push(self, v: Value) {
        todo!()
    }
    pub fn pop(self, n: i32) {
        todo!()
    }
    /// Pops and returns the top value.
    pub fn pop_value(self) -> Value {
        todo!()
    }
    /// As lua_insert/lua_remove/lua_rotate.
    pub fn insert(self, i: i32) {
        todo!()
    }
    pub fn remove(self, i: i32) {
        todo!()
    }
    pub fn rotate(self, i: i32, n: i32) {
        todo!()
    }
    /// lua_checkstack: false when the stack cannot grow by `n`.
    pub fn grow_stack(self, n: i32) -> bool {
        todo!()
    }
    /// luaL_checkstack: raises "stack overflow (msg)".
    pub fn ensure_stack(self, n: i32, msg: &str) -> LResult<()> {
        todo!()
    }
    /// Upvalue `i` (from 1) of the running native function.
    pub fn upvalue(self, i: usize) -> Value {
        todo!()
    }
    pub fn set_upvalue(self, i: usize, v: Value) {
        todo!()
    }

    // ---- creating objects (may fail with "not enough memory"; never collect)
    pub fn new_str(self, b: &[u8]) -> LResult<*mut Str> {
        todo!()
    }
    /// An uninitialised long or short string of `n` bytes filled by `f`, without a copy for long ones.
    pub fn new_str_with(self, n: usize, f: impl FnOnce(&mut [u8])) -> LResult<*mut Str> {
        todo!()
    }
    pub fn new_table(self, narray: usize, nfields: usize) -> LResult<*mut Table> {
        todo!()
    }
    pub fn new_native(self, f: NativeFn, upvalues: &[Value]) -> LResult<Value> {
        todo!()
    }
    pub fn new_userdata(self, size: usize, user_values: u32) -> LResult<*mut Userdata> {
        todo!()
    }
    /// `new_str` and push.
    pub fn push_bytes(self, b: &[u8]) -> LResult<()> {
        todo!()
    }
    pub fn push_str(self, s: &str) -> LResult<()> {
        self.push_bytes(s.as_bytes())
    }
    /// Runs a collector step when the debt asks for one. Everything alive must be reachable from the stack.
    pub fn check_gc(self) {
        todo!()
    }

    // ---- errors (all return the proof of a raised error: `return Err(l.error(...))`)
    /// luaL_error: position of the caller of the running function (level 1) and the message.
    pub fn error(self, msg: &str) -> Raise {
        todo!()
    }
    pub fn error_bytes(self, msg: &[u8]) -> Raise {
        todo!()
    }
    /// Raises the given value as it is.
    pub fn throw(self, v: Value) -> Raise {
        todo!()
    }
    /// luaL_argerror: "bad argument #i to 'f' (msg)", methods adjusted.
    pub fn arg_error(self, i: i32, msg: &str) -> Raise {
        todo!()
    }
    /// luaL_typeerror: "tname expected, got xxx".
    pub fn type_error(self, i: i32, tname: &str) -> Raise {
        todo!()
    }
    /// luaL_where text ("file:line: " or empty).
    pub fn where_(self, level: i32) -> Vec<u8> {
        todo!()
    }

    // ---- checked arguments (luaL_check*, luaL_opt*)
    pub fn check_any(self, i: i32) -> LResult<()> {
        todo!()
    }
    pub fn check_int(self, i: i32) -> LResult<i64> {
        todo!()
    }
    pub fn opt_int(self, i: i32, def: i64) -> LResult<i64> {
        todo!()
    }
    pub fn check_number(self, i: i32) -> LResult<f64> {
        todo!()
    }
    pub fn opt_number(self, i: i32, def: f64) -> LResult<f64> {
        todo!()
    }
    /// Bytes of a string argument; numbers are converted in place, as luaL_checklstring does. Valid while the value stays in its slot.
    pub fn check_bytes<'a>(self, i: i32) -> LResult<&'a [u8]> {
        todo!()
    }
    pub fn opt_bytes<'a>(self, i: i32) -> LResult<Option<&'a [u8]>> {
        todo!()
    }
    pub fn check_table(self, i: i32) -> LResult<*mut Table> {
        todo!()
    }
    /// luaL_checkoption; `def` is used when the argument is absent.
    pub fn check_option(self, i: i32, def: Option<&str>, options: &[&str]) -> LResult<usize> {
        todo!()
    }
    /// luaL_checktype by type name ("function", "table", ...).
    pub fn check_type(self, i: i32, tname: &str) -> LResult<()> {
        todo!()
    }
    /// luaL_checkudata: userdata whose metatable is registry[tname].
    pub fn check_udata(self, i: i32, tname: &str) -> LResult<*mut Userdata> {
        todo!()
    }
    /// luaL_testudata.
    pub fn test_udata(self, i: i32, tname: &str) -> Option<*mut Userdata> {
        todo!()
    }
    /// luaL_newmetatable: registry[tname]; true when it was created now (with __name set).
    pub fn new_metatable(self, tname: &str) -> LResult<(*mut Table, bool)> {
        todo!()
    }

    // ---- conversions without metamethods (lua_tointegerx, lua_tonumberx: strings convert)
    pub fn to_int(self, v: Value) -> Option<i64> {
        todo!()
    }
    pub fn to_number(self, v: Value) -> Option<f64> {
        todo!()
    }
    /// Integer of an integer or an integral float only (no strings).
    pub fn to_int_strict(self, v: Value) -> Option<i64> {
        todo!()
    }
    /// Text of a number as Lua prints it ("%d", "%.14g" with ".0" added when it looks like an integer).
    pub fn number_to_bytes(self, v: Value) -> Vec<u8> {
        todo!()
    }
    /// luaL_tolstring: honours __tostring and __name; can run Lua. The result is a string value, not pushed.
    pub fn tostring(self, v: Value) -> LResult<Value> {
        todo!()
    }
    /// luaL_typename including __name? No: plain type name of argument `i` ("no value" when absent).
    pub fn type_name(self, i: i32) -> &'static str {
        todo!()
    }

    // ---- tables
    pub fn raw_get(self, t: *mut Table, k: Value) -> Value {
        todo!()
    }
    /// Raises for nil and NaN keys.
    pub fn raw_set(self, t: *mut Table, k: Value, v: Value) -> LResult<()> {
        todo!()
    }
    pub fn raw_get_int(self, t: *mut Table, i: i64) -> Value {
        todo!()
    }
    pub fn raw_set_int(self, t: *mut Table, i: i64, v: Value) -> LResult<()> {
        todo!()
    }
    pub fn raw_get_str(self, t: *mut Table, k: &str) -> Value {
        todo!()
    }
    pub fn raw_set_str(self, t: *mut Table, k: &str, v: Value) -> LResult<()> {
        todo!()
    }
    /// Primitive length (border) of a table.
    pub fn raw_len(self, t: *mut Table) -> i64 {
        todo!()
    }
    /// Next pair after key `k` (nil: first). `None` at the end; raises "invalid key to 'next'".
    pub fn raw_next(self, t: *mut Table, k: Value) -> LResult<Option<(Value, Value)>> {
        todo!()
    }
    /// With metamethods; `o` may be any value.
    pub fn get_table(self, o: Value, k: Value) -> LResult<Value> {
        todo!()
    }
    pub fn set_table(self, o: Value, k: Value, v: Value) -> LResult<()> {
        todo!()
    }
    pub fn get_int(self, o: Value, i: i64) -> LResult<Value> {
        todo!()
    }
    pub fn set_int(self, o: Value, i: i64, v: Value) -> LResult<()> {
        todo!()
    }
    pub fn get_field(self, o: Value, k: &str) -> LResult<Value> {
        todo!()
    }
    pub fn set_field(self, o: Value, k: &str, v: Value) -> LResult<()> {
        todo!()
    }
    /// luaL_len: length with __len, must be an integer.
    pub fn len(self, o: Value) -> LResult<i64> {
        todo!()
    }
    /// lua_len: length value with __len.
    pub fn len_value(self, o: Value) -> LResult<Value> {
        todo!()
    }
    pub fn metatable_of(self, v: Value) -> *mut Table {
        todo!()
    }
    /// lua_setmetatable for any value (tables, userdata, or a basic type); `mt` may be null. Registers finalizers.
    pub fn set_metatable(self, v: Value, mt: *mut Table) -> LResult<()> {
        todo!()
    }
    /// luaL_getmetafield: nil when absent.
    pub fn metafield(self, v: Value, name: &str) -> Value {
        todo!()
    }
    pub fn registry(self) -> *mut Table {
        todo!()
    }
    pub fn globals(self) -> *mut Table {
        todo!()
    }

    // ---- operators with metamethods
    pub fn raw_equals(self, a: Value, b: Value) -> bool {
        todo!()
    }
    pub fn equals(self, a: Value, b: Value) -> LResult<bool> {
        todo!()
    }
    pub fn less_than(self, a: Value, b: Value) -> LResult<bool> {
        todo!()
    }
    pub fn less_equal(self, a: Value, b: Value) -> LResult<bool> {
        todo!()
    }
    /// lua_arith for any arithmetic, bitwise or unary event (for unary ones `b == a`).
    pub fn arith(
        self,
        ev: trinity_frontend::bytecode::Event,
        a: Value,
        b: Value,
    ) -> LResult<Value> {
        todo!()
    }
    /// lua_concat of the top `n` values, replacing them by the result.
    pub fn concat(self, n: i32) -> LResult<()> {
        todo!()
    }

    // ---- calls
    /// lua_call: function and `nargs` arguments on the stack, replaced by results (`nresults` -1: all).
    pub fn call(self, nargs: i32, nresults: i32) -> LResult<()> {
        todo!()
    }
    /// The same, but yields inside are refused ("attempt to yield across a C-call boundary"): for callbacks of sort, gsub, load readers and the like.
    pub fn call_no_yield(self, nargs: i32, nresults: i32) -> LResult<()> {
        todo!()
    }
    /// lua_pcall: on error the function and arguments are replaced by the error value; `handler` is a stack index or 0.
    pub fn pcall(self, nargs: i32, nresults: i32, handler: i32) -> crate::error::Status {
        todo!()
    }
    /// Loads source text or a binary chunk (mode "b", "t" or "bt"), pushing the function with its first upvalue set to the globals, or the message.
    pub fn load(self, chunk: &[u8], chunkname: &[u8], mode: &str) -> crate::error::Status {
        todo!()
    }

    // ---- registration
    /// luaL_setfuncs into `t`.
    pub fn set_funcs(self, t: *mut Table, funcs: Reg) -> LResult<()> {
        todo!()
    }
    /// luaL_requiref: stores the library table in package.loaded[name] and, when `global`, as a global.
    pub fn require_lib(
        self,
        name: &str,
        open: fn(Lua) -> LResult<*mut Table>,
        global: bool,
    ) -> LResult<()> {
        todo!()
    }
    /// luaL_getsubtable: t[name], created when absent.
    pub fn subtable(self, t: *mut Table, name: &str) -> LResult<*mut Table> {
        todo!()
    }
    /// luaL_traceback text for `l1`, as seen from this thread.
    pub fn traceback(self, l1: Lua, msg: Option<&[u8]>, level: i32) -> Vec<u8> {
        todo!()
    }
    /// lua_warning.
    pub fn warning(self, msg: &[u8], to_cont: bool) {
        todo!()
    }
}
