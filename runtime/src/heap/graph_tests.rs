//! The collector against reachability computed by the test, on random graphs that change between steps of both modes.

use super::testing::{Random, TestState};
use super::*;
use crate::object::{Cell, NativeClosure, Table, Userdata};
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
