//! This machine's costs, measured: latency and throughput of every register form the model has.
//!
//! One form stands for all that share a row of the cost table. Latency is measured from all register inputs to each
//! register output of the same kind, and the longest counts (a form without such a pair, as `cmp` or `movd`, keeps the
//! table's figure); throughput over copies with different destinations, so that no copy waits for another's result. Micro-ops cannot be
//! seen without the performance counters and are the table's.

use std::collections::HashSet;

use iced_x86::{InstructionInfoFactory, Mnemonic, OpAccess, Register};
use trinity_codegen::isa::cost::{Key, RowCost, Table, Uarch, Variant};
use trinity_codegen::isa::{Bits, Concrete, ConcreteMemory, Machine, execute};

use super::{
    Budget, Candidate, Harness, Input, Interval, Job, MeasureError, Order, Quantity, Timing, Value,
    measure,
};
use crate::native::cpu;
use crate::native::forms::{Form, Instance, Instances, forms};

/// What was measured of one row.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The row.
    pub key: Key,
    /// The instruction that stood for it.
    pub instruction: String,
    /// Cycles; `None` where the form has no pair of registers to measure between.
    pub latency: Option<Interval>,
    /// Cycles between independent ones.
    pub rthroughput: Interval,
    /// What goes into the table.
    pub cost: RowCost,
}

/// The forms the model has and this processor can run, without memory: the first of each row.
pub fn representatives() -> Vec<(Key, Form)> {
    let mut seen = HashSet::new();
    forms()
        .into_iter()
        .filter(|form| !form.memory)
        .filter_map(|form| {
            let instance = instance(form, 0)?;
            let key = Key::of(&instance.instruction);
            let usable = cpu::missing(&instance.instruction).is_none()
                && in_model(&instance)
                && !instance.instruction.is_stack_instruction();
            (usable && seen.insert(key)).then_some((key, form))
        })
        .collect()
}

/// Measures the rows and calls `progress` with the number done after each group.
pub fn calibrate(
    base: Uarch,
    rows: &[(Key, Form)],
    budget: Budget,
    mut progress: impl FnMut(usize),
) -> Result<(Table, Vec<Measured>), MeasureError> {
    /// Rows measured in one process.
    const GROUP: usize = 8;
    let mut table = Table::of(base);
    let mut measured = Vec::with_capacity(rows.len());
    for group in rows.chunks(GROUP) {
        let plans: Vec<Plan> = group
            .iter()
            .filter_map(|&(key, form)| plan(key, form))
            .collect();
        let mut jobs = Vec::new();
        for plan in &plans {
            jobs.push(Job {
                candidate: &plan.independent,
                harness: &plan.throughput,
            });
            let latencies = plan.latencies.iter();
            jobs.extend(latencies.map(|harness| Job {
                candidate: &plan.single,
                harness,
            }));
        }
        let mut timings = measure(&jobs, budget)?.into_iter();
        for plan in &plans {
            let mut next = || timings.next().map(|timing: Timing| timing.cycles);
            let Some(throughput) = next() else { break };
            let rthroughput = throughput.scaled(1.0 / plan.copies as f64);
            let slower = |a: Interval, b: Interval| if a.median < b.median { b } else { a };
            let latency = plan.latencies.iter().filter_map(|_| next()).reduce(slower);
            let cost = row_cost(base, plan.key, latency, rthroughput);
            table.set(plan.key, cost);
            let instruction = plan.single.name.clone();
            measured.push(Measured {
                key: plan.key,
                instruction,
                latency,
                rthroughput,
                cost,
            });
        }
        progress(measured.len());
    }
    Ok((table, measured))
}

fn row_cost(base: Uarch, key: Key, latency: Option<Interval>, rthroughput: Interval) -> RowCost {
    let rthroughput_x100 = (rthroughput.median * 100.0).round().max(1.0) as u32;
    let listed = Table::of(base).row(key);
    RowCost {
        latency: match (latency, listed) {
            (Some(latency), _) => latency.median.round().max(0.0) as u32,
            (None, Some(listed)) => listed.latency,
            (None, None) => 1,
        },
        rthroughput_x100,
        uops: listed.map_or(1, |listed| listed.uops),
    }
}

/// One row's two measurements.
struct Plan {
    key: Key,
    single: Candidate,
    independent: Candidate,
    /// Instructions in `independent`.
    copies: usize,
    /// One for each output.
    latencies: Vec<Harness>,
    throughput: Harness,
}

