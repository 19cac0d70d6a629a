//! Tests of the tuner with a subject whose truth is known.

use super::super::tune::*;
use super::Config;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Costs grow with the distance of two parameters from the best ones, times noise by seed; task t scales them.
struct Bowl {
    /// Tasks from here on do not care about the parameters.
    indifferent: usize,
    runs: AtomicUsize,
}

impl Bowl {
    fn new(indifferent: usize) -> Bowl {
        Bowl {
            indifferent,
            runs: AtomicUsize::new(0),
        }
    }
}

impl Subject for Bowl {
    fn run(&self, values: &[f64], task: usize, seed: u64, cap: f64) -> Cost {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let distance = (values[0].ln() - 0.1f64.ln()).powi(2) + (values[1] - 7.0).powi(2) / 10.0;
        let care = if task < self.indifferent {
            distance
        } else {
            0.0
        };
        // Noise that depends on the values, as a chain's luck does.
        let mix = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ values[0].to_bits()
            ^ values[1].to_bits() << 7;
        let noise = (mix.wrapping_mul(0xD129_0D3C_5BB1_43A5) >> 40) as f64 / (1u64 << 24) as f64;
        let cost = 100.0 * (task + 1) as f64 * care.exp() * (0.7 + 0.6 * noise);
        if cost < cap {
            Cost::Done(cost)
        } else {
            Cost::Censored
        }
    }
}

fn plan() -> Plan {
    let parameter = |name: &str, low, high, scale, default| Parameter {
        name: name.into(),
        low,
        high,
        scale,
        default,
    };
    Plan {
        parameters: vec![
            parameter("beta", 0.001, 10.0, Scale::Logarithmic, 1.0),
            parameter("slots", 1.0, 20.0, Scale::Integer, 12.0),
        ],
        tasks: vec![0, 1],
        seeds: vec![1, 2, 3],
        cap: 1e6,
        penalty: 10.0,
        search: Config {
            population: 16,
            generations: 12,
            ..Config::new(2, 1)
        },
    }
}

fn trial() -> Trial {
    Trial {
        tasks: vec![2, 3, 4],
        seeds: (100..110).collect(),
        resamples: 2000,
        confidence: 0.95,
        seed: 1,
    }
}

fn tuned(subject: &Bowl) -> Tuner {
    let mut tuner = Tuner::new(plan()).unwrap();
    let ended = tuner.run(subject, None, &|| false, &mut |_| ()).unwrap();
    assert_eq!(ended, Ended::Generations);
    tuner
}

#[test]
fn a_real_gain_is_shipped() {
    let subject = Bowl::new(usize::MAX);
    let tuner = tuned(&subject);
    let winner = tuner.winner().unwrap();
    assert!(
        (winner.values[0].ln() - 0.1f64.ln()).abs() < 0.7,
        "{winner:?}"
    );
    assert!(
        (winner.values[1] - 7.0).abs() <= 2.0 && winner.values[1].fract() == 0.0,
        "{winner:?}"
    );
    let c = compare(
        &subject,
        tuner.plan(),
        &trial(),
        &tuner.default_values(),
        &winner.values,
        &|| false,
    );
    let c = c.unwrap().unwrap();
    assert!(
        c.ship() && c.low > 1.0 && c.low <= c.ratio && c.ratio <= c.high,
        "{c}"
    );
    assert_eq!((c.wins + c.losses, c.pairs.len()), (30, 30));
}

#[test]
fn luck_on_the_training_set_is_not_shipped() {
    // No task depends on the parameters: whatever the tuner found is noise.
    let subject = Bowl::new(0);
    let tuner = tuned(&subject);
    let winner = tuner.winner().unwrap();
    assert!(
        winner.score < tuner.log()[0].score,
        "the training set promises a gain"
    );
    let c = compare(
        &subject,
        tuner.plan(),
        &trial(),
        &tuner.default_values(),
        &winner.values,
        &|| false,
    );
    let c = c.unwrap().unwrap();
    assert!(!c.ship() && c.outcome == Outcome::Undecided, "{c}");
}

#[test]
fn a_loss_is_called_one() {
    let subject = Bowl::new(usize::MAX);
    let c = compare(
        &subject,
        &plan(),
        &trial(),
        &[0.1, 7.0],
        &[5.0, 20.0],
        &|| false,
    );
    assert_eq!(c.unwrap().unwrap().outcome, Outcome::Worse);
}

