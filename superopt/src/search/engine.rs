//! The coordinator: runs the engines side by side on one target; they share the best proven program and the
//! counterexamples, and obey one deadline.
//!
//! Nothing leaves here unproven. In a deterministic run the engines take turns on one thread, with budgets in proposals
//! and solver work.

use super::chain::{Judgement, Params};
use super::target::Target;
use super::tests::{TestBank, TestError};
use super::{check, equal, joint, keys, loc, shortest};
use crate::proof::{Limits, ProofResult};
use crate::report::verdict::VerdictKind;
use crate::run::finds::{Finds, Mark};
use crate::run::progress::Work;
use crate::run::{Deadline, Meter, Progress};
use crate::solver::{Dump, SecondSolver, SolverPool};
use iced_x86::Instruction;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod chains;
mod others;
mod values;

pub use chains::chain_ops;

/// What a search may do.
pub struct Options<'a> {
    /// When to stop.
    pub deadline: Deadline,
    /// Threads.
    pub jobs: usize,
    /// Seed of every random choice.
    pub seed: u64,
    /// Whether the target's own code is kept out of the search.
    pub from_scratch: bool,
    /// The Markov chain, when it takes part.
    pub chain: Option<Params>,
    /// Whether values are enumerated.
    pub enumerate: bool,
    /// All short programs, when they take part; its mnemonics and constants are those of the values too.
    pub shortest: Option<shortest::Options>,
    /// Equality saturation, when it takes part.
    pub egraph: Option<equal::Options>,
    /// QUASAR over random keys, when it takes part.
    pub keys: Option<keys::Options>,
    /// Ends the search when a proven program has not been improved for so long. Not used in deterministic runs.
    pub patience: Option<Duration>,
    /// Per proof, when not deterministic.
    pub proof_timeout: Duration,
    /// Deterministic: the solver's work per proof; no clock is read.
    pub rlimit: Option<u64>,
    /// The solvers.
    pub solvers: &'a SolverPool,
    /// Counters that others may watch.
    pub progress: &'a Progress,
    /// Proven or promising programs of earlier runs to begin with; they are proven again.
    pub resume: Vec<Seed>,
    /// What is kept of the search while it goes on, and of its proofs.
    pub record: Record<'a>,
}

/// A program to begin with.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Where it comes from: `resumed`, `store`.
    pub origin: String,
    /// Its code.
    pub code: Vec<Instruction>,
}

/// What is kept of a search while it goes on, and of its proofs; nothing by default.
#[derive(Clone, Copy, Default)]
pub struct Record<'a> {
    /// Receives proven programs and counterexamples as they come; counterexamples in it are tests from the start.
    pub finds: Option<&'a Finds>,
    /// Where queries are written.
    pub dump: Option<&'a Dump>,
    /// Checks queries again.
    pub second: Option<&'a SecondSolver>,
}

/// A proven program.
#[derive(Clone, Debug)]
pub struct Found {
    /// The code.
    pub code: Vec<Instruction>,
    /// Its cost by the model, in hundredths of a cycle.
    pub cost: u64,
    /// The engine that found it.
    pub engine: String,
    /// Proposals (or evaluations) that engine had made.
    pub iteration: u64,
    /// Time since the search began.
    pub after: Duration,
    /// The proof.
    pub proof: ProofResult,
}

/// The end of a search.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Proven programs, the cheapest first; of equal cost the one found first.
    pub found: Vec<Found>,
    /// Time of the first proven program.
    pub first: Option<Duration>,
    /// Inputs that refuted candidates.
    pub counterexamples: Vec<Vec<u64>>,
    /// Candidates whose proofs were not decided.
    pub undecided: u64,
    /// What the search of all short programs has shown.
    pub claim: Option<shortest::Claim>,
    /// What equality saturation did.
    pub saturation: Option<equal::Telemetry>,
}

/// Why a search did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchError {
    /// No tests.
    Tests(TestError),
}

