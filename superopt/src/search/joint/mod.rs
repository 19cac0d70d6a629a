//! Several results at once: code for targets with more than one output register.
//!
//! The problem: results that belong together share instructions. One multiplication gives both halves of a product, one
//! division quotient and remainder, the carry of a sum goes into the next word without ever being in a register. A
//! search for each result by itself cannot see this. Here it takes three steps:
//! 1. Which words are worth having: in `specified` the parts of the specification and what leads to them; if these are
//!    not enough, in `values` the enumeration of values for one result after the other, where what earlier results are
//!    made of is free for the later ones.
//! 2. `shapes`, `nodes` and `plan`: which instructions give these words from one another, their further results and flags
//!    included, and which sets of instructions give all results, the cheapest first. That two instructions do the same
//!    is seen on tests.
//! 3. `schedule`: an order, registers and copies for such a set, exhaustively within a number of copies.
//!
//! Invariants: nothing here knows a particular target. Programs that come out agree with the target on the tests used
//! for the search at most; the caller tests and proves them.

mod nodes;
mod plan;
mod schedule;
mod shapes;
mod specified;
mod values;

pub use values::Budget;

use super::loc;
use super::opset::{March, OpSet, Request};
use super::program::Program;
use super::target::Target;
use super::tests::TestBank;
use super::values::Progress;
use std::sync::atomic::Ordering;

/// Costs beyond the cheapest set of instructions that are looked at, in hundredths of a cycle: some copies.
const SLACK: u64 = 6 * schedule::COPY;
/// Costs of other sets beyond the cheapest.
const OTHERS: u64 = schedule::COPY;
/// States entered for each set of instructions, in turn.
const STATES: [usize; 3] = [400, 4_000, 20_000];
/// Programs handed out of one cost.
const PROGRAMS: usize = 6;

/// Whether a target has several results in general registers, and inputs there only.
pub fn fits(t: &Target) -> bool {
    t.memory.is_none()
        && (2..=4).contains(&t.outputs.len())
        && (1..=6).contains(&t.inputs.len())
        && t.outputs.iter().chain(&t.inputs).all(|p| p.at < loc::FLAG0)
}

/// The instructions of the second step: all of a level at the target's widths, with the immediates of the
/// specification and small ones.
fn operations(t: &Target, march: March) -> OpSet {
    let widths = if t.operation_width() == 32 {
        vec![32]
    } else {
        vec![64, 32]
    };
    let mut immediates: Vec<i64> = vec![-1, 0, 1, 2, 4, 8, 16, 24, 31, 32, 63];
    immediates.extend(t.constants());
    immediates.extend(t.shift_counts());
    immediates.sort_unstable();
    immediates.dedup();
    OpSet::new(&Request {
        march,
        widths,
        immediates,
        fixed: true,
        only: Vec::new(),
    })
}

/// Searches; `judge` gets programs, cheaper ones first, with the instructions they are made of, and says whether the
/// program is one to keep. Ends after the first cost at which one was kept, or when nothing is left to try.
pub fn search(
    t: &Target,
    bank: &TestBank,
    budget: Budget,
    progress: &Progress,
    judge: &mut dyn FnMut(&OpSet, &Program) -> bool,
) -> bool {
    // The plain instructions first: they are few, and what they give is a bound.
    let mut levels = vec![March::V1, t.march];
    levels.dedup();
    let sets: Vec<OpSet> = levels.iter().map(|m| operations(t, *m)).collect();
    let mut everything = |found: &values::Found| {
        let mut any = false;
        for ops in &sets {
            any |= over(t, bank, (ops, found), (budget, progress), judge);
        }
        any
    };
    specified::collect(t, bank).iter().any(&mut everything)
        || values::collect(t, bank, budget, progress).is_some_and(|found| everything(&found))
}

/// The second and third step, over some words.
fn over(
    t: &Target,
    bank: &TestBank,
    (ops, found): (&OpSet, &values::Found),
    (budget, progress): (Budget, &Progress),
    judge: &mut dyn FnMut(&OpSet, &Program) -> bool,
) -> bool {
    let stopped = || {
        progress.stop.load(Ordering::Relaxed)
            || progress.evaluations.load(Ordering::Relaxed) >= budget.evaluations
    };
    let graph = nodes::Graph::new(ops, bank, found, &stopped);
    let (plans, work) = plan::plans(&graph, OTHERS, &stopped);
    progress.evaluations.fetch_add(work, Ordering::Relaxed);
    let Some(least) = plans.first().map(|p| p.cost) else {
        return false;
    };
    let scheduler = schedule::Scheduler::new(t, ops, &graph);
    let mut total = least;
    let mut seen: Vec<Program> = Vec::new();
    while total <= least + SLACK && !stopped() {
        let mut kept = false;
        let mut tried = 0;
        let fits =
            |p: &&plan::Plan| p.cost <= total && (total - p.cost).is_multiple_of(schedule::COPY);
        let mut open: Vec<&plan::Plan> = plans.iter().filter(fits).collect();
        // A little of every set before much of any.
        'passes: for states in STATES {
            let mut later = Vec::new();
            for p in open {
                let copies = ((total - p.cost) / schedule::COPY) as usize;
                let (program, entered) = scheduler.schedule(p, copies, states, &stopped);
                progress
                    .evaluations
                    .fetch_add(entered as u64, Ordering::Relaxed);
                let complete = program.is_some() || entered < states;
                if !complete {
                    later.push(p);
                }
                if let Some(program) = program.filter(|p| !seen.contains(p)) {
                    kept |= judge(ops, &program);
                    seen.push(program);
                    tried += 1;
                }
                if tried >= PROGRAMS && kept || stopped() {
                    break 'passes;
                }
            }
            if kept || later.is_empty() {
                break;
            }
            open = later;
        }
        if kept {
            return true;
        }
        // The next cost that a set of instructions and some copies can have.
        let next =
            |c: u64| (total + 1).saturating_sub(c).div_ceil(schedule::COPY) * schedule::COPY + c;
        total = plans.iter().map(|p| next(p.cost)).min().unwrap_or(u64::MAX);
    }
    false
}
