//! A report as one HTML page: everything inside it, no script, light and dark by the reader's setting.
//!
//! Every text that comes from a report goes through `esc`; the functions here return markup, and only constants of this
//! module are put into it unescaped.

mod equivalence;
mod other;
mod search;
mod svg;
#[cfg(test)]
mod tests;

use super::parts::Binding;
use super::verdict::{Verdict, VerdictKind};
use super::{Document, Report};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn page(document: &Document) -> String {
    let (title, body) = match &document.report {
        Report::Equivalence(r) => (r.title.clone(), equivalence::body(r)),
        Report::Search(r) => (format!("Search run {}", r.name), search::body(r)),
        Report::Batch(r) => (r.title.clone(), other::batch(r)),
        Report::Phi(r) => (r.title.clone(), other::phi(r)),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\
         <footer>{} &middot; report format {}</footer>\n</main>\n</body>\n</html>\n",
        esc(&title),
        esc(&super::tool_version()),
        document.format
    )
}

/// Text as markup.
fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// How a verdict looks: its class and its mark.
fn look(kind: VerdictKind) -> (&'static str, &'static str) {
    match kind {
        VerdictKind::Proven => ("good", "✓"),
        VerdictKind::ProvenUnderPrecondition => ("good", "✓"),
        VerdictKind::Bounded => ("warn", "≤"),
        VerdictKind::Refuted => ("bad", "✗"),
        VerdictKind::Timeout | VerdictKind::Unknown | VerdictKind::Unsupported => ("mute", "?"),
        VerdictKind::Vacuous => ("warn", "∅"),
        VerdictKind::Error => ("bad", "!"),
    }
}

/// A verdict as a small label.
fn pill(kind: VerdictKind) -> String {
    let (class, mark) = look(kind);
    format!("<span class=\"pill {class}\">{mark} {}</span>", words(kind))
}

/// A verdict's name as words.
fn words(kind: VerdictKind) -> String {
    kind.name().replace('-', " ")
}

/// A verdict as a banner.
fn banner(verdict: &Verdict) -> String {
    let (class, mark) = look(verdict.kind());
    let name = words(verdict.kind());
    let detail = verdict.detail();
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(" &mdash; {}", esc(&detail))
    };
    format!(
        "<div class=\"verdict {class}\" id=\"verdict\"><span class=\"mark\">{mark}</span>\
         <div><b>{}{detail}</b>{}.</div></div>\n",
        capital(&name),
        capital(verdict.kind().meaning())
    )
}

fn capital(s: &str) -> String {
    let mut c = s.chars();
    c.next().map_or(String::new(), |f| {
        f.to_uppercase().collect::<String>() + c.as_str()
    })
}

/// A section with a heading.
fn section(id: &str, title: &str, body: &str) -> String {
    section_at(2, id, title, body)
}

/// A section with a heading of a level.
fn section_at(level: u32, id: &str, title: &str, body: &str) -> String {
    let title = esc(title);
    format!("<section id=\"{id}\">\n<h{level}>{title}</h{level}>\n{body}</section>\n")
}

/// A table; heads with a leading `#` hold numbers. Cells are markup.
fn table(heads: &[&str], rows: &[(&str, Vec<String>)]) -> String {
    let mut t = String::from("<table>\n<thead><tr>");
    for h in heads {
        // Writing to a string cannot fail, here and below.
        let _ = match h.strip_prefix('#') {
            Some(h) => write!(t, "<th class=\"n\">{}</th>", esc(h)),
            None => write!(t, "<th>{}</th>", esc(h)),
        };
    }
    t.push_str("</tr></thead>\n<tbody>\n");
    for (class, cells) in rows {
        let _ = match class.is_empty() {
            true => write!(t, "<tr>"),
            false => write!(t, "<tr class=\"{class}\">"),
        };
        for (i, cell) in cells.iter().enumerate() {
            let _ = match heads.get(i).is_some_and(|h| h.starts_with('#')) {
                true => write!(t, "<td class=\"n\">{cell}</td>"),
                false => write!(t, "<td>{cell}</td>"),
            };
        }
        t.push_str("</tr>\n");
    }
    t.push_str("</tbody></table>\n");
    t
}

/// A definition list; values are markup, and rows without one are left out.
fn facts(rows: &[(&str, String)]) -> String {
    let mut out = String::from("<dl>");
    for (name, value) in rows.iter().filter(|r| !r.1.is_empty()) {
        let _ = write!(out, "<dt>{}</dt><dd>{value}</dd>", esc(name));
    }
    out.push_str("</dl>\n");
    out
}

fn list(items: &[String]) -> String {
    let items: String = items
        .iter()
        .map(|i| format!("<li>{}</li>", esc(i)))
        .collect();
    if items.is_empty() {
        String::new()
    } else {
        format!("<ul>{items}</ul>\n")
    }
}

/// Values in their places.
fn chips(bindings: &[Binding]) -> String {
    let chip = |b: &Binding| {
        format!(
            "<span class=\"chip mono\"><em>{} =</em> {}</span>",
            esc(&b.place),
            esc(&b.value)
        )
    };
    format!(
        "<div class=\"chips\">{}</div>\n",
        bindings.iter().map(chip).collect::<String>()
    )
}

fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("<code>{}</code>", esc(text))
    }
}

/// A big figure with its name and a remark.
fn tile(name: &str, value: &str, remark: &str) -> String {
    format!(
        "<div class=\"tile\"><span>{}</span><b>{}</b> <i>{}</i></div>",
        esc(name),
        esc(value),
        esc(remark)
    )
}

fn tiles(tiles: &[String]) -> String {
    format!("<div class=\"tiles\">{}</div>\n", tiles.concat())
}

/// What is trusted, at the end of every report.
fn trusted(items: &[String]) -> String {
    section(
        "trusted",
        "Trusted, not proved",
        &format!("<div class=\"card\">{}</div>\n", list(items)),
    )
}

/// How to get the same result again.
fn command(line: &str) -> String {
    match line.is_empty() {
        true => String::new(),
        false => format!("<pre class=\"cmd\">{}</pre>\n", esc(line)),
    }
}
