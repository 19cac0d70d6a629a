//! string.format.
//!
//! Integers, texts and floats without flags are formatted by our own code (`spec`, `numfmt`), the rest by C's `snprintf`.

use super::super::buffer::{Buffer, Space};
use super::ctype::{Ctype, class};
use super::plan::Item;
use super::spec::{self, Spec};
use crate::error::{LResult, Raise};
use crate::numfmt::{self, Fixed};
use crate::object::Str;
use crate::thread::Lua;
use crate::value::{Value, tag};
use crate::{bytes, meta, raise};
use trinity_frontend::bytecode::Event;

/// A text of this length or more ignores the width (and needs no padding: widths have two digits).
const LONG_TEXT: usize = 100;

/// string.format
pub fn format(l: Lua) -> LResult<u32> {
    let top = l.top();
    let text = l.check_bytes(1)?;
    // SAFETY: the running state; nobody else has a reference to the formats.
    let formats = |l: Lua| unsafe { &mut (*l.global()).formats };
    let Some(format) = formats(l).take(text) else {
        return Err(raise::memory_error(l));
    };
    let mut space = Space::new();
    let mut out = Buffer::new(l, &mut space);
    let mut arg = 1;
    format.each(&mut out, |out, item| {
        arg += 1;
        if arg > top {
            return Err(l.arg_error(arg, "no value"));
        }
        let Some(form) = format.form(item) else {
            return Err(l.error("invalid format (too long)"));
        };
        if !add_usual(l, out, item, l.arg(arg))? {
            add_item(l, out, item, form, arg)?;
        }
        Ok(true)
    })?;
    formats(l).keep(text, format);
    out.push_result()?;
    Ok(1)
}

