//! Lua patterns, translated once per call into a list of items (manual section 6.4.1).
//!
//! The reference interprets the pattern text at every step and so finds a malformed part only when matching reaches it. To agree, a
//! malformed part becomes an item ([`Code::Fail`]) that raises its error when it is reached; what follows it is not looked at.
//!
//! Classes inside sets stay class bits, not expanded bitmaps, because they depend on the locale at the time of the match.

use super::ctype::{Ctype, class};
use std::fmt;

/// LUA_MAXCAPTURES.
pub const MAX_CAPTURES: usize = 32;

/// What can go wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    EndsWithPercent,
    MissingBracket,
    MissingBalance,
    MissingFrontier,
    TooComplex,
    TooManyCaptures,
    InvalidCapture,
    UnfinishedCapture,
    /// A reference to a capture that is not there (from 1; 0 for `%0` in a pattern).
    InvalidIndex(i32),
    NoMemory,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            PatternError::EndsWithPercent => "malformed pattern (ends with '%')",
            PatternError::MissingBracket => "malformed pattern (missing ']')",
            PatternError::MissingBalance => "malformed pattern (missing arguments to '%b')",
            PatternError::MissingFrontier => "missing '[' after '%f' in pattern",
            PatternError::TooComplex => "pattern too complex",
            PatternError::TooManyCaptures => "too many captures",
            PatternError::InvalidCapture => "invalid pattern capture",
            PatternError::UnfinishedCapture => "unfinished capture",
            PatternError::InvalidIndex(i) => return write!(f, "invalid capture index %{i}"),
            PatternError::NoMemory => "not enough memory",
        })
    }
}

/// What an item matches. The first five match one character and can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// `.`
    Any,
    /// A character.
    Char,
    /// `%a` and the like: class bits.
    Class,
    /// `%A` and the like: class bits.
    NotClass,
    /// `[...]`: index into the sets.
    Set,
    /// `(`
    Open,
    /// `()`
    Position,
    /// `)`
    Close,
    /// `$` at the end.
    End,
    /// `%bxy`: x in the low byte, y in the next.
    Balance,
    /// `%f[...]`: index into the sets.
    Frontier,
    /// `%1`: the digit.
    Back,
    /// The end of the pattern.
    Accept,
    /// A malformed part: index into [`MALFORMED`].
    Fail,
}

/// The errors that are found by reading the pattern.
pub const MALFORMED: [PatternError; 4] = [
    PatternError::EndsWithPercent,
    PatternError::MissingBracket,
    PatternError::MissingBalance,
    PatternError::MissingFrontier,
];
const ENDS_WITH_PERCENT: u32 = 0;
const MISSING_BRACKET: u32 = 1;
const MISSING_BALANCE: u32 = 2;
const MISSING_FRONTIER: u32 = 3;

/// Repetition of a single-character item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rep {
    One,
    /// `?`
    Optional,
    /// `*`
    Star,
    /// `+`
    Plus,
    /// `-`
    Lazy,
}

/// One item of a pattern. Scalars only: an enum with payloads is built in memory and copied by a wider load, which stalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub code: Code,
    pub rep: Rep,
    /// What `code` says.
    pub arg: u32,
}

/// A bracketed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set {
    bits: [u64; 4],
    /// Classes whose members belong to the set.
    classes: u16,
    /// One bit per negated class (index into [`CLASSES`]).
    negated: u16,
    inverted: bool,
}

impl Set {
    const EMPTY: Set = Set {
        bits: [0; 4],
        classes: 0,
        negated: 0,
        inverted: false,
    };

    /// Membership.
    #[inline(always)]
    pub fn has(&self, ctype: Ctype, c: u8) -> bool {
        let mut found =
            self.bits[(c >> 6) as usize] >> (c & 63) & 1 != 0 || ctype.is(c, self.classes);
        if self.negated != 0 {
            found = found || self.has_negated(ctype, c);
        }
        found != self.inverted
    }

    #[cold]
    fn has_negated(&self, ctype: Ctype, c: u8) -> bool {
        CLASSES
            .iter()
            .enumerate()
            .any(|(i, (_, mask))| self.negated >> i & 1 != 0 && !ctype.is(c, *mask))
    }

