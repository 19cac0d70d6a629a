//! Multiplication, division, and the additions that keep two carries.

use super::Unsupported;
use crate::isa::domain::{BinOp, CmpOp, Domain};
use crate::isa::machine::{FaultKind, Flag, Machine};
use iced_x86::{Instruction, Mnemonic, Register};

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    match i.mnemonic() {
        Mul | Imul if i.op_count() == 1 => wide(d, m, i)?,
        Imul => {
            let n = i.op_count();
            let a = m.read(d, i, n - 2)?;
            let b = m.read(d, i, n - 1)?;
            let lo = d.bin(BinOp::Mul, &a, &b);
            let hi = d.bin(BinOp::MulHiS, &a, &b);
            overflow_signed(d, m, &lo, &hi);
            m.write(d, i, 0, &lo)?;
        }
        Mulx => {
            let b = m.read(d, i, 2)?;
            let w = d.width(&b);
            let a = m.read_gpr(
                d,
                if w == 64 {
                    Register::RDX
                } else {
                    Register::EDX
                },
            );
            let lo = d.bin(BinOp::Mul, &a, &b);
            let hi = d.bin(BinOp::MulHiU, &a, &b);
            // With one register named twice, the high half stays.
            m.write(d, i, 1, &lo)?;
            m.write(d, i, 0, &hi)?;
        }
        Adcx | Adox => {
            let f = if i.mnemonic() == Adcx {
                Flag::Cf
            } else {
                Flag::Of
            };
            let a = m.read(d, i, 0)?;
            let b = m.read(d, i, 1)?;
            let w = d.width(&a);
            let c = m.flag(f);
            let c = d.zext(&c, w);
            let t = d.add(&a, &b);
            let r = d.add(&t, &c);
            let (c1, c2) = (d.cmp(CmpOp::Ult, &t, &a), d.cmp(CmpOp::Ult, &r, &t));
            let carry = d.or(&c1, &c2);
            m.set_flag(f, carry);
            m.write(d, i, 0, &r)?;
        }
        Div | Idiv => divide(d, m, i)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The register pair of one-operand multiplications and divisions: low, high; `ax` alone for bytes.
fn pair(w: u32) -> (Register, Register) {
    match w {
        8 => (Register::AL, Register::AH),
        16 => (Register::AX, Register::DX),
        32 => (Register::EAX, Register::EDX),
        _ => (Register::RAX, Register::RDX),
    }
}

fn overflow_signed<D: Domain>(d: &mut D, m: &mut Machine<D>, lo: &D::W, hi: &D::W) {
    // The high half is the low half's sign everywhere.
    let w = d.width(lo);
    let k = d.constant(w, (w - 1).into());
    let sign = d.bin(BinOp::Ashr, lo, &k);
    let same = d.eq(hi, &sign);
    let o = d.not(&same);
    set_overflow(d, m, o);
}

fn set_overflow<D: Domain>(d: &mut D, m: &mut Machine<D>, o: D::W) {
    m.set_flag(Flag::Cf, o.clone());
    m.set_flag(Flag::Of, o);
    m.undefine(d, &[Flag::Sf, Flag::Zf, Flag::Af, Flag::Pf]);
}

fn wide<D: Domain>(d: &mut D, m: &mut Machine<D>, i: &Instruction) -> Result<(), Unsupported> {
    let b = m.read(d, i, 0)?;
    let w = d.width(&b);
    let (low, _) = pair(w);
    let a = m.read_gpr(d, low);
    let lo = d.bin(BinOp::Mul, &a, &b);
    let signed = i.mnemonic() == Mnemonic::Imul;
    let hi = d.bin(if signed { BinOp::MulHiS } else { BinOp::MulHiU }, &a, &b);
    if signed {
        overflow_signed(d, m, &lo, &hi);
    } else {
        let z = d.is_zero(&hi);
        let o = d.not(&z);
        set_overflow(d, m, o);
    }
    write_pair(d, m, &lo, &hi);
    Ok(())
}

/// Writes the registers [`pair`] names; those of bytes are halves of one.
fn write_pair<D: Domain>(d: &mut D, m: &mut Machine<D>, lo: &D::W, hi: &D::W) {
    let w = d.width(lo);
    if w == 8 {
        let ax = d.concat(hi, lo);
        m.write_gpr(d, Register::AX, &ax);
    } else {
        let (low, high) = pair(w);
        m.write_gpr(d, low, lo);
        m.write_gpr(d, high, hi);
    }
}

/// Whether all bits of `hi` are the sign of `lo`, as far as the domain can tell.
fn is_sign_of<D: Domain>(d: &mut D, hi: &D::W, lo: &D::W) -> bool {
    let w = d.width(lo);
    let k = d.constant(w, (w - 1).into());
    let sign = d.bin(BinOp::Ashr, lo, &k);
    let same = d.eq(hi, &sign);
    d.as_constant(&same) == Some(1)
}

/// Faults when the divisor is zero or the quotient does not fit.
fn divide<D: Domain>(d: &mut D, m: &mut Machine<D>, i: &Instruction) -> Result<(), Unsupported> {
    let b = m.read(d, i, 0)?;
    let w = d.width(&b);
    let (low, high) = pair(w);
    let lo = m.read_gpr(d, low);
    let hi = m.read_gpr(d, high);
    let zero = d.is_zero(&b);
    let signed = i.mnemonic() == Mnemonic::Idiv;
    let narrow = !signed && d.as_constant(&hi) == Some(0);
    let (q, r) = if narrow {
        // The usual case of a cleared high half needs no wide division and cannot overflow.
        m.fault(FaultKind::Divide, zero);
        (d.bin(BinOp::Udiv, &lo, &b), d.bin(BinOp::Urem, &lo, &b))
    } else if signed && is_sign_of(d, &hi, &lo) {
        // Nor does a sign-extended low half, of which only the least number by -1 overflows.
        let (min, ones) = (d.constant(w, 1 << (w - 1)), d.constant(w, u128::MAX));
        let (x, y) = (d.eq(&lo, &min), d.eq(&b, &ones));
        let over = d.and(&x, &y);
        let bad = d.or(&zero, &over);
        m.fault(FaultKind::Divide, bad);
        (d.bin(BinOp::Sdiv, &lo, &b), d.bin(BinOp::Srem, &lo, &b))
    } else {
        let n = d.concat(&hi, &lo);
        let wide = if signed {
            d.sext(&b, 2 * w)
        } else {
            d.zext(&b, 2 * w)
        };
        let (div, rem) = if signed {
            (BinOp::Sdiv, BinOp::Srem)
        } else {
            (BinOp::Udiv, BinOp::Urem)
        };
        let q = d.bin(div, &n, &wide);
        let r = d.bin(rem, &n, &wide);
        let ql = d.trunc(&q, w);
        let bad = if signed {
            let back = d.sext(&ql, 2 * w);
            let fits = d.eq(&back, &q);
            let over = d.not(&fits);
            let bad = d.or(&zero, &over);
            // The least number by -1 wraps back to itself in the wide word and would look as if it fitted.
            let min = d.constant(2 * w, 1 << (2 * w - 1));
            let ones = d.constant(2 * w, u128::MAX);
            let (x, y) = (d.eq(&n, &min), d.eq(&wide, &ones));
            let both = d.and(&x, &y);
            d.or(&bad, &both)
        } else {
            // The quotient fits exactly when the high half is below the divisor, which then is not zero.
            let fits = d.cmp(CmpOp::Ult, &hi, &b);
            d.not(&fits)
        };
        m.fault(FaultKind::Divide, bad);
        (ql, d.trunc(&r, w))
    };
    write_pair(d, m, &q, &r);
    m.undefine(d, &Flag::ALL);
    Ok(())
}
