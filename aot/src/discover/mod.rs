//! The program: the main file and every module that it, or a module of it, requires by a literal name.
//!
//! Modules are found breadth-first; the files of one wave are read and compiled in parallel and collected in order, so the result
//! depends only on the sources. Main comes first, then the modules sorted by name. Cycles are no matter: each name is loaded once.

pub mod path;
pub mod scan;

use crate::exit::{Error, Failure, Result};
use crate::source::{self, Source};
use path::SearchPath;
use rayon::prelude::*;
use scan::Require;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trinity_frontend::bytecode::Proto;

/// Modules that `require` finds in package.loaded: never searched.
pub const STANDARD: [&str; 10] = [
    "_G",
    "coroutine",
    "debug",
    "io",
    "math",
    "os",
    "package",
    "string",
    "table",
    "utf8",
];

/// A compiled source file.
#[derive(Debug)]
pub struct Module {
    /// The name `require` takes; empty for the main program.
    pub name: Vec<u8>,
    /// File name as `lua` would show it.
    pub shown: Vec<u8>,
    /// What was read.
    pub source: Source,
    /// Its bytecode.
    pub proto: Proto,
}

/// All modules, and what is to be said about those that are missing.
#[derive(Debug)]
pub struct Program {
    /// Main first, then by name.
    pub modules: Vec<Module>,
    /// Lines for stderr, without prefix.
    pub warnings: Vec<Vec<u8>>,
}

/// What to look for, and where.
#[derive(Debug)]
pub struct Request<'a> {
    /// The main file.
    pub main: &'a Path,
    /// Modules named on the command line; they are bundled in any case.
    pub extra: &'a [(Vec<u8>, PathBuf)],
    /// Where the others are.
    pub path: &'a SearchPath,
    /// A missing module is an error.
    pub closed: bool,
}

/// A module name in the queue, and the first place that wants it.
struct Wanted {
    name: Vec<u8>,
    by: Vec<u8>,
    optional: bool,
}

/// Reads and compiles one file.
pub fn compile(path: &Path, shown: &[u8]) -> Result<(Source, Proto)> {
    let source = source::read(path, shown)?;
    match trinity_frontend::compile(&source.text, &source.chunkname) {
        Ok(proto) => Ok((source, proto)),
        Err(e) => Err(Error::new(Failure::Syntax, e.message)),
    }
}

/// Finds and compiles the whole program.
pub fn discover(req: &Request) -> Result<Program> {
    use std::os::unix::ffi::OsStrExt;
    let shown = req.main.as_os_str().as_bytes().to_vec();
    let (source, proto) = compile(req.main, &shown)?;
    let main = Module {
        name: Vec::new(),
        shown,
        source,
        proto,
    };
    let mut seen: BTreeMap<Vec<u8>, Option<Module>> = BTreeMap::new();
    let mut warnings = Vec::new();
    let mut wave: Vec<Wanted> = req
        .extra
        .iter()
        .map(|(name, _)| Wanted {
            name: name.clone(),
            by: Vec::new(),
            optional: false,
        })
        .collect();
    enqueue(&main, &mut wave);
    while !wave.is_empty() {
        // One entry a name; an ordinary require is stronger than an optional one.
        let mut fresh: Vec<Wanted> = Vec::new();
        for w in wave.drain(..) {
            if seen.contains_key(&w.name) || STANDARD.iter().any(|s| s.as_bytes() == w.name) {
                continue;
            }
            match fresh.iter_mut().find(|f| f.name == w.name) {
                Some(f) if f.optional && !w.optional => *f = w,
                Some(_) => {}
                None => fresh.push(w),
            }
        }
        let loaded: Vec<Loaded> = fresh.par_iter().map(|w| load(req, w)).collect();
        for (w, got) in fresh.into_iter().zip(loaded) {
            let module = match got {
                Loaded::Module(m) => Some(*m),
                Loaded::Failed(e) if w.optional => {
                    warnings
                        .push([b"optional module not bundled: ".as_slice(), &e.message].concat());
                    None
                }
                Loaded::Failed(e) => return Err(e),
                Loaded::Missing(_) if w.optional => None,
                Loaded::Missing(tried) => {
                    let line = missing(&w, &tried, req.closed);
                    if req.closed {
                        return Err(Error::new(Failure::Unresolved, line));
                    }
                    warnings.push(line);
                    None
                }
            };
            if let Some(m) = &module {
                enqueue(m, &mut wave);
            }
            seen.insert(w.name, module);
        }
    }
    let mut modules = vec![main];
    modules.extend(seen.into_values().flatten());
    Ok(Program { modules, warnings })
}

enum Loaded {
    Module(Box<Module>),
    Missing(Vec<Vec<u8>>),
    Failed(Error),
}

fn load(req: &Request, w: &Wanted) -> Loaded {
    use std::os::unix::ffi::OsStrExt;
    let found = match req.extra.iter().find(|(name, _)| *name == w.name) {
        Some((_, file)) => path::Found {
            file: file.clone(),
            shown: file.as_os_str().as_bytes().to_vec(),
        },
        None => match req.path.find(&w.name) {
            Ok(found) => found,
            Err(tried) => return Loaded::Missing(tried),
        },
    };
    match compile(&found.file, &found.shown) {
        Ok((source, proto)) => Loaded::Module(Box::new(Module {
            name: w.name.clone(),
            shown: found.shown,
            source,
            proto,
        })),
        Err(e) => Loaded::Failed(e),
    }
}

fn enqueue(m: &Module, wave: &mut Vec<Wanted>) {
    let requires = scan::requires(&m.proto);
    wave.extend(requires.into_iter().map(
        |Require {
             name,
             line,
             optional,
         }| {
            let by = [m.shown.as_slice(), format!(":{line}: ").as_bytes()].concat();
            Wanted { name, by, optional }
        },
    ));
}

fn missing(w: &Wanted, tried: &[Vec<u8>], closed: bool) -> Vec<u8> {
    let mut line = w.by.clone();
    line.extend_from_slice(b"module '");
    line.extend_from_slice(&w.name);
    line.extend_from_slice(b"' not found");
    let advice: &[u8] = if closed {
        b"; set LUA_PATH or name it with --module NAME=FILE"
    } else {
        b"; the program will search for it when it runs"
    };
    line.extend_from_slice(advice);
    line.extend_from_slice(b" (searched: ");
    line.extend_from_slice(&tried.join(b", ".as_slice()));
    line.push(b')');
    line
}
