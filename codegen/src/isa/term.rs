//! Terms: a hash-consed graph of word and memory operations, folded and put in a canonical order as it is built.
//!
//! A node's operands have smaller ids than the node, so a pass in id order is a topological one. Two terms with one id
//! are equal; two with different ids may be.

use super::concrete::{eval_bin, eval_cmp, eval_un, mask, signed};
use super::domain::{BinOp, CmpOp, Domain, FpOp, UnOp};
use super::fp;
use std::collections::HashMap;

/// A term of a [`TermPool`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TermId(pub u32);

/// One operation. Operands come first, immediates after.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// A constant; the width is the node's.
    Const(u128),
    /// A variable by number; its name is in the pool.
    Var(u32),
    /// One operand.
    Un(UnOp, TermId),
    /// Two operands.
    Bin(BinOp, TermId, TermId),
    /// A comparison.
    Cmp(CmpOp, TermId, TermId),
    /// If the bit is one, the second, else the third; words or memories.
    Ite(TermId, TermId, TermId),
    /// Bits from this position, as many as the node is wide.
    Extract(TermId, u32),
    /// High part, low part.
    Concat(TermId, TermId),
    /// Zero extension to the node's width.
    Zext(TermId),
    /// Sign extension to the node's width.
    Sext(TermId),
    /// Floating point: one to three operands (unused ones repeat the first).
    Fp(FpOp, u8, [TermId; 3]),
    /// An initial memory by number; width 0.
    Memory(u32),
    /// Memory, address: as many bytes as the node is wide.
    Load(TermId, TermId),
    /// Memory, address, value: a memory; width 0.
    Store(TermId, TermId, TermId),
}

impl Node {
    /// The operands in order.
    pub fn operands(&self) -> impl Iterator<Item = TermId> + use<> {
        let none = TermId(u32::MAX);
        let (n, a) = match *self {
            Node::Const(_) | Node::Var(_) | Node::Memory(_) => (0, [none; 3]),
            Node::Un(_, a) | Node::Extract(a, _) | Node::Zext(a) | Node::Sext(a) => {
                (1, [a, none, none])
            }
            Node::Bin(_, a, b) | Node::Cmp(_, a, b) | Node::Concat(a, b) | Node::Load(a, b) => {
                (2, [a, b, none])
            }
            Node::Ite(a, b, c) | Node::Store(a, b, c) => (3, [a, b, c]),
            Node::Fp(_, n, a) => (n as usize, a),
        };
        a.into_iter().take(n)
    }

    /// The word, of `width` bits, in another domain, where `of` says what its operands are. `None` for what is not computed from words alone:
    /// constants and variables, and what has to do with memories.
    pub fn computed<D: Domain>(
        self,
        d: &mut D,
        width: u32,
        of: impl Fn(TermId) -> D::W,
    ) -> Option<D::W> {
        Some(match self {
            Node::Un(op, a) => d.un(op, &of(a)),
            Node::Bin(op, a, b) => d.bin(op, &of(a), &of(b)),
            Node::Cmp(op, a, b) => d.cmp(op, &of(a), &of(b)),
            Node::Ite(c, a, b) if width > 0 => d.ite(&of(c), &of(a), &of(b)),
            Node::Extract(a, lo) => d.extract(&of(a), lo, width),
            Node::Concat(a, b) => d.concat(&of(a), &of(b)),
            Node::Zext(a) => d.zext(&of(a), width),
            Node::Sext(a) => d.sext(&of(a), width),
            Node::Fp(op, n, a) => {
                let args: Vec<D::W> = a[..n as usize].iter().map(|x| of(*x)).collect();
                d.fp(op, &args)
            }
            Node::Const(_) | Node::Var(_) | Node::Ite(..) => return None,
            Node::Memory(_) | Node::Load(..) | Node::Store(..) => return None,
        })
    }
}

/// A variable's name and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name, unique in the pool, made of letters, digits and underscores.
    pub name: String,
    /// Width in bits.
    pub width: u32,
    /// Whether it stands for an undefined result rather than an input.
    pub undefined: bool,
}

/// The pool all terms of a question live in.
#[derive(Clone, Debug, Default)]
pub struct TermPool {
    nodes: Vec<(Node, u32)>,
    index: HashMap<(Node, u32), TermId>,
    vars: Vec<Variable>,
    memories: u32,
}

