//! Rules found by machine, as Ruler does (Nandi et al., OOPSLA 2021): enumerate small terms, put together those that
//! agree on many values at several widths, keep what the rules so far do not already derive, prove it at all widths,
//! and drop what the others derive.

use super::analysis::{Facts, Graph};
use super::compile::Instance;
use super::lang::{self, ENode, Op};
use super::rule::{ExprId, ExprKind, Meaning, Rule, RuleSet, WIDTHS, Widths};
use super::saturate::{Limits, saturate};
use super::verify::{Budget, prove, sample};
use crate::report::verdict::Verdict;
use crate::solver::SolverPool;
use egg::Id;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};
use trinity_codegen::isa::concrete::{Bits, mask};
use trinity_codegen::isa::{BinOp, Concrete, UnOp};

/// What to mine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MineConfig {
    /// Operations, by the names of [`OPERATIONS`].
    pub ops: Vec<String>,
    /// Variables, at most 3.
    pub vars: u32,
    /// Constants besides the variables: 0, 1 and all ones, or none.
    pub constants: bool,
    /// Operations in the larger side, at most 3.
    pub depth: u32,
    /// Most terms kept at one size.
    pub terms: usize,
    /// Most candidates looked at.
    pub candidates: usize,
    /// Time; stops the search, what was proven until then stays.
    pub deadline: Option<Duration>,
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
            constants: true,
            depth: 2,
            terms: 3_000,
            candidates: 4_000,
            deadline: None,
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
];

/// Values every term is compared on, for each width.
const VALUES: usize = 24;

