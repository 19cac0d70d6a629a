//! Bytecode to SSA, with guards and exits.
