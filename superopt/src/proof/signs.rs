//! Case splits on sign bits, for the integer form: division of a signed number by a constant is one polynomial for
//! positive numbers and another for negative ones.

use super::integer::IntegerForms;
use super::rebuild::Rewriter;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Node, TermId, TermPool};

/// Bits that are split at most; the cases are two to their power.
const MAX_BITS: usize = 3;

/// The variable bits whose value is the sign of a word below `roots`.
fn sign_bits(pool: &TermPool, roots: &[TermId]) -> Vec<(TermId, u32)> {
    let mut out = Vec::new();
    let mut add = |t: TermId| {
        let w = pool.term_width(t);
        let place = match pool.node(t) {
            Node::Var(_) => Some((t, w - 1)),
            Node::Extract(x, lo) if matches!(pool.node(x), Node::Var(_)) => Some((x, lo + w - 1)),
            _ => None,
        };
        if let Some(place) = place
            && !out.contains(&place)
        {
            out.push(place);
        }
    };
    for t in pool.reachable(roots) {
        match pool.node(t) {
            Node::Sext(a) | Node::Bin(BinOp::Ashr, a, _) => add(a),
            Node::Bin(BinOp::Sdiv | BinOp::Srem | BinOp::MulHiS, a, b)
            | Node::Cmp(CmpOp::Slt, a, b) => {
                add(a);
                add(b);
            }
            _ => {}
        }
    }
    out
}

/// Whether two words have one integer form in every case of their sign bits. `false` says nothing.
pub fn equal_by_cases(pool: &mut TermPool, fuel: u64, a: TermId, b: TermId) -> bool {
    let bits = sign_bits(pool, &[a, b]);
    if bits.is_empty() || bits.len() > MAX_BITS {
        return false;
    }
    for case in 0..1u32 << bits.len() {
        let mut rewriter = Rewriter::default();
        // Each variable becomes its pieces between the chosen bits.
        let mut variables: Vec<TermId> = bits.iter().map(|(v, _)| *v).collect();
        variables.dedup();
        for v in variables {
            let mut chosen: Vec<(u32, u128)> = bits
                .iter()
                .enumerate()
                .filter(|(_, (x, _))| *x == v)
                .map(|(i, (_, bit))| (*bit, u128::from(case >> i & 1)))
                .collect();
            chosen.sort_unstable();
            let pieces = pieces(pool, v, &chosen);
            rewriter.set(v, pieces);
        }
        rewriter.run(pool, &[a, b], &mut |_, _, t| t);
        let (a, b) = (rewriter.get(a), rewriter.get(b));
        if a != b && !IntegerForms::new(fuel).equal(pool, a, b) {
            return false;
        }
    }
    true
}

/// A word of fresh variables with some bits constant.
fn pieces(pool: &mut TermPool, v: TermId, chosen: &[(u32, u128)]) -> TermId {
    let width = pool.term_width(v);
    let mut out: Option<TermId> = None;
    let mut at = 0;
    let mut join = |pool: &mut TermPool, piece: TermId| {
        out = Some(match out {
            Some(low) => pool.concat(&piece, &low),
            None => piece,
        });
    };
    for &(bit, value) in chosen {
        if bit > at {
            let free = pool.var(&format!("part_{}", pool.len()), bit - at);
            join(pool, free);
        }
        let constant = pool.constant(1, value);
        join(pool, constant);
        at = bit + 1;
    }
    if at < width {
        let free = pool.var(&format!("part_{}", pool.len()), width - at);
        join(pool, free);
    }
    out.expect("a word has bits")
}
