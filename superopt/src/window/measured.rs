//! A window and its replacement timed side by side.
//!
//! Code that accesses memory is not timed: where its addresses point cannot be said from the window alone.

use crate::measure::{
    Budget, Candidate, Harness, Input, Job, Order, Quantity, Value, Verdict, measure,
};
use crate::run::finds::encode;
use iced_x86::{Instruction, OpKind, Register};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use trinity_codegen::window::Canonical;

/// What was measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Timed {
    /// Something about the new code is slower.
    pub slower: bool,
    /// Something is faster.
    pub faster: bool,
    /// In words: nanoseconds before and after.
    pub text: String,
}

/// Values of each input.
const VALUES: usize = 8;

/// Times code; `None` where it cannot be.
pub fn timed(w: &Canonical, new: &[Instruction]) -> Option<Timed> {
    let memory = |i: &Instruction| (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory);
    let lea = |i: &Instruction| i.mnemonic() == iced_x86::Mnemonic::Lea;
    let stack = w.registers() & (1 << 4) != 0;
    if new.is_empty() || stack || w.code.iter().chain(new).any(|i| memory(i) && !lea(i)) {
        return None;
    }
    let registers = |set: u16| {
        (0..16u32)
            .filter(move |n| set >> n & 1 == 1)
            .map(|n| Register::RAX + n)
    };
    let outputs: Vec<Register> = registers(w.live.gpr).collect();
    let mut rng = SmallRng::seed_from_u64(1);
    let inputs: Vec<Input> = registers(w.registers())
        .map(|register| Input {
            register,
            values: (0..VALUES)
                .map(|_| Value::Integer(rng.random::<u64>() >> 8))
                .collect(),
            waits_for: Vec::new(),
        })
        .collect();
    let harness = |quantity, waits: &[Register]| Harness {
        quantity,
        inputs: inputs
            .iter()
            .map(|i| Input {
                waits_for: waits.to_vec(),
                ..i.clone()
            })
            .collect(),
        order: Order::InTurn,
        regions: Vec::new(),
        memory: Vec::new(),
    };
    let throughput = harness(Quantity::Throughput, &[]);
    let latency = (!outputs.is_empty()).then(|| harness(Quantity::Latency, &outputs));
    let code = |name: &str, code: &[Instruction]| Candidate {
        name: name.into(),
        code: encode(code),
    };
    let (before, after) = (code("before", &w.code), code("after", new));
    let mut jobs = Vec::new();
    for harness in [Some(&throughput), latency.as_ref()].into_iter().flatten() {
        jobs.extend([&before, &after].map(|candidate| Job { candidate, harness }));
    }
    let times = measure(&jobs, Budget::quick()).ok()?;
    let (mut out, mut words) = (
        Timed {
            slower: false,
            faster: false,
            text: String::new(),
        },
        Vec::new(),
    );
    for (pair, what) in times.chunks(2).zip(["throughput", "latency"]) {
        let verdict = pair[1].against(&pair[0]);
        out.slower |= verdict == Verdict::Slower;
        out.faster |= verdict == Verdict::Faster;
        words.push(format!(
            "{what} {:.2} -> {:.2} ns ({})",
            pair[0].ns.median,
            pair[1].ns.median,
            verdict.text()
        ));
    }
    out.text = words.join(", ");
    Some(out)
}
