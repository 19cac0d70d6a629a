//! `--train "ARGS"`: makes an executable that observes itself in a private directory, runs it, and takes its profile.
//!
//! The runs see the caller's directory and environment, no input, and their output goes nowhere. A run that fails or does not end
//! fails the compilation: what it saw is not what the program does.

use crate::cleanup::WorkDir;
use crate::exit::{Error, Failure, Result, reason};
use crate::output::Output;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use trinity_profile::Profile;

/// Longest part of a failed run's stderr that is shown.
const SHOWN: usize = 4000;
/// Between two looks at a run.
const PAUSE: Duration = Duration::from_millis(2);

/// What `--train` asks for.
#[derive(Debug)]
pub struct Training<'a> {
    /// One string of arguments per run.
    pub runs: &'a [OsString],
    /// How long a run may take.
    pub deadline: Duration,
}

/// Runs the executable once per string of arguments. `say` is told of each.
pub fn train(t: &Training, executable: &[u8], say: &dyn Fn(&str)) -> Result<Profile> {
    let runs: Vec<Vec<OsString>> = t.runs.iter().map(words).collect::<Result<_>>()?;
    let failed = |e: std::io::Error| {
        let dir = std::env::temp_dir();
        let message = format!(
            "cannot use the temporary directory {}: {}; set TMPDIR",
            dir.display(),
            reason(&e)
        );
        Error::new(Failure::Output, message)
    };
    let mut work = WorkDir::new().map_err(failed)?;
    let (program, profile) = (work.file("training"), work.file("training.tprof"));
    let stderr = work.file("stderr");
    Output::create(&program, true)?.commit(executable)?;
    for (n, (args, shown)) in runs.iter().zip(t.runs).enumerate() {
        let shown = shown.to_string_lossy();
        let name = format!("training run {} of {} ({shown})", n + 1, runs.len());
        let begin = Instant::now();
        let mut log = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&stderr)
            .map_err(failed)?;
        let mut command = Command::new(&program);
        command
            .args(args)
            .env("TRINITY_PROFILE", &profile)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.try_clone().map_err(failed)?)
            // A group of its own: what it starts ends with it at the deadline.
            .process_group(0);
        // SAFETY: the call is safe between fork and exec.
        unsafe { command.pre_exec(end_with_parent) };
        let child = command
            .spawn()
            .map_err(|e| refuse(&name, &format!("cannot be run: {}", reason(&e)), &mut log))?;
        let status = wait(child, begin + t.deadline).map_err(|e| {
            refuse(
                &name,
                &format!("cannot be waited for: {}", reason(&e)),
                &mut log,
            )
        })?;
        match status {
            None => {
                let what = format!(
                    "did not end within {} s; give it less to do, or more time with --train-deadline",
                    t.deadline.as_secs()
                );
                return Err(refuse(&name, &what, &mut log));
            }
            Some(s) if !s.success() => return Err(refuse(&name, &how(s), &mut log)),
            Some(_) => say(&format!("{name}: {:.1} s", begin.elapsed().as_secs_f64())),
        }
        if !profile.is_file() {
            return Err(refuse(&name, "wrote no profile", &mut log));
        }
    }
    super::read(&profile)
}

/// A compiler that is stopped takes the run with it.
fn end_with_parent() -> std::io::Result<()> {
    // SAFETY: changes an attribute of the calling process.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    Ok(())
}

/// How a run that failed ended.
fn how(s: ExitStatus) -> String {
    match (s.code(), s.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        _ => "failed".to_string(),
    }
}

/// The error of a run, with what it wrote to stderr.
fn refuse(name: &str, what: &str, log: &mut File) -> Error {
    let mut said = Vec::new();
    let read = log.rewind().and_then(|()| log.read_to_end(&mut said));
    let cut = said.len().saturating_sub(SHOWN);
    let said = if read.is_ok() {
        said[cut..].trim_ascii_end()
    } else {
        &[]
    };
    let mut message = format!("{name} {what}").into_bytes();
    if !said.is_empty() {
        message.extend_from_slice(b"; it said:\n");
        message.extend_from_slice(said);
    }
    Error::new(Failure::Train, message)
}

/// `None`: it was stopped at the deadline.
fn wait(mut child: Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            // SAFETY: the group that was made for it; it is still waited for, so its number means no other.
            unsafe { libc::kill(-(child.id() as libc::pid_t), libc::SIGKILL) };
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Splits as a shell does: blanks separate; `'...'` is literal; in `"..."` and outside, a backslash takes the next character as it is.
pub fn words(text: &OsString) -> Result<Vec<OsString>> {
    let mut out: Vec<OsString> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.clone().into_vec().into_iter();
    let unfinished = |what: &str| {
        let message = format!("--train {}: {what}", text.to_string_lossy());
        Error::new(Failure::Usage, message)
    };
    while let Some(c) = bytes.next() {
        match (quote, c) {
            (None, b' ' | b'\t' | b'\n') => out.extend(word.take().map(OsString::from_vec)),
            (None, b'\'' | b'"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(q), c) if q == c => quote = None,
            (None | Some(b'"'), b'\\') => match bytes.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(unfinished("a backslash at the end")),
            },
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(unfinished("a quote that does not end"));
    }
    out.extend(word.map(OsString::from_vec));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        let split = |s: &str| {
            let w = words(&OsString::from(s))?;
            Ok(w.into_iter().map(|w| w.into_string().unwrap()).collect())
        };
        let ok = |s: &str| -> Vec<String> { split(s).unwrap_or_else(|e: Error| panic!("{e}")) };
        assert!(ok("").is_empty() && ok(" \t").is_empty());
        assert_eq!(ok("10 a.txt"), ["10", "a.txt"]);
        assert_eq!(
            ok(" 'a b'c  \"d \\\" ' e\" '' f\\ g"),
            ["a bc", "d \" ' e", "", "f g"]
        );
        assert_eq!(ok("'\\'"), ["\\"]);
        for s in ["'a", "\"a", "a\\"] {
            let e: Error = split(s).map(|_: Vec<String>| ()).unwrap_err();
            assert_eq!(e.failure, Failure::Usage, "{s}");
        }
    }
}
