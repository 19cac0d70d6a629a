//! ELF objects read into functions: instructions with their symbols and source lines, and the constants they load.

use super::assemble::{Source, assemble};
use super::error::{InputError, InputProblem, Refusal};
use super::region::{SymbolField, SymbolKind, SymbolUse};
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, Mnemonic};
use object::elf;
use object::read::elf::ElfFile64;
use object::{
    Object as _, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionKind,
    SymbolKind as Kind,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An instruction of a function.
#[derive(Clone, Debug)]
pub struct Inst {
    /// It, at an address equal to its offset from the start of the function's section.
    pub instruction: Instruction,
    /// Its bytes, relocations not applied.
    pub bytes: Vec<u8>,
    /// Line of the source text.
    pub line: Option<u32>,
    /// The symbol it refers to.
    pub symbol: Option<SymbolUse>,
}

impl Inst {
    /// Its text, in Intel notation with symbols.
    pub fn text(&self) -> String {
        text_of(&self.instruction, self.symbol.as_ref())
    }
}

/// An instruction in Intel notation, its symbol by name.
pub fn text_of(i: &Instruction, symbol: Option<&SymbolUse>) -> String {
    let mut f = iced_x86::IntelFormatter::new();
    f.options_mut().set_rip_relative_addresses(true);
    f.options_mut().set_space_after_operand_separator(true);
    let mut out = String::new();
    f.format(i, &mut out);
    if let Some(s) = symbol {
        out.push_str(&format!(" # {}{:+}", s.name, s.addend));
    }
    out
}

/// A read-only section.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct ConstantData {
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Its alignment, a power of two.
    pub align: u64,
}

/// A function as it was read.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its symbol.
    pub name: String,
    /// The file it came from.
    pub file: PathBuf,
    /// Its instructions in order, without gaps.
    pub code: Vec<Inst>,
    /// Read-only constants of its file, by the symbol that uses of them name.
    pub constants: Arc<HashMap<String, ConstantData>>,
    /// The text it was assembled from.
    pub source: Option<Arc<Source>>,
}

impl Function {
    /// Offset of an instruction from the function's start.
    pub fn offset(&self, index: usize) -> u64 {
        self.code[index]
            .instruction
            .ip()
            .wrapping_sub(self.code[0].instruction.ip())
    }

    /// Whether an instruction does nothing and is no line of the text: the assembler's, where it aligns.
    pub fn is_padding(&self, index: usize) -> bool {
        let i = &self.code[index];
        self.source.is_some() && i.line.is_none() && i.instruction.mnemonic() == Mnemonic::Nop
    }

    /// The error that an instruction is not covered.
    pub fn refuse(&self, index: usize, why: Refusal) -> InputError {
        let inst = &self.code[index];
        InputError::new(
            &self.file,
            inst.line,
            InputProblem::Refused {
                instruction: inst.text(),
                address: self.offset(index),
                why,
            },
        )
    }
}

/// A file's functions.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The file.
    pub file: PathBuf,
    /// Functions that could be read, and those that could not.
    pub functions: Vec<Result<Function, (String, InputError)>>,
    /// The text, unless it was an object.
    pub source: Option<Arc<Source>>,
}

impl Unit {
    /// Reads assembly text or an object file (told apart by its first bytes).
    ///
    /// # Errors
    /// See [`InputError`].
    pub fn read(file: &Path) -> Result<Unit, InputError> {
        let bytes = std::fs::read(file)
            .map_err(|e| InputError::new(file, None, InputProblem::Read(io_reason(&e))))?;
        if bytes.starts_with(b"\x7fELF") {
            return Unit::from_object(file, &bytes, None);
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(InputError::new(
                file,
                None,
                InputProblem::Object("it is neither text nor ELF".into()),
            ));
        };
        Unit::from_text(file, &text)
    }

    /// Assembles a text and reads the object.
    ///
    /// # Errors
    /// See [`InputError`].
    pub fn from_text(file: &Path, text: &str) -> Result<Unit, InputError> {
        let source = Source::new(text);
        let object = assemble(file, &source)?;
        Unit::from_object(file, &object, Some(Arc::new(source)))
    }

