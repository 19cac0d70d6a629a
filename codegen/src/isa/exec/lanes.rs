//! What the vector instructions share: their operands, and registers cut into lanes.
//!
//! A register is a list of 64-bit words, the lowest first. Instructions that are indifferent to lane borders work on
//! whole words; the others cut words into lanes ([`split`]) and put them together again ([`join`]).
//!
//! A legacy form names its destination first and reads it as its first source; a VEX form has the sources apart
//! ([`sources`]). What lies above the result is kept by the former and cleared by the latter
//! ([`Machine::write_vec`]).

use super::{
    Unsupported, convert, float, fma, vec_blend, vec_int, vec_move, vec_shift, vec_shuffle,
};
use crate::isa::domain::{BinOp, Domain};
use crate::isa::machine::{FaultKind, Machine};
use iced_x86::{EncodingKind, Instruction, Mnemonic, OpKind};

/// Executes a vector or floating-point instruction; says whether it was one.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    Ok(vec_move::execute(d, m, i)?
        || vec_int::execute(d, m, i)?
        || vec_shift::execute(d, m, i)?
        || vec_shuffle::execute(d, m, i)?
        || vec_blend::execute(d, m, i)?
        || float::execute(d, m, i)?
        || fma::execute(d, m, i)?
        || convert::execute(d, m, i)?)
}

/// Whether the form is encoded with VEX.
pub fn is_vex(i: &Instruction) -> bool {
    i.code().encoding() == EncodingKind::VEX
}

/// The operand numbers of the first and the second source of an instruction with two.
pub fn sources(i: &Instruction) -> (u32, u32) {
    if is_vex(i) { (1, 2) } else { (0, 1) }
}

/// Faults unless the memory operand's address is a multiple of its size (16 or 32 bytes).
pub fn demand_alignment<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<(), Unsupported> {
    let a = m.address(d, i)?;
    let bits = (i.memory_size().size() as u32).trailing_zeros();
    let low = d.trunc(&a, bits);
    let ok = d.is_zero(&low);
    let bad = d.not(&ok);
    m.fault(FaultKind::Alignment, bad);
    Ok(())
}

/// A vector operand's words. Memory of 16 bytes must be aligned in legacy forms, but for the moves that say otherwise.
pub fn read<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    op: u32,
) -> Result<Vec<D::W>, Unsupported> {
    use Mnemonic::*;
    if i.op_kind(op) == OpKind::Memory
        && !is_vex(i)
        && i.memory_size().size() == 16
        && !matches!(i.mnemonic(), Movups | Movupd | Movdqu | Lddqu)
    {
        demand_alignment(d, m, i)?;
    }
    m.read_vec(d, i, op)
}

/// For each operation the mnemonics that do it, in the older and the VEX form, and their lane width; `None` for others.
macro_rules! by_lane {
    ($mnemonic:expr, $ops:ident { $($op:ident: $($old:ident $vex:ident $w:literal),*;)* }) => {
        match $mnemonic {
            $($(iced_x86::Mnemonic::$old | iced_x86::Mnemonic::$vex => Some(($ops::$op, $w)),)*)*
            _ => None,
        }
    };
}
pub(super) use by_lane;

/// A list of words.
pub type Words<D> = Vec<<D as Domain>::W>;

/// Both sources of an instruction with two.
pub fn read2<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<(Words<D>, Words<D>), Unsupported> {
    let (a, b) = sources(i);
    Ok((read(d, m, i, a)?, read(d, m, i, b)?))
}

/// The low `w` bits of a vector operand (a scalar in a register or in memory).
pub fn read_low<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    op: u32,
    w: u32,
) -> Result<D::W, Unsupported> {
    let v = read(d, m, i, op)?;
    Ok(d.trunc(&v[0], w))
}

/// The 8-bit immediate, which is always the last operand.
pub fn imm<D: Domain>(d: &mut D, m: &mut Machine<D>, i: &Instruction) -> Result<D::W, Unsupported> {
    m.read(d, i, i.op_count() - 1)
}

/// The immediate of an instruction whose operation it chooses; a symbolic one is refused.
pub fn imm_value<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<u8, Unsupported> {
    let v = imm(d, m, i)?;
    d.as_constant(&v)
        .map(|v| v as u8)
        .ok_or(Unsupported::Operand)
}

/// The number of 64-bit words of the register that is the destination.
pub fn dst_words(i: &Instruction) -> usize {
    i.op_register(0).size() / 8
}

