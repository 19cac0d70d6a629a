//! Memories and floating point out of the way: what is left are words.
//!
//! A load is looked up in the stores before it, byte by byte where addresses are not a known distance apart, down to
//! the initial memory, whose byte at an address becomes a variable. Two such variables are equal where their
//! addresses are: these constraints make the replacement exact, and no array theory is needed. Final memories are
//! compared by one byte at a fresh address. Floating-point comparisons, minima and maxima are exact bit operations;
//! arithmetic becomes variables with the same kind of constraint, which is an abstraction: a model of it has to be
//! evaluated before it is believed.

use super::apart::Apart;
use super::rebuild::Rewriter;
use std::collections::HashMap;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, FpOp, Node, TermId, TermPool};

/// What a variable of this module stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Meaning {
    /// The initial byte of a memory at an address.
    Byte {
        /// Number of the memory.
        memory: u32,
        /// The address: a word of 64 bits without memories in it.
        address: TermId,
    },
    /// The result of a floating-point operation.
    Fp {
        /// The operation.
        op: FpOp,
        /// How many operands.
        count: u8,
        /// The operands; unused ones repeat the first.
        args: [TermId; 3],
    },
}

/// The state of the replacement; grows with what is put through it.
#[derive(Default)]
pub struct Ground {
    rewriter: Rewriter,
    reads: HashMap<(TermId, TermId), TermId>,
    variables: Vec<(TermId, Meaning)>,
    index: HashMap<Meaning, TermId>,
    apart: Apart,
}

/// A base and a constant distance from it.
pub(super) fn split(pool: &mut TermPool, address: TermId) -> (TermId, u64) {
    match pool.node(address) {
        Node::Const(k) => (pool.constant(64, 0), k as u64),
        Node::Bin(BinOp::Add, base, k) => match pool.as_constant(&k) {
            Some(k) => (base, k as u64),
            None => (address, 0),
        },
        _ => (address, 0),
    }
}

/// The distance from `b` to `a`, when it is a constant.
fn distance(pool: &mut TermPool, a: TermId, b: TermId) -> Option<u64> {
    let ((base_a, a), (base_b, b)) = (split(pool, a), split(pool, b));
    (base_a == base_b).then(|| a.wrapping_sub(b))
}

/// Bits that lie across the parts of a concatenation as a concatenation of bits of the parts: the bytes of a wide load
/// then are those of narrow ones. `t` is the extraction itself.
fn across(pool: &mut TermPool, x: TermId, lo: u32, t: TermId) -> TermId {
    let Node::Concat(high, low) = pool.node(x) else {
        return t;
    };
    let (split, end) = (pool.term_width(low), lo + pool.term_width(t));
    if lo >= split || end <= split {
        return t;
    }
    let below = pool.extract(&low, lo, split - lo);
    let below = match pool.node(below) {
        Node::Extract(y, k) => across(pool, y, k, below),
        _ => below,
    };
    let above = pool.extract(&high, 0, end - split);
    let above = match pool.node(above) {
        Node::Extract(y, k) => across(pool, y, k, above),
        _ => above,
    };
    pool.concat(&above, &below)
}

impl Ground {
    /// Nothing replaced yet.
    pub fn new() -> Ground {
        Ground::default()
    }

    /// From now on loads step over stores that these facts keep apart from them. They must be assumed wherever what is
    /// replaced from now on is used.
    pub fn assume(&mut self, apart: Apart) {
        self.apart = apart;
    }

    /// Replaces everything below the words `roots`.
    pub fn run(&mut self, pool: &mut TermPool, roots: &[TermId]) {
        let mut rewriter = std::mem::take(&mut self.rewriter);
        rewriter.run(pool, roots, &mut |pool, _, t| match pool.node(t) {
            Node::Load(m, a) => {
                let bytes = pool.term_width(t) / 8;
                self.read(pool, m, a, bytes)
            }
            Node::Fp(op, n, args) => self.float(pool, op, &args[..n as usize]),
            Node::Extract(x, lo) => across(pool, x, lo, t),
            _ => t,
        });
        self.rewriter = rewriter;
    }

    /// What a word became.
    pub fn get(&self, t: TermId) -> TermId {
        self.rewriter.get(t)
    }

    /// The variables made so far, operands before users.
    pub fn variables(&self) -> &[(TermId, Meaning)] {
        &self.variables
    }

    /// Whether a term is a byte of an initial memory.
    pub fn is_byte(&self, t: TermId) -> bool {
        self.variables
            .iter()
            .any(|(v, m)| *v == t && matches!(m, Meaning::Byte { .. }))
    }