    fn from_object(
        file: &Path,
        bytes: &[u8],
        source: Option<Arc<Source>>,
    ) -> Result<Unit, InputError> {
        let bad = |why: String| InputError::new(file, None, InputProblem::Object(why));
        let elf: ElfFile64<'_> = ElfFile64::parse(bytes).map_err(|e| bad(e.to_string()))?;
        if elf.architecture() != object::Architecture::X86_64 {
            return Err(bad(format!("it is for {:?}", elf.architecture())));
        }
        let lines = if source.is_some() {
            line_table(&elf)
        } else {
            HashMap::new()
        };
        let constants = Arc::new(constants(&elf));
        let mut functions = Vec::new();
        for (name, section, from, to) in extents(&elf) {
            let f = read_function(
                file,
                &elf,
                &name,
                section,
                from,
                to,
                &lines,
                &constants,
                source.clone(),
            );
            functions.push(f.map_err(|e| (name, e)));
        }
        Ok(Unit {
            file: file.into(),
            functions,
            source,
        })
    }

    /// The names of all functions.
    pub fn names(&self) -> Vec<String> {
        let name = |f: &Result<Function, (String, InputError)>| match f {
            Ok(f) => f.name.clone(),
            Err((n, _)) => n.clone(),
        };
        self.functions.iter().map(name).collect()
    }

    /// The function of a name, or the only one.
    ///
    /// # Errors
    /// When there is none, or more than one, or it cannot be read.
    pub fn function(&self, name: Option<&str>) -> Result<&Function, InputError> {
        let names = self.names();
        let fail = |p| Err(InputError::new(&self.file, None, p));
        let at = match name {
            Some(n) => match names.iter().position(|x| x == n) {
                Some(at) => at,
                None => return fail(InputProblem::NoFunction(n.into(), names)),
            },
            None if names.is_empty() => return fail(InputProblem::NoFunctions),
            None if names.len() > 1 => return fail(InputProblem::ManyFunctions(names)),
            None => 0,
        };
        match &self.functions[at] {
            Ok(f) => Ok(f),
            Err((_, e)) => Err(e.clone()),
        }
    }
}

fn io_reason(e: &std::io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Functions: name, section, first offset, end.
fn extents(elf: &ElfFile64<'_>) -> Vec<(String, object::SectionIndex, u64, u64)> {
    let mut starts: Vec<(object::SectionIndex, u64, u64, String, bool)> = Vec::new();
    for s in elf.symbols() {
        let Some(section) = s.section_index() else {
            continue;
        };
        let Ok(name) = s.name() else { continue };
        let text = elf
            .section_by_index(section)
            .is_ok_and(|x| x.kind() == SectionKind::Text);
        let code = matches!(s.kind(), Kind::Text | Kind::Label | Kind::Unknown);
        if text && code && !name.is_empty() && !name.starts_with(".L") {
            starts.push((
                section,
                s.address(),
                s.size(),
                name.to_owned(),
                s.kind() == Kind::Text,
            ));
        }
    }
    starts.sort_by(|a, b| (a.0.0, a.1, !a.4, &a.3).cmp(&(b.0.0, b.1, !b.4, &b.3)));
    let mut out = Vec::new();
    for (i, (section, from, size, name, typed)) in starts.iter().enumerate() {
        // A plain label inside a sized function is no function, nor a second name of the same place.
        let inside = starts
            .iter()
            .any(|o| o.0 == *section && o.4 && o.1 <= *from && *from < o.1 + o.2 && o.3 != *name);
        if !typed && inside {
            continue;
        }
        let section_end = elf.section_by_index(*section).map_or(*from, |s| s.size());
        let next = starts[i + 1..]
            .iter()
            .find(|o| o.0 == *section && o.1 > *from)
            .map_or(section_end, |o| o.1);
        let to = if *size > 0 { from + size } else { next };
        if to > *from {
            out.push((name.clone(), *section, *from, to));
        }
    }
    out
}

/// A section's name, made unique when several have it.
fn section_key<'a>(elf: &ElfFile64<'a>, s: &impl ObjectSection<'a>) -> String {
    let name = s.name().unwrap_or("").to_owned();
    let same = elf.sections().filter(|o| o.name() == Ok(&name)).count();
    if same > 1 {
        return format!("{name}#{}", s.index().0);
    }
    name
}

