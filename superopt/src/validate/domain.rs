//! The domain that a block and its machine code are executed in: terms in one canonical form, with the frame's spill slots kept apart from memory.
//!
//! Two sides that compute the same thing by different instructions (`lea` for a sum, a narrow comparison for a wide one, flags for an order) should give
//! one term, so that most regions need no solver. Each rule here is an identity of bit-vectors (`tests.rs` checks them by evaluation); whatever they miss
//! is left to the prover. Operands of floating-point sums and products are put in one order: which NaN comes out is nobody's concern.
//!
//! Spill slots are words of the frame by their distance from rsp. They are nobody else's memory: the assumption is that no address a program computes
//! points there. Explicit slots above them are memory.

mod operations;

use crate::proof::rebuild::remake;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use trinity_codegen::isa::{BinOp, Domain, Node, TermId, TermPool, UnOp};

/// Sums of more terms than this are not taken apart.
const MAX_TERMS: usize = 24;

/// Memory and spill slots.
#[derive(Clone, Debug)]
pub struct Memory {
    /// What everyone sees.
    pub heap: TermId,
    /// Words of spill slots by distance from rsp.
    pub frame: Arc<BTreeMap<i64, TermId>>,
}

/// The machine code's own data.
#[derive(Clone, Debug, Default)]
pub struct CodeData<'a> {
    /// Instructions, constants and jump tables.
    pub bytes: &'a [u8],
    /// Where the instructions end.
    pub text_len: u32,
    /// Offsets and lengths of jump tables.
    pub tables: Vec<(u32, u32)>,
    /// Bytes of spill slots.
    pub spill_bytes: i64,
    /// Bytes below the return address.
    pub frame_size: i64,
}

/// Terms in canonical form.
pub struct Terms<'a> {
    /// Where they are.
    pub pool: TermPool,
    /// rsp behind the prologue.
    pub rsp: TermId,
    /// The address of the code.
    pub code: TermId,
    /// The code's data.
    pub data: CodeData<'a>,
    /// The first thing met that is not covered.
    pub trouble: Option<String>,
    /// Entries of jump tables: table and index.
    pub entries: HashMap<TermId, (usize, TermId)>,
    laws: HashMap<(BinOp, TermId, TermId), TermId>,
    /// By halves of words that were taken: of which, and where in it.
    halves: HashMap<TermId, Vec<(TermId, u32)>>,
    unknown_slots: HashMap<i64, TermId>,
    table_entries: HashMap<(usize, TermId), TermId>,
}

/// By term: what it became.
pub(super) type Made = HashMap<TermId, TermId>;

type Sum = (Vec<(TermId, u128)>, u128);

/// The greatest number of so many bits.
pub(super) fn ones(w: u32) -> u128 {
    if w >= 128 { u128::MAX } else { (1 << w) - 1 }
}

