//! Names of functions, guessed from the bytecode that makes each closure.
//!
//! A prototype has no name. `function M.f() end` is a CLOSURE followed by the store that names it, `local function f` starts a local
//! variable with the closure's register. Characters that would upset tools are replaced. Stripped code keeps only names of fields.

use super::instr::Instr;
use super::op::Op;
use super::proto::{Const, LocVar, Proto};

/// What each function directly inside `p` is assigned to, as far as that can be seen.
pub fn children(p: &Proto) -> Vec<Option<String>> {
    let mut names = vec![None; p.protos.len()];
    for (pc, i) in p.code.iter().enumerate() {
        if i.op() == Op::Closure
            && let Some(name) = names.get_mut(i.dd() as usize)
            && name.is_none()
        {
            *name = closure_name(p, pc, i.a());
        }
    }
    names
}

/// What the closure made at `pc` in register `reg` is stored to.
fn closure_name(p: &Proto, pc: usize, reg: usize) -> Option<String> {
    // `local function f` and `local f = function`; a captured variable is put into a cell first.
    let captured = usize::from(
        p.code
            .get(pc + 1)
            .is_some_and(|i| i.op() == Op::NewCell && i.a() == reg),
    );
    if let Some(name) = local(p, reg, pc + 1 + captured) {
        return Some(name);
    }
    // The table that the closure is stored in may be loaded in between.
    let mut next = *p.code.get(pc + 1)?;
    let mut loaded = p.code.get(pc.wrapping_sub(1)).copied();
    if matches!(next.op(), Op::GetCell | Op::GetUpval) && next.a() != reg {
        loaded = Some(next);
        next = *p.code.get(pc + 2)?;
    }
    match next.op() {
        Op::SetTabUp if next.c() == reg => string(p, next.b()),
        Op::SetField if next.c() == reg => {
            let field = string(p, next.b())?;
            Some(match table_name(p, pc, next.a(), loaded) {
                Some(t) => format!("{t}.{field}"),
                None => field,
            })
        }
        Op::SetUpval if next.c() == reg => upvalue(p, next.b()),
        Op::Move if next.b() == reg => local(p, next.a(), pc + 2),
        // `local function f` that refers to itself becomes active behind the store.
        Op::SetCell if next.c() == reg => {
            local(p, next.a(), pc).or_else(|| local(p, next.a(), pc + 2))
        }
        _ => None,
    }
}

/// Name of the table in register `table`: a local variable, or what was `loaded` from a cell, upvalue or field.
fn table_name(p: &Proto, pc: usize, table: usize, loaded: Option<Instr>) -> Option<String> {
    if let Some(name) = local(p, table, pc) {
        return Some(name);
    }
    let i = loaded.filter(|i| i.a() == table)?;
    match i.op() {
        Op::GetCell => local(p, i.b(), pc),
        Op::GetUpval => upvalue(p, i.b()),
        Op::GetTabUp | Op::GetField => string(p, i.c()),
        _ => None,
    }
}

/// Name of the local variable in `reg` at `pc`, the latest when there are several.
pub fn local(p: &Proto, reg: usize, pc: usize) -> Option<String> {
    let live = |v: &&LocVar| {
        usize::from(v.reg) == reg && v.start_pc as usize <= pc && pc < v.end_pc as usize
    };
    p.loc_vars.iter().rev().find(live).map(|v| tidy(&v.name))
}

fn upvalue(p: &Proto, index: usize) -> Option<String> {
    p.upvals
        .get(index)
        .and_then(|u| u.name.as_deref())
        .map(tidy)
}

fn string(p: &Proto, k: usize) -> Option<String> {
    match p.consts.get(k) {
        Some(Const::Str(s)) => Some(tidy(s)),
        _ => None,
    }
}

/// Keeps letters, digits and a few marks; cuts what is absurdly long.
pub fn tidy(name: &[u8]) -> String {
    let keep = |&c: &u8| {
        if c.is_ascii_alphanumeric() || b"_.-/".contains(&c) {
            char::from(c)
        } else {
            '_'
        }
    };
    name.iter().take(60).map(keep).collect()
}
