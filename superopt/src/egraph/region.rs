//! A region of the compiler's IR as terms, and terms as IR.
//!
//! A region is what one block computes without memory, faults or control: its pure instructions. Whatever else defines
//! a value (block parameters, loads, calls, other blocks, checked operations, divisions that may fault) is an input of
//! the region, so nothing is moved over a guard. A double is the 64-bit word of its bits. Shift counts of the IR are
//! modulo 64, those of terms are not: the terms say `count & 63`.

use super::facts::Known;
use super::lang::{ENode, Op};
use egg::{Id, Language, RecExpr};
use std::collections::HashMap;
use std::fmt;
use trinity_codegen::ir::{
    self, Base, Block, Cond, FloatCc, FunctionBuilder, Inst, IntCc, Opnd, Type, Value, ValueDef,
    Width,
};
use trinity_codegen::isa::concrete::signed;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, FpOp, TermId, TermPool, UnOp};

/// A region as terms.
#[derive(Clone, Debug)]
pub struct Region {
    /// Where the terms live. Its variables are the inputs, in the same order.
    pub pool: TermPool,
    /// Values the region reads, with their types.
    pub inputs: Vec<(Value, Type)>,
    /// Values asked for.
    pub outputs: Vec<(Value, TermId, Type)>,
}

/// A value asked for that the block does not compute purely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotInRegion(
    /// The value.
    pub Value,
);

impl fmt::Display for NotInRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is not computed by a pure instruction of the block",
            self.0
        )
    }
}
impl std::error::Error for NotInRegion {}

struct Lift<'f> {
    func: &'f ir::Function,
    /// The instructions of the block.
    inside: Vec<bool>,
    pool: TermPool,
    terms: HashMap<Value, TermId>,
    inputs: Vec<(Value, Type)>,
}

/// What a block computes purely and somebody else reads: the values to ask [`region_terms`] for.
pub fn region_outputs(func: &ir::Function, block: Block) -> Vec<Value> {
    let mut lift = Lift::new(func, block);
    let pure: Vec<Value> = func.blocks[block.index()]
        .insts
        .iter()
        .map(|id| func.insts[id.index()].first_result)
        .filter(|v| lift.pure(*v).is_some() && !func.def_inst(*v).is_some_and(Inst::is_const))
        .collect();
    let mut used = vec![false; func.values.len()];
    for data in &func.blocks {
        for id in &data.insts {
            let node = &func.insts[id.index()];
            let outside = node.num_results == 0 || !pure.contains(&node.first_result);
            if outside {
                node.inst.for_each_use(|v| used[v.index()] = true);
            }
        }
        if let Some(term) = &data.term {
            term.for_each_use(|v| used[v.index()] = true);
        }
    }
    lift.inputs.clear();
    pure.into_iter().filter(|v| used[v.index()]).collect()
}

/// The terms of values that a block computes.
///
/// # Errors
/// When a value is not the result of a pure instruction of this block.
pub fn region_terms(
    func: &ir::Function,
    block: Block,
    outputs: &[Value],
) -> Result<Region, NotInRegion> {
    let mut lift = Lift::new(func, block);
    let mut out = Vec::new();
    for v in outputs {
        if lift.pure(*v).is_none() {
            return Err(NotInRegion(*v));
        }
        out.push((*v, lift.value(*v), func.ty(*v)));
    }
    Ok(Region {
        pool: lift.pool,
        inputs: lift.inputs,
        outputs: out,
    })
}

impl<'f> Lift<'f> {
    fn new(func: &'f ir::Function, block: Block) -> Lift<'f> {
        let mut inside = vec![false; func.insts.len()];
        for id in &func.blocks[block.index()].insts {
            inside[id.index()] = true;
        }
        Lift {
            func,
            inside,
            pool: TermPool::new(),
            terms: HashMap::new(),
            inputs: Vec::new(),
        }
    }

    /// The instruction behind a value, if it belongs to the region. Constants belong wherever they stand.
    fn pure(&self, v: Value) -> Option<&'f Inst> {
        let ValueDef::Inst(id, _) = self.func.values[v.index()].def else {
            return None;
        };
        let inst = &self.func.insts[id.index()].inst;
        if inst.is_const() {
            return Some(inst);
        }
        if !self.inside[id.index()] {
            return None;
        }
        let words =
            |c: &Cond| matches!(c, Cond::Icmp { .. } | Cond::Test { .. } | Cond::Fcmp { .. });
        let pure = match inst {
            Inst::Unary { .. } => true,
            Inst::Binary {
                op: ir::BinOp::Sdiv | ir::BinOp::Srem,
                b,
                ..
            } => {
                let divisor = match *b {
                    Opnd::Imm(i) => Some(i64::from(i)),
                    Opnd::Value(v) => self.func.as_iconst(v),
                };
                divisor.is_some_and(|d| d != 0 && d != -1)
            }
            Inst::Binary { .. } => true,
            Inst::BoolOf(c) | Inst::Select { cond: c, .. } => words(c),
            Inst::AddrOf(a) => matches!(a.base, Base::Value(_)),
            _ => false,
        };
        pure.then_some(inst)
    }

