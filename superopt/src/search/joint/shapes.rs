//! Variants of instructions with what they read and write: general registers, in holes or named, and flags.

use super::super::loc::{self, Loc, Set};
use super::super::opset::OpSet;
use super::super::variant::Tape;
use iced_x86::{Code, Mnemonic};
use std::rc::Rc;

/// The carry, zero, sign and overflow flags.
pub const FLAGS: [Loc; 4] = [16, 19, 20, 21];

/// An operand or result: a hole of the variant, or a register that it names itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The register in this hole.
    Hole(u8),
    /// This register.
    Fixed(u8),
}

/// A variant with what it reads and writes.
pub struct Shape {
    /// Its number in the set.
    pub variant: u32,
    /// Registers read.
    pub reads: Vec<Place>,
    /// Registers written.
    pub writes: Vec<Place>,
    /// Flags read, by position in [`FLAGS`].
    pub flag_reads: Vec<usize>,
    /// Flags changed, by position, undefined ones included.
    pub flag_writes: Vec<usize>,
    /// Flags that are left undefined.
    pub undefined: Vec<usize>,
    /// It clears its register, whatever was in it.
    pub clears: bool,
    /// What it does.
    pub tape: Rc<Tape>,
    /// In hundredths of a cycle.
    pub cost: u64,
    /// It may fault.
    pub faults: bool,
    /// Its flags are looked at as sources of conditions.
    pub source: bool,
}

/// The variants that take part.
pub fn shapes(ops: &OpSet) -> Vec<Shape> {
    let mut out = Vec::new();
    for (n, v) in ops.variants.iter().enumerate() {
        if v.holes.iter().any(|h| h.is_vec()) || v.proto.code() == Code::Mov_r64_rm64 {
            continue;
        }
        let regs = [8u8, 9, 10, 11];
        let gprs: Set = 0xffff;
        let live = FLAGS
            .iter()
            .fold(gprs | loc::bit(loc::FAULT), |s, f| s | loc::bit(*f));
        let Some(tape) = v.tape(v.wanted(&regs, live)) else {
            continue;
        };
        let at = |s: Set| {
            (0..4)
                .filter(|i| s & loc::bit(FLAGS[*i]) != 0)
                .collect::<Vec<_>>()
        };
        let fixed = |s: Set| {
            (0..16u8)
                .filter(move |r| s & loc::bit((*r).into()) != 0)
                .map(Place::Fixed)
        };
        let holes = |m: u8| (0..4u8).filter(move |k| m >> k & 1 == 1).map(Place::Hole);
        let reads: Vec<Place> = fixed(tape.reads).chain(holes(tape.reads_holes)).collect();
        let writes: Vec<Place> = fixed(v.writes).chain(holes(v.writes_holes)).collect();
        let undefined = at(v.undefined);
        let flag_reads = at(tape.reads);
        if reads.len() > 3 || v.undefined & gprs != 0 || tape.reads & !(gprs | live) != 0 {
            continue;
        }
        use Mnemonic::*;
        let source = matches!(
            v.proto.mnemonic(),
            Add | Sub
                | Adc
                | Sbb
                | Adcx
                | Adox
                | Cmp
                | Test
                | And
                | Neg
                | Bt
                | Shl
                | Shr
                | Dec
                | Inc
        );
        if writes.is_empty() && !source {
            continue;
        }
        out.push(Shape {
            variant: n as u32,
            reads,
            writes,
            flag_reads,
            flag_writes: at(v.writes),
            undefined,
            clears: v.clears,
            tape,
            // Moves take no time, but an instruction is an instruction.
            cost: ops.costs[n].max(super::schedule::COPY),
            faults: v.faults,
            source,
        });
    }
    out
}
