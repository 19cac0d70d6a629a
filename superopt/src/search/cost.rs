//! What code costs by the model: the longest chain of dependences, and a little for each micro-op, so that of two
//! programs of one latency the one with less work is cheaper. In hundredths of a cycle.
//!
//! The model is chosen once for a process ([`choose`]): measured costs from a file, or those of the processor that runs
//! this. The Markov chain adds latencies up instead ([`instruction`]), as its cost function is defined (STOKE, section
//! 1 of its paper: H is the sum of static latencies).

use super::opset::OpSet;
use super::program::{Liveness, Program};
use crate::measure::costs::{self, CostFileError};
use iced_x86::{Instruction, InstructionInfoFactory, OpAccess, Register};
use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;
use trinity_codegen::isa::cost::{Table, Uarch};

/// Hundredths of a cycle per cycle of latency.
pub const CYCLE: u64 = 100;
/// Hundredths of a cycle per micro-op.
pub const UOP: u64 = 10;

/// The costs in force, and their name for reports.
pub struct Model {
    /// The costs.
    pub table: Table,
    /// The microarchitecture; "model only" where nobody measured it.
    pub label: String,
}

static MODEL: OnceLock<Model> = OnceLock::new();

fn own() -> Uarch {
    Uarch::detect().unwrap_or(Uarch::Zen4)
}

/// Chooses the costs for the rest of the process: those of `file`, else of the file that the environment names
/// ([`costs::VARIABLE`]), else those of this processor. Later calls change nothing.
///
/// # Errors
/// When the file cannot be used.
pub fn choose(file: Option<&Path>) -> Result<(), CostFileError> {
    let table = costs::choose(file, own())?;
    MODEL.get_or_init(|| labelled(table));
    Ok(())
}

/// The costs in force: those chosen, or this processor's.
pub fn model() -> &'static Model {
    MODEL.get_or_init(|| labelled(Table::of(own())))
}

fn labelled(table: Table) -> Model {
    let name = table.base().name();
    let label = match (table.rows().is_empty(), table.base().measured()) {
        (false, _) => format!("{name} (calibrated)"),
        (true, true) => name.to_owned(),
        (true, false) => format!("{name} (model only)"),
    };
    Model { table, label }
}

/// Cost of one instruction by itself.
pub fn instruction(i: &Instruction) -> u64 {
    let c = model().table.cost(i);
    u64::from(c.latency) * CYCLE + u64::from(c.uops) * UOP
}

/// Cost of straight-line code.
pub fn code(code: &[Instruction]) -> u64 {
    let table = &model().table;
    let uops: u32 = code.iter().map(|i| table.cost(i).uops).sum();
    u64::from(longest_chain(code, table)) * CYCLE + u64::from(uops) * UOP
}

/// The sum of the costs of the live instructions.
pub fn live(ops: &OpSet, p: &Program, l: &Liveness) -> u64 {
    p.slots
        .iter()
        .zip(&l.wanted)
        .filter(|x| *x.1 != 0)
        .map(|x| ops.costs[x.0.v as usize])
        .sum()
}

/// Something an instruction may wait for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Register(Register),
    /// All flags as one.
    Flags,
    /// Memory by address expression: base, index, scale, displacement. Other expressions are taken for other memory.
    Memory(Register, Register, u32, u64),
}

fn reads(a: OpAccess) -> bool {
    use OpAccess::{CondWrite, NoMemAccess, None, Write};
    !matches!(a, None | Write | CondWrite | NoMemAccess)
}

fn writes(a: OpAccess) -> bool {
    use OpAccess::{CondRead, NoMemAccess, None, Read};
    !matches!(a, None | Read | CondRead | NoMemAccess)
}

/// When results are ready, in cycles, while code is followed.
struct Times {
    factory: InstructionInfoFactory,
    ready: HashMap<Place, i64>,
    longest: i64,
}

impl Times {
    fn new() -> Times {
        Times {
            factory: InstructionInfoFactory::new(),
            ready: HashMap::new(),
            longest: 0,
        }
    }

