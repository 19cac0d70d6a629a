//! Candidates that are near: one or two instructions gone, values taken from where they are already, two instructions in
//! one, narrower forms. Nothing here knows what is right: every candidate is tested and proven.

use super::cost::{same_address, written};
use iced_x86::{
    Code, Instruction, InstructionInfoFactory, MemoryOperand, Mnemonic, OpAccess, OpKind, Register,
};
use std::collections::HashMap;
use std::sync::OnceLock;
use trinity_codegen::isa::March;
use trinity_codegen::window::Canonical;

/// How far apart two instructions are that one may stand for.
const APART: usize = 3;

/// The 32-bit code of each 64-bit one that has one.
fn narrow_codes() -> &'static HashMap<Code, Code> {
    static TABLE: OnceLock<HashMap<Code, Code>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let by_name: HashMap<String, Code> =
            Code::values().map(|c| (format!("{c:?}"), c)).collect();
        let narrow = |c: Code| {
            let name = format!("{c:?}");
            let to = *by_name.get(&name.replace("64", "32"))?;
            (to != c && c.op_code().is_instruction() == to.op_code().is_instruction())
                .then_some((c, to))
        };
        Code::values().filter_map(narrow).collect()
    })
}

fn gpr(n: u32, bytes: usize) -> Register {
    crate::search::loc::gpr_register(n as u16, bytes)
}

fn number(r: Register) -> u32 {
    r.full_register() as u32 - Register::RAX as u32
}

/// The instruction with 32-bit operands.
fn narrower(i: &Instruction) -> Option<Instruction> {
    let mut out = *i;
    out.set_code(*narrow_codes().get(&i.code())?);
    for n in 0..i.op_count() {
        match i.op_kind(n) {
            OpKind::Register => {
                let r = i.op_register(n);
                if r.is_gpr64() {
                    out.set_op_register(n, gpr(number(r), 4));
                }
            }
            // A narrower access is another one.
            OpKind::Memory if i.mnemonic() != Mnemonic::Lea => return None,
            OpKind::Memory => {}
            _ => {
                let value = i.immediate(n);
                out.set_op_kind(
                    n,
                    match i.op_kind(n) {
                        OpKind::Immediate8to64 => OpKind::Immediate8to32,
                        OpKind::Immediate32to64 | OpKind::Immediate64 => OpKind::Immediate32,
                        k => k,
                    },
                );
                out.set_immediate_u64(
                    n,
                    if out.op_kind(n) == OpKind::Immediate32 {
                        value & 0xffff_ffff
                    } else {
                        value
                    },
                );
            }
        }
    }
    Some(out)
}

/// Operands of an instruction that it only reads and that are a register `r` of 64 bits, or an address with it, made `by`.
fn reading(i: &Instruction, r: u32, by: u32, factory: &mut InstructionInfoFactory) -> Instruction {
    let info = factory.info(i);
    replaced(i, r, by, |n| info.op_access(n) == OpAccess::Read)
}

/// All operands that are register `r`, made `by`.
fn renamed(i: &Instruction, r: u32, by: u32) -> Instruction {
    replaced(i, r, by, |_| true)
}

/// Register `r` made `by` in addresses, and in those operands that are asked for.
fn replaced(i: &Instruction, r: u32, by: u32, operand: impl Fn(u32) -> bool) -> Instruction {
    let mut out = *i;
    let is = |x: Register| x.is_gpr() && number(x) == r;
    for n in 0..i.op_count() {
        match i.op_kind(n) {
            OpKind::Register if is(i.op_register(n)) && operand(n) => {
                out.set_op_register(n, gpr(by, i.op_register(n).size()));
            }
            OpKind::Memory => {
                if is(i.memory_base()) {
                    out.set_memory_base(gpr(by, 8));
                }
                if is(i.memory_index()) {
                    out.set_memory_index(gpr(by, 8));
                }
            }
            _ => {}
        }
    }
    out
}

/// A move between two whole registers: to, from.
fn copy(i: &Instruction) -> Option<(u32, u32)> {
    let whole = matches!(i.code(), Code::Mov_rm64_r64 | Code::Mov_r64_rm64);
    (whole && i.op0_kind() == OpKind::Register && i.op1_kind() == OpKind::Register)
        .then(|| (number(i.op0_register()), number(i.op1_register())))
}

