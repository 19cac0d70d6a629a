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
    /// Instructions that wait for what they do not need. Timed alone it is there in time; in a loop it may be what comes last.
    false_waits: usize,
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
            false_waits: code.iter().filter(|i| waits_in_vain(i)).count(),
            paths,
        }
    }

    /// What `new` saves, in hundredths of a cycle; `None` if something about it is worse or nothing better.
    pub fn gain(&self, new: &Cost) -> Option<u32> {
        let worse = |(a, b): (&u32, &u32)| b > a;
        if new.chain > self.chain
            || new.unlike_spills > self.unlike_spills
            || new.false_waits > self.false_waits
            || new.bytes > self.bytes
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

/// Whether an instruction waits for the old value of its destination though the result does not depend on it: `and r, 0` and `or r, -1`, which
/// no processor knows as constants as it does `xor r, r`, and writes of less than 32 bits, which keep the rest.
fn waits_in_vain(i: &Instruction) -> bool {
    if i.op_count() == 0 || i.op_kind(0) != OpKind::Register {
        return false;
    }
    let constant = i.op_count() > 1 && !matches!(i.op_kind(1), OpKind::Register | OpKind::Memory);
    match i.mnemonic() {
        Mnemonic::And if constant => i.immediate(1) == 0,
        Mnemonic::Or if constant => i.immediate(1) as i64 == -1,
        Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Bt => false,
        _ => i.op_register(0).is_gpr8() || i.op_register(0).is_gpr16(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::finds::from_hex;
    use trinity_codegen::window::WindowStore;

    /// What code saves for a window (what lives behind it, its bytes).
    fn gain(key: &str, new: &str) -> Option<u32> {
        let w = WindowStore::window(&crate::window::unhex(key).unwrap()).unwrap();
        Cost::new(&w, &w.code).gain(&Cost::new(&w, &from_hex(new).unwrap()))
    }

    #[test]
    fn nothing_may_be_worse() {
        // xor eax, eax; mov rcx, rax: xor ecx, ecx is better, and ecx, 0 waits for rcx
        let zero = "02000031c04889c1";
        assert!(gain(zero, "31c9") > Some(0));
        assert_eq!(gain(zero, "83e100"), None);
        // mov rcx, 0 is longer
        assert_eq!(gain(zero, "48c7c100000000"), None);
        // mov rax, [rsp+8]; add rax, rcx: a spilled value stays a plain load
        let spilled = "010000488b4424084801c8";
        assert_eq!(gain(spilled, "4889c84803442408"), None);
    }
}
