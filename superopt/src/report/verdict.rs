//! What a proof attempt can end in, and the exit code of each end. Defined here once; everything else refers to it.
//!
//! The kinds are never conflated (reference, sections 5 and 6): a time-out is not "unknown", a bounded check is not a
//! proof, a proof under a contradictory precondition is vacuous, and a crash of the solver is an error. Only
//! [`Verdict::Proven`] may be used as it is; [`Verdict::ProvenUnderPrecondition`] only where the precondition is
//! discharged; nothing else ever.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The end of an attempt to prove two programs equal (or one a refinement of the other).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Verdict {
    /// Holds for every input.
    Proven,
    /// Holds for every input that meets the precondition; the precondition was shown satisfiable.
    ProvenUnderPrecondition,
    /// Holds for every run that takes at most `k` iterations of each loop; says nothing about longer runs.
    Bounded {
        /// Iterations of each loop that were covered.
        k: u32,
    },
    /// A counterexample exists and was replayed.
    Refuted,
    /// The budget (time, or rlimit in deterministic mode) ran out.
    Timeout,
    /// The solver gave up, and said why.
    Unknown {
        /// The solver's or the prover's reason.
        why: String,
    },
    /// A program holds something the model does not cover.
    Unsupported {
        /// The instruction as text.
        instruction: String,
        /// Its offset in its program, in bytes.
        address: u64,
        /// What about it is not covered.
        why: String,
    },
    /// No input meets the precondition, so that anything would hold.
    Vacuous,
    /// The attempt itself failed: the solver crashed, ran out of memory, or broke the protocol.
    Error {
        /// What happened.
        why: String,
    },
}

/// The kinds of [`Verdict`] without what they carry: for counts, tables and exit codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// See [`Verdict::Proven`].
    Proven,
    /// See [`Verdict::ProvenUnderPrecondition`].
    ProvenUnderPrecondition,
    /// See [`Verdict::Bounded`].
    Bounded,
    /// See [`Verdict::Refuted`].
    Refuted,
    /// See [`Verdict::Timeout`].
    Timeout,
    /// See [`Verdict::Unknown`].
    Unknown,
    /// See [`Verdict::Unsupported`].
    Unsupported,
    /// See [`Verdict::Vacuous`].
    Vacuous,
    /// See [`Verdict::Error`].
    Error,
}

/// What a stored or reported result may be used for (law 5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// Everywhere.
    Anywhere,
    /// Where the precondition has been discharged.
    UnderPrecondition,
    /// Nowhere.
    Never,
}

impl VerdictKind {
    /// Every kind, in the order of tables and counts.
    pub const ALL: [VerdictKind; 9] = [
        VerdictKind::Proven,
        VerdictKind::ProvenUnderPrecondition,
        VerdictKind::Bounded,
        VerdictKind::Refuted,
        VerdictKind::Timeout,
        VerdictKind::Unknown,
        VerdictKind::Unsupported,
        VerdictKind::Vacuous,
        VerdictKind::Error,
    ];

    /// The exit code of a command whose result is this verdict.
    pub const fn exit_code(self) -> u8 {
        match self {
            VerdictKind::Proven => 0,
            VerdictKind::Refuted => 10,
            VerdictKind::Timeout => 11,
            VerdictKind::Unknown => 12,
            VerdictKind::Unsupported => 13,
            VerdictKind::Bounded => 14,
            VerdictKind::ProvenUnderPrecondition => 15,
            VerdictKind::Vacuous => 16,
            VerdictKind::Error => 17,
        }
    }

    /// The name in JSON, HTML and on the terminal.
    pub const fn name(self) -> &'static str {
        match self {
            VerdictKind::Proven => "proven",
            VerdictKind::ProvenUnderPrecondition => "proven-under-precondition",
            VerdictKind::Bounded => "bounded",
            VerdictKind::Refuted => "refuted",
            VerdictKind::Timeout => "timeout",
            VerdictKind::Unknown => "unknown",
            VerdictKind::Unsupported => "unsupported",
            VerdictKind::Vacuous => "vacuous",
            VerdictKind::Error => "error",
        }
    }

    /// One sentence for a reader who meets the word for the first time.
    pub const fn meaning(self) -> &'static str {
        match self {
            VerdictKind::Proven => "holds for every input",
            VerdictKind::ProvenUnderPrecondition => {
                "holds for every input that meets the stated precondition, and such inputs exist"
            }
            VerdictKind::Bounded => {
                "holds as far as the loops were unrolled; longer runs were not looked at"
            }
            VerdictKind::Refuted => "an input on which the programs differ was found and replayed",
            VerdictKind::Timeout => "the budget ran out; nothing is known",
            VerdictKind::Unknown => "the solver gave up; nothing is known",
            VerdictKind::Unsupported => {
                "a program holds something the model does not cover; nothing is known"
            }
            VerdictKind::Vacuous => {
                "no input meets the precondition, so that the claim says nothing"
            }
            VerdictKind::Error => "the attempt itself failed; nothing is known",
        }
    }

    /// What a result of this kind may be used for.
    pub const fn usable(self) -> Use {
        match self {
            VerdictKind::Proven => Use::Anywhere,
            VerdictKind::ProvenUnderPrecondition => Use::UnderPrecondition,
            _ => Use::Never,
        }
    }
}

