//! Reports: JSON for programs, one self-contained HTML page for people, text for the terminal.
//!
//! A [`Document`] is what is written: a format version and one of the kinds of report. The JSON form is published as
//! `docs/report.schema.json`, and a test holds the two together; the other two writers only show what the JSON holds.
//! A report that contradicts itself (see [`Document::faults`]) is never written.

pub mod batch;
pub mod equivalence;
pub mod html;
pub mod parts;
pub mod phi;
#[cfg(test)]
mod samples;
pub mod search;
#[cfg(test)]
mod tests;
pub mod text;
pub mod verdict;

pub use batch::Batch;
pub use equivalence::Equivalence;
pub use phi::Phi;
pub use search::Search;
pub use verdict::{Use, Verdict, VerdictKind};

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Version of the JSON form. It grows when a reader of the old form could misread the new one.
pub const FORMAT: u32 = 1;

/// Name and version of this tool, as reports give it.
pub fn tool_version() -> String {
    format!("trinity-superopt {}", env!("CARGO_PKG_VERSION"))
}

/// The kinds of report.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
pub enum Report {
    /// Two programs compared.
    Equivalence(Box<Equivalence>),
    /// A search run.
    Search(Box<Search>),
    /// Many proofs summarised.
    Batch(Box<Batch>),
    /// What of the phi formula folds in doubles.
    Phi(Box<Phi>),
}

/// A report as it is written to a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Document {
    /// See [`FORMAT`].
    pub format: u32,
    /// The report itself, in the same object.
    #[serde(flatten)]
    pub report: Report,
}

/// Why a report cannot be written or read.
#[derive(Debug)]
pub enum ReportError {
    /// The file system refused.
    Io(PathBuf, std::io::Error),
    /// Not a report, or one of another shape.
    Malformed(PathBuf, serde_json::Error),
    /// A report of a format this version does not know.
    Format(PathBuf, u64),
    /// The report contradicts itself.
    Unsound(Vec<String>),
}

impl std::fmt::Display for ReportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReportError::Io(p, e) => write!(f, "{}: {e}", p.display()),
            ReportError::Malformed(p, e) => {
                write!(f, "{}: not a report of this tool: {e}", p.display())
            }
            ReportError::Format(p, n) => write!(
                f,
                "{}: report format {n}; this version reads format {FORMAT}",
                p.display()
            ),
            ReportError::Unsound(faults) => {
                write!(f, "the report contradicts itself: {}", faults.join("; "))
            }
        }
    }
}

impl std::error::Error for ReportError {}

impl From<Equivalence> for Document {
    fn from(r: Equivalence) -> Document {
        Document::new(Report::Equivalence(Box::new(r)))
    }
}

impl From<Search> for Document {
    fn from(r: Search) -> Document {
        Document::new(Report::Search(Box::new(r)))
    }
}

impl From<Batch> for Document {
    fn from(r: Batch) -> Document {
        Document::new(Report::Batch(Box::new(r)))
    }
}

impl From<Phi> for Document {
    fn from(r: Phi) -> Document {
        Document::new(Report::Phi(Box::new(r)))
    }
}

impl Document {
    /// A report in the current format.
    pub fn new(report: Report) -> Document {
        Document {
            format: FORMAT,
            report,
        }
    }

    /// What is wrong with the report itself; empty for a sound one.
    pub fn faults(&self) -> Vec<String> {
        match &self.report {
            Report::Equivalence(r) => r.faults(),
            Report::Search(r) => r.faults(),
            Report::Phi(r) => r.faults(),
            Report::Batch(_) => Vec::new(),
        }
    }

    /// JSON text, indented, with a final newline; the same for the same report.
    pub fn to_json(&self) -> String {
        // Strings, numbers and derived structures only: serialising cannot fail.
        let mut text = serde_json::to_string_pretty(self)
            .expect("reports hold no maps with other keys than strings");
        text.push('\n');
        text
    }

    /// Reads what [`Document::to_json`] wrote.
    pub fn from_json(path: &Path, text: &str) -> Result<Document, ReportError> {
        let malformed = |e| ReportError::Malformed(path.into(), e);
        let value: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        match value.get("format").and_then(|v| v.as_u64()) {
            Some(n) if n != FORMAT as u64 => Err(ReportError::Format(path.into(), n)),
            _ => serde_json::from_value(value).map_err(malformed),
        }
    }

    /// Reads a report; a directory stands for its `run.json`.
    pub fn load(path: &Path) -> Result<Document, ReportError> {
        let file = if path.is_dir() {
            path.join("run.json")
        } else {
            path.into()
        };
        let text = std::fs::read_to_string(&file).map_err(|e| ReportError::Io(file.clone(), e))?;
        Document::from_json(&file, &text)
    }

    /// Writes the JSON form to a file, whole or not at all.
    pub fn write_json(&self, path: &Path) -> Result<(), ReportError> {
        self.write(path, Document::to_json)
    }

    /// Writes the HTML page to a file, whole or not at all.
    pub fn write_html(&self, path: &Path) -> Result<(), ReportError> {
        self.write(path, html::page)
    }

    /// The report as text for the terminal.
    pub fn to_text(&self) -> String {
        text::text(self)
    }

    fn write(&self, path: &Path, form: impl Fn(&Document) -> String) -> Result<(), ReportError> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(ReportError::Unsound(faults));
        }
        crate::run::files::write_atomically(path, form(self).as_bytes())
            .map_err(|e| ReportError::Io(path.into(), e))
    }

    /// Takes out everything that came from a clock or a memory gauge, for deterministic runs (law 9).
    pub fn without_clocks(mut self) -> Document {
        match &mut self.report {
            Report::Equivalence(r) => drop_clocks(r),
            Report::Search(r) => {
                r.seconds = None;
                for t in &mut r.targets {
                    t.result.iter_mut().for_each(drop_clocks);
                    t.curves
                        .iter_mut()
                        .flat_map(|c| &mut c.points)
                        .for_each(|p| p.seconds = None);
                    t.engines.iter_mut().for_each(|e| e.seconds = None);
                }
                r.rules.iter_mut().for_each(|r| r.seconds = None);
            }
            Report::Batch(r) => r.drop_clocks(),
            Report::Phi(_) => {}
        }
        self
    }
}

fn drop_clocks(r: &mut Equivalence) {
    r.seconds = None;
    for q in &mut r.queries {
        (q.seconds, q.memory_bytes) = (None, None);
        if let Some(s) = &mut q.second {
            s.seconds = None;
        }
    }
    for p in [&mut r.left, &mut r.right] {
        if let Some(cost) = &mut p.cost {
            cost.measured = None;
        }
    }
}
