//! Assembly text and objects read into functions, terms and regions.

pub mod place;
pub mod region;

pub use place::{Place, PlaceSet};
pub use region::{
    Footprint, ImproveOptions, Improvement, Improver, LiveOut, Region, Replacement, SymbolField,
    SymbolKind, SymbolUse, Touch,
};
