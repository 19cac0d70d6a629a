//! The page of a search run.

use super::*;
use crate::report::search::{EngineWork, Met, Outcome, Search, Target};
use crate::run::display::human;

/// The body of the page.
pub(super) fn body(r: &Search) -> String {
    let mut out = format!(
        "<div class=\"eyebrow\">Search run &middot; {}</div>\n<h1>{}</h1>\n<p class=\"sub\">{}</p>\n",
        esc(&r.kind),
        esc(&r.name),
        esc(&subtitle(r))
    );
    out += &summary(r);
    if r.targets.len() > 1 {
        out += &section("targets", "Targets", &overview(&r.targets));
    }
    for (i, t) in r.targets.iter().enumerate() {
        out += &target(t, &format!("t{i}-"));
    }
    if !r.rules.is_empty() {
        out += &section("rules", "Rules", &rules(r));
    }
    for (i, t) in r.tables.iter().enumerate() {
        let heads: Vec<&str> = t.columns.iter().map(String::as_str).collect();
        let rows: Vec<(&str, Vec<String>)> = t
            .rows
            .iter()
            .map(|r| ("", r.iter().map(|c| esc(c)).collect()))
            .collect();
        let note = if t.note.is_empty() {
            String::new()
        } else {
            format!("<p class=\"sub\">{}</p>", esc(&t.note))
        };
        let body = format!("<div class=\"card\">{}{note}</div>\n", table(&heads, &rows));
        out += &section(&format!("table{i}"), &t.title, &body);
    }
    let mut again = command(&r.provenance.command);
    again += &facts(&[
        ("seed", r.provenance.seed.to_string()),
        ("tool", esc(&r.provenance.tool)),
    ]);
    again += &format!(
        "<details><summary>configuration as it was resolved</summary><pre class=\"cmd\">{}</pre></details>",
        esc(&r.config)
    );
    out += &section(
        "again",
        "To do it again",
        &format!("<div class=\"card\">{again}</div>\n"),
    );
    out += &trusted(&r.trusted);
    out
}

fn subtitle(r: &Search) -> String {
    let mut parts = vec![
        r.ended.text().to_string(),
        format!("-march={}", r.march),
        format!("seed {}", r.provenance.seed),
    ];
    parts.push(match r.jobs {
        1 => "1 thread".into(),
        n => format!("{n} threads"),
    });
    if r.deterministic {
        parts.push("deterministic".into());
    }
    match r.resumed {
        0 => {}
        1 => parts.push("resumed once".into()),
        n => parts.push(format!("resumed {n} times")),
    }
    parts.join(" · ")
}

fn found(t: &Target) -> bool {
    matches!(t.outcome, Outcome::Improved | Outcome::Synthesised)
}

fn summary(r: &Search) -> String {
    let all = || r.targets.iter().flat_map(|t| &t.engines);
    let total = |f: fn(&EngineWork) -> u64| all().map(f).sum::<u64>();
    let mut out = Vec::new();
    if !r.targets.is_empty() {
        let n = r.targets.iter().filter(|t| found(t)).count();
        out.push(tile(
            "proven finds",
            &n.to_string(),
            &format!("of {} targets", r.targets.len()),
        ));
        out.push(tile(
            "proofs",
            &total(|e| e.proven).to_string(),
            &format!("of {} tried", total(|e| e.proofs)),
        ));
        out.push(tile(
            "live proposals",
            &human(total(|e| e.live_proposals) as f64),
            "",
        ));
        out.push(tile("tests", &human(total(|e| e.tests) as f64), ""));
    }
    if !r.rules.is_empty() {
        let proven = r
            .rules
            .iter()
            .filter(|r| r.verdict == VerdictKind::Proven)
            .count();
        out.push(tile(
            "rules proven",
            &proven.to_string(),
            &format!("of {}", r.rules.len()),
        ));
    }
    if let Some(s) = r.seconds {
        out.push(tile("time", &equivalence::seconds(s), ""));
    }
    tiles(&out)
}

fn outcome(o: Outcome) -> String {
    let class = match o {
        Outcome::Improved | Outcome::Synthesised => "good",
        Outcome::NothingBetter => "mute",
        Outcome::NotFound => "warn",
    };
    format!("<span class=\"pill {class}\">{}</span>", o.text())
}

fn overview(targets: &[Target]) -> String {
    let rows: Vec<(&str, Vec<String>)> = targets
        .iter()
        .enumerate()
        .map(|(i, t)| {
            let cost = |f: fn(&crate::report::parts::Cost) -> String| match &t.result {
                Some(r) => {
                    let side =
                        |p: &crate::report::parts::Program| p.cost.as_ref().map_or("–".into(), f);
                    format!("{} → {}", side(&r.left), side(&r.right))
                }
                None => String::new(),
            };
            let verdict = t
                .result
                .as_ref()
                .map_or(String::new(), |r| pill(r.verdict.kind()));
            let proposals: u64 = t.engines.iter().map(|e| e.proposals).sum();
            let cells = vec![
                format!("<a href=\"#t{i}-target\">{}</a>", esc(&t.name)),
                esc(&t.specification),
                outcome(t.outcome),
                verdict,
                cost(|c| c.instructions.to_string()),
                cost(|c| c.latency_cycles.to_string()),
                human(proposals as f64),
            ];
            ("", cells)
        })
        .collect();
    let heads = [
        "Target",
        "Specification",
        "Outcome",
        "Proof",
        "#Instructions",
        "#Latency",
        "#Proposals",
    ];
    format!("<div class=\"card\">{}</div>\n", table(&heads, &rows))
}

