//! `trinityc rules`: the rewrite rules of the e-graph: list them, prove them, mine new ones.

use super::equiv::{solvers, solvers_and_store, store_arg};
use super::{Failed, INTERNAL, USAGE, print};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use trinity_superopt::egraph::mine::{self, MineConfig, MineProgress};
use trinity_superopt::egraph::rule::{RuleSet, WIDTHS};
use trinity_superopt::egraph::verify::{self, Budget, Progress, report};
use trinity_superopt::run::Deadline;

fn command() -> Command {
    let files = || {
        Arg::new("files")
            .value_name("FILES")
            .help("rule files; the shipped ones by default")
            .num_args(0..)
            .value_parser(value_parser!(PathBuf))
    };
    Command::new("trinityc rules")
        .about("The rewrite rules of the e-graph.")
        .subcommand_required(true)
        .subcommand(
            Command::new("list")
                .about("Lists rules by family.")
                .arg(Arg::new("json").long("json").help("as JSON").action(ArgAction::SetTrue))
                .arg(files()),
        )
        .subcommand(
            Command::new("verify")
                .about("Proves rules at 8, 16, 32 and 64 bits; exit code 10 when one is refuted.")
                .arg(
                    Arg::new("width")
                        .long("width")
                        .value_name("LIST")
                        .help("only these widths, for example 8,64")
                        .value_delimiter(',')
                        .value_parser(value_parser!(u32)),
                )
                .arg(Arg::new("rule").long("rule").value_name("NAMES").help("only these rules or families").value_delimiter(','))
                .arg(Arg::new("all").long("all").help("report every rule, with method and witness").action(ArgAction::SetTrue))
                .arg(
                    Arg::new("timeout")
                        .long("timeout")
                        .value_name("SECONDS")
                        .help("for one instance of a rule")
                        .default_value("60")
                        .value_parser(value_parser!(u64)),
                )
                .arg(Arg::new("jobs").long("jobs").value_name("N").help("threads; all cores by default").value_parser(value_parser!(usize)))
                .arg(store_arg())
                .arg(Arg::new("json").long("json").value_name("FILE").help("write the report as JSON").value_parser(value_parser!(PathBuf)))
                .arg(files()),
        )
        .subcommand(
            Command::new("mine")
                .about("Finds rules by enumeration, test and proof, and compares them with the shipped ones.")
                .after_help(
                    "Examples:\n  \
                     trinityc rules mine --ops +,-,eq --vars 2 --depth 2\n  \
                     trinityc rules mine search-configs/rules-mining.toml --deadline 600\n  \
                     trinityc rules mine --resume out/rules-mining --deadline 1200    goes on where it was\n\
                     With a configuration the results go to OUT/NAME/ and the state is saved as in trinityc search.",
                )
                .arg(
                    Arg::new("config")
                        .value_name("CONFIG")
                        .help("a configuration of kind \"rules\"; the options that say what is mined are in it")
                        .value_parser(value_parser!(PathBuf))
                        .conflicts_with_all(["ops", "vars", "depth", "no-constants", "seed", "output"]),
                )
                .arg(
                    Arg::new("resume")
                        .long("resume")
                        .value_name("DIR")
                        .help("continue the run whose results are in DIR")
                        .value_parser(value_parser!(PathBuf))
                        .conflicts_with_all(["config", "ops", "vars", "depth", "no-constants", "seed", "output"]),
                )
                .arg(Arg::new("quiet").long("quiet").short('q').help("no live progress").action(ArgAction::SetTrue))
                .arg(
                    Arg::new("ops")
                        .long("ops")
                        .value_name("LIST")
                        .help("operations, separated by commas: + - neg * & | ^ ~ << >>u >>s rotl rotr popcnt clz ctz bswap == <u <s (eq ult slt)")
                        .value_delimiter(','),
                )
                .arg(Arg::new("vars").long("vars").value_name("N").help("variables").default_value("2").value_parser(value_parser!(u32).range(1..=3)))
                .arg(Arg::new("depth").long("depth").value_name("N").help("operations in the larger side").default_value("2").value_parser(value_parser!(u32).range(1..=3)))
                .arg(Arg::new("no-constants").long("no-constants").help("no 0, 1 and -1").action(ArgAction::SetTrue))
                .arg(Arg::new("deadline").long("deadline").value_name("SECONDS").help("stop after this time").value_parser(value_parser!(u64)))
                .arg(Arg::new("seed").long("seed").value_name("N").help("of the values terms are compared on").default_value("1").value_parser(value_parser!(u64)))
                .arg(Arg::new("output").short('o').long("output").value_name("FILE").help("write the rules here").value_parser(value_parser!(PathBuf))),
        )
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    match command().try_get_matches_from(args) {
        Err(e) => Failed::from_clap("rules", &e),
        Ok(m) => match m.subcommand() {
            Some(("list", m)) => list(m),
            Some(("verify", m)) => verify_rules(m),
            Some((_, m)) if m.contains_id("config") || m.contains_id("resume") => {
                super::mine::run(m, args)
            }
            Some((_, m)) => mine_rules(m),
            None => Err(Failed::new(USAGE, "rules: list, verify or mine")),
        },
    }
}

