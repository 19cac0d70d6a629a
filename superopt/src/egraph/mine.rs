//! Rules found by machine, as Ruler does (Nandi et al., OOPSLA 2021): enumerate small terms, put together those that
//! agree on many values at several widths, keep what the rules so far do not already derive, prove it at all widths,
//! and drop what the others derive.

use super::analysis::{Facts, Graph};
use super::compile::Instance;
use super::lang::{ENode, Op};
use super::rule::{ExprId, ExprKind, Meaning, Rule, RuleSet, Widths};
use super::saturate::{Limits, saturate};
use super::verify::{Budget, prove};
use crate::report::verdict::Verdict;
use crate::solver::SolverPool;
use egg::Id;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use trinity_codegen::isa::{BinOp, CmpOp, UnOp};

mod terms;

use terms::{enumerate, orient};

/// What to mine.
#[derive(Clone, Debug)]
pub struct MineConfig {
    /// Operations, by the names of [`OPERATIONS`].
    pub ops: Vec<String>,
    /// Variables, at most 3.
    pub vars: u32,
    /// Constants besides the variables, sign-extended to each width.
    pub constants: Vec<i8>,
    /// Operations in the larger side, at most 3.
    pub depth: u32,
    /// Most terms kept at one size.
    pub terms: usize,
    /// Most candidates looked at.
    pub candidates: usize,
    /// Work on one instance of a rule.
    pub budget: Budget,
    /// Seed of the values terms are compared on.
    pub seed: u64,
}

impl Default for MineConfig {
    fn default() -> MineConfig {
        MineConfig {
            ops: ["+", "-", "neg", "&", "|", "^", "~"]
                .map(str::to_owned)
                .to_vec(),
            vars: 2,
            constants: vec![0, 1, -1],
            depth: 2,
            terms: 3_000,
            candidates: 4_000,
            budget: Budget {
                time: Some(Duration::from_secs(10)),
                ..Budget::default()
            },
            seed: 1,
        }
    }
}

/// Operations that can be mined: name in configurations, operation, name or sign in rules.
pub const OPERATIONS: &[(&str, Op, &str)] = &[
    ("neg", Op::Un(UnOp::Neg), "-"),
    ("~", Op::Un(UnOp::Not), "~"),
    ("popcnt", Op::Un(UnOp::Popcnt), "popcnt"),
    ("clz", Op::Un(UnOp::Clz), "clz"),
    ("ctz", Op::Un(UnOp::Ctz), "ctz"),
    ("bswap", Op::Un(UnOp::Bswap), "bswap"),
    ("+", Op::Bin(BinOp::Add), "+"),
    ("-", Op::Bin(BinOp::Sub), "-"),
    ("*", Op::Bin(BinOp::Mul), "*"),
    ("&", Op::Bin(BinOp::And), "&"),
    ("|", Op::Bin(BinOp::Or), "|"),
    ("^", Op::Bin(BinOp::Xor), "^"),
    ("<<", Op::Bin(BinOp::Shl), "<<"),
    (">>u", Op::Bin(BinOp::Lshr), ">>u"),
    (">>s", Op::Bin(BinOp::Ashr), ">>s"),
    ("rotl", Op::Bin(BinOp::Rotl), "rotl"),
    ("rotr", Op::Bin(BinOp::Rotr), "rotr"),
    ("==", Op::Cmp(CmpOp::Eq), "=="),
    ("<u", Op::Cmp(CmpOp::Ult), "<u"),
    ("<s", Op::Cmp(CmpOp::Slt), "<s"),
];

/// Names that configurations may use besides those of [`OPERATIONS`].
const ALIASES: [(&str, &str); 16] = [
    ("not", "~"),
    ("add", "+"),
    ("sub", "-"),
    ("mul", "*"),
    ("and", "&"),
    ("or", "|"),
    ("xor", "^"),
    ("shl", "<<"),
    ("shr", ">>u"),
    ("sar", ">>s"),
    ("rol", "rotl"),
    ("ror", "rotr"),
    ("lzcnt", "clz"),
    ("eq", "=="),
    ("ult", "<u"),
    ("slt", "<s"),
];

/// The operation of a name, as an index into [`OPERATIONS`].
pub fn operation(name: &str) -> Option<usize> {
    let own = ALIASES.iter().find(|a| a.0 == name).map_or(name, |a| a.1);
    OPERATIONS.iter().position(|o| o.0 == own)
}

/// How far mining is.
#[derive(Clone, Copy, Debug)]
pub struct MineProgress {
    /// What is being done.
    pub phase: &'static str,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// Rules kept.
    pub rules: usize,
}

