//! Virtual objects: tables, and closures with their cells ([`super::closures`]), that are not made as long as nobody but the code at hand has them ([`super::escape`]).
//!
//! A register that holds one has a number for its payload; what the object's fields are is part of the state. Loads and stores of its fields are
//! copies. Cold code that leaves for the interpreter or calls a helper makes the object first, by a leaf function that takes all fields at once
//! (`leaf::MAKE`), so that home slots hold it: one object, in however many registers it is. Code that goes on behind a helper has the
//! virtual object still; the one in the home slots was a picture of it. Only `debug.getlocal` can hand out such a picture, and frames of code that has
//! some are left when it did (`flag::VIRTUAL`).

use super::escape::{Join, Layout, Reason};
use super::func::Lowering;
use super::operators::function_register;
use super::state::{Payload, Reg};
use super::tags::Tags;
use crate::passes::Pass;
use crate::remark::Kind;
use std::collections::{BTreeMap, BTreeSet};
use trinity_abi::helpers::leaf;
use trinity_abi::unit::flag;
use trinity_abi::{heap, string};
use trinity_codegen::ir::{Block, Value};
use trinity_frontend::bytecode::effects::effects;
use trinity_frontend::bytecode::{Const, Instr, RegSet};

/// A key of a virtual table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    /// A short string: constant `k` of a function of the module.
    Name { func: u16, k: u16 },
    /// An element of a list.
    Index(u16),
    /// No key: the metatable.
    Meta,
    /// The value of a cell.
    Cell,
    /// The prototype of a closure of this function of the module, as a number.
    Function(u32),
    /// A cell of a closure.
    Upvalue(u16),
}

impl Key {
    /// The number by which the leaf function knows it.
    pub(super) fn number(self) -> u32 {
        match self {
            Key::Name { func, k } => u32::from(func) << 16 | u32::from(k),
            Key::Index(n) => leaf::MAKE_INDEX | u32::from(n),
            Key::Meta => leaf::MAKE_META,
            Key::Cell => leaf::MAKE_CELL,
            Key::Function(_) => leaf::MAKE_CLOSURE,
            Key::Upvalue(n) => u32::from(n),
        }
    }
}

/// A virtual object: its fields. The first says what it is.
pub(crate) type Fields = Vec<(Key, Reg)>;
/// The tag of the object with these fields.
pub(crate) fn kind(fields: &[(Key, Reg)]) -> Tags {
    match fields.first().map(|f| f.0) {
        Some(Key::Cell) => Tags::CELL,
        Some(Key::Function(_)) => Tags::of(trinity_abi::tag::LUA_FN),
        _ => Tags::TABLE,
    }
}
/// The virtual objects at a place in the code.
pub(crate) type Objects = BTreeMap<u32, Fields>;
/// Objects that were virtual and are no longer.
pub(crate) type Made = BTreeSet<u32>;

/// Most fields of a virtual object.
const MAX_FIELDS: usize = heap::MADE_MAX;

