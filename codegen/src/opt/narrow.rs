//! How many low bits of an integer can be set, over the whole function: masks that change nothing go, and the e-graph knows how long its inputs are.
//!
//! Bounds start at zero and grow along the ways that code can take, so that a number that a loop masks before it goes round
//! is as short at the loop's head. A bound that keeps growing there ends at 64.

use super::known::Known;
use super::{OptStats, Replace};
use crate::ir::{BinOp, Cfg, Function, Inst, LoadKind, Opnd, OvfOp, Type, UnOp, Value, ValueDef};

/// Rounds in which bounds of parameters may grow bit by bit.
const PATIENCE: u32 = 4;

/// Removes masks that change nothing. Tells `known` what it found out of parameters.
pub(super) fn run(f: &mut Function, known: &mut Known, stats: &mut OptStats) {
    let cfg = Cfg::new(f);
    let bits = bounds(f, &cfg, known);
    for &b in &cfg.rpo[1..] {
        for &p in &f.blocks[b.index()].params {
            let n = bits[p.index()];
            if f.ty(p) == Type::I64 && n < 63 {
                known.bound(p, 0, (1 << n) - 1);
            }
        }
    }
    let mut replace = Replace::new(f);
    for &b in &cfg.rpo {
        let mut list = std::mem::take(&mut f.blocks[b.index()].insts);
        list.retain(|&id| {
            let node = &f.insts[id.index()];
            let res = node.first_result;
            if let Some(v) = unchanged(f, &bits, &node.inst) {
                replace.set(res, v);
                stats.masks += 1;
                return false;
            }
            true
        });
        f.blocks[b.index()].insts = list;
    }
    replace.apply(f);
}

/// The operand of a mask that has no bits but those that the mask leaves.
fn unchanged(f: &Function, bits: &[u8], inst: &Inst) -> Option<Value> {
    let (a, kept) = mask(f, inst)?;
    // The bit that a sign extension repeats must not be set.
    let signed = matches!(inst, Inst::Unary { op, .. } if op.extends().is_some_and(|e| e.1));
    (bits[a.index()] <= kept - u8::from(signed)).then_some(a)
}

/// The operand of a mask or an extension, and how many of its low bits are in the result as they are.
pub(super) fn mask(f: &Function, inst: &Inst) -> Option<(Value, u8)> {
    match *inst {
        Inst::Unary { op, a } => Some((a, op.extends()?.0)),
        Inst::Binary {
            op: BinOp::And,
            a,
            b,
        } => Some((a, f.opnd_const(b)?.trailing_ones() as u8)),
        _ => None,
    }
}

/// By value: the number of low bits that can be set. 64 for what is no integer. What is known of parameters holds beside what they are given.
pub(super) fn bounds(f: &Function, cfg: &Cfg, known: &Known) -> Vec<u8> {
    let mut bits = vec![0u8; f.values.len()];
    for v in 0..f.values.len() as u32 {
        let value = Value(v);
        let open = matches!(f.values[v as usize].def, ValueDef::Param(b, _) if b == f.entry());
        if open || f.ty(value) != Type::I64 {
            bits[v as usize] = 64;
        }
    }
    let mut round = 0;
    loop {
        let mut changed = false;
        let mut raise = |slot: &mut u8, to: u8| {
            if to > *slot {
                *slot = to;
                changed = true;
            }
        };
        for &b in &cfg.rpo {
            for id in &f.blocks[b.index()].insts {
                let node = &f.insts[id.index()];
                if node.num_results == 1 && f.ty(node.first_result) == Type::I64 {
                    let n = of_inst(f, &bits, &node.inst);
                    raise(&mut bits[node.first_result.index()], n);
                } else {
                    for v in node.results() {
                        raise(&mut bits[v.index()], 64);
                    }
                }
            }
            for t in f.targets(b) {
                for (&p, &arg) in f.blocks[t.block.index()].params.iter().zip(&t.args) {
                    let most = known.get(p).filter(|fact| fact.lo >= 0);
                    let n = bits[arg.index()].min(most.map_or(64, |fact| length(fact.hi)));
                    let grows = n > bits[p.index()];
                    let n = match grows && round >= PATIENCE {
                        true => most.map_or(64, |fact| length(fact.hi)),
                        false => n,
                    };
                    raise(&mut bits[p.index()], n);
                }
            }
        }
        if !changed {
            return bits;
        }
        round += 1;
    }
}

