//! Lua patterns, translated once per call into a list of items (manual section 6.4.1).
//!
//! The reference interprets the pattern text at every step and so finds a malformed part only when matching reaches it. To agree, a
//! malformed part becomes an item ([`Op::Fail`]) that raises its error when it is reached; what follows it is not looked at.
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
pub enum Op {
    /// `.`
    Any,
    /// A character.
    Char(u8),
    /// `%a` and the like: class bits.
    Class(u16),
    /// `%A` and the like.
    NotClass(u16),
    /// `[...]`: index into the sets.
    Set(u32),
    /// `(`
    Open,
    /// `()`
    Position,
    /// `)`
    Close,
    /// `$` at the end.
    End,
    /// `%bxy`
    Balance(u8, u8),
    /// `%f[...]`
    Frontier(u32),
    /// `%1`: index from 0, -1 for `%0`.
    Back(i8),
    /// The end of the pattern.
    Accept,
    /// A malformed part.
    Fail(Malformed),
}

/// The errors that are found by reading the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    EndsWithPercent,
    MissingBracket,
    MissingBalance,
    MissingFrontier,
}

impl From<Malformed> for PatternError {
    fn from(m: Malformed) -> Self {
        match m {
            Malformed::EndsWithPercent => PatternError::EndsWithPercent,
            Malformed::MissingBracket => PatternError::MissingBracket,
            Malformed::MissingBalance => PatternError::MissingBalance,
            Malformed::MissingFrontier => PatternError::MissingFrontier,
        }
    }
}

