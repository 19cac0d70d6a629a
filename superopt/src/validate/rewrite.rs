//! What a pass over the SSA form replaced ([`crate::egraph::pass`]), put to the prover: the function before and after, block by block.
//!
//! Both blocks are executed in terms, as where machine code is compared, from the same variables; so what extraction, emission and placement made of the
//! e-graph's choice is all looked at, and nothing that they say is believed. Blocks compute the same if they make the same calls, accesses and stores, ask the same
//! conditions, hand the same arguments on, and if each value that the block defined is equal to the one that stands for it now. All blocks of the function are
//! compared; by induction over their executions, in each of them a value from elsewhere is what stands for it.
//!
//! Where a proof needs how many low bits of a value can be set, which the e-graph was told, that is proven as well: of a parameter by what all blocks hand it.

mod bounds;
mod invariants;

use super::boolean;
use super::division;
use super::domain::{CodeData, Terms};
use super::machine::Duty;
use super::ssa::{Effects, State, Variables, Way, Words};
use super::values::{Values, reverse_postorder};
use super::{Budget, Judge};
use crate::report::verdict::Verdict;
use crate::solver::{PoolConfig, SolverPool};
use invariants::Claims;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use trinity_codegen::ir::{self, Block, Cfg, Function, InstId, SrcLoc, Value, ValueDef};
use trinity_codegen::isa::{Domain, Node, TermId};
use trinity_codegen::opt::region::{Facts, Plan};

/// A function before and after.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// As it was.
    pub before: Function,
    /// As it is. Blocks, instructions and values that were there have their numbers.
    pub after: Function,
    /// By value that was: the one that stands for it, which may be one that was, too.
    pub map: BTreeMap<Value, Value>,
    /// Blocks with other code.
    pub blocks: Vec<Block>,
    /// By value that was: how many low bits can be set, as was believed.
    pub bits: Vec<u8>,
}

/// What became of a block.
#[derive(Clone, PartialEq, Debug)]
pub struct Compared {
    /// The block.
    pub block: Block,
    /// The line of its code.
    pub loc: SrcLoc,
    /// New instructions.
    pub instructions: u32,
    /// What was found.
    pub verdict: Verdict,
    /// What differs, or was not decided.
    pub what: String,
    /// How many words had to be equal that were not one term.
    pub asked: u32,
    /// Values of which was needed how many of their bits can be set, and how many that are.
    pub bounds: Vec<(Value, u8)>,
}

impl Rewrite {
    /// Of a function whose plans have not been carried out; `after` is to be set then.
    pub fn of(f: &Function, plans: &[Plan], facts: &Facts) -> Rewrite {
        Rewrite {
            before: f.clone(),
            after: Function::default(),
            map: plans.iter().flat_map(Plan::map).collect(),
            blocks: plans.iter().map(Plan::block).collect(),
            bits: facts.bits.clone(),
        }
    }

    /// Compares: an item for each block with other code, and for each other that is not proven.
    pub fn compare(&self, budget: &Budget, solvers: Option<&SolverPool>) -> Vec<Compared> {
        let none = SolverPool::new(PoolConfig::new(PathBuf::from("no trinity-solver")));
        Both::new(self, budget, solvers.unwrap_or(&none)).run()
    }

    /// What stands for a value.
    fn image(&self, mut v: Value) -> Value {
        // As often as there are values: what stands for itself in a circle is found to be wrong.
        for _ in 0..self.map.len() {
            match self.map.get(&v) {
                Some(&to) if to != v => v = to,
                _ => break,
            }
        }
        v
    }
}

struct Both<'a> {
    r: &'a Rewrite,
    order: Vec<Block>,
    values: [Values; 2],
    slots: Vec<u32>,
    /// Values that the new function reads.
    read: HashSet<Value>,
    /// The block that defines a value in the new function.
    home: HashMap<Value, Block>,
    d: Terms<'a>,
    vars: Variables,
    judge: Judge<'a>,
    /// What became of bounds.
    bounds: BTreeMap<Value, Verdict>,
    /// By value: those whose bounds the proof of its own rests on.
    rests: BTreeMap<Value, Vec<Value>>,
    /// The old function's blocks.
    cfg: Cfg,
    /// The block that defines a value in the old function.
    old_home: HashMap<Value, Block>,
    /// Words that were proven equal in the block that is compared, the greater number by the lesser.
    equal: HashMap<TermId, TermId>,
    /// By parameter: what holds where its block is entered, where that was asked.
    invariants: Claims,
}

