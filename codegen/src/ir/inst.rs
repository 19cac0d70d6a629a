//! Instructions, conditions, addresses and terminators.
//!
//! Integer operations are 64 bits wide and wrap. Shift counts are taken modulo 64. Constants, single-use loads and
//! address arithmetic are folded into their users by selection, so the caller need not search for addressing modes.

use super::types::{
    Block, Clobbers, FloatCc, IntCc, LoadKind, PReg, Pinned, Region, Scale, StackSlot, SymbolRef,
    Type, Value, Width, names,
};

names! {
    /// Two-operand operations.
    pub enum BinOp {
        /// Wrapping addition.
        Iadd = "iadd",
        /// Wrapping subtraction.
        Isub = "isub",
        /// Wrapping multiplication.
        Imul = "imul",
        /// Bitwise and.
        And = "and",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// Shift left, count modulo 64.
        Shl = "shl",
        /// Logical shift right, count modulo 64.
        Shr = "shr",
        /// Arithmetic shift right, count modulo 64.
        Sar = "sar",
        /// Rotation right, count modulo 64.
        Rotr = "rotr",
        /// Rotation right of the low 32 bits, zero-extended; count modulo 32.
        Rotr32 = "rotr32",
        /// Signed division; the processor faults on zero divisors and on `MIN / -1`: the caller guards.
        Sdiv = "sdiv",
        /// Signed remainder; faults as `Sdiv` does.
        Srem = "srem",
        /// High half of the signed 128-bit product.
        Smulh = "smulh",
        /// Quotient rounded down, by a positive constant; written in operations that the processor has by `opt::divide`.
        Sfloor = "sfloor",
        /// Remainder of the division that rounds down, by a positive constant: from 0 to the divisor, exclusive. As `Sfloor`.
        Smod = "smod",
        /// Floating-point addition.
        Fadd = "fadd",
        /// Floating-point subtraction.
        Fsub = "fsub",
        /// Floating-point multiplication.
        Fmul = "fmul",
        /// Floating-point division.
        Fdiv = "fdiv",
        /// `a < b ? a : b`, as minsd: b if either is NaN or both are zero.
        Fmin = "fmin",
        /// `a > b ? a : b`, as maxsd: b if either is NaN or both are zero.
        Fmax = "fmax",
    }
}

impl BinOp {
    /// Type of both operands and of the result.
    pub fn ty(self) -> Type {
        match self {
            BinOp::Fadd | BinOp::Fsub | BinOp::Fmul | BinOp::Fdiv | BinOp::Fmin | BinOp::Fmax => {
                Type::F64
            }
            _ => Type::I64,
        }
    }
}

names! {
    /// One-operand operations.
    pub enum UnOp {
        /// Wrapping negation.
        Ineg = "ineg",
        /// Bitwise complement.
        Inot = "inot",
        /// Zero-extend the low 8 bits.
        Zext8 = "zext8",
        /// Zero-extend the low 16 bits.
        Zext16 = "zext16",
        /// Zero-extend the low 32 bits.
        Zext32 = "zext32",
        /// Sign-extend the low 8 bits.
        Sext8 = "sext8",
        /// Sign-extend the low 16 bits.
        Sext16 = "sext16",
        /// Sign-extend the low 32 bits.
        Sext32 = "sext32",
        /// The low four bytes in the opposite order, zero-extended.
        Bswap32 = "bswap32",
        /// The eight bytes in the opposite order.
        Bswap64 = "bswap64",
        /// Flip the sign bit.
        Fneg = "fneg",
        /// Clear the sign bit.
        Fabs = "fabs",
        /// Square root.
        Fsqrt = "fsqrt",
        /// Round down; needs SSE4.1.
        Ffloor = "ffloor",
        /// Round up; needs SSE4.1.
        Fceil = "fceil",
        /// Round towards zero; needs SSE4.1.
        Ftrunc = "ftrunc",
        /// Integer to double, rounded to nearest.
        IntToFloat = "i2f",
        /// Double to integer, truncating; `i64::MIN` for NaN and everything out of range.
        FloatToInt = "f2i",
        /// The bits of a double as an integer.
        BitsOfFloat = "f2bits",
        /// The double with these bits.
        FloatOfBits = "bits2f",
    }
}