    fn value(&mut self, v: Value) -> TermId {
        if let Some(t) = self.terms.get(&v) {
            return *t;
        }
        // Operands first, on a stack of our own: blocks can be long.
        let mut stack = vec![v];
        while let Some(&v) = stack.last() {
            if self.terms.contains_key(&v) {
                stack.pop();
                continue;
            }
            let Some(inst) = self.pure(v) else {
                let t = self.pool.var(&format!("v{}", v.0), 64);
                self.inputs.push((v, self.func.ty(v)));
                self.terms.insert(v, t);
                continue;
            };
            let before = stack.len();
            inst.for_each_use(|u| {
                if !self.terms.contains_key(&u) {
                    stack.push(u);
                }
            });
            if stack.len() == before {
                let t = self.inst(inst);
                self.terms.insert(v, t);
            }
        }
        self.terms[&v]
    }

    fn opnd(&mut self, o: Opnd) -> TermId {
        match o {
            Opnd::Value(v) => self.terms[&v],
            Opnd::Imm(i) => self.pool.constant(64, i64::from(i) as u64 as u128),
        }
    }

    fn inst(&mut self, inst: &Inst) -> TermId {
        match inst {
            Inst::Iconst(n) => self.pool.constant(64, (*n as u64).into()),
            Inst::Fconst(b) => self.pool.constant(64, (*b).into()),
            Inst::Unary { op, a } => {
                let a = self.terms[a];
                self.unary(*op, a)
            }
            Inst::Binary { op, a, b } => {
                let (a, b) = (self.terms[a], self.opnd(*b));
                self.binary(*op, a, b)
            }
            Inst::BoolOf(c) => {
                let c = self.cond(c);
                self.pool.zext(&c, 64)
            }
            Inst::Select { cond, a, b, .. } => {
                let c = self.cond(cond);
                self.pool
                    .ite(&c, &self.terms[a].clone(), &self.terms[b].clone())
            }
            Inst::AddrOf(addr) => {
                let mut sum = match addr.base {
                    Base::Value(v) => self.terms[&v],
                    // `pure` lets no other base through.
                    _ => self.pool.constant(64, 0),
                };
                if let Some((index, scale)) = addr.index {
                    let n = self.pool.constant(64, scale.log2().into());
                    let index = self.pool.bin(BinOp::Shl, &self.terms[&index].clone(), &n);
                    sum = self.pool.add(&sum, &index);
                }
                let disp = self.pool.constant(64, i64::from(addr.disp) as u64 as u128);
                self.pool.add(&sum, &disp)
            }
            // `pure` lets nothing else through.
            _ => self.pool.undefined(64),
        }
    }

    fn unary(&mut self, op: ir::UnOp, a: TermId) -> TermId {
        use ir::UnOp::*;
        let p = &mut self.pool;
        let low = |p: &mut TermPool, n| p.extract(&a, 0, n);
        let sign = 1u128 << 63;
        match op {
            Ineg => p.un(UnOp::Neg, &a),
            Inot => p.un(UnOp::Not, &a),
            Zext8 | Zext16 | Zext32 => {
                let t = low(
                    p,
                    match op {
                        Zext8 => 8,
                        Zext16 => 16,
                        _ => 32,
                    },
                );
                p.zext(&t, 64)
            }
            Sext8 | Sext16 | Sext32 => {
                let t = low(
                    p,
                    match op {
                        Sext8 => 8,
                        Sext16 => 16,
                        _ => 32,
                    },
                );
                p.sext(&t, 64)
            }
            Fneg => {
                let m = p.constant(64, sign);
                p.xor(&a, &m)
            }
            Fabs => {
                let m = p.constant(64, !sign);
                p.and(&a, &m)
            }
            Fsqrt => p.fp(FpOp::Sqrt, &[a]),
            Ffloor => p.fp(FpOp::Round(1), &[a]),
            Fceil => p.fp(FpOp::Round(2), &[a]),
            Ftrunc => p.fp(FpOp::Round(3), &[a]),
            IntToFloat => p.fp(FpOp::FromInt(64), &[a]),
            FloatToInt => p.fp(FpOp::ToIntTrunc(64), &[a]),
            BitsOfFloat | FloatOfBits => a,
        }
    }

