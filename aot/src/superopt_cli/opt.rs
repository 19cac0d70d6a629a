//! `trinityc opt`: makes functions of assembly text faster, and proves every change.
//!
//! First whole functions: one without calls and loops, and with accesses to memory on all paths alike, becomes one term
//! per result, whatever its branches, and the engines look for straight-line code. Where that finds nothing, the regions of
//! the function are tried, those in inner loops first. What an engine gives is put into the text, the text assembled
//! and decoded again, and those bytes are proven; only then it counts. The output is written in one step.

use super::equiv::{
    command_line, duration, function_arg, live_out_arg, live_outs, load, march_words, pre_arg,
    question_failed, report_failed, seed_arg, solvers_and_store, store_arg,
};
use super::{Failed, USAGE, choose_costs, costs_arg, path_arg, print};
use crate::output::Output;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trinity_superopt::input::assemble::Source;
use trinity_superopt::input::cfg::{Cfg, DEFAULT_RESULTS};
use trinity_superopt::input::compare::{Behaviour, Question, compare};
use trinity_superopt::input::regions::{Found, regions};
use trinity_superopt::input::rewrite::apply;
use trinity_superopt::input::whole::whole_function;
use trinity_superopt::input::{
    Function, ImproveOptions, Improvement, Improver, InputError, PlaceSet, Replacement, Unit, check,
};
use trinity_superopt::proof::{Claim, Limits};
use trinity_superopt::report::Document;
use trinity_superopt::report::batch::{Batch, Item};
use trinity_superopt::report::parts::Programs;
use trinity_superopt::report::verdict::{Verdict, exit};
use trinity_superopt::run::{Deadline, Progress};
use trinity_superopt::search::improve::{Engines, target_of_function};
use trinity_superopt::search::opset::March;

/// Time for the proof of one replacement.
const PROOF_TIME: Duration = Duration::from_secs(30);
/// A region of fewer instructions is not worth a search.
const LEAST: usize = 2;

fn command() -> Command {
    Command::new("trinityc opt")
        .about("Improves functions of assembly text; every change is proven.")
        .after_help("Ends with 0 also when nothing better was found, and says so.")
        .arg(Arg::new("input").value_name("F.s").required(true).value_parser(value_parser!(PathBuf)).help("assembly text"))
        .arg(path_arg("output", "OUT.s", "write the text here").short('o').required(true))
        .arg(function_arg())
        .arg(
            Arg::new("deadline")
                .long("deadline")
                .value_name("TIME")
                .help("time in all: 30s, 5m")
                .default_value("30s")
                .value_parser(duration),
        )
        .arg(Arg::new("jobs").long("jobs").short('j').value_name("N").help("threads").value_parser(value_parser!(u16).range(1..)))
        .arg(seed_arg())
        .arg(
            Arg::new("from-scratch")
                .long("from-scratch")
                .help("search from nothing instead of from the function's own code")
                .action(ArgAction::SetTrue),
        )
        .arg(
            Arg::new("march")
                .long("march")
                .value_name("CPU")
                .help("processor level, as compilers name it: x86-64, x86-64-v2, x86-64-v3, native, haswell, znver4")
                .default_value("x86-64"),
        )
        .arg(live_out_arg())
        .arg(pre_arg())
        .arg(store_arg())
        .arg(costs_arg())
        .arg(path_arg("lua", "F.lua", "a Lua function that says what the function must do"))
        .arg(path_arg("json", "FILE", "write the report as JSON"))
        .arg(path_arg("html", "FILE", "write the report as a page"))
}

/// What happened to one function.
struct Change {
    /// The whole function or a region.
    name: String,
    verdict: Verdict,
    method: String,
    before: f64,
    after: f64,
    seconds: f64,
    /// Whether the proof is the store's.
    cached: bool,
    /// Questions that a solver was asked about this candidate, in the search and for the assembled text.
    asked: usize,
    /// The function before and after.
    programs: Programs,
}

