//! Sets of instructions that give all results, by their cost.
//!
//! From the results backwards: each word that is wanted gets one of the nodes that make it, whose operands are wanted
//! next, and a node that needs flags gets one that gives them. Limits on the cost are raised step by step, so that the
//! cheapest sets come first.
//!
//! What is still to pay is bounded from below by landmarks, as in planning: words that every way to a wanted word goes
//! through. Each that is not there yet is charged its share of the cheapest instruction that makes it.

use super::super::loc;
use super::nodes::{Graph, Value};

/// A set of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Nodes, in the order they were chosen.
    pub nodes: Vec<u32>,
    /// By node: the index in `nodes` of the one whose flags it reads.
    pub flags: Vec<Option<usize>>,
    /// By output of the target: the word that is used.
    pub outputs: Vec<Value>,
    /// Sum of the nodes' costs.
    pub cost: u64,
}

/// Plans kept.
const PLANS: usize = 3_000;
/// Choices made in all.
const WORK: u64 = 10_000_000;
/// Choices made after a limit at which there were plans.
const AFTER_FIRST: u64 = 1_000_000;
/// Step of the limit.
const STEP: u64 = 110;
/// Most instructions.
const LONGEST: usize = 20;
/// Costs looked at before it gives up: so many instructions.
const DEAREST: u64 = 40 * STEP;

struct Search<'a> {
    graph: &'a Graph<'a>,
    limit: u64,
    plans: Vec<Plan>,
    /// Choices left, and made.
    work: u64,
    done: u64,
    /// Plans up to this cost were found with an earlier limit.
    above: Option<u64>,
    /// By value: the least cost of a chain of instructions that ends in it.
    chain: Vec<u64>,
    marks: Landmarks,
    stop: &'a dyn Fn() -> bool,
}

/// The plans whose costs are at most `slack` above the least, the cheapest first, and the choices made.
pub fn plans(graph: &Graph<'_>, slack: u64, stop: &dyn Fn() -> bool) -> (Vec<Plan>, u64) {
    let chain = chains(graph);
    let mut s = Search {
        graph,
        limit: 0,
        plans: Vec::new(),
        work: WORK,
        done: 0,
        above: None,
        chain,
        marks: Landmarks::new(graph),
        stop,
    };
    let outputs = &graph.found.outputs;
    let least = |o: &Vec<usize>| o.iter().map(|v| s.chain[*v]).min().unwrap_or(u64::MAX);
    let start = outputs.iter().map(least).max().unwrap_or(u64::MAX);
    if start == u64::MAX {
        return (Vec::new(), 0);
    }
    let mut choices: Vec<Vec<Value>> = vec![Vec::new()];
    for o in outputs {
        choices = choices
            .iter()
            .flat_map(|c| {
                o.iter().map(|v| {
                    let mut c = c.clone();
                    c.push(*v as Value);
                    c
                })
            })
            .take(64)
            .collect();
    }
    s.limit = start;
    let mut end = start + DEAREST;
    while s.limit <= end && s.work > 0 && !stop() {
        for outputs in &choices {
            let mut state = State::new(graph, outputs);
            state.required = outputs
                .iter()
                .fold(0, |m, v| m | s.marks.values[usize::from(*v)]);
            s.extend(&mut state);
        }
        if let Some(c) = s.plans.iter().map(|p| p.cost).min() {
            end = end.min(c + slack);
            if s.plans.len() >= PLANS {
                break;
            }
            s.work = s.work.min(AFTER_FIRST);
        }
        s.above = Some(s.limit);
        s.limit += STEP;
    }
    s.plans.sort_by_key(|p| p.cost);
    (s.plans, s.done)
}

