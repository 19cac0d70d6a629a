//! What single instructions and conditions simplify to: constants, one of their operands, a cheaper form.
//!
//! Looks at definitions of operands, never at where anything stands, so it does not change what is evaluated when: only
//! pure operations change. Floating-point rules are those that are exact for every operand that is not a NaN.

use super::eval;
use super::gvn::negate;
use crate::ir::{
    Addr, Base, BinOp, Cond, Function, Inst, IntCc, LoadKind, Opnd, OvfOp, Type, UnOp, Value, Width,
};

/// What an instruction became.
#[derive(Debug)]
pub(super) enum Fold {
    Keep,
    Const(Type, u64),
    Value(Value),
    Inst(Inst),
    /// The double times this constant.
    Times(Value, f64),
}

/// The bits of a constant.
fn bits(f: &Function, v: Value) -> Option<u64> {
    match f.def_inst(v) {
        Some(&Inst::Iconst(n)) => Some(n as u64),
        Some(&Inst::Fconst(bits)) => Some(bits),
        _ => None,
    }
}

/// An upper bound of the bits that can be set: all those below the result. 64 is no bound.
fn low_bits(f: &Function, v: Value) -> u32 {
    match f.def_inst(v) {
        Some(Inst::Load { kind, .. }) => match kind {
            LoadKind::U8 => 8,
            LoadKind::U16 => 16,
            LoadKind::U32 => 32,
            _ => 64,
        },
        Some(Inst::Unary { op, .. }) => match op {
            UnOp::Zext8 => 8,
            UnOp::Zext16 => 16,
            UnOp::Zext32 => 32,
            _ => 64,
        },
        Some(Inst::BoolOf(_)) => 1,
        Some(Inst::Iconst(n)) => 64 - n.leading_zeros(),
        Some(Inst::Binary {
            op: BinOp::And,
            b: Opnd::Imm(n @ 0..),
            ..
        }) => 32 - n.leading_zeros(),
        Some(Inst::Binary {
            op: BinOp::Shr,
            b: Opnd::Imm(n @ 1..=63),
            ..
        }) => 64 - *n as u32,
        Some(Inst::Binary {
            op: BinOp::Rotr32, ..
        }) => 32,
        _ => 64,
    }
}

pub(super) fn commutes(op: BinOp) -> bool {
    matches!(
        op,
        BinOp::Iadd
            | BinOp::Imul
            | BinOp::And
            | BinOp::Or
            | BinOp::Xor
            | BinOp::Smulh
            | BinOp::Fadd
            | BinOp::Fmul
    )
}

/// An operand as an immediate, if it is a constant that fits.
fn immediate(f: &Function, o: &mut Opnd) {
    if let Opnd::Value(v) = *o
        && let Some(n) = f.as_iconst(v).and_then(|n| i32::try_from(n).ok())
    {
        *o = Opnd::Imm(n);
    }
}

/// `v` as `x + c`.
pub(super) fn plus_const(f: &Function, v: Value) -> (Value, i64) {
    match f.def_inst(v) {
        Some(&Inst::Binary {
            op: BinOp::Iadd,
            a,
            b,
        }) => match f.opnd_const(b) {
            Some(n) => (a, n),
            None => (v, 0),
        },
        _ => (v, 0),
    }
}