    fn add(&mut self, c: u8) {
        self.bits[(c >> 6) as usize] |= 1 << (c & 63);
    }

    fn add_range(&mut self, from: u8, to: u8) {
        for c in from..=to {
            self.add(c);
        }
    }

    /// The class letter behind a `%`, or the escaped character.
    fn add_escaped(&mut self, letter: u8) {
        match class_index(letter) {
            Some(i) if letter.is_ascii_lowercase() => self.classes |= CLASSES[i].1,
            Some(i) => self.negated |= 1 << i,
            None => match letter {
                b'z' => self.add(0),
                b'Z' => self.add_range(1, 255),
                c => self.add(c),
            },
        }
    }
}

/// The class letters with their bits; `%z`, which C has no class for, is a set.
const CLASSES: [(u8, u16); 10] = [
    (b'a', class::ALPHA),
    (b'c', class::CNTRL),
    (b'd', class::DIGIT),
    (b'g', class::GRAPH),
    (b'l', class::LOWER),
    (b'p', class::PUNCT),
    (b's', class::SPACE),
    (b'u', class::UPPER),
    (b'w', class::ALNUM),
    (b'x', class::XDIGIT),
];

fn class_index(letter: u8) -> Option<usize> {
    Some(match letter | 0x20 {
        _ if !letter.is_ascii_alphabetic() => return None,
        b'a' => 0,
        b'c' => 1,
        b'd' => 2,
        b'g' => 3,
        b'l' => 4,
        b'p' => 5,
        b's' => 6,
        b'u' => 7,
        b'w' => 8,
        b'x' => 9,
        _ => return None,
    })
}

/// A list whose first `N` elements need no allocation.
pub struct Short<T, const N: usize> {
    inline: [std::mem::MaybeUninit<T>; N],
    len: usize,
    /// Holds all elements once there are more than `N`.
    spilled: Vec<T>,
}

impl<T: Copy, const N: usize> Short<T, N> {
    #[inline(always)]
    const fn new() -> Self {
        Short {
            inline: [const { std::mem::MaybeUninit::uninit() }; N],
            len: 0,
            spilled: Vec::new(),
        }
    }

    #[inline(always)]
    fn push(&mut self, v: T) -> Result<(), PatternError> {
        match self.inline.get_mut(self.len) {
            Some(to) => {
                to.write(v);
                self.len += 1;
                Ok(())
            }
            None => self.spill(v),
        }
    }

    #[cold]
    #[inline(never)]
    fn spill(&mut self, v: T) -> Result<(), PatternError> {
        if self.len == N {
            let mut all = Vec::new();
            all.try_reserve(4 * N).map_err(|_| PatternError::NoMemory)?;
            all.extend_from_slice(self.as_slice());
            self.spilled = all;
        }
        self.spilled
            .try_reserve(1)
            .map_err(|_| PatternError::NoMemory)?;
        self.spilled.push(v);
        self.len += 1;
        Ok(())
    }

    /// The elements.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        if self.len <= N {
            // SAFETY: the first `len` were written.
            unsafe { std::slice::from_raw_parts(self.inline.as_ptr().cast(), self.len) }
        } else {
            &self.spilled
        }
    }
}

/// A translated pattern; the last item is [`Code::Accept`] or [`Code::Fail`], and set indices are in range. It is large (kept on the native
/// stack), so it is filled in place.
pub struct Pattern {
    items: Short<Item, 32>,
    sets: Short<Set, 6>,
}

impl Pattern {
    /// The items.
    #[inline]
    pub fn items(&self) -> &[Item] {
        self.items.as_slice()
    }
    /// The sets.
    #[inline]
    pub fn sets(&self) -> &[Set] {
        self.sets.as_slice()
    }

    /// An empty pattern, to be filled by [`Pattern::translate`].
    #[inline(always)]
    pub const fn empty() -> Pattern {
        Pattern {
            items: Short::new(),
            sets: Short::new(),
        }
    }

    /// Translates a pattern (without its anchor). Fails for lack of memory only.
    pub fn translate(&mut self, text: &[u8]) -> Result<(), PatternError> {
        let mut at = 0;
        while at < text.len() {
            match self.item(text, at)? {
                Some(next) => at = next,
                None => return Ok(()),
            }
        }
        self.push(Code::Accept, 0)
    }

