//! Comparisons with jumps and truth tests.

use crate::func::{FnLower, home, home_tag};
use crate::types::{Type, const_type};
use trinity_abi::helpers::Helper;
use trinity_abi::tag;
use trinity_abi::unit::kind;
use trinity_codegen::ir::{Block, Cond, FloatCc, IntCc, LoadKind, Value, Width};
use trinity_frontend::bytecode::{Const, Instr, Op};

/// A comparison: condition codes for integers and floats, and whether the instruction jumps when it is false.
#[derive(Clone, Copy)]
pub(crate) struct Comparison {
    pub int: IntCc,
    pub float: FloatCc,
    pub negated: bool,
}

pub(crate) fn comparison(op: Op) -> Comparison {
    use Op::*;
    let (int, float) = match op {
        JmpLt | JmpNlt | JmpLtI | JmpNltI => (IntCc::Slt, FloatCc::Lt),
        JmpLe | JmpNle | JmpLeI | JmpNleI => (IntCc::Sle, FloatCc::Le),
        JmpGtI | JmpNgtI => (IntCc::Sgt, FloatCc::Gt),
        JmpGeI | JmpNgeI => (IntCc::Sge, FloatCc::Ge),
        _ => (IntCc::Eq, FloatCc::Eq),
    };
    let negated = matches!(
        op,
        JmpNlt | JmpNle | JmpNltI | JmpNleI | JmpNgtI | JmpNgeI | JmpNe | JmpNeI | JmpNeK
    );
    Comparison {
        int,
        float,
        negated,
    }
}

/// The two ways out of a comparison.
struct Ways {
    holds: (Block, Vec<Value>),
    fails: (Block, Vec<Value>),
}

