//! Block order and critical edges.
//!
//! Hot blocks keep their creation order, cold ones follow. Every edge that leaves a block with several successors and
//! either carries arguments or enters a block with several predecessors gets a block of its own: the allocator needs
//! a place for the edge's moves. Emission drops those that stay empty.

use crate::ir::{Block, BlockCall, Function};

/// Where a machine block comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Origin {
    Block(Block),
    /// The n-th outgoing edge of a block.
    Edge(Block, u32),
}

/// The order of machine blocks and the shape of the graph.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// By machine block.
    pub order: Vec<Origin>,
    /// By IR block; `u32::MAX` if unreachable.
    pub block_at: Vec<u32>,
    /// By IR block: the machine blocks its terminator goes to.
    pub succs: Vec<Vec<u32>>,
    /// IR blocks, each after everything it dominates.
    pub postorder: Vec<Block>,
}

fn targets(f: &Function, b: Block) -> impl Iterator<Item = &BlockCall> {
    f.blocks[b.index()].term.iter().flat_map(|t| t.targets())
}

fn postorder(f: &Function) -> Vec<Block> {
    let mut order = Vec::with_capacity(f.blocks.len());
    let mut seen = vec![false; f.blocks.len()];
    let mut stack = vec![(f.entry(), false)];
    while let Some((b, done)) = stack.pop() {
        if done {
            order.push(b);
        } else if !seen[b.index()] {
            seen[b.index()] = true;
            stack.push((b, true));
            stack.extend(targets(f, b).map(|t| (t.block, false)));
        }
    }
    order
}

/// Computes the layout of a function.
pub(crate) fn layout(f: &Function) -> Layout {
    let n = f.blocks.len();
    let mut l = Layout {
        postorder: postorder(f),
        block_at: vec![u32::MAX; n],
        succs: vec![Vec::new(); n],
        ..Layout::default()
    };
    let mut reachable = vec![false; n];
    let mut preds = vec![0u32; n];
    for &b in &l.postorder {
        reachable[b.index()] = true;
        targets(f, b).for_each(|t| preds[t.block.index()] += 1);
    }

    // A split edge into a block that has no other predecessor goes just before that block, others follow their source.
    let is_split = |b: Block, t: &BlockCall| {
        targets(f, b).nth(1).is_some() && (preds[t.block.index()] > 1 || !t.args.is_empty())
    };
    let mut lead = vec![None; n];
    for &b in &l.postorder {
        for (s, t) in targets(f, b).enumerate() {
            if is_split(b, t) && preds[t.block.index()] == 1 {
                lead[t.block.index()] = Some(Origin::Edge(b, s as u32));
            }
        }
    }
    let mut cold = Vec::new();
    for (n, data) in f.blocks.iter().enumerate().filter(|(n, _)| reachable[*n]) {
        let b = Block(n as u32);
        let is_cold = data.cold && n != 0;
        let list = if is_cold { &mut cold } else { &mut l.order };
        list.extend(lead[n]);
        list.push(Origin::Block(b));
        for (s, t) in targets(f, b).enumerate() {
            if is_split(b, t) && preds[t.block.index()] > 1 {
                let to_cold = is_cold || f.blocks[t.block.index()].cold;
                let list = if to_cold { &mut cold } else { &mut l.order };
                list.push(Origin::Edge(b, s as u32));
            }
        }
    }
    l.order.extend(cold);

    for (m, o) in l.order.iter().enumerate() {
        if let Origin::Block(b) = o {
            l.block_at[b.index()] = m as u32;
        }
    }
    for &b in &l.postorder {
        l.succs[b.index()] = targets(f, b).map(|t| l.block_at[t.block.index()]).collect();
    }
    for (m, o) in l.order.iter().enumerate() {
        if let Origin::Edge(b, s) = *o {
            l.succs[b.index()][s as usize] = m as u32;
        }
    }
    l
}
