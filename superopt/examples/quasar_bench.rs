//! Our side of benches/quasar/compare.sh: `quasar_bench OUT.json [SEEDS [GENERATIONS]]`.
//!
//! Writes the test functions with their shifts and rotations, and for every function, method and seed the final error,
//! the evaluations spent and the seconds taken, on one thread.

use serde::Serialize;
use std::process::ExitCode;
use std::time::Instant;
use trinity_superopt::quasar::baseline::{DifferentialEvolution, LShade, Strategy};
use trinity_superopt::quasar::functions::{Base, Move, Problem};
use trinity_superopt::quasar::{Config, Error, Faults, Optimiser, Quasar, minimise};

/// Seed of shifts and rotations; runs use the seeds 0.. .
const PROBLEM_SEED: u64 = 2511;

#[derive(Serialize)]
struct Run {
    problem: String,
    method: &'static str,
    seed: u64,
    error: f64,
    evaluations: u64,
    seconds: f64,
}

#[derive(Serialize)]
struct Results {
    generations: u32,
    seeds: u64,
    /// Each function with its population.
    problems: Vec<(String, usize, Problem)>,
    runs: Vec<Run>,
}

type Method = (
    &'static str,
    fn(&Problem, Config) -> Result<Box<dyn Optimiser>, Error>,
);

/// Evaluations of N members over the start and G generations.
fn budget(config: &Config) -> u64 {
    config.population as u64 * (u64::from(config.generations) + 1)
}

const METHODS: [Method; 6] = [
    ("ours", |p, c| {
        Ok(Box::new(Quasar::new(p.space.clone(), c)?))
    }),
    // The same, stopped at the evaluations that the others spend.
    ("ours, equal evaluations", |p, c| {
        Ok(Box::new(Quasar::new(p.space.clone(), c)?))
    }),
    ("ours, faults left in", |p, c| {
        let faults = Faults::AsReference;
        Ok(Box::new(Quasar::new(
            p.space.clone(),
            Config { faults, ..c },
        )?))
    }),
    ("DE rand/1/bin", |p, c| {
        let (n, g) = (c.population, c.generations);
        Ok(Box::new(DifferentialEvolution::new(
            p.space.clone(),
            Strategy::Rand1Bin,
            n,
            g,
            c.seed,
        )?))
    }),
    ("DE best/1/bin", |p, c| {
        let (n, g) = (c.population, c.generations);
        Ok(Box::new(DifferentialEvolution::new(
            p.space.clone(),
            Strategy::Best1Bin,
            n,
            g,
            c.seed,
        )?))
    }),
    ("L-SHADE", |p, c| {
        let limit = budget(&c);
        Ok(Box::new(LShade::new(
            p.space.clone(),
            c.population,
            limit,
            c.seed,
        )?))
    }),
];

fn run(seeds: u64, generations: u32) -> Result<Results, Error> {
    let mut results = Results {
        generations,
        seeds,
        problems: Vec::new(),
        runs: Vec::new(),
    };
    for dimensions in [10, 30] {
        for base in Base::ALL {
            for moved in Move::ALL {
                let problem = Problem::new(base, moved, dimensions, PROBLEM_SEED)?;
                let population = Config::new(dimensions, 0).population;
                for (method, make) in METHODS {
                    for seed in 0..seeds {
                        let config = Config {
                            generations,
                            ..Config::new(dimensions, seed)
                        };
                        let limit = if method == "ours" {
                            u64::MAX
                        } else {
                            budget(&config)
                        };
                        let start = Instant::now();
                        let mut optimiser = make(&problem, config)?;
                        let best = minimise(&mut *optimiser, &|x| problem.value(x), limit)?;
                        results.runs.push(Run {
                            problem: problem.name(),
                            method,
                            seed,
                            error: best.map_or(f64::MAX, |b| b.value),
                            evaluations: optimiser.evaluations(),
                            seconds: start.elapsed().as_secs_f64(),
                        });
                    }
                }
                results.problems.push((problem.name(), population, problem));
            }
        }
    }
    Ok(results)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: u64| arguments.get(at).map_or(Some(default), |a| a.parse().ok());
    let (Some(out), Some(seeds), Some(generations)) =
        (arguments.first(), number(1, 20), number(2, 100))
    else {
        eprintln!("usage: quasar_bench OUT.json [SEEDS [GENERATIONS]]");
        return ExitCode::from(2);
    };
    let results = match u32::try_from(generations)
        .map_err(|_| Error::Generations)
        .and_then(|g| run(seeds, g))
    {
        Ok(results) => results,
        Err(e) => {
            eprintln!("quasar_bench: {e}");
            return ExitCode::from(2);
        }
    };
    let written = serde_json::to_string(&results)
        .map_err(std::io::Error::from)
        .and_then(|text| std::fs::write(out, text));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("quasar_bench: cannot write {out}: {e}");
            ExitCode::FAILURE
        }
    }
}
