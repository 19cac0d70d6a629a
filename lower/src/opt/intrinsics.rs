//! Calls of library functions that a few instructions do: the call site recognises the closure by its number
//! (`trinity_abi::intrinsic`), and leaves where another function or other arguments come.

use super::facts;
use super::func::Lowering;
use super::mem;
use super::spec::Spec;
use super::state::Reg;
use super::tags::Tags;
use trinity_abi::intrinsic::Intrinsic;
use trinity_abi::{header, string, tag};
use trinity_codegen::ir::{Addr, Cond, FloatCc, IntCc, LoadKind, Region, Scale, UnOp, Value};
use trinity_frontend::bytecode::{Instr, Op};

/// The kind of what a TAILCALL returns, if [`Lowering::intrinsic`] does it without a call wherever it is.
pub(crate) fn returned(spec: &Spec, pc: u32, i: Instr) -> Option<Tags> {
    if i.op() != Op::TailCall || i.c() != 0 {
        return None;
    }
    if i.b() == 3 && spec.native(pc)? == Intrinsic::Setmetatable {
        return Some(Tags::TABLE);
    }
    if i.b() != 2 {
        return None;
    }
    let kind = facts::number_kind(Tags::NUM, spec.operand(pc, 1))?;
    match spec.native(pc)? {
        Intrinsic::MathSqrt => Some(Tags::FLOAT),
        Intrinsic::MathAbs => Some(kind),
        Intrinsic::MathFloor | Intrinsic::MathCeil => Some(Tags::INT),
        _ => None,
    }
}

/// Library functions that neither allocate nor call, done in line or not.
pub(crate) fn is_quiet(which: Intrinsic) -> bool {
    use Intrinsic::*;
    let math = matches!(
        which,
        MathSqrt | MathAbs | MathFloor | MathCeil | MathMax | MathMin
    );
    math || matches!(which, StringByte | StringLen)
}

