//! Edges between nodes: arguments of block parameters, polls on ways back.

use super::escape::Join;
use super::facts;
use super::func::{Lowering, Phi};
use super::graph::NodeId;
use super::mem;
use super::tags::Tags;
use crate::Symbol;
use trinity_abi as abi;
use trinity_abi::helpers::{Helper, stub};
use trinity_abi::unit::kind;
use trinity_codegen::ir::{Block, CallTarget, Cond, IntCc, PReg, Value, Width};

impl<'a> Lowering<'a> {
    // ---- edges

    /// Ends the block with a jump to a node; polls on the way back.
    pub fn jump_to(&mut self, to: NodeId) {
        let f = self.frame();
        let target = f.graph.nodes[to.index()].start;
        let back = f.graph.is_back(self.node, to);
        let block = f.blocks[to.index()];
        if f.graph.is_header(to) && !back && f.calls_in[to.index()] {
            // What the loop does not change is written before it, not in it.
            let live = f
                .live
                .live_at(target as usize)
                .minus(f.graph.phis[to.index()]);
            self.store_before_loop(live);
        }
        if !back {
            for (r, t) in self.frame().hoisted[to.index()].clone() {
                if !self.tags(r).within(t) {
                    self.remark_guard(r, t);
                    let exit = self.exit_block_at(target);
                    self.leave_unless_tag(r, t, exit);
                    self.refine(r, t);
                }
            }
        }
        let args = self.edge_arguments(to);
        if back {
            let f = self.frame();
            let at = Join {
                path: f.path,
                node: to.0,
            };
            if !f.begins[to.index()].is_empty() {
                let (params, begin) = (f.fields[to.index()].clone(), f.begins[to.index()].clone());
                let (now, made) = (self.state.objects.clone(), self.state.made.clone());
                self.compare_objects(at, &params, &begin, (&now, &made));
            }
        }
        // Pictures of objects are work for the collector.
        let quiet = self.frame().quiet[to.index()] && self.state.objects.is_empty();
        if back && !quiet {
            self.poll(target, block, &args);
        }
        self.b.jump(block, &args);
    }

    pub(super) fn edge_arguments(&mut self, to: NodeId) -> Vec<Value> {
        let target = self.frame().graph.nodes[to.index()].start;
        let phis = self.frame().phis[to.index()].clone();
        let mut args = Vec::new();
        let saved = self.state.clone();
        let at = Join {
            path: self.frame().path,
            node: to.0,
        };
        for (r, phi) in phis {
            match phi {
                Phi::Object(object, fields) => {
                    let reg = self.reg(r);
                    let named = reg.object_number();
                    let named = named.is_some_and(|id| self.is_named_twice(id, r, to));
                    args.extend(self.object_arguments(at, r, (object, &fields), reg, named));
                }
                Phi::Params(want) => {
                    if let Some(id) = self.virtual_in(r) {
                        self.join_object(at, r, id);
                        args.extend(self.no_arguments(want.tags));
                        continue;
                    }
                    if !self.tags(r).within(want.tags) {
                        self.remark_guard(r, want.tags);
                        let exit = self.exit_block_at(target);
                        self.leave_unless_in(r, want.tags, exit);
                        self.refine(r, want.tags);
                    }
                    args.extend(self.arguments(r, want.tags));
                }
                Phi::Home(_) => {
                    let reg = self.reg(r);
                    if !reg.home {
                        self.store(reg, self.slot(r));
                    }
                }
                Phi::LoopVariable | Phi::LoopCount => {}
            }
        }
        let fields = self.frame().fields[to.index()].clone();
        args.extend(self.field_arguments(at, &fields));
        // What was loaded or refined here holds on this edge only; but it ends the block, or a block of its own.
        self.state = saved;
        args
    }

    /// As `leave_unless_tag`, for any set.
    pub(super) fn leave_unless_in(&mut self, r: usize, want: Tags, exit: Block) {
        if super::spec::is_guardable(want) {
            return self.leave_unless_tag(r, want, exit);
        }
        let t = self.peek_tag(r);
        let one = self.b.iconst(1);
        let bit = self.b.shl(one, t);
        let member = self.b.and(bit, i32::from(want.0));
        self.b.exit_if(Cond::icmp(IntCc::Eq, member, 0), exit, &[]);
    }

    /// The block to branch to for successor `which` (0: next, 1: jump) of the present node: the node's own, or one that makes the
    /// arguments first.
    pub fn edge(&mut self, which: usize) -> Block {
        let f = self.frame();
        let to = f.graph.nodes[self.node.index()].succs[which];
        let plain = f.phis[to.index()].is_empty()
            && f.fields[to.index()].is_empty()
            && !f.graph.is_back(self.node, to)
            && f.hoisted[to.index()].is_empty()
            && !(f.graph.is_header(to) && f.calls_in[to.index()]);
        let block = f.blocks[to.index()];
        if plain {
            return block;
        }
        let here = self.b.current();
        let edge = self.b.create_block();
        self.b.switch_to(edge);
        let saved = self.state.clone();
        let cache = self.exit_cache.take();
        // What the outcome says of the operands.
        let mut tags: Vec<Tags> = self.state[self.depth()].iter().map(|r| r.tags).collect();
        facts::refine(self.frame().p, self.pc, which == 1, &mut tags);
        for (r, t) in tags.into_iter().enumerate() {
            if !self.tags(r).is_none() {
                self.refine(r, t);
            }
        }
        self.jump_to(to);
        self.state = saved;
        self.exit_cache = cache;
        self.b.switch_to(here);
        edge
    }

    /// Runs pending work if there is any; then the frame continues at `pc`, which is `block`, here or in the interpreter.
    pub(super) fn poll(&mut self, pc: u32, block: Block, args: &[Value]) {
        let cold = self.b.create_cold_block();
        let next = self.b.create_block();
        self.b.brif(
            Cond::icmp_mem(IntCc::Ne, Width::W32, mem::thread(abi::thread::POLL), 0),
            (cold, &[]),
            (next, &[]),
        );
        self.b.switch_to(cold);
        let at = std::mem::replace(&mut self.pc, pc);
        let live = *self.frame().live.live_at(pc as usize);
        self.store_frames(live, false);
        let r = self.helper_saving(Helper::poll, kind::AT);
        let leave = self.b.create_cold_block();
        self.b
            .brif(Cond::icmp(IntCc::Ne, r, 0), (leave, &[]), (block, args));
        self.b.switch_to(leave);
        self.leave_stored(pc);
        self.pc = at;
        self.b.switch_to(next);
    }

    /// Leaves for the interpreter at `pc`; everything is in home slots.
    pub(super) fn leave_stored(&mut self, pc: u32) {
        self.open_top(pc);
        let at = u64::from(pc) | u64::from(self.frame().chain) << 32;
        let at = self.b.iconst(at as i64);
        // Inlined frames need the stub that knows about chains; it counts, but polls that leave are rare.
        let how = if self.frame().chain > 0 {
            stub::GUARD
        } else {
            stub::EXIT
        };
        self.b.tail_jump(
            CallTarget::Symbol(Symbol::Stub(how).to_ref()),
            &[(at, PReg::Rsi)],
        );
    }
}