fn target(t: &Target, prefix: &str) -> String {
    let mut out = format!(
        "<section id=\"{prefix}target\">\n<h2 class=\"target\">{} {}</h2>\n<p class=\"mono sub\">{}</p>\n",
        esc(&t.name),
        outcome(t.outcome),
        esc(&t.specification)
    );
    if let Some(r) = &t.result {
        out += &banner(&r.verdict).replace("id=\"verdict\"", &format!("id=\"{prefix}verdict\""));
    }
    if let Some(m) = &t.minimality {
        out += &format!(
            "<div class=\"card\" id=\"{prefix}minimality\"><h3>{}</h3><p>{}. It ranges over programs of {}, registers {}, constants {}. \
             {} states visited: {}.</p></div>\n",
            match m.instructions {
                Some(_) => "Nothing shorter exists",
                None if m.none_up_to == 0 => "No claim about shorter programs",
                None => "Short programs",
            },
            esc(&m.statement()),
            code(&m.instruction_set.join("; ")),
            code(&m.registers.join(", ")),
            code(&m.constants),
            m.states,
            esc(&m.method)
        );
    }
    out += "</section>\n";
    out += &section_at(3, &format!("{prefix}cost"), "Cost over time", &cost(t));
    if !t.path.is_empty() {
        let path = format!(
            "<div class=\"card\">{}</div>\n",
            equivalence::chain(&t.path)
        );
        out += &section_at(3, &format!("{prefix}path"), "Accepted path", &path);
    }
    if !t.counterexamples.is_empty() {
        let met = format!("<div class=\"card\">{}</div>\n", met(&t.counterexamples));
        out += &section_at(3, &format!("{prefix}met"), "Counterexamples met", &met);
    }
    if let Some(r) = &t.result {
        out += &equivalence::parts(r, prefix);
    }
    out
}

fn cost(t: &Target) -> String {
    let names: Vec<(String, String)> = t
        .curves
        .iter()
        .map(|c| {
            let best = c
                .points
                .last()
                .map_or("nothing correct".into(), |p| format!("best {}", p.cost));
            (c.engine.clone(), best)
        })
        .collect();
    let plot = match svg::cost_over_time(&t.curves) {
        Some(plot) => format!("{}{plot}", svg::legend(&names)),
        None => "<p class=\"sub\">No engine reached a cost.</p>".into(),
    };
    let rows: Vec<(&str, Vec<String>)> = t
        .engines
        .iter()
        .map(|e| {
            let rate = |n: u64| match e.seconds {
                Some(s) if s > 0.0 => format!("{}/s", human(n as f64 / s)),
                _ => "–".into(),
            };
            let cells = vec![
                esc(&e.engine),
                human(e.proposals as f64),
                human(e.live_proposals as f64),
                rate(e.live_proposals),
                human(e.tests as f64),
                rate(e.tests),
                e.restarts.to_string(),
                format!("{} of {}", e.proven, e.proofs),
                e.best_cost.map_or("–".into(), |c| format!("{c}")),
            ];
            ("", cells)
        })
        .collect();
    let heads = [
        "Engine",
        "#Proposals",
        "#live",
        "#live rate",
        "#Tests",
        "#rate",
        "#Restarts",
        "#Proofs",
        "#Best cost",
    ];
    format!("<div class=\"card\">{plot}{}</div>\n", table(&heads, &rows))
}

fn met(list: &[Met]) -> String {
    let rows: Vec<(&str, Vec<String>)> = list
        .iter()
        .map(|m| {
            let cells = vec![
                m.iteration.to_string(),
                chips(&m.inputs),
                esc(&m.found_by),
                human(m.killed as f64),
            ];
            ("", cells)
        })
        .collect();
    table(
        &[
            "#Proposals",
            "Input",
            "Found by",
            "#Candidates it refuted since",
        ],
        &rows,
    )
}

fn rules(r: &Search) -> String {
    let rows: Vec<(&str, Vec<String>)> = r
        .rules
        .iter()
        .map(|r| {
            let widths: Vec<String> = r.widths.iter().map(u32::to_string).collect();
            let cells = vec![
                esc(&r.name),
                code(&r.text),
                widths.join(", "),
                pill(r.verdict),
                esc(&r.method),
                human(r.matches as f64),
                r.seconds.map_or(String::new(), equivalence::seconds),
            ];
            ("", cells)
        })
        .collect();
    let heads = [
        "Rule", "Text", "Widths", "Proof", "Method", "#Matches", "#Time",
    ];
    format!("<div class=\"card\">{}</div>\n", table(&heads, &rows))
}
