//! Which variants the enumeration of values uses: one of each kind of value, no form that another makes as well.

use super::super::opset::{OpSet, Request};
use super::super::target::Target;
use iced_x86::{Code, Instruction, Mnemonic, OpKind, Register};

/// 64-bit forms that also help 32-bit code: shifts past bit 31, and products.
const WIDE_HELPERS: [Code; 8] = [
    Code::VEX_Shlx_r64_rm64_r64,
    Code::VEX_Shrx_r64_rm64_r64,
    Code::Imul_r64_rm64,
    Code::Shr_rm64_imm8,
    Code::Mov_r64_imm64,
    Code::Mov_r64_rm64,
    Code::Shr_rm64_CL,
    Code::Shl_rm64_CL,
];

/// 32-bit forms that 64-bit code uses.
const NARROW_HELPERS: [Code; 4] = [
    Code::Mov_r32_rm32,
    Code::Movzx_r32_rm8,
    Code::Mov_r32_imm32,
    Code::Xor_r32_rm32,
];

/// The variants for a target, with `further` constants beside those of its specification.
pub fn value_ops(t: &Target, further: &[i64]) -> OpSet {
    let width = t.operation_width();
    let constants: Vec<i64> = t
        .constants()
        .into_iter()
        .chain(further.iter().copied())
        .filter(|c| !(0..=4).contains(c))
        .collect();
    let mut immediates: Vec<i64> = vec![
        -2,
        -1,
        0,
        1,
        2,
        i64::from(width) - 1,
        i64::from(width),
        1 << 32,
    ];
    immediates.extend(&constants);
    immediates.sort_unstable();
    immediates.dedup();
    let widths = if width == 32 {
        vec![32, 64]
    } else {
        vec![64, 32]
    };
    let counts: Vec<i64> = [1, 2, 4, 8, 16, i64::from(width) - 1]
        .into_iter()
        .chain(t.shift_counts())
        .collect();
    let v3 = t.march >= super::super::opset::March::V3;
    let mut ops = OpSet::new(&Request {
        march: t.march,
        widths,
        immediates,
        fixed: true,
        only: Vec::new(),
    });
    ops.retain(|i| {
        let bytes = i.op0_register().size();
        let set = i.op_count() == 1 && bytes == 1;
        let size = if width == 32 {
            bytes != 8 || WIDE_HELPERS.contains(&i.code())
        } else {
            bytes != 4 || set || NARROW_HELPERS.contains(&i.code())
        };
        size && wanted(i, &counts, &constants, v3, width)
    });
    ops
}

fn wanted(i: &Instruction, counts: &[i64], constants: &[i64], v3: bool, width: u32) -> bool {
    use Mnemonic::*;
    let last = i.op_count().saturating_sub(1);
    let immediate = (i.op_count() > 0
        && !matches!(i.op_kind(last), OpKind::Register | OpKind::Memory))
    .then(|| i.immediate(last) as i64);
    match (i.mnemonic(), immediate) {
        // The same values as lea with a displacement.
        (Add | Sub | Inc | Dec, Some(_)) | (Inc | Dec, None) => false,
        // The carry is used by compositions only.
        (Adc | Sbb, Some(k)) => k == 0,
        (Bsf | Bsr | Bts | Btr | Btc, _) if v3 => false,
        (Sbb | Test | Xchg | Adcx | Adox, _) => false,
        // Rotations by the counts of the specification and by bytes.
        (Rcr, _) => true,
        (Rcl, _) => false,
        (Rol, Some(k)) => k == 8 || k == 16 || counts.contains(&k) && k > 16,
        (Ror | Shld | Shrd, Some(_)) => false,
        (Rorx, Some(_)) => false,
        (Shl | Shr | Sar, Some(k)) => {
            if i.op0_register().size() == 8 && width == 32 {
                k == 32
            } else {
                counts.contains(&k)
            }
        }
        (And | Or | Xor | Imul, Some(k)) => {
            constants.contains(&k) || matches!(i.mnemonic(), And) && k == 1
        }
        (Cmp, Some(k)) => k == 0 || k == 1 || constants.contains(&k) && k.unsigned_abs() < 1 << 20,
        (Mov, Some(k)) => {
            k == -1
                || k == 1
                || k == 0
                || k == i64::from(width)
                || k == 1 << 32
                || constants.contains(&k)
        }
        (Lea, _) if i.memory_base() == Register::None => false,
        (Lea, _) if i.memory_index() != Register::None => {
            i.memory_index_scale() == 1 && (i.memory_displacement64() as i64).abs() == 1
        }
        _ => true,
    }
}
