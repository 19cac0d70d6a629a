//! Terminators.

use super::Selector;
use crate::ir::{Block, PReg, Term, Value};
use crate::mach::MInst;
use regalloc2 as ra;

impl Selector<'_> {
    pub(super) fn lower_term(&mut self, b: Block, term: &Term) {
        self.args.clear();
        match term {
            Term::Jump(call) => {
                for &v in &call.args {
                    let v = self.reg(v);
                    self.args.push(v);
                }
                self.push(MInst::Jmp);
            }
            Term::BrIf { cond, .. } => {
                let cond = self.cond(cond);
                self.push(MInst::Br { cond });
            }
            Term::Switch { index, targets, .. } => {
                let (t1, t2) = (self.temp(ra::RegClass::Int), self.temp(ra::RegClass::Int));
                self.use_reg(*index);
                self.ops.push(ra::Operand::reg_def_at_start(t1));
                self.ops.push(ra::Operand::reg_def(t2));
                let succs = &self.layout.succs[b.index()][..targets.len()];
                let table = succs.iter().map(|&m| ra::Block::new(m as usize)).collect();
                self.tables.push(table);
                let table = self.tables.len() as u32 - 1;
                self.push(MInst::Switch {
                    table,
                    len: targets.len() as u32,
                });
            }
            Term::Ret(rets) => {
                self.fixed(rets);
                self.push(MInst::Ret);
            }
            Term::TailCall { target, args } => {
                let target = self.call_target(target);
                self.fixed(args);
                self.push(MInst::TailCall { target });
            }
            Term::Trap => self.push(MInst::Ud2),
        }
    }

    fn fixed(&mut self, list: &[(Value, PReg)]) {
        for &(v, preg) in list {
            self.use_fixed(v, preg);
        }
    }
}
