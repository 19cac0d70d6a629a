//! Floating-point arithmetic and comparison, scalar and packed.
//!
//! Every operation gives its operands to [`FpOp`] in the order the processor looks for NaNs in: the first source, then
//! the second.

use super::lanes::{
    horizontal, imm, imm_value, is_vex, join, map1, map2, read, read_low, read2, sources, split,
    write_low,
};
use super::{Unsupported, flags};
use crate::isa::domain::{Domain, FpOp};
use crate::isa::machine::{Flag, Machine};
use iced_x86::{Instruction, Mnemonic};

/// What an instruction works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// The lowest element.
    Scalar,
    /// All elements.
    Packed,
}
use Shape::{Packed, Scalar};

/// What an instruction does to each of its elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Work {
    /// An operation of both sources.
    Binary(FpOp),
    Sqrt,
    /// To a whole number, as the immediate says.
    Round,
    /// All ones where the immediate's predicate holds.
    Compare,
}

/// The operations that have all four shapes: what they do, to what, and the width of elements.
fn four_shapes(i: &Instruction) -> Option<(Work, Shape, u32)> {
    use Mnemonic::*;
    use Work::*;
    macro_rules! table {
        ($($work:expr => $ss:ident $vss:ident $sd:ident $vsd:ident $ps:ident $vps:ident $pd:ident $vpd:ident;)*) => {
            match i.mnemonic() {
                // The string instruction has the same name; its operands are of another kind.
                Cmpsd if !i.op_register(0).is_xmm() => None,
                $($ss | $vss => Some(($work, Scalar, 32)),
                $sd | $vsd => Some(($work, Scalar, 64)),
                $ps | $vps => Some(($work, Packed, 32)),
                $pd | $vpd => Some(($work, Packed, 64)),)*
                _ => None,
            }
        };
    }
    table! {
        Binary(FpOp::Add) => Addss Vaddss Addsd Vaddsd Addps Vaddps Addpd Vaddpd;
        Binary(FpOp::Sub) => Subss Vsubss Subsd Vsubsd Subps Vsubps Subpd Vsubpd;
        Binary(FpOp::Mul) => Mulss Vmulss Mulsd Vmulsd Mulps Vmulps Mulpd Vmulpd;
        Binary(FpOp::Div) => Divss Vdivss Divsd Vdivsd Divps Vdivps Divpd Vdivpd;
        Binary(FpOp::Min) => Minss Vminss Minsd Vminsd Minps Vminps Minpd Vminpd;
        Binary(FpOp::Max) => Maxss Vmaxss Maxsd Vmaxsd Maxps Vmaxps Maxpd Vmaxpd;
        Sqrt => Sqrtss Vsqrtss Sqrtsd Vsqrtsd Sqrtps Vsqrtps Sqrtpd Vsqrtpd;
        Round => Roundss Vroundss Roundsd Vroundsd Roundps Vroundps Roundpd Vroundpd;
        Compare => Cmpss Vcmpss Cmpsd Vcmpsd Cmpps Vcmpps Cmppd Vcmppd;
    }
}

/// The comparison a predicate names. Whether it signals makes no difference, since exceptions are masked.
struct Predicate {
    /// The comparison, or none for the constant false.
    op: Option<FpOp>,
    /// Whether the operands change places.
    exchanged: bool,
    /// Whether it also holds when either is NaN.
    or_unordered: bool,
    /// Whether all that is complemented.
    complement: bool,
}

/// The predicate by its low four bits; the fifth only tells whether it signals.
fn predicate(k: u8) -> Predicate {
    let (op, exchanged, complement) = match k & 15 {
        0 | 8 => (Some(FpOp::Eq), false, false),
        1 => (Some(FpOp::Lt), false, false),
        2 => (Some(FpOp::Le), false, false),
        3 => (Some(FpOp::Unord), false, false),
        4 | 12 => (Some(FpOp::Eq), false, true),
        5 => (Some(FpOp::Lt), false, true),
        6 => (Some(FpOp::Le), false, true),
        7 => (Some(FpOp::Unord), false, true),
        9 => (Some(FpOp::Le), true, true),
        10 => (Some(FpOp::Lt), true, true),
        11 => (None, false, false),
        13 => (Some(FpOp::Le), true, false),
        14 => (Some(FpOp::Lt), true, false),
        _ => (None, false, true),
    };
    Predicate {
        op,
        exchanged,
        or_unordered: matches!(k & 15, 8 | 12),
        complement,
    }
}

