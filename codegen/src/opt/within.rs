//! Bounds checks of indices that are short numbers: `t[x & 31]`.
//!
//! Where the length is the same in all iterations of a peeled loop, it is compared with the greatest such index once, between the copy in
//! front of the loop and the loop: there, the checks that remain are those for what lies below the array (the index 0). Where arrays
//! are shorter, the copy in front is the loop.
//!
//! [Peeling](super::peel) makes the place for the question ([`ask`]), where cold code leads back to the copy anyway; once values are numbered, [`run`] finds
//! what to ask there, or takes the place away.

use super::OptStats;
use super::known::Known;
use super::loops::Loops;
use super::narrow::bounds;
use super::version::compared;
use crate::ir::{
    BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, IntCc, Opnd, Pinned, SrcLoc, Term, Type,
    Value, ValueDef, Width,
};

/// Bits of an index: arrays that have a place for each such number are to be expected.
const BITS: u8 = 12;
/// The thread register is compared with this and the number of the place: it is never that.
const MARK: i32 = 0x5ead_0000;
/// Places of a function.
const PLACES: i32 = 1 << 16;

/// A branch of the loop.
#[derive(Clone, Copy, Debug)]
struct Check {
    block: Block,
    /// The way that it takes if the index is below the length.
    then: bool,
    /// Passes unless this is 0; else always.
    not_zero: Option<Value>,
}

/// What is to be asked of a length: it must be greater.
#[derive(Clone, Copy, Debug)]
struct Bound {
    length: Value,
    least: i32,
}

/// Adds a block in front of a loop in which something may be asked: `header`, or the copy in front, which has the same parameters.
pub(super) fn ask(f: &mut Function, number: u32, header: Block, copy: Block) -> Option<Block> {
    let number = i32::try_from(number).ok().filter(|&n| n < PLACES)?;
    let block = f.add_block();
    let params = f.blocks[header.index()].params.clone();
    let types: Vec<Type> = params.into_iter().map(|p| f.ty(p)).collect();
    let params: Vec<Value> = types.into_iter().map(|ty| f.add_param(block, ty)).collect();
    let thread = Inst::GetPinned(Pinned::Thread);
    let thread = f.add_inst(block, thread, &[Type::I64], SrcLoc(0));
    let thread = f.insts[thread.index()].first_result;
    f.blocks[block.index()].term = Some(Term::BrIf {
        cond: Cond::icmp(IntCc::Ne, thread, MARK + number),
        then: BlockCall::new(header, &params),
        els: BlockCall::new(copy, &params),
    });
    Some(block)
}

/// Whether a block is a place to ask.
fn is_place(f: &Function, b: Block) -> bool {
    let Some(Term::BrIf { cond, .. }) = &f.blocks[b.index()].term else {
        return false;
    };
    let &Cond::Icmp {
        cc: IntCc::Ne,
        w: Width::W64,
        a,
        b: Opnd::Imm(n),
    } = cond
    else {
        return false;
    };
    let thread = matches!(f.def_inst(a), Some(Inst::GetPinned(Pinned::Thread)));
    thread && (MARK..MARK + PLACES).contains(&n)
}

/// Finds what to ask in front of loops. Whether anything changed.
pub(super) fn run(f: &mut Function, known: &Known, stats: &mut OptStats) -> bool {
    let cfg = Cfg::new(f);
    let places = cfg.rpo.iter().copied().filter(|&b| is_place(f, b));
    let places: Vec<Block> = places.collect();
    if places.is_empty() {
        return false;
    }
    let loops = Loops::new(&cfg, f.blocks.len());
    let bits = bounds(f, &cfg, known);
    let uses = super::use_counts(f, &cfg);
    let mut block_of = vec![f.entry(); f.insts.len()];
    for &b in &cfg.rpo {
        for id in &f.blocks[b.index()].insts {
            block_of[id.index()] = b;
        }
    }
    for place in places {
        let Some(Term::BrIf { then, els, .. }) = f.blocks[place.index()].term.clone() else {
            continue;
        };
        // What stood for the question goes, so that a place without one is empty.
        let ids = std::mem::take(&mut f.blocks[place.index()].insts);
        let kept = ids.into_iter().filter(|id| {
            let node = &f.insts[id.index()];
            let placeholder = matches!(node.inst, Inst::GetPinned(Pinned::Thread));
            !placeholder || uses[node.first_result.index()] > 1
        });
        let kept = kept.collect();
        f.blocks[place.index()].insts = kept;
        let inside = loops
            .headed_by(then.block)
            .map(|l| &loops.loops[l as usize]);
        let mut checks = Vec::new();
        let mut lengths: Vec<Bound> = Vec::new();
        for &b in inside
            .filter(|l| !l.has_inner)
            .map_or(&[][..], |l| &l.blocks)
        {
            let Some((check, bound)) = check(f, b, &bits) else {
                continue;
            };
            let defined = match f.values[bound.length.index()].def {
                ValueDef::Param(b, _) => b,
                ValueDef::Inst(id, _) => block_of[id.index()],
            };
            // What dominates the place is not in the loop.
            if defined == place || !cfg.dominates(defined, place) {
                continue;
            }
            checks.push(check);
            match lengths.iter_mut().find(|o| o.length == bound.length) {
                Some(o) => o.least = o.least.max(bound.least),
                None => lengths.push(bound),
            }
        }
        stats.versions += u32::from(!checks.is_empty());
        for c in checks {
            pass(f, &c);
        }
        // The questions one after the other.
        let mut next = then;
        for bound in lengths.iter().skip(1) {
            let block = f.add_block();
            f.blocks[block.index()].term = Some(question(bound, next, &els));
            next = BlockCall::new(block, &[]);
        }
        let term = match lengths.first() {
            Some(bound) => question(bound, next, &els),
            None => Term::Jump(next),
        };
        f.blocks[place.index()].term = Some(term);
    }
    true
}

fn question(bound: &Bound, then: BlockCall, els: &BlockCall) -> Term {
    Term::BrIf {
        cond: Cond::icmp(IntCc::Ugt, bound.length, bound.least),
        then,
        els: els.clone(),
    }
}

/// Asks less.
fn pass(f: &mut Function, c: &Check) {
    let Some(Term::BrIf { cond, then, els }) = &mut f.blocks[c.block.index()].term else {
        return;
    };
    let (cc, way) = match c.then {
        true => (IntCc::Ne, then.clone()),
        false => (IntCc::Eq, els.clone()),
    };
    match c.not_zero {
        Some(x) => *cond = Cond::icmp(cc, x, 0),
        None => f.blocks[c.block.index()].term = Some(Term::Jump(way)),
    }
}

/// The check that a block ends with, and what makes it one for 0 or none.
fn check(f: &Function, b: Block, bits: &[u8]) -> Option<(Check, Bound)> {
    let (length, index, holds) = compared(f, b)?;
    let (x, offset) = match f.def_inst(index) {
        Some(&Inst::Binary {
            op: BinOp::Iadd,
            a,
            b: Opnd::Imm(n),
        }) => (a, n),
        Some(&Inst::Binary {
            op: BinOp::Isub,
            a,
            b: Opnd::Imm(n),
        }) => (a, n.checked_neg()?),
        _ => (index, 0),
    };
    let n = bits[x.index()];
    if !(1..=BITS).contains(&n) || !(-1..=1 << BITS).contains(&offset) {
        return None;
    }
    let not_zero = (offset == -1).then_some(x);
    let least = (1 << n) - 1 + offset;
    let check = Check {
        block: b,
        then: holds,
        not_zero,
    };
    Some((check, Bound { length, least }))
}
