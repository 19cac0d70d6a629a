//! Which modules a compiled chunk requires by a literal name.
//!
//! It looks at bytecode, not text: `require "x"` with the global function is `GETTABUP _ENV "require"; LOADK "x"; CALL`, three instructions
//! in a row whatever the layout of the source. Also seen are a local copy (`local require = require`) and `pcall(require, "x")`, whose module
//! is optional: the program handles its absence. A local or parameter of that name that is anything else hides the global.
//!
//! A chunk that stores `package.preload["x"]` brings module x itself (amalgamated programs do): its requires of x are left out.

use std::collections::HashSet;
use trinity_frontend::bytecode::{Const, Instr, Op, Proto};

/// A literal require.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Require {
    /// Module name.
    pub name: Vec<u8>,
    /// Line of the call; 0 in stripped code.
    pub line: u32,
    /// Inside pcall: not an error when the module is missing.
    pub optional: bool,
}

/// All literal requires of a chunk that it does not fulfil itself, functions in preorder, each in order of code.
pub fn requires(main: &Proto) -> Vec<Require> {
    let mut out = Vec::new();
    scan(main, None, &mut out);
    let mut preloaded = HashSet::new();
    preloads(main, &mut preloaded);
    out.retain(|r| !preloaded.contains(r.name.as_slice()));
    out
}

/// Names stored in a table that was loaded from a field `preload`.
fn preloads<'a>(proto: &'a Proto, out: &mut HashSet<&'a [u8]>) {
    let string = |k: usize| match proto.consts.get(k) {
        Some(Const::Str(s)) => Some(&**s),
        _ => None,
    };
    // Registers that hold such a table, as far as the code goes in a straight line.
    let mut tables = HashSet::new();
    for i in &proto.code {
        match i.op() {
            Op::GetField if string(i.c()) == Some(b"preload") => {
                tables.insert(i.a());
            }
            Op::SetField if tables.contains(&i.a()) => out.extend(string(i.b())),
            Op::Closure => {}
            _ => tables.clear(),
        }
    }
    proto.protos.iter().for_each(|p| preloads(p, out));
}

/// A function and the chain of functions around it, to resolve upvalues.
struct Scope<'a> {
    proto: &'a Proto,
    outer: Option<&'a Scope<'a>>,
}

fn scan(proto: &Proto, outer: Option<&Scope>, out: &mut Vec<Require>) {
    let scope = Scope { proto, outer };
    for (pc, call) in proto.code.iter().enumerate() {
        if !matches!(call.op(), Op::Call | Op::TailCall) || pc < 2 {
            continue;
        }
        let line = proto.lines.get(pc).copied().unwrap_or(0);
        let arg = loaded_string(proto, proto.code[pc - 1]);
        let (f, name_reg, optional) = match call.b() {
            2 => (pc - 2, call.a() + 1, false),
            3 if pc >= 3 && scope.is_global(pc - 3, call.a(), b"pcall") => {
                (pc - 2, call.a() + 2, true)
            }
            _ => continue,
        };
        if let Some((reg, name)) = arg
            && reg == name_reg
            && scope.is_global(f, name_reg - 1, b"require")
        {
            out.push(Require {
                name: name.to_vec(),
                line,
                optional,
            });
        }
    }
    for child in &proto.protos {
        scan(child, Some(&scope), out);
    }
}

fn loaded_string(proto: &Proto, i: Instr) -> Option<(usize, &[u8])> {
    match (i.op(), proto.consts.get(i.dd() as usize)) {
        (Op::LoadK, Some(Const::Str(s))) => Some((i.a(), s)),
        _ => None,
    }
}

impl Scope<'_> {
    /// The instruction at `pc` puts the global function `name` into register `reg`, directly or from a local variable that was made from it.
    fn is_global(&self, pc: usize, reg: usize, name: &[u8]) -> bool {
        let i = self.proto.code[pc];
        if i.a() != reg {
            return false;
        }
        match i.op() {
            Op::GetTabUp => self.env_field(i, name),
            Op::Move | Op::GetCell => self.copy_of_global(i.b(), pc, name),
            Op::GetUpval => self.captured_copy(i.b(), name),
            _ => false,
        }
    }

    fn env_field(&self, i: Instr, name: &[u8]) -> bool {
        let field = matches!(self.proto.consts.get(i.c()), Some(Const::Str(s)) if **s == *name);
        // In stripped code upvalues have no names; a field of an upvalue called "require" is still most likely the global.
        field
            && self
                .proto
                .upvals
                .get(i.b())
                .is_some_and(|u| u.name.as_deref().is_none_or(|n| n == b"_ENV"))
    }

    /// Register `reg` holds at `pc` a local variable called `name` whose initial value was the global of that name.
    fn copy_of_global(&self, reg: usize, pc: usize, name: &[u8]) -> bool {
        let live = |v: &&trinity_frontend::bytecode::LocVar| {
            usize::from(v.reg) == reg
                && v.start_pc as usize <= pc
                && pc < v.end_pc as usize
                && *v.name == *name
        };
        self.proto
            .loc_vars
            .iter()
            .rev()
            .find(live)
            .is_some_and(|v| {
                let mut at = v.start_pc as usize;
                // A captured variable is put into its cell between initialisation and first use.
                for _ in 0..2 {
                    at = match at.checked_sub(1) {
                        Some(n) => n,
                        None => return false,
                    };
                    let i = self.proto.code[at];
                    match i.op() {
                        Op::NewCell if i.a() == reg => continue,
                        Op::GetTabUp if i.a() == reg => return self.env_field(i, name),
                        _ => return false,
                    }
                }
                false
            })
    }

    /// Upvalue `index` is such a variable of a function around this one.
    fn captured_copy(&self, index: usize, name: &[u8]) -> bool {
        let (Some(up), Some(outer)) = (self.proto.upvals.get(index), self.outer) else {
            return false;
        };
        if up.name.as_deref() != Some(name) {
            return false;
        }
        if !up.in_stack {
            return outer.captured_copy(usize::from(up.index), name);
        }
        // The closure is made while the variable is live.
        let child = self.proto as *const Proto;
        outer.proto.code.iter().enumerate().any(|(pc, i)| {
            i.op() == Op::Closure
                && outer
                    .proto
                    .protos
                    .get(i.dd() as usize)
                    .is_some_and(|p| std::ptr::eq(p, child))
                && outer.copy_of_global(usize::from(up.index), pc, name)
        })
    }
}
