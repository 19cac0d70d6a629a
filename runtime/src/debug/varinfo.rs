//! Names for values in error messages and tracebacks: "attempt to index a nil value (field 'x')", "in method 'name'".
//!
//! Bytecode does not say where a register's value came from. As the reference does (ldebug.c), the function's code is run symbolically up
//! to the faulting instruction to find the one that set the register last. A register that is set in code skipped by some jump to or
//! before that point has no certain origin and gets no name.
//!
//! One thing differs from the reference: captured locals live in cells, so reading one goes through a temporary (`GETCELL`). A
//! temporary filled that way takes the name of the local behind the cell.
//!
//! Everything here is a pure function of a prototype and a program counter, so it serves interpreter and machine frames alike.

use crate::object::Str;
use crate::proto::RtProto;
use crate::thread::{Lua, call_status};
use trinity_frontend::bytecode::op::{EVENT_NAMES, Mode};
use trinity_frontend::bytecode::{Event, Instr, Op};

use super::frame::FrameRef;

/// Where a value that an error message talks about was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VarRef {
    /// A register of the running function.
    Reg(usize),
    /// A constant of the running function.
    Const(usize),
    /// An upvalue of the running function.
    Upval(usize),
    /// Somewhere without a name.
    None,
}

/// A name with what it names: `("field", "x")`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name<'p> {
    /// "global", "local", "method", "field", "upvalue", "constant", "metamethod", "for iterator" or "hook".
    pub kind: &'static str,
    /// The name itself.
    pub name: &'p [u8],
}

impl Name<'_> {
    /// The form used in messages: ` (local 'x')`.
    pub fn suffix(self) -> Vec<u8> {
        [b" (", self.kind.as_bytes(), b" '", self.name, b"')"].concat()
    }
}

/// Name of the variable that is in register `reg` at `pc`.
pub fn local_at(p: &RtProto, reg: usize, pc: usize) -> Option<&[u8]> {
    let pc = pc as u64;
    p.src
        .loc_vars
        .iter()
        .take_while(|v| u64::from(v.start_pc) <= pc)
        .find(|v| usize::from(v.reg) == reg && pc < u64::from(v.end_pc))
        .map(|v| &*v.name)
}

/// Name of upvalue `i`; "?" when stripped.
pub fn upvalue_name(p: &RtProto, i: usize) -> &[u8] {
    p.src
        .upvals
        .get(i)
        .and_then(|u| u.name.as_deref())
        .unwrap_or(b"?")
}

/// The code of a prototype.
pub fn code(p: &RtProto) -> &[Instr] {
    // SAFETY: `code` and `code_len` describe one immutable allocation that lives as long as the prototype.
    unsafe { std::slice::from_raw_parts(p.code, p.code_len as usize) }
}

/// Text of a string constant; "?" for any other.
fn const_name(p: &RtProto, k: usize) -> &[u8] {
    string_const(p, k).unwrap_or(b"?")
}

fn string_const(p: &RtProto, k: usize) -> Option<&[u8]> {
    if k >= p.num_consts as usize {
        return None;
    }
    // SAFETY: `consts` holds `num_consts` values; strings among them are kept alive by the prototype.
    unsafe {
        let v = *p.consts.add(k);
        // The reference's names are C strings.
        v.is_string()
            .then(|| Str::bytes(v.as_str()))
            .map(crate::string::c_part)
    }
}

/// The last instruction before `last_pc` that certainly set `reg`.
fn find_setter(p: &RtProto, last_pc: usize, reg: usize) -> Option<usize> {
    let mut setter = None;
    // Code before this address is conditional.
    let mut jump_target = 0usize;
    for (pc, &i) in code(p).iter().enumerate().take(last_pc) {
        let (op, a) = (i.op(), i.a());
        let writes_a = matches!(op.info().modes[0], Mode::W | Mode::RW);
        let change = match op {
            Op::LoadNil => a <= reg && reg <= a + i.b(),
            Op::TForCall => reg >= a + 2,
            Op::Call | Op::TailCall => reg >= a,
            // The numeric loop's own jumps are not "jumps" to the reference either.
            Op::ForPrep | Op::ForLoop => reg == a,
            Op::TForPrep => false,
            Op::TForLoop => reg == a + 2,
            Op::SelfGet => reg == a || reg == a + 1,
            // The cell replaces the value of the same variable.
            Op::NewCell => false,
            _ => {
                if op.is_jump() {
                    let dest = (pc as i64 + 1 + i64::from(i.sd())).max(0) as usize;
                    if dest <= last_pc && dest > jump_target {
                        jump_target = dest;
                    }
                }
                writes_a && reg == a
            }
        };
        if change {
            setter = (pc >= jump_target).then_some(pc);
        }
    }
    setter
}

/// "global" when the indexed thing is `_ENV`, else "field".
fn indexed_kind(p: &RtProto, pc: usize, table: usize, is_upvalue: bool) -> &'static str {
    let name = if is_upvalue {
        Some(upvalue_name(p, table))
    } else {
        object_name(p, pc, table).map(|n| n.name)
    };
    if name == Some(b"_ENV") {
        "global"
    } else {
        "field"
    }
}

