//! Versions of functions by the kinds of their arguments.
//!
//! A function that is called with integers here and floats there, or with a table or nothing, has one body that takes such arguments from home slots and
//! asks everywhere what they are. Where calls of known functions pass arguments of kinds that the caller knows, the function gets further bodies, each for one
//! list of kinds: those calls enter theirs directly (`call.rs`), and the generic entry asks for the lists before it goes to the general body (`entry.rs`).
//! A version is a piece of code of its own in the unit tables (`FuncDesc::of`), numbered behind the module's functions; it is entered by its body only, and all else
//! (closures, exits, tracebacks, the count of failed guards) knows the function alone.
//!
//! Which lists: those of the calls themselves, by what the dataflow knows in front of them. With a profile calls count as often as training ran them; without one the
//! calls that [`super::between`] followed do, and it looks at each version apart afterwards, so that results are known by version, too.

use super::facts;
use super::func::Lowering;
use super::graph::{Graph, Kind, NodeId};
use super::module::{Module, ParamIn, Signature};
use super::spec::{Seen, Spec};
use super::tags::Tags;
use crate::Symbol;
use crate::passes::Pass;
use crate::remark::Kinds;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use trinity_frontend::bytecode::effects::effects;
use trinity_frontend::bytecode::{Liveness, Op, Proto};

/// Versions of one function, at most.
const MOST_VERSIONS: usize = 3;
/// Calls in training from which on a function may have versions.
const CALLED: u64 = 16;
/// Instructions of a function that training executed, from which on it may.
const EXECUTED: u64 = 50_000;
/// Part of a function's calls that a version must be for.
const LEAST_SHARE: f64 = 0.05;
/// Instructions of a function with versions, at most.
const LARGEST: usize = 1500;
/// Part of the module's instructions that may be compiled again for versions.
const MOST_CODE: f64 = 0.25;
/// Instructions that may be compiled again however small the module is.
const SMALL: f64 = 1500.0;
/// What a call in a loop counts, where no profile tells.
const IN_LOOP: f64 = 8.0;

/// A body of a function for arguments of certain kinds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// The function.
    pub of: u32,
    /// How it takes its arguments.
    pub signature: Signature,
}

impl Version {
    /// The kinds that a parameter has in this version; `None`: any.
    fn kind(&self, n: usize) -> Option<Tags> {
        self.signature.params[n].tags()
    }
    /// Whether arguments of these kinds may be passed, where those in registers of the general body will have been checked.
    pub fn takes(&self, general: &Signature, kinds: impl Iterator<Item = Tags>) -> bool {
        let mut all = kinds.enumerate();
        all.all(|(n, tags)| {
            self.kind(n)
                .is_none_or(|t| tags.within(t) || general.params[n].tags() == Some(t))
        })
    }
    /// Whether such arguments may turn out to be of its kinds.
    fn may_take(&self, kinds: impl Iterator<Item = Tags>) -> bool {
        let mut all = kinds.enumerate();
        all.all(|(n, tags)| self.kind(n).is_none_or(|t| tags.meets(t)))
    }
    /// The kinds of its arguments, for people.
    pub fn kinds(&self) -> String {
        let kind = |n| Kinds(self.kind(n).unwrap_or(facts::VALUE)).to_string();
        let all: Vec<_> = (0..self.signature.params.len()).map(kind).collect();
        all.join(", ")
    }
    /// What it is called behind the function's name: the kinds of its arguments.
    pub fn suffix(&self) -> String {
        let kind = |n| match self.kind(n) {
            Some(t) => format!(".{t:?}"),
            None => ".any".to_string(),
        };
        (0..self.signature.params.len()).map(kind).collect()
    }
}

/// A call of a known function.
#[derive(Clone, Debug)]
pub struct CallSeen {
    /// Where.
    pub caller: u32,
    /// Which.
    pub callee: u32,
    /// Tags of its arguments, as many as it has parameters.
    pub kinds: Vec<Tags>,
    /// How often, or a guess of that.
    pub count: f64,
}

impl CallSeen {
    /// A call in the program's text, of which no more is known.
    pub fn in_text(caller: u32, callee: u32, kinds: Vec<Tags>, repeated: bool) -> CallSeen {
        let count = if repeated { IN_LOOP } else { 1.0 };
        CallSeen {
            caller,
            callee,
            kinds,
            count,
        }
    }
}

