//! Assembly text and objects read into functions, terms and regions.
//!
//! [`assemble`] makes an object of a text with the system's assembler, [`object`] reads its functions, [`mod@cfg`] their
//! control flow and liveness, [`terms`] makes one term-level function of them (in the domain of [`symbolic`]),
//! [`precondition`] reads conditions on inputs, and [`region`] is what engines get. [`ir`] reads regions of the compiler's
//! IR.

pub mod assemble;
pub mod branching;
pub mod cfg;
pub mod check;
pub mod compare;
pub mod effects;
pub mod error;
pub mod ir;
pub mod line;
pub mod liveout;
pub mod march;
pub mod object;
pub mod place;
pub mod precondition;
pub mod region;
pub mod regions;
pub mod replay;
pub mod rewrite;
pub mod symbolic;
pub mod terms;
pub mod whole;
mod witness;

pub use error::{InputError, InputProblem, Refusal};
pub use object::{Function, Unit};
pub use place::{Place, PlaceSet};
pub use region::{
    Footprint, ImproveOptions, Improvement, Improver, LiveOut, Region, Replacement, SymbolField,
    SymbolKind, SymbolUse, Touch,
};
pub use terms::{ProgramTerms, Setup};
