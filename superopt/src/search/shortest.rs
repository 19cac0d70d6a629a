//! All short programs as an engine beside the others: which window of instructions, registers and constants is searched,
//! by which search, and what its emptiness proves.
//!
//! A target that sorts its registers, with `mov`, `cmp`, `cmovl`, `cmovg` allowed and one scratch register, goes to
//! [`network`]; every other one over general registers goes to [`sequence`]. What comes back is a [`Claim`], which names
//! all that it ranges over (no claim of minimality is worth anything without). Programs found are put to the same judge
//! as those of the other engines.

use super::chain::Judgement;
use super::loc::{self, Loc};
use super::network;
use super::opset::{OpSet, Request, Shape};
use super::program::Program;
use super::sequence::{self, Window};
use super::target::Target;
use super::tests::TestBank;
use crate::run::Deadline;
use iced_x86::{Instruction, Mnemonic};
use std::collections::BTreeSet;

/// What the user allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The longest program.
    pub longest: u32,
    /// The mnemonics; empty: all that the target's processor has.
    pub mnemonics: Vec<Mnemonic>,
    /// Registers besides those of inputs and outputs.
    pub scratch: usize,
    /// Constants besides -1, 0, 1 and those of the specification.
    pub constants: Vec<i64>,
    /// Whether to go on until it is known that nothing shorter exists; otherwise only what is shorter than the best
    /// program there is, is looked for.
    pub minimal: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            longest: 4,
            mnemonics: Vec::new(),
            scratch: 1,
            constants: Vec::new(),
            minimal: false,
        }
    }
}

/// What an exhaustive search has shown. It ranges over programs without branches and memory, made of the forms,
/// registers and constants named here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// A program of this length is proven, and no shorter one exists.
    pub shortest: Option<u32>,
    /// Whether no program of that length has a smaller sum of latencies by the model.
    pub cheapest: bool,
    /// No program of this length or less exists.
    pub none_up_to: u32,
    /// The forms.
    pub forms: Vec<String>,
    /// The registers.
    pub registers: Vec<String>,
    /// The constants, in words.
    pub constants: String,
    /// States told apart.
    pub states: u64,
    /// How, in words.
    pub method: String,
    /// Whether it was ended by time, memory or an undecided proof before it was through.
    pub cut_off: bool,
}

/// What the engine needs of the search it is a part of.
pub struct Host<'a> {
    /// When to stop.
    pub deadline: &'a Deadline,
    /// Told of programs evaluated.
    pub more: &'a mut dyn FnMut(u64),
    /// Decides about programs, with their costs; a refutation adds tests to the bank.
    pub judge: &'a mut dyn FnMut(&[Instruction], &mut TestBank) -> Judgement,
    /// Instructions of the best program there is.
    pub best: &'a dyn Fn() -> Option<usize>,
}

/// Memory for states, in bytes.
const MEMORY: usize = 384 << 20;
/// States that the beam search for more than three values keeps at each length.
const BEAMS: [usize; 3] = [2_000, 20_000, 100_000];

/// Whether all inputs and outputs are general registers that a program may read and write.
pub fn fits(t: &Target) -> bool {
    let general = t.inputs.iter().chain(&t.outputs).all(|p| p.at < loc::FLAG0);
    general && !t.outputs.is_empty()
}

/// Searches all short programs.
pub fn search(t: &Target, o: &Options, bank: &mut TestBank, host: &mut Host<'_>) -> Option<Claim> {
    if !fits(t) {
        return None;
    }
    if let Some(order) = sorts(t, o) {
        let claim = sort(t, &order, o, bank, host);
        if claim.is_some() {
            return claim;
        }
    }
    sequences(t, o, bank, host)
}

/// The instructions of a window: forms of the target's width, with the constants of the specification.
pub fn window_ops(t: &Target, o: &Options) -> OpSet {
    let mut immediates = vec![-1, 0, 1];
    immediates.extend(t.constants());
    immediates.extend(&o.constants);
    immediates.sort_unstable();
    immediates.dedup();
    let mut ops = OpSet::new(&Request {
        march: t.march,
        widths: vec![if t.operation_width() == 32 { 32 } else { 64 }],
        immediates,
        fixed: true,
        only: Vec::new(),
    });
    ops.retain(|i| o.mnemonics.is_empty() || o.mnemonics.contains(&i.mnemonic()));
    ops
}

