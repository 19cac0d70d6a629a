//! From object file to executable: the system's C compiler links it with the runtime library.

mod trim;

use crate::exit::{Error, Failure, Result, reason};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// File names of the runtime library: installed, and as cargo builds it.
pub const RUNTIME: [&str; 2] = ["libtrinity_runtime.a", "libtrinity_start.a"];

/// What rustc says a static library of ours needs (`--print native-static-libs`), less what cc adds by itself.
const LIBRARIES: [&str; 5] = ["-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

/// Rust's library has functions of these names, too, without the instructions of newer processors: the C library's shall be taken.
const ROUNDING: [&str; 2] = ["-Wl,-u,floor,-u,ceil,-u,trunc", "-lm"];

/// A link job.
#[derive(Debug)]
pub struct Job<'a> {
    /// Compiled program.
    pub object: &'a Path,
    /// Runtime library.
    pub runtime: &'a Path,
    /// Result.
    pub output: &'a Path,
    /// Against the shared C library, position-independent.
    pub dynamic: bool,
    /// Keep symbols and debug information.
    pub debug: bool,
    /// Print the command and all that the linker says.
    pub verbose: bool,
}

/// The runtime library: named by option or environment, else beside trinityc, else in ../lib.
pub fn runtime_library(option: Option<&Path>) -> Result<PathBuf> {
    let exe = std::env::current_exe().ok();
    let bin = exe.as_deref().and_then(Path::parent);
    find_runtime(
        option,
        std::env::var_os("TRINITY_RUNTIME_LIB").as_deref(),
        bin,
    )
}

fn find_runtime(
    option: Option<&Path>,
    environment: Option<&OsStr>,
    bin: Option<&Path>,
) -> Result<PathBuf> {
    let named = option
        .map(|p| ("--runtime-lib", p))
        .or_else(|| environment.map(|p| ("TRINITY_RUNTIME_LIB", Path::new(p))));
    if let Some((who, path)) = named {
        if path.is_file() {
            return Ok(path.to_path_buf());
        }
        let message = format!(
            "the runtime library named by {who} does not exist: {}",
            path.display()
        );
        return Err(Error::new(Failure::NoRuntime, message));
    }
    let dirs: Vec<PathBuf> = bin
        .map(|b| vec![b.to_path_buf(), b.join("../lib")])
        .unwrap_or_default();
    let places: Vec<PathBuf> = dirs
        .iter()
        .flat_map(|d| RUNTIME.map(|name| d.join(name)))
        .collect();
    if let Some(found) = places.iter().find(|p| p.is_file()) {
        return Ok(found.clone());
    }
    let tried: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    let message = format!(
        "{} not found (tried {}); build it, or name it with --runtime-lib",
        RUNTIME[0],
        tried.join(", ")
    );
    Err(Error::new(Failure::NoRuntime, message))
}

/// The linker as a command: `$CC` may hold arguments too.
fn linker() -> Command {
    let cc = std::env::var("CC").unwrap_or_default();
    let mut words = cc.split_whitespace();
    let mut cmd = Command::new(words.next().unwrap_or("cc"));
    cmd.args(words);
    cmd
}

/// Links. GNU ld's options and a script make the file smaller; a linker that does not know them links without.
pub fn link(job: &Job) -> Result<()> {
    let text = trim::script(linker, job.runtime, job.dynamic, job.debug);
    let script = job.output.with_extension("ld");
    let guard = crate::cleanup::Guard::new(script.clone());
    if std::fs::write(&script, text).is_ok() && run(job, Some(guard.path())).is_ok() {
        return Ok(());
    }
    run(job, None)
}

fn run(job: &Job, script: Option<&Path>) -> Result<()> {
    let mut cmd = linker();
    cmd.args(if job.dynamic {
        ["-pie"].as_slice()
    } else {
        &["-static", "-no-pie"]
    });
    cmd.arg("-o").arg(job.output).arg(job.object);
    cmd.args(ROUNDING).arg(job.runtime);
    cmd.args(["-Wl,--gc-sections", "-Wl,--build-id=none"]);
    if job.dynamic {
        cmd.arg("-Wl,--as-needed");
    }
    if !job.debug {
        cmd.arg("-s");
    }
    if let Some(script) = script {
        if !job.debug {
            cmd.arg("-Wl,-z,noseparate-code");
        }
        let mut arg = OsString::from("-Wl,-T,");
        arg.push(script);
        cmd.arg(arg);
    }
    cmd.args(LIBRARIES).stdin(Stdio::null());
    if job.verbose {
        eprintln!("trinityc: {cmd:?}");
    }
    let name = cmd.get_program().to_string_lossy().into_owned();
    let out = cmd.output().map_err(|e| {
        let message = format!(
            "no linker: cannot run '{name}': {}; install a C compiler (Debian, Ubuntu: apt-get install gcc) or set CC",
            reason(&e)
        );
        Error::new(Failure::NoLinker, message)
    })?;
    let said = String::from_utf8_lossy(&out.stderr);
    if job.verbose && !said.is_empty() {
        eprint!("{said}");
    }
    if out.status.success() {
        return Ok(());
    }
    let hint = if job.verbose {
        ""
    } else {
        "; run with -v to see its command and messages"
    };
    let message = format!(
        "the linker failed ({name}: {}): {}{hint}",
        out.status,
        gist(&said)
    );
    Err(Error::new(Failure::Linker, message))
}

/// The line of a linker's messages that most likely says why.
fn gist(said: &str) -> &str {
    let telling = |l: &&str| {
        let l = l.to_ascii_lowercase();
        ["undefined reference", "error", "cannot", "no such"]
            .iter()
            .any(|w| l.contains(w))
    };
    // The compiler driver only repeats that the linker failed.
    let own = || said.lines().filter(|l| !l.starts_with("collect2:"));
    let line = own().find(telling).or_else(|| own().next());
    line.map_or("it gave no message", str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gists() {
        assert_eq!(
            gist(
                "/bin/ld: x.o: in function `main':\na.c:1: undefined reference to `f'\ncollect2: error"
            ),
            "a.c:1: undefined reference to `f'"
        );
        assert_eq!(gist(""), "it gave no message");
        assert_eq!(gist("warning: odd"), "warning: odd");
    }

    #[test]
    fn runtime_is_searched() {
        let dir = std::env::temp_dir().join(format!("trinityc-lib-{}", std::process::id()));
        let (bin, lib) = (dir.join("bin"), dir.join("lib"));
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&lib).unwrap();
        let e = find_runtime(None, None, Some(&bin)).unwrap_err();
        assert_eq!(e.failure, Failure::NoRuntime);
        std::fs::write(lib.join(RUNTIME[0]), "").unwrap();
        assert_eq!(
            find_runtime(None, None, Some(&bin)).unwrap(),
            bin.join("../lib").join(RUNTIME[0])
        );
        std::fs::write(bin.join(RUNTIME[0]), "").unwrap();
        assert_eq!(
            find_runtime(None, None, Some(&bin)).unwrap(),
            bin.join(RUNTIME[0])
        );
        let named = lib.join(RUNTIME[0]);
        assert_eq!(
            find_runtime(None, Some(named.as_os_str()), Some(&bin)).unwrap(),
            named
        );
        assert!(find_runtime(Some(Path::new("/none")), Some(named.as_os_str()), None).is_err());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
