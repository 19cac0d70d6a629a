//! Tables against a model, traversal with deletion, caches.

use super::*;
use crate::heap::testing::{Random, TestState};
use crate::proto::Cache;
use std::collections::HashMap;
use trinity_abi::table::KIND_INT;

/// Keys of all kinds; entries with the same number are the same key written differently.
unsafe fn key_pool(g: *mut Global, keep: *mut Table) -> Vec<(usize, Value)> {
    unsafe {
        let mut pool = Vec::new();
        let mut id = 0;
        let mut add = |variants: &[Value]| {
            for &v in variants {
                pool.push((id, v));
            }
            id += 1;
        };
        for i in 1..=70 {
            add(&[Value::int(i), Value::float(i as f64)]);
        }
        for i in [
            0,
            -1,
            -2,
            -3,
            i64::MIN,
            i64::MAX,
            1 << 40,
            100,
            128,
            129,
            1000,
            5000,
        ] {
            add(&[Value::int(i)]);
        }
        for f in [
            0.5,
            -1.5,
            1e300,
            f64::INFINITY,
            9_223_372_036_854_775_808.0,
            1e-300,
        ] {
            add(&[Value::float(f)]);
        }
        add(&[Value::TRUE]);
        add(&[
            Value::FALSE,
            Value {
                p: 7,
                t: tag::FALSE,
            },
        ]);
        add(&[Value::light(std::ptr::null_mut())]);
        let mut n = 0;
        let mut save = |v: Value| {
            n += 1;
            set_int(g, keep, n, v).unwrap();
            v
        };
        for i in 0..90 {
            let s = crate::string::new(g, format!("key{i}").as_bytes()).unwrap();
            add(&[save(Value::str(s))]);
        }
        for i in 0..5 {
            let text = format!("{i}{}", "long".repeat(20));
            let a = save(Value::str(crate::string::new(g, text.as_bytes()).unwrap()));
            let b = save(Value::str(crate::string::new(g, text.as_bytes()).unwrap()));
            assert!(a.p != b.p && a.t == tag::LONG_STR);
            add(&[a, b]);
        }
        for _ in 0..5 {
            add(&[save(Value::table(new(g, 0, 0).unwrap()))]);
        }
        pool
    }
}

fn random_value(r: &mut Random, strings: &[Value]) -> Value {
    match r.below(10) {
        0..3 => Value::NIL,
        3..6 => Value::int(r.below(1000) as i64),
        6 => Value::float(r.below(1000) as f64 / 2.0),
        7 => Value::bool(r.below(2) == 0),
        8 => strings[r.below(strings.len() as u64) as usize],
        _ => Value::int(-1),
    }
}

unsafe fn compare(t: *mut Table, pool: &[(usize, Value)], model: &HashMap<usize, Value>) {
    unsafe {
        check(t).unwrap();
        for &(id, k) in pool {
            let want = model.get(&id).copied().unwrap_or(Value::NIL);
            assert!(get(t, k).same(want), "key {id}: {} {}", get(t, k).t, want.t);
            if k.is_int() {
                assert!(get_int(t, k.as_int()).same(want));
            }
        }
        // traversal, by key and by position
        let (mut key, mut cursor, mut seen) = (Value::NIL, 0, 0);
        while let Some((k, v)) = next(t, key).unwrap() {
            let (k2, v2) = next_index(t, &mut cursor).unwrap();
            assert!(k.same(k2) && v.same(v2));
            assert!(get(t, k).same(v) && !v.is_nil());
            seen += 1;
            key = k;
        }
        assert!(next_index(t, &mut cursor).is_none());
        assert_eq!(seen, model.len());
        let n = len(t);
        assert!(n == 0 || !get_int(t, n).is_nil());
        assert!(get_int(t, n + 1).is_nil(), "length {n} is no border");
    }
}

