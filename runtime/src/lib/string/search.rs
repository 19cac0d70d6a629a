//! string.find, string.match and string.gmatch.

use super::matcher::{Capture, Extent, Matcher};
use super::pattern::{Item, MAX_CAPTURES, Pattern, PatternError, Set};
use super::start_position;
use crate::error::{LResult, Raise};
use crate::heap;
use crate::object::{NativeClosure, Str, Userdata};
use crate::raise;
use crate::state::Global;
use crate::string;
use crate::thread::Lua;
use crate::value::{Value, tag};
use trinity_abi::intrinsic::Intrinsic;

/// Raises the error of a pattern.
#[cold]
pub fn pattern_error(l: Lua, e: PatternError) -> Raise {
    match e {
        PatternError::NoMemory => raise::memory_error(l),
        e => l.error(&e.to_string()),
    }
}

/// Value of a capture of a match in `subject`.
pub fn capture_value(l: Lua, subject: &[u8], c: &Capture) -> LResult<Value> {
    match c.extent {
        Extent::Position => Ok(Value::int(c.start as i64 + 1)),
        Extent::Length(n) => text_value(l, subject.get(c.start..c.start + n).unwrap_or(&[])),
        Extent::Unfinished => Err(pattern_error(l, PatternError::UnfinishedCapture)),
    }
}

fn text_value(l: Lua, s: &[u8]) -> LResult<Value> {
    let s = l.new_str(s)?;
    // SAFETY: made above.
    Ok(unsafe { Value::str(s) })
}

/// Pushes the captures of a match, or the whole match when there are none and `whole` is given. Returns their number.
pub fn push_captures(l: Lua, m: &Matcher, whole: Option<(usize, usize)>) -> LResult<u32> {
    let captures = m.captures();
    if let ([], Some((start, end))) = (captures, whole) {
        l.push(text_value(l, m.subject().get(start..end).unwrap_or(&[]))?);
        return Ok(1);
    }
    l.ensure_stack(MAX_CAPTURES as i32 + 1, "too many captures")?;
    for c in captures {
        let v = capture_value(l, m.subject(), c)?;
        l.push(v);
    }
    Ok(captures.len() as u32)
}

/// First occurrence of `needle`.
#[inline]
fn find_plain(hay: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [c] => memchr::memchr(*c, hay),
        _ if needle.len() > hay.len() => None,
        _ => memchr::memmem::find(hay, needle),
    }
}

/// True when the pattern has no special characters.
#[inline]
fn is_plain(p: &[u8]) -> bool {
    !p.iter().any(|c| {
        matches!(
            c,
            b'^' | b'$' | b'*' | b'+' | b'?' | b'.' | b'(' | b'[' | b'%' | b'-'
        )
    })
}

/// string.find
pub fn find(l: Lua) -> LResult<u32> {
    search(l, true)
}

/// string.match
pub fn match_(l: Lua) -> LResult<u32> {
    search(l, false)
}

fn search(l: Lua, find: bool) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let p = l.check_bytes(2)?;
    let init = start_position(l.opt_int(3, 1)?, s.len()) - 1;
    let Some(rest) = s.get(init..) else {
        l.push(Value::NIL);
        return Ok(1);
    };
    if find && (l.arg(4).truthy() || is_plain(p)) {
        return Ok(match find_plain(rest, p) {
            Some(at) => {
                l.push(Value::int((init + at + 1) as i64));
                l.push(Value::int((init + at + p.len()) as i64));
                2
            }
            None => {
                l.push(Value::NIL);
                1
            }
        });
    }
    let (anchor, text) = split_anchor(p);
    let mut pattern = Pattern::empty();
    pattern.translate(text).map_err(|e| pattern_error(l, e))?;
    let mut m = Matcher::new(s, pattern.items(), pattern.sets());
    let found = if anchor {
        m.run(init).map(|end| end.map(|end| (init, end)))
    } else {
        first_match(&mut m, init, None)
    };
    match found.map_err(|e| pattern_error(l, e))? {
        None => {
            l.push(Value::NIL);
            Ok(1)
        }
        Some((start, end)) if find => {
            l.push(Value::int(start as i64 + 1));
            l.push(Value::int(end as i64));
            Ok(2 + push_captures(l, &m, None)?)
        }
        whole => push_captures(l, &m, whole),
    }
}

