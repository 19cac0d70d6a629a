//! The Markov chain as a subject of tuning: the proposals it needs to the first program that passes all tests.
//!
//! Proposals are counted, not seconds, so that tuning gives the same on every machine and under any load. Programs are
//! judged by tests alone: proofs cost the same whatever the parameters, and what passes a few thousand stratified tests
//! here is nearly always right.

use super::config::{RunConfig, Source, Tune, WIDTH};
use super::drive::chain_params;
use crate::kernels::HACKERS_DELIGHT;
use crate::quasar::Config;
use crate::quasar::tune::{Cost, Parameter, Plan, Scale, Subject, Trial};
use crate::search::chain::{Chain, Judge, Judgement, Params, Phase};
use crate::search::engine::chain_ops;
use crate::search::opset::March;
use crate::search::program::Program;
use crate::search::target::Target;
use crate::search::tests::TestBank;
use rand::SeedableRng;
use rand::rngs::SmallRng;

/// Groups of tests that a program must pass.
const GROUPS: usize = 16;
/// Proposals between looks at whether a program was found.
const STEP: u64 = 64;
/// A run stopped at the cap counts as this many caps.
const PENALTY: f64 = 2.0;
/// Kernels from which the held-out ones are taken: those that the chain alone finds in reasonable time.
const POOL: usize = 18;
/// Pairs per held-out kernel.
const PAIRS: u64 = 3;

/// A parameter that can be tuned: its key in the configuration, and how to set it.
type Setter = fn(&mut Params, f64);

const SETTERS: [(&str, Setter); 12] = [
    ("engine.chain.beta", |p, v| p.beta = v),
    ("engine.chain.slots", |p, v| p.slots = v as usize),
    ("engine.chain.moves.opcode", |p, v| p.opcode = v),
    ("engine.chain.moves.operand", |p, v| p.operand = v),
    ("engine.chain.moves.swap", |p, v| p.swap = v),
    ("engine.chain.moves.instruction", |p, v| p.instruction = v),
    ("engine.chain.moves.unused", |p, v| p.unused = v),
    ("engine.chain.weights.fault", |p, v| p.fault = v),
    ("engine.chain.weights.undefined", |p, v| p.undefined = v),
    ("engine.chain.weights.misplaced", |p, v| p.misplacement = v),
    ("engine.chain.weights.performance", |p, v| p.performance = v),
    ("engine.chain.restarts.cycle", |p, v| p.cycle = v as u64),
];

/// Why a configuration cannot be tuned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TuningError {
    /// The chain does not take part in the run.
    NoChain,
    /// The configuration has no `[tune]`.
    NoTune,
    /// A key that the chain does not have.
    Key(String),
    /// A target that is no kernel of Hacker's Delight.
    Kernel(String),
    /// `march` names nothing.
    March(String),
    /// Every kernel is tuned on: nothing is left to compare on.
    NothingHeldOut,
}

impl std::fmt::Display for TuningError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TuningError::NoChain => f.write_str("tuning needs [engine.chain]"),
            TuningError::NoTune => f.write_str("a run of kind \"tune\" needs [tune]"),
            TuningError::Key(k) => {
                let keys: Vec<&str> = SETTERS.iter().map(|s| s.0).collect();
                write!(
                    f,
                    "tune.parameter.key: {k} cannot be tuned; these can: {}",
                    keys.join(", ")
                )
            }
            TuningError::Kernel(k) => write!(f, "tuning runs on p01 to p25, not on {k}"),
            TuningError::March(m) => write!(f, "march: {m} is not known"),
            TuningError::NothingHeldOut => {
                f.write_str("every kernel is tuned on; leave some of p01 to p18 to compare on")
            }
        }
    }
}

impl std::error::Error for TuningError {}

/// The chain on the kernels. Tasks are indices into Hacker's Delight.
pub struct ChainSubject {
    targets: Vec<Target>,
    base: Params,
    setters: Vec<Setter>,
}

/// A tuning run that a configuration asks for.
pub struct Tuning {
    /// What is tuned.
    pub subject: ChainSubject,
    /// Training.
    pub plan: Plan,
    /// What is held out.
    pub trial: Trial,
}

