//! Loops that may wait for the collector.
//!
//! A program can wait for a finalizer, or for a weak table, by making garbage: `repeat local t = {1} until collected`. Objects that are not made
//! ([`super::objects`]) are none, and such a loop would not end. Loops that count, iterate or ask about what their own instructions
//! advance do end. A loop may also wait by calling functions that make garbage and are not code of it: calls of functions with objects that are not
//! made are charged to the collector, which begins a cycle as often as it would for an eighth of the tables.

use super::facts;
use super::func::Lowering;
use super::graph::{Graph, Kind};
use super::mem;
use super::settle::natural_loop;
use super::spec::Spec;
use trinity_abi::{heap, thread};
use trinity_codegen::ir::{Cond, IntCc, MemOp, Width};
use trinity_frontend::bytecode::effects::effects;
use trinity_frontend::bytecode::{Op, Proto, RegSet};

impl Lowering<'_> {
    /// A loop around the present instruction, here or around the calls whose code this is, may wait for the collector.
    pub(super) fn may_wait_here(&self) -> bool {
        let mut node = self.node;
        for f in self.frames.iter().rev() {
            let headers = f.graph.rpo.iter().filter(|&&h| f.graph.is_header(h));
            let mut loops = headers.map(|&h| natural_loop(&f.graph, h));
            if loops
                .any(|inside| inside[node.index()] && !advances(f.p, &f.graph, &f.spec, &inside))
            {
                return true;
            }
            node = f.call_node;
        }
        false
    }
}

/// Bytes that a call of a function with objects that are not made is charged: an eighth of a table.
const CHARGE: i32 = 8;

impl Lowering<'_> {
    /// At the function's entry: adds the charge to the heap's debt; where the collector is to run, the next poll lets it.
    pub(super) fn charge_call(&mut self) {
        let g = self.b.load64(mem::thread(thread::GLOBAL));
        let debt = mem::state(g, heap::DEBT);
        self.b.mem_op(MemOp::Add, Width::W64, debt, CHARGE);
        let ask = self.b.create_cold_block();
        let next = self.b.create_block();
        let due = Cond::icmp_mem(IntCc::Sgt, Width::W64, debt, 0);
        self.b.brif(due, (ask, &[]), (next, &[]));
        self.b.switch_to(ask);
        let poll = mem::thread(thread::POLL);
        self.b
            .mem_op(MemOp::Or, Width::W32, poll, thread::POLL_COLLECT);
        let none = self.b.iconst(0);
        self.b.store64(mem::thread(thread::STACK_LIMIT), none);
        self.b.jump(next, &[]);
        self.b.switch_to(next);
    }
}

/// One of the loop's ways out is asked about a register that the loop computes from others, or itself.
fn advances(p: &Proto, g: &Graph, spec: &Spec, inside: &[bool]) -> bool {
    let blocks = || {
        let of_loop = g.nodes.iter().zip(inside).filter(|(_, inside)| **inside);
        of_loop
            .map(|(n, _)| n)
            .filter(|n| n.kind == Kind::Block && !spec.is_left(n.start))
    };
    let (mut computed, mut loaded) = (RegSet::EMPTY, RegSet::EMPTY);
    for pc in blocks().flat_map(|n| n.start..n.end) {
        let (i, e) = (p.code[pc as usize], effects(p, pc as usize));
        let steps = facts::arithmetic(p, i).is_some();
        // A call puts its result where the function was; its arguments say nothing of that.
        let moves = i.op() != Op::Call;
        for r in e.next_writes.iter() {
            match steps || moves && e.reads.contains(r) {
                true => computed.insert(r),
                false => loaded.insert(r),
            }
        }
    }
    let computed = computed.minus(loaded);
    let ways_out = blocks().filter(|n| n.succs.iter().any(|s| !inside[s.index()]));
    ways_out.map(|n| n.end - 1).any(|pc| {
        let reads = effects(p, pc as usize).reads;
        matches!(p.code[pc as usize].op(), Op::ForLoop | Op::TForLoop)
            || reads.iter().any(|r| computed.contains(r))
    })
}
