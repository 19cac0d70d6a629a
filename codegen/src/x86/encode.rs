//! Encoding one instruction by its table row.

use super::inst::{Inst, Mem, MemBase, Opnd, RipTarget};
use super::table::{Class, Form, Shape, Size};
use crate::ir::{PReg, Width};

/// A 32-bit field that refers to something outside the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fixup {
    /// Offset of the field.
    pub at: u32,
    /// Bytes from the field to the end of the instruction.
    pub to_end: u8,
    /// Displacement to add.
    pub disp: i32,
    /// Whether it is the target of a call or jump.
    pub branch: bool,
    /// What it refers to.
    pub target: RipTarget,
}

/// No form of the table fits the operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoForm;

fn class(r: PReg) -> Class {
    if r.is_xmm() { Class::X } else { Class::G }
}

fn is_rm(o: &Opnd, c: Class) -> bool {
    match o {
        Opnd::Reg(r) => class(*r) == c,
        Opnd::Mem(_) => true,
        _ => false,
    }
}

fn is_reg(o: &Opnd, c: Class) -> bool {
    matches!(o, Opnd::Reg(r) if class(*r) == c)
}

fn fits8(n: i64) -> bool {
    n as i8 as i64 == n
}

/// Whether an immediate can be written in a width-sized field, sign-extended from 32 bits at most.
fn fits(n: i64, w: Width) -> bool {
    match w {
        Width::W8 => (-128..=255).contains(&n),
        Width::W16 => (-32768..=65535).contains(&n),
        Width::W32 => n as i32 as i64 == n || n as u32 as i64 == n,
        Width::W64 => n as i32 as i64 == n,
    }
}

fn matches(f: &Form, i: &Inst) -> bool {
    if f.only_reg && [i.a, i.b].iter().any(|o| matches!(o, Opnd::Mem(_))) {
        return false;
    }
    match f.shape {
        Shape::Zo => matches!(i.a, Opnd::None),
        Shape::Mr => {
            is_rm(&i.a, f.rm) && is_reg(&i.b, f.reg) && !(f.mem && matches!(i.a, Opnd::Reg(_)))
        }
        Shape::Rm => {
            is_reg(&i.a, f.reg)
                && is_rm(&i.b, f.rm)
                && !(f.mem && matches!(i.b, Opnd::Reg(_)))
                && matches!(i.c, Opnd::None)
        }
        Shape::M => is_rm(&i.a, f.rm) && matches!(i.b, Opnd::None),
        // An 8-bit operation has its own opcode with an 8-bit immediate.
        Shape::Mi8 => {
            is_rm(&i.a, f.rm)
                && matches!(i.b, Opnd::Imm(n) if fits8(n) && (i.w != Width::W8 || f.opcode == 0xc1))
        }
        Shape::Ai => i.a == Opnd::Reg(PReg::Rax) && matches!(i.b, Opnd::Imm(n) if fits(n, i.w)),
        Shape::M1 => is_rm(&i.a, f.rm) && i.b == Opnd::Imm(1),
        Shape::Mi => is_rm(&i.a, f.rm) && matches!(i.b, Opnd::Imm(n) if fits(n, i.w)),
        Shape::Mc => is_rm(&i.a, f.rm) && matches!(i.b, Opnd::Reg(PReg::Rcx)),
        Shape::Rmi8 => {
            is_reg(&i.a, f.reg) && is_rm(&i.b, f.rm) && matches!(i.c, Opnd::Imm(n) if fits8(n))
        }
        Shape::Rmi => {
            is_reg(&i.a, f.reg) && is_rm(&i.b, f.rm) && matches!(i.c, Opnd::Imm(n) if fits(n, i.w))
        }
        Shape::O => is_reg(&i.a, Class::G) && matches!(i.b, Opnd::None),
        Shape::Oi32 => {
            is_reg(&i.a, Class::G) && matches!(i.b, Opnd::Imm(n) if n as u32 as i64 == n)
        }
        Shape::Oi64 => is_reg(&i.a, Class::G) && matches!(i.b, Opnd::Imm(_)),
        Shape::Rel => matches!(i.a, Opnd::Symbol(_)),
        Shape::Rvm => is_reg(&i.a, f.reg) && is_reg(&i.b, f.reg) && is_rm(&i.c, f.rm),
        Shape::Rmv => is_reg(&i.a, f.reg) && is_rm(&i.b, f.rm) && is_reg(&i.c, f.reg),
        Shape::Vm => is_reg(&i.a, f.reg) && is_rm(&i.b, f.rm) && matches!(i.c, Opnd::None),
        Shape::Mri8 => {
            is_rm(&i.a, f.rm) && is_reg(&i.b, f.reg) && matches!(i.c, Opnd::Imm(n) if fits8(n))
        }
        Shape::Vmi8 => {
            is_reg(&i.a, f.reg) && is_rm(&i.b, f.rm) && matches!(i.c, Opnd::Imm(n) if fits8(n))
        }
        Shape::Rbbi8 => {
            is_reg(&i.a, f.reg) && is_reg(&i.b, f.rm) && matches!(i.c, Opnd::Imm(n) if fits8(n))
        }
    }
}

