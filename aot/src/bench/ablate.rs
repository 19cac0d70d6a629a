//! `trinityc bench --ablate`: what each optimization gives, by turning off one after the other (`-fno-NAME`).
//!
//! A program is trained once; then it is compiled by that profile with everything on, and once for each switch with that one off. In every round each of
//! these runs once, in turn, and the ratio to the one with everything on is taken within the round, as everywhere in the bench.

use super::manifest::Program;
use super::measure::{self, Run};
use super::report::Spread;
use super::{BenchError, Options, contestant, manifest};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use trinity_lower::passes::{Row, TABLE};

/// A switch that is off, and what came of it.
#[derive(Clone, Debug, Serialize)]
struct Off {
    /// Its name.
    pass: &'static str,
    /// Processor time over that with everything on.
    ratio: Option<Spread>,
    /// Why there is none.
    failure: Option<String>,
}

/// A program.
#[derive(Clone, Debug, Serialize)]
struct Ablated {
    name: String,
    /// Processor seconds with everything on.
    seconds: Option<Spread>,
    off: Vec<Off>,
}

/// Measures; true when all variants of all programs printed the same.
pub(super) fn run(o: &Options) -> Result<bool, BenchError> {
    let mut all = Vec::new();
    for p in &manifest::read(&o.dir)? {
        if o.names.is_empty() || o.names.contains(&p.name) {
            eprintln!("bench: {}", p.name);
            match program(p, o) {
                Ok(a) => all.push(a),
                Err(e) => {
                    eprintln!("bench: {}: {e}", p.name);
                    all.push(Ablated {
                        name: p.name.clone(),
                        seconds: None,
                        off: Vec::new(),
                    });
                }
            }
        }
    }
    print!("{}", table(&all, o.runs));
    let json = o.out.join("ablate.json");
    // Plain data without maps: serialisation cannot fail.
    let text = serde_json::to_string_pretty(&all).unwrap_or_default();
    std::fs::write(&json, text).map_err(|e| BenchError::Write(json.clone(), e))?;
    println!("\nwritten: {}", json.display());
    let fine = |a: &Ablated| a.seconds.is_some() && a.off.iter().all(|f| f.failure.is_none());
    Ok(all.iter().all(fine))
}

/// Runs a command that must succeed.
fn done(cmd: &mut Command) -> Result<(), String> {
    let out = cmd
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .map_err(|e| e.to_string())?;
    match out.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            Err(said.lines().next().unwrap_or("failed").to_string())
        }
    }
}

fn program(p: &Program, o: &Options) -> Result<Ablated, String> {
    let me = std::env::current_exe().map_err(|e| e.to_string())?;
    let lua = p.dir.join(&p.lua);
    let file = |suffix: &str| o.out.join(format!("{}.{suffix}", p.name));
    let (observing, profile) = (contestant::absolute(&file("observing")), file("tprof"));
    let compile = |exe: &Path, args: &[&str]| {
        let mut cmd = Command::new(&me);
        done(cmd.arg(&lua).arg("-o").arg(exe).args(args))
    };
    compile(Path::new(&observing), &["--profile-gen"])?;
    let _ = std::fs::remove_file(&profile);
    let mut training = Command::new(&observing);
    done(training.arg(&p.train).env("TRINITY_PROFILE", &profile))?;
    let profile = profile.to_string_lossy().into_owned();
    let march = o.march();
    // The first has everything on.
    let mut commands = Vec::new();
    for row in [None].into_iter().chain(TABLE.iter().map(Some)) {
        let switch = row.map(|r: &Row| format!("-fno-{}", r.name));
        let mut args = vec!["-O2", "--profile-use", profile.as_str()];
        args.extend(switch.as_deref());
        args.extend(march.as_deref());
        let exe = file(row.map_or("on", |r| r.name));
        let made = compile(&exe, &args);
        let argument = contestant::argument(p, o.size).to_string();
        commands.push(made.map(|()| vec![contestant::absolute(&exe), argument]));
    }
    let mut outputs: Vec<Option<Vec<u8>>> = vec![None; commands.len()];
    let mut runs: Vec<Result<Vec<Run>, String>> = commands
        .iter()
        .map(|c| c.as_ref().map(|_| Vec::new()).map_err(String::clone))
        .collect();
    // One round that only checks.
    for round in 0..=o.runs {
        for (k, command) in commands.iter().enumerate() {
            let (Ok(command), Ok(series)) = (command, &mut runs[k]) else {
                continue;
            };
            match measure::run(command, o.limit) {
                Ok((run, out)) => {
                    outputs[k] = Some(out);
                    if round > 0 {
                        series.push(run);
                    }
                }
                Err(e) => runs[k] = Err(e),
            }
            if runs[k].is_ok() && outputs[k] != outputs[0] {
                runs[k] = Err("prints something else than with everything on".into());
            }
        }
    }
    let on = runs[0].clone()?;
    let off = TABLE.iter().zip(&runs[1..]).map(|(row, series)| Off {
        pass: row.name,
        ratio: series.as_ref().ok().and_then(|s| {
            let ratios = s.iter().zip(&on);
            Spread::of(
                ratios
                    .map(|(a, b)| a.cpu.max(1e-4) / b.cpu.max(1e-4))
                    .collect(),
            )
        }),
        failure: series.as_ref().err().cloned(),
    });
    Ok(Ablated {
        name: p.name.clone(),
        off: off.collect(),
        seconds: Spread::of(on.iter().map(|r| r.cpu).collect()),
    })
}

/// Rows are switches, columns programs, as many to a table as fit.
fn table(all: &[Ablated], rounds: usize) -> String {
    const COLUMNS: usize = 10;
    let mut s = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        s,
        "processor time with one optimization off, divided by that with all on, median of {rounds} rounds; ! : it failed, or prints something else"
    );
    for part in all.chunks(COLUMNS) {
        let _ = write!(s, "\n{:<15}", "off");
        for a in part {
            let _ = write!(s, "{:>13}", a.name);
        }
        let _ = write!(s, "\n{:<15}", "none (seconds)");
        for a in part {
            let _ = match a.seconds {
                Some(x) => write!(s, "{:>13.3}", x.median),
                None => write!(s, "{:>13}", "!"),
            };
        }
        for (n, row) in TABLE.iter().enumerate() {
            let _ = write!(s, "\n{:<15}", row.name);
            for a in part {
                let _ = match a.off.get(n).and_then(|f| f.ratio) {
                    Some(x) => write!(s, "{:>13.2}", x.median),
                    None => write!(s, "{:>13}", "!"),
                };
            }
        }
        s.push('\n');
    }
    let _ = writeln!(s, "\ngeometric mean over all programs");
    for (n, row) in TABLE.iter().enumerate() {
        let ratios = all.iter().filter_map(|a| a.off.get(n)?.ratio);
        let logs: Vec<f64> = ratios.map(|r| r.median.ln()).collect();
        if !logs.is_empty() {
            let mean = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
            let _ = writeln!(s, "{:<15}{mean:>8.3}  {}", row.name, row.what);
        }
    }
    for (a, f) in all.iter().flat_map(|a| a.off.iter().map(move |f| (a, f))) {
        if let Some(why) = &f.failure {
            let _ = writeln!(s, "{} without {}: {why}", a.name, f.pass);
        }
    }
    s
}
