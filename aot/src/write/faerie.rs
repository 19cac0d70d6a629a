//! The `faerie` writer: every item is a section of its own, named `.text.NAME`, `.rodata.NAME` or `.data.NAME`.
//!
//! faerie 0.16 cannot make `.data.rel.ro`, so tables land in plain writable data, and relocations to definitions go to their
//! section's symbol. It writes non-alloc sections well, so debug information works. All relocations are given raw:
//! faerie would choose other forms by itself. Its definitions are sorted by kind and then by the order in which names were
//! first seen, which keeps the image's order of functions as long as all have one alignment.

use crate::exit::{Error, Result};
use crate::image::{Image, Place, Reloc, Target};
use faerie::{Artifact, ArtifactError, Decl, Link, SectionKind};
use std::str::FromStr;

/// Writes the image.
pub fn write(image: &Image, file: &str) -> Result<Vec<u8>> {
    build(image, file).map_err(|e| Error::internal(format_args!("faerie writer: {e}")))
}

fn build(image: &Image, file: &str) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error>> {
    let target = target_lexicon::Triple::from_str("x86_64-unknown-linux-gnu")
        .map_err(|e| format!("{e:?}"))?;
    let mut out = Artifact::new(target, file.to_string());
    let code_align = image
        .items()
        .iter()
        .filter(|i| i.place == Place::Code)
        .map(|i| i.align)
        .max();
    for item in image.items() {
        let align = Some(item.align);
        match item.place {
            Place::Code => out.declare(
                &item.name,
                global(Decl::function().with_align(code_align), item.global),
            )?,
            Place::ReadOnly => out.declare(
                &item.name,
                global(Decl::data().with_align(align), item.global),
            )?,
            Place::Tables => out.declare(
                &item.name,
                global(Decl::data().with_align(align).writable(), item.global),
            )?,
            Place::Unloaded => out.declare(
                &item.name,
                Decl::section(SectionKind::Debug).with_align(align),
            )?,
        }
    }
    for name in image.imports() {
        out.declare(name, Decl::function_import())?;
    }
    for item in image.items() {
        out.define(&item.name, item.bytes.clone())?;
    }
    for item in image.items() {
        for r in &item.relocs {
            link(&mut out, image, &item.name, r)?;
        }
    }
    Ok(out.emit()?)
}

/// Both declaration builders have `global()`, but no common trait.
trait Global: Sized {
    fn set(self) -> Self;
}

impl Global for faerie::FunctionDecl {
    fn set(self) -> Self {
        self.global()
    }
}

impl Global for faerie::DataDecl {
    fn set(self) -> Self {
        self.global()
    }
}

fn global<D: Global>(decl: D, yes: bool) -> D {
    if yes { decl.set() } else { decl }
}

fn link(
    out: &mut Artifact,
    image: &Image,
    from: &str,
    r: &Reloc,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let addend = i32::try_from(r.addend).map_err(|_| "addend beyond 32 bits")?;
    let to = match r.target {
        Target::Item(_) | Target::Import(_) => image.target_name(r.target),
    };
    let raw = faerie::Reloc::Raw {
        reloc: r.kind.elf(),
        addend,
    };
    out.link_with(
        Link {
            from,
            to,
            at: r.offset,
        },
        raw,
    )
    .map_err(|e: ArtifactError| e.into())
}
