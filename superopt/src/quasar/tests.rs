//! Tests of the optimisers: nets, laws of a generation, repeatability, resuming, convergence, tuning.

use super::baseline::{DifferentialEvolution, LShade, Strategy};
use super::draw::{Draw, Purpose, SampleNormal};
use super::engine::redraw_probability;
use super::functions::{Base, Move, Problem};
use super::*;
use std::collections::HashSet;

mod tuning;

fn config(population: usize, generations: u32, seed: u64) -> Config {
    Config {
        population,
        generations,
        ..Config::new(10, seed)
    }
}

fn sphere(dimensions: usize) -> Problem {
    Problem::new(Base::Sphere, Move::Shifted, dimensions, 7).unwrap()
}

fn quasar(problem: &Problem, config: Config) -> Quasar {
    Quasar::new(problem.space.clone(), config).unwrap()
}

#[test]
fn unscrambled_points_are_sobols() {
    // The first points of any table whose first three dimensions are the usual ones.
    let expected = [
        [0.0, 0.0, 0.0],
        [0.5, 0.5, 0.5],
        [0.25, 0.75, 0.75],
        [0.75, 0.25, 0.25],
        [0.125, 0.625, 0.375],
        [0.625, 0.125, 0.875],
        [0.375, 0.375, 0.625],
        [0.875, 0.875, 0.125],
    ];
    assert_eq!(sobol::plain(8, 3), expected);
}

#[test]
fn every_dyadic_interval_holds_one_point() {
    for seed in 0..4 {
        // Six dimensions past the table.
        let dimensions = sobol::TABLED + 6;
        for k in 0..10 {
            let n = 1usize << k;
            let mut draw = Draw::new(seed, 0, Purpose::Start);
            let points = sobol::scrambled(n, dimensions, &mut draw);
            for d in 0..dimensions {
                let cells: HashSet<usize> =
                    points.iter().map(|p| (p[d] * n as f64) as usize).collect();
                assert_eq!(cells.len(), n, "seed {seed}, 2^{k} points, dimension {d}");
                assert!(points.iter().all(|p| (0.0..1.0).contains(&p[d])));
            }
        }
    }
}

#[test]
fn first_two_dimensions_are_a_net() {
    // A (0, m, 2)-net: every elementary box of area 2^-8 holds one of 2^8 points.
    let mut draw = Draw::new(3, 0, Purpose::Start);
    let points = sobol::scrambled(256, 2, &mut draw);
    for a in 0..=8 {
        let (across, down) = (f64::from(1 << a), f64::from(1 << (8 - a)));
        let cells: HashSet<(u32, u32)> = points
            .iter()
            .map(|p| ((p[0] * across) as u32, (p[1] * down) as u32))
            .collect();
        assert_eq!(cells.len(), 256, "boxes of 2^-{a} by 2^-{}", 8 - a);
    }
}

#[test]
fn dimensions_of_the_table_differ() {
    let points = sobol::plain(1024, sobol::TABLED);
    let columns: HashSet<Vec<u64>> = (0..sobol::TABLED)
        .map(|d| points.iter().map(|p| p[d].to_bits()).collect())
        .collect();
    assert_eq!(columns.len(), sobol::TABLED);
}

#[test]
fn sample_normal_has_the_samples_moments() {
    // Three points on a plane in three dimensions: a singular covariance.
    let points = [[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [2.0, 4.0, 0.0]];
    let normal = SampleNormal::new(&points.each_ref().map(|p| &p[..]));
    let mut draw = Draw::new(11, 0, Purpose::Other);
    let n = 40_000;
    let samples: Vec<Vec<f64>> = (0..n).map(|_| normal.sample(&mut draw)).collect();
    let mean = |j: usize| samples.iter().map(|s| s[j]).sum::<f64>() / f64::from(n);
    let covariance = |i: usize, j: usize| {
        let (a, b) = (mean(i), mean(j));
        samples.iter().map(|s| (s[i] - a) * (s[j] - b)).sum::<f64>() / f64::from(n - 1)
    };
    // Mean (2, 2, 0); unbiased covariance by hand.
    for (j, m) in [2.0, 2.0, 0.0].iter().enumerate() {
        assert!((mean(j) - m).abs() < 0.05, "mean {j}: {}", mean(j));
    }
    for (i, j, c) in [
        (0, 0, 1.0),
        (0, 1, -1.0),
        (1, 1, 4.0),
        (2, 2, 0.0),
        (0, 2, 0.0),
    ] {
        assert!(
            (covariance(i, j) - c).abs() < 0.1,
            "({i}, {j}): {}",
            covariance(i, j)
        );
    }
}

#[test]
fn default_population_is_the_papers() {
    for (dimensions, population) in [
        (1, 128),
        (10, 128),
        (12, 128),
        (13, 256),
        (30, 512),
        (64, 1024),
    ] {
        assert_eq!(Config::new(dimensions, 0).population, population);
    }
}

#[test]
fn redraw_probability_is_the_papers() {
    assert_eq!(redraw_probability(0, 100), 1.0);
    assert!((redraw_probability(33, 100) - 0.33).abs() < 1e-12);
    assert!((redraw_probability(66, 100) - 0.33 * 0.33).abs() < 1e-12);
}

#[test]
fn runs_repeat_by_seed() {
    let problem = Problem::new(Base::Rastrigin, Move::Rotated, 6, 1).unwrap();
    let run = |seed| {
        let mut q = quasar(&problem, config(32, 20, seed));
        minimise(&mut q, &|x| problem.value(x), u64::MAX).unwrap();
        q
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).best(), run(6).best());
}

