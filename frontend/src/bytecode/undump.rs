//! Loading of binary chunks. Nothing in the bytes is trusted: counts are checked against what is left before memory is taken,
//! the checksum catches accidents, and the verifier decides about the rest.

use std::fmt;
use std::sync::Arc;

use super::Instr;
use super::dump::{
    CHECK_INT, CHECK_NUM, CONST_FALSE, CONST_FLOAT, CONST_INT, CONST_NIL, CONST_STR, CONST_TRUE,
    DATA, FLAG_LINES, FLAG_SAME_SOURCE, FLAG_SOURCE, FLAG_VARARG, FORMAT, MAGIC, OUR_FORMAT,
    SIGNATURE, VERSION, checksum,
};
use super::proto::{Const, LocVar, Proto, UpvalDesc, VarKind};
use super::verify::{VerifyError, verify};

/// Deepest nesting of functions in a chunk.
const MAX_DEPTH: u32 = 200;

/// Why a binary chunk was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// It ends too early.
    Truncated,
    /// It does not start with the signature.
    NotBinary,
    /// Another version of Lua.
    Version,
    /// Another format of PUC-Rio's.
    Format,
    /// Damaged by a conversion.
    Corrupted,
    /// Made for other sizes of this type.
    Size(&'static str),
    /// Integers look different where it was made.
    IntegerFormat,
    /// Floats look different where it was made.
    FloatFormat,
    /// A Lua 5.4 chunk, but of another implementation.
    Foreign,
    /// Made by another version of this compiler.
    OurFormat,
    /// The checksum does not match.
    Checksum,
    /// It cannot be decoded.
    Malformed(&'static str),
    /// It decodes to code that must not run.
    Refused(VerifyError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Truncated => f.write_str("truncated chunk"),
            LoadError::NotBinary => f.write_str("not a binary chunk"),
            LoadError::Version => f.write_str("version mismatch"),
            LoadError::Format => f.write_str("format mismatch"),
            LoadError::Corrupted => f.write_str("corrupted chunk"),
            LoadError::Size(what) => write!(f, "{what} size mismatch"),
            LoadError::IntegerFormat => f.write_str("integer format mismatch"),
            LoadError::FloatFormat => f.write_str("float format mismatch"),
            LoadError::Foreign => f.write_str("chunk of another implementation"),
            LoadError::OurFormat => f.write_str("chunk of another compiler version"),
            LoadError::Checksum => f.write_str("checksum mismatch"),
            LoadError::Malformed(what) => write!(f, "malformed {what}"),
            LoadError::Refused(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for LoadError {}

impl LoadError {
    /// The whole message, as the reference words it, for a chunk loaded under this name.
    pub fn message(&self, chunkname: &[u8]) -> Vec<u8> {
        let name = match chunkname.first() {
            Some(b'@' | b'=') => &chunkname[1..],
            Some(0x1b) => b"binary string",
            _ => chunkname,
        };
        let name = &name[..name.iter().position(|&c| c == 0).unwrap_or(name.len())];
        let mut out = name.to_vec();
        out.extend_from_slice(format!(": bad binary format ({self})").as_bytes());
        out
    }
}

type Result<T> = std::result::Result<T, LoadError>;

/// Loads and verifies a binary chunk. Bytes behind its end are ignored, as the reference does.
pub fn undump(bytes: &[u8]) -> Result<Proto> {
    let proto = undump_own(bytes)?;
    verify(&proto).map_err(LoadError::Refused)?;
    Ok(proto)
}

/// Loads a chunk that the compiler put into the same executable as the machine code of its functions, which is believed, too: its checksum is
/// looked at, its code is not verified.
pub fn undump_own(bytes: &[u8]) -> Result<Proto> {
    let mut r = Reader { bytes, pos: 0 };
    r.header()?;
    let length = u64::from_le_bytes(r.array()?);
    let start = r.pos as u64;
    let end = start.checked_add(length).ok_or(LoadError::Truncated)?;
    let whole = end
        .checked_add(8)
        .filter(|&n| n <= bytes.len() as u64)
        .ok_or(LoadError::Truncated)?;
    let (end, whole) = (end as usize, whole as usize);
    let sum = Reader {
        bytes: &bytes[..whole],
        pos: end,
    }
    .array()
    .map(u64::from_le_bytes)?;
    if checksum(&bytes[..end]) != sum {
        return Err(LoadError::Checksum);
    }
    let mut r = Reader {
        bytes: &bytes[..end],
        pos: r.pos,
    };
    let proto = r.function(None, 0)?;
    if r.pos != end {
        return Err(LoadError::Malformed("length"));
    }
    Ok(proto)
}

struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.pos..];
        let taken = rest.get(..n).ok_or(LoadError::Truncated)?;
        self.pos += n;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn byte(&mut self) -> Result<u8> {
        self.array().map(|[b]| b)
    }

    fn number(&mut self) -> Result<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            n |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Ok(n);
            }
        }
        Err(LoadError::Malformed("number"))
    }

    fn u32(&mut self) -> Result<u32> {
        u32::try_from(self.number()?).map_err(|_| LoadError::Malformed("number"))
    }

    /// A number of elements that take at least `size` bytes each.
    fn count(&mut self, size: usize) -> Result<usize> {
        let n = usize::try_from(self.number()?).map_err(|_| LoadError::Malformed("count"))?;
        if n > (self.bytes.len() - self.pos) / size {
            return Err(LoadError::Malformed("count"));
        }
        Ok(n)
    }

    fn string(&mut self) -> Result<&'a [u8]> {
        let n = self.count(1)?;
        self.take(n)
    }

    /// The reference's header, checked in its order, then ours.
    fn header(&mut self) -> Result<()> {
        let mut literal = |want: &[u8], error: LoadError| match self.take(want.len())? {
            got if got == want => Ok(()),
            _ => Err(error),
        };
        literal(SIGNATURE, LoadError::NotBinary)?;
        literal(&[VERSION], LoadError::Version)?;
        literal(&[FORMAT], LoadError::Format)?;
        literal(DATA, LoadError::Corrupted)?;
        literal(&[4], LoadError::Size("Instruction"))?;
        literal(&[8], LoadError::Size("lua_Integer"))?;
        literal(&[8], LoadError::Size("lua_Number"))?;
        literal(&CHECK_INT.to_le_bytes(), LoadError::IntegerFormat)?;
        literal(&CHECK_NUM.to_le_bytes(), LoadError::FloatFormat)?;
        literal(MAGIC, LoadError::Foreign)?;
        literal(&OUR_FORMAT.to_le_bytes(), LoadError::OurFormat)
    }

    fn function(&mut self, outer_source: Option<&Arc<[u8]>>, depth: u32) -> Result<Proto> {
        if depth > MAX_DEPTH {
            return Err(LoadError::Malformed("nesting"));
        }
        let flags = self.byte()?;
        if flags > (FLAG_VARARG | FLAG_SOURCE | FLAG_LINES | FLAG_SAME_SOURCE) {
            return Err(LoadError::Malformed("flags"));
        }
        let line_defined = self.u32()?;
        let last_line_defined = self.u32()?;
        let [num_params, max_stack] = self.array()?;
        let num_caches = self.u32()?;
        let source: Option<Arc<[u8]>> = if flags & FLAG_SOURCE == 0 {
            None
        } else if flags & FLAG_SAME_SOURCE != 0 {
            Some(outer_source.ok_or(LoadError::Malformed("source"))?.clone())
        } else {
            Some(self.string()?.into())
        };
        let n = self.count(8)?;
        let mut code = Vec::with_capacity(n);
        for _ in 0..n {
            code.push(Instr(u64::from_le_bytes(self.array()?)));
        }
        let consts = self.list(1, Self::constant)?;
        let upvals = self.list(4, Self::upvalue)?;
        let lines = if flags & FLAG_LINES != 0 {
            self.lines(n, line_defined)?
        } else {
            Vec::new()
        };
        let loc_vars = self.list(4, Self::variable)?;
        let functions = self.count(8)?;
        let mut protos = Vec::with_capacity(functions);
        for _ in 0..functions {
            protos.push(self.function(source.as_ref(), depth + 1)?);
        }
        Ok(Proto {
            source,
            line_defined,
            last_line_defined,
            num_params,
            is_vararg: flags & FLAG_VARARG != 0,
            max_stack,
            code,
            consts,
            protos,
            upvals,
            lines,
            loc_vars,
            num_caches,
        })
    }

    fn list<T>(&mut self, size: usize, element: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let n = self.count(size)?;
        (0..n).map(|_| element(self)).collect()
    }

    fn constant(&mut self) -> Result<Const> {
        Ok(match self.byte()? {
            CONST_NIL => Const::Nil,
            CONST_FALSE => Const::Bool(false),
            CONST_TRUE => Const::Bool(true),
            CONST_INT => Const::Int(i64::from_le_bytes(self.array()?)),
            CONST_FLOAT => Const::Float(f64::from_bits(u64::from_le_bytes(self.array()?))),
            CONST_STR => Const::Str(self.string()?.into()),
            _ => return Err(LoadError::Malformed("constant")),
        })
    }

    fn upvalue(&mut self) -> Result<UpvalDesc> {
        let [in_stack, index, kind] = self.array()?;
        let kind = match kind {
            0 => VarKind::Regular,
            1 => VarKind::Const,
            2 => VarKind::Close,
            _ => return Err(LoadError::Malformed("upvalue")),
        };
        if in_stack > 1 {
            return Err(LoadError::Malformed("upvalue"));
        }
        let name = match self.count(1)? {
            0 => None,
            n => Some(self.take(n - 1)?.into()),
        };
        Ok(UpvalDesc {
            name,
            in_stack: in_stack == 1,
            index,
            kind,
        })
    }

    fn lines(&mut self, n: usize, first: u32) -> Result<Vec<u32>> {
        let mut last = i64::from(first);
        let mut lines = Vec::with_capacity(n);
        for _ in 0..n {
            let d = self.number()?;
            let d = (d >> 1) as i64 ^ -((d & 1) as i64);
            last = last.checked_add(d).ok_or(LoadError::Malformed("lines"))?;
            lines.push(u32::try_from(last).map_err(|_| LoadError::Malformed("lines"))?);
        }
        Ok(lines)
    }

    fn variable(&mut self) -> Result<LocVar> {
        let name = self.string()?.into();
        Ok(LocVar {
            name,
            start_pc: self.u32()?,
            end_pc: self.u32()?,
            reg: self.byte()?,
        })
    }
}
