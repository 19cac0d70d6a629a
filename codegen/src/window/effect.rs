//! What one instruction reads and writes of general registers and flags.

use crate::isa::forms::{Flags, may_keep_flags};
use iced_x86::{
    FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};
use std::ops::{BitAnd, BitOr, Not};

/// General registers, a bit for each by number, and flags, a bit for each by [`crate::isa::Flag`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Live {
    /// Registers.
    pub gpr: u16,
    /// Flags.
    pub flags: u8,
}

impl Live {
    /// Nothing.
    pub const NONE: Live = Live { gpr: 0, flags: 0 };
    /// The stack pointer, the base and the thread.
    pub const PINNED: Live = Live {
        gpr: 1 << 3 | 1 << 4 | 1 << 14,
        flags: 0,
    };
    /// All flags, and no register.
    pub const FLAGS: Live = Live {
        gpr: 0,
        flags: 0x3f,
    };
}

impl BitOr for Live {
    type Output = Live;
    fn bitor(self, o: Live) -> Live {
        Live {
            gpr: self.gpr | o.gpr,
            flags: self.flags | o.flags,
        }
    }
}

impl BitAnd for Live {
    type Output = Live;
    fn bitand(self, o: Live) -> Live {
        Live {
            gpr: self.gpr & o.gpr,
            flags: self.flags & o.flags,
        }
    }
}

impl Not for Live {
    type Output = Live;
    fn not(self) -> Live {
        Live {
            gpr: !self.gpr,
            flags: !self.flags & 0x3f,
        }
    }
}

/// What an instruction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effect {
    /// What its results may depend on; what it writes in part only is among it.
    pub reads: Live,
    /// What it may change.
    pub writes: Live,
    /// What it always gives a new value that does not depend on the old one.
    pub kills: Live,
    /// Registers that are no operand of it in its text, or one that cannot be another.
    pub implied: u16,
    /// It may be part of a window.
    pub usable: bool,
}

/// The number of a general register of any width.
pub(super) fn number(r: Register) -> Option<u8> {
    r.is_gpr()
        .then(|| r.full_register() as u32 - Register::RAX as u32)
        .map(|n| n as u8)
}

/// Whether an encoding names cl by itself: a shift or rotation by it. (iced's tables of operands would say so too, but are made with all their
/// texts when they are first asked for, which takes longer than to compile a small program.)
fn counts_by_cl(i: &Instruction) -> bool {
    use Mnemonic::{Rcl, Rcr, Rol, Ror, Sal, Sar, Shl, Shld, Shr, Shrd};
    let last = i.op_count().saturating_sub(1);
    let shifts = matches!(
        i.mnemonic(),
        Rcl | Rcr | Rol | Ror | Sal | Sar | Shl | Shld | Shr | Shrd
    );
    shifts && last > 0 && i.op_kind(last) == OpKind::Register && i.op_register(last) == Register::CL
}

/// The effect of an instruction.
pub fn effect(i: &Instruction, factory: &mut InstructionInfoFactory) -> Effect {
    let mut e = Effect {
        reads: Live::NONE,
        writes: Live::NONE,
        kills: Live::NONE,
        implied: 0,
        usable: true,
    };
    let info = factory.info(i);
    let mut explicit = 0u16;
    for n in 0..i.op_count() {
        match i.op_kind(n) {
            OpKind::Register => match number(i.op_register(n)) {
                Some(r) => explicit |= 1 << r,
                None => e.usable = false,
            },
            OpKind::Memory => {
                let rip = i.is_ip_rel_memory_operand();
                let thread = [i.memory_base(), i.memory_index()].contains(&Register::R14);
                let wide = |r: Register| r == Register::None || r.is_gpr64();
                let plain = wide(i.memory_base()) && wide(i.memory_index());
                let moves = i.mnemonic() != Mnemonic::Lea;
                e.usable &=
                    !rip && plain && !(thread && moves) && i.memory_base() != Register::None;
                e.usable &= i.segment_prefix() == Register::None;
                for r in [i.memory_base(), i.memory_index()] {
                    explicit |= number(r).map_or(0, |r| 1 << r);
                }
            }
            _ => {}
        }
    }
    for u in info.used_registers() {
        let r = u.register();
        let Some(n) = number(r) else {
            e.usable = false;
            continue;
        };
        let bit = 1u16 << n;
        use OpAccess::{CondRead, CondWrite, Read, ReadCondWrite, ReadWrite, Write};
        let (read, write) = match u.access() {
            Read | CondRead => (true, false),
            Write => (r.size() < 4, true),
            CondWrite | ReadWrite | ReadCondWrite => (true, true),
            _ => (false, false),
        };
        e.reads.gpr |= if read { bit } else { 0 };
        e.writes.gpr |= if write { bit } else { 0 };
        if u.access() == Write && r.size() >= 4 {
            e.kills.gpr |= bit;
        }
        e.implied |= bit & !explicit;
        e.usable &= !matches!(r, Register::AH | Register::BH | Register::CH | Register::DH);
    }
    if counts_by_cl(i) {
        e.implied |= 1 << 1;
    }
    e.reads.flags = Flags::from_iced(i.rflags_read()).0;
    e.writes.flags = Flags::from_iced(i.rflags_modified()).0;
    if may_keep_flags(i) {
        e.reads.flags |= e.writes.flags;
    } else {
        e.kills.flags = e.writes.flags;
    }
    e.usable &= i.flow_control() == FlowControl::Next
        && !i.is_stack_instruction()
        && !i.has_lock_prefix()
        && !i.has_rep_prefix()
        && !i.has_repne_prefix()
        && !matches!(
            i.mnemonic(),
            Mnemonic::Idiv | Mnemonic::Div | Mnemonic::In | Mnemonic::Out
        )
        && (e.writes & Live::PINNED) == Live::NONE;
    e
}
