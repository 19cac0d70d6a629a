//! Where words live while code is searched: registers, flags, vector words and memory cells, numbered as blocks.

use iced_x86::Register;

/// A place: an index of a block of lanes, and a bit of a [`Set`].
pub type Loc = u16;
/// A set of places.
pub type Set = u128;

/// First flag; before it the 16 general registers.
pub const FLAG0: Loc = 16;
/// First word of the vector registers, four each.
pub const VEC0: Loc = 22;
/// First memory cell (see [`super::memory`]).
pub const CELL0: Loc = 86;
/// The bit that says whether something faulted; every program that can fault writes it.
pub const FAULT: Loc = 127;
/// One past the last place.
pub const LOCS: Loc = 128;
/// First temporary block.
pub const TEMP0: Loc = 128;
/// One past the last temporary block.
pub const BLOCKS: Loc = 512;

/// In the tapes of variants: the general register of operand `i` is `OPERAND0 + i`.
pub const OPERAND0: Loc = 0x8000;
/// In the tapes of variants: word `j` of the vector register of operand `i` is `VOPERAND0 + 4 * i + j`.
pub const VOPERAND0: Loc = 0x8100;

/// The place of a general register (of any width).
pub fn gpr(r: Register) -> Loc {
    r.full_register() as Loc - Register::RAX as Loc
}

/// The place of word `j` of vector register `n`.
pub fn vec_word(n: u16, j: u16) -> Loc {
    VEC0 + 4 * n + j
}

/// The set with one place.
pub fn bit(l: Loc) -> Set {
    1 << l
}

/// The general register at a place, with a width in bytes.
pub fn gpr_register(l: Loc, bytes: usize) -> Register {
    const BYTE: [Register; 16] = [
        Register::AL,
        Register::CL,
        Register::DL,
        Register::BL,
        Register::SPL,
        Register::BPL,
        Register::SIL,
        Register::DIL,
        Register::R8L,
        Register::R9L,
        Register::R10L,
        Register::R11L,
        Register::R12L,
        Register::R13L,
        Register::R14L,
        Register::R15L,
    ];
    match bytes {
        1 => BYTE[l as usize],
        2 => Register::AX + u32::from(l),
        4 => Register::EAX + u32::from(l),
        _ => Register::RAX + u32::from(l),
    }
}

/// A readable name.
pub fn name(l: Loc) -> String {
    const FLAGS: [&str; 6] = ["cf", "pf", "af", "zf", "sf", "of"];
    match l {
        0..16 => format!("{:?}", gpr_register(l, 8)).to_lowercase(),
        16..22 => FLAGS[(l - 16) as usize].to_owned(),
        22..86 => format!("ymm{}_{}", (l - VEC0) / 4, (l - VEC0) % 4),
        FAULT => "fault".to_owned(),
        _ => format!("cell{}", l - CELL0),
    }
}
