//! `-S`: assembly that a person can read beside the Lua source and that `cc` can assemble and link instead of the object.
//!
//! The machine code is decoded again and printed in AT&T syntax. The assembler may choose other lengths of instructions than ours, so
//! everything that counts bytes (branch targets, safe points, sizes, constants behind the code) is written with labels: `.LF_O` is offset O
//! (hexadecimal) of function number F in the program, so that bodies have labels too.

use crate::compile::Compiled;
use crate::discover::Program;
use crate::unit::{CodeReloc, CodeTarget, Func, MARCH, MODULES, MODULES_LEN, PROFILE, TEXT, Unit};
use iced_x86::{
    Decoder, DecoderOptions, Formatter, GasFormatter, Instruction, OpKind, SymbolResolver,
    SymbolResult,
};
use std::collections::BTreeSet;
use std::fmt::Write;
use trinity_abi::cpu::{self, MARCH_CHECK};
use trinity_abi::unit::{PROFILE_START, TEXT_START};
use trinity_codegen::isa::March;

/// Formatting into a `String` does not fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { { let _ = writeln!($out, $($arg)*); } };
}

/// The whole program as assembly text.
pub fn emit(compiled: &Compiled, program: &Program, march: March, closed: bool) -> Vec<u8> {
    let mut out = String::from("\t.text\n");
    let mut number = 0;
    for (unit, module) in compiled.units.iter().zip(&program.modules) {
        let lines: Vec<&[u8]> = module.source.text.split(|&c| c == b'\n').collect();
        let shown = String::from_utf8_lossy(&unit.shown).into_owned();
        let first = number;
        for f in &unit.funcs {
            Function {
                unit,
                first,
                f,
                number,
                shown: &shown,
                lines: &lines,
            }
            .emit(&mut out);
            number += 1;
        }
    }
    tables(&compiled.units, compiled.skeleton.as_deref(), &mut out);
    needs(march, &mut out);
    let start = if closed { "0" } else { TEXT_START };
    put!(
        out,
        "\n\t.section .data.rel.ro,\"aw\"\n\t.globl {TEXT}\n\t.p2align 3\n{TEXT}:\n\t.quad {start}"
    );
    out.push_str("\t.section .note.GNU-stack,\"\",@progbits\n");
    out.into_bytes()
}

fn label(function: usize, offset: u64) -> String {
    format!(".L{function}_{offset:x}")
}

fn quoted(symbol: &str) -> String {
    format!("\"{symbol}\"")
}

struct Function<'a> {
    unit: &'a Unit,
    /// Number of the unit's first function.
    first: usize,
    f: &'a Func,
    number: usize,
    shown: &'a str,
    lines: &'a [&'a [u8]],
}

