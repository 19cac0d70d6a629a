//! What an instruction costs: latency, reciprocal throughput, micro-ops and bytes, per microarchitecture.
//!
//! A cost is looked up by mnemonic and operand [`Class`] (width, and what else changes the cost); the rows are all in
//! `rows`, one per instruction, for register operands. A memory operand adds what a load or a store adds on that
//! machine, so that no row is written twice. Rows for [`Uarch::Zen4`] were measured by `trinityc calibrate`; the others
//! are public figures as far as they are known, and are labelled "model only" ([`Uarch::measured`]).
//!
//! A [`Table`] is a microarchitecture with measured rows put over its own; calibration makes one.

mod rows;
mod vectors;

use std::arch::x86_64::__cpuid;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use iced_x86::{
    Encoder, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpCodeOperandKind, OpKind,
    Register,
};

/// A microarchitecture with a cost table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Uarch {
    /// AMD Zen 4.
    Zen4,
    /// AMD Zen 3.
    Zen3,
    /// Intel Ice Lake (Sunny Cove).
    IceLake,
    /// Intel Skylake, client and server.
    Skylake,
    /// Intel Haswell.
    Haswell,
}

impl Uarch {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Uarch; 5] = [
        Uarch::Zen4,
        Uarch::Zen3,
        Uarch::IceLake,
        Uarch::Skylake,
        Uarch::Haswell,
    ];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        ["zen4", "zen3", "icelake", "skylake", "haswell"][self as usize]
    }

    /// Whether its rows were measured; the others are "model only".
    pub fn measured(self) -> bool {
        self == Uarch::Zen4
    }

    /// The microarchitecture this program runs on, if it has a table.
    pub fn detect() -> Option<Uarch> {
        let vendor = __cpuid(0);
        let signature = __cpuid(1).eax;
        let (base, extended) = (signature >> 8 & 15, signature >> 20 & 255);
        let family = if base == 15 { base + extended } else { base };
        let model = signature >> 4 & 15 | signature >> 12 & 0xf0;
        const AMD: u32 = u32::from_le_bytes(*b"Auth");
        const INTEL: u32 = u32::from_le_bytes(*b"Genu");
        match (vendor.ebx, family, model) {
            (AMD, 0x19, 0x10..=0x1f | 0x60..=0x7f | 0xa0..=0xaf) => Some(Uarch::Zen4),
            (AMD, 0x19, _) => Some(Uarch::Zen3),
            (INTEL, 6, 0x3c | 0x3f | 0x45 | 0x46) => Some(Uarch::Haswell),
            (INTEL, 6, 0x4e | 0x5e | 0x55 | 0x8e | 0x9e | 0xa5 | 0xa6) => Some(Uarch::Skylake),
            (INTEL, 6, 0x6a | 0x6c | 0x7d | 0x7e) => Some(Uarch::IceLake),
            _ => None,
        }
    }
}

impl fmt::Display for Uarch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no microarchitecture's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownUarch(pub String);

impl fmt::Display for UnknownUarch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Uarch::ALL.iter().map(|uarch| uarch.name()).collect();
        write!(
            f,
            "no cost table for {:?}; there are {}",
            self.0,
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownUarch {}

impl FromStr for Uarch {
    type Err = UnknownUarch;

    fn from_str(name: &str) -> Result<Uarch, UnknownUarch> {
        let found = Uarch::ALL.into_iter().find(|uarch| uarch.name() == name);
        found.ok_or_else(|| UnknownUarch(name.into()))
    }
}

/// What one instruction costs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Cost {
    /// Cycles from the last input to the output. 0 for moves that renaming eliminates.
    pub latency: u32,
    /// Hundredths of a cycle between independent ones.
    pub rthroughput_x100: u32,
    /// Micro-ops as the front end counts them (fused domain; AMD's macro-ops).
    pub uops: u32,
    /// Length of the encoding.
    pub bytes: u32,
}

/// A row's entry: what an instruction costs with register operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RowCost {
    /// Cycles from the last input to the output.
    pub latency: u32,
    /// Hundredths of a cycle between independent ones.
    pub rthroughput_x100: u32,
    /// Micro-ops.
    pub uops: u32,
}

/// Operand width of a [`Class`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Width {
    /// No operand to tell.
    None,
    /// General registers of 8 bits.
    R8,
    /// Of 16 bits.
    R16,
    /// Of 32 bits.
    R32,
    /// Of 64 bits.
    R64,
    /// Vectors of 128 bits, and scalars in them.
    X,
    /// Vectors of 256 bits.
    Y,
}

/// What changes an instruction's cost besides its mnemonic and width.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Variant {
    /// Nothing.
    Plain,
    /// Shift or rotate by a count in `cl` or in a vector register.
    Counted,
    /// Rotate by the constant one.
    One,
    /// Multiply with a product of twice the width.
    Wide,
    /// `lea` of three components, or of a scaled index.
    Long,
    /// Between a general and a vector register.
    Cross,
}

