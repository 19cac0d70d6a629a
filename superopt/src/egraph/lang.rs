//! The e-graph's language: the pure operations of the model's terms, each node with its width.
//!
//! Widths stand in the nodes, not in an analysis: a rule instance of one width matches that width alone, and is used
//! exactly at the widths it was proven at. The meaning of a node is [`apply`], the same [`Domain`] operation that
//! terms, concrete values and known bits give it, so constant folding and analyses cannot drift from the proofs.

use egg::{FromOp, Id, Language, RecExpr};
use std::fmt;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, FpOp, Node, TermId, TermPool, UnOp};

/// The operation of an e-node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Op {
    /// A constant.
    Const(u128),
    /// An input, by number.
    Var(u32),
    /// One operand.
    Un(UnOp),
    /// Two operands of the node's width.
    Bin(BinOp),
    /// A comparison; the node is one bit.
    Cmp(CmpOp),
    /// A bit, and two words of the node's width.
    Ite,
    /// Bits from this position, as many as the node is wide.
    Extract(u8),
    /// High part, low part.
    Concat,
    /// Zero extension to the node's width.
    Zext,
    /// Sign extension to the node's width.
    Sext,
    /// Floating point on bit patterns.
    Fp(FpOp),
}

impl Op {
    /// Number of operands.
    pub fn arity(self) -> usize {
        match self {
            Op::Const(_) | Op::Var(_) => 0,
            Op::Un(_) | Op::Extract(_) | Op::Zext | Op::Sext => 1,
            Op::Bin(_) | Op::Cmp(_) | Op::Concat => 2,
            Op::Ite => 3,
            Op::Fp(f) => fp_arity(f),
        }
    }
}

/// Number of operands of a floating-point operation.
pub fn fp_arity(op: FpOp) -> usize {
    use FpOp::*;
    match op {
        Add | Sub | Mul | Div | Min | Max | Eq | Lt | Le | Unord => 2,
        Sqrt | Round(_) | FromInt(_) | ToInt(_) | ToIntTrunc(_) | Convert(_) => 1,
        Fma => 3,
    }
}

/// A node of the e-graph: an operation, the width of its result in bits (1 to 128), its operands' classes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ENode {
    /// The operation.
    pub op: Op,
    /// Width of the result in bits.
    pub width: u8,
    /// Operands; those past the arity are class 0 and mean nothing.
    args: [Id; 3],
}

impl ENode {
    /// A node. Operands past the arity are dropped.
    pub fn new(op: Op, width: u32, args: &[Id]) -> ENode {
        debug_assert!(args.len() >= op.arity());
        let n = op.arity();
        ENode {
            op,
            // Widths of the model end at 128.
            width: width as u8,
            args: std::array::from_fn(|i| if i < n { args[i] } else { Id::from(0) }),
        }
    }
    /// A constant; bits above the width are dropped.
    pub fn constant(width: u32, value: u128) -> ENode {
        let value = value & trinity_codegen::isa::concrete::mask(width);
        ENode::new(Op::Const(value), width, &[])
    }
    /// Width of the result in bits.
    pub fn bits(&self) -> u32 {
        self.width.into()
    }
}

impl Language for ENode {
    type Discriminant = (Op, u8);

    fn discriminant(&self) -> (Op, u8) {
        (self.op, self.width)
    }
    fn matches(&self, other: &ENode) -> bool {
        self.op == other.op && self.width == other.width
    }
    fn children(&self) -> &[Id] {
        &self.args[..self.op.arity()]
    }
    fn children_mut(&mut self) -> &mut [Id] {
        &mut self.args[..self.op.arity()]
    }
}

impl fmt::Display for ENode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let w = self.width;
        match self.op {
            Op::Const(v) => write!(f, "{v:#x}.{w}"),
            Op::Var(n) => write!(f, "v{n}.{w}"),
            Op::Un(op) => write!(f, "{}.{w}", format!("{op:?}").to_lowercase()),
            Op::Bin(op) => write!(f, "{}.{w}", format!("{op:?}").to_lowercase()),
            Op::Cmp(op) => write!(f, "{}.{w}", format!("{op:?}").to_lowercase()),
            Op::Ite => write!(f, "ite.{w}"),
            Op::Extract(lo) => write!(f, "extract{lo}.{w}"),
            Op::Concat => write!(f, "concat.{w}"),
            Op::Zext => write!(f, "zext.{w}"),
            Op::Sext => write!(f, "sext.{w}"),
            Op::Fp(op) => {
                let name: String = format!("{op:?}").to_lowercase().replace(['(', ')'], "");
                write!(f, "f{name}.{w}")
            }
        }
    }
}

/// All operations with two operands of one width.
pub const BIN_OPS: &[BinOp] = {
    use BinOp::*;
    &[
        Add, Sub, Mul, MulHiU, MulHiS, Udiv, Urem, Sdiv, Srem, And, Or, Xor, Shl, Lshr, Ashr, Rotl,
        Rotr, Pext, Pdep,
    ]
};
/// All operations with one operand.
pub const UN_OPS: &[UnOp] = &[
    UnOp::Not,
    UnOp::Neg,
    UnOp::Popcnt,
    UnOp::Clz,
    UnOp::Ctz,
    UnOp::Bswap,
];
/// All comparisons.
pub const CMP_OPS: &[CmpOp] = &[CmpOp::Eq, CmpOp::Ult, CmpOp::Slt];
/// The floating-point operations of the compiler's IR, on doubles.
pub const FP_OPS: &[FpOp] = {
    use FpOp::*;
    &[
        Add,
        Sub,
        Mul,
        Div,
        Min,
        Max,
        Sqrt,
        Eq,
        Lt,
        Le,
        Unord,
        Round(0),
        Round(1),
        Round(2),
        Round(3),
        FromInt(64),
        ToIntTrunc(64),
        Fma,
    ]
};