    #[inline(always)]
    fn push(&mut self, code: Code, arg: u32) -> Result<(), PatternError> {
        self.items.push(Item {
            code,
            rep: Rep::One,
            arg,
        })
    }

    #[cold]
    fn fail(&mut self, why: u32) -> Result<Option<usize>, PatternError> {
        self.push(Code::Fail, why)?;
        Ok(None)
    }

    /// Translates the item at `at`; gives the start of the next one, or `None` after a malformed part.
    #[inline]
    fn item(&mut self, text: &[u8], at: usize) -> Result<Option<usize>, PatternError> {
        let next = peek(text, at + 1);
        let (code, arg, size) = match peek(text, at) {
            b'(' if next == b')' => (Code::Position, 0, 2),
            b'(' => (Code::Open, 0, 1),
            b')' => (Code::Close, 0, 1),
            b'$' if at + 1 == text.len() => (Code::End, 0, 1),
            b'%' => match next {
                _ if at + 1 == text.len() => return self.fail(ENDS_WITH_PERCENT),
                b'b' if at + 3 >= text.len() => return self.fail(MISSING_BALANCE),
                b'b' => {
                    let (open, close) = (peek(text, at + 2), peek(text, at + 3));
                    (Code::Balance, u32::from(open) | u32::from(close) << 8, 4)
                }
                b'f' if peek(text, at + 2) != b'[' => return self.fail(MISSING_FRONTIER),
                b'f' => match self.set(text, at + 2)? {
                    Some((index, end)) => (Code::Frontier, index, end - at),
                    None => return self.fail(MISSING_BRACKET),
                },
                b'0'..=b'9' => (Code::Back, u32::from(next - b'0'), 2),
                _ => {
                    let (code, arg) = self.escaped(next)?;
                    return self.repeated(text, code, arg, at + 2);
                }
            },
            b'[' => {
                return match self.set(text, at)? {
                    Some((index, end)) => self.repeated(text, Code::Set, index, end),
                    None => self.fail(MISSING_BRACKET),
                };
            }
            b'.' => return self.repeated(text, Code::Any, 0, at + 1),
            c => return self.repeated(text, Code::Char, u32::from(c), at + 1),
        };
        self.push(code, arg)?;
        Ok(Some(at + size))
    }

    /// Adds a single-character item, with the repetition at `at` if there is one.
    #[inline(always)]
    fn repeated(
        &mut self,
        text: &[u8],
        code: Code,
        arg: u32,
        at: usize,
    ) -> Result<Option<usize>, PatternError> {
        let (rep, next) = match peek(text, at) {
            b'?' => (Rep::Optional, at + 1),
            b'*' => (Rep::Star, at + 1),
            b'+' => (Rep::Plus, at + 1),
            b'-' => (Rep::Lazy, at + 1),
            _ => (Rep::One, at),
        };
        self.items.push(Item { code, rep, arg })?;
        Ok(Some(next))
    }

    /// `%x` outside a set.
    #[inline(always)]
    fn escaped(&mut self, letter: u8) -> Result<(Code, u32), PatternError> {
        Ok(match class_index(letter) {
            Some(i) if letter.is_ascii_lowercase() => (Code::Class, u32::from(CLASSES[i].1)),
            Some(i) => (Code::NotClass, u32::from(CLASSES[i].1)),
            None => match letter {
                b'z' => (Code::Char, 0),
                b'Z' => {
                    let mut set = Set::EMPTY;
                    set.add_escaped(letter);
                    (Code::Set, self.add_set(set)?)
                }
                c => (Code::Char, u32::from(c)),
            },
        })
    }

    fn add_set(&mut self, set: Set) -> Result<u32, PatternError> {
        let index = self.sets.as_slice().len() as u32;
        self.sets.push(set)?;
        Ok(index)
    }

