//! The size of loop counters.
//!
//! A counter is a header parameter that every way round changes by one constant. Where it starts bounds it on one side, if
//! it does not wrap; what says so, and bounds it on the other side, is either a comparison that every way round passes, or a
//! second counter that runs down to zero (as numeric `for` loops of Lua have). For that one the start matters: that
//! `start + trips` is a limit, by the wrapping arithmetic that computed the trips, and `start <= limit`, give that
//! the counter never passes the limit.

use super::Gvn;
use super::conds::{LESS, ORDERS};
use super::numbers::Num;
use super::range::Range;
use crate::ir::{BinOp, Block, Cond, Inst, IntCc, Opnd, OvfOp, Type, Value, Width};

/// `EQ` of the order masks.
const EQUAL: u8 = 1;
/// Branches looked at on the way from a latch up to its header.
const BRANCHES: usize = 32;

/// A header parameter that changes by a constant.
#[derive(Clone, Copy, Debug)]
struct Counter {
    param: Value,
    num: Num,
    /// Where it starts, if that is one value.
    start: Option<Num>,
    start_range: Range,
    step: i64,
    /// Its next value, on the first of the loop's latches.
    next: Value,
}

/// What a comparison on the way round says of the next value of a counter.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// The furthest it gets.
    bound: i128,
    /// The value it does not pass, and whether it does not even reach it.
    value: Num,
    strict: bool,
    /// That the next value was compared, so it must not have wrapped.
    after: bool,
}

/// The comparison that holds where another does not.
pub(in crate::opt) fn negate(cc: IntCc) -> IntCc {
    match cc {
        IntCc::Eq => IntCc::Ne,
        IntCc::Ne => IntCc::Eq,
        IntCc::Slt => IntCc::Sge,
        IntCc::Sle => IntCc::Sgt,
        IntCc::Sgt => IntCc::Sle,
        IntCc::Sge => IntCc::Slt,
        IntCc::Ult => IntCc::Uge,
        IntCc::Ule => IntCc::Ugt,
        IntCc::Ugt => IntCc::Ule,
        IntCc::Uge => IntCc::Ult,
        IntCc::Of => IntCc::NoOf,
        IntCc::NoOf => IntCc::Of,
        IntCc::Neg => IntCc::NonNeg,
        IntCc::NonNeg => IntCc::Neg,
    }
}

