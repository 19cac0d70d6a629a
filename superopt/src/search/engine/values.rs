//! The enumeration of values as a part of the coordinator: rounds, lowering, and judging what it finds.

use super::super::cost;
use super::super::lanes::LANES;
use super::super::opset::OpSet;
use super::super::program::{Evaluator, Liveness};
use super::super::values::{self, Enumeration, MacroSet};
use super::{Judgement, Meter, Ordering, Run, Work};
use iced_x86::Instruction;
use std::time::Duration;

/// Rounds of the enumeration of values that come before all short programs.
const QUICK_ROUNDS: usize = 3;

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
        let meter = self.o.progress.meter("enumeration");
        let width = self.t.outputs[0].width;
        let mut spent = 0;
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
                self.enumerating.store(false, Ordering::Relaxed);
            }
            let budget = budget.min(most.saturating_sub(spent));
            if self.over() || macros.macros.len() < 2 || budget == 0 {
                continue;
            }
            meter.doing("values");
            let progress = values::Progress::default();
            let limits = values::Limits {
                evaluations: budget,
                ..values::Limits::default()
            };
            let found = std::thread::scope(|s| {
                let p = &progress;
                let watch = s.spawn(|| self.watch(p, &meter));
                let found = pool.install(|| {
                    Enumeration::new(macros, self.bank, 0, width, limits, p).run(self.bank)
                });
                p.stop.store(true, Ordering::Relaxed);
                let _ = watch.join();
                found
            });
            spent += progress.evaluations.load(Ordering::Relaxed);
            let proven = self.lowered(&ops, macros, &found, spent);
            if proven > 0 && round + 1 >= QUICK_ROUNDS {
                break;
            }
        }
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
