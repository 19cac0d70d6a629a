//! What holds of parameters whenever their blocks are entered, as far as bounds of counters follow from it: comparisons with constants and with
//! values from in front of them.
//!
//! A counter may go through several loops and what joins them: all parameters that get their values from one another, by copies and distances, are looked at
//! together. Candidates are guessed from the function's comparisons and all assumed; what some way to a parameter's block does not hand on under that assumption
//! goes, until nothing goes any more (Flanagan and Leino, Houdini, an annotation assistant for ESC/Java, 2001). What is left holds together, by induction over
//! the blocks that run.
//!
//! Beside it, what branches have decided: the condition of the only way that leads to a block, but for those back from it, holds in all blocks that that one
//! dominates, since what it is about is not computed anew before it is asked again.

use super::{Both, Duty};
use crate::report::verdict::Verdict;
use crate::validate::domain::Terms;
use crate::validate::near;
use crate::validate::ssa::{Effects, Way};
use std::collections::{BTreeMap, BTreeSet};
use trinity_codegen::ir::{Block, Cond, Inst, Opnd, Term, Type, Value, ValueDef, Width};
use trinity_codegen::isa::{CmpOp, Domain, TermId};

/// What a parameter is compared with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Other {
    Constant(i64),
    Value(Value),
}

impl Other {
    fn value(self) -> Option<Value> {
        match self {
            Other::Value(v) => Some(v),
            Other::Constant(_) => None,
        }
    }
}

/// A comparison, with signs, that holds where the block of a parameter is entered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Invariant {
    parameter: Value,
    /// It is not above the other one; else not below.
    at_most: bool,
    other: Other,
}

/// Values, and constants that it is not compared with, that are tried of a parameter, at most.
const TRIED: usize = 12;
/// Constants that it is compared with.
const TRIED_OWN: usize = 100;
/// Parameters that are looked at together, at most.
const MEMBERS: usize = 96;

/// What is claimed, by parameter.
pub(super) type Claims = BTreeMap<Value, Vec<Invariant>>;

