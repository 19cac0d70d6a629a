//! Table access: inline on the array part and through inline caches, the `step` helper for everything else.

use crate::Symbol;
use crate::func::{FnLower, home, home_tag};
use crate::types::Type;
use trinity_abi::helpers::leaf;
use trinity_abi::{VALUE_TAG, cache, closure, header, string, table, tag, thread};
use trinity_codegen::ir::{
    Addr, Block, Clobbers, Cond, IntCc, LoadKind, PReg, Scale, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::instr::{NO_CACHE, RK_CONST};
use trinity_frontend::bytecode::{Const, Instr};

/// A value to store: a register, or a constant's payload and tag.
#[derive(Clone, Copy)]
enum Stored {
    Reg(usize),
    Const(usize),
}

/// Index into the array part.
#[derive(Clone, Copy)]
enum Index {
    Reg(usize),
    Imm(i64),
}

impl FnLower<'_> {
    // ---- array part

    /// GETTABLE with an integer key, GETI.
    pub(crate) fn get_index(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let index = if i.op() == trinity_frontend::bytecode::Op::GetI {
            Index::Imm(i.c() as i64)
        } else {
            Index::Reg(i.c())
        };
        if let Index::Reg(r) = index
            && !matches!(self.ty[r], Type::Int | Type::Any | Type::Num)
        {
            self.step();
            return self.defined(a, Type::Any);
        }
        let done = self.b.create_block();
        let slow = self.slow_step(done);
        let (t, idx) = self.array_element(b, index, slow);
        let array = self.b.load64(Addr::value(t, table::ARRAY));
        let payload = self.b.load64(Addr::indexed(array, idx, Scale::S8, 0));
        let general = self.b.create_block();
        let store = self.b.create_block();
        let tag_param = self.b.block_param(store, IrType::I64);
        let kind = self.b.load(LoadKind::U8, Addr::value(t, table::ELEM_KIND));
        self.b.exit_if(
            Cond::icmp(IntCc::Eq, kind, table::KIND_GENERAL as i32),
            general,
            &[],
        );
        // Packed kinds: integers are 1, floats 2.
        let packed_tag = self.b.iadd(kind, (tag::INT - table::KIND_INT) as i32);
        self.b.jump(store, &[packed_tag]);
        self.b.switch_to(general);
        let down = self.b.inot(idx);
        let element_tag = self
            .b
            .load(LoadKind::U8, Addr::indexed(array, down, Scale::S1, 0));
        self.b.brif(
            Cond::icmp(IntCc::Eq, element_tag, 0),
            (slow, &[]),
            (store, &[element_tag]),
        );
        self.b.switch_to(store);
        self.store_both(a, payload, tag_param);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        self.defined(a, Type::Any);
    }

    /// The index from 0, and whether it is computed.
    fn index_value(&mut self, index: Index, slow: Block) -> (Value, bool) {
        match index {
            Index::Reg(k) => {
                self.guard_tag(k, tag::INT, slow);
                let n = self.load_int(k);
                (self.b.isub(n, 1), true)
            }
            Index::Imm(n) => (self.b.iconst(n - 1), false),
        }
    }

    /// Checks that R[r] is a table and the index is in its array part; gives the table and the index from 0.
    fn array_element(&mut self, r: usize, index: Index, slow: Block) -> (Value, Value) {
        self.guard_tag(r, tag::TABLE, slow);
        let (idx, _) = self.index_value(index, slow);
        let t = self.load_bits(r);
        let len = self.b.load(LoadKind::U32, Addr::value(t, table::ARRAY_LEN));
        self.b
            .exit_unless(Cond::icmp(IntCc::Ugt, len, idx), slow, &[]);
        (t, idx)
    }

    /// SETTABLE with an integer key, SETI: an existing element of a matching kind.
    pub(crate) fn set_index(&mut self, i: Instr) {
        let a = i.a();
        let index = if i.op() == trinity_frontend::bytecode::Op::SetI {
            Index::Imm(i.b() as i64)
        } else {
            Index::Reg(i.b())
        };
        if let Index::Reg(r) = index
            && !matches!(self.ty[r], Type::Int | Type::Any | Type::Num)
        {
            return self.step();
        }
        let value = self.stored(i.c());
        let done = self.b.create_block();
        let slow = self.slow_step(done);
        self.guard_tag(a, tag::TABLE, slow);
        let (idx, may_append) = self.index_value(index, slow);
        let t = self.load_bits(a);
        self.guard_not_black(t, value, slow);
        let (payload, vtag) = self.stored_parts(value);
        let array = self.b.load64(Addr::value(t, table::ARRAY));
        let kind = self.b.load(LoadKind::U8, Addr::value(t, table::ELEM_KIND));
        let packed_tag = self.b.iadd(kind, (tag::INT - table::KIND_INT) as i32);
        let len = self.b.load(LoadKind::U32, Addr::value(t, table::ARRAY_LEN));
        let down = self.b.inot(idx);
        let tag_addr = Addr::indexed(array, down, Scale::S1, 0);
        let is_general = Cond::icmp(IntCc::Eq, kind, table::KIND_GENERAL as i32);
        let no_value = Cond::icmp(IntCc::Eq, vtag, 0);
        let wrong_kind = Cond::icmp(IntCc::Ne, packed_tag, vtag);
        let general = self.b.create_block();
        let packed = self.b.create_block();

        let beyond = self.b.create_block();
        let is_beyond = Cond::icmp(IntCc::Ule, len, idx);
        self.b.exit_if(is_beyond, beyond, &[]);
        let existing = self.b.create_block();
        self.b.exit_if(is_general, existing, &[]);
        self.b.brif(wrong_kind, (slow, &[]), (packed, &[]));
        // General: neither the old nor the new value may be nil (holes and metamethods are the helper's).
        self.b.switch_to(existing);
        self.b
            .exit_if(Cond::icmp_mem(IntCc::Eq, Width::W8, tag_addr, 0), slow, &[]);
        self.b.brif(no_value, (slow, &[]), (general, &[]));

        // An append within the capacity, to an array that is not empty, of a table without a metatable. The last place is the helper's:
        // a full array takes over what the hash part has.
        self.b.switch_to(beyond);
        if may_append {
            self.b
                .exit_unless(Cond::icmp(IntCc::Eq, len, idx), slow, &[]);
            let next = self.b.iadd(idx, 1);
            let cap = self.b.load(LoadKind::U32, Addr::value(t, table::ARRAY_CAP));
            self.b
                .exit_unless(Cond::icmp(IntCc::Ult, next, cap), slow, &[]);
            let has_metatable =
                Cond::icmp_mem(IntCc::Ne, Width::W64, Addr::value(t, table::METATABLE), 0);
            self.b.exit_if(has_metatable, slow, &[]);
            self.b.exit_if(no_value, slow, &[]);
            let len_addr = Addr::value(t, table::ARRAY_LEN);
            let append = self.b.create_block();
            self.b.exit_if(is_general, append, &[]);
            let empty = Cond::icmp(IntCc::Eq, kind, table::KIND_EMPTY as i32);
            self.b.exit_if(empty, slow, &[]);
            self.b.exit_if(wrong_kind, slow, &[]);
            self.b.store(Width::W32, len_addr, next);
            self.b.jump(packed, &[]);
            self.b.switch_to(append);
            self.b.store(Width::W32, len_addr, next);
            self.b.jump(general, &[]);
        } else {
            self.b.jump(slow, &[]);
        }

        self.b.switch_to(general);
        self.b.store(Width::W8, tag_addr, vtag);
        // The payloads of booleans are not touched: their arrays use a byte an element.
        let rest = if self.is_boolean(value) { done } else { packed };
        self.b.jump(rest, &[]);
        self.b.switch_to(packed);
        self.b
            .store64(Addr::indexed(array, idx, Scale::S8, 0), payload);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    // ---- stored values

    fn stored(&self, c: usize) -> Stored {
        if c >= RK_CONST as usize {
            Stored::Const(c - RK_CONST as usize)
        } else {
            Stored::Reg(c)
        }
    }
    /// Payload (I64) and tag of a value to store.
    fn stored_parts(&mut self, v: Stored) -> (Value, Value) {
        match v {
            Stored::Reg(r) => {
                let p = self.load_bits(r);
                let t = self.load_tag(r);
                (p, t)
            }
            Stored::Const(k) => {
                let (p, t) = match &self.p.consts[k] {
                    Const::Nil => (0, tag::NIL),
                    Const::Bool(b) => (0, if *b { tag::TRUE } else { tag::FALSE }),
                    Const::Int(n) => (*n, tag::INT),
                    Const::Float(f) => (f.to_bits() as i64, tag::FLOAT),
                    Const::Str(s) => {
                        let t = if s.len() <= string::MAX_SHORT {
                            tag::SHORT_STR
                        } else {
                            tag::LONG_STR
                        };
                        let p = self.const_pointer(k);
                        let t = self.b.iconst(t as i64);
                        return (p, t);
                    }
                };
                (self.b.iconst(p), self.b.iconst(t as i64))
            }
        }
    }
    fn is_boolean(&self, v: Stored) -> bool {
        match v {
            Stored::Reg(r) => self.ty[r] == Type::Bool,
            Stored::Const(k) => matches!(self.p.consts[k], Const::Bool(_)),
        }
    }
    fn maybe_collectable(&self, v: Stored) -> bool {
        match v {
            Stored::Reg(r) => !matches!(
                self.ty[r],
                Type::Nil | Type::Bool | Type::Int | Type::Float | Type::Num
            ),
            Stored::Const(k) => matches!(self.p.consts[k], Const::Str(_)),
        }
    }
    /// A store of a collectable value into a black object needs the barrier, which the helper does.
    fn guard_not_black(&mut self, object: Value, v: Stored, slow: Block) {
        if self.maybe_collectable(v) {
            let mark = Addr::value(object, header::MARK);
            self.b.exit_if(
                Cond::test_mem(IntCc::Ne, Width::W8, mark, header::BLACK as i32),
                slow,
                &[],
            );
        }
    }

    // ---- fields

    /// GETFIELD, and GETTABUP through the upvalue's table.
    pub(crate) fn get_field(&mut self, i: Instr, upvalue: bool) {
        let a = i.a();
        if i.d() == NO_CACHE as usize {
            self.step();
            return self.defined(a, Type::Any);
        }
        let done = self.b.create_block();
        let slow = self.slow_step(done);
        let t = if upvalue {
            self.upvalue_table(i.b(), slow)
        } else {
            self.guard_tag(i.b(), tag::TABLE, slow);
            self.load_bits(i.b())
        };
        let (caches, offset) = self.cache(i.d());
        let (payload, value_tag) = self.cached_value(t, i.c(), caches, offset, slow);
        self.store_both(a, payload, value_tag);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        self.defined(a, Type::Any);
    }

    fn upvalue_table(&mut self, u: usize, slow: Block) -> Value {
        let cell = self.upval_cell(u);
        let tag_addr = Addr::value(cell, closure::CELL_VALUE + 8);
        self.b.exit_if(
            Cond::icmp_mem(IntCc::Ne, Width::W8, tag_addr, tag::TABLE as i32),
            slow,
            &[],
        );
        self.b.load64(Addr::value(cell, closure::CELL_VALUE))
    }

    /// Goes to `otherwise` unless the table has the cached shape.
    fn check_shape_id(&mut self, t: Value, caches: Value, offset: i32, otherwise: Block) {
        let at = Addr::value(caches, offset + cache::SHAPE_ID);
        let shape = self.b.load(LoadKind::U32, at);
        let own = Addr::value(t, table::SHAPE_ID);
        let differs = Cond::icmp_mem(IntCc::Ne, Width::W32, own, shape);
        self.b.exit_if(differs, otherwise, &[]);
    }

    /// The value a cache answers for table `t`: an own slot, or a constant of the epoch (found in a private table, or through metatables).
    /// Continues in a new block with payload and tag; nil in a slot is the helper's (`__index`).
    fn cached_value(
        &mut self,
        t: Value,
        key: usize,
        caches: Value,
        offset: i32,
        slow: Block,
    ) -> (Value, Value) {
        let miss = self.b.create_cold_block();
        let found = self.b.create_block();
        let payload = self.b.block_param(found, IrType::I64);
        let value_tag = self.b.block_param(found, IrType::I64);
        self.check_shape_id(t, caches, offset, miss);
        let constant = self.b.create_block();
        let kind = Addr::value(caches, offset + cache::KIND);
        let not_own = Cond::icmp_mem(IntCc::Ne, Width::W8, kind, cache::KIND_OWN as i32);
        self.b.exit_if(not_own, constant, &[]);
        let (p, own_tag) = self.slot_value(t, caches, offset);
        let absent = Cond::icmp(IntCc::Eq, own_tag, 0);
        self.b.brif(absent, (miss, &[]), (found, &[p, own_tag]));
        self.b.switch_to(constant);
        let other = Cond::icmp_mem(IntCc::Ne, Width::W8, kind, cache::KIND_CONST as i32);
        self.b.exit_if(other, miss, &[]);
        let (p, constant_tag) = self.cached_constant(caches, offset, miss);
        self.b.jump(found, &[p, constant_tag]);
        // Another shape, or a nil slot.
        self.b.switch_to(miss);
        let global = self.b.load64(Addr::thread(thread::GLOBAL));
        let name = self.const_pointer(key);
        let site = self.b.addr_of(Addr::value(caches, offset));
        let place = self.b.call_symbol(
            Symbol::Stub(leaf::GET).to_ref(),
            &[
                (global, PReg::Rdi),
                (t, PReg::Rsi),
                (name, PReg::Rdx),
                (site, PReg::Rcx),
            ],
            &[(IrType::I64, PReg::Rax)],
            Clobbers::SysV,
            None,
        )[0];
        self.b.exit_if(Cond::icmp(IntCc::Eq, place, 0), slow, &[]);
        let p = self.b.load64(Addr::value(place, 0));
        let place_tag = self.b.load(LoadKind::U8, Addr::value(place, VALUE_TAG));
        self.b.jump(found, &[p, place_tag]);
        self.b.switch_to(found);
        (payload, value_tag)
    }

    /// Goes to `slow` unless the cache was filled in this epoch.
    fn check_epoch(&mut self, caches: Value, offset: i32, slow: Block) {
        let epoch_at = self.b.load64(Addr::thread(thread::EPOCH_PTR));
        let epoch = self.b.load(LoadKind::U32, Addr::value(epoch_at, 0));
        let seen = Addr::value(caches, offset + cache::EPOCH);
        let stale = Cond::icmp_mem(IntCc::Ne, Width::W32, seen, epoch);
        self.b.exit_if(stale, slow, &[]);
    }

    /// The value in a cache of the present epoch.
    fn cached_constant(&mut self, caches: Value, offset: i32, slow: Block) -> (Value, Value) {
        self.check_epoch(caches, offset, slow);
        let p = self.b.load64(Addr::value(caches, offset + cache::VALUE));
        let t = self
            .b
            .load(LoadKind::U8, Addr::value(caches, offset + cache::VALUE + 8));
        (p, t)
    }

    fn slot_value(&mut self, t: Value, caches: Value, offset: i32) -> (Value, Value) {
        let slot = self
            .b
            .load(LoadKind::U32, Addr::value(caches, offset + cache::SLOT));
        let slots = self.b.load64(Addr::value(t, table::SLOTS));
        let payload = self.b.load64(Addr::indexed(slots, slot, Scale::S1, 0));
        let value_tag = self
            .b
            .load(LoadKind::U8, Addr::indexed(slots, slot, Scale::S1, 8));
        (payload, value_tag)
    }

    /// SELF: an own field, or a constant found through the metatable.
    pub(crate) fn get_method(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let object_type = self.ty[b];
        if i.d() == NO_CACHE as usize {
            self.step();
        } else {
            let done = self.b.create_block();
            let slow = self.slow_step(done);
            let (caches, offset) = self.cache(i.d());
            let t = self.load_bits(b);
            let object_tag = self.load_tag(b);
            if object_type != Type::Str {
                let other = self.b.create_block();
                self.b.exit_if(
                    Cond::icmp(IntCc::Ne, object_tag, tag::TABLE as i32),
                    other,
                    &[],
                );
                let (payload, value_tag) = self.cached_value(t, i.c(), caches, offset, slow);
                self.b.store64(home(a + 1), t);
                self.b
                    .store_imm(Width::W8, home_tag(a + 1), tag::TABLE as i32);
                self.store_both(a, payload, value_tag);
                self.b.jump(done, &[]);
                self.b.switch_to(other);
            }
            // A method of strings, constant while the epoch lasts.
            let kind = self.b.isub(object_tag, tag::SHORT_STR as i32);
            let no_string = Cond::icmp(IntCc::Ugt, kind, (tag::LONG_STR - tag::SHORT_STR) as i32);
            self.b.exit_if(no_string, slow, &[]);
            let at = Addr::value(caches, offset + cache::SHAPE_ID);
            let other = Cond::icmp_mem(IntCc::Ne, Width::W32, at, cache::STRING_ID as i32);
            self.b.exit_if(other, slow, &[]);
            let (payload, value_tag) = self.cached_constant(caches, offset, slow);
            self.b.store64(home(a + 1), t);
            self.b.store(Width::W8, home_tag(a + 1), object_tag);
            self.store_both(a, payload, value_tag);
            self.b.jump(done, &[]);
            self.b.switch_to(done);
        }
        self.defined(a + 1, object_type);
        self.defined(a, Type::Any);
    }

    /// SETFIELD, and SETTABUP through the upvalue's table: an existing slot of the cached shape.
    pub(crate) fn set_field(&mut self, i: Instr, upvalue: bool) {
        if i.d() == NO_CACHE as usize {
            return self.step();
        }
        let value = self.stored(i.c());
        let done = self.b.create_block();
        let slow = self.slow_step(done);
        let t = if upvalue {
            self.upvalue_table(i.a(), slow)
        } else {
            self.guard_tag(i.a(), tag::TABLE, slow);
            self.load_bits(i.a())
        };
        let (caches, offset) = self.cache(i.d());
        self.check_shape_id(t, caches, offset, slow);
        self.guard_not_black(t, value, slow);
        let (payload, value_tag) = self.stored_parts(value);
        let kind = Addr::value(caches, offset + cache::KIND);
        let slot = self
            .b
            .load(LoadKind::U32, Addr::value(caches, offset + cache::SLOT));
        let slots = self.b.load64(Addr::value(t, table::SLOTS));
        let tag_addr = Addr::indexed(slots, slot, Scale::S1, 8);
        let add = self.b.create_block();
        let store = self.b.create_block();
        let not_own = Cond::icmp_mem(IntCc::Ne, Width::W8, kind, cache::KIND_OWN as i32);
        self.b.exit_if(not_own, add, &[]);
        let was_nil = Cond::icmp_mem(IntCc::Eq, Width::W8, tag_addr, 0);
        self.b.brif(was_nil, (slow, &[]), (store, &[]));
        // A new field: the table takes the shape that follows. The shape may be white, so the table must not be black.
        self.b.switch_to(add);
        let not_add = Cond::icmp_mem(IntCc::Ne, Width::W8, kind, cache::KIND_ADD as i32);
        self.b.exit_if(not_add, slow, &[]);
        self.check_epoch(caches, offset, slow);
        self.b
            .exit_if(Cond::icmp(IntCc::Eq, value_tag, 0), slow, &[]);
        let cap = self.b.load(LoadKind::U32, Addr::value(t, table::SLOT_CAP));
        let room = self.b.shl(cap, 4);
        self.b
            .exit_unless(Cond::icmp(IntCc::Ult, slot, room), slow, &[]);
        let mark = Addr::value(t, header::MARK);
        let black = Cond::test_mem(IntCc::Ne, Width::W8, mark, header::BLACK as i32);
        self.b.exit_if(black, slow, &[]);
        let next = self.b.load64(Addr::value(caches, offset + cache::VALUE));
        let id = self.b.load(LoadKind::U32, Addr::value(next, header::AUX32));
        self.b.store64(Addr::value(t, table::SHAPE), next);
        self.b
            .store(Width::W32, Addr::value(t, table::SHAPE_ID), id);
        self.b.jump(store, &[]);
        self.b.switch_to(store);
        self.b
            .store64(Addr::indexed(slots, slot, Scale::S1, 0), payload);
        self.b.store(Width::W8, tag_addr, value_tag);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    // ---- upvalues and cells

    /// GETUPVAL, GETCELL.
    pub(crate) fn get_cell(&mut self, a: usize, cell: Value) {
        let payload = self.b.load64(Addr::value(cell, closure::CELL_VALUE));
        let value_tag = self
            .b
            .load(LoadKind::U8, Addr::value(cell, closure::CELL_VALUE + 8));
        self.store_both(a, payload, value_tag);
        self.defined(a, Type::Any);
    }
    /// SETUPVAL, SETCELL.
    pub(crate) fn set_cell(&mut self, c: usize, cell: Value, done: Block, slow: Block) {
        let value = self.stored(c);
        self.guard_not_black(cell, value, slow);
        let (payload, value_tag) = self.stored_parts(value);
        self.b
            .store64(Addr::value(cell, closure::CELL_VALUE), payload);
        self.b.store(
            Width::W8,
            Addr::value(cell, closure::CELL_VALUE + 8),
            value_tag,
        );
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }
}
