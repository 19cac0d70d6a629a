//! Names of compiled functions for symbol tables and debuggers, guessed from the bytecode that makes each closure.
//!
//! A prototype has no name. `function M.f() end` is a CLOSURE followed by the store that names it, `local function f` starts a local
//! variable with the closure's register. Whatever matches neither is `anon`. Names are `MODULE.FUNCTION:LINE`, the module's main
//! chunk is `MODULE.main`; characters that would upset tools are replaced, and repeated names get `#2`, `#3`, ...

use std::collections::HashMap;
use trinity_frontend::bytecode::{Const, Instr, LocVar, Op, Proto};

/// A function of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FuncName {
    /// Name as in the source (`M.f`, `fib`, `anon`, `main`), for debuggers.
    pub short: String,
    /// Unique symbol name, `lua.MODULE.SHORT:LINE`.
    pub symbol: String,
    /// Line of `function`; 0 for the main chunk.
    pub line: u32,
}

/// Makes names that are unique over all modules of a program.
#[derive(Default, Debug)]
pub struct Namer {
    used: HashMap<String, u32>,
}

impl Namer {
    /// Names of all functions of a module in preorder. `module` is empty for the main program.
    pub fn module(&mut self, module: &[u8], main: &Proto) -> Vec<FuncName> {
        let label = if module.is_empty() {
            "main".to_string()
        } else {
            tidy(module)
        };
        let mut out = Vec::new();
        self.walk(&label, main, "main".to_string(), &mut out);
        out
    }

    fn walk(&mut self, label: &str, p: &Proto, short: String, out: &mut Vec<FuncName>) {
        let mut symbol = format!("lua.{label}.{short}");
        if p.line_defined > 0 {
            symbol.push_str(&format!(":{}", p.line_defined));
        }
        let count = self.used.entry(symbol.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            symbol.push_str(&format!("#{count}"));
        }
        out.push(FuncName {
            short,
            symbol,
            line: p.line_defined,
        });
        let mut names = vec![None; p.protos.len()];
        for (pc, i) in p.code.iter().enumerate() {
            if i.op() == Op::Closure
                && let Some(name) = names.get_mut(i.dd() as usize)
                && name.is_none()
            {
                *name = closure_name(p, pc, i.a());
            }
        }
        for (child, name) in p.protos.iter().zip(names) {
            self.walk(
                label,
                child,
                name.unwrap_or_else(|| "anon".to_string()),
                out,
            );
        }
    }
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
fn local(p: &Proto, reg: usize, pc: usize) -> Option<String> {
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
fn tidy(name: &[u8]) -> String {
    let keep = |&c: &u8| {
        if c.is_ascii_alphanumeric() || b"_.-/".contains(&c) {
            char::from(c)
        } else {
            '_'
        }
    };
    name.iter().take(60).map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_source() {
        let source = b"local M, x = {}, {}\n\
            function M.f() end\n\
            function M:g() return x end\n\
            local function rec() return rec() end\n\
            x.y = {}\n\
            x.y.z = function() end\n\
            local t = { field = function() end, function() end }\n\
            glob = function() end\n\
            rec = function() M = function() end end\n\
            return function() end, function() end";
        let p = trinity_frontend::compile(source, b"=test").unwrap();
        let symbols = |n: &[FuncName]| n.iter().map(|f| f.symbol.clone()).collect::<Vec<_>>();
        let names = Namer::default().module(b"a.b c", &p);
        assert_eq!(
            symbols(&names),
            [
                "lua.a.b_c.main",
                "lua.a.b_c.M.f:2",
                "lua.a.b_c.M.g:3",
                "lua.a.b_c.rec:4",
                "lua.a.b_c.y.z:6",
                "lua.a.b_c.field:7",
                "lua.a.b_c.anon:7",
                "lua.a.b_c.glob:8",
                "lua.a.b_c.rec:9",
                "lua.a.b_c.M:9",
                "lua.a.b_c.anon:10",
                "lua.a.b_c.anon:10#2",
            ]
        );
        assert_eq!(names[1].short, "M.f");
    }
}
