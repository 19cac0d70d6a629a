//! Which loops can be done in vectors.

use super::{Act, Gather, Lane, Place, Plan, Shape};
use crate::ir::{
    Addr, Base, BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, IntCc, LoadKind, Opnd, Pinned,
    Region, Scale, Term, Type, UnOp, Value, ValueDef, VecOp, Width,
};
use crate::opt::gvn::negate;
use crate::opt::loops::{Loop, Loops};

/// Blocks that a loop may have, and what it may do to an element: registers are sixteen, and some hold what is the same for all.
const BLOCKS: usize = 8;
const ACTS: usize = 40;
/// Numbers that are the same for all, and gathered ones.
const STEADY: usize = 8;

/// How a loop can be done in vectors, if it can.
pub(super) fn of(f: &Function, cfg: &Cfg, loops: &Loops, n: u32, shape: Shape) -> Option<Plan> {
    let l = &loops.loops[n as usize];
    let data = &f.blocks[l.header.index()];
    let fits = !l.has_inner && !data.cold && l.blocks.len() <= BLOCKS && l.latches.len() == 1;
    if !fits || loops.is_irreducible(l.header) {
        return None;
    }
    let mut view = View {
        f,
        l,
        shape,
        param: Value(u32::MAX),
        acts: Vec::new(),
        uses: Vec::new(),
    };
    let (counter, last, poll) = view.way_round(cfg, loops, n)?;
    view.param = data.params[counter];
    let gathers = view.gathers(counter)?;
    view.acts(&gathers)?;
    let gathers = view.gathered(&gathers)?;
    let stores = view.acts.iter().any(|a| matches!(a, Act::Store(..)));
    let apart = view.apart()?;
    let steady = view.steady(&gathers);
    let worth = (stores || !gathers.is_empty()) && view.acts.len() <= ACTS && steady <= STEADY;
    worth.then_some(Plan {
        header: l.header,
        latches: l.latches.clone(),
        counter,
        last,
        acts: view.acts,
        gathers,
        apart,
        poll,
    })
}

struct View<'a> {
    f: &'a Function,
    l: &'a Loop,
    shape: Shape,
    /// The counter.
    param: Value,
    acts: Vec<Act>,
    /// What acts were found to need so far.
    uses: Vec<Value>,
}

