//! Processors of programs: what a function needs, and functions held to what a processor has.
//!
//! What an instruction means can depend on the processor: below their level `tzcnt` and `lzcnt` decode as `bsf` and
//! `bsr`. So a program is compared for processors that have all its forms, and for no others.

use super::compare::Behaviour;
use super::error::{InputError, InputProblem, Refusal};
use super::liveout::Result as LiveResult;
use super::object::Function;
use super::terms::{ProgramTerms, Setup};
use crate::report::parts;
use trinity_codegen::isa::March;

/// The least that has all instructions of a function. Those that nothing has are refused by the model anyway.
pub fn needed(f: &Function) -> March {
    let needs = f
        .code
        .iter()
        .filter_map(|i| March::of(i.instruction.code()));
    needs.fold(March::V1, March::or)
}

/// A program that is refused where it needs more than a processor has.
pub struct Within<'a> {
    /// The program.
    pub program: &'a dyn Behaviour,
    /// What the processor has.
    pub march: March,
    /// As it was asked for.
    pub asked: &'a str,
}

impl Behaviour for Within<'_> {
    fn name(&self) -> &str {
        self.program.name()
    }
    fn terms(&self, setup: &mut Setup) -> Result<ProgramTerms, InputError> {
        if let Some(f) = self.program.function() {
            for (n, i) in f.code.iter().enumerate() {
                let needs = March::of(i.instruction.code());
                if !needs.is_some_and(|n| self.march.includes(n)) {
                    let why = Refusal::March(needs, self.asked.to_owned());
                    return Err(InputError::new(
                        &f.file,
                        i.line,
                        InputProblem::Refused {
                            instruction: i.text(),
                            address: f.offset(n),
                            why,
                        },
                    ));
                }
            }
        }
        self.program.terms(setup)
    }
    fn function(&self) -> Option<&Function> {
        self.program.function()
    }
    fn results(&self) -> Option<Vec<LiveResult>> {
        self.program.results()
    }
    fn listing(&self) -> parts::Program {
        self.program.listing()
    }
}
