//! What the typed lowering may speculate on: the questions it asks of a profile, and the answers when there is none.
//!
//! A speculation is always checked by a guard, so an answer may be wrong but not harmful. Facts ([`super::facts`]) and lowering ask the same
//! questions, so that what the one assumes behind an instruction the other checks there.

use super::between::Between;
use super::facts;
use super::tags::Tags;
use crate::passes::{Pass, Passes};
use trinity_abi::intrinsic::Intrinsic;
use trinity_frontend::bytecode::Proto;
use trinity_profile::ShapeKeys;

/// What was seen of a function in a training run.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often it was called.
    pub calls: u64,
    /// Tags of its parameters.
    pub params: Vec<Tags>,
    /// By position; `None` where nothing was executed.
    pub sites: Vec<Option<SeenSite>>,
}

/// What was seen of an instruction.
#[derive(Clone, Debug, Default)]
pub struct SeenSite {
    /// Executions.
    pub count: u64,
    /// Tags of the result in `R[a]`.
    pub result: Tags,
    /// Tags of a second value written.
    pub second: Tags,
    /// Tags of the operands, as the profile numbers them.
    pub operands: [Tags; 2],
    /// Bits of [`trinity_profile::kind`].
    pub kinds: u8,
    /// Stores may ask for the one kind of elements that there is after all, although arrays grew.
    pub grows: bool,
    /// The least and the greatest integer key or number; of NEWTABLE: the longest that an array became.
    pub range: Option<(i64, i64)>,
    /// The only function called here, if it is one of the module: its number.
    pub callee: Option<u32>,
    /// Functions of the module called here, each with its number of calls, the most frequent first; if there are several callees.
    pub targets: Vec<(u32, u64)>,
    /// The slot in which the accessed table always had the field itself.
    pub slot: Option<u32>,
    /// If there is such a slot: the keys of the shapes, in order.
    pub shapes: Vec<ShapeKeys>,
    /// Some table of a shared shape had the field itself.
    pub own: bool,
    /// Tables of several shapes were seen.
    pub many: bool,
    /// Some table had no shape.
    pub dictionary: bool,
    /// How many functions were called here; what is not listed counts as one.
    pub callees: u32,
    /// The only native function called here, by its name in the library.
    pub native: Option<String>,
    /// Of an open call: it gave one result each time.
    pub one_result: bool,
}

impl Seen {
    /// What is left when some optimizations are off: nobody can use what was not seen.
    #[must_use]
    pub fn without(mut self, passes: Passes) -> Seen {
        if !passes.has(Pass::RegisterArgs) || !passes.has(Pass::Speculation) {
            self.params.fill(facts::VALUE);
        }
        for site in &mut self.sites {
            if !passes.has(Pass::LeaveCold) {
                let site = site.get_or_insert_default();
                site.count = site.count.max(1);
            }
            let Some(s) = site else {
                continue;
            };
            if !passes.has(Pass::Speculation) {
                s.result = facts::VALUE;
                s.second = facts::VALUE;
                s.operands = [facts::VALUE; 2];
            }
            if !passes.has(Pass::ArrayKinds) {
                s.kinds = u8::MAX;
            }
            s.grows &= passes.has(Pass::Appends);
            if !passes.has(Pass::ShapeCells) {
                s.slot = None;
                s.shapes.clear();
            }
            if !passes.has(Pass::ArraySizes) {
                s.range = None;
            }
            if !passes.has(Pass::DirectCalls) {
                s.callee = None;
            }
            if !passes.has(Pass::DirectCalls) || !passes.has(Pass::SeveralCallees) {
                s.targets.clear();
            }
            s.many &= passes.has(Pass::ManyShapes);
            s.one_result &= passes.has(Pass::OneResult) && passes.has(Pass::Speculation);
            if !passes.has(Pass::Library) {
                s.native = None;
            }
        }
        self
    }
}

/// Executions of an instruction from which on what it saw is believed: code that runs once sees one value.
pub(crate) const EVIDENCE: u64 = 4;

/// Executions of an instruction from which on it may have much code.
const OFTEN: u64 = 1 << 19;

/// Elements that a table is made with because another one came to have as many.
const FEW: usize = 8;
/// The same, where all others came to have more than half as many. The observer counts one further.
const MANY: usize = 256;

/// The answers for one function.
#[derive(Clone, Copy)]
pub struct Spec<'a> {
    seen: Option<&'a Seen>,
    /// What the text says, where nothing was seen of the function.
    text: Option<&'a Between>,
}