impl Function<'_> {
    fn emit(&self, out: &mut String) {
        let f = self.f;
        let text = f.code.get(..f.text_len as usize).unwrap_or(&f.code);
        let name = quoted(&f.name.symbol);
        put!(out, "\n\t.p2align 4\n\t.type {name}, @function\n{name}:");
        let labels = self.labels(text);
        let mut formatter = GasFormatter::with_options(
            Some(Box::new(Resolver {
                number: self.number,
                reloc: None,
                labels: labels.clone(),
            })),
            None,
        );
        let options = formatter.options_mut();
        options.set_rip_relative_addresses(true);
        options.set_show_branch_size(false);
        options.set_hex_prefix("0x");
        options.set_hex_suffix("");
        options.set_gas_show_mnemonic_size_suffix(true);
        options.set_space_after_operand_separator(true);

        let mut decoder = Decoder::new(64, text, DecoderOptions::NONE);
        let mut i = Instruction::default();
        let (mut srcloc, mut line, mut relocs) =
            (f.srclocs.iter().peekable(), 0, f.relocs.iter().peekable());
        while decoder.can_decode() {
            let at = decoder.ip();
            decoder.decode_out(&mut i);
            let mut now = line;
            while let Some(&(_, l)) = srcloc.next_if(|s| u64::from(s.0) <= at) {
                now = l;
            }
            if now != line {
                line = now;
                self.source_line(line, out);
            }
            if at > 0 && at == u64::from(f.body_offset) {
                put!(out, "\t# body: arguments in registers\n\t.p2align 4, 0xcc");
            }
            if labels.contains(&at) {
                put!(out, "{}:", label(self.number, at));
            }
            let reloc = relocs.next_if(|r| u64::from(r.offset) < decoder.ip());
            let mut one = String::new();
            match reloc {
                // The formatter has no way to change its resolver, so an instruction with a relocation gets its own.
                Some(r) => {
                    let resolver = Resolver {
                        number: self.number,
                        reloc: Some(self.reference(r, decoder.ip())),
                        labels: BTreeSet::new(),
                    };
                    let mut own = GasFormatter::with_options(Some(Box::new(resolver)), None);
                    *own.options_mut() = formatter.options().clone();
                    own.format(&i, &mut one);
                }
                None => formatter.format(&i, &mut one),
            }
            put!(out, "\t{one}");
        }
        self.data(&labels, text.len(), out);
        put!(out, "\t.size {name}, .-{name}");
    }

    /// Offsets that something refers to: branch targets, return addresses of safe points, constants, and the end.
    fn labels(&self, text: &[u8]) -> BTreeSet<u64> {
        let mut labels: BTreeSet<u64> = self
            .f
            .safepoints
            .iter()
            .map(|p| u64::from(p.ret_offset))
            .collect();
        labels.insert(self.f.code.len() as u64);
        if self.f.body_offset != 0 {
            labels.insert(u64::from(self.f.body_offset));
        }
        let relocated = |start: u64, end: u64| {
            let at = self
                .f
                .relocs
                .partition_point(|r| u64::from(r.offset) < start);
            self.f
                .relocs
                .get(at)
                .is_some_and(|r| u64::from(r.offset) < end)
        };
        let mut decoder = Decoder::new(64, text, DecoderOptions::NONE);
        let mut i = Instruction::default();
        while decoder.can_decode() {
            let start = decoder.ip();
            decoder.decode_out(&mut i);
            if relocated(start, decoder.ip()) {
                continue;
            }
            for op in 0..i.op_count() {
                match i.op_kind(op) {
                    OpKind::NearBranch64 => {
                        labels.insert(i.near_branch64());
                    }
                    OpKind::Memory if i.is_ip_rel_memory_operand() => {
                        labels.insert(i.ip_rel_memory_address());
                    }
                    _ => {}
                }
            }
        }
        labels
    }

    /// What a relocation refers to, as an assembler expression; `end` is the offset behind its instruction.
    fn reference(&self, r: &CodeReloc, end: u64) -> String {
        let of = |n: u32| self.unit.funcs.get(n as usize);
        let symbol = match r.target {
            CodeTarget::Runtime(name) => quoted(name),
            CodeTarget::Body(n) if of(n).is_some_and(|f| f.body_offset != 0) => {
                let at = of(n).map_or(0, |f| f.body_offset);
                label(self.first + n as usize, u64::from(at))
            }
            CodeTarget::Func(n) | CodeTarget::Body(n) => {
                quoted(of(n).map_or("?", |f| f.name.symbol.as_str()))
            }
        };
        let relative = r.kind.size() == 4;
        let extra = r.addend
            + if relative {
                end as i64 - i64::from(r.offset)
            } else {
                0
            };
        match extra {
            0 => symbol,
            _ => format!("{symbol}{extra:+}"),
        }
    }

    fn source_line(&self, line: u32, out: &mut String) {
        let text = (line as usize)
            .checked_sub(1)
            .and_then(|l| self.lines.get(l))
            .copied()
            .unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let text: String = text
            .trim()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        put!(out, "\t# {}:{line}: {text}", self.shown);
    }

    /// The constants behind the instructions.
    fn data(&self, labels: &BTreeSet<u64>, text_len: usize, out: &mut String) {
        let code = &self.f.code;
        if code.len() > text_len {
            put!(out, "\t.p2align 4, 0");
        }
        // Alignment bytes are made by the directive.
        let start = text_len.next_multiple_of(16).min(code.len());
        let mut row = String::new();
        for (at, byte) in code.iter().enumerate().skip(start) {
            let marked = labels.contains(&(at as u64));
            if (marked || at % 16 == 0) && !row.is_empty() {
                put!(out, "\t.byte {row}");
                row.clear();
            }
            if marked {
                put!(out, "{}:", label(self.number, at as u64));
            }
            let comma = if row.is_empty() { "" } else { ", " };
            let _ = write!(row, "{comma}0x{byte:02x}");
        }
        if !row.is_empty() {
            put!(out, "\t.byte {row}");
        }
        put!(out, "{}:", label(self.number, code.len() as u64));
    }
}

/// Names for the addresses in operands.
struct Resolver {
    number: usize,
    /// The relocation of this instruction: it stands for the one address in it.
    reloc: Option<String>,
    labels: BTreeSet<u64>,
}

impl SymbolResolver for Resolver {
    fn symbol(
        &mut self,
        i: &Instruction,
        operand: u32,
        _: Option<u32>,
        address: u64,
        _: u32,
    ) -> Option<SymbolResult<'_>> {
        let kind = i.op_kind(operand.min(i.op_count().saturating_sub(1)));
        let code_or_memory = kind == OpKind::NearBranch64
            || (kind == OpKind::Memory && i.is_ip_rel_memory_operand());
        if let Some(name) = &self.reloc {
            let named = code_or_memory || kind == OpKind::Immediate64;
            return named.then(|| SymbolResult::with_string(address, name.clone()));
        }
        let named = code_or_memory && self.labels.contains(&address);
        named.then(|| SymbolResult::with_string(address, label(self.number, address)))
    }
}

