//! `trinityc search --harvest`: faster code for what compilations left (docs/windows.md).

use super::equiv::{command_line, duration};
use super::search::open_store;
use super::{Failed, INTERNAL, choose_costs, costs_arg, path_arg, print};
use crate::output::Output;
use clap::{Arg, ArgAction, Command, value_parser};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trinity_codegen::window::digest;
use trinity_superopt::report::parts::Provenance;
use trinity_superopt::report::search::{Ended, Search, Table};
use trinity_superopt::report::verdict::exit;
use trinity_superopt::report::{Document, Report};
use trinity_superopt::run::display::{Display, Style};
use trinity_superopt::run::{Deadline, Progress, stop};
use trinity_superopt::search::improve::Engines;
use trinity_superopt::solver::{PoolConfig, SolverPool};
use trinity_superopt::window::harvest::Harvest;
use trinity_superopt::window::kept::{Shelf, is_shelf, of_store, semantics};
use trinity_superopt::window::search::{Done, PROOF, Settings, search, time_kept};
use trinity_superopt::window::unhex;
use trinity_superopt::window::used::used;

/// Places of a window that are named.
const PLACES: usize = 4;
/// Where results go when no store is named.
const STORE: &str = "trinity.windows";

/// Whether the arguments of `search` ask for this.
pub fn asked(args: &[OsString]) -> bool {
    let harvest = |a: &OsString| a == "--harvest" || a.to_string_lossy().starts_with("--harvest=");
    args.iter().any(harvest)
}

fn command() -> Command {
    Command::new("trinityc search --harvest")
        .about("Searches for faster code for what compilations harvested (trinityc --harvest), and proves what it finds.")
        .after_help(
            "trinityc app.lua -O2 --train 10 -o app --harvest app.harvest\n\
             trinityc search --harvest app.harvest --deadline 10m --store app.windows\n\
             trinityc app.lua -O2 --train 10 -o app --store app.windows\n\
             What was tried is kept in the store: the same command goes on where it was stopped, by Ctrl-C or otherwise.",
        )
        .arg(path_arg("harvest", "FILE", "what compilations left").required(true))
        .arg(path_arg("store", "FILE", "where results go").default_value(STORE))
        .arg(Arg::new("deadline").long("deadline").value_name("TIME").value_parser(duration).default_value("10m").help("end of the run"))
        .arg(Arg::new("jobs").long("jobs").short('j').value_name("N").value_parser(value_parser!(u16).range(1..)).help("threads"))
        .arg(Arg::new("seed").long("seed").value_name("N").value_parser(value_parser!(u64)).default_value("1").help("seed of every random choice"))
        .arg(
            Arg::new("patience")
                .long("patience")
                .value_name("MS")
                .value_parser(value_parser!(u64).range(1..))
                .default_value("300")
                .help("milliseconds that the engines go on with a window without anything better"),
        )
        .arg(Arg::new("no-measure").long("no-measure").action(ArgAction::SetTrue).help("by the model alone, without timing what is found"))
        .arg(path_arg("export", "FILE", "write all windows of the store as text"))
        .arg(Arg::new("list").long("list").action(ArgAction::SetTrue).help("search nothing: say what the store has for the harvest"))
        .arg(path_arg("json", "FILE", "write the report as JSON"))
        .arg(path_arg("html", "FILE", "write the report as a page"))
        .arg(costs_arg())
        .arg(Arg::new("quiet").long("quiet").short('q').action(ArgAction::SetTrue).help("no live progress"))
}

/// What a search is to do.
#[derive(Debug)]
pub struct Task<'a> {
    /// The harvest.
    pub harvest: &'a Path,
    /// The store.
    pub store: &'a Path,
    /// When to stop.
    pub time: Duration,
    /// Threads; 0 for all.
    pub jobs: usize,
    /// Seed.
    pub seed: u64,
    /// Of the engines.
    pub patience: Duration,
    /// Time what is found.
    pub measure: bool,
    /// Show no progress.
    pub quiet: bool,
    /// Where all windows go as text.
    pub export: Option<&'a Path>,
}

