//! A pass from outside: better code for what blocks compute purely, by means that this crate must not depend on (the e-graph
//! of the superoptimizer). This crate says when it runs, and where its instructions go.

use super::Replace;
use super::known::Known;
use super::loops::Loops;
use super::narrow;
use crate::ir::{Block, Cfg, Cond, Function, Inst, InstId, Term, Value, ValueDef};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// A pass over the pure parts of blocks.
pub trait RegionPass: fmt::Debug + Send + Sync {
    /// Improves a function in place; gives the number of regions changed. Same function, same result.
    fn run(&self, f: &mut Function, facts: &Facts) -> u32;
}

/// What is known of the function.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// By block: how many loops are around it; `None` for blocks that are not reached.
    pub depth: Vec<Option<u32>>,
    /// By value: how many of its low bits can be set, wherever it is defined; 64 for what is no integer.
    pub bits: Vec<u8>,
}

/// Runs it.
pub(super) fn run(f: &mut Function, pass: &dyn RegionPass, known: &Known) -> u32 {
    let facts = Facts::knowing(f, known);
    pass.run(f, &facts)
}

impl Facts {
    /// Of a function.
    pub fn of(f: &Function) -> Facts {
        Facts::knowing(f, &Known::default())
    }

    /// Of a function of whose parameters something is known.
    fn knowing(f: &Function, known: &Known) -> Facts {
        let cfg = Cfg::new(f);
        let loops = Loops::new(&cfg, f.blocks.len());
        let mut depth = vec![None; f.blocks.len()];
        for &b in &cfg.rpo {
            let mut around = 0;
            let mut l = loops.innermost(b);
            while let Some(n) = l {
                around += 1;
                l = loops.parent(n);
            }
            depth[b.index()] = Some(around);
        }
        let bits = narrow::bounds(f, &cfg, known);
        Facts { depth, bits }
    }
}

impl Plan {
    /// The values that the new code reads.
    pub fn reads(&self, f: &Function) -> Vec<Value> {
        let mut out = Vec::new();
        for id in &self.added {
            f.insts[id.index()].inst.for_each_use(|v| out.push(v));
        }
        if let Some(c) = &self.cond {
            c.for_each_use(&mut |v| out.push(v));
        }
        out
    }

    /// The block whose code it is.
    pub fn block(&self) -> Block {
        self.block
    }

    /// By value: the one that stands for it from now on.
    pub fn map(&self) -> impl Iterator<Item = (Value, Value)> {
        self.map.iter().map(|(old, new)| (*old, *new))
    }

    /// Whether a value is another one from now on.
    pub fn replaces(&self, v: Value) -> bool {
        self.map.contains_key(&v)
    }
}

/// New code for values of a block: where it goes, and what it makes needless.
#[derive(Clone, Debug)]
pub struct Plan {
    block: Block,
    /// The block's instructions from now on.
    order: Vec<InstId>,
    /// New values by old ones.
    map: HashMap<Value, Value>,
    /// The condition that the block ends with from now on, where it is another.
    cond: Option<Cond>,
    /// Instructions that nothing needs any more.
    pub removed: Vec<InstId>,
    /// Instructions that stand in the block now.
    pub added: Vec<InstId>,
}

/// Plans to compute some values of a block by other instructions: `made` are these, in no block yet, pure, operands before
/// users; `map` says which value is now which; `cond` is what the block's branch asks instead. `outside` tells which values other blocks use.
/// Each new instruction goes in front of the first that needs it, or the one whose result it stands for, whichever comes
/// first. `None`: one would need a value that comes later.
pub fn plan(
    f: &Function,
    block: Block,
    made: &[InstId],
    map: HashMap<Value, Value>,
    cond: Option<Cond>,
    outside: &dyn Fn(Value) -> bool,
) -> Option<Plan> {
    let data = &f.blocks[block.index()];
    let new: HashSet<InstId> = made.iter().copied().collect();
    let mapped = |v: Value| map.get(&v).copied().unwrap_or(v);
    // What the block's end needs.
    let mut last: Vec<Value> = Vec::new();
    if let Some(term) = &data.term {
        match (&cond, term) {
            (Some(cond), Term::BrIf { then, els, .. }) => {
                cond.for_each_use(&mut |v| last.push(v));
                last.extend(then.args.iter().chain(&els.args).map(|v| mapped(*v)));
            }
            _ => term.for_each_use(|v| last.push(mapped(v))),
        }
    }
    let mut leave: Vec<Value> = Vec::new();
    for id in &data.insts {
        let results = f.insts[id.index()].results();
        leave.extend(results.filter(|v| outside(*v)).map(mapped));
    }
    // What is needed, from the end to the beginning.
    let mut needed: HashSet<Value> = last.iter().chain(&leave).copied().collect();
    let need = |id: InstId, needed: &mut HashSet<Value>| {
        let node = &f.insts[id.index()];
        let used = node.inst.has_effect()
            || matches!(node.inst, Inst::Assume(_))
            || node.results().any(|v| needed.contains(&v));
        if used {
            node.inst.for_each_use(|v| {
                needed.insert(mapped(v));
            });
        }
        used
    };
    // New instructions may need old ones, and old ones new ones: until nothing changes.
    let mut kept: HashSet<InstId> = HashSet::new();
    loop {
        let before = kept.len();
        for id in made.iter().rev().chain(data.insts.iter().rev()) {
            if !kept.contains(id) && need(*id, &mut needed) {
                kept.insert(*id);
            }
        }
        if kept.len() == before {
            break;
        }
    }
    let mut place = Placing {
        f,
        block,
        new: &new,
        done: HashSet::new(),
        order: Vec::with_capacity(data.insts.len() + made.len()),
        added: Vec::new(),
        needs: HashMap::new(),
    };
    let mut removed = Vec::new();
    let overflow = |c: &Cond| matches!(c, Cond::Overflow(_));
    for (n, id) in data.insts.iter().enumerate() {
        if !kept.contains(id) {
            removed.push(*id);
            // What stands for it comes where it stood, if that can be: what is computed in turns stays so, and what
            // few registers hold is not held longer. If not, it comes when it is needed.
            for v in f.insts[id.index()].results() {
                let Some(&new) = map.get(&v) else { continue };
                let wanted = matches!(f.values[new.index()].def, ValueDef::Inst(id, _) if kept.contains(&id));
                if wanted && !place.is_step(new) {
                    place.value(new);
                }
            }
            continue;
        }
        let node = &f.insts[id.index()];
        let mut uses = Vec::new();
        node.inst.for_each_use(|v| uses.push(mapped(v)));
        // Nothing may come between an operation and the question whether it overflowed.
        if matches!(node.inst, Inst::Overflow { .. }) {
            let constant = |id: &&InstId| f.insts[id.index()].inst.is_const();
            let next = data.insts[n + 1..].iter().find(|id| !constant(id));
            match next.map(|id| &f.insts[id.index()].inst) {
                Some(i @ (Inst::BoolOf(c) | Inst::Select { cond: c, .. })) if overflow(c) => {
                    i.for_each_use(|v| uses.push(mapped(v)));
                }
                None if matches!(&data.term, Some(Term::BrIf { cond, .. }) if overflow(cond)) => {
                    uses.extend(&last);
                    uses.extend(&leave);
                }
                _ => {}
            }
            uses.retain(|v| *v != node.first_result);
        }
        for v in uses {
            place.value(v)?;
        }
        place.done.insert(*id);
        place.order.push(*id);
    }
    for v in last.into_iter().chain(leave) {
        place.value(v)?;
    }
    let Placing { order, added, .. } = place;
    Some(Plan {
        block,
        order,
        map,
        cond,
        removed,
        added,
    })
}

