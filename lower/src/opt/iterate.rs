//! Generic `for`: the step of `ipairs` in line, other library functions by a leaf function, functions of the program in line or called.
//!
//! A loop over `ipairs` or `next` asks on its way in who steps, and through what (TFORPREP); an iteration of `ipairs` looks at the length and the kind of the array.
//! TFORCALL and the TFORLOOP behind it are one: where an element is found, and where the array ends, it is known how the loop goes on.

use super::facts;
use super::func::Lowering;
use super::mem;
use super::state::{Reg, State};
use super::tags::Tags;
use crate::Symbol;
use std::iter::repeat;
use trinity_abi::helpers::{Helper, leaf};
use trinity_abi::intrinsic::Intrinsic;
use trinity_abi::unit::kind;
use trinity_abi::{table, tag};
use trinity_codegen::ir::{Block, Clobbers, Cond, IntCc, LoadKind, Value, Width};
use trinity_frontend::bytecode::Instr;

/// A TFORCALL that knew how its loop goes on: the present block goes round it.
pub(crate) struct Iterated {
    /// Where it ends.
    finished: Block,
    /// The registers there.
    state: State,
}

impl Lowering<'_> {
    /// TFORPREP: most loops have nothing to close.
    pub(crate) fn prepare_iteration(&mut self, i: Instr) {
        let a = i.a();
        let call = facts::jump_target(i, self.pc);
        if let Some(steps) = facts::plan_traversal(self.frame().p, &self.spec(), call) {
            self.traverses(a, steps.step);
            self.store_registers(a..a + 4);
        }
        if self.tags(a + 3).within(Tags::NIL.or(Tags::of(tag::FALSE))) {
            return;
        }
        let t = self.peek_tag(a + 3);
        let some = Cond::icmp(IntCc::Uge, t, i32::from(tag::TRUE));
        if self.depth() > 0 {
            // Code in line has no place for what is to be closed.
            let exit = self.exit_block();
            return self.b.exit_if(some, exit, &[]);
        }
        let slow = self.b.create_cold_block();
        let done = self.b.create_block();
        self.b.brif(some, (slow, &[]), (done, &[]));
        self.b.switch_to(slow);
        self.flush(false);
        self.helper_saving(Helper::test, kind::JUMP);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }
    /// Leaves unless this function goes through a table.
    fn traverses(&mut self, a: usize, step: Intrinsic) {
        self.recognise(a, step);
        self.guard(a + 1, Tags::TABLE);
        self.get(a + 1);
        if step == Intrinsic::IpairsIterator {
            self.guard(a + 2, Tags::INT);
            self.get(a + 2);
        }
    }

    /// TFORCALL.
    pub(crate) fn iterate(&mut self, i: Instr) {
        let (a, c) = (i.a(), i.c());
        if let Some(steps) = facts::plan_traversal(self.frame().p, &self.spec(), self.pc) {
            // The loop's end has no instruction of its own any more at which objects could be made.
            self.pc += 1;
            self.make_sunk();
            self.pc -= 1;
            self.exit_cache = None;
            self.traverses(a, steps.step);
            self.remark_done(steps.step, "is done in line");
            let exit = self.exit_block();
            self.native_call_left(exit);
            return match steps.step {
                Intrinsic::IpairsIterator => self.iterate_array(i, steps.value),
                _ => self.iterate_pairs(i, steps),
            };
        }
        if self.inline_iterator(i) {
            return;
        }
        if self.spec().native(self.pc).is_none() && self.spec().is_hot(self.pc) {
            return self.iterate_by_call(i);
        }
        self.iterate_by_leaf(i);
        self.exit_cache = None;
        for r in a + 4..a + 4 + c {
            self.set(r, Reg::in_home(facts::VALUE));
        }
    }
    /// TFORLOOP.
    pub(crate) fn generic_loop(&mut self, i: Instr) {
        let Some(Iterated { finished, state }) = self.iterated.take() else {
            let cond = self.tag_cond(IntCc::Ne, i.a() + 4, tag::NIL);
            let (exit, again) = (self.edge(0), self.edge(1));
            self.b.brif(cond, (again, &[]), (exit, &[]));
            return;
        };
        let again = self.edge(1);
        self.b.jump(again, &[]);
        self.b.switch_to(finished);
        let goes_on = std::mem::replace(&mut self.state, state);
        self.exit_cache = None;
        let exit = self.edge(0);
        self.b.jump(exit, &[]);
        self.state = goes_on;
    }

    /// TFORCALL by a leaf function, or else by the helper; the results are in home slots.
    fn iterate_by_leaf(&mut self, i: Instr) {
        let (a, c) = (i.a(), i.c());
        self.store_registers(a..a + 3);
        let thread = self.thread();
        let from = self.slot_address(a);
        let wanted = self.b.iconst(c as i64);
        let args = [thread, from, wanted];
        let [stepped, _] = self.leaf(Symbol::Stub(leaf::ITERATE), &args, Clobbers::Homes);
        let slow = self.b.create_cold_block();
        let done = self.b.create_block();
        let declined = Cond::icmp_w(IntCc::Eq, Width::W32, stepped, 0);
        self.b.brif(declined, (slow, &[]), (done, &[]));
        self.b.switch_to(slow);
        self.flush(false);
        self.helper_saving(Helper::tfor_call, kind::NEXT);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    /// TFORCALL with the step of `ipairs`, whose elements are to be `want`: the next element of the array; behind its end the leaf function knows more.
    fn iterate_array(&mut self, i: Instr, want: Tags) {
        let (a, c) = (i.a(), i.c());
        let exit = self.exit_block();
        let (t, index) = (self.get(a + 1), self.get(a + 2));
        let finished = self.b.create_block();
        let more = self.b.create_block();
        let key = self.value_params(more, Tags::INT);
        let element = match c {
            1 => Reg::only_tag(Tags::NIL),
            _ => self.value_params(more, want),
        };
        let beyond = self.beyond_array(i, want, more, finished);
        let len = self.b.load(LoadKind::U32, mem::array(t, table::ARRAY_LEN));
        let inside = Cond::icmp(IntCc::Ugt, len, index);
        let end = self.array_ends(t, beyond, finished);
        self.b.exit_unless(inside, end, &[]);
        let next = self.b.iadd(index, 1);
        let mut args = vec![next];
        let (array, found) = match self.only_kind() {
            Some(kind) => {
                self.remark_elements(kind);
                self.element_of_kind(t, next, kind, exit)
            }
            None => self.element_tag_or(t, next, beyond),
        };
        self.loaded(found, want, beyond);
        if c > 1 {
            self.remark_result(want);
            if want.has_payload() {
                args.push(self.element_payload(array, next, want));
            }
            if want.single().is_none() {
                args.push(found);
            }
        }
        self.b.jump(more, &args);
        self.ends_or_goes_on(i, finished, more, [key, element]);
    }
    /// The loop's variables where it ends, which is remembered for TFORLOOP, and where it goes on.
    fn ends_or_goes_on(&mut self, i: Instr, finished: Block, more: Block, pair: [Reg; 2]) {
        let (a, c) = (i.a(), i.c());
        let nil = Reg::only_tag(Tags::NIL);
        let variables = |pair: [Reg; 2]| (a + 4..).zip(pair.into_iter().chain(repeat(nil))).take(c);
        for (r, reg) in variables([nil; 2]) {
            self.set(r, reg);
        }
        let state = self.state.clone();
        self.iterated = Some(Iterated { finished, state });
        self.b.switch_to(more);
        for (r, reg) in variables(pair) {
            self.set(r, reg);
        }
    }

    /// TFORCALL with `next`, by a leaf function: the pair is in home slots.
    fn iterate_pairs(&mut self, i: Instr, steps: facts::Traversal) {
        let (a, c) = (i.a(), i.c());
        self.store_registers(a..a + 4);
        let from = self.slot_address(a);
        let tags = self.leaf(Symbol::Stub(leaf::NEXT), &[from], Clobbers::Homes);
        // A key that is not there is an error.
        let exit = self.exit_block();
        self.unless_declined(tags, exit);
        let finished = self.b.create_block();
        let ended = Cond::icmp(IntCc::Eq, tags[0], i32::from(tag::NIL));
        self.b.exit_if(ended, finished, &[]);
        let before = self.state.clone();
        for r in a + 4..a + 4 + c {
            let known = match r - a {
                4 | 5 => Reg::in_home(facts::VALUE),
                _ => Reg::only_tag(Tags::NIL),
            };
            self.set(r, known);
        }
        let behind = self.exit_block_at(self.pc + 1);
        let wants = [steps.key, steps.value];
        let mut pair = [Reg::DEAD; 2];
        for (n, (want, t)) in wants.into_iter().zip(tags).enumerate().take(c) {
            self.remark_result(want);
            if super::spec::is_guardable(want) {
                self.loaded(t, want, behind);
            }
            *self.reg_mut(a + 4 + n) = Reg {
                t: want.single().is_none().then_some(t),
                ..Reg::in_home(want)
            };
            self.get(a + 4 + n);
            pair[n] = self.reg(a + 4 + n);
        }
        self.state = before;
        let more = self.b.create_block();
        self.b.jump(more, &[]);
        self.ends_or_goes_on(i, finished, more, pair);
    }

    /// A cold block for what is not in the array: metamethods and the hash part are the leaf function's.
    fn beyond_array(&mut self, i: Instr, want: Tags, more: Block, finished: Block) -> Block {
        let (a, c) = (i.a(), i.c());
        let here = self.b.current();
        let saved = self.state.clone();
        let beyond = self.b.create_cold_block();
        self.b.switch_to(beyond);
        self.iterate_by_leaf(i);
        for r in a + 4..a + 4 + c {
            self.set(r, Reg::in_home(facts::VALUE));
        }
        let ended = self.tag_cond(IntCc::Eq, a + 4, tag::NIL);
        self.b.exit_if(ended, finished, &[]);
        self.refine(a + 4, Tags::INT);
        let mut args = vec![self.peek_bits(a + 4)];
        if c > 1 {
            if super::spec::is_guardable(want) {
                let exit = self.exit_block_at(self.pc + 1);
                self.leave_unless_tag(a + 5, want, exit);
            }
            self.refine(a + 5, want);
            args.extend(self.arguments(a + 5, want));
        }
        self.b.jump(more, &args);
        self.state = saved;
        self.exit_cache = None;
        self.b.switch_to(here);
        beyond
    }
    /// A block for the index behind an array's length: the loop ends if the table has neither hash part nor metatable, else it is `beyond`'s.
    fn array_ends(&mut self, t: Value, beyond: Block, finished: Block) -> Block {
        let here = self.b.current();
        let end = self.b.create_block();
        self.b.switch_to(end);
        for part in [table::HASH, table::METATABLE] {
            let some = Cond::icmp_mem(IntCc::Ne, Width::W64, mem::shape(t, part), 0);
            self.b.exit_if(some, beyond, &[]);
        }
        self.b.jump(finished, &[]);
        self.b.switch_to(here);
        end
    }
}
