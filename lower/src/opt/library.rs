//! Leaf functions on the main path: library functions by their direct forms (`trinity_abi::intrinsic`), concatenation, the order of strings.
//!
//! A leaf function never raises, runs Lua or collects, so it is no safe point and little is written before it: its arguments, where it takes
//! them from home slots. Where it declines, a cold block does the instruction by its helper.

use super::facts;
use super::func::Lowering;
use super::mem;
use super::state::Reg;
use super::tags::Tags;
use crate::Symbol;
use trinity_abi::helpers::{ASK, Helper, leaf};
use trinity_abi::intrinsic::{Effect, Intrinsic};
use trinity_abi::unit::kind;
use trinity_codegen::ir::{
    Block, Clobbers, Cond, IntCc, LoadKind, PReg, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::Instr;

/// Registers of arguments of C functions.
const ARGUMENTS: [PReg; 6] = [
    PReg::Rdi,
    PReg::Rsi,
    PReg::Rdx,
    PReg::Rcx,
    PReg::R8,
    PReg::R9,
];

impl Lowering<'_> {
    /// Calls a leaf function; what it leaves in rax and rdx.
    pub(crate) fn leaf(
        &mut self,
        symbol: Symbol,
        args: &[Value],
        clobbers: Clobbers,
    ) -> [Value; 2] {
        let args: Vec<_> = args.iter().copied().zip(ARGUMENTS).collect();
        let results = [(IrType::I64, PReg::Rax), (IrType::I64, PReg::Rdx)];
        let r = self
            .b
            .call_symbol(symbol.to_ref(), &args, &results, clobbers, None);
        [r[0], r[1]]
    }
    /// The running thread as an argument.
    pub(crate) fn thread(&mut self) -> Value {
        self.b.addr_of(mem::thread(0))
    }
    /// Writes registers of the innermost frame to their home slots, where they are not there.
    pub(super) fn store_registers(&mut self, range: std::ops::Range<usize>) {
        for r in range {
            let reg = self.reg(r);
            if !reg.home && !reg.tags.is_none() {
                self.store(reg, self.slot(r));
                self.reg_mut(r).home = true;
            }
        }
    }
    /// Goes to `slow` where a leaf function declined.
    pub(crate) fn unless_declined(&mut self, answer: [Value; 2], slow: Block) {
        let declined = Cond::icmp_w(IntCc::Eq, Width::W32, answer[1], i32::from(ASK));
        self.b.exit_if(declined, slow, &[]);
    }

    // ---- library functions

    /// CALL of a library function by its direct form. False: nothing was done.
    pub(crate) fn direct_form(&mut self, i: Instr, which: Intrinsic) -> bool {
        let (a, b, c) = (i.a(), i.b(), i.c());
        if which == Intrinsic::StringUnpack && self.unpack(i) {
            return true;
        }
        let Some(d) = which.direct() else {
            return false;
        };
        let fits = b > 0
            && c > 0
            && (d.least..=d.most).contains(&(b - 1))
            && (d.many || c <= 2)
            && !(d.many && self.is_open_call());
        if !fits {
            return false;
        }
        let want = facts::read_result(&self.spec(), self.pc);
        self.recognise(a, which);
        self.remark_done(which, "is called by its direct form");
        let done = self.b.create_block();
        let out = (c == 2).then(|| self.value_params(done, facts::VALUE));
        let answer = self.call_direct(a, b, c, which);
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.b.switch_to(slow);
        self.flush(false);
        self.helper_saving(Helper::call, kind::NEXT);
        if self.is_open_call() {
            self.one_result_in_memory(a);
        }
        self.leave_with_result(a, out.is_some(), done);
        self.b.switch_to(here);
        self.unless_declined(answer, slow);
        match (out.is_some(), d.many) {
            (true, false) => self.b.jump(done, &answer),
            (single, _) => self.leave_with_result(a, single, done),
        }
        self.b.switch_to(done);
        match out {
            Some(reg) => {
                self.clobber_from(a);
                self.set(a, reg);
                self.result_guard(a, want);
            }
            None => self.results_in_home(i),
        }
        true
    }
    /// TAILCALL of a library function with one result, which is returned. False: nothing was done.
    pub(crate) fn tail_call_of_library(&mut self, i: Instr, which: Intrinsic) -> bool {
        let (a, b) = (i.a(), i.b());
        if i.c() != 0 || self.frame().p.is_vararg {
            return false;
        }
        if self.intrinsic(i, which) {
            self.return_values(a, Some(1));
            return true;
        }
        let fits = which
            .direct()
            .is_some_and(|d| !d.many && b > 0 && (d.least..=d.most).contains(&(b - 1)));
        if !fits || self.depth() > 0 {
            return false;
        }
        self.recognise(a, which);
        self.remark_done(which, "is called by its direct form");
        let [p, t] = self.call_direct(a, b, 2, which);
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.b.switch_to(slow);
        let saved = self.state.clone();
        self.general_tail_call(i);
        self.state = saved;
        self.exit_cache = None;
        self.b.switch_to(here);
        self.unless_declined([p, t], slow);
        self.clobber_from(a);
        self.set(a, Reg::tagged(facts::VALUE, Some(p), t));
        self.return_values(a, Some(1));
        true
    }
    /// Goes to `done`, with the result that is in `R[a]`'s home slot if one is wanted.
    fn leave_with_result(&mut self, a: usize, single: bool, done: Block) {
        let mut args = Vec::new();
        if single {
            args.push(self.b.load64(mem::home(self.slot(a))));
            args.push(self.b.load(LoadKind::U8, mem::home_tag(self.slot(a))));
        }
        self.b.jump(done, &args);
    }
    /// Calls the direct form of a function that has one, for `c - 1` results.
    pub(crate) fn call_direct(
        &mut self,
        a: usize,
        b: usize,
        c: usize,
        which: Intrinsic,
    ) -> [Value; 2] {
        let none = self.b.iconst(0);
        let Some(d) = which.direct() else {
            return [none, none];
        };
        // A function with many results reads its own closure, too.
        let first = if d.many { a } else { a + 1 };
        self.store_registers(first..a + b);
        let clobbers = match (d.effect, d.many) {
            (Effect::Tables, _) => Clobbers::SysV,
            (Effect::None, true) => Clobbers::Homes,
            (Effect::None, false) => Clobbers::Reads,
        };
        let thread = self.thread();
        let args = self.slot_address(a + 1);
        let count = self.b.iconst(b as i64 - 1);
        let wanted = self.b.iconst(c as i64 - 1);
        self.leaf(
            Symbol::Direct(which),
            &[thread, args, count, wanted],
            clobbers,
        )
    }

    /// A cold block for `string.byte` at a position that is negative or not in the string; goes to `done` with the result, which leaves behind the
    /// instruction unless it is in `want`.
    pub(crate) fn byte_by_leaf(&mut self, i: Instr, want: Option<Tags>, done: Block) -> Block {
        let (a, b) = (i.a(), i.b());
        let exit = self.exit_block();
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.b.switch_to(slow);
        let d = self.depth();
        let saved = self.state[d].clone();
        let answer = self.call_direct(a, b, 2, Intrinsic::StringByte);
        self.unless_declined(answer, exit);
        let p = self.b.load64(mem::home(self.slot(a)));
        let t = self.b.load(LoadKind::U8, mem::home_tag(self.slot(a)));
        match want {
            Some(want) => {
                self.clobber_from(a);
                self.set(a, Reg::in_home(facts::VALUE));
                let otherwise = self.exit_block_at(self.pc + 1);
                self.loaded(t, want, otherwise);
                self.b.jump(done, &[p]);
            }
            None => self.b.jump(done, &[p, t]),
        }
        self.state[d] = saved;
        self.exit_cache = None;
        self.b.switch_to(here);
        slow
    }
    // ---- concatenation

    /// CONCAT.
    pub(crate) fn concat(&mut self, i: Instr) {
        let (a, n) = (i.a(), i.b());
        let want = facts::read_result(&self.spec(), self.pc);
        let textual = Tags::STR.or(Tags::NUM);
        if !(a..a + n).all(|r| self.tags(r).meets(textual)) {
            self.step();
            return self.result_in_home(a, want);
        }
        let tags = if want.within(Tags::STR) {
            Tags::STR
        } else {
            facts::VALUE
        };
        let done = self.b.create_block();
        let out = self.value_params(done, tags);
        self.store_registers(a..a + n);
        let extends = self.extends();
        let slow = self.slow_step_and(a, tags, done, |l| {
            if extends {
                l.share(a);
            }
        });
        let thread = self.thread();
        let from = self.slot_address(a);
        let count = self.b.iconst(n as i64);
        let extends = self.b.iconst(i64::from(extends));
        let answer = self.leaf(
            Symbol::Stub(leaf::CONCAT),
            &[thread, from, count, extends],
            Clobbers::Reads,
        );
        self.unless_declined(answer, slow);
        self.b.jump(done, &answer);
        self.b.switch_to(done);
        self.clobber_from(a);
        self.set(a, out);
        self.result_guard(a, want);
    }

    // ---- comparison

    /// The condition `a cc b` of strings, where both always were; `None`: they were not.
    pub(crate) fn string_order(&mut self, a: usize, b: usize, cc: IntCc) -> Option<Cond> {
        let strings = |l: &Self, r: usize, n: usize| {
            let seen = l.spec().operand(l.pc, n);
            l.tags(r).within(Tags::STR)
                || l.tags(r).meets(Tags::STR) && seen.is_some_and(|t| t.within(Tags::STR))
        };
        if !strings(self, a, 0) || !strings(self, b, 1) {
            return None;
        }
        self.guard(a, Tags::STR);
        self.guard(b, Tags::STR);
        let (x, y) = (self.get(a), self.get(b));
        let [order, _] = self.leaf(Symbol::Stub(leaf::ORDER), &[x, y], Clobbers::Reads);
        Some(Cond::icmp(cc, order, 0))
    }
}
