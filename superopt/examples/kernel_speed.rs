//! Measured speed of found programs against compilers: `kernel_speed FOUND.json [--gcc gcc] [--clang clang]
//! [--rounds 40] [--processes 3] [p01 ...]`, where FOUND.json comes from `kernel_search`.
//!
//! Per kernel and text (bit hacks, idiomatic): latency of what gcc -O3 and clang -O3 make of it for the same processor
//! level, and of ours, all interleaved. Of our proven programs whose model cost is near the best, a first measurement
//! chooses one; the table comes from a second, independent one. The result feeds the first argument of the next copy,
//! and the second where there are two; further arguments are ready.
//!
//! Code with branches is marked with a dagger. Where there is such code, every copy draws its values anew, so that no
//! branch can be learned. A second row shows the same with values of its own for every copy, where all branches are
//! predicted: a result then waits for nothing it was chosen by, and what is measured is no latency any more. That row
//! counts in no mean; what real uses see is between the two.

use iced_x86::{FlowControl, Instruction, Register};
use serde::Deserialize;
use std::ffi::OsString;
use std::process::ExitCode;
use trinity_superopt::kernels::sources::{BIT_HACK, IDIOMATIC, Text, body, compile, function};
use trinity_superopt::kernels::{HACKERS_DELIGHT, Kernel};
use trinity_superopt::measure::{
    Budget, Candidate, Harness, Input, Order, Quantity, RESOLUTION, Timing, Value, Verdict, compare,
};

#[derive(Deserialize)]
struct Found {
    width: u32,
    march: String,
    kernels: Vec<FoundKernel>,
}

#[derive(Deserialize)]
struct FoundKernel {
    kernel: String,
    programs: Vec<FoundProgram>,
}

#[derive(Deserialize)]
struct FoundProgram {
    cost: u64,
    hex: String,
    text: Vec<String>,
    engine: String,
}

/// Programs dearer than the best by more (hundredths of a cycle) are not measured.
const NEAR: u64 = 230;
/// Programs measured to choose one.
const MOST: usize = 6;

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let pair = |c: &[u8]| u8::from_str_radix(std::str::from_utf8(c).ok()?, 16).ok();
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks(2).map(pair).collect())?
}

/// Sixteen inputs that every kernel allows, of mixed sizes and signs.
fn inputs(k: &Kernel, width: u32) -> Vec<Vec<u64>> {
    let mask = if width == 64 {
        u64::MAX
    } else {
        (1 << width) - 1
    };
    let mut x = 0x9e37_79b9_7f4a_7c15u64;
    let mut draw = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    let mut rows = Vec::new();
    let three = [draw() & mask, draw() & mask, draw() & mask];
    for n in 0..16u32 {
        let size = draw() as u32 % (width - 2);
        let a = (draw() & mask) >> size;
        let b = (draw() & mask) >> (draw() as u32 % (width - 2));
        let row = match k.name {
            // Fields of 4 bits, 8 apart, somewhere below.
            "p19" => vec![draw() & mask, 0xf << (n % 8), 8],
            "p20" => vec![(a | 1 << (n % 16)) & (mask >> 2), 0],
            // One of three that stay.
            "p21" => vec![
                three[(draw() >> 20) as usize % 3],
                three[0],
                three[1],
                three[2],
            ],
            "p24" => vec![(a >> 1).max(1)],
            "p09" | "p13" | "p16" if n % 2 == 1 => vec![a.wrapping_neg() & mask, b],
            _ => vec![a, b],
        };
        rows.push(row);
    }
    rows
}

fn harness(k: &Kernel, width: u32, order: Order) -> Harness {
    let rows = inputs(k, width);
    let registers = [Register::RDI, Register::RSI, Register::RDX, Register::RCX];
    let chained = if k.arguments == 2 { 2 } else { 1 };
    let input = |i: usize| Input {
        register: registers[i],
        // What is ready keeps the first row's value in every copy, unless code overwrites it.
        values: rows.iter().map(|r| Value::Integer(r[i])).collect(),
        waits_for: if i < chained {
            vec![Register::RAX]
        } else {
            Vec::new()
        },
    };
    Harness {
        quantity: Quantity::Latency,
        inputs: (0..k.arguments).map(input).collect(),
        order,
        regions: Vec::new(),
        memory: Vec::new(),
    }
}

