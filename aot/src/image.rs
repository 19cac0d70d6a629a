//! The object file before it has a format: named pieces of code and data with relocations between them.
//!
//! Two writers (`write::object`, `write::faerie`) turn the same [`Image`] into ELF, so what they disagree about is a bug of one of
//! them. Invariants: item names are unique and contain no NUL; every relocation lies inside its item; code items keep their order,
//! which the runtime relies on (it searches functions by address).

/// Index of an item of an image.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ItemId(u32);

/// Index of an imported symbol of an image.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ImportId(u32);

impl ItemId {
    /// The id of the item at this index.
    pub const fn new(index: usize) -> ItemId {
        ItemId(index as u32)
    }
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl ImportId {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a relocation points to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// An item of this image.
    Item(ItemId),
    /// A symbol of the runtime library.
    Import(ImportId),
}

/// The relocation forms that are used, by their psABI meaning (S symbol, A addend, P place, L procedure linkage).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelocKind {
    /// 64 bits, S + A.
    Abs64,
    /// 32 bits, S + A, zero-extended: offsets inside debug sections.
    Abs32,
    /// 32 bits, S + A - P.
    Pc32,
    /// 32 bits, L + A - P: calls and jumps.
    Plt32,
}

impl RelocKind {
    /// The number in the ELF file (`R_X86_64_*`).
    pub const fn elf(self) -> u32 {
        match self {
            RelocKind::Abs64 => 1,
            RelocKind::Pc32 => 2,
            RelocKind::Plt32 => 4,
            RelocKind::Abs32 => 10,
        }
    }
    /// Bytes that are patched.
    pub const fn size(self) -> usize {
        match self {
            RelocKind::Abs64 => 8,
            _ => 4,
        }
    }
}

/// One relocation; the patched bytes are zero in the item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reloc {
    /// Offset of the patched bytes in the item.
    pub offset: u64,
    /// How they are computed.
    pub kind: RelocKind,
    /// What they refer to.
    pub target: Target,
    /// Constant to add.
    pub addend: i64,
}

/// Which section an item goes to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// Executable: `.text`.
    Code,
    /// Constant, no relocations: `.rodata`.
    ReadOnly,
    /// Constant once the loader has relocated it: `.data.rel.ro`.
    Tables,
    /// Not loaded; the item's name is the section name (`.debug_line`, `.trinity.source`).
    Unloaded,
}

/// A piece of code or data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Symbol name.
    pub name: String,
    /// Section.
    pub place: Place,
    /// Alignment in bytes, a power of two.
    pub align: u64,
    /// Visible to the linker; all others are local.
    pub global: bool,
    /// Contents.
    pub bytes: Vec<u8>,
    /// Relocations, by ascending offset.
    pub relocs: Vec<Reloc>,
}

/// An object file in the making.
#[derive(Default, Debug)]
pub struct Image {
    items: Vec<Item>,
    imports: Vec<String>,
    import_index: std::collections::HashMap<String, ImportId>,
}

impl Image {
    /// Adds an item.
    pub fn add(&mut self, item: Item) -> ItemId {
        debug_assert!(
            item.relocs
                .iter()
                .all(|r| r.offset as usize + r.kind.size() <= item.bytes.len())
        );
        debug_assert!(item.place != Place::ReadOnly || item.relocs.is_empty());
        self.items.push(item);
        ItemId(self.items.len() as u32 - 1)
    }
    /// The import of this name, added when it is new.
    pub fn import(&mut self, name: &str) -> ImportId {
        if let Some(&id) = self.import_index.get(name) {
            return id;
        }
        let id = ImportId(self.imports.len() as u32);
        self.imports.push(name.to_string());
        self.import_index.insert(name.to_string(), id);
        id
    }
    /// All items in order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }
    /// All imported names in order of first use.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }
    /// Name of what a relocation points to.
    pub fn target_name(&self, t: Target) -> &str {
        match t {
            Target::Item(i) => &self.items[i.index()].name,
            Target::Import(i) => &self.imports[i.index()],
        }
    }
}
