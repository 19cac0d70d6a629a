//! Listings of compiled functions: for people ([`listing`]) and for the GNU assembler ([`emit_gas`]).
//!
//! Both disassemble the bytes with an independent decoder, so they show what is there. The assembler text gives the
//! same bytes back: jumps go to local labels, relocations name their symbols, constants and jump tables follow
//! the code.

use crate::compile::{CompiledFunction, Reloc, RelocKind};
use crate::ir::{SrcLoc, SymbolRef};
use iced_x86::{
    Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, MemorySizeOptions, OpKind,
    SymbolResolver, SymbolResult,
};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What a listing needs to know from outside.
pub struct Names<'a> {
    /// The function's own name as the assembler is to know it.
    pub function: &'a str,
    /// The name of a symbol.
    pub symbol: &'a dyn Fn(SymbolRef) -> String,
    /// A comment for a source location.
    pub annotate: &'a dyn Fn(SrcLoc) -> Option<String>,
}

impl std::fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names")
            .field("function", &self.function)
            .finish_non_exhaustive()
    }
}

/// Quotes a name that the assembler would not take as it is.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
    let starts = name.starts_with(|c: char| !c.is_ascii_digit());
    match starts && name.chars().all(plain) {
        true => name.to_string(),
        false => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Distinguishes the local labels of functions in one file.
fn local_prefix(function: &str) -> String {
    let clean = function
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for b in function.bytes() {
        hash = (hash ^ b as u64).wrapping_mul(0x100_0000_01b3);
    }
    // Different names may clean up to the same one.
    format!(".L{}_{:04x}_", clean.collect::<String>(), hash as u16)
}

/// Names the targets of jumps and instruction-relative operands.
struct Resolver {
    relocs: Vec<(Reloc, String)>,
    prefix: String,
    text_len: u64,
}

impl SymbolResolver for Resolver {
    fn symbol(
        &mut self,
        instruction: &Instruction,
        _operand: u32,
        operand: Option<u32>,
        address: u64,
        _address_size: u32,
    ) -> Option<SymbolResult<'_>> {
        let (start, end) = (instruction.ip(), instruction.next_ip());
        // Immediates are only numbers.
        let kind = operand.map(|n| instruction.op_kind(n));
        if !matches!(kind, Some(OpKind::Memory | OpKind::NearBranch64)) {
            return None;
        }
        let n = self.relocs.partition_point(|r| (r.0.offset as u64) < start);
        if let Some((reloc, name)) = self.relocs.get(n)
            && (reloc.offset as u64) < end
        {
            // The field is empty; what it will refer to is the symbol and the addend, less the way to the end.
            let to_end = end as i64 - reloc.offset as i64;
            let base = address.wrapping_sub((reloc.addend + to_end) as u64);
            return Some(SymbolResult::with_str(base, name));
        }
        if !instruction.is_ip_rel_memory_operand() && !is_jump(instruction) {
            return None;
        }
        let kind = if address < self.text_len { "" } else { "d" };
        Some(SymbolResult::with_string(
            address,
            format!("{}{kind}{address:x}", self.prefix),
        ))
    }
}

/// Whether the first operand is a code address.
fn is_jump(i: &Instruction) -> bool {
    i.op0_kind() == OpKind::NearBranch64
}

struct Disassembly {
    /// Offset, length and text of each instruction.
    lines: Vec<(u32, usize, String)>,
    /// Offsets that jumps go to.
    targets: BTreeSet<u32>,
    /// Offsets of data that instructions refer to.
    data: BTreeSet<u32>,
}

fn disassemble(f: &CompiledFunction, names: &Names<'_>, prefix: &str) -> Disassembly {
    let resolver = Resolver {
        relocs: f
            .relocs
            .iter()
            .map(|r| (*r, quoted(&(names.symbol)(r.symbol))))
            .collect(),
        prefix: prefix.to_string(),
        text_len: f.text_len as u64,
    };
    let mut formatter = IntelFormatter::with_options(Some(Box::new(resolver)), None);
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_space_after_operand_separator(true);
    options.set_show_branch_size(false);
    options.set_rip_relative_addresses(true);
    options.set_small_hex_numbers_in_decimal(true);
    options.set_signed_immediate_operands(true);
    options.set_memory_size_options(MemorySizeOptions::Always);
    options.set_show_symbol_address(false);

    let mut out = Disassembly {
        lines: Vec::new(),
        targets: BTreeSet::new(),
        data: BTreeSet::new(),
    };
    let text = &f.code[..f.text_len as usize];
    let mut relocs = f.relocs.iter().peekable();
    for i in &mut Decoder::with_ip(64, text, 0, DecoderOptions::NONE) {
        let mut line = String::new();
        formatter.format(&i, &mut line);
        let mut relocated = false;
        while relocs
            .next_if(|r| (r.offset as u64) < i.next_ip())
            .is_some()
        {
            relocated = true;
        }
        if relocated {
        } else if is_jump(&i) {
            out.targets.insert(i.near_branch_target() as u32);
        } else if i.is_ip_rel_memory_operand() {
            out.data.insert(i.ip_rel_memory_address() as u32);
        }
        out.lines.push((i.ip() as u32, i.len(), line));
    }
    for t in &f.jump_tables {
        out.targets.extend(&t.targets);
        out.data.insert(t.offset);
    }
    out
}

