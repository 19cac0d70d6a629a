//! What decides, in front of a loop, whether its version without checks runs.

use super::{End, OFFSET, Plan, Step};
use crate::ir::{
    BinOp, Block, BlockCall, Cond, Function, Inst, IntCc, LoadKind, Opnd, SrcLoc, Term, Type, Value,
};

/// The blocks that lead to the version of a loop if all its checks pass, else to the loop.
pub(super) fn decide(f: &mut Function, plan: &Plan, header: Block, version: Block) -> Vec<Block> {
    let first = f.add_block();
    let tys: Vec<Type> = f.blocks[header.index()]
        .params
        .iter()
        .map(|&p| f.ty(p))
        .collect();
    let args: Vec<Value> = tys.into_iter().map(|ty| f.add_param(first, ty)).collect();
    let loc = f.blocks[header.index()].term_loc;
    let start = args[plan.counter.number];
    let mut d = Decision {
        f,
        loc,
        blocks: vec![first],
        fails: BlockCall::new(header, &args),
    };
    // The counter's least and greatest value: what is added to the offset, and whether the greatest is a limit.
    let (least, greatest, beyond) = match plan.counter.end {
        End::Last(last) => {
            let last = d.value(last);
            let down = matches!(plan.counter.step, Step::Const(n) if n < 0);
            let (least, greatest) = if down { (last, start) } else { (start, last) };
            d.holds(Cond::icmp(IntCc::Sle, least, greatest));
            d.meets(plan.counter.step, least, greatest);
            (least, greatest, 0)
        }
        End::Below { limit, strict, .. } => {
            let limit = d.value(limit);
            (start, limit, -(strict as i64))
        }
    };
    let mut done: Vec<(Option<Value>, Value)> = Vec::new();
    if let Some(g) = plan.grows {
        let load = Inst::Load {
            kind: LoadKind::U32,
            addr: g.addr,
        };
        let length = d.inst(load);
        let before = d.binary(BinOp::Iadd, start, Opnd::Imm(g.offset as i32));
        d.holds(Cond::icmp(IntCc::Eq, length, before));
        // Lengths are stored in 32 bits.
        d.holds(Cond::icmp(IntCc::Slt, greatest, OFFSET as i32));
    }
    for c in &plan.checks {
        if plan.grows.is_some_and(|g| g.length == c.length) {
            continue;
        }
        if done.contains(&(c.base, c.length)) {
            continue;
        }
        done.push((c.base, c.length));
        let same = plan.checks.iter();
        let same = same.filter(|o| (o.base, o.length) == (c.base, c.length));
        let offsets: Vec<i64> = same.map(|o| o.offset).collect();
        let low = offsets.iter().copied().min().unwrap_or(c.offset);
        let high = offsets.iter().copied().max().unwrap_or(c.offset) + beyond;
        let (mut from, mut to) = (least, greatest);
        if let Some(base) = c.base {
            // Neither the distance nor, with it, the sums wrap.
            let distance = d.binary(BinOp::Isub, greatest, Opnd::Value(least));
            d.holds(Cond::icmp(IntCc::Sle, least, greatest));
            d.holds(Cond::icmp(IntCc::Sge, distance, 0));
            from = d.binary(BinOp::Iadd, least, Opnd::Value(base));
            to = d.binary(BinOp::Iadd, greatest, Opnd::Value(base));
            d.holds(Cond::icmp(IntCc::Sle, from, to));
        }
        d.holds(Cond::icmp(IntCc::Sge, from, -low as i32));
        let mut length = c.length;
        let mut small = false;
        if let Some(load @ &Inst::Load { kind, .. }) = d.f.def_inst(length) {
            let load = load.clone();
            small = matches!(kind, LoadKind::U8 | LoadKind::U16 | LoadKind::U32);
            if plan.defines(d.f, length) {
                length = d.inst(load);
            }
        }
        if !small {
            // One that no sum with it can wrap, and is no negative number.
            d.holds(Cond::icmp(IntCc::Ult, length, i32::MAX));
        }
        let end = d.binary(BinOp::Iadd, length, Opnd::Imm(-high as i32));
        d.holds(Cond::icmp(IntCc::Slt, to, end));
    }
    let last = d.last();
    d.f.blocks[last.index()].term = Some(Term::Jump(BlockCall::new(version, &args)));
    d.blocks
}

impl Plan {
    /// Whether the part of the loop that is copied defines a value.
    fn defines(&self, f: &Function, v: Value) -> bool {
        self.body.iter().any(|b| {
            let insts = f.blocks[b.index()].insts.iter();
            insts
                .map(|id| &f.insts[id.index()])
                .any(|node| node.results().any(|r| r == v))
        })
    }
}

/// Blocks that ask one thing after the other.
struct Decision<'a> {
    f: &'a mut Function,
    loc: SrcLoc,
    blocks: Vec<Block>,
    /// Where they lead if something does not hold.
    fails: BlockCall,
}

impl Decision<'_> {
    fn last(&self) -> Block {
        self.blocks[self.blocks.len() - 1]
    }

    fn inst(&mut self, inst: Inst) -> Value {
        let id = self.f.add_inst(self.last(), inst, &[Type::I64], self.loc);
        self.f.insts[id.index()].first_result
    }

    fn binary(&mut self, op: BinOp, a: Value, b: Opnd) -> Value {
        self.inst(Inst::Binary { op, a, b })
    }

    fn value(&mut self, o: Opnd) -> Value {
        match o {
            Opnd::Value(v) => v,
            Opnd::Imm(n) => self.inst(Inst::Iconst(n as i64)),
        }
    }

    fn holds(&mut self, cond: Cond) {
        let b = self.last();
        let next = self.f.add_block();
        self.f.blocks[b.index()].term = Some(Term::BrIf {
            cond,
            then: BlockCall::new(next, &[]),
            els: self.fails.clone(),
        });
        self.f.blocks[b.index()].term_loc = self.loc;
        self.blocks.push(next);
    }

    /// By these steps, the one end is met from the other.
    fn meets(&mut self, step: Step, least: Value, greatest: Value) {
        let by = match step {
            Step::Const(1 | -1) => return,
            Step::Const(n) => self.inst(Inst::Iconst(n.abs())),
            Step::Value(v) => {
                self.holds(Cond::icmp(IntCc::Sgt, v, 0));
                v
            }
        };
        // As a signed number, so that a distance that is none cannot be taken for one.
        let distance = self.binary(BinOp::Isub, greatest, Opnd::Value(least));
        self.holds(Cond::icmp(IntCc::Sge, distance, 0));
        let rest = match step {
            Step::Const(n) if n.abs().count_ones() == 1 => {
                self.binary(BinOp::And, distance, Opnd::Imm(n.abs() as i32 - 1))
            }
            _ => self.binary(BinOp::Srem, distance, Opnd::Value(by)),
        };
        self.holds(Cond::icmp(IntCc::Eq, rest, 0));
    }
}
