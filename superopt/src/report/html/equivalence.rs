//! The page of one comparison; its parts also serve the page of a search run.

use super::*;
use crate::report::equivalence::{Claim, Counterexample, Equivalence, Observed, Side, Step};
use crate::report::parts::{Cost, Interval, Program, Query};

/// The body of the page.
pub(super) fn body(r: &Equivalence) -> String {
    let mut out = format!(
        "<div class=\"eyebrow\">{}</div>\n<h1>{}</h1>\n<p class=\"sub\">{}</p>\n",
        claim_name(r.claim),
        esc(&r.title),
        claim_text(r.claim)
    );
    out += &banner(&r.verdict);
    out += &parts(r, "");
    out += &trusted(&r.trusted);
    out
}

fn claim_name(claim: Claim) -> &'static str {
    match claim {
        Claim::Equivalence => "Equivalence report",
        Claim::Refinement => "Refinement report",
    }
}

fn claim_text(claim: Claim) -> &'static str {
    match claim {
        Claim::Equivalence => {
            "Claim: on every allowed input both programs give the same live-outs and memory, and raise the same faults."
        }
        Claim::Refinement => {
            "Claim: on every allowed input the new program gives the same live-outs and memory, raises no new fault, touches \
             no new address and tears no store."
        }
    }
}

/// Everything of a comparison but its heading and what is trusted. Ids get the prefix, so that a page may hold several.
pub(super) fn parts(r: &Equivalence, prefix: &str) -> String {
    let id = |name: &str| format!("{prefix}{name}");
    let level = if prefix.is_empty() { 2 } else { 3 };
    let section = |id: &str, title: &str, body: &str| section_at(level, id, title, body);
    let mut out = section(
        &id("programs"),
        "Both programs",
        &programs(&r.left, &r.right),
    );
    if let Some(c) = &r.counterexample {
        out += &section(
            &id("counterexample"),
            "Counterexample",
            &counterexample(c, r),
        );
    }
    out += &section(&id("proof"), "Proof", &proof(r));
    let i = &r.interface;
    let mut assumptions = facts(&[
        ("live-in", code(&i.live_in.join(", "))),
        ("live-out", code(&i.live_out.join(", "))),
        ("-march", code(&i.march)),
        ("memory", list(&i.memory)),
        ("flags", list(&i.flags)),
        ("other", list(&i.other)),
    ]);
    if let Some(p) = &r.precondition {
        let witness = match &p.witness {
            Some(w) => format!("It can hold, as here: {}", chips(w)),
            None => "<span class=\"note\">No input is known that meets it.</span>".into(),
        };
        assumptions += &format!("<h3>Precondition</h3><p>{}</p>{witness}", code(&p.text));
    }
    out += &section(
        &id("assumptions"),
        "Assumptions",
        &format!("<div class=\"card\">{assumptions}</div>\n"),
    );
    out += &section(&id("provenance"), "Where it came from", &provenance(r));
    out
}

