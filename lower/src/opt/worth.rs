//! Calls that are inlined for the sake of objects: so that what they begin, or get, need not be made.

use super::func::Lowering;
use super::inline::OFTEN;
use crate::passes::Pass;
use trinity_frontend::bytecode::{Instr, Op};

/// Instructions of a function that only makes an object, at most.
const CONSTRUCTOR_MAX: usize = 16;

impl Lowering<'_> {
    /// A small function that makes a table, called in front of code that runs much more often: what a loop begins with and replaces is no object,
    /// if it begins here.
    pub(super) fn begins_object(&self, callee: u32) -> bool {
        let p = self.module.text(callee);
        let has = |op: Op| p.code.iter().any(|i| i.op() == op);
        // In front of a loop a guard that fails leaves the loop as well, so that there should be few.
        let jumps = has(Op::JmpT) || has(Op::JmpF);
        // What closures that are made capture is an object.
        let captures = has(Op::Closure) || has(Op::NewCell);
        let begins = match captures {
            false => has(Op::NewTable),
            true => has(Op::Closure) && self.module.passes.has(Pass::EscapeClosures),
        };
        if !self.module.passes.has(Pass::Escape)
            || p.code.len() > CONSTRUCTOR_MAX
            || !begins
            || jumps
        {
            return false;
        }
        let spec = self.spec();
        let runs = |pc: u32| spec.site(pc).map_or(0.0, |s| s.count as f64);
        let here = runs(self.pc);
        let behind = self.pc + 1..self.frame().p.code.len() as u32;
        here > 0.0 && behind.into_iter().any(|pc| runs(pc) >= here * OFTEN)
    }

    /// The call passes a closure that is not made, and the callee's calls in line save enough.
    pub(super) fn calls_argument(&self, i: Instr, callee: u32, share: f64) -> bool {
        let virtual_closure = |r: usize| {
            let id = self.virtual_in(r);
            id.is_some_and(|id| self.virtual_function(id).is_some())
        };
        if self.instr().op() != Op::Call || !(i.a() + 1..i.a() + i.b()).any(virtual_closure) {
            return false;
        }
        let p = self.module.text(callee);
        let spec = self.module.spec(callee);
        let calls = (0..).zip(&p.code).filter(|(_, i)| i.op() == Op::Call);
        let most = calls.filter_map(|(pc, _)| Some(spec.site(pc)?.count));
        let times = most.max().unwrap_or(0) as f64 / spec.calls().max(1.0);
        self.is_worth(p.code.len(), share * times)
    }
}
