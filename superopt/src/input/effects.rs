//! Which places an instruction reads, certainly overwrites, and may change, by iced's metadata.

use super::place::PlaceSet;
use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register};
use trinity_codegen::isa::forms::{Flags, may_keep_flags};

/// What an instruction does to places.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// Places it reads (also when only the merge with the old value needs them).
    pub reads: PlaceSet,
    /// Places whose old value is gone afterwards.
    pub kills: PlaceSet,
    /// Places that may change: `kills` and partial or conditional writes.
    pub writes: PlaceSet,
}

/// Flags from iced's bits.
pub(super) fn flags(bits: u32) -> PlaceSet {
    PlaceSet {
        flags: Flags::from_iced(bits).0,
        ..PlaceSet::EMPTY
    }
}

/// Whether it does nothing but take its place.
pub fn does_nothing(i: &Instruction) -> bool {
    matches!(i.mnemonic(), Mnemonic::Endbr64 | Mnemonic::Nop)
}

/// Effects of one instruction; calls and jumps are the caller's business.
pub fn effects(factory: &mut InstructionInfoFactory, i: &Instruction) -> Effects {
    let mut e = Effects::default();
    for u in factory.info(i).used_registers() {
        let r = u.register();
        let places = PlaceSet::register(r);
        let (reads, writes, certain) = match u.access() {
            OpAccess::Read | OpAccess::CondRead => (true, false, false),
            OpAccess::Write => (false, true, true),
            OpAccess::CondWrite => (false, true, false),
            OpAccess::ReadWrite => (true, true, true),
            OpAccess::ReadCondWrite => (true, true, false),
            OpAccess::None | OpAccess::NoMemAccess => (false, false, false),
        };
        // Writes of 8 and 16 bits keep the rest.
        let whole = !r.is_gpr() || r.size() >= 4;
        if reads {
            e.reads = e.reads.or(places);
        }
        if writes {
            e.writes = e.writes.or(places);
            match certain && whole {
                true => e.kills = e.kills.or(places),
                false => e.reads = e.reads.or(places),
            }
        }
    }
    e.reads = e.reads.or(flags(i.rflags_read()));
    let changed = flags(i.rflags_modified());
    e.writes = e.writes.or(changed);
    if may_keep_flags(i) {
        e.reads = e.reads.or(changed);
    } else {
        e.kills = e.kills.or(changed);
    }
    e
}

/// Whether it touches the stack pointer in any way.
pub fn uses_rsp(factory: &mut InstructionInfoFactory, i: &Instruction) -> bool {
    factory
        .info(i)
        .used_registers()
        .iter()
        .any(|u| u.register().is_gpr() && u.register().full_register() == Register::RSP)
}

/// Whether it changes the stack pointer.
pub fn changes_rsp(factory: &mut InstructionInfoFactory, i: &Instruction) -> bool {
    effects(factory, i).writes.contains(super::Place::Gpr(4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use iced_x86::{Code, Decoder, DecoderOptions};

    fn of(bytes: &[u8]) -> Effects {
        let i = Decoder::new(64, bytes, DecoderOptions::NONE).decode();
        assert_ne!(i.code(), Code::INVALID);
        effects(&mut InstructionInfoFactory::new(), &i)
    }

    #[test]
    fn widths_conditions_and_counts() {
        // mov eax, edi; mov al, dil; cmovne eax, edi
        assert_eq!(of(&[0x89, 0xf8]).kills.to_string(), "rax");
        let byte = of(&[0x40, 0x88, 0xf8]);
        assert!(byte.kills.is_empty());
        assert_eq!(byte.reads.to_string(), "rax rdi");
        let cmov = of(&[0x0f, 0x45, 0xc7]);
        assert_eq!(cmov.reads.to_string(), "rax rdi zf");
        // shl eax, cl keeps the flags when cl is zero; shl eax, 3 does not.
        assert!(of(&[0xd3, 0xe0]).kills.and(PlaceSet::FLAGS).is_empty());
        assert_eq!(
            of(&[0xc1, 0xe0, 3]).kills.and(PlaceSet::FLAGS),
            PlaceSet::FLAGS
        );
        // vaddpd xmm0, xmm1, xmm2 clears the upper half.
        assert_eq!(of(&[0xc5, 0xf1, 0x58, 0xc2]).kills.vec, 0xf);
        // addpd xmm0, xmm1 keeps it.
        assert_eq!(of(&[0x66, 0x0f, 0x58, 0xc1]).kills.vec, 0x3);
    }
}
