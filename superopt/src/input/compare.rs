//! Two functions, or a function and a specification, put to the proof; and the report on it.

use super::error::InputError;
use super::liveout::{self, Result as LiveResult};
use super::object::Function;
use super::place::{Place, PlaceSet};
use super::precondition::{ConditionError, parse};
use super::region::LiveOut;
use super::terms::{ProgramTerms, Setup, State};
use super::witness;
use crate::proof::{self, Assignment, Claim, Effects, Limits, Pair, ProofResult, Query};
use crate::report::equivalence::{Claim as ReportClaim, Equivalence};
use crate::report::parts;
use crate::report::verdict::Verdict;
use crate::solver::SolverPool;
use crate::store::sha256::sha256;
use std::path::Path;
use trinity_codegen::isa::cost::{Table, Uarch};
use trinity_codegen::isa::{CmpOp, Domain, TermId};

/// Code or meaning that can be compared.
pub trait Behaviour {
    /// Its name.
    fn name(&self) -> &str;
    /// What it does.
    ///
    /// # Errors
    /// For what is not covered.
    fn terms(&self, setup: &mut Setup) -> Result<ProgramTerms, InputError>;
    /// The machine code, when it is code.
    fn function(&self) -> Option<&Function> {
        None
    }
    /// Its results, when they are known without being told.
    fn results(&self) -> Option<Vec<LiveResult>> {
        None
    }
    /// For reports.
    fn listing(&self) -> parts::Program;
}

impl Behaviour for Function {
    fn name(&self) -> &str {
        &self.name
    }
    fn terms(&self, setup: &mut Setup) -> Result<ProgramTerms, InputError> {
        setup.function(self)
    }
    fn function(&self) -> Option<&Function> {
        Some(self)
    }
    fn listing(&self) -> parts::Program {
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        for (n, i) in self.code.iter().enumerate() {
            bytes.extend(&i.bytes);
            lines.push(parts::Line {
                address: self.offset(n),
                bytes: i.bytes.iter().map(|b| format!("{b:02x}")).collect(),
                text: i.text(),
                source_line: i.line,
            });
        }
        parts::Program {
            name: self.name.clone(),
            origin: Some(self.file.display().to_string()),
            lines,
            sha256: sha256(&bytes).to_string(),
            cost: Some(cost(self, bytes.len() as u32)),
        }
    }
}

/// Cost by the model: of every instruction once, jumps included.
fn cost(f: &Function, bytes: u32) -> parts::Cost {
    let uarch = Uarch::detect().unwrap_or(Uarch::Zen4);
    let table = Table::of(uarch);
    let mut latency = 0.0;
    let mut uops = 0.0;
    for i in &f.code {
        let c = table.cost(&i.instruction);
        latency += f64::from(c.latency);
        uops += f64::from(c.uops);
    }
    let label = if uarch.measured() {
        uarch.name().to_owned()
    } else {
        format!("{} (model only)", uarch.name())
    };
    parts::Cost {
        model: label,
        latency_cycles: latency,
        uops: uops as u32,
        instructions: f.code.len() as u32,
        bytes,
        measured: None,
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is claimed.
    pub claim: Claim,
    /// What matters afterwards; by default rax and the vector result register, whichever is written.
    pub live_out: Option<Vec<LiveResult>>,
    /// Restricts the inputs.
    pub precondition: Option<String>,
    /// Iterations of each loop that are followed.
    pub bound: u32,
    /// `-march=` for the report.
    pub march: String,
    /// The command, for the report.
    pub command: String,
}

/// Why a question could not be put.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum QuestionError {
    /// One of the programs; the flag is true for the right one.
    Program(InputError, bool),
    /// The precondition.
    Condition(ConditionError),
}

