//! The IR interpreter: the plain meaning of each instruction, on real memory.

use crate::exec::{Arena, CALL_LOG, Regs};
use std::collections::HashMap;
use trinity_codegen::ir::*;

struct Interp<'a> {
    f: &'a Function,
    arena: &'a Arena,
    vals: Vec<u64>,
    slots: Vec<Vec<u64>>,
    thread: u64,
    base: u64,
    overflowed: HashMap<Value, bool>,
}

/// The registers and values that the function returns.
pub struct Returned(Vec<(PReg, u64)>);

/// What to compare: name, expected, got.
pub fn results(expected: &Returned, got: &Regs) -> Vec<(String, u64, u64)> {
    expected
        .0
        .iter()
        .map(|&(r, v)| (r.to_string(), v, got.get(r)))
        .collect()
}

/// Runs a function to its end.
pub fn run(f: &Function, regs: &Regs, arena: &Arena) -> Returned {
    let mut i = Interp {
        f,
        arena,
        vals: vec![0; f.values.len()],
        slots: f
            .stack_slots
            .iter()
            .map(|&n| vec![0; (n as usize).div_ceil(8)])
            .collect(),
        thread: regs.gpr[14],
        base: regs.gpr[3],
        overflowed: HashMap::new(),
    };
    for (&v, &r) in f.blocks[0].params.iter().zip(&f.param_regs) {
        i.vals[v.index()] = regs.get(r);
    }
    let mut block = f.entry();
    loop {
        for id in &f.blocks[block.index()].insts {
            i.inst(&f.insts[id.index()]);
        }
        let term = f.blocks[block.index()].term.as_ref().expect("terminated");
        let to = match term {
            Term::Jump(t) => t,
            Term::BrIf { cond, then, els } => {
                if i.cond(cond) {
                    then
                } else {
                    els
                }
            }
            Term::Switch {
                index,
                targets,
                default,
            } => targets.get(i.get(*index) as usize).unwrap_or(default),
            Term::Ret(list) => {
                return Returned(list.iter().map(|&(v, r)| (r, i.get(v))).collect());
            }
            // The callee's results are the function's.
            Term::TailCall { args, .. } => {
                let rets = [(Type::I64, PReg::Rax), (Type::F64, PReg::Xmm0)];
                let out = i.callee(args, &rets);
                return Returned(vec![(PReg::Rax, out[0]), (PReg::Xmm0, out[1])]);
            }
            Term::Trap => panic!("trap reached"),
        };
        let args: Vec<u64> = to.args.iter().map(|&v| i.get(v)).collect();
        for (&p, a) in f.blocks[to.block.index()].params.iter().zip(args) {
            i.vals[p.index()] = a;
        }
        block = to.block;
    }
}

fn low(n: u64, w: Width) -> (u64, i64) {
    match w {
        Width::W8 => (n as u8 as u64, n as i8 as i64),
        Width::W16 => (n as u16 as u64, n as i16 as i64),
        Width::W32 => (n as u32 as u64, n as i32 as i64),
        Width::W64 => (n, n as i64),
    }
}

fn compare(cc: IntCc, w: Width, a: u64, b: u64) -> bool {
    let ((ua, sa), (ub, sb)) = (low(a, w), low(b, w));
    let diff = low(a.wrapping_sub(b), w).1;
    let overflow = sa as i128 - sb as i128 != diff as i128;
    match cc {
        IntCc::Eq => ua == ub,
        IntCc::Ne => ua != ub,
        IntCc::Slt => sa < sb,
        IntCc::Sle => sa <= sb,
        IntCc::Sgt => sa > sb,
        IntCc::Sge => sa >= sb,
        IntCc::Ult => ua < ub,
        IntCc::Ule => ua <= ub,
        IntCc::Ugt => ua > ub,
        IntCc::Uge => ua >= ub,
        IntCc::Of => overflow,
        IntCc::NoOf => !overflow,
        IntCc::Neg => diff < 0,
        IntCc::NonNeg => diff >= 0,
    }
}

