//! Compound operations as the bit-vector operations every solver has, and the lemmas about division by powers of two.
//!
//! Each rewriting is an identity for all inputs (also for zero divisors and for counts beyond the width).

use super::rebuild::Rewriter;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Node, TermId, TermPool, UnOp};

/// Rewrites the words `roots` into operations that `smt` prints.
pub fn expand(pool: &mut TermPool, rewriter: &mut Rewriter, roots: &[TermId]) {
    rewriter.run(pool, roots, &mut |pool, _, t| expand_one(pool, t));
}

fn constant_of(pool: &TermPool, t: TermId) -> Option<u128> {
    pool.as_constant(&t)
}

/// One node whose operands are expanded.
fn expand_one(pool: &mut TermPool, t: TermId) -> TermId {
    let w = pool.term_width(t);
    match pool.node(t) {
        Node::Extract(a, lo) => slice(pool, a, lo, w),
        Node::Un(UnOp::Popcnt, a) => popcnt(pool, a),
        Node::Un(UnOp::Ctz, a) => count_zeros(pool, a, true),
        Node::Un(UnOp::Clz, a) => count_zeros(pool, a, false),
        Node::Un(UnOp::Bswap, a) => {
            let mut out = pool.extract(&a, 0, 8);
            for i in 1..w / 8 {
                let byte = pool.extract(&a, 8 * i, 8);
                out = pool.concat(&out, &byte);
            }
            out
        }
        Node::Bin(op, a, b) => match op {
            BinOp::MulHiU | BinOp::MulHiS => {
                let wide = |pool: &mut TermPool, t| match op {
                    BinOp::MulHiU => pool.zext(&t, 2 * w),
                    _ => pool.sext(&t, 2 * w),
                };
                let (x, y) = (wide(pool, a), wide(pool, b));
                let product = pool.bin(BinOp::Mul, &x, &y);
                pool.extract(&product, w, w)
            }
            BinOp::Rotl | BinOp::Rotr => rotate(pool, op == BinOp::Rotl, a, b),
            BinOp::Pext => pext(pool, a, b),
            BinOp::Pdep => pdep(pool, a, b),
            BinOp::Udiv | BinOp::Urem => divide(pool, op, a, b),
            _ => t,
        },
        _ => t,
    }
}

/// Bits `lo .. lo + width`, looked for through shifts by constants.
pub fn slice(pool: &mut TermPool, t: TermId, lo: u32, width: u32) -> TermId {
    let w = pool.term_width(t);
    if let Node::Bin(op @ (BinOp::Lshr | BinOp::Shl), a, k) = pool.node(t)
        && let Some(k) = constant_of(pool, k).filter(|k| *k < w.into())
    {
        let k = k as u32;
        match op {
            BinOp::Lshr if lo + k + width <= w => return slice(pool, a, lo + k, width),
            BinOp::Lshr if lo + k < w => {
                let high = slice(pool, a, lo + k, w - lo - k);
                return pool.zext(&high, width);
            }
            BinOp::Shl if lo >= k => return slice(pool, a, lo - k, width),
            BinOp::Shl if lo + width <= k => return pool.constant(width, 0),
            BinOp::Lshr => return pool.constant(width, 0),
            _ => {}
        }
    }
    pool.extract(&t, lo, width)
}

/// Sums of neighbours: pairs, then fours, then bytes; the bytes summed by shifts.
fn popcnt(pool: &mut TermPool, a: TermId) -> TermId {
    let w = pool.term_width(a);
    let full = w.next_power_of_two().max(8);
    let mut x = pool.zext(&a, full);
    let pattern = |step: u32| {
        let ones = (1u128 << step) - 1;
        (0..full)
            .step_by(2 * step as usize)
            .fold(0u128, |m, i| m | ones << i)
    };
    let mut step = 1;
    while step < full {
        let mask = pool.constant(full, pattern(step));
        let k = pool.constant(full, step.into());
        let high = pool.bin(BinOp::Lshr, &x, &k);
        let high = pool.and(&high, &mask);
        x = match step {
            // x - ((x >> 1) & 0x55..) is one operation shorter.
            1 => pool.sub(&x, &high),
            2 => {
                let low = pool.and(&x, &mask);
                pool.add(&low, &high)
            }
            4 => {
                let shifted = pool.bin(BinOp::Lshr, &x, &k);
                let sum = pool.add(&x, &shifted);
                pool.and(&sum, &mask)
            }
            // Bytes hold at most 128 from here on, so that sums do not leave their fields' low byte.
            _ => {
                let shifted = pool.bin(BinOp::Lshr, &x, &k);
                pool.add(&x, &shifted)
            }
        };
        step *= 2;
    }
    let bits = (u32::BITS - full.leading_zeros()).min(full);
    let low = pool.constant(full, (1u128 << bits) - 1);
    let x = pool.and(&x, &low);
    pool.extract(&x, 0, w)
}

