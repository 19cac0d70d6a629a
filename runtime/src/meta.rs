//! Operations with metamethods: the slow but complete form of everything the interpreter has a fast path for (lvm.c, ltm.c).
//!
//! Operands are copied before a metamethod runs, so callers may pass values straight from registers. A metamethod called on behalf of a
//! Lua function may yield; on behalf of a native function it may not, as in the reference.
//!
//! SAFETY of this module: handles are live, values are live, `top` of the running frame is above everything that must survive.

use crate::arith::{self, Outcome};
use crate::call;
use crate::debug::varinfo::VarRef;
use crate::error::LResult;
use crate::numfmt;
use crate::object::{Str, Table};
use crate::raise::{self, OrRaise};
use crate::table;
use crate::thread::{CallKind, Lua, Thread};
use crate::value::{Value, tag};
use trinity_frontend::bytecode::Event;

/// MAXTAGLOOP: longest chain of `__index` or `__newindex` values.
const MAX_CHAIN: usize = 2000;

/// Index into `Global::metatables` for a tag.
#[inline(always)]
pub const fn basic_type(t: u8) -> usize {
    (match t {
        tag::FALSE | tag::TRUE => tag::FALSE,
        tag::INT | tag::FLOAT => tag::INT,
        tag::SHORT_STR | tag::LONG_STR => tag::SHORT_STR,
        tag::LUA_FN | tag::NATIVE_FN => tag::LUA_FN,
        t => t & 15,
    }) as usize
}

/// The metatable of any value, or null.
///
/// # Safety
/// `th` and `v` are live.
#[inline(always)]
pub unsafe fn metatable(th: *mut Thread, v: Value) -> *mut Table {
    unsafe {
        match v.t {
            tag::TABLE => (*v.as_table()).metatable,
            tag::USERDATA => (*v.as_userdata()).metatable,
            t => (&(*(*th).global).metatables)[basic_type(t)],
        }
    }
}

/// The metamethod of a value for an event, or nil.
#[inline]
pub fn metamethod_of(l: Lua, v: Value, ev: Event) -> Value {
    unsafe {
        let mt = metatable(l.thread(), v);
        if mt.is_null() {
            Value::NIL
        } else {
            table::metamethod(l.global(), mt, ev)
        }
    }
}

/// Where on the running function's frame a stack slot is.
///
/// # Safety
/// `slot` is in the running frame or above.
pub unsafe fn stack_ref(th: *mut Thread, slot: *mut Value) -> VarRef {
    unsafe {
        let ci = (*th).ci;
        let base = match (*ci).kind {
            CallKind::Lua => (*ci).func.add(1),
            CallKind::Machine => (*ci).nbase,
            _ => return VarRef::None,
        };
        if slot >= base {
            VarRef::Reg(slot.offset_from(base) as usize)
        } else {
            VarRef::None
        }
    }
}

/// Calls a metamethod with two arguments and one result (luaT_callTMres).
pub fn call_method(l: Lua, f: Value, a: Value, b: Value) -> LResult<Value> {
    unsafe {
        let th = l.thread();
        let top = (*th).top;
        // The reserve behind the stack limit has room.
        *top = f;
        *top.add(1) = a;
        *top.add(2) = b;
        (*th).top = top.add(3);
        call_yieldable(l, top, 1)?;
        Ok(l.pop_value())
    }
}

/// Calls `func`; it may yield when the running function is a Lua function.
unsafe fn call_yieldable(l: Lua, func: *mut Value, nresults: i32) -> LResult<()> {
    unsafe {
        if matches!((*(*l.thread()).ci).kind, CallKind::Lua | CallKind::Machine) {
            call::call_value(l, func, nresults)
        } else {
            call::call_no_yield(l, func, nresults)
        }
    }
}

// ---- conversions

/// Integer of an integer or an integral float (no strings).
#[inline]
pub fn to_int_strict(v: Value) -> Option<i64> {
    arith::exact_int(v)
}

/// The number a string reads as.
#[inline]
pub fn str_to_number(s: &[u8]) -> Option<Value> {
    numfmt::str2value(s)
}

/// A number, or the number a string reads as.
#[inline]
pub fn to_numeric(v: Value) -> Option<Value> {
    if v.is_number() {
        Some(v)
    } else if v.is_string() {
        str_to_number(unsafe { Str::bytes(v.as_str()) })
    } else {
        None
    }
}

/// lua_tointegerx.
#[inline]
pub fn to_int(v: Value) -> Option<i64> {
    if v.is_int() {
        Some(v.as_int())
    } else {
        arith::exact_int(to_numeric(v)?)
    }
}

