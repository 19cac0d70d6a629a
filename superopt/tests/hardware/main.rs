//! The model against the processor: every form the model has, on random operands and states.
//!
//! For each form of the encoding that the model executes and this processor has, instructions with random operands run
//! from random states on both; registers, flags, memory and faults must agree, but for what the model leaves undefined.
//! What the architecture leaves undefined must be undefined in the model too.
//!
//! `TRINITY_STATES` sets the states per form (200 by default), `TRINITY_SEED` the seed, `TRINITY_FORM` restricts the run
//! to forms whose name contains it.

mod model;
mod states;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use iced_x86::{Instruction, RflagsBits};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use trinity_codegen::isa::{Flag, Unsupported};
use trinity_superopt::native::forms::{Form, Instance, Instances, forms};
use trinity_superopt::native::{CODE_BASE, Outcome, Runner, State, cpu};

use model::Expectation;

const STATES: usize = 200;
/// Instructions per form: this many states share one.
const STATES_PER_INSTANCE: usize = 12;
const FORMS_PER_FORK: usize = 24;
/// Programs start on cache lines, and one instruction with its exit fits into one.
const PROGRAM_BYTES: u64 = 64;
const SHOWN_PER_FORM: usize = 2;

fn setting(name: &str, default: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")),
        Err(_) => default,
    }
}

/// What became of a form.
#[derive(Default)]
struct Tally {
    states: usize,
    faulted: usize,
    /// Flags undefined in some state, by the model; and by iced's table for some instance.
    undefined: u8,
    architecture: u8,
    wrong: usize,
    shown: Vec<String>,
}

#[derive(Default)]
struct Totals {
    tested: BTreeMap<String, Tally>,
    not_in_model: BTreeMap<String, usize>,
    not_on_processor: usize,
}

#[test]
fn the_model_agrees_with_the_processor_on_every_form() {
    let states = setting("TRINITY_STATES", STATES);
    let seed = setting("TRINITY_SEED", 1) as u64;
    let only = std::env::var("TRINITY_FORM").unwrap_or_default();
    println!("TRINITY_SEED={seed} TRINITY_STATES={states}");
    let forms: Vec<(usize, Form)> = forms()
        .into_iter()
        .enumerate()
        .filter(|(_, form)| form.to_string().contains(&only))
        .collect();
    let totals = Mutex::new(Totals::default());
    let next = AtomicUsize::new(0);
    let chunks: Vec<_> = forms.chunks(FORMS_PER_FORK).collect();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check_forms(chunk, states, seed, &totals);
                }
            });
        }
    });
    let totals = totals.into_inner().expect("no thread panicked");
    if only.is_empty() {
        let untested = untested(&totals);
        assert!(
            untested.is_empty(),
            "the instruction table has forms that were not tested: {untested:?}"
        );
    }
    report(&totals);
}

/// Forms the model's own table has, and this processor too, that the run above did not reach.
fn untested(totals: &Totals) -> Vec<String> {
    trinity_codegen::isa::forms::table()
        .into_iter()
        .filter(|info| {
            info.support.is_ok() && info.features.iter().all(|&feature| cpu::has(feature))
        })
        .map(|info| info.form.to_string())
        .filter(|form| !totals.tested.contains_key(form))
        .collect()
}

fn report(totals: &Totals) {
    let tested = totals.tested.values();
    println!(
        "{} forms tested on {} states, {} of them faults; {} forms are not on this processor",
        totals.tested.len(),
        tested.clone().map(|tally| tally.states).sum::<usize>(),
        tested.clone().map(|tally| tally.faulted).sum::<usize>(),
        totals.not_on_processor
    );
    println!(
        "{} forms are not in the model",
        totals.not_in_model.values().sum::<usize>()
    );
    if std::env::var("TRINITY_VERBOSE").is_ok() {
        for (reason, count) in &totals.not_in_model {
            println!("  {count} {reason}");
        }
    }
    let mut failures = String::new();
    for (form, tally) in &totals.tested {
        if tally.wrong > 0 {
            let _ = writeln!(
                failures,
                "{form}: {} of {} states differ",
                tally.wrong, tally.states
            );
            tally
                .shown
                .iter()
                .for_each(|shown| failures.push_str(shown));
        }
        let missing = tally.architecture & !tally.undefined;
        if missing != 0 && tally.states >= STATES / 2 {
            let names: Vec<String> = flag_names(missing);
            let _ = writeln!(
                failures,
                "{form}: undefined by the architecture, not in the model: {names:?}"
            );
        }
    }
    assert!(
        failures.is_empty(),
        "the model and the processor differ:\n{failures}"
    );
    assert!(!totals.tested.is_empty(), "no form was tested");
}

