//! `trinityc equiv`: whether two functions do the same.

use super::lua_spec::LuaFunction;
use super::{Failed, INTERNAL, USAGE, path_arg, print};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trinity_codegen::isa::March;
use trinity_superopt::input::compare::{Behaviour, Question, QuestionError, compare};
use trinity_superopt::input::ir::IrRegion;
use trinity_superopt::input::march::{self, Within};
use trinity_superopt::input::{InputError, Unit, liveout};
use trinity_superopt::proof::{Claim, Limits};
use trinity_superopt::report::equivalence::Equivalence;
use trinity_superopt::report::verdict::{Verdict, exit};
use trinity_superopt::report::{Document, ReportError};
use trinity_superopt::solver::{Dump, PoolConfig, SecondSolver, SolverPool};

fn command() -> Command {
    Command::new("trinityc equiv")
        .about("Proves two functions equal, or shows an input on which they differ.")
        .after_help(
            "A and B are assembly text (AT&T or Intel), object files, Lua files (.lua: a function of the subset that is \
             a specification), or the compiler's IR (.ir: a pure function NAME, or a region NAME@bN).\n\
             Exit codes: 0 proven, 2 usage, 3 input, 8 output, 10 refuted, 11 timeout, 12 unknown, 13 unsupported, \
             14 bounded, 15 proven under the precondition, 16 vacuous, 17 internal error.",
        )
        .arg(Arg::new("left").value_name("A").required(true).value_parser(value_parser!(PathBuf)).help("the first program"))
        .arg(Arg::new("right").value_name("B").required(true).value_parser(value_parser!(PathBuf)).help("the second program"))
        .arg(function_arg())
        .arg(
            Arg::new("right-function")
                .long("right-function")
                .value_name("NAME")
                .help("the function of B, when it has another name"),
        )
        .arg(live_out_arg())
        .arg(
            Arg::new("live-in")
                .long("live-in")
                .value_name("REGS")
                .help("refuse programs that depend on other registers at entry than these"),
        )
        .arg(pre_arg())
        .arg(
            Arg::new("bound")
                .long("bound")
                .value_name("K")
                .help("iterations of a loop that are followed")
                .default_value("8")
                .value_parser(value_parser!(u32).range(1..=4096)),
        )
        .arg(
            Arg::new("march")
                .long("march")
                .value_name("CPU")
                .help("refuse instructions that it does not have: x86-64, x86-64-v3, znver4, x86-64-v3+adx, native, ... (default: what the programs need)"),
        )
        .arg(timeout_arg())
        .arg(seed_arg())
        .arg(store_arg())
        .arg(path_arg("json", "FILE", "write the report as JSON"))
        .arg(path_arg("html", "FILE", "write the report as a page"))
        .arg(path_arg("dump-smt", "DIR", "write every query as SMT-LIB"))
        .arg(path_arg("second-solver", "PATH", "let another solver check every query"))
        .arg(
            Arg::new("refine")
                .long("refine")
                .help("only prove that B may replace A")
                .action(ArgAction::SetTrue),
        )
        .arg(Arg::new("deterministic").long("deterministic").help("limit the solver's work instead of time").action(ArgAction::SetTrue))
}

/// Arguments with `-march=`, which has one dash with compilers, as clap reads it.
pub(super) fn march_words(args: &[OsString]) -> Vec<OsString> {
    crate::march::words(args.iter().cloned())
}

/// The processor both programs are held to, with its name: what was asked for, or the least that has all their
/// instructions.
fn processor(m: &ArgMatches, programs: [&dyn Behaviour; 2]) -> Result<(March, String), Failed> {
    if let Some(asked) = m.get_one::<String>("march") {
        return match March::parse(asked) {
            Some(march) => Ok((march, asked.clone())),
            None => Err(Failed::new(USAGE, format!("--march: {asked} is not known"))),
        };
    }
    let functions = programs.iter().filter_map(|p| p.function());
    let needed = functions.map(march::needed).fold(March::V1, March::or);
    Ok((needed, needed.to_string()))
}

pub(super) fn function_arg() -> Arg {
    Arg::new("function")
        .long("function")
        .short('f')
        .value_name("NAME")
        .help("the function, when there are several")
}

