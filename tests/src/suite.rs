//! Whole programs three ways: under `lua5.4` (the judge), under `trinity`, and compiled by `trinityc`. Compared are standard output,
//! standard error with the program's own name put in a common form, and the exit code.
//!
//! A first line `-- differential: DIRECTIVE...` in a program changes that: `skip`, `skip-stderr`, `interpreted-only`, `args A B`; so do
//! `-- stderr: first-line` and `-- stderr: ignore`.

use crate::run::{Outcome, bin_dir, run};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Programs, or folders that are searched for them.
    pub roots: Vec<PathBuf>,
    /// Run under `trinity`.
    pub interpret: bool,
    /// Compile and run.
    pub compile: bool,
    /// Options for `trinityc`, such as `-O2`.
    pub flags: Vec<String>,
    /// Compile with a profile from a run of the program itself (also of one that fails).
    pub own_profile: bool,
    /// Environment for ours (stress modes). A program that is too slow with `TRINITY_GC_STRESS=N` runs again with 1000 times N (after `step`: 1000).
    pub env: Vec<(String, String)>,
    /// Seconds for one run of ours.
    pub seconds: u64,
}

/// The outcome of a suite.
#[derive(Debug, Default)]
pub struct Report {
    /// Programs compared.
    pub programs: usize,
    /// One text for each difference.
    pub failures: Vec<String>,
    /// Programs that were too slow with collector stress as asked for, and were compared with less of it.
    pub relaxed: Vec<String>,
}

#[derive(Default)]
struct Directives {
    skip: bool,
    skip_stderr: bool,
    /// Only the first line of standard error counts.
    first_line: bool,
    interpreted_only: bool,
    args: Vec<String>,
}

fn directives(file: &Path) -> Directives {
    let mut d = Directives::default();
    let text = std::fs::read(file).unwrap_or_default();
    let first =
        String::from_utf8_lossy(text.split(|&c| c == b'\n').next().unwrap_or(b"")).into_owned();
    d.first_line = first.trim() == "-- stderr: first-line";
    d.skip_stderr = first.trim() == "-- stderr: ignore";
    let mut words = first
        .strip_prefix("-- differential:")
        .unwrap_or("")
        .split_whitespace();
    while let Some(w) = words.next() {
        match w {
            "skip" => d.skip = true,
            "skip-stderr" => d.skip_stderr = true,
            "interpreted-only" => d.interpreted_only = true,
            "args" => d.args = words.by_ref().map(str::to_owned).collect(),
            _ => {}
        }
    }
    d
}

/// Lua programs under `root`, sorted; folders named `modules` or `data`, and module folders beside a program of the same name, are helpers.
pub fn programs(root: &Path, out: &mut Vec<PathBuf>) {
    if root.is_file() {
        out.push(root.to_path_buf());
        return;
    }
    let Ok(entries) = std::fs::read_dir(root) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    entries.sort();
    for p in entries {
        if p.is_dir() {
            let helper = p.file_name().is_some_and(|n| n == "modules" || n == "data")
                || p.with_extension("lua").is_file();
            if !helper {
                programs(&p, out);
            }
        } else if p.extension().is_some_and(|x| x == "lua") {
            out.push(p);
        }
    }
}

/// Puts the program's own name in front of messages in a common form.
pub(crate) fn normalise(o: &mut Outcome, program: &str) {
    let name = format!("{program}: ");
    let text = std::mem::take(&mut o.stderr);
    for line in text.split_inclusive(|&c| c == b'\n') {
        match line.strip_prefix(name.as_bytes()) {
            Some(rest) => {
                o.stderr.extend_from_slice(b"PROGRAM: ");
                o.stderr.extend_from_slice(rest);
            }
            None => o.stderr.extend_from_slice(line),
        }
    }
}

