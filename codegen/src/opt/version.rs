//! Versions of loops: an innermost loop whose counter goes into bounds checks gets a copy without them, which is entered if all
//! of them are certain to pass.
//!
//! A *check* is a branch on `index < length`, unsigned, where the index is the loop's counter plus what is the same in all
//! iterations, and the length is that, too. In front of the loop the least and the greatest value of the counter are compared
//! with what the checks ask for; then either the copy runs, or the loop as it was. What only a failed check leads to is no part
//! of the copy: there the length may change (an append), and is the same all the same.
//!
//! The counter's values are known when the loop is entered: it steps by a constant (or by one positive number) and either the way
//! round is taken while it differs from a last value, which it meets, or while it is below a limit.

mod append;
mod entry;

use self::append::Grows;
use super::gvn::Effects;
use super::hash::FastMap;
use super::known::Known;
use super::loops::{Loop, Loops};
use super::peel::{Peeled, clone_blocks, in_front, is_steady, repair, targets_mut};
use super::{OptStats, compact};
use crate::ir::{
    Addr, Base, BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, IntCc, Opnd, Term, Type, Value,
    ValueDef, Width,
};

/// Instructions and terminators that the copy of a loop may have.
const LOOP_SIZE: usize = 300;
/// All copies of a function may have so many and as many as it has itself.
const GROWTH: usize = 1000;
/// Constants in indices: sums with them are far from wrapping.
const OFFSET: i64 = 1 << 30;
/// Sums that an index is made of.
const DEPTH: u32 = 4;

/// By what the counter changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Const(i64),
    /// By what is checked to be positive.
    Value(Value),
}

/// What ends the loop.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It goes on while the counter is another.
    Last(Opnd),
    /// It goes on while the counter is below, in blocks that this one dominates.
    Below {
        limit: Opnd,
        strict: bool,
        inside: Block,
    },
}

/// The number that counts a loop's iterations.
#[derive(Clone, Copy, Debug)]
struct Counter {
    /// Which of the header's parameters it is.
    number: usize,
    param: Value,
    step: Step,
    end: End,
}

/// A branch that a version of the loop does without.
#[derive(Clone, Copy, Debug)]
struct Check {
    block: Block,
    /// The way that the branch takes if the index is below the length.
    then: bool,
    /// `counter + base + offset`
    base: Option<Value>,
    offset: i64,
    length: Value,
}

/// A loop to be copied.
struct Plan {
    counter: Counter,
    /// The length that follows the counter, if the copy appends.
    grows: Option<Grows>,
    checks: Vec<Check>,
    /// What is copied, in reverse postorder.
    body: Vec<Block>,
}

/// What a block that ends with a bounds check compares: the length, the index, and whether the first way is that of an index below the length.
pub(super) fn compared(f: &Function, b: Block) -> Option<(Value, Value, bool)> {
    let Some(Term::BrIf { cond, then, els }) = &f.blocks[b.index()].term else {
        return None;
    };
    let &Cond::Icmp {
        cc,
        w: Width::W64,
        a,
        b: Opnd::Value(o),
    } = cond
    else {
        return None;
    };
    let found = match cc {
        IntCc::Ugt => (a, o, true),
        IntCc::Ule => (a, o, false),
        IntCc::Ult => (o, a, true),
        IntCc::Uge => (o, a, false),
        _ => return None,
    };
    (then.block != els.block).then_some(found)
}

/// Which versions are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// All checks pass.
    Within,
    /// One fails always: the loop appends ([`append`]).
    Appends,
}

/// Makes versions of the loops where that pays. Whether there were any.
pub(super) fn run(f: &mut Function, kind: Kind, known: &mut Known, stats: &mut OptStats) -> bool {
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let mut budget = super::size(f) as usize + GROWTH;
    let mut plans = Vec::new();
    for (n, l) in loops.loops.iter().enumerate() {
        let view = View {
            f,
            cfg: &cfg,
            loops: &loops,
            n: n as u32,
            l,
        };
        if let Some((plan, size)) = view.plan(kind)
            && size <= budget
        {
            budget -= size;
            plans.push((plan, l.clone()));
        }
    }
    if plans.is_empty() {
        return false;
    }
    stats.versions += plans.len() as u32;
    let old_blocks = f.blocks.len();
    let mut copies = Peeled::new(old_blocks);
    let mut before: FastMap<Block, Vec<Block>> = FastMap::default();
    for (n, (plan, l)) in plans.iter().enumerate() {
        let new = copy(f, &cfg, plan, l, n as u32, &mut copies);
        if let Some(&first) = l.blocks.iter().min() {
            before.insert(first, new);
        }
    }
    known.copy(copies.pairs());
    repair(f, &copies);
    let order = in_front(before, old_blocks);
    compact::compact(f, &order, known);
    true
}

