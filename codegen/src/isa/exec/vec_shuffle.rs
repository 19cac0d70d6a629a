//! Rearranging lanes: shuffles, permutations, interleaving, packing, widening and broadcasting.

use super::Unsupported;
use super::lanes::{dst_words, imm, join, join_word, read, read_low, read2, select, split};
use crate::isa::domain::{CmpOp, Domain};
use crate::isa::machine::Machine;
use iced_x86::{Instruction, Mnemonic, OpKind};

/// Lane width and whether the high halves are taken.
fn unpack(m: Mnemonic) -> Option<(u32, bool)> {
    use Mnemonic::*;
    Some(match m {
        Punpcklbw | Vpunpcklbw => (8, false),
        Punpcklwd | Vpunpcklwd => (16, false),
        Punpckldq | Vpunpckldq | Unpcklps | Vunpcklps => (32, false),
        Punpcklqdq | Vpunpcklqdq | Unpcklpd | Vunpcklpd => (64, false),
        Punpckhbw | Vpunpckhbw => (8, true),
        Punpckhwd | Vpunpckhwd => (16, true),
        Punpckhdq | Vpunpckhdq | Unpckhps | Vunpckhps => (32, true),
        Punpckhqdq | Vpunpckhqdq | Unpckhpd | Vunpckhpd => (64, true),
        _ => return None,
    })
}

/// Width of the source's lanes and whether they saturate to signed numbers of half the width.
fn pack(m: Mnemonic) -> Option<(u32, bool)> {
    use Mnemonic::*;
    Some(match m {
        Packsswb | Vpacksswb => (16, true),
        Packssdw | Vpackssdw => (32, true),
        Packuswb | Vpackuswb => (16, false),
        Packusdw | Vpackusdw => (32, false),
        _ => return None,
    })
}

/// Widths of the source's and the destination's lanes, and whether signs are extended.
fn widen(m: Mnemonic) -> Option<(u32, u32, bool)> {
    use Mnemonic::*;
    Some(match m {
        Pmovzxbw | Vpmovzxbw => (8, 16, false),
        Pmovzxbd | Vpmovzxbd => (8, 32, false),
        Pmovzxbq | Vpmovzxbq => (8, 64, false),
        Pmovzxwd | Vpmovzxwd => (16, 32, false),
        Pmovzxwq | Vpmovzxwq => (16, 64, false),
        Pmovzxdq | Vpmovzxdq => (32, 64, false),
        Pmovsxbw | Vpmovsxbw => (8, 16, true),
        Pmovsxbd | Vpmovsxbd => (8, 32, true),
        Pmovsxbq | Vpmovsxbq => (8, 64, true),
        Pmovsxwd | Vpmovsxwd => (16, 32, true),
        Pmovsxwq | Vpmovsxwq => (16, 64, true),
        Pmovsxdq | Vpmovsxdq => (32, 64, true),
        _ => return None,
    })
}

