//! The Markov chain of STOKE (Schkufza, Sharma, Aiken: ASPLOS 2013): Metropolis sampling over programs of a fixed
//! number of slots.
//!
//! The cost is wrong bits over the tests, with right values in the wrong register charged a small price, plus faults,
//! plus reads of undefined places, plus (in the optimisation phase) the cost of the live instructions. The acceptance
//! draw is made first, so that the evaluation may stop as soon as the bound is passed. Proposals that change nothing
//! live are accepted unevaluated and counted apart.

use super::cost;
use super::loc::{self, Set};
use super::opset::OpSet;
use super::program::{Evaluator, Liveness, Program, Slot, UNUSED};
use super::target::Target;
use super::tests::TestBank;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// The chain's parameters; defaults were chosen by measurement (docs/superopt.md).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Inverse temperature per wrong bit over a group of tests.
    pub beta: f64,
    /// Mass of moves that change the opcode within its class.
    pub opcode: f64,
    /// Mass of moves that change one operand.
    pub operand: f64,
    /// Mass of moves that swap two slots.
    pub swap: f64,
    /// Mass of moves that replace a whole instruction.
    pub instruction: f64,
    /// Probability that a replaced instruction becomes an empty slot.
    pub unused: f64,
    /// Price of a right value in the wrong register, in wrong bits per test.
    pub misplacement: f64,
    /// Price of a fault, in wrong bits.
    pub fault: f64,
    /// Price of reading an undefined place, in wrong bits.
    pub undefined: f64,
    /// Weight of the live instructions' cost in the optimisation phase, in wrong bits per cycle.
    pub performance: f64,
    /// Number of slots.
    pub slots: usize,
    /// Proposals of the first restart cycles.
    pub cycle: u64,
    /// How many cycles keep that length before it doubles.
    pub short_cycles: u32,
    /// Number of registers code may be written in (inputs and outputs included).
    pub registers: usize,
}

impl Default for Params {
    fn default() -> Params {
        Params {
            beta: 0.12,
            opcode: 0.16,
            operand: 0.5,
            swap: 0.16,
            instruction: 0.16,
            unused: 0.16,
            misplacement: 1.0,
            fault: 4.0,
            undefined: 32.0,
            performance: 8.0,
            slots: 12,
            cycle: 20_000,
            short_cycles: 5,
            registers: 6,
        }
    }
}

/// What a proposed correct program turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// Proven: the chain may call it a result.
    Proven,
    /// Wrong for these inputs, which have been added to the tests.
    Refuted,
    /// Not decided: the chain treats it as correct for its cost, but it is no result.
    Undecided,
}

/// Decides about programs that pass every test.
pub trait Judge {
    /// Judges the live code of a program; `cost` is the model's.
    fn judge(&mut self, live: &Program, cost: u64, bank: &mut TestBank) -> Judgement;
}

/// Counts of one chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Proposals made.
    pub proposals: u64,
    /// Proposals that changed live code.
    pub live: u64,
    /// Proposals accepted.
    pub accepted: u64,
    /// Tests run.
    pub tests: u64,
    /// Programs judged.
    pub judged: u64,
    /// Restarts.
    pub restarts: u64,
}

/// Which phase a chain is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Correctness alone, from an empty or random program.
    Synthesis,
    /// Correctness and cost, from a correct program.
    Optimisation,
}

/// A chain.
pub struct Chain<'a> {
    ops: &'a OpSet,
    target: &'a Target,
    params: Params,
    phase: Phase,
    rng: SmallRng,
    eval: Evaluator,
    registers: Vec<u8>,
    vectors: Vec<u8>,
    current: Program,
    next: Program,
    live: Liveness,
    next_live: Liveness,
    cost: f64,
    start: Program,
    /// What has been counted.
    pub counts: Counts,
    cycles: u32,
    until_restart: u64,
}