fn load(path: &Path) -> Result<Harvest, Failed> {
    Harvest::load(path).map_err(|e| Failed::new(exit::INPUT, e.to_string()))
}

/// Searches.
///
/// # Errors
/// When harvest or store cannot be used, or no solver is there.
pub fn perform(t: &Task<'_>) -> Result<(Done, Deadline), Failed> {
    let harvest = load(t.harvest)?;
    if is_shelf(t.store) {
        let name = t.store.display();
        let why = format!("{name} holds windows as text; name another store");
        return Err(Failed::new(exit::STORE, why));
    }
    let store = open_store(t.store)?;
    let pool = PoolConfig::located().map_err(|e| Failed::new(INTERNAL, e.to_string()))?;
    let deadline = Deadline::after(t.time);
    let engines = Engines {
        patience: t.patience,
        proof_timeout: PROOF,
        ..Engines::new(SolverPool::new(pool), Progress::new(&Deadline::never()))
    };
    let progress = Progress::new(&deadline);
    let style = if t.quiet { Style::Quiet } else { Style::Auto };
    let display = Display::start(&progress, style);
    let settings = Settings {
        deadline: deadline.clone(),
        jobs: match t.jobs {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        },
        seed: t.seed,
        measure: t.measure,
    };
    let failed = |e: trinity_superopt::store::StoreError| Failed::new(exit::STORE, e.to_string());
    if t.measure {
        time_kept(&store, &deadline).map_err(failed)?;
    }
    let done = search(&harvest, &store, &engines, &progress, &settings).map_err(failed)?;
    drop(display);
    if let Some(path) = t.export {
        let shelf = Shelf::new(
            of_store(&store).map_err(failed)?.0,
            &semantics().to_string(),
        );
        write(path, shelf.text().as_bytes())?;
    }
    Ok((done, deadline))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    Output::create(path, false)
        .and_then(|o| o.commit(bytes))
        .map_err(|e| Failed::new(e.failure.code(), String::from_utf8_lossy(&e.message)))
}

