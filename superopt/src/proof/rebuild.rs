//! Rebuilding terms with other operands.

use std::collections::HashMap;
use trinity_codegen::isa::{Domain, Node, TermId, TermPool};

/// The term of `node` (of width `width`), made anew from its operands, so that the pool folds it again.
pub fn remake(pool: &mut TermPool, old: TermId, map: &dyn Fn(TermId) -> TermId) -> TermId {
    let (node, width) = (pool.node(old), pool.term_width(old));
    if let Some(word) = node.computed(pool, width, map) {
        return word;
    }
    match node {
        Node::Ite(c, a, b) => pool.ite(&map(c), &map(a), &map(b)),
        Node::Load(m, a) => pool.load(&map(m), &map(a), width / 8),
        Node::Store(m, a, v) => {
            let mut memory = map(m);
            pool.store(&mut memory, &map(a), &map(v));
            memory
        }
        _ => old,
    }
}

/// Rewrites everything below roots, bottom up; what was rewritten once stays so.
#[derive(Default)]
pub struct Rewriter {
    done: HashMap<TermId, TermId>,
}

impl Rewriter {
    /// What a term became; itself when it was never seen.
    pub fn get(&self, t: TermId) -> TermId {
        self.done.get(&t).copied().unwrap_or(t)
    }

    /// Says what a term becomes.
    pub fn set(&mut self, t: TermId, to: TermId) {
        self.done.insert(t, to);
    }

    /// Rewrites `roots`; `step` gets each term remade with rewritten operands (and the term it was), and says what it
    /// becomes.
    pub fn run(
        &mut self,
        pool: &mut TermPool,
        roots: &[TermId],
        step: &mut dyn FnMut(&mut TermPool, TermId, TermId) -> TermId,
    ) {
        for t in pool.reachable(roots) {
            if self.done.contains_key(&t) {
                continue;
            }
            let made = remake(pool, t, &|o| self.get(o));
            let new = step(pool, t, made);
            self.done.insert(t, new);
        }
    }
}