fn binary(f: &Function, op: BinOp, mut a: Value, mut b: Opnd) -> Fold {
    let before = (a, b);
    if op.ty() == Type::I64 {
        immediate(f, &mut b);
    }
    if commutes(op)
        && bits(f, a).is_some()
        && let Opnd::Value(v) = b
        && bits(f, v).is_none()
    {
        b = Opnd::Value(a);
        a = v;
        if op.ty() == Type::I64 {
            immediate(f, &mut b);
        }
    }
    let const_b = match b {
        Opnd::Imm(n) => Some(n as i64 as u64),
        Opnd::Value(v) => bits(f, v),
    };
    if let (Some(x), Some(y)) = (bits(f, a), const_b)
        && let Some(n) = eval::binary(op, x, y)
    {
        return Fold::Const(op.ty(), n);
    }
    let int = |n: i64| Fold::Const(Type::I64, n as u64);
    let with = |op, a, b| Fold::Inst(Inst::Binary { op, a, b });
    if let Some(n) = const_b
        && op.ty() == Type::I64
    {
        let n = n as i64;
        match (op, n) {
            (BinOp::Iadd | BinOp::Isub | BinOp::Or | BinOp::Xor, 0) => return Fold::Value(a),
            (BinOp::Imul | BinOp::Sdiv | BinOp::Sfloor, 1) => return Fold::Value(a),
            (BinOp::Imul | BinOp::And | BinOp::Smulh, 0) | (BinOp::Srem | BinOp::Smod, 1) => {
                return int(0);
            }
            (BinOp::Sfloor, n) if n > 0 && n & (n - 1) == 0 => {
                return with(BinOp::Sar, a, Opnd::Imm(n.trailing_zeros() as i32));
            }
            (BinOp::Smod, n) if n & (n - 1) == 0 && i32::try_from(n - 1).is_ok_and(|n| n > 0) => {
                return with(BinOp::And, a, Opnd::Imm((n - 1) as i32));
            }
            (BinOp::And, -1) => return Fold::Value(a),
            // The constant does not fit an instruction, and equal masks should look equal.
            (BinOp::And, 0xffff_ffff) => {
                let op = UnOp::Zext32;
                return Fold::Inst(Inst::Unary { op, a });
            }
            (BinOp::Or, -1) => return int(-1),
            (BinOp::Xor, -1) => return Fold::Inst(Inst::Unary { op: UnOp::Inot, a }),
            (BinOp::Imul, -1) => return Fold::Inst(Inst::Unary { op: UnOp::Ineg, a }),
            (BinOp::Imul, n) if n > 0 && n & (n - 1) == 0 => {
                return with(BinOp::Shl, a, Opnd::Imm(n.trailing_zeros() as i32));
            }
            (BinOp::Shl | BinOp::Shr | BinOp::Sar | BinOp::Rotr, n) if n & 63 == 0 => {
                return Fold::Value(a);
            }
            (BinOp::And, n) if low_bits(f, a) < 63 && !n & ((1 << low_bits(f, a)) - 1) == 0 => {
                return Fold::Value(a);
            }
            // Differences with constants become sums, which combine.
            (BinOp::Isub, n) => {
                if let Some(n) = n.checked_neg().and_then(|n| i32::try_from(n).ok()) {
                    return with(BinOp::Iadd, a, Opnd::Imm(n));
                }
            }
            (BinOp::Iadd, n) => {
                let (x, m) = plus_const(f, a);
                if x != a
                    && let Ok(n) = i32::try_from(n.wrapping_add(m))
                {
                    return with(BinOp::Iadd, x, Opnd::Imm(n));
                }
            }
            _ => {}
        }
    }
    if let (Some(n), Opnd::Value(_)) = (const_b, b)
        && op.ty() == Type::F64
    {
        let y = f64::from_bits(n);
        match op {
            BinOp::Fmul | BinOp::Fdiv if y == 1.0 => return Fold::Value(a),
            BinOp::Fsub if n == 0 => return Fold::Value(a),
            BinOp::Fadd if n == 1 << 63 => return Fold::Value(a),
            _ => {}
        }
    }
    if let Opnd::Value(v) = b {
        if v == a {
            match op {
                BinOp::Isub | BinOp::Xor => return int(0),
                BinOp::And | BinOp::Or => return Fold::Value(a),
                _ => {}
            }
        }
        if op == BinOp::Isub {
            let ((x, m), (y, n)) = (plus_const(f, a), plus_const(f, v));
            if x == y {
                return int(m.wrapping_sub(n));
            }
        }
    }
    match before == (a, b) {
        true => Fold::Keep,
        false => with(op, a, b),
    }
}

/// The reciprocal, if multiplying by it is the same as dividing: of powers of two whose reciprocal is normal.
fn reciprocal(y: f64) -> Option<f64> {
    let mantissa = y.to_bits() & ((1 << 52) - 1);
    let r = 1.0 / y;
    (mantissa == 0 && y.is_normal() && r.is_normal()).then_some(r)
}

