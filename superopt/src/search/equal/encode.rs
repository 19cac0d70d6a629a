//! Virtual instructions of each kind, and the tables of their encodings.

use super::super::loc::gpr_register;
use super::allocate::{Inst, V};
use super::lower::Select;
use iced_x86::{Code, Instruction, MemoryOperand, Register};

/// A condition on the flags, by its number in the encoding.
pub(super) type Cc = u8;
pub(super) const BELOW: Cc = 2;
pub(super) const EQUAL: Cc = 4;
pub(super) const ABOVE: Cc = 7;
pub(super) const LESS: Cc = 12;
pub(super) const GREATER: Cc = 15;

pub(super) fn g(r: u8, bytes: usize) -> Register {
    gpr_register(r.into(), bytes)
}

pub(super) fn bytes(w: u32) -> usize {
    if w > 32 { 8 } else { 4 }
}

/// The 32-bit or the 64-bit form.
pub(super) fn form(w: u32, narrow: Code, wide: Code) -> Code {
    if w > 32 { wide } else { narrow }
}

pub(super) fn one(i: Result<Instruction, iced_x86::IcedError>) -> Option<Vec<Instruction>> {
    i.ok().map(|i| vec![i])
}

/// Whether operations of 32 or 64 bits see nothing but the word.
pub(super) fn whole(w: u32) -> bool {
    matches!(w, 32 | 64)
}

impl Select<'_> {
    pub(super) fn push(
        &mut self,
        w: u32,
        reads: &[V],
        (tied, commutes, clobbers): (bool, bool, bool),
        emit: impl Fn(u8, &[u8]) -> Option<Vec<Instruction>> + 'static,
    ) -> V {
        let d = self.fresh(w > 32);
        if clobbers {
            self.flags = None;
        }
        self.code.insts.push(Inst {
            d: Some(d),
            reads: reads.to_vec(),
            tied,
            commutes,
            emit: Box::new(emit),
        });
        d
    }

    /// `d = a op b` in the place of `a`.
    pub(super) fn two(&mut self, w: u32, code: Code, a: V, b: V, commutes: bool) -> V {
        let s = bytes(w);
        self.push(w, &[a, b], (true, commutes, true), move |d, r| {
            one(Instruction::with2(code, g(d, s), g(r[1], s)))
        })
    }

    /// `d = a op k` in the place of `a`.
    pub(super) fn with_number(&mut self, w: u32, code: Code, a: V, k: i32) -> V {
        let s = bytes(w);
        self.push(w, &[a], (true, false, true), move |d, _| {
            one(Instruction::with2(code, g(d, s), k))
        })
    }

    /// `d = op a` in the place of `a`.
    pub(super) fn unary(&mut self, w: u32, code: Code, a: V) -> V {
        let s = bytes(w);
        let clobbers = !matches!(code, Code::Not_rm32 | Code::Not_rm64);
        self.push(w, &[a], (true, false, clobbers), move |d, _| {
            one(Instruction::with1(code, g(d, s)))
        })
    }

    /// `d = f(a)`, `a` read with `from` bytes.
    pub(super) fn apart(&mut self, w: u32, code: Code, a: V, from: usize) -> V {
        let s = bytes(w);
        let moves = matches!(
            code,
            Code::Mov_r32_rm32 | Code::Movzx_r32_rm8 | Code::Movzx_r32_rm16 | Code::Movsxd_r64_rm32
        );
        self.push(w, &[a], (false, false, !moves), move |d, r| {
            one(Instruction::with2(code, g(d, s), g(r[0], from)))
        })
    }

    /// `d = f(a, b)` of three operands.
    pub(super) fn three(&mut self, w: u32, code: Code, a: V, b: V) -> V {
        let s = bytes(w);
        self.push(w, &[a, b], (false, false, true), move |d, r| {
            one(Instruction::with3(code, g(d, s), g(r[0], s), g(r[1], s)))
        })
    }

    /// `d = a + b * scale + k`.
    pub(super) fn lea(&mut self, w: u32, a: V, b: Option<(V, u32)>, k: i32) -> V {
        let code = form(w, Code::Lea_r32_m, Code::Lea_r64_m);
        let s = bytes(w);
        let mut reads = vec![a];
        reads.extend(b.map(|b| b.0));
        self.push(w, &reads, (false, false, false), move |d, r| {
            let index = b.map_or(Register::None, |_| g(r[1], 8));
            let scale = b.map_or(1, |b| b.1);
            let size = u32::from(k != 0);
            let m = MemoryOperand::new(
                g(r[0], 8),
                index,
                scale,
                k.into(),
                size,
                false,
                Register::None,
            );
            one(Instruction::with2(code, g(d, s), m))
        })
    }

    pub(super) fn number(&mut self, w: u32, value: u64) -> V {
        self.push(w, &[], (false, false, false), move |d, _| {
            one(match u32::try_from(value) {
                Ok(v) => Instruction::with2(Code::Mov_r32_imm32, g(d, 4), v),
                Err(_) if value as i64 == i64::from(value as i32) => {
                    Instruction::with2(Code::Mov_rm64_imm32, g(d, 8), value as i32)
                }
                Err(_) => Instruction::with2(Code::Mov_r64_imm64, g(d, 8), value),
            })
        })
    }

    pub(super) fn shift(&mut self, w: u32, codes: (Code, Code), a: V, k: u32) -> V {
        if k == 0 {
            return a;
        }
        let code = form(w, codes.0, codes.1);
        let s = bytes(w);
        self.push(w, &[a], (true, false, true), move |d, _| {
            one(Instruction::with2(code, g(d, s), k))
        })
    }
}