/// Width of the element a broadcast repeats.
fn broadcast(m: Mnemonic) -> Option<u32> {
    use Mnemonic::*;
    Some(match m {
        Vpbroadcastb => 8,
        Vpbroadcastw => 16,
        Vpbroadcastd | Vbroadcastss => 32,
        Vpbroadcastq | Vbroadcastsd => 64,
        _ => return None,
    })
}

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    let r = if let Some((w, high)) = unpack(i.mnemonic()) {
        let (a, b) = read2(d, m, i)?;
        interleave(d, &a, &b, w, high)
    } else if let Some((w, signed)) = pack(i.mnemonic()) {
        let (a, b) = read2(d, m, i)?;
        let mut out = Vec::new();
        for (x, y) in a.chunks(2).zip(b.chunks(2)) {
            for v in [x, y] {
                for l in split(d, v, w) {
                    out.push(saturate(d, &l, signed));
                }
            }
        }
        join(d, &out)
    } else if let Some((from, to, signed)) = widen(i.mnemonic()) {
        let a = read(d, m, i, 1)?;
        let n = dst_words(i) * (64 / to) as usize;
        let out: Vec<D::W> = split(d, &a, from)
            .iter()
            .take(n)
            .map(|l| if signed { d.sext(l, to) } else { d.zext(l, to) })
            .collect();
        join(d, &out)
    } else if let Some(w) = broadcast(i.mnemonic()) {
        let x = read_low(d, m, i, 1, w)?;
        let lanes = vec![x; (64 / w) as usize];
        vec![join_word(d, &lanes); dst_words(i)]
    } else {
        match i.mnemonic() {
            Vbroadcastf128 | Vbroadcasti128 => {
                let a = read(d, m, i, 1)?;
                [&a[..2], &a[..2]].concat()
            }
            Pshufb | Vpshufb => shuffle_bytes(d, m, i)?,
            Pshufd | Vpshufd => quarters(d, m, i, 32)?,
            Pshuflw | Vpshuflw => half(d, m, i, 0)?,
            Pshufhw | Vpshufhw => half(d, m, i, 1)?,
            Vpermilps if i.op_kind(2) == OpKind::Immediate8 => quarters(d, m, i, 32)?,
            Vpermilpd if i.op_kind(2) == OpKind::Immediate8 => {
                let a = read(d, m, i, 1)?;
                let k = imm(d, m, i)?;
                (0..a.len())
                    .map(|j| {
                        let s = d.extract(&k, j as u32, 1);
                        select(d, &a[j & !1..][..2], &s)
                    })
                    .collect()
            }
            Vpermilps => {
                let (a, b) = read2(d, m, i)?;
                let (a, b) = (split(d, &a, 32), split(d, &b, 32));
                let out: Vec<D::W> = (0..a.len())
                    .map(|j| {
                        let s = d.extract(&b[j], 0, 2);
                        select(d, &a[j & !3..][..4], &s)
                    })
                    .collect();
                join(d, &out)
            }
            Vpermilpd => {
                let (a, b) = read2(d, m, i)?;
                (0..a.len())
                    .map(|j| {
                        let s = d.extract(&b[j], 1, 1);
                        select(d, &a[j & !1..][..2], &s)
                    })
                    .collect()
            }
            // The only permutations of a whole register: of words by an immediate, of double words by a register.
            Vpermq | Vpermpd if i.op_kind(2) == OpKind::Immediate8 => {
                let a = read(d, m, i, 1)?;
                let k = imm(d, m, i)?;
                (0..4)
                    .map(|j| {
                        let s = d.extract(&k, 2 * j, 2);
                        select(d, &a, &s)
                    })
                    .collect()
            }
            Vpermd | Vpermps => {
                let (index, a) = read2(d, m, i)?;
                let (index, a) = (split(d, &index, 32), split(d, &a, 32));
                let out: Vec<D::W> = index
                    .iter()
                    .map(|x| {
                        let s = d.extract(x, 0, 3);
                        select(d, &a, &s)
                    })
                    .collect();
                join(d, &out)
            }
            Shufps | Vshufps => {
                let (a, b) = read2(d, m, i)?;
                let k = imm(d, m, i)?;
                let (a, b) = (split(d, &a, 32), split(d, &b, 32));
                let out: Vec<D::W> = (0..a.len())
                    .map(|j| {
                        let s = d.extract(&k, 2 * (j as u32 & 3), 2);
                        let from = if j & 2 == 0 { &a } else { &b };
                        select(d, &from[j & !3..][..4], &s)
                    })
                    .collect();
                join(d, &out)
            }
            Shufpd | Vshufpd => {
                let (a, b) = read2(d, m, i)?;
                let k = imm(d, m, i)?;
                (0..a.len())
                    .map(|j| {
                        let s = d.extract(&k, j as u32, 1);
                        let from = if j & 1 == 0 { &a } else { &b };
                        select(d, &from[j & !1..][..2], &s)
                    })
                    .collect()
            }
            Vperm2i128 | Vperm2f128 => {
                let (a, b) = read2(d, m, i)?;
                let k = imm(d, m, i)?;
                let mut out = Vec::new();
                let zero = d.constant(64, 0);
                for half in 0..2 {
                    let s = d.extract(&k, 4 * half, 2);
                    let clear = d.extract(&k, 4 * half + 3, 1);
                    for j in 0..2 {
                        let all = [&a[j], &a[j + 2], &b[j], &b[j + 2]].map(D::W::clone);
                        let x = select(d, &all, &s);
                        out.push(d.ite(&clear, &zero, &x));
                    }
                }
                out
            }
            _ => return Ok(false),
        }
    };
    m.write_vec(d, i, 0, &r)?;
    Ok(true)
}

