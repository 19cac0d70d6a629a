//! Rules as patterns of the e-graph, one for each instance of widths and each direction.

use super::analysis::Graph;
use super::facts::{Bounds, Fact};
use super::lang::{ENode, Op, from_terms};
use super::rule::{ExprId, ExprKind, Meaning, Rule, Widths};
use egg::{ENodeOrVar, Id, Language, Pattern, PatternAst, RecExpr, Subst, Symbol, Var};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use trinity_codegen::isa::concrete::Bits;
use trinity_codegen::isa::{Concrete, TermId, TermPool};

/// An instance of a rule ready to match.
#[derive(Clone, Debug)]
pub struct Instance<'r> {
    /// The rule at its widths.
    pub meaning: Meaning<'r>,
    /// Whether it rewrites right to left.
    pub reverse: bool,
    /// Rule, widths and direction, as explanations name it.
    pub name: Symbol,
    /// What it matches: as written, and as terms write it where that differs.
    pub patterns: Vec<Pattern<ENode>>,
    /// For each: the operations that an e-graph must have, with their widths.
    pub needs: Vec<Vec<(Op, u8)>>,
    /// For each: these operations as a set that may hold more ([`OpSet`]).
    pub masks: Vec<OpSet>,
    replacement: PatternAst<ENode>,
    computed: Vec<(Var, ExprId)>,
}

/// Operations, or more than these: 256 bits by their hashes. Most rules are about operations that a graph does not have, which this tells at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpSet([u64; 4]);

impl OpSet {
    /// Adds one.
    pub fn add(&mut self, op: (Op, u8)) {
        let mut hasher = DefaultHasher::new();
        op.hash(&mut hasher);
        let n = hasher.finish() as usize;
        self.0[n >> 6 & 3] |= 1 << (n & 63);
    }
    /// Whether all of another's may be here.
    pub fn may_have(&self, other: &OpSet) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a & b == b)
    }
}

impl FromIterator<(Op, u8)> for OpSet {
    fn from_iter<T: IntoIterator<Item = (Op, u8)>>(ops: T) -> OpSet {
        let mut set = OpSet::default();
        ops.into_iter().for_each(|op| set.add(op));
        set
    }
}

/// The pattern variable of a name.
fn name_var(n: u32) -> Var {
    Var::from_u32(n)
}

struct Build<'m, 'r> {
    meaning: &'m Meaning<'r>,
    ast: PatternAst<ENode>,
    done: HashMap<ExprId, Id>,
    computed: Vec<(Var, ExprId)>,
}

impl Build<'_, '_> {
    fn closed(&self, e: ExprId) -> bool {
        let x = &self.meaning.rule.exprs;
        let mut closed = true;
        x.walk(e, &mut |e| {
            closed &= !matches!(x.kind(e), ExprKind::Name(_))
        });
        closed
    }
    fn add(&mut self, e: ExprId) -> Id {
        if let Some(id) = self.done.get(&e) {
            return *id;
        }
        let (m, width) = (self.meaning, self.meaning.width(e));
        let node = if self.closed(e) {
            let zeros: Vec<Bits> = vec![Bits::new(1, 0); m.rule.names.len()];
            ENodeOrVar::ENode(ENode::constant(
                width,
                m.eval(&mut Concrete, e, &zeros).value,
            ))
        } else {
            match m.rule.exprs.kind(e) {
                ExprKind::Name(n) if m.rule.names[*n as usize].computed.is_some() => {
                    self.compute(e)
                }
                ExprKind::Name(n) => ENodeOrVar::Var(name_var(*n)),
                ExprKind::Computed(a) => self.compute(*a),
                ExprKind::Op(op, args) => {
                    let args: Vec<Id> = args.iter().map(|a| self.add(*a)).collect();
                    ENodeOrVar::ENode(ENode::new(m.op(op), width, &args))
                }
                // Literals are closed.
                _ => ENodeOrVar::ENode(ENode::constant(width, 0)),
            }
        };
        let id = self.ast.add(node);
        self.done.insert(e, id);
        id
    }
    fn compute(&mut self, e: ExprId) -> ENodeOrVar<ENode> {
        let var = Var::from_u32((self.meaning.rule.names.len() + self.computed.len()) as u32);
        self.computed.push((var, e));
        ENodeOrVar::Var(var)
    }
}

/// The side of a rule as terms write it: folded, in canonical order.
fn canonical(m: &Meaning, side: ExprId) -> Option<PatternAst<ENode>> {
    let mut pool = TermPool::new();
    let names: Vec<TermId> = (0..m.rule.names.len())
        .map(|n| pool.var(&format!("n{n}"), m.name_width(n)))
        .collect();
    let root = m.eval(&mut pool, side, &names);
    let (expr, _) = from_terms(&pool, &[root]).ok()?;
    let mut out = PatternAst::default();
    for node in expr.as_ref() {
        // Same positions: patterns and expressions grow in step.
        out.add(match node.op {
            Op::Var(n) => ENodeOrVar::Var(name_var(n)),
            _ => ENodeOrVar::ENode(*node),
        });
    }
    Some(out)
}

