//! Folding to a fixpoint: values, block parameters that are always the same, the graph.
//!
//! Each round visits the instructions in reverse postorder with operands already replaced, then the graph (`graph.rs`),
//! then the parameters; rounds end when nothing changes or after a fixed number.

use super::consts::Consts;
use super::fold::{Fold, fold_cond, fold_inst};
use super::{OptStats, Replace, dce, graph};
use crate::ir::{BinOp, Cfg, Cond, Function, Inst, IntCc, Opnd, Term, Type, Value, Width};

/// Rounds at most: each is linear, and nearly everything is done in the first two.
const ROUNDS: usize = 6;

/// Simplifies a function.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) {
    let mut replace = Replace::new(f);
    let mut consts = Consts::collect(f, &mut replace);
    for _ in 0..ROUNDS {
        let mut changed = values(f, &mut replace, &mut consts, stats);
        // Before parameters go: a block can be skipped only while nobody else reads them.
        changed |= graph::run(f, &mut replace, stats);
        changed |= params(f, &mut replace, stats);
        if !changed {
            break;
        }
    }
    replace.apply(f);
    consts.finish(f);
}

/// The values whose overflow a condition asks for.
fn asked_overflows(f: &Function, cfg: &Cfg) -> Vec<bool> {
    let mut asked = vec![false; f.values.len()];
    let mut see = |c: &Cond| {
        if let Cond::Overflow(v) = c {
            asked[v.index()] = true;
        }
    };
    for &b in &cfg.rpo {
        for id in &f.blocks[b.index()].insts {
            match &f.insts[id.index()].inst {
                Inst::BoolOf(c) | Inst::Select { cond: c, .. } => see(c),
                _ => {}
            }
        }
        if let Some(Term::BrIf { cond, .. }) = &f.blocks[b.index()].term {
            see(cond);
        }
    }
    asked
}

fn values(
    f: &mut Function,
    replace: &mut Replace,
    consts: &mut Consts,
    stats: &mut OptStats,
) -> bool {
    let cfg = &Cfg::new(f);
    let asked = asked_overflows(f, cfg);
    let mut changed = false;
    for &b in &cfg.rpo {
        let mut list = std::mem::take(&mut f.blocks[b.index()].insts);
        list.retain(|&id| {
            let node = &mut f.insts[id.index()];
            let res = node.first_result;
            // A placeholder stands where the instruction was while the function is looked at.
            let mut inst = std::mem::replace(&mut node.inst, Inst::Iconst(0));
            inst.for_each_use_mut(|v| *v = replace.resolve(*v));
            let is_asked = node.num_results == 1 && asked.get(res.index()) == Some(&true);
            let mut fold = fold_inst(f, &mut inst, is_asked);
            if let Fold::Times(a, r) = fold {
                let b = Opnd::Value(consts.get(f, Type::F64, r.to_bits()));
                replace.grow(f);
                let op = BinOp::Fmul;
                fold = Fold::Inst(Inst::Binary { op, a, b });
            }
            let value = match fold {
                Fold::Inst(new) => {
                    f.insts[id.index()].inst = new;
                    stats.folded += 1;
                    changed = true;
                    return true;
                }
                Fold::Const(ty, bits) => consts.get(f, ty, bits),
                Fold::Value(v) => v,
                Fold::Keep | Fold::Times(..) => {
                    f.insts[id.index()].inst = inst;
                    return true;
                }
            };
            replace.grow(f);
            f.insts[id.index()].inst = inst;
            replace.set(res, value);
            stats.folded += 1;
            changed = true;
            false
        });
        f.blocks[b.index()].insts = list;
        changed |= terminator(f, b.index(), replace, stats);
    }
    changed
}

fn terminator(f: &mut Function, b: usize, replace: &Replace, stats: &mut OptStats) -> bool {
    let Some(mut term) = f.blocks[b].term.take() else {
        return false;
    };
    term.for_each_use_mut(|v| *v = replace.resolve(*v));
    let mut new = None;
    if let Term::BrIf { cond, then, els } = &mut term {
        let known = fold_cond(f, cond);
        // Asking whether a truth value is false: exchange the targets and ask for what it tells.
        if let Cond::Icmp {
            cc: cc @ IntCc::Eq,
            w: Width::W64,
            a,
            b: Opnd::Imm(0),
        } = cond
            && matches!(f.def_inst(*a), Some(Inst::BoolOf(_)))
        {
            *cc = IntCc::Ne;
            std::mem::swap(then, els);
            stats.folded += 1;
        }
        new = match known {
            Some(true) => Some(Term::Jump(then.clone())),
            Some(false) => Some(Term::Jump(els.clone())),
            None if then == els => Some(Term::Jump(then.clone())),
            None => None,
        };
    } else if let Term::Switch {
        index,
        targets,
        default,
    } = &term
        && let Some(n) = f.as_iconst(*index)
    {
        let to = usize::try_from(n).ok().and_then(|n| targets.get(n));
        new = Some(Term::Jump(to.unwrap_or(default).clone()));
    }
    let changed = new.is_some();
    stats.branches += changed as u32;
    f.blocks[b].term = Some(new.unwrap_or(term));
    changed
}

/// Removes parameters that are the same value on every way in, themselves aside.
fn params(f: &mut Function, replace: &mut Replace, stats: &mut OptStats) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum In {
        Nothing,
        One(Value),
        Many,
    }
    let cfg = &Cfg::new(f);
    // Only parameters of blocks that jumps reach have an entry other than `Nothing`.
    let mut incoming = vec![In::Nothing; f.values.len()];
    for &b in &cfg.rpo {
        for t in f.targets(b) {
            for (&p, &arg) in f.blocks[t.block.index()].params.iter().zip(&t.args) {
                let arg = replace.resolve(arg);
                let slot = &mut incoming[p.index()];
                *slot = match *slot {
                    _ if arg == p => continue,
                    In::Nothing => In::One(arg),
                    In::One(v) if v == arg => In::One(v),
                    _ => In::Many,
                };
            }
        }
    }
    let mut gone = vec![false; f.values.len()];
    let mut changed = false;
    for &b in &cfg.rpo[1..] {
        for &p in &f.blocks[b.index()].params {
            if let In::One(v) = incoming[p.index()]
                && replace.resolve(v) != p
            {
                replace.set(p, v);
                gone[p.index()] = true;
                changed = true;
                stats.params += 1;
            }
        }
    }
    if changed {
        dce::remove_params(f, cfg, |v| gone[v.index()]);
    }
    changed
}