#[test]
fn parallel_steps_equal_the_plain_loop() {
    let problem = sphere(5);
    let f = |x: &[f64]| problem.value(x);
    let (mut a, mut b) = (
        quasar(&problem, config(32, 12, 2)),
        quasar(&problem, config(32, 12, 2)),
    );
    minimise(&mut a, &f, u64::MAX).unwrap();
    let mut steps = 0;
    while !b.ask().is_empty() {
        step(&mut b, &f).unwrap();
        steps += 1;
    }
    assert_eq!(a, b);
    assert_eq!(steps, 12);
}

/// Saves and restores through JSON before every tell, and compares with an uninterrupted run.
fn resumes<O>(make: impl Fn() -> O, f: &dyn Fn(&[f64]) -> f64)
where
    O: Optimiser + Serialize + for<'a> Deserialize<'a> + PartialEq + fmt::Debug,
{
    let mut straight = make();
    minimise(&mut straight, f, u64::MAX).unwrap();
    let mut broken = make();
    while !broken.ask().is_empty() {
        let text = serde_json::to_string(&broken).unwrap();
        let mut resumed: O = serde_json::from_str(&text).unwrap();
        assert_eq!(resumed, broken);
        let values: Vec<f64> = resumed.ask().iter().map(|x| f(x)).collect();
        resumed.tell(&values).unwrap();
        broken = resumed;
    }
    assert_eq!(straight, broken);
}

#[test]
fn resumed_runs_equal_uninterrupted_ones() {
    let problem = Problem::new(Base::Rosenbrock, Move::Rotated, 5, 2).unwrap();
    // Not-a-number and infinity too must survive.
    let f = |x: &[f64]| match problem.value(x) {
        v if v > 1e5 => f64::NAN,
        v if v > 1e4 => f64::INFINITY,
        v => v,
    };
    let space = || problem.space.clone();
    resumes(|| quasar(&problem, config(24, 15, 9)), &f);
    resumes(
        || DifferentialEvolution::new(space(), Strategy::Rand1Bin, 24, 15, 9).unwrap(),
        &f,
    );
    resumes(|| LShade::new(space(), 24, 360, 9).unwrap(), &f);
}

#[test]
fn converges_on_a_shifted_sphere() {
    // A rule for the reader, not a claim: by the comparison in docs/quasar.md medians are far below it.
    let problem = sphere(10);
    let mut q = quasar(&problem, Config::new(10, 1));
    let best = minimise(&mut q, &|x| problem.value(x), u64::MAX)
        .unwrap()
        .unwrap();
    assert!(best.value < 1e-3, "{}", best.value);
    let start = sphere(10).value(&[0.0; 10]);
    assert!(start > 1e3, "the shift is no gift: {start}");
}

#[test]
fn baselines_converge_on_a_shifted_sphere() {
    let problem = sphere(10);
    let space = || problem.space.clone();
    let f = |x: &[f64]| problem.value(x);
    let mut rand1 = DifferentialEvolution::new(space(), Strategy::Rand1Bin, 40, 400, 1).unwrap();
    let mut best1 = DifferentialEvolution::new(space(), Strategy::Best1Bin, 100, 400, 1).unwrap();
    let mut lshade = LShade::new(space(), 180, 30_000, 1).unwrap();
    for o in [&mut rand1 as &mut dyn Optimiser, &mut best1, &mut lshade] {
        let best = minimise(o, &f, u64::MAX).unwrap().unwrap();
        assert!(best.value < 1e-6, "{}", best.value);
    }
    assert_eq!(rand1.evaluations(), 40 * 401);
    assert!(lshade.evaluations() >= 30_000 && lshade.evaluations() < 30_200);
}

