//! The configuration of a search run as plain data. Engines read it; [`super::parse`] makes it from TOML.
//!
//! Every field has the name of its key in the file; the chain's defaults are those of [`crate::search::chain::Params`],
//! which were chosen by measurement; others are those of the literature (reference, sections 1 and 3) where it gives any. `search-configs/README.md` documents the file.

use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// What a run does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Improves the code of the targets, starting from it.
    Opt,
    /// Finds code for the targets from nothing; their code serves as specification only.
    Synth,
    /// Proves that each kernel's code meets its specification, then finds better code for it.
    Kernels,
    /// Verifies or mines rewrite rules.
    Rules,
    /// Tunes parameters of the other engines.
    Tune,
}

impl Kind {
    /// Names in configuration files.
    pub const NAMES: [(&'static str, Kind); 5] = [
        ("opt", Kind::Opt),
        ("synth", Kind::Synth),
        ("kernels", Kind::Kernels),
        ("rules", Kind::Rules),
        ("tune", Kind::Tune),
    ];

    /// Its name in configuration files.
    pub fn name(self) -> &'static str {
        // Every kind is in the table.
        Kind::NAMES.iter().find(|k| k.1 == self).map_or("", |k| k.0)
    }
}

/// Where a target's code comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Source {
    /// A kernel that ships with the tool, by name.
    Kernel {
        /// Its name: `p01`, `montgomery`, `saxpy`, `sort3`.
        kernel: String,
    },
    /// A function of an assembly file.
    Assembly {
        /// The file.
        asm: PathBuf,
        /// The function; none where the file has one only.
        function: Option<String>,
    },
    /// A function of an object file.
    Object {
        /// The file.
        object: PathBuf,
        /// The function; none where the file has one only.
        function: Option<String>,
    },
    /// A region of the compiler's IR.
    Ir {
        /// The file.
        ir: PathBuf,
        /// `NAME` or `NAME@bN`; none where the file has one function only.
        function: Option<String>,
    },
    /// A function of a Lua file.
    Lua {
        /// The file.
        lua: PathBuf,
        /// The function; none where the file has one only.
        function: Option<String>,
    },
}

/// Width of kernels when the configuration names none.
pub const WIDTH: u32 = 32;

/// A target of the run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Target {
    /// Where its code comes from.
    #[serde(flatten)]
    pub source: Source,
    /// Word width in bits: 8, 16, 32 or 64; of kernels only, code has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Places whose final values matter; empty: what the calling convention says.
    pub live_out: Vec<String>,
    /// Conditions on the inputs, all of which must hold.
    pub preconditions: Vec<String>,
}

impl Target {
    /// A name for reports and files.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Kernel { kernel } => kernel.clone(),
            Source::Assembly {
                asm: file,
                function,
            }
            | Source::Object {
                object: file,
                function,
            }
            | Source::Ir { ir: file, function }
            | Source::Lua {
                lua: file,
                function,
            } => match function {
                Some(f) => f.clone(),
                None => file
                    .file_stem()
                    .map_or(String::new(), |s| s.to_string_lossy().into_owned()),
            },
        }
    }
}

/// Limits of a deterministic run: counts, never clocks (law 9).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Budget {
    /// Proposals of all engines together, per target.
    pub proposals: Option<u64>,
    /// Resource units of the solver, per query.
    pub rlimit: u64,
}

/// The solver's limits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Solver {
    /// Per query; not used in deterministic runs.
    #[serde(serialize_with = "duration")]
    pub timeout: Duration,
    /// Memory of a solver process, in megabytes.
    pub memory_mb: u32,
    /// Another solver that checks every answer again.
    pub second: Option<PathBuf>,
}

/// Masses of the chain's moves; they are normalised, so that only their ratios count.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Moves {
    /// Another opcode of the same operand class.
    pub opcode: f64,
    /// Another operand.
    pub operand: f64,
    /// Two slots exchanged.
    pub swap: f64,
    /// Another instruction.
    pub instruction: f64,
    /// Probability that a new instruction is the empty one.
    pub unused: f64,
}

