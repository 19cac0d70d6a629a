//! Static types of registers: a forward dataflow analysis over one function's bytecode.
//!
//! Facts hold because registers are never aliased (captured locals are cells) and a frame whose local is changed from outside leaves
//! machine code at once (docs/abi.md section 6). The lattice is flat per register: unreached, one type, any.

use crate::cfg::Cfg;
use trinity_frontend::bytecode::op::{Extra, Mode};
use trinity_frontend::bytecode::{Const, Instr, Op, Proto};

/// What is known of a register's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// No value reaches here yet (optimistic start).
    Unreached,
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool,
    /// An integer.
    Int,
    /// A float.
    Float,
    /// A string.
    Str,
    /// A table.
    Table,
    /// A cell of a captured local.
    Cell,
    /// Integer or float.
    Num,
    /// Anything.
    Any,
}

impl Type {
    /// Least upper bound.
    pub fn join(self, o: Type) -> Type {
        use Type::*;
        match (self, o) {
            (Unreached, t) | (t, Unreached) => t,
            (a, b) if a == b => a,
            (Int | Float | Num, Int | Float | Num) => Num,
            _ => Any,
        }
    }
    /// True for `Int`, `Float`, `Num`.
    pub fn is_number(self) -> bool {
        matches!(self, Type::Int | Type::Float | Type::Num)
    }
    /// The tag byte when the type fixes it.
    pub fn tag(self) -> Option<u8> {
        match self {
            Type::Nil => Some(trinity_abi::tag::NIL),
            Type::Int => Some(trinity_abi::tag::INT),
            Type::Float => Some(trinity_abi::tag::FLOAT),
            Type::Table => Some(trinity_abi::tag::TABLE),
            Type::Cell => Some(trinity_abi::tag::CELL),
            _ => None,
        }
    }
}

/// Types of all registers at one point.
pub type State = Box<[Type]>;

/// Type of a constant.
pub fn const_type(c: &Const) -> Type {
    match c {
        Const::Nil => Type::Nil,
        Const::Bool(_) => Type::Bool,
        Const::Int(_) => Type::Int,
        Const::Float(_) => Type::Float,
        Const::Str(_) => Type::Str,
    }
}

/// Result type of an arithmetic or bitwise operation on numbers; `Any` when an operand may not be a number (metamethods).
pub fn arith_type(op: Op, x: Type, y: Type) -> Type {
    use Op::*;
    if !x.is_number() || !y.is_number() {
        return Type::Any;
    }
    match op {
        Div | DivK | Pow | PowK => Type::Float,
        BAnd | BAndK | BOr | BOrK | BXor | BXorK | Shl | ShlK | Shr | ShrK => Type::Int,
        _ => match (x, y) {
            (Type::Int, Type::Int) => Type::Int,
            (Type::Float, _) | (_, Type::Float) => Type::Float,
            _ => Type::Num,
        },
    }
}

