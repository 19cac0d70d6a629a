//! Random functions. They end: every block pays fuel on entry and leaves for the last block when it is spent. They
//! show no NaN payloads: doubles become canonical before their bits can be seen.

use crate::exec::{CALL_ALL, CALL_SYSV, DATA, Rng};
use crate::graph::{Shape, dominators, reverse_postorder};
use trinity_codegen::ir::*;

/// Offset of the fuel in the thread area.
const FUEL: i32 = 16;
/// Offsets of a stack limit that is always met and of one that never is.
const LIMITS: [i32; 2] = [24, 32];

/// Puts fuel and limits in place; the first words are the thread area.
pub fn init_memory(words: &mut [u64]) {
    words[FUEL as usize / 8] = 60;
    words[LIMITS[0] as usize / 8] = 0;
    words[LIMITS[1] as usize / 8] = u64::MAX;
    // The callees' addresses, for indirect calls, are filled in by the caller of the generated code.
}

pub struct Gen {
    pub b: FunctionBuilder,
    pub r: Rng,
    /// Values that may be used here.
    ints: Vec<Value>,
    floats: Vec<Value>,
    slot: StackSlot,
    safepoints: u32,
}

/// The function of a seed.
pub fn function(seed: u64) -> Function {
    let mut r = Rng::new(seed);
    let mut regs: Vec<PReg> = [
        PReg::Rdi,
        PReg::Rsi,
        PReg::Rdx,
        PReg::Rcx,
        PReg::Rax,
        PReg::R8,
        PReg::R9,
        PReg::R10,
        PReg::R11,
        PReg::R12,
        PReg::R13,
        PReg::R15,
        PReg::Rbp,
        PReg::Xmm0,
        PReg::Xmm1,
        PReg::Xmm2,
        PReg::Xmm3,
        PReg::Xmm4,
        PReg::Xmm5,
        PReg::Xmm6,
        PReg::Xmm7,
    ]
    .to_vec();
    let drop = r.below(regs.len() - 1);
    for _ in 0..drop {
        let n = r.below(regs.len());
        regs.swap_remove(n);
    }
    let params: Vec<(Type, PReg)> = regs.iter().map(|&r| (r.ty(), r)).collect();
    let mut b = FunctionBuilder::new(format!("seed{seed}"), &params);
    let slot = b.stack_slot(24);

    // The graph first, so that dominance is known when blocks are filled.
    let n = 2 + r.below(if seed.is_multiple_of(4) { 20 } else { 7 });
    let mut shapes = Vec::new();
    for i in 0..n {
        let count = match r.below(10) {
            _ if i + 1 == n => 0,
            0..=2 => 1,
            3..=8 => 2,
            _ => 1 + r.below(6),
        };
        // Mostly forward, sometimes back; never to the entry.
        let mut target = || match r.chance(70) {
            true => (i + 1 + r.below(3)).min(n - 1),
            false => 1 + r.below(n - 1),
        };
        shapes.push(Shape {
            targets: (0..count).map(|_| target()).collect(),
        });
    }
    let blocks: Vec<Block> = (0..n)
        .map(|i| if i == 0 { b.entry() } else { b.create_block() })
        .collect();
    for &block in &blocks[1..] {
        if r.chance(25) {
            b.set_cold(block, true);
        }
        // The last block is entered from everywhere, without arguments.
        let count = if block == blocks[n - 1] || r.chance(40) {
            0
        } else {
            r.below(5)
        };
        for _ in 0..count {
            let ty = r.pick(&[Type::I64, Type::I64, Type::F64]);
            b.block_param(block, ty);
        }
    }
    let idom = dominators(&shapes);

    let mut g = Gen {
        b,
        r,
        ints: Vec::new(),
        floats: Vec::new(),
        slot,
        safepoints: 0,
    };
    // What is visible at the end of each block. Reverse postorder guarantees that dominators come first.
    let mut visible: Vec<Option<(Vec<Value>, Vec<Value>)>> = (0..n).map(|_| None).collect();
    for i in reverse_postorder(&shapes) {
        (g.ints, g.floats) = match i {
            0 => Default::default(),
            _ => visible[idom[i]].clone().expect("dominators come first"),
        };
        let params = g.b.func().blocks[i].params.clone();
        params.into_iter().for_each(|v| g.see(v));
        g.b.switch_to(blocks[i]);
        g.b.set_loc(SrcLoc(i as u32 + 1));
        g.fill(if seed.is_multiple_of(5) { 40 } else { 12 });
        // What terminators define does not reach the last block.
        visible[i] = Some((g.ints.clone(), g.floats.clone()));
        g.terminate(&blocks, &shapes[i]);
    }
    for i in 0..n {
        if visible[i].is_none() {
            g.b.switch_to(blocks[i]);
            g.b.trap();
        }
    }
    g.b.finish()
}

