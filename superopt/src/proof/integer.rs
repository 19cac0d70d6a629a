//! The rung "integer form": words as exact integer polynomials (see [`poly`](super::poly)).
//!
//! Each term of `w` bits becomes a polynomial whose value is the word's unsigned value, and an interval inside
//! `[0, 2^w)`. Two terms with one polynomial are equal. What has no polynomial (a shift by a variable amount, a
//! conjunction of two unknown words) becomes an atom named by its operation and its operands' polynomials, so equal
//! operands still give equal atoms.

use super::poly::{
    AtomKind, Bounds, Poly, Polys, add_poly, add_term, as_constant, constant, scaled,
};
use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::HashMap;
use trinity_codegen::isa::{BinOp, CmpOp, Node, TermId, TermPool, UnOp};

/// Masks with more runs of ones than this are not taken apart.
const MAX_RUNS: usize = 34;

/// A term's integer value.
#[derive(Clone)]
struct Value {
    poly: Poly,
    bounds: Bounds,
}

/// Translates terms of one pool; values are kept between calls.
pub struct IntegerForms {
    pub(super) polys: Polys,
    values: HashMap<TermId, Value>,
    operations: HashMap<String, u64>,
    /// Masks of bitwise operations are sums over bits.
    pub(super) slice: bool,
    pub(super) bits: HashMap<(TermId, u32), Poly>,
}

fn power(k: u32) -> BigInt {
    BigInt::one() << k
}

impl IntegerForms {
    /// Nothing translated; `fuel` bounds the work (monomials touched).
    pub fn new(fuel: u64) -> IntegerForms {
        IntegerForms {
            polys: Polys::new(fuel),
            values: HashMap::new(),
            operations: HashMap::new(),
            slice: false,
            bits: HashMap::new(),
        }
    }

    /// Whether two words have the same form. `false` says nothing.
    pub fn equal(&mut self, pool: &TermPool, a: TermId, b: TermId) -> bool {
        if pool.term_width(a) == 0 || pool.term_width(a) != pool.term_width(b) {
            return a == b;
        }
        let Some(a) = self.form(pool, a).cloned() else {
            return false;
        };
        self.form(pool, b).is_some_and(|b| *b == a)
    }

    /// The form of a word; `None` when the fuel is gone.
    pub fn form(&mut self, pool: &TermPool, t: TermId) -> Option<&Poly> {
        for t in pool.reachable(&[t]) {
            if pool.term_width(t) == 0 || self.values.contains_key(&t) {
                continue;
            }
            if self.polys.fuel == 0 {
                return None;
            }
            let width = pool.term_width(t);
            let value = self.translate(pool, t, width);
            let value = match value {
                Some(v) => v,
                None => self.opaque(&format!("term {}", t.0), &[], full(width)),
            };
            // Atoms and constants need no fact.
            if value.poly.len() > 1 {
                self.polys.learn(&value.poly, value.bounds.clone());
            }
            self.values.insert(t, value);
        }
        self.values.get(&t).map(|v| &v.poly)
    }

    /// An interval that contains a word's values, once it was translated.
    pub fn bounds(&self, t: TermId) -> Option<Bounds> {
        self.values.get(&t).map(|v| v.bounds.clone())
    }

    fn opaque(&mut self, operation: &str, operands: &[Poly], bounds: Bounds) -> Value {
        let next = self.operations.len() as u64;
        let number = *self.operations.entry(operation.to_string()).or_insert(next);
        let operands = operands
            .iter()
            .map(|p| self.polys.intern(p.clone()))
            .collect();
        let poly = self.polys.atom(
            AtomKind::Opaque(number, operands),
            bounds.0.clone(),
            bounds.1.clone(),
        );
        Value { poly, bounds }
    }

    /// The word that an integer becomes when it is cut to `w` bits. `bounds` contain the integer.
    fn wrap(&mut self, poly: Poly, bounds: Bounds, w: u32) -> Option<Value> {
        let n = power(w);
        let mut inside = self.polys.bounds(&poly);
        inside.0 = inside.0.max(bounds.0);
        inside.1 = inside.1.min(bounds.1);
        if !inside.0.is_negative() && inside.1 < n {
            return Some(Value {
                poly,
                bounds: inside,
            });
        }
        let high = self.polys.floor(&poly, &n)?;
        let mut out = poly;
        add_poly(&mut out, &high, &-n);
        // The floor's own normal form takes out multiples of 2^w, which then cancel here.
        Some(self.bounded(out, w))
    }

