//! The flow graph of a function's bytecode as the typed lowering needs it: basic blocks, and a node of its own for every edge on which an
//! instruction writes registers that it does not write on its other edge (so that all successors of a node see the same registers), and for
//! every conditional edge that goes back (so that it can poll). Dominators, and where registers need block parameters.

use trinity_frontend::bytecode::effects::{Blocks, Effects, effects};
use trinity_frontend::bytecode::{Liveness, Op, Proto, RegSet};

/// Index of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u32);

impl NodeId {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The function's entry, before its first instruction.
    Entry,
    /// Instructions `start..end` of a basic block.
    Block,
    /// The edge out of the instruction at `pc`: its jump, or (`jump` false) the way to the next one.
    Edge {
        /// The instruction.
        pc: u32,
        /// Which of its edges.
        jump: bool,
    },
}

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// First instruction of a block; of an edge and the entry, the instruction it leads to.
    pub start: u32,
    /// One past a block's last instruction; of others as `start`.
    pub end: u32,
    /// Successors: the way to the next instruction first, the jump second.
    pub succs: Vec<NodeId>,
    /// Predecessors that can be reached.
    pub preds: Vec<NodeId>,
}

/// The graph.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Nodes; 0 is the entry, blocks follow in the order of bytecode.
    pub nodes: Vec<Node>,
    /// Nodes reachable from the entry, in reverse postorder.
    pub rpo: Vec<NodeId>,
    /// Position in `rpo`; `u32::MAX` for nodes that are not reached.
    pub order: Vec<u32>,
    /// Immediate dominators; the entry's is itself.
    pub idom: Vec<NodeId>,
    /// Registers that need a parameter at the node: live there, and defined on some of the ways to it.
    pub phis: Vec<RegSet>,
}

/// The edge of this instruction that needs a node of its own for the registers it writes: `Some(jump?)`.
fn writing_edge(op: Op) -> Option<bool> {
    match op {
        Op::JmpTSet | Op::JmpFSet | Op::ForLoop | Op::TForLoop => Some(true),
        Op::ForPrep => Some(false),
        _ => None,
    }
}

impl Graph {
    /// Builds the graph. `stop` tells instructions behind which nothing is compiled (they were never executed): their blocks get no
    /// successors.
    pub fn new(p: &Proto, live: &Liveness, stop: &dyn Fn(u32) -> bool) -> Graph {
        let blocks = Blocks::new(p);
        let fx: Vec<Effects> = (0..p.code.len()).map(|pc| effects(p, pc)).collect();
        let mut nodes = vec![Node {
            kind: Kind::Entry,
            start: 0,
            end: 0,
            succs: vec![NodeId(1)],
            preds: Vec::new(),
        }];
        for b in 0..blocks.len() {
            let range = blocks.range(b);
            nodes.push(Node {
                kind: Kind::Block,
                start: range.start as u32,
                end: range.end as u32,
                succs: Vec::new(),
                preds: Vec::new(),
            });
        }
        for b in 0..blocks.len() {
            let range = blocks.range(b);
            if stop(range.start as u32) {
                continue;
            }
            let last = range.end - 1;
            let op = p.code[last].op();
            let both = fx[last].next.is_some() && fx[last].jump.is_some();
            let mut succs = Vec::new();
            for (to, jump) in [(fx[last].next, false), (fx[last].jump, true)] {
                let Some(to) = to.filter(|&t| t < p.code.len()) else {
                    continue;
                };
                let target = NodeId(blocks.of[to] + 1);
                let back = both && to <= last;
                if writing_edge(op) == Some(jump) || back {
                    let id = NodeId(nodes.len() as u32);
                    nodes.push(Node {
                        kind: Kind::Edge {
                            pc: last as u32,
                            jump,
                        },
                        start: to as u32,
                        end: to as u32,
                        succs: vec![target],
                        preds: Vec::new(),
                    });
                    succs.push(id);
                } else {
                    succs.push(target);
                }
            }
            nodes[b + 1].succs = succs;
        }
        let rpo = reverse_postorder(&nodes);
        let mut order = vec![u32::MAX; nodes.len()];
        for (k, n) in rpo.iter().enumerate() {
            order[n.index()] = k as u32;
        }
        for &n in &rpo {
            for s in nodes[n.index()].succs.clone() {
                let preds = &mut nodes[s.index()].preds;
                if !preds.contains(&n) {
                    preds.push(n);
                }
            }
        }
        let idom = dominators(&nodes, &rpo, &order);
        let mut g = Graph {
            nodes,
            rpo,
            order,
            idom,
            phis: Vec::new(),
        };
        g.place_parameters(p, live, &fx);
        g
    }

    /// True when the edge from `from` to `to` goes back.
    pub fn is_back(&self, from: NodeId, to: NodeId) -> bool {
        self.order[to.index()] <= self.order[from.index()]
    }

    /// True when some predecessor comes later in the order: a loop starts here.
    pub fn is_header(&self, n: NodeId) -> bool {
        self.nodes[n.index()]
            .preds
            .iter()
            .any(|&p| self.is_back(p, n))
    }

