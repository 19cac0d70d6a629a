//! Reading the text form that [`print`](super::print) writes.
//!
//! Value and block numbers are kept as written: values must be numbered without gaps and the results of one
//! instruction consecutively; blocks must come in order.

use super::function::{Function, InstNode, ValueData, ValueDef};
use super::inst::{
    Addr, Base, BinOp, BlockCall, CallData, CallTarget, Cond, Inst, MemOp, Opnd, OvfOp, Term, UnOp,
};
use super::types::{
    Block, Clobbers, FloatCc, InstId, IntCc, LoadKind, PReg, Pinned, Scale, SrcLoc, StackSlot,
    SymbolRef, Type, Value, Width,
};
use std::fmt;

/// What is wrong with a text, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

type Res<T> = Result<T, String>;

/// Reads all functions of a text.
pub fn parse(text: &str) -> Result<Vec<Function>, ParseError> {
    let mut p = Parser {
        lines: text.lines().collect(),
        line: 0,
        rest: "",
    };
    let mut funcs = Vec::new();
    loop {
        let step = p.next_line().and_then(|more| {
            if more {
                p.function().map(Some)
            } else {
                Ok(None)
            }
        });
        match step {
            Ok(Some(func)) => funcs.push(func),
            Ok(None) => return Ok(funcs),
            Err(message) => {
                return Err(ParseError {
                    line: p.line as u32,
                    message,
                });
            }
        }
    }
}

struct Parser<'a> {
    lines: Vec<&'a str>,
    /// The current line's number, from 1.
    line: usize,
    /// What is left of the current line.
    rest: &'a str,
}

/// A function being read: values by the numbers in the text.
#[derive(Default)]
struct Partial {
    func: Function,
    values: Vec<Option<ValueData>>,
    loc: SrcLoc,
}

impl Partial {
    fn define(&mut self, v: Value, data: ValueData) -> Res<()> {
        if v.0 > 1 << 24 {
            return Err(format!("{v}: number too large"));
        }
        if self.values.len() <= v.index() {
            self.values.resize(v.index() + 1, None);
        }
        match self.values[v.index()].replace(data) {
            None => Ok(()),
            Some(_) => Err(format!("{v} is defined twice")),
        }
    }
}

impl<'a> Parser<'a> {
    /// Goes to the next line that is not empty. False at the end of the text.
    fn next_line(&mut self) -> Res<bool> {
        if !self.rest.is_empty() {
            return Err(format!("unexpected `{}`", self.rest));
        }
        while let Some(line) = self.lines.get(self.line) {
            self.line += 1;
            // A name in quotes may hold a semicolon; only headers have one.
            let line = if line.trim_start().starts_with("function") {
                line
            } else {
                line.split(';').next().unwrap_or("")
            };
            self.rest = line.trim();
            if !self.rest.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Res<()> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(format!("expected `{token}` before `{}`", self.rest))
        }
    }

    /// Letters and digits.
    fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    /// A word with a text form.
    fn name<T>(&mut self, from: fn(&str) -> Option<T>, what: &str) -> Res<T> {
        let word = self.word();
        from(word).ok_or_else(|| format!("`{word}` is no {what}"))
    }

