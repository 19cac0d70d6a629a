//! The collector: weak tables, finalizers, strings, accounting, pacing.

use super::testing::{Random, TestState};
use super::*;
use crate::object::{Str, Table};
use crate::table;

unsafe fn table_at(s: &TestState, i: i64) -> *mut Table {
    unsafe {
        let t = table::new(s.0, 0, 0).unwrap();
        table::set_int(s.0, (*s.0).registry.as_table(), i, Value::table(t)).unwrap();
        t
    }
}

unsafe fn weak_table(s: &TestState, i: i64, mode: &str) -> *mut Table {
    unsafe {
        let (t, mt) = (table_at(s, i), table::new(s.0, 0, 0).unwrap());
        let m = Value::str(crate::string::new(s.0, mode.as_bytes()).unwrap());
        table::set_field(s.0, mt, "__mode", m).unwrap();
        table::set_metatable(s.0, t, mt).unwrap();
        t
    }
}

unsafe fn fresh(s: &TestState) -> Value {
    unsafe { Value::table(table::new(s.0, 0, 0).unwrap()) }
}

unsafe fn size(t: *mut Table) -> usize {
    let (mut cursor, mut n) = (0, 0);
    while unsafe { table::next_index(t, &mut cursor) }.is_some() {
        n += 1;
    }
    n
}

fn in_both_modes(f: impl Fn(&TestState)) {
    for mode in [Mode::Incremental, Mode::Generational] {
        for stress in [false, true] {
            let s = TestState::with_stress(stress);
            if mode == Mode::Generational {
                unsafe { generational(s.0, 0, 0) };
            }
            f(&s);
            s.collect();
        }
    }
}

/// A collection of the current mode: a minor one in generational mode, several steps of an incremental one.
unsafe fn some_collections(s: &TestState) {
    unsafe {
        if s.0.read_mode() == Mode::Generational {
            for _ in 0..3 {
                gc_step(s.0, 0);
                s.check();
            }
        } else {
            while !gc_step(s.0, 0) {
                s.check();
            }
            while !gc_step(s.0, 0) {}
        }
        s.check();
    }
}

trait ReadMode {
    unsafe fn read_mode(self) -> Mode;
}
impl ReadMode for *mut Global {
    unsafe fn read_mode(self) -> Mode {
        unsafe { (*self).heap.mode }
    }
}

#[test]
fn weak_values_go_strings_and_numbers_stay() {
    in_both_modes(|s| unsafe {
        let (g, keep) = (s.0, table_at(s, 1));
        let t = weak_table(s, 2, "v");
        let alive = fresh(s);
        table::set_int(g, keep, 1, alive).unwrap();
        table::set_int(g, t, 1, fresh(s)).unwrap();
        table::set_int(g, t, 2, alive).unwrap();
        table::set_int(g, t, 3, fresh(s)).unwrap();
        table::set_field(g, t, "dead", fresh(s)).unwrap();
        table::set_field(g, t, "number", Value::int(1)).unwrap();
        let text = Value::str(crate::string::new(g, b"a string nobody else has").unwrap());
        table::set(g, t, Value::float(1.5), text).unwrap();
        table::set(g, t, Value::float(2.5), fresh(s)).unwrap();
        some_collections(s);
        assert_eq!((size(t), table::len(t)), (3, 2));
        assert_eq!(table::get_int(t, 2), alive);
        assert_eq!(
            Str::bytes(table::get(t, Value::float(1.5)).as_str()),
            b"a string nobody else has"
        );
    });
}

#[test]
fn ephemerons_follow_their_keys() {
    in_both_modes(|s| unsafe {
        let (g, keep) = (s.0, table_at(s, 1));
        let t = weak_table(s, 2, "k");
        // a chain key -> value = next key, entered in both orders, whose first key is alive
        for forward in [true, false] {
            let chain: Vec<Value> = (0..50).map(|_| fresh(s)).collect();
            table::set_int(g, keep, 1, chain[0]).unwrap();
            let mut order: Vec<usize> = (0..49).collect();
            if !forward {
                order.reverse();
            }
            for i in order {
                table::set(g, t, chain[i], chain[i + 1]).unwrap();
            }
            // cycles that only refer to themselves
            for _ in 0..10 {
                let (a, b) = (fresh(s), fresh(s));
                table::set(g, t, a, b).unwrap();
                table::set(g, t, b, a).unwrap();
            }
            some_collections(s);
            full(g, false);
            assert_eq!(size(t), 49);
            let mut k = chain[0];
            for c in &chain[1..] {
                k = table::get(t, k);
                assert_eq!(k, *c);
            }
            table::set_int(g, keep, 1, Value::NIL).unwrap();
            full(g, false);
            assert_eq!(size(t), 0);
        }
    });
}

