//! Levels: all values whose tree has a given number of macros.

use super::super::lanes::{self, Block, Level};
use super::super::loc;
use super::super::tests::TestBank;
use super::enumerate::Enumeration;
use super::macros::{Macro, argument};
use super::{Def, Expr};
use rayon::prelude::*;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

/// One worker's arena.
pub(super) struct Worker {
    arena: Vec<Block>,
    level: Level,
    pub(super) count: u64,
}

impl Worker {
    pub(super) fn new(level: Level) -> Worker {
        Worker {
            arena: vec![Block::ZERO; loc::BLOCKS as usize],
            level,
            count: 0,
        }
    }
    pub(super) fn apply(&mut self, m: &Macro, args: &[&Block]) -> &Block {
        for (i, a) in args.iter().enumerate() {
            self.arena[argument(i) as usize] = **a;
        }
        self.arena[loc::FAULT as usize] = Block::ZERO;
        lanes::run(self.level, &m.steps, &mut self.arena);
        self.count += 1;
        &self.arena[m.result as usize]
    }
    pub(super) fn faulted(&self) -> bool {
        self.arena[loc::FAULT as usize] != Block::ZERO
    }
}

/// Fingerprints are hashes already.
#[derive(Default, Clone, Copy)]
pub struct Identity;

/// The hasher of [`Identity`].
#[derive(Default)]
pub struct IdentityHasher(u64);