impl Interp<'_> {
    fn get(&self, v: Value) -> u64 {
        match self.f.def_inst(v) {
            Some(&Inst::Iconst(n)) => n as u64,
            Some(&Inst::Fconst(bits)) => bits,
            _ => self.vals[v.index()],
        }
    }

    fn float(&self, v: Value) -> f64 {
        f64::from_bits(self.get(v))
    }

    fn opnd(&self, o: Opnd) -> u64 {
        match o {
            Opnd::Value(v) => self.get(v),
            Opnd::Imm(n) => n as i64 as u64,
        }
    }

    fn addr(&self, a: &Addr) -> *mut u8 {
        let base = match a.base {
            Base::Value(v) => self.get(v),
            Base::Pinned(Pinned::Thread) => self.thread,
            Base::Pinned(Pinned::Base) => self.base,
            Base::Symbol(s) => self.arena.symbol(s) as u64,
            Base::Stack(s) => self.slots[s.index()].as_ptr() as u64,
        };
        let index = a.index.map_or(0, |(v, s)| self.get(v) << s.log2());
        (base.wrapping_add(index).wrapping_add(a.disp as i64 as u64)) as *mut u8
    }

    fn read(&self, a: &Addr, w: Width) -> u64 {
        let p = self.addr(a);
        unsafe {
            match w {
                Width::W8 => p.read() as u64,
                Width::W16 => p.cast::<u16>().read_unaligned() as u64,
                Width::W32 => p.cast::<u32>().read_unaligned() as u64,
                Width::W64 => p.cast::<u64>().read_unaligned(),
            }
        }
    }

    fn write(&self, a: &Addr, w: Width, v: u64) {
        let p = self.addr(a);
        unsafe {
            match w {
                Width::W8 => p.write(v as u8),
                Width::W16 => p.cast::<u16>().write_unaligned(v as u16),
                Width::W32 => p.cast::<u32>().write_unaligned(v as u32),
                Width::W64 => p.cast::<u64>().write_unaligned(v),
            }
        }
    }

    fn cond(&self, c: &Cond) -> bool {
        match c {
            Cond::Icmp { cc, w, a, b } => compare(*cc, *w, self.get(*a), self.opnd(*b)),
            Cond::IcmpMem { cc, w, addr, b } => {
                compare(*cc, *w, self.read(addr, *w), self.opnd(*b))
            }
            Cond::Test { cc, w, a, b } => compare(*cc, *w, self.get(*a) & self.opnd(*b), 0),
            Cond::TestMem { cc, w, addr, b } => {
                compare(*cc, *w, self.read(addr, *w) & self.opnd(*b), 0)
            }
            Cond::Fcmp { cc, a, b } => {
                let (a, b) = (self.float(*a), self.float(*b));
                match cc {
                    FloatCc::Eq => a == b,
                    FloatCc::Ne => a != b,
                    FloatCc::Lt => a < b,
                    FloatCc::Le => a <= b,
                    FloatCc::Gt => a > b,
                    FloatCc::Ge => a >= b,
                }
            }
            // The limits of the tests are 0 and u64::MAX.
            Cond::RspMem { cc, addr } => {
                assert_eq!(*cc, IntCc::Ult);
                self.read(addr, Width::W64) == u64::MAX
            }
            Cond::Overflow(v) => self.overflowed[v],
        }
    }

    fn callee(&mut self, args: &[(Value, PReg)], rets: &[(Type, PReg)]) -> Vec<u64> {
        let arg = |r| args.iter().find(|a| a.1 == r).map_or(0, |a| self.get(a.0));
        let (a, b, x) = (
            arg(PReg::Rdi),
            arg(PReg::Rsi),
            f64::from_bits(arg(PReg::Xmm0)),
        );
        let log = Addr::thread(CALL_LOG);
        self.write(
            &log,
            Width::W64,
            self.read(&log, Width::W64).wrapping_add(a),
        );
        let result = |r| match r {
            PReg::Rax => a.wrapping_mul(3).wrapping_add(b).wrapping_add(1),
            PReg::Rdx => a ^ b,
            _ => (x + x).to_bits(),
        };
        rets.iter().map(|r| result(r.1)).collect()
    }

    fn binary(&self, op: BinOp, a: u64, b: u64) -> u64 {
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        match op {
            BinOp::Iadd => a.wrapping_add(b),
            BinOp::Isub => a.wrapping_sub(b),
            BinOp::Imul => a.wrapping_mul(b),
            BinOp::And => a & b,
            BinOp::Or => a | b,
            BinOp::Xor => a ^ b,
            BinOp::Shl => a << (b & 63),
            BinOp::Shr => a >> (b & 63),
            BinOp::Sar => (a as i64 >> (b & 63)) as u64,
            BinOp::Rotr => a.rotate_right((b & 63) as u32),
            BinOp::Rotr32 => u64::from((a as u32).rotate_right((b & 31) as u32)),
            BinOp::Sdiv => (a as i64 / b as i64) as u64,
            BinOp::Smulh => ((a as i64 as i128 * b as i64 as i128) >> 64) as u64,
            BinOp::Srem => (a as i64 % b as i64) as u64,
            BinOp::Sfloor => (a as i64).div_euclid(b as i64) as u64,
            BinOp::Smod => (a as i64).rem_euclid(b as i64) as u64,
            BinOp::Fadd => (x + y).to_bits(),
            BinOp::Fsub => (x - y).to_bits(),
            BinOp::Fmul => (x * y).to_bits(),
            BinOp::Fdiv => (x / y).to_bits(),
            BinOp::Fmin => {
                if x < y {
                    a
                } else {
                    b
                }
            }
            BinOp::Fmax => {
                if x > y {
                    a
                } else {
                    b
                }
            }
        }
    }

    fn unary(&self, op: UnOp, a: u64) -> u64 {
        let x = f64::from_bits(a);
        match op {
            UnOp::Ineg => a.wrapping_neg(),
            UnOp::Inot => !a,
            UnOp::Bswap32 => (a as u32).swap_bytes() as u64,
            UnOp::Bswap64 => a.swap_bytes(),
            UnOp::Zext8 => low(a, Width::W8).0,
            UnOp::Zext16 => low(a, Width::W16).0,
            UnOp::Zext32 => low(a, Width::W32).0,
            UnOp::Sext8 => low(a, Width::W8).1 as u64,
            UnOp::Sext16 => low(a, Width::W16).1 as u64,
            UnOp::Sext32 => low(a, Width::W32).1 as u64,
            UnOp::Fneg => a ^ 1 << 63,
            UnOp::Fabs => a & !(1 << 63),
            UnOp::Fsqrt => x.sqrt().to_bits(),
            UnOp::Ffloor => x.floor().to_bits(),
            UnOp::Fceil => x.ceil().to_bits(),
            UnOp::Ftrunc => x.trunc().to_bits(),
            UnOp::IntToFloat => (a as i64 as f64).to_bits(),
            UnOp::FloatToInt => {
                let fits = (-9223372036854775808.0..9223372036854775808.0).contains(&x);
                if fits {
                    x as i64 as u64
                } else {
                    i64::MIN as u64
                }
            }
            UnOp::BitsOfFloat | UnOp::FloatOfBits => a,
        }
    }

    fn inst(&mut self, node: &InstNode) {
        let res = node.first_result;
        let value = match &node.inst {
            Inst::Iconst(_) | Inst::Fconst(_) | Inst::Assume(_) => return,
            Inst::Unary { op, a } => self.unary(*op, self.get(*a)),
            Inst::Binary { op, a, b } => self.binary(*op, self.get(*a), self.opnd(*b)),
            Inst::Overflow { op, a, b } => {
                let (a, b) = (self.get(*a) as i64, self.opnd(*b) as i64);
                let (n, overflow) = match op {
                    OvfOp::Add => a.overflowing_add(b),
                    OvfOp::Sub => a.overflowing_sub(b),
                    OvfOp::Mul => a.overflowing_mul(b),
                };
                self.overflowed.insert(res, overflow);
                n as u64
            }
            Inst::BoolOf(cond) => self.cond(cond) as u64,
            Inst::Select { cond, a, b, .. } => self.get(if self.cond(cond) { *a } else { *b }),
            Inst::Load { kind, addr } => {
                let read = |w| low(self.read(addr, w), w);
                match kind {
                    LoadKind::U8 => read(Width::W8).0,
                    LoadKind::S8 => read(Width::W8).1 as u64,
                    LoadKind::U16 => read(Width::W16).0,
                    LoadKind::S16 => read(Width::W16).1 as u64,
                    LoadKind::U32 => read(Width::W32).0,
                    LoadKind::S32 => read(Width::W32).1 as u64,
                    LoadKind::I64 | LoadKind::F64 => read(Width::W64).0,
                }
            }
            Inst::Store { w, addr, val } => return self.write(addr, *w, self.get(*val)),
            Inst::StoreImm { w, addr, imm } => return self.write(addr, *w, *imm as i64 as u64),
            Inst::MemOp { op, w, addr, x } => {
                let (a, b) = (self.read(addr, *w), self.opnd(*x));
                let op = match op {
                    MemOp::Add => BinOp::Iadd,
                    MemOp::Sub => BinOp::Isub,
                    MemOp::And => BinOp::And,
                    MemOp::Or => BinOp::Or,
                    MemOp::Xor => BinOp::Xor,
                };
                return self.write(addr, *w, self.binary(op, a, b));
            }
            Inst::AddrOf(addr) => self.addr(addr) as u64,
            Inst::GetPinned(Pinned::Thread) => self.thread,
            Inst::GetPinned(Pinned::Base) => self.base,
            Inst::SetPinned(Pinned::Thread, v) => return self.thread = self.get(*v),
            Inst::SetPinned(Pinned::Base, v) => return self.base = self.get(*v),
            Inst::AddPinned(p, n) => {
                let reg = match p {
                    Pinned::Thread => &mut self.thread,
                    Pinned::Base => &mut self.base,
                };
                *reg = reg.wrapping_add(*n as i64 as u64);
                return;
            }
            Inst::Call(c) => {
                let values = self.callee(&c.args, &c.rets);
                for (v, n) in node.results().zip(values) {
                    self.vals[v.index()] = n;
                }
                return;
            }
            Inst::Vector { .. }
            | Inst::VectorLoad { .. }
            | Inst::VectorStore { .. }
            | Inst::VectorsDone => unreachable!("programs are generated without vectors"),
        };
        self.vals[res.index()] = value;
    }
}
