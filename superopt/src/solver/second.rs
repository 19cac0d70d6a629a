//! A second solver by path: it gets the file of a query and must agree.

use super::{Outcome, SolverError, Undecided};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Which command line a solver has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SolverKind {
    /// cvc5.
    Cvc5,
    /// Bitwuzla.
    Bitwuzla,
    /// Boolector.
    Boolector,
    /// Z3's own command.
    Z3,
    /// Anything else that takes a file and answers on standard output.
    Other,
}

impl SolverKind {
    /// By the program's file name.
    pub fn of(path: &Path) -> SolverKind {
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        let known = [
            ("cvc5", SolverKind::Cvc5),
            ("bitwuzla", SolverKind::Bitwuzla),
            ("boolector", SolverKind::Boolector),
            ("z3", SolverKind::Z3),
        ];
        known
            .into_iter()
            .find(|(n, _)| name.starts_with(n))
            .map_or(SolverKind::Other, |(_, k)| k)
    }

    /// Options before the file.
    fn options(self) -> &'static [&'static str] {
        match self {
            SolverKind::Cvc5 => &["--lang=smt2"],
            SolverKind::Z3 => &["-smt2"],
            SolverKind::Bitwuzla | SolverKind::Boolector | SolverKind::Other => &[],
        }
    }
}

/// Another solver's program.
#[derive(Clone, Debug)]
pub struct SecondSolver {
    /// Its path.
    pub path: PathBuf,
    /// Its command line.
    pub kind: SolverKind,
}

impl SecondSolver {
    /// The solver at a path, its kind guessed from the name.
    pub fn new(path: &Path) -> SecondSolver {
        SecondSolver {
            path: path.into(),
            kind: SolverKind::of(path),
        }
    }

    /// File name and the first line of `--version`.
    pub fn name(&self) -> String {
        let file = self
            .path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let version = Command::new(&self.path)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .ok();
        let version = version
            .map(|o| String::from_utf8_lossy(&o.stdout).into_owned())
            .unwrap_or_default();
        match version.lines().next().map(str::trim) {
            Some(line) if !line.is_empty() => format!("{file} ({line})"),
            _ => file,
        }
    }

    /// Decides the query in a file. Values of constants are not asked for.
    ///
    /// # Errors
    /// When the program cannot be run or says anything but `sat`, `unsat` or `unknown`.
    pub fn check(&self, file: &Path, time: Duration) -> Result<Outcome, SolverError> {
        let fail = |why: String| SolverError::File {
            path: self.path.clone(),
            why,
        };
        let mut process = Command::new(&self.path)
            .args(self.kind.options())
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| fail(e.to_string()))?;
        // The answer is one word, so the pipe never fills while we wait for the end.
        let end = Instant::now() + time;
        let mut pause = Duration::from_micros(200);
        let status = loop {
            if let Some(status) = process.try_wait().map_err(|e| fail(e.to_string()))? {
                break status;
            }
            if Instant::now() >= end {
                let _ = process.kill();
                let _ = process.wait();
                return Ok(Outcome::Unknown(Undecided::Time));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        let mut text = String::new();
        if let Some(mut out) = process.stdout.take() {
            out.read_to_string(&mut text)
                .map_err(|e| fail(e.to_string()))?;
        }
        // Some solvers answer by exit code too (10 and 20); the word is what counts.
        match text.lines().map(str::trim).find(|l| !l.is_empty()) {
            Some("sat") => Ok(Outcome::Sat(Vec::new())),
            Some("unsat") => Ok(Outcome::Unsat),
            Some("unknown") => Ok(Outcome::Unknown(Undecided::GaveUp(format!(
                "{} says unknown",
                self.path.display()
            )))),
            Some(line) => Err(fail(line.to_string())),
            None => Err(fail(format!("no answer; {status}"))),
        }
    }
}
