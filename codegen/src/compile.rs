//! The pipeline from SSA to bytes, and what comes out of it.

use crate::emit::emit;
use crate::ir::{Function, SrcLoc, SymbolRef, verify};
use crate::mach::machine_env;
use crate::opt::region::RegionPass;
use crate::opt::{self, OptOptions, OptStats, Stay};
use crate::select::{SelectOptions, select};
use crate::window::{self, WindowOptions, WindowReport};
use crate::x86::asm::assemble;
use regalloc2 as ra;
use std::fmt;
use std::sync::Arc;

/// Register allocation algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// `Ion` up to [`ION_LIMIT`] machine instructions, `Fast` above.
    #[default]
    Auto,
    /// Backtracking: good code, but its time grows faster than the function.
    Ion,
    /// One pass: fast, for huge functions.
    Fast,
}

/// The largest function, in machine instructions, that `Algorithm::Auto` gives to the backtracking allocator. Around this
/// size it falls from about a million instructions a second to half of that; at six times the size, to a seventh.
pub const ION_LIMIT: usize = 100_000;

/// How to compile.
#[derive(Clone, Debug)]
pub struct Options {
    /// Register allocation algorithm.
    pub algorithm: Algorithm,
    /// Run the IR verifier first.
    pub verify: bool,
    /// Run the independent checker over the register allocation.
    pub check_allocation: bool,
    /// Optimise the IR first: with which passes. The function compiled is then a renumbered one.
    pub opt: Option<OptOptions>,
    /// A pass from outside over the pure parts of blocks, among those of `opt`.
    pub regions: Option<Arc<dyn RegionPass>>,
    /// What instruction selection may do.
    pub select: SelectOptions,
    /// Say what stayed in loops ([`CompiledFunction::stays`]).
    pub explain: bool,
    /// Give back what the code was made from ([`CompiledFunction::kept`]).
    pub keep_ir: bool,
    /// What to do about proven windows.
    pub windows: WindowOptions,
    /// Functions with more values than this are refused ([`CompileError::TooLarge`]): compile time and memory grow with them.
    pub max_values: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            algorithm: Algorithm::Auto,
            verify: cfg!(debug_assertions),
            check_allocation: false,
            opt: None,
            regions: None,
            select: SelectOptions::default(),
            explain: false,
            keep_ir: false,
            windows: WindowOptions::default(),
            max_values: ra::VReg::MAX,
        }
    }
}

/// Relocation kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelocKind {
    /// 32 bits, `S + A - P` (R_X86_64_PC32).
    Pc32,
    /// 32 bits, a call or jump that may go through the PLT (R_X86_64_PLT32).
    Plt32,
    /// 64 bits, `S + A` (R_X86_64_64).
    Abs64,
}

/// A place in the code that the linker fills in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reloc {
    /// Offset of the field in the code.
    pub offset: u32,
    /// Kind.
    pub kind: RelocKind,
    /// Symbol.
    pub symbol: SymbolRef,
    /// Addend, as in ELF: includes the -4 of instruction-relative fields.
    pub addend: i64,
}

/// A jump table in the data behind the code: 32-bit entries relative to the table's start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JumpTable {
    /// Offset of the table.
    pub offset: u32,
    /// Offsets of the targets.
    pub targets: Vec<u32>,
}

/// Where a value named at a safe point is ([`crate::ir::CallData::live`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// So many bytes above rsp, as it is outside the call.
    Stack(u32),
    /// It is this constant (doubles: their bits).
    Const(i64),
    /// The allocator broke its promise; refused by [`Compiler::compile`].
    Lost,
}

/// What machine code was made from: for whoever compares the two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The function as instruction selection took it, optimised.
    pub func: Function,
    /// Bytes of the frame that are the register allocator's; explicit slots lie above them.
    pub spill_bytes: u32,
}

/// Machine code. Must be placed at an address that is a multiple of 16.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CompiledFunction {
    /// Name, for people.
    pub name: String,
    /// Instructions, then constants and jump tables.
    pub code: Vec<u8>,
    /// Size of the instructions; data follows, at the next multiple of 16.
    pub text_len: u32,
    /// Bytes between rsp after the prologue and the return address.
    pub frame_size: u32,
    /// Relocations, by offset.
    pub relocs: Vec<Reloc>,
    /// Return addresses of calls with a safepoint id, by offset.
    pub safepoints: Vec<(u32, u32)>,
    /// By safepoint id: where the values named there are while the call runs.
    pub live: Vec<(u32, Vec<Place>)>,
    /// Source locations: each holds from its offset to the next entry's.
    pub srclocs: Vec<(u32, SrcLoc)>,
    /// Offset of each IR block, the entry behind the prologue; `u32::MAX` for unreachable ones. Of the optimised
    /// function's blocks if it was optimised.
    pub block_offsets: Vec<u32>,
    /// Jump tables.
    pub jump_tables: Vec<JumpTable>,
    /// What optimisation did.
    pub opt_stats: OptStats,
    /// What stayed in innermost loops, if the function was optimised and that was asked for.
    pub stays: Vec<Stay>,
    /// What it was made from, if that was asked for ([`Options::keep_ir`]).
    pub kept: Option<Box<Kept>>,
    /// Which windows were replaced, and what there is to search.
    pub windows: WindowReport,
}

