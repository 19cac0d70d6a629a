//! QUASAR (Soltes, "Quasi-adaptive search with asymptotic reinitialization", arXiv 2511.13843).
//!
//! One generation g = 0..G-1 over a population of N points in D dimensions, all random numbers of the generation drawn
//! from its own stream:
//! 1. Per dimension j, shared by all members: `Fg[j]` ~ N(0.5 s, 0.25^2) with one sign s = +-1, `Fl[j]` ~ N(0, 0.33^2).
//! 2. Mutation of member i with a random member r (r may be i): with probability e (0.33) best + Fl (xi - xr), otherwise
//!    with equal halves xi + Fg (best - xr) or xr + Fg (xi - xr).
//! 3. Crossover by rank (0 is best): CR = max(0.33, (N-1-rank)/(N-1)); a coordinate is taken from the mutant if U < CR.
//!    There is no coordinate that is always taken, unlike in differential evolution. Clip to the box.
//! 4. The trial replaces its member iff it is strictly better.
//! 5. With probability p(g) = 0.33^(g/(0.33 G)) the worst floor(0.33 N) members are redrawn: from the normal with mean and
//!    covariance of the best max(floor(0.25 N), D+1), plus N(0, (width/20)^2) per dimension, clipped.
//!
//! The reference package (hdim_opt) leaves the redrawn members with the values of the points they replaced, and
//! skips step 5 when N < D+1. Here redrawn members are evaluated, and for N < D+1 they are scrambled Sobol points.
//! [`Faults::AsReference`] puts both back, for the comparison only.

use super::draw::{Draw, Purpose, SampleNormal};
use super::{Best, Error, Optimiser, Space, heard, improve, ranking, sobol};
use serde::{Deserialize, Serialize};

/// Mean of the global mutation factor, up to its sign.
const GLOBAL_MEAN: f64 = 0.5;
/// Standard deviation of the global mutation factor.
const GLOBAL_DEVIATION: f64 = 0.25;
/// Standard deviation of the local mutation factor.
const LOCAL_DEVIATION: f64 = 0.33;
/// Least crossover rate.
const LEAST_CROSSOVER: f64 = 0.33;
/// What the probability of reinitialisation has fallen to at `DECAY` of the run.
const FINAL_PROBABILITY: f64 = 0.33;
/// Share of the run after which reinitialisation has that probability.
const DECAY: f64 = 0.33;
/// Share of the population that is redrawn.
const REDRAWN: f64 = 0.33;
/// Share of the population whose covariance is learnt.
const LEARNT: f64 = 0.25;
/// Noise added to redrawn points is a normal of this part of the box's width.
const NOISE: f64 = 1.0 / 20.0;
/// Smallest population with a member to redraw.
pub const LEAST_POPULATION: usize = 4;

/// Whether the reference package's faults are mended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Faults {
    /// Redrawn members are evaluated; small populations are redrawn from Sobol points.
    #[default]
    Mended,
    /// Redrawn members keep the values of the points they replaced; small populations, and those on a
    /// line (D = 1), are never redrawn. For comparisons only.
    AsReference,
}

/// What a run is given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Config {
    /// Members, N.
    pub population: usize,
    /// Generations, G.
    pub generations: u32,
    /// Probability of the local mutation, e.
    pub entangle: f64,
    /// Seed of every random choice.
    pub seed: u64,
    /// Whether the reference package's faults are mended.
    pub faults: Faults,
}

impl Config {
    /// The paper's choice for D dimensions: N = max(128, 2^ceil(log2(10 D))), 100 generations, e = 0.33.
    pub fn new(dimensions: usize, seed: u64) -> Config {
        Config {
            population: dimensions.saturating_mul(10).next_power_of_two().max(128),
            generations: 100,
            entangle: 0.33,
            seed,
            faults: Faults::Mended,
        }
    }
}

/// The probability of reinitialisation in generation g of G: 0.33^(g/(0.33 G)).
pub fn redraw_probability(g: u32, generations: u32) -> f64 {
    FINAL_PROBABILITY.powf(f64::from(g) / (DECAY * f64::from(generations)))
}

/// What the points asked are for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Stage {
    /// The first population.
    Start,
    /// A trial for each member.
    Trials,
    /// New points for these members.
    Redrawn(Vec<usize>),
    /// Nothing: the run is over.
    Over,
}

/// A run of QUASAR. It can be saved between any two calls; the rest of the run does not depend on that.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Quasar {
    config: Config,
    space: Space,
    population: Vec<Vec<f64>>,
    fitness: Vec<f64>,
    best: Option<Best>,
    generation: u32,
    evaluations: u64,
    stage: Stage,
    asked: Vec<Vec<f64>>,
}

