//! Timing of short code: latency and throughput, interleaved, with confidence intervals.
//!
//! The problem: code of one to ten instructions takes a nanosecond, less than a call, a time stamp, or the difference
//! between two alignments, on a machine whose clock speed and other load change from one millisecond to the next. So
//!
//! - the code is never called: `loops` copies it into a loop of generated machine code, many times over;
//! - **latency** chains the copies, each copy's inputs made to depend on the outputs of the one before without taking
//!   their values, so that data-dependent instructions see the inputs the caller chose; the links' own time is measured
//!   and subtracted. **Throughput** leaves the copies independent;
//! - the cost of a copy is the difference between a loop of 2k copies and one of k copies, divided by k, which takes away
//!   the loop and the time stamps exactly even where they would have overlapped with the code;
//! - every loop is timed at several alignments, and all loops of all candidates are interleaved in random order, so that
//!   drift hits them alike;
//! - per alignment the median over all rounds counts, averaged over alignments, with a bootstrap confidence interval;
//! - "faster" is said only of disjoint intervals, and never of a difference below [`RESOLUTION`].
//!
//! Everything runs in the sandbox of [`native`], in several processes. Time comes from the time stamp
//! counter, calibrated against the system's clock; cycles of the core, from a chain of multiplications timed among the
//! candidates (three cycles each on every x86-64 core since 2008).

pub mod calibrate;
mod clock;
pub mod costs;
mod loops;
mod stats;

use std::fmt;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Register};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::native::{self, NativeError, Outcome, Region, Runner, State};

pub use stats::{Interval, RESOLUTION, Verdict};

/// Code to be timed: straight-line or with branches inside itself, falling through at its end.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its name in results and errors.
    pub name: String,
    /// Machine code without operands relative to the instruction pointer, so that it can be copied.
    pub code: Vec<u8>,
}

/// What is timed about a piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// From its linked inputs to the outputs they are linked to.
    Latency,
    /// Between starts of independent copies.
    Throughput,
}

/// A value for an input register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// For a general register.
    Integer(u64),
    /// For a vector register, lowest byte first.
    Vector([u8; 32]),
}

/// A live-in register of the code.
#[derive(Clone, Debug)]
pub struct Input {
    /// Any name of a general register or of a vector register.
    pub register: Register,
    /// The values successive copies get, in turn; at least one, at most [`MAX_VALUES`]. A copy gets a fresh value where the
    /// code or a link overwrites the register; else the first stays.
    pub values: Vec<Value>,
    /// For latency: the live-outs of one copy that this input of the next waits for. Empty for an input that is ready.
    pub waits_for: Vec<Register>,
}

/// Which of an input's values a copy of the code gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// One after another: the same copy always gets the same, and branches on them are predicted.
    #[default]
    InTurn,
    /// Drawn anew every time, the same row for all inputs: branches on them cannot be predicted. Every input needs
    /// [`MAX_VALUES`] values; r14 and r15 must not be the code's.
    Drawn,
}

/// Most values of one [`Input`].
pub const MAX_VALUES: usize = 16;

/// How code is to be timed.
#[derive(Clone, Debug)]
pub struct Harness {
    /// Latency or throughput.
    pub quantity: Quantity,
    /// Live-in registers. The others hold anything.
    pub inputs: Vec<Input>,
    /// Which values successive copies get.
    pub order: Order,
    /// Memory the code may touch.
    pub regions: Vec<Region>,
    /// Contents of the regions, one after another.
    pub memory: Vec<u8>,
}

/// How much to spend on a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Rounds per process; in each, every loop of every candidate is timed once.
    pub rounds: usize,
    /// Processes, one after another.
    pub processes: usize,
    /// Time of one timed loop, in nanoseconds. Short, so that few samples are interrupted.
    pub sample_ns: f64,
    /// Offsets of the loop's start in a cache line.
    pub alignments: &'static [usize],
    /// Confidence level of the intervals.
    pub confidence: f64,
    /// For the order of the samples and the bootstrap.
    pub seed: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            rounds: 40,
            processes: 3,
            sample_ns: 8_000.0,
            alignments: &[0, 16, 32, 48],
            confidence: 0.99,
            seed: 1,
        }
    }
}

