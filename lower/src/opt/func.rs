//! The typed lowering of one function: nodes in reverse postorder, registers at joins, edges, polls.

use super::entry::{adapter, set_slots};
use super::escape::{Join, Plan};
use super::explain::Notes;
use super::facts;
use super::graph::{self, Graph, NodeId};
use super::module::{Module, ParamIn};
use super::numeric_loops::{loop_calls, loop_position, loop_register};
use super::objects::{Fields, Objects, kind};
use super::quiet;
use super::settle::natural_loop;
use super::shapes::Groups;
use super::spec::Spec;
use super::state::{Payload, Reg, State, Step};
use super::tags::Tags;
use super::waiting::Waits;
use crate::passes::Pass;
use crate::remark::Kind;
use std::collections::{BTreeMap, HashMap};
use trinity_abi::helpers::stub;
use trinity_abi::unit::{InlineFrame, SafePoint};
use trinity_codegen::ir::{Block, Function, FunctionBuilder, PReg, Type as IrType, Value};
use trinity_frontend::bytecode::{Instr, Liveness, Proto};

/// How the typed lowering works.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Every guard asks the runtime whether to fail.
    pub stress_guards: bool,
    /// Record remarks.
    pub explain: bool,
    /// The processor rounds floats (SSE4.1).
    pub round: bool,
    /// Makes the numbers of guards differ between units.
    pub unit_salt: u64,
}

/// What comes out.
pub struct Lowered {
    /// The body, or the whole function when it has no separate body.
    pub body: Function,
    /// The generic entry, if the body takes arguments in registers.
    pub adapter: Option<Function>,
    /// Safe points by id; `ret_offset` is not filled in yet.
    pub safepoints: Vec<SafePoint>,
    /// By safe point: values that wait on the native stack.
    pub waits: BTreeMap<u32, Waits>,
    /// Inlined frames.
    pub inlines: Vec<InlineFrame>,
    /// Bits of `trinity_abi::unit::flag`.
    pub flags: u32,
    /// Places and remarks; then locations in `body` are numbers of places.
    pub notes: Option<Notes>,
}

/// Registers of open kind that cross a join in SSA values, at most; more are kept in home slots.
const MAX_TAGGED_PARAMS: usize = 8;
/// Registers that cross a join in SSA values, at most.
const MAX_PARAMS: usize = 24;

/// How a register crosses into a node.
#[derive(Clone, Debug)]
pub(super) enum Phi {
    /// In block parameters for a value with these tags.
    Params(Reg),
    /// In its home slot.
    Home(Tags),
    /// The visible variable of a numeric loop: it is the hidden index, `R[r - 3]`.
    LoopVariable,
    /// The count of a numeric loop whose last index is in an SSA value.
    LoopCount,
    /// A virtual object, its fields in block parameters.
    Object(u32, Fields),
}

/// An integer loop: its last index and step are known where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountedLoop {
    pub last: Value,
    pub step: Step,
}

/// A function being lowered: the outermost one, or one inlined into another.
pub(crate) struct Frame<'a> {
    pub p: &'a Proto,
    /// Its number in the module.
    pub func: u32,
    pub graph: Graph,
    pub facts: Vec<facts::State>,
    /// By node: what is checked on the ways into the loop that begins there.
    pub hoisted: Vec<Vec<(usize, Tags)>>,
    pub live: Liveness,
    pub spec: Spec<'a>,
    /// Its accesses to fields in known slots.
    pub groups: Groups,
    /// Slots from the outermost frame's base to this one's.
    pub offset: usize,
    /// 0, or one more than its number in the table of inlined frames.
    pub chain: u32,
    /// The CALL in the frame around it.
    pub call_pc: u32,
    /// The node of that.
    pub call_node: NodeId,
    /// It was tail-called: the function that the CALL called is gone.
    pub tailed: bool,
    /// Its closure; the outermost one's is in its function slot. One that was virtual when it was called is in the register it was called by.
    pub closure: Option<Value>,
    /// How often it was entered in training, as far as the profile tells callers apart.
    pub runs: f64,
    /// Of inlined code: where it returns to.
    pub ret: Option<super::inline::Return>,
    /// Numeric loops by the position of their FORLOOP.
    pub loops: HashMap<u32, CountedLoop>,
    /// Table constructors met so far.
    pub constructors: Vec<super::constructor::Constructor>,
    /// Its growing strings.
    pub growing: super::growing::Growing,
    pub(super) blocks: Vec<Block>,
    pub(super) phis: Vec<Vec<(usize, Phi)>>,
    /// Which copy of the function it is ([`Plan::path`]).
    pub path: u32,
    /// Fields of virtual objects that are parameters of the nodes.
    pub(super) fields: Vec<Vec<(u32, usize, Reg)>>,
    /// Virtual objects at the start of loops.
    pub(super) begins: Vec<Objects>,
    pub(super) ends: Vec<Option<State>>,
    pub(super) calls_in: Vec<bool>,
    /// Headers of loops that make no work that a poll would find.
    pub(super) quiet: Vec<bool>,
    /// Nodes of loops without calls ([`super::settle`]).
    pub(super) tight: Vec<bool>,
    /// Nodes of loops.
    pub(super) looped: Vec<bool>,
}