impl FnLower<'_> {
    /// Where the instruction goes when its comparison holds and when not.
    fn ways(&mut self, i: Instr, negated: bool) -> Ways {
        let jump = self.jump_target(i);
        let next = self.pc + 1;
        let (h, f) = if negated { (next, jump) } else { (jump, next) };
        let holds = self.edge(h);
        let fails = self.edge(f);
        Ways { holds, fails }
    }
    fn decide(&mut self, cond: Cond, w: &Ways) {
        self.b
            .brif(cond, (w.holds.0, &w.holds.1), (w.fails.0, &w.fails.1));
    }
    /// A cold block that decides by the `test` helper (whose result says whether the instruction jumps).
    fn slow_test(&mut self, negated: bool, w: &Ways) -> Block {
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.b.switch_to(slow);
        let jumps = self.helper(Helper::test, kind::JUMP);
        let cc = if negated { IntCc::Eq } else { IntCc::Ne };
        self.b.brif(
            Cond::icmp(cc, jumps, 0),
            (w.holds.0, &w.holds.1),
            (w.fails.0, &w.fails.1),
        );
        self.b.switch_to(here);
        slow
    }

    /// JMPLT, JMPLE and their negations, on registers.
    pub(crate) fn order(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let c = comparison(i.op());
        let w = self.ways(i, c.negated);
        let (ta, tb) = (self.ty[a], self.ty[b]);
        match (ta, tb) {
            (Type::Int, Type::Int) => {
                let (x, y) = (self.get(a), self.get(b));
                return self.decide(Cond::icmp(c.int, x, y), &w);
            }
            (Type::Float, Type::Float) => {
                let (x, y) = (self.get(a), self.get(b));
                return self.decide(Cond::fcmp(c.float, x, y), &w);
            }
            _ => {}
        }
        let slow = self.slow_test(c.negated, &w);
        let can_int = |t: Type| {
            !matches!(
                t,
                Type::Float | Type::Nil | Type::Bool | Type::Str | Type::Table | Type::Cell
            )
        };
        let can_float = |t: Type| {
            !matches!(
                t,
                Type::Int | Type::Nil | Type::Bool | Type::Str | Type::Table | Type::Cell
            )
        };
        if can_int(ta) && can_int(tb) {
            let not_int = if can_float(ta) && can_float(tb) {
                self.b.create_block()
            } else {
                slow
            };
            self.guard_tag(a, tag::INT, not_int);
            let otherwise = if ta == Type::Int { not_int } else { slow };
            self.guard_tag(b, tag::INT, otherwise);
            let (x, y) = (self.load_int(a), self.load_int(b));
            self.decide(Cond::icmp(c.int, x, y), &w);
            if not_int == slow {
                return;
            }
            self.b.switch_to(not_int);
        }
        if can_float(ta) && can_float(tb) {
            self.guard_tag(a, tag::FLOAT, slow);
            self.guard_tag(b, tag::FLOAT, slow);
            let (x, y) = (self.load_float(a), self.load_float(b));
            self.decide(Cond::fcmp(c.float, x, y), &w);
        } else {
            self.b.jump(slow, &[]);
        }
    }

    /// Comparisons with an integer immediate.
    pub(crate) fn order_imm(&mut self, i: Instr) {
        let a = i.a();
        let n = i.sb() as i32;
        let c = comparison(i.op());
        let w = self.ways(i, c.negated);
        match self.ty[a] {
            Type::Int => {
                let x = self.get(a);
                return self.decide(Cond::icmp(c.int, x, n), &w);
            }
            Type::Float => {
                let x = self.get(a);
                let y = self.b.fconst(n as f64);
                return self.decide(Cond::fcmp(c.float, x, y), &w);
            }
            _ => {}
        }
        let equality = c.int == IntCc::Eq;
        let not_int = self.b.create_block();
        let cond = self.tag_is(IntCc::Ne, a, tag::INT);
        self.b.exit_if(cond, not_int, &[]);
        let cond = match self.if_int[a] {
            Some(x) => Cond::icmp(c.int, x, n),
            None => Cond::icmp_mem(c.int, Width::W64, home(a), n),
        };
        self.decide(cond, &w);
        self.b.switch_to(not_int);
        let cond = self.tag_is(IntCc::Ne, a, tag::FLOAT);
        if equality {
            // Nothing else equals an integer.
            self.b.exit_if(cond, w.fails.0, &w.fails.1);
        } else {
            let slow = self.slow_test(c.negated, &w);
            self.b.exit_if(cond, slow, &[]);
        }
        let x = self.b.loadf(home(a));
        let y = self.b.fconst(n as f64);
        self.decide(Cond::fcmp(c.float, x, y), &w);
    }

    /// JMPEQ, JMPNE.
    pub(crate) fn equal(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let c = comparison(i.op());
        let w = self.ways(i, c.negated);
        match (self.ty[a], self.ty[b]) {
            (Type::Int, Type::Int) => {
                let (x, y) = (self.get(a), self.get(b));
                return self.decide(Cond::icmp(IntCc::Eq, x, y), &w);
            }
            (Type::Float, Type::Float) => {
                let (x, y) = (self.get(a), self.get(b));
                return self.decide(Cond::fcmp(FloatCc::Eq, x, y), &w);
            }
            _ => {}
        }
        let slow = self.slow_test(c.negated, &w);
        let ta = self.load_tag(a);
        let tb = self.load_tag(b);
        let differ = self.b.create_block();
        self.b.exit_if(Cond::icmp(IntCc::Ne, ta, tb), differ, &[]);
        // Same tag. Floats compare as floats; equal payloads are equal; of different ones only long strings, tables and userdata need more,
        // and nil and booleans have no payload.
        let float = self.b.create_block();
        self.b
            .exit_if(Cond::icmp(IntCc::Eq, ta, tag::FLOAT as i32), float, &[]);
        let x = self.load_bits(a);
        let y = self.load_bits(b);
        self.b
            .exit_if(Cond::icmp(IntCc::Eq, x, y), w.holds.0, &w.holds.1);
        self.b.exit_if(
            Cond::icmp(IntCc::Ule, ta, tag::TRUE as i32),
            w.holds.0,
            &w.holds.1,
        );
        let above = self.b.isub(ta, tag::LONG_STR as i32);
        let special = self.b.create_block();
        self.b.brif(
            Cond::icmp(IntCc::Ule, above, (tag::USERDATA - tag::LONG_STR) as i32),
            (special, &[]),
            (w.fails.0, &w.fails.1),
        );
        self.b.switch_to(special);
        let function = self.b.isub(ta, tag::LUA_FN as i32);
        self.b.brif(
            Cond::icmp(IntCc::Ule, function, 1),
            (w.fails.0, &w.fails.1),
            (slow, &[]),
        );
        self.b.switch_to(float);
        let x = self.b.loadf(home(a));
        let y = self.b.loadf(home(b));
        self.decide(Cond::fcmp(FloatCc::Eq, x, y), &w);
        // Different tags: equal only if both are numbers.
        self.b.switch_to(differ);
        let sum = self.b.iadd(ta, tb);
        let both = self.b.create_cold_block();
        self.b.brif(
            Cond::icmp(IntCc::Eq, sum, (tag::INT + tag::FLOAT) as i32),
            (both, &[]),
            (w.fails.0, &w.fails.1),
        );
        // The sum can be reached by other tags too (2 + 5, 1 + 6); the helper decides.
        self.b.switch_to(both);
        self.b.jump(slow, &[]);
    }

    /// JMPEQK, JMPNEK.
    pub(crate) fn equal_const(&mut self, i: Instr) {
        let (a, k) = (i.a(), i.b());
        let c = comparison(i.op());
        let w = self.ways(i, c.negated);
        match &self.p.consts[k] {
            Const::Nil => {
                let cond = self.tag_is(IntCc::Eq, a, tag::NIL);
                self.decide(cond, &w);
            }
            Const::Bool(v) => {
                let cond = self.tag_is(IntCc::Eq, a, if *v { tag::TRUE } else { tag::FALSE });
                self.decide(cond, &w);
            }
            Const::Str(s) if s.len() <= trinity_abi::string::MAX_SHORT => {
                if self.ty[a] != Type::Str || self.ty[a].tag().is_none() {
                    let cond = self.tag_is(IntCc::Ne, a, tag::SHORT_STR);
                    self.b.exit_if(cond, w.fails.0, &w.fails.1);
                }
                let p = self.const_pointer(k);
                self.decide(Cond::icmp_mem(IntCc::Eq, Width::W64, home(a), p), &w);
            }
            constant if const_type(constant).is_number() => {
                let (exact, float) = match constant {
                    Const::Int(n) => (Some(*n), *n as f64),
                    Const::Float(f) => {
                        let n = *f as i64;
                        ((n as f64 == *f && n != i64::MAX).then_some(n), *f)
                    }
                    _ => (None, 0.0),
                };
                // An integer constant that is no float equals no float; the helper knows.
                let slow = self.slow_test(c.negated, &w);
                let not_int = self.b.create_block();
                let cond = self.tag_is(IntCc::Ne, a, tag::INT);
                self.b.exit_if(cond, not_int, &[]);
                match exact {
                    Some(n) => {
                        let y = self.b.iconst(n);
                        let x = self.b.load64(home(a));
                        self.decide(Cond::icmp(IntCc::Eq, x, y), &w);
                    }
                    None => self.b.jump(w.fails.0, &w.fails.1),
                }
                self.b.switch_to(not_int);
                let cond = self.tag_is(IntCc::Ne, a, tag::FLOAT);
                self.b.exit_if(cond, w.fails.0, &w.fails.1);
                if matches!(constant, Const::Int(n) if (float as i64) != *n || float.abs() > 9e15) {
                    self.b.jump(slow, &[]);
                } else {
                    let x = self.b.loadf(home(a));
                    let y = self.b.fconst(float);
                    self.decide(Cond::fcmp(FloatCc::Eq, x, y), &w);
                }
            }
            _ => {
                let slow = self.slow_test(c.negated, &w);
                self.b.jump(slow, &[]);
            }
        }
    }

    /// JMPT, JMPF.
    pub(crate) fn truth(&mut self, i: Instr) {
        let negated = i.op() == Op::JmpF;
        let w = self.ways(i, negated);
        let cond = self.truth_of(i.a());
        self.decide(cond, &w);
    }
    fn truth_of(&mut self, r: usize) -> Cond {
        // true and everything above
        self.tag_is(IntCc::Uge, r, tag::TRUE)
    }
    /// JMPTSET, JMPFSET.
    pub(crate) fn truth_set(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let wanted = i.op() == Op::JmpTSet;
        let jump = self.jump_target(i);
        let next = self.pc + 1;
        let set = self.b.create_block();
        let fall = self.edge(next);
        let cond = self.truth_of(b);
        if wanted {
            self.b.brif(cond, (set, &[]), (fall.0, &fall.1));
        } else {
            self.b.brif(cond, (fall.0, &fall.1), (set, &[]));
        }
        self.b.switch_to(set);
        let (types, payload, constant) =
            (self.ty.clone(), self.payload.clone(), self.constant.clone());
        self.copy(a, b);
        self.go(jump);
        // The fall-through block did not copy.
        (self.ty, self.payload, self.constant) = (types, payload, constant);
        self.payload[a] = None;
        self.constant[a] = None;
    }

    /// MOVE.
    pub(crate) fn copy(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let t = self.ty[b];
        if t.tag().is_some() {
            let v = self.get(b);
            let constant = self.constant[b];
            self.set(a, t, v);
            self.constant[a] = constant;
        } else {
            let if_int = self.if_int[b];
            let v = self.get(b);
            let tag = self.b.load(LoadKind::U8, home_tag(b));
            self.store_both(a, v, tag);
            self.defined(a, t);
            match if_int {
                Some(_) => self.if_int[a] = if_int,
                None => self.payload[a] = Some(v),
            }
        }
    }
}
