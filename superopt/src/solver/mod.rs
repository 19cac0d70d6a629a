//! Queries put to a solver process: protocol, limits, answers.
//!
//! A [`SolverPool`] keeps child processes (`trinity-solver`) and lends them out as [`Session`]s. What a child says is
//! an [`Answer`]; what goes wrong with it is a [`SolverError`] and never an answer. Deadlines are kept by killing: Z3
//! gets the same limit, but only polls it.
//!
//! Invariants: a child that was killed, crashed or left in the middle of a check is never lent again; an answer
//! belongs to the assertions sent before it in the same session; a limit in [`Budget::rlimit`] alone involves no clock.

pub mod cancel;
mod child;
pub mod dump;
mod locate;
pub mod pool;
pub mod second;
#[cfg(test)]
pub(crate) mod tests;

pub use cancel::Cancel;
pub use dump::Dump;
pub use locate::locate;
pub use pool::{PoolConfig, Session, SolverPool};
pub use second::{SecondSolver, SolverKind};

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a query may cost. The default has no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Budget {
    /// Z3's count of work; 0 for no limit. About 4 to 10 million a second.
    pub rlimit: u32,
    /// Time; absent in deterministic runs.
    pub time: Option<Duration>,
}

impl Budget {
    /// A limit on work alone.
    pub fn work(rlimit: u32) -> Budget {
        Budget { rlimit, time: None }
    }
    /// A limit on time alone.
    pub fn time(time: Duration) -> Budget {
        Budget {
            rlimit: 0,
            time: Some(time),
        }
    }
}

/// Why a query was not decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Undecided {
    /// The time ran out, by the solver's clock or by the pool's.
    Time,
    /// The count of work ran out.
    Work,
    /// The solver's memory limit.
    Memory,
    /// Another thread asked to stop.
    Cancelled,
    /// The solver gave up, with its reason.
    GaveUp(String),
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undecided::Time => f.write_str("time limit"),
            Undecided::Work => f.write_str("work limit"),
            Undecided::Memory => f.write_str("memory limit"),
            Undecided::Cancelled => f.write_str("cancelled"),
            Undecided::GaveUp(why) => write!(f, "the solver gave up: {why}"),
        }
    }
}

/// A solver's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Satisfiable, with the values of the constants asked for: name and value, bits above the width zero.
    Sat(Vec<(String, u128)>),
    /// Unsatisfiable.
    Unsat,
    /// Neither.
    Unknown(Undecided),
}

/// An answer with what it cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// What the solver said.
    pub outcome: Outcome,
    /// Z3's count of work.
    pub rlimit: u64,
    /// Bytes Z3 had allocated.
    pub memory: u64,
    /// Time inside Z3.
    pub time: Duration,
}

/// A failure of the solver process or of finding it: an error, never a verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SolverError {
    /// No `trinity-solver` beside the executable, in the folder above, or in `TRINITY_SOLVER`.
    NotFound {
        /// Where was looked.
        tried: Vec<PathBuf>,
    },
    /// The process could not be started.
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's message.
        why: String,
    },
    /// The process ended in the middle of a query.
    Crashed {
        /// Exit code or signal, and the last line it wrote to standard error.
        how: String,
    },
    /// The solver rejected the text of a query.
    Rejected {
        /// Its message.
        why: String,
    },
    /// The reply is not what the protocol says.
    Protocol {
        /// What was wrong.
        why: String,
    },
    /// A file of a query could not be written or a second solver not be run.
    File {
        /// The file or program.
        path: PathBuf,
        /// The system's message.
        why: String,
    },
}

impl fmt::Display for SolverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SolverError::NotFound { tried } => {
                f.write_str("no trinity-solver found (set TRINITY_SOLVER to its path); looked at")?;
                for (i, p) in tried.iter().enumerate() {
                    write!(f, "{} {}", if i == 0 { "" } else { "," }, p.display())?;
                }
                Ok(())
            }
            SolverError::Spawn { program, why } => {
                write!(f, "cannot start {}: {why}", program.display())
            }
            SolverError::Crashed { how } => write!(f, "the solver process died: {how}"),
            SolverError::Rejected { why } => write!(f, "the solver rejects the query: {why}"),
            SolverError::Protocol { why } => write!(f, "the solver's reply makes no sense: {why}"),
            SolverError::File { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for SolverError {}
