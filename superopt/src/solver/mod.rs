//! Queries put to a solver process: protocol, limits, answers.
