//! The e-graph in the compiler's pipeline: what each hot block computes purely is saturated with proven rules, and the
//! cheapest graph replaces it.
//!
//! - Regions are what single blocks compute without memory, faults or control ([`super::region`]): guards are boundaries,
//!   nothing known only behind one enters.
//! - Rules: only those whose proofs hold ([`super::verify`]); what comes out is evaluated beside the old graph once
//!   more (law 6). A graph that contradicts itself is dropped.
//! - Limits are counts: e-nodes of a region, of a function. No clock, so the same function gives the same code.
//! - Equal regions (up to the names of their inputs) are saturated once.

use super::compile::Instance;
use super::cost::IrCost;
use super::emit::Emit;
use super::facts::{Fact, Known};
use super::improve::{self, Improved};
use super::lang::{self, ENode};
use super::region;
use super::rule::{Equality, Rule, RuleSet, compiled};
use super::saturate::Limits;
use crate::validate::rewrite::Rewrite;
use egg::{Id, Language, RecExpr};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};
use trinity_codegen::bisect::Bisect;
use trinity_codegen::ir::{
    self, Block, Function, FunctionBuilder, Inst, InstId, Opnd, Scale, SrcLoc, UnOp, Value,
};
use trinity_codegen::isa::concrete::Bits;
use trinity_codegen::isa::{Concrete, TermPool};
use trinity_codegen::opt::region::{Facts, Plan, RegionPass, commit, plan};

/// Budgets of the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Of one region.
    pub region: Limits,
    /// Operations that a region must have to be looked at.
    pub least: usize,
    /// Operations that it may have.
    pub operations: usize,
    /// Steps of the exhaustive search for the cheapest graph of a region.
    pub exact: u32,
    /// Operations in all regions of a function; the innermost loops come first.
    pub function: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            region: Limits {
                nodes: 1500,
                rounds: 5,
                matches: 80,
                ban: 2,
                timed: false,
            },
            least: 3,
            operations: 300,
            exact: 500,
            function: 1500,
        }
    }
}

/// What one rule did in all regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleTotal {
    /// Matches found.
    pub matches: u64,
    /// Matches whose conditions held.
    pub applied: u64,
    /// Applications that changed an e-graph.
    pub changed: u64,
    /// E-nodes added.
    pub nodes: u64,
    /// How often it was banned.
    pub bans: u64,
}

/// What the pass did.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// Regions looked at.
    pub regions: u64,
    /// Of these, answered by an equal one.
    pub known: u64,
    /// Regions replaced.
    pub improved: u64,
    /// Why saturations ended.
    pub stops: BTreeMap<&'static str, u64>,
    /// By rule instance.
    pub rules: BTreeMap<String, RuleTotal>,
    /// Rules that lead from what was there to what replaces it, and how often; where regions are shown.
    pub used: BTreeMap<String, u64>,
}

/// A region for people to read (`--emit=egraph`).
#[derive(Clone, Debug)]
pub struct Shown {
    /// Function and block.
    pub place: String,
    /// Line of its first instruction.
    pub loc: SrcLoc,
    /// Cost before and after, by the costs of nodes.
    pub cost: (Option<u64>, Option<u64>),
    /// The graphs before and after, as text.
    pub graphs: (String, String),
    /// The e-graph for Graphviz.
    pub dot: String,
    /// Rounds, e-nodes, e-classes, why it ended.
    pub saturation: (usize, usize, usize, &'static str),
    /// The rules between the graphs.
    pub used: BTreeMap<String, u32>,
    /// The code was replaced.
    pub replaced: bool,
}

/// Nodes, roots, places that are variables too, and what is known of the variables.
type Question = (Vec<ENode>, Vec<Id>, Vec<(Id, u32)>, Vec<Fact>);
type Answer = Arc<Improved>;

/// The pass. Threads may share it.
#[derive(Debug)]
pub struct EGraphPass {
    budget: Budget,
    bisect: Option<Arc<Bisect>>,
    shown: Option<Mutex<Vec<Shown>>>,
    kept: Option<Mutex<Vec<Rewrite>>>,
    /// Other rules, which nobody proved.
    unproven: Option<Vec<Instance<'static>>>,
    answers: Mutex<HashMap<Question, Answer>>,
    telemetry: Mutex<Telemetry>,
}

fn instances() -> &'static [Instance<'static>] {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    static ALL: OnceLock<Vec<Instance<'static>>> = OnceLock::new();
    ALL.get_or_init(|| instances_of(&compiled::proven(RULES.get_or_init(RuleSet::shipped))))
}

