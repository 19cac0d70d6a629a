//! Targets that access memory.
//!
//! A search sees [`Cells`]: every piece of memory that the original touches is a place beside the registers, read and
//! written by instructions whose address the original uses too ([`forms`]). Address registers keep their values, so a
//! place is the same memory all along. Rows of equal cells are also searched as vectors ([`vectors`]).
//!
//! That cells are different memory is true for cells of one base, and an assumption for cells of two: tests can
//! therefore pass where pointers would meet. Nothing rests on it: [`check`] proves every candidate on the real memory,
//! one array of bytes in which any two addresses may be equal unless the precondition says otherwise, with every
//! access inside what the original accesses and no store of it torn (law 1).

pub mod cells;
pub mod domain;
pub mod forms;
pub mod lower;
pub mod vectors;

pub use cells::{Base, Cell, Cells, MAX_CELLS, MemoryError};

use super::loc::{self, CELL0};
use super::target::{Port, Target, TargetError, set_word, word_at};
use crate::proof::{Claim, Effects, Limits, Pair, ProofResult, Query, prove};
use crate::solver::SolverPool;
use domain::CellDomain;
use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register};
use trinity_codegen::isa::{Domain, Machine, TermId, TermPool, execute};

/// What the original does to the real memory. The terms are of the target's pool.
#[derive(Clone, Debug)]
pub struct Real {
    /// General registers at entry.
    pub gpr: [TermId; 16],
    /// Memory at entry.
    pub heap: TermId,
    /// Faults, accesses, and the memory at exit.
    pub effects: Effects,
    /// The outputs in registers and flags, in the target's order.
    pub outputs: Vec<TermId>,
}

/// The memory of a target.
#[derive(Clone, Debug)]
pub struct Memory {
    /// As the search sees it.
    pub cells: Cells,
    /// As the proof sees it.
    pub real: Real,
}

impl Memory {
    /// What is touched and assumed, for reports.
    pub fn describe(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for (n, b) in self.cells.bases.iter().enumerate() {
            let of_base = self.cells.cells.iter().filter(|c| c.base == n);
            let bytes = |written: bool| -> u32 {
                let some = of_base
                    .clone()
                    .filter(|c| if written { c.written } else { c.read });
                some.map(|c| c.bytes).sum()
            };
            out.push(format!(
                "{b}: {} bytes read, {} written, by both programs or by the original alone",
                bytes(false),
                bytes(true)
            ));
        }
        out.push(
            "memory is ordinary: nobody else sees single accesses (volatile, other threads)".into(),
        );
        out.push("pointers may overlap unless the precondition says otherwise".into());
        out
    }
}

/// Makes a target of one whose terms load from and store to the real memory: cells become inputs and outputs, address
/// registers keep their values.
///
/// # Errors
/// See [`MemoryError`].
pub fn over_cells(mut t: Target, real: Real) -> Result<Target, MemoryError> {
    let cells = Cells::of(&t.pool, &real.gpr, &real.effects.accesses)?;
    let source = t.pool.clone();
    let start = cells.variables(&mut t.pool);
    let keys = cells.keys(&mut t.pool, &real.gpr);
    let mut roots = t.output_terms.clone();
    roots.extend([t.precondition, t.fault]);
    let old: Vec<TermId> = variables(&source);
    let mut d = CellDomain {
        pool: &mut t.pool,
        cells: &cells,
        keys: &keys,
        trouble: false,
    };
    let (words, memories) = source.eval_all(
        &roots,
        &real.effects.memories,
        &mut d,
        &mut |_, n, _| old[n as usize],
        &mut |_, _| start.clone(),
    );
    if d.trouble {
        // Every access was looked at above: what is left is one that only a path has.
        return Err(MemoryError::Conditional);
    }
    let n = t.output_terms.len();
    t.output_terms = words[..n].to_vec();
    (t.precondition, t.fault) = (words[n], words[n + 1]);
    let end = memories.first().unwrap_or(&start);
    for (k, c) in cells.cells.iter().enumerate() {
        if c.written {
            let port = port(k, c);
            t.outputs.push(port);
            t.output_terms.push(end[k]);
            t.scratch |= loc::bit(port.at);
        }
    }
    let mut needed = t.output_terms.clone();
    needed.extend([t.precondition, t.fault]);
    let needed = t.pool.reachable(&needed);
    for (k, c) in cells.cells.iter().enumerate() {
        if needed.binary_search(&start[k]).is_ok() {
            t.inputs.push(port(k, c));
            t.input_terms.push(start[k]);
        }
    }
    for r in cells.registers() {
        t.scratch &= !loc::bit(loc::gpr(r));
    }
    t.memory = Some(Memory { cells, real });
    Ok(t)
}