fn load(m: &ArgMatches) -> Result<RuleSet, Failed> {
    let mut files = m
        .get_many::<PathBuf>("files")
        .into_iter()
        .flatten()
        .peekable();
    if files.peek().is_none() {
        return Ok(RuleSet::shipped());
    }
    let mut set = RuleSet::default();
    for file in files {
        set.add_file(file)
            .map_err(|e| Failed::new(USAGE, e.to_string()))?;
    }
    Ok(set)
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    let failed = |e: std::io::Error| {
        Failed::new(
            INTERNAL,
            format!("{}: {}", path.display(), crate::exit::reason(&e)),
        )
    };
    std::fs::write(path, text).map_err(failed)
}

fn list(m: &ArgMatches) -> Result<u8, Failed> {
    let set = load(m)?;
    if m.get_flag("json") {
        return print(&format!("{:#}\n", report::list_json(&set)));
    }
    print(&report::list_text(&set))
}

/// A line that is written again and again on a terminal, and now and then elsewhere.
struct Line {
    terminal: bool,
    last: Mutex<(Option<Instant>, usize)>,
}

impl Line {
    fn new() -> Line {
        Line {
            terminal: std::io::stderr().is_terminal(),
            last: Mutex::new((None, 0)),
        }
    }
    fn show(&self, text: &str) {
        let every = if self.terminal {
            Duration::from_millis(100)
        } else {
            Duration::from_secs(5)
        };
        // A poisoned lock only means that another thread's message was lost.
        let mut last = self.last.lock().unwrap_or_else(|e| e.into_inner());
        if last.0.is_some_and(|t| t.elapsed() < every) {
            return;
        }
        last.0 = Some(Instant::now());
        let mut err = std::io::stderr().lock();
        // Progress that cannot be shown is no failure.
        let _ = if self.terminal {
            let pad = last.1.saturating_sub(text.len());
            last.1 = text.len();
            write!(err, "\r{text}{:pad$}", "")
        } else {
            writeln!(err, "{text}")
        };
    }
    fn clear(&self) {
        let last = self.last.lock().unwrap_or_else(|e| e.into_inner());
        if self.terminal && last.1 > 0 {
            eprint!("\r{:w$}\r", "", w = last.1);
        }
    }
}

