//! A report as text for the terminal: the verdict first, then what a reader needs to believe or to refute it.

use super::batch::Batch;
use super::equivalence::{Counterexample, Equivalence, Observed, Side, Step};
use super::parts::{Binding, Cost, Interval, Move, Program, Query};
use super::phi::{Folding, Phi};
use super::search::{Search, Target};
use super::{Document, Report, VerdictKind};
use crate::run::display::human;
use std::fmt::Write;

/// The text, with a final newline. No colours: what reads it may be a file.
pub fn text(document: &Document) -> String {
    let mut out = String::new();
    match &document.report {
        Report::Equivalence(r) => equivalence(&mut out, r),
        Report::Search(r) => search(&mut out, r),
        Report::Batch(r) => batch(&mut out, r),
        Report::Phi(r) => phi(&mut out, r),
    }
    out
}

/// Adds a line. Writing to a string cannot fail.
macro_rules! line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($arg:tt)*) => {{
        let _ = writeln!($out, $($arg)*);
    }};
}

/// A table with columns as wide as their widest cell; `>` before a head aligns to the right.
fn table(out: &mut String, indent: &str, heads: &[&str], rows: &[Vec<String>]) {
    let (right, heads): (Vec<bool>, Vec<&str>) = heads
        .iter()
        .map(|h| (h.starts_with('>'), h.trim_start_matches('>')))
        .unzip();
    let width = |s: &str| s.chars().count();
    let mut widths: Vec<usize> = heads.iter().map(|h| width(h)).collect();
    for row in rows {
        for (w, cell) in widths.iter_mut().zip(row) {
            *w = (*w).max(width(cell));
        }
    }
    let mut print = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = indent.to_string();
        for (i, cell) in cells.enumerate() {
            let pad = " ".repeat(widths.get(i).map_or(0, |w| w - width(cell)));
            text += &match right.get(i) {
                Some(true) => format!("{pad}{cell}  "),
                _ => format!("{cell}{pad}  "),
            };
        }
        line!(out, "{}", text.trim_end());
    };
    if heads.iter().any(|h| !h.is_empty()) {
        print(&mut heads.iter().copied());
    }
    for row in rows {
        print(&mut row.iter().map(String::as_str));
    }
}

fn bindings(b: &[Binding]) -> String {
    let all: Vec<String> = b
        .iter()
        .map(|b| format!("{} = {}", b.place, b.value))
        .collect();
    all.join(", ")
}

fn seconds(s: Option<f64>) -> String {
    s.map_or(String::new(), |s| format!("{s:.3} s"))
}

fn equivalence(out: &mut String, r: &Equivalence) {
    line!(out, "{}: {}", r.title, r.verdict);
    line!(out, "  {}", r.verdict.kind().meaning());
    comparison(out, r);
    if !r.provenance.command.is_empty() {
        line!(out, "again: {}", r.provenance.command);
    }
    trusted(out, &r.trusted);
}

fn comparison(out: &mut String, r: &Equivalence) {
    if let Some(p) = &r.precondition {
        line!(out, "precondition: {}", p.text);
        match &p.witness {
            Some(w) => line!(out, "  holds for {}", bindings(w)),
            None => line!(out, "  no input is known that meets it"),
        }
    }
    line!(
        out,
        "live-in {}; live-out {}; -march={}",
        r.interface.live_in.join(", "),
        r.interface.live_out.join(", "),
        r.interface.march
    );
    for assumption in r
        .interface
        .memory
        .iter()
        .chain(&r.interface.flags)
        .chain(&r.interface.other)
    {
        line!(out, "  assumed: {assumption}");
    }
    line!(out);
    side_by_side(out, &r.left, &r.right);
    if let (Some(a), Some(b)) = (&r.left.cost, &r.right.cost) {
        costs(out, a, b);
    }
    if let Some(c) = &r.counterexample {
        counterexample(out, c, r);
    }
    if !r.queries.is_empty() {
        line!(out);
        queries(out, &r.queries);
    }
    line!(out);
}

fn side_by_side(out: &mut String, left: &Program, right: &Program) {
    let text = |p: &Program, i: usize| {
        p.lines
            .get(i)
            .map_or(String::new(), |l| l.text.replace('\t', " "))
    };
    let rows: Vec<Vec<String>> = (0..left.lines.len().max(right.lines.len()))
        .map(|i| vec![text(left, i), text(right, i)])
        .collect();
    table(out, "  ", &[&left.name, &right.name], &rows);
}

fn costs(out: &mut String, a: &Cost, b: &Cost) {
    let interval = |i: &Interval| format!("{:.2} ns [{:.2}, {:.2}]", i.value, i.low, i.high);
    let mut rows = vec![
        vec![
            "latency, cycles".to_string(),
            a.latency_cycles.to_string(),
            b.latency_cycles.to_string(),
        ],
        vec![
            "micro-operations".into(),
            a.uops.to_string(),
            b.uops.to_string(),
        ],
        vec![
            "instructions".into(),
            a.instructions.to_string(),
            b.instructions.to_string(),
        ],
        vec!["bytes".into(), a.bytes.to_string(), b.bytes.to_string()],
    ];
    let model = match (&a.measured, &b.measured) {
        (Some(x), Some(y)) => {
            for (name, x, y) in [
                ("measured latency", &x.latency_ns, &y.latency_ns),
                ("measured throughput", &x.throughput_ns, &y.throughput_ns),
            ] {
                if let (Some(x), Some(y)) = (x, y) {
                    rows.push(vec![name.into(), interval(x), interval(y)]);
                }
            }
            b.model.clone()
        }
        _ => format!("{} (model only)", b.model),
    };
    line!(out);
    table(
        out,
        "  ",
        &[&format!("cost, {model}"), ">before", ">after"],
        &rows,
    );
}

