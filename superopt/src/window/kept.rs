//! Results as they are kept: in the store of proven results, and in a file of text that is shipped.
//!
//! A window's question is its name in hexadecimal; the answer is the replacement's code and what it saves. Both carry a
//! checksum and the hash of the semantics they were proven under; what does not fit is refused.

use super::measured::figures;
use super::{hex, unhex};
use crate::measure::Verdict as MeasuredVerdict;
use crate::report::verdict::Verdict;
use crate::run::listing::intel;
use crate::store::sha256::{Digest, Sha256};
use crate::store::{Entry, Lookup, Query, Spent, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use trinity_codegen::isa::Flag;
use trinity_codegen::window::{Canonical, WindowStore, decode};

/// What the file is.
pub const FORMAT: &str = "trinity windows";
/// Version of the file's layout.
pub const VERSION: u32 = 1;
/// Kind of question in the store.
pub const GOAL: &str = "window";
/// A replacement without instructions.
const NOTHING: &str = "-";

/// A window and its replacement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The window's name, in hexadecimal.
    pub key: String,
    /// The replacement's code.
    pub new: String,
    /// What it saves by the model, in hundredths of a cycle.
    pub gain: u32,
    /// The window for people.
    pub before: Vec<String>,
    /// The replacement for people.
    pub after: Vec<String>,
    /// What lives behind it.
    pub live_out: Vec<String>,
    /// Who found it.
    pub engine: String,
    /// How it was proven.
    pub proof: String,
    /// What was measured: nanoseconds before and after, latency or throughput; empty where nothing was.
    pub measured: String,
    /// Checksum of name, code, gain and semantics.
    pub sum: String,
}

/// A file of windows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Shelf {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Hash of the semantics.
    pub semantics: String,
    /// By name.
    pub windows: Vec<Kept>,
}

/// Why kept windows cannot be used.
#[derive(Debug)]
pub enum KeptError {
    /// The file cannot be read.
    Io(PathBuf, std::io::Error),
    /// The store cannot be used.
    Store(StoreError),
    /// It is none, or of another version or semantics.
    Format(String, String),
    /// An entry is not what was written: its number, and why.
    Entry(String, usize, String),
}

impl fmt::Display for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeptError::Io(p, e) => write!(f, "the windows in {}: {e}", p.display()),
            KeptError::Store(e) => e.fmt(f),
            KeptError::Format(p, why) => write!(f, "the windows in {p} cannot be used: {why}"),
            KeptError::Entry(p, n, why) => {
                write!(f, "entry {n} of the windows in {p} is refused: {why}")
            }
        }
    }
}

impl std::error::Error for KeptError {}

/// The names of what lives behind a window.
pub fn live_out(w: &Canonical) -> Vec<String> {
    const GPR: [&str; 16] = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15",
    ];
    let gpr = (0..16).filter(|n| w.live.gpr >> n & 1 == 1);
    let flags = Flag::ALL
        .iter()
        .filter(|f| w.live.flags >> **f as u8 & 1 == 1);
    gpr.map(|n| GPR[n].to_owned())
        .chain(flags.map(|f| format!("{f:?}").to_lowercase()))
        .collect()
}

/// A window as the store knows it.
pub fn question(w: &Canonical) -> Query {
    Query {
        goal: GOAL.into(),
        target: hex(&w.key()),
        live_in: Vec::new(),
        live_out: live_out(w),
        preconditions: Vec::new(),
        march: String::new(),
    }
}

impl Kept {
    fn summed(&self, semantics: &str) -> String {
        let mut h = Sha256::default();
        h.field(self.key.as_bytes())
            .field(self.new.as_bytes())
            .field(&self.gain.to_le_bytes())
            .field(semantics.as_bytes());
        h.finish().to_string()
    }

    /// A result for a window.
    pub fn new(w: &Canonical, code: &[trinity_codegen::isa::Instruction], gain: u32) -> Kept {
        let bytes = trinity_codegen::window::encode(code).unwrap_or_default();
        Kept {
            key: hex(&w.key()),
            new: hex(&bytes),
            gain,
            before: w.code.iter().map(intel).collect(),
            after: code.iter().map(intel).collect(),
            live_out: live_out(w),
            engine: String::new(),
            proof: String::new(),
            measured: String::new(),
            sum: String::new(),
        }
    }

    /// Whether nothing was measured slower, or something else faster for it.
    pub fn pays(&self) -> bool {
        let figures = figures(&self.measured);
        let any = |v| figures.iter().any(|f| f.verdict == v);
        !any(MeasuredVerdict::Slower) || any(MeasuredVerdict::Faster)
    }

