//! `trinityc rules mine CONFIG`: a run over rules that lasts: the files proven, more rules mined, the state saved.

use super::search::config_of_kind;
use super::{Failed, INTERNAL, USAGE, print};
use clap::ArgMatches;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use trinity_superopt::egraph::mine::mine_from;
use trinity_superopt::egraph::rule::RuleSet;
use trinity_superopt::egraph::verify;
use trinity_superopt::report::parts::{ALWAYS_TRUSTED, Provenance};
use trinity_superopt::report::search::{Ended, Search};
use trinity_superopt::report::tool_version;
use trinity_superopt::report::verdict::{VerdictKind, exit};
use trinity_superopt::run::config::{Kind, RunConfig};
use trinity_superopt::run::display::{Display, Style};
use trinity_superopt::run::mining::{self, State};
use trinity_superopt::run::progress::Work;
use trinity_superopt::run::{End, Known, Session, SessionError, stop};
use trinity_superopt::solver::{PoolConfig, SolverPool};

fn failed(e: SessionError) -> Failed {
    Failed::new(e.exit_code(), e.to_string())
}

fn begin(m: &ArgMatches) -> Result<(Session, State), Failed> {
    let known = Known::default();
    let change = |c: &mut RunConfig| {
        let seconds = m.get_one::<u64>("deadline").copied();
        c.deadline = seconds.map(Duration::from_secs).or(c.deadline);
    };
    if let Some(dir) = m.get_one::<PathBuf>("resume") {
        let (session, state) =
            Session::resume_with::<State>(dir, &known, &change).map_err(failed)?;
        if session.deadline.over().is_some() {
            return Err(Failed::new(
                exit::RESUME,
                "cannot resume: the run has used up its deadline; give a longer one with --deadline"
                    .to_owned(),
            ));
        }
        return Ok((session, state));
    }
    let mut config = config_of_kind(m, &known, Kind::Rules)?;
    change(&mut config);
    Ok((Session::start(config).map_err(failed)?, State::default()))
}

