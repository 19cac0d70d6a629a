//! Who takes part, and how each one's program is made ready.

use super::manifest::Program;
use super::{Options, Size};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A contestant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contestant {
    /// The C twin, `gcc -O3`.
    Gcc,
    /// Our compiled executable.
    Compiled,
    /// The same at `-O2`, with a profile of its training size (the time of compilation includes the training run).
    Trained,
    /// And for the processor that this runs on.
    Native,
    /// Our interpreter.
    Interpreted,
    /// LuaJIT.
    LuaJit,
    /// LuaJIT's interpreter.
    LuaJitOff,
    /// The reference.
    Lua,
    /// V8.
    Node,
    /// PyPy.
    PyPy,
    /// CPython.
    Python,
}

impl Contestant {
    /// All, in the order of the tables.
    pub const ALL: [Contestant; 11] = [
        Contestant::Gcc,
        Contestant::Compiled,
        Contestant::Trained,
        Contestant::Native,
        Contestant::Interpreted,
        Contestant::LuaJit,
        Contestant::LuaJitOff,
        Contestant::Lua,
        Contestant::Node,
        Contestant::PyPy,
        Contestant::Python,
    ];
    /// Short name, as options and JSON use it.
    pub const fn key(self) -> &'static str {
        match self {
            Contestant::Gcc => "gcc",
            Contestant::Compiled => "trinityc",
            Contestant::Trained => "trinityc-train",
            Contestant::Native => "trinityc-native",
            Contestant::Interpreted => "trinity",
            Contestant::LuaJit => "luajit",
            Contestant::LuaJitOff => "luajit-joff",
            Contestant::Lua => "lua5.4",
            Contestant::Node => "node",
            Contestant::PyPy => "pypy3",
            Contestant::Python => "python3",
        }
    }
}

/// A contestant's program, ready to run.
#[derive(Debug)]
pub struct Prepared {
    /// Who.
    pub who: Contestant,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Size of the executable's code section, for compiled ones.
    pub code_size: Option<u64>,
    /// How long the compilation took, in seconds.
    pub compile_seconds: Option<f64>,
}

fn installed(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|p| std::env::split_paths(&p).any(|d| d.join(name).is_file()))
}

pub(super) fn argument(p: &Program, size: Size) -> &str {
    match size {
        Size::Default => &p.default,
        Size::Train => &p.train,
        Size::Smoke => &p.smoke,
    }
}

/// Makes `who` ready for `p`. `None`: not installed, no twin, or its build failed (which is said).
pub fn prepare(who: Contestant, p: &Program, o: &Options) -> Option<Prepared> {
    let file = |f: &str| p.dir.join(f).to_string_lossy().into_owned();
    let arg = argument(p, o.size).to_string();
    let script = |tool: &str, options: &[&str], f: &str| {
        installed(tool).then(|| {
            let mut command = vec![tool.to_string()];
            command.extend(options.iter().map(|s| s.to_string()));
            command.extend([file(f), arg.clone()]);
            Prepared {
                who,
                command,
                code_size: None,
                compile_seconds: None,
            }
        })
    };
    let jit = p.luajit.as_deref().unwrap_or(&p.lua);
    match who {
        Contestant::Gcc => {
            let source = file(p.c.as_deref()?);
            if !installed("gcc") {
                return None;
            }
            let exe = o.out.join(format!("{}.gcc", p.name));
            build(
                who,
                Command::new("gcc")
                    .args(["-O3", "-o"])
                    .arg(&exe)
                    .arg(source)
                    .arg("-lm"),
                exe,
                arg,
            )
        }
        Contestant::Compiled => {
            let exe = o.out.join(format!("{}.trinity", p.name));
            let me = std::env::current_exe().ok()?;
            build(
                who,
                Command::new(me)
                    .args(o.march())
                    .arg(file(&p.lua))
                    .arg("-o")
                    .arg(&exe),
                exe,
                arg,
            )
        }
        Contestant::Trained | Contestant::Native => {
            let native = who == Contestant::Native;
            let suffix = if native { "native" } else { "trained" };
            let exe = o.out.join(format!("{}.{suffix}", p.name));
            let march = native.then(|| "-march=native".to_string());
            let me = std::env::current_exe().ok()?;
            build(
                who,
                Command::new(me)
                    .args(["-O2", "--train", &p.train])
                    .args(march.or(o.march()))
                    .arg(file(&p.lua))
                    .arg("-o")
                    .arg(&exe),
                exe,
                arg,
            )
        }
        Contestant::Interpreted => {
            let tool = std::env::current_exe().ok()?.with_file_name("trinity");
            if !tool.is_file() {
                eprintln!("bench: {} is missing; build it first", tool.display());
                return None;
            }
            Some(Prepared {
                who,
                command: vec![
                    tool.to_string_lossy().into_owned(),
                    "--jit=off".into(),
                    file(&p.lua),
                    arg,
                ],
                code_size: None,
                compile_seconds: None,
            })
        }
        Contestant::LuaJit => script("luajit", &[], jit),
        Contestant::LuaJitOff => script("luajit", &["-joff"], jit),
        Contestant::Lua => script("lua5.4", &[], &p.lua),
        Contestant::Node => script("node", &[], p.js.as_deref()?),
        Contestant::PyPy => script("pypy3", &[], p.py.as_deref()?),
        Contestant::Python => {
            if !p.python3 && o.size == Size::Default {
                return None;
            }
            script("python3", &[], p.py.as_deref()?)
        }
    }
}

fn build(who: Contestant, cmd: &mut Command, exe: PathBuf, arg: String) -> Option<Prepared> {
    let start = std::time::Instant::now();
    let out = cmd.stdin(Stdio::null()).output();
    let seconds = start.elapsed().as_secs_f64();
    match out {
        Ok(out) if out.status.success() => Some(Prepared {
            who,
            code_size: text_size(&exe),
            compile_seconds: Some(seconds),
            command: vec![absolute(&exe), arg],
        }),
        Ok(out) => {
            eprintln!(
                "bench: {} failed: {}",
                who.key(),
                String::from_utf8_lossy(&out.stderr)
                    .lines()
                    .next()
                    .unwrap_or("")
            );
            None
        }
        Err(e) => {
            eprintln!("bench: cannot run the compiler for {}: {e}", who.key());
            None
        }
    }
}

pub(super) fn absolute(p: &Path) -> String {
    std::path::absolute(p)
        .unwrap_or_else(|_| p.to_path_buf())
        .to_string_lossy()
        .into_owned()
}

/// Size of an executable file in bytes.
fn text_size(exe: &Path) -> Option<u64> {
    std::fs::metadata(exe).ok().map(|m| m.len())
}
