//! Running contestants in turn and taking their time and memory from the kernel.

use super::Options;
use super::contestant::{Contestant, Prepared};
use super::manifest::Program;
use serde::Serialize;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Elapsed seconds.
    pub wall: f64,
    /// Processor seconds, user and system.
    pub cpu: f64,
    /// Largest resident set, in KiB.
    pub memory: u64,
}

/// All runs of one contestant on one program.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// The contestant's key.
    pub who: &'static str,
    /// One entry a round.
    pub runs: Vec<Run>,
    /// Bytes of the executable file, for compiled contestants.
    pub file_size: Option<u64>,
    /// Seconds the compilation took.
    pub compile_seconds: Option<f64>,
    /// Why there are no figures.
    pub failure: Option<String>,
}

/// The outcome of one program.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The program's name.
    pub name: String,
    /// What it measures.
    pub what: String,
    /// By contestant.
    pub series: Vec<Series>,
    /// All that ran printed the same.
    pub agree: bool,
}

/// Measures one program: `runs` rounds, every contestant once in each.
pub fn program(p: &Program, prepared: &[Prepared], o: &Options) -> Outcome {
    let mut series: Vec<Series> = prepared
        .iter()
        .map(|c| Series {
            who: c.who.key(),
            runs: Vec::new(),
            file_size: c.code_size,
            compile_seconds: c.compile_seconds,
            failure: None,
        })
        .collect();
    let mut outputs: Vec<Option<Vec<u8>>> = vec![None; prepared.len()];
    // One warm-up round that only checks.
    for round in 0..=o.runs {
        for (k, c) in prepared.iter().enumerate() {
            if series[k].failure.is_some() {
                continue;
            }
            match run(&c.command, o.limit) {
                Ok((r, out)) => {
                    if outputs[k].as_ref().is_some_and(|first| *first != out) {
                        series[k].failure = Some("output differs between runs".into());
                    }
                    outputs[k].get_or_insert(out);
                    if round > 0 {
                        series[k].runs.push(r);
                    }
                }
                Err(e) => series[k].failure = Some(e),
            }
        }
    }
    // The reference decides; without it, the first that ran.
    let judge = prepared
        .iter()
        .position(|c| c.who == Contestant::Lua)
        .filter(|&k| outputs[k].is_some());
    let judge = judge.or_else(|| outputs.iter().position(Option::is_some));
    let mut agree = true;
    if let Some(j) = judge {
        for k in 0..prepared.len() {
            if outputs[k].is_some() && outputs[k] != outputs[j] {
                agree = false;
                series[k].failure =
                    Some(format!("output differs from {}'s", prepared[j].who.key()));
                eprintln!(
                    "bench: {}: {} prints something else than {}",
                    p.name,
                    prepared[k].who.key(),
                    prepared[j].who.key()
                );
            }
        }
    }
    for s in &series {
        if let Some(f) = &s.failure {
            agree = false;
            eprintln!("bench: {}: {}: {f}", p.name, s.who);
        }
    }
    Outcome {
        name: p.name.clone(),
        what: p.what.clone(),
        series,
        agree,
    }
}

/// Runs a command; what it took and what it printed.
pub(super) fn run(command: &[String], limit: Duration) -> Result<(Run, Vec<u8>), String> {
    let start = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot start {}: {e}", command[0]))?;
    let pid = child.id() as libc::pid_t;
    let mut stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut out = Vec::new();
        if let Some(s) = stdout.as_mut() {
            // A broken pipe ends the output as its end does.
            let _ = s.read_to_end(&mut out);
        }
        out
    });
    let (done, timeout) = std::sync::mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if timeout
            .recv_timeout(limit)
            .is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            // SAFETY: the child is not reaped before this thread ends.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            return true;
        }
        false
    });
    let mut status = 0;
    // SAFETY: rusage is plain data; the pid is our child, reaped only here.
    let (reaped, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid, &mut status, 0, &mut usage), usage)
    };
    let wall = start.elapsed().as_secs_f64();
    drop(done);
    let timed_out = guard.join().unwrap_or(false);
    let out = reader.join().unwrap_or_default();
    if reaped != pid {
        return Err("lost the child process".into());
    }
    if timed_out {
        return Err(format!("took longer than {} s", limit.as_secs()));
    }
    let status = ExitStatus::from_raw(status);
    if !status.success() {
        return Err(format!("failed: {status}"));
    }
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
    let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    Ok((
        Run {
            wall,
            cpu,
            memory: usage.ru_maxrss as u64,
        },
        out,
    ))
}
