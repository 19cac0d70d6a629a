//! The command line: what can be asked for, and how a wrong request is refused.

use crate::debug::paths::PathMap;
use crate::exit::{Error, FAILURES, Failure, Result};
use crate::write::Writer;
use crate::{explain, march, verify, windows};
use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trinity_codegen::isa::March;
use trinity_lower::passes::{Passes, TABLE};

/// What to produce.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Emit {
    /// The main file's syntax tree, as text.
    Ast,
    /// The main file's bytecode listing.
    Bytecode,
    /// Typed SSA of all functions, as text.
    Ir,
    /// What equality saturation saw and did, as text.
    EGraph,
    /// Its e-graphs, for Graphviz.
    EGraphDot,
    /// Annotated assembly of all functions.
    Asm,
    /// A relocatable object file.
    Obj,
    /// An executable.
    Exe,
}

const EMITS: [(&str, Emit); 8] = [
    ("ast", Emit::Ast),
    ("bytecode", Emit::Bytecode),
    ("ir", Emit::Ir),
    ("egraph", Emit::EGraph),
    ("egraph-dot", Emit::EGraphDot),
    ("asm", Emit::Asm),
    ("obj", Emit::Obj),
    ("exe", Emit::Exe),
];

/// A request.
#[derive(Clone, Debug)]
pub struct Options {
    /// The main Lua file; `-` is standard input.
    pub main: PathBuf,
    /// Where the result goes; see [`Options::output_path`] for the default.
    pub output: Option<PathBuf>,
    /// What to produce.
    pub emit: Emit,
    /// Debug information, and symbols kept in the executable.
    pub debug: bool,
    /// What stands for directories in debug information.
    pub paths: PathMap,
    /// Optimisation level, 0..=3.
    pub opt_level: u8,
    /// Which object writer.
    pub writer: Writer,
    /// Link against the system's shared C library.
    pub dynamic: bool,
    /// A module that is not found is an error.
    pub closed: bool,
    /// Modules given by name.
    pub modules: Vec<(Vec<u8>, PathBuf)>,
    /// The runtime library.
    pub runtime_lib: Option<PathBuf>,
    /// Say what happens.
    pub verbose: bool,
    /// Leave lines and names out of the bytecode.
    pub strip_debug: bool,
    /// Put the sources into the executable.
    pub embed_source: bool,
    /// Code whose guards fail once each in deoptimisation stress.
    pub stress_guards: bool,
    /// Which optimizations are on.
    pub passes: Passes,
    /// What the processor has.
    pub march: March,
    /// Say what was decided about each line.
    pub explain: Option<Explain>,
    /// Values from which on a function is left to the baseline, where not the usual number.
    pub max_values: Option<usize>,
    /// How many of the counted rewrites are done.
    pub bisect: Option<u64>,
    /// Make an executable that observes itself and writes a profile.
    pub profile_gen: bool,
    /// Profiles to optimise by.
    pub profile_use: Vec<PathBuf>,
    /// Arguments of training runs.
    pub train: Vec<OsString>,
    /// How long each may take.
    pub train_deadline: Duration,
    /// Compare the machine code with what it was made from.
    pub verify: Option<verify::Asked>,
    /// Proven windows.
    pub windows: windows::Request,
}

/// Where the explanation goes, and in which form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explain {
    /// The form.
    pub format: explain::Format,
    /// The file; `-` is standard output.
    pub to: PathBuf,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Request {
    /// To compile.
    Compile(Box<Options>),
    /// To print this text (help, version) on standard output.
    Print(String),
}

impl Options {
    /// Where the result goes: `-o`, else standard output for the texts that one looks at, else a name made from the main file's.
    pub fn output_path(&self) -> PathBuf {
        if let Some(path) = &self.output {
            return path.clone();
        }
        let (suffix, bare) = match self.emit {
            Emit::Ast | Emit::Bytecode | Emit::Ir | Emit::EGraph | Emit::EGraphDot => {
                return PathBuf::from("-");
            }
            Emit::Asm => (".s", false),
            Emit::Obj => (".o", false),
            Emit::Exe => ("", true),
        };
        let name = self
            .main
            .file_name()
            .filter(|n| *n != "-")
            .map_or_else(|| OsString::from("stdin.lua"), OsString::from);
        let mut out = match name.as_bytes().strip_suffix(b".lua") {
            Some(stem) if !stem.is_empty() => OsString::from(std::ffi::OsStr::from_bytes(stem)),
            // A program without suffix must not be overwritten by its own executable.
            _ if bare => {
                let mut n = name.clone();
                n.push(".out");
                n
            }
            _ => name.clone(),
        };
        out.push(suffix);
        PathBuf::from(out)
    }
}

