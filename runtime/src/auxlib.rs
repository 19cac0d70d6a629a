//! The part of the library-writer's API that the reference keeps in lauxlib: messages with positions, checked arguments, conversions
//! with metamethods, registration. Rules and SAFETY statement: see `api.rs`.

use crate::api::Reg;
use crate::debug::info;
use crate::error::{LResult, Raise};
use crate::object::{Str, Table, Userdata};
use crate::thread::Lua;
use crate::value::{Value, tag};
use crate::{meta, raise};

impl Lua {
    // ---- errors (all return the proof of a raised error: `return Err(l.error(...))`)
    /// luaL_error: position of the caller of the running function (level 1) and the message.
    #[cold]
    pub fn error(self, msg: &str) -> Raise {
        self.error_bytes(msg.as_bytes())
    }
    /// luaL_error for messages that are not UTF-8.
    #[cold]
    pub fn error_bytes(self, msg: &[u8]) -> Raise {
        let mut text = self.where_(1);
        text.extend_from_slice(msg);
        raise::throw_message(self, &text)
    }
    /// luaL_argerror: "bad argument #i to 'f' (msg)", methods adjusted.
    #[cold]
    pub fn arg_error(self, i: i32, msg: &str) -> Raise {
        self.arg_error_bytes(i, msg.as_bytes())
    }
    /// luaL_argerror for messages that are not UTF-8.
    #[cold]
    pub fn arg_error_bytes(self, i: i32, msg: &[u8]) -> Raise {
        let mut i = i;
        let Some(frame) = info::at_level(self, 0) else {
            let mut text = format!("bad argument #{i} (").into_bytes();
            text.extend_from_slice(msg);
            text.push(b')');
            return self.error_bytes(&text);
        };
        let caller = info::at_level(self, 1);
        let name = match info::frame_name(&frame, caller.as_ref()) {
            Some(n) => {
                if n.kind == "method" {
                    i -= 1;
                    if i == 0 {
                        let text = [b"calling '", n.name, b"' on bad self (", msg, b")"].concat();
                        return self.error_bytes(&text);
                    }
                }
                n.name.to_vec()
            }
            None => info::global_name(self, frame.func()).unwrap_or_else(|| b"?".to_vec()),
        };
        let mut text = format!("bad argument #{i} to '").into_bytes();
        text.extend_from_slice(&name);
        text.extend_from_slice(b"' (");
        text.extend_from_slice(msg);
        text.push(b')');
        self.error_bytes(&text)
    }
    /// luaL_typeerror: "tname expected, got xxx".
    #[cold]
    pub fn type_error(self, i: i32, tname: &str) -> Raise {
        let v = self.arg(i);
        let name = self.metafield(v, "__name");
        let mut text = format!("{tname} expected, got ").into_bytes();
        if name.is_string() {
            text.extend_from_slice(crate::string::c_part(unsafe { Str::bytes(name.as_str()) }));
        } else if v.t == tag::LIGHT {
            text.extend_from_slice(b"light userdata");
        } else {
            text.extend_from_slice(self.type_name(i).as_bytes());
        }
        self.arg_error_bytes(i, &text)
    }
    /// luaL_where text ("file:line: " or empty).
    pub fn where_(self, level: i32) -> Vec<u8> {
        info::at_level(self, level).map_or_else(Vec::new, |f| info::position(&f))
    }

