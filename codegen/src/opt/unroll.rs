//! Unrolling: several copies of an innermost loop's body, one behind the other, before the way back.
//!
//! Each copy keeps all that the body does, its exits and its guards, so that nothing need be known of how often the loop runs: the way out of
//! the n-th copy is a way out of the loop with what that iteration has. What is gained:
//! - Values that only move on (`a, b = b, a + b`: what was `b` is `a` in the next iteration) are not moved: as many copies as the longest chain of
//!   such parameters has members, or the period of a cycle, and each iteration finds them where the one before left them.
//! - Counters are the first one's plus a constant, which addresses have room for.
//! - What one iteration stores or loads, value numbering finds in the next.
//! - One poll serves all copies: what it looks for waits for some iterations of a loop that calls nothing.
//! - Loops that count to a last value ask for the end once for all copies ([`counted`]).
//!
//! Loops that come back from cold blocks into the middle of an iteration are left alone; peeling made that rare.

mod counted;

use self::counted::Counted;
use super::hash::FastMap;
use super::known::Known;
use super::loops::{Loop, Loops};
use super::peel::{Peeled, clone_blocks, hot_part, in_front, repair, targets_mut};
use super::{OptStats, compact};
use crate::ir::{
    Base, BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, IntCc, Opnd, Pinned, Region, Scale,
    Term, Value,
};

/// Instructions and terminators that all copies of a loop may have.
const UNROLLED: usize = 480;
/// A body so small is unrolled for its counter and poll alone, as often as makes this many instructions of it.
const SMALL: usize = 16;
/// Most copies.
const COPIES: usize = 8;
/// Iterations after which what was stored may be loaded: with so many copies most find it.
const LATER: i64 = 4;
/// A counter's step is less.
const STEP: i64 = 1 << 24;
/// All copies of a function may have so many and as many as it has itself.
const GROWTH: usize = 1000;

/// A loop to be unrolled: what is copied, the header first, and how often it is there then.
struct Plan {
    body: Vec<Block>,
    copies: usize,
    /// The copies are in front of the loop, and do not ask for its end.
    counted: Option<Counted>,
}

/// Unrolls the loops for which that pays, but those that `vectors` wants. Whether there were any.
pub(super) fn run(
    f: &mut Function,
    vectors: impl Fn(&Function, &Cfg, &Loops, u32) -> bool,
    known: &mut Known,
    stats: &mut OptStats,
) -> bool {
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let mut budget = super::size(f) as usize + GROWTH;
    let mut plans = Vec::new();
    for (n, l) in loops.loops.iter().enumerate() {
        if let Some((plan, size)) = plan(f, &cfg, &loops, l)
            && size <= budget
            && !vectors(f, &cfg, &loops, n as u32)
        {
            budget -= size;
            plans.push(plan);
        }
    }
    if plans.is_empty() {
        return false;
    }
    stats.unrolled += plans.len() as u32;
    let old_blocks = f.blocks.len();
    let mut copies = Peeled::new(old_blocks);
    let mut behind = vec![Vec::new(); old_blocks];
    let mut before: FastMap<Block, Vec<Block>> = FastMap::default();
    for (n, plan) in plans.iter().enumerate() {
        let new = unroll(f, &cfg, plan, n as u32, &mut copies);
        if plan.counted.is_some() {
            before.insert(plan.body[0], new);
        } else if let Some(last) = plan.body.iter().max() {
            behind[last.index()] = new;
        }
    }
    known.copy(copies.pairs());
    repair(f, &copies);
    let mut order = Vec::with_capacity(f.blocks.len());
    for b in in_front(before, old_blocks) {
        order.push(b);
        order.extend(
            behind
                .get_mut(b.index())
                .map(std::mem::take)
                .unwrap_or_default(),
        );
    }
    compact::compact(f, &order, known);
    true
}

