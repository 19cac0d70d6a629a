//! Files that are either whole or not there, and the directory of a run's results.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file so that, whatever happens, the path holds the old content or the new one, never a part: a temporary file
/// beside it, fsync, rename, fsync of the directory.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    let n = COUNTER.fetch_add(1, Ordering::Relaxed);
    temporary.push(format!(".{}-{n}.tmp", std::process::id()));
    let directory = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let temporary = directory.join(temporary);
    let write = || {
        let mut f = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        f.write_all(content)?;
        f.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(directory)?.sync_all()
    };
    write().inspect_err(|_| {
        // The temporary file is ours; when it cannot be removed either, the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

/// A results directory that cannot be used.
#[derive(Debug)]
pub struct Unwritable {
    /// The directory or file.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

impl Unwritable {
    /// Exit code of commands that end in this.
    pub const EXIT: u8 = crate::report::verdict::exit::OUTPUT;
}

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "cannot write results to {}: {}",
            self.path.display(),
            self.source
        )
    }
}

impl std::error::Error for Unwritable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The directory of one run: `run.json`, `report.html`, `best.s`, `state.bin`, `smt/*.smt2`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunDir {
    root: PathBuf,
}

impl RunDir {
    /// Makes the directory (and `smt/` in it) under the output directory, and shows by writing a file that it can be written:
    /// a run of hours must not find out at its end.
    pub fn create(out: &Path, name: &str) -> Result<RunDir, Unwritable> {
        let dir = RunDir {
            root: out.join(name),
        };
        let err = |path: &Path| {
            let path = path.to_path_buf();
            move |source| Unwritable { path, source }
        };
        fs::create_dir_all(dir.smt()).map_err(err(&dir.root))?;
        let probe = dir.root.join("writable");
        write_atomically(&probe, b"").map_err(err(&dir.root))?;
        fs::remove_file(&probe).map_err(err(&probe))?;
        Ok(dir)
    }

    /// Removes temporary files that killed processes left behind. Only with the directory's lock held.
    pub fn clean(&self) {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        for e in entries {
            let name = e.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') && name.ends_with(".tmp") {
                // One that cannot be removed does no harm.
                let _ = fs::remove_file(e.path());
            }
        }
    }

    /// An existing directory, for `--resume` and `report`.
    pub fn open(root: &Path) -> RunDir {
        RunDir { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// The report as JSON.
    pub fn json(&self) -> PathBuf {
        self.root.join("run.json")
    }
    /// The report as a page.
    pub fn html(&self) -> PathBuf {
        self.root.join("report.html")
    }
    /// The configuration as it was resolved.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }
    /// The saved state.
    pub fn state(&self) -> PathBuf {
        self.root.join("state.bin")
    }
    /// The best program of a target, or of the only one.
    pub fn best(&self, target: Option<&str>) -> PathBuf {
        match target {
            Some(t) => self.root.join(format!("best-{}.s", file_name(t))),
            None => self.root.join("best.s"),
        }
    }
    /// The directory of SMT-LIB files.
    pub fn smt(&self) -> PathBuf {
        self.root.join("smt")
    }

    /// Writes a file of the directory, whole or not at all.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<(), Unwritable> {
        write_atomically(path, content).map_err(|source| Unwritable {
            path: path.into(),
            source,
        })
    }
}

/// A name with everything that does not belong in a file name replaced by `_`.
pub fn file_name(name: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut s: String = name
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect();
    if s.is_empty() || s.starts_with('.') {
        s.insert(0, '_');
    }
    s
}

/// A directory for a test, removed when dropped.
#[cfg(test)]
pub(crate) struct TestDir(pub PathBuf);

#[cfg(test)]
impl TestDir {
    pub(crate) fn new(name: &str) -> TestDir {
        let dir = std::env::temp_dir().join(format!("trinity-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        TestDir(dir)
    }
}

#[cfg(test)]
impl Drop for TestDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atomic_writes_replace_and_leave_nothing_behind() {
        let dir = TestDir::new("files");
        let path = dir.0.join("a.txt");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 1);
        // A directory in the way: an error, and no temporary file left.
        fs::create_dir(dir.0.join("d")).unwrap();
        fs::write(dir.0.join("d/x"), b"").unwrap();
        assert!(write_atomically(&dir.0.join("d"), b"three").is_err());
        assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 2);
    }

    #[test]
    fn unwritable_output_is_found_at_the_start() {
        let dir = TestDir::new("unwritable");
        // A file where the directory should be: root may write everywhere, so that permissions would not show it.
        fs::write(dir.0.join("out"), b"").unwrap();
        let e = RunDir::create(&dir.0.join("out"), "quick").unwrap_err();
        assert!(e.to_string().starts_with("cannot write results to "), "{e}");
        let e = RunDir::create(Path::new("/proc/trinity-out"), "quick").unwrap_err();
        assert!(e.to_string().contains("/proc/trinity-out/quick"), "{e}");
        assert_eq!(Unwritable::EXIT, 8);
    }

    #[test]
    fn run_directory_has_its_places() {
        let dir = TestDir::new("rundir");
        let run = RunDir::create(&dir.0, "quick").unwrap();
        assert!(run.smt().is_dir());
        assert!(run.best(Some("a/../b c")).ends_with("best-a_.._b_c.s"));
        fs::write(dir.0.join("quick/.run.json.12-3.tmp"), b"half").unwrap();
        run.write(&run.best(None), b"ret\n").unwrap();
        run.clean();
        assert!(!dir.0.join("quick/.run.json.12-3.tmp").exists());
        assert_eq!(fs::read(dir.0.join("quick/best.s")).unwrap(), b"ret\n");
        assert_eq!(file_name(".."), "_..");
    }
}
