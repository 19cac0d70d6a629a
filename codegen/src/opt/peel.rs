//! Peeling: a copy of an innermost loop's body in front of the loop.
//!
//! What the loop computes, loads or checks in every iteration with the same outcome is then done once before it, by the
//! copy, and value numbering finds it there. So guards need not be moved: each stays where its exit knows the state.
//! Only loops with something of that kind are peeled.
//!
//! What interrupts an iteration in a cold block and comes back (a slow path, a poll that found work) may change everything.
//! It does not come back to the loop: the rest of the iteration is a third copy, cold as well, that goes on with the copy in
//! front, where all is checked again. So the loop itself holds nothing but hot code.
//!
//! Values of the loop that are used behind it get a second definition, by the copy. Blocks where both arrive take
//! parameters for them; those that turn out needless are simplified away.

use super::gvn::Effects;
use super::hash::FastMap;
use super::known::Known;
use super::loops::{Loop, Loops};
use super::report::{Reason, Report, Stays, loop_loc};
use super::{OptStats, compact, within};
use crate::ir::{
    Addr, Base, BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, Region, SrcLoc, Term, Type,
    UnOp, Value, ValueDef,
};
use std::collections::BTreeMap;

/// Instructions and terminators that the copies of a loop may have.
const LOOP_SIZE: usize = 800;
/// The same where the loop runs often.
const OFTEN_LOOP_SIZE: usize = 2400;
/// Blocks of a loop, cold ones included, that is looked at.
const BLOCKS: usize = 4 * LOOP_SIZE;
/// The function may grow to twice its size and by this.
const GROWTH: usize = 2000;

pub(super) type Values = FastMap<Value, Value>;

/// What a block is to a peeled loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// Part of it.
    Loop,
    /// Part of a copy: the one in front, or one of several.
    Copy(u32),
    /// Part of the copy in which iterations end that a cold block interrupted.
    Rest,
}

/// The copies of peeled loops.
pub(super) struct Peeled {
    /// By block: the peeled loop it belongs to.
    side: Vec<Option<(u32, Side)>>,
    /// By value of a peeled loop: its loop and its copies.
    copy: FastMap<Value, (u32, Vec<Value>)>,
    /// By value of a peeled loop: its copy in the rest, and the block of that, if it has one.
    rest: FastMap<Value, (Value, Block)>,
}

impl Peeled {
    /// None so far.
    pub(super) fn new(num_blocks: usize) -> Peeled {
        Peeled {
            side: vec![None; num_blocks],
            copy: FastMap::default(),
            rest: FastMap::default(),
        }
    }

    /// Takes in a loop with a copy of some of its blocks and their values; again for each further copy of the same.
    pub(super) fn add(
        &mut self,
        f: &Function,
        l: u32,
        blocks: &[Block],
        copies: &BTreeMap<Block, Block>,
        values: &Values,
    ) {
        self.side.resize(f.blocks.len(), None);
        for b in blocks {
            self.side[b.index()] = Some((l, Side::Loop));
        }
        let mut number = 0;
        for (&v, &c) in values {
            let (_, list) = self.copy.entry(v).or_insert((l, Vec::new()));
            number = list.len() as u32;
            list.push(c);
        }
        for b in copies.values() {
            self.side[b.index()] = Some((l, Side::Copy(number)));
        }
    }

    /// Takes in another block.
    fn belongs(&mut self, b: Block, l: u32, side: Side) {
        let n = self.side.len().max(b.index() + 1);
        self.side.resize(n, None);
        self.side[b.index()] = Some((l, side));
    }

    /// Values and their copies.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (Value, Value)> {
        let all = self.copy.iter();
        let copies = all.flat_map(|(&v, (_, list))| list.iter().map(move |&c| (v, c)));
        copies.chain(self.rest.iter().map(|(&v, &(copy, _))| (v, copy)))
    }

    /// What stands for a value of a peeled loop in a block that belongs to it.
    fn here(&self, b: Block, v: Value) -> Option<Value> {
        let (l, copies) = self.copy.get(&v)?;
        match self.side[b.index()]? {
            (m, Side::Loop) if m == *l => Some(v),
            (m, Side::Copy(n)) if m == *l => copies.get(n as usize).copied(),
            (m, Side::Rest) if m == *l => self.rest.get(&v).filter(|r| r.1 == b).map(|r| r.0),
            _ => None,
        }
    }
}

