//! Terms as the compiler's IR: writes what extraction chose as instructions ([`super::region`] is the way in).
//!
//! A value of the IR has 64 bits, a node may have fewer: of a narrow node the low bits are its value and those above
//! are anything, until somebody needs them (`Emit::exact`, `Emit::signed`). A double is the 64-bit word of its bits.

use super::facts::{Known, Meet};
use super::lang::{ENode, Op};
use egg::{Id, Language, RecExpr};
use std::collections::HashMap;
use std::fmt;
use trinity_codegen::ir::{self, Cond, FloatCc, FunctionBuilder, IntCc, Opnd, Type, Value, Width};
use trinity_codegen::isa::concrete::signed;
use trinity_codegen::isa::{BinOp, CmpOp, FpOp, UnOp};

/// Why an expression has no IR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoIr {
    /// The IR has no such operation.
    Operation(String),
    /// An input was not given.
    Input(u32),
}

impl fmt::Display for NoIr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoIr::Operation(op) => write!(f, "the IR has no operation {op}"),
            NoIr::Input(n) => write!(f, "input {n} is missing"),
        }
    }
}
impl std::error::Error for NoIr {}

/// Writes an expression graph as instructions of the current block.
pub struct Emit<'b> {
    builder: &'b mut FunctionBuilder,
    inputs: &'b [Value],
    expr: &'b RecExpr<ENode>,
    /// Words: the low bits are the node's; what is above them is anything.
    words: HashMap<Id, Value>,
    /// Words without any bit above the node's.
    exact: HashMap<Id, Value>,
}