    // ---- checked arguments (luaL_check*, luaL_opt*)
    /// Raises when argument `i` is absent.
    #[inline]
    pub fn check_any(self, i: i32) -> LResult<()> {
        if self.is_none(i) {
            Err(self.arg_error(i, "value expected"))
        } else {
            Ok(())
        }
    }
    /// luaL_checkinteger.
    #[inline]
    pub fn check_int(self, i: i32) -> LResult<i64> {
        let v = self.arg(i);
        if v.is_int() {
            Ok(v.as_int())
        } else {
            self.check_int_slow(i, v)
        }
    }
    #[cold]
    fn check_int_slow(self, i: i32, v: Value) -> LResult<i64> {
        match meta::to_int(v) {
            Some(n) => Ok(n),
            None if meta::to_number(v).is_some() => {
                Err(self.arg_error(i, "number has no integer representation"))
            }
            None => Err(self.type_error(i, "number")),
        }
    }
    /// luaL_optinteger.
    #[inline]
    pub fn opt_int(self, i: i32, def: i64) -> LResult<i64> {
        if self.is_none_or_nil(i) {
            Ok(def)
        } else {
            self.check_int(i)
        }
    }
    /// luaL_checknumber.
    #[inline]
    pub fn check_number(self, i: i32) -> LResult<f64> {
        let v = self.arg(i);
        if v.is_float() {
            return Ok(v.as_float());
        }
        match meta::to_number(v) {
            Some(n) => Ok(n),
            None => Err(self.type_error(i, "number")),
        }
    }
    /// luaL_optnumber.
    #[inline]
    pub fn opt_number(self, i: i32, def: f64) -> LResult<f64> {
        if self.is_none_or_nil(i) {
            Ok(def)
        } else {
            self.check_number(i)
        }
    }
    /// Bytes of a string argument; numbers are converted in place, as luaL_checklstring does. Valid while the value stays in its slot.
    #[inline]
    pub fn check_bytes<'a>(self, i: i32) -> LResult<&'a [u8]> {
        let v = self.arg(i);
        if v.is_string() {
            Ok(unsafe { Str::bytes(v.as_str()) })
        } else {
            self.check_bytes_slow(i, v)
        }
    }
    #[cold]
    fn check_bytes_slow<'a>(self, i: i32, v: Value) -> LResult<&'a [u8]> {
        if !v.is_number() {
            return Err(self.type_error(i, "string"));
        }
        let s = meta::number_to_str(self, v)?;
        self.set_arg(i, unsafe { Value::str(s) });
        Ok(unsafe { Str::bytes(s) })
    }
    /// luaL_optlstring.
    #[inline]
    pub fn opt_bytes<'a>(self, i: i32) -> LResult<Option<&'a [u8]>> {
        if self.is_none_or_nil(i) {
            Ok(None)
        } else {
            self.check_bytes(i).map(Some)
        }
    }
    /// The argument, which must be a table.
    #[inline]
    pub fn check_table(self, i: i32) -> LResult<*mut Table> {
        let v = self.arg(i);
        if v.is_table() {
            Ok(v.as_table())
        } else {
            Err(self.type_error(i, "table"))
        }
    }
    /// luaL_checkoption; `def` is used when the argument is absent.
    pub fn check_option(self, i: i32, def: Option<&str>, options: &[&str]) -> LResult<usize> {
        let name: &[u8] = match def {
            Some(d) if self.is_none_or_nil(i) => d.as_bytes(),
            _ => self.check_bytes(i)?,
        };
        match options.iter().position(|o| o.as_bytes() == name) {
            Some(n) => Ok(n),
            None => {
                let mut text = b"invalid option '".to_vec();
                text.extend_from_slice(name);
                text.push(b'\'');
                Err(self.arg_error_bytes(i, &text))
            }
        }
    }
    /// luaL_checktype by type name ("function", "table", ...).
    #[inline]
    pub fn check_type(self, i: i32, tname: &str) -> LResult<()> {
        if self.type_name(i) == tname {
            Ok(())
        } else {
            Err(self.type_error(i, tname))
        }
    }
    /// luaL_checkudata: userdata whose metatable is `registry[tname]`.
    pub fn check_udata(self, i: i32, tname: &str) -> LResult<*mut Userdata> {
        self.test_udata(i, tname)
            .ok_or_else(|| self.type_error(i, tname))
    }
    /// luaL_testudata.
    pub fn test_udata(self, i: i32, tname: &str) -> Option<*mut Userdata> {
        let v = self.arg(i);
        if v.t != tag::USERDATA {
            return None;
        }
        let mt = unsafe { (*v.as_userdata()).metatable };
        let want = self.raw_get_str(self.registry(), tname);
        (want.is_table() && !mt.is_null() && want.as_table() == mt).then(|| v.as_userdata())
    }
    /// luaL_newmetatable: `registry[tname]`; true when it was created now (with __name set).
    pub fn new_metatable(self, tname: &str) -> LResult<(*mut Table, bool)> {
        let old = self.raw_get_str(self.registry(), tname);
        if old.is_table() {
            return Ok((old.as_table(), false));
        }
        let t = self.new_table(0, 2)?;
        self.raw_set_str(self.registry(), tname, Value::table(t))?;
        let name = self.new_str(tname.as_bytes())?;
        self.raw_set_str(t, "__name", unsafe { Value::str(name) })?;
        Ok((t, true))
    }

