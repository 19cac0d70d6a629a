//! Bit by bit: the integer form of single bits, for parities.
//!
//! An exclusive or of bits is their sum modulo two, `s - 2*floor(s/2)`, in which nested exclusive ors flatten to one
//! sum; so folded parities, the low bit of a population count and parities by multiplication have one form. Bits are
//! pushed through wiring and bitwise operations of the terms down to variables.

use super::integer::IntegerForms;
use super::poly::{Poly, add_poly, constant};
use num_bigint::BigInt;
use num_traits::One;
use trinity_codegen::isa::{BinOp, Domain, Node, TermId, TermPool, UnOp};

/// Deeper terms are not taken apart.
const MAX_DEPTH: u32 = 300;

impl IntegerForms {
    /// As [`new`](Self::new), with masks of bitwise operations taken apart bit by bit.
    pub fn sliced(fuel: u64) -> IntegerForms {
        let mut forms = IntegerForms::new(fuel);
        forms.slice = true;
        forms
    }

    /// Whether all bits of two words have the same forms. `false` says nothing.
    pub fn equal_bits(&mut self, pool: &TermPool, a: TermId, b: TermId) -> bool {
        let w = pool.term_width(a);
        w == pool.term_width(b)
            && w > 0
            && (0..w).all(|i| {
                let Some(x) = self.bit(pool, a, i, 0) else {
                    return false;
                };
                self.bit(pool, b, i, 0).is_some_and(|y| x == y)
            })
    }

    /// Bit `i` of a word.
    pub(super) fn bit(&mut self, pool: &TermPool, t: TermId, i: u32, depth: u32) -> Option<Poly> {
        if let Some(p) = self.bits.get(&(t, i)) {
            return Some(p.clone());
        }
        let p = self.bit_of(pool, t, i, depth)?;
        self.bits.insert((t, i), p.clone());
        Some(p)
    }

    fn bit_of(&mut self, pool: &TermPool, t: TermId, i: u32, depth: u32) -> Option<Poly> {
        let w = pool.term_width(t);
        let one = BigInt::one();
        let next = depth + 1;
        let shift = |k: TermId| {
            pool.as_constant(&k)
                .filter(|k| *k < w.into())
                .map(|k| k as u32)
        };
        let node = if depth < MAX_DEPTH {
            pool.node(t)
        } else {
            Node::Memory(0)
        };
        match node {
            Node::Const(v) => return Some(constant(BigInt::from(v >> i & 1))),
            Node::Un(UnOp::Not, a) => {
                let a = self.bit(pool, a, i, next)?;
                let mut out = constant(one.clone());
                add_poly(&mut out, &a, &-one);
                return Some(out);
            }
            Node::Bin(BinOp::Xor, a, b) => {
                let (a, b) = (self.bit(pool, a, i, next)?, self.bit(pool, b, i, next)?);
                return self.sum_bit(a, &b);
            }
            // The lowest place has no carry.
            Node::Bin(BinOp::Add | BinOp::Sub, a, b) if i == 0 => {
                let (a, b) = (self.bit(pool, a, 0, next)?, self.bit(pool, b, 0, next)?);
                return self.sum_bit(a, &b);
            }
            Node::Bin(op @ (BinOp::And | BinOp::Or), a, b) => {
                let (a, b) = (self.bit(pool, a, i, next)?, self.bit(pool, b, i, next)?);
                let both = self.polys.mul(&a, &b)?;
                if op == BinOp::And {
                    return Some(both);
                }
                let mut out = a;
                add_poly(&mut out, &b, &one);
                add_poly(&mut out, &both, &-one);
                return Some(out);
            }
            Node::Bin(BinOp::Shl, a, k) => {
                if let Some(k) = shift(k) {
                    return if i < k {
                        Some(Poly::new())
                    } else {
                        self.bit(pool, a, i - k, next)
                    };
                }
            }
            Node::Bin(op @ (BinOp::Lshr | BinOp::Ashr), a, k) => {
                if let Some(k) = shift(k) {
                    return match i + k < w {
                        true => self.bit(pool, a, i + k, next),
                        false if op == BinOp::Ashr => self.bit(pool, a, w - 1, next),
                        false => Some(Poly::new()),
                    };
                }
            }
            Node::Extract(a, lo) => return self.bit(pool, a, lo + i, next),
            Node::Concat(h, l) => {
                let low = pool.term_width(l);
                return match i < low {
                    true => self.bit(pool, l, i, next),
                    false => self.bit(pool, h, i - low, next),
                };
            }
            Node::Zext(a) | Node::Sext(a) => {
                let low = pool.term_width(a);
                return match node {
                    _ if i < low => self.bit(pool, a, i, next),
                    Node::Sext(_) => self.bit(pool, a, low - 1, next),
                    _ => Some(Poly::new()),
                };
            }
            _ => {}
        }
        // From the word's form: floor(x / 2^i) modulo two.
        let form = self.form(pool, t)?.clone();
        let shifted = self.polys.floor(&form, &(one << i))?;
        self.polys.modulo_two(&shifted)
    }

    fn sum_bit(&mut self, mut a: Poly, b: &Poly) -> Option<Poly> {
        add_poly(&mut a, b, &BigInt::one());
        self.polys.modulo_two(&a)
    }
}
