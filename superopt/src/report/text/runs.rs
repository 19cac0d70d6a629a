//! Text of what covers many proofs: search runs, batches, the phi formula.

use super::{bindings, comparison, seconds, side_by_side, table, trusted};
use crate::report::batch::Batch;
use crate::report::parts::{Cost, Move, Program};
use crate::report::phi::{Folding, Phi};
use crate::report::search::{EngineWork, Search, Target};
use crate::report::verdict::VerdictKind;
use crate::run::display::human;
use std::fmt::Write;

pub(super) fn search(out: &mut String, r: &Search) {
    line!(
        out,
        "{} ({}): {}, -march={}, seed {}{}{}",
        r.name,
        r.kind,
        r.ended.text(),
        r.march,
        r.provenance.seed,
        if r.deterministic {
            ", deterministic"
        } else {
            ""
        },
        r.seconds.map_or(String::new(), |s| format!(", {s:.1} s"))
    );
    if !r.targets.is_empty() {
        line!(out);
        let rows: Vec<Vec<String>> = r.targets.iter().map(target_row).collect();
        let heads = [
            "target",
            "outcome",
            "proof",
            ">instructions",
            ">latency",
            ">proposals",
            ">tests",
        ];
        table(out, "  ", &heads, &rows);
    }
    for t in &r.targets {
        target(out, t);
    }
    if !r.rules.is_empty() {
        line!(out);
        let rows: Vec<Vec<String>> = r
            .rules
            .iter()
            .map(|r| {
                let widths: Vec<String> = r.widths.iter().map(u32::to_string).collect();
                let cells =
                    [&r.name, r.verdict.name(), &r.method, &widths.join(" ")].map(String::from);
                let mut row = cells.to_vec();
                row.extend([r.matches.to_string(), seconds(r.seconds), r.text.clone()]);
                row
            })
            .collect();
        table(
            out,
            "  ",
            &[
                "rule", "proof", "method", "widths", ">matches", ">time", "text",
            ],
            &rows,
        );
    }
    for t in &r.tables {
        line!(out);
        line!(out, "{}", t.title);
        let heads: Vec<&str> = t.columns.iter().map(String::as_str).collect();
        table(out, "  ", &heads, &t.rows);
        if !t.note.is_empty() {
            line!(out, "  {}", t.note);
        }
    }
    line!(out);
    if !r.provenance.command.is_empty() {
        line!(out, "again: {}", r.provenance.command);
    }
    trusted(out, &r.trusted);
}

fn target_row(t: &Target) -> Vec<String> {
    let change = |f: fn(&Cost) -> String| {
        t.result.as_ref().map_or(String::new(), |r| {
            let side = |p: &Program| p.cost.as_ref().map_or("-".into(), f);
            format!("{} -> {}", side(&r.left), side(&r.right))
        })
    };
    let sum = |f: fn(&EngineWork) -> u64| human(t.engines.iter().map(f).sum::<u64>() as f64);
    vec![
        t.name.clone(),
        t.outcome.text().into(),
        t.result
            .as_ref()
            .map_or(String::new(), |r| r.verdict.to_string()),
        change(|c| c.instructions.to_string()),
        change(|c| c.latency_cycles.to_string()),
        sum(|e| e.proposals),
        sum(|e| e.tests),
    ]
}

fn target(out: &mut String, t: &Target) {
    line!(out);
    line!(out, "{}: {}", t.name, t.outcome.text());
    line!(out, "  {}", t.specification);
    if let Some(m) = &t.minimality {
        line!(out, "  {}", m.statement());
        line!(
            out,
            "    over {}; registers {}; constants {}; {} states visited ({})",
            m.instruction_set.join("; "),
            m.registers.join(", "),
            m.constants,
            m.states,
            m.method
        );
    }
    let rows: Vec<Vec<String>> = t
        .engines
        .iter()
        .map(|e| {
            let best = e.best_cost.map_or("-".into(), |c| c.to_string());
            let reached = t
                .curves
                .iter()
                .find(|c| c.engine == e.engine)
                .and_then(|c| c.points.last());
            let reached = reached.map_or(String::new(), |p| match p.seconds {
                Some(s) => format!("{s:.2} s"),
                None => format!("{} proposals", p.proposals),
            });
            vec![
                e.engine.clone(),
                human(e.proposals as f64),
                human(e.live_proposals as f64),
                human(e.tests as f64),
                e.restarts.to_string(),
                format!("{}/{}", e.proven, e.proofs),
                best,
                reached,
            ]
        })
        .collect();
    let heads = [
        "engine",
        ">proposals",
        ">live",
        ">tests",
        ">restarts",
        ">proven",
        ">best cost",
        ">reached after",
    ];
    table(out, "  ", &heads, &rows);
    path(out, &t.path);
    if !t.counterexamples.is_empty() {
        line!(
            out,
            "  {} counterexamples met; the deadliest:",
            t.counterexamples.len()
        );
        let mut deadliest: Vec<_> = t.counterexamples.iter().collect();
        deadliest.sort_by_key(|m| std::cmp::Reverse(m.killed));
        for m in deadliest.iter().take(5) {
            line!(
                out,
                "    {} (found by {}, refuted {} candidates)",
                bindings(&m.inputs),
                m.found_by,
                m.killed
            );
        }
    }
    if let Some(r) = &t.result {
        line!(out, "  {}: {}", r.verdict, r.verdict.kind().meaning());
        comparison(out, r);
    }
}

