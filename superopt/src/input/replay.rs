//! One input run step by step: by the model, and by the processor.
//!
//! The model follows the function's jumps. The processor then gets the same instructions without the jumps: after n
//! steps it has run the first n of them, so that every step is compared, and the decisions are checked by the flags
//! they rest on. Memory is made page by page as the model asks for it.

use super::effects::{does_nothing, flags};
use super::error::Refusal;
use super::object::Function;
use super::place::{Place, PlaceSet};
use super::region::SymbolField;
use super::terms::fault_name;
use crate::native;
use iced_x86::{Encoder, FlowControl, Instruction};
use std::collections::{BTreeMap, HashMap};
use trinity_codegen::isa::concrete::ConcreteRegion;
use trinity_codegen::isa::exec::condition;
use trinity_codegen::isa::{
    Bits, Concrete, ConcreteMemory, Domain, FaultKind, Flag, Machine, execute,
};

/// Instructions run at most.
const MAX_STEPS: usize = 20_000;
/// Steps that are shown, each compared with the processor.
const MAX_SHOWN: usize = 64;
const PAGE: u64 = 4096;

/// An input: everything a function can see.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Registers and flags; what is missing is zero.
    pub places: BTreeMap<Place, u64>,
    /// Bytes of memory; what is missing is zero.
    pub memory: BTreeMap<u64, u8>,
    /// Addresses of symbols, by the names of [`super::terms::constant_name`] for read-only bytes.
    pub symbols: HashMap<String, u64>,
}

/// One executed instruction.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its index in the function.
    pub index: usize,
    /// Places it changed, without flags it leaves undefined.
    pub changes: Vec<(Place, u64)>,
    /// Bytes it stored: address, length, value.
    pub stores: Vec<(u64, u32, u128)>,
    /// The fault it raised.
    pub fault: Option<FaultKind>,
}

/// A run by the model.
#[derive(Clone, Debug)]
pub struct Run {
    /// In order; the last one faulted if any did.
    pub steps: Vec<Step>,
    /// At the return.
    pub end: Machine<Concrete>,
    /// The pages it touched, as they were at the start.
    pub pages: Vec<ConcreteRegion>,
    /// Instructions as they were executed, at concrete addresses of symbols.
    trace: Vec<Instruction>,
}

impl Run {
    /// The fault that ended it.
    pub fn fault(&self) -> Option<FaultKind> {
        self.steps.last().and_then(|s| s.fault)
    }
}

/// The start of a run.
pub fn start(input: &Input, memory: ConcreteMemory) -> Machine<Concrete> {
    let at = |p: Place| input.places.get(&p).copied().unwrap_or(0);
    Machine {
        gpr: std::array::from_fn(|i| Bits::new(64, at(Place::Gpr(i as u8)).into())),
        flags: std::array::from_fn(|i| Bits::new(1, at(Place::Flag(Flag::ALL[i])).into())),
        vec: std::array::from_fn(|i| {
            std::array::from_fn(|j| Bits::new(64, at(Place::Vec(i as u8, j as u8)).into()))
        }),
        mem: memory,
        faults: Vec::new(),
        accesses: Vec::new(),
        imm: None,
        symbol: None,
    }
}

fn page(input: &Input, base: u64) -> ConcreteRegion {
    let byte = |a: u64| input.memory.get(&a).copied().unwrap_or(0);
    ConcreteRegion {
        base,
        bytes: (0..PAGE).map(|i| byte(base.wrapping_add(i))).collect(),
        writable: true,
    }
}

/// Runs a function by the model.
///
/// # Errors
/// When an instruction is not covered, with its index; or when the run is too long.
pub fn model(f: &Function, input: &Input) -> Result<Run, (usize, Refusal)> {
    let mut pages: Vec<ConcreteRegion> = Vec::new();
    // Every round adds the pages that the one before missed.
    loop {
        let memory = ConcreteMemory {
            regions: pages.clone(),
        };
        let (run, missing) = attempt(f, input, memory)?;
        let new: std::collections::BTreeSet<u64> = missing
            .into_iter()
            .filter(|b| !pages.iter().any(|p| p.base == *b))
            .collect();
        if new.is_empty() || pages.len() > 256 {
            return Ok(Run { pages, ..run });
        }
        pages.extend(new.into_iter().map(|b| page(input, b)));
        pages.sort_by_key(|p| p.base);
    }
}

