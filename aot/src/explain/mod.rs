//! `--explain`: what the compiler decided about each line, as text, JSON or an annotated page.
//!
//! `View` brings the remarks of all functions together by module and line: what is said alike of a function's own code and of copies of it that
//! were inlined is one entry that names the copies. The renderers differ in form only.

mod html;
mod json;
mod text;

use crate::compile::Compiled;
use crate::discover::Program;
use std::collections::BTreeMap;
use trinity_lower::remark::{Class, Field, Remark};

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Lines of the source with what is said about them below.
    Text,
    /// For programs.
    Json,
    /// A page that needs nothing else.
    Html,
}

/// The forms by name, the default first.
pub const FORMATS: [(&str, Format); 3] = [
    ("text", Format::Text),
    ("json", Format::Json),
    ("html", Format::Html),
];

/// What was decided about a program.
pub fn render(format: Format, program: &Program, compiled: &Compiled) -> String {
    let view = View::new(program, compiled);
    match format {
        Format::Text => text::render(&view),
        Format::Json => json::render(&view),
        Format::Html => html::render(&view),
    }
}

/// A place from which a function was inlined: the caller's name and the line of the call.
type Call = (String, u32);

/// A remark.
#[derive(Debug)]
struct Entry {
    function: String,
    class: Class,
    id: &'static str,
    text: String,
    fields: Vec<(&'static str, Field)>,
    ran: Option<u64>,
    /// It is about the function's own code.
    own: bool,
    /// It is about these copies; each by the calls that lead to it, innermost first.
    copies: Vec<Vec<Call>>,
}

impl Entry {
    /// In which copies it is so.
    fn where_else(&self) -> String {
        const SHOWN: usize = 4;
        if self.copies.is_empty() {
            return String::new();
        }
        let one = |calls: &Vec<Call>| {
            let calls: Vec<String> = calls
                .iter()
                .map(|(caller, line)| format!("{caller} line {line}"))
                .collect();
            calls.join(" < ")
        };
        let mut places: Vec<String> = self.copies.iter().take(SHOWN).map(one).collect();
        if self.copies.len() > SHOWN {
            places.push(format!("{} more", self.copies.len() - SHOWN));
        }
        let also = if self.own { "also " } else { "" };
        format!("{also}inlined in {}", places.join("; "))
    }
}

/// A module.
#[derive(Debug)]
struct ModuleView {
    /// Name as `require` takes it; empty for the main program.
    name: String,
    file: String,
    source: Vec<String>,
    lines: BTreeMap<u32, Vec<Entry>>,
}

impl ModuleView {
    /// How often training came to a line.
    fn ran(&self, line: u32) -> Option<u64> {
        let entries = self.lines.get(&line)?;
        entries.iter().filter_map(|e| e.ran).max()
    }
    /// How many remarks there are of a group.
    fn count(&self, class: Class) -> usize {
        let entries = self.lines.values().flatten();
        entries.filter(|e| e.class == class).count()
    }
}

#[derive(Debug)]
struct View {
    modules: Vec<ModuleView>,
}

impl View {
    fn new(program: &Program, compiled: &Compiled) -> View {
        let modules = program
            .modules
            .iter()
            .zip(&compiled.units)
            .map(|(m, unit)| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let name = |n: u32| match unit.funcs.get(n as usize) {
                    Some(f) => f.name.short.clone(),
                    None => String::new(),
                };
                let mut lines: BTreeMap<u32, Vec<Entry>> = BTreeMap::new();
                for remark in &unit.remarks {
                    if let Some(at) = remark.at.first() {
                        add(lines.entry(at.line).or_default(), remark, &name);
                    }
                }
                for entries in lines.values_mut() {
                    entries.sort_by(|a, b| (a.class, &a.function).cmp(&(b.class, &b.function)));
                }
                ModuleView {
                    name: text(&m.name),
                    file: text(&m.shown),
                    source: text(&m.source.text).lines().map(str::to_owned).collect(),
                    lines,
                }
            });
        View {
            modules: modules.collect(),
        }
    }
}

/// Adds a remark to those of its line.
fn add(entries: &mut Vec<Entry>, remark: &Remark, name: &dyn Fn(u32) -> String) {
    let [at, calls @ ..] = remark.at.as_slice() else {
        return;
    };
    let (function, text) = (name(at.func), remark.kind.text());
    let calls: Vec<Call> = calls.iter().map(|c| (name(c.func), c.line)).collect();
    let same = |e: &Entry| e.text == text && e.function == function;
    let n = entries.iter().position(same).unwrap_or_else(|| {
        entries.push(Entry {
            function,
            class: remark.kind.class(),
            id: remark.kind.id(),
            text,
            fields: remark.kind.fields(),
            ran: None,
            own: false,
            copies: Vec::new(),
        });
        entries.len() - 1
    });
    let entry = &mut entries[n];
    entry.ran = entry.ran.max(remark.ran);
    match calls.is_empty() {
        true => entry.own = true,
        false if !entry.copies.contains(&calls) => entry.copies.push(calls),
        false => {}
    }
}
