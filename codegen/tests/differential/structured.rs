//! Random programs of the shape that a compiler of a dynamic language makes: nested loops over counters, guards that leave
//! for cold exits, and memory in regions: objects with arrays, shapes and slots, home slots, constants.
//!
//! They keep the promises of regions: the fields of objects lie apart, elements and home slots elsewhere. Two of the three
//! object pointers are the same object. Loops end because their limits are masked.

use crate::exec::{CALL_ALL, CALL_LOG, CALL_SYSV, DATA, Rng};
use trinity_codegen::ir::*;

/// Bytes of an object, and where the elements of arrays start in the data.
const OBJECT: i32 = 128;
const ELEMENTS: i32 = 1024;
/// Offset of the word that polls look at; it stays zero.
const POLL: i32 = 40;
/// Home slots of the variables.
const HOME: i32 = 2048;
/// Most loops inside one another.
const DEPTH: usize = 3;

/// Objects, and what constants relative to the base hold: words of the thread, base and data areas.
pub fn init_memory(words: &mut [u64]) {
    words[POLL as usize / 8] = 0;
    let data = words.len() / 3 * 2;
    for k in 0..2 {
        let object = data + k * OBJECT as usize / 8;
        // The arrays overlap by half.
        let elements = data + (ELEMENTS as usize + 128 * k) / 8;
        words[object] = &raw const words[elements] as u64;
        words[object + 1] = words[object + 1] & 15 | 8;
        words[object + 2] = 3;
        words[object + 3] &= 1;
    }
}

struct Gen {
    b: FunctionBuilder,
    r: Rng,
    vars: Vec<Value>,
    objects: Vec<Value>,
    slot: StackSlot,
    /// Statements left.
    budget: usize,
}

/// The function of a seed.
pub fn function(seed: u64) -> Function {
    let params = [PReg::Rdi, PReg::Rsi, PReg::Rdx, PReg::Rcx].map(|r| (Type::I64, r));
    let mut b = FunctionBuilder::new(format!("structured{seed}"), &params);
    let slot = b.stack_slot(16);
    let mut vars: Vec<Value> = (0..4).map(|n| b.param(n)).collect();
    vars.push(b.iconst(1));
    let first = b.symbol_addr(DATA);
    let second = b.addr_of(Addr::symbol(DATA, OBJECT));
    let either = b.select(Cond::icmp(IntCc::Slt, vars[0], 5), first, second);
    b.store64(Addr::stack(slot, 0).in_region(Region::Native), vars[1]);
    let mut g = Gen {
        b,
        r: Rng::new(seed ^ 0x57a7),
        vars,
        objects: vec![first, second, either],
        slot,
        budget: 12 + seed as usize % 40,
    };
    g.body(0, 10);
    g.leave();
    g.b.finish()
}

impl Gen {
    fn var(&mut self) -> Value {
        let n = self.r.below(self.vars.len());
        self.vars[n]
    }

    fn set(&mut self, v: Value) {
        let n = self.r.below(self.vars.len());
        self.vars[n] = v;
    }

    /// An operand: a variable, a small constant or any.
    fn opnd(&mut self) -> Opnd {
        match self.r.below(3) {
            0 => Opnd::Imm(self.r.pick(&[0, 1, 2, 3, 7, 8, -1])),
            1 => Opnd::Imm(self.r.int() as i32),
            _ => self.var().into(),
        }
    }

    /// The address in its region, or sometimes in none.
    fn located(&mut self, a: Addr, region: Region) -> Addr {
        match self.r.chance(8) && region != Region::Const {
            true => a,
            false => a.in_region(region),
        }
    }

    fn object(&mut self) -> Value {
        self.r.pick(&self.objects)
    }

    /// A field of 8 bytes that anything may be stored to.
    fn field(&mut self) -> Addr {
        let (a, region) = match self.r.below(6) {
            0 | 1 => {
                // Two places, and one that overlaps both.
                let disp = self.r.pick(&[32, 40, 32, 40, 36]);
                (Addr::value(self.object(), disp), Region::Slot)
            }
            2 => (Addr::value(self.object(), 72), Region::Cell),
            3 => (
                Addr::base(HOME + 512 + 8 * self.r.below(2) as i32),
                Region::Home,
            ),
            4 => (Addr::stack(self.slot, 0), Region::Native),
            _ => (Addr::value(self.object(), 80), Region::Cache),
        };
        // Sometimes through a sum of its own.
        if let (Base::Value(v), true) = (a.base, self.r.chance(30)) {
            let p = self.b.iadd(v, a.disp - 8);
            return self.located(Addr::value(p, 8), region);
        }
        self.located(a, region)
    }

