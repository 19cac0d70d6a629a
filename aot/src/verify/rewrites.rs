//! What equality saturation replaced: each block's code as it was against what stands there.

use super::report::percent;
use crate::compile::Compiled;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use trinity_superopt::report::batch::Item;
use trinity_superopt::report::verdict::{Verdict, VerdictKind};
use trinity_superopt::solver::SolverPool;
use trinity_superopt::validate::Budget;
use trinity_superopt::validate::rewrite::{Compared, Rewrite};
use trinity_superopt::validate::weights::Counts;

/// A block that was replaced, with what it weighs.
pub(super) struct Rewritten {
    pub name: String,
    weight: u64,
    pub found: Compared,
}

/// Compares all of them. They weigh as many instructions as are new, or as many as were executed of the function's machine code for their line.
pub(super) fn run(
    compiled: &Compiled,
    budget: &Budget,
    solvers: Option<&SolverPool>,
    counts: Option<&HashMap<String, Counts>>,
) -> Vec<Rewritten> {
    let job = |r: &Rewrite| {
        let name = &r.before.name;
        let lines = counts.map(|c| lines(compiled, name, c));
        let found = r.compare(budget, solvers);
        let file = name
            .rsplit_once(':')
            .map_or(name.as_str(), |n| n.0)
            .to_owned();
        let name = name.clone();
        found.into_iter().map(move |found| {
            let line = found.loc.0;
            Rewritten {
                name: format!("{file}:{line}: rewrite in {name}, block {}", found.block.0),
                weight: match &lines {
                    Some(lines) => lines.get(&line).copied().unwrap_or(0),
                    None => found.instructions.into(),
                },
                found,
            }
        })
    };
    let all = compiled.replaced.par_iter().with_max_len(1);
    all.flat_map_iter(job).collect()
}

/// Executed instructions by line of the machine code of a function, by its name in the IR.
fn lines(compiled: &Compiled, name: &str, counts: &HashMap<String, Counts>) -> HashMap<u32, u64> {
    let mut out = HashMap::new();
    for unit in &compiled.units {
        let file = String::from_utf8_lossy(&unit.shown);
        let funcs = unit.funcs.iter();
        for f in funcs.filter(|f| name == format!("{file}:{}", f.name.line)) {
            for (at, n) in counts.get(&f.name.symbol).into_iter().flatten() {
                let k = f.srclocs.partition_point(|s| s.0 <= *at);
                let line = k.checked_sub(1).map_or(0, |k| f.srclocs[k].1);
                *out.entry(line).or_default() += n;
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