/// Cuts words into lanes of `w` bits, the lowest first.
pub fn split<D: Domain>(d: &mut D, words: &[D::W], w: u32) -> Words<D> {
    let mut out = Vec::with_capacity(words.len() * (64 / w) as usize);
    for x in words {
        for k in 0..d.width(x) / w {
            out.push(d.extract(x, k * w, w));
        }
    }
    out
}

/// Puts lanes together to words of 64 bits. Neighbours are joined pairwise, so lanes that lay side by side in one word
/// become one extract again.
pub fn join<D: Domain>(d: &mut D, lanes: &[D::W]) -> Words<D> {
    let Some(first) = lanes.first() else {
        return Vec::new();
    };
    let n = (64 / d.width(first)) as usize;
    lanes.chunks(n).map(|c| join_word(d, c)).collect()
}

/// Puts lanes together to one word, as wide as they are in sum; there is at least one.
pub fn join_word<D: Domain>(d: &mut D, lanes: &[D::W]) -> D::W {
    if let [one] = lanes {
        return one.clone();
    }
    let (lo, hi) = lanes.split_at(lanes.len().div_ceil(2));
    let (lo, hi) = (join_word(d, lo), join_word(d, hi));
    d.concat(&hi, &lo)
}

/// `f` on each pair of lanes of `w` bits, put together again.
pub fn map2<D: Domain>(
    d: &mut D,
    a: &[D::W],
    b: &[D::W],
    w: u32,
    mut f: impl FnMut(&mut D, &D::W, &D::W) -> D::W,
) -> Words<D> {
    let (a, b) = (split(d, a, w), split(d, b, w));
    let r: Vec<D::W> = a.iter().zip(&b).map(|(x, y)| f(d, x, y)).collect();
    join(d, &r)
}

/// `f` on each lane of `w` bits, put together again.
pub fn map1<D: Domain>(
    d: &mut D,
    a: &[D::W],
    w: u32,
    mut f: impl FnMut(&mut D, &D::W) -> D::W,
) -> Words<D> {
    let a = split(d, a, w);
    let r: Vec<D::W> = a.iter().map(|x| f(d, x)).collect();
    join(d, &r)
}

/// `f` on neighbouring lanes of `w` bits within each 128 bits: those of `a`, then those of `b`, put together again.
pub fn horizontal<D: Domain>(
    d: &mut D,
    a: &[D::W],
    b: &[D::W],
    w: u32,
    mut f: impl FnMut(&mut D, &D::W, &D::W) -> D::W,
) -> Words<D> {
    let mut out = Vec::new();
    for (x, y) in a.chunks(2).zip(b.chunks(2)) {
        for v in [x, y] {
            let lanes = split(d, v, w);
            out.extend(lanes.chunks(2).map(|p| f(d, &p[0], &p[1])));
        }
    }
    join(d, &out)
}

/// The lane with number `index`, a word of as many bits as `lanes` needs (their count is a power of two).
pub fn select<D: Domain>(d: &mut D, lanes: &[D::W], index: &D::W) -> D::W {
    if let Some(k) = d.as_constant(index) {
        return lanes[k as usize].clone();
    }
    let mut level = lanes.to_vec();
    for bit in 0..lanes.len().trailing_zeros() {
        let c = d.extract(index, bit, 1);
        level = level.chunks(2).map(|p| d.ite(&c, &p[1], &p[0])).collect();
    }
    level[0].clone()
}

/// The 128 bits of a pair of words.
pub fn join128<D: Domain>(d: &mut D, v: &[D::W]) -> D::W {
    d.concat(&v[1], &v[0])
}

/// A word of 128 bits as a pair of words.
pub fn split128<D: Domain>(d: &mut D, v: &D::W) -> [D::W; 2] {
    [d.extract(v, 0, 64), d.extract(v, 64, 64)]
}

/// Writes a scalar result to the low bits of the destination; the rest of its 128 bits come from the first source.
pub fn write_low<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    low: &D::W,
) -> Result<(), Unsupported> {
    let (a, _) = sources(i);
    let mut v = m.read_vec(d, i, a)?;
    v.truncate(2);
    v[0] = with_low(d, &v[0], low);
    m.write_vec(d, i, 0, &v)
}

/// `word` with its low bits replaced.
pub fn with_low<D: Domain>(d: &mut D, word: &D::W, low: &D::W) -> D::W {
    let (n, w) = (d.width(word), d.width(low));
    if n == w {
        return low.clone();
    }
    let hi = d.extract(word, w, n - w);
    d.concat(&hi, low)
}

/// Negates a bit pattern's sign.
pub fn flip_sign<D: Domain>(d: &mut D, a: &D::W) -> D::W {
    let w = d.width(a);
    let s = d.constant(w, 1 << (w - 1));
    d.bin(BinOp::Xor, a, &s)
}