/// How a loop is unrolled and by how many instructions it grows.
fn plan(f: &Function, cfg: &Cfg, loops: &Loops, l: &Loop) -> Option<(Plan, usize)> {
    let irreducible = |&b: &Block| loops.is_irreducible(b);
    if l.has_inner || f.blocks[l.header.index()].cold || l.blocks.iter().any(irreducible) {
        return None;
    }
    let body = hot_part(f, cfg, l);
    let size: usize = {
        let sizes = body.iter().map(|b| f.blocks[b.index()].insts.len() + 1);
        sizes.sum()
    };
    // It must be entered by the header alone.
    let closed = |b: &Block| cfg.preds(*b).iter().all(|p| body.contains(p));
    if size * 2 > UNROLLED || !body[1..].iter().all(closed) {
        return None;
    }
    // Two return addresses of one safe point might be more than its owner expects.
    let insts = body.iter().flat_map(|b| &f.blocks[b.index()].insts);
    let called = |inst: &Inst| matches!(inst, Inst::Call(data) if data.safepoint.is_some());
    if insts.clone().any(|id| called(&f.insts[id.index()].inst)) {
        return None;
    }
    let steps = steps(f, l);
    let chain = longest_chain(f, l, &body);
    // At least, and at most.
    let (least, wanted) = match chain {
        _ if stores_for_later(f, l, &body, &steps) => (COPIES / 2, COPIES),
        1 => (SMALL / size / 2, SMALL / size),
        n => (n, n),
    };
    let most = wanted.min(COPIES).min(UNROLLED / size);
    let counted = counted::of(f, cfg, l, &body, &steps);
    let copies = match &counted {
        Some(c) if least > 1 && least < most => c.copies(least + 1, most),
        _ => most,
    };
    let plan = Plan {
        body,
        copies,
        counted,
    };
    (copies > 1).then(|| (plan, size * (copies - counted.is_none() as usize)))
}

/// By parameter of the header: the constant that the only way round adds.
fn steps(f: &Function, l: &Loop) -> Vec<Option<i64>> {
    let params = &f.blocks[l.header.index()].params;
    let mut steps = vec![None; params.len()];
    if let [latch] = l.latches[..] {
        for t in f.targets(latch).filter(|t| t.block == l.header) {
            for (k, &arg) in t.args.iter().enumerate() {
                steps[k] = match plus(f, arg) {
                    (of, n) if of == params[k] && n != 0 && n.abs() < STEP => Some(n),
                    _ => None,
                };
            }
        }
    }
    steps
}

/// Members of the longest chain of the header's parameters of which each is the next one in the iteration before; 1 if there is none.
fn longest_chain(f: &Function, l: &Loop, body: &[Block]) -> usize {
    let params = &f.blocks[l.header.index()].params;
    // By parameter: the other one that it is given by every way round.
    let mut from: Vec<Option<usize>> = vec![None; params.len()];
    let mut first = true;
    for q in l.latches.iter().filter(|q| body.contains(q)) {
        for t in f.targets(*q).filter(|t| t.block == l.header) {
            for (k, arg) in t.args.iter().enumerate() {
                let other = params.iter().position(|p| p == arg).filter(|&n| n != k);
                match first {
                    true => from[k] = other,
                    false if from[k] != other => from[k] = None,
                    false => {}
                }
            }
            first = false;
        }
    }
    let length = |k: usize| {
        let (mut n, mut at) = (1, k);
        while let Some(next) = from[at] {
            // A cycle is as it was after as many iterations as it has members.
            if next == k {
                break;
            }
            n += 1;
            at = next;
            // One that leads into a cycle.
            if n > params.len() {
                break;
            }
        }
        n
    };
    (0..params.len()).map(length).max().unwrap_or(1)
}

/// Whether the loop loads what one of the last iterations but a few stored, by a counter as the index.
fn stores_for_later(f: &Function, l: &Loop, body: &[Block], steps: &[Option<i64>]) -> bool {
    let params = &f.blocks[l.header.index()].params;
    // What is indexed by a counter: base, which counter, and how far from it in bytes; where, and whether it is stored.
    let mut places: Vec<(Base, usize, i64, bool)> = Vec::new();
    for id in body.iter().flat_map(|b| &f.blocks[b.index()].insts) {
        let (addr, stored) = match &f.insts[id.index()].inst {
            Inst::Load { addr, .. } => (addr, false),
            Inst::Store { addr, .. } => (addr, true),
            _ => continue,
        };
        if let Some((v, Scale::S8)) = addr.index {
            let (of, n) = plus(f, v);
            if let Some(k) = params.iter().position(|&p| p == of) {
                let at = n.wrapping_mul(8).wrapping_add(i64::from(addr.disp));
                places.push((addr.base, k, at, stored));
            }
        }
    }
    let meets = |from: &(Base, usize, i64, bool), to: &(Base, usize, i64, bool)| {
        let ahead = from.2.wrapping_sub(to.2);
        let step = steps[from.1].unwrap_or(0).wrapping_mul(8);
        (from.0, from.1) == (to.0, to.1)
            && (1..=LATER).any(|n| step != 0 && step.wrapping_mul(n) == ahead)
    };
    let mut stores = places.iter().filter(|p| p.3);
    stores.any(|s| places.iter().any(|p| !p.3 && meets(s, p)))
}

