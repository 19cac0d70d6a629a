//! Remarks while a function is lowered: where they are recorded, and why an operation is not compiled better.
//!
//! Off, there is no recorder, and nothing here makes a string. On, the locations of the IR are numbers of *places* (a position in a function or in a
//! copy of an inlined one) instead of lines; [`Notes`] turns them back into the lines that debug information has, so that the machine code and
//! its tables are the same.

use super::facts::{self, Operand};
use super::func::Lowering;
use super::module::Module;
use super::tags::Tags;
use crate::remark::{
    CallWhy, Kind, Kinds, LoopWhy, NotInlined, Operands, Remark, Site, Why, memory_checked,
    memory_loaded, operand_name, operation,
};
use trinity_abi::intrinsic::Intrinsic;
use trinity_abi::table;
use trinity_abi::unit::InlineFrame;
use trinity_codegen::ir::{Function, SrcLoc};
use trinity_codegen::opt::{Reason, Stay, Stays};
use trinity_frontend::bytecode::{Op, Proto};
use trinity_profile::kind;

/// A place in the code being lowered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    func: u32,
    /// 0, or one more than the number of the inlined frame.
    chain: u32,
    pc: u32,
    /// The line that debug information has for it.
    line: u32,
    ran: Option<u64>,
}

/// Places and what was said about them.
#[derive(Debug, Default)]
pub struct Notes {
    places: Vec<Place>,
    said: Vec<(usize, Kind)>,
}

impl Notes {
    /// The line of a location, for debug information.
    pub fn line(&self, loc: u32) -> u32 {
        let place = (loc as usize)
            .checked_sub(1)
            .and_then(|n| self.places.get(n));
        place.map_or(0, |p| p.line)
    }
    /// Offsets and lines of code, from offsets and places.
    pub fn lines(&self, srclocs: &[(u32, SrcLoc)]) -> Vec<(u32, SrcLoc)> {
        let mut out: Vec<(u32, SrcLoc)> = Vec::with_capacity(srclocs.len());
        for &(offset, loc) in srclocs {
            let line = SrcLoc(self.line(loc.0));
            if out.last().is_none_or(|l| l.1 != line) {
                out.push((offset, line));
            }
        }
        out
    }
    /// The same for a function that is printed.
    pub fn with_lines(&self, f: &Function) -> Function {
        let mut f = f.clone();
        for node in &mut f.insts {
            node.loc = SrcLoc(self.line(node.loc.0));
        }
        for b in &mut f.blocks {
            b.term_loc = SrcLoc(self.line(b.term_loc.0));
        }
        f
    }

    /// Adds what the optimizer of the IR left in loops.
    pub fn stays(&mut self, module: &Module, stays: &[Stay]) {
        for s in stays {
            let Some(at) = (s.loc.0 as usize).checked_sub(1) else {
                continue;
            };
            let line = |loc: SrcLoc| {
                let place = (loc.0 as usize)
                    .checked_sub(1)
                    .and_then(|n| self.places.get(n));
                place.map_or(0, |p| site(module, p.func, p.pc).line)
            };
            let why = match s.why {
                Reason::Varies => LoopWhy::Varies,
                Reason::Stored(loc) => LoopWhy::Stored(line(loc)),
                Reason::Called(loc) => LoopWhy::Called(line(loc)),
                Reason::Large(n) => LoopWhy::Large(u64::from(n)),
                Reason::Irreducible => LoopWhy::Irreducible,
                Reason::NotCopied => LoopWhy::NotCopied,
            };
            let kind = match s.what {
                Stays::Check(region, width) => Kind::LoopCheck {
                    what: memory_checked(region, width),
                    why,
                },
                Stays::Load(region) => Kind::LoopLoad {
                    what: memory_loaded(region),
                    why,
                },
                Stays::Loop => Kind::LoopWhole { why },
            };
            self.said.push((at, kind));
        }
    }

