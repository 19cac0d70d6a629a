//! The lexer: bytes to tokens, on demand, one ahead of the parser.
//!
//! Messages must equal the reference's byte for byte, so the lexer reports errors at the moment the reference would, with the
//! text that would be in its buffer: the raw text of names and numerals, and for strings the opening delimiter followed by
//! what escapes have made of the contents so far.

mod string;
mod token;

pub(crate) use token::reserved_words;
pub use token::{RESERVED, Tok, Token, Value};

use crate::error::{SyntaxError, chunk_id};
use crate::intern::Interner;
use crate::number::{Num, lua_str2number};
use std::sync::OnceLock;

const ALPHA: u8 = 1;
const DIGIT: u8 = 2;
const XDIGIT: u8 = 4;
const SPACE: u8 = 8;

/// Character classes of the C locale; `_` counts as a letter.
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let c = i as u8;
        if c.is_ascii_alphabetic() || c == b'_' {
            table[i] |= ALPHA;
        }
        if c.is_ascii_digit() {
            table[i] |= DIGIT;
        }
        if c.is_ascii_hexdigit() {
            table[i] |= XDIGIT;
        }
        if matches!(c, b' ' | b'\t'..=b'\r') {
            table[i] |= SPACE;
        }
        i += 1;
    }
    table
};

#[inline]
fn is(c: u8, class: u8) -> bool {
    CLASS[c as usize] & class != 0
}

/// Skips a byte-order mark and a first line that starts with `#`, as loading from a file does. The newline stays, so that line
/// numbers hold.
pub fn skip_shebang(source: &[u8]) -> &[u8] {
    let text = source.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(source);
    match text.first() {
        Some(b'#') => &text[text.iter().position(|&c| c == b'\n').unwrap_or(text.len())..],
        _ => text,
    }
}

/// Lexer state: the source, the position, and the current line.
pub struct Lexer<'s> {
    src: &'s [u8],
    pos: usize,
    /// Line of the last byte read, counted from 1.
    pub line: u32,
    chunkname: &'s [u8],
    /// Names and strings of the chunk; the reserved words are its first symbols.
    pub names: Interner,
    /// Contents of a string with escapes, while it is read.
    buf: Vec<u8>,
}

/// Names and strings for which there is room at first, reserved words among them.
const NAMES: usize = 60;

impl<'s> Lexer<'s> {
    /// A lexer at the start of `src`.
    pub fn new(src: &'s [u8], chunkname: &'s [u8]) -> Self {
        // Programs load many small chunks: the words are looked up once and copied then.
        static WORDS: OnceLock<Interner> = OnceLock::new();
        let words = WORDS.get_or_init(|| {
            let mut names = Interner::with_room(NAMES);
            for word in reserved_words() {
                names.intern(word.as_bytes());
            }
            names
        });
        Lexer {
            src,
            pos: 0,
            line: 1,
            chunkname,
            names: words.copy_with_room(NAMES),
            buf: Vec::new(),
        }
    }

    /// A lexer that starts at offset `pos` of a source, on line `line`.
    pub fn resume(src: &'s [u8], chunkname: &'s [u8], pos: u32, line: u32) -> Self {
        let mut lexer = Self::new(src, chunkname);
        lexer.pos = (pos as usize).min(src.len());
        lexer.line = line;
        lexer
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.src.get(self.pos).copied()
    }

    #[inline]
    fn peek_is(&self, c: u8) -> bool {
        self.peek() == Some(c)
    }

    /// Error at the current line, `near` some text (cut at a NUL, as C strings are).
    #[cold]
    pub(crate) fn error(&self, msg: &str, near: Option<&[u8]>) -> SyntaxError {
        self.error_bytes(msg.as_bytes(), near)
    }

    #[cold]
    pub(crate) fn error_bytes(&self, msg: &[u8], near: Option<&[u8]>) -> SyntaxError {
        let mut message = chunk_id(self.chunkname);
        message.extend_from_slice(format!(":{}: ", self.line).as_bytes());
        message.extend_from_slice(&msg[..msg.iter().position(|&c| c == 0).unwrap_or(msg.len())]);
        if let Some(near) = near {
            message.extend_from_slice(b" near ");
            message.extend_from_slice(near);
        }
        SyntaxError {
            message,
            line: self.line,
        }
    }