fn against_model(seed: u64, stress: bool, steps: usize) {
    let state = TestState::with_stress(stress);
    let g = state.0;
    let mut r = Random::from_env(seed);
    unsafe {
        let reg = (*g).registry.as_table();
        let keep = new(g, 0, 0).unwrap();
        set_int(g, reg, 1, Value::table(keep)).unwrap();
        let pool = key_pool(g, keep);
        let strings: Vec<Value> = pool.iter().map(|p| p.1).filter(|v| v.is_string()).collect();
        let metas: Vec<*mut Table> = (0..2).map(|_| new(g, 0, 0).unwrap()).collect();
        for (i, &m) in metas.iter().enumerate() {
            set_int(g, reg, 3 + i as i64, Value::table(m)).unwrap();
        }
        for round in 0..steps {
            let t = new(g, r.below(6) as usize, r.below(6) as usize).unwrap();
            set_int(g, reg, 2, Value::table(t)).unwrap();
            let mut model = HashMap::new();
            // most rounds use a few keys, so that they meet again
            let width = [8, 40, 140, pool.len() as u64][r.below(4) as usize].min(pool.len() as u64);
            let start = r.below(pool.len() as u64 - width + 1);
            for op in 0..r.below(400) {
                match r.below(60) {
                    0 => set_metatable(g, t, metas[r.below(2) as usize]).unwrap(),
                    1 => set_metatable(g, t, null_mut()).unwrap(),
                    2 if r.below(8) == 0 => make_private(g, t).unwrap(),
                    3 => reserve(g, t, r.below(60) as usize, r.below(10) as usize).unwrap(),
                    4 => {
                        let n = len(t);
                        let values = [Value::int(1), Value::NIL, random_value(&mut r, &strings)];
                        set_list(g, t, n + 1, values.as_ptr(), 3).unwrap();
                        for (i, v) in values.into_iter().enumerate() {
                            let key = n + 1 + i as i64;
                            let id = pool.iter().find(|p| p.1.is_int() && p.1.as_int() == key);
                            match id {
                                Some((id, _)) if v.is_nil() => drop(model.remove(id)),
                                Some((id, _)) => drop(model.insert(*id, v)),
                                None => set_int(g, t, key, Value::NIL).unwrap(),
                            }
                        }
                    }
                    5 => {
                        let n = len(t);
                        if n > 0 {
                            set_int(g, t, n, Value::NIL).unwrap();
                            let id = pool
                                .iter()
                                .find(|p| p.1.is_int() && p.1.as_int() == n)
                                .unwrap()
                                .0;
                            model.remove(&id);
                        }
                    }
                    _ => {
                        let (id, k) = pool[(start + r.below(width)) as usize];
                        let v = random_value(&mut r, &strings);
                        if k.t == tag::SHORT_STR && r.below(2) == 0 {
                            set_str(g, t, k.as_str(), v).unwrap();
                        } else {
                            set(g, t, k, v).unwrap();
                        }
                        if v.is_nil() {
                            model.remove(&id);
                        } else {
                            model.insert(id, v);
                        }
                    }
                }
                if op % 16 == 0 {
                    state.safe_point();
                    compare(t, &pool, &model);
                }
            }
            compare(t, &pool, &model);
            if round % 8 == 0 {
                state.check();
            }
        }
    }
}

#[test]
fn model() {
    against_model(1, false, 400);
    against_model(2, false, 400);
}

#[test]
fn model_under_stress() {
    against_model(3, true, 40);
}

#[test]
fn traversal_survives_deletion_and_collection() {
    let state = TestState::with_stress(true);
    let g = state.0;
    let mut r = Random::from_env(4);
    unsafe {
        let reg = (*g).registry.as_table();
        for _ in 0..30 {
            let t = new(g, 0, 0).unwrap();
            set_int(g, reg, 1, Value::table(t)).unwrap();
            let n = r.below(200) as usize;
            for i in 0..n {
                let k = match i % 4 {
                    0 => Value::int(i as i64 / 4 + 1),
                    1 => Value::str(crate::string::new(g, format!("f{i}").as_bytes()).unwrap()),
                    2 => Value::table(new(g, 0, 0).unwrap()),
                    _ => Value::float(i as f64 + 0.5),
                };
                set(g, t, k, Value::int(i as i64)).unwrap();
            }
            let (mut key, mut seen) = (Value::NIL, 0);
            while let Some((k, v)) = next(t, key).unwrap() {
                assert!(!v.is_nil());
                set(g, t, k, Value::NIL).unwrap();
                // the key must be findable although it is gone; keep it alive as a stack would
                set_int(g, reg, 2, k).unwrap();
                crate::string::new(g, format!("garbage{seen}").as_bytes()).unwrap();
                state.safe_point();
                seen += 1;
                key = k;
            }
            assert_eq!(seen, n);
            assert_eq!(len(t), 0);
            check(t).unwrap();
            assert_eq!(
                next(
                    t,
                    Value::str(crate::string::new(g, b"never there").unwrap())
                ),
                Err(InvalidKey)
            );
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, o: &Value) -> bool {
        self.same(*o)
    }
}
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}:{:#x}", self.type_name(), self.p)
    }
}

