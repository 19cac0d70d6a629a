//! The IR verifier. What it checks:
//!
//! - every reachable block has a terminator; nothing jumps to the entry; branch arguments match parameters in
//!   number and type;
//! - operands have the types their instruction wants; floating-point operations have no immediate;
//! - every use is dominated by its definition;
//! - `Cond::Overflow` asks about the overflow operation just before (constants aside);
//! - tests compare with zero only for equality or sign;
//! - a symbol base has no index; stack slots exist;
//! - registers of parameters, arguments and results are allocatable, of the right class and distinct.

use super::cfg::Cfg;
use super::function::{Function, ValueDef};
use super::inst::{Addr, Base, BlockCall, CallTarget, Cond, Inst, Opnd, Term, VecOp};
use super::types::{Block, Clobbers, IntCc, PReg, Type, Value, Width};
use std::fmt;

/// What is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    /// The function.
    pub func: String,
    /// The block.
    pub block: Block,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.func, self.block, self.message)
    }
}

impl std::error::Error for VerifyError {}

struct Verifier<'a> {
    f: &'a Function,
    cfg: Cfg,
    /// By instruction: its block and its place there.
    place: Vec<(Block, u32)>,
    block: Block,
    at: u32,
}

type Check = Result<(), String>;

/// Checks a function.
pub fn verify(f: &Function) -> Result<(), VerifyError> {
    let fail = |block, message| VerifyError {
        func: f.name.clone(),
        block,
        message,
    };
    let mut place = vec![(Block(u32::MAX), 0); f.insts.len()];
    for (b, data) in f.blocks.iter().enumerate() {
        for (n, id) in data.insts.iter().enumerate() {
            place[id.index()] = (Block(b as u32), n as u32);
        }
    }
    for (b, data) in f.blocks.iter().enumerate() {
        for t in data.term.iter().flat_map(|t| t.targets()) {
            if t.block.index() >= f.blocks.len() {
                return Err(fail(Block(b as u32), format!("no block {}", t.block)));
            }
        }
    }
    let cfg = Cfg::new(f);
    let rpo = cfg.rpo.clone();
    let mut v = Verifier {
        f,
        cfg,
        place,
        block: Block(0),
        at: 0,
    };
    v.entry().map_err(|m| fail(Block(0), m))?;
    for &b in &rpo {
        v.block = b;
        v.check_block().map_err(|m| fail(b, m))?;
    }
    Ok(())
}

