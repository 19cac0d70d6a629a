//! What the bytecode says of numeric loops, and of what loops do.

use super::facts;
use super::func::Phi;
use super::graph::{self, Graph, NodeId};
use super::spec::Spec;
use super::tags::Tags;
use trinity_frontend::bytecode::{Op, Proto};

/// A register of a numeric loop whose value at the loop's header follows from the hidden index: the header's predecessors are the edges of one
/// loop's FORPREP and FORLOOP, which is an integer loop with a known step.
pub(super) fn loop_register(
    p: &Proto,
    g: &Graph,
    facts: &[facts::State],
    id: NodeId,
    r: usize,
) -> Option<Phi> {
    let a = numeric_loop_at(p, g, id)?;
    let kind = facts[id.index()][a];
    if r == a + 3 && kind == facts[id.index()][r] && (kind == Tags::INT || kind == Tags::FLOAT) {
        return Some(Phi::LoopVariable);
    }
    if r == a + 1 && kind == Tags::INT && facts[id.index()][r] == Tags::INT {
        return Some(Phi::LoopCount);
    }
    None
}

/// The first register of the numeric loop whose body starts at this node.
pub(crate) fn numeric_loop_at(p: &Proto, g: &Graph, id: NodeId) -> Option<usize> {
    let mut found = None;
    for pred in &g.nodes[id.index()].preds {
        let graph::Kind::Edge { pc, .. } = g.nodes[pred.index()].kind else {
            return None;
        };
        let i = p.code[pc as usize];
        if !matches!(i.op(), Op::ForPrep | Op::ForLoop) || found.is_some_and(|a| a != i.a()) {
            return None;
        }
        found = Some(i.a());
    }
    found
}

/// The position of the FORLOOP of the numeric loop whose body starts at this node.
pub(super) fn loop_position(p: &Proto, g: &Graph, id: NodeId) -> Option<u32> {
    g.nodes[id.index()].preds.iter().find_map(|pred| {
        let graph::Kind::Edge { pc, .. } = g.nodes[pred.index()].kind else {
            return None;
        };
        match p.code[pc as usize].op() {
            Op::ForPrep => Some(for_loop_of(p, pc)),
            Op::ForLoop => Some(pc),
            _ => None,
        }
    })
}

/// The position of the FORLOOP that belongs to the FORPREP at `pc`.
pub(crate) fn for_loop_of(p: &Proto, pc: u32) -> u32 {
    (i64::from(pc) + 1 + i64::from(p.code[pc as usize].sd())) as u32
}

/// The constant that the instruction before FORPREP loads as the step of the loop at `a`.
pub(crate) fn step_before(p: &Proto, prep: u32, a: usize) -> Option<i64> {
    let before = p.code[prep.checked_sub(1)? as usize];
    if before.a() != a + 2 {
        return None;
    }
    let step = match before.op() {
        Op::LoadI => i64::from(before.sd()),
        Op::LoadK => match p.consts[before.dd() as usize] {
            trinity_frontend::bytecode::Const::Int(n) => n,
            _ => return None,
        },
        _ => return None,
    };
    (step != 0 && step != i64::MIN).then_some(step)
}

/// True when the loop of these nodes calls or allocates on its main ways.
pub(super) fn loop_calls(p: &Proto, g: &Graph, spec: &Spec, inside: &[bool]) -> bool {
    g.nodes.iter().zip(inside).any(|(n, &inside)| {
        inside
            && n.kind == graph::Kind::Block
            && !spec.is_cold(n.start)
            && (n.start..n.end).any(|pc| {
                let intrinsic = spec.native(pc).is_some();
                match p.code[pc as usize].op() {
                    Op::Call => !intrinsic && !spec.is_hot(pc),
                    Op::TForCall => facts::plan_traversal(p, spec, pc).is_none(),
                    Op::Concat | Op::SetList | Op::VarArg => true,
                    _ => false,
                }
            })
    })
}
