//! Conversions between integers and floats, and between floats.

use super::Unsupported;
use super::float::{Shape, on_one};
use super::lanes::{dst_words, join, read, read_low, sources, split, write_low};
use crate::isa::domain::{Domain, FpOp};
use crate::isa::machine::Machine;
use iced_x86::{Instruction, Mnemonic};

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    match i.mnemonic() {
        Cvtsi2ss | Vcvtsi2ss => from_integer(d, m, i, 32)?,
        Cvtsi2sd | Vcvtsi2sd => from_integer(d, m, i, 64)?,
        Cvtss2si | Vcvtss2si => to_integer(d, m, i, 32, FpOp::ToInt)?,
        Cvtsd2si | Vcvtsd2si => to_integer(d, m, i, 64, FpOp::ToInt)?,
        Cvttss2si | Vcvttss2si => to_integer(d, m, i, 32, FpOp::ToIntTrunc)?,
        Cvttsd2si | Vcvttsd2si => to_integer(d, m, i, 64, FpOp::ToIntTrunc)?,
        Cvtss2sd | Vcvtss2sd => on_one(d, m, i, Shape::Scalar, 32, FpOp::Convert(64))?,
        Cvtsd2ss | Vcvtsd2ss => on_one(d, m, i, Shape::Scalar, 64, FpOp::Convert(32))?,
        Cvtdq2ps | Vcvtdq2ps => on_one(d, m, i, Shape::Packed, 32, FpOp::FromInt(32))?,
        Cvtps2dq | Vcvtps2dq => on_one(d, m, i, Shape::Packed, 32, FpOp::ToInt(32))?,
        Cvttps2dq | Vcvttps2dq => on_one(d, m, i, Shape::Packed, 32, FpOp::ToIntTrunc(32))?,
        Cvtdq2pd | Vcvtdq2pd => widening(d, m, i, FpOp::FromInt(64))?,
        Cvtps2pd | Vcvtps2pd => widening(d, m, i, FpOp::Convert(64))?,
        Cvtpd2ps | Vcvtpd2ps => narrowing(d, m, i, FpOp::Convert(32))?,
        Cvtpd2dq | Vcvtpd2dq => narrowing(d, m, i, FpOp::ToInt(32))?,
        Cvttpd2dq | Vcvttpd2dq => narrowing(d, m, i, FpOp::ToIntTrunc(32))?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn from_integer<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u8,
) -> Result<(), Unsupported> {
    let x = m.read(d, i, sources(i).1)?;
    let r = d.fp(FpOp::FromInt(w), &[x]);
    write_low(d, m, i, &r)
}

fn to_integer<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
    op: fn(u8) -> FpOp,
) -> Result<(), Unsupported> {
    let x = read_low(d, m, i, 1, w)?;
    let to = if Machine::<D>::operand_width(i, 0) == 64 {
        64
    } else {
        32
    };
    let r = d.fp(op(to), &[x]);
    m.write(d, i, 0, &r)
}

/// The low lanes of 32 bits to lanes of 64.
fn widening<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    op: FpOp,
) -> Result<(), Unsupported> {
    let a = read(d, m, i, 1)?;
    let lanes = split(d, &a, 32);
    let r: Vec<D::W> = lanes
        .iter()
        .take(dst_words(i))
        .map(|x| d.fp(op, std::slice::from_ref(x)))
        .collect();
    m.write_vec(d, i, 0, &r)
}

/// Lanes of 64 bits to lanes of 32; the rest of 128 bits is cleared.
fn narrowing<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    op: FpOp,
) -> Result<(), Unsupported> {
    let a = read(d, m, i, 1)?;
    let lanes: Vec<D::W> = a
        .iter()
        .map(|x| d.fp(op, std::slice::from_ref(x)))
        .collect();
    let mut r = join(d, &lanes);
    if r.len() < 2 {
        r.push(d.constant(64, 0));
    }
    m.write_vec(d, i, 0, &r)
}
