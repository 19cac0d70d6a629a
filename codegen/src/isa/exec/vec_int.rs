//! Integer arithmetic, comparison and bitwise operations on lanes.

use super::lanes::{by_lane, horizontal, imm, map1, map2, read, read2, select, split, split128};
use super::{Unsupported, flags};
use crate::isa::domain::{BinOp, CmpOp, Domain, UnOp};
use crate::isa::machine::{Flag, Machine};
use iced_x86::{Instruction, Mnemonic};

/// An operation on two lanes of one width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lane {
    Add,
    Sub,
    /// Saturating.
    AddSigned,
    SubSigned,
    AddUnsigned,
    SubUnsigned,
    MulLow,
    MulHighSigned,
    MulHighUnsigned,
    /// The rounded high half of twice the product.
    MulRounded,
    Equal,
    Greater,
    MinSigned,
    MinUnsigned,
    MaxSigned,
    MaxUnsigned,
    /// The mean, rounded up.
    Average,
    /// The first negated, kept or cleared by the second's sign.
    Sign,
}

/// The operation and lane width of the instructions that work lane by lane on two sources.
fn lane_by_lane(m: Mnemonic) -> Option<(Lane, u32)> {
    by_lane!(m, Lane {
        Add: Paddb Vpaddb 8, Paddw Vpaddw 16, Paddd Vpaddd 32, Paddq Vpaddq 64;
        Sub: Psubb Vpsubb 8, Psubw Vpsubw 16, Psubd Vpsubd 32, Psubq Vpsubq 64;
        AddSigned: Paddsb Vpaddsb 8, Paddsw Vpaddsw 16;
        SubSigned: Psubsb Vpsubsb 8, Psubsw Vpsubsw 16;
        AddUnsigned: Paddusb Vpaddusb 8, Paddusw Vpaddusw 16;
        SubUnsigned: Psubusb Vpsubusb 8, Psubusw Vpsubusw 16;
        MulLow: Pmullw Vpmullw 16, Pmulld Vpmulld 32;
        MulHighSigned: Pmulhw Vpmulhw 16;
        MulHighUnsigned: Pmulhuw Vpmulhuw 16;
        MulRounded: Pmulhrsw Vpmulhrsw 16;
        Equal: Pcmpeqb Vpcmpeqb 8, Pcmpeqw Vpcmpeqw 16, Pcmpeqd Vpcmpeqd 32, Pcmpeqq Vpcmpeqq 64;
        Greater: Pcmpgtb Vpcmpgtb 8, Pcmpgtw Vpcmpgtw 16, Pcmpgtd Vpcmpgtd 32, Pcmpgtq Vpcmpgtq 64;
        MinSigned: Pminsb Vpminsb 8, Pminsw Vpminsw 16, Pminsd Vpminsd 32;
        MinUnsigned: Pminub Vpminub 8, Pminuw Vpminuw 16, Pminud Vpminud 32;
        MaxSigned: Pmaxsb Vpmaxsb 8, Pmaxsw Vpmaxsw 16, Pmaxsd Vpmaxsd 32;
        MaxUnsigned: Pmaxub Vpmaxub 8, Pmaxuw Vpmaxuw 16, Pmaxud Vpmaxud 32;
        Average: Pavgb Vpavgb 8, Pavgw Vpavgw 16;
        Sign: Psignb Vpsignb 8, Psignw Vpsignw 16, Psignd Vpsignd 32;
    })
}

/// `a + b` or `a - b` as signed numbers, at the nearest bound when it overflows.
fn saturate_signed<D: Domain>(d: &mut D, a: &D::W, b: &D::W, subtract: bool) -> D::W {
    let w = d.width(a);
    let op = if subtract { BinOp::Sub } else { BinOp::Add };
    let r = d.bin(op, a, b);
    // The sum overflows when both operands' signs differ from its own; the difference when the operands' differ.
    let x = d.xor(a, &r);
    let y = d.xor(if subtract { a } else { &r }, b);
    let o = d.and(&x, &y);
    let overflow = d.msb(&o);
    let negative = d.msb(a);
    let low = d.constant(w, 1 << (w - 1));
    let high = d.constant(w, (1 << (w - 1)) - 1);
    let bound = d.ite(&negative, &low, &high);
    d.ite(&overflow, &bound, &r)
}