impl<'a> Terms<'a> {
    /// A domain without terms.
    pub fn new(data: CodeData<'a>) -> Terms<'a> {
        let mut pool = TermPool::new();
        let rsp = pool.var("rsp", 64);
        let code = pool.var("code", 64);
        Terms {
            pool,
            rsp,
            code,
            data,
            trouble: None,
            entries: HashMap::new(),
            laws: HashMap::new(),
            halves: HashMap::new(),
            unknown_slots: HashMap::new(),
            table_entries: HashMap::new(),
        }
    }

    /// Makes everything below roots anew, bottom up, in the domain's form: `step` gets the term that was, the one of operands that were made anew, and what
    /// became of those, and says what it becomes.
    pub(super) fn rewritten(
        &mut self,
        roots: &[TermId],
        mut step: impl FnMut(&mut Self, TermId, TermId, &Made) -> TermId,
    ) -> Made {
        let mut made = Made::new();
        for old in self.pool.reachable(roots) {
            let of = |t: TermId| made.get(&t).copied().unwrap_or(t);
            let width = self.pool.term_width(old);
            let node = self.pool.node(old);
            let new = node.computed(self, width, of);
            let new = new.unwrap_or_else(|| remake(&mut self.pool, old, &of));
            let new = step(self, old, new, &made);
            made.insert(old, new);
        }
        made
    }

    /// Something is not covered.
    pub fn refuse(&mut self, why: impl Into<String>) {
        if self.trouble.is_none() {
            self.trouble = Some(why.into());
        }
    }

    /// What `a op b`, of one bit each, is for all inputs.
    pub fn law(&mut self, op: BinOp, a: TermId, b: TermId, is: TermId) {
        self.laws.insert((op, a.min(b), a.max(b)), is);
    }

    /// A term as something and a constant.
    pub fn split(&self, t: TermId) -> (TermId, u64) {
        match self.pool.node(t) {
            Node::Bin(BinOp::Add, a, b) => match self.pool.as_constant(&b) {
                Some(k) => (a, k as u64),
                None => (t, 0),
            },
            _ => (t, 0),
        }
    }

    /// The distance of an address from rsp, where it is constant.
    pub fn distance(&self, t: TermId) -> Option<i64> {
        let (base, k) = self.split(t);
        (base == self.rsp).then_some(k as i64)
    }

    /// Whether an address is one of a spill slot or of the code's data, which the IR does not know.
    pub fn is_private(&self, t: TermId) -> bool {
        let (base, k) = self.split(t);
        base == self.rsp && (0..self.data.spill_bytes).contains(&(k as i64))
            || base == self.code
            || self.table_of(t).is_some()
    }

    /// The jump table and the index that an address is of.
    fn table_of(&self, t: TermId) -> Option<(usize, TermId)> {
        let (sum, k) = self.sum_of(t);
        let [x, y] = sum[..] else { return None };
        let (index, scale) = if x.0 == self.code && x.1 == 1 {
            y
        } else if y.0 == self.code && y.1 == 1 {
            x
        } else {
            return None;
        };
        let n = self.data.tables.iter().position(|t| u128::from(t.0) == k)?;
        (scale == 4).then_some((n, index))
    }

    fn sum_of(&self, t: TermId) -> Sum {
        let mut sum = (Vec::new(), 0);
        let w = self.pool.term_width(t);
        self.gather(t, 1, ones(w), &mut sum);
        sum.0.sort_unstable_by_key(|x| x.0);
        sum
    }

    fn gather(&self, t: TermId, by: u128, mask: u128, sum: &mut Sum) {
        let konst = |t: TermId| self.pool.as_constant(&t);
        if sum.0.len() <= MAX_TERMS {
            match self.pool.node(t) {
                Node::Const(k) => {
                    sum.1 = sum.1.wrapping_add(k.wrapping_mul(by)) & mask;
                    return;
                }
                Node::Bin(BinOp::Add, a, b) => {
                    self.gather(a, by, mask, sum);
                    return self.gather(b, by, mask, sum);
                }
                Node::Bin(BinOp::Sub, a, b) => {
                    self.gather(a, by, mask, sum);
                    return self.gather(b, by.wrapping_neg() & mask, mask, sum);
                }
                Node::Un(UnOp::Neg, a) => {
                    return self.gather(a, by.wrapping_neg() & mask, mask, sum);
                }
                Node::Bin(BinOp::Shl, a, b) => {
                    if let Some(k) = konst(b).filter(|k| *k < 128) {
                        return self.gather(a, by.wrapping_shl(k as u32) & mask, mask, sum);
                    }
                }
                Node::Bin(BinOp::Mul, a, b) => {
                    if let Some(k) = konst(b) {
                        return self.gather(a, by.wrapping_mul(k) & mask, mask, sum);
                    }
                }
                _ => {}
            }
        }
        if by == 0 {
            return;
        }
        match sum.0.iter().position(|x| x.0 == t) {
            Some(n) => {
                sum.0[n].1 = sum.0[n].1.wrapping_add(by) & mask;
                if sum.0[n].1 == 0 {
                    sum.0.swap_remove(n);
                }
            }
            None => sum.0.push((t, by)),
        }
    }

    fn times(&mut self, t: TermId, by: u128, w: u32) -> TermId {
        if by == 1 {
            return t;
        }
        let (op, k) = match by.is_power_of_two() {
            true => (BinOp::Shl, by.trailing_zeros().into()),
            false => (BinOp::Mul, by),
        };
        let k = self.pool.constant(w, k);
        self.pool.bin(op, &t, &k)
    }

    fn build(&mut self, (mut terms, k): Sum, w: u32) -> TermId {
        terms.sort_unstable_by_key(|x| x.0);
        let half = 1u128 << (w - 1);
        let mut all: Option<TermId> = None;
        for &(t, by) in terms.iter().filter(|x| x.1 <= half) {
            let t = self.times(t, by, w);
            all = Some(all.map_or(t, |a| self.pool.bin(BinOp::Add, &a, &t)));
        }
        for &(t, by) in terms.iter().filter(|x| x.1 > half) {
            let t = self.times(t, by.wrapping_neg() & ones(w), w);
            all = Some(match all {
                Some(a) => self.pool.bin(BinOp::Sub, &a, &t),
                None => self.pool.un(UnOp::Neg, &t),
            });
        }
        let k = self.pool.constant(w, k);
        match all {
            Some(a) => self.pool.bin(BinOp::Add, &a, &k),
            None => k,
        }
    }

    /// `a + by * b` in canonical form.
    fn add_sums(&mut self, a: TermId, b: TermId, by: u128) -> TermId {
        let w = self.pool.term_width(a);
        let mut sum = (Vec::new(), 0);
        self.gather(a, 1, ones(w), &mut sum);
        self.gather(b, by & ones(w), ones(w), &mut sum);
        self.build(sum, w)
    }

    fn scaled(&mut self, a: TermId, by: u128) -> TermId {
        let w = self.pool.term_width(a);
        let mut sum = (Vec::new(), 0);
        self.gather(a, by & ones(w), ones(w), &mut sum);
        self.build(sum, w)
    }

    /// `a` as a narrower word that it extends with zeros; constants as narrow as they are.
    fn narrow(&self, a: TermId) -> (u32, Option<TermId>) {
        match self.pool.node(a) {
            Node::Zext(x) => (self.pool.term_width(x), Some(x)),
            Node::Const(k) => (128 - k.leading_zeros(), None),
            _ => (self.pool.term_width(a), None),
        }
    }

    /// Both operands in the width that they fit, if that is less than their own.
    fn both_narrow(&mut self, a: TermId, b: TermId) -> Option<(TermId, TermId)> {
        let w = self.pool.term_width(a);
        let ((wa, xa), (wb, xb)) = (self.narrow(a), self.narrow(b));
        if xa.is_none() && xb.is_none() {
            return None;
        }
        let to = wa.max(wb);
        if to >= w {
            return None;
        }
        let mut fit = |t: TermId, x: Option<TermId>| match x {
            Some(x) => self.pool.zext(&x, to),
            None => self.extract(&t, 0, to),
        };
        Some((fit(a, xa), fit(b, xb)))
    }

    fn complements(&self, a: TermId, b: TermId) -> bool {
        self.pool.node(a) == Node::Un(UnOp::Not, b) || self.pool.node(b) == Node::Un(UnOp::Not, a)
    }

    fn bitwise(&mut self, op: BinOp, a: TermId, b: TermId) -> TermId {
        let w = self.pool.term_width(a);
        if w == 1 {
            if let Some(t) = self.laws.get(&(op, a.min(b), a.max(b))) {
                return *t;
            }
            if self.complements(a, b) {
                return self.pool.bit(op != BinOp::And);
            }
        }
        let (a, b) = if self.pool.as_constant(&a).is_some() {
            (b, a)
        } else {
            (a, b)
        };
        if op == BinOp::And {
            // With a narrow word the result is as narrow.
            for (x, y) in [(a, b), (b, a)] {
                let (n, _) = self.narrow(x);
                let n = match self.pool.as_constant(&x) {
                    Some(_) => [8, 16, 32].into_iter().find(|b| n <= *b).unwrap_or(w),
                    None => n,
                };
                if n < w && w > 1 {
                    let (x, y) = (self.extract(&x, 0, n), self.extract(&y, 0, n));
                    let r = self.bitwise(op, x, y);
                    return self.zext(&r, w);
                }
            }
        } else if let Some((x, y)) = self.both_narrow(a, b) {
            let r = self.bitwise(op, x, y);
            return self.zext(&r, w);
        }
        if w == 1 {
            return self.pool.bin(op, &a, &b);
        }
        if op != BinOp::And
            && let Some(rotated) = self.rotation(a, b).or_else(|| self.rotation(b, a))
        {
            return rotated;
        }
        self.in_order(op, a, b)
    }

    /// `t >> n` and `t << (w - n)` are bits of a rotation, without one in common. The left one may have been distributed over a sum.
    fn rotation(&mut self, right: TermId, left: TermId) -> Option<TermId> {
        let Node::Bin(BinOp::Lshr, t, n) = self.pool.node(right) else {
            return None;
        };
        let w = self.pool.term_width(t);
        let by = self.pool.as_constant(&n)?;
        if !(1..u128::from(w)).contains(&by) || self.scaled(t, 1 << (u128::from(w) - by)) != left {
            return None;
        }
        Some(self.pool.bin(BinOp::Rotr, &t, &n))
    }

    /// `a op b` for a bitwise operation, which is associative and commutative: its operands in one order, constants as one at the end.
    fn in_order(&mut self, op: BinOp, a: TermId, b: TermId) -> TermId {
        let mut operands = Vec::new();
        let mut rest = vec![a, b];
        while let Some(t) = rest.pop() {
            match self.pool.node(t) {
                Node::Bin(o, x, y) if o == op && operands.len() + rest.len() < MAX_TERMS => {
                    rest.extend([x, y]);
                }
                _ => operands.push(t),
            }
        }
        operands.sort_unstable_by_key(|t| (self.pool.as_constant(t).is_some(), *t));
        let mut all: Option<TermId> = None;
        // Constants first among themselves: the pool folds them.
        let split = operands.partition_point(|t| self.pool.as_constant(t).is_none());
        let constants = operands.split_off(split).into_iter();
        let constant = constants.reduce(|x, y| self.pool.bin(op, &x, &y));
        let mut at = 0;
        while at < operands.len() {
            let t = operands[at];
            let same = operands[at..].iter().take_while(|x| **x == t).count();
            at += same;
            // Of an exclusive or, pairs are nothing.
            if op == BinOp::Xor && same % 2 == 0 {
                continue;
            }
            all = Some(all.map_or(t, |all| self.pool.bin(op, &all, &t)));
        }
        let w = self.pool.term_width(a);
        match (all, constant) {
            (Some(all), Some(k)) => self.pool.bin(op, &all, &k),
            (Some(t), None) | (None, Some(t)) => t,
            (None, None) => self.pool.constant(w, 0),
        }
    }

    /// The word of a spill slot.
    fn slot(&mut self, m: &Memory, k: i64) -> TermId {
        if let Some(t) = m.frame.get(&k) {
            return *t;
        }
        self.unknown_slot(k)
    }

    /// What is in a spill slot that nothing is known of.
    pub fn unknown_slot(&mut self, k: i64) -> TermId {
        if let Some(t) = self.unknown_slots.get(&k) {
            return *t;
        }
        let t = self.pool.undefined(64);
        self.unknown_slots.insert(k, t);
        t
    }

    fn load_heap(&mut self, m: TermId, addr: TermId, bytes: u32) -> TermId {
        // What was stored last, if it is there or certainly elsewhere by a constant distance.
        let (base, k) = self.split(addr);
        let mut at = m;
        for _ in 0..64 {
            let Node::Store(before, a, v) = self.pool.node(at) else {
                break;
            };
            let (b, ka) = self.split(a);
            if b != base {
                break;
            }
            let stored = u64::from(self.pool.term_width(v) / 8);
            let d = k.wrapping_sub(ka);
            if d < stored && d + u64::from(bytes) <= stored {
                return self.extract(&v, 8 * d as u32, 8 * bytes);
            }
            let back = ka.wrapping_sub(k);
            if d >= stored && back >= u64::from(bytes) {
                at = before;
                continue;
            }
            break;
        }
        let _ = at;
        self.pool.load(&m, &addr, bytes)
    }

    /// Bits of a word: of what it was computed from, where they depend on nothing else.
    fn part(&mut self, a: TermId, lo: u32, width: u32) -> TermId {
        let w = self.pool.term_width(a);
        if width == w {
            return a;
        }
        let konst = |t: TermId| self.pool.as_constant(&t);
        match self.pool.node(a) {
            Node::Extract(x, l) => self.extract(&x, lo + l, width),
            Node::Concat(_, l) if lo + width <= self.pool.term_width(l) => {
                self.extract(&l, lo, width)
            }
            Node::Concat(h, l) if lo >= self.pool.term_width(l) => {
                let n = lo - self.pool.term_width(l);
                self.extract(&h, n, width)
            }
            Node::Zext(x) | Node::Sext(x) if lo + width <= self.pool.term_width(x) => {
                self.extract(&x, lo, width)
            }
            Node::Bin(op @ (BinOp::And | BinOp::Or | BinOp::Xor), x, y) => {
                let (x, y) = (self.extract(&x, lo, width), self.extract(&y, lo, width));
                self.bitwise(op, x, y)
            }
            Node::Bin(op @ (BinOp::Add | BinOp::Sub | BinOp::Mul), x, y) if lo == 0 => {
                let (x, y) = (self.extract(&x, 0, width), self.extract(&y, 0, width));
                self.bin(op, &x, &y)
            }
            Node::Un(UnOp::Neg, x) if lo == 0 && width > 1 => {
                let x = self.extract(&x, 0, width);
                self.un(UnOp::Neg, &x)
            }
            Node::Bin(BinOp::Shl, x, k) if lo == 0 && konst(k).is_some() => {
                let k = konst(k).unwrap_or(0);
                if k >= width.into() {
                    return self.pool.constant(width, 0);
                }
                let x = self.extract(&x, 0, width);
                let k = self.pool.constant(width, k);
                self.bin(BinOp::Shl, &x, &k)
            }
            Node::Bin(BinOp::Lshr | BinOp::Ashr, x, k)
                if konst(k).is_some_and(|k| u128::from(lo + width) + k <= w.into()) =>
            {
                let k = konst(k).unwrap_or(0) as u32;
                self.extract(&x, lo + k, width)
            }
            Node::Un(UnOp::Not, x) => {
                let x = self.extract(&x, lo, width);
                self.pool.un(UnOp::Not, &x)
            }
            Node::Ite(c, x, y) => {
                let (x, y) = (self.extract(&x, lo, width), self.extract(&y, lo, width));
                self.ite(&c, &x, &y)
            }
            Node::Load(m, at) if lo.is_multiple_of(8) && matches!(width, 8 | 16 | 32) => {
                let k = self.pool.constant(64, (lo / 8).into());
                let at = self.bin(BinOp::Add, &at, &k);
                self.load_heap(m, at, width / 8)
            }
            _ => self.pool.extract(&a, lo, width),
        }
    }

    /// Where an access goes: `Some(Some(distance))` to spill slots, `Some(None)` to memory, `None` where it must not.
    fn place(&mut self, addr: TermId, bytes: i64) -> Option<Option<i64>> {
        let Some(k) = self.distance(addr) else {
            return Some(None);
        };
        if k >= 0 && k + bytes <= self.data.spill_bytes {
            return Some(Some(k));
        }
        if k >= self.data.spill_bytes && k + bytes <= self.data.frame_size {
            return Some(None);
        }
        self.refuse("an access outside the native frame");
        None
    }

    fn code_load(&mut self, addr: TermId, bytes: u32) -> Option<TermId> {
        let (base, k) = self.split(addr);
        if base == self.code {
            let from = usize::try_from(k).ok()?;
            let field = self
                .data
                .bytes
                .get(from..from.checked_add(bytes as usize)?)?;
            if from < self.data.text_len as usize {
                return None;
            }
            let v = field
                .iter()
                .rev()
                .fold(0u128, |v, b| v << 8 | u128::from(*b));
            return Some(self.pool.constant(8 * bytes, v));
        }
        let key = self.table_of(addr).filter(|_| bytes == 4)?;
        if let Some(t) = self.table_entries.get(&key) {
            return Some(*t);
        }
        let n = self.table_entries.len();
        let t = self.pool.var(&format!("entry_{n}"), 32);
        self.table_entries.insert(key, t);
        self.entries.insert(t, key);
        Some(t)
    }
}
