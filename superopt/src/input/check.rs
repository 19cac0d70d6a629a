//! Replaced code proven from its bytes: the new text is assembled and decoded again, whatever an engine claimed.

use super::error::InputError;
use super::object::Function;
use super::place::PlaceSet;
use super::region::Region;
use super::terms::Setup;
use crate::proof::{Claim, Effects, Limits, Pair, ProofResult, Query, prove};
use crate::solver::SolverPool;
use iced_x86::{FlowControl, OpKind};
use std::ops::Range;
use trinity_codegen::isa::Domain;

/// Proves that `new`'s instructions may replace `old`'s in a region's surroundings.
///
/// # Errors
/// When the model does not have one of them.
pub fn prove_region(
    region: &Region,
    old: (&Function, Range<usize>),
    new: (&Function, Range<usize>),
    limits: &Limits<'_>,
    solvers: &SolverPool,
) -> Result<ProofResult, InputError> {
    let mut setup = Setup::new(1);
    // In the middle of a function the stack pointer is any number, and the frame is memory like all other.
    setup.initial.gpr[4] = setup.pool.var("rsp", 64);
    let l = setup.straight(old.0, old.1)?;
    let r = setup.straight(new.0, new.1)?;
    let everything = PlaceSet {
        gpr: u16::MAX,
        flags: 0x3f,
        vec: u64::MAX,
    };
    let mut outputs = Vec::new();
    for p in everything.minus(region.scratch).iter() {
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

/// Whether two functions have the same instructions outside of the replaced ranges, jumps going to the same places.
/// Ranges come in order, those of the old function with those of the new one.
pub fn same_outside(
    old: &Function,
    new: &Function,
    replaced: &[(Range<usize>, Range<usize>)],
) -> bool {
    // Old index to new index.
    let mut map = vec![None; old.code.len()];
    let (mut from, mut to) = (0, 0);
    let end = (
        old.code.len()..old.code.len(),
        new.code.len()..new.code.len(),
    );
    for (a, b) in replaced.iter().chain([&end]) {
        if a.start < from || b.start < to || a.start - from != b.start - to {
            return false;
        }
        for k in 0..a.start - from {
            map[from + k] = Some(to + k);
        }
        // A jump may go to the start of a replaced range.
        if a.start < old.code.len() {
            map[a.start] = map[a.start].or(Some(b.start));
        }
        (from, to) = (a.end, b.end);
    }
    let inside = |n: usize| replaced.iter().any(|(a, _)| a.contains(&n));
    let target = |f: &Function, n: usize| {
        let at = f.code[n].instruction.near_branch_target();
        f.code.iter().position(|i| i.instruction.ip() == at)
    };
    (0..old.code.len()).filter(|n| !inside(*n)).all(|n| {
        let Some(m) = map[n] else { return false };
        let (Some(a), Some(b)) = (old.code.get(n), new.code.get(m)) else {
            return false;
        };
        let (x, y) = (&a.instruction, &b.instruction);
        let jump = matches!(
            x.flow_control(),
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
        );
        if jump && a.symbol.is_none() && x.op_kind(0) == OpKind::NearBranch64 {
            // The length of a jump may change with the distance.
            let goal = target(old, n).and_then(|t| map.get(t).copied().flatten());
            return x.mnemonic() == y.mnemonic()
                && goal.is_some()
                && goal == target(new, m)
                && b.symbol.is_none();
        }
        let text = |i: &iced_x86::Instruction, ip: bool| {
            let mut i = *i;
            if ip {
                i.set_memory_displacement64(0);
            }
            super::object::text_of(&i, None)
        };
        let ip = x.is_ip_rel_memory_operand() && a.symbol.is_some();
        let call = x.flow_control() == FlowControl::Call;
        a.symbol == b.symbol && x.code() == y.code() && (call || text(x, ip) == text(y, ip))
    })
}
