//! An order, registers and copies for a set of instructions: every possibility within a number of copies.
//!
//! A state says which nodes are done, which word each register holds and whose flags are there. A node can be executed
//! when its operands are in registers (in the ones an instruction names, where it names them) and the flags it reads
//! are those of its source; it may overwrite words that nobody needs any more. States that were seen with as many
//! copies left are not entered again.

use super::super::loc::{self, Set};
use super::super::opset::OpSet;
use super::super::program::{Program, Slot};
use super::super::target::Target;
use super::nodes::{Form, Graph, Value};
use super::plan::Plan;
use super::shapes::{Place, Shape};
use iced_x86::Code;
use std::collections::HashMap;

/// Cost of a copy, in hundredths of a cycle.
pub const COPY: u64 = 110;
/// Nothing of use.
const JUNK: Value = Value::MAX;
/// Nobody's flags.
const NOBODY: u8 = u8::MAX;

/// What all plans of a target share.
pub struct Scheduler<'a> {
    t: &'a Target,
    graph: &'a Graph<'a>,
    copy: Option<u32>,
    start: [Value; 16],
    ops: &'a OpSet,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    done: u32,
    regs: [Value; 16],
    flags: [u8; 4],
}

struct Walk<'a> {
    s: &'a Scheduler<'a>,
    plan: &'a Plan,
    /// By node of the plan: the condition that its flags have to meet for others, at least.
    asked: Vec<Vec<u32>>,
    /// Registers that results or instructions name: not like the others.
    special: Set,
    seen: HashMap<State, usize>,
    code: Vec<Slot>,
    /// States that may be entered.
    states: usize,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Scheduler<'a> {
    /// For a target.
    pub fn new(t: &'a Target, ops: &'a OpSet, graph: &'a Graph<'a>) -> Scheduler<'a> {
        let code = if t.operation_width() == 32 {
            Code::Mov_r32_rm32
        } else {
            Code::Mov_r64_rm64
        };
        let copy = ops.variants.iter().position(|v| v.proto.code() == code);
        let mut start = [JUNK; 16];
        for (p, v) in t.inputs.iter().zip(&graph.found.inputs) {
            start[p.at as usize] = *v as Value;
        }
        Scheduler {
            t,
            graph,
            copy: copy.map(|v| v as u32),
            start,
            ops,
        }
    }

    /// A program with at most `copies` copies, and how many of at most `states` states were entered.
    pub fn schedule(
        &self,
        plan: &Plan,
        copies: usize,
        states: usize,
        stop: &dyn Fn() -> bool,
    ) -> (Option<Program>, usize) {
        let mut asked = vec![Vec::new(); plan.nodes.len()];
        for (n, source) in plan.flags.iter().enumerate() {
            if let (Some(s), Some(c)) = (source, self.graph.nodes[plan.nodes[n] as usize].needs) {
                asked[*s].push(c);
            }
        }
        let mut special = self.t.output_set();
        for n in &plan.nodes {
            for f in &self.graph.nodes[*n as usize].forms {
                let s = &self.graph.shapes[f.shape as usize];
                for p in s.reads.iter().chain(&s.writes) {
                    if let Place::Fixed(r) = p {
                        special |= loc::bit((*r).into());
                    }
                }
            }
        }
        let mut w = Walk {
            s: self,
            plan,
            asked,
            special,
            seen: HashMap::new(),
            code: Vec::new(),
            states,
            stop,
        };
        let start = State {
            done: 0,
            regs: self.start,
            flags: [NOBODY; 4],
        };
        let Some(start) = w.tidy(start) else {
            return (None, 0);
        };
        let found = w.walk(&start, copies);
        let entered = w.seen.len();
        (found.then_some(Program { slots: w.code }), entered)
    }
}

