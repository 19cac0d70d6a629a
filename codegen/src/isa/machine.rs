//! The machine's state over a domain, and how instructions reach their operands.

use super::domain::Domain;
use super::exec::Unsupported;
use iced_x86::{Instruction, OpKind, Register};

/// The arithmetic flags.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Flag {
    /// Carry.
    Cf = 0,
    /// Parity of the low byte.
    Pf = 1,
    /// Carry out of bit 3.
    Af = 2,
    /// Zero.
    Zf = 3,
    /// Sign.
    Sf = 4,
    /// Signed overflow.
    Of = 5,
}

impl Flag {
    /// All six.
    pub const ALL: [Flag; 6] = [Flag::Cf, Flag::Pf, Flag::Af, Flag::Zf, Flag::Sf, Flag::Of];
    /// Its bit in RFLAGS.
    pub fn rflags_bit(self) -> u32 {
        [0, 2, 4, 6, 7, 11][self as usize]
    }
}

/// Why an instruction can fault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultKind {
    /// Divisor zero or quotient too large.
    Divide,
    /// Memory not mapped, or not writable.
    Page,
    /// An address not aligned as the instruction demands.
    Alignment,
}

/// A fault and the bit that says whether it happens.
#[derive(Clone, Debug)]
pub struct Fault<W> {
    /// Which fault.
    pub kind: FaultKind,
    /// One when it happens.
    pub when: W,
}

/// A memory access that was made.
#[derive(Clone, Debug)]
pub struct Access<W> {
    /// The first byte's address.
    pub addr: W,
    /// How many bytes.
    pub bytes: u32,
    /// Whether it writes.
    pub write: bool,
}

/// Registers, flags and memory.
///
/// After [`execute`](super::execute) `faults` and `accesses` have grown by the instruction's; a caller in the concrete
/// domain looks at the new faults and discards the state when one happened.
#[derive(Clone, Debug)]
pub struct Machine<D: Domain> {
    /// rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15: 64 bits each.
    pub gpr: [D::W; 16],
    /// One bit each, by [`Flag`].
    pub flags: [D::W; 6],
    /// ymm0 to ymm15 as four 64-bit words, the lowest first.
    pub vec: [[D::W; 4]; 16],
    /// Memory.
    pub mem: D::M,
    /// Faults so far, in order.
    pub faults: Vec<Fault<D::W>>,
    /// Accesses so far, in order.
    pub accesses: Vec<Access<D::W>>,
    /// When set, stands for the instruction's immediate (64 bits, truncated to the operand's width).
    pub imm: Option<D::W>,
    /// When set, stands for the address of a rip-relative or absolute memory operand (a symbol's address).
    pub symbol: Option<D::W>,
}

impl<D: Domain> Machine<D> {
    /// A machine with everything given by `word(domain, name, width)`: `rax`.., `cf`.., `ymm0_0`...
    pub fn new(
        d: &mut D,
        mem: D::M,
        word: &mut dyn FnMut(&mut D, &str, u32) -> D::W,
    ) -> Machine<D> {
        const GPR: [&str; 16] = [
            "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11",
            "r12", "r13", "r14", "r15",
        ];
        const FLAGS: [&str; 6] = ["cf", "pf", "af", "zf", "sf", "of"];
        let gpr = std::array::from_fn(|i| word(d, GPR[i], 64));
        let flags = std::array::from_fn(|i| word(d, FLAGS[i], 1));
        let vec =
            std::array::from_fn(|i| std::array::from_fn(|j| word(d, &format!("ymm{i}_{j}"), 64)));
        Machine {
            gpr,
            flags,
            vec,
            mem,
            faults: Vec::new(),
            accesses: Vec::new(),
            imm: None,
            symbol: None,
        }
    }

    /// A flag.
    pub fn flag(&self, f: Flag) -> D::W {
        self.flags[f as usize].clone()
    }
    /// Sets a flag.
    pub fn set_flag(&mut self, f: Flag, w: D::W) {
        self.flags[f as usize] = w;
    }
    /// Makes flags undefined.
    pub fn undefine(&mut self, d: &mut D, flags: &[Flag]) {
        for f in flags {
            self.flags[*f as usize] = d.undefined(1);
        }
    }
    /// Adds a fault.
    pub fn fault(&mut self, kind: FaultKind, when: D::W) {
        self.faults.push(Fault { kind, when });
    }