impl<'a> Spec<'a> {
    /// Answers from what was seen; without it, everything is open. A function that was never called has nothing to say.
    pub fn new(p: &Proto, seen: Option<&'a Seen>) -> Spec<'a> {
        Spec {
            seen: seen.filter(|s| s.sites.len() == p.code.len() && s.calls > 0),
            text: None,
        }
    }
    /// Answers from what was seen, or from the text where nothing was.
    pub fn of(p: &Proto, seen: Option<&'a Seen>, text: Option<&'a Between>) -> Spec<'a> {
        Spec {
            text: text.filter(|_| seen.is_none()),
            ..Spec::new(p, seen)
        }
    }
    /// Everything is open.
    pub fn open() -> Spec<'static> {
        Spec {
            seen: None,
            text: None,
        }
    }
    /// How often the function was called.
    pub fn calls(&self) -> f64 {
        self.seen.map_or(0.0, |s| s.calls as f64)
    }
    /// The site, if it was executed.
    pub fn site(&self, pc: u32) -> Option<&'a SeenSite> {
        self.seen?.sites[pc as usize].as_ref()
    }
    /// The instruction was executed often enough to believe what it saw.
    fn evidence(&self, pc: u32) -> Option<&'a SeenSite> {
        self.site(pc).filter(|s| s.count >= EVIDENCE)
    }
    /// The instruction was executed often enough in training to believe what was seen.
    pub fn is_hot(&self, pc: u32) -> bool {
        self.evidence(pc).is_some()
    }
    /// The instruction was executed so often that larger code for it pays.
    pub fn runs_often(&self, pc: u32) -> bool {
        self.site(pc).is_some_and(|s| s.count >= OFTEN)
    }
    /// The instruction was executed in training, but too seldom to believe what it saw.
    pub fn is_rare(&self, pc: u32) -> bool {
        self.site(pc)
            .is_some_and(|s| (1..EVIDENCE).contains(&s.count))
    }
    /// The instruction was never executed in training.
    pub fn is_cold(&self, pc: u32) -> bool {
        self.seen.is_some() && self.site(pc).is_none_or(|s| s.count == 0)
    }
    /// The instruction was never executed in training, and the function often enough: it is left there.
    pub fn is_left(&self, pc: u32) -> bool {
        self.is_cold(pc) && self.seen.is_some_and(|s| s.calls >= EVIDENCE)
    }
    /// The kind of value that the instruction's result always was: to be checked behind it.
    pub fn result(&self, pc: u32) -> Option<Tags> {
        let text = || self.text?.results.get(&pc).copied();
        let seen = self.evidence(pc).map(|s| s.result);
        seen.or_else(text)
            .map(any_length)
            .filter(|&t| is_guardable(t))
    }
    /// The kinds of value that two results always were, where there were any.
    pub fn pair(&self, pc: u32) -> [Option<Tags>; 2] {
        let seen = self.evidence(pc);
        [seen.map(|s| s.result), seen.map(|s| s.second)].map(|t| {
            t.map(|t| any_length(t.minus(Tags::NIL)))
                .filter(|&t| is_guardable(t))
        })
    }
    /// The kind of value that an operand always was: to be checked before it is used.
    pub fn operand(&self, pc: u32, n: usize) -> Option<Tags> {
        self.evidence(pc)
            .map(|s| any_length(s.operands[n]))
            .filter(|&t| is_guardable(t))
    }
    /// The kind of value that a parameter always was.
    pub fn param(&self, n: usize) -> Option<Tags> {
        let seen = self.seen.filter(|s| s.calls >= EVIDENCE);
        let params = match self.text {
            None => &seen?.params,
            Some(text) => &text.params,
        };
        params
            .get(n)
            .map(|&t| any_length(t))
            .filter(|&t| is_guardable(t))
    }
    /// The slot of the accessed field, always the table's own.
    pub fn slot(&self, pc: u32) -> Option<u32> {
        self.evidence(pc)?.slot
    }
    /// The shapes of the tables in which the accessed field was always in one slot.
    pub fn shapes(&self, pc: u32) -> Option<&'a [ShapeKeys]> {
        Some(&self.evidence(pc)?.shapes)
    }
    /// The field was found in the table itself, which shared its shape, at least once; `None` where nothing is known.
    pub fn is_own(&self, pc: u32) -> Option<bool> {
        self.evidence(pc).map(|s| s.own)
    }
    /// Tables of several shapes were seen.
    pub fn has_many_shapes(&self, pc: u32) -> bool {
        self.evidence(pc).is_some_and(|s| s.many)
    }
    /// A table without a shape was seen.
    pub fn has_dictionary(&self, pc: u32) -> bool {
        self.evidence(pc).is_some_and(|s| s.dictionary)
    }
    /// An open call gave one result each time.
    pub fn gave_one_result(&self, pc: u32) -> bool {
        self.evidence(pc).is_some_and(|s| s.one_result)
    }
    /// The function of the module that was always called.
    pub fn callee(&self, pc: u32) -> Option<u32> {
        match self.text {
            Some(text) => text.callees.get(&pc).copied(),
            None => self.site(pc)?.callee,
        }
    }
    /// The library function that was always called.
    pub fn native(&self, pc: u32) -> Option<Intrinsic> {
        if let Some(text) = self.text {
            return text.natives.get(&pc).copied();
        }
        Intrinsic::by_name(self.evidence(pc)?.native.as_deref()?)
    }
    /// What a table access met ([`trinity_profile::kind`]).
    pub fn kinds(&self, pc: u32) -> Option<u8> {
        self.evidence(pc).map(|s| s.kinds)
    }
    /// The least and the greatest integer key that a table access met.
    pub fn range(&self, pc: u32) -> Option<(i64, i64)> {
        self.evidence(pc)?.range
    }
    /// How many elements the arrays of tables made here come to have, where that is never many, or almost the same each time.
    pub fn elements(&self, pc: u32) -> Option<usize> {
        let (least, longest) = self.evidence(pc)?.range?;
        let [least, longest] = [least, longest].map(|n| usize::try_from(n).unwrap_or(0));
        let alike = (longest / 2 + 1..=longest).contains(&least);
        let most = if alike { MANY } else { FEW };
        (1..=most).contains(&longest).then_some(longest)
    }
    /// Keys other than integers were seen by an access, or nothing was.
    pub fn other_keys(&self, pc: u32) -> bool {
        self.evidence(pc)
            .is_none_or(|s| !s.operands[1].within(Tags::INT))
    }
}

/// Strings that were short are longer another time.
fn any_length(t: Tags) -> Tags {
    if t.meets(Tags::STR) {
        t.or(Tags::STR)
    } else {
        t
    }
}

/// Sets that one comparison of a tag can check.
pub fn is_guardable(t: Tags) -> bool {
    t.single().is_some() || [Tags::BOOL, Tags::NUM, Tags::STR, Tags::FUNCTION].contains(&t)
}