fn command() -> Command {
    let flag = |id: &'static str, help: &'static str| {
        Arg::new(id).long(id).help(help).action(ArgAction::SetTrue)
    };
    let short = |id: &'static str, c: char, help: &'static str| {
        Arg::new(id).short(c).help(help).action(ArgAction::SetTrue)
    };
    let mut codes = String::from("Exit codes:\n   0  success\n");
    for (code, doc) in FAILURES {
        codes.push_str(&format!("  {code:2}  {doc}\n"));
    }
    codes.push_str(
        "\nModules are searched along LUA_PATH_5_4, LUA_PATH or lua5.4's default path, then in the main file's directory.\n\
         Environment: CC names the linker (cc), TRINITY_RUNTIME_LIB the runtime library.\n\
         trinityc bench runs the benchmark suite; trinityc profile shows and merges profiles; trinityc isa says what the model of x86-64 knows.",
    );
    Command::new("trinityc")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Compiles a Lua 5.4 program and the modules it requires to one native executable.")
        .after_help(codes)
        .arg(
            Arg::new("main")
                .value_name("MAIN.lua")
                .help("the program; - reads standard input")
                .required_unless_present("help-passes")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("output")
                .short('o')
                .value_name("FILE")
                .help("write the result to FILE; - is standard output")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            short("compile-only", 'c', "make an object file only (--emit=obj)")
                .conflicts_with_all(["assembly", "emit"]),
        )
        .arg(short("assembly", 'S', "write annotated assembly (--emit=asm)").conflicts_with("emit"))
        .arg(
            Arg::new("emit")
                .long("emit")
                .value_name("KIND")
                .help("what to produce")
                .value_parser(PossibleValuesParser::new(EMITS.map(|e| e.0))),
        )
        .arg(short(
            "debug",
            'g',
            "debug information: gdb and perf show Lua lines and functions",
        ))
        .arg(
            Arg::new("remap-path-prefix")
                .long("remap-path-prefix")
                .value_name("FROM=TO")
                .help("with -g: say TO where the path of a source or of this directory begins with FROM")
                .action(ArgAction::Append)
                .value_parser(ValueParser::os_string()),
        )
        .arg(
            Arg::new("opt")
                .short('O')
                .value_name("LEVEL")
                .help("optimisation level, 0 to 3 (this version: 3 is 2)")
                .default_value("0")
                .value_parser(value_parser!(u8).range(0..=3)),
        )
        .arg(
            flag("static", "link everything into the executable (default)")
                .conflicts_with("dynamic"),
        )
        .arg(flag("dynamic", "use the system's shared C library"))
        .arg(flag(
            "closed",
            "the program is all there is: a module required by a literal name must be found, and at run time nothing is loaded (load, dofile, require of files) and no variable or hook set by the debug library; the executable has no front end",
        ))
        .arg(
            Arg::new("module")
                .long("module")
                .value_name("NAME=FILE")
                .help("bundle FILE as module NAME")
                .action(ArgAction::Append)
                .value_parser(ValueParser::os_string()),
        )
        .arg(flag(
            "strip-debug",
            "leave line numbers and names of variables out of the executable",
        ))
        .arg(flag(
            "embed-source",
            "keep the Lua sources in the executable, in section .trinity.source",
        ))
        .arg(flag(
            "profile-gen",
            "make an executable that observes what it does and writes it to EXECUTABLE.tprof (or $TRINITY_PROFILE)",
        ).conflicts_with_all(["profile-use", "train"]))
        .arg(
            Arg::new("profile-use")
                .long("profile-use")
                .value_name("FILE")
                .help("optimise by what was observed; several are added up")
                .action(ArgAction::Append)
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("train")
                .long("train")
                .value_name("ARGS")
                .help("observe the program with these arguments first, then optimise by it; several runs are added up")
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .value_parser(ValueParser::os_string()),
        )
        .arg(
            Arg::new("train-deadline")
                .long("train-deadline")
                .value_name("SECONDS")
                .help("how long a training run may take")
                .default_value("60")
                .value_parser(value_parser!(u64).range(1..)),
        )
        .arg(
            Arg::new("pass")
                .short('f')
                .value_name("[no-]NAME")
                .help("turn an optimization on or off, to measure what it gives")
                .action(ArgAction::Append)
                .value_parser(ValueParser::string()),
        )
        .arg(flag("no-egraph", "the same as -fno-egraph"))
        .arg(
            Arg::new("march")
                .long("march")
                .value_name("NAME")
                .help("-march=NAME: use what this processor has, x86-64 (default), x86-64-v2, x86-64-v3, ..., or native: the one that this runs on")
                .default_value("x86-64")
                .value_parser(march::parse),
        )
        .arg(flag("help-passes", "list what -f knows"))
        .arg(
            Arg::new("explain")
                .long("explain")
                .value_name("FORM")
                .help("say what was decided about each line, and why: text (default), json or html")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value(explain::FORMATS[0].0)
                .value_parser(PossibleValuesParser::new(explain::FORMATS.map(|f| f.0))),
        )
        .arg(
            Arg::new("explain-out")
                .long("explain-out")
                .value_name("FILE")
                .help("write that to FILE, not to standard output")
                .requires("explain")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            flag(
                "stress-guards",
                "make every guard fail once when the program runs with TRINITY_DEOPT_STRESS=1",
            )
            .hide(true),
        )
        .arg(
            Arg::new("max-values")
                .long("max-values")
                .value_name("N")
                .help("leave functions with more values of IR to the baseline")
                .value_parser(value_parser!(usize))
                .hide(true),
        )
        .arg(
            Arg::new("opt-bisect-limit")
                .long("opt-bisect-limit")
                .value_name("N")
                .help("do only the first N rewrites of e-graph and windows, and list them: finds the one that is to blame")
                .value_parser(value_parser!(u64)),
        )
        .arg(
            Arg::new("writer")
                .long("object-writer")
                .value_name("WRITER")
                .help("which library writes the object file")
                .default_value("object")
                .value_parser(PossibleValuesParser::new(["object", "faerie"])),
        )
        .arg(
            Arg::new("runtime-lib")
                .long("runtime-lib")
                .value_name("FILE")
                .help("the runtime library to link")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(flag("verbose", "say what is done, and the linker's command").short('v'))
        .args(verify::flags())
        .args(windows::args())
}

/// Understands the arguments; the first one is the program's own name.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request> {
    match command().try_get_matches_from(args) {
        Ok(m) if m.get_flag("help-passes") => Ok(Request::Print(help_passes())),
        Ok(m) => Ok(Request::Compile(Box::new(options(&m)?))),
        Err(e) => Ok(Request::Print(refusal(&e, "trinityc --help")?)),
    }
}

