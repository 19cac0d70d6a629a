//! Words: numbers of 64 bits from memory that a program rotates in 32 (`(x >> n | x << 32 - n) & 0xffffffff`).
//!
//! If no bit above is set, which memory does not promise but programs of this kind keep up, each of these is one rotation. So behind
//! the load its upper half is asked for once, and all rotations of the number are done twice: of its lower half, which the e-graph makes rotations of, and,
//! in a cold block, of all of it. What puts rotations of one number together by `~` alone is done there as well.

use super::compact;
use super::hash::FastMap;
use super::known::Known;
use super::{OptStats, Replace, use_counts};
use crate::ir::{
    BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, InstId, IntCc, LoadKind, Opnd, Term, Type,
    UnOp, Value, Width,
};

/// Rotations of one number from which on the question pays.
const ROTATIONS: usize = 2;

/// Gives the rotations of loaded numbers two ways, where there are several in one block.
pub(super) fn run(f: &mut Function, known: &mut Known, stats: &mut OptStats) {
    let cfg = Cfg::new(f);
    let uses = use_counts(f, &cfg);
    let mut replace = Replace::new(f);
    // By block: what it was split into.
    let mut parts: FastMap<Block, Vec<Block>> = FastMap::default();
    let mut cold = Vec::new();
    for &b in &cfg.rpo {
        if f.blocks[b.index()].cold {
            continue;
        }
        let mut last = b;
        while let Some((at, list)) = find(f, &uses, last) {
            let [short, long, rest] = split(f, last, at, &list, &mut replace);
            parts.entry(b).or_default().extend([short, rest]);
            cold.push(long);
            last = rest;
            stats.words += 1;
        }
    }
    if parts.is_empty() {
        return;
    }
    replace.apply(f);
    let mut order = Vec::with_capacity(f.blocks.len());
    for b in (0..f.blocks.len() as u32 - 3 * cold.len() as u32).map(Block) {
        order.push(b);
        order.extend(parts.remove(&b).unwrap_or_default());
    }
    order.extend(cold);
    compact::compact(f, &order, known);
}

/// Rotations of a number in 32 bits, by different distances, put together by `~`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Rotations {
    of: Value,
    /// From the shortest to the longest.
    by: Vec<i32>,
}

impl Rotations {
    /// Both, if they are of one number.
    fn and(mut self, other: Rotations) -> Option<Rotations> {
        self.by.extend(other.by);
        self.by.sort_unstable();
        let different = self.by.windows(2).all(|n| n[0] != n[1]);
        (self.of == other.of && different).then_some(self)
    }

    /// What an instruction puts together. Its parts are used nowhere else.
    fn find(f: &Function, uses: &[u32], inst: &Inst) -> Option<Rotations> {
        if let &Inst::Binary {
            op: BinOp::Xor,
            a,
            b: Opnd::Value(b),
        } = inst
        {
            let part = |v: Value| match uses.get(v.index()) {
                Some(1) => Rotations::find(f, uses, f.def_inst(v)?),
                _ => None,
            };
            return part(a)?.and(part(b)?);
        }
        let (of, n) = rotated(f, inst)?;
        Some(Rotations { of, by: vec![n] })
    }
}

/// `x` and `n` of `x >> n | x << 32 - n` under a mask of 32 bits.
fn rotated(f: &Function, inst: &Inst) -> Option<(Value, i32)> {
    let inner = match *inst {
        Inst::Unary {
            op: UnOp::Zext32,
            a,
        } => a,
        Inst::Binary {
            op: BinOp::And,
            a,
            b,
        } if f.opnd_const(b) == Some(0xffff_ffff) => a,
        _ => return None,
    };
    // The two parts have no bit in common.
    let &Inst::Binary {
        op: BinOp::Or | BinOp::Xor | BinOp::Iadd,
        a,
        b: Opnd::Value(b),
    } = f.def_inst(inner)?
    else {
        return None;
    };
    let shift = |v: Value| match f.def_inst(v) {
        Some(&Inst::Binary {
            op: op @ (BinOp::Shl | BinOp::Shr),
            a,
            b: Opnd::Imm(n @ 1..=31),
        }) => Some((op, a, n)),
        _ => None,
    };
    match (shift(a)?, shift(b)?) {
        ((BinOp::Shr, x, n), (BinOp::Shl, y, m)) | ((BinOp::Shl, y, m), (BinOp::Shr, x, n))
            if x == y && n + m == 32 =>
        {
            Some((x, n))
        }
        _ => None,
    }
}

