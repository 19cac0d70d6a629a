//! The enumeration itself: levels, backward goals, sharing, tails.

use super::super::lanes::{self, Block, LANES, Level};
use super::super::loc;
use super::super::program::width_mask;
use super::super::tests::{Group, TestBank};
use super::macros::{Inverse, Macro, MacroSet, argument};
use super::{Def, Expr};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How far an enumeration goes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Values kept.
    pub stored: usize,
    /// The last level.
    pub levels: usize,
    /// Evaluations in all.
    pub evaluations: u64,
    /// Different expressions wanted before it stops at the end of a level.
    pub solutions: usize,
    /// Evaluations spent on cheaper solutions after the first.
    pub after_first: u64,
    /// Backward goals kept.
    pub goals: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            stored: 1_500_000,
            levels: 6,
            evaluations: u64::MAX,
            solutions: 64,
            after_first: 4_000_000,
            goals: 60_000,
        }
    }
}

/// What others may see and ask while it runs.
#[derive(Default, Debug)]
pub struct Progress {
    /// Evaluations so far (each of [`LANES`] tests).
    pub evaluations: AtomicU64,
    /// Set to stop.
    pub stop: AtomicBool,
    /// When not zero: the number of evaluations after which it stops, because something has been found.
    pub until: AtomicU64,
}

/// Where a goal comes from.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// The output itself.
    Output,
    /// Applying `m` to the known value and to a value that equals this goal gives goal `parent`.
    Back {
        parent: u32,
        m: u16,
        known: u32,
        unknown: u8,
    },
}

/// The values so far.
pub struct Enumeration<'a> {
    macros: &'a MacroSet,
    level: Level,
    mask: u64,
    output_index: usize,
    output: Block,
    blocks: Vec<Block>,
    defs: Vec<Def>,
    /// End of each level in `blocks`.
    ends: Vec<usize>,
    seen: HashSet<u64, Identity>,
    goals: Vec<(Goal, Block)>,
    goal_index: HashMap<u64, u32, Identity>,
    filter: Vec<u64>,
    unary: Vec<u16>,
    binary: Vec<u16>,
    wide: Vec<u16>,
    nullary: Vec<u16>,
    progress: &'a Progress,
    limits: Limits,
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

/// The least cost of an instruction.
const CHEAPEST: u64 = 100;

/// So many values are tried in pairs with what is made from them before the next level.
const FEW: usize = 120_000;

const FILTER_BITS: usize = 1 << 22;

/// One worker's arena.
struct Worker {
    arena: Vec<Block>,
    level: Level,
    count: u64,
}

impl Worker {
    fn new(level: Level) -> Worker {
        Worker {
            arena: vec![Block::ZERO; loc::BLOCKS as usize],
            level,
            count: 0,
        }
    }
    fn apply(&mut self, m: &Macro, args: &[&Block]) -> &Block {
        for (i, a) in args.iter().enumerate() {
            self.arena[argument(i) as usize] = **a;
        }
        self.arena[loc::FAULT as usize] = Block::ZERO;
        lanes::run(self.level, &m.steps, &mut self.arena);
        self.count += 1;
        &self.arena[m.result as usize]
    }
    fn faulted(&self) -> bool {
        self.arena[loc::FAULT as usize] != Block::ZERO
    }
}

