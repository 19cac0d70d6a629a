//! Vector expressions as instructions: everything is loaded and computed before anything is stored.

use super::cells::Cells;
use super::vectors::{Expr, Row, Second, Slot};
use crate::search::loc;
use crate::search::opset::March;
use crate::search::target::Target;
use iced_x86::{Code, IcedError, Instruction, Register};

/// Programs that compute `roots` (indices into `exprs`) and store them to the slots: with VEX forms where the level has
/// them, else with the older ones. Empty when registers do not suffice.
pub fn lower(t: &Target, exprs: &[Expr], roots: &[u32], slots: &[Slot]) -> Vec<Vec<Instruction>> {
    let Some(memory) = &t.memory else {
        return Vec::new();
    };
    let program = Lowering::new(t, &memory.cells, exprs, roots).program(roots, slots);
    program.into_iter().collect()
}

struct Lowering<'a> {
    t: &'a Target,
    cells: &'a Cells,
    exprs: &'a [Expr],
    vex: bool,
    /// Uses to come, by expression.
    uses: Vec<u32>,
    /// Where values are.
    at: Vec<Option<Register>>,
    free: Vec<Register>,
    code: Vec<Instruction>,
}

/// Why there is no program.
enum Stuck {
    /// No register is free, or no form fits.
    Registers,
    Encoding,
}

impl From<IcedError> for Stuck {
    fn from(_: IcedError) -> Stuck {
        Stuck::Encoding
    }
}

