//! Macros: what the enumeration of values applies.

use super::super::cost;
use super::super::lanes::Step;
use super::super::loc::{self, Loc};
use super::super::opset::OpSet;
use super::super::program::{Liveness, Program, Slot};
use super::super::target::Target;
use super::super::variant::link;
use iced_x86::{Code, Mnemonic, Register};

/// First register of macros' operands: r8. Arguments are in r8, r9, r10, r11; results where the macro says.
pub const ARG0: u8 = 8;

/// A short program that computes one value from up to four.
#[derive(Clone, Debug)]
pub struct Macro {
    /// The instructions, on the registers above.
    pub slots: Vec<Slot>,
    /// Number of arguments.
    pub args: u8,
    /// Register of the result.
    pub result: u8,
    /// Whether the first two arguments may be exchanged.
    pub commutes: bool,
    /// `w` with `a op w = goal` is computed from the goal and `a`: how.
    pub inverse: Option<Inverse>,
    /// Cycles from each argument to the result.
    pub latencies: Vec<u32>,
    /// Cycles from nothing to the result.
    pub latency: u32,
    /// Micro-ops.
    pub uops: u32,
    /// Whether some input makes it fault.
    pub faults: bool,
    /// The linked tape.
    pub steps: Vec<Step>,
    /// Width of the result in bits.
    pub width: u32,
    /// Simple enough to be tried where a value is used twice: no comparison in it.
    pub core: bool,
}

/// Binary operations that can be undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inverse {
    /// `a + w`
    Add,
    /// `a - w`, `w - a`
    Sub,
    /// `a ^ w`
    Xor,
    /// `a | w`: candidates are subsets of the goal.
    Or,
    /// `a & w`: candidates are supersets of the goal.
    And,
}

/// All macros of an instruction set.
pub struct MacroSet {
    /// In a fixed order.
    pub macros: Vec<Macro>,
}

impl MacroSet {
    /// Those whose instructions compute with operations that occur in a specification.
    pub fn related(&self, ops: &OpSet, t: &Target) -> MacroSet {
        self.named(ops, &related_mnemonics(t))
    }

    /// Those made of instructions of some names.
    pub fn named(&self, ops: &OpSet, names: &[Mnemonic]) -> MacroSet {
        let fits = |m: &&Macro| {
            m.slots
                .iter()
                .all(|s| names.contains(&ops.variants[s.v as usize].proto.mnemonic()))
        };
        MacroSet {
            macros: self.macros.iter().filter(fits).cloned().collect(),
        }
    }

    /// From the variants of a set: single instructions, and the compositions below.
    pub fn new(ops: &OpSet) -> MacroSet {
        let mut s = MacroSet { macros: Vec::new() };
        for v in 0..ops.variants.len() as u32 {
            s.single(ops, v);
        }
        s.compositions(ops);
        super::carries::add(&mut s, ops);
        s
    }

    /// Adds a macro of `args` arguments whose result, `width` bits wide, is in register `result`.
    pub(super) fn push(
        &mut self,
        ops: &OpSet,
        slots: Vec<Slot>,
        (args, result, width): (u8, u8, u32),
        inverse: Option<Inverse>,
        commutes: bool,
    ) {
        let p = Program { slots };
        let out = loc::bit(result.into());
        let l = Liveness::of(&p, ops, out);
        if l.undefined {
            return;
        }
        let mut steps = Vec::new();
        for (s, w) in p.slots.iter().zip(&l.wanted) {
            if *w != 0
                && let Some(t) = ops.variants[s.v as usize].tape(*w)
            {
                link(&mut steps, &t, &s.r);
            }
        }
        let code = p.instructions(ops);
        let from: Vec<Register> = (0..args)
            .map(|i| loc::gpr_register(argument(i.into()), 8))
            .collect();
        let to = loc::gpr_register(result.into(), 8);
        let (latencies, latency) = cost::latencies(&code, &from, to);
        let uops = code.iter().map(|i| cost::model().table.cost(i).uops).sum();
        let core = p.slots.len() <= 2
            && !p.slots.iter().any(|s| {
                matches!(
                    ops.variants[s.v as usize].proto.mnemonic(),
                    Mnemonic::Cmp | Mnemonic::Test
                )
            });
        let faults = p.slots.iter().any(|s| ops.variants[s.v as usize].faults);
        self.macros.push(Macro {
            slots: p.slots,
            args,
            result,
            commutes,
            inverse,
            latencies,
            latency,
            uops,
            faults,
            steps,
            width,
            core,
        });
    }

