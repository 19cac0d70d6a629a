//! From discovered modules to machine code: every function of every module, in parallel, in a fixed order.
//!
//! A function that passes a limit is not an error: its entry jumps to the runtime's stub that interprets it. The limits are the code
//! generator's own and the budgets here: machine code for a large table of data, run once, costs time, memory and file size for nothing.

use crate::discover::{self, Program};
use crate::exit::{Error, Result};
use crate::image::RelocKind;
use crate::names::{FuncName, Namer};
use crate::unit::{CodeReloc, CodeTarget, Func, Unit};
use rayon::prelude::*;
use std::sync::Arc;
use trinity_codegen::CompileError;
use trinity_codegen::bisect::Bisect;
use trinity_codegen::isa::March;
use trinity_codegen::opt::region::RegionPass;
use trinity_codegen::window::{WindowOptions, WindowReport};
use trinity_frontend::bytecode::{self, Proto};
use trinity_lower::opt::module::Module;
use trinity_lower::passes::{Pass, Passes};
use trinity_lower::remark::{Kind, Remark};
use trinity_lower::{CompiledFunc, Options, Symbol, compile_typed, without_code};
use trinity_profile::Profile;
use trinity_superopt::egraph::pass::{Budget, EGraphPass, Shown, Telemetry};
use trinity_superopt::egraph::rule::RuleSet;
use trinity_superopt::validate::rewrite::Rewrite;

/// Instructions from which on a main chunk without loops stays bytecode: it runs once from top to bottom.
const ONCE_MAX: usize = 8_000;
/// Instructions from which on a function that is nothing but table constructors stays bytecode: it is a file of data.
const DATA_MAX: usize = 2_000;
/// Instructions from which on any function stays bytecode: about 600 MB of memory while it is compiled.
const FUNCTION_MAX: usize = 100_000;

/// Why a function is better interpreted, if it is.
fn over_budget(p: &Proto) -> Option<String> {
    let n = p.code.len();
    let loops = || p.code.iter().any(|i| i.op().is_jump() && i.sd() < 0);
    if n > FUNCTION_MAX {
        return Some(format!("{n} instructions, the limit is {FUNCTION_MAX}"));
    }
    if n > ONCE_MAX && p.line_defined == 0 && !loops() {
        return Some(format!(
            "{n} instructions that run once, the limit is {ONCE_MAX}"
        ));
    }
    if n > DATA_MAX && is_data(p) {
        return Some(format!(
            "{n} instructions of table constructors, the limit is {DATA_MAX}"
        ));
    }
    None
}

/// No loop, and of twenty instructions nineteen make constants and tables and store them.
fn is_data(p: &Proto) -> bool {
    use bytecode::Op::*;
    let makes = |op| {
        matches!(
            op,
            LoadI
                | LoadF
                | LoadK
                | LoadNil
                | LoadFalse
                | LoadTrue
                | Move
                | NewTable
                | SetField
                | SetTable
                | SetI
                | SetList
        )
    };
    let others = p.code.iter().filter(|i| !makes(i.op()));
    others.count() * 20 < p.code.len() && p.code.iter().all(|i| !i.op().is_jump() || i.sd() >= 0)
}

/// The compiled program.
#[derive(Default, Debug)]
pub struct Compiled {
    /// Modules in the program's order.
    pub units: Vec<Unit>,
    /// The printed IR of all functions, when asked for.
    pub ir: Option<String>,
    /// Functions that will be interpreted, with the reason.
    pub interpreted: Vec<String>,
    /// For a training run: a profile of all functions that has seen nothing, in its file format.
    pub skeleton: Option<Vec<u8>>,
    /// The rewrites that were counted, when there is a limit to them.
    pub rewrites: Vec<String>,
    /// The regions that equality saturation saw, when asked for, and what it did.
    pub egraph: (Vec<Shown>, Telemetry),
    /// What equality saturation replaced, when asked for.
    pub replaced: Vec<Rewrite>,
    /// What became of the windows of each function that has any.
    pub windows: Vec<FunctionWindows>,
}

/// A function without machine code.
enum Skipped {
    /// It is to be observed.
    Observed,
    /// It passes a limit.
    Budget(String),
    /// The compiler failed on it.
    Bug(String),
}

