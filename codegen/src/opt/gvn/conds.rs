//! What is known of comparisons.
//!
//! A comparison has one of a few outcomes (for integers: equal, or signed and unsigned order); what is known of a pair is
//! the set of outcomes it can still have, a bit mask, and a condition is a mask as well. A branch intersects the one with the
//! other on each of its ways; a condition whose mask holds all that is left is true, one that holds none of it false.
//!
//! Order also follows from ranges, and from what is known of the values that the operands differ from by constants.

use super::Gvn;
use super::numbers::Num;
use super::range::Range;
use crate::ir::{BinOp, FloatCc, Inst, IntCc, LoadKind, Opnd, OvfOp, Width};
use crate::opt::eval;

/// What two numbers are compared for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    /// Signed and unsigned order of all 64 bits.
    Order,
    /// The same of fewer bits.
    Low(Width),
    /// Sign and overflow of the difference.
    Flags(Width),
    /// Zeroness and sign of the conjunction.
    Test(Width),
    /// Order of doubles.
    Float,
    Overflow(OvfOp),
    /// A cell of `Region::Memo`, by its address, and a number: whether they were equal.
    Memo,
}

/// A pair that is compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct FactKey {
    pub kind: Kind,
    pub a: Num,
    pub b: Num,
}

/// A condition: known, or which outcomes of a pair satisfy it. `None` if it cannot be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Known(bool),
    Of(FactKey, u8),
    Opaque,
}

const EQ: u8 = 1;
/// Signed less, unsigned less.
const LL: u8 = 2;
/// Signed less, unsigned greater.
const LG: u8 = 4;
const GL: u8 = 8;
const GG: u8 = 16;
pub(super) const LESS: u8 = LL | LG;
const GREATER: u8 = GL | GG;
pub(super) const ORDERS: u8 = EQ | LESS | GREATER;

fn order_mask(cc: IntCc) -> Option<u8> {
    Some(match cc {
        IntCc::Eq => EQ,
        IntCc::Ne => LESS | GREATER,
        IntCc::Slt => LESS,
        IntCc::Sle => LESS | EQ,
        IntCc::Sgt => GREATER,
        IntCc::Sge => GREATER | EQ,
        IntCc::Ult => LL | GL,
        IntCc::Ule => LL | GL | EQ,
        IntCc::Ugt => LG | GG,
        IntCc::Uge => LG | GG | EQ,
        IntCc::Of | IntCc::NoOf | IntCc::Neg | IntCc::NonNeg => return None,
    })
}

/// The outcomes with the operands exchanged.
fn mirror_mask(m: u8) -> u8 {
    let pick = |from: u8, to: u8| if m & from != 0 { to } else { 0 };
    m & EQ | pick(LL, GG) | pick(GG, LL) | pick(LG, GL) | pick(GL, LG)
}

/// All outcomes of a kind.
fn all(kind: Kind) -> u8 {
    match kind {
        Kind::Order | Kind::Low(_) => ORDERS,
        Kind::Flags(_) | Kind::Float => 15,
        Kind::Test(_) => 7,
        Kind::Overflow(_) | Kind::Memo => 3,
    }
}