impl Verifier<'_> {
    fn entry(&self) -> Check {
        let entry = &self.f.blocks[0];
        if entry.params.len() != self.f.param_regs.len() {
            return Err("parameters and their registers differ in number".into());
        }
        let regs = entry
            .params
            .iter()
            .copied()
            .zip(self.f.param_regs.iter().copied());
        self.fixed(&regs.collect::<Vec<_>>())
    }

    fn check_block(&mut self) -> Check {
        let data = &self.f.blocks[self.block.index()];
        for (n, id) in data.insts.iter().enumerate() {
            self.at = n as u32;
            let node = &self.f.insts[id.index()];
            self.inst(&node.inst)
                .map_err(|m| format!("instruction {n}: {m}"))?;
        }
        self.at = data.insts.len() as u32;
        match &data.term {
            Some(t) => self.term(t).map_err(|m| format!("terminator: {m}")),
            None => Err("no terminator".into()),
        }
    }

    fn dominates(&self, a: Block, b: Block) -> bool {
        self.cfg.dominates(a, b)
    }

    fn value(&self, v: Value, ty: Type) -> Check {
        let Some(data) = self.f.values.get(v.index()) else {
            return Err(format!("{v} does not exist"));
        };
        if data.ty != ty {
            return Err(format!("{v} is {}, should be {ty}", data.ty));
        }
        let ok = match data.def {
            ValueDef::Param(b, _) => self.is_reachable(b) && self.dominates(b, self.block),
            ValueDef::Inst(id, _) => {
                let (b, at) = self.place[id.index()];
                b.0 != u32::MAX
                    && self.is_reachable(b)
                    && if b == self.block {
                        at < self.at
                    } else {
                        self.dominates(b, self.block)
                    }
            }
        };
        if ok {
            Ok(())
        } else {
            Err(format!("{v} is used where its definition does not reach"))
        }
    }

    fn is_reachable(&self, b: Block) -> bool {
        self.cfg.is_reachable(b)
    }

    fn opnd(&self, o: Opnd, ty: Type) -> Check {
        match o {
            Opnd::Value(v) => self.value(v, ty),
            Opnd::Imm(_) if ty == Type::I64 => Ok(()),
            Opnd::Imm(_) => Err("immediate operand of a floating-point operation".into()),
        }
    }

    fn addr(&self, a: &Addr) -> Check {
        match a.base {
            Base::Value(v) => self.value(v, Type::I64)?,
            Base::Pinned(_) => {}
            Base::Symbol(_) if a.index.is_some() => return Err("symbol base with an index".into()),
            Base::Symbol(_) => {}
            Base::Stack(s) if s.index() >= self.f.stack_slots.len() => {
                return Err(format!("{s} does not exist"));
            }
            Base::Stack(_) => {}
        }
        a.index.map_or(Ok(()), |(v, _)| self.value(v, Type::I64))
    }

    fn test_cc(&self, cc: IntCc) -> Check {
        match cc {
            IntCc::Eq | IntCc::Ne | IntCc::Neg | IntCc::NonNeg => Ok(()),
            _ => Err(format!("a test cannot ask for {cc}")),
        }
    }

    fn cond(&self, c: &Cond) -> Check {
        match c {
            Cond::Icmp { a, b, .. } => {
                self.value(*a, Type::I64)?;
                self.opnd(*b, Type::I64)
            }
            Cond::Test { cc, a, b, .. } => {
                self.test_cc(*cc)?;
                self.value(*a, Type::I64)?;
                self.opnd(*b, Type::I64)
            }
            Cond::IcmpMem { addr, b, .. } => {
                self.addr(addr)?;
                self.opnd(*b, Type::I64)
            }
            Cond::TestMem { cc, addr, b, .. } => {
                self.test_cc(*cc)?;
                self.addr(addr)?;
                self.opnd(*b, Type::I64)
            }
            Cond::Fcmp { a, b, .. } => {
                self.value(*a, Type::F64)?;
                self.value(*b, Type::F64)
            }
            Cond::RspMem { addr, .. } => self.addr(addr),
            Cond::Overflow(v) => {
                self.value(*v, Type::I64)?;
                let data = &self.f.blocks[self.block.index()];
                let nodes = data.insts[..self.at as usize].iter().rev();
                let before = nodes
                    .map(|id| &self.f.insts[id.index()])
                    .find(|node| !node.inst.is_const());
                match before {
                    Some(node)
                        if matches!(node.inst, Inst::Overflow { .. })
                            && node.first_result == *v =>
                    {
                        Ok(())
                    }
                    _ => Err(format!("{v} is not the overflow operation just before")),
                }
            }
        }
    }

    fn inst(&self, inst: &Inst) -> Check {
        let (int, float) = (Type::I64, Type::F64);
        match inst {
            Inst::Iconst(_) | Inst::Fconst(_) | Inst::GetPinned(_) | Inst::AddPinned(..) => Ok(()),
            Inst::Unary { op, a } => self.value(*a, op.types().0),
            Inst::Binary { op, a, b } => {
                self.value(*a, op.ty())?;
                self.opnd(*b, op.ty())
            }
            Inst::Overflow { a, b, .. } => {
                self.value(*a, int)?;
                self.opnd(*b, int)
            }
            Inst::BoolOf(cond) | Inst::Assume(cond) => self.cond(cond),
            Inst::Select { ty, cond, a, b } => {
                self.cond(cond)?;
                self.value(*a, *ty)?;
                self.value(*b, *ty)
            }
            Inst::Load { addr, .. } | Inst::StoreImm { addr, .. } | Inst::AddrOf(addr) => {
                self.addr(addr)
            }
            Inst::Store { w, addr, val } => {
                self.addr(addr)?;
                match self.f.values.get(val.index()) {
                    Some(d) if d.ty == float && *w == Width::W64 => self.value(*val, float),
                    _ => self.value(*val, int),
                }
            }
            Inst::MemOp { addr, x, .. } => {
                self.addr(addr)?;
                self.opnd(*x, int)
            }
            Inst::Vector { op, ty, a, b } => self.vector(*op, *ty, *a, *b),
            Inst::VectorLoad { ty, addr } => {
                self.vector_type(*ty)?;
                self.addr(addr)
            }
            Inst::VectorStore { addr, val } => {
                self.addr(addr)?;
                let ty = self.f.values.get(val.index()).map_or(int, |d| d.ty);
                self.vector_type(ty)?;
                self.value(*val, ty)
            }
            Inst::VectorsDone => Ok(()),
            Inst::SetPinned(_, v) => self.value(*v, int),
            Inst::Call(data) => {
                self.target(&data.target)?;
                self.args(&data.args)?;
                if !data.live.is_empty()
                    && (data.safepoint.is_none() || data.clobbers != Clobbers::All)
                {
                    return Err("values are named at a call without a safe point, or one that keeps registers".into());
                }
                data.live.iter().try_for_each(|&v| {
                    let ty = self.f.values.get(v.index()).map_or(int, |d| d.ty);
                    self.value(v, ty)
                })?;
                self.regs(data.rets.iter().map(|&(ty, r)| (ty, r)))
            }
        }
    }

    fn vector_type(&self, ty: Type) -> Check {
        match ty {
            Type::V128 | Type::V256 => Ok(()),
            Type::I64 | Type::F64 => Err(format!("{ty} is no vector")),
        }
    }

    fn vector(&self, op: VecOp, ty: Type, a: Value, b: Opnd) -> Check {
        self.vector_type(ty)?;
        match (op, b) {
            (VecOp::Splat, Opnd::Imm(0)) => {
                let one = self.f.values.get(a.index()).map_or(ty, |d| d.ty);
                if one.lanes() > 1 {
                    return Err(format!("{a} is no number"));
                }
                self.value(a, one)
            }
            (VecOp::Shl | VecOp::Shr, Opnd::Imm(0..=63)) => self.value(a, ty),
            (_, Opnd::Value(b)) if op.is_binary() => {
                self.value(a, ty)?;
                self.value(b, ty)
            }
            (VecOp::Fsqrt | VecOp::High | VecOp::Low, Opnd::Imm(0)) => self.value(a, ty),
            _ => Err(format!("wrong second operand of {op}")),
        }
    }

    fn target(&self, t: &CallTarget) -> Check {
        match t {
            CallTarget::Symbol(_) => Ok(()),
            CallTarget::Value(v) => self.value(*v, Type::I64),
            CallTarget::Mem(addr) => self.addr(addr),
        }
    }

    fn args(&self, args: &[(Value, PReg)]) -> Check {
        args.iter().try_for_each(|&(v, r)| self.value(v, r.ty()))?;
        self.fixed(args)
    }

    fn fixed(&self, list: &[(Value, PReg)]) -> Check {
        self.regs(list.iter().map(|&(v, r)| (self.f.ty(v), r)))
    }

    fn regs(&self, list: impl Iterator<Item = (Type, PReg)>) -> Check {
        let mut seen = 0u32;
        for (ty, r) in list {
            if !r.is_allocatable() {
                return Err(format!("{r} cannot carry a value"));
            }
            if r.ty() != ty {
                return Err(format!("{r} cannot hold {ty}"));
            }
            if seen & 1 << r as u32 != 0 {
                return Err(format!("{r} appears twice"));
            }
            seen |= 1 << r as u32;
        }
        Ok(())
    }

    fn call(&self, c: &BlockCall) -> Check {
        let params = &self.f.blocks[c.block.index()].params;
        if c.block == self.f.entry() {
            return Err("jump to the entry".into());
        }
        if params.len() != c.args.len() {
            return Err(format!(
                "{} takes {} arguments, not {}",
                c.block,
                params.len(),
                c.args.len()
            ));
        }
        params
            .iter()
            .zip(&c.args)
            .try_for_each(|(p, a)| self.value(*a, self.f.ty(*p)))
    }

    fn term(&self, t: &Term) -> Check {
        match t {
            Term::Jump(_) | Term::Trap => {}
            Term::BrIf { cond, .. } => self.cond(cond)?,
            Term::Switch { index, .. } => self.value(*index, Type::I64)?,
            Term::Ret(list) => self.args(list)?,
            Term::TailCall { target, args } => {
                self.target(target)?;
                if let CallTarget::Mem(Addr {
                    base: Base::Stack(_),
                    ..
                }) = target
                {
                    return Err("tail call through the frame that it tears down".into());
                }
                self.args(args)?;
            }
        }
        t.targets().try_for_each(|c| self.call(c))
    }
}