    /// A general register's value at its own width.
    pub fn read_gpr(&self, d: &mut D, r: Register) -> D::W {
        let w = &self.gpr[r.full_register() as usize - Register::RAX as usize];
        match r {
            Register::AH | Register::CH | Register::DH | Register::BH => d.extract(w, 8, 8),
            _ => d.extract(w, 0, 8 * r.size() as u32),
        }
    }
    /// Writes a general register: 32-bit writes clear the upper half, 8- and 16-bit ones keep the rest.
    pub fn write_gpr(&mut self, d: &mut D, r: Register, v: &D::W) {
        let i = r.full_register() as usize - Register::RAX as usize;
        let old = self.gpr[i].clone();
        self.gpr[i] = match r {
            Register::AH | Register::CH | Register::DH | Register::BH => {
                let (hi, lo) = (d.extract(&old, 16, 48), d.extract(&old, 0, 8));
                let t = d.concat(v, &lo);
                d.concat(&hi, &t)
            }
            _ => match r.size() {
                8 => v.clone(),
                4 => d.zext(v, 64),
                n => {
                    let n = 8 * n as u32;
                    let hi = d.extract(&old, n, 64 - n);
                    d.concat(&hi, v)
                }
            },
        };
    }

    /// The address of the memory operand, without segment.
    ///
    /// # Errors
    /// For segment overrides and vector indices.
    pub fn address(&self, d: &mut D, i: &Instruction) -> Result<D::W, Unsupported> {
        if i.segment_prefix() == Register::FS || i.segment_prefix() == Register::GS {
            return Err(Unsupported::Segment);
        }
        if (i.is_ip_rel_memory_operand()
            || i.memory_base() == Register::None && i.memory_index() == Register::None)
            && let Some(s) = &self.symbol
        {
            return Ok(s.clone());
        }
        if i.is_ip_rel_memory_operand() {
            return Ok(d.constant(64, i.ip_rel_memory_address().into()));
        }
        let (base, index) = (i.memory_base(), i.memory_index());
        let narrow = base.is_gpr32() || index.is_gpr32();
        if index.is_vector_register() {
            return Err(Unsupported::VectorIndex);
        }
        let mut a = d.constant(64, i.memory_displacement64().into());
        if base != Register::None {
            let b = self.read_gpr(d, base);
            let b = d.zext(&b, 64);
            a = d.add(&b, &a);
        }
        if index != Register::None {
            let x = self.read_gpr(d, index);
            let x = d.zext(&x, 64);
            let s = d.constant(64, i.memory_index_scale().trailing_zeros().into());
            let x = d.bin(super::BinOp::Shl, &x, &s);
            a = d.add(&a, &x);
        }
        if narrow {
            let t = d.trunc(&a, 32);
            a = d.zext(&t, 64);
        }
        Ok(a)
    }

    /// Loads `bytes` bytes, recording the access and its fault.
    pub fn load(&mut self, d: &mut D, addr: &D::W, bytes: u32) -> D::W {
        self.touch(d, addr, bytes, false);
        d.load(&self.mem, addr, bytes)
    }
    /// Stores a value, recording the access and its fault.
    pub fn store(&mut self, d: &mut D, addr: &D::W, v: &D::W) {
        let bytes = d.width(v) / 8;
        self.touch(d, addr, bytes, true);
        d.store(&mut self.mem, addr, v);
    }
    /// Records an access of `bytes` bytes without making it.
    pub fn touch(&mut self, d: &mut D, addr: &D::W, bytes: u32, write: bool) {
        let ok = d.mapped(&self.mem, addr, bytes, write);
        let bad = d.not(&ok);
        self.fault(FaultKind::Page, bad);
        self.accesses.push(Access {
            addr: addr.clone(),
            bytes,
            write,
        });
    }

    /// Width in bits of a scalar operand.
    pub fn operand_width(i: &Instruction, op: u32) -> u32 {
        match i.op_kind(op) {
            OpKind::Register => 8 * i.op_register(op).size() as u32,
            OpKind::Memory => 8 * i.memory_size().size() as u32,
            OpKind::Immediate8 | OpKind::Immediate8_2nd => 8,
            OpKind::Immediate16 | OpKind::Immediate8to16 => 16,
            OpKind::Immediate32 | OpKind::Immediate8to32 => 32,
            _ => 64,
        }
    }

