//! Kernels with more than one result, in registers: the Montgomery step, and sorting.

use super::Claim;
use crate::search::loc::{self, Loc};
use crate::search::opset::March;
use crate::search::target::{Port, Target, caller_saved};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, TermId, TermPool};

/// A target without code, precondition or faults.
pub(super) fn target(
    name: String,
    mut pool: TermPool,
    inputs: Vec<(Port, TermId)>,
    outputs: Vec<(Port, TermId)>,
    march: March,
) -> Target {
    let (precondition, fault) = (pool.bit(true), pool.bit(false));
    let (inputs, input_terms) = inputs.into_iter().unzip();
    let (outputs, output_terms) = outputs.into_iter().unzip();
    let scratch = caller_saved();
    let baseline = None;
    Target {
        name,
        inputs,
        outputs,
        scratch,
        pool,
        input_terms,
        output_terms,
        precondition,
        fault,
        baseline,
        march,
        memory: None,
    }
}

/// An input register as a variable.
pub(super) fn input(pool: &mut TermPool, at: Loc, width: u32) -> (Port, TermId) {
    let x = pool.var(&loc::name(at), 64);
    (Port { at, width }, x)
}

const RCX: Loc = 1;
const RDX: Loc = 2;
const RSI: Loc = 6;
const RDI: Loc = 7;
const R8: Loc = 8;

/// The step of Montgomery multiplication with the registers of STOKE's benchmark: `np` in rsi times `mh:ml` in ecx and
/// edx, plus `c0` in rdi, plus `c1` in r8; the low half goes to rdi, the high half to r8. Nothing is said of the upper
/// halves of rcx and rdx, so that code has to clear them.
pub fn montgomery(march: March) -> Target {
    let mut p = TermPool::new();
    let (np, mh, ml) = (
        input(&mut p, RSI, 64),
        input(&mut p, RCX, 32),
        input(&mut p, RDX, 32),
    );
    let (c0, c1) = (input(&mut p, RDI, 64), input(&mut p, R8, 64));
    let (high, low) = (p.trunc(&mh.1, 32), p.trunc(&ml.1, 32));
    let m = p.concat(&high, &low);
    let carry = |p: &mut TermPool, sum: TermId, part: TermId| {
        let c = p.cmp(CmpOp::Ult, &sum, &part);
        p.zext(&c, 64)
    };
    // No term is wider than a register pair's half: the carries say what spills over.
    let product = p.bin(BinOp::Mul, &np.1, &m);
    let upper = p.bin(BinOp::MulHiU, &np.1, &m);
    let first = p.add(&product, &c0.1);
    let k0 = carry(&mut p, first, c0.1);
    let sum = p.add(&first, &c1.1);
    let k1 = carry(&mut p, sum, c1.1);
    let upper = p.add(&upper, &k0);
    let upper = p.add(&upper, &k1);
    let outputs = vec![
        (Port { at: RDI, width: 64 }, sum),
        (Port { at: R8, width: 64 }, upper),
    ];
    target(
        "montgomery".into(),
        p,
        vec![np, mh, ml, c0, c1],
        outputs,
        march,
    )
}

/// The registers sorted in place: the least value goes to the first.
pub const SORTED: [Loc; 4] = [0, RCX, RDX, RDI];

/// `n` signed words (2 to 4) sorted in rax, rcx, rdx, rdi.
///
/// # Panics
/// For other `n`.
pub fn sort(n: usize, width: u32, march: March) -> Target {
    let network: &[(usize, usize)] = match n {
        2 => &[(0, 1)],
        3 => &[(1, 2), (0, 2), (0, 1)],
        4 => &[(0, 1), (2, 3), (0, 2), (1, 3), (1, 2)],
        _ => panic!("sorts of 2 to 4 words, not {n}"),
    };
    let mut p = TermPool::new();
    let inputs: Vec<(Port, TermId)> = SORTED[..n]
        .iter()
        .map(|at| input(&mut p, *at, width))
        .collect();
    let mut x: Vec<TermId> = inputs.iter().map(|i| p.trunc(&i.1, width)).collect();
    for &(a, b) in network {
        let less = p.cmp(CmpOp::Slt, &x[b], &x[a]);
        (x[a], x[b]) = (p.ite(&less, &x[b], &x[a]), p.ite(&less, &x[a], &x[b]));
    }
    let outputs = SORTED[..n]
        .iter()
        .zip(x)
        .map(|(at, t)| (Port { at: *at, width }, t))
        .collect();
    target(format!("sort{n}-{width}"), p, inputs, outputs, march)
}

/// The claim that [`sort`] sorts: its results are in order, and each word of the inputs occurs among them as often as
/// among the inputs.
///
/// # Panics
/// For other `n` than [`sort`] takes.
pub fn sort_claim(n: usize, width: u32) -> Claim {
    let t = sort(n, width, March::V1);
    let mut p = t.pool;
    let inputs: Vec<TermId> = t.input_terms.iter().map(|x| p.trunc(x, width)).collect();
    let mut conclusion = p.bit(true);
    for pair in t.output_terms.windows(2) {
        let falls = p.cmp(CmpOp::Slt, &pair[1], &pair[0]);
        let rises = p.not(&falls);
        conclusion = p.and(&conclusion, &rises);
    }
    for x in &inputs {
        // Counts up to four fit in three bits.
        let mut count = |words: &[TermId]| {
            let none = p.constant(3, 0);
            words.iter().fold(none, |sum, w| {
                let same = p.cmp(CmpOp::Eq, w, x);
                let one = p.zext(&same, 3);
                p.add(&sum, &one)
            })
        };
        let (before, after) = (count(&inputs), count(&t.output_terms));
        let same = p.cmp(CmpOp::Eq, &before, &after);
        conclusion = p.and(&conclusion, &same);
    }
    let premise = p.bit(true);
    Claim {
        pool: p,
        premise,
        conclusion,
    }
}
