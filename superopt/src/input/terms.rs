//! A whole function as terms over its inputs.
//!
//! Blocks are executed in an order in which every block comes after all that lead to it; where paths meet, the states
//! are joined by `ite` over what the paths disagree on. Loops are unrolled: the same block in another iteration is
//! another place of that order. What runs beyond the bound is cut off, and [`ProgramTerms::within`] says which inputs
//! stay inside; a loop whose trip count is a constant unrolls in full and cuts nothing off.

use super::cfg::{Block, Cfg, Exit};
use super::error::{InputError, InputProblem, Refusal};
use super::object::Function;
use super::place::PlaceSet;
use super::region::{SymbolField, SymbolKind};
use super::symbolic::{Memory, Symbolic, Symbols, Where};
use iced_x86::FlowControl;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use trinity_codegen::isa::exec::condition;
use trinity_codegen::isa::{Access, Domain, Fault, FaultKind, Machine, TermId, TermPool, execute};

/// Instructions executed along all unrolled paths at most.
const MAX_INSTRUCTIONS: u32 = 100_000;
/// Where an access that is not made is said to be. No program can access it: it is in the kernel's half. Both sides of
/// a question access it ([`Setup::never`]), so that it never distinguishes them.
const NEVER: u64 = 0xffff_ffff_ffff_f000;

/// Registers, flags and memory as terms.
pub type TermMachine<'p> = Machine<Symbolic<'p>>;

/// What the programs of one question share: the pool, the initial state, the symbols.
pub struct Setup {
    /// Holds all terms.
    pub pool: TermPool,
    /// Symbols by name.
    pub symbols: Symbols,
    /// The initial values: 16 general registers, 6 flags, 64 vector words.
    pub initial: State,
    /// Iterations of a loop that are followed.
    pub bound: u32,
}

/// Values of all places, and memory.
#[derive(Clone, Debug)]
pub struct State {
    /// General registers.
    pub gpr: [TermId; 16],
    /// Flags.
    pub flags: [TermId; 6],
    /// Vector words.
    pub vec: [[TermId; 4]; 16],
    /// Memory without the frame.
    pub heap: TermId,
}

impl State {
    /// The value at a place.
    pub fn at(&self, p: super::Place) -> TermId {
        match p {
            super::Place::Gpr(n) => self.gpr[n as usize],
            super::Place::Flag(f) => self.flags[f as usize],
            super::Place::Vec(n, w) => self.vec[n as usize][w as usize],
        }
    }
}

/// What a program does, as terms over the inputs of a [`Setup`].
#[derive(Clone, Debug)]
pub struct ProgramTerms {
    /// At the return.
    pub exit: State,
    /// Faults, each on its path.
    pub faults: Vec<Fault<TermId>>,
    /// Accesses outside of the frame; those not made on a path are at an address nobody has.
    pub accesses: Vec<Access<TermId>>,
    /// One bit: the input stays within the bound on loops.
    pub within: TermId,
    /// Whether `within` holds of every input.
    pub complete: bool,
    /// Places written on some path.
    pub written: PlaceSet,
    /// The instruction of each access, by its number in the program; empty for what is no machine code.
    pub access_at: Vec<usize>,
    /// The first instruction whose access is made on some paths only.
    pub conditional: Option<usize>,
}

impl Setup {
    /// A fresh state of everything, at a function's entry: the stack pointer is 8 above a multiple of 16.
    pub fn new(bound: u32) -> Setup {
        let mut pool = TermPool::new();
        let heap = pool.memory();
        let mut machine: Machine<TermPool> =
            Machine::new(&mut pool, heap, &mut |p: &mut TermPool, name, w| {
                if name == "rsp" {
                    let high = p.var("rsp_div_16", 60);
                    let low = p.constant(4, 8);
                    return p.concat(&high, &low);
                }
                p.var(name, w)
            });
        let initial = State {
            gpr: std::mem::replace(&mut machine.gpr, [heap; 16]),
            flags: std::mem::replace(&mut machine.flags, [heap; 6]),
            vec: std::mem::replace(&mut machine.vec, [[heap; 4]; 16]),
            heap,
        };
        Setup {
            pool,
            symbols: Symbols::default(),
            initial,
            bound,
        }
    }

    /// In the middle of a function the stack pointer is any number, and the frame is memory like all other.
    pub fn in_the_middle() -> Setup {
        let mut setup = Setup::new(1);
        setup.initial.gpr[4] = setup.pool.var("rsp", 64);
        setup
    }

    /// The access that both sides have when one of them has accesses on some paths only.
    pub fn never(&mut self) -> Access<TermId> {
        Access {
            addr: self.pool.constant(64, NEVER.into()),
            bytes: 64,
            write: true,
        }
    }