/// By value: the least sum of costs along a chain that ends in it; the most for what cannot be made.
fn chains(graph: &Graph<'_>) -> Vec<u64> {
    let mut chain = vec![u64::MAX; graph.found.words.len()];
    for i in &graph.found.inputs {
        chain[*i] = 0;
    }
    let mut changed = true;
    while changed {
        changed = false;
        for n in &graph.nodes {
            let deepest = n.args.iter().map(|a| chain[*a as usize]).max().unwrap_or(0);
            if deepest == u64::MAX {
                continue;
            }
            for r in &n.results {
                if deepest + n.cost < chain[*r as usize] {
                    chain[*r as usize] = deepest + n.cost;
                    changed = true;
                }
            }
        }
    }
    chain
}

/// Words as bits: there are at most 64.
type Words = u64;

/// Words that every way to something goes through.
struct Landmarks {
    /// By value, itself included.
    values: Vec<Words>,
    /// By node: those of its operands and of its flags.
    nodes: Vec<Words>,
    /// By value: the least share of a node's cost that it can be charged.
    shares: Vec<u64>,
}

impl Landmarks {
    /// The greatest fixed point: of a word, what all its makers have in common.
    fn new(graph: &Graph<'_>) -> Landmarks {
        let n = graph.found.words.len();
        let bit = |v: usize| -> Words { 1u64.checked_shl(v as u32).unwrap_or(0) };
        let given = |v: usize| graph.found.inputs.contains(&v);
        let mut values: Vec<Words> = (0..n)
            .map(|v| if given(v) { bit(v) } else { Words::MAX })
            .collect();
        let mut conditions = vec![Words::MAX; graph.conditions.len()];
        let mut nodes = vec![Words::MAX; graph.nodes.len()];
        let mut changed = true;
        while changed {
            changed = false;
            let mut set = |to: &mut Words, m: Words| {
                changed |= *to != m;
                *to = m;
            };
            for (m, node) in nodes.iter_mut().zip(&graph.nodes) {
                let flags = node.needs.map_or(0, |c| conditions[c as usize]);
                let args = node.args.iter().fold(flags, |m, a| m | values[*a as usize]);
                set(m, args);
            }
            for (m, c) in conditions.iter_mut().zip(&graph.conditions) {
                let all = c.1.iter().fold(Words::MAX, |m, n| m & nodes[*n as usize]);
                set(m, all);
            }
            for (v, makers) in graph.makers.iter().enumerate() {
                if !given(v) {
                    let all = makers
                        .iter()
                        .fold(Words::MAX, |m, n| m & nodes[*n as usize]);
                    set(&mut values[v], all | bit(v));
                }
            }
        }
        let share = |makers: &Vec<u32>| {
            let of = |n: &u32| {
                let node = &graph.nodes[*n as usize];
                node.cost / node.results.len().max(1) as u64
            };
            makers.iter().map(of).min().unwrap_or(0)
        };
        let shares = graph.makers.iter().map(share).collect();
        Landmarks {
            values,
            nodes,
            shares,
        }
    }

    /// What the words that are required and not there cost at least.
    fn rest(&self, required: Words, have: &[bool]) -> u64 {
        let missing =
            |v: &usize| required.checked_shr(*v as u32).unwrap_or(0) & 1 == 1 && !have[*v];
        (0..have.len())
            .filter(missing)
            .map(|v| self.shares[v])
            .sum()
    }
}

struct State {
    nodes: Vec<u32>,
    flags: Vec<Option<usize>>,
    outputs: Vec<Value>,
    cost: u64,
    /// By value: given or made.
    have: Vec<bool>,
    /// Landmarks of everything chosen.
    required: Words,
    wanted: Vec<Value>,
    /// Nodes of the plan that still need flags.
    open: Vec<usize>,
}

impl State {
    fn new(graph: &Graph<'_>, outputs: &[Value]) -> State {
        let mut have = vec![false; graph.found.words.len()];
        for i in &graph.found.inputs {
            have[*i] = true;
        }
        let mut wanted: Vec<Value> = outputs
            .iter()
            .copied()
            .filter(|v| !have[*v as usize])
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        State {
            nodes: Vec::new(),
            flags: Vec::new(),
            outputs: outputs.to_vec(),
            cost: 0,
            have,
            required: 0,
            wanted,
            open: Vec::new(),
        }
    }
}

