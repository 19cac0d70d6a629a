//! Start states: stratified values in registers, flags, vectors and memory, and addresses that point at the regions,
//! across their edges, and nowhere.

use iced_x86::{Instruction, Mnemonic, Register};
use rand::Rng;
use rand::seq::IndexedRandom;
use trinity_superopt::native::{ARITHMETIC_FLAGS, Region, State};

const PAGE: u64 = 4096;
/// Where the regions and the unmapped pages around them lie: `ARENA .. ARENA_END`, nothing else in it.
pub const ARENA: u64 = 0x2000_0000;
pub const ARENA_END: u64 = ARENA + 8 * PAGE;
const BYTES: u64 = 128;

/// Exact at its upper end.
const LOW: Region = Region::writable(ARENA + 2 * PAGE - BYTES, BYTES as usize);
/// Exact at its lower end.
const HIGH: Region = Region::writable(ARENA + 3 * PAGE, BYTES as usize);
/// Exact at its upper end; stores fault.
const READ_ONLY: Region = Region::read_only(ARENA + 6 * PAGE - BYTES, BYTES as usize);

pub const REGIONS: [Region; 3] = [LOW, HIGH, READ_ONLY];

/// Whether what an access to this byte does is known: it is in a region, or surely not mapped.
pub fn certain(address: u64) -> bool {
    let in_region = |region: &Region| address.wrapping_sub(region.address) < region.bytes as u64;
    let on_its_page = |region: &Region| address / PAGE == region.address / PAGE;
    if REGIONS.iter().any(in_region) {
        return true;
    }
    let in_arena = (ARENA..ARENA_END).contains(&address) && !REGIONS.iter().any(on_its_page);
    let never_mapped = address < 0x1000;
    in_arena || never_mapped || !canonical(address)
}

pub fn canonical(address: u64) -> bool {
    matches!(address >> 47, 0 | 0x1_ffff)
}

/// A start state for `instruction`.
pub fn state(rng: &mut impl Rng, instruction: &Instruction) -> State {
    let mut state = State::zero(0);
    for index in 0..16 {
        state.gpr[index] = match rng.random_range(0..8) {
            0 if index > 0 => {
                let other = state.gpr[rng.random_range(0..index)];
                other.wrapping_add_signed(rng.random_range(-2..=2))
            }
            _ => word(rng),
        };
        state.ymm[index] = match rng.random_range(0..8) {
            0 if index > 0 => state.ymm[rng.random_range(0..index)],
            _ => vector(rng),
        };
    }
    state.flags = rng.random::<u64>() & ARITHMETIC_FLAGS;
    let bytes: usize = REGIONS.iter().map(|region| region.bytes).sum();
    state.memory = (0..bytes / 32).flat_map(|_| vector(rng)).collect();
    shape_division(rng, instruction, &mut state);
    aim(rng, instruction, &mut state);
    state
}

/// Half of all divisions are made to have a quotient that may fit.
fn shape_division(rng: &mut impl Rng, instruction: &Instruction, state: &mut State) {
    if rng.random_bool(0.5) {
        return;
    }
    let (rax, rdx) = (state.gpr[0], &mut state.gpr[2]);
    *rdx = match instruction.mnemonic() {
        Mnemonic::Div => u64::from(rng.random::<u8>() & 3),
        Mnemonic::Idiv => (rax as i64 >> 63) as u64 ^ u64::from(rng.random_bool(0.2)),
        _ => return,
    };
}

/// Sets the registers of the address, so that it points where an access is worth testing.
fn aim(rng: &mut impl Rng, instruction: &Instruction, state: &mut State) {
    const RSP: usize = 4;
    let bytes = instruction.memory_size().size() as u64;
    if instruction.is_stack_instruction() {
        let increment = i64::from(instruction.stack_pointer_increment());
        state.gpr[RSP] =
            target(rng, increment.unsigned_abs()).wrapping_sub(increment.min(0) as u64);
    }
    let (base, index) = (instruction.memory_base(), instruction.memory_index());
    let has_base = base.is_gpr();
    let has_index = index.is_gpr();
    if !has_base && !has_index {
        return;
    }
    let target = target(rng, bytes);
    let scale = u64::from(instruction.memory_index_scale());
    let number = |register: Register| register.full_register().number();
    let rest = target.wrapping_sub(instruction.memory_displacement64());
    let (register, value) = if has_base && has_index && number(base) == number(index) {
        // base * (1 + scale) = rest; 1 + scale is 2, 3, 5 or 9.
        let factor = 1 + scale;
        let value = if factor == 2 {
            rest / 2
        } else {
            rest.wrapping_mul(inverse(factor))
        };
        (
            base,
            if base.is_gpr32() {
                (rest as u32).wrapping_mul(inverse(factor) as u32).into()
            } else {
                value
            },
        )
    } else if has_base {
        let offset = if has_index {
            read(state, index).wrapping_mul(scale)
        } else {
            0
        };
        (base, rest.wrapping_sub(offset))
    } else {
        (index, rest / scale)
    };
    let whole = &mut state.gpr[number(register)];
    // With 32-bit address registers the upper half must not matter.
    *whole = if register.is_gpr32() {
        *whole & !0xffff_ffff | value & 0xffff_ffff
    } else {
        value
    };
}