fn uses(f: &Function, b: Block, see: &mut impl FnMut(Value)) {
    let data = &f.blocks[b.index()];
    for id in &data.insts {
        f.insts[id.index()].inst.for_each_use(&mut *see);
        if let ir::Inst::Call(c) = &f.insts[id.index()].inst {
            c.live.iter().for_each(|v| see(*v));
        }
    }
    if let Some(term) = &data.term {
        term.for_each_use(see);
    }
}

fn defines(f: &Function, b: Block) -> impl Iterator<Item = Value> {
    let data = &f.blocks[b.index()];
    let made = data.insts.iter();
    let made = made.flat_map(|id| f.insts[id.index()].results());
    data.params.iter().copied().chain(made)
}

/// A way from a block to another one.
struct Handed {
    to: Block,
    /// When it is taken: one bit.
    cond: TermId,
    /// What parameters get (of vectors, the first word).
    args: Vec<TermId>,
}

/// What comparing two blocks showed.
#[derive(Default)]
struct Difference {
    duties: Vec<Duty>,
    wrong: Option<String>,
}

impl Difference {
    fn same(&mut self, what: impl Into<String>, a: TermId, b: TermId, path: &[TermId]) {
        if a != b {
            self.duties.push(Duty {
                what: what.into(),
                ssa: a,
                machine: b,
                path: path.to_vec(),
            });
        }
    }
    fn words(&mut self, what: &str, a: &Words, b: &Words, path: &[TermId]) {
        for (a, b) in a.iter().zip(b) {
            self.same(what, *a, *b, path);
        }
    }
    fn wrong(&mut self, what: &str) {
        self.wrong.get_or_insert_with(|| what.into());
    }
    fn number<T: PartialEq>(&mut self, what: &str, a: T, b: T) {
        if a != b {
            self.wrong(what);
        }
    }
}