pub(super) fn live_out_arg() -> Arg {
    Arg::new("live-out")
        .long("live-out")
        .value_name("REGS")
        .help("results that matter: eax, rax,rdx or xmm0:64 (default: all of rax and xmm0)")
}

pub(super) fn pre_arg() -> Arg {
    Arg::new("pre")
        .long("pre")
        .value_name("EXPR")
        .help("a condition on the inputs: 'edi != 0 && esi <u 100'")
}

pub(super) fn timeout_arg() -> Arg {
    Arg::new("timeout")
        .long("timeout")
        .value_name("TIME")
        .help("time for the proof: 30s, 500ms, 2m")
        .default_value("30s")
        .value_parser(duration)
}

pub(super) fn seed_arg() -> Arg {
    Arg::new("seed")
        .long("seed")
        .value_name("N")
        .help("seed of tests and searches")
        .default_value("1")
        .value_parser(value_parser!(u64))
}

/// `30s`, `500ms`, `2m`, or a number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let scale = match &text[digits..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("give a time such as 30s, 500ms or 2m".into()),
    };
    let n: f64 = text[..digits]
        .parse()
        .map_err(|_| "give a time such as 30s, 500ms or 2m".to_owned())?;
    Duration::try_from_secs_f64(n * scale).map_err(|e| e.to_string())
}

/// A program of the command line.
pub(super) fn load(file: &Path, function: Option<&str>) -> Result<Box<dyn Behaviour>, Failed> {
    let fail = |e: InputError| Failed::new(e.exit_code(), e.to_string());
    if file.extension().is_some_and(|e| e == "lua") {
        return Ok(Box::new(LuaFunction::read(file, function).map_err(fail)?));
    }
    if file.extension().is_some_and(|e| e == "ir") {
        return Ok(Box::new(IrRegion::read(file, function).map_err(fail)?));
    }
    let unit = Unit::read(file).map_err(fail)?;
    Ok(Box::new(unit.function(function).map_err(fail)?.clone()))
}

/// The solver processes.
pub(super) fn solvers() -> Result<SolverPool, Failed> {
    let config = PoolConfig::located().map_err(|e| Failed::new(INTERNAL, e.to_string()))?;
    Ok(SolverPool::new(config))
}

pub(super) fn store_arg() -> Arg {
    Arg::new("store")
        .long("store")
        .value_name("FILE")
        .help("use proofs made before and kept in this file, and keep new ones there")
        .value_parser(value_parser!(PathBuf))
}

/// The solver processes, with the store of the command line.
pub(super) fn solvers_and_store(m: &ArgMatches) -> Result<SolverPool, Failed> {
    let solvers = solvers()?;
    match m.get_one::<PathBuf>("store") {
        None => Ok(solvers),
        Some(path) => Ok(solvers.with_store(super::search::open_store(path)?)),
    }
}

/// Reads the live-outs of the command line.
pub(super) fn live_outs(m: &ArgMatches) -> Result<Option<Vec<liveout::Result>>, Failed> {
    let list = m.get_one::<String>("live-out");
    list.map(|l| liveout::parse(l))
        .transpose()
        .map_err(|e| Failed::new(USAGE, format!("--live-out: {e}")))
}