/// Appends an instruction's bytes. Returns the field that needs a target, if there is one.
#[inline]
pub fn encode(i: &Inst, out: &mut Vec<u8>) -> Result<Option<Fixup>, NoForm> {
    let Some(f) = i.op.forms().iter().find(|f| matches(f, i)) else {
        return Err(NoForm);
    };
    let mut buf = Buf {
        bytes: [0; 16],
        len: 0,
    };
    let fixup = encode_form(f, i, &mut buf, out.len() as u32);
    out.extend_from_slice(&buf.bytes[..buf.len]);
    Ok(fixup)
}

/// An instruction being assembled: at most 15 bytes.
struct Buf {
    bytes: [u8; 16],
    len: usize,
}

impl Buf {
    #[inline]
    fn put(&mut self, b: u8) {
        self.bytes[self.len] = b;
        self.len += 1;
    }
    #[inline]
    fn put32(&mut self, n: i32) {
        self.bytes[self.len..self.len + 4].copy_from_slice(&n.to_le_bytes());
        self.len += 4;
    }
}

fn encode_form(f: &Form, i: &Inst, out: &mut Buf, origin: u32) -> Option<Fixup> {
    let byte = f.size == Size::Any && i.w == Width::W8;
    let (reg, rm, imm) = fields(f, i);
    if f.vex {
        put_vex(f, i, reg, &rm, out);
        out.put(f.opcode);
        if f.shape == Shape::Zo {
            return None;
        }
        return operands(f, i, reg.map_or(f.ext, |r| r.hw()), rm, imm, out, origin);
    }
    if f.size == Size::Any && i.w == Width::W16 {
        out.put(0x66);
    }
    if f.prefix != 0 {
        out.put(f.prefix);
    }

    let mut rex = 0;
    let quad = match f.size {
        Size::Any | Size::Wide => i.w == Width::W64,
        Size::Plain => false,
        Size::Quad => true,
    };
    if quad {
        rex |= 0x48;
    }
    let reg_hw = match reg {
        Some(r) => {
            if r.hw() >= 8 {
                rex |= 0x44;
            }
            if byte && f.reg == Class::G && (4..8).contains(&r.hw()) {
                rex |= 0x40;
            }
            r.hw()
        }
        None => f.ext,
    };
    match rm {
        Opnd::Reg(r) => {
            if r.hw() >= 8 {
                rex |= 0x41;
            }
            if (byte || f.rm8) && f.rm == Class::G && (4..8).contains(&r.hw()) {
                rex |= 0x40;
            }
        }
        Opnd::Mem(m) => {
            if matches!(m.base, MemBase::Reg(r) if r.hw() >= 8) {
                rex |= 0x41;
            }
            if matches!(m.index, Some((r, _)) if r.hw() >= 8) {
                rex |= 0x42;
            }
        }
        _ => {}
    }
    if rex != 0 {
        out.put(rex);
    }
    match f.map {
        0 => {}
        1 => out.put(0x0f),
        2 => {
            out.put(0x0f);
            out.put(0x38);
        }
        _ => {
            out.put(0x0f);
            out.put(0x3a);
        }
    }
    let mut opcode = f.opcode;
    if byte {
        opcode -= 1;
    }
    if f.cc {
        opcode += i.cc as u8;
    }
    if matches!(f.shape, Shape::Oi32 | Shape::Oi64 | Shape::O) {
        if let Opnd::Reg(r) = rm {
            opcode += r.hw() & 7;
        }
        out.put(opcode);
    } else {
        out.put(opcode);
        if f.shape == Shape::Zo {
            return None;
        }
    }
    operands(f, i, reg_hw, rm, imm, out, origin)
}

/// What follows the opcode: ModRM, displacement, immediate.
fn operands(
    f: &Form,
    i: &Inst,
    reg_hw: u8,
    rm: Opnd,
    imm: i64,
    out: &mut Buf,
    origin: u32,
) -> Option<Fixup> {
    let byte = f.size == Size::Any && i.w == Width::W8;
    let mut fixup = None;
    match rm {
        Opnd::Symbol(s) => {
            fixup = Some((out.len, true, 0, RipTarget::Symbol(s)));
            out.put32(0);
        }
        Opnd::Reg(r) if !matches!(f.shape, Shape::Oi32 | Shape::Oi64 | Shape::O | Shape::Ai) => {
            out.put(0xc0 | (reg_hw & 7) << 3 | (r.hw() & 7));
        }
        Opnd::Mem(m) => {
            if let Some((at, target)) = encode_mem(reg_hw & 7, &m, out) {
                fixup = Some((at, false, m.disp, target));
            }
        }
        _ => {}
    }
    match (f.shape, imm) {
        (Shape::Mi8 | Shape::Rmi8 | Shape::Mri8 | Shape::Vmi8 | Shape::Rbbi8, n) => {
            out.put(n as u8)
        }
        (Shape::Mi | Shape::Ai, n) if byte => out.put(n as u8),
        (Shape::Mi | Shape::Ai, n) if i.w == Width::W16 => {
            out.put(n as u8);
            out.put((n >> 8) as u8);
        }
        (Shape::Mi | Shape::Ai | Shape::Rmi | Shape::Oi32, n) => out.put32(n as i32),
        (Shape::Oi64, n) => {
            out.put32(n as i32);
            out.put32((n >> 32) as i32);
        }
        _ => {}
    }
    fixup.map(|(at, branch, disp, target)| Fixup {
        at: origin + at as u32,
        to_end: (out.len - at) as u8,
        disp,
        branch,
        target,
    })
}

