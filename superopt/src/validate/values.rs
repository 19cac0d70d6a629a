//! Which values live where in the SSA form, and which of them are variables.
//!
//! At a block's start a value that comes from elsewhere is a variable if what made it was a load, a call, a parameter or the like; else it is the term of
//! what it was computed from, since selection computes it again where that is cheaper (an address, say). So "live" here is more than usual: also what a
//! live value is computed from. That is sound: what a value is computed from is never computed anew while the value lives (dominance).

use std::collections::{BTreeSet, HashMap};
use trinity_codegen::ir::{
    Base, Block, Cond, Function, Inst, InstId, LoadKind, Term, Value, ValueDef,
};

/// Computations from variables deeper than this start with a variable again, at a value with several users: one with a single user may have been made part of
/// it, and is in no place.
const MAX_DEPTH: u32 = 100;
/// Deeper than this they do in any case.
const DEEPEST: u32 = 1000;

/// What is known of a function's values.
#[derive(Debug)]
pub struct Values {
    /// By value: it is a variable outside its block.
    pub root: Vec<bool>,
    /// By block: values that live at its start, without parameters.
    pub live_in: Vec<BTreeSet<Value>>,
    /// By value: what is loaded, if a load made it.
    pub kind: HashMap<Value, LoadKind>,
    /// By value: a rank. What a value is computed from ranks lower.
    pub rank: Vec<u32>,
}

fn reads_memory(c: &Cond) -> bool {
    matches!(
        c,
        Cond::IcmpMem { .. } | Cond::TestMem { .. } | Cond::RspMem { .. }
    )
}

/// Whether an instruction's result depends on more than its operands.
pub fn is_source(inst: &Inst) -> bool {
    match inst {
        Inst::Iconst(_)
        | Inst::Fconst(_)
        | Inst::Unary { .. }
        | Inst::Binary { .. }
        | Inst::Overflow { .. }
        | Inst::Vector { .. } => false,
        Inst::BoolOf(c) | Inst::Select { cond: c, .. } => reads_memory(c),
        Inst::AddrOf(a) => matches!(a.base, Base::Pinned(_)),
        _ => true,
    }
}

impl Values {
    /// Of a function.
    pub fn new(f: &Function, reachable: &[Block]) -> Values {
        let mut depth = vec![0u32; f.values.len()];
        let mut root = vec![true; f.values.len()];
        let uses = uses(f, reachable);
        let mut kind = HashMap::new();
        let mut state = vec![0u8; f.insts.len()];
        for &b in reachable {
            for &id in &f.blocks[b.index()].insts {
                state[id.index()] = 1;
            }
        }
        // Operands first; definitions of a block may come behind it in the order of blocks.
        for n in 0..f.insts.len() {
            if state[n] == 1 {
                Self::measure(
                    f,
                    &uses,
                    InstId(n as u32),
                    &mut state,
                    &mut depth,
                    &mut root,
                );
            }
            let node = &f.insts[n];
            if let Inst::Load { kind: k, .. } = &node.inst {
                kind.insert(node.first_result, *k);
            }
        }
        let live_in = live(f, reachable, &root);
        Values {
            root,
            live_in,
            kind,
            rank: ranks(f, reachable),
        }
    }

    fn measure(
        f: &Function,
        uses: &[u8],
        from: InstId,
        state: &mut [u8],
        depth: &mut [u32],
        root: &mut [bool],
    ) {
        let mut stack = vec![from];
        while let Some(&id) = stack.last() {
            let node = &f.insts[id.index()];
            if state[id.index()] == 3 {
                stack.pop();
                continue;
            }
            if state[id.index()] != 2 {
                state[id.index()] = 2;
                if !is_source(&node.inst) {
                    node.inst.for_each_use(|v| {
                        if let ValueDef::Inst(d, _) = f.values[v.index()].def
                            && state[d.index()] == 1
                        {
                            stack.push(d);
                        }
                    });
                }
                continue;
            }
            state[id.index()] = 3;
            stack.pop();
            if is_source(&node.inst) {
                continue;
            }
            let mut d = 0;
            node.inst.for_each_use(|v| d = d.max(depth[v.index()] + 1));
            let is_const = node.inst.is_const();
            for v in node.results() {
                let deep = d > MAX_DEPTH && uses[v.index()] > 1 || d > DEEPEST;
                root[v.index()] = deep && !is_const;
                depth[v.index()] = if root[v.index()] { 0 } else { d };
            }
        }
    }
}

