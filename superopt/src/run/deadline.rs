//! One end for all engines: a deadline, a budget in proposals, and the user's SIGINT behind one question.
//!
//! Engines ask [`Deadline::over`] every few hundred proposals; the answer costs an atomic load, and a look at the clock
//! at most. In deterministic mode there is no clock in it at all: the end is the spent budget (law 9). A budget shared between
//! threads ends each of them at a place that depends on the others, so deterministic engines give every worker a
//! [`Deadline::share`] of its own. A stop by the user ends a deterministic run too, but such a run is marked as
//! interrupted, and resumed from a state saved between reproducible units of work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Why a search must end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The time is over.
    Deadline,
    /// The proposals are spent.
    Budget,
    /// The user or the coordinator asked.
    Stopped,
}

#[derive(Debug)]
struct Shared {
    /// When the time is over; none in deterministic mode and for runs without a limit.
    until: Option<Instant>,
    start: Instant,
    /// Proposals allowed in all; `u64::MAX` without a limit.
    budget: u64,
    spent: AtomicU64,
    stop: Arc<AtomicBool>,
    /// SIGINT counts as a stop.
    interruptible: bool,
}

/// The end of a run, shared by everything that works for it. Clones share one end.
#[derive(Clone, Debug)]
pub struct Deadline(Arc<Shared>);

impl Deadline {
    fn make(time: Option<Duration>, budget: Option<u64>, interruptible: bool) -> Deadline {
        let start = Instant::now();
        Deadline(Arc::new(Shared {
            until: time.and_then(|t| start.checked_add(t)),
            start,
            budget: budget.unwrap_or(u64::MAX),
            spent: AtomicU64::new(0),
            stop: Arc::new(AtomicBool::new(false)),
            interruptible,
        }))
    }

    /// Ends after a time.
    pub fn after(time: Duration) -> Deadline {
        Deadline::make(Some(time), None, false)
    }

    /// Never ends by itself.
    pub fn never() -> Deadline {
        Deadline::make(None, None, false)
    }

    /// Ends after a number of proposals, whatever the clock says.
    pub fn proposals(budget: u64) -> Deadline {
        Deadline::make(None, Some(budget), false)
    }

    /// An end of its own for one of `workers`: the same time and the same stops, and an equal part of
    /// the budget, the first ones taking the remainder. What it spends is not counted here.
    pub fn share(&self, worker: u64, workers: u64) -> Deadline {
        let budget = self
            .budget_left()
            .map(|b| b / workers + u64::from(worker < b % workers));
        Deadline(Arc::new(Shared {
            until: self.0.until,
            start: self.0.start,
            budget: budget.unwrap_or(u64::MAX),
            spent: AtomicU64::new(0),
            stop: Arc::clone(&self.0.stop),
            interruptible: self.0.interruptible,
        }))
    }

    /// The end that a run's configuration asks for; SIGINT ends it too (see [`super::stop`]).
    pub fn of(config: &super::RunConfig) -> Deadline {
        match config.deterministic {
            true => Deadline::make(None, config.budget.proposals, true),
            false => Deadline::make(config.deadline, None, true),
        }
    }

    /// Counts proposals against the budget and tells whether the run must end. Cheap enough for every hundredth proposal.
    pub fn spend(&self, proposals: u64) -> Option<End> {
        // Relaxed: the count guards nothing else, and a thread that sees it late overdraws by its own batch only.
        self.0.spent.fetch_add(proposals, Ordering::Relaxed);
        self.over()
    }

    /// Whether, and why, the run must end.
    pub fn over(&self) -> Option<End> {
        if self.stop_requested() {
            return Some(End::Stopped);
        }
        if self.0.spent.load(Ordering::Relaxed) >= self.0.budget {
            return Some(End::Budget);
        }
        match self.0.until {
            Some(t) if Instant::now() >= t => Some(End::Deadline),
            _ => None,
        }
    }

    /// Whether someone asked for an end: [`Deadline::stop`] or, for runs, SIGINT.
    pub fn stop_requested(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed) || (self.0.interruptible && super::stop::requested())
    }

    /// Asks everything that shares this end to end now.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Time left; `None` without a time limit.
    pub fn left(&self) -> Option<Duration> {
        self.0
            .until
            .map(|t| t.saturating_duration_since(Instant::now()))
    }

    /// Time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.0.start.elapsed()
    }

    /// Proposals spent.
    pub fn spent(&self) -> u64 {
        self.0.spent.load(Ordering::Relaxed)
    }

    /// Proposals left of the budget; `None` without one.
    pub fn budget_left(&self) -> Option<u64> {
        (self.0.budget != u64::MAX).then(|| self.0.budget.saturating_sub(self.spent()))
    }

    /// The shorter of a time-out and what is left: for solver calls, so that they obey the deadline too.
    pub fn clamp(&self, timeout: Duration) -> Duration {
        self.left().map_or(timeout, |left| left.min(timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_by_time() {
        let d = Deadline::after(Duration::from_secs(3600));
        assert_eq!(d.over(), None);
        assert!(d.clamp(Duration::from_secs(7200)) <= Duration::from_secs(3600));
        assert_eq!(d.clamp(Duration::from_secs(1)), Duration::from_secs(1));
        let d = Deadline::after(Duration::ZERO);
        assert_eq!(d.over(), Some(End::Deadline));
        assert_eq!(d.left(), Some(Duration::ZERO));
    }

    #[test]
    fn ends_by_budget_over_clones_and_threads() {
        let d = Deadline::proposals(4000);
        std::thread::scope(|s| {
            for _ in 0..4 {
                let d = d.clone();
                s.spawn(move || while d.spend(10).is_none() {});
            }
        });
        assert_eq!(d.over(), Some(End::Budget));
        // Each thread overdraws by less than one of its batches.
        assert!((4000..4040).contains(&d.spent()), "{}", d.spent());
        assert_eq!(d.budget_left(), Some(0));
    }

    #[test]
    fn shares_add_up_and_are_apart() {
        let d = Deadline::proposals(11);
        let shares: Vec<_> = (0..4).map(|i| d.share(i, 4)).collect();
        let budgets: Vec<_> = shares.iter().map(|s| s.budget_left().unwrap()).collect();
        assert_eq!(budgets, [3, 3, 3, 2]);
        assert_eq!(shares[0].spend(3), Some(End::Budget));
        assert_eq!(shares[1].over(), None);
        d.stop();
        assert_eq!(shares[1].over(), Some(End::Stopped));
    }

    #[test]
    fn a_stop_reaches_every_clone() {
        let d = Deadline::never();
        let e = d.clone();
        assert_eq!((e.over(), e.left()), (None, None));
        d.stop();
        assert_eq!(e.over(), Some(End::Stopped));
    }
}