    /// Executes straight-line code in the middle of a function: there is no frame, all memory is one.
    ///
    /// # Errors
    /// For what is not covered.
    pub fn straight(
        &mut self,
        f: &Function,
        range: std::ops::Range<usize>,
    ) -> Result<ProgramTerms, InputError> {
        let block = Block {
            body: range,
            jump: None,
            exit: Exit::Return,
        };
        let cfg = Cfg {
            blocks: vec![block],
            order: vec![0],
            loops: Vec::new(),
            live_out: Vec::new(),
        };
        self.part(f, &cfg)
    }

    /// Executes a part of a function by itself, from its first block to the end of the one that returns: there is no
    /// frame, all memory is one.
    ///
    /// # Errors
    /// For what is not covered.
    pub fn part(&mut self, f: &Function, cfg: &Cfg) -> Result<ProgramTerms, InputError> {
        // Nothing is at a constant distance from a stack pointer that nothing mentions.
        let nowhere = self.pool.var("no_stack_pointer", 64);
        let yes = self.pool.bit(true);
        let start = self.start();
        let domain = Symbolic::new(&mut self.pool, &mut self.symbols, nowhere);
        let mut walk = Walk::new(f, cfg, domain);
        walk.part = true;
        let end = walk.run(start, 0)?;
        Ok(walk.done(end, yes, true))
    }

    fn start<'p>(&self) -> TermMachine<'p> {
        let i = &self.initial;
        Machine {
            gpr: i.gpr,
            flags: i.flags,
            vec: i.vec,
            mem: Memory {
                heap: i.heap,
                frame: Arc::new(BTreeMap::new()),
            },
            faults: Vec::new(),
            accesses: Vec::new(),
            imm: None,
            symbol: None,
        }
    }

    /// Executes a function.
    ///
    /// # Errors
    /// For what is not covered.
    pub fn function(&mut self, f: &Function) -> Result<ProgramTerms, InputError> {
        let cfg = Cfg::new(f, super::cfg::DEFAULT_RESULTS)?;
        let yes = self.pool.bit(true);
        let bound = self.bound;
        let machine = self.start();
        let rsp = self.initial.gpr[4];
        let domain = Symbolic::new(&mut self.pool, &mut self.symbols, rsp);
        let mut walk = Walk::new(f, &cfg, domain);
        let end = walk.run(machine, bound)?;
        let mut within = yes;
        let outside = std::mem::take(&mut walk.outside);
        for o in outside {
            let not = walk.d.not(&o);
            within = walk.d.and(&within, &not);
        }
        let complete = walk.d.as_constant(&within) == Some(1);
        Ok(walk.done(end, within, complete))
    }
}

/// A state on the way, with the conditions of its path.
struct Pending<'p> {
    machine: TermMachine<'p>,
    path: Vec<TermId>,
    /// Iterations per loop, and the length of the path when the iteration began.
    iterations: BTreeMap<usize, (u32, usize)>,
    block: usize,
}

struct Walk<'a, 'p> {
    f: &'a Function,
    cfg: &'a Cfg,
    d: Symbolic<'p>,
    faults: Vec<Fault<TermId>>,
    accesses: Vec<Access<TermId>>,
    access_at: Vec<usize>,
    outside: Vec<TermId>,
    executed: u32,
    written: PlaceSet,
    conditional: Option<usize>,
    /// It ends in the middle of the function: with the stack pointer anywhere.
    part: bool,
}

/// All of these hold.
fn all(d: &mut Symbolic<'_>, bits: &[TermId]) -> TermId {
    let yes = d.bit(true);
    bits.iter().fold(yes, |a, b| d.and(&a, b))
}

impl<'a, 'p> Walk<'a, 'p> {
    fn new(f: &'a Function, cfg: &'a Cfg, d: Symbolic<'p>) -> Walk<'a, 'p> {
        Walk {
            f,
            cfg,
            d,
            faults: Vec::new(),
            accesses: Vec::new(),
            access_at: Vec::new(),
            outside: Vec::new(),
            executed: 0,
            written: PlaceSet::EMPTY,
            conditional: None,
            part: false,
        }
    }

    /// What was done, with the state at the end.
    fn done(self, end: TermMachine<'_>, within: TermId, complete: bool) -> ProgramTerms {
        ProgramTerms {
            exit: State {
                gpr: end.gpr,
                flags: end.flags,
                vec: end.vec,
                heap: end.mem.heap,
            },
            faults: self.faults,
            accesses: self.accesses,
            access_at: self.access_at,
            within,
            complete,
            written: self.written,
            conditional: self.conditional,
        }
    }

    /// The place of a block in the order of execution.
    fn key(&self, block: usize, iterations: &BTreeMap<usize, (u32, usize)>) -> Vec<u32> {
        let position = |b: usize| self.cfg.order.iter().position(|x| *x == b).unwrap_or(0) as u32;
        let mut key = Vec::new();
        for l in self.cfg.loops.iter().filter(|l| l.blocks.contains(&block)) {
            key.push(position(l.header));
            key.push(iterations.get(&l.header).map_or(0, |i| i.0));
        }
        key.push(position(block));
        key
    }

