//! Functions that return at once where an argument is small, or is something else that one comparison says: that is asked in front of the checks of
//! both stacks, which such a call does not need.

use super::func::Lowering;
use super::module::Signature;
use super::state::{Payload, Reg};
use super::tags::Tags;
use crate::compare::comparison;
use crate::passes::Pass;
use trinity_abi::tag;
use trinity_codegen::ir::{Cond, PReg};
use trinity_frontend::bytecode::{Instr, Op};

/// What a function returns at once.
enum Early {
    Nothing,
    /// An argument.
    Register(Reg),
    Int(i64),
    Tag(u8),
}

impl Lowering<'_> {
    /// Decides a first comparison with an integer, if one way out returns at once.
    pub(super) fn return_early(&mut self, sig: &Signature) {
        let p = self.frame().p;
        let i = p.code[0];
        use Op::*;
        let compares = matches!(
            i.op(),
            JmpLtI | JmpNltI | JmpLeI | JmpNleI | JmpGtI | JmpNgtI | JmpGeI | JmpNgeI
        );
        if !compares || !sig.has_body() || !self.module.passes.has(Pass::EarlyReturn) {
            return;
        }
        let (Tags::INT, Payload::Value(x)) = (self.reg(i.a()).tags, self.reg(i.a()).p) else {
            return;
        };
        let jump = (1 + i64::from(i.sd())) as usize;
        let ways = [(1, false), (jump, true)].map(|(pc, jumps)| (self.returned_at(pc), jumps));
        let Some((what, jumps)) = ways.into_iter().find_map(|(w, j)| Some((w?, j))) else {
            return;
        };
        self.source(p.lines.first().copied());
        let early = self.b.create_block();
        let rest = self.b.create_block();
        let c = comparison(i.op());
        let cond = Cond::icmp(c.int, x, i32::from(i.sb()));
        let (holds, fails) = match jumps != c.negated {
            true => (early, rest),
            false => (rest, early),
        };
        self.b.brif(cond, (holds, &[]), (fails, &[]));
        self.b.switch_to(early);
        let zero = self.b.iconst(0);
        let (payload, t) = match what {
            Early::Nothing => (zero, zero),
            Early::Register(reg) => (self.bits_of(reg, 0), self.tag_of(reg, 0)),
            Early::Int(n) => (self.b.iconst(n), self.b.iconst(i64::from(tag::INT))),
            Early::Tag(t) => (zero, self.b.iconst(i64::from(t))),
        };
        let count = self.b.iconst(i64::from(!matches!(what, Early::Nothing)));
        self.b
            .ret(&[(payload, PReg::Rax), (t, PReg::Rdx), (count, PReg::Rcx)]);
        self.b.switch_to(rest);
    }

    /// What the code at `pc`, which training reached, returns without doing anything.
    fn returned_at(&self, pc: usize) -> Option<Early> {
        let p = self.frame().p;
        let i = *p.code.get(pc)?;
        if self.spec().is_cold(pc as u32) {
            return None;
        }
        let next = p.code.get(pc + 1).copied();
        let returned =
            |n: Option<Instr>| n.is_some_and(|n| n.op() == Op::Return1 && n.a() == i.a());
        match i.op() {
            Op::Return0 => Some(Early::Nothing),
            Op::Return1 => {
                let reg = self.reg(i.a());
                let known = reg.tags.single().is_some() && matches!(reg.p, Payload::Value(_));
                known.then_some(Early::Register(reg))
            }
            Op::LoadI if returned(next) => Some(Early::Int(i64::from(i.sd()))),
            Op::LoadFalse if returned(next) => Some(Early::Tag(tag::FALSE)),
            Op::LoadTrue if returned(next) => Some(Early::Tag(tag::TRUE)),
            Op::LoadNil if returned(next) && i.b() == 0 => Some(Early::Tag(tag::NIL)),
            _ => None,
        }
    }
}