/// Applies the instruction at one pc to `s`.
pub fn transfer(p: &Proto, i: Instr, s: &mut [Type]) {
    use Op::*;
    let (a, b, c) = (i.a(), i.b(), i.c());
    let op = i.op();
    match op {
        Move => s[a] = s[b],
        LoadI => s[a] = Type::Int,
        LoadF => s[a] = Type::Float,
        LoadK => s[a] = const_type(&p.consts[i.dd() as usize]),
        LoadNil => s[a..=a + b].fill(Type::Nil),
        LoadFalse | LoadTrue | LFalseSkip | Not => s[a] = Type::Bool,
        NewCell => s[a] = Type::Cell,
        NewTable => s[a] = Type::Table,
        Add | Sub | Mul | Mod | Pow | Div | IDiv | BAnd | BOr | BXor | Shl | Shr => {
            s[a] = arith_type(op, s[b], s[c])
        }
        AddK | SubK | MulK | ModK | PowK | DivK | IDivK | BAndK | BOrK | BXorK | ShlK | ShrK => {
            s[a] = arith_type(op, s[b], const_type(&p.consts[c]));
        }
        AddI => s[a] = arith_type(op, s[b], Type::Int),
        Unm => s[a] = if s[b].is_number() { s[b] } else { Type::Any },
        BNot => {
            s[a] = if s[b].is_number() {
                Type::Int
            } else {
                Type::Any
            }
        }
        Len => {
            s[a] = if s[b] == Type::Str {
                Type::Int
            } else {
                Type::Any
            }
        }
        SelfGet => {
            s[a + 1] = s[b];
            s[a] = Type::Any;
        }
        // A metamethod is called right behind the operands, over everything above.
        Concat => s[a..].fill(Type::Any),
        Call => {
            // The callee's frame lies over everything from R[a] on.
            s[a..].fill(Type::Any);
        }
        VarArg => s[a..].fill(Type::Any),
        ForPrep => {
            // The loop is an integer loop iff start and step are integers; the limit is clipped.
            let t = match (s[a], s[a + 2]) {
                (Type::Int, Type::Int) => Type::Int,
                (Type::Float, _) | (_, Type::Float) => Type::Float,
                _ => Type::Num,
            };
            s[a] = t;
            s[a + 1] = t;
            s[a + 2] = t;
            s[a + 3] = t;
        }
        ForLoop => s[a + 3] = s[a],
        TForPrep => s[a + 3] = Type::Any,
        TForCall => s[a + 4..].fill(Type::Any),
        TForLoop => s[a + 2] = Type::Any,
        TailCall | Return => s[a..].fill(Type::Any),
        VarArgPrep => s.fill(Type::Any),
        _ => {
            let info = op.info();
            if matches!(info.modes[0], Mode::W | Mode::RW) {
                s[a] = Type::Any;
            }
            debug_assert!(matches!(
                info.extra,
                Extra::None | Extra::SetList | Extra::Closure | Extra::Close
            ));
        }
    }
}

/// Types at the entry of every block; unreachable blocks stay `Unreached`.
pub fn infer(p: &Proto, cfg: &Cfg) -> Vec<State> {
    let regs = p.max_stack as usize + 1;
    let mut entry: Vec<State> = vec![vec![Type::Unreached; regs].into(); cfg.blocks.len()];
    // Parameters can be anything; other registers hold leftovers.
    entry[0].fill(Type::Any);
    let mut position = vec![usize::MAX; cfg.blocks.len()];
    for (k, b) in cfg.rpo.iter().enumerate() {
        position[b.index()] = k;
    }
    let mut pending: std::collections::BTreeSet<usize> = (0..cfg.rpo.len()).take(1).collect();
    let mut done = vec![false; cfg.blocks.len()];
    while let Some(k) = pending.pop_first() {
        let b = cfg.rpo[k].index();
        done[b] = true;
        let mut s = entry[b].clone();
        let block = &cfg.blocks[b];
        for pc in block.start..block.end {
            transfer(p, p.code[pc as usize], &mut s);
        }
        let last = p.code[block.end as usize - 1];
        for (n, succ) in block.succs.iter().enumerate() {
            let mut out = s.clone();
            refine(
                last,
                n + 1 == block.succs.len() && block.succs.len() == 2,
                &mut out,
            );
            let target = &mut entry[succ.index()];
            let mut changed = !done[succ.index()];
            for (t, o) in target.iter_mut().zip(out.iter()) {
                let j = t.join(*o);
                if j != *t {
                    *t = j;
                    changed = true;
                }
            }
            if changed {
                pending.insert(position[succ.index()]);
            }
        }
    }
    entry
}

/// What the last instruction's outcome says: `JMPTSET`/`JMPFSET` write only when they jump, `FORPREP` only when it does not.
pub fn refine(last: Instr, jumped: bool, s: &mut [Type]) {
    if last.op() == Op::ForPrep && jumped {
        s[last.a()..last.a() + 4].fill(Type::Any);
    }
    if matches!(last.op(), Op::JmpTSet | Op::JmpFSet) && jumped {
        s[last.a()] = s[last.b()];
    }
}
