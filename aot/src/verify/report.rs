//! All functions compared, and what was found told.

use super::{Asked, rewrites};
use crate::compile::Compiled;
use crate::exit::{Error, Failure, Result, reason};
use crate::unit::{Func, Unit};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use trinity_superopt::report::batch::{Batch, Item};
use trinity_superopt::report::verdict::{Verdict, VerdictKind};
use trinity_superopt::report::{Document, Report};
use trinity_superopt::solver::SolverPool;
use trinity_superopt::validate::weights::{self, Counts};
use trinity_superopt::validate::{Budget, Region, validate};

/// A region of a function with what it weighs.
struct Checked {
    name: String,
    weight: u64,
    /// The function's name in the SSA form, and the weight by its lines.
    function: String,
    lines: BTreeMap<u32, u64>,
    region: Region,
}

/// See [`super::run`].
pub fn run(asked: &Asked, compiled: &Compiled) -> Result<String> {
    let counts = match &asked.weights {
        Some(path) => Some(
            weights::read(path)
                .map_err(|why| Error::new(Failure::Input, format!("{}: {why}", path.display())))?,
        ),
        None => None,
    };
    let solvers = SolverPool::located().ok();
    let budget = Budget::default();
    let jobs: Vec<(&Unit, &Func)> = compiled
        .units
        .iter()
        .flat_map(|u| u.funcs.iter().map(move |f| (u, f)))
        .collect();
    let job = |&(unit, func): &(&Unit, &Func)| {
        let counts = counts.as_ref().map(|c| c.get(&func.name.symbol));
        function(unit, func, &budget, solvers.as_ref(), counts)
    };
    let all: Vec<Checked> = jobs.par_iter().with_max_len(1).flat_map_iter(job).collect();
    let rewrites = rewrites::run(compiled, &budget, solvers.as_ref(), counts.as_ref());
    let mut summary = summary(&all, solvers.is_some(), asked.weights.is_some());
    summary.push_str(&rewrites::summary(&rewrites));
    summary.push_str(&joined(&all, &rewrites));
    if let Some(path) = &asked.report {
        write(path, &all, &rewrites, &summary)?;
    }
    let mut found = all
        .iter()
        .map(|c| (&c.name, &c.region.verdict, &c.region.what));
    let mut rewritten = rewrites
        .iter()
        .map(|r| (&r.name, &r.found.verdict, &r.found.what));
    let wrong = |x: &(_, &Verdict, _)| *x.1 == Verdict::Refuted;
    match rewritten.find(wrong).or_else(|| found.find(wrong)) {
        None => Ok(summary),
        Some((name, _, what)) => {
            let what = format!("{summary}\nrefuted: {name}: {what}");
            Err(Error::new(Failure::Refuted, what))
        }
    }
}

/// The line of an offset.
pub(super) fn line(func: &Func, at: u32) -> u32 {
    let n = func.srclocs.partition_point(|s| s.0 <= at);
    n.checked_sub(1).map_or(0, |n| func.srclocs[n].1)
}

/// A function's regions; of code that is not made from IR, one that is unsupported.
fn function(
    unit: &Unit,
    func: &Func,
    budget: &Budget,
    solvers: Option<&SolverPool>,
    counts: Option<Option<&Counts>>,
) -> Vec<Checked> {
    let file = String::from_utf8_lossy(&unit.shown).into_owned();
    let weigh = |instructions: &[u32], done: &mut HashMap<u32, ()>| {
        let mut lines: BTreeMap<u32, u64> = BTreeMap::new();
        let new = instructions
            .iter()
            .filter(|i| done.insert(**i, ()).is_none());
        for i in new {
            let weight = match counts {
                None => 1,
                Some(c) => c.and_then(|c| c.get(i)).copied().unwrap_or(0),
            };
            *lines.entry(line(func, *i)).or_default() += weight;
        }
        lines
    };
    let mut done = HashMap::new();
    let mut out = Vec::new();
    let mut lost = Vec::new();
    for (at, part) in &func.kept {
        let end = *at as usize + part.code.len();
        let Some(kept) = &part.kept else { continue };
        if func.code.get(*at as usize..end) != Some(&part.code[..]) {
            lost.push(*at);
            continue;
        }
        let mut regions = validate(kept, part, budget, solvers).regions;
        // Instructions that several regions execute count for one that is not proven.
        regions.sort_by_key(|r| r.verdict == Verdict::Proven);
        for mut region in regions {
            region.offset += at;
            region.instructions.iter_mut().for_each(|i| *i += at);
            let lines = weigh(&region.instructions, &mut done);
            let (symbol, block) = (&func.name.symbol, region.block);
            let line = line(func, region.offset);
            let part = if *at == 0 && func.kept.len() > 1 {
                " entry"
            } else {
                ""
            };
            let name = format!(
                "{file}:{line}: {symbol}{part} b{block}+{:#x}",
                region.offset
            );
            out.push(Checked {
                name,
                weight: lines.values().sum(),
                function: rewrites::function(unit, func),
                lines,
                region,
            });
        }
    }
    out.sort_by_key(|c| c.region.offset);
    // The rest: jumps to the interpreter, forwarders.
    let rest: u64 = match counts {
        None => u64::from(func.kept.is_empty()),
        Some(None) => 0,
        Some(Some(c)) => {
            let known = |at: &u32| done.contains_key(at);
            c.iter().filter(|(at, _)| !known(at)).map(|x| x.1).sum()
        }
    };
    if rest > 0 || !lost.is_empty() {
        out.push(Checked {
            name: format!("{file}:{}: {} other code", func.name.line, func.name.symbol),
            weight: rest,
            function: String::new(),
            lines: BTreeMap::new(),
            region: Region {
                block: u32::MAX,
                offset: 0,
                instructions: Vec::new(),
                verdict: Verdict::Unsupported {
                    instruction: String::new(),
                    address: 0,
                    why: "code that was not made from the SSA form, or changed since".into(),
                },
                what: String::new(),
                asked: 0,
            },
        });
    }
    out
}

