//! Value numbering over the dominator tree: equal computations, loads of unchanged memory and conditions whose outcome is
//! known are replaced by what is there already.
//!
//! One walk, dominators first and siblings in reverse postorder, so that when a block is entered all its predecessors but
//! those on back edges have been left. What a branch decided holds below its targets; what memory holds is a matter of
//! versions (`memory.rs`). A way that turns out never to be taken does not count where it meets others. Loops are not
//! iterated: a parameter of a loop's header is a number of its own, about whose size `induction.rs` finds out what it can.

mod access;
mod conds;
mod induction;
mod memory;
mod numbers;
mod range;

use super::consts::Consts;
use super::known::Known;
use super::loops::Loops;
use super::{OptOptions, OptStats, Replace};
use crate::ir::{
    BinOp, Block, CallData, CallTarget, Cfg, Clobbers, Cond, Function, Inst, InstId, Opnd, OvfOp,
    Pinned, SymbolRef, Term, Type, Value,
};
use conds::Form;
use memory::{Memory, State, branch_cond, cond_of, stored};
use numbers::{Key, Num, Numbers};
use range::Range;

pub(super) use induction::negate;
pub(super) use memory::{Effects, is_volatile};

const UNSEEN: Num = Num::MAX;

struct Gvn<'a> {
    f: &'a mut Function,
    cfg: Cfg,
    loops: Loops,
    consts: Consts,
    options: OptOptions,
    known: &'a mut Known,
    stats: &'a mut OptStats,
    num: Numbers,
    /// By value; `UNSEEN` before its definition is visited.
    of: Vec<Num>,
    /// By instruction: the block it is in.
    block_of: Vec<Block>,
    mem: Memory,
    state: State,
    /// By block: the condition it ends with and whose outcome its targets know.
    branch: Vec<Form>,
}

/// Numbers the values of a function and removes what is there twice.
pub(super) fn run(f: &mut Function, options: &OptOptions, known: &mut Known, stats: &mut OptStats) {
    let mut replace = Replace::new(f);
    let consts = Consts::collect(f, &mut replace);
    replace.apply(f);
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let mut mem = Memory::new(f, &cfg, &loops);
    let state = mem.unknown(f.entry());
    let mut block_of = vec![f.entry(); f.insts.len()];
    for &b in &cfg.rpo {
        for id in &f.blocks[b.index()].insts {
            block_of[id.index()] = b;
        }
    }
    let mut g = Gvn {
        of: vec![UNSEEN; f.values.len()],
        branch: vec![Form::Opaque; f.blocks.len()],
        block_of,
        num: Numbers::default(),
        options: *options,
        f,
        cfg,
        loops,
        consts,
        known,
        stats,
        mem,
        state,
    };
    g.walk();
    g.consts.finish(g.f);
}

