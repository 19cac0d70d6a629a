//! TOML read with places: every complaint names file, line and key, and all of them are told at once.
//!
//! Serde's derived readers stop at the first error and say `unknown field` without the nearest known key, hence this small
//! reader over the parsed document. A `Section` notes which keys were asked for; `Section::finish` reports the others.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One complaint about a configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: usize,
    /// The key with its path, such as `engine.chain.beta`; empty for errors of syntax.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A configuration that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, in the order of lines. Never empty. Line 0: the file as a whole.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// Exit code of commands that end in this.
    pub const EXIT: u8 = crate::report::verdict::exit::CONFIG;

    pub(super) fn whole(file: &Path, message: String) -> ConfigError {
        let problem = Problem {
            line: 0,
            key: String::new(),
            message,
        };
        ConfigError {
            file: file.into(),
            problems: vec![problem],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, p) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}", self.file.display())?;
            if p.line > 0 {
                write!(f, ":{}", p.line)?;
            }
            f.write_str(": ")?;
            if !p.key.is_empty() {
                write!(f, "{}: ", p.key)?;
            }
            f.write_str(&p.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// What all sections of a file share.
pub(super) struct Reading<'t> {
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
}

impl<'t> Reading<'t> {
    pub(super) fn new(text: &'t str) -> Reading<'t> {
        Reading {
            text,
            problems: RefCell::new(Vec::new()),
        }
    }

    fn line(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        1 + self.text.as_bytes()[..offset]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
    }

    pub(super) fn complain(&self, offset: usize, key: String, message: String) {
        let line = self.line(offset);
        self.problems
            .borrow_mut()
            .push(Problem { line, key, message });
    }

    /// The whole document, or `None` with a complaint about its syntax.
    pub(super) fn document(&self) -> Option<Spanned<DeTable<'t>>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table),
            Err(e) => {
                let at = e.span().map_or(0, |s| s.start);
                self.complain(at, String::new(), e.message().replace('\n', "; "));
                None
            }
        }
    }

    /// The complaints in the order of lines; an error if there are any.
    pub(super) fn finish(self, file: &Path) -> Result<(), ConfigError> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|p| p.line);
        match problems.is_empty() {
            true => Ok(()),
            false => Err(ConfigError {
                file: file.into(),
                problems,
            }),
        }
    }
}

/// A value that a key can have.
pub(super) trait Readable: Sized {
    /// What it should be, for complaints: `a number`.
    const WHAT: &'static str;
    fn read(value: &DeValue) -> Option<Self>;
}

impl Readable for String {
    const WHAT: &'static str = "a string";
    fn read(value: &DeValue) -> Option<String> {
        value.as_str().map(str::to_string)
    }
}

impl Readable for PathBuf {
    const WHAT: &'static str = "a path";
    fn read(value: &DeValue) -> Option<PathBuf> {
        value.as_str().filter(|s| !s.is_empty()).map(PathBuf::from)
    }
}

impl Readable for bool {
    const WHAT: &'static str = "true or false";
    fn read(value: &DeValue) -> Option<bool> {
        value.as_bool()
    }
}

impl Readable for u64 {
    const WHAT: &'static str = "a whole number, 0 or more";
    fn read(value: &DeValue) -> Option<u64> {
        let i = value.as_integer()?;
        u64::from_str_radix(i.as_str(), i.radix()).ok()
    }
}

impl Readable for u32 {
    const WHAT: &'static str = "a whole number below 2^32";
    fn read(value: &DeValue) -> Option<u32> {
        u64::read(value).and_then(|n| n.try_into().ok())
    }
}

impl Readable for f64 {
    const WHAT: &'static str = "a number";
    fn read(value: &DeValue) -> Option<f64> {
        let n: f64 = match (value.as_float(), value.as_integer()) {
            (Some(x), _) => x.as_str().parse().ok()?,
            (_, Some(i)) => i64::from_str_radix(i.as_str(), i.radix()).ok()? as f64,
            _ => return None,
        };
        n.is_finite().then_some(n)
    }
}

impl Readable for Duration {
    const WHAT: &'static str = "a time such as \"500ms\", \"60s\", \"10m\" or \"8h\"";
    fn read(value: &DeValue) -> Option<Duration> {
        parse_duration(value.as_str()?)
    }
}

impl<T: Readable> Readable for Vec<T> {
    const WHAT: &'static str = T::WHAT;
    fn read(value: &DeValue) -> Option<Vec<T>> {
        value
            .as_array()?
            .iter()
            .map(|v| T::read(v.get_ref()))
            .collect()
    }
}

/// `500ms`, `60s`, `10m`, `8h`; whole numbers only.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let n: u64 = text[..digits].parse().ok()?;
    Some(match &text[digits..] {
        "ms" => Duration::from_millis(n),
        "s" => Duration::from_secs(n),
        "m" => Duration::from_secs(n.checked_mul(60)?),
        "h" => Duration::from_secs(n.checked_mul(3600)?),
        _ => return None,
    })
}

/// The text that [`parse_duration`] reads; exact for whole milliseconds.
pub fn print_duration(d: Duration) -> String {
    match d.subsec_millis() {
        0 if d.as_secs() > 0 && d.as_secs().is_multiple_of(3600) => {
            format!("{}h", d.as_secs() / 3600)
        }
        0 if d.as_secs() > 0 && d.as_secs().is_multiple_of(60) => format!("{}m", d.as_secs() / 60),
        0 => format!("{}s", d.as_secs()),
        _ => format!("{}ms", d.as_millis()),
    }
}

/// A table of the file.
pub(super) struct Section<'r, 't> {
    reading: &'r Reading<'t>,
    table: &'r DeTable<'t>,
    path: String,
    offset: usize,
    asked: RefCell<Vec<&'static str>>,
}

