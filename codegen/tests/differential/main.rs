//! Random IR programs, run for real and compared with an interpreter.
//!
//! Each seed makes one function; it is printed, read back, compiled under both allocation algorithms with the
//! allocation checker on, run from the same initial memory and registers as the interpreter, and must leave the same
//! memory and results. `TRINITY_SEED=n` runs one seed and prints its program; `TRINITY_RUNS=n` sets how many.

mod exec;
mod gas;
mod generate;
mod graph;
mod hazards;
mod interp;
mod known;
mod structured;
mod vectors;

use exec::{Arena, Regs};
use trinity_codegen::ir::{Function, parse, verify};
use trinity_codegen::isa::March;
use trinity_codegen::opt::OptOptions;
use trinity_codegen::{Algorithm, Options, SelectOptions, compile};

/// The switches of the optimizer's passes.
type Switch = fn(&mut OptOptions) -> &mut bool;
const SWITCHES: [Switch; 13] = [
    |o| &mut o.simplify,
    |o| &mut o.dce,
    |o| &mut o.gvn,
    |o| &mut o.memory,
    |o| &mut o.conditions,
    |o| &mut o.ranges,
    |o| &mut o.peel,
    |o| &mut o.narrow,
    |o| &mut o.versions,
    |o| &mut o.words,
    |o| &mut o.vector,
    |o| &mut o.unroll,
    |o| &mut o.reassociate,
];

/// All passes but one, or one alone.
fn variant(seed: u64, opt: OptOptions) -> OptOptions {
    let n = seed as usize / 2 % SWITCHES.len();
    let mut options = match seed % 2 {
        0 => opt,
        _ => OptOptions {
            verify: true,
            gvn: n >= 2,
            ..OptOptions::NONE
        },
    };
    *SWITCHES[n](&mut options) = seed % 2 == 1;
    options
}

fn run_seed(arena: &mut Arena, seed: u64, func: Function, show: bool) {
    let text = func.to_string();
    if show {
        println!("{text}");
    }
    verify(&func).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{text}"));
    let again = parse(&text).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{text}"));
    assert_eq!(
        again[0].to_string(),
        text,
        "seed {seed}: text form does not round-trip"
    );

    let regs = Regs::random(seed, arena);
    arena.reset(seed);
    let expected_regs = interp::run(&func, &regs, arena);
    let expected_mem = arena.snapshot();

    // As it is under both algorithms, with every pass, and with one pass off or alone.
    let opt = OptOptions {
        verify: true,
        ..OptOptions::ALL
    };
    // And with all that this processor has.
    let native = March::parse("native").expect("a name");
    let configs = [
        (Algorithm::Ion, None, March::V1),
        (Algorithm::Fast, None, March::V1),
        (Algorithm::Ion, Some(opt), March::V1),
        (Algorithm::Fast, Some(variant(seed, opt)), March::V1),
        (Algorithm::Ion, None, native),
        (Algorithm::Fast, Some(opt), native),
    ];
    for (algorithm, opt, march) in configs {
        let options = Options {
            algorithm,
            verify: true,
            check_allocation: true,
            opt,
            select: SelectOptions {
                march,
                ..SelectOptions::default()
            },
            ..Default::default()
        };
        if show && let Some(opt) = &opt {
            let mut copy = func.clone();
            println!(
                "{:?}\n{copy}",
                trinity_codegen::opt::run(&mut copy, opt, None)
            );
        }
        let code = compile(&func, &options)
            .unwrap_or_else(|e| panic!("seed {seed} {algorithm:?} {opt:?} {march}: {e}\n{text}"));
        let code2 = compile(&again[0], &options).expect("compiles");
        assert_eq!(code, code2, "seed {seed}: not deterministic");
        if show {
            std::fs::write(
                format!("/tmp/trinity-seed-{seed}-{algorithm:?}.bin"),
                &code.code,
            )
            .expect("write code");
        }
        arena.reset(seed);
        let got = arena.run(&code, &regs);
        for (what, want, have) in interp::results(&expected_regs, &got) {
            assert_eq!(
                want, have,
                "seed {seed} {algorithm:?} {opt:?} {march}: {what} differs"
            );
        }
        let mem = arena.snapshot();
        if let Some(n) = mem.iter().zip(&expected_mem).position(|(a, b)| a != b) {
            panic!(
                "seed {seed} {algorithm:?} {opt:?} {march}: memory differs at qword {n}: {:#x}, expected {:#x}",
                mem[n], expected_mem[n]
            );
        }
    }
}

/// Runs the seed that the environment names, or many.
fn run_seeds(make: fn(u64) -> Function, runs: u64) {
    let mut arena = Arena::new();
    let number = |name| std::env::var(name).ok().and_then(|s| s.parse().ok());
    if let Some(seed) = number("TRINITY_SEED") {
        return run_seed(&mut arena, seed, make(seed), true);
    }
    for seed in 1..=number("TRINITY_RUNS").unwrap_or(runs) {
        run_seed(&mut arena, seed, make(seed), false);
    }
}

#[test]
fn random_programs() {
    run_seeds(generate::function, 600);
}

#[test]
fn structured_programs() {
    run_seeds(structured::function, 800);
}