fn flag_names(flags: u8) -> Vec<String> {
    Flag::ALL
        .iter()
        .filter(|&&flag| flags >> flag as u8 & 1 == 1)
        .map(|flag| format!("{flag:?}"))
        .collect()
}

/// One run of one instance.
struct Case {
    instance: usize,
    before: State,
    expected: Expectation,
}

fn check_forms(chunk: &[(usize, Form)], states: usize, seed: u64, totals: &Mutex<Totals>) {
    let mut instances: Vec<(Form, Instance)> = Vec::new();
    let mut cases: Vec<Case> = Vec::new();
    for &(number, form) in chunk {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64);
        match make_cases(form, states, &mut rng, &mut instances, &mut cases) {
            Made::Cases => {}
            Made::NotInModel(why) => {
                *totals
                    .lock()
                    .expect("no thread panicked")
                    .not_in_model
                    .entry(why.to_string())
                    .or_default() += 1;
            }
            Made::NotOnProcessor => {
                totals.lock().expect("no thread panicked").not_on_processor += 1
            }
        }
    }
    if cases.is_empty() {
        return;
    }
    let programs: Vec<&[u8]> = instances
        .iter()
        .map(|(_, instance)| instance.bytes())
        .collect();
    let runner = Runner::with_programs(&programs, &states::REGIONS).expect("programs that can run");
    for index in 0..programs.len() {
        assert_eq!(
            runner.program_address(index),
            address(index),
            "the layout of programs"
        );
    }
    let outcomes = runner
        .run_with(cases.len(), |index| {
            (cases[index].instance, &cases[index].before)
        })
        .expect("a batch that can run");
    let mut totals = totals.lock().expect("no thread panicked");
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let (form, instance) = &instances[case.instance];
        let tally = totals.tested.entry(form.to_string()).or_default();
        tally.states += 1;
        tally.architecture |= architecture_undefined(&instance.instruction);
        for flag in Flag::ALL {
            tally.undefined |=
                ((case.expected.undefined.flags >> flag.rflags_bit() & 1) as u8) << flag as u8;
        }
        tally.faulted += usize::from(outcome.fault().is_some());
        if let Some(difference) = differences(case, outcome) {
            tally.wrong += 1;
            if tally.shown.len() < SHOWN_PER_FORM {
                tally.shown.push(format!(
                    "  {} [{:02x?}]\n{difference}{}",
                    instance.instruction,
                    instance.bytes(),
                    before_text(&instance.instruction, &case.before)
                ));
            }
        }
    }
}

fn address(program: usize) -> u64 {
    CODE_BASE + PROGRAM_BYTES * program as u64
}

enum Made {
    Cases,
    NotInModel(Unsupported),
    NotOnProcessor,
}

fn make_cases(
    form: Form,
    states: usize,
    rng: &mut ChaCha8Rng,
    instances: &mut Vec<(Form, Instance)>,
    cases: &mut Vec<Case>,
) -> Made {
    let wanted = states.div_ceil(STATES_PER_INSTANCE);
    let (mut made, mut attempts, mut unsupported) = (0, 0, None);
    while made < states && attempts < 4 * wanted {
        attempts += 1;
        let aimed = states::target(rng, 8);
        let Some(instance) = form.instance(rng, address(instances.len()), aimed) else {
            continue;
        };
        if cpu::missing(&instance.instruction).is_some() {
            return Made::NotOnProcessor;
        }
        let index = instances.len();
        let first = cases.len();
        for _ in 0..2 * STATES_PER_INSTANCE {
            if made == states || cases.len() - first == STATES_PER_INSTANCE {
                break;
            }
            let before = states::state(rng, &instance.instruction);
            match model::expect(&instance.instruction, &before) {
                Ok(Some(expected)) => {
                    cases.push(Case {
                        instance: index,
                        before,
                        expected,
                    });
                    made += 1;
                }
                Ok(None) => {}
                Err(why) => {
                    unsupported = Some(why);
                    break;
                }
            }
        }
        if cases.len() > first {
            instances.push((form, instance));
        } else if let (Some(why), 0) = (unsupported, made) {
            return Made::NotInModel(why);
        }
    }
    Made::Cases
}

