//! Format strings of string.pack: reading options, sizes and alignment. No Lua here.

/// What an option stands for; sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signed integer.
    Int,
    /// Unsigned integer.
    Unsigned,
    Float,
    Double,
    /// String of fixed size.
    Chars,
    /// String behind its length.
    Counted,
    /// Zero-terminated string.
    Zero,
    /// One byte of padding.
    Padding,
    /// Alignment only.
    Align,
    /// Configuration or a space.
    Nothing,
}

/// Why a format is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// "integral size (%d) out of limits [1,16]"
    Size(i32),
    /// "missing size for format option 'c'"
    MissingSize,
    /// "invalid format option '%c'"
    Option(u8),
    /// Argument error: "invalid next option for option 'X'"
    NextOption,
    /// Argument error: "format asks for alignment not power of 2"
    Alignment,
}

/// The next option of a format, with the padding that comes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub kind: Kind,
    pub size: usize,
    pub padding: usize,
}

/// Largest integer size (MAXINTSIZE).
const MAX_INT_SIZE: i32 = 16;
/// Alignment that `!` alone means.
const NATIVE_ALIGN: i32 = 8;

/// A reader of a format string. Like C, it stops at a zero byte.
pub struct Layout<'a> {
    rest: &'a [u8],
    /// Byte order of what comes next.
    pub little: bool,
    max_align: i32,
}

impl<'a> Layout<'a> {
    /// A reader with the native configuration.
    pub fn new(format: &'a [u8]) -> Self {
        let end = memchr::memchr(0, format).unwrap_or(format.len());
        Layout {
            rest: &format[..end],
            little: true,
            max_align: 1,
        }
    }

    fn digit(&self) -> Option<i32> {
        self.rest
            .first()
            .filter(|c| c.is_ascii_digit())
            .map(|c| i32::from(c - b'0'))
    }

    /// A numeral, or `default` when there is none. It ends early rather than pass INT_MAX.
    fn number(&mut self, default: i32) -> i32 {
        let Some(_) = self.digit() else {
            return default;
        };
        let mut n = 0;
        while let Some(d) = self.digit() {
            n = n * 10 + d;
            self.rest = &self.rest[1..];
            if n > (i32::MAX - 9) / 10 {
                break;
            }
        }
        n
    }

    fn int_size(&mut self, default: i32) -> Result<i32, LayoutError> {
        let n = self.number(default);
        if (1..=MAX_INT_SIZE).contains(&n) {
            Ok(n)
        } else {
            Err(LayoutError::Size(n))
        }
    }

    /// Reads one option: its kind and size.
    #[inline]
    fn option(&mut self) -> Result<(Kind, i32), LayoutError> {
        let Some((&c, rest)) = self.rest.split_first() else {
            return Ok((Kind::Nothing, 0));
        };
        self.rest = rest;
        Ok(match c {
            b'b' => (Kind::Int, 1),
            b'B' => (Kind::Unsigned, 1),
            b'h' => (Kind::Int, 2),
            b'H' => (Kind::Unsigned, 2),
            b'i' => (Kind::Int, self.int_size(4)?),
            b'I' => (Kind::Unsigned, self.int_size(4)?),
            b'l' | b'j' => (Kind::Int, 8),
            b'L' | b'J' | b'T' => (Kind::Unsigned, 8),
            b'f' => (Kind::Float, 4),
            b'n' | b'd' => (Kind::Double, 8),
            b's' => (Kind::Counted, self.int_size(8)?),
            b'c' => match self.number(-1) {
                -1 => return Err(LayoutError::MissingSize),
                n => (Kind::Chars, n),
            },
            b'z' => (Kind::Zero, 0),
            b'x' => (Kind::Padding, 1),
            b'X' => (Kind::Align, 0),
            b' ' => (Kind::Nothing, 0),
            b'<' | b'=' => {
                self.little = true;
                (Kind::Nothing, 0)
            }
            b'>' => {
                self.little = false;
                (Kind::Nothing, 0)
            }
            b'!' => {
                self.max_align = self.int_size(NATIVE_ALIGN)?;
                (Kind::Nothing, 0)
            }
            c => return Err(LayoutError::Option(c)),
        })
    }

    /// The next item, when `offset` bytes precede it.
    pub fn next(&mut self, offset: usize) -> Result<Option<Item>, LayoutError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (kind, size) = self.option()?;
        let mut align = size;
        if kind == Kind::Align {
            if self.rest.is_empty() {
                return Err(LayoutError::NextOption);
            }
            let (next, size) = self.option()?;
            if next == Kind::Chars || size == 0 {
                return Err(LayoutError::NextOption);
            }
            align = size;
        }
        let mut padding = 0;
        if align > 1 && kind != Kind::Chars {
            let align = align.min(self.max_align) as usize;
            if !align.is_power_of_two() {
                return Err(LayoutError::Alignment);
            }
            padding = offset.wrapping_neg() & (align - 1);
        }
        Ok(Some(Item {
            kind,
            size: size as usize,
            padding,
        }))
    }
}