/// Peels the loops that are worth it. Whether there were any.
pub(super) fn run(
    f: &mut Function,
    ask: bool,
    known: &mut Known,
    stats: &mut OptStats,
    report: &mut Report,
) -> bool {
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let mut budget = super::size(f) as usize + GROWTH;
    let mut picked = Vec::new();
    for l in loops.loops.iter().filter(|l| !l.has_inner) {
        match pick(f, &cfg, &loops, l, budget) {
            Ok((body, size)) => {
                budget -= size;
                picked.push(body);
            }
            Err(Some(why)) => report.add(loop_loc(f, l.header), Stays::Loop, why),
            Err(None) => {}
        }
    }
    if picked.is_empty() {
        return false;
    }
    stats.peeled += picked.len() as u32;
    let old_blocks = f.blocks.len();
    let mut peeled = Peeled::new(old_blocks);
    // By block: the copies to be laid out before it.
    let mut before: FastMap<Block, Vec<Block>> = FastMap::default();
    for (n, body) in picked.iter().enumerate() {
        let copies = copy_loop(f, &cfg, body, n as u32, ask, &mut peeled);
        if let Some(&first) = body.iter().min() {
            before.insert(first, copies);
        }
    }
    known.copy(peeled.pairs());
    repair(f, &peeled);
    let mut order = in_front(before, old_blocks);
    let rest = |b: &Block| matches!(peeled.side[b.index()], Some((_, Side::Rest)));
    order.extend(
        (old_blocks..f.blocks.len())
            .map(|n| Block(n as u32))
            .filter(rest),
    );
    compact::compact(f, &order, known);
    true
}

/// The first `old_blocks` blocks in order, each with the copies to be laid out before it.
pub(super) fn in_front(mut before: FastMap<Block, Vec<Block>>, old_blocks: usize) -> Vec<Block> {
    let mut order = Vec::new();
    for b in (0..old_blocks as u32).map(Block) {
        order.extend(before.remove(&b).unwrap_or_default());
        order.push(b);
    }
    order
}

/// The part of an innermost loop to copy and the size of its copies, or what is in the way; nothing is if there is nothing to gain.
fn pick(
    f: &Function,
    cfg: &Cfg,
    loops: &Loops,
    l: &Loop,
    budget: usize,
) -> Result<(Vec<Block>, usize), Option<Reason>> {
    if f.blocks[l.header.index()].cold {
        return Err(None);
    }
    let large = |n: usize| Err(Some(Reason::Large(n as u32)));
    if l.blocks.len() > BLOCKS {
        return large(l.blocks.len());
    }
    let body = hot_part(f, cfg, l);
    let size_of = |list: &[Block]| -> usize {
        let sizes = list.iter().map(|b| f.blocks[b.index()].insts.len() + 1);
        sizes.sum()
    };
    let size = size_of(&body) + size_of(&rest_of(f, cfg, &body));
    let limit = match f.blocks[l.header.index()].often {
        true => OFTEN_LOOP_SIZE,
        false => LOOP_SIZE,
    };
    if size > limit.min(budget) {
        return large(size);
    }
    if l.blocks.iter().any(|&b| loops.is_irreducible(b)) {
        return Err(Some(Reason::Irreducible));
    }
    match is_worth_it(f, &body) {
        Ok(true) => Ok((body, size)),
        Ok(false) => Err(None),
        Err(call) => Err(Some(Reason::Called(call))),
    }
}