/// Sums over kernels: logarithms of ratios, and what was slower.
#[derive(Default)]
struct Totals {
    better: f64,
    gcc: f64,
    rows: u32,
    faster: Vec<&'static str>,
    slower: Vec<&'static str>,
}

struct Setting {
    found: Found,
    compilers: [OsString; 2],
    budget: Budget,
    names: Vec<String>,
}

fn setting() -> Result<Setting, String> {
    let usage = "usage: kernel_speed FOUND.json [--gcc NAME] [--clang NAME] [--rounds N] [--processes N] [p01 ...]";
    let mut compilers = [OsString::from("gcc"), OsString::from("clang")];
    let (mut file, mut budget, mut names) = (None, Budget::default(), Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok()).ok_or(usage);
        match a.as_str() {
            "--rounds" => budget.rounds = number()?,
            "--processes" => budget.processes = number()?,
            "--gcc" => compilers[0] = args.next().ok_or(usage)?.into(),
            "--clang" => compilers[1] = args.next().ok_or(usage)?.into(),
            _ if file.is_none() && !a.starts_with('-') => file = Some(a),
            _ if HACKERS_DELIGHT.iter().any(|k| k.name == a) => names.push(a),
            _ => return Err(usage.into()),
        }
    }
    let file = file.ok_or(usage)?;
    let text = std::fs::read_to_string(&file).map_err(|e| format!("{file}: {e}"))?;
    let found = serde_json::from_str(&text).map_err(|e| format!("{file}: {e}"))?;
    Ok(Setting {
        found,
        compilers,
        budget,
        names,
    })
}

/// The best of our programs by a first measurement, with its text.
fn choose<'a>(
    k: &Kernel,
    f: &'a FoundKernel,
    h: &Harness,
    budget: Budget,
) -> Result<Option<(Candidate, &'a FoundProgram)>, String> {
    let least = f.programs.iter().map(|p| p.cost).min().unwrap_or(0);
    let near: Vec<&FoundProgram> = f
        .programs
        .iter()
        .filter(|p| p.cost <= least + NEAR)
        .take(MOST)
        .collect();
    let mut candidates = Vec::new();
    for p in &near {
        let code = bytes(&p.hex).ok_or(format!("{}: not hexadecimal: {}", k.name, p.hex))?;
        candidates.push(Candidate {
            name: "ours".into(),
            code,
        });
    }
    let times = compare(&candidates, h, budget).map_err(|e| format!("{}: {e}", k.name))?;
    // Of those as fast as the fastest, the cheapest by the model.
    let least = times.iter().map(|t| t.ns.median).fold(f64::MAX, f64::min);
    let best = times
        .iter()
        .position(|t| t.ns.median <= least * (1.0 + RESOLUTION));
    Ok(best.map(|b| (candidates[b].clone(), near[b])))
}

/// A time, with a mark when the code branches.
fn cell(t: &Timing, branches: bool) -> String {
    let mark = if branches { " †" } else { "" };
    format!(
        "{:.2} [{:.2}, {:.2}]{mark}",
        t.ns.median, t.ns.low, t.ns.high
    )
}

/// What each compiler made of each text, in the order of the columns.
const COLUMNS: [&str; 4] = [
    "gcc, bit hack",
    "clang, bit hack",
    "gcc, idiomatic",
    "clang, idiomatic",
];

