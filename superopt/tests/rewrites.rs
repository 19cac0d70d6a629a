//! Rewrites of the SSA form put to the prover: right ones and wrong ones.

use std::collections::BTreeMap;
use trinity_codegen::ir::{BinOp, Block, Function, Inst, Opnd, Value, parse};
use trinity_codegen::opt::region::Facts;
use trinity_superopt::report::verdict::{Verdict, VerdictKind};
use trinity_superopt::solver::SolverPool;
use trinity_superopt::validate::Budget;
use trinity_superopt::validate::rewrite::{Compared, Rewrite};

/// The mask in the loop changes nothing: the parameter never has more bits.
const LOOP: &str = "\
function \"f\"(v0: rdi) {
b0:
  v1 = and v0, 255
  jump b1(v1)
b1(v2: i64):
  v3 = and v2, 255
  store.64 [base + 16], v3
  v4 = shr v3, 1
  brif icmp.64 ne v4, 0, b1(v4), b2
b2:
  v5 = iadd v3, v0
  ret v5: rax
}
";

fn function() -> Function {
    parse(LOOP).unwrap().remove(0)
}

/// `LOOP` in which `v3` is done without, and `new` stands for it.
fn without(f: &Function, new: Value) -> Rewrite {
    let mut after = f.clone();
    let old = Value(3);
    after.blocks[1].insts.remove(0);
    let put = |v: &mut Value| {
        if *v == old {
            *v = new;
        }
    };
    for node in &mut after.insts {
        node.inst.for_each_use_mut(put);
    }
    for b in &mut after.blocks {
        if let Some(term) = &mut b.term {
            term.for_each_use_mut(put);
        }
    }
    Rewrite {
        before: f.clone(),
        after,
        map: BTreeMap::from([(old, new)]),
        blocks: vec![Block(1)],
        bits: Facts::of(f).bits,
    }
}

fn compare(r: &Rewrite) -> Vec<Compared> {
    let solvers =
        SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)");
    r.compare(&Budget::default(), Some(&solvers))
}

#[test]
fn wrong_rewrites_are_refuted() {
    let f = function();
    // Another value in its place.
    assert_eq!(compare(&without(&f, Value(1)))[0].verdict, Verdict::Refuted);
    let unchanged = Rewrite {
        before: f.clone(),
        after: f.clone(),
        map: BTreeMap::new(),
        blocks: vec![Block(1)],
        bits: Facts::of(&f).bits,
    };
    assert_eq!(compare(&unchanged)[0].verdict, Verdict::Proven);
    // What is computed otherwise in place, in a block that is not said to be another.
    let mut r = unchanged.clone();
    let id = r.after.blocks[1].insts[2];
    r.after.insts[id.index()].inst = Inst::Binary {
        op: BinOp::Shr,
        a: Value(3),
        b: Opnd::Imm(2),
    };
    r.blocks = vec![Block(0)];
    let found = compare(&r);
    let wrong: Vec<Block> = found
        .iter()
        .filter(|c| c.verdict == Verdict::Refuted)
        .map(|c| c.block)
        .collect();
    assert_eq!(wrong, [Block(1)]);
    // A store less, another condition, no valid function.
    let mut r = unchanged.clone();
    r.after.blocks[1].insts.remove(1);
    assert_eq!(compare(&r)[0].verdict, Verdict::Refuted);
    let mut r = unchanged.clone();
    if let Some(term) = &mut r.after.blocks[1].term {
        term.for_each_use_mut(|v| *v = Value(2));
    }
    assert_eq!(compare(&r)[0].verdict, Verdict::Refuted);
    let mut r = unchanged;
    r.after.blocks[1].insts.remove(0);
    assert_eq!(compare(&r)[0].verdict, Verdict::Refuted);
}
#[test]
fn what_is_known_of_bits_is_proven_too() {
    let f = function();
    let mut r = without(&f, Value(2));
    assert_eq!(r.bits[2], 8);
    let found = compare(&r);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].verdict, found[0].block),
        (&Verdict::Proven, Block(1))
    );
    assert_eq!(found[0].bounds, [(Value(2), 8)]);
    // Too good to be true: nothing is proven by it.
    r.bits[2] = 7;
    let found = compare(&r);
    assert_eq!(found[0].verdict.kind(), VerdictKind::Unknown, "{found:?}");
    // Nothing known: the mask is needed.
    r.bits[2] = 64;
    assert_eq!(compare(&r)[0].verdict, Verdict::Refuted);
}