/// How to compile.
#[derive(Clone, Default, Debug)]
pub struct How {
    /// Leave debug information out of the bytecode.
    pub strip: bool,
    /// Keep the printed IR.
    pub ir: bool,
    /// Level of optimisation, 0 to 3.
    pub opt_level: u8,
    /// What training runs saw, matched to this program.
    pub profile: Option<Arc<Profile>>,
    /// Make every guard fail once, when the program runs in deoptimisation stress.
    pub stress_guards: bool,
    /// Values of IR from which on a function is left to the baseline, where not the usual number.
    pub max_values: Option<usize>,
    /// Which optimizations are on.
    pub passes: Passes,
    /// What the processor has.
    pub march: March,
    /// Collect remarks.
    pub explain: bool,
    /// Keep what the code was made from.
    pub verify: bool,
    /// For a training run: everything is interpreted and observed.
    pub observe: bool,
    /// Do only so many of the rewrites that are counted.
    pub bisect: Option<u64>,
    /// Keep what equality saturation saw.
    pub show_egraph: bool,
    /// Rules for equality saturation that are believed as they are, in place of the proven ones.
    pub rules: Option<&'static RuleSet>,
    /// What to do about proven windows.
    pub windows: WindowOptions,
}

/// The windows of a function.
#[derive(Clone, Debug)]
pub struct FunctionWindows {
    /// The module it is in, by number.
    pub module: usize,
    /// Its symbol.
    pub function: String,
    /// What was replaced and what there is to search.
    pub report: WindowReport,
}

/// Compiles the program.
pub fn compile(program: &Program, how: &How) -> Result<Compiled> {
    let bisect = how.bisect.map(|n| Arc::new(Bisect::new(n)));
    let on = how.opt_level >= 2 && how.passes.has(Pass::EGraph);
    let egraph = on.then(|| {
        let pass = EGraphPass::new(Budget::default(), bisect.clone(), how.show_egraph);
        let pass = pass.keeping(how.verify);
        Arc::new(match how.rules {
            Some(rules) => pass.believing(rules),
            None => pass,
        })
    });
    let options: Vec<Options> = profiled(program)
        .into_iter()
        .map(|(module, _)| Options {
            keep_ir: how.ir,
            verify: cfg!(debug_assertions),
            opt_level: how.opt_level,
            profile: how.profile.clone(),
            module,
            stress_guards: how.stress_guards,
            passes: how.passes,
            march: how.march,
            explain: how.explain,
            max_values: how.max_values,
            regions: egraph.clone().map(|e| e as Arc<dyn RegionPass>),
            keep_code: how.verify,
            windows: WindowOptions {
                bisect: bisect.clone(),
                ..how.windows.clone()
            },
        })
        .collect();
    let mut namer = Namer::default();
    let names: Vec<Vec<FuncName>> = program
        .modules
        .iter()
        .map(|m| namer.module(&m.name, &m.proto))
        .collect();
    let skip = |p: &Proto| how.observe || over_budget(p).is_some();
    let modules: Vec<Module> = program
        .modules
        .iter()
        .zip(&options)
        .zip(&names)
        .map(|((m, o), names)| {
            let mut module = trinity_lower::module(&m.proto, o, &skip);
            let short = || names.iter().map(|n| n.short.clone()).collect();
            module.names = how.explain.then(short);
            module
        })
        .collect();
    // One list over all modules, so that one large module keeps all processors busy.
    let jobs: Vec<(u32, &Module, &Options)> = modules
        .iter()
        .zip(&options)
        .flat_map(|(m, o)| (0..m.bodies()).map(move |n| (n, m, o)))
        .collect();
    let job = |&(n, m, options): &(u32, &Module, &Options)| match over_budget(
        m.protos[m.function(n) as usize],
    ) {
        _ if how.observe => Err(Skipped::Observed),
        Some(why) => Err(Skipped::Budget(why)),
        None => compile_typed(m, n, options).map_err(|e| match e.error {
            CompileError::TooLarge(why) => Skipped::Budget(why),
            _ => Skipped::Bug(e.to_string()),
        }),
    };
    let done: Vec<_> = match how.bisect.is_some() || how.show_egraph {
        // In order, so that the n-th rewrite is always the same.
        true => jobs.iter().map(job).collect(),
        false => jobs.par_iter().with_max_len(1).map(job).collect(),
    };
    let mut results = done.into_iter();
    let mut out = Compiled {
        units: Vec::new(),
        ir: how.ir.then(String::new),
        interpreted: Vec::new(),
        skeleton: how.observe.then(|| skeleton(program)),
        ..Compiled::default()
    };
    for ((module, names), lowered) in program.modules.iter().zip(names).zip(&modules) {
        let mut funcs = Vec::with_capacity(names.len());
        let mut remarks = Vec::new();
        let names = version_names(names, lowered);
        for (n, (name, result)) in (0..).zip(names.into_iter().zip(results.by_ref())) {
            let of = lowered.function(n);
            let interpreted = |name| {
                let f = without_code(lowered, n).map_err(Error::internal)?;
                Ok::<Func, Error>(convert(f, name, of))
            };
            match result {
                Ok(mut f) => {
                    if let (Some(all), Some(one)) = (&mut out.ir, f.ir.take()) {
                        all.push_str(&format!("; {}\n{}\n", name.symbol, one.trim_end()));
                    }
                    // Versions have most remarks in common.
                    f.remarks.retain(|r| n == of || !remarks.contains(r));
                    remarks.append(&mut f.remarks);
                    let report = std::mem::take(&mut f.windows);
                    if report != WindowReport::default() {
                        out.windows.push(FunctionWindows {
                            module: out.units.len(),
                            function: name.symbol.clone(),
                            report,
                        });
                    }
                    funcs.push(convert(f, name, of));
                }
                Err(Skipped::Observed) => funcs.push(interpreted(name)?),
                Err(Skipped::Budget(why)) => {
                    out.interpreted.push(format!("{}: {why}", name.symbol));
                    if how.explain {
                        let kind = Kind::Interpreted { why };
                        remarks.push(Remark::of_function(n, name.line, kind));
                    }
                    funcs.push(interpreted(name)?);
                }
                Err(Skipped::Bug(what)) => return Err(Error::internal(what)),
            }
        }
        let unit = Unit {
            name: module.name.clone(),
            shown: module.shown.clone(),
            path: module.source.path.clone(),
            chunk: bytecode::dump(&module.proto, how.strip),
            funcs,
            remarks,
        };
        unit.check_bodies()?;
        out.units.push(unit);
    }
    out.rewrites = bisect.map(|b| b.lines()).unwrap_or_default();
    out.replaced = egraph.as_ref().map(|e| e.kept()).unwrap_or_default();
    out.egraph = egraph
        .map(|e| (e.shown(), e.telemetry()))
        .unwrap_or_default();
    Ok(out)
}