impl UnOp {
    /// Type of the operand and type of the result.
    pub fn types(self) -> (Type, Type) {
        use UnOp::*;
        match self {
            Fneg | Fabs | Fsqrt | Ffloor | Fceil | Ftrunc => (Type::F64, Type::F64),
            IntToFloat | FloatOfBits => (Type::I64, Type::F64),
            FloatToInt | BitsOfFloat => (Type::F64, Type::I64),
            _ => (Type::I64, Type::I64),
        }
    }

    /// Of an extension: how many low bits it extends, and whether by their sign.
    pub fn extends(self) -> Option<(u8, bool)> {
        match self {
            UnOp::Zext8 => Some((8, false)),
            UnOp::Sext8 => Some((8, true)),
            UnOp::Zext16 => Some((16, false)),
            UnOp::Sext16 => Some((16, true)),
            UnOp::Zext32 => Some((32, false)),
            UnOp::Sext32 => Some((32, true)),
            _ => None,
        }
    }
}

names! {
    /// Operations on each of the integers or doubles of a vector, and between vectors and numbers.
    pub enum VecOp {
        /// Integers: wrapping addition.
        Iadd = "iadd",
        /// Wrapping subtraction.
        Isub = "isub",
        /// The product of the low halves, without signs.
        Imul32 = "imul32",
        /// Bitwise and.
        And = "and",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// Shift left by a constant, 0 to 63.
        Shl = "shl",
        /// Logical shift right by a constant, 0 to 63.
        Shr = "shr",
        /// Doubles: addition.
        Fadd = "fadd",
        /// Subtraction.
        Fsub = "fsub",
        /// Multiplication.
        Fmul = "fmul",
        /// Division.
        Fdiv = "fdiv",
        /// Square root.
        Fsqrt = "fsqrt",
        /// The number everywhere.
        Splat = "splat",
        /// The upper half of a vector: of four numbers, two; of two, the second, in front.
        High = "high",
        /// The lower half of a vector: of four numbers, two; of two, the first, an integer.
        Low = "low",
    }
}

impl VecOp {
    /// Whether the second operand is a vector.
    pub fn is_binary(self) -> bool {
        use VecOp::*;
        !matches!(self, Shl | Shr | Fsqrt | Splat | High | Low)
    }

    /// The type of the result, of an operation on vectors of this type.
    pub fn result(self, ty: Type) -> Type {
        match (self, ty) {
            (VecOp::High | VecOp::Low, Type::V256) => Type::V128,
            (VecOp::Low, _) => Type::I64,
            _ => ty,
        }
    }
}

names! {
    /// Integer operations whose signed overflow can be branched on.
    pub enum OvfOp {
        /// Addition.
        Add = "add",
        /// Subtraction.
        Sub = "sub",
        /// Multiplication.
        Mul = "mul",
    }
}

names! {
    /// Read-modify-write operations on memory.
    pub enum MemOp {
        /// `[m] += x`
        Add = "add",
        /// `[m] -= x`
        Sub = "sub",
        /// `[m] &= x`
        And = "and",
        /// `[m] |= x`
        Or = "or",
        /// `[m] ^= x`
        Xor = "xor",
    }
}

/// A value or a sign-extended 32-bit constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opnd {
    /// A value.
    Value(Value),
    /// A constant, sign-extended to 64 bits.
    Imm(i32),
}

impl From<Value> for Opnd {
    fn from(v: Value) -> Opnd {
        Opnd::Value(v)
    }
}

impl From<i32> for Opnd {
    fn from(imm: i32) -> Opnd {
        Opnd::Imm(imm)
    }
}

/// The base of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// A value.
    Value(Value),
    /// A pinned register.
    Pinned(Pinned),
    /// A symbol, relative to the instruction pointer; takes no index.
    Symbol(SymbolRef),
    /// A slot of the native frame.
    Stack(StackSlot),
}

