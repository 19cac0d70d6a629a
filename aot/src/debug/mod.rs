//! Debug information (`-g`): what gdb and perf need to speak of Lua lines and functions.
//!
//! DWARF 4 without string sections, as items of the image, so that both object writers can place it. [`info`] has units, functions and
//! lines, [`frames`] the unwind rules. The unwind rules are in `.debug_frame` and not in `.eh_frame`: nothing unwinds at run time.

pub mod frames;
pub mod info;
pub mod paths;

use crate::exit::{Error, Result};
use crate::image::{Item, ItemId, Place, Reloc, RelocKind, Target};
use crate::unit::{Layout, Unit};
use gimli::write::{EndianVec, RelocateWriter, Relocation, RelocationTarget, Sections};
use gimli::{Encoding, Format, LittleEndian, SectionId};
use paths::PathMap;

/// The encoding of everything.
const ENCODING: Encoding = Encoding {
    format: Format::Dwarf32,
    version: 4,
    address_size: 8,
};

/// A section with its relocations; symbol numbers are item indices.
#[derive(Clone, Debug)]
struct Section {
    data: EndianVec<LittleEndian>,
    relocs: Vec<Relocation>,
}

impl RelocateWriter for Section {
    type Writer = EndianVec<LittleEndian>;
    fn writer(&self) -> &Self::Writer {
        &self.data
    }
    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.data
    }
    fn relocate(&mut self, relocation: Relocation) {
        self.relocs.push(relocation);
    }
}

/// Adds debug sections for the laid-out units.
pub fn add(layout: &mut Layout, units: &[Unit], producer: &str, paths: &PathMap) -> Result<()> {
    let mut sections = Sections::new(Section {
        data: EndianVec::new(LittleEndian),
        relocs: Vec::new(),
    });
    let bug = |e: gimli::write::Error| Error::internal(format_args!("debug information: {e}"));
    info::build(units, &layout.code, producer, paths)
        .write(&mut sections)
        .map_err(bug)?;
    frames::build(units, &layout.code)?
        .write_debug_frame(&mut sections.debug_frame)
        .map_err(bug)?;

    // Sections refer to each other: all get their item ids first, then their relocations.
    let mut parts: Vec<(SectionId, Section)> = Vec::new();
    let each: std::result::Result<(), ()> = sections.for_each(|id, s| {
        if !s.data.slice().is_empty() {
            parts.push((id, s.clone()));
        }
        Ok(())
    });
    debug_assert!(each.is_ok());
    let first = layout.image.items().len();
    let id_of = |wanted: SectionId| {
        parts
            .iter()
            .position(|(id, _)| *id == wanted)
            .map(|at| ItemId::new(first + at))
    };
    let mut items = Vec::with_capacity(parts.len());
    for (id, section) in &parts {
        let mut relocs = Vec::with_capacity(section.relocs.len());
        for r in &section.relocs {
            let target = match r.target {
                RelocationTarget::Symbol(n) => ItemId::new(n),
                RelocationTarget::Section(s) => id_of(s).ok_or_else(|| {
                    Error::internal(format_args!(
                        "debug information refers to absent {}",
                        s.name()
                    ))
                })?,
            };
            let kind = if r.size == 8 {
                RelocKind::Abs64
            } else {
                RelocKind::Abs32
            };
            relocs.push(Reloc {
                offset: r.offset as u64,
                kind,
                target: Target::Item(target),
                addend: r.addend,
            });
        }
        relocs.sort_by_key(|r| r.offset);
        items.push(Item {
            name: id.name().to_string(),
            place: Place::Unloaded,
            align: 1,
            global: false,
            bytes: section.data.slice().to_vec(),
            relocs,
        });
    }
    for item in items {
        layout.image.add(item);
    }
    Ok(())
}
