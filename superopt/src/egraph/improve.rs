//! Saturate, extract, explain, prove again.
//!
//! Whatever comes out was proven twice: every step is an instance of a rule that was proven, and the whole is put to the
//! proof ladder as if nothing were known of how it came about. Only the second makes it usable.

use super::analysis::{Facts, Graph};
use super::compile::Instance;
use super::emit::{Emit, NoIr};
use super::extract::{Cost, EXACT_STEPS, extract};
use super::facts::Fact;
use super::lang::{self, ENode, NotPure, Op};
use super::region::{self, NotInRegion, Region};
use super::rule::{Equality, RuleSet};
use super::saturate::{Limits, Record, Stop, saturate_until};
use crate::proof::{self, Claim, Pair, ProofResult, Query};
use crate::report::verdict::{Verdict, VerdictKind};
use crate::solver::SolverPool;
use egg::{Id, Language, RecExpr, Symbol};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use trinity_codegen::ir::{Block, Function, FunctionBuilder, PReg, Type, Value};
use trinity_codegen::isa::{Domain, TermId, TermPool};

/// How to improve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Limits of saturation.
    pub limits: Limits,
    /// Whether rules that change which NaN comes out may be used: only where nobody can see it.
    pub nan_class: bool,
    /// Whether to keep the e-graph's explanation.
    pub explain: bool,
    /// Steps of the exhaustive search for the cheapest graph.
    pub exact: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            limits: Limits::default(),
            nan_class: false,
            explain: false,
            exact: EXACT_STEPS,
        }
    }
}

/// What saturation and extraction made of an expression graph.
#[derive(Clone, Debug)]
pub struct Improved {
    /// The better graph; the given one when nothing better was found.
    pub expr: RecExpr<ENode>,
    /// The place of each root.
    pub roots: Vec<Id>,
    /// Cost of the given graph; `None` if the target cannot compute it.
    pub before: Option<u64>,
    /// Cost of the better one.
    pub after: Option<u64>,
    /// Whether no graph in the e-graph is cheaper.
    pub exact: bool,
    /// For each root: how the e-graph leads from the old expression to the new one, shared parts named.
    pub explanation: Vec<String>,
    /// The rules the explanations use, and how often.
    pub used: BTreeMap<String, u32>,
    /// The e-graph for Graphviz, where explanations were asked for.
    pub dot: String,
    /// What saturation did.
    pub record: Record,
}

/// The rules that match at widths which occur.
pub fn instances<'r>(
    rules: &'r RuleSet,
    widths: &BTreeSet<u32>,
    nan_class: bool,
) -> Vec<Instance<'r>> {
    let mut out = Vec::new();
    for rule in &rules.rules {
        if rule.equality == Equality::NanClass && !nan_class {
            continue;
        }
        for at in rule.instances(&[]) {
            if widths.contains(&at.w) && (at.n == 0 || widths.contains(&at.n)) {
                // `instances` gives widths at which the rule makes sense.
                out.extend(Instance::of(rule, at).unwrap_or_default());
            }
        }
    }
    out
}

/// The part of an expression graph under a root.
fn part(expr: &RecExpr<ENode>, root: Id) -> RecExpr<ENode> {
    expr[root].build_recexpr(|id| expr[id])
}

/// Improves an expression graph; `inputs` is what is known of its variables on every input.
pub fn improve(
    expr: &RecExpr<ENode>,
    roots: &[Id],
    inputs: Vec<Fact>,
    rules: &RuleSet,
    cost: &dyn Cost,
    options: &Options,
) -> Improved {
    improve_until(expr, roots, inputs, rules, cost, options, &|| false)
}

/// As [`improve`]; `over` ends saturation early, and what was found until then is extracted.
pub fn improve_until(
    expr: &RecExpr<ENode>,
    roots: &[Id],
    inputs: Vec<Fact>,
    rules: &RuleSet,
    cost: &dyn Cost,
    options: &Options,
    over: &dyn Fn() -> bool,
) -> Improved {
    let widths: BTreeSet<u32> = expr.as_ref().iter().map(ENode::bits).collect();
    let rules = instances(rules, &widths, options.nan_class);
    improve_with(expr, roots, &[], inputs, &rules, cost, options, over)
}

