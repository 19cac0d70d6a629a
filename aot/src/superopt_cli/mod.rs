//! The superoptimizer's commands: `trinityc isa`, `trinityc opt` and so on.
//!
//! Each command is a file with a `run` that parses its arguments, calls the library, prints, and returns the exit code.
//! A new command is a line in `COMMANDS`.

mod calibrate;
mod equiv;
pub mod harvest;
mod isa;
mod lua_spec;
mod mine;
mod opt;
mod report;
mod rules;
mod search;
pub(crate) use search::open_store_of;
mod tune;

use clap::{Arg, ArgMatches, value_parser};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use trinity_superopt::report::verdict::exit;

/// Wrong use of the command line.
pub const USAGE: u8 = 2;
/// Something the model does not have.
pub const UNSUPPORTED: u8 = 13;
/// A bug of our own, or a tool that is missing.
pub const INTERNAL: u8 = 17;

/// Why a command failed: one line for the user, and its exit code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// The exit code.
    pub code: u8,
    /// The message without the leading `trinityc: `.
    pub message: String,
}

impl Failed {
    /// A failure with this exit code.
    pub fn new(code: u8, message: impl Into<String>) -> Failed {
        Failed {
            code,
            message: message.into(),
        }
    }

    /// clap's complaint as one line; help and version are printed and are no failure.
    ///
    /// # Errors
    /// With the line, when it is a complaint.
    pub fn from_clap(command: &str, e: &clap::Error) -> Result<u8, Failed> {
        use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
        let text = e.render().to_string();
        if matches!(e.kind(), DisplayHelp | DisplayVersion) {
            return print(&text);
        }
        let first = text.split("\n\n").next().unwrap_or_default();
        let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = line.strip_prefix("error: ").unwrap_or(&line);
        let line = line.trim_end_matches(':');
        Err(Failed::new(
            USAGE,
            format!("{line}; see trinityc {command} --help"),
        ))
    }
}

/// An option that takes a path.
fn path_arg(id: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(id)
        .long(id)
        .value_name(value)
        .help(help)
        .value_parser(value_parser!(PathBuf))
}

/// The configuration of a run, which `--resume` stands for.
fn config_arg(help: &'static str) -> Arg {
    Arg::new("config")
        .value_name("CONFIG")
        .value_parser(value_parser!(PathBuf))
        .required_unless_present("resume")
        .help(help)
}

/// `--resume`.
fn resume_arg() -> Arg {
    let help = "continue the run whose results are in DIR";
    path_arg("resume", "DIR", help).conflicts_with("config")
}

/// The file of costs that programs are compared by.
fn costs_arg() -> Arg {
    path_arg(
        "costs",
        "FILE",
        "costs of instructions, as trinityc calibrate writes them (default: the file in TRINITY_COSTS, else the processor's)",
    )
}

/// Chooses the costs that [`costs_arg`] names.
fn choose_costs(m: &ArgMatches) -> Result<(), Failed> {
    let file = m.get_one::<PathBuf>("costs").map(PathBuf::as_path);
    trinity_superopt::search::cost::choose(file)
        .map_err(|e| Failed::new(exit::INPUT, e.to_string()))
}

/// `--out`.
fn out_arg() -> Arg {
    let help = "the directory that the results' directory is made in";
    path_arg("out", "DIR", help).conflicts_with("resume")
}

/// Writes to standard output; a reader that has gone away is no failure.
///
/// # Errors
/// When the output cannot be written.
pub fn print(text: &str) -> Result<u8, Failed> {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failed::new(
            INTERNAL,
            format!("standard output: {}", crate::exit::reason(&e)),
        )),
        _ => Ok(0),
    }
}

/// A command: its arguments (its own name first) in, exit code out.
type Run = fn(&[OsString]) -> Result<u8, Failed>;

/// The commands and what they do.
const COMMANDS: &[(&str, Run)] = &[
    ("calibrate", calibrate::run),
    ("equiv", equiv::run),
    ("isa", isa::run),
    ("opt", opt::run),
    ("report", report::run),
    ("rules", rules::run),
    ("search", search::run),
    ("tune", tune::run),
];

/// Runs the command that the first argument names, if it is one of these.
pub fn run(args: &[OsString]) -> Option<ExitCode> {
    let name = args.first()?;
    let (_, run) = COMMANDS.iter().find(|c| name == c.0)?;
    Some(match run(args) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            eprintln!("trinityc: {}", e.message);
            ExitCode::from(e.code)
        }
    })
}
