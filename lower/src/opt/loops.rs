//! Numeric `for`.
//!
//! An integer loop keeps one number: its index, which runs up to the last one. What the interpreter counts down
//! (`R[a+1]`) follows from it where somebody looks.

use super::facts;
use super::func::{CountedLoop, Lowering};
use super::mem;
use super::numeric_loops::{for_loop_of, step_before};
use super::state::{Payload, Reg, Step};
use super::tags::Tags;
use trinity_abi::helpers::Helper;
use trinity_abi::unit::kind;
use trinity_codegen::ir::{Cond, FloatCc, IntCc, Type as IrType, Value, Width};
use trinity_frontend::bytecode::{Instr, Op};

impl Lowering<'_> {
    /// CLOSE: nothing, unless some variable of the thread waits to be closed.
    pub(crate) fn close(&mut self) {
        let slow = self.b.create_cold_block();
        let done = self.b.create_block();
        let waiting = mem::thread(trinity_abi::thread::CLOSING);
        let some = Cond::icmp_mem(IntCc::Ne, Width::W32, waiting, 0);
        self.b.brif(some, (slow, &[]), (done, &[]));
        self.slow_helper(slow);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    /// What the instruction at `pc` writes on the edge whose node this is.
    pub(crate) fn edge_writes(&mut self, pc: u32) {
        let i = self.frame().p.code[pc as usize];
        let a = i.a();
        match i.op() {
            Op::JmpTSet | Op::JmpFSet => self.copy(a, i.b()),
            Op::TForLoop => self.copy(a + 2, a + 4),
            Op::ForPrep => self.loop_begins(pc, a),
            Op::ForLoop => self.loop_continues(pc, a),
            _ => {}
        }
    }

    /// FORPREP.
    pub(crate) fn for_prep(&mut self, i: Instr) {
        let a = i.a();
        let plan = facts::plan_loop(self.tags(a), self.tags(a + 1), self.tags(a + 2));
        let step = step_before(self.frame().p, self.pc, a);
        if plan == Some(Tags::INT) {
            self.guard(a, Tags::INT);
            self.guard(a + 2, Tags::INT);
        }
        if plan != Some(Tags::INT) {
            return self.prep_by_helper(plan);
        }
        let start = self.get(a);
        let by = self.get(a + 2);
        let exit = self.edge(1);
        let enter = self.b.create_block();
        let last = self.b.block_param(enter, IrType::I64);
        let limits = self.tags(a + 1);
        let here = self.b.current();
        // What is no integer as a limit, and unusual steps, are the helper's.
        let slow = self.b.create_cold_block();
        self.b.switch_to(slow);
        self.flush(false);
        let skip = self.helper_saving(Helper::test, kind::JUMP);
        self.b.exit_if(Cond::icmp(IntCc::Ne, skip, 0), exit, &[]);
        let count = self.b.load64(mem::home(self.slot(a + 1)));
        if step.is_none() {
            // A loop over half of all integers and more is the interpreter's: registers are in home slots.
            let saved = self.state[self.depth()][a..a + 4].to_vec();
            for r in a..a + 4 {
                self.set(r, Reg::in_home(Tags::INT));
            }
            let huge = self.exit_block_at(self.pc + 1);
            let d = self.depth();
            self.state[d][a..a + 4].copy_from_slice(&saved);
            self.b.exit_if(Cond::icmp(IntCc::Slt, count, 0), huge, &[]);
            let high = self.b.smulh(count, by);
            let low = self.b.imul(count, by);
            let sign = self.b.sar(low, 63);
            self.b.exit_if(Cond::icmp(IntCc::Ne, high, sign), huge, &[]);
        }
        let span = self.b.imul(count, by);
        let end = self.b.iadd(start, span);
        self.b.jump(enter, &[end]);
        self.b.switch_to(here);
        if limits.meets(Tags::INT) {
            self.leave_unless_tag(a + 1, Tags::INT, slow);
            let limit = self.peek_bits(a + 1);
            if step.is_none() {
                self.b.exit_if(Cond::icmp(IntCc::Sle, by, 0), slow, &[]);
            }
            let down = step.is_some_and(|n| n < 0);
            let beyond = if down { IntCc::Slt } else { IntCc::Sgt };
            self.b.exit_if(Cond::icmp(beyond, start, limit), exit, &[]);
            let end = match step {
                Some(1 | -1) => limit,
                _ => {
                    let distance = self.b.isub(limit, start);
                    let count = match step {
                        Some(n) => self.steps_within(distance, n),
                        None => {
                            self.b
                                .exit_if(Cond::icmp(IntCc::Slt, distance, 0), slow, &[]);
                            self.b.sdiv(distance, by)
                        }
                    };
                    let span = self.b.imul(count, by);
                    self.b.iadd(start, span)
                }
            };
            self.b.jump(enter, &[end]);
        } else {
            self.b.jump(slow, &[]);
        }
        self.b.switch_to(enter);
        let key = for_loop_of(self.frame().p, self.pc);
        let step = step.map_or(Step::Value(by), Step::Const);
        self.frame_mut()
            .loops
            .insert(key, CountedLoop { last, step });
        let to = self.edge(0);
        self.b.jump(to, &[]);
    }

    /// The helper prepares the loop: its registers are in home slots then, of the loop's kind.
    fn prep_by_helper(&mut self, plan: Option<Tags>) {
        self.remark_generic(true);
        let a = self.instr().a();
        self.flush(true);
        let exit = self.edge(1);
        let skip = self.helper_now(Helper::test, kind::JUMP, None);
        let tags = plan.unwrap_or(Tags::NUM);
        // The way out sees the registers as they were: they are dead there, or the helper has not changed them.
        for r in a..a + 4 {
            self.set(r, Reg::in_home(tags));
        }
        let enter = self.edge(0);
        self.b
            .brif(Cond::icmp(IntCc::Ne, skip, 0), (exit, &[]), (enter, &[]));
    }

    /// The edge from FORPREP into the loop.
    fn loop_begins(&mut self, pc: u32, a: usize) {
        let key = for_loop_of(self.frame().p, pc);
        let Some(CountedLoop { last, step }) = self.frame().loops.get(&key).copied() else {
            // The helper has written them all.
            return;
        };
        let index = self.get(a);
        let count = Payload::Count { last, index, step };
        self.set(
            a + 1,
            Reg {
                tags: Tags::INT,
                p: count,
                t: None,
                home: false,
            },
        );
        self.define(a + 3, Tags::INT, index);
    }

    /// FORLOOP.
    pub(crate) fn for_loop(&mut self, i: Instr) {
        let a = i.a();
        let counted = self.frame().loops.get(&self.pc).copied();
        if let Some(CountedLoop { last, .. }) = counted {
            let index = self.get(a);
            let (exit, again) = (self.edge(0), self.edge(1));
            return self.b.brif(
                Cond::icmp(IntCc::Ne, index, last),
                (again, &[]),
                (exit, &[]),
            );
        }
        match self.tags(a) {
            Tags::FLOAT => {
                let next = self.next_float(a);
                let limit = self.float_register(a + 1);
                let step = self.float_register(a + 2);
                let (exit, again) = (self.edge(0), self.edge(1));
                let zero = self.b.fconst(0.0);
                let down = self.b.create_block();
                self.b
                    .exit_unless(Cond::fcmp(FloatCc::Gt, step, zero), down, &[]);
                self.b.brif(
                    Cond::fcmp(FloatCc::Le, next, limit),
                    (again, &[]),
                    (exit, &[]),
                );
                self.b.switch_to(down);
                self.b.brif(
                    Cond::fcmp(FloatCc::Le, limit, next),
                    (again, &[]),
                    (exit, &[]),
                );
            }
            _ => {
                // Integer or float, known only at run time.
                self.remark_generic(true);
                self.flush(true);
                let exit = self.edge(0);
                let jumps = self.helper_now(Helper::test, kind::JUMP, None);
                for r in [a, a + 1, a + 3] {
                    self.set(r, Reg::in_home(Tags::NUM));
                }
                let again = self.edge(1);
                self.b
                    .brif(Cond::icmp(IntCc::Ne, jumps, 0), (again, &[]), (exit, &[]));
            }
        }
    }

    fn float_register(&mut self, r: usize) -> Value {
        if self.tags(r) == Tags::FLOAT {
            self.get(r)
        } else {
            self.peek_float(r)
        }
    }
    fn next_float(&mut self, a: usize) -> Value {
        let index = self.float_register(a);
        let step = self.float_register(a + 2);
        self.b.fadd(index, step)
    }

    /// The edge from FORLOOP back to the body.
    fn loop_continues(&mut self, pc: u32, a: usize) {
        if let Some(CountedLoop { last, step }) = self.frame().loops.get(&pc).copied() {
            let index = self.get(a);
            let s = match step {
                Step::Const(n) => self.b.iconst(n),
                Step::Value(v) => v,
            };
            let next = self.b.iadd(index, s);
            self.define(a, Tags::INT, next);
            self.define(a + 3, Tags::INT, next);
            let p = Payload::Count {
                last,
                index: next,
                step,
            };
            return self.set(
                a + 1,
                Reg {
                    tags: Tags::INT,
                    p,
                    t: None,
                    home: false,
                },
            );
        }
        // Of other loops the helper wrote the registers.
        if self.tags(a) == Tags::FLOAT {
            let next = self.next_float(a);
            self.define(a, Tags::FLOAT, next);
            self.define(a + 3, Tags::FLOAT, next);
        }
    }
}
