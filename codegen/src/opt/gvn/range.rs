//! Intervals of signed 64-bit integers, and those of results.

use super::Gvn;
use super::numbers::Num;
use crate::ir::{BinOp, LoadKind, UnOp};

/// `lo..=hi`, never empty: a contradiction, which only code that never runs can have, keeps the older bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub lo: i64,
    pub hi: i64,
}

impl Range {
    pub(super) const FULL: Range = Range {
        lo: i64::MIN,
        hi: i64::MAX,
    };

    pub(super) fn new(lo: i64, hi: i64) -> Range {
        Range { lo, hi }
    }

    pub(super) fn point(n: i64) -> Range {
        Range { lo: n, hi: n }
    }

    pub(super) fn as_point(self) -> Option<i64> {
        (self.lo == self.hi).then_some(self.lo)
    }

    pub(super) fn meet(self, o: Range) -> Range {
        let r = Range::new(self.lo.max(o.lo), self.hi.min(o.hi));
        if r.lo <= r.hi { r } else { self }
    }

    pub(super) fn join(self, o: Range) -> Range {
        Range::new(self.lo.min(o.lo), self.hi.max(o.hi))
    }

    pub(super) fn within(self, lo: i64, hi: i64) -> bool {
        lo <= self.lo && self.hi <= hi
    }

    /// From exact bounds, if they are integers of 64 bits.
    pub(super) fn exact(lo: i128, hi: i128) -> Option<Range> {
        Some(Range::new(i64::try_from(lo).ok()?, i64::try_from(hi).ok()?))
    }

    /// Sums; `None` if one could wrap.
    pub(super) fn add(self, o: Range) -> Option<Range> {
        Range::exact(
            self.lo as i128 + o.lo as i128,
            self.hi as i128 + o.hi as i128,
        )
    }

    /// Differences; `None` if one could wrap.
    pub(super) fn sub(self, o: Range) -> Option<Range> {
        Range::exact(
            self.lo as i128 - o.hi as i128,
            self.hi as i128 - o.lo as i128,
        )
    }

    /// Products; `None` if one could wrap.
    pub(super) fn mul(self, o: Range) -> Option<Range> {
        let p = |a: i64, b: i64| a as i128 * b as i128;
        let all = [
            p(self.lo, o.lo),
            p(self.lo, o.hi),
            p(self.hi, o.lo),
            p(self.hi, o.hi),
        ];
        Range::exact(
            all.iter().copied().min().unwrap_or(0),
            all.iter().copied().max().unwrap_or(0),
        )
    }

    /// What a load gives.
    pub(super) fn of_load(kind: LoadKind) -> Range {
        match kind {
            LoadKind::U8 => Range::new(0, u8::MAX as i64),
            LoadKind::S8 => Range::new(i8::MIN as i64, i8::MAX as i64),
            LoadKind::U16 => Range::new(0, u16::MAX as i64),
            LoadKind::S16 => Range::new(i16::MIN as i64, i16::MAX as i64),
            LoadKind::U32 => Range::new(0, u32::MAX as i64),
            LoadKind::S32 => Range::new(i32::MIN as i64, i32::MAX as i64),
            LoadKind::I64 | LoadKind::F64 => Range::FULL,
        }
    }
}

impl Gvn<'_> {
    pub(super) fn unary_range(&self, op: UnOp, a: Num) -> Range {
        let x = self.range(a);
        let (lo, hi) = match op {
            UnOp::Zext8 => (0, u8::MAX as i64),
            UnOp::Zext16 => (0, u16::MAX as i64),
            UnOp::Bswap32 => return Range::new(0, u32::MAX as i64),
            UnOp::Zext32 => (0, u32::MAX as i64),
            UnOp::Sext8 => (i8::MIN as i64, i8::MAX as i64),
            UnOp::Sext16 => (i16::MIN as i64, i16::MAX as i64),
            UnOp::Sext32 => (i32::MIN as i64, i32::MAX as i64),
            UnOp::Ineg => return Range::point(0).sub(x).unwrap_or(Range::FULL),
            _ => return Range::FULL,
        };
        if x.within(lo, hi) {
            x
        } else {
            Range::new(lo, hi)
        }
    }

    pub(super) fn binary_range(&self, op: BinOp, a: Num, b: Num) -> Range {
        let (x, y) = (self.range(a), self.range(b));
        let r = match op {
            BinOp::Iadd => x.add(y),
            BinOp::Isub => x.sub(y).map(|r| {
                let (lo, hi) = self.difference(a, b);
                Range::exact(lo, hi).map_or(r, |d| r.meet(d))
            }),
            BinOp::Imul => x.mul(y),
            BinOp::And if y.lo >= 0 => Some(Range::new(0, y.hi)),
            BinOp::And if x.lo >= 0 => Some(Range::new(0, x.hi)),
            BinOp::Shl if x.lo >= 0 => match y.as_point() {
                Some(n) if x.hi <= i64::MAX >> (n & 63) => {
                    Some(Range::new(x.lo << (n & 63), x.hi << (n & 63)))
                }
                _ => None,
            },
            BinOp::Shr => match y.as_point() {
                Some(n) if n & 63 != 0 => Some(Range::new(0, (u64::MAX >> (n & 63)) as i64)),
                _ => None,
            },
            BinOp::Rotr32 => Some(Range::new(0, u32::MAX as i64)),
            BinOp::Sar => y
                .as_point()
                .map(|n| Range::new(x.lo >> (n & 63), x.hi >> (n & 63))),
            BinOp::Srem if x.lo >= 0 => match y.as_point() {
                Some(n) if n > 0 => Some(Range::new(0, x.hi.min(n - 1))),
                _ => Some(Range::new(0, x.hi)),
            },
            BinOp::Sfloor => y
                .as_point()
                .filter(|d| *d > 0)
                .map(|d| Range::new(x.lo.div_euclid(d), x.hi.div_euclid(d))),
            BinOp::Smod => y.as_point().filter(|d| *d > 0).map(|d| {
                let hi = if x.lo >= 0 { x.hi.min(d - 1) } else { d - 1 };
                Range::new(0, hi)
            }),
            BinOp::Sdiv if x.lo >= 0 && y.lo > 0 => Some(Range::new(0, x.hi / y.lo)),
            _ => None,
        };
        r.unwrap_or(Range::FULL)
    }
}