/// `base + index * scale + disp`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addr {
    /// The base.
    pub base: Base,
    /// The index and its factor.
    pub index: Option<(Value, Scale)>,
    /// The displacement in bytes.
    pub disp: i32,
    /// The part of memory it belongs to.
    pub region: Region,
}

impl Addr {
    /// `value + disp`
    pub fn value(base: Value, disp: i32) -> Addr {
        Addr {
            base: Base::Value(base),
            index: None,
            disp,
            region: Region::Any,
        }
    }

    /// `base + index * scale + disp`
    pub fn indexed(base: Value, index: Value, scale: Scale, disp: i32) -> Addr {
        Addr {
            base: Base::Value(base),
            index: Some((index, scale)),
            disp,
            region: Region::Any,
        }
    }

    /// `r14 + disp`
    pub fn thread(disp: i32) -> Addr {
        Addr {
            base: Base::Pinned(Pinned::Thread),
            index: None,
            disp,
            region: Region::Any,
        }
    }

    /// `rbx + disp`
    pub fn base(disp: i32) -> Addr {
        Addr {
            base: Base::Pinned(Pinned::Base),
            index: None,
            disp,
            region: Region::Any,
        }
    }

    /// `symbol + disp`, relative to the instruction pointer.
    pub fn symbol(symbol: SymbolRef, disp: i32) -> Addr {
        Addr {
            base: Base::Symbol(symbol),
            index: None,
            disp,
            region: Region::Any,
        }
    }

    /// A slot of the native frame.
    pub fn stack(slot: StackSlot, disp: i32) -> Addr {
        Addr {
            base: Base::Stack(slot),
            index: None,
            disp,
            region: Region::Any,
        }
    }

    /// The same address with an index added.
    pub fn with_index(mut self, index: Value, scale: Scale) -> Addr {
        self.index = Some((index, scale));
        self
    }

    /// The same address, known to belong to a region.
    pub fn in_region(mut self, region: Region) -> Addr {
        self.region = region;
        self
    }
}

/// What a branch, a `bool_of` or a select asks. Conditions are operands, not values: they never pass through a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cond {
    /// `a cc b`, on the low `w` bits.
    Icmp {
        /// Comparison.
        cc: IntCc,
        /// Width.
        w: Width,
        /// Left operand.
        a: Value,
        /// Right operand.
        b: Opnd,
    },
    /// `[addr] cc b`, on `w` bits of memory.
    IcmpMem {
        /// Comparison.
        cc: IntCc,
        /// Width.
        w: Width,
        /// Left operand.
        addr: Addr,
        /// Right operand.
        b: Opnd,
    },
    /// `(a & b) cc 0`, on the low `w` bits. `cc` is `Eq`, `Ne`, `Neg` or `NonNeg`.
    Test {
        /// Comparison with zero.
        cc: IntCc,
        /// Width.
        w: Width,
        /// Left operand.
        a: Value,
        /// Right operand.
        b: Opnd,
    },
    /// `([addr] & b) cc 0`, on `w` bits of memory. `cc` as in `Test`.
    TestMem {
        /// Comparison with zero.
        cc: IntCc,
        /// Width.
        w: Width,
        /// Left operand.
        addr: Addr,
        /// Right operand.
        b: Opnd,
    },
    /// `a cc b` on doubles.
    Fcmp {
        /// Comparison.
        cc: FloatCc,
        /// Left operand.
        a: Value,
        /// Right operand.
        b: Value,
    },
    /// `rsp cc [addr]`, 64 bits: the stack-limit check. rsp is the one after the prologue.
    RspMem {
        /// Comparison.
        cc: IntCc,
        /// Where the limit is.
        addr: Addr,
    },
    /// The overflow-checked operation that defined this value overflowed. Only constants may stand between.
    Overflow(Value),
}

impl Cond {
    /// 64-bit `a cc b`.
    pub fn icmp(cc: IntCc, a: Value, b: impl Into<Opnd>) -> Cond {
        Cond::Icmp {
            cc,
            w: Width::W64,
            a,
            b: b.into(),
        }
    }