/// Start and end of the first match from position `init` (from 0, within the string) on, which `string.find` would find. `None`: there are captures,
/// or an error is to be raised.
pub(crate) fn find_without_captures(
    s: &[u8],
    p: &[u8],
    init: usize,
    plain: bool,
) -> Option<Option<(usize, usize)>> {
    if plain || is_plain(p) {
        let at = find_plain(&s[init..], p).map(|at| at + init);
        return Some(at.map(|at| (at, at + p.len())));
    }
    if p.contains(&b'(') {
        return None;
    }
    let (anchor, text) = split_anchor(p);
    let mut pattern = Pattern::empty();
    pattern.translate(text).ok()?;
    let mut m = Matcher::new(s, pattern.items(), pattern.sets());
    if anchor {
        return Some(m.run(init).ok()?.map(|end| (init, end)));
    }
    first_match(&mut m, init, None).ok()
}

/// Splits off a leading `^`.
pub fn split_anchor(p: &[u8]) -> (bool, &[u8]) {
    match p {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, p),
    }
}

/// The first match that starts at `from` or later and does not end at `last`.
fn first_match(
    m: &mut Matcher,
    from: usize,
    last: Option<usize>,
) -> Result<Option<(usize, usize)>, PatternError> {
    let mut at = from;
    let repeated = m.repeated();
    while at <= m.subject().len() {
        let Some(start) = m.candidate(at) else {
            return Ok(None);
        };
        let end = match repeated {
            Some(item) => m.run_of(item, start),
            None => m.run(start)?,
        };
        if let Some(end) = end
            && Some(end) != last
        {
            return Ok(Some((start, end)));
        }
        at = start + 1;
    }
    Ok(None)
}

/// What the iterator of gmatch remembers, in front of the translated pattern in a userdata.
#[repr(C)]
struct Progress {
    /// [`MAGIC`], lest another userdata that the debug library put in its place be taken for one.
    magic: u64,
    /// Where to continue.
    at: usize,
    /// End of the last match; `usize::MAX` before the first.
    last: usize,
    items: usize,
    sets: usize,
}

const MAGIC: u64 = 0x676d_6174_6368_5f31;

// Items and sets follow each other behind the progress record.
const _: () = assert!(
    align_of::<Set>() <= 8 && align_of::<Item>() <= 8 && size_of::<Set>().is_multiple_of(8)
);

/// string.gmatch
pub fn gmatch(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let p = l.check_bytes(2)?;
    let init = start_position(l.opt_int(3, 1)?, s.len()) - 1;
    l.set_top(2);
    let mut pattern = Pattern::empty();
    pattern.translate(p).map_err(|e| pattern_error(l, e))?;
    let (items, sets) = (pattern.items(), pattern.sets());
    let size = size_of::<Progress>() + size_of_val(items) + size_of_val(sets);
    let u = l.new_userdata(size, 0)?;
    // SAFETY: the userdata's data is aligned to 8 and as large as computed.
    unsafe {
        let at = (*u).data.cast::<Progress>();
        at.write(Progress {
            magic: MAGIC,
            at: init.min(s.len() + 1),
            last: usize::MAX,
            items: items.len(),
            sets: sets.len(),
        });
        let to = at.add(1).cast::<Set>();
        std::ptr::copy_nonoverlapping(sets.as_ptr(), to, sets.len());
        std::ptr::copy_nonoverlapping(items.as_ptr(), to.add(sets.len()).cast(), items.len());
    }
    let iterator = l.new_native(
        next_match,
        &[
            l.arg(1),
            Value {
                p: u as u64,
                t: tag::USERDATA,
            },
        ],
    )?;
    // SAFETY: made above.
    unsafe { (*iterator.as_native_fn()).h.aux8 = Intrinsic::GmatchIterator as u8 };
    l.push(iterator);
    Ok(1)
}

