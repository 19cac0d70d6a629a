//! Metatables of virtual objects ([`super::objects`]): `setmetatable` of one, and what it inherits.

use super::facts;
use super::func::Lowering;
use super::mem;
use super::objects::Key;
use super::state::Reg;
use super::tags::Tags;
use crate::Symbol;
use trinity_abi::helpers::leaf;
use trinity_abi::intrinsic::Intrinsic;
use trinity_abi::{VALUE_TAG, cache, closure, tag};
use trinity_codegen::ir::{
    Addr, Block, Clobbers, Cond, IntCc, LoadKind, PReg, Type as IrType, Value, Width,
};
use trinity_frontend::bytecode::instr::NO_CACHE;
use trinity_frontend::bytecode::{Event, Instr, Op};

impl Lowering<'_> {
    /// The metatable of a virtual object.
    pub(super) fn metatable(&self, id: u32) -> Option<Reg> {
        let fields = &self.state.objects[&id];
        fields.iter().find(|f| f.0 == Key::Meta).map(|f| f.1)
    }

    /// CALL or TAILCALL of `setmetatable`, of a virtual object, or in code of a callee that ends with it. False: it is called as others.
    pub(crate) fn set_metatable(&mut self, i: Instr) -> bool {
        let (a, tail) = (i.a(), i.op() == Op::TailCall);
        if i.b() != 3 || !tail && !(1..=2).contains(&i.c()) {
            return false;
        }
        if let Some(id) = self.virtual_table_in(a + 1)
            && self.may_have_metatable(id, a + 2)
        {
            self.recognise(a, Intrinsic::Setmetatable);
            if self.virtual_table_in(a + 2).is_none() {
                // Who has a finalizer when it gets the metatable is known to the collector, and who has weak references.
                self.guard(a + 2, Tags::TABLE);
                let mt = self.get(a + 2);
                let exit = self.exit_block();
                for event in [Event::Gc, Event::Mode] {
                    self.surely_absent(mt, event, exit);
                }
            }
            self.remark_done(Intrinsic::Setmetatable, "is done in line");
            let metatable = self.reg(a + 2);
            self.virtual_set(id, Key::Meta, metatable);
            self.clobber_from(a);
            if tail || i.c() == 2 {
                self.set(a, Reg::object(id, Tags::TABLE));
            }
            return true;
        }
        if !tail || self.depth() == 0 {
            return false;
        }
        self.recognise(a, Intrinsic::Setmetatable);
        self.remark_done(Intrinsic::Setmetatable, "is called by its direct form");
        let exit = self.exit_block();
        let answer = self.call_direct(a, 3, 2, Intrinsic::Setmetatable);
        self.unless_declined(answer, exit);
        self.clobber_from(a);
        self.define(a, Tags::TABLE, answer[0]);
        true
    }
    /// The register has a table that can be a virtual object's metatable.
    fn may_have_metatable(&self, id: u32, r: usize) -> bool {
        self.metatable(id).is_none()
            && match self.virtual_table_in(r) {
                Some(mt) => {
                    let names = [b"__gc".as_slice(), b"__mode"];
                    names.iter().all(|name| self.named(mt, name).is_none()) && !self.reaches(mt, id)
                }
                None => self.tags(r).meets(Tags::TABLE),
            }
    }

    /// A field that a virtual object has not itself.
    pub(super) fn inherited(&mut self, metatable: Reg, i: Instr, want: Tags) -> Option<Reg> {
        let Some(mt) = metatable.object_number() else {
            return self.inherited_function(metatable, i);
        };
        // A metatable that was made with the object: who is asked is known.
        let Some(n) = self.named(mt, b"__index") else {
            return Some(Reg::only_tag(Tags::NIL));
        };
        let class = self.state.objects[&mt][n].1;
        if class.tags != Tags::TABLE
            || class.object_number().is_some()
            || i.d() == NO_CACHE as usize
            || want.meets(Tags::NIL) && want != facts::VALUE
        {
            return None;
        }
        let t = self.bits_of(class, 0);
        let exit = self.exit_block();
        let done = self.b.create_block();
        let out = self.value_params(done, want);
        let here = self.b.current();
        // The instruction's cache is about who is asked, here.
        let slow = self.b.create_cold_block();
        self.b.switch_to(slow);
        let place = self.find_by_leaf(t, i);
        self.b.exit_if(Cond::icmp(IntCc::Eq, place, 0), exit, &[]);
        let p = self.b.load64(Addr::value(place, 0));
        let found = self.b.load(LoadKind::U8, Addr::value(place, VALUE_TAG));
        self.found(p, found, want, exit, done);
        self.b.switch_to(here);
        self.remark_result(want);
        let likely = self.likely_method();
        let (p, found) = self.cached_value(t, i, likely, slow);
        self.found(p, found, want, exit, done);
        self.b.switch_to(done);
        Some(out)
    }

    /// Leaves if a metatable has a method for an event: where its shape does not know, a leaf function finds out.
    fn surely_absent(&mut self, mt: Value, event: Event, exit: Block) {
        let ask = self.b.create_cold_block();
        let none = self.b.create_block();
        self.known_absent(mt, event, ask);
        self.b.jump(none, &[]);
        self.b.switch_to(ask);
        let number = self.b.iconst(event as i64);
        let absent = self.b.call_symbol(
            Symbol::Stub(leaf::ABSENT).to_ref(),
            &[(mt, PReg::Rdi), (number, PReg::Rsi)],
            &[(IrType::I64, PReg::Rax)],
            Clobbers::Keeps,
            None,
        )[0];
        let some = Cond::icmp(IntCc::Eq, absent, 0);
        self.b.brif(some, (exit, &[]), (none, &[]));
        self.b.switch_to(none);
    }
    /// A function that all objects with a metatable inherit, where training always called it: a cell behind the inline caches knows it by the
    /// metatable's shape, which no other table has.
    fn inherited_function(&mut self, metatable: Reg, i: Instr) -> Option<Reg> {
        let callee = self
            .called_later(i)
            .filter(|_| i.d() != NO_CACHE as usize)?;
        let mt = self.bits_of(metatable, 0);
        let key = self.const_pointer(i.c());
        let cell = cache::method_cell(self.frame().p.num_caches, i.d());
        let (caches, _) = self.cache(i.d());
        let exit = self.exit_block();
        Some(self.function_of_metatable(mt, key, (caches, cell), callee, exit))
    }
    /// The closure of function `callee` that tables with metatable `mt` inherit under `key`; what is another leaves.
    pub(super) fn function_of_metatable(
        &mut self,
        mt: Value,
        key: Value,
        (caches, cell): (Value, i32),
        callee: u32,
        exit: Block,
    ) -> Reg {
        self.remark_callee(callee);
        let miss = self.b.create_cold_block();
        let done = self.b.create_block();
        let f = self.b.block_param(done, IrType::I64);
        self.check_shape_id(mt, caches, cell, miss);
        self.check_epoch(caches, cell + cache::FUNCTION_EPOCH, miss);
        let found = self.b.load64(mem::cache(caches, cell + cache::FUNCTION));
        self.b.jump(done, &[found]);
        self.b.switch_to(miss);
        let place = self.b.addr_of(Addr::value(caches, cell));
        let code = self.b.symbol_addr(Symbol::Func(callee).to_ref());
        let args = [
            (mt, PReg::Rdi),
            (key, PReg::Rsi),
            (place, PReg::Rdx),
            (code, PReg::Rcx),
        ];
        let answer = self.b.call_symbol(
            Symbol::Stub(leaf::METHOD).to_ref(),
            &args,
            &[(IrType::I64, PReg::Rax)],
            Clobbers::Keeps,
            None,
        )[0];
        let none = Cond::icmp(IntCc::Eq, answer, 0);
        self.b.brif(none, (exit, &[]), (done, &[answer]));
        self.b.switch_to(done);
        let code = self.b.symbol_addr(Symbol::Func(callee).to_ref());
        let at = mem::proto(f, closure::CODE);
        self.b
            .assume(Cond::icmp_mem(IntCc::Eq, Width::W64, at, code));
        self.functions.insert(f, callee);
        Reg::known(Tags::of(tag::LUA_FN), f)
    }

    /// Objects with this metatable get fields that they have not without asking anybody.
    pub(super) fn takes_fields(&mut self, metatable: Reg) -> bool {
        match metatable.object_number() {
            Some(mt) => self.named(mt, b"__newindex").is_none(),
            None => {
                let mt = self.bits_of(metatable, 0);
                let exit = self.exit_block();
                self.surely_absent(mt, Event::NewIndex, exit);
                true
            }
        }
    }
}