    fn binary(&mut self, op: ir::BinOp, a: TermId, b: TermId) -> TermId {
        use ir::BinOp::*;
        let p = &mut self.pool;
        let bin = match op {
            Iadd => BinOp::Add,
            Isub => BinOp::Sub,
            Imul => BinOp::Mul,
            And => BinOp::And,
            Or => BinOp::Or,
            Xor => BinOp::Xor,
            Sdiv => BinOp::Sdiv,
            Srem => BinOp::Srem,
            Smulh => BinOp::MulHiS,
            Shl | Shr | Sar => {
                let m = p.constant(64, 63);
                let n = p.and(&b, &m);
                let op = match op {
                    Shl => BinOp::Shl,
                    Shr => BinOp::Lshr,
                    _ => BinOp::Ashr,
                };
                return p.bin(op, &a, &n);
            }
            Fadd => return p.fp(FpOp::Add, &[a, b]),
            Fsub => return p.fp(FpOp::Sub, &[a, b]),
            Fmul => return p.fp(FpOp::Mul, &[a, b]),
            Fdiv => return p.fp(FpOp::Div, &[a, b]),
            Fmin => return p.fp(FpOp::Min, &[a, b]),
            Fmax => return p.fp(FpOp::Max, &[a, b]),
        };
        p.bin(bin, &a, &b)
    }

    fn cond(&mut self, c: &Cond) -> TermId {
        match c {
            Cond::Icmp { cc, w, a, b } => {
                let bits = 8 * w.bytes();
                let (a, b) = (self.terms[a], self.opnd(*b));
                let (a, b) = (
                    self.pool.extract(&a, 0, bits),
                    self.pool.extract(&b, 0, bits),
                );
                int_cond(&mut self.pool, *cc, a, b)
            }
            Cond::Test { cc, w, a, b } => {
                let bits = 8 * w.bytes();
                let (a, b) = (self.terms[a], self.opnd(*b));
                let both = self.pool.and(&a, &b);
                let both = self.pool.extract(&both, 0, bits);
                let zero = self.pool.constant(bits, 0);
                int_cond(&mut self.pool, *cc, both, zero)
            }
            Cond::Fcmp { cc, a, b } => {
                let (a, b) = (self.terms[a], self.terms[b]);
                let p = &mut self.pool;
                match cc {
                    FloatCc::Eq => p.fp(FpOp::Eq, &[a, b]),
                    FloatCc::Ne => {
                        let e = p.fp(FpOp::Eq, &[a, b]);
                        p.not(&e)
                    }
                    FloatCc::Lt => p.fp(FpOp::Lt, &[a, b]),
                    FloatCc::Le => p.fp(FpOp::Le, &[a, b]),
                    FloatCc::Gt => p.fp(FpOp::Lt, &[b, a]),
                    FloatCc::Ge => p.fp(FpOp::Le, &[b, a]),
                }
            }
            // `pure` lets no other condition through.
            _ => self.pool.undefined(1),
        }
    }
}

