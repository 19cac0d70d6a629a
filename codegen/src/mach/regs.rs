//! Physical registers as the allocator numbers them, and which of them it may use.

use crate::ir::{Clobbers, PReg, Type};
use regalloc2 as ra;

/// Our register as the allocator's.
#[inline]
pub(crate) fn to_ra(r: PReg) -> ra::PReg {
    let class = if r.is_xmm() {
        ra::RegClass::Float
    } else {
        ra::RegClass::Int
    };
    ra::PReg::new(r.hw() as usize, class)
}

/// The allocator's register as ours.
#[inline]
pub(crate) fn from_ra(r: ra::PReg) -> PReg {
    match r.class() {
        ra::RegClass::Float => PReg::xmm(r.hw_enc() as u8),
        _ => PReg::gpr(r.hw_enc() as u8),
    }
}

/// The register class of a type.
#[inline]
pub(crate) fn class_of(ty: Type) -> ra::RegClass {
    match ty {
        Type::I64 => ra::RegClass::Int,
        Type::F64 | Type::V128 | Type::V256 => ra::RegClass::Float,
    }
}

/// What a call destroys.
pub(crate) fn clobber_set(c: Clobbers) -> ra::PRegSet {
    let mut set = ra::PRegSet::empty();
    for &r in PReg::ALL {
        let survives = match c {
            Clobbers::All => !r.is_allocatable(),
            Clobbers::Saves | Clobbers::Keeps | Clobbers::Finds | Clobbers::Looks => true,
            Clobbers::SysV
            | Clobbers::Reads
            | Clobbers::Homes
            | Clobbers::Pure
            | Clobbers::Elements => {
                !r.is_allocatable() || matches!(r, PReg::Rbp | PReg::R12 | PReg::R13 | PReg::R15)
            }
        };
        if !survives {
            set.add(to_ra(r));
        }
    }
    set
}

/// The registers the allocator may use: those with short encodings first, C-callee-saved ones last.
pub(crate) fn machine_env() -> ra::MachineEnv {
    let mut preferred = [ra::PRegSet::empty(); 3];
    let mut others = [ra::PRegSet::empty(); 3];
    for &r in PReg::ALL.iter().filter(|r| r.is_allocatable()) {
        let class = to_ra(r).class() as usize;
        let callee_saved = matches!(r, PReg::Rbp | PReg::R12 | PReg::R13 | PReg::R15);
        let set = if callee_saved {
            &mut others
        } else {
            &mut preferred
        };
        set[class].add(to_ra(r));
    }
    ra::MachineEnv {
        preferred_regs_by_class: preferred,
        non_preferred_regs_by_class: others,
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    }
}
