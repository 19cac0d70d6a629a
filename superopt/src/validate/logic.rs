//! Conditions decided by looking at all combinations of the comparisons they are made of.
//!
//! Comparisons of the same words are not independent: two doubles are not equal and unordered, a number is not two constants. What is known of that here
//! is little, but true; so an implication that holds in all combinations left over holds.

use trinity_codegen::isa::{BinOp, CmpOp, Domain, FpOp, Node, TermId, TermPool, UnOp};

/// More comparisons than this are not tried.
const MAX_ATOMS: usize = 12;

fn gather(pool: &TermPool, t: TermId, atoms: &mut Vec<TermId>) {
    let mut stack = vec![t];
    while let Some(t) = stack.pop() {
        match pool.node(t) {
            Node::Const(_) => {}
            Node::Bin(BinOp::And | BinOp::Or | BinOp::Xor, a, b) => stack.extend([a, b]),
            Node::Un(UnOp::Not, a) => stack.push(a),
            Node::Ite(c, a, b) => stack.extend([c, a, b]),
            Node::Cmp(CmpOp::Eq, a, b) if pool.term_width(a) == 1 => stack.extend([a, b]),
            _ if atoms.contains(&t) => {}
            _ if atoms.len() > MAX_ATOMS => {}
            _ => atoms.push(t),
        }
    }
}

fn eval(pool: &TermPool, t: TermId, atoms: &[TermId], bits: u32) -> bool {
    match pool.node(t) {
        Node::Const(k) => k != 0,
        Node::Bin(op @ (BinOp::And | BinOp::Or | BinOp::Xor), a, b) => {
            let (a, b) = (eval(pool, a, atoms, bits), eval(pool, b, atoms, bits));
            match op {
                BinOp::And => a && b,
                BinOp::Or => a || b,
                _ => a != b,
            }
        }
        Node::Un(UnOp::Not, a) => !eval(pool, a, atoms, bits),
        Node::Ite(c, a, b) => {
            let c = eval(pool, c, atoms, bits);
            eval(pool, if c { a } else { b }, atoms, bits)
        }
        Node::Cmp(CmpOp::Eq, a, b) if pool.term_width(a) == 1 => {
            eval(pool, a, atoms, bits) == eval(pool, b, atoms, bits)
        }
        _ => match atoms.iter().position(|a| *a == t) {
            Some(n) => bits >> n & 1 == 1,
            None => false,
        },
    }
}

/// Whether two comparisons cannot both have these values.
fn exclude(pool: &TermPool, (s, x): (TermId, bool), (t, y): (TermId, bool)) -> bool {
    let konst = |t: TermId| pool.as_constant(&t);
    match (pool.node(s), pool.node(t)) {
        (Node::Fp(p, _, a), Node::Fp(q, _, b)) => {
            let same = a[0] == b[0] && a[1] == b[1];
            let pair = same || a[0] == b[1] && a[1] == b[0];
            let cmp = |o| matches!(o, FpOp::Eq | FpOp::Lt | FpOp::Le);
            pair && match (p, q) {
                (FpOp::Unord, q) if cmp(q) => x && y,
                (p, FpOp::Unord) if cmp(p) => x && y,
                (FpOp::Eq, FpOp::Lt) | (FpOp::Lt, FpOp::Eq) => x && y,
                (FpOp::Eq, FpOp::Le) => x && !y,
                (FpOp::Le, FpOp::Eq) => !x && y,
                (FpOp::Lt, FpOp::Lt) => !same && x && y,
                (FpOp::Lt, FpOp::Le) if same => x && !y,
                (FpOp::Le, FpOp::Lt) if same => !x && y,
                (FpOp::Lt, FpOp::Le) | (FpOp::Le, FpOp::Lt) => x && y,
                _ => false,
            }
        }
        (Node::Cmp(p, a, b), Node::Cmp(q, c, e)) => {
            let order = |o| matches!(o, CmpOp::Ult | CmpOp::Slt);
            if let (CmpOp::Eq, CmpOp::Eq, Some(k), Some(l)) = (p, q, konst(b), konst(e))
                && a == c
                && k != l
            {
                return x && y;
            }
            // A number that is a constant, compared with another one.
            for ((p, x, a, b), (q, y, c, e)) in
                [((p, x, a, b), (q, y, c, e)), ((q, y, c, e), (p, x, a, b))]
            {
                if let (CmpOp::Eq, CmpOp::Ult, true, Some(k)) = (p, q, x, konst(b)) {
                    if let Some(l) = konst(e).filter(|_| a == c) {
                        return y != (k < l);
                    }
                    if let Some(l) = konst(c).filter(|_| a == e) {
                        return y != (l < k);
                    }
                }
            }
            let crossed = (a, b) == (e, c);
            let pair = (a, b) == (c, e) || crossed;
            pair && match (p, q) {
                (CmpOp::Eq, q) if order(q) => x && y,
                (p, CmpOp::Eq) if order(p) => x && y,
                (p, q) if p == q && order(p) && crossed => x && y,
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether `conclusion` holds wherever all of `premises` do. `false`: not known.
pub fn implies(pool: &TermPool, premises: &[TermId], conclusion: TermId) -> bool {
    if pool.as_constant(&conclusion) == Some(1) || premises.contains(&conclusion) {
        return true;
    }
    let mut atoms = Vec::new();
    gather(pool, conclusion, &mut atoms);
    for &p in premises.iter().rev() {
        let n = atoms.len();
        gather(pool, p, &mut atoms);
        if atoms.len() > MAX_ATOMS {
            // Left out: fewer premises are safe.
            atoms.truncate(n);
        }
    }
    if atoms.len() > MAX_ATOMS {
        return false;
    }
    let known = |t: TermId| {
        let mut own = Vec::new();
        gather(pool, t, &mut own);
        own.iter().all(|a| atoms.contains(a))
    };
    let premises: Vec<TermId> = premises.iter().copied().filter(|p| known(*p)).collect();
    (0..1u32 << atoms.len()).all(|bits| {
        let value = |n: usize| (atoms[n], bits >> n & 1 == 1);
        let impossible =
            || (0..atoms.len()).any(|n| (0..n).any(|m| exclude(pool, value(n), value(m))));
        eval(pool, conclusion, &atoms, bits)
            || premises.iter().any(|p| !eval(pool, *p, &atoms, bits))
            || impossible()
    })
}
