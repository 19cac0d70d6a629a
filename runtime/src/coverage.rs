//! Which opcodes the interpreter executes, and on which kinds of operands (cargo feature `coverage`, for the fuzzer's `--coverage`).
//!
//! The loop calls [`record`] before each instruction. [`write`] puts the counts into the file that `TRINITY_COVERAGE` names, one line
//! `OPCODE KIND KIND COUNT` each; `-` stands for no operand. Of an instruction's operands the first two that are values count: what is
//! operated on, before what is stored.

use crate::interp::ops::proto_at;
use crate::meta::str_to_number;
use crate::object::{LuaClosure, Str};
use crate::value::{Value, tag};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use trinity_frontend::bytecode::Instr;
use trinity_frontend::bytecode::instr::RK_CONST;
use trinity_frontend::bytecode::op::{ALL_OPS, Mode, OP_COUNT, Op};

/// Kinds of operands; `-` is none.
const KINDS: [&str; 14] = [
    "-", "nil", "boolean", "integer", "float", "string", "numeral", "table", "object", "function",
    "native", "userdata", "thread", "cell",
];
const INTEGER: usize = 3;

type Row = [[AtomicU64; KINDS.len()]; KINDS.len()];
static COUNTS: [Row; OP_COUNT] =
    [const { [const { [const { AtomicU64::new(0) }; KINDS.len()] }; KINDS.len()] }; OP_COUNT];

/// The value's kind: strings that are numerals and tables with a metatable are kinds of their own.
unsafe fn kind(v: Value) -> usize {
    unsafe {
        match v.t {
            tag::NIL => 1,
            tag::FALSE | tag::TRUE => 2,
            tag::INT => INTEGER,
            tag::FLOAT => 4,
            tag::SHORT_STR | tag::LONG_STR => {
                5 + usize::from(str_to_number(Str::bytes(v.as_str())).is_some())
            }
            tag::TABLE => 7 + usize::from(!(*v.as_table()).metatable.is_null()),
            tag::LUA_FN => 9,
            tag::NATIVE_FN => 10,
            tag::LIGHT | tag::USERDATA => 11,
            tag::THREAD => 12,
            _ => 13,
        }
    }
}

/// Counts the instruction at `pc` of the frame at `base`.
///
/// # Safety
/// As for the interpreter's loop.
pub unsafe fn record(base: *mut Value, pc: *const Instr) {
    unsafe {
        let i = *pc;
        let op = i.op();
        let p = proto_at(base);
        let closure = (*base.sub(1)).as_lua_fn();
        let mut seen = [0; 2];
        let mut n = 0;
        let mut note = |k: usize| {
            if let Some(s) = seen.get_mut(n) {
                *s = k;
            }
            n += 1;
        };
        let reg = |n: usize| kind(*base.add(n));
        match op {
            Op::Concat => {
                note(reg(i.a() + i.b() - 2));
                note(reg(i.a() + i.b() - 1));
            }
            Op::ForPrep => {
                note(reg(i.a()));
                note(reg(i.a() + 2));
            }
            // Its control slots are not values.
            Op::ForLoop => note(reg(i.a() + 2)),
            Op::Call | Op::TailCall | Op::TForCall | Op::SetList => note(reg(i.a())),
            Op::TForLoop => note(reg(i.a() + 4)),
            Op::GetCell => {}
            Op::TForPrep => note(reg(i.a() + 3)),
            _ => {
                let [a, b, c, _] = op.info().modes;
                for (mode, x, signed) in [(a, i.a(), false), (b, i.b(), true), (c, i.c(), true)] {
                    match mode {
                        // A cell is not a value.
                        Mode::R if op == Op::SetCell => {}
                        Mode::R | Mode::RW => note(reg(x)),
                        Mode::K | Mode::KN | Mode::KS => note(kind(*(*p).consts.add(x))),
                        Mode::RK if x >= RK_CONST as usize => {
                            note(kind(*(*p).consts.add(x - RK_CONST as usize)))
                        }
                        Mode::RK => note(reg(x)),
                        Mode::K32 => note(kind(*(*p).consts.add(i.dd() as usize))),
                        Mode::U => note(kind((**LuaClosure::upval(closure, x)).v)),
                        Mode::I if signed => note(INTEGER),
                        Mode::N if matches!(op, Op::GetI | Op::SetI) => note(INTEGER),
                        _ => {}
                    }
                }
            }
        }
        COUNTS[op as usize][seen[0]][seen[1]].fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes the counts where `TRINITY_COVERAGE` says.
pub fn write() -> std::io::Result<()> {
    let Some(path) = std::env::var_os("TRINITY_COVERAGE") else {
        return Ok(());
    };
    let mut s = String::new();
    for op in ALL_OPS {
        for (a, row) in COUNTS[op as usize].iter().enumerate() {
            for (b, n) in row.iter().enumerate() {
                let n = n.load(Ordering::Relaxed);
                if n > 0 {
                    let name = op.info().name;
                    // A string takes everything.
                    let _ = writeln!(s, "{name} {} {} {n}", KINDS[a], KINDS[b]);
                }
            }
        }
    }
    std::fs::write(path, s)
}
