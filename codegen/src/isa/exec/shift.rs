//! Shifts and rotates.

use super::{Unsupported, flags};
use crate::isa::domain::{BinOp, CmpOp, Domain};
use crate::isa::machine::{Flag, Machine};
use iced_x86::{Instruction, Mnemonic, OpKind};

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    match i.mnemonic() {
        Shl | Sal | Shr | Sar | Rol | Ror | Rcl | Rcr => {
            let a = m.read(d, i, 0)?;
            let c = count(d, m, i, 1)?;
            match i.mnemonic() {
                Rol | Ror => rotate(d, m, i, &a, &c)?,
                Rcl | Rcr => rotate_carry(d, m, i, &a, &c)?,
                _ => shift(d, m, i, &a, &c)?,
            }
        }
        Shld | Shrd => {
            let a = m.read(d, i, 0)?;
            let b = m.read(d, i, 1)?;
            let c = count(d, m, i, 2)?;
            double_shift(d, m, i, &a, &b, &c)?;
        }
        Shlx | Shrx | Sarx => {
            let a = m.read(d, i, 1)?;
            let b = m.read(d, i, 2)?;
            let w = d.width(&a);
            let k = d.constant(w, (w - 1).into());
            let c = d.and(&b, &k);
            let op = match i.mnemonic() {
                Shlx => BinOp::Shl,
                Shrx => BinOp::Lshr,
                _ => BinOp::Ashr,
            };
            let r = d.bin(op, &a, &c);
            m.write(d, i, 0, &r)?;
        }
        Rorx => {
            let a = m.read(d, i, 1)?;
            let b = m.read(d, i, 2)?;
            let w = d.width(&a);
            let b = d.zext(&b, w);
            let r = d.bin(BinOp::Rotr, &a, &b);
            m.write(d, i, 0, &r)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The count, masked to 5 bits (6 for 64-bit operands), as wide as the first operand.
fn count<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    op: u32,
) -> Result<D::W, Unsupported> {
    let w = Machine::<D>::operand_width(i, 0);
    let c = m.read(d, i, op)?;
    let mask = d.constant(8, if w == 64 { 63 } else { 31 });
    let c = d.and(&c, &mask);
    Ok(d.zext(&c, w))
}

/// A flag's new value where the count is not zero, its old one where it is.
fn set_unless_zero<D: Domain>(d: &mut D, m: &mut Machine<D>, zero: &D::W, f: Flag, new: &D::W) {
    let old = m.flag(f);
    let v = d.ite(zero, &old, new);
    m.set_flag(f, v);
}

/// SF, ZF and PF of `r` where the count is not zero.
fn set_szp_unless_zero<D: Domain>(d: &mut D, m: &mut Machine<D>, zero: &D::W, r: &D::W) {
    let old = [m.flag(Flag::Sf), m.flag(Flag::Zf), m.flag(Flag::Pf)];
    flags::set_szp(d, m, r);
    for (f, o) in [Flag::Sf, Flag::Zf, Flag::Pf].into_iter().zip(old) {
        let new = m.flag(f);
        let v = d.ite(zero, &o, &new);
        m.set_flag(f, v);
    }
}

/// OF where the count is one, undefined where it is more, unchanged where it is zero.
fn set_of<D: Domain>(d: &mut D, m: &mut Machine<D>, c: &D::W, zero: &D::W, of: &D::W) {
    let w = d.width(c);
    let one = d.constant(w, 1);
    let is_one = d.eq(c, &one);
    let u = d.undefined(1);
    let v = d.ite(&is_one, of, &u);
    set_unless_zero(d, m, zero, Flag::Of, &v);
}

fn undefine_af<D: Domain>(d: &mut D, m: &mut Machine<D>, zero: &D::W) {
    let u = d.undefined(1);
    set_unless_zero(d, m, zero, Flag::Af, &u);
}

fn shift<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    a: &D::W,
    c: &D::W,
) -> Result<(), Unsupported> {
    let w = d.width(a);
    let op = match i.mnemonic() {
        Mnemonic::Shr => BinOp::Lshr,
        Mnemonic::Sar => BinOp::Ashr,
        _ => BinOp::Shl,
    };
    let r = d.bin(op, a, c);
    let zero = d.is_zero(c);
    // The last bit out: one shift less, then the bit at the edge.
    let one = d.constant(w, 1);
    let less = d.sub(c, &one);
    let t = d.bin(op, a, &less);
    let mut cf = if op == BinOp::Shl {
        d.msb(&t)
    } else {
        d.trunc(&t, 1)
    };
    if w < 32 && op != BinOp::Ashr {
        // Counts of the width and more leave CF undefined for narrow operands.
        let k = d.constant(w, w.into());
        let inside = d.cmp(CmpOp::Ult, c, &k);
        let u = d.undefined(1);
        cf = d.ite(&inside, &cf, &u);
    }
    let of = match op {
        BinOp::Shl => {
            let s = d.msb(&r);
            d.xor(&s, &cf)
        }
        BinOp::Lshr => d.msb(a),
        _ => d.bit(false),
    };
    set_unless_zero(d, m, &zero, Flag::Cf, &cf);
    set_of(d, m, c, &zero, &of);
    undefine_af(d, m, &zero);
    set_szp_unless_zero(d, m, &zero, &r);
    m.write(d, i, 0, &r)
}

