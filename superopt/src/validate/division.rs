//! Divisions by constants in what is to be proven, put in words that need none: bit by bit a solver hardly gets through them.
//!
//! - A dividend below four times the divisor: the remainder is what subtracting it (twice, once) leaves, the quotient how often it fits. This is the
//!   lemma of few quotients ([`crate::egraph::verify`]), which needs the greatest value of the dividend, here from the term itself.
//! - A divisor that is a power of two, of what is not negative: a mask, a shift.
//! - A product shifted down (`x * M >> S`) is a quotient by one of the divisors `D` that occur, where `M * D = 2^S + e` and `e * X < 2^S` for the greatest
//!   dividend `X`: with `x = q * D + r` it is `q * 2^S + y` with `y = q * e + M * r`, and `D * y = e * x + r * 2^S < D * 2^S` (Granlund and Montgomery,
//!   Division by invariant integers using multiplication, 1994).
//! - Else the quotient `q` is a new variable, what is left is `x - q * D`, and of both is said what is true of them: where they lie, and that equal
//!   dividends have equal ones. What follows for all such numbers follows for the real ones. What does not, is not refuted by that.

use super::domain::{Made, Terms, ones};
use super::machine::Duty;
use std::collections::{BTreeSet, HashMap};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Node, TermId, TermPool};

/// A duty without divisions by constants, and what may be assumed for it; `None` if it has none.
pub(super) fn without(d: &mut Terms<'_>, duty: &Duty) -> Option<(Duty, Vec<TermId>)> {
    let order = d.pool.reachable(&duty.roots());
    let found = order.iter().filter_map(|t| constant_division(&d.pool, *t));
    let mut divisions = Divisions {
        dividends: found.map(|d| (d.1, d.2)).collect(),
        ..Divisions::default()
    };
    if divisions.dividends.is_empty() {
        return None;
    }
    let made = d.rewritten(&duty.roots(), |d, old, new, made| {
        divisions.inherit(&d.pool, old, new, made);
        divisions.replace(d, new, made)
    });
    let duty = duty.of(|t| made[&t]);
    Some((duty, divisions.premises))
}

/// A division by a constant of at least two that is positive, too, if it has a sign.
fn constant_division(pool: &TermPool, t: TermId) -> Option<(BinOp, TermId, u128)> {
    let Node::Bin(op, x, by) = pool.node(t) else {
        return None;
    };
    let most = match op {
        BinOp::Udiv | BinOp::Urem => ones(pool.term_width(t)),
        BinOp::Sdiv | BinOp::Srem => ones(pool.term_width(t)) / 2,
        _ => return None,
    };
    match pool.node(by) {
        Node::Const(d) if (2..=most).contains(&d) => Some((op, x, d)),
        _ => None,
    }
}

/// A division whose quotient is a variable.
struct Opaque {
    dividend: TermId,
    divisor: u128,
    signed: bool,
    quotient: TermId,
    remainder: TermId,
}

#[derive(Default)]
struct Divisions {
    /// What is divided, as it was, and by what.
    dividends: BTreeSet<(TermId, u128)>,
    /// By term: a number that it does not exceed, without a sign.
    most: HashMap<TermId, u128>,
    opaque: Vec<Opaque>,
    /// What is left by divisions that round down, of dividends with a sign, and what it does not exceed.
    floors: HashMap<TermId, u128>,
    premises: Vec<TermId>,
}

impl Divisions {
    /// Notes what is known of a term by what it was made from: the domain takes sums of remainders apart, and of a difference nothing is known.
    fn inherit(&mut self, pool: &TermPool, old: TermId, new: TermId, made: &Made) {
        let of = |t: TermId| made.get(&t).and_then(|t| self.most.get(t)).copied();
        let bound = bound(pool, old, of);
        let most = self.most(pool, new).min(bound);
        self.most.insert(new, most);
    }

