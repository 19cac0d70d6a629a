//! The collector: random graphs against reachability computed here, weak tables, finalizers, strings, accounting.

use super::testing::{Random, TestState};
use super::*;
use crate::object::{Cell, NativeClosure, Str, Table, Userdata};
use crate::table;
use std::collections::{HashMap, HashSet};

/// A node of the test's own picture of the graph.
#[derive(Clone, Default)]
struct Shadow {
    edges: Vec<Option<usize>>,
}

/// A random graph of tables, closures, cells and userdata. Every object carries its number in a way the sweeper would destroy.
struct Graph {
    state: TestState,
    objects: HashMap<usize, Value>,
    shadows: HashMap<usize, Shadow>,
    roots: Vec<Option<usize>>,
    next: usize,
}

const EDGES: usize = 4;
const ROOTS: usize = 8;

impl Graph {
    fn new(stress: bool) -> Graph {
        Graph {
            state: TestState::with_stress(stress),
            objects: HashMap::new(),
            shadows: HashMap::new(),
            roots: vec![None; ROOTS],
            next: 0,
        }
    }

    fn g(&self) -> *mut Global {
        self.state.0
    }

    fn value(&self, id: Option<usize>) -> Value {
        id.map_or(Value::NIL, |i| self.objects[&i])
    }

    fn set_root(&mut self, slot: usize, id: Option<usize>) {
        let v = self.value(id);
        self.roots[slot] = id;
        unsafe {
            table::set_int(
                self.g(),
                (*self.g()).registry.as_table(),
                slot as i64 + 1,
                v,
            )
            .unwrap()
        }
    }

    fn create(&mut self, r: &mut Random) -> usize {
        let id = self.next;
        self.next += 1;
        let g = self.g();
        let number = Value::int(id as i64);
        unsafe {
            let v = match r.below(6) {
                0..3 => {
                    let t = table::new(g, r.below(3) as usize, r.below(3) as usize).unwrap();
                    table::set_field(g, t, "id", number).unwrap();
                    Value::table(t)
                }
                3 => {
                    let c = crate::closure::new_native(
                        g,
                        |_| Ok(0),
                        std::ptr::null(),
                        &[Value::NIL, Value::NIL, Value::NIL, Value::NIL, number],
                    )
                    .unwrap();
                    Value::obj(c.cast())
                }
                4 => {
                    let size = if r.below(10) == 0 { 5000 } else { 8 };
                    let u = crate::userdata::new(g, size, EDGES as u32).unwrap();
                    (*u).data.cast::<usize>().write(id);
                    Value::obj(u.cast())
                }
                _ => Value::obj(crate::closure::new_cell(g, number).unwrap().cast()),
            };
            self.objects.insert(id, v);
        }
        self.shadows.insert(
            id,
            Shadow {
                edges: vec![None; EDGES],
            },
        );
        id
    }

    /// Sets an edge in both pictures; cells have one edge, which hides their number.
    fn set_edge(&mut self, from: usize, slot: usize, to: Option<usize>) {
        let (g, v) = (self.g(), self.value(to));
        let o = self.objects[&from];
        let slot = if o.t == tag::CELL { 0 } else { slot };
        unsafe {
            match o.t {
                tag::TABLE => {
                    let t: *mut Table = o.as_table();
                    match slot {
                        0 => table::set_int(g, t, 1, v).unwrap(),
                        1 => table::set_field(g, t, "field", v).unwrap(),
                        2 => table::set(g, t, Value::float(0.5), v).unwrap(),
                        _ => table::set_int(g, t, 2, v).unwrap(),
                    }
                }
                tag::NATIVE_FN => crate::closure::set_native_upvalue(g, o.as_native_fn(), slot, v),
                tag::USERDATA => {
                    crate::userdata::set_user_value(g, o.as_userdata(), slot as u32, v)
                }
                _ => crate::closure::set_cell(
                    g,
                    o.as_cell(),
                    if to.is_none() {
                        Value::int(from as i64)
                    } else {
                        v
                    },
                ),
            }
        }
        self.shadows.get_mut(&from).unwrap().edges[slot] = to;
    }

    fn reachable(&self) -> HashSet<usize> {
        let mut seen = HashSet::new();
        let mut work: Vec<usize> = self.roots.iter().flatten().copied().collect();
        while let Some(i) = work.pop() {
            if seen.insert(i) {
                work.extend(self.shadows[&i].edges.iter().flatten());
            }
        }
        seen
    }

