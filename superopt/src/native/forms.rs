//! Instructions made to order: every form of the encoding, with operands chosen at random.
//!
//! The forms are the instruction table's; their [instances](Instances::instance) reach everything an encoding can say: all sixteen registers with aliasing, high-byte
//! registers where no REX prefix is needed, every shape of address, immediates at the edges of their range.
//!
//! Left out are forms outside 64-bit mode and outside the legacy and VEX encodings, control flow, and operands no
//! region of code has: segment, control and x87 registers, string operands, vectors of addresses.

use iced_x86::{Code, CpuidFeature, FlowControl, Instruction, Mnemonic, Register};
use rand::Rng;
use rand::seq::IndexedRandom;
pub use trinity_codegen::isa::forms::Form;
use trinity_codegen::isa::forms::{self as isa, Operands};

/// An instruction with its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    /// As decoded from the bytes at the address asked for.
    pub instruction: Instruction,
    /// The encoding, of which the first `length` bytes count.
    bytes: [u8; 15],
}

impl Instance {
    /// The encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.instruction.len()]
    }
}

/// All forms, in the order of iced's table.
pub fn forms() -> Vec<Form> {
    let possible = |form: &Form| possible(form.code) && form.has_ordinary_operands();
    isa::forms().into_iter().filter(possible).collect()
}

/// Features of other machines and of the x87 unit.
const ELSEWHERE: [CpuidFeature; 7] = [
    CpuidFeature::FPU,
    CpuidFeature::FPU287,
    CpuidFeature::FPU287XL_ONLY,
    CpuidFeature::FPU387SL_ONLY,
    CpuidFeature::KNC,
    CpuidFeature::PADLOCK_PMM,
    CpuidFeature::PCOMMIT,
];

fn possible(code: Code) -> bool {
    code.flow_control() == FlowControl::Next
        && !code.is_privileged()
        && code.mnemonic() != Mnemonic::Reservednop
        && !code
            .cpuid_features()
            .iter()
            .any(|feature| ELSEWHERE.contains(feature))
}

struct Random<'a, R> {
    rng: &'a mut R,
    /// The only registers, when there are few.
    few: Option<[u32; 3]>,
    target: u64,
}

impl<R: Rng> Operands for Random<'_, R> {
    fn register(&mut self, first: Register) -> Register {
        let number = match &self.few {
            Some(few) => *few.choose(self.rng).unwrap_or(&0),
            None => self.rng.random_range(0..16),
        };
        if first == Register::AL && self.rng.random_bool(0.25) {
            return *HIGH_BYTES.choose(self.rng).unwrap_or(&Register::AH);
        }
        numbered(first, number)
    }

    fn immediate(&mut self, one: bool) -> u64 {
        if one { 1 } else { random_immediate(self.rng) }
    }

    fn address(&mut self, instruction: &mut Instruction, absolute: bool) {
        if absolute {
            instruction.set_memory_displ_size(8);
            instruction.set_memory_displacement64(self.target);
        } else {
            random_address(instruction, self.rng, self.target);
        }
    }
}

struct Fixed<'a> {
    registers: &'a [u32],
    immediate: u64,
}

impl Operands for Fixed<'_> {
    fn register(&mut self, first: Register) -> Register {
        let (&number, rest) = self.registers.split_first().unwrap_or((&0, &[]));
        self.registers = rest;
        numbered(first, number)
    }

    fn immediate(&mut self, one: bool) -> u64 {
        if one { 1 } else { self.immediate }
    }

    fn address(&mut self, instruction: &mut Instruction, absolute: bool) {
        instruction.set_memory_displ_size(if absolute { 8 } else { 0 });
        instruction.set_memory_base(if absolute {
            Register::None
        } else {
            Register::RSI
        });
    }
}

/// Instances of forms.
pub trait Instances {
    /// An instruction of this form, encoded for `address`. An address without registers, which no state can move, is
    /// `target`, below 2 GiB. `None` when the operands drawn cannot be encoded together (`ah` with a REX prefix).
    fn instance(self, rng: &mut impl Rng, address: u64, target: u64) -> Option<Instance>;

    /// The instruction of this form whose explicit register operands have these numbers, in order, and whose immediate
    /// is this one.
    fn with_operands(self, registers: &[u32], immediate: u64) -> Option<Instance>;
}

impl Instances for Form {
    fn instance(self, rng: &mut impl Rng, address: u64, target: u64) -> Option<Instance> {
        // Few registers half of the time, so that operands coincide.
        let few = rng
            .random_bool(0.5)
            .then(|| std::array::from_fn(|_| rng.random_range(0..16)));
        build(self, address, &mut Random { rng, few, target })
    }

    fn with_operands(self, registers: &[u32], immediate: u64) -> Option<Instance> {
        let mut operands = Fixed {
            registers,
            immediate,
        };
        build(self, 0, &mut operands)
    }
}

