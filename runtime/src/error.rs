//! How errors travel: Rust functions return `Result<_, Raise>`; the error value itself waits in the thread.

/// Proof that an error was raised: `Thread::error` holds the value and `Thread::error_status` the kind.
/// Not constructible outside the raising functions of `raise.rs`.
#[derive(Clone, Copy, Debug)]
pub struct Raise(pub(crate) ());

/// Result of everything that may raise a Lua error.
pub type LResult<T> = Result<T, Raise>;

/// Kind of a raised error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// No error.
    Ok = 0,
    /// The coroutine is suspended.
    Yield = 1,
    /// A runtime error.
    Run = 2,
    /// A syntax error from `load`.
    Syntax = 3,
    /// Out of memory.
    Memory = 4,
    /// An error while running the message handler.
    ErrErr = 5,
    /// Not an error: the coroutine is being closed and its native stack abandoned.
    Kill = 6,
}
