//! Cheap operations move from where they stand in an innermost loop to where their results are needed, if that is elsewhere:
//! `local next = pc + 4` at the start of an iteration that goes many ways, each of which needs it at its end. What it is made of
//! takes its register up to there, and where that is needed beyond, one register less is taken. In loops that need more registers than there
//! are, what few ways need again (`w >> 12` for `w >> 12 & 7` here and `w >> 12 & 255` there) is computed there again.
//!
//! Last of all: value numbering would undo it.

use super::hash::FastMap;
use super::loops::{Loop, Loops};
use super::{OptStats, compact, known::Known};
use crate::ir::{
    BinOp, Block, BlockCall, Cfg, Function, Inst, InstId, Opnd, Term, Type, UnOp, Value,
};

/// Values that an innermost loop keeps at the start of some block from which on registers are short.
const MANY: usize = 11;
/// Ways, at most, on which something is computed again.
const AGAIN: usize = 2;
/// Blocks, one deciding about the other, behind which something is far away.
const FAR: usize = 3;
/// Ways, at most, to which something moves.
const WAYS: usize = 40;
/// Values of an innermost loop that are looked at; with more, nothing moves.
const VALUES: usize = 4_000;

/// Where a value is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    /// By an instruction of a block, or what its terminator asks.
    In(Block),
    /// On the n-th way out of a block.
    Way(Block, usize),
}

/// Moves what it can. Whether there was anything.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) -> bool {
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let innermost = |b: Block| {
        let l = loops.innermost(b);
        l.filter(|&l| !loops.loops[l as usize].has_inner)
    };
    let uses = all_uses(f, &cfg);
    let mut short: FastMap<u32, bool> = FastMap::default();
    let mut moved = false;
    let old = f.blocks.len();
    for &b in &cfg.rpo {
        let Some(l) = innermost(b).filter(|_| !f.blocks[b.index()].cold) else {
            continue;
        };
        for id in f.blocks[b.index()].insts.clone() {
            let node = &f.insts[id.index()];
            let v = node.first_result;
            let Some(of) = operand(&node.inst) else {
                continue;
            };
            let Some(list) = uses.get(&v) else { continue };
            let here = |u: &Use| matches!(*u, Use::In(at) | Use::Way(at, _) if at == b);
            let inside = |u: &Use| match *u {
                Use::In(at) | Use::Way(at, _) => loops.contains(l, at) || f.blocks[at.index()].cold,
            };
            if list.len() > WAYS || !list.iter().all(inside) {
                continue;
            }
            let local = list.iter().any(here);
            let far: Vec<Use> = list.iter().copied().filter(|u| !here(u)).collect();
            // Nobody gains if what it is made of ends here.
            let lives = uses.get(&of).is_some_and(|l| l.iter().any(|u| !here(u)));
            let wanted = match local {
                false => lives && is_spread(f, &loops.loops[l as usize], &far),
                true => {
                    lives
                        && far.iter().filter(|u| is_hot(f, u)).count() <= AGAIN
                        && is_far(&cfg, b, &far)
                        && is_there(f, &cfg, &far, &uses[&of])
                        && *short.entry(l).or_insert_with(|| is_short(f, &loops, l))
                }
            };
            if far.is_empty() || !wanted {
                continue;
            }
            for u in far {
                again(f, id, u);
            }
            stats.deferred += 1;
            moved = true;
        }
    }
    if f.blocks.len() > old {
        let order: Vec<Block> = (0..f.blocks.len() as u32).map(Block).collect();
        compact::compact(f, &order, &mut Known::default());
    }
    moved
}

fn is_hot(f: &Function, u: &Use) -> bool {
    match *u {
        Use::In(b) => !f.blocks[b.index()].cold,
        Use::Way(b, n) => f
            .targets(b)
            .nth(n)
            .is_some_and(|t| !f.blocks[t.block.index()].cold),
    }
}