    /// An instruction that writes one register and reads nothing but its register operands.
    fn single(&mut self, ops: &OpSet, v: u32) {
        let var = &ops.variants[v as usize];
        if var.holes.iter().any(|h| h.is_vec()) || var.writes_holes.count_ones() != 1 || var.faults
        {
            return;
        }
        let out_hole = var.writes_holes.trailing_zeros() as u8;
        let mut regs = [ARG0, ARG0 + 1, ARG0 + 2, ARG0 + 3];
        let place = |r: u8| loc::bit(r.into());
        // A destination that is only written gets a register of its own after the arguments.
        let w = var.wanted(&regs, place(regs[out_hole as usize]));
        let Some(t) = var.tape(w) else { return };
        if t.reads != 0 || var.writes & 0xffff != 0 {
            return;
        }
        // Byte moves from registers are wanted, plain 64-bit moves are not.
        if matches!(var.proto.code(), Code::Mov_r64_rm64) {
            return;
        }
        let mut next = ARG0;
        for (h, r) in regs.iter_mut().enumerate().take(var.holes.len()) {
            if t.reads_holes >> h & 1 == 1 {
                *r = next;
                next += 1;
            }
        }
        let args = next - ARG0;
        if t.reads_holes >> out_hole & 1 == 0 {
            regs[out_hole as usize] = ARG0 + 4;
        }
        let width = match var.proto.op0_register().size() {
            8 => 64,
            4 => 32,
            _ => return,
        };
        let (inverse, commutes) = match (var.proto.mnemonic(), args) {
            (Mnemonic::Add, 2) => (Some(Inverse::Add), true),
            (Mnemonic::Sub, 2) => (Some(Inverse::Sub), false),
            (Mnemonic::Xor, 2) => (Some(Inverse::Xor), true),
            (Mnemonic::Or, 2) => (Some(Inverse::Or), true),
            (Mnemonic::And, 2) => (Some(Inverse::And), true),
            (Mnemonic::Imul, 2) => (None, true),
            _ => (None, false),
        };
        let slot = Slot { v, r: regs };
        self.push(
            ops,
            vec![slot],
            (args, regs[out_hole as usize], width),
            inverse,
            commutes,
        );
    }

