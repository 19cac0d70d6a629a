//! Replaced code proven from its bytes: the new text is assembled and decoded again, whatever an engine claimed.

use super::error::InputError;
use super::object::Function;
use super::place::PlaceSet;
use super::regions::Found;
use super::terms::Setup;
use crate::proof::{Claim, Effects, Limits, Pair, ProofResult, Query, prove};
use crate::solver::SolverPool;
use iced_x86::{FlowControl, OpKind};
use std::ops::Range;
use trinity_codegen::isa::Domain;

/// Proves that `new`'s instructions may replace those of a region of `old`.
///
/// # Errors
/// When the model does not have one of them.
pub fn prove_region(
    found: &Found,
    old: &Function,
    new: (&Function, Range<usize>),
    limits: &Limits<'_>,
    solvers: &SolverPool,
) -> Result<ProofResult, InputError> {
    let mut setup = Setup::in_the_middle();
    let l = match &found.branching {
        Some(b) => setup.part(old, &b.cfg)?,
        None => setup.straight(old, found.range.clone())?,
    };
    let region = &found.region;
    let r = setup.straight(new.0, new.1)?;
    let mut outputs = Vec::new();
    for p in PlaceSet::ALL.minus(region.scratch).iter() {
        let (mut a, mut b) = (l.exit.at(p), r.exit.at(p));
        if let Some(o) = region.live_out.iter().find(|o| o.place == p) {
            a = setup.pool.trunc(&a, o.width);
            b = setup.pool.trunc(&b, o.width);
        }
        if a != b || region.live_out.iter().any(|o| o.place == p) {
            outputs.push(Pair::new(&p.to_string(), a, b));
        }
    }
    let effects = |p: &super::ProgramTerms| Effects {
        faults: p.faults.clone(),
        accesses: p.accesses.clone(),
        memories: vec![p.exit.heap],
    };
    let query = Query {
        claim: Claim::Refinement,
        precondition: Vec::new(),
        outputs,
        left: effects(&l),
        right: effects(&r),
    };
    Ok(prove(&mut setup.pool, &query, limits, solvers))
}

/// The instructions that the text has: without the padding that the assembler makes where it aligns.
fn written(f: &Function) -> Vec<usize> {
    (0..f.code.len()).filter(|n| !f.is_padding(*n)).collect()
}

/// The instructions of a new text that stand where a range of the old one stood, when all others are the same and jumps
/// go to the same places. Padding is the assembler's, and made anew.
pub fn replaced(old: &Function, new: &Function, range: &Range<usize>) -> Option<Range<usize>> {
    let (a, b) = (written(old), written(new));
    let before = |f: &[usize], n: usize| f.partition_point(|k| *k < n);
    let (head, after) = (before(&a, range.start), before(&a, range.end));
    let tail = a.len() - after;
    let end = b.len().checked_sub(tail).filter(|end| *end >= head)?;
    // Where a place among the written instructions of the old text is in the new one; a jump may go to the start.
    let moved = |at: usize| match at {
        _ if at <= head => Some(at),
        _ if at >= after => Some(at - after + end),
        _ => None,
    };
    let goal = |f: &Function, all: &[usize], n: usize| {
        let at = f.code[n].instruction.near_branch_target();
        let n = f.code.iter().position(|i| i.instruction.ip() == at)?;
        Some(before(all, n))
    };
    let same = |k: usize| {
        let (n, m) = (a[k], b[if k < head { k } else { k - after + end }]);
        let (x, y) = (&old.code[n], &new.code[m]);
        let (i, j) = (&x.instruction, &y.instruction);
        let jump = matches!(
            i.flow_control(),
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
        );
        if jump && x.symbol.is_none() && i.op_kind(0) == OpKind::NearBranch64 {
            // The length of a jump may change with the distance.
            let to = goal(old, &a, n).and_then(moved);
            return i.mnemonic() == j.mnemonic()
                && to.is_some()
                && to == goal(new, &b, m)
                && y.symbol.is_none();
        }
        let text = |i: &iced_x86::Instruction, ip: bool| {
            let mut i = *i;
            if ip {
                i.set_memory_displacement64(0);
            }
            super::object::text_of(&i, None)
        };
        let ip = i.is_ip_rel_memory_operand() && x.symbol.is_some();
        let call = i.flow_control() == FlowControl::Call;
        x.symbol == y.symbol && i.code() == j.code() && (call || text(i, ip) == text(j, ip))
    };
    let code = |k: usize| b.get(k).copied().unwrap_or(new.code.len());
    let all = (0..head).chain(after..a.len()).all(same);
    all.then(|| code(head)..code(end))
}