/// Runs a configuration of kind `rules`, or continues one.
pub fn run(m: &ArgMatches, args: &[OsString]) -> Result<u8, Failed> {
    let (mut session, mut state) = begin(m)?;
    stop::install()
        .map_err(|e| Failed::new(INTERNAL, format!("signals: {}", crate::exit::reason(&e))))?;
    let config = session.config.clone();
    // It was read as a run of this kind.
    let Some(rules) = config.rules.clone() else {
        return Err(Failed::new(exit::CONFIG, "no [rules]".to_owned()));
    };
    let bad = |e: String| Failed::new(USAGE, e);
    let files = mining::files(&rules.files).map_err(|e| bad(e.to_string()))?;
    let set = mining::load(&files).map_err(|e| bad(e.to_string()))?;
    let mut pool = PoolConfig::located().map_err(|e| Failed::new(INTERNAL, e.to_string()))?;
    pool.memory = u64::from(config.solver.memory_mb) << 20;
    let solvers = SolverPool::new(pool);
    let style = match m.get_flag("quiet") {
        true => Style::Quiet,
        false => Style::Auto,
    };
    let display = Display::start(&session.progress, style);
    let over = session.deadline.clone();
    verify_files(&mut session, &mut state, &set, &rules.widths, &solvers)?;
    let mut out = state.verified.clone();
    let refuted = out.iter().any(|r| r.verdict == VerdictKind::Refuted);
    let mut tables = Vec::new();
    let mut stopped = state.checked < set.rules.len();
    if let Some(mine) = rules.mine.as_ref().filter(|_| !stopped) {
        let what = mining::mining(&config, mine);
        let meter = session.progress.meter("mining");
        let from = state.mining.clone();
        let mut unsaved = None;
        let mut told = from.done;
        let mined = {
            let (meter, spend) = (&meter, over.clone());
            mine_from(
                &what,
                &solvers,
                from,
                &mut |p| {
                    meter.doing(&format!(
                        "{} {}/{}, {} rules",
                        p.phase, p.done, p.total, p.rules
                    ));
                    if p.phase == "candidates" && p.done > told {
                        let n = (p.done - told) as u64;
                        told = p.done;
                        meter.add(Work {
                            proposals: n,
                            live: n,
                            ..Work::default()
                        });
                        spend.spend(n);
                    }
                },
                &|| over.over().is_some(),
                &mut |place| {
                    state.mining = place.clone();
                    if session.save_due() {
                        unsaved = session.save(&state).err().or(unsaved.take());
                    }
                },
            )
        };
        if let Some(e) = unsaved {
            return Err(failed(e));
        }
        let mined = mined.map_err(|e| bad(e.to_string()))?;
        session.save(&state).map_err(failed)?;
        stopped = mined.stopped || over.over().is_some();
        let written = match set.rules.is_empty() {
            true => RuleSet::shipped(),
            false => set,
        };
        let compared = mining::compare(&mined, &written, &what.ops);
        tables.push(mining::table(&mined, &compared, &written));
        out.extend(mining::mined(&mined));
        let path = &mine.output;
        if let Some(folder) = path.parent() {
            // If it cannot be made, writing tells.
            let _ = std::fs::create_dir_all(folder);
        }
        std::fs::write(path, &mined.text).map_err(|e| {
            let what = format!("{}: {}", path.display(), crate::exit::reason(&e));
            Failed::new(exit::OUTPUT, what)
        })?;
    }
    drop(display);
    let ended = match over.over() {
        _ if !stopped => Ended::Done,
        Some(End::Stopped) => Ended::Interrupted,
        Some(End::Budget) => Ended::Budget,
        _ => Ended::Deadline,
    };
    let dir = session.dir.root().to_path_buf();
    let report = Search {
        name: config.name.clone(),
        kind: config.kind.name().into(),
        config: config.to_toml(),
        march: config.march.clone(),
        jobs: config.threads() as u32,
        deterministic: config.deterministic,
        ended,
        resumed: session.resumed,
        targets: Vec::new(),
        rules: out,
        tables,
        provenance: Provenance {
            engine: "e-graph".into(),
            seed: config.seed,
            tool: tool_version(),
            command: super::equiv::command_line(args),
            ..Provenance::default()
        },
        trusted: ALWAYS_TRUSTED.iter().map(|t| t.to_string()).collect(),
        seconds: Some(session.deadline.elapsed().as_secs_f64()),
    };
    let document = session.finish(report, &[]).map_err(failed)?;
    print(&document.to_text())?;
    let resume = format!("trinityc rules mine --resume {}", dir.display());
    match ended {
        Ended::Interrupted => Err(Failed::new(
            exit::INTERRUPTED,
            format!("stopped; the state is saved. To continue: {resume}"),
        )),
        Ended::Deadline => {
            eprintln!(
                "trinityc: the deadline came first; the state is saved. To continue: {resume} --deadline SECONDS"
            );
            Ok(0)
        }
        _ if refuted => Ok(VerdictKind::Refuted.exit_code()),
        _ => Ok(0),
    }
}

/// Rules verified between two looks at the clock.
const CHUNK: usize = 16;

/// Proves the rules of the files that are not proven yet, until the end comes.
fn verify_files(
    session: &mut Session,
    state: &mut State,
    set: &RuleSet,
    widths: &[u32],
    solvers: &SolverPool,
) -> Result<(), Failed> {
    let meter = session.progress.meter("proofs of rules");
    let threads = session.config.threads();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| Failed::new(INTERNAL, format!("threads: {e}")))?;
    let budget = mining::budget(&session.config);
    let all = set.rules.len();
    while state.checked < all && session.deadline.over().is_none() {
        let from = state.checked;
        let chunk = &set.rules[from..all.min(from + CHUNK)];
        let show = |p: verify::Progress<'_>| {
            meter.doing(&format!("{from}/{all} {}", p.rule));
            meter.add(Work {
                proofs: 1,
                proven: u64::from(p.failed == 0),
                ..Work::default()
            });
        };
        let outcomes = pool.install(|| verify::verify(chunk, widths, &budget, solvers, &show));
        state.verified.extend(mining::verified(&outcomes));
        state.checked += chunk.len();
        if session.save_due() {
            session.save(state).map_err(failed)?;
        }
    }
    session.save(state).map_err(failed)
}