    fn bounded(&mut self, poly: Poly, w: u32) -> Value {
        let (low, high) = self.polys.bounds(&poly);
        let whole = full(w);
        Value {
            poly,
            bounds: (low.max(whole.0), high.min(whole.1)),
        }
    }

    fn get(&self, t: TermId) -> Value {
        // `form` goes in id order, and operands have smaller ids.
        self.values[&t].clone()
    }

    /// Bits `lo..` of a value, as an integer.
    fn shifted(&mut self, v: &Value, lo: u32) -> Option<Value> {
        let poly = self.polys.floor(&v.poly, &power(lo))?;
        let bounds = (v.bounds.0.clone() >> lo, v.bounds.1.clone() >> lo);
        Some(Value { poly, bounds })
    }

    /// The sign bit of a word.
    fn sign(&mut self, v: &Value, w: u32) -> Option<Poly> {
        Some(self.shifted(v, w - 1)?.poly)
    }

    /// A word's value as a signed number.
    fn signed(&mut self, v: &Value, w: u32) -> Option<Value> {
        let sign = self.sign(v, w)?;
        let mut poly = v.poly.clone();
        add_poly(&mut poly, &sign, &-power(w));
        let (low, high) = match as_constant(&sign) {
            Some(s) => (&v.bounds.0 - &s * power(w), &v.bounds.1 - &s * power(w)),
            None => (-power(w - 1), power(w - 1) - 1),
        };
        Some(Value {
            poly,
            bounds: (low, high),
        })
    }

    /// The conjunction of two words.
    fn and(
        &mut self,
        pool: &TermPool,
        (ta, a): (TermId, &Value),
        (tb, b): (TermId, &Value),
        w: u32,
    ) -> Option<Value> {
        if a.poly == b.poly {
            return Some(a.clone());
        }
        if disjoint(a, b) || disjoint(b, a) {
            return Some(Value {
                poly: Poly::new(),
                bounds: (BigInt::zero(), BigInt::zero()),
            });
        }
        if w == 1 {
            let poly = self.polys.mul(&a.poly, &b.poly)?;
            return Some(Value {
                poly,
                bounds: full(1),
            });
        }
        for ((x, tx), k) in [((a, ta), b), ((b, tb), a)] {
            if let Some(mask) = as_constant(&k.poly).and_then(|k| k.to_u128()) {
                if self.slice
                    && matches!(
                        pool.node(tx),
                        Node::Bin(BinOp::Xor | BinOp::And | BinOp::Or, ..)
                    )
                {
                    let mut poly = Poly::new();
                    for i in (0..w).filter(|i| mask >> i & 1 == 1) {
                        let bit = self.bit(pool, tx, i, 0)?;
                        add_poly(&mut poly, &bit, &power(i));
                    }
                    return Some(self.bounded(poly, w));
                }
                return self.masked(x, mask, w);
            }
        }
        // a & ~x = a - (a & x)
        for (a, tb) in [(a, tb), (b, ta)] {
            if let Node::Un(UnOp::Not, x) = pool.node(tb) {
                let x = self.get(x);
                let both = self.and_atom(a, &x)?;
                let mut poly = a.poly.clone();
                add_poly(&mut poly, &both.poly, &-BigInt::one());
                return Some(Value {
                    poly,
                    bounds: (BigInt::zero(), a.bounds.1.clone()),
                });
            }
        }
        self.and_atom(a, b)
    }

    fn and_atom(&mut self, a: &Value, b: &Value) -> Option<Value> {
        if a.poly == b.poly {
            return Some(a.clone());
        }
        if a.poly.is_empty() || b.poly.is_empty() {
            return Some(Value {
                poly: Poly::new(),
                bounds: (BigInt::zero(), BigInt::zero()),
            });
        }
        let (first, second) = if a.poly <= b.poly { (a, b) } else { (b, a) };
        let high = (&a.bounds.1).min(&b.bounds.1).clone();
        let longest = a.bounds.1.bits().max(b.bounds.1.bits()) as u32;
        let both = self.opaque(
            "and",
            &[first.poly.clone(), second.poly.clone()],
            (BigInt::zero(), high),
        );
        // What is left of either operand, the disjunction and the exclusive or are words too.
        let ones: BigInt = power(longest) - 1;
        let (ha, hb) = (first.bounds.1.clone(), second.bounds.1.clone());
        let known = [
            ((1, 0, -1), ha),
            ((0, 1, -1), hb),
            ((1, 1, -1), ones.clone()),
            ((1, 1, -2), ones),
        ];
        for ((x, y, z), high) in known {
            let mut poly = scaled(&first.poly, &x.into());
            add_poly(&mut poly, &second.poly, &y.into());
            add_poly(&mut poly, &both.poly, &z.into());
            self.polys.learn(&poly, (BigInt::zero(), high));
        }
        Some(both)
    }

