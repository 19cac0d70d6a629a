//! Building functions, one method per instruction.
//!
//! Instructions go to the current block; a terminator ends it. Misuse (wrong types, a missing terminator) is
//! found by [`verify`](super::verify), not here.

use super::function::Function;
use super::inst::{
    Addr, BinOp, BlockCall, CallData, CallTarget, Cond, Inst, MemOp, Opnd, OvfOp, Term, UnOp,
};
use super::types::{
    Block, Clobbers, LoadKind, PReg, Pinned, SrcLoc, StackSlot, SymbolRef, Type, Value, Width,
};

/// Appends instructions to a function.
#[derive(Debug)]
pub struct FunctionBuilder {
    func: Function,
    block: Block,
    loc: SrcLoc,
    cold: bool,
}

macro_rules! binary {
    ($($(#[$meta:meta])* $name:ident = $op:ident,)*) => {
        $($(#[$meta])* pub fn $name(&mut self, a: Value, b: impl Into<Opnd>) -> Value {
            self.binary(BinOp::$op, a, b)
        })*
    };
}

macro_rules! unary {
    ($($(#[$meta:meta])* $name:ident = $op:ident,)*) => {
        $($(#[$meta])* pub fn $name(&mut self, a: Value) -> Value {
            self.unary(UnOp::$op, a)
        })*
    };
}

impl FunctionBuilder {
    /// Starts a function whose parameters arrive in the given registers. The entry block is current.
    pub fn new(name: impl Into<String>, params: &[(Type, PReg)]) -> FunctionBuilder {
        FunctionBuilder {
            func: Function::new(name, params),
            block: Block(0),
            loc: SrcLoc(0),
            cold: false,
        }
    }

    /// Goes on with a function: a new block is current, and instructions have this location.
    pub fn resume(mut func: Function, loc: SrcLoc) -> FunctionBuilder {
        let block = func.add_block();
        FunctionBuilder {
            func,
            block,
            loc,
            cold: false,
        }
    }

    /// The finished function.
    pub fn finish(self) -> Function {
        self.func
    }

    /// The function so far.
    pub fn func(&self) -> &Function {
        &self.func
    }

    /// The entry block.
    pub fn entry(&self) -> Block {
        self.func.entry()
    }

    /// The n-th parameter of the function.
    pub fn param(&self, n: usize) -> Value {
        self.func.blocks[0].params[n]
    }

    /// Creates a block without making it current.
    pub fn create_block(&mut self) -> Block {
        let block = self.func.add_block();
        self.func.blocks[block.index()].cold = self.cold;
        block
    }

    /// From here on all created blocks are cold, or not.
    pub fn cold_region(&mut self, cold: bool) {
        self.cold = cold;
    }

    /// Creates a block that is laid out after all hot ones.
    pub fn create_cold_block(&mut self) -> Block {
        let block = self.func.add_block();
        self.func.blocks[block.index()].cold = true;
        block
    }

    /// Marks a block as one that runs often.
    pub fn set_often(&mut self, block: Block, often: bool) {
        self.func.blocks[block.index()].often = often;
    }

    /// Marks a block as cold or hot.
    pub fn set_cold(&mut self, block: Block, cold: bool) {
        self.func.blocks[block.index()].cold = cold;
    }

    /// Adds a parameter to a block.
    pub fn block_param(&mut self, block: Block, ty: Type) -> Value {
        self.func.add_param(block, ty)
    }

    /// Makes a block current.
    pub fn switch_to(&mut self, block: Block) {
        self.block = block;
    }

    /// The current block.
    pub fn current(&self) -> Block {
        self.block
    }

    /// Whether the current block has its terminator already.
    pub fn is_terminated(&self) -> bool {
        self.func.blocks[self.block.index()].term.is_some()
    }

    /// Sets the source location of what follows.
    pub fn set_loc(&mut self, loc: SrcLoc) {
        self.loc = loc;
    }

    /// Reserves a slot of the native frame.
    pub fn stack_slot(&mut self, bytes: u32) -> StackSlot {
        self.func.add_stack_slot(bytes)
    }

    /// A value's type.
    pub fn ty(&self, v: Value) -> Type {
        self.func.ty(v)
    }

    fn push(&mut self, inst: Inst, tys: &[Type]) -> Value {
        let id = self.func.add_inst(self.block, inst, tys, self.loc);
        self.func.insts[id.index()].first_result
    }

    /// An integer constant.
    pub fn iconst(&mut self, n: i64) -> Value {
        self.push(Inst::Iconst(n), &[Type::I64])
    }

    /// A double constant.
    pub fn fconst(&mut self, x: f64) -> Value {
        self.push(Inst::Fconst(x.to_bits()), &[Type::F64])
    }

    /// Any two-operand operation.
    pub fn binary(&mut self, op: BinOp, a: Value, b: impl Into<Opnd>) -> Value {
        self.push(Inst::Binary { op, a, b: b.into() }, &[op.ty()])
    }

    /// Any one-operand operation.
    pub fn unary(&mut self, op: UnOp, a: Value) -> Value {
        self.push(Inst::Unary { op, a }, &[op.types().1])
    }

    binary! {
        /// Wrapping addition.
        iadd = Iadd,
        /// Wrapping subtraction.
        isub = Isub,
        /// Wrapping multiplication.
        imul = Imul,
        /// Bitwise and.
        and = And,
        /// Bitwise or.
        or = Or,
        /// Bitwise exclusive or.
        xor = Xor,
        /// Shift left.
        shl = Shl,
        /// Logical shift right.
        shr = Shr,
        /// Arithmetic shift right.
        sar = Sar,
        /// Rotation right.
        rotr = Rotr,
        /// Rotation right of the low 32 bits.
        rotr32 = Rotr32,
        /// Raw signed division; the caller guards.
        sdiv = Sdiv,
        /// Raw signed remainder; the caller guards.
        srem = Srem,
        /// High half of the signed 128-bit product.
        smulh = Smulh,
        /// Quotient rounded down, by a positive constant.
        sfloor = Sfloor,
        /// Remainder of a division that rounds down, by a positive constant.
        smod = Smod,
        /// Floating-point addition.
        fadd = Fadd,
        /// Floating-point subtraction.
        fsub = Fsub,
        /// Floating-point multiplication.
        fmul = Fmul,
        /// Floating-point division.
        fdiv = Fdiv,
        /// minsd.
        fmin = Fmin,
        /// maxsd.
        fmax = Fmax,
    }

    unary! {
        /// Wrapping negation.
        ineg = Ineg,
        /// Bitwise complement.
        inot = Inot,
        /// Zero-extend the low 8 bits.
        zext8 = Zext8,
        /// Zero-extend the low 16 bits.
        zext16 = Zext16,
        /// Zero-extend the low 32 bits.
        zext32 = Zext32,
        /// Sign-extend the low 8 bits.
        sext8 = Sext8,
        /// Sign-extend the low 16 bits.
        sext16 = Sext16,
        /// Sign-extend the low 32 bits.
        sext32 = Sext32,
        /// Flip the sign.
        fneg = Fneg,
        /// Clear the sign.
        fabs = Fabs,
        /// Square root.
        fsqrt = Fsqrt,
        /// Round down (SSE4.1).
        ffloor = Ffloor,
        /// Round up (SSE4.1).
        fceil = Fceil,
        /// Round towards zero (SSE4.1).
        ftrunc = Ftrunc,
        /// cvtsi2sd.
        int_to_float = IntToFloat,
        /// cvttsd2si.
        float_to_int = FloatToInt,
        /// Bits of a double.
        bits_of_float = BitsOfFloat,
        /// Double from bits.
        float_of_bits = FloatOfBits,
    }

    /// Overflow-checked operation: its [`Cond::Overflow`] must be asked for by the very next instruction or terminator.
    pub fn overflow_op(&mut self, op: OvfOp, a: Value, b: impl Into<Opnd>) -> Value {
        self.push(Inst::Overflow { op, a, b: b.into() }, &[Type::I64])
    }

    /// `op` and, on signed overflow, a jump to `on_overflow`; a new current block follows. Returns the result.
    pub fn overflow_or(
        &mut self,
        op: OvfOp,
        a: Value,
        b: impl Into<Opnd>,
        on_overflow: Block,
        args: &[Value],
    ) -> Value {
        let v = self.overflow_op(op, a, b);
        let next = self.create_block();
        self.brif(Cond::Overflow(v), (on_overflow, args), (next, &[]));
        self.switch_to(next);
        v
    }

    /// 1 or 0.
    pub fn bool_of(&mut self, cond: Cond) -> Value {
        self.push(Inst::BoolOf(cond), &[Type::I64])
    }

    /// The condition counts as true from here on; see [`Inst::Assume`].
    pub fn assume(&mut self, cond: Cond) {
        self.push(Inst::Assume(cond), &[]);
    }

    /// `cond ? a : b`
    pub fn select(&mut self, cond: Cond, a: Value, b: Value) -> Value {
        let ty = self.func.ty(a);
        self.push(Inst::Select { ty, cond, a, b }, &[ty])
    }

    /// A load.
    pub fn load(&mut self, kind: LoadKind, addr: Addr) -> Value {
        self.push(Inst::Load { kind, addr }, &[kind.ty()])
    }

    /// 64-bit integer load.
    pub fn load64(&mut self, addr: Addr) -> Value {
        self.load(LoadKind::I64, addr)
    }

    /// Double load.
    pub fn loadf(&mut self, addr: Addr) -> Value {
        self.load(LoadKind::F64, addr)
    }

    /// Stores the low `w` bits of an integer.
    pub fn store(&mut self, w: Width, addr: Addr, val: Value) {
        self.push(Inst::Store { w, addr, val }, &[]);
    }

    /// Stores all 64 bits of an integer or a double.
    pub fn store64(&mut self, addr: Addr, val: Value) {
        self.store(Width::W64, addr, val);
    }

    /// Stores a constant.
    pub fn store_imm(&mut self, w: Width, addr: Addr, imm: i32) {
        self.push(Inst::StoreImm { w, addr, imm }, &[]);
    }

    /// `[addr] op= x`
    pub fn mem_op(&mut self, op: MemOp, w: Width, addr: Addr, x: impl Into<Opnd>) {
        self.push(
            Inst::MemOp {
                op,
                w,
                addr,
                x: x.into(),
            },
            &[],
        );
    }

    /// The address itself.
    pub fn addr_of(&mut self, addr: Addr) -> Value {
        self.push(Inst::AddrOf(addr), &[Type::I64])
    }

    /// The address of a symbol.
    pub fn symbol_addr(&mut self, symbol: SymbolRef) -> Value {
        self.addr_of(Addr::symbol(symbol, 0))
    }

    /// Reads a pinned register.
    pub fn get_pinned(&mut self, reg: Pinned) -> Value {
        self.push(Inst::GetPinned(reg), &[Type::I64])
    }

    /// Writes a pinned register.
    pub fn set_pinned(&mut self, reg: Pinned, val: Value) {
        self.push(Inst::SetPinned(reg, val), &[]);
    }

    /// Adds a constant to a pinned register.
    pub fn add_pinned(&mut self, reg: Pinned, imm: i32) {
        self.push(Inst::AddPinned(reg, imm), &[]);
    }

    /// A call; returns its results.
    pub fn call(
        &mut self,
        target: CallTarget,
        args: &[(Value, PReg)],
        rets: &[(Type, PReg)],
        clobbers: Clobbers,
        safepoint: Option<u32>,
    ) -> Vec<Value> {
        let tys: Vec<Type> = rets.iter().map(|r| r.0).collect();
        let data = CallData {
            target,
            args: args.to_vec(),
            rets: rets.to_vec(),
            clobbers,
            safepoint,
            live: Vec::new(),
        };
        let first = self.push(Inst::Call(Box::new(data)), &tys);
        (0..rets.len() as u32).map(|n| Value(first.0 + n)).collect()
    }

    /// Names values at the safe point of the call just made ([`CallData::live`]).
    ///
    /// # Panics
    /// If the last instruction of the current block is no call.
    pub fn name_live(&mut self, live: Vec<Value>) {
        let last = self.func.blocks[self.block.index()].insts.last();
        match last.map(|id| &mut self.func.insts[id.index()].inst) {
            Some(Inst::Call(data)) => data.live = live,
            _ => panic!("values are named behind something that is no call"),
        }
    }

    /// A call of a symbol.
    pub fn call_symbol(
        &mut self,
        symbol: SymbolRef,
        args: &[(Value, PReg)],
        rets: &[(Type, PReg)],
        clobbers: Clobbers,
        safepoint: Option<u32>,
    ) -> Vec<Value> {
        self.call(CallTarget::Symbol(symbol), args, rets, clobbers, safepoint)
    }

    fn terminate(&mut self, term: Term) {
        let block = &mut self.func.blocks[self.block.index()];
        debug_assert!(
            block.term.is_none(),
            "block {} is terminated twice",
            self.block
        );
        block.term = Some(term);
        block.term_loc = self.loc;
    }

    /// Jumps.
    pub fn jump(&mut self, block: Block, args: &[Value]) {
        self.terminate(Term::Jump(BlockCall::new(block, args)));
    }

    /// Branches to `then` if the condition holds, else to `els`.
    pub fn brif(&mut self, cond: Cond, then: (Block, &[Value]), els: (Block, &[Value])) {
        let then = BlockCall::new(then.0, then.1);
        let els = BlockCall::new(els.0, els.1);
        self.terminate(Term::BrIf { cond, then, els });
    }

    /// A block that follows the current one alone: cold if that is.
    fn create_next(&mut self) -> Block {
        let cold = self.func.blocks[self.current().index()].cold;
        let next = self.create_block();
        self.func.blocks[next.index()].cold |= cold;
        next
    }

    /// A guard: goes to `exit` if the condition holds; otherwise goes on in a new current block.
    pub fn exit_if(&mut self, cond: Cond, exit: Block, args: &[Value]) {
        let next = self.create_next();
        self.brif(cond, (exit, args), (next, &[]));
        self.switch_to(next);
    }

    /// A guard: goes to `exit` unless the condition holds; otherwise goes on in a new current block.
    pub fn exit_unless(&mut self, cond: Cond, exit: Block, args: &[Value]) {
        let next = self.create_next();
        self.brif(cond, (next, &[]), (exit, args));
        self.switch_to(next);
    }

    /// Jump table.
    pub fn switch(&mut self, index: Value, targets: Vec<BlockCall>, default: BlockCall) {
        self.terminate(Term::Switch {
            index,
            targets,
            default,
        });
    }

    /// Returns with results in fixed registers.
    pub fn ret(&mut self, rets: &[(Value, PReg)]) {
        self.terminate(Term::Ret(rets.to_vec()));
    }

    /// Tears the frame down and jumps.
    pub fn tail_jump(&mut self, target: CallTarget, args: &[(Value, PReg)]) {
        self.terminate(Term::TailCall {
            target,
            args: args.to_vec(),
        });
    }

    /// Never reached.
    pub fn trap(&mut self) {
        self.terminate(Term::Trap);
    }
}
