//! Fields, elements and methods: table access by its complete definition, through the site's cache where it has one.
//!
//! SAFETY of this module: the contract of `ops`.

use super::super::lookup::{field_miss, store_miss};
use super::Frame;
use crate::debug::varinfo::VarRef;
use crate::error::LResult;
use crate::meta;
use crate::object::Str;
use crate::proto::Cache;
use crate::table;
use crate::value::{Value, tag};
use trinity_frontend::bytecode::Instr;

/// `o[K]` for a string constant, filling the site's cache when it can.
#[inline]
unsafe fn get(f: &Frame, o: Value, key: *mut Str, cache: *mut Cache, at: VarRef) -> LResult<Value> {
    unsafe {
        let g = f.l.global();
        if o.t == tag::TABLE {
            let t = o.as_table();
            if let Some(v) = table::cached_get(g, t, cache) {
                return Ok(v);
            }
            let mut v = Value::NIL;
            if field_miss(g, t, key, cache, &mut v) {
                return Ok(v);
            }
        } else if o.is_string()
            && let Some(v) = table::lookup_string_method(g, key, cache)
        {
            return Ok(v);
        }
        meta::index_at(f.l, o, Value::str(key), at)
    }
}

/// `o[K] = v` for a string constant, filling the site's cache when it can.
#[inline]
unsafe fn set(
    f: &Frame,
    o: Value,
    key: *mut Str,
    v: Value,
    cache: *mut Cache,
    at: VarRef,
) -> LResult<()> {
    unsafe {
        if o.is_table() {
            let (g, t) = (f.l.global(), o.as_table());
            if table::cached_set(g, t, v, cache) || store_miss(g, t, key, v, cache) {
                return Ok(());
            }
        }
        meta::set_index_at(f.l, o, Value::str(key), v, at)
    }
}

pub(crate) unsafe fn get_tab_up(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let (o, at) = ((*f.up(i.b())).v, VarRef::Upval(i.b()));
        let v = get(f, o, f.ks(i.c()), f.cache(i), at)?;
        f.set(i, v);
        Ok(())
    }
}

pub(crate) unsafe fn set_tab_up(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let (o, at) = ((*f.up(i.a())).v, VarRef::Upval(i.a()));
        set(f, o, f.ks(i.b()), f.rk(i.c()), f.cache(i), at)
    }
}

pub(crate) unsafe fn get_field(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let (o, at) = (f.r(i.b()), VarRef::Reg(i.b()));
        let v = get(f, o, f.ks(i.c()), f.cache(i), at)?;
        f.set(i, v);
        Ok(())
    }
}

pub(crate) unsafe fn set_field(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let (o, at) = (f.r(i.a()), VarRef::Reg(i.a()));
        set(f, o, f.ks(i.b()), f.rk(i.c()), f.cache(i), at)
    }
}

pub(crate) unsafe fn self_get(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let o = f.r(i.b());
        *f.base.add(i.a() + 1) = o;
        let v = get(f, o, f.ks(i.c()), f.cache(i), VarRef::Reg(i.b()))?;
        f.set(i, v);
        Ok(())
    }
}

/// GETTABLE, GETI.
#[inline]
unsafe fn get_element(f: &Frame, i: Instr, key: Value) -> LResult<()> {
    unsafe {
        let o = f.r(i.b());
        let v = if o.t == tag::TABLE {
            let v = table::get(o.as_table(), key);
            if !v.is_nil() || (*o.as_table()).metatable.is_null() {
                v
            } else {
                meta::index_at(f.l, o, key, VarRef::Reg(i.b()))?
            }
        } else {
            meta::index_at(f.l, o, key, VarRef::Reg(i.b()))?
        };
        f.set(i, v);
        Ok(())
    }
}

pub(crate) unsafe fn get_table(f: &Frame, i: Instr) -> LResult<()> {
    unsafe { get_element(f, i, f.r(i.c())) }
}

pub(crate) unsafe fn get_i(f: &Frame, i: Instr) -> LResult<()> {
    unsafe { get_element(f, i, Value::int(i.c() as i64)) }
}

/// SETTABLE, SETI.
#[inline]
unsafe fn set_element(f: &Frame, i: Instr, key: Value) -> LResult<()> {
    unsafe {
        let (o, v) = (f.r(i.a()), f.rk(i.c()));
        if o.t == tag::TABLE
            && (*o.as_table()).metatable.is_null()
            && table::set(f.l.global(), o.as_table(), key, v).is_ok()
        {
            return Ok(());
        }
        meta::set_index_at(f.l, o, key, v, VarRef::Reg(i.a()))
    }
}

pub(crate) unsafe fn set_table(f: &Frame, i: Instr) -> LResult<()> {
    unsafe { set_element(f, i, f.r(i.b())) }
}

pub(crate) unsafe fn set_i(f: &Frame, i: Instr) -> LResult<()> {
    unsafe { set_element(f, i, Value::int(i.b() as i64)) }
}

pub(crate) unsafe fn len(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let v = meta::len_at(f.l, f.r(i.b()), VarRef::Reg(i.b()))?;
        f.set(i, v);
        Ok(())
    }
}
