//! What the model says of an instruction and a start state, and which bits it leaves undefined.
//!
//! The model is run twice, with everything undefined once all zeros and once all ones; bits that differ are the ones
//! the processor may choose.

use iced_x86::Instruction;
use trinity_codegen::isa::concrete::ConcreteRegion;
use trinity_codegen::isa::{
    BinOp, Bits, CmpOp, Concrete, ConcreteMemory, Domain, FaultKind, Flag, FpOp, Machine, UnOp,
    Unsupported, execute,
};
use trinity_superopt::native::{self, State};

use crate::states::{self, REGIONS};

/// The concrete domain with undefined words all zeros or all ones.
struct Filled {
    ones: bool,
}

impl Domain for Filled {
    type W = Bits;
    type M = ConcreteMemory;

    fn undefined(&mut self, width: u32) -> Bits {
        Bits::new(width, if self.ones { u128::MAX } else { 0 })
    }

    fn constant(&mut self, width: u32, value: u128) -> Bits {
        Concrete.constant(width, value)
    }
    fn width(&self, w: &Bits) -> u32 {
        Concrete.width(w)
    }
    fn as_constant(&self, w: &Bits) -> Option<u128> {
        Concrete.as_constant(w)
    }
    fn un(&mut self, op: UnOp, a: &Bits) -> Bits {
        Concrete.un(op, a)
    }
    fn bin(&mut self, op: BinOp, a: &Bits, b: &Bits) -> Bits {
        Concrete.bin(op, a, b)
    }
    fn cmp(&mut self, op: CmpOp, a: &Bits, b: &Bits) -> Bits {
        Concrete.cmp(op, a, b)
    }
    fn ite(&mut self, c: &Bits, a: &Bits, b: &Bits) -> Bits {
        Concrete.ite(c, a, b)
    }
    fn extract(&mut self, a: &Bits, lo: u32, width: u32) -> Bits {
        Concrete.extract(a, lo, width)
    }
    fn concat(&mut self, hi: &Bits, lo: &Bits) -> Bits {
        Concrete.concat(hi, lo)
    }
    fn zext(&mut self, a: &Bits, width: u32) -> Bits {
        Concrete.zext(a, width)
    }
    fn sext(&mut self, a: &Bits, width: u32) -> Bits {
        Concrete.sext(a, width)
    }
    fn fp(&mut self, op: FpOp, args: &[Bits]) -> Bits {
        Concrete.fp(op, args)
    }
    fn mapped(&mut self, m: &ConcreteMemory, addr: &Bits, bytes: u32, write: bool) -> Bits {
        Concrete.mapped(m, addr, bytes, write)
    }
    fn load(&mut self, m: &ConcreteMemory, addr: &Bits, bytes: u32) -> Bits {
        Concrete.load(m, addr, bytes)
    }
    fn store(&mut self, m: &mut ConcreteMemory, addr: &Bits, value: &Bits) {
        Concrete.store(m, addr, value);
    }
    fn ite_memory(&mut self, c: &Bits, a: &ConcreteMemory, b: &ConcreteMemory) -> ConcreteMemory {
        Concrete.ite_memory(c, a, b)
    }
}

/// What the model expects.
pub struct Expectation {
    /// The faults that happen, in the model's order. None: the state below.
    pub faults: Vec<FaultKind>,
    /// Address and size of every access.
    pub accesses: Vec<(u64, u64)>,
    /// The state after, when there is no fault.
    pub state: State,
    /// Bits of it that are undefined.
    pub undefined: State,
}

/// The model's answer; `None` where an access touches something that may or may not be mapped.
pub fn expect(
    instruction: &Instruction,
    before: &State,
) -> Result<Option<Expectation>, Unsupported> {
    let (zeros, accesses, faults) = run(instruction, before, false)?;
    let certain = |&(address, bytes): &(u64, u64)| {
        (0..bytes).all(|at| states::certain(address.wrapping_add(at)))
    };
    if !accesses.iter().all(certain) {
        return Ok(None);
    }
    let (ones, ..) = run(instruction, before, true)?;
    let undefined = difference(&zeros, &ones);
    Ok(Some(Expectation {
        faults,
        accesses,
        state: zeros,
        undefined,
    }))
}

