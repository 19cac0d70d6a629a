//! Tests of the sets of instructions.

use super::*;
use Register::{EAX, EDI, ESI, RDI};
use trinity_codegen::isa::forms::level;

#[test]
fn rows_name_the_level_of_their_forms() {
    for (named, _, _, codes) in ROWS {
        for c in *codes {
            assert_eq!(level(*c), *named, "{c:?}");
        }
    }
}

#[test]
fn a_processor_has_its_extensions() {
    let has = |march: &str| {
        let march = March::parse(march).expect("a processor");
        let request = Request {
            march,
            widths: vec![64],
            immediates: Vec::new(),
            fixed: true,
            only: vec![Code::Adcx_r64_rm64],
        };
        !OpSet::new(&request).variants.is_empty()
    };
    assert!(has("znver4") && has("x86-64+adx") && !has("x86-64-v3") && !has("haswell"));
}

#[test]
fn instructions_are_found_in_every_encoding() {
    let ops = OpSet::new(&Request {
        march: March::V3,
        widths: vec![64, 32],
        immediates: vec![1, -1000],
        fixed: true,
        only: Vec::new(),
    });
    let forms = [
        Instruction::with2(Code::Add_rm32_r32, EDI, ESI),
        Instruction::with2(Code::Add_r32_rm32, EDI, ESI),
        Instruction::with2(Code::Add_EAX_imm32, EAX, -1000),
        Instruction::with2(Code::Mov_rm32_imm32, EDI, -1000),
        Instruction::with2(Code::Shl_rm32_1, EDI, 1),
        Instruction::with2(Code::And_rm64_imm32, RDI, -1000),
    ];
    for i in forms {
        let i = i.unwrap();
        let (v, r) = ops.find(&i).unwrap_or_else(|| panic!("{i}"));
        let ours = ops.variants[v as usize].instruction(&r);
        assert_eq!(ours.to_string(), i.to_string());
    }
}

/// An immediate that is stored is compared in all its bits.
#[test]
fn stored_immediates_are_told_apart() {
    let store = |n: i32| {
        let at = MemoryOperand::with_base(RDI);
        Instruction::with2(Code::Mov_rm32_imm32, at, n).unwrap()
    };
    assert!(same_operands(&store(0x101), &store(0x101)));
    assert!(!same_operands(&store(0x101), &store(1)));
}
