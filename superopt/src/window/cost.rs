//! When a replacement is better: nothing about it is worse by the model, and something is better.

use crate::search::cost::{CYCLE, UOP, latencies, longest_chain, model};
use iced_x86::{Code, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register};
use trinity_codegen::window::{Canonical, effect, encode};

/// What code for a window costs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    chain: u32,
    uops: u32,
    bytes: usize,
    /// Accesses to the stack that are no plain moves of 64 bits: processors that take spilled values from where they were
    /// stored without waiting do it for those only.
    unlike_spills: usize,
    /// Cycles to each live register from each register that the window has, and from nothing.
    paths: Vec<u32>,
}

impl Cost {
    /// Of code for a window.
    pub fn new(w: &Canonical, code: &[Instruction]) -> Cost {
        let table = &model().table;
        let registers = |set: u16| {
            let bits = (0..16u32).filter(move |n| set >> n & 1 == 1);
            bits.map(|n| Register::RAX + n)
        };
        let from: Vec<Register> = registers(w.registers()).collect();
        let mut paths = Vec::new();
        for to in registers(w.live.gpr) {
            let (each, nothing) = latencies(code, &from, to);
            paths.extend(each);
            paths.push(nothing);
        }
        Cost {
            chain: longest_chain(code, table),
            uops: code.iter().map(|i| table.cost(i).uops).sum(),
            bytes: encode(code).map_or(usize::MAX, |b| b.len()),
            unlike_spills: code.iter().filter(|i| unlike_spill(i)).count(),
            paths,
        }
    }

    /// What `new` saves, in hundredths of a cycle; `None` if something about it is worse or nothing better.
    pub fn gain(&self, new: &Cost) -> Option<u32> {
        let worse = |(a, b): (&u32, &u32)| b > a;
        if new.chain > self.chain
            || new.unlike_spills > self.unlike_spills
            || new.uops > self.uops
            || self.paths.iter().zip(&new.paths).any(worse)
        {
            return None;
        }
        let paths: u32 = self
            .paths
            .iter()
            .zip(&new.paths)
            .map(|(a, b)| a - b)
            .max()
            .unwrap_or(0);
        let cycles = (self.chain - new.chain).max(paths);
        match cycles * CYCLE as u32 + (self.uops - new.uops) * UOP as u32 {
            // Shorter code alone moves what follows, and may be slower for it.
            0 => None,
            gain => Some(gain),
        }
    }

    /// Bytes of code.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// By the model, for the store.
    pub fn total(&self) -> u64 {
        u64::from(self.chain) * CYCLE + u64::from(self.uops) * UOP
    }

    /// What could be saved at most: all but one micro-operation and cycle for each result.
    pub fn most(&self, results: u32) -> u64 {
        self.total()
            .saturating_sub((CYCLE + UOP * u64::from(results.max(1))).min(self.total()))
    }
}

fn unlike_spill(i: &Instruction) -> bool {
    let accesses = (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory);
    let plain = matches!(i.code(), Code::Mov_r64_rm64 | Code::Mov_rm64_r64);
    accesses && i.memory_base() == Register::RSP && i.mnemonic() != Mnemonic::Lea && !plain
}

/// Whether an instruction's memory operand is one that another's is, as text.
pub fn same_address(a: &Instruction, b: &Instruction) -> bool {
    (
        a.memory_base(),
        a.memory_index(),
        a.memory_index_scale(),
        a.memory_displacement64(),
    ) == (
        b.memory_base(),
        b.memory_index(),
        b.memory_index_scale(),
        b.memory_displacement64(),
    )
}

/// Registers that an instruction writes.
pub fn written(i: &Instruction, factory: &mut InstructionInfoFactory) -> u16 {
    effect(i, factory).writes.gpr
}
