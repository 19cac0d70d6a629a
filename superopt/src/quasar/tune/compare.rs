//! The winner against the default on what was held out of tuning.
//!
//! Runs come in pairs: the same task and seed with either set of values. The statistic is the geometric mean over tasks
//! of default / tuned cost; its interval is a percentile bootstrap that draws tasks first, then pairs within each (with
//! one task, pairs only), since runs of one task share what is special about it. Censoring counts against the winner: a
//! censored default counts as the cap (a lower bound of what it would have cost), a censored winner as the penalty.

use super::{Cost, Plan, Subject, TuneError, bootstrap_draw};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is held out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Trial {
    /// Tasks; those not tuned on say most.
    pub tasks: Vec<usize>,
    /// Seeds of each task's pairs. A task that was tuned on needs seeds that were not.
    pub seeds: Vec<u64>,
    /// Resamplings of the bootstrap; 10,000 are usual.
    pub resamples: usize,
    /// Confidence of the two-sided interval, such as 0.95.
    pub confidence: f64,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Two runs that differ in the values only.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Pair {
    /// The task.
    pub task: usize,
    /// The seed.
    pub seed: u64,
    /// Cost with the default values.
    pub default: Cost,
    /// Cost with the tuned values.
    pub tuned: Cost,
}

/// What the pairs say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The whole interval is above 1: it may be shipped.
    Better,
    /// The whole interval is below 1.
    Worse,
    /// Neither: the default stays.
    Undecided,
}

/// The comparison.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// Every pair, task by task.
    pub pairs: Vec<Pair>,
    /// Geometric mean of default / tuned cost: above 1 the tuned values are better.
    pub ratio: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// Confidence of the interval.
    pub confidence: f64,
    /// Pairs the tuned values won.
    pub wins: usize,
    /// Pairs the default won.
    pub losses: usize,
    /// The answer.
    pub outcome: Outcome,
}

impl Comparison {
    /// Whether the tuned values may be shipped: only if they win on what they were not tuned on.
    pub fn ship(&self) -> bool {
        self.outcome == Outcome::Better
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.outcome {
            Outcome::Better => "better, shipped",
            Outcome::Worse => "worse, not shipped",
            Outcome::Undecided => "not shown to be better, not shipped",
        };
        write!(
            f,
            "held out: {} pairs, {} won, {} lost; default/tuned cost {:.3} ({:.0} % interval {:.3} to {:.3}): {verdict}",
            self.pairs.len(),
            self.wins,
            self.losses,
            self.ratio,
            self.confidence * 100.0,
            self.low,
            self.high
        )
    }
}

/// Runs the pairs and says whether `tuned` is better than `default`. None if `over` (asked before every pair) stopped it:
/// part of a comparison decides nothing.
pub fn compare(
    subject: &dyn Subject,
    plan: &Plan,
    trial: &Trial,
    default: &[f64],
    tuned: &[f64],
    over: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Comparison>, TuneError> {
    if trial.tasks.is_empty() || trial.seeds.is_empty() {
        return Err(TuneError::Empty);
    }
    for &task in trial.tasks.iter().filter(|t| plan.tasks.contains(t)) {
        if let Some(&seed) = trial.seeds.iter().find(|s| plan.seeds.contains(s)) {
            return Err(TuneError::Overlap { task, seed });
        }
    }
    let seeds = trial.seeds.len();
    let pairs: Option<Vec<Pair>> = (0..trial.tasks.len() * seeds)
        .into_par_iter()
        .map(|at| {
            let (task, seed) = (trial.tasks[at / seeds], trial.seeds[at % seeds]);
            (!over()).then(|| Pair {
                task,
                seed,
                default: subject.run(default, task, seed, plan.cap),
                tuned: subject.run(tuned, task, seed, plan.cap),
            })
        })
        .collect();
    Ok(pairs.map(|pairs| judge(pairs, plan, trial)))
}

/// The statistic and its interval.
fn judge(pairs: Vec<Pair>, plan: &Plan, trial: &Trial) -> Comparison {
    // Logarithms of default / tuned, task by task; all tasks have the same number of pairs.
    let logs: Vec<f64> = pairs.iter().map(|p| advantage(p, plan)).collect();
    let tasks: Vec<&[f64]> = logs.chunks(trial.seeds.len()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let mut draw = bootstrap_draw(trial.seed);
    let mut means: Vec<f64> = (0..trial.resamples.max(1))
        .map(|_| {
            let mut sum = 0.0;
            for _ in 0..tasks.len() {
                let task = tasks[draw.index(tasks.len())];
                sum += (0..task.len())
                    .map(|_| task[draw.index(task.len())])
                    .sum::<f64>();
            }
            sum / logs.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let tail = ((1.0 - trial.confidence.clamp(0.0, 1.0)) / 2.0 * means.len() as f64) as usize;
    let tail = tail.min((means.len() - 1) / 2);
    let (low, high) = (means[tail], means[means.len() - 1 - tail]);
    Comparison {
        wins: logs.iter().filter(|l| **l > 0.0).count(),
        losses: logs.iter().filter(|l| **l < 0.0).count(),
        ratio: mean.exp(),
        low: low.exp(),
        high: high.exp(),
        confidence: trial.confidence,
        outcome: if low > 0.0 {
            Outcome::Better
        } else if high < 0.0 {
            Outcome::Worse
        } else {
            Outcome::Undecided
        },
        pairs,
    }
}

/// Logarithm of default / tuned cost, censoring held against the tuned side; 0 where both were censored.
fn advantage(pair: &Pair, plan: &Plan) -> f64 {
    let done = |c: Cost| match c {
        Cost::Done(c) if c < plan.cap => Some(c.max(f64::MIN_POSITIVE)),
        Cost::Done(_) | Cost::Censored => None,
    };
    let penalised = plan.cap * plan.penalty.max(1.0);
    match (done(pair.default), done(pair.tuned)) {
        (None, None) => 0.0,
        (Some(d), None) => (d / penalised).ln(),
        (None, Some(t)) => (plan.cap / t).ln(),
        (Some(d), Some(t)) => (d / t).ln(),
    }
}