/// What mining found.
#[derive(Clone, Debug)]
pub struct Mined {
    /// The rules, ready to be written to a file.
    pub text: String,
    /// The same, parsed.
    pub rules: RuleSet,
    /// Terms enumerated.
    pub terms: usize,
    /// Pairs of terms that agreed on all values.
    pub candidates: usize,
    /// Candidates the rules so far derived.
    pub derived: usize,
    /// Candidates a proof did not decide, or refuted.
    pub unproven: usize,
    /// Rules dropped at the end since the others derive them.
    pub minimised: usize,
    /// Whether the deadline stopped it.
    pub stopped: bool,
}

/// Where mining is, to be continued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Candidates looked at.
    pub done: usize,
    /// Rules proven, as they stand in a file.
    pub rules: Vec<String>,
    /// Candidates derived by others.
    pub derived: usize,
    /// Candidates that were not proven.
    pub unproven: usize,
}

/// An operation that cannot be mined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchOperation(
    /// Its name.
    pub String,
);

impl std::fmt::Display for NoSuchOperation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<&str> = OPERATIONS.iter().map(|o| o.0).collect();
        write!(
            f,
            "'{}' cannot be mined; these can: {}",
            self.0,
            all.join(" ")
        )
    }
}
impl std::error::Error for NoSuchOperation {}

/// Mines rules.
///
/// # Errors
/// When the configuration names an operation that cannot be mined.
pub fn mine(
    config: &MineConfig,
    solvers: &SolverPool,
    progress: &mut dyn FnMut(MineProgress),
    late: &dyn Fn() -> bool,
) -> Result<Mined, NoSuchOperation> {
    mine_from(
        config,
        solvers,
        Saved::default(),
        progress,
        late,
        &mut |_| (),
    )
}

/// As [`mine`], from where an earlier run with the same configuration was; `save` is given the place before each
/// candidate. `late` ends it; what was proven until then stays.
///
/// # Errors
/// When the configuration names an operation that cannot be mined.
pub fn mine_from(
    config: &MineConfig,
    solvers: &SolverPool,
    saved: Saved,
    progress: &mut dyn FnMut(MineProgress),
    late: &dyn Fn() -> bool,
    save: &mut dyn FnMut(&Saved),
) -> Result<Mined, NoSuchOperation> {
    let mut ops = Vec::new();
    for name in &config.ops {
        ops.push(operation(name).ok_or_else(|| NoSuchOperation(name.clone()))?);
    }
    let (terms, pairs) = enumerate(config, &ops, late);
    let mut candidates: Vec<(u32, u32, usize, String)> = Vec::new();
    let mut seen = BTreeSet::new();
    for (a, b) in pairs {
        let Some(text) = orient(&terms, a, b) else {
            continue;
        };
        if seen.insert(text.clone()) {
            let size = terms.sizes[a] + terms.sizes[b];
            let constants = terms.constants(a) + terms.constants(b);
            candidates.push((size, constants, text.len(), text));
        }
    }
    // Short, general ones first.
    candidates.sort();
    let found = candidates.len();
    candidates.truncate(config.candidates);
    let mut out = Mined {
        text: String::new(),
        rules: RuleSet::default(),
        terms: terms.all.len(),
        candidates: found,
        derived: saved.derived,
        unproven: saved.unproven,
        minimised: 0,
        // An enumeration that was cut short has not all candidates.
        stopped: late(),
    };
    for line in &saved.rules {
        // They were parsed from the same text before; a damaged one is mined again or missed, never trusted: the state is
        // checked as a whole when it is read.
        let _ = out.rules.add("mined", &format!("family mined\n{line}\n"));
    }
    let mut place = saved;
    let budget = &config.budget;
    let total = candidates.len();
    for (n, (_, _, _, text)) in candidates.into_iter().enumerate() {
        if late() {
            out.stopped = true;
            break;
        }
        if n < place.done {
            continue;
        }
        place.done = n;
        (place.derived, place.unproven) = (out.derived, out.unproven);
        save(&place);
        progress(MineProgress {
            phase: "candidates",
            done: n,
            total,
            rules: out.rules.rules.len(),
        });
        let line = format!("family mined\nmined-{n}: {text}\n");
        let mut one = RuleSet::default();
        // What no rule may say (a lone word on the left, say) is no candidate.
        if one.add("mined", &line).is_err() {
            continue;
        }
        let rule = one.rules.remove(0);
        if derives(&out.rules.rules, &rule) {
            out.derived += 1;
            continue;
        }
        let proven = rule.instances(&[]).into_iter().all(|at| {
            let meaning = Meaning::new(&rule, at);
            meaning.is_ok_and(|m| prove::instance(&m, budget, solvers).verdict == Verdict::Proven)
        });
        if proven {
            place.rules.push(format!("{}: {}", rule.name, rule.text));
            out.rules.rules.push(rule);
        } else {
            out.unproven += 1;
        }
    }
    let mut at = out.rules.rules.len();
    while at > 0 && !late() {
        at -= 1;
        let all = out.rules.rules.len();
        progress(MineProgress {
            phase: "minimising",
            done: all - at,
            total: all,
            rules: all,
        });
        let rule = out.rules.rules.remove(at);
        if derives(&out.rules.rules, &rule) {
            out.minimised += 1;
        } else {
            out.rules.rules.insert(at, rule);
        }
    }
    out.text = format!(
        "# Mined over {} with {} variables, up to {} operations a side; every rule proven at 8, 16, 32 and 64 bits.\nfamily mined\n\n",
        config.ops.join(" "),
        config.vars,
        config.depth
    );
    for r in &out.rules.rules {
        out.text += &format!("{:<12} {}\n", format!("{}:", r.name), r.text);
    }
    Ok(out)
}

