//! Floor divisions by constants in operations that the processor has: what is left of them behind the e-graph, which knows better ways where the
//! dividend is known to be short or not negative.
//!
//! Multiplication by the reciprocal (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994). The high half of the product,
//! shifted, is `ceil(x / d) - 1` for negative `x` and `floor(x / d)` for others, so that the remainder is `d` where it should be 0.

use super::hash::FastMap;
use super::{OptStats, Replace};
use crate::ir::{BinOp, Block, Cond, Function, Inst, InstId, IntCc, Opnd, SrcLoc, Type, Value};

/// Multiplier and shift for the signed division by `d > 1`, no power of two: with `p = 64 + shift`, the smallest `p` for which
/// `m = ceil(2^p / d)` satisfies `m * d - 2^p < 2^(p - 63)`; the multiplier is `m` modulo 2^64.
fn reciprocal(d: i64) -> (i64, i32) {
    let d = d as u128;
    let mut p = 64;
    loop {
        let (q, r) = ((1u128 << p) / d, (1u128 << p) % d);
        let (m, excess) = if r == 0 { (q, 0) } else { (q + 1, d - r) };
        if excess < 1u128 << (p - 63) && m < 1u128 << 64 {
            return (m as u64 as i64, p - 64);
        }
        p += 1;
    }
}

/// Whether there is one.
pub fn present(f: &Function) -> bool {
    let mut all = f.blocks.iter().flat_map(|b| &b.insts);
    all.any(|id| division(&f.insts[id.index()].inst).is_some())
}

fn division(inst: &Inst) -> Option<(BinOp, Value, Opnd)> {
    match *inst {
        Inst::Binary {
            op: op @ (BinOp::Sfloor | BinOp::Smod),
            a,
            b,
        } => Some((op, a, b)),
        _ => None,
    }
}

/// Writes them all otherwise. Quotient and remainder of the same numbers in one block are computed once.
pub fn run(f: &mut Function, stats: &mut OptStats) {
    let mut replace = Replace::new(f);
    for b in (0..f.blocks.len() as u32).map(Block) {
        let insts = &f.blocks[b.index()].insts;
        let first = insts
            .iter()
            .position(|id| division(&f.insts[id.index()].inst).is_some());
        let Some(first) = first else { continue };
        let rest = f.blocks[b.index()].insts.split_off(first);
        let mut known: FastMap<(Value, i64), Parts> = FastMap::default();
        for id in rest {
            let node = &f.insts[id.index()];
            let (result, loc) = (node.first_result, node.loc);
            let Some((op, x, d)) = division(&node.inst) else {
                f.blocks[b.index()].insts.push(id);
                continue;
            };
            let mut w = Writer { f, block: b, loc };
            let new = match w.f.opnd_const(d) {
                Some(1) if op == BinOp::Sfloor => x,
                Some(n) if n > 0 && n & (n - 1) == 0 => w.power(op, x, n),
                Some(n) if n > 0 => {
                    let parts = *known.entry((x, n)).or_insert_with(|| w.parts(x, n));
                    w.result(op, parts, n)
                }
                _ => w.unknown(op, x, d),
            };
            replace.grow(f);
            replace.set(result, new);
            stats.divisions += 1;
        }
    }
    replace.apply(f);
}

/// The quotient, one too small where the remainder is the divisor.
#[derive(Clone, Copy)]
struct Parts {
    q: Value,
    r: Value,
}

struct Writer<'f> {
    f: &'f mut Function,
    block: Block,
    loc: SrcLoc,
}

