//! When registers are written to their home slots before somebody looks.
//!
//! Cold code (slow paths, failed guards) writes what home slots lack, so that the main path need not. Each piece of it has the stores of all
//! such registers: in straight code, where many slow paths pass between two calls, that is most of the machine code. So a register that a few
//! pieces of cold code have stored is stored on the main path, once. Loops without calls, and what a profile says is hot, keep their values in
//! machine registers: there stores would cost time in each iteration.

use super::func::Lowering;
use super::graph::{Graph, NodeId};
use super::spec::SeenSite;
use super::state::Payload;

/// Pieces of cold code that store a register before the main path does.
const COLD_STORES: u8 = 1;
/// Part of all the instructions executed in training from which on one is hot.
const HOT: f64 = 1e-4;

/// The nodes of the natural loop with this header: what reaches its back edges without passing it.
pub(super) fn natural_loop(g: &Graph, header: NodeId) -> Vec<bool> {
    let mut inside = vec![false; g.nodes.len()];
    inside[header.index()] = true;
    let mut work: Vec<NodeId> = g.nodes[header.index()]
        .preds
        .iter()
        .copied()
        .filter(|&n| g.is_back(n, header))
        .collect();
    while let Some(n) = work.pop() {
        if !std::mem::replace(&mut inside[n.index()], true) {
            work.extend(&g.nodes[n.index()].preds);
        }
    }
    inside
}

impl Lowering<'_> {
    /// Cold code stores the register in this slot; it is counted.
    pub(super) fn count_cold_store(&mut self, slot: usize) {
        if self.cold_stores.len() <= slot {
            self.cold_stores.resize(slot + 1, 0);
        }
        self.cold_stores[slot] = self.cold_stores[slot].saturating_add(1);
    }

    /// The register in this slot has a new value.
    pub(super) fn forget_cold_stores(&mut self, slot: usize) {
        if let Some(n) = self.cold_stores.get_mut(slot) {
            *n = 0;
        }
    }

    /// The present instruction is in a loop without calls, or a profile says that it runs often.
    pub(super) fn is_hot_here(&self) -> bool {
        let runs = |s: &SeenSite| s.count as f64;
        self.frame().tight[self.node.index()]
            || self.spec().site(self.pc).map_or(0.0, runs) > HOT * self.module.executed
    }

    /// The present instruction is in a loop, or a profile says that it runs often.
    pub(super) fn is_looped_here(&self) -> bool {
        self.frame().looped[self.node.index()] || self.is_hot_here()
    }

    /// Writes the registers to their home slots that cold code has stored already. Only on the main path.
    pub(super) fn settle(&mut self) {
        if self.is_hot_here() {
            return;
        }
        for depth in 0..self.state.len() {
            let live = match self.frames.get(depth + 1) {
                None => *self.frame().live.live_at(self.pc as usize),
                Some(callee) => *self.frames[depth].live.live_across(callee.call_pc as usize),
            };
            let offset = self.frames[depth].offset;
            for r in live.iter() {
                let reg = self.state[depth][r];
                let n = self.cold_stores.get(offset + r).copied().unwrap_or(0);
                let computed = matches!(reg.p, Payload::Count { .. } | Payload::Virtual(_));
                if reg.home || reg.tags.is_none() || computed || n < COLD_STORES {
                    continue;
                }
                self.store(reg, offset + r);
                self.state[depth][r].home = true;
            }
        }
    }
}
