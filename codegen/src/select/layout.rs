//! Two block orders, and critical edges.
//!
//! The allocator sees the blocks in reverse postorder: it takes a jump to a lower number for a loop, so blocks that are
//! laid out far away must not be numbered so, and the blocks of a loop come one after the other: ways out of it later. Emission follows
//! the layout: hot blocks in reverse postorder, then cold ones; the moves of edges that leave a loop stand behind it.
//!
//! Every edge that leaves a block with several successors and either carries arguments or enters a block with several
//! predecessors gets a block of its own: the allocator needs a place for the edge's moves. Emission drops those that stay
//! empty.

use super::SelectOptions;
use crate::ir::{Block, BlockCall, Cfg, Cond, Function, IntCc, Opnd, Term};
use crate::opt::loops::Loops;
use smallvec::SmallVec;

/// Where a machine block comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Origin {
    Block(Block),
    /// The n-th outgoing edge of a block.
    Edge(Block, u32),
}

/// The orders of machine blocks and the shape of the graph.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// By machine block, in reverse postorder.
    pub order: Vec<Origin>,
    /// Machine blocks in the order of the code.
    pub placed: Vec<u32>,
    /// By IR block; `u32::MAX` if unreachable.
    pub block_at: Vec<u32>,
    /// By IR block: the machine blocks its terminator goes to.
    pub succs: Vec<SmallVec<[u32; 2]>>,
    /// IR blocks, each after everything it dominates.
    pub postorder: Vec<Block>,
    /// By machine block: it is in a loop that holds no other one, and not cold.
    pub often: Vec<bool>,
    /// By machine block: it is cold, or an edge from or to a block that is.
    pub seldom: Vec<bool>,
}

fn postorder(f: &Function, options: &SelectOptions, loops: &Loops) -> Vec<Block> {
    // How many loops around `from` the way to `to` leaves.
    let left = |from: Block, to: Block| {
        let mut at = loops.innermost(from);
        let mut n = 0u32;
        while let Some(l) = at {
            if loops.contains(l, to) {
                break;
            }
            n += u32::from(options.loop_order);
            at = loops.parent(l);
        }
        n
    };
    let mut order = Vec::with_capacity(f.blocks.len());
    let mut seen = vec![false; f.blocks.len()];
    let mut stack = vec![(f.entry(), false)];
    while let Some((b, done)) = stack.pop() {
        if done {
            order.push(b);
        } else if !seen[b.index()] {
            seen[b.index()] = true;
            stack.push((b, true));
            // What stays in the loop, then what was created first, comes first in reverse postorder, so it is visited last.
            let start = stack.len();
            stack.extend(f.targets(b).map(|t| (t.block, false)));
            stack[start..].sort_unstable_by_key(|s| (left(b, s.0), s.0));
        }
    }
    order
}

/// Whether a block is one of two ways to the same place, the one for one number among all: it is jumped to, so that the other needs no jump
/// (the opcode heuristic of Ball and Larus, "Branch Prediction for Free", 1993).
fn is_unlikely(f: &Function, cfg: &Cfg, b: Block) -> bool {
    let [from] = cfg.preds(b) else { return false };
    let Some(Term::BrIf { cond, then, els }) = &f.blocks[from.index()].term else {
        return false;
    };
    let (cc, constant) = match cond {
        Cond::Icmp { cc, b, .. } => (cc, matches!(b, Opnd::Imm(_))),
        Cond::Test { cc, .. } => (cc, true),
        _ => return false,
    };
    let (this, other) = match cc {
        IntCc::Eq => (then, els),
        IntCc::Ne => (els, then),
        _ => return false,
    };
    let next = |b: Block| match &f.blocks[b.index()].term {
        Some(Term::Jump(to)) => Some(to.block),
        _ => None,
    };
    let cold = |b: Block| f.blocks[b.index()].cold;
    constant
        && !cold(b)
        && !cold(other.block)
        && this.block == b
        && cfg.preds(other.block).len() == 1
        && next(b).is_some()
        && next(b) == next(other.block)
}

