//! Text: each line that something is said about, and below it what.

use super::{ModuleView, View};
use std::fmt::Write;
use trinity_lower::remark::{Class, times};

/// Columns that the names of groups take.
const NAMES: usize = 8;

pub(super) fn render(view: &View) -> String {
    let mut out = String::new();
    for (n, m) in view.modules.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        module(&mut out, m);
    }
    out
}

fn module(out: &mut String, m: &ModuleView) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{}: {}", m.file, summary(m));
    for (&line, entries) in &m.lines {
        let source = (line as usize).checked_sub(1).and_then(|n| m.source.get(n));
        let source = source.map_or("", |s| s.trim_end());
        let _ = write!(out, "\n{line:5}  {source}");
        if let Some(ran) = m.ran(line) {
            let _ = write!(out, "    -- reached {}", times(ran));
        }
        out.push('\n');
        for e in entries {
            let _ = writeln!(out, "       {:NAMES$} {}", e.class.name(), e.text);
            let copies = e.where_else();
            if !copies.is_empty() {
                let _ = writeln!(out, "       {:NAMES$}   {copies}", "");
            }
        }
    }
}

/// How many remarks there are of each group.
pub(super) fn summary(m: &ModuleView) -> String {
    let counts = Class::ALL
        .iter()
        .map(|&(class, name, _)| (m.count(class), name))
        .filter(|c| c.0 > 0)
        .map(|(n, name)| format!("{n} {name}"));
    let counts: Vec<String> = counts.collect();
    match counts.is_empty() {
        true => "nothing to say".to_string(),
        false => counts.join(", "),
    }
}