/// Bits in which two states differ.
pub fn difference(a: &State, b: &State) -> State {
    State {
        gpr: std::array::from_fn(|i| a.gpr[i] ^ b.gpr[i]),
        flags: a.flags ^ b.flags,
        ymm: std::array::from_fn(|i| std::array::from_fn(|j| a.ymm[i][j] ^ b.ymm[i][j])),
        memory: a.memory.iter().zip(&b.memory).map(|(a, b)| a ^ b).collect(),
    }
}

type Ran = (State, Vec<(u64, u64)>, Vec<FaultKind>);

fn run(instruction: &Instruction, before: &State, ones: bool) -> Result<Ran, Unsupported> {
    let mut machine = machine(before);
    execute(&mut Filled { ones }, &mut machine, instruction)?;
    let mut state = State::zero(0);
    state.gpr = std::array::from_fn(|i| machine.gpr[i].value as u64);
    state.flags = Flag::ALL.iter().fold(0, |flags, &flag| {
        flags | (machine.flag(flag).value as u64) << flag.rflags_bit()
    });
    for (bytes, words) in state.ymm.iter_mut().zip(&machine.vec) {
        for (lane, word) in bytes.chunks_exact_mut(8).zip(words) {
            assert_eq!(word.width, 64, "a vector register holds words of 64 bits");
            lane.copy_from_slice(&(word.value as u64).to_le_bytes());
        }
    }
    assert!(
        machine.gpr.iter().all(|word| word.width == 64),
        "a general register holds 64 bits"
    );
    assert!(
        machine.flags.iter().all(|word| word.width == 1),
        "a flag is one bit"
    );
    state.memory = machine
        .mem
        .regions
        .iter()
        .flat_map(|region| region.bytes.iter().copied())
        .collect();
    let accesses = machine
        .accesses
        .iter()
        .map(|access| (access.addr.value as u64, access.bytes.into()))
        .collect();
    let faults = machine
        .faults
        .iter()
        .filter(|fault| fault.when.value == 1)
        .map(|fault| fault.kind)
        .collect();
    Ok((state, accesses, faults))
}

fn machine(state: &State) -> Machine<Filled> {
    let word = |value: u64| Bits::new(64, value.into());
    let lane = |bytes: &[u8; 32], index: usize| {
        word(
            bytes[8 * index..8 * index + 8]
                .iter()
                .rev()
                .fold(0, |value, &byte| value << 8 | u64::from(byte)),
        )
    };
    let mut start = 0;
    let regions = REGIONS.iter().map(|region| {
        let bytes = state.memory[start..start + region.bytes].to_vec();
        start += region.bytes;
        ConcreteRegion {
            base: region.address,
            bytes,
            writable: region.writable,
        }
    });
    Machine {
        mem: ConcreteMemory {
            regions: regions.collect(),
        },
        gpr: state.gpr.map(word),
        flags: Flag::ALL.map(|flag| Bits::new(1, (state.flags >> flag.rflags_bit() & 1).into())),
        vec: std::array::from_fn(|i| std::array::from_fn(|j| lane(&state.ymm[i], j))),
        faults: Vec::new(),
        accesses: Vec::new(),
        imm: None,
        symbol: None,
    }
}

/// Whether the processor's fault is one the model has.
pub fn same_fault(expected: &Expectation, fault: native::FaultKind) -> bool {
    let accessed = |address: u64| {
        expected
            .accesses
            .iter()
            .any(|&(first, bytes)| address.wrapping_sub(first) < bytes)
    };
    let wild = || {
        let touched = |&(first, bytes): &(u64, u64)| {
            !states::canonical(first)
                || !states::canonical(first.wrapping_add(bytes.saturating_sub(1)))
        };
        expected.accesses.iter().any(touched)
    };
    expected.faults.iter().any(|kind| match (kind, fault) {
        (FaultKind::Page, native::FaultKind::Page { address, .. }) => accessed(address),
        // An address that is not canonical is not mapped either; the processor tells the two apart, the model does not.
        (FaultKind::Page, native::FaultKind::Protection | native::FaultKind::Stack) => wild(),
        (FaultKind::Alignment, native::FaultKind::Protection) => true,
        (FaultKind::Divide, native::FaultKind::Divide) => true,
        _ => false,
    })
}