    fn run(&mut self, start: TermMachine<'p>, bound: u32) -> Result<TermMachine<'p>, InputError> {
        let mut pending: BTreeMap<Vec<u32>, Pending<'p>> = BTreeMap::new();
        let mut end: Option<Pending<'p>> = None;
        let first = Pending {
            machine: start,
            path: Vec::new(),
            iterations: BTreeMap::new(),
            block: 0,
        };
        self.arrive(&mut pending, first, None, 0, bound);
        while let Some((_, mut at)) = pending.pop_first() {
            let block = self.cfg.blocks[at.block].clone();
            for n in block.body.clone() {
                self.step(&mut at, n)?;
            }
            match block.exit {
                Exit::Tail => {
                    let n = block.jump.unwrap_or(block.body.end - 1);
                    return Err(self.f.refuse(n, Refusal::TailCall));
                }
                Exit::Return => {
                    let n = block.jump.unwrap_or(block.body.start);
                    if !self.part
                        && (self.d.distance(at.machine.gpr[4]) != Some(0)
                            || self.f.code[n].instruction.op_count() > 0)
                    {
                        return Err(self.f.refuse(n, Refusal::UnbalancedStack));
                    }
                    end = Some(match end {
                        None => at,
                        Some(e) => join(&mut self.d, e, at),
                    });
                }
                Exit::Goto(t) => {
                    let from = at.block;
                    self.arrive(&mut pending, at, Some(from), t, bound);
                }
                Exit::Branch(cc, taken, next) => {
                    let Some(c) = condition(&mut self.d, &at.machine, cc) else {
                        let n = block.jump.unwrap_or(block.body.start);
                        return Err(self.f.refuse(
                            n,
                            Refusal::Model(trinity_codegen::isa::Unsupported::Control),
                        ));
                    };
                    let from = at.block;
                    let k = self.d.as_constant(&c);
                    if taken == next || k.is_some() {
                        let to = if k == Some(0) { next } else { taken };
                        self.arrive(&mut pending, at, Some(from), to, bound);
                        continue;
                    }
                    let not = self.d.not(&c);
                    for (bit, to) in [(c, taken), (not, next)] {
                        let mut path = at.path.clone();
                        path.push(bit);
                        let side = Pending {
                            machine: copy(&at.machine),
                            path,
                            iterations: at.iterations.clone(),
                            block: from,
                        };
                        self.arrive(&mut pending, side, Some(from), to, bound);
                    }
                }
            }
        }
        match end {
            Some(e) => Ok(e.machine),
            // Every path was cut off: nothing is covered.
            None => Err(self.f.refuse(self.f.code.len() - 1, Refusal::TooLong)),
        }
    }

    /// Puts a state at the start of a block, joined with what is there; or cuts it off.
    fn arrive(
        &mut self,
        pending: &mut BTreeMap<Vec<u32>, Pending<'p>>,
        mut state: Pending<'p>,
        from: Option<usize>,
        to: usize,
        bound: u32,
    ) {
        for l in &self.cfg.loops {
            if !l.blocks.contains(&to) {
                state.iterations.remove(&l.header);
            } else if l.header == to {
                let inside = from.is_some_and(|b| l.blocks.contains(&b));
                let old = state.iterations.get(&to).copied().filter(|_| inside);
                let (count, length) = match old {
                    None => (0, state.path.len()),
                    Some((n, length)) => (n + 1, length),
                };
                // Only iterations that the input decides are counted against the bound.
                if count > bound && state.path.len() > length {
                    let cut = all(&mut self.d, &state.path);
                    self.outside.push(cut);
                    return;
                }
                state.iterations.insert(to, (count, length));
            }
        }
        state.block = to;
        let key = self.key(to, &state.iterations);
        let joined = match pending.remove(&key) {
            None => state,
            Some(there) => join(&mut self.d, there, state),
        };
        pending.insert(key, joined);
    }

    fn step(&mut self, at: &mut Pending<'p>, n: usize) -> Result<(), InputError> {
        self.executed += 1;
        if self.executed > MAX_INSTRUCTIONS {
            return Err(self.f.refuse(n, Refusal::TooLong));
        }
        let inst = &self.f.code[n];
        let i = &inst.instruction;
        if matches!(
            i.flow_control(),
            FlowControl::Call | FlowControl::IndirectCall
        ) {
            return Err(self.f.refuse(n, Refusal::Call));
        }
        if super::effects::does_nothing(i) {
            return Ok(());
        }
        let m = &mut at.machine;
        m.symbol = match &inst.symbol {
            Some(s) if s.field == SymbolField::Displacement => {
                Some(symbol_address(&mut self.d, self.f, s))
            }
            _ => None,
        };
        execute(&mut self.d, m, i).map_err(|u| self.f.refuse(n, Refusal::Model(u)))?;
        m.symbol = None;
        let mut factory = iced_x86::InstructionInfoFactory::new();
        self.written = self
            .written
            .or(super::effects::effects(&mut factory, i).writes);
        if !m.faults.is_empty() || !m.accesses.is_empty() {
            let path = all(&mut self.d, &at.path);
            let always = self.d.as_constant(&path) == Some(1);
            for fault in std::mem::take(&mut m.faults) {
                let when = self.d.and(&fault.when, &path);
                if self.d.as_constant(&when) != Some(0) {
                    self.faults.push(Fault {
                        kind: fault.kind,
                        when,
                    });
                }
            }
            for a in std::mem::take(&mut m.accesses) {
                if self.d.place(a.addr) == Where::Heap {
                    if !always {
                        self.conditional.get_or_insert(n);
                    }
                    let never = self.d.constant(64, NEVER.into());
                    let addr = if always {
                        a.addr
                    } else {
                        self.d.ite(&path, &a.addr, &never)
                    };
                    self.accesses.push(Access { addr, ..a });
                    self.access_at.push(n);
                }
            }
        }
        match self.d.trouble.take() {
            Some(why) => Err(self.f.refuse(n, why)),
            None => Ok(()),
        }
    }
}

/// A name for read-only bytes: equal contents are one object, so that two files can share them.
pub fn constant_name(section: &str, data: &super::object::ConstantData) -> String {
    let mut h = DefaultHasher::new();
    data.hash(&mut h);
    format!("{section}_{:x}", h.finish())
}

/// The address that a reference to a symbol stands for.
fn symbol_address(d: &mut Symbolic<'_>, f: &Function, s: &super::SymbolUse) -> TermId {
    let base = match (f.constants.get(&s.name), s.kind) {
        (Some(data), _) => d
            .symbols
            .constant(d.pool, &constant_name(&s.name, data), data),
        (None, SymbolKind::Got) => d.symbols.table(d.pool, &s.name),
        (None, _) => d.symbols.address(d.pool, &s.name),
    };
    let k = d.constant(64, (s.addend as u64).into());
    d.add(&base, &k)
}

/// A copy: `Machine` derives `Clone` for domains that are `Clone` only.
fn copy<'p>(m: &TermMachine<'p>) -> TermMachine<'p> {
    Machine {
        gpr: m.gpr,
        flags: m.flags,
        vec: m.vec,
        mem: m.mem.clone(),
        faults: m.faults.clone(),
        accesses: m.accesses.clone(),
        imm: m.imm,
        symbol: m.symbol,
    }
}

