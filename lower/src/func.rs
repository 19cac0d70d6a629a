//! Lowering of one function: the state of registers, blocks, exits, calls of helpers.
//!
//! State inside a block: for each register its static type, and the SSA value of its payload if the block holds it. Everything is also
//! in the home slot (tag and payload), so a payload can always be dropped from the state and loaded again, and a tag whose type is known is
//! known to be in memory. Join points take the payloads of live integers and floats as block parameters. Of a register with an open type the
//! block may hold what its payload is if it is an integer: the code for integers then need not wait for the store to the home slot.

use crate::Symbol;
use crate::cfg::{BlockId, Cfg};
use crate::hints::{self, Hint};
use crate::types::{self, Type};
use trinity_abi as abi;
use trinity_abi::helpers::{Helper, stub};
use trinity_abi::unit::{SafePoint, kind};
use trinity_codegen::ir::{
    Addr, Block, CallTarget, Clobbers, Cond, Function, FunctionBuilder, IntCc, LoadKind, PReg,
    Pinned, SrcLoc, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::liveness::Liveness;
use trinity_frontend::bytecode::{Instr, Op, Proto};

/// The IR of a function, with what its safe points mean.
pub struct Lowered {
    /// The IR.
    pub func: Function,
    /// By safe point id; `ret_offset` is not filled in yet.
    pub safepoints: Vec<SafePoint>,
}

/// Payloads carried over a join point, at most.
const MAX_BLOCK_PARAMS: usize = 12;

/// Lowers a function.
pub fn lower(p: &Proto, name: &str, index: u32) -> Lowered {
    let cfg = Cfg::new(p);
    let entry_types = types::infer(p, &cfg);
    let liveness = Liveness::new(p);
    let entry_hints = hints::infer(p, &cfg, &entry_types);
    let mut b = FunctionBuilder::new(name, &[(IrType::I64, PReg::Rcx)]);
    let regs = p.max_stack as usize + 1;
    let mut blocks = Vec::with_capacity(cfg.blocks.len());
    let mut params = Vec::with_capacity(cfg.blocks.len());
    for (i, block) in cfg.blocks.iter().enumerate() {
        let ir = b.create_block();
        blocks.push(ir);
        let mut list = Vec::new();
        // The entry has an extra predecessor (the prologue), which knows no payloads.
        if block.preds.len() > 1 && i != 0 {
            let live = liveness.live_at(block.start as usize);
            let is_loop = block.preds.iter().any(|p| p.index() >= i);
            for (r, ty) in entry_types[i].iter().enumerate() {
                let ir_ty = match payload_type(*ty) {
                    Some(t) => t,
                    None if is_loop && is_open(*ty) && entry_hints[i][r] == Hint::Int => {
                        IrType::I64
                    }
                    None => continue,
                };
                if list.len() < MAX_BLOCK_PARAMS && live.contains(r) {
                    list.push((r, b.block_param(ir, ir_ty)));
                }
            }
        }
        params.push(list);
    }
    let mut l = FnLower {
        p,
        cfg,
        entry_types,
        entry_hints,
        b,
        blocks,
        params,
        end_state: Vec::new(),
        ty: vec![Type::Any; regs],
        hints: vec![Hint::Unknown; regs],
        payload: vec![None; regs],
        if_int: vec![None; regs],
        constant: vec![None; regs],
        loop_steps: std::collections::HashMap::new(),
        safepoints: Vec::new(),
        pc: 0,
        index,
    };
    l.end_state.resize(l.cfg.blocks.len(), None);
    l.run();
    Lowered {
        func: l.b.finish(),
        safepoints: l.safepoints,
    }
}

/// IR type of a payload that is worth carrying over joins.
fn payload_type(t: Type) -> Option<IrType> {
    match t {
        Type::Int => Some(IrType::I64),
        Type::Float => Some(IrType::F64),
        _ => None,
    }
}

/// May a register of this type hold an integer, or something else?
fn is_open(t: Type) -> bool {
    matches!(t, Type::Num | Type::Any)
}

#[derive(Clone)]
struct EndState {
    payload: Vec<Option<Value>>,
    if_int: Vec<Option<Value>>,
    constant: Vec<Option<i64>>,
}

pub(crate) struct FnLower<'a> {
    pub p: &'a Proto,
    pub cfg: Cfg,
    entry_types: Vec<types::State>,
    entry_hints: Vec<Box<[Hint]>>,
    pub b: FunctionBuilder,
    blocks: Vec<Block>,
    params: Vec<Vec<(usize, Value)>>,
    end_state: Vec<Option<EndState>>,
    /// Static type of each register; where it fixes the tag, that tag is in the home slot.
    pub ty: Vec<Type>,
    /// What registers of open type probably hold.
    pub hints: Vec<Hint>,
    /// Payload of each register if an SSA value holds it: F64 for floats, else I64.
    pub payload: Vec<Option<Value>>,
    /// For registers of open type: what the payload is if the value is an integer; meaningless if it is not.
    pub if_int: Vec<Option<Value>>,
    /// Known integer constants.
    pub constant: Vec<Option<i64>>,
    /// Constant steps of numeric loops, by the position of their FORLOOP.
    pub loop_steps: std::collections::HashMap<u32, i64>,
    safepoints: Vec<SafePoint>,
    pub pc: u32,
    index: u32,
}