/// The progress record of a gmatch iterator's userdata.
fn progress(v: Value) -> Option<*mut Progress> {
    if v.t != tag::USERDATA {
        return None;
    }
    let u: *mut Userdata = v.as_userdata();
    // SAFETY: a live userdata; its size is checked before the record is read.
    unsafe {
        let at = (*u).data.cast::<Progress>();
        ((*u).len > size_of::<Progress>() && (*at).magic == MAGIC).then_some(at)
    }
}

/// What a search found: a match's start and end.
type Found = Result<Option<(usize, usize)>, PatternError>;

/// Looks on for a gmatch iterator with these upvalues, which moves behind the match if `take` says so. False: it is none.
fn continue_match(
    subject: Value,
    state: Value,
    take: &mut dyn FnMut(&Matcher, Found) -> bool,
) -> bool {
    let (true, Some(state)) = (subject.is_string(), progress(state)) else {
        return false;
    };
    // SAFETY: both are upvalues of a live function; nothing below runs Lua code.
    unsafe {
        let s = Str::bytes(subject.as_str());
        let sets = state.add(1).cast::<Set>();
        let items =
            std::slice::from_raw_parts(sets.add((*state).sets).cast::<Item>(), (*state).items);
        let mut m = Matcher::new(s, items, std::slice::from_raw_parts(sets, (*state).sets));
        let next = first_match(&mut m, (*state).at, Some((*state).last));
        let end = next.as_ref().ok().copied().flatten();
        if let (true, Some(end)) = (take(&m, next), end) {
            (*state).at = end.1;
            (*state).last = end.1;
        }
        true
    }
}

/// The iterator of gmatch.
pub(crate) fn next_match(l: Lua) -> LResult<u32> {
    let mut results = Ok(0);
    continue_match(l.upvalue(1), l.upvalue(2), &mut |m, next| {
        results = match next {
            Ok(None) => return true,
            Ok(whole) => push_captures(l, m, whole),
            Err(e) => Err(pattern_error(l, e)),
        };
        true
    });
    results
}

/// A step of the iterator of gmatch without a call: `wanted` results (at least one) from `to` on. False: an object must not be made now, or an
/// error is to be raised; the iterator has not moved.
///
/// # Safety
/// `f` is an iterator of gmatch, `g` its state; the results have room.
pub(crate) unsafe fn step_inline(
    g: *mut Global,
    f: *mut NativeClosure,
    to: *mut Value,
    wanted: usize,
) -> bool {
    // SAFETY: by contract.
    unsafe {
        if heap::gc_due(g) {
            return false;
        }
        let upvalue = |n| *NativeClosure::upval(f, n);
        let mut done = false;
        let iterates = continue_match(upvalue(0), upvalue(1), &mut |m, next| {
            let Ok(found) = next else {
                return false;
            };
            let captures = m.captures();
            for n in 0..wanted {
                let c = match found {
                    Some((start, end)) if n == 0 && captures.is_empty() => Some(Capture {
                        start,
                        extent: Extent::Length(end - start),
                    }),
                    Some(_) => captures.get(n).copied(),
                    None => None,
                };
                let v = match c {
                    None => Value::NIL,
                    Some(Capture {
                        start,
                        extent: Extent::Position,
                    }) => Value::int(start as i64 + 1),
                    Some(Capture {
                        start,
                        extent: Extent::Length(len),
                    }) => match string::new(g, &m.subject()[start..start + len]) {
                        Ok(s) => Value::str(s),
                        Err(_) => return false,
                    },
                    Some(_) => return false,
                };
                *to.add(n) = v;
            }
            // An unfinished capture that is not wanted is an error all the same.
            let whole = |c: &Capture| c.extent != Extent::Unfinished;
            done = found.is_none() || captures.iter().all(whole);
            done
        });
        iterates && done
    }
}
