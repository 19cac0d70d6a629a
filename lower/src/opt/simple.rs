//! Dispatch over opcodes, and the instructions that are too short for a file of their own.

use super::facts;
use super::func::Lowering;
use super::state::Reg;
use super::tags::Tags;
use trinity_abi::tag;
use trinity_codegen::ir::{Cond, IntCc};
use trinity_frontend::bytecode::{Instr, Op};

impl Lowering<'_> {
    /// Lowers the instruction at the current pc.
    pub(crate) fn instruction(&mut self, i: Instr) {
        use Op::*;
        let (a, b, c) = (i.a(), i.b(), i.c());
        if let Some((op, rhs)) = facts::arithmetic(self.frame().p, i) {
            return self.arithmetic(i, op, rhs);
        }
        match i.op() {
            Move => self.copy(a, b),
            LoadI => {
                let v = self.b.iconst(i64::from(i.sd()));
                self.define(a, Tags::INT, v);
            }
            LoadF => {
                let v = self.b.fconst(f64::from(i.sd()));
                self.define(a, Tags::FLOAT, v);
            }
            LoadK => {
                let reg = self.constant_reg(i.dd() as usize);
                self.set(a, reg);
            }
            LoadNil => {
                for r in a..=a + b {
                    self.set(r, Reg::only_tag(Tags::NIL));
                }
            }
            LoadFalse | LFalseSkip => self.set(a, Reg::only_tag(Tags::of(tag::FALSE))),
            LoadTrue => self.set(a, Reg::only_tag(Tags::of(tag::TRUE))),
            GetCell if self.get_virtual_cell(a, self.reg(b)) => {}
            GetCell => {
                let cell = self.get(b);
                let how = self.local_assigned(b);
                self.get_cell(a, cell, how, self.local_function(b));
            }
            GetUpval if self.is_itself(b) => {
                let own = self.closure();
                self.functions.insert(own, self.frame().func);
                self.define(a, Tags::of(tag::LUA_FN), own);
            }
            GetUpval if self.get_virtual_upvalue(a, b) => {}
            GetUpval => {
                let cell = self.upval_cell(b);
                let how = self.upvalue_assigned(b);
                self.get_cell(a, cell, how, self.upvalue_function(b));
            }
            SetCell if self.set_virtual_cell(self.reg(a), c) => {}
            SetCell => {
                let cell = self.get(a);
                self.set_cell(c, cell);
            }
            SetUpval if self.set_virtual_upvalue(b, c) => {}
            SetUpval => {
                let cell = self.upval_cell(b);
                self.set_cell(c, cell);
            }
            GetTabUp => self.get_field(i, true),
            SetTabUp => self.set_field(i, true),
            GetField => self.get_field(i, false),
            SetField => self.set_field(i, false),
            GetTable | GetI => self.get_index(i),
            SetTable | SetI => self.set_index(i),
            SelfGet => self.get_method(i),
            Unm => self.negate(i),
            BNot => self.bit_not(i),
            Not => self.not(a, b),
            Len => self.length(i),
            // The block's end jumps.
            Jmp => {}
            JmpT | JmpF => self.truth(i),
            JmpTSet | JmpFSet => self.truth_set(i),
            JmpEq | JmpNe => self.equal(i),
            JmpLt | JmpNlt | JmpLe | JmpNle => self.order(i),
            JmpEqK | JmpNeK => self.equal_const(i),
            JmpEqI | JmpNeI | JmpLtI | JmpNltI | JmpLeI | JmpNleI | JmpGtI | JmpNgtI | JmpGeI
            | JmpNgeI => self.order_imm(i),
            Call => self.call(i),
            TailCall => self.tail_call(i),
            Return if b != 0 && c == 1 => self.return_closing(a, b - 1),
            Return => self.return_values(a, if b == 0 { None } else { Some(b - 1) }),
            Return0 => self.return_values(0, Some(0)),
            Return1 => self.return_values(a, Some(1)),
            ForPrep => self.for_prep(i),
            ForLoop => self.for_loop(i),
            TForPrep => self.prepare_iteration(i),
            TForCall => self.iterate(i),
            TForLoop => self.generic_loop(i),
            VarArgPrep => {
                // Done in the prologue.
            }
            NewCell => self.new_cell(a),
            NewTable => self.new_table(i),
            Closure => self.new_closure(i),
            Concat => self.concat(i),
            VarArg => {
                self.step();
                for r in a..a + c.saturating_sub(1) {
                    self.set(r, Reg::in_home(facts::VALUE));
                }
            }
            SetList => self.set_list(i),
            // Code in line closes nothing (`inline::inlinable`).
            Close if self.depth() > 0 => {}
            Close => self.close(),
            Tbc => self.step(),
            _ => {
                // Arithmetic was taken above.
                debug_assert!(false, "no lowering for {:?}", i.op());
                self.step();
            }
        }
    }

    fn not(&mut self, a: usize, b: usize) {
        // nil and false are the tags below true; `not` of them is true.
        let t = self.peek_tag(b);
        let yes = self.b.iconst(i64::from(tag::TRUE));
        let no = self.b.iconst(i64::from(tag::FALSE));
        let v = self
            .b
            .select(Cond::icmp(IntCc::Ult, t, i32::from(tag::TRUE)), yes, no);
        self.set(a, Reg::tagged(Tags::BOOL, None, v));
    }
}