/// The table of the windows that the harvest has.
fn table(task: &Task<'_>, done: &Done) -> Result<Table, Failed> {
    let failed = |e: trinity_superopt::store::StoreError| Failed::new(exit::STORE, e.to_string());
    let harvest = load(task.harvest)?;
    let kept = of_store(&open_store(task.store)?).map_err(failed)?.0;
    let all = used(&harvest, &kept).map_err(|e| Failed::new(exit::STORE, e.to_string()))?;
    let rows = all.iter().map(|u| {
        let code = |c: &[String]| match c {
            [] => "nothing".into(),
            c => c.join("; "),
        };
        let figures = u.figures();
        let measured = |what: &str| {
            let found = figures.iter().find(|f| f.what == what);
            found.map_or("-".into(), |f| {
                format!("{:.2} -> {:.2} ({})", f.before, f.after, f.verdict.text())
            })
        };
        let throughput = match (figures.is_empty(), u.kept.measured.is_empty()) {
            (false, _) => measured("throughput"),
            (_, false) => u.kept.measured.clone(),
            _ => "not measured".into(),
        };
        let place = |(place, weight): &(String, f64)| format!("{place} x{weight:.0}");
        let mut places: Vec<String> = u.places.iter().take(PLACES).map(place).collect();
        if let Some(more @ 1..) = u.places.len().checked_sub(PLACES) {
            places.push(format!("and {more} more"));
        }
        let key = unhex(&u.kept.key).unwrap_or_default();
        vec![
            digest(&key),
            places.join(", "),
            format!("{:.0}", u.weight),
            code(&u.kept.before),
            code(&u.kept.after),
            u.kept.live_out.join(" "),
            format!("{:.2}", f64::from(u.kept.gain) / 100.0),
            throughput,
            measured("latency"),
            u.saved()
                .map_or("-".into(), |ns| format!("{:.3}", ns / 1e6)),
            format!("{:.3}", u.weight * f64::from(u.kept.gain) / 1e8),
            u.kept.engine.clone(),
            u.kept.proof.clone(),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let timed = all.iter().filter(|u| !u.figures().is_empty()).count();
    let faster = all.iter().filter(|u| u.saved() > Some(0.0)).count();
    Ok(Table {
        title: "Windows that the harvest has".into(),
        columns: [
            "window",
            "where, and how often it runs",
            "runs",
            "before",
            "after",
            "live behind",
            "model: cycles saved",
            "throughput, ns",
            "latency, ns",
            "measured: ms saved",
            "model: 10^6 cycles saved",
            "found by",
            "proven by",
        ]
        .map(str::to_owned)
        .to_vec(),
        note: format!(
            "{} windows proven, {} used, {timed} of these timed, {faster} measured faster. {} windows searched this time, {} found, {} known from the store, {} candidates not proven, {} proven but measured slower.",
            kept.len(),
            all.len(),
            done.windows,
            done.found,
            done.known,
            done.unproven,
            done.slower
        ),
        rows,
    })
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    let m = match command().try_get_matches_from(args) {
        Err(e) => return Failed::from_clap("search --harvest", &e),
        Ok(m) => m,
    };
    choose_costs(&m)?;
    stop::install()
        .map_err(|e| Failed::new(INTERNAL, format!("signals: {}", crate::exit::reason(&e))))?;
    let path = |id: &str| m.get_one::<PathBuf>(id).cloned();
    let begun = Instant::now();
    let (harvest, store, export) = (
        path("harvest").unwrap_or_default(),
        path("store").unwrap_or_default(),
        path("export"),
    );
    let task = Task {
        harvest: &harvest,
        store: &store,
        time: m.get_one("deadline").copied().unwrap_or_default(),
        jobs: m.get_one::<u16>("jobs").map_or(0, |n| usize::from(*n)),
        seed: m.get_one("seed").copied().unwrap_or(1),
        patience: Duration::from_millis(m.get_one("patience").copied().unwrap_or(300)),
        measure: !m.get_flag("no-measure"),
        quiet: m.get_flag("quiet"),
        export: export.as_deref(),
    };
    let (done, deadline) = match m.get_flag("list") {
        true => (Done::default(), Deadline::never()),
        false => perform(&task)?,
    };
    let stopped = stop::requested();
    let document = Document::new(Report::Search(Box::new(Search {
        name: harvest.display().to_string(),
        kind: "windows".into(),
        config: String::new(),
        march: String::new(),
        jobs: task.jobs as u32,
        deterministic: false,
        ended: match (stopped, deadline.over()) {
            (true, _) => Ended::Interrupted,
            (_, Some(_)) => Ended::Deadline,
            _ => Ended::Done,
        },
        resumed: 0,
        targets: Vec::new(),
        rules: Vec::new(),
        tables: vec![table(&task, &done)?],
        provenance: Provenance {
            command: command_line(args),
            seed: task.seed,
            engine: String::new(),
            iteration: 0,
            chain: Vec::new(),
            tool: trinity_superopt::report::tool_version(),
        },
        trusted: Vec::new(),
        seconds: Some(begun.elapsed().as_secs_f64()),
    })));
    print(&document.to_text())?;
    if let Some(p) = path("json") {
        document
            .write_json(&p)
            .map_err(|e| Failed::new(exit::OUTPUT, e.to_string()))?;
    }
    if let Some(p) = path("html") {
        document
            .write_html(&p)
            .map_err(|e| Failed::new(exit::OUTPUT, e.to_string()))?;
    }
    if stopped {
        return Err(Failed::new(
            exit::INTERRUPTED,
            "stopped; what was found and tried is kept in the store",
        ));
    }
    Ok(0)
}
