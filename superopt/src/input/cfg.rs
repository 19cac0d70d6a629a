//! Control flow of a function: blocks, an order, loops, and what is live where.
//!
//! Calls stay inside blocks (code around them can be improved); whole-function questions refuse them elsewhere.

use super::effects::effects;
use super::error::{InputError, Refusal};
use super::object::Function;
use super::place::PlaceSet;
use super::region::{SymbolField, SymbolKind};
use iced_x86::{ConditionCode, FlowControl, InstructionInfoFactory, Mnemonic, OpKind};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// How a block ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// A return.
    Return,
    /// A jump to another function.
    Tail,
    /// To one block.
    Goto(usize),
    /// To the first block where the condition holds, else to the second.
    Branch(ConditionCode, usize, usize),
}

impl Exit {
    /// The blocks it may go to.
    pub fn targets(self) -> impl Iterator<Item = usize> {
        let (a, b) = match self {
            Exit::Return | Exit::Tail => (None, None),
            Exit::Goto(t) => (Some(t), None),
            Exit::Branch(_, t, n) => (Some(t), Some(n)),
        };
        a.into_iter().chain(b)
    }
}

/// A block: instructions without the jump at its end.
#[derive(Clone, Debug)]
pub struct Block {
    /// Instructions, the final jump or return excluded.
    pub body: Range<usize>,
    /// The final jump's or return's index, if there is one.
    pub jump: Option<usize>,
    /// Where it goes.
    pub exit: Exit,
}

/// A natural loop.
#[derive(Clone, Debug)]
pub struct Loop {
    /// The block that every entry goes through.
    pub header: usize,
    /// All its blocks.
    pub blocks: BTreeSet<usize>,
}

/// A function's control flow.
#[derive(Clone, Debug)]
pub struct Cfg {
    /// Blocks in the order of their addresses; the first is the entry.
    pub blocks: Vec<Block>,
    /// Reachable blocks, each before those it leads to except along loops.
    pub order: Vec<usize>,
    /// Loops, outer ones before inner ones.
    pub loops: Vec<Loop>,
    /// Per block, places live at its end (before its jump).
    pub live_out: Vec<PlaceSet>,
}

