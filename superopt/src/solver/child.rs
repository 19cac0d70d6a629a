//! One solver process: spawning, frames, waiting with a deadline, killing.

use super::SolverError;
use std::io::{BufWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Address space beyond the memory limit: Z3's library, the reserved stack, malloc's arenas.
const ADDRESS_SLACK: u64 = 2 << 30;
/// A longer reply is a broken child.
const MAX_REPLY: usize = 256 << 20;

/// Ends a child; shared with whoever may have to.
///
/// Invariant: `Some` exactly until the process has been waited for, so that no other process with a reused id is hit.
#[derive(Clone, Debug)]
pub(super) struct Killer(Arc<Mutex<Option<Process>>>);

impl Killer {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Kills the process if it still runs; it is waited for later.
    pub(super) fn kill(&self) {
        if let Some(process) = self.lock().as_mut() {
            // Fails only when it has ended already.
            let _ = process.kill();
        }
    }
}

/// A running solver process.
pub(super) struct Child {
    killer: Killer,
    input: BufWriter<ChildStdin>,
    output: ChildStdout,
}

/// How waiting for a reply ended without one.
pub(super) enum Lost {
    /// The deadline passed; the child still runs.
    Deadline,
    /// The child closed its output.
    Ended,
    /// The child sent something else.
    Protocol(String),
}

impl Child {
    /// Starts a process with a memory limit in bytes.
    pub(super) fn spawn(program: &Path, memory: u64) -> Result<Child, SolverError> {
        let fail = |e: std::io::Error| SolverError::Spawn {
            program: program.into(),
            why: e.to_string(),
        };
        let mut command = Command::new(program);
        command
            .args(["--memory-mb", &(memory >> 20).max(1).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // SIGINT at the terminal is the parent's to answer: it saves its state first.
            .process_group(0);
        let space = memory.saturating_add(ADDRESS_SLACK);
        // SAFETY: between fork and exec only `setrlimit` is called, which is async-signal-safe; its argument is on the
        // stack.
        unsafe {
            command.pre_exec(move || {
                let limit = libc::rlimit {
                    rlim_cur: space,
                    rlim_max: space,
                };
                match libc::setrlimit(libc::RLIMIT_AS, &limit) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let mut process = command.spawn().map_err(fail)?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(fail(std::io::Error::other("no pipes")));
        };
        let killer = Killer(Arc::new(Mutex::new(Some(process))));
        Ok(Child {
            killer,
            input: BufWriter::new(input),
            output,
        })
    }

    /// What ends this child.
    pub(super) fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Queues a frame. A child that is gone is noticed when its reply is waited for.
    pub(super) fn send(&mut self, letter: u8, body: &str) {
        let len = (body.len() + 1) as u32;
        let _ = self
            .input
            .write_all(&len.to_le_bytes())
            .and_then(|()| self.input.write_all(&[letter]))
            .and_then(|()| self.input.write_all(body.as_bytes()));
    }

    /// Sends what is queued and waits for one reply.
    pub(super) fn receive(&mut self, deadline: Option<Instant>) -> Result<String, Lost> {
        if self.input.flush().is_err() {
            return Err(Lost::Ended);
        }
        let mut len = [0; 4];
        self.read(&mut len, deadline)?;
        let len = u32::from_le_bytes(len) as usize;
        if len > MAX_REPLY {
            return Err(Lost::Protocol(format!("a reply of {len} bytes")));
        }
        let mut body = vec![0; len];
        self.read(&mut body, deadline)?;
        String::from_utf8(body).map_err(|_| Lost::Protocol("a reply that is not UTF-8".into()))
    }

    fn read(&mut self, mut buffer: &mut [u8], deadline: Option<Instant>) -> Result<(), Lost> {
        while !buffer.is_empty() {
            if let Some(deadline) = deadline
                && !readable(
                    &self.output,
                    deadline.saturating_duration_since(Instant::now()),
                )
            {
                return Err(Lost::Deadline);
            }
            match self.output.read(buffer) {
                Ok(0) => return Err(Lost::Ended),
                Ok(n) => buffer = &mut buffer[n..],
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Lost::Ended),
            }
        }
        Ok(())
    }

    /// Kills the process and waits for it; the result says how it had ended.
    pub(super) fn reap(self) -> String {
        let Some(mut process) = self.killer.lock().take() else {
            return "already gone".into();
        };
        let ended = process.try_wait().ok().flatten();
        let _ = process.kill();
        let status = ended.or_else(|| process.wait().ok());
        let mut text = status.map_or("unknown end".into(), |s| s.to_string());
        let mut errors = String::new();
        if let Some(mut stderr) = process.stderr.take() {
            // The process is gone, so this ends.
            let _ = stderr.read_to_string(&mut errors);
        }
        if let Some(line) = errors.lines().last() {
            text.push_str(": ");
            text.push_str(line);
        }
        text
    }
}

/// Waits until there is something to read (or the end); false when `wait` passes first.
fn readable(output: &ChildStdout, wait: Duration) -> bool {
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        // Rounded up, so that the last wait is not a spin.
        let ms = left.as_micros().div_ceil(1000).min(i32::MAX as u128) as i32;
        let mut fd = libc::pollfd {
            fd: output.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one valid descriptor, open as long as `output` is borrowed.
        let n = unsafe { libc::poll(&mut fd, 1, ms) };
        if n > 0 {
            return true;
        }
        if n == 0 && left.is_zero() {
            return false;
        }
    }
}