    fn variable(&mut self, pool: &mut TermPool, meaning: Meaning, width: u32) -> TermId {
        if let Some(v) = self.index.get(&meaning) {
            return *v;
        }
        // The number of nodes makes names unique in the pool, also across proofs.
        let name = match meaning {
            Meaning::Byte { memory, .. } => format!("mem{memory}_byte_{}", pool.len()),
            Meaning::Fp { op, .. } => {
                let op: String = format!("{op:?}")
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .collect();
                format!("fp_{op}_{}", pool.len())
            }
        };
        let v = pool.var(&name, width);
        self.index.insert(meaning, v);
        self.variables.push((v, meaning));
        v
    }

    /// `bytes` bytes at `address`, little-endian.
    fn read(&mut self, pool: &mut TermPool, memory: TermId, address: TermId, bytes: u32) -> TermId {
        // Stores that cover all of it or none of it are stepped over.
        let mut m = memory;
        while let Node::Store(before, at, value) = pool.node(m) {
            let n = pool.term_width(value) / 8;
            match distance(pool, address, at) {
                Some(d)
                    if d.checked_add(bytes.into())
                        .is_some_and(|end| end <= n.into()) =>
                {
                    return pool.extract(&value, 8 * d as u32, 8 * bytes);
                }
                Some(d) if d >= u64::from(n) && d <= u64::MAX - u64::from(bytes) + 1 => m = before,
                None if self
                    .apart
                    .holds(pool, (address, bytes.into()), (at, n.into())) =>
                {
                    m = before;
                }
                _ => break,
            }
        }
        if bytes > 1 {
            let mut out = self.byte_at(pool, m, address, 0);
            for i in 1..bytes {
                let byte = self.byte_at(pool, m, address, i);
                out = pool.concat(&byte, &out);
            }
            return out;
        }
        if let Some(done) = self.reads.get(&(m, address)) {
            return *done;
        }
        let byte = match pool.node(m) {
            Node::Store(before, at, value) => {
                let older = self.read(pool, before, address, 1);
                let n = pool.term_width(value) / 8;
                let offset = pool.sub(&address, &at);
                let mut out = older;
                for i in 0..n {
                    let k = pool.constant(64, i.into());
                    let here = pool.eq(&offset, &k);
                    let b = pool.extract(&value, 8 * i, 8);
                    out = pool.ite(&here, &b, &out);
                }
                out
            }
            Node::Ite(c, x, y) => {
                let (x, y) = (
                    self.read(pool, x, address, 1),
                    self.read(pool, y, address, 1),
                );
                pool.ite(&c, &x, &y)
            }
            Node::Memory(memory) => self.variable(pool, Meaning::Byte { memory, address }, 8),
            // Memories are made by these three nodes only.
            other => unreachable!("not a memory: {other:?}"),
        };
        self.reads.insert((m, address), byte);
        byte
    }

    fn byte_at(&mut self, pool: &mut TermPool, memory: TermId, address: TermId, i: u32) -> TermId {
        let k = pool.constant(64, i.into());
        let address = pool.add(&address, &k);
        self.read(pool, memory, address, 1)
    }

    fn float(&mut self, pool: &mut TermPool, op: FpOp, args: &[TermId]) -> TermId {
        let w = pool.term_width(args[0]);
        if matches!(
            op,
            FpOp::Eq | FpOp::Lt | FpOp::Le | FpOp::Unord | FpOp::Min | FpOp::Max
        ) {
            return compare(pool, op, args[0], args[1]);
        }
        let padded = std::array::from_fn(|i| args.get(i).copied().unwrap_or(args[0]));
        let meaning = Meaning::Fp {
            op,
            count: args.len() as u8,
            args: padded,
        };
        self.variable(pool, meaning, op.result_width(w))
    }