/// lua_tonumberx.
#[inline]
pub fn to_number(v: Value) -> Option<f64> {
    if v.is_float() {
        Some(v.as_float())
    } else {
        to_numeric(v).map(arith::to_float)
    }
}

/// The string of a number.
pub fn number_to_str(l: Lua, v: Value) -> LResult<*mut Str> {
    l.new_str(numfmt::format(v).as_bytes())
}

/// luaL_tolstring.
pub fn tostring(l: Lua, v: Value) -> LResult<Value> {
    let f = metamethod_of(l, v, Event::ToString);
    if !f.is_nil() {
        let r = unsafe {
            let th = l.thread();
            let top = (*th).top;
            *top = f;
            *top.add(1) = v;
            (*th).top = top.add(2);
            call::call_no_yield(l, top, 1)?;
            l.pop_value()
        };
        if r.is_string() {
            return Ok(r);
        }
        if r.is_number() {
            return Ok(unsafe { Value::str(number_to_str(l, r)?) });
        }
        return Err(l.error("'__tostring' must return a string"));
    }
    let s = match v.t {
        tag::SHORT_STR | tag::LONG_STR => return Ok(v),
        tag::INT | tag::FLOAT => number_to_str(l, v)?,
        tag::TRUE => l.new_str(b"true")?,
        tag::FALSE => l.new_str(b"false")?,
        tag::NIL => l.new_str(b"nil")?,
        _ => {
            let name = metamethod_of(l, v, Event::Name);
            let mut text = if name.is_string() {
                crate::string::c_part(unsafe { Str::bytes(name.as_str()) }).to_vec()
            } else {
                v.type_name().as_bytes().to_vec()
            };
            text.extend_from_slice(b": ");
            text.extend_from_slice(pointer_text(v).as_bytes());
            l.new_str(&text)?
        }
    };
    Ok(unsafe { Value::str(s) })
}

/// What "%p" prints for the value's address (lua_topointer); a full userdata's is that of its data.
pub fn pointer_text(v: Value) -> String {
    let p = match v.t {
        tag::USERDATA => unsafe { (*v.as_userdata()).data as u64 },
        _ => v.p,
    };
    if p == 0 {
        "(nil)".to_owned()
    } else {
        format!("{p:#x}")
    }
}

// ---- indexing

/// `o[k]`.
#[inline]
pub fn index(l: Lua, o: Value, k: Value) -> LResult<Value> {
    index_at(l, o, k, VarRef::None)
}

/// `o[k]`, naming the variable of `o` in errors.
pub fn index_at(l: Lua, o: Value, k: Value, at: VarRef) -> LResult<Value> {
    let mut o = o;
    let mut at = at;
    for _ in 0..MAX_CHAIN {
        let method;
        if o.is_table() {
            let t = o.as_table();
            unsafe {
                let v = table::get(t, k);
                if !v.is_nil() || (*t).metatable.is_null() {
                    return Ok(v);
                }
                method = table::metamethod(l.global(), (*t).metatable, Event::Index);
            }
            if method.is_nil() {
                return Ok(Value::NIL);
            }
        } else {
            method = metamethod_of(l, o, Event::Index);
            if method.is_nil() {
                return Err(raise::type_error(l, o, "index", at));
            }
        }
        if method.is_function() {
            return call_method(l, method, o, k);
        }
        o = method;
        at = VarRef::None;
    }
    Err(raise::run_error(
        l,
        b"'__index' chain too long; possible loop",
    ))
}

/// `o[k] = v`.
#[inline]
pub fn set_index(l: Lua, o: Value, k: Value, v: Value) -> LResult<()> {
    set_index_at(l, o, k, v, VarRef::None)
}

/// `o[k] = v`, naming the variable of `o` in errors.
pub fn set_index_at(l: Lua, o: Value, k: Value, v: Value, at: VarRef) -> LResult<()> {
    let mut o = o;
    let mut at = at;
    for _ in 0..MAX_CHAIN {
        let method;
        if o.is_table() {
            let t = o.as_table();
            unsafe {
                let mt = (*t).metatable;
                method = if mt.is_null() {
                    Value::NIL
                } else {
                    let m = table::metamethod(l.global(), mt, Event::NewIndex);
                    if !m.is_nil() && !table::get(t, k).is_nil() {
                        Value::NIL
                    } else {
                        m
                    }
                };
                if method.is_nil() {
                    return table::set(l.global(), t, k, v).or_raise(l);
                }
            }
        } else {
            method = metamethod_of(l, o, Event::NewIndex);
            if method.is_nil() {
                return Err(raise::type_error(l, o, "index", at));
            }
        }
        if method.is_function() {
            unsafe {
                let th = l.thread();
                let top = (*th).top;
                *top = method;
                *top.add(1) = o;
                *top.add(2) = k;
                *top.add(3) = v;
                (*th).top = top.add(4);
                return call_yieldable(l, top, 0);
            }
        }
        o = method;
        at = VarRef::None;
    }
    Err(raise::run_error(
        l,
        b"'__newindex' chain too long; possible loop",
    ))
}

