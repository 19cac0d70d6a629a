//! Proofs that were made before, looked up in the store that the solver pool was given.
//!
//! A question's name is the hash of its terms with variables numbered as they are met, so that names and the order of
//! making do not matter; claim, preconditions, faults and accesses are in it. A proof is used only for the very same
//! question, by this version of the prover, made on this machine; the precondition's witness is found anew. A failure is
//! not repeated with a budget that was spent already. Of a refutation that needed a solver the input is kept; it is
//! evaluated again, and only that refutes.
//!
//! Where queries are to be written, those of the stored proof are; a proof that was kept without them is made anew.
//!
//! Invariant: whatever is wrong with the store or an entry, the proof is made anew.

use super::claims::{Claim, Effects, Query};
use super::{Assignment, Limits, ProofResult, Rung, Step};
use crate::report::verdict::{Verdict, VerdictKind};
use crate::solver::{SolverError, SolverPool};
use crate::store::sha256::sha256;
use crate::store::{self, Entry, Lookup, Shown, Smt, Spent, Store};
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;
use trinity_codegen::isa::{Node, TermId, TermPool};

/// Version of what the prover may conclude: grows when an older proof should not be trusted any more.
pub const PROVER: u32 = 2;

/// Queries are kept with a proof up to this many bytes in all.
const MOST_TEXT: usize = 1 << 20;

/// Why a stored failure ends a proof.
const TRIED: &str = "tried before with as much, by the store";

/// What the store says.
pub(super) enum Kept {
    /// It was proven, with these queries.
    Proven(Vec<Smt>),
    /// It fails on this input, if that is true.
    Refuted(Assignment),
    /// It was not, with this much or more.
    Tried,
    /// Nothing that can be used.
    Nothing,
}

/// A question as the store knows it.
pub(super) struct Question {
    /// Its name.
    pub name: store::Query,
    /// Its variables in the order they are met.
    variables: Vec<TermId>,
    /// Its memories in the order they are met.
    memories: Vec<u32>,
}

/// The store's name for a question.
pub(super) fn question(pool: &TermPool, q: &Query) -> Question {
    let mut roots = q.precondition.clone();
    roots.extend(q.outputs.iter().flat_map(|p| [p.left, p.right]));
    let mut shape = format!("{:?} {} {}", q.claim, q.precondition.len(), q.outputs.len());
    for e in [&q.left, &q.right] {
        effects(e, &mut roots, &mut shape);
    }
    let (text, variables, memories) = canonical(pool, &roots);
    let text = format!("prover {PROVER}\n{shape}\n{text}");
    let name = store::Query {
        goal: match q.claim {
            Claim::Refinement => "proof of refinement".into(),
            Claim::Equivalence => "proof of equivalence".into(),
        },
        target: sha256(text.as_bytes()).to_string(),
        live_in: Vec::new(),
        live_out: Vec::new(),
        preconditions: Vec::new(),
        march: String::new(),
    };
    Question {
        name,
        variables,
        memories,
    }
}

impl Question {
    /// An input by the order in which variables and memories are met; those it does not give are zero.
    fn shown(&self, input: &Assignment) -> Shown {
        let value = |t: &TermId| format!("{:x}", input.variables.get(t).unwrap_or(&0));
        let number = |m: u32| self.memories.iter().position(|x| *x == m);
        let byte = |((m, at), b): (&(u32, u64), &u8)| Some((number(*m)? as u32, *at, *b));
        Shown {
            variables: self.variables.iter().map(value).collect(),
            memory: input.memory.iter().filter_map(byte).collect(),
        }
    }