/// Lines of the longest common part of two listings, by text: `true` for lines that stay.
fn kept(left: &[String], right: &[String]) -> (Vec<bool>, Vec<bool>) {
    let (n, m) = (left.len(), right.len());
    let mut best = vec![vec![0u32; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            best[i][j] = match left[i] == right[j] {
                true => best[i + 1][j + 1] + 1,
                false => best[i + 1][j].max(best[i][j + 1]),
            };
        }
    }
    let (mut a, mut b) = (vec![false; n], vec![false; m]);
    let (mut i, mut j) = (0, 0);
    while i < n && j < m {
        if left[i] == right[j] {
            (a[i], b[j]) = (true, true);
            (i, j) = (i + 1, j + 1);
        } else if best[i + 1][j] >= best[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    (a, b)
}

/// Both listings side by side with their costs. Lines that only one of them has are marked.
pub(super) fn programs(left: &Program, right: &Program) -> String {
    // Long listings (whole functions) are not compared line by line: the table would grow with the square.
    let texts = |p: &Program| p.lines.iter().map(|l| l.text.clone()).collect::<Vec<_>>();
    let (a, b) = match left.lines.len().max(right.lines.len()) <= 1000 {
        true => kept(&texts(left), &texts(right)),
        false => (vec![true; left.lines.len()], vec![true; right.lines.len()]),
    };
    let mut out = format!(
        "<div class=\"two\">{}{}</div>\n",
        listing(left, "gone", &a),
        listing(right, "new", &b)
    );
    if let (Some(before), Some(after)) = (&left.cost, &right.cost) {
        out += &costs(before, after);
    }
    out
}

fn listing(p: &Program, class: &str, kept: &[bool]) -> String {
    let mut rows = String::new();
    for (l, kept) in p.lines.iter().zip(kept) {
        let (head, rest) = l
            .text
            .split_once(char::is_whitespace)
            .unwrap_or((&l.text, ""));
        let class = if *kept { "" } else { class };
        let source = l
            .source_line
            .map_or(String::new(), |n| format!(" title=\"line {n}\""));
        rows += &format!(
            "<tr class=\"{class}\"{source}><td class=\"at\">{:x}</td><td class=\"by\">{}</td><td><b>{}</b> {}</td></tr>\n",
            l.address,
            esc(&l.bytes),
            esc(head),
            esc(rest.trim_start())
        );
    }
    let origin = p.origin.as_ref().map_or(String::new(), |o| {
        format!(" <span class=\"sub\">{}</span>", esc(o))
    });
    let hash = p.sha256.get(..16).unwrap_or(&p.sha256);
    format!(
        "<div class=\"card\"><h3>{}{origin}</h3><table class=\"asm mono\"><tbody>{rows}</tbody></table>\
         <p class=\"sub mono\" title=\"SHA-256 {}\">sha256 {}…</p></div>",
        esc(&p.name),
        esc(&p.sha256),
        esc(hash)
    )
}

fn ratio(before: f64, after: f64) -> String {
    match before > 0.0 && after > 0.0 {
        true => format!("{:.2}×", before / after),
        false => "–".into(),
    }
}

fn interval(i: &Interval) -> String {
    format!(
        "{:.2} ns <span class=\"sub\">[{:.2}, {:.2}]</span>",
        i.value, i.low, i.high
    )
}

fn costs(before: &Cost, after: &Cost) -> String {
    let mut rows = Vec::new();
    let mut row = |name: String, a: f64, b: f64| {
        rows.push((
            "",
            vec![esc(&name), format!("{a}"), format!("{b}"), ratio(a, b)],
        ));
    };
    row(
        format!("latency, cycles ({} model)", after.model),
        before.latency_cycles,
        after.latency_cycles,
    );
    row(
        format!("micro-operations ({} model)", after.model),
        before.uops.into(),
        after.uops.into(),
    );
    row(
        "instructions".into(),
        before.instructions.into(),
        after.instructions.into(),
    );
    row("bytes".into(), before.bytes.into(), after.bytes.into());
    let mut bars = Vec::new();
    let mut remark = "<p class=\"sub\">Model only: neither program was measured.</p>".to_string();
    if let (Some(a), Some(b)) = (&before.measured, &after.measured) {
        for (name, x, y) in [
            ("latency", &a.latency_ns, &b.latency_ns),
            ("throughput", &a.throughput_ns, &b.throughput_ns),
        ] {
            let (Some(x), Some(y)) = (x, y) else { continue };
            let gain = match x.disjoint(y) {
                true => ratio(x.value, y.value),
                false => format!(
                    "{} <span class=\"sub\">(intervals meet)</span>",
                    ratio(x.value, y.value)
                ),
            };
            rows.push((
                "",
                vec![format!("measured {name}"), interval(x), interval(y), gain],
            ));
            bars.push((format!("{name}, before"), "before", *x));
            bars.push((format!("{name}, after"), "after", *y));
        }
        let confidence = bars.first().map_or(0.0, |b| b.2.confidence * 100.0);
        remark = format!(
            "<p class=\"sub\">Measured on {}: {} and {} samples; intervals hold {confidence:.0} % confidence.</p>",
            esc(&b.processor),
            a.samples,
            b.samples
        );
    }
    let plot = if bars.is_empty() {
        String::new()
    } else {
        svg::bars(&bars)
    };
    format!(
        "<div class=\"card cost\">{}{plot}{remark}</div>\n",
        table(&["Cost", "#before", "#after", "#gain"], &rows)
    )
}

fn observed(o: &Observed) -> [String; 2] {
    let missing = || "<span class=\"sub\">not run</span>".to_string();
    let processor = o
        .processor
        .as_ref()
        .map_or_else(missing, |p| match o.contradicts() {
            true => format!("{} <span class=\"note\">model differs</span>", code(p)),
            false => code(p),
        });
    [code(&o.model), processor]
}

fn counterexample(c: &Counterexample, r: &Equivalence) -> String {
    let mut out = String::from("<div class=\"card\">\n<h3>Input</h3>");
    out += &chips(&c.inputs);
    if !c.original.is_empty() {
        out += &format!(
            "<details><summary>before it was minimised</summary>{}</details>",
            chips(&c.original)
        );
    }
    let rows: Vec<(&str, Vec<String>)> = c
        .outputs
        .iter()
        .map(|o| {
            let [lm, lp] = observed(&o.left);
            let [rm, rp] = observed(&o.right);
            (
                if o.differs { "differs" } else { "" },
                vec![esc(&o.place), lm, lp, rm, rp],
            )
        })
        .collect();
    let (left, right) = (&r.left.name, &r.right.name);
    let heads = [
        "Output".to_string(),
        format!("{left}: model"),
        format!("{left}: processor"),
        format!("{right}: model"),
        format!("{right}: processor"),
    ];
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    out += &table(&heads, &rows);
    let contradictions = c.contradictions();
    if !contradictions.is_empty() {
        out += &format!(
            "<p class=\"note\">Model and processor contradict each other: {}. This is a fault of the model.</p>",
            esc(&contradictions.join(", "))
        );
    }
    if !c.not_replayed.is_empty() {
        out += &format!(
            "<p class=\"note\">Not replayed on the processor: {}</p>",
            esc(&c.not_replayed)
        );
    }
    out += "</div>\n<div class=\"two\">";
    for (side, name, steps) in [(Side::Left, left, &c.left), (Side::Right, right, &c.right)] {
        let mark = c
            .divergence
            .as_ref()
            .filter(|d| d.side == side)
            .map(|d| (d.step as usize, d.why.as_str()));
        out += &format!(
            "<div class=\"card\"><h3>{}, step by step</h3>{}</div>",
            esc(name),
            replay(steps, mark)
        );
    }
    out += "</div>\n";
    out
}

fn replay(steps: &[Step], mark: Option<(usize, &str)>) -> String {
    let mut rows = Vec::new();
    for (i, s) in steps.iter().enumerate() {
        let here = mark.filter(|m| m.0 == i);
        let class = if here.is_some() { "diverges" } else { "" };
        let fault = match s.fault.is_empty() {
            true => String::new(),
            false => format!(" <span class=\"pill bad\">{}</span>", esc(&s.fault)),
        };
        let text = format!("{}{fault}", code(&s.text));
        for (n, change) in s.changes.iter().enumerate() {
            let [model, processor] = observed(&change.value);
            let first = if n == 0 { text.clone() } else { String::new() };
            rows.push((class, vec![first, code(&change.place), model, processor]));
        }
        if s.changes.is_empty() {
            rows.push((
                class,
                vec![text, String::new(), String::new(), String::new()],
            ));
        }
        if let Some((_, why)) = here {
            rows.push((
                "why",
                vec![format!(
                    "<div class=\"note\">↑ first divergent step: {}</div>",
                    esc(why)
                )],
            ));
        }
    }
    // A row of one cell takes the whole width.
    table(&["Step", "Changes", "Model", "Processor"], &rows).replace(
        "<tr class=\"why\"><td>",
        "<tr class=\"why\"><td colspan=\"4\">",
    )
}

fn proof(r: &Equivalence) -> String {
    if r.queries.is_empty() {
        return "<div class=\"card\"><p>No step of proof was made.</p></div>\n".into();
    }
    let rows: Vec<(&str, Vec<String>)> = r.queries.iter().map(|q| ("", query(q))).collect();
    let heads = [
        "Goal",
        "Answer",
        "Method",
        "Solver",
        "#rlimit",
        "#Time",
        "#Memory",
        "SMT-LIB",
        "Second solver",
    ];
    let tests = match r.tests {
        0 => String::new(),
        n => format!("<p class=\"sub\">{n} tests agreed before the proof was tried.</p>"),
    };
    format!(
        "<div class=\"card\">{}{tests}</div>\n",
        table(&heads, &rows)
    )
}

fn query(q: &Query) -> Vec<String> {
    let why = if q.why.is_empty() {
        String::new()
    } else {
        format!("<div class=\"sub\">{}</div>", esc(&q.why))
    };
    let cached = if q.cached {
        " <span class=\"pill mute\">from the store</span>"
    } else {
        ""
    };
    let options = [
        q.options.clone(),
        q.seed.map_or(String::new(), |s| format!("seed {s}")),
    ];
    let options: Vec<String> = options.into_iter().filter(|o| !o.is_empty()).collect();
    let solver = match &q.solver {
        Some(s) => format!(
            "{}<div class=\"sub\">{}</div>",
            esc(s),
            esc(&options.join(", "))
        ),
        None => "<span class=\"sub\">none needed</span>".into(),
    };
    let file = q.smt_file.as_ref().map_or(String::new(), |f| {
        let hash = q.smt_sha256.clone().unwrap_or_default();
        let short = hash.get(..8).unwrap_or(&hash).to_string();
        // A link only to a file below the report: what comes from elsewhere is shown as text.
        let below = f.split('/').all(|part| !part.is_empty() && part != "..") && !f.contains(':');
        let name = if below {
            format!("<a href=\"{0}\">{0}</a>", esc(f))
        } else {
            esc(f)
        };
        format!(
            "{name}<div class=\"sub mono\" title=\"SHA-256 {}\">{}</div>",
            esc(&hash),
            esc(&short)
        )
    });
    let second = q.second.as_ref().map_or(String::new(), |s| {
        let word = if s.agrees {
            "agrees"
        } else {
            "does not confirm"
        };
        format!(
            "{} {}<div class=\"sub\">{word}</div>",
            pill(s.verdict),
            esc(&s.solver)
        )
    });
    vec![
        esc(&q.goal),
        format!("{}{cached}{why}", pill(q.verdict)),
        esc(&q.method),
        solver,
        q.rlimit
            .map_or(String::new(), |n| crate::run::display::human(n as f64)),
        q.seconds.map_or(String::new(), seconds),
        q.memory_bytes
            .map_or(String::new(), |n| format!("{:.1} MB", n as f64 / 1e6)),
        file,
        second,
    ]
}

/// A time for people.
pub(super) fn seconds(s: f64) -> String {
    match s {
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s => format!("{:.1} min", s / 60.0),
    }
}

/// The chain of moves or rules that led to a program.
pub(super) fn chain(moves: &[crate::report::parts::Move]) -> String {
    let rows: Vec<(&str, Vec<String>)> = moves
        .iter()
        .map(|m| {
            let program = match m.program.is_empty() {
                true => String::new(),
                false => format!(
                    "<details><summary>{} instructions</summary><pre class=\"cmd\">{}</pre></details>",
                    m.program.len(),
                    esc(&m.program.join("\n"))
                ),
            };
            let cells = vec![m.iteration.to_string(), esc(&m.engine), esc(&m.what), format!("{}", m.cost), program];
            ("", cells)
        })
        .collect();
    table(
        &["#Proposals", "Engine", "Move or rule", "#Cost", "Program"],
        &rows,
    )
}

fn provenance(r: &Equivalence) -> String {
    let p = &r.provenance;
    let engine = match p.engine.is_empty() {
        true => "given by the user".to_string(),
        false => format!(
            "engine {}, seed {}, after {} proposals",
            esc(&p.engine),
            p.seed,
            p.iteration
        ),
    };
    let mut out = facts(&[
        ("program", engine),
        ("tool", esc(&p.tool)),
        ("time in all", r.seconds.map_or(String::new(), seconds)),
    ]);
    if !p.chain.is_empty() {
        let n = p.chain.len();
        out += &format!(
            "<details><summary>{n} moves or rules made it</summary>{}</details>",
            chain(&p.chain)
        );
    }
    if !p.command.is_empty() {
        out += "<h3>To do it again</h3>";
        out += &command(&p.command);
    }
    format!("<div class=\"card\">{out}</div>\n")
}
