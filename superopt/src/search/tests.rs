//! Test cases: stratified inputs, what the target answers, and the counterexamples that proofs found.

use super::lanes::{self, Block, LANES, Step};
use super::loc::Loc;
use super::tape::{self, Leaves};
use super::target::Target;
use rand::Rng;
use rand::rngs::SmallRng;

/// A word from one of several kinds: small numbers, single bits, runs of ones, sparse, dense, uniform, near another.
pub fn stratified(rng: &mut SmallRng, width: u32, others: &[u64]) -> u64 {
    let mask = if width >= 64 {
        u64::MAX
    } else {
        (1 << width) - 1
    };
    let r: u64 = rng.random();
    let v = match rng.random_range(0..10u32) {
        0 => r % 5,
        1 => (r % 5).wrapping_neg(),
        2 => 1 << (r % u64::from(width)),
        3 => {
            let (a, b) = (r % u64::from(width), (r >> 32) % u64::from(width));
            (1u64 << a.max(b)).wrapping_sub(1 << a.min(b))
        }
        4 => r & rng.random::<u64>() & rng.random::<u64>(),
        5 => r | rng.random::<u64>() | rng.random::<u64>(),
        6 if !others.is_empty() => {
            let o = others[r as usize % others.len()];
            match (r >> 20) % 4 {
                0 => o,
                1 => o.wrapping_add(1),
                2 => o.wrapping_sub(1),
                _ => !o,
            }
        }
        7 => r >> (r % u64::from(width)),
        _ => r,
    };
    v & mask
}

/// [`LANES`] tests.
#[derive(Clone, Debug)]
pub struct Group {
    /// A block per input.
    pub inputs: Vec<Block>,
    /// A block per output.
    pub expected: Vec<Block>,
}

/// All tests of a target. Group 0 is the one searches use all the time.
pub struct TestBank {
    /// The groups.
    pub groups: Vec<Group>,
    /// Counterexamples so far, as inputs.
    pub counterexamples: Vec<Vec<u64>>,
    steps: Vec<Step>,
    outputs: Vec<Loc>,
    ok: (Loc, Loc),
    level: lanes::Level,
    next_killer: usize,
}

/// Why no tests could be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TestError {
    /// Lanes cannot evaluate the specification.
    Tape(tape::TapeError),
    /// No input met the precondition in many tries.
    Precondition,
}

impl std::fmt::Display for TestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TestError::Tape(e) => write!(
                f,
                "the specification cannot be evaluated on many tests at once ({e:?})"
            ),
            TestError::Precondition => f.write_str("no test input meets the precondition"),
        }
    }
}

impl std::error::Error for TestError {}

/// Blocks of the specification's own evaluation.
const SPEC_BLOCKS: u16 = 4096;

