//! Differential fuzzing and the drivers of whole-program tests.

pub mod fuzz;
pub mod generate;
pub mod run;
pub mod suite;
