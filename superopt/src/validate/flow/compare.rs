//! Ways out of a region: the machine's against the SSA form's.

use super::{Facts, Item, Outcome, Place, SLOTS, VECTORS, offset};
use crate::validate::domain::Terms;
use crate::validate::logic::implies;
use crate::validate::machine::{self, Duty, End, registers};
use crate::validate::samples::{Sample, Samples};
use crate::validate::ssa::{Exit, State, Variables, Way, Words};
use crate::validate::values::Values;
use std::collections::{BTreeSet, HashMap, HashSet};
use trinity_codegen::CompiledFunction;
use trinity_codegen::ir::{Block, Function, Inst, Value};
use trinity_codegen::isa::{Domain, Node, TermId};

/// Compares ways out of a region.
pub(super) struct Compare<'c, 'a> {
    pub f: &'c Function,
    pub function: &'c CompiledFunction,
    pub values: &'c Values,
    /// Values that the block defines.
    pub made: &'c HashSet<Value>,
    pub samples: &'c mut Samples,
    /// Terms of words that places do not hold.
    pub denied: &'c HashSet<(TermId, TermId)>,
    pub d: &'c mut Terms<'a>,
    pub vars: &'c mut Variables,
    pub out: &'c mut Outcome,
}

impl<'a> Compare<'_, 'a> {
    fn duty(&mut self, what: impl Into<String>, ssa: TermId, machine: TermId, path: &[TermId]) {
        if ssa != machine {
            self.out.duties.push(Duty {
                what: what.into(),
                ssa,
                machine,
                path: path.to_vec(),
            });
        }
    }

    fn fits(&self, end: End, way: &Way) -> bool {
        match (end, way) {
            (End::At(at), Way::Block(b, _)) => offset(self.function, *b) == at,
            (End::Return, Way::Return(_)) | (End::Trap, Way::Trap) => true,
            (End::Tail(_), Way::Tail(..)) => true,
            _ => false,
        }
    }

    /// The machine leaves this way: the SSA form must, too.
    pub(super) fn exit(&mut self, e: machine::Exit<'a>, ways: &mut [Exit<'_>]) {
        let fit: Vec<usize> = (0..ways.len())
            .filter(|&n| self.fits(e.end, &ways[n].way))
            .collect();
        let sure = fit
            .iter()
            .copied()
            .find(|&n| e.path.contains(&ways[n].cond));
        let sure = sure.or_else(|| {
            let mut all = fit.iter().copied();
            all.find(|&n| implies(&self.d.pool, &e.path, ways[n].cond))
        });
        if let Some(n) = sure {
            return self.same(&e, &e.path, &mut ways[n]);
        }
        let no = self.d.bit(false);
        let any = fit.iter().fold(no, |a, n| self.d.or(&a, &ways[*n].cond));
        let place = match e.end {
            End::At(at) => format!("the way to {at:#x}"),
            End::Return => "the return".into(),
            End::Tail(_) => "the jump out of the function".into(),
            End::Trap => "the trap".into(),
        };
        let yes = self.d.bit(true);
        self.duty(place, any, yes, &e.path);
        for n in fit {
            let never = self.d.not(&ways[n].cond);
            if implies(&self.d.pool, &e.path, never) {
                continue;
            }
            let mut path = e.path.clone();
            path.push(ways[n].cond);
            self.same(&e, &path, &mut ways[n]);
        }
    }

    /// The same way: memory, registers and results must be the same, and places hold what they are found to.
    fn same(&mut self, e: &machine::Exit<'a>, path: &[TermId], way: &mut Exit<'_>) {
        if matches!(way.way, Way::Trap) {
            return;
        }
        let m = &e.state;
        let gone = !matches!(way.way, Way::Block(..));
        let above = match gone {
            true => i64::from(self.function.frame_size),
            false => 0,
        };
        self.duty("memory", way.state.memory, m.mem.heap, path);
        for (name, ssa, machine) in registers(self.d, m, way.state.pinned, above) {
            self.duty(name, ssa, machine, path);
        }
        match &way.way {
            Way::Return(list) => self.list("result", m, list, path),
            Way::Tail(target, list) => {
                if let End::Tail(t) = e.end {
                    self.duty("target of the jump", *target, t, path);
                }
                self.list("argument", m, list, path);
            }
            Way::Block(b, args) => {
                let (b, args) = (*b, args.clone());
                let facts = self.facts(m, b, &args, &mut way.state, path);
                match self.out.edges.iter_mut().find(|x| x.0 == b) {
                    Some(old) => old.1.retain(|x| facts.contains(x)),
                    None => self.out.edges.push((b, facts)),
                }
            }
            Way::Trap => {}
        }
    }

    fn list(
        &mut self,
        what: &str,
        m: &machine::State<'a>,
        list: &[(TermId, trinity_codegen::ir::PReg)],
        path: &[TermId],
    ) {
        for &(t, r) in list {
            self.duty(format!("{what} in {r}"), t, machine::read(m, r), path);
        }
    }

    /// What places hold where a block begins that is entered with this state.
    fn facts(
        &mut self,
        m: &machine::State<'a>,
        b: Block,
        args: &[Words],
        state: &mut State<'_>,
        path: &[TermId],
    ) -> Facts {
        let mut wanted: HashMap<TermId, Vec<Item>> = HashMap::new();
        let mut want = |v: Value, words: Words, lanes: u32| {
            for n in 0..lanes as u8 {
                wanted.entry(words[n as usize]).or_default().push((v, n));
            }
        };
        for &v in &self.values.live_in[b.index()] {
            if self.f.def_inst(v).is_some_and(Inst::is_const) {
                continue;
            }
            let words = state.value(self.d, self.vars, v);
            want(v, words, self.f.ty(v).lanes());
        }
        for (&v, &words) in self.f.blocks[b.index()].params.iter().zip(args) {
            want(v, words, self.f.ty(v).lanes());
        }
        let mut facts = Facts::new();
        let mut others: Vec<(Place, TermId)> = Vec::new();
        let mut look = |place: Place, t: TermId| match wanted.get(&t) {
            Some(items) => facts.extend(items.iter().map(|item| (place, *item))),
            None => others.push((place, t)),
        };
        for n in [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15] {
            look(n, m.gpr[n as usize]);
        }
        for n in 0..64 {
            look(VECTORS + n, m.vec[n as usize / 4][n as usize % 4]);
        }
        for (&k, &t) in m.mem.frame.iter() {
            if let Ok(n) = Place::try_from(k / 8) {
                look(SLOTS + n, t);
            }
        }
        self.perhaps(b, wanted, &others, path, &mut facts);
        facts
    }

    /// The low half of a word, if the other term is that, as integer forms know it: in the operations of the word itself, not in the form of this domain.
    fn cut(&mut self, t: TermId, other: TermId) -> Option<TermId> {
        let low = self.d.extract(&t, 0, 32);
        if self.d.pool.node(other) != Node::Zext(low) {
            return None;
        }
        let low = self.d.pool.extract(&t, 0, 32);
        Some(self.d.pool.zext(&low, 64))
    }

    /// Words that were computed here and are in no place: perhaps a place holds another term of one. That it does is to be proven then.
    fn perhaps(
        &mut self,
        b: Block,
        mut wanted: HashMap<TermId, Vec<Item>>,
        others: &[(Place, TermId)],
        path: &[TermId],
        facts: &mut Facts,
    ) {
        let pool = &self.d.pool;
        let computed = |t: TermId| !matches!(pool.node(t), Node::Var(_) | Node::Const(_));
        let there: BTreeSet<Item> = facts.iter().map(|f| f.1).collect();
        let params = &self.f.blocks[b.index()].params;
        wanted.retain(|t, items| {
            items.retain(|i| params.contains(&i.0) || self.made.contains(&i.0));
            computed(*t) && items.iter().any(|i| !there.contains(i))
        });
        if wanted.is_empty() {
            return;
        }
        let mut held: HashMap<Sample, Vec<(Place, TermId)>> = HashMap::new();
        for &(place, t) in others.iter().filter(|o| computed(o.1)) {
            let sample = self.samples.of(pool, t);
            held.entry(sample).or_default().push((place, t));
        }
        if held.is_empty() {
            return;
        }
        let mut wanted: Vec<(TermId, Vec<Item>)> = wanted.into_iter().collect();
        wanted.sort_unstable();
        for (t, items) in wanted {
            let sample = self.samples.of(&self.d.pool, t);
            for &(place, m) in held.get(&sample).into_iter().flatten() {
                let cut = self.cut(t, m);
                let m = cut.unwrap_or(m);
                if self.denied.contains(&(t, m)) {
                    continue;
                }
                facts.extend(items.iter().map(|item| (place, *item)));
                self.out.placed.push(Duty {
                    what: format!("{} in its place", items[0].0),
                    ssa: t,
                    machine: m,
                    // Whether a half is all of a word seldom depends on the way, and integer forms do not ask.
                    path: cut.map_or_else(|| path.to_vec(), |_| Vec::new()),
                });
            }
        }
    }
}
