//! The summary of many proofs: counts, the slowest ones, cache hits, and what changed since the last run.

use super::parts::Programs;
use super::verdict::{Verdict, VerdictKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Slowest items that a summary names.
pub const SLOWEST: usize = 10;

/// One proof of a batch.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Name, the same from run to run.
    pub name: String,
    /// The answer.
    pub verdict: Verdict,
    /// How it was decided.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Taken from the store of proven results.
    pub cached: bool,
    /// Resource units spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rlimit: Option<u64>,
    /// Wall-clock time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The item's own report, relative to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// Its code, text and bytes with hashes, where it is about code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programs: Option<Box<Programs>>,
}

/// How many items ended in a verdict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Count {
    /// The verdict.
    pub verdict: VerdictKind,
    /// How many.
    pub count: u64,
}

/// An item whose verdict is not what it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Changed {
    /// The item.
    pub name: String,
    /// What it was.
    pub before: VerdictKind,
    /// What it is.
    pub after: VerdictKind,
}

/// Difference from an earlier batch.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Difference {
    /// Items in both with another verdict.
    pub changed: Vec<Changed>,
    /// Items that are new.
    pub added: Vec<String>,
    /// Items that are gone.
    pub removed: Vec<String>,
}

/// The summary of many proofs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Batch {
    /// What was proven, for headings.
    pub title: String,
    /// How many of each verdict; verdicts that did not occur are listed with 0.
    pub counts: Vec<Count>,
    /// The most expensive items first, at most [`SLOWEST`]: by time, or by resource units where there are no times.
    pub slowest: Vec<String>,
    /// Items taken from the store.
    pub cache_hits: u64,
    /// Compared with the last run; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// All items in the order given.
    pub items: Vec<Item>,
    /// Version of the tool.
    pub tool: String,
    /// One line that does it again.
    pub command: String,
    /// What is trusted and not proved.
    pub trusted: Vec<String>,
    /// Wall-clock time in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Batch {
    /// Summarises items, and compares them with an earlier batch.
    pub fn summarise(
        title: &str,
        items: Vec<Item>,
        previous: Option<&Batch>,
        command: &str,
    ) -> Batch {
        let count = |k| items.iter().filter(|i| i.verdict.kind() == k).count() as u64;
        Batch {
            title: title.into(),
            counts: VerdictKind::ALL
                .map(|k| Count {
                    verdict: k,
                    count: count(k),
                })
                .into(),
            slowest: slowest(&items),
            cache_hits: items.iter().filter(|i| i.cached).count() as u64,
            difference: previous.map(|p| difference(&p.items, &items)),
            items,
            tool: super::tool_version(),
            command: command.into(),
            trusted: super::parts::ALWAYS_TRUSTED
                .iter()
                .map(|t| t.to_string())
                .collect(),
            seconds: None,
        }
    }

    /// Items of one verdict.
    pub fn count(&self, kind: VerdictKind) -> u64 {
        self.counts
            .iter()
            .find(|c| c.verdict == kind)
            .map_or(0, |c| c.count)
    }

    /// Whether every item is proven.
    pub fn all_proven(&self) -> bool {
        self.count(VerdictKind::Proven) == self.items.len() as u64
    }

    /// The verdict whose exit code a command over the whole batch should end in: the first of refuted, error, unsupported,
    /// vacuous, timeout, unknown, bounded, proven under a precondition that occurs, and proven otherwise.
    pub fn worst(&self) -> VerdictKind {
        use VerdictKind as K;
        let order = [
            K::Refuted,
            K::Error,
            K::Unsupported,
            K::Vacuous,
            K::Timeout,
            K::Unknown,
            K::Bounded,
            K::ProvenUnderPrecondition,
        ];
        order
            .into_iter()
            .find(|k| self.count(*k) > 0)
            .unwrap_or(K::Proven)
    }

    /// Takes out what clocks gave, and orders the slowest by what is left.
    pub(super) fn drop_clocks(&mut self) {
        self.seconds = None;
        for i in &mut self.items {
            i.seconds = None;
        }
        self.slowest = slowest(&self.items);
    }
}

fn slowest(items: &[Item]) -> Vec<String> {
    let effort = |i: &Item| (i.seconds.unwrap_or(0.0), i.rlimit.unwrap_or(0));
    let mut by_effort: Vec<&Item> = items
        .iter()
        .filter(|i| !i.cached && (i.seconds.is_some() || i.rlimit.is_some()))
        .collect();
    by_effort.sort_by(|a, b| {
        let (a, b) = (effort(a), effort(b));
        b.0.total_cmp(&a.0).then(b.1.cmp(&a.1))
    });
    by_effort
        .iter()
        .take(SLOWEST)
        .map(|i| i.name.clone())
        .collect()
}

fn difference(before: &[Item], after: &[Item]) -> Difference {
    let index = |items: &[Item]| -> BTreeMap<String, VerdictKind> {
        items
            .iter()
            .map(|i| (i.name.clone(), i.verdict.kind()))
            .collect()
    };
    let (before, after) = (index(before), index(after));
    let mut d = Difference::default();
    for (name, &now) in &after {
        match before.get(name) {
            None => d.added.push(name.clone()),
            Some(&was) if was != now => d.changed.push(Changed {
                name: name.clone(),
                before: was,
                after: now,
            }),
            Some(_) => {}
        }
    }
    d.removed = before
        .keys()
        .filter(|n| !after.contains_key(*n))
        .cloned()
        .collect();
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, verdict: Verdict, seconds: f64) -> Item {
        Item {
            name: name.into(),
            verdict,
            method: String::new(),
            cached: false,
            rlimit: None,
            seconds: Some(seconds),
            report: None,
            programs: None,
        }
    }

    #[test]
    fn counts_slowest_and_differences() {
        let before = vec![
            item("a", Verdict::Proven, 1.0),
            item("b", Verdict::Timeout, 30.0),
            item("gone", Verdict::Proven, 0.1),
        ];
        let before = Batch::summarise("rules", before, None, "trinityc rules verify");
        assert!(before.difference.is_none());
        let mut hit = item("new", Verdict::Proven, 99.0);
        hit.cached = true;
        let after = vec![
            item("a", Verdict::Proven, 0.5),
            item("b", Verdict::Proven, 2.0),
            hit,
        ];
        let b = Batch::summarise("rules", after, Some(&before), "trinityc rules verify");
        assert_eq!((b.count(VerdictKind::Proven), b.cache_hits), (3, 1));
        assert_eq!(b.slowest, ["b", "a"], "hits cost nothing");
        let d = b.difference.as_ref().unwrap();
        assert_eq!(
            (&d.added, &d.removed),
            (&vec!["new".to_string()], &vec!["gone".to_string()])
        );
        assert_eq!(d.changed.len(), 1);
        assert_eq!(
            (d.changed[0].before, d.changed[0].after),
            (VerdictKind::Timeout, VerdictKind::Proven)
        );
        assert!(b.all_proven() && !before.all_proven());
        assert_eq!(
            (b.worst(), before.worst()),
            (VerdictKind::Proven, VerdictKind::Timeout)
        );
    }

    #[test]
    fn without_clocks_effort_is_the_rlimit() {
        let mut items = vec![
            item("a", Verdict::Proven, 9.0),
            item("b", Verdict::Proven, 1.0),
        ];
        (items[0].rlimit, items[1].rlimit) = (Some(10), Some(20));
        let mut b = Batch::summarise("x", items, None, "");
        assert_eq!(b.slowest, ["a", "b"]);
        b.drop_clocks();
        assert_eq!(b.slowest, ["b", "a"]);
    }
}
