//! A variant: an instruction with its immediate fixed and its registers open, and the tapes that evaluate it.
//!
//! The meaning is recorded once as terms from the model (`trinity_codegen::isa`), with placeholder registers; a tape is
//! compiled for every set of results that somebody wants, so that dead flags cost nothing.

use super::lanes::{Kernel, Step};
use super::loc::{self, Loc, OPERAND0, Set, VOPERAND0};
use super::memory::Cells;
use super::memory::domain::CellDomain;
use super::tape::{self, Leaves};
use iced_x86::{Instruction, OpKind, Register};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use trinity_codegen::isa::{Domain, Machine, Node, TermId, TermPool, execute};

/// Where a register of a slot goes in the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Hole {
    /// General register operand `op` of `bytes` bytes.
    Gpr {
        /// Operand number.
        op: u8,
        /// Its width in bytes.
        bytes: u8,
    },
    /// Vector register operand `op` of 16 or 32 bytes.
    Vec {
        /// Operand number.
        op: u8,
        /// Its width in bytes.
        bytes: u8,
    },
    /// Base of the memory operand of `lea`.
    Base,
    /// Index of the memory operand of `lea`.
    Index,
}

impl Hole {
    /// Whether a vector register goes here.
    pub fn is_vec(self) -> bool {
        matches!(self, Hole::Vec { .. })
    }
}

/// One thing an instruction writes.
#[derive(Clone, Copy, Debug)]
struct Output {
    /// A place, or an operand's place.
    at: Loc,
    term: TermId,
}

/// A tape and what it reads.
#[derive(Debug)]
pub struct Tape {
    /// Steps over places; operand registers are placeholders.
    pub steps: Vec<Step>,
    /// Bit `i`: the register of hole `i` is read.
    pub reads_holes: u8,
    /// Fixed places read.
    pub reads: Set,
}

/// See the file's header.
pub struct Variant {
    /// The instruction with placeholder registers.
    pub proto: Instruction,
    /// Where the slot's registers go.
    pub holes: Vec<Hole>,
    /// Fixed places written (flags, implicit registers, cells), undefined results included.
    pub writes: Set,
    /// Fixed places that an execution leaves undefined, at least for some inputs.
    pub undefined: Set,
    /// Bit `i`: the register of hole `i` is written.
    pub writes_holes: u8,
    /// Bit `i`: the register of hole `i` is written without any of its words being kept.
    pub replaces_holes: u8,
    /// Whether, with one register in both holes, nothing of the register is read: `xor` and `sub` clear it.
    pub clears: bool,
    /// Whether it can fault other than by memory (division).
    pub faults: bool,
    pool: TermPool,
    outputs: Vec<Output>,
    leaf: HashMap<TermId, Loc>,
    tapes: RefCell<Vec<(u32, Rc<Tape>)>>,
}

/// The initial state that every variant's meaning is recorded from.
pub struct Start {
    pool: TermPool,
    machine: Machine<TermPool>,
    fault: TermId,
    cells: Cells,
    keys: Vec<Vec<TermId>>,
    memory: Vec<TermId>,
}

impl Default for Start {
    fn default() -> Start {
        Start::new(&Cells::default())
    }
}

impl Start {
    /// With cells that instructions may access.
    pub fn new(cells: &Cells) -> Start {
        let mut pool = TermPool::new();
        let mem = pool.memory();
        let machine = Machine::new(&mut pool, mem, &mut |p: &mut TermPool, n, w| p.var(n, w));
        let fault = pool.var("fault", 1);
        let memory = cells.variables(&mut pool);
        let keys = cells.keys(&mut pool, &machine.gpr);
        Start {
            pool,
            machine,
            fault,
            cells: cells.clone(),
            keys,
            memory,
        }
    }

    /// The state after an instruction; `None` when the model does not have it or it accesses other memory.
    fn after(&self, pool: &mut TermPool, i: &Instruction) -> Option<After> {
        let mut d = CellDomain {
            pool,
            cells: &self.cells,
            keys: &self.keys,
            trouble: false,
        };
        let m = &self.machine;
        let mut m: Machine<CellDomain<'_>> = Machine {
            gpr: m.gpr,
            flags: m.flags,
            vec: m.vec,
            mem: self.memory.clone(),
            faults: Vec::new(),
            accesses: Vec::new(),
            imm: None,
            symbol: None,
        };
        execute(&mut d, &mut m, i).ok()?;
        let mut fault = self.fault;
        for f in &m.faults {
            fault = d.or(&fault, &f.when);
        }
        (!d.trouble).then(|| After {
            words: words(&m),
            fault,
            memory: m.mem,
        })
    }
}