impl Lowering<'_> {
    /// The virtual object in a register of the innermost frame.
    pub(crate) fn virtual_in(&self, r: usize) -> Option<u32> {
        match self.reg(r).p {
            Payload::Virtual(id) => Some(id),
            _ => None,
        }
    }
    /// The virtual table in one.
    pub(crate) fn virtual_table_in(&self, r: usize) -> Option<u32> {
        self.virtual_in(r).filter(|_| self.tags(r) == Tags::TABLE)
    }
    /// The main path needs the object itself: it must be made. This attempt goes on only to see what else must.
    pub(crate) fn escape(&mut self, id: u32, what: &'static str) {
        let why = self.reason(what);
        let parts = self.closure_parts(id);
        let uses = parts.iter().map(|&part| self.plan.uses(part)).sum();
        let wholly = self.plan.need(id, &self.places(id), uses, why);
        for part in parts.into_iter().skip(1).filter(|_| wholly) {
            // Its closures need them where they begin.
            let places = self.places(part);
            self.plan.need(part, &places, 0.0, why);
        }
    }
    /// The same for what cannot be done in front of the instruction.
    pub(crate) fn escape_wholly(&mut self, id: u32, what: &'static str) {
        let why = self.reason(what);
        self.plan.make(id, why);
    }
    fn reason(&self, what: &'static str) -> Reason {
        let line = self.frame().p.lines.get(self.pc as usize).copied();
        let line = line.unwrap_or(0);
        Reason { line, what }
    }
    /// How often the present instruction runs, as far as anybody knows.
    pub(super) fn weight(&self) -> f64 {
        match self.spec().site(self.pc) {
            Some(_) => self.executions(),
            None if self.is_looped_here() => 8.0,
            None => 1.0,
        }
    }
    fn same_key(&self, a: Key, b: Key) -> bool {
        let name = |func: u16, k: u16| &self.module.protos[func as usize].consts[k as usize];
        match (a, b) {
            (Key::Name { func: f, k: x }, Key::Name { func: g, k: y }) => {
                matches!((name(f, x), name(g, y)), (Const::Str(a), Const::Str(b)) if a == b)
            }
            _ => a == b,
        }
    }
    /// Constant `k` of the present function as a key.
    fn name_key(&self, k: usize) -> Option<Key> {
        let f = self.frame();
        let short = matches!(&f.p.consts[k], Const::Str(s) if s.len() <= string::MAX_SHORT);
        let func = u16::try_from(f.func).ok()?;
        let fits = func < leaf::MAKE_FUNCTIONS && short;
        let k = u16::try_from(k).ok()?;
        fits.then_some(Key::Name { func, k })
    }
    /// The place of the field with a name.
    pub(super) fn named(&self, id: u32, name: &[u8]) -> Option<usize> {
        let is = |key: Key| match key {
            Key::Name { func, k } => {
                let c = &self.module.protos[func as usize].consts[k as usize];
                matches!(c, Const::Str(s) if s[..] == *name)
            }
            _ => false,
        };
        self.state.objects[&id].iter().position(|f| is(f.0))
    }
    pub(super) fn position(&self, id: u32, key: Key) -> Option<usize> {
        let fields = &self.state.objects[&id];
        fields.iter().position(|f| self.same_key(f.0, key))
    }

    // ---- instructions

    /// NEWTABLE of a table that need not be made. False: it must.
    pub(crate) fn virtual_table(&mut self, i: Instr) -> bool {
        // Tables that begin empty are what programs make garbage of: loops that wait for the collector must go on feeding it.
        let fits = (1..=MAX_FIELDS).contains(&(i.b() + i.c()));
        if !self.module.passes.has(Pass::Escape) || !fits || self.may_wait_here() {
            return false;
        }
        match self.plan.candidate(self.frame().path, self.pc) {
            Ok(id) => {
                self.remark(|_| Some(Kind::NotMade {}));
                self.flags |= flag::VIRTUAL;
                let weight = self.weight();
                self.plan.weigh(id, weight);
                self.state.objects.insert(id, Vec::new());
                self.state.made.remove(&id);
                self.set(i.a(), Reg::object(id, Tags::TABLE));
                true
            }
            Err(why) => {
                if let Some(Reason { line, what }) = why {
                    self.remark(|_| {
                        let line = line.into();
                        Some(Kind::Made { what, line })
                    });
                }
                false
            }
        }
    }
    /// GETFIELD of a virtual object. False: there is none, or it must be made.
    pub(crate) fn virtual_get_field(&mut self, i: Instr, want: Tags) -> bool {
        let Some(id) = self.virtual_table_in(i.b()) else {
            return false;
        };
        let Some(key) = self.name_key(i.c()) else {
            return false;
        };
        let Some(value) = self.virtual_field(id, key, i, want) else {
            return false;
        };
        self.set(i.a(), value);
        self.result_guard(i.a(), want);
        true
    }
    /// GETI of one.
    pub(crate) fn virtual_get_index(&mut self, i: Instr, want: Tags) -> bool {
        let Some(id) = self.virtual_table_in(i.b()) else {
            return false;
        };
        let value = match self.position(id, Key::Index(i.c() as u16)) {
            Some(n) => self.state.objects[&id][n].1,
            None if self.metatable(id).is_none() => Reg::only_tag(Tags::NIL),
            None => return false,
        };
        self.set(i.a(), value);
        self.result_guard(i.a(), want);
        true
    }
    /// The field that the present instruction, GETFIELD or SELF, reads of a virtual object. `None`: the object must be made.
    fn virtual_field(&mut self, id: u32, key: Key, i: Instr, want: Tags) -> Option<Reg> {
        let own = self.position(id, key).map(|n| self.state.objects[&id][n].1);
        match (own, self.metatable(id)) {
            (Some(own), None) => Some(own),
            (Some(own), _) if !own.tags.meets(Tags::NIL) => Some(own),
            (None, None) => Some(Reg::only_tag(Tags::NIL)),
            (None, Some(metatable)) => self.inherited(metatable, i, want),
            _ => None,
        }
    }
    /// SELF of a virtual object. False: there is none, or it must be made.
    pub(crate) fn virtual_method(&mut self, i: Instr, want: Tags) -> bool {
        let Some(id) = self.virtual_table_in(i.b()) else {
            return false;
        };
        let Some(key) = self.name_key(i.c()) else {
            return false;
        };
        let Some(value) = self.virtual_field(id, key, i, want) else {
            return false;
        };
        self.set(i.a() + 1, Reg::object(id, Tags::TABLE));
        self.set(i.a(), value);
        self.result_guard(i.a(), want);
        true
    }
    /// SETFIELD of a virtual object. False: there is none, or it must be made.
    pub(crate) fn virtual_set_field(&mut self, i: Instr) -> bool {
        let Some(id) = self.virtual_table_in(i.a()) else {
            return false;
        };
        let Some(key) = self.name_key(i.b()) else {
            return false;
        };
        let value = self.stored(i.c());
        let own = self.position(id, key).map(|n| self.state.objects[&id][n].1);
        let has = own.is_some_and(|own| !own.tags.meets(Tags::NIL));
        if let (Some(metatable), false) = (self.metatable(id), has)
            && !self.takes_fields(metatable)
        {
            return false;
        }
        self.virtual_set(id, key, value);
        true
    }
    /// SETI of an element that the list has.
    pub(crate) fn virtual_set_index(&mut self, i: Instr) -> bool {
        let Some(id) = self.virtual_table_in(i.a()) else {
            return false;
        };
        let key = Key::Index(i.b() as u16);
        let value = self.stored(i.c());
        if self.position(id, key).is_none() || value.tags.meets(Tags::NIL) {
            return false;
        }
        self.virtual_set(id, key, value);
        true
    }
    /// SETLIST of a virtual table that has no elements yet.
    pub(crate) fn virtual_set_list(&mut self, i: Instr) -> bool {
        let (a, count) = (i.a(), i.b());
        let Some(id) = self.virtual_table_in(a) else {
            return false;
        };
        // Nobody says where a list with holes ends.
        let holes = |r: usize| self.tags(r).meets(Tags::NIL);
        let fits = self.state.objects[&id].len() + count <= MAX_FIELDS;
        if count == 0 || i.dd() != 0 || !fits || (a + 1..=a + count).any(holes) {
            return false;
        }
        for n in 1..=count {
            let value = self.stored(a + n);
            self.virtual_set(id, Key::Index(n as u16), value);
        }
        true
    }
    /// LEN of one.
    pub(crate) fn virtual_length(&mut self, i: Instr) -> bool {
        let Some(id) = self.virtual_table_in(i.b()) else {
            return false;
        };
        if self.metatable(id).is_some() {
            return false;
        }
        let all = &self.state.objects[&id];
        let n = all.iter().filter(|f| matches!(f.0, Key::Index(_))).count();
        let n = self.b.iconst(n as i64);
        self.define(i.a(), Tags::INT, n);
        true
    }
    pub(super) fn virtual_set(&mut self, id: u32, key: Key, value: Reg) {
        let value = Reg {
            home: false,
            ..value
        };
        if let Payload::Virtual(part) = value.p
            && self.reaches(part, id)
        {
            self.escape(id, "it would be a part of itself");
            return;
        }
        let at = self.position(id, key);
        let fields = self.state.objects.entry(id).or_default();
        match at {
            Some(n) => fields[n].1 = value,
            None if fields.len() < MAX_FIELDS => fields.push((key, value)),
            None => self.escape(id, "it has too many fields"),
        }
        self.exit_cache = None;
    }
    pub(super) fn reaches(&self, from: u32, to: u32) -> bool {
        let parts = self.state.objects.get(&from).into_iter().flatten();
        from == to
            || parts
                .filter_map(|f| f.1.object_number())
                .any(|part| self.reaches(part, to))
    }

    // ---- objects in cold code

    /// Virtual objects that the helper of the present instruction would get must be made: it may keep them.
    pub(crate) fn operands_escape(&mut self) {
        if self.state.objects.is_empty() {
            return;
        }
        let reads = effects(self.frame().p, self.pc as usize).reads;
        for r in reads.iter() {
            if let Some(id) = self.virtual_in(r) {
                self.escape(id, "the runtime may get it here");
            }
        }
    }
    // ---- where ways meet

    /// Parameters of a block for the fields of objects that differ between the ways there.
    pub(crate) fn field_params(&mut self, at: Join, block: Block) -> Vec<(u32, usize, Reg)> {
        let all = self.plan.fields(at);
        all.into_iter()
            .map(|(id, n, tags)| (id, n, self.value_params(block, tags)))
            .collect()
    }
    /// What the present objects have for them.
    pub(crate) fn field_arguments(&mut self, at: Join, params: &[(u32, usize, Reg)]) -> Vec<Value> {
        let mut args = Vec::new();
        for &(id, n, param) in params {
            let field = self.state.objects.get(&id).and_then(|f| f.get(n)).copied();
            match field {
                Some((_, reg)) if reg.tags.within(param.tags) => {
                    args.extend(self.arguments_of(reg, 0, param.tags));
                }
                Some((_, reg)) => {
                    self.plan.vary(at, id, n, reg.tags);
                    args.extend(self.no_arguments(param.tags));
                }
                // Nobody has the object on this way.
                None => args.extend(self.no_arguments(param.tags)),
            }
        }
        args
    }
    /// Something for parameters that nobody looks at.
    pub(crate) fn no_arguments(&mut self, tags: Tags) -> Vec<Value> {
        let mut args = Vec::new();
        if tags == Tags::FLOAT {
            args.push(self.b.fconst(0.0));
        } else if tags.has_payload() {
            args.push(self.b.iconst(0));
        }
        if tags.single().is_none() {
            args.push(self.b.iconst(0));
        }
        args
    }
    /// Fields of `objects` that are not as in `others`, on another way, must be parameters of the join.
    pub(crate) fn compare_objects(
        &mut self,
        at: Join,
        params: &[(u32, usize, Reg)],
        objects: &Objects,
        (others, made): (&Objects, &Made),
    ) {
        for (&id, fields) in objects {
            let Some(other) = others.get(&id) else {
                if made.contains(&id) {
                    self.escape_wholly(id, "it is made on another way here");
                }
                continue;
            };
            let same = |(f, o): (&(Key, Reg), &(Key, Reg))| f.0 == o.0;
            if fields.len() != other.len() || !fields.iter().zip(other).all(same) {
                self.escape_wholly(id, "it has other fields on another way here");
                continue;
            }
            for (n, (f, o)) in fields.iter().zip(other).enumerate() {
                let planned = params.iter().any(|p| (p.0, p.1) == (id, n));
                if !planned && f.1 != o.1 {
                    self.plan.vary(at, id, n, f.1.tags.or(o.1.tags));
                }
            }
        }
    }
    /// The fields are the join's parameters from here on.
    pub(crate) fn take_fields(&mut self, params: &[(u32, usize, Reg)]) {
        for &(id, n, reg) in params {
            if let Some(f) = self.state.objects.get_mut(&id).and_then(|f| f.get_mut(n)) {
                f.1 = reg;
            }
        }
    }
    /// Forgets objects that no register has.
    pub(crate) fn drop_objects(&mut self) {
        if self.state.objects.is_empty() {
            return;
        }
        let mut work = Vec::new();
        for depth in 0..self.state.len() {
            let waits = (depth < self.depth()).then(|| self.waiting_outside(depth));
            for (r, reg) in self.state[depth].iter().enumerate() {
                let live = waits.is_none_or(|w| w.contains(r));
                work.extend(reg.object_number().filter(|_| live));
            }
        }
        let mut used = BTreeMap::new();
        while let Some(id) = work.pop() {
            if let Some(fields) = self.state.objects.remove(&id) {
                work.extend(fields.iter().filter_map(|f| f.1.object_number()));
                used.insert(id, fields);
            }
        }
        self.state.objects = used;
    }

    /// Register `r` has parameters of its own at a join, and a virtual object arrives: the next attempt joins objects.
    pub(crate) fn join_object(&mut self, at: Join, r: usize, id: u32) {
        let fields = self.state.objects.get(&id).cloned().unwrap_or_default();
        let layout = Layout {
            keys: fields.iter().map(|f| f.0).collect(),
            tags: fields.iter().map(|f| f.1.tags).collect(),
        };
        let mut plan = std::mem::take(&mut self.plan);
        let weight = self.weight();
        let joined = plan.join(at, r, layout, weight, |a, b| self.same_key(a, b));
        self.plan = plan;
        if !joined {
            self.escape(id, "it meets another value here");
        }
    }
    /// The joined object of a register, and parameters for its fields.
    pub(crate) fn object_params(
        &mut self,
        at: Join,
        r: usize,
        block: Block,
    ) -> Option<(u32, Fields)> {
        let (id, layout) = self.plan.joined(at, r)?;
        let layout = layout.clone();
        let fields = layout.keys.iter().zip(&layout.tags);
        let fields = fields.map(|(&k, &t)| (k, self.value_params(block, t)));
        Some((id, fields.collect()))
    }
    /// Arguments for them: `reg` arrives. `named`: whether something else that is live behind the join has the object as well.
    pub(crate) fn object_arguments(
        &mut self,
        at: Join,
        r: usize,
        (joined, params): (u32, &Fields),
        reg: Reg,
        named: bool,
    ) -> Vec<Value> {
        let fields = match reg.object_number() {
            Some(id) if !named => self.state.objects.get(&id).cloned(),
            _ => None,
        };
        let mut args = Vec::new();
        let mut all = fields.as_ref().is_some_and(|f| f.len() == params.len());
        let fields = fields.unwrap_or_default();
        for (n, (key, param)) in params.iter().enumerate() {
            let own = fields.iter().find(|f| self.same_key(f.0, *key));
            match own.map(|f| f.1) {
                Some(v) if v.tags.within(param.tags) => {
                    args.extend(self.arguments_of(v, 0, param.tags));
                }
                Some(v) => {
                    self.plan.widen(joined, n, v.tags);
                    args.extend(self.no_arguments(param.tags));
                }
                None => {
                    all = false;
                    args.extend(self.no_arguments(param.tags));
                }
            }
        }
        if !all {
            let why = self.reason("it meets another value here");
            self.plan.part(at, r, why);
        }
        args
    }
    /// Whether something but register `r` of the innermost frame that is live where the graph's node begins has the object.
    pub(crate) fn is_named_twice(&self, id: u32, r: usize, to: super::graph::NodeId) -> bool {
        let d = self.depth();
        let f = self.frame();
        let live = *f.live.live_at(f.graph.nodes[to.index()].start as usize);
        let own = self.state[d].iter().enumerate();
        let own = own.filter(|(k, _)| *k != r && live.contains(*k));
        let is = |reg: &Reg| reg.object_number() == Some(id);
        own.map(|(_, reg)| reg).any(is) || self.is_named_outside(id)
    }
    /// Registers of a frame around the innermost that something may still ask for: what it waits with, and the function whose code is inside.
    fn waiting_outside(&self, depth: usize) -> RegSet {
        let (f, call) = (&self.frames[depth], self.frames[depth + 1].call_pc as usize);
        *f.live.live_across(call) | RegSet::one(function_register(f.p, call))
    }
    /// Whether frames around the innermost, or fields, have the object.
    pub(crate) fn is_named_outside(&self, id: u32) -> bool {
        let is = |reg: &Reg| reg.object_number() == Some(id);
        let outer = (0..self.depth()).any(|depth| {
            let live = self.waiting_outside(depth);
            let regs = self.state[depth].iter().enumerate();
            regs.filter(|(k, _)| live.contains(*k))
                .any(|(_, reg)| is(reg))
        });
        outer || self.state.objects.values().flatten().any(|f| is(&f.1))
    }
}
