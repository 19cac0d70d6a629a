//! Calls of one of several functions: each compared by its code pointer, then called as if it were the only one.

use super::facts;
use super::func::Lowering;
use super::mem;
use super::module::ParamIn;
use super::tags::Tags;
use crate::Symbol;
use trinity_abi::{VALUE_TAIL, closure, tag};
use trinity_codegen::ir::{Block, CallTarget, Cond, IntCc, PReg, Value, Width};
use trinity_frontend::bytecode::Instr;

/// Part of the calls that the functions told apart must make up.
const COVERED: f64 = 0.75;

/// A function told apart from the others called at a site.
struct Candidate {
    callee: u32,
    /// Its part of the calls.
    share: f64,
    inline: bool,
}

impl Lowering<'_> {
    /// The functions that calls here are told apart by, the most frequent first.
    fn candidates(&self, i: Instr) -> Vec<Candidate> {
        let Some(site) = self.spec().site(self.pc).filter(|s| s.targets.len() > 1) else {
            return Vec::new();
        };
        let all = site.count.max(1) as f64;
        let mut found = Vec::new();
        for &(callee, n) in &site.targets {
            let share = n as f64 / all;
            let typed = self.module.typed.get(callee as usize) == Some(&true);
            let inline = typed && self.may_inline(i, callee, share).is_ok();
            if inline || typed && self.takes(callee, i.b()) {
                found.push(Candidate {
                    callee,
                    share,
                    inline,
                });
            }
        }
        let covered: f64 = found.iter().map(|c| c.share).sum();
        match covered >= COVERED {
            true => found,
            false => Vec::new(),
        }
    }

    /// CALL where training saw a few functions of the module. False: nothing was done.
    pub(crate) fn call_of_several(&mut self, i: Instr) -> bool {
        let (a, c) = (i.a(), i.c());
        let candidates = match (1..=2).contains(&c) && self.spec().is_hot(self.pc) {
            true => self.candidates(i),
            false => Vec::new(),
        };
        if candidates.is_empty() || !self.tags(a).meets(Tags::FUNCTION) {
            return false;
        }
        self.guard(a, Tags::FUNCTION);
        let f = self.get(a);
        let code = self.b.load64(mem::proto(f, closure::CODE));
        let want = self.spec().result(self.pc).unwrap_or(facts::VALUE);
        let done = self.b.create_block();
        let out = (c == 2).then(|| self.value_params(done, want));
        let before = self.state.clone();
        let mut ends = Vec::new();
        for k in &candidates {
            let hit = self.b.create_block();
            let next = self.b.create_block();
            let its = self.b.symbol_addr(Symbol::Func(k.callee).to_ref());
            self.b
                .brif(Cond::icmp(IntCc::Eq, code, its), (hit, &[]), (next, &[]));
            self.b.switch_to(hit);
            self.refine(a, Tags::of(tag::LUA_FN));
            match k.inline {
                true => self.inline_call(i, k.callee, Some(f), k.share),
                false => self.direct_call(i, k.callee, f),
            }
            let args = self.wanted_result(a, want, c);
            self.b.jump(done, &args);
            ends.push(std::mem::replace(&mut self.state, before.clone()));
            self.exit_cache = None;
            self.b.switch_to(next);
        }
        // Whatever else is called.
        let here = self.b.current();
        self.b.set_cold(here, true);
        self.b.cold_region(true);
        self.remark_call();
        self.call_any(i);
        let args = self.wanted_result(a, want, c);
        self.b.jump(done, &args);
        self.b.cold_region(false);
        ends.push(std::mem::replace(&mut self.state, before));
        self.exit_cache = None;
        self.b.switch_to(done);
        // Home slots hold what they held on all ways here.
        for end in &ends {
            let own = self.state.objects.clone();
            for (id, fields) in &own {
                let end_fields = end.objects.get(id);
                if end_fields.map_or(end.made.contains(id), |f| f != fields) {
                    self.escape_wholly(*id, "one of several functions changes it");
                }
            }
            for (regs, others) in self.state.iter_mut().zip(end.iter()) {
                for (reg, o) in regs.iter_mut().zip(others) {
                    reg.home &= o.home;
                }
            }
        }
        self.clobber_from(a);
        if let Some(out) = out {
            self.set(a, out);
        }
        true
    }

    /// TAILCALL of the Lua function `f` in `R[a]` with `b - 1` arguments: where it is one that training saw, its body is entered with arguments in
    /// registers. Arguments of other kinds go to `general`. What is no such function goes on in the present block.
    pub(crate) fn tail_calls_of_known(&mut self, a: usize, b: usize, f: Value, general: Block) {
        let Some(site) = self
            .spec()
            .site(self.pc)
            .filter(|_| self.spec().is_hot(self.pc))
        else {
            return;
        };
        let module = self.module;
        let seen = site
            .callee
            .into_iter()
            .chain(site.targets.iter().map(|t| t.0));
        let takes = |l: &Self, callee: u32| {
            module.typed.get(callee as usize) == Some(&true)
                && l.takes(callee, b)
                && module.has_body(callee)
        };
        let known: Vec<u32> = seen.filter(|&callee| takes(self, callee)).collect();
        if known.is_empty() {
            return;
        }
        let code = self.b.load64(mem::proto(f, closure::CODE));
        for callee in known {
            let hit = self.b.create_block();
            let next = self.b.create_block();
            let its = self.b.symbol_addr(Symbol::Func(callee).to_ref());
            self.b
                .brif(Cond::icmp(IntCc::Eq, code, its), (hit, &[]), (next, &[]));
            self.b.switch_to(hit);
            let (target, sig) = self.entered(callee, a + 1);
            for (n, tags) in sig.known() {
                self.leave_unless_tag(a + 1 + n, tags, general);
            }
            let mut args = Vec::new();
            // Upwards, each below its source.
            for (n, p) in sig.params.iter().enumerate() {
                let r = a + 1 + n;
                match *p {
                    ParamIn::Register(Tags::FLOAT, preg) => args.push((self.peek_float(r), preg)),
                    ParamIn::Register(_, preg) => args.push((self.peek_bits(r), preg)),
                    ParamIn::Tag(_) => {}
                    ParamIn::Home => self.move_argument(r, n),
                }
            }
            self.b.store64(mem::function_slot(0), f);
            self.b
                .store_imm(Width::W8, mem::function_slot(8), i32::from(tag::LUA_FN));
            self.b
                .store_imm(Width::W8, mem::function_slot(VALUE_TAIL), 1);
            if !sig.has_body() {
                args.push((self.b.iconst(b as i64 - 1), PReg::Rcx));
            }
            self.b.tail_jump(CallTarget::Symbol(target.to_ref()), &args);
            self.b.switch_to(next);
        }
    }

    /// The result in `R[a]` as arguments for parameters of these kinds, if the call wants one.
    fn wanted_result(&mut self, a: usize, want: Tags, c: usize) -> Vec<Value> {
        match c == 2 {
            true => self.arguments(a, want),
            false => Vec::new(),
        }
    }
}
