//! `trinity-fuzz`: generated programs under lua5.4, `trinity` and compiled executables. See `trinity_tests::fuzz`.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use trinity_tests::fuzz::judge::Way;
use trinity_tests::fuzz::{Options, campaign, coverage};
use trinity_tests::generate;

const USAGE: &str = "\
usage: trinity-fuzz [OPTION]...
  --seed N          program k has seed N + k (default 1)
  --count N         programs (default 1000)
  --from N          begin at program N, to go on with a campaign
  --batch N         programs compiled into one executable (default 100)
  --interpret, --compile   only one of our ways
  --flag=F          give trinityc an option, such as --flag=-O2
  --own-profile     compile by what a run of the same programs was seen to do
  --deopt-stress, --gc-stress   stress ours
  --deadline HH:MM  begin nothing after this time of day (UTC)
  --keep DIR        folder for programs that differ
  --jobs N          batches at a time (default: processors)
  --no-reduce       do not make programs that differ smaller
  --coverage        instead of comparing, count opcodes and operand kinds (needs `trinity` built with --features coverage)
  --print N         print the program of seed N
";

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

/// The next time the clock shows HH:MM.
fn deadline(text: &str) -> Option<Instant> {
    let (h, m) = text.split_once(':')?;
    let at = h.parse::<u64>().ok()? * 3600 + m.parse::<u64>().ok()? * 60;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs() % 86400;
    Some(Instant::now() + Duration::from_secs((at + 86400 - now) % 86400))
}

fn main() -> ExitCode {
    let mut o = Options {
        seed: 1,
        count: 1000,
        from: 0,
        batch: 100,
        ways: Way::ALL.to_vec(),
        keep: std::env::temp_dir().join("trinity-fuzz"),
        env: Vec::new(),
        flags: Vec::new(),
        own_profile: false,
        deadline: None,
        reduce: Duration::from_secs(20),
        progress: Some(Duration::from_secs(10)),
        jobs: std::thread::available_parallelism().map_or(1, |n| n.get()),
    };
    let mut count_coverage = false;
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        match a.as_str() {
            "--interpret" => o.ways = vec![Way::Interpreted],
            "--compile" => o.ways = vec![Way::Compiled],
            "--deopt-stress" => o.env.push(("TRINITY_DEOPT_STRESS".into(), "1".into())),
            "--gc-stress" => o.env.push(("TRINITY_GC_STRESS".into(), "1".into())),
            "--own-profile" => o.own_profile = true,
            _ if a.starts_with("--flag=") => o.flags.push(a.trim_start_matches("--flag=").into()),
            "--no-reduce" => o.reduce = Duration::ZERO,
            "--coverage" => count_coverage = true,
            "--keep" => match args.next() {
                Some(d) => o.keep = d.into(),
                None => return usage(),
            },
            "--deadline" => match args.next().and_then(|t| deadline(&t)) {
                Some(t) => o.deadline = Some(t),
                None => return usage(),
            },
            "--seed" | "--count" | "--from" | "--batch" | "--jobs" | "--print" => {
                let Some(n) = args.next().and_then(|v| v.parse::<u64>().ok()) else {
                    return usage();
                };
                match a.as_str() {
                    "--seed" => o.seed = n,
                    "--count" => o.count = n,
                    "--from" => o.from = n,
                    "--batch" => o.batch = n.max(1),
                    "--jobs" => o.jobs = n as usize,
                    _ => {
                        use std::io::Write;
                        let text = generate::batch(n, 1);
                        return match std::io::stdout().write_all(&text) {
                            Ok(()) => ExitCode::SUCCESS,
                            Err(_) => ExitCode::FAILURE,
                        };
                    }
                }
            }
            _ => return usage(),
        }
    }
    if count_coverage {
        return match coverage::measure(&o) {
            Ok(table) => {
                print!("{table}");
                ExitCode::SUCCESS
            }
            Err(e) => {
                eprintln!("trinity-fuzz: {e}");
                ExitCode::from(2)
            }
        };
    }
    println!(
        "fuzzing: seed {}, programs {} to {} in batches of {}",
        o.seed, o.from, o.count, o.batch
    );
    match campaign(&o) {
        Ok(r) => {
            println!(
                "{} programs (seed {}, {} to {}): {} differences, the last {} programs without one; {} faults of the reference",
                r.programs,
                o.seed,
                o.from,
                r.end,
                r.differences.len(),
                r.clean_tail(),
                r.reference_faults
            );
            if r.differences.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(e) => {
            eprintln!("trinity-fuzz: {e}");
            ExitCode::from(2)
        }
    }
}