    fn number<T: TryFrom<i64>>(&mut self) -> Res<T> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let n = match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok().map(|n| n as i64),
            None => text.parse().ok(),
        };
        self.rest = rest.trim_start();
        n.and_then(|n| T::try_from(n).ok())
            .ok_or_else(|| format!("`{text}` is no number that fits"))
    }

    fn indexed(&mut self, prefix: &str) -> Res<u32> {
        self.expect(prefix)?;
        self.number()
    }

    fn value(&mut self) -> Res<Value> {
        self.indexed("v").map(Value)
    }

    fn symbol(&mut self) -> Res<SymbolRef> {
        self.indexed("@").map(SymbolRef)
    }

    fn opnd(&mut self) -> Res<Opnd> {
        if self.rest.starts_with('v') {
            Ok(self.value()?.into())
        } else {
            Ok(Opnd::Imm(self.number()?))
        }
    }

    fn preg(&mut self) -> Res<PReg> {
        self.name(PReg::from_name, "register")
    }

    /// `.8`, `.16`, `.32` or `.64`
    fn width(&mut self) -> Res<Width> {
        self.expect(".")?;
        self.name(Width::from_name, "width")
    }

    fn addr(&mut self) -> Res<Addr> {
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
        Ok(addr)
    }

    fn cond(&mut self) -> Res<Cond> {
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
    fn list<T>(&mut self, close: &str, mut item: impl FnMut(&mut Self) -> Res<T>) -> Res<Vec<T>> {
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

    fn fixed(&mut self) -> Res<(Value, PReg)> {
        let v = self.value()?;
        self.expect(":")?;
        Ok((v, self.preg()?))
    }

    fn block_call(&mut self) -> Res<BlockCall> {
        let block = Block(self.indexed("b")?);
        let args = if self.eat("(") {
            self.list(")", Self::value)?
        } else {
            Vec::new()
        };
        Ok(BlockCall { block, args })
    }

    fn target(&mut self) -> Res<CallTarget> {
        match self.rest.as_bytes().first() {
            Some(b'@') => self.symbol().map(CallTarget::Symbol),
            Some(b'[') => self.addr().map(CallTarget::Mem),
            _ => self.value().map(CallTarget::Value),
        }
    }

    fn term(&mut self, op: &str) -> Res<Option<Term>> {
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

    fn inst(&mut self, op: &str) -> Res<Inst> {
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

    fn call(&mut self) -> Res<Inst> {
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
        Ok(Inst::Call(Box::new(CallData {
            target,
            args,
            rets,
            clobbers,
            safepoint,
        })))
    }

    /// The current line is the header.
    fn function(&mut self) -> Res<Function> {
        let mut p = Partial::default();
        self.expect("function")?;
        self.expect("\"")?;
        let end = self.rest.rfind("\"(").ok_or("expected a name in quotes")?;
        p.func.name = self.rest[..end].to_string();
        self.rest = &self.rest[end + 1..];
        self.expect("(")?;
        let params = self.list(")", Self::fixed)?;
        self.expect("{")?;
        let mut header = Some(params);
        loop {
            if !self.next_line()? {
                return Err("the text ends inside a function".into());
            }
            if self.eat("}") {
                break;
            }
            self.line_of(&mut p, &mut header)?;
        }
        let values = std::mem::take(&mut p.values);
        for (n, v) in values.into_iter().enumerate() {
            p.func
                .values
                .push(v.ok_or_else(|| format!("v{n} is not defined"))?);
        }
        if p.func.blocks.is_empty() {
            return Err("a function has at least one block".into());
        }
        Ok(p.func)
    }

    fn line_of(&mut self, p: &mut Partial, header: &mut Option<Vec<(Value, PReg)>>) -> Res<()> {
        let first = self.rest.as_bytes()[0];
        let digit = self.rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if first == b'!' {
            p.loc = SrcLoc(self.indexed("!")?);
            return Ok(());
        }
        if self.rest.starts_with("ss") {
            let n = self.indexed("ss")? as usize;
            self.expect("=")?;
            self.expect("stack")?;
            if n != p.func.stack_slots.len() {
                return Err("stack slots must come in order".into());
            }
            p.func.stack_slots.push(self.number()?);
            return Ok(());
        }
        if first == b'b' && digit {
            return self.block(p, header);
        }
        let mut results = Vec::new();
        if first == b'v' && digit {
            results = self.list("=", Self::value)?;
        }
        let Some(block) = p.func.blocks.len().checked_sub(1) else {
            return Err("instruction before the first block".into());
        };
        let op = self.word();
        if results.is_empty()
            && let Some(term) = self.term(op)?
        {
            p.func.blocks[block].term = Some(term);
            p.func.blocks[block].term_loc = p.loc;
            return Ok(());
        }
        let inst = self.inst(op)?;
        let id = InstId(p.func.insts.len() as u32);
        let tys = result_types(&inst);
        if tys.len() != results.len() {
            return Err(format!("{} results, expected {}", results.len(), tys.len()));
        }
        for (n, (&v, &ty)) in results.iter().zip(&tys).enumerate() {
            if v.0 != results[0].0 + n as u32 {
                return Err("results must be numbered consecutively".into());
            }
            p.define(
                v,
                ValueData {
                    ty,
                    def: ValueDef::Inst(id, n as u16),
                },
            )?;
        }
        let first_result = results.first().copied().unwrap_or_default();
        let num_results = results.len() as u16;
        p.func.insts.push(InstNode {
            inst,
            first_result,
            num_results,
            loc: p.loc,
        });
        p.func.blocks[block].insts.push(id);
        Ok(())
    }

    fn block(&mut self, p: &mut Partial, header: &mut Option<Vec<(Value, PReg)>>) -> Res<()> {
        let n = self.indexed("b")?;
        if n as usize != p.func.blocks.len() {
            return Err("blocks must come in order".into());
        }
        let block = p.func.add_block();
        let mut params: Vec<(Value, Type)> = Vec::new();
        if let Some(list) = header.take() {
            params.extend(list.iter().map(|&(v, r)| (v, r.ty())));
            p.func.param_regs = list.iter().map(|&(_, r)| r).collect();
        } else if self.eat("(") {
            params = self.list(")", |p| {
                let v = p.value()?;
                p.expect(":")?;
                Ok((v, p.name(Type::from_name, "type")?))
            })?;
        }
        for (n, (v, ty)) in params.into_iter().enumerate() {
            p.define(
                v,
                ValueData {
                    ty,
                    def: ValueDef::Param(block, n as u16),
                },
            )?;
            p.func.blocks[block.index()].params.push(v);
        }
        p.func.blocks[block.index()].cold = self.eat("cold");
        self.expect(":")
    }
}

/// The types of an instruction's results.
fn result_types(inst: &Inst) -> Vec<Type> {
    match inst {
        Inst::Iconst(_) | Inst::Overflow { .. } | Inst::BoolOf(_) => vec![Type::I64],
        Inst::AddrOf(_) | Inst::GetPinned(_) => vec![Type::I64],
        Inst::Fconst(_) => vec![Type::F64],
        Inst::Unary { op, .. } => vec![op.types().1],
        Inst::Binary { op, .. } => vec![op.ty()],
        Inst::Load { kind, .. } => vec![kind.ty()],
        Inst::Select { ty, .. } => vec![*ty],
        Inst::Call(c) => c.rets.iter().map(|r| r.0).collect(),
        Inst::Store { .. }
        | Inst::StoreImm { .. }
        | Inst::MemOp { .. }
        | Inst::SetPinned(..)
        | Inst::AddPinned(..) => Vec::new(),
    }
}
