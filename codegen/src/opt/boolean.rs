//! Functions of three numbers, bit by bit, in fewer operations: *choose* (`x & y ~ ~x & z`: the bits of `y` where `x` has ones, else those of `z`) is
//! `z ~ x & (y ~ z)`, and the *majority* (`a & b ~ a & c ~ b & c`) is `b ~ (a ~ b) & (b ~ c)`. Programs that hash write both; where the numbers move on
//! from one to the next (`a, b, c = new, a, b`), half of a majority is in the next iteration's. The operator between the parts may be `|` as well.

use super::{OptStats, use_counts};
use crate::ir::{BinOp, Block, Cfg, Function, Inst, Opnd, SrcLoc, Type, UnOp, Value};

/// `other ~ by & (one ~ other)`, where `by` is a number or the bits in which two differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Choice {
    one: Value,
    other: Value,
    by: (Value, Option<Value>),
}

/// Puts them into the shorter form.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) {
    let cfg = Cfg::new(f);
    let mut uses = use_counts(f, &cfg);
    for &b in &cfg.rpo {
        let mut at = 0;
        while at < f.blocks[b.index()].insts.len() {
            let id = f.blocks[b.index()].insts[at];
            let node = &f.insts[id.index()];
            let loc = node.loc;
            if let Some(Choice { one, other, by }) = find(f, &uses, &node.inst) {
                let mut add = |a, op, b_: Value| {
                    let inst = binary(op, a, b_);
                    insert(f, b, &mut at, inst, loc)
                };
                let differ = add(one, BinOp::Xor, other);
                let by = match by {
                    (x, None) => x,
                    (p, Some(q)) => add(p, BinOp::Xor, q),
                };
                let and = add(differ, BinOp::And, by);
                f.insts[id.index()].inst = binary(BinOp::Xor, and, other);
                uses.resize(f.values.len(), 1);
                stats.folded += 1;
            }
            at += 1;
        }
    }
}

fn binary(op: BinOp, a: Value, b: Value) -> Inst {
    let b = Opnd::Value(b);
    Inst::Binary { op, a, b }
}

/// Adds an instruction in front of the place, which moves on.
fn insert(f: &mut Function, b: Block, at: &mut usize, inst: Inst, loc: SrcLoc) -> Value {
    let id = f.new_inst(inst, &[Type::I64], loc);
    f.blocks[b.index()].insts.insert(*at, id);
    *at += 1;
    f.insts[id.index()].first_result
}

/// What an instruction chooses. Its parts are used nowhere else.
fn find(f: &Function, uses: &[u32], inst: &Inst) -> Option<Choice> {
    let of = |inst: &Inst| match *inst {
        Inst::Binary {
            op,
            a,
            b: Opnd::Value(b),
        } => Some((op, a, b)),
        _ => None,
    };
    let part = |v: Value| match uses[v.index()] {
        1 => of(f.def_inst(v)?),
        _ => None,
    };
    let and = |v: Value| match part(v)? {
        (BinOp::And, a, b) => Some((a, b)),
        _ => None,
    };
    let (op, a, b) = of(inst)?;
    if !matches!(op, BinOp::Xor | BinOp::Or) {
        return None;
    }
    if let (Some(p), Some(q)) = (and(a), and(b)) {
        return choose(f, p, q).or_else(|| choose(f, q, p));
    }
    // Three parts, the first two together or the last two.
    let (first, second, third) = match (part(a), part(b)) {
        (Some((inner, p, q)), _) if inner == op => (and(p)?, and(q)?, and(b)?),
        (_, Some((inner, p, q))) if inner == op => (and(a)?, and(p)?, and(q)?),
        _ => return None,
    };
    majority(first, second, third)
}

/// `x & y` and `~x & z`.
fn choose(f: &Function, p: (Value, Value), q: (Value, Value)) -> Option<Choice> {
    let not = |v: Value| match f.def_inst(v) {
        Some(&Inst::Unary {
            op: UnOp::Inot, a, ..
        }) => Some(a),
        _ => None,
    };
    let (x, other) = match (not(q.0), not(q.1)) {
        (Some(x), _) if p.0 == x || p.1 == x => (x, q.1),
        (_, Some(x)) if p.0 == x || p.1 == x => (x, q.0),
        _ => return None,
    };
    let one = if p.0 == x { p.1 } else { p.0 };
    let by = (x, None);
    Some(Choice { one, other, by })
}

/// Each two of three numbers. What the first and the last part have in common is in the middle: where numbers move on, the next iteration has it, too.
fn majority(
    first: (Value, Value),
    second: (Value, Value),
    third: (Value, Value),
) -> Option<Choice> {
    let (a, b, c) = match third {
        (b, c) if first.0 == b => (first.1, b, c),
        (b, c) if first.1 == b => (first.0, b, c),
        (c, b) if first.0 == b => (first.1, b, c),
        (c, b) if first.1 == b => (first.0, b, c),
        _ => return None,
    };
    let distinct = a != b && b != c && a != c;
    let ends = second == (a, c) || second == (c, a);
    (distinct && ends).then_some(Choice {
        one: a,
        other: b,
        by: (b, Some(c)),
    })
}
