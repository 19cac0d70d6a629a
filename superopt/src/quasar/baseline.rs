//! What QUASAR is compared with: differential evolution and L-SHADE, by the textbook and no better.
//!
//! They start from the same scrambled Sobol points as QUASAR, so that only the search differs. Neither is used by
//! the engines.

use super::draw::{Draw, Purpose};
use super::{Best, Error, Optimiser, Space, heard, improve, ranking, sobol};
use serde::{Deserialize, Serialize};

/// What the methods here keep between generations.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Members {
    /// The population; empty until the first points have their values.
    points: Vec<Vec<f64>>,
    /// Their values.
    fitness: Vec<f64>,
    best: Option<Best>,
    generation: u32,
    evaluations: u64,
    /// Points whose values are awaited; none when the run is over.
    asked: Vec<Vec<f64>>,
}

impl Members {
    fn new(asked: Vec<Vec<f64>>) -> Members {
        Members {
            points: Vec::new(),
            fitness: Vec::new(),
            best: None,
            generation: 0,
            evaluations: 0,
            asked,
        }
    }
}

/// A method that replaces members by trials, one generation at a time.
trait Method {
    fn members(&self) -> &Members;
    fn members_mut(&mut self) -> &mut Members;
    /// Takes a generation's trials, one for each member, and their values.
    fn select(&mut self, points: Vec<Vec<f64>>, values: Vec<f64>);
    /// Whether no generation follows.
    fn over(&self) -> bool;
    /// Asks for the next trials.
    fn propose(&mut self);
}

impl<M: Method> Optimiser for M {
    fn ask(&self) -> &[Vec<f64>] {
        &self.members().asked
    }

    fn tell(&mut self, values: &[f64]) -> Result<(), Error> {
        let m = self.members_mut();
        let values = heard(m.asked.len(), values)?;
        m.evaluations += values.len() as u64;
        improve(&mut m.best, &m.asked, &values);
        let points = std::mem::take(&mut m.asked);
        if m.points.is_empty() {
            m.points = points;
            m.fitness = values;
        } else if !points.is_empty() {
            self.select(points, values);
            self.members_mut().generation += 1;
        }
        if !self.over() {
            self.propose();
        }
        Ok(())
    }

    fn best(&self) -> Option<&Best> {
        self.members().best.as_ref()
    }

    fn evaluations(&self) -> u64 {
        self.members().evaluations
    }

    fn generation(&self) -> u32 {
        self.members().generation
    }
}

/// Which vector differential evolution mutates (Storn and Price, J. Global Optimization 11, 1997).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Strategy {
    /// rand/1/bin: a + F (b - c) with three random members.
    Rand1Bin,
    /// best/1/bin: best + F (a - b).
    Best1Bin,
}

/// Differential evolution with binomial crossover; coordinates that leave the box are clipped.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DifferentialEvolution {
    space: Space,
    strategy: Strategy,
    /// Weight of the difference, F.
    weight: f64,
    /// Crossover rate, CR.
    crossover: f64,
    seed: u64,
    generations: u32,
    members: Members,
}

impl DifferentialEvolution {
    /// A run at its start, with F = 0.5 and CR = 0.9. The population is at least 4.
    pub fn new(
        space: Space,
        strategy: Strategy,
        population: usize,
        generations: u32,
        seed: u64,
    ) -> Result<DifferentialEvolution, Error> {
        let asked = start(&space, population, 4, seed)?;
        Ok(DifferentialEvolution {
            space,
            strategy,
            weight: 0.5,
            crossover: 0.9,
            seed,
            generations,
            members: Members::new(asked),
        })
    }
}