    fn replace(&mut self, d: &mut Terms<'_>, t: TermId, made: &Made) -> TermId {
        if let Some((op, x, by)) = constant_division(&d.pool, t) {
            return self.divide(d, op, x, by);
        }
        if let Some(most) = self.floors.get(&t) {
            self.most.insert(t, *most);
        }
        if let Node::Extract(a, lo) = d.pool.node(t)
            && self.most(&d.pool, a) >> lo == 0
        {
            return d.constant(d.pool.term_width(t), 0);
        }
        let Some((x, by)) = self.reciprocal(d, t, made) else {
            return t;
        };
        let quotient = self.divide(d, BinOp::Udiv, x, by);
        match d.pool.node(t) {
            Node::Extract(..) => d.extract(&quotient, 0, d.pool.term_width(t)),
            _ => quotient,
        }
    }

    fn divide(&mut self, d: &mut Terms<'_>, op: BinOp, x: TermId, by: u128) -> TermId {
        let most = self.most(&d.pool, x);
        let w = d.pool.term_width(x);
        let rest = matches!(op, BinOp::Srem | BinOp::Urem);
        let signed = matches!(op, BinOp::Sdiv | BinOp::Srem);
        let (made, bound) = if signed && most > ones(w) / 2 {
            let o = self.opaque(d, x, by, None);
            (if rest { o.1 } else { o.0 }, ones(w))
        } else if most / by < 4 {
            match rest {
                true => (remainder(&mut d.pool, x, by, most), most.min(by - 1)),
                false => (quotient(&mut d.pool, x, by, most), most / by),
            }
        } else if by.is_power_of_two() {
            match rest {
                true => {
                    let mask = d.constant(w, by - 1);
                    (d.and(&x, &mask), by - 1)
                }
                false => {
                    let n = d.constant(w, by.ilog2().into());
                    (d.bin(BinOp::Lshr, &x, &n), most / by)
                }
            }
        } else {
            let o = self.opaque(d, x, by, Some(most));
            match rest {
                true => (o.1, by - 1),
                false => (o.0, most / by),
            }
        };
        let known = self.most(&d.pool, made);
        self.most.insert(made, known.min(bound));
        made
    }

    /// The dividend and divisor of a quotient that is a product with nearly the reciprocal, shifted down. The domain has one form for products of sums, so
    /// it is asked which product of a dividend it is.
    fn reciprocal(&mut self, d: &mut Terms<'_>, t: TermId, made: &Made) -> Option<(TermId, u128)> {
        let (product, shift) = match d.pool.node(t) {
            Node::Bin(BinOp::Lshr, a, n) => match d.pool.node(n) {
                Node::Const(n) => (a, u32::try_from(n).ok()?),
                _ => return None,
            },
            Node::Extract(a, lo) => (a, lo),
            Node::Bin(BinOp::MulHiS, ..) => (t, 0),
            _ => return None,
        };
        let w = d.pool.term_width(product);
        let (op, shift) = match d.pool.node(product) {
            Node::Bin(BinOp::MulHiS, ..) => (BinOp::MulHiS, shift + w),
            Node::Bin(BinOp::Mul | BinOp::Add | BinOp::Sub, ..) => (BinOp::Mul, shift),
            _ => return None,
        };
        if shift == 0 || shift >= 127 {
            return None;
        }
        for (x, by) in self.dividends.clone() {
            let Some(&x) = made.get(&x) else {
                continue;
            };
            let most = self.most(&d.pool, x);
            let power = 1u128 << shift;
            let factor = power.div_ceil(by);
            // The product as it is, not what is left of it.
            let whole = match op {
                BinOp::Mul => most.checked_mul(factor).is_some_and(|p| p <= ones(w)),
                _ => most <= ones(w) / 2 && factor <= ones(w) / 2,
            };
            let over = factor.checked_mul(by).map(|p| p - power);
            let over = over.and_then(|e| e.checked_mul(most));
            if d.pool.term_width(x) != w || !whole || over.is_none_or(|n| n >= power) {
                continue;
            }
            let factor = d.pool.constant(w, factor);
            if d.bin(op, &x, &factor) == product {
                return Some((x, by));
            }
        }
        None
    }

