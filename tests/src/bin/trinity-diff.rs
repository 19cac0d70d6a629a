//! `trinity-diff`: whole programs under lua5.4, `trinity` and compiled. See `trinity_tests::suite`.
//!
//! usage: trinity-diff [--interpret | --compile] [--gc-stress[=N|=step]] [--deopt-stress] [--seconds N] [--flag=F]... [--own-profile] PATH...

use std::process::ExitCode;
use trinity_tests::suite::{Options, compare};

fn main() -> ExitCode {
    let mut o = Options {
        roots: Vec::new(),
        interpret: true,
        compile: true,
        flags: Vec::new(),
        own_profile: false,
        env: Vec::new(),
        seconds: 60,
    };
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        match a.as_str() {
            "--interpret" => o.compile = false,
            "--compile" => o.interpret = false,
            "--gc-stress" => o.env.push(("TRINITY_GC_STRESS".into(), "1".into())),
            _ if a.starts_with("--gc-stress=") => {
                let how = a.trim_start_matches("--gc-stress=");
                o.env.push(("TRINITY_GC_STRESS".into(), how.into()))
            }
            "--deopt-stress" => o.env.push(("TRINITY_DEOPT_STRESS".into(), "1".into())),
            "--own-profile" => o.own_profile = true,
            _ if a.starts_with("--flag=") => o.flags.push(a.trim_start_matches("--flag=").into()),
            "--seconds" => {
                o.seconds = args
                    .next()
                    .and_then(|v| v.parse().ok())
                    .unwrap_or(o.seconds)
            }
            _ if a.starts_with('-') => {
                eprintln!(
                    "usage: trinity-diff [--interpret | --compile] [--gc-stress[=N|=step]] [--deopt-stress] [--seconds N] [--flag=F]... [--own-profile] PATH..."
                );
                return ExitCode::from(2);
            }
            _ => o.roots.push(a.into()),
        }
    }
    let r = compare(&o);
    for f in &r.failures {
        println!("DIFFERS {f}");
    }
    for r in &r.relaxed {
        println!("too slow, with less collector stress: {r}");
    }
    println!("{} programs, {} differences", r.programs, r.failures.len());
    if r.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