/// The text is no operator of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchOp(
    /// The text.
    pub String,
);

impl FromOp for ENode {
    type Error = NoSuchOp;

    fn from_op(text: &str, children: Vec<Id>) -> Result<ENode, NoSuchOp> {
        let no = || NoSuchOp(text.to_owned());
        let (name, width) = text.rsplit_once('.').ok_or_else(no)?;
        let width: u8 = width.parse().map_err(|_| no())?;
        let op = if let Some(hex) = name.strip_prefix("0x") {
            Op::Const(u128::from_str_radix(hex, 16).map_err(|_| no())?)
        } else if let Some(n) = name.strip_prefix('v').and_then(|n| n.parse().ok()) {
            Op::Var(n)
        } else if let Some(n) = name.strip_prefix("extract") {
            Op::Extract(n.parse().map_err(|_| no())?)
        } else {
            let fixed = [Op::Ite, Op::Concat, Op::Zext, Op::Sext].into_iter();
            let ops = fixed
                .chain(UN_OPS.iter().map(|o| Op::Un(*o)))
                .chain(BIN_OPS.iter().map(|o| Op::Bin(*o)))
                .chain(CMP_OPS.iter().map(|o| Op::Cmp(*o)))
                .chain(FP_OPS.iter().map(|o| Op::Fp(*o)));
            let found = ops
                .map(|op| ENode::new(op, width.into(), &[Id::from(0); 3]))
                .find(|n| n.to_string() == text);
            found.ok_or_else(no)?.op
        };
        if children.len() != op.arity() {
            return Err(no());
        }
        Ok(ENode::new(op, width.into(), &children))
    }
}

/// The meaning of a node that is no leaf, in any domain.
///
/// # Panics
/// On a leaf, and on fewer operands than the operation has.
pub fn apply<D: Domain>(d: &mut D, op: Op, width: u32, args: &[D::W]) -> D::W {
    match op {
        Op::Const(v) => d.constant(width, v),
        Op::Var(_) => panic!("a variable has no meaning of its own"),
        Op::Un(op) => d.un(op, &args[0]),
        Op::Bin(op) => d.bin(op, &args[0], &args[1]),
        Op::Cmp(op) => d.cmp(op, &args[0], &args[1]),
        Op::Ite => d.ite(&args[0], &args[1], &args[2]),
        Op::Extract(lo) => d.extract(&args[0], lo.into(), width),
        Op::Concat => d.concat(&args[0], &args[1]),
        Op::Zext => d.zext(&args[0], width),
        Op::Sext => d.sext(&args[0], width),
        Op::Fp(op) => d.fp(op, args),
    }
}

/// A term that is no pure word: a memory, or a load from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPure(
    /// The term.
    pub TermId,
);

impl fmt::Display for NotPure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "term {} reads or is a memory", self.0.0)
    }
}
impl std::error::Error for NotPure {}

/// Terms as an expression graph of the language; the second part gives each root's place in it.
///
/// # Errors
/// When a term depends on memory.
pub fn from_terms(pool: &TermPool, roots: &[TermId]) -> Result<(RecExpr<ENode>, Vec<Id>), NotPure> {
    let mut expr = RecExpr::default();
    let mut place = std::collections::HashMap::new();
    for t in pool.reachable(roots) {
        let node = pool.node(t);
        let op = match node {
            Node::Const(v) => Op::Const(v),
            Node::Var(n) => Op::Var(n),
            Node::Un(op, _) => Op::Un(op),
            Node::Bin(op, ..) => Op::Bin(op),
            Node::Cmp(op, ..) => Op::Cmp(op),
            Node::Ite(..) if pool.term_width(t) > 0 => Op::Ite,
            // Positions are below 128.
            Node::Extract(_, lo) => Op::Extract(lo as u8),
            Node::Concat(..) => Op::Concat,
            Node::Zext(_) => Op::Zext,
            Node::Sext(_) => Op::Sext,
            Node::Fp(op, ..) => Op::Fp(op),
            Node::Ite(..) | Node::Memory(_) | Node::Load(..) | Node::Store(..) => {
                return Err(NotPure(t));
            }
        };
        // Operands come before their users.
        let args: Vec<Id> = node.operands().map(|o| place[&o]).collect();
        place.insert(t, expr.add(ENode::new(op, pool.term_width(t), &args)));
    }
    let ids = roots.iter().map(|r| place[r]).collect();
    Ok((expr, ids))
}

/// The expression graph evaluated in a domain; `var` gives the inputs. One word for each node.
pub fn eval<D: Domain>(
    d: &mut D,
    expr: &RecExpr<ENode>,
    var: &mut dyn FnMut(&mut D, u32, u32) -> D::W,
) -> Vec<D::W> {
    let mut words: Vec<D::W> = Vec::with_capacity(expr.len());
    for node in expr.as_ref() {
        let word = match node.op {
            Op::Var(n) => var(d, n, node.bits()),
            op => {
                let args: Vec<D::W> = node
                    .children()
                    .iter()
                    .map(|c| words[usize::from(*c)].clone())
                    .collect();
                apply(d, op, node.bits(), &args)
            }
        };
        words.push(word);
    }
    words
}
