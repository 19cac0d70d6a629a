//! Tunes named parameters by QUASAR, and says whether the result holds on what it was not tuned on.
//!
//! A tuner that reports its best training score reports luck: of hundreds of candidates judged by noisy runs the best is
//! partly the luckiest. So the winner is run again beside the default on tasks and seeds that tuning has never seen, in
//! pairs, and it may be shipped only if a confidence interval of the paired ratio is better than 1 ([`compare`]).
//!
//! - Candidates are points of the unit cube, mapped by each parameter's [`Scale`].
//! - A candidate's score is the mean over tasks of the logarithm of the median cost over seeds. All candidates share
//!   the seeds. A run stopped at the cap counts as [`Plan::penalty`] times the cap.
//! - The default is the first candidate, so the winner of the training set is never worse there than the default.
//! - The state ([`Tuner`]) is saved between generations; a run cut short within one loses that generation's runs only.

mod compare;

pub use compare::{Comparison, Outcome, Pair, Trial, compare};

use super::draw::{Draw, Purpose};
use super::{Config, Error, Optimiser, Quasar, Space};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a parameter's range is walked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Differences count.
    Linear,
    /// Ratios count; the range is positive.
    Logarithmic,
    /// Whole numbers, both ends included, each as likely as another.
    Integer,
    /// Whole numbers whose ratios count; the range is positive.
    LogInteger,
}

/// A parameter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, in logs and for the subject.
    pub name: String,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How the range is walked.
    pub scale: Scale,
    /// What is used without tuning; it may lie outside the range.
    pub default: f64,
}

impl Parameter {
    /// The value at a place of the unit interval.
    pub fn value(&self, unit: f64) -> f64 {
        let u = unit.clamp(0.0, 1.0);
        let (low, high) = (self.low, self.high);
        let value = match self.scale {
            Scale::Linear => low + u * (high - low),
            Scale::Logarithmic => low * (high / low).powf(u),
            Scale::Integer => (low + u * (high - low + 1.0)).floor(),
            Scale::LogInteger => (low * ((high + 1.0) / low).powf(u)).floor(),
        };
        value.clamp(low, high)
    }

    fn check(&self) -> Result<(), TuneError> {
        let ordered = self.low.is_finite() && self.high.is_finite() && self.low < self.high;
        let positive = self.low > 0.0;
        let whole = self.low.fract() == 0.0 && self.high.fract() == 0.0;
        let good = match self.scale {
            Scale::Linear => true,
            Scale::Logarithmic => positive,
            Scale::Integer => whole,
            Scale::LogInteger => positive && whole,
        };
        if ordered && good && self.default.is_finite() {
            Ok(())
        } else {
            Err(TuneError::Parameter(self.name.clone()))
        }
    }
}

/// Why a tuner refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TuneError {
    /// A parameter's range does not fit its scale, or is not a range.
    Parameter(String),
    /// No parameters, tasks or seeds were given.
    Empty,
    /// A task is both tuned and tested on with the same seed.
    Overlap {
        /// The task.
        task: usize,
        /// The seed.
        seed: u64,
    },
    /// The optimiser's own.
    Search(Error),
}

impl fmt::Display for TuneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TuneError::Parameter(name) => write!(
                f,
                "parameter `{name}`: the range must be finite and ascending, positive for a logarithmic scale, of whole numbers for an integer one"
            ),
            TuneError::Empty => {
                f.write_str("tuning needs at least one parameter, one task and one seed")
            }
            TuneError::Overlap { task, seed } => {
                write!(
                    f,
                    "task {task} with seed {seed} is both tuned and tested on"
                )
            }
            TuneError::Search(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for TuneError {}

impl From<Error> for TuneError {
    fn from(e: Error) -> TuneError {
        TuneError::Search(e)
    }
}

/// What one run cost.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub enum Cost {
    /// It was done at this cost, which is positive.
    Done(f64),
    /// It was stopped at the cap.
    Censored,
}

/// What is tuned. Implementations are called from several threads at once, and must be deterministic if the
/// tuning is to be: count proposals, not seconds.
pub trait Subject: Sync {
    /// Runs a task with these parameter values (in the plan's order) and this seed, giving up at cost `cap`.
    fn run(&self, values: &[f64], task: usize, seed: u64, cap: f64) -> Cost;
}

/// What is run, how often, and how far.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// What is tuned.
    pub parameters: Vec<Parameter>,
    /// Tasks to tune on; the numbers mean something to the subject only.
    pub tasks: Vec<usize>,
    /// Seeds of each task's runs; the median is taken over them.
    pub seeds: Vec<u64>,
    /// Cost at which a run is given up.
    pub cap: f64,
    /// A censored run counts as this many caps (at least 1).
    pub penalty: f64,
    /// The search: population, generations, seed.
    pub search: Config,
}

/// One candidate of the log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The generation it was proposed in; none for the default.
    pub generation: Option<u32>,
    /// Its values, in the plan's order.
    pub values: Vec<f64>,
    /// The median cost of each task, in the plan's order.
    pub medians: Vec<f64>,
    /// Runs stopped at the cap.
    pub censored: usize,
    /// Mean logarithm of the medians; less is better.
    pub score: f64,
}

