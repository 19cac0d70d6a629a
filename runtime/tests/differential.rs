//! Runs every Lua program under `tests/lua` and `examples` with the reference interpreter and with `trinity`, and compares standard output,
//! standard error (program names put in a common form) and exit code.
//!
//! A first line `-- differential: DIRECTIVE...` changes that: `skip` (do not run), `skip-stderr` (compare only whether there was any),
//! `args A B` (script arguments). Programs run in their own directory. Without `lua5.4` in the path the test passes with a note.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The judge.
const REFERENCE: &str = "lua5.4";
/// Time for one program.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a run showed.
#[derive(PartialEq, Eq)]
struct Outcome {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Exit code, or a text for signals and time-outs.
    exit: String,
}

/// What the program's first line asks for.
#[derive(Default)]
struct Directives {
    skip: bool,
    skip_stderr: bool,
    args: Vec<String>,
}

impl Directives {
    fn read(file: &Path) -> Directives {
        let mut d = Directives::default();
        let text = fs::read(file).unwrap_or_default();
        let first =
            String::from_utf8_lossy(text.split(|&c| c == b'\n').next().unwrap_or(b"")).into_owned();
        let Some(list) = first.strip_prefix("-- differential:") else {
            return d;
        };
        let mut words = list.split_whitespace();
        while let Some(w) = words.next() {
            match w {
                "skip" => d.skip = true,
                "skip-stderr" => d.skip_stderr = true,
                "args" => d.args = words.by_ref().map(str::to_owned).collect(),
                _ => panic!("{}: unknown directive '{w}'", file.display()),
            }
        }
        d
    }
}

fn collect(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for e in entries.flatten() {
        let p = e.path();
        if p.is_dir() {
            // Helpers that programs load, and their data.
            if p.file_name().is_none_or(|n| n != "modules" && n != "data") {
                collect(&p, out);
            }
        } else if p.extension().is_some_and(|x| x == "lua") {
            out.push(p);
        }
    }
}

fn run(program: &Path, file: &Path, args: &[String]) -> Outcome {
    let dir = file.parent().unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default();
    let mut child = Command::new(program)
        .arg(name)
        .args(args)
        .current_dir(dir)
        .env_remove("LUA_INIT")
        .env_remove("LUA_PATH")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    let reader = |mut from: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut v = Vec::new();
            let _ = from.read_to_end(&mut v);
            v
        })
    };
    let out = child.stdout.take().map(|s| reader(Box::new(s)));
    let err = child.stderr.take().map(|s| reader(Box::new(s)));
    let start = Instant::now();
    let exit = loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                break status
                    .code()
                    .map_or_else(|| status.to_string(), |c| c.to_string());
            }
            Ok(None) if start.elapsed() > TIMEOUT => {
                let _ = child.kill();
                let _ = child.wait();
                break "time-out".to_owned();
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            Err(e) => break e.to_string(),
        }
    };
    let join = |h: Option<std::thread::JoinHandle<Vec<u8>>>| {
        h.and_then(|h| h.join().ok()).unwrap_or_default()
    };
    Outcome {
        stdout: join(out),
        stderr: normalise(&join(err), program),
        exit,
    }
}

/// Replaces the program's name at the start of lines by "PROGRAM".
fn normalise(text: &[u8], program: &Path) -> Vec<u8> {
    let name = [program.to_string_lossy().as_bytes(), b": "].concat();
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|&c| c == b'\n') {
        match line.strip_prefix(name.as_slice()) {
            Some(rest) => {
                out.extend_from_slice(b"PROGRAM: ");
                out.extend_from_slice(rest);
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// The first line that differs, for the report.
fn first_difference(what: &str, want: &[u8], got: &[u8]) -> String {
    let (mut w, mut g) = (want.split(|&c| c == b'\n'), got.split(|&c| c == b'\n'));
    for n in 1.. {
        let (a, b) = (w.next(), g.next());
        if a != b {
            let text = |s: Option<&[u8]>| {
                s.map_or("(end)".to_owned(), |s| {
                    String::from_utf8_lossy(&s[..s.len().min(300)]).into_owned()
                })
            };
            return format!(
                "{what} line {n}:\n    want {}\n    got  {}",
                text(a),
                text(b)
            );
        }
        if a.is_none() {
            break;
        }
    }
    String::new()
}

/// Compares one program; `None` when all is equal.
fn compare(trinity: &Path, file: &Path) -> Option<String> {
    let d = Directives::read(file);
    if d.skip {
        return None;
    }
    let want = run(Path::new(REFERENCE), file, &d.args);
    let got = run(trinity, file, &d.args);
    let mut report = String::new();
    if want.exit != got.exit {
        let _ = write!(
            report,
            "\n  exit code: want {}, got {}",
            want.exit, got.exit
        );
    }
    if want.stdout != got.stdout {
        let _ = write!(
            report,
            "\n  {}",
            first_difference("stdout", &want.stdout, &got.stdout)
        );
    }
    let same_err = if d.skip_stderr {
        want.stderr.is_empty() == got.stderr.is_empty()
    } else {
        want.stderr == got.stderr
    };
    if !same_err {
        let _ = write!(
            report,
            "\n  {}",
            first_difference("stderr", &want.stderr, &got.stderr)
        );
    }
    (!report.is_empty()).then(|| format!("{}{report}", file.display()))
}

#[test]
fn same_as_the_reference() {
    if Command::new(REFERENCE).arg("-v").output().is_err() {
        eprintln!("{REFERENCE} is not installed: nothing compared");
        return;
    }
    let trinity = PathBuf::from(env!("CARGO_BIN_EXE_trinity"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    let filter = std::env::var("DIFFERENTIAL").unwrap_or_default();
    for dir in ["tests/lua", "examples"] {
        collect(&root.join(dir), &mut files);
    }
    files.retain(|f| f.to_string_lossy().contains(&filter));
    files.sort();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                while let Some(f) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(report) = compare(&trinity, f)
                        && let Ok(mut list) = failures.lock()
                    {
                        list.push(report);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap_or_default();
    failures.sort();
    for f in &failures {
        eprintln!("{f}");
    }
    assert!(
        failures.is_empty(),
        "{} of {} programs differ from {REFERENCE}",
        failures.len(),
        files.len()
    );
}
