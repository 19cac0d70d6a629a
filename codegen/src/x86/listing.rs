//! Disassembly listings.