/// Weights of the cost function (reference, section 1).
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Weights {
    /// Per fault, in wrong bits.
    pub fault: f64,
    /// Per read of an undefined place, in wrong bits.
    pub undefined: f64,
    /// For a right value in the wrong place, in wrong bits per test.
    pub misplaced: f64,
    /// Of the performance term in the optimisation phase, in wrong bits per cycle.
    pub performance: f64,
}

/// When the chain begins anew.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Restarts {
    /// Proposals of the first chains.
    pub cycle: u64,
    /// How many chains have that length before it doubles from chain to chain.
    pub repeat: u32,
}

/// The Markov chain.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Chain {
    /// Inverse temperature per wrong bit over a group of tests.
    pub beta: f64,
    /// Instruction slots of a candidate.
    pub slots: u32,
    /// Candidates within this fraction of the best cost are ranked again by measured time.
    pub rerank: f64,
    /// Masses of the moves.
    pub moves: Moves,
    /// Weights of the cost.
    pub weights: Weights,
    /// Law of the restarts.
    pub restarts: Restarts,
}

/// QUASAR over random keys.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Quasar {
    /// Members; 0: the reference's law, max(128, 2^ceil(log2(10 D))).
    pub population: u32,
    /// Generations of one round.
    pub generations: u32,
    /// Instruction slots of a candidate.
    pub slots: u32,
}

/// Enumeration of short programs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Enumerate {
    /// Instructions of the longest program.
    pub max_length: u32,
    /// Mnemonics allowed; empty: those the target's width and `march` allow.
    pub instructions: Vec<String>,
    /// Registers allowed besides the live ones.
    pub scratch: u32,
    /// Constants allowed besides those of the specification.
    pub constants: Vec<String>,
    /// Whether to prove that nothing shorter exists.
    pub minimal: bool,
}

/// Equality saturation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Egraph {
    /// Nodes per region.
    pub nodes: u32,
    /// Iterations per region.
    pub iterations: u32,
}

/// The engines of a run; one that is absent does not take part.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Engines {
    /// The Markov chain.
    pub chain: Option<Chain>,
    /// QUASAR over random keys.
    pub quasar: Option<Quasar>,
    /// Enumeration.
    pub enumerate: Option<Enumerate>,
    /// Equality saturation.
    pub egraph: Option<Egraph>,
}

impl Engines {
    /// Whether no engine takes part.
    pub fn is_empty(&self) -> bool {
        *self == Engines::default()
    }
}

/// Mining of rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mine {
    /// Operations that terms are made of.
    pub operations: Vec<String>,
    /// Constants that terms are made of.
    pub constants: Vec<String>,
    /// Variables.
    pub variables: u32,
    /// Operations of the greatest term.
    pub size: u32,
    /// Where the mined rules go.
    pub output: PathBuf,
}

/// Rules: which files, at which widths, and whether to mine more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Rules {
    /// Files of rules.
    pub files: Vec<PathBuf>,
    /// Widths in bits.
    pub widths: Vec<u32>,
    /// Mining.
    pub mine: Option<Mine>,
}

/// A parameter to be tuned.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Parameter {
    /// Its key in this file: `engine.chain.beta`.
    pub key: String,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether ratios matter rather than differences.
    pub log: bool,
}

/// Tuning of parameters by QUASAR.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Tune {
    /// Members; 0: the reference's law.
    pub population: u32,
    /// Generations.
    pub generations: u32,
    /// Runs per point, with different seeds.
    pub repeat: u32,
    /// Proposals of one run.
    pub proposals: u64,
    /// What is tuned.
    pub parameter: Vec<Parameter>,
}