fn read(state: &State, register: Register) -> u64 {
    let whole = state.gpr[register.full_register().number()];
    if register.is_gpr32() {
        whole & 0xffff_ffff
    } else {
        whole
    }
}

/// Inverse of an odd number modulo 2^64, by Newton's iteration.
fn inverse(odd: u64) -> u64 {
    (0..6).fold(odd, |x, _| {
        x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)))
    })
}

/// Where an access of `bytes` bytes goes.
pub fn target(rng: &mut impl Rng, bytes: u64) -> u64 {
    let region = *[LOW, LOW, HIGH, READ_ONLY].choose(rng).unwrap_or(&LOW);
    let size = region.bytes as u64;
    let last = size.saturating_sub(bytes);
    match rng.random_range(0..100) {
        0..40 => region.address + rng.random_range(0..=last),
        40..75 => region.address + rng.random_range(0..=last) / 32 * 32,
        75..82 => LOW.address + size - bytes.min(size),
        82..89 => LOW.address + size - rng.random_range(0..bytes.clamp(1, 64)),
        89..94 => HIGH.address - rng.random_range(0..bytes.clamp(1, 64)),
        94..96 => ARENA + PAGE / 2 + rng.random_range(0..64),
        96..98 => rng.random_range(0..256),
        _ => 1 << 63 | rng.random_range(0..1u64 << 40),
    }
}

/// A word from all the strata that matter to some instruction.
pub fn word(rng: &mut impl Rng) -> u64 {
    const EDGES: [u64; 16] = [
        0,
        1,
        2,
        u64::MAX,
        u64::MAX - 1,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1_0000_0000,
        i64::MAX as u64,
        i64::MIN as u64,
    ];
    match rng.random_range(0..11) {
        0 => *EDGES.choose(rng).unwrap_or(&0),
        1 => 1 << rng.random_range(0..64),
        2 => (1u64 << rng.random_range(0..64)).wrapping_sub(1 << rng.random_range(0..64)),
        3 => rng.random::<u64>() & rng.random::<u64>() & rng.random::<u64>(),
        4 => rng.random::<u64>() | rng.random::<u64>() | rng.random::<u64>(),
        5 | 6 => rng.random_range(0..=70),
        7 => u64::from(rng.random::<u8>()) * 0x0101_0101_0101_0101,
        8 => i64::from(rng.random::<i32>()) as u64,
        _ => rng.random(),
    }
}

/// 32 bytes of lanes of one kind.
fn vector(rng: &mut impl Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    match rng.random_range(0..7) {
        0 => rng.fill(&mut bytes),
        1 => lanes(&mut bytes, 1, || word(rng)),
        2 => lanes(&mut bytes, 2, || word(rng)),
        3 => lanes(&mut bytes, 4, || word(rng)),
        4 => lanes(&mut bytes, 8, || word(rng)),
        5 => lanes(&mut bytes, 8, || double(rng).to_bits()),
        _ => lanes(&mut bytes, 4, || single(rng).to_bits().into()),
    }
    bytes
}

fn lanes(bytes: &mut [u8; 32], width: usize, mut value: impl FnMut() -> u64) {
    for lane in bytes.chunks_exact_mut(width) {
        lane.copy_from_slice(&value().to_le_bytes()[..width]);
    }
}

fn double(rng: &mut impl Rng) -> f64 {
    let value = match rng.random_range(0..10) {
        0 => *[0.0, 1.0, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE]
            .choose(rng)
            .unwrap_or(&0.0),
        1 => f64::from_bits(0x7ff0_0000_0000_0000 | rng.random::<u64>() >> 12),
        2 => f64::from_bits(rng.random::<u64>() >> rng.random_range(12..64)),
        3 => f64::from(rng.random_range(0..8)) + 0.5,
        4 => f64::from(rng.random_range(-300i32..300)),
        5 => {
            2f64.powi(*[31, 32, 63, 64].choose(rng).unwrap_or(&31))
                + f64::from(rng.random_range(-2i32..=2)) * 0.5
        }
        6 => f64::from(f32::from_bits(rng.random())),
        7 => rng.random_range(-4.0..4.0),
        _ => f64::from_bits(rng.random()),
    };
    if rng.random_bool(0.5) { -value } else { value }
}

fn single(rng: &mut impl Rng) -> f32 {
    let value = match rng.random_range(0..10) {
        0 => *[0.0, 1.0, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE]
            .choose(rng)
            .unwrap_or(&0.0),
        1 => f32::from_bits(0x7f80_0000 | rng.random::<u32>() >> 9),
        2 => f32::from_bits(rng.random::<u32>() >> rng.random_range(9..32)),
        3 => rng.random_range(0..8) as f32 + 0.5,
        4 => rng.random_range(-300i32..300) as f32,
        5 => 2f32.powi(*[31, 32, 63, 64].choose(rng).unwrap_or(&31)),
        6 => rng.random_range(-4.0..4.0),
        _ => f32::from_bits(rng.random()),
    };
    if rng.random_bool(0.5) { -value } else { value }
}