/// The calls of functions that may have versions, as training saw them.
pub fn calls_in_training(module: &Module) -> Vec<CallSeen> {
    let may: Vec<bool> = (0..module.protos.len())
        .map(|f| {
            let often = |s: &Seen| s.calls >= CALLED && executed(s) >= EXECUTED;
            module.seen[f].as_ref().is_some_and(often) && is_open(module, f)
        })
        .collect();
    let mut out = Vec::new();
    for f in (0..module.protos.len()).filter(|&f| module.typed[f]) {
        let spec = module.spec(f as u32);
        let called = |pc: u32| {
            let site = spec.site(pc)?;
            let all = site.targets.iter().map(|t| (t.0, t.1 as f64));
            let sole = site.callee.map(|c| (c, site.count as f64));
            let all = sole.into_iter().chain(all);
            let of: Vec<_> = all
                .filter(|(c, _)| may.get(*c as usize) == Some(&true))
                .collect();
            (!of.is_empty()).then_some(of)
        };
        let p = module.text(f as u32);
        if (0..p.code.len() as u32).any(|pc| called(pc).is_some()) {
            let entry = entry_tags(p, &module.signatures[f]);
            arguments(p, &spec, &entry, |pc, kinds| {
                for (callee, count) in called(pc).into_iter().flatten() {
                    out.push(CallSeen {
                        caller: f as u32,
                        callee,
                        kinds: kinds.to_vec(),
                        count,
                    });
                }
            });
        }
    }
    let known =
        |c: &CallSeen| c.kinds.len() == usize::from(module.protos[c.callee as usize].num_params);
    out.retain(known);
    out
}

/// Instructions of a function that training executed.
fn executed(seen: &Seen) -> u64 {
    seen.sites.iter().flatten().map(|s| s.count).sum()
}

/// Whether a function may have versions: some argument comes in a home slot, since it may be of several kinds.
fn is_open(module: &Module, f: usize) -> bool {
    let p = module.protos[f];
    module.typed[f]
        && !p.is_vararg
        && p.code.len() <= LARGEST
        && module.signatures[f].params.contains(&ParamIn::Home)
}

/// Tags of registers when a function begins.
fn entry_tags(p: &Proto, sig: &Signature) -> Vec<Tags> {
    let mut entry = vec![Tags::NONE; p.max_stack as usize + 1];
    for (t, param) in entry.iter_mut().zip(&sig.params) {
        *t = param.tags().unwrap_or(facts::VALUE);
    }
    entry
}

/// Tells the tags of the arguments of all calls with a fixed number of them.
fn arguments(p: &Proto, spec: &Spec, entry: &[Tags], mut tell: impl FnMut(u32, &[Tags])) {
    let live = Liveness::new(p);
    let graph = Graph::new(p, &live, &|pc| spec.is_left(pc));
    let facts = facts::infer(p, &graph, spec, entry, &[]);
    for &NodeId(n) in &graph.rpo {
        let node = &graph.nodes[n as usize];
        if node.kind != Kind::Block || spec.is_left(node.start) {
            continue;
        }
        let mut tags = facts[n as usize].clone();
        for pc in node.start..node.end {
            let i = p.code[pc as usize];
            if matches!(i.op(), Op::Call | Op::TailCall) && i.b() > 0 {
                tell(pc, &tags[i.a() + 1..i.a() + i.b()]);
            }
            facts::transfer(p, spec, pc, &mut tags);
        }
    }
}

/// Chooses versions for these calls, the most frequent first.
pub fn choose(module: &Module, calls: &[CallSeen]) -> Vec<Version> {
    let mut by_callee: BTreeMap<u32, HashMap<Vec<Option<Tags>>, f64>> = BTreeMap::new();
    let mut all: HashMap<u32, f64> = HashMap::new();
    // Calls by the function itself pass what it was passed.
    let mut own: HashMap<u32, f64> = HashMap::new();
    for call in calls.iter().filter(|c| is_open(module, c.callee as usize)) {
        let sum = if call.caller == call.callee {
            &mut own
        } else {
            &mut all
        };
        *sum.entry(call.callee).or_default() += call.count;
        let general = &module.signatures[call.callee as usize];
        let kinds = call.kinds.iter().zip(&general.params);
        let kinds: Vec<_> = kinds
            .map(|(&t, param)| param.tags().or_else(|| Some(t).filter(|t| is_kind(*t))))
            .collect();
        let known = general.params.iter().map(|p| p.tags());
        if !kinds.iter().copied().eq(known) {
            *by_callee
                .entry(call.callee)
                .or_default()
                .entry(kinds)
                .or_default() += call.count;
        }
    }
    let mut found: Vec<(f64, Version)> = Vec::new();
    for (callee, lists) in by_callee {
        let calls = module.seen[callee as usize].as_ref().map_or(0, |s| s.calls);
        let own = own.get(&callee).copied();
        let all = all.get(&callee).copied().unwrap_or_default();
        let all = all.max(calls as f64 - own.unwrap_or_default());
        let p = module.protos[callee as usize];
        let often = calls > 0 || has_loop(p) || own.is_some() || all >= IN_LOOP;
        let mut lists: Vec<_> = lists.into_iter().collect();
        let rank = |l: &(Vec<Option<Tags>>, f64)| {
            l.0.iter().map(|k| k.map_or(0, |t| t.0)).collect::<Vec<_>>()
        };
        lists.sort_by(|x, y| y.1.total_cmp(&x.1).then_with(|| rank(x).cmp(&rank(y))));
        lists.retain(|(_, count)| often && *count >= LEAST_SHARE * all);
        for (kinds, count) in lists.into_iter().take(MOST_VERSIONS) {
            let signature = Signature::for_kinds(&kinds);
            let version = Version {
                of: callee,
                signature,
            };
            // Registers may not be enough for what makes it another one.
            let other = version.signature != module.signatures[callee as usize];
            if other && !found.iter().any(|(_, v)| *v == version) {
                found.push((count, version));
            }
        }
    }
    found.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.of.cmp(&y.1.of)));
    let size = |f: u32| module.protos[f as usize].code.len() as f64;
    let module_size: f64 = (0..module.protos.len() as u32).map(size).sum();
    let mut room = (MOST_CODE * module_size).max(SMALL);
    found.retain(|(_, v)| {
        let fits = size(v.of) <= room;
        room -= if fits { size(v.of) } else { 0.0 };
        fits
    });
    found.into_iter().map(|f| f.1).collect()
}

