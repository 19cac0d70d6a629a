//! Moves between vector registers, general registers and memory.

use super::Unsupported;
use super::lanes::{demand_alignment, dst_words, join, read, read_low, sources, split, write_low};
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
        Movups | Vmovups | Movupd | Vmovupd | Movdqu | Vmovdqu | Lddqu | Vlddqu => {
            let a = m.read_vec(d, i, 1)?;
            m.write_vec(d, i, 0, &a)?;
        }
        Movaps | Vmovaps | Movapd | Vmovapd | Movdqa | Vmovdqa => {
            if (0..2).any(|k| i.op_kind(k) == OpKind::Memory) {
                demand_alignment(d, m, i)?;
            }
            let a = m.read_vec(d, i, 1)?;
            m.write_vec(d, i, 0, &a)?;
        }
        Movd | Vmovd => narrow(d, m, i, 32)?,
        Movq | Vmovq => narrow(d, m, i, 64)?,
        Movss | Vmovss => scalar(d, m, i, 32)?,
        // The string instruction has the same name; its operands are of another kind.
        Movsd | Vmovsd if i.op_register(0).is_xmm() || i.op_register(i.op_count() - 1).is_xmm() => {
            scalar(d, m, i, 64)?;
        }
        Movlps | Vmovlps | Movlpd | Vmovlpd => {
            if i.op_kind(0) == OpKind::Memory {
                let a = read(d, m, i, 1)?;
                m.write_vec(d, i, 0, &a[..1])?;
            } else {
                let x = read_low(d, m, i, sources(i).1, 64)?;
                write_low(d, m, i, &x)?;
            }
        }
        Movhps | Vmovhps | Movhpd | Vmovhpd => {
            if i.op_kind(0) == OpKind::Memory {
                let a = read(d, m, i, 1)?;
                m.write_vec(d, i, 0, &a[1..2])?;
            } else {
                let (a, b) = sources(i);
                let low = read_low(d, m, i, a, 64)?;
                let high = read_low(d, m, i, b, 64)?;
                m.write_vec(d, i, 0, &[low, high])?;
            }
        }
        Movhlps | Vmovhlps => {
            let (a, b) = sources(i);
            let (a, b) = (read(d, m, i, a)?, read(d, m, i, b)?);
            m.write_vec(d, i, 0, &[b[1].clone(), a[1].clone()])?;
        }
        Movlhps | Vmovlhps => {
            let (a, b) = sources(i);
            let (a, b) = (read(d, m, i, a)?, read(d, m, i, b)?);
            m.write_vec(d, i, 0, &[a[0].clone(), b[0].clone()])?;
        }
        Movsldup | Vmovsldup | Movshdup | Vmovshdup => {
            let odd = usize::from(matches!(i.mnemonic(), Movshdup | Vmovshdup));
            let a = read(d, m, i, 1)?;
            let lanes = split(d, &a, 32);
            let out: Vec<D::W> = lanes
                .chunks(2)
                .flat_map(|p| [p[odd].clone(), p[odd].clone()])
                .collect();
            let r = join(d, &out);
            m.write_vec(d, i, 0, &r)?;
        }
        Movddup | Vmovddup => {
            let a = read(d, m, i, 1)?;
            let r: Vec<D::W> = (0..dst_words(i)).map(|k| a[k & !1].clone()).collect();
            m.write_vec(d, i, 0, &r)?;
        }
        Vzeroupper | Vzeroall => {
            let from = if i.mnemonic() == Vzeroall { 0 } else { 2 };
            let zero = d.constant(64, 0);
            for r in &mut m.vec {
                r[from..].fill(zero.clone());
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// movd and movq: one element, between a vector register and a general one or memory, or (movq) two vector registers.
/// In a vector register the rest of 128 bits is cleared.
fn narrow<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let vector = |k: u32| i.op_kind(k) == OpKind::Register && i.op_register(k).is_xmm();
    let x = if vector(1) {
        read_low(d, m, i, 1, w)?
    } else {
        m.read(d, i, 1)?
    };
    if vector(0) {
        let r = [d.zext(&x, 64), d.constant(64, 0)];
        m.write_vec(d, i, 0, &r)
    } else {
        m.write(d, i, 0, &x)
    }
}

/// movss and movsd: a load clears the rest of 128 bits, a move between registers takes it from the first source.
fn scalar<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    if i.op_kind(0) == OpKind::Memory {
        let x = read_low(d, m, i, 1, w)?;
        return m.write_vec(d, i, 0, &[x]);
    }
    if i.op_kind(1) == OpKind::Memory {
        let x = read_low(d, m, i, 1, w)?;
        let r = [d.zext(&x, 64), d.constant(64, 0)];
        return m.write_vec(d, i, 0, &r);
    }
    let (_, b) = sources(i);
    let x = read_low(d, m, i, b, w)?;
    write_low(d, m, i, &x)
}