/// The whole products of the low halves and of the high halves. Those of `b` are signed, those of `a` on demand.
fn products<D: Domain>(d: &mut D, a: &D::W, b: &D::W, signed: bool) -> [D::W; 2] {
    let w = d.width(a);
    let half = w / 2;
    std::array::from_fn(|k| {
        let x = d.extract(a, half * k as u32, half);
        let y = d.extract(b, half * k as u32, half);
        let x = if signed { d.sext(&x, w) } else { d.zext(&x, w) };
        let y = d.sext(&y, w);
        d.bin(BinOp::Mul, &x, &y)
    })
}

fn lane<D: Domain>(d: &mut D, op: Lane, a: &D::W, b: &D::W) -> D::W {
    let w = d.width(a);
    match op {
        Lane::Add => d.add(a, b),
        Lane::Sub => d.sub(a, b),
        Lane::AddSigned => saturate_signed(d, a, b, false),
        Lane::SubSigned => saturate_signed(d, a, b, true),
        Lane::AddUnsigned => {
            let r = d.add(a, b);
            let carry = d.cmp(CmpOp::Ult, &r, a);
            let ones = d.sext(&carry, w);
            d.or(&r, &ones)
        }
        Lane::SubUnsigned => {
            let r = d.sub(a, b);
            let borrow = d.cmp(CmpOp::Ult, a, b);
            let zero = d.constant(w, 0);
            d.ite(&borrow, &zero, &r)
        }
        Lane::MulLow => d.bin(BinOp::Mul, a, b),
        Lane::MulHighSigned => d.bin(BinOp::MulHiS, a, b),
        Lane::MulHighUnsigned => d.bin(BinOp::MulHiU, a, b),
        Lane::MulRounded => {
            let (a, b) = (d.sext(a, 2 * w), d.sext(b, 2 * w));
            let p = d.bin(BinOp::Mul, &a, &b);
            let p = d.extract(&p, w - 2, w + 2);
            let one = d.constant(w + 2, 1);
            let p = d.add(&p, &one);
            d.extract(&p, 1, w)
        }
        Lane::Equal => {
            let c = d.eq(a, b);
            d.sext(&c, w)
        }
        Lane::Greater => {
            let c = d.cmp(CmpOp::Slt, b, a);
            d.sext(&c, w)
        }
        Lane::MinSigned => {
            let c = d.cmp(CmpOp::Slt, a, b);
            d.ite(&c, a, b)
        }
        Lane::MinUnsigned => {
            let c = d.cmp(CmpOp::Ult, a, b);
            d.ite(&c, a, b)
        }
        Lane::MaxSigned => {
            let c = d.cmp(CmpOp::Slt, a, b);
            d.ite(&c, b, a)
        }
        Lane::MaxUnsigned => {
            let c = d.cmp(CmpOp::Ult, a, b);
            d.ite(&c, b, a)
        }
        Lane::Average => {
            let (a, b) = (d.zext(a, w + 1), d.zext(b, w + 1));
            let s = d.add(&a, &b);
            let one = d.constant(w + 1, 1);
            let s = d.add(&s, &one);
            d.extract(&s, 1, w)
        }
        Lane::Sign => {
            let negative = d.msb(b);
            let zero = d.is_zero(b);
            let n = d.un(UnOp::Neg, a);
            let z = d.constant(w, 0);
            let r = d.ite(&zero, &z, a);
            d.ite(&negative, &n, &r)
        }
    }
}

