//! The store of proven results: what was proven, and what was tried in vain, by question.
//!
//! - One file (redb): whole after a kill at any moment; each entry that was put is there afterwards.
//! - Each entry carries its own checksum and the semantics it was proven under. An entry of other semantics is stale and is
//!   not used; a damaged one is not used either.
//! - A damaged file is moved aside to `NAME.corrupt-N` and a new store is begun; nothing in it is trusted.
//! - Only one process at a time has a store open; another one waits or is told.
//! - [`Store::lookup`] sorts answers by what they may be used for (law 5): only [`Lookup::Proven`] as it is,
//!   [`Lookup::UnderPrecondition`] where the precondition is discharged; bounded, unknown and all others never.

mod entry;
mod probe;
pub mod sha256;
#[cfg(test)]
mod tests;

pub use entry::{Entry, Key, MAX_FAILURES, Query, Shown, Smt, Spent};

use crate::report::Use;
use probe::Found;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use sha256::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Version of the file's layout.
pub const FORMAT: u64 = 1;

/// Key -> checksum (32 bytes), semantics (32 bytes), entry as JSON.
const ENTRIES: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("entries");
/// `format` -> [`FORMAT`].
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// Why a store cannot be used.
#[derive(Debug)]
pub enum StoreError {
    /// The file system refused: no permission, no space.
    Io(PathBuf, io::Error),
    /// Another process has it open.
    Busy(PathBuf),
    /// Written by another version.
    Format(PathBuf, u64),
    /// It could not be checked in time.
    Unchecked(PathBuf),
    /// The database failed in use.
    Database(PathBuf, redb::Error),
}

impl StoreError {
    /// Exit code of commands that end in this.
    pub const EXIT: u8 = crate::report::verdict::exit::STORE;
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreError::Io(p, e) => write!(f, "the store {} cannot be used: {e}", p.display()),
            StoreError::Busy(p) => write!(
                f,
                "the store {} is in use by another process; wait for it, or name another store",
                p.display()
            ),
            StoreError::Format(p, n) => write!(
                f,
                "the store {} has format {n}; this version uses format {FORMAT}: name another store",
                p.display()
            ),
            StoreError::Unchecked(p) => write!(
                f,
                "the store {} could not be checked in time; try again, or name another store",
                p.display()
            ),
            StoreError::Database(p, e) => write!(f, "the store {} failed: {e}", p.display()),
        }
    }
}

impl std::error::Error for StoreError {}

/// What the store knows.
#[derive(Clone, PartialEq, Debug)]
pub enum Lookup {
    /// Proven; to be used as it is.
    Proven(Entry),
    /// Proven under [`Entry::precondition`]; to be used where that is discharged.
    UnderPrecondition(Entry),
    /// Proven elsewhere; to be proved again before it is used.
    Unconfirmed(Entry),
    /// Tried, with the budget and the reasons; not to be used.
    Failed(Entry),
    /// There is an entry, but of other semantics.
    Stale,
    /// There is an entry, but it is damaged.
    Damaged,
    /// Never asked.
    Absent,
}

/// How many entries of which kind a store holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// Usable as they are.
    pub proven: u64,
    /// Usable under a precondition.
    pub under_precondition: u64,
    /// Proven elsewhere.
    pub unconfirmed: u64,
    /// Failures.
    pub failed: u64,
    /// Of other semantics.
    pub stale: u64,
    /// Damaged.
    pub damaged: u64,
}

/// An open store.
pub struct Store {
    db: Database,
    path: PathBuf,
    semantics: Digest,
    /// Where a damaged file went when the store was opened.
    moved: Option<PathBuf>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.path.display())
    }
}

