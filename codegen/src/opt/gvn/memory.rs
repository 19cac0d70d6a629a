//! Memory as versions per region: two loads of one address in one version give the same.
//!
//! A store starts a new version of its region (and of those it may overlap) that remembers the one before, so that loads
//! beside it can look through. Where ways meet, a region keeps its version if all agree, and loads look through all of them
//! if they end at one. A loop that stores to a region
//! starts a version at its header, which loads of addresses that none of the loop's stores touches look through as well.

use super::numbers::Num;
use crate::ir::{
    Addr, Base, Block, Cfg, Clobbers, Cond, Function, Inst, Pinned, Region, Scale, StackSlot,
    SymbolRef, Term, Width,
};
use crate::opt::loops::Loops;

/// Stores of a loop that are looked at one by one; with more, the loop changes the region.
const LOOP_STORES: usize = 400;
/// Stores that a load looks through.
const WALK: usize = 64;
/// Ways that meet, at most, to be looked through.
const WAYS: usize = 8;
const REGIONS: usize = Region::ALL.len();

/// The base of an address, by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum BaseKey {
    Num(Num),
    /// A pinned register as it was when this number was given.
    Pinned(Pinned, u32),
    /// The function's own base, wherever it is.
    OwnBase,
    Symbol(SymbolRef),
    Stack(StackSlot),
}

/// An address with constants gathered in the displacement.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct AddrKey {
    pub base: BaseKey,
    pub index: Option<(Num, Scale)>,
    pub disp: i64,
}

impl AddrKey {
    /// Whether accesses of these sizes cannot overlap: the same place but for the displacement.
    fn is_disjoint(&self, bytes: u32, o: &AddrKey, o_bytes: u32) -> bool {
        let ahead = o.disp.wrapping_sub(self.disp) as u64;
        let behind = self.disp.wrapping_sub(o.disp) as u64;
        self.base == o.base
            && self.index == o.index
            && ahead >= bytes as u64
            && behind >= o_bytes as u64
    }
}

/// Where a version comes from.
#[derive(Clone, Copy, Debug)]
enum Version {
    /// Anything: a call, the start.
    Opaque,
    /// A meeting of ways: these of `Memory::merged`.
    Merge { from: u32, to: u32 },
    Store {
        addr: AddrKey,
        bytes: u32,
        prev: u32,
    },
    Header {
        in_loop: u32,
        region: Region,
        pins: Pins,
        prev: u32,
    },
}

/// A search for the version that decides what a load gives.
struct Walk {
    /// Versions that it still may look at.
    fuel: usize,
    /// Meetings of ways, each with what it found there: ways that part again meet the same ones.
    met: Vec<(u32, u32)>,
}

/// The pinned registers at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pins {
    /// Identifies the base register's value together with `offset`.
    pub root: u32,
    /// How far the base was moved by constants; `None` if that depends on the way here.
    pub offset: Option<i32>,
    pub thread: u32,
}

/// Memory and the pinned base at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    version: [u32; REGIONS],
    pub pins: Pins,
}

/// What a loop does to memory.
#[derive(Clone, Debug, Default)]
pub(in crate::opt) struct Effects {
    /// Bit per region: changed, in whatever way.
    touched: u16,
    /// Bit per region: changed by more than the stores listed.
    opaque: u16,
    stores: Vec<(Addr, u32)>,
    /// The base register may have another value.
    moves_base: bool,
    moves_thread: bool,
}

impl Effects {
    /// Adds what an instruction does.
    pub(in crate::opt) fn inst(&mut self, inst: &Inst) {
        match inst {
            Inst::Store { w, addr, .. }
            | Inst::StoreImm { w, addr, .. }
            | Inst::MemOp { w, addr, .. } => self.store(*addr, w.bytes()),
            Inst::Call(data) => {
                let killed = Region::ALL.iter().filter(|r| r.written_by(data.clobbers));
                let mask = killed.fold(0, |m, &r| m | bit(r));
                self.touched |= mask;
                self.opaque |= mask;
                self.moves_base |= data.clobbers.moves_base();
            }
            Inst::SetPinned(Pinned::Base, _) | Inst::AddPinned(Pinned::Base, _) => {
                self.moves_base = true;
            }
            Inst::SetPinned(Pinned::Thread, _) | Inst::AddPinned(Pinned::Thread, _) => {
                self.moves_thread = true;
            }
            _ => {}
        }
    }

    fn store(&mut self, addr: Addr, bytes: u32) {
        let hit = Region::ALL.iter().filter(|&&r| addr.region.may_alias(r));
        let mask = hit.fold(0, |m, &r| m | bit(r));
        self.touched |= mask;
        if self.stores.len() < LOOP_STORES {
            self.stores.push((addr, bytes));
        } else {
            self.opaque |= mask;
        }
    }

    /// Whether a region is changed.
    pub(in crate::opt) fn touches(&self, r: Region) -> bool {
        self.touched & bit(r) != 0
    }