/// The invariant that the reference breaks: what a member is believed to be worth is what it is worth.
fn stale(q: &Quasar, problem: &Problem) -> usize {
    let members = q.population().iter().zip(q.fitness());
    members.filter(|(x, f)| problem.value(x) != **f).count()
}

#[test]
fn redrawn_members_are_evaluated() {
    let problem = sphere(8);
    let f = |x: &[f64]| problem.value(x);
    // Generation 0 always redraws.
    let mut mended = quasar(&problem, config(32, 10, 4));
    step(&mut mended, &f).unwrap();
    assert_eq!(stale(&mended, &problem), 0);
    assert_eq!(mended.evaluations(), 32 + 32 + 10);
    let mut faulty = quasar(
        &problem,
        Config {
            faults: Faults::AsReference,
            ..config(32, 10, 4)
        },
    );
    step(&mut faulty, &f).unwrap();
    assert_eq!(stale(&faulty, &problem), 10);
    assert_eq!(faulty.evaluations(), 32 + 32);
    while !mended.ask().is_empty() {
        step(&mut mended, &f).unwrap();
        assert_eq!(stale(&mended, &problem), 0);
    }
}

#[test]
fn small_populations_are_redrawn_from_sobol_points() {
    let problem = sphere(20);
    let f = |x: &[f64]| problem.value(x);
    let mut mended = quasar(&problem, config(12, 10, 4));
    step(&mut mended, &f).unwrap();
    assert_eq!(mended.evaluations(), 12 + 12 + 3);
    assert_eq!(stale(&mended, &problem), 0);
    let mut faulty = quasar(
        &problem,
        Config {
            faults: Faults::AsReference,
            ..config(12, 10, 4)
        },
    );
    step(&mut faulty, &f).unwrap();
    assert_eq!(faulty.evaluations(), 12 + 12);
    assert_eq!(stale(&faulty, &problem), 0);
}

#[test]
fn selection_is_strict_and_points_stay_in_the_box() {
    let problem = sphere(4);
    // A flat function: no trial is strictly better, so that members change by redrawing only.
    let mut q = quasar(&problem, config(16, 6, 3));
    let first = q.ask().to_vec();
    q.tell(&[1.0; 16]).unwrap();
    q.tell(&[1.0; 16]).unwrap();
    assert_eq!(q.population(), first);
    let (low, high) = Base::Sphere.interval();
    while !q.ask().is_empty() {
        for x in q.ask().iter().flatten() {
            assert!((low..=high).contains(x));
        }
        let values = vec![1.0; q.ask().len()];
        q.tell(&values).unwrap();
    }
    assert_eq!(q.generation(), 6);
}

#[test]
fn moved_functions_keep_their_minimum() {
    for base in Base::ALL {
        for moved in Move::ALL {
            let problem = Problem::new(base, moved, 10, 3).unwrap();
            assert!(
                problem.value(&problem.minimum) < 1e-20,
                "{}",
                problem.name()
            );
            let mut other = problem.minimum.clone();
            other[3] += 0.5;
            assert!(problem.value(&other) > 0.1, "{}", problem.name());
            let Some(rows) = &problem.rotation else {
                continue;
            };
            for (i, a) in rows.iter().enumerate() {
                for (j, b) in rows.iter().enumerate() {
                    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                    assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-12);
                }
            }
        }
    }
}

#[test]
fn bad_input_is_refused() {
    assert_eq!(
        Space::new(vec![0.0], vec![]),
        Err(Error::Dimensions { low: 1, high: 0 })
    );
    assert_eq!(
        Space::new(vec![0.0, 1.0], vec![1.0, 1.0]),
        Err(Error::Bounds { dimension: 1 })
    );
    assert_eq!(
        Space::new(vec![f64::NAN], vec![1.0]),
        Err(Error::Bounds { dimension: 0 })
    );
    let problem = sphere(2);
    let small = Quasar::new(problem.space.clone(), config(3, 5, 0));
    assert_eq!(
        small,
        Err(Error::Population {
            population: 3,
            least: 4
        })
    );
    let none = Quasar::new(problem.space.clone(), config(8, 0, 0));
    assert_eq!(none, Err(Error::Generations));
    let mut q = quasar(&problem, config(8, 5, 0));
    assert_eq!(q.tell(&[0.0; 7]), Err(Error::Told { asked: 8, told: 7 }));
}
