//! Every form of every row, decoded by an independent decoder: the mnemonic, the operands and the length must be ours.

use super::encode::encode;
use super::inst::{Cc, Inst, Mem, MemBase, Opnd, RipTarget};
use super::table::{Class, Form, Op, Shape, Size};
use crate::ir::{PReg, Scale, SymbolRef, Width};
use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind, Register};

const CCS: [(Cc, &str); 16] = [
    (Cc::O, "o"),
    (Cc::No, "no"),
    (Cc::B, "b"),
    (Cc::Ae, "ae"),
    (Cc::E, "e"),
    (Cc::Ne, "ne"),
    (Cc::Be, "be"),
    (Cc::A, "a"),
    (Cc::S, "s"),
    (Cc::Ns, "ns"),
    (Cc::P, "p"),
    (Cc::Np, "np"),
    (Cc::L, "l"),
    (Cc::Ge, "ge"),
    (Cc::Le, "le"),
    (Cc::G, "g"),
];

fn regs(class: Class) -> Vec<Opnd> {
    let all = PReg::ALL
        .iter()
        .filter(|r| r.is_xmm() == (class == Class::X));
    all.map(|&r| r.into()).collect()
}

fn memories() -> Vec<Opnd> {
    let mut list = Vec::new();
    for &base in &PReg::ALL[..16] {
        for disp in [0, 8, -128, 128, 0x12345, i32::MIN] {
            list.push(Mem::reg(base, disp).into());
        }
        for &index in PReg::ALL[..16].iter().filter(|&&r| r != PReg::Rsp) {
            let scale = Scale::ALL[base as usize % 4];
            let disp = [0, 16, 4096][index as usize % 3];
            let base = MemBase::Reg(base);
            list.push(
                Mem {
                    base,
                    index: Some((index, scale)),
                    disp,
                }
                .into(),
            );
        }
    }
    list.push(Mem::rip(RipTarget::Symbol(SymbolRef(0))).into());
    list
}

fn immediates() -> Vec<Opnd> {
    let n = [
        0,
        1,
        2,
        127,
        -128,
        128,
        255,
        1000,
        -1000,
        65535,
        1 << 20,
        i32::MAX as i64,
    ];
    n.iter()
        .chain(&[i32::MIN as i64, 1 << 31, 1 << 40, i64::MIN])
        .map(|&n| Opnd::Imm(n))
        .collect()
}

/// The operands a form takes, in order.
fn operands(f: &Form) -> Vec<Vec<Opnd>> {
    let rm = || [regs(f.rm), memories()].concat();
    let reg = || regs(f.reg);
    match f.shape {
        Shape::Zo => vec![],
        Shape::Mr => vec![rm(), reg()],
        Shape::Rm => vec![reg(), rm()],
        Shape::M => vec![rm()],
        Shape::Mi8 | Shape::Mi => vec![rm(), immediates()],
        Shape::Ai => vec![vec![PReg::Rax.into()], immediates()],
        Shape::M1 => vec![rm(), vec![Opnd::Imm(1)]],
        Shape::Mc => vec![rm(), vec![PReg::Rcx.into()]],
        Shape::Rmi8 | Shape::Rmi => vec![reg(), rm(), immediates()],
        Shape::O => vec![regs(Class::G)],
        Shape::Oi32 | Shape::Oi64 => vec![regs(Class::G), immediates()],
        Shape::Rel => vec![vec![Opnd::Symbol(SymbolRef(1))]],
        Shape::Rvm => vec![reg(), reg(), rm()],
        Shape::Rmv => vec![reg(), rm(), reg()],
        Shape::Vm => vec![reg(), rm()],
        Shape::Mri8 => vec![rm(), reg(), immediates()],
        Shape::Vmi8 => vec![reg(), rm(), immediates()],
        Shape::Rbbi8 => vec![reg(), reg(), immediates()],
    }
}

fn number(r: Register) -> Option<(bool, usize)> {
    let full = r.full_register();
    if full.is_gpr64() {
        Some((false, full.number()))
    } else if r.is_xmm() || r.is_ymm() {
        Some((true, r.number()))
    } else {
        None
    }
}

fn same_reg(r: Register, p: PReg) -> bool {
    number(r) == Some((p.is_xmm(), p.hw() as usize))
}

