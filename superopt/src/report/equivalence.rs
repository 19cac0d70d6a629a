//! The report on one comparison of two programs.

use super::parts::{ALWAYS_TRUSTED, Binding, Interface, Precondition, Program, Provenance, Query};
use super::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// What was claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// The same live-outs, memory and faults on every allowed input.
    Equivalence,
    /// The right program does what the left one does wherever the left one does not fault, and adds no fault, no address
    /// and no torn store.
    Refinement,
}

/// Which of the two programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The first one: the target, the specification.
    Left,
    /// The second one: the rewrite.
    Right,
}

/// A value as the model computes it and as the processor did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Observed {
    /// By the model.
    pub model: String,
    /// By the processor; absent when the code was not run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
}

impl Observed {
    /// Whether model and processor contradict each other: a bug of the model.
    pub fn contradicts(&self) -> bool {
        self.processor.as_ref().is_some_and(|p| *p != self.model)
    }
}

/// What one instruction changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The register, flag or address.
    pub place: String,
    /// Its new value.
    pub value: Observed,
}

/// One executed instruction of a replay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Index of the instruction in its program's listing.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// What it changed, in a fixed order.
    pub changes: Vec<Change>,
    /// A fault it raised: `#DE`, `#PF at 0x10`. Empty when it raised none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fault: String,
}

/// An output on which the programs were compared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Output {
    /// The live-out place.
    pub place: String,
    /// Its value after the left program.
    pub left: Observed,
    /// Its value after the right program.
    pub right: Observed,
    /// Whether the values differ.
    pub differs: bool,
}

/// The first step whose value can no longer be found in the other program's run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Divergence {
    /// The program of the step.
    pub side: Side,
    /// Index into that program's replayed steps.
    pub step: u32,
    /// One sentence.
    pub why: String,
}

/// An input on which the programs differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Counterexample {
    /// The input, minimised.
    pub inputs: Vec<Binding>,
    /// What the solver or the test gave, before it was minimised. Empty when nothing was gained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub original: Vec<Binding>,
    /// Final values.
    pub outputs: Vec<Output>,
    /// Replay of the left program.
    pub left: Vec<Step>,
    /// Replay of the right program.
    pub right: Vec<Step>,
    /// Where the runs part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<Divergence>,
    /// Why it was not replayed on the processor. Empty when it was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub not_replayed: String,
}

impl Counterexample {
    /// Places where the model and the processor contradict each other, in either replay or in the outputs.
    pub fn contradictions(&self) -> Vec<String> {
        let steps = self.left.iter().chain(&self.right);
        let changes = steps.flat_map(|s| {
            s.changes
                .iter()
                .map(move |c| (s.text.as_str(), &c.place, &c.value))
        });
        let outputs = self.outputs.iter().flat_map(|o| {
            [
                ("output", &o.place, &o.left),
                ("output", &o.place, &o.right),
            ]
        });
        changes
            .chain(outputs)
            .filter(|(_, _, value)| value.contradicts())
            .map(|(at, place, _)| format!("{place} after {at}"))
            .collect()
    }
}

/// The report on one comparison.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Equivalence {
    /// What was compared, for headings.
    pub title: String,
    /// What was claimed.
    pub claim: Claim,
    /// The answer.
    pub verdict: Verdict,
    /// The first program.
    pub left: Program,
    /// The second program.
    pub right: Program,
    /// Inputs, outputs, assumptions.
    pub interface: Interface,
    /// What the inputs were restricted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<Precondition>,
    /// Present when refuted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterexample: Option<Counterexample>,
    /// Steps of the proof, in order.
    pub queries: Vec<Query>,
    /// Tests that were run before the proof was tried.
    pub tests: u64,
    /// Where the right program came from.
    pub provenance: Provenance,
    /// What is trusted and not proved.
    pub trusted: Vec<String>,
    /// Wall-clock time in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Equivalence {
    /// A report with nothing in it but its programs, interface and verdict, and what is always trusted.
    pub fn new(
        title: &str,
        claim: Claim,
        left: Program,
        right: Program,
        interface: Interface,
        verdict: Verdict,
    ) -> Self {
        Equivalence {
            title: title.into(),
            claim,
            verdict,
            left,
            right,
            interface,
            precondition: None,
            counterexample: None,
            queries: Vec::new(),
            tests: 0,
            provenance: Provenance {
                tool: super::tool_version(),
                ..Provenance::default()
            },
            trusted: ALWAYS_TRUSTED.iter().map(|t| t.to_string()).collect(),
            seconds: None,
        }
    }

    /// What is wrong with the report itself; empty for a sound one. A refutation without a counterexample, a proof under a
    /// precondition without a witness, a proof with an undecided or contradicted step: none of them may be published.
    pub fn faults(&self) -> Vec<String> {
        use super::verdict::VerdictKind as K;
        let kind = self.verdict.kind();
        let mut faults = Vec::new();
        let mut fault = |bad: bool, text: &str| {
            if bad {
                faults.push(text.to_string());
            }
        };
        fault(
            kind == K::Refuted && self.counterexample.is_none(),
            "refuted without a counterexample",
        );
        fault(
            kind != K::Refuted && self.counterexample.is_some(),
            "a counterexample, but not refuted",
        );
        if let Some(c) = &self.counterexample {
            let faulted = c.left.iter().chain(&c.right).any(|s| !s.fault.is_empty());
            fault(
                !faulted && !c.outputs.iter().any(|o| o.differs),
                "a counterexample on which no output differs and nothing faults",
            );
        }
        let witness = self.precondition.as_ref().and_then(|p| p.witness.as_ref());
        fault(
            kind == K::ProvenUnderPrecondition && witness.is_none(),
            "proven under a precondition that has no witness",
        );
        fault(
            kind == K::Proven && self.precondition.is_some(),
            "proven outright, but with a precondition",
        );
        fault(
            kind == K::Vacuous && witness.is_some(),
            "vacuous, but the precondition has a witness",
        );
        if matches!(kind, K::Proven | K::ProvenUnderPrecondition) {
            fault(self.queries.is_empty(), "proven without a step of proof");
            let disputed = |q: &Query| q.second.as_ref().is_some_and(|s| s.verdict == K::Refuted);
            fault(
                self.queries.iter().any(disputed),
                "proven, but a second solver refutes a step",
            );
        }
        faults
    }
}