fn verify_rules(m: &ArgMatches) -> Result<u8, Failed> {
    let mut set = load(m)?;
    let widths: Vec<u32> = m
        .get_many::<u32>("width")
        .into_iter()
        .flatten()
        .copied()
        .collect();
    if let Some(w) = widths.iter().find(|w| !WIDTHS.contains(w)) {
        return Err(Failed::new(
            USAGE,
            format!("a width of {w} bits: rules are proven at 8, 16, 32 and 64"),
        ));
    }
    let only: Vec<&String> = m.get_many::<String>("rule").into_iter().flatten().collect();
    for name in &only {
        if !set
            .rules
            .iter()
            .any(|r| r.name == **name || r.family == **name)
        {
            return Err(Failed::new(
                USAGE,
                format!("no rule and no family '{name}'"),
            ));
        }
    }
    set.rules
        .retain(|r| only.is_empty() || only.iter().any(|n| **n == r.name || **n == r.family));
    let seconds = m.get_one::<u64>("timeout").copied().unwrap_or(60);
    let budget = Budget {
        time: Some(Duration::from_secs(seconds)),
        ..Budget::default()
    };
    let solvers = solvers_and_store(m)?;
    let version = solvers
        .version()
        .map_err(|e| Failed::new(INTERNAL, e.to_string()))?;
    let line = Line::new();
    let start = Instant::now();
    let show = |p: Progress| {
        let failed = if p.failed > 0 {
            format!(", {} not proven", p.failed)
        } else {
            String::new()
        };
        line.show(&format!(
            "{}/{}{failed}, {:.0} s, {}",
            p.done,
            p.total,
            p.elapsed.as_secs_f64(),
            p.rule
        ));
    };
    let jobs = m.get_one::<usize>("jobs").copied().unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let pool = pool.map_err(|e| Failed::new(INTERNAL, format!("threads: {e}")))?;
    let outcomes = pool.install(|| verify::verify(&set.rules, &widths, &budget, &solvers, &show));
    line.clear();
    let time = start.elapsed();
    if let Some(path) = m.get_one::<PathBuf>("json") {
        write(
            path,
            &format!("{:#}\n", report::verify_json(&outcomes, time, &version)),
        )?;
    }
    print(&report::verify_text(
        &outcomes,
        time,
        &version,
        m.get_flag("all"),
    ))?;
    Ok(verify::overall(&outcomes).exit_code())
}

fn mine_rules(m: &ArgMatches) -> Result<u8, Failed> {
    let mut config = MineConfig::default();
    if let Some(ops) = m.get_many::<String>("ops") {
        config.ops = ops.cloned().collect();
    }
    let number = |name: &str, or: u32| m.get_one::<u32>(name).copied().unwrap_or(or);
    config.vars = number("vars", config.vars);
    config.depth = number("depth", config.depth);
    if m.get_flag("no-constants") {
        config.constants.clear();
    }
    let deadline = m.get_one::<u64>("deadline").map_or(Deadline::never(), |s| {
        Deadline::after(Duration::from_secs(*s))
    });
    config.seed = m.get_one::<u64>("seed").copied().unwrap_or(config.seed);
    let solvers = solvers()?;
    let line = Line::new();
    let start = Instant::now();
    let mut show = |p: MineProgress| {
        let time = start.elapsed().as_secs_f64();
        line.show(&format!(
            "{} {}/{}, {} rules, {time:.0} s",
            p.phase, p.done, p.total, p.rules
        ));
    };
    let late = || deadline.over().is_some();
    let mined = mine::mine(&config, &solvers, &mut show, &late)
        .map_err(|e| Failed::new(USAGE, e.to_string()))?;
    line.clear();
    match m.get_one::<PathBuf>("output") {
        Some(path) => write(path, &mined.text)?,
        None => drop(print(&mined.text)?),
    }
    let shipped = RuleSet::shipped();
    let hand = mine::within(&shipped, &config.ops);
    let ours = mine::coverage(&shipped.rules, &mined.rules.rules);
    let theirs = mine::coverage(&mined.rules.rules, &hand);
    let row = |c: &mine::Coverage| {
        format!(
            "{} of {}",
            c.derived.len(),
            c.derived.len() + c.missing.len()
        )
    };
    let mut out = format!(
        "{} rules mined from {} terms, {} candidates: {} derived, {} not proven, {} dropped as derived by the others{}\n",
        mined.rules.rules.len(),
        mined.terms,
        mined.candidates,
        mined.derived,
        mined.unproven,
        mined.minimised,
        if mined.stopped {
            "; stopped by the deadline"
        } else {
            ""
        }
    );
    out += &format!("the shipped rules derive {} mined rules\n", row(&ours));
    for name in &ours.missing {
        let rule = mined.rules.get(name).map_or("", |r| r.text.as_str());
        out += &format!("    not {name}: {rule}\n");
    }
    out += &format!(
        "the mined rules derive {} shipped rules over these operations\n",
        row(&theirs)
    );
    for name in &theirs.missing {
        let rule = shipped.get(name).map_or("", |r| r.text.as_str());
        out += &format!("    not {name}: {rule}\n");
    }
    print(&out)
}