/// The part of a loop to copy, in reverse postorder: what leads back to the header without cold blocks. Those (a poll that
/// found work, a slow path) go on in copies, so that whatever they change, the loop itself finds as the copy in front left
/// it. All of the loop if every way round is cold somewhere.
pub(super) fn hot_part(f: &Function, cfg: &Cfg, l: &Loop) -> Vec<Block> {
    let is_cold = |b: &Block| f.blocks[b.index()].cold;
    let mut inside = vec![l.header];
    let mut work: Vec<Block> = l.latches.iter().copied().filter(|b| !is_cold(b)).collect();
    let mut whole = work.contains(&l.header);
    while let Some(b) = work.pop() {
        if !inside.contains(&b) {
            inside.push(b);
            let preds = cfg.preds(b).iter().copied().filter(|b| !is_cold(b));
            work.extend(preds);
            whole |= cfg.preds(b).contains(&l.header);
        }
    }
    if !whole {
        return l.blocks.clone();
    }
    inside.sort_unstable_by_key(|&b| cfg.rpo_of(b));
    inside
}

/// Whether something in a loop does the same in every iteration, is not free, and can be left to the first. Fails with the place of a call
/// that must not be copied.
fn is_worth_it(f: &Function, body: &[Block]) -> Result<bool, SrcLoc> {
    let mut effects = Effects::default();
    for b in body {
        for id in &f.blocks[b.index()].insts {
            effects.inst(&f.insts[id.index()].inst);
        }
    }
    let effects = &effects;
    let mut varies: FastMap<Value, bool> = FastMap::default();
    let mut worth = false;
    for b in body {
        let data = &f.blocks[b.index()];
        varies.extend(data.params.iter().map(|&p| (p, true)));
        for id in &data.insts {
            let node = &f.insts[id.index()];
            if let Inst::Call(data) = &node.inst {
                // Two return addresses of one safe point might be more than its owner expects.
                if data.safepoint.is_some() {
                    return Err(node.loc);
                }
            }
            let mut same = !node.inst.has_effect();
            node.inst
                .for_each_use(|v| same &= varies.get(&v) != Some(&true));
            same &= match &node.inst {
                Inst::Load { addr, .. } => is_steady(addr, effects),
                Inst::GetPinned(_) => false,
                Inst::BoolOf(c) | Inst::Select { cond: c, .. } => steady_cond(c, effects),
                _ => true,
            };
            if !same {
                varies.extend(node.results().map(|v| (v, true)));
            }
            worth |= same && is_costly(&node.inst);
        }
        if let Some(Term::BrIf { cond, .. }) = &data.term {
            let mut same = steady_cond(cond, effects);
            cond.for_each_use(&mut |v| same &= varies.get(&v) != Some(&true));
            worth |= same;
        }
    }
    Ok(worth)
}

/// Whether a loop leaves memory at an address alone.
pub(super) fn is_steady(addr: &Addr, effects: &Effects) -> bool {
    !super::gvn::is_volatile(addr) && !effects.touches(addr.region) || addr.region == Region::Const
}

fn steady_cond(cond: &Cond, effects: &Effects) -> bool {
    match cond {
        Cond::IcmpMem { addr, .. } | Cond::TestMem { addr, .. } => is_steady(addr, effects),
        Cond::RspMem { .. } => false,
        Cond::Icmp { .. } | Cond::Test { .. } | Cond::Fcmp { .. } | Cond::Overflow(_) => true,
    }
}

/// Whether computing this once instead of every time is worth a register.
fn is_costly(inst: &Inst) -> bool {
    match inst {
        Inst::Load { .. } | Inst::BoolOf(_) | Inst::Select { .. } => true,
        Inst::Binary { op, .. } => {
            op.ty() == Type::F64
                || matches!(
                    op,
                    BinOp::Imul
                        | BinOp::Sdiv
                        | BinOp::Srem
                        | BinOp::Smulh
                        | BinOp::Sfloor
                        | BinOp::Smod
                )
        }
        Inst::Unary { op, .. } => {
            let (from, to) = op.types();
            (from, to) != (Type::I64, Type::I64) && !matches!(op, UnOp::Fneg | UnOp::Fabs)
        }
        Inst::AddrOf(addr) => matches!(addr.base, Base::Symbol(_)),
        // It has no effect.
        Inst::Call(_) => true,
        _ => false,
    }
}

