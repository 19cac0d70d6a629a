//! How fast candidates are tested: `search_rates [--seconds 2] [--rounds 5]`.
//!
//! - tests a second on one core: a fixed program of ten live instructions, six of which write flags and four read them, on
//!   all groups of tests of its own target; a test is one input;
//! - proposals a second: chains on p20 from nothing, one and one per core, each with its own seed; "live" ones change code
//!   that a result depends on.
//!
//! Medians over the rounds, with the least and the greatest. Needs an otherwise idle machine.

use rand::SeedableRng;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use trinity_superopt::input::Unit;
use trinity_superopt::kernels::find;
use trinity_superopt::kernels::sources::{function, instructions};
use trinity_superopt::search::chain::{Chain, Judge, Judgement, Params, Phase};
use trinity_superopt::search::engine::chain_ops;
use trinity_superopt::search::lanes::LANES;
use trinity_superopt::search::opset::March;
use trinity_superopt::search::program::{Evaluator, Liveness, Program};
use trinity_superopt::search::target::{Port, Target, caller_saved};
use trinity_superopt::search::tests::TestBank;

const SEED: u64 = 1;
const GROUPS: usize = 32;
const FIXED: &str = "add edi, esi
adc edx, esi
mov eax, edi
sub eax, edx
cmovb eax, esi
xor edx, eax
cmp edi, edx
cmovb edi, esi
sbb edx, eax
lea eax, [rdi+rdx]";

fn bank(t: &Target) -> Result<TestBank, String> {
    let mut rng = rand::rngs::SmallRng::seed_from_u64(SEED);
    TestBank::new(t, GROUPS, &mut rng).map_err(|e| e.to_string())
}

/// Tests a second of the fixed program, on this thread.
fn tests(seconds: Duration) -> Result<f64, String> {
    let text = format!(
        ".intel_syntax noprefix\n.globl f\n.type f, @function\nf:\n{FIXED}\nret\n.size f, .-f\n"
    );
    let unit = Unit::from_text("fixed.s".as_ref(), &text).map_err(|e| e.to_string())?;
    let code = instructions(&function(&unit, "f").map_err(|e| e.to_string())?);
    let port = |at| Port { at, width: 32 };
    let inputs = [port(7), port(6), port(2)];
    let t = Target::from_code(
        "fixed",
        &code,
        &inputs,
        &[port(0)],
        caller_saved(),
        March::V3,
    )
    .map_err(|e| e.to_string())?;
    let (bank, ops) = (bank(&t)?, chain_ops(&t, &[]));
    if let Some(i) = code.iter().find(|i| ops.find(i).is_none()) {
        return Err(format!("the chain's set lacks `{i}`"));
    }
    let p = Program::from_instructions(&ops, &code, 0).unwrap_or_default();
    let l = Liveness::of(&p, &ops, t.output_set());
    if l.wanted.contains(&0) {
        return Err("an instruction of the fixed program is dead".into());
    }
    let mut e = Evaluator::new(&t);
    let (start, mut runs, mut wrong) = (Instant::now(), 0u64, 0);
    while start.elapsed() < seconds {
        for _ in 0..64 {
            e.load(&p, &ops, &l);
            for g in &bank.groups {
                e.run(g, l.entry);
                wrong += e.wrong_bits(&t, g);
            }
        }
        runs += 64 * bank.groups.len() as u64;
    }
    if wrong > 0 {
        return Err("the fixed program does not compute itself".into());
    }
    Ok((runs * LANES as u64) as f64 / start.elapsed().as_secs_f64())
}

struct Never;

impl Judge for Never {
    fn judge(&mut self, _: &Program, _: u64, _: &mut TestBank) -> Judgement {
        Judgement::Undecided
    }
}

/// Proposals, live proposals and tests a second of `threads` chains.
fn chains(threads: u64, seconds: Duration) -> Result<[f64; 3], String> {
    let t = find("p20").ok_or("no p20")?.target(32, March::V3);
    let bank = bank(&t)?;
    let one = |seed: u64| {
        let (mut bank, ops) = (bank.with_inputs(&[]), chain_ops(&t, &[]));
        let empty = Program::empty(0);
        let mut chain = Chain::new(&t, &ops, Params::default(), Phase::Synthesis, &empty, seed);
        let start = Instant::now();
        while start.elapsed() < seconds {
            chain.run(512, &mut bank, &mut Never);
        }
        let (c, s) = (chain.counts, start.elapsed().as_secs_f64());
        [c.proposals, c.live, c.tests].map(|n| n as f64 / s)
    };
    let all: Vec<[f64; 3]> = std::thread::scope(|s| {
        let threads: Vec<_> = (0..threads)
            .map(|n| {
                let one = &one;
                s.spawn(move || one(SEED + n))
            })
            .collect();
        threads.into_iter().filter_map(|t| t.join().ok()).collect()
    });
    Ok(std::array::from_fn(|i| all.iter().map(|r| r[i]).sum()))
}

/// Median, least and greatest, in millions.
fn line(what: &str, mut v: Vec<f64>) {
    v.sort_by(f64::total_cmp);
    let m = |x: f64| x / 1e6;
    let (low, high) = (m(v[0]), m(v[v.len() - 1]));
    println!(
        "| {what} | {:.2} | {low:.2} to {high:.2} |",
        m(v[v.len() / 2])
    );
}

fn run() -> Result<(), String> {
    const USAGE: &str = "usage: search_rates [--seconds N] [--rounds N]";
    let (mut seconds, mut rounds) = (2.0, 5usize);
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        let n: f64 = args
            .next()
            .and_then(|n| n.parse().ok())
            .filter(|n| *n > 0.0)
            .ok_or(USAGE)?;
        match a.as_str() {
            "--seconds" => seconds = n,
            "--rounds" => rounds = (n as usize).max(1),
            _ => return Err(USAGE.into()),
        }
    }
    let seconds = Duration::from_secs_f64(seconds);
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    println!("| millions a second | median of {rounds} | least and greatest |\n|---|---|---|");
    let round = |_| tests(seconds);
    line(
        "tests, fixed program, one core",
        (0..rounds).map(round).collect::<Result<_, _>>()?,
    );
    for threads in [1, cores] {
        let round = |_| chains(threads, seconds);
        let all = (0..rounds)
            .map(round)
            .collect::<Result<Vec<[f64; 3]>, _>>()?;
        for (i, what) in ["proposals", "live proposals", "tests"].iter().enumerate() {
            line(
                &format!("{what}, {threads} chains"),
                all.iter().map(|r| r[i]).collect(),
            );
        }
        if cores == 1 {
            break;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