impl Method for DifferentialEvolution {
    fn members(&self) -> &Members {
        &self.members
    }
    fn members_mut(&mut self) -> &mut Members {
        &mut self.members
    }
    fn select(&mut self, points: Vec<Vec<f64>>, values: Vec<f64>) {
        for (i, (point, value)) in points.into_iter().zip(values).enumerate() {
            if value <= self.members.fitness[i] {
                self.members.points[i] = point;
                self.members.fitness[i] = value;
            }
        }
    }
    fn over(&self) -> bool {
        self.members.generation >= self.generations
    }
    fn propose(&mut self) {
        self.members.asked.clear();
        let Some(best) = &self.members.best else {
            return;
        };
        let mut draw = Draw::new(self.seed, self.members.generation, Purpose::Trials);
        let dimensions = self.space.dimensions();
        for (i, x) in self.members.points.iter().enumerate() {
            let [a, b, c] =
                others(&mut draw, self.members.points.len(), i).map(|r| &self.members.points[r]);
            let (base, plus, minus) = match self.strategy {
                Strategy::Rand1Bin => (a, b, c),
                Strategy::Best1Bin => (&best.point, a, b),
            };
            let sure = draw.index(dimensions);
            let coordinate = |j: usize| {
                // The draw comes first: every coordinate uses one.
                if draw.uniform() < self.crossover || j == sure {
                    self.space
                        .clip(j, base[j] + self.weight * (plus[j] - minus[j]))
                } else {
                    x[j]
                }
            };
            self.members
                .asked
                .push((0..dimensions).map(coordinate).collect());
        }
    }
}

/// Cells of L-SHADE's memory, H.
const MEMORY: usize = 6;
/// Share of the population that counts as best, p.
const P_BEST: f64 = 0.11;
/// Size of the archive over that of the population.
const ARCHIVE: f64 = 2.6;
/// The population's size at the end of the budget.
const LAST_POPULATION: usize = 4;

/// L-SHADE (Tanabe and Fukunaga, CEC 2014) with the authors' constants: current-to-pbest/1/bin with an archive, success
/// memories of F and CR, and a population that shrinks linearly over a budget of evaluations.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LShade {
    space: Space,
    seed: u64,
    budget: u64,
    initial: usize,
    members: Members,
    archive: Vec<Vec<f64>>,
    /// Memory of crossover rates; none is the terminal value, which means 0.
    memory_cr: [Option<f64>; MEMORY],
    memory_f: [f64; MEMORY],
    cell: usize,
    /// F and CR of the trials asked.
    parameters: Vec<(f64, f64)>,
}

impl LShade {
    /// A run at its start; it ends with the generation that spends the budget. The population is at least 4.
    pub fn new(space: Space, population: usize, budget: u64, seed: u64) -> Result<LShade, Error> {
        let asked = start(&space, population, LAST_POPULATION, seed)?;
        Ok(LShade {
            space,
            seed,
            budget,
            initial: population,
            members: Members::new(asked),
            archive: Vec::new(),
            memory_cr: [Some(0.5); MEMORY],
            memory_f: [0.5; MEMORY],
            cell: 0,
            parameters: Vec::new(),
        })
    }

    /// Selection, archive and memory of one generation.
    fn learn(&mut self, points: Vec<Vec<f64>>, values: Vec<f64>) {
        let mut draw = Draw::new(self.seed, self.members.generation, Purpose::Redraw);
        // (improvement, F, CR) of the trials that were strictly better.
        let mut wins: Vec<(f64, f64, f64)> = Vec::new();
        let room = (ARCHIVE * self.members.points.len() as f64).round() as usize;
        for (i, (point, value)) in points.into_iter().zip(values).enumerate() {
            if value > self.members.fitness[i] {
                continue;
            }
            let old = std::mem::replace(&mut self.members.points[i], point);
            if value < self.members.fitness[i] {
                let (f, cr) = self.parameters[i];
                wins.push((self.members.fitness[i] - value, f, cr));
                if self.archive.len() < room {
                    self.archive.push(old);
                } else {
                    let out = draw.index(room);
                    self.archive[out] = old;
                }
            }
            self.members.fitness[i] = value;
        }
        if !wins.is_empty() {
            let rates = wins.iter().map(|w| (w.0, w.2));
            let terminal = self.memory_cr[self.cell].is_none() || wins.iter().all(|w| w.2 <= 0.0);
            self.memory_cr[self.cell] = if terminal { None } else { Some(lehmer(rates)) };
            self.memory_f[self.cell] = lehmer(wins.iter().map(|w| (w.0, w.1)));
            self.cell = (self.cell + 1) % MEMORY;
        }
    }

    /// The linear reduction of the population, and of the archive with it.
    fn shrink(&mut self) {
        let spent = (self.members.evaluations as f64 / self.budget as f64).min(1.0);
        let size = self.initial as f64 + (LAST_POPULATION as f64 - self.initial as f64) * spent;
        let size = (size.round() as usize).clamp(LAST_POPULATION, self.members.points.len());
        let mut keep = ranking(&self.members.fitness);
        keep.truncate(size);
        keep.sort_unstable();
        self.members.points = keep
            .iter()
            .map(|i| self.members.points[*i].clone())
            .collect();
        self.members.fitness = keep.iter().map(|i| self.members.fitness[*i]).collect();
        let room = (ARCHIVE * size as f64).round() as usize;
        let mut draw = Draw::new(self.seed, self.members.generation, Purpose::Other);
        while self.archive.len() > room {
            let out = draw.index(self.archive.len());
            self.archive.swap_remove(out);
        }
    }
}

