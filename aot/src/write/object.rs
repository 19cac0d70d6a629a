//! The `object` writer: items of one place share one section, in image order.

use crate::exit::{Error, Result};
use crate::image::{Image, Place, Target};
use object::write::{
    Object, Relocation, SectionId, StandardSection, Symbol, SymbolId, SymbolSection,
};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};

/// Writes the image.
pub fn write(image: &Image, file: &str) -> Result<Vec<u8>> {
    let mut obj = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    obj.add_file_symbol(file.as_bytes().to_vec());
    let mut placed: Vec<(SectionId, u64, SymbolId)> = Vec::with_capacity(image.items().len());
    for item in image.items() {
        let section = match item.place {
            Place::Code => obj.section_id(StandardSection::Text),
            Place::ReadOnly => obj.section_id(StandardSection::ReadOnlyData),
            Place::Tables => obj.section_id(StandardSection::ReadOnlyDataWithRel),
            Place::Unloaded => obj.add_section(
                Vec::new(),
                item.name.clone().into_bytes(),
                if item.name.starts_with(".note") {
                    SectionKind::Note
                } else {
                    SectionKind::Debug
                },
            ),
        };
        let offset = obj.append_section_data(section, &item.bytes, item.align);
        let symbol = if item.place == Place::Unloaded {
            obj.section_symbol(section)
        } else {
            obj.add_symbol(Symbol {
                name: item.name.clone().into_bytes(),
                value: offset,
                size: item.bytes.len() as u64,
                kind: if item.place == Place::Code {
                    SymbolKind::Text
                } else {
                    SymbolKind::Data
                },
                scope: if item.global {
                    SymbolScope::Linkage
                } else {
                    SymbolScope::Compilation
                },
                weak: false,
                section: SymbolSection::Section(section),
                flags: SymbolFlags::None,
            })
        };
        placed.push((section, offset, symbol));
    }
    let imports: Vec<SymbolId> = image
        .imports()
        .iter()
        .map(|name| {
            obj.add_symbol(Symbol {
                name: name.clone().into_bytes(),
                value: 0,
                size: 0,
                kind: SymbolKind::Unknown,
                scope: SymbolScope::Unknown,
                weak: false,
                section: SymbolSection::Undefined,
                flags: SymbolFlags::None,
            })
        })
        .collect();
    for (item, &(section, offset, _)) in image.items().iter().zip(&placed) {
        for r in &item.relocs {
            let symbol = match r.target {
                Target::Item(i) => placed[i.index()].2,
                Target::Import(i) => imports[i.index()],
            };
            let flags = RelocationFlags::Elf {
                r_type: r.kind.elf(),
            };
            obj.add_relocation(
                section,
                Relocation {
                    offset: offset + r.offset,
                    symbol,
                    addend: r.addend,
                    flags,
                },
            )
            .map_err(|e| Error::internal(format_args!("object writer: {e}")))?;
        }
    }
    let note = obj.add_section(Vec::new(), b".note.GNU-stack".to_vec(), SectionKind::Other);
    obj.set_section_data(note, Vec::new(), 1);
    obj.write()
        .map_err(|e| Error::internal(format_args!("object writer: {e}")))
}
