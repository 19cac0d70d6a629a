//! Compiled modules laid out as the runtime reads them (docs/abi.md section 6, `trinity_abi::unit`).
//!
//! Per module: code items in preorder, one item each for the names, the binary chunk, the safe points, the inlined calls and the `FuncDesc`
//! table; for the program: `trinity_modules`, `trinity_modules_len`, `trinity_profile`, `trinity_text` and `trinity_march`, which the runtime library's `main` refers to.

use crate::exit::{Error, Result};
use crate::image::{Image, Item, ItemId, Place, Reloc, RelocKind, Target};
use crate::names::FuncName;
use trinity_abi::cpu::{self, MARCH_CHECK, MarchDesc};
use trinity_abi::unit::{
    FuncDesc, InlineFrame, ModuleDesc, PROFILE_START, ProfileDesc, SafePoint, TEXT_START, TextDesc,
    flag,
};
use trinity_codegen::isa::March;
use trinity_lower::remark::Remark;

/// What machine code refers to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeTarget {
    /// A symbol of the runtime.
    Runtime(&'static str),
    /// The generic entry of a function of the same module, by its number.
    Func(u32),
    /// The body of a function of the same module, which has machine code.
    Body(u32),
}

/// A relocation of machine code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CodeReloc {
    /// Offset of the four or eight patched bytes in the function.
    pub offset: u32,
    /// How they are computed.
    pub kind: RelocKind,
    /// To what.
    pub target: CodeTarget,
    /// Constant to add.
    pub addend: i64,
}

/// A compiled function.
#[derive(Clone, Debug)]
pub struct Func {
    /// Its names.
    pub name: FuncName,
    /// The function's number in the unit; a version has that of the function whose further body it is.
    pub of: u32,
    /// Machine code, entry at offset 0; constants and jump tables may follow the instructions.
    pub code: Vec<u8>,
    /// Size of the instructions.
    pub text_len: u32,
    /// References to the runtime.
    pub relocs: Vec<CodeReloc>,
    /// Sorted by return offset.
    pub safepoints: Vec<SafePoint>,
    /// (code offset, line), sorted by offset.
    pub srclocs: Vec<(u32, u32)>,
    /// What the prologue subtracts from rsp.
    pub frame_size: u32,
    /// Offset of the body (arguments in registers) in the code; 0: the entry is all there is.
    pub body_offset: u32,
    /// Functions whose code is part of this one's.
    pub inlines: Vec<InlineFrame>,
    /// Lists of values on the native stack, as its safe points name them (`trinity_abi::live`).
    pub live: Vec<u8>,
    /// Bits of `FuncDesc::flags`.
    pub flags: u32,
    /// When asked for: the parts of the code, with what they were made from.
    pub kept: Vec<(u32, Box<trinity_codegen::CompiledFunction>)>,
}

impl Func {
    /// The code only jumps to the interpreter.
    pub fn is_interpreted(&self) -> bool {
        self.flags & flag::INTERPRETED != 0
    }
}

/// A compiled module.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Name as `require` takes it; empty for the main program.
    pub name: Vec<u8>,
    /// File name for `require`'s second result.
    pub shown: Vec<u8>,
    /// File on disk, for debuggers.
    pub path: std::path::PathBuf,
    /// Binary chunk.
    pub chunk: Vec<u8>,
    /// Functions in preorder, then versions of them.
    pub funcs: Vec<Func>,
    /// What was decided about them, when asked for.
    pub remarks: Vec<Remark>,
}

impl Unit {
    /// Refuses references to bodies that do not exist: a direct call of a function that has only its generic entry.
    pub fn check_bodies(&self) -> Result<()> {
        for f in &self.funcs {
            for r in &f.relocs {
                if let CodeTarget::Body(n) = r.target
                    && self
                        .funcs
                        .get(n as usize)
                        .is_none_or(|to| to.body_offset == 0 && to.of == n)
                {
                    let name = &f.name.symbol;
                    return Err(Error::internal(format_args!(
                        "{name} refers to the body of function {n}, which has none"
                    )));
                }
            }
        }
        Ok(())
    }
    /// How far behind its symbol a target lies.
    fn body_of(&self, target: &CodeTarget) -> u32 {
        match *target {
            CodeTarget::Body(n) => self.funcs.get(n as usize).map_or(0, |f| f.body_offset),
            _ => 0,
        }
    }
}

/// Symbol of the module table.
pub const MODULES: &str = "trinity_modules";
/// Symbol of the number of modules (u64).
pub const MODULES_LEN: &str = "trinity_modules_len";
const CODE_ALIGN: u64 = 16;

/// An image and where each function is in it.
#[derive(Debug)]
pub struct Layout {
    /// Everything but debug information.
    pub image: Image,
    /// Code item of each function of each unit.
    pub code: Vec<Vec<ItemId>>,
}

