//! A whole function as one target: branches converted, local variables gone, its body replaced as one.

use super::compare::{Behaviour, Question};
use super::line::Parts;
use super::object::Function;
use super::place::PlaceSet;
use super::precondition::parse;
use super::region::SymbolUse;
use super::rewrite::Edit;
use super::terms::Setup;
use crate::proof::Effects;
use crate::search::improve::FunctionTerms;
use crate::search::memory::Real;
use crate::search::opset::March;
use iced_x86::{FlowControl, Instruction, Mnemonic};
use trinity_codegen::isa::{BinOp, Domain};

/// A function as a target.
pub struct Whole {
    /// For the engines.
    pub terms: FunctionTerms,
    /// Its own instructions, every one once, without the return.
    pub body: Vec<Instruction>,
}

/// The function as a target, when every loop of it ends by itself and its accesses to memory outside of its frame are
/// the same on all paths.
pub fn whole_function(f: &Function, q: &Question, march: March) -> Option<Whole> {
    let mut setup = Setup::new(64);
    let t = f.terms(&mut setup).ok()?;
    if !t.complete || t.conditional {
        return None;
    }
    let live = match &q.live_out {
        Some(l) => l.iter().flat_map(|r| r.parts.clone()).collect(),
        None => super::compare::default_live_outs(t.written),
    };
    let mut outputs = Vec::new();
    for o in live {
        let whole = t.exit.at(o.place);
        outputs.push((o.place, o.width, setup.pool.trunc(&whole, o.width)));
    }
    if (outputs.is_empty() && t.exit.heap == setup.initial.heap)
        || PlaceSet::CALLEE_SAVED
            .iter()
            .any(|p| t.exit.at(p) != setup.initial.at(p))
    {
        return None;
    }
    let state = setup.initial.clone();
    let precondition = match &q.precondition {
        Some(text) => parse(&mut setup.pool, &state, text).ok()?.0,
        None => setup.pool.bit(true),
    };
    let mut fault = setup.pool.bit(false);
    for x in &t.faults {
        fault = setup.pool.bin(BinOp::Or, &fault, &x.when);
    }
    let roots: Vec<_> = outputs
        .iter()
        .map(|o| o.2)
        .chain([precondition, fault, t.exit.heap])
        .collect();
    let needed = setup.pool.reachable(&roots);
    let all = PlaceSet {
        gpr: u16::MAX,
        flags: 0x3f,
        vec: u64::MAX,
    };
    let inputs: Vec<_> = all
        .minus(PlaceSet::RSP)
        .iter()
        .map(|p| (p, setup.initial.at(p)))
        .filter(|(_, t)| needed.contains(t))
        .collect();
    // An undefined result, or the stack pointer as a number, is nothing that can be searched for.
    let known = |t: &trinity_codegen::isa::TermId| {
        !matches!(setup.pool.node(*t), trinity_codegen::isa::Node::Var(_))
            || inputs.iter().any(|i| i.1 == *t)
    };
    if !needed.iter().all(known) {
        return None;
    }
    let body = f.code.iter().map(|i| i.instruction);
    let body: Vec<_> = body
        .filter(|i| i.flow_control() != FlowControl::Return)
        .collect();
    // A result register that is not written may still be passed through.
    let kept = if q.live_out.is_none() {
        super::cfg::DEFAULT_RESULTS
    } else {
        PlaceSet::EMPTY
    };
    let scratch = PlaceSet::CALLER_SAVED
        .minus(kept)
        .minus(outputs.iter().map(|o| o.0).collect::<PlaceSet>());
    let real = (!t.accesses.is_empty()).then(|| Real {
        gpr: setup.initial.gpr,
        heap: setup.initial.heap,
        effects: Effects {
            faults: t.faults.clone(),
            accesses: t.accesses.clone(),
            memories: vec![t.exit.heap],
        },
        outputs: outputs.iter().map(|o| o.2).collect(),
    });
    let plain = |i: &&Instruction| i.mnemonic() != Mnemonic::Endbr64;
    let code = body.iter().filter(plain).copied().collect();
    let terms = FunctionTerms {
        name: f.name.clone(),
        pool: setup.pool,
        inputs,
        outputs,
        precondition,
        fault,
        scratch,
        march,
        code,
        real,
    };
    Some(Whole { terms, body })
}

/// The edit that replaces everything between the function's first instruction (after `endbr64`) and its end: the new
/// code, and a return. Nothing when something in the text stands in the way.
pub fn edit(f: &Function, mut new: Vec<(Instruction, Option<SymbolUse>)>) -> Option<Edit> {
    let source = f.source.as_ref()?;
    let body: Vec<usize> = (0..f.code.len())
        .filter(|n| *n > 0 || f.code[0].instruction.mnemonic() != Mnemonic::Endbr64)
        .collect();
    let mut old: Vec<u32> = Vec::new();
    for n in body {
        let line = f.code[n].line?;
        // Labels and comments can be kept; two statements on a line cannot be told apart.
        Parts::of(source.lines.get(line as usize - 1)?)?;
        old.push(line);
    }
    old.sort_unstable();
    old.dedup();
    let (first, last) = (*old.first()?, *old.last()?);
    let mut drop = Vec::new();
    for n in first..=last {
        let l = source.lines[n as usize - 1].trim();
        if l.starts_with(".cfi_")
            && !l.starts_with(".cfi_startproc")
            && !l.starts_with(".cfi_endproc")
        {
            drop.push(n);
        } else if l.starts_with(".section") || l.starts_with(".text") {
            return None;
        }
    }
    new.push((Instruction::with(iced_x86::Code::Retnq), None));
    Some(Edit { old, drop, new })
}
