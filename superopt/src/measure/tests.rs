use iced_x86::Register::{self, *};

use super::*;

fn input(register: Register, values: &[u64], waits_for: &[Register]) -> Input {
    let values = values.iter().map(|&value| Value::Integer(value)).collect();
    Input {
        register,
        values,
        waits_for: waits_for.to_vec(),
    }
}

fn harness(quantity: Quantity, inputs: Vec<Input>) -> Harness {
    Harness {
        quantity,
        inputs,
        order: Order::InTurn,
        regions: Vec::new(),
        memory: Vec::new(),
    }
}

fn candidate(name: &str, code: &[u8]) -> Candidate {
    Candidate {
        name: name.into(),
        code: code.to_vec(),
    }
}

const BUDGET: Budget = Budget {
    rounds: 12,
    processes: 1,
    sample_ns: 4_000.0,
    alignments: &[0, 32],
    confidence: 0.99,
    seed: 1,
};

#[test]
fn timings_come_in_the_order_of_the_candidates() {
    let one = candidate("one", &[0x48, 0x0f, 0xaf, 0xc7]); // imul rax, rdi
    let twenty = candidate("twenty", &[0x48, 0x0f, 0xaf, 0xc7].repeat(20));
    let inputs = vec![input(RDI, &[3, 5], &[RAX]), input(RAX, &[7], &[])];
    let timings = compare(&[one, twenty], &harness(Quantity::Latency, inputs), BUDGET).unwrap();
    assert_eq!(
        timings
            .iter()
            .map(|timing| timing.name.as_str())
            .collect::<Vec<_>>(),
        ["one", "twenty"]
    );
    for timing in &timings {
        assert_eq!(timing.samples, BUDGET.rounds * BUDGET.alignments.len());
        assert!(timing.ns.low <= timing.ns.median && timing.ns.median <= timing.ns.high);
    }
}

#[test]
fn links_keep_the_callers_values() {
    // div edi faults when a link lets rdx or rdi take the output's value.
    let code = candidate("div", &[0xf7, 0xf7]);
    let inputs = vec![
        input(RAX, &[1000, 12345], &[RAX, RDX]),
        input(RDX, &[0], &[]),
        input(RDI, &[7, 9], &[RAX]),
    ];
    compare(&[code], &harness(Quantity::Latency, inputs), BUDGET).unwrap();
}

#[test]
fn vector_links_cross_between_kinds() {
    // vmovd xmm0, edi; vpaddd xmm0, xmm0, xmm1; vmovd eax, xmm0
    let code = [
        0xc5, 0xf9, 0x6e, 0xc7, 0xc5, 0xf9, 0xfe, 0xc1, 0xc5, 0xf9, 0x7e, 0xc0,
    ];
    let vector = Input {
        register: XMM1,
        values: vec![Value::Vector([1; 32])],
        waits_for: vec![EAX],
    };
    let inputs = vec![input(RDI, &[1], &[XMM0]), vector];
    compare(
        &[candidate("vector", &code)],
        &harness(Quantity::Latency, inputs),
        BUDGET,
    )
    .unwrap();
}

#[test]
fn drawn_values_come_from_every_row() {
    // mov [rsi+rdi*8], rdi: every row leaves its number.
    let region = Region::writable(0x2100_0000, 4096);
    let rows: Vec<u64> = (0..MAX_VALUES as u64).collect();
    let base = vec![region.address; MAX_VALUES];
    let harness = Harness {
        order: Order::Drawn,
        regions: vec![region],
        memory: vec![0xff; 4096],
        ..harness(
            Quantity::Latency,
            vec![input(RDI, &rows, &[RAX]), input(RSI, &base, &[])],
        )
    };
    let code = candidate("mark", &[0x48, 0x89, 0x3c, 0xfe]);
    let job = Job {
        candidate: &code,
        harness: &harness,
    };
    let measured = Measured::new(job, false).unwrap();
    let programs = measured.programs(&[0], 200);
    let state = measured.state();
    let outcomes = runner(&programs, &harness.regions)
        .unwrap()
        .run_with(1, |_| (0, &state))
        .unwrap();
    let Outcome::Done(state) = &outcomes[0] else {
        panic!("{:?}", outcomes[0])
    };
    let memory = &state.memory[loops::REGION.bytes..];
    for (row, word) in memory.chunks(8).take(MAX_VALUES).enumerate() {
        assert_eq!(word, (row as u64).to_le_bytes());
    }
}

