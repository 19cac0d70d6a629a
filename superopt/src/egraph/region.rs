//! A region of the compiler's IR as terms ([`super::emit`] is the way back).
//!
//! A region is what one block computes without memory, faults or control: its pure instructions. Whatever else defines
//! a value (block parameters, loads, calls, other blocks, checked operations, divisions that may fault) is an input of
//! the region, so nothing is moved over a guard. A double is the 64-bit word of its bits. Shift counts of the IR are
//! modulo 64, those of terms are not: the terms say `count & 63`.

use std::collections::{HashMap, HashSet};
use std::fmt;
use trinity_codegen::ir::{
    self, Base, Block, Cond, FloatCc, Inst, IntCc, Opnd, Type, Value, ValueDef,
};
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
    inside: HashSet<ir::InstId>,
    pool: TermPool,
    terms: HashMap<Value, TermId>,
    inputs: Vec<(Value, Type)>,
    /// By value: how many of its low bits can be set; what is missing may have all.
    bits: &'f [u8],
}

/// What a block computes purely and somebody else reads: the values to ask [`region_terms`] for.
pub fn region_outputs(func: &ir::Function, block: Block) -> Vec<Value> {
    let mut elsewhere = HashSet::new();
    for (n, data) in func.blocks.iter().enumerate() {
        let mut seen = |v: Value| {
            elsewhere.insert(v);
        };
        if n == block.index() {
            continue;
        }
        for id in &data.insts {
            func.insts[id.index()].inst.for_each_use(&mut seen);
        }
        if let Some(term) = &data.term {
            term.for_each_use(&mut seen);
        }
    }
    outputs_of(func, block, &[], &elsewhere)
}

/// As [`region_outputs`], knowing already which values other blocks use.
pub fn outputs_of(
    func: &ir::Function,
    block: Block,
    bits: &[u8],
    elsewhere: &HashSet<Value>,
) -> Vec<Value> {
    let mut lift = Lift::new(func, block);
    lift.bits = bits;
    let data = &func.blocks[block.index()];
    let mut pure = Vec::new();
    let mut used = HashSet::new();
    for id in &data.insts {
        let node = &func.insts[id.index()];
        if node.num_results == 1 && lift.pure(node.first_result).is_some() {
            if !node.inst.is_const() {
                pure.push(node.first_result);
            }
        } else {
            node.inst.for_each_use(|v| {
                used.insert(v);
            });
        }
    }
    if let Some(term) = &data.term {
        term.for_each_use(|v| {
            used.insert(v);
        });
    }
    pure.retain(|v| used.contains(v) || elsewhere.contains(v));
    pure
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
    let mut pool = TermPool::new();
    let (inputs, outputs) = region_terms_over(func, block, outputs, &mut pool, HashMap::new())?;
    Ok(Region {
        pool,
        inputs,
        outputs,
    })
}

/// Values a region reads that were not given, with their types; and the values asked for.
pub type Words = (Vec<(Value, Type)>, Vec<(Value, TermId, Type)>);

/// As [`region_terms`], in somebody's pool, over terms for some values.
///
/// # Errors
/// As [`region_terms`].
pub fn region_terms_over(
    func: &ir::Function,
    block: Block,
    outputs: &[Value],
    pool: &mut TermPool,
    given: HashMap<Value, TermId>,
) -> Result<Words, NotInRegion> {
    let mut lift = Lift::new(func, block);
    if let Some(v) = outputs.iter().find(|v| lift.pure(**v).is_none()) {
        return Err(NotInRegion(*v));
    }
    lift.terms = given;
    lift.pool = std::mem::take(pool);
    let out = outputs.iter().map(|v| (*v, lift.value(*v), func.ty(*v)));
    let out = out.collect();
    *pool = lift.pool;
    Ok((lift.inputs, out))
}

/// Definitions in other blocks that are looked at: so many steps back from what a block reads.
const STEPS: usize = 3;
/// And so many in all.
const OUTER: usize = 16;

/// What a block computes purely, with what the values that it reads are made of.
#[derive(Clone, Debug)]
pub struct Extended {
    /// Values that are read, with their types; by the numbers of the pool's variables.
    pub inputs: Vec<(Value, Type)>,
    /// Values asked for.
    pub outputs: Vec<(Value, TermId, Type)>,
    /// The bit that the block's branch asks, if that is pure.
    pub condition: Option<TermId>,
    /// Values of other blocks that are there already, with what they are made of.
    pub available: Vec<(Value, TermId)>,
}

