//! Whether a store's file is sound, found out by a child process.
//!
//! The database verifies checksums of its pages, but a file damaged in the right place can make it panic, and the release
//! build aborts on panics. So a forked child opens the file first and has every page verified; whatever happens to the
//! child happens to it alone.

use std::io;
use std::path::Path;

/// Seconds a check may take by the clock. A slow disk is no damage, so that nothing is known after that.
const LIMIT: u32 = 120;
/// Seconds of processor time a check may take, and bytes it may take one more for. A sound file needs a hundredth of it; links
/// bent into a circle make the database go round and round, so that this is damage.
const CPU: u64 = 2;
const CPU_BYTES: u64 = 16 << 20;
/// Memory a check may take beyond what the process has and four times the file.
const MEMORY: u64 = 1 << 30;

/// What the child found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// Every page is intact.
    Sound,
    /// Another process has it open.
    Busy,
    /// The file system refused, with the error number.
    Refused(i32),
    /// Damaged, and how that showed.
    Damaged(String),
    /// The check did not end in time: nothing is known.
    Unchecked,
}

const SOUND: i32 = 0;
const DAMAGED: i32 = 1;
const PANICKED: i32 = 2;
const BUSY: i32 = 3;
/// Exit codes from here on are error numbers.
const ERRNO: i32 = 64;

/// Checks an existing file.
pub(super) fn probe(path: &Path) -> io::Result<Found> {
    // SAFETY: the child of a process with several threads may only do what does not depend on locks those threads held. It
    // opens and reads a file: allocation is made safe across fork by the C library, standard output is not touched, the panic
    // hook is replaced before anything can panic, and it leaves by `_exit`, so that no destructor or buffer of the parent
    // runs. `alarm` bounds it in any case.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            limit_ourselves(path);
            let code = std::panic::catch_unwind(|| {
                std::panic::set_hook(Box::new(|_| {}));
                check(path)
            });
            // SAFETY: ends the child.
            unsafe { libc::_exit(code.unwrap_or(PANICKED)) }
        }
        pid => wait(pid),
    }
}

/// Sets the limits of the child. One that cannot be set is left alone: the others still hold.
fn limit_ourselves(path: &Path) {
    let size = std::fs::metadata(path).map_or(0, |m| m.len());
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = pages
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(u64::MAX >> 20);
    let set = |what, n: u64| {
        let limit = libc::rlimit {
            rlim_cur: n,
            rlim_max: n,
        };
        // SAFETY: a limit for this process; the structure is a local.
        unsafe { libc::setrlimit(what, &limit) };
    };
    set(libc::RLIMIT_CPU, CPU + size / CPU_BYTES);
    set(
        libc::RLIMIT_AS,
        pages.saturating_mul(4096).saturating_add(4 * size + MEMORY),
    );
    set(libc::RLIMIT_CORE, 0);
    // SAFETY: async-signal-safe calls. Closing the inherited descriptors keeps this child from holding locks of the parent's
    // other files; nothing in the child uses one of them.
    unsafe {
        libc::close_range(3, libc::c_uint::MAX, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        libc::signal(libc::SIGXCPU, libc::SIG_DFL);
        libc::alarm(LIMIT);
    }
}

fn check(path: &Path) -> i32 {
    use redb::{Database, DatabaseError, StorageError};
    let storage = |e: StorageError| match e {
        StorageError::Io(e) => match e.raw_os_error() {
            Some(n) if n < 256 - ERRNO => ERRNO + n,
            _ => DAMAGED,
        },
        _ => DAMAGED,
    };
    let mut db = match Database::open(path) {
        Ok(db) => db,
        Err(DatabaseError::DatabaseAlreadyOpen) => return BUSY,
        Err(DatabaseError::Storage(e)) => return storage(e),
        Err(_) => return DAMAGED,
    };
    match db.check_integrity() {
        // `false`: the list of free pages was not as it should be (it is made anew after a kill), or the last commit failed its
        // checksums and an earlier one is in its place; the latter cannot be, since the store's commits have two phases and a
        // damaged one is an error then.
        Ok(_) => SOUND,
        Err(DatabaseError::Storage(e)) => storage(e),
        Err(_) => DAMAGED,
    }
}

fn wait(pid: libc::pid_t) -> io::Result<Found> {
    let mut status = 0;
    loop {
        // SAFETY: our own child, waited for once; the status goes to a local.
        if unsafe { libc::waitpid(pid, &mut status, 0) } == pid {
            break;
        }
        let e = io::Error::last_os_error();
        if e.kind() != io::ErrorKind::Interrupted {
            return Err(e);
        }
    }
    let damaged = |how: &str| Found::Damaged(how.into());
    Ok(if libc::WIFEXITED(status) {
        match libc::WEXITSTATUS(status) {
            SOUND => Found::Sound,
            BUSY => Found::Busy,
            PANICKED => damaged("the database's structure contradicts itself"),
            n if n >= ERRNO => Found::Refused(n - ERRNO),
            _ => damaged("the database refuses the file"),
        }
    } else if libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGALRM {
        Found::Unchecked
    } else {
        damaged("the database's structure contradicts itself")
    })
}