impl Gen {
    fn see(&mut self, v: Value) {
        match self.b.ty(v) {
            Type::I64 => self.ints.push(v),
            _ => self.floats.push(v),
        }
    }

    pub fn int(&mut self) -> Value {
        if self.ints.is_empty() || self.r.chance(8) {
            let n = self.r.int();
            return self.b.iconst(n);
        }
        // Prefer recent values, so that some are folded and some live long.
        let n = self.ints.len();
        let i = if self.r.chance(50) {
            n - 1 - self.r.below(n.min(3))
        } else {
            self.r.below(n)
        };
        self.ints[i]
    }

    fn float(&mut self) -> Value {
        if self.floats.is_empty() || self.r.chance(8) {
            let x = self.r.float();
            return self.b.fconst(x);
        }
        let n = self.floats.len();
        let i = if self.r.chance(50) {
            n - 1 - self.r.below(n.min(3))
        } else {
            self.r.below(n)
        };
        self.floats[i]
    }

    fn value(&mut self, ty: Type) -> Value {
        match ty {
            Type::I64 => self.int(),
            _ => self.float(),
        }
    }

    pub fn opnd(&mut self) -> Opnd {
        match self.r.chance(40) {
            true => Opnd::Imm(self.r.int() as i32),
            false => Opnd::Value(self.int()),
        }
    }

    /// A double whose bits may be seen.
    fn canonical(&mut self) -> Value {
        let x = self.float();
        let nan = self.b.fconst(f64::NAN);
        self.b.select(Cond::fcmp(FloatCc::Eq, x, x), x, nan)
    }

    /// An address of 8 bytes that belong to the test.
    fn addr(&mut self) -> Addr {
        let disp = 256 + self.r.below(128) as i32;
        match self.r.below(9) {
            0 | 1 => Addr::thread(disp),
            2 => Addr::base(disp),
            3 => Addr::symbol(DATA, disp),
            4 => {
                let (i, scale) = self.index();
                Addr::base(disp).with_index(i, scale)
            }
            5 => {
                let p = self.b.get_pinned(Pinned::Base);
                let p = self.b.iadd(p, 64);
                if self.r.chance(30) {
                    self.see(p);
                }
                Addr::value(p, disp)
            }
            6 => {
                let p = self.b.symbol_addr(DATA);
                let (i, scale) = self.index();
                Addr::indexed(p, i, scale, disp)
            }
            7 => {
                let p = self.b.addr_of(Addr::thread(8));
                let (i, _) = self.index();
                let p = self.b.iadd(p, i);
                Addr::value(p, disp)
            }
            _ => Addr::stack(self.slot, self.r.pick(&[0, 8, 16])),
        }
    }

    /// An address at which no double stands whose payload could differ.
    fn index(&mut self) -> (Value, Scale) {
        let x = self.int();
        let mut i = self.b.and(x, 31);
        if self.r.chance(50) {
            i = self.b.shl(i, self.r.below(4) as i32);
        } else if self.r.chance(30) {
            i = self.b.iadd(i, 5);
        }
        (i, self.r.pick(Scale::ALL))
    }

