//! Equality saturation as an engine: a target's terms, saturated with the proven rules, extracted by cost, lowered to
//! instructions.
//!
//! Both the graph as it was given and the cheapest one found are lowered; the first alone is sometimes better than the code
//! the terms came from. What comes out are candidates, to be proven like those of the other engines. Limits are counts.

mod allocate;
mod conditions;
mod encode;
mod lower;

use super::opset::March;
use super::target::Target;
use crate::egraph::analysis::Graph;
use crate::egraph::cost::TermCost;
use crate::egraph::extract::Cost;
use crate::egraph::facts::Fact;
use crate::egraph::improve::{self, improve_until};
use crate::egraph::lang::{self, ENode, Op};
use crate::egraph::saturate::{Limits, RuleRecord};
use crate::egraph::{RuleSet, saturate};
use iced_x86::Instruction;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use trinity_codegen::isa::{BinOp, UnOp};

pub use lower::lower;

/// Limits of one saturation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// E-nodes.
    pub nodes: usize,
    /// Rounds.
    pub rounds: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            nodes: 10_000,
            rounds: 30,
        }
    }
}

/// What a saturation did for a target.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Why it ended.
    pub stop: saturate::Stop,
    /// Rounds.
    pub rounds: usize,
    /// E-nodes at the end.
    pub nodes: usize,
    /// Classes at the end.
    pub classes: usize,
    /// Cost of the given graph, and of the best; tenths of a cycle.
    pub cost: (Option<u64>, Option<u64>),
    /// Whether no graph in the e-graph is cheaper.
    pub exact: bool,
    /// The instances of rules that matched, those that added most first.
    pub rules: Vec<RuleRecord>,
    /// Rules that the explanation of the best graph uses, and how often.
    pub used: BTreeMap<String, u32>,
}

/// What equality saturation gives for a target.
pub struct Found {
    /// Programs to be proven.
    pub candidates: Vec<Vec<Instruction>>,
    /// What it did.
    pub telemetry: Telemetry,
}

/// Prices of what [`lower()`] can lower.
struct Price(March);

impl Cost for Price {
    fn node(&self, graph: &Graph, node: &ENode) -> Option<u64> {
        use BinOp::*;
        let covered = match node.op {
            Op::Fp(_) => false,
            Op::Var(_) => true,
            _ if node.bits() > 64 => false,
            Op::Bin(Udiv | Urem | Sdiv | Srem) => false,
            Op::Bin(MulHiU | MulHiS) => node.bits() == 32,
            Op::Bin(Pext | Pdep) => self.0 >= March::V3,
            Op::Un(UnOp::Popcnt) => self.0 >= March::V2,
            Op::Un(UnOp::Clz | UnOp::Ctz) => self.0 >= March::V3,
            _ => true,
        };
        covered.then(|| TermCost.node(graph, node)).flatten()
    }
}

/// The shipped rules, parsed once.
fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(RuleSet::shipped)
}