impl<'a> Enumeration<'a> {
    /// Over the first tests of a bank, for output number `output`.
    pub fn new(
        macros: &'a MacroSet,
        bank: &TestBank,
        output: usize,
        width: u32,
        limits: Limits,
        progress: &'a Progress,
    ) -> Enumeration<'a> {
        let g = &bank.groups[0];
        let of_arity = |n: &[u8]| -> Vec<u16> {
            (0..macros.macros.len() as u16)
                .filter(|m| n.contains(&macros.macros[*m as usize].args))
                .collect()
        };
        let level = lanes::level();
        let mut e = Enumeration {
            macros,
            level,
            mask: width_mask(width),
            output_index: output,
            output: g.expected[output],
            // Growing would copy hundreds of megabytes; untouched capacity costs nothing.
            blocks: Vec::with_capacity(limits.stored.min(1 << 21)),
            defs: Vec::new(),
            ends: Vec::new(),
            seen: HashSet::default(),
            goals: Vec::new(),
            goal_index: HashMap::default(),
            filter: vec![0; FILTER_BITS / 64],
            unary: of_arity(&[1]),
            binary: of_arity(&[2]),
            wide: of_arity(&[3, 4]),
            nullary: of_arity(&[0]),
            progress,
            limits,
        };
        for i in 0..g.inputs.len() {
            e.store(g.inputs[i], Def::Input(i as u16));
        }
        e.ends.push(e.blocks.len());
        let out = e.output;
        e.add_goal(Goal::Output, out);
        e
    }

    fn store(&mut self, b: Block, d: Def) -> bool {
        let h = lanes::fingerprint(self.level, &b, u64::MAX);
        if !self.seen.insert(h) {
            return false;
        }
        self.blocks.push(b);
        self.defs.push(d);
        true
    }

    fn add_goal(&mut self, g: Goal, b: Block) {
        if self.goals.len() >= self.limits.goals {
            return;
        }
        let h = lanes::fingerprint(self.level, &b, self.mask);
        let n = self.goals.len() as u32;
        if let std::collections::hash_map::Entry::Vacant(e) = self.goal_index.entry(h) {
            e.insert(n);
            self.goals.push((g, b));
            let bit = (h as usize) & (FILTER_BITS - 1);
            self.filter[bit / 64] |= 1 << (bit % 64);
        }
    }

    fn goal_of(&self, b: &Block) -> Option<u32> {
        let h = lanes::fingerprint(self.level, b, self.mask);
        let bit = (h as usize) & (FILTER_BITS - 1);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return None;
        }
        self.goal_index.get(&h).copied()
    }

    /// Adds goals one inverse step before goals `from`, over values `values`.
    fn extend_goals(&mut self, from: std::ops::Range<usize>, values: std::ops::Range<usize>) {
        for g in from {
            for m in self.binary.clone() {
                // A narrow operation gives a word with zeros above; what it was made from is as narrow.
                let mask = self.mask & width_mask(self.macros.macros[m as usize].width);
                let Some(inv) = self.macros.macros[m as usize].inverse else {
                    continue;
                };
                for v in values.clone() {
                    if self.goals.len() >= self.limits.goals {
                        return;
                    }
                    let (goal, known) = (self.goals[g].1, self.blocks[v]);
                    let each = |f: fn(u64, u64) -> u64| {
                        Block(std::array::from_fn(|i| f(goal.0[i], known.0[i]) & mask))
                    };
                    let back = |unknown| Goal::Back {
                        parent: g as u32,
                        m,
                        known: v as u32,
                        unknown,
                    };
                    match inv {
                        Inverse::Add => self.add_goal(back(1), each(|g, k| g.wrapping_sub(k))),
                        Inverse::Sub => {
                            self.add_goal(back(1), each(|g, k| k.wrapping_sub(g)));
                            self.add_goal(back(0), each(u64::wrapping_add));
                        }
                        Inverse::Xor => self.add_goal(back(1), each(|g, k| g ^ k)),
                        Inverse::Or | Inverse::And => {}
                    }
                }
            }
        }
    }

    /// Searches until a level's end after the first solutions, a limit, or a stop. Solutions pass every test of the
    /// bank and come cheapest first.
    pub fn run(&mut self, bank: &TestBank) -> Vec<Expr> {
        let mut found: Vec<Expr> = Vec::new();
        self.check_stored(0, bank, &mut found);
        let mut leaves = self.extend_nullary();
        for level in 1..=self.limits.levels {
            if self.stopped() {
                break;
            }
            if let Some(best) = found.iter().map(|e| self.cost(e)).min() {
                // Every macro of a deeper tree costs an instruction; look a little further for cheaper ones.
                let done = self.progress.evaluations.load(Ordering::Relaxed);
                let until = done + self.limits.after_first;
                let _ = self.progress.until.compare_exchange(
                    0,
                    until,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                if level as u64 * CHEAPEST >= best {
                    break;
                }
            }
            let keep = self.blocks.len() < self.limits.stored;
            let before = self.blocks.len();
            self.one_level(level, keep, bank, &mut found);
            if keep {
                if level == 1 {
                    for (b, d) in leaves.drain(..) {
                        self.store(b, d);
                    }
                }
                self.ends.push(self.blocks.len());
                self.check_stored(before, bank, &mut found);
                if level <= 2 {
                    let all = self.blocks.len();
                    if level == 1 {
                        self.extend_goals(0..1, 0..all);
                    } else {
                        let (first, small) = (self.goals.len(), self.ends[1]);
                        self.extend_goals(0..1, small..all);
                        self.extend_goals(1..first, 0..small);
                    }
                    // Values found before these goals may meet them.
                    self.check_stored(0, bank, &mut found);
                }
                if found.is_empty() {
                    self.subsets(bank, &mut found);
                }
                // Values used twice: at once where they are few, otherwise after the next level's own trees.
                if found.is_empty() && level >= 2 && !self.stopped() {
                    let (now, before) = (self.level_range(level), self.level_range(level - 1));
                    if now.len() <= FEW {
                        self.sharing(now, bank, &mut found);
                    } else if before.len() > FEW {
                        self.sharing(before, bank, &mut found);
                    }
                }
            } else {
                let last = self.level_range(level - 1);
                if found.is_empty() && !self.stopped() && last.len() > FEW {
                    self.sharing(last, bank, &mut found);
                }
                break;
            }
        }
        found.sort_by_key(|e| self.cost(e));
        found
    }

    fn cost(&self, e: &Expr) -> u64 {
        e.nodes
            .iter()
            .map(|n| match n {
                Def::Input(_) => 0,
                Def::Apply { m, .. } => self.macros.macros[*m as usize].cost,
            })
            .sum()
    }

    fn stopped(&self) -> bool {
        let done = self.progress.evaluations.load(Ordering::Relaxed);
        let until = self.progress.until.load(Ordering::Relaxed);
        self.progress.stop.load(Ordering::Relaxed)
            || done > self.limits.evaluations
            || until != 0 && done > until
    }

    fn extend_nullary(&mut self) -> Vec<(Block, Def)> {
        let mut w = Worker::new(self.level);
        let mut out = Vec::new();
        for &m in &self.nullary {
            let b = *w.apply(&self.macros.macros[m as usize], &[]);
            out.push((b, Def::Apply { m, args: [0; 4] }));
        }
        out
    }

    fn level_range(&self, size: usize) -> std::ops::Range<usize> {
        let lo = if size == 0 { 0 } else { self.ends[size - 1] };
        lo..self.ends[size]
    }

    /// All values whose tree has `n` macros.
    fn one_level(&mut self, n: usize, keep: bool, bank: &TestBank, found: &mut Vec<Expr>) {
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
    fn visit_wide(&self, w: &mut Worker, m: u16, rest: usize, out: &mut Found) {
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
    fn visit(&self, w: &mut Worker, m: u16, args: &[usize], out: &mut Found) {
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

    fn check_stored(&self, from: usize, bank: &TestBank, found: &mut Vec<Expr>) {
        for v in from..self.blocks.len() {
            if let Some(g) = self.goal_of(&self.blocks[v]) {
                let e = self.expr_of_goal(&[], v as u32, None, g);
                self.accept(e, bank, found);
            }
        }
    }

    /// Values that can be operands of a last `or` or `and`.
    fn subsets(&self, bank: &TestBank, found: &mut Vec<Expr>) {
        for &m in &self.binary {
            let mac = &self.macros.macros[m as usize];
            let or = match mac.inverse {
                Some(Inverse::Or) => true,
                Some(Inverse::And) => false,
                _ => continue,
            };
            // Results of narrow operations have zeros above: such a goal is out of reach otherwise.
            let mask = self.mask & width_mask(mac.width);
            if self.output.0.iter().any(|g| g & self.mask & !mask != 0) {
                continue;
            }
            let fits = |b: &Block| {
                (0..LANES).all(|i| {
                    let (x, g) = (b.0[i] & mask, self.output.0[i] & mask);
                    if or { x & !g == 0 } else { g & !x == 0 }
                })
            };
            let mut list: Vec<usize> = (0..self.blocks.len())
                .filter(|v| fits(&self.blocks[*v]))
                .collect();
            list.truncate(3000);
            for (i, &a) in list.iter().enumerate() {
                for &b in &list[..i] {
                    let (x, y) = (&self.blocks[a], &self.blocks[b]);
                    let right = |l: usize| {
                        let r = if or { x.0[l] | y.0[l] } else { x.0[l] & y.0[l] };
                        (r ^ self.output.0[l]) & mask == 0
                    };
                    if (0..LANES).all(right) {
                        let e = self.expr(Def::Apply {
                            m,
                            args: [a as u32, b as u32, 0, 0],
                        });
                        self.accept(e, bank, found);
                        if found.len() >= self.limits.solutions || self.stopped() {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// A value used twice: an operation of it and of something made from it; and two one-operand steps.
    fn sharing(&self, from: std::ops::Range<usize>, bank: &TestBank, found: &mut Vec<Expr>) {
        let inputs = self.ends[0];
        let hits: Vec<(Vec<Def>, u32)> = from
            .into_par_iter()
            .flat_map_iter(|t| {
                let mut out = Vec::new();
                if self.stopped() {
                    return out;
                }
                let mut w = Worker::new(self.level);
                let base = self.blocks.len() as u32;
                let leaves: Vec<usize> = (0..inputs).collect();
                let mut second: Vec<(Def, Block)> = Vec::new();
                for &m in self
                    .unary
                    .iter()
                    .filter(|m| self.macros.macros[**m as usize].core)
                {
                    let b = *w.apply(&self.macros.macros[m as usize], &[&self.blocks[t]]);
                    second.push((
                        Def::Apply {
                            m,
                            args: [t as u32, 0, 0, 0],
                        },
                        b,
                    ));
                }
                for &m in self
                    .binary
                    .iter()
                    .filter(|m| self.macros.macros[**m as usize].core)
                {
                    let mac = &self.macros.macros[m as usize];
                    for &l in &leaves {
                        for args in [[t, l], [l, t]] {
                            let b = *w.apply(mac, &[&self.blocks[args[0]], &self.blocks[args[1]]]);
                            if !(mac.faults && w.faulted()) {
                                second.push((
                                    Def::Apply {
                                        m,
                                        args: [args[0] as u32, args[1] as u32, 0, 0],
                                    },
                                    b,
                                ));
                            }
                            if mac.commutes {
                                break;
                            }
                        }
                    }
                }
                for (d, u) in &second {
                    for &m in self
                        .binary
                        .iter()
                        .filter(|m| self.macros.macros[**m as usize].inverse.is_some())
                    {
                        let mac = &self.macros.macros[m as usize];
                        for flip in [false, true] {
                            if flip && mac.commutes {
                                break;
                            }
                            let (x, y) = if flip {
                                (u, &self.blocks[t])
                            } else {
                                (&self.blocks[t], u)
                            };
                            let b = *w.apply(mac, &[x, y]);
                            if mac.faults && w.faulted() {
                                continue;
                            }
                            if let Some(g) = self.goal_of(&b) {
                                let args = if flip {
                                    [base, t as u32, 0, 0]
                                } else {
                                    [t as u32, base, 0, 0]
                                };
                                out.push((vec![*d, Def::Apply { m, args }], g));
                            }
                        }
                    }
                }
                self.progress
                    .evaluations
                    .fetch_add(w.count, Ordering::Relaxed);
                out
            })
            .collect();
        for (extra, g) in hits {
            let last = self.blocks.len() as u32 + extra.len() as u32 - 1;
            let e = self.expr_of_goal(&extra, last, None, g);
            self.accept(e, bank, found);
        }
    }

    fn confirm(&self, d: Def, g: u32, bank: &TestBank, found: &mut Vec<Expr>) {
        let e = self.expr_of_goal(&[], 0, Some(d), g);
        self.accept(e, bank, found);
    }

    /// Keeps an expression that passes every test, if it is among the cheapest.
    fn accept(&self, e: Expr, bank: &TestBank, found: &mut Vec<Expr>) {
        let cost = self.cost(&e);
        let full = found.len() >= self.limits.solutions;
        if full && found.last().is_some_and(|f| self.cost(f) <= cost) {
            return;
        }
        if !found.contains(&e) && self.passes(&e, bank) {
            let at = found.partition_point(|f| self.cost(f) <= cost);
            found.insert(at, e);
            found.truncate(self.limits.solutions);
        }
    }

    /// Whether an expression is right on every test.
    fn passes(&self, e: &Expr, bank: &TestBank) -> bool {
        let mut w = Worker::new(self.level);
        bank.groups.iter().all(|g| {
            self.value_on(&mut w, e, g).is_some_and(|v| {
                let x = &g.expected[self.output_index];
                (0..LANES).all(|i| (x.0[i] ^ v.0[i]) & self.mask == 0)
            })
        })
    }

    fn value_on(&self, w: &mut Worker, e: &Expr, g: &Group) -> Option<Block> {
        let mut vals: Vec<Block> = Vec::new();
        for n in &e.nodes {
            let v = match n {
                Def::Input(i) => g.inputs[*i as usize],
                Def::Apply { m, args } => {
                    let mac = &self.macros.macros[*m as usize];
                    let refs: Vec<&Block> = args[..mac.args as usize]
                        .iter()
                        .map(|a| &vals[*a as usize])
                        .collect();
                    let b = *w.apply(mac, &refs);
                    if mac.faults && w.faulted() {
                        return None;
                    }
                    b
                }
            };
            vals.push(v);
        }
        vals.last().copied()
    }

    /// The expression of a value that is not stored.
    fn expr(&self, d: Def) -> Expr {
        let mut e = Expr::default();
        let mut at = HashMap::new();
        self.add(&mut e, &mut at, &[], u32::MAX, Some(d));
        e
    }

    /// The expression that reaches the output from a value that meets goal `g`; the value is `d`, or number `v` among
    /// the stored values followed by `extra`.
    fn expr_of_goal(&self, extra: &[Def], v: u32, d: Option<Def>, g: u32) -> Expr {
        let mut e = Expr::default();
        let mut at = HashMap::new();
        let mut root = self.add(&mut e, &mut at, extra, v, d);
        let mut goal = self.goals[g as usize].0;
        while let Goal::Back {
            parent,
            m,
            known,
            unknown,
        } = goal
        {
            let k = self.add(&mut e, &mut at, extra, known, None);
            let args = if unknown == 0 {
                [root, k, 0, 0]
            } else {
                [k, root, 0, 0]
            };
            e.nodes.push(Def::Apply { m, args });
            root = e.nodes.len() as u32 - 1;
            goal = self.goals[parent as usize].0;
        }
        // The root is the last node by construction, or an input.
        if root as usize + 1 != e.nodes.len() {
            e.nodes.truncate(root as usize + 1);
        }
        e
    }

    fn add(
        &self,
        e: &mut Expr,
        at: &mut HashMap<u32, u32>,
        extra: &[Def],
        v: u32,
        d: Option<Def>,
    ) -> u32 {
        if d.is_none()
            && let Some(&n) = at.get(&v)
        {
            return n;
        }
        let def = d.unwrap_or_else(|| match (v as usize).checked_sub(self.blocks.len()) {
            Some(i) => extra[i],
            None => self.defs[v as usize],
        });
        let node = match def {
            Def::Input(i) => Def::Input(i),
            Def::Apply { m, args } => {
                let n = self.macros.macros[m as usize].args as usize;
                let mut full = [0; 4];
                for i in 0..n {
                    full[i] = self.add(e, at, extra, args[i], None);
                }
                Def::Apply { m, args: full }
            }
        };
        e.nodes.push(node);
        let n = e.nodes.len() as u32 - 1;
        if d.is_none() {
            at.insert(v, n);
        }
        n
    }
}

/// New values by fingerprint, and values that meet goals.
type TaskResult = (Vec<(u64, Def)>, Vec<(Def, u32)>);

struct Found {
    keep: bool,
    new: Vec<(u64, Def)>,
    hits: Vec<(Def, u32)>,
    local: HashSet<u64, Identity>,
}
