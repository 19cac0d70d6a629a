//! A target of a configuration made ready: what the engines search for, and how reports call it.
//!
//! Kernels come from [`crate::kernels`]; functions of assembly and object files become terms over their inputs, as
//! long as they have no loops that do not unroll in full and touch memory outside of their frames on all paths alike.

use super::config::{self, Kind, Source};
use crate::input::compare::Behaviour;
use crate::input::error::Refusal;
use crate::input::ir::IrRegion;
use crate::input::terms::Setup;
use crate::input::whole::{Surroundings, place_of, target_terms};
use crate::input::{
    Function, InputError, LiveOut, PlaceSet, ProgramTerms, Unit, liveout, precondition,
};
use crate::kernels::{self, Kernel, arrays, wide};
use crate::proof::{Pair, Query};
use crate::report::parts::{Interface, Program};
use crate::search::improve::target_of_function;
use crate::search::memory::{self, MemoryError};
use crate::search::opset::March;
use crate::search::target::Target;
use crate::search::{cost, loc};
use crate::store;
use iced_x86::{FlowControl, Instruction, Mnemonic};
use std::path::Path;
use trinity_codegen::isa::show::Text;
use trinity_codegen::isa::{Domain, Node, TermId, TermPool};

/// A target made ready.
pub struct Goal {
    /// For files and headings.
    pub name: String,
    /// What the engines search for.
    pub target: Target,
    /// What it should compute, in words.
    pub specification: String,
    /// The specification or the code to be improved, for reports.
    pub left: Program,
    /// Inputs, outputs, assumptions.
    pub interface: Interface,
    /// The condition on the inputs as text, where there is one.
    pub precondition: Option<String>,
    /// The claim that what is searched for is what is meant, where that needs a proof.
    pub claim: Option<(TermPool, Query)>,
    /// Cost of the code to be improved in the search's units; none for a specification.
    pub before: Option<u64>,
    /// The code to be improved as it can be timed: straight-line code.
    pub timed: Option<Vec<Instruction>>,
    /// Whether the code begins with `endbr64`, which a replacement keeps.
    pub endbr: bool,
}

/// Why a target cannot be searched for.
#[derive(Debug)]
pub enum GoalError {
    /// There is no kernel of this name.
    NoKernel(String),
    /// `march` names nothing.
    March(String),
    /// The file, or an instruction of it.
    Input(InputError),
    /// A kernel's text.
    Text(kernels::sources::SourceError),
    /// `live_out` or a precondition.
    Condition(String),
    /// Its accesses to memory cannot be searched.
    Memory {
        /// The target.
        name: String,
        /// What about them.
        why: MemoryError,
    },
    /// The engines do not cover it.
    Uncovered {
        /// The target.
        name: String,
        /// What about it.
        why: &'static str,
    },
}

impl GoalError {
    /// Exit code of commands that end in this.
    pub fn exit_code(&self) -> u8 {
        use crate::report::verdict::{VerdictKind, exit};
        match self {
            GoalError::NoKernel(_) | GoalError::March(_) | GoalError::Condition(_) => exit::CONFIG,
            GoalError::Input(e) => e.exit_code(),
            GoalError::Text(_) => exit::INPUT,
            GoalError::Uncovered { .. } | GoalError::Memory { .. } => {
                VerdictKind::Unsupported.exit_code()
            }
        }
    }
}

impl std::fmt::Display for GoalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GoalError::NoKernel(n) => write!(f, "there is no kernel {n}"),
            GoalError::March(m) => write!(f, "march: {m} is not known"),
            GoalError::Input(e) => e.fmt(f),
            GoalError::Text(e) => e.fmt(f),
            GoalError::Condition(what) => f.write_str(what),
            GoalError::Memory { name, why } => write!(f, "{name}: {why}"),
            GoalError::Uncovered { name, why } => write!(f, "{name}: {why}"),
        }
    }
}

