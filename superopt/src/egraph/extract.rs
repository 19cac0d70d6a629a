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

/// Steps of the exhaustive search where time does not matter.
pub const EXACT_STEPS: u32 = 20_000;

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

/// A class by its place among all.
type Class = u32;

/// The nodes of a class, with what they cost; operands are classes by place.
type Nodes = Vec<(ENode, u64)>;

fn children(node: &ENode) -> impl Iterator<Item = Class> {
    node.children().iter().map(|c| usize::from(*c) as Class)
}

/// What computing a class takes at best: the classes it needs, itself included, in order.
struct Choice {
    node: u32,
    needs: Vec<Class>,
    total: u64,
}

/// Chooses; `None` if some root cannot be computed. `steps`: of the exhaustive search.
pub fn extract(graph: &Graph, roots: &[Id], cost: &dyn Cost, steps: u32) -> Option<Extracted> {
    let mut ids: Vec<Id> = graph.classes().map(|c| graph.find(c.id)).collect();
    ids.sort();
    let place: HashMap<Id, Class> = ids.iter().copied().zip(0..).collect();
    let roots: Vec<Class> = roots.iter().map(|r| place[&graph.find(*r)]).collect();
    // Classes and nodes in a fixed order.
    let classes: Vec<Nodes> = ids
        .iter()
        .map(|id| {
            let nodes = graph[*id].iter();
            let mut nodes: Nodes = nodes
                .filter_map(|n| {
                    let n = n.map_children(|c| graph.find(c));
                    let own = cost.node(graph, &n)?;
                    Some((n.map_children(|c| Id::from(place[&c] as usize)), own))
                })
                .collect();
            nodes.sort();
            nodes.dedup();
            nodes
        })
        .collect();
    let mut whole = Whole::new(&classes, greedy(&classes));
    let mut total = whole.weigh(&roots)?;
    whole.improve(&roots, &mut total);
    let mut search = Exact {
        classes: &classes,
        best: whole.choice,
        total,
        steps,
    };
    search.run(&mut vec![None; classes.len()], roots.clone(), 0);
    let exact = search.steps > 0;
    let mut chosen = Whole::new(&classes, search.best);
    let mut expr = RecExpr::default();
    let mut at: HashMap<Class, Id> = HashMap::new();
    chosen.order(&roots)?;
    for &class in &chosen.found {
        let node = chosen.node(class)?.0;
        let node = node.map_children(|c| at[&(usize::from(c) as Class)]);
        at.insert(class, expr.add(node));
    }
    Some(Extracted {
        roots: roots.iter().map(|r| at[r]).collect(),
        expr,
        cost: search.total,
        exact,
    })
}

/// The first choice: by class, the place of its node.
fn greedy(classes: &[Nodes]) -> Vec<Option<u32>> {
    let mut best: Vec<Option<Choice>> = classes.iter().map(|_| None).collect();
    let cost_of = |best: &[Option<Choice>], c: Class| {
        let choice = best[c as usize].as_ref()?;
        Some(classes[c as usize][choice.node as usize].1)
    };
    let mut changed = true;
    while changed {
        changed = false;
        for (id, nodes) in classes.iter().enumerate() {
            let id = id as Class;
            for (n, (node, own)) in nodes.iter().enumerate() {
                let mut needs: Vec<Class> = Vec::new();
                let possible = children(node).all(|c| match &best[c as usize] {
                    Some(b) if c != id && b.needs.binary_search(&id).is_err() => {
                        needs.extend(&b.needs);
                        true
                    }
                    _ => false,
                });
                if !possible {
                    continue;
                }
                needs.sort_unstable();
                needs.dedup();
                let under: Option<u64> = needs.iter().map(|c| cost_of(&best, *c)).sum();
                let Some(total) = under.map(|t| t + own) else {
                    continue;
                };
                if best[id as usize].as_ref().is_none_or(|b| total < b.total) {
                    let at = needs.binary_search(&id).unwrap_or_else(|at| at);
                    needs.insert(at, id);
                    let node = n as u32;
                    best[id as usize] = Some(Choice { node, needs, total });
                    changed = true;
                }
            }
        }
    }
    best.into_iter().map(|b| b.map(|b| b.node)).collect()
}

/// A choice for all classes, and what walks over it need.
struct Whole<'a> {
    classes: &'a [Nodes],
    choice: Vec<Option<u32>>,
    /// By class: 0 not seen, 1 being visited, 2 done.
    state: Vec<u8>,
    /// Classes found, operands first.
    found: Vec<Class>,
    stack: Vec<(Class, bool)>,
}

