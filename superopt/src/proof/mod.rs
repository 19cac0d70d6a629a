//! Equivalence and refinement of two pieces of code: the proof ladder, verdicts, counterexamples.
//!
//! A [`Query`] holds the two programs' results as terms of one pool over shared variables. [`prove`] climbs, with the
//! faults and with the outputs; both get past a rung before either is tried on the next expensive one:
//!
//! 1. one term after hash-consing ([`Rung::Structural`]);
//! 2. thousands of stratified tests, which refute ([`Rung::Tests`]);
//! 3. exact integer polynomials with floors ([`Rung::IntegerForm`]; see [`poly`]): ring identities, carries, wide
//!    products by parts, divisions by constants;
//! 4. the whole question bit-blasted under a small budget ([`Rung::BitBlast`]);
//! 5. where there is floating-point arithmetic, the same with its results exact in Z3's theory
//!    ([`Rung::FloatTheory`]); in all other rungs they are functions, of which only a few laws are known;
//! 6. cut points: terms that are equal on all tests are proven equal bottom up and merged ([`Rung::CutPoints`]);
//! 7. products and quotients as functions, wide products by halves ([`Rung::Abstraction`]);
//! 8. bit-blasting, one group of output bits at a time; and then another solver ([`Rung::OtherSolver`]).
//!
//! What is proven: `Refinement`: wherever the precondition holds and the left program does not fault, the right one
//! does not fault, touches no byte the left one does not, tears no store, and agrees in outputs and memory.
//! `Equivalence`: the same both ways, and the two fault together. Variables for undefined results are universally
//! quantified like inputs: an output that depends on one is refuted.
//!
//! Invariants: `Refuted` comes with an input on which exact evaluation (memory and floating point included) shows the
//! difference; a model of an abstraction that does not evaluate so is dropped. A precondition is shown satisfiable by
//! such an input before anything is called proven. A solver's crash is `Error`.

pub mod abstraction;
pub mod apart;
mod ask;
pub mod bits;
mod bitsum;
pub mod claims;
pub mod counts;
pub mod exhaust;
pub mod expand;
pub mod ground;
pub mod halves;
mod hard;
pub mod integer;
mod ladder;
pub mod lemmas;
pub mod minimise;
pub mod poly;
mod quotients;
pub mod rebuild;
pub mod signs;
pub mod simulate;
pub mod stored;
mod sweep;
#[cfg(test)]
mod tests;

pub use claims::{Claim, Effects, Pair, Query};
pub use exhaust::{Exhausted, exhaust};
pub use ladder::prove;
pub use simulate::Assignment;

use crate::report::verdict::{Verdict, VerdictKind};
use crate::solver::{Cancel, Dump, SecondSolver};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What decided a step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rung {
    /// One term after hash-consing.
    Structural,
    /// Exact evaluation on stratified inputs.
    Tests,
    /// One polynomial with floors.
    IntegerForm,
    /// Equal internal points merged bottom up.
    CutPoints,
    /// Products and quotients as functions or by halves.
    Abstraction,
    /// Bit-blasted in Z3.
    BitBlast,
    /// Floating point in Z3's theory.
    FloatTheory,
    /// The second solver.
    OtherSolver,
    /// A proof made before.
    Store,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Rung::Structural => "structural",
            Rung::Tests => "tests",
            Rung::IntegerForm => "integer form",
            Rung::CutPoints => "cut points",
            Rung::Abstraction => "abstraction",
            Rung::BitBlast => "bit-blast",
            Rung::FloatTheory => "float theory",
            Rung::OtherSolver => "other solver",
            Rung::Store => "store",
        })
    }
}

/// A second solver's opinion on one query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Second {
    /// Name and version.
    pub solver: String,
    /// `Proven` for unsat, `Refuted` for sat, otherwise why not.
    pub verdict: VerdictKind,
    /// Wall-clock time.
    pub time: Duration,
}

/// One step of a proof: a query put to a solver, or a step done without one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Which goals: names, or `precondition`.
    pub goal: String,
    /// What worked on it.
    pub rung: Rung,
    /// The answer: `Proven`, `Refuted` (for `precondition`: a witness was found), `Timeout`, `Unknown`.
    pub verdict: VerdictKind,
    /// Why it is not a decision; empty otherwise.
    pub why: String,
    /// Z3's count of work.
    pub rlimit: u64,
    /// Bytes Z3 had.
    pub memory: u64,
    /// Wall-clock time.
    pub time: Duration,
    /// Hash of the query's text ([`crate::solver::dump::text_hash`]); empty without a solver.
    pub text_hash: String,
    /// Its file, when dumped.
    pub file: Option<PathBuf>,
    /// The second solver's answer.
    pub second: Option<Second>,
}

/// The end of a proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProofResult {
    /// The answer.
    pub verdict: Verdict,
    /// Minimised; present exactly when refuted.
    pub counterexample: Option<Assignment>,
    /// As it was found.
    pub original: Option<Assignment>,
    /// Goals that fail on the counterexample.
    pub failing: Vec<String>,
    /// An input that meets the precondition, when there is one.
    pub witness: Option<Assignment>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// Inputs that were evaluated.
    pub tests: u64,
}

impl ProofResult {
    /// How many questions a solver was asked.
    pub fn asked(&self) -> usize {
        let by_solver = |s: &&Step| !s.text_hash.is_empty();
        self.steps.iter().filter(by_solver).count()
    }

    /// Whether the answer is the store's.
    pub fn is_stored(&self) -> bool {
        self.steps
            .iter()
            .any(|s| s.rung == Rung::Store && s.goal == "all")
    }
}

/// How much may be spent, and on what.
#[derive(Clone, Debug)]
pub struct Limits<'a> {
    /// Total wall-clock time; `None` in deterministic runs.
    pub time: Option<Duration>,
    /// Z3 work in all (rlimit); 0 for no limit. A run without time needs one to be sure to end.
    pub rlimit: u64,
    /// Inputs to evaluate before proving.
    pub tests: u32,
    /// Seed of the inputs.
    pub seed: u64,
    /// Stops it from another thread.
    pub cancel: Cancel,
    /// Where queries are written.
    pub dump: Option<&'a Dump>,
    /// Re-checks decisive queries and gets the last word on undecided ones.
    pub second: Option<&'a SecondSolver>,
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Limits {
            time: Some(Duration::from_secs(30)),
            rlimit: 0,
            tests: 512,
            seed: 1,
            cancel: Cancel::new(),
            dump: None,
            second: None,
        }
    }
}

impl Limits<'_> {
    /// No clock: a total of Z3 work and a seed decide everything.
    pub fn deterministic(rlimit: u64, seed: u64) -> Self {
        Limits {
            time: None,
            rlimit,
            seed,
            ..Limits::default()
        }
    }
    /// A total time.
    pub fn within(time: Duration) -> Self {
        Limits {
            time: Some(time),
            ..Limits::default()
        }
    }
}