impl std::hash::Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*b);
        }
    }
    fn write_u64(&mut self, v: u64) {
        self.0 = v.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl std::hash::BuildHasher for Identity {
    type Hasher = IdentityHasher;
    fn build_hasher(&self) -> IdentityHasher {
        IdentityHasher::default()
    }
}

/// New values by fingerprint, and values that meet goals.
type TaskResult = (Vec<(u64, Def)>, Vec<(Def, u32)>);

pub(super) struct Found {
    keep: bool,
    new: Vec<(u64, Def)>,
    hits: Vec<(Def, u32)>,
    local: HashSet<u64, Identity>,
}

impl Enumeration<'_> {
    pub(super) fn extend_nullary(&mut self) -> Vec<(Block, Def)> {
        let mut w = Worker::new(self.level);
        let mut out = Vec::new();
        for &m in &self.nullary {
            let b = *w.apply(&self.macros.macros[m as usize], &[]);
            out.push((b, Def::Apply { m, args: [0; 4] }));
        }
        out
    }

    pub(super) fn level_range(&self, size: usize) -> std::ops::Range<usize> {
        let lo = if size == 0 { 0 } else { self.ends[size - 1] };
        lo..self.ends[size]
    }

    /// All values whose tree has `n` macros.
    pub(super) fn one_level(
        &mut self,
        n: usize,
        keep: bool,
        bank: &TestBank,
        found: &mut Vec<Expr>,
    ) {
        // Tasks: a macro and a first operand's range.
        let mut tasks: Vec<(u16, usize, std::ops::Range<usize>)> = Vec::new();
        let mut split = |m: u16, size: usize, r: std::ops::Range<usize>, chunk: usize| {
            let mut at = r.start;
            while at < r.end {
                let end = (at + chunk).min(r.end);
                tasks.push((m, size, at..end));
                at = end;
            }
        };
        // Balanced trees first: they are few, and many good programs are among them.
        for sa in 1..n.saturating_sub(1) {
            for &m in &self.binary {
                split(m, sa, self.level_range(sa), 256);
            }
        }
        for &m in &self.unary {
            split(m, n - 1, self.level_range(n - 1), 4096);
        }
        for sa in if n == 1 { vec![0] } else { vec![0, n - 1] } {
            for &m in &self.binary {
                split(m, sa, self.level_range(sa), 256);
            }
        }
        for &m in &self.wide {
            split(m, 0, 0..1, 1);
        }
        let this = &*self;
        let room = self.limits.stored.saturating_sub(self.blocks.len());
        let results: Vec<TaskResult> = tasks
            .par_iter()
            .map(|(m, sa, r)| {
                let mut out = Found {
                    keep: keep && room > 0,
                    new: Vec::new(),
                    hits: Vec::new(),
                    local: HashSet::default(),
                };
                if this.stopped() {
                    return (out.new, out.hits);
                }
                let mut w = Worker::new(this.level);
                let mac = &this.macros.macros[*m as usize];
                match mac.args {
                    1 => {
                        for a in r.clone() {
                            this.visit(&mut w, *m, &[a], &mut out);
                        }
                    }
                    2 => {
                        let sb = n - 1 - sa;
                        for a in r.clone() {
                            for b in this.level_range(sb) {
                                if !mac.commutes || a <= b {
                                    this.visit(&mut w, *m, &[a, b], &mut out);
                                }
                            }
                            // An operation with itself counts its operand once.
                            if *sa == n - 1 {
                                this.visit(&mut w, *m, &[a, a], &mut out);
                            }
                            // Limits are counts, and tasks can be long.
                            let count = std::mem::take(&mut w.count);
                            this.progress
                                .evaluations
                                .fetch_add(count, Ordering::Relaxed);
                            if this.stopped() {
                                break;
                            }
                        }
                    }
                    _ => this.visit_wide(&mut w, *m, n - 1, &mut out),
                }
                this.progress
                    .evaluations
                    .fetch_add(w.count, Ordering::Relaxed);
                (out.new, out.hits)
            })
            .collect();
        let mut merge = Worker::new(self.level);
        for (new, hits) in results {
            for (d, g) in hits {
                self.confirm(d, g, bank, found);
            }
            // The new values are evaluated once more here: carrying their blocks out of the workers costs more.
            for (h, d) in new {
                if self.blocks.len() < self.limits.stored && self.seen.insert(h) {
                    let Def::Apply { m, args } = d else { continue };
                    let mac = &self.macros.macros[m as usize];
                    let mut refs = [&self.output; 4];
                    for (r, a) in refs.iter_mut().zip(args) {
                        *r = &self.blocks[a as usize];
                    }
                    let b = *merge.apply(mac, &refs[..mac.args as usize]);
                    self.blocks.push(b);
                    self.defs.push(d);
                }
            }
        }
    }

    /// Three and four operands: all but one are inputs, the other has `rest` macros.
    pub(super) fn visit_wide(&self, w: &mut Worker, m: u16, rest: usize, out: &mut Found) {
        let inputs = self.level_range(0);
        let n = self.macros.macros[m as usize].args as usize;
        let total = inputs.len().pow(n as u32 - 1);
        if total > 4096 {
            return;
        }
        for place in 0..n {
            if rest == 0 && place > 0 {
                break;
            }
            for combination in 0..total {
                let mut args = [0usize; 4];
                let mut c = combination;
                for (i, a) in args.iter_mut().enumerate().take(n) {
                    if i != place {
                        *a = inputs.start + c % inputs.len();
                        c /= inputs.len();
                    }
                }
                for v in self.level_range(rest) {
                    args[place] = v;
                    self.visit(w, m, &args[..n], out);
                }
                if self.stopped() {
                    return;
                }
            }
        }
    }

    #[inline]
    pub(super) fn visit(&self, w: &mut Worker, m: u16, args: &[usize], out: &mut Found) {
        let mac = &self.macros.macros[m as usize];
        let mut refs = [&self.output; 4];
        for (r, a) in refs.iter_mut().zip(args) {
            *r = &self.blocks[*a];
        }
        let b = *w.apply(mac, &refs[..args.len()]);
        if mac.faults && w.faulted() {
            return;
        }
        let def = || {
            let mut full = [0u32; 4];
            for (f, a) in full.iter_mut().zip(args) {
                *f = *a as u32;
            }
            Def::Apply { m, args: full }
        };
        if let Some(g) = self.goal_of(&b) {
            out.hits.push((def(), g));
        }
        if out.keep {
            let h = lanes::fingerprint(self.level, &b, u64::MAX);
            if !self.seen.contains(&h) && out.local.insert(h) {
                out.new.push((h, def()));
            }
        }
    }

    pub(super) fn check_stored(&self, from: usize, bank: &TestBank, found: &mut Vec<Expr>) {
        for v in from..self.blocks.len() {
            if let Some(g) = self.goal_of(&self.blocks[v]) {
                let e = self.expr_of_goal(&[], v as u32, None, g);
                self.accept(e, bank, found);
            }
        }
    }
}