    /// `a cc b` on the low `w` bits.
    pub fn icmp_w(cc: IntCc, w: Width, a: Value, b: impl Into<Opnd>) -> Cond {
        Cond::Icmp {
            cc,
            w,
            a,
            b: b.into(),
        }
    }

    /// `[addr] cc b` on `w` bits.
    pub fn icmp_mem(cc: IntCc, w: Width, addr: Addr, b: impl Into<Opnd>) -> Cond {
        Cond::IcmpMem {
            cc,
            w,
            addr,
            b: b.into(),
        }
    }

    /// 64-bit `(a & b) cc 0`.
    pub fn test(cc: IntCc, a: Value, b: impl Into<Opnd>) -> Cond {
        Cond::Test {
            cc,
            w: Width::W64,
            a,
            b: b.into(),
        }
    }

    /// `([addr] & b) cc 0` on `w` bits.
    pub fn test_mem(cc: IntCc, w: Width, addr: Addr, b: impl Into<Opnd>) -> Cond {
        Cond::TestMem {
            cc,
            w,
            addr,
            b: b.into(),
        }
    }

    /// `a cc b` on doubles.
    pub fn fcmp(cc: FloatCc, a: Value, b: Value) -> Cond {
        Cond::Fcmp { cc, a, b }
    }

    /// rsp is below the limit stored at `addr`.
    pub fn stack_below(addr: Addr) -> Cond {
        Cond::RspMem {
            cc: IntCc::Ult,
            addr,
        }
    }
}

/// Where a call or a tail jump goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallTarget {
    /// A symbol, with a PLT32 relocation.
    Symbol(SymbolRef),
    /// A code address.
    Value(Value),
    /// A code address in memory.
    Mem(Addr),
}

/// A call. The caller of the builder chooses every register.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallData {
    /// The callee.
    pub target: CallTarget,
    /// Arguments and the registers they go to.
    pub args: Vec<(Value, PReg)>,
    /// Result types and the registers they come back in.
    pub rets: Vec<(Type, PReg)>,
    /// What is destroyed.
    pub clobbers: Clobbers,
    /// Recorded with the return address.
    pub safepoint: Option<u32>,
    /// Values that whoever looks at the frame from the safe point can find: their places are told with it. None survives in a register,
    /// if the call destroys all of them; so they stay in the frame, and need no stores of their own.
    pub live: Vec<Value>,
}

/// An instruction. Results are attached to the instruction's node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Inst {
    /// An integer constant. Rebuilt at each use, never kept in a register.
    Iconst(i64),
    /// A double constant, by its bits.
    Fconst(u64),
    /// `op a`
    Unary {
        /// Operation.
        op: UnOp,
        /// Operand.
        a: Value,
    },
    /// `a op b`. A floating-point operation takes no immediate.
    Binary {
        /// Operation.
        op: BinOp,
        /// Left operand.
        a: Value,
        /// Right operand.
        b: Opnd,
    },
    /// `a op b`, whose overflow the next condition may ask for.
    Overflow {
        /// Operation.
        op: OvfOp,
        /// Left operand.
        a: Value,
        /// Right operand.
        b: Opnd,
    },
    /// 1 if the condition holds, else 0.
    BoolOf(Cond),
    /// From here on the condition counts as true for whoever asks again, although memory may say otherwise: of comparisons
    /// with [`Region::Memo`], which only remember what was found out. Nothing is executed.
    Assume(Cond),
    /// `cond ? a : b`. Both are evaluated.
    Select {
        /// Type of both and of the result.
        ty: Type,
        /// Condition.
        cond: Cond,
        /// Result if it holds.
        a: Value,
        /// Result if not.
        b: Value,
    },
    /// A load.
    Load {
        /// What is read.
        kind: LoadKind,
        /// Where from.
        addr: Addr,
    },
    /// Stores the low `w` bits of a value, or a double (with `W64`).
    Store {
        /// Width.
        w: Width,
        /// Where to.
        addr: Addr,
        /// What.
        val: Value,
    },
    /// Stores a constant without a register; 64-bit stores sign-extend it.
    StoreImm {
        /// Width.
        w: Width,
        /// Where to.
        addr: Addr,
        /// What.
        imm: i32,
    },
    /// `[addr] op= x`
    MemOp {
        /// Operation.
        op: MemOp,
        /// Width.
        w: Width,
        /// Where.
        addr: Addr,
        /// What.
        x: Opnd,
    },
    /// An operation on vectors.
    Vector {
        /// Operation.
        op: VecOp,
        /// Type of the vectors: operands, or what a number becomes.
        ty: Type,
        /// Left operand.
        a: Value,
        /// Right operand: a vector, or how far to shift; 0 where there is none.
        b: Opnd,
    },
    /// Loads a vector, from any address.
    VectorLoad {
        /// Its type.
        ty: Type,
        /// Where from.
        addr: Addr,
    },
    /// Stores a vector, at any address.
    VectorStore {
        /// Where to.
        addr: Addr,
        /// What.
        val: Value,
    },
    /// The last vector of 256 bits was used: the upper halves of the registers are cleared, so that other code is not slowed down.
    VectorsDone,
    /// The address itself (`lea`); also the address of a symbol.
    AddrOf(Addr),
    /// Reads a pinned register.
    GetPinned(Pinned),
    /// Writes a pinned register.
    SetPinned(Pinned, Value),
    /// Adds a constant to a pinned register.
    AddPinned(Pinned, i32),
    /// A call.
    Call(Box<CallData>),
}

