//! Numeric and generic `for`.

use crate::func::{FnLower, home, home_tag};
use crate::types::Type;
use trinity_abi::helpers::Helper;
use trinity_abi::tag;
use trinity_abi::unit::kind;
use trinity_codegen::ir::{Cond, IntCc, LoadKind};
use trinity_frontend::bytecode::Instr;

impl FnLower<'_> {
    /// FORPREP: positive constant steps over integers inline (the trip count is unsigned), the rest by the helper.
    pub(crate) fn for_prep(&mut self, i: Instr) {
        let a = i.a();
        let body = self.pc + 1;
        let exit = self.jump_target(i) + 1;
        if let Some(s) = self.constant[a + 2] {
            // Lua code cannot assign to the hidden step: what it is here it is at the FORLOOP.
            self.loop_steps.insert(self.jump_target(i), s);
        }
        let step = match self.constant[a + 2] {
            Some(s) if s > 0 && self.ty[a] == Type::Int && self.ty[a + 2] == Type::Int => s,
            _ => {
                let skip = self.helper(Helper::test, kind::JUMP);
                self.forget_payloads();
                self.types_after_prep(a);
                return self.branch(Cond::icmp(IntCc::Ne, skip, 0), exit, body);
            }
        };
        let start = self.get(a);
        if self.ty[a + 1] == Type::Int {
            let limit = self.get(a + 1);
            let runs = self.b.create_block();
            let (eb, ea) = self.edge(exit);
            self.b
                .brif(Cond::icmp(IntCc::Sle, start, limit), (runs, &[]), (eb, &ea));
            self.b.switch_to(runs);
            let count = self.trip_count(start, limit, step);
            self.set(a + 1, Type::Int, count);
            self.set(a + 3, Type::Int, start);
            return self.go(body);
        }
        // The limit may be anything: an integer is handled here.
        let slow = self.b.create_cold_block();
        let c = self.tag_is(IntCc::Ne, a + 1, tag::INT);
        self.b.exit_if(c, slow, &[]);
        let limit = self.b.load64(home(a + 1));
        let (eb, ea) = self.edge(exit);
        let runs = self.b.create_block();
        self.b
            .brif(Cond::icmp(IntCc::Sle, start, limit), (runs, &[]), (eb, &ea));
        let before = (self.ty.clone(), self.payload.clone());
        self.b.switch_to(slow);
        let skip = self.helper(Helper::test, kind::JUMP);
        self.forget_payloads();
        self.types_after_prep(a);
        self.branch(Cond::icmp(IntCc::Ne, skip, 0), exit, body);
        (self.ty, self.payload) = before;
        self.b.switch_to(runs);
        let count = self.trip_count(start, limit, step);
        self.b.store64(home(a + 1), count);
        self.ty[a + 1] = Type::Int;
        self.payload[a + 1] = Some(count);
        self.set(a + 3, Type::Int, start);
        self.go(body);
        // Nothing computed on one of the two ways may be used by both.
        self.payload.fill(None);
        self.constant[a + 1] = None;
    }

    fn trip_count(
        &mut self,
        start: trinity_codegen::ir::Value,
        limit: trinity_codegen::ir::Value,
        step: i64,
    ) -> trinity_codegen::ir::Value {
        let distance = self.b.isub(limit, start);
        if step == 1 {
            return distance;
        }
        if (step as u64).is_power_of_two() {
            return self.b.shr(distance, step.trailing_zeros() as i32);
        }
        // Unsigned division of a distance that may exceed the signed range: halve it first, then correct.
        // q = floor((d >> 1) / s) * 2 + (rest >= s): at most one correction, as (d - 2*q*s) < 2*s.
        let d = self.b.iconst(step);
        let half = self.b.shr(distance, 1);
        let q0 = self.b.sdiv(half, d);
        let q = self.b.shl(q0, 1);
        let product = self.b.imul(q, d);
        let rest = self.b.isub(distance, product);
        let one = self.b.bool_of(Cond::icmp(IntCc::Uge, rest, d));
        self.b.iadd(q, one)
    }

    fn types_after_prep(&mut self, a: usize) {
        let mut after = self.ty.clone();
        crate::types::transfer(self.p, self.p.code[self.pc as usize], &mut after);
        for (r, t) in after.into_iter().enumerate().skip(a).take(4) {
            self.defined(r, t);
        }
    }

    /// FORLOOP.
    pub(crate) fn for_loop(&mut self, i: Instr) {
        let a = i.a();
        let body = self.jump_target(i);
        let exit = self.pc + 1;
        if self.ty[a] == Type::Int {
            return self.int_loop(a, body, exit);
        }
        if self.ty[a] == Type::Float {
            return self.float_loop(a, body, exit);
        }
        // Integer or float, known only at run time.
        let float = self.b.create_block();
        let c = self.tag_is(IntCc::Ne, a, tag::INT);
        self.b.exit_if(c, float, &[]);
        let before = (self.ty.clone(), self.payload.clone());
        self.ty[a] = Type::Int;
        self.ty[a + 1] = Type::Int;
        self.ty[a + 2] = Type::Int;
        self.payload[a..=a + 3].fill(None);
        self.int_loop(a, body, exit);
        (self.ty, self.payload) = before;
        self.b.switch_to(float);
        let again = self.helper(Helper::test, kind::JUMP);
        self.forget_payloads();
        self.branch(Cond::icmp(IntCc::Ne, again, 0), body, exit);
    }

    fn int_loop(&mut self, a: usize, body: u32, exit: u32) {
        let count = self.get(a + 1);
        let index = self.get(a);
        let step = match self.loop_steps.get(&self.pc) {
            Some(&s) => self.b.iconst(s),
            None => self.get(a + 2),
        };
        let next = self.b.create_block();
        let (eb, ea) = self.edge(exit);
        self.b
            .brif(Cond::icmp(IntCc::Ne, count, 0), (next, &[]), (eb, &ea));
        self.b.switch_to(next);
        let keep = (self.ty.clone(), self.payload.clone(), self.constant.clone());
        let left = self.b.isub(count, 1);
        let value = self.b.iadd(index, step);
        self.set(a + 1, Type::Int, left);
        self.set(a, Type::Int, value);
        self.set(a + 3, Type::Int, value);
        self.go(body);
        // The exit block must not see the next iteration's values.
        (self.ty, self.payload, self.constant) = keep;
        self.payload[a] = None;
        self.payload[a + 1] = None;
        self.payload[a + 3] = None;
    }

    fn float_loop(&mut self, a: usize, body: u32, exit: u32) {
        let again = self.helper(Helper::test, kind::JUMP);
        self.forget_payloads();
        self.defined(a, Type::Float);
        self.defined(a + 3, Type::Float);
        self.branch(Cond::icmp(IntCc::Ne, again, 0), body, exit);
    }

    /// TFORLOOP.
    pub(crate) fn generic_loop(&mut self, i: Instr) {
        let a = i.a();
        let body = self.jump_target(i);
        let exit = self.pc + 1;
        let next = self.b.create_block();
        let (eb, ea) = self.edge(exit);
        let t = self.b.load(LoadKind::U8, home_tag(a + 4));
        self.b
            .brif(Cond::icmp(IntCc::Ne, t, 0), (next, &[]), (eb, &ea));
        self.b.switch_to(next);
        let p = self.b.load64(home(a + 4));
        self.store_both(a + 2, p, t);
        self.defined(a + 2, Type::Any);
        self.go(body);
    }
}