/// What may not stand in any function.
fn check(f: &Function, n: usize) -> Result<(), InputError> {
    let inst = &f.code[n];
    let i = &inst.instruction;
    let refuse = |why| Err(f.refuse(n, why));
    if let (Some(source), Some(line)) = (&f.source, inst.line)
        && source.inline_assembly.get(line as usize - 1) == Some(&true)
    {
        return refuse(Refusal::InlineAssembly);
    }
    if i.has_lock_prefix() {
        return refuse(Refusal::Atomic);
    }
    use Mnemonic::*;
    match i.mnemonic() {
        Xchg if (0..2).any(|k| i.op_kind(k) == OpKind::Memory) => return refuse(Refusal::Atomic),
        Std | Cld | Popf | Popfq => return refuse(Refusal::DirectionFlag),
        Lfence | Mfence | Sfence | Syscall | Int | Int1 | Int3 | Ud2 | Hlt | Rdtsc | Cpuid
        | Pause | Ldmxcsr | Vldmxcsr | Rdrand | Rdseed | Xbegin => {
            return refuse(Refusal::System);
        }
        _ => {}
    }
    match i.flow_control() {
        FlowControl::IndirectBranch => return refuse(Refusal::IndirectJump),
        FlowControl::Interrupt | FlowControl::Exception | FlowControl::XbeginXabortXend => {
            return refuse(Refusal::System);
        }
        _ => {}
    }
    if i.is_ip_rel_memory_operand() && inst.symbol.is_none() {
        let at = i.ip_rel_memory_address();
        return refuse(Refusal::LabelAddress(format!(
            "at offset {:#x}",
            at.wrapping_sub(f.code[0].instruction.ip())
        )));
    }
    if let Some(s) = &inst.symbol {
        let call = matches!(
            i.flow_control(),
            FlowControl::Call | FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
        );
        match (s.kind, s.field) {
            _ if call => {}
            (SymbolKind::Absolute, _) => {
                return refuse(Refusal::Relocation(
                    "an absolute address (compile with -fPIE)".into(),
                ));
            }
            (SymbolKind::Tls, _) => {
                return refuse(Refusal::Relocation("thread-local storage".into()));
            }
            (_, SymbolField::Immediate) => {
                return refuse(Refusal::Relocation("an immediate".into()));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Cfg {
    /// Takes a function apart. `results` are the places that matter to its caller.
    ///
    /// # Errors
    /// For what is not covered in any part of a function, and for control flow that is not understood.
    pub fn new(f: &Function, results: PlaceSet) -> Result<Cfg, InputError> {
        let index: HashMap<u64, usize> = f
            .code
            .iter()
            .enumerate()
            .map(|(n, i)| (i.instruction.ip(), n))
            .collect();
        let mut starts = BTreeSet::from([0]);
        let target = |n: usize| -> Option<usize> {
            let inst = &f.code[n];
            (inst.symbol.is_none())
                .then(|| index.get(&inst.instruction.near_branch_target()).copied())
                .flatten()
        };
        for (n, inst) in f.code.iter().enumerate() {
            check(f, n)?;
            match inst.instruction.flow_control() {
                FlowControl::ConditionalBranch => {
                    let t = target(n).ok_or_else(|| f.refuse(n, Refusal::TailCall))?;
                    if inst.instruction.condition_code() == ConditionCode::None {
                        // jrcxz and loop.
                        return Err(f.refuse(
                            n,
                            Refusal::Model(trinity_codegen::isa::Unsupported::Control),
                        ));
                    }
                    starts.extend([t, n + 1]);
                }
                FlowControl::UnconditionalBranch => {
                    starts.extend(target(n));
                    starts.insert(n + 1);
                }
                FlowControl::Return => {
                    starts.insert(n + 1);
                }
                _ => {}
            }
        }
        starts.remove(&f.code.len());
        let starts: Vec<usize> = starts.into_iter().collect();
        let block_of = |n: usize| starts.binary_search(&n).ok();
        let mut blocks = Vec::new();
        for (k, &from) in starts.iter().enumerate() {
            let to = starts.get(k + 1).copied().unwrap_or(f.code.len());
            let last = to - 1;
            let next = || block_of(to).ok_or_else(|| f.refuse(last, Refusal::FallsOff));
            let goes = |n: usize| target(n).and_then(block_of);
            let (jump, exit) = match f.code[last].instruction.flow_control() {
                FlowControl::Return => (Some(last), Exit::Return),
                FlowControl::UnconditionalBranch => {
                    (Some(last), goes(last).map_or(Exit::Tail, Exit::Goto))
                }
                FlowControl::ConditionalBranch => {
                    let t = goes(last).ok_or_else(|| f.refuse(last, Refusal::TailCall))?;
                    (
                        Some(last),
                        Exit::Branch(f.code[last].instruction.condition_code(), t, next()?),
                    )
                }
                _ => match block_of(to) {
                    Some(b) => (None, Exit::Goto(b)),
                    // A call that does not return may be last.
                    None if f.code[last].instruction.flow_control() == FlowControl::Call => {
                        (None, Exit::Tail)
                    }
                    None => return Err(f.refuse(last, Refusal::FallsOff)),
                },
            };
            blocks.push(Block {
                body: from..jump.unwrap_or(to),
                jump,
                exit,
            });
        }
        let order = reverse_postorder(&blocks);
        let loops = find_loops(f, &blocks, &order)?;
        let live_out = liveness(f, &blocks, results);
        Ok(Cfg {
            blocks,
            order,
            loops,
            live_out,
        })
    }

    /// How many loops a block is in.
    pub fn depth(&self, block: usize) -> u32 {
        self.loops
            .iter()
            .filter(|l| l.blocks.contains(&block))
            .count() as u32
    }
}

fn reverse_postorder(blocks: &[Block]) -> Vec<usize> {
    let mut seen = vec![false; blocks.len()];
    let mut order = Vec::new();
    let mut stack = vec![(0, blocks[0].exit.targets().collect::<Vec<_>>())];
    seen[0] = true;
    while let Some((b, rest)) = stack.last_mut() {
        match rest.pop() {
            Some(t) if !seen[t] => {
                seen[t] = true;
                stack.push((t, blocks[t].exit.targets().collect()));
            }
            Some(_) => {}
            None => {
                order.push(*b);
                stack.pop();
            }
        }
    }
    order.reverse();
    order
}

fn find_loops(f: &Function, blocks: &[Block], order: &[usize]) -> Result<Vec<Loop>, InputError> {
    let position: HashMap<usize, usize> = order.iter().enumerate().map(|(p, b)| (*b, p)).collect();
    let mut predecessors = vec![Vec::new(); blocks.len()];
    for &b in order {
        for t in blocks[b].exit.targets() {
            predecessors[t].push(b);
        }
    }
    let mut loops: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    for &b in order {
        for t in blocks[b]
            .exit
            .targets()
            .filter(|t| position[t] <= position[&b])
        {
            let body = loops.entry(t).or_default();
            body.insert(t);
            let mut work = vec![b];
            while let Some(x) = work.pop() {
                if body.insert(x) {
                    work.extend(&predecessors[x]);
                }
            }
        }
    }
    for (header, body) in &loops {
        // Every way into the loop goes through its header.
        let foreign = |b: &usize| b != header && predecessors[*b].iter().any(|p| !body.contains(p));
        if let Some(b) = body
            .iter()
            .find(|b| foreign(b) || (**b == 0 && *header != 0))
        {
            return Err(f.refuse(blocks[*b].body.start, Refusal::Irreducible));
        }
    }
    let mut out: Vec<Loop> = loops
        .into_iter()
        .map(|(header, blocks)| Loop { header, blocks })
        .collect();
    out.sort_by_key(|l| (position[&l.header], std::cmp::Reverse(l.blocks.len())));
    Ok(out)
}

/// The result registers assumed when nothing is said: rax and ymm0. Results in rdx or xmm1 have to be named.
pub const DEFAULT_RESULTS: PlaceSet = PlaceSet {
    gpr: 1,
    flags: 0,
    vec: 0xf,
};

/// What a function may pass on and must preserve, when it leaves.
fn live_at_exit(exit: Exit, results: PlaceSet) -> PlaceSet {
    let saved = PlaceSet::CALLEE_SAVED;
    match exit {
        Exit::Return => saved.or(results),
        _ => saved.or(call_reads()),
    }
}

/// What a called function may read: argument registers, rax (vector count) and r10 (static chain).
pub fn call_reads() -> PlaceSet {
    PlaceSet {
        gpr: 0b0000_0111_1100_0111 | 1 << 4,
        flags: 0,
        vec: 0xffff_ffff,
    }
}

fn liveness(f: &Function, blocks: &[Block], results: PlaceSet) -> Vec<PlaceSet> {
    let mut live_in = vec![PlaceSet::EMPTY; blocks.len()];
    let mut live_out = vec![PlaceSet::EMPTY; blocks.len()];
    loop {
        let mut changed = false;
        for (n, b) in blocks.iter().enumerate().rev() {
            let mut live = b
                .exit
                .targets()
                .fold(PlaceSet::EMPTY, |s, t| s.or(live_in[t]));
            if matches!(b.exit, Exit::Return | Exit::Tail) {
                live = live.or(live_at_exit(b.exit, results));
            }
            if let Some(j) = b.jump {
                live = before(f, j, live);
            }
            live_out[n] = live;
            for i in b.body.clone().rev() {
                live = before(f, i, live);
            }
            changed |= live_in[n] != live;
            live_in[n] = live;
        }
        if !changed {
            return live_out;
        }
    }
}

/// What is live before an instruction, given what is after it.
pub fn before(f: &Function, n: usize, after: PlaceSet) -> PlaceSet {
    let i = &f.code[n].instruction;
    match i.flow_control() {
        FlowControl::Call | FlowControl::IndirectCall => {
            let e = effects(&mut InstructionInfoFactory::new(), i);
            after
                .minus(PlaceSet::CALLER_SAVED)
                .or(call_reads())
                .or(e.reads)
        }
        _ => {
            let e = effects(&mut InstructionInfoFactory::new(), i);
            after.minus(e.kills).or(e.reads)
        }
    }
}