/// A branch target with the arguments for its parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockCall {
    /// The target.
    pub block: Block,
    /// One value for each parameter.
    pub args: Vec<Value>,
}

impl BlockCall {
    /// A target with arguments.
    pub fn new(block: Block, args: &[Value]) -> BlockCall {
        BlockCall {
            block,
            args: args.to_vec(),
        }
    }
}

/// How a block ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Term {
    /// Unconditional jump.
    Jump(BlockCall),
    /// Two-way branch.
    BrIf {
        /// Condition.
        cond: Cond,
        /// If it holds.
        then: BlockCall,
        /// If not.
        els: BlockCall,
    },
    /// Jump table: target `index`, or the default if `index` (unsigned) is past the table.
    Switch {
        /// Selector.
        index: Value,
        /// Table.
        targets: Vec<BlockCall>,
        /// Otherwise.
        default: BlockCall,
    },
    /// Return, with results in fixed registers.
    Ret(Vec<(Value, PReg)>),
    /// Tear the frame down and jump, with arguments in fixed registers.
    TailCall {
        /// Where to. A memory address is read before the frame goes; it must not be a stack slot.
        target: CallTarget,
        /// Arguments.
        args: Vec<(Value, PReg)>,
    },
    /// Never reached (`ud2`).
    Trap,
}

impl Term {
    /// The branch targets, in order: `then` before `els`, table before default.
    pub fn targets(&self) -> impl Iterator<Item = &BlockCall> {
        let (table, pair): (&[BlockCall], [Option<&BlockCall>; 2]) = match self {
            Term::Jump(t) => (&[], [Some(t), None]),
            Term::BrIf { then, els, .. } => (&[], [Some(then), Some(els)]),
            Term::Switch {
                targets, default, ..
            } => (targets, [Some(default), None]),
            Term::Ret(_) | Term::TailCall { .. } | Term::Trap => (&[], [None, None]),
        };
        table.iter().chain(pair.into_iter().flatten())
    }
}

impl Inst {
    /// Whether this is a constant, which takes no instruction where it stands.
    pub fn is_const(&self) -> bool {
        matches!(self, Inst::Iconst(_) | Inst::Fconst(_))
    }

    /// Whether the low 32 bits of its result follow from those of its operands, and one machine instruction of 32 bits makes them.
    pub fn has_32_bits(&self) -> bool {
        use BinOp::{And, Iadd, Imul, Isub, Or, Shl, Xor};
        match self {
            Inst::Unary { op, .. } => matches!(op, UnOp::Ineg | UnOp::Inot),
            Inst::Binary { op: Shl, b, .. } => matches!(b, Opnd::Imm(0..=31)),
            Inst::Binary { op, .. } => matches!(op, Iadd | Isub | Imul | And | Or | Xor),
            _ => false,
        }
    }
}