impl Method for LShade {
    fn members(&self) -> &Members {
        &self.members
    }
    fn members_mut(&mut self) -> &mut Members {
        &mut self.members
    }
    fn select(&mut self, points: Vec<Vec<f64>>, values: Vec<f64>) {
        self.learn(points, values);
        self.shrink();
    }
    fn over(&self) -> bool {
        self.members.evaluations >= self.budget
    }
    fn propose(&mut self) {
        self.members.asked.clear();
        self.parameters.clear();
        let mut draw = Draw::new(self.seed, self.members.generation, Purpose::Trials);
        let (n, dimensions) = (self.members.points.len(), self.space.dimensions());
        let order = ranking(&self.members.fitness);
        let elite = ((P_BEST * n as f64).round() as usize).clamp(2, n);
        for (i, x) in self.members.points.iter().enumerate() {
            let cell = draw.index(MEMORY);
            let rate =
                self.memory_cr[cell].map_or(0.0, |m| (m + 0.1 * draw.normal()).clamp(0.0, 1.0));
            let weight = loop {
                let f = self.memory_f[cell] + 0.1 * draw.cauchy();
                if f > 0.0 {
                    break f.min(1.0);
                }
            };
            let pbest = &self.members.points[order[draw.index(elite)]];
            let r1 = different(&mut draw, n, &[i]);
            let r2 = different(&mut draw, n + self.archive.len(), &[i, r1]);
            let (plus, minus) = (
                &self.members.points[r1],
                self.members
                    .points
                    .get(r2)
                    .unwrap_or_else(|| &self.archive[r2 - n]),
            );
            let sure = draw.index(dimensions);
            let coordinate = |j: usize| {
                if draw.uniform() >= rate && j != sure {
                    return x[j];
                }
                let v = x[j] + weight * (pbest[j] - x[j]) + weight * (plus[j] - minus[j]);
                // Out of the box: halfway between the parent and the bound.
                if v < self.space.low(j) {
                    f64::midpoint(self.space.low(j), x[j])
                } else if v > self.space.high(j) {
                    f64::midpoint(self.space.high(j), x[j])
                } else {
                    v
                }
            };
            self.members
                .asked
                .push((0..dimensions).map(coordinate).collect());
            self.parameters.push((weight, rate));
        }
    }
}

/// The weighted Lehmer mean of (weight, value): sum w v^2 / sum w v. Weights are positive; not all values are 0.
fn lehmer(items: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    // Only the weights' ratios count; improvements on a value that stood for infinity would overflow.
    let most = items
        .clone()
        .fold(0.0, |most: f64, item| most.max(item.0))
        .min(f64::MAX);
    let (squares, sum) = items.fold((0.0, 0.0), |(q, s), (w, v)| {
        let w = w.min(f64::MAX) / most;
        (q + w * v * v, s + w * v)
    });
    squares / sum
}

/// Scrambled Sobol points in the box.
fn start(
    space: &Space,
    population: usize,
    least: usize,
    seed: u64,
) -> Result<Vec<Vec<f64>>, Error> {
    if population < least {
        return Err(Error::Population { population, least });
    }
    let mut draw = Draw::new(seed, 0, Purpose::Start);
    let unit = sobol::scrambled(population, space.dimensions(), &mut draw);
    Ok(unit.iter().map(|u| space.scale(u)).collect())
}

/// A member of `0..n` that is none of `taken`, of which there are fewer than `n`.
fn different(draw: &mut Draw, n: usize, taken: &[usize]) -> usize {
    loop {
        let r = draw.index(n);
        if !taken.contains(&r) {
            return r;
        }
    }
}

/// Three members of `0..n` that differ from `i` and each other; `n` is at least 4.
fn others(draw: &mut Draw, n: usize, i: usize) -> [usize; 3] {
    let a = different(draw, n, &[i]);
    let b = different(draw, n, &[i, a]);
    [a, b, different(draw, n, &[i, a, b])]
}