fn without(code: &[Instruction], gone: &[usize]) -> Vec<Instruction> {
    let keep = code.iter().enumerate().filter(|(n, _)| !gone.contains(n));
    keep.map(|(_, i)| *i).collect()
}

/// Candidates for a window's code as it is now, registers those of the window.
pub fn candidates(w: &Canonical, code: &[Instruction], march: March) -> Vec<Vec<Instruction>> {
    let mut out = Vec::new();
    let mut factory = InstructionInfoFactory::new();
    let f = &mut factory;
    for n in 0..code.len() {
        out.push(without(code, &[n]));
        out.extend((n + 1..code.len()).map(|m| without(code, &[n, m])));
    }
    for n in 0..code.len() {
        if let Some((to, from)) = copy(&code[n]) {
            // Read from where it came from.
            let mut new = without(code, &[n]);
            for i in &mut new[n..] {
                let changed = written(i, f);
                *i = reading(i, to, from, f);
                if changed >> to & 1 == 1 || changed >> from & 1 == 1 {
                    break;
                }
            }
            out.push(new);
            // Made where it goes to.
            for first in 0..n {
                let mut new = without(code, &[n]);
                new[first..n]
                    .iter_mut()
                    .for_each(|i| *i = renamed(i, from, to));
                out.push(new);
            }
        }
        if let Some(i) = narrower(&code[n]) {
            let mut new = code.to_vec();
            new[n] = i;
            out.push(new);
        }
        loads(code, n, w, &mut out);
        folded(code, n, &mut out);
    }
    let all: Vec<u32> = (0..16).filter(|n| w.registers() >> n & 1 == 1).collect();
    let constants = constants(code);
    // Behind the last one changed nothing matters but what lives, and that is known of shorter windows too.
    for last in code.len().saturating_sub(1).max(1)..code.len() {
        for first in last.saturating_sub(APART)..last {
            let (a, b) = (&code[first], &code[last]);
            let to = (written(b, f) | written(a, f)) & w.writes().gpr;
            if accesses(a) && accesses(b) {
                continue;
            }
            for to in (0..16).filter(|n| to >> n & 1 == 1) {
                for one in singles(to, &all, &constants, [a, b], march) {
                    let mut new = without(code, &[first, last]);
                    new.insert(last - 1, one);
                    out.push(new);
                }
            }
        }
    }
    out
}

fn accesses(i: &Instruction) -> bool {
    i.mnemonic() != Mnemonic::Lea && (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory)
}

/// What an instruction loads, taken from a register instead.
fn loads(code: &[Instruction], n: usize, w: &Canonical, out: &mut Vec<Vec<Instruction>>) {
    let i = &code[n];
    if !accesses(i)
        || i.op_count() < 2
        || i.op_kind(1) != OpKind::Memory && i.op_kind(0) != OpKind::Memory
    {
        return;
    }
    let earlier = code[..n].iter().any(|e| accesses(e) && same_address(e, i));
    if !earlier {
        return;
    }
    for r in (0..16).filter(|r| w.registers() >> r & 1 == 1) {
        let op = if i.op_kind(1) == OpKind::Memory { 1 } else { 0 };
        let size = i.memory_size().size();
        if !matches!(size, 1 | 4 | 8) {
            continue;
        }
        let mut new = *i;
        new.set_op_kind(op, OpKind::Register);
        new.set_op_register(op, gpr(r, size));
        let mut all = code.to_vec();
        all[n] = new;
        out.push(all);
    }
}

/// An instruction whose second operand is a register, as it takes it from memory.
fn from_memory(i: &Instruction) -> Option<Code> {
    Some(match i.code() {
        Code::Add_rm64_r64 => Code::Add_r64_rm64,
        Code::Sub_rm64_r64 => Code::Sub_r64_rm64,
        Code::And_rm64_r64 => Code::And_r64_rm64,
        Code::Or_rm64_r64 => Code::Or_r64_rm64,
        Code::Xor_rm64_r64 => Code::Xor_r64_rm64,
        Code::Cmp_rm64_r64 => Code::Cmp_r64_rm64,
        Code::Mov_rm64_r64 => Code::Mov_r64_rm64,
        Code::Mov_rm32_r32 => Code::Mov_r32_rm32,
        Code::Add_rm32_r32 => Code::Add_r32_rm32,
        Code::And_rm32_r32 => Code::And_r32_rm32,
        Code::Xor_rm32_r32 => Code::Xor_r32_rm32,
        Code::Cmp_rm32_r32 => Code::Cmp_r32_rm32,
        same if i.op_count() > 1 && i.op1_kind() == OpKind::Register => same,
        _ => return None,
    })
}