impl<'a> Both<'a> {
    fn new(r: &'a Rewrite, budget: &'a Budget, solvers: &'a SolverPool) -> Both<'a> {
        let order = reverse_postorder(&r.before);
        let mut values = [&r.before, &r.after].map(|f| Values::new(f, &order));
        let (mut read, mut home) = (HashSet::new(), HashMap::new());
        let mut old_home = HashMap::new();
        for &b in &order {
            uses(&r.after, b, &mut |v| {
                read.insert(v);
            });
            home.extend(defines(&r.after, b).map(|v| (v, b)));
            old_home.extend(defines(&r.before, b).map(|v| (v, b)));
        }
        // What is a variable on one side is one on both, if it is on both: what is no more is what it was computed from.
        for n in 0..r.before.values.len().min(r.after.values.len()) {
            let is = home.contains_key(&Value(n as u32));
            let root = values[0].root[n] || is && values[1].root[n];
            let constant =
                |f: &Function| f.def_inst(Value(n as u32)).is_some_and(ir::Inst::is_const);
            if !constant(&r.before) {
                values[0].root[n] = root;
                values[1].root[n] = root;
            }
        }
        let mut slots = Vec::new();
        let mut at = 0;
        for bytes in &r.before.stack_slots {
            slots.push(at);
            at += bytes.next_multiple_of(8);
        }
        let d = Terms::new(CodeData::default());
        Both {
            r,
            order,
            values,
            slots,
            read,
            home,
            d,
            vars: Variables::default(),
            judge: Judge::new(budget, solvers),
            bounds: BTreeMap::new(),
            rests: BTreeMap::new(),
            cfg: Cfg::new(&r.before),
            old_home,
            equal: HashMap::new(),
            invariants: Claims::new(),
        }
    }

    fn run(mut self) -> Vec<Compared> {
        let mut out = Vec::new();
        let invalid = ir::verify(&self.r.after).err().map(|e| e.to_string());
        let same = reverse_postorder(&self.r.after) == self.order;
        for b in self.order.clone() {
            let new = self.r.blocks.contains(&b);
            let mut found = match (&invalid, same) {
                (None, true) => self.block(b),
                (Some(why), _) if new => self.item(b, Verdict::Refuted, why),
                (None, false) if new => self.item(b, Verdict::Refuted, "other ways"),
                _ => continue,
            };
            if let Some(why) = self.d.trouble.take() {
                let verdict = Verdict::Unsupported {
                    instruction: String::new(),
                    address: 0,
                    why,
                };
                found = self.item(b, verdict, "");
            }
            if new || found.verdict != Verdict::Proven {
                out.push(found);
            }
        }
        out
    }

    fn item(&self, b: Block, verdict: Verdict, what: &str) -> Compared {
        let (before, after) = (&self.r.before, &self.r.after);
        let old: HashSet<InstId> = before.blocks[b.index()].insts.iter().copied().collect();
        let list = &after.blocks[b.index()].insts;
        let new: Vec<&InstId> = list.iter().filter(|id| !old.contains(id)).collect();
        let first = new.first().copied().or(list.first());
        Compared {
            block: b,
            loc: first.map_or(SrcLoc(0), |id| after.insts[id.index()].loc),
            instructions: new.len() as u32,
            verdict,
            what: what.into(),
            asked: 0,
            bounds: Vec::new(),
        }
    }

    fn block(&mut self, b: Block) -> Compared {
        let Difference { duties, wrong } = self.difference(b);
        if let Some(wrong) = wrong {
            return self.item(b, Verdict::Refuted, &wrong);
        }
        self.equal.clear();
        let mut found = self.item(b, Verdict::Proven, "");
        found.asked = duties.len() as u32;
        let mut bounds = BTreeSet::new();
        for duty in &duties {
            let (verdict, what, short) = self.decide(duty);
            bounds.extend(short);
            match verdict {
                Verdict::Proven => {}
                Verdict::Refuted => {
                    (found.verdict, found.what) = (verdict, what);
                    break;
                }
                _ if found.verdict == Verdict::Proven => {
                    (found.verdict, found.what) = (verdict, what)
                }
                _ => {}
            }
        }
        found.bounds = bounds
            .iter()
            .map(|v| (*v, self.r.bits[v.index()]))
            .collect();
        if found.verdict == Verdict::Proven {
            self.prove_bounds(bounds);
            let mut rests: Vec<Value> = found.bounds.iter().map(|b| b.0).collect();
            let mut at = 0;
            while let Some(v) = rests.get(at) {
                let more = self.rests.get(v).cloned().unwrap_or_default();
                at += 1;
                for v in more {
                    if !rests.contains(&v) {
                        rests.push(v);
                    }
                }
            }
            let mut verdicts = rests.iter().filter_map(|v| Some((v, self.bounds.get(v)?)));
            let open = verdicts.find(|x| *x.1 != Verdict::Proven);
            if let Some((v, verdict)) = open {
                found.verdict = match verdict {
                    // What was believed is wrong, but perhaps nothing that was made of it.
                    Verdict::Refuted => Verdict::Unknown {
                        why: "what was believed of the bits of a value is not so".into(),
                    },
                    other => other.clone(),
                };
                found.what = format!("{v} has {} bits", self.r.bits[v.index()]);
            }
        }
        found
    }

    /// The old function where a block is entered.
    fn entered(&mut self) -> (State<'_>, &mut Terms<'a>, &mut Variables) {
        let Both {
            r,
            values,
            slots,
            d,
            vars,
            ..
        } = self;
        (State::new(d, vars, &r.before, &values[0], slots), d, vars)
    }

    /// Executes a block of the old function: what values (integers) are where it ends, and the ways to other blocks.
    fn executed(&mut self, b: Block, asked: &[Value]) -> (Vec<TermId>, Vec<Handed>) {
        let data = &self.r.before.blocks[b.index()];
        let (mut state, d, vars) = self.entered();
        let mut effects = Effects::default();
        for &id in &data.insts {
            state.step(d, vars, id, &mut effects);
        }
        let words = asked.iter().map(|v| state.value(d, vars, *v)[0]).collect();
        let term = data.term.as_ref();
        let exits = term.map_or(Vec::new(), |t| state.end(d, vars, t, &mut effects));
        let handed = exits.into_iter().filter_map(|exit| match exit.way {
            Way::Block(to, args) => Some(Handed {
                to,
                cond: exit.cond,
                args: args.into_iter().map(|a| a[0]).collect(),
            }),
            _ => None,
        });
        (words, handed.collect())
    }

    /// Executes a block on both sides.
    fn difference(&mut self, b: Block) -> Difference {
        let Both {
            r,
            values,
            slots,
            read,
            home,
            d,
            vars,
            ..
        } = self;
        let mut out = Difference::default();
        let mut old = State::new(d, vars, &r.before, &values[0], slots);
        let mut new = State::new(d, vars, &r.after, &values[1], slots);
        // Values from elsewhere are what stands for them; what was there before is computed from the same variables.
        let order: Vec<Value> = defines(&r.before, b).collect();
        let here: HashSet<Value> = order.iter().copied().collect();
        for &v in r.map.keys().filter(|v| !here.contains(v)) {
            let w = r.image(v);
            let stood = w.index() < r.before.values.len() && stands(&r.before, w);
            if stood && w != v && !here.contains(&w) {
                // That these are equal is asked where the first one was computed.
                let words = old.value(d, vars, w);
                old.set(v, words);
            } else if !stood && read.contains(&w) {
                let words = old.value(d, vars, v);
                new.set(w, words);
            }
        }
        let (mut e, mut n) = (Effects::default(), Effects::default());
        let (was, is) = (&r.before.blocks[b.index()], &r.after.blocks[b.index()]);
        for &id in &was.insts {
            old.step(d, vars, id, &mut e);
        }
        for &id in &is.insts {
            new.step(d, vars, id, &mut n);
        }
        for v in order {
            let w = r.image(v);
            if !read.contains(&w) {
                continue;
            }
            match home.get(&w) {
                // It stands elsewhere, and is computed from variables that are the same here.
                Some(h)
                    if *h != b
                        && values[1].root[w.index()]
                        && w.index() >= r.before.values.len() =>
                {
                    out.wrong("a value stands for one of another block");
                }
                Some(_) => {
                    let (x, y) = (old.value(d, vars, v), new.value(d, vars, w));
                    out.words(&format!("{v}, now {w}"), &x, &y, &[]);
                }
                None => out.wrong("a value that is read is no more"),
            }
        }
        let (Some(was), Some(is)) = (&was.term, &is.term) else {
            out.wrong("a block without an end");
            return out;
        };
        let (was, is) = (old.end(d, vars, was, &mut e), new.end(d, vars, is, &mut n));
        effects(d, &e, &n, &mut out);
        out.number("other ways", was.len(), is.len());
        for (a, b) in was.into_iter().zip(is) {
            out.same("the condition", a.cond, b.cond, &[]);
            let path = [a.cond];
            out.same("memory", a.state.memory, b.state.memory, &path);
            for (x, y) in a.state.pinned.into_iter().zip(b.state.pinned) {
                out.same("a pinned register", x, y, &path);
            }
            match (a.way, b.way) {
                (Way::Block(to, x), Way::Block(there, y)) => {
                    out.number("another way", to, there);
                    out.number("other arguments", x.len(), y.len());
                    for (x, y) in x.iter().zip(&y) {
                        out.words("an argument", x, y, &path);
                    }
                }
                (Way::Return(x), Way::Return(y)) => placed(&mut out, "a result", &x, &y, &path),
                (Way::Tail(s, x), Way::Tail(t, y)) => {
                    out.same("the target", s, t, &path);
                    placed(&mut out, "an argument", &x, &y, &path);
                }
                (Way::Trap, Way::Trap) => {}
                _ => out.wrong("another end"),
            }
        }
        out
    }

    /// Decides a duty, with what was proven of this block before; words that are proven equal are one from here on.
    fn decide(&mut self, duty: &Duty) -> (Verdict, String, Vec<Value>) {
        if duty.ssa == duty.machine {
            return (Verdict::Proven, String::new(), Vec::new());
        }
        let boolean = self.merged(duty, true);
        let found = match boolean.ssa == boolean.machine {
            true => (Verdict::Proven, String::new(), Vec::new()),
            false => {
                let merged = self.merged(duty, false);
                self.asked(&merged)
            }
        };
        if found.0 == Verdict::Proven && duty.path.is_empty() {
            self.merge(duty.ssa, duty.machine);
        }
        found
    }

    /// A duty with words that are proven equal as one.
    fn merged(&mut self, duty: &Duty, boolean: bool) -> Duty {
        let made = boolean::again(&mut self.d, &duty.roots(), &self.equal, boolean);
        duty.of(|t| made[&t])
    }

    /// Notes that words are equal, and those that they extend with zeros.
    fn merge(&mut self, mut a: TermId, mut b: TermId) {
        while a != b {
            self.equal.insert(a.max(b), a.min(b));
            match (self.d.pool.node(a), self.d.pool.node(b)) {
                (Node::Zext(x), Node::Zext(y))
                    if self.d.pool.term_width(x) == self.d.pool.term_width(y) =>
                {
                    (a, b) = (x, y);
                }
                _ => return,
            }
        }
    }

    /// Asks of a duty: as it is; where it divides by constants, and else if that is not enough, with what is known of the bits of values, which
    /// are named then.
    fn asked(&mut self, duty: &Duty) -> (Verdict, String, Vec<Value>) {
        if duty.ssa == duty.machine {
            return (Verdict::Proven, String::new(), Vec::new());
        }
        let (short, shorter) = self.short(duty);
        if self.proven_undivided(&shorter) {
            return (Verdict::Proven, String::new(), short);
        }
        let (verdict, what) = self.judge.decide(&mut self.d, duty, &[]);
        if verdict == Verdict::Proven || short.is_empty() {
            return (verdict, what, Vec::new());
        }
        let (verdict, what) = self.judge.decide(&mut self.d, &shorter, &[]);
        (verdict, what, short)
    }

    /// Whether a duty that divides by constants is proven without dividing.
    fn proven_undivided(&mut self, duty: &Duty) -> bool {
        division::without(&mut self.d, duty).is_some_and(|(easy, premises)| {
            self.judge.decide(&mut self.d, &easy, &premises).0 == Verdict::Proven
        })
    }
}

/// Whether some block has a value.
fn stands(f: &Function, v: Value) -> bool {
    match f.values[v.index()].def {
        ValueDef::Param(..) => true,
        ValueDef::Inst(id, _) => f.blocks.iter().any(|b| b.insts.contains(&id)),
    }
}

fn placed<R: PartialEq>(
    out: &mut Difference,
    what: &str,
    x: &[(TermId, R)],
    y: &[(TermId, R)],
    path: &[TermId],
) {
    out.number(what, x.len(), y.len());
    for ((x, r), (y, s)) in x.iter().zip(y) {
        out.number(what, r, s);
        out.same(what, *x, *y, path);
    }
}

/// Calls, accesses and faults.
fn effects(d: &mut Terms<'_>, e: &Effects, n: &Effects, out: &mut Difference) {
    out.number("other calls", e.events.len(), n.events.len());
    for (a, b) in e.events.iter().zip(&n.events) {
        out.same("the target of a call", a.target, b.target, &[]);
        placed(out, "an argument of a call", &a.args, &b.args, &[]);
        for (x, y) in a.memory.iter().zip(b.memory) {
            out.same("memory at a call", *x, y, &[]);
        }
        for (x, y) in a.pinned.iter().flatten().zip(b.pinned.iter().flatten()) {
            out.same("a pinned register at a call", *x, *y, &[]);
        }
        out.number("values at a safe point", a.live.len(), b.live.len());
        for (x, y) in a.live.iter().zip(&b.live) {
            out.same("a value at a safe point", *x, *y, &[]);
        }
        out.number("a safe point", a.safepoint, b.safepoint);
    }
    out.number("other accesses", e.accesses.len(), n.accesses.len());
    for (a, b) in e.accesses.iter().zip(&n.accesses) {
        out.number("another access", (a.1, a.2), (b.1, b.2));
        out.same("an address", a.0, b.0, &[]);
    }
    let no = d.bit(false);
    let any = e.faults.iter().fold(no, |a, b| d.or(&a, b));
    let none = d.not(&any);
    for when in n.faults.iter().filter(|f| !e.faults.contains(f)) {
        let more = d.and(when, &none);
        out.same("a division that faults", no, more, &[]);
    }
}