/// The VEX prefix: two bytes where the opcode map is 0F, W is 0 and neither r/m register is one of the upper eight.
fn put_vex(f: &Form, i: &Inst, reg: Option<PReg>, rm: &Opnd, out: &mut Buf) {
    let upper = |r: PReg| r.hw() >= 8;
    let (x, b) = match rm {
        Opnd::Reg(r) => (false, upper(*r)),
        Opnd::Mem(m) => (
            matches!(m.index, Some((r, _)) if upper(r)),
            matches!(m.base, MemBase::Reg(r) if upper(r)),
        ),
        _ => (false, false),
    };
    let wide = match f.size {
        Size::Any | Size::Wide => i.w == Width::W64,
        Size::Plain => false,
        Size::Quad => true,
    };
    let vvvv = match (f.shape, &i.a, &i.b, &i.c) {
        (Shape::Rvm | Shape::Rbbi8, _, Opnd::Reg(r), _)
        | (Shape::Rmv, _, _, Opnd::Reg(r))
        | (Shape::Vm | Shape::Vmi8, Opnd::Reg(r), _, _) => r.hw(),
        _ => 0,
    };
    let pp = match f.prefix {
        0x66 => 1,
        0xf3 => 2,
        0xf2 => 3,
        _ => 0,
    };
    // All but W and pp are stored inverted.
    let flag = |clear: bool, bit: u8| if clear { 0 } else { bit };
    let r = flag(reg.is_some_and(upper), 0x80);
    let last = (!vvvv & 15) << 3 | u8::from(f.long) << 2 | pp;
    if f.map == 1 && !wide && !x && !b {
        out.put(0xc5);
        out.put(r | last);
    } else {
        out.put(0xc4);
        out.put(r | flag(x, 0x40) | flag(b, 0x20) | f.map);
        out.put(u8::from(wide) << 7 | last);
    }
}

/// The reg field, the r/m field and the immediate of an instruction under a form.
fn fields(f: &Form, i: &Inst) -> (Option<PReg>, Opnd, i64) {
    let reg = |o: &Opnd| match o {
        Opnd::Reg(r) => Some(*r),
        _ => None,
    };
    let imm = |o: &Opnd| match o {
        Opnd::Imm(n) => *n,
        _ => 0,
    };
    match f.shape {
        Shape::Mr => (reg(&i.b), i.a, 0),
        Shape::Rm => (reg(&i.a), i.b, 0),
        Shape::Rmi8 | Shape::Rmi => (reg(&i.a), i.b, imm(&i.c)),
        Shape::Rvm => (reg(&i.a), i.c, 0),
        Shape::Rmv => (reg(&i.a), i.b, 0),
        Shape::Vm => (None, i.b, 0),
        Shape::Mri8 => (reg(&i.b), i.a, imm(&i.c)),
        Shape::Vmi8 => (None, i.b, imm(&i.c)),
        Shape::Rbbi8 => (reg(&i.a), i.b, imm(&i.c)),
        Shape::Zo | Shape::O | Shape::M | Shape::M1 | Shape::Mc | Shape::Rel => (None, i.a, 0),
        Shape::Mi8 | Shape::Mi | Shape::Ai | Shape::Oi32 | Shape::Oi64 => (None, i.a, imm(&i.b)),
    }
}

/// ModRM, SIB and displacement. Returns where an instruction-relative field is.
fn encode_mem(reg: u8, m: &Mem, out: &mut Buf) -> Option<(usize, RipTarget)> {
    let base = match m.base {
        MemBase::Rip(target) => {
            out.put(reg << 3 | 5);
            let at = out.len;
            out.put32(0);
            return Some((at, target));
        }
        MemBase::Reg(r) => r.hw() & 7,
    };
    // rbp and r13 as a base need a displacement.
    let (mode, size) = if m.disp == 0 && base != 5 {
        (0x00, 0)
    } else if fits8(m.disp as i64) {
        (0x40, 1)
    } else {
        (0x80, 4)
    };
    match m.index {
        Some((index, scale)) => {
            out.put(mode | reg << 3 | 4);
            out.put(scale.log2() << 6 | (index.hw() & 7) << 3 | base);
        }
        // rsp and r12 as a base need a SIB byte.
        None if base == 4 => {
            out.put(mode | reg << 3 | 4);
            out.put(0x24);
        }
        None => out.put(mode | reg << 3 | base),
    }
    match size {
        0 => {}
        1 => out.put(m.disp as u8),
        _ => out.put32(m.disp),
    }
    None
}