    /// The remarks, in the order of the source; `inlines` are the function's inlined frames.
    pub fn remarks(self, module: &Module, index: u32, inlines: &[InlineFrame]) -> Vec<Remark> {
        let mut out = Vec::new();
        for (n, kind) in self.said {
            let Some(place) = self.places.get(n) else {
                continue;
            };
            let mut at = vec![site(module, place.func, place.pc)];
            let mut chain = place.chain;
            while let Some(frame) = chain.checked_sub(1).and_then(|n| inlines.get(n as usize)) {
                chain = u32::from(frame.parent);
                let caller = match chain.checked_sub(1).and_then(|n| inlines.get(n as usize)) {
                    Some(outer) => outer.func,
                    None => index,
                };
                at.push(site(module, caller, frame.call_pc));
            }
            let ran = place.ran;
            let remark = Remark { at, ran, kind };
            if !out.contains(&remark) {
                out.push(remark);
            }
        }
        out.sort_by(|a, b| (a.at[0].line, &a.at).cmp(&(b.at[0].line, &b.at)));
        out
    }
}

fn site(module: &Module, func: u32, pc: u32) -> Site {
    let lines = &module.protos[func as usize].lines;
    Site {
        func,
        line: lines.get(pc as usize).copied().unwrap_or(0),
    }
}

/// What a function is called in remarks.
pub(crate) fn callee_name(module: &Module, func: u32) -> String {
    match (&module.names, module.protos[func as usize].line_defined) {
        (Some(names), line) => format!("{} (line {line})", names[func as usize]),
        (None, line) => format!("the function of line {line}"),
    }
}

