//! Fields that an innermost loop loads at its start and has stored by its end are carried from iteration to iteration in a
//! register (`while true do self.pc = step(self.pc) end`): a parameter of the header is what the last iteration stored. The
//! store stays, so memory is at any time what it was before; but no iteration waits for it.

use super::loops::{Loop, Loops};
use super::{OptStats, Replace};
use crate::ir::{
    Addr, Base, Block, BlockCall, Cfg, Function, Inst, InstId, LoadKind, Region, Term, Type, Value,
    ValueDef, Width,
};

/// Blocks that are looked at for the store, from the loop's end.
const BACK: usize = 16;

/// Carries what it can. Whether there was anything.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) -> bool {
    let cfg = Cfg::new(f);
    let loops = Loops::new(&cfg, f.blocks.len());
    let mut replace = Replace::new(f);
    let mut block_of = vec![f.entry(); f.insts.len()];
    for &b in &cfg.rpo {
        let ids = f.blocks[b.index()].insts.iter();
        ids.for_each(|id| block_of[id.index()] = b);
    }
    let mut any = false;
    for (n, l) in loops.loops.iter().enumerate() {
        if l.has_inner || f.blocks[l.header.index()].cold || loops.is_irreducible(l.header) {
            continue;
        }
        for (at, load) in candidates(f, &loops, &block_of, n as u32) {
            let stored: Option<Vec<Value>> = l
                .latches
                .iter()
                .map(|&b| at_end(f, &cfg, l.header, b, &load))
                .collect();
            if let Some(stored) = stored {
                carry(f, l, at, &load, &stored, &mut replace);
                stats.carried += 1;
                any = true;
            }
        }
    }
    replace.grow(f);
    replace.apply(f);
    any
}

/// A load of a place that stays the same in a loop.
struct Place {
    id: InstId,
    addr: Addr,
    ty: Type,
}

/// Loads at the start of a loop, in front of all that has an effect, and where they stand.
fn candidates(f: &Function, loops: &Loops, block_of: &[Block], n: u32) -> Vec<(usize, Place)> {
    let outside = |v: Value| {
        let b = match f.values[v.index()].def {
            ValueDef::Param(b, _) => b,
            // What was made since is a load in front of another loop.
            ValueDef::Inst(id, _) => match block_of.get(id.index()) {
                Some(&b) => b,
                None => return false,
            },
        };
        !loops.contains(n, b)
    };
    let header = loops.loops[n as usize].header;
    let mut found = Vec::new();
    for (at, &id) in f.blocks[header.index()].insts.iter().enumerate() {
        let inst = &f.insts[id.index()].inst;
        if inst.has_effect() {
            break;
        }
        let &Inst::Load { kind, addr } = inst else {
            continue;
        };
        let ty = match kind {
            LoadKind::I64 => Type::I64,
            LoadKind::F64 => Type::F64,
            _ => continue,
        };
        let plain = addr.index.is_none() && !matches!(addr.region, Region::Const | Region::Thread);
        if plain && matches!(addr.base, Base::Value(v) if outside(v)) {
            found.push((at, Place { id, addr, ty }));
        }
    }
    // From the last to the first, so that places stay.
    found.reverse();
    found
}

/// What was stored to a place when an iteration ends there, if that is known: the store is on every way.
fn at_end(f: &Function, cfg: &Cfg, header: Block, end: Block, place: &Place) -> Option<Value> {
    let mut b = end;
    for _ in 0..BACK {
        for &id in f.blocks[b.index()].insts.iter().rev() {
            match &f.insts[id.index()].inst {
                Inst::Store { w, addr, val } if same(addr, &place.addr) => {
                    let whole = *w == Width::W64 && f.ty(*val) == place.ty;
                    return whole.then_some(*val);
                }
                Inst::Store { w, addr, .. }
                | Inst::StoreImm { w, addr, .. }
                | Inst::MemOp { w, addr, .. }
                    if !beside(addr, w.bytes(), &place.addr) =>
                {
                    return None;
                }
                Inst::Call(data) if place.addr.region.written_by(data.clobbers) => return None,
                Inst::VectorStore { .. } => return None,
                _ => {}
            }
        }
        match *cfg.preds(b) {
            [p] if b != header => b = p,
            _ => return None,
        }
    }
    None
}

fn same(a: &Addr, b: &Addr) -> bool {
    (a.base, a.index, a.disp) == (b.base, b.index, b.disp)
}

/// Whether a store of this many bytes leaves the 8 bytes at an address alone.
fn beside(to: &Addr, bytes: u32, place: &Addr) -> bool {
    let away = to.disp as i64 - place.disp as i64;
    !to.region.may_alias(place.region)
        || to.base == place.base && to.index.is_none() && (away >= 8 || away <= -(bytes as i64))
}

/// Makes a load a parameter of its loop.
fn carry(
    f: &mut Function,
    l: &Loop,
    at: usize,
    place: &Place,
    stored: &[Value],
    replace: &mut Replace,
) {
    let (header, node) = (l.header, f.insts[place.id.index()].clone());
    f.blocks[header.index()].insts.remove(at);
    let param = f.add_param(header, place.ty);
    replace.grow(f);
    replace.set(node.first_result, param);
    // As they are now: each load that is carried adds blocks.
    let mut preds = Cfg::new(f).preds(header).to_vec();
    preds.dedup();
    for p in preds {
        let latch = l.latches.iter().position(|&b| b == p);
        let Some(mut term) = f.blocks[p.index()].term.take() else {
            continue;
        };
        for call in term.targets_mut().filter(|t| t.block == header) {
            if let Some(n) = latch {
                call.args.push(stored[n]);
                continue;
            }
            // Only here is it certain that the header comes next.
            let before = f.add_block();
            f.blocks[before.index()].cold = f.blocks[p.index()].cold;
            let load = f.add_inst(before, node.inst.clone(), &[place.ty], node.loc);
            let value = f.insts[load.index()].first_result;
            let mut on = BlockCall::new(header, &call.args);
            on.args.push(value);
            f.blocks[before.index()].term = Some(Term::Jump(on));
            f.blocks[before.index()].term_loc = f.blocks[p.index()].term_loc;
            *call = BlockCall::new(before, &[]);
        }
        f.blocks[p.index()].term = Some(term);
    }
}
