//! Names of compiled functions for symbol tables and debuggers, guessed from the bytecode that makes each closure.
//!
//! A prototype has no name. `function M.f() end` is a CLOSURE followed by the store that names it, `local function f` starts a local
//! variable with the closure's register. Whatever matches neither is `anon`. Names are `MODULE.FUNCTION:LINE`, the module's main
//! chunk is `MODULE.main`; characters that would upset tools are replaced, and repeated names get `#2`, `#3`, ...

use std::collections::HashMap;
use trinity_frontend::bytecode::{Const, Instr, Op, Proto};

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
    let local = |at: usize| {
        let starts = |v: &&trinity_frontend::bytecode::LocVar| {
            usize::from(v.reg) == reg && v.start_pc as usize <= at && at < v.end_pc as usize
        };
        p.loc_vars.iter().rev().find(starts).map(|v| tidy(&v.name))
    };
    if let Some(name) = local(pc + 1) {
        return Some(name);
    }
    let next = *p.code.get(pc + 1)?;
    match next.op() {
        Op::SetTabUp if next.c() == reg => string(p, next.b()),
        Op::SetField if next.c() == reg => {
            let field = string(p, next.b())?;
            Some(match table_name(p, pc, next) {
                Some(t) => format!("{t}.{field}"),
                None => field,
            })
        }
        Op::SetUpval if next.c() == reg => p
            .upvals
            .get(next.b())
            .and_then(|u| u.name.as_deref())
            .map(tidy),
        Op::Move if next.b() == reg => {
            let to = |v: &&trinity_frontend::bytecode::LocVar| {
                usize::from(v.reg) == next.a()
                    && v.start_pc as usize <= pc + 2
                    && pc + 1 < v.end_pc as usize
            };
            p.loc_vars.iter().rev().find(to).map(|v| tidy(&v.name))
        }
        Op::SetCell if next.c() == reg => {
            let to = |v: &&trinity_frontend::bytecode::LocVar| {
                usize::from(v.reg) == next.a()
                    && v.start_pc as usize <= pc
                    && pc < v.end_pc as usize
            };
            p.loc_vars.iter().rev().find(to).map(|v| tidy(&v.name))
        }
        _ => None,
    }
}

/// Name of the table that `store` at pc + 1 writes to: a local variable, or a global or upvalue loaded just before the closure.
fn table_name(p: &Proto, pc: usize, store: Instr) -> Option<String> {
    let reg = store.a();
    let live = |v: &&trinity_frontend::bytecode::LocVar| {
        usize::from(v.reg) == reg && v.start_pc as usize <= pc && pc < v.end_pc as usize
    };
    if let Some(v) = p.loc_vars.iter().rev().find(live) {
        return Some(tidy(&v.name));
    }
    let i = *p.code.get(pc.checked_sub(1)?)?;
    match i.op() {
        Op::GetTabUp if i.a() == reg => string(p, i.c()),
        Op::GetUpval if i.a() == reg => p
            .upvals
            .get(i.b())
            .and_then(|u| u.name.as_deref())
            .map(tidy),
        _ => None,
    }
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
