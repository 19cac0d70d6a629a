//! Bytecode to SSA, with guards and exits.
//!
//! The baseline (`-O0`): every Lua register is written through to its home slot, so any point can be left for the interpreter; loads are
//! avoided where a block already holds the value, and tag checks where the type is known ([`types`]). Fast paths for integers, floats,
//! tables and calls are inline; everything else is the `step`/`test` helper, which executes the instruction generically.
//!
//! One function a file family: [`func`] (state, blocks, exits), `arith`, `compare`, `table`, `call`, `loops`, `simple`.
//! A function can be two pieces of code in one symbol: [`join`]; one that direct callers count on has a body even when it cannot be compiled as they
//! think: `forward`.

mod arith;
mod call;
pub mod cfg;
mod compare;
mod division;
mod forward;
pub mod func;
mod hints;
mod join;
mod loops;
pub mod opt;
pub mod passes;
pub mod remark;
mod simple;
mod table;
mod typed;
pub mod types;

pub use forward::without_code;
pub use join::join;
pub use typed::{compile_typed, module};

use std::fmt;
use std::sync::Arc;
use trinity_abi::helpers::{ALL_HELPERS, Helper, leaf, stub};
use trinity_abi::intrinsic::{self, Intrinsic};
use trinity_abi::unit::{InlineFrame, SafePoint};
use trinity_codegen::ir::SymbolRef;
use trinity_codegen::isa::March;
use trinity_codegen::opt::region::RegionPass;
use trinity_codegen::window::{WindowOptions, WindowReport};
use trinity_codegen::{Algorithm, CompileError, CompiledFunction, Compiler, Reloc};
use trinity_frontend::bytecode::Proto;
use trinity_profile::{FuncProfile, Profile};

/// What a [`SymbolRef`] in the output means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Symbol {
    /// A helper thunk.
    Helper(Helper),
    /// The thunk of a helper that saves registers.
    Saving(Helper),
    /// A stub or leaf function of `trinity_abi::helpers`, by name.
    Stub(&'static str),
    /// The direct form of a library function.
    Direct(Intrinsic),
    /// Generic entry of function number `n` (preorder) of the module itself.
    Func(u32),
    /// Body of function or version `n`: arguments in registers, see [`join`]. Only compiled functions have one.
    Body(u32),
}

const STUBS: [&str; 24] = [
    stub::EXIT,
    stub::GUARD,
    stub::MORE_STACK,
    stub::INTERP,
    leaf::POW,
    leaf::GET,
    leaf::GUARD,
    leaf::SHAPE,
    leaf::CONCAT,
    leaf::STORE,
    leaf::ITERATE,
    leaf::NEXT,
    leaf::ORDER,
    leaf::INT,
    leaf::BARRIER,
    leaf::PUT,
    leaf::KEY,
    leaf::GET_AT,
    leaf::PUT_AT,
    leaf::MAKE,
    leaf::FIND,
    leaf::FUNCTION,
    leaf::METHOD,
    leaf::ABSENT,
];

/// Numbers of symbols begin: those of stubs, of direct forms, of functions.
const STUB_0: u32 = 2 * ALL_HELPERS.len() as u32;
const DIRECT_0: u32 = STUB_0 + STUBS.len() as u32;
const FUNC_0: u32 = DIRECT_0 + intrinsic::ALL.len() as u32;

impl Symbol {
    /// The number used in the IR.
    pub fn to_ref(self) -> SymbolRef {
        SymbolRef(match self {
            Symbol::Helper(h) => 2 * h as u32,
            Symbol::Saving(h) => 2 * h as u32 + 1,
            Symbol::Stub(s) => STUB_0 + STUBS.iter().position(|x| *x == s).map_or(0, |i| i as u32),
            // Number 0 is no function.
            Symbol::Direct(i) => DIRECT_0 + (i as u32).saturating_sub(1),
            Symbol::Func(n) => FUNC_0 + 2 * n,
            Symbol::Body(n) => FUNC_0 + 2 * n + 1,
        })
    }
    /// The meaning of a number.
    pub fn from_ref(r: SymbolRef) -> Symbol {
        let i = r.index() as u32;
        if i < STUB_0 {
            let h = ALL_HELPERS[i as usize / 2];
            if i.is_multiple_of(2) {
                Symbol::Helper(h)
            } else {
                Symbol::Saving(h)
            }
        } else if i < DIRECT_0 {
            Symbol::Stub(STUBS[(i - STUB_0) as usize])
        } else if i < FUNC_0 {
            Symbol::Direct(intrinsic::ALL[(i - DIRECT_0) as usize].0)
        } else {
            let n = (i - FUNC_0) / 2;
            if (i - FUNC_0).is_multiple_of(2) {
                Symbol::Func(n)
            } else {
                Symbol::Body(n)
            }
        }
    }
}

/// How to compile.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keep the printed IR of every function.
    pub keep_ir: bool,
    /// Check the IR and the register allocation.
    pub verify: bool,
    /// 0: the baseline; 1: the typed lowering; 2 and 3: and the optimizer of the IR.
    pub opt_level: u8,
    /// What training runs saw of the program, already matched to this version of it.
    pub profile: Option<Arc<Profile>>,
    /// Module the function is in, as `require` takes it; empty for the main program. By it the profile is searched.
    pub module: String,
    /// Every guard asks `trinity_l_guard` whether to fail although it holds.
    pub stress_guards: bool,
    /// Which optimizations are on.
    pub passes: passes::Passes,
    /// What the processor has; nothing beyond it is used.
    pub march: March,
    /// Give back what the code was made from ([`CompiledFunc::kept`]).
    pub keep_code: bool,
    /// Collect remarks.
    pub explain: bool,
    /// Values of IR from which on a function is left to the baseline; `None`: what is reasonable.
    pub max_values: Option<usize>,
    /// With the optimizer of the IR: a pass over what blocks compute purely.
    pub regions: Option<Arc<dyn RegionPass>>,
    /// What to do about proven windows of optimised functions.
    pub windows: WindowOptions,
}

