//! Reading instructions, conditions, addresses and terminators: the lines inside a block.

use super::inst::{
    Addr, Base, BinOp, BlockCall, CallData, CallTarget, Cond, Inst, MemOp, Opnd, OvfOp, Term, UnOp,
    VecOp,
};
use super::parse::{Parser, Res};
use super::types::{
    Block, Clobbers, FloatCc, IntCc, LoadKind, PReg, Pinned, Region, Scale, StackSlot, Type, Value,
    Width,
};

impl Parser<'_> {
    /// `.8`, `.16`, `.32` or `.64`
    pub(super) fn width(&mut self) -> Res<Width> {
        self.expect(".")?;
        self.name(Width::from_name, "width")
    }

    pub(super) fn addr(&mut self) -> Res<Addr> {
        self.expect("[")?;
        let base = match self.rest.as_bytes().first() {
            Some(b'v') => Base::Value(self.value()?),
            Some(b'@') => Base::Symbol(self.symbol()?),
            Some(b's') => Base::Stack(self.indexed("ss").map(StackSlot)?),
            _ => Base::Pinned(self.name(Pinned::from_name, "pinned register")?),
        };
        let mut addr = Addr {
            base,
            index: None,
            disp: 0,
            region: Region::Any,
        };
        if self.rest.starts_with("+ v") {
            self.eat("+");
            let v = self.value()?;
            let scale = if self.eat("*") {
                self.name(Scale::from_name, "scale")?
            } else {
                Scale::S1
            };
            addr.index = Some((v, scale));
        }
        let sign = if self.eat("+") { 1 } else { -1 };
        if sign > 0 || self.eat("-") {
            let n: i64 = self.number()?;
            addr.disp = i32::try_from(n * sign).map_err(|_| "displacement too large")?;
        }
        self.expect("]")?;
        if self.eat(".") {
            addr.region = self.name(Region::from_name, "region")?;
        }
        Ok(addr)
    }

    pub(super) fn cond(&mut self) -> Res<Cond> {
        let op = self.word();
        match op {
            "icmp" | "test" => {
                let w = self.width()?;
                let cc = self.name(IntCc::from_name, "condition")?;
                if self.rest.starts_with('[') {
                    let addr = self.addr()?;
                    self.expect(",")?;
                    let b = self.opnd()?;
                    return Ok(match op {
                        "icmp" => Cond::IcmpMem { cc, w, addr, b },
                        _ => Cond::TestMem { cc, w, addr, b },
                    });
                }
                let a = self.value()?;
                self.expect(",")?;
                let b = self.opnd()?;
                Ok(if op == "icmp" {
                    Cond::Icmp { cc, w, a, b }
                } else {
                    Cond::Test { cc, w, a, b }
                })
            }
            "fcmp" => {
                let cc = self.name(FloatCc::from_name, "condition")?;
                let a = self.value()?;
                self.expect(",")?;
                Ok(Cond::Fcmp {
                    cc,
                    a,
                    b: self.value()?,
                })
            }
            "rsp" => {
                let cc = self.name(IntCc::from_name, "condition")?;
                Ok(Cond::RspMem {
                    cc,
                    addr: self.addr()?,
                })
            }
            "overflow" => Ok(Cond::Overflow(self.value()?)),
            _ => Err(format!("`{op}` is no condition")),
        }
    }

    /// Items separated by commas, up to a closing token.
    pub(super) fn list<T>(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Res<T>,
    ) -> Res<Vec<T>> {
        let mut list = Vec::new();
        if self.eat(close) {
            return Ok(list);
        }
        loop {
            list.push(item(self)?);
            if self.eat(close) {
                return Ok(list);
            }
            self.expect(",")?;
        }
    }

    pub(super) fn fixed(&mut self) -> Res<(Value, PReg)> {
        let v = self.value()?;
        self.expect(":")?;
        Ok((v, self.preg()?))
    }

    pub(super) fn block_call(&mut self) -> Res<BlockCall> {
        let block = Block(self.indexed("b")?);
        let args = if self.eat("(") {
            self.list(")", Self::value)?
        } else {
            Vec::new()
        };
        Ok(BlockCall { block, args })
    }

    pub(super) fn target(&mut self) -> Res<CallTarget> {
        match self.rest.as_bytes().first() {
            Some(b'@') => self.symbol().map(CallTarget::Symbol),
            Some(b'[') => self.addr().map(CallTarget::Mem),
            _ => self.value().map(CallTarget::Value),
        }
    }

    pub(super) fn term(&mut self, op: &str) -> Res<Option<Term>> {
        Ok(Some(match op {
            "jump" => Term::Jump(self.block_call()?),
            "brif" => {
                let cond = self.cond()?;
                self.expect(",")?;
                let then = self.block_call()?;
                self.expect(",")?;
                Term::BrIf {
                    cond,
                    then,
                    els: self.block_call()?,
                }
            }
            "switch" => {
                let index = self.value()?;
                self.expect(",")?;
                self.expect("[")?;
                let targets = self.list("]", Self::block_call)?;
                self.expect(",")?;
                Term::Switch {
                    index,
                    targets,
                    default: self.block_call()?,
                }
            }
            "ret" if self.rest.is_empty() => Term::Ret(Vec::new()),
            "ret" => {
                let mut list = vec![self.fixed()?];
                while self.eat(",") {
                    list.push(self.fixed()?);
                }
                Term::Ret(list)
            }
            "tailcall" => {
                let target = self.target()?;
                self.expect("(")?;
                Term::TailCall {
                    target,
                    args: self.list(")", Self::fixed)?,
                }
            }
            "trap" => Term::Trap,
            _ => return Ok(None),
        }))
    }

    pub(super) fn inst(&mut self, op: &str) -> Res<Inst> {
        if let Some(op) = BinOp::from_name(op) {
            let a = self.value()?;
            self.expect(",")?;
            return Ok(Inst::Binary {
                op,
                a,
                b: self.opnd()?,
            });
        }
        if let Some(op) = UnOp::from_name(op) {
            return Ok(Inst::Unary {
                op,
                a: self.value()?,
            });
        }
        Ok(match op {
            "iconst" => Inst::Iconst(self.number()?),
            "fconst" => Inst::Fconst(self.number::<i64>()? as u64),
            "overflow" => {
                self.expect(".")?;
                let op = self.name(OvfOp::from_name, "overflow operation")?;
                let a = self.value()?;
                self.expect(",")?;
                Inst::Overflow {
                    op,
                    a,
                    b: self.opnd()?,
                }
            }
            "bool" => Inst::BoolOf(self.cond()?),
            "assume" => Inst::Assume(self.cond()?),
            "select" => {
                self.expect(".")?;
                let ty = self.name(Type::from_name, "type")?;
                let cond = self.cond()?;
                self.expect(",")?;
                let a = self.value()?;
                self.expect(",")?;
                Inst::Select {
                    ty,
                    cond,
                    a,
                    b: self.value()?,
                }
            }
            "load" => {
                self.expect(".")?;
                let kind = self.name(LoadKind::from_name, "load")?;
                Inst::Load {
                    kind,
                    addr: self.addr()?,
                }
            }
            "store" => {
                let w = self.width()?;
                let addr = self.addr()?;
                self.expect(",")?;
                match self.opnd()? {
                    Opnd::Value(val) => Inst::Store { w, addr, val },
                    Opnd::Imm(imm) => Inst::StoreImm { w, addr, imm },
                }
            }
            "mem" => {
                self.expect(".")?;
                let op = self.name(MemOp::from_name, "memory operation")?;
                let w = self.width()?;
                let addr = self.addr()?;
                self.expect(",")?;
                Inst::MemOp {
                    op,
                    w,
                    addr,
                    x: self.opnd()?,
                }
            }
            "vector" => {
                self.expect(".")?;
                let ty = self.name(Type::from_name, "type")?;
                let op = self.name(VecOp::from_name, "vector operation")?;
                let a = self.value()?;
                let b = match self.eat(",") {
                    true => self.opnd()?,
                    false => Opnd::Imm(0),
                };
                Inst::Vector { op, ty, a, b }
            }
            "vload" => {
                self.expect(".")?;
                let ty = self.name(Type::from_name, "type")?;
                let addr = self.addr()?;
                Inst::VectorLoad { ty, addr }
            }
            "vstore" => {
                let addr = self.addr()?;
                self.expect(",")?;
                let val = self.value()?;
                Inst::VectorStore { addr, val }
            }
            "vdone" => Inst::VectorsDone,
            "addr" => Inst::AddrOf(self.addr()?),
            "get" => Inst::GetPinned(self.name(Pinned::from_name, "pinned register")?),
            "set" | "bump" => {
                let reg = self.name(Pinned::from_name, "pinned register")?;
                self.expect(",")?;
                match op {
                    "set" => Inst::SetPinned(reg, self.value()?),
                    _ => Inst::AddPinned(reg, self.number()?),
                }
            }
            "call" => self.call()?,
            _ => return Err(format!("`{op}` is no instruction")),
        })
    }

    pub(super) fn call(&mut self) -> Res<Inst> {
        let target = self.target()?;
        self.expect("(")?;
        let args = self.list(")", Self::fixed)?;
        let mut rets = Vec::new();
        if self.eat("->") {
            rets = self.list("clobbers", |p| p.preg().map(|r| (r.ty(), r)))?;
        } else {
            self.expect("clobbers")?;
        }
        let clobbers = self.name(Clobbers::from_name, "clobber set")?;
        let safepoint = if self.eat("safepoint") {
            Some(self.number()?)
        } else {
            None
        };
        let live = if self.eat("live") {
            self.expect("[")?;
            self.list("]", Self::value)?
        } else {
            Vec::new()
        };
        Ok(Inst::Call(Box::new(CallData {
            target,
            args,
            rets,
            clobbers,
            safepoint,
            live,
        })))
    }
}

/// The types of an instruction's results.
pub(super) fn result_types(inst: &Inst) -> Vec<Type> {
    match inst {
        Inst::Iconst(_) | Inst::Overflow { .. } | Inst::BoolOf(_) => vec![Type::I64],
        Inst::AddrOf(_) | Inst::GetPinned(_) => vec![Type::I64],
        Inst::Fconst(_) => vec![Type::F64],
        Inst::Unary { op, .. } => vec![op.types().1],
        Inst::Binary { op, .. } => vec![op.ty()],
        Inst::Load { kind, .. } => vec![kind.ty()],
        Inst::Vector { op, ty, .. } => vec![op.result(*ty)],
        Inst::VectorLoad { ty, .. } => vec![*ty],
        Inst::Select { ty, .. } => vec![*ty],
        Inst::Call(c) => c.rets.iter().map(|r| r.0).collect(),
        Inst::Store { .. }
        | Inst::StoreImm { .. }
        | Inst::VectorStore { .. }
        | Inst::VectorsDone
        | Inst::MemOp { .. }
        | Inst::Assume(_)
        | Inst::SetPinned(..)
        | Inst::AddPinned(..) => Vec::new(),
    }
}