impl Lowering<'_> {
    /// The location of what is lowered from now on: the present instruction; for debug information, `line`, or that of the outermost call.
    pub(crate) fn source(&mut self, line: Option<u32>) {
        let (func, chain, pc) = (self.frame().func, self.frame().chain, self.pc);
        let ran = self.spec().site(pc).map(|s| s.count);
        let Some(notes) = &mut self.notes else {
            if let Some(line) = line {
                self.b.set_loc(SrcLoc(line));
            }
            return;
        };
        let line = line.unwrap_or_else(|| notes.places.last().map_or(0, |p| p.line));
        let place = Place {
            func,
            chain,
            pc,
            line,
            ran,
        };
        if notes.places.last() != Some(&place) {
            notes.places.push(place);
        }
        self.b.set_loc(SrcLoc(notes.places.len() as u32));
    }

    /// Records a remark about the present instruction, if anybody asked.
    pub(crate) fn remark(&mut self, what: impl FnOnce(&Self) -> Option<Kind>) {
        if self.notes.is_none() {
            return;
        }
        let kind = what(self);
        if let (Some(notes), Some(kind)) = (&mut self.notes, kind)
            && let Some(last) = notes.places.len().checked_sub(1)
        {
            notes.said.push((last, kind));
        }
    }

    /// A register is checked to be of these kinds, or the code is left.
    pub(crate) fn remark_guard(&mut self, r: usize, want: Tags) {
        self.remark(|l| {
            Some(Kind::GuardKind {
                what: operand_name(l.frame().p, r, l.pc),
                kinds: Kinds(want),
            })
        });
    }
    /// The result of the present instruction is checked to be of these kinds.
    pub(crate) fn remark_result(&mut self, want: Tags) {
        self.remark(|l| {
            Some(Kind::GuardResult {
                op: l.operation(),
                kinds: Kinds(want),
            })
        });
    }
    /// Something that has no kind of its own is checked.
    pub(crate) fn remark_value(&mut self, what: &'static str) {
        self.remark(|_| Some(Kind::GuardValue { what }));
    }

    /// An element is in an array of one kind (`trinity_abi::table`).
    pub(crate) fn remark_elements(&mut self, kind: u8) {
        self.remark(|l| {
            Some(Kind::GuardElements {
                op: l.operation(),
                elements: match kind {
                    table::KIND_INT => "integers",
                    table::KIND_FLOAT => "floats",
                    _ => "values of any kind",
                },
            })
        });
    }
    /// A table has the field in a slot.
    pub(crate) fn remark_shape(&mut self, slot: u32) {
        self.remark(|l| {
            Some(Kind::GuardShape {
                op: l.operation(),
                slot: slot.into(),
                shapes: l.spec().shapes(l.pc).map_or(0, |s| s.len() as u64),
            })
        });
    }
    /// A call is of a function of the module.
    pub(crate) fn remark_callee(&mut self, callee: u32) {
        self.remark(|l| {
            let callee = callee_name(l.module, callee);
            Some(Kind::GuardCallee { callee })
        });
    }
    /// A call is of a library function.
    pub(crate) fn remark_library(&mut self, which: Intrinsic) {
        self.remark(|_| {
            let callee = which.name().to_string();
            Some(Kind::GuardLibrary { callee })
        });
    }
    /// A library function is done here.
    pub(crate) fn remark_done(&mut self, which: Intrinsic, how: &'static str) {
        self.remark(|_| {
            let callee = which.name().to_string();
            Some(Kind::Library { callee, how })
        });
    }
    /// A function of the module becomes part of this code.
    pub(crate) fn remark_inlined(&mut self, callee: u32) {
        self.remark(|l| {
            let callee = callee_name(l.module, callee);
            Some(Kind::Inlined { callee })
        });
    }
    /// It does not.
    pub(crate) fn remark_not_inlined(&mut self, callee: u32, why: NotInlined) {
        self.remark(|l| {
            let callee = callee_name(l.module, callee);
            Some(Kind::NotInlined { callee, why })
        });
    }

    /// The present instruction goes to the runtime: always, or where its own code does not fit.
    pub(crate) fn remark_generic(&mut self, always: bool) {
        self.remark(|l| {
            let why = match always {
                true => l.why().unwrap_or(Why::NoForm),
                false => l.why()?,
            };
            let (op, operands) = (l.operation(), l.operands());
            Some(match always {
                true => Kind::Generic { op, operands, why },
                false => Kind::GenericRest { op, operands, why },
            })
        });
    }

    pub(crate) fn operation(&self) -> String {
        operation(self.frame().p, self.pc)
    }

    /// The call of the present instruction does not know what it calls.
    pub(crate) fn remark_call(&mut self) {
        self.remark(|l| {
            let site = l.spec().site(l.pc);
            let why = match (l.unseen(), site) {
                (Some(why), _) => CallWhy::Unseen(why),
                (None, None) => CallWhy::Foreign,
                (None, Some(s)) => match (s.callee, &s.native) {
                    (_, Some(name)) => CallWhy::Library(name.clone()),
                    (Some(f), _) if !l.module.typed[f as usize] => {
                        CallWhy::Untyped(callee_name(l.module, f))
                    }
                    (Some(f), _) => CallWhy::Arguments(callee_name(l.module, f)),
                    (None, None) if s.callees > 1 => CallWhy::Several(u64::from(s.callees)),
                    (None, None) => CallWhy::Foreign,
                },
            };
            let why = match l.instr().op() {
                Op::TailCall if !matches!(why, CallWhy::Library(_)) => CallWhy::Tail,
                _ => why,
            };
            Some(Kind::IndirectCall { why })
        });
    }

    /// Why nothing is known about the present instruction; `None`: something is.
    fn unseen(&self) -> Option<Why> {
        let func = self.frame().func as usize;
        match &self.module.seen[func] {
            None if self.module.seen.iter().all(Option::is_none) => Some(Why::NoProfile),
            None => Some(Why::NotTrained),
            Some(seen) if seen.calls == 0 => Some(Why::NotTrained),
            Some(_) => match self.spec().site(self.pc).map_or(0, |s| s.count) {
                n if n < super::spec::EVIDENCE => Some(Why::Few(n)),
                _ => None,
            },
        }
    }

    /// Why the present instruction needs code for several cases; `None`: only for what is not worth telling (a division by zero, the collector's
    /// barrier, no room).
    fn why(&self) -> Option<Why> {
        let i = self.instr();
        let open = |known: Tags| {
            let seen = self.spec().site(self.pc);
            let seen = seen.map_or(Tags::NONE, |s| s.operands[0].or(s.operands[1]));
            let kinds = if seen.is_none() { known } else { seen };
            self.unseen().unwrap_or(Why::Several(Kinds(kinds)))
        };
        let table = |r: usize| (self.tags(r) != Tags::TABLE).then(|| open(self.tags(r)));
        match i.op() {
            Op::GetTabUp | Op::SetTabUp => Some(Why::Global),
            Op::GetField | Op::SelfGet => table(i.b()).or_else(|| self.why_field()),
            Op::SetField => {
                if self.is_constructing(i.a()) {
                    return None;
                }
                table(i.a()).or_else(|| self.why_field())
            }
            Op::GetTable | Op::GetI => {
                let key = (i.op() == Op::GetTable).then(|| i.c());
                table(i.b()).or_else(|| self.why_element(key))
            }
            Op::SetTable | Op::SetI => {
                let key = (i.op() == Op::SetTable).then(|| i.b());
                table(i.a()).or_else(|| self.why_element(key))
            }
            Op::NewTable
            | Op::NewCell
            | Op::Closure
            | Op::SetList
            | Op::GetUpval
            | Op::SetUpval => None,
            Op::GetCell | Op::SetCell => None,
            _ => {
                let kinds = self.operand_registers();
                let tags = kinds.iter().map(|&r| self.tags(r));
                let all = tags.clone().fold(Tags::NONE, Tags::or);
                let known = tags
                    .into_iter()
                    .all(|t| t.single().is_some() || [Tags::STR, Tags::BOOL].contains(&t));
                (!known).then(|| open(all))
            }
        }
    }

    fn why_field(&self) -> Option<Why> {
        if self.frame().groups.at(self.pc).is_some() {
            return None;
        }
        Some(
            self.unseen()
                .unwrap_or(match self.spec().is_own(self.pc).unwrap_or(true) {
                    true => Why::Slots,
                    false => Why::Elsewhere,
                }),
        )
    }

    fn why_element(&self, key: Option<usize>) -> Option<Why> {
        if let Some(key) = key
            && !self.tags(key).meets(Tags::INT)
        {
            return Some(Why::Keys);
        }
        if let Some(why) = self.unseen() {
            return Some(why);
        }
        let seen = self.spec().kinds(self.pc).unwrap_or(0);
        let arrays = seen & (kind::INT | kind::FLOAT | kind::GENERAL);
        let unusual = seen & (kind::MISS | kind::APPEND | kind::OTHER_KEY | kind::EMPTY);
        if unusual == 0 && arrays.count_ones() == 1 {
            // One kind of array: stores are checked for it, loads may find nil.
            let loads = matches!(self.instr().op(), Op::GetTable | Op::GetI);
            return loads.then_some(Why::Elements(0));
        }
        Some(Why::Elements(seen))
    }

    /// The operands of the present instruction, with what is known of them.
    fn operands(&self) -> Operands {
        let p: &Proto = self.frame().p;
        let registers = self.operand_registers();
        let one = |&r: &usize| (operand_name(p, r, self.pc), Kinds(self.tags(r)));
        Operands(registers.iter().map(one).collect())
    }

    fn operand_registers(&self) -> Vec<usize> {
        let i = self.instr();
        if let Some((_, rhs)) = facts::arithmetic(self.frame().p, i) {
            let mut out = vec![i.b()];
            if let Operand::Reg(r) = rhs {
                out.push(r);
            }
            return out;
        }
        use Op::*;
        match i.op() {
            GetField | SelfGet | GetI | Len | Unm | BNot => vec![i.b()],
            SetField | SetI => vec![i.a()],
            GetTable => vec![i.b(), i.c()],
            SetTable => vec![i.a(), i.b()],
            JmpEq | JmpNe | JmpLt | JmpNlt | JmpLe | JmpNle => vec![i.a(), i.b()],
            JmpEqK | JmpNeK | JmpEqI | JmpNeI | JmpLtI | JmpNltI | JmpLeI | JmpNleI | JmpGtI
            | JmpNgtI | JmpGeI | JmpNgeI => vec![i.a()],
            Concat => (i.a()..i.a() + i.b()).collect(),
            ForPrep => vec![i.a(), i.a() + 1, i.a() + 2],
            ForLoop | TForCall => vec![i.a()],
            _ => Vec::new(),
        }
    }
}