/// Rotations of one number, and the instruction that has the result.
type Found = (InstId, Rotations);

/// The place of the first load of a block whose number is rotated behind it, with the rotations.
fn find(f: &Function, uses: &[u32], b: Block) -> Option<(usize, Vec<Found>)> {
    let insts = &f.blocks[b.index()].insts;
    let mut found: Vec<Found> = Vec::new();
    // What the next ones put together.
    let mut parts: Vec<Value> = Vec::new();
    for &id in insts.iter().rev() {
        let node = &f.insts[id.index()];
        if let Some(all) = Rotations::find(f, uses, &node.inst) {
            let part = parts.contains(&node.first_result);
            if all.by.len() > 1 {
                node.inst.for_each_use(|v| parts.push(v));
            }
            if !part {
                found.push((id, all));
            }
        }
    }
    if found.is_empty() {
        return None;
    }
    found.reverse();
    insts.iter().enumerate().find_map(|(at, id)| {
        let node = &f.insts[id.index()];
        let Inst::Load {
            kind: LoadKind::I64,
            ..
        } = node.inst
        else {
            return None;
        };
        let here = found.iter().filter(|r| r.1.of == node.first_result);
        let here: Vec<Found> = here.cloned().collect();
        let rotations: usize = here.iter().map(|r| r.1.by.len()).sum();
        (rotations >= ROTATIONS).then_some((at, here))
    })
}

/// Ends a block behind a load with the question. Returns the block for short numbers, that for long ones, and the rest.
fn split(
    f: &mut Function,
    b: Block,
    at: usize,
    list: &[Found],
    replace: &mut Replace,
) -> [Block; 3] {
    let [short, long, rest] = [(); 3].map(|()| f.add_block());
    f.blocks[long.index()].cold = true;
    let mut behind = f.blocks[b.index()].insts.split_off(at + 1);
    behind.retain(|id| !list.iter().any(|r| r.0 == *id));
    let data = &mut f.blocks[b.index()];
    let load = data.insts[at];
    let (term, term_loc) = (data.term.take(), data.term_loc);
    let loc = f.insts[load.index()].loc;
    let Inst::Load { mut addr, .. } = f.insts[load.index()].inst else {
        unreachable!("found as a load");
    };
    addr.disp += 4;
    f.blocks[b.index()].term = Some(Term::BrIf {
        cond: Cond::icmp_mem(IntCc::Ne, Width::W32, addr, 0),
        then: BlockCall::new(long, &[]),
        els: BlockCall::new(short, &[]),
    });
    f.blocks[b.index()].term_loc = loc;
    let rest_data = &mut f.blocks[rest.index()];
    rest_data.insts = behind;
    rest_data.term = term;
    rest_data.term_loc = term_loc;
    let mut args = [Vec::new(), Vec::new()];
    for (id, all) in list {
        let loc = f.insts[id.index()].loc;
        let mut add = |block: Block, inst: Inst| {
            let id = f.add_inst(block, inst, &[Type::I64], loc);
            f.insts[id.index()].first_result
        };
        let op = UnOp::Zext32;
        let low = add(short, Inst::Unary { op, a: all.of });
        for (n, (block, x)) in [(short, low), (long, all.of)].into_iter().enumerate() {
            let mut binary = |op: BinOp, a: Value, b: Opnd| add(block, Inst::Binary { op, a, b });
            let mut sum = None;
            for &n in &all.by {
                let down = binary(BinOp::Shr, x, Opnd::Imm(n));
                let up = binary(BinOp::Shl, x, Opnd::Imm(32 - n));
                let one = binary(BinOp::Or, down, Opnd::Value(up));
                sum = Some(match sum {
                    Some(sum) => binary(BinOp::Xor, sum, Opnd::Value(one)),
                    None => one,
                });
            }
            let a = sum.unwrap_or(x);
            args[n].push(add(block, Inst::Unary { op, a }));
        }
        let param = f.add_param(rest, Type::I64);
        replace.grow(f);
        replace.set(f.insts[id.index()].first_result, param);
    }
    for (block, args) in [short, long].into_iter().zip(args) {
        f.blocks[block.index()].term = Some(Term::Jump(BlockCall::new(rest, &args)));
        f.blocks[block.index()].term_loc = loc;
    }
    [short, long, rest]
}
