//! Proven windows (docs/windows.md): the stores that a compilation uses, and the harvest that it leaves.

use crate::compile::{self, Compiled, How};
use crate::discover::Program;
use crate::exit::{Error, Failure, Result};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use trinity_codegen::window::{WindowOptions, WindowStore};
use trinity_lower::passes::Pass;

/// The windows that are shipped.
const SHIPPED: &str = include_str!("../../search-configs/windows/shipped.json");

/// What the command line says about windows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// Replace none.
    pub off: bool,
    /// The user's store.
    pub store: Option<PathBuf>,
    /// Where to write what is to be searched.
    pub harvest: Option<PathBuf>,
    /// Search for so long, and compile again.
    pub search: Option<Duration>,
}

/// The arguments.
pub fn args() -> [Arg; 4] {
    let file = |id: &'static str, help: &'static str| {
        let arg = Arg::new(id).long(id).value_name("FILE").help(help);
        arg.value_parser(value_parser!(PathBuf))
    };
    [
        file("harvest", "add the straight-line code that was compiled to FILE, for trinityc search --harvest"),
        file("store", "replace windows by what was found and proven for them in FILE, beside what is shipped"),
        Arg::new("no-windows")
            .long("no-windows")
            .help("replace no windows")
            .action(ArgAction::SetTrue)
            .conflicts_with_all(["store", "search"]),
        Arg::new("search")
            .long("search")
            .value_name("TIME")
            .help("-Osearch=TIME: compile with -O2, search for so long (60s, 10m), compile again with what was found")
            .value_parser(duration),
    ]
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit());
    let (n, unit) = text.split_at(split.unwrap_or(text.len()));
    let n: u64 = n.parse().map_err(|_| "a time is a number with s, m or h")?;
    match unit {
        "s" | "" => Ok(Duration::from_secs(n)),
        "m" => Ok(Duration::from_secs(60 * n)),
        "h" => Ok(Duration::from_secs(3600 * n)),
        _ => Err("a time is a number with s, m or h".into()),
    }
}

/// Arguments with `-Osearch=`, as clap reads it.
pub fn words(args: Vec<OsString>) -> Vec<OsString> {
    let word = |a: OsString| match a.to_str().and_then(|s| s.strip_prefix("-Osearch=")) {
        Some(time) => vec![format!("--search={time}").into(), "-O2".into()],
        None => vec![a],
    };
    args.into_iter().flat_map(word).collect()
}

impl Request {
    /// What was said.
    pub fn from(m: &ArgMatches) -> Request {
        Request {
            off: m.get_flag("no-windows"),
            store: m.get_one("store").cloned(),
            harvest: m.get_one("harvest").cloned(),
            search: m.get_one("search").copied(),
        }
    }
}

/// What became of the windows, for people.
pub fn summary(compiled: &Compiled) -> String {
    let all = compiled.windows.iter().map(|f| &f.report);
    let (mut hits, mut misses, mut different) = (0, 0, HashSet::new());
    for report in all {
        hits += report.hits.len();
        misses += report.misses;
        different.extend(report.hits.iter().map(|h| &h.key));
    }
    let different = different.len();
    format!("replaced {hits} windows, {different} different ones, looked up {misses} in vain")
}

pub use with_search::{compile, options};

mod with_search {
    use super::*;
    use crate::cleanup::WorkDir;
    use crate::superopt_cli::harvest::{Task, perform};
    use crate::superopt_cli::open_store_of;
    use trinity_superopt::window::harvest::{Harvest, HarvestError, Run, Site};
    use trinity_superopt::window::kept::{self, KeptError, Shelf};

