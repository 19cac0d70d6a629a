//! The pattern matcher: the reference's backtracking, without its recursion.
//!
//! The reference's `match` calls itself for what may have to be undone. Here those calls are records on an explicit stack, so a match needs
//! a fixed, small piece of native stack (coroutines start with little). "pattern too complex" comes at the same depth: each record
//! stands for one nested call, and the reference allows `MAX_DEPTH` of them.
//!
//! Success unwinds the reference's calls without any further action, so reaching [`Code::Accept`] ends the match at once; failure takes
//! the newest record and tries its next choice.

use super::ctype::Ctype;
use super::pattern::{Code, Item, MALFORMED, MAX_CAPTURES, PatternError, Rep, Set};
use std::mem::MaybeUninit;

/// MAXCCALLS of lstrlib.c: nested calls of `match`, the first one included.
const MAX_DEPTH: usize = 200;

/// A capture's extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Its `)` was not reached yet.
    Unfinished,
    /// `()`
    Position,
    /// Length of a finished capture.
    Length(usize),
}

/// A capture: where it starts in the subject, and its extent.
#[derive(Clone, Copy, Debug)]
pub struct Capture {
    pub start: usize,
    pub extent: Extent,
}

/// What to do when the continuation of a choice fails.
#[derive(Clone, Copy)]
enum Choice {
    /// Greedy repetition: `extra` more characters than needed were taken from `at`; give one back and continue with `item`.
    Greedy {
        item: usize,
        at: usize,
        extra: usize,
    },
    /// Lazy repetition of item `item`: take one more character at `at`.
    Lazy { item: usize, at: usize },
    /// `?`: continue with `item` at `at`.
    Without { item: usize, at: usize },
    /// Undo the start of the newest capture.
    Opened,
    /// Undo the end of a capture.
    Closed(usize),
}

/// A subject, a translated pattern, and the captures of the last match.
pub struct Matcher<'a> {
    subject: &'a [u8],
    items: &'a [Item],
    sets: &'a [Set],
    ctype: Ctype,
    /// Number of captures, finished or not; the first `level` of `captures` are written.
    level: usize,
    captures: [MaybeUninit<Capture>; MAX_CAPTURES],
}

impl<'a> Matcher<'a> {
    /// A matcher for one operation. The last item is `Accept` or `Fail`, and set indices are in range (as `Pattern` makes them).
    #[inline(always)]
    pub fn new(subject: &'a [u8], items: &'a [Item], sets: &'a [Set]) -> Self {
        Matcher {
            subject,
            items,
            sets,
            ctype: Ctype::current(),
            level: 0,
            captures: [const { MaybeUninit::uninit() }; MAX_CAPTURES],
        }
    }

    /// The captures of the last successful match.
    #[inline]
    pub fn captures(&self) -> &[Capture] {
        // SAFETY: the first `level` were written.
        unsafe { std::slice::from_raw_parts(self.captures.as_ptr().cast(), self.level) }
    }

    #[inline]
    fn captures_mut(&mut self) -> &mut [Capture] {
        // SAFETY: the first `level` were written.
        unsafe { std::slice::from_raw_parts_mut(self.captures.as_mut_ptr().cast(), self.level) }
    }

