//! Translation validation: the machine code of a function against the SSA form that it was made from, region by region.
//!
//! A region is a block of the SSA form. Both sides are executed in terms: the block by what its instructions mean, the bytes decoded again and by what the
//! processor does ([`trinity_codegen::isa`]). Which places (registers, spill slots) hold which values at a block's start is nothing that the compiler tells:
//! it is found, by going from the entry along all edges and looking which places hold a value that lives on, until nothing changes (`flow`). So neither
//! selection, nor the register allocator, nor the encoder is trusted.
//!
//! Of each region is proven, for all contents of registers and memory that its start allows: it makes the same calls with the same arguments, memory and
//! values named at safe points; it leaves on the same way; memory, the stack pointer, the pinned registers and results are the same there; it touches no
//! memory that the block does not, and divides nothing that the block does not. What is assumed is in docs/verify.md.
//!
//! By induction over the regions that are executed a function does what its SSA form does if all of its regions are proven; one that is not leaves the
//! others' proofs with the assumption that it hands over what they start with.

mod boolean;
mod division;
mod domain;
mod flow;
mod logic;
mod machine;
mod near;
pub mod rewrite;
mod samples;
mod ssa;
#[cfg(test)]
mod tests;
mod values;
pub mod weights;

use crate::proof::{self, Limits, Pair, Query};
use crate::report::verdict::Verdict;
use crate::solver::{PoolConfig, SolverPool};
use domain::Terms;
use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Instruction};
use machine::Duty;
use std::collections::HashMap;
use std::path::PathBuf;
use trinity_codegen::isa::{Domain, TermId};
use trinity_codegen::{CompiledFunction, Kept, Reloc};

/// What may be spent.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Z3's work for one question.
    pub rlimit: u64,
    /// Questions put to a solver for one function.
    pub questions: u32,
    /// Executions of regions until places are known, for each region of a function.
    pub rounds: u32,
    /// Seed of the inputs that are tried.
    pub seed: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            rlimit: 3_000_000,
            questions: 400,
            rounds: 40,
            seed: 1,
        }
    }
}

/// What became of a region.
#[derive(Clone, PartialEq, Debug)]
pub struct Region {
    /// The block.
    pub block: u32,
    /// Where its code begins.
    pub offset: u32,
    /// Offsets of all instructions that are executed for it, each once.
    pub instructions: Vec<u32>,
    /// What was found.
    pub verdict: Verdict,
    /// What differs, or was not decided.
    pub what: String,
    /// How many things had to be equal that were not one term.
    pub asked: u32,
}

/// What became of a function.
#[derive(Clone, PartialEq, Debug)]
pub struct Validation {
    /// Its regions, by offset.
    pub regions: Vec<Region>,
}

/// A function's code, decoded.
pub struct Code<'a> {
    function: &'a CompiledFunction,
    instructions: Vec<Instruction>,
    /// By offset.
    index: HashMap<u32, usize>,
    /// By offset: where the displacement of an instruction that has one is.
    displacement: HashMap<u32, u32>,
    /// Offsets where regions begin.
    blocks_at: HashMap<u32, ()>,
}

impl<'a> Code<'a> {
    fn new(function: &'a CompiledFunction, starts: &[u32]) -> Code<'a> {
        let text = &function.code[..(function.text_len as usize).min(function.code.len())];
        let mut decoder = Decoder::new(64, text, DecoderOptions::NONE);
        let mut code = Code {
            function,
            instructions: Vec::new(),
            index: HashMap::new(),
            displacement: HashMap::new(),
            blocks_at: starts.iter().map(|o| (*o, ())).collect(),
        };
        while decoder.can_decode() {
            let i = decoder.decode();
            let at = i.ip() as u32;
            if i.is_invalid() {
                continue;
            }
            let fields = decoder.get_constant_offsets(&i);
            if fields.has_displacement() {
                let field = at + fields.displacement_offset() as u32;
                code.displacement.insert(at, field);
            }
            code.index.insert(at, code.instructions.len());
            code.instructions.push(i);
        }
        code
    }

    fn reloc_in(&self, from: u32, to: u32) -> Option<&Reloc> {
        let relocs = &self.function.relocs;
        let n = relocs.partition_point(|r| r.offset < from);
        relocs.get(n).filter(|r| r.offset < to)
    }

    fn text(&self, i: &Instruction) -> String {
        let mut s = String::new();
        GasFormatter::new().format(i, &mut s);
        s
    }
}

/// Compares a function's machine code with what it was made from. Without solvers what differs is still found by evaluation; what would need a proof
/// beyond terms stays open.
pub fn validate(
    kept: &Kept,
    function: &CompiledFunction,
    budget: &Budget,
    solvers: Option<&SolverPool>,
) -> Validation {
    let none = SolverPool::new(PoolConfig::new(PathBuf::from("no trinity-solver")));
    flow::Flow::new(kept, function, budget, solvers.unwrap_or(&none)).run()
}

/// How much less work there may be of a question that should be easy, whether a few comparisons say enough; and of how many more.
const EASIER: u32 = 16;

/// What may be spent from here on.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Z3's work for one question.
    rlimit: u64,
    /// Questions.
    left: u32,
}

