//! Exact integer polynomials over atoms, with floors of quotients as atoms: the normal form behind the rung
//! "integer form".
//!
//! Words are integers here, not residues: a sum that may wrap is `s - 2^w * floor(s / 2^w)`. That turns carries,
//! shifts, masks, wide products and divisions by constants into one algebra in which nested floors flatten,
//! `floor((a + floor(b/m)) / n) = floor((m*a + b) / (m*n))`, multiples of the divisor leave a floor, and magic-number
//! division is a lemma (Granlund and Montgomery 1994; Hacker's Delight, chapter 10). A product computed by parts and
//! the wide product then have the same polynomial, since the low half of `x` is `x - 2^h * floor(x / 2^h)`.
//!
//! Invariants: every rewriting is an identity over the integers within the atoms' bounds, so equal polynomials mean
//! equal values; different ones mean nothing. Polynomials are interned: equal ids are equal polynomials. Work is
//! bounded by a count of monomials touched ([`Polys::fuel`]); when it runs out, everything answers `None`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use std::collections::{BTreeMap, HashMap};

/// An interned atom.
pub type Atom = u32;
/// An interned polynomial.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct PolyId(u32);
/// A product of atoms, sorted, with repetition; empty for the constant.
pub type Monomial = Vec<Atom>;
/// Monomials with their coefficients, none zero.
pub type Poly = BTreeMap<Monomial, BigInt>;

/// What an atom stands for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum AtomKind {
    /// A value this module knows nothing about: a number and operands that tell it from others.
    Opaque(u64, Vec<PolyId>),
    /// The quotient of a polynomial and a positive number, rounded down.
    Floor(PolyId, BigInt),
    /// One if the polynomial is zero, else zero.
    IsZero(PolyId),
}

struct AtomInfo {
    kind: AtomKind,
    low: BigInt,
    high: BigInt,
}

/// A closed interval.
pub type Bounds = (BigInt, BigInt);

/// The tables.
pub struct Polys {
    atoms: Vec<AtomInfo>,
    atom_index: HashMap<AtomKind, Atom>,
    polys: Vec<Poly>,
    poly_index: HashMap<Poly, PolyId>,
    /// Bounds known from elsewhere.
    facts: HashMap<PolyId, Bounds>,
    /// Monomials that may still be touched.
    pub fuel: u64,
    /// Nesting of [`Polys::floor`].
    depth: u32,
}

/// More monomials than this, and a term becomes opaque.
const MAX_MONOMIALS: usize = 400;
/// Deeper nesting of rewritings than this, and a term becomes opaque.
const MAX_DEPTH: u32 = 200;
/// More factors than this in one monomial, and a product becomes opaque.
const MAX_DEGREE: usize = 6;

impl Polys {
    /// Empty tables.
    pub fn new(fuel: u64) -> Polys {
        Polys {
            atoms: Vec::new(),
            atom_index: HashMap::new(),
            polys: Vec::new(),
            poly_index: HashMap::new(),
            facts: HashMap::new(),
            fuel,
            depth: 0,
        }
    }

    /// Takes `n` units of fuel.
    fn spend(&mut self, n: usize) -> Option<()> {
        self.fuel = self.fuel.checked_sub(n as u64 + 1)?;
        Some(())
    }

    /// The id of a polynomial.
    pub fn intern(&mut self, p: Poly) -> PolyId {
        if let Some(id) = self.poly_index.get(&p) {
            return *id;
        }
        let id = PolyId(self.polys.len() as u32);
        self.polys.push(p.clone());
        self.poly_index.insert(p, id);
        id
    }

    /// The polynomial of an id.
    pub fn get(&self, id: PolyId) -> &Poly {
        &self.polys[id.0 as usize]
    }

    /// An atom with its bounds; an existing one keeps the bounds it has.
    pub fn atom(&mut self, kind: AtomKind, low: BigInt, high: BigInt) -> Poly {
        let next = self.atoms.len() as Atom;
        let id = *self.atom_index.entry(kind.clone()).or_insert(next);
        if id == next {
            self.atoms.push(AtomInfo { kind, low, high });
        }
        Poly::from([(vec![id], BigInt::one())])
    }