    /// The quotient as a variable, and what is left. `most`: the dividend is not negative, and at most this; without, it has a sign.
    fn opaque(
        &mut self,
        d: &mut Terms<'_>,
        x: TermId,
        by: u128,
        most: Option<u128>,
    ) -> (TermId, TermId) {
        let signed = most.is_none();
        let w = d.pool.term_width(x);
        let same = |o: &&Opaque| (o.dividend, o.divisor, o.signed) == (x, by, signed);
        if let Some(o) = self.opaque.iter().find(same) {
            return (o.quotient, o.remainder);
        }
        let n = self.opaque.len();
        let q = d.pool.var(&format!("quotient{n}"), w);
        let divisor = d.constant(w, by);
        let product = d.bin(BinOp::Mul, &q, &divisor);
        let r = d.sub(&x, &product);
        match most {
            Some(most) => {
                let below = d.cmp(CmpOp::Ult, &r, &divisor);
                let greatest = d.constant(w, most / by);
                let more = d.cmp(CmpOp::Ult, &greatest, &q);
                let few = d.not(&more);
                self.premises.extend([below, few]);
            }
            None => {
                // It has the sign of the dividend, or is zero; quotients lie within -2^(w-1)/D to 2^(w-1)/D.
                let minus = d.constant(w, (ones(w) - by + 1) & ones(w));
                let (up, down) = (
                    d.cmp(CmpOp::Slt, &r, &divisor),
                    d.cmp(CmpOp::Slt, &minus, &r),
                );
                let zero = d.constant(w, 0);
                let none = d.eq(&r, &zero);
                let (sx, sr) = (d.msb(&x), d.msb(&r));
                let other = d.eq(&sx, &sr);
                let sign = d.or(&none, &other);
                let far = (ones(w) / 2 + 1) / by;
                let (least, greatest) = (
                    d.constant(w, (ones(w) - far + 1) & ones(w)),
                    d.constant(w, far),
                );
                let (under, over) = (
                    d.cmp(CmpOp::Slt, &q, &least),
                    d.cmp(CmpOp::Slt, &greatest, &q),
                );
                let (low, high) = (d.not(&under), d.not(&over));
                self.premises.extend([up, down, sign, low, high]);
                let more = d.add(&r, &divisor);
                let floor = d.ite(&sr, &more, &r);
                self.floors.insert(floor, by - 1);
            }
        }
        for o in &self.opaque {
            if (o.divisor, o.signed, d.pool.term_width(o.dividend)) == (by, signed, w) {
                let equal = d.eq(&o.dividend, &x);
                let other = d.not(&equal);
                let both = d.eq(&o.quotient, &q);
                let so = d.or(&other, &both);
                self.premises.push(so);
            }
        }
        self.opaque.push(Opaque {
            dividend: x,
            divisor: by,
            signed,
            quotient: q,
            remainder: r,
        });
        (q, r)
    }

    /// A number that a word does not exceed.
    fn most(&mut self, pool: &TermPool, t: TermId) -> u128 {
        if let Some(n) = self.most.get(&t) {
            return *n;
        }
        for t in pool.reachable(&[t]) {
            if !self.most.contains_key(&t) {
                let n = bound(pool, t, |t| self.most.get(&t).copied());
                self.most.insert(t, n);
            }
        }
        self.most[&t]
    }
}