/// Symbol of the description of what is to be observed.
pub const PROFILE: &str = "trinity_profile";

/// Symbol of the description of whether code can be loaded.
pub const TEXT: &str = "trinity_text";

/// Symbol of the description of what the processor must have.
pub const MARCH: &str = "trinity_march";
/// Section with the note about it, unless that is nothing.
pub const NOTE: &str = ".note.trinity";
/// Type of that note, `NT_ARCH`: the name that `-march` takes.
const NOTE_MARCH: u32 = 2;

/// A table that is written field by field, with its relocations.
#[derive(Default)]
struct Table {
    bytes: Vec<u8>,
    relocs: Vec<Reloc>,
}

impl Table {
    fn u16(&mut self, x: u16) {
        self.bytes.extend_from_slice(&x.to_le_bytes());
    }
    fn u32(&mut self, x: u32) {
        self.bytes.extend_from_slice(&x.to_le_bytes());
    }
    fn u64(&mut self, x: u64) {
        self.bytes.extend_from_slice(&x.to_le_bytes());
    }
    fn reloc(&mut self, target: Target, addend: u64) {
        self.relocs.push(Reloc {
            offset: self.bytes.len() as u64,
            kind: RelocKind::Abs64,
            target,
            addend: addend as i64,
        });
        self.u64(0);
    }
    fn pointer(&mut self, to: ItemId, addend: u64) {
        self.reloc(Target::Item(to), addend);
    }
    fn item(self, name: String, place: Place, global: bool) -> Item {
        Item {
            name,
            place,
            align: 8,
            global,
            bytes: self.bytes,
            relocs: self.relocs,
        }
    }
}

/// Lays out the units in the given order; their references to bodies have been checked. `skeleton`: the executable observes itself (see
/// [`crate::compile::Compiled::skeleton`]). `march`: what the processor must have. `closed`: it loads no code.
pub fn layout(units: &[Unit], skeleton: Option<&[u8]>, march: March, closed: bool) -> Layout {
    let mut image = Image::default();
    let mut code: Vec<Vec<ItemId>> = Vec::with_capacity(units.len());
    for unit in units {
        let first = image.items().len();
        code.push(
            unit.funcs
                .iter()
                .map(|f| add_code(&mut image, unit, f, first))
                .collect(),
        );
    }
    let mut modules = Table::default();
    for (n, (unit, code)) in units.iter().zip(&code).enumerate() {
        add_unit(&mut image, n, unit, code, &mut modules);
    }
    debug_assert_eq!(modules.bytes.len(), units.len() * size_of::<ModuleDesc>());
    image.add(modules.item(MODULES.to_string(), Place::Tables, true));
    let mut len = Table::default();
    len.u64(units.len() as u64);
    image.add(len.item(MODULES_LEN.to_string(), Place::ReadOnly, true));
    add_profile(&mut image, skeleton);
    add_march(&mut image, march);
    add_text(&mut image, closed);
    Layout { image, code }
}

/// Adds the `ProfileDesc`.
fn add_profile(image: &mut Image, skeleton: Option<&[u8]>) {
    let mut desc = Table::default();
    match skeleton {
        None => desc.bytes.resize(size_of::<ProfileDesc>(), 0),
        Some(bytes) => {
            let table = Table {
                bytes: bytes.to_vec(),
                relocs: Vec::new(),
            };
            let table = table.item("trinity.skeleton".to_string(), Place::ReadOnly, false);
            let table = image.add(table);
            let start = Target::Import(image.import(PROFILE_START));
            desc.reloc(start, 0);
            desc.pointer(table, 0);
            desc.u64(bytes.len() as u64);
        }
    }
    debug_assert_eq!(desc.bytes.len(), size_of::<ProfileDesc>());
    image.add(desc.item(PROFILE.to_string(), Place::Tables, true));
}

/// Adds the `TextDesc`.
fn add_text(image: &mut Image, closed: bool) {
    let mut desc = Table::default();
    match closed {
        true => desc.u64(0),
        false => {
            let start = Target::Import(image.import(TEXT_START));
            desc.reloc(start, 0);
        }
    }
    debug_assert_eq!(desc.bytes.len(), size_of::<TextDesc>());
    image.add(desc.item(TEXT.to_string(), Place::Tables, true));
}

