//! Table constructors: NEWTABLE allocates one cell with slots and array of the right size, and the shape of all string keys the constructor is
//! going to store (the instruction's cache has it). Its SETFIELDs and SETLIST are then plain stores.
//!
//! Nobody but the constructor has the table, so nothing can happen to it, except: behind a safe point the collector may have marked it, and
//! `debug.getlocal` may have handed it to somebody. So behind a safe point stores look at shape, length and mark; what is not as it was is the
//! helper's. What makes a store the constructor's is checked here, not taken from the front end: the NEWTABLE dominates it, and between them
//! nothing writes the register and no jump leads out.

use super::func::{Frame, Lowering};
use super::graph::NodeId;
use super::mem;
use super::state::Reg;
use super::tags::Tags;
use crate::passes::Pass;
use trinity_abi::heap::{MAX_INLINE_ELEMENTS, TableLayout, table_layout};
use trinity_abi::{VALUE_TAG, cache, header, string, table, tag};
use trinity_codegen::ir::{Cond, IntCc, LoadKind, Width};
use trinity_frontend::bytecode::effects::effects;
use trinity_frontend::bytecode::instr::NO_CACHE;
use trinity_frontend::bytecode::{Const, Instr, Op, Proto, constructor};

/// A constructor whose NEWTABLE was lowered.
pub(crate) struct Constructor {
    node: NodeId,
    new: Instr,
    layout: TableLayout,
    /// Positions of the code that belongs to it: behind NEWTABLE, up to its last store.
    code: std::ops::Range<usize>,
    /// Constants that are its keys; the position is the slot.
    keys: Vec<usize>,
    /// It has keys that are no fields.
    mixed: bool,
    /// Safe points that there were when the table was new.
    safepoints: usize,
}

/// Where the code of the constructor that begins at `pc` ends, and its string keys without repetition. `None`: it is not as the front end makes
/// them, or has keys that are no fields.
fn extent(p: &Proto, pc: usize) -> Option<(usize, Vec<usize>)> {
    let new = p.code[pc];
    let (mut end, mut keys) = (pc + 1, Vec::new());
    for at in constructor::stores(&p.code, pc) {
        end = at + 1;
        if p.code[at].op() == Op::SetField {
            let k = p.code[at].b();
            let short = matches!(&p.consts[k], Const::Str(s) if s.len() <= string::MAX_SHORT);
            if short && !keys.iter().any(|&other| same_string(p, other, k)) {
                keys.push(k);
            }
        }
    }
    // Positional fields may follow.
    if new.c() > 0 {
        end += p.code[end..]
            .iter()
            .position(|i| i.op() == Op::SetList && i.a() == new.a())?
            + 1;
    }
    let inside = pc + 1..end;
    let own = inside.clone().all(|at| {
        let fx = effects(p, at);
        let stays = fx.jump.is_none_or(|to| inside.contains(&to) || to == end);
        stays && !(fx.next_writes | fx.jump_writes).contains(new.a())
    });
    own.then_some((end, keys))
}

fn same_string(p: &Proto, a: usize, b: usize) -> bool {
    matches!((&p.consts[a], &p.consts[b]), (Const::Str(a), Const::Str(b)) if a == b)
}

impl Frame<'_> {
    fn dominates(&self, a: NodeId, b: NodeId) -> bool {
        let mut n = b;
        while self.graph.order[n.index()] > self.graph.order[a.index()] {
            n = self.graph.idom[n.index()];
        }
        n == a
    }
}

