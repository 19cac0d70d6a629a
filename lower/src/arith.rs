//! Arithmetic and bitwise instructions: inline on integers and floats, the `step` helper for everything else.

use crate::Symbol;
use crate::division;
use crate::func::{FnLower, home, home_tag};
use crate::hints::{self, Hint};
use crate::types::{Type, arith_type, const_type};
use trinity_abi::helpers::leaf;
use trinity_abi::tag;
use trinity_codegen::ir::{Block, Clobbers, IntCc, PReg, Type as IrType, Value, Width};
use trinity_frontend::bytecode::{Const, Instr, Op};

/// Right operand of an arithmetic instruction.
#[derive(Clone, Copy)]
enum Rhs {
    Reg(usize),
    Int(i64),
    Float(f64),
}

/// The register forms that constant forms share their code with.
fn register_form(op: Op) -> Op {
    use Op::*;
    match op {
        AddK | AddI => Add,
        SubK => Sub,
        MulK => Mul,
        ModK => Mod,
        PowK => Pow,
        DivK => Div,
        IDivK => IDiv,
        BAndK => BAnd,
        BOrK => BOr,
        BXorK => BXor,
        ShlK => Shl,
        ShrK => Shr,
        op => op,
    }
}

/// Integer operations whose right operand, in a register, must be checked: //, %, << and >>.
fn is_guarded(op: Op, rhs: Rhs) -> bool {
    matches!(rhs, Rhs::Reg(_)) && matches!(op, Op::Mod | Op::IDiv | Op::Shl | Op::Shr)
}

fn has_float_form(op: Op) -> bool {
    matches!(op, Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Pow)
}

