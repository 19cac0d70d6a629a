//! Exchanges, the stack, sign extensions of the accumulator, single flags.

use super::{Unsupported, flags};
use crate::isa::domain::{BinOp, Domain, UnOp};
use crate::isa::machine::{Flag, Machine};
use iced_x86::{Instruction, Mnemonic, Register};

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    match i.mnemonic() {
        Nop | Endbr64 | Endbr32 | Pause => {}
        Xchg => {
            if i.op_kind(0) == iced_x86::OpKind::Memory || i.op_kind(1) == iced_x86::OpKind::Memory
            {
                // An exchange with memory is atomic.
                return Err(Unsupported::Prefix);
            }
            let a = m.read(d, i, 0)?;
            let b = m.read(d, i, 1)?;
            m.write(d, i, 0, &b)?;
            m.write(d, i, 1, &a)?;
        }
        Xadd => {
            let a = m.read(d, i, 0)?;
            let b = m.read(d, i, 1)?;
            let r = flags::add(d, m, &a, &b, None, false);
            // The register first: with one register named twice, the sum stays. A memory operand is stored before.
            if i.op_kind(0) == iced_x86::OpKind::Memory {
                m.write(d, i, 0, &r)?;
                m.write(d, i, 1, &a)?;
            } else {
                m.write(d, i, 1, &a)?;
                m.write(d, i, 0, &r)?;
            }
        }
        Cmpxchg => {
            let a = m.read(d, i, 0)?;
            let b = m.read(d, i, 1)?;
            let w = d.width(&a);
            let acc = match w {
                8 => Register::AL,
                16 => Register::AX,
                32 => Register::EAX,
                _ => Register::RAX,
            };
            let x = m.read_gpr(d, acc);
            flags::sub(d, m, &x, &a, None, false);
            let same = m.flag(Flag::Zf);
            let r = d.ite(&same, &b, &a);
            let dest_is_acc = i.op_kind(0) == iced_x86::OpKind::Register && i.op0_register() == acc;
            // The processor writes the destination only when equal, and the accumulator only when not: the upper
            // half of the one that is not written stays.
            let acc_old = m.read_gpr(d, Register::RAX);
            let new_acc = d.ite(&same, &x, &a);
            if i.op_kind(0) == iced_x86::OpKind::Register && w == 32 {
                let full = i.op0_register().full_register();
                let old = m.read_gpr(d, full);
                let wide = d.zext(&b, 64);
                let v = d.ite(&same, &wide, &old);
                if !dest_is_acc {
                    let wa = d.zext(&new_acc, 64);
                    let acc_v = d.ite(&same, &acc_old, &wa);
                    m.write_gpr(d, Register::RAX, &acc_v);
                }
                m.write_gpr(d, full, &v);
            } else {
                m.write(d, i, 0, &r)?;
                if !dest_is_acc {
                    if w == 32 {
                        let wa = d.zext(&new_acc, 64);
                        let acc_v = d.ite(&same, &acc_old, &wa);
                        m.write_gpr(d, Register::RAX, &acc_v);
                    } else {
                        m.write_gpr(d, acc, &new_acc);
                    }
                }
            }
        }
        Movbe => {
            let a = m.read(d, i, 1)?;
            let r = if d.width(&a) == 16 {
                let (hi, lo) = (d.extract(&a, 8, 8), d.extract(&a, 0, 8));
                d.concat(&lo, &hi)
            } else {
                d.un(UnOp::Bswap, &a)
            };
            m.write(d, i, 0, &r)?;
        }
        Push => {
            let a = m.read(d, i, 0)?;
            let w = push_width(i);
            let a = if d.width(&a) < w { d.sext(&a, w) } else { a };
            let rsp = m.gpr[4].clone();
            let k = d.constant(64, (w / 8).into());
            let to = d.sub(&rsp, &k);
            m.store(d, &to, &a);
            m.gpr[4] = to;
        }
        Pop => {
            let w = push_width(i);
            let rsp = m.gpr[4].clone();
            let v = m.load(d, &rsp, w / 8);
            let k = d.constant(64, (w / 8).into());
            // The stack pointer moves before a memory destination's address is made.
            m.gpr[4] = d.add(&rsp, &k);
            m.write(d, i, 0, &v)?;
        }
        Leave if i.code() == iced_x86::Code::Leaveq => {
            let rbp = m.gpr[5].clone();
            let v = m.load(d, &rbp, 8);
            let k = d.constant(64, 8);
            m.gpr[4] = d.add(&rbp, &k);
            m.gpr[5] = v;
        }
        Cbw | Cwde | Cdqe => {
            let (from, to) = match i.mnemonic() {
                Cbw => (Register::AL, Register::AX),
                Cwde => (Register::AX, Register::EAX),
                _ => (Register::EAX, Register::RAX),
            };
            let a = m.read_gpr(d, from);
            let r = d.sext(&a, 8 * to.size() as u32);
            m.write_gpr(d, to, &r);
        }
        Cwd | Cdq | Cqo => {
            let (from, to) = match i.mnemonic() {
                Cwd => (Register::AX, Register::DX),
                Cdq => (Register::EAX, Register::EDX),
                _ => (Register::RAX, Register::RDX),
            };
            let a = m.read_gpr(d, from);
            let w = d.width(&a);
            let k = d.constant(w, (w - 1).into());
            let r = d.bin(BinOp::Ashr, &a, &k);
            m.write_gpr(d, to, &r);
        }
        Clc | Stc => {
            let v = d.bit(i.mnemonic() == Stc);
            m.set_flag(Flag::Cf, v);
        }
        Cmc => {
            let c = m.flag(Flag::Cf);
            let v = d.not(&c);
            m.set_flag(Flag::Cf, v);
        }
        Lahf => {
            let mut v = d.bit(false);
            // Bits 7 to 0: SF ZF 0 AF 0 PF 1 CF.
            let parts = [Some(Flag::Zf), None, Some(Flag::Af), None, Some(Flag::Pf)];
            let mut word = m.flag(Flag::Sf);
            for p in parts {
                let b = match p {
                    Some(f) => m.flag(f),
                    None => v.clone(),
                };
                word = d.concat(&word, &b);
            }
            v = d.bit(true);
            word = d.concat(&word, &v);
            let c = m.flag(Flag::Cf);
            word = d.concat(&word, &c);
            m.write_gpr(d, Register::AH, &word);
        }
        Sahf => {
            let v = m.read_gpr(d, Register::AH);
            for (f, at) in [
                (Flag::Sf, 7),
                (Flag::Zf, 6),
                (Flag::Af, 4),
                (Flag::Pf, 2),
                (Flag::Cf, 0),
            ] {
                let b = d.extract(&v, at, 1);
                m.set_flag(f, b);
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn push_width(i: &Instruction) -> u32 {
    use iced_x86::Code;
    match i.code() {
        Code::Push_r16
        | Code::Push_rm16
        | Code::Pop_r16
        | Code::Pop_rm16
        | Code::Push_imm16
        | Code::Pushw_imm8 => 16,
        _ => 64,
    }
}