/// As [`improve_until`], with rules that are compiled already. `available` are places of the graph whose words are variables
/// too, by number: they cost nothing.
#[allow(clippy::too_many_arguments)]
pub fn improve_with(
    expr: &RecExpr<ENode>,
    roots: &[Id],
    available: &[(Id, u32)],
    inputs: Vec<Fact>,
    rules: &[Instance<'_>],
    cost: &dyn Cost,
    options: &Options,
    over: &dyn Fn() -> bool,
) -> Improved {
    let mut graph: Graph = Graph::new(Facts {
        contradictions: 0,
        inputs,
    });
    if options.explain {
        graph = graph.with_explanations_enabled();
    }
    // Every node of the graph, so that all roots share what they share.
    let mut place: Vec<Id> = Vec::with_capacity(expr.len());
    for node in expr.as_ref() {
        let node = node.map_children(|c| place[usize::from(c)]);
        place.push(graph.add(node));
    }
    for (at, n) in available {
        let at = place[usize::from(*at)];
        let width = graph[at].data.width();
        let var = graph.add(ENode::new(Op::Var(*n), width, &[]));
        graph.union_trusted(at, var, "available");
    }
    let classes: Vec<Id> = roots.iter().map(|r| place[usize::from(*r)]).collect();
    graph.rebuild();
    let price = |graph: &Graph| -> Option<u64> {
        let mut need: BTreeSet<Id> = roots.iter().copied().collect();
        let mut total = 0;
        for i in (0..expr.len()).rev().map(Id::from) {
            if need.contains(&i) && !available.iter().any(|a| a.0 == i) {
                let node = expr[i];
                need.extend(node.children());
                let node = node.map_children(|c| place[usize::from(c)]);
                total += cost.node(graph, &node)?;
            }
        }
        Some(total)
    };
    let before = price(&graph);
    let record = saturate_until(&mut graph, rules, &options.limits, over);
    let mut out = Improved {
        expr: expr.clone(),
        roots: roots.to_vec(),
        before,
        after: before,
        exact: false,
        explanation: Vec::new(),
        used: BTreeMap::new(),
        dot: String::new(),
        record,
    };
    if options.explain {
        out.dot = graph.dot().to_string();
    }
    if out.record.stop == Stop::Contradiction {
        return out;
    }
    let Some(best) = extract(&graph, &classes, cost, options.exact) else {
        return out;
    };
    out.exact = best.exact;
    if before.is_some_and(|b| best.cost >= b) {
        return out;
    }
    if options.explain {
        for (old, new) in roots.iter().zip(&best.roots) {
            let mut why = graph.explain_equivalence(&part(expr, *old), &part(&best.expr, *new));
            out.explanation.push(why.get_string_with_let());
            for step in why.make_flat_explanation() {
                count_rules(step, &mut out.used);
            }
        }
    }
    out.after = Some(best.cost);
    out.expr = best.expr;
    out.roots = best.roots;
    out
}

fn count_rules(term: &egg::FlatTerm<ENode>, used: &mut BTreeMap<String, u32>) {
    let rules: [Option<Symbol>; 2] = [term.forward_rule, term.backward_rule];
    for rule in rules.into_iter().flatten() {
        *used.entry(rule.to_string()).or_default() += 1;
    }
    for child in &term.children {
        count_rules(child, used);
    }
}

/// An expression graph as terms of a pool; `vars` gives the terms of its variables.
pub fn to_terms(
    pool: &mut TermPool,
    expr: &RecExpr<ENode>,
    roots: &[Id],
    vars: &[TermId],
) -> Vec<TermId> {
    let words = lang::eval(pool, expr, &mut |p, n, width| match vars.get(n as usize) {
        Some(t) => *t,
        None => p.undefined(width),
    });
    roots.iter().map(|r| words[usize::from(*r)]).collect()
}

/// The variables of a pool as terms, by number.
fn variables(pool: &TermPool) -> Vec<TermId> {
    let mut out = vec![TermId(0); pool.variables().len()];
    for t in (0..pool.len() as u32).map(TermId) {
        if let trinity_codegen::isa::Node::Var(n) = pool.node(t) {
            out[n as usize] = t;
        }
    }
    out
}

/// A cheaper graph for terms of a search target, in the same pool; not proven by the ladder yet.
///
/// # Errors
/// When a term depends on memory.
pub fn improve_terms(
    pool: &mut TermPool,
    roots: &[TermId],
    rules: &RuleSet,
    cost: &dyn Cost,
    options: &Options,
) -> Result<(Vec<TermId>, Improved), NotPure> {
    let (expr, places) = lang::from_terms(pool, roots)?;
    let inputs = pool
        .variables()
        .iter()
        .map(|v| Fact::unknown(v.width))
        .collect();
    let improved = improve(&expr, &places, inputs, rules, cost, options);
    let vars = variables(pool);
    let terms = to_terms(pool, &improved.expr, &improved.roots, &vars);
    Ok((terms, improved))
}

/// Why a region was left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionError {
    /// An output is not computed by the block.
    Output(NotInRegion),
    /// The result has no IR.
    Emit(NoIr),
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegionError::Output(e) => e.fmt(f),
            RegionError::Emit(e) => e.fmt(f),
        }
    }
}
impl std::error::Error for RegionError {}

/// An improved region.
#[derive(Clone, Debug)]
pub struct ImprovedRegion {
    /// The region as it was.
    pub region: Region,
    /// What became of it.
    pub improved: Improved,
    /// The proof that both compute the same.
    pub proof: ProofResult,
}

