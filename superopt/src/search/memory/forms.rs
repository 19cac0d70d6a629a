//! Instructions that access the cells of a target: scalar loads, stores, and operations with an operand in memory.
//!
//! Only rows of whole cells are accessed, written ones only where the original writes; whether that tears a store or
//! meets other memory is the proof's to say.

use super::cells::Cells;
use crate::search::opset::{March, OpSet, Shape};
use crate::search::target::Target;
use crate::search::variant::{Hole, Start, Variant};
use iced_x86::{Code, Instruction, MemoryOperand, OpKind, Register};

/// What an instruction does with its operand in memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Register, memory.
    Load,
    /// Memory, register.
    Store,
    /// Memory alone: read and written.
    Only,
    /// Memory, immediate: read and written.
    Immediate,
    /// Memory, immediate: written.
    Put,
    /// Memory, immediate: read.
    Test,
}

type Row = (March, u32, Use, u8, &'static [Code]);

macro_rules! rows {
    ($($march:ident $bytes:literal $use:ident $reg:literal: $($code:ident)*;)*) => {
        &[$((March::$march, $bytes, Use::$use, $reg, &[$(Code::$code),*]),)*]
    };
}

/// From which level on, bytes of memory, use, bytes of the register, forms.
#[rustfmt::skip]
const ROWS: &[Row] = rows! {
    V1 4 Load 4: Mov_r32_rm32 Add_r32_rm32 Sub_r32_rm32 And_r32_rm32 Or_r32_rm32 Xor_r32_rm32 Cmp_r32_rm32 Imul_r32_rm32 Cmovb_r32_rm32 Cmova_r32_rm32 Cmovl_r32_rm32 Cmovg_r32_rm32 Cmove_r32_rm32 Cmovne_r32_rm32;
    V1 4 Load 8: Movsxd_r64_rm32;
    V1 4 Store 4: Mov_rm32_r32 Add_rm32_r32 Sub_rm32_r32 And_rm32_r32 Or_rm32_r32 Xor_rm32_r32;
    V1 4 Only 0: Inc_rm32 Dec_rm32 Neg_rm32 Not_rm32;
    V1 4 Immediate 0: Add_rm32_imm8 And_rm32_imm8 Or_rm32_imm8 Xor_rm32_imm8;
    V1 4 Put 0: Mov_rm32_imm32;
    V1 4 Test 0: Cmp_rm32_imm8;
    V1 8 Load 8: Mov_r64_rm64 Add_r64_rm64 Sub_r64_rm64 And_r64_rm64 Or_r64_rm64 Xor_r64_rm64 Cmp_r64_rm64 Imul_r64_rm64 Cmovb_r64_rm64 Cmova_r64_rm64 Cmovl_r64_rm64 Cmovg_r64_rm64 Cmove_r64_rm64 Cmovne_r64_rm64;
    V1 8 Store 8: Mov_rm64_r64 Add_rm64_r64 Sub_rm64_r64 And_rm64_r64 Or_rm64_r64 Xor_rm64_r64;
    V1 8 Only 0: Inc_rm64 Dec_rm64 Neg_rm64 Not_rm64;
    V1 8 Immediate 0: Add_rm64_imm8 And_rm64_imm8 Or_rm64_imm8 Xor_rm64_imm8;
    V1 8 Put 0: Mov_rm64_imm32;
    V1 8 Test 0: Cmp_rm64_imm8;
    V1 1 Load 4: Movzx_r32_rm8 Movsx_r32_rm8;
    V1 1 Store 1: Mov_rm8_r8;
    V1 2 Load 4: Movzx_r32_rm16 Movsx_r32_rm16;
    V1 2 Store 2: Mov_rm16_r16;
    V1 16 Load 16: Movdqu_xmm_xmmm128;
    V1 16 Store 16: Movdqu_xmmm128_xmm;
    V3 16 Load 16: VEX_Vmovdqu_xmm_xmmm128;
    V3 16 Store 16: VEX_Vmovdqu_xmmm128_xmm;
};

impl OpSet {
    /// Adds instructions that access cells of memory, each with its holes; those that the model does not have are
    /// left out.
    pub fn add_memory(&mut self, cells: &Cells, forms: Vec<(Instruction, Vec<Hole>)>) {
        let start = Start::new(cells);
        let mut known: Vec<(Code, Vec<Hole>)> = Vec::new();
        let first = self.by_form.len();
        for (proto, holes) in forms {
            let key = (proto.code(), holes.clone());
            let Some(v) = Variant::new(&start, proto, holes) else {
                continue;
            };
            let n = known.iter().position(|k| *k == key).unwrap_or_else(|| {
                known.push(key);
                self.by_form.push(Vec::new());
                known.len() - 1
            });
            self.by_form[first + n].push(self.variants.len() as u32);
            self.form_of.push((first + n) as u32);
            self.costs.push(crate::search::cost::instruction(&v.proto));
            self.variants.push(v);
            self.shapes.push(Shape::Memory);
        }
        self.classes.clear();
        self.class_of.clear();
        self.classify();
    }
}

/// Immediates per form at most.
const IMMEDIATES: usize = 8;

/// The instructions for a target's cells, with their holes: those of the rows above, and those of the original.
pub fn forms(t: &Target, cells: &Cells) -> Vec<(Instruction, Vec<Hole>)> {
    let mut immediates: Vec<i64> = t.constants();
    immediates.retain(|v| i32::try_from(*v).is_ok());
    immediates.truncate(IMMEDIATES - 2);
    for v in [0, 1] {
        if !immediates.contains(&v) {
            immediates.push(v);
        }
    }
    let mut out = Vec::new();
    for &(march, bytes, what, register, codes) in ROWS {
        if !t.march.includes(march) {
            continue;
        }
        for c in &cells.cells {
            let Some(row) = cells.row(c.base, c.offset, bytes) else {
                continue;
            };
            let of_row = &cells.cells[row];
            let reads = !matches!(what, Use::Store | Use::Put);
            let writes = !matches!(what, Use::Load | Use::Test);
            if writes && !of_row.iter().all(|c| c.written)
                || reads && !of_row.iter().any(|c| c.read)
            {
                continue;
            }
            let operand = cells.bases[c.base].operand(c.offset);
            for &code in codes {
                one(&mut out, code, what, register, operand, &immediates);
            }
        }
    }
    out.extend(t.baseline.iter().flatten().filter_map(of_original));
    out
}

fn one(
    out: &mut Vec<(Instruction, Vec<Hole>)>,
    code: Code,
    what: Use,
    bytes: u8,
    m: MemoryOperand,
    immediates: &[i64],
) {
    let r = match bytes {
        16 => Register::XMM8,
        n => crate::search::loc::gpr_register(8, n.max(1).into()),
    };
    let hole = |op: u8| match bytes {
        16 => Hole::Vec { op, bytes },
        _ => Hole::Gpr { op, bytes },
    };
    let mut push = |i: Result<Instruction, iced_x86::IcedError>, holes| {
        if let Ok(i) = i {
            out.push((i, holes));
        }
    };
    match what {
        Use::Load => push(Instruction::with2(code, r, m), vec![hole(0)]),
        Use::Store => push(Instruction::with2(code, m, r), vec![hole(1)]),
        Use::Only => push(Instruction::with1(code, m), vec![]),
        Use::Immediate | Use::Put | Use::Test => {
            for &v in immediates {
                let code = crate::search::opset::short_or_long(code, v);
                push(Instruction::with2(code, m, v as i32), vec![]);
            }
        }
    }
}

/// An instruction of the original with its registers open.
fn of_original(i: &Instruction) -> Option<(Instruction, Vec<Hole>)> {
    use iced_x86::OpCodeOperandKind as K;
    let memory = (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory);
    let touches = memory && !matches!(i.mnemonic(), iced_x86::Mnemonic::Lea);
    if !touches {
        return None;
    }
    let info = i.op_code();
    let mut holes = Vec::new();
    for n in 0..i.op_count() {
        if i.op_kind(n) != OpKind::Register {
            continue;
        }
        let op = n as u8;
        let bytes = i.op_register(n).size() as u8;
        match info.op_kind(n) {
            K::r8_reg | K::r8_opcode => holes.push(Hole::Gpr { op, bytes }),
            K::r16_reg | K::r32_reg | K::r64_reg | K::r32_vvvv | K::r64_vvvv => {
                holes.push(Hole::Gpr { op, bytes });
            }
            K::xmm_reg | K::xmm_vvvv | K::ymm_reg | K::ymm_vvvv => {
                holes.push(Hole::Vec { op, bytes });
            }
            _ => {}
        }
    }
    let high = (0..i.op_count()).any(|n| {
        matches!(
            i.op_register(n),
            Register::AH | Register::BH | Register::CH | Register::DH
        )
    });
    (!high && holes.len() <= 4).then_some((*i, holes))
}
