//! Removes instructions and block parameters whose results nothing with an effect depends on.

use super::OptStats;
use crate::ir::{Cfg, Clobbers, Function, Inst, Value, ValueDef};

impl Inst {
    /// Whether the instruction does something besides computing its results.
    pub(crate) fn has_effect(&self) -> bool {
        match self {
            Inst::Call(data) => data.clobbers != Clobbers::Pure,
            Inst::Store { .. } | Inst::StoreImm { .. } | Inst::MemOp { .. } => true,
            Inst::VectorStore { .. } | Inst::VectorsDone => true,
            Inst::SetPinned(..) | Inst::AddPinned(..) => true,
            _ => false,
        }
    }
}

/// Removes what is not needed.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) {
    let cfg = Cfg::new(f);
    let mut live = vec![false; f.values.len()];
    let mut work: Vec<Value> = Vec::new();
    let mut mark = |v: Value, work: &mut Vec<Value>| {
        if !std::mem::replace(&mut live[v.index()], true) {
            work.push(v);
        }
    };
    for &b in &cfg.rpo {
        let data = &f.blocks[b.index()];
        for id in &data.insts {
            let inst = &f.insts[id.index()].inst;
            if inst.has_effect() {
                inst.for_each_use(|v| mark(v, &mut work));
            }
        }
        if let Some(term) = &data.term {
            // Arguments are needed only where their parameters are.
            let mut args = term.targets().map(|t| t.args.len()).sum::<usize>();
            let mut uses = Vec::new();
            term.for_each_use(|v| uses.push(v));
            args = uses.len() - args;
            uses[..args].iter().for_each(|&v| mark(v, &mut work));
        }
    }
    f.blocks[0].params.iter().for_each(|&v| mark(v, &mut work));
    while let Some(v) = work.pop() {
        match f.values[v.index()].def {
            ValueDef::Inst(id, _) => {
                f.insts[id.index()]
                    .inst
                    .for_each_use(|u| mark(u, &mut work));
            }
            ValueDef::Param(b, n) => {
                let mut preds = cfg.preds(b).to_vec();
                preds.dedup();
                for p in preds {
                    for t in f.targets(p).filter(|t| t.block == b) {
                        mark(t.args[n as usize], &mut work);
                    }
                }
            }
        }
    }
    for &b in &cfg.rpo {
        let mut list = std::mem::take(&mut f.blocks[b.index()].insts);
        let before = list.len();
        list.retain(|id| {
            let node = &f.insts[id.index()];
            node.inst.has_effect() || node.results().any(|v| live[v.index()])
        });
        stats.dead += (before - list.len()) as u32;
        f.blocks[b.index()].insts = list;
    }
    remove_params(f, &cfg, |v| !live[v.index()]);
}

/// Removes the parameters that `gone` names, and their arguments.
pub(super) fn remove_params(f: &mut Function, cfg: &Cfg, gone: impl Fn(Value) -> bool) {
    let mut keep: Vec<Option<Vec<bool>>> = vec![None; f.blocks.len()];
    for &b in &cfg.rpo[1..] {
        let params = &f.blocks[b.index()].params;
        if params.iter().any(|&v| gone(v)) {
            keep[b.index()] = Some(params.iter().map(|&v| !gone(v)).collect());
        }
    }
    for &b in &cfg.rpo {
        if let Some(kept) = &keep[b.index()] {
            let mut flags = kept.iter();
            let params = &mut f.blocks[b.index()].params;
            params.retain(|_| flags.next() == Some(&true));
            for (n, v) in params.iter().enumerate() {
                f.values[v.index()].def = ValueDef::Param(b, n as u16);
            }
        }
        for t in f.blocks[b.index()]
            .term
            .iter_mut()
            .flat_map(|t| t.targets_mut())
        {
            if let Some(kept) = &keep[t.block.index()] {
                let mut flags = kept.iter();
                t.args.retain(|_| flags.next() == Some(&true));
            }
        }
    }
}
