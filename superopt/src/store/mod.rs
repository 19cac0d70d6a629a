//! The store of proven results.

pub mod sha256;
