//! Instruction selection: SSA to machine IR.
//!
//! Blocks are visited in postorder and instructions from last to first, so that a value's users are lowered before
//! its definition: an instruction none of whose results was asked for in a register, and which has no effect, is simply
//! not lowered. That one rule gives dead-code removal and lets users fold definitions in.
//!
//! Invariants: a definition is folded only into its only user; a load is folded only within its block and when
//! nothing with an effect stands between (equal *colours*: the number of effects before an instruction);
//! constants are rebuilt at each use, so they are never live across anything.

mod addr;
mod bits;
mod cond;
mod float;
mod int;
mod layout;
mod options;
mod term;
mod vector;

use crate::compile::CompileError;
use crate::ir::{self, Function, Inst, InstId, LoadKind, Opnd, SrcLoc, Value, ValueDef, Width};
use crate::mach::{
    CallInfo, MBlock, MFunc, MInst, Src, class_of, clobber_set, renumber, to_ra, weigh,
};
use crate::x86::Op;
use crate::x86::asm::Const;
use addr::truncate;
use layout::{Layout, Origin, layout};
use regalloc2 as ra;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;

pub use options::SelectOptions;

/// A selected function.
pub(crate) struct Selected {
    pub func: MFunc,
    /// Machine blocks in the order of the code.
    pub placed: Vec<u32>,
    /// By machine block: it is seldom reached.
    pub seldom: Vec<bool>,
    pub consts: Vec<Const>,
    /// Jump tables of machine blocks.
    pub tables: Vec<Vec<ra::Block>>,
    /// By IR block; `u32::MAX` if unreachable.
    pub block_at: Vec<u32>,
    /// Bytes of explicit stack slots.
    pub stack_bytes: u32,
    pub has_calls: bool,
}

/// A machine instruction with its operands, before it is put in order.
struct Entry {
    inst: MInst,
    ops: Range<u32>,
    loc: SrcLoc,
}

struct Selector<'a> {
    f: &'a Function,
    options: SelectOptions,
    layout: Layout,
    /// By value: uses, saturating at 2.
    uses: Vec<u8>,
    /// By value: asked for in a register.
    needed: Vec<bool>,
    /// By instruction: effects before it.
    color: Vec<u32>,
    /// By instruction: its block.
    block_of: Vec<u32>,
    /// By instruction: the flags it leaves are used by the next one.
    want_flags: Vec<bool>,
    slot_offset: Vec<u32>,

    /// All instructions lowered so far; each block's are a range, in reverse.
    rev: Vec<Entry>,
    /// The instruction being lowered, in order.
    cur: Vec<Entry>,
    /// Operands of the machine instruction being built.
    ops: Vec<ra::Operand>,
    /// Arguments of the edge being lowered.
    args: SmallVec<[ra::VReg; 2]>,
    operands: Vec<ra::Operand>,
    num_vregs: usize,
    consts: Vec<Const>,
    const_index: HashMap<(u64, bool), u32>,
    calls: Vec<CallInfo>,
    tables: Vec<Vec<ra::Block>>,
    loc: SrcLoc,
    /// Where lowering stands: block, colour, and the instruction just before.
    here: Here,
    /// The instruction being lowered reads flags: constants must not destroy them.
    flags_live: bool,
    /// More virtual registers than the allocator can number.
    too_large: bool,
}

#[derive(Clone, Copy, Default)]
struct Here {
    block: u32,
    color: u32,
    prev: Option<InstId>,
}

