//! A search run from its first target to its last: claims proven, the store asked, engines run, results kept.
//!
//! The engines work in a thread of their own; this one saves the state whenever that is due, so that a kill at any moment
//! loses less than five seconds: finished targets are not repeated, and the target at work begins again with its best
//! proven program (which is proven again), its counterexamples and its counters. A deterministic run saves finished
//! targets only, since the middle of a search is not a reproducible place, and does not read the store.

use super::config::{Kind, RunConfig};
use super::finds::{Finds, Mark, Refutation};
use super::goal::{Goal, GoalError, LuaReader, goal};
use super::parse::constant;
use super::session::{Session, SessionError};
use super::{Deadline, End, outcome};
use crate::proof::{self, Limits};
use crate::report::search::{Curve, Ended, EngineWork, Search, Table, Target as TargetReport};
use crate::report::verdict::{Verdict, VerdictKind};
use crate::report::{Document, parts};
use crate::search::chain::Params;
use crate::search::engine::{self, Options, Record, Seed};
use crate::search::{equal, keys, opset, shortest};
use crate::solver::{Dump, SecondSolver, SolverPool};
use crate::store::{Lookup, Spent, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a run saves.
#[derive(Serialize, Deserialize, Default)]
pub struct State {
    done: Vec<Done>,
    current: Option<Current>,
}

/// A finished target.
#[derive(Clone, Serialize, Deserialize)]
struct Done {
    report: TargetReport,
    /// The best program as an assembly file.
    assembly: Option<String>,
    /// The row of the table of claims.
    claim: Option<Vec<String>>,
    /// Further tables about this target.
    tables: Vec<Table>,
}

/// A target at work.
#[derive(Serialize, Deserialize)]
struct Current {
    /// Time spent on it, in seconds.
    used: f64,
    path: Vec<Mark>,
    refutations: Vec<Refutation>,
    engines: Vec<EngineWork>,
    curves: Vec<Curve>,
}

/// What a run works with.
pub struct Tools<'a> {
    /// Solver processes.
    pub solvers: &'a SolverPool,
    /// The store of proven results.
    pub store: Option<&'a Store>,
    /// The line that does the run again, for reports.
    pub command: String,
    /// Reads Lua functions.
    pub lua: LuaReader<'a>,
    /// Tells the user something worth a line.
    pub tell: &'a (dyn Fn(&str) + Sync),
}

/// Why a run failed.
#[derive(Debug)]
pub enum DriveError {
    /// Its files.
    Session(SessionError),
    /// A target.
    Goal(GoalError),
    /// A target's tests.
    Search(String, engine::SearchError),
    /// The folder of queries.
    Solver(crate::solver::SolverError),
    /// The store.
    Store(StoreError),
    /// A kernel does not do what it is said to do: its name.
    Claim(String),
    /// A kind of run that this does not do.
    Kind(Kind),
}

impl DriveError {
    /// Exit code of commands that end in this.
    pub fn exit_code(&self) -> u8 {
        use crate::report::verdict::exit;
        match self {
            DriveError::Session(e) => e.exit_code(),
            DriveError::Goal(e) => e.exit_code(),
            DriveError::Search(..) => VerdictKind::Unsupported.exit_code(),
            DriveError::Solver(_) => VerdictKind::Error.exit_code(),
            DriveError::Store(_) => StoreError::EXIT,
            DriveError::Claim(_) => VerdictKind::Refuted.exit_code(),
            DriveError::Kind(_) => exit::CONFIG,
        }
    }
}

impl std::fmt::Display for DriveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DriveError::Session(e) => e.fmt(f),
            DriveError::Goal(e) => e.fmt(f),
            DriveError::Search(name, e) => write!(f, "{name}: {e}"),
            DriveError::Solver(e) => e.fmt(f),
            DriveError::Store(e) => e.fmt(f),
            DriveError::Claim(name) => {
                write!(f, "{name}: its formula does not meet its specification")
            }
            DriveError::Kind(k) => {
                write!(f, "a run of kind \"{}\" is no search for code", k.name())
            }
        }
    }
}

impl std::error::Error for DriveError {}

impl From<SessionError> for DriveError {
    fn from(e: SessionError) -> DriveError {
        DriveError::Session(e)
    }
}

impl From<StoreError> for DriveError {
    fn from(e: StoreError) -> DriveError {
        DriveError::Store(e)
    }
}

/// The chain's parameters of a configuration.
pub fn chain_params(c: &super::config::Chain) -> Params {
    Params {
        beta: c.beta,
        opcode: c.moves.opcode,
        operand: c.moves.operand,
        swap: c.moves.swap,
        instruction: c.moves.instruction,
        unused: c.moves.unused,
        misplacement: c.weights.misplaced,
        fault: c.weights.fault,
        undefined: c.weights.undefined,
        performance: c.weights.performance,
        slots: c.slots as usize,
        cycle: c.restarts.cycle,
        short_cycles: c.restarts.repeat,
        ..Params::default()
    }
}