/// Adds copies of blocks, their operands and targets as they were, and maps blocks and values to their copies.
pub(super) fn clone_blocks(f: &mut Function, blocks: &[Block]) -> (BTreeMap<Block, Block>, Values) {
    let mut block_of = BTreeMap::new();
    let mut value_of = Values::default();
    for &b in blocks {
        let copy = f.add_block();
        block_of.insert(b, copy);
        f.blocks[copy.index()].cold = f.blocks[b.index()].cold;
        for p in f.blocks[b.index()].params.clone() {
            let q = f.add_param(copy, f.ty(p));
            value_of.insert(p, q);
        }
        for id in f.blocks[b.index()].insts.clone() {
            let node = f.insts[id.index()].clone();
            let tys: Vec<Type> = node.results().map(|v| f.ty(v)).collect();
            let new = f.add_inst(copy, node.inst.clone(), &tys, node.loc);
            let results = f.insts[new.index()].results();
            value_of.extend(node.results().zip(results));
        }
        f.blocks[copy.index()].term = f.blocks[b.index()].term.clone();
        f.blocks[copy.index()].term_loc = f.blocks[b.index()].term_loc;
    }
    (block_of, value_of)
}

/// Copies a loop, whose header comes first, and leads the ways into it to the copy, whose ways back lead to the loop. Ways
/// into the middle, from cold blocks, lead to a copy of the rest of the iteration, which ends before the first copy.
/// Returns the first copy. `ask`: and between the two, where something about all iterations may be asked.
fn copy_loop(
    f: &mut Function,
    cfg: &Cfg,
    body: &[Block],
    l: u32,
    ask: bool,
    peeled: &mut Peeled,
) -> Vec<Block> {
    let header = body[0];
    let (first, values) = clone_blocks(f, body);
    for &copy in first.values() {
        for id in f.blocks[copy.index()].insts.clone() {
            let inst = &mut f.insts[id.index()].inst;
            inst.for_each_use_mut(|v| *v = *values.get(v).unwrap_or(v));
        }
        if let Some(term) = &mut f.blocks[copy.index()].term {
            term.for_each_use_mut(|v| *v = *values.get(v).unwrap_or(v));
            for t in term.targets_mut().filter(|t| t.block != header) {
                t.block = *first.get(&t.block).unwrap_or(&t.block);
            }
        }
    }
    let rest = rest_of(f, cfg, body);
    let (second, rest_values) = clone_blocks(f, &rest);
    for &copy in second.values() {
        f.blocks[copy.index()].cold = true;
        for t in targets_mut(f, copy) {
            t.block = match t.block == header {
                true => first[&header],
                false => *second.get(&t.block).unwrap_or(&t.block),
            };
        }
    }
    for &b in body {
        for &p in cfg.preds(b) {
            if !first.contains_key(&p) {
                for t in targets_mut(f, p).filter(|t| t.block == b) {
                    t.block = match b == header {
                        true => first[&header],
                        false => second[&b],
                    };
                }
            }
        }
    }
    peeled.add(f, l, body, &first, &values);
    for copy in second.values() {
        peeled.side[copy.index()] = Some((l, Side::Rest));
    }
    let mut block_of = FastMap::default();
    for &b in second.values() {
        let ids = f.blocks[b.index()].insts.iter();
        block_of.extend(ids.map(|&id| (id, b)));
    }
    for (v, c) in rest_values {
        let b = match f.values[c.index()].def {
            ValueDef::Param(b, _) => b,
            ValueDef::Inst(id, _) => block_of[&id],
        };
        peeled.rest.insert(v, (c, b));
    }
    // A loop that cold code leads into again has the copy for a loop, too.
    let place = match ask && !rest.is_empty() {
        true => within::ask(f, l, header, first[&header]),
        false => None,
    };
    if let Some(place) = place {
        peeled.belongs(place, l, Side::Copy(0));
        for &b in first.values() {
            for t in targets_mut(f, b).filter(|t| t.block == header) {
                t.block = place;
            }
        }
    }
    first.into_values().chain(place).collect()
}