/// The bit of an integer comparison.
fn int_cond(p: &mut TermPool, cc: IntCc, a: TermId, b: TermId) -> TermId {
    use IntCc::*;
    let (op, swap, not) = match cc {
        Eq => (CmpOp::Eq, false, false),
        Ne => (CmpOp::Eq, false, true),
        Slt => (CmpOp::Slt, false, false),
        Sge => (CmpOp::Slt, false, true),
        Sgt => (CmpOp::Slt, true, false),
        Sle => (CmpOp::Slt, true, true),
        Ult => (CmpOp::Ult, false, false),
        Uge => (CmpOp::Ult, false, true),
        Ugt => (CmpOp::Ult, true, false),
        Ule => (CmpOp::Ult, true, true),
        Neg | NonNeg => {
            let d = p.sub(&a, &b);
            let s = p.msb(&d);
            return if cc == Neg { s } else { p.not(&s) };
        }
        Of | NoOf => {
            let d = p.sub(&a, &b);
            let (x, y) = (p.xor(&a, &b), p.xor(&a, &d));
            let o = p.and(&x, &y);
            let o = p.msb(&o);
            return if cc == Of { o } else { p.not(&o) };
        }
    };
    let c = if swap {
        p.cmp(op, &b, &a)
    } else {
        p.cmp(op, &a, &b)
    };
    if not { p.not(&c) } else { c }
}

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
        }
    }
    /// The value of a 64-bit node, as a value of a type.
    ///
    /// # Errors
    /// When the IR has no operation for a node under it.
    pub fn root(&mut self, id: Id, ty: Type) -> Result<Value, NoIr> {
        // Nodes stand before their users.
        for i in 0..usize::from(id) {
            let node = self.expr[Id::from(i)];
            // Masks of shift counts mostly need no instruction; conditions need none.
            let mask =
                node.op == Op::Bin(BinOp::And) && self.expr[node.children()[1]].op == Op::Const(63);
            let later = node.bits() == 1 || mask || matches!(node.op, Op::Const(_));
            if !later && self.needed(Id::from(i), id) {
                self.word(Id::from(i))?;
            }
        }
        self.typed(id, ty)
    }
    fn needed(&self, id: Id, root: Id) -> bool {
        let mut need = vec![false; usize::from(root) + 1];
        need[usize::from(root)] = true;
        for i in (0..need.len()).rev() {
            if need[i] {
                for c in self.expr[Id::from(i)].children() {
                    need[usize::from(*c)] = true;
                }
            }
        }
        need[usize::from(id)]
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
        let v = self.int(id)?;
        Ok(match node.bits() {
            64 => v,
            32 => self.builder.zext32(v),
            16 => self.builder.zext16(v),
            8 => self.builder.zext8(v),
            1 if matches!(node.op, Op::Cmp(_) | Op::Fp(_)) => v,
            w if w < 32 => self.builder.and(v, (1i32 << w) - 1),
            _ => return Err(NoIr::Operation(node.to_string())),
        })
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
            Op::Un(UnOp::Not) => (self.expr[node.children()[0]], true),
            _ => (node, false),
        };
        let (a, b) = match inner.children() {
            [a, b] => (*a, *b),
            _ => (id, id),
        };
        match inner.op {
            Op::Cmp(op) => {
                let w = match self.expr[a].bits() {
                    8 => Width::W8,
                    16 => Width::W16,
                    32 => Width::W32,
                    64 => Width::W64,
                    _ => return self.bit_cond(id),
                };
                let cc = match (op, not) {
                    (CmpOp::Eq, false) => IntCc::Eq,
                    (CmpOp::Eq, true) => IntCc::Ne,
                    (CmpOp::Ult, false) => IntCc::Ult,
                    (CmpOp::Ult, true) => IntCc::Uge,
                    (CmpOp::Slt, false) => IntCc::Slt,
                    (CmpOp::Slt, true) => IntCc::Sge,
                };
                let (a, b) = (self.int(a)?, self.opnd(b)?);
                Ok(Cond::Icmp { cc, w, a, b })
            }
            Op::Fp(FpOp::Eq) => {
                let cc = if not { FloatCc::Ne } else { FloatCc::Eq };
                Ok(Cond::fcmp(
                    cc,
                    self.typed(a, Type::F64)?,
                    self.typed(b, Type::F64)?,
                ))
            }
            Op::Fp(FpOp::Lt) if !not => Ok(Cond::fcmp(
                FloatCc::Lt,
                self.typed(a, Type::F64)?,
                self.typed(b, Type::F64)?,
            )),
            Op::Fp(FpOp::Le) if !not => Ok(Cond::fcmp(
                FloatCc::Le,
                self.typed(a, Type::F64)?,
                self.typed(b, Type::F64)?,
            )),
            _ => self.bit_cond(id),
        }
    }
    fn bit_cond(&mut self, id: Id) -> Result<Cond, NoIr> {
        let v = self.int(id)?;
        Ok(Cond::Test {
            cc: IntCc::Ne,
            w: Width::W8,
            a: v,
            b: Opnd::Imm(1),
        })
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
                let c = self.cond(id);
                match c? {
                    Cond::Test { .. } => {
                        let a = self.int(args[0])?;
                        self.builder.xor(a, 1)
                    }
                    c => self.builder.bool_of(c),
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
            Op::Un(_) => return Err(none()),
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
        Op::Un(op) => matches!(op, UnOp::Not | UnOp::Neg),
        Op::Bin(op) => match op {
            BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor => true,
            // A count of the width or more means something else in the IR.
            BinOp::Shl | BinOp::Lshr | BinOp::Ashr => wide(w) && operand(1).range().1 < w.into(),
            BinOp::MulHiS => w == 64,
            BinOp::Sdiv | BinOp::Srem => {
                w == 64
                    && operand(1)
                        .value()
                        .is_some_and(|d| d != 0 && d != u64::MAX.into())
            }
            _ => false,
        },
        Op::Cmp(_) => wide(operand(0).width),
        Op::Extract(lo) => lo == 0 || operand(0).width == 64,
        Op::Zext | Op::Sext => matches!(operand(0).width, 1 | 8 | 16 | 32),
        Op::Concat => false,
        Op::Fp(op) => !matches!(
            op,
            FpOp::Unord | FpOp::Fma | FpOp::Round(0) | FpOp::ToInt(_) | FpOp::Convert(_)
        ),
    }
}
