//! The operations of the domain.

use super::{Memory, Terms, ones};
use crate::handed_on::handed_on;
use std::collections::BTreeMap;
use std::sync::Arc;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, FpOp, Node, TermId, UnOp};

impl Domain for Terms<'_> {
    type W = TermId;
    type M = Memory;

    handed_on!(self => self.pool, TermId: constant width as_constant undefined);
    fn un(&mut self, op: UnOp, a: &TermId) -> TermId {
        match op {
            UnOp::Neg if self.pool.term_width(*a) > 1 => self.scaled(*a, u128::MAX),
            _ => self.pool.un(op, a),
        }
    }
    fn bin(&mut self, op: BinOp, a: &TermId, b: &TermId) -> TermId {
        let (a, b) = (*a, *b);
        let w = self.pool.term_width(a);
        let (ka, kb) = (self.pool.as_constant(&a), self.pool.as_constant(&b));
        match (op, kb) {
            (BinOp::Add, _) if w > 1 => self.add_sums(a, b, 1),
            (BinOp::Sub, _) if w > 1 => self.add_sums(a, b, u128::MAX),
            (BinOp::Mul, Some(k)) if w > 1 => self.scaled(a, k),
            (BinOp::Mul, _) if w > 1 && ka.is_some() => self.scaled(b, ka.unwrap_or(0)),
            (BinOp::Shl, Some(k)) if k < w.into() => self.scaled(a, 1 << k),
            (BinOp::Rotl, Some(k)) => {
                let n = u128::from(w);
                let k = self.pool.constant(w, (n - k % n) % n);
                self.pool.bin(BinOp::Rotr, &a, &k)
            }
            (BinOp::Lshr | BinOp::Ashr, Some(k)) if matches!(self.pool.node(a), Node::Zext(_)) => {
                let Node::Zext(x) = self.pool.node(a) else {
                    return self.pool.bin(op, &a, &b);
                };
                let n = self.pool.term_width(x);
                if k >= n.into() {
                    return self.pool.constant(w, 0);
                }
                let k = self.pool.constant(n, k);
                let r = self.bin(BinOp::Lshr, &x, &k);
                self.zext(&r, w)
            }
            (BinOp::And | BinOp::Or | BinOp::Xor, _) => self.bitwise(op, a, b),
            _ => self.pool.bin(op, &a, &b),
        }
    }
    fn cmp(&mut self, op: CmpOp, a: &TermId, b: &TermId) -> TermId {
        let (a, b) = (*a, *b);
        let w = self.pool.term_width(a);
        if w == 1 {
            return self.pool.cmp(op, &a, &b);
        }
        if op != CmpOp::Slt
            && let Some((x, y)) = self.both_narrow(a, b)
        {
            return self.cmp(op, &x, &y);
        }
        let (ka, kb) = (self.pool.as_constant(&a), self.pool.as_constant(&b));
        match op {
            CmpOp::Eq => {
                let (x, k) = if ka.is_some() { (b, ka) } else { (a, kb) };
                match (self.pool.node(x), k) {
                    (Node::Sext(y), Some(k)) => {
                        let n = self.pool.term_width(y);
                        let low = self.pool.constant(n, k);
                        let back = self.pool.sext(&low, w);
                        return match self.pool.as_constant(&back) == Some(k) {
                            true => self.cmp(CmpOp::Eq, &y, &low),
                            false => self.pool.bit(false),
                        };
                    }
                    (Node::Bin(BinOp::Xor, x, y), Some(0)) => return self.cmp(CmpOp::Eq, &x, &y),
                    _ => {}
                }
                let mut sum = (Vec::new(), 0);
                self.gather(a, 1, ones(w), &mut sum);
                self.gather(b, ones(w), ones(w), &mut sum);
                sum.0.sort_unstable_by_key(|x| x.0);
                if sum.0.first().is_some_and(|x| x.1 > 1 << (w - 1)) {
                    for x in &mut sum.0 {
                        x.1 = x.1.wrapping_neg() & ones(w);
                    }
                    sum.1 = sum.1.wrapping_neg() & ones(w);
                }
                let k = self.pool.constant(w, sum.1.wrapping_neg());
                let x = self.build((sum.0, 0), w);
                if let Some((x, k)) = self.both_narrow(x, k) {
                    return self.pool.cmp(CmpOp::Eq, &x, &k);
                }
                self.pool.cmp(CmpOp::Eq, &x, &k)
            }
            CmpOp::Ult if ka == Some(0) => {
                let z = self.cmp(CmpOp::Eq, &b, &a);
                self.pool.un(UnOp::Not, &z)
            }
            CmpOp::Ult if kb == Some(1) => {
                let z = self.pool.constant(w, 0);
                self.cmp(CmpOp::Eq, &a, &z)
            }
            CmpOp::Slt if kb == Some(0) => self.extract(&a, w - 1, 1),
            CmpOp::Slt => {
                if let Some((x, y)) = self.both_narrow(a, b) {
                    return self.cmp(CmpOp::Ult, &x, &y);
                }
                self.pool.cmp(op, &a, &b)
            }
            CmpOp::Ult => self.pool.cmp(op, &a, &b),
        }
    }
    fn ite(&mut self, c: &TermId, a: &TermId, b: &TermId) -> TermId {
        self.pool.ite(c, a, b)
    }
    fn extract(&mut self, a: &TermId, lo: u32, width: u32) -> TermId {
        let t = self.part(*a, lo, width);
        if width == 32 && self.pool.term_width(*a) == 64 {
            let of = self.halves.entry(t).or_default();
            if of.len() < 8 && !of.contains(&(*a, lo)) {
                of.push((*a, lo));
            }
        }
        t
    }
    fn concat(&mut self, hi: &TermId, lo: &TermId) -> TermId {
        // Halves of one word, whatever they became, are the word.
        let upper = self.halves.get(hi).map_or(&[][..], Vec::as_slice);
        let lower = self.halves.get(lo).map_or(&[][..], Vec::as_slice);
        let whole = lower
            .iter()
            .find(|x| x.1 == 0 && upper.contains(&(x.0, 32)));
        match whole {
            Some(x) => x.0,
            None => self.pool.concat(hi, lo),
        }
    }
    fn zext(&mut self, a: &TermId, width: u32) -> TermId {
        self.pool.zext(a, width)
    }
    fn sext(&mut self, a: &TermId, width: u32) -> TermId {
        self.pool.sext(a, width)
    }
    fn fp(&mut self, op: FpOp, args: &[TermId]) -> TermId {
        match (op, args) {
            (FpOp::Eq, [a, b]) if a == b => {
                let u = self.pool.fp(FpOp::Unord, args);
                self.pool.un(UnOp::Not, &u)
            }
            (FpOp::Add | FpOp::Mul | FpOp::Eq | FpOp::Unord, &[a, b]) => {
                self.pool.fp(op, &[a.min(b), a.max(b)])
            }
            _ => self.pool.fp(op, args),
        }
    }
    fn mapped(&mut self, _: &Memory, _: &TermId, _: u32, _: bool) -> TermId {
        self.pool.bit(true)
    }
    fn load(&mut self, m: &Memory, addr: &TermId, bytes: u32) -> TermId {
        if let Some(t) = self.code_load(*addr, bytes) {
            return t;
        }
        if self.split(*addr).0 == self.code {
            self.refuse("a load from the instructions");
        }
        match self.place(*addr, bytes.into()) {
            Some(Some(k)) => {
                if k % 8 + i64::from(bytes) > 8 {
                    self.refuse("a load across spill slots");
                }
                let word = self.slot(m, k & !7);
                let (lo, n) = (8 * (k & 7) as u32, 8 * bytes.min(8));
                if lo + n > 64 {
                    return self.pool.undefined(8 * bytes);
                }
                self.extract(&word, lo, n)
            }
            Some(None) => self.load_heap(m.heap, *addr, bytes),
            None => self.pool.undefined(8 * bytes),
        }
    }
    fn store(&mut self, m: &mut Memory, addr: &TermId, value: &TermId) {
        let bytes = self.pool.term_width(*value) / 8;
        if self.split(*addr).0 == self.code {
            self.refuse("a store to the code");
        }
        match self.place(*addr, bytes.into()) {
            Some(Some(k)) if k & 7 == 0 && bytes == 8 => {
                Arc::make_mut(&mut m.frame).insert(k, *value);
            }
            Some(Some(_)) => self.refuse("a store to a part of a spill slot"),
            Some(None) => self.pool.store(&mut m.heap, addr, value),
            None => {}
        }
    }
    fn ite_memory(&mut self, c: &TermId, a: &Memory, b: &Memory) -> Memory {
        let heap = self.pool.ite(c, &a.heap, &b.heap);
        let mut frame = BTreeMap::new();
        let keys: std::collections::BTreeSet<i64> =
            a.frame.keys().chain(b.frame.keys()).copied().collect();
        for k in keys {
            let (x, y) = (self.slot(a, k), self.slot(b, k));
            let t = self.pool.ite(c, &x, &y);
            frame.insert(k, t);
        }
        Memory {
            heap,
            frame: Arc::new(frame),
        }
    }
}
