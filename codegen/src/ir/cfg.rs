//! The control-flow graph of a function: reverse postorder, predecessors, dominators.
//!
//! A snapshot: it does not follow changes of the function. Dominators are found by the iteration of Cooper, Harvey and
//! Kennedy over reverse postorder numbers.

use super::function::Function;
use super::types::Block;
use smallvec::SmallVec;

/// Marks blocks that the entry does not reach.
const UNREACHABLE: u32 = u32::MAX;

/// Orders and dominators of a function's reachable blocks. All vectors but `rpo` are by block.
#[derive(Clone, Debug, Default)]
pub struct Cfg {
    /// Reachable blocks in reverse postorder.
    pub rpo: Vec<Block>,
    rpo_of: Vec<u32>,
    preds: Vec<SmallVec<[Block; 2]>>,
    idom: Vec<Block>,
    /// When a walk of the dominator tree enters and leaves the block.
    span: Vec<(u32, u32)>,
}

impl Cfg {
    /// Of a function whose branch targets exist.
    pub fn new(f: &Function) -> Cfg {
        let n = f.blocks.len();
        let (rpo, rpo_of) = reverse_postorder(f);
        let mut preds = vec![SmallVec::new(); n];
        for &b in &rpo {
            for t in f.targets(b) {
                preds[t.block.index()].push(b);
            }
        }
        let mut cfg = Cfg {
            rpo,
            rpo_of,
            preds,
            idom: vec![Block(UNREACHABLE); n],
            span: vec![(0, 0); n],
        };
        cfg.dominators();
        cfg.number_tree();
        cfg
    }

    /// Whether the entry reaches a block.
    #[inline]
    pub fn is_reachable(&self, b: Block) -> bool {
        self.rpo_of[b.index()] != UNREACHABLE
    }

    /// A reachable block's place in reverse postorder.
    #[inline]
    pub fn rpo_of(&self, b: Block) -> u32 {
        self.rpo_of[b.index()]
    }

    /// The reachable predecessors of a block, one entry for each edge.
    pub fn preds(&self, b: Block) -> &[Block] {
        &self.preds[b.index()]
    }

    /// The immediate dominator of a reachable block other than the entry.
    pub fn idom(&self, b: Block) -> Option<Block> {
        let d = self.idom[b.index()];
        (d != b && d.0 != UNREACHABLE).then_some(d)
    }

    /// Whether `a` dominates `b`; both must be reachable.
    #[inline]
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let (a, b) = (self.span[a.index()], self.span[b.index()]);
        a.0 <= b.0 && b.1 <= a.1
    }

    /// The dominator tree: by block, those it immediately dominates, in reverse postorder.
    pub fn children(&self) -> Vec<Vec<Block>> {
        let mut children = vec![Vec::new(); self.idom.len()];
        for &b in &self.rpo {
            if let Some(d) = self.idom(b) {
                children[d.index()].push(b);
            }
        }
        children
    }

    fn dominators(&mut self) {
        let entry = Block(0);
        self.idom[0] = entry;
        let mut changed = true;
        while changed {
            changed = false;
            for &b in &self.rpo[1..] {
                let mut new = None;
                for &p in &self.preds[b.index()] {
                    if self.idom[p.index()].0 != UNREACHABLE {
                        new = Some(new.map_or(p, |q| self.common(p, q)));
                    }
                }
                // In reverse postorder at least one predecessor has been visited.
                let new = new.unwrap_or(entry);
                if self.idom[b.index()] != new {
                    self.idom[b.index()] = new;
                    changed = true;
                }
            }
        }
    }

    /// The nearest block that dominates both, as far as dominators are known.
    fn common(&self, mut a: Block, mut b: Block) -> Block {
        while a != b {
            if self.rpo_of(a) > self.rpo_of(b) {
                a = self.idom[a.index()];
            } else {
                b = self.idom[b.index()];
            }
        }
        a
    }

    /// Numbers the tree so that one block dominates another if and only if its span holds the other's.
    fn number_tree(&mut self) {
        let children = self.children();
        let mut clock = 0;
        let mut stack = vec![(Block(0), false)];
        while let Some((b, done)) = stack.pop() {
            clock += 1;
            if done {
                self.span[b.index()].1 = clock;
            } else {
                self.span[b.index()].0 = clock;
                stack.push((b, true));
                stack.extend(children[b.index()].iter().map(|&c| (c, false)));
            }
        }
    }
}

fn reverse_postorder(f: &Function) -> (Vec<Block>, Vec<u32>) {
    let mut order = Vec::new();
    let mut rpo_of = vec![UNREACHABLE; f.blocks.len()];
    let mut seen = vec![false; f.blocks.len()];
    let mut stack = vec![(f.entry(), false)];
    while let Some((b, done)) = stack.pop() {
        if done {
            order.push(b);
        } else if !seen[b.index()] {
            seen[b.index()] = true;
            stack.push((b, true));
            stack.extend(f.targets(b).map(|t| (t.block, false)));
        }
    }
    order.reverse();
    for (n, b) in order.iter().enumerate() {
        rpo_of[b.index()] = n as u32;
    }
    (order, rpo_of)
}
