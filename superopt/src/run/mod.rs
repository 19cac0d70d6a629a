//! Searches that last: configuration, one deadline for all engines, live progress, SIGINT, saved state, results.
//!
//! A run reads a [`RunConfig`], makes its [`files::RunDir`], shares one [`Deadline`] and one [`Progress`] among the engines,
//! and saves its state every [`state::PERIOD`], so that a kill at any moment costs less than five seconds.

pub mod config;
pub mod deadline;
pub mod display;
pub mod files;
pub mod parse;
pub mod progress;
pub mod reader;
pub mod state;
pub mod stop;

pub use config::RunConfig;
pub use deadline::{Deadline, End};
pub use files::RunDir;
pub use parse::Known;
pub use progress::{Meter, Progress};
pub use reader::ConfigError;

#[cfg(test)]
mod tests;