impl ImprovedRegion {
    /// Whether the result may be used: cheaper, and proven equal.
    pub fn usable(&self) -> bool {
        self.improved.after < self.improved.before
            && self.proof.verdict.kind() == VerdictKind::Proven
    }
    /// Writes the result to a function's current block; `inputs` are the values of [`Region::inputs`]. Gives the
    /// values of [`Region::outputs`].
    ///
    /// # Errors
    /// When an operation has no IR.
    pub fn emit(
        &self,
        builder: &mut FunctionBuilder,
        inputs: &[Value],
    ) -> Result<Vec<Value>, NoIr> {
        let mut emit = Emit::new(builder, inputs, &self.improved.expr);
        let outputs = self.region.outputs.iter().zip(&self.improved.roots);
        outputs
            .map(|((_, _, ty), root)| emit.root(*root, *ty))
            .collect()
    }
    /// The result as a function of its own, inputs and outputs in registers as they come.
    ///
    /// # Errors
    /// When an operation has no IR, or there are more inputs or outputs of a kind than registers.
    pub fn function(&self, name: &str) -> Result<Function, RegionError> {
        let mut free = [PReg::ALL[..16].to_vec(), PReg::ALL[16..].to_vec()];
        free[0].retain(|r| r.is_allocatable());
        let mut back = free.clone();
        let take = |free: &mut [Vec<PReg>; 2], ty: Type| {
            let list = &mut free[usize::from(ty == Type::F64)];
            (!list.is_empty())
                .then(|| list.remove(0))
                .ok_or(RegionError::Emit(NoIr::Operation("more registers".into())))
        };
        let mut params = Vec::new();
        for (_, ty) in &self.region.inputs {
            params.push((*ty, take(&mut free, *ty)?));
        }
        let mut b = FunctionBuilder::new(name, &params);
        let inputs: Vec<Value> = (0..params.len()).map(|n| b.param(n)).collect();
        let values = self.emit(&mut b, &inputs).map_err(RegionError::Emit)?;
        let mut rets = Vec::new();
        for (v, (_, _, ty)) in values.into_iter().zip(&self.region.outputs) {
            rets.push((v, take(&mut back, *ty)?));
        }
        b.ret(&rets);
        Ok(b.finish())
    }
}

/// Improves what a block computes purely. `outputs` are values to keep; [`region::region_outputs`] gives those that
/// anybody reads.
///
/// # Errors
/// When an output is not computed by a pure instruction of the block.
pub fn optimize_region(
    func: &Function,
    block: Block,
    outputs: &[Value],
    rules: &RuleSet,
    options: &Options,
    limits: &proof::Limits<'_>,
    solvers: &SolverPool,
) -> Result<ImprovedRegion, RegionError> {
    let region = region::region_terms(func, block, outputs).map_err(RegionError::Output)?;
    let mut pool = region.pool.clone();
    let roots: Vec<TermId> = region.outputs.iter().map(|o| o.1).collect();
    let improve = improve_terms(&mut pool, &roots, rules, &super::cost::IrCost, options);
    // A region has no memory.
    let (terms, improved) =
        improve.map_err(|_| RegionError::Emit(NoIr::Operation("memory".into())))?;
    let (old, new) = if options.nan_class {
        // Both sides once more, with NaNs as one value.
        let (old, places) = lang::from_terms(&pool, &roots)
            .map_err(|_| RegionError::Emit(NoIr::Operation("memory".into())))?;
        let vars = variables(&pool);
        let mut d = super::verify::ieee::Ieee {
            pool: &mut pool,
            nan_class: true,
        };
        let eval =
            |d: &mut super::verify::ieee::Ieee, e: &RecExpr<ENode>, roots: &[Id]| -> Vec<TermId> {
                let words = lang::eval(d, e, &mut |_, n, _| vars[n as usize]);
                roots.iter().map(|r| words[usize::from(*r)]).collect()
            };
        let left = eval(&mut d, &old, &places);
        (left, eval(&mut d, &improved.expr, &improved.roots))
    } else {
        (roots, terms)
    };
    let pairs = old.iter().zip(&new).enumerate();
    let query = Query {
        claim: Claim::Equivalence,
        ..Query::words(
            pairs
                .map(|(n, (a, b))| Pair::new(&format!("out{n}"), *a, *b))
                .collect(),
        )
    };
    let mut proof = proof::prove(&mut pool, &query, limits, solvers);
    if improved.record.stop == Stop::Contradiction {
        proof.verdict = Verdict::Error {
            why: "the e-graph contradicts itself".into(),
        };
    }
    Ok(ImprovedRegion {
        region,
        improved,
        proof,
    })
}

/// The operations of an expression graph that are no leaves: for counting.
pub fn operations(expr: &RecExpr<ENode>) -> usize {
    expr.as_ref()
        .iter()
        .filter(|n| !matches!(n.op, Op::Const(_) | Op::Var(_)))
        .count()
}
