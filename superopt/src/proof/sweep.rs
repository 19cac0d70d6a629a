//! SAT sweeping: equal internal points are found by simulation, proven bottom up, and merged.
//!
//! Each cut point is a small question because everything below it was merged already; the outputs then often are one
//! term. Candidates must agree on every input of the tests that meets the assumption, and are proven under it.

use super::integer::IntegerForms;
use super::ladder::Prover;
use super::rebuild::{Rewriter, remake};
use super::simulate::{Assignment, Block, LANES, Tape};
use super::{Rung, Step};
use crate::report::verdict::VerdictKind;
use crate::smt::{LOGIC, SessionPrinter};
use crate::solver::{Answer, Budget, Outcome, SolverError};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use trinity_codegen::isa::{Domain, Node, TermId};

/// Z3 work for one cut point.
const CUT_WORK: u32 = 400_000;
/// Time for one cut point, where clocks count.
const CUT_TIME: Duration = Duration::from_millis(400);
/// Questions in one sweep.
const MAX_QUESTIONS: u32 = 400;
/// Counterexamples that refine the classes.
const MAX_REFINEMENTS: u32 = 60;
/// Inputs that must meet the assumption for classes to mean something.
const MIN_LANES: u32 = 16;
/// Fuel of the integer forms in one sweep.
const FORM_FUEL: u64 = 400_000;