#[test]
fn arrays_keep_their_kind_and_migrate() {
    let state = TestState::new();
    let g = state.0;
    unsafe {
        let t = new(g, 0, 0).unwrap();
        for i in 1..=1000 {
            set_int(g, t, i, Value::int(i)).unwrap();
        }
        assert_eq!(((*t).h.aux8, len(t)), (KIND_INT, 1000));
        set_int(g, t, 500, Value::float(0.5)).unwrap();
        assert_eq!((*t).h.aux8, KIND_GENERAL);
        assert_eq!(get_int(t, 499), Value::int(499));
        // filled backwards: everything ends in the array
        let t = new(g, 0, 0).unwrap();
        for i in (1..=1000).rev() {
            set_int(g, t, i, Value::float(i as f64)).unwrap();
            check(t).unwrap();
        }
        assert_eq!(len(t), 1000);
        // a queue does not keep its past
        let t = new(g, 0, 0).unwrap();
        for i in 1..=100_000 {
            set_int(g, t, i, Value::TRUE).unwrap();
            if i > 10 {
                set_int(g, t, i - 10, Value::NIL).unwrap();
            }
        }
        check(t).unwrap();
        assert!((*t).array_cap < 64 && hash::HashPart::size((*t).hash) <= 64);
        // sparse keys stay out
        let t = new(g, 0, 0).unwrap();
        for i in 1..200 {
            set_int(g, t, i * 1000, Value::TRUE).unwrap();
        }
        assert_eq!(((*t).array_cap, len(t)), (0, 0));
        set_int(g, t, 1, Value::TRUE).unwrap();
        assert_eq!(len(t), 1);
        assert_eq!(set(g, t, Value::NIL, Value::TRUE), Err(TableError::NilKey));
        assert_eq!(
            set(g, t, Value::float(f64::NAN), Value::TRUE),
            Err(TableError::NanKey)
        );
    }
}

/// A constructor with more elements than NEWTABLE can say stores them fifty at a time: the array must not be copied for each fifty.
#[test]
fn large_constructors_double() {
    let state = TestState::new();
    let g = state.0;
    unsafe {
        let t = new(g, MOST_SAID, 0).unwrap();
        let fifty = [Value::int(7); 50];
        let mut caps = vec![(*t).array_cap];
        for first in (1..=200_000).step_by(50) {
            set_list(g, t, first, fifty.as_ptr(), 50).unwrap();
            if caps.last() != Some(&(*t).array_cap) {
                caps.push((*t).array_cap);
            }
        }
        assert_eq!(len(t), 200_000);
        assert_eq!(caps, [65_535, 131_070, 262_140]);
        // A list that is said to be small gets what it needs.
        let t = new(g, 0, 0).unwrap();
        set_list(g, t, 1, fifty.as_ptr(), 50).unwrap();
        set_list(g, t, 51, fifty.as_ptr(), 50).unwrap();
        assert_eq!((*t).array_cap, 100);
    }
}

unsafe fn name(g: *mut Global, s: &str) -> *mut Str {
    unsafe { crate::string::new(g, s.as_bytes()).unwrap() }
}

