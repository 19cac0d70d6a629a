//! The x86-64 instruction table, encoder and listings.