impl Options {
    /// What training runs saw of function `index` of the module.
    pub fn func_profile(&self, index: u32, p: &Proto) -> Option<&FuncProfile> {
        self.profile.as_deref()?.lookup(&self.module, index, p)
    }
}

/// Machine code of one function.
#[derive(Clone, Debug)]
pub struct CompiledFunc {
    /// Readable name: where it was defined.
    pub name: String,
    /// Instructions and constants; must be placed at a multiple of 16.
    pub code: Vec<u8>,
    /// Size of the instructions.
    pub text_len: u32,
    /// Relocations; symbols by [`Symbol::from_ref`].
    pub relocs: Vec<Reloc>,
    /// Safe points by return address.
    pub safepoints: Vec<SafePoint>,
    /// (offset, line) pairs.
    pub srclocs: Vec<(u32, u32)>,
    /// Bytes between rsp in the body and the return address.
    pub frame_size: u32,
    /// Offset of the body in the code; 0: the entry is all there is.
    pub body_offset: u32,
    /// Inlined calls, as safe points and guards number them.
    pub inlines: Vec<InlineFrame>,
    /// Lists of values on the native stack, as safe points name them (`trinity_abi::live`).
    pub live: Vec<u8>,
    /// What the code relies on: bits of `FuncDesc::flags` (`trinity_abi::unit::flag`).
    pub flags: u32,
    /// The printed IR, when asked for.
    pub ir: Option<String>,
    /// When asked for: what the code consists of, with the IR that each was made from, and where it is in the code.
    pub kept: Vec<(u32, Box<CompiledFunction>)>,
    /// What was decided, when asked for.
    pub remarks: Vec<remark::Remark>,
    /// Which windows were replaced, and what there is to search. Locations are lines.
    pub windows: WindowReport,
}

/// Machine code of a module: functions in preorder.
#[derive(Clone, Debug)]
pub struct CompiledModule {
    /// The functions, then versions of them.
    pub funcs: Vec<CompiledFunc>,
}

/// A function that could not be compiled.
#[derive(Debug)]
pub struct LowerError {
    /// Which one.
    pub function: String,
    /// Why.
    pub error: CompileError,
}

impl fmt::Display for LowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.function, self.error)
    }
}

impl std::error::Error for LowerError {}

/// Bytecode instructions from which on the one-pass register allocator is used.
const FAST_ALLOCATION_FROM: usize = 6000;

/// Prototypes of a module in preorder: the numbering of its functions everywhere.
pub fn preorder(main: &Proto) -> Vec<&Proto> {
    let mut out = Vec::new();
    let mut stack = vec![main];
    while let Some(p) = stack.pop() {
        out.push(p);
        stack.extend(p.protos.iter().rev());
    }
    out
}

/// A readable name for a function of the module `chunk`.
pub fn func_name(p: &Proto) -> String {
    let source = p
        .source
        .as_deref()
        .map_or("?".into(), String::from_utf8_lossy);
    name_at(source.trim_start_matches(['@', '=']), p.line_defined)
}

/// [`func_name`] of a function that is defined at a line of a file; 0 for the main chunk.
pub fn name_at(file: &str, line: u32) -> String {
    match line {
        0 => format!("{file}:main"),
        n => format!("{file}:{n}"),
    }
}

/// Compiles one function: number `index` of its module.
pub fn compile_function(p: &Proto, index: u32, opts: &Options) -> Result<CompiledFunc, LowerError> {
    let name = func_name(p);
    let lowered = func::lower(p, &name, index);
    let options = trinity_codegen::Options {
        algorithm: if p.code.len() >= FAST_ALLOCATION_FROM {
            Algorithm::Fast
        } else {
            Algorithm::Ion
        },
        verify: opts.verify,
        check_allocation: opts.verify,
        select: opts.passes.select_options(opts.march),
        keep_ir: opts.keep_code,
        ..Default::default()
    };
    let out = Compiler::new(options)
        .compile(&lowered.func)
        .map_err(|error| LowerError {
            function: name.clone(),
            error,
        })?;
    let safepoints = out
        .safepoints
        .iter()
        .map(|&(ret_offset, id)| SafePoint {
            ret_offset,
            ..lowered.safepoints[id as usize]
        })
        .collect();
    Ok(CompiledFunc {
        name,
        kept: kept(0, &out),
        code: out.code,
        text_len: out.text_len,
        relocs: out.relocs,
        safepoints,
        srclocs: out.srclocs.iter().map(|&(o, l)| (o, l.0)).collect(),
        frame_size: out.frame_size,
        body_offset: 0,
        inlines: Vec::new(),
        live: Vec::new(),
        flags: 0,
        ir: opts.keep_ir.then(|| lowered.func.to_string()),
        remarks: Vec::new(),
        windows: WindowReport::default(),
    })
}

/// Code with what it was made from, if that was asked for.
fn kept(at: u32, code: &CompiledFunction) -> Vec<(u32, Box<CompiledFunction>)> {
    let asked = code.kept.is_some();
    asked
        .then(|| (at, Box::new(code.clone())))
        .into_iter()
        .collect()
}

/// Compiles a module, its functions in preorder.
pub fn compile_module(main: &Proto, opts: &Options) -> Result<CompiledModule, LowerError> {
    let module = typed::module(main, opts, &|_| false);
    let funcs = (0..module.bodies())
        .map(|i| compile_typed(&module, i, opts))
        .collect::<Result<_, _>>()?;
    Ok(CompiledModule { funcs })
}
