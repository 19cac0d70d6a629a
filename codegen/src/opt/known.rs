//! What one pass found out of block parameters for those behind it: facts that the graph no longer shows after peeling.
//!
//! A fact holds wherever its parameter is defined, and of every copy of it. Facts about values that are gone are dropped.

use super::hash::FastMap;
use crate::ir::{Function, Value, ValueDef};

/// Facts of one parameter.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    /// Bounds as a signed integer.
    pub lo: i64,
    pub hi: i64,
    /// Its possible orders (a mask of `gvn/conds.rs`) against a value that is defined above.
    pub orders: Vec<(Value, u8)>,
}

/// Facts by parameter.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(FastMap<Value, Fact>);

impl Known {
    /// What is known of a parameter.
    pub(super) fn get(&self, param: Value) -> Option<&Fact> {
        self.0.get(&param)
    }

    fn entry(&mut self, param: Value) -> &mut Fact {
        self.0.entry(param).or_insert(Fact {
            lo: i64::MIN,
            hi: i64::MAX,
            orders: Vec::new(),
        })
    }

    /// Learns bounds.
    pub(super) fn bound(&mut self, param: Value, lo: i64, hi: i64) {
        let fact = self.entry(param);
        fact.lo = fact.lo.max(lo);
        fact.hi = fact.hi.min(hi);
    }

    /// Learns orders against another value.
    pub(super) fn order(&mut self, param: Value, other: Value, mask: u8) {
        let orders = &mut self.entry(param).orders;
        match orders.iter_mut().find(|o| o.0 == other) {
            Some(o) => o.1 &= mask,
            None => orders.push((other, mask)),
        }
    }

    /// Gives copies of parameters the same facts.
    pub(super) fn copy(&mut self, copies: impl Iterator<Item = (Value, Value)>) {
        for (old, new) in copies {
            if let Some(fact) = self.0.get(&old).cloned() {
                self.0.insert(new, fact);
            }
        }
    }

    /// Renumbers; what has no new number is dropped.
    pub(super) fn renumber(&mut self, f: &Function, new: impl Fn(Value) -> Option<Value>) {
        let old = std::mem::take(&mut self.0);
        for (v, mut fact) in old {
            fact.orders
                .retain_mut(|(w, _)| new(*w).map(|n| *w = n).is_some());
            if let Some(n) = new(v)
                && matches!(f.values[n.index()].def, ValueDef::Param(..))
            {
                self.0.insert(n, fact);
            }
        }
    }
}
