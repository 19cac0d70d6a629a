//! `trinityc bench --ablate`: what each optimization gives, by turning off one after the other (`-fno-NAME`).
//!
//! A program is trained once; then it is compiled by that profile with everything on, and once for each switch with that one off. Where that gives the
//! very same executable there is nothing to measure (`=`). In every round each of the others runs once, right behind one with everything on, and the ratio
//! is that of the pair: machines change their speed within a round.

use super::manifest::Program;
use super::measure;
use super::report::Spread;
use super::{BenchError, Options, contestant, manifest};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use trinity_lower::passes::{Row, TABLE};

/// What is off: one switch, or all of a part (`functions`, `loops`, ...).
#[derive(Clone, Debug)]
struct Variant {
    name: String,
    switches: Vec<&'static str>,
    what: String,
}

/// The parts of the table, then its switches.
fn variants() -> Vec<Variant> {
    let mut parts: Vec<&'static str> = TABLE.iter().map(|r| r.part).collect();
    parts.dedup();
    let part = |part: &&'static str| Variant {
        name: format!("all {part}"),
        switches: TABLE
            .iter()
            .filter(|r| r.part == *part)
            .map(|r| r.name)
            .collect(),
        what: format!("everything of the part: {part}"),
    };
    let one = |r: &Row| Variant {
        name: r.name.into(),
        switches: vec![r.name],
        what: r.what.into(),
    };
    parts
        .iter()
        .map(part)
        .chain(TABLE.iter().map(one))
        .collect()
}

/// A switch that is off, and what came of it.
#[derive(Clone, Debug, Serialize)]
struct Off {
    /// Its name.
    pass: String,
    /// The executable is the same.
    same: bool,
    /// Processor time over that with everything on; none for the same executable.
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
    let variants = variants();
    for variant in [None].into_iter().chain(variants.iter().map(Some)) {
        let switches = variant.map_or(&[][..], |v| &v.switches);
        let switches: Vec<String> = switches.iter().map(|s| format!("-fno-{s}")).collect();
        let mut args = vec!["-O2", "--profile-use", profile.as_str()];
        args.extend(switches.iter().map(String::as_str));
        args.extend(march.as_deref());
        let exe = file(&variant.map_or("on".into(), |v| v.name.replace(' ', "-")));
        let made = compile(&exe, &args);
        let argument = contestant::argument(p, o.size).to_string();
        commands.push(made.map(|()| vec![contestant::absolute(&exe), argument]));
    }
    let on = commands[0].clone()?;
    let image = |c: &[String]| std::fs::read(&c[0]).map_err(|e| e.to_string());
    let with_all = image(&on)?;
    // One run that only checks.
    let (_, wanted) = measure::run(&on, o.limit)?;
    let mut seconds = Vec::new();
    let mut off: Vec<Off> = Vec::new();
    let mut pairs: Vec<Vec<f64>> = vec![Vec::new(); variants.len()];
    for (variant, command) in variants.iter().zip(&commands[1..]) {
        let checked = command.clone().and_then(|c| {
            let same = image(&c)? == with_all;
            match same || measure::run(&c, o.limit)?.1 == wanted {
                true => Ok(same),
                false => Err("prints something else than with everything on".into()),
            }
        });
        off.push(Off {
            pass: variant.name.clone(),
            same: checked == Ok(true),
            ratio: None,
            failure: checked.err(),
        });
    }
    for _ in 0..o.runs {
        for (k, command) in commands[1..].iter().enumerate() {
            let (Ok(command), false, None) = (command, off[k].same, &off[k].failure) else {
                continue;
            };
            let (before, _) = measure::run(&on, o.limit)?;
            seconds.push(before.cpu);
            match measure::run(command, o.limit) {
                Ok((run, _)) => pairs[k].push(run.cpu.max(1e-4) / before.cpu.max(1e-4)),
                Err(e) => off[k].failure = Some(e),
            }
        }
    }
    for (f, pairs) in off.iter_mut().zip(pairs) {
        f.ratio = Spread::of(pairs);
    }
    Ok(Ablated {
        name: p.name.clone(),
        off,
        seconds: Spread::of(seconds),
    })
}

/// Rows are switches, columns programs, as many to a table as fit.
fn table(all: &[Ablated], rounds: usize) -> String {
    const COLUMNS: usize = 10;
    let mut s = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        s,
        "processor time with one optimization off, divided by that with all on right before, median of {rounds} pairs; = : the same executable; ! : it failed, or prints something else"
    );
    for part in all.chunks(COLUMNS) {
        let _ = write!(s, "\n{:<18}", "off");
        for a in part {
            let _ = write!(s, "{:>13}", a.name);
        }
        let _ = write!(s, "\n{:<18}", "none (seconds)");
        for a in part {
            let _ = match a.seconds {
                Some(x) => write!(s, "{:>13.3}", x.median),
                None => write!(s, "{:>13}", "!"),
            };
        }
        for (n, variant) in variants().iter().enumerate() {
            let _ = write!(s, "\n{:<18}", variant.name);
            for a in part {
                let _ = match a.off.get(n) {
                    Some(Off { same: true, .. }) => write!(s, "{:>13}", "="),
                    Some(Off { ratio: Some(x), .. }) => write!(s, "{:>13.2}", x.median),
                    _ => write!(s, "{:>13}", "!"),
                };
            }
        }
        s.push('\n');
    }
    let _ = writeln!(s, "\ngeometric mean over all programs");
    for (n, variant) in variants().iter().enumerate() {
        let ratios = all.iter().filter_map(|a| match a.off.get(n)? {
            Off { same: true, .. } => Some(1.0),
            f => f.ratio.map(|r| r.median),
        });
        let logs: Vec<f64> = ratios.map(f64::ln).collect();
        if !logs.is_empty() {
            let mean = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
            let _ = writeln!(s, "{:<18}{mean:>8.3}  {}", variant.name, variant.what);
        }
    }
    for (a, f) in all.iter().flat_map(|a| a.off.iter().map(move |f| (a, f))) {
        if let Some(why) = &f.failure {
            let _ = writeln!(s, "{} without {}: {why}", a.name, f.pass);
        }
    }
    s
}
