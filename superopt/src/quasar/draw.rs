//! Random numbers of the optimisers: one independent stream per (seed, generation, purpose).
//!
//! Nothing of a generator is ever saved: a generation's draws follow from the seed and its number alone, which makes a
//! resumed run equal to an uninterrupted one. Normals are by Marsaglia's polar method (SIAM Review 6, 1964).

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream is for; a run draws from at most one stream per purpose and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first population.
    Start = 0,
    /// Mutation and crossover.
    Trials = 1,
    /// Reinitialisation.
    Redraw = 2,
    /// Anything else that wants repeatable numbers: test functions, bootstraps.
    Other = 3,
}

/// A stream of random numbers.
pub struct Draw {
    rng: ChaCha8Rng,
    spare: Option<f64>,
}

impl Draw {
    /// The stream of a seed, generation and purpose.
    pub fn new(seed: u64, generation: u32, purpose: Purpose) -> Draw {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(generation) * 4 + purpose as u64);
        Draw { rng, spare: None }
    }

    /// Uniform in 0 (included) to 1 (excluded).
    pub fn uniform(&mut self) -> f64 {
        self.rng.random::<f64>()
    }

    /// Uniform among `0..n`; `n` is at least 1.
    pub fn index(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.rng.next_u32()
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        if let Some(z) = self.spare.take() {
            return z;
        }
        loop {
            let (a, b) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = a * a + b * b;
            if s > 0.0 && s < 1.0 {
                let k = (-2.0 * s.ln() / s).sqrt();
                self.spare = Some(b * k);
                return a * k;
            }
        }
    }

    /// Standard Cauchy: the quotient of two normals.
    pub fn cauchy(&mut self) -> f64 {
        self.normal() / self.normal()
    }

    /// A random order of `0..n`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.index(i + 1));
        }
        order
    }
}

/// The normal distribution with the mean and the (unbiased) covariance of a sample of points.
///
/// With centred points c1..cK and independent standard normals z1..zK, mean + sum of zk ck / sqrt(K-1) has exactly that
/// mean and covariance. So no covariance matrix is formed or factored, and a singular one (few points, or a population
/// that has collapsed in some direction) needs no jitter: such draws stay in the span of the points.
pub struct SampleNormal {
    mean: Vec<f64>,
    /// The centred points, divided by sqrt(K-1).
    spread: Vec<Vec<f64>>,
}

impl SampleNormal {
    /// The distribution of a sample; at least one point, all of the same length.
    pub fn new(points: &[&[f64]]) -> SampleNormal {
        let count = points.len() as f64;
        let dimensions = points.first().map_or(0, |p| p.len());
        let mean: Vec<f64> = (0..dimensions)
            .map(|j| points.iter().map(|p| p[j]).sum::<f64>() / count)
            .collect();
        let scale = 1.0 / (count - 1.0).max(1.0).sqrt();
        let centred = |p: &&[f64]| p.iter().zip(&mean).map(|(x, m)| (x - m) * scale).collect();
        let spread = points.iter().map(centred).collect();
        SampleNormal { mean, spread }
    }

    /// A point of the distribution.
    pub fn sample(&self, draw: &mut Draw) -> Vec<f64> {
        let mut point = self.mean.clone();
        for centred in &self.spread {
            let z = draw.normal();
            for (x, c) in point.iter_mut().zip(centred) {
                *x += z * c;
            }
        }
        point
    }
}