/// Says what is wrong with a question.
pub(super) fn question_failed(e: QuestionError) -> Failed {
    match e {
        QuestionError::Program(e, _) => Failed::new(e.exit_code(), e.to_string()),
        QuestionError::Condition(e) => Failed::new(USAGE, format!("--pre: {e}")),
    }
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    let args = &march_words(args);
    let m = match command().try_get_matches_from(args) {
        Err(e) => return Failed::from_clap("equiv", &e),
        Ok(m) => m,
    };
    let path = |id: &str| m.get_one::<PathBuf>(id).cloned();
    let function = m.get_one::<String>("function").map(String::as_str);
    let right_function = m
        .get_one::<String>("right-function")
        .map(String::as_str)
        .or(function);
    let (left_file, right_file) = (
        path("left").unwrap_or_default(),
        path("right").unwrap_or_default(),
    );
    let left = load(&left_file, function)?;
    let right = load(&right_file, right_function)?;
    let (march, asked) = processor(&m, [left.as_ref(), right.as_ref()])?;
    let dump = path("dump-smt")
        .map(|d| Dump::new(&d))
        .transpose()
        .map_err(|e| Failed::new(exit::OUTPUT, e.to_string()))?;
    let second = path("second-solver").map(|p| SecondSolver::new(&p));
    if let Some(s) = second.as_ref().filter(|s| !s.path.is_file()) {
        return Err(Failed::new(
            USAGE,
            format!("--second-solver: there is no {}", s.path.display()),
        ));
    }
    let seed = m.get_one::<u64>("seed").copied().unwrap_or(1);
    let time = m.get_one::<Duration>("timeout").copied();
    let limits = Limits {
        time: time.filter(|_| !m.get_flag("deterministic")),
        rlimit: if m.get_flag("deterministic") {
            200_000_000
        } else {
            0
        },
        seed,
        dump: dump.as_ref(),
        second: second.as_ref(),
        ..Limits::default()
    };
    let question = Question {
        claim: if m.get_flag("refine") {
            Claim::Refinement
        } else {
            Claim::Equivalence
        },
        live_out: live_outs(&m)?,
        precondition: m.get_one::<String>("pre").cloned(),
        bound: m.get_one::<u32>("bound").copied().unwrap_or(8),
        march: asked.clone(),
        command: command_line(args),
    };
    let solvers = solvers_and_store(&m)?;
    let [left, right] = [left.as_ref(), right.as_ref()].map(|program| Within {
        program,
        march,
        asked: &asked,
    });
    let report = compare(&left, &right, &question, &limits, &solvers).map_err(question_failed)?;
    check_live_in(&m, &report)?;
    let code = report.verdict.exit_code();
    // Which registers carry results is not in the code.
    let hint = report.verdict == Verdict::Refuted && question.live_out.is_none();
    let document = Document::from(report);
    for (id, write) in [
        ("json", Document::write_json as Write),
        ("html", Document::write_html),
    ] {
        if let Some(p) = path(id) {
            write(&document, &p).map_err(report_failed)?;
        }
    }
    let mut text = document.to_text();
    if hint {
        text.push_str(
            "note: all of rax and xmm0 count as results unless --live-out names them (--live-out eax, or none for a \
             function that returns nothing)\n",
        );
    }
    print(&text)?;
    Ok(code)
}

type Write = fn(&Document, &Path) -> Result<(), ReportError>;

pub(super) fn report_failed(e: ReportError) -> Failed {
    let code = if matches!(e, ReportError::Io(..)) {
        exit::OUTPUT
    } else {
        INTERNAL
    };
    Failed::new(code, e.to_string())
}

/// The command as one line that does it again.
pub(super) fn command_line(args: &[OsString]) -> String {
    let quoted = args.iter().map(|a| {
        let a = a.to_string_lossy();
        let plain = !a.is_empty()
            && a.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_./=,:+".contains(c));
        if plain {
            a.into_owned()
        } else {
            format!("'{}'", a.replace('\'', r"'\''"))
        }
    });
    let words: Vec<String> = std::iter::once("trinityc".to_owned())
        .chain(quoted)
        .collect();
    words.join(" ")
}

fn check_live_in(m: &ArgMatches, report: &Equivalence) -> Result<(), Failed> {
    let Some(list) = m.get_one::<String>("live-in") else {
        return Ok(());
    };
    let allowed =
        liveout::parse(list).map_err(|e| Failed::new(USAGE, format!("--live-in: {e}")))?;
    let places: Vec<String> = allowed
        .iter()
        .flat_map(|r| &r.parts)
        .map(|p| p.place.to_string())
        .collect();
    match report
        .interface
        .live_in
        .iter()
        .find(|p| !places.contains(p) && *p != "rsp")
    {
        Some(p) => Err(Failed::new(
            super::UNSUPPORTED,
            format!("the programs depend on {p} at entry, which is not among the live-ins {list}"),
        )),
        None => Ok(()),
    }
}
