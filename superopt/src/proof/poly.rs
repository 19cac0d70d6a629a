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

use super::bitsum::CountOnes;
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

pub(super) struct AtomInfo {
    pub kind: AtomKind,
    pub low: BigInt,
    pub high: BigInt,
}

/// A closed interval.
pub type Bounds = (BigInt, BigInt);

/// The tables.
pub struct Polys {
    pub(super) atoms: Vec<AtomInfo>,
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
/// Coefficients of half the divisor whose signs are chosen together.
const MAX_TIES: usize = 3;
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
    pub(super) fn spend(&mut self, n: usize) -> Option<()> {
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
        if let Some(relaxed) = self.relaxed(p, 5) {
            meet(&mut best, relaxed);
        }
        if let Some(bits) = self.bits(p) {
            meet(&mut best, bits.bounds());
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
        // Floors of sums first: what they are made of then cancels before it is relaxed itself.
        let of_sum = |m: &Monomial| floor(m).is_some_and(|(q, _)| self.get(q).len() > 1);
        let sums = p.keys().any(of_sum);
        let floor = |m: &Monomial| floor(m).filter(|(q, _)| !sums || self.get(*q).len() > 1);
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
        if let Some(bits) = self.bits(&sum) {
            meet(&mut inner, bits.bounds());
        }
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
        if n.count_ones() == 1
            && let Some(exact) = self.floor_bits(p, n)?
        {
            return Some(exact);
        }
        if n.is_one() {
            return Some(p.clone());
        }
        // Multiples of n leave; what stays has coefficients in (-n/2, n/2], the constant in [0, n). The multiple of a
        // single unknown keeps a coefficient in [0, n) unless that is n less a little: multipliers of magic divisions
        // are seen as what they are, and negations too.
        let single = p.keys().filter(|m| !m.is_empty()).count() == 1;
        let (mut out, mut rest) = (Poly::new(), Poly::new());
        for (m, c) in p {
            let (mut q, mut r) = symmetric(c, n);
            let large = |r: &BigInt| r.magnitude().bits() * 2 > n.bits();
            if r.is_negative() && (m.is_empty() || (single && large(&r))) {
                q -= 1;
                r += n;
            }
            add_term(&mut out, m.clone(), q);
            add_term(&mut rest, m.clone(), r);
        }
        let (low, high) = self.bounds(&rest);
        let (low, high) = (low.div_floor(n), high.div_floor(n));
        if low == high {
            add_term(&mut out, Vec::new(), low);
            return Some(out);
        }
        if let Some(exact) = self.ties(&rest, n) {
            add_poly(&mut out, &exact, &BigInt::one());
            return Some(out);
        }
        // A floor among the terms with coefficient one: one floor instead of two. The youngest first, since it can be
        // made of the others. (Minus one would flatten too, but then `floor((x - f)/2) + f` would not become
        // `floor((x + f)/2)` under the next floor.)
        let nested = rest
            .iter()
            .filter(|(_, c)| c.is_one())
            .filter_map(|(m, _)| match m.as_slice() {
                [a] => match &self.atoms[*a as usize].kind {
                    AtomKind::Floor(q, k) => Some((*a, *q, k.clone())),
                    _ => None,
                },
                _ => None,
            })
            .max_by_key(|(a, ..)| *a);
        if let Some((a, q, k)) = nested {
            rest.remove(&vec![a]);
            let mut inner = scaled(&rest, &k);
            add_poly(&mut inner, self.get(q), &BigInt::one());
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
        if let Some(f) = self.hermite(&rest, n)? {
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
    /// `z >= d*t - k`. They agree at every `t` between two where `floor((e*t + c)/g)` is `k`; outside, both sides keep
    /// to the values they have at the bounds of `z`.
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
        let first = quotient(&g * &low + &c, n);
        let last = quotient(&g * &high + &c, n);
        for d in [n.div_ceil(&g), n.div_floor(&g)] {
            let e = &g * &d - n;
            let k = quotient(&e * &last + &c, &g);
            let next: BigInt = &first + 1;
            if d > BigInt::one()
                && k == quotient(&e * next + &c, &g)
                && first == quotient(&low + &k, &d)
                && last == quotient(&high + &k, &d)
            {
                let mut shifted = z;
                add_term(&mut shifted, Vec::new(), k);
                return self.floor(&shifted, &d).map(Some);
            }
        }
        Some(None)
    }

    /// A coefficient of `n/2` could as well be `-n/2`: the choice that leaves the rest within one quotient, if any does.
    fn ties(&self, rest: &Poly, n: &BigInt) -> Option<Poly> {
        let tied: Vec<&Monomial> = rest
            .iter()
            .filter(|(m, c)| !m.is_empty() && *c * 2 == *n)
            .map(|(m, _)| m)
            .collect();
        if tied.len() > MAX_TIES {
            return None;
        }
        for choice in 1u32..1 << tied.len() {
            let (mut out, mut other) = (Poly::new(), rest.clone());
            for (i, m) in tied.iter().enumerate() {
                if choice >> i & 1 == 1 {
                    add_term(&mut out, (*m).clone(), BigInt::one());
                    add_term(&mut other, (*m).clone(), -n.clone());
                }
            }
            let (low, high) = self.bounds(&other);
            let low = low.div_floor(n);
            if low == high.div_floor(n) {
                add_term(&mut out, Vec::new(), low);
                return Some(out);
            }
        }
        None
    }

    /// Hermite's identity, `sum over k < n of floor((z + k)/n) = z`, takes the last term away for the divisors 2 and 3.
    fn hermite(&mut self, p: &Poly, n: &BigInt) -> Option<Option<Poly>> {
        let constant_part = p.get(&Vec::new());
        if *n > BigInt::from(3) || constant_part != Some(&(n - 1)) {
            return Some(None);
        }
        let mut out = p.clone();
        out.remove(&Vec::new());
        let mut z = out.clone();
        let mut k = BigInt::zero();
        while k < n - 1 {
            let f = self.floor(&z, n)?;
            add_poly(&mut out, &f, &-BigInt::one());
            add_term(&mut z, Vec::new(), BigInt::one());
            k += 1;
        }
        Some(Some(out))
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
pub(super) fn symmetric(c: &BigInt, n: &BigInt) -> (BigInt, BigInt) {
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