impl Whole<'_> {
    fn new(classes: &[Nodes], choice: Vec<Option<u32>>) -> Whole<'_> {
        Whole {
            classes,
            choice,
            state: vec![0; classes.len()],
            found: Vec::new(),
            stack: Vec::new(),
        }
    }
    fn node(&self, class: Class) -> Option<&(ENode, u64)> {
        let n = self.choice[class as usize]?;
        self.classes[class as usize].get(n as usize)
    }
    /// Finds the chosen nodes under the roots, operands first; `None` on a cycle or a class without a choice.
    fn order(&mut self, roots: &[Class]) -> Option<()> {
        self.state.fill(0);
        self.found.clear();
        self.stack.clear();
        self.stack.extend(roots.iter().rev().map(|r| (*r, false)));
        while let Some((id, leave)) = self.stack.pop() {
            if leave {
                self.state[id as usize] = 2;
                self.found.push(id);
                continue;
            }
            match self.state[id as usize] {
                2 => continue,
                1 => return None,
                _ => {}
            }
            self.state[id as usize] = 1;
            self.stack.push((id, true));
            let node = self.node(id)?.0;
            for c in children(&node) {
                match self.state[c as usize] {
                    2 => {}
                    1 => return None,
                    _ => self.stack.push((c, false)),
                }
            }
        }
        Some(())
    }
    fn weigh(&mut self, roots: &[Class]) -> Option<u64> {
        self.order(roots)?;
        self.found.iter().map(|c| Some(self.node(*c)?.1)).sum()
    }
    /// One class at a time, as long as the total falls.
    fn improve(&mut self, roots: &[Class], total: &mut u64) {
        loop {
            let mut better = false;
            let order = self.order(roots).map(|()| self.found.clone());
            for id in order.unwrap_or_default() {
                let mut kept = self.choice[id as usize];
                for n in 0..self.classes[id as usize].len() as u32 {
                    if Some(n) == kept {
                        continue;
                    }
                    self.choice[id as usize] = Some(n);
                    match self.weigh(roots) {
                        Some(t) if t < *total => {
                            *total = t;
                            kept = Some(n);
                            better = true;
                        }
                        _ => {}
                    }
                    self.choice[id as usize] = kept;
                }
            }
            if !better && !self.share(roots, total) {
                return;
            }
        }
    }
    /// What several classes could use that nobody uses yet: for one of them that gains nothing, for all of them it may.
    /// Whether there was any.
    fn share(&mut self, roots: &[Class], total: &mut u64) -> bool {
        let mut users: BTreeMap<Class, Vec<(Class, u32)>> = BTreeMap::new();
        if self.order(roots).is_none() {
            return false;
        }
        let mut there = vec![false; self.classes.len()];
        for c in &self.found {
            there[*c as usize] = true;
        }
        for &id in &self.found {
            for (n, (node, _)) in self.classes[id as usize].iter().enumerate() {
                for c in children(node).filter(|c| !there[*c as usize]) {
                    let users = users.entry(c).or_default();
                    // Its first node that does.
                    if users.last().is_none_or(|u| u.0 != id) {
                        users.push((id, n as u32));
                    }
                }
            }
        }
        let before = *total;
        for users in users.into_values().filter(|u| u.len() > 1) {
            let (start, kept) = (*total, self.choice.clone());
            for (id, n) in users {
                let old = self.choice[id as usize].replace(n);
                match self.weigh(roots) {
                    Some(t) if t <= *total => *total = t,
                    _ => self.choice[id as usize] = old,
                }
            }
            if *total == start {
                self.choice = kept;
            }
        }
        *total < before
    }
}

struct Exact<'a> {
    classes: &'a [Nodes],
    best: Vec<Option<u32>>,
    total: u64,
    steps: u32,
}

impl Exact<'_> {
    /// Chooses a node for the last class that still needs one, and goes on.
    fn run(&mut self, chosen: &mut Vec<Option<u32>>, mut open: Vec<Class>, so_far: u64) {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || so_far >= self.total {
            return;
        }
        while let Some(id) = open.pop() {
            if chosen[id as usize].is_some() {
                continue;
            }
            let classes = self.classes;
            for (n, (node, own)) in classes[id as usize].iter().enumerate() {
                chosen[id as usize] = Some(n as u32);
                let mut next = open.clone();
                next.extend(children(node).filter(|c| chosen[*c as usize].is_none()));
                // Choices that form a cycle are dropped when the whole is ordered.
                self.run(chosen, next, so_far + own);
                chosen[id as usize] = None;
            }
            return;
        }
        let roots = (0..chosen.len() as Class).filter(|c| chosen[*c as usize].is_some());
        let roots: Vec<Class> = roots.collect();
        if Whole::new(self.classes, chosen.clone())
            .order(&roots)
            .is_some()
        {
            self.total = so_far;
            self.best.clone_from(chosen);
        }
    }
}