impl<'r, 't> Section<'r, 't> {
    pub(super) fn new(
        reading: &'r Reading<'t>,
        table: &'r DeTable<'t>,
        path: &str,
        offset: usize,
    ) -> Self {
        Section {
            reading,
            table,
            path: path.into(),
            offset,
            asked: RefCell::new(Vec::new()),
        }
    }

    fn key_path(&self, key: &str) -> String {
        match self.path.is_empty() {
            true => key.into(),
            false => format!("{}.{key}", self.path),
        }
    }

    fn find(&self, key: &'static str) -> Option<(usize, &'r Spanned<DeValue<'t>>)> {
        self.asked.borrow_mut().push(key);
        let (k, v) = self.table.get_key_value(key)?;
        Some((k.span().start, v))
    }

    /// Complains about a key that is there, or about the section if it is not.
    pub(super) fn complain(&self, key: &str, message: impl Into<String>) {
        let offset = self
            .table
            .get_key_value(key)
            .map_or(self.offset, |(k, _)| k.span().start);
        self.reading
            .complain(offset, self.key_path(key), message.into());
    }

    /// Complains unless something holds.
    pub(super) fn check(&self, ok: bool, key: &str, message: impl Into<String>) {
        if !ok {
            self.complain(key, message);
        }
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of a key that may be missing.
    pub(super) fn optional<T: Readable>(&self, key: &'static str) -> Option<T> {
        let (_, value) = self.find(key)?;
        let read = T::read(value.get_ref());
        if read.is_none() {
            let list = if value.get_ref().is_array() {
                "each entry "
            } else {
                ""
            };
            self.complain(key, format!("{list}should be {}", T::WHAT));
        }
        read
    }

    /// The value of a key, or a default.
    pub(super) fn or<T: Readable>(&self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// The value of a key that must be there.
    pub(super) fn required<T: Readable>(&self, key: &'static str) -> Option<T> {
        if !self.has(key) {
            self.complain(key, "missing");
        }
        self.optional(key)
    }

    /// A number that must lie in a range.
    pub(super) fn number(&self, key: &'static str, default: f64, low: f64, high: f64) -> f64 {
        let n = self.or(key, default);
        self.check(
            (low..=high).contains(&n),
            key,
            format!("should lie between {low} and {high}"),
        );
        n
    }

    /// A whole number that must lie in a range.
    pub(super) fn count(&self, key: &'static str, default: u32, low: u32, high: u32) -> u32 {
        let n = self.or(key, default);
        self.check(
            (low..=high).contains(&n),
            key,
            format!("should lie between {low} and {high}"),
        );
        n
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let word: String = self.optional(key)?;
        let found = choices.iter().find(|c| c.0 == word).map(|c| c.1);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|c| c.0).collect();
            let hint = match nearest(&word, &names) {
                Some(n) => format!("did you mean \"{n}\"?"),
                None => format!("it may be {}", names.join(", ")),
            };
            self.complain(key, format!("\"{word}\" is not known; {hint}"));
        }
        found
    }

    /// A table inside this one.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'r, 't>> {
        let (offset, value) = self.find(key)?;
        match value.get_ref() {
            DeValue::Table(t) => Some(Section::new(self.reading, t, &self.key_path(key), offset)),
            _ => {
                self.complain(key, "should be a table");
                None
            }
        }
    }

    /// The tables of an array of tables.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'r, 't>> {
        let Some((_, value)) = self.find(key) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for v in value
            .get_ref()
            .as_array()
            .into_iter()
            .flat_map(|a| a.iter())
        {
            if let DeValue::Table(t) = v.get_ref() {
                out.push(Section::new(
                    self.reading,
                    t,
                    &self.key_path(key),
                    v.span().start,
                ));
            }
        }
        if out.is_empty() {
            self.complain(
                key,
                format!("should be one or more tables [[{}]]", self.key_path(key)),
            );
        }
        out
    }

    /// Complains about every key that nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.into_inner();
        for (key, _) in self.table.iter() {
            let name = key.get_ref().as_ref();
            if asked.contains(&name) {
                continue;
            }
            let hint = match nearest(name, &asked) {
                Some(n) => format!("; did you mean `{n}`?"),
                None => format!("; known here: {}", asked.join(", ")),
            };
            let path = match self.path.is_empty() {
                true => name.to_string(),
                false => format!("{}.{name}", self.path),
            };
            self.reading
                .complain(key.span().start, path, format!("unknown key{hint}"));
        }
    }
}

/// The candidate with the least edit distance, if it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let limit = 1 + word.chars().count() / 4;
    candidates
        .iter()
        .map(|c| (distance(word, c), *c))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, c)| c)
}

/// Edit distance with swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j - 1] + change)
                    .min(rows[i - 1][j] + 1)
                    .min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_and_refuses_the_unrelated() {
        let keys = ["deadline", "deterministic", "jobs", "seed", "march"];
        assert_eq!(nearest("deadlin", &keys), Some("deadline"));
        assert_eq!(nearest("sede", &keys), Some("seed"));
        assert_eq!(nearest("Jobs", &keys), Some("jobs"));
        assert_eq!(nearest("colour", &keys), None);
    }

    #[test]
    fn durations_round_trip() {
        for text in ["500ms", "1s", "90s", "10m", "8h", "0s", "1500ms"] {
            assert_eq!(print_duration(parse_duration(text).unwrap()), text);
        }
        for text in [
            "",
            "s",
            "5",
            "1.5s",
            "-1s",
            "1d",
            "99999999999999999999s",
            "9999999999999999999h",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
