//! The pipeline: arguments in, exit code out.
//!
//! Each step takes what the step before made; the first failure ends the run with one line on stderr.

use crate::cleanup::WorkDir;
use crate::cli::{self, Emit, Options, Request};
use crate::compile::{self, Compiled, How};
use crate::discover::{self, Program, path::SearchPath};
use crate::exit::{Error, Failure, Result, reason};
use crate::image::{Item, Place};
use crate::output::Output;
use crate::profile::train::{self, Training};
use crate::{asm, debug, egraph, explain, link, march, unit, verify, windows, write};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use trinity_codegen::isa::March;
use trinity_lower::passes::Pass;
use trinity_profile::Profile;

/// Runs trinityc with these arguments (the first is the program's name).
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = windows::words(march::words(args));
    if args.get(1).is_some_and(|a| a == "bench") {
        return bench(&args[2..]);
    }
    if args.get(1).is_some_and(|a| a == "profile") {
        return ended(crate::profile::cli::run(&args[2..]));
    }
    if let Some(code) = crate::superopt_cli::run(&args[1.min(args.len())..]) {
        return code;
    }
    let done = cli::parse(args).and_then(|request| match request {
        Request::Print(text) => Output::stdout().commit(text.as_bytes()),
        Request::Compile(options) => run(&options),
    });
    ended(done)
}

/// Says what went wrong.
fn ended(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(&e.message);
            ExitCode::from(e.failure.code())
        }
    }
}

/// `trinityc bench`.
fn bench(args: &[OsString]) -> ExitCode {
    let args: Vec<String> = args
        .iter()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    match crate::bench::parse(&args).and_then(|o| crate::bench::run(&o)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            say(e.to_string().as_bytes());
            ExitCode::from(crate::exit::Failure::Usage.code())
        }
    }
}

/// One line on stderr; when that is closed there is nobody to tell.
fn say(line: &[u8]) {
    let _ = std::io::stderr()
        .lock()
        .write_all(&[b"trinityc: ", line, b"\n"].concat());
}

/// Says under `-v` what was done and how long it took.
struct Log {
    on: bool,
    last: Instant,
}

impl Log {
    fn step(&mut self, what: impl FnOnce() -> String) {
        if self.on {
            say(format!(
                "{} ({:.1} ms)",
                what(),
                self.last.elapsed().as_secs_f64() * 1e3
            )
            .as_bytes());
            self.last = Instant::now();
        }
    }
}

/// Compiles as asked.
pub fn run(o: &Options) -> Result<()> {
    let mut log = Log {
        on: o.verbose,
        last: Instant::now(),
    };
    let output = Output::create(&o.output_path(), o.emit == Emit::Exe)?;
    let explanation = match &o.explain {
        Some(explain) => Some(Output::create(&explain.to, false)?),
        None => None,
    };
    if matches!(o.emit, Emit::Ast | Emit::Bytecode) {
        return output.commit(front_end_text(o)?.as_bytes());
    }
    // Before the work: a missing library would only show up at its end.
    let runtime = if o.emit == Emit::Exe || !o.train.is_empty() {
        Some(link::runtime_library(o.runtime_lib.as_deref())?)
    } else {
        None
    };

    let search = SearchPath::from_env(&o.main);
    let request = discover::Request {
        main: &o.main,
        extra: &o.modules,
        path: &search,
        closed: o.closed,
    };
    let program = discover::discover(&request)?;
    for warning in &program.warnings {
        say(&[b"warning: ", warning.as_slice()].concat());
    }
    log.step(|| format!("read {} modules", program.modules.len()));

    let how = How {
        strip: o.strip_debug,
        ir: o.emit == Emit::Ir,
        opt_level: o.opt_level,
        profile: profile(o, &program, runtime.as_deref(), &mut log)?,
        stress_guards: o.stress_guards,
        max_values: o.max_values,
        passes: o.passes,
        march: o.march,
        explain: o.explain.is_some(),
        verify: o.verify.is_some(),
        observe: o.profile_gen,
        bisect: o.bisect,
        show_egraph: matches!(o.emit, Emit::EGraph | Emit::EGraphDot),
        rules: None,
        windows: windows::options(&o.windows, o.passes.has(Pass::Windows))?,
    };
    let compiled = windows::compile(&program, &how, &o.windows)?;
    compiled
        .rewrites
        .iter()
        .for_each(|line| say(line.as_bytes()));
    if o.verbose {
        compiled
            .interpreted
            .iter()
            .for_each(|f| say(format!("note: interpreted: {f}").as_bytes()));
    }
    log.step(|| {
        format!(
            "compiled {} functions for {}",
            compiled.units.iter().map(|u| u.funcs.len()).sum::<usize>(),
            o.march
        )
    });
    if let Some(asked) = &o.verify {
        say(verify::run(asked, &compiled)?.as_bytes());
        log.step(|| "verified".into());
    }
    log.step(|| windows::summary(&compiled));
    if let (Some(explain), Some(to)) = (&o.explain, explanation) {
        to.commit(explain::render(explain.format, &program, &compiled).as_bytes())?;
    }
    match o.emit {
        Emit::EGraph => {
            let text = egraph::text(&compiled.egraph.0, &compiled.egraph.1);
            return output.commit(text.as_bytes());
        }
        Emit::EGraphDot => return output.commit(egraph::dot(&compiled.egraph.0).as_bytes()),
        Emit::Ir => return output.commit(compiled.ir.unwrap_or_default().as_bytes()),
        Emit::Asm => return output.commit(&asm::emit(&compiled, &program, o.march, o.closed)),
        _ => {}
    }

    let object = object(o, &program, &compiled, o.march)?;
    log.step(|| format!("wrote an object of {} bytes", object.len()));
    match runtime.filter(|_| o.emit == Emit::Exe) {
        None => output.commit(&object),
        Some(runtime) => {
            let linked = executable(o, &object, &runtime)?;
            log.step(|| format!("linked an executable of {} bytes", linked.len()));
            output.commit(&linked)
        }
    }
}

