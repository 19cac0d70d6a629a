//! Searches that last: configuration, progress, saved state.