/// A number that a word does not exceed, by those of its operands.
fn bound(pool: &TermPool, t: TermId, of: impl Fn(TermId) -> Option<u128>) -> u128 {
    let of = |t: TermId| of(t).unwrap_or(u128::MAX);
    let w = pool.term_width(t);
    let constant = |t: TermId| match pool.node(t) {
        Node::Const(n) => Some(n),
        _ => None,
    };
    let bits = |n: u128| ones(128 - n.leading_zeros());
    let most = match pool.node(t) {
        Node::Const(n) => Some(n),
        Node::Zext(a) => Some(of(a)),
        Node::Sext(a) => Some(of(a)).filter(|n| *n <= ones(pool.term_width(a)) / 2),
        Node::Extract(a, lo) => Some(of(a) >> lo),
        Node::Concat(a, b) => {
            let low = pool.term_width(b);
            of(a).checked_mul(1 << low).map(|n| n | ones(low))
        }
        Node::Ite(_, a, b) => Some(of(a).max(of(b))),
        Node::Bin(op, a, b) => match op {
            BinOp::Add => of(a).checked_add(of(b)),
            BinOp::Mul => of(a).checked_mul(of(b)),
            BinOp::And => Some(of(a).min(of(b))),
            BinOp::Or | BinOp::Xor => Some(bits(of(a).max(of(b)))),
            BinOp::Shl => constant(b)
                .filter(|n| *n < 64)
                .and_then(|n| of(a).checked_mul(1 << n)),
            BinOp::Lshr => constant(b).filter(|n| *n < 128).map(|n| of(a) >> n),
            _ => None,
        },
        _ => None,
    };
    // What does not fit may have wrapped.
    most.filter(|n| *n <= ones(w)).unwrap_or(ones(w))
}

/// `x` less the divisor as often as it fits: at most three times.
fn remainder(pool: &mut TermPool, x: TermId, by: u128, most: u128) -> TermId {
    let w = pool.term_width(x);
    let mut rest = x;
    for n in [2 * by, by] {
        if most >= n {
            let n = pool.constant(w, n);
            let less = pool.cmp(CmpOp::Ult, &rest, &n);
            let without = pool.sub(&rest, &n);
            rest = pool.ite(&less, &rest.clone(), &without);
        }
    }
    rest
}

