//! Tables and JSON from measured series.

use super::contestant::Contestant;
use super::measure::{Outcome, Series};
use super::{Options, Size};
use serde::Serialize;
use std::fmt::Write;

/// Median with the range.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
}

impl Spread {
    /// Of some figures; `None` without any.
    pub fn of(mut v: Vec<f64>) -> Option<Spread> {
        v.sort_by(f64::total_cmp);
        let (min, max) = (*v.first()?, *v.last()?);
        let n = v.len();
        let median = if n % 2 == 1 {
            v[n / 2]
        } else {
            (v[n / 2 - 1] + v[n / 2]) / 2.0
        };
        Some(Spread { median, min, max })
    }
}

impl Outcome {
    /// The series of a contestant, if it has figures.
    pub fn series_of(&self, who: Contestant) -> Option<&Series> {
        self.series
            .iter()
            .find(|s| s.who == who.key() && s.failure.is_none() && !s.runs.is_empty())
    }
    /// Processor time of `a` over that of `b`, within rounds.
    pub fn ratio(&self, a: Contestant, b: Contestant) -> Option<Spread> {
        let (a, b) = (self.series_of(a)?, self.series_of(b)?);
        Spread::of(
            a.runs
                .iter()
                .zip(&b.runs)
                .map(|(x, y)| x.cpu.max(1e-4) / y.cpu.max(1e-4))
                .collect(),
        )
    }
}

/// Everything measured.
pub struct Summary {
    /// Rounds.
    pub runs: usize,
    /// Size name.
    pub size: &'static str,
    /// By program.
    pub outcomes: Vec<Outcome>,
}

/// Contestants that ratios are taken against.
pub const BASES: [Contestant; 3] = [Contestant::Gcc, Contestant::Lua, Contestant::LuaJit];

impl Summary {
    /// Collects.
    pub fn new(o: &Options, outcomes: Vec<Outcome>) -> Summary {
        let size = match o.size {
            Size::Default => "default",
            Size::Train => "train",
            Size::Smoke => "smoke",
        };
        Summary {
            runs: o.runs,
            size,
            outcomes,
        }
    }
    /// True when no output differed and nobody failed.
    pub fn all_agree(&self) -> bool {
        self.outcomes.iter().all(|o| o.agree)
    }
    /// Geometric mean of the median ratios over the programs both have, and their number.
    pub fn mean(&self, a: Contestant, b: Contestant) -> Option<(f64, usize)> {
        let logs: Vec<f64> = self
            .outcomes
            .iter()
            .filter_map(|o| o.ratio(a, b))
            .map(|s| s.median.ln())
            .collect();
        (!logs.is_empty()).then(|| {
            (
                (logs.iter().sum::<f64>() / logs.len() as f64).exp(),
                logs.len(),
            )
        })
    }
    /// Contestants that have any figures.
    pub fn present(&self) -> Vec<Contestant> {
        Contestant::ALL
            .into_iter()
            .filter(|c| self.outcomes.iter().any(|o| o.series_of(*c).is_some()))
            .collect()
    }
    /// The tables for a terminal.
    pub fn table(&self) -> String {
        let mut s = String::new();
        let present = self.present();
        let _ = writeln!(
            s,
            "processor seconds, median of {} (size: {})",
            self.runs, self.size
        );
        let head = |s: &mut String| {
            let _ = write!(s, "{:<14}", "program");
            for c in &present {
                let _ = write!(s, "{:>13}", c.key());
            }
            s.push('\n');
        };
        head(&mut s);
        for o in &self.outcomes {
            let _ = write!(s, "{:<14}", o.name);
            for c in &present {
                match o
                    .series_of(*c)
                    .and_then(|x| Spread::of(x.runs.iter().map(|r| r.cpu).collect()))
                {
                    Some(x) => {
                        let _ = write!(s, "{:>13.3}", x.median);
                    }
                    None => {
                        let _ = write!(s, "{:>13}", "-");
                    }
                }
            }
            s.push('\n');
        }
        for base in BASES.into_iter().filter(|b| present.contains(b)) {
            let _ = writeln!(
                s,
                "\ntime divided by {}'s, median [min-max] of rounds",
                base.key()
            );
            let others: Vec<Contestant> = present.iter().copied().filter(|c| *c != base).collect();
            let _ = write!(s, "{:<14}", "program");
            for c in &others {
                let _ = write!(s, "{:>19}", c.key());
            }
            s.push('\n');
            for o in &self.outcomes {
                let _ = write!(s, "{:<14}", o.name);
                for c in &others {
                    let cell = o.ratio(*c, base).map_or("-".into(), |x| {
                        format!("{:.2} [{:.2}-{:.2}]", x.median, x.min, x.max)
                    });
                    let _ = write!(s, "{cell:>19}");
                }
                s.push('\n');
            }
            let _ = write!(s, "{:<14}", "geom. mean");
            for c in &others {
                let cell = self
                    .mean(*c, base)
                    .map_or("-".into(), |(m, n)| format!("{m:.3} ({n})"));
                let _ = write!(s, "{cell:>19}");
            }
            s.push('\n');
        }
        let _ = writeln!(s, "\npeak memory (MiB), and size of compiled files (KiB)");
        head(&mut s);
        for o in &self.outcomes {
            let _ = write!(s, "{:<14}", o.name);
            for c in &present {
                let cell = o.series_of(*c).map_or("-".into(), |x| {
                    let mem = x.runs.iter().map(|r| r.memory).max().unwrap_or(0) as f64 / 1024.0;
                    match x.file_size {
                        Some(f) => format!("{mem:.1}/{}", f / 1024),
                        None => format!("{mem:.1}"),
                    }
                });
                let _ = write!(s, "{cell:>13}");
            }
            s.push('\n');
        }
        s
    }
    /// Everything as JSON.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Ratio {
            program: String,
            who: &'static str,
            base: &'static str,
            ratio: Spread,
        }
        #[derive(Serialize)]
        struct Mean {
            who: &'static str,
            base: &'static str,
            geometric_mean: f64,
            programs: usize,
        }
        #[derive(Serialize)]
        struct Document<'a> {
            format: u32,
            runs: usize,
            size: &'static str,
            programs: &'a [Outcome],
            ratios: Vec<Ratio>,
            means: Vec<Mean>,
        }
        let mut ratios = Vec::new();
        let mut means = Vec::new();
        for base in BASES {
            for who in self.present() {
                if who == base {
                    continue;
                }
                for o in &self.outcomes {
                    if let Some(ratio) = o.ratio(who, base) {
                        ratios.push(Ratio {
                            program: o.name.clone(),
                            who: who.key(),
                            base: base.key(),
                            ratio,
                        });
                    }
                }
                if let Some((geometric_mean, programs)) = self.mean(who, base) {
                    means.push(Mean {
                        who: who.key(),
                        base: base.key(),
                        geometric_mean,
                        programs,
                    });
                }
            }
        }
        let d = Document {
            format: 1,
            runs: self.runs,
            size: self.size,
            programs: &self.outcomes,
            ratios,
            means,
        };
        // Plain data without maps: serialisation cannot fail.
        serde_json::to_string_pretty(&d).unwrap_or_default()
    }
}
