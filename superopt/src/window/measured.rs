//! A window and its replacement timed side by side.
//!
//! Code that accesses memory runs on pages that are mapped where it goes ([`scratch`]), always the same. The stack pointer and the other
//! pinned registers are ready in time: nothing waits for them.

use super::scratch::{Scratch, scratch};
use crate::measure::{
    Budget, Candidate, Harness, Input, Job, MeasureError, Order, Quantity, Value, Verdict, measure,
};
use crate::run::finds::encode;
use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::fmt;
use trinity_codegen::window::{Canonical, Live, effect};

/// Values of each input of code without memory.
const VALUES: usize = 8;

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

/// One thing that was measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// `throughput`, `latency`, `latency from rcx`.
    pub what: String,
    /// Nanoseconds of the window.
    pub before: f64,
    /// Nanoseconds of the replacement.
    pub after: f64,
    /// Whether they differ.
    pub verdict: Verdict,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, verdict) = (&self.what, self.verdict.text());
        write!(
            f,
            "{what} {:.2} -> {:.2} ns ({verdict})",
            self.before, self.after
        )
    }
}

/// What a text of a measurement says; nothing where it is none.
pub fn figures(text: &str) -> Vec<Figure> {
    let one = |text: &str| {
        let (times, verdict) = text.strip_suffix(')')?.split_once(" ns (")?;
        let (before, after) = times.split_once(" -> ")?;
        let (what, before) = before.rsplit_once(' ')?;
        let all = [
            Verdict::Faster,
            Verdict::Slower,
            Verdict::NotDistinguishable,
        ];
        Some(Figure {
            what: what.into(),
            before: before.parse().ok()?,
            after: after.parse().ok()?,
            verdict: all.into_iter().find(|v| v.text() == verdict)?,
        })
    };
    text.split(", ").filter_map(one).collect()
}

/// Why code was not timed.
#[derive(Debug)]
pub enum Untimed {
    /// No state was found in which it runs again and again.
    Nowhere,
    /// Both do nothing that takes time.
    Nothing,
    /// The measurement failed.
    Failed(MeasureError),
}

impl fmt::Display for Untimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untimed::Nowhere => f.write_str("no memory was found that it runs on again and again"),
            Untimed::Nothing => f.write_str("no instruction is left to time"),
            Untimed::Failed(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Untimed {}

fn registers(set: u16) -> impl Iterator<Item = Register> {
    let bits = (0..16u32).filter(move |n| set >> n & 1 == 1);
    bits.map(|n| Register::RAX + n)
}

/// Registers whose value before the code counts.
fn read(code: &[Instruction]) -> u16 {
    let mut factory = InstructionInfoFactory::new();
    let (mut reads, mut killed) = (0, 0);
    for i in code {
        let e = effect(i, &mut factory);
        reads |= e.reads.gpr & !killed;
        killed |= e.kills.gpr;
    }
    reads
}

/// What is timed, and its name.
fn harnesses(w: &Canonical, memory: Option<Scratch>) -> Vec<(String, Harness)> {
    let outputs: Vec<Register> = registers(w.live.gpr).collect();
    let waiting = read(&w.code) & !Live::PINNED.gpr;
    let mut rng = SmallRng::seed_from_u64(1);
    let value = |n: u16| match &memory {
        Some(m) => vec![Value::Integer(m.gpr[usize::from(n)])],
        None => (0..VALUES)
            .map(|_| Value::Integer(rng.random::<u64>() >> 8))
            .collect(),
    };
    let all: Vec<u16> = (0..16).filter(|n| w.registers() >> n & 1 == 1).collect();
    let values: Vec<Vec<Value>> = all.iter().copied().map(value).collect();
    let (regions, bytes) = memory.map_or_else(Default::default, |m| (m.regions, m.memory));
    let harness = |quantity, waits: u16| Harness {
        quantity,
        inputs: all
            .iter()
            .zip(&values)
            .map(|(n, values)| Input {
                register: Register::RAX + u32::from(*n),
                values: values.clone(),
                waits_for: match waits >> n & 1 {
                    1 => outputs.clone(),
                    _ => Vec::new(),
                },
            })
            .collect(),
        order: Order::InTurn,
        regions: regions.clone(),
        memory: bytes.clone(),
    };
    let mut out = vec![("throughput".to_owned(), harness(Quantity::Throughput, 0))];
    if !outputs.is_empty() && waiting != 0 {
        out.push(("latency".into(), harness(Quantity::Latency, waiting)));
        // What comes last of several is not the same everywhere.
        if waiting.count_ones() > 1 {
            for r in registers(waiting) {
                let one = 1 << r.number();
                let name = format!("latency from {}", format!("{r:?}").to_lowercase());
                out.push((name, harness(Quantity::Latency, one)));
            }
        }
    }
    out
}

/// Whether an instruction reads or writes memory.
pub fn accesses(i: &Instruction) -> bool {
    i.mnemonic() != Mnemonic::Lea && (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory)
}

/// Times code.
///
/// # Errors
/// Where it cannot be.
pub fn timed(w: &Canonical, new: &[Instruction]) -> Result<Timed, Untimed> {
    if new.is_empty() {
        return Err(Untimed::Nothing);
    }
    let memory = match w.code.iter().any(accesses) {
        true => Some(scratch(&w.code, new, 1).ok_or(Untimed::Nowhere)?),
        false => None,
    };
    let code = |name: &str, code: &[Instruction]| Candidate {
        name: name.into(),
        code: encode(code),
    };
    let (before, after) = (code("before", &w.code), code("after", new));
    let harnesses = harnesses(w, memory);
    let jobs: Vec<Job<'_>> = harnesses
        .iter()
        .flat_map(|(_, harness)| [&before, &after].map(|candidate| Job { candidate, harness }))
        .collect();
    let budget = Budget {
        alignments: &[0, 16, 32, 48],
        ..Budget::quick()
    };
    let times = measure(&jobs, budget).map_err(Untimed::Failed)?;
    let mut out = Timed {
        slower: false,
        faster: false,
        text: String::new(),
    };
    let mut words = Vec::new();
    for (pair, (what, _)) in times.chunks(2).zip(&harnesses) {
        let verdict = pair[1].against(&pair[0]);
        out.slower |= verdict == Verdict::Slower;
        out.faster |= verdict == Verdict::Faster;
        let figure = Figure {
            what: what.clone(),
            before: pair[0].ns.median,
            after: pair[1].ns.median,
            verdict,
        };
        words.push(figure.to_string());
    }
    out.text = words.join(", ");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_they_were_written() {
        let figure = |what: &str, verdict| Figure {
            what: what.into(),
            before: 1.5,
            after: 0.25,
            verdict,
        };
        let all = vec![
            figure("throughput", Verdict::Faster),
            figure("latency from rcx", Verdict::NotDistinguishable),
            figure("latency", Verdict::Slower),
        ];
        let text: Vec<String> = all.iter().map(Figure::to_string).collect();
        assert_eq!(figures(&text.join(", ")), all);
        assert_eq!(figures("not timed: no memory"), []);
        assert_eq!(figures(""), []);
    }
}
