//! What goes into a run and what comes out of it.

/// The arithmetic flags in RFLAGS: CF, PF, AF, ZF, SF and OF. The only ones a [`State`] carries.
pub const ARITHMETIC_FLAGS: u64 = 0x8d5;

/// Memory that the code under test may touch: `bytes` bytes from `address` on, mapped at exactly that address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte. Above the first 64 KiB and below the kernel's half.
    pub address: u64,
    /// Length in bytes, more than 0.
    pub bytes: usize,
    /// Whether stores are allowed; the pages of a region that is not writable fault on a store.
    pub writable: bool,
}

impl Region {
    /// A region that can be read and written.
    pub const fn writable(address: u64, bytes: usize) -> Region {
        Region {
            address,
            bytes,
            writable: true,
        }
    }

    /// A region that can only be read.
    pub const fn read_only(address: u64, bytes: usize) -> Region {
        Region {
            address,
            bytes,
            writable: false,
        }
    }
}

/// Everything the code under test can see: before a run, or after one that did not fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// General registers by their number in the encoding: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15.
    pub gpr: [u64; 16],
    /// RFLAGS, of which only [`ARITHMETIC_FLAGS`] are set before and reported after.
    pub flags: u64,
    /// `ymm0` to `ymm15`, lowest byte first.
    pub ymm: [[u8; 32]; 16],
    /// The contents of all regions of the [`Runner`](super::Runner), one after another in its order.
    pub memory: Vec<u8>,
}

impl State {
    /// All zero, with `memory` zero bytes of memory.
    pub fn zero(memory: usize) -> State {
        State {
            gpr: [0; 16],
            flags: 0,
            ymm: [[0; 32]; 16],
            memory: vec![0; memory],
        }
    }
}

/// How one state ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The code ran to its end and left this.
    Done(Box<State>),
    /// The processor (or the time limit) stopped it.
    Fault(Fault),
}

impl Outcome {
    /// The final state, unless it faulted.
    pub fn done(&self) -> Option<&State> {
        match self {
            Outcome::Done(state) => Some(state),
            Outcome::Fault(_) => None,
        }
    }

    /// The fault, if there was one.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Outcome::Done(_) => None,
            Outcome::Fault(fault) => Some(*fault),
        }
    }
}

/// A fault and the instruction it stopped at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What the processor raised.
    pub kind: FaultKind,
    /// Offset of the faulting instruction from the start of the program; of the instruction after it for a trap
    /// ([`FaultKind::Breakpoint`], [`FaultKind::Kernel`]), and of any instruction for [`FaultKind::Timeout`]. It lies
    /// outside the program when the code jumped away.
    pub offset: i64,
}

/// Why the processor stopped, by exception vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// #PF: `address` is not mapped, or not with that right.
    Page {
        /// First byte on the page that faulted that the access touches.
        address: u64,
        /// A store, or a read-modify-write.
        write: bool,
    },
    /// #GP: a non-canonical address, or a misaligned operand of an instruction that needs alignment.
    Protection,
    /// #SS: a non-canonical address through the stack segment.
    Stack,
    /// #DE: division by zero, or a quotient that does not fit.
    Divide,
    /// #UD: no such instruction.
    InvalidOpcode,
    /// #BP, #DB: a breakpoint or single step.
    Breakpoint,
    /// #XM, #MF: an unmasked floating-point exception.
    FloatingPoint,
    /// #AC: alignment check.
    Alignment,
    /// The code tried to call the kernel.
    Kernel,
    /// The state ran longer than [`Limits::state`](super::Limits::state).
    Timeout,
    /// Any other exception, by vector number.
    Other(u8),
}