/// A search run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RunConfig {
    /// Names the results' directory.
    pub name: String,
    /// What the run does.
    pub kind: Kind,
    /// Target of `-march=`.
    pub march: String,
    /// Of the whole run; none: until everything is done. Not used in deterministic runs.
    #[serde(serialize_with = "optional_duration")]
    pub deadline: Option<Duration>,
    /// Of each target; none: the run's deadline divided as the coordinator likes. Not used in deterministic runs.
    #[serde(serialize_with = "optional_duration")]
    pub deadline_per_target: Option<Duration>,
    /// Worker threads; 0: one per processor.
    pub jobs: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// Whether the result must be the same to the byte.
    pub deterministic: bool,
    /// Whether the best candidates are measured on the processor. Never in deterministic runs.
    pub measure: bool,
    /// The directory that holds the results' directory.
    pub out: PathBuf,
    /// The store of proven results; none: no store.
    pub store: Option<PathBuf>,
    /// Limits of a deterministic run.
    pub budget: Budget,
    /// The solver's limits.
    pub solver: Solver,
    /// The targets, `p01-p25` expanded.
    #[serde(rename = "target", skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// The engines.
    #[serde(rename = "engine", skip_serializing_if = "Engines::is_empty")]
    pub engines: Engines,
    /// For runs over rules.
    pub rules: Option<Rules>,
    /// For tuning runs.
    pub tune: Option<Tune>,
}

impl RunConfig {
    /// The configuration as TOML that parses to the same configuration.
    pub fn to_toml(&self) -> String {
        // Numbers, strings, lists and tables with string keys: serialising cannot fail.
        toml::to_string(self).expect("configurations hold only what TOML has")
    }

    /// Names the configuration: a saved state is resumed only under the same one. Where results go, how many threads work and
    /// how long they may do not belong to it.
    pub fn digest(&self) -> crate::store::sha256::Digest {
        let mut same = self.clone();
        same.out = PathBuf::new();
        same.store = None;
        if !self.deterministic {
            same.jobs = 0;
            (same.deadline, same.deadline_per_target) = (None, None);
        }
        crate::store::sha256::sha256(same.to_toml().as_bytes())
    }

    /// Makes the run reproducible to the byte, as `--deterministic` asks. Without a budget of proposals in the file the given
    /// one is used.
    pub fn make_deterministic(&mut self, proposals: u64) {
        self.deterministic = true;
        self.measure = false;
        self.budget.proposals.get_or_insert(proposals);
    }

    /// Worker threads to start.
    pub fn threads(&self) -> usize {
        match self.jobs {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
            n => n as usize,
        }
    }
}

impl Default for Moves {
    fn default() -> Moves {
        Moves {
            opcode: 0.16,
            operand: 0.5,
            swap: 0.16,
            instruction: 0.16,
            unused: 0.16,
        }
    }
}

impl Default for Weights {
    fn default() -> Weights {
        Weights {
            fault: 4.0,
            undefined: 32.0,
            misplaced: 1.0,
            performance: 8.0,
        }
    }
}

impl Default for Restarts {
    fn default() -> Restarts {
        Restarts {
            cycle: 20_000,
            repeat: 5,
        }
    }
}

impl Default for Chain {
    fn default() -> Chain {
        Chain {
            beta: 0.12,
            slots: 12,
            rerank: 0.2,
            moves: Moves::default(),
            weights: Weights::default(),
            restarts: Restarts::default(),
        }
    }
}

impl Default for Quasar {
    fn default() -> Quasar {
        Quasar {
            population: 0,
            generations: 100,
            slots: 16,
        }
    }
}

impl Default for Enumerate {
    fn default() -> Enumerate {
        Enumerate {
            max_length: 4,
            instructions: Vec::new(),
            scratch: 1,
            constants: Vec::new(),
            minimal: false,
        }
    }
}

impl Default for Egraph {
    fn default() -> Egraph {
        Egraph {
            nodes: 10_000,
            iterations: 30,
        }
    }
}

impl Default for Solver {
    fn default() -> Solver {
        Solver {
            timeout: Duration::from_secs(30),
            memory_mb: 2048,
            second: None,
        }
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            proposals: None,
            rlimit: 100_000_000,
        }
    }
}

fn duration<S: serde::Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&super::reader::print_duration(*d))
}

fn optional_duration<S: serde::Serializer>(d: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
    match d {
        Some(d) => duration(d, s),
        None => s.serialize_none(),
    }
}