impl Lowering<'_> {
    /// NEWTABLE.
    pub(crate) fn new_table(&mut self, i: Instr) {
        let a = i.a();
        if self.virtual_table(i) {
            return;
        }
        let Some((end, keys)) = extent(self.frame().p, self.pc as usize) else {
            return self.made(a, Tags::TABLE);
        };
        // The helper takes the number from the cache.
        let few = match i.c() {
            0 => self.spec().elements(self.pc),
            _ => None,
        };
        let layout = table_layout(few.unwrap_or(i.c()), i.b());
        if i.d() == NO_CACHE as usize
            || !self.module.passes.has(Pass::Constructors)
            || i.c() > MAX_INLINE_ELEMENTS
            || keys.len() > layout.slot_cap as usize
        {
            return self.made(a, Tags::TABLE);
        }
        if let Some(n) = few.filter(|n| *n > MAX_INLINE_ELEMENTS) {
            self.leave_room(i, n);
            return self.made(a, Tags::TABLE);
        }
        let done = self.b.create_block();
        let out = self.value_params(done, Tags::TABLE);
        let slow = self.slow_new_table(i, !keys.is_empty(), few, done);
        let (caches, offset) = self.cache(i.d());
        let shape = self.b.load64(mem::cache(caches, offset + cache::VALUE));
        self.b.exit_if(Cond::icmp(IntCc::Eq, shape, 0), slow, &[]);
        let (t, white) = self.take_cell(layout.class, slow);
        let mark = self.b.shl(white, 8 * header::MARK);
        let h = self.b.iadd(mark, i32::from(tag::TABLE));
        self.b.store(Width::W32, mem::fresh(t, 0), h);
        let id = self
            .b
            .load(LoadKind::U32, mem::cache(caches, offset + cache::SHAPE_ID));
        self.b.store(Width::W32, mem::fresh(t, table::SHAPE_ID), id);
        let slots = self.b.iadd(t, table::SIZE);
        self.b.store64(mem::fresh(t, table::SLOTS), slots);
        if layout.array == 0 {
            self.b.store_imm(Width::W64, mem::fresh(t, table::ARRAY), 0);
        } else {
            let array = self.b.iadd(t, layout.array as i32);
            self.b.store64(mem::fresh(t, table::ARRAY), array);
        }
        self.store_pair(t, table::ARRAY_LEN, 0, layout.array_cap);
        self.b.store_imm(Width::W64, mem::fresh(t, table::HASH), 0);
        self.b.store64(mem::fresh(t, table::SHAPE), shape);
        self.b
            .store_imm(Width::W64, mem::fresh(t, table::METATABLE), 0);
        self.store_pair(t, table::SLOT_CAP, layout.slot_cap, layout.array);
        let soon = self.stored_soon(i, &keys);
        for (n, _) in soon.iter().enumerate().filter(|(_, soon)| !**soon) {
            let at = mem::fresh(t, own_slot(n) + VALUE_TAG);
            self.b.store_imm(Width::W8, at, i32::from(tag::NIL));
        }
        self.b.jump(done, &[t]);
        self.b.switch_to(done);
        self.set(a, out);
        let p = self.frame().p;
        let mixed = constructor::stores(&p.code, self.pc as usize)
            .any(|at| p.code[at].op() != Op::SetField);
        let c = Constructor {
            node: self.node,
            new: i,
            layout,
            code: self.pc as usize + 1..end,
            keys,
            mixed,
            safepoints: self.safepoints.len(),
        };
        self.frame_mut().constructors.push(c);
    }

    /// Two words of 32 bits.
    fn store_pair(&mut self, t: trinity_codegen::ir::Value, at: i32, low: u32, high: u32) {
        let both = u64::from(low) | u64::from(high) << 32;
        match i32::try_from(both as i64) {
            Ok(n) => self.b.store_imm(Width::W64, mem::fresh(t, at), n),
            Err(_) => {
                let both = self.b.iconst(both as i64);
                self.b.store64(mem::fresh(t, at), both);
            }
        }
    }

    /// Which keys are stored by code that does nothing else in between: no slot of theirs is ever seen empty.
    fn stored_soon(&self, new: Instr, keys: &[usize]) -> Vec<bool> {
        let p = self.frame().p;
        let mut soon = vec![false; keys.len()];
        for i in &p.code[self.pc as usize + 1..] {
            match i.op() {
                Op::LoadI
                | Op::LoadF
                | Op::LoadK
                | Op::LoadNil
                | Op::LoadFalse
                | Op::LoadTrue
                | Op::Move => {}
                Op::SetField if i.a() == new.a() => {
                    let Some(n) = keys.iter().position(|&k| same_string(p, k, i.b())) else {
                        break;
                    };
                    soon[n] = true;
                }
                _ => break,
            }
        }
        soon
    }

    /// The cold block of a NEWTABLE: its helper makes the same table. When shapes have run out it has none, and the interpreter goes on.
    fn slow_new_table(
        &mut self,
        i: Instr,
        keys: bool,
        few: Option<usize>,
        done: trinity_codegen::ir::Block,
    ) -> trinity_codegen::ir::Block {
        let here = self.b.current();
        let slow = self.b.create_cold_block();
        if let Some(n) = few {
            self.b.switch_to(slow);
            self.leave_room(i, n);
        }
        self.slow_helper(slow);
        let before = self.reg(i.a());
        *self.reg_mut(i.a()) = Reg::in_home(Tags::TABLE);
        if keys {
            let exit = self.exit_block_at(self.pc + 1);
            let (caches, offset) = self.cache(i.d());
            let shape = mem::cache(caches, offset + cache::VALUE);
            let none = Cond::icmp_mem(IntCc::Eq, Width::W64, shape, 0);
            self.b.exit_if(none, exit, &[]);
        }
        let args = self.arguments(i.a(), Tags::TABLE);
        self.b.jump(done, &args);
        *self.reg_mut(i.a()) = before;
        self.b.switch_to(here);
        slow
    }

    /// The helper of a NEWTABLE is to make room for elements.
    fn leave_room(&mut self, i: Instr, elements: usize) {
        let (caches, offset) = self.cache(i.d());
        let at = mem::cache(caches, offset + cache::SLOT);
        self.b.store_imm(Width::W32, at, elements as i32);
    }

    /// The constructor that the present instruction belongs to and stores for.
    fn constructor(&self, a: usize) -> Option<&Constructor> {
        let f = self.frame();
        f.constructors.iter().rfind(|c| {
            c.new.a() == a && c.code.contains(&(self.pc as usize)) && f.dominates(c.node, self.node)
        })
    }

    /// The present instruction stores what the constructor has a place for.
    pub(crate) fn is_constructing(&self, a: usize) -> bool {
        self.constructor(a).is_some()
    }

    /// SETFIELD of a constructor; false: it is not one.
    pub(crate) fn construct_field(&mut self, i: Instr) -> bool {
        let p = self.frame().p;
        let Some(c) = self.constructor(i.a()) else {
            return false;
        };
        let Some(slot) = c.keys.iter().position(|&k| same_string(p, k, i.b())) else {
            return false;
        };
        let (fresh, new) = (c.safepoints == self.safepoints.len(), c.new);
        let value = self.stored(i.c());
        let t = self.get(i.a());
        if fresh {
            let at = own_slot(slot);
            self.store_value(value, mem::fresh(t, at), mem::fresh(t, at + VALUE_TAG));
            return true;
        }
        let done = self.b.create_block();
        let slow = self.slow_statement(done);
        let (caches, offset) = self.cache(new.d());
        self.check_shape_id(t, caches, offset, slow);
        self.barrier(t, value);
        let slots = self.b.load64(mem::shape(t, table::SLOTS));
        self.store_value(
            value,
            mem::known_slot(slots, slot as u32, 0),
            mem::known_slot(slots, slot as u32, VALUE_TAG),
        );
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        true
    }

    /// SETLIST.
    pub(crate) fn set_list(&mut self, i: Instr) {
        if !self.virtual_set_list(i) && !self.construct_list(i) {
            self.step();
        }
    }

    /// SETLIST of a constructor whose array is in the table; false: it is not one, or what the elements are has to be seen at run time.
    fn construct_list(&mut self, i: Instr) -> bool {
        let a = i.a();
        let Some(c) = self.constructor(a) else {
            return false;
        };
        let layout = c.layout;
        // An open list ends with the results of a call: one, if it is to be done here.
        let open = self.open_values().filter(|_| i.b() == 0);
        let count = match open {
            Some(o) => o.first - a,
            None => i.b(),
        };
        if c.mixed || count == 0 || i.dd() != 0 || count > layout.array_cap as usize {
            return false;
        }
        let fresh = c.safepoints == self.safepoints.len();
        let fixed = a + 1..=a + count - usize::from(open.is_some());
        let mut values: Vec<Reg> = fixed.map(|r| self.stored(r)).collect();
        values.extend(open.map(|o| o.value));
        let tags: Vec<Tags> = values.iter().map(|v| v.tags).collect();
        let all = |of: Tags| tags.iter().all(|&t| t == of);
        let kind = if all(Tags::INT) {
            table::KIND_INT
        } else if all(Tags::FLOAT) {
            table::KIND_FLOAT
        } else if tags.iter().any(|t| !t.meets(Tags::NUM))
            || tags.contains(&Tags::INT) && tags.contains(&Tags::FLOAT)
        {
            table::KIND_GENERAL
        } else {
            return false;
        };
        // The last element must be one.
        let last = tags[count - 1];
        if last == Tags::NIL {
            return false;
        }
        let t = self.get(a);
        let done = self.b.create_block();
        if !fresh || last.meets(Tags::NIL) {
            let slow = self.slow_statement(done);
            if let Some(o) = open {
                let other = Cond::icmp_w(IntCc::Ne, Width::W32, o.count, 1);
                self.b.exit_if(other, slow, &[]);
            }
            if last.meets(Tags::NIL) {
                let tag = self.stored_tag(values[count - 1]);
                let none = Cond::icmp(IntCc::Eq, tag, i32::from(tag::NIL));
                self.b.exit_if(none, slow, &[]);
            }
            if !fresh {
                let changed = |at: i32, was: u32, w: Width| {
                    Cond::icmp_mem(IntCc::Ne, w, mem::fresh(t, at), was as i32)
                };
                let len = changed(table::ARRAY_LEN, 0, Width::W32);
                self.b.exit_if(len, slow, &[]);
                let cap = changed(table::ARRAY_CAP, layout.array_cap, Width::W32);
                self.b.exit_if(cap, slow, &[]);
                let hash = changed(table::HASH, 0, Width::W64);
                self.b.exit_if(hash, slow, &[]);
                for &v in &values {
                    if v.tags.may_be_collectable() {
                        self.barrier(t, v);
                        break;
                    }
                }
            }
        }
        let array = if fresh {
            self.b.iadd(t, layout.array as i32)
        } else {
            self.b.load64(mem::fresh(t, table::ARRAY))
        };
        for (n, &v) in values.iter().enumerate() {
            let payload = mem::fresh(array, 8 * n as i32);
            let tag = mem::fresh(array, -1 - n as i32);
            if kind == table::KIND_GENERAL {
                self.store_value(v, payload, tag);
            } else {
                self.store_payload(v, payload);
            }
        }
        let len = mem::fresh(t, table::ARRAY_LEN);
        self.b.store_imm(Width::W32, len, count as i32);
        let at = mem::fresh(t, table::ELEM_KIND);
        self.b.store_imm(Width::W8, at, i32::from(kind));
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        true
    }
}

/// Offset of a slot inside the table.
fn own_slot(n: usize) -> i32 {
    table::SIZE + 16 * n as i32
}
