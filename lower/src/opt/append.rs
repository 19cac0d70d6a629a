//! Stores into arrays that grow, where training saw one kind of elements: that kind is asked for first of all, so that loops that
//! append find what stays the same in them. The first element of an array, which makes the kind, is stored beside the main path.

use super::func::Lowering;
use super::mem;
use super::state::Reg;
use super::table::{Index, packed_tag};
use super::tags::Tags;
use trinity_abi::{table, tag};
use trinity_codegen::ir::{Cond, IntCc, LoadKind, Width};
use trinity_profile::kind;

impl Lowering<'_> {
    /// The one kind that elements had when the instruction ran, besides none at all, if the value fits it for certain and the keys were those
    /// of arrays.
    pub(super) fn mostly(&self, index: Index, value: Reg) -> Option<u8> {
        let seen = self.spec().kinds(self.pc)?;
        if !self.spec().site(self.pc).is_some_and(|s| s.grows) {
            return None;
        }
        let elements = seen & (kind::INT | kind::FLOAT | kind::GENERAL);
        let other = seen & (kind::MISS | kind::OTHER_KEY | kind::METATABLE) != 0;
        if other || elements.count_ones() != 1 || !matches!(index, Index::Reg(_)) {
            return None;
        }
        let kind = elements.trailing_zeros() as u8;
        let fits = match kind {
            table::KIND_GENERAL => !value.tags.meets(Tags::NIL),
            _ => value.tags == Tags::of(packed_tag(kind)),
        };
        fits.then_some(kind)
    }

    /// `t[i] = value`: an element within the length, or the one behind the last, of an array of this kind.
    pub(super) fn set_mostly(&mut self, a: usize, index: Index, value: Reg, kind: u8) {
        let done = self.b.create_block();
        let slow = self.exit_block();
        let key = self.index_key(index);
        self.leave_unless_tag(a, Tags::TABLE, slow);
        let t = self.peek_bits(a);
        let slow = self.beside(|l| l.store_by_leaf(t, key, value, slow, done));
        let idx = self.index_value(index, slow);
        self.barrier(t, value);
        let general = kind == table::KIND_GENERAL;
        let first = self.b.create_cold_block();
        let (append, existing, put) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        let len_addr = mem::array(t, table::ARRAY_LEN);
        let has_kind = self.b.load(LoadKind::U8, mem::array(t, table::ELEM_KIND));
        let is = Cond::icmp(IntCc::Eq, has_kind, i32::from(kind));
        self.b.exit_unless(is, first, &[]);
        // Tables with one were not seen here; asked in front of all, that is asked once.
        let meta = Cond::icmp_mem(IntCc::Ne, Width::W64, mem::shape(t, table::METATABLE), 0);
        self.b.exit_if(meta, slow, &[]);
        let array = self.b.load64(mem::array(t, table::ARRAY));
        let down = self.b.ineg(idx);
        let tag_addr = mem::element_tag(array, down);
        let len = self.b.load(LoadKind::U32, len_addr);
        let from0 = self.b.isub(idx, 1);
        let within = Cond::icmp(IntCc::Ugt, len, from0);
        self.b.brif(within, (existing, &[]), (append, &[]));
        // Holes and metamethods are the helper's.
        self.b.switch_to(existing);
        if general {
            let hole = Cond::icmp_mem(IntCc::Eq, Width::W8, tag_addr, i32::from(tag::NIL));
            self.b.exit_if(hole, slow, &[]);
        }
        self.b.jump(put, &[]);
        self.b.switch_to(append);
        self.b
            .exit_unless(Cond::icmp(IntCc::Eq, len, from0), slow, &[]);
        let cap = self.b.load(LoadKind::U32, mem::array(t, table::ARRAY_CAP));
        // A full array takes over what the hash part has.
        self.b
            .exit_unless(Cond::icmp(IntCc::Ult, idx, cap), slow, &[]);
        self.b.store(Width::W32, len_addr, idx);
        self.b.jump(put, &[]);
        self.b.switch_to(put);
        if general {
            self.store_tag(value, tag_addr, slow);
        }
        // The payloads of booleans are not touched: their arrays use a byte an element.
        if !general || value.tags.has_payload() {
            self.store_payload(value, mem::element(array, idx));
        }
        self.b.jump(done, &[]);
        // An empty array gets its kind.
        self.b.switch_to(first);
        let is_empty = Cond::icmp(IntCc::Eq, has_kind, i32::from(table::KIND_EMPTY));
        self.b.exit_unless(is_empty, slow, &[]);
        self.b.exit_unless(Cond::icmp(IntCc::Eq, idx, 1), slow, &[]);
        let cap = Cond::icmp_mem(IntCc::Ule, Width::W32, mem::array(t, table::ARRAY_CAP), 1);
        self.b.exit_if(cap, slow, &[]);
        let meta = Cond::icmp_mem(IntCc::Ne, Width::W64, mem::shape(t, table::METATABLE), 0);
        self.b.exit_if(meta, slow, &[]);
        let array = self.b.load64(mem::array(t, table::ARRAY));
        self.b
            .store_imm(Width::W8, mem::array(t, table::ELEM_KIND), i32::from(kind));
        self.b.store_imm(Width::W32, len_addr, 1);
        if general {
            let down = self.b.ineg(idx);
            self.store_tag(value, mem::element_tag(array, down), slow);
        }
        if !general || value.tags.has_payload() {
            self.store_payload(value, mem::element(array, idx));
        }
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }
}