    /// A scalar operand: general register, memory or immediate, at its width.
    ///
    /// # Errors
    /// For operand kinds the model does not have.
    pub fn read(&mut self, d: &mut D, i: &Instruction, op: u32) -> Result<D::W, Unsupported> {
        match i.op_kind(op) {
            OpKind::Register if i.op_register(op).is_gpr() => {
                Ok(self.read_gpr(d, i.op_register(op)))
            }
            OpKind::Memory => {
                let a = self.address(d, i)?;
                Ok(self.load(d, &a, i.memory_size().size() as u32))
            }
            OpKind::Immediate8
            | OpKind::Immediate8_2nd
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64 => {
                let w = Self::operand_width(i, op);
                Ok(match self.imm.clone() {
                    Some(v) => d.trunc(&v, w),
                    None => d.constant(w, i.immediate(op).into()),
                })
            }
            _ => Err(Unsupported::Operand),
        }
    }

    /// Writes a scalar operand: general register or memory.
    ///
    /// # Errors
    /// For operand kinds the model does not have.
    pub fn write(
        &mut self,
        d: &mut D,
        i: &Instruction,
        op: u32,
        v: &D::W,
    ) -> Result<(), Unsupported> {
        match i.op_kind(op) {
            OpKind::Register if i.op_register(op).is_gpr() => {
                self.write_gpr(d, i.op_register(op), v);
                Ok(())
            }
            OpKind::Memory => {
                let a = self.address(d, i)?;
                self.store(d, &a, v);
                Ok(())
            }
            _ => Err(Unsupported::Operand),
        }
    }

    /// A vector operand as 64-bit words, the lowest first: a register's 2 or 4 words, or memory of the operand's size
    /// (one narrower word for scalars of 32 bits and less).
    ///
    /// # Errors
    /// For operand kinds the model does not have.
    pub fn read_vec(
        &mut self,
        d: &mut D,
        i: &Instruction,
        op: u32,
    ) -> Result<Vec<D::W>, Unsupported> {
        match i.op_kind(op) {
            OpKind::Register if i.op_register(op).is_xmm() || i.op_register(op).is_ymm() => {
                let r = i.op_register(op);
                let n = r.size() / 8;
                Ok(self.vec[vec_index(r)?][..n].to_vec())
            }
            OpKind::Memory => {
                let a = self.address(d, i)?;
                let bytes = i.memory_size().size() as u32;
                self.touch(d, &a, bytes, false);
                let mut out = Vec::new();
                let mut at = 0;
                while at < bytes {
                    let k = d.constant(64, at.into());
                    let p = d.add(&a, &k);
                    let n = (bytes - at).min(8);
                    out.push(d.load(&self.mem, &p, n));
                    at += n;
                }
                Ok(out)
            }
            _ => Err(Unsupported::Operand),
        }
    }

    /// Writes the low words of a vector operand. A VEX form clears what lies above in the register, another keeps it.
    ///
    /// # Errors
    /// For operand kinds the model does not have.
    pub fn write_vec(
        &mut self,
        d: &mut D,
        i: &Instruction,
        op: u32,
        v: &[D::W],
    ) -> Result<(), Unsupported> {
        match i.op_kind(op) {
            OpKind::Register if i.op_register(op).is_xmm() || i.op_register(op).is_ymm() => {
                let r = vec_index(i.op_register(op))?;
                self.vec[r][..v.len()].clone_from_slice(v);
                if i.code().encoding() == iced_x86::EncodingKind::VEX {
                    for k in v.len()..4 {
                        self.vec[r][k] = d.constant(64, 0);
                    }
                }
                Ok(())
            }
            OpKind::Memory => {
                let a = self.address(d, i)?;
                let bytes = v.iter().map(|w| d.width(w) / 8).sum();
                self.touch(d, &a, bytes, true);
                let mut at = 0u32;
                for w in v {
                    let k = d.constant(64, at.into());
                    let p = d.add(&a, &k);
                    d.store(&mut self.mem, &p, w);
                    at += d.width(w) / 8;
                }
                Ok(())
            }
            _ => Err(Unsupported::Operand),
        }
    }
}

fn vec_index(r: Register) -> Result<usize, Unsupported> {
    let n = r.number();
    if n < 16 {
        Ok(n)
    } else {
        Err(Unsupported::Encoding)
    }
}
