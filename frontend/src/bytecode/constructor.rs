//! Table constructors in bytecode: which string keys follow a NEWTABLE.
//!
//! The front end emits a constructor as one stretch of code: NEWTABLE into a register that nothing else uses until the constructor ends, then, for
//! every field with a key, the code of its value and one store. NEWTABLE's `b` says how many of these there are. For hand-made bytecode the
//! answer is a guess, which does no harm where it is used as one.

use super::{Instr, Op};

/// The stores of the constructor that begins at `pc`, by position.
pub fn stores(code: &[Instr], pc: usize) -> impl Iterator<Item = usize> {
    let new = code[pc];
    let (a, count) = (new.a(), new.b());
    (pc + 1..code.len())
        .filter(move |&at| {
            matches!(code[at].op(), Op::SetField | Op::SetTable | Op::SetI) && code[at].a() == a
        })
        .take(count)
}

/// The constants that are keys of the constructor that begins with `new`, as they are stored; a key can be there twice.
pub fn keys(code: &[Instr], new: Instr) -> impl Iterator<Item = usize> {
    let pc = code.iter().position(|&i| i == new).unwrap_or(0);
    stores(code, pc)
        .filter(|&at| code[at].op() == Op::SetField)
        .map(|at| code[at].b())
}