impl TermPool {
    /// An empty pool.
    pub fn new() -> TermPool {
        TermPool::default()
    }
    /// Number of nodes; ids are below it.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }
    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
    /// The node of a term.
    pub fn node(&self, t: TermId) -> Node {
        self.nodes[t.0 as usize].0
    }
    /// Width of a term; 0 for memories.
    pub fn term_width(&self, t: TermId) -> u32 {
        self.nodes[t.0 as usize].1
    }
    /// All variables, indexed by the number in [`Node::Var`].
    pub fn variables(&self) -> &[Variable] {
        &self.vars
    }
    /// A new input variable.
    pub fn var(&mut self, name: &str, width: u32) -> TermId {
        self.new_var(name.to_owned(), width, false)
    }
    fn new_var(&mut self, name: String, width: u32, undefined: bool) -> TermId {
        let n = self.vars.len() as u32;
        self.vars.push(Variable {
            name,
            width,
            undefined,
        });
        self.add_node(Node::Var(n), width)
    }
    /// A new initial memory.
    pub fn memory(&mut self) -> TermId {
        self.memories += 1;
        self.add_node(Node::Memory(self.memories - 1), 0)
    }
    fn add_node(&mut self, n: Node, width: u32) -> TermId {
        let next = TermId(self.nodes.len() as u32);
        *self.index.entry((n, width)).or_insert_with(|| {
            self.nodes.push((n, width));
            next
        })
    }
    fn konst(&self, t: TermId) -> Option<u128> {
        match self.node(t) {
            Node::Const(v) => Some(v),
            _ => None,
        }
    }

    /// Every term that `roots` need, in topological (id) order.
    pub fn reachable(&self, roots: &[TermId]) -> Vec<TermId> {
        let Some(top) = roots.iter().max() else {
            return Vec::new();
        };
        let mut need = vec![false; top.0 as usize + 1];
        for r in roots {
            need[r.0 as usize] = true;
        }
        for i in (0..need.len()).rev() {
            if need[i] {
                for o in self.nodes[i].0.operands() {
                    need[o.0 as usize] = true;
                }
            }
        }
        (0..need.len() as u32)
            .filter(|&i| need[i as usize])
            .map(TermId)
            .collect()
    }

    /// Evaluates `roots` in another domain; `var` and `memory` give the leaves (by number; see
    /// [`variables`](Self::variables)).
    ///
    /// # Panics
    /// If a root is a memory.
    pub fn eval<D: Domain>(
        &self,
        roots: &[TermId],
        d: &mut D,
        var: &mut dyn FnMut(&mut D, u32, &Variable) -> D::W,
        memory: &mut dyn FnMut(&mut D, u32) -> D::M,
    ) -> Vec<D::W> {
        let (words, _) = self.eval_all(roots, &[], d, var, memory);
        words
    }

    /// As [`eval`](Self::eval), with memories among the roots.
    pub fn eval_all<D: Domain>(
        &self,
        roots: &[TermId],
        memory_roots: &[TermId],
        d: &mut D,
        var: &mut dyn FnMut(&mut D, u32, &Variable) -> D::W,
        memory: &mut dyn FnMut(&mut D, u32) -> D::M,
    ) -> (Vec<D::W>, Vec<D::M>) {
        let all: Vec<TermId> = roots.iter().chain(memory_roots).copied().collect();
        let order = self.reachable(&all);
        let n = order.last().map_or(0, |t| t.0 as usize + 1);
        let mut words: Vec<Option<D::W>> = vec![None; n];
        let mut mems: Vec<Option<D::M>> = vec![None; n];
        for t in order {
            let (node, width) = self.nodes[t.0 as usize];
            // Operands come before their users in `order`, and each is a word or a memory as its node says.
            macro_rules! w {
                ($a:expr) => {
                    words[$a.0 as usize]
                        .clone()
                        .expect("operands come before users")
                };
            }
            macro_rules! m {
                ($a:expr) => {
                    mems[$a.0 as usize]
                        .clone()
                        .expect("operands come before users")
                };
            }
            if let Some(word) = node.computed(d, width, |a| w!(a)) {
                words[t.0 as usize] = Some(word);
                continue;
            }
            let made = match node {
                Node::Const(v) => Ok(d.constant(width, v)),
                Node::Var(v) => Ok(var(d, v, &self.vars[v as usize])),
                Node::Load(mm, a) => Ok(d.load(&m!(mm), &w!(a), width / 8)),
                Node::Memory(i) => Err(memory(d, i)),
                Node::Store(mm, a, v) => {
                    let mut copy = m!(mm);
                    d.store(&mut copy, &w!(a), &w!(v));
                    Err(copy)
                }
                Node::Ite(c, a, b) => Err(d.ite_memory(&w!(c), &m!(a), &m!(b))),
                _ => unreachable!("computed from words alone"),
            };
            match made {
                Ok(word) => words[t.0 as usize] = Some(word),
                Err(memory) => mems[t.0 as usize] = Some(memory),
            }
        }
        let pick = |r: &TermId| words[r.0 as usize].clone().expect("root is a word");
        let pick_m = |r: &TermId| mems[r.0 as usize].clone().expect("root is a memory");
        (
            roots.iter().map(pick).collect(),
            memory_roots.iter().map(pick_m).collect(),
        )
    }

