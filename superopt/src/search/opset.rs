//! The instructions a search may use: rows of forms, and for each the variants over a pool of immediates.
//!
//! To let searches use another instruction, add its form to a row. What it means and costs comes from the model.

use super::variant::{Hole, Start, Variant};
use iced_x86::{Code, Instruction, MemoryOperand, OpKind, Register};
use trinity_codegen::isa::forms::Level;

/// Which instructions the target processor has.
pub use trinity_codegen::isa::March;

/// How the operands of a row's forms are filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// No operand to choose.
    None,
    /// One register.
    R,
    /// Two registers.
    Rr,
    /// Three registers.
    Rrr,
    /// Register and immediate from the general pool.
    Ri,
    /// Two registers and an immediate from the general pool.
    Rri,
    /// Register and shift count.
    Rs,
    /// Two registers and shift count.
    Rrs,
    /// Destination, byte register.
    Rb,
    /// A byte register.
    B,
    /// Destination and base, displacement.
    LeaD,
    /// Destination, base, index; scale 1, 2, 4, 8.
    LeaI,
    /// Destination, index scaled by 4 or 8 (or 2), no base.
    LeaS,
    /// Vector registers: destination and source.
    Vv,
    /// Three vector registers.
    Vvv,
    /// Two vector registers and a byte.
    Vvi,
    /// Three vector registers and a byte.
    Vvvi,
    /// Vector register and a shift count.
    Vvs,
    /// Vector destination, general source.
    Vr,
    /// General destination, vector source.
    Rv,
    /// Registers and a cell of memory (`OpSet::add_memory`).
    Memory,
}

macro_rules! rows {
    ($($level:ident $width:literal $shape:ident: $($code:ident)*;)*) => {
        &[$((Level::$level, $width, Shape::$shape, &[$(Code::$code),*]),)*]
    };
}