fn unary(f: &Function, op: UnOp, a: Value) -> Fold {
    if let Some(n) = bits(f, a).and_then(|n| eval::unary(op, n)) {
        return Fold::Const(op.types().1, n);
    }
    let bound = low_bits(f, a);
    match op {
        UnOp::Zext8 if bound <= 8 => return Fold::Value(a),
        UnOp::Zext16 if bound <= 16 => return Fold::Value(a),
        UnOp::Zext32 if bound <= 32 => return Fold::Value(a),
        UnOp::Sext8 if bound <= 7 => return Fold::Value(a),
        UnOp::Sext16 if bound <= 15 => return Fold::Value(a),
        UnOp::Sext32 if bound <= 31 => return Fold::Value(a),
        _ => {}
    }
    if let Some(&Inst::Unary { op: inner, a: x }) = f.def_inst(a) {
        match (op, inner) {
            (UnOp::Ineg, UnOp::Ineg)
            | (UnOp::Inot, UnOp::Inot)
            | (UnOp::Fneg, UnOp::Fneg)
            | (UnOp::BitsOfFloat, UnOp::FloatOfBits)
            | (UnOp::FloatOfBits, UnOp::BitsOfFloat) => return Fold::Value(x),
            (UnOp::Fabs, UnOp::Fneg) => return Fold::Inst(Inst::Unary { op, a: x }),
            (UnOp::Fabs, UnOp::Fabs) => return Fold::Value(a),
            _ => {}
        }
    }
    Fold::Keep
}

/// Moves constants from the base and the index of an address to its displacement. Whether it changed.
fn address(f: &Function, addr: &mut Addr) -> bool {
    let Some((v, scale)) = addr.index else {
        return false;
    };
    let Some(n) = f.as_iconst(v) else {
        return false;
    };
    let disp = n
        .checked_mul(1 << scale.log2())
        .and_then(|n| n.checked_add(addr.disp as i64));
    match disp.and_then(|d| i32::try_from(d).ok()) {
        Some(d) => {
            addr.index = None;
            addr.disp = d;
            true
        }
        None => false,
    }
}

fn cond_address(c: &mut Cond) -> Option<&mut Addr> {
    match c {
        Cond::IcmpMem { addr, .. } | Cond::TestMem { addr, .. } | Cond::RspMem { addr, .. } => {
            Some(addr)
        }
        _ => None,
    }
}

/// Simplifies an instruction whose operands are final. `asked` tells whether a condition asks for its overflow.
pub(super) fn fold_inst(f: &Function, inst: &mut Inst, asked: bool) -> Fold {
    match inst {
        Inst::Binary { op, a, b } => {
            if *op == BinOp::Fdiv
                && let Opnd::Value(v) = *b
                && let Some(r) = f.as_fconst(v).and_then(reciprocal)
                && bits(f, *a).is_none()
                && f.as_fconst(v) != Some(1.0)
            {
                return Fold::Times(*a, r);
            }
            binary(f, *op, *a, *b)
        }
        Inst::Unary { op, a } => unary(f, *op, *a),
        Inst::Overflow { op, a, b } if !asked => {
            let op = match op {
                OvfOp::Add => BinOp::Iadd,
                OvfOp::Sub => BinOp::Isub,
                OvfOp::Mul => BinOp::Imul,
            };
            Fold::Inst(Inst::Binary { op, a: *a, b: *b })
        }
        Inst::Overflow { b, .. } => {
            immediate(f, b);
            Fold::Keep
        }
        Inst::BoolOf(cond) => match fold_cond(f, cond) {
            Some(known) => Fold::Const(Type::I64, known as u64),
            None => Fold::Keep,
        },
        Inst::Select { cond, a, b, .. } => match fold_cond(f, cond) {
            _ if a == b => Fold::Value(*a),
            Some(true) => Fold::Value(*a),
            Some(false) => Fold::Value(*b),
            None => Fold::Keep,
        },
        Inst::AddrOf(addr) => {
            address(f, addr);
            match *addr {
                Addr {
                    base: Base::Value(v),
                    index: None,
                    disp,
                    ..
                } => match disp {
                    0 => Fold::Value(v),
                    n => Fold::Inst(Inst::Binary {
                        op: BinOp::Iadd,
                        a: v,
                        b: Opnd::Imm(n),
                    }),
                },
                _ => Fold::Keep,
            }
        }
        Inst::Load { addr, .. } | Inst::Store { addr, .. } | Inst::StoreImm { addr, .. } => {
            address(f, addr);
            Fold::Keep
        }
        Inst::MemOp { addr, x, .. } => {
            address(f, addr);
            immediate(f, x);
            Fold::Keep
        }
        _ => Fold::Keep,
    }
}

/// The comparison with its operands exchanged, where there is one.
pub(crate) fn mirror(cc: IntCc) -> Option<IntCc> {
    Some(match cc {
        IntCc::Eq | IntCc::Ne => cc,
        IntCc::Slt => IntCc::Sgt,
        IntCc::Sle => IntCc::Sge,
        IntCc::Sgt => IntCc::Slt,
        IntCc::Sge => IntCc::Sle,
        IntCc::Ult => IntCc::Ugt,
        IntCc::Ule => IntCc::Uge,
        IntCc::Ugt => IntCc::Ult,
        IntCc::Uge => IntCc::Ule,
        IntCc::Of | IntCc::NoOf | IntCc::Neg | IntCc::NonNeg => return None,
    })
}