/// Results of one instruction.
struct After {
    words: Vec<TermId>,
    fault: TermId,
    memory: Vec<TermId>,
}

/// All words of a state, by place.
fn words<D: Domain<W = TermId>>(m: &Machine<D>) -> Vec<TermId> {
    m.gpr
        .iter()
        .chain(&m.flags)
        .chain(m.vec.iter().flatten())
        .copied()
        .collect()
}

impl Variant {
    /// Records the instruction's meaning; `None` when the model does not have it or lanes cannot evaluate it.
    pub fn new(start: &Start, mut proto: Instruction, holes: Vec<Hole>) -> Option<Variant> {
        // Placeholders that no implicit operand is: r8.. and xmm8...
        for (i, h) in holes.iter().enumerate() {
            set_hole(&mut proto, *h, 8 + i as u16);
        }
        let mut pool = start.pool.clone();
        let after = start.after(&mut pool, &proto)?;
        let mut leaf = HashMap::new();
        let place = |l: Loc| -> Loc {
            for (i, h) in holes.iter().enumerate() {
                let at = 8 + i as u16;
                if h.is_vec() && (loc::vec_word(at, 0)..loc::vec_word(at, 4)).contains(&l) {
                    return VOPERAND0 + 4 * i as u16 + (l - loc::vec_word(at, 0));
                }
                if !h.is_vec() && l == at {
                    return OPERAND0 + i as u16;
                }
            }
            l
        };
        let old = words(&start.machine);
        let mut outputs = Vec::new();
        for (l, (&a, &b)) in old.iter().zip(&after.words).enumerate() {
            leaf.insert(a, place(l as Loc));
            if a != b {
                outputs.push(Output {
                    at: place(l as Loc),
                    term: b,
                });
            }
        }
        for (k, (&a, &b)) in start.memory.iter().zip(&after.memory).enumerate() {
            let at = loc::CELL0 + k as Loc;
            leaf.insert(a, at);
            if a != b {
                outputs.push(Output { at, term: b });
            }
        }
        let fault = after.fault;
        let faults = fault != start.fault;
        leaf.insert(start.fault, loc::FAULT);
        if faults {
            outputs.push(Output {
                at: loc::FAULT,
                term: fault,
            });
        }
        let holes_len = holes.len();
        let mut v = Variant {
            proto,
            holes,
            writes: 0,
            undefined: 0,
            writes_holes: 0,
            replaces_holes: 0,
            clears: matches!(
                proto.mnemonic(),
                iced_x86::Mnemonic::Xor | iced_x86::Mnemonic::Sub
            ) && holes_len == 2,
            faults,
            pool,
            outputs,
            leaf,
            tapes: RefCell::default(),
        };
        let mut kept = 0u8;
        for o in &v.outputs {
            let reach = v.pool.reachable(&[o.term]);
            let undefined = reach.iter().any(|t| match v.pool.node(*t) {
                Node::Var(n) => v.pool.variables()[n as usize].undefined,
                _ => false,
            });
            match hole_of(o.at) {
                Some(i) => {
                    v.writes_holes |= 1 << i;
                    if reach.iter().any(|t| v.leaf.get(t) == Some(&o.at)) {
                        kept |= 1 << i;
                    }
                }
                None => {
                    v.writes |= loc::bit(o.at);
                    if undefined {
                        v.undefined |= loc::bit(o.at);
                    }
                }
            }
        }
        v.replaces_holes = v.writes_holes & !kept;
        // A vector register is replaced only when all its words are.
        for (i, h) in v.holes.iter().enumerate() {
            if h.is_vec()
                && (0..4).any(|j| {
                    !v.outputs
                        .iter()
                        .any(|o| o.at == VOPERAND0 + 4 * i as u16 + j)
                })
            {
                v.replaces_holes &= !(1 << i);
            }
        }
        v.tape(u32::MAX)?;
        Some(v)
    }

    /// Number of results; bit `i` of a mask of wanted results stands for result `i`.
    pub fn results(&self) -> usize {
        self.outputs.len()
    }

    /// The mask of results whose places are in `live`, given the registers in the holes.
    pub fn wanted(&self, regs: &[u8; 4], live: Set) -> u32 {
        let mut w = 0;
        for (i, o) in self.outputs.iter().enumerate() {
            if live & loc::bit(resolve(o.at, regs)) != 0 {
                w |= 1 << i;
            }
        }
        w
    }