impl Verdict {
    /// The kind alone.
    pub const fn kind(&self) -> VerdictKind {
        match self {
            Verdict::Proven => VerdictKind::Proven,
            Verdict::ProvenUnderPrecondition => VerdictKind::ProvenUnderPrecondition,
            Verdict::Bounded { .. } => VerdictKind::Bounded,
            Verdict::Refuted => VerdictKind::Refuted,
            Verdict::Timeout => VerdictKind::Timeout,
            Verdict::Unknown { .. } => VerdictKind::Unknown,
            Verdict::Unsupported { .. } => VerdictKind::Unsupported,
            Verdict::Vacuous => VerdictKind::Vacuous,
            Verdict::Error { .. } => VerdictKind::Error,
        }
    }

    /// The exit code of a command whose result is this verdict.
    pub const fn exit_code(&self) -> u8 {
        self.kind().exit_code()
    }

    /// What follows the kind's name in a sentence: the bound, the reason, the instruction. Empty when there is nothing.
    pub fn detail(&self) -> String {
        match self {
            Verdict::Bounded { k } => format!("k = {k}"),
            Verdict::Unknown { why } | Verdict::Error { why } => why.clone(),
            Verdict::Unsupported {
                instruction,
                address,
                why,
            } => format!("{instruction} at {address:#x}: {why}"),
            _ => String::new(),
        }
    }
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = self.detail();
        match detail.is_empty() {
            true => f.write_str(self.kind().name()),
            false => write!(f, "{} ({detail})", self.kind().name()),
        }
    }
}

/// Exit codes of ends that are no verdict. Input and output failures have the numbers they have in compilations.
pub mod exit {
    /// Wrong use of the command line.
    pub const USAGE: u8 = 2;
    /// An input file cannot be read, or is not what it should be.
    pub const INPUT: u8 = 3;
    /// The output or results directory cannot be written.
    pub const OUTPUT: u8 = 8;
    /// A configuration file is wrong.
    pub const CONFIG: u8 = 18;
    /// The store of proven results cannot be used (another process holds it, the disk is full).
    pub const STORE: u8 = 19;
    /// A saved state cannot be resumed (none there, damaged, or of another version or configuration).
    pub const RESUME: u8 = 20;
    /// Stopped by SIGINT, with the state saved.
    pub const INTERRUPTED: u8 = 130;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_distinct_and_as_published() {
        let published = [0, 15, 14, 10, 11, 12, 13, 16, 17];
        let mut names = std::collections::BTreeSet::new();
        for (kind, code) in VerdictKind::ALL.into_iter().zip(published) {
            assert_eq!(kind.exit_code(), code, "{kind}");
            assert!(names.insert(kind.name()), "{kind} twice");
            // JSON uses the same name.
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        let others = [
            exit::USAGE,
            exit::INPUT,
            exit::OUTPUT,
            exit::CONFIG,
            exit::STORE,
            exit::RESUME,
            exit::INTERRUPTED,
        ];
        for (i, code) in others.iter().enumerate() {
            assert!(
                !published.contains(code) && !others[..i].contains(code),
                "{code}"
            );
        }
    }

    #[test]
    fn only_proofs_are_usable() {
        let usable: Vec<_> = VerdictKind::ALL
            .into_iter()
            .filter(|k| k.usable() != Use::Never)
            .collect();
        assert_eq!(
            usable,
            [VerdictKind::Proven, VerdictKind::ProvenUnderPrecondition]
        );
        assert_eq!(VerdictKind::Proven.usable(), Use::Anywhere);
    }

    #[test]
    fn json_round_trip_keeps_what_verdicts_carry() {
        let all = [
            Verdict::Proven,
            Verdict::ProvenUnderPrecondition,
            Verdict::Bounded { k: 7 },
            Verdict::Refuted,
            Verdict::Timeout,
            Verdict::Unknown {
                why: "(incomplete quantifiers)".into(),
            },
            Verdict::Unsupported {
                instruction: "cpuid".into(),
                address: 0x12,
                why: "result depends on the processor".into(),
            },
            Verdict::Vacuous,
            Verdict::Error {
                why: "solver killed by signal 11".into(),
            },
        ];
        for (v, kind) in all.iter().zip(VerdictKind::ALL) {
            assert_eq!(v.kind(), kind);
            let json = serde_json::to_value(v).unwrap();
            assert_eq!(json["kind"], kind.name());
            assert_eq!(&serde_json::from_value::<Verdict>(json).unwrap(), v);
        }
        assert_eq!(
            all[6].to_string(),
            "unsupported (cpuid at 0x12: result depends on the processor)"
        );
    }
}