/// Repetition of a single-character item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// One item of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub op: Op,
    pub rep: Rep,
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
    const EMPTY: Set = Set { bits: [0; 4], classes: 0, negated: 0, inverted: false };

    /// Membership.
    #[inline(always)]
    pub fn has(&self, ctype: Ctype, c: u8) -> bool {
        let mut found = self.bits[(c >> 6) as usize] >> (c & 63) & 1 != 0 || ctype.is(c, self.classes);
        if self.negated != 0 {
            found = found || self.has_negated(ctype, c);
        }
        found != self.inverted
    }

    #[cold]
    fn has_negated(&self, ctype: Ctype, c: u8) -> bool {
        CLASSES.iter().enumerate().any(|(i, (_, mask))| self.negated >> i & 1 != 0 && !ctype.is(c, *mask))
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
    fn new() -> Self {
        Short { inline: [const { std::mem::MaybeUninit::uninit() }; N], len: 0, spilled: Vec::new() }
    }

    #[inline]
    fn push(&mut self, v: T) -> Result<(), PatternError> {
        if self.len < N {
            self.inline[self.len].write(v);
            self.len += 1;
            return Ok(());
        }
        if self.len == N {
            let mut all = Vec::new();
            all.try_reserve(4 * N).map_err(|_| PatternError::NoMemory)?;
            all.extend_from_slice(self.as_slice());
            self.spilled = all;
        }
        self.spilled.try_reserve(1).map_err(|_| PatternError::NoMemory)?;
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

/// A translated pattern; the last item is [`Op::Accept`] or [`Op::Fail`], and set indices are in range.
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

    /// Translates a pattern (without its anchor). Fails for lack of memory only.
    pub fn new(text: &[u8]) -> Result<Pattern, PatternError> {
        let mut p = Pattern { items: Short::new(), sets: Short::new() };
        let mut at = 0;
        while at < text.len() {
            match p.item(text, at)? {
                Some(next) => at = next,
                None => return Ok(p),
            }
        }
        p.push(Op::Accept)?;
        Ok(p)
    }

    fn push(&mut self, op: Op) -> Result<(), PatternError> {
        self.items.push(Item { op, rep: Rep::One })
    }

    fn fail(&mut self, why: Malformed) -> Result<Option<usize>, PatternError> {
        self.push(Op::Fail(why))?;
        Ok(None)
    }

    /// Translates the item at `at`; gives the start of the next one, or `None` after a malformed part.
    fn item(&mut self, text: &[u8], at: usize) -> Result<Option<usize>, PatternError> {
        let next = peek(text, at + 1);
        match peek(text, at) {
            b'(' if next == b')' => {
                self.push(Op::Position)?;
                Ok(Some(at + 2))
            }
            b'(' => {
                self.push(Op::Open)?;
                Ok(Some(at + 1))
            }
            b')' => {
                self.push(Op::Close)?;
                Ok(Some(at + 1))
            }
            b'$' if at + 1 == text.len() => {
                self.push(Op::End)?;
                Ok(Some(at + 1))
            }
            b'%' if at + 1 == text.len() => self.fail(Malformed::EndsWithPercent),
            b'%' => match next {
                b'b' if at + 3 >= text.len() => self.fail(Malformed::MissingBalance),
                b'b' => {
                    self.push(Op::Balance(peek(text, at + 2), peek(text, at + 3)))?;
                    Ok(Some(at + 4))
                }
                b'f' if peek(text, at + 2) != b'[' => self.fail(Malformed::MissingFrontier),
                b'f' => match self.set(text, at + 2)? {
                    Some((index, end)) => {
                        self.push(Op::Frontier(index))?;
                        Ok(Some(end))
                    }
                    None => self.fail(Malformed::MissingBracket),
                },
                b'0'..=b'9' => {
                    self.push(Op::Back((next - b'0') as i8 - 1))?;
                    Ok(Some(at + 2))
                }
                _ => {
                    let op = self.escaped(next)?;
                    self.repeated(text, op, at + 2)
                }
            },
            b'[' => match self.set(text, at)? {
                Some((index, end)) => self.repeated(text, Op::Set(index), end),
                None => self.fail(Malformed::MissingBracket),
            },
            b'.' => self.repeated(text, Op::Any, at + 1),
            c => self.repeated(text, Op::Char(c), at + 1),
        }
    }

    /// Adds a single-character item, with the repetition at `at` if there is one.
    #[inline]
    fn repeated(&mut self, text: &[u8], op: Op, at: usize) -> Result<Option<usize>, PatternError> {
        let (rep, next) = match peek(text, at) {
            b'?' => (Rep::Optional, at + 1),
            b'*' => (Rep::Star, at + 1),
            b'+' => (Rep::Plus, at + 1),
            b'-' => (Rep::Lazy, at + 1),
            _ => (Rep::One, at),
        };
        self.items.push(Item { op, rep })?;
        Ok(Some(next))
    }

    /// `%x` outside a set.
    fn escaped(&mut self, letter: u8) -> Result<Op, PatternError> {
        Ok(match class_index(letter) {
            Some(i) if letter.is_ascii_lowercase() => Op::Class(CLASSES[i].1),
            Some(i) => Op::NotClass(CLASSES[i].1),
            None => match letter {
                b'z' => Op::Char(0),
                b'Z' => {
                    let mut set = Set::EMPTY;
                    set.add_escaped(letter);
                    self.add_set(set)?
                }
                c => Op::Char(c),
            },
        })
    }

    fn add_set(&mut self, set: Set) -> Result<Op, PatternError> {
        let index = self.sets.as_slice().len() as u32;
        self.sets.push(set)?;
        Ok(Op::Set(index))
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
        let mut set = Set { inverted, ..Set::EMPTY };
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
        let index = self.sets.as_slice().len() as u32;
        self.sets.push(set)?;
        Ok(Some((index, close + 1)))
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

    fn ops(text: &str) -> Vec<(Op, Rep)> {
        Pattern::new(text.as_bytes()).unwrap().items().iter().map(|i| (i.op, i.rep)).collect()
    }

    #[test]
    fn items() {
        use Op::*;
        assert_eq!(ops("a.b*"), [(Char(b'a'), Rep::One), (Any, Rep::One), (Char(b'b'), Rep::Star), (Accept, Rep::One)]);
        assert_eq!(ops("%d+%$$"), [
            (Class(class::DIGIT), Rep::Plus),
            (Char(b'$'), Rep::One),
            (End, Rep::One),
            (Accept, Rep::One)
        ]);
        assert_eq!(ops("(()%1)"), [
            (Open, Rep::One),
            (Position, Rep::One),
            (Back(0), Rep::One),
            (Close, Rep::One),
            (Accept, Rep::One)
        ]);
        assert_eq!(ops("%b()-"), [(Balance(b'(', b')'), Rep::One), (Char(b'-'), Rep::One), (Accept, Rep::One)]);
        assert_eq!(ops("a$?"), [(Char(b'a'), Rep::One), (Char(b'$'), Rep::Optional), (Accept, Rep::One)]);
        assert_eq!(ops("%Z-"), [(Set(0), Rep::Lazy), (Accept, Rep::One)]);
    }

    #[test]
    fn malformed() {
        let last = |t: &str| ops(t).last().unwrap().0;
        assert_eq!(last("x[a"), Op::Fail(Malformed::MissingBracket));
        assert_eq!(last("[]"), Op::Fail(Malformed::MissingBracket));
        assert_eq!(last("[^]"), Op::Fail(Malformed::MissingBracket));
        assert_eq!(last("[%]"), Op::Fail(Malformed::MissingBracket));
        assert_eq!(last("[%"), Op::Fail(Malformed::MissingBracket));
        assert_eq!(last("a%"), Op::Fail(Malformed::EndsWithPercent));
        assert_eq!(last("%b("), Op::Fail(Malformed::MissingBalance));
        assert_eq!(last("%fa"), Op::Fail(Malformed::MissingFrontier));
        assert_eq!(last("[]]"), Op::Accept);
    }

    #[test]
    fn sets() {
        let members = |text: &str| -> Vec<u8> {
            let p = Pattern::new(text.as_bytes()).unwrap();
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
        let p = Pattern::new(text.as_bytes()).unwrap();
        assert_eq!((p.items().len(), p.sets().len()), (1001, 1000));
    }
}
