//! Elements of arrays: inline, by the kinds of elements that were seen where there is a profile, else for all kinds.

use super::facts;
use super::func::Lowering;
use super::hash_part::Zero;
use super::mem;
use super::state::{Payload, Reg};
use super::tags::Tags;
use trinity_abi::{string, table, tag};
use trinity_codegen::ir::{Block, Cond, IntCc, LoadKind, Type as IrType, Value, Width};
use trinity_frontend::bytecode::{Instr, Op};
use trinity_profile::kind;

/// Index into an array.
#[derive(Clone, Copy)]
pub(super) enum Index {
    Reg(usize),
    Imm(i64),
}

impl Index {
    /// Whether 0 is to be expected.
    pub(super) fn may_be_zero(self, l: &Lowering) -> Zero {
        match self {
            Index::Imm(0) => Zero::Always,
            Index::Imm(_) => Zero::Never,
            Index::Reg(_) => match l.spec().range(l.pc) {
                Some((0, high)) if high == 0 || l.only_kind().is_some() => Zero::Mostly,
                Some((low, high)) if low <= 0 && 0 <= high => Zero::Maybe,
                _ => Zero::Never,
            },
        }
    }
}

/// What an access is compiled for.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// Elements of this kind within the length; everything else leaves.
    Only(u8),
    /// All kinds; the helper does the rest.
    Any,
}

/// The tag of elements of a packed kind.
pub(super) fn packed_tag(kind: u8) -> u8 {
    kind - table::KIND_INT + tag::INT
}

