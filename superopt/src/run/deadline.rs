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
    /// Time of the run before it was resumed.
    before: Duration,
    /// Proposals allowed in all; `u64::MAX` without a limit.
    budget: u64,
    spent: AtomicU64,
    stop: Arc<AtomicBool>,
    /// SIGINT counts as a stop.
    interruptible: bool,
    /// The end that this one is a part of: where it ends, this one does.
    whole: Option<Deadline>,
}

/// The end of a run, shared by everything that works for it. Clones share one end.
#[derive(Clone, Debug)]
pub struct Deadline(Arc<Shared>);

impl Deadline {
    fn make(time: Option<Duration>, budget: Option<u64>) -> Shared {
        let start = Instant::now();
        Shared {
            until: time.and_then(|t| start.checked_add(t)),
            start,
            before: Duration::ZERO,
            budget: budget.unwrap_or(u64::MAX),
            spent: AtomicU64::new(0),
            stop: Arc::new(AtomicBool::new(false)),
            interruptible: false,
            whole: None,
        }
    }

    /// Ends after a time.
    pub fn after(time: Duration) -> Deadline {
        Deadline(Arc::new(Deadline::make(Some(time), None)))
    }

    /// Never ends by itself.
    pub fn never() -> Deadline {
        Deadline(Arc::new(Deadline::make(None, None)))
    }

    /// Ends after a number of proposals, whatever the clock says.
    pub fn proposals(budget: u64) -> Deadline {
        Deadline(Arc::new(Deadline::make(None, Some(budget))))
    }

    /// The end of a whole run as its configuration asks for it, of which some time is used up already when it is resumed.
    /// SIGINT ends it too (see [`super::stop`]). In deterministic runs with targets each target has a budget, the run has none.
    pub fn of(config: &super::RunConfig, used: Duration) -> Deadline {
        use super::config::Kind;
        let time = config.deadline.filter(|_| !config.deterministic);
        let whole = matches!(config.kind, Kind::Rules | Kind::Tune) && config.deterministic;
        let budget = config.budget.proposals.filter(|_| whole);
        let mut shared = Deadline::make(time.map(|t| t.saturating_sub(used)), budget);
        (shared.before, shared.interruptible) = (used, true);
        Deadline(Arc::new(shared))
    }

    /// The end of the work on one target of a run: the run's end, or before it the target's own limit in time (in proposals when
    /// the run is deterministic). Stopping it does not stop the run.
    pub fn for_target(&self, config: &super::RunConfig) -> Deadline {
        match config.deterministic {
            true => self.part(None, config.budget.proposals),
            false => self.part(config.deadline_per_target, None),
        }
    }

    /// The end of a part of the work: it ends where the whole does, or before, by limits or a stop of its own. What it spends
    /// counts for the whole too.
    pub fn part(&self, time: Option<Duration>, budget: Option<u64>) -> Deadline {
        let mut shared = Deadline::make(time, budget);
        shared.whole = Some(self.clone());
        Deadline(Arc::new(shared))
    }

    /// An end of its own for one of `workers`: the same time and the same stops, and an equal part of what is left of the
    /// budget, the first ones taking the remainder. What it spends is not counted here.
    pub fn share(&self, worker: u64, workers: u64) -> Deadline {
        let budget = self
            .budget_left()
            .map(|b| b / workers + u64::from(worker < b % workers));
        let this = &self.0;
        Deadline(Arc::new(Shared {
            until: this.until,
            start: this.start,
            before: this.before,
            budget: budget.unwrap_or(u64::MAX),
            spent: AtomicU64::new(0),
            stop: Arc::clone(&this.stop),
            interruptible: this.interruptible,
            whole: this.whole.clone(),
        }))
    }

    /// Counts proposals against the budget and tells whether the run must end. Cheap enough for every hundredth proposal.
    pub fn spend(&self, proposals: u64) -> Option<End> {
        // Relaxed: the count guards nothing else, and a thread that sees it late overdraws by its own batch only.
        self.0.spent.fetch_add(proposals, Ordering::Relaxed);
        if let Some(whole) = &self.0.whole {
            whole.spend(proposals);
        }
        self.over()
    }

    /// Whether, and why, the work must end.
    pub fn over(&self) -> Option<End> {
        if self.stop_requested() {
            return Some(End::Stopped);
        }
        if self.0.spent.load(Ordering::Relaxed) >= self.0.budget {
            return Some(End::Budget);
        }
        match self.0.until {
            Some(t) if Instant::now() >= t => Some(End::Deadline),
            _ => self.0.whole.as_ref().and_then(Deadline::over),
        }
    }

    /// Whether someone asked for an end: [`Deadline::stop`] here or on the whole or, for runs, SIGINT.
    pub fn stop_requested(&self) -> bool {
        let here = self.0.stop.load(Ordering::Relaxed);
        here || (self.0.interruptible && super::stop::requested())
            || self.0.whole.as_ref().is_some_and(Deadline::stop_requested)
    }

    /// Asks everything that shares this end, or is a part of it, to end now.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Time left; `None` without a time limit.
    pub fn left(&self) -> Option<Duration> {
        let here = self
            .0
            .until
            .map(|t| t.saturating_duration_since(Instant::now()));
        let whole = self.0.whole.as_ref().and_then(Deadline::left);
        match (here, whole) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Time since this work began, what it took before it was resumed included.
    pub fn elapsed(&self) -> Duration {
        self.0.before + self.0.start.elapsed()
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
    fn parts_end_with_the_whole_and_before_it() {
        let whole = Deadline::proposals(100);
        let part = whole.part(None, Some(60));
        assert_eq!(part.spend(59), None);
        assert_eq!(part.spend(1), Some(End::Budget));
        assert_eq!((whole.spent(), whole.over()), (60, None));
        let second = whole.part(None, Some(60));
        second.stop();
        assert_eq!((second.over(), whole.over()), (Some(End::Stopped), None));
        let third = whole.part(Some(Duration::from_secs(3600)), None);
        assert!(third.left().unwrap() <= Duration::from_secs(3600));
        assert_eq!(third.spend(40), Some(End::Budget), "the whole's");
        let stopped = Deadline::never();
        let part = stopped.part(None, None);
        stopped.stop();
        assert_eq!(part.over(), Some(End::Stopped));
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