/// Merges below `roots` (expanded words) under `assume` (expanded bits, of which `roots` need nothing). The result maps
/// each root.
///
/// # Errors
/// When the solver fails.
pub(super) fn sweep(
    p: &mut Prover<'_, '_>,
    goal: &str,
    assume: &[TermId],
    roots: &[TermId],
    blocks: &[Block],
) -> Result<Vec<TermId>, SolverError> {
    let start = Instant::now();
    let all: Vec<TermId> = roots.iter().chain(assume).copied().collect();
    let tape = Tape::new(p.pool, &all, &[]);
    let mut classes = Classes::new(p, &tape, assume, blocks);
    if classes.lanes < MIN_LANES {
        return Ok(roots.to_vec());
    }
    let mut work = Work::default();
    let mut forms = IntegerForms::new(FORM_FUEL);
    let mut rewriter = Rewriter::default();
    let mut printer = SessionPrinter::new();
    let mut session = p.solvers.session(LOGIC)?;
    for t in assume {
        let text = printer.define(p.pool, &[*t]).map_err(Prover::unprintable)?;
        session.assert(&format!("{text}(assert {})\n", printer.name(p.pool, *t)));
    }
    for at in 0..tape.order().len() {
        let t = tape.order()[at];
        let made = remake(p.pool, t, &|o| rewriter.get(o));
        rewriter.set(t, made);
        if matches!(p.pool.node(made), Node::Const(_)) {
            continue;
        }
        if matches!(p.pool.node(made), Node::Var(_)) {
            classes.add(p, at, made);
            continue;
        }
        let width = p.pool.term_width(made);
        let Some(candidate) = classes.candidate(p, at, width) else {
            classes.add(p, at, made);
            continue;
        };
        if candidate == made {
            continue;
        }
        if forms.equal(p.pool, made, candidate) {
            rewriter.set(t, candidate);
            work.merged += 1;
            continue;
        }
        if work.questions >= MAX_QUESTIONS || p.stopped() {
            break;
        }
        work.questions += 1;
        let text = printer
            .define(p.pool, &[made, candidate])
            .map_err(Prover::unprintable)?;
        session.assert(&text);
        session.push();
        let (x, y) = (printer.name(p.pool, made), printer.name(p.pool, candidate));
        session.assert(&format!("(assert (not (= {x} {y})))\n"));
        let leaves: Vec<TermId> = tape
            .order()
            .iter()
            .copied()
            .filter(|t| matches!(p.pool.node(*t), Node::Var(_)))
            .collect();
        // Only what was declared in this session has a value.
        let declared = printer.declared(&leaves);
        let names: Vec<String> = declared.iter().map(|t| printer.name(p.pool, *t)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let budget = p.cap(Budget {
            rlimit: CUT_WORK,
            time: Some(CUT_TIME),
        });
        let answer = session.check(&budget, &names, &p.limits.cancel)?;
        work.spend(p, &answer);
        match &answer.outcome {
            Outcome::Unsat => {
                work.merged += 1;
                rewriter.set(t, candidate);
            }
            Outcome::Sat(values) => {
                classes.add(p, at, made);
                if work.refinements < MAX_REFINEMENTS {
                    work.refinements += 1;
                    let variables = declared
                        .iter()
                        .zip(values)
                        .map(|(t, (_, v))| (*t, *v))
                        .collect();
                    let model = Assignment {
                        variables,
                        memory: Default::default(),
                    };
                    let block = neighbours(p, &model, &leaves);
                    classes.refine(p, &tape, assume, &block);
                }
            }
            Outcome::Unknown(_) => classes.add(p, at, made),
        }
        if !session.is_alive() {
            // Killed at its deadline: what is merged stays merged.
            break;
        }
        session.pop();
    }
    // What was not reached is rebuilt over what was merged.
    rewriter.run(p.pool, roots, &mut |_, _, t| t);
    p.steps.push(Step {
        goal: format!(
            "{goal}: {} of {} cut points merged",
            work.merged,
            tape.order().len()
        ),
        rung: Rung::CutPoints,
        verdict: VerdictKind::Unknown,
        why: format!("{} questions", work.questions),
        rlimit: work.rlimit,
        memory: work.memory,
        time: start.elapsed(),
        text_hash: String::new(),
        file: None,
        second: None,
    });
    Ok(roots.iter().map(|r| rewriter.get(*r)).collect())
}

#[derive(Default)]
struct Work {
    questions: u32,
    refinements: u32,
    merged: u32,
    rlimit: u64,
    memory: u64,
}

impl Work {
    fn spend(&mut self, p: &mut Prover<'_, '_>, answer: &Answer) {
        self.rlimit += answer.rlimit;
        self.memory = self.memory.max(answer.memory);
        p.spend(answer.rlimit);
    }
}

/// A model and inputs one bit away from it.
fn neighbours(p: &mut Prover<'_, '_>, model: &Assignment, leaves: &[TermId]) -> Block {
    let mut inputs = vec![model.clone()];
    while inputs.len() < LANES {
        let mut near = model.clone();
        let leaf = leaves[p.rng.draw() as usize % leaves.len()];
        let bit = p.rng.draw() as u32 % p.pool.term_width(leaf);
        *near.variables.entry(leaf).or_insert(0) ^= 1 << bit;
        inputs.push(near);
    }
    Block::of(&inputs)
}

/// Terms grouped by their values on all tests.
struct Classes {
    /// By place on the tape.
    signatures: Vec<u64>,
    /// The common value of a term on all lanes so far, if there is one.
    constants: Vec<Option<u128>>,
    lanes: u32,
    /// Representatives: place on the tape, term.
    members: Vec<(usize, TermId)>,
    index: HashMap<(u64, u32), TermId>,
}

impl Classes {
    fn new(p: &Prover<'_, '_>, tape: &Tape, assume: &[TermId], blocks: &[Block]) -> Classes {
        let n = tape.order().len();
        let mut c = Classes {
            signatures: vec![0; n],
            constants: vec![None; n],
            lanes: 0,
            members: Vec::new(),
            index: HashMap::new(),
        };
        for b in blocks {
            c.look(p, tape, assume, b);
        }
        c
    }

    /// Takes a block into the signatures.
    fn look(&mut self, p: &Prover<'_, '_>, tape: &Tape, assume: &[TermId], block: &Block) {
        let values = tape.run(p.pool, block);
        let holds = |lane: usize| assume.iter().all(|t| tape.values(&values, *t)[lane] == 1);
        let lanes: Vec<usize> = (0..LANES).filter(|i| holds(*i)).collect();
        if lanes.is_empty() {
            return;
        }
        for (at, t) in tape.order().iter().enumerate() {
            let words = tape.values(&values, *t);
            let first = if self.lanes == 0 {
                Some(words[lanes[0]])
            } else {
                self.constants[at]
            };
            let mut h = self.signatures[at];
            let mut constant = first;
            for i in &lanes {
                let v = words[*i];
                if constant != Some(v) {
                    constant = None;
                }
                h = (h ^ v as u64)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .rotate_left(29);
                h = (h ^ (v >> 64) as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
            }
            self.signatures[at] = h;
            self.constants[at] = constant;
        }
        self.lanes += lanes.len() as u32;
    }

    fn refine(&mut self, p: &Prover<'_, '_>, tape: &Tape, assume: &[TermId], block: &Block) {
        self.look(p, tape, assume, block);
        self.index.clear();
        for (at, t) in &self.members {
            self.index
                .entry((self.signatures[*at], p.pool.term_width(*t)))
                .or_insert(*t);
        }
    }

    /// What the term at a place may be equal to.
    fn candidate(&self, p: &mut Prover<'_, '_>, at: usize, width: u32) -> Option<TermId> {
        if let Some(k) = self.constants[at] {
            return Some(p.pool.constant(width, k));
        }
        self.index.get(&(self.signatures[at], width)).copied()
    }

    fn add(&mut self, p: &Prover<'_, '_>, at: usize, t: TermId) {
        self.members.push((at, t));
        self.index
            .entry((self.signatures[at], p.pool.term_width(t)))
            .or_insert(t);
    }
}
