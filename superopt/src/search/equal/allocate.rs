//! Registers for straight-line code over virtual ones: one pass forward, values die at their last use.
//!
//! Two-address instructions take the register of their first operand where that dies, and copy it elsewhere; results
//! settle in the outputs' registers where those are free.

use super::super::loc::{self, gpr_register};
use super::super::target::Target;
use iced_x86::{Code, Instruction};

/// A virtual register: written once, or an input.
pub type V = u32;

/// Writes an instruction, given the registers of the result and of what is read.
pub type Emit = Box<dyn Fn(u8, &[u8]) -> Option<Vec<Instruction>>>;

/// An instruction over virtual registers.
pub struct Inst {
    /// What it writes.
    pub d: Option<V>,
    /// What it reads.
    pub reads: Vec<V>,
    /// Whether the result takes the place of the first operand.
    pub tied: bool,
    /// Whether its two operands may be exchanged.
    pub commutes: bool,
    /// Its encoding.
    pub emit: Emit,
}

/// Straight-line code over virtual registers.
#[derive(Default)]
pub struct Code0 {
    /// In order of execution.
    pub insts: Vec<Inst>,
    /// By virtual register: whether more than the low 32 bits matter.
    pub wide: Vec<bool>,
}

const GPRS: u32 = 16;

/// A copy of a register.
fn copy(d: u8, s: u8, wide: bool) -> Option<Instruction> {
    let (code, bytes) = match wide {
        true => (Code::Mov_r64_rm64, 8),
        false => (Code::Mov_r32_rm32, 4),
    };
    Instruction::with2(
        code,
        gpr_register(d.into(), bytes),
        gpr_register(s.into(), bytes),
    )
    .ok()
}

/// Gives registers to code. `inputs` and `outputs` are virtual registers with the numbers of the general registers they
/// are in; `None` when registers run out.
pub fn allocate(
    t: &Target,
    code: &Code0,
    inputs: &[(V, u8)],
    outputs: &[(V, u8)],
) -> Option<Vec<Instruction>> {
    let n = code.insts.len();
    let mut last = vec![None; code.wide.len()];
    for (i, inst) in code.insts.iter().enumerate() {
        for v in &inst.reads {
            last[*v as usize] = Some(i);
        }
    }
    for (v, _) in outputs {
        last[*v as usize] = Some(n);
    }
    let scratch = |r: u8| t.scratch & loc::bit(r.into()) != 0;
    let mut register = vec![u8::MAX; code.wide.len()];
    let mut busy = 0u32;
    for (v, r) in inputs {
        register[*v as usize] = *r;
        if last[*v as usize].is_some() {
            busy |= 1 << r;
        }
    }
    let home = |v: V| outputs.iter().find(|o| o.0 == v).map(|o| o.1);
    let order: Vec<u8> = outputs.iter().map(|o| o.1).chain(0..GPRS as u8).collect();
    let pick = |v: V, taken: u32| -> Option<u8> {
        let free = |r: &u8| taken >> r & 1 == 0 && scratch(*r);
        home(v)
            .filter(free)
            .or_else(|| order.iter().copied().find(free))
    };
    let mut out = Vec::new();
    for (i, inst) in code.insts.iter().enumerate() {
        let mut reads = inst.reads.clone();
        let dies = |v: V| last[v as usize] == Some(i) && scratch(register[v as usize]);
        if inst.commutes && reads.len() == 2 && !dies(reads[0]) && dies(reads[1]) {
            reads.swap(0, 1);
        }
        let mut r: Vec<u8> = reads.iter().map(|v| register[*v as usize]).collect();
        if r.contains(&u8::MAX) {
            return None;
        }
        let after = reads
            .iter()
            .filter(|v| dies(**v))
            .fold(busy, |b, v| b & !(1 << register[*v as usize]));
        let mut d = 0;
        if let Some(v) = inst.d {
            if inst.tied && dies(reads[0]) && !reads[1..].contains(&reads[0]) {
                d = r[0];
            } else if inst.tied {
                d = pick(v, busy | r.iter().fold(0, |s, x| s | 1 << x))?;
                out.push(copy(d, r[0], code.wide[reads[0] as usize])?);
                r[0] = d;
            } else {
                d = pick(v, after)?;
            }
            register[v as usize] = d;
        }
        busy = after;
        if let Some(v) = inst.d
            && last[v as usize].is_some()
        {
            busy |= 1 << d;
        }
        out.extend((inst.emit)(d, &r)?);
    }
    settle(code, &register, outputs, scratch, &mut out)?;
    Some(out)
}

/// The outputs moved to their registers, as if at once.
fn settle(
    code: &Code0,
    register: &[u8],
    outputs: &[(V, u8)],
    scratch: impl Fn(u8) -> bool,
    out: &mut Vec<Instruction>,
) -> Option<()> {
    let wide = |v: V| code.wide[v as usize];
    let mut moves: Vec<(u8, u8, bool)> = outputs
        .iter()
        .map(|(v, to)| (*to, register[*v as usize], wide(*v)))
        .filter(|m| m.0 != m.1)
        .collect();
    if moves.iter().any(|m| m.1 == u8::MAX) {
        return None;
    }
    while !moves.is_empty() {
        let ready = (0..moves.len()).find(|i| moves.iter().all(|m| m.1 != moves[*i].0));
        match ready {
            Some(i) => {
                let (to, from, wide) = moves.remove(i);
                out.push(copy(to, from, wide)?);
            }
            None => {
                // A cycle: one of its values steps aside.
                let taken =
                    |r: &u8| outputs.iter().any(|o| o.1 == *r) || moves.iter().any(|m| m.1 == *r);
                let aside = (0..GPRS as u8).find(|r| scratch(*r) && !taken(r))?;
                let from = moves[0].1;
                out.push(copy(aside, from, true)?);
                for m in moves.iter_mut().filter(|m| m.1 == from) {
                    m.1 = aside;
                }
            }
        }
    }
    Some(())
}
