//! Lemmas about operations a bit-blaster cannot see through: products, quotients, remainders, bits gathered and spread.
//!
//! An instance of a lemma is a one-bit term that holds for all operands. It is written over an [`Apply`]: with the real
//! operations it can be proven directly at small widths; with [`Named`], which puts variables in their place, it is what
//! a proof may know of the variables. What an instance says at every width is a [`Theorem`] over the integers, which Z3
//! decides once, the modulus a variable like all others.
//!
//! Invariant: an instance mentions an operation only through its `Apply`, so that it says the same of both.

use super::rebuild::Rewriter;
use std::collections::HashMap;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Node, TermId, TermPool, UnOp};

/// Makes the result of an operation.
pub type Apply<'a> = &'a mut dyn FnMut(&mut TermPool, BinOp, TermId, TermId) -> TermId;

/// The operations themselves.
pub fn real(pool: &mut TermPool, op: BinOp, a: TermId, b: TermId) -> TermId {
    pool.bin(op, &a, &b)
}

/// Variables in the place of products, high halves, quotients, remainders, and gathered or spread bits; equal operands
/// share one.
#[derive(Default)]
pub struct Named {
    rewriter: Rewriter,
    made: HashMap<(BinOp, TermId, TermId), TermId>,
    order: Vec<(BinOp, TermId, TermId)>,
}

impl Named {
    /// Nothing replaced yet.
    pub fn new() -> Named {
        Named::default()
    }

    /// The variable for an operation on operands that are rewritten already; a simpler term where the pool has one.
    pub fn apply(&mut self, pool: &mut TermPool, op: BinOp, a: TermId, b: TermId) -> TermId {
        // The pool folds, and orders operands.
        let folded = pool.bin(op, &a, &b);
        let (a, b) = match pool.node(folded) {
            Node::Bin(o, x, y) if o == op => (x, y),
            _ => return folded,
        };
        if let Some(v) = self.made.get(&(op, a, b)) {
            return *v;
        }
        let width = pool.term_width(a);
        let v = pool.var(
            &format!("named_{op:?}_{}", pool.len()).to_lowercase(),
            width,
        );
        self.made.insert((op, a, b), v);
        self.order.push((op, a, b));
        v
    }

    /// The words `roots` with their products and quotients replaced.
    pub fn run(&mut self, pool: &mut TermPool, roots: &[TermId]) -> Vec<TermId> {
        let mut rewriter = std::mem::take(&mut self.rewriter);
        rewriter.run(pool, roots, &mut |pool, _, t| match pool.node(t) {
            Node::Bin(
                op @ (BinOp::Mul
                | BinOp::MulHiU
                | BinOp::MulHiS
                | BinOp::Udiv
                | BinOp::Urem
                | BinOp::Pext
                | BinOp::Pdep),
                a,
                b,
            ) => self.apply(pool, op, a, b),
            _ => t,
        });
        self.rewriter = rewriter;
        roots.iter().map(|t| self.rewriter.get(*t)).collect()
    }

    /// Operands of everything of one operation that was replaced, in order.
    pub fn operands(&self, op: BinOp) -> Vec<(TermId, TermId)> {
        let of = self.order.iter().filter(|(o, ..)| *o == op);
        of.map(|(_, a, b)| (*a, *b)).collect()
    }
}

/// A statement about integers: its denial in SMT-LIB, over declared constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Theorem {
    /// What it says.
    pub says: &'static str,
    /// Declarations and assertions that cannot hold together.
    pub denial: &'static str,
}

macro_rules! denied {
    ($says:literal, $($var:ident)+, $($assertion:literal)+) => {
        Theorem {
            says: $says,
            denial: concat!($("(declare-fun ", stringify!($var), " () Int)\n",)+ $("(assert ", $assertion, ")\n",)+),
        }
    };
}

