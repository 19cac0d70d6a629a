//! Sums in the order in which their parts become known, in innermost loops: what an iteration has from the start (elements of tables, what the last ones
//! left) is added up first, what it computes last, so that the next iteration waits for fewer additions. Integers wrap, so that the order is free; doubles
//! are left alone.
//!
//! What is added up first is also put first in the block, with loads that nobody else needs, so that no more numbers wait in registers than before.

use super::hash::FastMap;
use super::loops::Loops;
use super::{OptStats, gvn, use_counts};
use crate::ir::{BinOp, Block, Cfg, Function, Inst, InstId, Opnd, Type, Value, ValueDef};

/// Parts of a sum, at least: of two there is one order.
const PARTS: usize = 3;
/// And at most.
const MOST: usize = 12;

/// Orders the sums of innermost loops.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) {
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let uses = use_counts(f, &cfg);
    for l in loops.loops.iter().filter(|l| !l.has_inner) {
        // By value: operations that an iteration does before it is known.
        let mut depth: FastMap<Value, u32> = FastMap::default();
        for &b in &l.blocks {
            if f.blocks[b.index()].cold {
                continue;
            }
            let inner = inner(f, &uses, b);
            for id in f.blocks[b.index()].insts.clone() {
                let mut sum = Sum::default();
                let node = &f.insts[id.index()];
                // The whole, not its parts.
                if is_sum(&node.inst) && !inner.contains(&node.first_result) {
                    sum.gather(f, &uses, b, id);
                }
                let after = self::depth(f, &depth, &f.insts[id.index()].inst);
                let root = f.insts[id.index()].first_result;
                depth.insert(root, after);
                if (PARTS..=MOST).contains(&sum.parts.len())
                    && let Some(sooner) = order(f, b, id, sum.parts, &mut depth)
                {
                    depth.insert(root, sooner);
                    stats.sums += 1;
                }
            }
            for t in f.targets(b).filter(|t| t.block != l.header) {
                for (&p, a) in f.blocks[t.block.index()].params.iter().zip(&t.args) {
                    let n = depth.get(a).copied().unwrap_or(0);
                    let slot = depth.entry(p).or_default();
                    *slot = n.max(*slot);
                }
            }
        }
    }
}

/// The sums of a block that are parts of others there.
fn inner(f: &Function, uses: &[u32], b: Block) -> Vec<Value> {
    let insts = f.blocks[b.index()].insts.iter();
    let sums = insts
        .map(|id| &f.insts[id.index()])
        .filter(|node| is_sum(&node.inst));
    let mut inner = Vec::new();
    for node in sums {
        let once = |v: &Value| uses.get(v.index()) == Some(&1);
        node.inst
            .for_each_use(|v| inner.extend(Some(v).filter(once)));
    }
    inner
}

/// A sum of two values, none of them a constant: those belong to addresses.
fn is_sum(inst: &Inst) -> bool {
    matches!(
        inst,
        Inst::Binary {
            op: BinOp::Iadd,
            b: Opnd::Value(_),
            ..
        }
    )
}

/// Operations before the result of an instruction is known. Loads count for nothing: by counters, they are early.
fn depth(f: &Function, depth: &FastMap<Value, u32>, inst: &Inst) -> u32 {
    let mut most = 0;
    inst.for_each_use(|v| most = most.max(depth.get(&v).copied().unwrap_or(0)));
    let own = match inst {
        Inst::Load { .. } => 0,
        Inst::Binary { op, b, .. } => match op {
            BinOp::Imul | BinOp::Smulh => 3,
            BinOp::Sdiv | BinOp::Srem => 20,
            BinOp::Sfloor | BinOp::Smod => 9,
            BinOp::Iadd | BinOp::Isub if f.opnd_const(*b).is_some() => 0,
            _ => 1,
        },
        _ => 1,
    };
    most + own
}

/// The parts of a sum, whose inner sums are used nowhere else.
#[derive(Default)]
struct Sum {
    parts: Vec<Value>,
}