    // ---- conversions and inspection
    /// luaL_tolstring: honours __tostring and __name; can run Lua. The result is a string value, not pushed.
    pub fn tostring(self, v: Value) -> LResult<Value> {
        meta::tostring(self, v)
    }
    /// luaL_typename: plain type name of argument `i` ("no value" when absent).
    pub fn type_name(self, i: i32) -> &'static str {
        if self.is_none(i) {
            "no value"
        } else {
            self.arg(i).type_name()
        }
    }
    /// luaL_getmetafield: nil when absent.
    pub fn metafield(self, v: Value, name: &str) -> Value {
        let mt = self.metatable_of(v);
        if mt.is_null() {
            Value::NIL
        } else {
            self.raw_get_str(mt, name)
        }
    }
    /// luaL_len: length with __len, must be an integer.
    pub fn len(self, o: Value) -> LResult<i64> {
        if o.is_table() && unsafe { (*o.as_table()).metatable.is_null() } {
            return Ok(self.raw_len(o.as_table()));
        }
        let v = meta::len(self, o)?;
        meta::to_int(v).ok_or_else(|| self.error("object length is not an integer"))
    }
    /// luaL_checkstack: raises "stack overflow (msg)".
    pub fn ensure_stack(self, n: i32, msg: &str) -> LResult<()> {
        if self.grow_stack(n) {
            Ok(())
        } else if msg.is_empty() {
            Err(self.error("stack overflow"))
        } else {
            Err(self.error(&format!("stack overflow ({msg})")))
        }
    }

    // ---- registration
    /// luaL_setfuncs into `t`.
    pub fn set_funcs(self, t: *mut Table, funcs: Reg) -> LResult<()> {
        for (name, f) in funcs {
            let v = self.new_native(*f, &[])?;
            self.raw_set_str(t, name, v)?;
        }
        Ok(())
    }
    /// luaL_requiref: stores the library table in `package.loaded[name]` and, when `global`, as a global.
    pub fn require_lib(
        self,
        name: &str,
        open: fn(Lua) -> LResult<*mut Table>,
        global: bool,
    ) -> LResult<()> {
        let loaded = self.subtable(self.registry(), "_LOADED")?;
        let old = self.raw_get_str(loaded, name);
        let module = if old.truthy() {
            old
        } else {
            let v = Value::table(open(self)?);
            self.raw_set_str(loaded, name, v)?;
            v
        };
        if global {
            self.raw_set_str(self.globals(), name, module)?;
        }
        Ok(())
    }
    /// luaL_getsubtable: `t[name]`, created when absent.
    pub fn subtable(self, t: *mut Table, name: &str) -> LResult<*mut Table> {
        let v = self.raw_get_str(t, name);
        if v.is_table() {
            return Ok(v.as_table());
        }
        let s = self.new_table(0, 0)?;
        self.raw_set_str(t, name, Value::table(s))?;
        Ok(s)
    }
    /// luaL_traceback text for `l1`, as seen from this thread.
    pub fn traceback(self, l1: Lua, msg: Option<&[u8]>, level: i32) -> Vec<u8> {
        crate::debug::traceback::traceback(self, l1, msg, level)
    }
    /// lua_warning.
    pub fn warning(self, msg: &[u8], to_cont: bool) {
        crate::warn::warning(self, msg, to_cont);
    }
}