impl<'a> Chain<'a> {
    /// A chain over the target's instructions from `start` (padded or cut to the number of slots).
    pub fn new(
        target: &'a Target,
        ops: &'a OpSet,
        params: Params,
        phase: Phase,
        start: &Program,
        seed: u64,
    ) -> Chain<'a> {
        let mut start = start.clone();
        while start.slots.len() < params.slots {
            start.slots.push(Slot::EMPTY);
        }
        let uses_vectors = target
            .inputs
            .iter()
            .chain(&target.outputs)
            .any(|p| p.at >= loc::VEC0);
        let mut c = Chain {
            ops,
            target,
            phase,
            rng: SmallRng::seed_from_u64(seed),
            eval: Evaluator::new(target),
            registers: registers(target, &start, ops, params.registers),
            vectors: if uses_vectors {
                (0..6).collect()
            } else {
                Vec::new()
            },
            current: start.clone(),
            next: start.clone(),
            live: Liveness::default(),
            next_live: Liveness::default(),
            cost: f64::INFINITY,
            start,
            counts: Counts::default(),
            cycles: 0,
            until_restart: params.cycle,
            params,
        };
        // The first evaluation happens on the first step.
        c.live.compute(&c.current, ops, c.out());
        c
    }

    /// The places that count as live at exit: all that the misplacement term looks at, when synthesising.
    fn out(&self) -> Set {
        match self.phase {
            Phase::Synthesis if self.params.misplacement < 32.0 => self
                .registers
                .iter()
                .fold(self.target.output_set(), |s, r| s | loc::bit((*r).into())),
            _ => self.target.output_set(),
        }
    }

    /// The program where the chain is.
    pub fn current(&self) -> &Program {
        &self.current
    }

    /// Its cost.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// Goes back to `p` (a better program found elsewhere).
    pub fn jump_to(&mut self, p: &Program) {
        self.current = p.clone();
        while self.current.slots.len() < self.params.slots {
            self.current.slots.push(Slot::EMPTY);
        }
        self.live.compute(&self.current, self.ops, self.out());
        self.cost = f64::INFINITY;
    }

    /// Tells that tests were added: the current program's cost is found again.
    pub fn tests_changed(&mut self) {
        self.cost = f64::INFINITY;
    }

    /// Makes `n` proposals.
    pub fn run(&mut self, n: u64, bank: &mut TestBank, judge: &mut dyn Judge) {
        for _ in 0..n {
            self.step(bank, judge);
        }
    }

    fn step(&mut self, bank: &mut TestBank, judge: &mut dyn Judge) {
        self.counts.proposals += 1;
        if self.cost == f64::INFINITY {
            self.cost = self.evaluate_current(bank);
        }
        if self.until_restart == 0 {
            self.restart(bank);
        }
        self.until_restart -= 1;
        self.next.clone_from(&self.current);
        if !self.propose() {
            return;
        }
        let out = self.out();
        std::mem::swap(&mut self.next_live, &mut self.live);
        self.live.compute(&self.next, self.ops, out);
        std::mem::swap(&mut self.next_live, &mut self.live);
        // Now `next_live` is the proposal's.
        if self.same_live_code() {
            std::mem::swap(&mut self.current, &mut self.next);
            std::mem::swap(&mut self.live, &mut self.next_live);
            self.counts.accepted += 1;
            return;
        }
        self.counts.live += 1;
        let p: f64 = self.rng.random::<f64>().max(1e-300);
        let bound = self.cost - p.ln() / self.params.beta;
        let (cost, wrong) = self.evaluate(false, bank, bound);
        if cost > bound {
            return;
        }
        self.counts.accepted += 1;
        let before = self.cost;
        std::mem::swap(&mut self.current, &mut self.next);
        std::mem::swap(&mut self.live, &mut self.next_live);
        self.cost = cost;
        if wrong == 0 && (self.phase == Phase::Synthesis || cost < before) {
            self.correct_on_group_0(bank, judge);
        }
    }

    /// The current program is right on group 0: looks at the other tests, then asks the judge.
    fn correct_on_group_0(&mut self, bank: &mut TestBank, judge: &mut dyn Judge) {
        let l = Liveness::of(&self.current, self.ops, self.target.output_set());
        if l.undefined || l.entry & !self.target.input_set() != 0 {
            return;
        }
        self.eval.load(&self.current, self.ops, &l);
        for g in 0..bank.groups.len() {
            self.eval.run(&bank.groups[g], l.entry);
            self.counts.tests += super::lanes::LANES as u64;
            if self.eval.wrong_bits(self.target, &bank.groups[g]) != 0 {
                let lane = self.failing_lane(bank, g);
                let row = bank.row(g, lane);
                bank.add(&row);
                bank.counterexamples.pop();
                self.cost = self.evaluate_current(bank);
                return;
            }
        }
        self.counts.judged += 1;
        let live = self.current.live(self.ops, self.target.output_set());
        let cost = self.target.cost(&live.instructions(self.ops));
        match judge.judge(&live, cost, bank) {
            Judgement::Refuted => self.cost = self.evaluate_current(bank),
            Judgement::Proven if self.phase == Phase::Synthesis => {
                self.phase = Phase::Optimisation;
                self.jump_to(&live);
            }
            Judgement::Proven | Judgement::Undecided => {}
        }
    }

    fn failing_lane(&self, bank: &TestBank, g: usize) -> usize {
        let wrong = |i: usize| {
            let group = &bank.groups[g];
            self.target
                .outputs
                .iter()
                .zip(&group.expected)
                .any(|(p, e)| {
                    let m = super::program::width_mask(p.width);
                    (self.eval.block(p.at).0[i] ^ e.0[i]) & m != 0
                })
                || self.eval.block(loc::FAULT).0[i] != 0
        };
        (0..super::lanes::LANES).find(|i| wrong(*i)).unwrap_or(0)
    }

    fn restart(&mut self, bank: &TestBank) {
        self.cycles += 1;
        self.counts.restarts += 1;
        let doublings = self.cycles.saturating_sub(self.params.short_cycles).min(12);
        self.until_restart = self.params.cycle << doublings;
        if self.phase == Phase::Synthesis {
            self.current = self.start.clone();
            self.live.compute(&self.current, self.ops, self.out());
            self.cost = self.evaluate_current(bank);
        }
    }

    fn evaluate_current(&mut self, bank: &TestBank) -> f64 {
        self.live.compute(&self.current, self.ops, self.out());
        self.evaluate(true, bank, f64::INFINITY).0
    }

    /// Cost and wrong bits in the right places.
    fn evaluate(&mut self, current: bool, bank: &TestBank, bound: f64) -> (f64, u32) {
        let (p, l) = if current {
            (&self.current, &self.live)
        } else {
            (&self.next, &self.next_live)
        };
        let mut cost = 0.0;
        if self.phase == Phase::Optimisation {
            cost += self.params.performance * cost::live(self.ops, p, l) as f64 / 100.0;
        }
        if l.undefined {
            cost += self.params.undefined;
        }
        let undefined = (l.entry & !self.target.input_set()).count_ones();
        if self.phase == Phase::Optimisation {
            cost += self.params.undefined * f64::from(undefined);
        }
        if cost > bound {
            return (cost, u32::MAX);
        }
        self.eval.load(p, self.ops, l);
        let g = &bank.groups[0];
        self.eval.run(g, l.entry);
        self.counts.tests += super::lanes::LANES as u64;
        let faults = self.eval.faults();
        cost += self.params.fault * f64::from(faults);
        let mut wrong = faults;
        let lanes = super::lanes::LANES as f64;
        for (port, e) in self.target.outputs.iter().zip(&g.expected) {
            let here = self.eval.distance(port.at, e, port.width);
            wrong += here;
            let mut best = f64::from(here);
            if self.phase == Phase::Synthesis && here > 0 && port.at < 16 {
                for r in &self.registers {
                    let d = self.eval.distance((*r).into(), e, port.width);
                    best = best.min(f64::from(d) + self.params.misplacement * lanes);
                }
            }
            cost += best;
            if cost > bound {
                return (cost, u32::MAX);
            }
        }
        (cost, wrong)
    }

    fn same_live_code(&self) -> bool {
        let a = self
            .current
            .slots
            .iter()
            .zip(&self.live.wanted)
            .filter(|x| *x.1 != 0)
            .map(|x| x.0);
        let b = self
            .next
            .slots
            .iter()
            .zip(&self.next_live.wanted)
            .filter(|x| *x.1 != 0)
            .map(|x| x.0);
        a.eq(b)
    }

    fn propose(&mut self) -> bool {
        let p = &self.params;
        let total = p.opcode + p.operand + p.swap + p.instruction;
        let x = self.rng.random::<f64>() * total;
        let n = self.next.slots.len();
        let i = self.rng.random_range(0..n);
        if x < p.opcode + p.operand && self.next.slots[i].v == UNUSED {
            return false;
        }
        if x < p.opcode {
            let s = self.next.slots[i];
            let form = self.ops.form_of[s.v as usize];
            let class = &self.ops.classes[self.ops.class_of[form as usize] as usize];
            let f = class[self.rng.random_range(0..class.len())];
            self.next.slots[i].v = self.pick_variant(f);
            self.valid(i)
        } else if x < p.opcode + p.operand {
            let s = self.next.slots[i];
            let v = &self.ops.variants[s.v as usize];
            let form = self.ops.form_of[s.v as usize];
            let choices = v.holes.len() + usize::from(self.ops.by_form[form as usize].len() > 1);
            if choices == 0 {
                return false;
            }
            let k = self.rng.random_range(0..choices);
            if k < v.holes.len() {
                let Some(r) = self.pick_register(v.holes[k].is_vec()) else {
                    return false;
                };
                self.next.slots[i].r[k] = r;
            } else {
                self.next.slots[i].v = self.pick_variant(form);
            }
            self.valid(i)
        } else if x < p.opcode + p.operand + p.swap {
            let j = self.rng.random_range(0..n);
            self.next.slots.swap(i, j);
            i != j
        } else {
            if self.rng.random::<f64>() < self.params.unused {
                let was = self.next.slots[i];
                self.next.slots[i] = Slot::EMPTY;
                return was != Slot::EMPTY;
            }
            let f = self.rng.random_range(0..self.ops.by_form.len()) as u32;
            let v = self.pick_variant(f);
            let mut r = [0; 4];
            for (k, h) in self.ops.variants[v as usize].holes.iter().enumerate() {
                let Some(x) = self.pick_register(h.is_vec()) else {
                    return false;
                };
                r[k] = x;
            }
            self.next.slots[i] = Slot { v, r };
            self.valid(i)
        }
    }

    fn pick_variant(&mut self, form: u32) -> u32 {
        let f = &self.ops.by_form[form as usize];
        f[self.rng.random_range(0..f.len())]
    }

    fn pick_register(&mut self, vec: bool) -> Option<u8> {
        let pool = if vec { &self.vectors } else { &self.registers };
        (!pool.is_empty()).then(|| pool[self.rng.random_range(0..pool.len())])
    }

    /// Whether slot `i` writes only what it may.
    fn valid(&self, i: usize) -> bool {
        let s = &self.next.slots[i];
        let w = self.ops.variants[s.v as usize].written(&s.r);
        w & !(self.target.scratch | loc::bit(loc::FAULT)) == 0
    }
}

/// The general registers code is searched in: inputs, outputs, those of the start, then other scratch ones.
fn registers(t: &Target, start: &Program, ops: &OpSet, n: usize) -> Vec<u8> {
    let mut v: Vec<u8> = Vec::new();
    let add = |v: &mut Vec<u8>, r: u16| {
        if r < 16 && !v.contains(&(r as u8)) {
            v.push(r as u8);
        }
    };
    t.outputs
        .iter()
        .chain(&t.inputs)
        .for_each(|p| add(&mut v, p.at));
    for s in start.slots.iter().filter(|s| s.v != UNUSED) {
        let holes = &ops.variants[s.v as usize].holes;
        (0..holes.len())
            .filter(|k| !holes[*k].is_vec())
            .for_each(|k| add(&mut v, s.r[k].into()));
    }
    for r in [0, 1, 2, 6, 7, 8, 9, 10, 11] {
        let have = v.len();
        if have < n && t.scratch & loc::bit(r) != 0 && !v.contains(&(r as u8)) {
            v.push(r as u8);
        }
    }
    v
}
