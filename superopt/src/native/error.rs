//! Why code was not run, or a batch not finished.

use std::fmt;
use std::io;

/// A refusal before the run, or a failure of the machinery around it. A fault of the code under test is not an error:
/// it is an [`Outcome`](super::Outcome).
#[derive(Debug)]
pub enum NativeError {
    /// Bytes at `offset` that decode to no instruction.
    Undecodable {
        /// Index of the program.
        program: usize,
        /// Offset in it.
        offset: usize,
    },
    /// This processor does not have what the instruction needs.
    MissingFeature {
        /// The instruction as text.
        instruction: String,
        /// The feature's name.
        feature: String,
    },
    /// An instruction that would leave the program: a return, a call, an indirect or outward jump, an interrupt.
    LeavesProgram {
        /// The instruction as text.
        instruction: String,
        /// Offset in the program.
        offset: usize,
    },
    /// A region that is empty, overlaps another or the code, or lies outside user addresses.
    BadRegion {
        /// Index of the region.
        region: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A state whose memory is not as long as the regions together, or that names a program that is not there.
    BadState {
        /// Index of the state.
        state: usize,
    },
    /// A system call failed.
    System {
        /// Which one.
        call: &'static str,
        /// Its error.
        error: io::Error,
    },
    /// The child could not set itself up; nothing ran.
    ChildSetup {
        /// The step that failed.
        step: &'static str,
        /// Its error.
        error: io::Error,
    },
    /// The batch was stopped by its time limit.
    BatchTimeout {
        /// States that had finished.
        finished: usize,
    },
    /// The child died on its own: the code under test destroyed the machinery around it.
    ChildDied {
        /// The signal, if a signal killed it.
        signal: Option<i32>,
        /// States that had finished; the next one is the culprit.
        finished: usize,
    },
}

impl fmt::Display for NativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NativeError::Undecodable { program, offset } => {
                write!(
                    f,
                    "program {program}: the bytes at offset {offset} are no instruction"
                )
            }
            NativeError::MissingFeature {
                instruction,
                feature,
            } => {
                write!(
                    f,
                    "this processor cannot run `{instruction}`: it lacks {feature}"
                )
            }
            NativeError::LeavesProgram {
                instruction,
                offset,
            } => {
                write!(
                    f,
                    "`{instruction}` at offset {offset} would leave the program"
                )
            }
            NativeError::BadRegion { region, why } => write!(f, "memory region {region}: {why}"),
            NativeError::BadState { state } => {
                write!(
                    f,
                    "state {state} does not fit the regions or names no program"
                )
            }
            NativeError::System { call, error } => write!(f, "{call}: {error}"),
            NativeError::ChildSetup { step, error } => {
                write!(f, "the child process could not {step}: {error}")
            }
            NativeError::BatchTimeout { finished } => {
                write!(f, "the batch ran out of time after {finished} states")
            }
            NativeError::ChildDied {
                signal: Some(signal),
                finished,
            } => {
                write!(
                    f,
                    "the child process was killed by signal {signal} after {finished} states"
                )
            }
            NativeError::ChildDied {
                signal: None,
                finished,
            } => {
                write!(f, "the child process gave up after {finished} states")
            }
        }
    }
}

impl std::error::Error for NativeError {}
