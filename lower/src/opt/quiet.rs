//! Loops that need no polls.
//!
//! What a poll looks for is made by calls and allocations: a hook is set by a function, a finalizer becomes due in a step of the collector
//! (compiled programs handle no signals). A loop that does neither on its main ways finds nothing in any iteration that it would not have found before the
//! first: whoever sets a hook has machine code that waits in calls left, metamethods called by slow paths poll when they are entered, and so does
//! whatever is called behind the loop.

use super::facts;
use super::graph::{Graph, Kind};
use super::intrinsics;
use super::operators;
use super::spec::Spec;
use trinity_frontend::bytecode::{Op, Proto};

/// True when the loop of these nodes neither calls nor allocates where training went.
pub(super) fn makes_no_work(p: &Proto, g: &Graph, spec: &Spec, inside: &[bool]) -> bool {
    let of_loop = g.nodes.iter().zip(inside).filter(|(_, inside)| **inside);
    of_loop
        .filter(|(n, _)| n.kind == Kind::Block && !spec.is_left(n.start))
        .flat_map(|(n, _)| n.start..n.end)
        .all(|pc| match p.code[pc as usize].op() {
            Op::Call => spec.native(pc).is_some_and(intrinsics::is_quiet),
            Op::TForCall => facts::plan_traversal(p, spec, pc).is_some(),
            Op::Concat | Op::SetList | Op::VarArg => false,
            Op::NewTable | Op::NewCell | Op::Closure | Op::Close => false,
            // Metamethods.
            _ => operators::seen(p, spec, pc).is_none(),
        })
}
