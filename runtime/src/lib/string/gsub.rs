//! string.gsub.
//!
//! Text between replacements is copied in one piece when the next replacement comes; a subject that did not change is returned itself.

use super::super::buffer::{Buffer, Space};
use super::matcher::{Extent, Matcher};
use super::pattern::{Pattern, PatternError};
use super::search::{capture_value, pattern_error, push_captures, split_anchor};
use crate::error::LResult;
use crate::numfmt;
use crate::thread::Lua;
use crate::value::{Value, tag};

/// What a match is replaced by.
enum Replacement<'a> {
    /// Text without `%`.
    Plain(&'a [u8]),
    /// Text with captures.
    Template(&'a [u8]),
    Function,
    Table,
}

/// string.gsub
pub fn gsub(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let p = l.check_bytes(2)?;
    let kind = l.arg(3).t;
    let max = l.opt_int(4, s.len() as i64 + 1)?;
    let replacement = match kind {
        tag::INT | tag::FLOAT | tag::SHORT_STR | tag::LONG_STR => {
            let text = l.check_bytes(3)?;
            if text.contains(&b'%') {
                Replacement::Template(text)
            } else {
                Replacement::Plain(text)
            }
        }
        tag::LUA_FN | tag::NATIVE_FN => Replacement::Function,
        tag::TABLE => Replacement::Table,
        _ => return Err(l.type_error(3, "string/function/table")),
    };
    let (anchor, text) = split_anchor(p);
    let mut pattern = Pattern::empty();
    pattern.translate(text).map_err(|e| pattern_error(l, e))?;
    let mut m = Matcher::new(s, pattern.items(), pattern.sets());
    let mut space = Space::new();
    let mut out = Buffer::new(l, &mut space);
    let mut at = 0;
    let mut copied = 0; // `s[..copied]` is in `out`, replaced or not
    let mut last = None; // end of the last match
    let mut count = 0;
    let mut changed = false;
    while count < max {
        if !anchor {
            at = m.candidate(at).unwrap_or(s.len());
        }
        match m.run(at).map_err(|e| pattern_error(l, e))? {
            Some(end) if Some(end) != last => {
                count += 1;
                let value = match replacement {
                    Replacement::Plain(text) => {
                        out.add(&s[copied..at])?;
                        out.add(text)?;
                        (copied, changed) = (end, true);
                        Value::NIL
                    }
                    Replacement::Template(text) => {
                        out.add(&s[copied..at])?;
                        add_template(l, &mut out, &m, text, (at, end))?;
                        (copied, changed) = (end, true);
                        Value::NIL
                    }
                    Replacement::Function => {
                        l.push(l.arg(3));
                        let n = push_captures(l, &m, Some((at, end)))?;
                        let v = l.call_back(n as i32)?;
                        m.refresh();
                        v
                    }
                    Replacement::Table => {
                        let key = first_capture(l, &m, (at, end))?;
                        let v = l.get_table(l.arg(3), key)?;
                        m.refresh();
                        v
                    }
                };
                if value.truthy() {
                    out.add(&s[copied..at])?;
                    if !out.add_value(value)? {
                        return Err(l.error(&format!(
                            "invalid replacement value (a {})",
                            value.type_name()
                        )));
                    }
                    (copied, changed) = (end, true);
                }
                at = end;
                last = Some(end);
            }
            _ if at < s.len() => at += 1,
            _ => break,
        }
        if anchor {
            break;
        }
    }
    if changed {
        out.add(&s[copied..])?;
        out.push_result()?;
    } else {
        l.push(l.arg(1));
    }
    l.push(Value::int(count));
    Ok(2)
}

/// The first capture, or the whole match.
fn first_capture(l: Lua, m: &Matcher, (start, end): (usize, usize)) -> LResult<Value> {
    match m.captures().first() {
        Some(c) => capture_value(l, m.subject(), c),
        None => {
            let s = l.new_str(&m.subject()[start..end])?;
            // SAFETY: made above.
            Ok(unsafe { Value::str(s) })
        }
    }
}

/// Adds a replacement string with its `%0` to `%9` and `%%` filled in.
fn add_template(
    l: Lua,
    out: &mut Buffer,
    m: &Matcher,
    text: &[u8],
    (start, end): (usize, usize),
) -> LResult<()> {
    let mut rest = text;
    while let Some(i) = memchr::memchr(b'%', rest) {
        out.add(&rest[..i])?;
        let subject = m.subject();
        match rest.get(i + 1).copied() {
            Some(b'%') => out.add_byte(b'%')?,
            Some(b'0') => out.add(&subject[start..end])?,
            Some(c @ b'1'..=b'9') => {
                let n = usize::from(c - b'1');
                match m.captures().get(n) {
                    Some(c) => match c.extent {
                        Extent::Length(n) => out.add(&subject[c.start..c.start + n])?,
                        Extent::Position => {
                            out.add(numfmt::format_int(c.start as i64 + 1).as_bytes())?
                        }
                        Extent::Unfinished => {
                            return Err(pattern_error(l, PatternError::UnfinishedCapture));
                        }
                    },
                    // `%1` is the whole match when there are no captures.
                    None if n == 0 => out.add(&subject[start..end])?,
                    None => return Err(pattern_error(l, PatternError::InvalidIndex(n as i32 + 1))),
                }
            }
            _ => return Err(l.error("invalid use of '%' in replacement string")),
        }
        rest = &rest[i + 2..];
    }
    out.add(rest)
}
