//! Lending solver processes.

use super::cancel::Cancel;
use super::child::{Child, Lost};
use super::{Answer, Budget, Outcome, SolverError, Undecided, locate};
use crate::store::Store;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How children are made and kept.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The program.
    pub program: PathBuf,
    /// Memory limit of one child, in bytes.
    pub memory: u64,
    /// Checks after which a child is replaced: Z3's tables grow, and its answers slow down.
    pub checks_per_child: u32,
    /// Time beyond the budget that the solver gets to notice it by itself before it is killed.
    pub grace: Duration,
}

impl PoolConfig {
    /// Default limits for a program: 2 GB, 400 checks, half a second.
    pub fn new(program: PathBuf) -> PoolConfig {
        PoolConfig {
            program,
            memory: 2 << 30,
            checks_per_child: 400,
            grace: Duration::from_millis(500),
        }
    }

    /// Default limits for the program [`locate`] finds.
    ///
    /// # Errors
    /// When there is none.
    pub fn located() -> Result<PoolConfig, SolverError> {
        locate().map(PoolConfig::new)
    }
}

struct Lent {
    child: Child,
    checks: u32,
}

/// Solver processes, made on demand and used again. Shared by threads.
pub struct SolverPool {
    config: PoolConfig,
    idle: Mutex<Vec<Lent>>,
    version: OnceLock<String>,
    store: Option<Arc<Store>>,
}

impl SolverPool {
    /// A pool without processes yet.
    pub fn new(config: PoolConfig) -> SolverPool {
        SolverPool {
            config,
            idle: Mutex::new(Vec::new()),
            version: OnceLock::new(),
            store: None,
        }
    }

    /// A pool of the solver that is beside this program, or that `TRINITY_SOLVER` names.
    ///
    /// # Errors
    /// When there is none.
    pub fn located() -> Result<SolverPool, SolverError> {
        PoolConfig::located().map(SolverPool::new)
    }

    /// With a store: proofs put to this pool are looked up there, and kept there.
    pub fn with_store(mut self, store: impl Into<Arc<Store>>) -> SolverPool {
        self.store = Some(store.into());
        self
    }

    /// The store of proofs made before.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_deref()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Lent>> {
        // Only whole pushes and pops happen under the lock.
        self.idle.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The solver's name and version, asked of a child once.
    ///
    /// # Errors
    /// When no child can be started or it does not answer.
    pub fn version(&self) -> Result<String, SolverError> {
        if let Some(v) = self.version.get() {
            return Ok(v.clone());
        }
        let mut lent = self.take()?;
        lent.child.send(b'V', "");
        let text = match lent
            .child
            .receive(Some(Instant::now() + Duration::from_secs(10)))
        {
            Ok(text) => text,
            Err(_) => {
                return Err(SolverError::Crashed {
                    how: lent.child.reap(),
                });
            }
        };
        let Some(version) = text.strip_prefix("version ") else {
            lent.child.reap();
            return Err(SolverError::Protocol { why: text });
        };
        let version = version.trim().to_string();
        self.idle().push(lent);
        Ok(self.version.get_or_init(|| version).clone())
    }

    fn take(&self) -> Result<Lent, SolverError> {
        if let Some(lent) = self.idle().pop() {
            return Ok(lent);
        }
        let child = Child::spawn(&self.config.program, self.config.memory)?;
        Ok(Lent { child, checks: 0 })
    }

    /// A session with nothing declared, in an SMT-LIB logic (`QF_BV`, `QF_UFBV`, `QF_FPBV`, ...; empty for all).
    ///
    /// # Errors
    /// When no child can be started.
    pub fn session(&self, logic: &str) -> Result<Session<'_>, SolverError> {
        let mut lent = self.take()?;
        lent.child.send(b'R', logic);
        Ok(Session {
            pool: self,
            lent: Some(lent),
        })
    }
}

impl Drop for SolverPool {
    fn drop(&mut self) {
        for lent in self.idle().drain(..) {
            lent.child.reap();
        }
    }
}

/// One child with its assertions. Requests are written ahead; errors in them surface at the next [`check`](Self::check).
pub struct Session<'p> {
    pool: &'p SolverPool,
    /// `None` once the child was lost; every later check is an error.
    lent: Option<Lent>,
}