/// The table of optimizations that have a switch.
fn help_passes() -> String {
    let mut out = String::from("-fno-NAME turns one off, -fNAME on (again); all are on at -O2.\n");
    let mut part = "";
    for row in TABLE {
        if row.part != part {
            part = row.part;
            out.push_str(&format!("\n{part}:\n"));
        }
        let (name, what) = (row.name, row.what);
        out.push_str(&format!("  {name:15} {what}\n"));
    }
    out
}

/// What clap did not take: the text to print when it was asked for help or version, else an error of one line that points to `help`.
pub fn refusal(e: &clap::Error, help: &str) -> Result<String> {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    let text = e.render().to_string();
    if matches!(e.kind(), DisplayHelp | DisplayVersion) {
        return Ok(text);
    }
    // The text has several lines; its first paragraph names the problem.
    let first: Vec<&str> = text
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let line = first.join(" ");
    let line = line
        .strip_prefix("error: ")
        .unwrap_or(&line)
        .trim_end_matches(':');
    Err(Error::new(Failure::Usage, format!("{line}; see {help}")))
}

fn usage(what: &str) -> Error {
    Error::new(Failure::Usage, format!("{what}; see trinityc --help"))
}

/// All values of an option.
fn many<T: Clone + Send + Sync + 'static>(m: &ArgMatches, id: &str) -> Vec<T> {
    let values = m.get_many::<T>(id).into_iter().flatten();
    values.cloned().collect()
}