    /// The subject.
    #[inline]
    pub fn subject(&self) -> &'a [u8] {
        self.subject
    }

    /// Takes the class table anew, after Lua code may have set the locale.
    #[inline]
    pub fn refresh(&mut self) {
        self.ctype = Ctype::current();
    }

    /// The first position from `from` on where a match is possible, judged by the pattern's first item. Positions before it fail without
    /// an error.
    #[inline]
    pub fn candidate(&self, from: usize) -> Option<usize> {
        let mut first = self.items.first()?;
        if first.code == Code::Open {
            first = self.items.get(1)?;
        }
        if !matches!(first.rep, Rep::One | Rep::Plus) {
            return Some(from);
        }
        let rest = self.subject.get(from..)?;
        let skipped = match first.code {
            Code::Char => memchr::memchr(first.arg as u8, rest)?,
            Code::Class | Code::NotClass | Code::Set => {
                rest.iter().position(|&c| self.single(*first, c))?
            }
            _ => 0,
        };
        Some(from + skipped)
    }

    /// The item, where the pattern is one that is repeated as often as possible, and nothing else.
    #[inline(always)]
    pub fn repeated(&self) -> Option<Item> {
        match self.items {
            [item, end] if end.code == Code::Accept => {
                matches!(item.rep, Rep::Plus | Rep::Star).then_some(*item)
            }
            _ => None,
        }
    }
    /// What [`run`](Matcher::run) gives for such a pattern.
    #[inline(always)]
    pub fn run_of(&self, item: Item, at: usize) -> Option<usize> {
        let n = self.span(item, at);
        (n > 0 || item.rep == Rep::Star).then_some(at + n)
    }

    /// Does the character belong to what a single-character item matches?
    #[inline(always)]
    fn single(&self, item: Item, c: u8) -> bool {
        match item.code {
            Code::Any => true,
            Code::Char => c == item.arg as u8,
            Code::Class => self.ctype.is(c, item.arg as u16),
            Code::NotClass => !self.ctype.is(c, item.arg as u16),
            Code::Set => self.in_set(item.arg, c),
            _ => false,
        }
    }

    #[inline(always)]
    fn in_set(&self, i: u32, c: u8) -> bool {
        self.sets
            .get(i as usize)
            .is_some_and(|s| s.has(self.ctype, c))
    }

    /// Number of characters from `at` on that match a single-character item.
    #[inline(never)]
    fn span(&self, item: Item, at: usize) -> usize {
        let rest = self.subject.get(at..).unwrap_or(&[]);
        let mask = item.arg as u16;
        let end = match item.code {
            Code::Any => None,
            Code::Char => rest.iter().position(|&c| c != item.arg as u8),
            Code::Class => rest.iter().position(|&c| !self.ctype.is(c, mask)),
            Code::NotClass => rest.iter().position(|&c| self.ctype.is(c, mask)),
            Code::Set => match self.sets.get(item.arg as usize) {
                Some(set) => rest.iter().position(|&c| !set.has(self.ctype, c)),
                None => Some(0),
            },
            _ => Some(0),
        };
        end.unwrap_or(rest.len())
    }

    /// Matches the whole pattern at `from`; gives the end of the match.
    pub fn run(&mut self, from: usize) -> Result<Option<usize>, PatternError> {
        let mut choices = Choices::new();
        let subject = self.subject;
        let mut at = from;
        let mut ip = 0;
        self.level = 0;
        loop {
            let item = self.items[ip];
            // The arms continue with the next item; those that fail fall through to the backtracking below.
            match item.code {
                Code::Accept => return Ok(Some(at)),
                Code::Any | Code::Char | Code::Class | Code::NotClass | Code::Set => match item.rep
                {
                    Rep::One => {
                        if subject.get(at).is_some_and(|&c| self.single(item, c)) {
                            at += 1;
                            ip += 1;
                            continue;
                        }
                    }
                    Rep::Optional => {
                        ip += 1;
                        if subject.get(at).is_some_and(|&c| self.single(item, c)) {
                            choices.push(Choice::Without { item: ip, at })?;
                            at += 1;
                        }
                        continue;
                    }
                    Rep::Star => {
                        let n = self.span(item, at);
                        ip += 1;
                        if n > 0 {
                            choices.push(Choice::Greedy {
                                item: ip,
                                at,
                                extra: n,
                            })?;
                            at += n;
                        }
                        continue;
                    }
                    Rep::Plus => {
                        let n = self.span(item, at);
                        if n > 0 {
                            ip += 1;
                            choices.push(Choice::Greedy {
                                item: ip,
                                at: at + 1,
                                extra: n - 1,
                            })?;
                            at += n;
                            continue;
                        }
                    }
                    Rep::Lazy => {
                        if subject.get(at).is_some_and(|&c| self.single(item, c)) {
                            choices.push(Choice::Lazy { item: ip, at })?;
                        }
                        ip += 1;
                        continue;
                    }
                },
                Code::Open | Code::Position => {
                    let extent = if item.code == Code::Open {
                        Extent::Unfinished
                    } else {
                        Extent::Position
                    };
                    match self.captures.get_mut(self.level) {
                        Some(c) => c.write(Capture { start: at, extent }),
                        None => return Err(PatternError::TooManyCaptures),
                    };
                    self.level += 1;
                    choices.push(Choice::Opened)?;
                    ip += 1;
                    continue;
                }
                Code::Close => {
                    let captures = self.captures_mut();
                    let open = captures
                        .iter()
                        .rposition(|c| c.extent == Extent::Unfinished);
                    let i = open.ok_or(PatternError::InvalidCapture)?;
                    captures[i].extent = Extent::Length(at - captures[i].start);
                    choices.push(Choice::Closed(i))?;
                    ip += 1;
                    continue;
                }
                Code::End => {
                    if at == subject.len() {
                        ip += 1;
                        continue;
                    }
                }
                Code::Balance => {
                    if let Some(end) = balance(subject, at, item.arg as u8, (item.arg >> 8) as u8) {
                        at = end;
                        ip += 1;
                        continue;
                    }
                }
                Code::Frontier => {
                    let before = if at == 0 { 0 } else { subject[at - 1] };
                    let here = subject.get(at).copied().unwrap_or(0);
                    if !self.in_set(item.arg, before) && self.in_set(item.arg, here) {
                        ip += 1;
                        continue;
                    }
                }
                Code::Back => {
                    if let Some(end) = self.back_reference(item.arg, at)? {
                        at = end;
                        ip += 1;
                        continue;
                    }
                }
                Code::Fail => {
                    let why = MALFORMED.get(item.arg as usize).copied();
                    return Err(why.unwrap_or(PatternError::InvalidCapture));
                }
            }
            match self.backtrack(&mut choices) {
                Some((item, pos)) => (ip, at) = (item, pos),
                None => return Ok(None),
            }
        }
    }

    /// The next choice: item and position to continue with.
    #[inline]
    fn backtrack(&mut self, choices: &mut Choices) -> Option<(usize, usize)> {
        loop {
            match choices.last_mut()? {
                Choice::Greedy { item, at, extra } if *extra > 0 => {
                    if let Item {
                        code: Code::Char,
                        rep: Rep::One | Rep::Plus,
                        arg,
                    } = self.items[*item]
                    {
                        // Give back characters until the next item can match.
                        let given = &self.subject[*at..*at + *extra];
                        match memchr::memrchr(arg as u8, given) {
                            Some(n) => *extra = n,
                            None => {
                                choices.pop();
                                continue;
                            }
                        }
                    } else {
                        *extra -= 1;
                    }
                    return Some((*item, *at + *extra));
                }
                Choice::Lazy { item, at } => {
                    let (item, pos) = (*item, *at);
                    let more = self
                        .subject
                        .get(pos)
                        .is_some_and(|&c| self.single(self.items[item], c));
                    if more {
                        *at += 1;
                        return Some((item + 1, pos + 1));
                    }
                }
                Choice::Without { item, at } => {
                    let next = (*item, *at);
                    choices.pop();
                    return Some(next);
                }
                Choice::Greedy { .. } => {}
                Choice::Opened => self.level -= 1,
                Choice::Closed(i) => self.captures_mut()[*i].extent = Extent::Unfinished,
            }
            choices.pop();
        }
    }

    /// `%1`: the end of another occurrence of a capture's text at `at`.
    fn back_reference(&self, digit: u32, at: usize) -> Result<Option<usize>, PatternError> {
        let capture = (digit as usize)
            .checked_sub(1)
            .and_then(|i| self.captures().get(i));
        match capture {
            None
            | Some(Capture {
                extent: Extent::Unfinished,
                ..
            }) => Err(PatternError::InvalidIndex(digit as i32)),
            Some(Capture {
                extent: Extent::Position,
                ..
            }) => Ok(None),
            Some(Capture {
                start,
                extent: Extent::Length(n),
            }) => {
                let text = &self.subject[*start..*start + *n];
                Ok(self.subject[at..].starts_with(text).then_some(at + *n))
            }
        }
    }
}

