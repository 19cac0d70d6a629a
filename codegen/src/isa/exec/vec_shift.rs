//! Shifts of lanes, by one count for all or one for each, and byte shifts of 128 bits.

use super::Unsupported;
use super::lanes::{by_lane, imm, join128, map1, map2, read, read2, sources, split128};
use crate::isa::domain::{BinOp, CmpOp, Domain};
use crate::isa::machine::Machine;
use iced_x86::{Instruction, Mnemonic, OpKind};

/// The operation and lane width of shifts by one count.
pub fn uniform(m: Mnemonic) -> Option<(BinOp, u32)> {
    by_lane!(m, BinOp {
        Shl: Psllw Vpsllw 16, Pslld Vpslld 32, Psllq Vpsllq 64;
        Lshr: Psrlw Vpsrlw 16, Psrld Vpsrld 32, Psrlq Vpsrlq 64;
        Ashr: Psraw Vpsraw 16, Psrad Vpsrad 32;
    })
}

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    if let Some((op, w)) = uniform(i.mnemonic()) {
        let (s, c) = sources(i);
        let a = read(d, m, i, s)?;
        let count = if matches!(i.op_kind(c), OpKind::Immediate8) {
            let k = imm(d, m, i)?;
            d.zext(&k, w)
        } else {
            // The count is the low 64 bits of the operand; beyond the width all are alike.
            let k = read(d, m, i, c)?[0].clone();
            let last = d.constant(64, (w - 1).into());
            let big = d.cmp(CmpOp::Ult, &last, &k);
            let low = d.trunc(&k, w);
            let all = d.constant(w, w.into());
            d.ite(&big, &all, &low)
        };
        let r = map1(d, &a, w, |d, x| d.bin(op, x, &count));
        m.write_vec(d, i, 0, &r)?;
        return Ok(true);
    }
    let (op, w) = match i.mnemonic() {
        Vpsllvd => (BinOp::Shl, 32),
        Vpsllvq => (BinOp::Shl, 64),
        Vpsrlvd => (BinOp::Lshr, 32),
        Vpsrlvq => (BinOp::Lshr, 64),
        Vpsravd => (BinOp::Ashr, 32),
        Pslldq | Vpslldq => return bytes(d, m, i, BinOp::Shl),
        Psrldq | Vpsrldq => return bytes(d, m, i, BinOp::Lshr),
        Palignr | Vpalignr => return align(d, m, i),
        _ => return Ok(false),
    };
    let (a, b) = read2(d, m, i)?;
    let r = map2(d, &a, &b, w, |d, x, y| d.bin(op, x, y));
    m.write_vec(d, i, 0, &r)?;
    Ok(true)
}

/// Eight bytes from byte `n` of a string of words with zeros beyond it.
fn window<D: Domain>(d: &mut D, words: &[&D::W], n: usize) -> D::W {
    let zero = d.constant(64, 0);
    let at = |k: usize| words.get(k).map_or(&zero, |w| *w).clone();
    let (lo, hi) = (at(n / 8), at(n / 8 + 1));
    let bits = 8 * (n % 8) as u32;
    if bits == 0 {
        return lo;
    }
    let (low, high) = (d.extract(&lo, bits, 64 - bits), d.extract(&hi, 0, bits));
    d.concat(&high, &low)
}

/// Shifts each 128 bits by whole bytes.
fn bytes<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    op: BinOp,
) -> Result<bool, Unsupported> {
    let (s, _) = sources(i);
    let a = read(d, m, i, s)?;
    let n = imm(d, m, i)?;
    let mut r = Vec::new();
    for v in a.chunks(2) {
        if let Some(n) = d.as_constant(&n) {
            let n = n.min(16) as usize;
            let z = d.constant(64, 0);
            for k in 0..2 {
                r.push(if op == BinOp::Lshr {
                    window(d, &[&v[0], &v[1]], n + 8 * k)
                } else {
                    window(d, &[&z, &z, &v[0], &v[1]], 16 - n + 8 * k)
                });
            }
        } else {
            let x = join128(d, v);
            let k = eight_times(d, &n);
            let x = d.bin(op, &x, &k);
            r.extend(split128(d, &x));
        }
    }
    m.write_vec(d, i, 0, &r)?;
    Ok(true)
}

fn eight_times<D: Domain>(d: &mut D, n: &D::W) -> D::W {
    let n = d.zext(n, 128);
    let three = d.constant(128, 3);
    d.bin(BinOp::Shl, &n, &three)
}

/// The sources as one string of 32 bytes, the second low, and 16 bytes of it, within each 128 bits.
fn align<D: Domain>(d: &mut D, m: &mut Machine<D>, i: &Instruction) -> Result<bool, Unsupported> {
    let (a, b) = read2(d, m, i)?;
    let n = imm(d, m, i)?;
    let mut r = Vec::new();
    for (x, y) in a.chunks(2).zip(b.chunks(2)) {
        if let Some(n) = d.as_constant(&n) {
            let n = n.min(32) as usize;
            for k in 0..2 {
                r.push(window(d, &[&y[0], &y[1], &x[0], &x[1]], n + 8 * k));
            }
        } else {
            // Counts that are negative as numbers are large as words, and give zero.
            let (x, y) = (join128(d, x), join128(d, y));
            let k = eight_times(d, &n);
            let full = d.constant(128, 128);
            let (up, down) = (d.sub(&full, &k), d.sub(&k, &full));
            let p = d.bin(BinOp::Lshr, &y, &k);
            let q = d.bin(BinOp::Shl, &x, &up);
            let s = d.bin(BinOp::Lshr, &x, &down);
            let t = d.or(&p, &q);
            let t = d.or(&t, &s);
            r.extend(split128(d, &t));
        }
    }
    m.write_vec(d, i, 0, &r)?;
    Ok(true)
}