struct Task<'a> {
    matches: &'a ArgMatches,
    engines: Engines,
    march: March,
    march_text: String,
    results: PlaceSet,
    seed: u64,
    jobs: usize,
    begun: Instant,
    time: Duration,
    command: String,
    notes: Vec<String>,
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    let args = march_words(args);
    let m = match command().try_get_matches_from(&args) {
        Err(e) => return Failed::from_clap("opt", &e),
        Ok(m) => m,
    };
    choose_costs(&m)?;
    let march_text = m.get_one::<String>("march").cloned().unwrap_or_default();
    let march = March::parse(&march_text)
        .ok_or_else(|| Failed::new(USAGE, format!("--march: {march_text} is not known")))?;
    let results = match live_outs(&m)? {
        None => DEFAULT_RESULTS,
        Some(r) => r.iter().flat_map(|r| &r.parts).map(|p| p.place).collect(),
    };
    let mut task = Task {
        engines: Engines::new(solvers_and_store(&m)?, Progress::new(&Deadline::never())),
        march,
        march_text,
        results,
        seed: m.get_one::<u64>("seed").copied().unwrap_or(1),
        jobs: m
            .get_one::<u16>("jobs")
            .map_or_else(threads, |n| usize::from(*n)),
        begun: Instant::now(),
        time: m
            .get_one::<Duration>("deadline")
            .copied()
            .unwrap_or(Duration::from_secs(30)),
        command: command_line(&args),
        notes: Vec::new(),
        matches: &m,
    };
    task.run()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn not_written(e: crate::exit::Error) -> Failed {
    Failed::new(e.failure.code(), String::from_utf8_lossy(&e.message))
}

fn input_failed(e: InputError) -> Failed {
    Failed::new(e.exit_code(), e.to_string())
}

