//! Proofs of rules: every instance of every rule, on all cores, with a report.

pub mod ieee;
pub mod lemma;
pub mod prove;
pub mod report;
pub mod sample;
#[cfg(test)]
mod tests;

pub use prove::{Budget, Counterexample, InstanceResult, Method};

use super::rule::{Meaning, Rule};
use crate::report::verdict::{Verdict, VerdictKind};
use crate::solver::SolverPool;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The end of one rule: all its instances.
#[derive(Clone, Debug)]
pub struct Outcome<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// Its instances, by width.
    pub instances: Vec<InstanceResult>,
}

/// Verdicts of which the worst counts, worst first.
const WORST: [VerdictKind; 7] = [
    VerdictKind::Refuted,
    VerdictKind::Error,
    VerdictKind::Vacuous,
    VerdictKind::Unsupported,
    VerdictKind::Timeout,
    VerdictKind::Unknown,
    VerdictKind::Bounded,
];

impl Outcome<'_> {
    /// The worst verdict of the instances.
    pub fn verdict(&self) -> VerdictKind {
        worst(self.instances.iter().map(|i| &i.verdict))
    }
    /// Time of all instances.
    pub fn time(&self) -> Duration {
        self.instances.iter().map(|i| i.time).sum()
    }
}

fn worst<'v>(verdicts: impl Iterator<Item = &'v Verdict>) -> VerdictKind {
    let kinds: Vec<VerdictKind> = verdicts.map(Verdict::kind).collect();
    let found = WORST.into_iter().find(|w| kinds.contains(w));
    found.unwrap_or(VerdictKind::Proven)
}

/// The worst verdict of all rules: what a command's exit code says.
pub fn overall(outcomes: &[Outcome]) -> VerdictKind {
    worst(
        outcomes
            .iter()
            .flat_map(|o| o.instances.iter().map(|i| &i.verdict)),
    )
}

/// How far a verification is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Instances done.
    pub done: usize,
    /// Instances in all.
    pub total: usize,
    /// Instances that are not proven.
    pub failed: usize,
    /// The rule just done.
    pub rule: &'a str,
    /// Since the beginning.
    pub elapsed: Duration,
}

/// Proves rules at their widths (at `only`, unless empty), on all cores of rayon's pool.
pub fn verify<'r>(
    rules: &'r [Rule],
    only: &[u32],
    budget: &Budget,
    solvers: &SolverPool,
    progress: &(dyn Fn(Progress) + Sync),
) -> Vec<Outcome<'r>> {
    let start = Instant::now();
    let work: Vec<(usize, Meaning<'r>)> = rules
        .iter()
        .enumerate()
        .flat_map(|(i, r)| {
            // `instances` gives widths at which the rule makes sense.
            r.instances(only)
                .into_iter()
                .filter_map(move |at| Some((i, Meaning::new(r, at).ok()?)))
        })
        .collect();
    let (done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Vec<(usize, InstanceResult)> = work
        .par_iter()
        .with_max_len(1)
        .map(|(i, meaning)| {
            let result = prove::instance(meaning, budget, solvers);
            let bad = usize::from(result.verdict != Verdict::Proven);
            progress(Progress {
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                total: work.len(),
                failed: failed.fetch_add(bad, Ordering::Relaxed) + bad,
                rule: &meaning.rule.name,
                elapsed: start.elapsed(),
            });
            (*i, result)
        })
        .collect();
    let mut outcomes: Vec<Outcome<'r>> = rules
        .iter()
        .map(|rule| Outcome {
            rule,
            instances: Vec::new(),
        })
        .collect();
    for (i, result) in results {
        outcomes[i].instances.push(result);
    }
    outcomes.retain(|o| !o.instances.is_empty());
    outcomes
}