impl<'a> Lowering<'a> {
    fn new(t: &'a Target, cells: &'a Cells, exprs: &'a [Expr], roots: &[u32]) -> Lowering<'a> {
        let mut uses = vec![0u32; exprs.len()];
        for r in roots {
            uses[*r as usize] += 1;
        }
        // Operands come before their users.
        for n in (0..exprs.len()).rev() {
            if uses[n] == 0 {
                continue;
            }
            match exprs[n] {
                Expr::Binary(_, a, b) => {
                    uses[a as usize] += 1;
                    uses[b as usize] += 1;
                }
                Expr::Shift(_, a, _) => uses[a as usize] += 1,
                _ => {}
            }
        }
        let whole = |n: u16| (0..4).all(|j| t.scratch & loc::bit(loc::vec_word(n, j)) != 0);
        let input = |n: u16| {
            t.inputs
                .iter()
                .any(|p| (0..4).any(|j| p.at == loc::vec_word(n, j)))
        };
        Lowering {
            t,
            cells,
            exprs,
            vex: t.march >= March::V3,
            uses,
            at: vec![None; exprs.len()],
            free: (0..16u16)
                .rev()
                .filter(|n| whole(*n) && !input(*n))
                .map(|n| Register::XMM0 + u32::from(n))
                .collect(),
            code: Vec::new(),
        }
    }

    fn program(mut self, roots: &[u32], slots: &[Slot]) -> Option<Vec<Instruction>> {
        self.run(roots, slots).ok().map(|()| self.code)
    }

    fn run(&mut self, roots: &[u32], slots: &[Slot]) -> Result<(), Stuck> {
        // General registers are read first: one of them may hold a constant later.
        for n in 0..self.exprs.len() {
            if self.uses[n] > 0 && matches!(self.exprs[n], Expr::Spread(..)) {
                self.value(n as u32)?;
            }
        }
        for r in roots {
            self.value(*r)?;
        }
        let store = match self.vex {
            true => Code::VEX_Vmovdqu_xmmm128_xmm,
            false => Code::Movdqu_xmmm128_xmm,
        };
        for (r, s) in roots.iter().zip(slots) {
            let x = self.value(*r)?;
            let m = self.cells.bases[s.base].operand(s.offset);
            self.code.push(Instruction::with2(store, m, x)?);
        }
        Ok(())
    }

    fn register(&mut self) -> Result<Register, Stuck> {
        self.free.pop().ok_or(Stuck::Registers)
    }

    /// One use less; the register of a value without uses is free again.
    fn used(&mut self, n: u32) {
        let n = n as usize;
        self.uses[n] -= 1;
        if self.uses[n] == 0
            && let Some(r) = self.at[n].take()
        {
            self.free.push(r);
        }
    }

    /// The register a value is in; computes it if need be.
    fn value(&mut self, n: u32) -> Result<Register, Stuck> {
        if let Some(r) = self.at[n as usize] {
            return Ok(r);
        }
        let r = match self.exprs[n as usize] {
            Expr::Load(base, offset) => {
                let r = self.register()?;
                let m = self.cells.bases[base].operand(offset);
                let code = match self.vex {
                    true => Code::VEX_Vmovdqu_xmm_xmmm128,
                    false => Code::Movdqu_xmm_xmmm128,
                };
                self.code.push(Instruction::with2(code, r, m)?);
                r
            }
            Expr::Spread(at, bits) => {
                let r = self.register()?;
                self.spread(
                    r,
                    loc::gpr_register(at, if bits == 64 { 8 } else { 4 }),
                    bits,
                )?;
                r
            }
            Expr::SpreadCell(base, offset, bits) => {
                if !self.vex {
                    return Err(Stuck::Encoding);
                }
                let r = self.register()?;
                let m = self.cells.bases[base].operand(offset);
                self.code.push(Instruction::with2(broadcast(bits), r, m)?);
                r
            }
            Expr::Constant(v) => self.constant(v)?,
            Expr::Shift(row, a, count) => {
                let x = self.value(a)?;
                if self.vex {
                    self.used(a);
                    let r = self.register()?;
                    let i = Instruction::with3(row.vex, r, x, u32::from(count))?;
                    self.code.push(i);
                    r
                } else {
                    let r = self.own(a, x)?;
                    let i = Instruction::with2(row.sse, r, u32::from(count))?;
                    self.code.push(i);
                    r
                }
            }
            Expr::Binary(row, a, b) => self.binary(row, a, b)?,
        };
        self.at[n as usize] = Some(r);
        Ok(r)
    }

    fn binary(&mut self, row: Row, mut a: u32, mut b: u32) -> Result<Register, Stuck> {
        // A row of memory that nobody else wants stays in memory.
        let in_memory = |s: &Self, n: u32| {
            s.vex
                && s.uses[n as usize] == 1
                && s.at[n as usize].is_none()
                && matches!(s.exprs[n as usize], Expr::Load(..))
        };
        if row.second == Second::Commutes && in_memory(self, a) && !in_memory(self, b) {
            std::mem::swap(&mut a, &mut b);
        }
        let x = self.value(a)?;
        if let Expr::Load(base, offset) = self.exprs[b as usize]
            && in_memory(self, b)
        {
            let m = self.cells.bases[base].operand(offset);
            self.used(b);
            self.used(a);
            let r = self.register()?;
            self.code.push(Instruction::with3(row.vex, r, x, m)?);
            return Ok(r);
        }
        let y = self.value(b)?;
        if self.vex {
            self.used(a);
            self.used(b);
            let r = self.register()?;
            self.code.push(Instruction::with3(row.vex, r, x, y)?);
            return Ok(r);
        }
        if row.second == Second::Commutes
            && a != b
            && self.uses[b as usize] == 1
            && self.uses[a as usize] > 1
        {
            let r = self.own(b, y)?;
            self.code.push(Instruction::with2(row.sse, r, x)?);
            self.used(a);
            return Ok(r);
        }
        let r = self.own(a, x)?;
        let second = if a == b { r } else { y };
        self.code.push(Instruction::with2(row.sse, r, second)?);
        self.used(b);
        Ok(r)
    }

    /// A register with a value that may be overwritten; one use of the value is over.
    fn own(&mut self, n: u32, at: Register) -> Result<Register, Stuck> {
        if self.uses[n as usize] == 1 {
            self.uses[n as usize] = 0;
            self.at[n as usize] = None;
            return Ok(at);
        }
        let r = self.register()?;
        self.code
            .push(Instruction::with2(Code::Movdqa_xmm_xmmm128, r, at)?);
        self.used(n);
        Ok(r)
    }

    /// A general register in every element of a vector register.
    fn spread(&mut self, r: Register, from: Register, bits: u32) -> Result<(), Stuck> {
        let wide = bits == 64;
        if self.vex {
            let code = if wide {
                Code::VEX_Vmovq_xmm_rm64
            } else {
                Code::VEX_Vmovd_xmm_rm32
            };
            self.code.push(Instruction::with2(code, r, from)?);
            self.code.push(Instruction::with2(broadcast(bits), r, r)?);
            return Ok(());
        }
        let (code, order) = match bits {
            64 => (Code::Movq_xmm_rm64, 0x44u32),
            32 => (Code::Movd_xmm_rm32, 0),
            _ => return Err(Stuck::Encoding),
        };
        self.code.push(Instruction::with2(code, r, from)?);
        self.code.push(Instruction::with3(
            Code::Pshufd_xmm_xmmm128_imm8,
            r,
            r,
            order,
        )?);
        Ok(())
    }

    fn constant(&mut self, v: u64) -> Result<Register, Stuck> {
        let r = self.register()?;
        let same = match v {
            0 => Some((Code::VEX_Vpxor_xmm_xmm_xmmm128, Code::Pxor_xmm_xmmm128)),
            u64::MAX => Some((
                Code::VEX_Vpcmpeqd_xmm_xmm_xmmm128,
                Code::Pcmpeqd_xmm_xmmm128,
            )),
            _ => None,
        };
        if let Some((vex, sse)) = same {
            self.code.push(match self.vex {
                true => Instruction::with3(vex, r, r, r)?,
                false => Instruction::with2(sse, r, r)?,
            });
            return Ok(r);
        }
        let address = |n: u16| self.cells.registers().any(|x| loc::gpr(x) == n);
        // Registers that are inputs were read before.
        let scratch = (0..16u16)
            .find(|n| self.t.scratch & loc::bit(*n) != 0 && !address(*n) && *n != 4)
            .ok_or(Stuck::Registers)?;
        if v as u32 == (v >> 32) as u32 {
            let g = loc::gpr_register(scratch, 4);
            self.code
                .push(Instruction::with2(Code::Mov_r32_imm32, g, v as u32)?);
            self.spread(r, g, 32)?;
        } else {
            let g = loc::gpr_register(scratch, 8);
            self.code
                .push(Instruction::with2(Code::Mov_r64_imm64, g, v)?);
            self.spread(r, g, 64)?;
        }
        Ok(r)
    }
}

fn broadcast(bits: u32) -> Code {
    match bits {
        8 => Code::VEX_Vpbroadcastb_xmm_xmmm8,
        16 => Code::VEX_Vpbroadcastw_xmm_xmmm16,
        32 => Code::VEX_Vpbroadcastd_xmm_xmmm32,
        _ => Code::VEX_Vpbroadcastq_xmm_xmmm64,
    }
}
