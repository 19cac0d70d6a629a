//! Running a program under the reference and under ours, and comparing.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a process did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Exit code; `None` when killed by a signal.
    pub code: Option<i32>,
    /// It ran past its time and was killed.
    pub timed_out: bool,
}

/// Runs a command with closed standard input and a time limit.
pub fn run(mut cmd: Command, limit: Duration) -> std::io::Result<Outcome> {
    let mut child = cmd
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    fn reader(mut r: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut v = Vec::new();
            // A broken pipe ends the output like its end does.
            let _ = r.read_to_end(&mut v);
            v
        })
    }
    let out = child.stdout.take().map(reader);
    let err = child.stderr.take().map(reader);
    let start = Instant::now();
    let mut timed_out = false;
    let mut pause = Duration::from_micros(200);
    let status = loop {
        if let Some(s) = child.try_wait()? {
            break s;
        }
        if start.elapsed() > limit {
            timed_out = true;
            child.kill()?;
            break child.wait()?;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    };
    let join = |h: Option<std::thread::JoinHandle<Vec<u8>>>| {
        h.and_then(|h| h.join().ok()).unwrap_or_default()
    };
    Ok(Outcome {
        stdout: join(out),
        stderr: join(err),
        code: status.code(),
        timed_out,
    })
}

/// Folder with the built `trinity` and `trinityc` (release): `$TRINITY_BIN_DIR`, or the workspace's default.
pub fn bin_dir() -> PathBuf {
    match std::env::var_os("TRINITY_BIN_DIR") {
        Some(d) => d.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release"),
    }
}