/// The program's functions as profiles know them, with the names that the runtime uses.
fn skeleton(program: &Program) -> Vec<u8> {
    trinity_profile::skeleton(&profiled(program)).encode()
}

/// The program's modules by the names that profiles use.
pub fn profiled(program: &Program) -> Vec<(String, &Proto)> {
    let name = |m: &discover::Module| String::from_utf8_lossy(&m.name).into_owned();
    let modules = program.modules.iter();
    modules.map(|m| (name(m), &m.proto)).collect()
}

/// Adds the names of versions, which are those of their functions with the kinds of arguments behind.
fn version_names(mut names: Vec<FuncName>, module: &Module) -> Vec<FuncName> {
    for v in &module.versions {
        let of = names[v.of as usize].clone();
        names.push(FuncName {
            symbol: format!("{}{}", of.symbol, v.suffix()),
            ..of
        });
    }
    names
}

/// `of`: the number of the function whose code it is.
fn convert(f: CompiledFunc, name: FuncName, of: u32) -> Func {
    let reloc = |r: &trinity_codegen::Reloc| CodeReloc {
        offset: r.offset,
        kind: match r.kind {
            trinity_codegen::RelocKind::Pc32 => RelocKind::Pc32,
            trinity_codegen::RelocKind::Plt32 => RelocKind::Plt32,
            trinity_codegen::RelocKind::Abs64 => RelocKind::Abs64,
        },
        target: match Symbol::from_ref(r.symbol) {
            Symbol::Helper(h) => CodeTarget::Runtime(h.symbol()),
            Symbol::Saving(h) => CodeTarget::Runtime(h.saving_symbol()),
            Symbol::Stub(s) => CodeTarget::Runtime(s),
            // Only functions that have one are called directly.
            Symbol::Direct(i) => CodeTarget::Runtime(i.direct().map_or("", |d| d.symbol)),
            Symbol::Func(n) => CodeTarget::Func(n),
            Symbol::Body(n) => CodeTarget::Body(n),
        },
        addend: r.addend,
    };
    Func {
        name,
        of,
        relocs: f.relocs.iter().map(reloc).collect(),
        code: f.code,
        text_len: f.text_len,
        safepoints: f.safepoints,
        srclocs: f.srclocs,
        frame_size: f.frame_size,
        body_offset: f.body_offset,
        inlines: f.inlines,
        live: f.live,
        flags: f.flags,
        kept: f.kept,
    }
}
