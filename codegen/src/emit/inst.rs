//! Expansion of each machine-IR instruction.

use super::Emitter;
use crate::compile::Place;
use crate::ir::{PReg, Scale, Width};
use crate::mach::{CmpKind, MCond, MInst, MTarget, Parity, Src};
use crate::x86::asm::{Item, Label};
use crate::x86::{Cc, Inst, Mem, MemBase, Op, Opnd, RipTarget};

const W64: Width = Width::W64;

impl Emitter<'_> {
    /// Emits one instruction of block `b`; `next` is the block that follows in the layout.
    pub(super) fn minst(&mut self, b: usize, inst: &MInst, next: Option<Label>) {
        match inst {
            MInst::Args => {}
            MInst::Imm { value, keep_flags } => {
                let dst = self.reg();
                if *value == 0 && !keep_flags {
                    self.inst(Inst::op2(Op::Xor, Width::W32, dst, dst));
                } else {
                    self.inst(Inst::op2(Op::Mov, W64, dst, Opnd::Imm(*value)));
                }
            }
            MInst::FZero => {
                let dst = self.reg();
                self.inst(Inst::op2(Op::Xorps, W64, dst, dst));
            }
            MInst::Op2 { op, w, src } => {
                let dst = self.reg();
                let src = self.src(src);
                self.inst(Inst::op2(*op, *w, dst, src));
            }
            MInst::Op3 { op, w, src } => {
                let (mut a, mut src) = (self.reg(), self.src(src));
                let dst = self.reg();
                // An upper register costs a byte as the last operand only.
                if matches!(op, Op::Vaddsd | Op::Vmulsd)
                    && let Opnd::Reg(b) = src
                    && b.hw() >= 8
                    && a.hw() < 8
                {
                    (a, src) = (b, a.into());
                }
                self.inst(Inst::op3(*op, *w, dst, a, src));
            }
            MInst::ShiftX { op, w, src } => {
                let src = self.src(src);
                let count = self.reg();
                let dst = self.reg();
                self.inst(Inst::op3(*op, *w, dst, src, count.into()));
            }
            MInst::Add { w, src } => self.add(*w, src),
            MInst::Op1 { op, w } => {
                let dst = self.reg();
                self.inst(Inst::op1(*op, *w, dst));
            }
            MInst::ShiftImm { op, w, n } => {
                let dst = self.reg();
                self.inst(Inst::op2(*op, *w, dst, Opnd::Imm(*n as i64)));
            }
            MInst::ShiftCl { op, w } => {
                let dst = self.reg();
                self.inst(Inst::op2(*op, *w, dst, PReg::Rcx));
            }
            MInst::ImulImm { w, src, imm } => {
                let src = self.src(src);
                let dst = self.reg();
                self.inst(Inst::op3(Op::Imul, *w, dst, src, Opnd::Imm(*imm as i64)));
            }
            MInst::Div => {
                self.reg();
                let divisor = self.reg();
                self.inst(Inst::op0(Op::Cqo));
                self.inst(Inst::op1(Op::Idiv, W64, divisor));
            }
            MInst::MulHigh => {
                self.reg();
                let factor = self.reg();
                self.inst(Inst::op1(Op::Imul1, W64, factor));
            }
            MInst::Conv { op, w, src, imm } => self.conv(*op, *w, src, *imm),
            MInst::Store { op, w, mem } => {
                let mem = self.mem(mem);
                let val = self.reg();
                self.inst(Inst::op2(*op, *w, mem, val));
            }
            MInst::StoreImm { w, mem, imm } => {
                let mem = self.mem(mem);
                self.inst(Inst::op2(Op::Mov, *w, mem, Opnd::Imm(*imm as i64)));
            }
            MInst::MemOp { op, w, mem, src } => {
                let mem = self.mem(mem);
                let src = self.src(src);
                self.inst(Inst::op2(*op, *w, mem, src));
            }
            MInst::Lea { mem } => {
                let mem = self.mem(mem);
                let dst = self.reg();
                self.inst(Inst::op2(Op::Lea, W64, dst, mem));
            }
            MInst::SetCond { cond } => self.set_cond(cond),
            MInst::Select { cond, float } => self.select(cond, *float),
            MInst::GetPinned(p) => {
                let dst = self.reg();
                self.mov(dst.into(), p.preg().into());
            }
            MInst::SetPinned(p) => {
                let src = self.reg();
                self.mov(p.preg().into(), src.into());
            }
            MInst::AddPinned(p, n) => {
                self.inst(Inst::op2(Op::Add, W64, p.preg(), Opnd::Imm(*n as i64)));
            }
            MInst::Call { target, call } => {
                let allocs = self.allocs;
                let target = self.target(target);
                self.inst(Inst::op1(Op::Call, W64, target));
                let data = &self.sel.func.calls[*call as usize];
                if let Some(id) = data.safepoint {
                    self.items.push(Item::Safepoint(id));
                    if !data.live.is_empty() {
                        self.allocs = allocs.get(data.first_live as usize..).unwrap_or_default();
                        let places = data.live.iter().map(|c| match c {
                            Some(n) => Place::Const(*n),
                            None => match self.next() {
                                Opnd::Mem(m) => Place::Stack(m.disp as u32),
                                // Only a call that keeps registers could leave one, and the verifier refuses those.
                                _ => Place::Lost,
                            },
                        });
                        let places = places.collect();
                        self.live.push((id, places));
                    }
                }
            }
            MInst::Jmp => {
                let to = self.succ(b, 0);
                if Some(to) != next {
                    self.jump(None, to);
                }
            }
            MInst::Br { cond } => self.br(b, cond, next),
            MInst::Switch { table, len } => self.switch(b, *table, *len),
            MInst::Ret => {
                self.leave();
                self.inst(Inst::op0(Op::Ret));
            }
            MInst::TailCall { target } => {
                let target = self.target(target);
                self.leave();
                self.inst(Inst::op1(Op::Jmp, W64, target));
            }
            MInst::VectorsDone => self.inst(Inst::op0(Op::Vzeroupper)),
            MInst::Ud2 => self.inst(Inst::op0(Op::Ud2)),
        }
    }

    fn succ(&self, b: usize, n: usize) -> Label {
        self.label_of[self.sel.func.blocks[b].succs[n].index()]
    }

    fn leave(&mut self) {
        if self.frame_size > 0 {
            let n = Opnd::Imm(self.frame_size as i64);
            self.inst(Inst::op2(Op::Add, W64, PReg::Rsp, n));
        }
    }

    fn target(&mut self, t: &MTarget) -> Opnd {
        match t {
            MTarget::Symbol(s) => Opnd::Symbol(*s),
            MTarget::Reg => self.reg().into(),
            MTarget::Mem(m) => self.mem(m).into(),
        }
    }

    /// `add` where the result takes an operand's register, else `lea`.
    fn add(&mut self, w: Width, src: &Src) {
        let a = self.reg();
        let b = self.src(src);
        let dst = self.reg();
        let inst = match b {
            Opnd::Imm(0) if w == W64 => return self.mov(dst.into(), a.into()),
            Opnd::Reg(r) if r == dst => Inst::op2(Op::Add, w, dst, a),
            _ if a == dst => Inst::op2(Op::Add, w, dst, b),
            Opnd::Imm(n) => Inst::op2(Op::Lea, w, dst, Mem::reg(a, n as i32)),
            Opnd::Reg(r) => {
                let mem = Mem {
                    base: MemBase::Reg(a),
                    index: Some((r, Scale::S1)),
                    disp: 0,
                };
                Inst::op2(Op::Lea, w, dst, mem)
            }
            _ => return,
        };
        self.inst(inst);
    }

    fn conv(&mut self, op: Op, w: Width, src: &Src, imm: Option<u8>) {
        let mut src = self.src(src);
        let dst = self.reg();
        if matches!(op, Op::Vsqrtsd | Op::Vroundsd) {
            // The other half of the result is an operand, too: take the same register.
            if let Opnd::Mem(_) = src {
                self.inst(Inst::op2(Op::Movsd, W64, dst, src));
                src = dst.into();
            }
            let last = imm.map_or(src, |n| Opnd::Imm(n as i64));
            return self.inst(Inst::op3(op, w, dst, src, last));
        }
        if op == Op::Rorx
            && src == Opnd::Reg(dst)
            && let Some(n) = imm
        {
            return self.inst(Inst::op2(Op::Ror, w, dst, Opnd::Imm(n as i64)));
        }
        // These write only half of the register: break the dependence on its old contents.
        let partial = matches!(op, Op::Cvtsi2sd | Op::Sqrtsd | Op::Roundsd);
        if partial && src != Opnd::Reg(dst) {
            self.inst(Inst::op2(Op::Xorps, W64, dst, dst));
        }
        if matches!(op, Op::Mov | Op::Movsd) && w == W64 && matches!(src, Opnd::Reg(_)) {
            return self.mov(dst.into(), src);
        }
        let inst = Inst::op2(op, w, dst, src);
        self.inst(match imm {
            Some(n) => Inst::op3(op, w, dst, src, Opnd::Imm(n as i8 as i64)),
            None => inst,
        });
    }

    fn compare(&mut self, c: &MCond) {
        let (a, b) = match &c.kind {
            CmpKind::Reg(src) => {
                let a = self.reg();
                (a.into(), self.src(src))
            }
            CmpKind::Itself => {
                let a = self.reg();
                (a.into(), a.into())
            }
            CmpKind::MemReg(mem) => {
                let mem = self.mem(mem);
                (mem.into(), self.reg().into())
            }
            CmpKind::MemImm(mem, n) => (self.mem(mem).into(), Opnd::Imm(*n as i64)),
            CmpKind::RspMem(mem) => (PReg::Rsp.into(), self.mem(mem).into()),
            CmpKind::Flags => return,
        };
        self.inst(Inst {
            a,
            b,
            w: c.w,
            ..Inst::op0(c.op)
        });
    }

    fn set_cond(&mut self, c: &MCond) {
        self.compare(c);
        let dst = self.reg();
        self.inst(Inst::op1(Op::Setcc, Width::W8, dst).with_cc(c.cc));
        let (parity, join) = match c.parity {
            Parity::Ignored => (None, Op::And),
            Parity::AndOrdered => (Some(Cc::Np), Op::And),
            Parity::OrUnordered => (Some(Cc::P), Op::Or),
        };
        if let Some(cc) = parity {
            let t = self.reg();
            self.inst(Inst::op1(Op::Setcc, Width::W8, t).with_cc(cc));
            self.inst(Inst::op2(join, Width::W32, dst, t));
        }
        self.inst(Inst::op2(Op::Movzx8, Width::W32, dst, dst));
    }

    fn select(&mut self, c: &MCond, float: bool) {
        self.compare(c);
        let (a, b, dst) = (self.reg(), self.reg(), self.reg());
        // The other value is in place; replace it where the condition says so.
        let (value, ccs): (PReg, [Option<Cc>; 2]) = match c.parity {
            Parity::Ignored => (a, [Some(c.cc), None]),
            Parity::OrUnordered => (a, [Some(c.cc), Some(Cc::P)]),
            Parity::AndOrdered => (b, [Some(c.cc.negate()), Some(Cc::P)]),
        };
        if value == dst {
            return;
        }
        if !float {
            for cc in ccs.into_iter().flatten() {
                self.inst(Inst::op2(Op::Cmov, W64, dst, value).with_cc(cc));
            }
            return;
        }
        let done = self.new_label();
        match ccs {
            [Some(cc), Some(other)] => {
                let take = self.new_label();
                self.jump(Some(cc), take);
                self.jump(Some(other.negate()), done);
                self.items.push(Item::Label(take));
            }
            [Some(cc), None] => self.jump(Some(cc.negate()), done),
            _ => {}
        }
        self.mov(dst.into(), value.into());
        self.items.push(Item::Label(done));
    }

    /// Whether a block's code stands before here.
    fn is_behind(&self, l: Label) -> bool {
        self.placed[l.0 as usize]
    }

    fn br(&mut self, b: usize, c: &MCond, next: Option<Label>) {
        let (then, els) = (self.succ(b, 0), self.succ(b, 1));
        if then == els {
            if Some(then) != next {
                self.jump(None, then);
            }
            return;
        }
        self.compare(c);
        match c.parity {
            Parity::Ignored => {
                // Neither follows: the way back is the one taken often, and should be one jump.
                let back = Some(els) != next && self.is_behind(els) && !self.is_behind(then);
                if Some(then) == next || back {
                    self.jump(Some(c.cc.negate()), els);
                    if Some(then) != next {
                        self.jump(None, then);
                    }
                    return;
                }
                self.jump(Some(c.cc), then);
            }
            Parity::OrUnordered => {
                self.jump(Some(c.cc), then);
                self.jump(Some(Cc::P), then);
            }
            Parity::AndOrdered => {
                self.jump(Some(c.cc.negate()), els);
                self.jump(Some(Cc::P), els);
                if Some(then) != next {
                    self.jump(None, then);
                }
                return;
            }
        }
        if Some(els) != next {
            self.jump(None, els);
        }
    }

    fn switch(&mut self, b: usize, table: u32, len: u32) {
        let (index, t1, t2) = (self.reg(), self.reg(), self.reg());
        let default = self.succ(b, len as usize);
        self.inst(Inst::op2(Op::Cmp, W64, index, Opnd::Imm(len as i64)));
        self.jump(Some(Cc::Ae), default);
        self.inst(Inst::op2(
            Op::Lea,
            W64,
            t1,
            Mem::rip(RipTarget::Table(table)),
        ));
        let entry = Mem {
            base: MemBase::Reg(t1),
            index: Some((index, Scale::S4)),
            disp: 0,
        };
        self.inst(Inst::op2(Op::Movsxd, W64, t2, entry));
        self.inst(Inst::op2(Op::Add, W64, t2, t1));
        self.inst(Inst::op1(Op::Jmp, W64, t2));
    }
}