/// The search over random keys of a configuration.
pub fn key_options(q: &super::config::Quasar) -> keys::Options {
    keys::Options {
        slots: q.slots as usize,
        population: q.population as usize,
        generations: q.generations,
    }
}

/// The search of all short programs of a configuration.
pub fn short_options(e: &super::config::Enumerate) -> shortest::Options {
    // Both lists were checked when the file was read; what is not known is allowed to nobody.
    let all = opset::mnemonics();
    let known = |n: &String| all.iter().find(|m| m.0 == *n).map(|m| m.1);
    shortest::Options {
        longest: e.max_length,
        mnemonics: e.instructions.iter().filter_map(known).collect(),
        scratch: e.scratch as usize,
        constants: e.constants.iter().filter_map(|c| constant(c)).collect(),
        minimal: e.minimal,
    }
}

/// Runs all targets, from the state that an earlier run of the same configuration saved, and writes the results.
///
/// # Errors
/// See [`DriveError`]. What was found until then is in the saved state.
pub fn drive(
    mut session: Session,
    mut state: State,
    tools: &Tools<'_>,
) -> Result<(Document, Ended), DriveError> {
    let config = session.config.clone();
    if matches!(config.kind, Kind::Rules | Kind::Tune) {
        return Err(DriveError::Kind(config.kind));
    }
    // All targets first: an error in the last one should not show after hours.
    let goals: Result<Vec<Goal>, GoalError> = config
        .targets
        .iter()
        .map(|t| goal(t, config.kind, &config.march, tools.lua))
        .collect();
    let goals = goals.map_err(DriveError::Goal)?;
    session.save(&state)?;
    let mut partial = None;
    while state.done.len() < goals.len() && !ended(&session.deadline, &config) {
        let n = state.done.len();
        let done = one(&mut session, &mut state, n, &goals[n], tools)?;
        if ended(&session.deadline, &config) {
            // Ended in the middle: the target is not done. Its state is kept, and what there is of it is shown.
            partial = Some(done);
            break;
        }
        state.done.push(done);
        state.current = None;
        session.save(&state)?;
    }
    let end = match session.deadline.over() {
        Some(End::Stopped) if state.done.len() < goals.len() => Ended::Interrupted,
        _ if state.done.len() == goals.len() => Ended::Done,
        Some(End::Budget) => Ended::Budget,
        _ => Ended::Deadline,
    };
    state.done.extend(partial);
    let (report, best) = report(&session, &state, &goals, end, tools);
    Ok((session.finish(report, &best)?, end))
}

fn ended(d: &Deadline, config: &RunConfig) -> bool {
    d.stop_requested() || (!config.deterministic && d.over().is_some())
}