    /// An element of an array, bounds checked; leaves if it is out of bounds.
    fn element(&mut self, index: Value) -> Addr {
        let o = self.object();
        let kind = self.located(Addr::value(o, 16), Region::Array);
        self.guard_unless(Cond::icmp_mem(IntCc::Eq, Width::W8, kind, 3));
        let shape = self.located(Addr::value(o, 24), Region::Shape);
        if self.r.chance(50) {
            self.guard_unless(Cond::icmp_mem(IntCc::Ult, Width::W32, shape, 2));
        }
        let i = match self.r.chance(50) {
            true => self.b.isub(index, 1),
            false => index,
        };
        let at = self.located(Addr::value(o, 8), Region::Array);
        let len = self.b.load64(at);
        self.guard_unless(Cond::icmp(IntCc::Ult, i, len));
        let at = self.located(Addr::value(o, 0), Region::Array);
        let p = self.b.load64(at);
        self.located(Addr::indexed(p, i, Scale::S8, 0), Region::Element)
    }

    /// A variable, mostly made small: most arrays are that long.
    fn index(&mut self) -> Value {
        let v = self.var();
        if self.r.chance(20) {
            return v;
        }
        let v = self.b.and(v, 7);
        self.b.or(v, 1)
    }

    fn cond(&mut self) -> Cond {
        let cc = self.r.pick(&IntCc::ALL[..10]);
        match self.r.below(8) {
            0..=3 => {
                let (a, b) = (self.var(), self.opnd());
                Cond::icmp(cc, a, b)
            }
            4 => {
                let w = self.r.pick(Width::ALL);
                let (addr, b) = (self.field(), self.opnd());
                Cond::icmp_mem(cc, w, addr, b)
            }
            5 => {
                let (a, b) = (self.var(), self.opnd());
                Cond::test(self.r.pick(&[IntCc::Eq, IntCc::Ne]), a, b)
            }
            6 => {
                let w = self.r.pick(Width::ALL);
                let (a, b) = (self.var(), self.opnd());
                Cond::icmp_w(self.r.pick(IntCc::ALL), w, a, b)
            }
            _ => {
                let (a, b) = (self.var(), self.opnd());
                let v = self.b.overflow_op(self.r.pick(OvfOp::ALL), a, b);
                Cond::Overflow(v)
            }
        }
    }

    /// Stores the variables to their home slots and goes.
    fn leave(&mut self) {
        for n in 0..self.vars.len() {
            let at = Addr::base(HOME + 16 * n as i32);
            self.b.store64(at.in_region(Region::Home), self.vars[n]);
        }
        let (x, y) = (self.vars[0], self.vars[1]);
        if self.r.chance(50) {
            let half = self.b.fconst(0.5);
            let args = [(x, PReg::Rdi), (y, PReg::Rsi), (half, PReg::Xmm0)];
            return self.b.tail_jump(CallTarget::Symbol(CALL_SYSV), &args);
        }
        self.b.ret(&[(x, PReg::Rax), (y, PReg::Rcx)]);
    }

    fn guard_unless(&mut self, cond: Cond) {
        let (exit, next) = (self.b.create_cold_block(), self.b.create_block());
        self.b.brif(cond, (next, &[]), (exit, &[]));
        self.b.switch_to(exit);
        self.leave();
        self.b.switch_to(next);
    }

    fn poll(&mut self) {
        let at = Addr::thread(POLL).in_region(Region::Thread);
        self.guard_unless(Cond::icmp_mem(IntCc::Eq, Width::W64, at, 0));
    }