    fn simplify_bin(&mut self, op: BinOp, w: u32, a: TermId, b: TermId) -> Option<TermId> {
        use BinOp::*;
        let (ka, kb) = (self.konst(a), self.konst(b));
        if let (Some(x), Some(y)) = (ka, kb) {
            return Some(self.constant(w, eval_bin(op, w, x, y)));
        }
        let ones = mask(w);
        // The canonical order puts constants second in commutative operations.
        match (op, kb) {
            (Add | Sub | Or | Xor | Shl | Lshr | Ashr | Rotl | Rotr, Some(0)) => return Some(a),
            (And | Mul | MulHiU | MulHiS | Pext | Pdep, Some(0)) => {
                return Some(self.constant(w, 0));
            }
            (And, Some(k)) if k == ones => return Some(a),
            (Or, Some(k)) if k == ones => return Some(b),
            (Xor, Some(k)) if k == ones => return Some(self.un(UnOp::Not, &a)),
            (Mul | Udiv, Some(1)) => return Some(a),
            (MulHiU, Some(1)) => return Some(self.constant(w, 0)),
            (Mul, Some(k)) if k.is_power_of_two() => {
                let n = self.constant(w, k.trailing_zeros().into());
                return Some(self.bin(Shl, &a, &n));
            }
            (Sub, Some(k)) => {
                let n = self.constant(w, k.wrapping_neg());
                return Some(self.bin(Add, &a, &n));
            }
            (Shl | Lshr, Some(k)) if k >= w.into() => return Some(self.constant(w, 0)),
            (Add | And | Or | Xor | Mul, Some(k)) => {
                // (x op k1) op k2 = x op (k1 op k2)
                if let Node::Bin(o2, x, y) = self.node(a)
                    && o2 == op
                    && let Some(k1) = self.konst(y)
                {
                    let k2 = self.constant(w, eval_bin(op, w, k1, k));
                    return Some(self.bin(op, &x, &k2));
                }
            }
            (Shl | Lshr, Some(k)) => {
                if let Node::Bin(o2, x, y) = self.node(a)
                    && o2 == op
                    && let Some(k1) = self.konst(y)
                {
                    let k2 = self.constant(w, (k1 + k).min(w.into()));
                    return Some(self.bin(op, &x, &k2));
                }
            }
            _ => {}
        }
        if ka == Some(0) {
            match op {
                Sub => return Some(self.un(UnOp::Neg, &b)),
                Shl | Lshr | Ashr | Rotl | Rotr | Pext | Pdep => return Some(a),
                _ => {}
            }
        }
        if a == b {
            match op {
                And | Or => return Some(a),
                Xor | Sub => return Some(self.constant(w, 0)),
                _ => {}
            }
        }
        None
    }
}

impl Domain for TermPool {
    type W = TermId;
    type M = TermId;

