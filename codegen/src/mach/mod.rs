//! Machine IR: x86-64 instructions over virtual registers, as the register allocator sees them.

mod func;
mod inst;
mod regs;
mod renumber;
mod weigh;

pub(crate) use func::{MBlock, MFunc};
pub(crate) use inst::{CallInfo, CmpKind, MBase, MCond, MInst, MMem, MTarget, Parity, Src};
pub(crate) use regs::{class_of, clobber_set, from_ra, machine_env, to_ra};
pub(crate) use renumber::renumber;
pub(crate) use weigh::weigh;
