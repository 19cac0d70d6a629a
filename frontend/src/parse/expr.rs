//! Expressions.

use super::{Parser, Result};
use crate::arith::{fold_binary, fold_unary};
use crate::ast::{BinOp, ConstValue, ExprId, ExprKind, Field, FieldKey, Item, Span, UnOp, VarRef};
use crate::lex::{Tok, Value};
use crate::number::Num;

/// Binding strength of unary operators.
const UNARY_PRIORITY: u8 = 12;

fn unary_op(tok: Tok) -> Option<UnOp> {
    Some(match tok {
        Tok::Not => UnOp::Not,
        Tok::Char(b'-') => UnOp::Neg,
        Tok::Char(b'~') => UnOp::BNot,
        Tok::Char(b'#') => UnOp::Len,
        _ => return None,
    })
}

#[inline]
fn binary_op(tok: Tok) -> Option<BinOp> {
    Some(match tok {
        Tok::Char(b'+') => BinOp::Add,
        Tok::Char(b'-') => BinOp::Sub,
        Tok::Char(b'*') => BinOp::Mul,
        Tok::Char(b'%') => BinOp::Mod,
        Tok::Char(b'^') => BinOp::Pow,
        Tok::Char(b'/') => BinOp::Div,
        Tok::IDiv => BinOp::IDiv,
        Tok::Char(b'&') => BinOp::BAnd,
        Tok::Char(b'|') => BinOp::BOr,
        Tok::Char(b'~') => BinOp::BXor,
        Tok::Shl => BinOp::Shl,
        Tok::Shr => BinOp::Shr,
        Tok::Concat => BinOp::Concat,
        Tok::Ne => BinOp::Ne,
        Tok::Eq => BinOp::Eq,
        Tok::Char(b'<') => BinOp::Lt,
        Tok::Le => BinOp::Le,
        Tok::Char(b'>') => BinOp::Gt,
        Tok::Ge => BinOp::Ge,
        Tok::And => BinOp::And,
        Tok::Or => BinOp::Or,
        _ => return None,
    })
}

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Result<ExprId> {
        self.sub_expr(0)
    }

    /// An operand and all operators that bind tighter than `limit`.
    fn sub_expr(&mut self, limit: u8) -> Result<ExprId> {
        self.enter()?;
        let mut left = match unary_op(self.t.tok) {
            Some(op) => {
                let line = self.lex.line;
                self.next()?;
                let operand = self.sub_expr(UNARY_PRIORITY)?;
                let id = self.push(ExprKind::Unary { op, line, operand });
                self.folded(id, self.fold_unary(op, operand))
            }
            None => self.simple_expr()?,
        };
        while let Some(op) = binary_op(self.t.tok) {
            let (binds_left, binds_right) = op.priority();
            if binds_left <= limit {
                break;
            }
            let line = self.lex.line;
            self.next()?;
            let right = self.sub_expr(binds_right)?;
            let id = self.push(ExprKind::Binary {
                op,
                line,
                left,
                right,
            });
            left = self.folded(id, self.fold_binary(op, left, right));
        }
        self.leave();
        Ok(left)
    }

    /// Wraps `id` when its value is known.
    fn folded(&mut self, id: ExprId, value: Option<ConstValue>) -> ExprId {
        match value {
            Some(value) => self.push(ExprKind::Folded { value, of: id }),
            None => id,
        }
    }

    /// The value of a constant expression.
    pub(super) fn const_value(&self, mut id: ExprId) -> Option<ConstValue> {
        loop {
            match self.exprs[id.0 as usize].kind {
                ExprKind::Paren(inner) => id = inner,
                ExprKind::Const(v) | ExprKind::Folded { value: v, .. } => return Some(v),
                ExprKind::Var {
                    place: VarRef::Const(v),
                    ..
                } => return Some(v),
                _ => return None,
            }
        }
    }

    fn fold_unary(&self, op: UnOp, operand: ExprId) -> Option<ConstValue> {
        match (op, self.const_value(operand)?) {
            (UnOp::Not, v) => Some(ConstValue::Bool(matches!(
                v,
                ConstValue::Nil | ConstValue::Bool(false)
            ))),
            (_, ConstValue::Num(n)) => fold_unary(op, n).map(ConstValue::Num),
            _ => None,
        }
    }

    fn fold_binary(&self, op: BinOp, left: ExprId, right: ExprId) -> Option<ConstValue> {
        let a = self.const_value(left)?;
        let b = self.const_value(right)?;
        let falsy = matches!(a, ConstValue::Nil | ConstValue::Bool(false));
        match (op, a, b) {
            (BinOp::And, ..) if !falsy => Some(b),
            (BinOp::Or, ..) if falsy => Some(b),
            (BinOp::And | BinOp::Or, ..) => None,
            (_, ConstValue::Num(a), ConstValue::Num(b)) => {
                fold_binary(op, a, b).map(ConstValue::Num)
            }
            _ => None,
        }
    }

    fn simple_expr(&mut self) -> Result<ExprId> {
        let kind = match (self.t.tok, self.t.value) {
            (Tok::Flt, Value::Float(f)) => ExprKind::Const(ConstValue::Num(Num::Float(f))),
            (Tok::Int, Value::Int(i)) => ExprKind::Const(ConstValue::Num(Num::Int(i))),
            (Tok::Str, Value::Sym(s)) => ExprKind::Const(ConstValue::Str(s)),
            (Tok::Nil, _) => ExprKind::Const(ConstValue::Nil),
            (Tok::True, _) => ExprKind::Const(ConstValue::Bool(true)),
            (Tok::False, _) => ExprKind::Const(ConstValue::Bool(false)),
            (Tok::Dots, _) => {
                if self.func().vararg_line.is_none() {
                    return Err(self.error("cannot use '...' outside a vararg function"));
                }
                ExprKind::Vararg {
                    prev_line: self.last_line,
                }
            }
            (Tok::Char(b'{'), _) => return self.table(),
            (Tok::Function, _) => {
                self.next()?;
                return self.func_body(false, self.lex.line);
            }
            _ => return self.suffixed_expr(),
        };
        self.next()?;
        Ok(self.push(kind))
    }

    fn primary_expr(&mut self) -> Result<ExprId> {
        match self.t.tok {
            Tok::Char(b'(') => {
                let line = self.lex.line;
                self.next()?;
                let inner = self.expr()?;
                self.expect_match(Tok::Char(b')'), Tok::Char(b'('), line)?;
                Ok(self.push(ExprKind::Paren(inner)))
            }
            Tok::Name => {
                let name = self.name()?;
                let kind = self.variable(name)?;
                Ok(self.push(kind))
            }
            _ => Err(self.error("unexpected symbol")),
        }
    }

    /// A primary expression with any number of `.name`, `[key]`, `:name args` and `args` behind it.
    pub(super) fn suffixed_expr(&mut self) -> Result<ExprId> {
        let line = self.lex.line;
        let mut e = self.primary_expr()?;
        loop {
            e = match self.t.tok {
                Tok::Char(b'.') => self.field_select(e)?,
                Tok::Char(b'[') => {
                    let key = self.bracket_key()?;
                    self.push(ExprKind::Index { obj: e, key })
                }
                Tok::Char(b':') => {
                    self.next()?;
                    let name = self.name()?;
                    let obj = self.push(ExprKind::MethodName { obj: e, name });
                    let args = self.call_args(line)?;
                    self.push(ExprKind::Method { obj, args, line })
                }
                Tok::Char(b'(' | b'{') | Tok::Str => {
                    let args = self.call_args(line)?;
                    self.push(ExprKind::Call {
                        func: e,
                        args,
                        line,
                    })
                }
                _ => return Ok(e),
            };
        }
    }

    /// `.name` or, in a function's name, `:name`.
    pub(super) fn field_select(&mut self, obj: ExprId) -> Result<ExprId> {
        self.next()?;
        let name = self.name()?;
        Ok(self.push(ExprKind::Field { obj, name }))
    }

    /// `[key]`
    fn bracket_key(&mut self) -> Result<ExprId> {
        self.next()?;
        let key = self.expr()?;
        self.expect(Tok::Char(b']'))?;
        Ok(key)
    }

    fn call_args(&mut self, line: u32) -> Result<Span> {
        let single = match self.t.tok {
            Tok::Char(b'(') => {
                self.next()?;
                let args = if self.at(b')') {
                    Span::default()
                } else {
                    self.expr_list()?
                };
                self.expect_match(Tok::Char(b')'), Tok::Char(b'('), line)?;
                return Ok(args);
            }
            Tok::Char(b'{') => self.table()?,
            Tok::Str => self.simple_expr()?,
            _ => return Err(self.error("function arguments expected")),
        };
        let start = self.items.len() as u32;
        self.items.push(Item {
            expr: single,
            sep_line: 0,
            next_pos: self.t.start,
        });
        Ok(Span { start, len: 1 })
    }

    /// One or more expressions separated by commas.
    pub(super) fn expr_list(&mut self) -> Result<Span> {
        let mark = self.item_stack.len();
        loop {
            let expr = self.expr()?;
            let more = self.accept(Tok::Char(b','))?;
            let sep_line = if more { self.last_line } else { 0 };
            self.item_stack.push(Item {
                expr,
                sep_line,
                next_pos: self.t.start,
            });
            if !more {
                break;
            }
        }
        Ok(self.take_items(mark))
    }

    /// Moves the list that was collected since `mark` to its final place.
    pub(super) fn take_items(&mut self, mark: usize) -> Span {
        let start = self.items.len() as u32;
        self.items.extend_from_slice(&self.item_stack[mark..]);
        let len = (self.item_stack.len() - mark) as u32;
        self.item_stack.truncate(mark);
        Span { start, len }
    }

    fn table(&mut self) -> Result<ExprId> {
        let line = self.lex.line;
        let prev_line = self.last_line;
        let mark = self.field_stack.len();
        self.expect(Tok::Char(b'{'))?;
        while !self.at(b'}') {
            let named = self.t.tok == Tok::Name && self.look_ahead()? == Tok::Char(b'=');
            let (key, value) = match self.t.tok {
                Tok::Name if named => {
                    let name = self.name()?;
                    self.expect(Tok::Char(b'='))?;
                    (FieldKey::Name(name), self.expr()?)
                }
                Tok::Char(b'[') => {
                    let key = self.bracket_key()?;
                    self.expect(Tok::Char(b'='))?;
                    let eq_line = self.last_line;
                    (FieldKey::Expr { key, eq_line }, self.expr()?)
                }
                _ => (FieldKey::Next, self.expr()?),
            };
            let more = self.accept(Tok::Char(b','))? || self.accept(Tok::Char(b';'))?;
            let sep_line = if more { self.last_line } else { 0 };
            self.field_stack.push(Field {
                key,
                value,
                sep_line,
                next_pos: self.t.start,
            });
            if !more {
                break;
            }
        }
        self.expect_match(Tok::Char(b'}'), Tok::Char(b'{'), line)?;
        let start = self.fields.len() as u32;
        self.fields.extend_from_slice(&self.field_stack[mark..]);
        let fields = Span {
            start,
            len: (self.field_stack.len() - mark) as u32,
        };
        self.field_stack.truncate(mark);
        Ok(self.push(ExprKind::Table { fields, prev_line }))
    }
}