/// Puts a question. A program that is not covered gives a report with the verdict `unsupported`.
///
/// # Errors
/// When the precondition is wrong, or a program's file is.
pub fn compare(
    left: &dyn Behaviour,
    right: &dyn Behaviour,
    q: &Question,
    limits: &Limits<'_>,
    solvers: &SolverPool,
) -> Result<Equivalence, QuestionError> {
    let begun = std::time::Instant::now();
    let mut report = Equivalence::new(
        &format!("{} and {}", left.name(), right.name()),
        if q.claim == Claim::Equivalence {
            ReportClaim::Equivalence
        } else {
            ReportClaim::Refinement
        },
        left.listing(),
        right.listing(),
        parts::Interface {
            march: q.march.clone(),
            ..parts::Interface::default()
        },
        Verdict::Vacuous,
    );
    report.provenance.command = q.command.clone();
    report.provenance.seed = limits.seed;
    let mut setup = Setup::new(q.bound);
    let programs =
        [(left, false), (right, true)].map(|(p, is_right)| (p.terms(&mut setup), is_right));
    let [(l, _), (r, _)] = match programs {
        [(Ok(l), a), (Ok(r), b)] => [(l, a), (r, b)],
        [(Err(e), side), _] | [_, (Err(e), side)] => {
            report.verdict = e.verdict().ok_or(QuestionError::Program(e, side))?;
            return Ok(report);
        }
    };
    let results = q
        .live_out
        .clone()
        .or_else(|| left.results())
        .or_else(|| right.results())
        .unwrap_or_else(|| default_results(l.written.or(r.written)));
    let mut precondition = Vec::new();
    let mut mentioned = PlaceSet::EMPTY;
    let state = setup.initial.clone();
    if let Some(text) = &q.precondition {
        let (bit, places) =
            parse(&mut setup.pool, &state, text).map_err(QuestionError::Condition)?;
        precondition.push(bit);
        mentioned = places;
    }
    for p in [&l, &r] {
        if !p.complete {
            precondition.push(p.within);
        }
    }
    let (outputs, places) = outputs(&mut setup, &results, &l, &r);
    let never = l.conditional.or(r.conditional).map(|_| setup.never());
    let effects = |p: &ProgramTerms| Effects {
        faults: p.faults.clone(),
        accesses: p.accesses.iter().cloned().chain(never.clone()).collect(),
        memories: vec![p.exit.heap],
    };
    let mut query = Query {
        claim: q.claim,
        precondition,
        outputs,
        left: effects(&l),
        right: effects(&r),
    };
    let mut outcome = proof::prove(&mut setup.pool, &query, limits, solvers);
    // An address below the first page or in the kernel's half cannot be shown on the processor: look for another input.
    if outcome.verdict == Verdict::Refuted && l.accesses.len() + r.accesses.len() > 0 {
        let bits = usable_addresses(&mut setup, &l, &r);
        query.precondition.extend(bits);
        let again = proof::prove(&mut setup.pool, &query, limits, solvers);
        if again.verdict == Verdict::Refuted {
            outcome = again;
        }
    }
    let cut = !l.complete || !r.complete;
    report.verdict = verdict(&outcome, q, cut);
    fill(&mut report, &setup, &results, &l, &r, mentioned, q);
    report.tests = outcome.tests;
    let shown = |f: &Path| f.display().to_string();
    report.queries = outcome
        .steps
        .iter()
        .map(|s| parts::Query::of_step(s, limits.seed, solvers, &shown))
        .collect();
    if let Some(text) = &q.precondition {
        let witness = outcome
            .witness
            .as_ref()
            .map(|w| witness::bindings(&setup, w, mentioned));
        report.precondition = Some(parts::Precondition {
            text: text.clone(),
            witness,
        });
    }
    if report.verdict == Verdict::Refuted
        && let Some(found) = &outcome.counterexample
    {
        let original = outcome.original.as_ref().filter(|o| *o != found);
        match witness::counterexample(
            &mut setup,
            found,
            original,
            (left, &l),
            (right, &r),
            &query,
            &places,
        ) {
            Ok(c) => report.counterexample = Some(c),
            Err(v) => report.verdict = v,
        }
    }
    if let Verdict::ProvenUnderPrecondition = report.verdict
        && report
            .precondition
            .as_ref()
            .is_some_and(|p| p.witness.is_none())
    {
        report.verdict = Verdict::Error {
            why: "the precondition has no witness".into(),
        };
    }
    report.seconds = Some(begun.elapsed().as_secs_f64());
    Ok(report)
}

/// A proof for the runs inside the bound is `bounded`, and says nothing else.
fn verdict(outcome: &ProofResult, q: &Question, cut: bool) -> Verdict {
    match &outcome.verdict {
        Verdict::Proven | Verdict::ProvenUnderPrecondition if cut => {
            Verdict::Bounded { k: q.bound }
        }
        Verdict::Vacuous if cut => Verdict::Unknown {
            why: format!(
                "no input is known to leave every loop within {} iterations; try a larger --bound",
                q.bound
            ),
        },
        Verdict::Proven if q.precondition.is_some() => Verdict::ProvenUnderPrecondition,
        Verdict::ProvenUnderPrecondition if q.precondition.is_none() => Verdict::Proven,
        v => v.clone(),
    }
}