impl Sum {
    fn gather(&mut self, f: &Function, uses: &[u32], block: Block, id: InstId) {
        let Inst::Binary {
            a,
            b: Opnd::Value(b),
            ..
        } = f.insts[id.index()].inst
        else {
            return;
        };
        for v in [a, b] {
            let inner = match f.values[v.index()].def {
                ValueDef::Inst(id, _)
                    if uses.get(v.index()) == Some(&1)
                        && is_sum(&f.insts[id.index()].inst)
                        && f.blocks[block.index()].insts.contains(&id) =>
                {
                    Some(id)
                }
                _ => None,
            };
            match inner {
                Some(id) if self.parts.len() < MOST => self.gather(f, uses, block, id),
                _ => self.parts.push(v),
            }
        }
    }
}

/// Makes a sum of its parts anew, the earliest first, if it is known sooner then; says when.
fn order(
    f: &mut Function,
    block: Block,
    root: InstId,
    parts: Vec<Value>,
    depth: &mut FastMap<Value, u32>,
) -> Option<u32> {
    // Nothing may come between one that tells whether it overflowed and who asks.
    let asked = |v: &Value| matches!(f.def_inst(*v), Some(Inst::Overflow { .. }));
    if parts.iter().any(asked) {
        return None;
    }
    let at = |v: &Value| depth.get(v).copied().unwrap_or(0);
    let mut parts: Vec<(u32, Value)> = parts.iter().map(|v| (at(v), *v)).collect();
    // Of equals, in the order of the program.
    parts.sort_by_key(|p| p.0);
    let mut sooner = parts[0].0;
    for p in &parts[1..] {
        sooner = sooner.max(p.0) + 1;
    }
    let before = depth.get(&f.insts[root.index()].first_result).copied()?;
    if sooner >= before {
        return None;
    }
    let loc = f.insts[root.index()].loc;
    let (mut known, mut sum) = parts[0];
    hoist(f, block, sum);
    let last = parts.len() - 1;
    for &(n, v) in &parts[1..last] {
        hoist(f, block, v);
        known = known.max(n) + 1;
        let b = Opnd::Value(v);
        let inst = Inst::Binary {
            op: BinOp::Iadd,
            a: sum,
            b,
        };
        let place = place(f, block, sum).max(place(f, block, v));
        let id = f.new_inst(inst, &[Type::I64], loc);
        f.blocks[block.index()].insts.insert(place, id);
        sum = f.insts[id.index()].first_result;
        depth.insert(sum, known);
    }
    f.insts[root.index()].inst = Inst::Binary {
        op: BinOp::Iadd,
        a: sum,
        b: Opnd::Value(parts[last].1),
    };
    Some(sooner)
}

/// The first place in a block where a value is known.
fn place(f: &Function, block: Block, v: Value) -> usize {
    match f.values[v.index()].def {
        ValueDef::Inst(id, _) => {
            let insts = &f.blocks[block.index()].insts;
            insts.iter().position(|i| *i == id).map_or(0, |n| n + 1)
        }
        ValueDef::Param(..) => 0,
    }
}

/// Puts a load as early in its block as what it needs and what may change memory let it be.
fn hoist(f: &mut Function, block: Block, v: Value) {
    let ValueDef::Inst(id, _) = f.values[v.index()].def else {
        return;
    };
    let node = &f.insts[id.index()];
    let from = place(f, block, v);
    let Inst::Load { addr, .. } = &node.inst else {
        return;
    };
    if from == 0 || gvn::is_volatile(addr) {
        return;
    }
    let mut to = 0;
    node.inst.for_each_use(|u| to = to.max(place(f, block, u)));
    let insts = &mut f.blocks[block.index()].insts;
    let effect = |i: &InstId| f.insts[i.index()].inst.has_effect();
    if let Some(n) = insts[..from - 1].iter().rposition(effect) {
        to = to.max(n + 1);
    }
    let id = insts.remove(from - 1);
    insts.insert(to, id);
}
