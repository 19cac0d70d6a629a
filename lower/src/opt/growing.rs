//! `s = s .. x` in loops: a local that grows. Its string has room behind its end, and is extended where it is (`leaf::CONCAT`), so that building
//! a text of n pieces copies it a few times and not n times.
//!
//! Strings that may be extended are marked ([`string::GROWS`]): machine code of one function made them for one register, and nothing else refers to
//! them. The bytecode says so: `MOVE t s`, the operands, `CONCAT t`, `MOVE s t`. Wherever else the function reads the register, the mark is
//! taken away first, and the string never changes again; the debug library does the same with what it reads. Code of the
//! interpreter does not look at marks, and what left machine code for it does not come back: so a register counts only if it gets
//! nothing but such strings and constants, and no other value can be marked.

use super::func::Lowering;
use super::tags::Tags;
use crate::passes::Pass;
use std::collections::{HashMap, HashSet};
use trinity_abi::{header, string, tag};
use trinity_codegen::ir::{Addr, IntCc, MemOp, Region, Width};
use trinity_frontend::bytecode::effects::{Effects, effects, open_operands};
use trinity_frontend::bytecode::{Op, Proto, RegSet};

/// The growing strings of a function.
#[derive(Default)]
pub(crate) struct Growing {
    /// Positions of the CONCATs that extend.
    sites: HashSet<u32>,
    /// Registers that have them.
    registers: RegSet,
    /// Registers with growing strings that an instruction reads.
    shared: HashMap<u32, Vec<usize>>,
}

/// `R[reg] = R[reg] .. x`.
#[derive(Clone, Copy)]
struct Site {
    reg: usize,
    /// The MOVE of the register to the first operand.
    from: usize,
    concat: usize,
}

impl Site {
    /// The MOVE of the result to the register.
    fn to(self) -> usize {
        self.concat + 1
    }
}

/// A function's instructions, with ways back.
struct Code<'a> {
    p: &'a Proto,
    effects: Vec<Effects>,
    /// Instructions in front of each, and whether they jump there.
    before: Vec<Vec<(usize, bool)>>,
}

impl<'a> Code<'a> {
    fn new(p: &'a Proto) -> Code<'a> {
        let effects: Vec<_> = (0..p.code.len()).map(|pc| effects(p, pc)).collect();
        let mut before = vec![Vec::new(); p.code.len()];
        for (pc, e) in effects.iter().enumerate() {
            for (to, jumps) in [(e.next, false), (e.jump, true)] {
                if let Some(list) = to.and_then(|to| before.get_mut(to)) {
                    list.push((pc, jumps));
                }
            }
        }
        Code { p, effects, before }
    }
    fn writes(&self, pc: usize, jumps: bool, r: usize) -> bool {
        let e = &self.effects[pc];
        match jumps {
            true => e.jump_writes.contains(r),
            false => e.next_writes.contains(r),
        }
    }
    fn reads(&self, pc: usize, r: usize) -> bool {
        let open = open_operands(self.p.code[pc]).is_some_and(|first| first <= r);
        open || self.effects[pc].reads.contains(r)
    }
    /// The instructions whose values `R[r]` can have in front of `pc`; `None`: also one from outside. `between` gets those passed on the way.
    fn definitions(
        &self,
        pc: usize,
        r: usize,
        mut between: impl FnMut(usize),
    ) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut work = vec![pc];
        while let Some(pc) = work.pop() {
            if pc == 0 {
                return None;
            }
            for &(b, jumps) in &self.before[pc] {
                if self.writes(b, jumps, r) {
                    found.push(b);
                } else if seen.insert(b) {
                    between(b);
                    work.push(b);
                }
            }
        }
        Some(found)
    }
    /// The instructions that can read what `pc` wrote to `R[r]`.
    fn uses(&self, pc: usize, r: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut work = vec![pc];
        while let Some(at) = work.pop() {
            let e = &self.effects[at];
            for (to, jumps) in [(e.next, false), (e.jump, true)] {
                let Some(to) = to else { continue };
                if at != pc && self.writes(at, jumps, r) || !seen.insert(to) {
                    continue;
                }
                if self.reads(to, r) {
                    found.push(to);
                }
                work.push(to);
            }
        }
        found
    }
    /// `R[r] = R[r] .. x`, by its CONCAT.
    fn site(&self, concat: usize) -> Option<Site> {
        let (i, after) = (self.p.code[concat], *self.p.code.get(concat + 1)?);
        let (t, reg) = (i.a(), after.a());
        if after.op() != Op::Move || after.b() != t || reg >= t {
            return None;
        }
        if self.before[concat + 1] != [(concat, false)] {
            return None;
        }
        let mut untouched = true;
        let from = self.definitions(concat, t, |pc| {
            let e = &self.effects[pc];
            let writes = e.next_writes | e.jump_writes;
            untouched &= !writes.contains(reg) && !self.reads(pc, t);
        })?;
        let &[from] = &from[..] else { return None };
        let copy = self.p.code[from];
        let copies = copy.op() == Op::Move && (copy.a(), copy.b()) == (t, reg);
        (copies && untouched).then_some(Site { reg, from, concat })
    }
}

