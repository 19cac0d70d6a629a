//! What equality saturation replaced: each block's code as it was against what stands there.

use super::report::{line, percent};
use crate::compile::Compiled;
use crate::unit::{Func, Unit};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use trinity_superopt::report::batch::Item;
use trinity_superopt::report::verdict::{Verdict, VerdictKind};
use trinity_superopt::solver::SolverPool;
use trinity_superopt::validate::Budget;
use trinity_superopt::validate::rewrite::{Compared, Rewrite};
use trinity_superopt::validate::weights::Counts;

/// A function's name in the SSA form.
pub(super) fn function(unit: &Unit, func: &Func) -> String {
    trinity_lower::name_at(&String::from_utf8_lossy(&unit.shown), func.name.line)
}

/// A block that was replaced, with what it weighs.
pub(super) struct Rewritten {
    pub name: String,
    /// Its name in the SSA form.
    function: String,
    weight: u64,
    pub found: Compared,
}

/// Functions and lines of which a rewrite is not proven.
pub(super) fn open(all: &[Rewritten]) -> BTreeSet<(&str, u32)> {
    let open = all.iter().filter(|r| r.found.verdict != Verdict::Proven);
    open.map(|r| (r.function.as_str(), r.found.loc.0)).collect()
}

/// Compares all of them. They weigh as many instructions as are new, or as many as were executed of the function's machine code for their line: that
/// counts once, for one that is not proven if there is one.
pub(super) fn run(
    compiled: &Compiled,
    budget: &Budget,
    solvers: Option<&SolverPool>,
    counts: Option<&HashMap<String, Counts>>,
) -> Vec<Rewritten> {
    let executed = counts.map(|c| executed(compiled, c));
    let job = |r: &Rewrite| {
        let name = r.before.name.clone();
        let found = r.compare(budget, solvers);
        let file = name
            .rsplit_once(':')
            .map_or(name.as_str(), |n| n.0)
            .to_owned();
        found.into_iter().map(move |found| {
            let line = found.loc.0;
            Rewritten {
                name: format!("{file}:{line}: rewrite in {name}, block {}", found.block.0),
                function: name.clone(),
                weight: found.instructions.into(),
                found,
            }
        })
    };
    let all = compiled.replaced.par_iter().with_max_len(1);
    let mut all: Vec<Rewritten> = all.flat_map_iter(job).collect();
    if let Some(executed) = executed {
        let mut counted: BTreeSet<(String, u32)> = BTreeSet::new();
        let (proven, open): (Vec<_>, Vec<_>) =
            (0..all.len()).partition(|&n| all[n].found.verdict == Verdict::Proven);
        for n in open.into_iter().chain(proven) {
            let r = &mut all[n];
            let place = (r.function.clone(), r.found.loc.0);
            let weight = executed.get(&place).copied().unwrap_or(0);
            r.weight = if counted.insert(place) { weight } else { 0 };
        }
    }
    all
}

/// Executed instructions of the machine code, by function and line.
fn executed(compiled: &Compiled, counts: &HashMap<String, Counts>) -> BTreeMap<(String, u32), u64> {
    let mut out = BTreeMap::new();
    for unit in &compiled.units {
        for f in &unit.funcs {
            for (at, n) in counts.get(&f.name.symbol).into_iter().flatten() {
                let place = (function(unit, f), line(f, *at));
                *out.entry(place).or_default() += n;
            }
        }
    }
    out
}

/// Counts by verdict, and what is open; nothing if nothing was replaced.
pub(super) fn summary(all: &[Rewritten]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let total: u64 = all.iter().map(|r| r.weight).sum();
    let mut by: BTreeMap<VerdictKind, (u64, u64)> = BTreeMap::new();
    for r in all {
        let entry = by.entry(r.found.verdict.kind()).or_default();
        entry.0 += 1;
        entry.1 += r.weight;
    }
    let parts: Vec<String> = by
        .iter()
        .map(|(k, (n, w))| format!("{n} {} ({:.2} %)", k.name(), percent(*w, total)))
        .collect();
    let mut text = format!(
        "\n  {} rewrites of SSA form: {}",
        all.len(),
        parts.join(", ")
    );
    let open = all.iter().filter(|r| r.found.verdict != Verdict::Proven);
    for r in open.take(5) {
        let kind = r.found.verdict.kind().name();
        text.push_str(&format!("\n    {kind}: {}: {}", r.name, r.found.what));
    }
    text
}

impl Rewritten {
    /// For the report.
    pub(super) fn item(&self) -> Item {
        let bounds = self.found.bounds.iter();
        let bounds: Vec<String> = bounds.map(|(v, n)| format!("; {v} has {n} bits")).collect();
        Item {
            name: self.name.clone(),
            verdict: self.found.verdict.clone(),
            method: format!(
                "rewrite; weight {}; {} terms compared{}; {}",
                self.weight,
                self.found.asked,
                bounds.concat(),
                self.found.what
            ),
            cached: false,
            rlimit: None,
            seconds: None,
            report: None,
            programs: None,
        }
    }
}