    fn constant(&mut self, width: u32, value: u128) -> TermId {
        self.add_node(Node::Const(value & mask(width)), width)
    }
    fn width(&self, w: &TermId) -> u32 {
        self.term_width(*w)
    }
    fn as_constant(&self, w: &TermId) -> Option<u128> {
        self.konst(*w)
    }
    fn un(&mut self, op: UnOp, a: &TermId) -> TermId {
        let w = self.term_width(*a);
        if let Some(v) = self.konst(*a) {
            return self.constant(w, eval_un(op, w, v));
        }
        match (op, self.node(*a)) {
            (UnOp::Not, Node::Un(UnOp::Not, x))
            | (UnOp::Neg, Node::Un(UnOp::Neg, x))
            | (UnOp::Bswap, Node::Un(UnOp::Bswap, x)) => x,
            _ if w == 1 && matches!(op, UnOp::Neg | UnOp::Popcnt) => *a,
            _ => self.add_node(Node::Un(op, *a), w),
        }
    }
    fn bin(&mut self, op: BinOp, a: &TermId, b: &TermId) -> TermId {
        let (mut a, mut b) = (*a, *b);
        let w = self.term_width(a);
        debug_assert_eq!(w, self.term_width(b), "{op:?}");
        if op.commutes() && (self.konst(a).is_some() || (self.konst(b).is_none() && a > b)) {
            std::mem::swap(&mut a, &mut b);
        }
        match self.simplify_bin(op, w, a, b) {
            Some(t) => t,
            None => self.add_node(Node::Bin(op, a, b), w),
        }
    }
    fn cmp(&mut self, op: CmpOp, a: &TermId, b: &TermId) -> TermId {
        let (mut a, mut b) = (*a, *b);
        let w = self.term_width(a);
        debug_assert_eq!(w, self.term_width(b), "{op:?}");
        if op == CmpOp::Eq && (self.konst(a).is_some() || (self.konst(b).is_none() && a > b)) {
            std::mem::swap(&mut a, &mut b);
        }
        if let (Some(x), Some(y)) = (self.konst(a), self.konst(b)) {
            return self.bit(eval_cmp(op, w, x, y));
        }
        if a == b {
            return self.bit(op == CmpOp::Eq);
        }
        match (op, self.konst(b)) {
            (CmpOp::Ult, Some(0)) => return self.bit(false),
            (CmpOp::Eq, Some(k)) if w == 1 => return if k == 1 { a } else { self.not(&a) },
            _ => {}
        }
        self.add_node(Node::Cmp(op, a, b), 1)
    }
    fn ite(&mut self, c: &TermId, a: &TermId, b: &TermId) -> TermId {
        let w = self.term_width(*a);
        debug_assert_eq!(w, self.term_width(*b));
        match self.konst(*c) {
            Some(0) => return *b,
            Some(_) => return *a,
            None => {}
        }
        if a == b {
            return *a;
        }
        if let Node::Un(UnOp::Not, x) = self.node(*c) {
            return self.ite(&x, b, a);
        }
        if w == 1 {
            match (self.konst(*a), self.konst(*b)) {
                (Some(1), Some(0)) => return *c,
                (Some(0), Some(1)) => return self.not(c),
                _ => {}
            }
        }
        self.add_node(Node::Ite(*c, *a, *b), w)
    }
    fn extract(&mut self, a: &TermId, lo: u32, width: u32) -> TermId {
        let w = self.term_width(*a);
        debug_assert!(lo + width <= w);
        if width == w {
            return *a;
        }
        match self.node(*a) {
            Node::Const(v) => self.constant(width, v >> lo),
            Node::Extract(x, l2) => self.extract(&x, lo + l2, width),
            Node::Concat(_, l) if lo + width <= self.term_width(l) => self.extract(&l, lo, width),
            Node::Concat(h, l) if lo >= self.term_width(l) => {
                let n = lo - self.term_width(l);
                self.extract(&h, n, width)
            }
            Node::Zext(x) if lo >= self.term_width(x) => self.constant(width, 0),
            Node::Zext(x) | Node::Sext(x) if lo + width <= self.term_width(x) => {
                self.extract(&x, lo, width)
            }
            Node::Zext(x) if lo == 0 => self.zext(&x, width),
            Node::Sext(x) if lo == 0 => self.sext(&x, width),
            // The low bits of these depend on the operands' low bits only.
            Node::Bin(op @ (BinOp::And | BinOp::Or | BinOp::Xor), x, y) => {
                let (x, y) = (self.extract(&x, lo, width), self.extract(&y, lo, width));
                self.bin(op, &x, &y)
            }
            Node::Bin(op @ (BinOp::Add | BinOp::Sub | BinOp::Mul), x, y) if lo == 0 => {
                let (x, y) = (self.extract(&x, 0, width), self.extract(&y, 0, width));
                self.bin(op, &x, &y)
            }
            Node::Un(UnOp::Not, x) => {
                let x = self.extract(&x, lo, width);
                self.not(&x)
            }
            Node::Ite(c, x, y) => {
                let (x, y) = (self.extract(&x, lo, width), self.extract(&y, lo, width));
                self.ite(&c, &x, &y)
            }
            _ => self.add_node(Node::Extract(*a, lo), width),
        }
    }
    fn concat(&mut self, hi: &TermId, lo: &TermId) -> TermId {
        let (wh, wl) = (self.term_width(*hi), self.term_width(*lo));
        match (self.node(*hi), self.node(*lo)) {
            (Node::Const(h), Node::Const(l)) => return self.constant(wh + wl, h << wl | l),
            (Node::Const(0), _) => return self.zext(lo, wh + wl),
            (Node::Extract(x, l1), Node::Extract(y, l0)) if x == y && l1 == l0 + wl => {
                return self.extract(&x, l0, wh + wl);
            }
            (Node::Extract(x, l1), _) if x == *lo && l1 == wl => {
                return self.extract(&x, 0, wh + wl);
            }
            _ => {}
        }
        self.add_node(Node::Concat(*hi, *lo), wh + wl)
    }
    fn zext(&mut self, a: &TermId, width: u32) -> TermId {
        let w = self.term_width(*a);
        debug_assert!(width >= w);
        if width == w {
            return *a;
        }
        match self.node(*a) {
            Node::Const(v) => self.constant(width, v),
            Node::Zext(x) => self.zext(&x, width),
            _ => self.add_node(Node::Zext(*a), width),
        }
    }
    fn sext(&mut self, a: &TermId, width: u32) -> TermId {
        let w = self.term_width(*a);
        debug_assert!(width >= w);
        if width == w {
            return *a;
        }
        match self.node(*a) {
            Node::Const(v) => self.constant(width, signed(w, v) as u128),
            Node::Sext(x) => self.sext(&x, width),
            Node::Zext(x) => self.zext(&x, width),
            _ => self.add_node(Node::Sext(*a), width),
        }
    }
    fn fp(&mut self, op: FpOp, args: &[TermId]) -> TermId {
        let w = self.term_width(args[0]);
        let rw = op.result_width(w);
        let ks: Vec<u128> = args.iter().filter_map(|t| self.konst(*t)).collect();
        if ks.len() == args.len() {
            let a: [u64; 3] = std::array::from_fn(|i| ks.get(i).map_or(0, |v| *v as u64));
            return self.constant(rw, fp::eval(op, w, a).into());
        }
        let a = std::array::from_fn(|i| args.get(i).copied().unwrap_or(args[0]));
        self.add_node(Node::Fp(op, args.len() as u8, a), rw)
    }
    fn undefined(&mut self, width: u32) -> TermId {
        let n = self.vars.len();
        self.new_var(format!("undef_{n}"), width, true)
    }

    fn mapped(&mut self, _m: &TermId, _addr: &TermId, _bytes: u32, _write: bool) -> TermId {
        self.bit(true)
    }
    fn load(&mut self, m: &TermId, addr: &TermId, bytes: u32) -> TermId {
        // A load of exactly what was stored last is that value.
        if let Node::Store(_, a, v) = self.node(*m)
            && a == *addr
            && self.term_width(v) == 8 * bytes
        {
            return v;
        }
        self.add_node(Node::Load(*m, *addr), 8 * bytes)
    }
    fn store(&mut self, m: &mut TermId, addr: &TermId, value: &TermId) {
        *m = self.add_node(Node::Store(*m, *addr, *value), 0);
    }
    fn ite_memory(&mut self, c: &TermId, a: &TermId, b: &TermId) -> TermId {
        self.ite(c, a, b)
    }
}
