//! What every kind of report is made of: programs, costs, interfaces, solver queries, provenance.
//!
//! Plain data. Quantities that come from a clock (`seconds`, `memory_bytes`, measured times) are optional everywhere and
//! are taken out by [`super::Document::without_clocks`], so that a deterministic run's report is the same to the byte
//! each time (law 9). Values of registers and memory are text (`0x0000002a`), at the width of their place.

use super::verdict::VerdictKind;
use crate::proof::{Rung, Step};
use crate::solver::SolverPool;
use crate::store::sha256::sha256;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A named value: a register, a flag, a byte of memory, a parameter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Binding {
    /// Where: `eax`, `cf`, `[rdi+8]`.
    pub place: String,
    /// What, in hexadecimal at the width of the place.
    pub value: String,
}

impl Binding {
    /// A value in a place.
    pub fn new(place: impl Into<String>, value: impl Into<String>) -> Binding {
        Binding {
            place: place.into(),
            value: value.into(),
        }
    }
}

/// One instruction of a listing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Offset from the program's start, in bytes.
    pub address: u64,
    /// Its encoding in hexadecimal, without blanks.
    pub bytes: String,
    /// Its text.
    pub text: String,
    /// Its line in the source file, if it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_line: Option<u32>,
}

/// An estimate from measurements.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Interval {
    /// The estimate (a median).
    pub value: f64,
    /// Lower end of the confidence interval.
    pub low: f64,
    /// Upper end of the confidence interval.
    pub high: f64,
    /// Probability the interval was made for, such as 0.95.
    pub confidence: f64,
}

impl Interval {
    /// Whether two estimates differ beyond their intervals.
    pub fn disjoint(&self, other: &Interval) -> bool {
        self.high < other.low || other.high < self.low
    }
}

/// Measured time of one execution, in nanoseconds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Each execution needs the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<Interval>,
    /// Executions are independent of each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput_ns: Option<Interval>,
    /// Samples behind the estimates.
    pub samples: u64,
    /// The processor it was measured on.
    pub processor: String,
}

/// What a program costs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// The microarchitecture of the model's figures.
    pub model: String,
    /// Longest dependency chain, in cycles of the model.
    pub latency_cycles: f64,
    /// Micro-operations of the model.
    pub uops: u32,
    /// Instructions.
    pub instructions: u32,
    /// Encoded size.
    pub bytes: u32,
    /// Absent: the figures are those of the model only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// A program as it was compared.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Program {
    /// Name of the function, kernel or region.
    pub name: String,
    /// File it came from, or the engine that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Text and bytes.
    pub lines: Vec<Line>,
    /// SHA-256 of the encoded bytes, in hexadecimal.
    pub sha256: String,
    /// Absent for a specification, which is not machine code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// The code of a proof, before and after.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Programs {
    /// What was there.
    pub left: Program,
    /// What took its place.
    pub right: Program,
}

/// What the programs may read and what they must agree on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Interface {
    /// Places that hold the inputs.
    pub live_in: Vec<String>,
    /// Places whose final values must agree.
    pub live_out: Vec<String>,
    /// What is assumed of memory: footprints, aliasing, alignment.
    pub memory: Vec<String>,
    /// What is assumed of flags: which are inputs, which are dead, which are undefined.
    pub flags: Vec<String>,
    /// Other assumptions: calling convention, MXCSR, alignment of the stack.
    pub other: Vec<String>,
    /// Target of `-march=`.
    pub march: String,
}

/// A precondition with the evidence that it can hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Precondition {
    /// As it was given.
    pub text: String,
    /// An input that meets it; absent when the claim is vacuous or the question was not decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Vec<Binding>>,
}