fn attempt(
    f: &Function,
    input: &Input,
    memory: ConcreteMemory,
) -> Result<(Run, Vec<u64>), (usize, Refusal)> {
    let index: HashMap<u64, usize> = f
        .code
        .iter()
        .enumerate()
        .map(|(n, i)| (i.instruction.ip(), n))
        .collect();
    let mut m = start(input, memory);
    let (mut steps, mut trace) = (Vec::new(), Vec::new());
    let mut at = 0;
    while steps.len() < MAX_STEPS {
        let inst = f
            .code
            .get(at)
            .ok_or((at.min(f.code.len() - 1), Refusal::FallsOff))?;
        let i = &inst.instruction;
        let jump = |target: u64| index.get(&target).copied().ok_or((at, Refusal::TailCall));
        match i.flow_control() {
            FlowControl::Return => {
                return Ok((
                    Run {
                        steps,
                        end: m,
                        pages: Vec::new(),
                        trace,
                    },
                    Vec::new(),
                ));
            }
            FlowControl::UnconditionalBranch => {
                at = jump(i.near_branch_target())?;
                continue;
            }
            FlowControl::ConditionalBranch => {
                let c = condition(&mut Concrete, &m, i.condition_code())
                    .ok_or((at, Refusal::IndirectJump))?;
                at = if c.value == 1 {
                    jump(i.near_branch_target())?
                } else {
                    at + 1
                };
                continue;
            }
            FlowControl::Next => {}
            _ => return Err((at, Refusal::Call)),
        }
        let before = (m.gpr, m.flags, m.vec);
        let mut placed = *i;
        if let Some(s) = inst
            .symbol
            .as_ref()
            .filter(|s| s.field == SymbolField::Displacement)
        {
            let address = symbol_address(f, input, s);
            m.symbol = Some(Bits::new(64, address.into()));
            placed.set_memory_displacement64(address);
        }
        if !does_nothing(i) {
            execute(&mut Concrete, &mut m, i).map_err(|u| (at, Refusal::Model(u)))?;
        }
        m.symbol = None;
        trace.push(placed);
        let accesses = std::mem::take(&mut m.accesses);
        let fault = m
            .faults
            .drain(..)
            .find(|x| x.when.value == 1)
            .map(|x| x.kind);
        if fault == Some(FaultKind::Page) {
            let ends = accesses.iter().flat_map(|a| {
                [
                    a.addr.value as u64,
                    (a.addr.value as u64)
                        .wrapping_add(a.bytes.max(1).into())
                        .wrapping_sub(1),
                ]
            });
            let bases: Vec<u64> = ends.map(|a| a & !(PAGE - 1)).collect();
            return Ok((
                Run {
                    steps,
                    end: m,
                    pages: Vec::new(),
                    trace,
                },
                bases,
            ));
        }
        let undefined = flags(i.rflags_undefined());
        let changed = |p: Place| -> bool {
            let old = match p {
                Place::Gpr(n) => before.0[n as usize],
                Place::Flag(x) => before.1[x as usize],
                Place::Vec(n, w) => before.2[n as usize][w as usize],
            };
            old != p.of(&m) && !undefined.contains(p)
        };
        let changes = PlaceSet::ALL
            .iter()
            .filter(|p| changed(*p))
            .map(|p| (p, p.of(&m).value as u64))
            .collect();
        let stored = |a: &trinity_codegen::isa::Access<Bits>| {
            let v = Concrete.load(&m.mem, &a.addr, a.bytes.min(16));
            (a.addr.value as u64, a.bytes.min(16), v.value)
        };
        let stores = accesses.iter().filter(|a| a.write).map(stored).collect();
        steps.push(Step {
            index: at,
            changes,
            stores,
            fault,
        });
        if fault.is_some() {
            return Ok((
                Run {
                    steps,
                    end: m,
                    pages: Vec::new(),
                    trace,
                },
                Vec::new(),
            ));
        }
        at += 1;
    }
    Err((at.min(f.code.len() - 1), Refusal::TooLong))
}