/// Trailing (or leading) zeros by halving; the width for zero.
fn count_zeros(pool: &mut TermPool, a: TermId, trailing: bool) -> TermId {
    let w = pool.term_width(a);
    let full = w.next_power_of_two();
    // Pad with ones on the far side, so that a zero word counts to its width.
    let mut x = a;
    if full > w {
        let ones = pool.constant(full - w, u128::MAX);
        x = if trailing {
            pool.concat(&ones, &a)
        } else {
            pool.concat(&a, &ones)
        };
    }
    // When the near half is zero, look at the far half and add its width.
    let mut bits = Vec::new();
    let mut len = full;
    while len > 1 {
        len /= 2;
        let (low, high) = (pool.extract(&x, 0, len), pool.extract(&x, len, len));
        let (near, far) = if trailing { (low, high) } else { (high, low) };
        let empty = pool.is_zero(&near);
        x = pool.ite(&empty, &far, &near);
        bits.push(empty);
    }
    // The last bit: zero also there means the word was zero, and the count is all ones plus one.
    let width = w.max(8);
    let mut count = pool.constant(width, 0);
    let mut weight = full / 2;
    for b in bits {
        let one = pool.constant(width, weight.into());
        let zero = pool.constant(width, 0);
        let term = pool.ite(&b, &one, &zero);
        count = pool.bin(BinOp::Or, &count, &term);
        weight /= 2;
    }
    let last = pool.not(&x);
    let last = pool.zext(&last, width);
    let count = pool.add(&count, &last);
    pool.extract(&count, 0, w)
}

fn rotate(pool: &mut TermPool, left: bool, a: TermId, count: TermId) -> TermId {
    let w = pool.term_width(a);
    if let Some(k) = constant_of(pool, count) {
        let k = (k % u128::from(w)) as u32;
        let k = if left { k } else { (w - k) % w };
        if k == 0 {
            return a;
        }
        let (high, low) = (pool.extract(&a, 0, w - k), pool.extract(&a, w - k, k));
        return pool.concat(&high, &low);
    }
    let width = pool.constant(w, w.into());
    let k = if w.is_power_of_two() {
        let m = pool.constant(w, u128::from(w - 1));
        pool.and(&count, &m)
    } else {
        pool.bin(BinOp::Urem, &count, &width)
    };
    // The other part's count is the width when k is zero, and its shift gives zero.
    let rest = pool.sub(&width, &k);
    let (first, second) = if left {
        (BinOp::Shl, BinOp::Lshr)
    } else {
        (BinOp::Lshr, BinOp::Shl)
    };
    let (x, y) = (pool.bin(first, &a, &k), pool.bin(second, &a, &rest));
    pool.bin(BinOp::Or, &x, &y)
}

/// The steps of parallel extraction and deposit: for each power of two, which bits move by it (Hacker's Delight 7-4).
fn moves(pool: &mut TermPool, mask: TermId) -> Vec<TermId> {
    let w = pool.term_width(mask);
    let one = pool.constant(w, 1);
    let mut m = mask;
    // Counts zeros to the right of each bit, one binary digit at a time.
    let inverted = pool.not(&mask);
    let mut zeros = pool.bin(BinOp::Shl, &inverted, &one);
    let mut out = Vec::new();
    let mut step = 1;
    while step < w {
        // Prefix parity of `zeros`.
        let mut parity = zeros;
        let mut k = 1;
        while k < w {
            let by = pool.constant(w, k.into());
            let shifted = pool.bin(BinOp::Shl, &parity, &by);
            parity = pool.xor(&parity, &shifted);
            k *= 2;
        }
        let moving = pool.and(&parity, &m);
        let by = pool.constant(w, step.into());
        let moved = pool.bin(BinOp::Lshr, &moving, &by);
        let kept = pool.xor(&m, &moving);
        m = pool.bin(BinOp::Or, &kept, &moved);
        let not_parity = pool.not(&parity);
        zeros = pool.and(&zeros, &not_parity);
        out.push(moving);
        step *= 2;
    }
    out
}