#[test]
fn all_weak_tables() {
    in_both_modes(|s| unsafe {
        let (g, keep) = (s.0, table_at(s, 1));
        let t = weak_table(s, 2, "kv");
        let (a, b) = (fresh(s), fresh(s));
        table::set_int(g, keep, 1, a).unwrap();
        table::set_int(g, keep, 2, b).unwrap();
        table::set(g, t, a, b).unwrap();
        table::set(g, t, b, fresh(s)).unwrap();
        table::set(g, t, fresh(s), a).unwrap();
        some_collections(s);
        full(g, false);
        assert_eq!(size(t), 1);
        assert_eq!(table::get(t, a), b);
    });
}

unsafe fn with_finalizer(s: &TestState, mt: *mut Table, number: i64) -> Value {
    unsafe {
        let v = fresh(s);
        table::set_int(s.0, v.as_table(), 1, Value::int(number)).unwrap();
        table::set_metatable(s.0, v.as_table(), mt).unwrap();
        check_finalizer(s.0, v.as_obj(), mt).unwrap();
        v
    }
}

unsafe fn drain(s: &TestState) -> Vec<i64> {
    let mut order = Vec::new();
    while let Some(v) = unsafe { next_finalizer(s.0) } {
        order.push(unsafe { table::get_int(v.as_table(), 1) }.as_int());
    }
    order
}

#[test]
fn finalizers_run_once_in_reverse_order() {
    in_both_modes(|s| unsafe {
        let g = s.0;
        let mt = table_at(s, 1);
        table::set_field(g, mt, "__gc", Value::TRUE).unwrap();
        let (values, keys) = (weak_table(s, 2, "v"), weak_table(s, 3, "k"));
        for i in 0..5 {
            let v = with_finalizer(s, mt, i);
            table::set_int(g, values, i + 1, v).unwrap();
            table::set(g, keys, v, Value::int(i)).unwrap();
        }
        full(g, false);
        assert!((*g).heap.pending_finalizers);
        // values are cleared before the finalizer runs, keys after
        assert_eq!((size(values), size(keys)), (0, 5));
        s.check();
        assert_eq!(drain(s), [4, 3, 2, 1, 0]);
        assert!(!(*g).heap.pending_finalizers);
        full(g, false);
        assert_eq!(size(keys), 0);
        assert_eq!(drain(s), [0; 0]);
        // state close: also what is alive
        let keep = table_at(s, 4);
        for i in 0..3 {
            let v = with_finalizer(s, mt, i);
            table::set_int(g, keep, i + 1, v).unwrap();
        }
        full(g, false);
        assert_eq!(drain(s), [0; 0]);
        queue_all_finalizers(g);
        assert_eq!(drain(s), [2, 1, 0]);
    });
}

#[test]
fn strings_are_unique_revived_and_forgotten() {
    let s = TestState::new();
    let g = s.0;
    let mut r = Random::from_env(7);
    unsafe {
        let keep = table_at(&s, 1);
        for round in 0..20_000 {
            let text = format!("s{}", r.below(3000));
            let a = crate::string::new(g, text.as_bytes()).unwrap();
            assert_eq!(Str::bytes(a), text.as_bytes());
            assert_eq!(*Str::data(a).add(text.len()), 0);
            assert_eq!(crate::string::new(g, text.as_bytes()).unwrap(), a);
            if r.below(10) == 0 {
                table::set_int(g, keep, r.below(50) as i64, Value::str(a)).unwrap();
            }
            if r.below(50) == 0 {
                gc_step(g, 1);
            }
            if round % 500 == 0 {
                s.check();
            }
        }
        s.collect();
        assert!((*g).strings.len() < 50 + 100);
        let long = "x".repeat(100_000);
        let a = crate::string::new(g, long.as_bytes()).unwrap();
        let b = crate::string::new_with(g, long.len(), |to| to.fill(b'x')).unwrap();
        assert!(
            a != b
                && crate::string::equal(a, b)
                && crate::string::hash(a) == crate::string::hash(b)
        );
    }
}

