//! The searches for code: Markov chain, random keys, enumeration, and what they share.

pub mod chain;
pub mod check;
pub mod cost;
pub mod engine;
pub mod equal;
pub mod improve;
pub mod joint;
pub mod keys;
pub mod lanes;
pub mod loc;
pub mod memory;
pub mod network;
pub mod opset;
pub mod program;
pub mod sequence;
pub mod shortest;
pub mod tape;
pub mod target;
pub mod tests;
pub mod values;
pub mod variant;