/// `%bxy` at `at`: the end of the balanced text.
fn balance(subject: &[u8], at: usize, open: u8, close: u8) -> Option<usize> {
    if *subject.get(at)? != open {
        return None;
    }
    let mut depth = 1;
    for (i, &c) in subject[at + 1..].iter().enumerate() {
        if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + i + 2);
            }
        } else if c == open {
            depth += 1;
        }
    }
    None
}

/// The stack of choices.
struct Choices {
    records: [MaybeUninit<Choice>; MAX_DEPTH - 1],
    len: usize,
}

impl Choices {
    #[inline(always)]
    fn new() -> Self {
        Choices {
            records: [const { MaybeUninit::uninit() }; MAX_DEPTH - 1],
            len: 0,
        }
    }
    #[inline(always)]
    fn push(&mut self, c: Choice) -> Result<(), PatternError> {
        match self.records.get_mut(self.len) {
            Some(r) => {
                r.write(c);
                self.len += 1;
                Ok(())
            }
            None => Err(PatternError::TooComplex),
        }
    }
    #[inline(always)]
    fn last_mut(&mut self) -> Option<&mut Choice> {
        // SAFETY: the first `len` records were written.
        self.len
            .checked_sub(1)
            .map(|i| unsafe { self.records[i].assume_init_mut() })
    }
    #[inline(always)]
    fn pop(&mut self) {
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;
    use super::*;

    /// First match: its range and the captured texts (`@n` for positions).
    fn find(
        subject: &str,
        pattern: &str,
    ) -> Result<Option<(usize, usize, Vec<String>)>, PatternError> {
        let (anchor, text) = match pattern.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let mut p = Pattern::empty();
        p.translate(text.as_bytes())?;
        let mut m = Matcher::new(subject.as_bytes(), p.items(), p.sets());
        for from in 0..=subject.len() {
            if let Some(end) = m.run(from)? {
                assert!(anchor || m.candidate(0).is_some_and(|c| c <= from));
                let caps = m.captures().iter().map(|c| match c.extent {
                    Extent::Length(n) => subject[c.start..c.start + n].to_owned(),
                    Extent::Position => format!("@{}", c.start),
                    Extent::Unfinished => "?".to_owned(),
                });
                return Ok(Some((from, end, caps.collect())));
            }
            if anchor {
                break;
            }
        }
        Ok(None)
    }

    fn range(subject: &str, pattern: &str) -> Option<(usize, usize)> {
        find(subject, pattern).unwrap().map(|(s, e, _)| (s, e))
    }

    fn captures(subject: &str, pattern: &str) -> Vec<String> {
        find(subject, pattern)
            .unwrap()
            .map(|m| m.2)
            .unwrap_or_default()
    }

    #[test]
    fn repetition() {
        assert_eq!(range("aaab", "a*b"), Some((0, 4)));
        assert_eq!(range("aaab", "a-b"), Some((0, 4)));
        assert_eq!(range("aaa", "a-$"), Some((0, 3)));
        assert_eq!(range("aaa", "^a-"), Some((0, 0)));
        assert_eq!(range("b", "a+"), None);
        assert_eq!(range("xaaay", "a+"), Some((1, 4)));
        assert_eq!(range("aaa", "^.-b"), None);
        assert_eq!(range("ab", "a?b?$"), Some((0, 2)));
        assert_eq!(range("aXXb", "a.*b"), Some((0, 4)));
        assert_eq!(range("alo alx 123 b\0o b\0o", "(..*) %1"), Some((12, 19)));
    }

    #[test]
    fn captured() {
        assert_eq!(
            captures("key = value", "(%w+)%s*=%s*(%w+)"),
            ["key", "value"]
        );
        assert_eq!(captures("hello", "()ll()"), ["@2", "@4"]);
        assert_eq!(captures("alo xyzK", "(%w+)K"), ["xyz"]);
        assert_eq!(
            captures("0123456789", "(.+(.?)())"),
            ["0123456789", "", "@10"]
        );
        assert_eq!(captures("\"it's\" 'x'", "([\"'])(.-)%1"), ["\"", "it's"]);
        assert_eq!(captures("THE (quick) fox", "%((%a+)%)"), ["quick"]);
    }

    #[test]
    fn balanced_and_frontier() {
        assert_eq!(range("f(a(b)c)d", "%b()"), Some((1, 8)));
        assert_eq!(range("f(a(bc", "%b()"), None);
        assert_eq!(range("THE (quick) fox", "%f[%a]%a+%f[%A]"), Some((0, 3)));
        assert_eq!(range("aba", "%f[b]b"), Some((1, 2)));
        assert_eq!(range("aba", "%f[%z]"), Some((3, 3)));
    }

    #[test]
    fn errors() {
        let error = |s: &str, p: &str| find(s, p).unwrap_err();
        assert_eq!(error("abc", "a["), PatternError::MissingBracket);
        assert_eq!(range("abc", "x["), None);
        assert_eq!(error("abc", "%1"), PatternError::InvalidIndex(1));
        assert_eq!(error("abc", "(a%1)"), PatternError::InvalidIndex(1));
        assert_eq!(error("abc", "%0"), PatternError::InvalidIndex(0));
        assert_eq!(error("abc", "a)"), PatternError::InvalidCapture);
        assert_eq!(error("abc", &"(".repeat(33)), PatternError::TooManyCaptures);
        assert_eq!(captures("abc", "(a"), ["?"]);
    }

    #[test]
    fn depth_is_the_reference_s() {
        let subject = "a".repeat(300);
        assert_eq!(range(&subject, &"a?".repeat(199)), Some((0, 199)));
        assert_eq!(
            find(&subject, &"a?".repeat(200)),
            Err(PatternError::TooComplex)
        );
        // Nothing to undo, no nesting.
        assert_eq!(range("", &"a?".repeat(1000)), Some((0, 0)));
        assert_eq!(range(&subject, &"a".repeat(300)), Some((0, 300)));
    }
}