/// Address of R[r]'s payload.
pub(crate) fn home(r: usize) -> Addr {
    Addr::base(16 * r as i32)
}
/// Address of R[r]'s tag.
pub(crate) fn home_tag(r: usize) -> Addr {
    Addr::base(16 * r as i32 + abi::VALUE_TAG)
}

impl FnLower<'_> {
    fn run(&mut self) {
        self.prologue();
        for k in 0..self.cfg.rpo.len() {
            let id = self.cfg.rpo[k];
            self.begin_block(id);
            let (start, end) = (
                self.cfg.blocks[id.index()].start,
                self.cfg.blocks[id.index()].end,
            );
            for pc in start..end {
                self.pc = pc;
                let line = self.p.lines.get(pc as usize).copied().unwrap_or(0);
                self.b.set_loc(SrcLoc(line));
                let i = self.p.code[pc as usize];
                let before = self.ty.clone();
                self.instruction(i);
                hints::transfer(self.p, i, &before, &self.ty, &mut self.hints);
            }
            self.end_state[id.index()] = Some(EndState {
                payload: self.payload.clone(),
                if_int: self.if_int.clone(),
                constant: self.constant.clone(),
            });
            if !self.b.is_terminated() {
                self.go(end);
            }
        }
        // Unreachable bytecode has IR blocks that nothing enters.
        for (i, block) in self.blocks.clone().into_iter().enumerate() {
            if !self.cfg.rpo.contains(&BlockId(i as u32)) {
                self.b.switch_to(block);
                self.b.trap();
            }
        }
    }

    fn begin_block(&mut self, id: BlockId) {
        self.b.switch_to(self.blocks[id.index()]);
        self.ty.copy_from_slice(&self.entry_types[id.index()]);
        self.hints.copy_from_slice(&self.entry_hints[id.index()]);
        self.payload.fill(None);
        self.if_int.fill(None);
        self.constant.fill(None);
        let preds = &self.cfg.blocks[id.index()].preds;
        if preds.len() == 1 && id.index() != 0 {
            // A single predecessor dominates this block: what it held is still there, where the types agree.
            if let Some(Some(end)) = self.end_state.get(preds[0].index()) {
                for r in 0..self.payload.len() {
                    self.constant[r] = end.constant[r];
                    self.if_int[r] = end.if_int[r].filter(|_| is_open(self.ty[r]));
                    if let Some(v) = end.payload[r]
                        && (self.b.ty(v) == IrType::F64) == (self.ty[r] == Type::Float)
                    {
                        self.payload[r] = Some(v);
                    }
                }
            }
        } else {
            for &(r, v) in &self.params[id.index()] {
                if is_open(self.ty[r]) {
                    self.if_int[r] = Some(v);
                } else {
                    self.payload[r] = Some(v);
                }
            }
        }
    }

    // ---- prologue

    fn prologue(&mut self) {
        let nargs = self.b.param(0);
        let line = self.p.line_defined.max(1);
        self.b.set_loc(SrcLoc(line));
        // Native stack.
        let more = self.b.create_cold_block();
        self.b.exit_if(
            Cond::stack_below(Addr::thread(abi::thread::NATIVE_LIMIT)),
            more,
            &[],
        );
        // Slots; also the poll at function entry.
        let frame_end = self.b.addr_of(home(self.p.max_stack as usize));
        let grow = self.b.create_cold_block();
        let body = self.b.create_block();
        self.b.brif(
            Cond::icmp_mem(
                IntCc::Ult,
                Width::W64,
                Addr::thread(abi::thread::STACK_LIMIT),
                frame_end,
            ),
            (grow, &[]),
            (body, &[]),
        );
        self.b.switch_to(grow);
        let leave = self.b.create_cold_block();
        // The result says whether to leave; the number of arguments is known only here.
        let r = self.helper_edx(Helper::grow_stack, kind::NEVER, Some(nargs));
        self.b
            .brif(Cond::icmp(IntCc::Ne, r, 0), (leave, &[]), (body, &[]));
        self.b.switch_to(leave);
        self.b.tail_jump(
            CallTarget::Symbol(Symbol::Stub(stub::INTERP).to_ref()),
            &[(nargs, PReg::Rcx)],
        );
        self.b.switch_to(more);
        let entry = self.b.symbol_addr(Symbol::Func(self.index).to_ref());
        self.b.tail_jump(
            CallTarget::Symbol(Symbol::Stub(stub::MORE_STACK).to_ref()),
            &[(entry, PReg::Rax), (nargs, PReg::Rcx)],
        );
        self.b.switch_to(body);
        if self
            .p
            .code
            .first()
            .is_some_and(|i| i.op() == Op::VarArgPrep)
        {
            self.helper_edx(Helper::vararg_prep, kind::NEVER, Some(nargs));
        } else if self.p.num_params > 0 {
            self.fill_parameters(nargs);
        }
        self.b.jump(self.blocks[0], &[]);
    }

    /// Missing parameters are nil.
    fn fill_parameters(&mut self, nargs: Value) {
        let n = self.p.num_params as usize;
        let done = self.b.create_block();
        let mut fill = self.b.create_cold_block();
        self.b.brif(
            Cond::icmp_w(IntCc::Uge, Width::W32, nargs, n as i32),
            (done, &[]),
            (fill, &[]),
        );
        for r in (0..n).rev() {
            self.b.switch_to(fill);
            self.b
                .store_imm(Width::W8, home_tag(r), abi::tag::NIL as i32);
            if r == 0 {
                self.b.jump(done, &[]);
            } else {
                fill = self.b.create_cold_block();
                self.b.brif(
                    Cond::icmp_w(IntCc::Uge, Width::W32, nargs, r as i32),
                    (done, &[]),
                    (fill, &[]),
                );
            }
        }
        self.b.switch_to(done);
    }

    // ---- state of registers

    /// The payload of R[r] as an SSA value: F64 when its type is float, else I64.
    pub fn get(&mut self, r: usize) -> Value {
        if let Some(v) = self.payload[r] {
            return v;
        }
        let v = if self.ty[r] == Type::Float {
            self.b.loadf(home(r))
        } else {
            self.b.load64(home(r))
        };
        self.payload[r] = Some(v);
        v
    }
    /// A float payload, after a tag check or when the type says so. Unlike `get` it remembers nothing, so it may be used on one side of a
    /// branch inside an instruction.
    pub fn load_float(&mut self, r: usize) -> Value {
        match self.payload[r] {
            Some(v) if self.ty[r] == Type::Float => v,
            _ => self.b.loadf(home(r)),
        }
    }
    /// An integer or pointer payload, or the bits of a float; remembers nothing.
    pub fn load_bits(&mut self, r: usize) -> Value {
        match self.payload[r] {
            Some(v) if self.ty[r] != Type::Float => v,
            _ => self.b.load64(home(r)),
        }
    }
    /// The payload of R[r] where it is known to be an integer (after a tag check, or by type); remembers nothing.
    pub fn load_int(&mut self, r: usize) -> Value {
        match self.if_int[r] {
            Some(v) => v,
            None => self.load_bits(r),
        }
    }
    /// The tag of R[r]: a constant when known.
    pub fn load_tag(&mut self, r: usize) -> Value {
        match self.ty[r].tag() {
            Some(t) => self.b.iconst(t as i64),
            None => self.b.load(LoadKind::U8, home_tag(r)),
        }
    }
    /// Condition "the tag of R[r] is (not) `tag`" read from memory.
    pub fn tag_is(&mut self, cc: IntCc, r: usize, tag: u8) -> Cond {
        Cond::icmp_mem(cc, Width::W8, home_tag(r), tag as i32)
    }
    /// Goes to `slow` unless R[r] has this tag. Nothing is emitted when the type says so.
    pub fn guard_tag(&mut self, r: usize, tag: u8, slow: Block) {
        if self.ty[r].tag() != Some(tag) {
            let c = self.tag_is(IntCc::Ne, r, tag);
            self.b.exit_if(c, slow, &[]);
        }
    }
    /// Defines R[r]: writes payload and tag through. `t` must fix the tag.
    pub fn set(&mut self, r: usize, t: Type, v: Value) {
        self.b.store64(home(r), v);
        self.set_tag(r, t);
        self.ty[r] = t;
        self.payload[r] = Some(v);
        self.if_int[r] = None;
        self.constant[r] = None;
    }
    /// Writes the tag of `t` unless the home slot has it already. A collectable tag is always written: the collector sets dead slots that
    /// hold one to nil.
    pub fn set_tag(&mut self, r: usize, t: Type) {
        if let Some(tag) = t.tag()
            && (tag >= abi::tag::FIRST_COLLECTABLE || self.ty[r].tag() != Some(tag))
        {
            self.b.store_imm(Width::W8, home_tag(r), tag as i32);
        }
    }
    /// Writes payload and tag values through, in the middle of an operation (state is not touched).
    pub fn store_both(&mut self, r: usize, payload: Value, tag: Value) {
        self.b.store64(home(r), payload);
        self.b.store(Width::W8, home_tag(r), tag);
    }
    /// R[r] was defined in memory; only its type is known.
    pub fn defined(&mut self, r: usize, t: Type) {
        self.ty[r] = t;
        self.payload[r] = None;
        self.if_int[r] = None;
        self.constant[r] = None;
    }
    /// Registers from `r` up have unknown contents (a callee's frame lay over them).
    pub fn clobber_from(&mut self, r: usize) {
        self.ty[r..].fill(Type::Any);
        self.payload[r..].fill(None);
        self.if_int[r..].fill(None);
        self.constant[r..].fill(None);
    }
    /// After a call on the main path: nothing is worth keeping in registers.
    pub fn forget_payloads(&mut self) {
        self.payload.fill(None);
        self.if_int.fill(None);
    }

    // ---- bases

    /// The running closure.
    pub fn closure(&mut self) -> Value {
        self.b.load64(Addr::base(-16))
    }
    /// Address of inline cache `ic`.
    pub fn cache(&mut self, ic: usize) -> (Value, i32) {
        let c = self.closure();
        let p = self.b.load64(Addr::value(c, abi::closure::PROTO));
        let caches = self.b.load64(Addr::value(p, abi::proto::CACHES));
        (caches, ic as i32 * abi::cache::SIZE)
    }
    /// Payload of constant `k` (a pointer for strings).
    pub fn const_pointer(&mut self, k: usize) -> Value {
        let c = self.closure();
        let p = self.b.load64(Addr::value(c, abi::closure::PROTO));
        let consts = self.b.load64(Addr::value(p, abi::proto::CONSTS));
        self.b.load64(Addr::value(consts, 16 * k as i32))
    }
    /// The cell of upvalue `i`.
    pub fn upval_cell(&mut self, i: usize) -> Value {
        let c = self.closure();
        self.b
            .load64(Addr::value(c, abi::closure::UPVALS + 8 * i as i32))
    }

    // ---- helpers and exits

    fn safepoint(&mut self, kind: u8, delta: usize) -> u32 {
        self.safepoints.push(SafePoint {
            live: 0,
            ret_offset: 0,
            pc: self.pc,
            delta: delta as u16,
            kind,
            inlined: 0,
        });
        self.safepoints.len() as u32 - 1
    }
    /// A call site's safe point.
    pub fn call_safepoint(&mut self, kind: u8, delta: usize) -> Option<u32> {
        Some(self.safepoint(kind, delta))
    }
    /// Calls a helper for the instruction at the current pc; returns its result.
    pub fn helper(&mut self, h: Helper, kind: u8) -> Value {
        self.helper_edx(h, kind, None)
    }
    fn helper_edx(&mut self, h: Helper, kind: u8, edx: Option<Value>) -> Value {
        let pc = self.b.iconst(self.pc as i64);
        let mut args = vec![(pc, PReg::Rsi)];
        args.extend(edx.map(|v| (v, PReg::Rdx)));
        let sp = self.call_safepoint(kind, 0);
        self.b.call_symbol(
            Symbol::Helper(h).to_ref(),
            &args,
            &[(IrType::I64, PReg::Rax)],
            Clobbers::All,
            sp,
        )[0]
    }
    /// The whole instruction by the generic path, on the main path. The caller then declares what was defined.
    pub fn step(&mut self) {
        self.helper(self.instruction_helper(), kind::NEXT);
        self.forget_payloads();
    }
    /// A cold block that executes the instruction generically and goes to `done` (which takes no parameters).
    pub fn slow_step(&mut self, done: Block) -> Block {
        self.slow_step_with(done, None)
    }
    /// The same, giving `done` the payload that R[r] then has.
    pub fn slow_step_with(&mut self, done: Block, r: Option<usize>) -> Block {
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.b.switch_to(slow);
        self.helper(self.instruction_helper(), kind::NEXT);
        let result = r.map(|r| self.b.load64(home(r)));
        self.b.jump(done, result.as_slice());
        self.b.switch_to(here);
        slow
    }
    /// Leaves for the interpreter at `pc`; ends the current block.
    pub fn exit(&mut self, pc: u32) {
        let pc = self.b.iconst(pc as i64);
        self.b.tail_jump(
            CallTarget::Symbol(Symbol::Stub(stub::EXIT).to_ref()),
            &[(pc, PReg::Rsi)],
        );
    }

    // ---- control transfer

    /// Block and arguments for a transfer to the instruction at `pc`. Loads what the target wants and this block does not hold.
    pub fn target(&mut self, pc: u32) -> (Block, Vec<Value>) {
        let id = self.cfg.block_of[pc as usize];
        let params = self.params[id.index()].clone();
        let args = params
            .iter()
            .map(|&(r, v)| {
                let want_float = self.b.ty(v) == IrType::F64;
                if is_open(self.entry_types[id.index()][r]) {
                    return match self.ty[r] {
                        Type::Int | Type::Num | Type::Any => self.load_int(r),
                        _ => self.b.iconst(0),
                    };
                }
                match self.payload[r] {
                    Some(v) if (self.b.ty(v) == IrType::F64) == want_float => v,
                    _ if want_float => self.b.loadf(home(r)),
                    _ => self.b.load64(home(r)),
                }
            })
            .collect();
        (self.blocks[id.index()], args)
    }
    /// Jumps to the instruction at `pc`, polling on the way back.
    pub fn go(&mut self, pc: u32) {
        if pc <= self.pc {
            self.poll(pc);
        }
        let (block, args) = self.target(pc);
        self.b.jump(block, &args);
    }
    /// A block that goes to `pc`: for branches whose edge polls or carries arguments.
    pub fn edge(&mut self, pc: u32) -> (Block, Vec<Value>) {
        if pc > self.pc {
            return self.target(pc);
        }
        let here = self.b.current();
        let block = self.b.create_block();
        self.b.switch_to(block);
        self.poll(pc);
        let (to, args) = self.target(pc);
        self.b.jump(to, &args);
        self.b.switch_to(here);
        (block, Vec::new())
    }
    /// Branches to `then` if the condition holds, else to `els` (both bytecode positions).
    pub fn branch(&mut self, cond: Cond, then: u32, els: u32) {
        let (tb, ta) = self.edge(then);
        let (eb, ea) = self.edge(els);
        self.b.brif(cond, (tb, &ta), (eb, &ea));
    }
    /// Runs pending work if there is any; then the frame continues at `pc`, here or in the interpreter.
    fn poll(&mut self, pc: u32) {
        let cold = self.b.create_cold_block();
        let next = self.b.create_block();
        self.b.brif(
            Cond::icmp_mem(IntCc::Ne, Width::W32, Addr::thread(abi::thread::POLL), 0),
            (cold, &[]),
            (next, &[]),
        );
        self.b.switch_to(cold);
        let at = std::mem::replace(&mut self.pc, pc);
        let r = self.helper(Helper::poll, kind::AT);
        self.pc = at;
        let leave = self.b.create_cold_block();
        self.b
            .brif(Cond::icmp(IntCc::Ne, r, 0), (leave, &[]), (next, &[]));
        self.b.switch_to(leave);
        self.exit(pc);
        self.b.switch_to(next);
    }
    /// Position a jump instruction goes to.
    pub fn jump_target(&self, i: Instr) -> u32 {
        (self.pc as i64 + 1 + i.sd() as i64) as u32
    }
    /// Reads a pinned register's relative address as a value.
    pub fn slot_address(&mut self, r: usize) -> Value {
        self.b.addr_of(home(r))
    }
    /// Moves the base for a call and back.
    pub fn move_base(&mut self, slots: i32) {
        self.b.add_pinned(Pinned::Base, 16 * slots);
    }
}