/// Inputs, outputs, and scratch registers in the order in which code takes them.
fn window_registers(t: &Target, scratch: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for p in t.outputs.iter().chain(&t.inputs) {
        if !out.contains(&(p.at as u8)) {
            out.push(p.at as u8);
        }
    }
    let free = (0..16u8).filter(|r| t.scratch & loc::bit((*r).into()) != 0 && !out.contains(r));
    let free: Vec<u8> = free.take(scratch).collect();
    out.extend(free);
    out
}

fn names(registers: &[u8]) -> Vec<String> {
    registers.iter().map(|r| loc::name((*r).into())).collect()
}

/// Forms as reports name them, and the constants that occur in them, in words.
fn named(ops: &OpSet) -> (Vec<String>, String) {
    let mut forms = Vec::new();
    let (mut numbers, mut counts, mut displacements, mut bytes) = (
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
    );
    for (v, shape) in ops.variants.iter().zip(&ops.shapes) {
        let i = &v.proto;
        let form = i.op_code().instruction_string().to_lowercase();
        // Nothing of the window reads or writes memory.
        let mut form = form.replace("r/m", "r").replace("xmm2/m128", "xmm2");
        match shape {
            Shape::LeaD => form = form.replace(", m", ", [r+displacement]"),
            Shape::LeaI => form = form.replace(", m", ", [r+r*1,2,4,8]"),
            Shape::LeaS => form = form.replace(", m", ", [r*2,4,8]"),
            _ => {}
        }
        if !forms.contains(&form) {
            forms.push(form);
        }
        let last = i.op_count().saturating_sub(1);
        let narrow = i.op0_register().size() == 4;
        let number = i.try_immediate(last).ok().map(|v| match narrow {
            true => i64::from(v as i32),
            false => v as i64,
        });
        match shape {
            Shape::Ri | Shape::Rri => numbers.extend(number),
            Shape::Rs | Shape::Rrs | Shape::Vvs => counts.extend(number),
            Shape::Vvi | Shape::Vvvi => bytes.extend(number),
            Shape::LeaD | Shape::LeaI => {
                let d = i.memory_displacement64() as i64;
                displacements.extend((d != 0).then_some(d));
            }
            _ => {}
        }
    }
    let mut words = Vec::new();
    for (what, set) in [
        ("immediates", numbers),
        ("shift counts", counts),
        ("displacements", displacements),
        ("selecting bytes", bytes),
    ] {
        if !set.is_empty() {
            words.push(format!("{what} {}", list(&set)));
        }
    }
    let words = match words.is_empty() {
        true => "none".to_owned(),
        false => words.join("; "),
    };
    (forms, words)
}

/// Numbers in order, runs of three and more as `1 to 31`.
fn list(set: &BTreeSet<i64>) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut rest = set.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while rest.next_if_eq(&last.wrapping_add(1)).is_some() {
            last += 1;
        }
        match last - first {
            0 => out.push(first.to_string()),
            1 => out.extend([first.to_string(), last.to_string()]),
            _ => out.push(format!("{first} to {last}")),
        }
    }
    out.join(", ")
}

fn sequences(t: &Target, o: &Options, bank: &mut TestBank, host: &mut Host<'_>) -> Option<Claim> {
    let ops = window_ops(t, o);
    if ops.variants.is_empty() {
        return None;
    }
    let registers = window_registers(t, o.scratch);
    let mut longest = o.longest;
    if !o.minimal
        && let Some(best) = (host.best)()
    {
        // Only what is shorter is of use.
        longest = longest.min((best as u32).saturating_sub(1));
    }
    if longest == 0 {
        return None;
    }
    let w = Window {
        states: MEMORY / sequence::state_bytes(registers.len()),
        ops: &ops,
        registers,
        longest,
    };
    let judge = &mut *host.judge;
    let mut of = |p: &Program, bank: &mut TestBank| judge(&p.instructions(&ops), bank);
    let a = sequence::enumerate(t, &w, bank, host.deadline, host.more, &mut of);
    let (forms, constants) = named(&ops);
    Some(Claim {
        shortest: a.program.as_ref().map(|p| p.slots.len() as u32),
        cheapest: a.program.is_some(),
        none_up_to: a.none_up_to,
        forms,
        registers: names(&w.registers),
        constants,
        states: a.states,
        method: format!(
            "exhaustion with test refinement: {} sequences evaluated",
            a.evaluated
        ),
        cut_off: a.cut_off,
    })
}