/// What an instruction reads from a register that was loaded, read from memory itself.
fn folded(code: &[Instruction], n: usize, out: &mut Vec<Vec<Instruction>>) {
    let user = &code[n];
    if user.op_count() < 2 || user.op1_kind() != OpKind::Register || accesses(user) {
        return;
    }
    let Some(form) = from_memory(user) else {
        return;
    };
    for (k, load) in code[..n].iter().enumerate() {
        let loads = matches!(load.code(), Code::Mov_r64_rm64 | Code::Mov_r32_rm32)
            && load.op1_kind() == OpKind::Memory;
        if !loads
            || !user.op1_register().is_gpr()
            || number(load.op0_register()) != number(user.op1_register())
        {
            continue;
        }
        let mut new = *user;
        new.set_code(form);
        new.set_op1_kind(OpKind::Memory);
        new.set_memory_base(load.memory_base());
        new.set_memory_index(load.memory_index());
        new.set_memory_index_scale(load.memory_index_scale());
        new.set_memory_displacement64(load.memory_displacement64());
        new.set_memory_displ_size(load.memory_displ_size());
        let mut all = code.to_vec();
        all[n] = new;
        out.push(without(&all, &[k]));
        out.push(all);
    }
}

/// Constants of the code, and those that two of them make.
fn constants(code: &[Instruction]) -> Vec<i64> {
    let mut own = vec![];
    for i in code {
        for n in 0..i.op_count() {
            match i.op_kind(n) {
                OpKind::Register | OpKind::NearBranch64 => {}
                OpKind::Memory => own.push(i.memory_displacement64() as i64),
                _ => own.push(i.immediate(n) as i64),
            }
        }
    }
    own.sort_unstable();
    own.dedup();
    let mut out = own.clone();
    for a in &own {
        out.extend([a.wrapping_neg(), !a]);
        out.extend(
            own.iter()
                .flat_map(|b| [a.wrapping_add(*b), a.wrapping_sub(*b), a & b]),
        );
    }
    out.retain(|k| i64::from(*k as i32) == *k && *k != 0);
    out.sort_unstable();
    out.dedup();
    out.truncate(24);
    out
}