impl Quasar {
    /// A run at its start.
    pub fn new(space: Space, config: Config) -> Result<Quasar, Error> {
        if config.population < LEAST_POPULATION {
            return Err(Error::Population {
                population: config.population,
                least: LEAST_POPULATION,
            });
        }
        if config.generations == 0 {
            return Err(Error::Generations);
        }
        let mut draw = Draw::new(config.seed, 0, Purpose::Start);
        let unit = sobol::scrambled(config.population, space.dimensions(), &mut draw);
        Ok(Quasar {
            asked: unit.iter().map(|u| space.scale(u)).collect(),
            config,
            space,
            population: Vec::new(),
            fitness: Vec::new(),
            best: None,
            generation: 0,
            evaluations: 0,
            stage: Stage::Start,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The box.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The members; none before the first values were told.
    pub fn population(&self) -> &[Vec<f64>] {
        &self.population
    }

    /// The members' values as the search believes them.
    pub fn fitness(&self) -> &[f64] {
        &self.fitness
    }

    /// Makes the generation's trials: steps 1 to 3 of the module's list.
    fn propose(&mut self) {
        // Set by the first values told, and `new` asks for at least four.
        let Some(best) = &self.best else { return };
        let n = self.population.len();
        let mut draw = Draw::new(self.config.seed, self.generation, Purpose::Trials);
        let sign = if draw.uniform() < 0.5 { 1.0 } else { -1.0 };
        let dimensions = self.space.dimensions();
        let global: Vec<f64> = (0..dimensions)
            .map(|_| sign * GLOBAL_MEAN + GLOBAL_DEVIATION * draw.normal())
            .collect();
        let local: Vec<f64> = (0..dimensions)
            .map(|_| LOCAL_DEVIATION * draw.normal())
            .collect();
        let mut crossover = vec![0.0; n];
        for (rank, i) in ranking(&self.fitness).into_iter().enumerate() {
            crossover[i] = LEAST_CROSSOVER.max((n - 1 - rank) as f64 / (n - 1) as f64);
        }
        self.asked.clear();
        for (x, rate) in self.population.iter().zip(crossover) {
            let partner = &self.population[draw.index(n)];
            let is_local = draw.uniform() < self.config.entangle;
            let is_current = draw.uniform() < 0.5;
            let coordinate = |j: usize| {
                let (x, r, b) = (x[j], partner[j], best.point[j]);
                if draw.uniform() >= rate {
                    x
                } else if is_local {
                    b + local[j] * (x - r)
                } else if is_current {
                    x + global[j] * (b - r)
                } else {
                    r + global[j] * (x - r)
                }
            };
            let trial: Vec<f64> = (0..dimensions).map(coordinate).collect();
            self.asked.push(clipped(&self.space, trial));
        }
        self.stage = Stage::Trials;
    }

    /// Step 5: which members are redrawn in this generation, and where to. None when the draw says no, or by fault.
    fn redraw(&self) -> Option<(Vec<usize>, Vec<Vec<f64>>)> {
        let mut draw = Draw::new(self.config.seed, self.generation, Purpose::Redraw);
        if draw.uniform() >= redraw_probability(self.generation, self.config.generations) {
            return None;
        }
        let (n, dimensions) = (self.population.len(), self.space.dimensions());
        let count = (REDRAWN * n as f64) as usize;
        let order = ranking(&self.fitness);
        let worst = order[n - count..].to_vec();
        let small = n < dimensions + 1;
        if self.config.faults == Faults::AsReference && (small || dimensions == 1) {
            return None;
        }
        if small {
            let unit = sobol::scrambled(count, dimensions, &mut draw);
            return Some((worst, unit.iter().map(|u| self.space.scale(u)).collect()));
        }
        let learnt = ((LEARNT * n as f64) as usize).max(dimensions + 1);
        let points: Vec<&[f64]> = order[..learnt]
            .iter()
            .map(|i| &self.population[*i][..])
            .collect();
        let normal = SampleNormal::new(&points);
        let point = |_: &usize| {
            let mut x = normal.sample(&mut draw);
            for (j, x) in x.iter_mut().enumerate() {
                *x += draw.normal() * NOISE * self.space.width(j);
            }
            clipped(&self.space, x)
        };
        let points = worst.iter().map(point).collect();
        Some((worst, points))
    }

    /// Counts the generation and goes on to the next.
    fn advance(&mut self) {
        self.generation += 1;
        if self.generation < self.config.generations {
            self.propose();
        } else {
            self.stage = Stage::Over;
            self.asked.clear();
        }
    }
}

impl Optimiser for Quasar {
    fn ask(&self) -> &[Vec<f64>] {
        &self.asked
    }

    fn tell(&mut self, values: &[f64]) -> Result<(), Error> {
        let values = heard(self.asked.len(), values)?;
        self.evaluations += values.len() as u64;
        let points = std::mem::take(&mut self.asked);
        improve(&mut self.best, &points, &values);
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Start => {
                self.population = points;
                self.fitness = values;
                self.propose();
            }
            Stage::Trials => {
                for (i, (point, value)) in points.into_iter().zip(values).enumerate() {
                    if value < self.fitness[i] {
                        self.population[i] = point;
                        self.fitness[i] = value;
                    }
                }
                match (self.redraw(), self.config.faults) {
                    (None, _) => self.advance(),
                    (Some((members, points)), Faults::Mended) => {
                        self.asked = points;
                        self.stage = Stage::Redrawn(members);
                    }
                    (Some((members, points)), Faults::AsReference) => {
                        for (i, point) in members.into_iter().zip(points) {
                            self.population[i] = point;
                        }
                        self.advance();
                    }
                }
            }
            Stage::Redrawn(members) => {
                for ((i, point), value) in members.into_iter().zip(points).zip(values) {
                    self.population[i] = point;
                    self.fitness[i] = value;
                }
                self.advance();
            }
            Stage::Over => {}
        }
        Ok(())
    }

    fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }

    fn generation(&self) -> u32 {
        self.generation
    }
}

fn clipped(space: &Space, mut point: Vec<f64>) -> Vec<f64> {
    for (j, x) in point.iter_mut().enumerate() {
        *x = space.clip(j, *x);
    }
    point
}
