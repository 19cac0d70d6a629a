//! Expression graphs of the e-graph as instructions over general registers.
//!
//! A word of `w` bits lives in a register whose low `w` bits are its own; what stands above them is known to be zero or
//! not known at all ([`Val::zero`]), and cleared where an operation would see it. Words up to 32 bits are computed by
//! 32-bit instructions, wider ones by 64-bit ones. Nothing here is trusted: what comes out is proven like any candidate.
//! Products of more than 64 bits, divisions, floating point and memory are not covered; such graphs are left alone.

use super::super::opset::March;
use super::super::target::Target;
use super::allocate::{Code0, V, allocate};
use super::encode::*;
use crate::egraph::lang::{ENode, Op};
use egg::{Id, Language, RecExpr};
use iced_x86::{Code, Instruction};
use trinity_codegen::isa::concrete::signed;
use trinity_codegen::isa::{BinOp, Node, UnOp};

/// Nodes of a graph at most: selection walks it recursively.
const MOST: usize = 600;

/// A word in a virtual register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Val {
    pub(super) v: V,
    /// All bits of the register above the word are zero.
    pub(super) zero: bool,
}

pub(super) struct Select<'a> {
    pub(super) t: &'a Target,
    pub(super) expr: &'a RecExpr<ENode>,
    pub(super) uses: Vec<u32>,
    pub(super) done: Vec<Option<Val>>,
    pub(super) code: Code0,
    /// The condition bit that the flags hold, and how.
    pub(super) flags: Option<(Id, Cc)>,
}

/// The instructions of a graph for a target, whose variables are numbered as those of the target's terms; `None` where
/// that is not covered or registers run out.
pub fn lower(t: &Target, expr: &RecExpr<ENode>, roots: &[Id]) -> Option<Vec<Instruction>> {
    if expr.len() > MOST || t.outputs.iter().chain(&t.inputs).any(|p| p.at >= 16) {
        return None;
    }
    let mut uses = vec![0; expr.len()];
    for n in expr.as_ref() {
        for c in n.children() {
            uses[usize::from(*c)] += 1;
        }
    }
    for r in roots {
        uses[usize::from(*r)] += 1;
    }
    let mut s = Select {
        t,
        expr,
        uses,
        done: vec![None; expr.len()],
        code: Code0::default(),
        flags: None,
    };
    let mut inputs = Vec::new();
    for p in &t.inputs {
        inputs.push((s.fresh(true), p.at as u8));
    }
    let mut outputs = Vec::new();
    for (root, port) in roots.iter().zip(&t.outputs) {
        let v = s.val(*root)?;
        outputs.push((v.v, port.at as u8));
    }
    allocate(t, &s.code, &inputs, &outputs)
}

