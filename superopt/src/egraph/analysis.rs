//! What every e-class knows: its width, the bits that are the same on every input, and the greatest value. Facts are unconditional; nothing
//! that holds only under a guard is ever recorded here.

use super::facts::{Bounds, Fact};
use super::lang::{ENode, Op, apply};
use egg::{Analysis, DidMerge, EGraph, Id, Language};

/// The analysis. Counts contradictions: two unequal words were merged, so a rule or a fact was wrong, and nothing of
/// the e-graph may be used.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Merges of classes whose facts exclude each other.
    pub contradictions: u32,
    /// What is known of the variables, by number.
    pub inputs: Vec<Fact>,
}

/// The e-graph of this crate.
pub type Graph = EGraph<ENode, Facts>;

impl Analysis<ENode> for Facts {
    type Data = Fact;

    fn make(graph: &mut Graph, node: &ENode, _: Id) -> Fact {
        let width = node.bits();
        match node.op {
            Op::Var(n) => {
                let given = graph.analysis.inputs.get(n as usize);
                given.copied().unwrap_or(Fact::unknown(width))
            }
            op => {
                let args: Vec<Fact> = node.children().iter().map(|c| graph[*c].data).collect();
                apply(&mut Bounds, op, width, &args)
            }
        }
    }
    fn merge(&mut self, a: &mut Fact, b: Fact) -> DidMerge {
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
