//! QUASAR, the quasi-adaptive search of arXiv 2511.13843, what it is compared with, and the tuner built on it.
//!
//! Everything here minimises a function of real numbers on a box. An optimiser never calls the function: it is asked for
//! points ([`Optimiser::ask`]) and told their values ([`Optimiser::tell`]), so that the caller evaluates them in parallel,
//! keeps a deadline, and saves the state between two generations. [`minimise`] is that loop for the plain case.
//!
//! - [`engine`]: QUASAR itself, by the paper's formulas, with the reference package's two faults mended.
//! - [`baseline`]: differential evolution and L-SHADE by the textbook, there to be compared with.
//! - [`sobol`]: scrambled Sobol points; [`draw`]: random numbers by seed and generation, the multivariate normal.
//! - [`functions`]: test functions with seeded shifts and rotations.
//! - [`tune`]: tunes named parameters of anything, and says whether the result holds on what it was not tuned on.
//!
//! docs/quasar.md holds the comparison with the reference package and the check of the paper's claims.

pub mod baseline;
pub mod draw;
pub mod engine;
pub mod functions;
pub mod sobol;
#[cfg(test)]
mod tests;
pub mod tune;

pub use engine::{Config, Faults, Quasar};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an optimiser refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The box has no dimension, or its two corners differ in length.
    Dimensions {
        /// Length of the lower corner.
        low: usize,
        /// Length of the upper corner.
        high: usize,
    },
    /// The bounds of a dimension are not finite with low below high.
    Bounds {
        /// Which dimension, from 0.
        dimension: usize,
    },
    /// The population is too small for the method.
    Population {
        /// What was asked for.
        population: usize,
        /// What the method needs.
        least: usize,
    },
    /// A run of no generations.
    Generations,
    /// The number of values told is not the number of points asked.
    Told {
        /// Points asked.
        asked: usize,
        /// Values told.
        told: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Dimensions { low, high } => {
                write!(
                    f,
                    "the box's corners have {low} and {high} coordinates: both need the same number, at least 1"
                )
            }
            Error::Bounds { dimension } => {
                write!(
                    f,
                    "dimension {dimension}: the bounds must be finite, the lower one below the upper one"
                )
            }
            Error::Population { population, least } => {
                write!(
                    f,
                    "a population of {population} is too small: at least {least}"
                )
            }
            Error::Generations => f.write_str("a run needs at least one generation"),
            Error::Told { asked, told } => write!(f, "{told} values were told for {asked} points"),
        }
    }
}

impl std::error::Error for Error {}

/// A box in real space. Invariant: at least one dimension; every bound is finite; low < high.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Space {
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Space {
    /// The box between two corners.
    pub fn new(low: Vec<f64>, high: Vec<f64>) -> Result<Space, Error> {
        if low.is_empty() || low.len() != high.len() {
            return Err(Error::Dimensions {
                low: low.len(),
                high: high.len(),
            });
        }
        let bad = |(l, h): (&f64, &f64)| !(l.is_finite() && h.is_finite() && l < h);
        match low.iter().zip(&high).position(bad) {
            Some(dimension) => Err(Error::Bounds { dimension }),
            None => Ok(Space { low, high }),
        }
    }

    /// The same interval in each of `dimensions`.
    pub fn cube(dimensions: usize, low: f64, high: f64) -> Result<Space, Error> {
        Space::new(vec![low; dimensions], vec![high; dimensions])
    }

    /// Number of dimensions, D.
    pub fn dimensions(&self) -> usize {
        self.low.len()
    }

    /// Lower bound of a dimension.
    pub fn low(&self, j: usize) -> f64 {
        self.low[j]
    }

    /// Upper bound of a dimension.
    pub fn high(&self, j: usize) -> f64 {
        self.high[j]
    }

    /// Length of a dimension.
    pub fn width(&self, j: usize) -> f64 {
        self.high[j] - self.low[j]
    }

    /// A coordinate moved into the box.
    pub fn clip(&self, j: usize, x: f64) -> f64 {
        x.clamp(self.low[j], self.high[j])
    }

    /// A point of the unit cube, scaled to the box.
    pub fn scale(&self, unit: &[f64]) -> Vec<f64> {
        let at = |(j, u): (usize, &f64)| self.clip(j, self.low[j] + u * self.width(j));
        unit.iter().enumerate().map(at).collect()
    }
}

/// The best point so far and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The point.
    pub point: Vec<f64>,
    /// Its value.
    pub value: f64,
}

/// A minimiser that is asked for points and told their values.
pub trait Optimiser {
    /// The points to be evaluated next; none when the run is over.
    fn ask(&self) -> &[Vec<f64>];

    /// Takes the values of the points asked, in order. Not-a-number and infinity count as the largest finite number.
    fn tell(&mut self, values: &[f64]) -> Result<(), Error>;

    /// The best point told so far.
    fn best(&self) -> Option<&Best>;

    /// Values told so far.
    fn evaluations(&self) -> u64;

    /// Generations completed.
    fn generation(&self) -> u32;
}

/// Asks and tells until one more generation is complete or the run is over, evaluating in parallel.
/// Results do not depend on the number of threads.
pub fn step<O: Optimiser + ?Sized>(
    optimiser: &mut O,
    f: &(dyn Fn(&[f64]) -> f64 + Sync),
) -> Result<(), Error> {
    let before = optimiser.generation();
    while optimiser.generation() == before && !optimiser.ask().is_empty() {
        let values: Vec<f64> = optimiser.ask().par_iter().map(|x| f(x)).collect();
        optimiser.tell(&values)?;
    }
    Ok(())
}

/// Runs an optimiser on this thread until it is over or `budget` evaluations are reached; returns the best point.
pub fn minimise<O: Optimiser + ?Sized>(
    optimiser: &mut O,
    f: &dyn Fn(&[f64]) -> f64,
    budget: u64,
) -> Result<Option<Best>, Error> {
    while !optimiser.ask().is_empty() && optimiser.evaluations() < budget {
        let values: Vec<f64> = optimiser.ask().iter().map(|x| f(x)).collect();
        optimiser.tell(&values)?;
    }
    Ok(optimiser.best().cloned())
}

/// Values as the optimisers keep them: always finite, so that they order totally and survive a text format.
fn finite(value: f64) -> f64 {
    if value.is_nan() {
        f64::MAX
    } else {
        value.clamp(f64::MIN, f64::MAX)
    }
}

/// Checks the number of values told and makes them finite.
fn heard(asked: usize, values: &[f64]) -> Result<Vec<f64>, Error> {
    if asked == values.len() {
        Ok(values.iter().map(|v| finite(*v)).collect())
    } else {
        Err(Error::Told {
            asked,
            told: values.len(),
        })
    }
}

/// Keeps the better of the best so far and the new points. The earlier one wins a tie.
fn improve(best: &mut Option<Best>, points: &[Vec<f64>], values: &[f64]) {
    for (point, &value) in points.iter().zip(values) {
        if best.as_ref().is_none_or(|b| value < b.value) {
            *best = Some(Best {
                point: point.clone(),
                value,
            });
        }
    }
}

/// Indices of the members from best to worst; ties keep their order.
fn ranking(fitness: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..fitness.len()).collect();
    order.sort_by(|a, b| fitness[*a].total_cmp(&fitness[*b]));
    order
}