/// A loop that is looked at.
struct View<'a> {
    f: &'a Function,
    cfg: &'a Cfg,
    loops: &'a Loops,
    n: u32,
    l: &'a Loop,
}

impl View<'_> {
    fn plan(&self, kind: Kind) -> Option<(Plan, usize)> {
        let cold = self.f.blocks[self.l.header.index()].cold;
        let large = self.l.blocks.len() > LOOP_SIZE;
        if self.l.has_inner || cold || large || self.loops.is_irreducible(self.l.header) {
            return None;
        }
        let inside: FastMap<Value, ()> = self.values();
        let counters = self.f.blocks[self.l.header.index()].params.iter();
        let counters = counters.enumerate();
        let found = counters.filter_map(|(k, &p)| self.counter(k, p, &inside));
        // The counter with the most checks.
        let mut best: Option<(Plan, usize)> = None;
        for counter in found {
            let ways = match kind {
                Kind::Within => vec![None],
                Kind::Appends => {
                    let growing = self.growing(counter, &inside);
                    growing.into_iter().map(Some).collect()
                }
            };
            for grows in ways {
                let Some(plan) = self.checks(counter, grows, &inside) else {
                    continue;
                };
                let checks = |p: &(Plan, usize)| p.0.checks.len();
                if best.as_ref().is_none_or(|b| checks(b) < checks(&plan)) {
                    best = Some(plan);
                }
            }
        }
        best
    }

    /// The values that the loop defines.
    fn values(&self) -> FastMap<Value, ()> {
        let mut inside = FastMap::default();
        for b in &self.l.blocks {
            let data = &self.f.blocks[b.index()];
            inside.extend(data.params.iter().map(|&p| (p, ())));
            for id in &data.insts {
                let node = &self.f.insts[id.index()];
                inside.extend(node.results().map(|v| (v, ())));
            }
        }
        inside
    }

    fn counter(&self, k: usize, p: Value, inside: &FastMap<Value, ()>) -> Option<Counter> {
        if self.f.ty(p) != Type::I64 {
            return None;
        }
        let header = self.l.header;
        let mut step = None;
        for &latch in &self.l.latches {
            for t in self.f.targets(latch).filter(|t| t.block == header) {
                let &Inst::Binary { op, a, b } = self.f.def_inst(t.args[k])? else {
                    return None;
                };
                let by = match (op, self.f.opnd_const(b), b) {
                    (BinOp::Iadd, Some(n), _) if a == p => Step::Const(n),
                    (BinOp::Isub, Some(n), _) if a == p => Step::Const(n.checked_neg()?),
                    (BinOp::Iadd, None, Opnd::Value(v)) if a == p => Step::Value(v),
                    (BinOp::Iadd, None, Opnd::Value(v)) if v == p => Step::Value(a),
                    _ => return None,
                };
                if step.is_some_and(|s| s != by) {
                    return None;
                }
                step = Some(by);
            }
        }
        let step = step?;
        let fits = match step {
            Step::Const(n) => n != 0 && n.abs() < OFFSET,
            Step::Value(v) => !inside.contains_key(&v),
        };
        let end = self.end(p, step, inside).filter(|_| fits)?;
        Some(Counter {
            number: k,
            param: p,
            step,
            end,
        })
    }

    /// A branch that every way round passes and that says how far the counter goes.
    fn end(&self, p: Value, step: Step, inside: &FastMap<Value, ()>) -> Option<End> {
        let steady = |o: Opnd| !matches!(o, Opnd::Value(v) if inside.contains_key(&v));
        for &b in &self.l.blocks {
            let round = |to: Block| self.l.latches.iter().all(|&q| self.cfg.dominates(to, q));
            if !round(b) {
                continue;
            }
            let Some(Term::BrIf { cond, then, els }) = &self.f.blocks[b.index()].term else {
                continue;
            };
            let &Cond::Icmp {
                cc,
                w: Width::W64,
                a,
                b: o,
            } = cond
            else {
                continue;
            };
            let (cc, other) = match o {
                _ if a == p => (cc, o),
                Opnd::Value(v) if v == p => (super::mirror(cc)?, Opnd::Value(a)),
                _ => continue,
            };
            if !steady(other) {
                continue;
            }
            let leaves = |t: &BlockCall| !self.loops.contains(self.n, t.block);
            // The way on, and the comparison that holds there.
            let (cc, on) = match (leaves(then), leaves(els)) {
                (false, true) => (cc, then.block),
                (true, false) => (super::gvn::negate(cc), els.block),
                _ => continue,
            };
            let upwards = matches!(step, Step::Const(n) if n > 0);
            let only_way = self.cfg.preds(on) == [b];
            match (cc, other) {
                (IntCc::Ne, last) => return Some(End::Last(last)),
                (IntCc::Slt | IntCc::Sle, limit) if upwards && only_way => {
                    return Some(End::Below {
                        limit,
                        strict: cc == IntCc::Slt,
                        inside: on,
                    });
                }
                _ => {}
            }
        }
        None
    }

    /// The checks that a version of the loop can do without, and how large it is.
    fn checks(
        &self,
        counter: Counter,
        grows: Option<Grows>,
        inside: &FastMap<Value, ()>,
    ) -> Option<(Plan, usize)> {
        let mut checks: Vec<Check> = Vec::new();
        for &b in &self.l.blocks {
            if let End::Below { inside, .. } = counter.end
                && !self.cfg.dominates(inside, b)
            {
                continue;
            }
            checks.extend(self.check(b, counter.param, inside));
        }
        let follows = |c: &Check| grows.is_some_and(|g| g.length == c.length);
        for c in checks.iter_mut().filter(|c| follows(c)) {
            c.then = !c.then;
        }
        // Taking one away makes more of the loop reachable, where more may change.
        loop {
            let body = self.reachable(&checks);
            checks.retain(|c| body.contains(&c.block));
            if checks.is_empty() || !self.l.latches.iter().any(|q| body.contains(q)) {
                return None;
            }
            let mut effects = Effects::default();
            let mut size = 0;
            let mut stores = Vec::new();
            for b in &body {
                let insts = &self.f.blocks[b.index()].insts;
                size += insts.len() + 1;
                for id in insts {
                    let inst = &self.f.insts[id.index()].inst;
                    if matches!(inst, Inst::Call(data) if data.safepoint.is_some()) {
                        return None;
                    }
                    match grows {
                        Some(g) if self.grows(inst, &g, counter, inside) => stores.push(*b),
                        _ => effects.inst(inst),
                    }
                }
            }
            if let Some(g) = grows {
                let alone = is_steady(&g.addr, &effects) && self.is_safe(&g.addr, g.length, inside);
                if !alone || !self.always_grows(&body, &stores, &checks, &g) {
                    return None;
                }
            }
            let had = checks.len();
            checks.retain(|c| match self.f.def_inst(c.length) {
                _ if follows(c) => true,
                Some(Inst::Load { addr, .. }) if inside.contains_key(&c.length) => {
                    let stays = grows.is_none_or(|g| View::is_apart(addr, &g));
                    stays && is_steady(addr, &effects) && self.is_safe(addr, c.length, inside)
                }
                _ => !inside.contains_key(&c.length),
            });
            if checks.len() == had {
                let plan = Plan {
                    counter,
                    grows,
                    checks,
                    body,
                };
                return (size <= LOOP_SIZE).then_some((plan, size));
            }
        }
    }

    /// Whether a load of the loop can be done in front of it: of an object that was looked at on every way there, or that the
    /// loop looks at first of all. Else what the base is could be checked in the loop.
    fn is_safe(&self, addr: &Addr, v: Value, inside: &FastMap<Value, ()>) -> bool {
        let Base::Value(base) = addr.base else {
            return false;
        };
        if addr.index.is_some() || inside.contains_key(&base) {
            return false;
        }
        let insts = |b: Block| {
            let ids = self.f.blocks[b.index()].insts.iter();
            ids.map(|id| &self.f.insts[id.index()])
        };
        if insts(self.l.header).any(|node| node.results().any(|r| r == v)) {
            return true;
        }
        let looked_at = |inst: &Inst| match inst {
            Inst::Load { addr: a, .. } => a.base == addr.base && a.region == addr.region,
            _ => false,
        };
        let mut at = self.l.header;
        while let Some(up) = self.cfg.idom(at) {
            if insts(up).any(|node| looked_at(&node.inst)) {
                return true;
            }
            at = up;
        }
        false
    }

    /// The blocks of the loop that it can get to while all checks pass.
    fn reachable(&self, checks: &[Check]) -> Vec<Block> {
        let mut body = Vec::new();
        for &b in &self.l.blocks {
            let from = |q: &Block| {
                body.contains(q)
                    && match checks.iter().find(|c| c.block == *q) {
                        Some(c) => passed(self.f, c).block == b,
                        None => true,
                    }
            };
            if b == self.l.header || self.cfg.preds(b).iter().any(from) {
                body.push(b);
            }
        }
        body
    }

    /// The bounds check that a block ends with.
    fn check(&self, b: Block, p: Value, inside: &FastMap<Value, ()>) -> Option<Check> {
        let (length, index, holds) = compared(self.f, b)?;
        let (base, offset) = self.index(index, p, inside, DEPTH)?;
        let Some(Term::BrIf { then, els, .. }) = &self.f.blocks[b.index()].term else {
            return None;
        };
        let to = if holds { then } else { els };
        (self.loops.contains(self.n, to.block) && offset.abs() < OFFSET).then_some(Check {
            block: b,
            then: holds,
            base,
            offset,
            length,
        })
    }

    /// A value as the counter plus something that stays the same and a constant.
    fn index(
        &self,
        v: Value,
        p: Value,
        inside: &FastMap<Value, ()>,
        depth: u32,
    ) -> Option<(Option<Value>, i64)> {
        if v == p {
            return Some((None, 0));
        }
        let &Inst::Binary { op, a, b } = self.f.def_inst(v)? else {
            return None;
        };
        let depth = depth.checked_sub(1)?;
        let n = self.f.opnd_const(b);
        match (op, n, b) {
            (BinOp::Iadd | BinOp::Isub, Some(n), _) => {
                let (base, offset) = self.index(a, p, inside, depth)?;
                let n = if op == BinOp::Iadd {
                    Some(n)
                } else {
                    n.checked_neg()
                };
                Some((base, offset.checked_add(n?)?))
            }
            (BinOp::Iadd, None, Opnd::Value(b)) => {
                let (sum, other) = match (inside.contains_key(&a), inside.contains_key(&b)) {
                    (true, false) => (a, b),
                    (false, true) => (b, a),
                    _ => return None,
                };
                let (base, offset) = self.index(sum, p, inside, depth)?;
                base.is_none().then_some((Some(other), offset))
            }
            _ => None,
        }
    }
}