/// By value: its place in reverse postorder, where definitions stand before what they dominate.
fn ranks(f: &Function, order: &[Block]) -> Vec<u32> {
    let mut rank = vec![u32::MAX; f.values.len()];
    let mut n = 0;
    for &b in order {
        let data = &f.blocks[b.index()];
        let made = data
            .insts
            .iter()
            .flat_map(|id| f.insts[id.index()].results());
        for v in data.params.iter().copied().chain(made) {
            rank[v.index()] = n;
            n += 1;
        }
    }
    rank
}

/// By value: uses, two for more.
fn uses(f: &Function, reachable: &[Block]) -> Vec<u8> {
    let mut uses = vec![0u8; f.values.len()];
    let mut one = |v: Value| uses[v.index()] = (uses[v.index()] + 1).min(2);
    for &b in reachable {
        let data = &f.blocks[b.index()];
        for &id in &data.insts {
            f.insts[id.index()].inst.for_each_use(&mut one);
        }
        if let Some(term) = &data.term {
            term.for_each_use(&mut one);
        }
    }
    uses
}

/// Adds a value and what it is computed from, unless defined in the block.
fn need(
    f: &Function,
    root: &[bool],
    set: &mut BTreeSet<Value>,
    v: Value,
    outside: &dyn Fn(Value) -> bool,
) {
    let mut stack = vec![v];
    while let Some(v) = stack.pop() {
        if !outside(v) || !set.insert(v) || root[v.index()] {
            continue;
        }
        if let Some(inst) = f.def_inst(v) {
            inst.for_each_use(|u| stack.push(u));
        }
    }
}

fn live(f: &Function, reachable: &[Block], root: &[bool]) -> Vec<BTreeSet<Value>> {
    let mut block_of = vec![u32::MAX; f.values.len()];
    for &b in reachable {
        let data = &f.blocks[b.index()];
        for &v in &data.params {
            block_of[v.index()] = b.0;
        }
        for &id in &data.insts {
            for v in f.insts[id.index()].results() {
                block_of[v.index()] = b.0;
            }
        }
    }
    let is_const = |v: Value| f.def_inst(v).is_some_and(Inst::is_const);
    let mut live = vec![BTreeSet::new(); f.blocks.len()];
    let uses: Vec<(Block, BTreeSet<Value>)> = reachable
        .iter()
        .map(|&b| {
            let data = &f.blocks[b.index()];
            let mut set = BTreeSet::new();
            let outside = |v: Value| block_of[v.index()] != b.0 && !is_const(v);
            let mut used = Vec::new();
            for &id in &data.insts {
                f.insts[id.index()].inst.for_each_use(|v| used.push(v));
                if let Inst::Call(call) = &f.insts[id.index()].inst {
                    used.extend(&call.live);
                }
            }
            if let Some(term) = &data.term {
                term.for_each_use(|v| used.push(v));
            }
            for v in used {
                need(f, root, &mut set, v, &outside);
            }
            (b, set)
        })
        .collect();
    let mut changed = true;
    while changed {
        changed = false;
        for (b, used) in uses.iter().rev() {
            let mut set = used.clone();
            let outside = |v: Value| block_of[v.index()] != b.0 && !is_const(v);
            let term = f.blocks[b.index()].term.as_ref();
            for to in term.into_iter().flat_map(Term::targets) {
                let there = std::mem::take(&mut live[to.block.index()]);
                for &v in &there {
                    if outside(v) {
                        set.insert(v);
                    } else if !root[v.index()]
                        && let Some(inst) = f.def_inst(v)
                    {
                        // What is defined here from others: they are in its term.
                        inst.for_each_use(|u| need(f, root, &mut set, u, &outside));
                    }
                }
                live[to.block.index()] = there;
            }
            if set != live[b.index()] {
                live[b.index()] = set;
                changed = true;
            }
        }
    }
    live
}

/// Blocks that the entry leads to, in reverse postorder.
pub fn reverse_postorder(f: &Function) -> Vec<Block> {
    let mut seen = vec![false; f.blocks.len()];
    let mut order = Vec::new();
    let mut stack = vec![(Block(0), 0)];
    seen[0] = true;
    while let Some((b, n)) = stack.pop() {
        let term = f.blocks[b.index()].term.as_ref();
        match term.and_then(|t| t.targets().nth(n)) {
            Some(to) => {
                stack.push((b, n + 1));
                if !seen[to.block.index()] {
                    seen[to.block.index()] = true;
                    stack.push((to.block, 0));
                }
            }
            None => order.push(b),
        }
    }
    order.reverse();
    order
}
