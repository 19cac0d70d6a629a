//! Loops that need no polls.
//!
//! What a poll looks for is made by calls and allocations: a hook is set by a function, a finalizer becomes due in a step of the collector
//! (compiled programs handle no signals). A loop that does neither on its main ways finds nothing in any iteration that it would not have found before the
//! first: whoever sets a hook has machine code that waits in calls left, metamethods called by slow paths poll when they are entered, and so does
//! whatever is called behind the loop. Calls of functions of the module that do neither and do not branch, as far as training went, do not count: other
//! functions leave machine code. (With larger ones in line, loops without a poll keep so much in registers that it costs more than the poll.)

use super::facts;
use super::graph::{Graph, Kind};
use super::intrinsics;
use super::module::Module;
use super::operators;
use super::spec::Spec;
use trinity_frontend::bytecode::{Op, Proto};

/// Calls within calls that are looked into.
const DEPTH: usize = 3;

/// True when the loop of these nodes neither calls nor allocates where training went.
pub(super) fn makes_no_work(
    module: &Module,
    p: &Proto,
    g: &Graph,
    spec: &Spec,
    inside: &[bool],
) -> bool {
    let of_loop = g.nodes.iter().zip(inside).filter(|(_, inside)| **inside);
    of_loop
        .filter(|(n, _)| n.kind == Kind::Block && !spec.is_left(n.start))
        .flat_map(|(n, _)| n.start..n.end)
        .all(|pc| is_quiet(module, p, spec, pc, DEPTH))
}

fn is_quiet(module: &Module, p: &Proto, spec: &Spec, pc: u32, depth: usize) -> bool {
    match p.code[pc as usize].op() {
        Op::Call => match spec.native(pc) {
            Some(f) => intrinsics::is_quiet(f),
            None => {
                let site = spec.site(pc).filter(|_| spec.is_hot(pc));
                let callee = site.and_then(|s| s.callee);
                callee.is_some_and(|f| depth > 0 && calls_nothing(module, f, depth - 1))
            }
        },
        Op::TForCall => facts::plan_traversal(p, spec, pc).is_some(),
        Op::Concat | Op::SetList | Op::VarArg => false,
        Op::NewTable | Op::NewCell | Op::Closure | Op::Close => false,
        // Metamethods.
        _ => operators::seen(p, spec, pc).is_none(),
    }
}

/// The same of a function.
fn calls_nothing(module: &Module, func: u32, depth: usize) -> bool {
    let p = module.text(func);
    let spec = module.spec(func);
    let positions = (0..p.code.len() as u32).filter(|&pc| !spec.is_left(pc));
    let quiet = |pc: u32| match p.code[pc as usize].op() {
        Op::TailCall => false,
        op => !op.is_jump() && is_quiet(module, p, &spec, pc, depth),
    };
    module.typed.get(func as usize) == Some(&true) && positions.into_iter().all(quiet)
}