    fn compositions(&mut self, ops: &OpSet) {
        let find = |code: Code| {
            (0..ops.variants.len())
                .find(|i| ops.variants[*i].proto.code() == code)
                .map(|i| i as u32)
        };
        let (a, b, c, d) = (ARG0, ARG0 + 1, ARG0 + 2, ARG0 + 3);
        let r = ARG0 + 4;
        for (width, cmp, mov) in [
            (
                32,
                [
                    Code::Cmp_r32_rm32,
                    Code::Cmp_rm32_imm8,
                    Code::Cmp_rm32_imm32,
                    Code::Test_rm32_r32,
                ],
                Code::Mov_r32_rm32,
            ),
            (
                64,
                [
                    Code::Cmp_r64_rm64,
                    Code::Cmp_rm64_imm8,
                    Code::Cmp_rm64_imm32,
                    Code::Test_rm64_r64,
                ],
                Code::Mov_r64_rm64,
            ),
        ] {
            let compares: Vec<u32> = (0..ops.variants.len() as u32)
                .filter(|v| cmp.contains(&ops.variants[*v as usize].proto.code()))
                .collect();
            let named = |names: &[Mnemonic]| -> Vec<u32> {
                (0..ops.variants.len() as u32)
                    .filter(|v| {
                        let p = &ops.variants[*v as usize].proto;
                        names.contains(&p.mnemonic())
                            && (p.op0_register().size() == 1
                                || p.op0_register().size() * 8 == width as usize)
                    })
                    .collect()
            };
            use Mnemonic::*;
            // Of each condition and its mirror image under exchanged operands one is enough.
            let sets2 = named(&[Setb, Setbe, Sete, Setl, Setle, Setne]);
            let sets1 = named(&[Seta, Setb, Sete, Setg, Setl, Setne]);
            let moves = named(&[Cmovb, Cmove, Cmovl]);
            for &k in &compares {
                let v = &ops.variants[k as usize];
                let test = v.proto.mnemonic() == Test;
                let binary = v.holes.len() == 2;
                if test {
                    continue;
                }
                let sets = if binary { &sets2 } else { &sets1 };
                let compare = Slot {
                    v: k,
                    r: [a, b, 0, 0],
                };
                let args = if binary { 2 } else { 1 };
                if let Some(z) = find(Code::Xor_r32_rm32) {
                    for &s in sets {
                        // The register is cleared before the comparison, which needs the flags.
                        let slots = vec![
                            Slot {
                                v: z,
                                r: [r, r, 0, 0],
                            },
                            compare,
                            Slot {
                                v: s,
                                r: [r, 0, 0, 0],
                            },
                        ];
                        self.push(ops, slots, (args, r, 32), None, false);
                    }
                }
                if binary && find(mov).is_some() {
                    for &m in &moves {
                        // a cmp b ? d : c
                        let slots = vec![
                            compare,
                            Slot {
                                v: m,
                                r: [c, d, 0, 0],
                            },
                        ];
                        self.push(ops, slots, (4, c, width), None, false);
                    }
                } else {
                    for &m in &moves {
                        // a cmp k ? c : b
                        let slots = vec![
                            compare,
                            Slot {
                                v: m,
                                r: [b, c, 0, 0],
                            },
                        ];
                        self.push(ops, slots, (3, b, width), None, false);
                    }
                }
            }
        }
        // Shifts by a variable count, where only the form with cl exists, and rotates, which have no other.
        let mov = find(Code::Mov_r32_rm32);
        for (width, bmi, shifts, rotates) in [
            (
                32,
                Code::VEX_Shlx_r32_rm32_r32,
                [Code::Shl_rm32_CL, Code::Shr_rm32_CL, Code::Sar_rm32_CL],
                [Code::Rol_rm32_CL, Code::Ror_rm32_CL],
            ),
            (
                64,
                Code::VEX_Shlx_r64_rm64_r64,
                [Code::Shl_rm64_CL, Code::Shr_rm64_CL, Code::Sar_rm64_CL],
                [Code::Rol_rm64_CL, Code::Ror_rm64_CL],
            ),
        ] {
            let shifts = shifts.iter().filter(|_| find(bmi).is_none());
            for code in shifts.chain(&rotates) {
                if let (Some(m), Some(v)) = (mov, find(*code)) {
                    let (r, x) = ([1, b, 0, 0], [a, 0, 0, 0]);
                    let slots = vec![Slot { v: m, r }, Slot { v, r: x }];
                    self.push(ops, slots, (2, a, width), None, false);
                }
            }
        }
        // High halves of products and quotients, through their fixed registers.
        for (width, mov, xor, mulx, mul, div) in [
            (
                32,
                Code::Mov_r32_rm32,
                Code::Xor_r32_rm32,
                Code::VEX_Mulx_r32_r32_rm32,
                Code::Mul_rm32,
                Code::Div_rm32,
            ),
            (
                64,
                Code::Mov_r64_rm64,
                Code::Xor_r64_rm64,
                Code::VEX_Mulx_r64_r64_rm64,
                Code::Mul_rm64,
                Code::Div_rm64,
            ),
        ] {
            let Some(m) = find(mov) else { continue };
            if let Some(x) = find(mulx) {
                let slots = vec![
                    Slot {
                        v: m,
                        r: [2, a, 0, 0],
                    },
                    Slot {
                        v: x,
                        r: [r, r + 1, b, 0],
                    },
                ];
                self.push(ops, slots, (2, r, width), None, true);
            } else if let Some(x) = find(mul) {
                let slots = vec![
                    Slot {
                        v: m,
                        r: [0, a, 0, 0],
                    },
                    Slot {
                        v: x,
                        r: [b, 0, 0, 0],
                    },
                ];
                self.push(ops, slots, (2, 2, width), None, true);
            }
            if let (Some(x), Some(z)) = (find(div), find(xor)) {
                let slots = vec![
                    Slot {
                        v: m,
                        r: [0, a, 0, 0],
                    },
                    Slot {
                        v: z,
                        r: [2, 2, 0, 0],
                    },
                    Slot {
                        v: x,
                        r: [b, 0, 0, 0],
                    },
                ];
                self.push(ops, slots, (2, 0, width), None, false);
            }
        }
    }
}