    /// Remembers that a polynomial's value lies within bounds.
    pub fn learn(&mut self, p: &Poly, bounds: Bounds) {
        let id = self.intern(p.clone());
        self.facts.insert(id, bounds);
    }

    fn is_bit(&self, a: Atom) -> bool {
        let a = &self.atoms[a as usize];
        a.low.is_zero() && a.high.is_one()
    }

    /// The product, or `None` when it gets too large.
    pub fn mul(&mut self, a: &Poly, b: &Poly) -> Option<Poly> {
        self.spend(a.len() * b.len())?;
        if a.len() * b.len() > 4 * MAX_MONOMIALS {
            return None;
        }
        let mut out = Poly::new();
        for (m, c) in a {
            for (n, d) in b {
                let mut product: Monomial = m.iter().chain(n).copied().collect();
                product.sort_unstable();
                // A bit is its own square.
                let mut last = None;
                product.retain(|x| {
                    let again = last == Some(*x) && self.is_bit(*x);
                    last = Some(*x);
                    !again
                });
                if product.len() > MAX_DEGREE {
                    return None;
                }
                add_term(&mut out, product, c * d);
            }
        }
        (out.len() <= MAX_MONOMIALS).then_some(out)
    }

    /// An interval that contains the polynomial's value.
    pub fn bounds(&self, p: &Poly) -> Bounds {
        let mut best = self.boxed(p);
        if let Some(f) = self.poly_index.get(p).and_then(|id| self.facts.get(id)) {
            meet(&mut best, f.clone());
        }
        if let Some(relaxed) = self.relaxed(p, 3) {
            meet(&mut best, relaxed);
        }
        best
    }

    /// Each monomial by itself.
    fn boxed(&self, p: &Poly) -> Bounds {
        let (mut low, mut high) = (BigInt::zero(), BigInt::zero());
        for (m, c) in p {
            let (mut l, mut h) = (BigInt::one(), BigInt::one());
            for a in m {
                let a = &self.atoms[*a as usize];
                let ends = [&l * &a.low, &l * &a.high, &h * &a.low, &h * &a.high];
                l = ends.iter().min().expect("four ends").clone();
                h = ends.iter().max().expect("four ends").clone();
            }
            if c.is_positive() {
                low += c * l;
                high += c * h;
            } else {
                low += c * h;
                high += c * l;
            }
        }
        (low, high)
    }

    /// Floors as single factors are replaced by their quotients with the rounding error in `[0, (n-1)/n]`, so that
    /// dependent terms cancel; everything over one denominator.
    fn relaxed(&self, p: &Poly, depth: u32) -> Option<Bounds> {
        let floor = |m: &Monomial| match m.as_slice() {
            [a] => match &self.atoms[*a as usize].kind {
                AtomKind::Floor(q, n) => Some((*q, n)),
                _ => None,
            },
            _ => None,
        };
        let mut denominator = BigInt::one();
        let mut any = false;
        for m in p.keys() {
            if let Some((_, n)) = floor(m) {
                denominator = denominator.lcm(n);
                any = true;
            }
        }
        if !any || depth == 0 || denominator.bits() > 2048 {
            return None;
        }
        let (mut below, mut above) = (BigInt::zero(), BigInt::zero());
        let mut sum = Poly::new();
        for (m, c) in p {
            match floor(m) {
                Some((q, n)) => {
                    // c * floor(q/n) = c*q/n - c*e, e in [0, (n-1)/n]; times the denominator.
                    let scale = c * (&denominator / n);
                    for (m2, c2) in self.get(q) {
                        add_term(&mut sum, m2.clone(), c2 * &scale);
                    }
                    let error: BigInt = &scale * (n - 1);
                    if error.is_positive() {
                        below -= error;
                    } else {
                        above -= error;
                    }
                }
                None => add_term(&mut sum, m.clone(), c * &denominator),
            }
        }
        let mut inner = self.boxed(&sum);
        if let Some(more) = self.relaxed(&sum, depth - 1) {
            meet(&mut inner, more);
        }
        // The value is an integer: round inwards.
        let low = (inner.0 + below).div_ceil(&denominator);
        let high = (inner.1 + above).div_floor(&denominator);
        Some((low, high))
    }

