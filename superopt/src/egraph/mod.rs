//! Equality saturation over the compiler's pure operations, with proven rules.
//!
//! The language ([`lang`]) is the model's terms with their widths in the nodes; the compiler's IR goes in and out of it
//! by [`region`] and [`emit`]. Rules are text ([`rule`], `search-configs/rules/`), proven by [`verify`] and instantiated at the
//! widths that occur ([`compile`]). [`saturate`] runs them under counts and records what each did; [`extract`] takes the
//! cheapest graph, shared nodes paid once; [`improve`] puts it together, explains the result and proves it again.
//!
//! Invariants: facts of e-classes are unconditional ([`analysis`]); a rule whose condition is not known to hold is not
//! applied; no clock decides anything.

pub mod analysis;
pub mod compile;
pub mod cost;
pub mod emit;
pub mod extract;
pub mod facts;
pub mod improve;
pub mod lang;
pub mod mine;
pub mod pass;
pub mod region;
pub mod rule;
pub mod saturate;
#[cfg(test)]
mod tests;
pub mod verify;

pub use improve::{Improved, ImprovedRegion, Options, improve_terms, optimize_region};
pub use region::{region_outputs, region_terms};
pub use rule::RuleSet;
pub use saturate::Limits;