impl Budget {
    /// A tenth of the default: for ranking many candidates before a closer look.
    pub fn quick() -> Budget {
        Budget {
            rounds: 16,
            processes: 1,
            alignments: &[0, 32],
            ..Budget::default()
        }
    }
}

/// The time of one candidate.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The candidate's name.
    pub name: String,
    /// Nanoseconds per run of the code.
    pub ns: Interval,
    /// Core cycles per run of the code.
    pub cycles: Interval,
    /// Samples behind it.
    pub samples: usize,
}

impl Timing {
    /// Whether this candidate is faster or slower than `other`.
    pub fn against(&self, other: &Timing) -> Verdict {
        self.ns.against(&other.ns)
    }
}

/// Why code could not be timed.
#[derive(Debug)]
pub enum MeasureError {
    /// The processor's time stamp counter does not run at a constant rate.
    NoConstantCounter,
    /// The sandbox refused the code or failed.
    Native(NativeError),
    /// The code faulted.
    Fault {
        /// The candidate's name.
        name: String,
        /// Its fault; the offset is into the generated loop.
        fault: native::Fault,
    },
    /// A candidate with an operand relative to the instruction pointer.
    Relative {
        /// The candidate's name.
        name: String,
        /// The instruction.
        instruction: String,
    },
    /// A register that cannot be an input or be waited for.
    Register(Register),
    /// An input without values, with too many, or with one of the wrong kind.
    Values(Register),
    /// Latency was asked for, but no input waits for anything.
    NoLink,
    /// Jobs measured together must have the same regions, with contents of their size.
    Regions,
}

impl fmt::Display for MeasureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MeasureError::NoConstantCounter => {
                write!(
                    f,
                    "this processor's time stamp counter does not run at a constant rate"
                )
            }
            MeasureError::Native(error) => error.fmt(f),
            MeasureError::Fault { name, fault } => {
                write!(f, "`{name}` faulted while it was timed: {:?}", fault.kind)
            }
            MeasureError::Relative { name, instruction } => {
                write!(
                    f,
                    "`{name}` cannot be copied: `{instruction}` depends on its address"
                )
            }
            MeasureError::Register(register) => {
                write!(
                    f,
                    "register {register:?} cannot be an input or a link of timed code"
                )
            }
            MeasureError::Values(register) => {
                write!(
                    f,
                    "input {register:?} needs 1 to {MAX_VALUES} values of its kind"
                )
            }
            MeasureError::NoLink => write!(f, "latency needs an input that waits for an output"),
            MeasureError::Regions => {
                write!(
                    f,
                    "code timed together needs the same memory regions, with contents of their size"
                )
            }
        }
    }
}

impl std::error::Error for MeasureError {}

impl From<NativeError> for MeasureError {
    fn from(error: NativeError) -> MeasureError {
        MeasureError::Native(error)
    }
}

/// Addresses that regions of a [`Harness`] must stay away from.
pub fn reserved() -> [std::ops::Range<u64>; 2] {
    let own = loops::REGION;
    // Generated loops are a few megabytes at most.
    let code = native::CODE_BASE..native::CODE_BASE + (256 << 20);
    [own.address..own.address + own.bytes as u64, code]
}

/// Times all candidates under one harness, interleaved. Results are in the order of the candidates.
pub fn compare(
    candidates: &[Candidate],
    harness: &Harness,
    budget: Budget,
) -> Result<Vec<Timing>, MeasureError> {
    let jobs: Vec<Job> = candidates
        .iter()
        .map(|candidate| Job { candidate, harness })
        .collect();
    measure(&jobs, budget)
}

/// A candidate with a harness of its own.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The code.
    pub candidate: &'a Candidate,
    /// How it is timed. All jobs measured together have the same regions.
    pub harness: &'a Harness,
}

