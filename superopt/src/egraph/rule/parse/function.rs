//! Functions in expressions: those that are one operation, and those that stand for several.

use super::super::syntax::{CoreOp, ExprId, ExprKind, Place, RuleErrorKind, WidthExpr};
use super::{Parsed, Parser};
use trinity_codegen::isa::{BinOp, CmpOp, FpOp, UnOp};

impl Parser<'_> {
    pub(super) fn call(
        &mut self,
        name: String,
        brackets: Vec<WidthExpr>,
        place: Place,
    ) -> Parsed<ExprId> {
        let args = self.arguments()?;
        let takes = |n: usize| -> Parsed<()> {
            if args.len() == n {
                return Ok(());
            }
            let (name, given) = (name.clone(), args.len());
            Err(self.fail(
                place,
                RuleErrorKind::Operands {
                    name,
                    takes: n,
                    given,
                },
            ))
        };
        let mut brackets = brackets.into_iter();
        let shape = match (name.as_str(), brackets.next(), brackets.next()) {
            ("zext", Some(w), None) => Some((CoreOp::Zext(w), 1)),
            ("sext", Some(w), None) => Some((CoreOp::Sext(w), 1)),
            ("trunc", Some(w), None) => Some((CoreOp::Extract(WidthExpr::Bits(0), w), 1)),
            ("extract", Some(lo), Some(w)) => Some((CoreOp::Extract(lo, w), 1)),
            (_, Some(_), _) => None,
            (other, ..) => plain_function(other),
        };
        if let Some((op, n)) = shape {
            takes(n)?;
            return Ok(self.op(op, args, place));
        }
        use BinOp::{Add, And, Shl};
        let int = |p: &mut Self, v| p.exprs.add(ExprKind::Int(v), place, None);
        let cmp = |p: &mut Self, op, a, b| p.op(CoreOp::Cmp(op), vec![a, b], place);
        let bin = |p: &mut Self, op, a, b| p.op(CoreOp::Bin(op), vec![a, b], place);
        let not = |p: &mut Self, a| p.op(CoreOp::Un(UnOp::Not), vec![a], place);
        match name.as_str() {
            "minu" | "maxu" | "mins" | "maxs" => {
                takes(2)?;
                let op = if name.ends_with('u') {
                    CmpOp::Ult
                } else {
                    CmpOp::Slt
                };
                let (a, b) = (args[0], args[1]);
                let c = if name.starts_with("min") {
                    cmp(self, op, a, b)
                } else {
                    cmp(self, op, b, a)
                };
                Ok(self.op(CoreOp::Ite, vec![c, a, b], place))
            }
            "abs" => {
                takes(1)?;
                let zero = int(self, 0);
                let c = cmp(self, CmpOp::Slt, args[0], zero);
                let neg = self.op(CoreOp::Un(UnOp::Neg), args.clone(), place);
                Ok(self.op(CoreOp::Ite, vec![c, neg, args[0]], place))
            }
            "known_zero" => {
                takes(2)?;
                let both = bin(self, And, args[0], args[1]);
                let zero = int(self, 0);
                Ok(cmp(self, CmpOp::Eq, both, zero))
            }
            "nonneg" => {
                takes(1)?;
                let zero = int(self, 0);
                let c = cmp(self, CmpOp::Slt, args[0], zero);
                Ok(not(self, c))
            }
            "pow2" => {
                takes(1)?;
                let zero = int(self, 0);
                let is_zero = cmp(self, CmpOp::Eq, args[0], zero);
                let minus = int(self, 1);
                let minus = bin(self, BinOp::Sub, args[0], minus);
                let both = bin(self, And, args[0], minus);
                let zero = int(self, 0);
                let single = cmp(self, CmpOp::Eq, both, zero);
                let some = not(self, is_zero);
                Ok(bin(self, And, some, single))
            }
            "odd" => {
                takes(1)?;
                let one = int(self, 1);
                let low = bin(self, And, args[0], one);
                let one = int(self, 1);
                Ok(cmp(self, CmpOp::Eq, low, one))
            }
            "ones" => {
                takes(1)?;
                let one = int(self, 1);
                let top = bin(self, Shl, one, args[0]);
                let one = int(self, 1);
                let minus = self.op(CoreOp::Un(UnOp::Neg), vec![one], place);
                Ok(bin(self, Add, top, minus))
            }
            // 0 <= M * D - 2^(w + S) <= 2^S, in twice the width (Granlund and Montgomery 1994, theorem 4.2).
            "valid_umagic" => {
                takes(3)?;
                let wide = |p: &mut Self, a| {
                    let double = WidthExpr::Mul(WidthExpr::Bits(2).into(), WidthExpr::W.into());
                    p.op(CoreOp::Zext(double), vec![a], place)
                };
                let (d, m, s) = (
                    wide(self, args[0]),
                    wide(self, args[1]),
                    wide(self, args[2]),
                );
                let product = bin(self, BinOp::Mul, m, d);
                let w = self.exprs.add(ExprKind::Width(WidthExpr::W), place, None);
                let exponent = bin(self, Add, s, w);
                let (one, one2) = (int(self, 1), int(self, 1));
                let power = bin(self, Shl, one, exponent);
                let slack = bin(self, Shl, one2, s);
                let excess = bin(self, BinOp::Sub, product, power);
                let above = cmp(self, CmpOp::Ult, slack, excess);
                let fits = not(self, above);
                let w = self.exprs.add(ExprKind::Width(WidthExpr::W), place, None);
                let small = cmp(self, CmpOp::Ult, args[2], w);
                Ok(bin(self, And, fits, small))
            }
            _ => Err(self.fail(place, RuleErrorKind::Function(name))),
        }
    }
}

/// Functions that are one operation.
fn plain_function(name: &str) -> Option<(CoreOp, usize)> {
    use BinOp::*;
    let bin = |op| Some((CoreOp::Bin(op), 2));
    let un = |op| Some((CoreOp::Un(op), 1));
    let fp = |op, n| Some((CoreOp::Fp(op), n));
    match name {
        "rotl" => bin(Rotl),
        "rotr" => bin(Rotr),
        "mulhu" => bin(MulHiU),
        "mulhs" => bin(MulHiS),
        "pext" => bin(Pext),
        "pdep" => bin(Pdep),
        "popcnt" => un(UnOp::Popcnt),
        "clz" => un(UnOp::Clz),
        "ctz" | "log2" => un(UnOp::Ctz),
        "bswap" => un(UnOp::Bswap),
        "concat" => Some((CoreOp::Concat, 2)),
        "fadd" => fp(FpOp::Add, 2),
        "fsub" => fp(FpOp::Sub, 2),
        "fmul" => fp(FpOp::Mul, 2),
        "fdiv" => fp(FpOp::Div, 2),
        "fmin" => fp(FpOp::Min, 2),
        "fmax" => fp(FpOp::Max, 2),
        "feq" => fp(FpOp::Eq, 2),
        "flt" => fp(FpOp::Lt, 2),
        "fle" => fp(FpOp::Le, 2),
        "funord" => fp(FpOp::Unord, 2),
        "fsqrt" => fp(FpOp::Sqrt, 1),
        "fround" => fp(FpOp::Round(0), 1),
        "ffloor" => fp(FpOp::Round(1), 1),
        "fceil" => fp(FpOp::Round(2), 1),
        "ftrunc" => fp(FpOp::Round(3), 1),
        "i2f" => fp(FpOp::FromInt(64), 1),
        "f2i" => fp(FpOp::ToIntTrunc(64), 1),
        "fma" => fp(FpOp::Fma, 3),
        _ => None,
    }
}