/// How often the divisor fits, at most three times.
fn quotient(pool: &mut TermPool, x: TermId, by: u128, most: u128) -> TermId {
    let w = pool.term_width(x);
    let mut sum = pool.constant(w, 0);
    for times in 1..=most / by {
        let n = pool.constant(w, times * by);
        let less = pool.cmp(CmpOp::Ult, &x, &n);
        let fits = pool.not(&less);
        let one = pool.zext(&fits, w);
        sum = pool.add(&sum, &one);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::domain::CodeData;
    use trinity_codegen::isa::Concrete;
    use trinity_codegen::isa::concrete::Bits;

    /// Products of all words of some bits with all factors, shifted down by all counts, where a division by some number is asked about as well: whatever is
    /// taken for a quotient is one.
    #[test]
    fn what_is_taken_for_a_quotient_is_one() {
        const W: u32 = 12;
        let (mut taken, mut left) = (0, 0);
        for (by, op) in (2..=9).flat_map(|d| [(d, BinOp::Mul), (d, BinOp::MulHiS)]) {
            for (bits, shift) in (2..=5).flat_map(|b| (0..10).map(move |s| (b, s))) {
                for factor in 1..=40u128 {
                    let mut d = Terms::new(CodeData::default());
                    let pool = &mut d.pool;
                    let x = pool.var("x", bits);
                    let x = pool.zext(&x, W);
                    let (m, s) = (pool.constant(W, factor), pool.constant(W, shift));
                    let product = pool.bin(op, &x, &m);
                    let high = pool.bin(BinOp::Lshr, &product, &s);
                    let mut divisions = Divisions {
                        dividends: BTreeSet::from([(x, by)]),
                        ..Divisions::default()
                    };
                    let Some(found) = divisions.reciprocal(&mut d, high, &Made::from([(x, x)]))
                    else {
                        left += 1;
                        continue;
                    };
                    assert_eq!(found, (x, by));
                    taken += 1;
                    let by_term = d.pool.constant(W, by);
                    let quotient = d.pool.bin(BinOp::Udiv, &x, &by_term);
                    for v in 0..1 << bits {
                        let words = d.pool.eval(
                            &[high, quotient],
                            &mut Concrete,
                            &mut |_, _, x| Bits::new(x.width, v),
                            &mut |_, _| unreachable!("no memory"),
                        );
                        assert_eq!(words[0], words[1], "{op:?} {factor} {shift} {v} by {by}");
                    }
                }
            }
        }
        assert!(taken > 40 && left > 1_000, "{taken} {left}");
    }

    /// All divisions of words of six bits, whatever is known of the dividend: what stands for the division has its value, and what is assumed
    /// holds of the real quotient and remainder.
    #[test]
    fn what_stands_for_divisions_is_true_of_them() {
        const W: u32 = 6;
        let mut opaque = 0;
        for op in [BinOp::Udiv, BinOp::Urem, BinOp::Sdiv, BinOp::Srem] {
            for by in 2..=ones(W) {
                // The dividend's own bits: the word is made of so many.
                for bits in [1, 3, 4, 5, W] {
                    let mut d = Terms::new(CodeData::default());
                    let pool = &mut d.pool;
                    let (short, y) = (pool.var("x", bits), pool.var("y", W));
                    let (x, divisor) = (pool.zext(&short, W), pool.constant(W, by));
                    let divided = pool.bin(op, &x, &divisor);
                    let again = pool.bin(op, &y, &divisor);
                    let sum = pool.bin(BinOp::Xor, &divided, &again);
                    let duty = Duty {
                        what: String::new(),
                        ssa: sum,
                        machine: y,
                        path: Vec::new(),
                    };
                    let Some((new, premises)) = without(&mut d, &duty) else {
                        let signed = matches!(op, BinOp::Sdiv | BinOp::Srem);
                        assert!(signed && by > ones(W) / 2 || bits < W && by > ones(bits));
                        continue;
                    };
                    let names: Vec<String> =
                        d.pool.variables().iter().map(|v| v.name.clone()).collect();
                    opaque += usize::from(names.iter().any(|n| n == "quotient0"));
                    for (v, u) in (0..=ones(bits)).flat_map(|v| [(v, 0), (v, v), (v, 45)]) {
                        let num = |op, n: u128| {
                            let (n, d) = (Bits::new(W, n), Bits::new(W, by));
                            Concrete.bin(op, &n, &d).value
                        };
                        let signed = matches!(op, BinOp::Sdiv | BinOp::Srem);
                        // In the order in which they come: of x, of y, or of y alone.
                        let both = names.iter().any(|n| n == "quotient1");
                        let value = |name: &str| -> u128 {
                            let of = |k: &str| match (both, k) {
                                (true, "0") => v,
                                _ => u,
                            };
                            let quotient = match signed {
                                true => BinOp::Sdiv,
                                false => BinOp::Udiv,
                            };
                            match name {
                                "x" => v,
                                "y" => u,
                                n => num(quotient, of(n.trim_start_matches("quotient"))),
                            }
                        };
                        let mut roots = vec![duty.ssa, new.ssa];
                        roots.extend(&premises);
                        let words = d.pool.eval(
                            &roots,
                            &mut Concrete,
                            &mut |_, _, v| Bits::new(v.width, value(&v.name)),
                            &mut |_, _| unreachable!("no memory"),
                        );
                        assert_eq!(words[0], words[1], "{op:?} {v} {u} by {by}");
                        let held = words[2..].iter().all(|p| p.value == 1);
                        assert!(held, "{op:?} {v} {u} by {by}: {words:?}");
                    }
                }
            }
        }
        assert!(opaque > 100, "{opaque}");
    }
}