/// CF, and OF: the new top bit against CF after a rotate to the left, against the bit below it after one to the right.
fn set_rotated<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    c: &D::W,
    zero: &D::W,
    left: bool,
    r: &D::W,
    cf: &D::W,
) {
    let top = d.msb(r);
    let of = if left {
        d.xor(&top, cf)
    } else {
        let next = d.extract(r, d.width(r) - 2, 1);
        d.xor(&top, &next)
    };
    set_unless_zero(d, m, zero, Flag::Cf, cf);
    set_of(d, m, c, zero, &of);
}

fn rotate<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    a: &D::W,
    c: &D::W,
) -> Result<(), Unsupported> {
    let left = i.mnemonic() == Mnemonic::Rol;
    let r = d.bin(if left { BinOp::Rotl } else { BinOp::Rotr }, a, c);
    let zero = d.is_zero(c);
    let top = d.msb(&r);
    let cf = if left { d.trunc(&r, 1) } else { top };
    set_rotated(d, m, c, &zero, left, &r, &cf);
    m.write(d, i, 0, &r)
}

/// Rotates through the carry: the operand with CF above it, as one word a bit wider.
fn rotate_carry<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    a: &D::W,
    c: &D::W,
) -> Result<(), Unsupported> {
    let w = d.width(a);
    let left = i.mnemonic() == Mnemonic::Rcl;
    let cf = m.flag(Flag::Cf);
    if i.op_kind(1) != OpKind::Register && i.immediate(1) == 1 {
        return rotate_carry_by_one(d, m, i, a, &cf);
    }
    let x = d.concat(&cf, a);
    let c1 = d.zext(c, w + 1);
    let n = d.constant(w + 1, (w + 1).into());
    // Masked counts are below the width plus one except for 8 and 16 bits.
    let k = if w < 32 {
        d.bin(BinOp::Urem, &c1, &n)
    } else {
        c1
    };
    let back = d.sub(&n, &k);
    let (l, r) = if left { (&k, &back) } else { (&back, &k) };
    let hi = d.bin(BinOp::Shl, &x, l);
    let lo = d.bin(BinOp::Lshr, &x, r);
    let y = d.or(&hi, &lo);
    let r = d.trunc(&y, w);
    let cf = d.extract(&y, w, 1);
    let zero = d.is_zero(c);
    set_rotated(d, m, c, &zero, left, &r, &cf);
    m.write(d, i, 0, &r)
}

/// By the constant one, where no word is wider than the operand: searches evaluate words of at most 64 bits.
fn rotate_carry_by_one<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    a: &D::W,
    cf: &D::W,
) -> Result<(), Unsupported> {
    let w = d.width(a);
    let (r, out, of) = if i.mnemonic() == Mnemonic::Rcl {
        let rest = d.trunc(a, w - 1);
        let (r, out) = (d.concat(&rest, cf), d.msb(a));
        let top = d.msb(&r);
        (r, out.clone(), d.xor(&top, &out))
    } else {
        let rest = d.extract(a, 1, w - 1);
        let top = d.msb(a);
        (d.concat(cf, &rest), d.trunc(a, 1), d.xor(cf, &top))
    };
    m.set_flag(Flag::Cf, out);
    m.set_flag(Flag::Of, of);
    m.write(d, i, 0, &r)
}

fn double_shift<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    a: &D::W,
    b: &D::W,
    c: &D::W,
) -> Result<(), Unsupported> {
    let w = d.width(a);
    let left = i.mnemonic() == Mnemonic::Shld;
    let zero = d.is_zero(c);
    let n = d.constant(w, w.into());
    let back = d.sub(&n, c);
    let (l, r) = if left {
        (BinOp::Shl, BinOp::Lshr)
    } else {
        (BinOp::Lshr, BinOp::Shl)
    };
    let x = d.bin(l, a, c);
    let y = d.bin(r, b, &back);
    let mut r = d.or(&x, &y);
    let one = d.constant(w, 1);
    let less = d.sub(c, &one);
    let t = d.bin(l, a, &less);
    let mut cf = if left { d.msb(&t) } else { d.trunc(&t, 1) };
    if w == 16 {
        // A count above the width leaves everything undefined, each flag by itself.
        let over = d.cmp(CmpOp::Ult, &n, c);
        let u = d.undefined(w);
        r = d.ite(&over, &u, &r);
        let u = d.undefined(1);
        cf = d.ite(&over, &u, &cf);
    }
    let (s0, s1) = (d.msb(a), d.msb(&r));
    let of = d.xor(&s0, &s1);
    set_unless_zero(d, m, &zero, Flag::Cf, &cf);
    set_of(d, m, c, &zero, &of);
    undefine_af(d, m, &zero);
    set_szp_unless_zero(d, m, &zero, &r);
    if w == 16 {
        let over = d.cmp(CmpOp::Ult, &n, c);
        for flag in [Flag::Sf, Flag::Zf, Flag::Pf] {
            let u = d.undefined(1);
            let f = d.ite(&over, &u, &m.flag(flag));
            m.set_flag(flag, f);
        }
    }
    m.write(d, i, 0, &r)
}