impl Walk<'_> {
    /// Whether a word is still needed as an operand or a result, apart from where.
    fn needed(&self, done: u32, v: Value) -> bool {
        let reads = |n: &u32| self.s.graph.nodes[*n as usize].args.contains(&v);
        self.plan.outputs.contains(&v)
            || (0..self.plan.nodes.len()).any(|i| done >> i & 1 == 0 && reads(&self.plan.nodes[i]))
    }

    /// The state without words that nobody needs; none when a needed word is lost.
    fn tidy(&self, mut s: State) -> Option<State> {
        for r in &mut s.regs {
            if *r != JUNK && !self.needed(s.done, *r) {
                *r = JUNK;
            }
        }
        let undone = |i: &usize| s.done >> i & 1 == 0;
        let coming = |v: Value| {
            (0..self.plan.nodes.len()).filter(undone).any(|i| {
                self.s.graph.nodes[self.plan.nodes[i] as usize]
                    .results
                    .contains(&v)
            })
        };
        let there = |v: Value| s.regs.contains(&v) || coming(v);
        let operands = (0..self.plan.nodes.len()).filter(undone).all(|i| {
            self.s.graph.nodes[self.plan.nodes[i] as usize]
                .args
                .iter()
                .all(|v| there(*v))
        });
        // Flags that somebody waits for must still be there or come.
        let flags = (0..self.plan.nodes.len()).filter(undone).all(|i| {
            self.plan.flags[i].is_none_or(|f| {
                s.done >> f & 1 == 0 || self.condition(i).iter().all(|k| s.flags[*k] == f as u8)
            })
        });
        let results = self.plan.outputs.iter().all(|v| there(*v));
        (operands && flags && results).then_some(s)
    }

    /// The flags that a node of the plan reads.
    fn condition(&self, i: usize) -> Vec<usize> {
        let needs = self.s.graph.nodes[self.plan.nodes[i] as usize].needs;
        needs.map_or(Vec::new(), |c| {
            self.s.graph.conditions[c as usize]
                .0
                .flags
                .iter()
                .map(|f| f.0)
                .collect()
        })
    }

    fn finished(&self, s: &State) -> bool {
        let all = (1u32 << self.plan.nodes.len()) - 1;
        let outputs = self.s.t.outputs.iter().zip(&self.plan.outputs);
        s.done == all && outputs.clone().all(|(p, v)| s.regs[p.at as usize] == *v)
    }

    /// Registers that may be written without loss once `keep` is all that is needed: all of the special ones, and one
    /// of the others.
    fn free(&self, regs: &[Value; 16], lost: &dyn Fn(Value) -> bool) -> Vec<u8> {
        let mut plain = false;
        (0..16u8)
            .filter(|r| {
                let own = loc::bit((*r).into());
                if self.s.t.scratch & own == 0 || *r == 4 {
                    return false;
                }
                let v = regs[*r as usize];
                let twice = regs.iter().filter(|x| **x == v).count() > 1;
                if v != JUNK && !twice && !lost(v) {
                    return false;
                }
                if v == JUNK && self.special & own == 0 {
                    return !std::mem::replace(&mut plain, true);
                }
                true
            })
            .collect()
    }

    fn walk(&mut self, s: &State, copies: usize) -> bool {
        if self.finished(s) {
            return true;
        }
        if self.seen.len() >= self.states || (self.stop)() {
            return false;
        }
        match self.seen.get_mut(s) {
            Some(c) if *c > copies => return false,
            Some(c) => *c = copies + 1,
            None => {
                self.seen.insert(s.clone(), copies + 1);
            }
        }
        for i in (0..self.plan.nodes.len()).filter(|i| s.done >> i & 1 == 0) {
            let node = &self.s.graph.nodes[self.plan.nodes[i] as usize];
            let ready = self.plan.flags[i].is_none_or(|f| {
                s.done >> f & 1 == 1 && self.condition(i).iter().all(|k| s.flags[*k] == f as u8)
            });
            if !ready || !node.args.iter().all(|a| s.regs.contains(a)) {
                continue;
            }
            for f in &node.forms {
                if self.asked[i].iter().all(|c| f.gives.contains(c)) && self.form(s, i, f, copies) {
                    return true;
                }
            }
        }
        let Some(copy) = self.s.copy.filter(|_| copies > 0) else {
            return false;
        };
        // Copies of words to where they may be needed.
        let mut words: Vec<Value> = s.regs.iter().copied().filter(|v| *v != JUNK).collect();
        words.sort_unstable();
        words.dedup();
        for v in words {
            let Some(from) = s.regs.iter().position(|x| *x == v) else {
                continue;
            };
            for to in self.free(&s.regs, &|_| false) {
                if s.regs[to as usize] == v {
                    continue;
                }
                let mut next = s.clone();
                next.regs[to as usize] = v;
                self.code.push(Slot {
                    v: copy,
                    r: [to, from as u8, 0, 0],
                });
                if self.tidy(next).is_some_and(|n| self.walk(&n, copies - 1)) {
                    return true;
                }
                self.code.pop();
            }
        }
        false
    }

    /// All registers for one form of a node.
    fn form(&mut self, s: &State, i: usize, f: &Form, copies: usize) -> bool {
        let graph = self.s.graph;
        let shape = &graph.shapes[f.shape as usize];
        let idle = shape.clears && f.args.len() == 2 && f.args[0] == f.args[1];
        // Where the operands are read.
        let mut reads: Vec<Vec<(u8, u8)>> = vec![Vec::new()];
        if !idle {
            for (p, v) in shape.reads.iter().zip(&f.args) {
                let places: Vec<(u8, u8)> = match p {
                    Place::Fixed(r) if s.regs[*r as usize] == *v => vec![(u8::MAX, *r)],
                    Place::Fixed(_) => Vec::new(),
                    Place::Hole(k) => (0..16u8)
                        .filter(|r| s.regs[*r as usize] == *v)
                        .map(|r| (*k, r))
                        .collect(),
                };
                reads = reads
                    .iter()
                    .flat_map(|c| {
                        places.iter().map(|p| {
                            let mut c = c.clone();
                            c.push(*p);
                            c
                        })
                    })
                    .collect();
            }
        }
        let done = s.done | 1 << i;
        for choice in reads {
            let mut r = [u8::MAX; 4];
            for (k, reg) in &choice {
                if *k != u8::MAX {
                    r[*k as usize] = *reg;
                }
            }
            if self.writes(s, (i, done), (shape, f), r, idle, copies) {
                return true;
            }
        }
        false
    }

    /// All registers for the results that replace what was there.
    fn writes(
        &mut self,
        s: &State,
        (i, done): (usize, u32),
        (shape, f): (&Shape, &Form),
        r: [u8; 4],
        idle: bool,
        copies: usize,
    ) -> bool {
        let open = shape.writes.iter().find_map(|p| match p {
            Place::Hole(k) if r[*k as usize] == u8::MAX => Some(*k as usize),
            _ => None,
        });
        if let Some(k) = open {
            let lost = |v: Value| !self.needed(done, v);
            for reg in self.free(&s.regs, &lost) {
                let taken = shape.writes.iter().any(|p| match p {
                    Place::Hole(j) => r[*j as usize] == reg,
                    Place::Fixed(x) => *x == reg,
                });
                if taken {
                    continue;
                }
                let mut r = r;
                r[k] = reg;
                if idle {
                    r[..2].fill(reg);
                }
                if self.writes(s, (i, done), (shape, f), r, idle, copies) {
                    return true;
                }
            }
            return false;
        }
        let mut next = s.clone();
        next.done = done;
        for (p, result) in shape.writes.iter().zip(&f.results) {
            let reg = match p {
                Place::Hole(k) => r[*k as usize],
                Place::Fixed(x) => *x,
            };
            if self.s.t.scratch & loc::bit(reg.into()) == 0 {
                return false;
            }
            next.regs[reg as usize] = result.unwrap_or(JUNK);
        }
        for k in &shape.flag_writes {
            next.flags[*k] = if self.asked[i].is_empty() {
                NOBODY
            } else {
                i as u8
            };
        }
        let holes = self.s.ops.variants[shape.variant as usize].holes.len();
        let mut regs = [0; 4];
        regs[..holes].copy_from_slice(&r[..holes]);
        if regs[..holes].contains(&u8::MAX) {
            return false;
        }
        self.code.push(Slot {
            v: shape.variant,
            r: regs,
        });
        if self.tidy(next).is_some_and(|n| self.walk(&n, copies)) {
            return true;
        }
        self.code.pop();
        false
    }
}