type Row = (Level, u8, Shape, &'static [Code]);

/// Every form searches know: the level that has it (`Extra`: an extension beside the levels), operand width, shape,
/// forms.
#[rustfmt::skip]
const ROWS: &[Row] = rows! {
    V1 32 Rr: Mov_r32_rm32 Add_r32_rm32 Sub_r32_rm32 And_r32_rm32 Or_r32_rm32 Xor_r32_rm32 Cmp_r32_rm32 Test_rm32_r32 Adc_r32_rm32 Sbb_r32_rm32 Imul_r32_rm32 Bt_rm32_r32 Bts_rm32_r32 Btr_rm32_r32 Btc_rm32_r32 Bsf_r32_rm32 Bsr_r32_rm32;
    V1 32 Rr: Cmova_r32_rm32 Cmovae_r32_rm32 Cmovb_r32_rm32 Cmovbe_r32_rm32 Cmove_r32_rm32 Cmovg_r32_rm32 Cmovge_r32_rm32 Cmovl_r32_rm32 Cmovle_r32_rm32 Cmovne_r32_rm32 Cmovns_r32_rm32 Cmovs_r32_rm32 Xchg_rm32_r32;
    V1 32 R: Neg_rm32 Not_rm32 Inc_rm32 Dec_rm32 Bswap_r32 Shl_rm32_CL Shr_rm32_CL Sar_rm32_CL Rol_rm32_CL Ror_rm32_CL Rcl_rm32_1 Rcr_rm32_1 Mul_rm32 Imul_rm32 Div_rm32 Idiv_rm32;
    V1 32 Ri: Mov_r32_imm32 Add_rm32_imm8 Sub_rm32_imm8 And_rm32_imm8 Or_rm32_imm8 Xor_rm32_imm8 Cmp_rm32_imm8 Adc_rm32_imm8 Sbb_rm32_imm8 Test_rm32_imm32;
    V1 32 Rri: Imul_r32_rm32_imm32;
    V1 32 Rs: Shl_rm32_imm8 Shr_rm32_imm8 Sar_rm32_imm8 Rol_rm32_imm8 Ror_rm32_imm8 Bt_rm32_imm8;
    V1 32 Rrs: Shld_rm32_r32_imm8 Shrd_rm32_r32_imm8;
    V1 32 None: Cdq Stc Cmc;
    V1 32 LeaD: Lea_r32_m;
    V1 32 LeaI: Lea_r32_m;
    V1 32 LeaS: Lea_r32_m;
    V1 32 B: Seta_rm8 Setae_rm8 Setb_rm8 Setbe_rm8 Sete_rm8 Setg_rm8 Setge_rm8 Setl_rm8 Setle_rm8 Setne_rm8 Setns_rm8 Sets_rm8 Setp_rm8 Setnp_rm8;
    V1 32 Rb: Movzx_r32_rm8 Movsx_r32_rm8 Movzx_r32_rm16 Movsx_r32_rm16;
    V2 32 Rr: Popcnt_r32_rm32;
    V3 32 Rr: Lzcnt_r32_rm32 Tzcnt_r32_rm32 VEX_Blsi_r32_rm32 VEX_Blsmsk_r32_rm32 VEX_Blsr_r32_rm32;
    V3 32 Rrr: VEX_Andn_r32_r32_rm32 VEX_Bzhi_r32_rm32_r32 VEX_Bextr_r32_rm32_r32 VEX_Pdep_r32_r32_rm32 VEX_Pext_r32_r32_rm32 VEX_Sarx_r32_rm32_r32 VEX_Shlx_r32_rm32_r32 VEX_Shrx_r32_rm32_r32 VEX_Mulx_r32_r32_rm32;
    V3 32 Rrs: VEX_Rorx_r32_rm32_imm8;
    V1 64 Rr: Mov_r64_rm64 Add_r64_rm64 Sub_r64_rm64 And_r64_rm64 Or_r64_rm64 Xor_r64_rm64 Cmp_r64_rm64 Test_rm64_r64 Adc_r64_rm64 Sbb_r64_rm64 Imul_r64_rm64 Bt_rm64_r64 Bts_rm64_r64 Btr_rm64_r64 Btc_rm64_r64 Bsf_r64_rm64 Bsr_r64_rm64 Movsxd_r64_rm32;
    V1 64 Rr: Cmova_r64_rm64 Cmovae_r64_rm64 Cmovb_r64_rm64 Cmovbe_r64_rm64 Cmove_r64_rm64 Cmovg_r64_rm64 Cmovge_r64_rm64 Cmovl_r64_rm64 Cmovle_r64_rm64 Cmovne_r64_rm64 Cmovns_r64_rm64 Cmovs_r64_rm64 Xchg_rm64_r64;
    V1 64 R: Neg_rm64 Not_rm64 Inc_rm64 Dec_rm64 Bswap_r64 Shl_rm64_CL Shr_rm64_CL Sar_rm64_CL Rol_rm64_CL Ror_rm64_CL Rcl_rm64_1 Rcr_rm64_1 Mul_rm64 Imul_rm64 Div_rm64 Idiv_rm64;
    V1 64 Ri: Mov_rm64_imm32 Add_rm64_imm8 Sub_rm64_imm8 And_rm64_imm8 Or_rm64_imm8 Xor_rm64_imm8 Cmp_rm64_imm8 Adc_rm64_imm8 Sbb_rm64_imm8 Test_rm64_imm32 Mov_r64_imm64;
    V1 64 Rri: Imul_r64_rm64_imm32;
    V1 64 Rs: Shl_rm64_imm8 Shr_rm64_imm8 Sar_rm64_imm8 Rol_rm64_imm8 Ror_rm64_imm8 Bt_rm64_imm8;
    V1 64 Rrs: Shld_rm64_r64_imm8 Shrd_rm64_r64_imm8;
    V1 64 None: Cqo Stc Cmc;
    V1 64 LeaD: Lea_r64_m;
    V1 64 LeaI: Lea_r64_m;
    V1 64 LeaS: Lea_r64_m;
    V1 64 B: Seta_rm8 Setae_rm8 Setb_rm8 Setbe_rm8 Sete_rm8 Setg_rm8 Setge_rm8 Setl_rm8 Setle_rm8 Setne_rm8 Setns_rm8 Sets_rm8 Setp_rm8 Setnp_rm8;
    V1 64 Rb: Movzx_r32_rm8 Movsx_r64_rm8 Movzx_r32_rm16 Movsx_r64_rm16;
    V2 64 Rr: Popcnt_r64_rm64;
    V3 64 Rr: Lzcnt_r64_rm64 Tzcnt_r64_rm64 VEX_Blsi_r64_rm64 VEX_Blsmsk_r64_rm64 VEX_Blsr_r64_rm64;
    V3 64 Rrr: VEX_Andn_r64_r64_rm64 VEX_Bzhi_r64_rm64_r64 VEX_Bextr_r64_rm64_r64 VEX_Pdep_r64_r64_rm64 VEX_Pext_r64_r64_rm64 VEX_Sarx_r64_rm64_r64 VEX_Shlx_r64_rm64_r64 VEX_Shrx_r64_rm64_r64 VEX_Mulx_r64_r64_rm64;
    Extra 64 Rr: Adcx_r64_rm64 Adox_r64_rm64;
    V3 64 Rrs: VEX_Rorx_r64_rm64_imm8;
    V1 128 Vv: Movdqa_xmm_xmmm128 Paddd_xmm_xmmm128 Psubd_xmm_xmmm128 Paddq_xmm_xmmm128 Psubq_xmm_xmmm128 Pand_xmm_xmmm128 Pandn_xmm_xmmm128 Por_xmm_xmmm128 Pxor_xmm_xmmm128 Pcmpeqd_xmm_xmmm128 Pcmpgtd_xmm_xmmm128 Pmuludq_xmm_xmmm128 Punpckldq_xmm_xmmm128 Punpcklqdq_xmm_xmmm128 Punpckhdq_xmm_xmmm128 Punpckhqdq_xmm_xmmm128;
    V1 128 Vvi: Pshufd_xmm_xmmm128_imm8;
    V1 128 Vvs: Pslld_xmm_imm8 Psrld_xmm_imm8 Psrad_xmm_imm8 Psllq_xmm_imm8 Psrlq_xmm_imm8;
    V1 128 Vr: Movd_xmm_rm32 Movq_xmm_rm64;
    V1 128 Rv: Movd_rm32_xmm Movq_rm64_xmm;
    V2 128 Vv: Pmulld_xmm_xmmm128 Pminsd_xmm_xmmm128 Pmaxsd_xmm_xmmm128 Pminud_xmm_xmmm128 Pmaxud_xmm_xmmm128;
    V3 128 Vvv: VEX_Vpaddd_xmm_xmm_xmmm128 VEX_Vpsubd_xmm_xmm_xmmm128 VEX_Vpmulld_xmm_xmm_xmmm128 VEX_Vpand_xmm_xmm_xmmm128 VEX_Vpor_xmm_xmm_xmmm128 VEX_Vpxor_xmm_xmm_xmmm128 VEX_Vpaddq_xmm_xmm_xmmm128;
    V3 128 Vr: VEX_Vmovd_xmm_rm32 VEX_Vmovq_xmm_rm64;
    V3 128 Vv: VEX_Vpbroadcastd_xmm_xmmm32 VEX_Vpbroadcastq_xmm_xmmm64;
    V3 128 Vvi: VEX_Vpshufd_xmm_xmmm128_imm8;
};

/// Mnemonics of all forms that searches know, in order of their names.
pub fn mnemonics() -> Vec<(String, iced_x86::Mnemonic)> {
    let all = ROWS.iter().flat_map(|r| r.3).map(|c| c.mnemonic());
    let mut names: Vec<_> = all.map(|m| (format!("{m:?}").to_lowercase(), m)).collect();
    names.sort();
    names.dedup();
    names
}

/// What a set of variants is made from.
#[derive(Clone, Debug)]
pub struct Request {
    /// Instructions of this processor.
    pub march: March,
    /// Operand widths wanted: 32, 64, 128.
    pub widths: Vec<u8>,
    /// General immediates, as signed numbers.
    pub immediates: Vec<i64>,
    /// Whether multiplications and divisions that use rax and rdx, and other forms with fixed registers, take part.
    pub fixed: bool,
    /// When not empty, only these forms.
    pub only: Vec<Code>,
}

/// The variants a search picks from.
pub struct OpSet {
    /// All variants.
    pub variants: Vec<Variant>,
    /// What each costs (see [`super::cost`]).
    pub costs: Vec<u64>,
    /// The shape of each.
    pub shapes: Vec<Shape>,
    /// Variants by form and shape: what an immediate move chooses among.
    pub by_form: Vec<Vec<u32>>,
    /// For each variant, its index in `by_form`.
    pub form_of: Vec<u32>,
    /// Forms with equal holes: what an opcode move chooses among (indices into `by_form`).
    pub classes: Vec<Vec<u32>>,
    /// For each form, its class.
    pub class_of: Vec<u32>,
}

/// Immediates worth trying for a word of `width` bits: small numbers, powers of two, runs of ones, replicated masks.
pub fn default_immediates(width: u32) -> Vec<i64> {
    let mut v: Vec<i64> = (-4..=16).collect();
    v.extend([24, 31, 32, 63, 64, 127, -128, 255, 0xffff]);
    if width == 32 {
        v.extend([
            0x5555_5555,
            0x3333_3333,
            0x0f0f_0f0f,
            0x00ff_00ff,
            0x0101_0101,
            0x7fff_ffff,
            i64::from(i32::MIN),
        ]);
        v.extend(
            [0xaaaa_aaaau32, 0xcccc_cccc, 0xf0f0_f0f0, 0xff00_ff00].map(|x| i64::from(x as i32)),
        );
    } else {
        v.extend([
            0x5555_5555_5555_5555,
            0x3333_3333_3333_3333,
            0x0f0f_0f0f_0f0f_0f0f,
            0x00ff_00ff_00ff_00ff,
            0x0101_0101_0101_0101,
            i64::MAX,
            i64::MIN,
            0xffff_ffff,
        ]);
    }
    v
}

impl OpSet {
    /// Builds the variants of a request, in a fixed order.
    pub fn new(r: &Request) -> OpSet {
        let mut s = OpSet {
            variants: Vec::new(),
            costs: Vec::new(),
            shapes: Vec::new(),
            by_form: Vec::new(),
            form_of: Vec::new(),
            classes: Vec::new(),
            class_of: Vec::new(),
        };
        let start = Start::default();
        for &(_, width, shape, codes) in ROWS {
            if !r.widths.contains(&width) {
                continue;
            }
            for &code in codes {
                if !r.march.has(code) || !r.only.is_empty() && !r.only.contains(&code) {
                    continue;
                }
                let mut form = Vec::new();
                for (proto, holes) in protos(code, shape, width, &r.immediates) {
                    let Some(v) = Variant::new(&start, proto, holes) else {
                        continue;
                    };
                    if !r.fixed && has_fixed_registers(&v) {
                        continue;
                    }
                    form.push(s.variants.len() as u32);
                    s.form_of.push(s.by_form.len() as u32);
                    s.costs.push(super::cost::instruction(&v.proto));
                    s.variants.push(v);
                    s.shapes.push(shape);
                }
                if !form.is_empty() {
                    s.by_form.push(form);
                }
            }
        }
        s.classify();
        s
    }

    /// Keeps the variants whose placeholder instruction `f` wants.
    pub fn retain(&mut self, f: impl Fn(&Instruction) -> bool) {
        let old = std::mem::replace(
            self,
            OpSet {
                variants: Vec::new(),
                costs: Vec::new(),
                shapes: Vec::new(),
                by_form: Vec::new(),
                form_of: Vec::new(),
                classes: Vec::new(),
                class_of: Vec::new(),
            },
        );
        let mut last = u32::MAX;
        let parts = old
            .variants
            .into_iter()
            .zip(old.costs)
            .zip(old.shapes)
            .zip(old.form_of);
        for (((v, cost), shape), form) in parts {
            if !f(&v.proto) {
                continue;
            }
            if form != last {
                self.by_form.push(Vec::new());
                last = form;
            }
            let n = self.by_form.len() - 1;
            self.by_form[n].push(self.variants.len() as u32);
            self.form_of.push(n as u32);
            self.variants.push(v);
            self.costs.push(cost);
            self.shapes.push(shape);
        }
        self.classify();
    }

    /// Groups forms by their holes.
    pub(super) fn classify(&mut self) {
        let s = self;
        for f in 0..s.by_form.len() {
            let holes = |f: usize| &s.variants[s.by_form[f][0] as usize].holes;
            let class = s.classes.iter().position(|c| {
                let h = holes(c[0] as usize);
                h.len() == holes(f).len()
                    && h.iter()
                        .zip(holes(f))
                        .all(|(a, b)| a.is_vec() == b.is_vec())
            });
            let class = class.unwrap_or_else(|| {
                s.classes.push(Vec::new());
                s.classes.len() - 1
            });
            s.classes[class].push(f as u32);
            s.class_of.push(class as u32);
        }
    }

    /// The variant and registers of an instruction, where the set has it, perhaps in another encoding: assemblers choose
    /// among several for the same mnemonic and operands.
    pub fn find(&self, i: &Instruction) -> Option<(u32, [u8; 4])> {
        self.variants.iter().enumerate().find_map(|(n, v)| {
            if v.proto.mnemonic() != i.mnemonic() || v.proto.op_count() != i.op_count() {
                return None;
            }
            let mut regs = [0u8; 4];
            for (k, h) in v.holes.iter().enumerate() {
                let r = match h {
                    Hole::Gpr { op, .. } | Hole::Vec { op, .. } => match i.op_kind((*op).into()) {
                        OpKind::Register => i.op_register((*op).into()),
                        _ => return None,
                    },
                    Hole::Base => i.memory_base(),
                    Hole::Index => i.memory_index(),
                };
                if r == Register::None {
                    return None;
                }
                regs[k] = if h.is_vec() {
                    r.number() as u8
                } else {
                    super::loc::gpr(r) as u8
                };
            }
            same_operands(&v.instruction(&regs), i).then_some((n as u32, regs))
        })
    }
}

/// Whether two instructions of one mnemonic and number of operands have the same operands, however they are encoded.
fn same_operands(a: &Instruction, b: &Instruction) -> bool {
    // Immediates are read with or without their sign; of those beside memory all bits count.
    let mask = match a.op0_register().size() {
        bytes @ 1..8 => super::program::width_mask(8 * bytes as u32),
        _ => u64::MAX,
    };
    let memory = |i: &Instruction| {
        (
            i.memory_base(),
            i.memory_index(),
            i.memory_index_scale(),
            i.memory_displacement64(),
            i.memory_size(),
            i.segment_prefix(),
        )
    };
    (0..a.op_count()).all(|op| match (a.op_kind(op), b.op_kind(op)) {
        (OpKind::Register, OpKind::Register) => a.op_register(op) == b.op_register(op),
        (OpKind::Memory, OpKind::Memory) => memory(a) == memory(b),
        _ => match (a.try_immediate(op), b.try_immediate(op)) {
            (Ok(x), Ok(y)) => (x ^ y) & mask == 0,
            _ => false,
        },
    })
}

fn has_fixed_registers(v: &Variant) -> bool {
    let gprs: u128 = 0xffff;
    v.writes & gprs != 0 || v.tape(u32::MAX).is_some_and(|t| t.reads & gprs != 0)
}

fn protos(code: Code, shape: Shape, width: u8, imms: &[i64]) -> Vec<(Instruction, Vec<Hole>)> {
    let bytes = if width == 64 { 8 } else { 4 };
    let info = code.op_code();
    let reg_bytes = |op: u32| -> u8 {
        use iced_x86::OpCodeOperandKind as K;
        match info.op_kind(op) {
            K::r8_or_mem | K::r8_reg => 1,
            K::r16_or_mem | K::r16_reg => 2,
            K::r32_or_mem | K::r32_reg | K::r32_vvvv | K::r32_opcode | K::r32_rm => 4,
            K::r64_or_mem | K::r64_reg | K::r64_vvvv | K::r64_opcode | K::r64_rm => 8,
            K::xmm_or_mem | K::xmm_reg | K::xmm_vvvv | K::xmm_rm => 16,
            K::ymm_or_mem | K::ymm_reg | K::ymm_vvvv | K::ymm_rm => 32,
            _ => bytes,
        }
    };
    let hole = |op: u32| -> Hole {
        let b = reg_bytes(op);
        if b >= 16 {
            Hole::Vec {
                op: op as u8,
                bytes: b,
            }
        } else {
            Hole::Gpr {
                op: op as u8,
                bytes: b,
            }
        }
    };
    let reg = |op: u32| -> Register {
        match reg_bytes(op) {
            16 => Register::XMM8,
            32 => Register::YMM8,
            b => super::loc::gpr_register(8, b.into()),
        }
    };
    let max = u32::from(width.min(64));
    let counts: Vec<i64> = (1..i64::from(max)).collect();
    let fits = |v: i64| -> bool {
        use iced_x86::OpCodeOperandKind as K;
        match info.op_kind(info.op_count() - 1) {
            K::imm8sex32 | K::imm8sex64 | K::imm8sex16 | K::imm8 => true,
            K::imm32sex64 => v == i64::from(v as i32),
            K::imm32 => v == i64::from(v as i32) || v == i64::from(v as u32),
            K::imm64 => v != i64::from(v as i32),
            _ => true,
        }
    };
    let mut out = Vec::new();
    let mut push = |i: Result<Instruction, iced_x86::IcedError>, holes: Vec<Hole>| {
        if let Ok(i) = i {
            out.push((i, holes));
        }
    };
    match shape {
        Shape::None => push(Ok(Instruction::with(code)), vec![]),
        // Made for the cells of a target.
        Shape::Memory => {}
        Shape::R | Shape::B => {
            let i = match info.op_kind(1) {
                iced_x86::OpCodeOperandKind::cl => Instruction::with2(code, reg(0), Register::CL),
                iced_x86::OpCodeOperandKind::imm8_const_1 => Instruction::with2(code, reg(0), 1u32),
                _ => Instruction::with1(code, reg(0)),
            };
            push(i, vec![hole(0)]);
        }
        Shape::Rr | Shape::Rb | Shape::Vv | Shape::Vr | Shape::Rv => {
            push(
                Instruction::with2(code, reg(0), reg(1)),
                vec![hole(0), hole(1)],
            );
        }
        Shape::Rrr | Shape::Vvv => {
            push(
                Instruction::with3(code, reg(0), reg(1), reg(2)),
                vec![hole(0), hole(1), hole(2)],
            );
        }
        Shape::Ri => {
            for &v in imms.iter().filter(|v| fits(**v)) {
                let code = short_or_long(code, v);
                let i = match code.op_code().op_kind(1) {
                    iced_x86::OpCodeOperandKind::imm64 => {
                        Instruction::with2(code, reg(0), v as u64)
                    }
                    iced_x86::OpCodeOperandKind::imm32 if max == 32 => {
                        Instruction::with2(code, reg(0), v as u32)
                    }
                    _ if v == i64::from(v as i32) => Instruction::with2(code, reg(0), v as i32),
                    _ if max == 32 && v == i64::from(v as u32) => {
                        Instruction::with2(code, reg(0), v as u32)
                    }
                    _ => continue,
                };
                push(i, vec![hole(0)]);
            }
        }
        Shape::Rri => {
            for &v in imms.iter().filter(|v| fits(**v)) {
                push(
                    Instruction::with3(code, reg(0), reg(1), v as i32),
                    vec![hole(0), hole(1)],
                );
            }
        }
        Shape::Rs | Shape::Vvs => {
            for &v in &counts {
                push(Instruction::with2(code, reg(0), v as u32), vec![hole(0)]);
            }
        }
        Shape::Rrs => {
            for &v in &counts {
                push(
                    Instruction::with3(code, reg(0), reg(1), v as u32),
                    vec![hole(0), hole(1)],
                );
            }
        }
        Shape::Vvi => {
            for v in [0u32, 0x55, 0xaa, 0xff, 0x4e, 0xb1, 0x1b, 0xe4, 0xa0, 0xf5] {
                push(
                    Instruction::with3(code, reg(0), reg(1), v),
                    vec![hole(0), hole(1)],
                );
            }
        }
        Shape::Vvvi => {
            for v in [0u32, 0x55, 0xaa, 0xff, 0x0f, 0xf0, 0x33, 0xcc] {
                push(
                    Instruction::with4(code, reg(0), reg(1), reg(2), v),
                    vec![hole(0), hole(1), hole(2)],
                );
            }
        }
        Shape::LeaD => {
            for &v in imms
                .iter()
                .filter(|v| **v != 0 && **v == i64::from(**v as i32))
            {
                let m = MemoryOperand::with_base_displ(Register::R9, v);
                push(
                    Instruction::with2(code, reg(0), m),
                    vec![hole(0), Hole::Base],
                );
            }
        }
        Shape::LeaI => {
            for scale in [1, 2, 4, 8] {
                let disps: &[i64] = if scale == 1 { &[0, -1, 1] } else { &[0] };
                for &disp in disps {
                    let size = u32::from(disp != 0);
                    let m = MemoryOperand::new(
                        Register::R9,
                        Register::R10,
                        scale,
                        disp,
                        size,
                        false,
                        Register::None,
                    );
                    push(
                        Instruction::with2(code, reg(0), m),
                        vec![hole(0), Hole::Base, Hole::Index],
                    );
                }
            }
        }
        Shape::LeaS => {
            for scale in [2, 4, 8] {
                let m = MemoryOperand::new(
                    Register::None,
                    Register::R10,
                    scale,
                    0,
                    4,
                    false,
                    Register::None,
                );
                push(
                    Instruction::with2(code, reg(0), m),
                    vec![hole(0), Hole::Index],
                );
            }
        }
    }
    out
}

/// The form with a 32-bit immediate where the one with 8 bits does not hold the number.
pub(super) fn short_or_long(code: Code, v: i64) -> Code {
    if v == i64::from(v as i8) {
        return code;
    }
    match code {
        Code::Add_rm32_imm8 => Code::Add_rm32_imm32,
        Code::Sub_rm32_imm8 => Code::Sub_rm32_imm32,
        Code::And_rm32_imm8 => Code::And_rm32_imm32,
        Code::Or_rm32_imm8 => Code::Or_rm32_imm32,
        Code::Xor_rm32_imm8 => Code::Xor_rm32_imm32,
        Code::Cmp_rm32_imm8 => Code::Cmp_rm32_imm32,
        Code::Adc_rm32_imm8 => Code::Adc_rm32_imm32,
        Code::Sbb_rm32_imm8 => Code::Sbb_rm32_imm32,
        Code::Add_rm64_imm8 => Code::Add_rm64_imm32,
        Code::Sub_rm64_imm8 => Code::Sub_rm64_imm32,
        Code::And_rm64_imm8 => Code::And_rm64_imm32,
        Code::Or_rm64_imm8 => Code::Or_rm64_imm32,
        Code::Xor_rm64_imm8 => Code::Xor_rm64_imm32,
        Code::Cmp_rm64_imm8 => Code::Cmp_rm64_imm32,
        Code::Adc_rm64_imm8 => Code::Adc_rm64_imm32,
        Code::Sbb_rm64_imm8 => Code::Sbb_rm64_imm32,
        other => other,
    }
}

#[cfg(test)]
mod tests;
