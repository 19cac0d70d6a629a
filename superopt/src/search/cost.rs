//! What code costs by the model: hundredths of a cycle of latency, with a little for each instruction, so that of two
//! programs of one latency the shorter is cheaper.

use super::opset::OpSet;
use super::program::{Liveness, Program, UNUSED};
use iced_x86::{Instruction, Mnemonic};

/// Cost of one instruction in hundredths of a cycle.
pub fn instruction(i: &Instruction) -> u64 {
    use Mnemonic::*;
    let latency = match i.mnemonic() {
        Imul | Mul | Mulx | Pmulld | Vpmulld | Pmuludq | Pdep | Pext | Crc32 => 300,
        Div | Idiv => 1100,
        Tzcnt | Bsf | Bsr | Xchg | Blsi | Blsr | Blsmsk | Bextr | Bzhi
            if matches!(i.mnemonic(), Tzcnt | Xchg) =>
        {
            200
        }
        Bsf | Bsr => 400,
        Bts | Btr | Btc => 200,
        Shld | Shrd => 300,
        Movd | Movq | Vmovd | Vmovq => 300,
        Lea if i.memory_index() != iced_x86::Register::None
            && i.memory_base() != iced_x86::Register::None
            && (i.memory_displacement64() != 0 || i.memory_index_scale() > 1) =>
        {
            200
        }
        _ => 100,
    };
    latency + 10
}

/// Cost of the instructions in use, whether live or not.
pub fn program(ops: &OpSet, p: &Program) -> u64 {
    let used = p.slots.iter().filter(|s| s.v != UNUSED);
    used.map(|s| ops.costs[s.v as usize]).sum()
}

/// Cost of the live instructions.
pub fn live(ops: &OpSet, p: &Program, l: &Liveness) -> u64 {
    p.slots
        .iter()
        .zip(&l.wanted)
        .filter(|x| *x.1 != 0)
        .map(|x| ops.costs[x.0.v as usize])
        .sum()
}
