//! `trinity-fuzz`: generated programs under lua5.4, `trinity` and compiled executables.
//!
//! usage: trinity-fuzz [--seed N] [--count N] [--batch N] [--no-compile] [--no-interpret] [--keep DIR] | --print SEED

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use trinity_tests::generate;
use trinity_tests::run::{Outcome, bin_dir, run};

struct Options {
    seed: u64,
    count: u64,
    batch: u64,
    compile: bool,
    interpret: bool,
    keep: PathBuf,
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: trinity-fuzz [--seed N] [--count N] [--batch N] [--no-compile] [--no-interpret] [--keep DIR]\n       trinity-fuzz --print SEED"
    );
    ExitCode::from(2)
}

fn main() -> ExitCode {
    let mut o = Options {
        seed: 1,
        count: 1000,
        batch: 50,
        compile: true,
        interpret: true,
        keep: std::env::temp_dir().join("trinity-fuzz"),
    };
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        let mut number = || args.next().and_then(|v| v.parse::<u64>().ok());
        match a.as_str() {
            "--no-compile" => o.compile = false,
            "--no-interpret" => o.interpret = false,
            "--keep" => match args.next() {
                Some(d) => o.keep = d.into(),
                None => return usage(),
            },
            "--seed" | "--count" | "--batch" | "--print" => {
                let Some(n) = number() else { return usage() };
                match a.as_str() {
                    "--seed" => o.seed = n,
                    "--count" => o.count = n,
                    "--batch" => o.batch = n.max(1),
                    _ => {
                        print!("{}", generate::batch(n, 1));
                        return ExitCode::SUCCESS;
                    }
                }
            }
            _ => return usage(),
        }
    }
    if let Err(e) = std::fs::create_dir_all(&o.keep) {
        eprintln!("trinity-fuzz: cannot create {}: {e}", o.keep.display());
        return ExitCode::from(2);
    }
    println!(
        "fuzzing: seeds {}..{} in batches of {}",
        o.seed,
        o.seed + o.count,
        o.batch
    );
    let failures = AtomicU64::new(0);
    let next = AtomicU64::new(0);
    let batches = o.count.div_ceil(o.batch);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                loop {
                    let b = next.fetch_add(1, Ordering::Relaxed);
                    if b >= batches {
                        break;
                    }
                    let first = o.seed + b * o.batch;
                    let n = o.batch.min(o.seed + o.count - first);
                    match check(&o, first, n) {
                        Ok(bad) => {
                            failures.fetch_add(bad, Ordering::Relaxed);
                        }
                        Err(e) => {
                            eprintln!("trinity-fuzz: {e}");
                            failures.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    if b % 200 == 199 {
                        println!(
                            "{} programs, {} differences",
                            (b + 1) * o.batch,
                            failures.load(Ordering::Relaxed)
                        );
                    }
                }
            });
        }
    });
    let bad = failures.load(Ordering::Relaxed);
    println!(
        "{} programs from seed {}: {bad} differences",
        o.count, o.seed
    );
    if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs one batch; number of programs that differ. A batch that differs is split down to its programs.
fn check(o: &Options, first: u64, n: u64) -> std::io::Result<u64> {
    let limit = Duration::from_secs(20 + n / 5);
    let file = o.keep.join(format!("p{first}-{n}.lua"));
    std::fs::write(&file, generate::batch(first, n))?;
    let name = file.file_name().unwrap_or_default();
    let with = |program: PathBuf, script: bool| {
        let mut c = Command::new(program);
        c.current_dir(&o.keep);
        if script {
            c.arg(name);
        }
        c
    };
    let expected = run(with("lua5.4".into(), true), limit)?;
    let mut differs = None;
    if o.interpret {
        let got = run(with(bin_dir().join("trinity"), true), limit)?;
        if !same(&expected, &got) {
            differs = Some(("trinity", got));
        }
    }
    if o.compile && differs.is_none() {
        let exe = file.with_extension("exe");
        let mut c = with(bin_dir().join("trinityc"), true);
        c.arg("-o").arg(&exe);
        let compiled = run(c, limit)?;
        let got = if compiled.code == Some(0) {
            run(with(exe.clone(), false), limit)?
        } else {
            compiled
        };
        if !same(&expected, &got) {
            differs = Some(("trinityc", got));
        }
        let _ = std::fs::remove_file(&exe);
    }
    let Some((who, got)) = differs else {
        std::fs::remove_file(&file)?;
        return Ok(0);
    };
    if n > 1 {
        std::fs::remove_file(&file)?;
        let half = n / 2;
        let bad = check(o, first, half)? + check(o, first + half, n - half)?;
        if bad == 0 {
            // Only together: keep the whole batch.
            std::fs::write(&file, generate::batch(first, n))?;
            println!(
                "DIFFERENCE only in the whole batch ({who}): {}",
                file.display()
            );
            return Ok(1);
        }
        return Ok(bad);
    }
    println!("DIFFERENCE in seed {first} ({who}): {}", file.display());
    show_first_difference(&expected, &got);
    Ok(1)
}

fn same(a: &Outcome, b: &Outcome) -> bool {
    a.stdout == b.stdout
        && a.code == b.code
        && a.timed_out == b.timed_out
        && a.stderr.is_empty() == b.stderr.is_empty()
}

fn show_first_difference(a: &Outcome, b: &Outcome) {
    let (x, y) = (
        String::from_utf8_lossy(&a.stdout),
        String::from_utf8_lossy(&b.stdout),
    );
    let (mut xs, mut ys) = (x.lines(), y.lines());
    let mut n = 1;
    loop {
        match (xs.next(), ys.next()) {
            (Some(p), Some(q)) if p == q => n += 1,
            (None, None) => break,
            (p, q) => {
                println!(
                    "  output line {n}\n    lua5.4: {}\n    ours:   {}",
                    p.unwrap_or("<end>"),
                    q.unwrap_or("<end>")
                );
                break;
            }
        }
    }
    if a.code != b.code || a.timed_out != b.timed_out {
        println!(
            "  exit: {:?} timeout {} / {:?} timeout {}",
            a.code, a.timed_out, b.code, b.timed_out
        );
    }
    if !b.stderr.is_empty() {
        let text = String::from_utf8_lossy(&b.stderr).into_owned();
        println!(
            "  stderr: {}",
            text.lines().take(3).collect::<Vec<_>>().join(" | ")
        );
    }
}