/// Works on one target.
fn one(
    session: &mut Session,
    state: &mut State,
    n: usize,
    goal: &Goal,
    tools: &Tools<'_>,
) -> Result<Done, DriveError> {
    let config = session.config.clone();
    let resumed = state.current.take();
    let used = resumed.as_ref().map_or(Duration::ZERO, |c| {
        Duration::try_from_secs_f64(c.used).unwrap_or_default()
    });
    let deadline = target_deadline(session, config.targets.len() - n, used);
    session.progress.begin_again(&goal.name, used);
    let smt = session.dir.smt().join(super::files::file_name(&goal.name));
    if resumed.is_none() {
        clear(&smt);
    }
    let dump = Dump::new(&smt).map_err(DriveError::Solver)?;
    let second = config.solver.second.as_deref().map(SecondSolver::new);
    let mut seeds = Vec::new();
    let finds = match resumed {
        None => Finds::default(),
        Some(c) => {
            for (row, curve) in c.engines.iter().zip(&c.curves) {
                session.progress.meter(&row.engine).restore(row, curve);
            }
            let best = c.path.last().and_then(Mark::code);
            seeds.extend(best.map(|code| Seed {
                origin: "resumed".into(),
                code,
            }));
            // The path is kept; the program at its end becomes usable again when its proof succeeds.
            Finds::with(c.path, c.refutations)
        }
    };
    let claim = goal
        .claim
        .as_ref()
        .map(|_| prove_claim(goal, &config, &deadline, &dump, second.as_ref(), tools));
    if let Some((Verdict::Refuted, _, _)) = &claim {
        return Err(DriveError::Claim(goal.name.clone()));
    }
    let question = goal.question(config.kind);
    let budget = Spent {
        proposals: config.budget.proposals.unwrap_or(0),
        rlimit: 0,
        seconds: deadline.left().map_or(0.0, |d| d.as_secs_f64()),
    };
    let known = match tools.store {
        Some(s) if !config.deterministic => s.lookup(&question)?,
        _ => Lookup::Absent,
    };
    let mut tried = false;
    if let Some(e) = known.entry() {
        // Programs of the store are proven again before they are used, those proven elsewhere too.
        let code = outcome::stored_code(&e);
        tried = e.spent.covers(&budget);
        (tools.tell)(&match (&code, tried) {
            (Some(_), _) => format!("{}: the store has a program; it is proven again", goal.name),
            (None, true) => format!(
                "{}: the store has a failure with at least this budget; not tried again",
                goal.name
            ),
            (None, false) => format!(
                "{}: the store has a failure with a smaller budget",
                goal.name
            ),
        });
        seeds.extend(code.map(|code| Seed {
            origin: "store".into(),
            code,
        }));
    }
    let patience = deadline.left().map(|d| (d / 4).max(Duration::from_secs(1)));
    let options = Options {
        deadline: deadline.clone(),
        jobs: if config.deterministic {
            1
        } else {
            config.threads()
        },
        seed: config.seed,
        from_scratch: config.kind != Kind::Opt,
        chain: config
            .engines
            .chain
            .as_ref()
            .filter(|_| !tried)
            .map(chain_params),
        enumerate: config.engines.enumerate.is_some() && !tried,
        shortest: config
            .engines
            .enumerate
            .as_ref()
            // The store does not keep what was shown to be minimal.
            .filter(|e| !tried || e.minimal)
            .map(short_options),
        egraph: config
            .engines
            .egraph
            .filter(|_| !tried)
            .map(|e| equal::Options {
                nodes: e.nodes as usize,
                rounds: e.iterations as usize,
            }),
        keys: config
            .engines
            .quasar
            .as_ref()
            .filter(|_| !tried)
            .map(key_options),
        patience,
        proof_timeout: config.solver.timeout,
        rlimit: config.deterministic.then_some(config.budget.rlimit),
        solvers: tools.solvers,
        progress: &session.progress.clone(),
        resume: seeds,
        record: Record {
            finds: Some(&finds),
            dump: Some(&dump),
            second: second.as_ref(),
        },
    };
    let start = session.deadline.elapsed();
    let found = with_saves(session, state, &finds, used, || {
        engine::search(&goal.target, &options)
    })?;
    let mut found = found.map_err(|e| DriveError::Search(goal.name.clone(), e))?;
    let timings = match config.measure && !config.deterministic {
        true => outcome::rerank(
            goal,
            &mut found,
            config.engines.chain.map_or(0.2, |c| c.rerank),
            &session.deadline,
        ),
        false => outcome::Timings::default(),
    };
    let seconds = (session.deadline.elapsed().saturating_sub(start) + used).as_secs_f64();
    if ended(&session.deadline, &config) {
        state.current = Some(current(session, &finds, Duration::from_secs_f64(seconds)));
        session.save(state)?;
    }
    let assembly = found
        .found
        .first()
        .map(|f| goal.assembly(&config.name, &f.code));
    let engines: Vec<EngineWork> = session.progress.meters().iter().map(|m| m.row()).collect();
    if let Some(store) = tools.store.filter(|_| !tried || !found.found.is_empty()) {
        let spent = Spent {
            proposals: engines.iter().map(|e| e.proposals).sum(),
            rlimit: found
                .found
                .iter()
                .flat_map(|f| &f.proof.steps)
                .map(|s| s.rlimit)
                .sum(),
            seconds: if config.deterministic { 0.0 } else { seconds },
        };
        store.put(outcome::entry(goal, question, &found, spent, tools.solvers))?;
    }
    let curves = session
        .progress
        .meters()
        .iter()
        .map(|m| m.curve())
        .collect();
    let context = outcome::Context {
        goal,
        config: &config,
        root: session.dir.root(),
        solvers: tools.solvers,
        command: &tools.command,
        seconds,
    };
    let claim_row = claim.as_ref().map(|(v, row, _)| {
        let mut row = row.clone();
        row[2] = v.to_string();
        row
    });
    Ok(Done {
        report: context.target(&found, &timings, &finds, engines, curves),
        assembly,
        claim: claim_row,
        tables: found
            .saturation
            .iter()
            .map(|s| outcome::saturation(&goal.name, s))
            .collect(),
    })
}

/// The end of the work on a target: its own limit, or an equal part of what is left of the run.
fn target_deadline(session: &Session, remaining: usize, used: Duration) -> Deadline {
    let config = &session.config;
    if config.deterministic {
        return session.deadline.for_target(config);
    }
    let share = session
        .deadline
        .left()
        .map(|left| left / remaining.max(1) as u32);
    let time = match (config.deadline_per_target, share) {
        // What one target leaves unused goes to the others.
        (Some(own), _) => Some(own.saturating_sub(used)),
        (None, share) => share,
    };
    session.deadline.part(time, None)
}

