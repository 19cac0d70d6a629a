//! The instruction table: every form of 64-bit mode in the legacy and VEX encodings, and what the model makes of it.
//!
//! iced knows encodings, operands, flags and features; whether the model has a form is decided by executing samples of
//! it over terms, so the table cannot say more than the model does. A form is a `Code`, and where an operand may be a
//! register or memory, which of the two.

use super::exec::{Unsupported, execute};
use super::machine::{Flag, Machine};
use super::show;
use super::term::TermPool;
use iced_x86::OpCodeOperandKind as Kind;
use iced_x86::{
    Code, CpuidFeature, Decoder, DecoderOptions, Encoder, EncodingKind, FlowControl, Instruction,
    Mnemonic, OpKind, Register, RflagsBits,
};
use std::fmt;

/// The levels of x86-64 that `-march` names, each with all features of the ones before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Level {
    /// `x86-64`: SSE2 and cmov.
    V1,
    /// `x86-64-v2`: popcnt, SSE4.2.
    V2,
    /// `x86-64-v3`: AVX2, BMI1, BMI2, lzcnt, movbe, FMA.
    V3,
    /// `x86-64-v4`: AVX-512.
    V4,
    /// In no level: a feature of its own.
    Extra,
}

impl Level {
    /// The levels that can be asked for.
    pub const ALL: [Level; 4] = [Level::V1, Level::V2, Level::V3, Level::V4];

    /// Its name after `-march=`; `extra` for features outside all levels.
    pub fn name(self) -> &'static str {
        ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "extra"][self as usize]
    }

    /// The highest level below AVX-512, which the model does not have, that this processor runs.
    pub(super) fn native() -> Level {
        let has_v3 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("f16c")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("movbe");
        let has_v2 = is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("sse4.2")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("cmpxchg16b");
        match (has_v3, has_v2) {
            (true, true) => Level::V3,
            (_, true) => Level::V2,
            _ => Level::V1,
        }
    }

    /// The lowest level that has a feature. `tzcnt` and `lzcnt` are other instructions (`bsf`, `bsr`) below theirs.
    pub fn of(f: CpuidFeature) -> Level {
        use CpuidFeature::*;
        match f {
            INTEL8086 | INTEL8086_ONLY | INTEL186 | INTEL286 | INTEL386 | INTEL486 | X64 | CMOV
            | CX8 | FPU | FXSR | MMX | SSE | SSE2 | MULTIBYTENOP | PAUSE | CLFSH | CPUID | TSC
            | SYSCALL | PREFETCHW | CET_IBT => Level::V1,
            CMPXCHG16B | POPCNT | SSE3 | SSSE3 | SSE4_1 | SSE4_2 => Level::V2,
            AVX | AVX2 | BMI1 | BMI2 | F16C | FMA | LZCNT | MOVBE | XSAVE => Level::V3,
            AVX512F | AVX512BW | AVX512CD | AVX512DQ | AVX512VL => Level::V4,
            _ => Level::Extra,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One way to encode an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// Encoding and operand widths.
    pub code: Code,
    /// Whether its register-or-memory operand is memory. Also set where an operand is always memory.
    pub memory: bool,
}

/// Whether it leaves the flags alone when its count is zero, and its count may be.
pub fn may_keep_flags(i: &iced_x86::Instruction) -> bool {
    use iced_x86::Mnemonic::*;
    let shift = matches!(
        i.mnemonic(),
        Shl | Sal | Shr | Sar | Rol | Ror | Rcl | Rcr | Shld | Shrd
    );
    let last = i.op_count().saturating_sub(1);
    let constant = i.op_kind(last) == iced_x86::OpKind::Immediate8 && i.immediate8() & 31 != 0;
    shift && !constant
}

/// A set of arithmetic flags, by [`Flag`]'s number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// From iced's bits.
    pub fn from_iced(bits: u32) -> Flags {
        let table = [
            RflagsBits::CF,
            RflagsBits::PF,
            RflagsBits::AF,
            RflagsBits::ZF,
            RflagsBits::SF,
            RflagsBits::OF,
        ];
        let set = (0..6).filter(|&k| bits & table[k] != 0);
        Flags(set.fold(0, |s, k| s | 1 << k))
    }
    /// Whether it has the flag.
    pub fn has(self, f: Flag) -> bool {
        self.0 >> f as u8 & 1 == 1
    }
}

