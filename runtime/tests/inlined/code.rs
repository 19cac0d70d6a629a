//! Machine code for functions of straight lines, with calls inlined: a small stand-in for the optimizer. It moves values between home slots,
//! calls what is not inlined by the helper or by the generic entry, and leaves for the interpreter by a guard exit at the first instruction
//! it does not know, or where the test asks for it.

use std::sync::atomic::AtomicU64;
use trinity_abi as abi;
use trinity_abi::helpers::{Helper, stub};
use trinity_abi::unit::{InlineFrame, SafePoint, kind};
use trinity_codegen::ir::{
    Addr, CallTarget, Clobbers, Cond, FunctionBuilder, IntCc, LoadKind, MemOp, PReg, Pinned, Type,
    Value, Width,
};
use trinity_codegen::{CompiledFunction, Compiler};
use trinity_frontend::bytecode::{Instr, Op, Proto};
use trinity_lower::Symbol;

/// What to compile, and how.
pub struct Plan<'a> {
    /// Functions of the module in preorder.
    pub protos: &'a [&'a Proto],
    /// The function whose code it is.
    pub outer: usize,
    /// (caller, its how manieth CALL, callee): what is inlined.
    pub inline: &'a [(usize, usize, usize)],
    /// Call by the generic entry where the number of results allows it, not by the helper.
    pub direct: bool,
    /// Leave before this instruction, counted along the way through all inlined code.
    pub exit_at: Option<usize>,
    /// Take this integer for the value of every upvalue, without looking.
    pub assume: Option<i64>,
}

/// Machine code with its tables.
pub struct Code {
    pub func: CompiledFunction,
    pub safepoints: Vec<SafePoint>,
    pub inlines: Vec<InlineFrame>,
    /// Instructions on the way.
    pub steps: usize,
}

/// Times that compiled code was entered.
pub static ENTERED: AtomicU64 = AtomicU64::new(0);

struct Gen<'a> {
    plan: &'a Plan<'a>,
    b: FunctionBuilder,
    safepoints: Vec<SafePoint>,
    inlines: Vec<InlineFrame>,
    steps: usize,
}

/// A frame of the chain: function, number in the table (0: the outermost), slots from the outermost base.
#[derive(Clone, Copy)]
struct Frame {
    proto: usize,
    inlined: usize,
    delta: usize,
}

fn slot(i: usize) -> Addr {
    Addr::base(16 * i as i32)
}
fn tag(i: usize) -> Addr {
    Addr::base(16 * i as i32 + abi::VALUE_TAG)
}

/// Compiles as planned.
pub fn compile(plan: &Plan) -> Code {
    let mut g = Gen {
        plan,
        b: FunctionBuilder::new("outer", &[(Type::I64, PReg::Rcx)]),
        safepoints: Vec::new(),
        inlines: Vec::new(),
        steps: 0,
    };
    let nargs = g.b.param(0);
    let counter = g.b.iconst(ENTERED.as_ptr() as i64);
    g.b.mem_op(MemOp::Add, Width::W64, Addr::value(counter, 0), 1);
    let outer = Frame {
        proto: plan.outer,
        inlined: 0,
        delta: 0,
    };
    let p = plan.protos[plan.outer];
    // Always the slow way; it also fills missing parameters.
    g.helper(Helper::grow_stack, outer, 0, kind::NEVER, Some(nargs));
    if p.is_vararg {
        g.helper(Helper::vararg_prep, outer, 0, kind::NEVER, Some(nargs));
    }
    if let Some((a, n)) = g.frame(outer, usize::from(p.is_vararg)) {
        g.leave_function(a, n);
    }
    let func = g.b.finish();
    let options = trinity_codegen::Options {
        verify: true,
        check_allocation: true,
        ..Default::default()
    };
    let func = Compiler::new(options).compile(&func).expect("valid IR");
    let safepoints = func.safepoints.iter().map(|&(at, id)| SafePoint {
        ret_offset: at,
        ..g.safepoints[id as usize]
    });
    Code {
        safepoints: safepoints.collect(),
        func,
        inlines: g.inlines,
        steps: g.steps,
    }
}

