//! What numbers of open type probably are: a forward analysis beside the one of types, with guesses instead of facts.
//!
//! Code is right whatever the guess. A guess "integer" makes the lowering keep what an integer's payload would be in a machine register; for
//! values that turn out to be floats this costs moves, so one float operand is enough for the guess "float".

use crate::cfg::Cfg;
use crate::types::{self, State, Type};
use trinity_frontend::bytecode::op::Mode;
use trinity_frontend::bytecode::{Instr, Op, Proto};

/// A guess; the order is the lattice's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hint {
    /// Nothing speaks for a number.
    Unknown,
    /// Probably an integer.
    Int,
    /// Probably a float.
    Float,
}

impl Hint {
    fn of(t: Type) -> Hint {
        match t {
            Type::Int => Hint::Int,
            Type::Float => Hint::Float,
            _ => Hint::Unknown,
        }
    }
}

/// The guess for the result of an arithmetic or bitwise instruction, before it; `None`: it is no such instruction.
pub fn arithmetic(p: &Proto, i: Instr, ty: &[Type], hints: &[Hint]) -> Option<Hint> {
    use Op::*;
    let reg = |r: usize| Hint::of(ty[r]).max(hints[r]);
    Some(match i.op() {
        Div | DivK | Pow | PowK => Hint::Float,
        BAnd | BOr | BXor | Shl | Shr | BAndK | BOrK | BXorK | ShlK | ShrK | BNot => Hint::Int,
        Add | Sub | Mul | Mod | IDiv => reg(i.b()).max(reg(i.c())),
        AddK | SubK | MulK | ModK | IDivK => {
            reg(i.b()).max(Hint::of(types::const_type(&p.consts[i.c()])))
        }
        AddI => reg(i.b()).max(Hint::Int),
        Unm => reg(i.b()),
        _ => return None,
    })
}

/// Applies the instruction at one pc; `ty` are the types before it, `after` those behind it.
pub fn transfer(p: &Proto, i: Instr, ty: &[Type], after: &[Type], hints: &mut [Hint]) {
    if let Some(h) = arithmetic(p, i, ty, hints) {
        hints[i.a()] = h;
        return;
    }
    match i.op() {
        Op::Move => hints[i.a()] = hints[i.b()],
        Op::Len => hints[i.a()] = Hint::Int,
        Op::Call | Op::VarArg | Op::Concat | Op::TailCall => hints[i.a()..].fill(Hint::Unknown),
        Op::TForCall => hints[i.a() + 4..].fill(Hint::Unknown),
        _ => {
            // What the analysis of types says was written, by mode.
            let written = i.op().info().modes[0];
            if matches!(written, Mode::W | Mode::RW) {
                hints[i.a()] = Hint::of(after[i.a()]);
            }
        }
    }
}

/// Guesses at the entry of every block.
pub fn infer(p: &Proto, cfg: &Cfg, entry_types: &[State]) -> Vec<Box<[Hint]>> {
    let regs = p.max_stack as usize + 1;
    let mut entry: Vec<Box<[Hint]>> = vec![vec![Hint::Unknown; regs].into(); cfg.blocks.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for b in &cfg.rpo {
            let mut hints = entry[b.index()].clone();
            let mut ty = entry_types[b.index()].clone();
            let block = &cfg.blocks[b.index()];
            for pc in block.start..block.end {
                let i = p.code[pc as usize];
                let before = ty.clone();
                types::transfer(p, i, &mut ty);
                transfer(p, i, &before, &ty, &mut hints);
            }
            for s in &block.succs {
                for (to, from) in entry[s.index()].iter_mut().zip(&hints) {
                    if *from > *to {
                        *to = *from;
                        changed = true;
                    }
                }
            }
        }
    }
    entry
}