impl TestBank {
    /// Makes `groups` groups of tests; the target must not fault on them and the precondition holds.
    ///
    /// # Errors
    /// See [`TestError`].
    pub fn new(t: &Target, groups: usize, rng: &mut SmallRng) -> Result<TestBank, TestError> {
        let n_in = t.inputs.len() as u16;
        let of = |x| t.input_terms.iter().position(|i| *i == x).map(|i| i as u16);
        let outs: Vec<Loc> = (0..t.outputs.len() as u16).map(|i| n_in + i).collect();
        let (pre, fault) = (n_in + outs.len() as u16, n_in + outs.len() as u16 + 1);
        let mut targets: Vec<_> = t
            .output_terms
            .iter()
            .copied()
            .zip(outs.iter().copied())
            .collect();
        targets.push((t.precondition, pre));
        targets.push((t.fault, fault));
        let leaves = Leaves {
            of: &of,
            first: fault + 1,
            end: SPEC_BLOCKS,
        };
        let steps = tape::compile(&t.pool, &targets, &leaves).map_err(TestError::Tape)?;
        let mut bank = TestBank {
            groups: Vec::new(),
            counterexamples: Vec::new(),
            steps,
            outputs: outs,
            ok: (pre, fault),
            level: lanes::level(),
            next_killer: 0,
        };
        let constants: Vec<u64> = t.constants().iter().map(|c| *c as u64).collect();
        let mut rows: Vec<Vec<u64>> = Vec::new();
        let mut tries = 0;
        while rows.len() < groups * LANES {
            let mut candidates = Vec::with_capacity(LANES);
            for _ in 0..LANES {
                let mut row: Vec<u64> = Vec::new();
                for p in &t.inputs {
                    let mut known = row.clone();
                    known.extend(&constants);
                    let v = stratified(rng, p.width, &known);
                    // Bits above the width are arbitrary at entry.
                    let high: u64 = if p.width < 64 && p.at < 16 {
                        rng.random::<u64>() << p.width
                    } else {
                        0
                    };
                    row.push(v | high);
                }
                candidates.push(row);
            }
            let (_, good) = bank.answer(&candidates);
            rows.extend(
                candidates
                    .into_iter()
                    .zip(good)
                    .filter(|x| x.1)
                    .map(|x| x.0),
            );
            tries += 1;
            if tries > 2000 && rows.len() < LANES || tries > 200_000 {
                if rows.is_empty() {
                    return Err(TestError::Precondition);
                }
                // Few inputs meet it: use them again.
                let n = rows.len();
                while rows.len() < groups * LANES {
                    rows.push(rows[rows.len() % n].clone());
                }
            }
        }
        for chunk in rows[..groups * LANES].chunks(LANES) {
            bank.push_group(chunk);
        }
        Ok(bank)
    }

    fn answer(&self, rows: &[Vec<u64>]) -> (Vec<Block>, Vec<bool>) {
        let mut p = vec![Block::ZERO; SPEC_BLOCKS as usize];
        for (i, row) in rows.iter().enumerate().take(LANES) {
            for (j, v) in row.iter().enumerate() {
                p[j].0[i] = *v;
            }
        }
        lanes::run(self.level, &self.steps, &mut p);
        let out = self.outputs.iter().map(|o| p[*o as usize]).collect();
        let good = (0..rows.len().min(LANES))
            .map(|i| p[self.ok.0 as usize].0[i] == 1 && p[self.ok.1 as usize].0[i] == 0)
            .collect();
        (out, good)
    }

    /// The same tests with further inputs, for reading only: their words, a block per group.
    pub fn with_inputs(&self, extra: &[Vec<Block>]) -> TestBank {
        let groups = self.groups.iter().enumerate().map(|(n, g)| {
            let mut g = g.clone();
            g.inputs.extend(extra.iter().map(|w| w[n]));
            g
        });
        TestBank {
            groups: groups.collect(),
            counterexamples: self.counterexamples.clone(),
            steps: self.steps.clone(),
            outputs: self.outputs.clone(),
            ok: self.ok,
            level: self.level,
            next_killer: self.next_killer,
        }
    }

    fn push_group(&mut self, rows: &[Vec<u64>]) {
        let (expected, _) = self.answer(rows);
        let inputs = (0..rows[0].len())
            .map(|j| Block(std::array::from_fn(|i| rows[i % rows.len()][j])))
            .collect();
        self.groups.push(Group { inputs, expected });
    }

    /// Adds a counterexample to group 0, in the place of a random test there.
    pub fn add(&mut self, row: &[u64]) {
        let (expected, _) = self.answer(&[row.to_vec()]);
        // The first half keeps its stratified tests, so that counterexamples never drive all of them out.
        let lane = LANES / 2 + self.next_killer % (LANES / 2);
        self.next_killer += 1;
        for (b, v) in self.groups[0].inputs.iter_mut().zip(row) {
            b.0[lane] = *v;
        }
        for (b, e) in self.groups[0].expected.iter_mut().zip(&expected) {
            b.0[lane] = e.0[0];
        }
        self.counterexamples.push(row.to_vec());
    }

    /// The inputs of one test.
    pub fn row(&self, group: usize, lane: usize) -> Vec<u64> {
        self.groups[group]
            .inputs
            .iter()
            .map(|b| b.0[lane])
            .collect()
    }
}