/// All ones where the predicate holds, else zero.
fn compare<D: Domain>(d: &mut D, k: u8, a: &D::W, b: &D::W) -> D::W {
    let w = d.width(a);
    let p = predicate(k);
    let args = if p.exchanged {
        [b.clone(), a.clone()]
    } else {
        [a.clone(), b.clone()]
    };
    let mut c = match p.op {
        Some(op) => d.fp(op, &args),
        None => d.bit(false),
    };
    if p.or_unordered {
        let u = d.fp(FpOp::Unord, &args);
        c = d.or(&c, &u);
    }
    if p.complement {
        c = d.not(&c);
    }
    d.sext(&c, w)
}

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    if let Some((work, shape, w)) = four_shapes(i) {
        match work {
            Work::Binary(op) => on_two(d, m, i, shape, w, |d, x, y| {
                d.fp(op, &[x.clone(), y.clone()])
            })?,
            Work::Sqrt => on_one(d, m, i, shape, w, FpOp::Sqrt)?,
            Work::Round => {
                // Bit 2 of the immediate asks for the mode of MXCSR, which is nearest even.
                let k = imm_value(d, m, i)?;
                let mode = if k & 4 != 0 { 0 } else { k & 3 };
                on_one(d, m, i, shape, w, FpOp::Round(mode))?;
            }
            Work::Compare => {
                let k = imm_value(d, m, i)?;
                let k = if is_vex(i) { k } else { k & 7 };
                on_two(d, m, i, shape, w, |d, x, y| compare(d, k, x, y))?;
            }
        }
        return Ok(true);
    }
    match i.mnemonic() {
        Comiss | Vcomiss | Ucomiss | Vucomiss => ordered_flags(d, m, i, 32)?,
        Comisd | Vcomisd | Ucomisd | Vucomisd => ordered_flags(d, m, i, 64)?,
        Haddps | Vhaddps => neighbours(d, m, i, FpOp::Add, 32)?,
        Haddpd | Vhaddpd => neighbours(d, m, i, FpOp::Add, 64)?,
        Hsubps | Vhsubps => neighbours(d, m, i, FpOp::Sub, 32)?,
        Hsubpd | Vhsubpd => neighbours(d, m, i, FpOp::Sub, 64)?,
        Addsubps | Vaddsubps => add_sub(d, m, i, 32)?,
        Addsubpd | Vaddsubpd => add_sub(d, m, i, 64)?,
        Dpps | Vdpps => dot_product(d, m, i, 32)?,
        Dppd | Vdppd => dot_product(d, m, i, 64)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// A scalar or packed operation on both sources.
fn on_two<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    shape: Shape,
    w: u32,
    mut f: impl FnMut(&mut D, &D::W, &D::W) -> D::W,
) -> Result<(), Unsupported> {
    match shape {
        Scalar => {
            let (a, b) = sources(i);
            let (a, b) = (read_low(d, m, i, a, w)?, read_low(d, m, i, b, w)?);
            let r = f(d, &a, &b);
            write_low(d, m, i, &r)
        }
        Packed => {
            let (a, b) = read2(d, m, i)?;
            let r = map2(d, &a, &b, w, f);
            m.write_vec(d, i, 0, &r)
        }
    }
}

/// A scalar or packed operation on one source; a scalar VEX form has another that gives the upper part.
pub fn on_one<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    shape: Shape,
    w: u32,
    op: FpOp,
) -> Result<(), Unsupported> {
    match shape {
        Scalar => {
            let a = read_low(d, m, i, sources(i).1, w)?;
            let r = d.fp(op, &[a]);
            write_low(d, m, i, &r)
        }
        Packed => {
            let a = read(d, m, i, 1)?;
            let r = map1(d, &a, w, |d, x| d.fp(op, std::slice::from_ref(x)));
            m.write_vec(d, i, 0, &r)
        }
    }
}

/// ZF, PF and CF all set when unordered; else ZF when equal and CF when less. The other flags are cleared.
fn ordered_flags<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let args = [read_low(d, m, i, 0, w)?, read_low(d, m, i, 1, w)?];
    let unordered = d.fp(FpOp::Unord, &args);
    let equal = d.fp(FpOp::Eq, &args);
    let less = d.fp(FpOp::Lt, &args);
    let zf = d.or(&equal, &unordered);
    let cf = d.or(&less, &unordered);
    m.set_flag(Flag::Zf, zf);
    m.set_flag(Flag::Pf, unordered);
    m.set_flag(Flag::Cf, cf);
    flags::clear(d, m, &[Flag::Af, Flag::Sf, Flag::Of]);
    Ok(())
}

/// [`lanes::horizontal`](super::lanes::horizontal) on both sources.
fn neighbours<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    op: FpOp,
    w: u32,
) -> Result<(), Unsupported> {
    let (a, b) = read2(d, m, i)?;
    let r = horizontal(d, &a, &b, w, |d, x, y| d.fp(op, &[x.clone(), y.clone()]));
    m.write_vec(d, i, 0, &r)
}

/// Subtracts in even lanes and adds in odd ones.
fn add_sub<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let mut even = false;
    on_two(d, m, i, Packed, w, |d, x, y| {
        even = !even;
        let op = if even { FpOp::Sub } else { FpOp::Add };
        d.fp(op, &[x.clone(), y.clone()])
    })
}

/// Within each 128 bits the sum of the products that the immediate's bits from 4 on choose, in the lanes that its low
/// bits choose; zero in the others. Products are added pairwise.
fn dot_product<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<(), Unsupported> {
    let (a, b) = read2(d, m, i)?;
    let k = imm(d, m, i)?;
    let zero = d.constant(w, 0);
    let mut out = Vec::new();
    for (x, y) in a.chunks(2).zip(b.chunks(2)) {
        let (x, y) = (split(d, x, w), split(d, y, w));
        let mut sums: Vec<D::W> = (0..x.len())
            .map(|j| {
                let c = d.extract(&k, 4 + j as u32, 1);
                let p = d.fp(FpOp::Mul, &[x[j].clone(), y[j].clone()]);
                d.ite(&c, &p, &zero)
            })
            .collect();
        while sums.len() > 1 {
            sums = sums.chunks(2).map(|p| d.fp(FpOp::Add, p)).collect();
        }
        for j in 0..x.len() {
            let c = d.extract(&k, j as u32, 1);
            out.push(d.ite(&c, &sums[0], &zero));
        }
    }
    let r = join(d, &out);
    m.write_vec(d, i, 0, &r)
}