/// Contents of read-only sections without relocations.
fn constants(elf: &ElfFile64<'_>) -> HashMap<String, ConstantData> {
    let mut out = HashMap::new();
    for s in elf.sections() {
        let constant = matches!(
            s.kind(),
            SectionKind::ReadOnlyData | SectionKind::ReadOnlyString
        );
        if constant
            && s.relocations().next().is_none()
            && let Ok(data) = s.data()
        {
            out.insert(
                section_key(elf, &s),
                ConstantData {
                    bytes: data.to_vec(),
                    align: s.align().max(1),
                },
            );
        }
    }
    out
}

/// Lines by section and offset, from the assembler's line table.
fn line_table(elf: &ElfFile64<'_>) -> HashMap<(usize, u64), u32> {
    const SHIFT: u32 = 40;
    let mut out = HashMap::new();
    let Some(section) = elf.section_by_name(".debug_line") else {
        return out;
    };
    let Ok(data) = section.data() else { return out };
    let mut data = data.to_vec();
    // An address becomes the section's index and the offset in it.
    for (at, r) in section.relocations() {
        let RelocationFlags::Elf {
            r_type: elf::R_X86_64_64,
        } = r.flags()
        else {
            continue;
        };
        let RelocationTarget::Symbol(symbol) = r.target() else {
            continue;
        };
        let Ok(symbol) = elf.symbol_by_index(symbol) else {
            continue;
        };
        let index = symbol.section_index().map_or(0, |s| s.0 as u64);
        let value = index << SHIFT | symbol.address().wrapping_add(r.addend() as u64);
        if let Some(field) = data.get_mut(at as usize..at as usize + 8) {
            field.copy_from_slice(&value.to_le_bytes());
        }
    }
    let lines = gimli::DebugLine::new(&data, gimli::LittleEndian);
    let Ok(program) = lines.program(gimli::DebugLineOffset(0), 8, None, None) else {
        return out;
    };
    let mut rows = program.rows();
    while let Ok(Some((_, row))) = rows.next_row() {
        if let (Some(line), false) = (row.line(), row.end_sequence()) {
            let key = (
                (row.address() >> SHIFT) as usize,
                row.address() & ((1 << SHIFT) - 1),
            );
            out.insert(key, line.get() as u32);
        }
    }
    out
}

#[allow(clippy::too_many_arguments)]
fn read_function(
    file: &Path,
    elf: &ElfFile64<'_>,
    name: &str,
    section: object::SectionIndex,
    from: u64,
    to: u64,
    lines: &HashMap<(usize, u64), u32>,
    constants: &Arc<HashMap<String, ConstantData>>,
    source: Option<Arc<Source>>,
) -> Result<Function, InputError> {
    let bad = |why: String| InputError::new(file, None, InputProblem::Object(why));
    let s = elf
        .section_by_index(section)
        .map_err(|e| bad(e.to_string()))?;
    let data = s.data().map_err(|e| bad(e.to_string()))?;
    let bytes = data
        .get(from as usize..to as usize)
        .ok_or_else(|| bad(format!("{name} lies outside of its section")))?;
    let mut relocations: Vec<(u64, object::Relocation)> = s
        .relocations()
        .filter(|(a, _)| (from..to).contains(a))
        .collect();
    relocations.sort_by_key(|(a, _)| *a);
    let mut decoder = Decoder::with_ip(64, bytes, from, DecoderOptions::NONE);
    let mut function = Function {
        name: name.to_owned(),
        file: file.into(),
        code: Vec::new(),
        constants: constants.clone(),
        source,
    };
    let mut line = None;
    let mut next_relocation = 0;
    while decoder.can_decode() {
        let at = decoder.position();
        let instruction = decoder.decode();
        let start = instruction.ip();
        line = lines.get(&(section.0, start)).copied().or(line);
        if instruction.is_invalid() {
            let problem = InputProblem::Refused {
                instruction: String::new(),
                address: at as u64,
                why: Refusal::Undecodable,
            };
            return Err(InputError::new(file, line, problem));
        }
        let mut symbol = None;
        let mut odd = None;
        while let Some((offset, r)) = relocations
            .get(next_relocation)
            .filter(|(a, _)| *a < instruction.next_ip())
        {
            let fields = decoder.get_constant_offsets(&instruction);
            let field = if fields.has_displacement()
                && start + fields.displacement_offset() as u64 == *offset
            {
                SymbolField::Displacement
            } else {
                SymbolField::Immediate
            };
            match symbol_use(elf, r, instruction.next_ip() - offset, field) {
                Ok(u) => symbol = Some(u),
                Err(why) => odd = Some(why),
            }
            next_relocation += 1;
        }
        let bytes = bytes[at..at + instruction.len()].to_vec();
        function.code.push(Inst {
            instruction,
            bytes,
            line,
            symbol,
        });
        if let Some(why) = odd {
            return Err(function.refuse(function.code.len() - 1, why));
        }
    }
    // Padding after the last instruction that can be reached by falling through is not the function's.
    while function.code.len() > 1
        && function
            .code
            .last()
            .is_some_and(|i| matches!(i.instruction.mnemonic(), Mnemonic::Nop | Mnemonic::Int3))
        && function.code[function.code.len() - 2]
            .instruction
            .flow_control()
            != iced_x86::FlowControl::Next
        || function.code.len() > 2
            && function
                .code
                .last()
                .is_some_and(|i| i.instruction.mnemonic() == Mnemonic::Nop)
            && function.code[function.code.len() - 2]
                .instruction
                .mnemonic()
                == Mnemonic::Nop
    {
        function.code.pop();
    }
    if function.code.is_empty() {
        let problem = InputProblem::Refused {
            instruction: String::new(),
            address: 0,
            why: Refusal::Empty,
        };
        return Err(InputError::new(file, None, problem));
    }
    Ok(function)
}

