//! Open calls that always gave one result, as calls of one result.
//!
//! `f(g(x))`, `return a, g(x)` and `{g(x)}` take all results of `g`: the reference passes them in memory, up to the thread's top, and so does the
//! instruction that takes them. Where training saw exactly one result each time, the typed lowering compiles another text of the function: the
//! call gives one result (its number is checked), and what takes it has a fixed number of operands, so that both may be direct, in line, or a library
//! function's direct form. The interpreter, and helpers, still execute the open instructions; before they look at one that takes open values, the top
//! is written (`Lowering::open_top`).

use super::func::Lowering;
use super::mem;
use super::spec::Spec;
use super::state::Reg;
use super::{facts, module::Module};
use std::collections::{BTreeMap, BTreeSet};
use trinity_abi::thread;
use trinity_codegen::ir::{Cond, IntCc, Value, Width};
use trinity_frontend::bytecode::{Instr, Op, Proto};

/// A function's text as the typed lowering compiles it.
#[derive(Default)]
pub struct Text {
    /// With the instructions below; `None`: as it is.
    changed: Option<Proto>,
    /// Calls whose results are open in the function itself, and one here.
    calls: BTreeSet<u32>,
    /// Instructions that take such a result, and the register in which it is.
    takers: BTreeMap<u32, usize>,
}

impl Text {
    /// Of function `p` with this profile.
    pub fn new(p: &Proto, spec: &Spec) -> Text {
        let mut text = Text::default();
        for (pc, pair) in (0..).zip(p.code.windows(2)) {
            let (call, taker) = (pair[0], pair[1]);
            if call.op() != Op::Call || call.c() != 0 || !spec.gave_one_result(pc) {
                continue;
            }
            let Some(b) = fixed_operands(taker, call.a()) else {
                continue;
            };
            let changed = text.changed.get_or_insert_with(|| p.clone());
            // Its operands may be fixed already: it may take an open call's result itself.
            let b = (changed.code[pc as usize].b() as u16, b);
            changed.code[pc as usize] = with_operands(call, b.0, 2);
            changed.code[pc as usize + 1] = with_operands(taker, b.1, taker.c() as u16);
            text.calls.insert(pc);
            text.takers.insert(pc + 1, call.a());
        }
        text
    }
}

/// The operand `b` of an instruction that takes open values up to `R[last]`, if it does, for exactly these.
fn fixed_operands(taker: Instr, last: usize) -> Option<u16> {
    if taker.b() != 0 {
        return None;
    }
    let behind = last.checked_sub(taker.a())?;
    let b = match taker.op() {
        Op::Call | Op::TailCall if behind > 0 => behind + 1,
        Op::SetList if behind > 0 => behind,
        Op::Return => behind + 2,
        _ => return None,
    };
    // As wide as the front end makes it.
    u8::try_from(b).ok().map(u16::from)
}

fn with_operands(i: Instr, b: u16, c: u16) -> Instr {
    Instr::abcd(i.op(), i.a() as u8, b, c, i.d() as u16)
}

impl Module<'_> {
    /// The function's text, as it is compiled.
    pub fn text(&self, index: u32) -> &Proto {
        let of = &self.texts[index as usize];
        of.changed.as_ref().unwrap_or(self.protos[index as usize])
    }

    /// Whether a call that is open in function `func` is one of one result here.
    fn gives_one(&self, func: u32, pc: u32) -> bool {
        self.texts[func as usize].calls.contains(&pc)
    }
}

impl Lowering<'_> {
    /// The present instruction is an open call, compiled as one of one result.
    pub(crate) fn is_open_call(&self) -> bool {
        self.module.gives_one(self.frame().func, self.pc)
    }

    /// Whether each return of a function that training saw gives one value; the others leave ([`Lowering::returns_to_open_call`]).
    pub(crate) fn returned_one(&self, callee: u32) -> bool {
        let p = self.module.text(callee);
        let spec = self.module.spec(callee);
        let other = |i: &Instr| match i.op() {
            Op::Return0 => true,
            Op::Return => i.b() != 2,
            _ => false,
        };
        !(0..)
            .zip(&p.code)
            .any(|(pc, i)| other(i) && !spec.is_cold(pc))
    }

    /// The innermost frame, which is inlined, returns to an open call that is compiled as one of one result.
    pub(crate) fn returns_to_open_call(&self) -> bool {
        let around = self.depth().checked_sub(1).map(|d| &self.frames[d]);
        around.is_some_and(|f| self.module.gives_one(f.func, self.frame().call_pc))
    }

    /// Behind an open call compiled as one of one result, which is in the innermost frame's `R[a]`: leaves unless there is one.
    pub(crate) fn one_result_guard(&mut self, a: usize, payload: Value, tag: Value, count: Value) {
        let other = self.b.create_cold_block();
        let several = Cond::icmp_w(IntCc::Ne, Width::W32, count, 1);
        self.b.exit_if(several, other, &[]);
        let here = self.b.current();
        self.b.switch_to(other);
        let saved = self.state.clone();
        self.b.store64(mem::home(self.slot(a)), payload);
        self.b.store(Width::W8, mem::home_tag(self.slot(a)), tag);
        self.set(a, Reg::in_home(facts::VALUE));
        self.open_results(a, count);
        self.leave_open(self.pc + 1);
        self.state = saved;
        self.b.switch_to(here);
    }

    /// The same where a helper made the call: its results are in home slots up to the thread's top.
    pub(crate) fn one_result_in_memory(&mut self, a: usize) {
        let other = self.b.create_cold_block();
        let top = self.b.load64(mem::thread(thread::TOP));
        let one = self.slot_address(a + 1);
        self.b.exit_if(Cond::icmp(IntCc::Ne, top, one), other, &[]);
        let here = self.b.current();
        self.b.switch_to(other);
        let saved = self.state.clone();
        self.clobber_from(a);
        self.set(a, Reg::in_home(facts::VALUE));
        self.leave_open(self.pc + 1);
        self.state = saved;
        self.b.switch_to(here);
    }

    /// Writes the thread's top if the instruction at `pc` takes open values in the function itself: in cold code, before somebody executes that.
    pub(crate) fn open_top(&mut self, pc: u32) {
        let func = self.frame().func as usize;
        if let Some(&last) = self.module.texts[func].takers.get(&pc) {
            let top = self.slot_address(last + 1);
            self.b.store64(mem::thread(thread::TOP), top);
        }
    }
}
