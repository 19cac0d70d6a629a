//! Stores of elements: `t[i] = v`.

use super::facts;
use super::func::Lowering;
use super::hash_part::Zero;
use super::mem;
use super::state::{Payload, Reg};
use super::table::{Access, Index, packed_tag};
use super::tags::Tags;
use crate::Symbol;
use trinity_abi::helpers::leaf;
use trinity_abi::{header, table, tag};
use trinity_codegen::ir::{
    Block, Clobbers, Cond, IntCc, LoadKind, PReg, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::{Instr, Op};
use trinity_profile::kind;

impl Lowering<'_> {
    /// SETTABLE, SETI.
    pub(crate) fn set_index(&mut self, i: Instr) {
        let a = i.a();
        let index = if i.op() == Op::SetI {
            Index::Imm(i.b() as i64)
        } else {
            Index::Reg(i.b())
        };
        if i.op() == Op::SetI && self.virtual_set_index(i) {
            return;
        }
        self.table_guard(a);
        self.key_guard(index);
        let possible = match index {
            Index::Reg(r) => self.tags(r).meets(Tags::INT),
            Index::Imm(_) => true,
        };
        if !self.tags(a).meets(Tags::TABLE) {
            return self.step();
        }
        let value = self.stored(i.c());
        if let (false, Index::Reg(key)) = (possible, index) {
            return self.set_by_key(a, key, value);
        }
        if value.tags.single() == Some(tag::NIL) {
            return self.set_nil(a, index);
        }
        match self.access() {
            Access::Only(kind)
                if kind == table::KIND_GENERAL || value.tags == Tags::of(packed_tag(kind)) =>
            {
                self.remark_elements(kind);
                let exit = self.exit_block();
                let done = self.b.create_block();
                // Nil is the helper's.
                let slow = if value.tags.meets(Tags::NIL) {
                    self.slow_statement(done)
                } else {
                    exit
                };
                let (t, idx) = self.array_element(a, index, exit, exit);
                let k = self.b.load(LoadKind::U8, mem::array(t, table::ELEM_KIND));
                self.b
                    .exit_if(Cond::icmp(IntCc::Ne, k, i32::from(kind)), exit, &[]);
                let array = self.b.load64(mem::array(t, table::ARRAY));
                if kind == table::KIND_GENERAL {
                    self.barrier(t, value);
                    let down = self.b.ineg(idx);
                    let at = mem::element_tag(array, down);
                    self.b
                        .exit_if(Cond::icmp_mem(IntCc::Eq, Width::W8, at, 0), exit, &[]);
                    self.store_tag(value, at, slow);
                }
                if value.tags.has_payload() {
                    self.store_payload(value, mem::element(array, idx));
                }
                self.b.jump(done, &[]);
                self.b.switch_to(done);
            }
            _ => match self.mostly(index, value) {
                Some(kind) => self.set_mostly(a, index, value, kind),
                None => self.set_any(a, index, value),
            },
        }
    }

    /// `t[i] = nil` where there is a value: the last element goes, one before it becomes a hole, an entry of the hash part is emptied. The
    /// helper's: the only element, holes in front of the last, packed arrays that get a hole.
    pub(super) fn set_nil(&mut self, a: usize, index: Index) {
        let done = self.b.create_block();
        let slow = self.slow_statement(done);
        let beyond = self.beyond(slow);
        let (t, idx) = self.array_element(a, index, slow, beyond);
        let kind = self.b.load(LoadKind::U8, mem::array(t, table::ELEM_KIND));
        let array = self.b.load64(mem::array(t, table::ARRAY));
        let len = self.b.load(LoadKind::U32, mem::array(t, table::ARRAY_LEN));
        let down = self.b.ineg(idx);
        let tag_at = mem::element_tag(array, down);
        let is_nil = |at| Cond::icmp_mem(IntCc::Eq, Width::W8, at, i32::from(tag::NIL));
        let is_general = Cond::icmp(IntCc::Eq, kind, i32::from(table::KIND_GENERAL));
        let (general, last) = (self.b.create_block(), self.b.create_block());
        self.b.exit_if(is_general, general, &[]);
        self.b
            .brif(Cond::icmp(IntCc::Eq, idx, len), (last, &[]), (slow, &[]));
        self.b.switch_to(general);
        self.b.exit_if(is_nil(tag_at), slow, &[]);
        let (ends, inside) = (self.b.create_block(), self.b.create_block());
        self.b
            .brif(Cond::icmp(IntCc::Eq, idx, len), (ends, &[]), (inside, &[]));
        self.b.switch_to(inside);
        self.b.store_imm(Width::W8, tag_at, i32::from(tag::NIL));
        self.b.jump(done, &[]);
        self.b.switch_to(ends);
        // Tags lie below the elements, the first one highest.
        self.b.exit_if(Cond::icmp(IntCc::Eq, len, 1), slow, &[]);
        let before = self.b.iadd(down, 1);
        self.b.brif(
            is_nil(mem::element_tag(array, before)),
            (slow, &[]),
            (last, &[]),
        );
        self.b.switch_to(last);
        self.b.exit_if(Cond::icmp(IntCc::Eq, len, 1), slow, &[]);
        let shorter = self.b.isub(len, 1);
        self.b
            .store(Width::W32, mem::array(t, table::ARRAY_LEN), shorter);
        self.b.jump(done, &[]);
        if beyond != slow {
            self.b.switch_to(beyond);
            let entry = self.hash_entry(t, idx, index.may_be_zero(self), slow);
            self.b.store_imm(
                Width::W8,
                mem::entry(entry, table::ENTRY_TAG),
                i32::from(tag::NIL),
            );
            self.b.jump(done, &[]);
        }
        self.b.switch_to(done);
    }

    /// Stores the tag of a value that must not be nil.
    pub(super) fn store_tag(&mut self, value: Reg, at: trinity_codegen::ir::Addr, slow: Block) {
        match value.tags.single() {
            Some(tag::NIL) => {
                self.b.jump(slow, &[]);
                let dead = self.b.create_block();
                self.b.switch_to(dead);
            }
            Some(t) => self.b.store_imm(Width::W8, at, i32::from(t)),
            None => {
                let t = self.stored_tag(value);
                if value.tags.meets(Tags::NIL) {
                    self.b.exit_if(Cond::icmp(IntCc::Eq, t, 0), slow, &[]);
                }
                self.b.store(Width::W8, at, t);
            }
        }
    }
    pub(crate) fn store_payload(&mut self, value: Reg, at: trinity_codegen::ir::Addr) {
        let v = match value.p {
            Payload::Value(v) => v,
            Payload::Count { .. } | Payload::None | Payload::Virtual(_) => self.bits_of(value, 0),
        };
        self.b.store64(at, v);
    }
    pub(crate) fn stored_tag(&mut self, value: Reg) -> Value {
        self.tag_of(value, 0)
    }

    /// All kinds: an existing element of a matching kind, or an append within the capacity, of a table without a metatable.
    pub(super) fn set_any(&mut self, a: usize, index: Index, value: Reg) {
        let done = self.b.create_block();
        // A leaf function stores all that needs no metamethod: where there was no metatable the rest leaves, and nothing comes back from a
        // helper that may have changed anything.
        let unusual = kind::OTHER_KEY | kind::METATABLE;
        let slow = match self.spec().kinds(self.pc) {
            Some(seen) if seen & unusual == 0 => self.exit_block(),
            _ => self.slow_statement(done),
        };
        let key = self.index_key(index);
        self.leave_unless_tag(a, Tags::TABLE, slow);
        let t = self.peek_bits(a);
        let slow = self.beside(|l| l.store_by_leaf(t, key, value, slow, done));
        let idx = self.index_value(index, slow);
        let seen = self.spec().kinds(self.pc);
        // What no store did in training is the leaf function's, where the others would find the array changed by it.
        let may_append = matches!(index, Index::Reg(_))
            && seen.is_none_or(|k| k & (kind::APPEND | kind::EMPTY) != 0)
            && !self.spec().is_rare(self.pc);
        let one = self.only_kind().filter(|_| !may_append);
        self.barrier(t, value);
        let vtag = self.stored_tag(value);
        let kind = self.b.load(LoadKind::U8, mem::array(t, table::ELEM_KIND));
        if let Some(one) = one {
            let is = Cond::icmp(IntCc::Eq, kind, i32::from(one));
            self.b.exit_unless(is, slow, &[]);
        }
        let array = self.b.load64(mem::array(t, table::ARRAY));
        let packed_tag = self.b.iadd(kind, i32::from(tag::INT - table::KIND_INT));
        let len = self.b.load(LoadKind::U32, mem::array(t, table::ARRAY_LEN));
        let from0 = self.b.isub(idx, 1);
        let down = self.b.ineg(idx);
        let tag_addr = mem::element_tag(array, down);
        let is_general = Cond::icmp(IntCc::Eq, kind, i32::from(table::KIND_GENERAL));
        let no_value = Cond::icmp(IntCc::Eq, vtag, 0);
        let wrong_kind = Cond::icmp(IntCc::Ne, packed_tag, vtag);
        let general = self.b.create_block();
        let packed = self.b.create_block();
        let beyond = self.b.create_block();
        self.b
            .exit_if(Cond::icmp(IntCc::Ule, len, from0), beyond, &[]);
        let existing = self.b.create_block();
        self.b.exit_if(is_general, existing, &[]);
        self.b.brif(wrong_kind, (slow, &[]), (packed, &[]));
        // General: neither the old nor the new value may be nil (holes and metamethods are the helper's).
        self.b.switch_to(existing);
        self.b
            .exit_if(Cond::icmp_mem(IntCc::Eq, Width::W8, tag_addr, 0), slow, &[]);
        self.b.brif(no_value, (slow, &[]), (general, &[]));
        let other = self.beyond(slow);
        if other != slow {
            // An entry of the hash part that has a value takes another one, or none.
            self.b.switch_to(other);
            let mut zero = index.may_be_zero(self);
            // A value of the kind that is there leaves the tag as it is.
            if zero != Zero::Never
                && let Some(expected) = value.tags.single().filter(|_| value.tags.has_payload())
            {
                let other = self.no_zero(zero);
                let entry = self.zero_entry(t, idx, zero, expected, other);
                self.store_payload(value, mem::entry(entry, 0));
                self.b.jump(done, &[]);
                self.b.switch_to(other);
                zero = Zero::Never;
            }
            let entry = self.hash_entry(t, idx, zero, slow);
            if value.tags.has_payload() {
                self.store_payload(value, mem::entry(entry, 0));
            }
            self.b
                .store(Width::W8, mem::entry(entry, table::ENTRY_TAG), vtag);
            self.b.jump(done, &[]);
        }
        self.b.switch_to(beyond);
        if may_append {
            self.b
                .exit_unless(Cond::icmp(IntCc::Eq, len, from0), other, &[]);
            let cap = self.b.load(LoadKind::U32, mem::array(t, table::ARRAY_CAP));
            let last = self.b.create_block();
            let room = self.b.create_block();
            self.b
                .brif(Cond::icmp(IntCc::Ult, idx, cap), (room, &[]), (last, &[]));
            // The last place: a full array takes over what the hash part has.
            self.b.switch_to(last);
            self.b
                .exit_unless(Cond::icmp(IntCc::Eq, idx, cap), slow, &[]);
            let has_hash = Cond::icmp_mem(IntCc::Ne, Width::W64, mem::array(t, table::HASH), 0);
            self.b.brif(has_hash, (slow, &[]), (room, &[]));
            self.b.switch_to(room);
            let has_metatable =
                Cond::icmp_mem(IntCc::Ne, Width::W64, mem::shape(t, table::METATABLE), 0);
            self.b.exit_if(has_metatable, slow, &[]);
            self.b.exit_if(no_value, slow, &[]);
            let len_addr = mem::array(t, table::ARRAY_LEN);
            let append = self.b.create_block();
            let first = self.b.create_block();
            self.b.exit_if(is_general, append, &[]);
            let empty = Cond::icmp(IntCc::Eq, kind, i32::from(table::KIND_EMPTY));
            self.b.exit_if(empty, first, &[]);
            self.b.exit_if(wrong_kind, slow, &[]);
            self.b.store(Width::W32, len_addr, idx);
            self.b.jump(packed, &[]);
            // The first element decides about the kind.
            self.b.switch_to(first);
            let kind_addr = mem::array(t, table::ELEM_KIND);
            let number = self.b.isub(vtag, i32::from(tag::INT));
            let other = self.b.create_block();
            self.b
                .exit_if(Cond::icmp(IntCc::Ugt, number, 1), other, &[]);
            let kind = self.b.iadd(number, i32::from(table::KIND_INT));
            self.b.store(Width::W8, kind_addr, kind);
            self.b.store(Width::W32, len_addr, idx);
            self.b.jump(packed, &[]);
            self.b.switch_to(other);
            self.b
                .store_imm(Width::W8, kind_addr, i32::from(table::KIND_GENERAL));
            self.b.jump(append, &[]);
            self.b.switch_to(append);
            self.b.store(Width::W32, len_addr, idx);
            self.b.jump(general, &[]);
        } else {
            self.b.jump(other, &[]);
        }
        self.b.switch_to(general);
        self.b.store(Width::W8, tag_addr, vtag);
        // The payloads of booleans are not touched: their arrays use a byte an element.
        let rest = if value.tags.has_payload() {
            packed
        } else {
            done
        };
        self.b.jump(rest, &[]);
        self.b.switch_to(packed);
        self.store_payload(value, mem::element(array, idx));
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    // ---- stored values

    /// The value to store: a register or a constant, payload and tag in SSA values (or fixed).
    pub(crate) fn stored(&mut self, c: usize) -> Reg {
        let Some(r) = facts::stored_register(c) else {
            let k = c - usize::from(trinity_frontend::bytecode::instr::RK_CONST);
            return self.constant_reg(k);
        };
        if self.tags(r).has_payload() && self.virtual_in(r).is_none() {
            self.get(r);
        }
        if self.tags(r).single().is_none() {
            self.get_tag(r);
        }
        self.reg(r)
    }
    /// A cold block that runs a statement by its helper and goes to `done`.
    pub(crate) fn slow_statement(&mut self, done: Block) -> Block {
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        self.slow_helper(slow);
        self.b.jump(done, &[]);
        self.b.switch_to(here);
        slow
    }
    /// A store of a collectable value into a black object needs the barrier, which the helper does.
    pub(crate) fn guard_not_black(&mut self, object: Value, v: Reg, slow: Block) {
        if v.tags.may_be_collectable() {
            let black = self.is_black(object);
            self.b.exit_if(black, slow, &[]);
        }
    }
    pub(crate) fn is_black(&self, object: Value) -> Cond {
        let mark = mem::mark(object);
        Cond::test_mem(IntCc::Ne, Width::W8, mark, i32::from(header::BLACK))
    }
    /// The barrier for a store into a table that follows at once: what is known of memory outlives it.
    pub(crate) fn barrier(&mut self, table: Value, v: Reg) {
        if !v.tags.may_be_collectable() {
            return;
        }
        let (cold, done) = (self.b.create_cold_block(), self.b.create_block());
        let black = self.is_black(table);
        self.b.brif(black, (cold, &[]), (done, &[]));
        self.b.switch_to(cold);
        self.b.call_symbol(
            Symbol::Stub(leaf::BARRIER).to_ref(),
            &[(table, PReg::Rdi)],
            &[(IrType::I64, PReg::Rax)],
            Clobbers::Keeps,
            None,
        );
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }
}