    /// `x & mask`: each run of ones is `2^lo * (floor(x/2^lo) - 2^len * floor(x/2^(lo+len)))`.
    fn masked(&mut self, x: &Value, mask: u128, w: u32) -> Option<Value> {
        let mut runs = Vec::new();
        let mut at = 0;
        while at < w && mask >> at != 0 {
            at += (mask >> at).trailing_zeros();
            let len = (mask >> at).trailing_ones().min(w - at);
            runs.push((at, len));
            at += len;
        }
        if runs.len() > MAX_RUNS {
            let key = format!("mask {mask:x}");
            return Some(self.opaque(
                &key,
                std::slice::from_ref(&x.poly),
                (BigInt::zero(), BigInt::from(mask)),
            ));
        }
        let mut poly = Poly::new();
        for (lo, len) in runs {
            let low = self.shifted(x, lo)?;
            let high = self.shifted(x, lo + len)?;
            add_poly(&mut poly, &low.poly, &power(lo));
            add_poly(&mut poly, &high.poly, &-power(lo + len));
        }
        let mut v = self.bounded(poly, w);
        v.bounds.1 = v.bounds.1.min(BigInt::from(mask)).min(x.bounds.1.clone());
        Some(v)
    }

    fn translate(&mut self, pool: &TermPool, t: TermId, w: u32) -> Option<Value> {
        let node = pool.node(t);
        match node {
            Node::Const(v) => {
                let v = BigInt::from(v);
                Some(Value {
                    poly: constant(v.clone()),
                    bounds: (v.clone(), v),
                })
            }
            Node::Var(_) => Some(self.opaque(&format!("variable {}", t.0), &[], full(w))),
            Node::Un(op, a) => self.unary(op, &self.get(a), w),
            Node::Bin(op, a, b) => self.binary(pool, op, a, b, w),
            Node::Cmp(op, a, b) => self.compare(op, &self.get(a), &self.get(b), pool.term_width(a)),
            Node::Ite(c, a, b) => {
                let (c, a, b) = (self.get(c), self.get(a), self.get(b));
                let mut poly = a.poly;
                add_poly(&mut poly, &b.poly, &-BigInt::one());
                let mut poly = self.polys.mul(&c.poly, &poly)?;
                add_poly(&mut poly, &b.poly, &BigInt::one());
                Some(Value {
                    poly,
                    bounds: (a.bounds.0.min(b.bounds.0), a.bounds.1.max(b.bounds.1)),
                })
            }
            Node::Extract(a, lo) => {
                let shifted = self.shifted(&self.get(a), lo)?;
                self.wrap(shifted.poly, shifted.bounds, w)
            }
            Node::Concat(h, l) => {
                let shift = power(pool.term_width(l));
                let (h, l) = (self.get(h), self.get(l));
                let mut poly = scaled(&h.poly, &shift);
                add_poly(&mut poly, &l.poly, &BigInt::one());
                let bounds = (
                    h.bounds.0 * &shift + l.bounds.0,
                    h.bounds.1 * &shift + l.bounds.1,
                );
                Some(Value { poly, bounds })
            }
            Node::Zext(a) => Some(self.get(a)),
            Node::Sext(a) => {
                let (v, from) = (self.get(a), pool.term_width(a));
                let sign = self.sign(&v, from)?;
                let mut poly = v.poly;
                add_poly(&mut poly, &sign, &(power(w) - power(from)));
                Some(self.bounded(poly, w))
            }
            Node::Fp(op, n, args) => {
                let args: Vec<Poly> = args[..n as usize]
                    .iter()
                    .map(|a| self.get(*a).poly)
                    .collect();
                Some(self.opaque(&format!("fp {op:?} {w}"), &args, full(w)))
            }
            Node::Memory(_) | Node::Load(..) | Node::Store(..) => None,
        }
    }

