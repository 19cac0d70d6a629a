//! Loops that count: copies of the body that need not ask whether the loop ends.
//!
//! A counter that steps by a constant until it is a last value is asked once for all copies whether it is farther from that than they step. If it
//! is, none of them ends the loop, and they go round among themselves; if not, the loop as it was does the rest. The distance is
//! a difference that wraps as the counter does, so that nothing need be known of the numbers.

use super::plus;
use crate::ir::{
    BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, IntCc, Opnd, SrcLoc, Term, Type, Value,
    ValueDef, Width,
};
use crate::opt::loops::Loop;

/// Steps from a counter to what it begins with.
const DEPTH: u32 = 8;

/// How a loop counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    /// Which of the header's parameters it is.
    number: usize,
    /// What it begins with, where all ways in that are not cold give the same.
    first: Option<i64>,
    step: i64,
    last: Opnd,
    /// The block with the question, and whether the loop goes on where the answer is yes.
    asks: Block,
    then: bool,
}

/// The loop's counter, if every way round through these blocks asks whether it is at its end. `steps`: by parameter, what the
/// only way round adds.
pub(super) fn of(
    f: &Function,
    cfg: &Cfg,
    l: &Loop,
    body: &[Block],
    steps: &[Option<i64>],
) -> Option<Counted> {
    let &[latch] = &l.latches[..] else {
        return None;
    };
    let outside = || {
        cfg.preds(l.header)
            .iter()
            .filter(|&&b| b != latch && !f.blocks[b.index()].cold)
    };
    let given = |k: usize| {
        let calls = outside()
            .flat_map(|&b| f.targets(b))
            .filter(|t| t.block == l.header);
        let mut all = calls.map(|t| likely(f, cfg, t.args[k], DEPTH));
        let first = all.next()??;
        all.all(|n| n == Some(first)).then_some(first)
    };
    let params = &f.blocks[l.header.index()].params;
    let defines = |b: &Block, v: Value| {
        let data = &f.blocks[b.index()];
        let mut insts = data.insts.iter().map(|id| &f.insts[id.index()]);
        data.params.contains(&v) || insts.any(|node| node.results().any(|r| r == v))
    };
    let steady = |o: Opnd| match o {
        Opnd::Imm(_) => true,
        Opnd::Value(v) => !l.blocks.iter().any(|b| defines(b, v)),
    };
    body.iter().find_map(|&b| {
        let Some(Term::BrIf { cond, then, els }) = &f.blocks[b.index()].term else {
            return None;
        };
        let &Cond::Icmp {
            cc: cc @ (IntCc::Eq | IntCc::Ne),
            w: Width::W64,
            a,
            b: other,
        } = cond
        else {
            return None;
        };
        let counts = |v: Value| {
            params
                .iter()
                .position(|&p| p == v)
                .filter(|&k| steps[k].is_some())
        };
        let (number, last) = match (counts(a), other) {
            (Some(k), last) => (k, last),
            (None, Opnd::Value(v)) => (counts(v)?, Opnd::Value(a)),
            _ => return None,
        };
        let (on, out) = match cc {
            IntCc::Ne => (then, els),
            _ => (els, then),
        };
        let leaves = body.contains(&on.block) && !l.blocks.contains(&out.block);
        (steady(last) && leaves && cfg.dominates(b, latch)).then_some(Counted {
            number,
            first: given(number),
            step: steps[number]?,
            last,
            asks: b,
            then: cc == IntCc::Ne,
        })
    })
}

/// The constant that a value is unless cold code gave another.
fn likely(f: &Function, cfg: &Cfg, v: Value, depth: u32) -> Option<i64> {
    if let Some(n) = f.as_iconst(v) {
        return Some(n);
    }
    let depth = depth.checked_sub(1)?;
    let (b, k) = match f.values[v.index()].def {
        ValueDef::Param(b, k) => (b, k as usize),
        ValueDef::Inst(..) => {
            return match plus(f, v) {
                (of, n) if of != v => likely(f, cfg, of, depth)?.checked_add(n),
                _ => None,
            };
        }
    };
    let hot = cfg.preds(b).iter().filter(|q| !f.blocks[q.index()].cold);
    let calls = hot.flat_map(|&q| f.targets(q)).filter(|t| t.block == b);
    let mut all = calls.map(|t| likely(f, cfg, t.args[k], depth));
    let first = all.next()??;
    all.all(|n| n == Some(first)).then_some(first)
}

impl Counted {
    /// Of so many copies at most, and so many at least, as many as leave the fewest iterations to the loop as it was, where that is known.
    pub(super) fn copies(&self, least: usize, most: usize) -> usize {
        let (Some(first), Opnd::Imm(last)) = (self.first, self.last) else {
            return most;
        };
        let distance = i64::from(last)
            .wrapping_sub(first)
            .wrapping_mul(self.step.signum());
        let left = |n: &usize| distance / self.step.abs() % *n as i64;
        match distance > 0 {
            true => (least..=most).rev().min_by_key(left).unwrap_or(most),
            false => most,
        }
    }

    /// Takes the question away from a copy of the loop's blocks.
    pub(super) fn ask_no_more(&self, f: &mut Function, copy: impl Fn(Block) -> Block) {
        let term = &mut f.blocks[copy(self.asks).index()].term;
        if let Some(Term::BrIf { then, els, .. }) = term {
            let on = if self.then { then } else { els };
            *term = Some(Term::Jump(on.clone()));
        }
    }

    /// A block with the header's parameters that leads to the copies if the loop ends in none of them, else to the loop.
    pub(super) fn ask(
        &self,
        f: &mut Function,
        header: Block,
        first: Block,
        copies: usize,
    ) -> Block {
        let b = f.add_block();
        let params = f.blocks[header.index()].params.clone();
        let args: Vec<Value> = params.iter().map(|&p| f.add_param(b, f.ty(p))).collect();
        let loc = f.blocks[header.index()].term_loc;
        let cond = self.far(f, b, args[self.number], copies as i64 - 1, loc);
        let data = &mut f.blocks[b.index()];
        data.term = Some(Term::BrIf {
            cond,
            then: BlockCall::new(first, &args),
            els: BlockCall::new(header, &args),
        });
        data.term_loc = loc;
        b
    }

    /// Whether more steps than so many are left.
    fn far(&self, f: &mut Function, b: Block, at: Value, steps: i64, loc: SrcLoc) -> Cond {
        let mut binary = |op, a, b_: Opnd| {
            let id = f.add_inst(b, Inst::Binary { op, a, b: b_ }, &[Type::I64], loc);
            f.insts[id.index()].first_result
        };
        let most = (steps * self.step.abs()) as i32;
        let distance = match (self.step > 0, self.last) {
            (false, last) => binary(BinOp::Isub, at, last),
            (true, Opnd::Value(last)) => binary(BinOp::Isub, last, Opnd::Value(at)),
            // What is negated and one more is in range if this is.
            (true, Opnd::Imm(last)) => {
                let past = binary(BinOp::Isub, at, Opnd::Imm(last));
                let past = binary(BinOp::Isub, past, Opnd::Imm(1));
                return Cond::icmp(IntCc::Ult, past, -most - 1);
            }
        };
        Cond::icmp(IntCc::Ugt, distance, most)
    }
}