/// Whether the decoded operand is the one asked for.
fn same(i: &Instruction, n: u32, o: &Opnd, bits: u32) -> bool {
    let kind = i.op_kind(n);
    match o {
        Opnd::None => true,
        // ah..bh would have the numbers of rsp..rdi.
        Opnd::Reg(p) => {
            let r = i.op_register(n);
            kind == OpKind::Register
                && same_reg(r, *p)
                && !matches!(r, Register::AH | Register::BH | Register::CH | Register::DH)
        }
        Opnd::Imm(want) => {
            let got = i.immediate(n);
            let mask = if bits == 64 {
                u64::MAX
            } else {
                (1 << bits) - 1
            };
            got & mask == *want as u64 & mask
        }
        Opnd::Symbol(_) => kind == OpKind::NearBranch64,
        Opnd::Mem(m) => {
            let base = match m.base {
                MemBase::Reg(p) => {
                    same_reg(i.memory_base(), p)
                        && i.memory_displacement64() == m.disp as i64 as u64
                }
                MemBase::Rip(_) => i.is_ip_rel_memory_operand(),
            };
            let index = match m.index {
                Some((p, s)) => {
                    same_reg(i.memory_index(), p) && i.memory_index_scale() == 1 << s.log2()
                }
                None => i.memory_index() == Register::None,
            };
            kind == OpKind::Memory && base && index
        }
    }
}

fn check(inst: &Inst, bits: u32, out: &mut Vec<u8>) -> Result<bool, String> {
    out.clear();
    if encode(inst, out).is_err() {
        return Ok(false);
    }
    let decoded = Decoder::with_ip(64, out, 0, DecoderOptions::NONE).decode();
    let mut mnemonic = inst.op.mnemonic().to_string();
    if matches!(inst.op, Op::Setcc | Op::Cmov) {
        mnemonic += CCS.iter().find(|c| c.0 == inst.cc).map_or("", |c| c.1);
    }
    let name = format!("{:?}", decoded.mnemonic()).to_lowercase();
    let operands = match inst.op {
        Op::Vroundsd => [inst.a, inst.b, inst.b, inst.c],
        _ => [inst.a, inst.b, inst.c, Opnd::None],
    };
    let all = operands
        .iter()
        .enumerate()
        .all(|(n, o)| same(&decoded, n as u32, o, bits));
    if decoded.len() == out.len() && name == mnemonic && all {
        Ok(true)
    } else {
        Err(format!("{inst:?} became {out:02x?}: {decoded}"))
    }
}

#[test]
fn the_table_encodes_what_it_says() {
    let mut out = Vec::new();
    let mut count = 0;
    for &op in Op::ALL {
        for f in op.forms() {
            let widths: &[Width] = match f.size {
                Size::Any => Width::ALL,
                Size::Wide => &[Width::W32, Width::W64],
                Size::Plain | Size::Quad => &[Width::W64],
            };
            let lists = operands(f);
            let longest = lists.iter().map(|l| l.len()).max().unwrap_or(1);
            let ccs = if f.cc { &CCS[..] } else { &CCS[..1] };
            let mut forms = 0;
            for (&w, cc) in widths
                .iter()
                .flat_map(|w| ccs.iter().map(move |c| (w, c.0)))
            {
                // Every operand of each list, against several of the others.
                for n in 0..longest * 3 {
                    let pick = |k: usize| {
                        let Some(list) = lists.get(k) else {
                            return Opnd::None;
                        };
                        list[(n + k * (n / longest) * 5) % list.len()]
                    };
                    let inst = Inst {
                        op,
                        w,
                        cc,
                        a: pick(0),
                        b: pick(1),
                        c: pick(2),
                    };
                    let imm_bits = match op {
                        Op::Roundsd | Op::Vroundsd | Op::Rorx => 8,
                        Op::Shl | Op::Shr | Op::Sar | Op::Ror => 8,
                        Op::Psllq | Op::Psrlq | Op::Vpsllq | Op::Vpsrlq => 8,
                        Op::Pshufd | Op::Vextracti128 => 8,
                        // The destination of a 32-bit constant move is the whole register.
                        Op::Mov if matches!((inst.a, inst.b), (Opnd::Reg(_), Opnd::Imm(n)) if n as u32 as i64 == n) => {
                            32
                        }
                        _ => 8 * w.bytes(),
                    };
                    match check(&inst, imm_bits, &mut out) {
                        Ok(encoded) => forms += encoded as u32,
                        Err(e) => panic!("{e}"),
                    }
                }
            }
            assert!(forms > 0, "{op:?}: no operands fit {f:?}");
            count += forms;
        }
    }
    assert!(count > 20_000, "{count}");
}
