//! What is asked of the store, and what it keeps.

use super::sha256::{Digest, Sha256, sha256};
use crate::report::{Use, Verdict};
use serde::{Deserialize, Serialize};

/// A question whose answer is kept: "what was found, or tried, for this target under these conditions?"
///
/// Two questions are the same when their canonical forms are. Here the lists are sorted and blanks are evened out; that the
/// target's text is canonical (dead code gone, registers renamed, instructions in canonical order) is up to who asks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Query {
    /// What kind of answer: `opt`, `synth`, `rule`, `equiv`, `minimal`.
    pub goal: String,
    /// Canonical text of the target (or of both programs, or of the rule).
    pub target: String,
    /// Places that hold the inputs.
    pub live_in: Vec<String>,
    /// Places whose final values matter.
    pub live_out: Vec<String>,
    /// Conditions on the inputs, all of which hold.
    pub preconditions: Vec<String>,
    /// Target of `-march=`.
    pub march: String,
}

/// Names a question.
pub type Key = Digest;

impl Query {
    /// The canonical form.
    pub fn canonical(&self) -> Query {
        let even = |s: &String| s.split_whitespace().collect::<Vec<_>>().join(" ");
        let set = |list: &[String]| {
            let mut list: Vec<String> = list.iter().map(even).collect();
            list.sort();
            list.dedup();
            list
        };
        let lines = self.target.lines().map(|l| even(&l.to_string()));
        Query {
            goal: even(&self.goal),
            target: lines
                .filter(|l| !l.is_empty())
                .collect::<Vec<_>>()
                .join("\n"),
            live_in: set(&self.live_in),
            live_out: set(&self.live_out),
            preconditions: set(&self.preconditions),
            march: even(&self.march),
        }
    }

    /// The name of the question: the same for the same canonical form, on every machine.
    pub fn key(&self) -> Key {
        let q = self.canonical();
        let mut h = Sha256::default();
        h.field(q.goal.as_bytes())
            .field(q.target.as_bytes())
            .field(q.march.as_bytes());
        for list in [&q.live_in, &q.live_out, &q.preconditions] {
            h.update(&(list.len() as u64).to_le_bytes());
            for item in list {
                h.field(item.as_bytes());
            }
        }
        h.finish()
    }
}

/// A query to the solver as it was sent, so that another solver can check the stored proof.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Smt {
    /// What it decides.
    pub goal: String,
    /// SMT-LIB text.
    pub text: String,
    /// SHA-256 of the text, in hexadecimal.
    pub sha256: String,
}

impl Smt {
    /// With the hash of its text.
    pub fn new(goal: &str, text: String) -> Smt {
        Smt {
            goal: goal.into(),
            sha256: sha256(text.as_bytes()).to_string(),
            text,
        }
    }

    /// Whether the text is the one that was hashed.
    pub fn intact(&self) -> bool {
        sha256(self.text.as_bytes()).to_string() == self.sha256
    }
}

/// What an attempt was allowed to use up; a failure is not repeated with less.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Proposals of the search.
    pub proposals: u64,
    /// Resource units of the solver.
    pub rlimit: u64,
    /// Wall-clock time; 0 in deterministic runs.
    pub seconds: f64,
}

impl Spent {
    /// Whether an attempt with this budget was already made, and more: in every respect.
    pub fn covers(&self, budget: &Spent) -> bool {
        self.proposals >= budget.proposals
            && self.rlimit >= budget.rlimit
            && self.seconds >= budget.seconds
    }

    /// Adds up attempts.
    pub fn plus(&self, other: &Spent) -> Spent {
        Spent {
            proposals: self.proposals.saturating_add(other.proposals),
            rlimit: self.rlimit.saturating_add(other.rlimit),
            seconds: self.seconds + other.seconds,
        }
    }
}

/// An input on which a claim fails. It is evaluated again before it is believed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Shown {
    /// Values of the question's variables, in hexadecimal, in the order in which its canonical text meets them.
    pub variables: Vec<String>,
    /// Bytes of its memories, these numbered in the same way: memory, address, byte.
    pub memory: Vec<(u32, u64, u8)>,
}

/// An answer with the evidence for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The question, in full: a key that matches by accident is noticed.
    pub query: Query,
    /// The program found, as assembly text; empty when none was.
    pub program: String,
    /// Its cost in the search's units; infinite costs are not stored, a missing program has none.
    pub cost: Option<f64>,
    /// What was proven of it, or how the attempt ended.
    pub verdict: Verdict,
    /// The precondition of the proof, to be discharged where the program is used.
    pub precondition: Option<String>,
    /// Solver and version.
    pub solver: String,
    /// The solver's queries.
    pub smt: Vec<Smt>,
    /// An input that refutes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
    /// What was used up, over all attempts.
    pub spent: Spent,
    /// Why attempts failed, one line each.
    pub failures: Vec<String>,
    /// Version of the tool.
    pub tool: String,
    /// Whether this machine's own solver made the proof. Entries from elsewhere must be proved again before use (law 5).
    pub proved_here: bool,
}

impl Entry {
    /// A failed attempt.
    pub fn failure(query: Query, verdict: Verdict, spent: Spent, why: &str) -> Entry {
        Entry {
            query,
            program: String::new(),
            cost: None,
            verdict,
            precondition: None,
            solver: String::new(),
            smt: Vec::new(),
            shown: None,
            spent,
            failures: vec![why.into()],
            tool: crate::report::tool_version(),
            proved_here: true,
        }
    }

    /// What the entry may be used for: never when it is not proven, lacks its program or its precondition, or was proven
    /// elsewhere.
    pub fn usable(&self) -> Use {
        let sound =
            self.proved_here && !self.program.is_empty() && self.smt.iter().all(Smt::intact);
        match self.verdict.kind().usable() {
            Use::Anywhere if sound && self.precondition.is_none() => Use::Anywhere,
            Use::Anywhere | Use::UnderPrecondition if sound && self.precondition.is_some() => {
                Use::UnderPrecondition
            }
            _ => Use::Never,
        }
    }

    /// The entry that should stay when `new` arrives: a proof before a failure, the cheaper proof, and all that was spent and
    /// all reasons of failure with it.
    pub(super) fn merged(old: Entry, new: Entry) -> Entry {
        let rank = |e: &Entry| match e.usable() {
            Use::Anywhere => 0,
            Use::UnderPrecondition => 1,
            Use::Never => 2,
        };
        let cost = |e: &Entry| e.cost.unwrap_or(f64::INFINITY);
        let keep_old = match rank(&old).cmp(&rank(&new)) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            // Among failures the newest verdict tells most.
            std::cmp::Ordering::Equal => rank(&old) < 2 && cost(&old) <= cost(&new),
        };
        let spent = old.spent.plus(&new.spent);
        let mut failures = old.failures.clone();
        failures.extend(
            new.failures
                .iter()
                .filter(|f| !old.failures.contains(f))
                .cloned(),
        );
        let excess = failures.len().saturating_sub(MAX_FAILURES);
        failures.drain(..excess);
        Entry {
            spent,
            failures,
            ..if keep_old { old } else { new }
        }
    }
}

/// Reasons of failure that an entry keeps, the newest ones.
pub const MAX_FAILURES: usize = 16;
