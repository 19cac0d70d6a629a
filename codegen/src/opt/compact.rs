//! Renumbers a function: blocks in a given order, without the unreachable ones; values and instructions without gaps.
//!
//! Numbers matter: blocks created first are laid out first, the printed form can only be read back without gaps, and
//! everything later is sized by them.

use super::known::Known;
use crate::ir::{Block, Cfg, Function, InstId, Value, ValueData, ValueDef};

/// Rebuilds the function with its reachable blocks in this order; the entry must come first. Facts are renumbered too.
pub(super) fn compact(f: &mut Function, order: &[Block], known: &mut Known) {
    let cfg = Cfg::new(f);
    let order: Vec<Block> = order
        .iter()
        .copied()
        .filter(|&b| cfg.is_reachable(b))
        .collect();
    let mut block_of = vec![Block(u32::MAX); f.blocks.len()];
    for (n, b) in order.iter().enumerate() {
        block_of[b.index()] = Block(n as u32);
    }
    let mut value_of = vec![Value(u32::MAX); f.values.len()];
    let mut values = Vec::new();
    let mut insts = Vec::new();
    let mut blocks = Vec::with_capacity(order.len());
    for (n, b) in order.iter().enumerate() {
        let mut data = std::mem::take(&mut f.blocks[b.index()]);
        for (k, v) in data.params.iter_mut().enumerate() {
            value_of[v.index()] = Value(values.len() as u32);
            values.push(ValueData {
                ty: f.values[v.index()].ty,
                def: ValueDef::Param(Block(n as u32), k as u16),
            });
            *v = value_of[v.index()];
        }
        for id in &mut data.insts {
            let mut node = f.insts[id.index()].clone();
            *id = InstId(insts.len() as u32);
            let first = Value(values.len() as u32);
            for (k, v) in node.results().enumerate() {
                value_of[v.index()] = Value(values.len() as u32);
                values.push(ValueData {
                    ty: f.values[v.index()].ty,
                    def: ValueDef::Inst(*id, k as u16),
                });
            }
            node.first_result = first;
            insts.push(node);
        }
        blocks.push(data);
    }
    for node in &mut insts {
        node.inst.for_each_use_mut(|v| *v = value_of[v.index()]);
    }
    for term in blocks.iter_mut().flat_map(|b| &mut b.term) {
        term.for_each_use_mut(|v| *v = value_of[v.index()]);
        for t in term.targets_mut() {
            t.block = block_of[t.block.index()];
        }
    }
    f.blocks = blocks;
    f.insts = insts;
    f.values = values;
    known.renumber(f, |v| {
        let n = value_of[v.index()];
        (n.0 != u32::MAX).then_some(n)
    });
}
