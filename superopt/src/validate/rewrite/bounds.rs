//! How many low bits of values can be set, where a proof rests on it: of a parameter by what all blocks hand it, of another value by what it is computed from.

use super::{Both, Duty};
use crate::proof::rebuild::Rewriter;
use crate::report::verdict::Verdict;
use std::collections::{BTreeSet, HashSet};
use trinity_codegen::ir::{Block, Value, ValueDef};
use trinity_codegen::isa::{Domain, TermId};

impl Both<'_> {
    /// The values that a duty is about of which is known that they are short, and the duty with words of so few bits in their places.
    pub(super) fn short(&mut self, duty: &Duty) -> (Vec<Value>, Duty) {
        let roots = duty.roots();
        let bits = &self.r.bits;
        let mut short = self.reached(duty);
        short.retain(|(v, _)| bits.get(v.index()).is_some_and(|n| *n < 64));
        let mut rewriter = Rewriter::default();
        for (v, t) in &short {
            let word = match u32::from(bits[v.index()]) {
                0 => self.d.constant(64, 0),
                n => {
                    let word = self.d.pool.var(&format!("short{}", v.0), n);
                    self.d.zext(&word, 64)
                }
            };
            rewriter.set(*t, word);
        }
        rewriter.run(&mut self.d.pool, &roots, &mut |_, _, made| made);
        let duty = duty.of(|t| rewriter.get(t));
        (short.into_iter().map(|x| x.0).collect(), duty)
    }

    /// The values that a duty is about, with their words.
    fn reached(&self, duty: &Duty) -> Vec<(Value, TermId)> {
        let roots = duty.roots();
        let reached: HashSet<TermId> = self.d.pool.reachable(&roots).into_iter().collect();
        let mut out: Vec<(Value, TermId)> = self.vars.words().collect();
        out.retain(|(_, t)| reached.contains(t));
        out.sort_unstable();
        out
    }

    fn about(&self, duty: &Duty) -> BTreeSet<Value> {
        self.reached(duty).into_iter().map(|x| x.0).collect()
    }

    /// Proves how many bits values have, and what that rests on.
    pub(super) fn prove_bounds(&mut self, wanted: BTreeSet<Value>) {
        let mut work: Vec<Value> = wanted.into_iter().collect();
        while let Some(v) = work.pop() {
            if self.bounds.contains_key(&v) {
                continue;
            }
            // While it is not proven it is what others may rest on: an induction over the blocks that run.
            self.bounds.insert(v, Verdict::Proven);
            let mut all = Verdict::Proven;
            for (b, duty) in self.of_bound(v) {
                let mut duty = duty;
                let mut verdict = self.bounded(&duty, v, &mut work);
                if verdict != Verdict::Proven {
                    // With what is known of the ways there.
                    let about = self.about(&duty);
                    let holds = self.holds(b, &about);
                    duty.path.extend(holds);
                    verdict = self.bounded(&duty, v, &mut work);
                }
                if verdict != Verdict::Proven && all != Verdict::Refuted {
                    all = verdict;
                }
            }
            self.bounds.insert(v, all);
        }
    }

    /// Decides a duty of a value's bound; what it rests on is to be proven, too.
    fn bounded(&mut self, duty: &Duty, v: Value, work: &mut Vec<Value>) -> Verdict {
        let (short, duty) = self.short(duty);
        let verdict = match self.proven_undivided(&duty) {
            true => Verdict::Proven,
            false => self.judge.decide(&mut self.d, &duty, &[]).0,
        };
        if verdict == Verdict::Proven {
            self.rests.entry(v).or_default().extend(&short);
            work.extend(short);
        }
        verdict
    }

    /// What must be so that a value is as short as was believed: of each way that it gets a value.
    fn of_bound(&mut self, v: Value) -> Vec<(Block, Duty)> {
        let f = &self.r.before;
        let mut terms: Vec<(Block, TermId, Vec<TermId>)> = Vec::new();
        match f.values[v.index()].def {
            ValueDef::Inst(id, _) => {
                let mut blocks = self.order.iter().copied();
                if let Some(b) = blocks.find(|b| f.blocks[b.index()].insts.contains(&id)) {
                    let (words, _) = self.executed(b, &[v]);
                    terms.push((b, words[0], Vec::new()));
                }
            }
            // What a function is called with.
            ValueDef::Param(b, _) if Some(&b) == self.order.first() => {
                let (words, _) = self.executed(b, &[v]);
                terms.push((b, words[0], Vec::new()));
            }
            ValueDef::Param(b, n) => {
                for q in self.cfg.preds(b).to_vec() {
                    let (_, ways) = self.executed(q, &[]);
                    let here = ways.into_iter().filter(|way| way.to == b);
                    terms.extend(here.map(|way| (q, way.args[n as usize], vec![way.cond])));
                }
            }
        }
        let n = u32::from(self.r.bits[v.index()]);
        let d = &mut self.d;
        let zero = d.constant(64 - n, 0);
        let duty = |(q, t, path): (Block, TermId, Vec<TermId>)| {
            let duty = Duty {
                what: format!("the bits of {v}"),
                ssa: zero,
                machine: d.extract(&t, n, 64 - n),
                path,
            };
            (q, duty)
        };
        terms.into_iter().map(duty).collect()
    }
}