pub(super) fn and_code(w: u32, k: i32) -> Code {
    match i8::try_from(k) {
        Ok(_) => form(w, Code::And_rm32_imm8, Code::And_rm64_imm8),
        Err(_) => form(w, Code::And_rm32_imm32, Code::And_rm64_imm32),
    }
}

pub(super) const SHL: (Code, Code) = (Code::Shl_rm32_imm8, Code::Shl_rm64_imm8);
pub(super) const SHR: (Code, Code) = (Code::Shr_rm32_imm8, Code::Shr_rm64_imm8);
pub(super) const SAR: (Code, Code) = (Code::Sar_rm32_imm8, Code::Sar_rm64_imm8);
pub(super) const ROL: (Code, Code) = (Code::Rol_rm32_imm8, Code::Rol_rm64_imm8);
pub(super) const ROR: (Code, Code) = (Code::Ror_rm32_imm8, Code::Ror_rm64_imm8);

/// By condition.
#[rustfmt::skip]
pub(super) const SET: [Code; 16] = [
    Code::Seto_rm8, Code::Setno_rm8, Code::Setb_rm8, Code::Setae_rm8, Code::Sete_rm8, Code::Setne_rm8, Code::Setbe_rm8, Code::Seta_rm8,
    Code::Sets_rm8, Code::Setns_rm8, Code::Setp_rm8, Code::Setnp_rm8, Code::Setl_rm8, Code::Setge_rm8, Code::Setle_rm8, Code::Setg_rm8,
];
#[rustfmt::skip]
pub(super) const CMOV32: [Code; 16] = [
    Code::Cmovo_r32_rm32, Code::Cmovno_r32_rm32, Code::Cmovb_r32_rm32, Code::Cmovae_r32_rm32, Code::Cmove_r32_rm32, Code::Cmovne_r32_rm32,
    Code::Cmovbe_r32_rm32, Code::Cmova_r32_rm32, Code::Cmovs_r32_rm32, Code::Cmovns_r32_rm32, Code::Cmovp_r32_rm32, Code::Cmovnp_r32_rm32,
    Code::Cmovl_r32_rm32, Code::Cmovge_r32_rm32, Code::Cmovle_r32_rm32, Code::Cmovg_r32_rm32,
];
#[rustfmt::skip]
pub(super) const CMOV64: [Code; 16] = [
    Code::Cmovo_r64_rm64, Code::Cmovno_r64_rm64, Code::Cmovb_r64_rm64, Code::Cmovae_r64_rm64, Code::Cmove_r64_rm64, Code::Cmovne_r64_rm64,
    Code::Cmovbe_r64_rm64, Code::Cmova_r64_rm64, Code::Cmovs_r64_rm64, Code::Cmovns_r64_rm64, Code::Cmovp_r64_rm64, Code::Cmovnp_r64_rm64,
    Code::Cmovl_r64_rm64, Code::Cmovge_r64_rm64, Code::Cmovle_r64_rm64, Code::Cmovg_r64_rm64,
];