impl Both<'_> {
    /// What holds in a block: conditions of branches, and invariants of the counters that these values are made of.
    pub(super) fn holds(&mut self, b: Block, about: &BTreeSet<Value>) -> Vec<TermId> {
        let counters = self.counters(about);
        let known = self.learn(&counters);
        self.given(b, &known)
    }

    /// Parameters that values are copies of, or have a distance from, and those that these get their values from.
    fn counters(&self, about: &BTreeSet<Value>) -> BTreeSet<Value> {
        let f = &self.r.before;
        let (mut seen, mut out) = (BTreeSet::new(), BTreeSet::new());
        let mut work: Vec<Value> = about.iter().rev().copied().collect();
        while let Some(v) = work.pop() {
            if !seen.insert(v) {
                continue;
            }
            match f.values[v.index()].def {
                ValueDef::Inst(..) => {
                    if let Some(Inst::Binary {
                        a, b: Opnd::Imm(_), ..
                    }) = f.def_inst(v)
                    {
                        work.push(*a);
                    }
                }
                // What a function is called with can be anything.
                ValueDef::Param(b, n) if Some(&b) != self.order.first() => {
                    if f.ty(v) != Type::I64 || out.len() == MEMBERS {
                        continue;
                    }
                    out.insert(v);
                    for q in self.cfg.preds(b) {
                        let term = f.blocks[q.index()].term.iter();
                        let ways = term.flat_map(|t| t.targets().filter(|t| t.block == b));
                        work.extend(ways.map(|t| t.args[n as usize]));
                    }
                }
                ValueDef::Param(..) => {}
            }
        }
        out
    }

    /// What holds in a block if all claims hold: those of parameters of it and of blocks that dominate it, and conditions.
    fn given(&mut self, b: Block, claims: &Claims) -> Vec<TermId> {
        let mut out = Vec::new();
        let mut at = b;
        loop {
            let params = &self.r.before.blocks[at.index()].params;
            for all in params.iter().filter_map(|p| claims.get(p)) {
                let others = all.iter().filter(|i| i.other.value().is_some());
                let others: Vec<Invariant> = others.copied().collect();
                let strongest = [false, true].into_iter();
                let strongest = strongest.filter_map(|m| bounds(all, m).first().copied());
                out.extend(strongest.chain(others).map(|i| self.claim(&i)));
            }
            // The only way there but for those that lead back from there.
            let ways = self.cfg.preds(at).iter().copied();
            let mut ways = ways.filter(|q| !self.cfg.dominates(at, *q));
            if let (Some(q), None) = (ways.next(), ways.next()) {
                out.extend(self.decided(q, at));
            }
            match self.cfg.idom(at) {
                Some(up) => at = up,
                None => return out,
            }
        }
    }

    /// The condition under which a block goes to another one, if it is about values alone.
    fn decided(&mut self, from: Block, to: Block) -> Option<TermId> {
        let term = self.r.before.blocks[from.index()].term.as_ref()?;
        let Term::BrIf { cond, then, els } = term else {
            return None;
        };
        if then.block == els.block || !matches!(cond, Cond::Icmp { .. } | Cond::Test { .. }) {
            return None;
        }
        let (state, d, vars) = self.entered();
        let exits = state.end(d, vars, term, &mut Effects::default());
        let mut exits = exits.into_iter();
        let found = exits.find(|e| matches!(&e.way, Way::Block(b, _) if *b == to));
        found.map(|e| e.cond)
    }

    /// An invariant of variables.
    fn claim(&mut self, i: &Invariant) -> TermId {
        let (mut state, d, vars) = self.entered();
        let x = state.value(d, vars, i.parameter)[0];
        let y = match i.other {
            Other::Constant(n) => d.constant(64, n as u64 as u128),
            Other::Value(v) => state.value(d, vars, v)[0],
        };
        compared(d, i.at_most, x, y)
    }

    /// What holds of counters.
    fn learn(&mut self, counters: &BTreeSet<Value>) -> Claims {
        if !counters.iter().all(|p| self.invariants.contains_key(p)) {
            let left = self.inductive(counters);
            self.invariants.extend(left);
        }
        let known = |p: &Value| Some((*p, self.invariants.get(p)?.clone()));
        counters.iter().filter_map(known).collect()
    }

    /// The candidates of parameters that hold together.
    fn inductive(&mut self, counters: &BTreeSet<Value>) -> Claims {
        let mut left = self.candidates(counters);
        let effort = self.judge.easier();
        loop {
            let mut gone = false;
            for &p in counters {
                let ValueDef::Param(b, _) = self.r.before.values[p.index()].def else {
                    continue;
                };
                for q in self.cfg.preds(b).to_vec() {
                    let all = left.remove(&p).unwrap_or_default();
                    left.insert(p, all.clone());
                    if all.is_empty() {
                        break;
                    }
                    let given = self.given(q, &left);
                    let kept = self.handed_on(q, b, &all, &given);
                    gone |= kept.len() < all.len();
                    left.insert(p, kept);
                }
            }
            if !gone {
                break;
            }
        }
        self.judge.effort = effort;
        left
    }

    /// Those that hold on the ways from one block to another.
    fn handed_on(
        &mut self,
        from: Block,
        to: Block,
        all: &[Invariant],
        given: &[TermId],
    ) -> Vec<Invariant> {
        let f = &self.r.before;
        let asked: Vec<Value> = all.iter().filter_map(|i| i.other.value()).collect();
        let (words, ways) = self.executed(from, &asked);
        let words: BTreeMap<Value, TermId> = asked.into_iter().zip(words).collect();
        let Both { d, judge, .. } = self;
        let mut holds = |i: &Invariant| {
            let ValueDef::Param(_, n) = f.values[i.parameter.index()].def else {
                return false;
            };
            let other = match i.other {
                Other::Constant(n) => d.constant(64, n as u64 as u128),
                Other::Value(v) => words[&v],
            };
            ways.iter().filter(|way| way.to == to).all(|way| {
                let yes = d.bit(true);
                let machine = compared(d, i.at_most, way.args[n as usize], other);
                let ways: Vec<TermId> = given.iter().copied().chain([way.cond]).collect();
                let duty = Duty {
                    what: "an invariant".into(),
                    ssa: yes,
                    machine,
                    // All that it should rest on.
                    path: near::near(&d.pool, &[machine], &ways),
                };
                judge.decide(d, &duty, &[]).0 == Verdict::Proven
            })
        };
        let mut out = Vec::new();
        for at_most in [false, true] {
            let bounds = bounds(all, at_most);
            // A weaker one follows from a stronger one.
            let (mut from, mut to) = (0, bounds.len());
            while from < to {
                let middle = (from + to) / 2;
                match holds(&bounds[middle]) {
                    true => to = middle,
                    false => from = middle + 1,
                }
            }
            out.extend(&bounds[from..]);
        }
        let others = all.iter().filter(|i| i.other.value().is_some());
        out.extend(others.filter(|i| holds(i)));
        out
    }

    /// Comparisons that may hold of parameters.
    fn candidates(&self, counters: &BTreeSet<Value>) -> Claims {
        let f = &self.r.before;
        let mut constants: BTreeSet<i64> = BTreeSet::from([0, 1]);
        // By value: those that it, or it with a distance, is compared with.
        let mut own: BTreeMap<Value, BTreeSet<i64>> = BTreeMap::new();
        let mut others: BTreeSet<Value> = BTreeSet::new();
        for &b in &self.order {
            let data = &f.blocks[b.index()];
            let insts = data.insts.iter().map(|id| &f.insts[id.index()].inst);
            let asked = insts.filter_map(|i| match i {
                Inst::BoolOf(c) | Inst::Select { cond: c, .. } => Some(c),
                _ => None,
            });
            let last = match &data.term {
                Some(Term::BrIf { cond, .. }) => Some(cond),
                _ => None,
            };
            for c in asked.chain(last) {
                let Cond::Icmp {
                    w: Width::W64,
                    a,
                    b: other,
                    ..
                } = *c
                else {
                    continue;
                };
                let mut found = BTreeSet::new();
                let mut compared = vec![a];
                let mut see = |v: Value| match f.def_inst(v) {
                    Some(Inst::Iconst(n)) => around(&mut found, *n),
                    // Counters of several iterations in one are compared with a distance.
                    Some(Inst::Binary {
                        a, b: Opnd::Imm(n), ..
                    }) => {
                        compared.push(*a);
                        around(&mut found, i64::from(*n).saturating_neg());
                    }
                    _ => {}
                };
                see(a);
                match other {
                    Opnd::Imm(n) => around(&mut found, n.into()),
                    Opnd::Value(v) => see(v),
                }
                if let Opnd::Value(v) = other {
                    compared.push(v);
                }
                for v in compared {
                    own.entry(v).or_default().extend(&found);
                }
                constants.extend(found);
                others.extend([a].into_iter().chain(match other {
                    Opnd::Value(v) => Some(v),
                    Opnd::Imm(_) => None,
                }));
            }
        }
        others.retain(|v| f.ty(*v) == Type::I64 && !f.def_inst(*v).is_some_and(Inst::is_const));
        // Those that they are compared with themselves, and a few more.
        let own: BTreeSet<i64> = counters
            .iter()
            .flat_map(|p| own.get(p))
            .flatten()
            .copied()
            .collect();
        let rest: BTreeSet<i64> = constants.difference(&own).copied().collect();
        let mut out = Claims::new();
        for &parameter in counters {
            let others = others.iter().filter(|v| self.in_front(**v, parameter));
            let others = others.take(TRIED).map(|v| Other::Value(*v));
            for at_most in [false, true] {
                // From below, a counter is compared with small numbers.
                let some = |of: &BTreeSet<i64>, most: usize| -> Vec<i64> {
                    let fit = of.iter().filter(|n| at_most == (**n > 1));
                    fit.take(most).copied().collect()
                };
                let constants = [some(&own, TRIED_OWN), some(&rest, TRIED)].concat();
                let constants = constants.into_iter().map(Other::Constant);
                let all = constants.chain(others.clone().filter(|_| at_most));
                out.entry(parameter)
                    .or_default()
                    .extend(all.map(|other| Invariant {
                        parameter,
                        at_most,
                        other,
                    }));
            }
        }
        out
    }

    /// Whether a value is of a block in front of a parameter's.
    fn in_front(&self, v: Value, parameter: Value) -> bool {
        let f = &self.r.before;
        let block = |v: Value| match f.values[v.index()].def {
            ValueDef::Param(b, _) => Some(b),
            ValueDef::Inst(..) => self.old_home.get(&v).copied(),
        };
        match (block(v), block(parameter)) {
            (Some(a), Some(b)) => a != b && self.cfg.dominates(a, b),
            _ => false,
        }
    }
}

/// Claims of a parameter about constants, each of them stronger than the next.
fn bounds(all: &[Invariant], at_most: bool) -> Vec<Invariant> {
    let mut out: Vec<(i64, Invariant)> = Vec::new();
    for i in all.iter().filter(|i| i.at_most == at_most) {
        if let Other::Constant(n) = i.other {
            out.push((if at_most { n } else { n.saturating_neg() }, *i));
        }
    }
    out.sort_unstable_by_key(|x| x.0);
    out.into_iter().map(|x| x.1).collect()
}

/// A constant and its neighbours, if it is one that a counter may be compared with.
fn around(constants: &mut BTreeSet<i64>, n: i64) {
    if (0..1 << 53).contains(&n) {
        constants.extend([n - 1, n, n + 1]);
    }
}

/// `x <= y`, or `x >= y`.
fn compared(d: &mut Terms<'_>, at_most: bool, x: TermId, y: TermId) -> TermId {
    let other = match at_most {
        true => d.cmp(CmpOp::Slt, &y, &x),
        false => d.cmp(CmpOp::Slt, &x, &y),
    };
    d.not(&other)
}
