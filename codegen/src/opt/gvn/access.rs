//! Loads and stores in value numbering: addresses by number, the version of memory an access sees, what a store leaves for
//! later loads.

use super::Gvn;
use super::conds::Form;
use super::memory::{AddrKey, BaseKey, Pins, is_volatile};
use super::numbers::{Key, Num};
use super::range::Range;
use crate::ir::{
    Addr, Base, BinOp, Cond, Inst, LoadKind, Opnd, Pinned, Region, Scale, Type, ValueDef, Width,
};

impl Gvn<'_> {
    /// An address by numbers, sums with constants taken apart.
    pub(super) fn addr_key(&mut self, addr: &Addr) -> AddrKey {
        let mut disp = addr.disp as i64;
        let base = match addr.base {
            Base::Value(v) => {
                let n = self.num_of(v);
                let (n, c) = self.plus_const(n);
                disp = disp.wrapping_add(c);
                BaseKey::Num(n)
            }
            Base::Symbol(s) => BaseKey::Symbol(s),
            Base::Stack(s) => BaseKey::Stack(s),
            Base::Pinned(Pinned::Thread) => BaseKey::Pinned(Pinned::Thread, self.state.pins.thread),
            Base::Pinned(Pinned::Base) => match self.state.pins.offset {
                Some(o) => {
                    disp = disp.wrapping_add(o as i64);
                    match addr.region {
                        Region::Const => BaseKey::OwnBase,
                        _ => BaseKey::Pinned(Pinned::Base, self.state.pins.root),
                    }
                }
                None => BaseKey::Pinned(Pinned::Base, self.mem.new_root()),
            },
        };
        let index = addr.index.map(|(v, scale)| {
            let n = self.num_of(v);
            let (n, c) = self.plus_const(n);
            disp = disp.wrapping_add(c << scale.log2());
            (n, scale)
        });
        // A constant index leaves nothing but the displacement; a shift becomes the factor.
        let index = index.and_then(|(n, scale): (Num, Scale)| {
            if let Some(c) = self.num.info[n as usize].bits {
                disp = disp.wrapping_add((c as i64) << scale.log2());
                return None;
            }
            if let Some(&Inst::Binary {
                op: BinOp::Shl,
                a,
                b: Opnd::Imm(k @ 1..=3),
            }) = self.definition(n)
                && let Some(a) = self.known_num(a)
                && let Some(scale) = Scale::from_log2(k as u32 + scale.log2() as u32)
            {
                return Some((a, scale));
            }
            Some((n, scale))
        });
        AddrKey { base, index, disp }
    }

    /// `n` as `x + c`, wrapping.
    pub(super) fn plus_const(&self, n: Num) -> (Num, i64) {
        if let Some(&Inst::Binary {
            op: BinOp::Iadd,
            a,
            b: Opnd::Imm(c),
        }) = self.definition(n)
            && let Some(a) = self.known_num(a)
        {
            return (a, c as i64);
        }
        (n, 0)
    }

    pub(super) fn load_key(&mut self, kind: LoadKind, addr: &Addr) -> Option<Key> {
        if is_volatile(addr) || !self.options.memory {
            return None;
        }
        let key = self.addr_key(addr);
        let version = self.version(addr.region, &key, load_bytes(kind));
        Some(Key::Load(kind, key, version))
    }

    /// The version of memory that an access of an address sees.
    fn version(&self, region: Region, key: &AddrKey, bytes: u32) -> u32 {
        let beside = |l: u32, r: Region, pins: Pins| {
            let in_loop = |a: &Addr| self.fixed_key(a, l, pins);
            self.is_fixed(key, l) && self.mem.is_beside(l, r, key, bytes, in_loop)
        };
        self.mem.deciding(&self.state, region, key, bytes, beside)
    }

    /// Whether a number means one value during all of a loop: it was defined before.
    pub(super) fn is_before(&self, n: Num, l: u32) -> bool {
        let info = &self.num.info[n as usize];
        let Some(v) = info.def else {
            return false;
        };
        let b = match self.f.values[v.index()].def {
            ValueDef::Param(b, _) => b,
            ValueDef::Inst(id, _) => match self.block_of.get(id.index()) {
                Some(&b) => b,
                // A constant made by this pass.
                None => return true,
            },
        };
        !self.loops.contains(l, b)
    }

    fn is_fixed(&self, key: &AddrKey, l: u32) -> bool {
        let base = match key.base {
            BaseKey::Num(n) => self.is_before(n, l),
            _ => true,
        };
        base && key.index.is_none_or(|(n, _)| self.is_before(n, l))
    }

    /// The key of an address in a loop, if it is the same throughout.
    fn fixed_key(&self, addr: &Addr, l: u32, pins: Pins) -> Option<AddrKey> {
        let mut disp = addr.disp as i64;
        let base = match addr.base {
            Base::Value(v) => {
                let (n, c) = self.plus_const(self.known_num(v)?);
                disp = disp.wrapping_add(c);
                BaseKey::Num(n)
            }
            Base::Symbol(s) => BaseKey::Symbol(s),
            Base::Stack(s) => BaseKey::Stack(s),
            Base::Pinned(Pinned::Thread) => BaseKey::Pinned(Pinned::Thread, pins.thread),
            Base::Pinned(Pinned::Base) => {
                disp = disp.wrapping_add(pins.offset? as i64);
                BaseKey::Pinned(Pinned::Base, pins.root)
            }
        };
        let index = match addr.index {
            Some((v, scale)) => Some((self.known_num(v)?, scale)),
            None => None,
        };
        let key = AddrKey { base, index, disp };
        self.is_fixed(&key, l).then_some(key)
    }

    /// Visits a store. False if memory holds the value already.
    pub(super) fn store(&mut self, inst: &Inst, addr: &Addr, w: Width, bytes: u32) -> bool {
        if !self.options.memory {
            return true;
        }
        let key = self.addr_key(addr);
        let volatile = is_volatile(addr);
        let stored = match *inst {
            Inst::Store { val, .. } => {
                let n = self.num_of(val);
                match self.f.ty(val) {
                    Type::I64 => self.as_loaded(w, n),
                    _ => Some((LoadKind::F64, n)),
                }
            }
            Inst::StoreImm { imm, .. } => {
                let n = self.int(imm as i64);
                self.as_loaded(w, n)
            }
            _ => None,
        };
        if let Some((kind, n)) = stored
            && !volatile
        {
            let version = self.version(addr.region, &key, bytes);
            let there = self.num.get(&Key::Load(kind, key, version));
            if there.is_some_and(|there| self.are_equal(there, n)) {
                self.stats.stores += 1;
                return false;
            }
        }
        let version = self.mem.store(&mut self.state, addr.region, key, bytes);
        if let Some((kind, n)) = stored
            && !volatile
        {
            self.num.insert(Key::Load(kind, key, version), n);
        }
        true
    }

    /// Whether two numbers are one, or are known to be the same constant here.
    fn are_equal(&self, a: Num, b: Num) -> bool {
        let point = |n| self.range(n).as_point();
        a == b || point(a).is_some_and(|p| point(b) == Some(p))
    }

    /// What a load of the same width will give after an integer was stored.
    fn as_loaded(&mut self, w: Width, n: Num) -> Option<(LoadKind, Num)> {
        let kind = Self::load_kind(w);
        if w == Width::W64 {
            return Some((kind, n));
        }
        if let Some(bits) = self.num.info[n as usize].bits {
            let (low, _) = super::super::eval::low(bits, w);
            return Some((kind, self.int(low as i64)));
        }
        let r = Range::of_load(kind);
        self.range(n).within(r.lo, r.hi).then_some((kind, n))
    }

    /// What a condition asks, its operands being final. A comparison with memory whose content is in a register, or known,
    /// becomes one with that.
    pub(super) fn cond(&mut self, cond: &mut Cond) -> Form {
        match *cond {
            Cond::Icmp { cc, w, a, b } => {
                let (a, b) = (self.num_of(a), self.opnd(b));
                self.compare(cc, w, a, b)
            }
            Cond::Test { cc, w, a, b } => {
                let (a, b) = (self.num_of(a), self.opnd(b));
                self.test(cc, w, a, b)
            }
            Cond::IcmpMem { cc, addr, b, .. } if addr.region == Region::Memo => {
                let (cell, b) = (self.address_number(&addr), self.opnd(b));
                self.memo(cc, cell, b)
            }
            Cond::IcmpMem { cc, w, addr, b } => match self.look(w, &addr) {
                Some(n) => {
                    if let Some(a) = self.num.leader(n) {
                        *cond = Cond::Icmp { cc, w, a, b };
                        self.stats.loads += 1;
                    }
                    let b = self.opnd(b);
                    self.compare(cc, w, n, b)
                }
                None => Form::Opaque,
            },
            Cond::TestMem { cc, w, addr, b } => match self.look(w, &addr) {
                Some(n) => {
                    if let Some(a) = self.num.leader(n) {
                        *cond = Cond::Test { cc, w, a, b };
                        self.stats.loads += 1;
                    }
                    let b = self.opnd(b);
                    self.test(cc, w, n, b)
                }
                None => Form::Opaque,
            },
            Cond::Fcmp { cc, a, b } => {
                let (a, b) = (self.num_of(a), self.num_of(b));
                self.compare_floats(cc, a, b)
            }
            Cond::RspMem { .. } => Form::Opaque,
            Cond::Overflow(v) => match self.f.def_inst(v) {
                Some(&Inst::Overflow { op, a, b }) => {
                    let (a, b) = (self.num_of(a), self.opnd(b));
                    self.overflow(op, a, b)
                }
                _ => Form::Opaque,
            },
        }
    }

    fn address_number(&mut self, addr: &Addr) -> Num {
        let key = Key::Address(self.addr_key(addr));
        if let Some(n) = self.num.get(&key) {
            return n;
        }
        let n = self.num.fresh(None, Range::FULL);
        self.num.insert(key, n);
        n
    }

    /// The number of memory that a condition looks at.
    fn look(&mut self, w: Width, addr: &Addr) -> Option<Num> {
        let kind = Self::load_kind(w);
        let key = self.load_key(kind, addr)?;
        if let Some(n) = self.num.get(&key) {
            return Some(n);
        }
        let n = self.num.fresh(None, Range::of_load(kind));
        self.num.insert(key, n);
        Some(n)
    }
}

fn load_bytes(kind: LoadKind) -> u32 {
    match kind {
        LoadKind::U8 | LoadKind::S8 => 1,
        LoadKind::U16 | LoadKind::S16 => 2,
        LoadKind::U32 | LoadKind::S32 => 4,
        LoadKind::I64 | LoadKind::F64 => 8,
    }
}