fn symbol_address(f: &Function, input: &Input, s: &super::SymbolUse) -> u64 {
    let name = match (f.constants.get(&s.name), s.kind) {
        (Some(data), _) => super::terms::constant_name(&s.name, data),
        (None, super::SymbolKind::Got) => format!("{}@GOT", s.name),
        (None, _) => s.name.clone(),
    };
    input
        .symbols
        .get(&name)
        .copied()
        .unwrap_or(0)
        .wrapping_add(s.addend as u64)
}

/// What the processor did after each shown step (the last one is the end), or why it was not asked.
///
/// # Errors
/// With the reason as a sentence.
pub fn processor(input: &Input, run: &Run) -> Result<Vec<native::Outcome>, String> {
    let mut prefixes: Vec<usize> = (1..=run.trace.len().min(MAX_SHOWN)).collect();
    if run.trace.len() > MAX_SHOWN {
        prefixes.push(run.trace.len());
    }
    if prefixes.is_empty() {
        prefixes.push(0);
    }
    let regions: Vec<native::Region> = run
        .pages
        .iter()
        .map(|p| native::Region::writable(p.base, p.bytes.len()))
        .collect();
    let mut code = Vec::new();
    let mut ends = vec![0];
    let mut encoder = Encoder::new(64);
    for i in &run.trace {
        let n = encoder
            .encode(i, native::CODE_BASE + code.len() as u64)
            .map_err(|e| format!("it cannot be encoded again: {e}"))?;
        code.extend(encoder.take_buffer());
        debug_assert_eq!(code.len(), ends[ends.len() - 1] + n);
        ends.push(code.len());
    }
    if code.is_empty() {
        // Nothing is executed before the return: any instruction without effect will do.
        code.push(0x90);
        ends[0] = 1;
    }
    let mut state = native::State::zero(regions.iter().map(|r| r.bytes).sum());
    let m = start(input, ConcreteMemory::default());
    state.gpr = m.gpr.map(|b| b.value as u64);
    for f in Flag::ALL {
        state.flags |= (m.flag(f).value as u64) << f.rflags_bit();
    }
    for (to, from) in state.ymm.iter_mut().zip(&m.vec) {
        for (chunk, w) in to.chunks_mut(8).zip(from) {
            chunk.copy_from_slice(&(w.value as u64).to_le_bytes());
        }
    }
    state.memory = run
        .pages
        .iter()
        .flat_map(|p| p.bytes.iter().copied())
        .collect();
    let mut out = Vec::new();
    for n in prefixes {
        let runner = native::Runner::new(&code[..ends[n]], &regions).map_err(|e| e.to_string())?;
        out.extend(
            runner
                .run(std::slice::from_ref(&state))
                .map_err(|e| e.to_string())?,
        );
    }
    Ok(out)
}

/// A place's value in the processor's final state.
pub fn native_value(p: Place, s: &native::State) -> u64 {
    match p {
        Place::Gpr(n) => s.gpr[n as usize],
        Place::Flag(f) => s.flags >> f.rflags_bit() & 1,
        Place::Vec(n, w) => {
            let at = 8 * w as usize;
            let bytes = s.ymm[n as usize]
                .get(at..at + 8)
                .and_then(|b| b.try_into().ok());
            bytes.map_or(0, u64::from_le_bytes)
        }
    }
}

/// Bytes of the processor's final memory.
pub fn native_bytes(run: &Run, s: &native::State, address: u64, bytes: u32) -> Option<u128> {
    let mut value = 0;
    for i in 0..u64::from(bytes) {
        let a = address.wrapping_add(i);
        let mut base = 0;
        let mut found = None;
        for p in &run.pages {
            let off = a.wrapping_sub(p.base) as usize;
            if off < p.bytes.len() {
                found = s.memory.get(base + off);
            }
            base += p.bytes.len();
        }
        value |= u128::from(*found?) << (8 * i);
    }
    Some(value)
}

/// A processor's fault as processors' manuals name it.
pub fn native_fault(f: &native::Fault) -> String {
    use native::FaultKind as K;
    match f.kind {
        K::Divide => fault_name(FaultKind::Divide).into(),
        K::Page { address, .. } => format!("{} at {address:#x}", fault_name(FaultKind::Page)),
        K::Protection => "#GP".into(),
        K::Stack => "#SS".into(),
        K::InvalidOpcode => "#UD".into(),
        K::FloatingPoint => "#XM".into(),
        K::Alignment => "#AC".into(),
        other => format!("{other:?}"),
    }
}
