//! Proofs that were made before, looked up in the store that the solver pool was given.
//!
//! A question's name is the hash of its terms with variables numbered as they are met, so that names and the order of
//! making do not matter; claim, preconditions, faults and accesses are in it. A proof is used only for the very same
//! question, by this version of the prover, made on this machine; the precondition's witness is found anew. A failure is
//! not repeated with a budget that was spent already. Refutations are not kept: they are quick to find again, with an
//! input to show.
//!
//! Invariant: whatever is wrong with the store or an entry, the proof is made anew.

use super::claims::{Claim, Effects, Query};
use super::{Limits, ProofResult, Rung, Step};
use crate::report::verdict::{Verdict, VerdictKind};
use crate::store::sha256::sha256;
use crate::store::{self, Entry, Lookup, Spent, Store};
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;
use trinity_codegen::isa::{Node, TermId, TermPool};

/// Version of what the prover may conclude: grows when an older proof should not be trusted any more.
pub const PROVER: u32 = 1;

/// Why a stored failure ends a proof.
const TRIED: &str = "tried before with as much, by the store";

/// What the store says.
pub(super) enum Kept {
    /// It was proven.
    Proven,
    /// It was not, with this much or more.
    Tried,
    /// Nothing that can be used.
    Nothing,
}

/// The store's name for a question.
pub fn question(pool: &TermPool, q: &Query) -> store::Query {
    let mut roots = q.precondition.clone();
    roots.extend(q.outputs.iter().flat_map(|p| [p.left, p.right]));
    let mut shape = format!("{:?} {} {}", q.claim, q.precondition.len(), q.outputs.len());
    for e in [&q.left, &q.right] {
        effects(e, &mut roots, &mut shape);
    }
    let text = canonical(pool, &roots);
    let text = format!("prover {PROVER}\n{shape}\n{text}");
    store::Query {
        goal: match q.claim {
            Claim::Refinement => "proof of refinement".into(),
            Claim::Equivalence => "proof of equivalence".into(),
        },
        target: sha256(text.as_bytes()).to_string(),
        live_in: Vec::new(),
        live_out: Vec::new(),
        preconditions: Vec::new(),
        march: String::new(),
    }
}

fn effects(e: &Effects, roots: &mut Vec<TermId>, shape: &mut String) {
    roots.extend(e.faults.iter().map(|f| f.when));
    roots.extend(e.accesses.iter().map(|a| a.addr));
    roots.extend(&e.memories);
    let _ = write!(shape, " {} [", e.faults.len());
    for a in &e.accesses {
        let _ = write!(shape, "{}{}", if a.write { 'w' } else { 'r' }, a.bytes);
    }
    let _ = write!(shape, "] {}", e.memories.len());
}

/// The terms below roots, one a line, operands first, by numbers in the order they are met.
fn canonical(pool: &TermPool, roots: &[TermId]) -> String {
    let mut out = String::new();
    let mut number: HashMap<TermId, usize> = HashMap::new();
    let (mut variables, mut memories) = (0, HashMap::new());
    let mut stack: Vec<(TermId, bool)> = Vec::new();
    for root in roots {
        stack.push((*root, false));
        while let Some((t, operands_done)) = stack.pop() {
            if number.contains_key(&t) {
                continue;
            }
            let node = pool.node(t);
            if !operands_done {
                stack.push((t, true));
                let operands: Vec<TermId> = node.operands().collect();
                stack.extend(operands.into_iter().rev().map(|o| (o, false)));
                continue;
            }
            // Writing to a string cannot fail.
            let _ = match node {
                Node::Var(_) => {
                    variables += 1;
                    write!(out, "variable {variables}")
                }
                Node::Memory(m) => {
                    let next = memories.len();
                    write!(out, "memory {}", memories.entry(m).or_insert(next))
                }
                Node::Const(v) => write!(out, "{v:x}"),
                Node::Un(op, _) => write!(out, "{op:?}"),
                Node::Bin(op, ..) => write!(out, "{op:?}"),
                Node::Cmp(op, ..) => write!(out, "{op:?}"),
                Node::Extract(_, lo) => write!(out, "extract {lo}"),
                Node::Fp(op, n, _) => write!(out, "fp {op:?} {n}"),
                Node::Ite(..) => write!(out, "ite"),
                Node::Concat(..) => write!(out, "concat"),
                Node::Zext(_) => write!(out, "zext"),
                Node::Sext(_) => write!(out, "sext"),
                Node::Load(..) => write!(out, "load"),
                Node::Store(..) => write!(out, "store"),
            };
            for o in node.operands() {
                let _ = write!(out, " {}", number[&o]);
            }
            let _ = writeln!(out, " : {}", pool.term_width(t));
            number.insert(t, number.len());
        }
    }
    out.push_str("roots");
    for root in roots {
        let _ = write!(out, " {}", number[root]);
    }
    out
}

