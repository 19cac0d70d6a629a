//! Truth values that a branch makes and other branches ask again: `local odd = w & 64 ~= 0` is a parameter that is one constant on one way
//! and another on the other. Where hot code only compares it with constants, it becomes a choice ([`Inst::Select`]) between
//! them, comparisons with which fold to the condition itself (`fold.rs`); what only ways out of the loop still need is computed there (`sink.rs`).

use super::{OptStats, Replace};
use crate::ir::{BinOp, Block, Cfg, Cond, Function, Inst, IntCc, Opnd, Term, Type, Value, Width};

/// Makes choices of them. Whether there were any.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) -> bool {
    let cfg = Cfg::new(f);
    let only_compared = only_compared(f, &cfg);
    let mut replace = Replace::new(f);
    let mut any = false;
    for &b in &cfg.rpo {
        let Some((at, cond)) = f.blocks[b.index()]
            .params
            .iter()
            .any(|p| only_compared[p.index()])
            .then(|| decided(f, &cfg, b))
            .flatten()
        else {
            continue;
        };
        for (k, p) in f.blocks[b.index()].params.clone().into_iter().enumerate() {
            let Some(Term::BrIf { then, els, .. }) = &f.blocks[at.index()].term else {
                continue;
            };
            let (x, y) = (then.args[k], els.args[k]);
            let constant = |v: Value| f.as_iconst(v).is_some();
            if !only_compared[p.index()] || !constant(x) || !constant(y) || x == y {
                continue;
            }
            let select = Inst::Select {
                ty: Type::I64,
                cond,
                a: x,
                b: y,
            };
            let loc = f.blocks[at.index()].term_loc;
            let id = f.add_inst(at, select, &[Type::I64], loc);
            let new = f.insts[id.index()].first_result;
            replace.grow(f);
            // The parameter goes with what nothing needs, at the end.
            replace.set(p, new);
            stats.truths += 1;
            any = true;
        }
    }
    replace.apply(f);
    any
}

/// The block whose branch decides how a block is entered, both of its ways leading there, and the condition.
fn decided(f: &Function, cfg: &Cfg, b: Block) -> Option<(Block, Cond)> {
    let (&at, rest) = cfg.preds(b).split_first()?;
    if rest.iter().any(|&p| p != at) || at == b {
        return None;
    }
    let Some(Term::BrIf { cond, then, els }) = &f.blocks[at.index()].term else {
        return None;
    };
    if then.block != b || els.block != b {
        return None;
    }
    match *cond {
        // In the form that asks for single bits without a register.
        Cond::Icmp {
            cc: cc @ (IntCc::Eq | IntCc::Ne),
            w: Width::W64,
            a,
            b: Opnd::Imm(0),
        } => match f.def_inst(a) {
            Some(&Inst::Binary {
                op: BinOp::And,
                a,
                b,
            }) => Some((at, Cond::test(cc, a, b))),
            _ => Some((at, *cond)),
        },
        Cond::Icmp { .. } | Cond::Test { .. } => Some((at, *cond)),
        _ => None,
    }
}

/// By value: hot code does nothing but compare it with constants, to branch.
fn only_compared(f: &Function, cfg: &Cfg) -> Vec<bool> {
    let mut only = vec![true; f.values.len()];
    for &b in cfg.rpo.iter().filter(|b| !f.blocks[b.index()].cold) {
        let data = &f.blocks[b.index()];
        for id in &data.insts {
            let inst = &f.insts[id.index()].inst;
            inst.for_each_use(|v| only[v.index()] = false);
        }
        match &data.term {
            Some(Term::BrIf { cond, then, els }) => {
                let asked = match *cond {
                    Cond::Icmp {
                        a,
                        b: Opnd::Imm(_),
                        w: Width::W64,
                        ..
                    } => Some(a),
                    _ => None,
                };
                cond.for_each_use(&mut |v| only[v.index()] &= Some(v) == asked);
                for t in [then, els] {
                    let cold = f.blocks[t.block.index()].cold;
                    t.args.iter().for_each(|v| only[v.index()] &= cold);
                }
            }
            Some(term) => term.for_each_use(|v| only[v.index()] = false),
            None => {}
        }
    }
    only
}
