//! What a search looks for: inputs, outputs, what the outputs must be, and under which precondition.

use super::cost;
use super::loc::{self, Loc, Set};
use super::memory::{self, Memory, MemoryError};
use super::opset::March;
use iced_x86::Instruction;
use trinity_codegen::isa::{
    Bits, Concrete, Domain, Machine, TermId, TermPool, Unsupported, execute,
};

/// A place and how many of its low bits matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Port {
    /// The place.
    pub at: Loc,
    /// Bits that matter, from bit 0.
    pub width: u32,
}

/// A target: the specification of code to find.
#[derive(Clone, Debug)]
pub struct Target {
    /// For people.
    pub name: String,
    /// Places defined at entry. All of their bits are inputs; `width` says how many of them tests vary widely.
    pub inputs: Vec<Port>,
    /// Places that must hold the outputs at exit.
    pub outputs: Vec<Port>,
    /// Places a rewrite may overwrite (outputs included).
    pub scratch: Set,
    /// The pool of the terms below.
    pub pool: TermPool,
    /// A variable per input (64 bits, or one for flags).
    pub input_terms: Vec<TermId>,
    /// A term per output, of the output's width.
    pub output_terms: Vec<TermId>,
    /// One bit: the inputs that matter. Constant one when all do.
    pub precondition: TermId,
    /// One bit: the original faults.
    pub fault: TermId,
    /// The original code, when there is one.
    pub baseline: Option<Vec<Instruction>>,
    /// The processor level.
    pub march: March,
    /// Memory, where it is accessed: some inputs and the last outputs are cells of it.
    pub memory: Option<Memory>,
}

/// Why code cannot be a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// An instruction the model does not have: index and reason.
    Unsupported(usize, Unsupported),
    /// An output depends on a result the architecture leaves undefined.
    Undefined(Loc),
    /// The code accesses memory in a way that cannot be searched.
    Memory(MemoryError),
}