impl<'b> Emit<'b> {
    /// Prepares; `inputs` are the values of the expression's variables.
    pub fn new(
        builder: &'b mut FunctionBuilder,
        inputs: &'b [Value],
        expr: &'b RecExpr<ENode>,
    ) -> Emit<'b> {
        Emit {
            builder,
            inputs,
            expr,
            words: HashMap::new(),
            exact: HashMap::new(),
        }
    }
    /// The condition that a node of one bit is.
    ///
    /// # Errors
    /// As [`Emit::root`].
    pub fn condition(&mut self, id: Id) -> Result<Cond, NoIr> {
        self.below(id)?;
        self.cond(id)
    }
    /// The value of a 64-bit node, as a value of a type.
    ///
    /// # Errors
    /// When the IR has no operation for a node under it.
    pub fn root(&mut self, id: Id, ty: Type) -> Result<Value, NoIr> {
        self.below(id)?;
        self.typed(id, ty)
    }
    /// Writes what a root is made of, so that no recursion is deep.
    fn below(&mut self, id: Id) -> Result<(), NoIr> {
        // Nodes stand before their users.
        let needed = self.needed(id);
        let below = needed.iter().enumerate().take(usize::from(id));
        for (i, _) in below.filter(|x| *x.1) {
            let node = self.expr[Id::from(i)];
            // Masks of shift counts mostly need no instruction; conditions need none.
            let mask =
                node.op == Op::Bin(BinOp::And) && self.expr[node.children()[1]].op == Op::Const(63);
            let later = node.bits() == 1 || mask || matches!(node.op, Op::Const(_));
            if !later {
                self.word(Id::from(i))?;
            }
        }
        Ok(())
    }
    /// Which nodes a root is made of.
    fn needed(&self, root: Id) -> Vec<bool> {
        let mut need = vec![false; usize::from(root) + 1];
        need[usize::from(root)] = true;
        for i in (0..need.len()).rev() {
            if need[i] {
                for c in self.expr[Id::from(i)].children() {
                    need[usize::from(*c)] = true;
                }
            }
        }
        need
    }
    fn typed(&mut self, id: Id, ty: Type) -> Result<Value, NoIr> {
        if let (Op::Const(v), Type::F64) = (self.expr[id].op, ty) {
            return Ok(self.builder.fconst(f64::from_bits(v as u64)));
        }
        let v = self.word(id)?;
        Ok(match (self.builder.ty(v), ty) {
            (Type::I64, Type::F64) => self.builder.float_of_bits(v),
            (Type::F64, Type::I64) => self.builder.bits_of_float(v),
            _ => v,
        })
    }
    fn int(&mut self, id: Id) -> Result<Value, NoIr> {
        self.typed(id, Type::I64)
    }
    /// An operand: small constants need no value.
    fn opnd(&mut self, id: Id) -> Result<Opnd, NoIr> {
        let node = self.expr[id];
        if let Op::Const(v) = node.op
            && let Ok(i) = i32::try_from(signed(node.bits(), v))
        {
            return Ok(Opnd::Imm(i));
        }
        Ok(Opnd::Value(self.int(id)?))
    }
    /// Zero-extended to 64 bits.
    fn exact(&mut self, id: Id) -> Result<Value, NoIr> {
        let node = self.expr[id];
        if let Some(v) = self.exact.get(&id) {
            return Ok(*v);
        }
        let v = self.int(id)?;
        let exact = match node.bits() {
            64 => v,
            // These clear the upper half.
            32 if matches!(
                node.op,
                Op::Bin(BinOp::Rotl | BinOp::Rotr) | Op::Un(UnOp::Bswap)
            ) =>
            {
                v
            }
            32 => self.builder.zext32(v),
            16 => self.builder.zext16(v),
            8 => self.builder.zext8(v),
            1 if matches!(node.op, Op::Cmp(_) | Op::Fp(_)) => v,
            w if w < 32 => self.builder.and(v, (1i32 << w) - 1),
            _ => return Err(NoIr::Operation(node.to_string())),
        };
        self.exact.insert(id, exact);
        Ok(exact)
    }
    fn signed(&mut self, id: Id) -> Result<Value, NoIr> {
        let node = self.expr[id];
        let v = self.int(id)?;
        Ok(match node.bits() {
            64 => v,
            32 => self.builder.sext32(v),
            16 => self.builder.sext16(v),
            8 => self.builder.sext8(v),
            1 => {
                let bit = self.exact(id)?;
                self.builder.ineg(bit)
            }
            _ => return Err(NoIr::Operation(node.to_string())),
        })
    }
    /// The condition of a one-bit node.
    fn cond(&mut self, id: Id) -> Result<Cond, NoIr> {
        let node = self.expr[id];
        let (inner, not) = match node.op {
            Op::Un(UnOp::Not) => (node.children()[0], true),
            _ => (id, false),
        };
        let node = self.expr[inner];
        let (a, b) = match node.children() {
            [a, b] => (*a, *b),
            _ => (inner, inner),
        };
        match node.op {
            Op::Cmp(op) => self.comparison(op, not, a, b),
            Op::Fp(FpOp::Eq) => {
                let cc = if not { FloatCc::Ne } else { FloatCc::Eq };
                self.doubles(cc, a, b)
            }
            Op::Fp(FpOp::Lt) if !not => self.doubles(FloatCc::Lt, a, b),
            Op::Fp(FpOp::Le) if !not => self.doubles(FloatCc::Le, a, b),
            _ => Ok(Cond::Test {
                cc: if not { IntCc::Eq } else { IntCc::Ne },
                w: Width::W8,
                a: self.int(inner)?,
                b: Opnd::Imm(1),
            }),
        }
    }
    fn comparison(&mut self, op: CmpOp, not: bool, a: Id, b: Id) -> Result<Cond, NoIr> {
        use IntCc::*;
        let w = match self.expr[a].bits() {
            8 => Width::W8,
            16 => Width::W16,
            32 => Width::W32,
            64 => Width::W64,
            _ => return Err(NoIr::Operation(self.expr[a].to_string())),
        };
        // A constant comes second.
        let swap = matches!(self.expr[a].op, Op::Const(_));
        let cc = match (op, not, swap) {
            (CmpOp::Eq, false, _) => Eq,
            (CmpOp::Eq, true, _) => Ne,
            (CmpOp::Ult, false, false) => Ult,
            (CmpOp::Ult, true, false) => Uge,
            (CmpOp::Slt, false, false) => Slt,
            (CmpOp::Slt, true, false) => Sge,
            (CmpOp::Ult, false, true) => Ugt,
            (CmpOp::Ult, true, true) => Ule,
            (CmpOp::Slt, false, true) => Sgt,
            (CmpOp::Slt, true, true) => Sle,
        };
        let (a, b) = if swap { (b, a) } else { (a, b) };
        let (a, b) = (self.int(a)?, self.opnd(b)?);
        Ok(Cond::Icmp { cc, w, a, b })
    }
    fn doubles(&mut self, cc: FloatCc, a: Id, b: Id) -> Result<Cond, NoIr> {
        let (a, b) = (self.typed(a, Type::F64)?, self.typed(b, Type::F64)?);
        Ok(Cond::fcmp(cc, a, b))
    }

    fn word(&mut self, id: Id) -> Result<Value, NoIr> {
        let node = self.expr[id];
        // Constants are written where they are used.
        if let Op::Const(v) = node.op {
            return Ok(self.builder.iconst(signed(node.bits(), v) as i64));
        }
        if let Some(v) = self.words.get(&id) {
            return Ok(*v);
        }
        let v = self.operation(node, id)?;
        self.words.insert(id, v);
        Ok(v)
    }

    fn operation(&mut self, node: ENode, id: Id) -> Result<Value, NoIr> {
        let none = || NoIr::Operation(node.to_string());
        let args = node.children();
        let w = node.bits();
        let is = |e: &RecExpr<ENode>, id: Id, v: u128| e[id].op == Op::Const(v);
        Ok(match node.op {
            Op::Const(_) => return Err(none()),
            Op::Var(n) => *self.inputs.get(n as usize).ok_or(NoIr::Input(n))?,
            Op::Un(UnOp::Not) if w == 1 => {
                let compared = matches!(self.expr[args[0]].op, Op::Cmp(_) | Op::Fp(FpOp::Eq));
                if compared {
                    let c = self.cond(id)?;
                    self.builder.bool_of(c)
                } else {
                    let a = self.int(args[0])?;
                    self.builder.xor(a, 1)
                }
            }
            Op::Un(UnOp::Not) => {
                let a = self.int(args[0])?;
                self.builder.inot(a)
            }
            Op::Un(UnOp::Neg) => {
                let a = self.int(args[0])?;
                self.builder.ineg(a)
            }
            Op::Un(UnOp::Bswap) if w == 32 || w == 64 => {
                let a = self.int(args[0])?;
                let op = if w == 32 {
                    ir::UnOp::Bswap32
                } else {
                    ir::UnOp::Bswap64
                };
                self.builder.unary(op, a)
            }
            Op::Un(_) => return Err(none()),
            Op::Bin(op @ (BinOp::Rotl | BinOp::Rotr)) if w == 32 || w == 64 => {
                let a = self.int(args[0])?;
                let Opnd::Imm(n) = self.opnd(args[1])? else {
                    return Err(none());
                };
                // To the left is to the right by what is missing.
                let right = if op == BinOp::Rotr { n } else { -n };
                let n = right.rem_euclid(w as i32);
                let op = if w == 32 {
                    ir::BinOp::Rotr32
                } else {
                    ir::BinOp::Rotr
                };
                self.builder.binary(op, a, n)
            }
            Op::Bin(op) => {
                let mut b = args[1];
                use ir::BinOp as I;
                let op = match op {
                    BinOp::Add => I::Iadd,
                    BinOp::Sub => I::Isub,
                    BinOp::Mul => I::Imul,
                    BinOp::And => I::And,
                    BinOp::Or => I::Or,
                    BinOp::Xor => I::Xor,
                    BinOp::MulHiS if w == 64 => I::Smulh,
                    BinOp::Sdiv if w == 64 => I::Sdiv,
                    BinOp::Srem if w == 64 => I::Srem,
                    // Of what is not negative (`expressible`).
                    BinOp::Udiv if w == 64 => I::Sfloor,
                    BinOp::Urem if w == 64 => I::Smod,
                    BinOp::Shl => I::Shl,
                    BinOp::Lshr => I::Shr,
                    BinOp::Ashr => I::Sar,
                    _ => return Err(none()),
                };
                if let (I::Xor | I::And, 64) = (op, w)
                    && !matches!(self.expr[args[0]].op, Op::Const(_))
                {
                    let a = self.word(args[0])?;
                    if self.builder.ty(a) == Type::F64 {
                        if op == I::Xor && is(self.expr, b, 1 << 63) {
                            return Ok(self.builder.fneg(a));
                        }
                        if op == I::And && is(self.expr, b, (1 << 63) - 1) {
                            return Ok(self.builder.fabs(a));
                        }
                    }
                }
                let mut args = [args[0], b];
                let commutes = matches!(op, I::Iadd | I::Imul | I::And | I::Or | I::Xor);
                if commutes && matches!(self.expr[args[0]].op, Op::Const(_)) {
                    // Constants that are second operands mostly need no register.
                    args.swap(0, 1);
                    b = args[1];
                }
                let a = match op {
                    I::Shr => self.exact(args[0])?,
                    I::Sar => self.signed(args[0])?,
                    _ => self.int(args[0])?,
                };
                if matches!(op, I::Shl | I::Shr | I::Sar) && w == 64 {
                    let count = self.expr[b];
                    if count.op == Op::Bin(BinOp::And) && is(self.expr, count.children()[1], 63) {
                        b = count.children()[0];
                    }
                }
                let b = match op {
                    I::Shl | I::Shr | I::Sar if w < 64 => Opnd::Value(self.exact(b)?),
                    _ => self.opnd(b)?,
                };
                self.builder.binary(op, a, b)
            }
            Op::Cmp(_) => {
                let c = self.cond(id)?;
                self.builder.bool_of(c)
            }
            Op::Ite => {
                let c = self.cond(args[0])?;
                let (a, b) = (self.int(args[1])?, self.int(args[2])?);
                self.builder.select(c, a, b)
            }
            Op::Extract(0) => self.int(args[0])?,
            Op::Extract(lo) => {
                let a = self.int(args[0])?;
                self.builder.shr(a, i32::from(lo))
            }
            Op::Zext => self.exact(args[0])?,
            Op::Sext => self.signed(args[0])?,
            Op::Concat => return Err(none()),
            Op::Fp(op) => {
                let from_int = matches!(op, FpOp::FromInt(_));
                if op.result_width(64) == 1 {
                    let c = self.cond(id)?;
                    if matches!(c, Cond::Test { .. }) {
                        return Err(none());
                    }
                    return Ok(self.builder.bool_of(c));
                }
                let mut v = Vec::new();
                for a in args {
                    v.push(self.typed(*a, if from_int { Type::I64 } else { Type::F64 })?);
                }
                use ir::UnOp as U;
                let b = &mut self.builder;
                match op {
                    FpOp::Add => b.fadd(v[0], v[1]),
                    FpOp::Sub => b.fsub(v[0], v[1]),
                    FpOp::Mul => b.fmul(v[0], v[1]),
                    FpOp::Div => b.fdiv(v[0], v[1]),
                    FpOp::Min => b.fmin(v[0], v[1]),
                    FpOp::Max => b.fmax(v[0], v[1]),
                    FpOp::Sqrt => b.unary(U::Fsqrt, v[0]),
                    FpOp::Round(1) => b.unary(U::Ffloor, v[0]),
                    FpOp::Round(2) => b.unary(U::Fceil, v[0]),
                    FpOp::Round(3) => b.unary(U::Ftrunc, v[0]),
                    FpOp::FromInt(64) => b.unary(U::IntToFloat, v[0]),
                    FpOp::ToIntTrunc(64) => b.unary(U::FloatToInt, v[0]),
                    _ => return Err(none()),
                }
            }
        })
    }
}