impl fmt::Display for Flags {
    /// `CF ZF`, or `-` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("-");
        }
        let names = ["CF", "PF", "AF", "ZF", "SF", "OF"];
        let set: Vec<&str> = (0..6)
            .filter(|k| self.0 >> k & 1 == 1)
            .map(|k| names[k])
            .collect();
        f.pad(&set.join(" "))
    }
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Info {
    /// The form.
    pub form: Form,
    /// The instruction's name.
    pub mnemonic: Mnemonic,
    /// iced's words for the operands: `r32_or_mem`, `imm8`.
    pub operands: Vec<Kind>,
    /// Flags it may read.
    pub read: Flags,
    /// Flags it may set to a value (written, cleared or set).
    pub written: Flags,
    /// Flags it may leave undefined.
    pub undefined: Flags,
    /// Features the processor needs, all of them.
    pub features: &'static [CpuidFeature],
    /// The level that has the features.
    pub level: Level,
    /// Why the model does not have it; `Ok` when it does.
    pub support: Result<(), Refusal>,
}

/// Why a form is not supported.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// The model refuses it.
    Model(Unsupported),
    /// An operand outside the model's registers: x87, MMX, mask, segment, control, debug, strings.
    Operands,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Model(u) => u.fmt(f),
            Refusal::Operands => {
                f.write_str("operands outside the model (x87, MMX, segment, control, string)")
            }
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = if self.memory { " (memory)" } else { "" };
        f.pad(&format!("{:?}{memory}", self.code))
    }
}

/// Every form of 64-bit mode in the legacy and VEX encodings, in the order of iced's table.
pub fn forms() -> Vec<Form> {
    let both = |code: Code| {
        let kinds = code.op_code().op_kinds();
        let either = kinds.iter().any(|&k| choice(k).is_some());
        let always = kinds.iter().any(|&k| is_memory(k));
        let register = (!always).then_some(Form {
            code,
            memory: false,
        });
        let memory = (always || either).then_some(Form { code, memory: true });
        register.into_iter().chain(memory)
    };
    Code::values()
        .filter(|c| {
            let o = c.op_code();
            o.is_instruction()
                && o.mode64()
                && !o.fwait()
                && matches!(c.encoding(), EncodingKind::Legacy | EncodingKind::VEX)
        })
        .flat_map(both)
        .collect()
}

/// The whole table.
pub fn table() -> Vec<Info> {
    forms().into_iter().map(info).collect()
}

/// The row of a form.
pub fn info(form: Form) -> Info {
    let code = form.code;
    let mut random = Lcg(0x9e37_79b9_7f4a_7c15);
    let samples = samples(form, &mut random, 4);
    let first = samples.first().copied();
    let support = match first {
        Some(_) => samples
            .iter()
            .find_map(|i| supported(i).err())
            .map_or(Ok(()), |u| Err(Refusal::Model(u))),
        None if code.flow_control() != FlowControl::Next => {
            Err(Refusal::Model(Unsupported::Control))
        }
        None => Err(Refusal::Operands),
    };
    // Shifts by an immediate have flags by the count; the one with all of them says most.
    let flags = |f: &dyn Fn(&Instruction) -> u32| {
        Flags(samples.iter().fold(0, |s, i| s | Flags::from_iced(f(i)).0))
    };
    Info {
        form,
        mnemonic: code.mnemonic(),
        operands: code.op_code().op_kinds().to_vec(),
        read: flags(&|i| i.rflags_read()),
        written: flags(&|i| i.rflags_written() | i.rflags_cleared() | i.rflags_set()),
        undefined: flags(&|i| i.rflags_undefined()),
        features: code.cpuid_features(),
        level: level(code),
        support,
    }
}

/// The lowest level of x86-64 that has a form; `Extra` when none has.
pub fn level(code: Code) -> Level {
    match extra_features(code).next() {
        Some(_) => Level::Extra,
        None => level_of_rest(code),
    }
}

/// The features that a form needs and no level has.
pub(super) fn extra_features(code: Code) -> impl Iterator<Item = CpuidFeature> {
    let features = code.cpuid_features().iter().copied();
    features.filter(|f| Level::of(*f) == Level::Extra)
}

/// The lowest level that has the other features of a form.
pub(super) fn level_of_rest(code: Code) -> Level {
    // 64-bit mode got these later than the rest of its time; iced has no feature for that.
    if matches!(code, Code::Lahf | Code::Sahf) {
        return Level::V2;
    }
    let levels = code.cpuid_features().iter().map(|f| Level::of(*f));
    let rest = levels.filter(|l| *l != Level::Extra);
    rest.max().unwrap_or(Level::V1)
}

