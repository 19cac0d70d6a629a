//! The loop of vectors, and what decides about it.

use super::{Act, Gather, Lane, Place, Plan, Shape};
use crate::ir::{
    Addr, Base, BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, IntCc, Opnd, Scale, SrcLoc,
    Term, Type, Value, VecOp,
};
use crate::opt::hash::FastMap;
use crate::opt::peel::targets_mut;

/// Adds the loop of vectors in front of a loop. Returns the new blocks in their order.
pub(super) fn in_front_of(f: &mut Function, cfg: &Cfg, plan: &Plan, shape: Shape) -> Vec<Block> {
    let first = f.add_block();
    let tys: Vec<Type> = {
        let params = &f.blocks[plan.header.index()].params;
        params.iter().map(|&p| f.ty(p)).collect()
    };
    let args: Vec<Value> = tys.iter().map(|&ty| f.add_param(first, ty)).collect();
    let loc = f.blocks[plan.header.index()].term_loc;
    let mut e = Emit {
        f,
        plan,
        shape,
        loc,
        at: first,
        blocks: vec![first],
        same: Vec::new(),
        own: FastMap::default(),
    };
    e.decide(&args);
    let (accs, limit) = e.prepare();
    e.steps(&args, &accs, limit);
    let blocks = e.blocks;
    for &q in cfg
        .preds(plan.header)
        .iter()
        .filter(|q| !plan.latches.contains(q))
    {
        for t in targets_mut(f, q).filter(|t| t.block == plan.header) {
            t.block = first;
        }
    }
    blocks
}

struct Emit<'a> {
    f: &'a mut Function,
    plan: &'a Plan,
    shape: Shape,
    loc: SrcLoc,
    at: Block,
    blocks: Vec<Block>,
    /// Vectors of what is the same for all.
    same: Vec<(Lane, Value)>,
    /// What acts gave in the group being done.
    own: FastMap<Value, Value>,
}

