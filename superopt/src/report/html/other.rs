//! The pages of a batch of proofs and of the phi formula.

use super::*;
use crate::report::batch::Batch;
use crate::report::phi::{Folding, Phi};

/// The body of a batch's page.
pub(super) fn batch(r: &Batch) -> String {
    let mut out = format!(
        "<div class=\"eyebrow\">Batch of proofs</div>\n<h1>{}</h1>\n",
        esc(&r.title)
    );
    let mut figures = vec![tile(
        "proven",
        &r.count(VerdictKind::Proven).to_string(),
        &format!("of {}", r.items.len()),
    )];
    let others = r
        .counts
        .iter()
        .filter(|c| c.count > 0 && c.verdict != VerdictKind::Proven);
    figures.extend(others.map(|c| tile(&words(c.verdict), &c.count.to_string(), "")));
    figures.push(tile("from the store", &r.cache_hits.to_string(), ""));
    if let Some(s) = r.seconds {
        figures.push(tile("time", &equivalence::seconds(s), ""));
    }
    out += &tiles(&figures);
    if let Some(d) = &r.difference {
        let mut body = String::new();
        if d.changed.is_empty() && d.added.is_empty() && d.removed.is_empty() {
            body += "<p>Nothing changed.</p>";
        }
        if !d.changed.is_empty() {
            let rows: Vec<(&str, Vec<String>)> = d
                .changed
                .iter()
                .map(|c| ("", vec![esc(&c.name), pill(c.before), pill(c.after)]))
                .collect();
            body += &table(&["Changed", "before", "now"], &rows);
        }
        for (name, items) in [("New", &d.added), ("Gone", &d.removed)] {
            if !items.is_empty() {
                body += &format!("<h3>{name}</h3>{}", list(items));
            }
        }
        out += &section(
            "difference",
            "Difference from the last run",
            &format!("<div class=\"card\">{body}</div>\n"),
        );
    }
    if !r.slowest.is_empty() {
        let item = |name: &String| r.items.iter().find(|i| i.name == *name);
        let rows: Vec<(&str, Vec<String>)> = r
            .slowest
            .iter()
            .filter_map(item)
            .map(|i| ("", row(i)))
            .collect();
        out += &section(
            "slowest",
            "Slowest",
            &format!("<div class=\"card\">{}</div>\n", table(&HEADS, &rows)),
        );
    }
    let rows: Vec<(&str, Vec<String>)> = r.items.iter().map(|i| ("", row(i))).collect();
    out += &section(
        "items",
        "All",
        &format!("<div class=\"card\">{}</div>\n", table(&HEADS, &rows)),
    );
    let coded = r
        .items
        .iter()
        .filter_map(|i| Some((i, i.programs.as_ref()?)));
    for (n, (item, p)) in coded.enumerate() {
        out += &section(
            &format!("code-{n}"),
            &format!("{}: before and after", item.name),
            &equivalence::programs(&p.left, &p.right),
        );
    }
    out += &again(&r.command, &r.tool, &r.trusted);
    out
}

const HEADS: [&str; 6] = ["Name", "Verdict", "", "Method", "#rlimit", "#Time"];

fn row(i: &crate::report::batch::Item) -> Vec<String> {
    let cached = if i.cached {
        " <span class=\"pill mute\">from the store</span>"
    } else {
        ""
    };
    vec![
        esc(&i.name),
        format!("{}{cached}", pill(i.verdict.kind())),
        esc(&i.verdict.detail()),
        esc(&i.method),
        i.rlimit
            .map_or(String::new(), |n| crate::run::display::human(n as f64)),
        i.seconds.map_or(String::new(), equivalence::seconds),
    ]
}

/// The body of the page on the phi formula.
pub(super) fn phi(r: &Phi) -> String {
    let mut out = format!(
        "<div class=\"eyebrow\">Exact evaluation</div>\n<h1>{}</h1>\n",
        esc(&r.title)
    );
    let answer: String = r
        .conclusion
        .iter()
        .map(|c| format!("<p>{}</p>", esc(c)))
        .collect();
    out += &format!("<div class=\"card\" id=\"conclusion\">{answer}</div>\n");
    let rows: Vec<(&str, Vec<String>)> = r
        .reals
        .iter()
        .map(|s| ("", vec![code(&s.expression), code(&s.value)]))
        .collect();
    let reals = format!(
        "<div class=\"card\">{}</div>\n",
        table(&["Expression", "Exact value in Q(√5)"], &rows)
    );
    out += &section("reals", "Over the reals", &reals);
    let rows: Vec<(&str, Vec<String>)> = r
        .constants
        .iter()
        .map(|c| {
            (
                "",
                vec![code(&c.name), code(&c.bits), code(&c.decimal), esc(&c.how)],
            )
        })
        .collect();
    let constants = format!(
        "<div class=\"card\">{}</div>\n",
        table(&["Constant", "Bits", "Decimal", ""], &rows)
    );
    out += &section("constants", "The constants as doubles", &constants);
    out += &section(
        "identity",
        "The identity in doubles",
        &foldings(&r.identity),
    );
    let rows: Vec<(&str, Vec<String>)> = r
        .variants
        .iter()
        .map(|v| {
            let three = match v.is_three {
                true => "<span class=\"pill good\">✓ 3</span>",
                false => "<span class=\"pill bad\">✗ not 3</span>",
            };
            ("", vec![esc(&v.what), code(&v.value), three.into()])
        })
        .collect();
    let variants = format!(
        "<div class=\"card\">{}</div>\n",
        table(&["Variant", "phi² + 1/phi²", ""], &rows)
    );
    out += &section("variants", "Other rounding modes, other doubles", &variants);
    out += &section(
        "formula",
        "V = n · 3^k · pi^m · phi^p · e^q",
        &foldings(&r.formula),
    );
    out += &again(&r.command, &r.tool, &r.trusted);
    out
}

/// The end of a page: how to make it again, and what is trusted.
fn again(line: &str, tool: &str, all: &[String]) -> String {
    let how = format!("{}{}", command(line), facts(&[("tool", esc(tool))]));
    let how = format!("<div class=\"card\">{how}</div>\n");
    section("again", "To do it again", &how) + &trusted(all)
}

fn foldings(list: &[Folding]) -> String {
    // Where there are no variables there is one point.
    let counted = list.iter().any(|f| f.points > 1);
    let rows: Vec<(&str, Vec<String>)> = list
        .iter()
        .map(|f| {
            let verdict = match f.folds {
                true => "<span class=\"pill good\">✓ folds</span>",
                false => "<span class=\"pill bad\">✗ does not fold</span>",
            };
            let mut evidence = format!("<div>{}</div>", esc(&f.authority));
            if !f.value.is_empty() && f.differs.is_none() {
                evidence += &code(&f.value);
            }
            if let Some(d) = &f.differs {
                if !d.at.is_empty() {
                    evidence += &chips(&d.at);
                }
                evidence += &format!(
                    "<div>{} against {}</div>",
                    code(&d.written),
                    code(&d.folded)
                );
            }
            if !f.processor_agrees {
                evidence += "<div class=\"note\">the processor disagrees</div>";
            }
            let mut cells = vec![code(&f.written), code(&f.folded), verdict.into()];
            if counted {
                cells.push(format!("{} of {}", f.unequal, f.points));
            }
            cells.push(evidence);
            ("", cells)
        })
        .collect();
    let mut heads = vec!["As written", "Folded", ""];
    if counted {
        heads.push("#Unequal points");
    }
    heads.push("Authority and evidence");
    format!("<div class=\"card\">{}</div>\n", table(&heads, &rows))
}
