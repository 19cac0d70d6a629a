//! From allocated machine IR to assembler items: registers and spill slots filled in, moves inserted, pseudo
//! instructions expanded, blocks laid out with fallthrough.
//!
//! The frame is `sub rsp, N` and nothing else: spill slots at the bottom, explicit slots above. If the function
//! calls, N keeps rsp a multiple of 16. Blocks that hold nothing but a jump vanish: jumps to them go to their target.

mod delay;
mod held;
mod inst;
mod moves;
mod port;
mod wide;

use self::held::{Held, Reload};
use self::moves::Moves;
use crate::compile::{CompileError, Place};
use crate::ir::{PReg, Scale, SrcLoc, Width};
use crate::mach::{MBase, MInst, MMem, Src, from_ra};
use crate::select::{SelectOptions, Selected};
use crate::x86::asm::{Item, Label, Port, Program};
use crate::x86::{Cc, Inst, Mem, MemBase, Op, Opnd, RipTarget};
use regalloc2 as ra;

/// What emission gives.
pub(crate) struct Emitted {
    pub program: Program,
    pub frame_size: u32,
    /// The part of the frame that is the allocator's, at its bottom.
    pub spill_bytes: u32,
    /// Places of the values named at safe points.
    pub live: Vec<(u32, Vec<Place>)>,
    /// By machine block: where jumps to it go.
    pub label_of: Vec<Label>,
}

struct Emitter<'a> {
    sel: &'a Selected,
    out: &'a ra::Output,
    /// The allocator's moves, as far as they are left.
    moves: &'a Moves,
    items: Vec<Item>,
    ports: Vec<Port>,
    num_labels: u32,
    label_of: Vec<Label>,
    /// By machine block: emitted already.
    placed: Vec<bool>,
    frame_size: u32,
    spill_bytes: u32,
    live: Vec<(u32, Vec<Place>)>,
    /// By machine block: some vector lives there, so that moves are of whole registers. Empty: there is none.
    wide: Vec<bool>,
    /// How whole registers are moved, in the block being emitted.
    whole: Option<Op>,
    /// The allocations of the current instruction, taken from the front.
    allocs: &'a [ra::Allocation],
}

/// Emits an allocated function.
pub(crate) fn emit(
    sel: &Selected,
    out: &ra::Output,
    options: &SelectOptions,
) -> Result<Emitted, CompileError> {
    let spill_bytes = out.num_spillslots as u32 * 8;
    let mut frame_size = spill_bytes + sel.stack_bytes;
    if sel.has_calls {
        frame_size = (frame_size + 8).next_multiple_of(16) - 8;
    }
    if frame_size > i32::MAX as u32 / 2 {
        return Err(CompileError::TooLarge("native frame".into()));
    }
    let blocks = sel.func.blocks.len();
    let mut moves = Moves::new(out, sel.func.insts.len());
    if options.reuse_spilled && options.delay_loads {
        delay::delay(sel, out, &mut moves);
    }
    let moves = &moves;
    let mut e = Emitter {
        sel,
        out,
        moves,
        items: Vec::with_capacity(sel.func.insts.len() * 2),
        ports: Vec::new(),
        num_labels: blocks as u32,
        label_of: Vec::new(),
        placed: vec![false; blocks],
        frame_size,
        spill_bytes,
        live: Vec::new(),
        wide: wide::blocks(&sel.func),
        whole: None,
        allocs: &[],
    };
    let held = options
        .reuse_spilled
        .then(|| held::at_start(&sel.func, out, moves));
    let needless = held
        .as_ref()
        .map(|h| held::needless(&sel.func, out, moves, h));
    let emitted = e.thread_jumps(&needless.unwrap_or_default());
    e.blocks(&emitted, held);
    let tables = &sel.tables;
    let program = Program {
        items: e.items,
        num_labels: e.num_labels,
        consts: sel.consts.clone(),
        tables: tables
            .iter()
            .map(|t| t.iter().map(|b| e.label_of[b.index()]).collect())
            .collect(),
        ports: e.ports,
    };
    Ok(Emitted {
        program,
        frame_size,
        spill_bytes,
        live: e.live,
        label_of: e.label_of,
    })
}

/// Whether an edit moves anything.
fn is_move(edit: &ra::Edit) -> bool {
    let ra::Edit::Move { from, to } = edit;
    from != to
}

impl<'a> Emitter<'a> {
    /// Finds the blocks that only jump, points their labels at their targets, and returns the blocks that remain.
    fn thread_jumps(&mut self, needless: &[bool]) -> Vec<usize> {
        let func = &self.sel.func;
        let n = func.blocks.len();
        let mut moves_at = vec![false; func.insts.len()];
        for (i, moved) in moves_at.iter_mut().enumerate() {
            let mut moves = self.moves.before(i as u32);
            *moved = moves.any(|(n, edit)| is_move(edit) && needless.get(n) != Some(&true));
        }
        let next = |b: usize| {
            let data = &func.blocks[b];
            let only = data.insts.len() == 1 && !moves_at[data.insts.start as usize];
            (b != 0 && only && func.insts[data.insts.start as usize] == MInst::Jmp)
                .then(|| data.succs[0].index())
        };
        for b in 0..n {
            let mut target = b;
            // An endless loop of empty blocks stays: give up after a while.
            for _ in 0..32 {
                match next(target) {
                    Some(t) => target = t,
                    None => break,
                }
            }
            if next(target).is_some() {
                target = b;
            }
            self.label_of.push(Label(target as u32));
        }
        let placed = self.sel.placed.iter().copied();
        placed
            .filter(|&b| self.label_of[b as usize] == Label(b))
            .map(|b| b as usize)
            .collect()
    }