/// Whether the overflow-checked operation that defined this value never overflows, whatever its first operand.
fn never_overflows(f: &Function, v: Value) -> Option<bool> {
    let Some(&Inst::Overflow { op, a, b }) = f.def_inst(v) else {
        return None;
    };
    let b = f.opnd_const(b)?;
    match (op, b) {
        (OvfOp::Add | OvfOp::Sub | OvfOp::Mul, 0) | (OvfOp::Mul, 1) => Some(true),
        _ => Some(!eval::overflowing(op, f.as_iconst(a)?, b).1),
    }
}

/// Simplifies a condition whose operands are final; tells its outcome if it is known.
pub(super) fn fold_cond(f: &Function, cond: &mut Cond) -> Option<bool> {
    if let Some(addr) = cond_address(cond) {
        address(f, addr);
    }
    match cond {
        Cond::Icmp { cc, w, a, b } => {
            if let (Some(_), Opnd::Value(v), Some(m)) = (f.as_iconst(*a), *b, mirror(*cc)) {
                *b = Opnd::Value(*a);
                *a = v;
                *cc = m;
            }
            immediate(f, b);
            if let (Some(x), Some(y)) = (f.as_iconst(*a), f.opnd_const(*b)) {
                return Some(eval::compare(*cc, *w, x as u64, y as u64));
            }
            if *b == Opnd::Value(*a) {
                return Some(eval::compare(*cc, *w, 0, 0));
            }
            // A choice between constants: what decided it.
            if let (
                Some(&Inst::Select {
                    cond: inner, a, b, ..
                }),
                Some(y),
            ) = (f.def_inst(*a), f.opnd_const(*b))
                && let (Some(p), Some(q)) = (f.as_iconst(a), f.as_iconst(b))
            {
                let with = |x: i64| eval::compare(*cc, *w, x as u64, y as u64);
                let inner = match (with(p), with(q), inner) {
                    (true, true, _) => return Some(true),
                    (false, false, _) => return Some(false),
                    (true, false, Cond::Icmp { .. } | Cond::Test { .. }) => Some(inner),
                    (false, true, Cond::Icmp { cc, w, a, b }) => {
                        let cc = negate(cc);
                        Some(Cond::Icmp { cc, w, a, b })
                    }
                    (false, true, Cond::Test { cc, w, a, b }) => {
                        let cc = negate(cc);
                        Some(Cond::Test { cc, w, a, b })
                    }
                    _ => None,
                };
                if let Some(inner) = inner {
                    *cond = inner;
                    return fold_cond(f, cond);
                }
            }
            // A truth value that is asked again.
            if let (IntCc::Ne, Width::W64, Opnd::Imm(0), Some(Inst::BoolOf(inner))) =
                (*cc, *w, *b, f.def_inst(*a))
                && matches!(
                    inner,
                    Cond::Icmp { .. } | Cond::Test { .. } | Cond::Fcmp { .. }
                )
            {
                *cond = *inner;
                return fold_cond(f, cond);
            }
            None
        }
        Cond::Test { cc, w, a, b } => {
            if let (Some(_), Opnd::Value(v)) = (f.as_iconst(*a), *b) {
                *b = Opnd::Value(*a);
                *a = v;
            }
            immediate(f, b);
            let (x, y) = (f.as_iconst(*a), f.opnd_const(*b));
            let zero = y.is_some_and(|y| eval::low(y as u64, *w).0 == 0);
            match (x, y) {
                (Some(x), Some(y)) => Some(eval::compare(*cc, *w, (x & y) as u64, 0)),
                _ if zero => Some(eval::compare(*cc, *w, 0, 0)),
                _ => None,
            }
        }
        Cond::IcmpMem { b, .. } | Cond::TestMem { b, .. } => {
            immediate(f, b);
            None
        }
        Cond::Fcmp { cc, a, b } => Some(eval::compare_floats(
            *cc,
            f.as_fconst(*a)?,
            f.as_fconst(*b)?,
        )),
        Cond::RspMem { .. } => None,
        Cond::Overflow(v) => match never_overflows(f, *v)? {
            true => Some(false),
            // Both operands are constants and the answer is yes.
            false => Some(true),
        },
    }
}