impl Session<'_> {
    fn send(&mut self, letter: u8, body: &str) {
        if let Some(lent) = &mut self.lent {
            lent.child.send(letter, body);
        }
    }

    /// Adds text: one `declare-fun` or `assert` a line.
    pub fn assert(&mut self, smt: &str) {
        self.send(b'A', smt);
    }

    /// Opens a scope.
    pub fn push(&mut self) {
        self.send(b'P', "");
    }

    /// Closes the innermost scope with its declarations and assertions.
    pub fn pop(&mut self) {
        self.send(b'O', "");
    }

    /// Whether the child is still there.
    pub fn is_alive(&self) -> bool {
        self.lent.is_some()
    }

    /// Decides whether the assertions can hold together; when they can, gives the values of the named constants.
    ///
    /// # Errors
    /// When the process dies by itself, rejects the text or breaks the protocol. The session is then lost.
    pub fn check(
        &mut self,
        budget: &Budget,
        names: &[&str],
        cancel: &Cancel,
    ) -> Result<Answer, SolverError> {
        let Some(mut lent) = self.lent.take() else {
            return Err(SolverError::Crashed {
                how: "lost at an earlier query".into(),
            });
        };
        let start = Instant::now();
        let ms = budget.time.map_or(0, |t| {
            t.as_millis().clamp(1, u128::from(u32::MAX - 1)) as u32
        });
        let mut body = format!("{} {ms}", budget.rlimit);
        for name in names {
            body.push(' ');
            body.push_str(name);
        }
        lent.child.send(b'C', &body);
        lent.checks += 1;
        let deadline = budget.time.map(|t| start + t + self.pool.config.grace);
        let unknown = |why| Answer {
            outcome: Outcome::Unknown(why),
            rlimit: 0,
            memory: 0,
            time: start.elapsed(),
        };
        let reply = {
            let Some(_watch) = cancel.watch(lent.child.killer()) else {
                lent.child.reap();
                return Ok(unknown(Undecided::Cancelled));
            };
            lent.child.receive(deadline)
        };
        let text = match reply {
            Ok(text) => text,
            Err(Lost::Deadline) => {
                lent.child.reap();
                return Ok(unknown(Undecided::Time));
            }
            Err(Lost::Ended) => {
                let how = lent.child.reap();
                return match cancel.is_cancelled() {
                    true => Ok(unknown(Undecided::Cancelled)),
                    false => Err(SolverError::Crashed { how }),
                };
            }
            Err(Lost::Protocol(why)) => {
                lent.child.reap();
                return Err(SolverError::Protocol { why });
            }
        };
        let answer = parse(&text, budget);
        match &answer {
            // After a cancellation the child may be dying.
            _ if cancel.is_cancelled() => drop(lent.child.reap()),
            Ok(_) => self.lent = Some(lent),
            Err(_) => drop(lent.child.reap()),
        }
        answer
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let Some(lent) = self.lent.take() else { return };
        if lent.checks >= self.pool.config.checks_per_child {
            lent.child.reap();
        } else {
            self.pool.idle().push(lent);
        }
    }
}

/// Reads an answer (see the solver program's header for its form).
fn parse(text: &str, budget: &Budget) -> Result<Answer, SolverError> {
    let bad = |line: &str| SolverError::Protocol {
        why: line.to_string(),
    };
    let mut lines = text.lines();
    let first = lines.next().unwrap_or("");
    let mut answer = match first.split_once(' ').unwrap_or((first, "")) {
        ("sat", _) => Outcome::Sat(Vec::new()),
        ("unsat", _) => Outcome::Unsat,
        ("unknown", why) => Outcome::Unknown(reason(why, budget)),
        ("error", why) => {
            return Err(SolverError::Rejected {
                why: why.to_string(),
            });
        }
        _ => return Err(bad(first)),
    };
    let (mut rlimit, mut memory, mut micros) = (0, 0, 0);
    for line in lines {
        let (key, rest) = line.split_once(' ').ok_or_else(|| bad(line))?;
        let number = || rest.parse::<u64>().map_err(|_| bad(line));
        match (key, &mut answer) {
            ("rlimit", _) => rlimit = number()?,
            ("memory", _) => memory = number()?,
            ("time_us", _) => micros = number()?,
            ("value", Outcome::Sat(values)) => {
                let (name, value) = rest.split_once(' ').ok_or_else(|| bad(line))?;
                values.push((name.to_string(), literal(value).ok_or_else(|| bad(line))?));
            }
            _ => return Err(bad(line)),
        }
    }
    Ok(Answer {
        outcome: answer,
        rlimit,
        memory,
        time: Duration::from_micros(micros),
    })
}

/// A literal as Z3 prints it.
fn literal(text: &str) -> Option<u128> {
    match text {
        "true" => Some(1),
        "false" => Some(0),
        _ => match text.split_at_checked(2)? {
            ("#x", digits) => u128::from_str_radix(digits, 16).ok(),
            ("#b", digits) => u128::from_str_radix(digits, 2).ok(),
            _ => None,
        },
    }
}

/// Z3 says "canceled" for both its limits; which one was set tells them apart.
fn reason(why: &str, budget: &Budget) -> Undecided {
    let why = why.trim();
    let lower = why.to_ascii_lowercase();
    if lower.contains("memory") || lower.contains("memout") {
        Undecided::Memory
    } else if lower.contains("timeout") {
        Undecided::Time
    } else if lower.contains("resource limit") {
        Undecided::Work
    } else if lower.contains("cancel") || lower.contains("interrupted") {
        if budget.time.is_some() {
            Undecided::Time
        } else {
            Undecided::Work
        }
    } else {
        Undecided::GaveUp(why.to_string())
    }
}