/// Why a function could not be compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CompileError {
    /// The IR breaks a rule: the caller's bug.
    Verify(String),
    /// The register allocator gave up or its result failed the check: our bug.
    RegAlloc(String),
    /// The table has no encoding for an instruction that selection made: our bug.
    Encoding(String),
    /// Something does not fit an encoding: a limit.
    TooLarge(String),
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompileError::Verify(s) => write!(f, "invalid IR: {s}"),
            CompileError::RegAlloc(s) => write!(f, "register allocation failed: {s}"),
            CompileError::Encoding(s) => write!(f, "no encoding for {s}"),
            CompileError::TooLarge(s) => write!(f, "function too large: {s}"),
        }
    }
}

impl std::error::Error for CompileError {}

/// Compiles functions one after another, reusing its buffers.
pub struct Compiler {
    options: Options,
    env: ra::MachineEnv,
    ctx: ra::Ctx,
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Compiler {
    /// A compiler with these options.
    pub fn new(options: Options) -> Compiler {
        Compiler {
            options,
            env: machine_env(),
            ctx: ra::Ctx::default(),
        }
    }

    /// Compiles one function. Same function and options, same bytes.
    pub fn compile(&mut self, func: &Function) -> Result<CompiledFunction, CompileError> {
        if self.options.verify {
            verify(func).map_err(|e| CompileError::Verify(e.to_string()))?;
        }
        let limit = self.options.max_values;
        if func.values.len() > limit {
            return Err(CompileError::TooLarge(format!("more than {limit} values")));
        }
        let (mut opt_stats, mut stays) = (OptStats::default(), Vec::new());
        let divide = || {
            opt::divide::present(func).then(|| {
                let mut copy = func.clone();
                opt::divide::run(&mut copy, &mut OptStats::default());
                copy
            })
        };
        let optimised = self.options.opt.map_or_else(divide, |options| {
            let mut copy = func.clone();
            let regions = self.options.regions.as_deref();
            match self.options.explain {
                true => (opt_stats, stays) = opt::explain(&mut copy, &options, regions),
                false => opt_stats = opt::run(&mut copy, &options, regions),
            }
            Some(copy)
        });
        let func = optimised.as_ref().unwrap_or(func);
        let selected = select(func, &self.options.select)?;
        let options = ra::RegallocOptions {
            verbose_log: false,
            validate_ssa: self.options.check_allocation,
            algorithm: match self.options.algorithm {
                Algorithm::Auto if selected.func.insts.len() <= ION_LIMIT => ra::Algorithm::Ion,
                Algorithm::Auto => ra::Algorithm::Fastalloc,
                Algorithm::Ion => ra::Algorithm::Ion,
                Algorithm::Fast => ra::Algorithm::Fastalloc,
            },
        };
        let out = ra::run_with_ctx(&selected.func, &self.env, &options, &mut self.ctx)
            .map_err(|e| CompileError::RegAlloc(e.to_string()))?;
        if self.options.check_allocation {
            let mut checker = ra::checker::Checker::new(&selected.func, &self.env);
            checker.prepare(out);
            checker
                .run()
                .map_err(|e| CompileError::RegAlloc(format!("{e:?}")))?;
        }
        let mut emitted = emit(&selected, out, &self.options.select)?;
        if emitted.live.iter().any(|l| l.1.contains(&Place::Lost)) {
            return Err(CompileError::RegAlloc(
                "a value is not in the frame during a call".into(),
            ));
        }
        let mut windows = WindowReport::default();
        if self.options.windows.any() {
            let march = self.options.select.march;
            windows = window::windows(
                &mut emitted.program,
                &self.options.windows,
                march,
                &func.name,
            );
            window::weigh(&mut windows, func, &selected.block_at, &emitted.label_of);
        }
        let asm = assemble(&emitted.program)?;
        let block_offsets =
            selected
                .block_at
                .iter()
                .map(|&m| match emitted.label_of.get(m as usize) {
                    Some(label) => asm.labels[label.0 as usize],
                    None => u32::MAX,
                });
        let kept = self.options.keep_ir.then(|| {
            Box::new(Kept {
                func: func.clone(),
                spill_bytes: emitted.spill_bytes,
            })
        });
        Ok(CompiledFunction {
            name: func.name.clone(),
            frame_size: emitted.frame_size,
            block_offsets: block_offsets.collect(),
            code: asm.code,
            text_len: asm.text_len,
            relocs: asm.relocs,
            safepoints: asm.safepoints,
            live: emitted.live,
            srclocs: asm.srclocs,
            jump_tables: asm.jump_tables,
            opt_stats,
            stays,
            kept,
            windows,
        })
    }
}

/// Compiles one function. Same function and options, same bytes.
pub fn compile(func: &Function, options: &Options) -> Result<CompiledFunction, CompileError> {
    Compiler::new(options.clone()).compile(func)
}
