//! A run from its configuration to its results, begun or resumed: directory, end, progress, saved state.
//!
//! What engines save is theirs (`T`); the session adds the time used and how often the run was resumed. The directory holds
//! the configuration as it was resolved, so that `--resume DIR` needs nothing else, and a lock, so that two processes
//! cannot write one directory.

use super::files::{RunDir, Unwritable};
use super::parse::Known;
use super::reader::ConfigError;
use super::state::{self, Saver, StateError};
use super::{Deadline, Progress, RunConfig};
use crate::report::search::{Ended, Search};
use crate::report::verdict::exit;
use crate::report::{Document, ReportError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Why a run cannot begin, go on, or leave its results.
#[derive(Debug)]
pub enum SessionError {
    /// The configuration is wrong.
    Config(ConfigError),
    /// The results directory cannot be written.
    Unwritable(Unwritable),
    /// Another process works in the results directory.
    InUse(PathBuf),
    /// The saved state cannot be used.
    State(StateError),
    /// The report cannot be written.
    Report(ReportError),
}

impl SessionError {
    /// Exit code of commands that end in this.
    pub fn exit_code(&self) -> u8 {
        match self {
            SessionError::Config(_) => exit::CONFIG,
            SessionError::Unwritable(_) | SessionError::InUse(_) => exit::OUTPUT,
            SessionError::State(_) => exit::RESUME,
            SessionError::Report(ReportError::Unsound(_)) => {
                crate::report::VerdictKind::Error.exit_code()
            }
            SessionError::Report(_) => exit::OUTPUT,
        }
    }
}

impl std::fmt::Display for SessionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SessionError::Config(e) => e.fmt(f),
            SessionError::Unwritable(e) => e.fmt(f),
            SessionError::InUse(p) => write!(
                f,
                "{} is in use by another run; give this one another name or --out",
                p.display()
            ),
            SessionError::State(e) => write!(f, "cannot resume: {e}"),
            SessionError::Report(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for SessionError {}

/// The saved state of a run.
#[derive(Serialize, Deserialize)]
struct Saved<T> {
    /// Time used, in seconds.
    used: f64,
    /// Times the run was resumed.
    resumed: u32,
    /// What the engines saved.
    engines: T,
}

/// A run at work.
#[derive(Debug)]
pub struct Session {
    /// The configuration.
    pub config: RunConfig,
    /// Where the results go.
    pub dir: RunDir,
    /// The end of the run.
    pub deadline: Deadline,
    /// Its progress.
    pub progress: Arc<Progress>,
    /// Times the run was resumed.
    pub resumed: u32,
    saver: Saver,
    /// Held until the session is dropped or the process ends, however it ends.
    _lock: File,
}

impl Session {
    /// Begins a run anew. A state that an earlier run left in the directory is kept as `state.bin.old`.
    pub fn start(config: RunConfig) -> Result<Session, SessionError> {
        let dir = RunDir::create(&config.out, &config.name).map_err(SessionError::Unwritable)?;
        let lock = lock(&dir)?;
        let old = dir.root().join("state.bin.old");
        match std::fs::rename(dir.state(), &old) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(SessionError::Unwritable(Unwritable {
                    path: old,
                    source: e,
                }));
            }
            _ => {}
        }
        dir.write(&dir.config(), config.to_toml().as_bytes())
            .map_err(SessionError::Unwritable)?;
        Ok(Session::make(config, dir, lock, Duration::ZERO, 0))
    }

    /// Continues the run whose results are in a directory. Returns what its engines saved.
    pub fn resume<T: DeserializeOwned>(
        dir: &Path,
        known: &Known,
    ) -> Result<(Session, T), SessionError> {
        Session::resume_with(dir, known, &|_| ())
    }

    /// As [`Session::resume`], with a change to the configuration: of what [`RunConfig::digest`] leaves out, so that the
    /// saved state still belongs to it.
    pub fn resume_with<T: DeserializeOwned>(
        dir: &Path,
        known: &Known,
        change: &dyn Fn(&mut RunConfig),
    ) -> Result<(Session, T), SessionError> {
        let dir = RunDir::open(dir);
        let mut config = RunConfig::load(&dir.config(), known).map_err(SessionError::Config)?;
        change(&mut config);
        let lock = lock(&dir)?;
        let saved: Saved<T> =
            state::load(&dir.state(), &config.digest()).map_err(SessionError::State)?;
        let used = Duration::try_from_secs_f64(saved.used).unwrap_or_default();
        let session = Session::make(config, dir, lock, used, saved.resumed + 1);
        Ok((session, saved.engines))
    }

    fn make(config: RunConfig, dir: RunDir, lock: File, used: Duration, resumed: u32) -> Session {
        dir.clean();
        let deadline = Deadline::of(&config, used);
        Session {
            progress: Progress::new(&deadline),
            saver: Saver::new(dir.state(), config.digest()),
            config,
            dir,
            deadline,
            resumed,
            _lock: lock,
        }
    }

    /// Whether it is time to save. Cheap.
    pub fn save_due(&self) -> bool {
        self.saver.due()
    }

    /// Saves the engines' state now.
    pub fn save<T: Serialize>(&mut self, engines: &T) -> Result<(), SessionError> {
        let saved = Saved {
            // A deterministic run has no time in it.
            used: if self.config.deterministic {
                0.0
            } else {
                self.deadline.elapsed().as_secs_f64()
            },
            resumed: self.resumed,
            engines,
        };
        self.saver.save(&saved).map_err(SessionError::State)
    }

    /// Writes the results: `run.json`, `report.html`, `best.s` (or one for each target, when there are several). Times are taken
    /// out of a deterministic run's report. The saved state goes when nothing is left to resume; a run that its deadline ended
    /// can be resumed with a longer one.
    pub fn finish(
        self,
        mut report: Search,
        best: &[(String, String)],
    ) -> Result<Document, SessionError> {
        report.resumed = self.resumed;
        let ended = report.ended;
        let document = match self.config.deterministic {
            true => Document::from(report).without_clocks(),
            false => Document::from(report),
        };
        for (target, text) in best {
            let path = self.dir.best((best.len() > 1).then_some(target));
            self.dir
                .write(&path, text.as_bytes())
                .map_err(SessionError::Unwritable)?;
        }
        document
            .write_html(&self.dir.html())
            .map_err(SessionError::Report)?;
        document
            .write_json(&self.dir.json())
            .map_err(SessionError::Report)?;
        if !matches!(ended, Ended::Interrupted | Ended::Deadline) {
            // Without it there is nothing to resume, which is right for a run that has ended; if it cannot be removed, resuming it
            // ends at once.
            let _ = std::fs::remove_file(self.dir.state());
        }
        Ok(document)
    }
}

fn lock(dir: &RunDir) -> Result<File, SessionError> {
    let path = dir.root().join("lock");
    let file = File::create(&path).map_err(|source| {
        SessionError::Unwritable(Unwritable {
            path: path.clone(),
            source,
        })
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SessionError::InUse(dir.root().into())),
        Err(TryLockError::Error(source)) => {
            Err(SessionError::Unwritable(Unwritable { path, source }))
        }
    }
}
