//! Small functions with known results.