impl std::fmt::Display for TargetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TargetError::Unsupported(i, why) => write!(f, "instruction {i}: {why}"),
            TargetError::Undefined(l) => write!(
                f,
                "the output {} depends on an undefined result",
                loc::name(*l)
            ),
            TargetError::Memory(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for TargetError {}

/// The registers a leaf function may overwrite: rax, rcx, rdx, rsi, rdi, r8 to r11, all flags, all vector registers.
pub fn caller_saved() -> Set {
    let gprs = [0, 1, 2, 6, 7, 8, 9, 10, 11];
    let g = gprs.iter().fold(0, |s, r| s | loc::bit(*r));
    (loc::FLAG0..loc::CELL0).fold(g, |s, l| s | loc::bit(l))
}

/// Symbolic execution of straight-line code: inputs are variables of `pool` by name, everything else too.
pub struct Executed {
    /// The state after.
    pub machine: Machine<TermPool>,
    /// The state before.
    pub before: Machine<TermPool>,
    /// One bit: something faulted.
    pub fault: TermId,
}

/// Executes straight-line code in a pool.
///
/// # Errors
/// When the model does not have an instruction.
pub fn run_terms(
    pool: &mut TermPool,
    before: &Machine<TermPool>,
    code: &[Instruction],
) -> Result<Executed, TargetError> {
    let mut m = before.clone();
    for (n, i) in code.iter().enumerate() {
        execute(pool, &mut m, i).map_err(|e| TargetError::Unsupported(n, e))?;
    }
    let mut fault = pool.bit(false);
    for f in &m.faults {
        fault = pool.or(&fault, &f.when);
    }
    Ok(Executed {
        machine: m,
        before: before.clone(),
        fault,
    })
}

/// A fresh symbolic machine.
pub fn fresh_machine(pool: &mut TermPool) -> Machine<TermPool> {
    let mem = pool.memory();
    Machine::new(pool, mem, &mut |p: &mut TermPool, n, w| p.var(n, w))
}

/// The word at a place.
pub fn word_at<D: Domain>(m: &Machine<D>, l: Loc) -> D::W {
    match l {
        0..16 => m.gpr[l as usize].clone(),
        16..22 => m.flags[(l - 16) as usize].clone(),
        _ => {
            let k = (l - loc::VEC0) as usize;
            m.vec[(k / 4).min(15)][k % 4].clone()
        }
    }
}

/// Replaces the word at a place.
pub fn set_word<D: Domain>(m: &mut Machine<D>, l: Loc, w: D::W) {
    match l {
        0..16 => m.gpr[l as usize] = w,
        16..22 => m.flags[(l - 16) as usize] = w,
        _ => {
            let k = (l - loc::VEC0) as usize;
            m.vec[(k / 4).min(15)][k % 4] = w;
        }
    }
}

impl Target {
    /// The target that a piece of straight-line code is.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn from_code(
        name: &str,
        code: &[Instruction],
        inputs: &[Port],
        outputs: &[Port],
        scratch: Set,
        march: March,
    ) -> Result<Target, TargetError> {
        let mut pool = TermPool::new();
        let before = fresh_machine(&mut pool);
        let e = run_terms(&mut pool, &before, code)?;
        let input_terms = inputs.iter().map(|p| word_at(&before, p.at)).collect();
        let output_terms: Vec<TermId> = outputs
            .iter()
            .map(|p| {
                let w = word_at(&e.machine, p.at);
                pool.trunc(&w, p.width)
            })
            .collect();
        for (p, t) in outputs.iter().zip(&output_terms) {
            let undefined = |t: &TermId| match pool.node(*t) {
                trinity_codegen::isa::Node::Var(v) => pool.variables()[v as usize].undefined,
                _ => false,
            };
            if pool.reachable(&[*t]).iter().any(undefined) {
                return Err(TargetError::Undefined(p.at));
            }
        }
        let precondition = pool.bit(true);
        let mut real = memory::real_of(&before, &e.machine);
        real.outputs.clone_from(&output_terms);
        let t = Target {
            name: name.to_owned(),
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            scratch,
            pool,
            input_terms,
            output_terms,
            precondition,
            fault: e.fault,
            baseline: Some(code.to_vec()),
            march,
            memory: None,
        };
        if real.effects.accesses.is_empty() {
            return Ok(t);
        }
        memory::over_cells(t, real).map_err(TargetError::Memory)
    }

    /// The outputs for one input assignment, `None` when the precondition does not hold or the original faults.
    pub fn evaluate(&self, inputs: &[u64]) -> Option<Vec<u64>> {
        let mut roots = self.output_terms.clone();
        roots.push(self.precondition);
        roots.push(self.fault);
        let mut var = |_: &mut Concrete, n: u32, v: &trinity_codegen::isa::term::Variable| {
            let at = self
                .input_terms
                .iter()
                .position(|t| self.pool.node(*t) == trinity_codegen::isa::Node::Var(n));
            Bits::new(v.width, at.map_or(0, |i| inputs[i].into()))
        };
        let r = self
            .pool
            .eval(&roots, &mut Concrete, &mut var, &mut |_, _| {
                Default::default()
            });
        let n = self.output_terms.len();
        (r[n].value == 1 && r[n + 1].value == 0)
            .then(|| r[..n].iter().map(|b| b.value as u64).collect())
    }

    /// Constants that occur in the specification, as signed numbers, shift counts left out.
    pub fn constants(&self) -> Vec<i64> {
        self.constants_and_counts().0
    }

    /// Constant shift counts of the specification.
    pub fn shift_counts(&self) -> Vec<i64> {
        self.constants_and_counts().1
    }

    fn constants_and_counts(&self) -> (Vec<i64>, Vec<i64>) {
        use trinity_codegen::isa::{BinOp, Node};
        let konst = |t: TermId| match self.pool.node(t) {
            Node::Const(k) if self.pool.term_width(t) >= 8 => {
                let w = self.pool.term_width(t).min(64);
                Some(trinity_codegen::isa::concrete::signed(w, k) as i64)
            }
            _ => None,
        };
        let (mut constants, mut counts) = (Vec::new(), Vec::new());
        constants.extend(self.output_terms.iter().filter_map(|t| konst(*t)));
        for t in self.pool.reachable(&self.output_terms) {
            let node = self.pool.node(t);
            let shift = matches!(
                node,
                Node::Bin(
                    BinOp::Shl | BinOp::Lshr | BinOp::Ashr | BinOp::Rotl | BinOp::Rotr,
                    ..
                )
            );
            for (i, x) in node.operands().enumerate() {
                if let Some(k) = konst(x) {
                    if shift && i == 1 {
                        &mut counts
                    } else {
                        &mut constants
                    }
                    .push(k);
                }
            }
        }
        for v in [&mut constants, &mut counts] {
            v.sort_unstable();
            v.dedup();
        }
        (constants, counts)
    }

    /// The widest operation that results need: 32 where the upper halves of all wider outputs are zero, as 32-bit
    /// instructions leave them, and nothing wider is compared or counted on the way to them.
    pub fn operation_width(&self) -> u32 {
        use trinity_codegen::isa::Node;
        let wide = |t: &TermId| self.pool.term_width(*t) > 32;
        if self
            .pool
            .reachable(&self.output_terms)
            .iter()
            .any(|t| match self.pool.node(*t) {
                Node::Cmp(_, a, _) | Node::Un(_, a) => wide(&a),
                _ => false,
            })
        {
            return 64;
        }
        let mut pool = self.pool.clone();
        let mut widest = 0;
        for (p, t) in self.outputs.iter().zip(&self.output_terms) {
            let mut w = p.width;
            if w == 64 {
                let high = pool.extract(t, 32, 32);
                if pool.as_constant(&high) == Some(0) {
                    w = 32;
                }
            }
            widest = widest.max(w);
        }
        widest.max(32)
    }

    /// What code for the target costs, in hundredths of a cycle. Where all results are in memory, nothing waits for them in
    /// a register: the work counts, as the sum of latencies and micro-ops (H of STOKE's cost); else the longest chain.
    pub fn cost(&self, code: &[Instruction]) -> u64 {
        if self.outputs.iter().all(|p| p.at >= loc::CELL0) {
            code.iter().map(cost::instruction).sum()
        } else {
            cost::code(code)
        }
    }

    /// The set of input places.
    pub fn input_set(&self) -> Set {
        self.inputs.iter().fold(0, |s, p| s | loc::bit(p.at))
    }

    /// The set of output places.
    pub fn output_set(&self) -> Set {
        self.outputs.iter().fold(0, |s, p| s | loc::bit(p.at))
    }
}