/// The place of an argument.
pub fn argument(i: usize) -> Loc {
    Loc::from(ARG0) + i as Loc
}

/// Mnemonics that compute with the operations that occur in a target's specification, and moves.
pub fn related_mnemonics(t: &Target) -> Vec<Mnemonic> {
    use trinity_codegen::isa::{BinOp, CmpOp, Node, UnOp};
    let mut names: Vec<Mnemonic> = vec![Mnemonic::Mov, Mnemonic::Lea, Mnemonic::Xor];
    for x in t.pool.reachable(&t.output_terms) {
        use Mnemonic::*;
        let more: &[Mnemonic] = match t.pool.node(x) {
            Node::Bin(op, ..) => match op {
                BinOp::Add | BinOp::Sub => &[Add, Sub, Lea],
                BinOp::Mul => &[Imul, Shl],
                BinOp::MulHiU | BinOp::MulHiS => &[Mul, Mulx],
                BinOp::Udiv | BinOp::Urem => &[Div],
                BinOp::And => &[And],
                BinOp::Or => &[Or],
                BinOp::Xor => &[Xor],
                BinOp::Shl => &[Shl, Shlx],
                BinOp::Lshr => &[Shr, Shrx],
                BinOp::Ashr => &[Sar, Sarx],
                BinOp::Rotl | BinOp::Rotr => &[Rol, Ror, Rorx],
                BinOp::Pext => &[Pext],
                BinOp::Pdep => &[Pdep],
                BinOp::Sdiv | BinOp::Srem => &[],
            },
            Node::Un(UnOp::Not, _) => &[Not, Xor],
            Node::Un(UnOp::Neg, _) => &[Neg, Sub],
            Node::Un(UnOp::Popcnt, _) => &[Popcnt],
            Node::Un(UnOp::Clz, _) => &[Lzcnt],
            Node::Un(UnOp::Ctz, _) => &[Tzcnt],
            Node::Un(UnOp::Bswap, _) => &[Bswap],
            Node::Cmp(op, ..) => match op {
                CmpOp::Eq => &[Cmp, Sete, Setne, Cmove],
                CmpOp::Ult => &[Cmp, Seta, Setb, Setbe, Cmovb, Adc, Sbb],
                CmpOp::Slt => &[Cmp, Setg, Setl, Setle, Cmovl],
            },
            _ => &[],
        };
        names.extend(more);
    }
    names.sort_unstable_by_key(|m| *m as u32);
    names.dedup();
    names
}