    /// Forgets what is unreachable (the collector may free it any time) and compares what is reachable.
    fn verify(&mut self) {
        let alive = self.reachable();
        self.objects.retain(|i, _| alive.contains(i));
        self.shadows.retain(|i, _| alive.contains(i));
        for (&i, &o) in &self.objects {
            unsafe {
                assert_eq!((*o.as_obj()).kind, o.t, "object {i} was freed");
                let edge = |s: usize| self.value(self.shadows[&i].edges[s]);
                let number = Value::int(i as i64);
                match o.t {
                    tag::TABLE => {
                        let t: *mut Table = o.as_table();
                        let field = crate::string::new(self.g(), b"field").unwrap();
                        let id = crate::string::new(self.g(), b"id").unwrap();
                        assert_eq!(table::get_str(t, id), number);
                        assert_eq!(table::get_int(t, 1), edge(0));
                        assert_eq!(table::get_str(t, field), edge(1));
                        assert_eq!(table::get(t, Value::float(0.5)), edge(2));
                        assert_eq!(table::get_int(t, 2), edge(3));
                    }
                    tag::NATIVE_FN => {
                        let c: *mut NativeClosure = o.as_native_fn();
                        assert_eq!(*NativeClosure::upval(c, EDGES), number);
                        (0..EDGES).for_each(|s| assert_eq!(*NativeClosure::upval(c, s), edge(s)));
                    }
                    tag::USERDATA => {
                        let u: *mut Userdata = o.as_userdata();
                        assert_eq!((*u).data.cast::<usize>().read(), i);
                        (0..EDGES).for_each(|s| assert_eq!(*(*u).user.add(s), edge(s)));
                    }
                    _ => {
                        let c: *mut Cell = o.as_cell();
                        assert_eq!((*c).v, if edge(0).is_nil() { number } else { edge(0) });
                    }
                }
            }
        }
    }

    fn count_objects(&self) -> usize {
        let mut n = 0;
        unsafe {
            sweep::each_object(self.g(), |o| {
                n += usize::from(matches!(
                    (*o).kind,
                    tag::NATIVE_FN | tag::USERDATA | tag::CELL
                ))
            })
        };
        n
    }
}

fn random_graph(seed: u64, stress: bool, steps: usize) {
    let mut r = Random::from_env(seed);
    let mut graph = Graph::new(stress);
    let g = graph.g();
    for step in 0..steps {
        let ids: Vec<usize> = graph.reachable().into_iter().collect();
        let any = |r: &mut Random| {
            if ids.is_empty() {
                None
            } else {
                Some(ids[r.below(ids.len() as u64) as usize])
            }
        };
        match r.below(100) {
            0..40 => {
                let id = graph.create(&mut r);
                match any(&mut r) {
                    Some(from) if r.below(4) != 0 => {
                        graph.set_edge(from, r.below(EDGES as u64) as usize, Some(id))
                    }
                    _ => graph.set_root(r.below(ROOTS as u64) as usize, Some(id)),
                }
            }
            40..75 => {
                if let (Some(from), to) = (any(&mut r), any(&mut r)) {
                    graph.set_edge(from, r.below(EDGES as u64) as usize, to);
                }
            }
            75..85 => {
                if let Some(from) = any(&mut r) {
                    graph.set_edge(from, r.below(EDGES as u64) as usize, None);
                }
            }
            85..87 => graph.set_root(r.below(ROOTS as u64) as usize, None),
            _ => unsafe {
                let work = r.below(40) as i32;
                match r.below(200) {
                    0 => drop(incremental(g, 0, 0, 0)),
                    1 => drop(generational(g, 0, 0)),
                    2 => full(g, false),
                    3..100 => drop(gc_step(g, 0)),
                    _ => drop(gc_step(g, work / 20)),
                }
            },
        }
        graph.verify();
        if step % 13 == 0 {
            graph.state.safe_point();
            graph.state.check();
        }
    }
    // everything unreachable goes
    unsafe { full(g, false) };
    graph.verify();
    let alive = graph.objects.values().filter(|v| v.t != tag::TABLE).count();
    assert_eq!(graph.count_objects(), alive);
    graph.state.check();
}

#[test]
fn random_graphs() {
    for seed in 10..16 {
        random_graph(seed, false, 4000);
    }
}

#[test]
fn random_graphs_under_stress() {
    random_graph(20, true, 1500);
}

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
        s.collect();
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
            assert!(most < base * 3, "{mode:?}: {base} {most}");
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