pub(crate) struct Lowering<'a> {
    pub module: &'a Module<'a>,
    pub opts: Options,
    pub b: FunctionBuilder,
    pub frames: Vec<Frame<'a>>,
    pub state: State,
    pub safepoints: Vec<SafePoint>,
    pub waits: BTreeMap<u32, Waits>,
    pub inlines: Vec<InlineFrame>,
    /// What the code relies on: bits of `trinity_abi::unit::flag`.
    pub flags: u32,
    /// Slots from the base to the end of the highest frame.
    pub slots: usize,
    /// Instructions inlined so far.
    pub inlined_code: usize,
    /// Cold block that leaves at the present instruction.
    pub exit_cache: Option<Block>,
    /// What the last open call gave.
    pub open: Option<super::call::Open>,
    /// The TFORCALL before the present TFORLOOP knew how the loop goes on.
    pub iterated: Option<super::iterate::Iterated>,
    pub pc: u32,
    pub node: NodeId,
    /// Number of the function or version.
    pub index: u32,
    pub guards: u32,
    /// What is said about the code, if anybody asked.
    pub notes: Option<Notes>,
    /// How much cold code stores the register in a slot ([`super::settle`]).
    pub(super) cold_stores: Vec<u8>,
    /// Which objects are not made.
    pub plan: Plan,
    /// The copy of a function whose tail call is about to become code, and its place.
    pub tail_from: Option<(u32, u32)>,
    /// Virtual objects that home slots are about to get.
    pub(super) to_make: Vec<(usize, u32)>,
    /// Closures that are known to be of one function: of variables that the text assigns once.
    pub functions: HashMap<Value, u32>,
}

/// Lowers function or version `index` of the module.
pub fn lower(module: &Module, index: u32, name: &str, opts: Options) -> Lowered {
    let mut plan = Plan::new(module.passes.has(Pass::Escape));
    loop {
        match attempt(module, index, name, opts, plan) {
            Ok(lowered) => return lowered,
            Err(again) => plan = *again,
        }
    }
}