/// Times all jobs, interleaved. Results are in the order of the jobs.
pub fn measure(jobs: &[Job], budget: Budget) -> Result<Vec<Timing>, MeasureError> {
    let Some(first) = jobs.first() else {
        return Ok(Vec::new());
    };
    let regions = &first.harness.regions;
    let bytes: usize = regions.iter().map(|region| region.bytes).sum();
    if jobs
        .iter()
        .any(|job| job.harness.regions != *regions || job.harness.memory.len() != bytes)
    {
        return Err(MeasureError::Regions);
    }
    let ns_per_tick = clock::ns_per_tick().ok_or(MeasureError::NoConstantCounter)?;
    let mut rng = ChaCha8Rng::seed_from_u64(budget.seed);

    // Every job is measured as two loops per alignment; so are its links, and the chain that gives the core's cycle.
    let (ruler, ruler_harness) = ruler(first.harness);
    let mut measured = vec![Measured::new(
        Job {
            candidate: &ruler,
            harness: &ruler_harness,
        },
        false,
    )?];
    let mut parts = Vec::with_capacity(jobs.len());
    for &job in jobs {
        let own = measured.len();
        measured.push(Measured::new(job, false)?);
        let links = (job.harness.quantity == Quantity::Latency).then_some(measured.len());
        if links.is_some() {
            measured.push(Measured::new(job, true)?);
        }
        parts.push((own, links));
    }
    let iterations = pilot(&measured, regions, budget.sample_ns / ns_per_tick)?;
    let mut samples = stats::Samples::new(measured.len(), budget.alignments.len());
    for _ in 0..budget.processes {
        collect(
            &measured,
            &iterations,
            regions,
            budget,
            &mut rng,
            &mut samples,
        )?;
    }

    let cycle = RULER_CYCLES
        / samples
            .interval(0, None, budget.confidence, &mut rng)
            .median;
    let count = samples.rounds() * budget.alignments.len();
    Ok(jobs
        .iter()
        .zip(parts)
        .map(|(job, (own, links))| {
            let ticks = samples.interval(own, links, budget.confidence, &mut rng);
            Timing {
                name: job.candidate.name.clone(),
                ns: ticks.scaled(ns_per_tick),
                cycles: ticks.scaled(cycle),
                samples: count,
            }
        })
        .collect())
}

/// Cycles one copy of the ruler takes.
const RULER_CYCLES: f64 = 3.0;

/// `imul rax, rax`, timed as throughput: each copy waits for the one before by itself.
fn ruler(like: &Harness) -> (Candidate, Harness) {
    let candidate = Candidate {
        name: "imul rax, rax".into(),
        code: vec![0x48, 0x0f, 0xaf, 0xc0],
    };
    let harness = Harness {
        quantity: Quantity::Throughput,
        inputs: Vec::new(),
        order: Order::InTurn,
        regions: like.regions.clone(),
        memory: like.memory.clone(),
    };
    (candidate, harness)
}

/// A job (or only its links) with what is needed to build its loops.
struct Measured<'a> {
    job: Job<'a>,
    plan: loops::LoopPlan,
    /// Copies in the shorter loop.
    copies: usize,
}

