//! Counting, finding, testing and moving bits.

use super::{Unsupported, flags};
use crate::isa::domain::{BinOp, CmpOp, Domain, UnOp};
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
        Popcnt => {
            let a = m.read(d, i, 1)?;
            let r = d.un(UnOp::Popcnt, &a);
            let z = d.is_zero(&a);
            let zero = d.bit(false);
            for f in Flag::ALL {
                m.set_flag(f, zero.clone());
            }
            m.set_flag(Flag::Zf, z);
            m.write(d, i, 0, &r)?;
        }
        Lzcnt | Tzcnt => {
            let a = m.read(d, i, 1)?;
            let r = d.un(
                if i.mnemonic() == Lzcnt {
                    UnOp::Clz
                } else {
                    UnOp::Ctz
                },
                &a,
            );
            let none = d.is_zero(&a);
            let z = d.is_zero(&r);
            m.undefine(d, &[Flag::Of, Flag::Sf, Flag::Pf, Flag::Af]);
            m.set_flag(Flag::Cf, none);
            m.set_flag(Flag::Zf, z);
            m.write(d, i, 0, &r)?;
        }
        Bsf | Bsr => {
            let a = m.read(d, i, 1)?;
            let w = d.width(&a);
            let n = if i.mnemonic() == Bsf {
                d.un(UnOp::Ctz, &a)
            } else {
                let n = d.un(UnOp::Clz, &a);
                let k = d.constant(w, (w - 1).into());
                d.sub(&k, &n)
            };
            let none = d.is_zero(&a);
            // Nothing found: the destination is undefined by the manual.
            let u = d.undefined(w);
            let r = d.ite(&none, &u, &n);
            m.undefine(d, &[Flag::Cf, Flag::Of, Flag::Sf, Flag::Pf, Flag::Af]);
            m.set_flag(Flag::Zf, none.clone());
            if w == 32 {
                // Whether the upper half is cleared then is undefined as well.
                let reg = i.op0_register().full_register();
                let u = d.undefined(64);
                let v = d.zext(&n, 64);
                let v = d.ite(&none, &u, &v);
                m.write_gpr(d, reg, &v);
            } else {
                m.write(d, i, 0, &r)?;
            }
        }
        Andn => {
            let a = m.read(d, i, 1)?;
            let b = m.read(d, i, 2)?;
            let n = d.not(&a);
            let r = d.and(&n, &b);
            flags::logic(d, m, &r);
            m.undefine(d, &[Flag::Pf]);
            m.write(d, i, 0, &r)?;
        }
        Blsi | Blsr | Blsmsk => {
            let a = m.read(d, i, 1)?;
            let w = d.width(&a);
            let minus = d.constant(w, u128::MAX);
            let none = d.is_zero(&a);
            let (r, cf) = match i.mnemonic() {
                Blsi => {
                    let n = d.un(UnOp::Neg, &a);
                    (d.and(&a, &n), d.not(&none))
                }
                Blsr => {
                    let n = d.add(&a, &minus);
                    (d.and(&a, &n), none)
                }
                _ => {
                    let n = d.add(&a, &minus);
                    (d.xor(&a, &n), none)
                }
            };
            flags::logic(d, m, &r);
            m.undefine(d, &[Flag::Pf]);
            m.set_flag(Flag::Cf, cf);
            m.write(d, i, 0, &r)?;
        }
        Bzhi => {
            let a = m.read(d, i, 1)?;
            let b = m.read(d, i, 2)?;
            let w = d.width(&a);
            let low = d.trunc(&b, 8);
            let n = d.zext(&low, w);
            // A shift by the width or more gives zero, and the mask is then all ones.
            let ones = d.constant(w, u128::MAX);
            let keep = d.bin(BinOp::Shl, &ones, &n);
            let mask = d.not(&keep);
            let r = d.and(&a, &mask);
            let k = d.constant(w, w.into());
            let inside = d.cmp(CmpOp::Ult, &n, &k);
            let cf = d.not(&inside);
            flags::logic(d, m, &r);
            m.undefine(d, &[Flag::Pf]);
            m.set_flag(Flag::Cf, cf);
            m.write(d, i, 0, &r)?;
        }
        Bextr => {
            let a = m.read(d, i, 1)?;
            let b = m.read(d, i, 2)?;
            let w = d.width(&a);
            let start = d.extract(&b, 0, 8);
            let len = d.extract(&b, 8, 8);
            let (start, len) = (d.zext(&start, w), d.zext(&len, w));
            let s = d.bin(BinOp::Lshr, &a, &start);
            let ones = d.constant(w, u128::MAX);
            let keep = d.bin(BinOp::Shl, &ones, &len);
            let mask = d.not(&keep);
            let r = d.and(&s, &mask);
            flags::logic(d, m, &r);
            m.undefine(d, &[Flag::Pf, Flag::Sf]);
            m.write(d, i, 0, &r)?;
        }
        Pdep | Pext => {
            let a = m.read(d, i, 1)?;
            let b = m.read(d, i, 2)?;
            let r = d.bin(
                if i.mnemonic() == Pdep {
                    BinOp::Pdep
                } else {
                    BinOp::Pext
                },
                &a,
                &b,
            );
            m.write(d, i, 0, &r)?;
        }
        Bt | Bts | Btr | Btc => {
            if i.op_kind(0) == OpKind::Memory && i.op_kind(1) == OpKind::Register {
                // The offset reaches beyond the operand.
                return Err(Unsupported::Operand);
            }
            let a = m.read(d, i, 0)?;
            let b = m.read(d, i, 1)?;
            let w = d.width(&a);
            let b = if d.width(&b) < w { d.zext(&b, w) } else { b };
            let k = d.constant(w, (w - 1).into());
            let n = d.and(&b, &k);
            let s = d.bin(BinOp::Lshr, &a, &n);
            let cf = d.trunc(&s, 1);
            let one = d.constant(w, 1);
            let bit = d.bin(BinOp::Shl, &one, &n);
            let r = match i.mnemonic() {
                Bts => Some(d.or(&a, &bit)),
                Btr => {
                    let n = d.not(&bit);
                    Some(d.and(&a, &n))
                }
                Btc => Some(d.xor(&a, &bit)),
                _ => None,
            };
            m.set_flag(Flag::Cf, cf);
            m.undefine(d, &[Flag::Of, Flag::Sf, Flag::Af, Flag::Pf]);
            if let Some(r) = r {
                m.write(d, i, 0, &r)?;
            }
        }
        Bswap => {
            let a = m.read(d, i, 0)?;
            let w = d.width(&a);
            let r = if w == 16 {
                d.undefined(16)
            } else {
                d.un(UnOp::Bswap, &a)
            };
            m.write(d, i, 0, &r)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
