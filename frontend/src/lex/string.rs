//! String literals: short ones with escapes, and long brackets.

use super::{DIGIT, Lexer, SPACE, Tok, Value, XDIGIT, is};
use crate::error::SyntaxError;
use crate::number::hex_value;

/// Appends the UTF-8 form of a code point up to 2^31, with the original scheme's five- and six-byte forms.
fn push_utf8(out: &mut Vec<u8>, mut x: u32) {
    if x < 0x80 {
        out.push(x as u8);
        return;
    }
    let mut bytes = [0u8; 6];
    let mut n = 0;
    let mut first_max = 0x3f; // largest value that fits in the first byte
    while x > first_max {
        bytes[n] = 0x80 | (x & 0x3f) as u8;
        n += 1;
        x >>= 6;
        first_max >>= 1;
    }
    bytes[n] = ((!first_max << 1) | x) as u8;
    out.extend(bytes[..=n].iter().rev());
}

impl Lexer<'_> {
    /// At `[`: steps over `[`, `=`s; true opening brackets step over the second `[` too and give their level.
    pub(super) fn long_bracket(&mut self) -> Option<usize> {
        self.pos += 1;
        let mut level = 0;
        while self.peek_is(b'=') {
            self.pos += 1;
            level += 1;
        }
        if self.peek_is(b'[') {
            self.pos += 1;
            Some(level)
        } else {
            None
        }
    }

    /// Reads up to the closing bracket of `level`; line breaks become `\n`, the first one is dropped.
    pub(super) fn long_string(
        &mut self,
        level: usize,
        keep: bool,
    ) -> Result<(Tok, Value), SyntaxError> {
        let first_line = self.line;
        if let Some(b'\n' | b'\r') = self.peek() {
            self.newline();
        }
        self.buf.clear();
        let mut run = self.pos; // start of text not yet copied
        loop {
            let rest = &self.src[self.pos..];
            let Some(n) = rest.iter().position(|&c| matches!(c, b']' | b'\n' | b'\r')) else {
                self.pos = self.src.len();
                let what = if keep { "string" } else { "comment" };
                let msg = format!("unfinished long {what} (starting at line {first_line})");
                return Err(self.error(&msg, Some(b"<eof>")));
            };
            self.pos += n;
            if self.src[self.pos] != b']' {
                if keep {
                    self.buf.extend_from_slice(&self.src[run..self.pos]);
                    self.buf.push(b'\n');
                }
                self.newline();
                run = self.pos;
                continue;
            }
            let close = self.pos;
            self.pos += 1;
            let equals = self.src[self.pos..]
                .iter()
                .take_while(|&&c| c == b'=')
                .count();
            self.pos += equals;
            if equals == level && self.peek_is(b']') {
                self.pos += 1;
                let sym = match keep {
                    false => return Ok((Tok::Str, Value::None)),
                    true if self.buf.is_empty() => self.names.intern(&self.src[run..close]),
                    true => {
                        self.buf.extend_from_slice(&self.src[run..close]);
                        self.names.intern(&self.buf)
                    }
                };
                return Ok((Tok::Str, Value::Sym(sym)));
            }
        }
    }

    /// Reads a string delimited by `quote`.
    pub(super) fn short_string(&mut self, quote: u8) -> Result<(Tok, Value), SyntaxError> {
        let start = self.pos;
        self.pos += 1;
        self.buf.clear();
        let mut run = self.pos;
        loop {
            let rest = &self.src[self.pos..];
            let Some(n) = rest
                .iter()
                .position(|&c| c == quote || matches!(c, b'\\' | b'\n' | b'\r'))
            else {
                self.pos = self.src.len();
                return Err(self.error("unfinished string", Some(b"<eof>")));
            };
            self.pos += n;
            match self.src[self.pos] {
                b'\\' => {
                    self.buf.extend_from_slice(&self.src[run..self.pos]);
                    self.escape(quote)?;
                    run = self.pos;
                }
                c if c == quote => {
                    let text = &self.src[run..self.pos];
                    let sym = if run == start + 1 {
                        self.names.intern(text)
                    } else {
                        self.buf.extend_from_slice(text);
                        self.names.intern(&self.buf)
                    };
                    self.pos += 1;
                    return Ok((Tok::Str, Value::Sym(sym)));
                }
                _ => {
                    let near = [&[quote], self.buf.as_slice(), &self.src[run..self.pos]].concat();
                    return Err(self.error("unfinished string", Some(&Self::quoted(&near))));
                }
            }
        }
    }

    /// Error in the escape that starts at `from`; the text shown goes up to the byte at fault.
    #[cold]
    fn escape_error(&self, quote: u8, from: usize, msg: &str) -> SyntaxError {
        let end = (self.pos + 1).min(self.src.len());
        let near = [&[quote], self.buf.as_slice(), &self.src[from..end]].concat();
        self.error(msg, Some(&Self::quoted(&near)))
    }

    /// At a backslash: appends what the escape stands for.
    fn escape(&mut self, quote: u8) -> Result<(), SyntaxError> {
        let from = self.pos;
        self.pos += 1;
        let Some(c) = self.peek() else { return Ok(()) }; // the caller reports the unfinished string
        let plain = match c {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'"' | b'\'' => c,
            b'x' => {
                let high = self.hex_digit(quote, from)?;
                high << 4 | self.hex_digit(quote, from)?
            }
            b'\n' | b'\r' => {
                self.newline();
                self.buf.push(b'\n');
                return Ok(());
            }
            b'z' => {
                self.pos += 1;
                while let Some(c) = self.peek().filter(|&c| is(c, SPACE)) {
                    if matches!(c, b'\n' | b'\r') {
                        self.newline();
                    } else {
                        self.pos += 1;
                    }
                }
                return Ok(());
            }
            b'u' => return self.utf8_escape(quote, from),
            _ if is(c, DIGIT) => return self.decimal_escape(quote, from),
            _ => return Err(self.escape_error(quote, from, "invalid escape sequence")),
        };
        self.pos += 1;
        self.buf.push(plain);
        Ok(())
    }

    /// Steps over the current byte and reads the digit behind it, without stepping over that.
    fn hex_digit(&mut self, quote: u8, from: usize) -> Result<u8, SyntaxError> {
        self.pos += 1;
        match self.peek().and_then(hex_value) {
            Some(d) => Ok(d),
            None => Err(self.escape_error(quote, from, "hexadecimal digit expected")),
        }
    }

    fn utf8_escape(&mut self, quote: u8, from: usize) -> Result<(), SyntaxError> {
        self.pos += 1;
        if !self.peek_is(b'{') {
            return Err(self.escape_error(quote, from, "missing '{'"));
        }
        let mut code = u32::from(self.hex_digit(quote, from)?);
        self.pos += 1;
        while let Some(c) = self.peek().filter(|&c| is(c, XDIGIT)) {
            if code > 0x7FFF_FFFF >> 4 {
                return Err(self.escape_error(quote, from, "UTF-8 value too large"));
            }
            code = code << 4 | u32::from(hex_value(c).unwrap_or(0));
            self.pos += 1;
        }
        if !self.peek_is(b'}') {
            return Err(self.escape_error(quote, from, "missing '}'"));
        }
        self.pos += 1;
        push_utf8(&mut self.buf, code);
        Ok(())
    }

    fn decimal_escape(&mut self, quote: u8, from: usize) -> Result<(), SyntaxError> {
        let mut value = 0u32;
        for _ in 0..3 {
            let Some(c) = self.peek().filter(|&c| is(c, DIGIT)) else {
                break;
            };
            value = value * 10 + u32::from(c - b'0');
            self.pos += 1;
        }
        match u8::try_from(value) {
            Ok(byte) => {
                self.buf.push(byte);
                Ok(())
            }
            Err(_) => Err(self.escape_error(quote, from, "decimal escape too large")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(src: &[u8]) -> Vec<u8> {
        let mut lexer = Lexer::new(src, b"=t");
        match lexer.next_token().unwrap().value {
            Value::Sym(sym) => lexer.names.get(sym).to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(text(br#""a\65\x42\u{43}\z   d\n\'""#), b"aABCd\n'");
        assert_eq!(text(b"'\\\r\nx\\\nz'"), b"\nx\nz");
        assert_eq!(text(br"'\u{7FFFFFFF}'"), b"\xFD\xBF\xBF\xBF\xBF\xBF");
        assert_eq!(
            text(br"'\u{20AC}\u{7ff}\0001'"),
            b"\xE2\x82\xAC\xDF\xBF\x001"
        );
        assert_eq!(text(b"'\\z'"), b"");
    }

    #[test]
    fn long_brackets() {
        assert_eq!(text(b"[[\r\na\n\rb]]"), b"a\nb");
        assert_eq!(text(b"[==[]=]]==]"), b"]=]");
        assert_eq!(text(b"[[\n\nx]]"), b"\nx");
    }
}
