//! Rebuilding terms with other operands.

use std::collections::HashMap;
use trinity_codegen::isa::{Domain, Node, TermId, TermPool};

/// The term of `node` (of width `width`), made anew from its operands, so that the pool folds it again.
pub fn remake(pool: &mut TermPool, old: TermId, map: &dyn Fn(TermId) -> TermId) -> TermId {
    let (node, width) = (pool.node(old), pool.term_width(old));
    match node {
        Node::Const(_) | Node::Var(_) | Node::Memory(_) => old,
        Node::Un(op, a) => pool.un(op, &map(a)),
        Node::Bin(op, a, b) => pool.bin(op, &map(a), &map(b)),
        Node::Cmp(op, a, b) => pool.cmp(op, &map(a), &map(b)),
        Node::Ite(c, a, b) => pool.ite(&map(c), &map(a), &map(b)),
        Node::Extract(a, lo) => pool.extract(&map(a), lo, width),
        Node::Concat(a, b) => pool.concat(&map(a), &map(b)),
        Node::Zext(a) => pool.zext(&map(a), width),
        Node::Sext(a) => pool.sext(&map(a), width),
        Node::Fp(op, n, args) => {
            let args: Vec<TermId> = args[..n as usize].iter().map(|a| map(*a)).collect();
            pool.fp(op, &args)
        }
        Node::Load(m, a) => pool.load(&map(m), &map(a), width / 8),
        Node::Store(m, a, v) => {
            let mut memory = map(m);
            pool.store(&mut memory, &map(a), &map(v));
            memory
        }
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
