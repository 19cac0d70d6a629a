//! Programs of a fixed number of slots, their live parts, and their evaluation over tests.

use super::lanes::{self, Block, LANES, Level, Step};
use super::loc::{self, Loc, Set};
use super::opset::OpSet;
use super::target::Target;
use super::tests::Group;
use super::variant::{GARBAGE, link};
use iced_x86::Instruction;

/// A slot: a variant and the registers in its holes, or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// Index of the variant; [`UNUSED`] for none.
    pub v: u32,
    /// Registers by hole.
    pub r: [u8; 4],
}

/// The variant of an empty slot.
pub const UNUSED: u32 = u32::MAX;

impl Slot {
    /// An empty slot.
    pub const EMPTY: Slot = Slot {
        v: UNUSED,
        r: [0; 4],
    };
}

/// Code as slots.
#[derive(Clone, PartialEq, Eq, Debug, Hash, Default)]
pub struct Program {
    /// In order of execution; empty ones do nothing.
    pub slots: Vec<Slot>,
}

impl Program {
    /// A program of `n` empty slots.
    pub fn empty(n: usize) -> Program {
        Program {
            slots: vec![Slot::EMPTY; n],
        }
    }

    /// The instructions of the slots in use.
    pub fn instructions(&self, ops: &OpSet) -> Vec<Instruction> {
        let used = self.slots.iter().filter(|s| s.v != UNUSED);
        used.map(|s| ops.variants[s.v as usize].instruction(&s.r))
            .collect()
    }

    /// The program of some instructions, padded with empty slots; `None` when the set lacks one of them.
    pub fn from_instructions(ops: &OpSet, code: &[Instruction], slots: usize) -> Option<Program> {
        let mut p = Program::empty(0);
        for i in code {
            let (v, r) = ops.find(i)?;
            p.slots.push(Slot { v, r });
        }
        while p.slots.len() < slots {
            p.slots.push(Slot::EMPTY);
        }
        Some(p)
    }

    /// Without dead and empty slots.
    pub fn live(&self, ops: &OpSet, out: Set) -> Program {
        let l = Liveness::of(self, ops, out);
        let keep = |i: &usize| l.wanted[*i] != 0;
        Program {
            slots: (0..self.slots.len())
                .filter(keep)
                .map(|i| self.slots[i])
                .collect(),
        }
    }
}

/// What each slot is wanted for.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    /// By slot: the mask of results somebody reads; 0 when the slot is dead.
    pub wanted: Vec<u32>,
    /// Places read before they are written.
    pub entry: Set,
    /// Whether a result that the architecture leaves undefined is read.
    pub undefined: bool,
}

impl Liveness {
    /// Of a program with `out` live at exit.
    pub fn of(p: &Program, ops: &OpSet, out: Set) -> Liveness {
        let mut l = Liveness::default();
        l.compute(p, ops, out);
        l
    }

    /// As [`of`](Self::of), reusing the buffer.
    pub fn compute(&mut self, p: &Program, ops: &OpSet, out: Set) {
        self.wanted.clear();
        self.wanted.resize(p.slots.len(), 0);
        self.undefined = false;
        let mut live = out | loc::bit(loc::FAULT);
        for (i, s) in p.slots.iter().enumerate().rev() {
            if s.v == UNUSED {
                continue;
            }
            let v = &ops.variants[s.v as usize];
            let written = v.written(&s.r);
            if live & written == 0 {
                continue;
            }
            let wanted = v.wanted(&s.r, live);
            let Some(t) = v.tape(wanted) else { continue };
            self.undefined |= live & v.undefined != 0;
            live &= !written;
            live |= t.reads;
            let cleared = v.clears && s.r[0] == s.r[1];
            for k in 0..4 {
                if !cleared && t.reads_holes >> k & 1 == 1 {
                    live |= hole_set(v.holes[k].is_vec(), s.r[k]);
                }
            }
            self.wanted[i] = wanted;
        }
        self.entry = live & !loc::bit(loc::FAULT);
    }
}

fn hole_set(vec: bool, r: u8) -> Set {
    if vec {
        0xf << loc::vec_word(r.into(), 0)
    } else {
        loc::bit(r.into())
    }
}

/// Evaluates programs over tests.
pub struct Evaluator {
    level: Level,
    blocks: Vec<Block>,
    start: Vec<Block>,
    steps: Vec<Step>,
    /// The inputs' places.
    inputs: Vec<Loc>,
}

/// The mask of the low bits.
pub fn width_mask(w: u32) -> u64 {
    if w >= 64 { u64::MAX } else { (1 << w) - 1 }
}

impl Evaluator {
    /// For a target. Places that are not inputs start with arbitrary values that differ from test to test.
    pub fn new(t: &Target) -> Evaluator {
        let mut start = vec![Block::ZERO; loc::LOCS as usize];
        let mut x = 0x9e37_79b9_7f4a_7c15u64;
        for (l, b) in start.iter_mut().enumerate() {
            for v in &mut b.0 {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                *v = match l as Loc {
                    16..22 => x & 1,
                    loc::FAULT => 0,
                    _ => x,
                };
            }
        }
        let mut blocks = vec![Block::ZERO; loc::BLOCKS as usize];
        for i in 0..LANES {
            blocks[GARBAGE as usize].0[i] = start[0].0[i] & 1;
        }
        Evaluator {
            level: lanes::level(),
            blocks,
            start,
            steps: Vec::new(),
            inputs: t.inputs.iter().map(|p| p.at).collect(),
        }
    }

    /// Puts a program together; afterwards [`run`](Self::run) evaluates it on a group.
    pub fn load(&mut self, p: &Program, ops: &OpSet, l: &Liveness) {
        self.steps.clear();
        for (s, w) in p.slots.iter().zip(&l.wanted) {
            if *w != 0
                && let Some(t) = ops.variants[s.v as usize].tape(*w)
            {
                link(&mut self.steps, &t, &s.r);
            }
        }
    }

    /// Runs the loaded program on a group; `entry` are the places it reads first.
    pub fn run(&mut self, g: &Group, entry: Set) {
        let mut e = entry;
        while e != 0 {
            let l = e.trailing_zeros() as usize;
            e &= e - 1;
            self.blocks[l] = match self.inputs.iter().position(|i| *i == l as Loc) {
                Some(i) => g.inputs[i],
                None => self.start[l],
            };
        }
        self.blocks[loc::FAULT as usize] = Block::ZERO;
        lanes::run(self.level, &self.steps, &mut self.blocks);
    }

    /// The block at a place after a run.
    pub fn block(&self, l: Loc) -> &Block {
        &self.blocks[l as usize]
    }

    /// Wrong bits of the outputs after a run on `g`.
    pub fn wrong_bits(&self, t: &Target, g: &Group) -> u32 {
        let mut n = 0;
        for (p, e) in t.outputs.iter().zip(&g.expected) {
            n += lanes::distance(
                self.level,
                &self.blocks[p.at as usize],
                e,
                width_mask(p.width),
            );
        }
        n + self.faults()
    }

    /// Tests on which the program faulted.
    pub fn faults(&self) -> u32 {
        lanes::distance(
            self.level,
            &self.blocks[loc::FAULT as usize],
            &Block::ZERO,
            1,
        )
    }

    /// Wrong bits of a place against an expected block.
    pub fn distance(&self, at: Loc, e: &Block, width: u32) -> u32 {
        lanes::distance(self.level, &self.blocks[at as usize], e, width_mask(width))
    }
}
