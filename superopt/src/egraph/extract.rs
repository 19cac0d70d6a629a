//! The cheapest graph that computes some classes: every shared node is paid once.
//!
//! A greedy choice by cost sets (each class keeps the set of classes its best node needs; the cost of a node is the
//! cost of the union), then local improvement of the whole: any class of the result may change its node if the total
//! falls. Graphs small enough are searched exhaustively by branch and bound.

use super::analysis::Graph;
use super::lang::ENode;
use egg::{Id, Language, RecExpr};
use std::collections::{BTreeMap, HashMap};

/// What computing a node costs, its operands aside; `None` where the target has no such operation.
pub trait Cost {
    /// The cost, in tenths of a cycle.
    fn node(&self, graph: &Graph, node: &ENode) -> Option<u64>;
}

/// Steps of the exhaustive search.
const EXACT_STEPS: u32 = 20_000;

/// A chosen graph.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// The nodes.
    pub expr: RecExpr<ENode>,
    /// The place of each root.
    pub roots: Vec<Id>,
    /// Cost of all nodes, each once.
    pub cost: u64,
    /// Whether the search over all choices ended: then nothing in the e-graph is cheaper.
    pub exact: bool,
}

type CostSet = BTreeMap<Id, u64>;

struct Choice {
    node: ENode,
    set: CostSet,
    total: u64,
}

/// Chooses; `None` if some root cannot be computed.
pub fn extract(graph: &Graph, roots: &[Id], cost: &dyn Cost) -> Option<Extracted> {
    let roots: Vec<Id> = roots.iter().map(|r| graph.find(*r)).collect();
    // Classes and nodes in a fixed order, with what they cost.
    let mut classes: BTreeMap<Id, Vec<(ENode, u64)>> = BTreeMap::new();
    for class in graph.classes() {
        let mut nodes: Vec<(ENode, u64)> = class
            .iter()
            .filter_map(|n| {
                let n = n.map_children(|c| graph.find(c));
                Some((n, cost.node(graph, &n)?))
            })
            .collect();
        nodes.sort();
        nodes.dedup();
        classes.insert(graph.find(class.id), nodes);
    }
    let best = greedy(&classes);
    let mut choice: HashMap<Id, ENode> = best.into_iter().map(|(id, c)| (id, c.node)).collect();
    let mut total = weigh(&classes, &choice, &roots)?;
    improve(&classes, &mut choice, &roots, &mut total);
    let mut search = Exact {
        classes: &classes,
        best: choice,
        total,
        steps: EXACT_STEPS,
    };
    search.run(&mut HashMap::new(), roots.clone(), 0);
    let exact = search.steps > 0;
    let mut expr = RecExpr::default();
    let mut place = HashMap::new();
    for id in order(&search.best, &roots)? {
        let node = search.best[&id].map_children(|c| place[&c]);
        place.insert(id, expr.add(node));
    }
    Some(Extracted {
        roots: roots.iter().map(|r| place[r]).collect(),
        expr,
        cost: search.total,
        exact,
    })
}

fn greedy(classes: &BTreeMap<Id, Vec<(ENode, u64)>>) -> HashMap<Id, Choice> {
    let mut best: HashMap<Id, Choice> = HashMap::new();
    let mut changed = true;
    while changed {
        changed = false;
        for (id, nodes) in classes {
            for (node, own) in nodes {
                let mut set = CostSet::new();
                let mut possible = true;
                for c in node.children() {
                    match best.get(c) {
                        Some(b) if !b.set.contains_key(id) && c != id => {
                            set.extend(b.set.iter().map(|(k, v)| (*k, *v)));
                        }
                        _ => {
                            possible = false;
                            break;
                        }
                    }
                }
                if !possible {
                    continue;
                }
                set.insert(*id, *own);
                let total = set.values().sum();
                if best.get(id).is_none_or(|b| total < b.total) {
                    best.insert(
                        *id,
                        Choice {
                            node: *node,
                            set,
                            total,
                        },
                    );
                    changed = true;
                }
            }
        }
    }
    best
}

/// The chosen nodes under the roots, operands first; `None` on a cycle or a class without a choice.
fn order(choice: &HashMap<Id, ENode>, roots: &[Id]) -> Option<Vec<Id>> {
    let mut out = Vec::new();
    // 1: being visited, 2: done.
    let mut state: HashMap<Id, u8> = HashMap::new();
    let mut stack: Vec<(Id, bool)> = roots.iter().rev().map(|r| (*r, false)).collect();
    while let Some((id, leave)) = stack.pop() {
        if leave {
            state.insert(id, 2);
            out.push(id);
            continue;
        }
        match state.get(&id) {
            Some(2) => continue,
            Some(_) => return None,
            None => {}
        }
        state.insert(id, 1);
        stack.push((id, true));
        for c in choice.get(&id)?.children() {
            match state.get(c) {
                Some(2) => {}
                Some(_) => return None,
                None => stack.push((*c, false)),
            }
        }
    }
    Some(out)
}

fn weigh(
    classes: &BTreeMap<Id, Vec<(ENode, u64)>>,
    choice: &HashMap<Id, ENode>,
    roots: &[Id],
) -> Option<u64> {
    let own = |id: &Id| {
        let node = choice.get(id)?;
        classes[id].iter().find(|n| n.0 == *node).map(|n| n.1)
    };
    order(choice, roots)?.iter().map(own).sum()
}

/// One class at a time, as long as the total falls.
fn improve(
    classes: &BTreeMap<Id, Vec<(ENode, u64)>>,
    choice: &mut HashMap<Id, ENode>,
    roots: &[Id],
    total: &mut u64,
) {
    loop {
        let mut better = false;
        for id in order(choice, roots).unwrap_or_default() {
            let old = choice[&id];
            let mut kept = old;
            for (node, _) in &classes[&id] {
                choice.insert(id, *node);
                match weigh(classes, choice, roots) {
                    Some(t) if t < *total => {
                        *total = t;
                        kept = *node;
                        better = true;
                    }
                    _ => {}
                }
                choice.insert(id, kept);
            }
        }
        if !better {
            return;
        }
    }
}

struct Exact<'a> {
    classes: &'a BTreeMap<Id, Vec<(ENode, u64)>>,
    best: HashMap<Id, ENode>,
    total: u64,
    steps: u32,
}

impl Exact<'_> {
    /// Chooses a node for the last class that still needs one, and goes on.
    fn run(&mut self, chosen: &mut HashMap<Id, ENode>, mut open: Vec<Id>, so_far: u64) {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || so_far >= self.total {
            return;
        }
        while let Some(id) = open.pop() {
            if chosen.contains_key(&id) {
                continue;
            }
            let classes = self.classes;
            for (node, own) in &classes[&id] {
                chosen.insert(id, *node);
                let mut next = open.clone();
                next.extend(node.children().iter().filter(|c| !chosen.contains_key(*c)));
                // Choices that form a cycle are dropped when the whole is ordered.
                self.run(chosen, next, so_far + own);
                chosen.remove(&id);
            }
            return;
        }
        let roots: Vec<Id> = chosen.keys().copied().collect();
        if order(chosen, &roots).is_some() {
            self.total = so_far;
            self.best = chosen.clone();
        }
    }
}
