//! Searches that last: configuration, one deadline for all engines, live progress, SIGINT, saved state, results.
//!
//! A [`Session`] holds a [`RunConfig`], its [`RunDir`], and one [`Deadline`] and one [`Progress`] shared by the engines; whoever
//! drives it saves the engines' state whenever [`Session::save_due`] says so (every [`state::PERIOD`]), so that a kill at any
//! moment costs less than five seconds.

pub mod config;
pub mod deadline;
pub mod display;
pub mod drive;
pub mod files;
pub mod finds;
pub mod goal;
pub mod listing;
pub mod mining;
pub mod outcome;
pub mod parse;
pub mod progress;
pub mod reader;
pub mod session;
pub mod state;
pub mod stop;
pub mod tuning;

pub use config::RunConfig;
pub use deadline::{Deadline, End};
pub use files::RunDir;
pub use parse::Known;
pub use progress::{Meter, Progress};
pub use reader::ConfigError;
pub use session::{Session, SessionError};

#[cfg(test)]
mod tests;
