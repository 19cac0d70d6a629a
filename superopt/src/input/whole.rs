//! A whole function as one target: branches converted, local variables gone, its body replaced as one. Parts with
//! branches become targets in the same way.

use super::compare::{Behaviour, Question};
use super::error::{InputError, Refusal};
use super::line::Parts;
use super::object::Function;
use super::place::{Place, PlaceSet};
use super::precondition::parse;
use super::region::SymbolUse;
use super::rewrite::Edit;
use super::terms::{ProgramTerms, Setup};
use crate::proof::Effects;
use crate::search::improve::{FunctionTerms, target_of_function};
use crate::search::memory::{MemoryError, Real};
use crate::search::opset::March;
use crate::search::target::Target;
use iced_x86::{FlowControl, Instruction, Mnemonic};
use trinity_codegen::isa::{BinOp, Domain, Node, TermId};

/// A function as a target.
pub struct Whole {
    /// For the engines.
    pub terms: FunctionTerms,
    /// Its own instructions, every one once, without the return.
    pub body: Vec<Instruction>,
    /// The instruction of each of its accesses to memory.
    access_at: Vec<usize>,
}

/// Why a function is not a target as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotWhole {
    /// Something in it is not covered.
    Input(InputError),
    /// Something about all of it.
    Because(&'static str),
}

impl std::fmt::Display for NotWhole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotWhole::Input(e) => e.fmt(f),
            NotWhole::Because(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NotWhole {}

impl Whole {
    /// The search's target.
    ///
    /// # Errors
    /// When its memory cannot be searched, with the place.
    pub fn target(&self, f: &Function) -> Result<Target, String> {
        target_of_function(self.terms.clone()).map_err(|e| {
            match place_of(&e, Some(f), &self.access_at) {
                Some(placed) => placed.to_string(),
                None => e.to_string(),
            }
        })
    }
}

/// An address that cannot be searched, with its instruction; `access_at` are those of the accesses.
pub fn place_of(e: &MemoryError, f: Option<&Function>, access_at: &[usize]) -> Option<InputError> {
    match e {
        MemoryError::Address(k) => Some(f?.refuse(*access_at.get(*k)?, Refusal::Address)),
        _ => None,
    }
}

/// The function as a target, when every loop of it ends by itself and its accesses to memory outside of its frame are
/// the same on all paths.
///
/// # Errors
/// Why it is not.
pub fn whole_function(f: &Function, q: &Question, march: March) -> Result<Whole, NotWhole> {
    let mut setup = Setup::new(64);
    let t = f.terms(&mut setup).map_err(NotWhole::Input)?;
    if !t.complete {
        return Err(NotWhole::Because("it has a loop that inputs keep going"));
    }
    if let Some(n) = t.conditional {
        return Err(NotWhole::Input(f.refuse(n, Refusal::SomePaths)));
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
        let why = "it has no result, or a register that it should preserve changes";
        return Err(NotWhole::Because(why));
    }
    let state = setup.initial.clone();
    let precondition = match &q.precondition {
        Some(text) => match parse(&mut setup.pool, &state, text) {
            Ok(p) => p.0,
            Err(_) => return Err(NotWhole::Because("the precondition is not understood")),
        },
        None => setup.pool.bit(true),
    };
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
    let plain = |i: &&Instruction| i.mnemonic() != Mnemonic::Endbr64;
    let code: Vec<Instruction> = body.iter().filter(plain).copied().collect();
    let outer = Surroundings {
        name: &f.name,
        scratch,
        march,
        code: &code,
    };
    let terms = target_terms(setup, &t, outputs, precondition, outer).map_err(NotWhole::Because)?;
    Ok(Whole {
        terms,
        body,
        access_at: t.access_at,
    })
}

/// What a target has besides its terms.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// For people.
    pub name: &'a str,
    /// Places that may be overwritten.
    pub scratch: PlaceSet,
    /// The processor.
    pub march: March,
    /// The code, every instruction once.
    pub code: &'a [Instruction],
}

/// What an engine gets of a program's terms, none of its accesses on some paths only.
///
/// # Errors
/// Where a result depends on what no input is, in words.
pub fn target_terms(
    mut setup: Setup,
    t: &ProgramTerms,
    outputs: Vec<(Place, u32, TermId)>,
    precondition: TermId,
    outer: Surroundings<'_>,
) -> Result<FunctionTerms, &'static str> {
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
    // A function's entry has a stack pointer that is no variable: its bytes are the frame's, and it is no number.
    let is_variable = |t: &TermId| matches!(setup.pool.node(*t), Node::Var(_));
    let inputs: Vec<_> = PlaceSet::ALL
        .iter()
        .map(|p| (p, setup.initial.at(p)))
        .filter(|(_, t)| needed.contains(t) && is_variable(t))
        .collect();
    let undefined = |t: &TermId| match setup.pool.node(*t) {
        Node::Var(v) => setup.pool.variables()[v as usize].undefined,
        _ => false,
    };
    if needed.iter().any(undefined) {
        return Err("a result depends on something the architecture leaves undefined");
    }
    let known = |t: &TermId| !is_variable(t) || inputs.iter().any(|i| i.1 == *t);
    if !needed.iter().all(known) {
        return Err("its result depends on the stack pointer");
    }
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
    Ok(FunctionTerms {
        name: outer.name.to_owned(),
        pool: setup.pool,
        inputs,
        outputs,
        precondition,
        fault,
        scratch: outer.scratch,
        march: outer.march,
        code: outer.code.to_vec(),
        real,
    })
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
