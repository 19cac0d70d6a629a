//! The coordinator: runs the engines side by side on one target; they share the best proven program and the
//! counterexamples, and obey one deadline.
//!
//! Nothing leaves here unproven. In a deterministic run the engines take turns on one thread, with budgets in proposals
//! and solver work.

use super::chain::{Chain, Judge, Judgement, Params, Phase};
use super::opset::{OpSet, Request, default_immediates};
use super::program::{Evaluator, Liveness, Program};
use super::target::Target;
use super::tests::{TestBank, TestError};
use super::values::{self, Enumeration, MacroSet};
use super::{check, cost, equal, joint, keys, loc, memory, shortest};
use crate::proof::{Limits, ProofResult};
use crate::report::verdict::VerdictKind;
use crate::run::finds::{Finds, Mark};
use crate::run::progress::Work;
use crate::run::{Deadline, Meter, Progress};
use crate::solver::{Dump, SecondSolver, SolverPool};
use iced_x86::Instruction;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod others;

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
/// Proposals between looks at what others found.
const BATCH: u64 = 512;
/// Rounds of the enumeration of values that come before all short programs.
const QUICK_ROUNDS: usize = 3;
/// Programs kept besides the best.
const KEEP: usize = 8;

struct Shared {
    outcome: Outcome,
    /// Programs that were judged, by their code; true when proven.
    judged: std::collections::HashMap<Vec<Instruction>, bool>,
    changed: Duration,
}

/// The instructions a chain on the target uses.
pub fn chain_ops(t: &Target) -> OpSet {
    let narrow = t.operation_width() == 32;
    let vector = t
        .inputs
        .iter()
        .chain(&t.outputs)
        .any(|p| (loc::VEC0..loc::CELL0).contains(&p.at));
    let baseline64 = t
        .baseline
        .iter()
        .flatten()
        .any(|i| i.op0_register().size() == 8);
    let mut widths = if narrow && !baseline64 {
        vec![32]
    } else {
        vec![64, 32]
    };
    if vector {
        widths.push(128);
    }
    let mut immediates = default_immediates(if widths[0] == 32 { 32 } else { 64 });
    immediates.extend(t.constants());
    immediates.extend(t.shift_counts());
    for i in t.baseline.iter().flatten() {
        for op in 0..i.op_count() {
            if let Ok(v) = i.try_immediate(op) {
                immediates.push(v as i64);
                immediates.push(i64::from(v as i32));
            }
        }
        if i.memory_base() != iced_x86::Register::None
            || i.memory_index() != iced_x86::Register::None
        {
            immediates.push(i.memory_displacement64() as i64);
        }
    }
    immediates.sort_unstable();
    immediates.dedup();
    let mut ops = OpSet::new(&Request {
        march: t.march,
        widths,
        immediates,
        fixed: true,
        only: Vec::new(),
    });
    if let Some(m) = &t.memory {
        ops.add_memory(&m.cells, memory::forms::forms(t, &m.cells));
    }
    ops
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
        enumerating: AtomicBool::new(enumerates(t, o) || joins(t, o)),
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
                    run.enumerating.store(false, Ordering::Relaxed);
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
    /// The quick rounds of the enumeration are not through: patience waits for them.
    enumerating: AtomicBool,
    start: Duration,
}