/// For a target that sorts distinct values in its registers: the register of each rank.
fn sorts(t: &Target, o: &Options) -> Option<Vec<Loc>> {
    use Mnemonic::{Cmovg, Cmovl, Cmp, Mov};
    let n = t.outputs.len();
    let all = [Mov, Cmp, Cmovl, Cmovg];
    let window = o.scratch == 1
        && o.mnemonics.len() == all.len()
        && all.iter().all(|m| o.mnemonics.contains(m));
    let width = t.outputs[0].width;
    let places = t.inputs.len() == n
        && matches!(width, 32 | 64)
        && t.outputs.iter().all(|p| p.width == width)
        && t.inputs
            .iter()
            .all(|p| t.outputs.iter().any(|q| q.at == p.at));
    if !window || !places || !(2..=4).contains(&n) {
        return None;
    }
    let mut order: Option<Vec<usize>> = None;
    for p in network::permutations(n as u8) {
        let row: Vec<u64> = p.iter().map(|v| u64::from(*v)).collect();
        let out = t.evaluate(&row)?;
        let mut ports: Vec<usize> = (0..n).collect();
        ports.sort_by_key(|i| out[*i]);
        let sorted = ports.iter().map(|i| out[*i]).eq(0..n as u64);
        if !sorted || order.as_ref().is_some_and(|o| *o != ports) {
            return None;
        }
        order = Some(ports);
    }
    Some(order?.into_iter().map(|i| t.outputs[i].at).collect())
}

/// Sorting in registers; none when what was found is refuted (an order of words that `cmp` does not have).
fn sort(
    t: &Target,
    order: &[Loc],
    o: &Options,
    bank: &mut TestBank,
    host: &mut Host<'_>,
) -> Option<Claim> {
    let n = order.len() as u8;
    let width = t.outputs[0].width;
    let mut registers: Vec<u8> = order.iter().map(|l| *l as u8).collect();
    let free = window_registers(t, 1);
    registers.push(*free.get(order.len())?);
    let code = |p: &[network::Op]| network::instructions(p, &registers, width as usize / 8);
    let named_forms = ["mov", "cmp", "cmovl", "cmovg"];
    let forms = named_forms.map(|m| format!("{m} r{width}, r{width}"));
    let mut claim = Claim {
        shortest: None,
        cheapest: false,
        none_up_to: 0,
        forms: forms.to_vec(),
        registers: names(&registers),
        constants: "none".into(),
        states: 0,
        method: "exhaustion over all orders of distinct values".into(),
        cut_off: true,
    };
    // Exact up to three values; what sorts four is too long for it.
    let mut deepest = if n <= 3 { o.longest } else { 0 };
    if !o.minimal
        && let Some(best) = (host.best)()
    {
        deepest = deepest.min((best as u32).saturating_sub(1));
    }
    for length in 1..=deepest {
        let e = network::exhaustive(n, length, host.deadline);
        (host.more)(e.states);
        claim.states = claim.states.max(e.states);
        claim.none_up_to = claim.none_up_to.max(e.none_up_to);
        if let Some(p) = e.program {
            match (host.judge)(&code(&p), bank) {
                Judgement::Refuted => return None,
                // What was shown about shorter ones stands.
                Judgement::Undecided => {}
                Judgement::Proven => {
                    claim.shortest = Some(length);
                    claim.cut_off = false;
                }
            }
            return Some(claim);
        }
        if e.none_up_to < length {
            return Some(claim);
        }
    }
    claim.cut_off = n > 3;
    if n <= 3 {
        return Some(claim);
    }
    claim.method = "beam search, which shows nothing about other programs".into();
    for width in BEAMS {
        let kept = width as u64 * u64::from(o.longest);
        let found = network::beam(n, o.longest, width, host.deadline);
        (host.more)(kept);
        if let Some(p) = found {
            if (host.judge)(&code(&p), bank) == Judgement::Refuted {
                return None;
            }
            break;
        }
    }
    Some(claim)
}

#[cfg(test)]
mod tests {
    use super::super::opset::March;
    use super::*;
    use crate::kernels::{self, wide};
    use rand::SeedableRng;
    use trinity_codegen::isa::Domain;

    /// What is shown for a target, every candidate that passes the tests being taken for right, and the programs.
    fn claim(t: &Target, o: &Options) -> (Claim, Vec<Vec<Instruction>>) {
        let mut rng = rand::rngs::SmallRng::seed_from_u64(1);
        let mut bank = TestBank::new(t, 8, &mut rng).expect("tests");
        let mut programs = Vec::new();
        let claim = search(
            t,
            o,
            &mut bank,
            &mut Host {
                deadline: &Deadline::never(),
                more: &mut |_| (),
                judge: &mut |code, _| {
                    programs.push(code.to_vec());
                    Judgement::Proven
                },
                best: &|| None,
            },
        );
        (claim.expect("a window"), programs)
    }

