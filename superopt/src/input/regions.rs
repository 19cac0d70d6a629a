//! The regions of a function: runs that an engine may replace, in place, in the text.
//!
//! Besides straight-line runs these are the parts whose branches join again ([`super::branching`]). A straight-line
//! region lies in one block, between labels, directives for unwinding, calls and changes of the stack pointer; each of
//! its instructions is the only one on its line, the first one perhaps behind labels. Registers that its memory operands name keep their values in it. What is live around it comes from the whole function.

use super::branching::{self, cut, spans};
use super::cfg::{Cfg, before};
use super::effects::{changes_rsp, does_nothing, effects};
use super::line::Parts;
use super::object::Function;
use super::place::PlaceSet;
use super::region::{Footprint, LiveOut, Region, SymbolUse, Touch};
use super::rewrite::Edit;
use super::terms::Setup;
use super::whole::{Surroundings, target_terms};
use crate::search::improve::FunctionTerms;
use crate::search::opset::March;
use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind};
use std::ops::Range;
use trinity_codegen::isa::{Domain, Machine, TermPool, execute};

/// Instructions in a region at most: longer runs are cut.
pub const MAX_REGION: usize = 24;

/// A region and where it is in its function.
#[derive(Clone, Debug)]
pub struct Found {
    /// Instructions of the function.
    pub range: Range<usize>,
    /// What an engine gets.
    pub region: Region,
    /// What it gets instead where there are branches: their control flow, and what they compute.
    pub branching: Option<Box<Branching>>,
}

/// A region with branches.
#[derive(Clone, Debug)]
pub struct Branching {
    /// Its control flow.
    pub cfg: Cfg,
    /// What it computes.
    pub terms: FunctionTerms,
}

/// The regions of a function, and branches that belong to none.
#[derive(Clone, Debug, Default)]
pub struct Regions {
    /// Those in inner loops first; parts with branches before straight-line code.
    pub found: Vec<Found>,
    /// Why branches were not converted: where, and the reason.
    pub refused: Vec<String>,
}

/// Whether the model has an instruction.
fn covered(i: &Instruction) -> bool {
    let mut pool = TermPool::new();
    let mem = pool.memory();
    let mut m = Machine::new(&mut pool, mem, &mut |p: &mut TermPool, n, w| p.var(n, w));
    m.symbol = Some(pool.constant(64, 0));
    execute(&mut pool, &mut m, i).is_ok()
}

/// Whether something between the lines of two instructions separates them.
fn separated(f: &Function, a: usize, b: usize) -> bool {
    let (Some(source), Some(from), Some(to)) = (&f.source, f.code[a].line, f.code[b].line) else {
        // Without a text nothing can be replaced in it.
        return false;
    };
    if to <= from {
        return true;
    }
    let between = &source.lines[from as usize..to as usize - 1];
    let divides = |l: &String| {
        Parts::of(l).is_none_or(|p| {
            let directive = p.statement.starts_with('.') && !p.statement.starts_with(".loc");
            directive || !p.labels.is_empty()
        })
    };
    // A label before an instruction on its line is between it and what is above.
    let labelled = Parts::of(&source.lines[to as usize - 1]).is_none_or(|p| !p.labels.is_empty());
    labelled || between.iter().any(divides)
}

/// Whether the instruction is the only one on its line, so that it can be replaced there.
fn alone(f: &Function, n: usize) -> bool {
    let Some(source) = &f.source else { return true };
    let line = f.code[n].line;
    let neighbour = |k: usize| f.code.get(k).is_some_and(|i| i.line == line);
    let text = line.and_then(|l| source.lines.get(l as usize - 1));
    text.is_some_and(|t| Parts::of(t).is_some())
        && !neighbour(n + 1)
        && (n == 0 || !neighbour(n - 1))
}

/// Whether calls of the function may continue at exception handlers, which are no part of the control flow known here.
fn has_handlers(f: &Function) -> bool {
    let lines = f.code.iter().filter_map(|i| i.line);
    let (Some(source), Some(from), Some(to)) = (&f.source, lines.clone().min(), lines.max()) else {
        return false;
    };
    // The directive stands before the first instruction.
    let from = (from as usize).saturating_sub(12);
    let to = (to as usize).min(source.lines.len());
    source.lines[from..to]
        .iter()
        .any(|l| l.trim_start().starts_with(".cfi_lsda"))
}