    fn body(&mut self, depth: usize, most: usize) {
        for _ in 0..1 + self.r.below(most) {
            if self.budget == 0 {
                return;
            }
            self.budget -= 1;
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: usize) {
        match self.r.below(20) {
            0..=3 => {
                let op = self.r.pick(&[
                    BinOp::Iadd,
                    BinOp::Iadd,
                    BinOp::Isub,
                    BinOp::Imul,
                    BinOp::And,
                    BinOp::Xor,
                    BinOp::Shr,
                ]);
                let (a, b) = (self.var(), self.opnd());
                let v = self.b.binary(op, a, b);
                self.set(v);
            }
            4 | 5 => {
                let at = self.field();
                let v = match self.r.chance(75) {
                    true => self.b.load64(at),
                    false => self.b.load(self.r.pick(&LoadKind::ALL[..6]), at),
                };
                self.set(v);
            }
            6 | 7 => {
                let (at, v) = (self.field(), self.var());
                match self.r.below(4) {
                    0 => self.b.store(self.r.pick(Width::ALL), at, v),
                    1 => self.b.store_imm(self.r.pick(Width::ALL), at, 3),
                    2 => self.b.mem_op(MemOp::Add, Width::W64, at, v),
                    _ => self.b.store64(at, v),
                }
            }
            8 | 9 => {
                let i = self.index();
                let at = self.element(i);
                let v = self.b.load64(at);
                self.set(v);
            }
            10 => {
                let (i, v) = (self.index(), self.var());
                let at = self.element(i);
                self.b.store64(at, v);
            }
            11 if self.r.chance(25) => {
                let cond = self.cond();
                self.guard_unless(cond);
            }
            12 if self.r.chance(50) => self.choice(depth),
            12 => self.slow_path(),
            13 if self.r.chance(30) => self.call(),
            14 if self.r.chance(20) => {
                // The length changes.
                let v = self.var();
                let v = self.b.and(v, 15);
                let v = self.b.or(v, 8);
                let o = self.object();
                let at = self.located(Addr::value(o, 8), Region::Array);
                self.b.store64(at, v);
            }
            15 => {
                let a = Addr::base(-16).in_region(Region::Const);
                let b = Addr::value(self.object(), 64).in_region(Region::Const);
                let at = self.r.pick(&[a, b]);
                let v = self.b.load64(at);
                self.set(v);
            }
            _ if depth < DEPTH => match self.r.below(3) {
                0 => self.while_loop(depth),
                _ => self.for_loop(depth),
            },
            _ => self.poll(),
        }
    }

    fn call(&mut self) {
        let moved = self.r.chance(50);
        if moved {
            self.b.add_pinned(Pinned::Base, 32);
        }
        let args = [(self.var(), PReg::Rdi), (self.var(), PReg::Rsi)];
        let (symbol, clobbers) = self
            .r
            .pick(&[(CALL_ALL, Clobbers::All), (CALL_SYSV, Clobbers::SysV)]);
        let rets = [(Type::I64, PReg::Rax)];
        let v = self.b.call_symbol(symbol, &args, &rets, clobbers, None)[0];
        if moved {
            self.b.add_pinned(Pinned::Base, -32);
        }
        self.set(v);
    }

    fn choice(&mut self, depth: usize) {
        let cond = self.cond();
        let (yes, no, join) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        self.b.brif(cond, (yes, &[]), (no, &[]));
        let before = self.vars.clone();
        for block in [yes, no] {
            self.vars.clone_from(&before);
            self.b.switch_to(block);
            self.body(depth, 3);
            let vars = self.vars.clone();
            self.b.jump(join, &vars);
        }
        self.merged(join);
    }

    /// A fast way, and a cold one that calls something and comes back.
    fn slow_path(&mut self) {
        let cond = self.cond();
        let (fast, join, cold) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_cold_block(),
        );
        let out = self.b.block_param(join, Type::I64);
        self.b.brif(cond, (fast, &[]), (cold, &[]));
        self.b.switch_to(cold);
        let args = [(self.var(), PReg::Rdi), (self.var(), PReg::Rsi)];
        let rets = [(Type::I64, PReg::Rax)];
        let v = self
            .b
            .call_symbol(CALL_SYSV, &args, &rets, Clobbers::SysV, Some(2))[0];
        let at = self.field();
        self.b.store64(at, v);
        self.b.jump(join, &[v]);
        self.b.switch_to(fast);
        let at = self.field();
        let v = self.b.load64(at);
        self.b.jump(join, &[v]);
        self.b.switch_to(join);
        self.set(out);
    }

