//! Terms printed as SMT-LIB.