impl Gvn<'_> {
    /// `a cc b` of integers.
    pub(super) fn compare(&mut self, cc: IntCc, w: Width, a: Num, b: Num) -> Form {
        let (x, y) = (
            self.num.info[a as usize].bits,
            self.num.info[b as usize].bits,
        );
        if let (Some(x), Some(y)) = (x, y) {
            return Form::Known(eval::compare(cc, w, x, y));
        }
        if a == b {
            return Form::Known(eval::compare(cc, w, 0, 0));
        }
        let cc = match (cc, y) {
            (IntCc::Neg, Some(0)) => IntCc::Slt,
            (IntCc::NonNeg, Some(0)) => IntCc::Sge,
            (cc, _) => cc,
        };
        let Some(mask) = order_mask(cc) else {
            // Neg, overflow: 1 | 2 neither negative, 4 | 8 negative; 2 | 8 with overflow.
            let mask = match cc {
                IntCc::Of => 2 | 8,
                IntCc::NoOf => 1 | 4,
                IntCc::Neg => 4 | 8,
                _ => 1 | 2,
            };
            return self.judge(
                FactKey {
                    kind: Kind::Flags(w),
                    a,
                    b,
                },
                mask,
            );
        };
        if let Some(b) = self.fits(cc, w, a, b) {
            return self.order(mask, a, b);
        }
        self.judge_ordered(Kind::Low(w), mask, a, b)
    }

    /// If comparing the low bits is comparing all: the right operand, its constant extended.
    fn fits(&mut self, cc: IntCc, w: Width, a: Num, b: Num) -> Option<Num> {
        if w == Width::W64 {
            return Some(b);
        }
        let bits = w.bytes() * 8;
        let signed = matches!(cc, IntCc::Slt | IntCc::Sle | IntCc::Sgt | IntCc::Sge);
        let (lo, hi) = match signed {
            true => (-1i64 << (bits - 1), (1i64 << (bits - 1)) - 1),
            false => (0, (1i64 << bits) - 1),
        };
        if !self.range(a).within(lo, hi) {
            return None;
        }
        if let Some(n) = self.num.info[b as usize].bits {
            let (u, s) = eval::low(n, w);
            let n = if signed { s } else { u as i64 };
            return Some(self.int(n));
        }
        self.range(b).within(lo, hi).then_some(b)
    }

    fn order(&mut self, mask: u8, a: Num, b: Num) -> Form {
        if a == b {
            return Form::Known(mask & EQ != 0);
        }
        self.judge_ordered(Kind::Order, mask, a, b)
    }

    /// Puts the pair in order: the constant, or else the higher number, last.
    fn judge_ordered(&mut self, kind: Kind, mask: u8, a: Num, b: Num) -> Form {
        let last = |n: Num| (self.num.info[n as usize].bits.is_some(), n);
        if last(a) > last(b) {
            let key = FactKey { kind, a: b, b: a };
            return self.judge(key, mirror_mask(mask));
        }
        self.judge(FactKey { kind, a, b }, mask)
    }

    fn judge(&mut self, key: FactKey, mask: u8) -> Form {
        let left = self.possible(&key);
        match (left & mask, left & !mask) {
            (0, _) => Form::Known(false),
            (_, 0) => Form::Known(true),
            _ => Form::Of(key, mask),
        }
    }

    /// The outcomes that a pair can have. Never none: where it would be, the code does not run.
    fn possible(&self, key: &FactKey) -> u8 {
        let known = self.num.fact(key) & all(key.kind);
        let inferred = match key.kind {
            Kind::Order => self.inferred_order(key.a, key.b),
            Kind::Overflow(op) => {
                let (x, y) = (self.range(key.a), self.range(key.b));
                let exact = match op {
                    OvfOp::Add => x.add(y),
                    OvfOp::Sub => x.sub(y),
                    OvfOp::Mul => x.mul(y),
                };
                if exact.is_some() { 1 } else { 3 }
            }
            kind => all(kind),
        };
        match known & inferred {
            0 => known,
            m => m,
        }
    }

    /// `a & b` against zero.
    pub(super) fn test(&mut self, cc: IntCc, w: Width, a: Num, b: Num) -> Form {
        let (x, y) = (
            self.num.info[a as usize].bits,
            self.num.info[b as usize].bits,
        );
        if let (Some(x), Some(y)) = (x, y) {
            return Form::Known(eval::compare(cc, w, x & y, 0));
        }
        // Zero, positive, negative.
        let mask = match cc {
            IntCc::Eq => 1,
            IntCc::Ne => 2 | 4,
            IntCc::Neg => 4,
            _ => 1 | 2,
        };
        let (a, b) = (a.min(b), a.max(b));
        self.judge(
            FactKey {
                kind: Kind::Test(w),
                a,
                b,
            },
            mask,
        )
    }

    /// `a cc b` of doubles.
    pub(super) fn compare_floats(&mut self, cc: FloatCc, a: Num, b: Num) -> Form {
        // Equal, less, greater, unordered.
        let mask = match cc {
            FloatCc::Eq => 1,
            FloatCc::Ne => 2 | 4 | 8,
            FloatCc::Lt => 2,
            FloatCc::Le => 1 | 2,
            FloatCc::Gt => 4,
            FloatCc::Ge => 1 | 4,
        };
        let kind = Kind::Float;
        if a <= b {
            return self.judge(FactKey { kind, a, b }, mask);
        }
        let swap = |m: u8| m & 9 | (m & 2) << 1 | (m & 4) >> 1;
        self.judge(FactKey { kind, a: b, b: a }, swap(mask))
    }

    /// Whether a number is one that a cell of `Region::Memo` remembers.
    pub(super) fn memo(&mut self, cc: IntCc, cell: Num, b: Num) -> Form {
        let key = FactKey {
            kind: Kind::Memo,
            a: cell,
            b,
        };
        match cc {
            IntCc::Eq => self.judge(key, EQ),
            IntCc::Ne => self.judge(key, 3 & !EQ),
            _ => Form::Opaque,
        }
    }

    /// Whether an operation overflows.
    pub(super) fn overflow(&mut self, op: OvfOp, a: Num, b: Num) -> Form {
        let kind = Kind::Overflow(op);
        self.judge(FactKey { kind, a, b }, 2)
    }

    /// Learns that a condition holds, or that it does not.
    pub(super) fn assume(&mut self, form: Form, holds: bool) {
        let Form::Of(key, mask) = form else {
            return;
        };
        let mask = if holds { mask } else { all(key.kind) & !mask };
        // That a cell does not know a number says nothing of later.
        if key.kind == Kind::Memo && mask & EQ == 0 {
            return;
        }
        let left = self.possible(&key) & mask;
        if left == 0 {
            return;
        }
        self.num.set_fact(key, left);
        if key.kind == Kind::Order {
            self.learn_order(key.a, key.b, left);
        }
    }

    /// Learns of a pair that its order is one of these.
    pub(super) fn assume_order(&mut self, a: Num, b: Num, mask: u8) {
        if a != b
            && let form @ Form::Of(..) = self.order(mask, a, b)
        {
            self.assume(form, true);
        }
    }

    fn learn_order(&mut self, a: Num, b: Num, left: u8) {
        let (mut x, mut y) = (self.range(a), self.range(b));
        if left & GREATER == 0 {
            let strict = (left & EQ == 0) as i64;
            x = x.meet(Range::new(i64::MIN, y.hi.saturating_sub(strict)));
            y = y.meet(Range::new(x.lo.saturating_add(strict), i64::MAX));
        }
        if left & LESS == 0 {
            let strict = (left & EQ == 0) as i64;
            x = x.meet(Range::new(y.lo.saturating_add(strict), i64::MAX));
            y = y.meet(Range::new(i64::MIN, x.hi.saturating_sub(strict)));
        }
        // Below a number that is not negative, unsigned: not negative either.
        if left & (LG | GG) == 0 && y.lo >= 0 {
            let strict = (left & EQ == 0) as i64;
            x = x.meet(Range::new(0, y.hi.saturating_sub(strict)));
        }
        if left & (LL | GL) == 0 && x.lo >= 0 {
            let strict = (left & EQ == 0) as i64;
            y = y.meet(Range::new(0, x.hi.saturating_sub(strict)));
        }
        // Different from an end of its range.
        if left & EQ == 0
            && let Some(n) = y.as_point()
            && x.lo < x.hi
        {
            if x.lo == n {
                x.lo += 1;
            } else if x.hi == n {
                x.hi -= 1;
            }
        }
        for (n, r) in [(a, x), (b, y)] {
            self.learn_range(n, r);
        }
        self.learn_from_definition(a, b, left);
    }

    /// Learns bounds of a number, and of what it is a constant more than.
    fn learn_range(&mut self, n: Num, r: Range) {
        if self.num.info[n as usize].bits.is_some() || r == self.num.stored_range(n) {
            return;
        }
        self.num.set_range(n, r);
        if let Some(&Inst::Binary {
            op: BinOp::Iadd,
            a,
            b: Opnd::Imm(m),
        }) = self.definition(n)
            && let Some(a) = self.known_num(a)
            && let Some(back) = r.sub(Range::point(m as i64))
        {
            let old = self.num.stored_range(a);
            if old.meet(back) != old {
                self.num.set_range(a, old.meet(back));
            }
        }
    }

    /// A sum or a difference that is a constant or is not says as much of its operands.
    fn learn_from_definition(&mut self, a: Num, b: Num, left: u8) {
        let Some(n) = self.num.info[b as usize].bits else {
            return;
        };
        let learnt = match left {
            EQ => EQ,
            m if m & EQ == 0 => LESS | GREATER,
            _ => return,
        };
        match self.definition(a) {
            Some(&Inst::Binary {
                op: BinOp::Isub,
                a: x,
                b: Opnd::Value(y),
            }) if n == 0 => {
                if let (Some(x), Some(y)) = (self.known_num(x), self.known_num(y)) {
                    self.assume_order(x, y, learnt);
                }
            }
            Some(&Inst::Binary {
                op: BinOp::Iadd,
                a: x,
                b: Opnd::Imm(m),
            }) => {
                if let Some(x) = self.known_num(x) {
                    let n = self.int((n as i64).wrapping_sub(m as i64));
                    self.assume_order(x, n, learnt);
                }
            }
            _ => {}
        }
    }

    /// What a number can be here: what facts say, and its definition under what facts say of the operands.
    pub(super) fn range(&self, n: Num) -> Range {
        self.range_within(n, 2)
    }

    fn range_within(&self, n: Num, depth: u32) -> Range {
        let stored = self.num.stored_range(n);
        if depth == 0 || stored.as_point().is_some() {
            return stored;
        }
        match self.definition(n) {
            Some(&Inst::Binary {
                op: BinOp::Iadd,
                a,
                b: Opnd::Imm(m),
            }) => {
                let x = self.known_num(a).map(|a| self.range_within(a, depth - 1));
                match x.and_then(|x| x.add(Range::point(m as i64))) {
                    Some(r) => stored.meet(r),
                    None => stored,
                }
            }
            _ => stored,
        }
    }

    /// `n` as `x + c` with a sum that does not wrap: itself, and what its definition gives.
    pub(super) fn offsets(&self, n: Num) -> [(Num, i64); 2] {
        if let Some(&Inst::Binary {
            op: BinOp::Iadd,
            a,
            b: Opnd::Imm(m),
        }) = self.definition(n)
            && let Some(x) = self.known_num(a)
            && self.range(x).add(Range::point(m as i64)).is_some()
        {
            return [(n, 0), (x, m as i64)];
        }
        [(n, 0), (n, 0)]
    }

    /// Bounds of `a - b`, exact integers.
    pub(super) fn difference(&self, a: Num, b: Num) -> (i128, i128) {
        let (x, y) = (self.range(a), self.range(b));
        let mut lo = x.lo as i128 - y.hi as i128;
        let mut hi = x.hi as i128 - y.lo as i128;
        for (p, m) in self.offsets(a) {
            for (q, n) in self.offsets(b) {
                let (below, above) = self.known_difference(p, q);
                let shift = m as i128 - n as i128;
                lo = lo.max(below.saturating_add(shift));
                hi = hi.min(above.saturating_add(shift));
            }
        }
        (lo, hi)
    }

    /// Bounds of `a - b` that facts about just this pair give.
    fn known_difference(&self, a: Num, b: Num) -> (i128, i128) {
        if a == b {
            return (0, 0);
        }
        let kind = Kind::Order;
        let (key, back) = (FactKey { kind, a, b }, FactKey { kind, a: b, b: a });
        let m = self.num.fact(&key) & mirror_mask(self.num.fact(&back) & ORDERS) & ORDERS;
        let equal = m & EQ != 0;
        let hi = match m & GREATER {
            0 => -(!equal as i128),
            _ => i128::MAX / 2,
        };
        let lo = match m & LESS {
            0 => !equal as i128,
            _ => i128::MIN / 2,
        };
        (lo, hi)
    }

    fn inferred_order(&self, a: Num, b: Num) -> u8 {
        let (lo, hi) = self.difference(a, b);
        let (x, y) = (self.range(a), self.range(b));
        let mut m = 0;
        for a_neg in [false, true] {
            for b_neg in [false, true] {
                let has = |r: Range, neg: bool| if neg { r.lo < 0 } else { r.hi >= 0 };
                if !has(x, a_neg) || !has(y, b_neg) {
                    continue;
                }
                m |= match (a_neg, b_neg) {
                    (true, false) => LG,
                    (false, true) => GL,
                    _ => EQ | LL | GG,
                };
            }
        }
        if lo >= 0 {
            m &= !LESS;
        }
        if hi <= 0 {
            m &= !GREATER;
        }
        if lo > 0 || hi < 0 {
            m &= !EQ;
        }
        m
    }

    /// Memory that a condition looks at as an integer.
    pub(super) fn load_kind(w: Width) -> LoadKind {
        match w {
            Width::W8 => LoadKind::U8,
            Width::W16 => LoadKind::U16,
            Width::W32 => LoadKind::U32,
            Width::W64 => LoadKind::I64,
        }
    }
}