/// What the instances of this module rest on. Words are their values, of width `w` with `N = 2^w`.
pub const THEOREMS: [Theorem; 8] = [
    denied!(
        "products of larger factors are not smaller", a0 a1 b0 b1,
        "(and (<= 0 a0 a1) (<= 0 b0 b1))" "(> (* a0 b0) (* a1 b1))"
    ),
    denied!(
        "floor(p/N) rises with p", p0 p1 q0 q1 N,
        "(> N 0)" "(<= p0 p1)" "(and (<= (* N q0) p0) (< p1 (+ (* N q1) N)))" "(> q0 q1)"
    ),
    denied!(
        "a product is not above both products with the ends of one factor's range", x0 x x1 y,
        "(<= x0 x x1)" "(and (> (* x y) (* x0 y)) (> (* x y) (* x1 y)))"
    ),
    denied!(
        "a product is not below both products with the ends of one factor's range", x0 x x1 y,
        "(<= x0 x x1)" "(and (< (* x y) (* x0 y)) (< (* x y) (* x1 y)))"
    ),
    denied!(
        "quotients rise with the dividend and fall with the divisor", a0 a1 b0 b1 q0 q1,
        "(and (<= 0 a0 a1) (<= 1 b1 b0))" "(and (<= (* q0 b0) a0) (<= 0 q0))" "(< a1 (+ (* q1 b1) b1))" "(> q0 q1)"
    ),
    denied!(
        "a dividend below its divisor is the remainder, and no remainder is above its dividend", a b q r,
        "(and (<= 0 a) (< 0 b) (<= 0 q))" "(= a (+ (* q b) r))" "(and (<= 0 r) (< r b))"
        "(or (> r a) (and (< a b) (not (= r a))))"
    ),
    denied!(
        "remainder and dividend are congruent modulo what divides the divisor", a b q r m t,
        "(= a (+ (* q b) r))" "(= b (* m t))" "(not (= (- a r) (* m (* q t))))"
    ),
    denied!(
        "a product is a multiple of the product of its factors' divisors", a b m n s t,
        "(and (= a (* m s)) (= b (* n t)))" "(not (= (* a b) (* (* m n) (* s t))))"
    ),
];

/// One bit: `a <= b`, unsigned.
pub fn below_or_equal(pool: &mut TermPool, a: TermId, b: TermId) -> TermId {
    let less = pool.cmp(CmpOp::Ult, &b, &a);
    pool.not(&less)
}

fn below_signed(pool: &mut TermPool, a: TermId, b: TermId) -> TermId {
    let less = pool.cmp(CmpOp::Slt, &b, &a);
    pool.not(&less)
}

/// One bit: `when` fails or `then` holds.
pub fn implies(pool: &mut TermPool, when: TermId, then: TermId) -> TermId {
    let not = pool.not(&when);
    pool.bin(BinOp::Or, &not, &then)
}

/// `a0 <= a1`, `b0 <= b1`, and `a1*b1` fits: `a0*b0 <= a1*b1`.
pub fn product_rises(
    pool: &mut TermPool,
    apply: Apply<'_>,
    (a0, b0): (TermId, TermId),
    (a1, b1): (TermId, TermId),
) -> TermId {
    let over = apply(pool, BinOp::MulHiU, a1, b1);
    let fits = pool.is_zero(&over);
    let when = ordered(pool, (a0, a1), (b0, b1));
    let when = pool.and(&when, &fits);
    rises(pool, apply, BinOp::Mul, when, [(a0, b0), (a1, b1)])
}

/// One bit: both pairs are in order.
fn ordered(pool: &mut TermPool, a: (TermId, TermId), b: (TermId, TermId)) -> TermId {
    let (x, y) = (
        below_or_equal(pool, a.0, a.1),
        below_or_equal(pool, b.0, b.1),
    );
    pool.and(&x, &y)
}

/// One bit: under a condition, the result for the first operands is not above that for the second.
fn rises(
    pool: &mut TermPool,
    apply: Apply<'_>,
    op: BinOp,
    when: TermId,
    [low, high]: [(TermId, TermId); 2],
) -> TermId {
    let low = apply(pool, op, low.0, low.1);
    let high = apply(pool, op, high.0, high.1);
    let then = below_or_equal(pool, low, high);
    implies(pool, when, then)
}