/// Walks the source locations beside the instructions.
struct Locs<'a> {
    rest: &'a [(u32, SrcLoc)],
}

impl Locs<'_> {
    /// The location that begins at or before an offset, if a new one does.
    fn at(&mut self, offset: u32) -> Option<SrcLoc> {
        let n = self.rest.iter().take_while(|l| l.0 <= offset).count();
        let (passed, rest) = self.rest.split_at(n);
        self.rest = rest;
        passed.last().map(|l| l.1)
    }
}

/// A listing for people: offsets, bytes, instructions, with comments by source location.
pub fn listing(f: &CompiledFunction, names: &Names<'_>) -> String {
    let prefix = "L";
    let dis = disassemble(f, names, prefix);
    let mut locs = Locs { rest: &f.srclocs };
    let mut out = format!("{}: frame {} bytes\n", names.function, f.frame_size);
    let mut safepoints = f.safepoints.iter().peekable();
    for (offset, len, line) in &dis.lines {
        if dis.targets.contains(offset) {
            writeln!(out, "{prefix}{offset:x}:").ok();
        }
        if let Some(comment) = locs.at(*offset).and_then(names.annotate) {
            writeln!(out, "  # {comment}").ok();
        }
        let bytes = &f.code[*offset as usize..*offset as usize + len];
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        write!(out, "  {offset:5x}  {hex:<22} {line}").ok();
        if let Some((_, id)) = safepoints.next_if(|s| s.0 == offset + *len as u32) {
            write!(out, "  # safepoint {id}").ok();
        }
        out.push('\n');
    }
    for &offset in &dis.data {
        match f.jump_tables.iter().find(|t| t.offset == offset) {
            Some(t) => {
                let list: Vec<String> =
                    t.targets.iter().map(|t| format!("{prefix}{t:x}")).collect();
                writeln!(out, "{prefix}d{offset:x}: {}", list.join(", ")).ok();
            }
            None => {
                let bits = read64(&f.code, offset);
                writeln!(
                    out,
                    "{prefix}d{offset:x}: {bits:#018x} ({:?})",
                    f64::from_bits(bits)
                )
                .ok();
            }
        }
    }
    out
}

fn read64(code: &[u8], offset: u32) -> u64 {
    let bytes = code.get(offset as usize..offset as usize + 8);
    bytes
        .and_then(|b| b.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

/// Text for the GNU assembler, in Intel syntax, that assembles to the function's bytes.
pub fn emit_gas(f: &CompiledFunction, names: &Names<'_>) -> String {
    let prefix = local_prefix(names.function);
    let dis = disassemble(f, names, &prefix);
    let name = quoted(names.function);
    let mut locs = Locs { rest: &f.srclocs };
    let mut out = String::from(".intel_syntax noprefix\n.text\n.p2align 4\n");
    writeln!(out, ".globl {name}\n.type {name}, @function\n{name}:").ok();
    for (offset, _, line) in &dis.lines {
        if dis.targets.contains(offset) {
            writeln!(out, "{prefix}{offset:x}:").ok();
        }
        if let Some(comment) = locs.at(*offset).and_then(names.annotate) {
            // A comment ends with its line.
            writeln!(out, "  # {}", comment.replace('\n', " ")).ok();
        }
        writeln!(out, "  {line}").ok();
    }
    emit_data(f, &dis, &prefix, names, &mut out);
    writeln!(out, ".size {name}, . - {name}").ok();
    out
}

fn emit_data(
    f: &CompiledFunction,
    dis: &Disassembly,
    prefix: &str,
    names: &Names<'_>,
    out: &mut String,
) {
    let mut at = f.text_len;
    let end = f.code.len() as u32;
    while at < end {
        if dis.data.contains(&at) {
            writeln!(out, "{prefix}d{at:x}:").ok();
        }
        if let Some(t) = f.jump_tables.iter().find(|t| t.offset == at) {
            for target in &t.targets {
                writeln!(out, "  .long {prefix}{target:x} - {prefix}d{at:x}").ok();
            }
            at += 4 * t.targets.len() as u32;
            continue;
        }
        let absolute = |r: &&Reloc| r.kind == RelocKind::Abs64 && r.offset == at;
        if let Some(r) = f.relocs.iter().find(absolute) {
            writeln!(
                out,
                "  .quad {} + {}",
                quoted(&(names.symbol)(r.symbol)),
                r.addend
            )
            .ok();
            at += 8;
            continue;
        }
        // Up to the next thing that has a name, at most 16 bytes a line.
        let named = dis.data.range(at + 1..).next().copied().unwrap_or(end);
        let stop = named.min(at + 16).min(end);
        let bytes = f.code[at as usize..stop as usize]
            .iter()
            .map(|b| format!("{b:#04x}"));
        writeln!(out, "  .byte {}", bytes.collect::<Vec<_>>().join(", ")).ok();
        at = stop;
    }
}