/// Whether the model has an instruction.
///
/// # Errors
/// With the reason, when it has not.
pub fn supported(i: &Instruction) -> Result<(), Unsupported> {
    let mut pool = TermPool::new();
    let memory = pool.memory();
    let mut m = Machine::new(&mut pool, memory, &mut |p, name, w| p.var(name, w));
    execute(&mut pool, &mut m, i)
}

/// A number that names the semantics: it changes with any form's support, features or meaning.
///
/// FNV-1a over the table's rows and, for each supported form, the readable meaning of samples of it, in hexadecimal.
pub fn semantics_version() -> String {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    let mut feed = |text: &str| {
        for b in text.bytes().chain([0]) {
            hash ^= u128::from(b);
            hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    };
    for row in table() {
        if row.support.is_err() {
            continue;
        }
        feed(&format!("{} {} {}", row.form, row.level, row.undefined));
        for i in samples(row.form, &mut Lcg(1), 2) {
            // It was executed for the table already.
            if let Ok(meaning) = show::meaning(&i) {
                feed(&meaning.to_string());
            }
        }
    }
    format!("{hash:032x}")
}

/// The generator of the table's own samples: always the same numbers.
#[derive(Clone, Debug)]
pub struct Lcg(pub u64);

impl Lcg {
    /// A number below `n` (which is not zero).
    pub fn below(&mut self, n: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(n)) as u32
    }
}

fn samples(form: Form, random: &mut Lcg, n: usize) -> Vec<Instruction> {
    let mut out = Vec::new();
    for _ in 0..8 * n {
        if out.len() < n {
            out.extend(sample(form, &mut |k| random.below(k)));
        }
    }
    out
}

/// Who chooses the operands of an instruction ([`Form::build`]).
pub trait Operands {
    /// One of the registers that begin with `first`; high bytes count as byte registers.
    fn register(&mut self, first: Register) -> Register;
    /// The value of an immediate; `one` when the encoding allows no other than 1.
    fn immediate(&mut self, one: bool) -> u64;
    /// Fills the memory operand; `absolute` when the form has a 64-bit address and nothing else.
    fn address(&mut self, instruction: &mut Instruction, absolute: bool);
}

impl Form {
    /// The instruction with these operands as it decodes at `ip`, and its bytes.
    ///
    /// `None` for forms with operands outside the model, and for operands that cannot be encoded together (`ah` with a
    /// REX prefix).
    pub fn build(self, ip: u64, operands: &mut impl Operands) -> Option<(Instruction, Vec<u8>)> {
        let mut i = Instruction::default();
        i.set_code(self.code);
        for (n, &kind) in self.code.op_code().op_kinds().iter().enumerate() {
            let n = n as u32;
            let register = if self.memory { None } else { choice(kind) };
            if let Some(r) = implied(kind) {
                i.set_op_kind(n, OpKind::Register);
                i.set_op_register(n, r);
            } else if let Some(first) = first_register(register.unwrap_or(kind)) {
                i.set_op_kind(n, OpKind::Register);
                i.set_op_register(n, operands.register(first));
            } else if let Some(k) = immediate(kind) {
                i.set_op_kind(n, k);
                i.set_immediate_u64(n, operands.immediate(kind == Kind::imm8_const_1));
            } else if is_memory(kind) || choice(kind).is_some() {
                i.set_op_kind(n, OpKind::Memory);
                operands.address(&mut i, kind == Kind::mem_offs);
            } else {
                return None;
            }
        }
        let mut encoder = Encoder::new(64);
        encoder.encode(&i, ip).ok()?;
        let bytes = encoder.take_buffer();
        let decoded = Decoder::with_ip(64, &bytes, ip, DecoderOptions::NONE).decode();
        (decoded.code() == self.code).then_some((decoded, bytes))
    }

    /// Whether every operand is of a kind the model has, with one immediate at the most.
    pub fn has_ordinary_operands(self) -> bool {
        let kinds = self.code.op_code().op_kinds();
        let ordinary = |&k: &Kind| {
            choice(k).is_some()
                || implied(k).is_some()
                || first_register(k).is_some()
                || immediate(k).is_some()
                || is_memory(k)
        };
        kinds.iter().all(ordinary) && kinds.iter().filter(|&&k| immediate(k).is_some()).count() <= 1
    }
}

/// An instruction of the form with operands by `below`, which gives a number below its argument: any register,
/// aliasing included, high bytes where they can be encoded, any shape of address, any immediate.
///
/// `None` for forms with operands outside the model, and for operands that cannot be encoded together (try again).
pub fn sample(form: Form, below: &mut impl FnMut(u32) -> u32) -> Option<Instruction> {
    form.build(0x1000, &mut Any(below)).map(|(i, _)| i)
}