impl Task<'_> {
    fn path(&self, id: &str) -> Option<PathBuf> {
        self.matches.get_one::<PathBuf>(id).cloned()
    }

    fn run(&mut self) -> Result<u8, Failed> {
        let input = self.path("input").unwrap_or_default();
        let output = self.path("output").unwrap_or_default();
        let unit = Unit::read(&input).map_err(input_failed)?;
        if unit.source.is_none() {
            return Err(Failed::new(
                USAGE,
                format!(
                    "{}: an object has no text to write; give assembly text",
                    input.display()
                ),
            ));
        }
        // An output that cannot be written is refused before time is spent.
        let file = Output::create(&output, false).map_err(not_written)?;
        let wanted = self.matches.get_one::<String>("function").cloned();
        let names = match &wanted {
            Some(n) => {
                unit.function(Some(n)).map_err(input_failed)?;
                vec![n.clone()]
            }
            None => unit.names(),
        };
        self.check_specification(&unit, wanted.as_deref())?;
        let mut text =
            std::fs::read_to_string(&input).map_err(|e| Failed::new(exit::INPUT, e.to_string()))?;
        let original = text.clone();
        let mut changes = Vec::new();
        for (n, name) in names.iter().enumerate() {
            // What is left is shared evenly by the functions to come.
            let left = self.time.saturating_sub(self.begun.elapsed());
            let share = left / (names.len() - n) as u32;
            match self.function(&input, &text, name, share) {
                Ok((new, mut made)) => {
                    text = new;
                    changes.append(&mut made);
                }
                Err(e) if wanted.is_some() => return Err(input_failed(e)),
                Err(e) => self.notes.push(e.to_string()),
            }
        }
        if text == original {
            // Also then it is what gcc's assembler reads.
            text = apply(&Source::new(&text), &[]);
        }
        file.commit(text.as_bytes()).map_err(not_written)?;
        self.report(&input, &output, &changes)
    }

    /// With `--lua`: the function has to do what the specification says.
    fn check_specification(&mut self, unit: &Unit, wanted: Option<&str>) -> Result<(), Failed> {
        let Some(lua) = self.path("lua") else {
            return Ok(());
        };
        let specification = load(&lua, wanted)?;
        let function = unit.function(wanted).map_err(input_failed)?;
        let q = self.question(Claim::Refinement);
        let limits = Limits {
            seed: self.seed,
            ..Limits::within(PROOF_TIME)
        };
        let report = compare(
            specification.as_ref(),
            function,
            &q,
            &limits,
            &self.engines.solvers,
        )
        .map_err(question_failed)?;
        if !matches!(
            report.verdict,
            Verdict::Proven | Verdict::ProvenUnderPrecondition
        ) {
            let message = format!(
                "{}: {} does not meet its specification: {}",
                unit.file.display(),
                function.name,
                report.verdict
            );
            return Err(Failed::new(report.verdict.exit_code(), message));
        }
        self.notes.push(format!(
            "{} meets its specification in {}: {}",
            function.name,
            lua.display(),
            report.verdict
        ));
        Ok(())
    }

    fn question(&self, claim: Claim) -> Question {
        Question {
            claim,
            live_out: live_outs(self.matches).unwrap_or_default(),
            precondition: self.matches.get_one::<String>("pre").cloned(),
            bound: 8,
            march: self.march_text.clone(),
            command: self.command.clone(),
        }
    }

    fn improve_options(&self, time: Duration) -> ImproveOptions {
        ImproveOptions {
            deadline: Deadline::after(time),
            jobs: self.jobs,
            seed: self.seed,
            from_scratch: self.matches.get_flag("from-scratch"),
        }
    }

    /// The text with one function improved, and what was changed.
    fn function(
        &mut self,
        file: &Path,
        text: &str,
        name: &str,
        share: Duration,
    ) -> Result<(String, Vec<Change>), InputError> {
        let begun = Instant::now();
        let unit = Unit::from_text(file, text)?;
        let f = unit.function(Some(name))?.clone();
        Cfg::new(&f, self.results)?;
        if let Some(done) = self.whole(file, text, &f, share / 2)? {
            return Ok((done.0, vec![done.1]));
        }
        let mut text = text.to_owned();
        let mut changes = Vec::new();
        let mut tried = Vec::new();
        loop {
            let unit = Unit::from_text(file, &text)?;
            let f = unit.function(Some(name))?.clone();
            let cfg = Cfg::new(&f, self.results)?;
            let all = regions(&f, &cfg, self.march, LEAST);
            if tried.is_empty() {
                self.notes.extend(all.refused);
            }
            let all = all.found;
            let key = |r: &Found| {
                r.region
                    .code
                    .iter()
                    .map(|i| i.to_string())
                    .collect::<Vec<_>>()
            };
            let todo: Vec<_> = all.iter().filter(|r| !tried.contains(&key(r))).collect();
            let left = share.saturating_sub(begun.elapsed());
            let (Some(found), false) = (todo.first(), left.is_zero()) else {
                break;
            };
            tried.push(key(found));
            let time = left / todo.len() as u32;
            let started = Instant::now();
            match self.search(found, time) {
                Improvement::Nothing => {}
                Improvement::Refused(why) => self
                    .notes
                    .push(format!("{}: not searched: {why}", found.region.name)),
                Improvement::Better(r) => {
                    let edit = found.edit(&f, pairs(&r));
                    let new_text = apply(&Source::new(&text), &[edit]);
                    let new_unit = Unit::from_text(file, &new_text)?;
                    let new = new_unit.function(Some(name))?;
                    let limits = Limits {
                        seed: self.seed,
                        ..Limits::within(PROOF_TIME)
                    };
                    let (verdict, cached, asked) =
                        if let Some(range) = check::replaced(&f, new, &found.range) {
                            let proof = check::prove_region(
                                found,
                                &f,
                                (new, range),
                                &limits,
                                &self.engines.solvers,
                            )?;
                            let cached = proof.is_stored();
                            (proof.verdict.clone(), cached, r.asked + proof.asked())
                        } else {
                            let why = "the text around the region came back changed".into();
                            (Verdict::Error { why }, false, r.asked)
                        };
                    let proven = verdict == Verdict::Proven;
                    let made = Change {
                        cached,
                        asked,
                        ..change(&found.region.name, verdict, &r, started, (&f, new))
                    };
                    changes.push(made);
                    if proven {
                        text = new_text;
                        tried.extend(
                            regions_of(new, self.results, self.march)
                                .iter()
                                .filter(|x| x.range.start == found.range.start)
                                .map(key),
                        );
                    }
                }
            }
        }
        Ok((text, changes))
    }

    /// Looks for cheaper code for a region.
    fn search(&self, found: &Found, time: Duration) -> Improvement {
        let options = self.improve_options(time);
        let Some(b) = &found.branching else {
            return self.engines.improve(&found.region, &options);
        };
        match target_of_function(b.terms.clone()) {
            Ok(t) if t.outputs.is_empty() => Improvement::Nothing,
            Ok(t) => {
                let before = t.cost(&found.region.code);
                self.engines.improve_target(&t, before, &options)
            }
            Err(why) => Improvement::Refused(why.to_string()),
        }
    }

    /// The whole function as terms, when it has neither calls nor accesses nor unfinished loops.
    fn whole(
        &mut self,
        file: &Path,
        text: &str,
        f: &Function,
        time: Duration,
    ) -> Result<Option<(String, Change)>, InputError> {
        let started = Instant::now();
        let question = self.question(Claim::Refinement);
        let name = &f.name;
        let skipped = |why: &dyn fmt::Display| format!("{name}: not searched as a whole: {why}");
        let whole = whole_function(f, &question, self.march);
        let made = whole
            .map_err(|e| skipped(&e))
            .and_then(|w| Ok((w.target(f).map_err(|e| skipped(&e))?, w)));
        let (target, w) = match made {
            Ok(x) => x,
            Err(note) => {
                self.notes.push(note);
                return Ok(None);
            }
        };
        let r = match self.engines.improve_target(
            &target,
            target.cost(&w.body),
            &self.improve_options(time),
        ) {
            Improvement::Better(r) => r,
            Improvement::Nothing => return Ok(None),
            Improvement::Refused(why) => {
                self.notes.push(skipped(&why));
                return Ok(None);
            }
        };
        let Some(edit) = trinity_superopt::input::whole::edit(f, pairs(&r)) else {
            return Ok(None);
        };
        let new_text = apply(&Source::new(text), &[edit]);
        let new_unit = Unit::from_text(file, &new_text)?;
        let new = new_unit.function(Some(&f.name))?;
        let limits = Limits {
            seed: self.seed,
            ..Limits::within(PROOF_TIME)
        };
        let (verdict, cached, asked) =
            match compare(f, new, &question, &limits, &self.engines.solvers) {
                Ok(report) => {
                    let asked = report.queries.iter().filter(|q| q.solver.is_some());
                    let (cached, asked) = (report.queries.iter().any(|q| q.cached), asked.count());
                    (report.verdict, cached, r.asked + asked)
                }
                Err(_) => return Ok(None),
            };
        let proven = matches!(verdict, Verdict::Proven | Verdict::ProvenUnderPrecondition);
        let change = Change {
            cached,
            asked,
            ..change(&f.name, verdict, &r, started, (f, new))
        };
        if !proven {
            self.notes.push(format!(
                "{}: a candidate was not proven: {}",
                f.name, change.verdict
            ));
            return Ok(None);
        }
        Ok(Some((new_text, change)))
    }

    fn report(&self, input: &Path, output: &Path, changes: &[Change]) -> Result<u8, Failed> {
        let mut out = String::new();
        let good = |c: &&Change| {
            matches!(
                c.verdict,
                Verdict::Proven | Verdict::ProvenUnderPrecondition
            )
        };
        for n in &self.notes {
            out.push_str(&format!("note: {n}\n"));
        }
        for c in changes {
            out.push_str(&format!(
                "{}: cost {} -> {} by the model, {} ({}){}\n",
                c.name,
                c.before,
                c.after,
                c.verdict,
                c.method,
                by_store(c)
            ));
        }
        if !changes.iter().any(|c| good(&c)) {
            out.push_str(&format!(
                "nothing better was found; {} is {} unchanged\n",
                output.display(),
                input.display()
            ));
        } else {
            out.push_str(&format!("wrote {}\n", output.display()));
        }
        let item = |c: &Change| Item {
            name: c.name.clone(),
            verdict: c.verdict.clone(),
            method: format!(
                "{}, cost {} -> {}{}",
                c.method,
                c.before,
                c.after,
                by_store(c)
            ),
            cached: c.cached,
            rlimit: None,
            seconds: Some(c.seconds),
            report: None,
            programs: Some(Box::new(c.programs.clone())),
        };
        let title = format!("trinityc opt {}", input.display());
        let batch = Batch::summarise(
            &title,
            changes.iter().map(item).collect(),
            None,
            &self.command,
        );
        let document = Document::from(batch);
        if let Some(p) = self.path("json") {
            document.write_json(&p).map_err(report_failed)?;
        }
        if let Some(p) = self.path("html") {
            document.write_html(&p).map_err(report_failed)?;
        }
        if output == Path::new("-") {
            // The text is there.
            eprint!("{out}");
            return Ok(0);
        }
        print(&out)
    }
}

