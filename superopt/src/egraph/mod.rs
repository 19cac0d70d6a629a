//! Equality saturation over the pure operations of the compiler's IR.
