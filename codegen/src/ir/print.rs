//! The text form of functions. [`parse`](super::parse) reads it back.
//!
//! ```text
//! function "name"(v0: rdi, v1: xmm0) {
//!   ss0 = stack 16
//! b0:
//!   !7
//!   v2 = load.u8 [v0 + 8]
//!   brif icmp.8 eq [thread + 16], 3, b1(v2), b2
//! b1(v3: i64) cold:
//!   ret v3: rax
//! }
//! ```
//! A line `!7` sets the source location of what follows; `;` starts a comment.

use super::function::{Function, InstNode};
use super::inst::{Addr, Base, BlockCall, CallTarget, Cond, Inst, Opnd, Term};
use super::types::{PReg, Region, Scale, SrcLoc, Value};
use std::fmt::{self, Display, Formatter};

impl Display for Opnd {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Opnd::Value(v) => v.fmt(f),
            Opnd::Imm(n) => n.fmt(f),
        }
    }
}

impl Display for Addr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.base {
            Base::Value(v) => write!(f, "[{v}")?,
            Base::Pinned(p) => write!(f, "[{p}")?,
            Base::Symbol(s) => write!(f, "[{s}")?,
            Base::Stack(s) => write!(f, "[{s}")?,
        }
        match self.index {
            Some((v, Scale::S1)) => write!(f, " + {v}")?,
            Some((v, s)) => write!(f, " + {v}*{s}")?,
            None => {}
        }
        match self.disp {
            0 => f.write_str("]"),
            n if n > 0 => write!(f, " + {n}]"),
            n => write!(f, " - {}]", n.unsigned_abs()),
        }?;
        match self.region {
            Region::Any => Ok(()),
            r => write!(f, ".{r}"),
        }
    }
}

impl Display for Cond {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Cond::Icmp { cc, w, a, b } => write!(f, "icmp.{w} {cc} {a}, {b}"),
            Cond::IcmpMem { cc, w, addr, b } => write!(f, "icmp.{w} {cc} {addr}, {b}"),
            Cond::Test { cc, w, a, b } => write!(f, "test.{w} {cc} {a}, {b}"),
            Cond::TestMem { cc, w, addr, b } => write!(f, "test.{w} {cc} {addr}, {b}"),
            Cond::Fcmp { cc, a, b } => write!(f, "fcmp {cc} {a}, {b}"),
            Cond::RspMem { cc, addr } => write!(f, "rsp {cc} {addr}"),
            Cond::Overflow(v) => write!(f, "overflow {v}"),
        }
    }
}

impl Display for CallTarget {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            CallTarget::Symbol(s) => s.fmt(f),
            CallTarget::Value(v) => v.fmt(f),
            CallTarget::Mem(addr) => addr.fmt(f),
        }
    }
}

/// Items separated by commas.
struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if n > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// `v1: rax, v2: rdx`
struct Fixed<'a>(&'a [(Value, PReg)]);

impl Display for Fixed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, (v, r)) in self.0.iter().enumerate() {
            write!(f, "{}{v}: {r}", if n > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl Display for BlockCall {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.args.is_empty() {
            true => write!(f, "{}", self.block),
            false => write!(f, "{}({})", self.block, List(&self.args)),
        }
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Term::Jump(t) => write!(f, "jump {t}"),
            Term::BrIf { cond, then, els } => write!(f, "brif {cond}, {then}, {els}"),
            Term::Switch {
                index,
                targets,
                default,
            } => {
                write!(f, "switch {index}, [{}], {default}", List(targets))
            }
            Term::Ret(list) if list.is_empty() => f.write_str("ret"),
            Term::Ret(list) => write!(f, "ret {}", Fixed(list)),
            Term::TailCall { target, args } => write!(f, "tailcall {target}({})", Fixed(args)),
            Term::Trap => f.write_str("trap"),
        }
    }
}

