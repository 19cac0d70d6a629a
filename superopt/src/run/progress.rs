//! What a run is doing, counted as it goes: engines add to atomics, a display thread and the report read them.
//!
//! Counting must cost nothing beside a proposal of a hundred nanoseconds, so an engine adds a batch of its own counters
//! every few hundred proposals. A [`Meter`] also keeps the engine's cost curve: a point each time its best cost falls.

use super::deadline::Deadline;
use crate::report::search::{Curve, EngineWork, Point};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What an engine did since it last told.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Work {
    /// Proposals, those that edit dead code included.
    pub proposals: u64,
    /// Proposals that change live code.
    pub live: u64,
    /// Runs of a program on a test.
    pub tests: u64,
    /// Restarts.
    pub restarts: u64,
    /// Programs put to the prover.
    pub proofs: u64,
    /// Proofs that came back proven.
    pub proven: u64,
}

#[derive(Debug, Default)]
struct Counters {
    proposals: AtomicU64,
    live: AtomicU64,
    tests: AtomicU64,
    restarts: AtomicU64,
    proofs: AtomicU64,
    proven: AtomicU64,
    /// Processor time in nanoseconds.
    nanoseconds: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    engine: String,
    counters: Counters,
    /// Bits of the best cost; infinity before the first.
    best: AtomicU64,
    curve: Mutex<Vec<Point>>,
    doing: Mutex<String>,
    deadline: Deadline,
    /// Time of the run when the work on this target began.
    since: Duration,
}

/// One engine's counters. Clones count together.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Shared>);

/// Locks data that stays valid whatever a thread that held it did.
fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Meter {
    fn new(engine: &str, deadline: &Deadline, since: Duration) -> Meter {
        Meter(Arc::new(Shared {
            engine: engine.into(),
            counters: Counters::default(),
            best: AtomicU64::new(f64::INFINITY.to_bits()),
            curve: Mutex::new(Vec::new()),
            doing: Mutex::new(String::new()),
            deadline: deadline.clone(),
            since,
        }))
    }

    /// The engine's name.
    pub fn engine(&self) -> &str {
        &self.0.engine
    }

    /// Adds what was done. Statistics only, hence relaxed.
    pub fn add(&self, work: Work) {
        let c = &self.0.counters;
        for (counter, n) in [
            (&c.proposals, work.proposals),
            (&c.live, work.live),
            (&c.tests, work.tests),
            (&c.restarts, work.restarts),
            (&c.proofs, work.proofs),
            (&c.proven, work.proven),
        ] {
            if n > 0 {
                counter.fetch_add(n, Ordering::Relaxed);
            }
        }
    }

    /// Takes over what the engine did before the run was resumed.
    pub fn restore(&self, row: &EngineWork, curve: &Curve) {
        self.add(Work {
            proposals: row.proposals,
            live: row.live_proposals,
            tests: row.tests,
            restarts: row.restarts,
            proofs: row.proofs,
            proven: row.proven,
        });
        self.add_time(Duration::try_from_secs_f64(row.seconds.unwrap_or(0.0)).unwrap_or_default());
        if let Some(best) = row.best_cost {
            self.0.best.store(best.to_bits(), Ordering::Relaxed);
        }
        lock(&self.0.curve).clone_from(&curve.points);
    }

    /// Adds processor time used by the engine.
    pub fn add_time(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.counters.nanoseconds.fetch_add(ns, Ordering::Relaxed);
    }

    /// Tells a cost that was reached at a number of the engine's proposals; a new point of the curve when it is the best so
    /// far. Deterministic engines give the count of the worker in a fixed order of workers.
    pub fn reached(&self, cost: f64, proposals: u64) -> bool {
        if cost.is_nan() || cost >= self.best().unwrap_or(f64::INFINITY) {
            return false;
        }
        let mut curve = lock(&self.0.curve);
        // Another worker may have been faster; under the lock the answer is final.
        if cost >= self.best().unwrap_or(f64::INFINITY) {
            return false;
        }
        self.0.best.store(cost.to_bits(), Ordering::Relaxed);
        curve.push(Point {
            proposals,
            seconds: Some(
                self.0
                    .deadline
                    .elapsed()
                    .saturating_sub(self.0.since)
                    .as_secs_f64(),
            ),
            cost,
        });
        true
    }

    /// The best cost so far.
    pub fn best(&self) -> Option<f64> {
        let best = f64::from_bits(self.0.best.load(Ordering::Relaxed));
        best.is_finite().then_some(best)
    }

    /// Says in a few words what the engine is doing now: `synthesis of p20`, `proving`.
    pub fn doing(&self, what: &str) {
        let mut doing = lock(&self.0.doing);
        if *doing != what {
            what.clone_into(&mut doing);
        }
    }

    /// Sum of the work so far.
    pub fn work(&self) -> Work {
        let c = &self.0.counters;
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Work {
            proposals: get(&c.proposals),
            live: get(&c.live),
            tests: get(&c.tests),
            restarts: get(&c.restarts),
            proofs: get(&c.proofs),
            proven: get(&c.proven),
        }
    }

    /// The engine's row of the report.
    pub fn row(&self) -> EngineWork {
        let w = self.work();
        let ns = self.0.counters.nanoseconds.load(Ordering::Relaxed);
        EngineWork {
            engine: self.0.engine.clone(),
            proposals: w.proposals,
            live_proposals: w.live,
            tests: w.tests,
            restarts: w.restarts,
            proofs: w.proofs,
            proven: w.proven,
            best_cost: self.best(),
            seconds: (ns > 0).then_some(ns as f64 * 1e-9),
        }
    }

    /// The engine's curve of the report.
    pub fn curve(&self) -> Curve {
        Curve {
            engine: self.0.engine.clone(),
            points: lock(&self.0.curve).clone(),
        }
    }
}