/// Single instructions that write a register, from registers and constants that there are.
fn singles(
    to: u32,
    from: &[u32],
    constants: &[i64],
    old: [&Instruction; 2],
    march: March,
) -> Vec<Instruction> {
    let mut out: Vec<Option<Instruction>> = Vec::new();
    let reads = |n: &&u32| {
        let is = |i: &Instruction| {
            let ops = (0..i.op_count())
                .any(|k| i.op_kind(k) == OpKind::Register && number(i.op_register(k)) == **n);
            let address = [i.memory_base(), i.memory_index()];
            ops || address.iter().any(|r| r.is_gpr() && number(*r) == **n)
        };
        old.iter().any(|i| is(i))
    };
    let from: Vec<u32> = from.iter().filter(reads).copied().collect();
    let (to8, to4) = (gpr(to, 8), gpr(to, 4));
    for &a in &from {
        let (a8, a4) = (gpr(a, 8), gpr(a, 4));
        out.push(Instruction::with2(Code::Mov_rm64_r64, to8, a8).ok());
        out.push(Instruction::with2(Code::Mov_rm32_r32, to4, a4).ok());
        out.push(Instruction::with2(Code::Movzx_r32_rm8, to4, gpr(a, 1)).ok());
        out.push(Instruction::with2(Code::Movzx_r32_rm16, to4, gpr(a, 2)).ok());
        out.push(Instruction::with2(Code::Movsxd_r64_rm32, to8, a4).ok());
        for code in [
            Code::Add_rm64_r64,
            Code::Sub_rm64_r64,
            Code::And_rm64_r64,
            Code::Or_rm64_r64,
            Code::Xor_rm64_r64,
            Code::Cmp_rm64_r64,
            Code::Test_rm64_r64,
        ] {
            out.push(Instruction::with2(code, to8, a8).ok());
        }
        out.push(Instruction::with2(Code::Imul_r64_rm64, to8, a8).ok());
        for code in [
            Code::Add_rm32_r32,
            Code::And_rm32_r32,
            Code::Xor_rm32_r32,
            Code::Or_rm32_r32,
        ] {
            out.push(Instruction::with2(code, to4, a4).ok());
        }
        let disps = || constants.iter().copied().chain([0]);
        for k in disps() {
            for scale in [1u32, 2, 4, 8] {
                let none =
                    MemoryOperand::new(Register::None, a8, scale, k, 8, false, Register::None);
                out.push(
                    (scale > 1)
                        .then(|| Instruction::with2(Code::Lea_r64_m, to8, none).ok())
                        .flatten(),
                );
                for &b in &from {
                    let m =
                        MemoryOperand::new(gpr(b, 8), a8, scale, k, disp(k), false, Register::None);
                    out.push(
                        (a != 4)
                            .then(|| Instruction::with2(Code::Lea_r64_m, to8, m).ok())
                            .flatten(),
                    );
                }
            }
            let plain =
                MemoryOperand::new(a8, Register::None, 1, k, disp(k), false, Register::None);
            out.push(Instruction::with2(Code::Lea_r64_m, to8, plain).ok());
        }
        for &k in constants {
            out.push(Instruction::with3(Code::Imul_r64_rm64_imm32, to8, a8, k as i32).ok());
            if (1..64).contains(&k) && march.has(Code::VEX_Rorx_r64_rm64_imm8) {
                out.push(Instruction::with3(Code::VEX_Rorx_r64_rm64_imm8, to8, a8, k as u32).ok());
                out.push(
                    Instruction::with3(Code::VEX_Rorx_r32_rm32_imm8, to4, a4, k as u32 & 31).ok(),
                );
            }
        }
        if march.has(Code::VEX_Andn_r64_r64_rm64) {
            for &b in &from {
                out.push(Instruction::with3(Code::VEX_Andn_r64_r64_rm64, to8, a8, gpr(b, 8)).ok());
            }
        }
    }
    for &k in constants.iter().chain(&[0]) {
        out.push(
            u32::try_from(k)
                .ok()
                .and_then(|k| Instruction::with2(Code::Mov_r32_imm32, to4, k).ok()),
        );
        for (short, long) in [
            (Code::Add_rm64_imm8, Code::Add_rm64_imm32),
            (Code::Sub_rm64_imm8, Code::Sub_rm64_imm32),
            (Code::And_rm64_imm8, Code::And_rm64_imm32),
            (Code::Or_rm64_imm8, Code::Or_rm64_imm32),
            (Code::Xor_rm64_imm8, Code::Xor_rm64_imm32),
            (Code::Cmp_rm64_imm8, Code::Cmp_rm64_imm32),
            (Code::And_rm32_imm8, Code::And_rm32_imm32),
            (Code::Test_rm64_imm32, Code::Test_rm64_imm32),
        ] {
            let small = i64::from(k as i8) == k && short != long;
            let r = if matches!(short, Code::And_rm32_imm8) {
                to4
            } else {
                to8
            };
            out.push(Instruction::with2(if small { short } else { long }, r, k as i32).ok());
        }
        if (1..64).contains(&k) {
            for code in [
                Code::Shl_rm64_imm8,
                Code::Shr_rm64_imm8,
                Code::Sar_rm64_imm8,
                Code::Ror_rm64_imm8,
            ] {
                out.push(Instruction::with2(code, to8, k as u32).ok());
            }
            for code in [
                Code::Shl_rm32_imm8,
                Code::Shr_rm32_imm8,
                Code::Sar_rm32_imm8,
                Code::Ror_rm32_imm8,
            ] {
                out.push(
                    (k < 32)
                        .then(|| Instruction::with2(code, to4, k as u32).ok())
                        .flatten(),
                );
            }
        }
    }
    out.into_iter().flatten().collect()
}

/// Size of a displacement.
fn disp(k: i64) -> u32 {
    match k {
        0 => 0,
        -128..=127 => 1,
        _ => 8,
    }
}
