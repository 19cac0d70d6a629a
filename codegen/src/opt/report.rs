//! What stayed in innermost loops although it looks as if it need not, by source location, and why: for people who ask.
//!
//! The function is looked at as the passes left it. A branch to a cold block that compares memory, or what was loaded from it, is a *check*. What is
//! checked or loaded in every iteration stays because it is another value each time, or because the loop may change the memory it is in: the
//! instruction that does is named. Peeling adds the loops that it left alone. Nothing here changes code.

use super::gvn::is_volatile;
use super::hash::FastMap;
use super::loops::{Loop, Loops};
use crate::ir::{
    Addr, Block, Cfg, Cond, Function, Inst, LoadKind, Opnd, Region, SrcLoc, Term, Value, Width,
};

/// Something that stayed in an innermost loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stay {
    /// Where it stands.
    pub loc: SrcLoc,
    /// What it is.
    pub what: Stays,
    /// Why it stayed.
    pub why: Reason,
}

/// What stayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stays {
    /// A comparison that leads to cold code, of what is in memory of this region.
    Check(Region, Width),
    /// A load.
    Load(Region),
    /// The whole loop, with all it does in every iteration alike: it has no copy of its first iteration in front.
    Loop,
}

/// Why something stayed in a loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// It is not the same in every iteration.
    Varies,
    /// A store may change the memory.
    Stored(SrcLoc),
    /// A call may change the memory, or is in the way of copying the loop.
    Called(SrcLoc),
    /// Copies of the loop would have so many instructions.
    Large(u32),
    /// The loop is entered in several places.
    Irreducible,
    /// It is the same in every iteration, and nothing is in the way, but the loop was not copied.
    NotCopied,
}

/// Collects; nothing unless it is on.
#[derive(Debug, Default)]
pub(super) struct Report {
    list: Option<Vec<Stay>>,
}

impl Report {
    pub(super) fn new(on: bool) -> Report {
        Report {
            list: on.then(Vec::new),
        }
    }
    pub(super) fn add(&mut self, loc: SrcLoc, what: Stays, why: Reason) {
        if let Some(list) = &mut self.list {
            let stay = Stay { loc, what, why };
            if !list.contains(&stay) {
                list.push(stay);
            }
        }
    }
    pub(super) fn finish(self) -> Vec<Stay> {
        self.list.unwrap_or_default()
    }
    /// Looks at the innermost loops of a function that is finished.
    pub(super) fn loops(&mut self, f: &Function) {
        if self.list.is_none() {
            return;
        }
        let cfg = Cfg::new(f);
        let loops = Loops::new(&cfg, f.blocks.len());
        for l in loops.loops.iter().filter(|l| !l.has_inner) {
            self.look(f, l);
        }
    }

    fn look(&mut self, f: &Function, l: &Loop) {
        let mut varies = Varies {
            f,
            l,
            why: FastMap::default(),
        };
        for &b in &l.blocks {
            let data = &f.blocks[b.index()];
            let params = data.params.iter().map(|&p| (p, Reason::Varies));
            varies.why.extend(params);
            for id in &data.insts {
                let node = &f.insts[id.index()];
                let why = varies.of_inst(&node.inst);
                if let (Some(why), Inst::Load { addr, .. }) = (why, &node.inst)
                    && why != Reason::Varies
                    && !data.cold
                    && !is_volatile(addr)
                {
                    self.add(node.loc, Stays::Load(addr.region), why);
                }
                if let Some(why) = why {
                    varies.why.extend(node.results().map(|v| (v, why)));
                }
            }
            if let Some(Term::BrIf { cond, then, els }) = &data.term
                && !data.cold
                && is_cold(f, then.block) != is_cold(f, els.block)
                && let Some((region, width)) = asked(f, cond)
            {
                let why = varies.of_cond(cond).unwrap_or(Reason::NotCopied);
                self.add(data.term_loc, Stays::Check(region, width), why);
            }
        }
    }
}

/// Where a loop begins, for people.
pub(super) fn loop_loc(f: &Function, header: Block) -> SrcLoc {
    let data = &f.blocks[header.index()];
    let first = data.insts.first().map(|id| f.insts[id.index()].loc);
    first.unwrap_or(data.term_loc)
}

fn is_cold(f: &Function, b: Block) -> bool {
    f.blocks[b.index()].cold
}

/// The memory that a condition is about; none if it is about none, or about memory that others change all the time.
fn asked(f: &Function, cond: &Cond) -> Option<(Region, Width)> {
    let seen = |addr: &Addr, w| (!is_volatile(addr)).then_some((addr.region, w));
    let loaded = |v: Value| match f.def_inst(v) {
        Some(Inst::Load { kind, addr }) => seen(addr, width(*kind)),
        _ => None,
    };
    match cond {
        Cond::IcmpMem { w, addr, .. } | Cond::TestMem { w, addr, .. } => seen(addr, *w),
        Cond::Icmp { a, b, .. } | Cond::Test { a, b, .. } => loaded(*a).or_else(|| match b {
            Opnd::Value(v) => loaded(*v),
            Opnd::Imm(_) => None,
        }),
        _ => None,
    }
}