/// Adds a value that is of the kind the conversion wants, without C's help. False: it is not, or the form is not valid; nothing was added.
#[inline(never)]
pub(crate) fn add_usual(l: Lua, out: &mut Buffer, item: &Item, v: Value) -> LResult<bool> {
    let Some(spec) = item.spec else {
        return Ok(false);
    };
    match item.conversion {
        conversion @ (b'd' | b'i' | b'u' | b'o' | b'x' | b'X') if v.is_int() => {
            let to = out.room(spec::INT_TEXT)?;
            // SAFETY: the room it wants; it wrote as many characters as it says.
            unsafe { out.advance(spec::integer(spec, conversion, v.as_int(), to)) };
        }
        b's' if v.is_string() || v.is_number() => {
            if !meta::metamethod_of(l, v, Event::ToString).is_nil() {
                return Ok(false);
            }
            let number;
            let text = if v.is_string() {
                // SAFETY: a live string; nothing runs before it is copied.
                unsafe { Str::bytes(v.as_str()) }
            } else {
                number = numfmt::format(v);
                number.as_bytes()
            };
            return add_text(out, spec, text);
        }
        b'c' if v.is_int() => padded(out, spec, &[v.as_int() as u8])?,
        conversion @ (b'f' | b'e' | b'E' | b'g' | b'G') if v.is_number() => {
            let f = if v.is_int() {
                v.as_int() as f64
            } else {
                v.as_float()
            };
            return add_float(out, spec, conversion, f);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Adds argument `arg` as `form` asks: what is not usual.
#[inline(never)]
fn add_item(l: Lua, out: &mut Buffer, item: &Item, form: &[u8], arg: i32) -> LResult<()> {
    let checked = || item.spec.ok_or_else(|| bad_form(l, form));
    // As the value the conversion wants; if that is not the usual case either, the form is not valid.
    let converted = |out: &mut Buffer, v: Value| match add_usual(l, out, item, v)? {
        true => Ok(()),
        false => Err(bad_form(l, form)),
    };
    match item.conversion {
        b'c' => {
            checked()?;
            converted(out, Value::int(l.check_int(arg)?))
        }
        b'd' | b'i' | b'u' | b'o' | b'x' | b'X' => converted(out, Value::int(l.check_int(arg)?)),
        conversion @ (b'a' | b'A') => {
            let spec = checked()?;
            let f = l.check_number(arg)?;
            c_float(out, spec, conversion, f)
        }
        conversion @ (b'f' | b'e' | b'E' | b'g' | b'G') => {
            let f = l.check_number(arg)?;
            let spec = checked()?;
            if add_float(out, spec, conversion, f)? {
                return Ok(());
            }
            c_float(out, spec, conversion, f)
        }
        b'p' => {
            let v = l.arg(arg);
            let spec = checked()?;
            if (v.t == tag::LIGHT || v.is_collectable()) && v.p != 0 {
                padded(out, spec, meta::pointer_text(v).as_bytes())
            } else {
                padded(out, spec, b"(null)")
            }
        }
        b'q' if form.len() > 1 => Err(l.error("specifier '%q' cannot have modifiers")),
        b'q' => add_literal(l, out, arg),
        b's' => {
            let v = l.tostring(l.arg(arg))?;
            // SAFETY: a live string; errors are the only thing below that allocates before it is copied, and they do not use it.
            let text = unsafe { Str::bytes(v.as_str()) };
            if form.len() == 1 {
                return out.add(text);
            }
            if text.contains(&0) {
                return Err(l.arg_error(arg, "string contains zeros"));
            }
            let spec = checked()?;
            add_text(out, spec, text)?;
            Ok(())
        }
        _ => Err(invalid(l, "invalid conversion '%", form, "' to 'format'")),
    }
}

/// The error about a form; like C, it shows what precedes a zero byte.
#[cold]
fn invalid(l: Lua, before: &str, form: &[u8], after: &str) -> Raise {
    let shown = form.split(|&c| c == 0).next().unwrap_or(form);
    l.error_bytes(&[before.as_bytes(), shown, after.as_bytes()].concat())
}

#[cold]
fn bad_form(l: Lua, form: &[u8]) -> Raise {
    invalid(l, "invalid conversion specification: '%", form, "'")
}

/// Adds a text in a field.
fn padded(out: &mut Buffer, spec: Spec, text: &[u8]) -> LResult<()> {
    let blanks = spec.width.saturating_sub(text.len());
    if !spec.left {
        out.add_fill(b' ', blanks)?;
    }
    out.add(text)?;
    if spec.left {
        out.add_fill(b' ', blanks)?;
    }
    Ok(())
}

/// `%s`. False: there are modifiers, and the text contains zeros.
fn add_text(out: &mut Buffer, spec: Spec, text: &[u8]) -> LResult<bool> {
    if spec == Spec::default() {
        out.add(text)?;
        return Ok(true);
    }
    if text.contains(&0) {
        return Ok(false);
    }
    match spec.precision {
        None if text.len() >= LONG_TEXT => out.add(text)?,
        Some(n) if n < text.len() => padded(out, spec, &text[..n])?,
        _ => padded(out, spec, text)?,
    }
    Ok(true)
}

/// A float, without C where that is possible. False: it is not.
fn add_float(out: &mut Buffer, spec: Spec, conversion: u8, f: f64) -> LResult<bool> {
    let precision = spec.precision.unwrap_or(6);
    if spec.plus || spec.space || spec.alternate || spec.zero && !f.is_finite() {
        return Ok(false);
    }
    let text = match conversion {
        b'f' => {
            let Some(fixed) = Fixed::new(f, precision) else {
                return Ok(false);
            };
            add_fixed(out, spec, fixed)?;
            return Ok(true);
        }
        b'g' if precision <= 17 => numfmt::float_g(f, precision),
        b'e' | b'E' if precision <= 16 && f.is_finite() => {
            numfmt::float_e(f, precision, conversion)
        }
        _ => return Ok(false),
    };
    if spec.zero && !spec.left {
        let (sign, digits) = text.split_at(usize::from(text.first() == Some(&b'-')));
        out.add(sign)?;
        out.add_fill(b'0', spec.width.saturating_sub(text.len()))?;
        out.add(digits)?;
    } else {
        padded(out, spec, &text)?;
    }
    Ok(true)
}

/// `%f` in a field.
fn add_fixed(out: &mut Buffer, spec: Spec, fixed: Fixed) -> LResult<()> {
    let len = fixed.width();
    let filling = spec.width.saturating_sub(len);
    let (mut blanks, zeros, behind) = match (spec.left, spec.zero) {
        (true, _) => (0, 0, filling),
        (_, true) => (0, filling, 0),
        _ => (filling, 0, 0),
    };
    let to = out.room(len + filling)?;
    // SAFETY: the parts have this length together.
    unsafe {
        bytes::fill(to, b' ', blanks);
        if fixed.sign() > 0 {
            *to.add(blanks) = b'-';
        }
        blanks += fixed.sign();
        bytes::fill(to.add(blanks), b'0', zeros);
        fixed.write(to.add(blanks + zeros));
        bytes::fill(to.add(len + filling - behind), b' ', behind);
        out.advance(len + filling);
    }
    Ok(())
}

/// A float by `snprintf`.
fn c_float(out: &mut Buffer, spec: Spec, conversion: u8, f: f64) -> LResult<()> {
    // "%" flags "*.*" conversion NUL
    let mut form = [0u8; 12];
    let flags = [
        (spec.left, b'-'),
        (spec.plus, b'+'),
        (spec.space, b' '),
        (spec.alternate, b'#'),
        (spec.zero, b'0'),
    ];
    let chosen = flags.iter().filter(|f| f.0).map(|f| f.1);
    for (to, c) in form.iter_mut().zip(
        [b'%']
            .into_iter()
            .chain(chosen)
            .chain(*b"*.*")
            .chain([conversion]),
    ) {
        *to = c;
    }
    // The longest: 309 digits, 99 decimals, sign and point.
    const ROOM: usize = 512;
    let at = out.room(ROOM)?;
    let width = spec.width as libc::c_int;
    // A negative precision counts as absent.
    let precision = spec.precision.map_or(-1, |p| p as libc::c_int);
    // SAFETY: the room was asked for; the arguments match the form.
    unsafe {
        let n = libc::snprintf(at.cast(), ROOM, form.as_ptr().cast(), width, precision, f);
        out.advance(usize::try_from(n).unwrap_or(0).min(ROOM - 1));
    }
    Ok(())
}

/// `%q`: a literal that Lua reads back as the same value.
fn add_literal(l: Lua, out: &mut Buffer, arg: i32) -> LResult<()> {
    let v = l.arg(arg);
    match v.t {
        // SAFETY: a live string.
        tag::SHORT_STR | tag::LONG_STR => add_quoted(out, unsafe { Str::bytes(v.as_str()) }),
        tag::INT if v.as_int() == i64::MIN => out.add(b"0x8000000000000000"),
        tag::INT => out.add(numfmt::format_int(v.as_int()).as_bytes()),
        tag::FLOAT => add_float_literal(out, v.as_float()),
        tag::NIL => out.add(b"nil"),
        tag::TRUE => out.add(b"true"),
        tag::FALSE => out.add(b"false"),
        _ => Err(l.arg_error(arg, "value has no literal form")),
    }
}

fn add_float_literal(out: &mut Buffer, f: f64) -> LResult<()> {
    if f.is_nan() {
        return out.add(b"(0/0)");
    }
    if f.is_infinite() {
        return out.add(if f > 0.0 { b"1e9999" } else { b"-1e9999" });
    }
    let start = out.as_bytes().len();
    c_float(out, Spec::default(), b'a', f)?;
    let point = numfmt::decimal_point();
    if point != b'.' {
        out.replace_from(start, point, b'.');
    }
    Ok(())
}

fn add_quoted(out: &mut Buffer, s: &[u8]) -> LResult<()> {
    let ctype = Ctype::current();
    out.add_byte(b'"')?;
    for (i, &c) in s.iter().enumerate() {
        if matches!(c, b'"' | b'\\' | b'\n') {
            out.add(&[b'\\', c])?;
        } else if ctype.is(c, class::CNTRL) {
            out.add_byte(b'\\')?;
            let text = numfmt::format_int(i64::from(c));
            if s.get(i + 1).is_some_and(u8::is_ascii_digit) {
                out.add_fill(b'0', 3 - text.len())?;
            }
            out.add(&text)?;
        } else {
            out.add_byte(c)?;
        }
    }
    out.add_byte(b'"')
}
