//! Sequences on which folding and rebuilding go wrong if done carelessly.

use crate::exec::CALL_LOG;
use crate::generate::Gen;
use trinity_codegen::ir::*;

impl Gen {
    /// A load whose only use stands behind something that changes what was loaded.
    pub fn load_across_effect(&mut self) -> Value {
        let addr = self.initialised();
        let log = Addr::thread(CALL_LOG);
        let call = self.r.chance(25);
        let addr = if call { log } else { addr };
        let kind = self
            .r
            .pick(&[LoadKind::I64, LoadKind::I64, LoadKind::U8, LoadKind::S32]);
        let v = self.b.load(kind, addr);
        match self.r.below(3) {
            _ if call => self.call(),
            0 => self.b.mem_op(MemOp::Add, Width::W64, addr, 77),
            1 => self.b.store_imm(Width::W64, addr, 1234),
            _ => {
                let x = self.int();
                self.b.store64(addr, x);
            }
        }
        let a = self.int();
        match self.r.below(4) {
            0 => self.b.bool_of(Cond::icmp(IntCc::Ult, v, 50)),
            1 => self.b.bool_of(Cond::icmp(IntCc::Sge, a, v)),
            2 => self.b.imul(v, 5),
            _ => self.b.iadd(a, v),
        }
    }

    /// Constants that are built between an instruction and the reader of its flags.
    pub fn constants_under_flags(&mut self) -> Value {
        let (a, b) = (self.int(), self.opnd());
        let v = if self.r.chance(50) {
            self.b.overflow_op(self.r.pick(OvfOp::ALL), a, b)
        } else {
            self.b.isub(a, b)
        };
        let (zero, other) = (self.b.iconst(0), self.b.iconst(self.r.pick(&[0, 1, -1])));
        let overflow = matches!(self.b.func().def_inst(v), Some(Inst::Overflow { .. }));
        let cond = match overflow {
            true => Cond::Overflow(v),
            false => Cond::icmp(self.r.pick(&IntCc::ALL[..6]), v, 0),
        };
        match self.r.chance(50) {
            true => self.b.select(cond, zero, other),
            false => self.b.select(cond, other, zero),
        }
    }
}
