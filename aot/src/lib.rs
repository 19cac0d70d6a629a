//! trinityc: the ahead-of-time compiler.

pub mod cleanup;
pub mod cli;
pub mod debug;
pub mod exit;
pub mod image;
pub mod link;
pub mod names;
pub mod output;
pub mod source;
pub mod unit;
pub mod write;
