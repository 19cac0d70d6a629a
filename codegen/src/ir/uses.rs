//! Which values instructions, conditions and terminators read: one walk for every pass that asks or rewrites.

use super::function::Function;
use super::inst::{Addr, Base, BlockCall, CallTarget, Cond, Inst, Opnd, Term};
use super::types::{Block, Value};

/// Both forms of each walk, by shared and by exclusive reference, from one text.
macro_rules! walks {
    ($name:ident $($mut:tt)?) => {
        impl Opnd {
            #[inline]
            fn $name(&$($mut)? self, f: &mut impl FnMut(&$($mut)? Value)) {
                if let Opnd::Value(v) = self {
                    f(v);
                }
            }
        }

        impl Addr {
            fn $name(&$($mut)? self, f: &mut impl FnMut(&$($mut)? Value)) {
                if let Base::Value(v) = &$($mut)? self.base {
                    f(v);
                }
                if let Some((v, _)) = &$($mut)? self.index {
                    f(v);
                }
            }
        }

        impl Cond {
            fn $name(&$($mut)? self, f: &mut impl FnMut(&$($mut)? Value)) {
                match self {
                    Cond::Icmp { a, b, .. } | Cond::Test { a, b, .. } => {
                        f(a);
                        b.$name(f);
                    }
                    Cond::IcmpMem { addr, b, .. } | Cond::TestMem { addr, b, .. } => {
                        addr.$name(f);
                        b.$name(f);
                    }
                    Cond::Fcmp { a, b, .. } => {
                        f(a);
                        f(b);
                    }
                    Cond::RspMem { addr, .. } => addr.$name(f),
                    Cond::Overflow(v) => f(v),
                }
            }
        }

        impl CallTarget {
            fn $name(&$($mut)? self, f: &mut impl FnMut(&$($mut)? Value)) {
                match self {
                    CallTarget::Symbol(_) => {}
                    CallTarget::Value(v) => f(v),
                    CallTarget::Mem(addr) => addr.$name(f),
                }
            }
        }

        impl Inst {
            fn $name(&$($mut)? self, f: &mut impl FnMut(&$($mut)? Value)) {
                match self {
                    Inst::Iconst(_)
                    | Inst::Fconst(_)
                    | Inst::GetPinned(_)
                    | Inst::AddPinned(..)
                    | Inst::VectorsDone => {}
                    Inst::Unary { a, .. } => f(a),
                    Inst::Binary { a, b, .. }
                    | Inst::Overflow { a, b, .. }
                    | Inst::Vector { a, b, .. } => {
                        f(a);
                        b.$name(f);
                    }
                    Inst::BoolOf(cond) | Inst::Assume(cond) => cond.$name(f),
                    Inst::Select { cond, a, b, .. } => {
                        cond.$name(f);
                        f(a);
                        f(b);
                    }
                    Inst::Load { addr, .. }
                    | Inst::VectorLoad { addr, .. }
                    | Inst::StoreImm { addr, .. }
                    | Inst::AddrOf(addr) => addr.$name(f),
                    Inst::Store { addr, val, .. } | Inst::VectorStore { addr, val } => {
                        addr.$name(f);
                        f(val);
                    }
                    Inst::MemOp { addr, x, .. } => {
                        addr.$name(f);
                        x.$name(f);
                    }
                    Inst::SetPinned(_, v) => f(v),
                    Inst::Call(data) => {
                        let data = &$($mut)? **data;
                        (&$($mut)? data.target).$name(f);
                        for (v, _) in &$($mut)? data.args {
                            f(v);
                        }
                        for v in &$($mut)? data.live {
                            f(v);
                        }
                    }
                }
            }
        }

        impl Term {
            /// Everything but the arguments of targets.
            fn $name(&$($mut)? self, f: &mut impl FnMut(&$($mut)? Value)) {
                match self {
                    Term::BrIf { cond, .. } => cond.$name(f),
                    Term::Switch { index, .. } => f(index),
                    Term::Ret(list) => {
                        for (v, _) in list {
                            f(v);
                        }
                    }
                    Term::TailCall { target, args } => {
                        target.$name(f);
                        for (v, _) in args {
                            f(v);
                        }
                    }
                    Term::Jump(_) | Term::Trap => {}
                }
            }
        }
    };
}

walks!(walk);
walks!(walk_mut mut);

impl Cond {
    /// Calls `f` with each value the condition reads, in order.
    pub fn for_each_use(&self, f: &mut impl FnMut(Value)) {
        self.walk(&mut |v| f(*v));
    }

    /// Lets `f` replace each value the condition reads, in order.
    pub fn for_each_use_mut(&mut self, f: &mut impl FnMut(&mut Value)) {
        self.walk_mut(f);
    }
}

impl Inst {
    /// Calls `f` with each value the instruction reads, in order.
    pub fn for_each_use(&self, mut f: impl FnMut(Value)) {
        self.walk(&mut |v| f(*v));
    }

    /// Lets `f` replace each value the instruction reads, in order.
    pub fn for_each_use_mut(&mut self, mut f: impl FnMut(&mut Value)) {
        self.walk_mut(&mut f);
    }
}

impl Term {
    /// Calls `f` with each value the terminator reads, arguments of its targets included.
    pub fn for_each_use(&self, mut f: impl FnMut(Value)) {
        self.walk(&mut |v| f(*v));
        self.targets().flat_map(|t| &t.args).for_each(|&v| f(v));
    }

    /// Lets `f` replace each value the terminator reads, arguments of its targets included.
    pub fn for_each_use_mut(&mut self, mut f: impl FnMut(&mut Value)) {
        self.walk_mut(&mut f);
        self.targets_mut().flat_map(|t| &mut t.args).for_each(f);
    }

    /// The branch targets, in the order of [`Term::targets`].
    pub fn targets_mut(&mut self) -> impl Iterator<Item = &mut BlockCall> {
        let (table, pair): (&mut [BlockCall], [Option<&mut BlockCall>; 2]) = match self {
            Term::Jump(t) => (&mut [], [Some(t), None]),
            Term::BrIf { then, els, .. } => (&mut [], [Some(then), Some(els)]),
            Term::Switch {
                targets, default, ..
            } => (targets, [Some(default), None]),
            Term::Ret(_) | Term::TailCall { .. } | Term::Trap => (&mut [], [None, None]),
        };
        table.iter_mut().chain(pair.into_iter().flatten())
    }
}

impl Function {
    /// The branch targets of a block, with their arguments.
    pub fn targets(&self, b: Block) -> impl Iterator<Item = &BlockCall> {
        self.blocks[b.index()].term.iter().flat_map(|t| t.targets())
    }
}