    fn unary(&mut self, op: UnOp, a: &Value, w: u32) -> Option<Value> {
        match op {
            UnOp::Not => {
                let ones: BigInt = power(w) - 1;
                let mut poly = constant(ones.clone());
                add_poly(&mut poly, &a.poly, &-BigInt::one());
                Some(Value {
                    poly,
                    bounds: (&ones - &a.bounds.1, &ones - &a.bounds.0),
                })
            }
            UnOp::Neg => {
                let poly = scaled(&a.poly, &-BigInt::one());
                self.wrap(poly, (-&a.bounds.1, -&a.bounds.0), w)
            }
            UnOp::Popcnt => {
                // popcount(x) = x - sum of floor(x / 2^i)
                let mut poly = a.poly.clone();
                for i in 1..w {
                    let f = self.shifted(a, i)?;
                    add_poly(&mut poly, &f.poly, &-BigInt::one());
                }
                let bounds = (BigInt::zero(), BigInt::from(a.bounds.1.bits()));
                Some(Value { poly, bounds })
            }
            UnOp::Clz | UnOp::Ctz => {
                let bounds = (BigInt::zero(), BigInt::from(w));
                Some(self.opaque(
                    &format!("{op:?} {w}"),
                    std::slice::from_ref(&a.poly),
                    bounds,
                ))
            }
            UnOp::Bswap => {
                let mut poly = Poly::new();
                for i in (0..w).step_by(8) {
                    let byte = self.masked(a, 0xff << i, w)?;
                    let (from, to) = (power(i), power(w - 8 - i));
                    // The byte's polynomial is a multiple of its place.
                    for (m, c) in &byte.poly {
                        add_term(&mut poly, m.clone(), c / &from * &to);
                    }
                }
                Some(self.bounded(poly, w))
            }
        }
    }

    fn binary(
        &mut self,
        pool: &TermPool,
        op: BinOp,
        ta: TermId,
        tb: TermId,
        w: u32,
    ) -> Option<Value> {
        use BinOp::*;
        let (a, b) = (self.get(ta), self.get(tb));
        let one = BigInt::one();
        let kb = as_constant(&b.poly);
        match op {
            Add => {
                let mut poly = a.poly;
                add_poly(&mut poly, &b.poly, &one);
                self.wrap(poly, (a.bounds.0 + b.bounds.0, a.bounds.1 + b.bounds.1), w)
            }
            Sub => {
                let mut poly = a.poly;
                add_poly(&mut poly, &b.poly, &-one);
                self.wrap(poly, (a.bounds.0 - b.bounds.1, a.bounds.1 - b.bounds.0), w)
            }
            Mul => {
                let poly = self.polys.mul(&a.poly, &b.poly)?;
                self.wrap(poly, (a.bounds.0 * b.bounds.0, a.bounds.1 * b.bounds.1), w)
            }
            MulHiU => {
                let poly = self.polys.mul(&a.poly, &b.poly)?;
                let product = Value {
                    poly,
                    bounds: (a.bounds.0 * b.bounds.0, a.bounds.1 * b.bounds.1),
                };
                self.shifted(&product, w)
            }
            MulHiS => {
                let (a, b) = (self.signed(&a, w)?, self.signed(&b, w)?);
                let poly = self.polys.mul(&a.poly, &b.poly)?;
                let high = self.polys.floor(&poly, &power(w))?;
                self.wrap(high, (-power(w), power(w)), w)
            }
            And => self.and(pool, (ta, &a), (tb, &b), w),
            Or | Xor => {
                // a | b = a + b - (a & b); a ^ b = a + b - 2 (a & b)
                let both = self.and(pool, (ta, &a), (tb, &b), w)?;
                let mut poly = a.poly;
                add_poly(&mut poly, &b.poly, &one);
                add_poly(
                    &mut poly,
                    &both.poly,
                    &BigInt::from(if op == Or { -1 } else { -2 }),
                );
                let highest = a.bounds.1.bits().max(b.bounds.1.bits()) as u32;
                Some(Value {
                    poly,
                    bounds: (BigInt::zero(), power(highest) - 1),
                })
            }
            Shl if kb.is_some() => {
                // Larger counts were folded with the pool's terms, or stay opaque.
                let k = kb?.to_u32().filter(|k| *k < w)?;
                let poly = scaled(&a.poly, &power(k));
                self.wrap(poly, (a.bounds.0 << k, a.bounds.1 << k), w)
            }
            Lshr if kb.is_some() => self.shifted(&a, kb?.to_u32().filter(|k| *k < w)?),
            Ashr if kb.is_some() => {
                let k = kb?.to_u32().filter(|k| *k < w)?;
                let v = self.signed(&a, w)?;
                let poly = self.polys.floor(&v.poly, &power(k))?;
                self.wrap(poly, (v.bounds.0 >> k, v.bounds.1 >> k), w)
            }
            Rotl | Rotr if kb.is_some() => {
                let k = (kb? % w).to_u32()?;
                let left = if op == Rotl { k } else { (w - k) % w };
                // The bits that leave at the top come in at the bottom.
                let out = self.shifted(&a, w - left)?;
                let mut poly = scaled(&a.poly, &power(left));
                add_poly(&mut poly, &out.poly, &(one - power(w)));
                Some(self.bounded(poly, w))
            }
            Udiv | Urem if kb.as_ref().is_some_and(Signed::is_positive) => {
                let d = kb?;
                let quotient = self.polys.floor(&a.poly, &d)?;
                if op == Udiv {
                    return Some(Value {
                        poly: quotient,
                        bounds: (a.bounds.0 / &d, a.bounds.1 / &d),
                    });
                }
                let mut poly = a.poly;
                add_poly(&mut poly, &quotient, &-&d);
                let largest: BigInt = d - 1;
                Some(Value {
                    poly,
                    bounds: (BigInt::zero(), largest.min(a.bounds.1)),
                })
            }
            Sdiv | Srem if kb.as_ref().is_some_and(|k| !k.is_zero()) => {
                // Truncation rounds negative quotients up: floor((x + (d-1)*sign) / d).
                let k = kb?;
                let k = if k.bits() == u64::from(w) {
                    k - power(w)
                } else {
                    k
                };
                let d = k.abs();
                let sign = self.sign(&a, w)?;
                let v = self.signed(&a, w)?;
                let mut shifted = v.poly.clone();
                add_poly(&mut shifted, &sign, &(&d - 1));
                let quotient = self.polys.floor(&shifted, &d)?;
                let n = power(w);
                if op == Sdiv {
                    let sign = if k.is_negative() { -one } else { one };
                    return self.wrap(scaled(&quotient, &sign), (-n.clone(), n), w);
                }
                let mut poly = v.poly;
                add_poly(&mut poly, &quotient, &-&d);
                self.wrap(poly, (-d.clone(), d), w)
            }
            _ => Some(self.opaque(&format!("{op:?} {w}"), &[a.poly, b.poly], full(w))),
        }
    }