/// The registers that the memory operand of an access is built from.
fn addresses(i: &Instruction) -> PlaceSet {
    let accesses =
        (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory) && i.mnemonic() != Mnemonic::Lea;
    let registers = [i.memory_base(), i.memory_index()];
    registers
        .into_iter()
        .filter(|r| accesses && r.is_gpr())
        .fold(PlaceSet::EMPTY, |s, r| s.or(PlaceSet::register(r)))
}

/// All regions of at least `least` instructions.
pub fn regions(f: &Function, cfg: &Cfg, march: March, least: usize) -> Regions {
    if has_handlers(f) {
        return Regions::default();
    }
    let mut out = with_branches(f, cfg, march);
    out.found.extend(straight(f, cfg, march, least));
    let order = |r: &Found| {
        let depth = std::cmp::Reverse(r.region.depth);
        (depth, r.branching.is_none(), r.range.start)
    };
    out.found.sort_by_key(order);
    out
}

impl Found {
    /// The change that puts code in its place.
    pub fn edit(&self, f: &Function, new: Vec<(Instruction, Option<SymbolUse>)>) -> Edit {
        Edit {
            old: self.range.clone().filter_map(|n| f.code[n].line).collect(),
            drop: branching::alignments(f, self.range.clone()),
            new,
        }
    }
}

/// Whether an instruction by itself may be replaced.
fn replaceable(f: &Function, n: usize, factory: &mut InstructionInfoFactory) -> bool {
    let i = &f.code[n].instruction;
    i.flow_control() == FlowControl::Next
        && !does_nothing(i)
        && !changes_rsp(factory, i)
        && alone(f, n)
        && covered(i)
}

/// What is live before instruction `n` of a block; at its end, after all of its body.
fn live_at(f: &Function, cfg: &Cfg, block: usize, n: usize) -> PlaceSet {
    let rest = n..cfg.blocks[block].body.end;
    rest.rev()
        .fold(cfg.live_out[block], |live, k| before(f, k, live))
}

/// The parts with branches.
fn with_branches(f: &Function, cfg: &Cfg, march: March) -> Regions {
    let mut factory = InstructionInfoFactory::new();
    let mut out = Regions::default();
    // Where the last part ends: branches inside of it are its own.
    let mut end = 0;
    for (jump, span) in spans(cfg) {
        if jump < end {
            continue;
        }
        let made = span.and_then(|s| {
            // Padding between blocks is never executed, or does nothing.
            let mut plain = |n: usize| f.is_padding(n) || replaceable(f, n, &mut factory);
            let range = branching::range(f, cfg, s, MAX_REGION, &mut plain)?;
            if !range.clone().all(|n| f.is_padding(n) || alone(f, n)) {
                return Err("several instructions stand on one of its lines");
            }
            let live = live_at(f, cfg, s.join, range.end);
            let mut found = make(
                f,
                range.clone(),
                live,
                cfg.depth(s.first),
                march,
                &mut factory,
            );
            if found.region.has_symbols() {
                return Err("it refers to symbols");
            }
            found.region.live_in = live_at(f, cfg, s.first, range.start);
            let cut = cut(cfg, &range).ok_or("its paths do not meet")?;
            let terms = terms_of(f, &cut, &found.region)?;
            found.branching = Some(Box::new(Branching { cfg: cut, terms }));
            Ok(found)
        });
        match made {
            Ok(found) => {
                end = found.range.end;
                out.found.push(found);
            }
            Err(why) => {
                let place = match f.code[jump].line {
                    Some(line) => format!("{}:{line}", f.name),
                    None => format!("{}+{:#x}", f.name, f.offset(jump)),
                };
                out.refused
                    .push(format!("{place}: the branch is not converted: {why}"));
            }
        }
    }
    out
}

/// What a part with branches computes.
fn terms_of(f: &Function, part: &Cfg, region: &Region) -> Result<FunctionTerms, &'static str> {
    let mut setup = Setup::in_the_middle();
    let t = setup
        .part(f, part)
        .map_err(|_| "it has an instruction or an address that is not covered")?;
    if t.conditional.is_some() {
        return Err("memory is accessed on some of its paths only");
    }
    let outputs = region.live_out.iter().map(|o| {
        let whole = t.exit.at(o.place);
        (o.place, o.width, setup.pool.trunc(&whole, o.width))
    });
    let outputs: Vec<_> = outputs.collect();
    let outer = Surroundings {
        name: &region.name,
        scratch: region.scratch,
        march: region.march,
        code: &region.code,
    };
    let precondition = setup.pool.bit(true);
    target_terms(setup, &t, outputs, precondition, outer)
}