/// The bitwise operation, with the first source complemented or not.
fn bitwise(m: Mnemonic) -> Option<(BinOp, bool)> {
    use Mnemonic::*;
    Some(match m {
        Pand | Vpand | Andps | Vandps | Andpd | Vandpd => (BinOp::And, false),
        Pandn | Vpandn | Andnps | Vandnps | Andnpd | Vandnpd => (BinOp::And, true),
        Por | Vpor | Orps | Vorps | Orpd | Vorpd => (BinOp::Or, false),
        Pxor | Vpxor | Xorps | Vxorps | Xorpd | Vxorpd => (BinOp::Xor, false),
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
    if let Some((op, w)) = lane_by_lane(i.mnemonic()) {
        let (a, b) = read2(d, m, i)?;
        let r = map2(d, &a, &b, w, |d, x, y| lane(d, op, x, y));
        m.write_vec(d, i, 0, &r)?;
        return Ok(true);
    }
    if let Some((op, complement)) = bitwise(i.mnemonic()) {
        let (a, b) = read2(d, m, i)?;
        let r = map2(d, &a, &b, 64, |d, x, y| {
            let x = if complement { d.not(x) } else { x.clone() };
            d.bin(op, &x, y)
        });
        m.write_vec(d, i, 0, &r)?;
        return Ok(true);
    }
    let mnemonic = i.mnemonic();
    match mnemonic {
        Pabsb | Vpabsb | Pabsw | Vpabsw | Pabsd | Vpabsd => {
            let w = match mnemonic {
                Pabsb | Vpabsb => 8,
                Pabsw | Vpabsw => 16,
                _ => 32,
            };
            let a = read(d, m, i, 1)?;
            let r = map1(d, &a, w, |d, x| {
                let s = d.msb(x);
                let n = d.un(UnOp::Neg, x);
                d.ite(&s, &n, x)
            });
            m.write_vec(d, i, 0, &r)?;
        }
        Pmuludq | Vpmuludq | Pmuldq | Vpmuldq => {
            let signed = matches!(mnemonic, Pmuldq | Vpmuldq);
            let (a, b) = read2(d, m, i)?;
            let r = map2(d, &a, &b, 64, |d, x, y| {
                let (x, y) = (d.trunc(x, 32), d.trunc(y, 32));
                let (x, y) = if signed {
                    (d.sext(&x, 64), d.sext(&y, 64))
                } else {
                    (d.zext(&x, 64), d.zext(&y, 64))
                };
                d.bin(BinOp::Mul, &x, &y)
            });
            m.write_vec(d, i, 0, &r)?;
        }
        Pmaddwd | Vpmaddwd => {
            let (a, b) = read2(d, m, i)?;
            let r = map2(d, &a, &b, 32, |d, x, y| {
                let [p, q] = products(d, x, y, true);
                d.add(&p, &q)
            });
            m.write_vec(d, i, 0, &r)?;
        }
        Pmaddubsw | Vpmaddubsw => {
            let (a, b) = read2(d, m, i)?;
            let r = map2(d, &a, &b, 16, |d, x, y| {
                let [p, q] = products(d, x, y, false);
                saturate_signed(d, &p, &q, false)
            });
            m.write_vec(d, i, 0, &r)?;
        }
        Psadbw | Vpsadbw => {
            let (a, b) = read2(d, m, i)?;
            let r = map2(d, &a, &b, 64, |d, x, y| {
                let mut sum = d.constant(16, 0);
                for k in 0..8 {
                    let (x, y) = (d.extract(x, 8 * k, 8), d.extract(y, 8 * k, 8));
                    let less = d.cmp(CmpOp::Ult, &x, &y);
                    let (p, q) = (d.sub(&x, &y), d.sub(&y, &x));
                    let t = d.ite(&less, &q, &p);
                    let t = d.zext(&t, 16);
                    sum = d.add(&sum, &t);
                }
                d.zext(&sum, 64)
            });
            m.write_vec(d, i, 0, &r)?;
        }
        Phaddw | Vphaddw => neighbours(d, m, i, Lane::Add, 16)?,
        Phaddd | Vphaddd => neighbours(d, m, i, Lane::Add, 32)?,
        Phaddsw | Vphaddsw => neighbours(d, m, i, Lane::AddSigned, 16)?,
        Phsubw | Vphsubw => neighbours(d, m, i, Lane::Sub, 16)?,
        Phsubd | Vphsubd => neighbours(d, m, i, Lane::Sub, 32)?,
        Phsubsw | Vphsubsw => neighbours(d, m, i, Lane::SubSigned, 16)?,
        Phminposuw | Vphminposuw => {
            let a = read(d, m, i, 1)?;
            let lanes = split(d, &a, 16);
            let mut best = lanes[0].clone();
            let mut at = d.constant(16, 0);
            for (k, x) in lanes.iter().enumerate().skip(1) {
                let less = d.cmp(CmpOp::Ult, x, &best);
                let k = d.constant(16, k as u128);
                best = d.ite(&less, x, &best);
                at = d.ite(&less, &k, &at);
            }
            let both = d.concat(&at, &best);
            let r = [d.zext(&both, 64), d.constant(64, 0)];
            m.write_vec(d, i, 0, &r)?;
        }
        Pclmulqdq | Vpclmulqdq => {
            let (a, b) = read2(d, m, i)?;
            if a.len() != 2 {
                // The 256-bit form is an extension of its own.
                return Ok(false);
            }
            let which = imm(d, m, i)?;
            let (ka, kb) = (d.extract(&which, 0, 1), d.extract(&which, 4, 1));
            let (x, y) = (select(d, &a, &ka), select(d, &b, &kb));
            let wide = d.zext(&x, 128);
            let zero = d.constant(128, 0);
            let mut r = zero.clone();
            for k in 0..64 {
                let c = d.extract(&y, k, 1);
                let n = d.constant(128, k.into());
                let t = d.bin(BinOp::Shl, &wide, &n);
                let t = d.ite(&c, &t, &zero);
                r = d.xor(&r, &t);
            }
            let r = split128(d, &r);
            m.write_vec(d, i, 0, &r)?;
        }
        Ptest | Vptest => test_bits(d, m, i, None)?,
        Vtestps => test_bits(d, m, i, Some(0x8000_0000_8000_0000))?,
        Vtestpd => test_bits(d, m, i, Some(1 << 63))?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// [`lanes::horizontal`](super::lanes::horizontal) on both sources.
fn neighbours<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    op: Lane,
    w: u32,
) -> Result<(), Unsupported> {
    let (a, b) = read2(d, m, i)?;
    let r = horizontal(d, &a, &b, w, |d, x, y| lane(d, op, x, y));
    m.write_vec(d, i, 0, &r)
}

/// ZF when no bit is in both operands, CF when none is in the second alone, among the bits of `mask` in each word.
fn test_bits<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
    mask: Option<u64>,
) -> Result<(), Unsupported> {
    let a = read(d, m, i, 0)?;
    let b = read(d, m, i, 1)?;
    let mut both = d.constant(64, 0);
    let mut second = both.clone();
    for (x, y) in a.iter().zip(&b) {
        let y = match mask {
            Some(k) => {
                let k = d.constant(64, k.into());
                d.and(y, &k)
            }
            None => y.clone(),
        };
        let t = d.and(x, &y);
        both = d.or(&both, &t);
        let n = d.not(x);
        let t = d.and(&n, &y);
        second = d.or(&second, &t);
    }
    let zf = d.is_zero(&both);
    let cf = d.is_zero(&second);
    m.set_flag(Flag::Zf, zf);
    m.set_flag(Flag::Cf, cf);
    flags::clear(d, m, &[Flag::Pf, Flag::Af, Flag::Sf, Flag::Of]);
    Ok(())
}
