//! `trinityc search`: a search run from a configuration, to be stopped and resumed at any moment.

use super::lua_spec::LuaFunction;
use super::{
    Failed, INTERNAL, choose_costs, config_arg, costs_arg, out_arg, path_arg, print, resume_arg,
};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use trinity_codegen::isa::forms::semantics_version;
use trinity_superopt::report::search::Ended;
use trinity_superopt::report::verdict::exit;
use trinity_superopt::run::config::Kind;
use trinity_superopt::run::display::{Display, Style};
use trinity_superopt::run::drive::{DriveError, State, Tools, drive};
use trinity_superopt::run::goal::kernel_names;
use trinity_superopt::run::{ConfigError, End, Known, RunConfig, Session, SessionError, stop};
use trinity_superopt::solver::{PoolConfig, SolverPool};
use trinity_superopt::store::sha256::{Digest, sha256};
use trinity_superopt::store::{Store, StoreError};

/// Proposals of a deterministic run whose configuration gives no budget.
const PROPOSALS: u64 = 2_000_000;
/// How long to wait for a store that another process has open.
const STORE_WAIT: Duration = Duration::from_secs(10);

fn command() -> Command {
    Command::new("trinityc search")
        .about("Searches for faster code for the targets of a configuration, and proves what it finds.")
        .after_help(
            "Examples:\n  \
             trinityc search search-configs/quick.toml\n  \
             trinityc search search-configs/overnight.toml --deadline 2h --jobs 4\n  \
             trinityc search --resume out/overnight          after Ctrl-C, a crash or a power cut\n  \
             trinityc search search-configs/quick.toml --deterministic --seed 7\n\
             Results go to OUT/NAME/: run.json, report.html, best-TARGET.s, smt/. trinityc report OUT/NAME shows them.\n\
             Exit codes: 0 the run ended, 2 usage, 3 input, 8 the results cannot be written, 10 a kernel does not meet its \
             specification, 13 a target is not covered, 17 internal error, 18 configuration, 19 store, 20 cannot resume, \
             130 stopped by Ctrl-C with the state saved.",
        )
        .arg(config_arg("the configuration, as search-configs/README.md describes it"))
        .arg(resume_arg())
        .arg(
            Arg::new("deadline")
                .long("deadline")
                .value_name("TIME")
                .value_parser(super::equiv::duration)
                .help("end of the whole run: 60s, 10m, 8h"),
        )
        .arg(
            Arg::new("jobs")
                .long("jobs")
                .short('j')
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..=4096))
                .help("threads"),
        )
        .arg(
            Arg::new("seed")
                .long("seed")
                .value_name("N")
                .value_parser(value_parser!(u64).range(..1 << 63))
                .conflicts_with("resume")
                .help("seed of every random choice"),
        )
        .arg(
            Arg::new("deterministic")
                .long("deterministic")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["resume", "deadline", "jobs"])
                .help("count proposals and solver work instead of time: the same run.json each time"),
        )
        .arg(out_arg())
        .arg(costs_arg())
        .arg(path_arg("store", "FILE", "the store of proven results"))
        .arg(Arg::new("quiet").long("quiet").short('q').action(ArgAction::SetTrue).help("no live progress"))
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    if super::harvest::asked(args) {
        return super::harvest::run(args);
    }
    let m = match command().try_get_matches_from(args) {
        Err(e) => return Failed::from_clap("search", &e),
        Ok(m) => m,
    };
    let kernels = kernel_names();
    let known = Known {
        kernels: Some(&kernels),
    };
    let change = |c: &mut RunConfig| apply(&m, c);
    choose_costs(&m)?;
    let (session, state) = match m.get_one::<PathBuf>("resume") {
        Some(dir) => Session::resume_with::<State>(dir, &known, &change).map_err(session_failed)?,
        None => {
            let file = m
                .get_one::<PathBuf>("config")
                .map_or(Path::new(""), PathBuf::as_path);
            let mut config = RunConfig::load(file, &known).map_err(config_failed)?;
            change(&mut config);
            if config.kind == Kind::Tune {
                return Err(Failed::new(
                    exit::CONFIG,
                    format!(
                        "{}: a run of kind \"tune\": trinityc tune {0}",
                        file.display()
                    ),
                ));
            }
            if config.kind == Kind::Rules {
                return Err(Failed::new(
                    exit::CONFIG,
                    format!(
                        "{}: a run of kind \"rules\": trinityc rules mine {0}",
                        file.display()
                    ),
                ));
            }
            (
                Session::start(config).map_err(session_failed)?,
                State::default(),
            )
        }
    };
    stop::install()
        .map_err(|e| Failed::new(INTERNAL, format!("signals: {}", crate::exit::reason(&e))))?;
    if session.deadline.over() == Some(End::Deadline) && m.get_one::<PathBuf>("resume").is_some() {
        return Err(Failed::new(
            exit::RESUME,
            "cannot resume: the run has used up its deadline; give a longer one with --deadline"
                .to_owned(),
        ));
    }
    let config = session.config.clone();
    let store = config.store.as_deref().map(open_store).transpose()?;
    let store = store.map(Arc::new);
    let mut pool = PoolConfig::located().map_err(|e| Failed::new(INTERNAL, e.to_string()))?;
    pool.memory = u64::from(config.solver.memory_mb) << 20;
    let mut solvers = SolverPool::new(pool);
    // A deterministic run does the same whatever is in the store.
    if let Some(store) = store.as_ref().filter(|_| !config.deterministic) {
        solvers = solvers.with_store(Arc::clone(store));
    }
    let dir = session.dir.root().to_path_buf();
    let style = if m.get_flag("quiet") {
        Style::Quiet
    } else {
        Style::Auto
    };
    let display = Display::start(&session.progress, style);
    let tools = Tools {
        solvers: &solvers,
        store: store.as_deref(),
        command: line(&m, args, &dir),
        lua: &|file, name| Ok(Box::new(LuaFunction::read(file, name)?)),
        tell: &|text| eprintln!("trinityc: {text}"),
    };
    let result = drive(session, state, &tools);
    drop(display);
    let (document, ended) =
        result.map_err(|e: DriveError| Failed::new(e.exit_code(), e.to_string()))?;
    print(&document.to_text())?;
    if ended == Ended::Interrupted {
        return Err(Failed::new(
            exit::INTERRUPTED,
            format!(
                "stopped; the state is saved. To continue: trinityc search --resume {}",
                dir.display()
            ),
        ));
    }
    if ended == Ended::Deadline {
        eprintln!(
            "trinityc: the deadline came first; the state is saved. To continue: trinityc search --resume {} --deadline TIME \
             (of the whole run, what it used included)",
            dir.display()
        );
    }
    if std::io::stderr().is_terminal() {
        eprintln!(
            "trinityc: results in {}: report.html, run.json, best-*.s, smt/",
            dir.display()
        );
    }
    Ok(0)
}

