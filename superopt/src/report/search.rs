//! The report on a search run.

use super::equivalence::Equivalence;
use super::parts::{Binding, Move, Provenance};
use super::verdict::VerdictKind;
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Nothing was left to do.
    Done,
    /// The deadline came.
    Deadline,
    /// The budget in proposals or rlimit was spent.
    Budget,
    /// The user stopped it; it can be resumed.
    Interrupted,
}

impl Ended {
    /// As it is said in reports.
    pub const fn text(self) -> &'static str {
        match self {
            Ended::Done => "nothing left to do",
            Ended::Deadline => "deadline reached",
            Ended::Budget => "budget spent",
            Ended::Interrupted => "stopped by the user",
        }
    }
}

/// What a search found for one target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A proven program cheaper than the target.
    Improved,
    /// A proven program from a specification that has no code to be compared with.
    Synthesised,
    /// Nothing better was found.
    NothingBetter,
    /// Nothing correct was found.
    NotFound,
}

impl Outcome {
    /// As it is said in reports.
    pub const fn text(self) -> &'static str {
        match self {
            Outcome::Improved => "improved",
            Outcome::Synthesised => "synthesised",
            Outcome::NothingBetter => "nothing better found",
            Outcome::NotFound => "nothing correct found",
        }
    }
}

/// A point of a cost curve: from here on the engine's best cost was this.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// Proposals made by the engine.
    pub proposals: u64,
    /// Wall-clock time since the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The best cost.
    pub cost: f64,
}

/// Best cost of an engine over time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Curve {
    /// The engine.
    pub engine: String,
    /// In order of time, costs falling.
    pub points: Vec<Point>,
}

/// What an engine did.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct EngineWork {
    /// The engine.
    pub engine: String,
    /// Proposals, those that edit dead code included.
    pub proposals: u64,
    /// Proposals that change live code.
    pub live_proposals: u64,
    /// Runs of a program on a test.
    pub tests: u64,
    /// Restarts.
    pub restarts: u64,
    /// Programs put to the prover.
    pub proofs: u64,
    /// Proofs that came back proven.
    pub proven: u64,
    /// Its best cost; absent when it found nothing correct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_cost: Option<f64>,
    /// Processor time it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// A counterexample that the search met and made a test of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Met {
    /// Proposals made when it was met.
    pub iteration: u64,
    /// The input.
    pub inputs: Vec<Binding>,
    /// Who found it: `proof`, `other engine`, `bit flip of 3`.
    pub found_by: String,
    /// Candidates that failed on it since.
    pub killed: u64,
}

/// What an exhaustive search has shown about short programs. It names what it ranges over (law 8): programs without
/// branches and memory, of these forms, registers and constants.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Minimality {
    /// Instructions of the shortest program: one of this length is proven, no shorter one exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<u32>,
    /// Whether no program of that length has a smaller sum of its instructions' latencies by the model.
    pub cheapest: bool,
    /// No program of this many instructions or fewer exists.
    pub none_up_to: u32,
    /// Mnemonics with operand forms that were allowed.
    pub instruction_set: Vec<String>,
    /// Registers that were allowed.
    pub registers: Vec<String>,
    /// Constants that were allowed, or `all` when they were symbolic.
    pub constants: String,
    /// States told apart.
    pub states: u64,
    /// How: exhaustion, or a solver's answer.
    pub method: String,
    /// Whether a limit (time, memory, a proof that was not decided) ended it before it was through.
    pub cut_off: bool,
}

impl Minimality {
    /// What was shown, as a sentence.
    pub fn statement(&self) -> String {
        let plural = |n: u32| if n == 1 { "" } else { "s" };
        match self.instructions {
            Some(n) => format!(
                "No program of fewer than {n} instruction{} does this{}",
                plural(n),
                match self.cheapest {
                    true => ", and of this length none has a smaller sum of latencies",
                    false => "",
                }
            ),
            None if self.none_up_to == 0 => {
                "No claim: of shorter programs nothing was shown".into()
            }
            None => format!(
                "No program of {} instruction{} or fewer does this{}",
                self.none_up_to,
                plural(self.none_up_to),
                match self.cut_off {
                    true => "; what is longer was not searched in full",
                    false => "",
                }
            ),
        }
    }
}

/// A target of a run with everything the run did for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Target {
    /// Kernel or function.
    pub name: String,
    /// What it should compute, in words or a formula.
    pub specification: String,
    /// What was found.
    pub outcome: Outcome,
    /// The two programs, the proof and the provenance; absent when nothing correct was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Equivalence>,
    /// Cost over time per engine.
    pub curves: Vec<Curve>,
    /// Programs accepted on the way from the start to the result.
    pub path: Vec<Move>,
    /// Counterexamples met.
    pub counterexamples: Vec<Met>,
    /// What each engine did.
    pub engines: Vec<EngineWork>,
    /// Present when short programs were searched exhaustively.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimality: Option<Minimality>,
}

/// A rewrite rule that a run verified or mined.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Widths in bits it was proven at.
    pub widths: Vec<u32>,
    /// The answer over all widths.
    pub verdict: VerdictKind,
    /// How it was decided.
    pub method: String,
    /// Times it matched on the corpus.
    pub matches: u64,
    /// Wall-clock time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// A table that belongs to one kind of run only, such as the rows of a tuning run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Heading.
    pub title: String,
    /// Column heads.
    pub columns: Vec<String>,
    /// Rows, each as long as the column heads.
    pub rows: Vec<Vec<String>>,
    /// A sentence below it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The report on a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Search {
    /// Name of the run.
    pub name: String,
    /// `opt`, `synth`, `kernels`, `rules` or `tune`.
    pub kind: String,
    /// The configuration as it was resolved, as TOML.
    pub config: String,
    /// Target of `-march=`.
    pub march: String,
    /// Worker threads.
    pub jobs: u32,
    /// Whether budgets were counts and the result is reproducible to the byte.
    pub deterministic: bool,
    /// How it ended.
    pub ended: Ended,
    /// Times the run was resumed.
    pub resumed: u32,
    /// Targets in the order of the configuration.
    pub targets: Vec<Target>,
    /// Rules verified or mined.
    pub rules: Vec<Rule>,
    /// Further tables.
    pub tables: Vec<Table>,
    /// Seed, version and the line that does it again.
    pub provenance: Provenance,
    /// What is trusted and not proved.
    pub trusted: Vec<String>,
    /// Wall-clock time in all, resumptions included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Search {
    /// What is wrong with the report itself; empty for a sound one.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for t in &self.targets {
            let inner = t.result.iter().flat_map(Equivalence::faults);
            faults.extend(inner.map(|f| format!("{}: {f}", t.name)));
            let found = matches!(t.outcome, Outcome::Improved | Outcome::Synthesised);
            let kind = t.result.as_ref().map(|r| r.verdict.kind());
            if found && !kind.is_some_and(|k| k.usable() != super::Use::Never) {
                faults.push(format!("{}: a find that is not proven", t.name));
            }
        }
        for t in &self.tables {
            if t.rows.iter().any(|r| r.len() != t.columns.len()) {
                faults.push(format!("table {}: a row of another length", t.title));
            }
        }
        faults
    }
}
