//! Several rotations of one number under `~`: `r(x, 2) ~ r(x, 13) ~ r(x, 22)` is `r(r(r(x, 9) ~ x, 11) ~ x, 2)`, which leaves the number where it is and
//! needs one register more, not three.
//!
//! Each step waits for the one before it, which takes longer: where the next iteration waits for the result (the number comes from what the last one left),
//! rotations stay as they are, which is as fast as processors can.

use super::loops::Loops;
use super::{OptStats, use_counts};
use crate::ir::{BinOp, Cfg, Function, Inst, InstId, Opnd, Type, Value};

/// Rotations of a number, by different distances, in as many bits as the operation has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rotations {
    pub op: BinOp,
    pub of: Value,
    /// From the shortest to the longest.
    pub by: Vec<i32>,
}

impl Rotations {
    /// Both, if they are of one number.
    fn and(mut self, other: Rotations) -> Option<Rotations> {
        self.by.extend(other.by);
        self.by.sort_unstable();
        let different = self.by.windows(2).all(|n| n[0] != n[1]);
        let same = (self.op, self.of) == (other.op, other.of);
        (same && different).then_some(self)
    }

    /// The instructions before the last one, which is returned. `add` takes one in.
    pub(super) fn emit(&self, mut add: impl FnMut(Inst) -> Value) -> Inst {
        let binary = |op, a, b| Inst::Binary { op, a, b };
        let mut sum = self.of;
        for n in self.by.windows(2).rev() {
            let turned = add(binary(self.op, sum, Opnd::Imm(n[1] - n[0])));
            sum = add(binary(BinOp::Xor, turned, Opnd::Value(self.of)));
        }
        binary(self.op, sum, Opnd::Imm(self.by[0]))
    }
}

/// What an instruction puts together of rotations of one number, as `rotation` sees them. Its parts are used nowhere else.
pub(super) fn find(
    f: &Function,
    uses: &[u32],
    inst: &Inst,
    rotation: &impl Fn(&Inst) -> Option<Rotations>,
) -> Option<Rotations> {
    if let &Inst::Binary {
        op: BinOp::Xor,
        a,
        b: Opnd::Value(b),
    } = inst
    {
        let part = |v: Value| match uses.get(v.index()) {
            Some(1) => find(f, uses, f.def_inst(v)?, rotation),
            _ => None,
        };
        return part(a)?.and(part(b)?);
    }
    rotation(inst)
}

/// Puts them into the shorter form.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) {
    let cfg = Cfg::new(f);
    let mut uses = use_counts(f, &cfg);
    let rotation = |inst: &Inst| match *inst {
        Inst::Binary {
            op: op @ (BinOp::Rotr | BinOp::Rotr32),
            a,
            b: Opnd::Imm(n),
        } => Some(Rotations {
            op,
            of: a,
            by: vec![n],
        }),
        _ => None,
    };
    let moving = moving(f, &cfg);
    for &b in &cfg.rpo {
        let mut at = f.blocks[b.index()].insts.len();
        // From the last one on: the whole before its parts, which nobody uses then.
        while at > 0 {
            at -= 1;
            let id = f.blocks[b.index()].insts[at];
            let node = &f.insts[id.index()];
            let loc = node.loc;
            let part = uses.get(node.first_result.index()) == Some(&0);
            let found = find(f, &uses, &node.inst, &rotation);
            let Some(all) = found.filter(|r| r.by.len() > 1 && !moving[r.of.index()]) else {
                continue;
            };
            node.inst.for_each_use(|v| uses[v.index()] -= 1);
            if part {
                continue;
            }
            let mut new: Vec<InstId> = Vec::new();
            let inst = all.emit(|inst| {
                let id = f.new_inst(inst, &[Type::I64], loc);
                new.push(id);
                f.insts[id.index()].first_result
            });
            f.insts[id.index()].inst = inst;
            f.blocks[b.index()].insts.splice(at..at, new);
            stats.folded += 1;
        }
    }
}

/// By value: computed, in an innermost loop, from what the last iteration left, counters apart. What is loaded is not: elements are known early.
fn moving(f: &Function, cfg: &Cfg) -> Vec<bool> {
    let loops = Loops::new(cfg, f.blocks.len());
    let mut moving = vec![false; f.values.len()];
    for l in loops.loops.iter().filter(|l| !l.has_inner) {
        for &latch in &l.latches {
            for t in f.targets(latch).filter(|t| t.block == l.header) {
                for (&p, &a) in f.blocks[l.header.index()].params.iter().zip(&t.args) {
                    moving[p.index()] |= a != p && !is_step(f, p, a);
                }
            }
        }
        for &b in &l.blocks {
            for id in &f.blocks[b.index()].insts {
                let node = &f.insts[id.index()];
                let mut from = false;
                if let Inst::Binary { .. } | Inst::Unary { .. } | Inst::Select { .. } = node.inst {
                    node.inst.for_each_use(|v| from |= moving[v.index()]);
                    moving[node.first_result.index()] |= from;
                }
            }
            for t in f.targets(b).filter(|t| l.blocks.contains(&t.block)) {
                for (&p, a) in f.blocks[t.block.index()].params.iter().zip(&t.args) {
                    moving[p.index()] |= t.block != l.header && moving[a.index()];
                }
            }
        }
    }
    moving
}

/// A counter's next number.
fn is_step(f: &Function, counter: Value, next: Value) -> bool {
    match f.def_inst(next) {
        Some(&Inst::Binary {
            op: BinOp::Iadd | BinOp::Isub,
            a,
            b,
        }) => a == counter && f.opnd_const(b).is_some(),
        _ => false,
    }
}
