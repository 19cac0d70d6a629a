//! Proof that a program computes a target, and what a refutation says about its inputs.

use super::memory::MemoryError;
use super::target::{Target, TargetError, run_terms, set_word, word_at};
use crate::proof::{Claim, Effects, Limits, Pair, ProofResult, Query, prove};
use crate::solver::SolverPool;
use iced_x86::Instruction;
use trinity_codegen::isa::{Domain, Fault, FaultKind, Machine, TermPool};

/// Proves that straight-line code refines a target: wherever the precondition holds and the target does not fault, the
/// code does not fault and its outputs are the target's.
///
/// # Errors
/// When the model does not have an instruction of the code.
pub fn check(
    t: &Target,
    code: &[Instruction],
    limits: &Limits<'_>,
    solvers: &SolverPool,
) -> Result<ProofResult, TargetError> {
    if let Some(m) = &t.memory {
        return super::memory::check(t, m, code, limits, solvers);
    }
    let mut pool = t.pool.clone();
    let mem = pool.memory();
    // Whatever is not an input is arbitrary at entry, and another variable than in the target.
    let mut before = Machine::new(&mut pool, mem, &mut |p: &mut TermPool, n, w| {
        p.var(&format!("entry_{n}"), w)
    });
    for (p, x) in t.inputs.iter().zip(&t.input_terms) {
        set_word(&mut before, p.at, *x);
    }
    let e = run_terms(&mut pool, &before, code)?;
    if !e.machine.accesses.is_empty() {
        return Err(TargetError::Memory(MemoryError::Address(0)));
    }
    let outputs = t
        .outputs
        .iter()
        .zip(&t.output_terms)
        .map(|(p, left)| {
            let w = word_at(&e.machine, p.at);
            let right = pool.trunc(&w, p.width);
            Pair::new(&super::loc::name(p.at), *left, right)
        })
        .collect();
    let fault = |when| Effects {
        faults: vec![Fault {
            kind: FaultKind::Divide,
            when,
        }],
        ..Effects::default()
    };
    let precondition = match pool.as_constant(&t.precondition) {
        Some(1) => Vec::new(),
        _ => vec![t.precondition],
    };
    let q = Query {
        claim: Claim::Refinement,
        precondition,
        outputs,
        left: fault(t.fault),
        right: fault(e.fault),
    };
    Ok(prove(&mut pool, &q, limits, solvers))
}

/// A counterexample as a test row of the target; none of a target with memory, whose tests know cells, not addresses.
pub fn row(t: &Target, r: &ProofResult) -> Option<Vec<u64>> {
    let a = r.counterexample.as_ref().filter(|_| t.memory.is_none())?;
    Some(
        t.input_terms
            .iter()
            .map(|x| a.variables.get(x).map_or(0, |v| *v as u64))
            .collect(),
    )
}
