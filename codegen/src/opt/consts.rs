//! One value per constant, all at the start of the entry block.
//!
//! Constants take no register until they are used, so where they stand does not matter, and equal values compare equal.

use super::Replace;
use super::hash::FastMap;
use crate::ir::{Function, Inst, InstId, SrcLoc, Type, Value};

/// The constants of a function while a pass runs: they stand in no block until [`Consts::finish`].
#[derive(Debug, Default)]
pub(super) struct Consts {
    of: FastMap<(Type, u64), Value>,
    list: Vec<InstId>,
}

impl Consts {
    /// Takes all constants out of their blocks; duplicates are replaced.
    pub(super) fn collect(f: &mut Function, replace: &mut Replace) -> Consts {
        let mut consts = Consts::default();
        for block in &mut f.blocks {
            block.insts.retain(|&id| {
                let node = &f.insts[id.index()];
                let key = match node.inst {
                    Inst::Iconst(n) => (Type::I64, n as u64),
                    Inst::Fconst(bits) => (Type::F64, bits),
                    _ => return true,
                };
                let first = *consts.of.entry(key).or_insert_with(|| {
                    consts.list.push(id);
                    node.first_result
                });
                if first != node.first_result {
                    replace.set(node.first_result, first);
                }
                false
            });
        }
        consts
    }

    /// The value of a constant.
    pub(super) fn get(&mut self, f: &mut Function, ty: Type, bits: u64) -> Value {
        *self.of.entry((ty, bits)).or_insert_with(|| {
            let inst = match ty {
                Type::I64 => Inst::Iconst(bits as i64),
                _ => Inst::Fconst(bits),
            };
            let id = f.new_inst(inst, &[ty], SrcLoc(0));
            self.list.push(id);
            f.insts[id.index()].first_result
        })
    }

    /// Puts all constants at the start of the entry block.
    pub(super) fn finish(self, f: &mut Function) {
        let entry = &mut f.blocks[0].insts;
        entry.splice(0..0, self.list);
    }
}
