//! Choosing between two sources by mask, and single elements in and out of registers.

use super::Unsupported;
use super::lanes::{
    dst_words, imm, is_vex, join, join_word, read, read_low, read2, select, sources, split,
};
use crate::isa::domain::Domain;
use crate::isa::machine::Machine;
use iced_x86::{Instruction, Mnemonic, OpKind};

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    match i.mnemonic() {
        Pblendw | Vpblendw => blend_by_immediate(d, m, i, 16)?,
        Vpblendd | Blendps | Vblendps => blend_by_immediate(d, m, i, 32)?,
        Blendpd | Vblendpd => blend_by_immediate(d, m, i, 64)?,
        Pblendvb | Vpblendvb => blend_by_sign(d, m, i, 8)?,
        Blendvps | Vblendvps => blend_by_sign(d, m, i, 32)?,
        Blendvpd | Vblendvpd => blend_by_sign(d, m, i, 64)?,
        Pmovmskb | Vpmovmskb => signs(d, m, i, 8)?,
        Movmskps | Vmovmskps => signs(d, m, i, 32)?,
        Movmskpd | Vmovmskpd => signs(d, m, i, 64)?,
        Pextrb | Vpextrb => extract(d, m, i, 8)?,
        Pextrw | Vpextrw => extract(d, m, i, 16)?,
        Pextrd | Vpextrd | Extractps | Vextractps => extract(d, m, i, 32)?,
        Pextrq | Vpextrq => extract(d, m, i, 64)?,
        Pinsrb | Vpinsrb => insert(d, m, i, 8)?,
        Pinsrw | Vpinsrw => insert(d, m, i, 16)?,
        Pinsrd | Vpinsrd => insert(d, m, i, 32)?,
        Pinsrq | Vpinsrq => insert(d, m, i, 64)?,
        Insertps | Vinsertps => insertps(d, m, i)?,
        Vextracti128 | Vextractf128 => {
            let a = read(d, m, i, 1)?;
            let k = imm(d, m, i)?;
            let k = d.extract(&k, 0, 1);
            let r: Vec<D::W> = (0..2)
                .map(|j| select(d, &[a[j].clone(), a[j + 2].clone()], &k))
                .collect();
            m.write_vec(d, i, 0, &r)?;
        }
        Vinserti128 | Vinsertf128 => {
            let a = read(d, m, i, 1)?;
            let b = read(d, m, i, 2)?;
            let k = imm(d, m, i)?;
            let k = d.extract(&k, 0, 1);
            let r: Vec<D::W> = (0..4)
                .map(|j| {
                    if j < 2 {
                        d.ite(&k, &a[j], &b[j])
                    } else {
                        d.ite(&k, &b[j - 2], &a[j])
                    }
                })
                .collect();
            m.write_vec(d, i, 0, &r)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Lanes of the second source where `second`, given the lane's number, holds; of the first elsewhere.
fn blend<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
    mut second: impl FnMut(&mut D, usize) -> D::W,
) -> Result<(), Unsupported> {
    let (a, b) = read2(d, m, i)?;
    let (a, b) = (split(d, &a, w), split(d, &b, w));
    let out: Vec<D::W> = (0..a.len())
        .map(|j| {
            let c = second(d, j);
            d.ite(&c, &b[j], &a[j])
        })
        .collect();
    let r = join(d, &out);
    m.write_vec(d, i, 0, &r)
}

/// By bit `j` (modulo 8) of the immediate.
fn blend_by_immediate<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let k = imm(d, m, i)?;
    blend(d, m, i, w, |d, j| d.extract(&k, j as u32 % 8, 1))
}

/// By the signs of the mask's lanes; legacy forms have the mask in xmm0.
fn blend_by_sign<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let mask = if is_vex(i) {
        read(d, m, i, 3)?
    } else {
        m.vec[0][..2].to_vec()
    };
    let mask = split(d, &mask, w);
    blend(d, m, i, w, |d, j| d.msb(&mask[j]))
}

/// The sign bits of all lanes, in a general register.
fn signs<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let a = read(d, m, i, 1)?;
    let bits: Vec<D::W> = split(d, &a, w).iter().map(|l| d.msb(l)).collect();
    let r = join_word(d, &bits);
    let r = d.zext(&r, Machine::<D>::operand_width(i, 0));
    m.write(d, i, 0, &r)
}

/// An element to a general register, extended with zeros, or to memory.
fn extract<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let a = read(d, m, i, 1)?;
    let lanes = split(d, &a, w);
    let k = imm(d, m, i)?;
    let k = d.trunc(&k, lanes.len().trailing_zeros());
    let r = select(d, &lanes, &k);
    let r = d.zext(&r, Machine::<D>::operand_width(i, 0));
    m.write(d, i, 0, &r)
}

/// An element from a general register or memory.
fn insert<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let (s, e) = sources(i);
    let a = read(d, m, i, s)?;
    let x = m.read(d, i, e)?;
    let x = d.trunc(&x, w);
    let mut lanes = split(d, &a, w);
    let k = imm(d, m, i)?;
    let bits = lanes.len().trailing_zeros();
    let k = d.trunc(&k, bits);
    for (j, l) in lanes.iter_mut().enumerate() {
        let j = d.constant(bits, j as u128);
        let c = d.eq(&k, &j);
        *l = d.ite(&c, &x, l);
    }
    let r = join(d, &lanes);
    m.write_vec(d, i, 0, &r)
}

/// A 32-bit element by immediate from one register to another, with lanes cleared.
fn insertps<D: Domain>(d: &mut D, m: &mut Machine<D>, i: &Instruction) -> Result<(), Unsupported> {
    let (s, e) = sources(i);
    let a = read(d, m, i, s)?;
    let k = imm(d, m, i)?;
    let x = if i.op_kind(e) == OpKind::Memory {
        read_low(d, m, i, e, 32)?
    } else {
        let b = read(d, m, i, e)?;
        let b = split(d, &b, 32);
        let which = d.extract(&k, 6, 2);
        select(d, &b, &which)
    };
    let at = d.extract(&k, 4, 2);
    let zero = d.constant(32, 0);
    let mut lanes = split(d, &a, 32);
    for (j, l) in lanes.iter_mut().enumerate() {
        let n = d.constant(2, j as u128);
        let c = d.eq(&at, &n);
        let v = d.ite(&c, &x, l);
        let clear = d.extract(&k, j as u32, 1);
        *l = d.ite(&clear, &zero, &v);
    }
    let r = join(d, &lanes);
    debug_assert_eq!(r.len(), dst_words(i));
    m.write_vec(d, i, 0, &r)
}
