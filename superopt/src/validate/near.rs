//! Premises that a question is near to. A way through a block has conditions about everything that the block computes; what is asked of a counter follows from
//! the few that compare it. Fewer premises are safe: what follows from them follows from all.

use std::collections::{HashMap, HashSet};
use trinity_codegen::isa::{BinOp, Node, TermId, TermPool};

/// Variables of a premise that is near, at most.
const VARIABLES: usize = 2;
/// Terms that it is made of, at most.
const TERMS: usize = 24;

/// The conjuncts of `premises` that are small and about variables of `goal`, or about ones that another of them is about as well; in their order.
pub(super) fn near(pool: &TermPool, goal: &[TermId], premises: &[TermId]) -> Vec<TermId> {
    let variables = |t: &[TermId]| -> (usize, HashSet<TermId>) {
        let all = pool.reachable(t);
        let is = |t: &TermId| matches!(pool.node(*t), Node::Var(_) | Node::Memory(_));
        (all.len(), all.iter().copied().filter(is).collect())
    };
    let (_, mut reached) = variables(goal);
    let small = |c: &TermId| {
        let (size, of) = variables(&[*c]);
        (size <= TERMS && of.len() <= VARIABLES).then_some((*c, of))
    };
    let all = conjuncts(pool, premises);
    let of: HashMap<TermId, HashSet<TermId>> = all.iter().filter_map(small).collect();
    loop {
        let before = reached.len();
        for of in of.values() {
            if !of.is_disjoint(&reached) {
                reached.extend(of);
            }
        }
        if reached.len() == before {
            break;
        }
    }
    let is_near = |c: &TermId| of.get(c).is_some_and(|of| !of.is_disjoint(&reached));
    all.into_iter().filter(is_near).collect()
}

/// Conditions that are not conjunctions themselves, each once.
pub(super) fn conjuncts(pool: &TermPool, conditions: &[TermId]) -> Vec<TermId> {
    let mut out = Vec::new();
    let mut seen = HashSet::new();
    let mut rest: Vec<TermId> = conditions.iter().rev().copied().collect();
    while let Some(t) = rest.pop() {
        match pool.node(t) {
            Node::Bin(BinOp::And, a, b) => rest.extend([b, a]),
            _ if seen.insert(t) => out.push(t),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use trinity_codegen::isa::{CmpOp, Domain};

    /// Chains of comparisons are near, what is about something else or about much is not, and halves of a conjunction are looked at alone.
    #[test]
    fn comparisons_that_lead_to_a_question_are_near_it() {
        let mut pool = TermPool::new();
        let [a, b, c, x, y] = ["a", "b", "c", "x", "y"].map(|n| pool.var(n, 64));
        let less = |pool: &mut TermPool, a, b| pool.cmp(CmpOp::Slt, &a, &b);
        let (ab, bc, xy) = (
            less(&mut pool, a, b),
            less(&mut pool, b, c),
            less(&mut pool, x, y),
        );
        let sum = pool.add(&a, &x);
        let much = less(&mut pool, sum, y);
        let both = pool.and(&bc, &xy);
        let found = near(&pool, &[a], &[both, much, ab]);
        assert_eq!(found, [bc, ab]);
        assert_eq!(conjuncts(&pool, &[both, bc]), [bc, xy]);
    }
}
