//! Start states: every lane from the strata that some instruction treats in its own way.

use crate::{memory, word};
use trinity_codegen::isa::{Bits, Concrete, Machine};

/// Bytes of the only mapped memory.
pub const MEMORY: usize = 64;

/// Where it lies; a multiple of 32.
pub fn memory_address() -> u64 {
    0x4000_0000
}

/// A generator of numbers: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// What the instructions under test can see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// rax to r15; only rax is an operand, and rbx the memory's address.
    pub gpr: [u64; 16],
    /// CF, PF, AF, ZF, SF, OF.
    pub flags: [bool; 6],
    /// ymm0 to ymm4; the others are zero.
    pub vec: [[u64; 4]; 5],
    bytes: [u8; MEMORY],
}

impl State {
    /// The model's machine in this state.
    pub fn machine(&self) -> Machine<Concrete> {
        Machine {
            gpr: self.gpr.map(word),
            flags: self.flags.map(|f| Bits::new(1, f.into())),
            vec: std::array::from_fn(|r| self.vec.get(r).copied().unwrap_or([0; 4]).map(word)),
            mem: memory(&self.bytes),
            faults: Vec::new(),
            accesses: Vec::new(),
            imm: None,
            symbol: None,
        }
    }

    /// The state a machine is in.
    pub fn of(m: &Machine<Concrete>) -> State {
        assert!(m.gpr.iter().all(|w| w.width == 64));
        assert!(m.vec.iter().flatten().all(|w| w.width == 64));
        assert!(m.flags.iter().all(|w| w.width == 1));
        let value = |w: Bits| w.value as u64;
        let bytes = &m.mem.regions[0].bytes;
        State {
            gpr: m.gpr.map(value),
            flags: m.flags.map(|w| w.value == 1),
            vec: std::array::from_fn(|r| m.vec[r].map(value)),
            bytes: std::array::from_fn(|k| bytes[k]),
        }
    }
}

/// The names [`Machine::new`] gives, in the order of general registers, flags, vector words.
pub fn names() -> Vec<String> {
    let gpr = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15";
    let mut out: Vec<String> = gpr.split(' ').map(str::to_owned).collect();
    out.extend("cf pf af zf sf of".split(' ').map(str::to_owned));
    out.extend((0..64).map(|k| format!("ymm{}_{}", k / 4, k % 4)));
    out
}

/// A state at random.
pub fn filled(rng: &mut Rng) -> State {
    let kind = rng.below(4);
    let word = |rng: &mut Rng| match kind {
        0 => double(rng),
        1 => u64::from(single(rng)) << 32 | u64::from(single(rng)),
        2 => integers(rng),
        _ => match rng.below(3) {
            0 => double(rng),
            1 => u64::from(single(rng)) << 32 | u64::from(single(rng)),
            _ => integers(rng),
        },
    };
    let mut gpr = [0; 16];
    gpr[0] = if rng.below(2) == 0 {
        integers(rng)
    } else {
        double(rng)
    };
    gpr[3] = memory_address();
    let flags = rng.next();
    let vec = std::array::from_fn(|_| std::array::from_fn(|_| word(rng)));
    let mut bytes = [0; MEMORY];
    for chunk in bytes.chunks_exact_mut(8) {
        chunk.copy_from_slice(&word(rng).to_le_bytes());
    }
    State {
        gpr,
        flags: std::array::from_fn(|k| flags >> k & 1 == 1),
        vec,
        bytes,
    }
}

fn double(rng: &mut Rng) -> u64 {
    let magnitude = match rng.below(9) {
        0 => 0,
        1 => f64::INFINITY.to_bits(),
        // Quiet and signalling NaNs with payloads.
        2 => 0x7ff8 << 48 | rng.next() >> 13,
        3 => 0x7ff0 << 48 | (rng.next() >> 13).max(1),
        4 => rng.next() >> (12 + rng.below(50)),
        5 => rng.pick(&[
            f64::MAX.to_bits(),
            f64::MIN_POSITIVE.to_bits(),
            1f64.to_bits(),
            1f64.to_bits() - 1,
            1f64.to_bits() + 1,
            f64::from(f32::MAX).to_bits() + (1 << 28),
            f64::from(f32::MIN_POSITIVE).to_bits() - 1,
        ]),
        6 => {
            let near = 2f64.powi(rng.pick(&[31, 32, 63, 64, 52, 23, 0]));
            (near + (rng.below(9) as f64 - 4.0) * 0.5).to_bits()
        }
        7 => (rng.below(64) as f64 * 0.25).to_bits(),
        _ => rng.next() >> 1,
    };
    magnitude | rng.below(2) << 63
}

fn single(rng: &mut Rng) -> u32 {
    let random = rng.next() as u32;
    let magnitude = match rng.below(9) {
        0 => 0,
        1 => f32::INFINITY.to_bits(),
        2 => 0x7fc0_0000 | random >> 10,
        3 => 0x7f80_0000 | (random >> 10).max(1),
        4 => random >> (9 + rng.below(22)),
        5 => rng.pick(&[
            f32::MAX.to_bits(),
            f32::MIN_POSITIVE.to_bits(),
            1f32.to_bits(),
            1f32.to_bits() - 1,
            1f32.to_bits() + 1,
        ]),
        6 => {
            let near = rng.pick(&[31, 32, 63, 64, 23, 0]);
            (2f32.powi(near)).to_bits() + rng.below(5) as u32 - 2
        }
        7 => (rng.below(64) as f32 * 0.25).to_bits(),
        _ => random >> 1,
    };
    magnitude | (rng.below(2) as u32) << 31
}

/// A word of lanes of one width, each at an edge, a small count or anything.
fn integers(rng: &mut Rng) -> u64 {
    let w = rng.pick(&[8u32, 16, 32, 64]);
    let mask = u64::MAX >> (64 - w);
    let mut out = 0;
    for k in 0..64 / w {
        let v = match rng.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << (w - 1),
            3 => (1 << (w - 1)) - 1,
            4 => rng.below(70),
            5 => rng.below(5).wrapping_sub(2),
            _ => rng.next(),
        };
        out |= (v & mask) << (k * w);
    }
    out
}