impl Search<'_> {
    fn extend(&mut self, s: &mut State) {
        if self.work == 0 || self.plans.len() >= PLANS || (self.stop)() {
            return;
        }
        self.work -= 1;
        self.done += 1;
        if let Some(consumer) = s.open.pop() {
            let need = self.graph.nodes[s.nodes[consumer] as usize].needs;
            let Some(need) = need else { return };
            let sources = &self.graph.conditions[need as usize].1;
            for source in sources {
                match s.nodes.iter().position(|n| n == source) {
                    Some(at) => {
                        s.flags[consumer] = Some(at);
                        self.extend(s);
                    }
                    None => {
                        s.flags[consumer] = Some(s.nodes.len());
                        self.with(s, *source);
                    }
                }
            }
            s.flags[consumer] = None;
            s.open.push(consumer);
            return;
        }
        // The word that takes longest first: what it is made of may give the others.
        let Some(at) = (0..s.wanted.len()).max_by_key(|i| self.chain[s.wanted[*i] as usize]) else {
            if self.above.is_none_or(|a| s.cost > a) && ordered(self.graph, s) {
                let plan = Plan {
                    nodes: s.nodes.clone(),
                    flags: s.flags.clone(),
                    outputs: s.outputs.clone(),
                    cost: s.cost,
                };
                if !self.plans.contains(&plan) {
                    self.plans.push(plan);
                }
            }
            return;
        };
        let v = s.wanted.swap_remove(at);
        if s.have[v as usize] {
            self.extend(s);
        } else {
            for n in &self.graph.makers[v as usize] {
                if !s.nodes.contains(n) {
                    self.with(s, *n);
                }
            }
        }
        s.wanted.push(v);
        let last = s.wanted.len() - 1;
        s.wanted.swap(at, last);
    }

    /// Goes on with one more node.
    fn with(&mut self, s: &mut State, n: u32) {
        let node = &self.graph.nodes[n as usize];
        let reachable = node
            .args
            .iter()
            .all(|a| self.chain[*a as usize] != u64::MAX);
        if !reachable || s.cost + node.cost > self.limit || s.nodes.len() >= LONGEST {
            return;
        }
        let required = s.required | self.marks.nodes[n as usize];
        let mut have = s.have.clone();
        for r in &node.results {
            have[*r as usize] = true;
        }
        if s.cost + node.cost + self.marks.rest(required, &have) > self.limit {
            return;
        }
        let (wanted, open) = (s.wanted.clone(), s.open.clone());
        let have = std::mem::replace(&mut s.have, have);
        let before = std::mem::replace(&mut s.required, required);
        for a in &node.args {
            if !have[*a as usize] && !s.wanted.contains(a) {
                s.wanted.push(*a);
            }
        }
        if node.needs.is_some() {
            s.open.push(s.nodes.len());
        }
        s.nodes.push(n);
        s.flags.push(None);
        s.cost += node.cost;
        self.extend(s);
        s.cost -= node.cost;
        s.flags.pop();
        s.nodes.pop();
        (s.wanted, s.open, s.have, s.required) = (wanted, open, have, before);
    }
}

/// Whether the nodes can be executed in some order.
fn ordered(graph: &Graph<'_>, s: &State) -> bool {
    let mut have = vec![false; graph.found.words.len()];
    for i in &graph.found.inputs {
        have[*i] = true;
    }
    let mut done = vec![false; s.nodes.len()];
    debug_assert!(s.nodes.len() <= loc::LOCS as usize);
    loop {
        let ready = |i: &usize| {
            let n = &graph.nodes[s.nodes[*i] as usize];
            !done[*i]
                && n.args.iter().all(|a| have[*a as usize])
                && s.flags[*i].is_none_or(|f| done[f])
        };
        let Some(i) = (0..s.nodes.len()).find(ready) else {
            return done.iter().all(|d| *d);
        };
        done[i] = true;
        for r in &graph.nodes[s.nodes[i] as usize].results {
            have[*r as usize] = true;
        }
    }
}