    /// For the store: proven here.
    pub fn entry(&self, w: &Canonical, cost: u64, spent: Spent) -> Entry {
        let code = if self.new.is_empty() {
            NOTHING
        } else {
            &self.new
        };
        let program = format!(
            "{code}\ngain {}\nengine {}\nproof {}\nmeasured {}",
            self.gain, self.engine, self.proof, self.measured
        );
        Entry {
            query: question(w),
            program,
            cost: Some(cost as f64),
            verdict: Verdict::Proven,
            precondition: None,
            solver: String::new(),
            smt: Vec::new(),
            shown: None,
            spent,
            failures: Vec::new(),
            tool: crate::report::tool_version(),
            proved_here: true,
        }
    }

    /// From the store.
    pub fn of_entry(e: &Entry) -> Option<Kept> {
        if e.query.goal != GOAL {
            return None;
        }
        let mut lines = e.program.lines();
        let new = lines.next()?.replace(NOTHING, "");
        let mut word = |name: &str| {
            let line = lines.next().and_then(|l| l.strip_prefix(name));
            line.map_or(String::new(), |l| l.trim().to_owned())
        };
        let gain = word("gain").parse().ok()?;
        let (engine, proof, measured) = (word("engine"), word("proof"), word("measured"));
        let w = WindowStore::window(&unhex(&e.query.target)?)?;
        let code = decode(&unhex(&new)?)?;
        Some(Kept {
            engine,
            proof,
            measured,
            ..Kept::new(&w, &code, gain)
        })
    }
}

impl Shelf {
    /// A file of these windows.
    pub fn new(mut windows: Vec<Kept>, semantics: &str) -> Shelf {
        windows.sort_by(|a, b| a.key.cmp(&b.key));
        for w in &mut windows {
            w.sum = w.summed(semantics);
        }
        Shelf {
            format: FORMAT.into(),
            version: VERSION,
            semantics: semantics.into(),
            windows,
        }
    }

    /// Reads a file's text; `name` is for messages. With `semantics` it must be of these.
    ///
    /// # Errors
    /// When it is none, is of another version or semantics, or an entry is not what was written.
    pub fn parse(name: &str, text: &str, semantics: Option<&str>) -> Result<Shelf, KeptError> {
        let wrong = |why: String| KeptError::Format(name.into(), why);
        let shelf: Shelf = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if shelf.format != FORMAT || shelf.version != VERSION {
            let (format, version) = (&shelf.format, shelf.version);
            return Err(wrong(format!("it is \"{format}\" version {version}")));
        }
        if semantics.is_some_and(|s| s != shelf.semantics) {
            return Err(wrong(
                "they were proven under another instruction table; search again".into(),
            ));
        }
        for (n, w) in shelf.windows.iter().enumerate() {
            if w.summed(&shelf.semantics) != w.sum {
                let why = "its checksum does not fit".into();
                return Err(KeptError::Entry(name.into(), n, why));
            }
        }
        Ok(shelf)
    }

    /// Its text.
    pub fn text(&self) -> String {
        // Strings, numbers and lists: serialising cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// Puts windows where the compiler looks.
///
/// # Errors
/// When one of them is no window or its replacement uses more than the window has.
pub fn fill(to: &mut WindowStore, name: &str, windows: &[Kept]) -> Result<(), KeptError> {
    for (n, w) in windows.iter().enumerate() {
        let refused = |why: String| KeptError::Entry(name.into(), n, why);
        let (key, new) = unhex(&w.key)
            .zip(unhex(&w.new))
            .ok_or_else(|| refused("it is no code".into()))?;
        to.add(&key, &new, w.gain)
            .map_err(|e| refused(e.to_string()))?;
    }
    Ok(())
}

/// All windows proven in a store that were not measured slower, and how many entries were damaged or of other semantics.
///
/// # Errors
/// When the store cannot be read.
pub fn of_store(store: &Store) -> Result<(Vec<Kept>, usize), StoreError> {
    let (mut out, mut bad) = (Vec::new(), 0);
    store.each(|found| match found {
        Lookup::Proven(e) => out.extend(Kept::of_entry(&e).filter(Kept::pays)),
        Lookup::Stale | Lookup::Damaged => bad += 1,
        _ => {}
    })?;
    out.sort_by(|a, b| a.key.cmp(&b.key));
    Ok((out, bad))
}

/// The hash under which stores keep entries.
pub fn semantics() -> Digest {
    crate::store::sha256::sha256(trinity_codegen::isa::forms::semantics_version().as_bytes())
}

/// [`semantics`] of this version, for whoever has no time to compute it; a test compares them.
pub const SEMANTICS: &str = "6036f5cb97c109707cfb49862acf4702e889e211102472a0d0efb41c3e0c0925";

/// The same as a hash.
pub fn semantics_of_now() -> Digest {
    let bytes = unhex(SEMANTICS).and_then(|b| b.try_into().ok());
    bytes.map_or_else(semantics, Digest)
}

/// Whether a file is one of text, not a store.
pub fn is_shelf(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0u8; 1];
    let read = std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut first));
    read.is_ok() && first[0] == b'{'
}
