//! Chains and QUASAR's random keys as parts of the coordinator: they work on programs of slots over one set of
//! instructions, share the best program, and judge what passes all tests.

use super::super::chain::{Chain, Judge, Judgement, Params, Phase};
use super::super::lanes::LANES;
use super::super::opset::{OpSet, Request, default_immediates};
use super::super::program::Program;
use super::super::target::Target;
use super::super::tests::TestBank;
use super::super::{keys, loc, memory, values};
use super::{Run, Seed, Work, lock};

/// Proposals between looks at what others found.
const BATCH: u64 = 512;

/// The instructions a chain on the target uses: those for its words, and what the programs have that it may begin with.
pub fn chain_ops(t: &Target, begin: &[Seed]) -> OpSet {
    let known = || {
        let own = t.baseline.iter().flatten();
        own.chain(begin.iter().flat_map(|s| &s.code))
    };
    let narrow = t.operation_width() == 32;
    let vector = t
        .inputs
        .iter()
        .chain(&t.outputs)
        .any(|p| (loc::VEC0..loc::CELL0).contains(&p.at));
    let wide = known().any(|i| i.op0_register().size() == 8);
    let mut widths = if narrow && !wide {
        vec![32]
    } else {
        vec![64, 32]
    };
    if vector {
        widths.push(128);
    }
    let mut immediates = default_immediates(if widths[0] == 32 { 32 } else { 64 });
    immediates.extend(t.constants());
    immediates.extend(t.shift_counts());
    immediates.extend(immediates_of(known()));
    immediates.sort_unstable();
    immediates.dedup();
    let mut ops = OpSet::new(&Request {
        march: t.march,
        widths,
        immediates,
        fixed: true,
        only: Vec::new(),
    });
    if let Some(m) = &t.memory {
        ops.add_memory(&m.cells, memory::forms::forms(t, &m.cells));
    }
    ops
}

/// The immediates and displacements in code, as they are and as 32-bit numbers.
pub(super) fn immediates_of<'a>(
    code: impl IntoIterator<Item = &'a iced_x86::Instruction>,
) -> Vec<i64> {
    use iced_x86::Register;
    let mut immediates = Vec::new();
    for i in code {
        for op in 0..i.op_count() {
            if let Ok(v) = i.try_immediate(op) {
                immediates.push(v as i64);
                immediates.push(i64::from(v as i32));
            }
        }
        if i.memory_base() != Register::None || i.memory_index() != Register::None {
            immediates.push(i.memory_displacement64() as i64);
        }
    }
    immediates.sort_unstable();
    immediates.dedup();
    immediates
}

impl Run<'_> {
    /// QUASAR over random keys, until the end.
    pub(super) fn random_keys(&self, k: &keys::Options, worker: u64) {
        let ops = chain_ops(self.t, &self.o.resume);
        let meter = self.o.progress.meter("quasar");
        let deadline = self.o.deadline.share(worker, self.engines());
        let mut bank = self.own_bank();
        let mut seen = 0;
        let mut round = 0;
        while !self.over() && deadline.over().is_none() {
            self.take_counterexamples(&mut bank, &mut seen);
            let mut count = 0;
            keys::round(
                self.t,
                &ops,
                &bank,
                k,
                self.o.seed ^ (round << 32) ^ 0x5eed,
                &mut |evaluated, p| {
                    count += evaluated;
                    let live = evaluated;
                    meter.add(Work {
                        proposals: evaluated,
                        live,
                        tests: evaluated * LANES as u64,
                        ..Work::default()
                    });
                    if let Some(p) = p {
                        self.judge(&p.instructions(&ops), "quasar", count);
                    }
                    deadline.spend(evaluated).is_none() && !self.over()
                },
            );
            round += 1;
        }
    }

    /// One chain until the end: from the best program there is, or from nothing.
    pub(super) fn chains(&self, params: &Params, worker: u64) {
        let mut ops = chain_ops(self.t, &self.o.resume);
        if worker % 2 == 1 {
            // Every other chain uses the operations that the specification names, and those of known programs: fewer
            // choices, quicker to find.
            let mut names = values::related_mnemonics(self.t);
            let begin = self.o.resume.iter().map(|s| &s.code);
            let known = begin.chain(&self.t.baseline).flatten();
            names.extend(known.map(iced_x86::Instruction::mnemonic));
            ops.retain(|i| names.contains(&i.mnemonic()));
        }
        let meter = self.o.progress.meter("chain");
        let deadline = self
            .o
            .deadline
            .share(worker.min(self.engines() - 1), self.engines());
        let mut bank = self.own_bank();
        let mut seen = 0;
        let out = self.t.output_set();
        let own = match (&self.t.baseline, self.o.from_scratch) {
            (Some(code), false) => {
                Program::from_instructions(&ops, code, 0).map(|p| p.live(&ops, out))
            }
            _ => None,
        };
        let mut params = params.clone();
        if let Some(p) = &own {
            params.slots = params.slots.max(p.slots.len() + 2);
        }
        let (phase, start) = match own {
            Some(p) => (Phase::Optimisation, p),
            None => (Phase::Synthesis, Program::empty(0)),
        };
        let seed = self.o.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ worker;
        let mut chain = Chain::new(self.t, &ops, params.clone(), phase, &start, seed);
        let mut best = u64::MAX;
        let mut told = chain.counts;
        while !self.over() && deadline.over().is_none() {
            if self.take_counterexamples(&mut bank, &mut seen) {
                chain.tests_changed();
            }
            let shared_best = lock(self.shared)
                .outcome
                .found
                .first()
                .map(|f| (f.cost, f.code.clone()));
            if let Some((c, code)) = shared_best
                && c < best
            {
                best = c;
                if let Some(p) = Program::from_instructions(&ops, &code, 0) {
                    if p.slots.len() + 1 > params.slots {
                        params.slots = p.slots.len() + 2;
                    }
                    chain = Chain::new(
                        self.t,
                        &ops,
                        params.clone(),
                        Phase::Optimisation,
                        &p,
                        seed ^ c,
                    );
                    told = chain.counts;
                }
            }
            let mut judge = SharedJudge {
                run: self,
                ops: &ops,
                iteration: meter.work().proposals,
                seen: &mut seen,
            };
            chain.run(BATCH, &mut bank, &mut judge);
            let c = chain.counts;
            meter.add(Work {
                proposals: c.proposals - told.proposals,
                live: c.live - told.live,
                tests: c.tests - told.tests,
                restarts: c.restarts - told.restarts,
                ..Work::default()
            });
            deadline.spend(c.proposals - told.proposals);
            if self.o.rlimit.is_none() {
                self.o.deadline.spend(c.proposals - told.proposals);
            }
            told = c;
        }
    }
}

struct SharedJudge<'a> {
    run: &'a Run<'a>,
    ops: &'a OpSet,
    iteration: u64,
    seen: &'a mut usize,
}

impl Judge for SharedJudge<'_> {
    fn judge(&mut self, live: &Program, cost: u64, bank: &mut TestBank) -> Judgement {
        if cost >= self.run.best_cost() {
            return Judgement::Undecided;
        }
        let j = self
            .run
            .judge(&live.instructions(self.ops), "chain", self.iteration);
        if j == Judgement::Refuted {
            self.run.take_counterexamples(bank, self.seen);
        }
        j
    }
}