    /// `floor(p / n)` for `n > 0`, in normal form.
    pub fn floor(&mut self, p: &Poly, n: &BigInt) -> Option<Poly> {
        self.spend(4 * p.len())?;
        if self.depth == MAX_DEPTH || p.len() > MAX_MONOMIALS {
            return None;
        }
        self.depth += 1;
        let f = self.floor_once(p, n);
        self.depth -= 1;
        f
    }

    fn floor_once(&mut self, p: &Poly, n: &BigInt) -> Option<Poly> {
        if n.is_one() {
            return Some(p.clone());
        }
        // Multiples of n leave; what stays has coefficients in (-n/2, n/2], the constant in [0, n).
        let (mut out, mut rest) = (Poly::new(), Poly::new());
        for (m, c) in p {
            let (q, r) = if m.is_empty() {
                c.div_mod_floor(n)
            } else {
                symmetric(c, n)
            };
            add_term(&mut out, m.clone(), q);
            add_term(&mut rest, m.clone(), r);
        }
        let (low, high) = self.bounds(&rest);
        let (low, high) = (low.div_floor(n), high.div_floor(n));
        if low == high {
            add_term(&mut out, Vec::new(), low);
            return Some(out);
        }
        // A floor among the terms, with coefficient one or minus one: one floor instead of two.
        let nested = rest.iter().find_map(|(m, c)| match m.as_slice() {
            [a] if c.magnitude().is_one() => match &self.atoms[*a as usize].kind {
                AtomKind::Floor(q, k) => Some((m.clone(), c.is_positive(), *q, k.clone())),
                _ => None,
            },
            _ => None,
        });
        if let Some((m, positive, q, k)) = nested {
            rest.remove(&m);
            let mut inner = scaled(&rest, &k);
            let one = BigInt::one();
            if positive {
                add_poly(&mut inner, self.get(q), &one);
            } else {
                add_poly(&mut inner, self.get(q), &-one);
                add_term(&mut inner, Vec::new(), &k - 1);
            }
            let f = self.floor(&inner, &(n * k))?;
            add_poly(&mut out, &f, &BigInt::one());
            return Some(out);
        }
        // The common factor.
        let g = rest
            .iter()
            .filter(|(m, _)| !m.is_empty())
            .fold(n.clone(), |g, (_, c)| g.gcd(c));
        if !g.is_one() {
            let reduced: Poly = rest
                .iter()
                .map(|(m, c)| (m.clone(), c.div_floor(&g)))
                .filter(|(_, c)| !c.is_zero())
                .collect();
            let f = self.floor(&reduced, &(n / &g))?;
            add_poly(&mut out, &f, &BigInt::one());
            return Some(out);
        }
        // The leading coefficient positive: floor(-x/n) = -floor((x + n-1)/n).
        let leading = rest
            .iter()
            .next_back()
            .expect("a constant has equal bounds");
        if leading.1.is_negative() {
            let mut negated = scaled(&rest, &-BigInt::one());
            add_term(&mut negated, Vec::new(), n - 1);
            let f = self.floor(&negated, n)?;
            add_poly(&mut out, &f, &-BigInt::one());
            return Some(out);
        }
        if let Some(f) = self.magic(&rest, n)? {
            add_poly(&mut out, &f, &BigInt::one());
            return Some(out);
        }
        let id = self.intern(rest);
        let f = self.atom(AtomKind::Floor(id, n.clone()), low, high);
        add_poly(&mut out, &f, &BigInt::one());
        Some(out)
    }