/// Flags the architecture leaves undefined, as iced's table has them.
fn architecture_undefined(instruction: &Instruction) -> u8 {
    let undefined = instruction.rflags_undefined();
    let bits = [
        (RflagsBits::CF, Flag::Cf),
        (RflagsBits::PF, Flag::Pf),
        (RflagsBits::AF, Flag::Af),
        (RflagsBits::ZF, Flag::Zf),
        (RflagsBits::SF, Flag::Sf),
        (RflagsBits::OF, Flag::Of),
    ];
    bits.iter()
        .filter(|(bit, _)| undefined & bit != 0)
        .fold(0, |flags, &(_, flag)| flags | 1 << flag as u8)
}

/// How the processor's outcome differs from the model's, if it does.
fn differences(case: &Case, outcome: &Outcome) -> Option<String> {
    let expected = &case.expected;
    let actual = match outcome {
        Outcome::Fault(fault) if model::same_fault(expected, fault.kind) => return None,
        Outcome::Fault(fault) => {
            return Some(format!(
                "    fault: model {:?}, processor {:?}\n",
                expected.faults, fault.kind
            ));
        }
        Outcome::Done(_) if !expected.faults.is_empty() => {
            return Some(format!(
                "    fault: model {:?}, processor none\n",
                expected.faults
            ));
        }
        Outcome::Done(actual) => actual,
    };
    let different = model::difference(&expected.state, actual);
    let mut text = String::new();
    for (index, bits) in different.gpr.iter().enumerate() {
        if bits & !expected.undefined.gpr[index] != 0 {
            let (model, processor) = (expected.state.gpr[index], actual.gpr[index]);
            let _ = writeln!(
                text,
                "    {}: model {model:016x}, processor {processor:016x}",
                gpr_name(index)
            );
        }
    }
    let flags = different.flags & !expected.undefined.flags;
    for flag in Flag::ALL
        .into_iter()
        .filter(|flag| flags >> flag.rflags_bit() & 1 == 1)
    {
        let model = expected.state.flags >> flag.rflags_bit() & 1;
        let _ = writeln!(text, "    {flag:?}: model {model}, processor {}", 1 - model);
    }
    for index in 0..16 {
        if any_bit(&different.ymm[index], &expected.undefined.ymm[index]) {
            let (model, processor) = (hex(&expected.state.ymm[index]), hex(&actual.ymm[index]));
            let _ = writeln!(
                text,
                "    ymm{index}: model     {model}\n    ymm{index}: processor {processor}"
            );
        }
    }
    if any_bit(&different.memory, &expected.undefined.memory) {
        let at = different
            .memory
            .iter()
            .position(|&bits| bits != 0)
            .unwrap_or(0);
        let (model, processor) = (expected.state.memory[at], actual.memory[at]);
        let _ = writeln!(
            text,
            "    memory byte {at}: model {model:02x}, processor {processor:02x}"
        );
    }
    (!text.is_empty()).then_some(text)
}

fn any_bit(different: &[u8], undefined: &[u8]) -> bool {
    different
        .iter()
        .zip(undefined)
        .any(|(different, undefined)| different & !undefined != 0)
}

fn gpr_name(index: usize) -> &'static str {
    const NAMES: [&str; 16] = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15",
    ];
    NAMES[index]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().rev().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The part of the start state the instruction reads or writes.
fn before_text(instruction: &Instruction, before: &State) -> String {
    let mut factory = iced_x86::InstructionInfoFactory::new();
    let mut text = format!("    before: flags {:03x}", before.flags);
    for used in factory.info(instruction).used_registers() {
        let (register, number) = (used.register(), used.register().full_register().number());
        if register.is_gpr() {
            let _ = write!(text, ", {} {:016x}", gpr_name(number), before.gpr[number]);
        } else if register.is_vector_register() && number < 16 {
            let _ = write!(text, ", ymm{number} {}", hex(&before.ymm[number]));
        }
    }
    text.push('\n');
    text
}
