//! Dispatch over opcodes, and the instructions that are too short for a file of their own.

use crate::func::{FnLower, home, home_tag};
use crate::types::{self, Type};
use trinity_abi::helpers::Helper;
use trinity_abi::unit::kind;
use trinity_abi::{table, tag};
use trinity_codegen::ir::{Addr, Cond, IntCc, LoadKind, Width};
use trinity_frontend::bytecode::{Const, Instr, Op};

/// The helper that executes an instruction with this opcode whatever its operands are.
pub(crate) fn instruction_helper(op: Op) -> Helper {
    match op {
        Op::GetTabUp => Helper::get_tab_up,
        Op::SetTabUp => Helper::set_tab_up,
        Op::GetField => Helper::get_field,
        Op::SetField => Helper::set_field,
        Op::SelfGet => Helper::self_get,
        Op::GetTable => Helper::get_table,
        Op::SetTable => Helper::set_table,
        Op::GetI => Helper::get_i,
        Op::SetI => Helper::set_i,
        Op::NewCell => Helper::new_cell,
        Op::NewTable => Helper::new_table,
        Op::SetList => Helper::set_list,
        Op::Concat => Helper::concat,
        Op::Closure => Helper::closure,
        Op::VarArg => Helper::var_arg,
        Op::TForCall => Helper::tfor_call,
        Op::Len => Helper::len,
        _ if op.event().is_some() => Helper::arith,
        _ => Helper::step,
    }
}

