//! Ways out of loops compute what only they need, and what they can compute from other things that they need.
//!
//! An exit says what all variables are. Those that the loop itself does not look at again would be computed in every iteration
//! for nothing; those that are a mask or a sum away from another variable would be kept in a register, or stored, up to each of the
//! loop's exits. So ways from a loop's hot code into cold code get a block of their own, in which cheap operations are done again.

use super::hash::FastMap;
use super::known::Known;
use super::loops::Loops;
use super::{OptStats, compact};
use crate::ir::{
    BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, LoadKind, Opnd, Region, Term, Type, UnOp,
    Value, ValueDef,
};

/// Operations one behind the other that are done again.
const DEPTH: u32 = 4;

/// Moves computations into the ways out of loops. Whether there were any.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) -> bool {
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let hot = hot_uses(f, &cfg);
    let old = f.blocks.len();
    for &b in &cfg.rpo {
        let inside = loops
            .innermost(b)
            .filter(|&l| !loops.loops[l as usize].has_inner);
        if f.blocks[b.index()].cold || inside.is_none() {
            continue;
        }
        let Some(mut term) = f.blocks[b.index()].term.take() else {
            continue;
        };
        let branches = matches!(term, Term::BrIf { .. } | Term::Switch { .. });
        for call in term.targets_mut() {
            if branches && f.blocks[call.block.index()].cold {
                way(f, &hot, b, call, stats);
            }
        }
        f.blocks[b.index()].term = Some(term);
    }
    let all = f.blocks.len();
    if all > old {
        let order: Vec<Block> = (0..all as u32).map(Block).collect();
        compact::compact(f, &order, &mut Known::default());
    }
    all > old
}

/// By value: hot code needs it, other than for cold code.
fn hot_uses(f: &Function, cfg: &Cfg) -> Vec<bool> {
    let mut hot = vec![false; f.values.len()];
    let mut work = Vec::new();
    for &b in cfg.rpo.iter().filter(|b| !f.blocks[b.index()].cold) {
        let data = &f.blocks[b.index()];
        let insts = data.insts.iter().map(|id| &f.insts[id.index()].inst);
        for inst in insts.filter(|inst| inst.has_effect()) {
            inst.for_each_use(|v| work.push(v));
        }
        let Some(term) = &data.term else { continue };
        let before = work.len();
        term.for_each_use(|v| work.push(v));
        // The arguments come last.
        let args: usize = term.targets().map(|t| t.args.len()).sum();
        work.truncate((work.len() - args).max(before));
        let onwards = term.targets().filter(|t| !f.blocks[t.block.index()].cold);
        work.extend(onwards.flat_map(|t| &t.args));
    }
    while let Some(v) = work.pop() {
        if !std::mem::replace(&mut hot[v.index()], true)
            && let Some(inst) = f.def_inst(v)
        {
            inst.for_each_use(|u| work.push(u));
        }
    }
    hot
}

/// Does what it can of a way into cold code in a block of its own.
fn way(f: &mut Function, hot: &[bool], from: Block, call: &mut BlockCall, stats: &mut OptStats) {
    // What arrives there anyway.
    let roots: Vec<Value> = call.args.to_vec();
    let mut plan = Plan::default();
    for (k, &v) in roots.iter().enumerate() {
        // A value that hot code does not use may bring one other into the way.
        let others = u32::from(!hot[v.index()]);
        let mut tried = plan.clone();
        if !roots[..k].contains(&v) && tried.rebuild(f, hot, &roots, v, others, DEPTH).is_some() {
            plan = tried;
        }
    }
    if plan.order.is_empty() {
        return;
    }
    let block = f.add_block();
    f.blocks[block.index()].cold = true;
    let mut new: FastMap<Value, Value> = FastMap::default();
    for v in plan.order {
        let ValueDef::Inst(id, _) = f.values[v.index()].def else {
            continue;
        };
        let mut inst = f.insts[id.index()].inst.clone();
        inst.for_each_use_mut(|u| *u = *new.get(u).unwrap_or(u));
        let loc = f.insts[id.index()].loc;
        let copy = f.add_inst(block, inst, &[Type::I64], loc);
        new.insert(v, f.insts[copy.index()].first_result);
        stats.sunk += 1;
    }
    let args: Vec<Value> = roots.iter().map(|v| *new.get(v).unwrap_or(v)).collect();
    f.blocks[block.index()].term = Some(Term::Jump(BlockCall::new(call.block, &args)));
    f.blocks[block.index()].term_loc = f.blocks[from.index()].term_loc;
    *call = BlockCall::new(block, &[]);
}

/// What is computed on a way, in order.
#[derive(Clone, Default)]
struct Plan {
    order: Vec<Value>,
}

impl Plan {
    /// Adds a value and what it is made of, but for what is there.
    fn rebuild(
        &mut self,
        f: &Function,
        hot: &[bool],
        roots: &[Value],
        v: Value,
        others: u32,
        depth: u32,
    ) -> Option<()> {
        if self.order.contains(&v) {
            return Some(());
        }
        let depth = depth.checked_sub(1)?;
        let inst = f.def_inst(v).filter(|inst| is_cheap(inst))?;
        let mut left = others;
        let mut all = Some(());
        inst.for_each_use(|u| {
            let there = f.def_inst(u).is_some_and(|d| d.is_const()) || roots.contains(&u);
            if all.is_none() || there && f.def_inst(u).is_none_or(|d| !is_cheap(d)) {
                return;
            }
            // What is there, too, can itself be computed from other things, or it stays.
            let budget = if hot[u.index()] { 0 } else { left };
            let mut tried = self.clone();
            if tried.rebuild(f, hot, roots, u, budget, depth).is_some() {
                *self = tried;
            } else if !there {
                match left {
                    0 => all = None,
                    _ => left -= 1,
                }
            }
        });
        all?;
        self.order.push(v);
        Some(())
    }
}

/// Whether doing something again costs little, and gives the same.
fn is_cheap(inst: &Inst) -> bool {
    match inst {
        Inst::Binary { op, b, .. } => {
            let constant = matches!(b, Opnd::Imm(_));
            match op {
                BinOp::Iadd | BinOp::Isub | BinOp::And | BinOp::Or | BinOp::Xor => true,
                BinOp::Shl | BinOp::Shr | BinOp::Sar => constant,
                _ => false,
            }
        }
        Inst::Unary { op, .. } => matches!(
            op,
            UnOp::Ineg | UnOp::Inot | UnOp::Zext8 | UnOp::Zext16 | UnOp::Zext32
        ),
        // A choice between constants, by what is in registers.
        Inst::Select { cond, ty, .. } => {
            *ty == Type::I64 && matches!(cond, Cond::Icmp { .. } | Cond::Test { .. })
        }
        Inst::Load { kind, addr } => addr.region == Region::Const && *kind != LoadKind::F64,
        _ => false,
    }
}