impl Emit<'_> {
    fn inst(&mut self, inst: Inst, ty: Type) -> Value {
        let id = self.f.add_inst(self.at, inst, &[ty], self.loc);
        self.f.insts[id.index()].first_result
    }

    fn effect(&mut self, inst: Inst) {
        self.f.add_inst(self.at, inst, &[], self.loc);
    }

    fn binary(&mut self, op: BinOp, a: Value, b: Opnd) -> Value {
        self.inst(Inst::Binary { op, a, b }, Type::I64)
    }

    fn vector(&mut self, op: VecOp, ty: Type, a: Value, b: impl Into<Opnd>) -> Value {
        let b = b.into();
        self.inst(Inst::Vector { op, ty, a, b }, op.result(ty))
    }

    fn end(&mut self, term: Term) {
        let data = &mut self.f.blocks[self.at.index()];
        data.term = Some(term);
        data.term_loc = self.loc;
    }

    fn start(&mut self) -> Block {
        self.at = self.f.add_block();
        self.blocks.push(self.at);
        self.at
    }

    /// A value for use here: constants may stand further down, and are made again.
    fn here(&mut self, v: Value) -> Value {
        match self.f.def_inst(v) {
            Some(inst) if inst.is_const() => {
                let (inst, ty) = (inst.clone(), self.f.ty(v));
                self.inst(inst, ty)
            }
            _ => v,
        }
    }

    /// Goes on if the condition holds, else to the loop.
    fn holds(&mut self, cond: Cond, args: &[Value]) {
        let from = self.at;
        let next = self.start();
        self.at = from;
        self.end(Term::BrIf {
            cond,
            then: BlockCall::new(next, &[]),
            els: BlockCall::new(self.plan.header, args),
        });
        self.at = next;
    }

    fn last(&mut self) -> Value {
        match self.plan.last {
            Opnd::Value(v) => self.here(v),
            Opnd::Imm(n) => self.inst(Inst::Iconst(n as i64), Type::I64),
        }
    }

    /// More than one step is left, and what must be apart is.
    fn decide(&mut self, args: &[Value]) {
        let last = self.last();
        let left = self.binary(BinOp::Isub, last, Opnd::Value(args[self.plan.counter]));
        let step = self.shape.step();
        self.holds(Cond::icmp(IntCc::Sge, left, step), args);
        for &(a, b) in &self.plan.apart {
            self.holds(Cond::icmp(IntCc::Ne, a, b), args);
        }
    }

    /// What stays the same, and the empty sums: one for each group.
    fn prepare(&mut self) -> (Vec<Vec<Value>>, Value) {
        let lanes = self.plan.acts.iter().flat_map(|act| match *act {
            Act::Load(..) => [None, None],
            Act::Compute(_, _, a, b) => [Some(a), Some(b)],
            Act::Store(_, l) => [Some(l), None],
        });
        let gathered = self.plan.gathers.iter().map(|g| Some(g.lane));
        let all: Vec<Lane> = lanes.chain(gathered).flatten().collect();
        for l in all {
            let number = match l {
                _ if self.same.iter().any(|s| s.0 == l) => continue,
                Lane::Same(v) => self.here(v),
                Lane::Int(n) => self.inst(Inst::Iconst(n), Type::I64),
                Lane::Own(_) | Lane::By(_) => continue,
            };
            let v = self.vector(VecOp::Splat, self.shape.ty, number, 0);
            self.same.push((l, v));
        }
        let plan = self.plan;
        let mut empty = |g: &Gather| {
            let none = self.inst(Inst::Iconst(nothing(g.op)), Type::I64);
            let v = self.vector(VecOp::Splat, self.shape.ty, none, 0);
            vec![v; self.shape.groups as usize]
        };
        let accs = plan.gathers.iter().map(&mut empty).collect();
        let last = self.last();
        let limit = self.binary(BinOp::Isub, last, Opnd::Imm(self.shape.step()));
        (accs, limit)
    }

    /// The loop, and what leads from it to the scalar one.
    fn steps(&mut self, args: &[Value], accs: &[Vec<Value>], limit: Value) {
        let before = self.at;
        let head = self.start();
        let counter = self.f.add_param(head, Type::I64);
        let params = accs.iter().flatten().count();
        let params: Vec<Value> = (0..params)
            .map(|_| self.f.add_param(head, self.shape.ty))
            .collect();
        let start: Vec<Value> = std::iter::once(args[self.plan.counter])
            .chain(accs.iter().flatten().copied())
            .collect();
        self.at = before;
        self.end(Term::Jump(BlockCall::new(head, &start)));
        self.at = head;

        let groups = self.shape.groups as usize;
        let mut sums = params;
        let mut sums_of = Vec::new();
        let mut more: Vec<(Value, Value)> = Vec::new();
        for g in 0..groups {
            self.own.clear();
            for act in &self.plan.acts {
                self.act(act, counter, g as i32, &mut more);
            }
            for (k, gather) in self.plan.gathers.iter().enumerate() {
                let sum = &mut sums[k * groups + g];
                let added = self.operand(gather.lane);
                *sum = self.vector(gather.op, self.shape.ty, *sum, added);
            }
        }
        sums_of.extend(sums);
        let next = self.binary(BinOp::Iadd, counter, Opnd::Imm(self.shape.step()));
        let round: Vec<Value> = std::iter::once(next)
            .chain(sums_of.iter().copied())
            .collect();
        let head_end = self.at;
        let poll = self.plan.poll.map(|cond| (self.start(), cond));
        let done = self.start();
        let again = BlockCall::new(head, &round);
        let out = BlockCall::new(done, &[]);
        self.at = head_end;
        let then = match poll {
            Some((b, _)) => BlockCall::new(b, &[]),
            None => again.clone(),
        };
        let cond = Cond::icmp(IntCc::Sle, next, limit);
        self.end(Term::BrIf {
            cond,
            then,
            els: out.clone(),
        });
        if let Some((b, cond)) = poll {
            self.at = b;
            self.end(Term::BrIf {
                cond,
                then: again,
                els: out,
            });
        }
        self.at = done;
        self.finish(args, next, &sums_of);
    }

    /// Back to one number each, and on with the loop.
    fn finish(&mut self, args: &[Value], counter: Value, sums: &[Value]) {
        let groups = self.shape.groups as usize;
        let mut halves: Vec<Vec<Value>> = Vec::new();
        for (k, gather) in self.plan.gathers.iter().enumerate() {
            let mut all = sums[k * groups..][..groups].iter().copied();
            let mut sum = all.next().unwrap_or(counter);
            for other in all {
                sum = self.vector(gather.op, self.shape.ty, sum, other);
            }
            halves.push(match self.shape.ty {
                Type::V256 => [VecOp::Low, VecOp::High]
                    .map(|half| self.vector(half, Type::V256, sum, 0))
                    .to_vec(),
                _ => vec![sum],
            });
        }
        if self.shape.ty == Type::V256 {
            self.effect(Inst::VectorsDone);
        }
        let mut out = args.to_vec();
        out[self.plan.counter] = counter;
        for (gather, parts) in self.plan.gathers.iter().zip(halves) {
            let mut sum = parts[0];
            for &other in &parts[1..] {
                sum = self.vector(gather.op, Type::V128, sum, other);
            }
            let other = self.vector(VecOp::High, Type::V128, sum, 0);
            sum = self.vector(gather.op, Type::V128, sum, other);
            let sum = self.vector(VecOp::Low, Type::V128, sum, 0);
            let op = match gather.op {
                VecOp::And => BinOp::And,
                VecOp::Or => BinOp::Or,
                VecOp::Xor => BinOp::Xor,
                _ => BinOp::Iadd,
            };
            out[gather.number] = self.binary(op, args[gather.number], Opnd::Value(sum));
        }
        self.end(Term::Jump(BlockCall::new(self.plan.header, &out)));
    }

    fn operand(&self, l: Lane) -> Opnd {
        match l {
            Lane::Own(v) => Opnd::Value(self.own[&v]),
            Lane::By(n) => Opnd::Imm(n),
            Lane::Same(_) | Lane::Int(_) => {
                let found = self.same.iter().find(|s| s.0 == l);
                found.map_or(Opnd::Imm(0), |s| Opnd::Value(s.1))
            }
        }
    }

    fn act(&mut self, act: &Act, counter: Value, group: i32, more: &mut Vec<(Value, Value)>) {
        let ty = self.shape.ty;
        match *act {
            Act::Load(v, place) => {
                let addr = self.addr(&place, counter, group, more);
                let loaded = self.inst(Inst::VectorLoad { ty, addr }, ty);
                self.own.insert(v, loaded);
            }
            Act::Store(place, lane) => {
                let addr = self.addr(&place, counter, group, more);
                if let Opnd::Value(val) = self.operand(lane) {
                    self.effect(Inst::VectorStore { addr, val });
                }
            }
            Act::Compute(v, op, a, b) => {
                let (Opnd::Value(a), b) = (self.operand(a), self.operand(b)) else {
                    return;
                };
                let result = match (op, b) {
                    (VecOp::Imul32, Opnd::Value(b)) => self.product(a, b),
                    _ => self.vector(op, ty, a, b),
                };
                self.own.insert(v, result);
            }
        }
    }

    /// The low 64 bits of products, out of those of 32 bits.
    fn product(&mut self, a: Value, b: Value) -> Value {
        let ty = self.shape.ty;
        let [high_a, high_b] = [a, b].map(|v| self.vector(VecOp::Shr, ty, v, 32));
        let one = self.vector(VecOp::Imul32, ty, high_a, b);
        let other = self.vector(VecOp::Imul32, ty, high_b, a);
        let cross = self.vector(VecOp::Iadd, ty, one, other);
        let cross = self.vector(VecOp::Shl, ty, cross, 32);
        let low = self.vector(VecOp::Imul32, ty, a, b);
        self.vector(VecOp::Iadd, ty, low, cross)
    }

    fn addr(
        &mut self,
        place: &Place,
        counter: Value,
        group: i32,
        more: &mut Vec<(Value, Value)>,
    ) -> Addr {
        let index = match place.more {
            None => counter,
            Some(m) => match more.iter().find(|s| s.0 == m) {
                Some(s) => s.1,
                None => {
                    let sum = self.binary(BinOp::Iadd, counter, Opnd::Value(m));
                    more.push((m, sum));
                    sum
                }
            },
        };
        Addr {
            base: Base::Value(place.base),
            index: Some((index, Scale::S8)),
            disp: place.disp + group * self.shape.ty.lanes() as i32 * 8,
            region: place.addr.region,
        }
    }
}

/// What changes nothing when it is gathered.
fn nothing(op: VecOp) -> i64 {
    match op {
        VecOp::And => -1,
        _ => 0,
    }
}
