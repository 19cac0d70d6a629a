//! Functions found by a field: methods through metatables, functions of modules, global ones.
//!
//! Where training always called one function of the module, a *cell* behind the inline caches holds the id of a shape, an epoch and the
//! closure. Tables of that shape lead to that closure as long as the epoch lasts, and its code was the expected one when the cell was filled;
//! code that is given up begins an epoch, too. So one look at the table's shape and one at the epoch is all that the call needs to
//! know which function it reaches.

use super::func::Lowering;
use super::mem;
use super::state::Reg;
use super::tags::Tags;
use crate::Symbol;
use crate::passes::Pass;
use trinity_abi::helpers::leaf;
use trinity_abi::{cache, closure, tag};
use trinity_codegen::ir::{Addr, Clobbers, Cond, IntCc, PReg, Type as IrType, Value, Width};
use trinity_frontend::bytecode::op::Mode;
use trinity_frontend::bytecode::{Instr, Op};

impl Lowering<'_> {
    /// The function that the present instruction was always called for, where all tables had one shape and led to it as a constant.
    pub(super) fn called_later(&self, i: Instr) -> Option<u32> {
        let spec = self.spec();
        let one = !spec.has_many_shapes(self.pc) && !spec.has_dictionary(self.pc);
        let constant = spec.is_hot(self.pc) && one;
        let closure = spec.result(self.pc) == Some(Tags::of(tag::LUA_FN));
        if !self.module.passes.has(Pass::FunctionCells)
            || !constant
            || !closure
            || spec.is_own(self.pc) != Some(false)
        {
            return None;
        }
        let a = i.a();
        let mut behind = (self.pc + 1..).zip(&self.frame().p.code[self.pc as usize + 1..]);
        let (call, _) = behind.find(|(_, n)| {
            let writes = matches!(n.op().info().modes[0], Mode::W | Mode::RW);
            writes && n.a() <= a || matches!(n.op(), Op::Call | Op::TailCall) && n.a() <= a
        })?;
        let n = self.frame().p.code[call as usize];
        let callee = spec.site(call)?.callee?;
        let known = matches!(n.op(), Op::Call | Op::TailCall) && n.a() == a;
        (known && self.module.typed.get(callee as usize) == Some(&true)).then_some(callee)
    }

    /// GETFIELD, GETTABUP and SELF of the table `t`: the closure of the function `callee`, which it always was.
    pub(super) fn get_function(&mut self, t: Value, i: Instr, callee: u32) {
        self.remark_callee(callee);
        let a = i.a();
        let want = Tags::of(tag::LUA_FN);
        let (caches, offset) = self.cache(i.d());
        let cell = cache::cell(self.frame().p.num_caches, i.d());
        // Where it is needed: the usual way does without.
        let code = |l: &mut Self| l.b.symbol_addr(Symbol::Func(callee).to_ref());
        let miss = self.b.create_cold_block();
        let done = self.b.create_block();
        let f = self.b.block_param(done, IrType::I64);
        self.check_shape_id(t, caches, cell, miss);
        self.check_epoch(caches, cell + cache::FUNCTION_EPOCH, miss);
        let found = self.b.load64(mem::cache(caches, cell + cache::FUNCTION));
        self.b.jump(done, &[found]);

        // The site's cache may know; if not, the helper fills it.
        self.b.switch_to(miss);
        let site = self.b.addr_of(Addr::value(caches, offset));
        let place = self.b.addr_of(Addr::value(caches, cell));
        let expected = code(self);
        let name = self.const_pointer(i.c());
        let args = [
            (t, PReg::Rdi),
            (site, PReg::Rsi),
            (place, PReg::Rdx),
            (expected, PReg::Rcx),
            (name, PReg::R8),
        ];
        let answer = self.b.call_symbol(
            Symbol::Stub(leaf::FUNCTION).to_ref(),
            &args,
            &[(IrType::I64, PReg::Rax)],
            Clobbers::Keeps,
            None,
        )[0];
        let any = self.b.create_cold_block();
        let other = self.value_params(any, want);
        let slow = self.slow_step(a, want, any);
        let none = Cond::icmp(IntCc::Eq, answer, 0);
        self.b.brif(none, (slow, &[]), (done, &[answer]));
        // Another function leaves behind the instruction.
        self.b.switch_to(any);
        let before = self.reg(a);
        *self.reg_mut(a) = other;
        let f2 = self.peek_bits(a);
        let exit = self.exit_block_at(self.pc + 1);
        self.b.exit_if(
            Cond::icmp_mem(
                IntCc::Ne,
                Width::W64,
                mem::proto(f2, closure::CODE),
                expected,
            ),
            exit,
            &[],
        );
        *self.reg_mut(a) = before;
        self.b.jump(done, &[f2]);
        self.b.switch_to(done);
        let expected = code(self);
        self.b.assume(Cond::icmp_mem(
            IntCc::Eq,
            Width::W64,
            mem::proto(f, closure::CODE),
            expected,
        ));
        self.functions.insert(f, callee);
        self.set(a, Reg::known(want, f));
    }
}
