//! A report as text for the terminal: the verdict first, then what a reader needs to believe or to refute it.

use super::equivalence::{Counterexample, Equivalence, Observed, Side, Step};
use super::parts::{Binding, Cost, Interval, Program, Query};
use super::{Document, Report};
use std::fmt::Write;

/// Adds a line. Writing to a string cannot fail.
macro_rules! line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($arg:tt)*) => {{
        let _ = writeln!($out, $($arg)*);
    }};
}

mod runs;

/// The text, with a final newline. No colours: what reads it may be a file.
pub fn text(document: &Document) -> String {
    let mut out = String::new();
    match &document.report {
        Report::Equivalence(r) => equivalence(&mut out, r),
        Report::Search(r) => runs::search(&mut out, r),
        Report::Batch(r) => runs::batch(&mut out, r),
        Report::Phi(r) => runs::phi(&mut out, r),
    }
    out
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