impl Display for Inst {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Inst::Iconst(n) => write!(f, "iconst {n}"),
            Inst::Fconst(bits) => write!(f, "fconst {bits:#x} ; {:?}", f64::from_bits(*bits)),
            Inst::Unary { op, a } => write!(f, "{op} {a}"),
            Inst::Binary { op, a, b } => write!(f, "{op} {a}, {b}"),
            Inst::Overflow { op, a, b } => write!(f, "overflow.{op} {a}, {b}"),
            Inst::BoolOf(cond) => write!(f, "bool {cond}"),
            Inst::Assume(cond) => write!(f, "assume {cond}"),
            Inst::Select { ty, cond, a, b } => write!(f, "select.{ty} {cond}, {a}, {b}"),
            Inst::Load { kind, addr } => write!(f, "load.{kind} {addr}"),
            Inst::Store { w, addr, val } => write!(f, "store.{w} {addr}, {val}"),
            Inst::StoreImm { w, addr, imm } => write!(f, "store.{w} {addr}, {imm}"),
            Inst::MemOp { op, w, addr, x } => write!(f, "mem.{op}.{w} {addr}, {x}"),
            Inst::Vector { op, ty, a, b } => {
                write!(f, "vector.{ty} {op} {a}")?;
                match b {
                    Opnd::Imm(0) => Ok(()),
                    b => write!(f, ", {b}"),
                }
            }
            Inst::VectorLoad { ty, addr } => write!(f, "vload.{ty} {addr}"),
            Inst::VectorStore { addr, val } => write!(f, "vstore {addr}, {val}"),
            Inst::VectorsDone => f.write_str("vdone"),
            Inst::AddrOf(addr) => write!(f, "addr {addr}"),
            Inst::GetPinned(p) => write!(f, "get {p}"),
            Inst::SetPinned(p, v) => write!(f, "set {p}, {v}"),
            Inst::AddPinned(p, n) => write!(f, "bump {p}, {n}"),
            Inst::Call(c) => {
                write!(f, "call {}({})", c.target, Fixed(&c.args))?;
                let regs: Vec<PReg> = c.rets.iter().map(|r| r.1).collect();
                if !regs.is_empty() {
                    write!(f, " -> {}", List(&regs))?;
                }
                write!(f, " clobbers {}", c.clobbers)?;
                if let Some(id) = c.safepoint {
                    write!(f, " safepoint {id}")?;
                }
                match &c.live[..] {
                    [] => Ok(()),
                    live => write!(f, " live [{}]", List(live)),
                }
            }
        }
    }
}

impl Display for InstNode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let results: Vec<Value> = self.results().collect();
        if !results.is_empty() {
            write!(f, "{} = ", List(&results))?;
        }
        self.inst.fmt(f)
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "function {:?}(", self.name)?;
        for (n, (v, r)) in self.blocks[0]
            .params
            .iter()
            .zip(&self.param_regs)
            .enumerate()
        {
            write!(f, "{}{v}: {r}", if n > 0 { ", " } else { "" })?;
        }
        writeln!(f, ") {{")?;
        for (n, bytes) in self.stack_slots.iter().enumerate() {
            writeln!(f, "  ss{n} = stack {bytes}")?;
        }
        let mut loc = SrcLoc(0);
        let mut set_loc = |f: &mut Formatter<'_>, l: SrcLoc| {
            if l == loc {
                return Ok(());
            }
            loc = l;
            writeln!(f, "  {l}")
        };
        for (n, b) in self.blocks.iter().enumerate() {
            write!(f, "b{n}")?;
            if n > 0 && !b.params.is_empty() {
                f.write_str("(")?;
                for (n, &v) in b.params.iter().enumerate() {
                    write!(f, "{}{v}: {}", if n > 0 { ", " } else { "" }, self.ty(v))?;
                }
                f.write_str(")")?;
            }
            let cold = if b.cold { " cold" } else { "" };
            writeln!(f, "{cold}{}:", if b.often { " often" } else { "" })?;
            for id in &b.insts {
                let node = &self.insts[id.index()];
                set_loc(f, node.loc)?;
                writeln!(f, "  {node}")?;
            }
            if let Some(t) = &b.term {
                set_loc(f, b.term_loc)?;
                writeln!(f, "  {t}")?;
            }
        }
        writeln!(f, "}}")
    }
}