    /// Reads the set that opens at `open`: its index and the position behind it; `None` without a closing bracket.
    fn set(&mut self, text: &[u8], open: usize) -> Result<Option<(u32, usize)>, PatternError> {
        let mut first = open + 1;
        let inverted = peek(text, first) == b'^';
        if inverted {
            first += 1;
        }
        // The closing bracket: the first character of the set cannot be it.
        let mut close = first;
        loop {
            if close >= text.len() {
                return Ok(None);
            }
            let escape = peek(text, close) == b'%';
            close += 1;
            if escape && close < text.len() {
                close += 1;
            }
            if peek(text, close) == b']' {
                break;
            }
        }
        let mut set = Set {
            inverted,
            ..Set::EMPTY
        };
        let mut at = first;
        while at < close {
            let c = peek(text, at);
            if c == b'%' {
                at += 1;
                set.add_escaped(peek(text, at));
            } else if peek(text, at + 1) == b'-' && at + 2 < close {
                set.add_range(c, peek(text, at + 2));
                at += 2;
            } else {
                set.add(c);
            }
            at += 1;
        }
        Ok(Some((self.add_set(set)?, close + 1)))
    }
}

/// The pattern's character, or 0 behind its end, as the reference reads its terminator.
#[inline(always)]
fn peek(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> Pattern {
        let mut p = Pattern::empty();
        p.translate(text.as_bytes()).unwrap();
        p
    }

    /// The pattern in short: code, repetition, argument of each item.
    fn items(text: &str) -> String {
        let p = translated(text);
        let item = |i: &Item| {
            let rep = ["", "?", "*", "+", "-"][i.rep as usize];
            match i.code {
                Code::Char => format!("'{}'{rep}", char::from(i.arg as u8)),
                code => format!("{code:?}{rep}:{}", i.arg),
            }
        };
        p.items().iter().map(item).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn translation() {
        assert_eq!(items("a.b*"), "'a' Any:0 'b'* Accept:0");
        assert_eq!(
            items("%d+%$$"),
            format!("Class+:{} '$' End:0 Accept:0", class::DIGIT)
        );
        assert_eq!(items("(()%1)"), "Open:0 Position:0 Back:1 Close:0 Accept:0");
        assert_eq!(
            items("%b()-"),
            format!(
                "Balance:{} '-' Accept:0",
                u32::from(b'(') | u32::from(b')') << 8
            )
        );
        assert_eq!(items("a$?"), "'a' '$'? Accept:0");
        assert_eq!(items("%Z-"), "Set-:0 Accept:0");
        assert_eq!(items("%f[%w]x"), "Frontier:0 'x' Accept:0");
    }

    #[test]
    fn malformed() {
        let why = |t: &str| {
            let p = translated(t);
            let last = *p.items().last().unwrap();
            (last.code == Code::Fail).then(|| MALFORMED[last.arg as usize])
        };
        for text in ["x[a", "[]", "[^]", "[%]", "[%", "%f[a"] {
            assert_eq!(why(text), Some(PatternError::MissingBracket), "{text}");
        }
        assert_eq!(why("a%"), Some(PatternError::EndsWithPercent));
        assert_eq!(why("%b("), Some(PatternError::MissingBalance));
        assert_eq!(why("%fa"), Some(PatternError::MissingFrontier));
        assert_eq!(why("[]]"), None);
    }

    #[test]
    fn sets() {
        let members = |text: &str| -> Vec<u8> {
            let p = translated(text);
            let t = Ctype::current();
            (0..=255).filter(|c| p.sets()[0].has(t, *c)).collect()
        };
        assert_eq!(members("[a-c]"), b"abc");
        assert_eq!(members("[]-]"), b"-]");
        assert_eq!(members("[a-]"), b"-a");
        assert_eq!(members("[%a-z]"), {
            let mut v: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').collect();
            v.insert(0, b'-');
            v
        });
        assert_eq!(members("[%d_]").len(), 11);
        assert_eq!(members("[^%d]").len(), 246);
        assert_eq!(members("[%D]").len(), 246);
        assert_eq!(members("[%D3]").len(), 247);
        assert_eq!(members("[z-a]"), b"");
        assert_eq!(members("[^%Z]"), b"\0");
    }

    #[test]
    fn many_items() {
        let text = "[a]".repeat(1000);
        let p = translated(&text);
        assert_eq!((p.items().len(), p.sets().len()), (1001, 1000));
    }
}
