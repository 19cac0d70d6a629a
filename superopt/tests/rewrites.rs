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

/// `LOOP`, or what is made like it, in which `v3` is done without, and `new` stands for it.
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

/// A counter whose mask changes nothing because of what holds whenever the loop is entered: it is left when the counter is a number, and is below that all
/// the time.
fn counted(start: u32, bits: u8) -> Rewrite {
    let text = format!(
        "\
function \"f\"(v0: rdi) {{
b0:
  v1 = iconst {start}
  jump b1(v1)
b1(v2: i64):
  v3 = and v2, 127
  store.64 [base + 16], v3
  v4 = iadd v2, 1
  brif icmp.64 ne v4, 100, b1(v4), b2
b2:
  ret v4: rax
}}
"
    );
    let mut r = without(&parse(&text).unwrap()[0], Value(2));
    r.bits[2] = bits;
    r
}

/// `counted`, in a function that compares another value with many smaller numbers.
fn counted_beside(numbers: u32) -> Rewrite {
    let mut text = String::from("function \"f\"(v0: rdi) {\nb0:\n  v1 = iconst 0\n  jump b3\n");
    text += "b1(v2: i64):\n  v3 = and v2, 127\n  store.64 [base + 16], v3\n  v4 = iadd v2, 1\n";
    text += "  brif icmp.64 ne v4, 100, b1(v4), b2\nb2:\n  ret v0: rax\n";
    for n in 3..3 + numbers {
        text += &format!("b{n}:\n  brif icmp.64 eq v0, {}, b2, b{}\n", 2 * n, n + 1);
    }
    text += &format!("b{}:\n  jump b1(v1)\n}}\n", 3 + numbers);
    let mut r = without(&parse(&text).unwrap()[0], Value(2));
    r.bits[2] = 7;
    r
}

/// A counter that goes through two loops and a block where ways to both of them join.
fn counted_in_two(first: u32) -> Rewrite {
    let text = format!(
        "\
function \"f\"(v0: rdi) {{
b0:
  v1 = iconst {first}
  jump b3(v1)
b1(v2: i64):
  v3 = and v2, 127
  store.64 [base + 16], v3
  v4 = iadd v2, 1
  brif icmp.64 ne v4, 100, b1(v4), b2
b2:
  ret v0: rax
b3(v5: i64):
  brif icmp.64 ne v5, 40, b4, b2
b4:
  v6 = iadd v5, 1
  brif icmp.64 ne v0, 0, b5(v6), b3(v6)
b5(v7: i64):
  v8 = load.i64 [base + 24]
  brif icmp.64 ne v8, 0, b3(v7), b1(v7)
}}
"
    );
    let mut r = without(&parse(&text).unwrap()[0], Value(2));
    r.bits[2] = 7;
    r
}

/// The same where it goes up by four as long as it is below a distance from a limit, which cannot wrap around if the limit was found to be positive.
fn counted_to(first: &str) -> Rewrite {
    let text = format!(
        "\
function \"f\"(v0: rdi) {{
b0:
  v1 = iconst 0
  {first}
b1(v2: i64):
  v3 = and v2, 2147483647
  store.64 [base + 16], v3
  v4 = isub v0, 3
  v5 = iadd v2, 4
  brif icmp.64 slt v2, v4, b1(v5), b2
b2:
  ret v0: rax
}}
"
    );
    let mut r = without(&parse(&text).unwrap()[0], Value(2));
    // The mask is of the low bits that memory gets, which are all of the limit's.
    r.bits[2] = 31;
    r
}

#[test]
fn bounds_of_counters_are_proven() {
    let verdict = |r: &Rewrite| compare(r)[0].verdict.clone();
    assert_eq!(verdict(&counted(0, 7)), Verdict::Proven);
    // One bit less, and a counter that starts behind its end and goes around.
    assert_eq!(verdict(&counted(0, 6)).kind(), VerdictKind::Unknown);
    assert_eq!(verdict(&counted(100, 7)).kind(), VerdictKind::Unknown);
    // Two loops; the first one may start behind its end.
    assert_eq!(verdict(&counted_in_two(0)), Verdict::Proven);
    assert_eq!(verdict(&counted_in_two(41)).kind(), VerdictKind::Unknown);
    // What the counter is compared with is tried before other numbers.
    assert_eq!(verdict(&counted_beside(20)), Verdict::Proven);
    // A limit that is known to be small; one that may be anything.
    let small = "brif icmp.64 ult v0, 1000000, b1(v1), b2";
    assert_eq!(verdict(&counted_to(small)), Verdict::Proven);
    let any = "jump b1(v1)";
    assert_eq!(verdict(&counted_to(any)).kind(), VerdictKind::Unknown);
}

