//! Code that a search found, as reports and assemblers see it.

use super::finds::encode;
use crate::report::parts::{Cost, Line, Program};
use crate::search::cost::{Model, longest_chain};
use crate::store::sha256::sha256;
use iced_x86::{Formatter, GasFormatter, Instruction, IntelFormatter};

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

/// A program of a report.
pub fn program(name: &str, origin: &str, code: &[Instruction], model: &Model) -> Program {
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
    let uops = code.iter().map(|i| model.table.cost(i).uops).sum();
    Program {
        name: name.into(),
        origin: Some(origin.into()),
        lines,
        sha256: sha256(&encode(code)).to_string(),
        cost: Some(Cost {
            model: model.label.clone(),
            latency_cycles: f64::from(longest_chain(code, &model.table)),
            uops,
            instructions: code.len() as u32,
            bytes: address as u32,
            measured: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finds::from_hex;
    use super::*;

    #[test]
    fn programs_have_addresses_and_text() {
        // cmp edi, esi; sete al
        let code = from_hex("39f70f94c0").unwrap();
        let p = program("f", "chain", &code, crate::search::cost::model());
        assert_eq!(
            (p.lines[1].address, p.lines[1].text.as_str()),
            (2, "sete al")
        );
        assert_eq!(gas(&code[0]), "cmpl %esi,%edi");
    }
}