/// Name of what register `reg` holds when the instruction at `last_pc` runs (getobjname of the reference).
pub fn object_name(p: &RtProto, last_pc: usize, reg: usize) -> Option<Name<'_>> {
    if let Some(name) = local_at(p, reg, last_pc) {
        return Some(Name {
            kind: "local",
            name,
        });
    }
    let pc = find_setter(p, last_pc, reg)?;
    let i = code(p)[pc];
    match i.op() {
        Op::Move if i.b() < i.a() => object_name(p, pc, i.b()),
        Op::GetCell => local_at(p, i.b(), pc).map(|name| Name {
            kind: "local",
            name,
        }),
        Op::GetTabUp => Some(Name {
            kind: indexed_kind(p, pc, i.b(), true),
            name: const_name(p, i.c()),
        }),
        Op::GetTable => {
            // Only a constant key names anything.
            let key = match object_name(p, pc, i.c()) {
                Some(Name {
                    kind: "constant",
                    name,
                }) => name,
                _ => b"?",
            };
            Some(Name {
                kind: indexed_kind(p, pc, i.b(), false),
                name: key,
            })
        }
        Op::GetI => Some(Name {
            kind: "field",
            name: b"integer index",
        }),
        Op::GetField => Some(Name {
            kind: indexed_kind(p, pc, i.b(), false),
            name: const_name(p, i.c()),
        }),
        Op::GetUpval => Some(Name {
            kind: "upvalue",
            name: upvalue_name(p, i.b()),
        }),
        Op::LoadK => string_const(p, i.dd() as usize).map(|name| Name {
            kind: "constant",
            name,
        }),
        Op::SelfGet if i.a() == reg => Some(Name {
            kind: "method",
            name: const_name(p, i.c()),
        }),
        _ => None,
    }
}

/// How the function that the instruction at `pc` calls is named there.
pub fn function_name_from_code(p: &RtProto, pc: usize) -> Option<Name<'_>> {
    let i = *code(p).get(pc)?;
    let event = match i.op() {
        Op::Call | Op::TailCall => return object_name(p, pc, i.a()),
        Op::TForCall => {
            return Some(Name {
                kind: "for iterator",
                name: b"for iterator",
            });
        }
        Op::SelfGet | Op::GetTabUp | Op::GetTable | Op::GetI | Op::GetField => Event::Index,
        Op::SetTabUp | Op::SetTable | Op::SetI | Op::SetField => Event::NewIndex,
        Op::JmpEq | Op::JmpNe => Event::Eq,
        Op::JmpLt | Op::JmpNlt | Op::JmpLtI | Op::JmpNltI | Op::JmpGtI | Op::JmpNgtI => Event::Lt,
        Op::JmpLe | Op::JmpNle | Op::JmpLeI | Op::JmpNleI | Op::JmpGeI | Op::JmpNgeI => Event::Le,
        Op::Close | Op::Return => Event::Close,
        Op::AddI if i.d() & 2 != 0 => Event::Sub,
        op => op.event()?,
    };
    Some(Name {
        kind: "metamethod",
        name: &EVENT_NAMES[event as usize].as_bytes()[2..],
    })
}

/// Text that names a value in an error message (" (global 'x')"), or nothing.
pub fn varinfo(l: Lua, v: VarRef) -> Vec<u8> {
    let Some(f) = FrameRef::innermost(l) else {
        return Vec::new();
    };
    name_of(&f, v).map_or_else(Vec::new, Name::suffix)
}

fn name_of(f: &FrameRef, v: VarRef) -> Option<Name<'static>> {
    // SAFETY: the frame's function is on the stack, so its prototype outlives every use of the name before the next call into Lua.
    let p: &'static RtProto = unsafe { &*f.proto()? };
    match v {
        VarRef::Reg(r) => object_name(p, f.pc()?, r),
        VarRef::Upval(u) => Some(Name {
            kind: "upvalue",
            name: upvalue_name(p, u),
        }),
        VarRef::Const(_) | VarRef::None => None,
    }
}

/// The same for the value that is called: the way the calling instruction names it goes first ("for iterator", "metamethod").
pub fn call_varinfo(l: Lua, v: VarRef) -> Vec<u8> {
    let Some(f) = FrameRef::innermost(l) else {
        return Vec::new();
    };
    called_name(&f)
        .or_else(|| name_of(&f, v))
        .map_or_else(Vec::new, Name::suffix)
}

/// How the frame `f` names the function that it is calling now.
pub fn called_name(f: &FrameRef) -> Option<Name<'static>> {
    let status = f.status();
    if status & call_status::HOOK != 0 {
        return Some(Name {
            kind: "hook",
            name: b"?",
        });
    }
    if status & call_status::FIN != 0 {
        return Some(Name {
            kind: "metamethod",
            name: b"__gc",
        });
    }
    // SAFETY: as in `name_of`.
    let p: &'static RtProto = unsafe { &*f.proto()? };
    function_name_from_code(p, f.pc()?)
}