impl Gen<'_> {
    /// Code of a frame from `pc` on. The register of its results and their number, or nothing: it was left on the way.
    fn frame(&mut self, f: Frame, pc: usize) -> Option<(usize, usize)> {
        let p = self.plan.protos[f.proto];
        let mut calls = 0;
        let at = |r: usize| f.delta + r;
        for (pc, &i) in p.code.iter().enumerate().skip(pc) {
            if self.plan.exit_at == Some(self.steps) {
                self.guard(f, pc);
                return None;
            }
            self.steps += 1;
            match i.op() {
                Op::Move => self.copy(at(i.b()), at(i.a())),
                Op::GetUpval if self.plan.assume.is_some() => {
                    let v = self.b.iconst(self.plan.assume.unwrap_or(0));
                    self.b.store64(slot(at(i.a())), v);
                    let int = abi::tag::INT.into();
                    self.b.store_imm(Width::W8, tag(at(i.a())), int);
                }
                Op::Call => {
                    let key = (f.proto, calls);
                    calls += 1;
                    let inlined = self.plan.inline.iter().find(|x| (x.0, x.1) == key);
                    match inlined {
                        Some(&(_, _, callee)) => self.inlined_call(f, pc, i, callee)?,
                        None => self.call(f, pc, i),
                    }
                }
                Op::Return0 => return Some((at(0), 0)),
                Op::Return1 => return Some((at(i.a()), 1)),
                Op::Return if i.b() > 0 && f.inlined != 0 => return Some((at(i.a()), i.b() - 1)),
                Op::Return if i.b() > 0 && !p.is_vararg => return Some((at(i.a()), i.b() - 1)),
                _ => {
                    self.guard(f, pc);
                    return None;
                }
            }
        }
        unreachable!("functions end in a return")
    }

    fn copy(&mut self, from: usize, to: usize) {
        let (v, t) = (
            self.b.load64(slot(from)),
            self.b.load(LoadKind::U8, tag(from)),
        );
        self.b.store64(slot(to), v);
        self.b.store(Width::W8, tag(to), t);
    }

    /// `n` results from `from` on go to `to` as the CALL asks; open ones end at top.
    fn place(&mut self, from: usize, n: usize, to: usize, call: Instr) {
        let wanted = if call.c() == 0 { n } else { call.c() - 1 };
        for k in 0..wanted {
            if k < n {
                self.copy(from + k, to + k);
            } else {
                let nil = abi::tag::NIL.into();
                self.b.store_imm(Width::W8, tag(to + k), nil);
            }
        }
        if call.c() == 0 {
            let end = self.b.addr_of(slot(to + n));
            self.b.store64(Addr::thread(abi::thread::TOP), end);
        }
    }

    fn inlined_call(&mut self, f: Frame, pc: usize, i: Instr, callee: usize) -> Option<()> {
        assert!(i.b() > 0, "arguments are counted");
        let func = f.delta + i.a();
        // In these programs a function is the one that is inlined.
        let cold = self.b.create_cold_block();
        let t = self.b.load(LoadKind::U8, tag(func));
        let is = Cond::icmp(IntCc::Ne, t, i32::from(abi::tag::LUA_FN));
        self.b.exit_if(is, cold, &[]);
        let here = self.b.current();
        self.b.switch_to(cold);
        self.guard(f, pc);
        self.b.switch_to(here);
        let frame = Frame {
            proto: callee,
            inlined: self.inlines.len() + 1,
            delta: func + 1,
        };
        self.inlines.push(InlineFrame {
            func: callee as u32,
            parent: f.inlined as u16,
            delta: frame.delta as u16,
            call_pc: pc as u32,
        });
        let tail = Addr::base(16 * func as i32 + abi::VALUE_TAIL);
        self.b.store_imm(Width::W8, tail, 0);
        for k in i.b() - 1..self.plan.protos[callee].num_params as usize {
            let nil = abi::tag::NIL.into();
            self.b.store_imm(Width::W8, tag(frame.delta + k), nil);
        }
        let (from, n) = self.frame(frame, 0)?;
        self.place(from, n, func, i);
        Some(())
    }

    fn call(&mut self, f: Frame, pc: usize, i: Instr) {
        if !self.plan.direct || i.b() == 0 || !matches!(i.c(), 1 | 2) {
            self.helper(Helper::call, f, pc, kind::NEXT, None);
            return;
        }
        let func = f.delta + i.a();
        // What is no function goes through the helper.
        let (slow, done) = (self.b.create_cold_block(), self.b.create_block());
        let t = self.b.load(LoadKind::U8, tag(func));
        let function = self.b.isub(t, i32::from(abi::tag::LUA_FN));
        self.b
            .exit_if(Cond::icmp(IntCc::Ugt, function, 1), slow, &[]);
        let here = self.b.current();
        self.b.switch_to(slow);
        self.helper(Helper::call, f, pc, kind::NEXT, None);
        self.b.jump(done, &[]);
        self.b.switch_to(here);
        let closure = self.b.load64(slot(func));
        let n = self.b.iconst(i.b() as i64 - 1);
        let tail = Addr::base(16 * func as i32 + abi::VALUE_TAIL);
        self.b.store_imm(Width::W8, tail, 0);
        let by = 16 * (func + 1) as i32;
        self.b.add_pinned(Pinned::Base, by);
        let sp = self.safepoint(f, pc, i.a() + 1, kind::CALL);
        let results = self.b.call(
            CallTarget::Mem(Addr::value(closure, abi::closure::CODE)),
            &[(n, PReg::Rcx)],
            &[(Type::I64, PReg::Rax), (Type::I64, PReg::Rdx)],
            Clobbers::All,
            Some(sp),
        );
        self.b.add_pinned(Pinned::Base, -by);
        if i.c() == 2 {
            self.b.store64(slot(func), results[0]);
            self.b.store(Width::W8, tag(func), results[1]);
        }
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    fn safepoint(&mut self, f: Frame, pc: usize, delta: usize, kind: u8) -> u32 {
        self.safepoints.push(SafePoint {
            live: 0,
            ret_offset: 0,
            pc: pc as u32,
            delta: delta as u16,
            kind,
            inlined: f.inlined as u8,
        });
        self.safepoints.len() as u32 - 1
    }

    fn helper(&mut self, h: Helper, f: Frame, pc: usize, kind: u8, edx: Option<Value>) {
        let by = 16 * f.delta as i32;
        if by != 0 {
            self.b.add_pinned(Pinned::Base, by);
        }
        let at = self.b.iconst(pc as i64);
        let mut args = vec![(at, PReg::Rsi)];
        args.extend(edx.map(|v| (v, PReg::Rdx)));
        let sp = self.safepoint(f, pc, 0, kind);
        let symbol = CallTarget::Symbol(Symbol::Helper(h).to_ref());
        let rets = [(Type::I64, PReg::Rax)];
        self.b.call(symbol, &args, &rets, Clobbers::All, Some(sp));
        if by != 0 {
            self.b.add_pinned(Pinned::Base, -by);
        }
    }

    fn guard(&mut self, f: Frame, pc: usize) {
        let site = self.b.iconst(pc as i64 | (f.inlined as i64) << 32);
        let symbol = CallTarget::Symbol(Symbol::Stub(stub::GUARD).to_ref());
        self.b.tail_jump(symbol, &[(site, PReg::Rsi)]);
    }

    fn leave_function(&mut self, a: usize, n: usize) {
        let count = self.b.iconst(n as i64);
        let (v, t) = if n > 0 {
            (self.b.load64(slot(a)), self.b.load(LoadKind::U8, tag(a)))
        } else {
            let nil = self.b.iconst(0);
            (nil, nil)
        };
        for k in 1..n {
            self.copy(a + k, k - 1);
        }
        self.b
            .ret(&[(v, PReg::Rax), (t, PReg::Rdx), (count, PReg::Rcx)]);
    }
}