/// Where each value is needed, each place once.
fn all_uses(f: &Function, cfg: &Cfg) -> FastMap<Value, Vec<Use>> {
    let mut uses: FastMap<Value, Vec<Use>> = FastMap::default();
    for &b in &cfg.rpo {
        let mut add = |v: Value, u: Use| {
            let list = uses.entry(v).or_default();
            if list.last() != Some(&u) && !list.contains(&u) {
                list.push(u);
            }
        };
        let data = &f.blocks[b.index()];
        for id in &data.insts {
            let inst = &f.insts[id.index()].inst;
            inst.for_each_use(|v| add(v, Use::In(b)));
        }
        let Some(term) = &data.term else { continue };
        let mut asked = Vec::new();
        term.for_each_use(|v| asked.push(v));
        // The arguments come last.
        let args: usize = term.targets().map(|t| t.args.len()).sum();
        asked.truncate(asked.len() - args);
        asked.iter().for_each(|&v| add(v, Use::In(b)));
        for (n, t) in term.targets().enumerate() {
            t.args.iter().for_each(|&v| add(v, Use::Way(b, n)));
        }
    }
    uses
}

/// The one value that a cheap operation needs.
fn operand(inst: &Inst) -> Option<Value> {
    match *inst {
        Inst::Binary {
            op,
            a,
            b: Opnd::Imm(_),
        } => matches!(
            op,
            BinOp::Iadd
                | BinOp::Isub
                | BinOp::And
                | BinOp::Or
                | BinOp::Xor
                | BinOp::Shl
                | BinOp::Shr
                | BinOp::Sar
        )
        .then_some(a),
        Inst::Unary { op, a } => matches!(
            op,
            UnOp::Ineg | UnOp::Inot | UnOp::Zext8 | UnOp::Zext16 | UnOp::Zext32
        )
        .then_some(a),
        _ => None,
    }
}

/// Whether no iteration passes two of the hot places.
fn is_spread(f: &Function, l: &Loop, places: &[Use]) -> bool {
    let hot: Vec<Use> = places.iter().copied().filter(|u| is_hot(f, u)).collect();
    let at = |u: &Use| match *u {
        Use::In(b) | Use::Way(b, _) => b,
    };
    hot.iter().all(|u| {
        let mut work: Vec<Block> = match *u {
            Use::In(b) => f.targets(b).map(|t| t.block).collect(),
            Use::Way(b, n) => f.targets(b).nth(n).map(|t| t.block).into_iter().collect(),
        };
        let mut seen = vec![false; f.blocks.len()];
        seen[l.header.index()] = true;
        while let Some(b) = work.pop() {
            if f.blocks[b.index()].cold || std::mem::replace(&mut seen[b.index()], true) {
                continue;
            }
            if hot.iter().any(|o| at(o) == b) {
                return false;
            }
            work.extend(f.targets(b).map(|t| t.block));
        }
        true
    })
}

/// Whether each of these places lies behind several branches, seen from a block: most iterations do without them.
fn is_far(cfg: &Cfg, from: Block, places: &[Use]) -> bool {
    places.iter().all(|u| {
        let mut at = match *u {
            Use::In(b) | Use::Way(b, _) => b,
        };
        (0..FAR).all(|_| match cfg.idom(at) {
            Some(up) if at != from => {
                at = up;
                at != from
            }
            _ => false,
        })
    })
}

/// Whether hot places need a value themselves, or what comes behind them does.
fn is_there(f: &Function, cfg: &Cfg, places: &[Use], uses: &[Use]) -> bool {
    let block = |u: &Use| match *u {
        Use::In(b) | Use::Way(b, _) => b,
    };
    let mut hot = places.iter().filter(|u| is_hot(f, u));
    hot.all(|u| {
        let mut there = uses.iter().filter(|o| is_hot(f, o));
        there.any(|o| cfg.dominates(block(u), block(o)))
    })
}

