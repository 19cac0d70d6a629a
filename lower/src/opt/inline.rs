//! Calls whose callee becomes part of the caller's code.
//!
//! The callee's registers overlap the caller's as a called frame's would: its base is the slot of its first argument, so that its home slots are
//! what the interpreter expects when the code is left. The chain of frames is named by exits and safe points (`InlineFrame`).

use super::escape::Join;
use super::facts;
use super::func::Lowering;
use super::graph::{Kind, NodeId};
use super::intrinsics;
use super::mem;
use super::objects::{Fields, kind};
use super::spec::Spec;
use super::state::{Payload, Reg, State};
use super::tags::Tags;
use crate::passes::Pass;
use crate::remark::NotInlined;
use trinity_abi::helpers::stub;
use trinity_abi::tag;
use trinity_abi::unit::InlineFrame;
use trinity_codegen::ir::{Block, Value, Width};
use trinity_frontend::bytecode::{Instr, Op, Proto};

/// Where inlined code returns to.
pub(crate) struct Return {
    /// Takes the results as parameters.
    block: Block,
    /// Tags of the results wanted; the first `values.len()`.
    tags: Vec<Tags>,
    /// Registers of the frames around, where it returned.
    ends: Vec<State>,
    /// What virtual objects know this place by.
    at: Join,
    /// By result: the virtual object that it is on all ways so far.
    objects: Vec<Option<u32>>,
    /// By result: a joined object and its fields among the parameters.
    joined: Vec<Option<(u32, Fields)>>,
    /// Fields of other objects among the parameters.
    fields: Vec<(u32, usize, Reg)>,
}

/// A call whose callee becomes code.
pub(super) struct Called {
    /// The register under which the callee's frame begins: there is its closure.
    pub function: usize,
    pub args: Vec<Reg>,
    /// Where results go.
    pub to: usize,
    pub wanted: usize,
}

/// Instructions of a callee, at most.
const CALLEE_MAX: usize = 80;
/// The same of a callee that hardly anybody else calls, if it is called [`OFTEN`].
const SOLE_MAX: usize = 260;
/// How much more than of others must be saved by callees beyond [`CALLEE_MAX`]: code that is spread out pays for their size.
pub(super) const OFTEN: f64 = 50.0;
/// Part of a function's calls that a site must make to be its only caller.
const SOLE: f64 = 0.9;
/// Instructions inlined into one function, at most.
const TOTAL_MAX: usize = 800;
/// Frames inlined into one function, at most: their numbers are bytes in the tables of safe points.
const FRAMES_MAX: usize = 200;
/// Nested frames, at most.
const DEPTH_MAX: usize = 8;
/// Instructions of a callee inlined into itself, at most: larger ones fill the instruction cache.
const RECURSIVE_MAX: usize = 32;
/// Tail calls in line of tail calls in line, at most.
const TAILS_MAX: usize = 2;
/// A function within itself, at most.
const RECURSION_MAX: usize = 2;
/// Instructions' worth of time that a call in line saves: frames, guards that both sides make, values that pass through memory.
const SAVES: f64 = 15.0;
/// Part of all the time that must be saved for each instruction of a callee: the code of each is some fifty bytes.
const WORTH: f64 = 4e-6;
/// Callees of so few instructions are no larger than calls.
const TINY: usize = 4;
/// Without a profile: instructions of a callee that loops have in line, at most.
const SMALL: usize = 16;

/// Only calls, returns with a fixed number of values, and what needs no place of its own at the frame's end. Generic loops go through tables by
/// the library's functions: these have nothing to close.
fn inlinable(p: &Proto, spec: &Spec, max: usize) -> Result<(), NotInlined> {
    let len = p.code.len();
    if len > max {
        return Err(NotInlined::Long { len, max });
    }
    if p.is_vararg {
        return Err(NotInlined::Vararg);
    }
    for (pc, &i) in (0..).zip(p.code.iter()) {
        let fixed = i.b() != 0 || pc > 0 && is_behind_tail_call(p, pc);
        let traverses = |to| facts::plan_traversal(p, spec, to).is_some();
        match i.op() {
            Op::Return if !fixed => return Err(NotInlined::OpenReturn),
            // Of a function that is inlined, too (`tails_inlinable`).
            Op::TailCall if i.b() == 0 || i.c() != 0 => return Err(NotInlined::TailCall),
            Op::VarArg | Op::VarArgPrep => return Err(NotInlined::Vararg),
            Op::TForPrep if spec.is_left(pc) || traverses(facts::jump_target(i, pc)) => {}
            Op::Tbc | Op::TForPrep => return Err(NotInlined::Closes),
            _ => {}
        }
    }
    Ok(())
}

