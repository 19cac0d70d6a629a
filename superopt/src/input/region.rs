//! A region: straight-line code that an engine may replace, with all it needs to know about its surroundings.
//!
//! A region never changes the stack pointer, so that unwind information and the red zone stay as they are; it holds no
//! control flow. Whatever is neither in `live_out` nor in `scratch` must keep its value.

use super::place::{Place, PlaceSet};
use crate::search::opset::March;
use trinity_codegen::isa::Instruction;

/// How an instruction refers to a symbol (law 3: symbols are keyed by name and addend, not by displacement).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SymbolUse {
    /// The symbol's name.
    pub name: String,
    /// What is added to its address.
    pub addend: i64,
    /// What stands in the field.
    pub kind: SymbolKind,
    /// Which field of the instruction it is.
    pub field: SymbolField,
}

/// What a reference to a symbol stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SymbolKind {
    /// The symbol's address.
    Address,
    /// The address of its entry in the global offset table (`@GOTPCREL`).
    Got,
    /// Its entry in the procedure linkage table.
    Plt,
    /// Its address as an absolute number of 32 or 64 bits.
    Absolute,
    /// Its offset from the thread pointer, or of the entry that holds it.
    Tls,
}

/// A field of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SymbolField {
    /// The memory operand's displacement.
    Displacement,
    /// The immediate.
    Immediate,
}

/// A place whose low bits matter after the region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LiveOut {
    /// Where.
    pub place: Place,
    /// How many bits, from bit 0.
    pub width: u32,
}

/// One way a region touches memory: `bytes` bytes at `base + index * scale + displacement`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Touch {
    /// Index of the instruction in the region.
    pub instruction: usize,
    /// Number of bytes.
    pub bytes: u32,
    /// Whether it reads.
    pub read: bool,
    /// Whether it writes.
    pub write: bool,
}

/// What a rewrite may touch: exactly the bytes that the original touches (law 1). Accesses whose addresses are not the
/// same base plus different constants may overlap.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Footprint {
    /// The original's accesses, in order.
    pub touches: Vec<Touch>,
}

/// Straight-line code to improve.
#[derive(Clone, Debug)]
pub struct Region {
    /// For people: `f`, or `f:12-18` with the source lines.
    pub name: String,
    /// The code.
    pub code: Vec<Instruction>,
    /// Per instruction, the symbol it refers to.
    pub symbols: Vec<Option<SymbolUse>>,
    /// Places that the code reads before it writes them, as their values at entry.
    pub live_in: PlaceSet,
    /// Places whose values matter afterwards and that the code may change.
    pub live_out: Vec<LiveOut>,
    /// Places a rewrite may leave with any value. Disjoint from `live_out`.
    pub scratch: PlaceSet,
    /// What holds of the inputs, as text ([`super::precondition`]).
    pub precondition: Option<String>,
    /// What may be touched.
    pub memory: Footprint,
    /// The processor level that may be used.
    pub march: March,
    /// How many loops it is nested in.
    pub depth: u32,
    /// First and last line in the source text, when it has one.
    pub lines: Option<(u32, u32)>,
}

impl Region {
    /// Whether it touches memory.
    pub fn has_memory(&self) -> bool {
        !self.memory.touches.is_empty()
    }
    /// Whether a symbol is mentioned.
    pub fn has_symbols(&self) -> bool {
        self.symbols.iter().any(Option::is_some)
    }
    /// The places of `live_out`.
    pub fn live_out_set(&self) -> PlaceSet {
        self.live_out.iter().map(|l| l.place).collect()
    }
}

/// A replacement for a region's code. It is checked again before it is used.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The new code.
    pub code: Vec<Instruction>,
    /// Per instruction, the symbol it refers to.
    pub symbols: Vec<Option<SymbolUse>>,
    /// Cost of the original in the engine's units.
    pub cost_before: f64,
    /// Cost of the new code in the same units.
    pub cost_after: f64,
    /// The engine that found it.
    pub engine: String,
    /// Proposals made when it was found.
    pub iteration: u64,
    /// Questions that a solver was asked for its proof in the search.
    pub asked: usize,
}

/// How an engine ended.
#[derive(Clone, Debug)]
pub enum Improvement {
    /// Something cheaper, which the engine holds to be equal.
    Better(Box<Replacement>),
    /// Nothing cheaper was found.
    Nothing,
    /// The engine cannot work on such a region, with the reason.
    Refused(String),
}

/// What an engine may spend.
#[derive(Clone, Debug)]
pub struct ImproveOptions {
    /// When to stop.
    pub deadline: crate::run::deadline::Deadline,
    /// Threads.
    pub jobs: usize,
    /// Seed.
    pub seed: u64,
    /// Start from nothing instead of from the region's own code.
    pub from_scratch: bool,
}

/// An engine that improves regions.
pub trait Improver {
    /// Looks for cheaper code for a region.
    fn improve(&self, region: &Region, options: &ImproveOptions) -> Improvement;
}