/// The words of the default results.
pub fn default_live_outs(written: PlaceSet) -> Vec<LiveOut> {
    default_results(written)
        .into_iter()
        .flat_map(|r| r.parts)
        .collect()
}

/// rax and xmm0 (ymm0 when its upper half is written), each when one of the programs writes it.
fn default_results(written: PlaceSet) -> Vec<LiveResult> {
    let mut names = Vec::new();
    if written.contains(Place::Gpr(0)) {
        names.push("rax");
    }
    if written.contains(Place::Vec(0, 3)) {
        names.push("ymm0");
    } else if written.contains(Place::Vec(0, 0)) {
        names.push("xmm0");
    }
    // These names are registers.
    names
        .iter()
        .filter_map(|n| liveout::parse(n).ok())
        .flatten()
        .collect()
}

/// The words that must agree: results, and registers that a function has to preserve where one does not.
fn outputs(
    setup: &mut Setup,
    results: &[LiveResult],
    l: &ProgramTerms,
    r: &ProgramTerms,
) -> (Vec<Pair>, Vec<LiveOut>) {
    let mut parts: Vec<(String, LiveOut)> = Vec::new();
    for x in results {
        for (n, p) in x.parts.iter().enumerate() {
            let name = if x.parts.len() == 1 {
                x.name.clone()
            } else {
                format!("{}[{n}]", x.name)
            };
            parts.push((name, *p));
        }
    }
    for p in PlaceSet::CALLEE_SAVED.iter() {
        let initial = setup.initial.at(p);
        if l.exit.at(p) != initial || r.exit.at(p) != initial {
            parts.push((
                format!("{p} (preserved)"),
                LiveOut {
                    place: p,
                    width: 64,
                },
            ));
        }
    }
    let mut low = |s: &State, p: &LiveOut| {
        let whole = s.at(p.place);
        setup.pool.trunc(&whole, p.width)
    };
    let pairs = parts
        .iter()
        .map(|(n, p)| Pair::new(n, low(&l.exit, p), low(&r.exit, p)))
        .collect();
    (pairs, parts.into_iter().map(|(_, p)| p).collect())
}

/// One-bit terms: every access is at an address that a process can have.
fn usable_addresses(setup: &mut Setup, l: &ProgramTerms, r: &ProgramTerms) -> Vec<TermId> {
    let low = setup.pool.constant(64, 0x1_0000);
    let high = setup.pool.constant(64, 0x7000_0000_0000);
    let never = setup.never().addr;
    let mut bits = Vec::new();
    for a in l.accesses.iter().chain(&r.accesses) {
        let d = &mut setup.pool;
        let below = d.cmp(CmpOp::Ult, &a.addr, &low);
        let above = d.not(&below);
        let user = d.cmp(CmpOp::Ult, &a.addr, &high);
        let user = d.and(&above, &user);
        let none = d.eq(&a.addr, &never);
        bits.push(d.or(&user, &none));
    }
    bits
}

fn fill(
    report: &mut Equivalence,
    setup: &Setup,
    results: &[LiveResult],
    l: &ProgramTerms,
    r: &ProgramTerms,
    mentioned: PlaceSet,
    q: &Question,
) {
    let i = &mut report.interface;
    let inputs = witness::inputs(setup, l, r).or(mentioned);
    i.live_in = inputs.iter().map(|p| p.to_string()).collect();
    i.live_out = results.iter().map(|x| x.name.clone()).collect();
    if l.accesses.len() + r.accesses.len() > 0 {
        i.memory.push(
            "any two pointers may overlap; pointers do not point below the stack pointer".into(),
        );
        i.memory
            .push("both touch the same bytes, or fewer in a refinement".into());
        i.live_out.push("memory".into());
    } else {
        i.memory
            .push("none outside of the functions' own frames".into());
    }
    i.flags
        .push("dead at the return; undefined results are arbitrary".into());
    i.other.push(
        "System V calling convention: callee-saved registers and the stack pointer are preserved"
            .into(),
    );
    i.other.push("the stack pointer is 8 above a multiple of 16 at entry; DF is clear; MXCSR has its default".into());
    if q.live_out.is_none() {
        i.other
            .push("results by default: all of rax and xmm0; --live-out says otherwise".into());
    }
    if !l.complete || !r.complete {
        i.other.push(format!(
            "loops were followed for {} iterations; longer runs were not looked at",
            q.bound
        ));
    }
}

/// An assignment's value of a variable.
pub(super) fn value(a: &Assignment, t: TermId) -> u128 {
    a.variables.get(&t).copied().unwrap_or(0)
}
