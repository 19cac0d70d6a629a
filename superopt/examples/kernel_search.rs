//! Synthesis of p01 to p25 from scratch: `kernel_search OUT.json [--width 32] [--march x86-64-v3] [--seeds 5]
//! [--deadline 60] [--patience 3] [--jobs 2] [--from gcc --from clang [--from-patience 4]] [p01 p02 ...]`.
//!
//! Every kernel is searched once per seed. OUT.json gets the proven programs, and per seed the seconds to the first and
//! to the best proven program; it is written anew after every kernel, so that a run can be stopped. Standard output gets
//! a Markdown table. Wall-clock times: other load on the machine counts. How much of the processors the search had is in
//! the last column: its processor seconds (without the solver's) by the seconds it took.
//!
//! With `--from`, one more search per kernel begins with what these compilers make of the C texts at -O3, where that is
//! straight-line code, and asks for what the kernel is meant for (fields that do not overlap, say), where both texts
//! agree; it counts in no column of the table. Its programs, proven too, join those in OUT.json: a user who
//! improves compiled code has it as a start, and an improver that returned something slower would be of no use.

use iced_x86::{Encoder, FlowControl, Formatter, Instruction, IntelFormatter, Mnemonic, Register};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use trinity_superopt::input::{ImproveOptions, Unit};
use trinity_superopt::kernels::sources::{BIT_HACK, IDIOMATIC, compile, function, instructions};
use trinity_superopt::kernels::{HACKERS_DELIGHT, Kernel};
use trinity_superopt::run::{Deadline, Progress};
use trinity_superopt::search::engine::{Outcome, Seed};
use trinity_superopt::search::improve::Engines;
use trinity_superopt::search::opset::March;
use trinity_superopt::solver::{PoolConfig, SolverPool};

/// What is asked for.
struct Arguments {
    out: String,
    width: u32,
    march: March,
    seeds: u64,
    deadline: Duration,
    patience: Duration,
    from_patience: Duration,
    jobs: usize,
    compilers: Vec<String>,
    names: Vec<String>,
}

fn arguments() -> Option<Arguments> {
    let mut a = Arguments {
        out: String::new(),
        width: 32,
        march: March::V3,
        seeds: 5,
        deadline: Duration::from_secs(60),
        patience: Duration::from_secs(3),
        from_patience: Duration::from_secs(4),
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        compilers: Vec::new(),
        names: Vec::new(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(x) = args.next() {
        match x.as_str() {
            "--width" => a.width = args.next()?.parse().ok().filter(|w| [32, 64].contains(w))?,
            "--march" => a.march = March::parse(&args.next()?)?,
            "--seeds" => a.seeds = args.next()?.parse().ok()?,
            "--deadline" => a.deadline = Duration::from_secs_f64(args.next()?.parse().ok()?),
            "--patience" => a.patience = Duration::from_secs_f64(args.next()?.parse().ok()?),
            "--from-patience" => {
                a.from_patience = Duration::from_secs_f64(args.next()?.parse().ok()?)
            }
            "--from" => a.compilers.push(args.next()?),
            "--jobs" => a.jobs = args.next()?.parse().ok()?,
            _ if a.out.is_empty() && !x.starts_with('-') => a.out = x,
            _ if HACKERS_DELIGHT.iter().any(|k| k.name == x) => a.names.push(x),
            _ => return None,
        }
    }
    (!a.out.is_empty()).then_some(a)
}

/// Machine code in hexadecimal, and text.
fn written(code: &[Instruction]) -> (String, Vec<String>) {
    let mut encoder = Encoder::new(64);
    let mut formatter = IntelFormatter::new();
    let mut text = Vec::new();
    for i in code {
        encoder.encode(i, 0).expect("proven code has an encoding");
        let mut line = String::new();
        formatter.format(i, &mut line);
        text.push(line);
    }
    let bytes = encoder.take_buffer();
    (bytes.iter().map(|b| format!("{b:02x}")).collect(), text)
}

/// Processor seconds of this process so far, in hundredths, as the kernel counts them.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold spaces, the 12th and 13th field are the ticks in user and system mode.
    let ticks = stat.rsplit(')').next().map_or(0.0, |rest| {
        let fields = rest.split_whitespace().skip(11).take(2);
        fields.filter_map(|f| f.parse::<f64>().ok()).sum()
    });
    ticks / 100.0
}

/// What the compilers make of the texts' functions of one name, where it is straight-line code in registers.
fn compiled(k: &Kernel, units: &[(String, Unit)]) -> Result<Vec<Seed>, String> {
    let mut seeds = Vec::new();
    for (origin, unit) in units {
        let f = function(unit, k.name).map_err(|e| format!("{origin}: {e}"))?;
        let code = instructions(&f);
        let plain = |i: &Instruction| {
            i.flow_control() == FlowControl::Next
                && !i.is_stack_instruction()
                && (i.mnemonic() == Mnemonic::Lea || i.memory_base() == Register::None)
        };
        if code.iter().all(plain) {
            let origin = origin.clone();
            seeds.push(Seed { origin, code });
        }
    }
    Ok(seeds)
}

/// The C texts compiled by every compiler.
fn units(a: &Arguments) -> Result<Vec<(String, Unit)>, String> {
    let march = format!("-march={}", a.march);
    let mut units = Vec::new();
    for c in &a.compilers {
        for text in [&BIT_HACK, &IDIOMATIC] {
            let unit =
                compile(c.as_ref(), text, a.width, &["-O3", &march]).map_err(|e| e.to_string())?;
            units.push((format!("{c}, {}", text.name), unit));
        }
    }
    Ok(units)
}

/// One search: what it found and took.
fn search(
    k: &Kernel,
    a: &Arguments,
    seed: u64,
    solvers: SolverPool,
    begin: Vec<Seed>,
) -> Result<Outcome, String> {
    let deadline = Deadline::after(a.deadline);
    let mut engines = Engines::new(solvers, Progress::new(&deadline));
    engines.patience = match begin.is_empty() {
        true => a.patience,
        false => a.from_patience,
    };
    engines.begin = begin;
    // What compilers make of the texts is the same only on the inputs that the kernel is meant for.
    let target = match engines.begin.is_empty() {
        true => k.target(a.width, a.march),
        false => k.meant_target(a.width, a.march),
    };
    let options = ImproveOptions {
        deadline,
        jobs: a.jobs,
        seed,
        from_scratch: true,
    };
    engines.search(&target, &options)
}

/// A proven program: cost, machine code in hexadecimal, text, engine.
type Written = (u64, String, Vec<String>, String);

/// Adds what a search found and was not there yet.
fn add(programs: &mut Vec<Written>, outcome: Outcome) {
    for f in outcome.found {
        let (hex, text) = written(&f.code);
        if programs.iter().all(|p| p.1 != hex) {
            programs.push((f.cost, hex, text, f.engine));
        }
    }
}

fn median(v: &mut [f64]) -> f64 {
    v.sort_by(f64::total_cmp);
    match v.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => v[n / 2],
        n => (v[n / 2 - 1] + v[n / 2]) / 2.0,
    }
}