/// Selects instructions for a function, which must verify.
pub(crate) fn select(f: &Function, options: &SelectOptions) -> Result<Selected, CompileError> {
    if f.values.len() >= ra::VReg::MAX {
        return Err(CompileError::TooLarge(
            "more than two million values".into(),
        ));
    }
    let layout = layout(f, options);
    let mut slot_offset = Vec::with_capacity(f.stack_slots.len());
    let mut stack_bytes = 0u32;
    for &bytes in &f.stack_slots {
        slot_offset.push(stack_bytes);
        stack_bytes += bytes.next_multiple_of(8);
    }
    let mut s = Selector {
        f,
        options: *options,
        uses: vec![0; f.values.len()],
        needed: vec![false; f.values.len()],
        color: vec![0; f.insts.len()],
        block_of: vec![u32::MAX; f.insts.len()],
        want_flags: vec![false; f.insts.len()],
        slot_offset,
        rev: Vec::with_capacity(f.insts.len() + f.blocks.len()),
        cur: Vec::new(),
        ops: Vec::new(),
        args: SmallVec::new(),
        operands: Vec::with_capacity(f.insts.len() * 2),
        num_vregs: f.values.len(),
        consts: Vec::new(),
        const_index: HashMap::new(),
        calls: Vec::new(),
        tables: Vec::new(),
        loc: SrcLoc(0),
        here: Here::default(),
        flags_live: false,
        too_large: false,
        layout,
    };
    s.count();
    let selected = s.run(stack_bytes);
    selected.ok_or_else(|| CompileError::TooLarge("more than two million values".into()))
}