/// Sources and destinations by number; none is implied by an instruction (rax, rcx, rdx, xmm0) or the stack pointer.
const SOURCES: [[u32; 3]; 2] = [[6, 7, 3], [1, 2, 3]];
const DESTINATIONS: [&[u32]; 2] = [
    &[5, 8, 9, 10, 11, 12, 13, 14, 15],
    &[4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
];
/// A shift count, lane number and rounding mode; not 1, because rotates by the constant one have rows of their own.
const IMMEDIATE: u64 = 3;

/// The form with its destination the `copy`th register.
fn instance(form: Form, copy: usize) -> Option<Instance> {
    let plain = form.with_operands(&[], IMMEDIATE)?;
    let instruction = plain.instruction;
    let mut sources = [SOURCES[0].into_iter(), SOURCES[1].into_iter()];
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(&instruction);
    let mut written = 0;
    let numbers: Vec<u32> = (0..instruction.op_count())
        .filter(|&operand| {
            let kind = form.code.op_code().op_kind(operand);
            instruction.op_kind(operand) == iced_x86::OpKind::Register && !is_implied(kind)
        })
        .map(|operand| {
            let vector = usize::from(instruction.op_register(operand).is_vector_register());
            if writes(info.op_access(operand)) {
                written += 1;
                DESTINATIONS[vector][(copy + written) % DESTINATIONS[vector].len()]
            } else {
                sources[vector].next().unwrap_or(SOURCES[vector][0])
            }
        })
        .collect();
    form.with_operands(&numbers, IMMEDIATE)
}

fn is_implied(kind: iced_x86::OpCodeOperandKind) -> bool {
    use iced_x86::OpCodeOperandKind::{al, ax, cl, dx, eax, rax};
    matches!(kind, al | ax | cl | dx | eax | rax)
}

fn writes(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

fn reads(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Read | OpAccess::CondRead | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

fn plan(key: Key, form: Form) -> Option<Plan> {
    let single = instance(form, 0)?;
    let name = single.instruction.to_string();
    let (inputs, outputs) = inputs_and_outputs(&single);
    let input = |register: &Register, waits_for: Vec<Register>| Input {
        register: *register,
        values: vec![value(key, *register)],
        waits_for,
    };
    let harness = |quantity, inputs| Harness {
        quantity,
        inputs,
        order: Order::InTurn,
        regions: Vec::new(),
        memory: Vec::new(),
    };
    let chained = |output: &Register| {
        let link = |register: &Register| {
            let same = register.is_gpr() == output.is_gpr();
            input(register, if same { vec![*output] } else { Vec::new() })
        };
        let inputs: Vec<Input> = inputs.iter().map(link).collect();
        let linked = inputs.iter().any(|input| !input.waits_for.is_empty());
        linked.then(|| harness(Quantity::Latency, inputs))
    };
    // Of a transfer, the part between registers of one kind says nothing; clearing all registers has no latency.
    let has_latency =
        key.class.variant != Variant::Cross && inputs.len() < MANY && outputs.len() < MANY;
    let latencies = if has_latency {
        outputs.iter().filter_map(chained).collect()
    } else {
        Vec::new()
    };

    // A destination that is implied cannot be varied: then one copy, its inputs loaded anew.
    let other = instance(form, 1)?;
    let varies = other.bytes() != single.bytes();
    let copies = if varies {
        DESTINATIONS[1].len().min(36)
    } else {
        1
    };
    let copies = if varies && single.instruction.op0_register().is_gpr() {
        DESTINATIONS[0].len()
    } else {
        copies
    };
    let independent: Vec<u8> = (0..copies)
        .filter_map(|copy| instance(form, copy))
        .flat_map(|copy| copy.bytes().to_vec())
        .collect();
    let kept = |register: &&Register| !varies || !outputs.contains(register);
    let throughput = inputs
        .iter()
        .filter(kept)
        .map(|register| input(register, Vec::new()))
        .collect();
    Some(Plan {
        key,
        single: Candidate {
            name: name.clone(),
            code: single.bytes().to_vec(),
        },
        independent: Candidate {
            name,
            code: independent,
        },
        copies,
        latencies,
        throughput: harness(Quantity::Throughput, throughput),
    })
}

/// More registers than an instruction that computes has.
const MANY: usize = 8;

/// Full registers the instruction reads, and those it writes.
fn inputs_and_outputs(instance: &Instance) -> (Vec<Register>, Vec<Register>) {
    let mut factory = InstructionInfoFactory::new();
    let (mut inputs, mut outputs): (Vec<Register>, Vec<Register>) = (Vec::new(), Vec::new());
    for used in factory.info(&instance.instruction).used_registers() {
        let register = match used.register() {
            register if register.is_gpr() => register.full_register(),
            register if register.is_vector_register() => Register::YMM0 + register.number() as u32,
            _ => continue,
        };
        if reads(used.access()) && !inputs.contains(&register) {
            inputs.push(register);
        }
        if writes(used.access()) && !outputs.contains(&register) {
            outputs.push(register);
        }
    }
    (inputs, outputs)
}

/// An input that makes the instruction do ordinary work: a dividend whose quotient fits, normal floats.
fn value(key: Key, register: Register) -> Value {
    use trinity_codegen::isa::cost::Width;
    if register.is_vector_register() {
        // 1.7 and 3.3 as doubles; both halves are normal floats too.
        let lane = if register.number().is_multiple_of(2) {
            1.7f64
        } else {
            3.3f64
        };
        const LOW_HALF: u64 = 0x3fb3_3333;
        let lanes = [lane.to_bits() >> 32 << 32 | LOW_HALF; 4];
        let mut bytes = [0; 32];
        bytes
            .chunks_exact_mut(8)
            .zip(lanes)
            .for_each(|(bytes, lane)| bytes.copy_from_slice(&lane.to_le_bytes()));
        return Value::Vector(bytes);
    }
    let divides = matches!(key.mnemonic, Mnemonic::Div | Mnemonic::Idiv);
    Value::Integer(match (divides, register, key.class.width) {
        (true, Register::RDX, _) => 0,
        (true, Register::RAX, Width::R8) => 0x1234,
        (true, Register::RAX, Width::R16) => 0x7654,
        (true, Register::RAX, Width::R32) => 0x7654_3210,
        (true, Register::RAX, _) => 0x7654_3210_fedc_ba98,
        (true, _, Width::R8 | Width::R16) => 0x5b,
        (true, _, Width::R32) => 0x9876,
        (true, ..) => 0x1234_5678,
        (false, ..) => 0x1234_5678_9abc_de07,
    })
}

fn in_model(instance: &Instance) -> bool {
    let mut word = |_: &mut Concrete, _: &str, width: u32| Bits::new(width, 0);
    let mut machine = Machine::new(&mut Concrete, ConcreteMemory::default(), &mut word);
    execute(&mut Concrete, &mut machine, &instance.instruction).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_model_has_a_row_on_every_machine() {
        let rows = representatives();
        assert!(rows.len() > 100, "{} rows", rows.len());
        for uarch in Uarch::ALL {
            let table = Table::of(uarch);
            let missing: Vec<String> = rows
                .iter()
                .filter(|(key, _)| table.row(*key).is_none())
                .map(|(key, _)| key.to_string())
                .collect();
            assert_eq!(missing, [""; 0], "{uarch}");
        }
    }

    #[test]
    fn calibration_measures_every_kind_of_form() {
        let wanted = [
            "add r32",
            "mul r64 wide",
            "idiv r32",
            "cmp r64",
            "setne r8",
            "paddd x",
            "vaddpd y",
            "movd x cross",
        ];
        let rows: Vec<(Key, Form)> = representatives()
            .into_iter()
            .filter(|(key, _)| wanted.contains(&key.to_string().as_str()))
            .collect();
        let budget = Budget {
            rounds: 4,
            processes: 1,
            sample_ns: 2_000.0,
            alignments: &[0],
            ..Budget::default()
        };
        let mut done = 0;
        let (table, measured) =
            calibrate(Uarch::Zen4, &rows, budget, |now| done = now).expect("a measurement");
        assert_eq!(
            (done, measured.len(), table.rows().len()),
            (rows.len(), rows.len(), rows.len())
        );
        for row in &measured {
            let name = row.key.to_string();
            let linked = !["cmp r64", "setne r8", "movd x cross"].contains(&name.as_str());
            assert_eq!(row.latency.is_some(), linked, "{name}");
        }
    }
}
