//! The rows: what each instruction costs with register operands, on each machine. Those of vector instructions are in
//! [`vectors`].
//!
//! A row is five triples (latency in cycles, reciprocal throughput in hundredths of a cycle, micro-ops) in the order
//! of [`Uarch::ALL`](super::Uarch::ALL): Zen 4, Zen 3, Ice Lake, Skylake, Haswell. Instructions that cost the same share a row. A `v`
//! form (three-operand VEX) costs what its older form does. Latencies that differ between operands are the longest;
//! conditional and data-dependent ones (division) are those of full-width operands.

use iced_x86::Mnemonic::{self, *};

use super::vectors;
use super::{Class, Key, Memory, RowCost, Variant, Width};

/// Loads and stores, per machine in the same order.
pub const MEMORY: [Memory; 5] = [
    memory([4, 7], [33, 50, 50], [50, 100, 100]),
    memory([4, 7], [33, 50, 50], [50, 100, 100]),
    memory([5, 6], [50, 50, 50], [50, 50, 50]),
    memory([5, 6], [50, 50, 50], [100, 100, 100]),
    memory([5, 6], [50, 50, 50], [100, 100, 100]),
];

const fn memory(load_latency: [u32; 2], load: [u32; 3], store: [u32; 3]) -> Memory {
    Memory {
        load_latency,
        load,
        store,
    }
}

pub(super) type Row = [RowCost; 5];

pub(super) const fn c(latency: u32, rthroughput_x100: u32, uops: u32) -> RowCost {
    RowCost {
        latency,
        rthroughput_x100,
        uops,
    }
}

/// Five entries: `costs!(latency rthroughput uops, ...)`.
macro_rules! costs {
    ($($latency:literal $rthroughput:literal $uops:literal),*) => {
        [$($crate::isa::cost::rows::c($latency, $rthroughput, $uops)),*]
    };
}
pub(super) use costs;

/// What was measured on Zen 4, beside what the others are said to do.
pub(super) const fn zen4(measured: RowCost, others: Row) -> Row {
    [measured, others[1], others[2], others[3], others[4]]
}

/// The same everywhere.
pub(super) const fn all(latency: u32, rthroughput_x100: u32, uops: u32) -> Row {
    [c(latency, rthroughput_x100, uops); 5]
}

/// The two by AMD, then the three by Intel.
pub(super) const fn two(amd: RowCost, intel: RowCost) -> Row {
    [amd, amd, intel, intel, intel]
}

/// Whether a mnemonic is a vector shift, whose count may be a vector.
pub fn counts_in_vector(mnemonic: Mnemonic) -> bool {
    crate::isa::exec::shift_of_lanes(mnemonic).is_some()
}

/// The row of a key, if the table has one.
pub fn row(key: Key) -> Option<Row> {
    let Class { width, variant } = key.class;
    scalar(key.mnemonic, width, variant)
        .or_else(|| bits(key.mnemonic, width, variant))
        .or_else(|| vectors::integer_lanes(key.mnemonic, width, variant))
        .or_else(|| vectors::shuffles(key.mnemonic, width, variant))
        .or_else(|| vectors::floats(key.mnemonic, width, variant))
}

/// Moves, addition, bitwise operations, multiplication, division, the stack.
fn scalar(mnemonic: Mnemonic, width: Width, variant: Variant) -> Option<Row> {
    use Variant::{Long, Wide};
    use Width::{R8, R16, R32, R64};
    Some(match mnemonic {
        Nop => zen4(c(0, 8, 1), all(0, 25, 1)),
        Endbr64 => all(0, 25, 1),
        Pause => costs!(0 9000 1, 0 6500 1, 0 14000 4, 0 14000 4, 0 900 5),
        Add | Sub | And | Or | Xor | Cmp | Test | Inc | Dec | Neg | Not => all(1, 25, 1),
        Adc | Sbb => costs!(1 100 1, 1 100 1, 1 50 1, 1 50 1, 2 100 2),
        Adcx | Adox => costs!(1 100 1, 1 100 1, 1 50 1, 1 100 1, 2 100 2),
        // Renaming eliminates moves of whole registers (not on Ice Lake, whose microcode turned that off).
        Mov if matches!(width, R8 | R16) => all(1, 25, 1),
        Mov => costs!(0 17 1, 0 17 1, 1 25 1, 0 25 1, 0 25 1),
        Movzx | Movsx | Movsxd | Movbe => all(1, 25, 1),
        Cbw | Cwde | Cdqe => all(1, 25, 1),
        Cwd => two(c(2, 100, 2), c(1, 50, 2)),
        Cdq | Cqo => two(c(1, 50, 1), c(1, 50, 1)),
        Lea if variant == Long => costs!(2 50 1, 2 50 1, 1 50 1, 3 100 1, 3 100 1),
        Lea => two(c(1, 25, 1), c(1, 50, 1)),
        Xchg if matches!(width, R8 | R16) => two(c(1, 100, 2), c(2, 100, 3)),
        Xchg => two(c(0, 33, 2), c(2, 100, 3)),
        Xadd => zen4(c(1, 33, 2), two(c(1, 100, 4), c(2, 100, 3))),
        Cmpxchg => zen4(c(2, 300, 5), two(c(3, 300, 5), c(5, 500, 5))),
        Push | Pop => all(0, 50, 1),
        Clc => two(c(0, 17, 1), c(0, 25, 1)),
        Stc => two(c(1, 25, 1), c(1, 25, 1)),
        Cmc => two(c(1, 100, 1), c(1, 100, 1)),
        Lahf => all(1, 100, 1),
        Sahf => zen4(c(1, 25, 1), all(1, 100, 1)),
        Imul | Mul if variant == Wide => match width {
            R8 => two(c(3, 100, 1), c(3, 100, 1)),
            R16 => zen4(c(5, 200, 3), two(c(4, 200, 3), c(4, 100, 4))),
            R32 => two(c(4, 100, 2), c(4, 100, 3)),
            _ => two(c(4, 100, 2), c(4, 100, 2)),
        },
        Imul => all(3, 100, 1),
        Mulx => two(c(4, 100, 2), c(4, 100, 2)),
        Div | Idiv => match width {
            R8 => costs!(10 400 2, 10 600 2, 15 600 4, 23 600 10, 23 900 9),
            R16 => costs!(11 400 2, 11 600 2, 14 600 4, 23 600 10, 24 900 11),
            R32 => costs!(12 600 2, 12 600 2, 12 600 4, 26 600 10, 27 900 10),
            R64 => costs!(14 700 2, 19 1000 2, 15 1000 4, 40 2400 36, 90 3500 36),
            _ => return None,
        },
        Crc32 => all(3, 100, 1),
        _ => return None,
    })
}

