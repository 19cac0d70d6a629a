//! Reports: JSON, one HTML page, terminal text.

pub mod verdict;

pub use verdict::{Use, Verdict, VerdictKind};