/// Computes the layout of a function.
pub(crate) fn layout(f: &Function, options: &SelectOptions) -> Layout {
    let n = f.blocks.len();
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, n);
    let mut l = Layout {
        postorder: postorder(f, options, &loops),
        block_at: vec![u32::MAX; n],
        succs: vec![SmallVec::new(); n],
        ..Layout::default()
    };
    let mut preds = vec![0u32; n];
    for &b in &l.postorder {
        f.targets(b).for_each(|t| preds[t.block.index()] += 1);
    }

    // A split edge into a block that has no other predecessor goes just before that block, others follow their source.
    let preds = &preds;
    let is_split = move |b: Block, t: &BlockCall| {
        f.targets(b).nth(1).is_some() && (preds[t.block.index()] > 1 || !t.args.is_empty())
    };
    let mut lead = vec![None; n];
    for &b in &l.postorder {
        for (s, t) in f.targets(b).enumerate() {
            if is_split(b, t) && preds[t.block.index()] == 1 {
                lead[t.block.index()] = Some(Origin::Edge(b, s as u32));
            }
        }
    }
    // Those from hot blocks into cold ones outside the loop stand before these: the allocator would take them for a part of the loop.
    let place = {
        let mut place = vec![0u32; n];
        for (at, b) in l.postorder.iter().rev().enumerate() {
            place[b.index()] = at as u32;
        }
        place
    };
    let is_cold = |b: Block| f.blocks[b.index()].cold;
    let is_late = |b: Block, to: Block| {
        options.exits_apart && is_cold(to) && !is_cold(b) && place[to.index()] > place[b.index()]
    };
    let mut late = vec![Vec::new(); n];
    for &b in l.postorder.iter().rev() {
        for (s, t) in f.targets(b).enumerate() {
            if is_split(b, t) && preds[t.block.index()] > 1 && is_late(b, t.block) {
                late[t.block.index()].push(Origin::Edge(b, s as u32));
            }
        }
    }
    let (late, is_late) = (&late, &is_late);
    let with_edges = |b: Block| {
        let trailing = f.targets(b).enumerate();
        let trailing = trailing.filter(move |(_, t)| {
            is_split(b, t) && preds[t.block.index()] > 1 && !is_late(b, t.block)
        });
        let trailing = trailing.map(move |(s, t)| (Origin::Edge(b, s as u32), t.block));
        lead[b.index()]
            .iter()
            .chain(&late[b.index()])
            .map(move |&e| (e, b))
            .chain([(Origin::Block(b), b)])
            .chain(trailing)
    };
    // By IR block: the number of its first machine block.
    let mut first = vec![0u32; n];
    for &b in l.postorder.iter().rev() {
        first[b.index()] = l.order.len() as u32;
        l.order.extend(with_edges(b).map(|e| e.0));
    }
    // The outermost loop that a way leaves.
    let left = |from: Block, to: Block| {
        let around = |l: &_| loops.parent(*l);
        let all = std::iter::successors(loops.innermost(from), around);
        all.take_while(|&l| options.exits_apart && !loops.contains(l, to))
            .last()
    };
    let mut cold = Vec::new();
    // Split edges out of loops that are not finished: in the loop, each would be jumped over in every iteration.
    let mut exits = Vec::new();
    for &b in l.postorder.iter().rev() {
        let is_cold = |b: Block| options.cold_apart && f.blocks[b.index()].cold && b.0 != 0;
        if !is_cold(b) {
            let finished = |e: &mut (_, _, _)| !loops.contains(e.0, b);
            let mut ready: Vec<_> = exits.extract_if(.., finished).collect();
            // Who goes to the next block needs no jump.
            ready.sort_by_key(|e| e.1 == b);
            l.placed.extend(ready.into_iter().map(|e| e.2));
        }
        for (m, (origin, to)) in (first[b.index()]..).zip(with_edges(b)) {
            let out = match origin {
                Origin::Edge(from, _) if from == b => left(b, to),
                Origin::Block(b) if options.exits_apart && preds[b.index()] == 1 => {
                    loops.innermost(b).filter(|_| is_unlikely(f, &cfg, b))
                }
                _ => None,
            };
            match out {
                _ if is_cold(b) || is_cold(to) => cold.push(m),
                Some(of) => exits.push((of, to, m)),
                None => l.placed.push(m),
            }
        }
    }
    l.placed.extend(exits.into_iter().map(|e| e.2));
    let leaf = |b: Block| {
        let inner = loops.innermost(b);
        inner.filter(|&l| !loops.loops[l as usize].has_inner)
    };
    for o in &l.order {
        let (from, to) = match *o {
            Origin::Block(b) => (b, b),
            Origin::Edge(b, s) => (b, f.targets(b).nth(s as usize).map_or(b, |t| t.block)),
        };
        let stays = leaf(from).is_some() && leaf(from) == leaf(to);
        l.often.push(stays && !f.blocks[to.index()].cold);
        l.seldom
            .push([from, to].iter().any(|b| f.blocks[b.index()].cold));
    }
    l.placed.extend(cold);

    for (m, o) in l.order.iter().enumerate() {
        if let Origin::Block(b) = o {
            l.block_at[b.index()] = m as u32;
        }
    }
    for &b in &l.postorder {
        l.succs[b.index()] = f.targets(b).map(|t| l.block_at[t.block.index()]).collect();
    }
    for (m, o) in l.order.iter().enumerate() {
        if let Origin::Edge(b, s) = *o {
            l.succs[b.index()][s as usize] = m as u32;
        }
    }
    l
}
