//! Memory: address modes, loads, stores.

use super::{Selector, load_op};
use crate::ir::CallTarget;
use crate::ir::{
    Addr, Base, BinOp, Inst, LoadKind, MemOp, Opnd, Scale, Type, Value, ValueDef, Width,
};
use crate::mach::{MBase, MInst, MMem, MTarget, Src};
use crate::x86::Op;
use regalloc2 as ra;

impl Selector<'_> {
    /// Adds the operands of an address and returns its shape.
    pub(super) fn addr(&mut self, addr: &Addr) -> MMem {
        let mut addr = *addr;
        while self.options.addresses && (self.fold_base(&mut addr) || self.fold_index(&mut addr)) {}
        let base = match addr.base {
            Base::Value(v) => {
                self.use_reg(v);
                MBase::Reg
            }
            Base::Pinned(p) => MBase::Pinned(p),
            Base::Symbol(s) => MBase::Symbol(s),
            Base::Stack(s) => MBase::Stack(self.slot_offset[s.index()]),
        };
        let index = addr.index.map(|(v, scale)| {
            self.use_reg(v);
            scale
        });
        MMem {
            base,
            index,
            disp: addr.disp,
        }
    }

    /// Replaces a base that is computed only for this address by what it is computed from.
    fn fold_base(&self, addr: &mut Addr) -> bool {
        let Base::Value(v) = addr.base else {
            return false;
        };
        match self.only_use(v) {
            Some(&Inst::Binary {
                op: BinOp::Iadd,
                a,
                b,
            }) => match self.resolve(b) {
                Opnd::Imm(n) => {
                    let Some(disp) = addr.disp.checked_add(n) else {
                        return false;
                    };
                    addr.base = Base::Value(a);
                    addr.disp = disp;
                    true
                }
                Opnd::Value(b) if addr.index.is_none() && self.f.as_iconst(a).is_none() => {
                    addr.base = Base::Value(a);
                    addr.index = Some((b, Scale::S1));
                    true
                }
                Opnd::Value(_) => false,
            },
            Some(&Inst::Binary {
                op: BinOp::Isub,
                a,
                b: Opnd::Imm(n),
            }) => {
                let Some(disp) = addr.disp.checked_sub(n) else {
                    return false;
                };
                addr.base = Base::Value(a);
                addr.disp = disp;
                true
            }
            Some(Inst::AddrOf(inner)) => {
                // A pinned register may have changed since; frame and symbol addresses have not.
                let steady = matches!(inner.base, Base::Value(_) | Base::Stack(_))
                    || matches!(inner.base, Base::Symbol(_)) && addr.index.is_none();
                if !steady || (addr.index.is_some() && inner.index.is_some()) {
                    return false;
                }
                let Some(disp) = addr.disp.checked_add(inner.disp) else {
                    return false;
                };
                addr.base = inner.base;
                addr.index = addr.index.or(inner.index);
                addr.disp = disp;
                true
            }
            _ => false,
        }
    }

    /// Folds constants and small shifts of an index.
    fn fold_index(&self, addr: &mut Addr) -> bool {
        let Some((v, scale)) = addr.index else {
            return false;
        };
        if let Some(n) = self.f.as_iconst(v) {
            let n = n
                .wrapping_mul(1 << scale.log2())
                .wrapping_add(addr.disp as i64);
            let Ok(disp) = i32::try_from(n) else {
                return false;
            };
            addr.index = None;
            addr.disp = disp;
            return true;
        }
        match self.only_use(v).or_else(|| self.sum_of_live(v)) {
            Some(&Inst::Binary {
                op: BinOp::Shl,
                a,
                b,
            }) => {
                let Some(n @ 0..=3) = self.as_imm(b) else {
                    return false;
                };
                let Some(scale) = Scale::from_log2(n as u32 + scale.log2() as u32) else {
                    return false;
                };
                addr.index = Some((a, scale));
                true
            }
            Some(&Inst::Binary {
                op: BinOp::Iadd,
                a,
                b,
            }) => {
                let Some(n) = self.as_imm(b) else {
                    return false;
                };
                let n = ((n as i64) << scale.log2()) + addr.disp as i64;
                let Ok(disp) = i32::try_from(n) else {
                    return false;
                };
                addr.index = Some((a, scale));
                addr.disp = disp;
                true
            }
            _ => false,
        }
    }

    /// The sum that a value is, of a number of this block that is used further down as well, and a constant: that number is in a register here anyway.
    fn sum_of_live(&self, v: Value) -> Option<&Inst> {
        let inst = self.f.def_inst(v)?;
        let &Inst::Binary {
            op: BinOp::Iadd,
            a,
            b,
        } = inst
        else {
            return None;
        };
        self.as_imm(b)?;
        let here = match self.f.values[a.index()].def {
            ValueDef::Param(b, _) => b.index() as u32,
            ValueDef::Inst(id, _) => self.block_of[id.index()],
        };
        (self.needed[a.index()] && here == self.here.block).then_some(inst)
    }

    /// Adds a source operand: a foldable load of this kind, or a register (or its spill slot).
    pub(super) fn src(&mut self, v: Value, kind: LoadKind) -> Src {
        match self.foldable_load(v) {
            Some((k, addr)) if k == kind => Src::Mem(self.addr(&addr)),
            _ => {
                let r = self.reg(v);
                self.ops.push(ra::Operand::any_use(r));
                Src::Reg
            }
        }
    }

    /// Adds a source operand of integer arithmetic in this width.
    pub(super) fn int_src(&mut self, v: Value, w: Width) -> Src {
        let fits = |kind| match w {
            Width::W32 => matches!(kind, LoadKind::I64 | LoadKind::U32 | LoadKind::S32),
            _ => kind == LoadKind::I64,
        };
        match self.foldable_load(v) {
            Some((kind, _)) if fits(kind) => self.src(v, kind),
            _ => self.src(v, LoadKind::I64),
        }
    }

    pub(super) fn load(&mut self, kind: LoadKind, addr: &Addr, res: Value) {
        let mem = self.addr(addr);
        self.def(res);
        let (op, w) = load_op(kind);
        self.push(MInst::Conv {
            op,
            w,
            src: Src::Mem(mem),
            imm: None,
        });
    }

    pub(super) fn store(&mut self, w: Width, addr: &Addr, val: Value) {
        let bits = match self.f.def_inst(val) {
            Some(&Inst::Iconst(n)) => Some(n),
            Some(&Inst::Fconst(bits)) => Some(bits as i64),
            _ => None,
        };
        let imm = bits.and_then(|n| match w {
            Width::W8 => Some(n as i8 as i32),
            Width::W16 => Some(n as i16 as i32),
            Width::W32 => Some(n as i32),
            Width::W64 => i32::try_from(n).ok(),
        });
        if let Some((op, x)) = self.in_place(w, addr, val) {
            return self.mem_op(op, w, addr, x);
        }
        let mem = self.addr(addr);
        if let Some(imm) = imm {
            self.push(MInst::StoreImm { w, mem, imm });
            return;
        }
        let mut op = Op::Mov;
        let r = match bits {
            Some(n) => self.imm_reg(n),
            None => {
                if self.f.ty(val) == Type::F64 {
                    op = Op::Movsd;
                }
                self.reg(val)
            }
        };
        self.ops.push(ra::Operand::reg_use(r));
        self.push(MInst::Store { op, w, mem });
    }

    /// What changes memory at an address into a value that is stored there, if that is made of what is there and
    /// nothing else needs it: `t.n = t.n + 1`.
    fn in_place(&self, w: Width, addr: &Addr, val: Value) -> Option<(MemOp, Opnd)> {
        let &Inst::Binary { op, a, b } = self.only_use(val)? else {
            return None;
        };
        let op = match op {
            BinOp::Iadd => MemOp::Add,
            BinOp::Isub => MemOp::Sub,
            BinOp::And => MemOp::And,
            BinOp::Or => MemOp::Or,
            BinOp::Xor => MemOp::Xor,
            _ => return None,
        };
        let there = |v: Value| {
            let load = self.foldable_load(v);
            load.is_some_and(|(kind, from)| {
                kind == LoadKind::I64 && w == Width::W64 && from == *addr
            })
        };
        match b {
            _ if there(a) => Some((op, b)),
            Opnd::Value(v) if op != MemOp::Sub && there(v) => Some((op, Opnd::Value(a))),
            _ => None,
        }
    }

    pub(super) fn mem_op(&mut self, op: MemOp, w: Width, addr: &Addr, x: Opnd) {
        let op = match op {
            MemOp::Add => Op::Add,
            MemOp::Sub => Op::Sub,
            MemOp::And => Op::And,
            MemOp::Or => Op::Or,
            MemOp::Xor => Op::Xor,
        };
        let mem = self.addr(addr);
        let src = match self.resolve(x) {
            Opnd::Imm(n) => Src::Imm(truncate(n, w)),
            Opnd::Value(v) => {
                self.use_reg(v);
                Src::Reg
            }
        };
        self.push(MInst::MemOp { op, w, mem, src });
    }

    pub(super) fn call_target(&mut self, target: &CallTarget) -> MTarget {
        match target {
            CallTarget::Symbol(s) => MTarget::Symbol(*s),
            CallTarget::Value(v) => match self.foldable_load(*v) {
                Some((LoadKind::I64, addr)) => MTarget::Mem(self.addr(&addr)),
                _ => {
                    self.use_reg(*v);
                    MTarget::Reg
                }
            },
            CallTarget::Mem(addr) => MTarget::Mem(self.addr(addr)),
        }
    }
}

/// An immediate as an operation of this width sees it.
pub(super) fn truncate(n: i32, w: Width) -> i32 {
    match w {
        Width::W8 => n as i8 as i32,
        Width::W16 => n as i16 as i32,
        Width::W32 | Width::W64 => n,
    }
}