/// Lanes of both sources by turns, from the low or the high half of each 128 bits.
fn interleave<D: Domain>(d: &mut D, a: &[D::W], b: &[D::W], w: u32, high: bool) -> Vec<D::W> {
    let mut out = Vec::new();
    for (x, y) in a.chunks(2).zip(b.chunks(2)) {
        let k = usize::from(high);
        let (x, y) = (split(d, &x[k..=k], w), split(d, &y[k..=k], w));
        out.extend(x.into_iter().zip(y).flat_map(|(p, q)| [p, q]));
    }
    join(d, &out)
}

/// The nearest number of half the width to a signed one.
fn saturate<D: Domain>(d: &mut D, x: &D::W, signed: bool) -> D::W {
    let w = d.width(x);
    let half = w / 2;
    let (min, max) = if signed {
        ((-1i128 << (half - 1)) as u128, (1 << (half - 1)) - 1)
    } else {
        (0, (1 << half) - 1)
    };
    let (min, max) = (d.constant(w, min), d.constant(w, max));
    let below = d.cmp(CmpOp::Slt, x, &min);
    let above = d.cmp(CmpOp::Slt, &max, x);
    let [x, min, max] = [x, &min, &max].map(|v| d.trunc(v, half));
    let r = d.ite(&above, &max, &x);
    d.ite(&below, &min, &r)
}

/// Each byte by the second source's low four bits; zero where its sign is set.
fn shuffle_bytes<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<Vec<D::W>, Unsupported> {
    let (a, b) = read2(d, m, i)?;
    let mut out = Vec::new();
    let zero = d.constant(8, 0);
    for (x, y) in a.chunks(2).zip(b.chunks(2)) {
        let (x, y) = (split(d, x, 8), split(d, y, 8));
        for k in &y {
            let s = d.extract(k, 0, 4);
            let v = select(d, &x, &s);
            let clear = d.msb(k);
            out.push(d.ite(&clear, &zero, &v));
        }
    }
    Ok(join(d, &out))
}

/// Four lanes of each group of four, by two bits of the immediate each.
fn by_immediate<D: Domain>(d: &mut D, lanes: &[D::W], k: &D::W) -> Vec<D::W> {
    let mut out = Vec::new();
    for group in lanes.chunks(4) {
        for j in 0..4 {
            let s = d.extract(k, 2 * j, 2);
            out.push(select(d, group, &s));
        }
    }
    out
}

fn quarters<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    w: u32,
) -> Result<Vec<D::W>, Unsupported> {
    let a = read(d, m, i, 1)?;
    let k = imm(d, m, i)?;
    let lanes = split(d, &a, w);
    let out = by_immediate(d, &lanes, &k);
    Ok(join(d, &out))
}

/// The 16-bit lanes of one word (0 low, 1 high) of each 128 bits.
fn half<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    which: usize,
) -> Result<Vec<D::W>, Unsupported> {
    let mut a = read(d, m, i, 1)?;
    let k = imm(d, m, i)?;
    for v in a.chunks_mut(2) {
        let lanes = split(d, &v[which..=which], 16);
        let out = by_immediate(d, &lanes, &k);
        v[which] = join_word(d, &out);
    }
    Ok(a)
}