    /// What the compiler is to do.
    pub fn options(request: &Request, shipped: bool) -> Result<WindowOptions> {
        let refused = |e: KeptError| Error::new(Failure::Input, e.to_string());
        let mut store = WindowStore::default();
        if shipped && !request.off {
            // A test sees to it that these are of this instruction table, and proves them anew.
            let shipped = Shelf::parse("trinityc", SHIPPED, None).map_err(refused)?;
            kept::fill(&mut store, "trinityc", &shipped.windows).map_err(refused)?;
        }
        if let Some(path) = &request.store {
            let name = path.display().to_string();
            let own = if kept::is_shelf(path) {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| refused(KeptError::Io(path.clone(), e)))?;
                let semantics = kept::SEMANTICS;
                Shelf::parse(&name, &text, Some(semantics))
                    .map_err(refused)?
                    .windows
            } else if path.exists() {
                let own = open_store_of(path, kept::semantics_of_now())
                    .map_err(|e| Error::new(Failure::Input, e.message))?;
                if own.moved_aside().is_some() {
                    return Err(Error::new(
                        Failure::Input,
                        format!("the store {name} was damaged"),
                    ));
                }
                let (own, bad) = kept::of_store(&own).map_err(|e| refused(KeptError::Store(e)))?;
                if bad > 0 {
                    let why = format!("{bad} entries are damaged or of another instruction table");
                    return Err(refused(KeptError::Format(name, why)));
                }
                own
            } else if request.search.is_some() {
                // It will be made.
                Vec::new()
            } else {
                let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
                return Err(refused(KeptError::Io(path.clone(), missing)));
            };
            kept::fill(&mut store, &name, &own).map_err(refused)?;
        }
        Ok(WindowOptions {
            store: (!store.is_empty()).then(|| Arc::new(store)),
            harvest: request.harvest.is_some(),
            ..WindowOptions::default()
        })
    }

    fn not_harvested(e: HarvestError) -> Error {
        match e {
            HarvestError::Io(..) => Error::new(Failure::Output, e.to_string()),
            HarvestError::Format(..) => Error::new(Failure::Input, e.to_string()),
        }
    }

    /// Compiles; searches first and writes the harvest where that is asked for.
    pub fn compile(program: &Program, how: &How, request: &Request) -> Result<Compiled> {
        let mut how = how.clone();
        if let Some(time) = request.search {
            how.windows = searched(program, &how, request, time)?;
        }
        let compiled = compile::compile(program, &how)?;
        if let Some(path) = &request.harvest {
            let mut all = match path.exists() {
                true => Harvest::load(path).map_err(not_harvested)?,
                false => Harvest::default(),
            };
            let (name, runs) = harvest(program, &compiled, &how);
            all.forget(&name);
            all.add(runs);
            all.save(path).map_err(not_harvested)?;
        }
        Ok(compiled)
    }

    /// What is to be replaced after a search on what the program is compiled to.
    fn searched(
        program: &Program,
        how: &How,
        request: &Request,
        time: Duration,
    ) -> Result<WindowOptions> {
        let failed = |e: std::io::Error| Error::new(Failure::Output, e.to_string());
        let mut work = WorkDir::new().map_err(failed)?;
        let (found, store) = (work.file("harvest"), work.file("windows"));
        let store = request.store.clone().unwrap_or(store);
        let first = How {
            windows: WindowOptions {
                harvest: true,
                ..how.windows.clone()
            },
            ..how.clone()
        };
        let mut all = Harvest::default();
        all.add(harvest(program, &compile::compile(program, &first)?, &first).1);
        all.save(&found).map_err(not_harvested)?;
        let task = Task {
            harvest: &found,
            store: &store,
            time,
            jobs: 0,
            seed: 1,
            patience: Duration::from_millis(300),
            measure: true,
            quiet: false,
            export: None,
        };
        perform(&task).map_err(|e| Error::new(Failure::Internal, e.message))?;
        let request = Request {
            store: Some(store),
            search: None,
            ..request.clone()
        };
        options(&request, how.passes.has(Pass::Windows))
    }

    /// How often each line of a module ran.
    fn lines(program: &Program, how: &How) -> Vec<Option<HashMap<u32, u64>>> {
        fn visit(
            p: &trinity_frontend::bytecode::Proto,
            next: &mut u32,
            find: &mut dyn FnMut(u32, &trinity_frontend::bytecode::Proto),
        ) {
            find(*next, p);
            *next += 1;
            p.protos.iter().for_each(|p| visit(p, next, find));
        }
        let modules = compile::profiled(program).into_iter();
        modules
            .map(|(name, proto)| {
                let profile = how.profile.as_deref()?;
                let mut out: HashMap<u32, u64> = HashMap::new();
                visit(proto, &mut 0, &mut |n, p| {
                    let Some(seen) = profile.lookup(&name, n, p) else {
                        return;
                    };
                    for (pc, site) in &seen.sites {
                        let line = p.lines.get(*pc as usize).copied().unwrap_or(0);
                        let most = out.entry(line).or_default();
                        *most = (*most).max(site.count);
                    }
                });
                Some(out)
            })
            .collect()
    }

    /// The name of a program, and its runs.
    fn harvest(program: &Program, compiled: &Compiled, how: &How) -> (String, Vec<Run>) {
        let lines = lines(program, how);
        let main = program.modules.first();
        let name = main.map_or(String::new(), |m| {
            String::from_utf8_lossy(&m.shown).into_owned()
        });
        let march = how.march.name();
        let mut out = Vec::new();
        for f in &compiled.windows {
            // The code of a line that is in fewer loops than the rest of it, as what begins a loop, runs less often.
            let mut deepest: HashMap<u32, u32> = HashMap::new();
            for run in &f.report.runs {
                let most = deepest.entry(run.loc.0).or_default();
                *most = (*most).max(run.depth);
            }
            for run in &f.report.runs {
                let line = run.loc.0;
                let weight = match lines.get(f.module) {
                    // What never ran gains nothing.
                    Some(Some(seen)) => {
                        let outside = deepest.get(&line).map_or(0, |most| most - run.depth);
                        let seen = seen.get(&line).copied().unwrap_or(0) as f64;
                        (seen / 8f64.powi(outside as i32)).floor()
                    }
                    _ => 8f64.powi(run.depth.min(6) as i32),
                };
                if weight == 0.0 {
                    continue;
                }
                let site = Site {
                    program: name.clone(),
                    function: f.function.clone(),
                    line,
                    weight,
                };
                out.extend(Run::new(&run.code, &run.live, &march, site));
            }
        }
        (name, out)
    }
}
