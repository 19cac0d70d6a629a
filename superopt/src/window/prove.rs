//! Whether code may stand for a window: tested on states first, then proven for all of them.
//!
//! The claim is refinement (laws 1 to 3): what lives behind the window has the same values, what the window does not write
//! keeps its own, memory is the same, and nothing is accessed that the window does not access. Any two addresses may be
//! equal; the stack is memory like all other.

use super::kept::Kept;
use super::unhex;
use crate::proof::{Claim, Effects, Limits, Pair, ProofResult, Query, prove};
use crate::report::verdict::Verdict;
use crate::search::target::{fresh_machine, run_terms};
use crate::solver::SolverPool;
use iced_x86::{Instruction, OpKind};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::cell::OnceCell;
use trinity_codegen::isa::concrete::ConcreteRegion;
use trinity_codegen::isa::{
    Bits, Concrete, ConcreteMemory, Flag, Machine, Node, TermId, TermPool, execute,
};
use trinity_codegen::window::{Canonical, Live, WindowStore, decode};

/// States that code is tested on.
const STATES: usize = 24;
/// States that what passes those is tested on.
const MORE: usize = 200;
/// Bytes that are mapped together.
const CHUNK: u64 = 256;

/// What must be the same behind the window: registers and flags.
fn kept(w: &Canonical) -> Live {
    let free = Live {
        gpr: w.writes().gpr & !w.live.gpr,
        flags: !w.live.flags & 0x3f,
    };
    !free
}

/// A state before a window, and after it.
type State = (Machine<Concrete>, Machine<Concrete>);

/// States before a window and after it.
pub struct Tester {
    kept: Live,
    code: Vec<Instruction>,
    seed: u64,
    states: Vec<State>,
    /// For what passes the first ones.
    more: OnceCell<Vec<State>>,
}

/// Constants of the code and what is beside them: what comparisons are about.
fn constants(code: &[Instruction]) -> Vec<u64> {
    let immediates = code.iter().flat_map(|i| {
        let kinds = (0..i.op_count()).filter(|n| {
            let kind = i.op_kind(*n);
            !matches!(kind, OpKind::Register | OpKind::Memory)
        });
        kinds.map(|n| i.immediate(n)).collect::<Vec<_>>()
    });
    let near = |c: u64| [c, c.wrapping_add(1), c.wrapping_sub(1)];
    immediates.flat_map(near).collect()
}

fn value(rng: &mut SmallRng, others: &[u64]) -> u64 {
    let any: u64 = rng.random();
    match rng.random_range(0..10) {
        0 => any & 15,
        1 => (any & 15).wrapping_neg(),
        2 => any & 0xff,
        3 => any & 0xffff_ffff,
        4 => 1 << (any & 63),
        5 => u64::from(any as u32).wrapping_neg(),
        6 | 7 if !others.is_empty() => others[any as usize % others.len()],
        _ => any,
    }
}

/// Runs code; `None` where the model does not have it, or it faults.
fn run(code: &[Instruction], from: &Machine<Concrete>) -> Option<Machine<Concrete>> {
    let mut m = from.clone();
    for i in code {
        execute(&mut Concrete, &mut m, i).ok()?;
        if m.faults.iter().any(|f| f.when.value == 1) {
            return None;
        }
    }
    Some(m)
}

/// Maps what the code touches, until it runs.
fn mapped(
    code: &[Instruction],
    m: &mut Machine<Concrete>,
    rng: &mut SmallRng,
) -> Option<Machine<Concrete>> {
    let constants = constants(code);
    for _ in 0..=code.len() {
        if let Some(after) = run(code, m) {
            return Some(after);
        }
        let mut tried = m.clone();
        for i in code {
            execute(&mut Concrete, &mut tried, i).ok()?;
        }
        let mut chunks: Vec<u64> = Vec::new();
        for r in &m.mem.regions {
            chunks.extend((0..r.bytes.len() as u64 / CHUNK).map(|k| r.base + k * CHUNK));
        }
        for a in &tried.accesses {
            let at = a.addr.value as u64;
            for byte in [at, at.checked_add(u64::from(a.bytes))?] {
                chunks.push(byte & !(CHUNK - 1));
            }
        }
        chunks.sort_unstable();
        chunks.dedup();
        let old = std::mem::take(&mut m.mem.regions);
        for c in chunks {
            let mut bytes: Vec<u8> = match old
                .iter()
                .find(|r| c.wrapping_sub(r.base) < r.bytes.len() as u64)
            {
                Some(r) => r.bytes[(c - r.base) as usize..][..CHUNK as usize].to_vec(),
                None => (0..CHUNK / 8)
                    .flat_map(|_| value(rng, &constants).to_le_bytes())
                    .collect(),
            };
            match m.mem.regions.last_mut() {
                Some(r) if r.base + r.bytes.len() as u64 == c => r.bytes.append(&mut bytes),
                _ => m.mem.regions.push(ConcreteRegion {
                    base: c,
                    bytes,
                    writable: true,
                }),
            }
        }
    }
    None
}

/// Moves a register so that two of the code's accesses are of the same memory, or overlap.
fn meet(code: &[Instruction], m: &mut Machine<Concrete>, rng: &mut SmallRng) -> Option<()> {
    mapped(code, m, rng)?;
    let (mut now, mut accesses) = (m.clone(), Vec::new());
    for i in code {
        let before = now.accesses.len();
        execute(&mut Concrete, &mut now, i).ok()?;
        let made = now.accesses[before..].iter();
        accesses.extend(made.map(|a| (i.memory_base(), a.addr.value as u64)));
    }
    if accesses.len() < 2 {
        return None;
    }
    let (a, b) = (
        rng.random_range(0..accesses.len()),
        rng.random_range(0..accesses.len()),
    );
    let ((first, to), (base, from)) = (accesses[a], accesses[b]);
    if first == base || !base.is_gpr64() {
        return None;
    }
    let near = [0, 0, 0, 1, 4, 0u64.wrapping_sub(4)][rng.random_range(0..6)];
    let register = &mut m.gpr[base as usize - iced_x86::Register::RAX as usize];
    let moved = (register.value as u64)
        .wrapping_add(to.wrapping_sub(from))
        .wrapping_add(near);
    *register = Bits::new(64, moved.into());
    Some(())
}

