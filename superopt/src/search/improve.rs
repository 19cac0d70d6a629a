//! The engines as an [`Improver`] of regions, and of whole functions given as terms.

use super::chain::Params;
use super::engine::{self, Options, Outcome, Seed};
use super::loc::{self, Loc, Set};
use super::memory::{self, MemoryError, Real};
use super::opset::March;
use super::target::{Port, Target, TargetError};
use super::{equal, keys};
use crate::input::{ImproveOptions, Improvement, Improver, Place, PlaceSet, Region, Replacement};
use crate::run::Progress;
use crate::solver::SolverPool;
use iced_x86::Instruction;
use std::sync::Arc;
use std::time::Duration;
use trinity_codegen::isa::{TermId, TermPool};

/// The engines with what they share.
pub struct Engines {
    /// Solver processes.
    pub solvers: SolverPool,
    /// Counters that a display may watch.
    pub progress: Arc<Progress>,
    /// The chain's parameters.
    pub chain: Params,
    /// QUASAR over random keys, when it takes part.
    pub keys: Option<keys::Options>,
    /// A search ends when its best proven program is this old.
    pub patience: Duration,
    /// Per proof.
    pub proof_timeout: Duration,
    /// Programs to begin with; they are proven like all others.
    pub begin: Vec<Seed>,
}

impl Engines {
    /// With the defaults.
    pub fn new(solvers: SolverPool, progress: Arc<Progress>) -> Engines {
        Engines {
            solvers,
            progress,
            chain: Params::default(),
            keys: None,
            patience: Duration::from_secs(10),
            proof_timeout: Duration::from_secs(30),
            begin: Vec::new(),
        }
    }

    /// Searches a target.
    ///
    /// # Errors
    /// The reason, when the target cannot be tested.
    pub fn search(&self, t: &Target, o: &ImproveOptions) -> Result<Outcome, String> {
        let options = Options {
            deadline: o.deadline.clone(),
            jobs: o.jobs,
            seed: o.seed,
            from_scratch: o.from_scratch,
            chain: Some(self.chain.clone()),
            enumerate: true,
            shortest: None,
            egraph: Some(equal::Options::default()),
            keys: self.keys.clone(),
            patience: Some(self.patience),
            proof_timeout: self.proof_timeout,
            rlimit: None,
            solvers: &self.solvers,
            progress: &self.progress,
            resume: self.begin.clone(),
            record: engine::Record::default(),
        };
        engine::search(t, &options).map_err(|e| e.to_string())
    }

    /// Searches a target; the best program that is cheaper than `before`.
    pub fn improve_target(&self, t: &Target, before: u64, o: &ImproveOptions) -> Improvement {
        let outcome = match self.search(t, o) {
            Ok(x) => x,
            Err(why) => return Improvement::Refused(why),
        };
        match outcome.found.into_iter().find(|f| f.cost < before) {
            None => Improvement::Nothing,
            Some(f) => Improvement::Better(Box::new(Replacement {
                symbols: vec![None; f.code.len()],
                code: f.code,
                cost_before: before as f64 / 100.0,
                cost_after: f.cost as f64 / 100.0,
                engine: f.engine,
                iteration: f.iteration,
                asked: f.proof.asked(),
            })),
        }
    }
}

/// The search's place for a place of the input.
pub fn loc_of(p: Place) -> Loc {
    match p {
        Place::Gpr(n) => n.into(),
        Place::Flag(f) => loc::FLAG0 + f as Loc,
        Place::Vec(n, w) => loc::vec_word(n.into(), w.into()),
    }
}

fn set_of(s: PlaceSet) -> Set {
    s.iter().fold(0, |x, p| x | loc::bit(loc_of(p)))
}