/// Mnemonic and operand class: the key of a row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    /// The instruction.
    pub mnemonic: Mnemonic,
    /// Its operands.
    pub class: Class,
}

/// Operand class.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Class {
    /// Width of the widest operand.
    pub width: Width,
    /// Everything else.
    pub variant: Variant,
}

const WIDTHS: [(Width, &str); 7] = [
    (Width::None, "-"),
    (Width::R8, "r8"),
    (Width::R16, "r16"),
    (Width::R32, "r32"),
    (Width::R64, "r64"),
    (Width::X, "x"),
    (Width::Y, "y"),
];

const VARIANTS: [(Variant, &str); 6] = [
    (Variant::Plain, ""),
    (Variant::Counted, " counted"),
    (Variant::One, " one"),
    (Variant::Wide, " wide"),
    (Variant::Long, " long"),
    (Variant::Cross, " cross"),
];

/// As in files of costs: `imul r64 wide`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = WIDTHS
            .iter()
            .find(|(width, _)| *width == self.class.width)
            .map_or("-", |(_, name)| name);
        let variant = VARIANTS
            .iter()
            .find(|(variant, _)| *variant == self.class.variant);
        let variant = variant.map_or("", |(_, name)| name);
        write!(
            f,
            "{} {width}{variant}",
            format!("{:?}", self.mnemonic).to_lowercase()
        )
    }
}

impl Key {
    /// The key `text` names, as [`Key`] prints it.
    pub fn parse(text: &str) -> Option<Key> {
        let (name, class) = text.split_once(' ')?;
        let mnemonic = Mnemonic::values()
            .find(|mnemonic| format!("{mnemonic:?}").eq_ignore_ascii_case(name))?;
        let (width, variant) = class.find(' ').map_or((class, ""), |at| class.split_at(at));
        let width = WIDTHS.iter().find(|(_, name)| *name == width)?.0;
        let variant = VARIANTS.iter().find(|(_, name)| *name == variant)?.0;
        Some(Key {
            mnemonic,
            class: Class { width, variant },
        })
    }

    /// The row an instruction falls under.
    pub fn of(instruction: &Instruction) -> Key {
        let mnemonic = instruction.mnemonic();
        Key {
            mnemonic,
            class: Class {
                width: width(instruction),
                variant: variant(instruction),
            },
        }
    }
}

fn register_width(register: Register) -> Width {
    match register.size() {
        _ if register.is_ymm() => Width::Y,
        _ if register.is_xmm() => Width::X,
        _ if !register.is_gpr() => Width::None,
        1 => Width::R8,
        2 => Width::R16,
        4 => Width::R32,
        _ => Width::R64,
    }
}

fn width(instruction: &Instruction) -> Width {
    let of = |operand: u32| match instruction.op_kind(operand) {
        OpKind::Register => register_width(instruction.op_register(operand)),
        _ => Width::None,
    };
    // A narrow source (movzx, a count in cl) does not make the operation narrow; a narrow destination does.
    let registers = (0..instruction.op_count())
        .map(of)
        .max()
        .unwrap_or(Width::None);
    let memory = match instruction.memory_size().size() {
        1 => Width::R8,
        2 => Width::R16,
        4 => Width::R32,
        8 => Width::R64,
        16 => Width::X,
        32 => Width::Y,
        _ => Width::None,
    };
    let counted_memory = instruction.op_count() > 0
        && instruction.op_kind(0) == OpKind::Memory
        && variant(instruction) == Variant::Counted;
    match registers {
        Width::None => memory,
        _ if counted_memory => memory,
        width => width,
    }
}

fn variant(instruction: &Instruction) -> Variant {
    use Mnemonic::{Imul, Lea, Mul, Mulx, Rcl, Rcr, Rol, Ror, Sar, Shl, Shld, Shr, Shrd};
    let op_code = instruction.op_code();
    let kinds = op_code.op_kinds();
    match instruction.mnemonic() {
        Mul | Mulx => Variant::Wide,
        Imul if instruction.op_count() == 1 => Variant::Wide,
        Shl | Shr | Sar | Rol | Ror | Rcl | Rcr | Shld | Shrd
            if kinds.contains(&OpCodeOperandKind::cl) =>
        {
            Variant::Counted
        }
        Rcl | Rcr if kinds.contains(&OpCodeOperandKind::imm8_const_1) => Variant::One,
        Lea => {
            let components = [
                instruction.memory_base() != Register::None,
                instruction.memory_index() != Register::None,
                instruction.memory_displacement64() != 0,
            ];
            let scaled = instruction.memory_index() != Register::None
                && instruction.memory_index_scale() > 1;
            let long = scaled || components.iter().filter(|&&present| present).count() == 3;
            if long { Variant::Long } else { Variant::Plain }
        }
        mnemonic => {
            let registers = || {
                (0..instruction.op_count())
                    .filter(|&operand| instruction.op_kind(operand) == OpKind::Register)
                    .map(|operand| instruction.op_register(operand))
            };
            let last = instruction.op_count().saturating_sub(1);
            let counted = rows::counts_in_vector(mnemonic)
                && instruction.op_count() > 1
                && matches!(instruction.op_kind(last), OpKind::Register | OpKind::Memory);
            let cross =
                registers().any(Register::is_gpr) && registers().any(Register::is_vector_register);
            match (counted, cross) {
                (true, _) => Variant::Counted,
                (_, true) => Variant::Cross,
                _ => Variant::Plain,
            }
        }
    }
}

