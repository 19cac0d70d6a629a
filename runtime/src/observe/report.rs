//! The profile is written when the process ends: after the main program, an error, or `os.exit`.
//!
//! A profile that is there already is added to when it is of the same program; otherwise it is replaced, and that is said.

use super::site::{SiteRecord, Target};
use super::{Data, Observer};
use crate::lib::io::stdio::write_stderr;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicPtr, Ordering};
use trinity_profile::{Profile, ReadError, Site};

/// Names the file that the profile goes to.
const VARIABLE: &str = "TRINITY_PROFILE";

/// What is observed, for the handler.
static OBSERVER: AtomicPtr<Observer> = AtomicPtr::new(std::ptr::null_mut());

/// A line on stderr.
pub fn say(what: &str) {
    write_stderr(format!("profile: {what}\n").as_bytes());
}

/// Where the profile goes: what the environment says, else beside the executable.
pub fn path() -> PathBuf {
    if let Some(path) = std::env::var_os(VARIABLE).filter(|p| !p.is_empty()) {
        return path.into();
    }
    let exe = std::env::current_exe().unwrap_or_else(|_| "program".into());
    let mut name = exe.into_os_string();
    name.push(".tprof");
    name.into()
}

/// Has the profile written when the process ends.
pub fn at_exit(observer: &'static Observer) {
    extern "C" fn handler() {
        let observer = OBSERVER.swap(std::ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: null or a leaked observer; the handler runs when Lua no longer does, so nothing borrows its data.
        if let Some(o) = unsafe { observer.as_ref() } {
            unsafe { write(&*o.data.get()) };
        }
    }
    let observer: *const Observer = observer;
    OBSERVER.store(observer.cast_mut(), Ordering::Relaxed);
    // SAFETY: registers a function of this executable.
    if unsafe { libc::atexit(handler) } != 0 {
        say("no profile will be written: out of memory");
    }
}

fn write(data: &Data) {
    let mut profile = profile(data);
    let shown = data.path.display();
    // Runs that end together add up. Where the directory cannot be locked, one of them may be lost.
    let _lock = lock_directory(&data.path);
    match Profile::read(&data.path) {
        Ok(old) if old.program == profile.program => profile.merge(&old),
        Ok(_) => say(&format!(
            "{shown} is of another program or version of it, and is replaced"
        )),
        Err(ReadError::Format(e)) => say(&format!("{shown} is {e}; it is replaced")),
        Err(ReadError::Io(e)) if e.kind() == ErrorKind::NotFound => {}
        // Whatever cannot be read will hardly be writable.
        Err(ReadError::Io(_)) => {}
    }
    if let Err(e) = profile.write(&data.path) {
        say(&format!(
            "cannot write {shown}: {}; set {VARIABLE} to a file that can be written",
            reason(&e)
        ));
    }
}

/// Holds the lock of the file's directory until dropped.
fn lock_directory(path: &Path) -> Option<File> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    let directory = File::open(parent.unwrap_or(Path::new("."))).ok()?;
    directory.lock().ok()?;
    Some(directory)
}

/// As C's strerror says it.
fn reason(e: &std::io::Error) -> String {
    let text = e.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_string()
}

/// What was seen, as a profile of one run.
fn profile(data: &Data) -> Profile {
    let mut out = data.skeleton.clone();
    out.runs = 1;
    for (f, seen) in out.funcs.iter_mut().zip(&data.funcs) {
        f.calls = seen.calls;
        if !seen.sites.is_empty() {
            f.params.clone_from(&seen.params);
        }
        let executed = seen.sites.iter().enumerate();
        let executed = executed.filter(|(_, s)| s.site.count > 0);
        f.sites = executed.map(|(pc, s)| (pc as u32, site(data, s))).collect();
    }
    out
}

fn site(data: &Data, record: &SiteRecord) -> Site {
    let mut out = record.site.clone();
    for (target, count) in &record.targets {
        let target = match *target {
            Target::Unknown => trinity_profile::Target::Unknown,
            Target::Native(n) => trinity_profile::Target::Native(data.natives.name(n).to_string()),
            Target::Lua(n) => {
                trinity_profile::Target::Lua(data.skeleton.funcs[n as usize].key.to_ref())
            }
        };
        out.callee.add(target, *count);
    }
    for (_, seen) in &record.shapes {
        out.add_shape(seen.clone());
    }
    out.cut();
    out
}