impl Store {
    /// Opens or makes a store. `semantics` is a hash of the instruction table; entries with another one are stale. While
    /// another process has the store open this waits for at most `wait`; `tell` gets a line for the user when it waits and
    /// when a damaged file was moved aside.
    pub fn open(
        path: &Path,
        semantics: Digest,
        wait: Duration,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Store, StoreError> {
        let io = |e| StoreError::Io(path.into(), e);
        if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            std::fs::create_dir_all(dir).map_err(io)?;
        }
        let start = Instant::now();
        let mut told = false;
        let mut moved = None;
        loop {
            let found = match std::fs::metadata(path) {
                Ok(m) if m.len() > 0 => probe::probe(path).map_err(io)?,
                _ => Found::Sound,
            };
            let busy = match found {
                Found::Sound => match Store::open_sound(path, semantics) {
                    Ok(db) => {
                        return Ok(Store {
                            db,
                            path: path.into(),
                            semantics,
                            moved,
                        });
                    }
                    Err(e @ StoreError::Busy(_)) => e,
                    Err(e) => return Err(e),
                },
                Found::Busy => StoreError::Busy(path.into()),
                Found::Refused(n) => return Err(io(io::Error::from_raw_os_error(n))),
                Found::Unchecked => return Err(StoreError::Unchecked(path.into())),
                Found::Damaged(how) => {
                    let aside = move_aside(path).map_err(io)?;
                    tell(&format!(
                        "the store {} is damaged ({how}); it is now {} and a new store is begun; nothing in it is used",
                        path.display(),
                        aside.display()
                    ));
                    moved = Some(aside);
                    continue;
                }
            };
            if start.elapsed() >= wait {
                return Err(busy);
            }
            if !told {
                tell(&format!(
                    "waiting for the store {}, which another process has open",
                    path.display()
                ));
                told = true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn open_sound(path: &Path, _semantics: Digest) -> Result<Database, StoreError> {
        let db = Database::create(path).map_err(|e| error(path, e))?;
        let failed = |e: redb::Error| error(path, e);
        let mut write = db.begin_write().map_err(|e| failed(e.into()))?;
        write.set_two_phase_commit(true);
        let format = {
            let mut meta = write.open_table(META).map_err(|e| failed(e.into()))?;
            write.open_table(ENTRIES).map_err(|e| failed(e.into()))?;
            let format = meta
                .get("format")
                .map_err(|e| failed(e.into()))?
                .map(|v| v.value());
            if format.is_none() {
                meta.insert("format", FORMAT)
                    .map_err(|e| failed(e.into()))?;
            }
            format.unwrap_or(FORMAT)
        };
        if format != FORMAT {
            return Err(StoreError::Format(path.into(), format));
        }
        write.commit().map_err(|e| failed(e.into()))?;
        Ok(db)
    }

    /// Where the damaged file went that was found when the store was opened.
    pub fn moved_aside(&self) -> Option<&Path> {
        self.moved.as_deref()
    }

    /// What is known about a question.
    pub fn lookup(&self, query: &Query) -> Result<Lookup, StoreError> {
        let key = query.key();
        let read = self.db.begin_read().map_err(|e| self.failed(e))?;
        let table = read.open_table(ENTRIES).map_err(|e| self.failed(e))?;
        let Some(value) = table.get(&key.0).map_err(|e| self.failed(e))? else {
            return Ok(Lookup::Absent);
        };
        Ok(match self.decode(&key.0, value.value()) {
            // A key that matches by accident answers another question.
            Lookup::Proven(e)
            | Lookup::UnderPrecondition(e)
            | Lookup::Unconfirmed(e)
            | Lookup::Failed(e)
                if e.query != query.canonical() =>
            {
                Lookup::Absent
            }
            found => found,
        })
    }

    /// Whether it is worthwhile to try: nothing usable is known, and no failure has used up as much as this budget.
    pub fn worth_trying(&self, query: &Query, budget: &Spent) -> Result<bool, StoreError> {
        Ok(match self.lookup(query)? {
            Lookup::Proven(_) => false,
            Lookup::Failed(e) => !e.spent.covers(budget),
            _ => true,
        })
    }

    /// Puts an answer. It is merged with what is known: a proof is never replaced by a failure, a cheaper proof replaces a
    /// dearer one, budgets add up. When this returns, the entry survives a kill and a power cut.
    pub fn put(&self, entry: Entry) -> Result<(), StoreError> {
        self.put_all([entry])
    }

    /// Puts several answers at once: all of them or none.
    pub fn put_all(&self, entries: impl IntoIterator<Item = Entry>) -> Result<(), StoreError> {
        let write = self.begin()?;
        {
            let mut table = write.open_table(ENTRIES).map_err(|e| self.failed(e))?;
            for mut entry in entries {
                entry.query = entry.query.canonical();
                let key = entry.query.key();
                let old = match table.get(&key.0).map_err(|e| self.failed(e))? {
                    Some(v) => self.decode(&key.0, v.value()).entry(),
                    None => None,
                };
                let merged = match old {
                    Some(old) if old.query == entry.query => Entry::merged(old, entry),
                    _ => entry,
                };
                let value = self.encode(&key.0, &merged);
                table
                    .insert(&key.0, value.as_slice())
                    .map_err(|e| self.failed(e))?;
            }
        }
        write.commit().map_err(|e| self.failed(e))
    }

    /// Takes over another store's entries, marked as proven elsewhere. Returns how many there were.
    pub fn import(&self, other: &Store) -> Result<u64, StoreError> {
        let mut entries = Vec::new();
        other.each(|found| entries.extend(found.entry()))?;
        for e in &mut entries {
            e.proved_here = false;
        }
        let n = entries.len() as u64;
        self.put_all(entries)?;
        Ok(n)
    }

    /// Removes stale and damaged entries. Returns how many.
    pub fn prune(&self) -> Result<u64, StoreError> {
        let write = self.begin()?;
        let removed = {
            let mut table = write.open_table(ENTRIES).map_err(|e| self.failed(e))?;
            let before = table.len().map_err(|e| self.failed(e))?;
            table
                .retain(|k, v| !matches!(self.decode(k, v), Lookup::Stale | Lookup::Damaged))
                .map_err(|e| self.failed(e))?;
            before - table.len().map_err(|e| self.failed(e))?
        };
        write.commit().map_err(|e| self.failed(e))?;
        Ok(removed)
    }

    /// Counts the entries.
    pub fn census(&self) -> Result<Census, StoreError> {
        let mut c = Census::default();
        self.each(|found| match found {
            Lookup::Proven(_) => c.proven += 1,
            Lookup::UnderPrecondition(_) => c.under_precondition += 1,
            Lookup::Unconfirmed(_) => c.unconfirmed += 1,
            Lookup::Failed(_) => c.failed += 1,
            Lookup::Stale => c.stale += 1,
            Lookup::Damaged | Lookup::Absent => c.damaged += 1,
        })?;
        Ok(c)
    }

    /// Visits every entry, in the order of keys.
    pub fn each(&self, mut visit: impl FnMut(Lookup)) -> Result<(), StoreError> {
        let read = self.db.begin_read().map_err(|e| self.failed(e))?;
        let table = read.open_table(ENTRIES).map_err(|e| self.failed(e))?;
        for item in table.iter().map_err(|e| self.failed(e))? {
            let (k, v) = item.map_err(|e| self.failed(e))?;
            visit(self.decode(k.value(), v.value()));
        }
        Ok(())
    }

    /// A write whose commit has two phases: then a file whose last commit fails its checksums is known to be damaged, where
    /// the database would take it for a cut-off commit and go back to the one before.
    fn begin(&self) -> Result<redb::WriteTransaction, StoreError> {
        let mut write = self.db.begin_write().map_err(|e| self.failed(e))?;
        write.set_two_phase_commit(true);
        Ok(write)
    }

    fn encode(&self, key: &[u8; 32], entry: &Entry) -> Vec<u8> {
        // Strings, numbers and lists: serialising cannot fail.
        let json = serde_json::to_vec(entry).expect("entries hold only what JSON has");
        let mut value = Vec::with_capacity(64 + json.len());
        value.extend_from_slice(&checksum(key, &self.semantics.0, &json).0);
        value.extend_from_slice(&self.semantics.0);
        value.extend_from_slice(&json);
        value
    }

    fn decode(&self, key: &[u8; 32], value: &[u8]) -> Lookup {
        if value.len() < 64 {
            return Lookup::Damaged;
        }
        let (sum, rest) = value.split_at(32);
        let (semantics, json) = rest.split_at(32);
        if checksum(key, semantics, json).0 != sum {
            return Lookup::Damaged;
        }
        if semantics != self.semantics.0 {
            return Lookup::Stale;
        }
        let Ok(entry) = serde_json::from_slice::<Entry>(json) else {
            return Lookup::Damaged;
        };
        if !entry.smt.iter().all(Smt::intact) {
            return Lookup::Damaged;
        }
        match entry.usable() {
            Use::Anywhere => Lookup::Proven(entry),
            Use::UnderPrecondition => Lookup::UnderPrecondition(entry),
            Use::Never if !entry.proved_here && entry.verdict.kind().usable() != Use::Never => {
                Lookup::Unconfirmed(entry)
            }
            Use::Never => Lookup::Failed(entry),
        }
    }

    fn failed(&self, e: impl Into<redb::Error>) -> StoreError {
        error(&self.path, e.into())
    }
}

impl Lookup {
    /// The entry, if there is one of these semantics.
    pub fn entry(self) -> Option<Entry> {
        match self {
            Lookup::Proven(e)
            | Lookup::UnderPrecondition(e)
            | Lookup::Unconfirmed(e)
            | Lookup::Failed(e) => Some(e),
            Lookup::Stale | Lookup::Damaged | Lookup::Absent => None,
        }
    }
}

fn error(path: &Path, e: impl Into<redb::Error>) -> StoreError {
    match e.into() {
        redb::Error::DatabaseAlreadyOpen => StoreError::Busy(path.into()),
        redb::Error::Io(e) => StoreError::Io(path.into(), e),
        e => StoreError::Database(path.into(), e),
    }
}

fn checksum(key: &[u8], semantics: &[u8], json: &[u8]) -> Digest {
    let mut h = Sha256::default();
    h.field(key).field(semantics).field(json);
    h.finish()
}

/// Renames a damaged file to `NAME.corrupt-N` with the least free N.
fn move_aside(path: &Path) -> io::Result<PathBuf> {
    for n in 1u32.. {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".corrupt-{n}"));
        let aside = PathBuf::from(aside);
        // A hard link fails where the name is taken; a rename would replace what is there.
        match std::fs::hard_link(path, &aside) {
            Ok(()) => {
                std::fs::remove_file(path)?;
                return Ok(aside);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("no free name is left"))
}
