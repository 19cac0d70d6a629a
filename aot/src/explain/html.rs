//! A page: the source with a badge for each group of remarks at its line; what they say opens below the line. Groups can be hidden. It refers to
//! nothing outside itself and runs no code.

use super::{Entry, ModuleView, View, text};
use crate::bench::html::escape;
use std::fmt::Write;
use trinity_lower::remark::Class;

const STYLE: &str = "\
:root { color-scheme: light dark; --back: #fff; --fore: #1f2328; --soft: #656d76; --line: #d8dee4; --hover: #f6f8fa;
  --function: #8250df; --generic: #cf222e; --guard: #9a6700; --call: #0969da; --loop: #bc4c00; --done: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --fore: #e6edf3; --soft: #8d96a0; --line: #30363d; --hover: #161b22;
  --function: #ab7df8; --generic: #ff7b72; --guard: #d29922; --call: #58a6ff; --loop: #f0883e; --done: #3fb950; } }
body { background: var(--back); color: var(--fore); font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; } p, label { color: var(--soft); }
label { margin-right: 1rem; white-space: nowrap; }
.source { border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; }
.row { display: flex; gap: .75rem; padding: 0 .5rem; font: 13px/1.6 ui-monospace, monospace; white-space: pre; }
.row > .n { color: var(--soft); min-width: 3.5em; text-align: right; user-select: none; }
.row > .ran { color: var(--soft); min-width: 6em; text-align: right; user-select: none; }
.row > .code { flex: 1; }
details > summary { list-style: none; cursor: pointer; } details > summary::-webkit-details-marker { display: none; }
details > summary:hover, details[open] > summary { background: var(--hover); }
.badge { border: 1px solid currentColor; border-radius: 1em; font: 11px/1.4 system-ui, sans-serif; padding: 0 .5em; margin-left: .3em; }
ul { margin: 0; padding: .3rem .5rem .6rem 12em; background: var(--hover); list-style: none; }
li { margin: .15rem 0; } li b { font-weight: 600; margin-right: .5em; } li small { color: var(--soft); display: block; }
";

pub(super) fn render(view: &View) -> String {
    let mut out =
        String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let title = view.modules.first().map_or("", |m| m.file.as_str());
    let title = escape(title);
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "<title>{title}: what the compiler decided</title>\n<style>\n{STYLE}"
    );
    for (_, name, _) in Class::ALL {
        let _ = writeln!(
            out,
            ".{name} {{ color: var(--{name}); }} body:not(:has(#show-{name}:checked)) :is(li, .badge).{name} {{ display: none; }}"
        );
    }
    let _ = writeln!(out, "</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>");
    for (_, name, says) in Class::ALL {
        let _ = writeln!(
            out,
            "<label><input type=\"checkbox\" id=\"show-{name}\" checked> <span class=\"{name}\">{name}</span>: {says}</label>"
        );
    }
    out.push_str("</p>\n");
    for m in &view.modules {
        module(&mut out, m);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn module(out: &mut String, m: &ModuleView) {
    let _ = writeln!(
        out,
        "<h2>{}</h2>\n<p>{}</p>",
        escape(&m.file),
        text::summary(m)
    );
    out.push_str("<div class=\"source\">\n");
    // What is about no line comes first.
    let last = m.lines.keys().copied().max().unwrap_or(0);
    let first = if m.lines.contains_key(&0) { 0 } else { 1 };
    for line in first..=last.max(m.source.len() as u32) {
        let source = (line as usize).checked_sub(1).and_then(|n| m.source.get(n));
        let source = escape(source.map_or("", String::as_str));
        let ran = m.ran(line).map_or(String::new(), |n| n.to_string());
        let row = format!(
            "<span class=\"n\">{line}</span><span class=\"ran\" title=\"how often training came here\">{ran}</span><span class=\"code\">{source}</span>"
        );
        match m.lines.get(&line) {
            None => {
                let _ = writeln!(out, "<div class=\"row\">{row}</div>");
            }
            Some(entries) => {
                let _ = writeln!(
                    out,
                    "<details><summary class=\"row\">{row}<span>{}</span></summary>",
                    badges(entries)
                );
                out.push_str("<ul>\n");
                for e in entries {
                    remark(out, e);
                }
                out.push_str("</ul></details>\n");
            }
        }
    }
    out.push_str("</div>\n");
}

/// A badge for each group of a line's remarks, with what they say for who points at it.
fn badges(entries: &[Entry]) -> String {
    let mut out = String::new();
    for (class, name, _) in Class::ALL {
        let of: Vec<&str> = entries
            .iter()
            .filter(|e| e.class == class)
            .map(|e| e.text.as_str())
            .collect();
        if !of.is_empty() {
            let (title, n) = (escape(&of.join("\n")), of.len());
            let _ = write!(
                out,
                "<span class=\"badge {name}\" title=\"{title}\">{name} {n}</span>"
            );
        }
    }
    out
}

fn remark(out: &mut String, e: &Entry) {
    let (name, said) = (e.class.name(), escape(&e.text));
    let _ = write!(
        out,
        "<li class=\"{name}\" title=\"{}\"><b>{name}</b><span style=\"color: var(--fore)\">{said}</span>",
        e.id
    );
    let copies = e.where_else();
    if !copies.is_empty() {
        let _ = write!(out, "<small>{}</small>", escape(&copies));
    }
    out.push_str("</li>\n");
}