    /// The places written when the holes hold `regs`.
    pub fn written(&self, regs: &[u8; 4]) -> Set {
        self.outputs
            .iter()
            .fold(0, |s, o| s | loc::bit(resolve(o.at, regs)))
    }

    /// The tape that computes the wanted results; `None` when lanes cannot.
    pub fn tape(&self, wanted: u32) -> Option<Rc<Tape>> {
        let wanted = wanted & (((1u64 << self.outputs.len()) - 1) as u32);
        if let Some((_, t)) = self.tapes.borrow().iter().find(|t| t.0 == wanted) {
            return Some(t.clone());
        }
        let outs: Vec<(TermId, Loc)> = self
            .outputs
            .iter()
            .enumerate()
            .filter(|(i, _)| wanted >> i & 1 == 1)
            .map(|(_, o)| (o.term, o.at))
            .collect();
        // Undefined results are some value that no two kinds of result share.
        let undefined = |t: TermId| match self.pool.node(t) {
            Node::Var(n) => self.pool.variables()[n as usize].undefined,
            _ => false,
        };
        let of = |t: TermId| -> Option<Loc> {
            if let Some(&l) = self.leaf.get(&t) {
                return Some(l);
            }
            undefined(t).then_some(GARBAGE)
        };
        let leaves = Leaves {
            of: &of,
            first: loc::TEMP0,
            end: GARBAGE,
        };
        let steps = tape::compile(&self.pool, &outs, &leaves).ok()?;
        let mut t = Tape {
            steps,
            reads_holes: 0,
            reads: 0,
        };
        let roots: Vec<TermId> = outs.iter().map(|o| o.0).collect();
        for r in self.pool.reachable(&roots) {
            if let Some(&l) = self.leaf.get(&r) {
                match hole_of(l) {
                    Some(i) => t.reads_holes |= 1 << i,
                    None => t.reads |= loc::bit(l),
                }
            }
        }
        let t = Rc::new(t);
        self.tapes.borrow_mut().push((wanted, t.clone()));
        Some(t)
    }

    /// The instruction with registers in its holes (numbers 0 to 15).
    pub fn instruction(&self, regs: &[u8; 4]) -> Instruction {
        let mut i = self.proto;
        for (h, r) in self.holes.iter().zip(regs) {
            set_hole(&mut i, *h, u16::from(*r));
        }
        i
    }
}

/// The block that undefined results are read from: one value per lane, arbitrary.
pub const GARBAGE: Loc = loc::BLOCKS - 1;

fn hole_of(l: Loc) -> Option<u16> {
    if l >= VOPERAND0 {
        Some((l - VOPERAND0) / 4)
    } else if l >= OPERAND0 {
        Some(l - OPERAND0)
    } else {
        None
    }
}

/// The place an operand's placeholder stands for.
#[inline]
pub fn resolve(l: Loc, regs: &[u8; 4]) -> Loc {
    if l < OPERAND0 {
        l
    } else if l >= VOPERAND0 {
        let k = l - VOPERAND0;
        loc::vec_word(regs[(k / 4) as usize & 3].into(), k % 4)
    } else {
        regs[(l - OPERAND0) as usize & 3].into()
    }
}

/// Appends a variant's tape with its registers filled in.
#[inline]
pub fn link(out: &mut Vec<Step>, t: &Tape, regs: &[u8; 4]) {
    for s in &t.steps {
        out.push(Step {
            d: resolve(s.d, regs),
            a: resolve(s.a, regs),
            b: resolve(s.b, regs),
            c: if s.op == Kernel::WideSext {
                s.c
            } else {
                resolve(s.c, regs)
            },
            ..*s
        });
    }
}

fn set_hole(i: &mut Instruction, h: Hole, r: u16) {
    match h {
        Hole::Gpr { op, bytes } => i.set_op_register(op.into(), loc::gpr_register(r, bytes.into())),
        Hole::Vec { op, bytes } => {
            let base = if bytes == 32 {
                Register::YMM0
            } else {
                Register::XMM0
            };
            i.set_op_register(op.into(), base + u32::from(r));
        }
        Hole::Base => i.set_memory_base(loc::gpr_register(r, 8)),
        Hole::Index => i.set_memory_index(loc::gpr_register(r, 8)),
    }
    debug_assert!(i.op_count() == 0 || i.op_kind(0) != OpKind::FarBranch16);
}