    /// Registers written in a node (by its instructions, or on the edge it stands for).
    fn writes(
        &self,
        p: &Proto,
        n: NodeId,
        fx: &[Effects],
        clobbers: &dyn Fn(usize) -> RegSet,
    ) -> RegSet {
        let node = &self.nodes[n.index()];
        match node.kind {
            Kind::Entry => RegSet::EMPTY,
            Kind::Edge { pc, jump } => {
                let e = &fx[pc as usize];
                let set = if jump { e.jump_writes } else { e.next_writes };
                let i = p.code[pc as usize];
                // The count of the loop changes, too; for the debugger it is a constant.
                if i.op() == Op::ForLoop {
                    set | RegSet::one(i.a() + 1)
                } else {
                    set
                }
            }
            Kind::Block => {
                let mut set = RegSet::EMPTY;
                let within = node.start as usize..node.end as usize;
                for (pc, e) in fx.iter().enumerate().take(within.end).skip(within.start) {
                    let last = pc + 1 == node.end as usize;
                    // What is written on one edge only belongs to that edge's node.
                    set |= if last && e.next.is_some() && e.jump.is_some() {
                        e.next_writes & e.jump_writes
                    } else {
                        e.next_writes | e.jump_writes
                    };
                    set |= clobbers(pc);
                }
                set
            }
        }
    }

    /// Cytron et al., "Efficiently computing static single assignment form" (1991): parameters at the iterated dominance frontier of a
    /// register's definitions, where it is live.
    fn place_parameters(&mut self, p: &Proto, live: &Liveness, fx: &[Effects]) {
        let n = self.nodes.len();
        let mut frontier: Vec<Vec<NodeId>> = vec![Vec::new(); n];
        for &b in &self.rpo {
            let preds = &self.nodes[b.index()].preds;
            // The entry has no predecessors, so a node with one is in its own frontier only by a loop to itself.
            if preds.len() < 2 {
                continue;
            }
            for &pred in preds {
                let mut runner = pred;
                while runner != self.idom[b.index()] {
                    if !frontier[runner.index()].contains(&b) {
                        frontier[runner.index()].push(b);
                    }
                    runner = self.idom[runner.index()];
                }
            }
        }
        // A call's frame lies over the registers above it.
        let max = p.max_stack as usize + 1;
        let clobbers = |pc: usize| {
            let i = p.code[pc];
            match i.op() {
                Op::Call | Op::VarArg | Op::Concat => RegSet::range(i.a(), max),
                Op::TForCall => RegSet::range(i.a() + 4, max),
                _ => RegSet::EMPTY,
            }
        };
        let mut defs: Vec<RegSet> = self
            .rpo
            .iter()
            .map(|&b| self.writes(p, b, fx, &clobbers))
            .collect();
        let mut phis = vec![RegSet::EMPTY; n];
        let mut work: Vec<usize> = (0..self.rpo.len()).collect();
        while let Some(k) = work.pop() {
            for &f in &frontier[self.rpo[k].index()] {
                let at = self.order[f.index()] as usize;
                let start = self.nodes[f.index()].start as usize;
                let new = (defs[k] & *live.live_at(start)).minus(phis[f.index()]);
                if !new.is_empty() {
                    phis[f.index()] |= new;
                    defs[at] |= new;
                    work.push(at);
                }
            }
        }
        self.phis = phis;
    }
}

fn reverse_postorder(nodes: &[Node]) -> Vec<NodeId> {
    let mut seen = vec![false; nodes.len()];
    let mut order = Vec::new();
    let mut stack = vec![(NodeId(0), 0usize)];
    seen[0] = true;
    while let Some((b, i)) = stack.pop() {
        // The jump target is visited first, so that the way to the next instruction comes right behind in the final order.
        let succs = &nodes[b.index()].succs;
        if i < succs.len() {
            stack.push((b, i + 1));
            let s = succs[succs.len() - 1 - i];
            if !seen[s.index()] {
                seen[s.index()] = true;
                stack.push((s, 0));
            }
        } else {
            order.push(b);
        }
    }
    order.reverse();
    order
}

/// Cooper, Harvey, Kennedy, "A simple, fast dominance algorithm" (2001).
fn dominators(nodes: &[Node], rpo: &[NodeId], order: &[u32]) -> Vec<NodeId> {
    const NONE: NodeId = NodeId(u32::MAX);
    let mut idom = vec![NONE; nodes.len()];
    idom[0] = NodeId(0);
    let mut changed = true;
    while changed {
        changed = false;
        for &b in &rpo[1..] {
            let mut new = NONE;
            for &pred in &nodes[b.index()].preds {
                if idom[pred.index()] == NONE {
                    continue;
                }
                new = if new == NONE {
                    pred
                } else {
                    let (mut x, mut y) = (pred, new);
                    while x != y {
                        while order[x.index()] > order[y.index()] {
                            x = idom[x.index()];
                        }
                        while order[y.index()] > order[x.index()] {
                            y = idom[y.index()];
                        }
                    }
                    x
                };
            }
            if idom[b.index()] != new {
                idom[b.index()] = new;
                changed = true;
            }
        }
    }
    idom
}
