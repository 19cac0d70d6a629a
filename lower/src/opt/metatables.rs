//! Metatables of virtual objects ([`super::objects`]): `setmetatable` of one, and what it inherits.

use super::facts;
use super::func::Lowering;
use super::objects::Key;
use super::state::Reg;
use super::tags::Tags;
use trinity_abi::VALUE_TAG;
use trinity_abi::intrinsic::Intrinsic;
use trinity_codegen::ir::{Addr, Cond, IntCc, LoadKind};
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
        if let Some(id) = self.virtual_in(a + 1)
            && self.may_have_metatable(id, a + 2)
        {
            self.recognise(a, Intrinsic::Setmetatable);
            if self.virtual_in(a + 2).is_none() {
                // Who has a finalizer when it gets the metatable is known to the collector.
                self.guard(a + 2, Tags::TABLE);
                let mt = self.get(a + 2);
                let exit = self.exit_block();
                self.known_absent(mt, Event::Gc, exit);
            }
            self.remark_done(Intrinsic::Setmetatable, "is done in line");
            let metatable = self.reg(a + 2);
            self.virtual_set(id, Key::Meta, metatable);
            self.clobber_from(a);
            if tail || i.c() == 2 {
                self.set(a, Reg::object(id));
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
            && match self.virtual_in(r) {
                Some(mt) => self.named(mt, b"__gc").is_none() && !self.reaches(mt, id),
                None => self.tags(r).meets(Tags::TABLE),
            }
    }

    /// A field that a virtual object has not itself.
    pub(super) fn inherited(&mut self, metatable: Reg, i: Instr, want: Tags) -> Option<Reg> {
        // A metatable that was made with the object: who is asked is known.
        let mt = metatable.object_number()?;
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

    /// Objects with this metatable get fields that they have not without asking anybody.
    pub(super) fn takes_fields(&mut self, metatable: Reg) -> bool {
        match metatable.object_number() {
            Some(mt) => self.named(mt, b"__newindex").is_none(),
            None => {
                let mt = self.bits_of(metatable, 0);
                let exit = self.exit_block();
                self.known_absent(mt, Event::NewIndex, exit);
                true
            }
        }
    }
}
