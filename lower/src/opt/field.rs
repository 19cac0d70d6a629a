//! Fields and captured variables: inline through caches, by the helper where they do not answer.

use super::captured::Assigned;
use super::facts;
use super::func::Lowering;
use super::mem;
use super::shapes::KnownSlot;
use super::state::{Payload, Reg};
use super::tags::Tags;
use crate::Symbol;
use trinity_abi::helpers::leaf;
use trinity_abi::{VALUE_TAG, cache, shape, string, table, tag};
use trinity_codegen::ir::{
    Addr, Block, Clobbers, Cond, IntCc, LoadKind, PReg, Region, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::instr::NO_CACHE;
use trinity_frontend::bytecode::{Const, Event, Instr};

impl Lowering<'_> {
    /// What the instruction's result is compiled for.
    fn wanted(&self) -> Tags {
        self.spec().result(self.pc).unwrap_or(facts::VALUE)
    }

    /// GETFIELD, and GETTABUP through the upvalue's table.
    pub(crate) fn get_field(&mut self, i: Instr, upvalue: bool) {
        let a = i.a();
        let want = self.wanted();
        if !upvalue {
            self.table_guard(i.b());
            if self.virtual_get_field(i, want) {
                return;
            }
        }
        if i.d() == NO_CACHE as usize || !upvalue && !self.tags(i.b()).meets(Tags::TABLE) {
            self.step();
            return self.result_in_home(a, want);
        }
        if !upvalue
            && self.tags(i.b()) == Tags::TABLE
            && let Some(known) = self.frame().groups.at(self.pc)
        {
            return self.get_slot(a, i.b(), known, want);
        }
        if let Some(callee) = self.called_later(i)
            && (upvalue || self.tags(i.b()) == Tags::TABLE)
        {
            let t = match upvalue {
                true => {
                    let exit = self.exit_block();
                    self.upvalue_table(i.b(), exit)
                }
                false => self.get(i.b()),
            };
            return self.get_function(t, i, callee);
        }
        let done = self.b.create_block();
        let out = self.value_params(done, want);
        let slow = self.slow_step(a, want, done);
        let t = if upvalue {
            self.upvalue_table(i.b(), slow)
        } else {
            self.leave_unless_tag(i.b(), Tags::TABLE, slow);
            self.peek_bits(i.b())
        };
        let likely = match upvalue {
            true => self.likely_in_upvalue(i),
            false => self.likely_in_register(i),
        };
        let (payload, value_tag) = self.cached_value(t, i, likely, slow);
        self.found(payload, value_tag, want, slow, done);
        self.b.switch_to(done);
        self.set(a, out);
    }

    /// The slots of the table in register `r`, whose shape is one of those of the access ([`super::shapes`]); what is another leaves. A
    /// cell behind the inline caches holds the ids of such shapes; a leaf function puts them there.
    fn slots_checked(&mut self, r: usize, known: &KnownSlot) -> (Value, Value) {
        self.remark_shape(known.slot);
        let exit = self.exit_block();
        let t = self.get(r);
        let (caches, _) = self.cache(known.ic);
        let cell = cache::cell(self.frame().p.num_caches, known.ic);
        let id = self.b.load(LoadKind::U32, mem::shape(t, table::SHAPE_ID));
        let found = self.b.create_block();
        let miss = self.b.create_cold_block();
        let at = Addr::value(caches, cell).in_region(Region::Memo);
        self.b.brif(
            Cond::icmp_mem(IntCc::Ne, Width::W32, at, id),
            (miss, &[]),
            (found, &[]),
        );
        self.b.switch_to(miss);
        let consts = self.constants();
        let place = self.b.addr_of(Addr::value(caches, cell));
        let mut args = vec![(t, PReg::Rdi), (consts, PReg::Rsi), (place, PReg::Rdx)];
        for (word, r) in known
            .fields
            .into_iter()
            .zip([PReg::Rcx, PReg::R8, PReg::R9])
        {
            args.push((self.b.iconst(word as i64), r));
        }
        let has = self.b.call_symbol(
            Symbol::Stub(leaf::SHAPE).to_ref(),
            &args,
            &[(IrType::I64, PReg::Rax)],
            Clobbers::Keeps,
            None,
        )[0];
        self.b
            .brif(Cond::icmp(IntCc::Eq, has, 0), (exit, &[]), (found, &[]));
        self.b.switch_to(found);
        self.b.assume(Cond::icmp_mem(IntCc::Eq, Width::W32, at, id));
        let slots = self.b.load64(mem::shape(t, table::SLOTS));
        (t, slots)
    }

    /// GETFIELD of a table's own field in a known slot.
    fn get_slot(&mut self, a: usize, b: usize, known: KnownSlot, want: Tags) {
        let (t, slots) = self.slots_checked(b, &known);
        let slot = known.slot;
        let exit = self.exit_block();
        let found = self
            .b
            .load(LoadKind::U8, mem::known_slot(slots, slot, VALUE_TAG));
        let at = mem::known_slot(slots, slot, 0);
        if want.meets(Tags::NIL) {
            // Nil may lead to a metamethod.
            let nil = self.b.create_cold_block();
            let ok = self.b.create_block();
            self.b
                .brif(Cond::icmp(IntCc::Eq, found, 0), (nil, &[]), (ok, &[]));
            self.b.switch_to(nil);
            self.b.brif(
                Cond::icmp_mem(IntCc::Ne, Width::W64, mem::shape(t, table::METATABLE), 0),
                (exit, &[]),
                (ok, &[]),
            );
            self.b.switch_to(ok);
        }
        if want != facts::VALUE {
            self.remark_result(want);
            self.loaded(found, want, exit);
        }
        let p = want.has_payload().then(|| {
            if want == Tags::FLOAT {
                self.b.loadf(at)
            } else {
                self.b.load64(at)
            }
        });
        self.set(
            a,
            Reg {
                tags: want,
                p: p.map_or(Payload::None, Payload::Value),
                t: want.single().is_none().then_some(found),
                home: false,
            },
        );
    }

    /// SETFIELD of a table's own field in a known slot.
    fn set_slot(&mut self, a: usize, known: KnownSlot, value: Reg) {
        let (t, slots) = self.slots_checked(a, &known);
        let slot = known.slot;
        self.barrier(t, value);
        // Tables that could have a __newindex leave; what is known of others outlives the store.
        let exit = self.exit_block();
        let tag_at = mem::known_slot(slots, slot, VALUE_TAG);
        self.allow_nil(t, tag_at, exit);
        self.store_value(value, mem::known_slot(slots, slot, 0), tag_at);
    }

    /// Where there is nothing yet a metamethod may be asked: a table that could have one goes to `otherwise`.
    pub(super) fn allow_nil(&mut self, t: Value, tag_at: Addr, otherwise: Block) {
        let nil = self.b.create_cold_block();
        let ok = self.b.create_block();
        self.b.brif(
            Cond::icmp_mem(IntCc::Eq, Width::W8, tag_at, 0),
            (nil, &[]),
            (ok, &[]),
        );
        self.b.switch_to(nil);
        self.unless_new_index(t, otherwise);
        self.b.jump(ok, &[]);
        self.b.switch_to(ok);
    }

    /// Goes to `slow` if the table could have a `__newindex`.
    fn unless_new_index(&mut self, t: Value, slow: Block) {
        let none = self.b.create_cold_block();
        let some = self.b.create_cold_block();
        let mt = self.b.load64(mem::shape(t, table::METATABLE));
        self.b
            .brif(Cond::icmp(IntCc::Eq, mt, 0), (none, &[]), (some, &[]));
        self.b.switch_to(some);
        self.known_absent(mt, Event::NewIndex, slow);
        self.b.jump(none, &[]);
        self.b.switch_to(none);
    }

    /// Goes to `slow` unless it is known that a metatable has no method for an event: shapes of metatables know which events they have not.
    pub(super) fn known_absent(&mut self, metatable: Value, event: Event, slow: Block) {
        let shape = self.b.load64(mem::shape(metatable, table::SHAPE));
        self.b.exit_if(Cond::icmp(IntCc::Eq, shape, 0), slow, &[]);
        let absent = mem::shape(shape, shape::ABSENT);
        let bit = 1 << event as u8;
        let absent = Cond::test_mem(IntCc::Ne, Width::W32, absent, bit);
        self.b.exit_unless(absent, slow, &[]);
    }

    /// Goes to `done` with a value that was found, if it is what it always was; else to `slow`.
    pub(super) fn found(&mut self, payload: Value, t: Value, want: Tags, slow: Block, done: Block) {
        if want != facts::VALUE {
            self.loaded(t, want, slow);
        }
        let mut args = Vec::new();
        if want == Tags::FLOAT {
            args.push(self.b.float_of_bits(payload));
        } else if want.has_payload() {
            args.push(payload);
        }
        if want.single().is_none() {
            args.push(t);
        }
        self.b.jump(done, &args);
    }

    fn upvalue_table(&mut self, u: usize, slow: Block) -> Value {
        let cell = self.upval_cell(u);
        let at = match self.upvalue_assigned(u) {
            Assigned::Once => mem::assigned_cell,
            // What is nil at first can be indexed, and be assigned by who answers.
            _ => mem::cell,
        };
        self.b.exit_if(
            Cond::icmp_mem(
                IntCc::Ne,
                Width::W8,
                at(cell, VALUE_TAG),
                i32::from(tag::TABLE),
            ),
            slow,
            &[],
        );
        self.b.load64(at(cell, 0))
    }

    /// Goes to `otherwise` unless the table has the cached shape.
    pub(crate) fn check_shape_id(
        &mut self,
        t: Value,
        caches: Value,
        offset: i32,
        otherwise: Block,
    ) {
        let id = self
            .b
            .load(LoadKind::U32, mem::cache(caches, offset + cache::SHAPE_ID));
        let own = mem::shape(t, table::SHAPE_ID);
        let differs = Cond::icmp_mem(IntCc::Ne, Width::W32, own, id);
        self.b.exit_if(differs, otherwise, &[]);
    }

    /// SELF: an own field, or a constant found through the metatable.
    pub(crate) fn get_method(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let want = self.wanted();
        self.table_guard(b);
        if self.virtual_method(i, want) {
            return;
        }
        let tags = self.tags(b);
        let object = self.stored(b);
        let inline = i.d() != NO_CACHE as usize && tags.meets(Tags::TABLE.or(Tags::STR));
        if !inline {
            self.step();
            self.set(a + 1, Reg::in_home(tags));
            return self.result_in_home(a, want);
        }
        // The helper writes the object, too; it is what it was. It is known before anything leaves behind the instruction.
        let held = Reg {
            home: false,
            ..object
        };
        if tags == Tags::TABLE
            && let Some(known) = self.frame().groups.at(self.pc)
        {
            self.set(a + 1, held);
            return self.get_slot(a, b, known, want);
        }
        if tags == Tags::TABLE
            && let Some(callee) = self.called_later(i)
        {
            let t = self.get(b);
            self.set(a + 1, held);
            return self.get_function(t, i, callee);
        }
        self.set(a + 1, held);
        let done = self.b.create_block();
        let out = self.value_params(done, want);
        let slow = self.slow_step(a, want, done);
        let (caches, offset) = self.cache(i.d());
        let likely = self.likely_method();
        let t = self.peek_bits(b);
        if tags.meets(Tags::STR) {
            let object_tag = self.peek_tag(b);
            let other = self.b.create_block();
            if tags.meets(Tags::TABLE) {
                self.b.exit_if(
                    Cond::icmp(IntCc::Ne, object_tag, i32::from(tag::TABLE)),
                    other,
                    &[],
                );
                let (payload, value_tag) = self.cached_value(t, i, likely, slow);
                self.found(payload, value_tag, want, slow, done);
            } else {
                self.b.jump(other, &[]);
            }
            // A method of strings, constant while the epoch lasts.
            self.b.switch_to(other);
            let kind = self.b.isub(object_tag, i32::from(tag::SHORT_STR));
            let no_string = Cond::icmp(IntCc::Ugt, kind, i32::from(tag::LONG_STR - tag::SHORT_STR));
            self.b.exit_if(no_string, slow, &[]);
            let at = mem::cache(caches, offset + cache::SHAPE_ID);
            let other = Cond::icmp_mem(IntCc::Ne, Width::W32, at, cache::STRING_ID as i32);
            self.b.exit_if(other, slow, &[]);
            let (payload, value_tag) = self.cached_constant(caches, offset, slow);
            self.found(payload, value_tag, want, slow, done);
        } else {
            self.leave_unless_tag(b, Tags::TABLE, slow);
            let (payload, value_tag) = self.cached_value(t, i, likely, slow);
            self.found(payload, value_tag, want, slow, done);
        }
        self.b.switch_to(done);
        self.set(a, out);
    }

    /// SETFIELD, and SETTABUP through the upvalue's table: an existing slot of the cached shape, or one more.
    pub(crate) fn set_field(&mut self, i: Instr, upvalue: bool) {
        if !upvalue && (self.virtual_set_field(i) || self.construct_field(i)) {
            return;
        }
        if !upvalue {
            self.table_guard(i.a());
        }
        if i.d() == NO_CACHE as usize || !upvalue && !self.tags(i.a()).meets(Tags::TABLE) {
            return self.step();
        }
        let value = self.stored(i.c());
        if !upvalue
            && self.tags(i.a()) == Tags::TABLE
            && let Some(known) = self.frame().groups.at(self.pc)
        {
            return self.set_slot(i.a(), known, value);
        }
        let done = self.b.create_block();
        let slow = self.slow_statement(done);
        let t = if upvalue {
            self.upvalue_table(i.a(), slow)
        } else {
            self.leave_unless_tag(i.a(), Tags::TABLE, slow);
            self.peek_bits(i.a())
        };
        self.store_cached(t, i, value, slow, done);
        self.b.switch_to(done);
    }

    /// Writes payload (if there is one) and tag.
    pub(crate) fn store_value(&mut self, value: Reg, at: Addr, tag_at: Addr) {
        if value.tags.has_payload() {
            self.store_payload(value, at);
        }
        match value.tags.single() {
            Some(t) => self.b.store_imm(Width::W8, tag_at, i32::from(t)),
            None => {
                let t = self.stored_tag(value);
                self.b.store(Width::W8, tag_at, t);
            }
        }
    }

    // ---- upvalues and cells

    /// GETUPVAL, GETCELL. `function`: what the variable is, if that is known.
    pub(crate) fn get_cell(
        &mut self,
        a: usize,
        cell: Value,
        assigned: Assigned,
        function: Option<u32>,
    ) {
        let want = self.wanted();
        let closure = Tags::of(tag::LUA_FN);
        if let Some(function) = function.filter(|_| want.meets(closure)) {
            let f = self.b.load64(mem::assigned_cell(cell, 0));
            self.functions.insert(f, function);
            return self.set(a, Reg::known(closure, f));
        }
        let at = match assigned {
            Assigned::Once => mem::assigned_cell,
            // Behind the guard it has its value.
            Assigned::Late if !want.meets(Tags::NIL) => mem::assigned_cell,
            _ => mem::cell,
        };
        let t = self.b.load(LoadKind::U8, at(cell, VALUE_TAG));
        if want == facts::VALUE {
            let p = self.b.load64(at(cell, 0));
            return self.set(a, Reg::tagged(want, Some(p), t));
        }
        // The cell is read again where the guard leads.
        self.remark_result(want);
        let exit = self.exit_block();
        self.loaded(t, want, exit);
        let p = want.has_payload().then(|| {
            if want == Tags::FLOAT {
                self.b.loadf(at(cell, 0))
            } else {
                self.b.load64(at(cell, 0))
            }
        });
        self.set(
            a,
            Reg {
                tags: want,
                p: p.map_or(Payload::None, Payload::Value),
                t: want.single().is_none().then_some(t),
                home: false,
            },
        );
    }
    /// SETUPVAL, SETCELL.
    pub(crate) fn set_cell(&mut self, c: usize, cell: Value) {
        let value = self.stored(c);
        let done = self.b.create_block();
        if value.tags.may_be_collectable() {
            let slow = self.slow_statement(done);
            self.guard_not_black(cell, value, slow);
        }
        self.store_value(value, mem::cell(cell, 0), mem::cell(cell, VALUE_TAG));
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    // ---- constants

    /// A constant of the prototype as a value.
    pub(crate) fn constant_reg(&mut self, k: usize) -> Reg {
        let p = self.frame().p;
        let tags = Tags::of_const(&p.consts[k]);
        match &p.consts[k] {
            Const::Nil | Const::Bool(_) => Reg::only_tag(tags),
            Const::Int(n) => {
                let v = self.b.iconst(*n);
                Reg::known(tags, v)
            }
            Const::Float(f) => {
                let v = self.b.fconst(*f);
                Reg::known(tags, v)
            }
            Const::Str(s) => {
                debug_assert!(s.len() <= string::MAX_SHORT || tags == Tags::of(tag::LONG_STR));
                let v = self.const_pointer(k);
                Reg::known(tags, v)
            }
        }
    }
}