/// Whether a loop keeps more values at the start of some block than there are registers, others for what it computes there.
fn is_short(f: &Function, loops: &Loops, l: u32) -> bool {
    let hot: Vec<Block> = {
        let blocks = loops.loops[l as usize].blocks.iter().copied();
        blocks.filter(|b| !f.blocks[b.index()].cold).collect()
    };
    let mut number: FastMap<Value, usize> = FastMap::default();
    // By block: what it needs from before and what it makes.
    let mut needs: Vec<Vec<usize>> = Vec::new();
    let mut makes: Vec<Vec<usize>> = Vec::new();
    for &b in &hot {
        let data = &f.blocks[b.index()];
        let (mut need, mut make) = (Vec::new(), Vec::new());
        let mut of = |v: Value| {
            let next = number.len();
            *number.entry(v).or_insert(next)
        };
        make.extend(data.params.iter().map(|&p| of(p)));
        let mut see = |v: Value| {
            if f.ty(v) == Type::I64 && !f.def_inst(v).is_some_and(|i| i.is_const()) {
                need.push(of(v));
            }
        };
        for id in &data.insts {
            f.insts[id.index()].inst.for_each_use(&mut see);
        }
        if let Some(term) = &data.term {
            let mut asked = Vec::new();
            term.for_each_use(|v| asked.push(v));
            let args: usize = term.targets().map(|t| t.args.len()).sum();
            asked.truncate(asked.len() - args);
            let onwards = term.targets().filter(|t| !f.blocks[t.block.index()].cold);
            asked.extend(onwards.flat_map(|t| t.args.iter().copied()));
            asked.into_iter().for_each(&mut see);
        }
        for id in &data.insts {
            make.extend(f.insts[id.index()].results().map(&mut of));
        }
        needs.push(need);
        makes.push(make);
    }
    if number.len() > VALUES {
        return false;
    }
    let words = number.len().div_ceil(64);
    let index: FastMap<Block, usize> = hot.iter().enumerate().map(|(n, &b)| (b, n)).collect();
    let mut live = vec![vec![0u64; words]; hot.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for n in (0..hot.len()).rev() {
            let mut now = vec![0u64; words];
            for t in f.targets(hot[n]) {
                if let Some(&to) = index.get(&t.block) {
                    now.iter_mut().zip(&live[to]).for_each(|(a, b)| *a |= b);
                }
            }
            needs[n].iter().for_each(|&v| now[v / 64] |= 1 << (v % 64));
            makes[n]
                .iter()
                .for_each(|&v| now[v / 64] &= !(1 << (v % 64)));
            if now != live[n] {
                live[n] = now;
                changed = true;
            }
        }
    }
    let count = |set: &Vec<u64>| set.iter().map(|w| w.count_ones() as usize).sum::<usize>();
    live.iter().any(|set| count(set) > MANY)
}

/// Computes a value again where it is needed, for that place.
fn again(f: &mut Function, id: InstId, at: Use) {
    let (inst, loc) = (f.insts[id.index()].inst.clone(), f.insts[id.index()].loc);
    let old = f.insts[id.index()].first_result;
    let copy = f.new_inst(inst, &[Type::I64], loc);
    let new = f.insts[copy.index()].first_result;
    match at {
        Use::In(b) => {
            let data = &f.blocks[b.index()];
            let uses = |id: &InstId| {
                let mut found = false;
                f.insts[id.index()].inst.for_each_use(|v| found |= v == old);
                found
            };
            let first = data.insts.iter().position(uses);
            let place = first.unwrap_or(data.insts.len());
            f.blocks[b.index()].insts.insert(place, copy);
            for n in place + 1..f.blocks[b.index()].insts.len() {
                let id = f.blocks[b.index()].insts[n];
                let inst = &mut f.insts[id.index()].inst;
                inst.for_each_use_mut(|v| *v = if *v == old { new } else { *v });
            }
            if let Some(term) = &mut f.blocks[b.index()].term {
                term.for_each_use_mut(|v| *v = if *v == old { new } else { *v });
            }
        }
        Use::Way(b, n) => {
            let Some(mut term) = f.blocks[b.index()].term.take() else {
                return;
            };
            let alone = term.targets().nth(1).is_none();
            // What the block needs itself may have been done for its ways, too.
            let call = term.targets_mut().nth(n);
            if let Some(call) = call.filter(|t| t.args.contains(&old)) {
                let swap = |v: &mut Value| *v = if *v == old { new } else { *v };
                call.args.iter_mut().for_each(swap);
                if alone {
                    f.blocks[b.index()].insts.push(copy);
                } else {
                    let way = f.add_block();
                    f.blocks[way.index()].insts.push(copy);
                    f.blocks[way.index()].cold = f.blocks[call.block.index()].cold;
                    f.blocks[way.index()].term = Some(Term::Jump(call.clone()));
                    f.blocks[way.index()].term_loc = f.blocks[b.index()].term_loc;
                    *call = BlockCall::new(way, &[]);
                }
            }
            f.blocks[b.index()].term = Some(term);
        }
    }
}