fn main() -> ExitCode {
    let Some(a) = arguments() else {
        eprintln!(
            "usage: kernel_search OUT.json [--width 32|64] [--march NAME] [--seeds N] [--deadline S] [--patience S] [--jobs N] [--from COMPILER] [--from-patience S] [p01 ...]"
        );
        return ExitCode::from(2);
    };
    let config = match PoolConfig::located() {
        Ok(c) => c,
        Err(e) => {
            eprintln!("{e}");
            return ExitCode::FAILURE;
        }
    };
    let units = match units(&a) {
        Ok(u) => u,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "| kernel | found | first: median s | max s | best: median s | max s | cost | instructions | engine | processors |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut kernels: Vec<Value> = Vec::new();
    let (mut complete, mut firsts) = (0, Vec::new());
    for k in HACKERS_DELIGHT
        .iter()
        .filter(|k| a.names.is_empty() || a.names.iter().any(|n| n == k.name))
    {
        let mut programs: Vec<Written> = Vec::new();
        let (mut first, mut best, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        let (mut wall, mut worked) = (0.0, 0.0);
        for seed in 1..=a.seeds {
            let (start, before) = (Instant::now(), processor_seconds());
            let outcome = match search(k, &a, seed, SolverPool::new(config.clone()), Vec::new()) {
                Ok(o) => o,
                Err(why) => {
                    eprintln!("{}: {why}", k.name);
                    return ExitCode::FAILURE;
                }
            };
            let (seconds, cpu) = (start.elapsed().as_secs_f64(), processor_seconds() - before);
            wall += seconds;
            worked += cpu;
            if let (Some(f), Some(b)) = (outcome.first, outcome.found.first()) {
                first.push(f.as_secs_f64());
                best.push(b.after.as_secs_f64());
            }
            runs.push(json!({
                "seed": seed,
                "first": outcome.first.map(|f| f.as_secs_f64()),
                "best": outcome.found.first().map(|b| b.after.as_secs_f64()),
                "cost": outcome.found.first().map(|b| b.cost),
                "seconds": seconds,
                "processor_seconds": cpu,
                "undecided": outcome.undecided,
            }));
            add(&mut programs, outcome);
        }
        let from_nothing = programs.iter().min_by_key(|p| p.0).cloned();
        let begun = compiled(k, &units).and_then(|begin| match begin.is_empty() {
            true => Ok(Outcome::default()),
            false => search(k, &a, 1, SolverPool::new(config.clone()), begin),
        });
        match begun {
            Ok(outcome) => add(&mut programs, outcome),
            Err(why) => {
                eprintln!("{}: {why}", k.name);
                return ExitCode::FAILURE;
            }
        }
        programs.sort_by_key(|p| p.0);
        let found = first.len() as u64;
        complete += u64::from(found == a.seeds);
        firsts.extend(first.iter().copied());
        let max = |v: &[f64]| v.iter().copied().fold(0.0, f64::max);
        let (fm, bm) = (max(&first), max(&best));
        let top = from_nothing.as_ref();
        println!(
            "| {} | {found}/{} | {:.2} | {fm:.2} | {:.2} | {bm:.2} | {} | {} | {} | {:.2} |",
            k.name,
            a.seeds,
            median(&mut first),
            median(&mut best),
            top.map_or(0, |p| p.0),
            top.map_or(0, |p| p.2.len()),
            top.map_or("-", |p| &p.3),
            worked / wall,
        );
        kernels.push(json!({
            "kernel": k.name,
            "runs": runs,
            "programs": programs.iter().map(|(cost, hex, text, engine)| {
                json!({"cost": cost, "hex": hex, "text": text, "engine": engine})
            }).collect::<Vec<_>>(),
        }));
        let all =
            json!({"width": a.width, "march": a.march.name(), "jobs": a.jobs, "kernels": kernels});
        if let Err(e) = std::fs::write(&a.out, format!("{all:#}\n")) {
            eprintln!("{}: {e}", a.out);
            return ExitCode::FAILURE;
        }
    }
    println!();
    println!(
        "Found with every seed: {complete} of {}. First proven program: median {:.2} s.",
        kernels.len(),
        median(&mut firsts)
    );
    ExitCode::SUCCESS
}