fn budget(limits: &Limits<'_>) -> Spent {
    Spent {
        proposals: 0,
        rlimit: limits.rlimit,
        seconds: limits.time.map_or(0.0, |t| t.as_secs_f64()),
    }
}

/// Looks a question up. With queries to be written or checked by a second solver a proof has to be made, and with
/// nothing that ends it a failure says nothing.
pub(super) fn look(store: &Store, question: &store::Query, limits: &Limits<'_>) -> Kept {
    if limits.dump.is_some() || limits.second.is_some() {
        return Kept::Nothing;
    }
    let bounded = limits.time.is_some() || limits.rlimit > 0;
    match store.lookup(question) {
        Ok(Lookup::Proven(e)) if e.verdict == Verdict::Proven => Kept::Proven,
        Ok(Lookup::Failed(e)) if bounded && e.spent.covers(&budget(limits)) => Kept::Tried,
        _ => Kept::Nothing,
    }
}

/// Keeps how a proof ended; what the store says against it.
pub(super) fn keep(
    store: &Store,
    question: store::Query,
    limits: &Limits<'_>,
    result: &ProofResult,
    time: Duration,
    solver: String,
) -> Option<String> {
    let asked = budget(limits);
    let spent = Spent {
        proposals: 0,
        rlimit: result.steps.iter().map(|s| s.rlimit).sum(),
        seconds: if limits.time.is_some() {
            time.as_secs_f64()
        } else {
            0.0
        },
    };
    let entry = match result.verdict.kind() {
        VerdictKind::Proven | VerdictKind::ProvenUnderPrecondition => Entry {
            query: question.clone(),
            program: question.target,
            cost: None,
            // The precondition is part of the question.
            verdict: Verdict::Proven,
            precondition: None,
            solver,
            smt: Vec::new(),
            spent,
            failures: Vec::new(),
            tool: crate::report::tool_version(),
            proved_here: true,
        },
        VerdictKind::Timeout if !limits.cancel.is_cancelled() => {
            // All that was allowed was used up, in some respect.
            let spent = Spent {
                proposals: 0,
                rlimit: spent.rlimit.max(asked.rlimit),
                seconds: spent.seconds.max(asked.seconds),
            };
            Entry::failure(question, Verdict::Timeout, spent, "out of time or work")
        }
        _ => return None,
    };
    store.put(entry).err().map(|e| e.to_string())
}

/// The step that says what the store did.
pub(super) fn step(goal: &str, verdict: VerdictKind, why: &str) -> Step {
    Step {
        goal: goal.into(),
        rung: Rung::Store,
        verdict,
        why: why.into(),
        rlimit: 0,
        memory: 0,
        time: Duration::ZERO,
        text_hash: String::new(),
        file: None,
        second: None,
    }
}

/// The result of a question that was tried before.
pub(super) fn tried() -> ProofResult {
    ProofResult {
        verdict: Verdict::Timeout,
        counterexample: None,
        original: None,
        failing: Vec::new(),
        witness: None,
        steps: vec![step("all", VerdictKind::Timeout, TRIED)],
        tests: 0,
    }
}