fn of_inst(f: &Function, bits: &[u8], inst: &Inst) -> u8 {
    let of = |v: Value| bits[v.index()];
    let opnd = |o: Opnd| match o {
        Opnd::Value(v) => of(v),
        Opnd::Imm(n) => length(i64::from(n)),
    };
    let n = match *inst {
        Inst::Iconst(n) => return length(n),
        Inst::Load { kind, .. } => match kind {
            LoadKind::U8 => 8,
            LoadKind::U16 => 16,
            LoadKind::U32 => 32,
            _ => 64,
        },
        Inst::BoolOf(_) => 1,
        Inst::Select { a, b, .. } => of(a).max(of(b)),
        Inst::Unary { op, a } => match op {
            UnOp::Zext8 => of(a).min(8),
            UnOp::Zext16 => of(a).min(16),
            UnOp::Zext32 => of(a).min(32),
            UnOp::Bswap32 => 32,
            UnOp::Sext8 if of(a) < 8 => of(a),
            UnOp::Sext16 if of(a) < 16 => of(a),
            UnOp::Sext32 if of(a) < 32 => of(a),
            _ => 64,
        },
        Inst::Overflow { op, a, b } => match op {
            OvfOp::Add => sum(of(a), opnd(b)),
            OvfOp::Mul => of(a).saturating_add(opnd(b)),
            OvfOp::Sub => 64,
        },
        Inst::Binary { op, a, b } => {
            let (x, y, n) = (of(a), opnd(b), f.opnd_const(b));
            match (op, n) {
                (BinOp::And, _) => x.min(y),
                (BinOp::Or | BinOp::Xor, _) => x.max(y),
                (BinOp::Iadd, _) => sum(x, y),
                (BinOp::Imul, _) => x.saturating_add(y),
                (BinOp::Shl, Some(n)) => x.saturating_add(n as u8 & 63),
                (BinOp::Shr, Some(n)) => x.saturating_sub(n as u8 & 63),
                (BinOp::Shr, None) => x,
                (BinOp::Sar, Some(n)) if x < 64 => x.saturating_sub(n as u8 & 63),
                (BinOp::Sar, None) if x < 64 => x,
                (BinOp::Sdiv, _) if x < 64 && y < 64 => x,
                (BinOp::Sfloor, Some(d @ 1..)) if x < 64 => x.saturating_sub(d.ilog2() as u8),
                (BinOp::Smod, Some(d @ 1..)) if x < 64 => x.min(length(d - 1)),
                (BinOp::Smod, Some(d @ 1..)) => length(d - 1),
                (BinOp::Srem, _) if x < 64 && y < 64 => x.min(y),
                (BinOp::Srem, _) if x < 64 => x,
                (BinOp::Rotr32, _) => 32,
                _ => 64,
            }
        }
        _ => 64,
    };
    n.min(64)
}

/// The bits of a constant.
fn length(n: i64) -> u8 {
    64 - n.leading_zeros() as u8
}

/// Of a sum, zero aside one more than of the longer operand.
fn sum(a: u8, b: u8) -> u8 {
    match (a, b) {
        (0, n) | (n, 0) => n,
        _ => a.max(b).saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Cond, FunctionBuilder, IntCc, PReg};
    use crate::opt::eval;

    /// Every operation on all small operands, and on some that have bits everywhere: the result has no bit beyond the bound
    /// that follows from the operands' own.
    #[test]
    fn bounds_hold() {
        let mut values: Vec<u64> = (0..64).collect();
        for n in 6..64u64 {
            values.extend([1 << n, (1 << n) - 1, !0 << n, (1 << n) + 5, !(1 << n)]);
        }
        let int = BinOp::ALL.iter().filter(|op| op.ty() == Type::I64);
        let int: Vec<BinOp> = int.copied().collect();
        let extend = &UnOp::ALL[..10];
        let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi), (Type::I64, PReg::Rsi)]);
        let (x, y) = (b.param(0), b.param(1));
        let open: Vec<Value> = int.iter().map(|&op| b.binary(op, x, y)).collect();
        let unary: Vec<Value> = extend.iter().map(|&op| b.unary(op, x)).collect();
        let counts = 0..64;
        let fixed: Vec<Vec<Value>> = counts
            .map(|n| int.iter().map(|&op| b.binary(op, x, n)).collect())
            .collect();
        b.ret(&[]);
        let f = b.finish();
        let inst = |v: Value| f.def_inst(v).expect("an instruction");
        let mut bits = vec![64; f.values.len()];
        let mut checked = 0;
        let mut check = |bits: &[u8], v: Value, result: Option<u64>| {
            if let Some(r) = result {
                let bound = of_inst(&f, bits, inst(v));
                assert!(length(r as i64) <= bound, "{:?} {bits:?} {r:#x}", inst(v));
                checked += 1;
            }
        };
        for &m in &values {
            bits[x.index()] = length(m as i64);
            for (&op, &v) in extend.iter().zip(&unary) {
                check(&bits, v, eval::unary(op, m));
            }
            for n in 0..64u64 {
                for (&op, &v) in int.iter().zip(&fixed[n as usize]) {
                    check(&bits, v, eval::binary(op, m, n));
                }
            }
            for &n in &values {
                bits[y.index()] = length(n as i64);
                for (&op, &v) in int.iter().zip(&open) {
                    check(&bits, v, eval::binary(op, m, n));
                }
            }
        }
        assert!(checked > 1_000_000);
    }

    /// A bound that a loop keeps raising ends.
    #[test]
    fn growing_numbers_have_no_bound() {
        let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi)]);
        let n = b.param(0);
        let (head, done) = (b.create_block(), b.create_block());
        let i = b.block_param(head, Type::I64);
        let zero = b.iconst(0);
        b.jump(head, &[zero]);
        b.switch_to(head);
        let next = b.iadd(i, 1);
        b.brif(Cond::icmp(IntCc::Ne, next, n), (head, &[next]), (done, &[]));
        b.switch_to(done);
        b.ret(&[(i, PReg::Rax)]);
        let f = b.finish();
        let bits = bounds(&f, &Cfg::new(&f), &Known::default());
        assert_eq!((bits[i.index()], bits[next.index()]), (64, 64));
    }
}