fn port(k: usize, c: &Cell) -> Port {
    Port {
        at: CELL0 + k as u16,
        width: 8 * c.bytes,
    }
}

/// The terms of all variables, by number.
fn variables(pool: &TermPool) -> Vec<TermId> {
    let mut all = vec![TermId(0); pool.variables().len()];
    for n in 0..pool.len() as u32 {
        if let trinity_codegen::isa::Node::Var(v) = pool.node(TermId(n)) {
            all[v as usize] = TermId(n);
        }
    }
    all
}

/// The code as a start of searches on a target with these cells: straight-line, with every memory operand at registers
/// that it does not change.
pub fn baseline(cells: &Cells, code: &[Instruction]) -> Option<Vec<Instruction>> {
    let mut factory = InstructionInfoFactory::new();
    let kept = |f: &mut InstructionInfoFactory, i: &Instruction| {
        let written = f.info(i).used_registers().iter().any(|u| {
            !matches!(u.access(), OpAccess::Read | OpAccess::CondRead)
                && cells.registers().any(|r| u.register().full_register() == r)
        });
        let address = [i.memory_base(), i.memory_index()];
        let accesses = i.mnemonic() != Mnemonic::Lea;
        i.flow_control() == FlowControl::Next
            && !written
            && !i.is_stack_instruction()
            && address.into_iter().all(|r| {
                r == Register::None
                    || !accesses
                    || cells.registers().any(|k| k == r.full_register())
            })
    };
    code.iter()
        .all(|i| kept(&mut factory, i))
        .then(|| code.to_vec())
}

/// The real effects of code executed as terms from `before`.
pub fn real_of(before: &Machine<TermPool>, after: &Machine<TermPool>) -> Real {
    Real {
        gpr: before.gpr,
        heap: before.mem,
        effects: effects(after),
        outputs: Vec::new(),
    }
}

fn effects(after: &Machine<TermPool>) -> Effects {
    Effects {
        faults: after.faults.clone(),
        accesses: after.accesses.clone(),
        memories: vec![after.mem],
    }
}

/// Proves on the real memory that straight-line code refines a target with memory.
///
/// # Errors
/// When the model does not have an instruction of the code.
pub fn check(
    t: &Target,
    memory: &Memory,
    code: &[Instruction],
    limits: &Limits<'_>,
    solvers: &SolverPool,
) -> Result<ProofResult, TargetError> {
    let mut pool = t.pool.clone();
    let real = &memory.real;
    // Whatever is neither an input nor part of an address is arbitrary at entry, and another variable than in the target.
    let mut m = Machine::new(&mut pool, real.heap, &mut |p: &mut TermPool, n, w| {
        p.var(&format!("entry_{n}"), w)
    });
    for r in memory.cells.registers() {
        let at = loc::gpr(r) as usize;
        m.gpr[at] = real.gpr[at];
    }
    for (p, x) in t.inputs.iter().zip(&t.input_terms) {
        if p.at < CELL0 {
            set_word(&mut m, p.at, *x);
        }
    }
    for (n, i) in code.iter().enumerate() {
        execute(&mut pool, &mut m, i).map_err(|e| TargetError::Unsupported(n, e))?;
    }
    let mut outputs = Vec::new();
    for (p, left) in t.outputs.iter().zip(&real.outputs) {
        let w = word_at(&m, p.at);
        let right = pool.trunc(&w, p.width);
        outputs.push(Pair::new(&loc::name(p.at), *left, right));
    }
    let precondition = match pool.as_constant(&t.precondition) {
        Some(1) => Vec::new(),
        _ => vec![t.precondition],
    };
    let q = Query {
        claim: Claim::Refinement,
        precondition,
        outputs,
        left: real.effects.clone(),
        right: effects(&m),
    };
    Ok(prove(&mut pool, &q, limits, solvers))
}
