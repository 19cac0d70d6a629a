//! Unwind rules for machine code whose only frame change is `sub rsp, N` ... `add rsp, N` (docs/abi.md section 5).
//!
//! The code is decoded to find those instructions. In code order, what follows an `add` belongs to the body again (out-of-line code
//! behind the epilogue), so the rule is: CFA = rsp + 8 up to the `sub` and from each `add` to the next transfer of control, else rsp + N + 8.
//! Machine code saves no registers.

use super::ENCODING;
use crate::exit::Result;
use crate::image::ItemId;
use crate::unit::{Func, Unit};
use gimli::write::{
    Address, CallFrameInstruction, CommonInformationEntry, FrameDescriptionEntry, FrameTable,
};
use gimli::{Encoding, X86_64};
use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, Register};

/// The frame table of all units.
pub fn build(units: &[Unit], code: &[Vec<ItemId>]) -> Result<FrameTable> {
    let mut table = FrameTable::default();
    // Version 4 of the call frame format goes with DWARF 4.
    let mut cie = CommonInformationEntry::new(
        Encoding {
            version: 4,
            ..ENCODING
        },
        1,
        -8,
        X86_64::RA,
    );
    cie.add_instruction(CallFrameInstruction::Cfa(X86_64::RSP, 8));
    cie.add_instruction(CallFrameInstruction::Offset(X86_64::RA, -8));
    let cie = table.add_cie(cie);
    for (f, &item) in units
        .iter()
        .zip(code)
        .flat_map(|(u, c)| u.funcs.iter().zip(c))
    {
        let start = Address::Symbol {
            symbol: item.index(),
            addend: 0,
        };
        let mut fde = FrameDescriptionEntry::new(start, f.code.len() as u32);
        for (offset, cfa) in cfa_changes(f) {
            fde.add_instruction(offset, CallFrameInstruction::CfaOffset(cfa));
        }
        table.add_fde(cie, fde);
    }
    Ok(table)
}

/// (code offset, distance of the CFA from rsp that holds from there on).
fn cfa_changes(f: &Func) -> Vec<(u32, i32)> {
    let text = f.code.get(..f.text_len as usize).unwrap_or(&f.code);
    let body = f.frame_size as i32 + 8;
    let mut out = Vec::new();
    let mut decoder = Decoder::new(64, text, DecoderOptions::NONE);
    let mut i = Instruction::default();
    let (mut entered, mut torn_down) = (false, false);
    while decoder.can_decode() {
        decoder.decode_out(&mut i);
        let next = decoder.ip() as u32;
        let adjust = match i.code() {
            Code::Sub_rm64_imm8
            | Code::Sub_rm64_imm32
            | Code::Add_rm64_imm8
            | Code::Add_rm64_imm32
                if i.op0_register() == Register::RSP
                    && i.immediate32to64() == i64::from(f.frame_size) =>
            {
                Some(matches!(
                    i.code(),
                    Code::Sub_rm64_imm8 | Code::Sub_rm64_imm32
                ))
            }
            _ => None,
        };
        match adjust {
            Some(true) if !entered => {
                out.push((next, body));
                entered = true;
            }
            Some(false) if entered => {
                out.push((next, 8));
                torn_down = true;
            }
            _ if torn_down && matches!(i.mnemonic(), Mnemonic::Ret | Mnemonic::Jmp) => {
                if (next as usize) < text.len() {
                    out.push((next, body));
                }
                torn_down = false;
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::FuncName;

    fn func(code: &[u8], frame_size: u32) -> Func {
        Func {
            name: FuncName {
                short: "f".into(),
                symbol: "lua.main.f:1".into(),
                line: 1,
            },
            of: 0,
            code: code.to_vec(),
            text_len: code.len() as u32,
            relocs: Vec::new(),
            safepoints: Vec::new(),
            srclocs: Vec::new(),
            frame_size,
            body_offset: 0,
            inlines: Vec::new(),
            live: Vec::new(),
            flags: 0,
            kept: Vec::new(),
        }
    }

    #[test]
    fn prologue_epilogue_and_cold_code() {
        // nop; sub rsp, 24; add rsp, 24; ret; nop; add rsp, 24; jmp +0
        let code = [
            0x90, 0x48, 0x83, 0xEC, 24, 0x48, 0x83, 0xC4, 24, 0xC3, 0x90, 0x48, 0x83, 0xC4, 24,
            0xE9, 0, 0, 0, 0,
        ];
        assert_eq!(
            cfa_changes(&func(&code, 24)),
            [(5, 32), (9, 8), (10, 32), (15, 8)]
        );
        // Other adjustments are not frames.
        assert_eq!(cfa_changes(&func(&[0x48, 0x83, 0xEC, 8, 0xC3], 24)), []);
    }
}