    /// `'text'`, cut at a NUL.
    pub(crate) fn quoted(text: &[u8]) -> Vec<u8> {
        let text = &text[..text.iter().position(|&c| c == 0).unwrap_or(text.len())];
        [b"'", text, b"'"].concat()
    }

    /// The text of `token` as messages show it.
    pub(crate) fn token_text(&self, token: &Token) -> Vec<u8> {
        let raw = &self.src[token.start as usize..token.end as usize];
        match (token.tok, token.value) {
            (Tok::Name | Tok::Int | Tok::Flt, _) => Self::quoted(raw),
            (Tok::Str, Value::Sym(sym)) => {
                let delimiter = match raw.first() {
                    Some(b'[') => 2 + raw[1..].iter().take_while(|&&c| c == b'=').count(),
                    _ => 1,
                };
                Self::quoted(
                    &[
                        &raw[..delimiter],
                        self.names.get(sym),
                        &raw[raw.len() - delimiter..],
                    ]
                    .concat(),
                )
            }
            (tok, _) => tok.describe(),
        }
    }

    /// Steps over a line break: any of `\n`, `\r`, `\n\r`, `\r\n`.
    #[inline]
    fn newline(&mut self) {
        let first = self.src[self.pos];
        self.pos += 1;
        if let Some(c @ (b'\n' | b'\r')) = self.peek()
            && c != first
        {
            self.pos += 1;
        }
        self.line += 1;
    }

    /// Reads the next token.
    pub fn next_token(&mut self) -> Result<Token, SyntaxError> {
        loop {
            let Some(c) = self.peek() else {
                let end = self.pos as u32;
                return Ok(Token {
                    tok: Tok::Eos,
                    value: Value::None,
                    start: end,
                    end,
                });
            };
            match c {
                b' ' | b'\t' | 0x0b | 0x0c => self.pos += 1,
                b'\n' | b'\r' => self.newline(),
                b'-' if self.src.get(self.pos + 1) == Some(&b'-') => self.comment()?,
                _ => break,
            }
        }
        let start = self.pos;
        let (tok, value) = self.token(self.src[start])?;
        Ok(Token {
            tok,
            value,
            start: start as u32,
            end: self.pos as u32,
        })
    }

    fn comment(&mut self) -> Result<(), SyntaxError> {
        self.pos += 2;
        if self.peek_is(b'[')
            && let Some(level) = self.long_bracket()
        {
            return self.long_string(level, false).map(|_| ());
        }
        let rest = &self.src[self.pos..];
        self.pos += rest
            .iter()
            .position(|&c| c == b'\n' || c == b'\r')
            .unwrap_or(rest.len());
        Ok(())
    }

    #[inline]
    fn token(&mut self, c: u8) -> Result<(Tok, Value), SyntaxError> {
        if is(c, ALPHA) {
            return Ok(self.name());
        }
        if is(c, DIGIT) {
            return self.numeral();
        }
        let two = |this: &mut Self, next: u8, long: Tok, short: Tok| {
            if this.peek_is(next) {
                this.pos += 1;
                long
            } else {
                short
            }
        };
        let tok = match c {
            b'"' | b'\'' => return self.short_string(c),
            b'[' => {
                let start = self.pos;
                if let Some(level) = self.long_bracket() {
                    return self.long_string(level, true);
                }
                if self.pos > start + 1 {
                    return Err(self.error(
                        "invalid long string delimiter",
                        Some(&Self::quoted(&self.src[start..self.pos])),
                    ));
                }
                return Ok((Tok::Char(b'['), Value::None));
            }
            _ => {
                self.pos += 1;
                match c {
                    b'=' => two(self, b'=', Tok::Eq, Tok::Char(c)),
                    b'<' => match self.peek() {
                        Some(b'<') => two(self, b'<', Tok::Shl, Tok::Char(c)),
                        _ => two(self, b'=', Tok::Le, Tok::Char(c)),
                    },
                    b'>' => match self.peek() {
                        Some(b'>') => two(self, b'>', Tok::Shr, Tok::Char(c)),
                        _ => two(self, b'=', Tok::Ge, Tok::Char(c)),
                    },
                    b'/' => two(self, b'/', Tok::IDiv, Tok::Char(c)),
                    b'~' => two(self, b'=', Tok::Ne, Tok::Char(c)),
                    b':' => two(self, b':', Tok::DbColon, Tok::Char(c)),
                    b'.' => {
                        if self.peek_is(b'.') {
                            self.pos += 1;
                            two(self, b'.', Tok::Dots, Tok::Concat)
                        } else if self.peek().is_some_and(|c| is(c, DIGIT)) {
                            self.pos -= 1;
                            return self.numeral();
                        } else {
                            Tok::Char(c)
                        }
                    }
                    _ => Tok::Char(c),
                }
            }
        };
        Ok((tok, Value::None))
    }

