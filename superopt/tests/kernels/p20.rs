//! p20 meets its specification, "higher, as many 1s, and nothing between has as many", at any width, by lemmas.
//!
//! A word's count is opaque to a solver where it is a sum of 64 bits, and so is the quotient. The proof is by steps, each
//! a query:
//!
//! 1. the formula is `r | (((u >> t) >> 1) - 1)`, where `s = x & -x` is `1 << t`, `r = x + s`, and `u = r & ~x` is the bit
//!    that the carry sets: the formula without its division;
//! 2. what `proof::counts` says of counts (proven by induction over halves in tests/known_bits.rs);
//! 3. the specification itself, for variables in the place of the result, of `t` and of all counts, of which 1 and
//!    instances of 2 are known. Above `u` nothing changes between `x` and the result. A number between either has `u`,
//!    then its bits below are at least the least with as many 1s ([`CountLemma::Least`]); or it has not, then the same
//!    holds of the complement of its bits below.

use super::{show, solvers};
use std::time::{Duration, Instant};
use trinity_codegen::isa::{BinOp, Domain, Node, TermId, TermPool, UnOp};
use trinity_superopt::kernels::find;
use trinity_superopt::proof::counts::{CountLemma, Counts};
use trinity_superopt::proof::lemmas::implies;
use trinity_superopt::proof::rebuild::Rewriter;
use trinity_superopt::proof::{Limits, Pair, Query, prove};

/// The parts of the formula's meaning.
struct Parts {
    /// `x + (x & -x)`.
    r: TermId,
    /// The bit of `r` that `x` has not.
    u: TermId,
    /// The lowest one of `x`.
    s: TermId,
}

fn parts(p: &mut TermPool, x: TermId) -> Parts {
    let n = p.un(UnOp::Neg, &x);
    let s = p.and(&x, &n);
    let r = p.add(&x, &s);
    let n = p.not(&x);
    let u = p.and(&r, &n);
    Parts { r, u, s }
}

/// `r | (((u >> t) >> 1) - 1)`.
fn without_division(p: &mut TermPool, x: TermId, t: TermId) -> TermId {
    let w = p.term_width(x);
    let Parts { r, u, .. } = parts(p, x);
    let one = p.constant(w, 1);
    let q = p.bin(BinOp::Lshr, &u, &t);
    let q = p.bin(BinOp::Lshr, &q, &one);
    let q = p.sub(&q, &one);
    p.or(&r, &q)
}

fn proven(what: &str, p: &mut TermPool, bit: TermId) {
    let start = Instant::now();
    let yes = p.bit(true);
    let query = Query::words(vec![Pair::new(what, bit, yes)]);
    let limits = Limits::within(Duration::from_secs(300));
    let r = prove(p, &query, &limits, &solvers());
    assert!(show(what, &r, start), "{what}");
}

/// Proves it at one width.
pub fn meets_its_specification(w: u32) {
    let kernel = find("p20").expect("there are p01 to p25");
    // 1. The formula without its division, and its shift.
    let mut p = TermPool::new();
    let x = p.var("x", w);
    let allowed = kernel.precondition_of(&mut p, &[x]);
    let formula = kernel.formula_of(&mut p, &[x]);
    let t = p.un(UnOp::Ctz, &x);
    let simple = without_division(&mut p, x, t);
    let same = p.eq(&formula, &simple);
    let claim = implies(&mut p, allowed, same);
    proven(&format!("p20 {w} without division"), &mut p, claim);
    let lowest = parts(&mut p, x).s;
    let one = p.constant(w, 1);
    let power = p.bin(BinOp::Shl, &one, &t);
    let same = p.eq(&lowest, &power);
    let zero = p.is_zero(&x);
    let some = p.not(&zero);
    let claim = implies(&mut p, some, same);
    proven(&format!("p20 {w} lowest one"), &mut p, claim);

    // 3. The specification of a result and counts of which only that is known.
    let mut claim = kernel.claim(w);
    let p = &mut claim.pool;
    let variables = p.reachable(&[claim.premise, claim.conclusion]);
    let [x, z] = ["x", "between"].map(|name| {
        let named = |t: &&TermId| match p.node(**t) {
            Node::Var(v) => p.variables()[v as usize].name == name,
            _ => false,
        };
        *variables
            .iter()
            .find(named)
            .expect("the claim speaks about it")
    });
    let formula = kernel.formula_of(p, &[x]);
    let [out, t] = ["result", "t"].map(|n| p.var(n, w));
    let mut counts = Counts::default();
    let mut rewriter = Rewriter::default();
    rewriter.run(
        p,
        &[claim.premise, claim.conclusion],
        &mut |p, old, t| match p.node(t) {
            _ if old == formula => out,
            Node::Un(UnOp::Popcnt, x) => counts.of(p, x),
            _ => t,
        },
    );
    let (premise, conclusion) = (rewriter.get(claim.premise), rewriter.get(claim.conclusion));
    let Parts { u, s, .. } = parts(p, x);
    let one = p.constant(w, 1);
    let low = p.sub(&u, &one);
    let (not_low, not_u) = (p.not(&low), p.not(&u));
    let (not_x, not_z) = (p.not(&x), p.not(&z));
    let mut facts = Vec::new();
    let simple = without_division(p, x, t);
    facts.push(p.eq(&out, &simple));
    let power = p.bin(BinOp::Shl, &one, &t);
    facts.push(p.eq(&s, &power));
    let width = p.constant(w, w.into());
    facts.push(p.cmp(trinity_codegen::isa::CmpOp::Ult, &t, &width));
    let part = |p: &mut TermPool, a: TermId, b: TermId| p.and(&a, &b);
    // Above the carry's bit, at it, and below it; in the complement of what is below.
    let highs = [x, out, z].map(|t| part(p, t, not_low));
    let high = highs[0];
    let (bit_out, bit_z) = (part(p, highs[1], u), part(p, highs[2], u));
    let lows = [x, out, z].map(|t| part(p, t, low));
    let (rest_x, rest_z) = (part(p, low, not_x), part(p, low, not_z));
    use CountLemma::{Bound, Least, Ones, Single, Split};
    let instances = [
        (Split, vec![x, low]),
        (Split, vec![out, low]),
        (Split, vec![z, low]),
        (Split, vec![highs[1], u]),
        (Split, vec![highs[2], u]),
        (Split, vec![low, x]),
        (Split, vec![low, z]),
        (Single, vec![bit_out]),
        (Single, vec![bit_z]),
        (Ones, vec![low]),
        (Ones, vec![rest_x]),
        (Ones, vec![lows[1]]),
        (Least, vec![lows[2]]),
        (Least, vec![rest_z]),
    ];
    for (lemma, words) in instances {
        facts.push(lemma.instance(p, &mut |p, t| counts.of(p, t), &words));
    }
    // Equal words have equal counts.
    for other in [highs[1], highs[2]] {
        let above = part(p, other, not_u);
        let (n, m) = (counts.of(p, above), counts.of(p, high));
        let (same, equal) = (p.eq(&above, &high), p.eq(&n, &m));
        facts.push(implies(p, same, equal));
    }
    for (t, _) in counts.made() {
        facts.push(Bound.instance(p, &mut |p, t| counts.of(p, t), &[t]));
    }
    let all = facts.iter().fold(premise, |a, b| p.and(&a, b));
    let claim_bit = implies(p, all, conclusion);
    proven(&format!("p20 {w} specification"), p, claim_bit);
}