/// Whether the IR has a node, given what is known of its operands.
pub fn expressible(node: &ENode, operand: &dyn Fn(usize) -> Known) -> bool {
    let w = node.bits();
    if !matches!(w, 1 | 8 | 16 | 32 | 64) {
        return false;
    }
    let wide = |n: u32| matches!(n, 8 | 16 | 32 | 64);
    match node.op {
        Op::Const(_) | Op::Var(_) | Op::Ite => true,
        Op::Un(UnOp::Bswap) => matches!(w, 32 | 64),
        Op::Un(op) => matches!(op, UnOp::Not | UnOp::Neg),
        Op::Bin(op) => match op {
            BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor => true,
            // A count of the width or more means something else in the IR.
            BinOp::Shl | BinOp::Lshr | BinOp::Ashr => wide(w) && operand(1).range().1 < w.into(),
            BinOp::Rotl | BinOp::Rotr => matches!(w, 32 | 64) && operand(1).value().is_some(),
            BinOp::MulHiS => w == 64,
            BinOp::Udiv | BinOp::Urem => {
                let divisor = operand(1).value();
                w == 64
                    && operand(0).range().1 < 1 << 63
                    && divisor.is_some_and(|d| d > 0 && d < 1 << 63)
            }
            BinOp::Sdiv | BinOp::Srem => {
                w == 64
                    && operand(1)
                        .value()
                        .is_some_and(|d| d != 0 && d != u64::MAX.into())
            }
            _ => false,
        },
        Op::Cmp(_) => wide(operand(0).width()),
        Op::Extract(lo) => lo == 0 || operand(0).width() == 64,
        Op::Zext | Op::Sext => matches!(operand(0).width(), 1 | 8 | 16 | 32),
        Op::Concat => false,
        Op::Fp(op) => !matches!(
            op,
            FpOp::Unord | FpOp::Fma | FpOp::Round(0) | FpOp::ToInt(_) | FpOp::Convert(_)
        ),
    }
}
