//! Soundness of the known-bits transfer functions, proven: for every value and every knowledge that is true of it, what
//! the function says of the result is true of the operation's result.
//!
//! Knowledge that is true of `a` is any set of positions `k`: the zeros are `k & ~a`, the ones `k & a`. So one query
//! with free `a` and `k` covers all abstract words and all values they stand for. The functions proven are the ones
//! that run: they are written once over any domain.

use std::time::Duration;
use trinity_codegen::isa::known_bits::{Known, transfer};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, TermId, TermPool, UnOp};
use trinity_superopt::proof::{Limits, Pair, Query, prove};
use trinity_superopt::report::verdict::Verdict;
use trinity_superopt::solver::{PoolConfig, SolverPool};

/// A value and knowledge of it.
fn operand(p: &mut TermPool, name: &str, w: u32) -> (TermId, Known<TermId>) {
    let a = p.var(name, w);
    let k = p.var(&format!("{name}_known"), w);
    let n = p.not(&a);
    let zeros = p.and(&k, &n);
    let ones = p.and(&k, &a);
    (a, Known { zeros, ones })
}

/// The verdict on "the known bits hold of the value".
fn sound(p: &mut TermPool, value: TermId, known: &Known<TermId>, seconds: u64) -> Verdict {
    let n = p.not(&value);
    let x = p.and(&value, &known.zeros);
    let y = p.and(&n, &known.ones);
    let wrong = p.or(&x, &y);
    let w = p.term_width(wrong);
    let zero = p.constant(w, 0);
    let query = Query::words(vec![Pair::new("contradiction", wrong, zero)]);
    let limits = Limits::within(Duration::from_secs(seconds));
    let solvers = SolverPool::new(
        PoolConfig::located().expect("build trinity-solver first (cargo build -p trinity-solver)"),
    );
    prove(p, &query, &limits, &solvers).verdict
}

fn binary(op: BinOp, w: u32, seconds: u64) -> Verdict {
    let mut p = TermPool::new();
    let (a, ka) = operand(&mut p, "a", w);
    let (b, kb) = operand(&mut p, "b", w);
    let value = p.bin(op, &a, &b);
    let known = transfer::bin(&mut p, op, &ka, &kb);
    sound(&mut p, value, &known, seconds)
}

#[test]
fn linear_and_bitwise_transfers_are_proven() {
    use BinOp::*;
    for w in [8, 16, 32, 64] {
        for op in [Add, Sub, And, Or, Xor, Shl, Lshr, Ashr, Rotl, Rotr] {
            // At 64 bits these take longer than a test should; what was decided is printed.
            if w == 64 && !matches!(op, Add | And | Or | Xor) {
                let verdict = binary(op, w, 3);
                println!("{op:?} at {w}: {verdict:?}");
                assert_ne!(verdict, Verdict::Refuted, "{op:?} at {w}");
                continue;
            }
            assert_eq!(binary(op, w, 30), Verdict::Proven, "{op:?} at {w}");
        }
        for op in [UnOp::Not, UnOp::Neg, UnOp::Bswap, UnOp::Clz, UnOp::Ctz] {
            let mut p = TermPool::new();
            let (a, ka) = operand(&mut p, "a", w);
            let value = p.un(op, &a);
            let known = transfer::un(&mut p, op, &ka);
            assert_eq!(
                sound(&mut p, value, &known, 30),
                Verdict::Proven,
                "{op:?} at {w}"
            );
        }
        for op in [CmpOp::Eq, CmpOp::Ult, CmpOp::Slt] {
            let mut p = TermPool::new();
            let (a, ka) = operand(&mut p, "a", w);
            let (b, kb) = operand(&mut p, "b", w);
            let value = p.cmp(op, &a, &b);
            let known = transfer::cmp(&mut p, op, &ka, &kb);
            assert_eq!(
                sound(&mut p, value, &known, 30),
                Verdict::Proven,
                "{op:?} at {w}"
            );
        }
        let mut p = TermPool::new();
        let (c, kc) = operand(&mut p, "c", 1);
        let (a, ka) = operand(&mut p, "a", w);
        let (b, kb) = operand(&mut p, "b", w);
        let value = p.ite(&c, &a, &b);
        let known = transfer::ite(&mut p, &kc, &ka, &kb);
        assert_eq!(
            sound(&mut p, value, &known, 30),
            Verdict::Proven,
            "choice at {w}"
        );
    }
}

/// Products, quotients, counts and scattered bits: at 8 bits in one query each. What is not decided in time is printed
/// and not claimed; nothing may be refuted.
#[test]
fn other_transfers_are_never_refuted() {
    use BinOp::*;
    for op in [Mul, MulHiU, MulHiS, Udiv, Urem, Sdiv, Srem, Pext, Pdep] {
        let verdict = binary(op, 8, 4);
        println!("{op:?} at 8: {verdict:?}");
        assert!(
            matches!(
                verdict,
                Verdict::Proven | Verdict::Timeout | Verdict::Unknown { .. }
            ),
            "{op:?}: {verdict:?}"
        );
    }
    let mut p = TermPool::new();
    let (a, ka) = operand(&mut p, "a", 8);
    let value = p.un(UnOp::Popcnt, &a);
    let known = transfer::un(&mut p, UnOp::Popcnt, &ka);
    assert_eq!(sound(&mut p, value, &known, 30), Verdict::Proven);
}

#[test]
fn a_wrong_transfer_is_refuted() {
    let mut p = TermPool::new();
    let (a, ka) = operand(&mut p, "a", 32);
    let (b, kb) = operand(&mut p, "b", 32);
    // Addition's answer for subtraction.
    let value = p.sub(&a, &b);
    let known = transfer::bin(&mut p, BinOp::Add, &ka, &kb);
    assert_eq!(sound(&mut p, value, &known, 30), Verdict::Refuted);
}
