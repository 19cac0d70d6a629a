//! Simplification of the graph: jumps through empty blocks, branches whose outcome the way in decides, straight lines.
//!
//! A block without instructions whose parameters nobody else reads can be skipped: what it would do is done on the edge.
//! Cold blocks that lead back to hot ones stay, since the moves on their edges belong in cold code; so do shared latches,
//! or a loop would have several.

use super::fold::fold_cond;
use super::{OptStats, Replace};
use crate::ir::{Block, BlockCall, Cfg, Cond, Function, Term, Value, ValueDef};

/// Jumps followed at most from one edge.
const FOLLOW: usize = 8;

/// Simplifies the graph. Whether anything changed.
pub(super) fn run(f: &mut Function, replace: &mut Replace, stats: &mut OptStats) -> bool {
    replace.apply(f);
    let cfg = Cfg::new(f);
    let threaded = thread(f, &cfg, stats);
    merge(f, replace, stats) || threaded
}

/// By value: a block parameter that is read outside its block's terminator.
fn read_elsewhere(f: &Function, cfg: &Cfg) -> Vec<bool> {
    let mut elsewhere = vec![false; f.values.len()];
    for &b in &cfg.rpo {
        let data = &f.blocks[b.index()];
        for id in &data.insts {
            let inst = &f.insts[id.index()].inst;
            inst.for_each_use(|v| elsewhere[v.index()] = true);
        }
        if let Some(t) = &data.term {
            t.for_each_use(|v| {
                let here = matches!(f.values[v.index()].def, ValueDef::Param(d, _) if d == b);
                elsewhere[v.index()] |= !here;
            });
        }
    }
    elsewhere
}

fn thread(f: &mut Function, cfg: &Cfg, stats: &mut OptStats) -> bool {
    let elsewhere = read_elsewhere(f, cfg);
    let mut changed = false;
    for &b in &cfg.rpo {
        let Some(mut term) = f.blocks[b.index()].term.take() else {
            continue;
        };
        for call in term.targets_mut() {
            for _ in 0..FOLLOW {
                if call.block == b {
                    break;
                }
                match next(f, cfg, &elsewhere, call) {
                    Some(to) => *call = to,
                    None => break,
                }
                changed = true;
                stats.threaded += 1;
            }
        }
        f.blocks[b.index()].term = Some(term);
    }
    changed
}

/// Where a jump ends up that leads to an empty block whose way out is known.
fn next(f: &Function, cfg: &Cfg, elsewhere: &[bool], call: &BlockCall) -> Option<BlockCall> {
    let via = call.block;
    let data = &f.blocks[via.index()];
    if !data.insts.is_empty() || data.params.iter().any(|p| elsewhere[p.index()]) {
        return None;
    }
    let arg = |v: Value| {
        let at = data.params.iter().position(|&p| p == v);
        at.map_or(v, |n| call.args[n])
    };
    let to = match data.term.as_ref()? {
        Term::Jump(to) => to,
        Term::BrIf { cond, then, els } => {
            if !matches!(
                cond,
                Cond::Icmp { .. } | Cond::Test { .. } | Cond::Fcmp { .. }
            ) {
                return None;
            }
            let mut cond = *cond;
            cond.for_each_use_mut(&mut |v| *v = arg(*v));
            match fold_cond(f, &mut cond)? {
                true => then,
                false => els,
            }
        }
        _ => return None,
    };
    let backwards = cfg.rpo_of(to.block) <= cfg.rpo_of(via);
    if to.block == via
        || data.cold && !f.blocks[to.block.index()].cold
        || backwards && cfg.preds(via).len() > 1
    {
        return None;
    }
    Some(BlockCall {
        block: to.block,
        args: to.args.iter().map(|&v| arg(v)).collect(),
    })
}

/// Joins blocks with the only block that jumps to them.
fn merge(f: &mut Function, replace: &mut Replace, stats: &mut OptStats) -> bool {
    let cfg = Cfg::new(f);
    let mut gone = vec![false; f.blocks.len()];
    let mut changed = false;
    for &b in &cfg.rpo {
        if gone[b.index()] {
            continue;
        }
        while let Some(Term::Jump(call)) = &f.blocks[b.index()].term {
            let next: Block = call.block;
            if next == b || next == f.entry() || cfg.preds(next).len() != 1 {
                break;
            }
            let args = call.args.clone();
            let data = std::mem::take(&mut f.blocks[next.index()]);
            for (&p, &arg) in data.params.iter().zip(&args) {
                replace.set(p, arg);
            }
            let block = &mut f.blocks[b.index()];
            block.insts.extend(data.insts);
            block.term = data.term;
            block.term_loc = data.term_loc;
            gone[next.index()] = true;
            changed = true;
            stats.merged += 1;
        }
    }
    if changed {
        replace.apply(f);
    }
    changed
}
