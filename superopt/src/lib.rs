//! The superoptimizer: finds code nobody wrote, and proves it. Nothing unproven leaves this crate.
//!
//! Data flows from [`input`] through the engines ([`search`], [`egraph`], [`quasar`]) to [`proof`] (with [`smt`],
//! [`solver`] and [`native`] replay), and from there to the [`store`] and the [`report`]. [`validate`] compares what
//! the compiler emits with what it was made from. The crate knows no command line and no Lua.

pub mod egraph;
mod handed_on;
pub mod input;
pub mod kernels;
pub mod measure;
pub mod native;
pub mod proof;
pub mod quasar;
pub mod report;
pub mod run;
pub mod search;
pub mod smt;
pub mod solver;
pub mod store;
pub mod validate;
pub mod window;