impl Run<'_> {
    fn over(&self) -> bool {
        if self.done.load(Ordering::Relaxed) || self.o.deadline.over().is_some() {
            return true;
        }
        if let Some(p) = self.o.patience
            && self.o.rlimit.is_none()
            && !self.enumerating.load(Ordering::Relaxed)
        {
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
        self.enumerating.store(false, Ordering::Relaxed);
    }

    fn enumerate_values(&self, jobs: usize) {
        let (allowed, constants) = self.o.shortest.as_ref().map_or((&[][..], &[][..]), |o| {
            (o.mnemonics.as_slice(), o.constants.as_slice())
        });
        let mut ops = values::value_ops(self.t, constants);
        if !allowed.is_empty() {
            ops.retain(|i| allowed.contains(&i.mnemonic()));
        }
        let all = MacroSet::new(&ops);
        let related = all.related(&ops, self.t);
        let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(jobs).build() else {
            return;
        };
        let meter = self.o.progress.meter("enumeration");
        let width = self.t.outputs[0].width;
        let mut spent = 0;
        // Deterministic: at most half of the proposals.
        let most = match self.o.rlimit {
            Some(_) => self.o.deadline.budget_left().map_or(u64::MAX, |b| b / 2),
            None => u64::MAX,
        };
        for (round, (macros, budget)) in [
            (&all, 1_000_000u64),
            (&related, 2_000_000),
            (&all, 20_000_000),
            (&related, 100_000_000),
            (&all, 4_000_000_000),
        ]
        .into_iter()
        .enumerate()
        {
            if round == QUICK_ROUNDS {
                self.shortest();
                self.enumerating.store(false, Ordering::Relaxed);
            }
            let budget = budget.min(most.saturating_sub(spent));
            if self.over() || macros.macros.len() < 2 || budget == 0 {
                continue;
            }
            meter.doing("values");
            let progress = values::Progress::default();
            let limits = values::Limits {
                evaluations: budget,
                ..values::Limits::default()
            };
            let found = std::thread::scope(|s| {
                let p = &progress;
                let watch = s.spawn(|| self.watch(p, &meter));
                let found = pool.install(|| {
                    Enumeration::new(macros, self.bank, 0, width, limits, p).run(self.bank)
                });
                p.stop.store(true, Ordering::Relaxed);
                let _ = watch.join();
                found
            });
            spent += progress.evaluations.load(Ordering::Relaxed);
            let proven = self.lowered(&ops, macros, &found, spent);
            if proven > 0 && budget >= 20_000_000 {
                break;
            }
        }
    }

    /// Enumeration of vectors for targets that write rows of memory.
    fn vectors(&self) {
        let meter = self.o.progress.meter("vectors");
        meter.doing("vectors");
        let mut told = 0;
        let mut go_on = |n: u64| {
            meter.add(Work {
                proposals: n - told,
                live: n - told,
                tests: (n - told) * super::lanes::LANES as u64,
                ..Work::default()
            });
            told = n;
            let over = self.o.deadline.stop_requested()
                || match self.o.rlimit {
                    Some(_) => self.o.deadline.budget_left().is_some_and(|b| n > b / 2),
                    None => self.over(),
                };
            !over
        };
        memory::vectors::search(self.t, self.bank, &mut go_on, &mut |code, n| {
            self.judge(code, "vectors", n) == Judgement::Proven
        });
    }

    /// Passes counts on and stops the enumeration when the run is over.
    fn watch(&self, p: &values::Progress, meter: &Meter) {
        let mut told = 0;
        while !p.stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(if told == 0 { 2 } else { 20 }));
            let n = p.evaluations.load(Ordering::Relaxed);
            let more = n - told;
            told = n;
            meter.add(Work {
                proposals: more,
                live: more,
                tests: more * super::lanes::LANES as u64,
                ..Work::default()
            });
            if (self.o.rlimit.is_none() && self.over()) || self.o.deadline.stop_requested() {
                p.stop.store(true, Ordering::Relaxed);
            }
        }
        let more = p.evaluations.load(Ordering::Relaxed) - told;
        meter.add(Work {
            proposals: more,
            live: more,
            tests: more * super::lanes::LANES as u64,
            ..Work::default()
        });
    }

    /// Lowers, tests and judges expressions, cheapest first; the number proven.
    fn lowered(
        &self,
        ops: &OpSet,
        macros: &MacroSet,
        found: &[values::Expr],
        evaluations: u64,
    ) -> usize {
        let mut programs: Vec<(u64, Vec<Instruction>)> = Vec::new();
        let mut e = Evaluator::new(self.t);
        let homes = [values::Home::Early, values::Home::Late];
        for (x, home) in found.iter().flat_map(|x| homes.map(|h| (x, h))) {
            let Some(p) = values::lower(home, self.t, ops, macros, x, 0) else {
                continue;
            };
            let p = p.live(ops, self.t.output_set());
            let l = Liveness::of(&p, ops, self.t.output_set());
            e.load(&p, ops, &l);
            let right = self.bank.groups.iter().all(|g| {
                e.run(g, l.entry);
                e.wrong_bits(self.t, g) == 0
            });
            if right && !l.undefined && l.entry & !self.t.input_set() == 0 {
                let code = p.instructions(ops);
                programs.push((cost::code(&code), code));
            }
        }
        programs.sort_by_key(|p| p.0);
        programs.dedup_by(|a, b| a.1 == b.1);
        let mut proven = 0;
        for (c, code) in programs {
            if proven >= 3
                || c > self.best_cost().saturating_add(110)
                || self.o.deadline.over().is_some()
            {
                break;
            }
            if self.judge(&code, "enumeration", evaluations) == Judgement::Proven {
                proven += 1;
            }
        }
        proven
    }

    /// QUASAR over random keys, until the end.
    fn random_keys(&self, k: &keys::Options, worker: u64) {
        let ops = chain_ops(self.t);
        let meter = self.o.progress.meter("quasar");
        let deadline = self.o.deadline.share(worker, self.engines());
        let mut bank = self.own_bank();
        let mut seen = 0;
        let mut round = 0;
        while !self.over() && deadline.over().is_none() {
            self.take_counterexamples(&mut bank, &mut seen);
            let mut count = 0;
            keys::round(
                self.t,
                &ops,
                &bank,
                k,
                self.o.seed ^ (round << 32) ^ 0x5eed,
                &mut |evaluated, p| {
                    count += evaluated;
                    let live = evaluated;
                    meter.add(Work {
                        proposals: evaluated,
                        live,
                        tests: evaluated * super::lanes::LANES as u64,
                        ..Work::default()
                    });
                    if let Some(p) = p {
                        self.judge(&p.instructions(&ops), "quasar", count);
                    }
                    deadline.spend(evaluated).is_none() && !self.over()
                },
            );
            round += 1;
        }
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

    /// One chain until the end: from the best program there is, or from nothing.
    fn chains(&self, params: &Params, worker: u64) {
        let mut ops = chain_ops(self.t);
        if worker % 2 == 1 {
            // Every other chain uses the operations that the specification names: fewer choices, quicker to find.
            let names = values::related_mnemonics(self.t);
            ops.retain(|i| names.contains(&i.mnemonic()));
        }
        let meter = self.o.progress.meter("chain");
        let deadline = self
            .o
            .deadline
            .share(worker.min(self.engines() - 1), self.engines());
        let mut bank = self.own_bank();
        let mut seen = 0;
        let out = self.t.output_set();
        let own = match (&self.t.baseline, self.o.from_scratch) {
            (Some(code), false) => {
                Program::from_instructions(&ops, code, 0).map(|p| p.live(&ops, out))
            }
            _ => None,
        };
        let mut params = params.clone();
        if let Some(p) = &own {
            params.slots = params.slots.max(p.slots.len() + 2);
        }
        let (phase, start) = match own {
            Some(p) => (Phase::Optimisation, p),
            None => (Phase::Synthesis, Program::empty(0)),
        };
        let seed = self.o.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ worker;
        let mut chain = Chain::new(self.t, &ops, params.clone(), phase, &start, seed);
        let mut best = u64::MAX;
        let mut told = chain.counts;
        while !self.over() && deadline.over().is_none() {
            if self.take_counterexamples(&mut bank, &mut seen) {
                chain.tests_changed();
            }
            let shared_best = lock(self.shared)
                .outcome
                .found
                .first()
                .map(|f| (f.cost, f.code.clone()));
            if let Some((c, code)) = shared_best
                && c < best
            {
                best = c;
                if let Some(p) = Program::from_instructions(&ops, &code, 0) {
                    if p.slots.len() + 1 > params.slots {
                        params.slots = p.slots.len() + 2;
                    }
                    chain = Chain::new(
                        self.t,
                        &ops,
                        params.clone(),
                        Phase::Optimisation,
                        &p,
                        seed ^ c,
                    );
                    told = chain.counts;
                }
            }
            let mut judge = SharedJudge {
                run: self,
                ops: &ops,
                iteration: meter.work().proposals,
                seen: &mut seen,
            };
            chain.run(BATCH, &mut bank, &mut judge);
            let c = chain.counts;
            meter.add(Work {
                proposals: c.proposals - told.proposals,
                live: c.live - told.live,
                tests: c.tests - told.tests,
                restarts: c.restarts - told.restarts,
                ..Work::default()
            });
            deadline.spend(c.proposals - told.proposals);
            if self.o.rlimit.is_none() {
                self.o.deadline.spend(c.proposals - told.proposals);
            }
            told = c;
        }
    }
}

struct SharedJudge<'a> {
    run: &'a Run<'a>,
    ops: &'a OpSet,
    iteration: u64,
    seen: &'a mut usize,
}

impl Judge for SharedJudge<'_> {
    fn judge(&mut self, live: &Program, cost: u64, bank: &mut TestBank) -> Judgement {
        if cost >= self.run.best_cost() {
            return Judgement::Undecided;
        }
        let j = self
            .run
            .judge(&live.instructions(self.ops), "chain", self.iteration);
        if j == Judgement::Refuted {
            self.run.take_counterexamples(bank, self.seen);
        }
        j
    }
}
