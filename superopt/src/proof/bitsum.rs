//! Polynomials that are sums over the bits of atoms: exact bounds, quotients by powers of two, parities.
//!
//! Bit `j` of an atom `x` is `floor(x/2^j) - 2*floor(x/2^(j+1))`, so a polynomial that is linear in such floors is a sum
//! over bits, and since the bits are free its bounds are exact. Population counts by masks and shifts stay exact so.

use super::poly::{Atom, AtomKind, Bounds, Poly, Polys, add_poly, constant, symmetric};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use std::collections::BTreeMap;

/// A constant and a sum over bits of atoms: coefficients by atom and place.
#[derive(Default)]
pub(super) struct BitSum {
    constant: BigInt,
    bases: BTreeMap<Atom, Vec<BigInt>>,
}

impl BitSum {
    /// Exact where the bits are free.
    pub(super) fn bounds(&self) -> Bounds {
        let (mut low, mut high) = (self.constant.clone(), self.constant.clone());
        for b in self.bases.values().flatten() {
            if b.is_negative() {
                low += b;
            } else {
                high += b;
            }
        }
        (low, high)
    }
}

pub(super) trait CountOnes {
    fn count_ones(&self) -> u64;
}

impl CountOnes for BigInt {
    fn count_ones(&self) -> u64 {
        self.magnitude().count_ones()
    }
}

impl Polys {
    /// A polynomial that is linear in `floor(x / 2^i)` of atoms `x`, as a sum over the bits of the atoms.
    pub(super) fn bits(&self, p: &Poly) -> Option<BitSum> {
        let mut sum = BitSum::default();
        for (m, c) in p {
            let (base, shift) = match m.as_slice() {
                [] => {
                    sum.constant = c.clone();
                    continue;
                }
                [a] => match &self.atoms[*a as usize].kind {
                    AtomKind::Floor(q, n) => {
                        let (shift, q) = (n.bits() - 1, self.get(*q));
                        let single = q.iter().next().filter(|(_, c)| q.len() == 1 && c.is_one());
                        let base = match single.map(|(m, _)| m.as_slice()) {
                            Some([base]) if n.count_ones() == 1 => *base,
                            _ => return None,
                        };
                        (base, shift as usize)
                    }
                    _ => (*a, 0),
                },
                _ => return None,
            };
            let info = &self.atoms[base as usize];
            if info.low.is_negative()
                || matches!(info.kind, AtomKind::Floor(..))
                || info.high.bits() > 128
            {
                return None;
            }
            let width = info.high.bits() as usize;
            let bits = sum
                .bases
                .entry(base)
                .or_insert_with(|| vec![BigInt::zero(); width]);
            for (j, b) in bits.iter_mut().enumerate().skip(shift) {
                *b += c << (j - shift);
            }
        }
        Some(sum)
    }

    /// A sum over bits as a polynomial: bit `j` of `x` is `floor(x/2^j) - 2*floor(x/2^(j+1))`.
    fn unbits(&mut self, sum: &BitSum) -> Option<Poly> {
        let mut out = constant(sum.constant.clone());
        for (base, bits) in &sum.bases {
            let whole = Poly::from([(vec![*base], BigInt::one())]);
            let mut carry = BigInt::zero();
            for (j, b) in bits.iter().enumerate() {
                let c = b - carry;
                carry = b * 2;
                if !c.is_zero() {
                    let f = self.floor(&whole, &(BigInt::one() << j))?;
                    add_poly(&mut out, &f, &c);
                }
            }
        }
        Some(out)
    }

    /// The floor of a sum over bits, when its residue is known to stay within one quotient.
    pub(super) fn floor_bits(&mut self, p: &Poly, n: &BigInt) -> Option<Option<Poly>> {
        if p.len() < 2 {
            return Some(None);
        }
        let Some(sum) = self.bits(p) else {
            return Some(None);
        };
        self.spend(sum.bases.values().map(Vec::len).sum())?;
        let (mut out, mut rest) = (BitSum::default(), BitSum::default());
        (out.constant, rest.constant) = sum.constant.div_mod_floor(n);
        for (base, bits) in &sum.bases {
            let (q, r) = bits.iter().map(|b| symmetric(b, n)).unzip();
            out.bases.insert(*base, q);
            rest.bases.insert(*base, r);
        }
        let (low, high) = rest.bounds();
        let low = low.div_floor(n);
        if low != high.div_floor(n) {
            return Some(None);
        }
        out.constant += low;
        self.unbits(&out).map(Some)
    }

    /// `p` modulo two. Where what is odd of it is a sum over bits, the result depends on which bits those are alone.
    pub fn modulo_two(&mut self, p: &Poly) -> Option<Poly> {
        self.spend(p.len())?;
        let (one, two) = (BigInt::one(), BigInt::from(2));
        let odd: Poly = p
            .iter()
            .filter(|(_, c)| c.is_odd())
            .map(|(m, _)| (m.clone(), one.clone()))
            .collect();
        let mut out = match self.bits(&odd) {
            Some(mut sum) => {
                for b in sum.bases.values_mut().flatten() {
                    *b = b.mod_floor(&two);
                }
                sum.constant = sum.constant.mod_floor(&two);
                let parity = self.unbits(&sum)?;
                let (low, high) = sum.bounds();
                if low.div_floor(&two) != high.div_floor(&two) {
                    let id = self.intern(parity.clone());
                    let bounds = (low.div_floor(&two), high.div_floor(&two));
                    let half = self.atom(AtomKind::Floor(id, two.clone()), bounds.0, bounds.1);
                    let mut out = parity;
                    add_poly(&mut out, &half, &-two);
                    return Some(out);
                }
                parity
            }
            None => p.clone(),
        };
        let half = self.floor(&out.clone(), &two)?;
        add_poly(&mut out, &half, &-two);
        Some(out)
    }
}