/// Saturates a target's terms; none when they are not pure. `over` ends it between two rules.
pub fn search(t: &Target, o: &Options, over: &dyn Fn() -> bool) -> Option<Found> {
    let (expr, places) = lang::from_terms(&t.pool, &t.output_terms).ok()?;
    let inputs = t
        .pool
        .variables()
        .iter()
        .map(|v| Fact::unknown(v.width))
        .collect();
    let options = improve::Options {
        limits: Limits {
            nodes: o.nodes,
            rounds: o.rounds,
            ..Limits::default()
        },
        nan_class: false,
        exact: crate::egraph::extract::EXACT_STEPS,
        explain: true,
    };
    let price = Price(t.march);
    let best = improve_until(&expr, &places, inputs, rules(), &price, &options, over);
    let mut candidates: Vec<Vec<Instruction>> = Vec::new();
    for (e, r) in [(&best.expr, &best.roots), (&expr, &places)] {
        candidates.extend(lower(t, e, r).filter(|c| !candidates.contains(c)));
    }
    let mut matched = best.record.rules;
    matched.retain(|r| r.matches > 0);
    matched.sort_by(|a, b| b.nodes.cmp(&a.nodes).then(a.name.cmp(&b.name)));
    Some(Found {
        candidates,
        telemetry: Telemetry {
            stop: best.record.stop,
            rounds: best.record.rounds,
            nodes: best.record.nodes,
            classes: best.record.classes,
            cost: (best.before, best.after),
            exact: best.exact,
            rules: matched,
            used: best.used,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;
    use crate::kernels::{self, wide};
    use crate::proof::Limits as ProofLimits;
    use crate::report::verdict::Verdict;
    use crate::solver::tests::solvers;
    use trinity_codegen::isa::{Domain, TermId, TermPool};

    fn evaluated(t: &Target, code: &[Instruction]) {
        let solvers = solvers();
        let limits = ProofLimits::deterministic(200_000_000, 1);
        let r = check(t, code, &limits, &solvers).expect("covered");
        let text: Vec<String> = code.iter().map(ToString::to_string).collect();
        let shown = text.join("; ");
        match r.verdict {
            Verdict::Proven | Verdict::ProvenUnderPrecondition => {}
            v => panic!("{}: {v}: {shown}", t.name),
        }
    }

    /// Every operation that is covered, at every width, as x86 has to compute it.
    #[test]
    fn what_is_lowered_is_what_was_meant() {
        let never = || false;
        let mut lowered = 0;
        for k in kernels::HACKERS_DELIGHT {
            // Products and searches for which proofs take longer than a test may.
            if matches!(k.name, "p19" | "p20" | "p21" | "p24" | "p25") {
                continue;
            }
            for width in [8, 32, 64] {
                for march in [March::V1, March::V3] {
                    let t = k.target(width, march);
                    let (e, r) = lang::from_terms(&t.pool, &t.output_terms).expect("pure");
                    if let Some(code) = lower(&t, &e, &r) {
                        lowered += 1;
                        evaluated(&t, &code);
                    }
                }
            }
        }
        assert!(lowered > 80, "{lowered}");
        let t = wide::sort(3, 32, March::V1);
        let found = search(
            &t,
            &Options {
                nodes: 500,
                rounds: 3,
            },
            &never,
        )
        .expect("pure");
        assert!(!found.candidates.is_empty());
        for c in &found.candidates {
            evaluated(&t, c);
        }
    }

    fn target(width: u32, make: impl Fn(&mut TermPool, TermId, TermId) -> TermId) -> Target {
        let mut t = kernels::find("p14")
            .expect("a kernel")
            .target(width, March::V3);
        let x: Vec<TermId> = t.input_terms.clone();
        let (a, b) = (t.pool.trunc(&x[0], width), t.pool.trunc(&x[1], width));
        let mut pool = t.pool.clone();
        t.output_terms = vec![make(&mut pool, a, b)];
        t.pool = pool;
        t
    }

    #[test]
    fn rules_make_it_cheaper() {
        let t = target(32, |p, x, y| {
            let (or, and) = (p.bin(BinOp::Or, &x, &y), p.bin(BinOp::And, &x, &y));
            p.sub(&or, &and)
        });
        let found = search(&t, &Options::default(), &|| false).expect("pure");
        let text: Vec<String> = found.candidates[0]
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(text.len(), 2, "{text:?}");
        assert!(text.iter().any(|i| i.starts_with("xor")), "{text:?}");
        evaluated(&t, &found.candidates[0]);
        let seen = &found.telemetry;
        assert!(
            seen.cost.1 < seen.cost.0 && !seen.used.is_empty(),
            "{seen:?}"
        );
        assert!(seen.rules.iter().any(|r| r.applied > 0));
    }

    #[test]
    fn a_small_limit_is_kept_and_told() {
        let t = wide::sort(4, 32, March::V3);
        let found = search(
            &t,
            &Options {
                nodes: 50,
                rounds: 9,
            },
            &|| false,
        )
        .expect("pure");
        assert_eq!(found.telemetry.stop, saturate::Stop::Nodes);
        let stopped = search(&t, &Options::default(), &|| true).expect("pure");
        assert_eq!(stopped.telemetry.stop, saturate::Stop::Ended);
    }
}
