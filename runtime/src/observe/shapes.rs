//! Shapes of the tables that an instruction accesses by a short string key.

use super::site::{MAX_TOLD_APART, SiteRecord};
use crate::meta;
use crate::object::Str;
use crate::table::shape::Shape;
use crate::table::{self, find_str_slot};
use crate::thread::Lua;
use crate::value::Value;
use trinity_frontend::bytecode::Event;
use trinity_frontend::hash::WordMap;
use trinity_profile::{Place, ShapeKeys, ShapeKind, ShapeSeen};

/// An access about to happen.
pub struct Access {
    pub l: Lua,
    /// A table.
    pub table: Value,
    /// A short string.
    pub key: *mut Str,
    pub store: bool,
}

/// Keys of shared shapes by id, each list once. A shape may die; its id is not used again.
#[derive(Default)]
pub struct KeyLists(WordMap<u32, ShapeKeys>);

impl KeyLists {
    unsafe fn of(&mut self, s: *const Shape) -> ShapeKeys {
        unsafe {
            let key = |i| Box::from(Str::bytes(Shape::key_at(s, i)));
            let list = || (0..(*s).count).map(key).collect();
            self.0.entry((*s).h.aux32).or_insert_with(list).clone()
        }
    }
}

/// Counts the access at its site.
///
/// # Safety
/// All objects are live.
pub unsafe fn note(site: &mut SiteRecord, access: &Access, keys: &mut KeyLists) {
    unsafe {
        let t = access.table.as_table();
        let s = (*t).shape;
        let kind = match () {
            () if s.is_null() => ShapeKind::Dictionary,
            () if Shape::is_private(s) => ShapeKind::Private,
            () => ShapeKind::Shared,
        };
        let id = (*t).h.aux32;
        let metatable = !(*t).metatable.is_null();
        let own = find_str_slot(t, access.key).map(|offset| offset / 16);
        let place = place(access, own.is_some());
        let slot = own.filter(|_| kind == ShapeKind::Shared);
        let same = |(other, seen): &&mut (u32, ShapeSeen)| {
            *other == id
                && (seen.kind, seen.metatable, seen.place, seen.slot)
                    == (kind, metatable, place, slot)
        };
        if let Some((_, seen)) = site.shapes.iter_mut().find(same) {
            seen.count += 1;
            return;
        }
        if site.shapes.len() >= MAX_TOLD_APART {
            site.site.other_shapes += 1;
            return;
        }
        let seen = ShapeSeen {
            kind,
            keys: if kind == ShapeKind::Shared {
                keys.of(s)
            } else {
                ShapeKeys::default()
            },
            metatable,
            place,
            slot,
            count: 1,
        };
        site.shapes.push((id, seen));
    }
}

/// Where the key will be found; `known`: the table's shape has it.
unsafe fn place(access: &Access, known: bool) -> Place {
    unsafe {
        if !table::get_str(access.table.as_table(), access.key).is_nil() {
            return Place::Own;
        }
        let event = if access.store {
            Event::NewIndex
        } else {
            Event::Index
        };
        let answers = !meta::metamethod_of(access.l, access.table, event).is_nil();
        match (access.store, answers) {
            (false, true) => Place::Chain,
            (false, false) => Place::Absent,
            (true, true) => Place::Diverted,
            (true, false) if known => Place::Own,
            (true, false) => Place::Added,
        }
    }
}