    fn blocks(&mut self, kept: &[usize], mut held: Option<Vec<Held>>) {
        if self.frame_size > 0 {
            let n = Opnd::Imm(self.frame_size as i64);
            self.inst(Inst::op2(Op::Sub, Width::W64, PReg::Rsp, n));
        }
        let mut loc = SrcLoc(u32::MAX);
        for (k, &b) in kept.iter().enumerate() {
            let mut held = held.as_mut().map(|h| &mut h[b]);
            let range = self.sel.func.blocks[b].insts.clone();
            let next = kept.get(k + 1).map(|&b| Label(b as u32));
            self.items.push(Item::Label(Label(b as u32)));
            self.placed[b] = true;
            self.whole = match self.wide.get(b) {
                Some(true) if self.sel.func.vector_bytes > 16 => Some(Op::Vmovups),
                Some(true) => Some(Op::Movups),
                _ => None,
            };
            for i in range.start as usize..range.end as usize {
                let this = ra::Inst::new(i);
                if self.sel.func.locs[i] != loc {
                    loc = self.sel.func.locs[i];
                    self.items.push(Item::Loc(loc));
                }
                let moves = self.moves;
                for (_, edit) in moves.before(i as u32) {
                    self.edit(edit, held.as_deref_mut());
                }
                self.allocs = self.out.inst_allocs(this);
                let port = self.port(this);
                self.minst(b, &self.sel.func.insts[i], next);
                self.ports.extend(port.and_then(|p| self.placed_port(p)));
                if let Some(held) = &mut held {
                    held.defined(&self.sel.func, self.out, this);
                }
            }
        }
    }

    fn inst(&mut self, i: Inst) {
        self.items.push(Item::Inst(i));
    }

    fn new_label(&mut self) -> Label {
        self.num_labels += 1;
        Label(self.num_labels - 1)
    }

    fn slot(&self, slot: ra::SpillSlot) -> Mem {
        Mem::reg(PReg::Rsp, slot.index() as i32 * 8)
    }

    fn place(&self, a: ra::Allocation) -> Opnd {
        match (a.as_reg(), a.as_stack()) {
            (Some(r), _) => from_ra(r).into(),
            (None, Some(s)) => self.slot(s).into(),
            (None, None) => Opnd::None,
        }
    }

    /// A move the allocator asked for. Must not change the flags.
    fn edit(&mut self, edit: &ra::Edit, held: Option<&mut Held>) {
        if !is_move(edit) {
            return;
        }
        let ra::Edit::Move { from, to } = *edit;
        let how = held.map_or(Reload::AsItIs, |h| h.edit(edit));
        let from = match how {
            Reload::Needless => return,
            Reload::From(r) => r.into(),
            Reload::AsItIs => self.place(from),
        };
        self.mov(self.place(to), from);
    }

    fn mov(&mut self, to: Opnd, from: Opnd) {
        if to == from {
            return;
        }
        let is_xmm = |o: Opnd| matches!(o, Opnd::Reg(r) if r.is_xmm());
        let op = match (is_xmm(to), is_xmm(from)) {
            (false, false) => Op::Mov,
            (true, true) => match self.whole {
                Some(Op::Vmovups) => Op::Vmovups,
                _ => Op::Movaps,
            },
            _ => self.whole.unwrap_or(Op::Movsd),
        };
        self.inst(Inst::op2(op, Width::W64, to, from));
    }

    /// The next allocation.
    fn next(&mut self) -> Opnd {
        match self.allocs.split_first() {
            Some((&a, rest)) => {
                self.allocs = rest;
                self.place(a)
            }
            None => Opnd::None,
        }
    }

    /// The next allocation, which is a register.
    fn reg(&mut self) -> PReg {
        match self.next() {
            Opnd::Reg(r) => r,
            // The constraint said register; the encoder would refuse anything else anyway.
            _ => PReg::Rsp,
        }
    }

    fn mem(&mut self, m: &MMem) -> Mem {
        let mut disp = m.disp;
        let base = match m.base {
            MBase::Reg => MemBase::Reg(self.reg()),
            MBase::Pinned(p) => MemBase::Reg(p.preg()),
            MBase::Symbol(s) => MemBase::Rip(RipTarget::Symbol(s)),
            MBase::Const(n) => MemBase::Rip(RipTarget::Const(n)),
            MBase::Stack(offset) => {
                disp += (self.spill_bytes + offset) as i32;
                MemBase::Reg(PReg::Rsp)
            }
        };
        let index = m.index.map(|scale: Scale| (self.reg(), scale));
        Mem { base, index, disp }
    }

    fn src(&mut self, s: &Src) -> Opnd {
        match s {
            Src::Reg => self.next(),
            Src::Imm(n) => Opnd::Imm(*n as i64),
            Src::Mem(m) => self.mem(m).into(),
        }
    }

    fn jump(&mut self, cc: Option<Cc>, to: Label) {
        self.items.push(Item::Jump(cc, to));
    }
}
