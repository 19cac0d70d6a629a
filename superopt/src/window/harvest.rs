//! The harvest: straight-line runs of compiled programs that are worth a search, with how often they run and where they are.

use super::{hex, unhex};
use crate::run::files::write_atomically;
use crate::run::listing::intel;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use trinity_codegen::window::{Live, canonical, decode};

/// What the file is.
pub const FORMAT: &str = "trinity harvest";
/// Version of the file's layout.
pub const VERSION: u32 = 1;

/// Where a run stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// The program's main file.
    pub program: String,
    /// The function's symbol.
    pub function: String,
    /// The line that its first instruction comes from.
    pub line: u32,
    /// How often it runs: by the profile where there is one, else by the depth of loops around it.
    pub weight: f64,
}

/// A run in canonical form.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Machine code, in hexadecimal.
    pub code: String,
    /// The same for people.
    pub text: Vec<String>,
    /// What lives behind each instruction: general registers and flags, a bit for each.
    pub live: Vec<(u16, u8)>,
    /// What the processor has.
    pub march: String,
    /// The sum of the sites' weights.
    pub weight: f64,
    /// Where it stands.
    pub sites: Vec<Site>,
    /// What is known to hold of its inputs wherever it stands. None is written yet; none is used.
    #[serde(default)]
    pub preconditions: Vec<String>,
}

/// All runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Harvest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// By weight, the greatest first.
    pub runs: Vec<Run>,
}

/// Why a harvest cannot be used.
#[derive(Debug)]
pub enum HarvestError {
    /// The file cannot be read or written.
    Io(PathBuf, std::io::Error),
    /// It is none, or of another version.
    Format(PathBuf, String),
}

impl fmt::Display for HarvestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HarvestError::Io(p, e) => write!(f, "the harvest {}: {e}", p.display()),
            HarvestError::Format(p, why) => {
                write!(f, "{} is no harvest that can be used: {why}", p.display())
            }
        }
    }
}

impl std::error::Error for HarvestError {}

impl Default for Harvest {
    fn default() -> Harvest {
        Harvest {
            format: FORMAT.into(),
            version: VERSION,
            runs: Vec::new(),
        }
    }
}

impl Run {
    /// A run of code as it stands. `None` for what is none.
    pub fn new(code: &[u8], live: &[Live], march: &str, site: Site) -> Option<Run> {
        let last = *live.last()?;
        let code = canonical(&decode(code)?, last)?;
        let renamed = |l: &Live| (code.renaming.set(l.gpr), l.flags);
        Some(Run {
            code: hex(&code.bytes),
            text: code.code.iter().map(intel).collect(),
            live: live.iter().map(renamed).collect(),
            march: march.into(),
            weight: site.weight,
            sites: vec![site],
            preconditions: Vec::new(),
        })
    }

    /// Its instructions and what lives behind each.
    pub fn parts(&self) -> Option<(Vec<trinity_codegen::isa::Instruction>, Vec<Live>)> {
        let code = decode(&unhex(&self.code)?)?;
        let live = self.live.iter().map(|&(gpr, flags)| Live { gpr, flags });
        let live: Vec<Live> = live.collect();
        (code.len() == live.len()).then_some((code, live))
    }
}

impl Harvest {
    /// Reads a harvest.
    ///
    /// # Errors
    /// See [`HarvestError`].
    pub fn load(path: &Path) -> Result<Harvest, HarvestError> {
        let text =
            std::fs::read_to_string(path).map_err(|e| HarvestError::Io(path.to_path_buf(), e))?;
        let wrong = |why: String| HarvestError::Format(path.to_path_buf(), why);
        let harvest: Harvest = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        if harvest.format != FORMAT || harvest.version != VERSION {
            let (format, version) = (&harvest.format, harvest.version);
            return Err(wrong(format!("it is \"{format}\" version {version}")));
        }
        if harvest.runs.iter().any(|r| r.parts().is_none()) {
            return Err(wrong("a run's code and its liveness do not fit".into()));
        }
        Ok(harvest)
    }

    /// Adds runs; weights of the same code in the same place add up.
    pub fn add(&mut self, runs: impl IntoIterator<Item = Run>) {
        let name = |r: &Run| (r.code.clone(), r.live.clone(), r.march.clone());
        let mut at: HashMap<_, usize> = HashMap::new();
        for (n, r) in self.runs.iter().enumerate() {
            at.insert(name(r), n);
        }
        for run in runs {
            let n = *at.entry(name(&run)).or_insert_with(|| {
                self.runs.push(Run {
                    sites: Vec::new(),
                    ..run.clone()
                });
                self.runs.len() - 1
            });
            for site in run.sites {
                let same = |s: &&mut Site| {
                    (&s.program, &s.function, s.line) == (&site.program, &site.function, site.line)
                };
                match self.runs[n].sites.iter_mut().find(same) {
                    Some(old) => old.weight += site.weight,
                    None => self.runs[n].sites.push(site),
                }
            }
        }
        for r in &mut self.runs {
            r.weight = r.sites.iter().map(|s| s.weight).sum();
        }
        self.runs.sort_by(|a, b| {
            b.weight
                .total_cmp(&a.weight)
                .then_with(|| a.code.cmp(&b.code))
                .then_with(|| a.live.cmp(&b.live))
        });
    }

    /// Removes what a program brought, before it brings anew.
    pub fn forget(&mut self, program: &str) {
        for r in &mut self.runs {
            r.sites.retain(|s| s.program != program);
        }
        self.runs.retain(|r| !r.sites.is_empty());
    }

    /// Writes it in one step.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), HarvestError> {
        // Strings, numbers and lists: serialising cannot fail.
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        write_atomically(path, text.as_bytes()).map_err(|e| HarvestError::Io(path.to_path_buf(), e))
    }
}
