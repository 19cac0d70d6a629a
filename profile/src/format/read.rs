//! The decoder. Counts are checked against the bytes that are left before memory is taken.

use super::{FORMAT, FormatError, HEADER, MAGIC, TARGET_LUA, TARGET_NATIVE, TARGET_UNKNOWN, part};
use crate::fingerprint::Fnv;
use crate::model::{
    Callee, FuncKey, FuncProfile, FuncRef, MAX_SHAPES, MAX_TARGETS, Place, Profile, ShapeKeys,
    ShapeKind, ShapeSeen, Site, Target,
};
use crate::tags::TagSet;
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, FormatError>;

struct Reader<'a> {
    rest: &'a [u8],
    strings: Vec<&'a [u8]>,
    keys: Vec<ShapeKeys>,
}

/// The two halves of a header or the fixed number at a position of it.
fn fixed<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let slice = bytes.get(at..at + N).ok_or(FormatError::Truncated)?;
    slice.try_into().map_err(|_| FormatError::Truncated)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Profile> {
    if !bytes.starts_with(MAGIC) {
        // A file cut within the magic is cut, not foreign; an empty one is neither.
        let cut = !bytes.is_empty() && MAGIC.starts_with(bytes);
        return Err(if cut {
            FormatError::Truncated
        } else {
            FormatError::NotAProfile
        });
    }
    let version = u16::from_le_bytes(fixed(bytes, MAGIC.len())?);
    if version != FORMAT {
        return Err(FormatError::Version(version));
    }
    let length = u64::from_le_bytes(fixed(bytes, MAGIC.len() + 2)?);
    let left = (bytes.len() - HEADER) as u64;
    let Some(behind) = left.checked_sub(8).and_then(|n| n.checked_sub(length)) else {
        return Err(FormatError::Truncated);
    };
    if behind > 0 {
        return Err(FormatError::Trailing);
    }
    let (body, sum) = bytes.split_at(bytes.len() - 8);
    if Fnv::START.bytes(body).0.to_le_bytes() != *sum {
        return Err(FormatError::Checksum);
    }
    let mut r = Reader {
        rest: &body[HEADER..],
        strings: Vec::new(),
        keys: Vec::new(),
    };
    let p = r.profile()?;
    if r.rest.is_empty() {
        Ok(p)
    } else {
        Err(FormatError::Malformed("end"))
    }
}

fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(n)
            .ok_or(FormatError::Malformed("length"))?;
        self.rest = rest;
        Ok(taken)
    }
    fn byte(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }
    fn word(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(fixed(self.bytes(8)?, 0)?))
    }
    fn number(&mut self) -> Result<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            n |= u64::from(b & 0x7F) << shift;
            let last = b & 0x80 == 0;
            if last && (shift < 63 || b <= 1) {
                return Ok(n);
            }
        }
        Err(FormatError::Malformed("number"))
    }
    fn small(&mut self) -> Result<u32> {
        u32::try_from(self.number()?).map_err(|_| FormatError::Malformed("number"))
    }
    /// A number of things of at least `size` bytes each.
    fn count(&mut self, size: usize) -> Result<usize> {
        let n = self.number()?;
        if n > (self.rest.len() / size) as u64 {
            return Err(FormatError::Malformed("count"));
        }
        Ok(n as usize)
    }
    fn tags(&mut self) -> Result<TagSet> {
        let n = self.number()?;
        u16::try_from(n)
            .map(TagSet)
            .map_err(|_| FormatError::Malformed("tags"))
    }
    fn raw_string(&mut self) -> Result<&'a [u8]> {
        let n = self.number()? as usize;
        let s = self.strings.get(n).copied();
        s.ok_or(FormatError::Malformed("string number"))
    }
    fn string(&mut self) -> Result<String> {
        let s = self.raw_string()?;
        String::from_utf8(s.to_vec()).map_err(|_| FormatError::Malformed("string"))
    }

    fn profile(&mut self) -> Result<Profile> {
        for _ in 0..self.count(1)? {
            let n = self.count(1)?;
            let s = self.bytes(n)?;
            self.strings.push(s);
        }
        for _ in 0..self.count(1)? {
            let n = self.count(1)?;
            let list: Result<ShapeKeys> = (0..n).map(|_| Ok(self.raw_string()?.into())).collect();
            self.keys.push(list?);
        }
        let program = self.word()?;
        let runs = self.number()?;
        let funcs: Result<Vec<_>> = (0..self.count(1)?).map(|_| self.function()).collect();
        let funcs = funcs?;
        let order = |f: &FuncProfile| (f.key.module.clone(), f.key.index, f.key.hash);
        if !funcs.is_sorted_by(|a, b| order(a) < order(b)) {
            return Err(FormatError::Malformed("order of functions"));
        }
        Ok(Profile {
            program,
            runs,
            funcs,
        })
    }

    fn function(&mut self) -> Result<FuncProfile> {
        let module = self.string()?;
        let index = self.small()?;
        let hash = self.word()?;
        let line = self.small()?;
        let name = self.string()?;
        let key = FuncKey {
            module,
            index,
            hash,
            line,
            name,
        };
        let len = self.count(4)?;
        let (tokens, _) = self.bytes(4 * len)?.as_chunks::<4>();
        let code: Vec<u32> = tokens.iter().map(|t| u32::from_le_bytes(*t)).collect();
        let calls = self.number()?;
        let params: Result<Vec<_>> = (0..self.count(1)?).map(|_| self.tags()).collect();
        let params = params?;
        let mut sites = BTreeMap::new();
        let mut next = 0u64;
        for _ in 0..self.count(1)? {
            let pc = next.saturating_add(self.number()?);
            if pc >= code.len() as u64 {
                return Err(FormatError::Malformed("position"));
            }
            next = pc + 1;
            sites.insert(pc as u32, self.site()?);
        }
        Ok(FuncProfile {
            key,
            calls,
            params,
            sites,
            code,
        })
    }

    fn site(&mut self) -> Result<Site> {
        let parts = self.byte()?;
        let has = |p: u8| parts & p != 0;
        let mut s = Site {
            count: self.number()?,
            ..Site::default()
        };
        if has(part::TAKEN) {
            s.taken = self.number()?;
        }
        if has(part::RESULT) {
            s.result = self.tags()?;
        }
        if has(part::SECOND) {
            s.second = self.tags()?;
        }
        if has(part::OPERANDS) {
            s.operands = [self.tags()?, self.tags()?];
        }
        if has(part::KINDS) {
            s.kinds = self.byte()?;
        }
        if has(part::RANGE) {
            s.range = Some((unzigzag(self.number()?), unzigzag(self.number()?)));
        }
        if has(part::CALLEE) {
            s.callee = self.callee()?;
        }
        if has(part::SHAPES) {
            let n = self.count(1)?;
            if n > MAX_SHAPES {
                return Err(FormatError::Malformed("count of shapes"));
            }
            s.shapes = (0..n).map(|_| self.shape()).collect::<Result<_>>()?;
            s.other_shapes = self.number()?;
        }
        Ok(s)
    }

    fn callee(&mut self) -> Result<Callee> {
        let n = self.count(1)?;
        if n > MAX_TARGETS {
            return Err(FormatError::Malformed("count of callees"));
        }
        let mut targets = Vec::with_capacity(n);
        for _ in 0..n {
            let target = match self.number()? {
                TARGET_UNKNOWN => Target::Unknown,
                TARGET_NATIVE => Target::Native(self.string()?),
                TARGET_LUA => Target::Lua(FuncRef {
                    module: self.string()?,
                    index: self.small()?,
                    hash: self.word()?,
                }),
                _ => return Err(FormatError::Malformed("callee")),
            };
            targets.push((target, self.number()?));
        }
        Ok(Callee {
            targets,
            other: self.number()?,
        })
    }

    fn shape(&mut self) -> Result<ShapeSeen> {
        let bits = self.byte()?;
        let kind = match bits & 3 {
            0 => ShapeKind::Shared,
            1 => ShapeKind::Private,
            2 => ShapeKind::Dictionary,
            _ => return Err(FormatError::Malformed("kind of shape")),
        };
        let place = match bits >> 2 & 7 {
            0 => Place::Own,
            1 => Place::Chain,
            2 => Place::Absent,
            3 => Place::Added,
            4 => Place::Diverted,
            _ => return Err(FormatError::Malformed("place of a field")),
        };
        let keys = self.number()? as usize;
        let keys = self.keys.get(keys).cloned();
        let keys = keys.ok_or(FormatError::Malformed("number of keys"))?;
        let slot = self.small()?.checked_sub(1);
        Ok(ShapeSeen {
            kind,
            keys,
            metatable: bits & 32 != 0,
            place,
            slot,
            count: self.number()?,
        })
    }
}