/// Prints a row of the table and adds it to the totals of each text.
fn row(
    k: &Kernel,
    times: &[Timing],
    branches: &[bool],
    mut totals: Option<&mut [Totals; 2]>,
) -> String {
    let mut row = format!("{} |", cell(&times[0], false));
    for n in 0..2 {
        let (gcc, clang) = (&times[1 + 2 * n], &times[2 + 2 * n]);
        let better = if clang.ns.median < gcc.ns.median {
            clang
        } else {
            gcc
        };
        let ratio = better.ns.median / times[0].ns.median;
        let verdict = times[0].against(better);
        let mark = match verdict {
            Verdict::Faster => "",
            Verdict::Slower => " SLOWER",
            Verdict::NotDistinguishable => " =",
        };
        row.push_str(&format!(
            " {} | {} | {ratio:.2}{mark} |",
            cell(gcc, branches[1 + 2 * n]),
            cell(clang, branches[2 + 2 * n])
        ));
        if let Some(t) = totals.as_mut().map(|t| &mut t[n]) {
            t.better += ratio.ln();
            t.gcc += (gcc.ns.median / times[0].ns.median).ln();
            t.rows += 1;
            match verdict {
                Verdict::Faster => t.faster.push(k.name),
                Verdict::Slower => t.slower.push(k.name),
                Verdict::NotDistinguishable => {}
            }
        }
    }
    row
}

fn report(s: &Setting) -> Result<(), String> {
    let texts: [Text; 2] = [BIT_HACK, IDIOMATIC];
    let march = format!("-march={}", s.found.march);
    let mut units = Vec::new();
    for t in &texts {
        for c in &s.compilers {
            units.push(compile(c, t, s.found.width, &["-O3", &march]).map_err(|e| e.to_string())?);
        }
    }
    println!(
        "| kernel | ours ns | gcc, bit hack | clang | ratio | gcc, idiomatic | clang | ratio | program | origin |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut totals = [Totals::default(), Totals::default()];
    for k in HACKERS_DELIGHT
        .iter()
        .filter(|k| s.names.is_empty() || s.names.iter().any(|n| n == k.name))
    {
        let h = harness(k, s.found.width, Order::InTurn);
        let Some(f) = s.found.kernels.iter().find(|f| f.kernel == k.name) else {
            continue;
        };
        let Some((ours, program)) = choose(k, f, &h, s.budget)? else {
            println!("| {} | nothing found |", k.name);
            continue;
        };
        let mut candidates = vec![ours];
        let mut branches = vec![false];
        for (unit, name) in units.iter().zip(COLUMNS) {
            let f = function(unit, k.name).map_err(|e| e.to_string())?;
            let jumps = |i: &Instruction| i.flow_control() == FlowControl::ConditionalBranch;
            branches.push(f.code.iter().any(|i| jumps(&i.instruction)));
            candidates.push(Candidate {
                name: name.into(),
                code: body(&f).map_err(|e| e.to_string())?,
            });
        }
        let timed =
            |h: &Harness| compare(&candidates, h, s.budget).map_err(|e| format!("{}: {e}", k.name));
        let text = program.text.join("; ");
        let predicted = timed(&h)?;
        if branches.contains(&true) {
            let times = timed(&harness(k, s.found.width, Order::Drawn))?;
            let cells = row(k, &times, &branches, Some(&mut totals));
            println!("| {} | {cells} `{text}` | {} |", k.name, program.engine);
            let cells = row(k, &predicted, &branches, None);
            println!("| {}, predicted | {cells} as above | |", k.name);
        } else {
            let cells = row(k, &predicted, &branches, Some(&mut totals));
            println!("| {} | {cells} `{text}` | {} |", k.name, program.engine);
        }
    }
    println!();
    for (text, t) in texts.iter().zip(&totals) {
        let mean = |sum: f64| (sum / f64::from(t.rows.max(1))).exp();
        println!(
            "{}, {} kernels: {:.3}x the better of the two, {:.3}x gcc alone (geometric means); faster {}, slower {} {:?}.",
            text.name,
            t.rows,
            mean(t.better),
            mean(t.gcc),
            t.faster.len(),
            t.slower.len(),
            t.slower
        );
    }
    Ok(())
}

fn main() -> ExitCode {
    match setting().and_then(|s| report(&s)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