/// Operands by a source of numbers below a bound.
struct Any<'a, F>(&'a mut F);

impl<F: FnMut(u32) -> u32> Operands for Any<'_, F> {
    fn register(&mut self, first: Register) -> Register {
        // The four high bytes stand after the first four registers in iced's numbering.
        let count = if first == Register::AL { 20 } else { 16 };
        first + (self.0)(count)
    }

    fn immediate(&mut self, one: bool) -> u64 {
        let below = &mut self.0;
        // The choice is drawn also where there is none: the table's samples, and the number of the semantics with
        // them, depend on the order of draws.
        match below(4) {
            _ if one => 1,
            0 => u64::from(below(66)),
            1 => u64::from(below(33)).wrapping_sub(16),
            _ => u64::from(below(u32::MAX)) << 32 | u64::from(below(u32::MAX)),
        }
    }

    fn address(&mut self, i: &mut Instruction, absolute: bool) {
        let below = &mut self.0;
        if absolute {
            i.set_memory_displ_size(8);
            i.set_memory_displacement64(u64::from(below(1 << 30)));
            return;
        }
        let base = Register::RAX + below(16);
        let index = match below(3) {
            0 => Register::RAX + below(16),
            _ => Register::None,
        };
        let index = if index == Register::RSP {
            Register::RBP
        } else {
            index
        };
        let scale = if index == Register::None {
            1
        } else {
            1 << below(4)
        };
        let (displacement, size) = match below(3) {
            0 => (0, 0),
            1 => (i64::from(below(256)) - 128, 1),
            _ => (i64::from(below(1 << 24)), 8),
        };
        i.set_memory_base(base);
        i.set_memory_index(index);
        i.set_memory_index_scale(scale);
        i.set_memory_displ_size(size);
        i.set_memory_displacement64(displacement as u64);
    }
}

fn is_memory(k: Kind) -> bool {
    matches!(k, Kind::mem | Kind::mem_offs)
}

/// The registers of an operand that is a register or memory.
fn choice(k: Kind) -> Option<Kind> {
    Some(match k {
        Kind::r8_or_mem => Kind::r8_reg,
        Kind::r16_or_mem => Kind::r16_reg,
        Kind::r32_or_mem => Kind::r32_reg,
        Kind::r64_or_mem => Kind::r64_reg,
        Kind::xmm_or_mem => Kind::xmm_reg,
        Kind::ymm_or_mem => Kind::ymm_reg,
        _ => return None,
    })
}

fn implied(k: Kind) -> Option<Register> {
    Some(match k {
        Kind::al => Register::AL,
        Kind::cl => Register::CL,
        Kind::ax => Register::AX,
        Kind::dx => Register::DX,
        Kind::eax => Register::EAX,
        Kind::rax => Register::RAX,
        _ => return None,
    })
}

/// The first of the sixteen registers of a register operand.
fn first_register(k: Kind) -> Option<Register> {
    Some(match k {
        Kind::r8_reg | Kind::r8_opcode => Register::AL,
        Kind::r16_reg | Kind::r16_rm | Kind::r16_opcode => Register::AX,
        Kind::r32_reg | Kind::r32_rm | Kind::r32_opcode | Kind::r32_vvvv => Register::EAX,
        Kind::r64_reg | Kind::r64_rm | Kind::r64_opcode | Kind::r64_vvvv => Register::RAX,
        Kind::xmm_reg | Kind::xmm_rm | Kind::xmm_vvvv | Kind::xmm_is4 => Register::XMM0,
        Kind::ymm_reg | Kind::ymm_rm | Kind::ymm_vvvv | Kind::ymm_is4 => Register::YMM0,
        _ => return None,
    })
}

fn immediate(k: Kind) -> Option<OpKind> {
    Some(match k {
        Kind::imm8 | Kind::imm8_const_1 => OpKind::Immediate8,
        Kind::imm8sex16 => OpKind::Immediate8to16,
        Kind::imm8sex32 => OpKind::Immediate8to32,
        Kind::imm8sex64 => OpKind::Immediate8to64,
        Kind::imm16 => OpKind::Immediate16,
        Kind::imm32 => OpKind::Immediate32,
        Kind::imm32sex64 => OpKind::Immediate32to64,
        Kind::imm64 => OpKind::Immediate64,
        _ => return None,
    })
}