/// Lowers it with what the plan says of objects; the plan comes back where it was wrong.
fn attempt(
    module: &Module,
    index: u32,
    name: &str,
    opts: Options,
    plan: Plan,
) -> Result<Lowered, Box<Plan>> {
    let function = module.function(index);
    let p = module.text(function);
    let sig = module.signature(index);
    let params: Vec<(IrType, PReg)> = match sig.has_body() {
        true => sig.registers().map(|(_, _, r)| (r.ty(), r)).collect(),
        false => vec![(IrType::I64, PReg::Rcx)],
    };
    let b = FunctionBuilder::new(name, &params);
    let mut l = Lowering {
        module,
        opts,
        b,
        frames: Vec::new(),
        state: State::default(),
        safepoints: Vec::new(),
        waits: BTreeMap::new(),
        inlines: Vec::new(),
        flags: 0,
        slots: 0,
        inlined_code: 0,
        exit_cache: None,
        open: None,
        iterated: None,
        pc: 0,
        node: NodeId(0),
        index,
        guards: 0,
        notes: opts.explain.then(Notes::default),
        cold_stores: Vec::new(),
        plan,
        tail_from: None,
        to_make: Vec::new(),
        functions: HashMap::new(),
    };
    let mut entry = vec![Tags::NONE; p.max_stack as usize + 1];
    let mut regs = vec![Reg::DEAD; p.max_stack as usize + 1];
    let mut values = 0;
    for r in 0..p.num_params as usize {
        regs[r] = match sig.params[r] {
            ParamIn::Register(t, _) => {
                values += 1;
                Reg::known(t, l.b.param(values - 1))
            }
            ParamIn::Tag(t) => Reg::only_tag(t),
            ParamIn::Home => Reg::in_home(facts::VALUE),
        };
        entry[r] = regs[r].tags;
    }
    l.push_frame(function, 0, 0, 0, None, &entry, regs);
    l.return_early(sig);
    let frame_end = l.prologue(sig);
    if l.plan.is_charged() {
        l.charge_call();
    }
    l.run();
    if l.plan.failed() {
        return Err(Box::new(l.plan.next()));
    }
    if l.flags & trinity_abi::unit::flag::VIRTUAL != 0 && !l.plan.is_charged() {
        return Err(Box::new(l.plan.charged()));
    }
    let slots = l.slots;
    let mut body = l.b.finish();
    set_slots(&mut body, frame_end, slots);
    Ok(Lowered {
        body,
        adapter: module
            .has_adapter(index)
            .then(|| adapter(module, index, name)),
        safepoints: l.safepoints,
        waits: l.waits,
        flags: l.flags,
        inlines: l.inlines,
        notes: l.notes,
    })
}

