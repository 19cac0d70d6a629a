//! `.debug_info` and `.debug_line`: one compilation unit a module, one subprogram a function, one line sequence a function.
//!
//! The language is given as C99: there is no number for Lua, and debuggers fall back to fewer features for one they do not know.

use super::ENCODING;
use super::paths::PathMap;
use crate::image::ItemId;
use crate::unit::{Func, Unit};
use gimli::write::{Address, AttributeValue, Dwarf, LineProgram, LineString, Unit as DwarfUnit};
use gimli::{
    DW_AT_comp_dir, DW_AT_decl_file, DW_AT_decl_line, DW_AT_external, DW_AT_high_pc, DW_AT_language,
};
use gimli::{
    DW_AT_low_pc, DW_AT_name, DW_AT_producer, DW_LANG_C99, DW_TAG_subprogram, LineEncoding,
};

/// Builds the units; addresses are symbols numbered by code item.
pub fn build(units: &[Unit], code: &[Vec<ItemId>], producer: &str, paths: &PathMap) -> Dwarf {
    let mut dwarf = Dwarf::new();
    let cwd = std::env::current_dir()
        .map(|d| paths.apply(&d))
        .unwrap_or_else(|_| b".".to_vec());
    for (unit, code) in units.iter().zip(code) {
        if !unit.funcs.is_empty() {
            dwarf
                .units
                .add(compilation_unit(unit, code, producer, &cwd, paths));
        }
    }
    dwarf
}

fn address(item: ItemId, addend: usize) -> Address {
    Address::Symbol {
        symbol: item.index(),
        addend: addend as i64,
    }
}

fn string(s: impl Into<Vec<u8>>) -> AttributeValue {
    // Inline strings end at a NUL.
    AttributeValue::String(s.into().into_iter().filter(|&c| c != 0).collect())
}

fn compilation_unit(
    unit: &Unit,
    code: &[ItemId],
    producer: &str,
    cwd: &[u8],
    paths: &PathMap,
) -> DwarfUnit {
    let file = paths.apply(&unit.path);
    let mut lines = LineProgram::new(
        ENCODING,
        LineEncoding::default(),
        LineString::String(cwd.to_vec()),
        None,
        LineString::String(file.clone()),
        None,
    );
    let dir = lines.default_directory();
    let file_id = lines.add_file(LineString::String(file.clone()), dir, None);
    for (f, &item) in unit.funcs.iter().zip(code) {
        line_rows(&mut lines, file_id, f, item);
    }
    let mut out = DwarfUnit::new(ENCODING, lines);
    let root = out.root();
    let cu = out.get_mut(root);
    cu.set(DW_AT_producer, string(producer));
    cu.set(DW_AT_language, AttributeValue::Language(DW_LANG_C99));
    cu.set(DW_AT_name, string(file));
    cu.set(DW_AT_comp_dir, string(cwd));
    // The code of a module is one run of functions.
    if let (Some(&first), Some((&last, f))) = (code.first(), code.last().zip(unit.funcs.last())) {
        cu.set(DW_AT_low_pc, AttributeValue::Address(address(first, 0)));
        cu.set(
            DW_AT_high_pc,
            AttributeValue::Address(address(last, f.code.len())),
        );
    }
    for (f, &item) in unit.funcs.iter().zip(code) {
        let id = out.add(root, DW_TAG_subprogram);
        let die = out.get_mut(id);
        die.set(DW_AT_name, string(f.name.short.as_bytes()));
        die.set(DW_AT_decl_file, AttributeValue::FileIndex(Some(file_id)));
        die.set(
            DW_AT_decl_line,
            AttributeValue::Udata(u64::from(f.name.line.max(1))),
        );
        die.set(DW_AT_external, AttributeValue::Flag(false));
        die.set(DW_AT_low_pc, AttributeValue::Address(address(item, 0)));
        die.set(DW_AT_high_pc, AttributeValue::Udata(f.code.len() as u64));
    }
    out
}

/// The rows of one function: its `function` line at the entry, then what the code says.
fn line_rows(lines: &mut LineProgram, file: gimli::write::FileId, f: &Func, item: ItemId) {
    lines.begin_sequence(Some(address(item, 0)));
    let mut row = |offset: u32, line: u32, body: bool| {
        let r = lines.row();
        r.address_offset = u64::from(offset);
        r.file = file;
        r.line = u64::from(line);
        r.prologue_end = body;
        r.is_statement = true;
        lines.generate_row();
    };
    let first_line = f.srclocs.iter().map(|l| l.1).find(|&l| l > 0).unwrap_or(0);
    let mut last = if f.name.line > 0 {
        f.name.line
    } else {
        first_line
    };
    row(0, last, false);
    let mut in_body = false;
    for &(offset, line) in f.srclocs.iter().filter(|l| l.0 > 0 && l.0 < f.text_len) {
        if line != last || !in_body {
            row(offset, line, !in_body);
            (last, in_body) = (line, true);
        }
    }
    lines.end_sequence(f.code.len() as u64);
}