/// `a0 <= a1`, `b0 <= b1`: the high halves likewise.
pub fn high_rises(
    pool: &mut TermPool,
    apply: Apply<'_>,
    (a0, b0): (TermId, TermId),
    (a1, b1): (TermId, TermId),
) -> TermId {
    let when = ordered(pool, (a0, a1), (b0, b1));
    rises(pool, apply, BinOp::MulHiU, when, [(a0, b0), (a1, b1)])
}

/// Signed factors in ranges: the high half of their product lies between those of two corners.
pub fn high_between_corners(
    pool: &mut TermPool,
    apply: Apply<'_>,
    (a, b): (TermId, TermId),
    (a0, a1): (TermId, TermId),
    (b0, b1): (TermId, TermId),
) -> TermId {
    let mut when = pool.bit(true);
    for (low, high) in [(a0, a), (a, a1), (b0, b), (b, b1)] {
        let c = below_signed(pool, low, high);
        when = pool.and(&when, &c);
    }
    let v = apply(pool, BinOp::MulHiS, a, b);
    let (mut some_below, mut some_above) = (pool.bit(false), pool.bit(false));
    for (x, y) in [(a0, b0), (a0, b1), (a1, b0), (a1, b1)] {
        let corner = apply(pool, BinOp::MulHiS, x, y);
        let c = below_signed(pool, corner, v);
        some_below = pool.bin(BinOp::Or, &some_below, &c);
        let c = below_signed(pool, v, corner);
        some_above = pool.bin(BinOp::Or, &some_above, &c);
    }
    let then = pool.and(&some_below, &some_above);
    implies(pool, when, then)
}

/// `a0 <= a1`, `b1 <= b0`: `a0/b0 <= a1/b1`. A quotient by zero is the greatest word.
pub fn quotient_rises(
    pool: &mut TermPool,
    apply: Apply<'_>,
    (a0, b0): (TermId, TermId),
    (a1, b1): (TermId, TermId),
) -> TermId {
    let when = ordered(pool, (a0, a1), (b1, b0));
    rises(pool, apply, BinOp::Udiv, when, [(a0, b0), (a1, b1)])
}

/// A remainder is below the divisor and not above the dividend, is the dividend where that is smaller or the divisor
/// zero, and agrees with the dividend below the divisor's lowest one.
pub fn remainder(pool: &mut TermPool, apply: Apply<'_>, a: TermId, b: TermId) -> TermId {
    let r = apply(pool, BinOp::Urem, a, b);
    let zero = pool.is_zero(&b);
    let same = pool.eq(&r, &a);
    let smaller = pool.cmp(CmpOp::Ult, &a, &b);
    let whole = pool.bin(BinOp::Or, &zero, &smaller);
    let whole = implies(pool, whole, same);
    let under = pool.cmp(CmpOp::Ult, &r, &b);
    let under = pool.bin(BinOp::Or, &zero, &under);
    let not_above = below_or_equal(pool, r, a);
    let low = below_lowest_one(pool, b);
    let x = pool.xor(&r, &a);
    let x = pool.and(&x, &low);
    let congruent = pool.is_zero(&x);
    let t = pool.and(&whole, &under);
    let t = pool.and(&t, &not_above);
    pool.and(&t, &congruent)
}

/// The low `n` bits set; all from the width on.
pub fn low_bits(pool: &mut TermPool, n: TermId) -> TermId {
    let ones = pool.constant(pool.term_width(n), u128::MAX);
    let high = pool.bin(BinOp::Shl, &ones, &n);
    pool.not(&high)
}

/// One bit: a multiple of `2^i`, where `i` is at most the width.
fn multiple(pool: &mut TermPool, a: TermId, i: TermId) -> TermId {
    let w = pool.term_width(a);
    let most = pool.constant(w, w.into());
    let few = below_or_equal(pool, i, most);
    let low = low_bits(pool, i);
    let rest = pool.and(&a, &low);
    let whole = pool.is_zero(&rest);
    pool.and(&few, &whole)
}