/// Why tuning ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ended {
    /// All generations are done.
    Generations,
    /// The candidates allowed are spent.
    Candidates,
    /// The caller's deadline or stop.
    Stopped,
}

/// A tuning run. Serialisable; see the module's header.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tuner {
    plan: Plan,
    quasar: Quasar,
    log: Vec<Entry>,
}

impl Tuner {
    /// A run at its start.
    pub fn new(plan: Plan) -> Result<Tuner, TuneError> {
        if plan.parameters.is_empty() || plan.tasks.is_empty() || plan.seeds.is_empty() {
            return Err(TuneError::Empty);
        }
        plan.parameters.iter().try_for_each(Parameter::check)?;
        let space = Space::cube(plan.parameters.len(), 0.0, 1.0)?;
        let quasar = Quasar::new(space, plan.search.clone())?;
        Ok(Tuner {
            plan,
            quasar,
            log: Vec::new(),
        })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Every candidate judged in full, in the order of proposal; the default is the first.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// The default's values.
    pub fn default_values(&self) -> Vec<f64> {
        self.plan.parameters.iter().map(|p| p.default).collect()
    }

    /// The best candidate on the tasks tuned on; the earlier one of equals, so the default unless something beats it.
    pub fn winner(&self) -> Option<&Entry> {
        self.log.iter().min_by(|a, b| a.score.total_cmp(&b.score))
    }

    /// Runs generations until they are done, `candidates` are judged (looked at between generations, so that
    /// the state stays whole), or `over` says so (asked before every run). `saved` gets the state after each generation.
    pub fn run(
        &mut self,
        subject: &dyn Subject,
        candidates: Option<usize>,
        over: &(dyn Fn() -> bool + Sync),
        saved: &mut dyn FnMut(&Tuner),
    ) -> Result<Ended, TuneError> {
        if self.log.is_empty() {
            let values = self.default_values();
            match self.judge(subject, vec![(None, values)], over) {
                Some(entries) => self.log.extend(entries),
                None => return Ok(Ended::Stopped),
            }
        }
        while !self.quasar.ask().is_empty() {
            if candidates.is_some_and(|most| self.log.len() >= most) {
                return Ok(Ended::Candidates);
            }
            let generation = Some(self.quasar.generation());
            let candidate = |unit: &Vec<f64>| {
                let parameters = self.plan.parameters.iter();
                let values = parameters.zip(unit).map(|(p, u)| p.value(*u)).collect();
                (generation, values)
            };
            let asked: Vec<_> = self.quasar.ask().iter().map(candidate).collect();
            let Some(entries) = self.judge(subject, asked, over) else {
                return Ok(Ended::Stopped);
            };
            let scores: Vec<f64> = entries.iter().map(|e| e.score).collect();
            self.log.extend(entries);
            self.quasar.tell(&scores)?;
            saved(self);
        }
        Ok(Ended::Generations)
    }

    /// Judges candidates in parallel, a run at a time; none if it was stopped in between.
    fn judge(
        &self,
        subject: &dyn Subject,
        candidates: Vec<(Option<u32>, Vec<f64>)>,
        over: &(dyn Fn() -> bool + Sync),
    ) -> Option<Vec<Entry>> {
        let plan = &self.plan;
        let (tasks, seeds) = (plan.tasks.len(), plan.seeds.len());
        let costs: Option<Vec<Cost>> = (0..candidates.len() * tasks * seeds)
            .into_par_iter()
            .map(|at| {
                let (candidate, run) = (at / (tasks * seeds), at % (tasks * seeds));
                let (task, seed) = (plan.tasks[run / seeds], plan.seeds[run % seeds]);
                (!over()).then(|| subject.run(&candidates[candidate].1, task, seed, plan.cap))
            })
            .collect();
        let costs = costs?;
        let entries = candidates.into_iter().zip(costs.chunks(tasks * seeds));
        Some(
            entries
                .map(|((generation, values), costs)| plan.entry(generation, values, costs))
                .collect(),
        )
    }
}

impl Plan {
    /// What a run counts.
    fn counted(&self, cost: Cost) -> f64 {
        match cost {
            Cost::Done(c) if c < self.cap => c,
            Cost::Done(_) | Cost::Censored => self.cap * self.penalty.max(1.0),
        }
    }

    /// A candidate from the costs of its runs, seeds innermost.
    fn entry(&self, generation: Option<u32>, values: Vec<f64>, costs: &[Cost]) -> Entry {
        let of_task = |runs: &[Cost]| median(runs.iter().map(|c| self.counted(*c)).collect());
        let medians: Vec<f64> = costs.chunks(self.seeds.len()).map(of_task).collect();
        let score = medians
            .iter()
            .map(|m| m.max(f64::MIN_POSITIVE).ln())
            .sum::<f64>()
            / medians.len() as f64;
        Entry {
            generation,
            values,
            censored: costs
                .iter()
                .filter(|c| !matches!(c, Cost::Done(c) if *c < self.cap))
                .count(),
            medians,
            score,
        }
    }
}

/// The median of at least one number.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// Draws for bootstraps: a stream of its own per seed.
fn bootstrap_draw(seed: u64) -> Draw {
    Draw::new(seed, 0, Purpose::Other)
}