/// A value of another block that is done without there: what was made of it is made of what it was computed from.
#[test]
fn values_that_are_no_more_are_what_they_were_computed_from() {
    const TEXT: &str = "\
function \"f\"(v0: rdi, v1: rsi) {
b0:
  v2 = and v0, v1
  brif icmp.64 ne v0, 0, b1, b2
b1:
  v3 = xor v0, v1
  v4 = xor v3, v2
  store.64 [base + 16], v4
  jump b2
b2:
  ret v0: rax
}
";
    let before = parse(TEXT).unwrap().remove(0);
    let verdict = |op| {
        let mut after = before.clone();
        let id = after.blocks[1].insts[1];
        after.insts[id.index()].inst = Inst::Binary {
            op,
            a: Value(0),
            b: Opnd::Value(Value(1)),
        };
        after.blocks[0].insts.clear();
        after.blocks[1].insts.remove(0);
        let r = Rewrite {
            before: before.clone(),
            after,
            map: BTreeMap::new(),
            blocks: vec![Block(0), Block(1)],
            bits: Facts::of(&before).bits,
        };
        compare(&r)
            .iter()
            .map(|c| c.verdict.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(verdict(BinOp::Or), [Verdict::Proven, Verdict::Proven]);
    assert_eq!(verdict(BinOp::Iadd), [Verdict::Proven, Verdict::Refuted]);
}

/// A remainder before, and by a product with the reciprocal after: `factor` and `shift` make the quotient.
fn reciprocal(factor: u32, shift: u32) -> Rewrite {
    const START: &str = "\
function \"f\"(v0: rdi) {
b0:
  v1 = and v0, 262143
  v2 = imul v1, 3877
  v3 = iadd v2, 29573
  v4 = smod v3, 139968
";
    let one = |text: &str| parse(text).unwrap().remove(0);
    let before = one(&format!("{START}  ret v4: rax\n}}\n"));
    let mut after = one(&format!(
        "{START}  v5 = imul v3, {factor}\n  v6 = shr v5, {shift}\n  v7 = imul v6, 139968\n  v8 = isub v3, v7\n  ret v8: rax\n}}\n"
    ));
    // Only now, so that values that were there have their numbers.
    after.blocks[0].insts.remove(3);
    Rewrite {
        bits: Facts::of(&before).bits,
        map: BTreeMap::from([(Value(4), Value(8))]),
        blocks: vec![Block(0)],
        before,
        after,
    }
}

#[test]
fn quotients_by_reciprocals_are_proven_and_wrong_ones_are_not() {
    let found = compare(&reciprocal(502_748_801, 46));
    assert_eq!(found[0].verdict, Verdict::Proven, "{found:?}");
    let blunt = compare(&reciprocal(502_748_801, 45));
    assert_eq!(blunt[0].verdict, Verdict::Refuted, "{blunt:?}");
    // Wrong for few dividends, which nobody may come upon: not proven, at least.
    for (factor, shift) in [(502_748_800, 46), (502_750_000, 46)] {
        let found = compare(&reciprocal(factor, shift));
        assert_ne!(found[0].verdict, Verdict::Proven, "{factor} {shift}");
    }
}

/// Rounds as those of SHA-256: rotations by shifts, and a choice, before; rotations, and the choice by another formula, after. Each round is of the one before.
fn rounds(rotation: u32) -> Rewrite {
    const ROUNDS: usize = 4;
    let start = "\
function \"f\"(v0: rdi, v1: rsi, v2: rdx) {
b0:
  v3 = zext32 v0
  v4 = zext32 v1
  v5 = zext32 v2
";
    let mut next = 6;
    // Instructions with `%0`, `%1`, ... for new values; the number of the last one.
    let mut put = |lines: &[&str], [e, f, g]: [usize; 3]| {
        let mut text = String::new();
        for line in lines {
            let mut line = line.to_string();
            for n in 0..lines.len() {
                line = line.replace(&format!("%{n}."), &format!("v{}", next + n));
            }
            for (name, v) in [("E", e), ("F", f), ("G", g)] {
                line = line.replace(name, &format!("v{v}"));
            }
            text += &format!("  {line}\n");
        }
        next += lines.len();
        (text, next - 1)
    };
    let old = [
        "%0. = shr E, 6",
        "%1. = shl E, 26",
        "%2. = or %0., %1.",
        "%3. = zext32 %2.",
        "%4. = shr E, 11",
        "%5. = shl E, 21",
        "%6. = or %4., %5.",
        "%7. = zext32 %6.",
        "%8. = xor %3., %7.",
        "%9. = and E, F",
        "%10. = inot E",
        "%11. = and %10., G",
        "%12. = xor %9., %11.",
        "%13. = iadd %8., %12.",
        "%14. = iadd %13., G",
        "%15. = zext32 %14.",
    ];
    let by = format!("%1. = rotr32 E, {rotation}");
    let new = [
        "%0. = rotr32 E, 6",
        &by,
        "%2. = xor %1., %0.",
        "%3. = xor F, G",
        "%4. = and %3., E",
        "%5. = xor %4., G",
        "%6. = iadd %5., G",
        "%7. = iadd %6., %2.",
        "%8. = zext32 %7.",
    ];
    let mut all = |lines: &[&str]| {
        let (mut text, mut state, mut results) = (String::new(), [3, 4, 5], Vec::new());
        for _ in 0..ROUNDS {
            let (more, u) = put(lines, state);
            text += &more;
            results.push(u);
            state = [u, state[0], state[1]];
        }
        (text, results)
    };
    let (was, is) = (all(&old), all(&new));
    let one = |text: &str| parse(text).unwrap().remove(0);
    let last = |r: &[usize]| format!("  ret v{}: rax\n}}\n", r[ROUNDS - 1]);
    let before = one(&format!("{start}{}{}", was.0, last(&was.1)));
    let mut after = one(&format!("{start}{}{}{}", was.0, is.0, last(&is.1)));
    after.blocks[0].insts.drain(3..3 + old.len() * ROUNDS);
    let value = |n: &usize| Value(*n as u32);
    Rewrite {
        bits: Facts::of(&before).bits,
        map: was
            .1
            .iter()
            .map(value)
            .zip(is.1.iter().map(value))
            .collect(),
        blocks: vec![Block(0)],
        before,
        after,
    }
}

#[test]
fn rounds_are_proven_one_by_one() {
    let found = compare(&rounds(11));
    assert_eq!(found[0].verdict, Verdict::Proven, "{found:?}");
    let wrong = compare(&rounds(12));
    assert_eq!(wrong[0].verdict, Verdict::Refuted, "{wrong:?}");
}