/// What a block computes, over the definitions of what it reads: these stand in blocks that dominate it, and pure
/// operations have the same value wherever they are done.
///
/// `bits` says how many low bits of each value can be set (`opt::region::Facts`): floor divisions of what is not negative are unsigned ones.
/// Values that are `gone` are not read: what is made of them is an input.
pub fn extended(
    func: &ir::Function,
    block: Block,
    outputs: &[Value],
    bits: &[u8],
    gone: &HashSet<Value>,
    pool: &mut TermPool,
) -> Extended {
    let mut lift = Lift::new(func, block);
    lift.bits = bits;
    let mut read: Vec<Value> = Vec::new();
    for id in &func.blocks[block.index()].insts {
        let node = &func.insts[id.index()];
        if node.num_results == 1 && lift.pure(node.first_result).is_some() {
            node.inst.for_each_use(|v| read.push(v));
        }
    }
    let condition = match &func.blocks[block.index()].term {
        Some(ir::Term::BrIf { cond, .. }) if words(cond) => Some(cond),
        _ => None,
    };
    if let Some(c) = condition {
        c.for_each_use(&mut |v| read.push(v));
    }
    let mut outer: Vec<Value> = Vec::new();
    for _ in 0..STEPS {
        let mut next = Vec::new();
        for v in read {
            let ValueDef::Inst(id, _) = func.values[v.index()].def else {
                continue;
            };
            if lift.inside.contains(&id) || outer.len() >= OUTER {
                continue;
            }
            lift.inside.insert(id);
            let there = |inst: &Inst| {
                let mut there = true;
                inst.for_each_use(|u| there &= !gone.contains(&u));
                there
            };
            match lift.pure(v) {
                Some(inst) if !inst.is_const() && there(inst) => {
                    outer.push(v);
                    inst.for_each_use(|u| next.push(u));
                }
                _ => {
                    lift.inside.remove(&id);
                }
            }
        }
        read = next;
    }
    lift.pool = std::mem::take(pool);
    let out = outputs.iter().map(|v| (*v, lift.value(*v), func.ty(*v)));
    let outputs = out.collect();
    let condition = condition.map(|c| {
        c.for_each_use(&mut |v| {
            lift.value(v);
        });
        lift.cond(c)
    });
    let available = outer.into_iter().map(|v| (v, lift.value(v))).collect();
    *pool = lift.pool;
    Extended {
        inputs: lift.inputs,
        outputs,
        condition,
        available,
    }
}

/// Whether a condition asks about words alone.
fn words(c: &Cond) -> bool {
    matches!(c, Cond::Icmp { .. } | Cond::Test { .. } | Cond::Fcmp { .. })
}

impl<'f> Lift<'f> {
    fn new(func: &'f ir::Function, block: Block) -> Lift<'f> {
        let inside = func.blocks[block.index()].insts.iter().copied().collect();
        Lift {
            func,
            inside,
            pool: TermPool::new(),
            terms: HashMap::new(),
            inputs: Vec::new(),
            bits: &[],
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
        if !self.inside.contains(&id) {
            return None;
        }
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
            // The language has unsigned divisions only.
            Inst::Binary {
                op: ir::BinOp::Sfloor | ir::BinOp::Smod,
                a,
                b,
            } => {
                let divisor = self.func.opnd_const(*b).is_some_and(|d| d > 0);
                divisor && self.bits.get(a.index()).is_some_and(|n| *n < 64)
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
        let sign = 1u128 << 63;
        match op {
            Ineg => p.un(UnOp::Neg, &a),
            Inot => p.un(UnOp::Not, &a),
            Bswap64 => p.un(UnOp::Bswap, &a),
            Bswap32 => {
                let low = p.extract(&a, 0, 32);
                let low = p.un(UnOp::Bswap, &low);
                p.zext(&low, 64)
            }
            Zext8 | Zext16 | Zext32 | Sext8 | Sext16 | Sext32 => {
                let bits = match op {
                    Zext8 | Sext8 => 8,
                    Zext16 | Sext16 => 16,
                    _ => 32,
                };
                let t = p.extract(&a, 0, bits);
                if matches!(op, Zext8 | Zext16 | Zext32) {
                    p.zext(&t, 64)
                } else {
                    p.sext(&t, 64)
                }
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
            // Of what is not negative, by what is positive (`pure`).
            Sfloor => BinOp::Udiv,
            Smod => BinOp::Urem,
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
            Rotr => {
                let m = p.constant(64, 63);
                let n = p.and(&b, &m);
                return p.bin(BinOp::Rotr, &a, &n);
            }
            Rotr32 => {
                let (a, b) = (p.extract(&a, 0, 32), p.extract(&b, 0, 32));
                let m = p.constant(32, 31);
                let n = p.and(&b, &m);
                let low = p.bin(BinOp::Rotr, &a, &n);
                return p.zext(&low, 64);
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
                float_cond(&mut self.pool, *cc, &a, &b)
            }
            // `pure` lets no other condition through.
            _ => self.pool.undefined(1),
        }
    }
}

/// The bit of a comparison of doubles.
pub fn float_cond<D: Domain>(d: &mut D, cc: FloatCc, a: &D::W, b: &D::W) -> D::W {
    let (op, swap) = match cc {
        FloatCc::Eq | FloatCc::Ne => (FpOp::Eq, false),
        FloatCc::Lt => (FpOp::Lt, false),
        FloatCc::Le => (FpOp::Le, false),
        FloatCc::Gt => (FpOp::Lt, true),
        FloatCc::Ge => (FpOp::Le, true),
    };
    let operands = if swap { [b, a] } else { [a, b] };
    let holds = d.fp(op, &operands.map(Clone::clone));
    match cc {
        FloatCc::Ne => d.not(&holds),
        _ => holds,
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