/// Rules at all their widths, each in the way that is said.
fn instances_of(rules: &[(&'static Rule, bool)]) -> Vec<Instance<'static>> {
    let mut out: Vec<Instance<'static>> = Vec::new();
    for &(rule, reverse) in rules {
        if rule.equality == Equality::NanClass {
            continue;
        }
        for at in rule.instances(&[]) {
            // `instances` gives widths at which the rule makes sense.
            let both = Instance::of(rule, at).unwrap_or_default();
            out.extend(both.into_iter().filter(|i| i.reverse == reverse));
        }
    }
    out
}

impl EGraphPass {
    /// With these budgets; rewrites are counted, where somebody looks for one; `show`: regions are kept for people to read.
    pub fn new(budget: Budget, bisect: Option<Arc<Bisect>>, show: bool) -> EGraphPass {
        EGraphPass {
            budget,
            bisect,
            shown: show.then(Mutex::default),
            kept: None,
            unproven: None,
            answers: Mutex::default(),
            telemetry: Mutex::default(),
        }
    }

    /// Keeps every function that is rewritten as it was and as it is ([`Self::kept`]).
    pub fn keeping(mut self, keep: bool) -> EGraphPass {
        self.kept = keep.then(Mutex::default);
        self
    }

    /// Rewrites by these rules alone, which are believed: nobody proved them, and what comes of them is not evaluated. For whoever wants to see what
    /// becomes of a wrong one.
    pub fn believing(mut self, rules: &'static RuleSet) -> EGraphPass {
        let rules: Vec<_> = rules.rules.iter().map(|r| (r, false)).collect();
        self.unproven = Some(instances_of(&rules));
        self
    }

    /// What was rewritten, if that is kept, by the functions' names.
    pub fn kept(&self) -> Vec<Rewrite> {
        let kept = self.kept.as_ref().and_then(|s| s.lock().ok());
        let mut kept = kept.map(|s| s.clone()).unwrap_or_default();
        kept.sort_by_cached_key(|r| (r.before.name.clone(), r.blocks.clone()));
        kept
    }

    /// What it did so far.
    pub fn telemetry(&self) -> Telemetry {
        self.telemetry.lock().map(|t| t.clone()).unwrap_or_default()
    }

    /// The regions in the order in which they were looked at, if they are kept.
    pub fn shown(&self) -> Vec<Shown> {
        let shown = self.shown.as_ref().and_then(|s| s.lock().ok());
        shown.map(|s| s.clone()).unwrap_or_default()
    }

    /// The best graph for one.
    fn ask(
        &self,
        expr: &RecExpr<ENode>,
        roots: &[Id],
        available: Vec<(Id, u32)>,
        inputs: Vec<Fact>,
    ) -> Answer {
        let key = (expr.as_ref().to_vec(), roots.to_vec(), available, inputs);
        if let Ok(answers) = self.answers.lock()
            && let Some(a) = answers.get(&key)
        {
            if let Ok(mut t) = self.telemetry.lock() {
                t.known += 1;
            }
            return a.clone();
        }
        let options = improve::Options {
            limits: self.budget.region,
            nan_class: false,
            explain: self.shown.is_some(),
            exact: self.budget.exact,
        };
        let mut improved = improve::improve_with(
            expr,
            roots,
            &key.2,
            key.3.clone(),
            self.unproven.as_deref().unwrap_or_else(|| instances()),
            &IrCost,
            &options,
            &|| false,
        );
        self.record(&improved);
        if self.unproven.is_none() && !same(expr, roots, &improved, &key.2, &key.3) {
            // The proofs say that this cannot be; what was there stays.
            improved.after = improved.before;
        }
        improved.record.rules.retain(|r| r.changed > 0);
        let answer = Arc::new(improved);
        if let Ok(mut answers) = self.answers.lock() {
            answers.insert(key, answer.clone());
        }
        answer
    }

    fn record(&self, improved: &Improved) {
        let Ok(mut t) = self.telemetry.lock() else {
            return;
        };
        *t.stops.entry(improved.record.stop.as_str()).or_default() += 1;
        for r in improved.record.rules.iter().filter(|r| r.matches > 0) {
            let total = t.rules.entry(r.name.clone()).or_default();
            total.matches += r.matches;
            total.applied += r.applied;
            total.changed += r.changed;
            total.nodes += r.nodes;
            total.bans += u64::from(r.bans);
        }
        for (rule, n) in &improved.used {
            *t.used.entry(rule.clone()).or_default() += u64::from(*n);
        }
    }
}

/// Inputs on which old and new graphs are evaluated once more.
const SAMPLES: u64 = 16;

/// Whether both graphs give the same on some inputs that agree with what is known. The proofs say they do on all.
fn same(
    expr: &RecExpr<ENode>,
    roots: &[Id],
    new: &Improved,
    available: &[(Id, u32)],
    inputs: &[Fact],
) -> bool {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..SAMPLES).all(|round| {
        let mut words: Vec<u128> = inputs
            .iter()
            .map(|k| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let x = match round {
                    0 => 0,
                    1 => u64::MAX,
                    2..=7 => (state >> 33) & 0xff,
                    _ => state ^ state >> 29,
                };
                u128::from(x) & !k.zeros.value | k.ones.value
            })
            .collect();
        let run = |e: &RecExpr<ENode>, roots: &[Id], words: &[u128]| {
            let out = lang::eval(&mut Concrete, e, &mut |_, n, w| {
                Bits::new(w, words.get(n as usize).copied().unwrap_or(0))
            });
            roots
                .iter()
                .map(|r| out[usize::from(*r)].value)
                .collect::<Vec<_>>()
        };
        // What is available is what it is made of.
        let (at, numbers): (Vec<Id>, Vec<u32>) = available.iter().copied().unzip();
        for (n, word) in numbers.into_iter().zip(run(expr, &at, &words)) {
            words[n as usize] = word;
        }
        run(expr, roots, &words) == run(&new.expr, &new.roots, &words)
    })
}

/// What values of hot blocks outside of their own are used.
fn used_elsewhere(f: &Function, facts: &Facts) -> HashSet<Value> {
    let home: HashMap<Value, usize> = f
        .blocks
        .iter()
        .enumerate()
        .flat_map(|(n, b)| b.insts.iter().map(move |id| (n, id)))
        .flat_map(|(n, id)| f.insts[id.index()].results().map(move |v| (v, n)))
        .collect();
    let mut out = HashSet::new();
    for (n, b) in f
        .blocks
        .iter()
        .enumerate()
        .filter(|(n, _)| facts.depth[*n].is_some())
    {
        let mut seen = |v: Value| {
            if home.get(&v).is_some_and(|h| *h != n) {
                out.insert(v);
            }
        };
        for id in &b.insts {
            f.insts[id.index()].inst.for_each_use(&mut seen);
        }
        if let Some(t) = &b.term {
            t.for_each_use(&mut seen);
        }
    }
    out
}

/// What is known of a value's bits.
fn known_of(facts: &Facts, v: Value) -> Fact {
    let zeros = match facts.bits.get(v.index()) {
        Some(n) if *n < 64 => u128::from(u64::MAX << n),
        _ => 0,
    };
    Known::new(64, zeros, 0)
        .unwrap_or(Known::unknown(64))
        .into()
}

/// Whether a product by this is a sum of an address.
fn of_address(f: &Function, b: Opnd) -> bool {
    f.opnd_const(b)
        .is_some_and(|n| Scale::of_product(n).is_some())
}

/// What an instruction costs, in the units of [`IrCost`].
fn price(f: &Function, id: InstId) -> u64 {
    match &f.insts[id.index()].inst {
        // Small ones that are operands are no instructions.
        Inst::Iconst(_) => 8,
        Inst::Fconst(_) => 8,
        Inst::Unary { op, .. } => match op {
            UnOp::Zext32 => 3,
            UnOp::BitsOfFloat | UnOp::FloatOfBits => 10,
            UnOp::Fsqrt => 210,
            UnOp::Ffloor | UnOp::Fceil | UnOp::Ftrunc => 60,
            UnOp::IntToFloat | UnOp::FloatToInt => 70,
            _ => 10,
        },
        Inst::Binary {
            op: ir::BinOp::Shl | ir::BinOp::Shr | ir::BinOp::Sar,
            b: Opnd::Value(_),
            ..
        } => 20,
        Inst::Binary { op, b, .. } => match op {
            ir::BinOp::Imul if of_address(f, *b) => 10,
            ir::BinOp::Imul => 30,
            ir::BinOp::Smulh => 40,
            ir::BinOp::Sdiv | ir::BinOp::Srem => 180,
            ir::BinOp::Sfloor | ir::BinOp::Smod => 110,
            ir::BinOp::Fadd | ir::BinOp::Fsub | ir::BinOp::Fmul => 30,
            ir::BinOp::Fdiv => 130,
            _ => 10,
        },
        Inst::BoolOf(_) | Inst::Select { .. } => 20,
        _ => 10,
    }
}

impl RegionPass for EGraphPass {
    fn run(&self, f: &mut Function, facts: &Facts) -> u32 {
        let depth = &facts.depth;
        let mut order: Vec<Block> = (0..f.blocks.len() as u32)
            .map(Block)
            .filter(|b| {
                let data = &f.blocks[b.index()];
                let often = |d| d > 0 || data.often || has_idioms(f, *b);
                !data.cold && depth[b.index()].is_some_and(often)
            })
            .collect();
        order.sort_by_key(|b| std::cmp::Reverse(depth[b.index()]));
        let mut around = Around {
            elsewhere: used_elsewhere(f, facts),
            gone: HashSet::new(),
        };
        let (mut left, mut plans) = (self.budget.function, Vec::new());
        for b in order {
            let Some(plan) = self.block(f, facts, b, &around, &mut left) else {
                continue;
            };
            around.elsewhere.extend(plan.reads(f));
            let results = plan
                .removed
                .iter()
                .flat_map(|id| f.insts[id.index()].results());
            around.gone.extend(results.filter(|v| !plan.replaces(*v)));
            plans.push(plan);
        }
        let changed = plans.len() as u32;
        let keep = self.kept.as_ref().filter(|_| changed > 0);
        let rewrite = keep.map(|_| Rewrite::of(f, &plans, facts));
        commit(f, plans);
        if let (Some(mut rewrite), Some(Ok(mut kept))) = (rewrite, keep.map(Mutex::lock)) {
            rewrite.after = f.clone();
            kept.push(rewrite);
        }
        if let Ok(mut t) = self.telemetry.lock() {
            t.improved += u64::from(changed);
        }
        changed
    }
}

/// Whether a block has operations that rotations, fields and divisions are written with: then it is looked at outside of loops, too.
fn has_idioms(f: &Function, b: Block) -> bool {
    use ir::BinOp::{Sfloor, Shl, Smod};
    let insts = f.blocks[b.index()].insts.iter();
    insts.map(|id| &f.insts[id.index()].inst).any(|inst| {
        matches!(
            inst,
            Inst::Binary {
                op: Shl | Sfloor | Smod,
                ..
            }
        )
    })
}

/// What a block must know of the others.
struct Around {
    /// Values that other blocks use.
    elsewhere: HashSet<Value>,
    /// Values that are no more: plans before this one took their definitions away.
    gone: HashSet<Value>,
}

impl EGraphPass {
    fn block(
        &self,
        f: &mut Function,
        facts: &Facts,
        block: Block,
        around: &Around,
        left: &mut usize,
    ) -> Option<Plan> {
        let outputs = region::outputs_of(f, block, &facts.bits, &around.elsewhere);
        let mut pool = TermPool::new();
        let region = region::extended(f, block, &outputs, &facts.bits, &around.gone, &mut pool);
        let mut roots: Vec<_> = region.outputs.iter().map(|w| w.1).collect();
        roots.extend(region.condition);
        if roots.is_empty() {
            return None;
        }
        let terms: Vec<_> = roots
            .iter()
            .copied()
            .chain(region.available.iter().map(|a| a.1))
            .collect();
        let (expr, mut places) = lang::from_terms(&pool, &terms).ok()?;
        let operations = improve::operations(&expr);
        if !(self.budget.least..=self.budget.operations).contains(&operations) || operations > *left
        {
            return None;
        }
        *left -= operations;
        if let Ok(mut t) = self.telemetry.lock() {
            t.regions += 1;
        }
        let mut values: Vec<Value> = region.inputs.iter().map(|i| i.0).collect();
        let mut available = Vec::new();
        for (at, (v, _)) in places
            .split_off(roots.len())
            .into_iter()
            .zip(&region.available)
        {
            available.push((at, values.len() as u32));
            values.push(*v);
        }
        let known = values.iter().map(|v| known_of(facts, *v)).collect();
        let answer = self.ask(&expr, &places, available, known);
        let plan = match answer.after < answer.before {
            true => self.replaced(f, block, around, &region, &values, &answer),
            false => None,
        };
        if let Some(shown) = &self.shown
            && let Ok(mut shown) = shown.lock()
        {
            shown.push(show(f, block, (&expr, &places), &answer, plan.is_some()));
        }
        plan
    }

    /// What a better graph makes of a block, if that is cheaper as instructions, too.
    fn replaced(
        &self,
        f: &mut Function,
        block: Block,
        around: &Around,
        region: &region::Extended,
        values: &[Value],
        answer: &Improved,
    ) -> Option<Plan> {
        let (better, roots) = (&answer.expr, &answer.roots);
        // New code, in a block that is taken away again.
        let loc = f.blocks[block.index()].insts.first();
        let loc = loc.map_or(SrcLoc(0), |id| f.insts[id.index()].loc);
        let mut builder = FunctionBuilder::resume(std::mem::take(f), loc);
        let mut emit = Emit::new(&mut builder, values, better);
        let outputs = region.outputs.iter().zip(roots);
        let made: Result<Vec<Value>, _> = outputs.map(|(w, r)| emit.root(*r, w.2)).collect();
        let condition = region.condition.and(roots.last());
        let condition = condition.map(|r| emit.condition(*r)).transpose();
        *f = builder.finish();
        let scratch = f.blocks.pop().map(|b| b.insts).unwrap_or_default();
        let (made, condition) = (made.ok()?, condition.ok()?);
        let pairs = region.outputs.iter().map(|w| w.0).zip(made);
        let map: HashMap<Value, Value> = pairs.filter(|(a, b)| a != b).collect();
        let plan = plan(f, block, &scratch, map, condition, &|v| {
            around.elsewhere.contains(&v)
        })?;
        let cost = |ids: &[InstId]| ids.iter().map(|id| price(f, *id)).sum::<u64>();
        let (before, after) = (cost(&plan.removed), cost(&plan.added));
        let allowed = |b: &Bisect| {
            let what = format_args!(
                "egraph {} block {}: cost {before} to {after}",
                f.name, block.0
            );
            b.allows(&what)
        };
        let there = plan.reads(f).iter().all(|v| !around.gone.contains(v));
        let better = after < before && there && self.bisect.as_deref().is_none_or(allowed);
        better.then_some(plan)
    }
}

/// Nodes of a graph as text, one a line, roots last.
fn text(expr: &RecExpr<ENode>, roots: &[Id]) -> String {
    let mut out = String::new();
    for (n, node) in expr.as_ref().iter().enumerate() {
        let args: Vec<String> = node.children().iter().map(|c| format!(" n{c}")).collect();
        out.push_str(&format!("    n{n} = {node}{}\n", args.concat()));
    }
    let roots: Vec<String> = roots.iter().map(|r| format!(" n{r}")).collect();
    out.push_str(&format!("    roots{}\n", roots.concat()));
    out
}

fn show(
    f: &Function,
    block: Block,
    (expr, places): (&RecExpr<ENode>, &[Id]),
    answer: &Improved,
    replaced: bool,
) -> Shown {
    let first = f.blocks[block.index()].insts.first();
    let record = &answer.record;
    Shown {
        place: format!("{} block {}", f.name, block.0),
        loc: first.map_or(SrcLoc(0), |id| f.insts[id.index()].loc),
        cost: (answer.before, answer.after),
        graphs: (text(expr, places), text(&answer.expr, &answer.roots)),
        dot: answer.dot.clone(),
        saturation: (
            record.rounds,
            record.nodes,
            record.classes,
            record.stop.as_str(),
        ),
        used: answer.used.clone(),
        replaced,
    }
}