impl<'a> Measured<'a> {
    fn new(job: Job<'a>, links_only: bool) -> Result<Measured<'a>, MeasureError> {
        let body = decode_body(job.candidate)?;
        let plan = loops::LoopPlan::new(job.harness, &job.candidate.code, &body, links_only)?;
        let copies = plan.copies();
        Ok(Measured { job, plan, copies })
    }

    fn programs(&self, alignments: &[usize], iterations: u32) -> Vec<Vec<u8>> {
        let sizes = [self.copies, 2 * self.copies];
        let build = |&alignment| sizes.map(|copies| self.plan.build(copies, iterations, alignment));
        alignments.iter().flat_map(build).collect()
    }

    fn state(&self) -> State {
        self.plan.state(&self.job.harness.memory)
    }
}

fn decode_body(candidate: &Candidate) -> Result<Vec<Instruction>, MeasureError> {
    let decoder = Decoder::with_ip(64, &candidate.code, 0, DecoderOptions::NONE);
    let body: Vec<Instruction> = decoder.into_iter().collect();
    let relative = |instruction: &&Instruction| {
        instruction.is_ip_rel_memory_operand() || instruction.flow_control() == FlowControl::Call
    };
    match body.iter().find(relative) {
        Some(instruction) => Err(MeasureError::Relative {
            name: candidate.name.clone(),
            instruction: instruction.to_string(),
        }),
        None => Ok(body),
    }
}

fn runner(programs: &[Vec<u8>], regions: &[Region]) -> Result<Runner, MeasureError> {
    let mut all = vec![loops::REGION];
    all.extend_from_slice(regions);
    Ok(Runner::with_programs(programs, &all)?)
}

fn ticks(measured: &Measured, outcome: &Outcome) -> Result<f64, MeasureError> {
    match outcome {
        Outcome::Done(state) => Ok(loops::ticks(state) as f64),
        Outcome::Fault(fault) => Err(MeasureError::Fault {
            name: measured.job.candidate.name.clone(),
            fault: *fault,
        }),
    }
}

/// Iterations for each job's loops, so that the longer one takes about `wanted` ticks.
fn pilot(measured: &[Measured], regions: &[Region], wanted: f64) -> Result<Vec<u32>, MeasureError> {
    const PILOT: u32 = 16;
    const REPEATS: usize = 5;
    let programs: Vec<Vec<u8>> = measured
        .iter()
        .map(|job| job.plan.build(2 * job.copies, PILOT, 0))
        .collect();
    let states: Vec<State> = measured.iter().map(Measured::state).collect();
    let count = measured.len();
    let outcomes = runner(&programs, regions)?
        .run_with(REPEATS * count, |run| (run % count, &states[run % count]))?;
    let mut least = vec![f64::INFINITY; count];
    for (run, outcome) in outcomes.iter().enumerate() {
        let least = &mut least[run % count];
        *least = least.min(ticks(&measured[run % count], outcome)?);
    }
    let iterations =
        |least: f64| (wanted / (least.max(1.0) / f64::from(PILOT))).clamp(4.0, 1e6) as u32;
    Ok(least.into_iter().map(iterations).collect())
}

/// One process: all rounds, every loop once per round in random order.
fn collect(
    measured: &[Measured],
    iterations: &[u32],
    regions: &[Region],
    budget: Budget,
    rng: &mut ChaCha8Rng,
    samples: &mut stats::Samples,
) -> Result<(), MeasureError> {
    let per_job = 2 * budget.alignments.len();
    let programs: Vec<Vec<u8>> = measured
        .iter()
        .zip(iterations)
        .flat_map(|(job, &iterations)| job.programs(budget.alignments, iterations))
        .collect();
    let runner = runner(&programs, regions)?;
    let states: Vec<State> = measured.iter().map(Measured::state).collect();
    let mut schedule: Vec<usize> = (0..budget.rounds).flat_map(|_| 0..programs.len()).collect();
    schedule
        .chunks_exact_mut(programs.len())
        .for_each(|round| round.shuffle(rng));
    let outcomes = runner.run_with(schedule.len(), |run| {
        (schedule[run], &states[schedule[run] / per_job])
    })?;
    for (order, outcomes) in schedule
        .chunks_exact(programs.len())
        .zip(outcomes.chunks_exact(programs.len()))
    {
        let mut round = vec![0.0; programs.len()];
        for (&program, outcome) in order.iter().zip(outcomes) {
            round[program] = ticks(&measured[program / per_job], outcome)?;
        }
        samples.push(round.chunks_exact(per_job).enumerate().map(|(job, loops)| {
            let runs = measured[job].copies as f64 * f64::from(iterations[job]);
            loops
                .chunks_exact(2)
                .map(move |pair| (pair[1] - pair[0]) / runs)
        }));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
