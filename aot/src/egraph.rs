//! `--emit=egraph` and `--emit=egraph-dot`: what equality saturation saw and did, region by region, and what each rule did in all.

use std::fmt::Write;
use trinity_superopt::egraph::pass::{Shown, Telemetry};

/// As text: regions in the order in which they were looked at, then the rules.
pub fn text(regions: &[Shown], t: &Telemetry) -> String {
    let mut s = String::new();
    let cost = |c: Option<u64>| c.map_or("?".into(), |c| c.to_string());
    // Writing to a string does not fail.
    for r in regions {
        let (rounds, nodes, classes, stop) = r.saturation;
        let _ = writeln!(
            s,
            "region {}, line {}: cost {} to {}, {}\n  {rounds} rounds, {nodes} nodes, {classes} classes: {stop}",
            r.place,
            r.loc.0,
            cost(r.cost.0),
            cost(r.cost.1),
            if r.replaced { "replaced" } else { "kept" },
        );
        let _ = write!(s, "  before\n{}", r.graphs.0);
        if r.cost.1 < r.cost.0 {
            let _ = write!(s, "  after\n{}", r.graphs.1);
            let used: Vec<String> = r.used.iter().map(|(n, k)| format!("{n} x{k}")).collect();
            let _ = writeln!(s, "  by {}", used.join(", "));
        }
    }
    let _ = writeln!(
        s,
        "{} regions, {} of them equal to others, {} replaced",
        t.regions, t.known, t.improved
    );
    for (stop, n) in &t.stops {
        let _ = writeln!(s, "  {stop}: {n}");
    }
    let _ = writeln!(
        s,
        "{:<44}{:>9}{:>9}{:>9}{:>9}{:>6}{:>6}",
        "rule", "matches", "applied", "changed", "nodes", "bans", "used"
    );
    for (name, r) in &t.rules {
        let used = t.used.get(name).copied().unwrap_or(0);
        let _ = writeln!(
            s,
            "{name:<44}{:>9}{:>9}{:>9}{:>9}{:>6}{used:>6}",
            r.matches, r.applied, r.changed, r.nodes, r.bans
        );
    }
    s
}

/// For Graphviz: one graph a region.
pub fn dot(regions: &[Shown]) -> String {
    let mut s = String::new();
    for r in regions {
        let _ = writeln!(s, "// {}, line {}\n{}", r.place, r.loc.0, r.dot);
    }
    s
}