impl Select<'_> {
    pub(super) fn node(&self, id: Id) -> ENode {
        self.expr[id]
    }

    pub(super) fn width(&self, id: Id) -> u32 {
        self.expr[id].bits()
    }

    pub(super) fn arg(&self, id: Id, n: usize) -> Id {
        self.expr[id].children()[n]
    }

    pub(super) fn fresh(&mut self, wide: bool) -> V {
        self.code.wide.push(wide);
        self.code.wide.len() as V - 1
    }

    /// The constant that a node is, as a signed number.
    pub(super) fn constant(&self, id: Id) -> Option<i64> {
        match self.node(id).op {
            Op::Const(c) => i64::try_from(signed(self.width(id), c)).ok(),
            _ => None,
        }
    }

    pub(super) fn small(&self, id: Id) -> Option<i32> {
        self.constant(id).and_then(|c| i32::try_from(c).ok())
    }

    /// The word with zeros above it.
    pub(super) fn clean(&mut self, id: Id) -> Option<V> {
        let x = self.val(id)?;
        if x.zero {
            return Some(x.v);
        }
        let w = self.width(id);
        let v = match w {
            64 => x.v,
            32 => self.apart(32, Code::Mov_r32_rm32, x.v, 4),
            16 => self.apart(32, Code::Movzx_r32_rm16, x.v, 2),
            8 => self.apart(32, Code::Movzx_r32_rm8, x.v, 1),
            0..32 => {
                let mask = ((1u64 << w) - 1) as i32;
                self.with_number(32, and_code(32, mask), x.v, mask)
            }
            _ => {
                let up = self.shift(64, SHL, x.v, 64 - w);
                self.shift(64, SHR, up, 64 - w)
            }
        };
        self.done[usize::from(id)] = Some(Val { v, zero: true });
        Some(v)
    }

    /// The word, its sign repeated up to `to` bits (32 or 64).
    pub(super) fn extended(&mut self, id: Id, to: u32) -> Option<V> {
        let x = self.val(id)?.v;
        let w = self.width(id);
        Some(match (w, to) {
            _ if w == to => x,
            (8, 32) => self.apart(32, Code::Movsx_r32_rm8, x, 1),
            (8, _) => self.apart(64, Code::Movsx_r64_rm8, x, 1),
            (16, 32) => self.apart(32, Code::Movsx_r32_rm16, x, 2),
            (16, _) => self.apart(64, Code::Movsx_r64_rm16, x, 2),
            (32, _) => self.apart(64, Code::Movsxd_r64_rm32, x, 4),
            _ => {
                let up = self.shift(to, SHL, x, to - w);
                self.shift(to, SAR, up, to - w)
            }
        })
    }

    pub(super) fn val(&mut self, id: Id) -> Option<Val> {
        if let Some(x) = self.done[usize::from(id)] {
            return Some(x);
        }
        let w = self.width(id);
        if w > 64 {
            return None;
        }
        let x = self.select(id, w)?;
        // Nothing is above 64 bits, and 32-bit instructions clear what is above 32.
        let x = Val {
            zero: x.zero || w == 64,
            ..x
        };
        self.done[usize::from(id)] = Some(x);
        Some(x)
    }

    pub(super) fn select(&mut self, id: Id, w: u32) -> Option<Val> {
        let made = |v: V| Val { v, zero: w == 32 };
        let node = self.node(id);
        Some(match node.op {
            Op::Const(c) => Val {
                v: self.number(w, c as u64),
                zero: true,
            },
            Op::Var(n) => {
                let pool = &self.t.pool;
                let mut terms = self.t.input_terms.iter();
                let k = terms.position(|x| pool.node(*x) == Node::Var(n))?;
                Val {
                    v: k as V,
                    zero: false,
                }
            }
            Op::Un(UnOp::Not) if w == 1 => {
                let x = self.clean(self.arg(id, 0))?;
                Val {
                    v: self.with_number(32, Code::Xor_rm32_imm8, x, 1),
                    zero: true,
                }
            }
            Op::Un(op) => self.unary_word(id, op, w)?,
            Op::Bin(op) => made(self.binary(id, op, w)?),
            Op::Cmp(_) => {
                let cc = self.condition(id)?;
                let code = SET[usize::from(cc)];
                let v = self.push(32, &[], (false, false, false), move |d, _| {
                    let set = Instruction::with1(code, g(d, 1)).ok()?;
                    let clear = Instruction::with2(Code::Movzx_r32_rm8, g(d, 4), g(d, 1)).ok()?;
                    Some(vec![set, clear])
                });
                Val { v, zero: true }
            }
            Op::Ite => {
                let (c, yes, no) = (self.arg(id, 0), self.arg(id, 1), self.arg(id, 2));
                let (yes, no) = (self.val(yes)?, self.val(no)?);
                let cc = usize::from(self.condition(c)?);
                let code = form(w, CMOV32[cc], CMOV64[cc]);
                let s = bytes(w);
                let v = self.push(w, &[no.v, yes.v], (true, false, false), move |d, r| {
                    one(Instruction::with2(code, g(d, s), g(r[1], s)))
                });
                Val {
                    v,
                    zero: w == 32 || yes.zero && no.zero,
                }
            }
            Op::Extract(lo) => {
                let a = self.arg(id, 0);
                let from = self.width(a);
                if from > 64 {
                    return None;
                }
                let lo = u32::from(lo);
                if lo == 0 {
                    let x = self.val(a)?;
                    Val {
                        v: x.v,
                        zero: x.zero && w == from,
                    }
                } else {
                    let x = if whole(from) {
                        self.val(a)?.v
                    } else {
                        self.clean(a)?
                    };
                    Val {
                        v: self.shift(from, SHR, x, lo),
                        zero: lo + w == from,
                    }
                }
            }
            Op::Concat => {
                let (high, low) = (self.arg(id, 0), self.arg(id, 1));
                let by = self.width(low);
                let high = self.val(high)?;
                let up = self.shift(w, SHL, high.v, by);
                let low = self.clean(low)?;
                let or = form(w, Code::Or_r32_rm32, Code::Or_r64_rm64);
                made(self.two(w, or, up, low, true))
            }
            Op::Zext => Val {
                v: self.clean(self.arg(id, 0))?,
                zero: true,
            },
            Op::Sext => {
                let to = if w > 32 { 64 } else { 32 };
                made(self.extended(self.arg(id, 0), to)?)
            }
            Op::Fp(_) => return None,
        })
    }

    pub(super) fn unary_word(&mut self, id: Id, op: UnOp, w: u32) -> Option<Val> {
        let a = self.arg(id, 0);
        let march = self.t.march;
        let has = |level: March, ok: bool| (march >= level && ok).then_some(());
        let v = match op {
            UnOp::Not => {
                let x = self.val(a)?.v;
                self.unary(w, form(w, Code::Not_rm32, Code::Not_rm64), x)
            }
            UnOp::Neg => {
                let x = self.val(a)?.v;
                self.unary(w, form(w, Code::Neg_rm32, Code::Neg_rm64), x)
            }
            UnOp::Popcnt => {
                has(March::V2, true)?;
                let x = if whole(w) {
                    self.val(a)?.v
                } else {
                    self.clean(a)?
                };
                self.apart(
                    w,
                    form(w, Code::Popcnt_r32_rm32, Code::Popcnt_r64_rm64),
                    x,
                    bytes(w),
                )
            }
            UnOp::Clz | UnOp::Ctz => {
                has(March::V3, whole(w))?;
                let x = self.val(a)?.v;
                let code = match op {
                    UnOp::Clz => form(w, Code::Lzcnt_r32_rm32, Code::Lzcnt_r64_rm64),
                    _ => form(w, Code::Tzcnt_r32_rm32, Code::Tzcnt_r64_rm64),
                };
                self.apart(w, code, x, bytes(w))
            }
            UnOp::Bswap => {
                has(March::V1, whole(w))?;
                let x = self.val(a)?.v;
                self.unary(w, form(w, Code::Bswap_r32, Code::Bswap_r64), x)
            }
        };
        let counts = op == UnOp::Popcnt;
        Some(Val {
            v,
            zero: w == 32 || counts,
        })
    }

    /// `x` where the two are `x` and `x - 1`, or `x` and `-x`.
    pub(super) fn lowest(&self, a: Id, b: Id, negated: bool) -> Option<Id> {
        let is = |x: Id, y: Id| match self.node(y).op {
            Op::Un(UnOp::Neg) => negated && self.arg(y, 0) == x,
            Op::Bin(BinOp::Add) if !negated => {
                let (p, q) = (self.arg(y, 0), self.arg(y, 1));
                p == x && self.constant(q) == Some(-1) || q == x && self.constant(p) == Some(-1)
            }
            Op::Bin(BinOp::Sub) if !negated => {
                self.arg(y, 0) == x && self.constant(self.arg(y, 1)) == Some(1)
            }
            _ => false,
        };
        (self.t.march >= March::V3).then_some(())?;
        if is(a, b) {
            return Some(a);
        }
        is(b, a).then_some(b)
    }

    pub(super) fn binary(&mut self, id: Id, op: BinOp, w: u32) -> Option<V> {
        use BinOp::*;
        let (mut a, mut b) = (self.arg(id, 0), self.arg(id, 1));
        if op.commutes() && self.constant(a).is_some() {
            (a, b) = (b, a);
        }
        let v3 = self.t.march >= March::V3;
        match op {
            Add => {
                if let Some(k) = self.small(b) {
                    let x = self.val(a)?.v;
                    return Some(self.lea(w, x, None, k));
                }
                for (p, q) in [(a, b), (b, a)] {
                    // A small shift that nobody else needs is part of the address.
                    let shifted =
                        matches!(self.node(q).op, Op::Bin(Shl)) && self.uses[usize::from(q)] == 1;
                    if shifted && let Some(k @ 1..=3) = self.constant(self.arg(q, 1)) {
                        let base = self.val(p)?.v;
                        let index = self.val(self.arg(q, 0))?.v;
                        return Some(self.lea(w, base, Some((index, 1 << k)), 0));
                    }
                }
                let (x, y) = (self.val(a)?.v, self.val(b)?.v);
                Some(self.lea(w, x, Some((y, 1)), 0))
            }
            Sub => {
                if let Some(k) = self.small(b).and_then(i32::checked_neg) {
                    let x = self.val(a)?.v;
                    return Some(self.lea(w, x, None, k));
                }
                let (x, y) = (self.val(a)?.v, self.val(b)?.v);
                Some(self.two(
                    w,
                    form(w, Code::Sub_r32_rm32, Code::Sub_r64_rm64),
                    x,
                    y,
                    false,
                ))
            }
            And | Or | Xor => self.logic(op, a, b, w),
            Mul => {
                let x = self.val(a)?.v;
                let s = bytes(w);
                if let Some(k) = self.small(b) {
                    let code = form(w, Code::Imul_r32_rm32_imm32, Code::Imul_r64_rm64_imm32);
                    return Some(self.push(w, &[x], (false, false, true), move |d, r| {
                        one(Instruction::with3(code, g(d, s), g(r[0], s), k))
                    }));
                }
                let y = self.val(b)?.v;
                Some(self.two(
                    w,
                    form(w, Code::Imul_r32_rm32, Code::Imul_r64_rm64),
                    x,
                    y,
                    true,
                ))
            }
            MulHiU | MulHiS if w == 32 => {
                let both = [a, b].map(|x| match op {
                    MulHiU => self.clean(x),
                    _ => self.extended(x, 64),
                });
                let product = self.two(64, Code::Imul_r64_rm64, both[0]?, both[1]?, true);
                Some(self.shift(64, SHR, product, 32))
            }
            Shl | Lshr | Ashr => {
                let x = match op {
                    Lshr if !whole(w) => self.clean(a)?,
                    Ashr if !whole(w) => self.extended(a, if w > 32 { 64 } else { 32 })?,
                    _ => self.val(a)?.v,
                };
                let codes = match op {
                    Shl => SHL,
                    Lshr => SHR,
                    _ => SAR,
                };
                if let Some(k) = self.constant(b) {
                    let k = u32::try_from(k).ok().filter(|k| *k < w)?;
                    return Some(self.shift(w, codes, x, k));
                }
                // Counts modulo the width, as the processor takes them.
                let masked = matches!(self.node(b).op, Op::Bin(And)) && whole(w) && v3;
                let count = masked.then(|| [self.arg(b, 0), self.arg(b, 1)])?;
                let of = |k: Id| self.constant(k) == Some(i64::from(w) - 1);
                let count = match (of(count[0]), of(count[1])) {
                    (_, true) => count[0],
                    (true, _) => count[1],
                    _ => return None,
                };
                let y = self.val(count)?.v;
                let code = match op {
                    Shl => form(w, Code::VEX_Shlx_r32_rm32_r32, Code::VEX_Shlx_r64_rm64_r64),
                    Lshr => form(w, Code::VEX_Shrx_r32_rm32_r32, Code::VEX_Shrx_r64_rm64_r64),
                    _ => form(w, Code::VEX_Sarx_r32_rm32_r32, Code::VEX_Sarx_r64_rm64_r64),
                };
                Some(self.three(w, code, x, y))
            }
            Rotl | Rotr if whole(w) => {
                let k = u32::try_from(self.constant(b)?).ok()? % w;
                let x = self.val(a)?.v;
                Some(self.shift(w, if op == Rotl { ROL } else { ROR }, x, k))
            }
            Pext | Pdep if whole(w) && v3 => {
                let (x, y) = (self.val(a)?.v, self.val(b)?.v);
                let code = match op {
                    Pext => form(w, Code::VEX_Pext_r32_r32_rm32, Code::VEX_Pext_r64_r64_rm64),
                    _ => form(w, Code::VEX_Pdep_r32_r32_rm32, Code::VEX_Pdep_r64_r64_rm64),
                };
                Some(self.three(w, code, x, y))
            }
            _ => None,
        }
    }

    pub(super) fn logic(&mut self, op: BinOp, a: Id, b: Id, w: u32) -> Option<V> {
        use BinOp::{And, Or, Xor};
        let lowest = match op {
            And => (self
                .lowest(a, b, true)
                .map(|x| (x, Code::VEX_Blsi_r32_rm32, Code::VEX_Blsi_r64_rm64)))
            .or(self
                .lowest(a, b, false)
                .map(|x| (x, Code::VEX_Blsr_r32_rm32, Code::VEX_Blsr_r64_rm64))),
            Xor => self
                .lowest(a, b, false)
                .map(|x| (x, Code::VEX_Blsmsk_r32_rm32, Code::VEX_Blsmsk_r64_rm64)),
            _ => None,
        };
        if let Some((x, narrow, wide)) = lowest {
            let x = self.val(x)?.v;
            return Some(self.apart(w, form(w, narrow, wide), x, bytes(w)));
        }
        if op == And && self.t.march >= March::V3 {
            for (p, q) in [(a, b), (b, a)] {
                if matches!(self.node(p).op, Op::Un(UnOp::Not))
                    && self.uses[usize::from(p)] == 1
                    && w > 1
                {
                    let x = self.val(self.arg(p, 0))?.v;
                    let y = self.val(q)?.v;
                    return Some(self.three(
                        w,
                        form(w, Code::VEX_Andn_r32_r32_rm32, Code::VEX_Andn_r64_r64_rm64),
                        x,
                        y,
                    ));
                }
            }
        }
        // Truth values are kept clean: what is read of one elsewhere is its register.
        let of = |s: &mut Self, x: Id| {
            if w == 1 {
                s.clean(x)
            } else {
                s.val(x).map(|x| x.v)
            }
        };
        let x = of(self, a)?;
        if let Some(k) = self.small(b) {
            let code = match op {
                And => and_code(w, k),
                Or if i8::try_from(k).is_ok() => form(w, Code::Or_rm32_imm8, Code::Or_rm64_imm8),
                Or => form(w, Code::Or_rm32_imm32, Code::Or_rm64_imm32),
                _ if i8::try_from(k).is_ok() => form(w, Code::Xor_rm32_imm8, Code::Xor_rm64_imm8),
                _ => form(w, Code::Xor_rm32_imm32, Code::Xor_rm64_imm32),
            };
            return Some(self.with_number(w, code, x, k));
        }
        let y = of(self, b)?;
        let code = match op {
            And => form(w, Code::And_r32_rm32, Code::And_r64_rm64),
            Or => form(w, Code::Or_r32_rm32, Code::Or_r64_rm64),
            _ => form(w, Code::Xor_r32_rm32, Code::Xor_r64_rm64),
        };
        Some(self.two(w, code, x, y, true))
    }
}
