//! Terms printed as SMT-LIB.
//!
//! Only bit-vectors and booleans appear: `proof` takes memories, floating point and the compound operations apart
//! before it prints. Where floating point has to be exact, [`float`] defines each result in the solver's theory. Words of one bit are booleans, so that conditions need no detour. Sharing is kept: one query
//! binds shared nodes with `let`, level by level of the graph (no recursion, and depth costs no nesting beyond the
//! levels); a session gives each node a name with `declare-fun` and an equality. `define-fun` is never used
//! (Boolector 1.5 rejects it).

pub mod float;
mod print;

pub use print::{LOGIC, NotPrintable, SessionPrinter, one_shot, symbol};