    fn cond(&mut self) -> Cond {
        let cc = self.r.pick(IntCc::ALL);
        let test_cc = self
            .r
            .pick(&[IntCc::Eq, IntCc::Ne, IntCc::Neg, IntCc::NonNeg]);
        let w = self.r.pick(Width::ALL);
        match self.r.below(12) {
            0 | 1 => Cond::Icmp {
                cc,
                w,
                a: self.int(),
                b: self.opnd(),
            },
            2 => Cond::Icmp {
                cc,
                w: Width::W64,
                a: self.int(),
                b: Opnd::Imm(0),
            },
            3 => Cond::IcmpMem {
                cc,
                w,
                addr: self.initialised(),
                b: self.opnd(),
            },
            4 => Cond::Test {
                cc: test_cc,
                w,
                a: self.int(),
                b: self.opnd(),
            },
            5 => Cond::TestMem {
                cc: test_cc,
                w,
                addr: self.initialised(),
                b: self.opnd(),
            },
            6 => Cond::stack_below(Addr::thread(self.r.pick(&LIMITS))),
            7 => {
                // The result of the operation just before, against zero.
                let op =
                    self.r
                        .pick(&[BinOp::Iadd, BinOp::Isub, BinOp::And, BinOp::Or, BinOp::Xor]);
                let (a, b) = (self.int(), self.opnd());
                let v = self.b.binary(op, a, b);
                if self.r.chance(50) {
                    self.see(v);
                }
                Cond::Icmp {
                    cc,
                    w: self.r.pick(&[w, Width::W64]),
                    a: v,
                    b: Opnd::Imm(0),
                }
            }
            8 => {
                let op = self.r.pick(OvfOp::ALL);
                let (a, b) = (self.int(), self.opnd());
                let v = self.b.overflow_op(op, a, b);
                if self.r.chance(70) {
                    self.see(v);
                }
                Cond::Overflow(v)
            }
            9 => {
                let addr = self.initialised();
                let kind = self.r.pick(&LoadKind::ALL[..7]);
                let v = self.b.load(kind, addr);
                Cond::Icmp {
                    cc,
                    w,
                    a: v,
                    b: self.opnd(),
                }
            }
            _ => Cond::Fcmp {
                cc: self.r.pick(FloatCc::ALL),
                a: self.float(),
                b: self.float(),
            },
        }
    }

    /// An address of memory that was written: not the frame.
    pub fn initialised(&mut self) -> Addr {
        loop {
            let addr = self.addr();
            if !matches!(addr.base, Base::Stack(_)) {
                return addr;
            }
        }
    }

    pub fn call(&mut self) {
        let sysv = self.r.chance(50);
        let (symbol, clobbers) = match sysv {
            true => (CALL_SYSV, Clobbers::SysV),
            false => (CALL_ALL, Clobbers::All),
        };
        let args = [
            (self.int(), PReg::Rdi),
            (self.int(), PReg::Rsi),
            (self.canonical(), PReg::Xmm0),
        ];
        let all = [
            (Type::I64, PReg::Rax),
            (Type::I64, PReg::Rdx),
            (Type::F64, PReg::Xmm0),
        ];
        let rets = &all[..self.r.below(4)];
        self.safepoints += 1;
        let safepoint = self.r.chance(50).then_some(self.safepoints);
        let target = match self.r.chance(60) {
            true => CallTarget::Symbol(symbol),
            false => CallTarget::Value(self.b.symbol_addr(symbol)),
        };
        for v in self.b.call(target, &args, rets, clobbers, safepoint) {
            self.see(v);
        }
    }

    fn fill(&mut self, most: usize) {
        for _ in 0..self.r.below(most) {
            self.step();
        }
    }

