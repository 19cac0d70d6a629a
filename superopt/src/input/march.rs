//! Processor levels of programs: the one a function needs, and functions held to one.
//!
//! What an instruction means can depend on the processor: below their level `tzcnt` and `lzcnt` decode as `bsf` and
//! `bsr`. So a program is compared for processors that have all its forms, and for no others.

use super::compare::Behaviour;
use super::error::{InputError, InputProblem, Refusal};
use super::liveout::Result as LiveResult;
use super::object::Function;
use super::terms::{ProgramTerms, Setup};
use crate::report::parts;
use trinity_codegen::isa::forms::{Level, level};

/// The lowest level that has all instructions of a function.
pub fn needed(f: &Function) -> Level {
    let levels = f.code.iter().map(|i| level(i.instruction.code()));
    levels.max().unwrap_or(Level::V1)
}

/// A program that is refused where it needs more than a level.
pub struct Within<'a> {
    /// The program.
    pub program: &'a dyn Behaviour,
    /// The level.
    pub level: Level,
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
                let needs = level(i.instruction.code());
                if needs > self.level {
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
