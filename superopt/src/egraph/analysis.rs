//! What every e-class knows: its width and the bits that are the same on every input. Facts are unconditional; nothing
//! that holds only under a guard is ever recorded here.

use super::facts::{Known, KnownBits, Meet};
use super::lang::{ENode, Op, apply};
use egg::{Analysis, DidMerge, EGraph, Id, Language};

/// The analysis. Counts contradictions: two unequal words were merged, so a rule or a fact was wrong, and nothing of
/// the e-graph may be used.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Merges of classes whose facts exclude each other.
    pub contradictions: u32,
    /// What is known of the variables, by number.
    pub inputs: Vec<Known>,
}

/// The e-graph of this crate.
pub type Graph = EGraph<ENode, Facts>;

impl Analysis<ENode> for Facts {
    type Data = Known;

    fn make(graph: &mut Graph, node: &ENode, _: Id) -> Known {
        let width = node.bits();
        match node.op {
            Op::Var(n) => {
                let given = graph.analysis.inputs.get(n as usize);
                given.copied().unwrap_or(Known::unknown(width))
            }
            op => {
                let args: Vec<Known> = node.children().iter().map(|c| graph[*c].data).collect();
                apply(&mut KnownBits, op, width, &args)
            }
        }
    }
    fn merge(&mut self, a: &mut Known, b: Known) -> DidMerge {
        match a.meet(&b) {
            Some(both) => {
                let did = DidMerge(both != *a, both != b);
                *a = both;
                did
            }
            None => {
                self.contradictions += 1;
                DidMerge(false, *a != b)
            }
        }
    }
    fn modify(graph: &mut Graph, id: Id) {
        let data = graph[id].data;
        if let Some(v) = data.value() {
            let constant = graph.add(ENode::constant(data.width(), v));
            if graph.find(constant) != graph.find(id) {
                graph.union_trusted(id, constant, "known-bits");
            }
        }
    }
}
