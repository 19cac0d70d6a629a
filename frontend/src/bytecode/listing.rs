//! Readable listings of prototypes, for `--emit=bytecode` and tests.
//!
//! Operands are shown by mode, straight from the opcode table: registers as `r0`, constants as `k0`, upvalues as `u0`, jump
//! targets as absolute instruction numbers. A comment names the constants, upvalues and functions involved.

use std::fmt::Write;

use super::Instr;
use super::instr::{NO_CACHE, RK_CONST};
use super::op::{Mode, Op};
use super::proto::{Const, Proto, VarKind};

/// Lists a function and the functions inside it.
pub fn list(proto: &Proto) -> String {
    let mut out = String::new();
    list_into(proto, "main", &mut out);
    out
}

/// Formatting into a `String` does not fail.
fn ok(result: std::fmt::Result) {
    debug_assert!(result.is_ok());
}

fn list_into(proto: &Proto, path: &str, out: &mut String) {
    let lines = match (proto.line_defined, proto.last_line_defined) {
        (0, _) => "main chunk".to_string(),
        (first, last) => format!("lines {first}-{last}"),
    };
    let vararg = if proto.is_vararg { "+" } else { "" };
    ok(writeln!(
        out,
        "function {path} <{}: {lines}> {}{vararg} params, {} slots, {} upvalues, {} constants, {} functions, {} caches",
        source_name(proto),
        proto.num_params,
        proto.max_stack,
        proto.upvals.len(),
        proto.consts.len(),
        proto.protos.len(),
        proto.num_caches,
    ));
    for (i, u) in proto.upvals.iter().enumerate() {
        let place = if u.in_stack {
            format!("cell r{}", u.index)
        } else {
            format!("outer u{}", u.index)
        };
        let attribute = match u.kind {
            VarKind::Regular => "",
            VarKind::Const => " <const>",
            VarKind::Close => " <close>",
        };
        ok(writeln!(
            out,
            "  upvalue u{i} {} = {place}{attribute}",
            name(u.name.as_deref())
        ));
    }
    for v in &proto.loc_vars {
        ok(writeln!(
            out,
            "  local r{} {} [{}, {})",
            v.reg,
            name(Some(&v.name)),
            v.start_pc,
            v.end_pc
        ));
    }
    for (i, k) in proto.consts.iter().enumerate() {
        ok(writeln!(out, "  const k{i} = {}", constant(k)));
    }
    for (pc, &i) in proto.code.iter().enumerate() {
        let line = proto
            .lines
            .get(pc)
            .map_or_else(|| "-".to_string(), u32::to_string);
        let text = instruction(proto, pc, i);
        ok(writeln!(out, "{pc:>6} [{line}] {text}"));
    }
    for (i, p) in proto.protos.iter().enumerate() {
        out.push('\n');
        list_into(p, &format!("{path}.{i}"), out);
    }
}

fn source_name(proto: &Proto) -> String {
    let id = proto
        .source
        .as_ref()
        .map_or_else(|| b"?".to_vec(), |s| crate::chunk_id(s));
    String::from_utf8_lossy(&id).into_owned()
}

fn name(name: Option<&[u8]>) -> String {
    name.map_or_else(
        || "-".to_string(),
        |n| String::from_utf8_lossy(n).into_owned(),
    )
}

/// A constant as Lua would write it, cut when long.
pub fn constant(k: &Const) -> String {
    match k {
        Const::Nil => "nil".to_string(),
        Const::Bool(b) => b.to_string(),
        Const::Int(i) => i.to_string(),
        Const::Float(f) if f.is_infinite() => if *f > 0.0 { "1e999" } else { "-1e999" }.to_string(),
        Const::Float(f) => format!("{f:?}"),
        Const::Str(s) => {
            const SHOWN: usize = 40;
            let text: String = s
                .iter()
                .take(SHOWN)
                .map(|&c| std::ascii::escape_default(c).to_string())
                .collect();
            let more = if s.len() > SHOWN { "..." } else { "" };
            format!("\"{text}\"{more}")
        }
    }
}

/// One instruction: name, operands, comment.
pub fn instruction(proto: &Proto, pc: usize, i: Instr) -> String {
    let Some(op) = Op::from_byte(i.op_byte()) else {
        return format!("?{:016x}", i.0);
    };
    let info = op.info();
    let mut out = format!("{:<10}", info.name);
    let mut notes: Vec<String> = Vec::new();
    let k_note = |notes: &mut Vec<String>, k: usize| {
        notes.push(
            proto
                .consts
                .get(k)
                .map_or_else(|| "k?".to_string(), constant),
        );
    };
    for (slot, mode) in info.modes.iter().enumerate() {
        let (value, signed) = match slot {
            0 => (i.a(), i.a() as i32),
            1 => (i.b(), i32::from(i.sb())),
            2 => (i.c(), i32::from(i.sc())),
            _ => (i.d(), i.d() as i32),
        };
        let text = match mode {
            Mode::No => continue,
            Mode::R | Mode::W | Mode::RW => format!("r{value}"),
            Mode::RK if value < usize::from(RK_CONST) => format!("r{value}"),
            Mode::RK => {
                let k = value - usize::from(RK_CONST);
                k_note(&mut notes, k);
                format!("k{k}")
            }
            Mode::K | Mode::KS | Mode::KN => {
                k_note(&mut notes, value);
                format!("k{value}")
            }
            Mode::U => {
                notes.push(
                    proto
                        .upvals
                        .get(value)
                        .map_or_else(|| "u?".to_string(), |u| name(u.name.as_deref())),
                );
                format!("u{value}")
            }
            Mode::N => value.to_string(),
            Mode::I => signed.to_string(),
            Mode::Ic if value == usize::from(NO_CACHE) => "ic-".to_string(),
            Mode::Ic => format!("ic{value}"),
            Mode::Jump => {
                let skip = if op == Op::ForPrep { 1 } else { 0 };
                notes.push(format!("to {}", pc as i64 + 1 + i64::from(i.sd()) + skip));
                format!("{:+}", i.sd())
            }
            Mode::Imm32 => i.sd().to_string(),
            Mode::K32 => {
                k_note(&mut notes, i.dd() as usize);
                format!("k{}", i.dd())
            }
            Mode::P32 => format!("p{}", i.dd()),
            Mode::N32 => i.dd().to_string(),
        };
        out.push(' ');
        out.push_str(&text);
    }
    if !notes.is_empty() {
        ok(write!(out, "  ; {}", notes.join(", ")));
    }
    out.trim_end().to_string()
}
