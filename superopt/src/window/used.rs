//! Where windows of a store are used in a harvest, and what that is worth.

use super::harvest::Harvest;
use super::kept::{self, Kept, KeptError};
use super::measured::{Figure, figures};
use super::unhex;
use crate::measure::Verdict;
use std::collections::HashMap;
use trinity_codegen::isa::March;
use trinity_codegen::window::{LONGEST, WindowStore, canonical};

/// A window that is used.
#[derive(Clone, PartialEq, Debug)]
pub struct Used {
    /// The window.
    pub kept: Kept,
    /// Program and line of the runs that it is in, with how often they run; the heaviest first.
    pub places: Vec<(String, f64)>,
    /// Their sum.
    pub weight: f64,
}

impl Used {
    /// What was measured.
    pub fn figures(&self) -> Vec<Figure> {
        figures(&self.kept.measured)
    }

    /// Nanoseconds that are saved in all by what was measured faster: copies side by side, else one after the other. `None` where
    /// nothing was measured.
    pub fn saved(&self) -> Option<f64> {
        let figures = self.figures();
        let faster = figures.iter().find(|f| f.verdict == Verdict::Faster);
        let each = faster.map_or(0.0, |f| f.before - f.after);
        (!figures.is_empty()).then_some(each * self.weight)
    }
}

/// Puts windows into the runs of a harvest as the compiler does: from each instruction on the longest one.
///
/// # Errors
/// When one of them is no window.
pub fn used(harvest: &Harvest, windows: &[Kept]) -> Result<Vec<Used>, KeptError> {
    let mut store = WindowStore::default();
    kept::fill(&mut store, "the store", windows)?;
    let by_key: HashMap<Vec<u8>, &Kept> = windows
        .iter()
        .filter_map(|k| Some((unhex(&k.key)?, k)))
        .collect();
    let mut at: HashMap<Vec<u8>, HashMap<String, f64>> = HashMap::new();
    for run in &harvest.runs {
        let (Some((code, live)), Some(march)) = (run.parts(), March::parse(&run.march)) else {
            continue;
        };
        let mut n = 0;
        while n < code.len() {
            let longest = (n + 1..=code.len().min(n + LONGEST)).rev();
            let found = longest.into_iter().find_map(|end| {
                let key = canonical(&code[n..end], live[end - 1])?.key();
                store.get(&key, march)?;
                Some((key, end))
            });
            let Some((key, end)) = found else {
                n += 1;
                continue;
            };
            let places = at.entry(key).or_default();
            for s in &run.sites {
                let file = s.program.rsplit('/').next().unwrap_or_default();
                *places.entry(format!("{file}:{}", s.line)).or_default() += s.weight;
            }
            n = end;
        }
    }
    let mut out: Vec<Used> = at
        .into_iter()
        .filter_map(|(key, places)| {
            let mut places: Vec<(String, f64)> = places.into_iter().collect();
            places.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            Some(Used {
                kept: (*by_key.get(&key)?).clone(),
                weight: places.iter().map(|p| p.1).sum(),
                places,
            })
        })
        .collect();
    let worth = |u: &Used| u.saved().unwrap_or(0.0);
    let model = |u: &Used| u.weight * f64::from(u.kept.gain);
    out.sort_by(|a, b| {
        let by_worth = worth(b).total_cmp(&worth(a));
        by_worth
            .then(model(b).total_cmp(&model(a)))
            .then_with(|| a.kept.key.cmp(&b.kept.key))
    });
    Ok(out)
}