/// Removes the queries that an earlier run left for a target.
fn clear(smt: &std::path::Path) {
    for e in std::fs::read_dir(smt).into_iter().flatten().flatten() {
        if e.path().extension().is_some_and(|x| x == "smt2") {
            // One that stays does no harm: files are named by their content.
            let _ = std::fs::remove_file(e.path());
        }
    }
}

/// Proves that what is searched for is what is meant. Returns the verdict, the row of the table, the proof.
fn prove_claim(
    goal: &Goal,
    config: &RunConfig,
    deadline: &Deadline,
    dump: &Dump,
    second: Option<&SecondSolver>,
    tools: &Tools<'_>,
) -> (Verdict, Vec<String>, proof::ProofResult) {
    // It is asked for only where there is a claim.
    let (mut pool, q) = goal.claim.clone().expect("a goal with a claim");
    let limits = Limits {
        dump: Some(dump),
        second,
        ..match config.deterministic {
            true => Limits::deterministic(config.budget.rlimit, config.seed),
            false => Limits::within(deadline.clamp(config.solver.timeout)),
        }
    };
    let r = proof::prove(&mut pool, &q, &limits, tools.solvers);
    let rung = r.steps.last().map_or(String::new(), |s| s.rung.to_string());
    let row = vec![
        goal.name.clone(),
        goal.specification.clone(),
        String::new(),
        rung,
    ];
    (r.verdict.clone(), row, r)
}

/// Runs the engines and saves the state from time to time.
fn with_saves<T: Send>(
    session: &mut Session,
    state: &mut State,
    finds: &Finds,
    used: Duration,
    work: impl FnOnce() -> T + Send,
) -> Result<T, SessionError> {
    let start = session.deadline.elapsed();
    std::thread::scope(|s| {
        let worker = s.spawn(work);
        let mut failed = None;
        while !worker.is_finished() {
            std::thread::park_timeout(Duration::from_millis(5));
            if session.config.deterministic || failed.is_some() || !session.save_due() {
                continue;
            }
            let so_far = used + session.deadline.elapsed().saturating_sub(start);
            state.current = Some(current(session, finds, so_far));
            if let Err(e) = session.save(state) {
                session.deadline.stop();
                failed = Some(e);
            }
        }
        let done = worker
            .join()
            .unwrap_or_else(|p| std::panic::resume_unwind(p));
        failed.map_or(Ok(done), Err)
    })
}

fn current(session: &Session, finds: &Finds, used: Duration) -> Current {
    let meters = session.progress.meters();
    Current {
        used: used.as_secs_f64(),
        path: finds.path(),
        refutations: finds.refutations(),
        engines: meters.iter().map(|m| m.row()).collect(),
        curves: meters.iter().map(|m| m.curve()).collect(),
    }
}

/// The report, and the best programs as assembly files.
fn report(
    session: &Session,
    state: &State,
    goals: &[Goal],
    ended: Ended,
    tools: &Tools<'_>,
) -> (Search, Vec<(String, String)>) {
    let config = &session.config;
    let mut claims = Vec::new();
    let mut best = Vec::new();
    for (d, g) in state.done.iter().zip(goals) {
        claims.extend(d.claim.clone());
        best.extend(d.assembly.clone().map(|a| (g.name.clone(), a)));
    }
    let mut tables = Vec::new();
    if !claims.is_empty() {
        tables.push(Table {
            title: "Kernels against their specifications".into(),
            columns: ["kernel", "specification", "verdict", "by"]
                .map(String::from)
                .into(),
            rows: claims,
            note: "A kernel counts only when its formula is proven to meet its specification."
                .into(),
        });
    }
    tables.extend(state.done.iter().flat_map(|d| d.tables.clone()));
    let mut shown = config.clone();
    if config.deterministic {
        // Where results go is no part of a reproducible result.
        (shown.out, shown.store) = ("out".into(), None);
    }
    let report = Search {
        name: config.name.clone(),
        kind: config.kind.name().into(),
        config: shown.to_toml(),
        march: config.march.clone(),
        jobs: if config.deterministic {
            1
        } else {
            config.threads() as u32
        },
        deterministic: config.deterministic,
        ended,
        resumed: session.resumed,
        targets: state.done.iter().map(|d| d.report.clone()).collect(),
        rules: Vec::new(),
        tables,
        provenance: parts::Provenance {
            seed: config.seed,
            tool: crate::report::tool_version(),
            command: tools.command.clone(),
            ..parts::Provenance::default()
        },
        trusted: parts::ALWAYS_TRUSTED
            .iter()
            .map(|t| t.to_string())
            .collect(),
        seconds: Some(session.deadline.elapsed().as_secs_f64()),
    };
    (report, best)
}