fn observed(o: &Observed) -> [String; 2] {
    [
        o.model.clone(),
        o.processor.clone().unwrap_or_else(|| "not run".into()),
    ]
}

fn counterexample(out: &mut String, c: &Counterexample, r: &Equivalence) {
    line!(out);
    line!(out, "counterexample: {}", bindings(&c.inputs));
    let rows: Vec<Vec<String>> = c
        .outputs
        .iter()
        .map(|o| {
            let [lm, lp] = observed(&o.left);
            let [rm, rp] = observed(&o.right);
            let mark = if o.differs { "differs" } else { "" };
            vec![o.place.clone(), lm, lp, rm, rp, mark.into()]
        })
        .collect();
    let heads = [
        "output".to_string(),
        format!("{}: model", r.left.name),
        "processor".into(),
        format!("{}: model", r.right.name),
        "processor".into(),
        String::new(),
    ];
    table(out, "  ", &heads.each_ref().map(String::as_str), &rows);
    for (side, name, steps) in [
        (Side::Left, &r.left.name, &c.left),
        (Side::Right, &r.right.name, &c.right),
    ] {
        let mark = c.divergence.as_ref().filter(|d| d.side == side);
        replay(
            out,
            name,
            steps,
            mark.map(|d| (d.step as usize, d.why.as_str())),
        );
    }
    for place in c.contradictions() {
        line!(out, "  model and processor contradict each other: {place}");
    }
    if !c.not_replayed.is_empty() {
        line!(out, "  not replayed on the processor: {}", c.not_replayed);
    }
}

fn replay(out: &mut String, name: &str, steps: &[Step], mark: Option<(usize, &str)>) {
    if steps.is_empty() {
        return;
    }
    let mut rows = Vec::new();
    for (i, s) in steps.iter().enumerate() {
        let here = mark.filter(|m| m.0 == i);
        let arrow = if here.is_some() { "->" } else { "" };
        let note = here.map_or(String::new(), |m| format!("first divergent step: {}", m.1));
        let note = [note, s.fault.clone()]
            .into_iter()
            .filter(|n| !n.is_empty())
            .collect::<Vec<_>>()
            .join("; ");
        let text = s.text.replace('\t', " ");
        if s.changes.is_empty() {
            rows.push(vec![
                arrow.into(),
                text,
                String::new(),
                String::new(),
                String::new(),
                note,
            ]);
            continue;
        }
        for (n, c) in s.changes.iter().enumerate() {
            let [model, processor] = observed(&c.value);
            let first = |s: &str| if n == 0 { s.to_string() } else { String::new() };
            rows.push(vec![
                first(arrow),
                first(&text),
                c.place.clone(),
                model,
                processor,
                first(&note),
            ]);
        }
    }
    table(
        out,
        "  ",
        &[
            "",
            &format!("{name}, step by step"),
            "",
            "model",
            "processor",
            "",
        ],
        &rows,
    );
}

fn queries(out: &mut String, queries: &[Query]) {
    let rows: Vec<Vec<String>> = queries
        .iter()
        .map(|q| {
            let answer = match q.why.is_empty() {
                true => q.verdict.to_string(),
                false => format!("{} ({})", q.verdict, q.why),
            };
            let solver = match (&q.solver, q.cached) {
                (_, true) => "from the store".to_string(),
                (Some(s), _) => s.clone(),
                (None, _) => String::new(),
            };
            let second = q
                .second
                .as_ref()
                .map_or(String::new(), |s| format!("{}: {}", s.solver, s.verdict));
            vec![
                q.goal.clone(),
                answer,
                q.method.clone(),
                solver,
                q.rlimit.map_or(String::new(), |n| n.to_string()),
                seconds(q.seconds),
                q.smt_file.clone().unwrap_or_default(),
                second,
            ]
        })
        .collect();
    let heads = [
        "proof of",
        "answer",
        "method",
        "solver",
        ">rlimit",
        ">time",
        "SMT-LIB",
        "second solver",
    ];
    table(out, "  ", &heads, &rows);
}

fn trusted(out: &mut String, items: &[String]) {
    line!(out, "trusted, not proved:");
    for t in items {
        line!(out, "  - {t}");
    }
}

fn search(out: &mut String, r: &Search) {
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
    let sum = |f: fn(&super::search::EngineWork) -> u64| {
        human(t.engines.iter().map(f).sum::<u64>() as f64)
    };
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
        line!(
            out,
            "  nothing shorter than {} instructions exists with {}; registers {}; constants {} ({})",
            m.instructions,
            m.instruction_set.join(", "),
            m.registers.join(", "),
            m.constants,
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

fn batch(out: &mut String, r: &Batch) {
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

fn phi(out: &mut String, r: &Phi) {
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