/// What a relocation refers to. `to_end` is the distance from the field to the end of the instruction.
fn symbol_use(
    elf: &ElfFile64<'_>,
    r: &object::Relocation,
    to_end: u64,
    field: SymbolField,
) -> Result<SymbolUse, Refusal> {
    let RelocationFlags::Elf { r_type } = r.flags() else {
        return Err(Refusal::Relocation("an unknown relocation".into()));
    };
    let relative = r.addend().wrapping_add(to_end as i64);
    let (kind, addend) = match r_type {
        elf::R_X86_64_PC32 => (SymbolKind::Address, relative),
        elf::R_X86_64_PLT32 => (SymbolKind::Plt, relative),
        elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX => {
            (SymbolKind::Got, relative)
        }
        elf::R_X86_64_GOTTPOFF | elf::R_X86_64_TLSGD | elf::R_X86_64_TLSLD => {
            (SymbolKind::Tls, relative)
        }
        elf::R_X86_64_TPOFF32 | elf::R_X86_64_DTPOFF32 => (SymbolKind::Tls, r.addend()),
        elf::R_X86_64_32 | elf::R_X86_64_32S | elf::R_X86_64_64 => {
            (SymbolKind::Absolute, r.addend())
        }
        other => return Err(Refusal::Relocation(format!("relocation type {}", other))),
    };
    let RelocationTarget::Symbol(index) = r.target() else {
        return Err(Refusal::Relocation("a section".into()));
    };
    let symbol = elf
        .symbol_by_index(index)
        .map_err(|e| Refusal::Relocation(e.to_string()))?;
    let section = symbol
        .section_index()
        .and_then(|s| elf.section_by_index(s).ok());
    let constant = section.as_ref().is_some_and(|s| {
        matches!(
            s.kind(),
            SectionKind::ReadOnlyData | SectionKind::ReadOnlyString
        )
    });
    if let Some(s) = section.as_ref().filter(|_| constant) {
        let name = section_key(elf, s);
        let addend = addend.wrapping_add(symbol.address() as i64);
        return Ok(SymbolUse {
            name,
            addend,
            kind,
            field,
        });
    }
    if symbol.kind() != Kind::Section {
        return Ok(SymbolUse {
            name: symbol.name().unwrap_or("").to_owned(),
            addend,
            kind,
            field,
        });
    }
    let name = section
        .as_ref()
        .map(|s| section_key(elf, s))
        .unwrap_or_default();
    // The assembler refers to local data by the section: find its own name again.
    let named = elf
        .symbols()
        .filter(|s| {
            s.section_index() == symbol.section_index() && s.kind() == Kind::Data && s.size() > 0
        })
        .find(|s| (s.address()..s.address() + s.size()).contains(&(addend as u64)));
    Ok(match named {
        Some(s) => SymbolUse {
            name: s.name().unwrap_or("").to_owned(),
            addend: addend - s.address() as i64,
            kind,
            field,
        },
        None => SymbolUse {
            name,
            addend,
            kind,
            field,
        },
    })
}
