//! How trinityc fails: one enum of failure classes with their exit codes, and the error that carries one.
//!
//! Every failure ends in one line on stderr that says what is wrong and what to do, and in the exit code of its class. Code
//! below the driver returns [`Error`]; nothing else decides on exit codes.

use std::fmt;

macro_rules! failures {
    ($( $name:ident = $code:literal, $doc:literal; )*) => {
        /// A failure class; its number is the exit code.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Failure { $( #[doc = $doc] $name = $code, )* }
        /// Exit code and meaning of every class, for `--help`.
        pub const FAILURES: &[(u8, &str)] = &[$( ($code, $doc) ),*];
    };
}

failures! {
    Usage = 2, "wrong use of the command line";
    Input = 3, "a source file cannot be read";
    Syntax = 4, "a source file has a syntax error (or passes a limit of Lua)";
    Unresolved = 5, "with --closed, a required module was not found";
    NoLinker = 6, "no linker: cc (or $CC) cannot be run";
    Linker = 7, "the linker failed";
    Output = 8, "the output cannot be written";
    NoRuntime = 9, "the runtime library libtrinity_start.a was not found";
    Profile = 10, "a profile cannot be read, or is none";
    Train = 11, "a training run failed";
    Refuted = 12, "--verify: the machine code does not do what it should";
    Internal = 70, "a bug or a limit of the compiler itself";
}

impl Failure {
    /// The exit code.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// A failed compilation: the class and one line for the user (bytes, since file names need not be UTF-8).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// Decides the exit code.
    pub failure: Failure,
    /// The message without the leading `trinityc: `.
    pub message: Vec<u8>,
}

/// What most functions here return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the given class.
    pub fn new(failure: Failure, message: impl Into<Vec<u8>>) -> Error {
        Error {
            failure,
            message: message.into(),
        }
    }
    /// A bug or limit of our own.
    pub fn internal(what: impl fmt::Display) -> Error {
        Error::new(
            Failure::Internal,
            format!("internal error: {what}; please report it with the program that shows it"),
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.message))
    }
}

impl std::error::Error for Error {}

/// The reason of an I/O error as C's strerror says it, without Rust's "(os error N)".
pub fn reason(e: &std::io::Error) -> String {
    let text = e.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_string(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct() {
        let mut codes: Vec<u8> = FAILURES.iter().map(|f| f.0).collect();
        codes.dedup();
        assert_eq!(codes.len(), FAILURES.len());
        assert_eq!(Failure::Internal.code(), 70);
    }

    #[test]
    fn reasons_are_short() {
        let e = std::fs::File::open("/nonexistent/file").unwrap_err();
        assert_eq!(reason(&e), "No such file or directory");
    }
}