/// What the verdict took: questions to a solver, or the store.
fn by_store(c: &Change) -> String {
    match (c.cached, c.asked) {
        (false, 0) => String::new(),
        (false, n) => format!("; questions to a solver: {n}"),
        (true, 0) => ", from the store: no solver was asked".into(),
        (true, n) => format!(", from the store; a solver was asked {n} times in the search"),
    }
}

fn regions_of(f: &Function, results: PlaceSet, march: March) -> Vec<Found> {
    Cfg::new(f, results)
        .map(|c| regions(f, &c, march, LEAST).found)
        .unwrap_or_default()
}

fn pairs(
    r: &Replacement,
) -> Vec<(
    trinity_codegen::isa::Instruction,
    Option<trinity_superopt::input::SymbolUse>,
)> {
    r.code
        .iter()
        .copied()
        .zip(r.symbols.iter().cloned())
        .collect()
}

fn change(
    name: &str,
    verdict: Verdict,
    r: &Replacement,
    started: Instant,
    (before, after): (&Function, &Function),
) -> Change {
    Change {
        cached: false,
        asked: 0,
        programs: Programs {
            left: before.listing(),
            right: after.listing(),
        },
        name: name.to_owned(),
        verdict,
        method: r.engine.clone(),
        before: r.cost_before,
        after: r.cost_after,
        seconds: started.elapsed().as_secs_f64(),
    }
}
