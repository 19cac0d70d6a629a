//! Places a program reads and writes, and sets of them.

use iced_x86::Register;
use std::fmt;
use trinity_codegen::isa::{Domain, Flag, Machine};

/// A register of the model: a whole general register, a flag, or a 64-bit word of a vector register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// By number in the encoding: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15.
    Gpr(u8),
    /// An arithmetic flag.
    Flag(Flag),
    /// Word `1` (0 to 3, the lowest first) of `ymm0` to `ymm15`.
    Vec(u8, u8),
}

const GPR: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15",
];
const FLAGS: [&str; 6] = ["cf", "pf", "af", "zf", "sf", "of"];

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Gpr(n) => f.pad(GPR[*n as usize & 15]),
            Place::Flag(x) => f.pad(FLAGS[*x as usize]),
            Place::Vec(n, w) => f.pad(&format!("ymm{n}_{w}")),
        }
    }
}

impl Place {
    /// Width in bits: 64, or 1 for flags.
    pub const fn width(self) -> u32 {
        match self {
            Place::Flag(_) => 1,
            _ => 64,
        }
    }

    /// The value it has in a machine.
    pub fn of<D: Domain>(self, m: &Machine<D>) -> D::W {
        match self {
            Place::Gpr(n) => m.gpr[n as usize].clone(),
            Place::Flag(f) => m.flag(f),
            Place::Vec(n, w) => m.vec[n as usize][w as usize].clone(),
        }
    }

    /// Gives it a value.
    pub fn set<D: Domain>(self, m: &mut Machine<D>, v: D::W) {
        match self {
            Place::Gpr(n) => m.gpr[n as usize] = v,
            Place::Flag(f) => m.set_flag(f, v),
            Place::Vec(n, w) => m.vec[n as usize][w as usize] = v,
        }
    }
}

/// A set of places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct PlaceSet {
    /// Bit n is general register n.
    pub gpr: u16,
    /// Bit n is flag n.
    pub flags: u8,
    /// Bit 4 n + w is word w of ymm n.
    pub vec: u64,
}

impl PlaceSet {
    /// No place.
    pub const EMPTY: PlaceSet = PlaceSet {
        gpr: 0,
        flags: 0,
        vec: 0,
    };
    /// Every place.
    pub const ALL: PlaceSet = PlaceSet {
        gpr: u16::MAX,
        flags: 0x3f,
        vec: u64::MAX,
    };
    /// The stack pointer.
    pub const RSP: PlaceSet = PlaceSet {
        gpr: 1 << 4,
        flags: 0,
        vec: 0,
    };
    /// All six flags.
    pub const FLAGS: PlaceSet = PlaceSet {
        gpr: 0,
        flags: 0x3f,
        vec: 0,
    };
    /// What a called function may overwrite: rax, rcx, rdx, rsi, rdi, r8 to r11, flags, vector registers.
    pub const CALLER_SAVED: PlaceSet = PlaceSet {
        gpr: 0x0fc7,
        flags: 0x3f,
        vec: u64::MAX,
    };
    /// What it must preserve: rbx, rsp, rbp, r12 to r15.
    pub const CALLEE_SAVED: PlaceSet = PlaceSet {
        gpr: 0xf038,
        flags: 0,
        vec: 0,
    };

    /// One place.
    pub fn one(p: Place) -> PlaceSet {
        let mut s = PlaceSet::EMPTY;
        s.insert(p);
        s
    }
    /// Adds a place.
    pub fn insert(&mut self, p: Place) {
        match p {
            Place::Gpr(n) => self.gpr |= 1 << n,
            Place::Flag(f) => self.flags |= 1 << f as u8,
            Place::Vec(n, w) => self.vec |= 1 << (4 * n + w),
        }
    }
    /// Whether a place is in it.
    pub fn contains(&self, p: Place) -> bool {
        !PlaceSet::one(p).and(*self).is_empty()
    }
    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.gpr == 0 && self.flags == 0 && self.vec == 0
    }
    /// Places in either.
    #[must_use]
    pub const fn or(self, o: PlaceSet) -> PlaceSet {
        PlaceSet {
            gpr: self.gpr | o.gpr,
            flags: self.flags | o.flags,
            vec: self.vec | o.vec,
        }
    }
    /// Places in both.
    #[must_use]
    pub const fn and(self, o: PlaceSet) -> PlaceSet {
        PlaceSet {
            gpr: self.gpr & o.gpr,
            flags: self.flags & o.flags,
            vec: self.vec & o.vec,
        }
    }
    /// Places in this one only.
    #[must_use]
    pub const fn minus(self, o: PlaceSet) -> PlaceSet {
        PlaceSet {
            gpr: self.gpr & !o.gpr,
            flags: self.flags & !o.flags,
            vec: self.vec & !o.vec,
        }
    }
    /// All places, general registers first.
    pub fn iter(&self) -> impl Iterator<Item = Place> + use<> {
        let s = *self;
        let gpr = (0..16u8)
            .filter(move |n| s.gpr >> n & 1 == 1)
            .map(Place::Gpr);
        let flags = Flag::ALL
            .into_iter()
            .filter(move |f| s.flags >> *f as u8 & 1 == 1)
            .map(Place::Flag);
        let vec = (0..64u8)
            .filter(move |n| s.vec >> n & 1 == 1)
            .map(|n| Place::Vec(n / 4, n % 4));
        gpr.chain(flags).chain(vec)
    }
    /// The places of a register of any width; nothing for those the model does not have.
    pub fn register(r: Register) -> PlaceSet {
        let mut s = PlaceSet::EMPTY;
        if r.is_gpr() {
            let n = r.full_register() as u32 - Register::RAX as u32;
            s.gpr = if n < 16 { 1 << n } else { 0 };
        } else if r.is_vector_register() && r.number() < 16 {
            let words = if r.is_xmm() { 0b11 } else { 0b1111 };
            s.vec = words << (4 * r.number());
        }
        s
    }
}

impl FromIterator<Place> for PlaceSet {
    fn from_iter<T: IntoIterator<Item = Place>>(places: T) -> PlaceSet {
        let mut s = PlaceSet::EMPTY;
        places.into_iter().for_each(|p| s.insert(p));
        s
    }
}

impl fmt::Display for PlaceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.iter().map(|p| p.to_string()).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_registers() {
        let s = PlaceSet::register(Register::R9D)
            .or(PlaceSet::register(Register::XMM2))
            .or(PlaceSet::one(Place::Flag(Flag::Zf)));
        assert_eq!(s.to_string(), "r9 zf ymm2_0 ymm2_1");
        assert_eq!(s.iter().collect::<PlaceSet>(), s);
        assert!(
            PlaceSet::CALLEE_SAVED
                .and(PlaceSet::CALLER_SAVED)
                .is_empty()
        );
        assert_eq!(
            PlaceSet::CALLEE_SAVED.or(PlaceSet::CALLER_SAVED).gpr,
            0xffff
        );
        assert_eq!(
            PlaceSet::register(Register::AH),
            PlaceSet::one(Place::Gpr(0))
        );
        assert!(PlaceSet::register(Register::FS).is_empty());
    }
}