/// `#o`.
pub fn len(l: Lua, o: Value) -> LResult<Value> {
    len_at(l, o, VarRef::None)
}

/// `#o`, naming the variable in errors.
pub fn len_at(l: Lua, o: Value, at: VarRef) -> LResult<Value> {
    let method = match o.t {
        tag::TABLE => {
            let t = o.as_table();
            unsafe {
                let mt = (*t).metatable;
                let m = if mt.is_null() {
                    Value::NIL
                } else {
                    table::metamethod(l.global(), mt, Event::Len)
                };
                if m.is_nil() {
                    return Ok(Value::int(table::len(t)));
                }
                m
            }
        }
        tag::SHORT_STR | tag::LONG_STR => {
            return Ok(Value::int(unsafe { (*o.as_str()).len } as i64));
        }
        _ => {
            let m = metamethod_of(l, o, Event::Len);
            if m.is_nil() {
                return Err(raise::type_error(l, o, "get length of", at));
            }
            m
        }
    };
    call_method(l, method, o, o)
}

// ---- arithmetic

/// Any arithmetic, bitwise or unary operation (for unary ones `b == a`).
pub fn arith(l: Lua, ev: Event, a: Value, b: Value, va: VarRef, vb: VarRef) -> LResult<Value> {
    if a.is_number() && b.is_number() {
        match arith::numbers(ev, a, b) {
            Outcome::Done(v) => return Ok(v),
            Outcome::DivZero => return Err(raise::run_error(l, b"attempt to divide by zero")),
            Outcome::ModZero => return Err(raise::run_error(l, b"attempt to perform 'n%0'")),
            Outcome::NotInt => {}
        }
    }
    binary_method(l, ev, a, b, va, vb)
}

/// luaT_trybinTM.
#[cold]
fn binary_method(l: Lua, ev: Event, a: Value, b: Value, va: VarRef, vb: VarRef) -> LResult<Value> {
    let mut f = metamethod_of(l, a, ev);
    if f.is_nil() {
        f = metamethod_of(l, b, ev);
    }
    if !f.is_nil() {
        return call_method(l, f, a, b);
    }
    Err(match ev {
        Event::BAnd | Event::BOr | Event::BXor | Event::Shl | Event::Shr | Event::BNot => {
            if a.is_number() && b.is_number() {
                raise::to_int_error(l, a, va, vb)
            } else {
                raise::operand_error(l, a, b, va, vb, "perform bitwise operation on")
            }
        }
        _ => raise::operand_error(l, a, b, va, vb, "perform arithmetic on"),
    })
}

// ---- comparison

/// Primitive equality.
#[inline]
pub fn raw_equals(a: Value, b: Value) -> bool {
    if a.t != b.t {
        return match (a.t, b.t) {
            (tag::INT, tag::FLOAT) => arith::float_to_int(b.as_float()) == Some(a.as_int()),
            (tag::FLOAT, tag::INT) => arith::float_to_int(a.as_float()) == Some(b.as_int()),
            _ => false,
        };
    }
    match a.t {
        tag::NIL | tag::FALSE | tag::TRUE => true,
        tag::FLOAT => a.as_float() == b.as_float(),
        tag::LONG_STR => unsafe { crate::string::equal(a.as_str(), b.as_str()) },
        _ => a.p == b.p,
    }
}

/// `a == b`.
pub fn equals(l: Lua, a: Value, b: Value) -> LResult<bool> {
    if a.t != b.t || !matches!(a.t, tag::TABLE | tag::USERDATA) {
        return Ok(raw_equals(a, b));
    }
    if a.p == b.p {
        return Ok(true);
    }
    let mut f = metamethod_of(l, a, Event::Eq);
    if f.is_nil() {
        f = metamethod_of(l, b, Event::Eq);
    }
    if f.is_nil() {
        Ok(false)
    } else {
        Ok(call_method(l, f, a, b)?.truthy())
    }
}

/// `a < b`.
#[inline]
pub fn less_than(l: Lua, a: Value, b: Value) -> LResult<bool> {
    if a.is_number() && b.is_number() {
        Ok(arith::less_than(a, b))
    } else if a.is_string() && b.is_string() {
        Ok(compare_strings(a, b).is_lt())
    } else {
        order_method(l, a, b, Event::Lt)
    }
}