    fn join(&mut self, o: &Effects) {
        self.touched |= o.touched;
        self.opaque |= o.opaque;
        self.moves_base |= o.moves_base;
        self.moves_thread |= o.moves_thread;
        for &(addr, bytes) in &o.stores {
            self.store(addr, bytes);
        }
    }
}

fn bit(r: Region) -> u16 {
    1 << r as u16
}

/// What each loop does to memory.
pub(super) fn loop_effects(f: &Function, cfg: &Cfg, loops: &Loops) -> Vec<Effects> {
    let mut all = vec![Effects::default(); loops.loops.len()];
    for &b in &cfg.rpo {
        let Some(mut l) = loops.innermost(b) else {
            continue;
        };
        let mut effects = Effects::default();
        for id in &f.blocks[b.index()].insts {
            effects.inst(&f.insts[id.index()].inst);
        }
        loop {
            all[l as usize].join(&effects);
            match loops.loops[l as usize].parent {
                Some(p) => l = p,
                None => break,
            }
        }
    }
    all
}

/// By block: how far constants have moved the base register from the function's own, where that is certain.
fn base_offsets(f: &Function, cfg: &Cfg) -> Vec<Option<i32>> {
    /// Not reached yet, one offset, several.
    #[derive(Clone, Copy, PartialEq)]
    enum Off {
        None,
        Is(i32),
        Unknown,
    }
    let mut at = vec![Off::None; f.blocks.len()];
    at[0] = Off::Is(0);
    let mut changed = true;
    while changed {
        changed = false;
        for &b in &cfg.rpo {
            let mut off = at[b.index()];
            for id in &f.blocks[b.index()].insts {
                off = match (&f.insts[id.index()].inst, off) {
                    (Inst::AddPinned(Pinned::Base, n), Off::Is(o)) => {
                        o.checked_add(*n).map_or(Off::Unknown, Off::Is)
                    }
                    // Whoever writes it puts the function's base back.
                    (Inst::SetPinned(Pinned::Base, _), _) => Off::Is(0),
                    (_, off) => off,
                };
            }
            for t in f.targets(b) {
                let slot = &mut at[t.block.index()];
                let new = match (*slot, off) {
                    (Off::None, o) | (o, Off::None) => o,
                    (Off::Is(a), Off::Is(b)) if a == b => Off::Is(a),
                    _ => Off::Unknown,
                };
                changed |= new != *slot;
                *slot = new;
            }
        }
    }
    let known = |o: &Off| match o {
        Off::Is(n) => Some(*n),
        _ => None,
    };
    at.iter().map(known).collect()
}

/// The versions of a function's memory.
pub(super) struct Memory {
    versions: Vec<Version>,
    /// The versions that meet, all meetings one after the other.
    merged: Vec<u32>,
    effects: Vec<Effects>,
    offsets: Vec<Option<i32>>,
    roots: u32,
    /// At the end of each block that was visited.
    pub exit: Vec<Option<State>>,
}

impl Memory {
    pub(super) fn new(f: &Function, cfg: &Cfg, loops: &Loops) -> Memory {
        Memory {
            versions: vec![Version::Opaque],
            merged: Vec::new(),
            effects: loop_effects(f, cfg, loops),
            offsets: base_offsets(f, cfg),
            roots: 0,
            exit: vec![None; f.blocks.len()],
        }
    }

    fn version(&mut self, v: Version) -> u32 {
        self.versions.push(v);
        self.versions.len() as u32 - 1
    }

    /// A register value never seen before.
    pub(super) fn new_root(&mut self) -> u32 {
        self.roots += 1;
        self.roots
    }

    /// The state of which nothing is known.
    pub(super) fn unknown(&mut self, b: Block) -> State {
        let version = self.version(Version::Opaque);
        State {
            version: [version; REGIONS],
            pins: Pins {
                root: self.new_root(),
                offset: self.offsets[b.index()],
                thread: self.new_root(),
            },
        }
    }

    /// The state at the start of a block into which these states flow, and the back edges of a loop if it heads one.
    pub(super) fn merge(&mut self, b: Block, ins: &[State], headed: Option<u32>) -> State {
        let Some((&first, rest)) = ins.split_first() else {
            return self.unknown(b);
        };
        let mut out = first;
        out.pins.offset = self.offsets[b.index()];
        if rest.iter().any(|s| s.pins.root != first.pins.root) {
            out.pins.root = self.new_root();
        }
        if rest.iter().any(|s| s.pins.thread != first.pins.thread) {
            out.pins.thread = self.new_root();
        }
        for r in 0..REGIONS {
            if rest.iter().any(|s| s.version[r] != first.version[r]) {
                let from = self.merged.len();
                // Most of many ways have left a region alone: they count once.
                for s in ins {
                    if !self.merged[from..].contains(&s.version[r]) {
                        self.merged.push(s.version[r]);
                    }
                }
                if self.merged.len() > from + WAYS {
                    self.merged.truncate(from);
                }
                let (from, to) = (from as u32, self.merged.len() as u32);
                out.version[r] = self.version(match to > from {
                    true => Version::Merge { from, to },
                    false => Version::Opaque,
                });
            }
        }
        let Some(l) = headed else {
            return out;
        };
        if self.effects[l as usize].moves_base {
            out.pins.root = self.new_root();
        }
        if self.effects[l as usize].moves_thread {
            out.pins.thread = self.new_root();
        }
        for (r, &region) in Region::ALL.iter().enumerate() {
            if self.effects[l as usize].touches(region) {
                out.version[r] = self.version(Version::Header {
                    in_loop: l,
                    region,
                    pins: out.pins,
                    prev: out.version[r],
                });
            }
        }
        out
    }