/// Another solver's answer to the same query.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SecondOpinion {
    /// Name and version.
    pub solver: String,
    /// Its verdict on the query.
    pub verdict: VerdictKind,
    /// Whether it agrees. Two answers that are both decided and differ are an error of one of the solvers.
    pub agrees: bool,
    /// Wall-clock time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// One step of a proof: a query put to a solver, or a step done without one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Query {
    /// What was asked: `eax`, `precondition`, `memory`, `no new fault`.
    pub goal: String,
    /// Rung of the proof ladder that answered: `structural`, `ring`, `cut points`, `split product`, `bit-blast`.
    pub method: String,
    /// The answer.
    pub verdict: VerdictKind,
    /// Why the answer is not a decision. Empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Solver's name and version; absent when none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solver: Option<String>,
    /// Options and tactic.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub options: String,
    /// Random seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Resource units spent (Z3's `rlimit`): the same on every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rlimit: Option<u64>,
    /// Wall-clock time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Peak memory of the solver process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// SMT-LIB file of the query, relative to the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smt_file: Option<String>,
    /// SHA-256 of that file, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smt_sha256: Option<String>,
    /// Taken from the store of proven results.
    #[serde(default)]
    pub cached: bool,
    /// Another solver's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondOpinion>,
}

impl Query {
    /// A step of a proof; `shown` names its file.
    pub fn of_step(
        s: &Step,
        seed: u64,
        solvers: &SolverPool,
        shown: &dyn Fn(&Path) -> String,
    ) -> Query {
        let asked = !s.text_hash.is_empty();
        // A file that is gone again has no hash.
        let hash = |f: &PathBuf| Some(sha256(&std::fs::read(f).ok()?).to_string());
        Query {
            goal: s.goal.clone(),
            method: s.rung.to_string(),
            verdict: s.verdict,
            why: s.why.clone(),
            solver: asked.then(|| solvers.version().unwrap_or_else(|e| e.to_string())),
            options: String::new(),
            seed: Some(seed),
            rlimit: asked.then_some(s.rlimit),
            seconds: Some(s.time.as_secs_f64()),
            memory_bytes: asked.then_some(s.memory),
            smt_file: s.file.as_deref().map(shown),
            smt_sha256: s.file.as_ref().and_then(hash),
            cached: s.rung == Rung::Store && s.verdict != VerdictKind::Error,
            second: s.second.as_ref().map(|o| SecondOpinion {
                solver: o.solver.clone(),
                verdict: o.verdict,
                agrees: o.verdict == s.verdict,
                seconds: Some(o.time.as_secs_f64()),
            }),
        }
    }
}

/// A move or a rule that led from one program to the next.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Move {
    /// Proposals made when it was accepted.
    pub iteration: u64,
    /// The engine that made it.
    pub engine: String,
    /// Kind of move or name of the rule.
    pub what: String,
    /// Cost after it, in the search's units.
    pub cost: f64,
    /// The program after it, one instruction per entry. May be empty to save space.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub program: Vec<String>,
}

/// Where a program came from and how to get it again.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// The engine; empty for programs that the user gave.
    pub engine: String,
    /// Seed of the run.
    pub seed: u64,
    /// Proposals made when it was found.
    pub iteration: u64,
    /// Rules or moves that made it, in order.
    pub chain: Vec<Move>,
    /// Version of the tool and of the semantics.
    pub tool: String,
    /// One line that does it again.
    pub command: String,
}

/// What every report of this tool takes on trust.
pub const ALWAYS_TRUSTED: [&str; 5] = [
    "the model of the instructions (each form is tested against a processor on random states, not proven)",
    "the decoder (iced-x86) and the assembler that made the bytes",
    "the translation of the model to SMT-LIB (tested against the concrete model)",
    "the solver, unless a second one agrees",
    "the processor, the operating system and the compiler of this tool",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_touch_are_not_disjoint() {
        let i = |low, high| Interval {
            value: (low + high) / 2.0,
            low,
            high,
            confidence: 0.95,
        };
        assert!(i(1.0, 2.0).disjoint(&i(2.1, 3.0)));
        assert!(i(2.1, 3.0).disjoint(&i(1.0, 2.0)));
        assert!(!i(1.0, 2.0).disjoint(&i(2.0, 3.0)));
        assert!(!i(1.0, 4.0).disjoint(&i(2.0, 3.0)));
    }
}
