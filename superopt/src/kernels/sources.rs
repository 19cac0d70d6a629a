//! The kernels' C texts (superopt/kernels/), compiled: as terms for proofs, as bytes for timing.
//!
//! A text is compiled by whatever compiler the caller names and read back from the object, so that what is proven and
//! what is timed is what the compiler made, not what the text seems to say.

use super::Kernel;
use super::word::Word;
use crate::input::assemble::feed;
use crate::input::{Function, InputError, Setup, Unit};
use crate::proof::{Claim, Effects, Pair, Query};
use iced_x86::{
    BlockEncoder, BlockEncoderOptions, Code, FlowControl, Instruction, InstructionBlock, Mnemonic,
};
use std::cell::RefCell;
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use trinity_codegen::isa::{Domain, TermId, TermPool};

/// A C text of the repository. Its functions are named as the kernels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text {
    /// For people.
    pub name: &'static str,
    /// The file, from the repository's root.
    pub path: &'static str,
    /// Its contents.
    pub text: &'static str,
}

macro_rules! text {
    ($name:literal, $file:literal) => {
        Text {
            name: $name,
            path: concat!("superopt/kernels/", $file),
            text: include_str!(concat!("../../kernels/", $file)),
        }
    };
}

/// p01 to p25 by shifts, masks and arithmetic.
pub const BIT_HACK: Text = text!("bit hacks", "bithack.c");
/// p01 to p25 by builtins, wide types and conditions.
pub const IDIOMATIC: Text = text!("idiomatic", "idiomatic.c");
/// The step of Montgomery multiplication: `montgomery_wide` and `montgomery_parts`.
pub const MONTGOMERY: Text = text!("Montgomery step", "montgomery.c");
/// `saxpy` on four 32-bit integers.
pub const SAXPY: Text = text!("SAXPY", "saxpy.c");
/// `sort3` in memory.
pub const SORT3: Text = text!("sort3", "sort3.c");
/// `sort4` in memory.
pub const SORT4: Text = text!("sort4", "sort4.c");
/// `list_step`.
pub const LIST: Text = text!("list step", "list.c");

/// Flags without which functions carry instructions that are no part of the kernel.
const PLAIN: [&str; 3] = [
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
];

/// Why a text gave no code.
#[derive(Debug)]
pub enum SourceError {
    /// The compiler could not be run.
    Compiler {
        /// The program.
        program: String,
        /// The system's message.
        why: String,
    },
    /// The compiler refused the text.
    Refused {
        /// The program.
        program: String,
        /// Its messages.
        messages: String,
    },
    /// The object could not be read.
    Input(InputError),
    /// The text has no function of this name.
    NoFunction(String),
    /// The code cannot be copied elsewhere: a call, or an operand relative to its address.
    NotMovable {
        /// The function.
        function: String,
        /// The instruction.
        instruction: String,
    },
    /// The code could not be encoded again.
    Encode(String),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceError::Compiler { program, why } => write!(f, "cannot run {program}: {why}"),
            SourceError::Refused { program, messages } => {
                write!(f, "{program} refuses the text: {messages}")
            }
            SourceError::Input(e) => e.fmt(f),
            SourceError::NoFunction(name) => write!(f, "the text has no function {name}"),
            SourceError::NotMovable {
                function,
                instruction,
            } => {
                write!(f, "{function} cannot be copied: {instruction}")
            }
            SourceError::Encode(why) => write!(f, "cannot encode: {why}"),
        }
    }
}

impl std::error::Error for SourceError {}

impl From<InputError> for SourceError {
    fn from(e: InputError) -> SourceError {
        SourceError::Input(e)
    }
}

/// Compiles a text for a width (`-DW`) with the given flags (`-O3`, `-march=...`).
///
/// # Errors
/// When the compiler is not there or refuses, or its object cannot be read.
pub fn compile(
    compiler: &OsStr,
    text: &Text,
    width: u32,
    flags: &[&str],
) -> Result<Unit, SourceError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let out = std::env::temp_dir().join(format!("trinity-kernel-{}-{n}.o", std::process::id()));
    let unit = run(compiler, text, width, flags, &out).and_then(|()| Ok(Unit::read(&out)?));
    // It may not be there.
    let _ = std::fs::remove_file(&out);
    // The text is where it comes from: reports are the same wherever the object was.
    let mut unit = unit?;
    unit.file = text.path.into();
    for f in unit.functions.iter_mut().flatten() {
        f.file = text.path.into();
    }
    Ok(unit)
}

