//! Arithmetic and bitwise instructions: on known kinds without tests, on open ones with tests of the tags, by the helper for the rest.

use super::facts::{self, Arith, Operand};
use super::func::Lowering;
use super::operators;
use super::state::{Payload, Reg};
use super::tags::Tags;
use crate::Symbol;
use crate::division;
use trinity_abi::helpers::leaf;
use trinity_abi::tag;
use trinity_codegen::ir::{Block, Clobbers, Cond, IntCc, PReg, Type as IrType, UnOp, Value};
use trinity_frontend::bytecode::{Instr, Op};

impl Lowering<'_> {
    /// ADD ... SHRK, ADDI.
    pub(crate) fn arithmetic(&mut self, i: Instr, op: Op, rhs: Operand) {
        let (a, b) = (i.a(), i.b());
        if self.operator(i, rhs) {
            return;
        }
        if operators::seen(self.frame().p, &self.spec(), self.pc).is_some() {
            // Operands were checked.
            self.open(op, a, b, rhs);
            let want = facts::read_result(&self.spec(), self.pc);
            return self.result_guard(a, want);
        }
        let rhs = self.constant_operand(rhs);
        let (l, r) = (self.tags(b), self.operand_tags(rhs));
        match facts::plan_arith(&self.spec(), self.pc, op, l, r) {
            Arith::Known(x, y) => self.known(op, a, b, rhs, x, y),
            Arith::Open => self.open(op, a, b, rhs),
        }
    }

    /// A register that holds an integer constant, as one.
    fn constant_operand(&self, o: Operand) -> Operand {
        if let Operand::Reg(r) = o
            && self.tags(r) == Tags::INT
            && let Payload::Value(v) = self.reg(r).p
            && let Some(n) = self.b.func().as_iconst(v)
        {
            return Operand::Int(n);
        }
        o
    }
    fn operand_tags(&self, o: Operand) -> Tags {
        match o {
            Operand::Reg(r) => self.tags(r),
            Operand::Int(_) => Tags::INT,
            Operand::Float(_) => Tags::FLOAT,
        }
    }

    /// Operands are of kinds `x` and `y`, or it leaves.
    fn known(&mut self, op: Op, a: usize, b: usize, rhs: Operand, x: Tags, y: Tags) {
        self.guard(b, x);
        if let Operand::Reg(c) = rhs {
            self.guard(c, y);
        }
        let result = facts::arith_result(op, x, y);
        if result == Tags::INT {
            let l = self.get(b);
            let v = match rhs {
                Operand::Reg(c) => {
                    let r = self.get(c);
                    self.int_checked(op, a, l, r)
                }
                Operand::Int(n) => self.int_by_constant(op, a, l, n),
                Operand::Float(_) => None,
            };
            return match v {
                Some(v) => self.define(a, Tags::INT, v),
                // A constant divisor of 0 or -1, which is the helper's.
                None => self.by_helper(a, Tags::INT),
            };
        }
        let square = op == Op::Pow
            && match rhs {
                Operand::Int(2) => true,
                Operand::Float(f) => f == 2.0,
                _ => false,
            };
        if square {
            let v = self.number(b);
            let v = self.b.fmul(v, v);
            return self.define(a, Tags::FLOAT, v);
        }
        if !self.has_float_form(op) {
            return self.by_helper(a, result);
        }
        let l = self.number(b);
        let r = match rhs {
            Operand::Reg(c) => self.number(c),
            Operand::Int(n) => self.b.fconst(n as f64),
            Operand::Float(f) => self.b.fconst(f),
        };
        let v = self.float_op(op, l, r);
        self.define(a, Tags::FLOAT, v);
    }

    /// The instruction by its helper, whose result is of a known kind.
    fn by_helper(&mut self, a: usize, result: Tags) {
        self.step();
        self.set(a, Reg::in_home(result));
    }

    /// A register of known kind as a float.
    fn number(&mut self, r: usize) -> Value {
        let v = self.get(r);
        if self.tags(r) == Tags::INT {
            self.b.int_to_float(v)
        } else {
            v
        }
    }

    /// Whether floats need no helper, or one that is no more than a C function.
    fn has_float_form(&self, op: Op) -> bool {
        match op {
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Pow => true,
            Op::IDiv => self.opts.round,
            _ => false,
        }
    }

    fn float_op(&mut self, op: Op, x: Value, y: Value) -> Value {
        match op {
            Op::Add => self.b.fadd(x, y),
            Op::Sub => self.b.fsub(x, y),
            Op::Mul => self.b.fmul(x, y),
            Op::Pow => self.b.call_symbol(
                Symbol::Stub(leaf::POW).to_ref(),
                &[(x, PReg::Xmm0), (y, PReg::Xmm1)],
                &[(IrType::F64, PReg::Xmm0)],
                Clobbers::Pure,
                None,
            )[0],
            Op::IDiv => {
                let q = self.b.fdiv(x, y);
                self.b.unary(UnOp::Ffloor, q)
            }
            _ => self.b.fdiv(x, y),
        }
    }

    /// Operations on integers that cannot fail.
    fn int_op(&mut self, op: Op, x: Value, y: Value) -> Option<Value> {
        Some(match op {
            Op::Add => self.b.iadd(x, y),
            Op::Sub => self.b.isub(x, y),
            Op::Mul => self.b.imul(x, y),
            Op::BAnd => self.b.and(x, y),
            Op::BOr => self.b.or(x, y),
            Op::BXor => self.b.xor(x, y),
            _ => return None,
        })
    }

    /// On the main path: operations whose right operand must be checked go to the helper where it fails.
    fn int_checked(&mut self, op: Op, a: usize, x: Value, y: Value) -> Option<Value> {
        if let Some(v) = self.int_op(op, x, y) {
            return Some(v);
        }
        let done = self.b.create_block();
        let out = self.b.block_param(done, IrType::I64);
        let slow = self.slow_step(a, Tags::INT, done);
        let v = division::checked(&mut self.b, op, x, y, slow);
        self.b.jump(done, &[v]);
        self.b.switch_to(done);
        Some(out)
    }

    /// With a constant on the right; `None`: division by 0 or a negative constant.
    fn int_by_constant(&mut self, op: Op, a: usize, x: Value, n: i64) -> Option<Value> {
        match op {
            Op::Mod | Op::IDiv => {
                if n > 0 {
                    Some(division::by_constant(&mut self.b, op, x, n))
                } else if n < -1 {
                    let y = self.b.iconst(n);
                    self.int_checked(op, a, x, y)
                } else {
                    None
                }
            }
            Op::Shl | Op::Shr => {
                let left = (op == Op::Shl) == (n >= 0);
                let count = n.unsigned_abs();
                Some(match (count >= 64, left) {
                    (true, _) => self.b.iconst(0),
                    (false, true) => self.b.shl(x, count as i32),
                    (false, false) => self.b.shr(x, count as i32),
                })
            }
            _ => {
                let y = self.b.iconst(n);
                self.int_op(op, x, y)
            }
        }
    }

    /// Operands whose kinds are open: integers, then floats, then the helper.
    fn open(&mut self, op: Op, a: usize, b: usize, rhs: Operand) {
        let (l, r) = (self.tags(b), self.operand_tags(rhs));
        let want = facts::open_result(&self.spec(), self.pc, op, l, r);
        let ints = l.meets(Tags::INT)
            && r.meets(Tags::INT)
            && !matches!(op, Op::Div | Op::Pow)
            && want.meets(Tags::INT);
        let floats = self.has_float_form(op)
            && l.meets(Tags::NUM)
            && r.meets(Tags::NUM)
            && want.meets(Tags::FLOAT);
        if !ints && !floats {
            self.step();
            self.set(a, Reg::in_home(facts::VALUE));
            if super::spec::is_guardable(want) {
                self.remark_result(want);
                let exit = self.exit_block_at(self.pc + 1);
                self.leave_unless_tag(a, want, exit);
                self.refine(a, want);
            }
            return;
        }
        let done = self.b.create_block();
        let out = self.value_params(done, want);
        let slow = self.slow_step(a, want, done);
        if ints {
            let not_int = if floats { self.b.create_block() } else { slow };
            self.leave_unless_tag(b, Tags::INT, not_int);
            if let Operand::Reg(c) = rhs {
                self.leave_unless_tag(c, Tags::INT, not_int);
            }
            let x = self.peek_bits(b);
            let v = match rhs {
                Operand::Reg(c) => {
                    let y = self.peek_bits(c);
                    match self.int_op(op, x, y) {
                        Some(v) => Some(v),
                        None => Some(division::checked(&mut self.b, op, x, y, slow)),
                    }
                }
                Operand::Int(n) => match op {
                    Op::Mod | Op::IDiv if n < -1 => {
                        let y = self.b.iconst(n);
                        Some(division::checked(&mut self.b, op, x, y, slow))
                    }
                    _ => self.int_by_constant(op, a, x, n),
                },
                Operand::Float(_) => None,
            };
            match v {
                Some(v) => self.finish(want, tag::INT, v, done),
                None => self.b.jump(slow, &[]),
            }
            if floats {
                self.b.switch_to(not_int);
            }
        }
        if floats {
            let x = self.open_float(b, slow);
            let y = match rhs {
                Operand::Reg(c) => self.open_float(c, slow),
                Operand::Int(n) => self.b.fconst(n as f64),
                Operand::Float(f) => self.b.fconst(f),
            };
            let v = self.float_op(op, x, y);
            self.finish(want, tag::FLOAT, v, done);
        }
        self.b.switch_to(done);
        self.set(a, out);
    }

    /// Goes to `done` with a value of a fixed tag as parameters for `want`.
    fn finish(&mut self, want: Tags, t: u8, v: Value, done: Block) {
        let mut args = Vec::new();
        args.push(if t == tag::FLOAT && want != Tags::FLOAT {
            self.b.bits_of_float(v)
        } else {
            v
        });
        if want.single().is_none() {
            args.push(self.b.iconst(i64::from(t)));
        }
        self.b.jump(done, &args);
    }

    /// A register of open kind as a float, on one side of a branch; what is no number goes to `slow`.
    fn open_float(&mut self, r: usize, slow: Block) -> Value {
        match self.tags(r).and(Tags::NUM) {
            t if t == Tags::FLOAT => {
                self.leave_unless_tag(r, Tags::FLOAT, slow);
                return self.peek_float(r);
            }
            t if t == Tags::INT => {
                self.leave_unless_tag(r, Tags::INT, slow);
                let v = self.peek_bits(r);
                return self.b.int_to_float(v);
            }
            _ => {}
        }
        let join = self.b.create_block();
        let out = self.b.block_param(join, IrType::F64);
        let other = self.b.create_block();
        let c = self.tag_cond(IntCc::Ne, r, tag::FLOAT);
        self.b.exit_if(c, other, &[]);
        let f = self.peek_float(r);
        self.b.jump(join, &[f]);
        self.b.switch_to(other);
        if !self.tags(r).within(Tags::NUM) {
            let c = self.tag_cond(IntCc::Ne, r, tag::INT);
            self.b.exit_if(c, slow, &[]);
        }
        let n = self.peek_bits(r);
        let f = self.b.int_to_float(n);
        self.b.jump(join, &[f]);
        self.b.switch_to(join);
        out
    }

    /// UNM.
    pub(crate) fn negate(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let seen = self.spec().operand(self.pc, 0);
        if let Some(t) = facts::number_kind(self.tags(b), seen) {
            self.guard(b, t);
            let x = self.get(b);
            let v = if t == Tags::INT {
                self.b.ineg(x)
            } else {
                self.b.fneg(x)
            };
            return self.define(a, t, v);
        }
        let result = if self.tags(b).within(Tags::NUM) {
            self.tags(b)
        } else {
            facts::VALUE
        };
        let done = self.b.create_block();
        let out = self.value_params(done, result);
        let slow = self.slow_step(a, result, done);
        let not_int = self.b.create_block();
        let c = self.tag_cond(IntCc::Ne, b, tag::INT);
        self.b.exit_if(c, not_int, &[]);
        let x = self.peek_bits(b);
        let v = self.b.ineg(x);
        self.finish(result, tag::INT, v, done);
        self.b.switch_to(not_int);
        let c = self.tag_cond(IntCc::Ne, b, tag::FLOAT);
        self.b.exit_if(c, slow, &[]);
        let x = self.peek_float(b);
        let v = self.b.fneg(x);
        self.finish(result, tag::FLOAT, v, done);
        self.b.switch_to(done);
        self.set(a, out);
    }

    /// BNOT.
    pub(crate) fn bit_not(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let seen = self.spec().operand(self.pc, 0);
        if facts::number_kind(self.tags(b), seen) == Some(Tags::INT) {
            self.guard(b, Tags::INT);
            let x = self.get(b);
            let v = self.b.inot(x);
            return self.define(a, Tags::INT, v);
        }
        let result = if self.tags(b).within(Tags::NUM) {
            Tags::INT
        } else {
            facts::VALUE
        };
        let done = self.b.create_block();
        let out = self.value_params(done, result);
        let slow = self.slow_step(a, result, done);
        let c = self.tag_cond(IntCc::Ne, b, tag::INT);
        self.b.exit_if(c, slow, &[]);
        let x = self.peek_bits(b);
        let v = self.b.inot(x);
        self.finish(result, tag::INT, v, done);
        self.b.switch_to(done);
        self.set(a, out);
    }

    /// How many steps (other than 0 and the least integer) fit into a signed distance that goes the same way and has 64 bits and its sign.
    pub(crate) fn steps_within(&mut self, distance: Value, step: i64) -> Value {
        if step > 0 {
            return self.divide_distance(distance, step);
        }
        let up = self.b.ineg(distance);
        self.divide_distance(up, -step)
    }
    /// A loop's distance divided by its positive step: the iterations behind the first, unsigned.
    pub(crate) fn divide_distance(&mut self, distance: Value, step: i64) -> Value {
        if step == 1 {
            return distance;
        }
        if (step as u64).is_power_of_two() {
            return self.b.shr(distance, step.trailing_zeros() as i32);
        }
        // The distance may exceed the signed range: halve it first, then correct. q = floor((d >> 1) / s) * 2 + (rest >= s): at most one
        // correction, as d - 2*q*s < 2*s.
        let d = self.b.iconst(step);
        let half = self.b.shr(distance, 1);
        let q0 = self.b.sdiv(half, d);
        let q = self.b.shl(q0, 1);
        let product = self.b.imul(q, d);
        let rest = self.b.isub(distance, product);
        let one = self.b.bool_of(Cond::icmp(IntCc::Uge, rest, d));
        self.b.iadd(q, one)
    }
}
