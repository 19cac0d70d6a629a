//! What each instruction does, once, over any domain. A group of instructions per file; a new instruction is an arm in
//! one of them.

mod alu;
mod bits;
mod convert;
mod data;
mod flags;
mod float;
mod fma;
mod lanes;
mod muldiv;
mod refused;
mod shift;
mod vec_blend;
mod vec_int;
mod vec_move;
mod vec_shift;
mod vec_shuffle;

pub use flags::condition;
pub use refused::reason;
pub(super) use vec_shift::uniform as shift_of_lanes;

use super::domain::Domain;
use super::machine::Machine;
use iced_x86::{EncodingKind, Instruction, Mnemonic};

/// Why the model does not have an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unsupported {
    /// No meaning has been written for the mnemonic.
    Mnemonic(Mnemonic),
    /// An operand of a kind the model does not have.
    Operand,
    /// An encoding the model does not have (EVEX, XOP, MVEX, registers above 15).
    Encoding,
    /// A segment override.
    Segment,
    /// A vector of indices.
    VectorIndex,
    /// A lock or repeat prefix: atomic accesses and string loops are refused by name.
    Prefix,
    /// Control flow, which regions do not contain.
    Control,
}

impl std::fmt::Display for Unsupported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unsupported::Mnemonic(m) => {
                write!(f, "the instruction {m:?} has no meaning in the model")?;
                match reason(*m) {
                    Some(why) => write!(f, ": {why}"),
                    None => Ok(()),
                }
            }
            Unsupported::Operand => f.write_str("an operand of a kind the model does not have"),
            Unsupported::Encoding => {
                f.write_str("an encoding the model does not have (EVEX, XOP or registers above 15)")
            }
            Unsupported::Segment => f.write_str("a segment override (thread-local or kernel data)"),
            Unsupported::VectorIndex => f.write_str("a vector of addresses (gather)"),
            Unsupported::Prefix => f.write_str("a lock or repeat prefix"),
            Unsupported::Control => f.write_str("control flow inside a straight-line region"),
        }
    }
}

impl std::error::Error for Unsupported {}

/// Executes one instruction that is not control flow.
///
/// # Errors
/// When the model does not have the instruction; the state is then unspecified.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<(), Unsupported> {
    if !matches!(
        i.code().encoding(),
        EncodingKind::Legacy | EncodingKind::VEX
    ) {
        return Err(Unsupported::Encoding);
    }
    if i.has_lock_prefix() || i.has_rep_prefix() || i.has_repne_prefix() {
        return Err(Unsupported::Prefix);
    }
    if i.flow_control() != iced_x86::FlowControl::Next {
        return Err(Unsupported::Control);
    }
    // Each group says whether the mnemonic is its own.
    if alu::execute(d, m, i)?
        || shift::execute(d, m, i)?
        || muldiv::execute(d, m, i)?
        || bits::execute(d, m, i)?
        || data::execute(d, m, i)?
    {
        return Ok(());
    }
    if lanes::execute(d, m, i)? {
        return Ok(());
    }
    Err(Unsupported::Mnemonic(i.mnemonic()))
}