fn tables(units: &[Unit], skeleton: Option<&[u8]>, out: &mut String) {
    let mut number = 0;
    for (n, unit) in units.iter().enumerate() {
        let first = number;
        put!(out, "\n\t.section .rodata\n.Lname{n}:");
        bytes(&unit.name, out);
        put!(out, ".Lfile{n}:");
        bytes(&unit.shown, out);
        put!(out, ".Lchunk{n}:");
        bytes(&unit.chunk, out);
        put!(out, "\t.p2align 3\n.Lpoints{n}:");
        for f in &unit.funcs {
            let name = quoted(&f.name.symbol);
            for p in &f.safepoints {
                let at = label(number, u64::from(p.ret_offset));
                put!(
                    out,
                    "\t.long {at}-{name}, {}\n\t.short {}\n\t.byte {}, {}\n\t.long {}",
                    p.pc,
                    p.delta,
                    p.kind,
                    p.inlined,
                    p.live
                );
            }
            number += 1;
        }
        put!(out, "\t.p2align 3\n.Linlines{n}:");
        for i in unit.funcs.iter().flat_map(|f| &f.inlines) {
            let (func, pc) = (i.func, i.call_pc);
            put!(
                out,
                "\t.long {func}\n\t.short {}, {}\n\t.long {pc}",
                i.parent,
                i.delta
            );
        }
        put!(out, ".Llive{n}:");
        for f in &unit.funcs {
            bytes(&f.live, out);
        }
        put!(
            out,
            "\t.section .data.rel.ro,\"aw\"\n\t.p2align 3\n.Lfuncs{n}:"
        );
        let (mut points, mut inlines, mut live) = (0, 0, 0);
        for (k, f) in unit.funcs.iter().enumerate() {
            let (name, end) = (
                quoted(&f.name.symbol),
                label(first + k, f.code.len() as u64),
            );
            put!(
                out,
                "\t.quad {name}, .Lpoints{n}+{}",
                points * size_of::<trinity_abi::unit::SafePoint>()
            );
            put!(
                out,
                "\t.long {}, {end}-{name}, {}, {}",
                f.safepoints.len(),
                f.frame_size,
                f.flags
            );
            put!(
                out,
                "\t.quad .Linlines{n}+{}\n\t.long {}, {}\n\t.quad .Llive{n}+{live}",
                inlines * size_of::<trinity_abi::unit::InlineFrame>(),
                f.inlines.len(),
                f.of
            );
            points += f.safepoints.len();
            inlines += f.inlines.len();
            live += f.live.len();
        }
    }
    put!(
        out,
        "\n\t.globl {MODULES}, {MODULES_LEN}\n\t.p2align 3\n{MODULES}:"
    );
    for (n, unit) in units.iter().enumerate() {
        put!(
            out,
            "\t.quad .Lname{n}, {}, .Lchunk{n}, {}",
            unit.name.len(),
            unit.chunk.len()
        );
        put!(
            out,
            "\t.quad .Lfuncs{n}, {}, .Lfile{n}, {}",
            unit.funcs.len(),
            unit.shown.len()
        );
    }
    put!(
        out,
        "\t.section .rodata\n\t.p2align 3\n{MODULES_LEN}:\n\t.quad {}",
        units.len()
    );
    if let Some(table) = skeleton {
        put!(out, ".Lskeleton:");
        bytes(table, out);
    }
    let desc = match skeleton {
        Some(s) => format!("{PROFILE_START}, .Lskeleton, {}", s.len()),
        None => "0, 0, 0".to_string(),
    };
    put!(
        out,
        "\n\t.section .data.rel.ro,\"aw\"\n\t.globl {PROFILE}\n\t.p2align 3\n{PROFILE}:\n\t.quad {desc}"
    );
}

/// The `MarchDesc`, as `unit::add_march` has it.
fn needs(march: March, out: &mut String) {
    put!(out, "\n\t.globl {MARCH}\n\t.p2align 3\n{MARCH}:");
    if march == March::V1 {
        put!(out, "\t.quad 0, 0, 0, 0");
        return;
    }
    let name = march.name();
    let features = cpu::needed(march.level() as u8 + 1);
    put!(
        out,
        "\t.quad {MARCH_CHECK}, {features}, .Lmarch, {}\n\t.section .rodata\n.Lmarch:",
        name.len()
    );
    bytes(name.as_bytes(), out);
}

fn bytes(data: &[u8], out: &mut String) {
    for row in data.chunks(24) {
        let row: Vec<String> = row.iter().map(u8::to_string).collect();
        put!(out, "\t.byte {}", row.join(","));
    }
    put!(out, "\t.byte 0");
}
