//! Engines with files of their own, as parts of the coordinator: all short programs, equality saturation, several
//! results at once, vectors in memory.

use super::super::lanes::LANES;
use super::super::program::{Evaluator, Liveness};
use super::super::{equal, joint, memory, shortest, values};
use super::{Judgement, Ordering, Run, Work, lock};

impl Run<'_> {
    /// Equality saturation of the target's terms, once.
    pub(super) fn saturate(&self) {
        let Some(o) = &self.o.egraph else { return };
        if self.over() {
            return;
        }
        let meter = self.o.progress.meter("e-graph");
        meter.doing("saturating");
        let over = || match self.o.rlimit {
            None => self.over(),
            Some(_) => self.o.deadline.stop_requested(),
        };
        let Some(found) = equal::search(self.t, o, &over) else {
            return;
        };
        let changed = found.telemetry.rules.iter().map(|r| r.changed).sum();
        meter.add(Work {
            proposals: changed,
            live: changed,
            ..Work::default()
        });
        for code in &found.candidates {
            if self.o.deadline.over().is_some() {
                break;
            }
            self.judge(code, "e-graph", changed);
        }
        lock(self.shared).outcome.saturation = Some(found.telemetry);
    }

    /// All short programs, once.
    pub(super) fn shortest(&self) {
        let Some(o) = &self.o.shortest else { return };
        if lock(self.shared).outcome.claim.is_some() || self.over() {
            return;
        }
        if !o.minimal {
            // Nothing is asked for but finds: a good program need not wait for it.
            self.quick_rounds_done();
        }
        let meter = self.o.progress.meter("sequences");
        meter.doing("short programs");
        let deadline = match self.o.rlimit {
            // Deterministic: a quarter of the proposals.
            Some(_) => self
                .o
                .deadline
                .part(None, self.o.deadline.budget_left().map(|b| b / 4)),
            None => self.o.deadline.part(None, None),
        };
        let mut bank = self.own_bank();
        let mut seen = 0;
        self.take_counterexamples(&mut bank, &mut seen);
        let claim = shortest::search(
            self.t,
            o,
            &mut bank,
            &mut shortest::Host {
                deadline: &deadline,
                more: &mut |n| {
                    meter.add(Work {
                        proposals: n,
                        live: n,
                        tests: n * LANES as u64,
                        ..Work::default()
                    });
                    deadline.spend(n);
                    if self.o.rlimit.is_none() && self.over() {
                        deadline.stop();
                    }
                },
                judge: &mut |code, bank| {
                    let before = self.take_counterexamples(bank, &mut seen);
                    let j = self.judge(code, "sequences", meter.work().proposals);
                    let after = self.take_counterexamples(bank, &mut seen);
                    match j {
                        // Refuted before, by tests that this search did not have.
                        Judgement::Undecided if before || after => Judgement::Refuted,
                        j => j,
                    }
                },
                best: &|| {
                    let s = lock(self.shared);
                    s.outcome.found.iter().map(|f| f.code.len()).min()
                },
            },
        );
        lock(self.shared).outcome.claim = claim;
    }

    /// Several results at once, once; the enumeration of short programs may still be on.
    pub(super) fn joint(&self, jobs: usize) {
        let meter = self.o.progress.meter("joint");
        meter.doing("several results");
        let budget = joint::Budget {
            evaluations: match self.o.rlimit {
                // Deterministic: a quarter of the proposals.
                Some(_) => self.o.deadline.budget_left().map_or(u64::MAX, |b| b / 4),
                None => u64::MAX,
            },
            jobs,
        };
        let progress = values::Progress::default();
        let mut e = Evaluator::new(self.t);
        std::thread::scope(|s| {
            let p = &progress;
            let watch = s.spawn(|| self.watch(p, &meter));
            joint::search(self.t, self.bank, budget, p, &mut |ops, program| {
                let l = Liveness::of(program, ops, self.t.output_set());
                e.load(program, ops, &l);
                let right = self.bank.groups.iter().all(|g| {
                    e.run(g, l.entry);
                    e.wrong_bits(self.t, g) == 0
                });
                let done = p.evaluations.load(Ordering::Relaxed);
                right
                    && !l.undefined
                    && l.entry & !self.t.input_set() == 0
                    && self.judge(&program.instructions(ops), "joint", done) == Judgement::Proven
            });
            p.stop.store(true, Ordering::Relaxed);
            let _ = watch.join();
        });
        if !super::enumerates(self.t, self.o) {
            self.enumeration.store(super::DONE, Ordering::Relaxed);
        }
    }

    /// Enumeration of vectors for targets that write rows of memory.
    pub(super) fn vectors(&self) {
        let meter = self.o.progress.meter("vectors");
        meter.doing("vectors");
        let mut told = 0;
        let mut go_on = |n: u64| {
            meter.add(Work {
                proposals: n - told,
                live: n - told,
                tests: (n - told) * LANES as u64,
                ..Work::default()
            });
            told = n;
            let over = self.o.deadline.stop_requested()
                || match self.o.rlimit {
                    Some(_) => self.o.deadline.budget_left().is_some_and(|b| n > b / 2),
                    None => self.over(),
                };
            !over
        };
        memory::vectors::search(self.t, self.bank, &mut go_on, &mut |code, n| {
            self.judge(code, "vectors", n) == Judgement::Proven
        });
    }
}