    fn input(&self, shown: &Shown) -> Option<Assignment> {
        if shown.variables.len() != self.variables.len() {
            return None;
        }
        let mut input = Assignment::default();
        for (t, v) in self.variables.iter().zip(&shown.variables) {
            let v = u128::from_str_radix(v, 16).ok()?;
            input.variables.insert(*t, v);
        }
        for (m, at, b) in &shown.memory {
            let m = self.memories.get(*m as usize)?;
            input.memory.insert((*m, *at), *b);
        }
        Some(input)
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

/// The terms below roots, one a line, operands first, by numbers in the order they are met; and the variables and
/// memories in that order.
fn canonical(pool: &TermPool, roots: &[TermId]) -> (String, Vec<TermId>, Vec<u32>) {
    let mut out = String::new();
    let mut number: HashMap<TermId, usize> = HashMap::new();
    let (mut variables, mut memories) = (Vec::new(), Vec::new());
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
                    variables.push(t);
                    write!(out, "variable {}", variables.len())
                }
                Node::Memory(m) => {
                    memories.push(m);
                    write!(out, "memory {}", memories.len() - 1)
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
    (out, variables, memories)
}

fn budget(limits: &Limits<'_>) -> Spent {
    Spent {
        proposals: 0,
        rlimit: limits.rlimit,
        seconds: limits.time.map_or(0.0, |t| t.as_secs_f64()),
    }
}

/// Looks a question up. With a second solver to check it a proof has to be made, and with nothing that ends it a
/// failure says nothing.
pub(super) fn look(store: &Store, question: &Question, limits: &Limits<'_>) -> Kept {
    if limits.second.is_some() {
        return Kept::Nothing;
    }
    let bounded = limits.time.is_some() || limits.rlimit > 0;
    // Without a solver there was no query.
    let written = |e: &Entry| e.solver.is_empty() || !e.smt.is_empty();
    match store.lookup(&question.name) {
        Ok(Lookup::Proven(e))
            if e.verdict == Verdict::Proven && (limits.dump.is_none() || written(&e)) =>
        {
            Kept::Proven(e.smt)
        }
        Ok(Lookup::Failed(e)) if e.verdict == Verdict::Refuted => {
            let input = e.shown.as_ref().and_then(|s| question.input(s));
            input.map_or(Kept::Nothing, Kept::Refuted)
        }
        Ok(Lookup::Failed(e))
            if bounded && limits.dump.is_none() && e.spent.covers(&budget(limits)) =>
        {
            Kept::Tried
        }
        _ => Kept::Nothing,
    }
}

/// Keeps how a proof ended; what the store says against it.
pub(super) fn keep(
    store: &Store,
    question: Question,
    limits: &Limits<'_>,
    result: &ProofResult,
    time: Duration,
    solvers: &SolverPool,
) -> Option<String> {
    let asked_solver = result.asked() > 0;
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
            program: question.name.target.clone(),
            query: question.name,
            cost: None,
            // The precondition is part of the question.
            verdict: Verdict::Proven,
            precondition: None,
            solver: match asked_solver {
                true => solvers.version().unwrap_or_else(|e| e.to_string()),
                false => String::new(),
            },
            smt: queries(result),
            shown: None,
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
            let why = "out of time or work";
            Entry::failure(question.name, Verdict::Timeout, spent, why)
        }
        // What tests find is found again as quickly.
        VerdictKind::Refuted if asked_solver => Entry {
            shown: result.counterexample.as_ref().map(|c| question.shown(c)),
            ..Entry::failure(
                question.name,
                Verdict::Refuted,
                spent,
                "refuted by an input",
            )
        },
        _ => return None,
    };
    store.put(entry).err().map(|e| e.to_string())
}

/// The queries of a proof, where they were written and are not too long.
fn queries(result: &ProofResult) -> Vec<Smt> {
    let text = |s: &Step| {
        let text = std::fs::read_to_string(s.file.as_ref()?).ok()?;
        Some(Smt::new(&s.goal, text))
    };
    let all: Vec<Smt> = result.steps.iter().filter_map(text).collect();
    let complete = all.len() == result.asked();
    match all.iter().map(|s| s.text.len()).sum::<usize>() {
        n if n <= MOST_TEXT && complete => all,
        _ => Vec::new(),
    }
}

/// Writes the queries of a stored proof where queries are written; the steps that say so.
pub(super) fn written(smt: &[Smt], limits: &Limits<'_>) -> Result<Vec<Step>, SolverError> {
    let Some(dump) = limits.dump else {
        return Ok(Vec::new());
    };
    let one = |s: &Smt| {
        let file = dump.write(&s.goal, &s.text)?;
        Ok(Step {
            file: Some(file),
            ..step(&s.goal, VerdictKind::Proven, "")
        })
    };
    smt.iter().map(one).collect()
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