    #[inline]
    fn name(&mut self) -> (Tok, Value) {
        let rest = &self.src[self.pos..];
        let len = rest
            .iter()
            .position(|&c| !is(c, ALPHA | DIGIT))
            .unwrap_or(rest.len());
        self.pos += len;
        let sym = self.names.intern(&rest[..len]);
        (
            if sym.0 < RESERVED {
                token::reserved(sym)
            } else {
                Tok::Name
            },
            Value::Sym(sym),
        )
    }

    /// Takes everything that may belong to a numeral, then lets the number parser judge it.
    fn numeral(&mut self) -> Result<(Tok, Value), SyntaxError> {
        let start = self.pos;
        let mut exponent = *b"eE";
        self.pos += 1;
        // The reference reads a leading dot before it looks at the first digit, so `.0x` is hexadecimal to it.
        if self.src[start] == b'.' {
            self.pos += 1;
        }
        if self.src[self.pos - 1] == b'0' && matches!(self.peek(), Some(b'x' | b'X')) {
            exponent = *b"pP";
            self.pos += 1;
        }
        while let Some(c) = self.peek() {
            if exponent.contains(&c) {
                self.pos += 1;
                if let Some(b'+' | b'-') = self.peek() {
                    self.pos += 1;
                }
            } else if is(c, XDIGIT) || c == b'.' {
                self.pos += 1;
            } else {
                break;
            }
        }
        if self.peek().is_some_and(|c| is(c, ALPHA)) {
            self.pos += 1; // the numeral touches a letter: make it malformed
        }
        let text = &self.src[start..self.pos];
        match lua_str2number(text) {
            Some(Num::Int(i)) => Ok((Tok::Int, Value::Int(i))),
            Some(Num::Float(f)) => Ok((Tok::Flt, Value::Float(f))),
            None => Err(self.error("malformed number", Some(&Self::quoted(text)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(src: &[u8]) -> Vec<Tok> {
        let mut lexer = Lexer::new(src, b"=t");
        let mut out = Vec::new();
        loop {
            let token = lexer.next_token().unwrap();
            if token.tok == Tok::Eos {
                return out;
            }
            out.push(token.tok);
        }
    }

    #[test]
    fn longest_match() {
        use Tok::{Char, Concat, DbColon, Dots, Eq, Flt, Ge, IDiv, Int, Le, Name, Ne, Shl, Shr};
        assert_eq!(
            kinds(b"<<=<=>>=== ~=~ // / ::: ...... a..1 .5 3-4 0xep1"),
            [
                Shl,
                Char(b'='),
                Le,
                Shr,
                Eq,
                Char(b'='),
                Ne,
                Char(b'~'),
                IDiv,
                Char(b'/'),
                DbColon,
                Char(b':'),
                Dots,
                Dots,
                Name,
                Concat,
                Int,
                Flt,
                Int,
                Char(b'-'),
                Int,
                Flt
            ]
        );
        assert_eq!(kinds(b"a >= b"), [Name, Ge, Name]);
        assert_eq!(kinds(b"--[==[ x\n]]]==] y --z\n--[=\nw"), [Name, Name]);
    }

    #[test]
    fn shebang_keeps_the_line_break() {
        assert_eq!(skip_shebang(b"#!/usr/bin/lua\nx"), b"\nx");
        assert_eq!(skip_shebang(b"\xEF\xBB\xBFx"), b"x");
        assert_eq!(skip_shebang(b"#"), b"");
        assert_eq!(skip_shebang(b"x#"), b"x#");
    }
}