    /// What a program writes to have unsigned numbers of 32 bits: masks, and rotations made of shifts.
    fn mask_or_rotate(&mut self) {
        const LOW: i64 = 0xffff_ffff;
        let mut x = self.int();
        let mask = self.b.iconst(LOW);
        if self.r.chance(70) {
            x = match self.r.chance(50) {
                true => self.b.and(x, mask),
                false => self.b.shr(x, 32),
            };
        }
        let v = match self.r.chance(50) {
            true => {
                let size = if self.r.chance(70) { 32 } else { 64 };
                let n = 1 + self.r.below(size - 1) as i32;
                let (down, up) = (self.b.shr(x, n), self.b.shl(x, size as i32 - n));
                let op = self.r.pick(&[BinOp::Or, BinOp::Xor, BinOp::Iadd]);
                match self.r.chance(50) {
                    true => self.b.binary(op, down, up),
                    false => self.b.binary(op, up, down),
                }
            }
            false => {
                let y = self.opnd();
                self.b.binary(self.r.pick(&BinOp::ALL[..7]), x, y)
            }
        };
        let v = match self.r.below(3) {
            0 => v,
            1 => self.b.and(v, mask),
            _ => self.b.unary(self.r.pick(&UnOp::ALL[..10]), v),
        };
        self.see(v);
    }

    /// What some processors have instructions for: `x & ~y`, the lowest bit, reversed bytes of memory.
    fn bit_trick(&mut self) {
        let (x, y) = (self.int(), self.int());
        let op = self.r.pick(&[BinOp::And, BinOp::And, BinOp::Xor]);
        let other = match self.r.below(3) {
            0 => self.b.unary(UnOp::Inot, y),
            1 => self.b.unary(UnOp::Ineg, x),
            _ if self.r.chance(50) => self.b.iadd(x, -1),
            _ => self.b.isub(x, 1),
        };
        let v = match self.r.chance(50) {
            true => self.b.binary(op, x, other),
            false => self.b.binary(op, other, x),
        };
        let v = match self.r.below(4) {
            0 => self.b.unary(UnOp::Zext32, v),
            1 => self
                .b
                .unary(self.r.pick(&[UnOp::Bswap32, UnOp::Bswap64]), v),
            _ => v,
        };
        self.see(v);
    }

    fn step(&mut self) {
        let v = match self.r.below(33) {
            0..=6 => {
                let op = if self.r.chance(10) {
                    BinOp::Smulh
                } else if self.r.chance(20) {
                    return self.mask_or_rotate();
                } else if self.r.chance(10) {
                    return self.bit_trick();
                } else {
                    self.r.pick(&BinOp::ALL[..11])
                };
                let (a, b) = (self.int(), self.opnd());
                self.b.binary(op, a, b)
            }
            7 => {
                let op = self.r.pick(&[BinOp::Sdiv, BinOp::Srem]);
                let (a, d) = (self.int(), self.int());
                let d = self.b.and(d, 1023);
                let d = self.b.or(d, 1);
                let a = if self.r.chance(20) { d } else { a };
                match self.r.chance(30) {
                    true => {
                        let d =
                            self.r
                                .pick(&[2, 3, 7, 10, 255, 256, 641, 65_521, 1_000_003, i32::MAX]);
                        let op = self.r.pick(&[op, BinOp::Sfloor, BinOp::Smod]);
                        self.b.binary(op, a, d)
                    }
                    false => self.b.binary(op, a, d),
                }
            }
            8 | 9 => {
                let a = self.int();
                self.b.unary(self.r.pick(&UnOp::ALL[..10]), a)
            }
            10..=13 => {
                let op = self.r.pick(&BinOp::ALL[16..]);
                let (a, b) = (self.float(), self.float());
                self.b.binary(op, a, b)
            }
            14 => {
                let a = self.float();
                self.b.unary(self.r.pick(&UnOp::ALL[10..16]), a)
            }
            15 => {
                let a = self.int();
                self.b.int_to_float(a)
            }
            16 => {
                let a = self.float();
                self.b.float_to_int(a)
            }
            17 => {
                let a = self.canonical();
                self.b.bits_of_float(a)
            }
            18 => {
                let a = self.int();
                self.b.float_of_bits(a)
            }
            19 => {
                let cond = self.cond();
                self.b.bool_of(cond)
            }
            20 => {
                let ty = self.r.pick(Type::ALL);
                let (a, b) = (self.value(ty), self.value(ty));
                let cond = self.cond();
                self.b.select(cond, a, b)
            }
            21..=23 => {
                let addr = self.initialised();
                let kind = self.r.pick(LoadKind::ALL);
                let v = self.b.load(kind, addr);
                if self.r.chance(40) {
                    // Fold it, perhaps.
                    match kind {
                        LoadKind::F64 => {
                            let a = self.float();
                            self.b.fadd(a, v)
                        }
                        _ => {
                            let a = self.int();
                            self.b.binary(self.r.pick(&BinOp::ALL[..6]), a, v)
                        }
                    }
                } else {
                    v
                }
            }
            24 | 25 => return self.store(),
            26 => {
                let (op, w) = (self.r.pick(MemOp::ALL), self.r.pick(Width::ALL));
                let (addr, x) = (self.initialised(), self.opnd());
                return self.b.mem_op(op, w, addr, x);
            }
            27 => {
                // Moved and moved back.
                self.b.add_pinned(Pinned::Base, 16);
                self.store();
                let v = self.b.get_pinned(Pinned::Base);
                let v = self.b.isub(v, 16);
                return self.b.set_pinned(Pinned::Base, v);
            }
            28 => {
                let disp = self.r.pick(&[0, 8, 16]);
                let v = self.int();
                self.b.store64(Addr::stack(self.slot, disp), v);
                self.call();
                self.b.load64(Addr::stack(self.slot, disp))
            }
            29 => self.load_across_effect(),
            30 => self.constants_under_flags(),
            _ => return self.call(),
        };
        self.see(v);
    }