impl Gvn<'_> {
    /// Finds the counters of a loop whose header is being entered, and learns what it can of them.
    pub(super) fn induction(&mut self, l: u32, preds: &[Block]) {
        let header = self.loops.loops[l as usize].header;
        let latches = self.loops.loops[l as usize].latches.clone();
        let passed: Vec<Vec<(IntCc, Value, Opnd)>> =
            latches.iter().map(|&q| self.passed(header, q)).collect();
        let params = self.f.blocks[header.index()].params.clone();
        let mut counters = Vec::new();
        for (k, &p) in params.iter().enumerate() {
            if self.f.ty(p) == Type::I64
                && let Some(c) = self.counter(header, &latches, preds, k, p)
            {
                counters.push(c);
            }
        }
        for c in &counters {
            self.compared(l, c, &passed);
        }
        let zero = |facts: &[(IntCc, Value, Opnd)], t: Value| {
            facts.iter().any(|&(cc, a, b)| {
                a == t && b == Opnd::Imm(0) && matches!(cc, IntCc::Ne | IntCc::Ugt | IntCc::Sgt)
            })
        };
        for t in counters.iter().filter(|t| t.step == -1) {
            if passed.iter().all(|facts| zero(facts, t.param)) {
                for c in counters.iter().filter(|c| c.param != t.param) {
                    self.counted(c, t);
                }
            }
        }
    }

    /// The 64-bit comparisons that hold whenever a latch goes back to the header.
    fn passed(&self, header: Block, latch: Block) -> Vec<(IntCc, Value, Opnd)> {
        let mut facts = Vec::new();
        let mut see = |b: Block, to: Block| {
            if let Some(crate::ir::Term::BrIf { cond, then, els }) = &self.f.blocks[b.index()].term
                && (then.block == to) != (els.block == to)
                && let Cond::Icmp {
                    cc,
                    w: Width::W64,
                    a,
                    b,
                } = *cond
            {
                let cc = if then.block == to { cc } else { negate(cc) };
                facts.push((cc, a, b));
            }
        };
        see(latch, header);
        let mut at = latch;
        for _ in 0..BRANCHES {
            if at == header {
                break;
            }
            let Some(up) = self.cfg.idom(at) else { break };
            if self.cfg.preds(at) == [up] {
                see(up, at);
            }
            at = up;
        }
        facts
    }

    fn counter(
        &mut self,
        header: Block,
        latches: &[Block],
        preds: &[Block],
        k: usize,
        p: Value,
    ) -> Option<Counter> {
        let mut step = None;
        let mut next = p;
        for &q in latches {
            for t in self.f.targets(q).filter(|t| t.block == header) {
                let arg = t.args[k];
                let by = match self.f.def_inst(arg) {
                    Some(&Inst::Binary {
                        op: BinOp::Iadd,
                        a,
                        b: Opnd::Imm(n),
                    }) if a == p => n as i64,
                    Some(&Inst::Binary {
                        op: BinOp::Isub,
                        a,
                        b: Opnd::Imm(n),
                    }) if a == p => -(n as i64),
                    Some(&Inst::Overflow {
                        op: OvfOp::Add,
                        a,
                        b: Opnd::Imm(n),
                    }) if a == p => n as i64,
                    _ => return None,
                };
                if by == 0 || step.is_some_and(|s| s != by) {
                    return None;
                }
                step = Some(by);
                next = arg;
            }
        }
        let mut starts = Vec::new();
        for &q in preds {
            let calls = self.f.targets(q).filter(|t| t.block == header);
            let args: Vec<Value> = calls.map(|t| t.args[k]).collect();
            for v in args {
                starts.push(self.num_of(v));
            }
        }
        let first = *starts.first()?;
        let num = self.num_of(p);
        let ranges = starts.iter().map(|&n| match starts.len() {
            1 => self.range(n),
            _ => self.num.info[n as usize].at_def,
        });
        Some(Counter {
            param: p,
            num,
            start: starts.iter().all(|&n| n == first).then_some(first),
            start_range: ranges.reduce(Range::join)?,
            step: step?,
            next,
        })
    }

    /// The number of an operand that is the same all through a loop.
    fn invariant(&mut self, l: u32, o: Opnd) -> Option<Num> {
        match o {
            Opnd::Imm(n) => Some(self.int(n as i64)),
            Opnd::Value(v) => {
                let n = match self.f.def_inst(v) {
                    Some(Inst::Iconst(_)) => self.num_of(v),
                    _ => self.known_num(v)?,
                };
                self.is_before(n, l).then_some(n)
            }
        }
    }

    /// What comparisons on every way round say.
    fn compared(&mut self, l: u32, c: &Counter, passed: &[Vec<(IntCc, Value, Opnd)>]) {
        // Each latch has its own; all must bound the counter. The relation counts only if it is the same.
        let mut all: Option<Limit> = None;
        for facts in passed {
            let mut best: Option<Limit> = None;
            for &(cc, a, b) in facts {
                let Some(limit) = self.limit(l, c, cc, a, b) else {
                    continue;
                };
                let better = best.is_none_or(|old| match c.step > 0 {
                    true => limit.bound < old.bound,
                    false => limit.bound > old.bound,
                });
                if better {
                    best = Some(limit);
                }
            }
            let Some(best) = best else { return };
            all = match all {
                None => Some(best),
                Some(old) if old.value == best.value => Some(Limit {
                    bound: match c.step > 0 {
                        true => old.bound.max(best.bound),
                        false => old.bound.min(best.bound),
                    },
                    value: old.value,
                    strict: old.strict && best.strict,
                    after: old.after || best.after,
                }),
                Some(_) => return,
            };
        }
        let Some(limit) = all else { return };
        let up = c.step > 0;
        let end = match up {
            true => limit.bound.max(c.start_range.hi as i128),
            false => limit.bound.min(c.start_range.lo as i128),
        };
        // A next value that was compared must be the true one: one more step from the furthest does not wrap.
        let reach = if limit.after {
            end + c.step as i128
        } else {
            end
        };
        if i64::try_from(reach).is_err() || i64::try_from(end).is_err() {
            return;
        }
        let range = match up {
            true => Range::new(c.start_range.lo, end as i64),
            false => Range::new(end as i64, c.start_range.hi),
        };
        self.learn_counter(c, range);
        let Some(start) = c.start else { return };
        let (lo, hi) = self.difference(start, limit.value);
        let (within, strictly) = match up {
            true => (hi <= 0, hi < 0),
            false => (lo >= 0, lo > 0),
        };
        if !within {
            return;
        }
        let side = if up { LESS } else { ORDERS & !LESS & !EQUAL };
        let mask = match limit.strict && strictly {
            true => side,
            false => side | EQUAL,
        };
        self.order_counter(c, limit.value, mask);
    }

    /// What one comparison says of the next value of a counter.
    fn limit(&mut self, l: u32, c: &Counter, cc: IntCc, a: Value, b: Opnd) -> Option<Limit> {
        let ours = |v: Value| v == c.param || v == c.next;
        let (cc, subject, other) = match b {
            _ if ours(a) => (cc, a, b),
            Opnd::Value(v) if ours(v) => (crate::opt::mirror(cc)?, v, Opnd::Value(a)),
            _ => return None,
        };
        let x = self.invariant(l, other)?;
        let r = self.range(x);
        let up = c.step > 0;
        let after = subject == c.next;
        let strict = match (cc, up) {
            (IntCc::Slt, true) | (IntCc::Sgt, false) => true,
            (IntCc::Sle, true) | (IntCc::Sge, false) => false,
            (IntCc::Ult, true) if r.lo >= 0 => true,
            (IntCc::Ule, true) if r.lo >= 0 => false,
            // By ones from one side, it meets the limit before it passes it.
            (IntCc::Ne, _) if !after && c.step.abs() == 1 => {
                let (lo, hi) = self.difference(c.start?, x);
                let on_this_side = if up { hi <= 0 } else { lo >= 0 };
                if !on_this_side {
                    return None;
                }
                true
            }
            _ => return None,
        };
        let far = if up { r.hi as i128 } else { r.lo as i128 };
        let sign = if up { 1 } else { -1 };
        let compared = far - if strict { sign } else { 0 };
        let (bound, strict, related) = match after {
            true => (compared, strict, true),
            // Before the step: one further, which is not past the limit if the step is one and it was not reached.
            false => (
                compared + c.step as i128,
                false,
                strict && c.step.abs() == 1,
            ),
        };
        Some(Limit {
            bound,
            // Without a relation, one that says nothing.
            value: if related { x } else { c.num },
            strict,
            after,
        })
    }

    fn learn_counter(&mut self, c: &Counter, r: Range) {
        let old = self.num.stored_range(c.num);
        let new = old.meet(r);
        if new != old {
            self.num.set_range(c.num, new);
            self.known.bound(c.param, new.lo, new.hi);
        }
    }

    fn order_counter(&mut self, c: &Counter, other: Num, mask: u8) {
        self.assume_order(c.num, other, mask);
        if other != c.num
            && let Some(v) = self.num.leader(other)
        {
            self.known.order(c.param, v, mask);
        }
    }

    /// What follows from counting down beside: `t` is the number of steps still to come.
    fn counted(&mut self, c: &Counter, t: &Counter) {
        let trips = t.start_range;
        if trips.lo >= 0 {
            let way = Range::new(0, trips.hi).mul(Range::point(c.step));
            if let Some(r) = way.and_then(|w| c.start_range.add(w)) {
                self.learn_counter(c, r.join(c.start_range));
            }
            self.learn_counter(t, Range::new(0, trips.hi));
        }
        let (Some(start), Some(count)) = (c.start, t.start) else {
            return;
        };
        if c.step == 1 {
            self.counted_by_ones(c, t, start, count);
        } else if c.step > 1 && (c.step as u64).is_power_of_two() {
            self.counted_by_powers(c, start, count);
        }
    }

    /// `start + count = limit + k`: the limit, as far as one value and a constant make it.
    fn limit_of(&mut self, start: Num, count: Num) -> Option<(Num, i64)> {
        let mut sum = Linear::default();
        self.linear(start, 1, &mut sum, 4);
        self.linear(count, 1, &mut sum, 4);
        sum.terms.retain(|t| t.1 != 0);
        match sum.terms[..] {
            [] => Some((self.int(sum.constant), 0)),
            [(limit, 1)] => Some((limit, sum.constant)),
            _ => None,
        }
    }

    fn counted_by_ones(&mut self, c: &Counter, t: &Counter, start: Num, count: Num) {
        let Some((limit, k)) = self.limit_of(start, count) else {
            return;
        };
        let Some(end) = self.range(limit).add(Range::point(k)) else {
            return;
        };
        // The trips are the true distance only if the start is not past the end.
        if self.difference(start, limit).1 > k as i128 {
            return;
        }
        let first = self.range(start);
        self.learn_counter(c, Range::new(first.lo, end.hi.max(first.lo)));
        if let Some(most) = end.hi.checked_sub(first.lo) {
            self.learn_counter(t, Range::new(0, most.max(0)));
        }
        if k == 0 {
            self.order_counter(c, limit, LESS | EQUAL);
        }
    }

    fn counted_by_powers(&mut self, c: &Counter, start: Num, count: Num) {
        // count = (distance >> m) + q
        let (shifted, q) = self.plus_const(count);
        let Some(&Inst::Binary {
            op: BinOp::Shr,
            a,
            b: Opnd::Imm(m @ 1..=62),
        }) = self.definition(shifted)
        else {
            return;
        };
        if c.step != 1 << m || q > 0 || self.range(shifted).lo < -q {
            return;
        }
        let Some(distance) = self.known_num(a) else {
            return;
        };
        let Some((limit, k)) = self.limit_of(start, distance) else {
            return;
        };
        let (Some(end), Some(back)) = (
            self.range(limit).add(Range::point(k)),
            q.checked_mul(c.step).and_then(|b| b.checked_add(k)),
        ) else {
            return;
        };
        if self.difference(start, limit).1 > k as i128 {
            return;
        }
        let first = self.range(start);
        self.learn_counter(c, Range::new(first.lo, end.hi.max(first.lo)));
        if back <= 0 {
            self.order_counter(c, limit, LESS | EQUAL);
        }
    }

    /// Adds `factor` times a number to a sum, its definition taken apart.
    fn linear(&self, n: Num, factor: i64, sum: &mut Linear, depth: u32) {
        if let Some(bits) = self.num.info[n as usize].bits {
            sum.constant = sum
                .constant
                .wrapping_add((bits as i64).wrapping_mul(factor));
            return;
        }
        if depth > 0
            && let Some(&Inst::Binary {
                op: op @ (BinOp::Iadd | BinOp::Isub),
                a,
                b,
            }) = self.definition(n)
            && let Some(x) = self.known_num(a)
        {
            let sign = if op == BinOp::Iadd { factor } else { -factor };
            match b {
                Opnd::Imm(m) => {
                    sum.constant = sum.constant.wrapping_add((m as i64).wrapping_mul(sign));
                    return self.linear(x, factor, sum, depth - 1);
                }
                Opnd::Value(v) => {
                    if let Some(y) = self.known_num(v) {
                        self.linear(x, factor, sum, depth - 1);
                        return self.linear(y, sign, sum, depth - 1);
                    }
                }
            }
        }
        match sum.terms.iter_mut().find(|t| t.0 == n) {
            Some(t) => t.1 += factor,
            None => sum.terms.push((n, factor)),
        }
    }
}

/// A sum of numbers times factors, and a constant; wrapping.
#[derive(Debug, Default)]
struct Linear {
    terms: Vec<(Num, i64)>,
    constant: i64,
}