fn why(r: &Region) -> String {
    match &r.verdict {
        Verdict::Unsupported {
            instruction, why, ..
        } => format!("{why} {instruction}").trim_end().to_owned(),
        Verdict::Unknown { why } | Verdict::Error { why } => format!("{}: {why}", r.what),
        _ => r.what.clone(),
    }
}

pub(super) fn percent(part: u64, all: u64) -> f64 {
    100.0 * part as f64 / (all.max(1)) as f64
}

/// Counts by verdict, plain and by weight.
fn summary(all: &[Checked], solver: bool, executed: bool) -> String {
    let total: u64 = all.iter().map(|c| c.weight).sum();
    let mut by: BTreeMap<VerdictKind, (u64, u64)> = BTreeMap::new();
    for c in all {
        let entry = by.entry(c.region.verdict.kind()).or_default();
        entry.0 += 1;
        entry.1 += c.weight;
    }
    let parts: Vec<String> = by
        .iter()
        .map(|(k, (n, w))| format!("{n} {} ({:.2} %)", k.name(), percent(*w, total)))
        .collect();
    let what = if executed {
        "instructions executed"
    } else {
        "instructions"
    };
    let mut text = format!(
        "verified {} regions, {total} {what}: {}",
        all.len(),
        parts.join(", ")
    );
    if !solver {
        text.push_str("; no trinity-solver was found");
    }
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for c in all.iter().filter(|c| c.region.verdict != Verdict::Proven) {
        let why = format!("{}: {}", c.region.verdict.kind().name(), why(&c.region));
        *reasons.entry(why).or_default() += c.weight;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (why, weight) in reasons.iter().take(5) {
        text.push_str(&format!("\n  {:.2} % {why}", percent(*weight, total)));
    }
    text
}

/// How much is proven from the SSA form before it was rewritten to machine code: what executes a proven region, of a line of which no
/// rewrite is open. Nothing if nothing was rewritten.
fn joined(all: &[Checked], rewrites: &[rewrites::Rewritten]) -> String {
    if rewrites.is_empty() {
        return String::new();
    }
    let open = rewrites::open(rewrites);
    let proven = all.iter().filter(|c| c.region.verdict == Verdict::Proven);
    let lines = proven.flat_map(|c| c.lines.iter().map(move |(line, n)| (&c.function, line, n)));
    let lines = lines.filter(|(f, line, _)| !open.contains(&(f.as_str(), **line)));
    let proven: u64 = lines.map(|x| x.2).sum();
    let total: u64 = all.iter().map(|c| c.weight).sum();
    format!(
        "\n  proven from the SSA form before it was rewritten: {:.2} %",
        percent(proven, total)
    )
}

/// Writes the report.
fn write(
    path: &Path,
    all: &[Checked],
    rewrites: &[rewrites::Rewritten],
    summary: &str,
) -> Result<()> {
    let items = all
        .iter()
        .map(|c| Item {
            name: c.name.clone(),
            verdict: c.region.verdict.clone(),
            method: format!(
                "weight {}; {} terms compared; {}",
                c.weight,
                c.region.asked,
                why(&c.region)
            ),
            cached: false,
            rlimit: None,
            seconds: None,
            report: None,
            programs: None,
        })
        .chain(rewrites.iter().map(rewrites::Rewritten::item))
        .collect();
    let title = summary.lines().next().unwrap_or_default();
    let batch = Batch::summarise(title, items, None, "trinityc --verify");
    let document = Document::new(Report::Batch(Box::new(batch)));
    let extension = path.extension().and_then(|e| e.to_str());
    let text = match extension {
        Some("html") => {
            let done = document.write_html(path);
            return done.map_err(|e| Error::new(Failure::Output, e.to_string()));
        }
        Some("txt") => format!("{summary}\n\n{}", document.to_text()),
        _ => document.to_json(),
    };
    std::fs::write(path, text).map_err(|e| {
        let what = format!("{}: {}", path.display(), reason(&e));
        Error::new(Failure::Output, what)
    })
}
