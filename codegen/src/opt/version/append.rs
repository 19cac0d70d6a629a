//! Versions of loops that append: the check on the length fails in every iteration, for each index is the one behind the last element.
//!
//! If the length is the index less one where the loop is entered, if each iteration stores the index as the length, once its check failed,
//! and if the counter steps by one, then that is so in all iterations: the length need not be loaded, and what stays is to store it.

use super::{Check, Counter, Step, View};
use crate::ir::{Addr, Base, Block, Inst, LoadKind, Region, Value, Width};
use crate::opt::hash::FastMap;

/// A length that follows the counter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grows {
    /// What the loop loads.
    pub length: Value,
    pub addr: Addr,
    /// It is the counter and this.
    pub offset: i64,
}

impl View<'_> {
    /// Lengths that may follow the counter.
    pub(super) fn growing(&self, counter: Counter, inside: &FastMap<Value, ()>) -> Vec<Grows> {
        let mut found: Vec<Grows> = Vec::new();
        if counter.step != Step::Const(1) {
            return found;
        }
        for &b in &self.l.blocks {
            let Some(c) = self.check(b, counter.param, inside) else {
                continue;
            };
            let Some(&Inst::Load {
                kind: LoadKind::U32,
                addr,
            }) = self.f.def_inst(c.length)
            else {
                continue;
            };
            let steady = matches!(addr.base, Base::Value(v) if !inside.contains_key(&v));
            let other_way = self
                .f
                .targets(b)
                .all(|t| self.loops.contains(self.n, t.block));
            let fits = steady && addr.index.is_none() && addr.region == Region::Array && other_way;
            if fits && c.base.is_none() && inside.contains_key(&c.length) {
                found.push(Grows {
                    length: c.length,
                    addr,
                    offset: c.offset,
                });
            }
        }
        found
    }

    /// Whether an instruction makes the length what it is to be in the next iteration.
    pub(super) fn grows(
        &self,
        inst: &Inst,
        g: &Grows,
        counter: Counter,
        inside: &FastMap<Value, ()>,
    ) -> bool {
        match *inst {
            Inst::Store {
                w: Width::W32,
                addr,
                val,
            } => {
                let index = self.index(val, counter.param, inside, super::DEPTH);
                addr == g.addr && index == Some((None, g.offset + 1))
            }
            _ => false,
        }
    }

    /// Whether every way through these blocks back to the header passes a store of the length, and a check that fails before it.
    pub(super) fn always_grows(
        &self,
        body: &[Block],
        stores: &[Block],
        checks: &[Check],
        g: &Grows,
    ) -> bool {
        let checked = |s: &Block| {
            let own = checks.iter().filter(|c| c.length == g.length);
            own.clone().count() == 1
                && own
                    .clone()
                    .all(|c| self.cfg.dominates(c.block, *s) && c.block != *s)
        };
        if stores.is_empty() || !stores.iter().all(checked) {
            return false;
        }
        // Blocks that are reached without a store; those of the loop are in reverse postorder.
        let mut without: Vec<Block> = Vec::new();
        for &b in body {
            let from = |q: &Block| {
                let leads = match checks.iter().find(|c| c.block == *q) {
                    Some(c) => super::passed(self.f, c).block == b,
                    None => true,
                };
                without.contains(q) && leads
            };
            let reached = b == self.l.header || self.cfg.preds(b).iter().any(from);
            if reached && !stores.contains(&b) {
                without.push(b);
            }
        }
        !self.l.latches.iter().any(|q| without.contains(q))
    }

    /// Whether a store of the length leaves what is loaded from here: another field, of whatever table.
    pub(super) fn is_apart(addr: &Addr, g: &Grows) -> bool {
        addr.index.is_none() && addr.disp.abs_diff(g.addr.disp) >= 8
            || addr.base == g.addr.base && addr.disp.abs_diff(g.addr.disp) >= 4
    }
}