impl Writer<'_> {
    fn add(&mut self, inst: Inst) -> Value {
        let id: InstId = self.f.new_inst(inst, &[Type::I64], self.loc);
        self.f.blocks[self.block.index()].insts.push(id);
        self.f.insts[id.index()].first_result
    }
    fn binary(&mut self, op: BinOp, a: Value, b: Opnd) -> Value {
        self.add(Inst::Binary { op, a, b })
    }
    fn constant(&mut self, n: i64) -> Opnd {
        match i32::try_from(n) {
            Ok(n) => Opnd::Imm(n),
            Err(_) => Opnd::Value(self.add(Inst::Iconst(n))),
        }
    }
    fn power(&mut self, op: BinOp, x: Value, d: i64) -> Value {
        match op {
            BinOp::Smod => {
                let mask = self.constant(d - 1);
                self.binary(BinOp::And, x, mask)
            }
            _ => self.binary(BinOp::Sar, x, Opnd::Imm(d.trailing_zeros() as i32)),
        }
    }
    fn parts(&mut self, x: Value, d: i64) -> Parts {
        let (multiplier, shift) = reciprocal(d);
        let m = self.add(Inst::Iconst(multiplier));
        let mut high = self.binary(BinOp::Smulh, x, Opnd::Value(m));
        if multiplier < 0 {
            high = self.binary(BinOp::Iadd, high, Opnd::Value(x));
        }
        let q = match shift {
            0 => high,
            _ => self.binary(BinOp::Sar, high, Opnd::Imm(shift)),
        };
        let divisor = self.constant(d);
        let product = self.binary(BinOp::Imul, q, divisor);
        let r = self.binary(BinOp::Isub, x, Opnd::Value(product));
        Parts { q, r }
    }
    fn result(&mut self, op: BinOp, Parts { q, r }: Parts, d: i64) -> Value {
        let divisor = self.constant(d);
        let cond = Cond::icmp(IntCc::Eq, r, divisor);
        let (a, b) = match op {
            BinOp::Smod => (self.add(Inst::Iconst(0)), r),
            _ => (self.binary(BinOp::Iadd, q, Opnd::Imm(1)), q),
        };
        let ty = Type::I64;
        self.add(Inst::Select { ty, cond, a, b })
    }
    /// By a number that is positive, but no constant any more.
    fn unknown(&mut self, op: BinOp, x: Value, d: Opnd) -> Value {
        let r = self.binary(BinOp::Srem, x, d);
        let cond = Cond::icmp(IntCc::Slt, r, 0);
        let (a, b) = match op {
            BinOp::Smod => (self.binary(BinOp::Iadd, r, d), r),
            _ => {
                let q = self.binary(BinOp::Sdiv, x, d);
                (self.binary(BinOp::Iadd, q, Opnd::Imm(-1)), q)
            }
        };
        let ty = Type::I64;
        self.add(Inst::Select { ty, cond, a, b })
    }
}

#[cfg(test)]
mod tests {
    use super::reciprocal;

    /// The division `floor_division_by` builds.
    fn divide(x: i64, d: i64) -> (i64, i64) {
        let (m, s) = reciprocal(d);
        let mut high = ((x as i128 * m as i128) >> 64) as i64;
        if m < 0 {
            high = high.wrapping_add(x);
        }
        let q = high >> s;
        let r = x.wrapping_sub(q.wrapping_mul(d));
        if r == d { (q + 1, 0) } else { (q, r) }
    }

    #[test]
    fn reciprocals_divide() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for round in 0..20_000 {
            let d = match round {
                0..2000 => round + 2,
                2000..2063 => (1_i64 << (round - 2000)).wrapping_add(1).max(3),
                2063..2126 => (1_i64 << (round - 2063)).wrapping_sub(1).max(3),
                _ => ((next() >> 1 >> (next() % 62)) as i64).max(3),
            };
            if d.count_ones() == 1 {
                continue;
            }
            let most = i64::MAX / d * d;
            let mut xs = vec![
                0,
                1,
                -1,
                d,
                -d,
                d - 1,
                1 - d,
                i64::MIN,
                i64::MAX,
                most,
                -most,
            ];
            xs.extend([most - 1, -most - 1, most.wrapping_add(1)]);
            for _ in 0..20 {
                let x = (next() as i64) >> (next() % 64);
                xs.extend([x, x / d * d, (x / d * d).wrapping_sub(1)]);
            }
            for x in xs {
                let want = (x.div_euclid(d), x.rem_euclid(d));
                assert_eq!(divide(x, d), want, "{x} by {d}");
            }
        }
    }
}