    /// Goes on in a block that takes all variables.
    fn merged(&mut self, block: Block) {
        for v in &mut self.vars {
            *v = self.b.block_param(block, Type::I64);
        }
        self.b.switch_to(block);
    }

    /// `for i = start, limit, step` as Lua has it: a trip count runs down beside.
    fn for_loop(&mut self, depth: usize) {
        let step = self.r.pick(&[1, 1, 1, 2, 4]);
        let start = match self.r.chance(70) {
            true => self.b.iconst(1),
            false => {
                let v = self.var();
                self.b.and(v, 7)
            }
        };
        let limit = match self.r.chance(50) {
            true => {
                let o = self.object();
                let at = self.located(Addr::value(o, 8), Region::Array);
                self.b.load64(at)
            }
            false => {
                let v = self.var();
                self.b.and(v, 15)
            }
        };
        let (runs, head, done) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        let outside = self.vars.clone();
        self.b.brif(
            Cond::icmp(IntCc::Sle, start, limit),
            (runs, &[]),
            (done, &outside),
        );
        self.b.switch_to(runs);
        let distance = self.b.isub(limit, start);
        let count = match step {
            1 => distance,
            _ => self.b.shr(distance, (step as u32).trailing_zeros() as i32),
        };
        let mut args = vec![start, count];
        args.extend(&outside);
        self.b.jump(head, &args);
        let i = self.b.block_param(head, Type::I64);
        let left = self.b.block_param(head, Type::I64);
        self.merged(head);
        let n = self.r.below(self.vars.len());
        self.vars[n] = i;
        if self.r.chance(60) {
            let at = self.element(i);
            let v = self.b.load64(at);
            let sum = self.var();
            let sum = self.b.iadd(sum, v);
            self.set(sum);
        }
        self.body(depth + 1, 5);
        if self.r.chance(50) {
            self.poll();
        }
        let next = self.b.create_block();
        let after = self.vars.clone();
        self.b
            .brif(Cond::icmp(IntCc::Ne, left, 0), (next, &[]), (done, &after));
        self.b.switch_to(next);
        let left = self.b.isub(left, 1);
        let i = self.b.iadd(i, step);
        let mut args = vec![i, left];
        args.extend(&after);
        self.back(head, &args);
        self.merged(done);
    }

    /// Goes back to a loop's header; often by a poll whose cold way calls something before it goes there.
    fn back(&mut self, head: Block, args: &[Value]) {
        if self.r.chance(70) {
            let (cold, next) = (self.b.create_cold_block(), self.b.create_block());
            let at = Addr::thread(CALL_LOG).in_region(Region::Thread);
            let odd = Cond::test_mem(IntCc::Ne, Width::W8, at, 1);
            self.b.brif(odd, (cold, &[]), (next, &[]));
            self.b.switch_to(cold);
            let given = [(self.var(), PReg::Rdi), (self.var(), PReg::Rsi)];
            let callee = CALL_SYSV;
            self.b
                .call_symbol(callee, &given, &[], Clobbers::SysV, Some(1));
            self.b.jump(head, args);
            self.b.switch_to(next);
        }
        self.b.jump(head, args);
    }

    /// `while i < limit do ... i = i + 1 end`, or downwards.
    fn while_loop(&mut self, depth: usize) {
        let v = self.var();
        let limit = self.b.and(v, 15);
        let down = self.r.chance(30);
        let (from, to, step, cc) = match down {
            false => (
                self.b.iconst(self.r.pick(&[0, 1, -3])),
                limit,
                1,
                IntCc::Slt,
            ),
            true => (limit, self.b.iconst(0), -1, IntCc::Sgt),
        };
        let (head, inside, done) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        let mut args = vec![from];
        args.extend(&self.vars);
        self.b.jump(head, &args);
        let i = self.b.block_param(head, Type::I64);
        self.merged(head);
        let vars = self.vars.clone();
        self.b
            .brif(Cond::icmp(cc, i, to), (inside, &[]), (done, &vars));
        self.b.switch_to(inside);
        let n = self.r.below(self.vars.len());
        self.vars[n] = i;
        self.body(depth + 1, 5);
        let next = self.b.iadd(i, step);
        let mut args = vec![next];
        args.extend(&self.vars);
        self.back(head, &args);
        self.merged(done);
    }
}
