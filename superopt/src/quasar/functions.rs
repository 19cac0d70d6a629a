//! Test functions with known minima, plain or moved: f(R (x - o)) with a seeded shift o and rotation R.
//!
//! The plain functions have their minimum at the box's centre or on its diagonal, which flatters searches that lean that
//! way; the moved ones do not. Rotations are Haar-distributed (Gram-Schmidt on normal vectors).

use super::Space;
use super::draw::{Draw, Purpose};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// The function before it is moved. Each has the minimum 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// Sum of squares; minimum at 0.
    Sphere,
    /// Sum of `x^2 + 10 (1 - cos(2 pi x))`; minimum at 0, a local one near every integer point.
    Rastrigin,
    /// Sum of `100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2`; minimum at (1, ..., 1), in a curved valley.
    Rosenbrock,
}

impl Base {
    /// Every function.
    pub const ALL: [Base; 3] = [Base::Sphere, Base::Rastrigin, Base::Rosenbrock];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Base::Sphere => "sphere",
            Base::Rastrigin => "rastrigin",
            Base::Rosenbrock => "rosenbrock",
        }
    }

    /// The interval usual for each coordinate.
    pub fn interval(self) -> (f64, f64) {
        match self {
            Base::Sphere => (-100.0, 100.0),
            Base::Rastrigin => (-5.12, 5.12),
            Base::Rosenbrock => (-5.0, 10.0),
        }
    }

    /// Each coordinate of the minimum.
    pub fn minimum(self) -> f64 {
        if self == Base::Rosenbrock { 1.0 } else { 0.0 }
    }

    /// Its value.
    pub fn value(self, x: &[f64]) -> f64 {
        match self {
            Base::Sphere => x.iter().map(|x| x * x).sum(),
            Base::Rastrigin => x
                .iter()
                .map(|x| x * x + 10.0 * (1.0 - (TAU * x).cos()))
                .sum(),
            Base::Rosenbrock => x
                .windows(2)
                .map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2))
                .sum(),
        }
    }
}

/// How a function is moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Move {
    /// Not at all.
    Plain,
    /// Its minimum is at a random point.
    Shifted,
    /// That, and the coordinates are rotated.
    Rotated,
}

impl Move {
    /// Every way.
    pub const ALL: [Move; 3] = [Move::Plain, Move::Shifted, Move::Rotated];
}

/// A function on a box, with everything another program needs to compute it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// The function.
    pub base: Base,
    /// How it is moved.
    pub moved: Move,
    /// The box.
    pub space: Space,
    /// Where the minimum is.
    pub minimum: Vec<f64>,
    /// The rotation by rows; none where there is none.
    pub rotation: Option<Vec<Vec<f64>>>,
}

impl Problem {
    /// A function in at least one dimension (two for Rosenbrock's to depend on all of them), moved by the seed.
    pub fn new(
        base: Base,
        moved: Move,
        dimensions: usize,
        seed: u64,
    ) -> Result<Problem, super::Error> {
        let (low, high) = base.interval();
        let space = Space::cube(dimensions, low, high)?;
        let mut draw = Draw::new(seed, dimensions as u32, Purpose::Other);
        // Within the middle 80 % of the box.
        let anywhere = |_: usize| low + (high - low) * (0.1 + 0.8 * draw.uniform());
        let minimum = match moved {
            Move::Plain => vec![base.minimum(); dimensions],
            Move::Shifted | Move::Rotated => (0..dimensions).map(anywhere).collect(),
        };
        let rotation = (moved == Move::Rotated).then(|| rotation(dimensions, &mut draw));
        Ok(Problem {
            base,
            moved,
            space,
            minimum,
            rotation,
        })
    }

    /// A name for tables: `rastrigin rotated 10`.
    pub fn name(&self) -> String {
        let moved = match self.moved {
            Move::Plain => "",
            Move::Shifted => " shifted",
            Move::Rotated => " rotated",
        };
        format!("{}{moved} {}", self.base.name(), self.space.dimensions())
    }

    /// Its value, at least 0: f(R (x - o) + m) with m the minimum of f.
    pub fn value(&self, x: &[f64]) -> f64 {
        let moved: Vec<f64> = x.iter().zip(&self.minimum).map(|(x, o)| x - o).collect();
        let m = self.base.minimum();
        let dot = |row: &Vec<f64>| row.iter().zip(&moved).map(|(r, x)| r * x).sum::<f64>() + m;
        let z: Vec<f64> = match &self.rotation {
            Some(rows) => rows.iter().map(dot).collect(),
            None => moved.iter().map(|x| x + m).collect(),
        };
        self.base.value(&z)
    }
}

/// A random rotation (or reflection), by rows: orthonormal to about 1e-15.
fn rotation(dimensions: usize, draw: &mut Draw) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(dimensions);
    while rows.len() < dimensions {
        let mut row: Vec<f64> = (0..dimensions).map(|_| draw.normal()).collect();
        // Twice is enough (Kahan and Parlett).
        for _ in 0..2 {
            for done in &rows {
                let along: f64 = done.iter().zip(&row).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(done).for_each(|(x, d)| *x -= along * d);
            }
        }
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length > 1e-6 {
            row.iter_mut().for_each(|x| *x /= length);
            rows.push(row);
        }
    }
    rows
}
