//! string.pack, string.packsize, string.unpack.

use super::super::buffer::{Buffer, Space};
use super::layout::{Item, Kind, Layout, LayoutError, decode, encode};
use super::{MAX_SIZE, start_position};
use crate::error::{LResult, Raise};
use crate::thread::Lua;
use crate::value::Value;

#[cold]
fn layout_error(l: Lua, e: LayoutError) -> Raise {
    match e {
        LayoutError::Size(n) => l.error(&format!("integral size ({n}) out of limits [1,16]")),
        LayoutError::MissingSize => l.error("missing size for format option 'c'"),
        LayoutError::Option(c) => {
            l.error_bytes(&[b"invalid format option '", &[c][..], b"'"].concat())
        }
        LayoutError::NextOption => l.arg_error(1, "invalid next option for option 'X'"),
        LayoutError::Alignment => l.arg_error(1, "format asks for alignment not power of 2"),
    }
}

fn next_item(l: Lua, layout: &mut Layout, offset: usize) -> LResult<Option<Item>> {
    layout.next(offset).map_err(|e| layout_error(l, e))
}

/// string.pack
pub fn pack(l: Lua) -> LResult<u32> {
    let mut layout = Layout::new(l.check_bytes(1)?);
    // As in the reference a missing argument is found to be nil.
    l.push(Value::NIL);
    let mut space = Space::new();
    let mut out = Buffer::new(l, &mut space);
    let mut arg = 1;
    while let Some(Item {
        kind,
        size,
        padding,
    }) = next_item(l, &mut layout, out.as_bytes().len())?
    {
        if padding > 0 {
            out.add_fill(0, padding)?;
        }
        arg += 1;
        match kind {
            Kind::Int | Kind::Unsigned => {
                let n = l.check_int(arg)?;
                let signed = kind == Kind::Int;
                if size < 8 {
                    let bits = 8 * size as u32;
                    let fits = if signed {
                        n >> (bits - 1) == n >> 63
                    } else {
                        n as u64 >> bits == 0
                    };
                    if !fits {
                        return Err(l.arg_error(
                            arg,
                            if signed {
                                "integer overflow"
                            } else {
                                "unsigned overflow"
                            },
                        ));
                    }
                }
                out.add_short(encode(n, size, layout.little, signed), size)?;
            }
            Kind::Float => {
                let f = l.check_number(arg)? as f32;
                out.add(&if layout.little {
                    f.to_le_bytes()
                } else {
                    f.to_be_bytes()
                })?;
            }
            Kind::Double => {
                let f = l.check_number(arg)?;
                out.add(&if layout.little {
                    f.to_le_bytes()
                } else {
                    f.to_be_bytes()
                })?;
            }
            Kind::Chars => {
                let s = l.check_bytes(arg)?;
                if s.len() > size {
                    return Err(l.arg_error(arg, "string longer than given size"));
                }
                out.add(s)?;
                out.add_fill(0, size - s.len())?;
            }
            Kind::Counted => {
                let s = l.check_bytes(arg)?;
                if size < 8 && s.len() >> (8 * size) != 0 {
                    return Err(l.arg_error(arg, "string length does not fit in given size"));
                }
                out.add_short(encode(s.len() as i64, size, layout.little, false), size)?;
                out.add(s)?;
            }
            Kind::Zero => {
                let s = l.check_bytes(arg)?;
                if s.contains(&0) {
                    return Err(l.arg_error(arg, "string contains zeros"));
                }
                out.add(s)?;
                out.add_byte(0)?;
            }
            Kind::Padding => {
                out.add_byte(0)?;
                arg -= 1;
            }
            Kind::Align | Kind::Nothing => arg -= 1,
        }
    }
    out.push_result()?;
    Ok(1)
}

/// string.packsize
pub fn packsize(l: Lua) -> LResult<u32> {
    let mut layout = Layout::new(l.check_bytes(1)?);
    let mut total = 0;
    while let Some(item) = next_item(l, &mut layout, total)? {
        if matches!(item.kind, Kind::Counted | Kind::Zero) {
            return Err(l.arg_error(1, "variable-length format"));
        }
        total += item.size + item.padding;
        if total > MAX_SIZE {
            return Err(l.arg_error(1, "format result too large"));
        }
    }
    l.push(Value::int(total as i64));
    Ok(1)
}

/// string.unpack
pub fn unpack(l: Lua) -> LResult<u32> {
    let mut layout = Layout::new(l.check_bytes(1)?);
    let data = l.check_bytes(2)?;
    let mut pos = start_position(l.opt_int(3, 1)?, data.len()) - 1;
    if pos > data.len() {
        return Err(l.arg_error(3, "initial position out of string"));
    }
    let mut count = 0;
    while let Some(Item {
        kind,
        size,
        padding,
    }) = next_item(l, &mut layout, pos)?
    {
        if padding + size > data.len() - pos {
            return Err(l.arg_error(2, "data string too short"));
        }
        pos += padding;
        l.ensure_stack(2, "too many results")?;
        let bytes = &data[pos..pos + size];
        pos += size;
        match kind {
            Kind::Int | Kind::Unsigned => l.push(Value::int(integer(
                l,
                bytes,
                layout.little,
                kind == Kind::Int,
            )?)),
            Kind::Float => {
                let b = bytes.try_into().unwrap_or([0; 4]);
                let f = if layout.little {
                    f32::from_le_bytes(b)
                } else {
                    f32::from_be_bytes(b)
                };
                l.push(Value::float(f64::from(f)));
            }
            Kind::Double => {
                let b = bytes.try_into().unwrap_or([0; 8]);
                l.push(Value::float(if layout.little {
                    f64::from_le_bytes(b)
                } else {
                    f64::from_be_bytes(b)
                }));
            }
            Kind::Chars => l.push_bytes(bytes)?,
            Kind::Counted => {
                let n = integer(l, bytes, layout.little, false)? as u64;
                let rest = &data[pos..];
                if n > rest.len() as u64 {
                    return Err(l.arg_error(2, "data string too short"));
                }
                l.push_bytes(&rest[..n as usize])?;
                pos += n as usize;
            }
            Kind::Zero => match memchr::memchr(0, &data[pos..]) {
                Some(n) => {
                    l.push_bytes(&data[pos..pos + n])?;
                    pos += n + 1;
                }
                None => return Err(l.arg_error(2, "unfinished string for format 'z'")),
            },
            Kind::Padding | Kind::Align | Kind::Nothing => continue,
        }
        count += 1;
    }
    l.push(Value::int(pos as i64 + 1));
    Ok(count + 1)
}

fn integer(l: Lua, bytes: &[u8], little: bool, signed: bool) -> LResult<i64> {
    decode(bytes, little, signed).ok_or_else(|| {
        l.error(&format!(
            "{}-byte integer does not fit into Lua Integer",
            bytes.len()
        ))
    })
}