#[test]
fn shapes_are_shared_and_words_make_dictionaries() {
    let state = TestState::new();
    let g = state.0;
    unsafe {
        let mt = new(g, 0, 0).unwrap();
        let make = |late: bool| {
            let t = new(g, 0, 0).unwrap();
            if !late {
                set_metatable(g, t, mt).unwrap();
            }
            for f in ["x", "y", "z"] {
                set_field(g, t, f, Value::int(1)).unwrap();
            }
            set_metatable(g, t, mt).unwrap();
            (*t).h.aux32
        };
        let ids = [make(false), make(true), make(true)];
        assert!(ids[0] != 0 && ids[0] == ids[1] && ids[1] == ids[2]);
        let words = new(g, 0, 0).unwrap();
        for i in 0..1000 {
            let k = Value::str(name(g, &format!("word{i}")));
            set(g, words, k, Value::int(i)).unwrap();
        }
        assert_eq!((*words).h.aux32, 0);
        // a class with many methods does not become a dictionary
        make_private(g, mt).unwrap();
        for i in 0..1000 {
            set_field(g, mt, &format!("method{i}"), Value::int(i)).unwrap();
        }
        assert!((*mt).h.aux32 != 0);
        assert_eq!(get_str(mt, name(g, "method777")), Value::int(777));
        // private tables forget fields that were removed
        for i in 0..100_000 {
            set_field(g, mt, &format!("temp{i}"), Value::int(i)).unwrap();
            set_field(g, mt, &format!("temp{i}"), Value::NIL).unwrap();
        }
        assert!((*(*mt).shape).count < 5000);
        assert_eq!(get_str(mt, name(g, "method777")), Value::int(777));
        check(mt).unwrap();
    }
}

unsafe fn read(g: *mut Global, t: *mut Table, key: *mut Str, c: &mut Cache) -> Value {
    unsafe {
        match cached_get(g, t, c) {
            Some(v) => v,
            None => lookup_for_cache(g, t, key, c).unwrap(),
        }
    }
}

#[test]
fn caches_follow_classes() {
    let state = TestState::new();
    let g = state.0;
    unsafe {
        let (class, base) = (new(g, 0, 0).unwrap(), new(g, 0, 0).unwrap());
        set_field(g, class, "__index", Value::table(class)).unwrap();
        set_field(g, base, "__index", Value::table(base)).unwrap();
        set_metatable(g, class, base).unwrap();
        let object = || {
            let t = new(g, 0, 2).unwrap();
            set_metatable(g, t, class).unwrap();
            set_field(g, t, "x", Value::int(5)).unwrap();
            t
        };
        let (a, b) = (object(), object());
        let (m, x) = (name(g, "method"), name(g, "x"));
        let mut c = Cache::EMPTY;
        assert_eq!(read(g, a, m, &mut c), Value::NIL);
        assert_eq!(c.kind, trinity_abi::cache::KIND_ABSENT);
        assert_eq!(cached_get(g, b, &c), Some(Value::NIL));
        set_str(g, base, m, Value::int(1)).unwrap();
        assert_eq!(cached_get(g, a, &c), None);
        assert_eq!(read(g, a, m, &mut c), Value::int(1));
        assert_eq!(cached_get(g, b, &c), Some(Value::int(1)));
        set_str(g, class, m, Value::int(2)).unwrap();
        assert_eq!(read(g, b, m, &mut c), Value::int(2));
        assert_eq!(cached_get(g, a, &c), Some(Value::int(2)));
        set_str(g, class, m, Value::int(3)).unwrap();
        assert_eq!(read(g, b, m, &mut c), Value::int(3));
        // now the slot is no constant any more
        set_str(g, class, m, Value::int(4)).unwrap();
        assert_eq!(read(g, b, m, &mut c), Value::int(4));
        set_str(g, a, m, Value::int(9)).unwrap();
        assert_eq!(read(g, a, m, &mut c), Value::int(9));
        let mut c = Cache::EMPTY;
        assert_eq!(read(g, b, x, &mut c), Value::int(5));
        assert_eq!(
            (c.kind, cached_get(g, b, &c)),
            (trinity_abi::cache::KIND_OWN, Some(Value::int(5)))
        );
        // __index replaced
        let mut c = Cache::EMPTY;
        let q = name(g, "q");
        assert_eq!(read(g, b, q, &mut c), Value::NIL);
        let other = new(g, 0, 0).unwrap();
        set_str(g, other, q, Value::TRUE).unwrap();
        set_field(g, class, "__index", Value::table(other)).unwrap();
        assert_eq!(read(g, b, q, &mut c), Value::TRUE);
    }
}