impl Selector<'_> {
    /// Counts uses and numbers effects.
    fn count(&mut self) {
        let f = self.f;
        let mut color = 0;
        for &b in &self.layout.postorder {
            let data = &f.blocks[b.index()];
            for &id in &data.insts {
                let inst = &f.insts[id.index()].inst;
                self.block_of[id.index()] = b.0;
                self.color[id.index()] = color;
                color += inst.has_effect() as u32;
                let uses = &mut self.uses;
                // What is only assumed needs no register.
                if !matches!(inst, Inst::Assume(_)) {
                    inst.for_each_use(|v| uses[v.index()] = uses[v.index()].saturating_add(1));
                }
            }
            if let Some(term) = &data.term {
                let uses = &mut self.uses;
                term.for_each_use(|v| uses[v.index()] = uses[v.index()].saturating_add(1));
            }
            color += 1;
        }
    }

    fn run(mut self, stack_bytes: u32) -> Option<Selected> {
        let mut ranges = vec![0..0; self.layout.order.len()];
        let mut blocks = vec![MBlock::default(); self.layout.order.len()];
        let mut edges = vec![SmallVec::<[(u32, usize); 2]>::new(); self.f.blocks.len()];
        for (m, o) in self.layout.order.iter().enumerate() {
            if let Origin::Edge(b, s) = *o {
                edges[b.index()].push((s, m));
            }
        }
        for n in 0..self.layout.postorder.len() {
            let b = self.layout.postorder[n];
            for &(s, m) in &edges[b.index()] {
                let start = self.rev.len();
                self.lower_edge(b, s);
                ranges[m] = start..self.rev.len();
                blocks[m].args = std::mem::take(&mut self.args);
                let call = self.f.blocks[b.index()]
                    .term
                    .iter()
                    .flat_map(|t| t.targets());
                let target = call.map(|t| t.block).nth(s as usize);
                blocks[m].succs = target
                    .map(|t| self.succ(self.layout.block_at[t.index()]))
                    .into_iter()
                    .collect();
            }
            let m = self.layout.block_at[b.index()] as usize;
            let start = self.rev.len();
            self.lower_block(b);
            ranges[m] = start..self.rev.len();
            blocks[m].args = std::mem::take(&mut self.args);
            blocks[m].succs = self.layout.succs[b.index()]
                .iter()
                .map(|&m| self.succ(m))
                .collect();
            if b != self.f.entry() {
                let params = &self.f.blocks[b.index()].params;
                blocks[m].params = params.iter().map(|&v| self.vreg(v)).collect();
            }
        }
        for m in 0..blocks.len() {
            for n in 0..blocks[m].succs.len() {
                let s = blocks[m].succs[n];
                blocks[s.index()].preds.push(ra::Block::new(m));
            }
        }

        if self.too_large {
            return None;
        }
        let n = self.rev.len();
        let mut func = MFunc {
            insts: Vec::with_capacity(n),
            locs: Vec::with_capacity(n),
            ranges: Vec::with_capacity(n),
            ..MFunc::default()
        };
        for (m, range) in ranges.into_iter().enumerate() {
            let start = func.insts.len() as u32;
            for e in self.rev[range].iter().rev() {
                func.insts.push(e.inst);
                func.locs.push(e.loc);
                func.ranges.push(e.ops.clone());
            }
            blocks[m].insts = start..func.insts.len() as u32;
        }
        func.blocks = blocks;
        func.operands = self.operands;
        func.num_vregs = self.num_vregs;
        for (n, data) in self.f.values.iter().enumerate() {
            if data.ty.lanes() > 1 {
                func.vectors.push(ra::VReg::new(n, ra::RegClass::Float));
                func.vector_bytes = func.vector_bytes.max(8 * data.ty.lanes());
            }
        }
        if self.options.weights {
            weigh(&mut func, &self.layout.often);
        }
        renumber(&mut func);
        let has_calls = !self.calls.is_empty();
        func.calls = self.calls;
        Some(Selected {
            func,
            placed: self.layout.placed,
            seldom: self.layout.seldom,
            consts: self.consts,
            tables: self.tables,
            block_at: self.layout.block_at,
            stack_bytes,
            has_calls,
        })
    }

    fn succ(&self, m: u32) -> ra::Block {
        ra::Block::new(m as usize)
    }

    fn lower_block(&mut self, b: ir::Block) {
        let f = self.f;
        let data = &f.blocks[b.index()];
        self.here.block = b.0;
        self.here.prev = self.before(&data.insts);
        // A terminator sees the effects of the whole block.
        self.here.color = match data.insts.last() {
            Some(&id) => self.color_after(id),
            None => u32::MAX,
        };
        self.loc = data.term_loc;
        if let Some(term) = &data.term {
            self.lower_term(b, term);
        }
        self.flush();
        for (n, &id) in data.insts.iter().enumerate().rev() {
            let node = &f.insts[id.index()];
            let wanted = node.inst.has_effect()
                || self.want_flags[id.index()]
                || node.results().any(|v| self.needed[v.index()]);
            if wanted {
                self.here.color = self.color[id.index()];
                self.here.prev = self.before(&data.insts[..n]);
                self.loc = node.loc;
                self.lower_inst(id);
                self.flush();
            }
        }
        if b == f.entry() {
            self.loc = SrcLoc(0);
            for (n, &v) in data.params.iter().enumerate() {
                let v = self.vreg(v);
                self.ops
                    .push(ra::Operand::reg_fixed_def(v, to_ra(f.param_regs[n])));
            }
            self.push(MInst::Args);
            self.flush();
        }
    }

    /// The instruction before a position, not counting constants.
    fn before(&self, insts: &[InstId]) -> Option<InstId> {
        let is_const = |id: &&InstId| self.f.insts[id.index()].inst.is_const();
        insts.iter().rev().find(|id| !is_const(id)).copied()
    }

    fn color_after(&self, id: InstId) -> u32 {
        self.color[id.index()] + self.f.insts[id.index()].inst.has_effect() as u32
    }

    fn lower_edge(&mut self, b: ir::Block, s: u32) {
        let data = &self.f.blocks[b.index()];
        self.loc = data.term_loc;
        self.here = Here {
            block: u32::MAX,
            color: u32::MAX,
            prev: None,
        };
        let call = data.term.iter().flat_map(|t| t.targets()).nth(s as usize);
        self.args.clear();
        for &v in call.map(|c| &c.args[..]).unwrap_or_default() {
            let v = self.reg(v);
            self.args.push(v);
        }
        self.push(MInst::Jmp);
        self.flush();
    }

    /// Moves the finished instruction to the reversed list.
    fn flush(&mut self) {
        self.rev.extend(self.cur.drain(..).rev());
        self.flags_live = false;
    }

    /// Appends a machine instruction with the operands gathered.
    fn push(&mut self, inst: MInst) {
        let start = self.operands.len() as u32;
        self.operands.append(&mut self.ops);
        self.cur.push(Entry {
            inst,
            ops: start..self.operands.len() as u32,
            loc: self.loc,
        });
    }

    /// The virtual register of a value.
    fn vreg(&self, v: Value) -> ra::VReg {
        ra::VReg::new(v.index(), class_of(self.f.ty(v)))
    }

    fn temp(&mut self, class: ra::RegClass) -> ra::VReg {
        if self.num_vregs >= ra::VReg::MAX {
            self.too_large = true;
            return ra::VReg::new(0, class);
        }
        self.num_vregs += 1;
        ra::VReg::new(self.num_vregs - 1, class)
    }

    /// A value in a register: rebuilt if it is a constant, else asked for.
    fn reg(&mut self, v: Value) -> ra::VReg {
        match self.f.def_inst(v) {
            Some(&Inst::Iconst(n)) => self.imm_reg(n),
            Some(&Inst::Fconst(bits)) => self.float_reg(bits),
            _ => {
                self.needed[v.index()] = true;
                self.vreg(v)
            }
        }
    }

    /// A fresh register with a constant.
    fn imm_reg(&mut self, value: i64) -> ra::VReg {
        let t = self.temp(ra::RegClass::Int);
        self.push_def(
            MInst::Imm {
                value,
                keep_flags: self.flags_live,
            },
            t,
        );
        t
    }

    /// An instruction whose only operand is its result, without touching the operands being gathered.
    fn push_def(&mut self, inst: MInst, def: ra::VReg) {
        let start = self.operands.len() as u32;
        self.operands.push(ra::Operand::reg_def(def));
        self.cur.push(Entry {
            inst,
            ops: start..start + 1,
            loc: self.loc,
        });
    }

    /// Adds a register operand.
    fn use_reg(&mut self, v: Value) {
        let r = self.reg(v);
        self.ops.push(ra::Operand::reg_use(r));
    }

    fn use_fixed(&mut self, v: Value, preg: ir::PReg) {
        let r = self.reg(v);
        self.ops.push(ra::Operand::reg_fixed_use(r, to_ra(preg)));
    }

    fn def(&mut self, v: Value) {
        let r = self.vreg(v);
        self.ops.push(ra::Operand::reg_def(r));
    }

    /// A result that takes the register of the operand at an index.
    fn def_reuse(&mut self, v: Value, index: usize) {
        let r = self.vreg(v);
        self.ops.push(ra::Operand::reg_reuse_def(r, index));
    }

    /// The constant behind an operand, if it fits an immediate.
    fn as_imm(&self, o: Opnd) -> Option<i32> {
        match o {
            Opnd::Imm(n) => Some(n),
            Opnd::Value(v) => self.f.as_iconst(v).and_then(|n| i32::try_from(n).ok()),
        }
    }

    /// The operand as a value or an immediate, whichever is better.
    fn resolve(&self, o: Opnd) -> Opnd {
        self.as_imm(o).map_or(o, Opnd::Imm)
    }

    /// The definition of a value if this is its only use.
    fn only_use(&self, v: Value) -> Option<&Inst> {
        if self.uses[v.index()] == 1 {
            self.f.def_inst(v)
        } else {
            None
        }
    }

    /// The load behind a value, if it can be folded here.
    fn foldable_load(&self, v: Value) -> Option<(LoadKind, ir::Addr)> {
        let ValueDef::Inst(id, _) = self.f.values[v.index()].def else {
            return None;
        };
        match self.only_use(v) {
            Some(&Inst::Load { kind, addr })
                if self.options.loads
                    && self.block_of[id.index()] == self.here.block
                    && self.color[id.index()] == self.here.color =>
            {
                Some((kind, addr))
            }
            _ => None,
        }
    }

    fn lower_inst(&mut self, id: InstId) {
        let f = self.f;
        let node = &f.insts[id.index()];
        let res = node.first_result;
        match &node.inst {
            Inst::Iconst(_) | Inst::Fconst(_) => {}
            &Inst::Unary { op, a } => self.unary(op, a, res),
            &Inst::Binary { op, a, b } => match op.ty() {
                ir::Type::I64 => self.int_binary(id, ir::Width::W64, op, a, b, res),
                _ => self.float_binary(op, a, b, res),
            },
            &Inst::Overflow { op, a, b } => self.overflow(op, a, b, res),
            Inst::BoolOf(cond) => self.bool_of(cond, res),
            Inst::Assume(_) => {}
            Inst::Select { cond, a, b, .. } => self.select(cond, *a, *b, res),
            Inst::Load { kind, addr } => self.load(*kind, addr, res),
            Inst::Store { w, addr, val } => self.store(*w, addr, *val),
            Inst::StoreImm { w, addr, imm } => {
                let mem = self.addr(addr);
                self.push(MInst::StoreImm {
                    w: *w,
                    mem,
                    imm: truncate(*imm, *w),
                });
            }
            Inst::MemOp { op, w, addr, x } => self.mem_op(*op, *w, addr, *x),
            &Inst::Vector { op, ty, a, b } => self.vector(op, ty, a, b, res),
            Inst::VectorLoad { ty, addr } => self.vector_load(*ty, addr, res),
            Inst::VectorStore { addr, val } => self.vector_store(addr, *val),
            Inst::VectorsDone => self.push(MInst::VectorsDone),
            Inst::AddrOf(addr) => {
                let mem = self.addr(addr);
                self.def(res);
                self.push(MInst::Lea { mem });
            }
            &Inst::GetPinned(p) => {
                self.def(res);
                self.push(MInst::GetPinned(p));
            }
            &Inst::SetPinned(p, v) => {
                self.use_reg(v);
                self.push(MInst::SetPinned(p));
            }
            &Inst::AddPinned(p, n) => self.push(MInst::AddPinned(p, n)),
            Inst::Call(data) => self.call(data, res),
        }
    }

    fn call(&mut self, data: &ir::CallData, first: Value) {
        let target = self.call_target(&data.target);
        for &(v, preg) in &data.args {
            if data.live.contains(&v) {
                // The allocator cannot keep one register both in place for the call and in the frame during it.
                let copy = self.copy(v);
                self.ops.push(ra::Operand::reg_fixed_use(copy, to_ra(preg)));
            } else {
                self.use_fixed(v, preg);
            }
        }
        let first_live = self.ops.len() as u32;
        let mut live = Vec::with_capacity(data.live.len());
        for &v in &data.live {
            let constant = match self.f.def_inst(v) {
                Some(&Inst::Iconst(n)) => Some(n),
                Some(&Inst::Fconst(bits)) => Some(bits as i64),
                _ => None,
            };
            if constant.is_none() {
                let r = self.reg(v);
                self.ops.push(ra::Operand::new(
                    r,
                    ra::OperandConstraint::Any,
                    ra::OperandKind::Use,
                    ra::OperandPos::Late,
                ));
            }
            live.push(constant);
        }
        let mut clobbers = clobber_set(data.clobbers);
        for (n, &(_, preg)) in data.rets.iter().enumerate() {
            let r = self.vreg(Value(first.0 + n as u32));
            self.ops.push(ra::Operand::reg_fixed_def(r, to_ra(preg)));
            clobbers.remove(to_ra(preg));
        }
        self.calls.push(CallInfo {
            clobbers,
            safepoint: data.safepoint,
            live,
            first_live,
        });
        self.push(MInst::Call {
            target,
            call: self.calls.len() as u32 - 1,
        });
    }

    /// A copy of a value in a register of its own.
    fn copy(&mut self, v: Value) -> ra::VReg {
        let from = self.reg(v);
        let to = self.temp(class_of(self.f.ty(v)));
        let start = self.operands.len() as u32;
        self.operands.push(ra::Operand::any_use(from));
        self.operands.push(ra::Operand::reg_def(to));
        let (op, w) = match self.f.ty(v) {
            ir::Type::I64 => (Op::Mov, Width::W64),
            _ => (Op::Movsd, Width::W64),
        };
        self.cur.push(Entry {
            inst: MInst::Conv {
                op,
                w,
                src: Src::Reg,
                imm: None,
            },
            ops: start..start + 2,
            loc: self.loc,
        });
        to
    }

    fn const_slot(&mut self, bits: u64, wide: bool) -> u32 {
        let consts = &mut self.consts;
        *self.const_index.entry((bits, wide)).or_insert_with(|| {
            consts.push(Const { bits, wide });
            consts.len() as u32 - 1
        })
    }
}

/// The instruction that performs a load.
fn load_op(kind: LoadKind) -> (Op, Width) {
    match kind {
        LoadKind::U8 => (Op::Movzx8, Width::W32),
        LoadKind::S8 => (Op::Movsx8, Width::W64),
        LoadKind::U16 => (Op::Movzx16, Width::W32),
        LoadKind::S16 => (Op::Movsx16, Width::W64),
        LoadKind::U32 => (Op::Mov, Width::W32),
        LoadKind::S32 => (Op::Movsxd, Width::W64),
        LoadKind::I64 => (Op::Mov, Width::W64),
        LoadKind::F64 => (Op::Movsd, Width::W64),
    }
}
