//! The loop nest: natural loops, innermost first known per block.
//!
//! A back edge leads to a block that dominates its source. Any other edge that goes backwards in reverse postorder makes
//! its target *irreducible*: passes assume nothing there.

use crate::ir::{Block, Cfg};

/// A natural loop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loop {
    /// The block that all others of the loop are entered through.
    pub header: Block,
    /// The next loop outwards.
    pub parent: Option<u32>,
    /// All blocks, those of inner loops included, in reverse postorder; the header is the first.
    pub blocks: Vec<Block>,
    /// Sources of back edges.
    pub latches: Vec<Block>,
    /// Holds other loops.
    pub has_inner: bool,
}

/// The loop nest of a function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loops {
    pub loops: Vec<Loop>,
    /// By block: the innermost loop around it.
    of: Vec<Option<u32>>,
    /// By block: the target of a backward edge that is no back edge.
    irreducible: Vec<bool>,
}

impl Loops {
    pub(crate) fn new(cfg: &Cfg, num_blocks: usize) -> Loops {
        let mut nest = Loops {
            of: vec![None; num_blocks],
            irreducible: vec![false; num_blocks],
            ..Loops::default()
        };
        // Inner headers come later in reverse postorder than outer ones.
        for &header in cfg.rpo.iter().rev() {
            let mut latches = Vec::new();
            for &p in cfg.preds(header) {
                if cfg.rpo_of(p) < cfg.rpo_of(header) {
                    continue;
                }
                if !cfg.dominates(header, p) {
                    nest.irreducible[header.index()] = true;
                } else if !latches.contains(&p) {
                    latches.push(p);
                }
            }
            if !latches.is_empty() {
                nest.add(cfg, header, latches);
            }
        }
        for &b in &cfg.rpo {
            let mut l = nest.of[b.index()];
            while let Some(n) = l {
                nest.loops[n as usize].blocks.push(b);
                l = nest.loops[n as usize].parent;
            }
        }
        nest
    }

    fn add(&mut self, cfg: &Cfg, header: Block, latches: Vec<Block>) {
        let this = self.loops.len() as u32;
        let mut work = latches.clone();
        self.loops.push(Loop {
            header,
            latches,
            ..Loop::default()
        });
        self.of[header.index()].get_or_insert(this);
        while let Some(b) = work.pop() {
            // An irreducible way in: those blocks belong to no loop that this header governs.
            if b == header || !cfg.dominates(header, b) {
                continue;
            }
            match self.of[b.index()] {
                None => {
                    self.of[b.index()] = Some(this);
                    work.extend(cfg.preds(b));
                }
                Some(inner) => {
                    let mut top = inner;
                    while let Some(p) = self.loops[top as usize].parent {
                        top = p;
                    }
                    if top != this {
                        self.loops[top as usize].parent = Some(this);
                        self.loops[this as usize].has_inner = true;
                        let inner_header = self.loops[top as usize].header;
                        work.extend(cfg.preds(inner_header));
                    }
                }
            }
        }
    }

    /// The innermost loop around a block.
    pub(crate) fn innermost(&self, b: Block) -> Option<u32> {
        self.of[b.index()]
    }

    /// The next loop outwards.
    pub(crate) fn parent(&self, l: u32) -> Option<u32> {
        self.loops[l as usize].parent
    }

    /// The loop that a block is the header of.
    pub(crate) fn headed_by(&self, b: Block) -> Option<u32> {
        self.of[b.index()].filter(|&l| self.loops[l as usize].header == b)
    }

    /// Whether some backward edge into the block is no back edge.
    pub(crate) fn is_irreducible(&self, b: Block) -> bool {
        self.irreducible[b.index()]
    }

    /// Whether a loop holds a block.
    pub(crate) fn contains(&self, l: u32, b: Block) -> bool {
        let mut at = self.of[b.index()];
        while let Some(n) = at {
            if n == l {
                return true;
            }
            at = self.loops[n as usize].parent;
        }
        false
    }
}