    fn only(names: &[&str]) -> Vec<Mnemonic> {
        let all = super::super::opset::mnemonics();
        let known = |n: &&str| all.iter().find(|m| m.0 == **n).map(|m| m.1);
        names.iter().filter_map(known).collect()
    }

    #[test]
    fn sorting_two_takes_four_and_the_claim_names_everything() {
        let t = wide::sort(2, 32, March::V1);
        let o = Options {
            longest: 6,
            mnemonics: only(&["cmp", "mov", "cmovg", "cmovl"]),
            minimal: true,
            ..Options::default()
        };
        let (c, programs) = claim(&t, &o);
        assert_eq!((c.shortest, c.none_up_to, c.cut_off), (Some(4), 3, false));
        assert_eq!(programs.len(), 1);
        assert_eq!(c.forms[2], "cmovl r32, r32");
        assert_eq!(
            (c.registers.join(" "), c.constants.as_str()),
            ("rax rcx rdx".into(), "none")
        );
        // The general search agrees about the length, over the same window.
        let general = sequences_of(&t, &o);
        assert_eq!((general.shortest, general.none_up_to), (Some(4), 3));
        assert_eq!(general.registers, c.registers);
    }

    /// Four values are sorted, and nothing is claimed about shorter programs.
    #[test]
    fn sorting_four_is_found_without_a_claim() {
        let t = wide::sort(4, 32, March::V1);
        let o = Options {
            longest: 20,
            mnemonics: only(&["cmp", "mov", "cmovg", "cmovl"]),
            minimal: true,
            ..Options::default()
        };
        let (c, programs) = claim(&t, &o);
        assert_eq!((programs.len(), programs[0].len()), (1, 20));
        assert_eq!((c.shortest, c.none_up_to, c.cut_off), (None, 0, true));
        assert!(c.method.starts_with("beam search"), "{}", c.method);
    }

    fn sequences_of(t: &Target, o: &Options) -> Claim {
        // An instruction that is of no use here takes the target out of the search made for sorting.
        let mut o = o.clone();
        o.mnemonics.extend(only(&["bswap"]));
        claim(t, &o).0
    }

    #[test]
    fn without_blsr_clearing_the_lowest_bit_takes_two() {
        let t = kernels::find("p01")
            .expect("a kernel")
            .target(32, March::V1);
        let o = Options {
            longest: 3,
            minimal: true,
            ..Options::default()
        };
        let (c, programs) = claim(&t, &o);
        assert_eq!((c.shortest, c.none_up_to, c.cheapest), (Some(2), 1, true));
        let text: Vec<String> = programs[0].iter().map(ToString::to_string).collect();
        assert_eq!(text[1], "and eax,edi");
        assert!(
            c.constants
                .starts_with("immediates -1 to 1; shift counts 1 to 31"),
            "{}",
            c.constants
        );
        assert!(
            c.forms.contains(&"lea r32, [r+displacement]".to_owned()),
            "{:?}",
            c.forms
        );
    }

    #[test]
    fn of_the_shortest_the_cheapest_is_taken() {
        let mut t = kernels::find("p23")
            .expect("a kernel")
            .target(32, March::V2);
        let (c, programs) = claim(
            &t,
            &Options {
                longest: 1,
                minimal: true,
                ..Options::default()
            },
        );
        assert_eq!((c.shortest, c.none_up_to), (Some(1), 0));
        assert_eq!(programs[0][0].to_string(), "popcnt eax,edi");
        // Twice a number: lea and imul give it in one instruction, and imul costs more.
        let x = t.pool.trunc(&t.input_terms[0], 32);
        t.output_terms = vec![t.pool.add(&x, &x)];
        let o = Options {
            longest: 1,
            constants: vec![2],
            mnemonics: only(&["imul", "lea"]),
            ..Options::default()
        };
        let (_, programs) = claim(&t, &o);
        assert!(
            programs[0][0].to_string().starts_with("lea eax"),
            "{}",
            programs[0][0]
        );
    }

    #[test]
    fn numbers_are_listed_in_runs() {
        let set = [-1, 0, 1, 5, 8, 9].into_iter().collect();
        assert_eq!(list(&set), "-1 to 1, 5, 8, 9");
    }
}