/// The blocks that an iteration can still go through after a cold block led back into its middle.
fn rest_of(f: &Function, cfg: &Cfg, body: &[Block]) -> Vec<Block> {
    let inside: Vec<bool> = {
        let mut inside = vec![false; f.blocks.len()];
        body.iter().for_each(|b| inside[b.index()] = true);
        inside
    };
    let is_inside = |b: Block| inside.get(b.index()) == Some(&true);
    let mut rest = Vec::new();
    // In reverse postorder: a block belongs to the rest if one before it does, or a cold block leads to it.
    for &b in &body[1..] {
        let mut preds = cfg.preds(b).iter();
        if preds.any(|p| !is_inside(*p) || rest.contains(p)) {
            rest.push(b);
        }
    }
    rest
}

pub(super) fn targets_mut(f: &mut Function, b: Block) -> impl Iterator<Item = &mut BlockCall> {
    f.blocks[b.index()]
        .term
        .iter_mut()
        .flat_map(|t| t.targets_mut())
}

/// Gives the uses of peeled values outside their loops what arrives there.
pub(super) fn repair(f: &mut Function, peeled: &Peeled) {
    let cfg = Cfg::new(f);
    let mut uses: BTreeMap<Value, Vec<Block>> = BTreeMap::new();
    for &b in &cfg.rpo {
        let mut see = |v: Value| {
            if peeled.here(b, v).is_none() && peeled.copy.contains_key(&v) {
                let list = uses.entry(v).or_default();
                if list.last() != Some(&b) {
                    list.push(b);
                }
            }
        };
        let data = &f.blocks[b.index()];
        for id in &data.insts {
            f.insts[id.index()].inst.for_each_use(&mut see);
        }
        if let Some(t) = &data.term {
            t.for_each_use(&mut see);
        }
    }
    let mut here: FastMap<(Block, Value), Value> = FastMap::default();
    for (&v, blocks) in &uses {
        arriving(f, &cfg, peeled, v, blocks, &mut here);
    }
    for &b in &cfg.rpo {
        let new = |v: Value| {
            let own = peeled.here(b, v);
            own.or_else(|| here.get(&(b, v)).copied()).unwrap_or(v)
        };
        for id in f.blocks[b.index()].insts.clone() {
            let inst = &mut f.insts[id.index()].inst;
            inst.for_each_use_mut(|v| *v = new(*v));
        }
        if let Some(term) = &mut f.blocks[b.index()].term {
            term.for_each_use_mut(|v| *v = new(*v));
        }
    }
}

/// Finds what arrives for a value at the start of each block that needs it, adding parameters where both definitions do.
fn arriving(
    f: &mut Function,
    cfg: &Cfg,
    peeled: &Peeled,
    v: Value,
    used_in: &[Block],
    here: &mut FastMap<(Block, Value), Value>,
) {
    let defined = |b: Block| peeled.here(b, v);
    // All blocks outside the loop and its copy where the value is live at the start: the walk ends at the definitions,
    // which every way from the entry passes.
    let mut live: BTreeMap<u32, Block> = BTreeMap::new();
    let mut work = used_in.to_vec();
    while let Some(b) = work.pop() {
        if defined(b).is_none() && live.insert(cfg.rpo_of(b), b).is_none() {
            work.extend(cfg.preds(b));
        }
    }
    let mut added = Vec::new();
    for &b in live.values() {
        let arrives = |p: &Block| defined(*p).or_else(|| here.get(&(*p, v)).copied());
        let mut all = cfg.preds(b).iter().map(arrives);
        let first = all.next().flatten();
        let value = match first {
            Some(x) if all.all(|y| y == Some(x)) => x,
            _ => {
                let param = f.add_param(b, f.ty(v));
                added.push(b);
                param
            }
        };
        here.insert((b, v), value);
    }
    for b in added {
        let mut preds = cfg.preds(b).to_vec();
        preds.dedup();
        for p in preds {
            let arg = defined(p).unwrap_or_else(|| here[&(p, v)]);
            for t in targets_mut(f, p).filter(|t| t.block == b) {
                t.args.push(arg);
            }
        }
    }
}
