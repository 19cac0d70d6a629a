//! Which opcodes generated programs execute, and on which kinds of operands.
//!
//! `trinity` built with the feature `coverage` counts (runtime/src/coverage.rs); here the counts of all batches are added up and compared
//! with what could be reached: every pair of kinds that the operands' modes admit.

use super::{Options, lock};
use crate::generate;
use crate::run::{bin_dir, run};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use trinity_frontend::bytecode::op::{ALL_OPS, Mode, Op};

/// (opcode, first kind, second kind) and how often.
type Counts = BTreeMap<(String, String, String), u64>;

/// Kinds that programs can hold in registers.
const VALUES: &[&str] = &[
    "nil", "boolean", "integer", "float", "string", "numeral", "table", "object", "function",
    "native", "userdata", "thread",
];

/// Runs the programs of `o` and renders the table.
pub fn measure(o: &Options) -> std::io::Result<String> {
    std::fs::create_dir_all(&o.keep)?;
    let batches = o.count.saturating_sub(o.from).div_ceil(o.batch);
    let next = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    let total = Mutex::new(Counts::new());
    let failure = Mutex::new(None);
    std::thread::scope(|s| {
        for _ in 0..o.jobs.max(1) {
            s.spawn(|| {
                loop {
                    let b = next.fetch_add(1, Ordering::Relaxed);
                    if b >= batches || o.deadline.is_some_and(|d| Instant::now() >= d) {
                        break;
                    }
                    let first = o.from + b * o.batch;
                    let n = o.batch.min(o.count - first);
                    match one(o, first, n) {
                        Ok(c) => {
                            done.fetch_add(n, Ordering::Relaxed);
                            let mut total = lock(&total);
                            for (k, v) in c {
                                *total.entry(k).or_default() += v;
                            }
                        }
                        Err(e) => {
                            *lock(&failure) = Some(e);
                            next.store(batches, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    if let Some(e) = lock(&failure).take() {
        return Err(e);
    }
    let counts = std::mem::take(&mut *lock(&total));
    Ok(render(done.into_inner(), &counts))
}

fn one(o: &Options, first: u64, n: u64) -> std::io::Result<Counts> {
    let file = o.keep.join(format!("c{first}.lua"));
    let table = o.keep.join(format!("c{first}.counts"));
    std::fs::write(&file, generate::batch(o.seed + first, n))?;
    let mut c = Command::new(bin_dir().join("trinity"));
    c.arg(&file).env("TRINITY_COVERAGE", &table);
    run(c, Duration::from_secs(60 + n))?;
    let text = std::fs::read_to_string(&table).map_err(|_| {
        std::io::Error::other(format!(
            "{} counts nothing: build it with --features coverage",
            bin_dir().join("trinity").display()
        ))
    })?;
    std::fs::remove_file(&file)?;
    std::fs::remove_file(&table)?;
    let mut counts = Counts::new();
    for line in text.lines() {
        let mut w = line.split(' ');
        if let (Some(op), Some(a), Some(b), Some(n)) = (w.next(), w.next(), w.next(), w.next()) {
            *counts.entry((op.into(), a.into(), b.into())).or_default() +=
                n.parse::<u64>().unwrap_or(0);
        }
    }
    Ok(counts)
}

/// Kinds the operand can have; empty when it is not a value.
fn admitted(op: Op, position: usize) -> Vec<&'static str> {
    match (op, op.info().modes[position]) {
        // The control variables of a loop are prepared; cells are not values.
        (Op::ForLoop | Op::GetCell, _) => Vec::new(),
        (Op::SetCell, Mode::R) => Vec::new(),
        // Bitwise operations have constants that are integers.
        (Op::BAndK | Op::BOrK | Op::BXorK | Op::ShlK | Op::ShrK, Mode::KN) => vec!["integer"],
        (_, Mode::KN) => vec!["integer", "float"],
        // Names of methods are no numerals.
        (Op::SelfGet, Mode::KS) => vec!["string"],
        (_, Mode::KS) => vec!["string", "numeral"],
        (_, Mode::K) => vec!["nil", "boolean", "integer", "float", "string", "numeral"],
        (_, Mode::K32) => vec!["integer", "float", "string", "numeral"],
        (Op::GetI | Op::SetI, Mode::N) => vec!["integer"],
        (_, Mode::I) => vec!["integer"],
        (_, Mode::R | Mode::RW | Mode::RK | Mode::U) => VALUES.to_vec(),
        _ => Vec::new(),
    }
}

/// The pairs an opcode can see.
fn reachable(op: Op) -> Vec<(&'static str, &'static str)> {
    let values = || VALUES.to_vec();
    let (first, second) = match op {
        Op::Concat | Op::ForPrep => (values(), values()),
        Op::Call | Op::TailCall | Op::TForCall => (values(), Vec::new()),
        Op::SetList => (vec!["table"], Vec::new()),
        // Only what can be closed is marked: nil, false, and objects.
        Op::Tbc | Op::TForPrep => (vec!["nil", "boolean", "object"], Vec::new()),
        Op::NewCell => (values(), Vec::new()),
        _ => {
            let mut all: Vec<_> = (0..3)
                .map(|n| admitted(op, n))
                .filter(|v| !v.is_empty())
                .collect();
            all.truncate(2);
            let mut all = all.into_iter();
            (
                all.next().unwrap_or_default(),
                all.next().unwrap_or_default(),
            )
        }
    };
    let mut pairs = Vec::new();
    for a in &first {
        if second.is_empty() {
            pairs.push((*a, "-"));
        }
        for b in &second {
            pairs.push((*a, *b));
        }
    }
    pairs
}

fn render(programs: u64, counts: &Counts) -> String {
    let mut s = format!(
        "{programs} programs\n{:<11} {:>14} {:>6} {:>6}  never seen\n",
        "opcode", "executed", "pairs", "of"
    );
    let (mut ops, mut seen_pairs, mut all_pairs) = (0, 0, 0);
    for op in ALL_OPS {
        let name = op.info().name;
        let executed: u64 = counts
            .iter()
            .filter(|((o, _, _), _)| o == name)
            .map(|(_, n)| n)
            .sum();
        ops += usize::from(executed > 0);
        let pairs = reachable(op);
        let (seen, missing): (Vec<_>, Vec<_>) = pairs.iter().partition(|(a, b)| {
            counts.contains_key(&(name.to_owned(), (*a).to_owned(), (*b).to_owned()))
        });
        seen_pairs += seen.len();
        all_pairs += pairs.len();
        let list: Vec<String> = missing
            .iter()
            .map(|(a, b)| {
                if *b == "-" {
                    a.to_string()
                } else {
                    format!("{a}:{b}")
                }
            })
            .collect();
        let list = if list.len() > 12 {
            format!("{} ... ({} in all)", list[..12].join(" "), list.len())
        } else {
            list.join(" ")
        };
        // A string takes everything.
        let _ = writeln!(
            s,
            "{name:<11} {executed:>14} {:>6} {:>6}  {list}",
            seen.len(),
            pairs.len()
        );
    }
    let _ = writeln!(
        s,
        "{ops} of {} opcodes, {seen_pairs} of {all_pairs} pairs of operand kinds",
        ALL_OPS.len()
    );
    s
}