    fn store(&mut self) {
        let w = self.r.pick(Width::ALL);
        let addr = self.addr();
        match self.r.below(4) {
            0 => {
                let v = self.canonical();
                self.b.store64(addr, v);
            }
            1 => {
                let n = self.r.int() as i32;
                self.b.store_imm(w, addr, n);
            }
            _ => {
                let v = self.int();
                self.b.store(w, addr, v);
            }
        }
    }

    fn block_call(&mut self, blocks: &[Block], i: usize) -> BlockCall {
        let params = self.b.func().blocks[i].params.clone();
        let args = params.iter().map(|&p| self.value(self.b.ty(p))).collect();
        BlockCall {
            block: blocks[i],
            args,
        }
    }

    fn terminate(&mut self, blocks: &[Block], shape: &Shape) {
        if shape.targets.is_empty() {
            return self.end();
        }
        // Pay, and leave if nothing is left.
        self.b.mem_op(MemOp::Sub, Width::W64, Addr::thread(FUEL), 1);
        let last = blocks[blocks.len() - 1];
        self.b.exit_if(
            Cond::icmp_mem(IntCc::Sle, Width::W64, Addr::thread(FUEL), 0),
            last,
            &[],
        );
        match shape.targets[..] {
            [to] => {
                let to = self.block_call(blocks, to);
                self.b.jump(to.block, &to.args);
            }
            [then, els] => {
                let then = self.block_call(blocks, then);
                let els = self.block_call(blocks, els);
                let cond = self.cond();
                self.b
                    .brif(cond, (then.block, &then.args), (els.block, &els.args));
            }
            _ => {
                let mut calls: Vec<BlockCall> = shape
                    .targets
                    .iter()
                    .map(|&t| self.block_call(blocks, t))
                    .collect();
                let default = calls.remove(0);
                let x = self.int();
                let index = self.b.and(x, 7);
                self.b.switch(index, calls, default);
            }
        }
    }

    /// The last block: shows all it can see.
    fn end(&mut self) {
        for n in 0..self.ints.len().min(40) {
            let v = self.ints[n];
            self.b.store64(Addr::base(2048 + 8 * n as i32), v);
        }
        if self.r.chance(25) {
            let args = [
                (self.int(), PReg::Rdi),
                (self.int(), PReg::Rsi),
                (self.canonical(), PReg::Xmm0),
            ];
            let target = match self.r.chance(50) {
                true => CallTarget::Symbol(CALL_SYSV),
                false => CallTarget::Value(self.b.symbol_addr(CALL_ALL)),
            };
            return self.b.tail_jump(target, &args);
        }
        let rets = [
            (self.int(), PReg::Rax),
            (self.int(), PReg::Rcx),
            (self.canonical(), PReg::Xmm1),
        ];
        self.b.ret(&rets);
    }
}
