//! Profiles as files.
//!
//! ```text
//! "TRINPROF", format (2 bytes), length of the payload (8 bytes)
//! payload: strings, lists of keys, program, runs, functions
//! FNV-1a hash of all bytes before it (8 bytes)
//! ```
//! Fixed numbers are little-endian, all others LEB128. Strings and lists of keys are written once and named by number. Nothing in a file is
//! trusted: the length tells a cut file, the checksum any changed byte, and what remains is checked while it is decoded. A profile is
//! written to a new file that then takes the place of the old one, so a reader never sees half of it.

mod read;
mod write;

use crate::model::Profile;
use std::fmt;
use std::io;
use std::path::Path;

const MAGIC: &[u8; 8] = b"TRINPROF";
/// To be raised with every change to this layout, to opcodes, or to the meaning of a field.
const FORMAT: u16 = 1;
const HEADER: usize = 8 + 2 + 8;

/// Which optional parts of a site follow.
mod part {
    pub const TAKEN: u8 = 1;
    pub const RESULT: u8 = 2;
    pub const SECOND: u8 = 4;
    pub const OPERANDS: u8 = 8;
    pub const KINDS: u8 = 16;
    pub const RANGE: u8 = 32;
    pub const CALLEE: u8 = 64;
    pub const SHAPES: u8 = 128;
}

const TARGET_UNKNOWN: u64 = 0;
const TARGET_NATIVE: u64 = 1;
const TARGET_LUA: u64 = 2;

/// Why bytes are no profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormatError {
    /// They do not start as one.
    NotAProfile,
    /// Another version of the format.
    Version(u16),
    /// They end too early.
    Truncated,
    /// There is something behind the end.
    Trailing,
    /// Some byte was changed.
    Checksum,
    /// They cannot be decoded.
    Malformed(&'static str),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatError::NotAProfile => f.write_str("not a profile"),
            FormatError::Version(v) => {
                write!(f, "a profile of format {v}, this version reads {FORMAT}")
            }
            FormatError::Truncated => f.write_str("a truncated profile"),
            FormatError::Trailing => f.write_str("a corrupt profile: bytes behind its end"),
            FormatError::Checksum => f.write_str("a corrupt profile: checksum mismatch"),
            FormatError::Malformed(what) => write!(f, "a corrupt profile: malformed {what}"),
        }
    }
}

impl std::error::Error for FormatError {}

/// Why a profile could not be read from a file.
#[derive(Debug)]
pub enum ReadError {
    /// The file cannot be read.
    Io(io::Error),
    /// It is not a profile.
    Format(FormatError),
}

impl Profile {
    /// The bytes of a file.
    pub fn encode(&self) -> Vec<u8> {
        write::encode(self)
    }

    /// From the bytes of a file.
    pub fn decode(bytes: &[u8]) -> Result<Profile, FormatError> {
        read::decode(bytes)
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Profile, ReadError> {
        let bytes = std::fs::read(path).map_err(ReadError::Io)?;
        Profile::decode(&bytes).map_err(ReadError::Format)
    }

    /// Writes a file: a temporary one beside it first, which then takes its name. What a link points to is replaced, not the link; what is
    /// there but no regular file is written to as it is.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let real = std::fs::canonicalize(path);
        let path = real.as_deref().unwrap_or(path);
        if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) {
            return std::fs::write(path, self.encode());
        }
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let done = std::fs::write(&temporary, self.encode())
            .and_then(|()| std::fs::rename(&temporary, path));
        if done.is_err() {
            // It may not even exist; the first error is the one to tell.
            let _ = std::fs::remove_file(&temporary);
        }
        done
    }
}

#[cfg(test)]
mod tests;