impl FnLower<'_> {
    /// Lowers the instruction at the current pc.
    pub(crate) fn instruction(&mut self, i: Instr) {
        use Op::*;
        let (a, b, c) = (i.a(), i.b(), i.c());
        match i.op() {
            Move => self.copy(a, b),
            LoadI => {
                let n = i.sd() as i64;
                let v = self.b.iconst(n);
                self.set(a, Type::Int, v);
                self.constant[a] = Some(n);
            }
            LoadF => {
                let v = self.b.fconst(i.sd() as f64);
                self.set(a, Type::Float, v);
            }
            LoadK => self.load_constant(a, i.dd() as usize),
            LoadNil => {
                for r in a..=a + b {
                    self.set_tag(r, Type::Nil);
                    self.defined(r, Type::Nil);
                }
            }
            LoadFalse | LoadTrue | LFalseSkip => {
                let t = if i.op() == LoadTrue {
                    tag::TRUE
                } else {
                    tag::FALSE
                };
                self.b.store_imm(Width::W8, home_tag(a), t as i32);
                self.defined(a, Type::Bool);
                if i.op() == LFalseSkip {
                    self.go(self.pc + 2);
                }
            }
            GetCell => {
                let cell = self.load_bits(b);
                self.get_cell(a, cell);
            }
            GetUpval => {
                let cell = self.upval_cell(b);
                self.get_cell(a, cell);
            }
            SetCell | SetUpval => {
                let done = self.b.create_block();
                let slow = self.slow_step(done);
                let cell = if i.op() == SetCell {
                    self.load_bits(a)
                } else {
                    self.upval_cell(b)
                };
                self.set_cell(c, cell, done, slow);
            }
            GetTabUp => self.get_field(i, true),
            SetTabUp => self.set_field(i, true),
            GetField => self.get_field(i, false),
            SetField => self.set_field(i, false),
            GetTable | GetI => self.get_index(i),
            SetTable | SetI => self.set_index(i),
            SelfGet => self.get_method(i),
            Add | Sub | Mul | Mod | Pow | Div | IDiv | BAnd | BOr | BXor | Shl | Shr | AddK
            | SubK | MulK | ModK | PowK | DivK | IDivK | BAndK | BOrK | BXorK | ShlK | ShrK
            | AddI => self.arithmetic(i),
            Unm => self.negate(i),
            BNot => self.bit_not(i),
            Not => {
                // nil and false are the tags below true; `not` of them is true.
                let t = self.load_tag(b);
                let yes = self.b.iconst(tag::TRUE as i64);
                let no = self.b.iconst(tag::FALSE as i64);
                let v = self
                    .b
                    .select(Cond::icmp(IntCc::Ult, t, tag::TRUE as i32), yes, no);
                self.b.store(Width::W8, home_tag(a), v);
                self.defined(a, Type::Bool);
            }
            Len => self.length(i),
            Jmp => {
                let t = self.jump_target(i);
                self.go(t);
            }
            JmpT | JmpF => self.truth(i),
            JmpTSet | JmpFSet => self.truth_set(i),
            JmpEq | JmpNe => self.equal(i),
            JmpLt | JmpNlt | JmpLe | JmpNle => self.order(i),
            JmpEqK | JmpNeK => self.equal_const(i),
            JmpEqI | JmpNeI | JmpLtI | JmpNltI | JmpLeI | JmpNleI | JmpGtI | JmpNgtI | JmpGeI
            | JmpNgeI => {
                self.order_imm(i);
            }
            Call => self.call(i),
            TailCall => self.tail_call(i),
            Return => self.return_values(a, if b == 0 || c == 1 { None } else { Some(b - 1) }),
            Return0 => self.return_values(0, Some(0)),
            Return1 => self.return_values(a, Some(1)),
            ForPrep => self.for_prep(i),
            ForLoop => self.for_loop(i),
            TForPrep => {
                self.helper(Helper::test, kind::JUMP);
                self.forget_payloads();
                self.defined(a + 3, Type::Any);
                let t = self.jump_target(i);
                self.go(t);
            }
            TForLoop => self.generic_loop(i),
            VarArgPrep => {
                // Done in the prologue.
            }
            NewCell | NewTable | SetList | Concat | Close | Tbc | TForCall | VarArg | Closure => {
                self.generic(i)
            }
        }
    }

    /// The helper that executes the current instruction whatever its operands are.
    pub(crate) fn instruction_helper(&self) -> Helper {
        instruction_helper(self.p.code[self.pc as usize].op())
    }
    /// An instruction that the helper executes; types follow from the analysis.
    fn generic(&mut self, i: Instr) {
        self.step();
        let before = self.ty.clone();
        let mut after = before.clone();
        types::transfer(self.p, i, &mut after);
        for r in 0..after.len() {
            if after[r] != before[r] {
                self.defined(r, after[r]);
            } else if after[r] == Type::Any {
                self.constant[r] = None;
            }
        }
        self.defined_by(i);
    }

    /// Registers an opcode of the generic path writes lose their constants even when the type stays.
    fn defined_by(&mut self, i: Instr) {
        if i.op() != Op::SetList && i.op() != Op::Tbc && i.op() != Op::Close {
            self.constant[i.a()] = None;
            self.payload[i.a()] = None;
        }
    }

    fn load_constant(&mut self, a: usize, k: usize) {
        match &self.p.consts[k] {
            Const::Int(n) => {
                let n = *n;
                let v = self.b.iconst(n);
                self.set(a, Type::Int, v);
                self.constant[a] = Some(n);
            }
            Const::Float(f) => {
                let v = self.b.fconst(*f);
                self.set(a, Type::Float, v);
            }
            Const::Str(s) => {
                let t = if s.len() <= trinity_abi::string::MAX_SHORT {
                    tag::SHORT_STR
                } else {
                    tag::LONG_STR
                };
                let p = self.const_pointer(k);
                self.b.store64(home(a), p);
                self.b.store_imm(Width::W8, home_tag(a), t as i32);
                self.defined(a, Type::Str);
            }
            Const::Nil => {
                self.set_tag(a, Type::Nil);
                self.defined(a, Type::Nil);
            }
            Const::Bool(v) => {
                let t = if *v { tag::TRUE } else { tag::FALSE };
                self.b.store_imm(Width::W8, home_tag(a), t as i32);
                self.defined(a, Type::Bool);
            }
        }
    }

    /// LEN: strings, and tables without a metatable whose array part is not empty or whose hash part is absent.
    fn length(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let t = self.ty[b];
        let done = self.b.create_block();
        let slow = self.slow_step(done);
        if t != Type::Str {
            self.guard_tag(b, tag::TABLE, slow);
            let o = self.load_bits(b);
            self.b.exit_if(
                Cond::icmp_mem(IntCc::Ne, Width::W64, Addr::value(o, table::METATABLE), 0),
                slow,
                &[],
            );
            let n = self.b.load(LoadKind::U32, Addr::value(o, table::ARRAY_LEN));
            self.b.exit_if(Cond::icmp(IntCc::Eq, n, 0), slow, &[]);
            self.b.store64(home(a), n);
        } else {
            let o = self.load_bits(b);
            let n = self.b.load64(Addr::value(o, trinity_abi::string::LEN));
            self.b.store64(home(a), n);
        }
        self.set_tag(a, Type::Int);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        self.defined(a, if t == Type::Str { Type::Int } else { Type::Any });
    }
}