#[test]
fn censoring_counts_against_the_tuned_values() {
    let subject = Bowl::new(usize::MAX);
    // Far off: every run is stopped at the cap.
    let far = [1e-3, 20.0];
    let both = compare(&subject, &plan(), &trial(), &far, &far, &|| false)
        .unwrap()
        .unwrap();
    assert_eq!((both.ratio, both.outcome), (1.0, Outcome::Undecided));
    let won = compare(&subject, &plan(), &trial(), &far, &[0.1, 7.0], &|| false)
        .unwrap()
        .unwrap();
    let lost = compare(&subject, &plan(), &trial(), &[0.1, 7.0], &far, &|| false)
        .unwrap()
        .unwrap();
    assert!((won.ratio * lost.ratio - 0.1).abs() < 1e-9, "{won} {lost}");
}

#[test]
fn a_saved_tuner_goes_on_as_if_never_stopped() {
    let subject = Bowl::new(usize::MAX);
    let straight = tuned(&subject);
    let mut saved = Vec::new();
    let mut tuner = Tuner::new(plan()).unwrap();
    // Stops in the middle of some generation.
    let calls = AtomicUsize::new(0);
    let over = || calls.fetch_add(1, Ordering::Relaxed) > 500;
    let ended = tuner.run(&subject, None, &over, &mut |t| {
        saved.push(serde_json::to_string(t).unwrap())
    });
    assert_eq!(ended.unwrap(), Ended::Stopped);
    let mut resumed: Tuner = serde_json::from_str(saved.last().unwrap()).unwrap();
    assert_eq!(resumed, tuner);
    assert!(resumed.log().len() < straight.log().len());
    resumed.run(&subject, None, &|| false, &mut |_| ()).unwrap();
    assert_eq!(resumed, straight);
}

#[test]
fn candidates_are_limited_and_the_default_is_the_first() {
    let subject = Bowl::new(usize::MAX);
    let mut tuner = Tuner::new(plan()).unwrap();
    let ended = tuner
        .run(&subject, Some(30), &|| false, &mut |_| ())
        .unwrap();
    assert_eq!(ended, Ended::Candidates);
    assert_eq!(tuner.log().len(), 1 + 16 + 16);
    assert_eq!(tuner.log()[0].values, [1.0, 12.0]);
    assert_eq!(subject.runs.load(Ordering::Relaxed), tuner.log().len() * 6);
}

#[test]
fn scales_cover_their_ranges() {
    let p = |low, high, scale| Parameter {
        name: "p".into(),
        low,
        high,
        scale,
        default: low,
    };
    assert_eq!(p(1.0, 3.0, Scale::Linear).value(0.5), 2.0);
    assert!((p(1.0, 100.0, Scale::Logarithmic).value(0.5) - 10.0).abs() < 1e-12);
    let dice = p(1.0, 6.0, Scale::Integer);
    let mut count = [0; 7];
    (0..600).for_each(|i| count[dice.value((f64::from(i) + 0.5) / 600.0) as usize] += 1);
    assert_eq!(count, [0, 100, 100, 100, 100, 100, 100]);
    let log = p(1.0, 1023.0, Scale::LogInteger);
    assert_eq!(
        (log.value(0.0), log.value(0.5), log.value(1.0)),
        (1.0, 32.0, 1023.0)
    );
}

#[test]
fn bad_plans_are_refused() {
    let mut bad = plan();
    bad.parameters[0].low = 0.0;
    assert_eq!(Tuner::new(bad), Err(TuneError::Parameter("beta".into())));
    let mut bad = plan();
    bad.tasks.clear();
    assert_eq!(Tuner::new(bad), Err(TuneError::Empty));
    let same = Trial {
        tasks: vec![9, 1],
        seeds: vec![50, 2],
        ..trial()
    };
    let refused = compare(
        &Bowl::new(0),
        &plan(),
        &same,
        &[1.0, 1.0],
        &[1.0, 2.0],
        &|| false,
    );
    assert_eq!(refused, Err(TuneError::Overlap { task: 1, seed: 2 }));
}