/// `a <= b`.
#[inline]
pub fn less_equal(l: Lua, a: Value, b: Value) -> LResult<bool> {
    if a.is_number() && b.is_number() {
        Ok(arith::less_equal(a, b))
    } else if a.is_string() && b.is_string() {
        Ok(compare_strings(a, b).is_le())
    } else {
        order_method(l, a, b, Event::Le)
    }
}

#[cold]
fn order_method(l: Lua, a: Value, b: Value, ev: Event) -> LResult<bool> {
    let mut f = metamethod_of(l, a, ev);
    if f.is_nil() {
        f = metamethod_of(l, b, ev);
    }
    if !f.is_nil() {
        return Ok(call_method(l, f, a, b)?.truthy());
    }
    if ev == Event::Le {
        // LUA_COMPAT_LT_LE, which the reference is built with: a <= b as not (b < a).
        f = metamethod_of(l, b, Event::Lt);
        if f.is_nil() {
            f = metamethod_of(l, a, Event::Lt);
        }
        if !f.is_nil() {
            return Ok(!call_method(l, f, b, a)?.truthy());
        }
    }
    Err(raise::order_error(l, a, b))
}

/// l_strcmp: by the locale's collation, chunk by chunk between zero bytes.
pub fn compare_strings(a: Value, b: Value) -> std::cmp::Ordering {
    unsafe {
        let (a, b) = (a.as_str(), b.as_str());
        let name = libc::setlocale(libc::LC_COLLATE, std::ptr::null());
        if name.is_null() || (*name == b'C' as libc::c_char && *name.add(1) == 0) {
            return crate::string::order(a, b);
        }
        collate(
            Str::bytes(a),
            Str::bytes(b),
            Str::data(a).cast(),
            Str::data(b).cast(),
        )
    }
}

/// Strings end in NUL, so every chunk is a C string.
unsafe fn collate(
    a: &[u8],
    b: &[u8],
    pa: *const libc::c_char,
    pb: *const libc::c_char,
) -> std::cmp::Ordering {
    unsafe {
        let (mut i, mut j) = (0, 0);
        loop {
            let r = libc::strcoll(pa.add(i), pb.add(j));
            if r != 0 {
                return r.cmp(&0);
            }
            let (la, lb) = (libc::strlen(pa.add(i)), libc::strlen(pb.add(j)));
            if j + lb >= b.len() {
                return (i + la < a.len()).cmp(&false);
            }
            if i + la >= a.len() {
                return std::cmp::Ordering::Less;
            }
            i += la + 1;
            j += lb + 1;
        }
    }
}

// ---- concatenation

/// luaV_concat: replaces the top `n` values (at least 1) by their concatenation.
///
/// # Safety
/// The values are the topmost of the running frame.
pub unsafe fn concat(l: Lua, n: usize) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let mut total = n;
        while total > 1 {
            let top = (*th).top;
            let (a, b) = (*top.sub(2), *top.sub(1));
            let textual = |v: Value| v.is_string() || v.is_number();
            let used;
            if !textual(a) || !textual(b) {
                let mut f = metamethod_of(l, a, Event::Concat);
                if f.is_nil() {
                    f = metamethod_of(l, b, Event::Concat);
                }
                if f.is_nil() {
                    let (va, vb) = (stack_ref(th, top.sub(2)), stack_ref(th, top.sub(1)));
                    return Err(raise::concat_error(l, a, b, va, vb));
                }
                let r = call_method(l, f, a, b)?;
                *(*th).top.sub(2) = r;
                used = 2;
            } else {
                let mut k = 2;
                while k < total && textual(*top.sub(k + 1)) {
                    k += 1;
                }
                let s = join(l, top.sub(k), k)?;
                *top.sub(k) = Value::str(s);
                used = k;
            }
            total -= used - 1;
            (*th).top = (*th).top.sub(used - 1);
        }
        Ok(())
    }
}

/// One string from `n` strings and numbers at `from`.
///
/// # Safety
/// The values are strings and numbers.
pub unsafe fn join(l: Lua, from: *const Value, n: usize) -> LResult<*mut Str> {
    unsafe {
        use crate::concat::{MAX_PIECES, join};
        let (mut from, mut n) = (from, n);
        loop {
            let count = n.min(MAX_PIECES);
            let Some(s) = join(l.global(), from, count, false, false) else {
                return Err(raise::run_error(l, b"string length overflow"));
            };
            let s = s.or_raise(l)?;
            if count == n {
                return Ok(s);
            }
            // Those so far are the first piece of the rest.
            from = from.add(count - 1);
            n -= count - 1;
            *from.cast_mut() = Value::str(s);
        }
    }
}
