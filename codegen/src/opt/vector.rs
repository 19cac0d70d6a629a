//! Vectors: an innermost loop that does one thing to each element of arrays gets a loop in front that does it to several at once.
//!
//! The loop must be counted upwards by one to a last value, have one way round, and do nothing but load elements, compute, and
//! store elements of the same numbers ([`plan`]); or add up integers, which wrap, so that the order is free. Doubles are never added
//! up: there the order is what the program says. Each lane does what the scalar instruction does, so that results are the same to the bit.
//!
//! The vector loop ([`emit`]) takes steps while more than one step is left, and leaves the rest, one iteration at least, to the
//! loop as it was, which it enters by the header. That is also where a poll that wants attention leads: between two iterations,
//! with everything stored as the loop would have; its own poll is the first thing that it gets to.

mod emit;
mod plan;

use super::hash::FastMap;
use super::known::Known;
use super::loops::Loops;
use super::peel::in_front;
use super::{OptStats, compact};
use crate::ir::{Addr, Block, Cfg, Function, Inst, InstId, Opnd, Type, Value, VecOp};

/// What a step of the vector loop works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shape {
    /// The type of vectors.
    ty: Type,
    /// So many vectors are worked on one after the other in a step.
    groups: u32,
}

impl Shape {
    /// Iterations in a step.
    fn step(self) -> i32 {
        (self.ty.lanes() * self.groups) as i32
    }
}

/// An address of the loop: `base + (counter + more) * 8 + disp`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    addr: Addr,
    base: Value,
    more: Option<Value>,
    disp: i32,
}

/// What happens to each element, in the loop's order.
#[derive(Clone, Copy, Debug)]
enum Act {
    Load(Value, Place),
    Compute(Value, VecOp, Lane, Lane),
    Store(Place, Lane),
}

/// An operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lane {
    /// What an act gives, of the same element.
    Own(Value),
    /// The same for all.
    Same(Value),
    /// An integer, the same for all.
    Int(i64),
    /// How far to shift.
    By(i32),
}

/// A parameter that gathers integers.
#[derive(Clone, Copy, Debug)]
struct Gather {
    /// Which of the header's parameters it is.
    number: usize,
    op: VecOp,
    /// What each iteration adds.
    lane: Lane,
}

/// A loop to be done in vectors.
struct Plan {
    header: Block,
    /// Sources of ways round.
    latches: Vec<Block>,
    /// Which of the header's parameters counts.
    counter: usize,
    last: Opnd,
    acts: Vec<Act>,
    gathers: Vec<Gather>,
    /// Arrays that must not be the same one.
    apart: Vec<(Value, Value)>,
    /// What asks for attention; the way on is where it is not asked.
    poll: Option<crate::ir::Cond>,
}

fn shape(four: bool) -> Shape {
    let ty = match four {
        true => Type::V256,
        false => Type::V128,
    };
    Shape { ty, groups: 2 }
}

/// Whether a loop gets a loop of vectors in front.
pub(super) fn wants(f: &Function, cfg: &Cfg, loops: &Loops, n: u32, four: bool) -> bool {
    plan::of(f, cfg, loops, n, shape(four)).is_some()
}

/// Gives loops a loop of vectors in front. `four`: of four numbers each, else of two.
pub(super) fn run(f: &mut Function, four: bool, known: &mut Known, stats: &mut OptStats) -> bool {
    let shape = shape(four);
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let all = loops.loops.iter().enumerate();
    let plans: Vec<Plan> = all
        .filter_map(|(n, _)| plan::of(f, &cfg, &loops, n as u32, shape))
        .collect();
    if plans.is_empty() {
        return false;
    }
    stats.vectors += plans.len() as u32;
    let old_blocks = f.blocks.len();
    let mut before: FastMap<Block, Vec<Block>> = FastMap::default();
    for plan in &plans {
        let new = emit::in_front_of(f, &cfg, plan, shape);
        before.insert(plan.header, new);
    }
    let order = in_front(before, old_blocks);
    compact::compact(f, &order, known);
    true
}

/// Whether a function has vectors: passes before this one do not know them.
pub(super) fn present(f: &Function) -> bool {
    let is_vector = |id: &InstId| {
        matches!(
            f.insts[id.index()].inst,
            Inst::Vector { .. }
                | Inst::VectorLoad { .. }
                | Inst::VectorStore { .. }
                | Inst::VectorsDone
        )
    };
    f.blocks.iter().any(|b| b.insts.iter().any(is_vector))
}