/// The bytes of an integer of `size` (1 to 16) bytes; what follows them has no meaning.
#[inline]
pub fn encode(n: i64, size: usize, little: bool, signed: bool) -> [u8; 16] {
    let wide = if signed {
        i128::from(n)
    } else {
        i128::from(n as u64)
    };
    if little {
        wide.to_le_bytes()
    } else {
        (wide << (128 - 8 * size)).to_be_bytes()
    }
}

/// The integer in `bytes` (1 to 16 of them). `None`: it does not fit 64 bits.
#[inline]
pub fn decode(bytes: &[u8], little: bool, signed: bool) -> Option<i64> {
    let bits = 8 * bytes.len() as u32;
    if bits <= 64 {
        let add = |n: u64, &c: &u8| n << 8 | u64::from(c);
        let n = if little {
            bytes.iter().rev().fold(0, add)
        } else {
            bytes.iter().fold(0, add)
        };
        let shift = 64 - bits;
        return Some(if signed {
            (n << shift) as i64 >> shift
        } else {
            n as i64
        });
    }
    let add = |n: u128, &c: &u8| n << 8 | u128::from(c);
    let wide = if little {
        bytes.iter().rev().fold(0, add)
    } else {
        bytes.iter().fold(0, add)
    };
    let low = wide as u64;
    // The bytes beyond must be the sign's (signed) or zero.
    let high = (wide >> 64) as u64;
    let expected = if signed && (low as i64) < 0 {
        u64::MAX >> (128 - bits)
    } else {
        0
    };
    (high == expected).then_some(low as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(format: &str) -> Result<Vec<(Kind, usize, usize)>, LayoutError> {
        let mut layout = Layout::new(format.as_bytes());
        let mut offset = 0;
        let mut all = Vec::new();
        while let Some(i) = layout.next(offset)? {
            offset += i.padding + i.size;
            all.push((i.kind, i.size, i.padding));
        }
        Ok(all)
    }

    #[test]
    fn layouts() {
        assert_eq!(
            items("!bi").unwrap()[1..],
            [(Kind::Int, 1, 0), (Kind::Int, 4, 3)]
        );
        assert_eq!(items("bi").unwrap()[1], (Kind::Int, 4, 0));
        assert_eq!(items("!4bXd").unwrap()[2], (Kind::Align, 0, 3));
        assert_eq!(items("bXd").unwrap()[1], (Kind::Align, 0, 0));
        assert_eq!(items("c10").unwrap(), [(Kind::Chars, 10, 0)]);
        assert_eq!(items("i0"), Err(LayoutError::Size(0)));
        assert_eq!(items("i17"), Err(LayoutError::Size(17)));
        assert_eq!(items("c"), Err(LayoutError::MissingSize));
        assert_eq!(items("y"), Err(LayoutError::Option(b'y')));
        assert_eq!(items("X"), Err(LayoutError::NextOption));
        assert_eq!(items("Xc1"), Err(LayoutError::NextOption));
        assert_eq!(items("Xz"), Err(LayoutError::NextOption));
        assert_eq!(items("!3i4"), Err(LayoutError::Alignment));
        assert_eq!(items("c2147483647c2"), Err(LayoutError::Option(b'7')));
    }

    #[test]
    fn integers() {
        for n in [0, 1, -1, 127, -128, 0x1234_5678, i64::MAX, i64::MIN] {
            for size in 1..=16 {
                for little in [true, false] {
                    let bytes = encode(n, size, little, true);
                    let back = decode(&bytes[..size], little, true);
                    let kept = if size >= 8 {
                        n
                    } else {
                        n << (64 - 8 * size) >> (64 - 8 * size)
                    };
                    assert_eq!(back, Some(kept), "{n} {size} {little}");
                }
            }
        }
        assert_eq!(encode(-1, 16, true, false)[8..], [0; 8]);
        assert_eq!(decode(&[0xff; 9], true, false), None);
        assert_eq!(decode(&[0xff; 9], true, true), Some(-1));
        assert_eq!(
            decode(
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0],
                true,
                false
            ),
            Some(-1)
        );
        assert_eq!(
            decode(
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0],
                true,
                true
            ),
            None
        );
        assert_eq!(decode(&[0, 0, 0, 0, 0, 0, 0, 0, 1], true, true), None);
        assert_eq!(decode(&[1, 0, 0, 0, 0, 0, 0, 0, 0], false, true), None);
    }
}
