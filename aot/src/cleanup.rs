//! Files to delete when the compiler fails or is killed.
//!
//! A [`Guard`] deletes its path when it is dropped. SIGINT, SIGTERM and SIGHUP delete all registered paths, latest first (so a
//! directory goes after its files), and then kill the process as if they had not been caught. Paths are kept as C strings in a static table
//! of atomics, because a signal handler may neither lock nor allocate. SIGKILL cannot be caught: only files in the temporary
//! directory can be left behind by it, never a part of the output (see `output`).

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

const SLOTS: usize = 8;
static PATHS: [AtomicPtr<libc::c_char>; SLOTS] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; SLOTS];

/// Deletes a file or empty directory when dropped.
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    slot: Option<usize>,
}

impl Guard {
    /// Registers a path that is about to be created.
    pub fn new(path: PathBuf) -> Guard {
        static HANDLERS: Once = Once::new();
        HANDLERS.call_once(install_handlers);
        let slot = CString::new(path.as_os_str().as_bytes())
            .ok()
            .and_then(|name| {
                let raw = name.into_raw();
                let free = PATHS.iter().position(|s| {
                    s.compare_exchange(std::ptr::null_mut(), raw, SeqCst, SeqCst)
                        .is_ok()
                });
                if free.is_none() {
                    // SAFETY: it came from into_raw and nobody else has it.
                    drop(unsafe { CString::from_raw(raw) });
                }
                free
            });
        Guard { path, slot }
    }
    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Forgets the path: the file has got another name or shall stay.
    pub fn keep(mut self) {
        self.release();
        self.path = PathBuf::new();
    }
    fn release(&mut self) {
        if let Some(slot) = self.slot.take() {
            // The string is leaked on purpose: a handler on another thread may just be reading it.
            PATHS[slot].store(std::ptr::null_mut(), SeqCst);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() && std::fs::remove_file(&self.path).is_err() {
            // Nothing can be done about a file that cannot be removed.
            let _ = std::fs::remove_dir(&self.path);
        }
        self.release();
    }
}

extern "C" fn on_signal(signal: libc::c_int) {
    for slot in PATHS.iter().rev() {
        let path = slot.load(SeqCst);
        if !path.is_null() {
            // SAFETY: registered strings are never freed; unlink and rmdir are async-signal-safe.
            unsafe {
                if libc::unlink(path) != 0 {
                    libc::rmdir(path);
                }
            }
        }
    }
    // SAFETY: both are async-signal-safe; SA_RESETHAND has restored the default action.
    unsafe {
        libc::raise(signal);
    }
}

fn install_handlers() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: plain calls with initialised structs; an ignored signal (nohup) stays ignored.
        unsafe {
            let mut old: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(signal, std::ptr::null(), &mut old) == 0
                && old.sa_sigaction == libc::SIG_IGN
            {
                continue;
            }
            let mut new: libc::sigaction = std::mem::zeroed();
            new.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
            new.sa_flags = libc::SA_RESETHAND;
            libc::sigaction(signal, &new, std::ptr::null_mut());
        }
    }
}

/// A private directory in `$TMPDIR` for the files between compiler and linker, deleted with its files.
#[derive(Debug)]
pub struct WorkDir {
    // Dropped in this order: files before the directory.
    files: Vec<Guard>,
    dir: Guard,
}

impl WorkDir {
    /// Makes a new directory.
    pub fn new() -> io::Result<WorkDir> {
        use std::os::unix::fs::DirBuilderExt;
        let base = std::env::temp_dir();
        for n in 0.. {
            let path = base.join(format!("trinityc-{}-{n}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    return Ok(WorkDir {
                        files: Vec::new(),
                        dir: Guard::new(path),
                    });
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && n < 1000 => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
    /// A path in the directory; whatever is made there is deleted in the end.
    pub fn file(&mut self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        self.files.push(Guard::new(path.clone()));
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_dir_goes_with_its_files() {
        let mut work = WorkDir::new().unwrap();
        let a = work.file("a.o");
        let _never_made = work.file("b");
        std::fs::write(&a, "x").unwrap();
        let dir = a.parent().unwrap().to_path_buf();
        drop(work);
        assert!(!dir.exists());
    }

    #[test]
    fn kept_files_stay() {
        let path = std::env::temp_dir().join(format!("trinityc-keep-{}", std::process::id()));
        std::fs::write(&path, "x").unwrap();
        Guard::new(path.clone()).keep();
        assert!(path.exists());
        drop(Guard::new(path.clone()));
        assert!(!path.exists());
    }
}
