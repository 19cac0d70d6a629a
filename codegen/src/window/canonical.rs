//! The canonical form of a window, by which it is known wherever it stands.
//!
//! Registers are numbered in the order in which the text meets them, but for those that an instruction implies and the
//! pinned ones; the accumulator's short encodings are the general ones; displacements are as short as they can be.

use super::effect::{Live, effect, number};
use iced_x86::{
    Code, Decoder, DecoderOptions, Encoder, Instruction, InstructionInfoFactory, OpKind, Register,
};

/// The order in which registers are given: those with short encodings first.
const ORDER: [u8; 13] = [0, 1, 2, 6, 7, 8, 9, 10, 11, 5, 12, 13, 15];

/// Which register stands for which.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Renaming([u8; 16]);

impl Renaming {
    /// The other way round.
    pub fn inverse(&self) -> Renaming {
        let mut to = [0; 16];
        (0..16).for_each(|n| to[self.0[n as usize] as usize] = n);
        Renaming(to)
    }

    /// A set of registers, renamed.
    pub fn set(&self, gpr: u16) -> u16 {
        let bits = (0..16).filter(|n| gpr >> n & 1 == 1);
        bits.fold(0, |s, n: u16| s | 1 << self.0[n as usize])
    }

    fn register(&self, r: Register) -> Register {
        let Some(n) = number(r) else { return r };
        let to = u32::from(self.0[n as usize]);
        match r.size() {
            8 => Register::RAX + to,
            4 => Register::EAX + to,
            2 => Register::AX + to,
            // Between bl and spl stand the high bytes.
            _ if to < 4 => Register::AL + to,
            _ => Register::SPL + (to - 4),
        }
    }

    /// An instruction with renamed registers; `None` if it has an operand that cannot be another.
    pub fn apply(&self, i: &Instruction) -> Option<Instruction> {
        let mut out = general(i);
        for n in 0..out.op_count() {
            match out.op_kind(n) {
                OpKind::Register => out.set_op_register(n, self.register(out.op_register(n))),
                OpKind::Memory => {
                    out.set_memory_base(self.register(out.memory_base()));
                    out.set_memory_index(self.register(out.memory_index()));
                    let disp = out.memory_displacement64() as i64;
                    out.set_memory_displ_size(match disp {
                        0 => 0,
                        -128..=127 => 1,
                        _ => 8,
                    });
                }
                _ => {}
            }
        }
        Some(out)
    }
}

/// An instruction without a short encoding of its own for the accumulator.
fn general(i: &Instruction) -> Instruction {
    macro_rules! table {
        ($($short:ident $long:ident)*) => {
            match i.code() {
                $(Code::$short => Code::$long,)*
                other => other,
            }
        };
    }
    let mut out = *i;
    out.set_code(table! {
        Add_AL_imm8 Add_rm8_imm8 Add_AX_imm16 Add_rm16_imm16 Add_EAX_imm32 Add_rm32_imm32 Add_RAX_imm32 Add_rm64_imm32
        Or_AL_imm8 Or_rm8_imm8 Or_AX_imm16 Or_rm16_imm16 Or_EAX_imm32 Or_rm32_imm32 Or_RAX_imm32 Or_rm64_imm32
        Adc_AL_imm8 Adc_rm8_imm8 Adc_AX_imm16 Adc_rm16_imm16 Adc_EAX_imm32 Adc_rm32_imm32 Adc_RAX_imm32 Adc_rm64_imm32
        Sbb_AL_imm8 Sbb_rm8_imm8 Sbb_AX_imm16 Sbb_rm16_imm16 Sbb_EAX_imm32 Sbb_rm32_imm32 Sbb_RAX_imm32 Sbb_rm64_imm32
        And_AL_imm8 And_rm8_imm8 And_AX_imm16 And_rm16_imm16 And_EAX_imm32 And_rm32_imm32 And_RAX_imm32 And_rm64_imm32
        Sub_AL_imm8 Sub_rm8_imm8 Sub_AX_imm16 Sub_rm16_imm16 Sub_EAX_imm32 Sub_rm32_imm32 Sub_RAX_imm32 Sub_rm64_imm32
        Xor_AL_imm8 Xor_rm8_imm8 Xor_AX_imm16 Xor_rm16_imm16 Xor_EAX_imm32 Xor_rm32_imm32 Xor_RAX_imm32 Xor_rm64_imm32
        Cmp_AL_imm8 Cmp_rm8_imm8 Cmp_AX_imm16 Cmp_rm16_imm16 Cmp_EAX_imm32 Cmp_rm32_imm32 Cmp_RAX_imm32 Cmp_rm64_imm32
        Test_AL_imm8 Test_rm8_imm8 Test_AX_imm16 Test_rm16_imm16 Test_EAX_imm32 Test_rm32_imm32 Test_RAX_imm32 Test_rm64_imm32
    });
    out
}

