//! Syntax errors and the short names of chunks.

use std::fmt;

/// A compile-time error with the reference's full message (`CHUNK:LINE: TEXT near 'TOKEN'`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The whole message, as bytes: chunk names and tokens need not be UTF-8.
    pub message: Vec<u8>,
    /// Line the message names; 0 for `C stack overflow`, which has no position.
    pub line: u32,
}

impl SyntaxError {
    /// True for `C stack overflow`. The reference raises it as a run-time error, so that, unlike syntax errors, it passes
    /// through the message handler in force.
    pub fn is_overflow(&self) -> bool {
        self.line == 0
    }

    /// The message for people.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.message).into_owned()
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for SyntaxError {}

/// Size of the reference's buffer for short chunk names, with the terminator.
const ID_SIZE: usize = 60;

/// The name of a chunk in messages: `=name` and `@file` lose their mark, source text becomes `[string "first line..."]`.
///
/// ```
/// use trinity_frontend::chunk_id;
/// assert_eq!(chunk_id(b"=stdin"), b"stdin");
/// assert_eq!(chunk_id(b"x = 1\ny = 2"), b"[string \"x = 1...\"]");
/// ```
pub fn chunk_id(source: &[u8]) -> Vec<u8> {
    let cut = |s: &[u8]| s.iter().position(|&c| c == 0).map_or(s.len(), |n| n);
    match source.first() {
        Some(b'=') => {
            let rest = &source[1..];
            let shown = if source.len() <= ID_SIZE {
                rest
            } else {
                &rest[..ID_SIZE - 1]
            };
            shown[..cut(shown)].to_vec()
        }
        Some(b'@') => {
            let rest = &source[1..];
            let mut out = Vec::new();
            let shown = if source.len() <= ID_SIZE {
                rest
            } else {
                out.extend_from_slice(b"...");
                &rest[rest.len() - (ID_SIZE - 4)..]
            };
            out.extend_from_slice(&shown[..cut(shown)]);
            out
        }
        _ => {
            let room = ID_SIZE - "[string \"...\"]".len() - 1;
            let text = &source[..cut(source)];
            let newline = text.iter().position(|&c| c == b'\n');
            let mut out = b"[string \"".to_vec();
            if source.len() < room && newline.is_none() {
                out.extend_from_slice(text);
            } else {
                let len = newline.unwrap_or(source.len()).min(room).min(text.len());
                out.extend_from_slice(&text[..len]);
                out.extend_from_slice(b"...");
            }
            out.extend_from_slice(b"\"]");
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names() {
        let file = format!("@{}", "d".repeat(80));
        assert_eq!(
            chunk_id(file.as_bytes()),
            format!("...{}", "d".repeat(56)).as_bytes()
        );
        let literal = format!("={}", "d".repeat(80));
        assert_eq!(chunk_id(literal.as_bytes()), "d".repeat(59).as_bytes());
        let text = "d".repeat(80);
        assert_eq!(
            chunk_id(text.as_bytes()),
            format!("[string \"{}...\"]", "d".repeat(45)).as_bytes()
        );
    }
}