/// Kinds that a version may be for: of one tag, the body then has a payload in a register, or knows that there is none.
fn is_kind(t: Tags) -> bool {
    t == Tags::NIL || t.has_payload() && t.single().is_some() && t != Tags::CELL
}

fn has_loop(p: &Proto) -> bool {
    (0..p.code.len()).any(|pc| effects(p, pc).jump.is_some_and(|to| to <= pc))
}

impl<'a> Lowering<'a> {
    /// What a call of `callee` with arguments from `R[first]` on enters, and how that takes them: a body whose kinds they are known to have (or will be checked to,
    /// where the signature says so), or the generic entry, if they may turn out to be of a version's. Whatever has no argument in a register takes their number.
    pub(super) fn entered(&self, callee: u32, first: usize) -> (Symbol, Cow<'a, Signature>) {
        let module = self.module;
        let general = &module.signatures[callee as usize];
        let kinds = || (0..general.params.len()).map(|n| self.tags(first + n));
        let mut versions = module.versions_of(callee);
        if let Some((n, v)) = versions.clone().find(|(_, v)| v.takes(general, kinds())) {
            return (Symbol::Body(n), Cow::Borrowed(&v.signature));
        }
        if versions.any(|(_, v)| v.may_take(kinds())) {
            let sig = Signature::from_home(general.params.len());
            return (Symbol::Func(callee), Cow::Owned(sig));
        }
        let symbol = match module.has_body(callee) {
            true => Symbol::Body(callee),
            false => Symbol::Func(callee),
        };
        (symbol, Cow::Borrowed(general))
    }
}

impl Module<'_> {
    /// The bodies that a function has beside the general one, with their numbers; those for more kinds of arguments come first.
    pub fn versions_of(&self, f: u32) -> impl Iterator<Item = (u32, &Version)> + Clone {
        let first = self.protos.len() as u32;
        (first..)
            .zip(&self.versions)
            .filter(move |(_, v)| v.of == f)
    }
    /// The version that a number is of; `None`: a function.
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions
            .get((number as usize).checked_sub(self.protos.len())?)
    }
    /// The function that a number of a function or version is of.
    pub fn function(&self, number: u32) -> u32 {
        self.version(number).map_or(number, |v| v.of)
    }
    /// How a function or version takes its arguments.
    pub fn signature(&self, number: u32) -> &Signature {
        match self.version(number) {
            Some(v) => &v.signature,
            None => &self.signatures[number as usize],
        }
    }
    /// Whether a function or version has a body apart from the generic entry.
    pub fn has_body(&self, number: u32) -> bool {
        self.version(number).is_some() || self.has_adapter(number)
    }
    /// Whether the generic entry is apart from the body.
    pub fn has_adapter(&self, number: u32) -> bool {
        self.version(number).is_none()
            && (self.signature(number).has_body() || self.versions_of(number).next().is_some())
    }
    /// Functions and versions.
    pub fn bodies(&self) -> u32 {
        (self.protos.len() + self.versions.len()) as u32
    }
    /// Adds the versions that calls in training ask for.
    pub(super) fn add_versions(&mut self, calls: &[CallSeen]) {
        if self.passes.has(Pass::FunctionVersions) && self.passes.has(Pass::RegisterArgs) {
            self.versions = choose(self, calls);
            let precise = |v: &Version| {
                v.signature
                    .params
                    .iter()
                    .filter(|p| p.tags().is_none())
                    .count()
            };
            self.versions.sort_by_key(precise);
        }
    }
}
