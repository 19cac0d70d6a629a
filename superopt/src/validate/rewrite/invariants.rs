//! What holds of the parameters of loops whenever they are entered, as far as bounds of counters follow from it: comparisons with constants and with
//! values from in front of the loop.
//!
//! Candidates are guessed from the function's comparisons and all assumed; what some way into the loop does not hand on under that assumption goes, until
//! nothing goes any more (Flanagan and Leino, Houdini, an annotation assistant for ESC/Java, 2001). What is left holds together, by induction over the iterations.
//!
//! Beside it, what branches have decided: the condition of the only way that leads to a block, but for those back from it, holds in all blocks that that one
//! dominates, since what it is about is not computed anew before it is asked again.

use super::{Both, Duty};
use crate::report::verdict::Verdict;
use crate::validate::domain::Terms;
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

/// A comparison, with signs, that holds where a loop is entered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Invariant {
    parameter: Value,
    /// It is not above the other one; else not below.
    at_most: bool,
    other: Other,
}

/// Constants and values that are tried, at most.
const TRIED: usize = 12;

impl Both<'_> {
    /// What holds in a block, of its variables: conditions of branches and invariants of the loops around it. `without`: of this loop
    /// and those inside of it the invariants are not known yet.
    pub(super) fn holds(&mut self, b: Block, without: Option<Block>) -> Vec<TermId> {
        let mut out = Vec::new();
        let mut at = b;
        loop {
            let inner = without.is_some_and(|w| self.cfg.dominates(w, at));
            if self.is_loop(at) && !inner {
                let known = self.invariants(at);
                out.extend(known.iter().map(|i| self.claim(i)));
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

    fn is_loop(&self, b: Block) -> bool {
        let preds = self.cfg.preds(b);
        preds.iter().any(|p| self.cfg.dominates(b, *p))
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

    /// What holds wherever a loop is entered.
    fn invariants(&mut self, head: Block) -> Vec<Invariant> {
        if let Some(known) = self.invariants.get(&head) {
            return known.clone();
        }
        let mut left = self.candidates(head);
        let asked = std::mem::take(&mut self.judge.questions);
        // Those that the way into the loop does not give go first: nothing is assumed for them.
        let preds = self.cfg.preds(head).to_vec();
        let (again, first): (Vec<Block>, Vec<Block>) = preds
            .into_iter()
            .partition(|p| self.cfg.dominates(head, *p));
        for p in first {
            let given = self.holds(p, Some(head));
            left = self.handed_on(p, head, &left, &given);
        }
        loop {
            let before = left.len();
            for &p in &again {
                let mut given = self.holds(p, Some(head));
                given.extend(left.iter().map(|i| self.claim(i)).collect::<Vec<_>>());
                left = self.handed_on(p, head, &left, &given);
            }
            if left.len() == before {
                break;
            }
        }
        self.judge.questions = asked;
        self.invariants.insert(head, left.clone());
        left
    }

    /// Those that hold on the ways from one block to a loop.
    fn handed_on(
        &mut self,
        from: Block,
        head: Block,
        all: &[Invariant],
        given: &[TermId],
    ) -> Vec<Invariant> {
        let f = &self.r.before;
        let asked: Vec<Value> = all.iter().filter_map(|i| i.other.value()).collect();
        let (words, ways) = self.executed(from, &asked);
        let mut words = words.into_iter();
        let Both { d, judge, .. } = self;
        let mut out = Vec::new();
        for i in all {
            let other = match i.other {
                Other::Constant(n) => Some(d.constant(64, n as u64 as u128)),
                Other::Value(_) => words.next(),
            };
            let ValueDef::Param(_, n) = f.values[i.parameter.index()].def else {
                continue;
            };
            let held = ways.iter().filter(|way| way.to == head).all(|way| {
                let Some(other) = other else { return false };
                let claim = compared(d, i.at_most, way.args[n as usize], other);
                let yes = d.bit(true);
                let duty = Duty {
                    what: "an invariant".into(),
                    ssa: yes,
                    machine: claim,
                    path: vec![way.cond],
                };
                judge.decide(d, &duty, given).0 == Verdict::Proven
            });
            if held {
                out.push(*i);
            }
        }
        out
    }

    /// Comparisons that may hold of a loop's parameters.
    fn candidates(&self, head: Block) -> Vec<Invariant> {
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
                    Some(Inst::Iconst(n)) => near(&mut found, *n),
                    // Counters of several iterations in one are compared with a distance.
                    Some(Inst::Binary {
                        a, b: Opnd::Imm(n), ..
                    }) => {
                        compared.push(*a);
                        near(&mut found, i64::from(*n).saturating_neg());
                    }
                    _ => {}
                };
                see(a);
                match other {
                    Opnd::Imm(n) => near(&mut found, n.into()),
                    Opnd::Value(v) => see(v),
                }
                if let Opnd::Value(v) = other {
                    compared.push(v);
                }
                for v in compared {
                    own.entry(v).or_default().extend(&found);
                }
                constants.extend(found);
                let both = [
                    Some(a),
                    if let Opnd::Value(v) = other {
                        Some(v)
                    } else {
                        None
                    },
                ];
                for v in both.into_iter().flatten() {
                    let in_front = match f.values[v.index()].def {
                        ValueDef::Param(at, _) => at != head && self.cfg.dominates(at, head),
                        ValueDef::Inst(..) => self
                            .old_home
                            .get(&v)
                            .is_some_and(|at| *at != head && self.cfg.dominates(*at, head)),
                    };
                    if in_front
                        && f.ty(v) == Type::I64
                        && !f.def_inst(v).is_some_and(Inst::is_const)
                    {
                        others.insert(v);
                    }
                }
            }
        }
        let mut out = Vec::new();
        for &parameter in &f.blocks[head.index()].params {
            if f.ty(parameter) != Type::I64 {
                continue;
            }
            for at_most in [false, true] {
                // What it is compared with itself comes first.
                let own = own.get(&parameter).into_iter().flatten();
                let rest = constants.iter().filter(|n| !own.clone().any(|x| x == *n));
                let constants = own.clone().chain(rest);
                // From below, a counter is compared with small numbers.
                let constants = constants.filter(|n| at_most == (**n > 1));
                let others = others.iter().filter(|_| at_most).take(TRIED);
                let constants = constants.take(TRIED).map(|n| Other::Constant(*n));
                for other in constants.chain(others.map(|v| Other::Value(*v))) {
                    out.push(Invariant {
                        parameter,
                        at_most,
                        other,
                    });
                }
            }
        }
        out
    }
}

/// A constant and its neighbours, if it is one that a counter may be compared with.
fn near(constants: &mut BTreeSet<i64>, n: i64) {
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
