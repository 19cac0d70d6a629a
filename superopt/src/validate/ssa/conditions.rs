//! What conditions mean.

use super::{State, Variables, bits};
use crate::egraph::region::float_cond;
use crate::validate::domain::Terms;
use trinity_codegen::ir::{Cond, Inst, IntCc, OvfOp};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, TermId};

/// The sign of the disagreement of two pairs: overflow, of the operands and the result.
fn signs(d: &mut Terms<'_>, [a, b, c, e]: [TermId; 4]) -> TermId {
    let (x, y) = (d.xor(&a, &b), d.xor(&c, &e));
    let o = d.and(&x, &y);
    d.msb(&o)
}

impl State<'_> {
    fn compare(d: &mut Terms<'_>, cc: IntCc, a: TermId, b: TermId) -> TermId {
        let (op, swap, not) = match cc {
            IntCc::Eq => (CmpOp::Eq, false, false),
            IntCc::Ne => (CmpOp::Eq, false, true),
            IntCc::Slt => (CmpOp::Slt, false, false),
            IntCc::Sge => (CmpOp::Slt, false, true),
            IntCc::Sgt => (CmpOp::Slt, true, false),
            IntCc::Sle => (CmpOp::Slt, true, true),
            IntCc::Ult => (CmpOp::Ult, false, false),
            IntCc::Uge => (CmpOp::Ult, false, true),
            IntCc::Ugt => (CmpOp::Ult, true, false),
            IntCc::Ule => (CmpOp::Ult, true, true),
            IntCc::Of | IntCc::NoOf => {
                let r = d.sub(&a, &b);
                let o = signs(d, [a, b, a, r]);
                return if cc == IntCc::Of { o } else { d.not(&o) };
            }
            IntCc::Neg | IntCc::NonNeg => {
                let r = d.sub(&a, &b);
                let s = d.msb(&r);
                return if cc == IntCc::Neg { s } else { d.not(&s) };
            }
        };
        let t = match swap {
            true => d.cmp(op, &b, &a),
            false => d.cmp(op, &a, &b),
        };
        if not { d.not(&t) } else { t }
    }

    fn tested(d: &mut Terms<'_>, cc: IntCc, a: TermId, b: TermId) -> TermId {
        let r = d.and(&a, &b);
        let w = d.width(&r);
        let zero = d.constant(w, 0);
        Self::compare(d, cc, r, zero)
    }

    /// A condition: one bit. The accesses it makes are added to `touched`.
    pub(super) fn cond(
        &mut self,
        d: &mut Terms<'_>,
        vars: &mut Variables,
        c: &Cond,
        touched: &mut Vec<(TermId, u32, bool)>,
    ) -> TermId {
        match *c {
            Cond::Icmp { cc, w, a, b } | Cond::Test { cc, w, a, b } => {
                let (a, b) = (self.word(d, vars, a), self.operand(d, vars, b));
                let (a, b) = (d.trunc(&a, bits(w)), d.trunc(&b, bits(w)));
                match c {
                    Cond::Test { .. } => Self::tested(d, cc, a, b),
                    _ => Self::compare(d, cc, a, b),
                }
            }
            Cond::IcmpMem { cc, w, addr, b } | Cond::TestMem { cc, w, addr, b } => {
                let (at, b) = (self.address(d, vars, &addr), self.operand(d, vars, b));
                touched.push((at, w.bytes(), false));
                let (a, b) = (self.load(d, at, w.bytes()), d.trunc(&b, bits(w)));
                match c {
                    Cond::TestMem { .. } => Self::tested(d, cc, a, b),
                    _ => Self::compare(d, cc, a, b),
                }
            }
            Cond::RspMem { cc, addr } => {
                let at = self.address(d, vars, &addr);
                touched.push((at, 8, false));
                let (rsp, b) = (d.rsp, self.load(d, at, 8));
                Self::compare(d, cc, rsp, b)
            }
            Cond::Fcmp { cc, a, b } => {
                let (a, b) = (self.word(d, vars, a), self.word(d, vars, b));
                float_cond(d, cc, &a, &b)
            }
            Cond::Overflow(v) => {
                let Some(&Inst::Overflow { op, a, b }) = self.f.def_inst(v) else {
                    d.refuse("the overflow of what is no checked operation");
                    return d.undefined(1);
                };
                let (a, b) = (self.word(d, vars, a), self.operand(d, vars, b));
                match op {
                    OvfOp::Add => {
                        let r = d.add(&a, &b);
                        signs(d, [a, r, b, r])
                    }
                    OvfOp::Sub => {
                        let r = d.sub(&a, &b);
                        signs(d, [a, b, a, r])
                    }
                    OvfOp::Mul => {
                        let (lo, hi) = (d.bin(BinOp::Mul, &a, &b), d.bin(BinOp::MulHiS, &a, &b));
                        let k = d.constant(64, 63);
                        let sign = d.bin(BinOp::Ashr, &lo, &k);
                        let same = d.eq(&hi, &sign);
                        d.not(&same)
                    }
                }
            }
        }
    }
}