/// The product of multiples of `2^i` and `2^j` has no bit below `i + j`. Counts need words of three bits at least.
pub fn product_multiple(
    pool: &mut TermPool,
    apply: Apply<'_>,
    (a, i): (TermId, TermId),
    (b, j): (TermId, TermId),
) -> TermId {
    let p = apply(pool, BinOp::Mul, a, b);
    let (x, y) = (multiple(pool, a, i), multiple(pool, b, j));
    let when = pool.and(&x, &y);
    let zeros = pool.add(&i, &j);
    let low = low_bits(pool, zeros);
    let rest = pool.and(&p, &low);
    let then = pool.is_zero(&rest);
    implies(pool, when, then)
}

/// The ring identity behind what is known of a product's low bits: `ab - xy = a(b - y) + y(a - x)`.
pub fn product_difference(
    pool: &mut TermPool,
    apply: Apply<'_>,
    (a, b): (TermId, TermId),
    (x, y): (TermId, TermId),
) -> TermId {
    let (dx, dy) = (pool.sub(&a, &x), pool.sub(&b, &y));
    let (p, q) = (
        apply(pool, BinOp::Mul, a, dy),
        apply(pool, BinOp::Mul, y, dx),
    );
    let sum = pool.add(&p, &q);
    let (p, q) = (apply(pool, BinOp::Mul, a, b), apply(pool, BinOp::Mul, x, y));
    let difference = pool.sub(&p, &q);
    pool.eq(&difference, &sum)
}

/// Bits gathered (`Pext`) or spread (`Pdep`) under equal masks: of disjoint words disjoint, of a part a part.
pub fn scattered(
    pool: &mut TermPool,
    apply: Apply<'_>,
    op: BinOp,
    (x, m): (TermId, TermId),
    (y, n): (TermId, TermId),
) -> TermId {
    let (p, q) = (apply(pool, op, x, m), apply(pool, op, y, n));
    let same = pool.eq(&m, &n);
    let kept = |pool: &mut TermPool, invert: bool| {
        let (y, q) = if invert {
            (pool.not(&y), pool.not(&q))
        } else {
            (y, q)
        };
        let (before, after) = (pool.and(&x, &y), pool.and(&p, &q));
        let (before, after) = (pool.is_zero(&before), pool.is_zero(&after));
        let when = pool.and(&same, &before);
        implies(pool, when, after)
    };
    let (disjoint, part) = (kept(pool, false), kept(pool, true));
    pool.and(&disjoint, &part)
}

/// Where gathered or spread bits can be: below as many places as a larger mask has, or under the mask.
pub fn room(
    pool: &mut TermPool,
    apply: Apply<'_>,
    op: BinOp,
    (x, m): (TermId, TermId),
    larger: TermId,
) -> TermId {
    let not = pool.not(&larger);
    let more = pool.and(&m, &not);
    let when = pool.is_zero(&more);
    let p = apply(pool, op, x, m);
    let places = if op == BinOp::Pext {
        let ones = pool.constant(pool.term_width(x), u128::MAX);
        apply(pool, op, ones, larger)
    } else {
        larger
    };
    let not = pool.not(&places);
    let outside = pool.and(&p, &not);
    let then = pool.is_zero(&outside);
    implies(pool, when, then)
}