impl FnLower<'_> {
    /// ADD ... SHRK, ADDI.
    pub(crate) fn arithmetic(&mut self, i: Instr) {
        let op = i.op();
        let rhs = match op {
            Op::AddI => Rhs::Int(i.sc() as i64),
            _ if register_form(op) == op => match self.constant[i.c()] {
                Some(n) if self.ty[i.c()] == Type::Int => Rhs::Int(n),
                _ => Rhs::Reg(i.c()),
            },
            _ => match self.p.consts[i.c()] {
                Const::Int(n) => Rhs::Int(n),
                Const::Float(f) => Rhs::Float(f),
                // The verifier allows only numbers here.
                _ => Rhs::Int(0),
            },
        };
        let form = register_form(op);
        let rhs_type = match rhs {
            Rhs::Reg(r) => self.ty[r],
            Rhs::Int(_) => Type::Int,
            Rhs::Float(_) => Type::Float,
        };
        let result = if op == form || op == Op::AddI {
            arith_type(form, self.ty[i.b()], rhs_type)
        } else {
            arith_type(form, self.ty[i.b()], const_type(&self.p.consts[i.c()]))
        };
        self.binary(form, i.a(), i.b(), rhs, rhs_type, result);
    }

    fn binary(&mut self, op: Op, a: usize, b: usize, rhs: Rhs, rhs_type: Type, result: Type) {
        let lt = self.ty[b];
        let both_known = lt.tag().is_some() && rhs_type.tag().is_some();
        // Everything known: straight code, the result stays in a register.
        if both_known && lt.is_number() && rhs_type.is_number() {
            self.get(b);
            if let Rhs::Reg(r) = rhs {
                self.get(r);
            }
            if let Some(v) = self.known(op, b, rhs, lt, rhs_type) {
                let t = if self.b.ty(v) == IrType::F64 {
                    Type::Float
                } else {
                    Type::Int
                };
                debug_assert!(t == result);
                return self.set(a, t, v);
            }
            if lt == Type::Int && rhs_type == Type::Int && is_guarded(op, rhs) {
                let done = self.b.create_block();
                let out = self.b.block_param(done, IrType::I64);
                let slow = self.slow_step_with(done, Some(a));
                let v = self.guarded_int(op, b, rhs, slow);
                self.b.store64(home(a), v);
                self.set_tag(a, Type::Int);
                self.b.jump(done, &[v]);
                self.b.switch_to(done);
                self.defined(a, result);
                self.payload[a] = Some(out);
                return;
            }
            self.step();
            return self.defined(a, result);
        }
        let int_possible = matches!(lt, Type::Int | Type::Num | Type::Any | Type::Unreached)
            && matches!(
                rhs_type,
                Type::Int | Type::Num | Type::Any | Type::Unreached
            );
        let float_possible = has_float_form(op);
        let int_form = !matches!(op, Op::Div | Op::Pow);
        let square =
            op == Op::Pow && (matches!(rhs, Rhs::Int(2)) || matches!(rhs, Rhs::Float(2.0)));
        let inline = float_possible || square || (int_possible && int_form);
        if !inline {
            self.step();
            return self.defined(a, result);
        }
        let done = self.b.create_block();
        let ints = int_possible && int_form;
        let instr = self.p.code[self.pc as usize];
        let hint = hints::arithmetic(self.p, instr, &self.ty, &self.hints);
        let keep = ints && (result == Type::Int || hint == Some(Hint::Int));
        let out = keep.then(|| self.b.block_param(done, IrType::I64));
        let slow = self.slow_step_with(done, keep.then_some(a));
        // Operands are read again from their home slots in each path: nothing loaded in one outlives it. The path of the operands' probable
        // kind comes first, others out of the way.
        if hint == Some(Hint::Float) && float_possible && !square {
            let general = self.b.create_cold_block();
            self.guard_float(b, general);
            if let Rhs::Reg(r) = rhs {
                self.guard_float(r, general);
            }
            let x = self.checked_float(b);
            let y = match rhs {
                Rhs::Int(n) => self.b.fconst(n as f64),
                Rhs::Float(f) => self.b.fconst(f),
                Rhs::Reg(r) => self.checked_float(r),
            };
            let v = self.float_op(op, x, y);
            self.b.store64(home(a), v);
            self.set_tag(a, Type::Float);
            let no_int = out.map(|_| self.b.iconst(0));
            self.b.jump(done, no_int.as_slice());
            self.b.switch_to(general);
            self.b.cold_region(true);
        }
        if ints {
            self.b.cold_region(hint.is_some_and(|h| h != Hint::Unknown));
            let not_int = self.b.create_block();
            self.b.cold_region(hint == Some(Hint::Float));
            self.guard_tag(b, tag::INT, not_int);
            if let Rhs::Reg(r) = rhs {
                self.guard_tag(r, tag::INT, not_int);
            }
            let v = if is_guarded(op, rhs) {
                Some(self.guarded_int(op, b, rhs, slow))
            } else {
                self.known(op, b, rhs, Type::Int, Type::Int)
            };
            match v {
                Some(v) => {
                    self.b.store64(home(a), v);
                    self.set_tag(a, Type::Int);
                    self.b.jump(done, out.map(|_| v).as_slice());
                }
                None => self.b.jump(slow, &[]),
            }
            self.b.switch_to(not_int);
            self.b.cold_region(hint.is_some_and(|h| h != Hint::Unknown));
        }
        let v = if square {
            let x = self.float_operand(b, slow);
            Some(self.b.fmul(x, x))
        } else if float_possible {
            let x = self.float_operand(b, slow);
            let y = match rhs {
                Rhs::Int(n) => self.b.fconst(n as f64),
                Rhs::Float(f) => self.b.fconst(f),
                Rhs::Reg(r) => self.float_operand(r, slow),
            };
            Some(self.float_op(op, x, y))
        } else {
            None
        };
        match v {
            Some(v) => {
                self.b.store64(home(a), v);
                self.set_tag(a, Type::Float);
                let no_int = out.map(|_| self.b.iconst(0));
                self.b.jump(done, no_int.as_slice());
            }
            None => self.b.jump(slow, &[]),
        }
        self.b.cold_region(false);
        self.b.switch_to(done);
        self.defined(a, result);
        if result == Type::Int {
            self.payload[a] = out;
        } else {
            self.if_int[a] = out;
        }
    }

    /// Goes to `otherwise` unless R[r] is a float, or is known to be an integer.
    fn guard_float(&mut self, r: usize, otherwise: Block) {
        if self.ty[r] != Type::Int {
            self.guard_tag(r, tag::FLOAT, otherwise);
        }
    }

    /// R[r] as a float behind `guard_float`.
    fn checked_float(&mut self, r: usize) -> Value {
        if self.ty[r] == Type::Int {
            let v = self.load_bits(r);
            self.b.int_to_float(v)
        } else {
            self.load_float(r)
        }
    }

    /// R[r] as a float, converted from an integer if it is one; anything else goes to `slow`.
    fn float_operand(&mut self, r: usize, slow: Block) -> Value {
        match self.ty[r] {
            Type::Float => return self.load_float(r),
            Type::Int => {
                let v = self.load_bits(r);
                return self.b.int_to_float(v);
            }
            _ => {}
        }
        let join = self.b.create_block();
        let out = self.b.block_param(join, IrType::F64);
        let not_float = self.b.create_cold_block();
        let c = self.tag_is(IntCc::Ne, r, tag::FLOAT);
        self.b.exit_if(c, not_float, &[]);
        let f = self.b.loadf(home(r));
        self.b.jump(join, &[f]);
        self.b.switch_to(not_float);
        let c = self.tag_is(IntCc::Ne, r, tag::INT);
        self.b.exit_if(c, slow, &[]);
        let n = self.b.load64(home(r));
        let f = self.b.int_to_float(n);
        self.b.jump(join, &[f]);
        self.b.switch_to(join);
        out
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
                Clobbers::SysV,
                None,
            )[0],
            _ => self.b.fdiv(x, y),
        }
    }

    /// Operations on operands of known types that need no guard; `None` when there is no such code.
    fn known(&mut self, op: Op, b: usize, rhs: Rhs, lt: Type, rt: Type) -> Option<Value> {
        if lt == Type::Int && rt == Type::Int && !matches!(op, Op::Div | Op::Pow) {
            return self.known_int(op, b, rhs);
        }
        if op == Op::Pow {
            // As the reference: a square is a product.
            let square = matches!(rhs, Rhs::Int(2)) || matches!(rhs, Rhs::Float(2.0));
            if square {
                let x = self.as_float(b, lt);
                return Some(self.b.fmul(x, x));
            }
        }
        if !has_float_form(op) {
            return None;
        }
        let x = self.as_float(b, lt);
        let y = match rhs {
            Rhs::Int(n) => self.b.fconst(n as f64),
            Rhs::Float(f) => self.b.fconst(f),
            Rhs::Reg(r) => self.as_float(r, rt),
        };
        Some(self.float_op(op, x, y))
    }

    fn as_float(&mut self, r: usize, t: Type) -> Value {
        if t == Type::Float {
            return self.load_float(r);
        }
        let v = self.load_bits(r);
        self.b.int_to_float(v)
    }

    /// Integer operations that cannot fail.
    fn known_int(&mut self, op: Op, b: usize, rhs: Rhs) -> Option<Value> {
        let (y, imm) = match rhs {
            Rhs::Int(n) => (None, Some(n)),
            Rhs::Reg(r) => (Some(r), None),
            Rhs::Float(_) => return None,
        };
        if let Some(n) = imm {
            match op {
                Op::Mod | Op::IDiv if n > 0 => {
                    let x = self.load_int(b);
                    return Some(division::by_constant(&mut self.b, op, x, n));
                }
                Op::Mod | Op::IDiv => return None,
                Op::Shl | Op::Shr => {
                    let left = (op == Op::Shl) == (n >= 0);
                    let count = n.unsigned_abs();
                    if count >= 64 {
                        return Some(self.b.iconst(0));
                    }
                    let x = self.load_int(b);
                    return Some(if left {
                        self.b.shl(x, count as i32)
                    } else {
                        self.b.shr(x, count as i32)
                    });
                }
                _ => {}
            }
        } else if matches!(op, Op::Mod | Op::IDiv | Op::Shl | Op::Shr) {
            return None;
        }
        let x = self.load_int(b);
        let y = match (y, imm) {
            (Some(r), _) => self.load_int(r),
            (None, n) => self.b.iconst(n.unwrap_or(0)),
        };
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

    /// The integer operations of [`is_guarded`]: the right operand is checked.
    fn guarded_int(&mut self, op: Op, b: usize, rhs: Rhs, slow: Block) -> Value {
        let x = self.load_int(b);
        let y = match rhs {
            Rhs::Reg(c) => self.load_int(c),
            Rhs::Int(n) => self.b.iconst(n),
            Rhs::Float(f) => self.b.iconst(f as i64),
        };
        division::checked(&mut self.b, op, x, y, slow)
    }

    /// UNM.
    pub(crate) fn negate(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        match self.ty[b] {
            Type::Int => {
                let x = self.get(b);
                let v = self.b.ineg(x);
                self.set(a, Type::Int, v);
            }
            Type::Float => {
                let x = self.get(b);
                let v = self.b.fneg(x);
                self.set(a, Type::Float, v);
            }
            t => {
                let done = self.b.create_block();
                let slow = self.slow_step(done);
                let not_int = self.b.create_block();
                let c = self.tag_is(IntCc::Ne, b, tag::INT);
                self.b.exit_if(c, not_int, &[]);
                let x = self.b.load64(home(b));
                let v = self.b.ineg(x);
                self.b.store64(home(a), v);
                self.b.store_imm(Width::W8, home_tag(a), tag::INT as i32);
                self.b.jump(done, &[]);
                self.b.switch_to(not_int);
                self.guard_tag(b, tag::FLOAT, slow);
                let x = self.b.loadf(home(b));
                let v = self.b.fneg(x);
                self.b.store64(home(a), v);
                self.b.store_imm(Width::W8, home_tag(a), tag::FLOAT as i32);
                self.b.jump(done, &[]);
                self.b.switch_to(done);
                self.defined(a, if t == Type::Num { Type::Num } else { Type::Any });
            }
        }
    }

    /// BNOT.
    pub(crate) fn bit_not(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        if self.ty[b] == Type::Int {
            let x = self.get(b);
            let v = self.b.inot(x);
            return self.set(a, Type::Int, v);
        }
        let t = if self.ty[b].is_number() {
            Type::Int
        } else {
            Type::Any
        };
        let done = self.b.create_block();
        let slow = self.slow_step(done);
        self.guard_tag(b, tag::INT, slow);
        let x = self.load_bits(b);
        let v = self.b.inot(x);
        self.b.store64(home(a), v);
        self.set_tag(a, Type::Int);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        self.defined(a, t);
    }
}