/// What an engine is seen to do at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// The engine.
    pub engine: String,
    /// Its work so far.
    pub work: Work,
    /// Its best cost.
    pub best: Option<f64>,
    /// What it is doing.
    pub doing: String,
}

/// What a run is seen to do at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// Time since the run began.
    pub elapsed: Duration,
    /// Time left; `None` without a deadline.
    pub left: Option<Duration>,
    /// Part of a deterministic budget that is spent, from 0 to 1.
    pub spent: Option<f64>,
    /// The engines in the order they joined.
    pub engines: Vec<Seen>,
    /// What the run is doing as a whole.
    pub title: String,
}

/// The progress of a run: its engines' meters and its end.
#[derive(Debug)]
pub struct Progress {
    deadline: Deadline,
    meters: Mutex<Vec<Meter>>,
    title: Mutex<String>,
    /// Time of the run when the work on the target began: curves start there.
    begun: Mutex<Duration>,
}

impl Progress {
    /// Of a run with this end.
    pub fn new(deadline: &Deadline) -> Arc<Progress> {
        Arc::new(Progress {
            deadline: deadline.clone(),
            meters: Mutex::new(Vec::new()),
            title: Mutex::new(String::new()),
            begun: Mutex::new(Duration::ZERO),
        })
    }

    /// A meter for an engine; the one it has already if it joined before.
    pub fn meter(&self, engine: &str) -> Meter {
        let mut meters = lock(&self.meters);
        if let Some(m) = meters.iter().find(|m| m.engine() == engine) {
            return m.clone();
        }
        let m = Meter::new(engine, &self.deadline, *lock(&self.begun));
        meters.push(m.clone());
        m
    }

    /// All meters in the order they joined.
    pub fn meters(&self) -> Vec<Meter> {
        lock(&self.meters).clone()
    }

    /// Names the target or phase; begins the meters and the time of their curves anew if asked, as for the next target of a run.
    pub fn begin(&self, title: &str, anew: bool) {
        title.clone_into(&mut lock(&self.title));
        if anew {
            *lock(&self.begun) = self.deadline.elapsed();
            lock(&self.meters).clear();
        }
    }

    /// Begins a target on which some time was spent already, before the run was resumed: its meters anew, its curves' time
    /// going on.
    pub fn begin_again(&self, title: &str, used: Duration) {
        self.begin(title, true);
        let mut begun = lock(&self.begun);
        *begun = begun.saturating_sub(used);
    }

    /// The end of the run.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// What is to be seen now.
    pub fn snapshot(&self) -> Snapshot {
        let spent = self.deadline.budget_left().map(|left| {
            let spent = self.deadline.spent() as f64;
            let all = spent + left as f64;
            if all > 0.0 { spent / all } else { 1.0 }
        });
        let engines = self.meters();
        let engines = engines.iter().map(|m| Seen {
            engine: m.engine().into(),
            work: m.work(),
            best: m.best(),
            doing: lock(&m.0.doing).clone(),
        });
        Snapshot {
            elapsed: self.deadline.elapsed(),
            left: self.deadline.left(),
            spent,
            engines: engines.collect(),
            title: lock(&self.title).clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_count_over_threads_and_keep_a_falling_curve() {
        let deadline = Deadline::never();
        let progress = Progress::new(&deadline);
        std::thread::scope(|s| {
            for worker in 0..4u64 {
                let m = progress.meter("chain");
                s.spawn(move || {
                    for i in 0..1000u64 {
                        m.add(Work {
                            proposals: 100,
                            live: 30,
                            ..Work::default()
                        });
                        m.reached((5000 - 3 * i - worker) as f64, i);
                    }
                });
            }
        });
        assert_eq!(progress.meters().len(), 1);
        let m = progress.meter("chain");
        assert_eq!((m.work().proposals, m.work().live), (400_000, 120_000));
        assert_eq!(m.best(), Some(2000.0));
        let curve = m.curve();
        assert!(curve.points.windows(2).all(|w| w[1].cost < w[0].cost));
        assert_eq!(curve.points.last().unwrap().cost, 2000.0);
        assert!(!m.reached(2000.0, 0) && !m.reached(f64::NAN, 0));
        assert_eq!(m.row().best_cost, Some(2000.0));
    }

    #[test]
    fn snapshots_show_budget_and_phase() {
        let deadline = Deadline::proposals(200);
        let progress = Progress::new(&deadline);
        progress.begin("p20", true);
        progress.meter("chain").doing("synthesis");
        deadline.spend(50);
        let s = progress.snapshot();
        assert_eq!((s.spent, s.left), (Some(0.25), None));
        assert_eq!(
            (s.title.as_str(), s.engines[0].doing.as_str()),
            ("p20", "synthesis")
        );
        progress.begin("p21", true);
        assert!(progress.snapshot().engines.is_empty());
    }
}