/// One bit that holds for all words of `width`: the induction step of [`scattered`] and [`room`] over the bits of the
/// masks, lowest first. `Pext` puts a chosen bit at the number of those before it; `Pdep` puts at a chosen place the bit
/// with the number of those before it, so that one bit of each word meets at each place.
pub fn scatter_step(pool: &mut TermPool, op: BinOp, width: u32) -> TermId {
    let one = pool.constant(width, 1);
    let [p, q, n, most] = ["p", "q", "n", "most"].map(|name| pool.var(name, width));
    let [x, y, chosen, larger] = ["x", "y", "chosen", "larger"].map(|name| pool.var(name, 1));
    // Where the bit goes: the count of chosen ones so far, or the place itself; nothing is there yet.
    let bit = pool.bin(BinOp::Shl, &one, &n);
    let below = pool.sub(&bit, &one);
    let clear = |pool: &mut TermPool, t: TermId, under: TermId| {
        let not = pool.not(&under);
        let x = pool.and(&t, &not);
        pool.is_zero(&x)
    };
    let wide = pool.constant(width, width.into());
    let mut before = pool.cmp(CmpOp::Ult, &n, &wide);
    for t in [p, q] {
        let c = clear(pool, t, below);
        before = pool.and(&before, &c);
    }
    let put = |pool: &mut TermPool, t: TermId, b: TermId| {
        let b = pool.and(&b, &chosen);
        let zero = pool.constant(width, 0);
        let b = pool.ite(&b, &bit, &zero);
        pool.or(&t, &b)
    };
    let (p1, q1) = (put(pool, p, x), put(pool, q, y));
    let more = pool.add(&n, &one);
    let n1 = match op {
        BinOp::Pext => pool.ite(&chosen, &more, &n),
        _ => more,
    };
    let end = pool.bin(BinOp::Shl, &one, &n1);
    let below1 = pool.sub(&end, &one);
    let mut after = pool.bit(true);
    for t in [p1, q1] {
        let c = clear(pool, t, below1);
        after = pool.and(&after, &c);
    }
    // Disjoint stays disjoint, a part stays a part.
    let mut holds = implies(pool, before, after);
    for invert in [false, true] {
        let flip = |pool: &mut TermPool, t: TermId| if invert { pool.not(&t) } else { t };
        let related = |pool: &mut TermPool, a: TermId, b: TermId| {
            let b = flip(pool, b);
            let x = pool.and(&a, &b);
            pool.is_zero(&x)
        };
        let (r0, rb, r1) = (
            related(pool, p, q),
            related(pool, x, y),
            related(pool, p1, q1),
        );
        let when = pool.and(&before, &r0);
        let when = pool.and(&when, &rb);
        let step = implies(pool, when, r1);
        holds = pool.and(&holds, &step);
    }
    // A larger mask has made at least as many places: the count stays at most theirs.
    let fewer = |pool: &mut TermPool, a: TermId, b: TermId| below_or_equal(pool, a, b);
    let le = fewer(pool, n, most);
    let room = pool.cmp(CmpOp::Ult, &most, &wide);
    let larger_too = implies(pool, chosen, larger);
    let when = pool.and(&le, &room);
    let when = pool.and(&when, &larger_too);
    let most_more = pool.add(&most, &one);
    let most1 = pool.ite(&larger, &most_more, &most);
    let next = pool.ite(&chosen, &more, &n);
    let then = fewer(pool, next, most1);
    let counted = implies(pool, when, then);
    pool.and(&holds, &counted)
}

/// The bits below the lowest one; all bits of zero.
fn below_lowest_one(pool: &mut TermPool, b: TermId) -> TermId {
    let w = pool.term_width(b);
    let one = pool.constant(w, 1);
    let less = pool.sub(&b, &one);
    let not = pool.not(&b);
    pool.and(&less, &not)
}

/// A signed quotient or remainder by magnitudes, as SMT-LIB defines it.
pub fn by_magnitudes(
    pool: &mut TermPool,
    apply: Apply<'_>,
    quotient: bool,
    a: TermId,
    b: TermId,
) -> TermId {
    let (sa, sb) = (pool.msb(&a), pool.msb(&b));
    let magnitude = |pool: &mut TermPool, t: TermId, s: TermId| {
        let n = pool.un(UnOp::Neg, &t);
        pool.ite(&s, &n, &t)
    };
    let (x, y) = (magnitude(pool, a, sa), magnitude(pool, b, sb));
    let (op, negative) = if quotient {
        (BinOp::Udiv, pool.xor(&sa, &sb))
    } else {
        (BinOp::Urem, sa)
    };
    let r = apply(pool, op, x, y);
    let n = pool.un(UnOp::Neg, &r);
    pool.ite(&negative, &n, &r)
}
