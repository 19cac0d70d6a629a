//! The store of proven results.