/// A term over variables and small constants.
#[derive(Clone, Debug)]
enum Term {
    Var(u32),
    Const(i8),
    Op(usize, Vec<usize>),
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

struct Terms {
    all: Vec<Term>,
    /// Operations in each.
    sizes: Vec<u32>,
    /// Values, [`VALUES`] for each width.
    values: Vec<Vec<u64>>,
}

impl Terms {
    fn text(&self, t: usize, names: &mut Vec<u32>) -> String {
        match &self.all[t] {
            Term::Var(v) => {
                let n = names.iter().position(|n| n == v).unwrap_or_else(|| {
                    names.push(*v);
                    names.len() - 1
                });
                ["x", "y", "z"][n].to_owned()
            }
            Term::Const(c) => c.to_string(),
            Term::Op(op, args) => {
                let (_, kind, sign) = OPERATIONS[*op];
                let args: Vec<String> = args.iter().map(|a| self.text(*a, names)).collect();
                let inner = |i: usize| -> String {
                    let a = &args[i];
                    if a.contains(' ') || a.starts_with('-') {
                        format!("({a})")
                    } else {
                        a.clone()
                    }
                };
                match (kind, sign.starts_with(|c: char| c.is_ascii_alphabetic())) {
                    (_, true) => format!("{sign}({})", args.join(", ")),
                    (Op::Un(_), _) => format!("{sign}{}", inner(0)),
                    _ => format!("{} {sign} {}", inner(0), inner(1)),
                }
            }
        }
    }
    fn vars(&self, t: usize, out: &mut BTreeSet<u32>) {
        match &self.all[t] {
            Term::Var(v) => drop(out.insert(*v)),
            Term::Const(_) => {}
            Term::Op(_, args) => args.iter().for_each(|a| self.vars(*a, out)),
        }
    }
    fn constants(&self, t: usize) -> u32 {
        match &self.all[t] {
            Term::Var(_) => 0,
            Term::Const(_) => 1,
            Term::Op(_, args) => args.iter().map(|a| self.constants(*a)).sum(),
        }
    }
}

/// Mines rules.
///
/// # Errors
/// When the configuration names an operation that cannot be mined.
pub fn mine(
    config: &MineConfig,
    solvers: &SolverPool,
    progress: &mut dyn FnMut(MineProgress),
) -> Result<Mined, NoSuchOperation> {
    let start = Instant::now();
    let late = || config.deadline.is_some_and(|d| start.elapsed() >= d);
    let mut ops = Vec::new();
    for name in &config.ops {
        let found = OPERATIONS.iter().position(|o| o.0 == name);
        ops.push(found.ok_or_else(|| NoSuchOperation(name.clone()))?);
    }
    let (terms, pairs) = enumerate(config, &ops, &late);
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
        derived: 0,
        unproven: 0,
        minimised: 0,
        stopped: false,
    };
    let budget = Budget {
        time: Some(Duration::from_secs(10)),
        ..Budget::default()
    };
    let total = candidates.len();
    for (n, (_, _, _, text)) in candidates.into_iter().enumerate() {
        if late() {
            out.stopped = true;
            break;
        }
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
            meaning.is_ok_and(|m| prove::instance(&m, &budget, solvers).verdict == Verdict::Proven)
        });
        if proven {
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

/// A candidate as a rule's text: the larger side first; both ways when neither is larger.
fn orient(terms: &Terms, a: usize, b: usize) -> Option<String> {
    let (mut va, mut vb) = (BTreeSet::new(), BTreeSet::new());
    terms.vars(a, &mut va);
    terms.vars(b, &mut vb);
    let weight = |t: usize| (terms.sizes[t], terms.constants(t));
    let (from, to, vf, vt) = if weight(a) >= weight(b) {
        (a, b, va, vb)
    } else {
        (b, a, vb, va)
    };
    if !vt.is_subset(&vf) {
        return None;
    }
    let mut names = Vec::new();
    let (left, right) = (terms.text(from, &mut names), terms.text(to, &mut names));
    let both = terms.sizes[from] == terms.sizes[to] && vf == vt && terms.sizes[to] > 0;
    (left != right).then(|| format!("{left} {} {right}", if both { "<=>" } else { "=>" }))
}

/// The terms up to the size asked for, one for each class of values, and the pairs that fell together.
fn enumerate(
    config: &MineConfig,
    ops: &[usize],
    late: &dyn Fn() -> bool,
) -> (Terms, Vec<(usize, usize)>) {
    let mut rng = SmallRng::seed_from_u64(config.seed);
    let mut terms = Terms {
        all: Vec::new(),
        sizes: Vec::new(),
        values: Vec::new(),
    };
    let mut classes: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut pairs = Vec::new();
    let mut samples: Vec<Vec<u64>> = vec![Vec::new(); config.vars.min(3) as usize];
    for w in WIDTHS {
        for _ in 0..VALUES {
            let mut others = Vec::new();
            for v in &mut samples {
                let value = sample::stratified(&mut rng, w, w, &others);
                others.push(Bits::new(w, value));
                v.push(value as u64);
            }
        }
    }
    let mut leaves = Vec::new();
    for (n, values) in samples.into_iter().enumerate() {
        leaves.push((Term::Var(n as u32), values));
    }
    for c in if config.constants {
        vec![0i8, 1, -1]
    } else {
        Vec::new()
    } {
        let values = WIDTHS
            .iter()
            .flat_map(|w| [(i128::from(c) as u128 & mask(*w)) as u64; VALUES]);
        leaves.push((Term::Const(c), values.collect()));
    }
    let mut by_size: Vec<Vec<usize>> = vec![Vec::new(); config.depth.min(3) as usize + 1];
    let mut add = |terms: &mut Terms,
                   pairs: &mut Vec<(usize, usize)>,
                   t: Term,
                   size: u32,
                   values: Vec<u64>| {
        let id = terms.all.len();
        terms.all.push(t);
        terms.sizes.push(size);
        terms.values.push(values.clone());
        let first = *classes.entry(values).or_insert(id);
        if first != id {
            pairs.push((id, first));
        }
        first == id
    };
    for (t, values) in leaves {
        let id = terms.all.len();
        if add(&mut terms, &mut pairs, t, 0, values) {
            by_size[0].push(id);
        }
    }
    for size in 1..by_size.len() {
        let mut new = Vec::new();
        let mut made = 0;
        'size: for &op in ops {
            let kind = OPERATIONS[op].1;
            let operands: Vec<Vec<usize>> = if kind.arity() == 1 {
                by_size[size - 1].iter().map(|a| vec![*a]).collect()
            } else {
                let mut out = Vec::new();
                for left in 0..size {
                    for a in &by_size[left] {
                        out.extend(by_size[size - 1 - left].iter().map(|b| vec![*a, *b]));
                    }
                }
                out
            };
            for args in operands {
                // Exchanged operands are one rule, found at size 1.
                let commutes = matches!(kind, Op::Bin(o) if o.commutes());
                if size > 1 && commutes && args[0] > args[1] {
                    continue;
                }
                if made >= config.terms * ops.len() || late() {
                    break 'size;
                }
                made += 1;
                let values: Vec<u64> = (0..VALUES * WIDTHS.len())
                    .map(|i| {
                        let w = WIDTHS[i / VALUES];
                        let args: Vec<Bits> = args
                            .iter()
                            .map(|a| Bits::new(w, terms.values[*a][i].into()))
                            .collect();
                        lang::apply(&mut Concrete, kind, w, &args).value as u64
                    })
                    .collect();
                let id = terms.all.len();
                if add(
                    &mut terms,
                    &mut pairs,
                    Term::Op(op, args),
                    size as u32,
                    values,
                ) && new.len() < config.terms
                {
                    new.push(id);
                }
            }
        }
        by_size[size] = new;
    }
    (terms, pairs)
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
    let allowed: Vec<Op> = OPERATIONS
        .iter()
        .filter(|o| ops.iter().any(|n| n == o.0))
        .map(|o| o.1)
        .collect();
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
