//! Lua's statements and expressions over terms: both sides of a branch are evaluated and joined.

use super::{LuaFunction, MAX_DEPTH, Scalar, Val, error, text};
use std::collections::HashMap;
use trinity_codegen::isa::{BinOp as B, CmpOp, Domain, Fault, FaultKind, FpOp, TermId, TermPool};
use trinity_frontend::ast::{
    BinOp, Block, ConstValue, ExprId, ExprKind, LocalId, Stmt, UnOp, VarRef,
};
use trinity_frontend::number::Num;
use trinity_superopt::input::InputError;

/// The state of an evaluation.
#[derive(Clone)]
pub(super) struct Flow {
    pub env: HashMap<LocalId, Val>,
    /// Where it returned, with what, and the line.
    pub returned: Vec<(TermId, Val, u32)>,
    /// Where it still runs.
    pub active: TermId,
}

pub(super) struct Eval<'a> {
    pub spec: &'a LuaFunction,
    pub d: &'a mut TermPool,
    pub faults: Vec<Fault<TermId>>,
    pub depth: u32,
}

type R<T> = Result<T, InputError>;

impl Eval<'_> {
    fn refuse<T>(&self, line: u32, what: &str, why: &str) -> R<T> {
        Err(error(&self.spec.file, line, what, why))
    }

    pub fn join(&mut self, c: TermId, a: Val, b: Val, line: u32) -> R<Val> {
        if a == b {
            return Ok(a);
        }
        Ok(match (a, b) {
            (Val::Int(x), Val::Int(y)) => Val::Int(self.d.ite(&c, &x, &y)),
            (Val::Float(x), Val::Float(y)) => Val::Float(self.d.ite(&c, &x, &y)),
            (Val::Bool(x), Val::Bool(y)) => Val::Bool(self.d.ite(&c, &x, &y)),
            _ => {
                return self.refuse(
                    line,
                    "value",
                    "an integer on one path and another type on the other",
                );
            }
        })
    }

    pub fn block(&mut self, b: &Block, flow: &mut Flow) -> R<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.refuse(b.end_line, "block", "nested too deeply");
        }
        for s in &b.stmts {
            self.statement(s, flow)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn statement(&mut self, s: &Stmt, flow: &mut Flow) -> R<()> {
        let ast = &self.spec.ast;
        match s {
            Stmt::Local {
                first,
                count,
                values,
                line,
            } => {
                let values = self.values(*values, flow)?;
                for n in 0..*count {
                    match values.get(n as usize) {
                        Some(v) => {
                            flow.env.insert(LocalId(first.0 + n), *v);
                        }
                        // Used before it is assigned, it is refused there.
                        None if values.is_empty() => {}
                        None => return self.refuse(*line, "local", "fewer values than variables"),
                    }
                }
            }
            Stmt::Assign { targets, values } => {
                let line = ast.exprs[targets[0].0 as usize].line;
                let values = self.values(*values, flow)?;
                if values.len() != targets.len() {
                    return self.refuse(line, "assignment", "not as many values as variables");
                }
                for (t, v) in targets.iter().zip(values) {
                    match ast.exprs[t.0 as usize].kind {
                        ExprKind::Var {
                            place: VarRef::Local(l),
                            ..
                        } => {
                            flow.env.insert(l, v);
                        }
                        ExprKind::Global { .. } => {
                            return self.refuse(line, "assignment", "to a global variable");
                        }
                        _ => {
                            return self.refuse(
                                line,
                                "assignment",
                                "to something that is not a local variable",
                            );
                        }
                    }
                }
            }
            Stmt::Do(b) => self.block(b, flow)?,
            Stmt::If { clauses, otherwise } => {
                let mut rest = flow.clone();
                let mut sides: Vec<(TermId, Flow, u32)> = Vec::new();
                for c in clauses {
                    let cond = self.expr(c.cond, &rest)?;
                    let cond = self.truth(cond);
                    let mut inner = rest.clone();
                    inner.active = self.d.and(&rest.active, &cond);
                    inner.returned.clear();
                    self.block(&c.body, &mut inner)?;
                    sides.push((cond, inner, c.then_line));
                    let not = self.d.not(&cond);
                    rest.active = self.d.and(&rest.active, &not);
                }
                rest.returned.clear();
                if let Some(b) = otherwise {
                    self.block(b, &mut rest)?;
                }
                for (cond, side, line) in sides.into_iter().rev() {
                    rest = self.merge(cond, side, rest, line)?;
                }
                flow.returned.extend(rest.returned);
                flow.env = rest.env;
                flow.active = rest.active;
            }
            Stmt::Return { values, line } => {
                let v = self.values(*values, flow)?;
                let [v] = v[..] else {
                    return self.refuse(*line, "return", "not exactly one value");
                };
                flow.returned.push((flow.active, v, *line));
                flow.active = self.d.bit(false);
            }
            Stmt::While { do_line, .. } => {
                return self.refuse(*do_line, "while", "loops are not covered");
            }
            Stmt::Repeat { body, .. } => {
                return self.refuse(body.end_line, "repeat", "loops are not covered");
            }
            Stmt::NumericFor(n) => return self.refuse(n.line, "for", "loops are not covered"),
            Stmt::GenericFor(g) => return self.refuse(g.line, "for", "loops are not covered"),
            Stmt::Call(e) => {
                return self.refuse(
                    ast.exprs[e.0 as usize].line,
                    "call",
                    "calls are not covered",
                );
            }
            Stmt::Function { line, .. } => {
                return self.refuse(*line, "function", "functions in functions are not covered");
            }
            Stmt::LocalFunction { func, .. } => {
                return self.refuse(
                    ast.exprs[func.0 as usize].line,
                    "function",
                    "functions in functions are not covered",
                );
            }
            Stmt::Break { line } | Stmt::Goto { line, .. } => {
                return self.refuse(*line, "jump", "jumps are not covered");
            }
            Stmt::Label(_) => {}
        }
        Ok(())
    }

    /// Two ways on: `a` where the condition holds.
    fn merge(&mut self, c: TermId, a: Flow, b: Flow, line: u32) -> R<Flow> {
        let (dead_a, dead_b) = (
            self.d.as_constant(&a.active) == Some(0),
            self.d.as_constant(&b.active) == Some(0),
        );
        let mut env = HashMap::new();
        for (l, x) in &a.env {
            match b.env.get(l) {
                _ if dead_b => {
                    env.insert(*l, *x);
                }
                Some(y) if dead_a => {
                    env.insert(*l, *y);
                }
                Some(y) => {
                    let v = self.join(c, *x, *y, line)?;
                    env.insert(*l, v);
                }
                // Set on one side only: a use is refused.
                None => {}
            }
        }
        if dead_a {
            env = b.env;
        }
        let mut returned = a.returned;
        returned.extend(b.returned);
        Ok(Flow {
            env,
            returned,
            active: self.d.or(&a.active, &b.active),
        })
    }

    fn values(&mut self, span: trinity_frontend::ast::Span, flow: &Flow) -> R<Vec<Val>> {
        let items: Vec<ExprId> = self.spec.ast.items[span.range()]
            .iter()
            .map(|i| i.expr)
            .collect();
        items.into_iter().map(|e| self.expr(e, flow)).collect()
    }

    /// Numbers are true.
    fn truth(&mut self, v: Val) -> TermId {
        match v {
            Val::Bool(t) | Val::Either(t, _) => t,
            _ => self.d.bit(true),
        }
    }

    fn constant(&mut self, v: ConstValue, line: u32) -> R<Val> {
        Ok(match v {
            ConstValue::Num(Num::Int(n)) => Val::Int(self.d.constant(64, (n as u64).into())),
            ConstValue::Num(Num::Float(x)) => Val::Float(self.d.constant(64, x.to_bits().into())),
            ConstValue::Bool(b) => Val::Bool(self.d.bit(b)),
            ConstValue::Nil => {
                return self.refuse(line, "nil", "only numbers and truth values are covered");
            }
            ConstValue::Str(_) => {
                return self.refuse(line, "string", "only numbers and truth values are covered");
            }
        })
    }

    fn expr(&mut self, e: ExprId, flow: &Flow) -> R<Val> {
        self.depth += 1;
        let at = self.spec.ast.exprs[e.0 as usize];
        if self.depth > MAX_DEPTH {
            return self.refuse(at.line, "expression", "nested too deeply");
        }
        let line = at.line;
        let v = match at.kind {
            ExprKind::Const(v) | ExprKind::Folded { value: v, .. } => self.constant(v, line)?,
            ExprKind::Paren(x) => self.expr(x, flow)?,
            ExprKind::Var {
                place: VarRef::Const(v),
                ..
            } => self.constant(v, line)?,
            ExprKind::Var {
                place: VarRef::Local(l),
                name,
            } => match flow.env.get(&l) {
                Some(v) => *v,
                None => {
                    let name = text(&self.spec.ast, name);
                    return self.refuse(
                        line,
                        &format!("variable {name}"),
                        "it may have no value here",
                    );
                }
            },
            ExprKind::Var {
                place: VarRef::Upval(_),
                name,
            }
            | ExprKind::Global { name, .. } => {
                let name = text(&self.spec.ast, name);
                return self.refuse(
                    line,
                    &format!("variable {name}"),
                    "variables from outside are not covered",
                );
            }
            ExprKind::Unary { op, operand, line } => {
                let v = self.expr(operand, flow)?;
                self.unary(op, v, line)?
            }
            ExprKind::Binary {
                op: op @ (BinOp::And | BinOp::Or),
                left,
                right,
                line,
            } => {
                let a = self.expr(left, flow)?;
                let c = self.truth(a);
                let mut inner = flow.clone();
                let runs = if op == BinOp::And { c } else { self.d.not(&c) };
                inner.active = self.d.and(&flow.active, &runs);
                let b = self.expr(right, &inner)?;
                self.logical(op, a, b, line)?
            }
            ExprKind::Binary {
                op,
                left,
                right,
                line,
            } => {
                let (a, b) = (self.expr(left, flow)?, self.expr(right, flow)?);
                self.binary(op, a, b, flow.active, line)?
            }
            ExprKind::Call { line, .. } | ExprKind::Method { line, .. } => {
                return self.refuse(line, "call", "calls are not covered");
            }
            ExprKind::Function(_) => {
                return self.refuse(line, "function", "functions in functions are not covered");
            }
            ExprKind::Table { .. }
            | ExprKind::Field { .. }
            | ExprKind::Index { .. }
            | ExprKind::MethodName { .. } => {
                return self.refuse(line, "table", "tables are not covered");
            }
            ExprKind::Vararg { .. } => {
                return self.refuse(line, "...", "a variable number of arguments");
            }
        };
        self.depth -= 1;
        Ok(v)
    }

    fn logical(&mut self, op: BinOp, a: Val, b: Val, line: u32) -> R<Val> {
        Ok(match (op, a, b) {
            (BinOp::And, Val::Bool(x), Val::Bool(y)) => Val::Bool(self.d.and(&x, &y)),
            (BinOp::Or, Val::Bool(x), Val::Bool(y)) => Val::Bool(self.d.or(&x, &y)),
            (BinOp::And, Val::Bool(c), Val::Int(t)) => Val::Either(c, Scalar::Int(t)),
            (BinOp::And, Val::Bool(c), Val::Float(t)) => Val::Either(c, Scalar::Float(t)),
            // Numbers are true.
            (BinOp::And, Val::Int(_) | Val::Float(_), b) => b,
            (BinOp::Or, a @ (Val::Int(_) | Val::Float(_)), _) => a,
            (BinOp::Or, Val::Either(c, x), b) => self.join(c, x.val(), b, line)?,
            _ => {
                return self.refuse(
                    line,
                    op.symbol(),
                    "truth values and numbers mixed so that the type depends on the input",
                );
            }
        })
    }

    fn unary(&mut self, op: UnOp, v: Val, line: u32) -> R<Val> {
        Ok(match (op, v) {
            (UnOp::Neg, Val::Int(t)) => Val::Int(self.d.un(trinity_codegen::isa::UnOp::Neg, &t)),
            (UnOp::Neg, Val::Float(t)) => {
                let sign = self.d.constant(64, 1 << 63);
                Val::Float(self.d.xor(&t, &sign))
            }
            (UnOp::BNot, Val::Int(t)) => Val::Int(self.d.not(&t)),
            (UnOp::BNot, Val::Float(_)) => {
                return self.refuse(line, "~", "a float would be converted to an integer");
            }
            (UnOp::Not, v) => {
                let t = self.truth(v);
                Val::Bool(self.d.not(&t))
            }
            _ => return self.refuse(line, op.symbol(), "an operand that is not a number"),
        })
    }

    fn float(&mut self, v: Val) -> Option<TermId> {
        match v {
            Val::Float(t) => Some(t),
            Val::Int(t) => Some(self.d.fp(FpOp::FromInt(64), &[t])),
            _ => None,
        }
    }

    fn binary(&mut self, op: BinOp, a: Val, b: Val, active: TermId, line: u32) -> R<Val> {
        match (a, b) {
            (Val::Int(x), Val::Int(y)) if !matches!(op, BinOp::Div | BinOp::Pow) => {
                self.integers(op, x, y, active, line)
            }
            (Val::Bool(x), Val::Bool(y)) if matches!(op, BinOp::Eq | BinOp::Ne) => {
                let t = self.d.eq(&x, &y);
                Ok(Val::Bool(if op == BinOp::Ne { self.d.not(&t) } else { t }))
            }
            (Val::Bool(_) | Val::Either(..), _) | (_, Val::Bool(_) | Val::Either(..)) => {
                self.refuse(line, op.symbol(), "an operand that is not a number")
            }
            _ => self.floats(op, a, b, line),
        }
    }

    fn floats(&mut self, op: BinOp, a: Val, b: Val, line: u32) -> R<Val> {
        let mixed = matches!(
            (a, b),
            (Val::Int(_), Val::Float(_)) | (Val::Float(_), Val::Int(_))
        );
        let compares = matches!(
            op,
            BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge
        );
        if mixed && compares {
            return self.refuse(
                line,
                op.symbol(),
                "an integer compared with a float (Lua compares them exactly)",
            );
        }
        let (Some(x), Some(y)) = (self.float(a), self.float(b)) else {
            return self.refuse(line, op.symbol(), "an operand that is not a number");
        };
        let mut fp = |op, args: &[TermId]| self.d.fp(op, args);
        Ok(match op {
            BinOp::Add => Val::Float(fp(FpOp::Add, &[x, y])),
            BinOp::Sub => Val::Float(fp(FpOp::Sub, &[x, y])),
            BinOp::Mul => Val::Float(fp(FpOp::Mul, &[x, y])),
            BinOp::Div => Val::Float(fp(FpOp::Div, &[x, y])),
            BinOp::IDiv => {
                let q = fp(FpOp::Div, &[x, y]);
                Val::Float(fp(FpOp::Round(1), &[q]))
            }
            BinOp::Eq => Val::Bool(fp(FpOp::Eq, &[x, y])),
            BinOp::Ne => {
                let t = fp(FpOp::Eq, &[x, y]);
                Val::Bool(self.d.not(&t))
            }
            BinOp::Lt => Val::Bool(fp(FpOp::Lt, &[x, y])),
            BinOp::Le => Val::Bool(fp(FpOp::Le, &[x, y])),
            BinOp::Gt => Val::Bool(fp(FpOp::Lt, &[y, x])),
            BinOp::Ge => Val::Bool(fp(FpOp::Le, &[y, x])),
            BinOp::Mod => return self.refuse(line, "%", "the remainder of floats"),
            BinOp::Pow => return self.refuse(line, "^", "powers"),
            _ => {
                return self.refuse(
                    line,
                    op.symbol(),
                    "a float would be converted to an integer",
                );
            }
        })
    }

    fn integers(&mut self, op: BinOp, x: TermId, y: TermId, active: TermId, line: u32) -> R<Val> {
        let d = &mut *self.d;
        Ok(match op {
            BinOp::Add => Val::Int(d.add(&x, &y)),
            BinOp::Sub => Val::Int(d.sub(&x, &y)),
            BinOp::Mul => Val::Int(d.bin(B::Mul, &x, &y)),
            BinOp::BAnd => Val::Int(d.and(&x, &y)),
            BinOp::BOr => Val::Int(d.or(&x, &y)),
            BinOp::BXor => Val::Int(d.xor(&x, &y)),
            BinOp::Shl | BinOp::Shr => {
                // A negative count shifts the other way; 64 or more gives zero, as the terms' shifts do.
                let back = d.un(trinity_codegen::isa::UnOp::Neg, &y);
                let negative = d.msb(&y);
                let left = |d: &mut TermPool, n: &TermId| d.bin(B::Shl, &x, n);
                let right = |d: &mut TermPool, n: &TermId| d.bin(B::Lshr, &x, n);
                let (plain, other) = if op == BinOp::Shl {
                    (left(d, &y), right(d, &back))
                } else {
                    (right(d, &y), left(d, &back))
                };
                Val::Int(d.ite(&negative, &other, &plain))
            }
            BinOp::IDiv | BinOp::Mod => {
                let zero = d.is_zero(&y);
                let when = d.and(&active, &zero);
                if d.as_constant(&when) != Some(0) {
                    self.faults.push(Fault {
                        kind: FaultKind::Divide,
                        when,
                    });
                }
                // Towards minus infinity: one less where the remainder and the divisor have different signs.
                let q = d.bin(B::Sdiv, &x, &y);
                let r = d.bin(B::Srem, &x, &y);
                let exact = d.is_zero(&r);
                let mix = d.xor(&r, &y);
                let differ = d.msb(&mix);
                let inexact = d.not(&exact);
                let adjust = d.and(&inexact, &differ);
                if op == BinOp::IDiv {
                    let one = d.constant(64, 1);
                    let less = d.sub(&q, &one);
                    Val::Int(d.ite(&adjust, &less, &q))
                } else {
                    let more = d.add(&r, &y);
                    Val::Int(d.ite(&adjust, &more, &r))
                }
            }
            BinOp::Eq => Val::Bool(d.eq(&x, &y)),
            BinOp::Ne => {
                let t = d.eq(&x, &y);
                Val::Bool(d.not(&t))
            }
            BinOp::Lt => Val::Bool(d.cmp(CmpOp::Slt, &x, &y)),
            BinOp::Gt => Val::Bool(d.cmp(CmpOp::Slt, &y, &x)),
            BinOp::Le => {
                let t = d.cmp(CmpOp::Slt, &y, &x);
                Val::Bool(d.not(&t))
            }
            BinOp::Ge => {
                let t = d.cmp(CmpOp::Slt, &x, &y);
                Val::Bool(d.not(&t))
            }
            _ => return self.refuse(line, op.symbol(), "not an operation on integers"),
        })
    }
}
