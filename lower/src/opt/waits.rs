//! Loops that may wait for the collector.
//!
//! A program can wait for a finalizer, or for a weak table, by making garbage: `repeat local t = {1} until collected`. Objects that are not made
//! ([`super::objects`]) are none, and such a loop would not end. Loops that count, iterate or ask about what their own instructions
//! advance do end.

use super::facts;
use super::func::Lowering;
use super::graph::{Graph, Kind};
use super::settle::natural_loop;
use super::spec::Spec;
use trinity_frontend::bytecode::effects::effects;
use trinity_frontend::bytecode::{Op, Proto, RegSet};

impl Lowering<'_> {
    /// A loop around the present instruction, here or around the calls whose code this is, may wait for the collector.
    pub(super) fn may_wait_here(&self) -> bool {
        let mut node = self.node;
        for f in self.frames.iter().rev() {
            let headers = f.graph.rpo.iter().filter(|&&h| f.graph.is_header(h));
            let mut loops = headers.map(|&h| natural_loop(&f.graph, h));
            if loops
                .any(|inside| inside[node.index()] && !advances(f.p, &f.graph, &f.spec, &inside))
            {
                return true;
            }
            node = f.call_node;
        }
        false
    }
}

/// One of the loop's ways out is asked about a register that the loop computes from others, or itself.
fn advances(p: &Proto, g: &Graph, spec: &Spec, inside: &[bool]) -> bool {
    let blocks = || {
        let of_loop = g.nodes.iter().zip(inside).filter(|(_, inside)| **inside);
        of_loop
            .map(|(n, _)| n)
            .filter(|n| n.kind == Kind::Block && !spec.is_left(n.start))
    };
    let (mut computed, mut loaded) = (RegSet::EMPTY, RegSet::EMPTY);
    for pc in blocks().flat_map(|n| n.start..n.end) {
        let (i, e) = (p.code[pc as usize], effects(p, pc as usize));
        let steps = facts::arithmetic(p, i).is_some();
        // A call puts its result where the function was; its arguments say nothing of that.
        let moves = i.op() != Op::Call;
        for r in e.next_writes.iter() {
            match steps || moves && e.reads.contains(r) {
                true => computed.insert(r),
                false => loaded.insert(r),
            }
        }
    }
    let computed = computed.minus(loaded);
    let ways_out = blocks().filter(|n| n.succs.iter().any(|s| !inside[s.index()]));
    ways_out.map(|n| n.end - 1).any(|pc| {
        let reads = effects(p, pc as usize).reads;
        matches!(p.code[pc as usize].op(), Op::ForLoop | Op::TForLoop)
            || reads.iter().any(|r| computed.contains(r))
    })
}