/// What the command line changes in a configuration.
fn apply(m: &ArgMatches, c: &mut RunConfig) {
    if let Some(d) = m.get_one::<Duration>("deadline") {
        c.deadline = Some(*d);
    }
    if let Some(n) = m.get_one::<u32>("jobs") {
        c.jobs = *n;
    }
    // With --resume these two cannot be given: the state belongs to the seed, the directory to the run.
    if let Ok(Some(n)) = m.try_get_one::<u64>("seed") {
        c.seed = *n;
    }
    if let Ok(Some(p)) = m.try_get_one::<PathBuf>("out") {
        c.out.clone_from(p);
    }
    if let Some(p) = m.get_one::<PathBuf>("store") {
        c.store = Some(p.clone());
    }
    if m.get_flag("deterministic") {
        c.make_deterministic(PROPOSALS);
    }
}

/// The line that does the run again. Where results go is left out, so that it is the same wherever they go.
fn line(m: &ArgMatches, args: &[OsString], dir: &Path) -> String {
    if m.contains_id("resume") && m.get_one::<PathBuf>("resume").is_some() {
        return format!("trinityc search {}", dir.join("config.toml").display());
    }
    let mut kept: Vec<OsString> = Vec::new();
    let mut skip = false;
    for a in args {
        let text = a.to_string_lossy();
        if !skip && !text.starts_with("--out") && !text.starts_with("--store") {
            kept.push(a.clone());
        }
        skip = text == "--out" || text == "--store";
    }
    super::equiv::command_line(&kept)
}

/// Opens the store of a command line.
pub(super) fn open_store(path: &Path) -> Result<Store, Failed> {
    open_store_of(path, sha256(semantics_version().as_bytes()))
}

/// Opens a store; the semantics are known.
pub(crate) fn open_store_of(path: &Path, semantics: Digest) -> Result<Store, Failed> {
    Store::open(path, semantics, STORE_WAIT, &mut |text| {
        eprintln!("trinityc: {text}")
    })
    .map_err(|e| Failed::new(StoreError::EXIT, e.to_string()))
}

fn session_failed(e: SessionError) -> Failed {
    Failed::new(e.exit_code(), e.to_string())
}

/// The configuration that the command line names; it has to be of this kind.
pub(super) fn config_of_kind(
    m: &ArgMatches,
    known: &Known<'_>,
    kind: Kind,
) -> Result<RunConfig, Failed> {
    let file = m
        .get_one::<PathBuf>("config")
        .map_or(Path::new(""), PathBuf::as_path);
    let config = RunConfig::load(file, known).map_err(config_failed)?;
    if config.kind != kind {
        let what = format!(
            "{}: kind is \"{}\", not \"{}\"",
            file.display(),
            config.kind.name(),
            kind.name()
        );
        return Err(Failed::new(exit::CONFIG, what));
    }
    Ok(config)
}

fn config_failed(e: ConfigError) -> Failed {
    Failed::new(exit::CONFIG, e.to_string())
}