/// The straight-line regions of at least `least` instructions.
fn straight(f: &Function, cfg: &Cfg, march: March, least: usize) -> Vec<Found> {
    let mut factory = InstructionInfoFactory::new();
    let mut out = Vec::new();
    for (b, block) in cfg.blocks.iter().enumerate() {
        if !cfg.order.contains(&b) {
            continue;
        }
        // Live after each instruction of the block.
        let mut live = cfg.live_out[b];
        let mut after = vec![PlaceSet::EMPTY; block.body.len()];
        for n in block.body.clone().rev() {
            after[n - block.body.start] = live;
            live = before(f, n, live);
        }
        let mut start = None;
        let mut close =
            |start: &mut Option<usize>, end: usize, factory: &mut InstructionInfoFactory| {
                if let Some(from) = start.take()
                    && end - from >= least
                {
                    let live = after[end - 1 - block.body.start];
                    out.push(make(f, from..end, live, cfg.depth(b), march, factory));
                }
            };
        let (mut addressing, mut written) = (PlaceSet::EMPTY, PlaceSet::EMPTY);
        for n in block.body.clone() {
            let i = &f.code[n].instruction;
            let plain = replaceable(f, n, &mut factory);
            let e = effects(&mut factory, i);
            let own = addresses(i);
            // An address that it destroys itself can be kept by nobody.
            let plain = plain && own.and(e.writes) == PlaceSet::EMPTY;
            let cut = start.is_some_and(|s: usize| {
                n - s >= MAX_REGION
                    || separated(f, n - 1, n)
                    || addressing.and(e.writes) != PlaceSet::EMPTY
                    || own.and(written) != PlaceSet::EMPTY
            });
            if !plain || cut {
                close(&mut start, n, &mut factory);
            }
            if plain && start.is_none() {
                start = Some(n);
                (addressing, written) = (PlaceSet::EMPTY, PlaceSet::EMPTY);
            }
            addressing = addressing.or(own);
            written = written.or(e.writes);
        }
        close(&mut start, block.body.end, &mut factory);
    }
    out
}

fn make(
    f: &Function,
    range: Range<usize>,
    live: PlaceSet,
    depth: u32,
    march: March,
    factory: &mut InstructionInfoFactory,
) -> Found {
    let (mut live_in, mut written) = (PlaceSet::EMPTY, PlaceSet::EMPTY);
    let mut memory = Footprint::default();
    for n in range.clone().rev() {
        let e = effects(factory, &f.code[n].instruction);
        live_in = live_in.minus(e.kills).or(e.reads);
        written = written.or(e.writes);
    }
    for n in range.clone() {
        for m in factory.info(&f.code[n].instruction).used_memory() {
            let (read, write) = match m.access() {
                OpAccess::Read | OpAccess::CondRead => (true, false),
                OpAccess::Write | OpAccess::CondWrite => (false, true),
                OpAccess::ReadWrite | OpAccess::ReadCondWrite => (true, true),
                OpAccess::None | OpAccess::NoMemAccess => continue,
            };
            let bytes = m.memory_size().size() as u32;
            memory.touches.push(Touch {
                instruction: n - range.start,
                bytes,
                read,
                write,
            });
        }
    }
    let changed = live.and(written);
    let line = |n: usize| f.code[n].line;
    let lines = line(range.start).zip(line(range.end - 1));
    let name = match lines {
        Some((a, b)) => format!("{}:{a}-{b}", f.name),
        None => format!("{}+{:#x}", f.name, f.offset(range.start)),
    };
    let region = Region {
        name,
        code: range.clone().map(|n| f.code[n].instruction).collect(),
        symbols: range.clone().map(|n| f.code[n].symbol.clone()).collect(),
        live_in,
        live_out: changed
            .iter()
            .map(|place| LiveOut {
                place,
                width: place.width(),
            })
            .collect(),
        scratch: PlaceSet::ALL.minus(live).minus(PlaceSet::RSP),
        precondition: None,
        memory,
        march,
        depth,
        lines,
    };
    Found {
        range,
        region,
        branching: None,
    }
}