fn options(m: &ArgMatches) -> Result<Options> {
    let path = |id| m.get_one::<PathBuf>(id).cloned();
    let text = |id| m.get_one::<String>(id).map(String::as_str);
    let emit = if m.get_flag("compile-only") {
        Emit::Obj
    } else if m.get_flag("assembly") {
        Emit::Asm
    } else {
        EMITS
            .iter()
            .find(|e| Some(e.0) == text("emit"))
            .map_or(Emit::Exe, |e| e.1)
    };
    let mut modules: Vec<(Vec<u8>, PathBuf)> = Vec::new();
    for arg in m.get_many::<OsString>("module").into_iter().flatten() {
        let bytes = arg.as_bytes();
        let Some(eq) = bytes
            .iter()
            .position(|&c| c == b'=')
            .filter(|&eq| eq > 0 && eq + 1 < bytes.len())
        else {
            return Err(usage(&format!(
                "--module {} is not NAME=FILE",
                arg.to_string_lossy()
            )));
        };
        let name = bytes[..eq].to_vec();
        if modules.iter().any(|(n, _)| *n == name) {
            return Err(usage(&format!(
                "module '{}' is given twice",
                String::from_utf8_lossy(&name)
            )));
        }
        modules.push((
            name,
            PathBuf::from(std::ffi::OsStr::from_bytes(&bytes[eq + 1..])),
        ));
    }
    let mut passes = Passes::default();
    for switch in many::<String>(m, "pass") {
        if !passes.apply(&switch) {
            return Err(usage(&format!(
                "-f{switch} is no optimization; trinityc --help-passes lists them"
            )));
        }
    }
    if m.get_flag("no-egraph") {
        passes.apply("no-egraph");
    }
    let mut paths = PathMap::default();
    for arg in many::<OsString>(m, "remap-path-prefix") {
        if !paths.add(arg.as_bytes()) {
            let arg = arg.to_string_lossy();
            return Err(usage(&format!("--remap-path-prefix {arg} is not FROM=TO")));
        }
    }
    let format = explain::FORMATS
        .iter()
        .find(|f| Some(f.0) == text("explain"));
    let options = Options {
        main: path("main").unwrap_or_default(),
        output: path("output"),
        emit,
        debug: m.get_flag("debug"),
        paths,
        opt_level: m.get_one::<u8>("opt").copied().unwrap_or(0),
        writer: if text("writer") == Some("faerie") {
            Writer::Faerie
        } else {
            Writer::Object
        },
        dynamic: m.get_flag("dynamic"),
        closed: m.get_flag("closed"),
        modules,
        runtime_lib: path("runtime-lib"),
        verbose: m.get_flag("verbose"),
        strip_debug: m.get_flag("strip-debug"),
        embed_source: m.get_flag("embed-source"),
        stress_guards: m.get_flag("stress-guards"),
        passes,
        march: m.get_one("march").copied().unwrap_or_default(),
        explain: format.map(|f| Explain {
            format: f.1,
            to: path("explain-out").unwrap_or_else(|| PathBuf::from("-")),
        }),
        max_values: m.get_one("max-values").copied(),
        bisect: m.get_one("opt-bisect-limit").copied(),
        profile_gen: m.get_flag("profile-gen"),
        profile_use: many(m, "profile-use"),
        train: many(m, "train"),
        train_deadline: Duration::from_secs(m.get_one("train-deadline").copied().unwrap_or(60)),
        verify: verify::asked(m),
        windows: windows::Request::from(m),
    };
    if options.output.as_deref() == Some("-".as_ref()) && options.emit == Emit::Exe {
        return Err(usage("an executable cannot go to standard output"));
    }
    if let Some(explain) = &options.explain {
        check_explain(&options, explain)?;
        refuse_overwriting_sources(&options, &explain.to)?;
    }
    refuse_overwriting_sources(&options, &options.output_path())?;
    Ok(options)
}

/// There must be something to explain, and a place for it of its own.
fn check_explain(o: &Options, explain: &Explain) -> Result<()> {
    if o.opt_level == 0 {
        return Err(usage(
            "--explain tells what -O1 and above decide; add -O1 or -O2",
        ));
    }
    if matches!(o.emit, Emit::Ast | Emit::Bytecode) {
        return Err(usage("--explain needs a program that is compiled"));
    }
    if explain.to == o.output_path() {
        return Err(usage(&format!(
            "the result and the explanation would both go to {}; give another file with --explain-out",
            explain.to.display()
        )));
    }
    Ok(())
}

/// `trinityc -o main.lua main.lua` must not destroy the program.
fn refuse_overwriting_sources(o: &Options, to: &Path) -> Result<()> {
    let real = |p: &Path| std::fs::canonicalize(p).ok();
    let Some(out) = real(to).filter(|p| p.is_file()) else {
        return Ok(());
    };
    let mut sources = std::iter::once(&o.main).chain(o.modules.iter().map(|m| &m.1));
    match sources.find(|s| real(s).as_ref() == Some(&out)) {
        Some(s) => Err(usage(&format!(
            "the output would overwrite the source {}",
            s.display()
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
