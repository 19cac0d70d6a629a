//! Why an input is not read or not worked on: typed, with the place.

use crate::report::verdict::{Verdict, VerdictKind, exit};
use std::fmt;
use std::path::{Path, PathBuf};
use trinity_codegen::isa::March;
use trinity_codegen::isa::Unsupported;

/// What about a function is not covered. Refusals by name: none of these is worked around silently.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The model has no meaning for the instruction.
    Model(Unsupported),
    /// Bytes that are no instruction.
    Undecodable,
    /// A call.
    Call,
    /// A jump to another function.
    TailCall,
    /// A jump through a register or memory: a jump table, or an address-taken label.
    IndirectJump,
    /// The address of a label of the function is taken.
    LabelAddress(String),
    /// The stack pointer at a return is not what it was at entry.
    UnbalancedStack,
    /// The return address is read or overwritten.
    ReturnAddress,
    /// An address in the function's own frame that is not the stack pointer plus a constant.
    StackIndex,
    /// The address of a local variable is stored in memory outside of the frame.
    StackEscape,
    /// Code from an inline assembly statement.
    InlineAssembly,
    /// A lock prefix: an atomic access.
    Atomic,
    /// A fence, a system call, a trap, or another instruction with effects beyond registers and memory.
    System,
    /// A loop with more than one entry.
    Irreducible,
    /// The end of the function is reached without a return.
    FallsOff,
    /// A reference to a symbol of a kind that is not covered.
    Relocation(String),
    /// The unwind information or the frame would have to change.
    Empty,
    /// Too many instructions along the unrolled paths.
    TooLong,
    /// The direction flag is changed.
    DirectionFlag,
    /// An access to memory on some paths only, which proofs cover and searches do not.
    SomePaths,
    /// An address that is itself loaded or computed by more than a sum, which proofs cover and searches do not.
    Address,
    /// A form that the processor asked for does not have: what has it, if that is known, and what was asked for.
    March(Option<March>, String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Refusal::Model(u) => return u.fmt(f),
            Refusal::Undecodable => "these bytes are no instruction",
            Refusal::Call => "calls are not covered: what the callee does is not known",
            Refusal::TailCall => "a jump to another function (a tail call) is not covered",
            Refusal::IndirectJump => {
                "an indirect jump (a jump table or an address-taken label) is not covered"
            }
            Refusal::LabelAddress(l) => return write!(f, "the address of the label {l} is taken"),
            Refusal::UnbalancedStack => {
                "unbalanced stack: the stack pointer at the return differs from the one at entry"
            }
            Refusal::ReturnAddress => "the return address is read or overwritten",
            Refusal::StackIndex => {
                "an address made from the stack pointer is not a constant distance from it"
            }
            Refusal::StackEscape => "the address of a local variable is stored in memory",
            Refusal::InlineAssembly => {
                "inline assembly is not covered: its constraints are not in the text"
            }
            Refusal::Atomic => "an atomic (lock-prefixed) access is not covered",
            Refusal::System => {
                "an instruction with effects beyond registers and memory is not covered"
            }
            Refusal::Irreducible => "a loop with more than one entry is not covered",
            Refusal::FallsOff => "control runs past the end of the function",
            Refusal::Relocation(r) => {
                return write!(f, "a reference to a symbol by {r} is not covered");
            }
            Refusal::Empty => "the function has no code",
            Refusal::TooLong => "too many instructions along the unrolled paths",
            Refusal::DirectionFlag => "the direction flag is changed",
            Refusal::SomePaths => {
                "memory is accessed on some paths only, which is proven but not searched"
            }
            Refusal::Address => {
                "its address is not a sum of registers at entry and a constant, which is proven but not searched"
            }
            Refusal::March(None, asked) => {
                return write!(
                    f,
                    "no processor known here has it, so it is not in -march={asked}"
                );
            }
            Refusal::March(Some(needs), asked) => {
                return write!(f, "it needs -march={needs}, and {asked} was asked for");
            }
        };
        f.write_str(text)
    }
}

/// What went wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InputProblem {
    /// The file cannot be read.
    Read(String),
    /// The assembler cannot be run.
    NoAssembler(String),
    /// The assembler refuses the text: its first message (the place is in the error).
    Assembler(String),
    /// Not an object file of this kind of machine.
    Object(String),
    /// No function of that name; these are there.
    NoFunction(String, Vec<String>),
    /// Several functions, and none was named.
    ManyFunctions(Vec<String>),
    /// No function at all.
    NoFunctions,
    /// Something that is not covered.
    Refused {
        /// The instruction as text.
        instruction: String,
        /// Offset from the function's start.
        address: u64,
        /// What about it.
        why: Refusal,
    },
    /// Something in a specification that is not covered; the construct and the reason.
    Specification(String, String),
}

/// An error with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputError {
    /// The file.
    pub file: PathBuf,
    /// The line, when known.
    pub line: Option<u32>,
    /// What.
    pub problem: InputProblem,
}

impl InputError {
    /// An error in a file.
    pub fn new(file: &Path, line: Option<u32>, problem: InputProblem) -> InputError {
        InputError {
            file: file.into(),
            line,
            problem,
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self.problem {
            InputProblem::Refused { .. } | InputProblem::Specification(..) => {
                VerdictKind::Unsupported.exit_code()
            }
            InputProblem::NoFunction(..) | InputProblem::ManyFunctions(_) => exit::USAGE,
            _ => exit::INPUT,
        }
    }

    /// The verdict that it is, when it is one.
    pub fn verdict(&self) -> Option<Verdict> {
        match &self.problem {
            InputProblem::Refused {
                instruction,
                address,
                why,
            } => Some(Verdict::Unsupported {
                instruction: instruction.clone(),
                address: *address,
                why: why.to_string(),
            }),
            InputProblem::Specification(what, why) => Some(Verdict::Unsupported {
                instruction: what.clone(),
                address: 0,
                why: why.clone(),
            }),
            _ => None,
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(l) = self.line {
            write!(f, ":{l}")?;
        }
        f.write_str(": ")?;
        match &self.problem {
            InputProblem::Read(why) => write!(f, "cannot be read: {why}"),
            InputProblem::NoAssembler(why) => write!(f, "the assembler cannot be run: {why}"),
            InputProblem::Assembler(m) => f.write_str(m),
            InputProblem::Object(why) => write!(f, "not an object file for x86-64: {why}"),
            InputProblem::NoFunction(n, all) if all.is_empty() => {
                write!(f, "there is no function {n}, nor any other")
            }
            InputProblem::NoFunction(n, all) => {
                write!(f, "there is no function {n}; there is {}", all.join(", "))
            }
            InputProblem::ManyFunctions(all) => write!(
                f,
                "several functions ({}): choose one with --function",
                all.join(", ")
            ),
            InputProblem::NoFunctions => f.write_str("there is no function in it"),
            InputProblem::Refused {
                instruction,
                address,
                why,
            } if instruction.is_empty() => {
                write!(f, "unsupported at offset {address:#x}: {why}")
            }
            InputProblem::Refused {
                instruction,
                address,
                why,
            } => {
                write!(
                    f,
                    "unsupported `{instruction}` at offset {address:#x}: {why}"
                )
            }
            InputProblem::Specification(what, why) => write!(f, "unsupported {what}: {why}"),
        }
    }
}

impl std::error::Error for InputError {}