    fn follow(&mut self, i: &Instruction, table: &Table) {
        let info = self.factory.info(i);
        let (mut from, mut to) = (Vec::new(), Vec::new());
        let mut touch = |place: Place, access: OpAccess| {
            if reads(access) {
                from.push(place);
            }
            if writes(access) {
                to.push(place);
            }
        };
        for u in info.used_registers() {
            touch(Place::Register(u.register().full_register()), u.access());
        }
        for m in info.used_memory() {
            let place = Place::Memory(m.base(), m.index(), m.scale(), m.displacement());
            touch(place, m.access());
        }
        if i.rflags_read() != 0 {
            from.push(Place::Flags);
        }
        if i.rflags_modified() != 0 {
            to.push(Place::Flags);
        }
        let of = |p: &Place| self.ready.get(p).copied().unwrap_or(0);
        let start = from.iter().map(of).max().unwrap_or(0);
        let end = start + i64::from(table.cost(i).latency);
        self.longest = self.longest.max(end);
        for p in to {
            self.ready.insert(p, end);
        }
    }
}

/// The longest chain of dependences through registers, flags and memory, in cycles.
pub fn longest_chain(code: &[Instruction], table: &Table) -> u32 {
    let mut t = Times::new();
    for i in code {
        t.follow(i, table);
    }
    u32::try_from(t.longest).unwrap_or(u32::MAX)
}

/// Cycles from each of the registers `from` to the register `to` through straight-line code, and from nothing; 0 where
/// there is no path.
pub fn latencies(code: &[Instruction], from: &[Register], to: Register) -> (Vec<u32>, u32) {
    /// Before anything that is waited for.
    const NEVER: i64 = -1 << 20;
    let table = &model().table;
    let path = |start: Option<Register>| {
        let mut t = Times::new();
        for r in from {
            let at = if Some(*r) == start { 0 } else { NEVER };
            t.ready.insert(Place::Register(r.full_register()), at);
        }
        for i in code {
            t.follow(i, table);
        }
        let end = t.ready.get(&Place::Register(to.full_register())).copied();
        end.unwrap_or(0).max(0) as u32
    };
    (from.iter().map(|r| path(Some(*r))).collect(), path(None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::finds::from_hex;

    #[test]
    fn chains_follow_registers_flags_and_memory() {
        let table = Table::of(Uarch::Zen4);
        let chain = |hex: &str| longest_chain(&from_hex(hex).unwrap(), &table);
        // mov eax, edi; add eax, 1; mov ecx, esi: moves between registers take no time, and the last waits for nothing
        assert_eq!(chain("89f883c00189f1"), 1);
        // cmp edi, esi; sete al: through the flags
        assert_eq!(chain("39f70f94c0"), 2);
        // mov [rsp-8], rdi; mov rax, [rsp-8] waits for the store; mov rax, [rsp-16] does not
        let (same, other) = (chain("48897c24f8488b4424f8"), chain("48897c24f8488b4424f0"));
        assert!(same > other, "{same} {other}");
    }

    #[test]
    fn each_operand_has_its_own_latency() {
        use Register::{R8, R9, R10, R11};
        // cmp r8d, r9d; cmovb r10d, r11d
        let code = from_hex("4539c8450f42d3").unwrap();
        assert_eq!(
            latencies(&code, &[R8, R9, R10, R11], R10),
            (vec![2, 2, 1, 1], 0)
        );
    }

    #[test]
    fn side_by_side_is_cheaper_than_one_after_the_other() {
        // mov eax, edi; neg eax; test edi, edi; cmovns eax, edi
        let abs = from_hex("89f8f7d885ff0f49c7").unwrap();
        // mov eax, edi; sar eax, 31; add edi, eax; xor eax, edi
        let shift = from_hex("89f8c1f81f01c731f8").unwrap();
        assert_eq!(abs.len(), shift.len());
        assert!(code(&abs) < code(&shift));
    }
}
