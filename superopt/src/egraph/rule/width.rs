//! The widths of a rule's expressions at one instance: unification, with `w` where nothing says otherwise.

use super::Rule;
use super::syntax::{CoreOp, ExprId, ExprKind, RuleError, RuleErrorKind, WidthExpr, Widths};

/// Expressions first, then names; each class knows its width or not.
struct Unify<'a> {
    rule: &'a Rule,
    parent: Vec<u32>,
    width: Vec<Option<u32>>,
}

impl Unify<'_> {
    fn find(&self, mut a: u32) -> u32 {
        while self.parent[a as usize] != a {
            a = self.parent[a as usize];
        }
        a
    }
    fn fail(&self, e: ExprId, kind: RuleErrorKind) -> RuleError {
        RuleError {
            file: self.rule.file.clone(),
            place: self.rule.exprs.place(e),
            kind,
        }
    }
    fn join(&mut self, at: ExprId, a: u32, b: u32) -> Result<(), RuleError> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return Ok(());
        }
        let joined = match (self.width[a as usize], self.width[b as usize]) {
            (Some(x), Some(y)) if x != y => {
                return Err(self.fail(at, RuleErrorKind::Widths { a: x, b: y }));
            }
            (x, y) => x.or(y),
        };
        self.parent[b as usize] = a;
        self.width[a as usize] = joined;
        Ok(())
    }
    fn set(&mut self, at: ExprId, a: u32, width: i64) -> Result<(), RuleError> {
        if !(1..=128).contains(&width) {
            return Err(self.fail(at, RuleErrorKind::WidthRange(width)));
        }
        let (a, width) = (self.find(a) as usize, width as u32);
        match self.width[a] {
            Some(old) if old != width => {
                Err(self.fail(at, RuleErrorKind::Widths { a: old, b: width }))
            }
            _ => {
                self.width[a] = Some(width);
                Ok(())
            }
        }
    }
    fn get(&self, a: u32) -> Option<u32> {
        self.width[self.find(a) as usize]
    }
}

/// The width of every expression, indexed as [`ExprId`]s, then of every name.
///
/// # Errors
/// When widths that must agree do not, or leave 1 to 128.
pub fn infer(rule: &Rule, at: Widths) -> Result<Vec<u32>, RuleError> {
    let x = &rule.exprs;
    let count = x.len() + rule.names.len();
    let mut u = Unify {
        rule,
        parent: (0..count as u32).collect(),
        width: vec![None; count],
    };
    let value = |w: &WidthExpr| w.value(at);
    for e in (0..x.len() as u32).map(ExprId) {
        if let Some(w) = x.given_width(e) {
            u.set(e, e.0, value(w))?;
        }
        match x.kind(e) {
            ExprKind::Name(n) => u.join(e, e.0, x.len() as u32 + n)?,
            ExprKind::Double(_) => u.set(e, e.0, 64)?,
            ExprKind::Int(_) | ExprKind::Width(_) => {}
            ExprKind::Computed(a) => u.join(e, e.0, a.0)?,
            ExprKind::Op(op, args) => match op {
                CoreOp::Un(_) | CoreOp::Bin(_) => {
                    for a in args {
                        u.join(e, e.0, a.0)?;
                    }
                }
                CoreOp::Cmp(_) => {
                    u.join(e, args[0].0, args[1].0)?;
                    u.set(e, e.0, 1)?;
                }
                CoreOp::Ite => {
                    u.set(e, args[0].0, 1)?;
                    u.join(e, e.0, args[1].0)?;
                    u.join(e, e.0, args[2].0)?;
                }
                CoreOp::Extract(_, w) | CoreOp::Zext(w) | CoreOp::Sext(w) => {
                    u.set(e, e.0, value(w))?;
                }
                CoreOp::Concat => {}
                CoreOp::Fp(op) => {
                    for a in args {
                        u.set(e, a.0, 64)?;
                    }
                    u.set(e, e.0, op.result_width(64).into())?;
                }
            },
        }
    }
    u.join(rule.rhs, rule.lhs.0, rule.rhs.0)?;
    for c in &rule.conditions {
        u.set(*c, c.0, 1)?;
    }
    // A concatenation's parts add up; what is still free then is as wide as the rule.
    loop {
        let mut changed = false;
        for e in (0..x.len() as u32).map(ExprId) {
            if let ExprKind::Op(CoreOp::Concat, args) = x.kind(e) {
                let all = (u.get(e.0), u.get(args[0].0), u.get(args[1].0));
                let (which, w) = match all {
                    (Some(w), Some(h), None) => (args[1].0, i64::from(w) - i64::from(h)),
                    (Some(w), None, Some(l)) => (args[0].0, i64::from(w) - i64::from(l)),
                    (None, Some(h), Some(l)) => (e.0, i64::from(h) + i64::from(l)),
                    _ => continue,
                };
                u.set(e, which, w)?;
                changed = true;
            }
        }
        if !changed {
            let Some(free) = (0..count as u32).find(|a| u.get(*a).is_none()) else {
                break;
            };
            let root = u.find(free) as usize;
            u.width[root] = Some(at.w);
        }
    }
    let widths: Vec<u32> = (0..count as u32)
        .map(|a| u.get(a).unwrap_or(at.w))
        .collect();
    let w = |e: ExprId| i64::from(widths[e.0 as usize]);
    for e in (0..x.len() as u32).map(ExprId) {
        let ExprKind::Op(op, args) = x.kind(e) else {
            continue;
        };
        let bad = match op {
            CoreOp::Extract(lo, width) => {
                let (lo, end) = (value(lo), value(lo) + value(width));
                if lo < 0 {
                    Some(lo)
                } else if end > w(args[0]) {
                    Some(end)
                } else {
                    None
                }
            }
            CoreOp::Zext(_) | CoreOp::Sext(_) if w(args[0]) > w(e) => Some(w(e)),
            CoreOp::Concat if w(args[0]) + w(args[1]) != w(e) => Some(w(e)),
            CoreOp::Un(trinity_codegen::isa::UnOp::Bswap) if w(e) % 8 != 0 => Some(w(e)),
            _ => None,
        };
        if let Some(n) = bad {
            return Err(u.fail(e, RuleErrorKind::WidthRange(n)));
        }
    }
    Ok(widths)
}