#[test]
fn drawn_values_need_their_registers_and_rows() {
    let drawn = |inputs| Harness {
        order: Order::Drawn,
        ..harness(Quantity::Latency, inputs)
    };
    let few = drawn(vec![input(RDI, &[1, 2], &[RAX])]);
    let nop = candidate("nop", &[0x90]);
    let refused = compare(&[nop], &few, BUDGET);
    assert!(matches!(refused, Err(MeasureError::Values(RDI))));
    // mov r15, rdi
    let taken = candidate("taken", &[0x49, 0x89, 0xff]);
    let rows = vec![7; MAX_VALUES];
    let refused = compare(&[taken], &drawn(vec![input(RDI, &rows, &[RAX])]), BUDGET);
    assert!(matches!(refused, Err(MeasureError::Register(R15))));
}

#[test]
fn memory_and_the_stack_are_the_callers() {
    let region = Region::writable(0x2100_0000, 4096);
    // push rax; add eax, [rsi]; pop rcx
    let code = candidate("stack", &[0x50, 0x03, 0x06, 0x59]);
    let harness = Harness {
        quantity: Quantity::Throughput,
        inputs: vec![
            input(RSP, &[region.address + 4096], &[]),
            input(RSI, &[region.address], &[]),
        ],
        order: Order::InTurn,
        regions: vec![region],
        memory: vec![0; 4096],
    };
    compare(&[code], &harness, BUDGET).unwrap();
}

#[test]
fn faults_and_code_that_cannot_be_copied_are_refused() {
    let none = harness(Quantity::Throughput, Vec::new());
    let fault = compare(&[candidate("ud2", &[0x0f, 0x0b])], &none, BUDGET);
    assert!(matches!(fault, Err(MeasureError::Fault { name, .. }) if name == "ud2"));
    let relative = compare(
        &[candidate("load", &[0x8b, 0x05, 0, 0, 0, 0])],
        &none,
        BUDGET,
    );
    assert!(matches!(relative, Err(MeasureError::Relative { .. })));
    let unlinked = compare(
        &[candidate("nop", &[0x90])],
        &harness(Quantity::Latency, Vec::new()),
        BUDGET,
    );
    assert!(matches!(unlinked, Err(MeasureError::NoLink)));
    let empty = harness(Quantity::Throughput, vec![input(RDI, &[], &[])]);
    assert!(matches!(
        compare(&[candidate("nop", &[0x90])], &empty, BUDGET),
        Err(MeasureError::Values(RDI))
    ));
}

#[test]
fn verdicts_need_disjoint_intervals_and_a_difference_worth_naming() {
    let interval = |low, median, high| Interval { low, median, high };
    let base = interval(0.99, 1.0, 1.01);
    assert_eq!(interval(0.8, 0.9, 0.98).against(&base), Verdict::Faster);
    assert_eq!(interval(1.02, 1.1, 1.2).against(&base), Verdict::Slower);
    assert_eq!(
        interval(0.8, 0.9, 1.0).against(&base),
        Verdict::NotDistinguishable
    );
    let sharp = interval(1.0, 1.0, 1.0);
    assert_eq!(
        interval(1.005, 1.005, 1.005).against(&sharp),
        Verdict::NotDistinguishable
    );
}

#[test]
fn the_bootstrap_interval_narrows_around_the_median() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut samples = stats::Samples::new(2, 1);
    for round in 0..200 {
        let noise = f64::from(round % 10) / 100.0;
        // One in ten is an interrupt.
        let value = if round % 10 == 0 { 50.0 } else { 3.0 + noise };
        samples.push([[value].into_iter(), [1.0].into_iter()].into_iter());
    }
    let interval = samples.interval(0, Some(1), 0.99, &mut rng);
    assert!((2.04..=2.07).contains(&interval.median), "{interval:?}");
    assert!(
        interval.low >= 2.02 && interval.high <= 2.09,
        "{interval:?}"
    );
}
