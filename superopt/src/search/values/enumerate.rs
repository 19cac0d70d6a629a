//! The enumeration as a whole: what it holds, how far it goes, and in which order levels, goals and sharing come.

use super::super::cost::{CYCLE, UOP};
use super::super::lanes::{self, Block, Level};
use super::super::program::width_mask;
use super::super::tests::TestBank;
use super::goals::{FILTER_BITS, Goal};
use super::levels::Identity;
use super::macros::MacroSet;
use super::{Def, Expr};
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
    /// Only expressions that cost less are solutions.
    pub below: u64,
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
            below: u64::MAX,
        }
    }
}

/// What others may see and ask while it runs.
#[derive(Default, Debug)]
pub struct Progress {
    /// Evaluations so far (each of [`lanes::LANES`] tests).
    pub evaluations: AtomicU64,
    /// Set to stop.
    pub stop: AtomicBool,
    /// When not zero: the number of evaluations after which it stops, because something has been found.
    pub until: AtomicU64,
}

/// The values so far.
pub struct Enumeration<'a> {
    pub(super) macros: &'a MacroSet,
    pub(super) level: Level,
    pub(super) mask: u64,
    pub(super) output_index: usize,
    pub(super) output: Block,
    pub(super) blocks: Vec<Block>,
    pub(super) defs: Vec<Def>,
    /// End of each level in `blocks`.
    pub(super) ends: Vec<usize>,
    pub(super) seen: HashSet<u64, Identity>,
    pub(super) goals: Vec<(Goal, Block)>,
    pub(super) goal_index: HashMap<u64, u32, Identity>,
    pub(super) filter: Vec<u64>,
    pub(super) unary: Vec<u16>,
    pub(super) binary: Vec<u16>,
    pub(super) wide: Vec<u16>,
    pub(super) nullary: Vec<u16>,
    pub(super) progress: &'a Progress,
    pub(super) limits: Limits,
    /// Values of a known program among the leaves.
    pub(super) given: usize,
}

/// So many values are tried in pairs with what is made from them before the next level.
const FEW: usize = 120_000;

/// The least that a tree of `n` macros costs: most have two operands, and each takes a cycle and a micro-op.
fn least_cost(n: usize) -> u64 {
    u64::from((n + 1).next_power_of_two().ilog2()) * CYCLE + n as u64 * UOP
}

impl<'a> Enumeration<'a> {
    /// Over the first tests of a bank, for output number `output`; `given` are values on these tests that a known
    /// program computes on its way (`given.rs`).
    pub fn new(
        macros: &'a MacroSet,
        bank: &TestBank,
        given: &[Block],
        (output, width): (usize, u32),
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
            given: 0,
        };
        for i in 0..g.inputs.len() {
            e.store(g.inputs[i], Def::Input(i as u16));
        }
        e.give(given);
        e.ends.push(e.blocks.len());
        let out = e.output;
        e.add_goal(Goal::Output, out);
        e
    }

    pub(super) fn store(&mut self, b: Block, d: Def) -> bool {
        let h = lanes::fingerprint(self.level, &b, u64::MAX);
        if !self.seen.insert(h) {
            return false;
        }
        self.blocks.push(b);
        self.defs.push(d);
        true
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
                // Look a little further for cheaper ones.
                let done = self.progress.evaluations.load(Ordering::Relaxed);
                let until = done + self.limits.after_first;
                let _ = self.progress.until.compare_exchange(
                    0,
                    until,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                if least_cost(level) >= best {
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

    pub(super) fn stopped(&self) -> bool {
        let done = self.progress.evaluations.load(Ordering::Relaxed);
        let until = self.progress.until.load(Ordering::Relaxed);
        self.progress.stop.load(Ordering::Relaxed)
            || done > self.limits.evaluations
            || until != 0 && done > until
    }
}
