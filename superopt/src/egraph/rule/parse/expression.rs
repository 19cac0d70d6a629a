//! Expressions and widths. Operators bind as in C, but comparisons bind weaker than bitwise operators.

use super::super::syntax::{CoreOp, ExprId, ExprKind, Place, Token, WidthExpr};
use super::{Parsed, Parser};
use trinity_codegen::isa::{BinOp, CmpOp, UnOp};

/// Infix operators by level, weakest first.
const LEVELS: &[&[&str]] = &[
    &[
        "==", "!=", "<u", "<s", ">u", ">s", "<=u", "<=s", ">=u", ">=s",
    ],
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>u", ">>s"],
    &["+", "-"],
    &["*", "/u", "/s", "%u", "%s"],
];

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Parsed<ExprId> {
        let c = self.infix(0)?;
        let place = self.place();
        if !self.eat("?") {
            return Ok(c);
        }
        let a = self.expr()?;
        self.expect(":")?;
        let b = self.expr()?;
        Ok(self.op(CoreOp::Ite, vec![c, a, b], place))
    }

    fn infix(&mut self, level: usize) -> Parsed<ExprId> {
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut a = self.infix(level + 1)?;
        loop {
            let Token::Sign(sign) = *self.peek() else {
                return Ok(a);
            };
            if !LEVELS[level].contains(&sign) {
                return Ok(a);
            }
            let place = self.place();
            self.next();
            let b = self.infix(level + 1)?;
            a = self.infix_op(sign, a, b, place);
            if level == 0 {
                return Ok(a);
            }
        }
    }

    fn infix_op(&mut self, sign: &str, a: ExprId, b: ExprId, place: Place) -> ExprId {
        use BinOp::*;
        let bin = match sign {
            "|" => Or,
            "^" => Xor,
            "&" => And,
            "<<" => Shl,
            ">>u" => Lshr,
            ">>s" => Ashr,
            "+" => Add,
            "-" => Sub,
            "*" => Mul,
            "/u" => Udiv,
            "/s" => Sdiv,
            "%u" => Urem,
            "%s" => Srem,
            _ => return self.compare(sign, a, b, place),
        };
        self.op(CoreOp::Bin(bin), vec![a, b], place)
    }

    fn compare(&mut self, sign: &str, a: ExprId, b: ExprId, place: Place) -> ExprId {
        let op = match sign {
            "==" | "!=" => CmpOp::Eq,
            s if s.ends_with('u') => CmpOp::Ult,
            _ => CmpOp::Slt,
        };
        // a > b is b < a; a <= b is not b < a.
        let swapped = sign.starts_with('>') != sign.contains('=') && op != CmpOp::Eq;
        let args = if swapped { vec![b, a] } else { vec![a, b] };
        let c = self.op(CoreOp::Cmp(op), args, place);
        if sign == "!=" || (sign.contains('=') && sign != "==") {
            return self.op(CoreOp::Un(UnOp::Not), vec![c], place);
        }
        c
    }

    fn unary(&mut self) -> Parsed<ExprId> {
        let place = self.place();
        if self.eat("-") {
            if let Token::Double(bits) = *self.peek() {
                self.next();
                return Ok(self
                    .exprs
                    .add(ExprKind::Double(bits ^ 1 << 63), place, None));
            }
            let a = self.unary()?;
            return Ok(self.op(CoreOp::Un(UnOp::Neg), vec![a], place));
        }
        if self.eat("~") || self.eat("!") {
            let a = self.unary()?;
            return Ok(self.op(CoreOp::Un(UnOp::Not), vec![a], place));
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsed<ExprId> {
        let (token, place) = self.next();
        match token {
            Token::Int(v) => Ok(self.exprs.add(ExprKind::Int(v), place, None)),
            Token::Double(b) => Ok(self.exprs.add(ExprKind::Double(b), place, None)),
            Token::Sign("(") => {
                let e = self.expr()?;
                self.expect(")")?;
                Ok(e)
            }
            Token::Sign("{") => {
                let e = self.expr()?;
                self.expect("}")?;
                Ok(self.exprs.add(ExprKind::Computed(e), place, None))
            }
            Token::Name(name) => {
                let mut brackets = Vec::new();
                if self.eat("[") {
                    loop {
                        brackets.push(self.width_sum()?);
                        if !self.eat(",") {
                            break;
                        }
                    }
                    self.expect("]")?;
                }
                if matches!(self.peek(), Token::Sign("(")) {
                    return self.call(name, brackets, place);
                }
                if brackets.len() > 1 {
                    return self.expected("'('");
                }
                match name.as_str() {
                    "w" => return Ok(self.exprs.add(ExprKind::Width(WidthExpr::W), place, None)),
                    "n" => {
                        self.narrow = true;
                        return Ok(self.exprs.add(ExprKind::Width(WidthExpr::N), place, None));
                    }
                    "smin" | "smax" => {
                        let one = self.exprs.add(ExprKind::Int(1), place, None);
                        let top = WidthExpr::Sub(WidthExpr::W.into(), WidthExpr::Bits(1).into());
                        let top = self.exprs.add(ExprKind::Width(top), place, None);
                        let min = self.op(CoreOp::Bin(BinOp::Shl), vec![one, top], place);
                        if name == "smin" {
                            return Ok(min);
                        }
                        return Ok(self.op(CoreOp::Un(UnOp::Not), vec![min], place));
                    }
                    _ => {}
                }
                let given = brackets.pop();
                let n = self.intern(name, place);
                Ok(self.exprs.add(ExprKind::Name(n), place, given))
            }
            _ => {
                self.at -= 1;
                self.expected("an expression")
            }
        }
    }

    fn width_sum(&mut self) -> Parsed<WidthExpr> {
        let mut a = self.width_product()?;
        loop {
            if self.eat("+") {
                a = WidthExpr::Add(a.into(), self.width_product()?.into());
            } else if self.eat("-") {
                a = WidthExpr::Sub(a.into(), self.width_product()?.into());
            } else {
                return Ok(a);
            }
        }
    }

    fn width_product(&mut self) -> Parsed<WidthExpr> {
        let mut a = self.width_atom()?;
        loop {
            if self.eat("*") {
                a = WidthExpr::Mul(a.into(), self.width_atom()?.into());
            } else if self.eat("/") {
                a = WidthExpr::Div(a.into(), self.width_atom()?.into());
            } else {
                return Ok(a);
            }
        }
    }

    fn width_atom(&mut self) -> Parsed<WidthExpr> {
        match self.next() {
            (Token::Int(v), _) if v <= 128 => Ok(WidthExpr::Bits(v as u32)),
            (Token::Name(n), _) if n == "w" => Ok(WidthExpr::W),
            (Token::Name(n), _) if n == "n" => {
                self.narrow = true;
                Ok(WidthExpr::N)
            }
            _ => {
                self.at -= 1;
                self.expected("a width: a number, 'w' or 'n'")
            }
        }
    }

    pub(super) fn arguments(&mut self) -> Parsed<Vec<ExprId>> {
        self.expect("(")?;
        let mut args = vec![self.expr()?];
        while self.eat(",") {
            args.push(self.expr()?);
        }
        self.expect(")")?;
        Ok(args)
    }

    pub(super) fn op(&mut self, op: CoreOp, args: Vec<ExprId>, place: Place) -> ExprId {
        self.exprs.add(ExprKind::Op(op, args), place, None)
    }
}