fn difference(want: &Outcome, got: &Outcome, d: &Directives) -> Option<String> {
    let mut s = String::new();
    let mut texts = vec![("stdout", &want.stdout, &got.stdout)];
    if d.skip_stderr {
        if want.stderr.is_empty() != got.stderr.is_empty() {
            let _ = writeln!(s, "    stderr: one is empty");
        }
    } else {
        texts.push(("stderr", &want.stderr, &got.stderr));
    }
    let first_line = |t: &[u8]| t.split(|&c| c == b'\n').next().unwrap_or(b"").to_vec();
    let (want_first, got_first) = (first_line(&want.stderr), first_line(&got.stderr));
    if d.first_line {
        texts.pop();
        texts.push(("stderr", &want_first, &got_first));
    }
    for (what, a, b) in texts {
        if a != b {
            let (mut x, mut y) = (a.split(|&c| c == b'\n'), b.split(|&c| c == b'\n'));
            for n in 1.. {
                let (p, q) = (x.next(), y.next());
                if p != q {
                    let text = |t: Option<&[u8]>| {
                        t.map_or("<end>".into(), |t| {
                            String::from_utf8_lossy(&t[..t.len().min(300)]).into_owned()
                        })
                    };
                    let _ = writeln!(
                        s,
                        "    {what} line {n}\n      lua5.4: {}\n      ours:   {}",
                        text(p),
                        text(q)
                    );
                    break;
                }
            }
        }
    }
    if (want.code, want.timed_out) != (got.code, got.timed_out) {
        let show = |o: &Outcome| {
            if o.timed_out {
                "time-out".into()
            } else {
                format!("{:?}", o.code)
            }
        };
        let _ = writeln!(s, "    exit: lua5.4 {}, ours {}", show(want), show(got));
    }
    (!s.is_empty()).then_some(s)
}

/// Runs one of ours; when collector stress makes it too slow, again with less. `make` is given the environment.
fn run_ours(
    make: impl Fn(&[(String, String)]) -> Command,
    o: &Options,
) -> std::io::Result<(Outcome, Option<String>)> {
    let limit = Duration::from_secs(o.seconds);
    let got = run(make(&o.env), limit)?;
    let mut env = o.env.clone();
    let period = env
        .iter_mut()
        .find(|(k, _)| k == "TRINITY_GC_STRESS")
        .map(|(_, v)| v);
    match period {
        Some(v) if got.timed_out => {
            // Single steps: now and then a full collection instead.
            let n = v.parse::<u32>().unwrap_or(1);
            *v = n.saturating_mul(1000).to_string();
            let less = v.clone();
            Ok((run(make(&env), limit)?, Some(less)))
        }
        _ => Ok((got, None)),
    }
}