/// The way that a check takes if it passes.
fn passed<'a>(f: &'a Function, c: &Check) -> &'a BlockCall {
    match &f.blocks[c.block.index()].term {
        Some(Term::BrIf { then, els, .. }) => match c.then {
            true => then,
            false => els,
        },
        _ => unreachable!("a check is a branch"),
    }
}

/// Adds the version of a loop and what decides about it, in front of the loop. Returns the new blocks in their order.
fn copy(
    f: &mut Function,
    cfg: &Cfg,
    plan: &Plan,
    l: &Loop,
    n: u32,
    copies: &mut Peeled,
) -> Vec<Block> {
    let header = l.header;
    let (blocks, values) = clone_blocks(f, &plan.body);
    for &b in blocks.values() {
        for id in f.blocks[b.index()].insts.clone() {
            let inst = &mut f.insts[id.index()].inst;
            inst.for_each_use_mut(|v| *v = *values.get(v).unwrap_or(v));
        }
        if let Some(term) = &mut f.blocks[b.index()].term {
            term.for_each_use_mut(|v| *v = *values.get(v).unwrap_or(v));
            for t in term.targets_mut() {
                t.block = *blocks.get(&t.block).unwrap_or(&t.block);
            }
        }
    }
    for c in &plan.checks {
        let b = blocks[&c.block];
        let copied = Check { block: b, ..*c };
        let way = passed(f, &copied).clone();
        f.blocks[b.index()].term = Some(Term::Jump(way));
    }
    if let Some(g) = plan.grows
        && let ValueDef::Inst(id, _) = f.values[values[&g.length].index()].def
    {
        // What the load would give.
        let a = values[&plan.counter.param];
        let b = Opnd::Imm(g.offset as i32);
        let op = BinOp::Iadd;
        f.insts[id.index()].inst = Inst::Binary { op, a, b };
    }
    let first = entry::decide(f, plan, header, blocks[&header]);
    for &q in cfg.preds(header).iter().filter(|q| !l.latches.contains(q)) {
        for t in targets_mut(f, q).filter(|t| t.block == header) {
            t.block = first[0];
        }
    }
    copies.add(f, n, &l.blocks, &blocks, &values);
    first.into_iter().chain(blocks.into_values()).collect()
}