#[test]
fn memory_is_accounted_and_returned() {
    let s = TestState::new();
    let g = s.0;
    unsafe {
        s.collect();
        let before = (*g).heap.bytes();
        let keep = table_at(&s, 1);
        for i in 1..=2000 {
            let t = table::new(g, 0, 0).unwrap();
            table::set_int(g, keep, i, Value::table(t)).unwrap();
            for j in 1..=20 {
                table::set_int(g, t, j, Value::int(j)).unwrap();
                table::set_field(g, t, &format!("field{j}"), Value::TRUE).unwrap();
            }
            table::set(
                g,
                t,
                Value::float(0.5),
                Value::str(crate::string::new(g, &[b'x'; 3000]).unwrap()),
            )
            .unwrap();
        }
        let full_size = (*g).heap.bytes();
        assert!(full_size > before + 2000 * (3000 + 20 * 8 + 20 * 16));
        table::set_int(g, (*g).registry.as_table(), 1, Value::NIL).unwrap();
        // shapes live on for a while
        for _ in 0..20 {
            s.collect();
        }
        // the registry's array, shapes' trees and the interner may keep a little
        let after = (*g).heap.bytes();
        assert!(after < before + 1000, "{before} {full_size} {after}");
        assert_eq!(after, {
            s.collect();
            (*g).heap.bytes()
        });
    }
}

#[test]
fn free_cells_are_used_before_fresh_ones() {
    let s = TestState::new();
    let mut pages = std::collections::BTreeSet::new();
    for _ in 0..20 {
        for _ in 0..40 {
            // SAFETY: a live state.
            let t = unsafe { table::new(s.0, 16, 0) }.unwrap();
            pages.insert(t as usize >> 12);
        }
        s.collect();
        s.check();
    }
    // 40 tables of 208 bytes, not 800.
    assert!(pages.len() <= 4, "{pages:?}");
}

#[test]
fn the_pause_bounds_the_heap() {
    for mode in [Mode::Incremental, Mode::Generational] {
        let s = TestState::new();
        let g = s.0;
        unsafe {
            if mode == Mode::Generational {
                generational(g, 0, 0);
            }
            let keep = table_at(&s, 1);
            for i in 1..=10_000 {
                table::set_int(g, keep, i, fresh(&s)).unwrap();
            }
            full(g, false);
            let base = (*g).heap.bytes();
            let mut most = 0;
            for i in 0..300_000 {
                let t = fresh(&s);
                if i % 16 == 0 {
                    table::set_int(g, keep, i / 16 % 10_000 + 1, t).unwrap();
                }
                s.safe_point();
                most = most.max((*g).heap.bytes());
            }
            // Small heaps may grow by a fixed amount between collections.
            assert!(most < base * 3 + (1 << 20), "{mode:?}: {base} {most}");
            s.check();
        }
    }
}

#[test]
fn allocation_fails_at_the_limit() {
    let s = TestState::new();
    let g = s.0;
    unsafe {
        (*g).heap.limit = (*g).heap.bytes() + 100_000;
        let mut n = 0;
        while table::new(g, 0, 4).is_ok() {
            n += 1;
        }
        assert!(n > 400);
        assert_eq!(crate::string::new(g, &[0; 200_000]), Err(AllocError));
        full(g, true);
        assert!(table::new(g, 0, 4).is_ok());
    }
}

#[test]
fn parameters_round_as_the_reference_rounds() {
    let mut h = Heap::new();
    assert_eq!(
        (h.set_pause(203), h.set_pause(1000), h.set_pause(200)),
        (200, 200, 1000)
    );
    assert_eq!((h.set_stepmul(0), h.set_stepmul(100)), (100, 0));
    assert!(h.is_running());
    h.stop();
    assert!(!h.is_running());
    h.restart();
    assert!(h.is_running());
}