/// Costs of a machine: a microarchitecture's, with measured rows over them.
#[derive(Clone, Debug)]
pub struct Table {
    base: Uarch,
    rows: HashMap<Key, RowCost>,
}

impl Table {
    /// A microarchitecture's own costs.
    pub fn of(base: Uarch) -> Table {
        Table {
            base,
            rows: HashMap::new(),
        }
    }

    /// The microarchitecture under it.
    pub fn base(&self) -> Uarch {
        self.base
    }

    /// Puts a row over the microarchitecture's.
    pub fn set(&mut self, key: Key, cost: RowCost) {
        self.rows.insert(key, cost);
    }

    /// The rows put over the microarchitecture's, in the order of their names.
    pub fn rows(&self) -> Vec<(Key, RowCost)> {
        let mut rows: Vec<(Key, RowCost)> =
            self.rows.iter().map(|(&key, &cost)| (key, cost)).collect();
        rows.sort_by_cached_key(|(key, _)| key.to_string());
        rows
    }

    /// The row for register operands; `None` where there is none.
    pub fn row(&self, key: Key) -> Option<RowCost> {
        self.rows
            .get(&key)
            .copied()
            .or_else(|| rows::row(key).map(|costs| costs[self.base as usize]))
    }

    /// What an instruction costs. One without a row costs [`UNLISTED`].
    pub fn cost(&self, instruction: &Instruction) -> Cost {
        let row = self.row(Key::of(instruction)).unwrap_or(UNLISTED);
        let mut cost = Cost {
            latency: row.latency,
            rthroughput_x100: row.rthroughput_x100,
            uops: row.uops,
            bytes: length(instruction),
        };
        add_memory(&mut cost, instruction, &rows::MEMORY[self.base as usize]);
        cost
    }
}

/// The cost of an instruction without a row: that of something slow.
pub const UNLISTED: RowCost = RowCost {
    latency: 8,
    rthroughput_x100: 400,
    uops: 4,
};

/// What an instruction costs on a microarchitecture.
pub fn cost(instruction: &Instruction, uarch: Uarch) -> Cost {
    Table::of(uarch).cost(instruction)
}

/// What loads and stores add, on one machine.
pub(crate) struct Memory {
    /// Cycles from address to a general register, and to a vector register.
    load_latency: [u32; 2],
    /// Hundredths of a cycle per load: general, vector of 128 bits, of 256.
    load: [u32; 3],
    /// Hundredths of a cycle per store: general, vector of 128 bits, of 256.
    store: [u32; 3],
}

/// Cycles until a stored value has left the core's registers: what a store adds to a chain that ends in it.
const STORE_LATENCY: u32 = 1;

fn add_memory(cost: &mut Cost, instruction: &Instruction, memory: &Memory) {
    let addressed =
        (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory);
    let computed_only = matches!(instruction.mnemonic(), Mnemonic::Lea | Mnemonic::Nop);
    if computed_only || !(addressed || instruction.is_stack_instruction()) {
        return;
    }
    let mut factory = InstructionInfoFactory::new();
    let (mut loads, mut stores) = (0, 0);
    for access in factory.info(instruction).used_memory() {
        let (reads, writes) = match access.access() {
            OpAccess::Read | OpAccess::CondRead => (true, false),
            OpAccess::Write | OpAccess::CondWrite => (false, true),
            OpAccess::ReadWrite | OpAccess::ReadCondWrite => (true, true),
            _ => (false, false),
        };
        loads += u32::from(reads);
        stores += u32::from(writes);
    }
    let vector = matches!(width(instruction), Width::X | Width::Y);
    let size = match instruction.memory_size().size() {
        32 => 2,
        _ => usize::from(vector),
    };
    if loads > 0 {
        cost.latency += memory.load_latency[usize::from(vector)];
        cost.rthroughput_x100 = cost.rthroughput_x100.max(loads * memory.load[size]);
    }
    if stores > 0 {
        cost.latency += STORE_LATENCY;
        cost.rthroughput_x100 = cost.rthroughput_x100.max(stores * memory.store[size]);
        // A read-modify-write instruction is one more for the front end; a plain store is one in itself.
        cost.uops += u32::from(loads > 0);
    }
}

/// Length of the encoding, made if the instruction was not decoded.
fn length(instruction: &Instruction) -> u32 {
    const LONGEST: u32 = 15;
    match instruction.len() {
        0 => Encoder::new(64)
            .encode(instruction, 0)
            .map_or(LONGEST, |length| length as u32),
        length => length as u32,
    }
}

#[cfg(test)]
mod tests;
