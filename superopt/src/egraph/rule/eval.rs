//! A rule's expressions in any domain, at one instance of its widths.

use super::syntax::{CoreOp, ExprId, ExprKind, RuleError, Widths};
use super::{Rule, width};
use crate::egraph::lang::{self, Op};
use std::collections::HashMap;
use trinity_codegen::isa::concrete::Bits;
use trinity_codegen::isa::{Concrete, Domain};

/// One instance of a rule: all widths are numbers.
#[derive(Clone, Debug)]
pub struct Meaning<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// The instance.
    pub at: Widths,
    widths: Vec<u32>,
}

impl<'r> Meaning<'r> {
    /// The instance of a rule at widths.
    ///
    /// # Errors
    /// When the rule makes no sense at these widths.
    pub fn new(rule: &'r Rule, at: Widths) -> Result<Meaning<'r>, RuleError> {
        let widths = width::infer(rule, at)?;
        Ok(Meaning { rule, at, widths })
    }
    /// Width of an expression.
    pub fn width(&self, e: ExprId) -> u32 {
        self.widths[e.0 as usize]
    }
    /// Width of a name, by its number.
    pub fn name_width(&self, n: usize) -> u32 {
        self.widths[self.rule.exprs.len() + n]
    }
    /// The operation with its widths as numbers.
    pub fn op(&self, op: &CoreOp) -> Op {
        match op {
            CoreOp::Un(o) => Op::Un(*o),
            CoreOp::Bin(o) => Op::Bin(*o),
            CoreOp::Cmp(o) => Op::Cmp(*o),
            CoreOp::Ite => Op::Ite,
            // Inference has checked the range.
            CoreOp::Extract(lo, _) => Op::Extract(lo.value(self.at) as u8),
            CoreOp::Concat => Op::Concat,
            CoreOp::Zext(_) => Op::Zext,
            CoreOp::Sext(_) => Op::Sext,
            CoreOp::Fp(o) => Op::Fp(*o),
        }
    }
    /// The value of a leaf that is no name.
    pub fn literal(&self, e: ExprId) -> Option<u128> {
        match self.rule.exprs.kind(e) {
            ExprKind::Int(v) => Some(*v),
            ExprKind::Double(b) => Some((*b).into()),
            ExprKind::Width(w) => Some(w.value(self.at) as u128),
            _ => None,
        }
    }
    /// The expression in a domain; `names` gives the words of names.
    pub fn eval<D: Domain>(&self, d: &mut D, e: ExprId, names: &[D::W]) -> D::W {
        let mut done = HashMap::new();
        self.eval_shared(d, e, names, &mut done)
    }
    fn eval_shared<D: Domain>(
        &self,
        d: &mut D,
        e: ExprId,
        names: &[D::W],
        done: &mut HashMap<ExprId, D::W>,
    ) -> D::W {
        if let Some(w) = done.get(&e) {
            return w.clone();
        }
        let width = self.width(e);
        let word = match self.rule.exprs.kind(e) {
            ExprKind::Name(n) => names[*n as usize].clone(),
            ExprKind::Computed(a) => self.eval_shared(d, *a, names, done),
            ExprKind::Op(op, args) => {
                let args: Vec<D::W> = args
                    .iter()
                    .map(|a| self.eval_shared(d, *a, names, done))
                    .collect();
                lang::apply(d, self.op(op), width, &args)
            }
            // The other kinds are literals.
            _ => d.constant(width, self.literal(e).unwrap_or(0)),
        };
        done.insert(e, word.clone());
        word
    }
    /// Fills in the constants after `with`, given the others. `None` when one has no value.
    pub fn complete(&self, names: &mut [Bits]) -> Option<()> {
        for (n, name) in self.rule.names.iter().enumerate() {
            if let Some((how, args)) = &name.computed {
                let values: Vec<u128> = args
                    .iter()
                    .map(|a| self.eval(&mut Concrete, *a, names).value)
                    .collect();
                let w = self.name_width(n);
                names[n] = Bits::new(w, how.value(w, &values)?);
            }
        }
        Some(())
    }
    /// Whether all conditions hold on concrete words.
    pub fn holds(&self, names: &[Bits]) -> bool {
        let conditions = &self.rule.conditions;
        conditions
            .iter()
            .all(|c| self.eval(&mut Concrete, *c, names).value == 1)
    }
}