    /// `floor((g*z + c) / n) = floor((z + k) / d)` with `d` next to `n/g`, where the bounds of `z` allow it.
    ///
    /// With `e = g*d - n`: the left side reaches `t` when `z >= d*t - floor((e*t + c)/g)`, the right side when
    /// `z >= d*t - k`. They agree when `floor((e*t + c)/g)` is `k` at both ends of the range of `t`, and so between.
    fn magic(&mut self, p: &Poly, n: &BigInt) -> Option<Option<Poly>> {
        let zero = BigInt::zero();
        let g = p
            .iter()
            .filter(|(m, _)| !m.is_empty())
            .fold(zero.clone(), |g, (_, c)| g.gcd(c));
        if g.is_one() || g.is_zero() {
            return Some(None);
        }
        let c = p.get(&Vec::new()).unwrap_or(&zero).clone();
        let z: Poly = p
            .iter()
            .filter(|(m, _)| !m.is_empty())
            .map(|(m, c)| (m.clone(), c / &g))
            .collect();
        let (low, high) = self.bounds(&z);
        let quotient = |x: BigInt, y: &BigInt| x.div_floor(y);
        let first = quotient(&g * low + &c, n);
        let last = quotient(&g * high + &c, n) + 1;
        for d in [n.div_ceil(&g), n.div_floor(&g)] {
            let e = &g * &d - n;
            let k = quotient(&e * &first + &c, &g);
            if d > BigInt::one() && k == quotient(&e * &last + &c, &g) {
                let mut shifted = z;
                add_term(&mut shifted, Vec::new(), k);
                return self.floor(&shifted, &d).map(Some);
            }
        }
        Some(None)
    }

    /// The bit that says whether a polynomial is zero.
    pub fn is_zero(&mut self, p: &Poly) -> Option<Poly> {
        self.spend(4 * p.len())?;
        let one = BigInt::one();
        if p.is_empty() {
            return Some(constant(one));
        }
        let (low, high) = self.bounds(p);
        if low.is_positive() || high.is_negative() {
            return Some(Poly::new());
        }
        // A bit or its negative is zero when its complement is one.
        let sign = match (
            low.is_zero() && high.is_one(),
            high.is_zero() && (-&low).is_one(),
        ) {
            (true, _) => Some(-one.clone()),
            (_, true) => Some(one.clone()),
            _ => None,
        };
        if let Some(sign) = sign {
            let mut out = constant(one);
            add_poly(&mut out, p, &sign);
            return Some(out);
        }
        let g = p.values().fold(BigInt::zero(), |g, c| g.gcd(c));
        let leading = p.iter().next_back().expect("not empty");
        let g = if leading.1.is_negative() { -g } else { g };
        let reduced: Poly = p.iter().map(|(m, c)| (m.clone(), c / &g)).collect();
        let id = self.intern(reduced);
        Some(self.atom(AtomKind::IsZero(id), BigInt::zero(), one))
    }
}

/// `c = q*n + r` with `r` in (-n/2, n/2].
fn symmetric(c: &BigInt, n: &BigInt) -> (BigInt, BigInt) {
    let (q, r) = c.div_mod_floor(n);
    if &r + &r > *n { (q + 1, r - n) } else { (q, r) }
}

fn meet(a: &mut Bounds, b: Bounds) {
    if b.0 > a.0 {
        a.0 = b.0;
    }
    if b.1 < a.1 {
        a.1 = b.1;
    }
}

/// Adds `c * m`.
pub fn add_term(p: &mut Poly, m: Monomial, c: BigInt) {
    use std::collections::btree_map::Entry;
    if c.is_zero() {
        return;
    }
    match p.entry(m) {
        Entry::Vacant(e) => {
            e.insert(c);
        }
        Entry::Occupied(mut e) => {
            *e.get_mut() += c;
            if e.get().is_zero() {
                e.remove();
            }
        }
    }
}

/// Adds `k * q`.
pub fn add_poly(p: &mut Poly, q: &Poly, k: &BigInt) {
    for (m, c) in q {
        add_term(p, m.clone(), c * k);
    }
}

/// `k * p`.
pub fn scaled(p: &Poly, k: &BigInt) -> Poly {
    let mut out = Poly::new();
    add_poly(&mut out, p, k);
    out
}

/// A constant.
pub fn constant(c: BigInt) -> Poly {
    let mut out = Poly::new();
    add_term(&mut out, Vec::new(), c);
    out
}

/// The value, when the polynomial is a constant.
pub fn as_constant(p: &Poly) -> Option<BigInt> {
    match p.len() {
        0 => Some(BigInt::zero()),
        1 => p.get(&Vec::new()).cloned(),
        _ => None,
    }
}