struct Placing<'a> {
    f: &'a Function,
    block: Block,
    new: &'a HashSet<InstId>,
    done: HashSet<InstId>,
    order: Vec<InstId>,
    added: Vec<InstId>,
    /// What [`Placing::registers`] found.
    needs: HashMap<Value, u8>,
}

impl Placing<'_> {
    /// Sees to it that a value is there; `None`: it comes later.
    fn value(&mut self, v: Value) -> Option<()> {
        let ValueDef::Inst(id, _) = self.f.values[v.index()].def else {
            return Some(());
        };
        if self.done.contains(&id) {
            return Some(());
        }
        let inst = &self.f.insts[id.index()].inst;
        if !self.new.contains(&id) {
            let here = self.f.blocks[self.block.index()].insts.contains(&id);
            return (!here).then_some(());
        }
        let mut uses = Vec::new();
        inst.for_each_use(|u| uses.push(u));
        // The one that takes more registers on the way comes first, when the others hold none yet.
        let mut needs: Vec<(u8, Value)> = uses.iter().map(|u| (self.registers(*u), *u)).collect();
        needs.sort_by_key(|n| std::cmp::Reverse(n.0));
        for (_, u) in needs {
            self.value(u)?;
        }
        self.done.insert(id);
        self.order.push(id);
        self.added.push(id);
        Some(())
    }

    /// Whether a value is one operation on one that is there, as the next value of a counter: before the last use of that it
    /// takes a register more.
    fn is_step(&self, v: Value) -> bool {
        let ValueDef::Inst(id, _) = self.f.values[v.index()].def else {
            return false;
        };
        let (mut there, mut other) = (0, 0);
        self.f.insts[id.index()]
            .inst
            .for_each_use(|u| match self.f.values[u.index()].def {
                ValueDef::Inst(id, _) if self.f.insts[id.index()].inst.is_const() => {}
                ValueDef::Inst(id, _) if self.new.contains(&id) && !self.done.contains(&id) => {
                    other += 1;
                }
                _ => there += 1,
            });
        there == 1 && other == 0
    }

    /// How many registers it takes to compute a value (Sethi and Ullman, The generation of optimal code for arithmetic
    /// expressions, 1970): none for what is there, and as if nothing were used twice.
    fn registers(&mut self, v: Value) -> u8 {
        let ValueDef::Inst(id, _) = self.f.values[v.index()].def else {
            return 0;
        };
        let inst = &self.f.insts[id.index()].inst;
        if inst.is_const() || !self.new.contains(&id) || self.done.contains(&id) {
            return 0;
        }
        if let Some(n) = self.needs.get(&v) {
            return *n;
        }
        let mut uses = Vec::new();
        inst.for_each_use(|u| uses.push(u));
        let mut needs: Vec<u8> = uses.into_iter().map(|u| self.registers(u)).collect();
        needs.sort_by_key(|n| std::cmp::Reverse(*n));
        let held = needs.iter().zip(0u8..);
        let most = held.map(|(n, before)| n.saturating_add(before)).max();
        let n = most.unwrap_or(0).max(1);
        self.needs.insert(v, n);
        n
    }
}

/// Carries plans out.
pub fn commit(f: &mut Function, plans: Vec<Plan>) {
    let mut replace = Replace::new(f);
    for plan in plans {
        let data = &mut f.blocks[plan.block.index()];
        data.insts = plan.order;
        if let (Some(new), Some(Term::BrIf { cond, .. })) = (plan.cond, &mut data.term) {
            *cond = new;
        }
        for (old, new) in plan.map {
            replace.set(old, new);
        }
    }
    replace.apply(f);
}