/// A window in canonical form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Canonical {
    /// The instructions.
    pub code: Vec<Instruction>,
    /// Their bytes.
    pub bytes: Vec<u8>,
    /// What lives behind it: of registers those that it writes; of flags all.
    pub live: Live,
    /// From the registers where it stands to these.
    pub renaming: Renaming,
}

impl Canonical {
    /// Its name: what lives behind it, and its bytes.
    pub fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(3 + self.bytes.len());
        key.extend_from_slice(&self.live.gpr.to_le_bytes());
        key.push(self.live.flags);
        key.extend_from_slice(&self.bytes);
        key
    }

    /// The registers that it mentions or implies.
    pub fn registers(&self) -> u16 {
        let mut factory = InstructionInfoFactory::new();
        let all = |e: super::Effect| e.reads.gpr | e.writes.gpr | e.implied;
        self.code
            .iter()
            .fold(0, |s, i| s | all(effect(i, &mut factory)))
    }

    /// What it may change.
    pub fn writes(&self) -> Live {
        let mut factory = InstructionInfoFactory::new();
        let code = self.code.iter();
        code.fold(Live::NONE, |s, i| s | effect(i, &mut factory).writes)
    }
}

/// A window's name in short, for people: eight hexadecimal digits (FNV-1a of [`Canonical::key`]).
pub fn digest(key: &[u8]) -> String {
    let step = |h: u32, b: &u8| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193);
    format!("{:08x}", key.iter().fold(0x811c_9dc5, step))
}

/// Encodes instructions one after another at address 0.
pub fn encode(code: &[Instruction]) -> Option<Vec<u8>> {
    let mut encoder = Encoder::new(64);
    let mut at = 0;
    for i in code {
        at += encoder.encode(i, at).ok()? as u64;
    }
    Some(encoder.take_buffer())
}

/// Decodes all of the bytes.
pub fn decode(bytes: &[u8]) -> Option<Vec<Instruction>> {
    let all: Vec<Instruction> = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE)
        .into_iter()
        .collect();
    all.iter().all(|i| !i.is_invalid()).then_some(all)
}

/// The canonical form of code behind which `live` lives. `None` for code that is no window.
pub fn canonical(code: &[Instruction], live: Live) -> Option<Canonical> {
    let mut factory = InstructionInfoFactory::new();
    let (mut fixed, mut writes) = (Live::PINNED.gpr, Live::NONE);
    for i in code {
        let e = effect(&general(i), &mut factory);
        if !e.usable {
            return None;
        }
        fixed |= e.implied;
        writes = writes | e.writes;
    }
    let mut to = [u8::MAX; 16];
    (0..16u8)
        .filter(|n| fixed >> n & 1 == 1)
        .for_each(|n| to[n as usize] = n);
    let mut free = ORDER.iter().copied().filter(|n| fixed >> n & 1 == 0);
    let mut meet = |r: Register| {
        if let Some(n) = number(r)
            && to[n as usize] == u8::MAX
            && let Some(new) = free.next()
        {
            to[n as usize] = new;
        }
    };
    for i in code {
        for n in 0..i.op_count() {
            match i.op_kind(n) {
                OpKind::Register => meet(i.op_register(n)),
                OpKind::Memory => {
                    meet(i.memory_base());
                    meet(i.memory_index());
                }
                _ => {}
            }
        }
    }
    (0..16u32).for_each(|n| meet(Register::RAX + n));
    let renaming = Renaming(to);
    let code: Vec<Instruction> = code
        .iter()
        .map(|i| renaming.apply(i))
        .collect::<Option<_>>()?;
    let bytes = encode(&code)?;
    Some(Canonical {
        code: decode(&bytes)?,
        bytes,
        live: Live {
            gpr: renaming.set(live.gpr & writes.gpr),
            flags: live.flags,
        },
        renaming,
    })
}