fn pext(pool: &mut TermPool, a: TermId, mask: TermId) -> TermId {
    let w = pool.term_width(a);
    let mut x = pool.and(&a, &mask);
    for (i, moving) in moves(pool, mask).into_iter().enumerate() {
        let t = pool.and(&x, &moving);
        let by = pool.constant(w, 1 << i);
        let moved = pool.bin(BinOp::Lshr, &t, &by);
        let kept = pool.xor(&x, &t);
        x = pool.bin(BinOp::Or, &kept, &moved);
    }
    x
}

fn pdep(pool: &mut TermPool, a: TermId, mask: TermId) -> TermId {
    let w = pool.term_width(a);
    let mut x = a;
    for (i, moving) in moves(pool, mask).into_iter().enumerate().rev() {
        let by = pool.constant(w, 1 << i);
        let moved = pool.bin(BinOp::Shl, &x, &by);
        // (x & ~moving) | (moved & moving)
        let kept = pool.not(&moving);
        let kept = pool.and(&x, &kept);
        let moved = pool.and(&moved, &moving);
        x = pool.bin(BinOp::Or, &kept, &moved);
    }
    pool.and(&x, &mask)
}

/// Number of low bits that can be set, as far as a few levels of the term show.
pub fn effective_width(pool: &TermPool, t: TermId) -> u32 {
    fn look(pool: &TermPool, t: TermId, depth: u32) -> u32 {
        let w = pool.term_width(t);
        if depth == 0 {
            return w;
        }
        match pool.node(t) {
            Node::Const(v) => u128::BITS - v.leading_zeros(),
            Node::Zext(a) => look(pool, a, depth - 1),
            Node::Bin(BinOp::And, a, b) => look(pool, a, depth - 1).min(look(pool, b, depth - 1)),
            Node::Bin(BinOp::Or | BinOp::Xor, a, b) => {
                look(pool, a, depth - 1).max(look(pool, b, depth - 1))
            }
            Node::Bin(BinOp::Lshr, a, k) => match constant_of(pool, k) {
                Some(k) => look(pool, a, depth - 1).saturating_sub(k.min(w.into()) as u32),
                None => w,
            },
            Node::Ite(_, a, b) => look(pool, a, depth - 1).max(look(pool, b, depth - 1)),
            _ => w,
        }
    }
    look(pool, t, 5)
}

/// Division: narrowed by common leading zeros, and by the lemmas `y / (x & -x) = y >> tz(x)`, `y / (1 << k) = y >> k`.
fn divide(pool: &mut TermPool, op: BinOp, y: TermId, d: TermId) -> TermId {
    let w = pool.term_width(y);
    let zero_divisor = pool.is_zero(&d);
    // What SMT-LIB says of a zero divisor.
    let otherwise = match op {
        BinOp::Udiv => pool.constant(w, u128::MAX),
        _ => y,
    };
    let need = effective_width(pool, y)
        .max(effective_width(pool, d))
        .max(1);
    if need < w {
        let (yn, dn) = (pool.extract(&y, 0, need), pool.extract(&d, 0, need));
        let narrow = pool.bin(op, &yn, &dn);
        let narrow = match pool.node(narrow) {
            Node::Bin(o, a, b) if o == op => divide(pool, op, a, b),
            _ => narrow,
        };
        let wide = pool.zext(&narrow, w);
        return pool.ite(&zero_divisor, &otherwise, &wide);
    }
    if let Some(exponent) = power_of_two(pool, d) {
        let good = match op {
            BinOp::Udiv => pool.bin(BinOp::Lshr, &y, &exponent),
            _ => {
                let ones = pool.constant(w, u128::MAX);
                let low = pool.add(&d, &ones);
                pool.and(&y, &low)
            }
        };
        return pool.ite(&zero_divisor, &otherwise, &good);
    }
    pool.bin(op, &y, &d)
}

/// The exponent, when a word is a power of two or zero by its form.
fn power_of_two(pool: &mut TermPool, d: TermId) -> Option<TermId> {
    let w = pool.term_width(d);
    match pool.node(d) {
        Node::Const(v) if v.is_power_of_two() => Some(pool.constant(w, v.trailing_zeros().into())),
        Node::Bin(BinOp::Shl, one, k) if constant_of(pool, one) == Some(1) => Some(k),
        Node::Bin(BinOp::And, a, b) => {
            let (na, nb) = (pool.un(UnOp::Neg, &a), pool.un(UnOp::Neg, &b));
            let x = if na == b {
                a
            } else if nb == a {
                b
            } else {
                return None;
            };
            Some(count_zeros(pool, x, true))
        }
        _ => None,
    }
}

/// One bit: two words differ.
pub fn differ(pool: &mut TermPool, a: TermId, b: TermId) -> TermId {
    let same = pool.cmp(CmpOp::Eq, &a, &b);
    pool.not(&same)
}
