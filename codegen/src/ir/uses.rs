//! Which values instructions, conditions and terminators read: one walk for every pass that asks.

use super::inst::{Addr, Base, CallTarget, Cond, Inst, Opnd, Term};
use super::types::Value;

impl Opnd {
    fn for_each_use(&self, f: &mut impl FnMut(Value)) {
        if let Opnd::Value(v) = *self {
            f(v);
        }
    }
}

impl Addr {
    /// Calls `f` with each value the address reads.
    pub fn for_each_use(&self, f: &mut impl FnMut(Value)) {
        if let Base::Value(v) = self.base {
            f(v);
        }
        if let Some((v, _)) = self.index {
            f(v);
        }
    }
}

impl Cond {
    /// Calls `f` with each value the condition reads, in order.
    pub fn for_each_use(&self, f: &mut impl FnMut(Value)) {
        match self {
            Cond::Icmp { a, b, .. } | Cond::Test { a, b, .. } => {
                f(*a);
                b.for_each_use(f);
            }
            Cond::IcmpMem { addr, b, .. } | Cond::TestMem { addr, b, .. } => {
                addr.for_each_use(f);
                b.for_each_use(f);
            }
            Cond::Fcmp { a, b, .. } => {
                f(*a);
                f(*b);
            }
            Cond::RspMem { addr, .. } => addr.for_each_use(f),
            Cond::Overflow(v) => f(*v),
        }
    }
}

impl CallTarget {
    fn for_each_use(&self, f: &mut impl FnMut(Value)) {
        match self {
            CallTarget::Symbol(_) => {}
            CallTarget::Value(v) => f(*v),
            CallTarget::Mem(addr) => addr.for_each_use(f),
        }
    }
}

impl Inst {
    /// Calls `f` with each value the instruction reads, in order.
    pub fn for_each_use(&self, mut f: impl FnMut(Value)) {
        let f = &mut f;
        match self {
            Inst::Iconst(_) | Inst::Fconst(_) | Inst::GetPinned(_) | Inst::AddPinned(..) => {}
            Inst::Unary { a, .. } => f(*a),
            Inst::Binary { a, b, .. } | Inst::Overflow { a, b, .. } => {
                f(*a);
                b.for_each_use(f);
            }
            Inst::BoolOf(cond) => cond.for_each_use(f),
            Inst::Select { cond, a, b, .. } => {
                cond.for_each_use(f);
                f(*a);
                f(*b);
            }
            Inst::Load { addr, .. } | Inst::StoreImm { addr, .. } | Inst::AddrOf(addr) => {
                addr.for_each_use(f)
            }
            Inst::Store { addr, val, .. } => {
                addr.for_each_use(f);
                f(*val);
            }
            Inst::MemOp { addr, x, .. } => {
                addr.for_each_use(f);
                x.for_each_use(f);
            }
            Inst::SetPinned(_, v) => f(*v),
            Inst::Call(data) => {
                data.target.for_each_use(f);
                data.args.iter().for_each(|a| f(a.0));
            }
        }
    }
}

impl Term {
    /// Calls `f` with each value the terminator reads, arguments of its targets included.
    pub fn for_each_use(&self, mut f: impl FnMut(Value)) {
        let f = &mut f;
        match self {
            Term::BrIf { cond, .. } => cond.for_each_use(f),
            Term::Switch { index, .. } => f(*index),
            Term::Ret(list) => list.iter().for_each(|a| f(a.0)),
            Term::TailCall { target, args } => {
                target.for_each_use(f);
                args.iter().for_each(|a| f(a.0));
            }
            Term::Jump(_) | Term::Trap => {}
        }
        self.targets().flat_map(|t| &t.args).for_each(|&v| f(v));
    }
}