/// Decides duties, and counts what that costs.
struct Judge<'s> {
    budget: &'s Budget,
    solvers: &'s SolverPool,
    /// What may be spent on the next ones.
    effort: Effort,
    known: HashMap<Question, Verdict>,
}

/// Two words, premises, and the work that there may be of it.
type Question = (TermId, TermId, Vec<TermId>, u64);

impl<'s> Judge<'s> {
    fn new(budget: &'s Budget, solvers: &'s SolverPool) -> Judge<'s> {
        Judge {
            budget,
            solvers,
            effort: Effort {
                rlimit: budget.rlimit,
                left: budget.questions,
            },
            known: HashMap::new(),
        }
    }

    /// From here on questions are easy ones, with a limit of their own. What there was is put back when they have been asked.
    fn easier(&mut self) -> Effort {
        let easy = Effort {
            rlimit: self.budget.rlimit / u64::from(EASIER),
            left: self.budget.questions.saturating_mul(EASIER),
        };
        std::mem::replace(&mut self.effort, easy)
    }

    /// Whether two words are equal wherever all of `path` and of `given` holds; with what differs.
    fn decide(&mut self, d: &mut Terms<'_>, duty: &Duty, given: &[TermId]) -> (Verdict, String) {
        let Duty {
            ssa, machine, path, ..
        } = duty;
        if ssa == machine {
            return (Verdict::Proven, String::new());
        }
        if d.pool.term_width(*ssa) == 1 {
            let same = d.pool.eq(ssa, machine);
            if logic::implies(&d.pool, path, same) {
                return (Verdict::Proven, String::new());
            }
        }
        let nothing = d.bit(false);
        if !path.is_empty() && logic::implies(&d.pool, path, nothing) {
            return (Verdict::Proven, String::new());
        }
        let mut premises = path.clone();
        premises.extend(given);
        let key = (*ssa, *machine, premises, self.effort.rlimit);
        if let Some(v) = self.known.get(&key) {
            return (v.clone(), duty.what.clone());
        }
        let near = near::near(&d.pool, &[*ssa, *machine], &key.2);
        if near.len() < near::conjuncts(&d.pool, &key.2).len() {
            let effort = self.easier();
            let found = self.ask(d, duty, &near);
            self.effort = effort;
            if found.0 == Verdict::Proven {
                self.known.insert(key, Verdict::Proven);
                return found;
            }
        }
        let (verdict, what) = self.ask(d, duty, &key.2);
        self.known.insert(key, verdict.clone());
        (verdict, what)
    }

    fn ask(&mut self, d: &mut Terms<'_>, duty: &Duty, premises: &[TermId]) -> (Verdict, String) {
        let Some(left) = self.effort.left.checked_sub(1) else {
            return (Verdict::Timeout, duty.what.clone());
        };
        self.effort.left = left;
        let mut query = Query::words(Vec::new());
        query.precondition = premises.to_vec();
        if d.pool.term_width(duty.ssa) == 0 {
            query.left.memories.push(duty.ssa);
            query.right.memories.push(duty.machine);
        } else {
            query
                .outputs
                .push(Pair::new("word", duty.ssa, duty.machine));
        }
        let limits = Limits {
            tests: 256,
            ..Limits::deterministic(self.effort.rlimit, self.budget.seed)
        };
        let result = proof::prove(&mut d.pool, &query, &limits, self.solvers);
        let verdict = match result.verdict {
            // Nothing runs on a way whose conditions contradict each other.
            Verdict::Vacuous | Verdict::ProvenUnderPrecondition => Verdict::Proven,
            v => v,
        };
        let mut what = duty.what.clone();
        if let Some(input) = result.counterexample {
            let names = d.pool.variables();
            let values = input.variables.iter().filter(|v| *v.1 != 0).take(6);
            let values: Vec<String> = values
                .map(|(t, v)| match d.pool.node(*t) {
                    trinity_codegen::isa::Node::Var(n) => {
                        format!("{}={v:#x}", names[n as usize].name)
                    }
                    _ => format!("{v:#x}"),
                })
                .collect();
            what = format!("{what} (with {})", values.join(", "));
        }
        (verdict, what)
    }
}