fn run(
    compiler: &OsStr,
    text: &Text,
    width: u32,
    flags: &[&str],
    out: &Path,
) -> Result<(), SourceError> {
    let program = compiler.to_string_lossy().into_owned();
    let fail = |e: std::io::Error| SourceError::Compiler {
        program: program.clone(),
        why: e.to_string(),
    };
    let mut command = Command::new(compiler);
    command
        .args(["-x", "c", "-std=c11", "-c"])
        .arg(format!("-DW={width}"))
        .args(PLAIN)
        .args(flags)
        .arg("-o")
        .arg(out)
        .arg("-");
    let output = feed(&mut command, text.text).map_err(fail)?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(SourceError::Refused { program, messages });
    }
    Ok(())
}

/// The function of a name.
///
/// # Errors
/// When it is not there or could not be read.
pub fn function(unit: &Unit, name: &str) -> Result<Function, SourceError> {
    for f in &unit.functions {
        match f {
            Ok(f) if f.name == name => return Ok(f.clone()),
            Err((n, e)) if n == name => return Err(SourceError::Input(e.clone())),
            _ => {}
        }
    }
    Err(SourceError::NoFunction(name.to_owned()))
}

/// A function's code as bytes that fall through at their end instead of returning, wherever they are put.
///
/// # Errors
/// When it calls, or refers to its own address.
pub fn body(f: &Function) -> Result<Vec<u8>, SourceError> {
    let returns = |i: &Instruction| i.flow_control() == FlowControl::Return;
    // Nothing of the function is at this address, so that jumps there can only mean the end.
    let end = f.code.last().map_or(0, |i| i.instruction.next_ip()) + 64;
    let mut code: Vec<Instruction> = Vec::new();
    for (n, inst) in f.code.iter().enumerate() {
        let i = inst.instruction;
        let outside = i.is_ip_rel_memory_operand()
            || inst.symbol.is_some()
            || matches!(
                i.flow_control(),
                FlowControl::Call | FlowControl::IndirectCall | FlowControl::IndirectBranch
            );
        if outside {
            let instruction = inst.text();
            return Err(SourceError::NotMovable {
                function: f.name.clone(),
                instruction,
            });
        }
        if !returns(&i) {
            code.push(i);
        } else if n + 1 < f.code.len() {
            let jump = Instruction::with_branch(Code::Jmp_rel32_64, end);
            let mut jump = jump.map_err(|e| SourceError::Encode(e.to_string()))?;
            jump.set_ip(i.ip());
            code.push(jump);
        } else {
            // Jumps to the last return go to the end too.
            for j in &mut code {
                if j.near_branch_target() == i.ip()
                    && j.op0_kind() == iced_x86::OpKind::NearBranch64
                {
                    j.set_near_branch64(end);
                }
            }
        }
    }
    let mut mark = Instruction::with(Code::Nopd);
    mark.set_ip(end);
    code.push(mark);
    let block = InstructionBlock::new(&code, 0);
    let encoded = BlockEncoder::encode(64, block, BlockEncoderOptions::NONE);
    let mut bytes = encoded
        .map_err(|e| SourceError::Encode(e.to_string()))?
        .code_buffer;
    debug_assert_eq!(bytes.last(), Some(&0x90));
    bytes.pop();
    Ok(bytes)
}

/// The instructions of a function without its last return.
pub fn instructions(f: &Function) -> Vec<Instruction> {
    let code = f.code.iter().map(|i| i.instruction);
    code.filter(|i| i.mnemonic() != Mnemonic::Ret).collect()
}

impl Kernel {
    /// The claim that compiled code computes the kernel's formula on the inputs the kernel is meant for, and does not
    /// fault on them.
    ///
    /// # Errors
    /// When the code is not covered by the model.
    pub fn compiled_claim(
        &self,
        f: &Function,
        width: u32,
    ) -> Result<(TermPool, Query), SourceError> {
        let mut setup = Setup::new(0);
        let terms = setup.function(f)?;
        let arguments: Vec<TermId> = [7usize, 6, 2, 1][..self.arguments]
            .iter()
            .map(|r| setup.initial.gpr[*r])
            .collect();
        let pool = RefCell::new(setup.pool);
        let x: Vec<Word> = arguments
            .iter()
            .map(|a| Word::new(&pool, *a).bits(0, width))
            .collect();
        let precondition = [(self.precondition)(&x).term(), (self.domain)(&x).term()];
        let meant = (self.formula)(&x).term();
        let mut pool = pool.into_inner();
        let result = pool.trunc(&terms.exit.gpr[0], width);
        let query = Query {
            claim: Claim::Refinement,
            precondition: precondition
                .into_iter()
                .filter(|p| pool.as_constant(p) != Some(1))
                .collect(),
            outputs: vec![Pair::new("result", meant, result)],
            left: Effects::default(),
            right: Effects {
                faults: terms.faults,
                accesses: terms.accesses,
                memories: Vec::new(),
            },
        };
        Ok((pool, query))
    }
}
