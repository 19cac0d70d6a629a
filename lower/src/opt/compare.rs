//! Comparisons with jumps and truth tests.

use super::facts;
use super::func::Lowering;
use super::mem;
use super::state::Reg;
use super::tags::Tags;
use crate::compare::{Comparison, comparison};
use trinity_abi::helpers::Helper;
use trinity_abi::unit::kind;
use trinity_abi::{table, tag};
use trinity_codegen::ir::{Block, Cond, FloatCc, IntCc, Value};
use trinity_frontend::bytecode::op::Event;
use trinity_frontend::bytecode::{Const, Instr, Op};

/// Integers of up to this are floats exactly.
const EXACT: i64 = 1 << 53;

/// The two ways out of a comparison.
#[derive(Clone, Copy)]
struct Ways {
    holds: Block,
    fails: Block,
}

impl Lowering<'_> {
    fn ways(&mut self, negated: bool) -> Ways {
        let (next, jump) = (self.edge(0), self.edge(1));
        if negated {
            Ways {
                holds: next,
                fails: jump,
            }
        } else {
            Ways {
                holds: jump,
                fails: next,
            }
        }
    }
    fn decide(&mut self, cond: Cond, w: Ways) {
        self.b.brif(cond, (w.holds, &[]), (w.fails, &[]));
    }
    /// A cold block that decides by the `test` helper (whose result says whether the instruction jumps).
    fn slow_test(&mut self, negated: bool, w: Ways) -> Block {
        self.remark_generic(false);
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.b.switch_to(slow);
        self.flush(false);
        let jumps = self.helper_saving(Helper::test, kind::JUMP);
        let cc = if negated { IntCc::Eq } else { IntCc::Ne };
        self.decide(Cond::icmp(cc, jumps, 0), w);
        self.b.switch_to(here);
        slow
    }

    /// JMPLT, JMPLE and their negations, on registers.
    pub(crate) fn order(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let c = comparison(i.op());
        if let Some(t) = facts::plan_compare(&self.spec(), self.pc, self.tags(a), self.tags(b)) {
            return self.compare_known(a, b, t, c);
        }
        if self.order_of_numbers(a, b, c) {
            return;
        }
        if let Some(cond) = self.string_order(a, b, c.int) {
            let w = self.ways(c.negated);
            return self.decide(cond, w);
        }
        let (ta, tb) = (self.tags(a), self.tags(b));
        let w = self.ways(c.negated);
        let slow = self.slow_test(c.negated, w);
        let floats = ta.meets(Tags::FLOAT) && tb.meets(Tags::FLOAT);
        if ta.meets(Tags::INT) && tb.meets(Tags::INT) {
            let not_int = if floats { self.b.create_block() } else { slow };
            self.leave_unless_tag(a, Tags::INT, not_int);
            self.leave_unless_tag(b, Tags::INT, slow);
            let (x, y) = (self.peek_bits(a), self.peek_bits(b));
            self.decide(Cond::icmp(c.int, x, y), w);
            if !floats {
                return;
            }
            self.b.switch_to(not_int);
        }
        if floats {
            self.leave_unless_tag(a, Tags::FLOAT, slow);
            self.leave_unless_tag(b, Tags::FLOAT, slow);
            let (x, y) = (self.peek_float(a), self.peek_float(b));
            self.decide(Cond::fcmp(c.float, x, y), w);
        } else {
            self.b.jump(slow, &[]);
        }
    }

    /// An integer and a float, if they are known to be such: integers of up to 53 bits are compared as floats, which they are exactly. False: nothing was done.
    fn order_of_numbers(&mut self, a: usize, b: usize, c: Comparison) -> bool {
        let spec = self.spec();
        let kind = |r, n| facts::number_kind(self.tags(r), spec.operand(self.pc, n));
        let (Some(x), Some(y)) = (kind(a, 0), kind(b, 1)) else {
            return false;
        };
        self.guard(a, x);
        self.guard(b, y);
        let w = self.ways(c.negated);
        let mut floats = [a, b].map(|r| self.get(r));
        for n in [x, y].into_iter().zip(&mut floats) {
            if n.0 == Tags::INT {
                let (int, float) = (*n.1, self.b.int_to_float(*n.1));
                *n.1 = float;
                let exact = |n: i64| (-EXACT..=EXACT).contains(&n);
                if !self.b.func().as_iconst(int).is_some_and(exact) {
                    let slow = self.slow_test(c.negated, w);
                    let high = self.b.sar(int, EXACT.trailing_zeros() as i32);
                    let beyond = self.b.iadd(high, 1);
                    self.b.exit_if(Cond::icmp(IntCc::Ugt, beyond, 1), slow, &[]);
                }
            }
        }
        self.decide(Cond::fcmp(c.float, floats[0], floats[1]), w);
        true
    }

    /// Both operands are of kind `t`, or it leaves.
    fn compare_known(&mut self, a: usize, b: usize, t: Tags, c: Comparison) {
        self.guard(a, t);
        self.guard(b, t);
        let (x, y) = (self.get(a), self.get(b));
        let w = self.ways(c.negated);
        let cond = if t == Tags::INT {
            Cond::icmp(c.int, x, y)
        } else {
            Cond::fcmp(c.float, x, y)
        };
        self.decide(cond, w);
    }

    /// Comparisons with an integer immediate.
    pub(crate) fn order_imm(&mut self, i: Instr) {
        let a = i.a();
        let n = i32::from(i.sb());
        let c = comparison(i.op());
        let equality = c.int == IntCc::Eq;
        let seen = self.spec().operand(self.pc, 0).filter(|_| !equality);
        if let Some(t) = facts::number_kind(self.tags(a), seen) {
            self.guard(a, t);
            let x = self.get(a);
            let w = self.ways(c.negated);
            let cond = if t == Tags::INT {
                Cond::icmp(c.int, x, n)
            } else {
                let y = self.b.fconst(f64::from(n));
                Cond::fcmp(c.float, x, y)
            };
            return self.decide(cond, w);
        }
        let w = self.ways(c.negated);
        let tags = self.tags(a);
        let slow = if equality {
            // Nothing but a number equals an integer.
            w.fails
        } else {
            self.slow_test(c.negated, w)
        };
        let floats = tags.meets(Tags::FLOAT);
        if tags.meets(Tags::INT) {
            let not_int = if floats { self.b.create_block() } else { slow };
            self.leave_unless_tag(a, Tags::INT, not_int);
            let x = self.peek_bits(a);
            self.decide(Cond::icmp(c.int, x, n), w);
            if !floats {
                return;
            }
            self.b.switch_to(not_int);
        }
        if floats {
            self.leave_unless_tag(a, Tags::FLOAT, slow);
            let x = self.peek_float(a);
            let y = self.b.fconst(f64::from(n));
            self.decide(Cond::fcmp(c.float, x, y), w);
        } else {
            self.b.jump(slow, &[]);
        }
    }

    /// JMPEQ, JMPNE.
    pub(crate) fn equal(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let c = comparison(i.op());
        if let Some(same) = self.same_closure(a, b) {
            let w = self.ways(c.negated);
            return self.b.jump(if same { w.holds } else { w.fails }, &[]);
        }
        if let Some(t) = facts::plan_compare(&self.spec(), self.pc, self.tags(a), self.tags(b)) {
            return self.compare_known(a, b, t, c);
        }
        let w = self.ways(c.negated);
        let (all_a, all_b) = (self.tags(a), self.tags(b));
        let slow = self.slow_test(c.negated, w);
        let ta = self.peek_tag(a);
        let tb = self.peek_tag(b);
        let differ = self.b.create_block();
        self.b.exit_if(Cond::icmp(IntCc::Ne, ta, tb), differ, &[]);
        let both = all_a.and(all_b);
        // Same tag. Floats compare as floats; equal payloads are equal; of different ones only long strings, tables and userdata need more,
        // and nil and booleans have no payload.
        if both.meets(Tags::FLOAT) {
            let float = self.b.create_block();
            self.b
                .exit_if(Cond::icmp(IntCc::Eq, ta, i32::from(tag::FLOAT)), float, &[]);
            let here = self.b.current();
            self.b.switch_to(float);
            let x = self.peek_float(a);
            let y = self.peek_float(b);
            self.decide(Cond::fcmp(FloatCc::Eq, x, y), w);
            self.b.switch_to(here);
        }
        if !both.has_payload() {
            self.b.jump(w.holds, &[]);
        } else {
            let x = self.peek_bits(a);
            let y = self.peek_bits(b);
            self.b.exit_if(Cond::icmp(IntCc::Eq, x, y), w.holds, &[]);
            if both.meets(Tags::NIL.or(Tags::BOOL)) {
                self.b.exit_if(
                    Cond::icmp(IntCc::Ule, ta, i32::from(tag::TRUE)),
                    w.holds,
                    &[],
                );
            }
            let special = Tags::TABLE
                .or(Tags::of(tag::USERDATA))
                .or(Tags::of(tag::LONG_STR));
            if both.meets(special) {
                let above = self.b.isub(ta, i32::from(tag::LONG_STR));
                let more = self.b.create_block();
                self.b.brif(
                    Cond::icmp(IntCc::Ule, above, i32::from(tag::USERDATA - tag::LONG_STR)),
                    (more, &[]),
                    (w.fails, &[]),
                );
                self.b.switch_to(more);
                let function = self.b.isub(ta, i32::from(tag::LUA_FN));
                let slow = match both.meets(Tags::TABLE) {
                    true => self.different_tables(ta, x, y, w.fails, slow),
                    false => slow,
                };
                self.b.brif(
                    Cond::icmp(IntCc::Ule, function, 1),
                    (w.fails, &[]),
                    (slow, &[]),
                );
            } else {
                self.b.jump(w.fails, &[]);
            }
        }
        // Different tags: equal only if both are numbers.
        self.b.switch_to(differ);
        if all_a.meets(Tags::NUM) && all_b.meets(Tags::NUM) {
            let sum = self.b.iadd(ta, tb);
            // Other tags can have this sum, too (2 + 5, 1 + 6); the helper decides.
            self.b.brif(
                Cond::icmp(IntCc::Eq, sum, i32::from(tag::INT + tag::FLOAT)),
                (slow, &[]),
                (w.fails, &[]),
            );
        } else {
            self.b.jump(w.fails, &[]);
        }
    }

    /// A block for two objects that are not the same: to `fails` where they are tables with one metatable, or none, that is known to have no
    /// `__eq`; else to `slow`.
    fn different_tables(
        &mut self,
        kind: Value,
        x: Value,
        y: Value,
        fails: Block,
        slow: Block,
    ) -> Block {
        let here = self.b.current();
        let (entry, some) = (self.b.create_block(), self.b.create_block());
        self.b.switch_to(entry);
        let other = Cond::icmp(IntCc::Ne, kind, i32::from(tag::TABLE));
        self.b.exit_if(other, slow, &[]);
        let mx = self.b.load64(mem::shape(x, table::METATABLE));
        let my = self.b.load64(mem::shape(y, table::METATABLE));
        self.b.exit_if(Cond::icmp(IntCc::Ne, mx, my), slow, &[]);
        let none = Cond::icmp(IntCc::Eq, mx, 0);
        self.b.brif(none, (fails, &[]), (some, &[]));
        self.b.switch_to(some);
        self.known_absent(mx, Event::Eq, slow);
        self.b.jump(fails, &[]);
        self.b.switch_to(here);
        entry
    }

    /// JMPEQK, JMPNEK.
    pub(crate) fn equal_const(&mut self, i: Instr) {
        let (a, k) = (i.a(), i.b());
        let c = comparison(i.op());
        let p = self.frame().p;
        let w = self.ways(c.negated);
        let t = Tags::of_const(&p.consts[k]);
        match &p.consts[k] {
            Const::Nil | Const::Bool(_) => {
                // One tag: of nil or of a boolean.
                let cond = self.tag_cond(IntCc::Eq, a, t.single().unwrap_or(tag::NIL));
                self.decide(cond, w);
            }
            Const::Str(_) if t == Tags::of(tag::SHORT_STR) => {
                self.leave_unless_tag(a, t, w.fails);
                let s = self.const_pointer(k);
                let x = self.peek_bits(a);
                self.decide(Cond::icmp(IntCc::Eq, x, s), w);
            }
            Const::Int(_) | Const::Float(_) => {
                let (exact, float) = match p.consts[k] {
                    Const::Int(n) => (Some(n), n as f64),
                    Const::Float(f) => {
                        let n = f as i64;
                        ((n as f64 == f && n != i64::MAX).then_some(n), f)
                    }
                    _ => (None, 0.0),
                };
                // An integer constant that is no float equals no float, or another one: the helper knows.
                let inexact =
                    matches!(p.consts[k], Const::Int(n) if float as i64 != n || float.abs() > 9e15);
                let slow = self.slow_test(c.negated, w);
                let not_int = self.b.create_block();
                let cond = self.tag_cond(IntCc::Ne, a, tag::INT);
                self.b.exit_if(cond, not_int, &[]);
                match exact {
                    Some(n) => {
                        let y = self.b.iconst(n);
                        let x = self.peek_bits(a);
                        self.decide(Cond::icmp(IntCc::Eq, x, y), w);
                    }
                    None => self.b.jump(w.fails, &[]),
                }
                self.b.switch_to(not_int);
                let cond = self.tag_cond(IntCc::Ne, a, tag::FLOAT);
                self.b.exit_if(cond, w.fails, &[]);
                if inexact {
                    self.b.jump(slow, &[]);
                } else {
                    let x = self.open_bits_as_float(a);
                    let y = self.b.fconst(float);
                    self.decide(Cond::fcmp(FloatCc::Eq, x, y), w);
                }
            }
            Const::Str(_) => {
                let slow = self.slow_test(c.negated, w);
                self.b.jump(slow, &[]);
            }
        }
    }

    /// As `peek_float`, where the register may be known to be something else (the code is then never reached).
    fn open_bits_as_float(&mut self, r: usize) -> trinity_codegen::ir::Value {
        if self.tags(r).meets(Tags::FLOAT) {
            self.peek_float(r)
        } else {
            self.b.fconst(0.0)
        }
    }

    /// JMPT, JMPF.
    pub(crate) fn truth(&mut self, i: Instr) {
        let w = self.ways(i.op() == Op::JmpF);
        let cond = self.truth_of(i.a());
        self.decide(cond, w);
    }
    fn truth_of(&mut self, r: usize) -> Cond {
        // true and everything above
        self.tag_cond(IntCc::Uge, r, tag::TRUE)
    }
    /// JMPTSET, JMPFSET: the copy is on the jump's edge.
    pub(crate) fn truth_set(&mut self, i: Instr) {
        let cond = self.truth_of(i.b());
        let w = self.ways(i.op() == Op::JmpFSet);
        self.decide(cond, w);
    }

    /// MOVE.
    pub(crate) fn copy(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let tags = self.tags(b);
        if tags.has_payload() && self.virtual_in(b).is_none() {
            self.get(b);
        }
        if tags.single().is_none() {
            self.get_tag(b);
        }
        let reg = self.reg(b);
        self.set(a, Reg { home: false, ..reg });
    }
}