/// Shifts, rotates, bit tests, bit counts, conditional moves and sets.
fn bits(mnemonic: Mnemonic, width: Width, variant: Variant) -> Option<Row> {
    use Variant::{Counted, One};
    Some(match mnemonic {
        Shl | Sal | Shr | Sar | Rol | Ror if variant == Counted => {
            costs!(1 50 1, 1 50 1, 2 100 2, 2 100 3, 2 100 3)
        }
        Shl | Sal | Shr | Sar | Rol | Ror | Shlx | Shrx | Sarx | Rorx => all(1, 50, 1),
        Rcl | Rcr if variant == One => two(c(1, 100, 1), c(2, 200, 3)),
        Rcl => zen4(c(4, 400, 9), two(c(7, 400, 9), c(6, 600, 8))),
        Rcr => zen4(c(3, 300, 7), two(c(6, 300, 7), c(6, 600, 8))),
        Shld | Shrd if variant == Counted => zen4(c(2, 150, 6), two(c(3, 300, 7), c(4, 200, 4))),
        Shld | Shrd => zen4(c(2, 150, 6), two(c(3, 300, 6), c(3, 100, 1))),
        Andn => two(c(1, 25, 1), c(1, 50, 1)),
        Blsr | Blsi | Blsmsk => zen4(c(1, 25, 1), two(c(2, 50, 2), c(1, 50, 1))),
        Bzhi => two(c(1, 50, 1), c(1, 50, 1)),
        Bextr => two(c(1, 50, 1), c(2, 50, 2)),
        Pdep | Pext => two(c(3, 100, 1), c(3, 100, 1)),
        Popcnt => two(c(1, 25, 1), c(3, 100, 1)),
        Lzcnt => two(c(1, 25, 1), c(3, 100, 1)),
        Tzcnt => costs!(1 25 1, 2 50 2, 3 100 1, 3 100 1, 3 100 1),
        Bsf => costs!(1 25 1, 3 300 6, 3 100 1, 3 100 1, 3 100 1),
        Bsr => costs!(1 25 1, 4 400 7, 3 100 1, 3 100 1, 3 100 1),
        Bt => two(c(1, 50, 1), c(1, 50, 1)),
        Bts | Btr | Btc => two(c(2, 100, 2), c(1, 50, 1)),
        Bswap if width == Width::R64 => two(c(1, 25, 1), c(2, 100, 2)),
        Bswap => two(c(1, 25, 1), c(1, 50, 1)),
        Seta | Setbe => costs!(1 50 1, 1 50 1, 2 100 2, 2 100 2, 2 100 2),
        Setae | Setb | Sete | Setg | Setge | Setl | Setle | Setne | Setno | Setnp | Setns
        | Seto | Setp | Sets => all(1, 50, 1),
        Cmova | Cmovbe => costs!(1 50 1, 1 50 1, 2 100 2, 2 100 2, 3 100 3),
        Cmovae | Cmovb | Cmove | Cmovg | Cmovge | Cmovl | Cmovle | Cmovne | Cmovno | Cmovnp
        | Cmovns | Cmovo | Cmovp | Cmovs => costs!(1 50 1, 1 50 1, 1 50 1, 1 50 1, 2 50 2),
        _ => return None,
    })
}
