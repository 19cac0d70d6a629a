//! `trinity`: a drop-in `lua`.

mod repl;

use std::io::IsTerminal;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::sync::OnceLock;
use trinity_runtime::cli::options::{Action, Options, usage};
use trinity_runtime::cli::{self, VERSION};
use trinity_runtime::error::{LResult, Status};
use trinity_runtime::heap::Stress;
use trinity_runtime::lib::io::stdio::{flush_stdout, write_stderr, write_stdout};
use trinity_runtime::lib::{loadfile::load_file, package};
use trinity_runtime::state;
use trinity_runtime::thread::Lua;
use trinity_runtime::value::Value;

/// Name in messages when the system gives none.
const PROGRAM: &[u8] = b"trinity";

/// The command line, for [`run`], which is called through Lua.
static ARGUMENTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();

fn arguments() -> &'static [Vec<u8>] {
    ARGUMENTS.get_or_init(|| std::env::args_os().map(OsStringExt::into_vec).collect())
}

fn program() -> &'static [u8] {
    arguments()
        .first()
        .map_or(PROGRAM, |a| if a.is_empty() { PROGRAM } else { a })
}

fn main() -> ExitCode {
    // SAFETY: no other thread runs yet. A closed pipe ends a Lua program silently, as it does other Unix programs.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    cli::keep_freed_memory();
    let Some(l) = state::new_state() else {
        cli::message(Some(program()), b"cannot create state: not enough memory");
        return ExitCode::FAILURE;
    };
    // SAFETY: the state was made now and nothing runs in it.
    unsafe { (*l.global()).heap.stress = Stress::from_environment() };
    let (status, done) = match l.new_native(run, &[]) {
        Ok(f) => {
            l.push(f);
            // Two arguments, as lua.c passes argc and argv: programs then have the reference's stack depth, to the slot.
            l.push(Value::NIL);
            l.push(Value::NIL);
            let status = l.pcall(2, 1, 0);
            (status, status == Status::Ok && l.arg(-1).truthy())
        }
        Err(_) => (Status::Memory, false),
    };
    cli::report(l, status, Some(program()));
    state::close(l);
    flush_stdout();
    #[cfg(feature = "coverage")]
    if let Err(e) = trinity_runtime::coverage::write() {
        cli::message(Some(program()), e.to_string().as_bytes());
        return ExitCode::FAILURE;
    }
    if done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print_version() {
    write_stdout(VERSION.as_bytes());
    write_stdout(b"\n");
    flush_stdout();
}

/// The whole program as a function (pmain of lua.c); its result tells whether all went well.
fn run(l: Lua) -> LResult<u32> {
    let argv = arguments();
    let ok = match Options::collect(argv) {
        Ok(o) => run_options(l, argv, &o)?,
        Err(bad) => {
            write_stderr(&usage(program(), argv.get(bad.0).map_or(b"", |a| a)));
            false
        }
    };
    l.push(Value::bool(ok));
    Ok(1)
}

fn run_options(l: Lua, argv: &[Vec<u8>], o: &Options) -> LResult<bool> {
    let name = Some(program());
    if o.version {
        print_version();
    }
    if o.no_env {
        l.raw_set_str(l.registry(), package::NO_ENV, Value::TRUE)?;
    }
    trinity_runtime::lib::open_libs(l)?;
    cli::create_arg_table(l, argv, o.script)?;
    // SAFETY: zeros keep the parameters; nothing is collected here.
    unsafe { trinity_runtime::heap::generational(l.global(), 0, 0) };
    if !o.no_env && !cli::run_init(l, name)? {
        return Ok(false);
    }
    for action in o.actions(argv) {
        let ok = match action {
            Action::Execute(text) => cli::run_string(l, text, b"=(command line)", name)?,
            Action::Require(text) => cli::run_require(l, text, name)?,
            Action::WarningsOn => {
                l.warning(b"@on", false);
                true
            }
        };
        if !ok {
            return Ok(false);
        }
    }
    if o.script < argv.len() && !run_script(l, argv, o.script)? {
        return Ok(false);
    }
    if o.interactive {
        repl::run(l)?;
    } else if o.script == argv.len() && !o.execute && !o.version {
        if std::io::stdin().is_terminal() {
            print_version();
            repl::run(l)?;
        } else {
            // Errors are reported but do not count, as in lua.c.
            cli::run_file(l, None, name)?;
        }
    }
    Ok(true)
}

fn run_script(l: Lua, argv: &[Vec<u8>], script: usize) -> LResult<bool> {
    let file = argv[script].as_slice();
    let is_stdin = file == b"-" && argv[script - 1] != b"--";
    let mut status = load_file(l, if is_stdin { None } else { Some(file) }, "bt")?;
    if status == Status::Ok {
        let n = cli::push_args(l)?;
        status = cli::call(l, n, -1)?;
    }
    Ok(cli::report(l, status, Some(program())))
}
