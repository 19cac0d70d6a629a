//! Saturation under counts, with a record of what each rule did.
//!
//! Each round searches every rule that is not banned, then applies what it found. A rule that finds more than its
//! share is banned for some rounds and its share doubled (egg's back-off); that it happened stands in its record. No
//! clock decides anything: times are recorded only.

use super::analysis::Graph;
use super::compile::{Instance, OpSet};
use super::lang::Op;
use egg::{Language, Searcher};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Limits of one saturation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// E-nodes.
    pub nodes: usize,
    /// Rounds.
    pub rounds: usize,
    /// Matches of one rule in one round before it is banned.
    pub matches: usize,
    /// Rounds a rule is banned for, the first time.
    pub ban: usize,
    /// Whether to record how long each rule takes.
    pub timed: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            nodes: 8_000,
            rounds: 12,
            matches: 600,
            ban: 2,
            timed: true,
        }
    }
}

/// Why saturation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing more to find.
    Saturated,
    /// The limit on e-nodes.
    Nodes,
    /// The limit on rounds.
    Rounds,
    /// The caller ended it.
    Ended,
    /// Two words that differ were merged: the e-graph is worthless.
    Contradiction,
}

impl Stop {
    /// The reason as reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stop::Saturated => "saturated",
            Stop::Nodes => "node limit",
            Stop::Rounds => "round limit",
            Stop::Ended => "ended early",
            Stop::Contradiction => "contradiction",
        }
    }
}

/// What one instance of a rule did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleRecord {
    /// Rule, widths, direction.
    pub name: String,
    /// Matches found.
    pub matches: u64,
    /// Matches whose conditions held.
    pub applied: u64,
    /// Applications that changed the e-graph.
    pub changed: u64,
    /// E-nodes its applications added.
    pub nodes: u64,
    /// How often it was banned.
    pub bans: u32,
    /// Time searching and applying.
    pub time: Duration,
}

/// What a saturation did.
#[derive(Clone, Debug)]
pub struct Record {
    /// Why it ended.
    pub stop: Stop,
    /// Rounds.
    pub rounds: usize,
    /// E-nodes and classes at the end.
    pub nodes: usize,
    /// Classes at the end.
    pub classes: usize,
    /// One for each rule instance.
    pub rules: Vec<RuleRecord>,
}

/// Share of all e-nodes one rule may have added before it counts as blowing up, in percent.
const SHARE: u64 = 40;

impl Record {
    /// Rules that blew up: banned, or the origin of a large share of a graph that met its limit.
    pub fn explosive(&self) -> Vec<&RuleRecord> {
        let limited = self.stop == Stop::Nodes;
        let large = |r: &RuleRecord| limited && r.nodes * 100 > self.nodes as u64 * SHARE;
        self.rules
            .iter()
            .filter(|r| r.bans > 0 || large(r))
            .collect()
    }
}

/// Runs rules on a graph until nothing changes or a limit is met.
pub fn saturate(graph: &mut Graph, rules: &[Instance], limits: &Limits) -> Record {
    saturate_until(graph, rules, limits, &|| false)
}

/// As [`saturate`]; `over` is asked before each rule is searched and applied, and ends it.
pub fn saturate_until(
    graph: &mut Graph,
    rules: &[Instance],
    limits: &Limits,
    over: &dyn Fn() -> bool,
) -> Record {
    let mut records: Vec<RuleRecord> = vec![RuleRecord::default(); rules.len()];
    let mut banned_until = vec![0usize; rules.len()];
    let mut stop = Stop::Rounds;
    let mut rounds = 0;
    graph.rebuild();
    'rounds: while rounds < limits.rounds {
        let round = rounds;
        rounds += 1;
        let mut found = Vec::new();
        let mut waiting = false;
        let present: HashSet<(Op, u8)> = graph
            .classes()
            .flat_map(|c| c.nodes.iter().map(Language::discriminant))
            .collect();
        let some: OpSet = present.iter().copied().collect();
        for (i, rule) in rules.iter().enumerate() {
            if banned_until[i] > round {
                waiting = true;
                continue;
            }
            if over() {
                stop = Stop::Ended;
                break 'rounds;
            }
            let start = limits.timed.then(Instant::now);
            let share = limits.matches << records[i].bans.min(16);
            let mut count = 0;
            for (p, pattern) in rule.patterns.iter().enumerate() {
                // Most rules are about operations that are not there.
                if !some.may_have(&rule.masks[p])
                    || !rule.needs[p].iter().all(|d| present.contains(d))
                {
                    continue;
                }
                for m in pattern.search_with_limit(graph, (share + 1).saturating_sub(count)) {
                    count += m.substs.len();
                    found.push((i, p, m.eclass, m.substs));
                }
            }
            records[i].matches += count as u64;
            records[i].time += start.map_or(Duration::ZERO, |s| s.elapsed());
            if count > share {
                found.retain(|f| f.0 != i);
                banned_until[i] = round + 1 + (limits.ban << records[i].bans.min(16));
                records[i].bans += 1;
                waiting = true;
            }
        }
        let mut changed = false;
        for (i, p, _, substs) in found {
            if over() {
                stop = Stop::Ended;
                graph.rebuild();
                break 'rounds;
            }
            let start = limits.timed.then(Instant::now);
            let before = graph.total_number_of_nodes();
            for subst in &substs {
                if let Some(new) = rules[i].apply(graph, p, subst) {
                    records[i].applied += 1;
                    records[i].changed += u64::from(new);
                    changed |= new;
                }
            }
            records[i].nodes +=
                (graph.total_number_of_nodes() - before.min(graph.total_number_of_nodes())) as u64;
            records[i].time += start.map_or(Duration::ZERO, |s| s.elapsed());
            if graph.total_number_of_nodes() > limits.nodes {
                stop = Stop::Nodes;
                graph.rebuild();
                break 'rounds;
            }
        }
        graph.rebuild();
        if graph.analysis.contradictions > 0 {
            break;
        }
        if !changed && !waiting {
            stop = Stop::Saturated;
            break;
        }
    }
    if graph.analysis.contradictions > 0 {
        stop = Stop::Contradiction;
    }
    // Where nobody looks at times, nobody looks at what matched nothing.
    for (record, rule) in records.iter_mut().zip(rules) {
        if limits.timed || record.matches > 0 {
            record.name = rule.name.to_string();
        }
    }
    Record {
        stop,
        rounds,
        nodes: graph.total_number_of_nodes(),
        classes: graph.number_of_classes(),
        rules: records,
    }
}