/// A number as another and a constant.
fn plus(f: &Function, v: Value) -> (Value, i64) {
    match f.def_inst(v) {
        Some(&Inst::Binary { op, a, b }) => match (op, f.opnd_const(b)) {
            (BinOp::Iadd, Some(n)) => (a, n),
            (BinOp::Isub, Some(n)) => (a, n.wrapping_neg()),
            _ => (v, 0),
        },
        _ => (v, 0),
    }
}

/// Adds the copies of a loop. Returns their blocks in order.
fn unroll(f: &mut Function, cfg: &Cfg, plan: &Plan, l: u32, all: &mut Peeled) -> Vec<Block> {
    let header = plan.body[0];
    // The header that the way back of the copy before leads to, from the last copy to the first.
    let mut next = header;
    let mut later = Vec::new();
    // Where all copies are new, the first one is the last to be made.
    let made = plan.copies - plan.counted.is_none() as usize;
    for n in 1..=made {
        let (blocks, values) = clone_blocks(f, &plan.body);
        for &copy in blocks.values() {
            for id in f.blocks[copy.index()].insts.clone() {
                let inst = &mut f.insts[id.index()].inst;
                inst.for_each_use_mut(|v| *v = *values.get(v).unwrap_or(v));
            }
            if let Some(term) = &mut f.blocks[copy.index()].term {
                term.for_each_use_mut(|v| *v = *values.get(v).unwrap_or(v));
                for t in term.targets_mut() {
                    t.block = match t.block == header {
                        true => next,
                        false => *blocks.get(&t.block).unwrap_or(&t.block),
                    };
                }
            }
            if n < plan.copies {
                unpoll(f, copy);
            }
        }
        if let Some(counted) = &plan.counted {
            counted.ask_no_more(f, |b| blocks[&b]);
        }
        all.add(f, l, &plan.body, &blocks, &values);
        next = blocks[&header];
        later.push(blocks);
    }
    let copies = later
        .iter()
        .rev()
        .flat_map(|blocks| blocks.values().copied());
    let Some(counted) = &plan.counted else {
        for &b in &plan.body {
            for t in targets_mut(f, b).filter(|t| t.block == header) {
                t.block = next;
            }
        }
        return copies.collect();
    };
    let entry = counted.ask(f, header, next, plan.copies);
    let again = counted.ask(f, header, next, plan.copies);
    let outside = cfg.preds(header).iter().filter(|b| !plan.body.contains(b));
    let ways_in = outside.map(|&b| (b, entry));
    let ways_round = later[0].values().map(|&b| (b, again));
    for (from, to) in ways_in.chain(ways_round) {
        for t in targets_mut(f, from).filter(|t| t.block == header) {
            t.block = to;
        }
    }
    [entry].into_iter().chain(copies).chain([again]).collect()
}

/// Takes the look for pending work away that a block ends with.
fn unpoll(f: &mut Function, b: Block) {
    if let Some(Term::BrIf { cond, then, els }) = &f.blocks[b.index()].term
        && is_poll(cond)
    {
        let is_cold = |t: &BlockCall| f.blocks[t.block.index()].cold;
        let on = match (is_cold(then), is_cold(els)) {
            (true, false) => els.clone(),
            (false, true) => then.clone(),
            _ => return,
        };
        f.blocks[b.index()].term = Some(Term::Jump(on));
    }
}

/// Whether a number of the thread's record is 0: nothing else there is compared with that.
fn is_poll(cond: &Cond) -> bool {
    matches!(cond, Cond::IcmpMem { cc: IntCc::Ne | IntCc::Eq, addr, b: Opnd::Imm(0), .. }
        if addr.base == Base::Pinned(Pinned::Thread) && addr.region == Region::Thread && addr.index.is_none())
}
