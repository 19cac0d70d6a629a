//! Macros whose instructions belong together through the carry flag: an instruction that sets it and one that uses it.
//!
//! With `a + b` in one bit more than a word, averages are two instructions (`add; rcr`), and a condition joins a sum
//! without a register of its own (`neg b; adc a, a` is `2 a + (b != 0)`).

use super::super::opset::OpSet;
use super::super::program::Slot;
use super::macros::{ARG0, MacroSet};
use iced_x86::Code;

/// The forms of one width.
struct Forms {
    width: u32,
    add: Code,
    adc: Code,
    adc_imm: Code,
    sbb_imm: Code,
    neg: Code,
    cmp: Code,
    cmp_imm: Code,
    rcr: Code,
}

#[rustfmt::skip]
const FORMS: [Forms; 2] = [
    Forms {
        width: 32, add: Code::Add_r32_rm32, adc: Code::Adc_r32_rm32,
        adc_imm: Code::Adc_rm32_imm8, sbb_imm: Code::Sbb_rm32_imm8, neg: Code::Neg_rm32,
        cmp: Code::Cmp_r32_rm32, cmp_imm: Code::Cmp_rm32_imm8, rcr: Code::Rcr_rm32_1,
    },
    Forms {
        width: 64, add: Code::Add_r64_rm64, adc: Code::Adc_r64_rm64,
        adc_imm: Code::Adc_rm64_imm8, sbb_imm: Code::Sbb_rm64_imm8, neg: Code::Neg_rm64,
        cmp: Code::Cmp_r64_rm64, cmp_imm: Code::Cmp_rm64_imm8, rcr: Code::Rcr_rm64_1,
    },
];

/// Adds them, as far as the instruction set has the forms.
pub(super) fn add(s: &mut MacroSet, ops: &OpSet) {
    let find = |code: Code, immediate: Option<u64>| {
        (0..ops.variants.len() as u32).find(|v| {
            let i = &ops.variants[*v as usize].proto;
            i.code() == code && immediate.is_none_or(|k| i.immediate(1) == k)
        })
    };
    let (a, b, c) = (ARG0, ARG0 + 1, ARG0 + 2);
    let two = |v: u32, x: u8, y: u8| Slot { v, r: [x, y, 0, 0] };
    let one = |v: u32, x: u8| two(v, x, 0);
    for f in &FORMS {
        let w = f.width;
        if let (Some(add), Some(rcr)) = (find(f.add, None), find(f.rcr, None)) {
            s.push(
                ops,
                vec![two(add, a, b), one(rcr, a)],
                (2, a, w),
                None,
                true,
            );
            if let (Some(stc), Some(adc)) = (find(Code::Stc, None), find(f.adc, None)) {
                let slots = vec![Slot { v: stc, r: [0; 4] }, two(adc, a, b), one(rcr, a)];
                s.push(ops, slots, (2, a, w), None, true);
            }
        }
        // What sets the carry: its slots on the registers from `x` on, and how many of them it reads.
        let sources = |x: u8| {
            [
                find(f.neg, None).map(|v| (one(v, x), 1)),
                find(f.cmp_imm, Some(1)).map(|v| (one(v, x), 1)),
                find(f.cmp, None).map(|v| (two(v, x, x + 1), 2)),
            ]
        };
        // What uses it.
        let users = [
            find(f.adc, None).map(|v| two(v, a, a)),
            find(f.adc_imm, Some(0)).map(|v| one(v, a)),
            find(f.sbb_imm, Some(0)).map(|v| one(v, a)),
        ];
        for user in users.into_iter().flatten() {
            for (source, reads) in sources(b).into_iter().flatten() {
                s.push(ops, vec![source, user], (1 + reads, a, w), None, false);
            }
        }
        // The sum of two and a condition of a third.
        if let (Some(adc), Some(neg)) = (find(f.adc, None), find(f.neg, None)) {
            s.push(
                ops,
                vec![one(neg, c), two(adc, a, b)],
                (3, a, w),
                None,
                true,
            );
        }
    }
}
