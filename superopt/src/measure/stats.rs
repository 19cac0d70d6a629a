//! Medians with bootstrap confidence intervals, and what may be concluded from two of them.

use rand::Rng;

/// Differences below this share of the time are never called faster or slower: the layout of loops, which cannot be
/// measured away, moves medians by about as much.
pub const RESOLUTION: f64 = 0.01;

/// A median and its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub median: f64,
    /// Lower end of the confidence interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How one time compares to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its interval lies below the other's.
    Faster,
    /// Its interval lies above the other's.
    Slower,
    /// The intervals overlap, or the difference is below [`RESOLUTION`].
    NotDistinguishable,
}

impl Verdict {
    /// As reports print it.
    pub fn text(self) -> &'static str {
        match self {
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::NotDistinguishable => "not distinguishable",
        }
    }
}

impl Interval {
    /// In another unit, `factor` of which make one of this.
    pub fn scaled(self, factor: f64) -> Interval {
        Interval {
            median: self.median * factor,
            low: self.low * factor,
            high: self.high * factor,
        }
    }

    /// Whether this time is faster or slower than `other`.
    pub fn against(&self, other: &Interval) -> Verdict {
        let least = RESOLUTION * self.median.abs().max(other.median.abs());
        if (self.median - other.median).abs() <= least {
            Verdict::NotDistinguishable
        } else if self.high < other.low {
            Verdict::Faster
        } else if self.low > other.high {
            Verdict::Slower
        } else {
            Verdict::NotDistinguishable
        }
    }
}

/// What was measured: for each job and alignment one value per round.
pub struct Samples {
    alignments: usize,
    /// `[job][alignment][round]`.
    values: Vec<Vec<Vec<f64>>>,
}

impl Samples {
    pub fn new(jobs: usize, alignments: usize) -> Samples {
        Samples {
            alignments,
            values: vec![vec![Vec::new(); alignments]; jobs],
        }
    }

    /// Adds one round: for each job, its value at each alignment.
    pub fn push(&mut self, round: impl Iterator<Item = impl Iterator<Item = f64>>) {
        for (job, values) in self.values.iter_mut().zip(round) {
            for (series, value) in job.iter_mut().zip(values) {
                series.push(value);
            }
        }
    }

    pub fn rounds(&self) -> usize {
        self.values
            .first()
            .map_or(0, |job| job.first().map_or(0, Vec::len))
    }

    /// The time of `job` less that of `subtracted`: median over rounds, mean over alignments, and the percentile
    /// bootstrap over rounds.
    pub fn interval(
        &self,
        job: usize,
        subtracted: Option<usize>,
        confidence: f64,
        rng: &mut impl Rng,
    ) -> Interval {
        const RESAMPLES: usize = 400;
        let rounds = self.rounds();
        let mut scratch = Vec::with_capacity(rounds);
        let mut estimate = |picked: &[usize]| {
            self.centre(job, picked, &mut scratch)
                - subtracted.map_or(0.0, |other| self.centre(other, picked, &mut scratch))
        };
        let mut picked: Vec<usize> = (0..rounds).collect();
        let median = estimate(&picked);
        let mut resampled: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                picked
                    .iter_mut()
                    .for_each(|round| *round = rng.random_range(0..rounds));
                estimate(&picked)
            })
            .collect();
        resampled.sort_by(f64::total_cmp);
        let tail = ((1.0 - confidence) / 2.0 * RESAMPLES as f64) as usize;
        let (low, high) = (resampled[tail], resampled[RESAMPLES - 1 - tail]);
        Interval {
            median,
            low: low.min(median),
            high: high.max(median),
        }
    }

    fn centre(&self, job: usize, rounds: &[usize], scratch: &mut Vec<f64>) -> f64 {
        let sum: f64 = self.values[job]
            .iter()
            .map(|series| {
                scratch.clear();
                scratch.extend(rounds.iter().map(|&round| series[round]));
                let middle = scratch.len() / 2;
                *scratch.select_nth_unstable_by(middle, f64::total_cmp).1
            })
            .sum();
        sum / self.alignments as f64
    }
}