/// The width at which derivations are looked for.
const DERIVE_AT: u32 = 32;

/// Whether rules lead from one side of a rule to the other, within small limits.
pub fn derives(rules: &[Rule], goal: &Rule) -> bool {
    let Some(at) = goal.instances(&[DERIVE_AT]).first().copied() else {
        return false;
    };
    let Ok(meaning) = Meaning::new(goal, at) else {
        return false;
    };
    let mut graph = Graph::new(Facts::default());
    let (a, b) = (
        side(&mut graph, &meaning, goal.lhs),
        side(&mut graph, &meaning, goal.rhs),
    );
    graph.rebuild();
    let widths: Vec<u32> = (0..goal.exprs.len() as u32)
        .map(|e| meaning.width(ExprId(e)))
        .collect();
    let fits = |i: &Widths| widths.contains(&i.w) && (i.n == 0 || widths.contains(&i.n));
    let mut instances = Vec::new();
    for r in rules {
        for at in r.instances(&[]).into_iter().filter(fits) {
            instances.extend(Instance::of(r, at).unwrap_or_default());
        }
    }
    let limits = Limits {
        nodes: 1_500,
        rounds: 1,
        matches: 200,
        ban: 2,
        timed: true,
    };
    for _ in 0..4 {
        if graph.find(a) == graph.find(b) {
            return true;
        }
        saturate(&mut graph, &instances, &limits);
        if graph.total_number_of_nodes() > limits.nodes {
            break;
        }
    }
    graph.find(a) == graph.find(b)
}

/// A side of a rule in a graph, its names as variables.
fn side(graph: &mut Graph, m: &Meaning, e: ExprId) -> Id {
    let width = m.width(e);
    match m.rule.exprs.kind(e) {
        ExprKind::Name(n) => graph.add(ENode::new(Op::Var(*n), width, &[])),
        ExprKind::Computed(a) => side(graph, m, *a),
        ExprKind::Op(op, args) => {
            let args: Vec<Id> = args.iter().map(|a| side(graph, m, *a)).collect();
            graph.add(ENode::new(m.op(op), width, &args))
        }
        _ => graph.add(ENode::constant(width, m.literal(e).unwrap_or(0))),
    }
}

/// Which rules of one set another derives.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Names derived.
    pub derived: Vec<String>,
    /// Names not derived.
    pub missing: Vec<String>,
}

/// Which rules of `goals` the rules derive; conditional rules are not asked about.
pub fn coverage(rules: &[Rule], goals: &[Rule]) -> Coverage {
    let mut out = Coverage::default();
    for g in goals.iter().filter(|g| g.conditions.is_empty()) {
        let list = if derives(rules, g) {
            &mut out.derived
        } else {
            &mut out.missing
        };
        list.push(g.name.clone());
    }
    out
}

/// The rules without conditions and constants over some operations: those mining could find.
pub fn within(set: &RuleSet, ops: &[String]) -> Vec<Rule> {
    let mut allowed: Vec<Op> = ops
        .iter()
        .filter_map(|n| operation(n))
        .map(|o| OPERATIONS[o].1)
        .collect();
    if allowed.iter().any(|o| matches!(o, Op::Cmp(_))) {
        // `x != y` is the negation of a comparison.
        allowed.push(Op::Un(UnOp::Not));
    }
    let fits = |r: &&Rule| {
        let Ok(m) = Meaning::new(r, Widths { w: DERIVE_AT, n: 0 }) else {
            return false;
        };
        !r.narrow
            && r.at.contains(&DERIVE_AT)
            && r.conditions.is_empty()
            && r.names.iter().all(|n| !n.constant)
            && (0..r.exprs.len() as u32).all(|e| match r.exprs.kind(ExprId(e)) {
                ExprKind::Op(op, _) => allowed.contains(&m.op(op)),
                _ => true,
            })
    };
    set.rules.iter().filter(fits).cloned().collect()
}