/// Adds the `MarchDesc`, and the note that says the same to people (`readelf -n`).
fn add_march(image: &mut Image, march: March) {
    let mut desc = Table::default();
    if march == March::V1 {
        desc.bytes.resize(size_of::<MarchDesc>(), 0);
    } else {
        let name = march.name().into_bytes();
        let mut note = Table::default();
        let owner = b"Trinity\0";
        note.u32(owner.len() as u32);
        note.u32(name.len() as u32);
        note.u32(NOTE_MARCH);
        note.bytes.extend_from_slice(owner);
        note.bytes.extend_from_slice(&name);
        note.bytes.resize(note.bytes.len().next_multiple_of(4), 0);
        let mut note = note.item(NOTE.to_string(), Place::Unloaded, false);
        note.align = 4;
        image.add(note);
        let len = name.len() as u64;
        let text = Table {
            bytes: name,
            relocs: Vec::new(),
        };
        let text = image.add(text.item("trinity.march".to_string(), Place::ReadOnly, false));
        let check = Target::Import(image.import(MARCH_CHECK));
        desc.reloc(check, 0);
        desc.u64(cpu::needed(march.level() as u8 + 1));
        desc.pointer(text, 0);
        desc.u64(len);
    }
    debug_assert_eq!(desc.bytes.len(), size_of::<MarchDesc>());
    image.add(desc.item(MARCH.to_string(), Place::Tables, true));
}

/// Adds a function of the unit whose functions start at item `first`.
fn add_code(image: &mut Image, unit: &Unit, f: &Func, first: usize) -> ItemId {
    let relocs = f
        .relocs
        .iter()
        .map(|r| Reloc {
            offset: u64::from(r.offset),
            kind: r.kind,
            target: match r.target {
                CodeTarget::Runtime(name) => Target::Import(image.import(name)),
                CodeTarget::Func(n) | CodeTarget::Body(n) => {
                    Target::Item(ItemId::new(first + n as usize))
                }
            },
            addend: r.addend + i64::from(unit.body_of(&r.target)),
        })
        .collect();
    image.add(Item {
        name: f.name.symbol.clone(),
        place: Place::Code,
        align: CODE_ALIGN,
        global: false,
        bytes: f.code.clone(),
        relocs,
    })
}

fn add_unit(image: &mut Image, n: usize, unit: &Unit, code: &[ItemId], modules: &mut Table) {
    // Names end in NUL for the debugger's sake.
    let mut text = Table::default();
    text.bytes.extend_from_slice(&unit.name);
    text.bytes.push(0);
    let file_at = text.bytes.len() as u64;
    text.bytes.extend_from_slice(&unit.shown);
    text.bytes.push(0);
    let text = image.add(text.item(format!("trinity.names.{n}"), Place::ReadOnly, false));

    let chunk = Table {
        bytes: unit.chunk.clone(),
        relocs: Vec::new(),
    };
    let chunk = image.add(chunk.item(format!("trinity.chunk.{n}"), Place::ReadOnly, false));

    let mut points = Table::default();
    for p in unit.funcs.iter().flat_map(|f| &f.safepoints) {
        points.u32(p.ret_offset);
        points.u32(p.pc);
        points.u16(p.delta);
        points.bytes.extend_from_slice(&[p.kind, p.inlined]);
        points.u32(p.live);
    }
    let points = image.add(points.item(format!("trinity.safepoints.{n}"), Place::ReadOnly, false));

    let mut inlines = Table::default();
    for i in unit.funcs.iter().flat_map(|f| &f.inlines) {
        inlines.u32(i.func);
        inlines.u16(i.parent);
        inlines.u16(i.delta);
        inlines.u32(i.call_pc);
    }
    let inlines = image.add(inlines.item(format!("trinity.inlines.{n}"), Place::ReadOnly, false));

    let mut live = Table::default();
    for f in &unit.funcs {
        live.bytes.extend_from_slice(&f.live);
    }
    let live = image.add(live.item(format!("trinity.live.{n}"), Place::ReadOnly, false));

    let mut funcs = Table::default();
    let (mut first_point, mut first_inline, mut first_live) = (0, 0, 0);
    for (f, &entry) in unit.funcs.iter().zip(code) {
        funcs.pointer(entry, 0);
        funcs.pointer(points, first_point * size_of::<SafePoint>() as u64);
        funcs.u32(f.safepoints.len() as u32);
        funcs.u32(f.code.len() as u32);
        funcs.u32(f.frame_size);
        funcs.u32(f.flags);
        funcs.pointer(inlines, first_inline * size_of::<InlineFrame>() as u64);
        funcs.u32(f.inlines.len() as u32);
        funcs.u32(f.of);
        funcs.pointer(live, first_live);
        first_live += f.live.len() as u64;
        first_point += f.safepoints.len() as u64;
        first_inline += f.inlines.len() as u64;
    }
    debug_assert_eq!(funcs.bytes.len(), unit.funcs.len() * size_of::<FuncDesc>());
    let funcs = image.add(funcs.item(format!("trinity.funcs.{n}"), Place::Tables, false));

    modules.pointer(text, 0);
    modules.u64(unit.name.len() as u64);
    modules.pointer(chunk, 0);
    modules.u64(unit.chunk.len() as u64);
    modules.pointer(funcs, 0);
    modules.u64(unit.funcs.len() as u64);
    modules.pointer(text, file_at);
    modules.u64(unit.shown.len() as u64);
}