fn path(out: &mut String, moves: &[Move]) {
    /// Steps shown; the JSON and the page have all of them.
    const SHOWN: usize = 12;
    if moves.is_empty() {
        return;
    }
    let skipped = moves.len().saturating_sub(SHOWN);
    line!(
        out,
        "  accepted path{}:",
        match skipped {
            0 => String::new(),
            n => format!(" (the last {SHOWN} of {} steps)", n + SHOWN),
        }
    );
    let rows: Vec<Vec<String>> = moves[skipped..]
        .iter()
        .map(|m| {
            vec![
                m.iteration.to_string(),
                m.engine.clone(),
                m.what.clone(),
                m.cost.to_string(),
            ]
        })
        .collect();
    table(
        out,
        "    ",
        &[">proposals", "engine", "move or rule", ">cost"],
        &rows,
    );
}

pub(super) fn batch(out: &mut String, r: &Batch) {
    line!(
        out,
        "{}: {} of {} proven",
        r.title,
        r.count(VerdictKind::Proven),
        r.items.len()
    );
    for c in r.counts.iter().filter(|c| c.count > 0) {
        line!(out, "  {:>6} {}", c.count, c.verdict);
    }
    line!(
        out,
        "  {:>6} from the store{}",
        r.cache_hits,
        r.seconds
            .map_or(String::new(), |s| format!("; {s:.1} s in all"))
    );
    let unproven: Vec<_> = r
        .items
        .iter()
        .filter(|i| i.verdict.kind() != VerdictKind::Proven)
        .collect();
    if !unproven.is_empty() {
        line!(out);
        let rows: Vec<Vec<String>> = unproven
            .iter()
            .map(|i| vec![i.name.clone(), i.verdict.to_string(), i.method.clone()])
            .collect();
        table(
            out,
            "  ",
            &["not proven outright", "verdict", "method"],
            &rows,
        );
    }
    if !r.slowest.is_empty() {
        line!(out);
        let items = r
            .slowest
            .iter()
            .filter_map(|n| r.items.iter().find(|i| i.name == *n));
        let rows: Vec<Vec<String>> = items
            .map(|i| {
                vec![
                    i.name.clone(),
                    seconds(i.seconds),
                    i.rlimit.map_or(String::new(), |n| n.to_string()),
                ]
            })
            .collect();
        table(out, "  ", &["slowest", ">time", ">rlimit"], &rows);
    }
    for (item, p) in r
        .items
        .iter()
        .filter_map(|i| Some((i, i.programs.as_ref()?)))
    {
        line!(out);
        line!(
            out,
            "{}: sha256 {} before, {} after",
            item.name,
            p.left.sha256,
            p.right.sha256
        );
        side_by_side(out, &p.left, &p.right);
    }
    if let Some(d) = &r.difference {
        line!(out);
        line!(
            out,
            "since the last run: {} changed, {} new, {} gone",
            d.changed.len(),
            d.added.len(),
            d.removed.len()
        );
        for c in &d.changed {
            line!(out, "  {}: {} -> {}", c.name, c.before, c.after);
        }
        for (sign, names) in [('+', &d.added), ('-', &d.removed)] {
            for n in names {
                line!(out, "  {sign} {n}");
            }
        }
    }
    if !r.command.is_empty() {
        line!(out, "again: {}", r.command);
    }
}

pub(super) fn phi(out: &mut String, r: &Phi) {
    line!(out, "{}", r.title);
    for c in &r.conclusion {
        line!(out, "  {c}");
    }
    line!(out);
    let rows: Vec<Vec<String>> = r
        .reals
        .iter()
        .map(|s| vec![s.expression.clone(), s.value.clone()])
        .collect();
    table(out, "  ", &["over the reals", "exact value"], &rows);
    line!(out);
    let rows: Vec<Vec<String>> = r
        .constants
        .iter()
        .map(|c| {
            vec![
                c.name.clone(),
                c.bits.clone(),
                c.decimal.clone(),
                c.how.clone(),
            ]
        })
        .collect();
    table(out, "  ", &["as a double", "bits", "decimal", ""], &rows);
    for (title, list) in [
        ("the identity in doubles", &r.identity),
        ("foldings of V", &r.formula),
    ] {
        line!(out);
        line!(out, "{title}");
        list.iter().for_each(|f| folding(out, f));
    }
    line!(out);
    let rows: Vec<Vec<String>> = r
        .variants
        .iter()
        .map(|v| {
            let three = if v.is_three { "is 3" } else { "is not 3" };
            vec![v.what.clone(), v.value.clone(), three.into()]
        })
        .collect();
    table(
        out,
        "  ",
        &["other roundings, other doubles", "phi² + 1/phi²", ""],
        &rows,
    );
    line!(out);
    line!(out, "again: {}", r.command);
    trusted(out, &r.trusted);
}

fn folding(out: &mut String, f: &Folding) {
    let word = if f.folds { "folds" } else { "does not fold" };
    line!(out, "  {} = {}: {word}", f.written, f.folded);
    let points = match f.points {
        1 => String::new(),
        n => format!("; {} of {n} points unequal", f.unequal),
    };
    line!(out, "      {}{points}", f.authority);
    if let Some(d) = &f.differs {
        let at = if d.at.is_empty() {
            String::new()
        } else {
            format!("{}: ", bindings(&d.at))
        };
        line!(out, "      {at}{} against {}", d.written, d.folded);
    }
}