/// The RETURN that follows a TAILCALL is never reached.
fn is_behind_tail_call(p: &Proto, pc: u32) -> bool {
    p.code[pc as usize - 1].op() == Op::TailCall
}

impl Lowering<'_> {
    /// Whether the call becomes code of this function; if not, why. `share`: the part of the calls here that are of this callee.
    pub(crate) fn may_inline(&self, i: Instr, callee: u32, share: f64) -> Result<(), NotInlined> {
        let p = self.module.text(callee);
        let len = p.code.len();
        let within = self.frames.iter().filter(|f| f.func == callee).count();
        let seen = self.module.seen[callee as usize].as_ref();
        let text = self.module.between[callee as usize].is_some();
        let by_text = text && within == 0 && len <= SMALL && self.is_looped_here();
        let obstacles = [
            (
                !self.module.passes.has(Pass::Inline),
                NotInlined::SwitchedOff,
            ),
            (i.b() == 0, NotInlined::OpenArguments),
            (
                i.c() == 0 || self.is_open_call() && !self.returned_one(callee),
                NotInlined::OpenResults,
            ),
            (self.frames.len() >= DEPTH_MAX, NotInlined::Depth(DEPTH_MAX)),
            (within > RECURSION_MAX, NotInlined::Recursion(RECURSION_MAX)),
            (
                within > 0 && len > RECURSIVE_MAX,
                NotInlined::RecursiveLong {
                    len,
                    max: RECURSIVE_MAX,
                },
            ),
            (
                self.inlines.len() >= FRAMES_MAX,
                NotInlined::Frames(FRAMES_MAX),
            ),
            (
                self.inlined_code + len > TOTAL_MAX,
                NotInlined::Total(self.inlined_code),
            ),
            (seen.is_none() && !by_text, NotInlined::NotTrained),
            (
                len > TINY
                    && !by_text
                    && !self.is_worth(len, share)
                    && !self.begins_object(callee)
                    && !self.calls_argument(i, callee, share),
                NotInlined::Seldom,
            ),
        ];
        if let Some((_, why)) = obstacles.into_iter().find(|o| o.0) {
            return Err(why);
        }
        let count = self.spec().site(self.pc).map_or(0.0, |s| s.count as f64);
        let all = seen.map_or(0.0, |s| s.calls as f64);
        let often = self.is_worth(len, share / OFTEN);
        let max = match count * share >= all * SOLE && often {
            true => SOLE_MAX,
            false => CALLEE_MAX,
        };
        inlinable(p, &self.module.spec(callee), max)?;
        self.tails_inlinable(callee, TAILS_MAX)
    }

    /// All tail calls of the function can become code as well.
    fn tails_inlinable(&self, func: u32, most: usize) -> Result<(), NotInlined> {
        let p = self.module.text(func);
        let spec = self.module.spec(func);
        for (pc, &i) in (0..).zip(p.code.iter()) {
            let done = intrinsics::returned(&spec, pc, i).is_some() || spec.is_left(pc);
            if i.op() != Op::TailCall || done {
                continue;
            }
            let callee = self.tail_callee(&spec, pc, func);
            let Some(callee) = callee.filter(|_| most > 0) else {
                return Err(NotInlined::TailCall);
            };
            let p = self.module.text(callee);
            let inner = inlinable(p, &self.module.spec(callee), CALLEE_MAX);
            let inner = inner.and_then(|()| self.tails_inlinable(callee, most - 1));
            inner.map_err(|_| NotInlined::TailCall)?;
        }
        Ok(())
    }
    /// The function that a tail call of `func` always called, if that is not among those whose code is around.
    fn tail_callee(&self, spec: &Spec, pc: u32, func: u32) -> Option<u32> {
        let callee = spec.site(pc).filter(|_| spec.is_hot(pc))?.callee?;
        let known = self.module.typed.get(callee as usize) == Some(&true);
        let around = callee == func || self.frames.iter().any(|f| f.func == callee);
        (known && !around && self.module.seen[callee as usize].is_some()).then_some(callee)
    }

    /// TAILCALL in inlined code, of a function that was found to be inlinable when the code around was: its frame takes the place of the one
    /// that ends. False: nothing was done.
    pub(crate) fn inline_tail_call(&mut self, i: Instr) -> bool {
        let (a, b) = (i.a(), i.b());
        let (spec, func) = (self.spec(), self.frame().func);
        let Some(callee) = self.tail_callee(&spec, self.pc, func) else {
            return false;
        };
        if b == 0 || i.c() != 0 || self.inlines.len() > FRAMES_MAX + 40 {
            return false;
        }
        let f = self.callee_guard(a, callee, true);
        let f = f.unwrap_or_else(|| self.get(a));
        self.remark_inlined(callee);
        let p = self.module.text(callee);
        self.inlined_code += p.code.len();
        // Arguments move to other slots: what holds them there is values, not the slots where they are.
        for r in a + 1..a + b {
            self.stored(r);
        }
        let mut regs = self.parameters(a, b, p);
        for (k, reg) in regs.iter_mut().enumerate() {
            reg.home = false;
            let slot = self.frame().offset + k;
            self.forget_cold_stores(slot);
        }
        let entry: Vec<Tags> = regs.iter().map(|r| r.tags).collect();
        let runs = self.executions();
        let (pc, node) = (self.pc, self.node);
        // There is the frame of the function that ends.
        let (Some(mut ends), Some(own)) = (self.frames.pop(), self.state.pop()) else {
            return false;
        };
        self.inlines.push(InlineFrame {
            func: callee,
            parent: self.frame().chain as u16,
            delta: ends.offset as u16,
            call_pc: ends.call_pc,
        });
        let chain = self.inlines.len() as u32;
        // The function slot says that this is a tail call.
        let (d, slot) = (self.depth(), ends.offset - 1);
        let r = slot - self.frame().offset;
        let closure = Reg::known(Tags::of(tag::LUA_FN), f);
        self.store(closure, slot);
        self.b.store_imm(Width::W8, mem::tail_mark(slot), 1);
        let before = std::mem::replace(
            &mut self.state[d][r],
            Reg {
                home: true,
                ..closure
            },
        );
        self.node = ends.call_node;
        self.tail_from = Some((ends.path, pc));
        self.push_frame(
            callee,
            ends.offset,
            chain,
            ends.call_pc,
            Some(f),
            &entry,
            regs,
        );
        self.frame_mut().runs = runs;
        self.frame_mut().tailed = true;
        self.frame_mut().ret = ends.ret.take();
        self.run();
        ends.ret = self.frames.pop().and_then(|f| f.ret);
        self.state.pop();
        self.state[d][r] = before;
        self.frames.push(ends);
        self.state.push(own);
        (self.pc, self.node) = (pc, node);
        self.exit_cache = None;
        self.source(None);
        true
    }
    /// Registers of a callee at its entry: arguments of the present instruction.
    fn parameters(&self, a: usize, b: usize, p: &Proto) -> Vec<Reg> {
        let given = (b - 1).min(p.num_params as usize);
        let mut regs = vec![Reg::DEAD; p.max_stack as usize + 1];
        for (k, reg) in regs.iter_mut().enumerate().take(p.num_params as usize) {
            *reg = if k < given {
                self.reg(a + 1 + k)
            } else {
                Reg::only_tag(Tags::NIL)
            };
        }
        regs
    }

    /// How often the present instruction ran in training, in this copy of its function.
    pub(super) fn executions(&self) -> f64 {
        let f = self.frame();
        let count = f.spec.site(self.pc).map_or(0.0, |s| s.count as f64);
        count * f.runs / f.spec.calls().max(1.0)
    }

    /// The time saved by `len` instructions in line of the present call pays for their code.
    pub(super) fn is_worth(&self, len: usize, share: f64) -> bool {
        self.executions() * share * SAVES >= self.module.executed * WORTH * len as f64
    }

    /// CALL of a known function, whose closure is `f` (`None`: virtual), by its code.
    pub(crate) fn inline_call(&mut self, i: Instr, callee: u32, f: Option<Value>, share: f64) {
        let (a, b, c) = (i.a(), i.b(), i.c());
        let called = Called {
            function: a,
            args: (a + 1..a + b).map(|r| self.reg(r)).collect(),
            to: a,
            wanted: c - 1,
        };
        self.inline_function(called, callee, f, share);
    }

    /// Code of a known function, whose closure is `f`, or virtual and in the register under which the frame begins.
    pub(super) fn inline_function(
        &mut self,
        called: Called,
        callee: u32,
        f: Option<Value>,
        share: f64,
    ) {
        let (a, to) = (called.function, called.to);
        self.remark_inlined(callee);
        let p = self.module.text(callee);
        self.inlined_code += p.code.len();
        let mut regs = vec![Reg::DEAD; p.max_stack as usize + 1];
        for (k, reg) in regs.iter_mut().enumerate().take(p.num_params as usize) {
            let given = called.args.get(k).copied();
            *reg = given.unwrap_or(Reg::only_tag(Tags::NIL));
        }
        let entry: Vec<Tags> = regs.iter().map(|r| r.tags).collect();
        let offset = self.slot(a) + 1;
        self.inlines.push(InlineFrame {
            func: callee,
            parent: self.frame().chain as u16,
            delta: offset as u16,
            call_pc: self.pc,
        });
        let chain = self.inlines.len() as u32;
        let (pc, node) = (self.pc, self.node);
        let runs = self.executions() * share;
        self.push_frame(callee, offset, chain, pc, f, &entry, regs);
        self.frame_mut().runs = runs;
        let tags = self.return_tags(called.wanted);
        let block = self.b.create_block();
        let at = Join::behind(self.frame().path);
        let (mut out, mut joined) = (Vec::new(), Vec::new());
        for (n, &t) in tags.iter().enumerate() {
            let object = self.object_params(at, n, block);
            out.push(match &object {
                Some((id, fields)) => Reg::object(*id, kind(fields)),
                None => self.value_params(block, t),
            });
            joined.push(object);
        }
        let fields = self.field_params(at, block);
        self.frame_mut().ret = Some(Return {
            block,
            at,
            objects: vec![None; tags.len()],
            tags,
            ends: Vec::new(),
            joined,
            fields,
        });
        self.run();
        // There is the frame just pushed, and it was given a place to return to.
        let mut ret = self.frames.pop().and_then(|f| f.ret);
        self.state.pop();
        (self.pc, self.node) = (pc, node);
        self.exit_cache = None;
        self.source(None);
        self.b.switch_to(block);
        // Home slots of frames around hold what they held on all ways out.
        let ends = ret.as_mut().map(|r| std::mem::take(&mut r.ends));
        let mut ends = ends.unwrap_or_default().into_iter();
        if let Some(first) = ends.next() {
            self.state = first;
            for end in ends {
                for (regs, others) in self.state.iter_mut().zip(end.iter()) {
                    for (reg, o) in regs.iter_mut().zip(others) {
                        reg.home &= o.home;
                    }
                }
                let own = self.state.objects.clone();
                if let (Some(ret), false) = (&ret, own.is_empty()) {
                    self.compare_objects(at, &ret.fields, &own, (&end.objects, &end.made));
                }
                let others = end.objects.keys().filter(|id| self.state.made.contains(id));
                for id in others.copied().collect::<Vec<_>>() {
                    self.escape_wholly(id, "it is made on another way here");
                }
            }
        }
        self.clobber_from(a);
        if let Some(ret) = ret {
            self.take_fields(&ret.fields);
            for (n, object) in ret.objects.into_iter().enumerate() {
                if let Some(id) = object {
                    let tags = self.state.objects.get(&id).map_or(Tags::TABLE, |f| kind(f));
                    out[n] = Reg::object(id, tags);
                }
            }
            self.state.objects.extend(ret.joined.into_iter().flatten());
        }
        for (k, reg) in out.into_iter().enumerate() {
            self.set(to + k, reg);
        }
        if called.wanted > 0 && self.instr().op() != Op::TForCall {
            let want = self.spec().result(self.pc).unwrap_or(facts::VALUE);
            self.result_guard(to, want);
        }
    }

    /// Tags of the first `wanted` results over all returns of the innermost frame.
    fn return_tags(&self, wanted: usize) -> Vec<Tags> {
        let f = self.frame();
        let mut all = vec![Tags::NONE; wanted];
        for (k, node) in f.graph.nodes.iter().enumerate() {
            let id = NodeId(k as u32);
            if node.kind != Kind::Block
                || f.graph.order[id.index()] == u32::MAX
                || f.spec.is_left(node.start)
            {
                continue;
            }
            let last = f.p.code[node.end as usize - 1];
            let count = match last.op() {
                Op::Return0 => 0,
                Op::Return1 => 1,
                Op::Return => last.b() - 1,
                Op::TailCall => 1,
                _ => continue,
            };
            if count != 1 && self.returns_to_open_call() {
                continue;
            }
            let mut s = f.facts[k].clone();
            for pc in node.start..node.end - 1 {
                facts::transfer(f.p, &f.spec, pc, &mut s);
            }
            if last.op() == Op::TailCall {
                let Some(kind) = intrinsics::returned(&f.spec, node.end - 1, last) else {
                    // Whatever the next function returns; the first is what the call always gave.
                    let caller = &self.frames[self.depth() - 1];
                    let first = caller.spec.result(f.call_pc);
                    for (n, t) in all.iter_mut().enumerate() {
                        *t = t.or(first.filter(|_| n == 0).unwrap_or(facts::VALUE));
                    }
                    continue;
                };
                s[last.a()] = kind;
            }
            for (n, t) in all.iter_mut().enumerate() {
                *t = t.or(if n < count {
                    s[last.a() + n]
                } else {
                    Tags::NIL
                });
            }
        }
        // A callee that never returns leaves nothing, but the values need some kind.
        for t in &mut all {
            if t.is_none() {
                *t = facts::VALUE;
            }
        }
        all
    }

    /// Result `n` of inlined code, from a register or nil, is a virtual object, as on all other ways, or a joined one.
    fn return_object(&mut self, n: usize, from: Option<usize>) -> bool {
        let id = from.and_then(|r| self.virtual_in(r));
        let Some(ret) = &mut self.frame_mut().ret else {
            return false;
        };
        let at = ret.at;
        if ret.joined[n].is_some() {
            return true;
        }
        let first = ret.ends.is_empty();
        let before = ret.objects[n];
        match (id, before) {
            (Some(id), None) if first => ret.objects[n] = Some(id),
            (Some(id), Some(other)) if id == other => {}
            (None, None) => {}
            (Some(id), Some(other)) => {
                self.join_object(at, n, other);
                self.join_object(at, n, id);
            }
            (id, other) => {
                for id in id.into_iter().chain(other) {
                    self.escape(id, "it meets another value here");
                }
            }
        }
        id.is_some()
    }

    /// A return of inlined code: `count` values from `R[a]` on.
    pub(crate) fn inline_return(&mut self, a: usize, count: usize) {
        let Some(ret) = &self.frame().ret else {
            return;
        };
        let (block, tags) = (ret.block, ret.tags.clone());
        let (joined, fields) = (ret.joined.clone(), ret.fields.clone());
        let at = ret.at;
        if count != 1 && self.returns_to_open_call() {
            // One result was expected: the interpreter returns what there is.
            return self.leave_at(self.pc, stub::GUARD);
        }
        let mut args = Vec::new();
        for (n, &want) in tags.iter().enumerate() {
            if self.return_object(n, (n < count).then_some(a + n)) {
                match &joined[n] {
                    None => args.extend(self.no_arguments(want)),
                    Some((id, params)) => {
                        let reg = match n < count {
                            true => self.reg(a + n),
                            false => Reg::only_tag(Tags::NIL),
                        };
                        let named = reg.object_number();
                        let named = named.is_some_and(|id| {
                            let twice =
                                (0..count).any(|k| k != n && self.virtual_in(a + k) == Some(id));
                            twice || self.is_named_outside(id)
                        });
                        args.extend(self.object_arguments(at, n, (*id, params), reg, named));
                    }
                }
                continue;
            }
            let reg = if n < count {
                self.reg(a + n)
            } else {
                Reg::only_tag(Tags::NIL)
            };
            let mut reg = reg;
            let slot = self.slot(a + n);
            if !reg.tags.within(want) {
                // What facts promised is narrower than what is here: checked, and the call is run again from the return.
                self.remark_guard(a + n, want);
                let exit = self.exit_block();
                self.leave_unless_tag(a + n, want, exit);
                self.refine(a + n, want);
                reg = self.reg(a + n);
            }
            if want == Tags::FLOAT
                && let Payload::None = reg.p
            {
                self.get(a + n);
                reg = self.reg(a + n);
            }
            args.extend(self.arguments_of(reg, slot, want));
        }
        args.extend(self.field_arguments(at, &fields));
        let mut end = self.state.clone();
        end.pop();
        if let Some(ret) = &mut self.frame_mut().ret {
            ret.ends.push(end);
        }
        self.b.jump(block, &args);
    }
}