impl std::error::Error for GoalError {}

impl From<InputError> for GoalError {
    fn from(e: InputError) -> GoalError {
        GoalError::Input(e)
    }
}

/// Names of all kernels that a configuration may name.
pub fn kernel_names() -> Vec<&'static str> {
    let all = kernels::HACKERS_DELIGHT.iter().map(|k| k.name);
    all.chain(TEXTS.iter().map(|t| t.0)).collect()
}

/// A kernel that is a C text only: name, text, function, results when none are named, and what its C types promise (the
/// `restrict` of a pointer) as preconditions.
type TextKernel = (
    &'static str,
    kernels::sources::Text,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// Kernels whose code is what the system's compiler makes of a C text.
const TEXTS: [TextKernel; 5] = [
    (
        "montgomery",
        kernels::sources::MONTGOMERY,
        "montgomery_parts",
        &["rax", "rdx"],
        &[],
    ),
    (
        "montgomery-wide",
        kernels::sources::MONTGOMERY,
        "montgomery_wide",
        &["rax", "rdx"],
        &[],
    ),
    (
        "saxpy",
        kernels::sources::SAXPY,
        "saxpy",
        &["none"],
        &["disjoint(rdi, 16, rsi, 16)"],
    ),
    ("sort3", kernels::sources::SORT3, "sort3", &["none"], &[]),
    ("sort4", kernels::sources::SORT4, "sort4", &["none"], &[]),
];

/// Reads a function of a Lua file as a specification; this crate knows no Lua.
pub type LuaReader<'a> =
    &'a (dyn Fn(&Path, Option<&str>) -> Result<Box<dyn Behaviour>, InputError> + Sync);

/// A kernel's width.
fn width(t: &config::Target) -> u32 {
    t.width.unwrap_or(config::WIDTH)
}

/// The goal that a target of the configuration is.
///
/// # Errors
/// See [`GoalError`].
pub fn goal(
    t: &config::Target,
    kind: Kind,
    march: &str,
    lua: LuaReader<'_>,
) -> Result<Goal, GoalError> {
    let level = March::parse(march).ok_or_else(|| GoalError::March(march.into()))?;
    match &t.source {
        Source::Kernel { kernel } => {
            if let Some(k) = kernels::find(kernel) {
                if !t.live_out.is_empty() || !t.preconditions.is_empty() {
                    return Err(GoalError::Condition(format!(
                        "{kernel}: a kernel of Hacker's Delight has its own result and preconditions; take out live_out and preconditions"
                    )));
                }
                return Ok(of_kernel(k, t, level, march));
            }
            let text = TEXTS.iter().find(|x| x.0 == kernel);
            let Some((_, text, function, live_out, pre)) = text else {
                return Err(GoalError::NoKernel(kernel.clone()));
            };
            if kind != Kind::Opt
                && let Some(goal) = in_registers(kernel, t, level, march)
            {
                return Ok(goal);
            }
            let cc = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
            let unit = kernels::sources::compile(&cc, text, width(t), &["-O0"])
                .map_err(GoalError::Text)?;
            let f = kernels::sources::function(&unit, function).map_err(GoalError::Text)?;
            let mut t = t.clone();
            if t.live_out.is_empty() {
                t.live_out = live_out.iter().map(|r| r.to_string()).collect();
            }
            t.preconditions.extend(pre.iter().map(|p| p.to_string()));
            of_function(&f, &t, level, march)
        }
        Source::Assembly {
            asm: file,
            function,
        }
        | Source::Object {
            object: file,
            function,
        } => {
            let unit = Unit::read(file)?;
            let f = unit.function(function.as_deref())?;
            of_function(f, t, level, march)
        }
        Source::Ir { ir, function } => {
            let f = IrRegion::read(ir, function.as_deref())?;
            of_specification(&f, t, level, march)
        }
        Source::Lua {
            lua: file,
            function,
        } => {
            let f = lua(file, function.as_deref())?;
            of_specification(f.as_ref(), t, level, march)
        }
    }
}

/// Kernels with a C text as formulas over registers: there is no code to start from when they are synthesised. Sorting is
/// proven to sort; of the others the formula is the specification.
fn in_registers(kernel: &str, t: &config::Target, level: March, march: &str) -> Option<Goal> {
    let sort = |n| {
        let title = format!("{n} signed words sorted in registers");
        let claim = Some(wide::sort_claim(n, width(t)));
        of_target(wide::sort(n, width(t), level), &title, claim, march)
    };
    let formula = |target, title| of_target(target, title, None, march);
    Some(match kernel {
        "sort3" => sort(3),
        "sort4" => sort(4),
        "montgomery" | "montgomery-wide" => formula(
            wide::montgomery(level),
            "the step of Montgomery multiplication, in the registers of STOKE's benchmark",
        ),
        "saxpy" => formula(
            arrays::saxpy(level),
            "a x + y on four 32-bit integers in vector registers",
        ),
        _ => return None,
    })
}

fn of_kernel(k: &Kernel, t: &config::Target, level: March, march: &str) -> Goal {
    of_target(
        k.target(width(t), level),
        k.title,
        Some(k.claim(width(t))),
        march,
    )
}

/// A target that is a formula, with the claim that the formula meets a specification written another way.
fn of_target(target: Target, title: &str, claim: Option<kernels::Claim>, march: &str) -> Goal {
    let claim = claim.map(|mut c| {
        let yes = c.pool.bit(true);
        let mut q = Query::words(vec![Pair::new("specification", c.conclusion, yes)]);
        if c.pool.as_constant(&c.premise) != Some(1) {
            q.precondition.push(c.premise);
        }
        (c.pool, q)
    });
    let lines = readable(&target.pool, &target.output_terms, &target, "");
    Goal {
        name: target.name.clone(),
        specification: title.into(),
        left: specification(&target.name, &lines),
        interface: interface(&target, march),
        precondition: condition_text(&target),
        claim,
        before: None,
        timed: None,
        endbr: false,
        target,
    }
}

/// The condition as text; none when it always holds.
fn condition_text(t: &Target) -> Option<String> {
    match t.pool.node(t.precondition) {
        Node::Const(1) => None,
        _ => Some(readable(&t.pool, &[t.precondition], t, "").join("; ")),
    }
}

/// Outputs (or one condition) as text: shared terms first, then the terms themselves.
fn readable(pool: &TermPool, roots: &[TermId], t: &Target, prefix: &str) -> Vec<String> {
    let text = Text::new(pool, roots);
    let mut lines: Vec<String> = text.named.iter().map(|l| format!("{prefix}{l}")).collect();
    for (n, r) in roots.iter().enumerate() {
        let named = t
            .outputs
            .get(n)
            .filter(|_| t.output_terms.get(n) == Some(r));
        lines.push(match named {
            Some(p) => format!("{prefix}{} = {}", port_name(p.at, p.width), text.of(*r)),
            None => format!("{prefix}{}", text.of(*r)),
        });
    }
    lines
}

/// A specification as reports show it beside code.
fn specification(name: &str, lines: &[String]) -> Program {
    let text = lines.join("\n");
    let line = |l: &String| crate::report::parts::Line {
        address: 0,
        bytes: String::new(),
        text: l.clone(),
        source_line: None,
    };
    Program {
        name: name.into(),
        origin: Some("specification".into()),
        lines: lines.iter().map(line).collect(),
        sha256: store::sha256::sha256(text.as_bytes()).to_string(),
        cost: None,
    }
}

/// `eax` for 32 bits of place 0.
pub fn port_name(at: loc::Loc, width: u32) -> String {
    match (at, width) {
        (0..16, 8 | 16 | 32 | 64) => {
            format!("{:?}", loc::gpr_register(at, width as usize / 8)).to_lowercase()
        }
        (0..16, w) => format!("{}:{w}", loc::name(at)),
        _ => loc::name(at),
    }
}

fn interface(t: &Target, march: &str) -> Interface {
    let name = |p: &crate::search::target::Port| port_name(p.at, p.width);
    Interface {
        live_in: t.inputs.iter().map(name).collect(),
        live_out: t.outputs.iter().map(name).collect(),
        memory: match &t.memory {
            None => vec!["not touched".into()],
            Some(m) => m.describe(),
        },
        flags: vec!["dead at the end; undefined results are arbitrary".into()],
        other: vec!["only registers that a System V function may overwrite are overwritten".into()],
        march: march.into(),
    }
}

fn of_function(
    f: &Function,
    t: &config::Target,
    level: March,
    march: &str,
) -> Result<Goal, GoalError> {
    let mut setup = Setup::new(1);
    let terms = setup.function(f)?;
    let mut target = meant((&f.name, Some(f)), setup, terms, None, t, level)?;
    let code: Vec<Instruction> = f.code.iter().map(|i| i.instruction).collect();
    let endbr = code
        .first()
        .is_some_and(|i| i.mnemonic() == Mnemonic::Endbr64);
    let body = &code[usize::from(endbr)..];
    let body = match body.split_last() {
        Some((last, rest)) if last.flow_control() == FlowControl::Return => rest,
        _ => body,
    };
    let plain = |i: &Instruction| {
        i.flow_control() == FlowControl::Next
            && !i.is_stack_instruction()
            && i.memory_base() == iced_x86::Register::None
    };
    // Code with memory is not timed: it would need the memory.
    let straight = target.memory.is_none() && body.iter().all(plain);
    target.baseline = match &target.memory {
        None => straight.then(|| body.to_vec()),
        Some(m) => memory::baseline(&m.cells, body),
    };
    Ok(Goal {
        name: f.name.clone(),
        specification: format!("what {} of {} does", f.name, f.file.display()),
        left: listing(f, body),
        interface: interface(&target, march),
        precondition: (!t.preconditions.is_empty()).then(|| t.preconditions.join(" && ")),
        claim: None,
        before: Some(target.cost(body)),
        timed: straight.then(|| body.to_vec()),
        endbr,
        target,
    })
}

/// A specification that is no machine code: nothing to start from, nothing to be timed.
fn of_specification(
    b: &dyn Behaviour,
    t: &config::Target,
    level: March,
    march: &str,
) -> Result<Goal, GoalError> {
    let mut setup = Setup::new(1);
    let terms = b.terms(&mut setup)?;
    let target = meant((b.name(), None), setup, terms, b.results(), t, level)?;
    let left = b.listing();
    Ok(Goal {
        name: b.name().to_owned(),
        specification: format!(
            "what {} of {} does",
            b.name(),
            left.origin.as_deref().unwrap_or("the specification")
        ),
        left,
        interface: interface(&target, march),
        precondition: (!t.preconditions.is_empty()).then(|| t.preconditions.join(" && ")),
        claim: None,
        before: None,
        timed: None,
        endbr: false,
        target,
    })
}

/// What a function means as a target: its results over its inputs. `results` are those it is known to have, where the
/// configuration names none.
fn meant(
    (name, f): (&str, Option<&Function>),
    mut setup: Setup,
    terms: ProgramTerms,
    results: Option<Vec<liveout::Result>>,
    t: &config::Target,
    level: March,
) -> Result<Target, GoalError> {
    let uncovered = |why| GoalError::Uncovered {
        name: name.to_owned(),
        why,
    };
    if !terms.complete {
        return Err(uncovered(
            "it has a loop; trinityc opt improves regions inside loops",
        ));
    }
    if let (Some(n), Some(f)) = (terms.conditional, f) {
        return Err(f.refuse(n, Refusal::SomePaths).into());
    }
    if PlaceSet::CALLEE_SAVED
        .iter()
        .any(|p| terms.exit.at(p) != setup.initial.at(p))
    {
        return Err(uncovered(
            "it does not preserve the registers that a function has to preserve",
        ));
    }
    let results = match results {
        Some(known) if t.live_out.is_empty() => known,
        _ => {
            let live_out = match t.live_out.is_empty() {
                true => "rax".to_owned(),
                false => t.live_out.join(","),
            };
            liveout::parse(&live_out).map_err(|e| GoalError::Condition(format!("live_out: {e}")))?
        }
    };
    let places: Vec<LiveOut> = results.iter().flat_map(|r| r.parts.clone()).collect();
    let mut precondition = setup.pool.bit(true);
    let state = setup.initial.clone();
    for text in &t.preconditions {
        let (bit, _) = precondition::parse(&mut setup.pool, &state, text)
            .map_err(|e| GoalError::Condition(format!("precondition {text:?}: {e}")))?;
        precondition = setup.pool.and(&precondition, &bit);
    }
    let mut outputs = Vec::new();
    for p in &places {
        let whole = terms.exit.at(p.place);
        outputs.push((p.place, p.width, setup.pool.trunc(&whole, p.width)));
    }
    let outer = Surroundings {
        name,
        scratch: PlaceSet::CALLER_SAVED,
        march: level,
        code: &[],
    };
    let made = target_terms(setup, &terms, outputs, precondition, outer).map_err(uncovered)?;
    target_of_function(made).map_err(|why| match place_of(&why, f, &terms.access_at) {
        Some(e) => GoalError::Input(e),
        None => GoalError::Memory {
            name: name.to_owned(),
            why,
        },
    })
}

/// The function as reports show it, its cost that of its body, told as that of what is found: without the return, and
/// by the longest chain of what is computed.
fn listing(f: &Function, body: &[Instruction]) -> Program {
    let model = cost::model();
    let computing: Vec<Instruction> = body
        .iter()
        .filter(|i| i.flow_control() == FlowControl::Next)
        .copied()
        .collect();
    let of_body = super::listing::program(&f.name, "", body, model);
    let mut p = crate::input::compare::Behaviour::listing(f);
    p.cost = of_body.cost.map(|mut c| {
        c.latency_cycles = f64::from(cost::longest_chain(&computing, &model.table));
        c
    });
    p
}

impl Goal {
    /// The question that the store keeps the answer to.
    pub fn question(&self, kind: config::Kind) -> store::Query {
        let t = &self.target;
        let mut roots = t.output_terms.clone();
        roots.push(t.fault);
        store::Query {
            goal: if kind == config::Kind::Opt {
                "opt"
            } else {
                "synth"
            }
            .into(),
            target: readable(&t.pool, &roots, t, "").join("\n"),
            live_in: self.interface.live_in.clone(),
            live_out: self.interface.live_out.clone(),
            preconditions: condition_text(t).into_iter().collect(),
            march: self.interface.march.clone(),
        }
    }

    /// A function with this code, as gcc assembles it; `run` names the run that found it.
    pub fn assembly(&self, run: &str, code: &[Instruction]) -> String {
        let name = self
            .name
            .replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_");
        let mut s = format!(
            "# {}: {}\n# found by {} in the run {run}, proven\n\t.text\n\t.globl\t{name}\n\t.type\t{name}, @function\n{name}:\n\t.cfi_startproc\n",
            self.name,
            self.specification,
            crate::report::tool_version(),
        );
        if self.endbr {
            s.push_str("\tendbr64\n");
        }
        for i in code {
            s.push_str(&format!("\t{}\n", super::listing::gas(i)));
        }
        s.push_str(&format!(
            "\tret\n\t.cfi_endproc\n\t.size\t{name}, .-{name}\n"
        ));
        s.push_str("\t.section\t.note.GNU-stack,\"\",@progbits\n");
        s
    }
}
