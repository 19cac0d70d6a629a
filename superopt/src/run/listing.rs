//! Code that a search found, as reports and assemblers see it.

use super::finds::encode;
use crate::report::parts::{Cost, Line, Program};
use crate::store::sha256::sha256;
use iced_x86::{
    Formatter, GasFormatter, Instruction, InstructionInfoFactory, IntelFormatter, OpAccess,
    Register,
};
use std::collections::HashMap;
use trinity_codegen::isa::cost::{Table, Uarch};

/// In AT&T notation, as gcc's assembler reads it.
pub fn gas(i: &Instruction) -> String {
    let mut f = GasFormatter::new();
    // The size is always told, so that no assembler has to guess.
    f.options_mut().set_gas_show_mnemonic_size_suffix(true);
    let mut out = String::new();
    f.format(i, &mut out);
    out
}

/// In Intel notation, as reports show it.
pub fn intel(i: &Instruction) -> String {
    let mut f = IntelFormatter::new();
    f.options_mut().set_space_after_operand_separator(true);
    let mut out = String::new();
    f.format(i, &mut out);
    out
}

/// The costs of a machine: the processor that runs this, or the newest one listed.
pub fn machine() -> (Table, String) {
    let uarch = Uarch::detect().unwrap_or(Uarch::Zen4);
    let label = match uarch.measured() {
        true => uarch.name().to_owned(),
        false => format!("{} (model only)", uarch.name()),
    };
    (Table::of(uarch), label)
}

/// A program of a report.
pub fn program(
    name: &str,
    origin: &str,
    code: &[Instruction],
    table: &Table,
    model: &str,
) -> Program {
    let mut address = 0;
    let mut lines = Vec::new();
    for i in code {
        let bytes = encode(std::slice::from_ref(i));
        lines.push(Line {
            address,
            bytes: bytes.iter().map(|b| format!("{b:02x}")).collect(),
            text: intel(i),
            source_line: None,
        });
        address += bytes.len() as u64;
    }
    let uops = code.iter().map(|i| table.cost(i).uops).sum();
    Program {
        name: name.into(),
        origin: Some(origin.into()),
        lines,
        sha256: sha256(&encode(code)).to_string(),
        cost: Some(Cost {
            model: model.into(),
            latency_cycles: f64::from(longest_chain(code, table)),
            uops,
            instructions: code.len() as u32,
            bytes: address as u32,
            measured: None,
        }),
    }
}

/// The longest chain of dependences through registers and flags, in cycles.
pub fn longest_chain(code: &[Instruction], table: &Table) -> u32 {
    let mut factory = InstructionInfoFactory::new();
    let mut ready: HashMap<Register, u32> = HashMap::new();
    // All flags as one place, under a name that no instruction uses as a register of its own.
    const FLAGS: Register = Register::None;
    let mut longest = 0;
    for i in code {
        let used = factory.info(i).used_registers().to_vec();
        let place = |r: Register| r.full_register();
        let is_read = |a: OpAccess| {
            !matches!(
                a,
                OpAccess::None | OpAccess::Write | OpAccess::CondWrite | OpAccess::NoMemAccess
            )
        };
        let is_written = |a: OpAccess| {
            !matches!(
                a,
                OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
            )
        };
        let reads = used
            .iter()
            .filter(|u| is_read(u.access()))
            .map(|u| place(u.register()));
        let flags = (i.rflags_read() != 0).then_some(FLAGS);
        let start = reads
            .chain(flags)
            .filter_map(|r| ready.get(&r))
            .max()
            .copied()
            .unwrap_or(0);
        let end = start + table.cost(i).latency;
        longest = longest.max(end);
        for u in used.iter().filter(|u| is_written(u.access())) {
            ready.insert(place(u.register()), end);
        }
        if i.rflags_modified() != 0 {
            ready.insert(FLAGS, end);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::super::finds::from_hex;
    use super::*;

    #[test]
    fn chains_follow_registers_and_flags() {
        let table = Table::of(Uarch::Zen4);
        // mov eax, edi; add eax, 1; mov ecx, esi: moves between registers take no time, and the last waits for nothing
        let code = from_hex("89f883c00189f1").unwrap();
        assert_eq!(longest_chain(&code, &table), 1);
        // cmp edi, esi; sete al: through the flags
        let code = from_hex("39f70f94c0").unwrap();
        assert_eq!(longest_chain(&code, &table), 2);
        let p = program("f", "chain", &code, &table, "zen4");
        assert_eq!(
            (p.lines[1].address, p.lines[1].text.as_str()),
            (2, "sete al")
        );
        assert_eq!(gas(&code[0]), "cmpl %esi,%edi");
    }
}