impl Lowering<'_> {
    /// Lowers a CALL of a library function whose single result, or none, is wanted, or a TAILCALL of one with a single result. False: nothing
    /// was done, it is called as others.
    pub(crate) fn intrinsic(&mut self, i: Instr, which: Intrinsic) -> bool {
        let (a, b) = (i.a(), i.b());
        let tail = i.op() == Op::TailCall;
        let c = if tail { 2 } else { i.c() };
        if !(c == 1 || c == 2) || !(2..=3).contains(&b) {
            return false;
        }
        if which == Intrinsic::Setmetatable {
            return self.set_metatable(i);
        }
        if which == Intrinsic::Assert {
            // It gives all its arguments.
            if (tail || self.is_open_call()) && b > 2 {
                return false;
            }
            self.assertion(a, c);
            return true;
        }
        let first = self.tags(a + 1);
        // The profile knows the kind of the first argument.
        let seen = self.spec().operand(self.pc, 1);
        let number = facts::number_kind(first, seen);
        let result = self.spec().result(self.pc);
        use Intrinsic::*;
        let fits = match which {
            MathSqrt | MathAbs => b == 2 && number.is_some(),
            MathFloor | MathCeil => {
                b == 2 && number.is_some() && (tail || c == 1 || result == Some(Tags::INT))
            }
            MathMax | MathMin => {
                b == 3
                    && number.is_some()
                    && facts::number_kind(self.tags(a + 2), seen) == number
                    && self.tags(a + 2).meets(Tags::NUM)
            }
            StringByte => {
                let string = first.within(Tags::STR) || seen.is_some_and(|t| t.within(Tags::STR));
                let index = b == 2 || self.tags(a + 2).meets(Tags::INT);
                // Without a byte there is no result.
                string && index && c == 2 && !tail
            }
            StringLen => {
                b == 2 && (first.within(Tags::STR) || seen.is_some_and(|t| t.within(Tags::STR)))
            }
            _ => false,
        };
        if !fits {
            return false;
        }
        self.recognise(a, which);
        self.remark_done(which, "is done in line");
        if let Some(kind) = number {
            self.guard(a + 1, kind);
        } else {
            self.guard(a + 1, Tags::STR);
        }
        let x = self.get(a + 1);
        let reg = match (which, number) {
            (MathSqrt, Some(t)) => {
                let x = if t == Tags::INT {
                    self.b.int_to_float(x)
                } else {
                    x
                };
                let v = self.b.fsqrt(x);
                Reg::known(Tags::FLOAT, v)
            }
            (MathAbs, Some(Tags::INT)) => {
                let minus = self.b.ineg(x);
                let v = self.b.select(Cond::icmp(IntCc::Slt, x, 0), minus, x);
                Reg::known(Tags::INT, v)
            }
            (MathAbs, _) => {
                let v = self.b.fabs(x);
                Reg::known(Tags::FLOAT, v)
            }
            (MathFloor | MathCeil, Some(Tags::INT)) => Reg::known(Tags::INT, x),
            (MathFloor | MathCeil, _) => {
                let v = self.rounded(x, which == MathFloor);
                Reg::known(Tags::INT, v)
            }
            (MathMax | MathMin, Some(t)) => {
                self.guard(a + 2, t);
                let y = self.get(a + 2);
                // The second only if it beats the first.
                let beats = match (t == Tags::INT, which == MathMax) {
                    (true, true) => Cond::icmp(IntCc::Slt, x, y),
                    (true, false) => Cond::icmp(IntCc::Slt, y, x),
                    (false, true) => Cond::fcmp(FloatCc::Lt, x, y),
                    (false, false) => Cond::fcmp(FloatCc::Lt, y, x),
                };
                let v = self.b.select(beats, y, x);
                Reg::known(t, v)
            }
            (StringByte, _) => {
                let index = if b == 3 {
                    self.guard(a + 2, Tags::INT);
                    self.get(a + 2)
                } else {
                    self.b.iconst(1)
                };
                let want = result.filter(|&t| t == Tags::INT);
                let done = self.b.create_block();
                let out = self.value_params(done, want.unwrap_or(facts::VALUE));
                // Without a byte there is no result.
                let slow = match self.is_open_call() {
                    true => self.exit_block(),
                    false => self.byte_by_leaf(i, want, done),
                };
                let len = self.b.load64(mem::constant(x, string::LEN));
                // Negative ones count from the end.
                let behind = self.b.iadd(index, len);
                let from_end = self.b.iadd(behind, 1);
                let index = self
                    .b
                    .select(Cond::icmp(IntCc::Slt, index, 0), from_end, index);
                let from0 = self.b.isub(index, 1);
                self.b
                    .exit_unless(Cond::icmp(IntCc::Ugt, len, from0), slow, &[]);
                let at =
                    Addr::indexed(x, index, Scale::S1, string::BYTES - 1).in_region(Region::Const);
                let mut args = vec![self.b.load(LoadKind::U8, at)];
                if want.is_none() {
                    args.push(self.b.iconst(i64::from(tag::INT)));
                }
                self.b.jump(done, &args);
                self.b.switch_to(done);
                out
            }
            _ => {
                let v = self.b.load64(mem::constant(x, string::LEN));
                Reg::known(Tags::INT, v)
            }
        };
        self.clobber_from(a);
        if c == 2 {
            self.set(a, reg);
        }
        true
    }

    /// `assert` of something true gives its arguments; what is false leaves.
    fn assertion(&mut self, a: usize, c: usize) {
        self.recognise(a, Intrinsic::Assert);
        self.remark_done(Intrinsic::Assert, "is done in line");
        self.remark_value("the asserted value is true");
        let exit = self.exit_block();
        let cond = self.tag_cond(IntCc::Ult, a + 1, tag::TRUE);
        self.b.exit_if(cond, exit, &[]);
        let first = self.stored(a + 1);
        self.clobber_from(a);
        if c == 2 {
            self.set(
                a,
                Reg {
                    home: false,
                    ..first
                },
            );
        }
    }

    /// Leaves unless `R[a]` is this library function.
    pub(crate) fn recognise(&mut self, a: usize, which: Intrinsic) {
        self.guard(a, Tags::of(tag::NATIVE_FN));
        self.remark_library(which);
        let f = self.get(a);
        let exit = self.exit_block();
        let number = self.b.load(LoadKind::U8, mem::constant(f, header::AUX8));
        self.b
            .exit_if(Cond::icmp(IntCc::Ne, number, which as i32), exit, &[]);
    }

    /// A float rounded down or up to an integer; what is too large, or NaN, leaves.
    fn rounded(&mut self, x: Value, down: bool) -> Value {
        self.remark_value("the rounded number is an integer");
        let exit = self.exit_block();
        if self.opts.round {
            let op = if down { UnOp::Ffloor } else { UnOp::Fceil };
            let whole = self.b.unary(op, x);
            let n = self.b.float_to_int(whole);
            let none = self.b.iconst(i64::MIN);
            self.b.exit_if(Cond::icmp(IntCc::Eq, n, none), exit, &[]);
            return n;
        }
        let n = self.b.float_to_int(x);
        // The conversion's answer for what has none.
        let none = self.b.iconst(i64::MIN);
        self.b.exit_if(Cond::icmp(IntCc::Eq, n, none), exit, &[]);
        let back = self.b.int_to_float(n);
        if down {
            let over = self.b.bool_of(Cond::fcmp(FloatCc::Gt, back, x));
            self.b.isub(n, over)
        } else {
            let under = self.b.bool_of(Cond::fcmp(FloatCc::Lt, back, x));
            self.b.iadd(n, under)
        }
    }
}