fn width(kind: LoadKind) -> Width {
    match kind {
        LoadKind::U8 | LoadKind::S8 => Width::W8,
        LoadKind::U16 | LoadKind::S16 => Width::W16,
        LoadKind::U32 | LoadKind::S32 => Width::W32,
        _ => Width::W64,
    }
}

/// Why values of a loop are not the same in every iteration; those that are have no entry.
struct Varies<'a> {
    f: &'a Function,
    l: &'a Loop,
    why: FastMap<Value, Reason>,
}

impl Varies<'_> {
    fn of_inst(&self, inst: &Inst) -> Option<Reason> {
        let mut why = None;
        inst.for_each_use(|v| why = worse(why, self.why.get(&v).copied()));
        match inst {
            Inst::Load { addr, .. } => worse(why, self.changed(addr)),
            Inst::BoolOf(c) | Inst::Select { cond: c, .. } => worse(why, self.memory_of(c)),
            Inst::Call(_) if !inst.has_effect() => why,
            Inst::Call(_) | Inst::GetPinned(_) => Some(Reason::Varies),
            _ => why,
        }
    }

    fn of_cond(&self, cond: &Cond) -> Option<Reason> {
        let mut why = None;
        cond.for_each_use(&mut |v| why = worse(why, self.why.get(&v).copied()));
        worse(why, self.memory_of(cond))
    }

    fn memory_of(&self, cond: &Cond) -> Option<Reason> {
        match cond {
            Cond::IcmpMem { addr, .. } | Cond::TestMem { addr, .. } => self.changed(addr),
            _ => None,
        }
    }

    /// What in the loop may change memory at an address: the first call that does, else the first store.
    fn changed(&self, addr: &Addr) -> Option<Reason> {
        let mut store = None;
        for b in &self.l.blocks {
            for id in &self.f.blocks[b.index()].insts {
                let node = &self.f.insts[id.index()];
                match &node.inst {
                    Inst::Call(data) if addr.region.written_by(data.clobbers) => {
                        return Some(Reason::Called(node.loc));
                    }
                    Inst::Store { addr: to, .. }
                    | Inst::StoreImm { addr: to, .. }
                    | Inst::MemOp { addr: to, .. }
                        if to.region.may_alias(addr.region) =>
                    {
                        store.get_or_insert(Reason::Stored(node.loc));
                    }
                    _ => {}
                }
            }
        }
        store
    }
}

/// Of two reasons the one that is harder to do something about.
fn worse(a: Option<Reason>, b: Option<Reason>) -> Option<Reason> {
    match (a, b) {
        (Some(Reason::Varies), _) | (_, Some(Reason::Varies)) => Some(Reason::Varies),
        (Some(c @ Reason::Called(_)), _) | (_, Some(c @ Reason::Called(_))) => Some(c),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;
    use crate::opt::{OptOptions, explain};

    /// A loop over the array at v0, whose length is compared in each iteration; with `extra` in it.
    fn stays(extra: &str) -> Vec<Stay> {
        let text = format!(
            "function \"f\"(v0: rdi, v5: rsi) {{\n\
             b0:\n  v1 = iconst 0\n  jump b1(v1)\n\
             b1(v2: i64):\n  !7\n  v3 = load.u32 [v0 + 8].array\n  brif icmp.64 ugt v3, v2, b2, b3\n\
             b2:\n  !8\n{extra}  v4 = iadd v2, 3\n  brif icmp.64 ne v4, 99, b1(v4), b4\n\
             b3 cold:\n  tailcall @1(v2: rdi)\n\
             b4:\n  ret v2: rax\n}}\n"
        );
        let mut f = parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))[0].clone();
        explain(&mut f, &OptOptions::ALL, None).1
    }

    #[test]
    fn what_stays_is_named_with_its_reason() {
        let (length, entry) = (Region::Array, SrcLoc(8));
        let check = |why| Stay {
            loc: SrcLoc(7),
            what: Stays::Check(length, Width::W32),
            why,
        };
        let loaded = |why| Stay {
            loc: SrcLoc(7),
            what: Stays::Load(length),
            why,
        };
        assert_eq!(stays(""), [check(Reason::Varies)]);
        let stored = "  store.32 [v5 + 8].array, v2\n";
        let found = stays(stored);
        assert!(found.contains(&loaded(Reason::Stored(entry))), "{found:?}");
        let called = "  call @2() clobbers all\n";
        let found = stays(called);
        assert!(found.contains(&loaded(Reason::Called(entry))), "{found:?}");
        let guarded = "  call @2() clobbers all safepoint 1\n";
        let found = stays(guarded);
        let whole = |s: &Stay| s.what == Stays::Loop && s.why == Reason::Called(entry);
        assert!(found.iter().any(whole), "{found:?}");
    }

    #[test]
    fn nobody_asked_nothing_said() {
        let mut report = Report::new(false);
        report.add(SrcLoc(1), Stays::Loop, Reason::Irreducible);
        report.loops(&Function::new("f", &[]));
        assert!(report.finish().is_empty());
    }
}
