//! New code put into a text: in the notation of the place, everything around it kept. Labels on the lines of old
//! instructions stay where they are, with the comments on these lines.

use super::assemble::{Source, Syntax, is_foreign};
use super::line::Parts;
use super::region::{SymbolKind, SymbolUse};
use iced_x86::{
    Formatter, GasFormatter, Instruction, IntelFormatter, SymbolResolver, SymbolResult,
};
use std::collections::BTreeMap;

/// Names a symbol where its address stands.
struct Names(Option<SymbolUse>);

impl SymbolResolver for Names {
    fn symbol(
        &mut self,
        _: &Instruction,
        _: u32,
        _: Option<u32>,
        address: u64,
        _: u32,
    ) -> Option<SymbolResult<'_>> {
        let s = self.0.as_ref()?;
        let suffix = match s.kind {
            SymbolKind::Got => "@GOTPCREL",
            SymbolKind::Plt => "@PLT",
            _ => "",
        };
        let offset = if s.addend == 0 {
            String::new()
        } else {
            format!("{:+}", s.addend)
        };
        Some(SymbolResult::with_string(
            address,
            format!("{}{suffix}{offset}", s.name),
        ))
    }
}

/// An instruction as text that the assembler reads back as the same instruction.
pub fn print(i: &Instruction, symbol: Option<&SymbolUse>, syntax: Syntax) -> String {
    let names: Box<dyn SymbolResolver> = Box::new(Names(symbol.cloned()));
    let mut out = String::new();
    match syntax {
        Syntax::Att => {
            let mut f = GasFormatter::with_options(Some(names), None);
            f.options_mut().set_space_after_operand_separator(true);
            f.options_mut().set_gas_show_mnemonic_size_suffix(true);
            f.options_mut().set_rip_relative_addresses(symbol.is_none());
            f.format(i, &mut out);
        }
        Syntax::Intel => {
            let mut f = IntelFormatter::with_options(Some(names), None);
            let o = f.options_mut();
            o.set_space_after_operand_separator(true);
            o.set_hex_prefix("0x");
            o.set_hex_suffix("");
            o.set_rip_relative_addresses(symbol.is_none());
            f.format(i, &mut out);
        }
    }
    out
}

/// Replacements of lines: the first line of each, the lines of its old instructions, and the new instructions.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Lines of old instructions, from 1.
    pub old: Vec<u32>,
    /// Other lines to drop: directives for unwinding inside of a function that no longer has a frame.
    pub drop: Vec<u32>,
    /// What stands in the place of the first of the old lines.
    pub new: Vec<(Instruction, Option<SymbolUse>)>,
}

/// The text after the edits. Directives that the GNU assembler does not know are left out.
pub fn apply(source: &Source, edits: &[Edit]) -> String {
    let mut gone: BTreeMap<u32, Option<&Edit>> = BTreeMap::new();
    for e in edits {
        for l in e.old.iter().chain(&e.drop) {
            gone.insert(*l, None);
        }
        if let Some(first) = e.old.iter().min() {
            gone.insert(*first, Some(e));
        }
    }
    let mut out = String::new();
    for (n, l) in source.lines.iter().enumerate() {
        match gone.get(&(n as u32 + 1)) {
            None if is_foreign(l) => {}
            None => {
                out.push_str(l);
                out.push('\n');
            }
            Some(edit) => {
                if let Some(kept) = Parts::of(l).and_then(|p| p.without_statement()) {
                    out.push_str(&kept);
                    out.push('\n');
                }
                let Some(e) = edit else { continue };
                for (i, s) in &e.new {
                    out.push('\t');
                    out.push_str(&print(i, s.as_ref(), source.syntax[n]));
                    out.push('\n');
                }
            }
        }
    }
    out
}