impl Growing {
    /// Finds them.
    pub fn new(p: &Proto) -> Growing {
        let mut out = Growing::default();
        if !p.code.iter().any(|i| i.op() == Op::Concat) {
            return out;
        }
        let code = Code::new(p);
        let concats = (0..p.code.len()).filter(|&pc| p.code[pc].op() == Op::Concat);
        let mut sites: Vec<Site> = concats.filter_map(|pc| code.site(pc)).collect();
        // One that is given up may take others with it.
        loop {
            let all = sites.clone();
            let made_here = |pc: usize, reg: usize| {
                let op = p.code[pc].op();
                matches!(op, Op::LoadK | Op::LoadI | Op::LoadF | Op::LoadNil)
                    || matches!(op, Op::LoadFalse | Op::LoadTrue)
                    || all.iter().any(|s| s.reg == reg && s.to() == pc)
            };
            sites.retain(|s| {
                let known = code.definitions(s.from, s.reg, |_| {});
                let own = known.is_some_and(|d| d.iter().all(|&pc| made_here(pc, s.reg)));
                // What it makes is extended again.
                let again = |pc| all.iter().any(|s| s.from == pc);
                own && code.uses(s.to(), s.reg).into_iter().any(again)
            });
            if sites.len() == all.len() {
                break;
            }
        }
        for s in &sites {
            out.sites.insert(s.concat as u32);
            out.registers.insert(s.reg);
            for pc in code.uses(s.to(), s.reg) {
                let looks = matches!(
                    p.code[pc].op(),
                    Op::Len | Op::JmpT | Op::JmpF | Op::JmpEq | Op::JmpNe | Op::JmpEqK | Op::JmpNeK
                );
                if !looks && !sites.iter().any(|s| s.from == pc) {
                    let regs = out.shared.entry(pc as u32).or_default();
                    if !regs.contains(&s.reg) {
                        regs.push(s.reg);
                    }
                }
            }
        }
        out
    }
}

impl Lowering<'_> {
    /// The growing strings of a function that is entered.
    pub(crate) fn growing_of(&self, p: &Proto) -> Growing {
        match self.module.passes.has(Pass::GrowingStrings) {
            true => Growing::new(p),
            false => Growing::default(),
        }
    }
    /// Whether a register may hold a growing string.
    pub(crate) fn grows(&self, r: usize) -> bool {
        self.frame().growing.registers.contains(r)
    }
    /// Whether the CONCAT at the present instruction extends its first operand.
    pub(crate) fn extends(&self) -> bool {
        self.frame().growing.sites.contains(&self.pc)
    }
    /// Takes the marks from growing strings that the present instruction reads.
    pub(crate) fn share_read(&mut self) {
        let Some(regs) = self.frame().growing.shared.get(&self.pc) else {
            return;
        };
        for r in regs.clone() {
            self.share(r);
        }
    }
    /// Takes the mark from the string in a register, if it has one.
    pub(crate) fn share(&mut self, r: usize) {
        if !self.tags(r).meets(Tags::of(tag::LONG_STR)) {
            return;
        }
        let (long, next) = (self.b.create_block(), self.b.create_block());
        let cond = self.tag_cond(IntCc::Eq, r, tag::LONG_STR);
        self.b.brif(cond, (long, &[]), (next, &[]));
        self.b.switch_to(long);
        let s = self.peek_bits(r);
        let flags = Addr::value(s, header::FLAGS).in_region(Region::Header);
        let others = i32::from(!string::GROWS as i8);
        self.b.mem_op(MemOp::And, Width::W8, flags, others);
        self.b.jump(next, &[]);
        self.b.switch_to(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trinity_frontend::compile;

    /// Lines of CONCATs that extend, and of instructions in front of which marks are taken away.
    fn found(text: &str) -> (Vec<u32>, Vec<u32>) {
        let p = compile(text.as_bytes(), b"@t").unwrap();
        let a = Growing::new(&p);
        let lines = |mut pcs: Vec<u32>| {
            pcs.sort_unstable();
            let mut lines: Vec<u32> = pcs.iter().map(|&pc| p.lines[pc as usize]).collect();
            lines.dedup();
            lines
        };
        (
            lines(a.sites.iter().copied().collect()),
            lines(a.shared.keys().copied().collect()),
        )
    }

    #[test]
    fn locals_that_grow_are_found() {
        let (sites, shared) = found("local s = ''\nfor i = 1, 9 do\n s = s .. i\nend\nprint(s)");
        assert_eq!((sites, shared), (vec![3], vec![5]));
        let text = "local s = ''\nwhile #s < 9 do\n s = s .. f(s)\n s = s .. (a or b)\nend";
        assert_eq!(found(text), (vec![3, 4], vec![3]));
    }

    #[test]
    fn others_are_not() {
        // Not in a loop; in front; a value from elsewhere; captured.
        for text in [
            "local s = ''\ns = s .. 'a'\nprint(s)",
            "local s = ''\nfor i = 1, 9 do s = i .. s end",
            "local s = f()\nfor i = 1, 9 do s = s .. i end",
            "local s = ''\nfor i = 1, 9 do s = s .. i; s = f(s) end",
            "local s = ''\nlocal function f() return s end\nfor i = 1, 9 do s = s .. i end",
        ] {
            assert_eq!(found(text).0, Vec::<u32>::new(), "{text}");
        }
    }
}