impl std::fmt::Display for SearchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SearchError::Tests(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for SearchError {}

/// Groups of tests behind the one that searches use all the time.
const GROUPS: usize = 32;
/// Programs kept besides the best.
const KEEP: usize = 8;

/// The quick rounds of the enumeration are not through: patience waits for them.
const QUICK: u8 = 0;
/// Long rounds are going on, which nothing good ended before: patience is [`LONG_PATIENCE`] times as long.
const LONG: u8 = 1;
/// There is no enumeration to wait for.
const DONE: u8 = 2;
/// See [`LONG`].
const LONG_PATIENCE: u32 = 4;

struct Shared {
    outcome: Outcome,
    /// Programs that were judged, by their code; true when proven.
    judged: std::collections::HashMap<Vec<Instruction>, bool>,
    changed: Duration,
}

/// Searches for cheaper code for a target.
///
/// # Errors
/// When no tests can be made for it.
pub fn search(t: &Target, o: &Options<'_>) -> Result<Outcome, SearchError> {
    let mut rng = SmallRng::seed_from_u64(o.seed);
    let bank = TestBank::new(t, GROUPS, &mut rng).map_err(SearchError::Tests)?;
    let shared = Mutex::new(Shared {
        outcome: Outcome::default(),
        judged: std::collections::HashMap::new(),
        changed: Duration::ZERO,
    });
    let run = Run {
        t,
        o,
        bank: &bank,
        shared: &shared,
        done: AtomicBool::new(false),
        enumeration: AtomicU8::new(match enumerates(t, o) || joins(t, o) {
            true => QUICK,
            false => DONE,
        }),
        start: o.deadline.elapsed(),
    };
    if let Some(finds) = o.record.finds {
        lock(&shared).outcome.counterexamples = finds.counterexamples();
    }
    for seed in &o.resume {
        run.judge(&seed.code, &seed.origin, 0);
    }
    let can_enumerate = enumerates(t, o);
    if o.enumerate && t.memory.is_some() {
        run.vectors();
    }
    if o.rlimit.is_some() {
        run.saturate();
        if can_enumerate {
            run.enumerate(1);
        }
        if joins(t, o) {
            run.joint(1);
        }
        if let Some(k) = &o.keys {
            run.random_keys(k, 0);
        }
        if let Some(p) = &o.chain {
            run.chains(p, 0);
        }
    } else {
        std::thread::scope(|s| {
            let jobs = o.jobs.max(1);
            let run = &run;
            let mut workers = jobs;
            // It is through in a moment.
            s.spawn(move || run.saturate());
            if joins(t, o) {
                s.spawn(move || {
                    run.joint(jobs);
                    if let (false, Some(p)) = (can_enumerate, &o.chain) {
                        run.chains(p, 0);
                    }
                });
                workers = workers.saturating_sub(1);
            }
            if can_enumerate {
                s.spawn(move || {
                    run.enumerate(jobs);
                    run.enumeration.store(DONE, Ordering::Relaxed);
                    if let Some(p) = &o.chain {
                        run.chains(p, 0);
                    }
                });
                workers = workers.saturating_sub(1);
            }
            if let Some(k) = &o.keys {
                s.spawn(move || run.random_keys(k, 0));
                workers = workers.saturating_sub(1);
            }
            if let Some(p) = &o.chain {
                // With one core the enumeration goes first and becomes the chain.
                for n in 0..workers.max(usize::from(!can_enumerate && !joins(t, o))) {
                    s.spawn(move || run.chains(p, n as u64 + 1));
                }
            }
        });
    }
    let mut out = lock(&shared).outcome.clone();
    out.found.sort_by_key(|f| f.cost);
    Ok(out)
}

/// Whether values or short programs are enumerated for a target.
fn enumerates(t: &Target, o: &Options<'_>) -> bool {
    o.enumerate && values_fit(t) || o.shortest.is_some() && shortest::fits(t)
}

/// Whether several results are searched for at once.
fn joins(t: &Target, o: &Options<'_>) -> bool {
    o.enumerate && joint::fits(t)
}

/// Whether the enumeration of values handles a target: one general output, general inputs.
fn values_fit(t: &Target) -> bool {
    t.outputs.len() == 1
        && t.outputs[0].at < loc::FLAG0
        && t.inputs.iter().all(|p| p.at < loc::FLAG0)
        && (1..=5).contains(&t.inputs.len())
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it holds is valid whatever a thread that held it did.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Run<'a> {
    t: &'a Target,
    o: &'a Options<'a>,
    bank: &'a TestBank,
    shared: &'a Mutex<Shared>,
    done: AtomicBool,
    /// How far the enumeration is: [`QUICK`], [`LONG`] or [`DONE`].
    enumeration: AtomicU8,
    start: Duration,
}

impl Run<'_> {
    fn over(&self) -> bool {
        if self.done.load(Ordering::Relaxed) || self.o.deadline.over().is_some() {
            return true;
        }
        let enumeration = self.enumeration.load(Ordering::Relaxed);
        if let Some(p) = self.o.patience
            && self.o.rlimit.is_none()
            && enumeration != QUICK
        {
            let p = if enumeration == LONG {
                p * LONG_PATIENCE
            } else {
                p
            };
            let s = lock(self.shared);
            if !s.outcome.found.is_empty()
                && self.o.deadline.elapsed().saturating_sub(s.changed) > p
            {
                drop(s);
                self.done.store(true, Ordering::Relaxed);
                return true;
            }
        }
        false
    }

    /// Proves a program, once; says what it turned out to be.
    fn judge(&self, code: &[Instruction], engine: &str, iteration: u64) -> Judgement {
        let meter = self.o.progress.meter(engine);
        {
            let s = lock(self.shared);
            if let Some(proven) = s.judged.get(code) {
                return if *proven {
                    Judgement::Proven
                } else {
                    Judgement::Undecided
                };
            }
        }
        let limits = Limits {
            dump: self.o.record.dump,
            second: self.o.record.second,
            ..match self.o.rlimit {
                Some(r) => Limits::deterministic(r, self.o.seed),
                None => Limits::within(self.o.deadline.clamp(self.o.proof_timeout)),
            }
        };
        meter.add(Work {
            proofs: 1,
            ..Work::default()
        });
        let Ok(proof) = check::check(self.t, code, &limits, self.o.solvers) else {
            return Judgement::Undecided;
        };
        let after = self.o.deadline.elapsed().saturating_sub(self.start);
        let mut s = lock(self.shared);
        match proof.verdict.kind() {
            VerdictKind::Proven | VerdictKind::ProvenUnderPrecondition => {
                let total = self.t.cost(code);
                meter.add(Work {
                    proven: 1,
                    ..Work::default()
                });
                meter.reached(total as f64 / 100.0, iteration);
                s.judged.insert(code.to_vec(), true);
                s.outcome.first.get_or_insert(after);
                if s.outcome.found.iter().all(|f| total < f.cost) {
                    s.changed = self.o.deadline.elapsed();
                    if let Some(finds) = self.o.record.finds {
                        finds.proven(Mark::new(engine, iteration, total, code));
                    }
                }
                s.outcome.found.push(Found {
                    code: code.to_vec(),
                    cost: total,
                    engine: engine.to_owned(),
                    iteration,
                    after,
                    proof,
                });
                s.outcome.found.sort_by_key(|f| f.cost);
                s.outcome.found.truncate(KEEP);
                Judgement::Proven
            }
            VerdictKind::Refuted => {
                s.judged.insert(code.to_vec(), false);
                if let Some(r) = check::row(self.t, &proof) {
                    if let Some(finds) = self.o.record.finds {
                        finds.refuted(engine, iteration, &r);
                    }
                    s.outcome.counterexamples.push(r);
                }
                Judgement::Refuted
            }
            _ => {
                s.judged.insert(code.to_vec(), false);
                s.outcome.undecided += 1;
                Judgement::Undecided
            }
        }
    }

    /// The cost of the best proven program.
    fn best_cost(&self) -> u64 {
        lock(self.shared)
            .outcome
            .found
            .first()
            .map_or(u64::MAX, |f| f.cost)
    }

    /// Enumeration of values, in rounds of growing budgets: first the operations that the specification names.
    fn enumerate(&self, jobs: usize) {
        if self.o.enumerate && values_fit(self.t) {
            self.enumerate_values(jobs);
        }
        self.shortest();
        self.enumeration.store(DONE, Ordering::Relaxed);
    }

    fn engines(&self) -> u64 {
        1 + u64::from(self.o.keys.is_some())
    }

    fn own_bank(&self) -> TestBank {
        let mut rng = SmallRng::seed_from_u64(self.o.seed);
        // The same tests: they were made once already.
        TestBank::new(self.t, GROUPS, &mut rng)
            .unwrap_or_else(|_| unreachable!("made before with the same seed"))
    }

    fn take_counterexamples(&self, bank: &mut TestBank, seen: &mut usize) -> bool {
        let new: Vec<Vec<u64>> = lock(self.shared).outcome.counterexamples[*seen..].to_vec();
        *seen += new.len();
        for r in &new {
            bank.add(r);
        }
        !new.is_empty()
    }
}