/// Differences, and in which ways collector stress was reduced.
fn check(file: &Path, scratch: &Path, o: &Options) -> std::io::Result<(Vec<String>, Vec<String>)> {
    let d = directives(file);
    if d.skip {
        return Ok((Vec::new(), Vec::new()));
    }
    let dir = file.parent().unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default();
    let command = |program: &Path, script: bool, env: &[(String, String)]| {
        let mut c = Command::new(program);
        c.current_dir(dir)
            .env_remove("LUA_INIT")
            .env_remove("LUA_PATH")
            .env_remove("LUA_CPATH");
        if script {
            c.arg(name);
        }
        c.envs(env.iter().map(|(k, v)| (k, v)));
        c
    };
    let mut c = command(Path::new("lua5.4"), true, &[]);
    c.args(&d.args);
    let mut want = run(c, Duration::from_secs(60))?;
    normalise(&mut want, "lua5.4");
    let (mut failures, mut relaxed) = (Vec::new(), Vec::new());
    let mut relax = |who: &str, less: Option<String>| {
        if let Some(n) = less {
            relaxed.push(format!("{} ({who}): {n}", file.display()));
        }
    };
    let mut report = |who: &str, text: Option<String>| {
        if let Some(t) = text {
            failures.push(format!("{} ({who})\n{t}", file.display()));
        }
    };
    if o.interpret {
        let program = bin_dir().join("trinity");
        let make = |env: &[_]| {
            let mut c = command(&program, true, env);
            c.args(&d.args);
            c
        };
        let (mut got, less) = run_ours(make, o)?;
        relax("trinity", less);
        normalise(&mut got, &program.to_string_lossy());
        report("trinity", difference(&want, &got, &d));
    }
    if o.compile && !d.interpreted_only {
        let exe = scratch.join(format!(
            "{}.exe",
            file.to_string_lossy().replace(['/', '.'], "_")
        ));
        let compiler = bin_dir().join("trinityc");
        let profile = exe.with_extension("tprof");
        if o.own_profile {
            let mut c = command(&compiler, true, &[]);
            c.arg("--profile-gen").arg("-o").arg(&exe);
            if run(c, Duration::from_secs(120))?.code == Some(0) {
                let mut c = command(&exe, false, &[]);
                c.args(&d.args)
                    .env("TRINITY_PROFILE", &profile)
                    .env("TRINITY_TRAINING", "1");
                run(c, Duration::from_secs(o.seconds))?;
            }
        }
        let mut c = command(&compiler, true, &[]);
        c.args(&o.flags).arg("-o").arg(&exe);
        if profile.is_file() {
            c.arg("--profile-use").arg(&profile);
        }
        let mut built = run(c, Duration::from_secs(120))?;
        if profile.is_file() {
            std::fs::remove_file(&profile)?;
        }
        if built.code == Some(0) {
            let make = |env: &[_]| {
                let mut c = command(&exe, false, env);
                c.args(&d.args);
                c
            };
            let (mut got, less) = run_ours(make, o)?;
            relax("compiled", less);
            normalise(&mut got, &exe.to_string_lossy());
            report("compiled", difference(&want, &got, &d));
            std::fs::remove_file(&exe)?;
        } else if built.code == Some(4) {
            // A syntax error: the compiler's message is the reference's, which adds a traceback of its own.
            normalise(&mut built, "trinityc");
            let first = |t: &[u8]| t.split(|&c| c == b'\n').next().unwrap_or(b"").to_vec();
            if first(&built.stderr) != first(&want.stderr) {
                report(
                    "trinityc",
                    difference(&want, &built, &Directives::default()),
                );
            }
        } else {
            let text = String::from_utf8_lossy(&built.stderr).into_owned();
            report(
                "trinityc",
                Some(format!("    did not compile: exit {:?} {text}", built.code)),
            );
        }
    }
    Ok((failures, relaxed))
}

/// Runs the suite on all cores.
pub fn compare(o: &Options) -> Report {
    let mut files = Vec::new();
    for r in &o.roots {
        programs(
            &std::path::absolute(r).unwrap_or_else(|_| r.clone()),
            &mut files,
        );
    }
    let scratch = std::env::temp_dir().join(format!("trinity-suite-{}", std::process::id()));
    let found = Mutex::new((Vec::new(), Vec::new()));
    if let Err(e) = std::fs::create_dir_all(&scratch) {
        return Report {
            programs: 0,
            failures: vec![format!("cannot create {}: {e}", scratch.display())],
            relaxed: Vec::new(),
        };
    }
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                while let Some(f) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (failures, relaxed) = check(f, &scratch, o)
                        .unwrap_or_else(|e| (vec![format!("{}: {e}", f.display())], Vec::new()));
                    if let Ok(mut all) = found.lock() {
                        all.0.extend(failures);
                        all.1.extend(relaxed);
                    }
                }
            });
        }
    });
    let _ = std::fs::remove_dir_all(&scratch);
    let (mut failures, mut relaxed) = found.into_inner().unwrap_or_default();
    failures.sort();
    relaxed.sort();
    Report {
        programs: files.len(),
        failures,
        relaxed,
    }
}