/// States on which code does not fault.
fn states(code: &[Instruction], wanted: usize, seed: u64) -> Vec<State> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let constants = constants(code);
    let mut states = Vec::new();
    for _ in 0..2 * wanted {
        if states.len() == wanted {
            break;
        }
        let mut others = constants.clone();
        let memory = ConcreteMemory::default();
        let mut m = Machine::new(&mut Concrete, memory, &mut |_: &mut Concrete, _, width| {
            let v = value(&mut rng, &others);
            others.push(v);
            Bits::new(width, u128::from(v))
        });
        // In two of three states some two accesses meet, or nearly.
        if states.len() % 3 != 0 {
            for _ in 0..1 + states.len() % 2 {
                meet(code, &mut m, &mut rng);
            }
        }
        if let Some(after) = mapped(code, &mut m, &mut rng) {
            states.push((m, after));
        }
    }
    states
}

impl Tester {
    /// States on which the window does not fault. `None` where the model does not have it or none are found.
    pub fn new(w: &Canonical, seed: u64) -> Option<Tester> {
        let states = states(&w.code, STATES, seed);
        (states.len() >= STATES / 2).then(|| Tester {
            kept: kept(w),
            code: w.code.clone(),
            seed,
            states,
            more: OnceCell::new(),
        })
    }

    /// Whether code does what the window does on all states.
    pub fn passes(&self, code: &[Instruction]) -> bool {
        let as_wanted = |(before, wanted): &State| {
            let Some(after) = run(code, before) else {
                return false;
            };
            (0..16).all(|n| self.kept.gpr >> n & 1 == 0 || after.gpr[n] == wanted.gpr[n])
                && Flag::ALL.iter().all(|f| {
                    self.kept.flags >> *f as u8 & 1 == 0 || after.flag(*f) == wanted.flag(*f)
                })
                && after.mem == wanted.mem
        };
        let more = || states(&self.code, MORE, self.seed ^ 0x9e37_79b9);
        self.states.iter().all(as_wanted) && self.more.get_or_init(more).iter().all(as_wanted)
    }
}

/// Proves that code may stand for a window.
///
/// # Errors
/// When the model does not have an instruction, or the window's results depend on one that is undefined.
pub fn prove_window(
    w: &Canonical,
    code: &[Instruction],
    limits: &Limits<'_>,
    solvers: &SolverPool,
) -> Result<ProofResult, String> {
    let mut pool = TermPool::new();
    let before = fresh_machine(&mut pool);
    let left = run_terms(&mut pool, &before, &w.code)
        .map_err(|e| e.to_string())?
        .machine;
    let right = run_terms(&mut pool, &before, code)
        .map_err(|e| e.to_string())?
        .machine;
    let kept = kept(w);
    let mut outputs = Vec::new();
    let mut roots: Vec<TermId> = vec![left.mem];
    roots.extend(left.accesses.iter().map(|a| a.addr));
    roots.extend(left.faults.iter().map(|f| f.when));
    for n in (0..16).filter(|n| kept.gpr >> n & 1 == 1) {
        roots.push(left.gpr[n]);
        outputs.push(Pair::new(&format!("r{n}"), left.gpr[n], right.gpr[n]));
    }
    for f in Flag::ALL
        .into_iter()
        .filter(|f| kept.flags >> *f as u8 & 1 == 1)
    {
        roots.push(left.flag(f));
        outputs.push(Pair::new(&format!("{f:?}"), left.flag(f), right.flag(f)));
    }
    for (n, (l, r)) in left.vec.iter().zip(&right.vec).enumerate() {
        for (l, r) in l.iter().zip(r).filter(|(l, r)| l != r) {
            outputs.push(Pair::new(&format!("ymm{n}"), *l, *r));
        }
    }
    let undefined = |t: &TermId| match pool.node(*t) {
        Node::Var(v) => pool.variables()[v as usize].undefined,
        _ => false,
    };
    if pool.reachable(&roots).iter().any(undefined) {
        return Err("a result of the window is undefined".into());
    }
    let effects = |m: &Machine<TermPool>| Effects {
        faults: m.faults.clone(),
        accesses: m.accesses.clone(),
        memories: vec![m.mem],
    };
    let query = Query {
        claim: Claim::Refinement,
        precondition: Vec::new(),
        outputs,
        left: effects(&left),
        right: effects(&right),
    };
    Ok(prove(&mut pool, &query, limits, solvers))
}

/// Proves a kept window anew.
///
/// # Errors
/// When it is none, or it is not proven.
pub fn verify(k: &Kept, limits: &Limits<'_>, solvers: &SolverPool) -> Result<(), String> {
    let key = unhex(&k.key).ok_or("its name is no code")?;
    let w = WindowStore::window(&key).ok_or("its name is no window")?;
    let code = unhex(&k.new)
        .and_then(|b| decode(&b))
        .ok_or("its replacement is no code")?;
    match prove_window(&w, &code, limits, solvers)?.verdict {
        Verdict::Proven => Ok(()),
        other => Err(other.to_string()),
    }
}
