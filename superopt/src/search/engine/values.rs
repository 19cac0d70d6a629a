//! The enumeration of values as a part of the coordinator: rounds, lowering, and judging what it finds.

use super::super::cost;
use super::super::lanes::{Block, LANES};
use super::super::loc;
use super::super::opset::{OpSet, Request};
use super::super::program::{Evaluator, Liveness, Program};
use super::super::values::{self, Enumeration, MacroSet};
use super::{Judgement, Meter, Ordering, Run, Work, lock};
use iced_x86::Instruction;
use std::collections::HashSet;
use std::time::Duration;

/// Rounds of the enumeration of values that come before all short programs.
const QUICK_ROUNDS: usize = 3;
/// Evaluations spent on the values of one program.
const AROUND: u64 = 10_000_000;
/// Values kept of them: two levels, as a rule, of which the third is made without being kept.
const AROUND_STORED: usize = 50_000;
/// Lengths of programs whose values are worth it, and not too many.
const AROUND_LENGTHS: std::ops::RangeInclusive<usize> = 3..=24;

impl Run<'_> {
    pub(super) fn enumerate_values(&self, jobs: usize) {
        let (allowed, constants) = self.o.shortest.as_ref().map_or((&[][..], &[][..]), |o| {
            (o.mnemonics.as_slice(), o.constants.as_slice())
        });
        let mut ops = values::value_ops(self.t, constants);
        if !allowed.is_empty() {
            ops.retain(|i| allowed.contains(&i.mnemonic()));
        }
        let all = MacroSet::new(&ops);
        let related = all.related(&ops, self.t);
        let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(jobs).build() else {
            return;
        };
        let mut spent = 0;
        let mut tried = HashSet::new();
        // Deterministic: at most half of the proposals.
        let most = match self.o.rlimit {
            Some(_) => self.o.deadline.budget_left().map_or(u64::MAX, |b| b / 2),
            None => u64::MAX,
        };
        for (round, (macros, budget)) in [
            (&all, 1_000_000u64),
            (&related, 2_000_000),
            (&all, 60_000_000),
            (&related, 100_000_000),
            (&all, 4_000_000_000),
        ]
        .into_iter()
        .enumerate()
        {
            if round == QUICK_ROUNDS {
                self.shortest();
                self.quick_rounds_done();
            }
            // Programs to begin with come first; what the quick rounds find, after them.
            if round == 0 || round >= QUICK_ROUNDS {
                let left = most.saturating_sub(spent);
                spent += self.around_best(&pool, &ops, &all, left, &mut tried);
            }
            let budget = budget.min(most.saturating_sub(spent));
            if self.over() || macros.macros.len() < 2 || budget == 0 {
                continue;
            }
            let limits = values::Limits {
                evaluations: budget,
                ..values::Limits::default()
            };
            let (found, evaluations) = self.one_round(&pool, macros, &[], limits);
            spent += evaluations;
            let proven = self.lowered(&ops, macros, &found, spent);
            if proven > 0 && round + 1 >= QUICK_ROUNDS {
                break;
            }
        }
        // What the last round found, or others in the meantime.
        while spent < most && !self.over() {
            match self.around_best(&pool, &ops, &all, most - spent, &mut tried) {
                0 => break,
                n => spent += n,
            }
        }
    }

    /// Patience begins.
    pub(super) fn quick_rounds_done(&self) {
        let (quick, long) = (super::QUICK, super::LONG);
        // Where nothing is enumerated, it has begun.
        let _ =
            self.enumeration
                .compare_exchange(quick, long, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// One enumeration, watched; what it found and the evaluations it took.
    fn one_round(
        &self,
        pool: &rayon::ThreadPool,
        macros: &MacroSet,
        given: &[Block],
        limits: values::Limits,
    ) -> (Vec<values::Expr>, u64) {
        let meter = self.o.progress.meter("enumeration");
        meter.doing("values");
        let progress = values::Progress::default();
        let result = (0, self.t.outputs[0].width);
        let found = std::thread::scope(|s| {
            let p = &progress;
            let watch = s.spawn(|| self.watch(p, &meter));
            let found = pool.install(|| {
                Enumeration::new(macros, self.bank, given, result, limits, p).run(self.bank)
            });
            p.stop.store(true, Ordering::Relaxed);
            let _ = watch.join();
            found
        });
        (found, progress.evaluations.load(Ordering::Relaxed))
    }

    /// Looks for a better end for the best proven program, from the values that it computes on its way; the evaluations
    /// it took, 0 when there is no program that was not `tried` before.
    fn around_best(
        &self,
        pool: &rayon::ThreadPool,
        ops: &OpSet,
        all: &MacroSet,
        most: u64,
        tried: &mut HashSet<Vec<Instruction>>,
    ) -> u64 {
        let found = lock(self.shared)
            .outcome
            .found
            .first()
            .map(|f| f.code.clone());
        let own = self.t.baseline.clone().filter(|_| !self.o.from_scratch);
        let best = [found, own].into_iter().flatten();
        let Some((cost, code)) = best
            .map(|c| (self.t.cost(&c), c))
            .min_by_key(|c| c.0)
            .filter(|(_, c)| AROUND_LENGTHS.contains(&c.len()))
        else {
            return 0;
        };
        if !tried.insert(code.clone()) {
            return 0;
        }
        let given = self.values_of(&code);
        let mut names = values::related_mnemonics(self.t);
        names.extend(code.iter().map(Instruction::mnemonic));
        let macros = &all.named(ops, &names);
        let limits = values::Limits {
            evaluations: AROUND.min(most),
            stored: AROUND_STORED,
            below: cost,
            ..values::Limits::default()
        };
        let (found, evaluations) = self.one_round(pool, macros, &given, limits);
        self.lowered(ops, macros, &found, evaluations);
        evaluations
    }

    /// What the instructions of a program leave in general registers, in order, on the first tests.
    fn values_of(&self, code: &[Instruction]) -> Vec<Block> {
        let ops = OpSet::new(&Request {
            march: self.t.march,
            widths: vec![64, 32],
            immediates: super::chains::immediates_of(code),
            fixed: true,
            only: Vec::new(),
        });
        let Some(p) = Program::from_instructions(&ops, code, 0) else {
            return Vec::new();
        };
        let mut e = Evaluator::new(self.t);
        let mut values = Vec::new();
        for n in 0..p.slots.len() {
            let slot = p.slots[n];
            let written = ops.variants[slot.v as usize].written(&slot.r);
            for at in (0..16).filter(|at| written & loc::bit(*at) != 0) {
                let before = Program {
                    slots: p.slots[..=n].to_vec(),
                };
                let l = Liveness::of(&before, &ops, loc::bit(at));
                if !l.undefined && l.entry & !self.t.input_set() == 0 {
                    e.load(&before, &ops, &l);
                    e.run(&self.bank.groups[0], l.entry);
                    values.push(*e.block(at));
                }
            }
        }
        values
    }

    /// Passes counts on and stops the enumeration when the run is over.
    pub(super) fn watch(&self, p: &values::Progress, meter: &Meter) {
        let mut told = 0;
        while !p.stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(if told == 0 { 2 } else { 20 }));
            let n = p.evaluations.load(Ordering::Relaxed);
            let more = n - told;
            told = n;
            meter.add(Work {
                proposals: more,
                live: more,
                tests: more * LANES as u64,
                ..Work::default()
            });
            if (self.o.rlimit.is_none() && self.over()) || self.o.deadline.stop_requested() {
                p.stop.store(true, Ordering::Relaxed);
            }
        }
        let more = p.evaluations.load(Ordering::Relaxed) - told;
        meter.add(Work {
            proposals: more,
            live: more,
            tests: more * LANES as u64,
            ..Work::default()
        });
    }

    /// Lowers, tests and judges expressions, cheapest first; the number proven.
    pub(super) fn lowered(
        &self,
        ops: &OpSet,
        macros: &MacroSet,
        found: &[values::Expr],
        evaluations: u64,
    ) -> usize {
        let mut programs: Vec<(u64, Vec<Instruction>)> = Vec::new();
        let mut e = Evaluator::new(self.t);
        let homes = [values::Home::Early, values::Home::Late];
        for (x, home) in found.iter().flat_map(|x| homes.map(|h| (x, h))) {
            let Some(p) = values::lower(home, self.t, ops, macros, x, 0) else {
                continue;
            };
            let p = p.live(ops, self.t.output_set());
            let l = Liveness::of(&p, ops, self.t.output_set());
            e.load(&p, ops, &l);
            let right = self.bank.groups.iter().all(|g| {
                e.run(g, l.entry);
                e.wrong_bits(self.t, g) == 0
            });
            if right && !l.undefined && l.entry & !self.t.input_set() == 0 {
                let code = p.instructions(ops);
                programs.push((cost::code(&code), code));
            }
        }
        programs.sort_by_key(|p| p.0);
        programs.dedup_by(|a, b| a.1 == b.1);
        let mut proven = 0;
        for (c, code) in programs {
            if proven >= 3
                || c > self.best_cost().saturating_add(110)
                || self.o.deadline.over().is_some()
            {
                break;
            }
            if self.judge(&code, "enumeration", evaluations) == Judgement::Proven {
                proven += 1;
            }
        }
        proven
    }
}
