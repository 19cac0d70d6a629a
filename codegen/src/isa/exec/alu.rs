//! Moves, addition, subtraction, bitwise operations, comparisons, conditional moves and sets.

use super::{Unsupported, condition, flags};
use crate::isa::domain::{Domain, UnOp};
use crate::isa::machine::{Flag, Machine};
use iced_x86::{Instruction, Mnemonic};

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    use Mnemonic::*;
    match i.mnemonic() {
        Add | Adc | Sub | Sbb | Cmp => {
            let a = m.read(d, i, 0)?;
            let b = m.read(d, i, 1)?;
            let c = m.flag(Flag::Cf);
            let r = match i.mnemonic() {
                Add => flags::add(d, m, &a, &b, None, false),
                Adc => flags::add(d, m, &a, &b, Some(&c), false),
                Sbb => flags::sub(d, m, &a, &b, Some(&c), false),
                _ => flags::sub(d, m, &a, &b, None, false),
            };
            if i.mnemonic() != Cmp {
                m.write(d, i, 0, &r)?;
            }
        }
        And | Or | Xor | Test => {
            let a = m.read(d, i, 0)?;
            let b = m.read(d, i, 1)?;
            let r = match i.mnemonic() {
                Or => d.or(&a, &b),
                Xor => d.xor(&a, &b),
                _ => d.and(&a, &b),
            };
            flags::logic(d, m, &r);
            if i.mnemonic() != Test {
                m.write(d, i, 0, &r)?;
            }
        }
        Inc | Dec => {
            let a = m.read(d, i, 0)?;
            let w = d.width(&a);
            let one = d.constant(w, 1);
            let r = if i.mnemonic() == Inc {
                flags::add(d, m, &a, &one, None, true)
            } else {
                flags::sub(d, m, &a, &one, None, true)
            };
            m.write(d, i, 0, &r)?;
        }
        Neg => {
            let a = m.read(d, i, 0)?;
            let w = d.width(&a);
            let zero = d.constant(w, 0);
            let r = flags::sub(d, m, &zero, &a, None, false);
            m.write(d, i, 0, &r)?;
        }
        Not => {
            let a = m.read(d, i, 0)?;
            let r = d.un(UnOp::Not, &a);
            m.write(d, i, 0, &r)?;
        }
        Mov => {
            let a = m.read(d, i, 1)?;
            m.write(d, i, 0, &a)?;
        }
        // Intel loads 16 bits here, AMD 32.
        Movsxd if Machine::<D>::operand_width(i, 0) == 16 => return Err(Unsupported::Operand),
        Movzx | Movsx | Movsxd => {
            let a = m.read(d, i, 1)?;
            let w = Machine::<D>::operand_width(i, 0);
            let r = if i.mnemonic() == Movzx {
                d.zext(&a, w)
            } else {
                d.sext(&a, w)
            };
            m.write(d, i, 0, &r)?;
        }
        Lea => {
            let a = m.address(d, i)?;
            let w = Machine::<D>::operand_width(i, 0);
            let r = d.trunc(&a, w);
            m.write(d, i, 0, &r)?;
        }
        Cmova | Cmovae | Cmovb | Cmovbe | Cmove | Cmovg | Cmovge | Cmovl | Cmovle | Cmovne
        | Cmovno | Cmovnp | Cmovns | Cmovo | Cmovp | Cmovs => {
            // The source is read, and may fault, whether or not it is moved; a 32-bit destination is extended either way.
            let c = condition(d, m, i.condition_code()).ok_or(Unsupported::Operand)?;
            let b = m.read(d, i, 1)?;
            let a = m.read(d, i, 0)?;
            let r = d.ite(&c, &b, &a);
            m.write(d, i, 0, &r)?;
        }
        Seta | Setae | Setb | Setbe | Sete | Setg | Setge | Setl | Setle | Setne | Setno
        | Setnp | Setns | Seto | Setp | Sets => {
            let c = condition(d, m, i.condition_code()).ok_or(Unsupported::Operand)?;
            let r = d.zext(&c, 8);
            m.write(d, i, 0, &r)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