impl<'a> Lowering<'a> {
    /// The innermost frame.
    pub fn frame(&self) -> &Frame<'a> {
        // There is always the outermost one.
        &self.frames[self.frames.len() - 1]
    }
    pub fn frame_mut(&mut self) -> &mut Frame<'a> {
        let d = self.depth();
        &mut self.frames[d]
    }
    /// Number of frames around the innermost.
    pub fn depth(&self) -> usize {
        self.frames.len() - 1
    }
    /// The present instruction.
    pub fn instr(&self) -> Instr {
        self.frame().p.code[self.pc as usize]
    }
    pub fn spec(&self) -> Spec<'a> {
        self.frame().spec
    }

    /// Enters a function: analyses it and makes its blocks.
    #[allow(clippy::too_many_arguments)]
    pub fn push_frame(
        &mut self,
        func: u32,
        offset: usize,
        chain: u32,
        call_pc: u32,
        closure: Option<Value>,
        entry: &[Tags],
        regs: Vec<Reg>,
    ) {
        let module: &'a Module<'a> = self.module;
        let p = module.text(func);
        // The outermost one may be a version.
        let number = if self.frames.is_empty() {
            self.index
        } else {
            func
        };
        let spec = module.spec(number);
        let live = Liveness::new(p);
        let graph = Graph::new(p, &live, &|pc| spec.is_left(pc));
        let mut facts = facts::infer(p, &graph, &spec, entry, &[]);
        let hoisted = match module.passes.has(Pass::LoopGuards) {
            true => facts::invariant(p, &graph, &spec, &live, &facts),
            false => vec![Vec::new(); graph.nodes.len()],
        };
        if hoisted.iter().any(|h| !h.is_empty()) {
            facts = facts::infer(p, &graph, &spec, entry, &hoisted);
        }
        self.slots = self.slots.max(offset + p.max_stack as usize);
        let n = graph.nodes.len();
        let caller = self.frames.last().map(|f| (f.path, call_pc));
        let caller = self.tail_from.take().or(caller);
        let path = caller.map_or(0, |(path, pc)| self.plan.path(path, pc, func));
        // Inlined code is part of the loops around the call.
        let (tight, looped) = self.frames.last().map_or((false, false), |f| {
            (f.tight[self.node.index()], f.looped[self.node.index()])
        });
        let mut f = Frame {
            p,
            func,
            facts,
            hoisted,
            live,
            groups: Groups::new(p, &spec),
            spec,
            offset,
            chain,
            call_pc,
            call_node: self.node,
            tailed: false,
            closure,
            runs: spec.calls(),
            ret: None,
            loops: Default::default(),
            constructors: Vec::new(),
            growing: self.growing_of(p),
            blocks: Vec::with_capacity(n),
            phis: vec![Vec::new(); n],
            path,
            fields: vec![Vec::new(); n],
            begins: vec![Objects::default(); n],
            ends: vec![None; n],
            calls_in: vec![false; n],
            quiet: vec![false; n],
            tight: vec![tight; n],
            looped: vec![looped; n],
            graph,
        };
        for k in 0..n {
            let b = self.b.create_block();
            f.blocks.push(b);
            let id = NodeId(k as u32);
            if f.graph.order[k] == u32::MAX {
                continue;
            }
            let node = &f.graph.nodes[k];
            if node.kind == graph::Kind::Block && spec.is_cold(node.start) {
                self.b.set_cold(b, true);
            }
            let often = node.kind == graph::Kind::Block && spec.runs_often(node.start);
            self.b.set_often(b, often);
            let (mut tagged, mut all) = (0, 0);
            for r in f.graph.phis[k].iter() {
                let tags = f.facts[k][r];
                let at = Join { path, node: id.0 };
                let phi = match loop_register(p, &f.graph, &f.facts, id, r) {
                    Some(phi) => phi,
                    None if let Some((object, fields)) = self.object_params(at, r, b) => {
                        Phi::Object(object, fields)
                    }
                    None => {
                        tagged += usize::from(tags.single().is_none());
                        all += 1;
                        if tagged > MAX_TAGGED_PARAMS && tags.single().is_none() || all > MAX_PARAMS
                        {
                            Phi::Home(tags)
                        } else {
                            Phi::Params(self.value_params(b, tags))
                        }
                    }
                };
                f.phis[k].push((r, phi));
            }
            f.fields[k] = self.field_params(Join { path, node: id.0 }, b);
            if f.graph.is_header(id) {
                let inside = natural_loop(&f.graph, id);
                let calls = loop_calls(p, &f.graph, &spec, &inside);
                f.calls_in[k] = calls;
                f.quiet[k] = module.passes.has(Pass::QuietLoops)
                    && quiet::makes_no_work(module, p, &f.graph, &spec, &inside);
                for (k, _) in inside.iter().enumerate().filter(|(_, i)| **i) {
                    f.looped[k] = true;
                    f.tight[k] |= !calls;
                }
            }
        }
        self.frames.push(f);
        self.state.push(regs);
    }

    /// Lowers the innermost frame's nodes. The current block leads into its entry node.
    pub fn run(&mut self) {
        let depth = self.depth();
        let entry = self.frames[depth].blocks[0];
        self.b.jump(entry, &[]);
        let start = self.state.clone();
        for k in 0..self.frames[depth].graph.rpo.len() {
            let id = self.frames[depth].graph.rpo[k];
            self.begin_node(id, &start);
            self.node(id);
            let end = self.state.clone();
            self.frames[depth].ends[id.index()] = Some(end);
        }
        // Bytecode that is never reached has IR blocks that nothing enters.
        for k in 0..self.frames[depth].blocks.len() {
            if self.frames[depth].graph.order[k] == u32::MAX {
                let block = self.frames[depth].blocks[k];
                self.b.switch_to(block);
                self.b.trap();
            }
        }
    }

    pub(super) fn node(&mut self, id: NodeId) {
        let node = self.frame().graph.nodes[id.index()].clone();
        match node.kind {
            graph::Kind::Entry => {
                self.pc = 0;
                self.jump_to(node.succs[0]);
            }
            graph::Kind::Edge { pc, .. } => {
                self.locate(pc);
                self.edge_writes(pc);
                self.pc = node.start;
                self.jump_to(node.succs[0]);
            }
            graph::Kind::Block => {
                if self.spec().is_left(node.start) {
                    // Nothing was seen here: the interpreter goes on.
                    self.locate(node.start);
                    self.remark(|_| Some(Kind::NotReached {}));
                    return self.leave_at(node.start, stub::GUARD);
                }
                for pc in node.start..node.end {
                    self.locate(pc);
                    let i = self.instr();
                    if self.iterated.is_none() {
                        self.make_sunk();
                        self.settle();
                        self.share_read();
                    }
                    self.instruction(i);
                }
                if !self.b.is_terminated() {
                    // Falls into the next block (or skips one: LFALSESKIP).
                    self.pc = node.end - 1;
                    self.jump_to(node.succs[0]);
                }
            }
        }
    }

    pub(super) fn locate(&mut self, pc: u32) {
        self.pc = pc;
        self.exit_cache = None;
        // Code of inlined functions carries the line of the outermost call.
        let line = || self.frame().p.lines.get(pc as usize).copied().unwrap_or(0);
        let line = (self.depth() == 0).then(line);
        self.source(line);
    }

    /// Registers at the start of a node: what its immediate dominator ended with, parameters where there are some.
    pub(super) fn begin_node(&mut self, id: NodeId, start: &State) {
        let depth = self.depth();
        let block = self.frames[depth].blocks[id.index()];
        self.b.switch_to(block);
        self.node = id;
        self.exit_cache = None;
        if id.index() == 0 {
            self.state.clone_from(start);
            return;
        }
        let f = &self.frames[depth];
        let node = &f.graph.nodes[id.index()];
        // The dominator was lowered before: reverse postorder.
        let idom = f.graph.idom[id.index()];
        let mut state = f.ends[idom.index()]
            .clone()
            .unwrap_or_else(|| start.clone());
        // A home slot has the value if it had on all ways that are known; on a way back it still has what it had at the loop's entry, as
        // long as the register needs no parameter.
        for pred in &node.preds {
            let Some(end) = &f.ends[pred.index()] else {
                continue;
            };
            for (regs, ends) in state.iter_mut().zip(end.iter()) {
                for (reg, e) in regs.iter_mut().zip(ends) {
                    reg.home &= e.home;
                }
            }
        }
        let live = *f.live.live_at(node.start as usize);
        let facts = f.facts[id.index()].clone();
        let phis = f.phis[id.index()].clone();
        let needs = f.graph.phis[id.index()];
        self.state = state;
        // An edge's node reads what dies on the edge.
        let is_edge = matches!(
            self.frame().graph.nodes[id.index()].kind,
            graph::Kind::Edge { .. }
        );
        for r in 0..facts.len() {
            if !live.contains(r) && !is_edge {
                *self.reg_mut(r) = Reg::DEAD;
            } else if !needs.contains(r) {
                self.refine(r, facts[r]);
            }
        }
        let mut derived = Vec::new();
        for (r, phi) in phis {
            match phi {
                Phi::Params(reg) => *self.reg_mut(r) = reg,
                Phi::Home(tags) => *self.reg_mut(r) = Reg::in_home(tags),
                Phi::LoopVariable | Phi::LoopCount => derived.push((r, phi)),
                Phi::Object(object, fields) => {
                    *self.reg_mut(r) = Reg::object(object, kind(&fields));
                    self.state.objects.insert(object, fields);
                    self.state.made.remove(&object);
                }
            }
        }
        self.join_objects(id);
        for (r, phi) in derived {
            match phi {
                Phi::LoopVariable => {
                    let index = self.get(r - 3);
                    *self.reg_mut(r) = Reg::known(self.tags(r - 3), index);
                }
                _ => {
                    let index = self.get(r - 1);
                    let f = self.frame();
                    let l =
                        loop_position(f.p, &f.graph, id).and_then(|at| f.loops.get(&at).copied());
                    // FORPREP's edge recorded it.
                    if let Some(CountedLoop { last, step }) = l {
                        *self.reg_mut(r) = Reg {
                            tags: Tags::INT,
                            p: Payload::Count { last, index, step },
                            t: None,
                            home: false,
                        };
                    }
                }
            }
        }
    }

    /// Virtual objects where ways meet: fields that differ are parameters.
    pub(super) fn join_objects(&mut self, id: NodeId) {
        self.drop_objects();
        let f = self.frame();
        if self.state.objects.is_empty() || f.graph.nodes[id.index()].preds.len() < 2 {
            return;
        }
        let at = Join {
            path: f.path,
            node: id.0,
        };
        let params = f.fields[id.index()].clone();
        let own = self.state.objects.clone();
        for pred in f.graph.nodes[id.index()].preds.clone() {
            let end = &self.frame().ends[pred.index()];
            let end = end.as_ref().map(|e| (e.objects.clone(), e.made.clone()));
            if let Some((other, made)) = end {
                self.compare_objects(at, &params, &own, (&other, &made));
            }
        }
        self.take_fields(&params);
        let mut now = self.state.objects.clone();
        // Objects that begin here are others each time.
        let f = self.frame_mut();
        for (_, phi) in &f.phis[id.index()] {
            if let Phi::Object(object, _) = phi {
                now.remove(object);
            }
        }
        f.begins[id.index()] = now;
    }
}