fn operations(ast: &PatternAst<ENode>) -> Vec<(Op, u8)> {
    let node = |n: &ENodeOrVar<ENode>| match n {
        ENodeOrVar::ENode(n) => Some(n.discriminant()),
        ENodeOrVar::Var(_) => None,
    };
    ast.as_ref().iter().filter_map(node).collect()
}

fn vars(ast: &PatternAst<ENode>) -> Vec<Var> {
    let mut out: Vec<Var> = ast
        .as_ref()
        .iter()
        .filter_map(|n| match n {
            ENodeOrVar::Var(v) => Some(*v),
            ENodeOrVar::ENode(_) => None,
        })
        .collect();
    out.sort();
    out.dedup();
    out
}

impl<'r> Instance<'r> {
    /// The instances of a rule at widths: one, or two for a rule that goes both ways.
    ///
    /// # Errors
    /// When the rule makes no sense at these widths.
    pub fn of(rule: &'r Rule, at: Widths) -> Result<Vec<Instance<'r>>, super::rule::RuleError> {
        let meaning = Meaning::new(rule, at)?;
        let ways: &[bool] = if rule.both_ways {
            &[false, true]
        } else {
            &[false]
        };
        Ok(ways.iter().map(|r| Instance::one(&meaning, *r)).collect())
    }
    fn one(meaning: &Meaning<'r>, reverse: bool) -> Instance<'r> {
        let rule = meaning.rule;
        let (from, to) = if reverse {
            (rule.rhs, rule.lhs)
        } else {
            (rule.lhs, rule.rhs)
        };
        let build = |e: ExprId| {
            let mut b = Build {
                meaning,
                ast: RecExpr::default(),
                done: HashMap::new(),
                computed: Vec::new(),
            };
            b.add(e);
            b
        };
        let written = build(from).ast;
        let mut patterns = vec![Pattern::new(written.clone())];
        if let Some(other) = canonical(meaning, from)
            && other != written
            && vars(&other) == vars(&written)
            && other.as_ref().last().is_some_and(|n| !n.is_leaf())
        {
            patterns.push(Pattern::new(other));
        }
        let needs: Vec<_> = patterns.iter().map(|p| operations(&p.ast)).collect();
        let masks = needs.iter().map(|n| n.iter().copied().collect()).collect();
        let to = build(to);
        let Widths { w, n } = meaning.at;
        let widths = if rule.narrow {
            format!("{w}.{n}")
        } else {
            w.to_string()
        };
        let back = if reverse { "~" } else { "" };
        Instance {
            meaning: meaning.clone(),
            reverse,
            name: Symbol::from(format!("{}@{widths}{back}", rule.name)),
            patterns,
            needs,
            masks,
            replacement: to.ast,
            computed: to.computed,
        }
    }

    /// Applies the rule at one match of its n-th pattern, if its conditions are known to hold. `None` if they are not,
    /// else whether anything changed.
    pub fn apply(&self, graph: &mut Graph, pattern: usize, subst: &Subst) -> Option<bool> {
        let m = &self.meaning;
        let rule = m.rule;
        let mut values: Vec<Bits> = Vec::with_capacity(rule.names.len());
        let mut facts: Vec<Fact> = Vec::with_capacity(rule.names.len());
        for (n, name) in rule.names.iter().enumerate() {
            let width = m.name_width(n);
            let known = match subst.get(name_var(n as u32)) {
                Some(id) => graph[*id].data,
                None => Fact::unknown(width),
            };
            // Comparisons, extensions and extractions do not say how wide their operands are.
            if name.computed.is_none() && known.width() != width {
                return None;
            }
            let value = known.value();
            if name.constant && name.computed.is_none() && value.is_none() {
                return None;
            }
            values.push(Bits::new(width, value.unwrap_or(0)));
            facts.push(known);
        }
        m.complete(&mut values)?;
        for (n, name) in rule.names.iter().enumerate() {
            if name.computed.is_some() {
                facts[n] = Fact::constant(values[n].width, values[n].value);
            }
        }
        for c in &rule.conditions {
            if m.eval(&mut Bounds, *c, &facts).value() != Some(1) {
                return None;
            }
        }
        let mut full = subst.clone();
        for (var, e) in &self.computed {
            let value = m.eval(&mut Concrete, *e, &values);
            let id = graph.add(ENode::constant(value.width, value.value));
            full.insert(*var, id);
        }
        let from = &self.patterns[pattern].ast;
        Some(
            graph
                .union_instantiations(from, &self.replacement, &full, self.name)
                .1,
        )
    }
}
