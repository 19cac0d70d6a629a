//! All vector forms of the encoding, and instances of them on a few fixed registers.

use crate::states::Rng;
use iced_x86::OpCodeOperandKind as Kind;
use iced_x86::{
    Code, CpuidFeature, EncodingKind, FlowControl, Instruction, IntelFormatter, OpKind, Register,
};

/// Whether an operand that may be memory is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operands {
    Registers,
    Memory,
}

/// A form with one choice of register or memory.
#[derive(Clone, Copy)]
pub struct Form {
    pub code: Code,
    /// Whether its last operand is an immediate.
    pub immediate: bool,
    operands: Operands,
}

/// The extensions the model's vector instructions belong to.
const FEATURES: [CpuidFeature; 10] = [
    CpuidFeature::SSE,
    CpuidFeature::SSE2,
    CpuidFeature::SSE3,
    CpuidFeature::SSSE3,
    CpuidFeature::SSE4_1,
    CpuidFeature::SSE4_2,
    CpuidFeature::AVX,
    CpuidFeature::AVX2,
    CpuidFeature::FMA,
    CpuidFeature::PCLMULQDQ,
];

/// The first register of an operand's class: the vector registers are 0 to 4, the general one rax.
fn register(kind: Kind) -> Option<Register> {
    Some(match kind {
        Kind::xmm_reg | Kind::xmm_rm | Kind::xmm_vvvv | Kind::xmm_is4 | Kind::xmm_or_mem => {
            Register::XMM0
        }
        Kind::ymm_reg | Kind::ymm_rm | Kind::ymm_vvvv | Kind::ymm_is4 | Kind::ymm_or_mem => {
            Register::YMM0
        }
        Kind::r32_reg | Kind::r32_rm | Kind::r32_or_mem => Register::EAX,
        Kind::r64_reg | Kind::r64_rm | Kind::r64_or_mem => Register::RAX,
        _ => return None,
    })
}

fn may_be_memory(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::mem | Kind::xmm_or_mem | Kind::ymm_or_mem | Kind::r32_or_mem | Kind::r64_or_mem
    )
}

/// All vector forms, with their register operands or with memory.
pub fn forms(operands: Operands) -> Vec<Form> {
    let ours = |code: &Code| {
        let op_code = code.op_code();
        let kinds = op_code.op_kinds();
        let vector = |k: &Kind| matches!(register(*k), Some(Register::XMM0 | Register::YMM0));
        op_code.is_instruction()
            && op_code.mode64()
            && matches!(op_code.encoding(), EncodingKind::Legacy | EncodingKind::VEX)
            && code.flow_control() == FlowControl::Next
            && code.cpuid_features().iter().all(|f| FEATURES.contains(f))
            && kinds.iter().any(vector)
            && match operands {
                Operands::Registers => kinds
                    .iter()
                    .all(|k| register(*k).is_some() || *k == Kind::imm8),
                Operands::Memory => {
                    kinds.iter().any(|k| may_be_memory(*k))
                        && kinds
                            .iter()
                            .all(|k| register(*k).is_some() || matches!(k, Kind::imm8 | Kind::mem))
                }
            }
    };
    Code::values()
        .filter(ours)
        .map(|code| Form {
            code,
            immediate: code.op_code().op_kinds().contains(&Kind::imm8),
            operands,
        })
        .collect()
}

impl Form {
    /// An instruction with registers and immediate at random; memory is at `[rbx]`.
    pub fn instance(&self, rng: &mut Rng) -> Instruction {
        let mut i = Instruction::default();
        i.set_code(self.code);
        for (n, &kind) in self.code.op_code().op_kinds().iter().enumerate() {
            let n = n as u32;
            if kind == Kind::imm8 {
                i.set_op_kind(n, OpKind::Immediate8);
                i.set_immediate8(if rng.below(2) == 0 {
                    rng.below(20) as u8
                } else {
                    rng.next() as u8
                });
            } else if self.operands == Operands::Memory && may_be_memory(kind) {
                i.set_op_kind(n, OpKind::Memory);
                i.set_memory_base(Register::RBX);
            } else {
                let first = register(kind).expect("forms have no other operands");
                let k = if first.is_gpr() { 0 } else { rng.below(5) };
                i.set_op_kind(n, OpKind::Register);
                i.set_op_register(n, first + k as u32);
            }
        }
        i
    }
}

/// The instruction in Intel syntax.
pub fn text(i: &Instruction) -> String {
    use iced_x86::Formatter;
    let mut out = String::new();
    IntelFormatter::new().format(i, &mut out);
    out
}