/// The target that a region is.
///
/// # Errors
/// When the model or the search does not cover it.
pub fn target_of_region(r: &Region) -> Result<Target, TargetError> {
    let inputs: Vec<Port> = r
        .live_in
        .iter()
        .map(|p| Port {
            at: loc_of(p),
            width: input_width(&r.code, p),
        })
        .collect();
    let outputs: Vec<Port> = r
        .live_out
        .iter()
        .map(|l| Port {
            at: loc_of(l.place),
            width: l.width,
        })
        .collect();
    let scratch = set_of(r.scratch) | outputs.iter().fold(0, |s, p| s | loc::bit(p.at));
    // Inputs that are neither overwritten by the original nor scratch keep their values: they are not in `scratch`.
    Target::from_code(&r.name, &r.code, &inputs, &outputs, scratch, r.march)
}

/// How widely tests should vary an input: its whole width, or 32 bits when the code reads no more of it.
fn input_width(code: &[Instruction], p: Place) -> u32 {
    let Place::Gpr(n) = p else { return p.width() };
    let mut factory = iced_x86::InstructionInfoFactory::new();
    let mut wide = false;
    for i in code {
        for u in factory.info(i).used_registers() {
            let r = u.register();
            if r.is_gpr() && loc::gpr(r) == Loc::from(n) && r.size() == 8 {
                wide = true;
            }
        }
    }
    if wide { 64 } else { 32 }
}

/// The target of a whole function, given as terms over its inputs.
#[derive(Clone, Debug)]
pub struct FunctionTerms {
    /// For people.
    pub name: String,
    /// Holds the terms.
    pub pool: TermPool,
    /// Places the results depend on, and their variables.
    pub inputs: Vec<(Place, TermId)>,
    /// Results: place, width, value.
    pub outputs: Vec<(Place, u32, TermId)>,
    /// One bit: what holds of the inputs.
    pub precondition: TermId,
    /// One bit: the function faults.
    pub fault: TermId,
    /// Places that may be overwritten.
    pub scratch: PlaceSet,
    /// The processor level.
    pub march: March,
    /// Its code without `endbr64` and `ret`: where searches begin when it is straight-line and accesses memory.
    pub code: Vec<Instruction>,
    /// What it does to memory outside of its frame, when it does anything; its outputs are those above.
    pub real: Option<Real>,
}

/// See [`FunctionTerms`].
///
/// # Errors
/// When its accesses to memory cannot be searched.
pub fn target_of_function(f: FunctionTerms) -> Result<Target, MemoryError> {
    let outputs: Vec<Port> = f
        .outputs
        .iter()
        .map(|o| Port {
            at: loc_of(o.0),
            width: o.1,
        })
        .collect();
    let mut t = Target {
        name: f.name,
        inputs: f
            .inputs
            .iter()
            .map(|(p, _)| Port {
                at: loc_of(*p),
                width: p.width(),
            })
            .collect(),
        scratch: set_of(f.scratch) | outputs.iter().fold(0, |s, p| s | loc::bit(p.at)),
        outputs,
        pool: f.pool,
        input_terms: f.inputs.iter().map(|i| i.1).collect(),
        output_terms: f.outputs.iter().map(|o| o.2).collect(),
        precondition: f.precondition,
        fault: f.fault,
        baseline: None,
        march: f.march,
        memory: None,
    };
    if let Some(real) = f.real {
        t = memory::over_cells(t, real)?;
        if let Some(m) = &t.memory {
            t.baseline = memory::baseline(&m.cells, &f.code);
        }
    }
    let width = t.operation_width();
    for p in &mut t.inputs {
        p.width = p.width.min(width);
    }
    Ok(t)
}

impl Improver for Engines {
    fn improve(&self, region: &Region, options: &ImproveOptions) -> Improvement {
        if region.has_symbols() {
            return Improvement::Refused("it refers to symbols".into());
        }
        if region.live_out.is_empty() && !region.memory.touches.iter().any(|t| t.write) {
            return Improvement::Nothing;
        }
        match target_of_region(region) {
            Ok(t) => {
                let before = t.cost(&region.code);
                self.improve_target(&t, before, options)
            }
            Err(e) => Improvement::Refused(e.to_string()),
        }
    }
}