impl Gvn<'_> {
    fn walk(&mut self) {
        enum Step {
            Enter(Block),
            Leave(usize),
        }
        let children = self.cfg.children();
        let mut stack = vec![Step::Enter(self.f.entry())];
        while let Some(step) = stack.pop() {
            match step {
                Step::Enter(b) => {
                    let mark = self.num.mark();
                    stack.push(Step::Leave(mark));
                    if self.enter(b) {
                        self.block(b);
                        let below = &children[b.index()];
                        stack.extend(below.iter().rev().map(|&c| Step::Enter(c)));
                    }
                }
                Step::Leave(mark) => self.num.undo(mark),
            }
        }
    }

    /// Sets up what is known at the start of a block. False if no way leads there.
    fn enter(&mut self, b: Block) -> bool {
        if b == self.f.entry() {
            for p in self.f.blocks[b.index()].params.clone() {
                self.define(p, Range::FULL);
            }
            return true;
        }
        let mut preds = self.cfg.preds(b).to_vec();
        preds.dedup();
        let here = self.cfg.rpo_of(b);
        preds.retain(|&p| {
            self.cfg.rpo_of(p) < here
                && self.mem.exit[p.index()].is_some()
                && self.f.targets(p).any(|t| t.block == b)
        });
        let odd = self.loops.is_irreducible(b);
        if preds.is_empty() && !odd {
            return false;
        }
        let headed = self.loops.headed_by(b);
        self.state = if odd {
            self.mem.unknown(b)
        } else {
            let ins: Vec<State> = preds
                .iter()
                .filter_map(|p| self.mem.exit[p.index()])
                .collect();
            self.mem.merge(b, &ins, headed)
        };
        self.params(b, &preds, odd || headed.is_some());
        // Into a loop, too: what is known where it is entered is about numbers that it does not change.
        if let [p] = preds[..]
            && !odd
            && let Some(Term::BrIf { then, els, .. }) = &self.f.blocks[p.index()].term
            && (then.block == b) != (els.block == b)
        {
            let holds = then.block == b;
            self.assume(self.branch[p.index()], holds);
        }
        if let Some(l) = headed
            && !odd
            && self.options.ranges
        {
            self.induction(l, &preds);
        }
        true
    }

    /// Numbers the parameters of a block. What arrives over edges not yet seen may be anything.
    fn params(&mut self, b: Block, preds: &[Block], open: bool) {
        let params = self.f.blocks[b.index()].params.clone();
        for (k, p) in params.into_iter().enumerate() {
            if open {
                let n = self.define(p, Range::FULL);
                self.recall(p, n);
                continue;
            }
            let mut args = Vec::new();
            for &q in preds {
                let calls = self.f.targets(q).filter(|t| t.block == b);
                args.extend(calls.map(|t| t.args[k]));
            }
            let args: Vec<Num> = args.into_iter().map(|v| self.num_of(v)).collect();
            let first = args[0];
            if args.iter().all(|&n| n == first) {
                self.of[p.index()] = first;
                if self.num.leader(first).is_none() {
                    self.num.set_leader(first, p);
                }
                continue;
            }
            let ranges = args.iter().map(|&n| self.num.info[n as usize].at_def);
            let range = ranges.reduce(Range::join).unwrap_or(Range::FULL);
            self.define(p, range);
        }
    }

    /// What earlier passes found out of a parameter.
    fn recall(&mut self, p: Value, n: Num) {
        let Some(fact) = self.known.get(p).cloned() else {
            return;
        };
        if self.options.ranges {
            if fact.lo <= fact.hi {
                self.num.set_range(n, Range::new(fact.lo, fact.hi));
            }
            for (v, mask) in fact.orders {
                if let Some(other) = self.known_num(v) {
                    self.assume_order(n, other, mask);
                }
            }
        }
    }

    fn define(&mut self, v: Value, range: Range) -> Num {
        let n = self.num.fresh(Some(v), range);
        self.of[v.index()] = n;
        n
    }

    /// The number of a value whose definition was visited.
    fn known_num(&self, v: Value) -> Option<Num> {
        let n = self.of.get(v.index()).copied().unwrap_or(UNSEEN);
        (n != UNSEEN).then_some(n)
    }

    fn num_of(&mut self, v: Value) -> Num {
        if let Some(n) = self.known_num(v) {
            return n;
        }
        let (ty, bits) = match self.f.def_inst(v) {
            Some(&Inst::Iconst(n)) => (Type::I64, n as u64),
            Some(&Inst::Fconst(bits)) => (Type::F64, bits),
            // Everything else is visited before its uses are.
            _ => return self.define(v, Range::FULL),
        };
        let n = self.num.constant(ty, bits, || v);
        self.see(v, n);
        n
    }

    fn see(&mut self, v: Value, n: Num) {
        if self.of.len() <= v.index() {
            self.of.resize(v.index() + 1, UNSEEN);
        }
        self.of[v.index()] = n;
    }

    /// The number of an integer constant.
    fn int(&mut self, n: i64) -> Num {
        let num = self.num.constant(Type::I64, n as u64, || {
            self.consts.get(self.f, Type::I64, n as u64)
        });
        if let Some(v) = self.num.leader(num) {
            self.see(v, num);
        }
        num
    }

    fn opnd(&mut self, o: Opnd) -> Num {
        match o {
            Opnd::Value(v) => self.num_of(v),
            Opnd::Imm(n) => self.int(n as i64),
        }
    }

    /// The instruction that first computed a number.
    fn definition(&self, n: Num) -> Option<&Inst> {
        self.f.def_inst(self.num.info[n as usize].def?)
    }

    /// The value to use for another here.
    fn best(&mut self, v: Value) -> Value {
        let n = self.num_of(v);
        if self.f.ty(v) == Type::I64
            && self.num.info[n as usize].bits.is_none()
            && let Some(c) = self.num.stored_range(n).as_point()
        {
            let n = self.int(c);
            return self.num.leader(n).unwrap_or(v);
        }
        self.num.leader(n).unwrap_or(v)
    }

    fn block(&mut self, b: Block) {
        let list = std::mem::take(&mut self.f.blocks[b.index()].insts);
        let mut kept = Vec::with_capacity(list.len());
        for id in list {
            if self.inst(id) {
                kept.push(id);
            }
        }
        self.f.blocks[b.index()].insts = kept;
        if let Some(term) = self.f.blocks[b.index()].term.take() {
            let term = self.terminator(b, term);
            self.f.blocks[b.index()].term = Some(term);
        }
        self.mem.exit[b.index()] = Some(self.state);
    }

    fn terminator(&mut self, b: Block, mut term: Term) -> Term {
        let overflow = match branch_cond(&term) {
            Some(&Cond::Overflow(v)) => Some(v),
            _ => None,
        };
        term.for_each_use_mut(|v| {
            if overflow != Some(*v) {
                *v = self.best(*v);
            }
        });
        if let Some(v) = overflow {
            // The rest of the terminator may use a better name for the result than the condition.
            let best = self.best(v);
            term.targets_mut()
                .flat_map(|t| &mut t.args)
                .filter(|a| **a == v)
                .for_each(|a| *a = best);
        }
        let Term::BrIf { cond, then, els } = &mut term else {
            return term;
        };
        let form = self.cond(cond);
        if self.options.conditions {
            self.branch[b.index()] = form;
        }
        match form {
            Form::Known(known) => {
                self.stats.conditions += 1;
                Term::Jump(if known { then.clone() } else { els.clone() })
            }
            _ => term,
        }
    }

    /// Visits an instruction. False if it is not needed any more.
    fn inst(&mut self, id: InstId) -> bool {
        let mut inst = std::mem::replace(&mut self.f.insts[id.index()].inst, Inst::Iconst(0));
        let keep = self.visit(id, &mut inst);
        self.f.insts[id.index()].inst = inst;
        keep
    }

    fn visit(&mut self, id: InstId, inst: &mut Inst) -> bool {
        let asked = cond_of(inst).copied();
        inst.for_each_use_mut(|v| {
            if asked != Some(Cond::Overflow(*v)) {
                *v = self.best(*v);
            }
        });
        let node = &self.f.insts[id.index()];
        let (res, count) = (node.first_result, node.num_results);
        if let Some((addr, w)) = stored(inst) {
            let (addr, bytes) = (*addr, w.bytes());
            return self.store(inst, &addr, w, bytes);
        }
        match inst {
            Inst::Call(data) if pure_call(data).is_none() => {
                self.mem.call(&mut self.state, data.clobbers);
                for k in 0..count as u32 {
                    self.define(Value(res.0 + k), Range::FULL);
                }
                return true;
            }
            Inst::SetPinned(p, _) => {
                self.set_pinned(*p, None);
                return true;
            }
            Inst::AddPinned(p, n) => {
                self.set_pinned(*p, Some(*n));
                return true;
            }
            Inst::Assume(cond) => {
                let form = self.cond(cond);
                self.assume(form, true);
                return true;
            }
            _ => {}
        }
        let is_overflow = matches!(inst, Inst::Overflow { .. });
        let is_load = matches!(inst, Inst::Load { .. });
        let mut range = Range::FULL;
        let Some(key) = self.key(inst, res, &mut range) else {
            return match self.known_num(res) {
                // It turned out to be something that has a number.
                Some(n) if self.num.leader(n).is_some_and(|v| v != res) => {
                    self.stats.values += 1;
                    false
                }
                _ => true,
            };
        };
        match self.num.get(&key) {
            Some(n) => {
                self.of[res.index()] = n;
                if self.num.leader(n).is_none() {
                    self.num.set_leader(n, res);
                    return true;
                }
                if is_overflow {
                    return true;
                }
                match is_load {
                    true => self.stats.loads += 1,
                    false => self.stats.values += 1,
                }
                false
            }
            None => {
                let n = self.define(res, range);
                self.num.insert(key, n);
                true
            }
        }
    }

    /// What identifies the result of an instruction. `None` if nothing does; the result then has its number.
    fn key(&mut self, inst: &mut Inst, res: Value, range: &mut Range) -> Option<Key> {
        Some(match inst {
            Inst::Iconst(_) | Inst::Fconst(_) => {
                self.num_of(res);
                return None;
            }
            Inst::Unary { op, a } => {
                let a = self.num_of(*a);
                *range = self.unary_range(*op, a);
                Key::Unary(*op, a)
            }
            Inst::Binary { op, a, b } => {
                let (a, b) = (self.num_of(*a), self.opnd(*b));
                *range = self.binary_range(*op, a, b);
                binary_key(*op, a, b)
            }
            Inst::Overflow { op, a, b } => {
                let (a, b) = (self.num_of(*a), self.opnd(*b));
                let op = plain(*op);
                *range = self.binary_range(op, a, b);
                binary_key(op, a, b)
            }
            Inst::BoolOf(cond) => {
                *range = Range::new(0, 1);
                match self.cond(cond) {
                    Form::Known(known) => {
                        let n = self.int(known as i64);
                        return self.is(res, n);
                    }
                    Form::Of(key, mask) => Key::Bool(key, mask),
                    Form::Opaque => return self.is_new(res, *range),
                }
            }
            Inst::Select { cond, a, b, .. } => {
                let (x, y) = (self.num_of(*a), self.num_of(*b));
                *range = self.range(x).join(self.range(y));
                match self.cond(cond) {
                    Form::Known(known) => return self.is(res, if known { x } else { y }),
                    Form::Of(key, mask) => Key::Select(key, mask, x, y),
                    Form::Opaque => return self.is_new(res, *range),
                }
            }
            Inst::AddrOf(addr) => {
                let addr = self.addr_key(&*addr);
                Key::Address(addr)
            }
            Inst::GetPinned(Pinned::Base) => match self.state.pins.offset {
                Some(n) => Key::Pinned(Pinned::Base, self.state.pins.root, n),
                None => return self.is_new(res, *range),
            },
            Inst::GetPinned(Pinned::Thread) => {
                Key::Pinned(Pinned::Thread, self.state.pins.thread, 0)
            }
            Inst::Vector { .. } | Inst::VectorLoad { .. } => return self.is_new(res, *range),
            Inst::Load { kind, addr } => {
                *range = Range::of_load(*kind);
                match self.load_key(*kind, addr) {
                    Some(key) => key,
                    None => return self.is_new(res, *range),
                }
            }
            Inst::Store { .. }
            | Inst::StoreImm { .. }
            | Inst::VectorStore { .. }
            | Inst::VectorsDone
            | Inst::MemOp { .. }
            | Inst::Assume(_)
            | Inst::SetPinned(..)
            | Inst::AddPinned(..) => return None,
            Inst::Call(data) => {
                let f = pure_call(data)?;
                let mut args = data.args.iter().map(|a| self.num_of(a.0));
                Key::Call(f, [args.next(), args.next()])
            }
        })
    }

    fn is(&mut self, res: Value, n: Num) -> Option<Key> {
        self.of[res.index()] = n;
        if self.num.leader(n).is_none() {
            self.num.set_leader(n, res);
        }
        None
    }

    fn is_new(&mut self, res: Value, range: Range) -> Option<Key> {
        self.define(res, range);
        None
    }

    fn set_pinned(&mut self, p: Pinned, moved: Option<i32>) {
        match (p, moved) {
            (Pinned::Base, Some(n)) => {
                self.state.pins.offset = self.state.pins.offset.and_then(|o| o.checked_add(n));
                if self.state.pins.offset.is_none() {
                    self.state.pins.root = self.mem.new_root();
                }
            }
            (Pinned::Base, None) => {
                self.state.pins.root = self.mem.new_root();
                self.state.pins.offset = Some(0);
            }
            (Pinned::Thread, _) => self.state.pins.thread = self.mem.new_root(),
        }
    }
}

/// The function of a call that is nothing but its result, if it has few enough arguments.
fn pure_call(data: &CallData) -> Option<SymbolRef> {
    match data.target {
        CallTarget::Symbol(f) if data.clobbers == Clobbers::Pure && data.rets.len() == 1 => {
            (data.args.len() <= 2).then_some(f)
        }
        _ => None,
    }
}

/// The operation without the question whether it overflows.
fn plain(op: OvfOp) -> BinOp {
    match op {
        OvfOp::Add => BinOp::Iadd,
        OvfOp::Sub => BinOp::Isub,
        OvfOp::Mul => BinOp::Imul,
    }
}

fn binary_key(op: BinOp, a: Num, b: Num) -> Key {
    match super::fold::commutes(op) {
        true => Key::Binary(op, a.min(b), a.max(b)),
        false => Key::Binary(op, a, b),
    }
}