    /// Constraints between the variables `used`: equal operands, equal values.
    pub fn constraints(&self, pool: &mut TermPool, used: &dyn Fn(TermId) -> bool) -> Vec<TermId> {
        let used: Vec<&(TermId, Meaning)> =
            self.variables.iter().filter(|(v, _)| used(*v)).collect();
        let mut out = Vec::new();
        for (i, (v, meaning)) in used.iter().enumerate() {
            for (u, other) in &used[..i] {
                let same = match (meaning, other) {
                    (
                        Meaning::Byte {
                            memory: m,
                            address: a,
                        },
                        Meaning::Byte {
                            memory: n,
                            address: b,
                        },
                    ) if m == n => match distance(pool, *a, *b) {
                        Some(_) => continue,
                        None if self.apart.holds(pool, (*a, 1), (*b, 1)) => continue,
                        None => pool.eq(a, b),
                    },
                    (
                        Meaning::Fp { op, count, args },
                        Meaning::Fp {
                            op: o,
                            count: c,
                            args: others,
                        },
                    ) if (op, count) == (o, c)
                        && pool.term_width(args[0]) == pool.term_width(others[0]) =>
                    {
                        let mut all = pool.bit(true);
                        for (a, b) in args.iter().zip(others).take(*count as usize) {
                            let eq = pool.eq(a, b);
                            all = pool.and(&all, &eq);
                        }
                        if matches!(op, FpOp::Add | FpOp::Mul) {
                            let crossed = exchanged(pool, args, others);
                            all = pool.bin(BinOp::Or, &all, &crossed);
                        }
                        all
                    }
                    _ => continue,
                };
                let differ = pool.not(&same);
                let equal = pool.eq(v, u);
                let holds = pool.bin(BinOp::Or, &differ, &equal);
                if pool.as_constant(&holds).is_none() {
                    out.push(holds);
                }
            }
        }
        out
    }
}

/// One bit: the operands of two sums or products are the same the other way round, and are not both NaN. Of two NaN
/// the processor returns the first; of one it returns that one, and a NaN made from numbers is always the default.
fn exchanged(pool: &mut TermPool, args: &[TermId; 3], others: &[TermId; 3]) -> TermId {
    let (x, y) = (pool.eq(&args[0], &others[1]), pool.eq(&args[1], &others[0]));
    let (m, n) = (is_nan(pool, args[0]), is_nan(pool, args[1]));
    let both = pool.and(&m, &n);
    let not = pool.not(&both);
    let same = pool.and(&x, &y);
    pool.and(&same, &not)
}

/// Comparisons of IEEE bit patterns.
fn compare(pool: &mut TermPool, op: FpOp, a: TermId, b: TermId) -> TermId {
    let w = pool.term_width(a);
    let (na, nb) = (is_nan(pool, a), is_nan(pool, b));
    let unordered = pool.bin(BinOp::Or, &na, &nb);
    if op == FpOp::Unord {
        return unordered;
    }
    let ordered = pool.not(&unordered);
    let (ma, mb) = (magnitude(pool, a), magnitude(pool, b));
    let either = pool.bin(BinOp::Or, &ma, &mb);
    let zeros = pool.is_zero(&either);
    let same = pool.eq(&a, &b);
    let equal = pool.bin(BinOp::Or, &zeros, &same);
    // Less, leaving NaN and two zeros aside: by sign, then by magnitude (reversed when both are negative).
    let less = |pool: &mut TermPool, (a, ma): (TermId, TermId), (b, mb): (TermId, TermId)| {
        let (sa, sb) = (pool.extract(&a, w - 1, 1), pool.extract(&b, w - 1, 1));
        let (up, down) = (
            pool.cmp(CmpOp::Ult, &ma, &mb),
            pool.cmp(CmpOp::Ult, &mb, &ma),
        );
        let positive = pool.not(&sb);
        let positive = pool.and(&positive, &up);
        let negative = pool.not(&sb);
        let negative = pool.bin(BinOp::Or, &negative, &down);
        let less = pool.ite(&sa, &negative, &positive);
        let distinct = pool.not(&zeros);
        let less = pool.and(&less, &distinct);
        pool.and(&less, &ordered)
    };
    match op {
        FpOp::Eq => pool.and(&equal, &ordered),
        FpOp::Lt => less(pool, (a, ma), (b, mb)),
        FpOp::Le => {
            let less = less(pool, (a, ma), (b, mb));
            let equal = pool.and(&equal, &ordered);
            pool.bin(BinOp::Or, &less, &equal)
        }
        FpOp::Min => {
            let c = less(pool, (a, ma), (b, mb));
            pool.ite(&c, &a, &b)
        }
        _ => {
            let c = less(pool, (b, mb), (a, ma));
            pool.ite(&c, &a, &b)
        }
    }
}

/// The pattern without its sign.
fn magnitude(pool: &mut TermPool, a: TermId) -> TermId {
    let w = pool.term_width(a);
    pool.extract(&a, 0, w - 1)
}

fn is_nan(pool: &mut TermPool, a: TermId) -> TermId {
    let w = pool.term_width(a);
    let fraction = if w == 64 { 52 } else { 23 };
    let infinity = pool.constant(w - 1, ((1u128 << (w - 1 - fraction)) - 1) << fraction);
    let m = magnitude(pool, a);
    pool.cmp(CmpOp::Ult, &infinity, &m)
}
