//! `trinityc bench`: the benchmark suite beside the peers, in one interleaved run.
//!
//! Machines are noisy, so nothing is compared across runs: in every round each contestant of a program runs once, in turn, and ratios
//! are taken within the round. All outputs must agree, or the program's figures are withheld. Nothing is typed in by hand.

mod ablate;
mod contestant;
pub(crate) mod html;
mod manifest;
mod measure;
mod report;

use contestant::{Contestant, Prepared};
use std::path::PathBuf;
use std::time::Duration;

/// Size of the runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// The measured size.
    Default,
    /// The profile-training size.
    Train,
    /// Milliseconds: checks that everything runs.
    Smoke,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder with `manifest.toml`.
    pub dir: PathBuf,
    /// Folder for executables and reports.
    pub out: PathBuf,
    /// Names of programs; empty: all.
    pub names: Vec<String>,
    /// Keys of contestants; empty: all that are installed, but the one for this processor.
    pub contestants: Vec<String>,
    /// Rounds.
    pub runs: usize,
    /// Size of the runs.
    pub size: Size,
    /// Turn off one optimization after the other, instead of comparing contestants.
    pub ablate: bool,
    /// `-march` for what trinityc compiles.
    pub march: Option<String>,
    /// Time limit of one run.
    pub limit: Duration,
}

/// A failure of the bench itself (not of a contestant).
#[derive(Debug)]
pub enum BenchError {
    /// The manifest cannot be read or has a mistake.
    Manifest(String),
    /// A file cannot be written.
    Write(PathBuf, std::io::Error),
    /// Bad command line.
    Usage(String),
}

impl std::fmt::Display for BenchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BenchError::Manifest(m) => write!(f, "{m}"),
            BenchError::Write(p, e) => write!(f, "cannot write {}: {e}", p.display()),
            BenchError::Usage(m) => write!(f, "{m}"),
        }
    }
}

const USAGE: &str = "usage: trinityc bench [PROGRAM...] [--runs N] [--size default|train|smoke] [--only KEY,KEY] [--dir DIR] [--out DIR] [--ablate] [--march NAME]
  keys: gcc trinityc trinityc-train trinityc-native trinity luajit luajit-joff lua5.4 node pypy3 python3
  --ablate: what each optimization gives (trinityc --help-passes), by turning it off
  --march: for which processor trinityc compiles";

/// Parses the arguments behind `bench`.
pub fn parse(args: &[String]) -> Result<Options, BenchError> {
    let mut o = Options {
        dir: "benches".into(),
        out: "out/bench".into(),
        names: Vec::new(),
        contestants: Vec::new(),
        runs: 3,
        size: Size::Default,
        ablate: false,
        march: None,
        limit: Duration::from_secs(120),
    };
    let mut it = args.iter();
    while let Some(a) = it.next() {
        let mut value = || {
            it.next()
                .cloned()
                .ok_or_else(|| BenchError::Usage(format!("'{a}' needs a value\n{USAGE}")))
        };
        match a.as_str() {
            "--runs" => {
                o.runs = value()?.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
                    BenchError::Usage(format!("--runs takes a positive number\n{USAGE}"))
                })?;
            }
            "--size" => {
                o.size = match value()?.as_str() {
                    "default" => Size::Default,
                    "train" => Size::Train,
                    "smoke" => Size::Smoke,
                    _ => {
                        return Err(BenchError::Usage(format!(
                            "--size is default, train or smoke\n{USAGE}"
                        )));
                    }
                }
            }
            "--only" => o.contestants = value()?.split(',').map(str::to_string).collect(),
            "--march" => o.march = Some(value()?),
            "--ablate" => o.ablate = true,
            "--dir" => o.dir = value()?.into(),
            "--out" => o.out = value()?.into(),
            _ if a.starts_with('-') => {
                return Err(BenchError::Usage(format!("unknown option '{a}'\n{USAGE}")));
            }
            name => o.names.push(name.to_string()),
        }
    }
    Ok(o)
}

impl Options {
    /// Whether a contestant takes part: those asked for, else all but the one for this processor.
    fn takes(&self, c: Contestant) -> bool {
        match self.contestants.is_empty() {
            true => c != Contestant::Native,
            false => self.contestants.iter().any(|k| k == c.key()),
        }
    }
    /// The `-march` for the compiler.
    fn march(&self) -> Option<String> {
        self.march.as_ref().map(|m| format!("-march={m}"))
    }
}

/// Runs the suite; true when every contestant agreed everywhere.
pub fn run(o: &Options) -> Result<bool, BenchError> {
    let programs = manifest::read(&o.dir)?;
    for n in &o.names {
        if !programs.iter().any(|p| p.name == *n) {
            return Err(BenchError::Usage(format!(
                "no program '{n}' in {}",
                o.dir.display()
            )));
        }
    }
    for k in &o.contestants {
        if !Contestant::ALL.iter().any(|c| c.key() == k) {
            return Err(BenchError::Usage(format!("no contestant '{k}'\n{USAGE}")));
        }
    }
    std::fs::create_dir_all(&o.out).map_err(|e| BenchError::Write(o.out.clone(), e))?;
    if o.ablate {
        return ablate::run(o);
    }
    let mut results = Vec::new();
    for p in programs
        .iter()
        .filter(|p| o.names.is_empty() || o.names.contains(&p.name))
    {
        eprintln!("bench: {}", p.name);
        let prepared: Vec<Prepared> = Contestant::ALL
            .iter()
            .filter(|c| o.takes(**c))
            .filter_map(|c| contestant::prepare(*c, p, o))
            .collect();
        results.push(measure::program(p, &prepared, o));
    }
    let summary = report::Summary::new(o, results);
    print!("{}", summary.table());
    let json = o.out.join("bench.json");
    std::fs::write(&json, summary.json()).map_err(|e| BenchError::Write(json.clone(), e))?;
    let page = o.out.join("bench.html");
    std::fs::write(&page, html::page(&summary)).map_err(|e| BenchError::Write(page.clone(), e))?;
    println!("\nwritten: {} and {}", json.display(), page.display());
    Ok(summary.all_agree())
}