    fn compare(&mut self, op: CmpOp, a: &Value, b: &Value, w: u32) -> Option<Value> {
        let one = BigInt::one();
        let mut difference = a.poly.clone();
        add_poly(&mut difference, &b.poly, &-&one);
        let poly = match op {
            CmpOp::Eq => self.polys.is_zero(&difference)?,
            CmpOp::Ult => self.below(difference, w)?,
            CmpOp::Slt => {
                // Signs differ: the sign of the first decides; sum it up as sign(a) - sign(b) + (a < b).
                let mut poly = self.below(difference, w)?;
                let (sa, sb) = (self.sign(a, w)?, self.sign(b, w)?);
                add_poly(&mut poly, &sa, &one);
                add_poly(&mut poly, &sb, &-one);
                poly
            }
        };
        Some(Value {
            poly,
            bounds: full(1),
        })
    }

    /// The bit that says whether a difference of two words of `w` bits is negative.
    fn below(&mut self, difference: Poly, w: u32) -> Option<Poly> {
        // One divisor for one difference, whatever the width it was compared at.
        let (low, high) = self.polys.bounds(&difference);
        let largest = low.abs().max(high.abs());
        let bits = (largest.bits() as u32).clamp(1, w);
        let floor = self.polys.floor(&difference, &power(bits))?;
        Some(scaled(&floor, &-BigInt::one()))
    }
}

/// Whether `a` is a multiple of a power of two that `b` stays below: they have no bit in common.
fn disjoint(a: &Value, b: &Value) -> bool {
    let zeros = a
        .poly
        .values()
        .filter_map(|c| c.magnitude().trailing_zeros());
    zeros.min().is_some_and(|k| b.bounds.1.bits() <= k)
}

fn full(w: u32) -> Bounds {
    (BigInt::zero(), power(w) - 1)
}
