//! Random keys: a program as a point of the unit cube, so that QUASAR, which is a continuous optimiser, can search code.
//!
//! Every slot has five coordinates: whether it is empty and which form, which variant of the form, and the registers of
//! up to three holes; each is cut into as many equal intervals as there are choices.

use super::loc;
use super::opset::OpSet;
use super::program::{Evaluator, Liveness, Program, Slot};
use super::target::Target;
use super::tests::TestBank;
use crate::quasar::{self, Optimiser};
use serde::{Deserialize, Serialize};

/// The search's size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Slots of a program.
    pub slots: usize,
    /// Members; 0 for the law of the paper.
    pub population: usize,
    /// Generations of a round.
    pub generations: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            slots: 6,
            population: 0,
            generations: 100,
        }
    }
}

/// Coordinates of a slot.
const COORDINATES: usize = 5;
/// Part of the first coordinate that means an empty slot.
const EMPTY: f64 = 0.2;

/// The program a point stands for.
pub fn decode(x: &[f64], ops: &OpSet, registers: &[u8], vectors: &[u8]) -> Program {
    let pick = |v: f64, n: usize| ((v * n as f64) as usize).min(n.saturating_sub(1));
    let mut p = Program::default();
    for c in x.chunks_exact(COORDINATES) {
        if c[0] < EMPTY {
            p.slots.push(Slot::EMPTY);
            continue;
        }
        let form = &ops.by_form[pick((c[0] - EMPTY) / (1.0 - EMPTY), ops.by_form.len())];
        let v = form[pick(c[1], form.len())];
        let mut r = [0; 4];
        for (k, h) in ops.variants[v as usize].holes.iter().enumerate().take(3) {
            let set = if h.is_vec() { vectors } else { registers };
            r[k] = set.get(pick(c[2 + k], set.len())).copied().unwrap_or(0);
        }
        p.slots.push(Slot { v, r });
    }
    p
}

/// One run of QUASAR. `seen` is told how many points were evaluated and, now and then, a program that passes all tests;
/// it says whether to go on.
pub fn round(
    t: &Target,
    ops: &OpSet,
    bank: &TestBank,
    o: &Options,
    seed: u64,
    seen: &mut dyn FnMut(u64, Option<Program>) -> bool,
) {
    let mut registers: Vec<u8> = t
        .outputs
        .iter()
        .chain(&t.inputs)
        .filter(|p| p.at < 16)
        .map(|p| p.at as u8)
        .collect();
    for r in [1, 2, 8] {
        if registers.len() < 5 && !registers.contains(&r) && t.scratch & loc::bit(r.into()) != 0 {
            registers.push(r);
        }
    }
    registers.dedup();
    let vectors: Vec<u8> = (0..4).collect();
    let mut e = Evaluator::new(t);
    let out = t.output_set();
    let mut l = Liveness::default();
    let g = &bank.groups[0];
    let mut objective = |x: &[f64]| -> (f64, Option<Program>) {
        let p = decode(x, ops, &registers, &vectors);
        l.compute(&p, ops, out);
        let illegal = p.slots.iter().any(|s| {
            s.v != super::program::UNUSED
                && ops.variants[s.v as usize].written(&s.r) & !(t.scratch | loc::bit(loc::FAULT))
                    != 0
        });
        e.load(&p, ops, &l);
        e.run(g, l.entry);
        let mut f = f64::from(e.wrong_bits(t, g)) + 4.0 * f64::from(e.faults());
        let undefined =
            (l.entry & !t.input_set()).count_ones() + u32::from(l.undefined) + u32::from(illegal);
        f += 32.0 * f64::from(undefined);
        let right = f == 0.0
            && bank.groups.iter().all(|g| {
                e.run(g, l.entry);
                e.wrong_bits(t, g) == 0
            });
        f += super::cost::live(ops, &p, &l) as f64 / 1e6;
        (f, right.then(|| p.live(ops, out)))
    };
    quasar_round(o, seed, &mut objective, seen);
}

/// A point's value, and its program when that passes all tests.
type Objective<'a> = dyn FnMut(&[f64]) -> (f64, Option<Program>) + 'a;

fn quasar_round(
    o: &Options,
    seed: u64,
    objective: &mut Objective<'_>,
    seen: &mut dyn FnMut(u64, Option<Program>) -> bool,
) {
    let d = o.slots * COORDINATES;
    let Ok(space) = quasar::Space::cube(d, 0.0, 1.0) else {
        return;
    };
    let mut config = quasar::Config::new(d, seed);
    if o.population > 0 {
        config.population = o.population;
    }
    config.generations = o.generations;
    let Ok(mut q) = quasar::Quasar::new(space, config) else {
        return;
    };
    loop {
        let points = q.ask().to_vec();
        if points.is_empty() {
            return;
        }
        let mut values = Vec::with_capacity(points.len());
        let mut best: Option<(f64, Program)> = None;
        for x in &points {
            let (f, p) = objective(x);
            if let Some(p) = p
                && best.as_ref().is_none_or(|b| f < b.0)
            {
                best = Some((f, p));
            }
            values.push(f);
        }
        if q.tell(&values).is_err() || !seen(points.len() as u64, best.map(|b| b.1)) {
            return;
        }
    }
}