/// Two states at one place. What their paths share is dropped from the condition.
fn join<'p>(d: &mut Symbolic<'p>, a: Pending<'p>, b: Pending<'p>) -> Pending<'p> {
    let common = a
        .path
        .iter()
        .zip(&b.path)
        .take_while(|(x, y)| x == y)
        .count();
    let in_a = all(d, &a.path[common..]);
    let in_b = all(d, &b.path[common..]);
    let mut path = a.path[..common].to_vec();
    if d.not(&in_a) != in_b && d.not(&in_b) != in_a {
        let either = d.or(&in_a, &in_b);
        path.push(either);
    }
    let (x, y) = (a.machine, b.machine);
    let mut word = |p: &TermId, q: &TermId| d.ite(&in_a, p, q);
    let machine = Machine {
        gpr: std::array::from_fn(|i| word(&x.gpr[i], &y.gpr[i])),
        flags: std::array::from_fn(|i| word(&x.flags[i], &y.flags[i])),
        vec: std::array::from_fn(|i| std::array::from_fn(|j| word(&x.vec[i][j], &y.vec[i][j]))),
        mem: d.ite_memory(&in_a, &x.mem, &y.mem),
        faults: Vec::new(),
        accesses: Vec::new(),
        imm: None,
        symbol: None,
    };
    let mut iterations = a.iterations;
    for (l, i) in &mut iterations {
        if let Some(o) = b.iterations.get(l) {
            i.1 = i.1.min(o.1);
        }
    }
    Pending {
        machine,
        path,
        iterations,
        block: a.block,
    }
}

impl InputError {
    /// A refusal without an instruction.
    pub fn refused(file: &std::path::Path, what: &str, why: &str) -> InputError {
        InputError::new(
            file,
            None,
            InputProblem::Specification(what.to_owned(), why.to_owned()),
        )
    }
}

/// A fault's name as processors print it.
pub fn fault_name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Divide => "#DE",
        FaultKind::Page => "#PF",
        FaultKind::Alignment => "#GP",
    }
}