fn build(form: Form, address: u64, operands: &mut impl Operands) -> Option<Instance> {
    let (instruction, encoded) = form.build(address, operands)?;
    let mut bytes = [0; 15];
    bytes[..encoded.len()].copy_from_slice(&encoded);
    Some(Instance { instruction, bytes })
}

const HIGH_BYTES: [Register; 4] = [Register::AH, Register::CH, Register::DH, Register::BH];

fn numbered(first: Register, number: u32) -> Register {
    // The high bytes stand between `bl` and `spl` in iced's numbering.
    let gap = if first == Register::AL && number >= 4 {
        HIGH_BYTES.len() as u32
    } else {
        0
    };
    first + number + gap
}

fn random_immediate(rng: &mut impl Rng) -> u64 {
    match rng.random_range(0..6) {
        0 => rng.random_range(0..=65),
        1 => rng.random_range(-16i64..=16) as u64,
        2 => 1 << rng.random_range(0..64),
        3 => (1u64 << rng.random_range(0..64)).wrapping_sub(1),
        4 => rng.random_range(0..=255),
        _ => rng.random(),
    }
}

/// Any shape of address there is. With registers, a state decides where it points.
fn random_address(instruction: &mut Instruction, rng: &mut impl Rng, target: u64) {
    let narrow = rng.random_bool(0.1);
    let first = if narrow { Register::EAX } else { Register::RAX };
    let register = |rng: &mut _| first + Rng::random_range(rng, 0..16u32);
    let base = register(rng);
    let index = std::iter::repeat_with(|| register(rng)).find(|&index| index != first + 4);
    let index = index.unwrap_or(first);
    let scale = 1 << rng.random_range(0..4);
    let (displacement, size) = match rng.random_range(0..3) {
        0 => (0, 0),
        1 => (i64::from(rng.random::<i8>()), 1),
        _ => (
            i64::from(rng.random::<i32>() >> rng.random_range(0..24)),
            if narrow { 4 } else { 8 },
        ),
    };
    let (base, index, scale, displacement, size) = match rng.random_range(0..10) {
        0 => (Register::RIP, Register::None, 1, target as i64, 8),
        1 => (Register::None, Register::None, 1, target as i64, 8),
        2 => (
            Register::None,
            index,
            scale,
            displacement,
            if narrow { 4 } else { 8 },
        ),
        3..=5 => (base, Register::None, 1, displacement, size),
        _ => (base, index, scale, displacement, size),
    };
    instruction.set_memory_base(base);
    instruction.set_memory_index(index);
    instruction.set_memory_index_scale(scale);
    instruction.set_memory_displ_size(size);
    instruction.set_memory_displacement64(if narrow && base != Register::RIP && size == 4 {
        u64::from(displacement as u32)
    } else {
        displacement as u64
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use iced_x86::OpKind;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn every_form_has_instances_that_decode_to_it() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let forms = forms();
        assert!(forms.contains(&Form {
            code: Code::Add_rm32_r32,
            memory: true
        }));
        assert!(forms.contains(&Form {
            code: Code::VEX_Vpaddd_ymm_ymm_ymmm256,
            memory: false
        }));
        assert!(
            !forms
                .iter()
                .any(|form| form.code == Code::Retnq || form.code == Code::Mov_cr_r64)
        );
        let mut empty = Vec::new();
        for form in forms {
            let made = (0..200).find_map(|_| form.instance(&mut rng, 0x1000, 0x2000_0000));
            let Some(instance) = made else {
                empty.push(form.to_string());
                continue;
            };
            assert_eq!(instance.instruction.code(), form.code);
            let memory = instance
                .instruction
                .op_kinds()
                .any(|kind| kind == OpKind::Memory);
            assert_eq!(memory, form.memory, "{form}");
        }
        assert_eq!(empty, [""; 0]);
    }

    #[test]
    fn operands_cover_every_register_and_address_shape() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let form = Form {
            code: Code::Add_rm8_r8,
            memory: true,
        };
        let made: Vec<Instruction> = (0..4000)
            .filter_map(|_| form.instance(&mut rng, 0x1000, 0x2000_0000))
            .map(|instance| instance.instruction)
            .collect();
        let mut sources: Vec<Register> = made
            .iter()
            .map(|instruction| instruction.op_register(1))
            .collect();
        sources.sort();
        sources.dedup();
        assert_eq!(sources.len(), 20);
        let any = |what: &dyn Fn(&Instruction) -> bool| assert!(made.iter().any(what));
        any(&|i| i.is_ip_rel_memory_operand() && i.ip_rel_memory_address() == 0x2000_0000);
        any(&|i| i.memory_base() == Register::None && i.memory_index() == Register::None);
        any(&|i| i.memory_base() == Register::None && i.memory_index() != Register::None);
        any(&|i| i.memory_base() == Register::RSP && i.memory_index_scale() == 8);
        any(&|i| i.memory_base() == Register::R13D && i.memory_displacement64() == 0);
    }
}
