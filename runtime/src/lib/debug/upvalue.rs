//! Upvalues of the debug library. Native functions have them too, without names.

use crate::error::LResult;
use crate::object::{LuaClosure, NativeClosure};
use crate::thread::Lua;
use crate::value::{Value, tag};

/// An upvalue of a function.
enum Upvalue {
    /// Cell `i` (from 0) of a Lua closure.
    Lua(*mut LuaClosure, usize),
    /// Value `i` of a native closure.
    Native(*mut NativeClosure, usize),
}

impl Upvalue {
    /// Upvalue `n` (from 1) of a function value.
    fn find(f: Value, n: i64) -> Option<Upvalue> {
        let i = usize::try_from(n).ok()?.checked_sub(1)?;
        // SAFETY: the tags say what the closures are; their headers count upvalues.
        unsafe {
            match f.t {
                tag::LUA_FN if i < (*f.as_lua_fn()).h.aux32 as usize => {
                    Some(Upvalue::Lua(f.as_lua_fn(), i))
                }
                tag::NATIVE_FN if i < (*f.as_native_fn()).h.aux32 as usize => {
                    Some(Upvalue::Native(f.as_native_fn(), i))
                }
                _ => None,
            }
        }
    }
    fn name(&self) -> Vec<u8> {
        match *self {
            // SAFETY: the closure is live; descriptors are as many as cells.
            Upvalue::Lua(c, i) => unsafe {
                let upvals = &(*(*c).proto).src.upvals;
                upvals
                    .get(i)
                    .and_then(|u| u.name.as_deref())
                    .unwrap_or(b"(no name)")
                    .to_vec()
            },
            Upvalue::Native(..) => Vec::new(),
        }
    }
    fn get(&self) -> Value {
        // SAFETY: the index is in range.
        unsafe {
            match *self {
                Upvalue::Lua(c, i) => (**LuaClosure::upval(c, i)).v,
                Upvalue::Native(c, i) => *NativeClosure::upval(c, i),
            }
        }
    }
    fn set(&self, l: Lua, v: Value) {
        // SAFETY: the index is in range.
        unsafe {
            match *self {
                Upvalue::Lua(c, i) => {
                    crate::closure::set_cell(l.global(), *LuaClosure::upval(c, i), v);
                    crate::native::assume::upvalue_assigned(l, c, i);
                }
                Upvalue::Native(c, i) => crate::closure::set_native_upvalue(l.global(), c, i, v),
            }
        }
    }
    /// Address that tells upvalues apart.
    fn id(&self) -> *mut u8 {
        // SAFETY: the index is in range.
        unsafe {
            match *self {
                Upvalue::Lua(c, i) => (*LuaClosure::upval(c, i)).cast(),
                Upvalue::Native(c, i) => NativeClosure::upval(c, i).cast(),
            }
        }
    }
}

fn check_upvalue(l: Lua, func: i32, index: i32) -> LResult<Option<Upvalue>> {
    let n = l.check_int(index)?;
    l.check_type(func, "function")?;
    Ok(Upvalue::find(l.arg(func), n))
}

/// debug.getupvalue
pub fn getupvalue(l: Lua) -> LResult<u32> {
    let Some(u) = check_upvalue(l, 1, 2)? else {
        return Ok(0);
    };
    l.push_bytes(&u.name())?;
    l.push(u.get());
    Ok(2)
}

/// debug.setupvalue
pub fn setupvalue(l: Lua) -> LResult<u32> {
    crate::load::unless_closed(l, "debug.setupvalue")?;
    l.check_any(3)?;
    let Some(u) = check_upvalue(l, 1, 2)? else {
        return Ok(0);
    };
    u.set(l, l.arg(3));
    l.push_bytes(&u.name())?;
    Ok(1)
}

/// debug.upvalueid
pub fn upvalueid(l: Lua) -> LResult<u32> {
    let id = check_upvalue(l, 1, 2)?.map(|u| Value::light(u.id()));
    l.push(id.unwrap_or(Value::NIL));
    Ok(1)
}

/// debug.upvaluejoin
pub fn upvaluejoin(l: Lua) -> LResult<u32> {
    crate::load::unless_closed(l, "debug.upvaluejoin")?;
    let invalid = |i| l.arg_error(i, "invalid upvalue index");
    let a = check_upvalue(l, 1, 2)?.ok_or_else(|| invalid(2))?;
    let b = check_upvalue(l, 3, 4)?.ok_or_else(|| invalid(4))?;
    let Upvalue::Lua(c1, i1) = a else {
        return Err(l.arg_error(1, "Lua function expected"));
    };
    let Upvalue::Lua(c2, i2) = b else {
        return Err(l.arg_error(3, "Lua function expected"));
    };
    // SAFETY: both indices are in range.
    unsafe { crate::closure::set_upvalue_cell(l.global(), c1, i1, *LuaClosure::upval(c2, i2)) };
    crate::native::assume::upvalue_replaced(l, c1, i1);
    Ok(0)
}
