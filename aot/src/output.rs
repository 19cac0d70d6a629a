//! Output files that appear whole or not at all.
//!
//! The bytes go to a nameless file in the output's directory (O_TMPFILE), which is linked to a temporary name and renamed over the
//! output only when complete: killing the compiler at any moment leaves nothing. Where the file system has no nameless files, a named one is
//! used and deleted on failure. The file is opened before compilation starts, so that an unwritable place is
//! reported at once. What is not a regular file (`/dev/stdout`, `/dev/null`) is written to directly: renaming would replace the device.

use crate::cleanup::Guard;
use crate::exit::{Error, Failure, Result, reason};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where finished bytes go.
#[derive(Debug)]
pub struct Output {
    shown: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Stdout,
    /// A device, pipe or the like.
    Direct(File),
    /// A nameless file that will replace `target`.
    Nameless {
        file: File,
        target: PathBuf,
    },
    /// A named temporary file that will replace `target`.
    Named {
        file: File,
        temp: Guard,
        target: PathBuf,
    },
}

impl Output {
    /// Standard output.
    pub fn stdout() -> Output {
        Output {
            shown: PathBuf::from("standard output"),
            kind: Kind::Stdout,
        }
    }

    /// Prepares to write `path`; `executable` sets the permission bits. `-` is standard output.
    pub fn create(path: &Path, executable: bool) -> Result<Output> {
        if path == Path::new("-") {
            return Ok(Output::stdout());
        }
        match open(path, if executable { 0o777 } else { 0o666 }) {
            Ok(kind) => Ok(Output {
                shown: path.to_path_buf(),
                kind,
            }),
            Err(e) => Err(unwritable(path, &e)),
        }
    }

    /// Writes everything and makes it visible.
    pub fn commit(self, bytes: &[u8]) -> Result<()> {
        let shown = self.shown;
        let done = match self.kind {
            Kind::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Kind::Direct(mut file) => file.write_all(bytes),
            Kind::Nameless { mut file, target } => {
                file.write_all(bytes).and_then(|()| link(&file, &target))
            }
            Kind::Named {
                mut file,
                temp,
                target,
            } => {
                let moved = file
                    .write_all(bytes)
                    .and_then(|()| std::fs::rename(temp.path(), &target));
                if moved.is_ok() {
                    temp.keep();
                }
                moved
            }
        };
        done.map_err(|e| unwritable(&shown, &e))
    }
}

fn unwritable(path: &Path, e: &io::Error) -> Error {
    let hint = match e.kind() {
        io::ErrorKind::NotFound => "; create its directory first, or choose another file with -o",
        io::ErrorKind::StorageFull => "; free some space, or choose another file with -o",
        _ => "; choose another file with -o",
    };
    let mut message = b"cannot write ".to_vec();
    message.extend_from_slice(path.as_os_str().as_bytes());
    message.extend_from_slice(format!(": {}{hint}", reason(e)).as_bytes());
    Error::new(Failure::Output, message)
}

fn open(path: &Path, mode: u32) -> io::Result<Kind> {
    // Through symbolic links: what they point to is replaced, not the link.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if let Ok(meta) = std::fs::metadata(&target) {
        if meta.is_dir() {
            return Err(io::Error::from_raw_os_error(libc::EISDIR));
        }
        if !meta.is_file() {
            return Ok(Kind::Direct(OpenOptions::new().write(true).open(&target)?));
        }
    }
    if target.file_name().is_none() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    let dir = match target.parent() {
        Some(d) if !d.as_os_str().is_empty() => d.to_path_buf(),
        _ => PathBuf::from("."),
    };
    match OpenOptions::new()
        .write(true)
        .mode(mode)
        .custom_flags(libc::O_TMPFILE)
        .open(&dir)
    {
        Ok(file) => Ok(Kind::Nameless { file, target }),
        // Not every file system has nameless files; older kernels say EISDIR.
        Err(e)
            if matches!(
                e.raw_os_error(),
                Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL)
            ) =>
        {
            named(&target, mode).map(|(file, temp)| Kind::Named { file, temp, target })
        }
        Err(e) => Err(e),
    }
}

/// Names `.OUTPUT.PID.N.tmp` beside the output, for N = 0, 1, ...
fn temp_names(target: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    (0..1000).map(move |n| {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{}.{n}.tmp", std::process::id()));
        target.with_file_name(name)
    })
}

fn named(target: &Path, mode: u32) -> io::Result<(File, Guard)> {
    for temp in temp_names(target) {
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temp)
        {
            Ok(file) => return Ok((file, Guard::new(temp))),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Gives a nameless file the target's name: linkat cannot replace a file, rename can.
fn link(file: &File, target: &Path) -> io::Result<()> {
    let from = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    for temp in temp_names(target) {
        let to = CString::new(temp.as_os_str().as_bytes())?;
        let guard = Guard::new(temp);
        // SAFETY: both are NUL-terminated paths.
        let r = unsafe {
            libc::linkat(
                libc::AT_FDCWD,
                from.as_ptr(),
                libc::AT_FDCWD,
                to.as_ptr(),
                libc::AT_SYMLINK_FOLLOW,
            )
        };
        if r == 0 {
            std::fs::rename(guard.path(), target)?;
            guard.keep();
            return Ok(());
        }
        let e = io::Error::last_os_error();
        guard.keep();
        if e.kind() != io::ErrorKind::AlreadyExists {
            return Err(e);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn scratch(name: &str) -> PathBuf {
        let dir =
            std::env::temp_dir().join(format!("trinityc-output-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut v: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        v.sort();
        v
    }

    #[test]
    fn replaces_only_on_commit() {
        let dir = scratch("replace");
        let path = dir.join("app");
        std::fs::write(&path, "old").unwrap();
        drop(Output::create(&path, true).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let out = Output::create(&path, true).unwrap();
        assert_eq!(names(&dir), ["app"]);
        out.commit(b"new").unwrap();
        assert_eq!(names(&dir), ["app"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o100,
            0o100
        );
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn named_files_are_deleted_or_moved() {
        let dir = scratch("named");
        let path = dir.join("app");
        let (file, temp) = named(&path, 0o666).unwrap();
        assert_eq!(names(&dir).len(), 1);
        drop(temp);
        drop(file);
        assert!(names(&dir).is_empty());
        let (file, temp) = named(&path, 0o666).unwrap();
        let out = Output {
            shown: path.clone(),
            kind: Kind::Named {
                file,
                temp,
                target: path.clone(),
            },
        };
        out.commit(b"x").unwrap();
        assert_eq!(names(&dir), ["app"]);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn unusual_targets() {
        assert_eq!(
            Output::create(Path::new("/nonexistent/x"), false)
                .unwrap_err()
                .failure,
            Failure::Output
        );
        assert_eq!(
            Output::create(Path::new("/tmp"), false)
                .unwrap_err()
                .failure,
            Failure::Output
        );
        Output::create(Path::new("/dev/null"), false)
            .unwrap()
            .commit(b"x")
            .unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        let dir = scratch("link");
        std::fs::write(dir.join("real"), "old").unwrap();
        std::os::unix::fs::symlink("real", dir.join("alias")).unwrap();
        Output::create(&dir.join("alias"), false)
            .unwrap()
            .commit(b"new")
            .unwrap();
        assert!(
            std::fs::symlink_metadata(dir.join("alias"))
                .unwrap()
                .is_symlink()
        );
        assert_eq!(std::fs::read(dir.join("real")).unwrap(), b"new");
        std::fs::remove_dir_all(dir).unwrap();
    }
}