#[test]
fn cached_stores_add_fields_until_newindex_appears() {
    let state = TestState::new();
    let g = state.0;
    unsafe {
        let mt = new(g, 0, 0).unwrap();
        let keys = ["a", "b", "c", "d", "e", "f"].map(|s| name(g, s));
        let mut caches = [Cache::EMPTY; 6];
        let mut store = |t: *mut Table, i: usize, v: Value| {
            if cached_set(g, t, v, &caches[i]) {
                return (true, true);
            }
            (
                false,
                store_for_cache(g, t, keys[i], v, &mut caches[i]).unwrap(),
            )
        };
        let object = || {
            let t = new(g, 0, 0).unwrap();
            set_metatable(g, t, mt).unwrap();
            t
        };
        let first = object();
        for i in 0..6 {
            assert_eq!(store(first, i, Value::int(i as i64)), (false, true));
        }
        let second = object();
        let hits = (0..6)
            .filter(|&i| store(second, i, Value::int(i as i64)).0)
            .count();
        assert_eq!(hits, 4, "fields 0 and 4 need room for slots");
        for (i, &key) in keys.iter().enumerate().take(6) {
            assert_eq!(get_str(second, key), Value::int(i as i64));
        }
        check(second).unwrap();
        assert_eq!((*first).h.aux32, (*second).h.aux32);
        set_field(g, mt, "__newindex", Value::TRUE).unwrap();
        assert_eq!(store(object(), 0, Value::TRUE), (false, false));
        assert_eq!(store(second, 0, Value::TRUE), (false, true));
        set_field(g, mt, "__newindex", Value::NIL).unwrap();
        let third = object();
        assert_eq!(store(third, 0, Value::TRUE), (false, true));
        set_field(g, mt, "__newindex", Value::TRUE).unwrap();
        assert_eq!(store(object(), 0, Value::TRUE), (false, false));
    }
}

#[test]
fn metamethods_absent_and_present() {
    let state = TestState::new();
    let g = state.0;
    unsafe {
        let (t, mt) = (new(g, 0, 0).unwrap(), new(g, 0, 0).unwrap());
        set_metatable(g, t, mt).unwrap();
        assert!(metamethod(g, mt, Event::Add).is_nil());
        assert!(metamethod(g, mt, Event::Add).is_nil());
        set_field(g, mt, "__add", Value::TRUE).unwrap();
        assert_eq!(metamethod(g, mt, Event::Add), Value::TRUE);
        set_field(g, mt, "__add", Value::NIL).unwrap();
        assert!(metamethod(g, mt, Event::Add).is_nil());
        let k = Value::str(name(g, "__add"));
        set(g, mt, k, Value::FALSE).unwrap();
        assert_eq!(metamethod(g, mt, Event::Add), Value::FALSE);
        assert!(metamethod(g, null_mut(), Event::Add).is_nil());
    }
}

#[test]
fn running_out_of_memory_leaves_the_table_intact() {
    let state = TestState::new();
    let g = state.0;
    let mut r = Random::from_env(5);
    unsafe {
        let reg = (*g).registry.as_table();
        let t = new(g, 0, 0).unwrap();
        set_int(g, reg, 1, Value::table(t)).unwrap();
        let keys: Vec<Value> = (0..300)
            .map(|i| Value::str(name(g, &format!("k{i}"))))
            .collect();
        let mut model = HashMap::new();
        let mut failures = 0;
        for _ in 0..5000 {
            (*g).heap.limit = if r.below(3) == 0 { 0 } else { usize::MAX };
            let i = r.below(600);
            let k = if i < 300 {
                keys[i as usize]
            } else {
                Value::int(i as i64 - 299)
            };
            let v = if r.below(3) == 0 {
                Value::NIL
            } else {
                Value::int(r.below(100) as i64)
            };
            match set(g, t, k, v) {
                Ok(()) => drop(model.insert(i, v)),
                Err(e) => {
                    assert_eq!(e, TableError::Alloc);
                    failures += 1;
                }
            }
            (*g).heap.limit = usize::MAX;
        }
        check(t).unwrap();
        for i in 0..600 {
            let k = if i < 300 {
                keys[i as usize]
            } else {
                Value::int(i as i64 - 299)
            };
            assert_eq!(get(t, k), model.get(&i).copied().unwrap_or(Value::NIL));
        }
        assert!(failures > 0);
    }
}