    /// The version that decides what a load of this address gives. `beside` tells whether all that a loop stores, other
    /// regions aside, lies beside the address.
    pub(super) fn deciding(
        &self,
        state: &State,
        region: Region,
        addr: &AddrKey,
        bytes: u32,
        beside: impl Fn(u32, Region, Pins) -> bool,
    ) -> u32 {
        let mut walk = Walk {
            fuel: WALK,
            met: Vec::new(),
        };
        let v = state.version[region as usize];
        self.look_through(v, addr, bytes, &beside, &mut walk)
    }

    fn look_through(
        &self,
        mut v: u32,
        addr: &AddrKey,
        bytes: u32,
        beside: &impl Fn(u32, Region, Pins) -> bool,
        walk: &mut Walk,
    ) -> u32 {
        while walk.fuel > 0 {
            walk.fuel -= 1;
            v = match self.versions[v as usize] {
                Version::Store {
                    addr: to,
                    bytes: n,
                    prev,
                } if addr.is_disjoint(bytes, &to, n) => prev,
                Version::Header {
                    in_loop,
                    region,
                    pins,
                    prev,
                } if beside(in_loop, region, pins) => prev,
                Version::Merge { from, to } => {
                    if let Some(&(_, end)) = walk.met.iter().find(|m| m.0 == v) {
                        return end;
                    }
                    let ins = &self.merged[from as usize..to as usize];
                    let mut ends = ins
                        .iter()
                        .map(|&i| self.look_through(i, addr, bytes, beside, walk));
                    let end = match ends.next() {
                        Some(first) if ends.all(|e| e == first) => first,
                        _ => v,
                    };
                    walk.met.push((v, end));
                    return end;
                }
                _ => return v,
            };
        }
        v
    }

    /// Whether no store of a loop to the region overlaps an address, which must mean the same throughout the loop.
    pub(super) fn is_beside(
        &self,
        l: u32,
        region: Region,
        addr: &AddrKey,
        bytes: u32,
        key: impl Fn(&Addr) -> Option<AddrKey>,
    ) -> bool {
        let e = &self.effects[l as usize];
        let moves = e.moves_base || e.moves_thread;
        if e.opaque & bit(region) != 0 || moves && matches!(addr.base, BaseKey::Pinned(..)) {
            return false;
        }
        let mut hit = e.stores.iter().filter(|s| s.0.region.may_alias(region));
        hit.all(|(to, n)| key(to).is_some_and(|to| addr.is_disjoint(bytes, &to, *n)))
    }

    /// A store. Returns the new version of its region.
    pub(super) fn store(
        &mut self,
        state: &mut State,
        region: Region,
        addr: AddrKey,
        bytes: u32,
    ) -> u32 {
        for (r, &other) in Region::ALL.iter().enumerate() {
            if region.may_alias(other) {
                let prev = state.version[r];
                state.version[r] = self.version(Version::Store { addr, bytes, prev });
            }
        }
        state.version[region as usize]
    }

    /// A call.
    pub(super) fn call(&mut self, state: &mut State, clobbers: Clobbers) {
        let version = self.version(Version::Opaque);
        for (r, region) in Region::ALL.iter().enumerate() {
            if region.written_by(clobbers) {
                state.version[r] = version;
            }
        }
        if clobbers.moves_base() {
            state.pins.root = self.new_root();
        }
    }
}

/// Whether others write there: such accesses stay as they are.
pub(in crate::opt) fn is_volatile(addr: &Addr) -> bool {
    addr.region == Region::Thread
        || addr.base == Base::Pinned(Pinned::Thread)
            && !matches!(addr.region, Region::Const | Region::Proto)
}

/// The memory that an instruction writes.
pub(super) fn stored(inst: &Inst) -> Option<(&Addr, Width)> {
    match inst {
        Inst::Store { w, addr, .. }
        | Inst::StoreImm { w, addr, .. }
        | Inst::MemOp { w, addr, .. } => Some((addr, *w)),
        _ => None,
    }
}

/// The condition of an instruction or terminator.
pub(super) fn cond_of(inst: &Inst) -> Option<&Cond> {
    match inst {
        Inst::BoolOf(c) | Inst::Select { cond: c, .. } => Some(c),
        _ => None,
    }
}

/// The condition of a branch.
pub(super) fn branch_cond(t: &Term) -> Option<&Cond> {
    match t {
        Term::BrIf { cond, .. } => Some(cond),
        _ => None,
    }
}
