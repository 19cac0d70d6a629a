//! Fields through inline caches.
//!
//! A site's cache may say that the table has the field itself (own) or that some table's constant is meant (methods, the library, functions of
//! modules). In loops, where a profile says that code is hot, and for calls, both are in line. Elsewhere the likelier one is, and a leaf function knows the other: it takes numbers, not
//! addresses, so that a site's cold code is small.

use super::func::Lowering;
use super::mem;
use super::state::Reg;
use crate::Symbol;
use trinity_abi::helpers::leaf;
use trinity_abi::{VALUE_TAG, cache, header, lookup, table, thread};
use trinity_codegen::ir::{
    Addr, Block, Clobbers, Cond, IntCc, LoadKind, PReg, Region, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::{Const, Instr, Op};

/// What the caches of a site will say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Likely {
    /// The table's own field first, or the constant.
    own: bool,
    /// The other one is in line, too.
    both: bool,
    /// The site sees tables of many shapes: the table of lookups is asked in line.
    many: bool,
}

impl Lowering<'_> {
    // ---- what to expect

    /// What the profile says of the present instruction; without it, what `own` says.
    pub(super) fn likely(&self, own: bool) -> Likely {
        Likely {
            own: self.spec().is_own(self.pc).unwrap_or(own),
            both: self.is_looped_here(),
            many: self.spec().has_many_shapes(self.pc) && self.is_looped_here(),
        }
    }

    /// GETTABUP: a global that nobody but the main chunk's definition assigns is a constant; other tables in captured variables are objects.
    pub(super) fn likely_in_upvalue(&self, i: Instr) -> Likely {
        let p = self.frame().p;
        let globals = p.upvals[i.b()].name.as_deref() == Some(b"_ENV");
        let assigned = match &p.consts[i.c()] {
            Const::Str(name) => self.module.assigned_globals.contains(&name[..]),
            _ => false,
        };
        self.likely(!globals || assigned)
    }

    /// GETFIELD: the fields of global tables are those of libraries.
    pub(super) fn likely_in_register(&self, i: Instr) -> Likely {
        let f = self.frame();
        let start = f.graph.nodes[self.node.index()].start;
        let made = (start..self.pc)
            .rev()
            .map(|pc| f.p.code[pc as usize])
            .find(|before| before.a() == i.b());
        let library = made.is_some_and(|m| {
            m.op() == Op::GetTabUp && f.p.upvals[m.b()].name.as_deref() == Some(b"_ENV")
        });
        let mut likely = self.likely(!library);
        // A function: of a class, then it is a constant, or of a module, then it is not.
        let called = |i: &Instr| matches!(i.op(), Op::Call | Op::TailCall);
        let next = f.p.code[self.pc as usize + 1..].iter().find(|n| called(n));
        likely.both |= !library && next.is_some_and(|call| call.a() == i.a());
        likely
    }

    /// SELF: methods are constants, but sites with many shapes are the usual case, and functions may be fields of their object.
    pub(super) fn likely_method(&self) -> Likely {
        Likely {
            both: true,
            ..self.likely(false)
        }
    }

    // ---- loads

    /// The value a cache answers for table `t`: an own slot, or a constant of the epoch (found in a private table, or through metatables).
    /// Continues in a new block with payload and tag; nil in a slot is the helper's (`__index`).
    pub(super) fn cached_value(
        &mut self,
        t: Value,
        i: Instr,
        likely: Likely,
        slow: Block,
    ) -> (Value, Value) {
        let (caches, offset) = self.cache(i.d());
        let miss = self.b.create_cold_block();
        let found = self.b.create_block();
        let payload = self.b.block_param(found, IrType::I64);
        let value_tag = self.b.block_param(found, IrType::I64);
        let elsewhere = match likely.many {
            true => self.b.create_block(),
            false => miss,
        };
        self.check_shape_id(t, caches, offset, elsewhere);
        let kind = mem::cache(caches, offset + cache::KIND);
        let is_not = |k: u8| Cond::icmp_mem(IntCc::Ne, Width::W8, kind, i32::from(k));
        let (first, second) = match likely.own {
            true => (cache::KIND_OWN, cache::KIND_CONST),
            false => (cache::KIND_CONST, cache::KIND_OWN),
        };
        // The likely way has one way in and one out, so that what it finds out is known afterwards.
        let other = match (likely.both, likely.own) {
            (false, _) => miss,
            (true, true) => self.b.create_block(),
            (true, false) => self.b.create_cold_block(),
        };
        self.b.exit_if(is_not(first), other, &[]);
        self.cached_kind(t, first, (caches, offset), miss, found);
        if likely.both {
            self.b.switch_to(other);
            self.b.exit_if(is_not(second), miss, &[]);
            self.cached_kind(t, second, (caches, offset), miss, found);
        }
        if likely.many {
            self.b.switch_to(elsewhere);
            self.looked_up(t, i, first, miss, found);
        }
        // Another shape, a nil slot, what is not in line.
        self.b.switch_to(miss);
        let place = match self.site(i.c(), i.d()).filter(|_| !likely.both) {
            Some(site) => self.leaf_by_number(leaf::GET_AT, t, site, Clobbers::Keeps),
            None => self.leaf_by_address(leaf::GET, t, i.c(), i.d(), Clobbers::Keeps),
        };
        self.b.exit_if(Cond::icmp(IntCc::Eq, place, 0), slow, &[]);
        let p = self.b.load64(Addr::value(place, 0));
        let place_tag = self.b.load(LoadKind::U8, Addr::value(place, VALUE_TAG));
        self.b.jump(found, &[p, place_tag]);
        self.b.switch_to(found);
        (payload, value_tag)
    }

    /// Goes to `found` with what the table of lookups has for the table's shape and the field, if that is a cache of this kind.
    fn looked_up(&mut self, t: Value, i: Instr, kind: u8, miss: Block, found: Block) {
        let key = self.const_pointer(i.c());
        let factor = self.b.imul(key, lookup::FACTOR);
        let of_key = self.b.shr(factor, i32::from(lookup::SHIFT));
        let id = self.b.load(LoadKind::U32, mem::shape(t, table::SHAPE_ID));
        let sum = self.b.iadd(of_key, id);
        let number = self.b.and(sum, lookup::ENTRIES as i32 - 1);
        let offset = self.b.imul(number, lookup::SIZE);
        let epoch_at = self.b.load64(mem::thread(thread::EPOCH_PTR));
        let entries = self.b.load64(mem::constant(epoch_at, lookup::AT));
        let entry = self.b.iadd(entries, offset);
        let at = |disp| mem::cache(entry, lookup::CACHE + disp);
        let key_at = mem::cache(entry, lookup::KEY);
        let other = Cond::icmp_mem(IntCc::Ne, Width::W64, key_at, key);
        self.b.exit_if(other, miss, &[]);
        let other = Cond::icmp_mem(IntCc::Ne, Width::W32, at(cache::SHAPE_ID), id);
        self.b.exit_if(other, miss, &[]);
        let other = Cond::icmp_mem(IntCc::Ne, Width::W8, at(cache::KIND), i32::from(kind));
        self.b.exit_if(other, miss, &[]);
        self.cached_kind(t, kind, (entry, lookup::CACHE), miss, found);
    }

    /// Goes to `found` with the value of a cache of this kind, whose shape is the table's.
    fn cached_kind(
        &mut self,
        t: Value,
        kind: u8,
        (caches, offset): (Value, i32),
        miss: Block,
        found: Block,
    ) {
        if kind != cache::KIND_OWN {
            let (p, constant_tag) = self.cached_constant(caches, offset, miss);
            return self.b.jump(found, &[p, constant_tag]);
        }
        let slot_at = mem::cache(caches, offset + cache::SLOT);
        let slot = self.b.load(LoadKind::U32, slot_at);
        let slots = self.b.load64(mem::shape(t, table::SLOTS));
        let p = self.b.load64(mem::slot(slots, slot, 0));
        let own_tag = self.b.load(LoadKind::U8, mem::slot(slots, slot, VALUE_TAG));
        let absent = Cond::icmp(IntCc::Eq, own_tag, 0);
        self.b.brif(absent, (miss, &[]), (found, &[p, own_tag]));
    }

    /// Goes to `slow` unless the cache or cell, whose epoch is `at` bytes behind `caches`, was filled in this one.
    pub(super) fn check_epoch(&mut self, caches: Value, at: i32, slow: Block) {
        // Where it is stays the same: one state, one epoch.
        let pointer = Addr::thread(thread::EPOCH_PTR).in_region(Region::Const);
        let epoch_at = self.b.load64(pointer);
        // The epoch changes with shapes.
        let epoch = Addr::value(epoch_at, 0).in_region(Region::Shape);
        let epoch = self.b.load(LoadKind::U32, epoch);
        let seen = mem::cache(caches, at);
        let stale = Cond::icmp_mem(IntCc::Ne, Width::W32, seen, epoch);
        self.b.exit_if(stale, slow, &[]);
    }

    /// The value in a cache of the present epoch.
    pub(super) fn cached_constant(
        &mut self,
        caches: Value,
        offset: i32,
        slow: Block,
    ) -> (Value, Value) {
        self.check_epoch(caches, offset + cache::EPOCH, slow);
        let p = self.b.load64(mem::cache(caches, offset + cache::VALUE));
        let t = self.b.load(
            LoadKind::U8,
            mem::cache(caches, offset + cache::VALUE + VALUE_TAG),
        );
        (p, t)
    }

    // ---- stores

    /// Stores a field by the cache of the present instruction: an existing slot of the cached shape, or one more. Goes to `done`.
    pub(super) fn store_cached(
        &mut self,
        t: Value,
        i: Instr,
        value: Reg,
        slow: Block,
        done: Block,
    ) {
        let (caches, offset) = self.cache(i.d());
        let small = self.site(i.b(), i.d()).filter(|_| !self.is_looped_here());
        self.barrier(t, value);
        let miss = self.b.create_cold_block();
        self.check_shape_id(t, caches, offset, miss);
        let here = self.b.current();
        self.b.switch_to(miss);
        let place = match small {
            Some(site) => self.leaf_by_number(leaf::PUT_AT, t, site, Clobbers::Saves),
            None => self.leaf_by_address(leaf::PUT, t, i.b(), i.d(), Clobbers::Keeps),
        };
        self.b.exit_if(Cond::icmp(IntCc::Eq, place, 0), slow, &[]);
        let at = |disp| Addr::value(place, disp).in_region(Region::Slot);
        self.store_value(value, at(0), at(VALUE_TAG));
        self.b.jump(done, &[]);
        self.b.switch_to(here);

        let kind = mem::cache(caches, offset + cache::KIND);
        let not_own = Cond::icmp_mem(IntCc::Ne, Width::W8, kind, i32::from(cache::KIND_OWN));
        let slot_at = mem::cache(caches, offset + cache::SLOT);
        if small.is_some() {
            self.b.exit_if(not_own, miss, &[]);
            let slot = self.b.load(LoadKind::U32, slot_at);
            let slots = self.b.load64(mem::shape(t, table::SLOTS));
            let tag_addr = mem::slot(slots, slot, VALUE_TAG);
            let nil = Cond::icmp_mem(IntCc::Eq, Width::W8, tag_addr, 0);
            self.b.exit_if(nil, miss, &[]);
            self.store_value(value, mem::slot(slots, slot, 0), tag_addr);
            self.b.jump(done, &[]);
            return;
        }
        let slot = self.b.load(LoadKind::U32, slot_at);
        let slots = self.b.load64(mem::shape(t, table::SLOTS));
        let tag_addr = mem::slot(slots, slot, VALUE_TAG);
        let add = self.b.create_block();
        let store = self.b.create_block();
        self.b.exit_if(not_own, add, &[]);
        self.allow_nil(t, tag_addr, slow);
        self.b.jump(store, &[]);
        // A new field: the table takes the shape that follows. The shape may be white, so the table must not be black.
        self.b.switch_to(add);
        let not_add = Cond::icmp_mem(IntCc::Ne, Width::W8, kind, i32::from(cache::KIND_ADD));
        self.b.exit_if(not_add, slow, &[]);
        self.check_epoch(caches, offset + cache::EPOCH, slow);
        let cap = self.b.load(LoadKind::U32, mem::shape(t, table::SLOT_CAP));
        let room = self.b.shl(cap, 4);
        self.b
            .exit_unless(Cond::icmp(IntCc::Ult, slot, room), slow, &[]);
        let black = self.is_black(t);
        self.b.exit_if(black, slow, &[]);
        let next = self.b.load64(mem::cache(caches, offset + cache::VALUE));
        let id = self
            .b
            .load(LoadKind::U32, mem::constant(next, header::AUX32));
        self.b.store64(mem::shape(t, table::SHAPE), next);
        self.b.store(Width::W32, mem::shape(t, table::SHAPE_ID), id);
        self.b.jump(store, &[]);
        self.b.switch_to(store);
        self.store_value(value, mem::slot(slots, slot, 0), tag_addr);
        self.b.jump(done, &[]);
    }

    // ---- leaf functions

    /// Constant and cache in one number ([`leaf::site`]), as the outermost function has them.
    fn site(&self, key: usize, ic: usize) -> Option<i32> {
        leaf::site(key, ic).filter(|_| self.depth() == 0)
    }

    /// The place of a value, or 0.
    fn leaf_by_number(&mut self, f: &'static str, t: Value, site: i32, c: Clobbers) -> Value {
        let site = self.b.iconst(i64::from(site));
        let args = [(t, PReg::Rsi), (site, PReg::Rdx)];
        let result = [(IrType::I64, PReg::Rax)];
        let f = Symbol::Stub(f).to_ref();
        self.b.call_symbol(f, &args, &result, c, None)[0]
    }

    /// The place of the field that the present instruction reads, in the table itself or what it inherits, which the cache then knows; 0: the
    /// instruction must be executed.
    pub(super) fn find_by_leaf(&mut self, t: Value, i: Instr) -> Value {
        self.leaf_by_address(leaf::FIND, t, i.c(), i.d(), Clobbers::Finds)
    }

    fn leaf_by_address(
        &mut self,
        f: &'static str,
        t: Value,
        key: usize,
        ic: usize,
        writes: Clobbers,
    ) -> Value {
        let global = self.b.load64(mem::thread(thread::GLOBAL));
        let name = self.const_pointer(key);
        let (caches, offset) = self.cache(ic);
        let site = self.b.addr_of(Addr::value(caches, offset));
        self.b.call_symbol(
            Symbol::Stub(f).to_ref(),
            &[
                (global, PReg::Rdi),
                (t, PReg::Rsi),
                (name, PReg::Rdx),
                (site, PReg::Rcx),
            ],
            &[(IrType::I64, PReg::Rax)],
            writes,
            None,
        )[0]
    }
}