/// What `--profile-use` and `--train` say about this program.
fn profile(
    o: &Options,
    program: &Program,
    runtime: Option<&Path>,
    log: &mut Log,
) -> Result<Option<Arc<Profile>>> {
    if o.profile_use.is_empty() && o.train.is_empty() {
        return Ok(None);
    }
    let mut seen = crate::profile::read_all(&o.profile_use)?;
    if let (false, Some(runtime)) = (o.train.is_empty(), runtime) {
        let training = Training {
            runs: &o.train,
            deadline: o.train_deadline,
        };
        let how = How {
            observe: true,
            ..How::default()
        };
        let object = object(o, program, &compile::compile(program, &how)?, how.march)?;
        let observing = executable(o, &object, runtime)?;
        seen.merge(&train::train(&training, &observing, &|line| {
            say(line.as_bytes())
        })?);
    }
    let (profile, fits, warning) = crate::profile::fit(&seen, program);
    log.step(|| fits);
    if let Some(warning) = warning {
        say(format!("warning: {warning}").as_bytes());
    }
    Ok(Some(Arc::new(profile)))
}

/// `--emit=ast` and `--emit=bytecode`: the main file by itself.
fn front_end_text(o: &Options) -> Result<String> {
    let shown = o.main.as_os_str().as_bytes();
    if o.emit == Emit::Ast {
        let source = crate::source::read(&o.main, shown)?;
        return match trinity_frontend::parse(&source.text, &source.chunkname) {
            Ok(ast) => Ok(trinity_frontend::ast::print(&ast)),
            Err(e) => Err(Error::new(Failure::Syntax, e.message)),
        };
    }
    let (_, proto) = discover::compile(&o.main, shown)?;
    Ok(trinity_frontend::bytecode::listing::list(&proto))
}

/// The object file's bytes.
fn object(o: &Options, program: &Program, compiled: &Compiled, march: March) -> Result<Vec<u8>> {
    let mut layout = unit::layout(
        &compiled.units,
        compiled.skeleton.as_deref(),
        march,
        o.closed,
    );
    if o.debug {
        let producer = concat!("trinityc ", env!("CARGO_PKG_VERSION"));
        debug::add(&mut layout, &compiled.units, producer, &o.paths)?;
    }
    if o.embed_source {
        layout.image.add(sources(program));
    }
    let file = o.main.file_name().unwrap_or_default().to_string_lossy();
    write::write(&layout.image, &file, o.writer)
}

/// All sources, each behind a line with its name and size; `objcopy -O binary -j .trinity.source` extracts them.
fn sources(program: &Program) -> Item {
    let mut bytes = Vec::new();
    for m in &program.modules {
        bytes.extend_from_slice(b"-- ");
        bytes.extend_from_slice(&m.shown);
        bytes.extend_from_slice(format!(": {} bytes\n", m.source.text.len()).as_bytes());
        bytes.extend_from_slice(&m.source.text);
        bytes.push(b'\n');
    }
    Item {
        name: ".trinity.source".into(),
        place: Place::Unloaded,
        align: 1,
        global: false,
        bytes,
        relocs: Vec::new(),
    }
}

/// Links in a private directory; the result is moved to its place in one step by the caller.
fn executable(o: &Options, object: &[u8], runtime: &Path) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| {
        let dir = std::env::temp_dir();
        let message = format!(
            "cannot use the temporary directory {}: {}; set TMPDIR",
            dir.display(),
            reason(&e)
        );
        Error::new(Failure::Output, message)
    };
    let mut work = WorkDir::new().map_err(failed)?;
    let (input, linked) = (work.file("program.o"), work.file("program"));
    std::fs::write(&input, object).map_err(failed)?;
    link::link(&link::Job {
        object: &input,
        runtime,
        output: &linked,
        dynamic: o.dynamic,
        debug: o.debug,
        verbose: o.verbose,
    })?;
    std::fs::read(&linked).map_err(failed)
}
