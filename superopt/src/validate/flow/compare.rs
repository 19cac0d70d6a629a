//! Ways out of a region: the machine's against the SSA form's.

use super::{Facts, Item, Outcome, Place, SLOTS, VECTORS, offset};
use crate::validate::domain::Terms;
use crate::validate::logic::implies;
use crate::validate::machine::{self, Duty, End, registers};
use crate::validate::ssa::{Exit, State, Variables, Way, Words};
use crate::validate::values::Values;
use std::collections::HashMap;
use trinity_codegen::CompiledFunction;
use trinity_codegen::ir::{Block, Function, Inst, Value};
use trinity_codegen::isa::{Domain, TermId};

/// Compares ways out of a region.
pub(super) struct Compare<'c, 'a> {
    pub f: &'c Function,
    pub function: &'c CompiledFunction,
    pub values: &'c Values,
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
                let facts = self.facts(m, b, &args, &mut way.state);
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
        let mut look = |place: Place, t: TermId| {
            for &item in wanted.get(&t).into_iter().flatten() {
                facts.insert((place, item));
            }
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
        facts
    }
}