impl View<'_> {
    fn is_inside(&self, v: Value) -> bool {
        match self.f.values[v.index()].def {
            ValueDef::Param(b, _) => self.l.blocks.contains(&b),
            ValueDef::Inst(id, _) => {
                let has = |b: &Block| self.f.blocks[b.index()].insts.contains(&id);
                !self.f.insts[id.index()].inst.is_const() && self.l.blocks.iter().any(has)
            }
        }
    }

    /// The counter and its last value, and the poll: each block has one way on, others lead out, by these two questions.
    fn way_round(&self, cfg: &Cfg, loops: &Loops, n: u32) -> Option<(usize, Opnd, Option<Cond>)> {
        let (mut end, mut poll) = (None, None);
        let mut at = self.l.header;
        for k in 0..self.l.blocks.len() {
            // Parameters of other blocks than the header would be what arrives from one place.
            if k > 0 && (!self.f.blocks[at.index()].params.is_empty() || cfg.preds(at).len() != 1) {
                return None;
            }
            let leaves = |t: &BlockCall| !loops.contains(n, t.block);
            at = match self.f.blocks[at.index()].term.as_ref()? {
                Term::Jump(t) => t.block,
                Term::BrIf { cond, then, els } => {
                    let (cond, on) = match (leaves(then), leaves(els)) {
                        (false, true) => (*cond, then.block),
                        (true, false) => (not(cond)?, els.block),
                        _ => return None,
                    };
                    match cond {
                        // What lets the loop go on is the opposite of what asks for attention.
                        Cond::IcmpMem { addr, b, .. }
                            if addr.base == Base::Pinned(Pinned::Thread)
                                && addr.region == Region::Thread
                                && addr.index.is_none()
                                && matches!(b, Opnd::Imm(_))
                                && poll.is_none() =>
                        {
                            poll = Some(cond);
                        }
                        Cond::Icmp {
                            cc: IntCc::Ne,
                            w: Width::W64,
                            a,
                            b,
                        } if end.is_none() => end = Some((a, b)),
                        _ => return None,
                    }
                    on
                }
                _ => return None,
            };
        }
        let (a, b) = end?;
        if at != self.l.header {
            return None;
        }
        let params = &self.f.blocks[at.index()].params;
        let number = |v: Opnd| params.iter().position(|&p| v == Opnd::Value(p));
        let (counter, last) = match (number(Opnd::Value(a)), number(b)) {
            (Some(n), None) => (n, b),
            (None, Some(n)) => (n, Opnd::Value(a)),
            _ => return None,
        };
        let steady = !matches!(last, Opnd::Value(v) if self.is_inside(v));
        let by_one = match self.f.def_inst(self.next(counter)?)? {
            &Inst::Binary {
                op: BinOp::Iadd,
                a,
                b,
            } => a == params[counter] && self.f.opnd_const(b) == Some(1),
            _ => false,
        };
        (steady && by_one).then_some((counter, last, poll))
    }

    /// What a parameter of the header is in the next iteration.
    fn next(&self, number: usize) -> Option<Value> {
        let mut calls = self.f.targets(self.l.latches[0]);
        let call = calls.find(|t| t.block == self.l.header)?;
        call.args.get(number).copied()
    }

    /// The parameters beside the counter: such as gather integers, with the operation, what is added, and the result. Others
    /// must stay as they are.
    fn gathers(&self, counter: usize) -> Option<Vec<(usize, VecOp, Value, Value)>> {
        let mut found = Vec::new();
        for (k, &p) in self.f.blocks[self.l.header.index()]
            .params
            .iter()
            .enumerate()
        {
            let next = self.next(k)?;
            if k == counter || next == p {
                continue;
            }
            let &Inst::Binary {
                op,
                a,
                b: Opnd::Value(b),
            } = self.f.def_inst(next)?
            else {
                return None;
            };
            let op = match op {
                BinOp::Iadd => VecOp::Iadd,
                BinOp::And => VecOp::And,
                BinOp::Or => VecOp::Or,
                BinOp::Xor => VecOp::Xor,
                _ => return None,
            };
            let added = match (a == p, b == p) {
                (true, false) => b,
                (false, true) => a,
                _ => return None,
            };
            // Nobody else in the loop looks at what is gathered so far.
            let only = self.count_uses(p) == 1 && self.count_uses(next) == 1;
            if !only {
                return None;
            }
            found.push((k, op, added, next));
        }
        Some(found)
    }

    /// Uses in the loop; arguments of ways out do not count.
    fn count_uses(&self, v: Value) -> u32 {
        let mut count = 0;
        for b in &self.l.blocks {
            let data = &self.f.blocks[b.index()];
            for id in &data.insts {
                let inst = &self.f.insts[id.index()].inst;
                inst.for_each_use(|u| count += u32::from(u == v));
            }
            if let Some(t) = &data.term {
                if let Term::BrIf { cond, .. } = t {
                    cond.for_each_use(&mut |u| count += u32::from(u == v));
                }
                let inside = t.targets().filter(|t| self.l.blocks.contains(&t.block));
                let args = inside.flat_map(|t| &t.args);
                count += args.filter(|&&u| u == v).count() as u32;
            }
        }
        count
    }

    /// The acts: stores and what is gathered, and what they need. Nothing else in the loop may have an effect.
    fn acts(&mut self, gathers: &[(usize, VecOp, Value, Value)]) -> Option<()> {
        let f = self.f;
        for b in &self.l.blocks {
            for id in &f.blocks[b.index()].insts {
                match f.insts[id.index()].inst {
                    Inst::Store {
                        w: Width::W64,
                        addr,
                        val,
                    } => {
                        let place = self.place(&addr)?;
                        self.uses.push(val);
                        let lane = self.lane(val)?;
                        self.acts.push(Act::Store(place, lane));
                    }
                    Inst::StoreImm {
                        w: Width::W64,
                        addr,
                        imm,
                    } => {
                        let place = self.place(&addr)?;
                        self.acts.push(Act::Store(place, Lane::Int(imm as i64)));
                    }
                    Inst::Load {
                        kind: LoadKind::F64 | LoadKind::I64,
                        addr,
                    } => {
                        // Where it stands counts; one that nobody needs does no harm.
                        let v = f.insts[id.index()].first_result;
                        if let Some(place) = self.place(&addr) {
                            self.acts.push(Act::Load(v, place));
                        }
                    }
                    ref inst if inst.has_effect() => return None,
                    Inst::Binary { .. } | Inst::Unary { .. } => {
                        let v = f.insts[id.index()].first_result;
                        if let Some(act) = self.compute(v) {
                            self.acts.push(act);
                        }
                    }
                    _ => {}
                }
            }
        }
        self.uses.extend(gathers.iter().map(|g| g.2));
        self.only_needed();
        Some(())
    }

    fn gathered(&self, gathers: &[(usize, VecOp, Value, Value)]) -> Option<Vec<Gather>> {
        let lane = |&(number, op, added, _): &(usize, VecOp, Value, Value)| {
            let lane = self.lane(added)?;
            Some(Gather { number, op, lane })
        };
        gathers.iter().map(lane).collect()
    }

    /// Leaves out what no store and no gathered number needs.
    fn only_needed(&mut self) {
        let mut needed = std::mem::take(&mut self.uses);
        let mut kept = Vec::new();
        for act in self.acts.drain(..).rev() {
            let own = |l: Lane| match l {
                Lane::Own(v) => Some(v),
                _ => None,
            };
            let wanted = match act {
                Act::Store(..) => true,
                Act::Load(v, _) => needed.contains(&v),
                Act::Compute(v, _, a, b) => {
                    let wanted = needed.contains(&v);
                    if wanted {
                        needed.extend(own(a));
                        needed.extend(own(b));
                    }
                    wanted
                }
            };
            if wanted {
                kept.push(act);
            }
        }
        kept.reverse();
        self.acts = kept;
    }

    /// A value as an operand: what an act before gives, or the same for all.
    fn lane(&self, v: Value) -> Option<Lane> {
        if let Some(n) = self.f.as_iconst(v) {
            return Some(Lane::Int(n));
        }
        if !self.is_inside(v) {
            return (self.f.ty(v).lanes() == 1).then_some(Lane::Same(v));
        }
        let gives = |a: &Act| matches!(a, Act::Load(u, _) | Act::Compute(u, ..) if *u == v);
        self.acts.iter().any(gives).then_some(Lane::Own(v))
    }

    fn operand(&self, o: Opnd) -> Option<Lane> {
        match o {
            Opnd::Imm(n) => Some(Lane::Int(n as i64)),
            Opnd::Value(v) => self.lane(v),
        }
    }

    fn compute(&self, v: Value) -> Option<Act> {
        let act = |op, a, b| Some(Act::Compute(v, op, a, b));
        match *self.f.def_inst(v)? {
            Inst::Binary { op, a, b } => {
                let by = self.f.opnd_const(b);
                let (op, b) = match (op, by) {
                    (BinOp::Shl, Some(n)) => (VecOp::Shl, Lane::By(n as i32 & 63)),
                    (BinOp::Shr, Some(n)) => (VecOp::Shr, Lane::By(n as i32 & 63)),
                    // Four such products take as long as four scalar ones of two numbers each.
                    (BinOp::Imul, _) if self.shape.ty == Type::V256 => {
                        return self.product(v, a, b);
                    }
                    _ => {
                        let op = match op {
                            BinOp::Iadd => VecOp::Iadd,
                            BinOp::Isub => VecOp::Isub,
                            BinOp::And => VecOp::And,
                            BinOp::Or => VecOp::Or,
                            BinOp::Xor => VecOp::Xor,
                            BinOp::Fadd => VecOp::Fadd,
                            BinOp::Fsub => VecOp::Fsub,
                            BinOp::Fmul => VecOp::Fmul,
                            BinOp::Fdiv => VecOp::Fdiv,
                            _ => return None,
                        };
                        (op, self.operand(b)?)
                    }
                };
                act(op, self.lane(a)?, b)
            }
            Inst::Unary { op, a } => {
                let a = self.lane(a)?;
                match op {
                    UnOp::Fsqrt => act(VecOp::Fsqrt, a, Lane::By(0)),
                    UnOp::Fneg => act(VecOp::Xor, a, Lane::Int(i64::MIN)),
                    UnOp::Fabs => act(VecOp::And, a, Lane::Int(i64::MAX)),
                    UnOp::Inot => act(VecOp::Xor, a, Lane::Int(-1)),
                    UnOp::Ineg => act(VecOp::Isub, Lane::Int(0), a),
                    // The same bits.
                    UnOp::BitsOfFloat | UnOp::FloatOfBits => act(VecOp::Or, a, Lane::Int(0)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn product(&self, v: Value, a: Value, b: Opnd) -> Option<Act> {
        let (a, b) = (self.lane(a)?, self.operand(b)?);
        Some(Act::Compute(v, VecOp::Imul32, a, b))
    }

    /// The address of an element: of eight bytes, at the counter and something that stays the same.
    fn place(&self, addr: &Addr) -> Option<Place> {
        let (Base::Value(base), Some((index, Scale::S8))) = (addr.base, addr.index) else {
            return None;
        };
        if addr.region != Region::Element || self.is_inside(base) {
            return None;
        }
        let (mut at, mut more, mut disp) = (index, None, addr.disp as i64);
        while at != self.param {
            let &Inst::Binary { op, a, b } = self.f.def_inst(at)? else {
                return None;
            };
            at = match (op, self.f.opnd_const(b), b) {
                (BinOp::Iadd, Some(n), _) => {
                    disp = disp.checked_add(n.checked_mul(8)?)?;
                    a
                }
                (BinOp::Isub, Some(n), _) => {
                    disp = disp.checked_sub(n.checked_mul(8)?)?;
                    a
                }
                (BinOp::Iadd, None, Opnd::Value(b)) if more.is_none() => {
                    let (on, other) = if self.is_inside(a) { (a, b) } else { (b, a) };
                    if self.is_inside(other) {
                        return None;
                    }
                    more = Some(other);
                    on
                }
                _ => return None,
            };
        }
        let far = disp.unsigned_abs() >= 1 << 30;
        (!far).then_some(Place {
            addr: *addr,
            base,
            more,
            disp: disp as i32,
        })
    }

    /// The pairs of arrays that must differ; `None` if it cannot be so. Different arrays have nothing in common.
    fn apart(&self) -> Option<Vec<(Value, Value)>> {
        let mut pairs = Vec::new();
        let places = self.acts.iter().filter_map(|a| match *a {
            Act::Load(_, p) => Some((p, false)),
            Act::Store(p, _) => Some((p, true)),
            Act::Compute(..) => None,
        });
        let places: Vec<(Place, bool)> = places.collect();
        for (n, &(first, stores)) in places.iter().enumerate() {
            for &(second, also) in &places[n + 1..] {
                if !stores && !also {
                    continue;
                }
                if first.base != second.base {
                    // Both must be arrays from their beginnings, else they could overlap without being the same.
                    if !self.is_array(first.base) || !self.is_array(second.base) {
                        return None;
                    }
                }
                if !self.swaps(first, second) {
                    continue;
                }
                if first.base == second.base {
                    return None;
                }
                let pair = (first.base.min(second.base), first.base.max(second.base));
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
        Some(pairs)
    }

    fn is_array(&self, base: Value) -> bool {
        matches!(self.f.def_inst(base), Some(Inst::Load { addr, .. }) if addr.region == Region::Array)
    }

    /// Whether, in one array, the second place of an element would be got to before the first of another, and is the same: in
    /// vectors all elements' first come first. The second of element `j` is the first of `k`, where `j < k`, but in the same step.
    fn swaps(&self, first: Place, second: Place) -> bool {
        let distance = second.disp as i64 - first.disp as i64;
        let lanes = self.shape.ty.lanes() as i64;
        first.more != second.more || distance % 8 != 0 || (1..lanes).contains(&(distance / 8))
    }

    /// Registers for what is the same for all, and for what is gathered.
    fn steady(&self, gathers: &[Gather]) -> usize {
        let mut all: Vec<Lane> = Vec::new();
        let mut see = |l: Lane| {
            if !matches!(l, Lane::Own(_) | Lane::By(_)) && !all.contains(&l) {
                all.push(l);
            }
        };
        for act in &self.acts {
            match *act {
                Act::Load(..) => {}
                Act::Compute(_, _, a, b) => {
                    see(a);
                    see(b);
                }
                Act::Store(_, l) => see(l),
            }
        }
        all.len() + gathers.len() * self.shape.groups as usize
    }
}

/// The opposite of a condition, if it can be asked.
fn not(cond: &Cond) -> Option<Cond> {
    Some(match *cond {
        Cond::Icmp { cc, w, a, b } => Cond::Icmp {
            cc: negate(cc),
            w,
            a,
            b,
        },
        Cond::IcmpMem { cc, w, addr, b } => Cond::IcmpMem {
            cc: negate(cc),
            w,
            addr,
            b,
        },
        _ => return None,
    })
}