/// Reads the tuning run from a configuration.
///
/// # Errors
/// See [`TuningError`].
pub fn tuning(config: &RunConfig) -> Result<Tuning, TuningError> {
    let chain = config.engines.chain.as_ref().ok_or(TuningError::NoChain)?;
    let tune: &Tune = config.tune.as_ref().ok_or(TuningError::NoTune)?;
    let march =
        March::parse(&config.march).ok_or_else(|| TuningError::March(config.march.clone()))?;
    let width = config
        .targets
        .first()
        .and_then(|t| t.width)
        .unwrap_or(WIDTH);
    let base = chain_params(chain);
    let mut setters = Vec::new();
    let mut parameters = Vec::new();
    for p in &tune.parameter {
        let known = SETTERS.iter().find(|s| s.0 == p.key);
        let (name, set) = known.ok_or_else(|| TuningError::Key(p.key.clone()))?;
        setters.push(*set);
        parameters.push(Parameter {
            name: (*name).into(),
            low: p.low,
            high: p.high,
            scale: if p.log {
                Scale::Logarithmic
            } else {
                Scale::Linear
            },
            default: value(&base, name),
        });
    }
    let mut tasks = Vec::new();
    for t in &config.targets {
        let Source::Kernel { kernel } = &t.source else {
            return Err(TuningError::Kernel(t.name()));
        };
        let index = HACKERS_DELIGHT.iter().position(|k| k.name == kernel);
        tasks.push(index.ok_or_else(|| TuningError::Kernel(kernel.clone()))?);
    }
    let held_out: Vec<usize> = (0..POOL).filter(|n| !tasks.contains(n)).collect();
    if held_out.is_empty() {
        return Err(TuningError::NothingHeldOut);
    }
    let mut search = Config::new(parameters.len(), config.seed);
    if tune.population > 0 {
        search.population = tune.population as usize;
    }
    search.generations = tune.generations;
    let first = config.seed.wrapping_mul(1000);
    Ok(Tuning {
        subject: ChainSubject {
            targets: HACKERS_DELIGHT
                .iter()
                .map(|k| k.target(width, march))
                .collect(),
            base,
            setters,
        },
        plan: Plan {
            parameters,
            tasks,
            seeds: (0..u64::from(tune.repeat.max(1)))
                .map(|n| first + n)
                .collect(),
            cap: tune.proposals as f64,
            penalty: PENALTY,
            search,
        },
        trial: Trial {
            tasks: held_out,
            seeds: (0..PAIRS).map(|n| first + 500 + n).collect(),
            resamples: 10_000,
            confidence: 0.95,
            seed: config.seed,
        },
    })
}

/// The value that a key has in some parameters.
fn value(p: &Params, key: &str) -> f64 {
    match key {
        "engine.chain.beta" => p.beta,
        "engine.chain.slots" => p.slots as f64,
        "engine.chain.moves.opcode" => p.opcode,
        "engine.chain.moves.operand" => p.operand,
        "engine.chain.moves.swap" => p.swap,
        "engine.chain.moves.instruction" => p.instruction,
        "engine.chain.moves.unused" => p.unused,
        "engine.chain.weights.fault" => p.fault,
        "engine.chain.weights.undefined" => p.undefined,
        "engine.chain.weights.misplaced" => p.misplacement,
        "engine.chain.weights.performance" => p.performance,
        _ => p.cycle as f64,
    }
}

/// Accepts the first program that passes all tests.
struct First(bool);

impl Judge for First {
    fn judge(&mut self, _: &Program, _: u64, _: &mut TestBank) -> Judgement {
        self.0 = true;
        Judgement::Undecided
    }
}

impl Subject for ChainSubject {
    fn run(&self, values: &[f64], task: usize, seed: u64, cap: f64) -> Cost {
        let target = &self.targets[task];
        // Its tapes are made as they are needed and belong to one thread.
        let ops = chain_ops(target, &[]);
        let mut params = self.base.clone();
        for (set, v) in self.setters.iter().zip(values) {
            set(&mut params, *v);
        }
        let mut rng = SmallRng::seed_from_u64(seed);
        let Ok(mut bank) = TestBank::new(target, GROUPS, &mut rng) else {
            return Cost::Censored;
        };
        let mut chain = Chain::new(
            target,
            &ops,
            params,
            Phase::Synthesis,
            &Program::empty(0),
            seed,
        );
        let mut first = First(false);
        while !first.0 {
            if chain.counts.proposals as f64 >= cap {
                return Cost::Censored;
            }
            chain.run(STEP, &mut bank, &mut first);
        }
        Cost::Done(chain.counts.proposals as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Known;
    use std::path::Path;

    const TEXT: &str = "name='t'\nkind='tune'\ntargets=['p01','p03']\n[engine.chain]\n[tune]\npopulation=4\n\
                        generations=2\nrepeat=1\nproposals=200_000\n[[tune.parameter]]\nkey='engine.chain.beta'\n\
                        low=0.02\nhigh=2\nlog=true\n";

    #[test]
    fn the_chain_is_a_deterministic_subject() {
        let config = RunConfig::parse(Path::new("t.toml"), TEXT, &Known::default()).unwrap();
        let t = tuning(&config).unwrap();
        assert_eq!(t.plan.tasks, [0, 2]);
        assert!(!t.trial.tasks.contains(&0) && t.trial.tasks.contains(&1));
        let default = [t.plan.parameters[0].default];
        let run = |seed| t.subject.run(&default, 0, seed, 200_000.0);
        assert_eq!(run(1), run(1));
        assert!(matches!(run(1), Cost::Done(n) if n > 0.0));
        assert_eq!(t.subject.run(&default, 0, 1, 1.0), Cost::Censored);
        // The parameter reaches the chain: a cold and a hot one do not take the same path on a kernel of five operations.
        let [cold, hot] = [2.0, 0.02].map(|beta| t.subject.run(&[beta], 12, 1, 30_000.0));
        let other = t.subject.run(&[0.3], 12, 1, 30_000.0);
        assert!(cold != hot || hot != other || cold == Cost::Censored);
    }

    #[test]
    fn wrong_keys_are_told() {
        let mut config = RunConfig::parse(Path::new("t.toml"), TEXT, &Known::default()).unwrap();
        for p in config.tune.iter_mut().flat_map(|t| &mut t.parameter) {
            p.key = "engine.chain.beat".into();
        }
        assert_eq!(
            tuning(&config).err(),
            Some(TuningError::Key("engine.chain.beat".into()))
        );
    }
}