impl Lowering<'_> {
    pub(super) fn access(&self) -> Access {
        let seen = self.spec().kinds(self.pc).unwrap_or(u8::MAX);
        let elements = seen & (kind::EMPTY | kind::INT | kind::FLOAT | kind::GENERAL);
        let keyed = matches!(self.instr().op(), Op::GetTable | Op::SetTable);
        if keyed && self.spec().other_keys(self.pc) {
            return Access::Any;
        }
        if seen & (kind::MISS | kind::APPEND | kind::OTHER_KEY) == 0
            && elements.count_ones() == 1
            && elements != 1 << table::KIND_EMPTY
        {
            return Access::Only(elements.trailing_zeros() as u8);
        }
        Access::Any
    }

    /// GETTABLE, GETI.
    pub(crate) fn get_index(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        let index = if i.op() == Op::GetI {
            Index::Imm(i.c() as i64)
        } else {
            Index::Reg(i.c())
        };
        self.table_guard(b);
        self.key_guard(index);
        let want = self.spec().result(self.pc).unwrap_or(facts::VALUE);
        if i.op() == Op::GetI && self.virtual_get_index(i, want) {
            return;
        }
        let possible = match index {
            Index::Reg(r) => self.tags(r).meets(Tags::INT),
            Index::Imm(_) => true,
        };
        if !self.tags(b).meets(Tags::TABLE) {
            self.step();
            return self.result_in_home(a, want);
        }
        if let Index::Reg(key) = index
            && !possible
        {
            return self.get_key(a, b, key, want);
        }
        let holes = self
            .spec()
            .site(self.pc)
            .is_none_or(|s| s.result.meets(Tags::NIL));
        match self.access() {
            Access::Only(kind) if !holes => {
                self.remark_elements(kind);
                let exit = self.exit_block();
                let (t, idx) = self.array_element(b, index, exit, exit);
                let k = self.b.load(LoadKind::U8, mem::array(t, table::ELEM_KIND));
                self.b
                    .exit_if(Cond::icmp(IntCc::Ne, k, i32::from(kind)), exit, &[]);
                let array = self.b.load64(mem::array(t, table::ARRAY));
                let reg = match kind {
                    table::KIND_FLOAT => {
                        let v = self.b.loadf(mem::element(array, idx));
                        Reg::known(Tags::FLOAT, v)
                    }
                    table::KIND_INT => {
                        let v = self.b.load64(mem::element(array, idx));
                        Reg::known(Tags::INT, v)
                    }
                    _ => {
                        let down = self.b.ineg(idx);
                        let t = self.b.load(LoadKind::U8, mem::element_tag(array, down));
                        // Nil leads to metamethods: where it was never seen it leaves.
                        let want = want.minus(Tags::NIL);
                        self.remark_result(want);
                        self.loaded(t, want, exit);
                        let p = want
                            .has_payload()
                            .then(|| self.element_payload(array, idx, want));
                        if want.single().is_some() {
                            Reg {
                                tags: want,
                                p: p.map_or(Payload::None, Payload::Value),
                                t: None,
                                home: false,
                            }
                        } else {
                            Reg::tagged(want, p, t)
                        }
                    }
                };
                self.set(a, reg);
                self.result_guard(a, want);
            }
            _ => self.get_any(a, b, index, want, holes),
        }
    }

    pub(super) fn entry_payload(&mut self, entry: Value, tags: Tags) -> Value {
        match tags == Tags::FLOAT {
            true => self.b.loadf(mem::entry(entry, 0)),
            false => self.b.load64(mem::entry(entry, 0)),
        }
    }

    pub(super) fn element_payload(&mut self, array: Value, idx: Value, tags: Tags) -> Value {
        if tags == Tags::FLOAT {
            self.b.loadf(mem::element(array, idx))
        } else {
            self.b.load64(mem::element(array, idx))
        }
    }

    /// A tag that was loaded is in `want`, or it goes to `otherwise`.
    pub(crate) fn loaded(&mut self, t: Value, want: Tags, otherwise: Block) {
        let cond = match want.single() {
            Some(x) => Cond::icmp(IntCc::Ne, t, i32::from(x)),
            None if super::spec::is_guardable(want) => {
                let low = want.0.trailing_zeros() as i32;
                let above = self.b.isub(t, low);
                Cond::icmp(IntCc::Ugt, above, want.0.count_ones() as i32 - 1)
            }
            // Anything but nil.
            None => Cond::icmp(IntCc::Eq, t, 0),
        };
        self.b.exit_if(cond, otherwise, &[]);
    }

    /// A result just written to the home slot is what it always was, or it leaves behind the instruction.
    pub(crate) fn result_in_home(&mut self, a: usize, want: Tags) {
        self.set(a, Reg::in_home(facts::VALUE));
        self.result_guard(a, want);
    }
    /// The same for a result in any place.
    pub(crate) fn result_guard(&mut self, a: usize, want: Tags) {
        if self.tags(a).within(want) || !super::spec::is_guardable(want) {
            return;
        }
        self.remark_result(want);
        let exit = self.exit_block_at(self.pc + 1);
        self.leave_unless_tag(a, want, exit);
        self.refine(a, want);
    }

    /// Leaves unless the register holds a table, where it always did.
    pub(crate) fn table_guard(&mut self, r: usize) {
        if self.tags(r).meets(Tags::TABLE) && self.spec().operand(self.pc, 0) == Some(Tags::TABLE) {
            self.guard(r, Tags::TABLE);
        }
    }

    /// Leaves unless the key is of the kind that it always was.
    pub(super) fn key_guard(&mut self, index: Index) {
        if let Index::Reg(r) = index
            && let Some(t) = facts::plan_key(&self.spec(), self.pc, self.tags(r))
        {
            self.guard(r, t);
        }
    }

    pub(super) fn get_any(&mut self, a: usize, b: usize, index: Index, want: Tags, holes: bool) {
        let want = if super::spec::is_guardable(want) {
            want
        } else {
            facts::VALUE
        };
        let done = self.b.create_block();
        let out = self.value_params(done, want);
        // Where training found something every time, and without metamethods, everything else leaves: nothing comes back
        // from a helper that may have changed anything.
        let others = matches!(index, Index::Reg(_)) && self.spec().other_keys(self.pc);
        let plain = |k| k & kind::METATABLE == 0;
        let usual = !others && self.spec().kinds(self.pc).is_some_and(plain);
        let slow = if usual && !holes && !want.meets(Tags::NIL) {
            self.exit_block()
        } else {
            self.slow_step(a, want, done)
        };
        let beyond = self.beyond(slow);
        self.leave_unless_tag(b, Tags::TABLE, slow);
        if let Index::Reg(key) = index
            && self.other_keys(key)
        {
            let other = self.b.create_block();
            self.leave_unless_tag(key, Tags::INT, other);
            let here = self.b.current();
            self.b.switch_to(other);
            self.raw_get(b, key, want, slow, done);
            self.b.switch_to(here);
        }
        let empty = self
            .spec()
            .kinds(self.pc)
            .is_none_or(|k| k & kind::EMPTY != 0);
        if beyond != slow
            && !empty
            && let Some(kind) = self.only_kind()
        {
            // Before the length: so every way through an iteration has asked.
            let t = self.peek_bits(b);
            let at = mem::array(t, table::ELEM_KIND);
            let other = Cond::icmp_mem(IntCc::Ne, Width::W8, at, i32::from(kind));
            self.b.exit_if(other, slow, &[]);
            // And has the array, which behind the length some have not.
            self.b.load64(mem::array(t, table::ARRAY));
        }
        let (t, idx) = self.array_element(b, index, slow, beyond);
        if beyond != slow {
            let here = self.b.current();
            self.b.switch_to(beyond);
            let absent = match index {
                _ if want.meets(Tags::NIL) => self.nothing_there(t, want, slow, done),
                // A key that is nowhere was never met: metamethods are the helper's.
                _ => slow,
            };
            let no_hash = Cond::icmp_mem(IntCc::Eq, Width::W64, mem::array(t, table::HASH), 0);
            self.b.exit_if(no_hash, absent, &[]);
            let mut zero = index.may_be_zero(self);
            // What has the key 0 as it always did needs no other look at its tag.
            if zero != Zero::Never
                && let Some(expected) = want.single()
            {
                let other = self.no_zero(zero);
                let entry = self.zero_entry(t, idx, zero, expected, other);
                let mut args = Vec::new();
                if want.has_payload() {
                    args.push(self.entry_payload(entry, want));
                }
                self.b.jump(done, &args);
                self.b.switch_to(other);
                zero = Zero::Never;
            }
            let entry = self.hash_entry(t, idx, zero, absent);
            let entry_tag = self
                .b
                .load(LoadKind::U8, mem::entry(entry, table::ENTRY_TAG));
            if super::spec::is_guardable(want) {
                self.loaded(entry_tag, want, slow);
            }
            let mut args = Vec::new();
            if want.has_payload() {
                args.push(self.entry_payload(entry, want));
            }
            if want.single().is_none() {
                args.push(entry_tag);
            }
            self.b.jump(done, &args);
            self.b.switch_to(here);
        }
        let (array, found_tag) = match self.only_kind() {
            Some(kind) => self.element_tag_of(t, idx, kind, slow),
            None => self.element_tag_or(t, idx, slow),
        };
        if super::spec::is_guardable(want) {
            self.loaded(found_tag, want, slow);
        }
        let mut args = Vec::new();
        if want.has_payload() {
            let p = self.element_payload(array, idx, want);
            args.push(p);
        }
        if want.single().is_none() {
            args.push(found_tag);
        }
        self.b.jump(done, &args);
        self.b.switch_to(done);
        self.set(a, out);
    }

    /// The one kind of array whose elements training met here.
    pub(super) fn only_kind(&self) -> Option<u8> {
        let seen = self.spec().kinds(self.pc)? & (kind::INT | kind::FLOAT | kind::GENERAL);
        (seen.count_ones() == 1).then(|| seen.trailing_zeros() as u8)
    }
    /// As `element_tag_or`, for arrays of one kind: others go to `slow`.
    fn element_tag_of(&mut self, t: Value, idx: Value, kind: u8, slow: Block) -> (Value, Value) {
        let (array, found) = self.element_of_kind(t, idx, kind, slow);
        if kind == table::KIND_GENERAL {
            self.b.exit_if(Cond::icmp(IntCc::Eq, found, 0), slow, &[]);
        }
        (array, found)
    }
    /// The array, of this kind (others go to `slow`), and the tag of its element `idx`, which is within the length; it may be nil.
    pub(super) fn element_of_kind(
        &mut self,
        t: Value,
        idx: Value,
        kind: u8,
        slow: Block,
    ) -> (Value, Value) {
        let array = self.b.load64(mem::array(t, table::ARRAY));
        let k = self.b.load(LoadKind::U8, mem::array(t, table::ELEM_KIND));
        self.b
            .exit_if(Cond::icmp(IntCc::Ne, k, i32::from(kind)), slow, &[]);
        if kind != table::KIND_GENERAL {
            return (array, self.b.iconst(i64::from(packed_tag(kind))));
        }
        let down = self.b.ineg(idx);
        let at = mem::element_tag(array, down);
        (array, self.b.load(LoadKind::U8, at))
    }
    /// The array and the tag of its element `idx`, which is within the length; nil goes to `slow`.
    pub(super) fn element_tag_or(&mut self, t: Value, idx: Value, slow: Block) -> (Value, Value) {
        let array = self.b.load64(mem::array(t, table::ARRAY));
        let kind = self.b.load(LoadKind::U8, mem::array(t, table::ELEM_KIND));
        let general = self.b.create_block();
        let found = self.b.create_block();
        let found_tag = self.b.block_param(found, IrType::I64);
        self.b.exit_if(
            Cond::icmp(IntCc::Eq, kind, i32::from(table::KIND_GENERAL)),
            general,
            &[],
        );
        // Packed kinds: integers are 1, floats 2.
        let packed = self.b.iadd(kind, i32::from(tag::INT - table::KIND_INT));
        self.b.jump(found, &[packed]);
        self.b.switch_to(general);
        let down = self.b.ineg(idx);
        let t = self.b.load(LoadKind::U8, mem::element_tag(array, down));
        self.b
            .brif(Cond::icmp(IntCc::Eq, t, 0), (slow, &[]), (found, &[t]));
        self.b.switch_to(found);
        (array, found_tag)
    }
    /// The key as a value.
    pub(super) fn index_key(&mut self, index: Index) -> Reg {
        match index {
            Index::Reg(r) => self.stored(r),
            Index::Imm(n) => {
                let v = self.b.iconst(n);
                Reg::known(Tags::INT, v)
            }
        }
    }

    /// Checks that the register is a table (else `slow`) and the index within its length (else `beyond`); gives the table and the index (from 1).
    pub(super) fn array_element(
        &mut self,
        r: usize,
        index: Index,
        slow: Block,
        beyond: Block,
    ) -> (Value, Value) {
        self.leave_unless_tag(r, Tags::TABLE, slow);
        let idx = self.index_value(index, slow);
        let t = self.peek_bits(r);
        let len = self.b.load(LoadKind::U32, mem::array(t, table::ARRAY_LEN));
        let from0 = self.b.isub(idx, 1);
        self.b
            .exit_unless(Cond::icmp(IntCc::Ugt, len, from0), beyond, &[]);
        (t, idx)
    }
    pub(super) fn index_value(&mut self, index: Index, slow: Block) -> Value {
        match index {
            Index::Reg(k) => {
                self.leave_unless_tag(k, Tags::INT, slow);
                self.peek_bits(k)
            }
            Index::Imm(n) => self.b.iconst(n),
        }
    }

    /// LEN: strings, and tables without a metatable whose array part is not empty.
    pub(crate) fn length(&mut self, i: Instr) {
        let (a, b) = (i.a(), i.b());
        if self.virtual_length(i) {
            return;
        }
        if let Some(t) = self.spec().operand(self.pc, 0)
            && (t == Tags::TABLE || t == Tags::STR)
            && self.tags(b).meets(t)
        {
            self.guard(b, t);
        }
        let tags = self.tags(b);
        if tags.within(Tags::STR) {
            let s = self.get(b);
            let at = match self.grows(b) {
                true => mem::growing_length(s),
                false => mem::constant(s, string::LEN),
            };
            let n = self.b.load64(at);
            return self.define(a, Tags::INT, n);
        }
        let want = self.spec().result(self.pc).unwrap_or(facts::VALUE);
        let want = if super::spec::is_guardable(want) {
            want
        } else {
            facts::VALUE
        };
        if !tags.meets(Tags::TABLE) || !want.meets(Tags::INT) {
            self.step();
            return self.result_in_home(a, want);
        }
        let done = self.b.create_block();
        let out = self.value_params(done, want);
        let slow = self.slow_step(a, want, done);
        self.leave_unless_tag(b, Tags::TABLE, slow);
        let t = self.peek_bits(b);
        self.b.exit_if(
            Cond::icmp_mem(IntCc::Ne, Width::W64, mem::shape(t, table::METATABLE), 0),
            slow,
            &[],
        );
        let n = self.b.load(LoadKind::U32, mem::array(t, table::ARRAY_LEN));
        // The length of an empty array is 0 if there is no hash part.
        let empty = self.b.create_block();
        let known = self.b.create_block();
        self.b
            .brif(Cond::icmp(IntCc::Eq, n, 0), (empty, &[]), (known, &[]));
        self.b.switch_to(empty);
        self.b.brif(
            Cond::icmp_mem(IntCc::Ne, Width::W64, mem::array(t, table::HASH), 0),
            (slow, &[]),
            (known, &[]),
        );
        self.b.switch_to(known);
        let mut args = vec![n];
        if want.single().is_none() {
            args.push(self.b.iconst(i64::from(tag::INT)));
        }
        self.b.jump(done, &args);
        self.b.switch_to(done);
        self.set(a, out);
    }
}
